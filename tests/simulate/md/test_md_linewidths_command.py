"""`ixs md linewidths` on a crystal of springs, and on a CsCu2I3 trajectory."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from simulate.md.mode_figures import linewidth_figure
from simulate.md.mode_lines import ModeLinewidths, mode_linewidths
from simulate.md.mode_projection import ModeSpectra, project_modes
from tests.ixs_reduce.command import run
from tests.simulate.md.bonded_crystal import BondedCrystal

COLUMNS = ("harmonic_mev", "energy_mev", "energy_err", "fwhm_mev", "fwhm_upper", "share")


@pytest.fixture
def cscu2i3(shared_data: Path) -> tuple[object, ...]:
    folder = shared_data / "cscu2i3"
    constants = folder / "force_constants" / "phonopy_params_eff300K.yaml.xz"
    trajectory = folder / "md" / "md_300K_small.h5"
    return "md", "linewidths", trajectory, "--force-constants", constants


@pytest.fixture(scope="module")
def springs() -> tuple[ModeSpectra, ModeLinewidths]:
    crystal = BondedCrystal((2, 1, 1))
    q = [[0, 0, 0], [0.5, 0, 0]]
    spectra = project_modes(crystal.trajectory(301, 20.0), crystal.model(), q)
    return spectra, mode_linewidths(spectra)


def test_the_record_and_the_table_agree(
    cscu2i3: tuple[object, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "widths.csv"
    code, out, _ = run(capsys, *cscu2i3, "--q", "0 0 0", "--segment", "3", "--csv", table, "--json")
    assert code == 0
    record = json.loads(out)
    assert record["q_hkl"] == [[0, 0, 0]]
    assert record["branch"] == list(range(1, 37))
    assert record["energy_mev"][0][:3] == [None] * 3
    assert record["temperature_k"] == pytest.approx(286, rel=0.1)
    # Γ optical modes of the force constants: 2.14, 3.24, 3.78, 3.94, 4.80, 4.80, 5.65 … 17.68.
    harmonic = record["harmonic_mev"][0]
    assert harmonic[3:8] == pytest.approx([2.14, 3.24, 3.78, 3.94, 4.80], abs=0.01)
    ratio = np.array(record["energy_mev"][0][3:]) / harmonic[3:]
    assert np.median(ratio) == pytest.approx(1.05, abs=0.08)
    with table.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    for name in COLUMNS:
        expected = [np.nan if x is None else x for x in record[name][0]]
        found = [float(row[name]) for row in rows]
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-9)


def test_what_is_said_of_each_q(
    cscu2i3: tuple[object, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    figure = tmp_path / "widths.png"
    code, out, _ = run(
        capsys,
        *cscu2i3,
        *("--q", "7 6.3 0", "--segment", "2", "--supercell", "2 2 3", "--figure", figure),
    )
    assert code == 0
    assert "7.000 6.500 0.000" in out
    assert "(7.000 6.500 0.000) stands for it, |ΔQ| 0.097 Å⁻¹" in out
    assert "resolution 3 meV (FWHM), taken out" in out
    assert figure.is_file()


def test_the_figure_shows_the_modes(springs: tuple[ModeSpectra, ModeLinewidths]) -> None:
    spectra, found = springs
    figure = linewidth_figure(spectra, found)
    assert len(figure.axes) == 2
    shown = [text.get_text() for text in figure.axes[0].texts]
    # The three translations have no line.
    assert shown[0] == "4"
    assert shown[2].startswith("<")
    marks = [line.get_xdata()[0] for line in figure.axes[0].lines[1::2]]
    np.testing.assert_allclose(marks, found.harmonic_mev[0, 3:])


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((), 2, "--q"),
        (("--q", "0 0"), 1, "--q"),
        (("--q", "0 0 0", "--cell", "10 13 6", "--supercell", "2 2 3"), 2, "--supercell"),
        (("--q", "0 0 0", "--supercell", "2 2 2"), 1, "the cell does not fit the crystal"),
        (("--q", "0 0 0", "--segment", "90"), 1, "too short"),
        (("--q", "0 0 0", "--source", "forces"), 2, "--source"),
        (("--q", "0 0 0", "--figure", "widths.doc"), 1, "--figure"),
    ],
)
def test_what_goes_wrong_is_said_in_a_line(
    cscu2i3: tuple[object, ...],
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    code: int,
    said: str,
) -> None:
    ended, _, err = run(capsys, *cscu2i3, *arguments)
    assert ended == code
    assert said in err
    assert "Traceback" not in err
