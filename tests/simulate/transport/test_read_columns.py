"""Tables with a header that names quantities and units."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ixs_core.errors import InputError
from simulate.transport.reading import read_linewidths
from simulate.transport.rta import kappa_rta
from tests.simulate.transport.cosine_crystal import CELL_A, HBAR_MEV_PS, THZ_MEV

HEAD = "# temperature_k = 300\n"
ROWS = "0 0 0.5 10 0.2\n0 0 0.5 20 0.4\n0.5 0 0 11 0.1\n0.5 0 0 22 0.3\n"
WIDTHS = np.array([[0.2, 0.4], [0.1, 0.3]])


def _file(folder: Path, text: str) -> Path:
    file = folder / "widths.dat"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        ("fwhm_mev", WIDTHS),
        ("tau_ps", HBAR_MEV_PS / WIDTHS),
        ("gamma_thz", 2 * THZ_MEV * WIDTHS),
        ("rate_per_ps", HBAR_MEV_PS * WIDTHS),
        ("fwhm_thz", THZ_MEV * WIDTHS),
    ],
)
def test_units_of_widths(tmp_path: Path, width: str, expected: np.ndarray) -> None:
    found = read_linewidths(_file(tmp_path, f"{HEAD}q1 q2 q3 energy_mev {width}\n{ROWS}"))
    np.testing.assert_allclose(found.fwhm_mev[0], expected, rtol=1e-9)
    np.testing.assert_allclose(found.energy_mev, [[10, 20], [11, 22]])
    np.testing.assert_allclose(found.q_primitive, [[0, 0, 0.5], [0.5, 0, 0]])
    assert found.weights.tolist() == [1, 1]


def test_energies_in_thz_and_a_temperature_given(tmp_path: Path) -> None:
    file = _file(tmp_path, f"# q1, q2, q3, frequency_thz, fwhm_mev\n{ROWS}")
    with pytest.raises(InputError, match="temperature of these widths is not known"):
        read_linewidths(file)
    found = read_linewidths(file, temperature_k=250)
    np.testing.assert_allclose(found.energy_mev[0], [10 * THZ_MEV, 20 * THZ_MEV])
    assert found.temperature_k.tolist() == [250.0]


def test_processes_temperatures_velocities_and_facts(tmp_path: Path) -> None:
    """Two temperatures and processes; κ of one mode in closed form at high temperature."""
    text = f"""# mesh = 1 1 1
# volume_A3 = {CELL_A**3}
temperature_k,q1,q2,q3,weight,energy_mev,fwhm_mev_3ph,rate_per_ps_4ph,vx_km_s,vy_km_s,vz_km_s
1e6,0,0,0,1,5,0.1,0.2,3,0,0
300,0,0,0,1,5,0.05,,3,0,0
"""
    found = read_linewidths(_file(tmp_path, text))
    assert found.temperature_k.tolist() == [300.0, 1e6]
    assert np.isnan(found.processes["4ph"][0, 0, 0])
    from scipy import constants

    tau = HBAR_MEV_PS / (0.1 + 0.2 * HBAR_MEV_PS) * 1e-12
    expected = constants.k * 3000.0**2 * tau / (CELL_A * 1e-10) ** 3
    assert kappa_rta(found)[1, 0, 0] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("q1 q2 q3 energy fwhm_mev\n" + ROWS, r"line 2, 'energy': the unit.*energy_mev"),
        ("q1 q2 q3 energy_mev tau\n" + ROWS, r"'tau': the unit.*tau_ps"),
        ("q1 q2 q3 energy_mev gamma\n" + ROWS, r"'gamma': the unit.*gamma_thz"),
        ("q1 q2 q3 energy_mev linewidth_mev\n" + ROWS, "'linewidth_mev': the unit"),
        ("q1 q2 q3 energy_mev note\n" + ROWS, "no column is a linewidth"),
        ("q1 q2 q3 note fwhm_mev\n" + ROWS, "no column is an energy"),
        ("q1 q2 q3 energy_mev energy_mev\n" + ROWS, "columns stand twice"),
        ("q1 q2 q3 energy_mev fwhm_mev\n" + ROWS + "1 0 0 3 0.1\n", "same number of branches"),
        ("q1 q2 q3 energy_mev fwhm_mev\n0 0 0 1 x\n", "line 3: this is not a number"),
        ("q1 q2 q3 energy_mev fwhm_mev\n0 0 0 1\n", "line 3: the row does not have"),
        ("q1 q2 q3 energy_mev fwhm_mev\n", "no rows"),
        ("q1 q2 q3 energy_mev fwhm_mev\n0 0 0 1 -0.1\n", "1 of 1 widths are negative"),
        ("q1 q2 q3 energy_mev tau_ps\n0 0 0 1 -0.1\n", "1 lifetimes are negative"),
        ("# mesh = 3 3 3\nq1 q2 q3 energy_mev fwhm_mev\n" + ROWS, "sum 2; expected 27"),
        ("# mesh = fine\nq1 q2 q3 energy_mev fwhm_mev\n" + ROWS, "not told in numbers"),
        ("one two\n1 2\n", "this file has no linewidths"),
    ],
)
def test_faults(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_linewidths(_file(tmp_path, HEAD + text))
