"""A simulation and the phonons of the same springs, in absolute units."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ixs_core.errors import InputError
from simulate.md.density_sums import density_modes
from simulate.md.phonon_comparison import PhononCurves, phonon_curves
from simulate.md.scattering_figures import scattering_figure
from simulate.md.scattering_spectrum import DynamicStructureFactor, dynamic_structure_factor
from tests.simulate.md.bonded_crystal import BondedCrystal

KELVIN = 20.0
CRYSTAL = BondedCrystal(temperature_k=KELVIN)
HKL = [[2.0, 0.5, 0], [1 / 3, 3, 0.5], [-1, 1, 2.5]]


@pytest.fixture(scope="module")
def simulated() -> DynamicStructureFactor:
    modes = density_modes(CRYSTAL.trajectory(4001, 20.0), HKL, lattice=CRYSTAL.repeats)
    return dynamic_structure_factor(modes, 40.0, temperature_k=KELVIN)


@pytest.fixture(scope="module")
def phonons(simulated: DynamicStructureFactor) -> PhononCurves:
    """At 20 K the atoms hardly move: without Debye-Waller factors, nor several phonons."""
    return phonon_curves(simulated, CRYSTAL.model(), "springs", debye_waller="none")


def test_areas_are_the_same_without_a_scale(
    simulated: DynamicStructureFactor, phonons: PhononCurves
) -> None:
    """Below the lowest phonon, at 8.9 meV, stand differences of two phonons only."""
    energy = simulated.energy_mev
    for side in (energy > 6, energy < -6):
        one = simulated.inelastic[:, side].sum(axis=1) * simulated.bin_mev
        other = phonons.inelastic[:, side].sum(axis=1) * simulated.bin_mev
        np.testing.assert_allclose(one, other, rtol=0.01)


def test_lines_stand_at_the_same_energies(
    simulated: DynamicStructureFactor, phonons: PhononCurves
) -> None:
    """The window's own shape is not a Gaussian: its feet differ by a few per cent of the top."""
    for curve, lines in zip(simulated.inelastic, phonons.inelastic, strict=True):
        assert abs(curve.argmax() - lines.argmax()) <= 1
        assert np.corrcoef(curve, lines)[0, 1] > 0.97
    assert phonons.fwhm_mev == simulated.fwhm_mev
    assert phonons.imaginary == 0


def test_figure_names_both(simulated: DynamicStructureFactor, phonons: PhononCurves) -> None:
    drawn = scattering_figure(simulated, phonons)
    assert [text.get_text() for text in drawn.axes[0].get_legend().get_texts()] == [
        "simulation, ± 1σ",
        "springs",
    ]


def test_neutrons_are_refused(simulated: DynamicStructureFactor) -> None:
    with pytest.raises(InputError, match="x-ray scattering at a temperature"):
        phonon_curves(replace(simulated, weights="neutron"), CRYSTAL.model(), "springs")
