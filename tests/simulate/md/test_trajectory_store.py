"""The store of trajectories."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from ixs_core.errors import Cancelled, InputError
from ixs_core.jobs import CancelToken
from simulate.cli.md_convert import convert
from simulate.cli.md_info import info
from simulate.md import store
from simulate.md.reading import read_trajectory
from simulate.md.store import write_store
from simulate.md.unwrapping import LargeStepWarning
from tests.simulate.md.memory_trajectory import memory_trajectory
from tests.simulate.md.trajectory_files import (
    TRICLINIC,
    TYPES,
    small_run,
    write_extended_xyz,
    write_lammps,
)


def test_store_keeps_everything_to_single_precision(tmp_path: Path) -> None:
    run = small_run(TRICLINIC, 600)
    path = write_lammps(tmp_path / "run.dump", run, "id type x y z vx vy vz")
    source = read_trajectory(path, TYPES, 10.0)
    write_store(source, tmp_path / "run.h5")
    stored = read_trajectory(tmp_path / "run.h5")
    assert (stored.species, stored.n_frames, stored.dt_fs) == (run.species, 600, 10.0)
    assert stored.has_velocities
    assert not stored.varying_cell
    assert stored.reference is None
    assert stored.notes == source.notes
    np.testing.assert_array_equal(stored.cell, source.cell)
    expected, found = source.read(), stored.read()
    span = np.abs(expected.positions - expected.positions[0]).max()
    np.testing.assert_allclose(found.positions, expected.positions, rtol=0, atol=6e-8 * span)
    np.testing.assert_allclose(found.velocities, expected.velocities, rtol=1.2e-7)
    atoms = np.array([9, 0, 4])
    part = pickle.loads(pickle.dumps(stored)).read(250, 262, atoms)  # noqa: S301
    np.testing.assert_array_equal(part.positions, found.positions[250:262][:, atoms])
    np.testing.assert_array_equal(part.velocities, found.velocities[250:262][:, atoms])


def test_layout_of_the_store(tmp_path: Path) -> None:
    """Chunks of 256 frames and 1024 atoms in single precision, and what H5MD asks for."""
    positions = np.zeros((300, 1500, 3))
    trajectory = memory_trajectory(positions, ("Cu",) * 1500, np.eye(3) * 50, 5.0)
    write_store(trajectory, tmp_path / "run.h5")
    with h5py.File(tmp_path / "run.h5") as h5:
        values = h5["particles/all/displacement/value"]
        assert values.chunks == (256, 1024, 3)
        assert values.dtype == np.float32
        assert "velocity" not in h5["particles/all"]
        assert list(h5["h5md"].attrs["version"]) == [1, 1]
        assert h5["particles/all/box"].attrs["dimension"] == 3
        assert h5["particles/all/species"][0] == 29
        assert list(h5["particles/all/id"][[0, -1]]) == [1, 1500]


def test_atoms_of_several_chunks(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    positions = rng.random((20, 2500, 3)) * 40
    trajectory = memory_trajectory(positions, ("I",) * 2500, np.eye(3) * 40, 5.0)
    write_store(trajectory, tmp_path / "run.h5")
    atoms = rng.permutation(2500)[:40]
    block = read_trajectory(tmp_path / "run.h5").read(3, 9, atoms)
    np.testing.assert_allclose(block.positions, positions[3:9][:, atoms], atol=1e-5)


def test_sites_and_temperature_are_kept(tmp_path: Path, shared_data: Path) -> None:
    source = read_trajectory(shared_data / "cscu2i3" / "md" / "md_300K_small.h5")
    write_store(source, tmp_path / "run.h5")
    stored = read_trajectory(tmp_path / "run.h5")
    assert stored.temperature_k == 300.0
    np.testing.assert_allclose(stored.reference, source.reference, atol=1e-12)
    np.testing.assert_allclose(stored.read().positions, source.read().positions, atol=1e-6)
    again = read_trajectory(tmp_path / "run.h5")
    assert again.sha256 == stored.sha256 != source.sha256


def test_what_stops_leaves_the_old_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "run.h5"
    positions = np.zeros((300, 4, 3))
    trajectory = memory_trajectory(positions, ("Cu",) * 4, np.eye(3) * 9, 5.0)
    write_store(trajectory, path)
    older = path.read_bytes()
    token = CancelToken()
    with pytest.raises(Cancelled):
        write_store(trajectory, path, cancel=token, progress=lambda *_: token.cancel())
    with pytest.raises(InputError, match="folder does not exist"):
        write_store(trajectory, tmp_path / "none" / "run.h5")
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(store.shutil, "disk_usage", lambda _: usage(1, 1, 1000))
    with pytest.raises(InputError, match="too little room"):
        write_store(trajectory, path)
    assert path.read_bytes() == older
    assert [file.name for file in tmp_path.iterdir()] == ["run.h5"]


def test_nothing_but_a_store_is_replaced(tmp_path: Path) -> None:
    trajectory = memory_trajectory(np.zeros((3, 4, 3)), ("Cu",) * 4, np.eye(3) * 9, 5.0)
    for name, content in (("notes.h5", b"older"), ("table.h5", None)):
        path = tmp_path / name
        if content is None:
            with h5py.File(path, "w") as h5:
                h5["x"] = 1
        else:
            path.write_bytes(content)
        before = path.read_bytes()
        with pytest.raises(InputError, match="no store of a trajectory"):
            write_store(trajectory, path)
        assert path.read_bytes() == before


def test_unsure_steps_are_noted(tmp_path: Path) -> None:
    """Atoms that move by 0.45 of the cell from frame to frame are unwrapped, with a warning."""
    run = small_run(n_frames=12)
    jumps = 0.45 * run.cell[0] * np.arange(12)[:, None, None]
    path = write_lammps(
        tmp_path / "a.dump", replace(run, positions=run.positions + jumps), "id type xs ys zs"
    )
    with pytest.warns(LargeStepWarning):
        write_store(read_trajectory(path, TYPES, 10.0), tmp_path / "run.h5")
    notes = read_trajectory(tmp_path / "run.h5").notes
    assert any("132 steps exceed 0.4 of the cell" in note for note in notes)


def test_damaged_store(tmp_path: Path) -> None:
    trajectory = memory_trajectory(np.zeros((3, 4, 3)), ("Cu",) * 4, np.eye(3) * 9, 5.0)
    write_store(trajectory, tmp_path / "run.h5")
    with h5py.File(tmp_path / "run.h5", "r+") as h5:
        del h5["particles/all/reference"]
    with pytest.raises(InputError, match=r"damaged.*convert again"):
        read_trajectory(tmp_path / "run.h5")


def test_commands(tmp_path: Path) -> None:
    app = typer.Typer()
    app.command()(info)
    app.command()(convert)
    run = small_run(n_frames=4)
    dump = write_lammps(tmp_path / "run.dump", run, "id type xu yu zu")
    xyz = write_extended_xyz(tmp_path / "run.xyz", run)
    types = ["--type-map", "1:Cs,2:Cu,3:I"]

    def ran(*words: object) -> str:
        result = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.stdout

    record = json.loads(ran("info", dump, *types, "--json"))
    assert (record["atoms"], record["frames"], record["dt_fs"]) == (12, 4, None)
    assert record["species"] == {"Cs": 4, "Cu": 4, "I": 4}
    assert record["cell"] == run.cell.tolist()
    assert record["has_velocities"] is False
    both = json.loads(ran("info", dump, xyz, *types, "--json"))
    assert [item["has_velocities"] for item in both] == [False, True]
    assert "8.000 9.000 7.500" in ran("info", dump, *types)
    out = tmp_path / "run.h5"
    record = json.loads(ran("convert", dump, "-o", out, *types, "--dt", 10, "--json"))
    assert (record["frames"], record["dt_fs"]) == (4, 10.0)
    assert "12 atoms, 4 frames of 10 fs" in ran("convert", xyz, "-o", out)
    assert json.loads(ran("info", out, "--json"))["dt_fs"] == pytest.approx(10.0)
    with pytest.raises(InputError, match="take the place of its source"):
        ran("convert", out, "-o", out)
    with pytest.raises(InputError, match="no map of types"):
        ran("info", dump, "--type-map", "1:Cs,2")


_CONVERT = """
import resource, sys
from pathlib import Path
from simulate.md.reading import read_trajectory
from simulate.md.store import write_store
from simulate.md.unwrapping import LargeStepWarning
source = read_trajectory(Path(sys.argv[1]), {1: "Cs", 2: "Cu", 3: "I"}, 20.0)
write_store(source, Path(sys.argv[2]))
stored = read_trajectory(Path(sys.argv[2]))
total = 0
for block in stored.blocks(64):
    total += len(block)
assert total == stored.n_frames
print(stored.n_frames, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
def test_three_gigabytes_in_less_than_two_of_memory(tmp_path: Path) -> None:
    """A dump of 3 GB is converted, and the store read, in a process of its own."""
    rng = np.random.default_rng(0)
    n_atoms = 24000
    x = rng.random((n_atoms, 3)) * 80.0
    rows = [
        f"{index + 1} {index % 3 + 1} {a:.6f} {b:.6f} {c:.6f} {u:.6f} {v:.6f} {w:.6f} "
        for index, ((a, b, c), (u, v, w)) in enumerate(
            zip(x, rng.normal(size=(n_atoms, 3)) * 3, strict=True)
        )
    ]
    box = "ITEM: BOX BOUNDS pp pp pp\n0.0 80.0\n0.0 80.0\n0.0 80.0"
    header = "ITEM: TIMESTEP\n{}\nITEM: NUMBER OF ATOMS\n{}\n" + box
    columns = "\nITEM: ATOMS id type x y z vx vy vz\n"
    # Two orders of the rows take turns, so that sorting is part of the work.
    tables = ["\n".join(rows) + "\n", "\n".join(reversed(rows)) + "\n"]
    path = tmp_path / "big.lammpstrj"
    frames = 0
    with open(path, "w") as stream:
        while stream.tell() < 3_000_000_000:
            stream.write(header.format(20 * frames, n_atoms) + columns + tables[frames % 2])
            frames += 1
    try:
        result = subprocess.run(
            [sys.executable, "-c", _CONVERT, str(path), str(tmp_path / "big.h5")],
            capture_output=True,
            text=True,
            check=True,
        )
        found, kilobytes = (int(word) for word in result.stdout.split())
        assert found == frames
        assert kilobytes < 2_000_000
    finally:
        path.unlink()
        (tmp_path / "big.h5").unlink(missing_ok=True)
