"""SPring-8 reduced files: raw counts, temperature and hkl recovered."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ixs_core.errors import InputError
from ixs_core.units import BOLTZMANN_MEV_K
from ixs_reduce.formats import identify, read_scans
from ixs_reduce.formats.spring8 import parse_gpi, recover_counts

HEADING = "  meV  meV_shf  tmk_lin  npts  secs  norm  a4  error   y_unitpk  error   ytc  ytce\n"


def reduced_text(energy: np.ndarray, counts: np.ndarray, eff: float, kelvin: float) -> str:
    """A file as the reduction program writes it, from counts we know."""
    norm = 1e7 + 1e5 * np.arange(energy.size)
    y = eff * counts / norm
    error = eff * np.sqrt(np.maximum(counts, 1)) / norm
    factor = np.abs(1 - np.exp(-energy / (BOLTZMANN_MEV_K * kelvin)))
    lines = [HEADING]
    for i, e in enumerate(energy):
        numbers = (norm[i], y[i], error[i], y[i] / y.max(), error[i] / y.max())
        tail = (y[i] * factor[i], error[i] * factor[i])
        texts = " ".join(f"{v:.4E}" for v in (*numbers[1:], *tail))
        lines.append(f"{e:8.2f} {e - 0.3:8.2f} 0.0 3 30.0 {norm[i]:.5E} {texts}\n")
    return "".join(lines)


def test_real_file_gives_whole_counts_and_300_k(shared_data: Path) -> None:
    path = shared_data / "ixs" / "PbTe_sq_GL711_p0p55_RT_1"
    assert identify(path) == "spring8"
    (found,) = read_scans(path).scans
    assert found.points == 71
    assert found.temperature_k == pytest.approx(300.0, abs=0.1)
    assert found.analyzers[0].name == "a1"
    assert found.analyzers[0].q_hkl == (7.350, 1.350, 1.350)
    assert found.analyzers[0].dq_hkl == (0.04, 0.01, 0.037)
    # Poisson: the file's own relative error is 1/√N
    y, error = np.loadtxt(path, skiprows=1, usecols=(6, 7)).T
    np.testing.assert_allclose((y / error) ** 2, found.counts[0], rtol=1e-3)
    # and counts over exposure is the file's y again
    assert found.monitor is not None
    np.testing.assert_allclose(found.counts[0] / found.monitor, y, rtol=2e-3)


def test_gpi_of_the_real_file(shared_data: Path) -> None:
    path = shared_data / "ixs" / "gpi.PbTe_sq_GL711_p0p55_RT"
    assert identify(path) == "gpi"
    gpi = parse_gpi(path.read_text(), path)
    assert len(gpi.q_hkl) == 12
    assert gpi.q_hkl[12] == (7.775, 1.249, 1.323)
    assert gpi.data_files[10] == "df/PbTe_sq_GL711_p0p55_RT_10"
    assert not gpi.resolution_files  # its prefix is empty
    assert gpi.main_title.startswith("PbTe at (7.548 1.316 1.402)")
    file = read_scans(path)
    assert [s.number for s in file.scans] == [1]
    assert "analyzers 2, 3, 4" in str(file.problems[0])


def test_counts_come_back_with_empty_bins(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    energy = np.arange(-10, 20, 0.5)
    counts = rng.poisson(np.where(energy < 0, 0.7, 40)).astype(float)
    assert (counts == 0).any()
    path = tmp_path / "x_4"
    path.write_text(reduced_text(energy, counts, 1.7, 412.0))
    (found,) = read_scans(path).scans
    np.testing.assert_array_equal(found.counts[0], counts)
    assert found.temperature_k == pytest.approx(412.0, abs=0.5)
    assert (found.number, found.analyzers[0].name) == (4, "a4")
    assert "no-q" in {f.code for f in found.flags}


def test_gpi_names_resolution_and_background_files() -> None:
    gpi = parse_gpi(
        'fr_prefix = "res/tempax"\nfb_prefix="bg/empty"\nmain_title = "x"\n'
        'fr_3 = fr_prefix."_3"; fb_3 = fb_prefix."_3"\n'
        'tf_3="A_{3} (1.0, -0.5, 2)"\n',
        "gpi.x",
    )
    assert gpi.resolution_files == {3: "res/tempax_3"}
    assert gpi.background_files == {3: "bg/empty_3"}
    assert gpi.q_hkl == {3: (1.0, -0.5, 2.0)}


def test_smoothed_data_are_refused() -> None:
    counts = np.array([10.0, 13.4, 25.0, 31.0, 7.0, 12.0])
    norm = np.full(6, 1e7)
    y = 2 * counts / norm
    with pytest.raises(InputError, match=r"not whole numbers.*13\.3"):
        recover_counts(norm, y, 2 * np.sqrt(counts) / norm)


def test_gaps_in_the_grid_are_flagged(tmp_path: Path) -> None:
    energy = np.array([-2, -1.5, -1, 1, 1.5, 2.0])
    path = tmp_path / "x_4"
    path.write_text(reduced_text(energy, np.full(6, 50.0), 1.0, 300))
    (found,) = read_scans(path).scans
    (flag,) = [f for f in found.flags if f.code == "gap"]
    assert flag.points == (3,)


@pytest.mark.parametrize(
    ("spoil", "line", "key"),
    [
        (lambda t: t.rstrip("\n")[:-30], 7, "ytc"),
        (lambda t: t.replace(" 30.0 ", " nan ", 1), 2, "secs"),
        (lambda t: t.replace("E-06", "E-06x", 1), 2, None),
    ],
)
def test_spoiled_lines_are_named(tmp_path: Path, spoil: object, line: int, key: str | None) -> None:
    text = reduced_text(np.arange(6) * 0.5, np.full(6, 50.0), 1.0, 300)
    path = tmp_path / "x_4"
    path.write_text(spoil(text))  # type: ignore[operator]
    with pytest.raises(InputError) as caught:
        read_scans(path)
    assert caught.value.line == line
    if key:
        assert caught.value.key == key


def test_heading_alone_and_no_counts(tmp_path: Path) -> None:
    path = tmp_path / "x_4"
    path.write_text(HEADING)
    with pytest.raises(InputError, match="no points"):
        read_scans(path)
    path.write_text(reduced_text(np.arange(6) * 0.5, np.zeros(6) + 1e-30, 1.0, 300))
    with pytest.raises(InputError, match="no bin holds counts"):
        read_scans(path)
