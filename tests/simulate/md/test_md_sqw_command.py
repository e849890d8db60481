"""`ixs md sqw` on a crystal whose energies are written down, and on a CsCu2I3 trajectory."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from simulate.md.density_sums import density_modes
from simulate.md.scattering_figures import scattering_figure
from simulate.md.scattering_spectrum import dynamic_structure_factor
from simulate.md.store import write_store
from tests.ixs_reduce.command import run
from tests.simulate.md.harmonic_crystal import BOLTZMANN_MEV_K, HarmonicCrystal

CRYSTAL = HarmonicCrystal()
HERE = ("--supercell", "6 5 4")


@pytest.fixture(scope="module")
def crystal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqw") / "crystal.h5"
    write_store(CRYSTAL.trajectory(401, 20.0), path)
    return path


@pytest.fixture
def small(shared_data: Path) -> Path:
    return shared_data / "cscu2i3" / "md" / "md_300K_small.h5"


def test_energies_of_a_harmonic_crystal(crystal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Q along an axis, where only the longitudinal branch scatters."""
    asked = [("--q", "2.5 0 0"), ("--q", "0 2.4 0"), ("--q", "0 0 2.25")]
    arguments = [word for pair in asked for word in pair]
    code, out, _ = run(
        capsys, "md", "sqw", crystal, *arguments, *HERE, "--temperature", "300", "--json"
    )
    record = json.loads(out)
    assert code == 0
    expected = [CRYSTAL.energy_mev(np.array(q))[j] for j, q in enumerate(record["q_hkl"])]
    np.testing.assert_allclose(record["distance"], 0, atol=1e-6)
    np.testing.assert_allclose(record["maximum_mev"], expected, atol=record["resolution_mev"] / 2)
    energy, intensity = np.array(record["energy_mev"]), np.array(record["intensity"])
    balance = np.exp(-energy / (BOLTZMANN_MEV_K * 300))
    np.testing.assert_allclose(intensity[:, ::-1], intensity * balance, rtol=1e-3)


def test_distance_from_the_q_asked_for(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """b = 25.878 Å / 2; k counts in halves, so that 6.3 is answered by 6.5."""
    table = tmp_path / "sqw.csv"
    asked = ("md", "sqw", small, "--q", "7 6.3 0", "--json")
    record = json.loads(run(capsys, *asked, "--supercell", "2 2 3", "--csv", table)[1])
    assert record["q_hkl"] == [pytest.approx([7, 6.5, 0])]
    assert record["distance"] == pytest.approx([0.2 * 2 * np.pi / (25.87846306 / 2)], rel=1e-4)
    # That of the velocities, not the one asked of the thermostat.
    assert record["temperature_k"] == pytest.approx(286, rel=0.02)
    assert record["resolution_mev"] == pytest.approx(1.4406 * 4.135668 / record["segment_ps"])
    with table.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    np.testing.assert_allclose(
        [float(row["intensity"]) for row in rows], record["intensity"][0], rtol=1e-5
    )
    same = json.loads(run(capsys, *asked, "--cell", "10.04 12.94 6.05 90 90 90")[1])
    assert same["intensity"] == record["intensity"]


def test_the_table_says_what_stands_for_each_q(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    figure = tmp_path / "sqw.png"
    code, out, _ = run(
        capsys,
        *("md", "sqw", small, "--q", "7 6.3 0", "--supercell", "2 2 3"),
        *("--weights", "neutron", "--quantum", "none", "--figure", figure),
    )
    assert code == 0
    assert "7.000 6.300 0.000" in out
    assert "7.000 6.500 0.000" in out
    assert "0.097" in out
    assert "fm² per atom" in out
    assert "1.5 meV" in out
    assert figure.is_file()


def test_the_figure_shows_the_spectra() -> None:
    modes = density_modes(
        CRYSTAL.trajectory(101, 20.0), [[2.5, 0, 0], [0, 2.4, 0]], lattice=(6, 5, 4)
    )
    found = dynamic_structure_factor(modes, 1.0, quantum="none", weights={"Cu": 1.0, "I": 1.0})
    assert found.unit == "weights²/meV"
    figure = scattering_figure(found)
    assert len(figure.axes) == 2
    drawn = figure.axes[1].lines[0]
    middle = np.abs(found.energy_mev) <= np.max(drawn.get_xdata()) + 1e-9
    np.testing.assert_array_equal(drawn.get_ydata(), found.inelastic[1, middle])


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--q", "2.5 0 0"), 2, "--supercell"),
        (("--q", "2.5 0 0", *HERE, "--cell", "3 3 3"), 2, "--supercell"),
        (("--q", "2.5 0", *HERE), 1, "--q"),
        (("--q", "2.5 0 0", "--supercell", "6 5 0"), 1, "--supercell"),
        (("--q", "2.5 0 0", "--cell", "4 3 3", "--quantum", "none"), 1, "no multiple"),
        (("--q", "2.5 0 0", *HERE), 1, "--temperature"),
        (("--q", "2.5 0 0", *HERE, "--temperature", "-5"), 1, "--temperature"),
        (("--q", "2.5 0 0", *HERE, "--quantum", "none", "--segment", "90"), 1, "too short"),
        (("--q", "2.5 0 0", *HERE, "--figure", "sqw.doc"), 1, "--figure"),
    ],
)
def test_what_goes_wrong_is_said_in_a_line(
    crystal: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    code: int,
    said: str,
) -> None:
    ended, _, err = run(capsys, "md", "sqw", crystal, *arguments)
    assert ended == code
    assert said in err
    assert "Traceback" not in err
