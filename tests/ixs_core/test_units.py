"""Constants against the CODATA 2018 values as printed (exact by definition of the SI)."""

from __future__ import annotations

import pytest

from ixs_core import units


@pytest.mark.parametrize(
    ("ours", "printed"),
    [
        (units.BOLTZMANN_MEV_K, 8.617333262e-2),  # k, meV/K
        (units.HBAR_MEV_PS, 0.6582119569),  # ħ, meV ps
        (units.THZ_IN_MEV, 4.135667696),  # h × 1 THz
        (units.INVERSE_CM_IN_MEV, 0.1239841984),  # h c × 1 cm⁻¹
        (units.HC_KEV_ANGSTROM, 12.39841984),  # h c
        (units.FWHM_PER_SIGMA, 2.354820045),  # 2 √(2 ln 2)
    ],
)
def test_constants(ours: float, printed: float) -> None:
    assert ours == pytest.approx(printed, rel=1e-9)


def test_a_slope_of_one_mev_angstrom_as_velocity() -> None:
    """ħ/(1 meV Å): 1.519267 Å/ps, and 1 km/s is 10 Å/ps."""
    velocity = units.MEV_ANGSTROM_IN_KM_PER_S
    assert velocity == pytest.approx(0.1519267447, rel=1e-9)


def test_lifetime_and_wavelength() -> None:
    assert units.lifetime_ps(0.6582119569) == pytest.approx(1.0, rel=1e-9)
    assert units.lifetime_ps(0.0) == float("inf")
    assert units.wavelength_angstrom(21.747) == pytest.approx(0.570121, abs=1e-6)
