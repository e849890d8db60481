"""CsCu2I3: S(Q,E) of a trajectory against one-phonon scattering from force constants."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ixs_core.lattice import Lattice
from ixs_core.scattering_factors import form_factors
from ixs_core.units import BOLTZMANN_MEV_K, HBAR2_PER_AMU_A2_MEV
from simulate.md.density_sums import density_modes
from simulate.md.reading import read_trajectory
from simulate.md.scattering_spectrum import dynamic_structure_factor
from simulate.phonons.model import PhononModel

KELVIN = 286.0
ATOMS_PER_PRIMITIVE_CELL = 12
MASS = {"Cs": 132.905, "Cu": 63.546, "I": 126.904}
CELL = Lattice(10.0365, 12.9392, 6.0538)
CONSTANTS = "phonopy_params_eff300K.yaml.xz"


def test_absolute_intensity_and_recoil(shared_data: Path) -> None:
    """At small Q, where several phonons matter little, between Bragg peaks, in e² per atom."""
    folder = shared_data / "cscu2i3"
    grid = np.stack(
        np.meshgrid(np.arange(7) / 2, np.arange(9) / 2, np.arange(5) / 3, indexing="ij"), -1
    ).reshape(-1, 3)
    q_abs = CELL.q_abs(grid)
    between = np.abs(grid - np.rint(grid)).max(axis=1) > 0.2
    chosen = grid[(q_abs > 0.8) & (q_abs < 2.2) & between]
    modes = density_modes(
        read_trajectory(folder / "md" / "md_300K_2x2x3.h5"), chosen, lattice=CELL, sampling="exact"
    )
    found = dynamic_structure_factor(modes, 6.0, temperature_k=KELVIN)
    phonons = PhononModel.load(folder / "force_constants" / CONSTANTS).structure_factor(
        chosen, KELVIN
    )
    bose = -1 / np.expm1(-phonons.energy_mev / (BOLTZMANN_MEV_K * KELVIN))
    loss = found.energy_mev > 0
    simulated = found.inelastic[:, loss].sum(axis=1) * found.bin_mev * ATOMS_PER_PRIMITIVE_CELL
    predicted = (phonons.intensity * bose).sum(axis=1)
    assert len(chosen) > 150
    assert 0.93 < np.mean(simulated / predicted) < 1.07
    # ∫ E S dE = Σ f² ħ²Q²/2M per atom however anharmonic: velocities are independent.
    moment = (found.inelastic * found.energy_mev).sum(axis=1) * found.bin_mev
    f = form_factors(modes.species, found.q_abs).real
    mass = np.array([MASS[element] for element in modes.species])
    recoil = f**2 @ (modes.counts / modes.n_atoms / mass) * HBAR2_PER_AMU_A2_MEV / 2
    assert abs(np.mean(moment / (recoil * found.q_abs**2)) - 1) < 0.03
