"""The streamed grid against a direct call; its memory; and what a dead worker costs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from ixs_core.errors import Cancelled, InputError
from ixs_core.jobs import CancelToken
from ixs_core.provenance import Provenance, sha256_of
from ixs_reduce.resolution import Resolution
from simulate.phonons import GridSpectra, LinewidthTable, PhononModel, QGrid, parse_grid, write_grid
from tests.simulate.spring_crystals import triclinic, zincblende

REPOSITORY = Path(__file__).resolve().parents[2]
GRID = QGrid((0.1, 2.1, 5), (-1.0, 1.0, 4), (0.3, 0.3, 1))
RESOLUTION = Resolution.from_components([("gaussian", 1.0, 0.0, 1.5)])


@pytest.fixture(scope="module")
def model() -> PhononModel:
    return PhononModel.of(zincblende())


def read(path: Path) -> dict[str, np.ndarray]:
    with h5py.File(path) as h5:
        return {name: item[()] for name, item in h5["entry/sqe"].items()}


@pytest.mark.parametrize("size", [1, 3, 7, 20, 64, 1000])
@pytest.mark.parametrize("shape", [(5, 4, 3), (1, 7, 2), (6, 1, 1), (2, 3, 40)])
def test_blocks_cover_the_grid_once(shape, size):
    grid = QGrid(*[(0.0, 1.0, n) for n in shape])
    covered = np.zeros(shape, dtype=int)
    for block in grid.blocks(size):
        covered[block] += 1
        assert covered[block].size <= size
    assert (covered == 1).all()
    assert len(grid.blocks(size)) <= 4 * np.prod(shape) / min(size, min(shape)) + 1


def test_file_holds_what_a_direct_call_gives(model, tmp_path):
    path = tmp_path / "grid.h5"
    seen = []
    write_grid(
        path, model, GRID, 300.0, form_factor={"Ga": "Ga3+"}, energy_kev=21.7,
        progress=lambda *step: seen.append(step),
    )  # fmt: skip
    data = read(path)
    q = np.stack(np.meshgrid(data["h"], data["k"], data["l"], indexing="ij"), -1).reshape(-1, 3)
    direct = model.structure_factor(q, 300.0, {"Ga": "Ga3+"}, energy_kev=21.7)
    assert data["energy"].shape == (5, 4, 1, 6)
    assert data["energy"].reshape(-1, 6) == pytest.approx(direct.energy_mev, abs=1e-12)
    assert data["intensity"].reshape(-1, 6) == pytest.approx(direct.intensity, rel=1e-12)
    assert (data["mode"] == np.arange(1, 7)).all()
    assert seen[-1][0] == seen[-1][1] == len(GRID.blocks())


def test_file_is_nexus_and_says_how_it_was_made(model, tmp_path):
    path = tmp_path / "grid.h5"
    write_grid(path, model, GRID, 300.0, debye_waller="none")
    with h5py.File(path) as h5:
        entry = h5[h5.attrs["default"]]
        data = entry[entry.attrs["default"]]
        assert (entry.attrs["NX_class"], data.attrs["NX_class"]) == ("NXentry", "NXdata")
        assert list(data.attrs["axes"]) == ["h", "k", "l", "mode"]
        assert data[data.attrs["signal"]].attrs["units"] == "e^2 per primitive cell"
        assert data["energy"].attrs["units"] == "meV"
        assert data.attrs["imaginary_modes"] == 0
        record = Provenance.from_json(entry["process/record"].asstr()[()])
    assert record.settings["debye_waller"] == "none"
    assert record.settings["grid"]["h"] == [0.1, 2.1, 5]
    assert record.sources == (("springs", ""),)


def test_spectra_on_the_grid(model, tmp_path):
    energy = np.linspace(-5, 30, 36)
    table = LinewidthTable(np.array([0.0, 40.0]), np.array([0.1, 2.0]))
    path = tmp_path / "sqe.h5"
    write_grid(path, model, GRID, 200.0, spectra=GridSpectra(energy, RESOLUTION, table))
    data = read(path)
    assert data["intensity"].shape == (5, 4, 1, 36)
    q = [data["h"][3], data["k"][1], data["l"][0]]
    direct = model.spectrum(q, energy, RESOLUTION, table, 200.0)[0]
    assert data["intensity"][3, 1, 0] == pytest.approx(direct, rel=1e-6)
    assert data["energy"] == pytest.approx(energy)


def test_threads_give_the_same_file(model, tmp_path):
    for workers in (1, 3):
        write_grid(tmp_path / f"{workers}.h5", model, GRID, 300.0, workers=workers)
    one, three = (read(tmp_path / f"{workers}.h5") for workers in (1, 3))
    assert all((one[name] == three[name]).all() for name in one)


def test_cancelled_grid_leaves_the_earlier_file(model, tmp_path):
    path = tmp_path / "grid.h5"
    write_grid(path, model, GRID, 300.0, debye_waller="none")
    earlier = path.read_bytes()
    token = CancelToken()
    grid = QGrid((0, 1, 30), (0, 1, 30), (0, 1, 30))
    with pytest.raises(Cancelled):
        write_grid(
            path, model, grid, 300.0, debye_waller="none", cancel=token,
            progress=lambda *_: token.cancel(),
        )  # fmt: skip
    assert path.read_bytes() == earlier
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_is_no_grid_is_not_replaced(model, tmp_path):
    path = tmp_path / "notes.h5"
    path.write_text("years of work")
    with pytest.raises(InputError, match="not replaced"):
        write_grid(path, model, GRID, 300.0, debye_waller="none")
    assert path.read_text() == "years of work"


def test_sources_are_recorded(model, tmp_path):
    source = tmp_path / "fc.yaml"
    source.write_text("phonons")
    write_grid(tmp_path / "g.h5", model, GRID, 300.0, debye_waller="none", sources=[source])
    with h5py.File(tmp_path / "g.h5") as h5:
        record = Provenance.from_json(h5["entry/process/record"].asstr()[()])
    assert record.sources == (("fc.yaml", sha256_of(source)),)


def test_grid_from_text():
    assert parse_grid("0:2:41, 1/2:1:3 -0.5") == QGrid((0, 2, 41), (0.5, 1, 3), (-0.5, -0.5, 1))


@pytest.mark.parametrize("text", ["", "0:1:3 0:1:3", "0:1 0 0", "a 0 0", "0:1:2.5 0 0", "1/0 0 0"])
def test_what_is_no_grid(text):
    with pytest.raises(InputError, match="--grid"):
        parse_grid(text)


@pytest.mark.parametrize("axis", [(0, 1), (0, 1, 0), (0, np.inf, 3), (0, 1, 2.5)])
def test_what_is_no_axis(axis):
    with pytest.raises(InputError, match="'k'"):
        QGrid((0, 1, 2), axis, (0, 1, 2))


def test_processes_write_the_same_file(model, tmp_path):
    pytest.importorskip("distributed")
    write_grid(tmp_path / "threads.h5", model, GRID, 300.0)
    write_grid(tmp_path / "processes.h5", model, GRID, 300.0, scheduler="local:2")
    one, other = read(tmp_path / "threads.h5"), read(tmp_path / "processes.h5")
    assert all(one[name] == pytest.approx(other[name], abs=1e-12) for name in one)


class Mortal(PhononModel):
    """A model whose first block begun in the second half kills its worker."""

    def structure_factor(self, q_hkl, temperature_k, *args, **kwargs):
        mark = Path(os.environ["IXS_TEST_MARK"])
        if np.min(np.asarray(q_hkl)[:, 0]) > 1.0 and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().structure_factor(q_hkl, temperature_k, *args, **kwargs)


@pytest.mark.slow
def test_worker_killed_half_way_costs_only_its_blocks(tmp_path, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setenv("IXS_TEST_MARK", str(tmp_path / "died"))
    plain = PhononModel.of(triclinic())
    mortal = Mortal(plain.force_constants, plain.dynamical_matrix)
    grid = QGrid((0, 2, 41), (0, 1, 30), (0, 1, 30))
    write_grid(
        tmp_path / "killed.h5", mortal, grid, 300.0, debye_waller="none", scheduler="local:2"
    )
    assert (tmp_path / "died").exists()
    write_grid(tmp_path / "threads.h5", plain, grid, 300.0, debye_waller="none")
    one, other = read(tmp_path / "threads.h5"), read(tmp_path / "killed.h5")
    assert all(np.abs(one[name] - other[name]).max() < 1e-9 for name in ("energy", "intensity"))
    assert (one["intensity"].sum(axis=-1) > 0).mean() > 0.99


PROGRAM = """
import resource, sys
from simulate.phonons import PhononModel, QGrid, parse_grid, write_grid
from tests.simulate.spring_crystals import zincblende
n = int(sys.argv[1])
model = PhononModel.of(zincblende())
grid = QGrid((0.01, 2, n), (0.01, 2, 100), (0.01, 2, 100))
write_grid(sys.argv[2], model, grid, 300.0, debye_waller="none")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
def test_memory_is_flat_from_ten_thousand_to_a_million(tmp_path):
    peaks = []
    for n in (1, 100):
        ended = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(n), str(tmp_path / f"{n}.h5")],
            cwd=REPOSITORY, capture_output=True, text=True, check=True,
        )  # fmt: skip
        peaks.append(int(ended.stdout) / 1024)
    with h5py.File(tmp_path / "100.h5") as h5:
        signal_ = h5["entry/sqe/intensity"]
        assert signal_.shape == (100, 100, 100, 6)
        assert (signal_[-1, -1] > 0).any(axis=-1).all()
    assert peaks[1] < peaks[0] + 40, f"{peaks} MiB"
