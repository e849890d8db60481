"""The SIMULATED crystal: CsCu2I3 as calculated, with what a calculation does not know put on top.

Energies, eigenvectors and intensities come from the effective 300 K force constants in
sample_data/cscu2i3. To be a fair test of fits that start from the same calculation, the crystal
is a little stiffer than it, and it has linewidths, an elastic line and a central peak, which
are chosen so that spectra look like those of the real compound. None of this was measured.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.lattice import Lattice

if TYPE_CHECKING:
    from simulate.phonons import PhononModel

Hkl = tuple[float, float, float]

FORCE_CONSTANTS = Path(__file__).with_name("cscu2i3") / "phonopy_params_eff300K.yaml.xz"
IONS = {"Cs": "Cs1+", "Cu": "Cu1+", "I": "I1-"}

STIFFER_THAN_CALCULATED = {300.0: 1.02, 600.0: 0.98}
"""Factor on every energy of the calculation, by temperature in K."""

COUNTS_MEV_PER_E2 = 0.5
"""Area (counts meV) of a line of 1 e² per primitive cell, for 10⁶ monitor counts."""

MEAN_SQUARE_ANGSTROM2_AT_300_K = 0.02
"""⟨u²⟩ along Q that weakens the elastic line at 300 K; it grows as T."""


@dataclass(frozen=True)
class Mode:
    """One mode at one Q: branch (1-based), undamped energy and FWHM in meV, amplitude.

    The amplitude is that of the suite's line shape, A [n+1] F(E), for 10⁶ monitor counts and an
    analyzer of efficiency 1.
    """

    branch: int
    energy_mev: float
    fwhm_mev: float
    amplitude: float


def load_crystal() -> PhononModel:
    """The calculation behind the crystal; about a second."""
    from simulate.phonons import PhononModel

    return PhononModel.load(FORCE_CONSTANTS)


def modes(
    crystal: PhononModel, q_hkl: FloatArray, temperature_k: float
) -> tuple[tuple[Mode, ...], ...]:
    """All modes at each Q, by rising energy.

    Parameters
    ----------
    crystal : PhononModel
        From `load_crystal`.
    q_hkl : (nq, 3) array
        Q in conventional r.l.u.
    temperature_k : float
        One of those in `STIFFER_THAN_CALCULATED`.
    """
    scattering = crystal.structure_factor(q_hkl, temperature_k, form_factor=IONS)
    energy = scattering.energy_mev * STIFFER_THAN_CALCULATED[temperature_k]
    width = linewidth(energy, copper_share(crystal, q_hkl), temperature_k)
    amplitude = COUNTS_MEV_PER_E2 * scattering.intensity
    return tuple(
        tuple(
            Mode(int(b), float(e), float(w), float(a)) for b, e, w, a in zip(*of_one_q, strict=True)
        )
        for of_one_q in zip(scattering.branch, energy, width, amplitude, strict=True)
    )


def copper_share(crystal: PhononModel, q_hkl: FloatArray) -> FloatArray:
    """(nq, n_modes) share of copper in the sum of all atoms' squared displacements."""
    atoms = crystal.force_constants
    displacement = np.abs(crystal.modes(q_hkl).eigenvectors) ** 2
    displacement /= np.repeat(atoms.masses, 3)[:, None]
    is_copper = np.repeat([symbol == "Cu" for symbol in atoms.symbols], 3)
    share: FloatArray = displacement[:, is_copper].sum(axis=1) / displacement.sum(axis=1)
    return share


def linewidth(energy_mev: FloatArray, copper: FloatArray, temperature_k: float) -> FloatArray:
    """FWHM in meV: 0.15 + 0.9 × copper share at 300 K.

    At 600 K twice that, and up to 14 meV × copper share more for modes near 4 meV, where copper
    rattles between neighbouring sites: there modes with 2W < FWHM are overdamped.
    """
    width = 0.15 + 0.9 * copper
    if temperature_k > 450:
        width = 2 * width + 14.0 * copper * np.exp(-(((energy_mev - 4.0) / 1.5) ** 2))
    return width


def elastic_area(hkl: Hkl, lattice: Lattice, temperature_k: float) -> float:
    """Area (meV) of the elastic line with its central peak, for 10⁶ monitor counts.

    60 exp(-⟨u²⟩Q²) [1 + (0.2 Å⁻¹/q)²] (1 + (T - 300 K)/600 K): diffuse scattering that falls with
    the distance q from the nearest Bragg point, and copper disorder that grows with temperature.
    The central peak is narrower than any resolution.
    """
    q = lattice.q_abs(np.subtract(hkl, nearest_bragg(hkl, lattice)))
    mean_square = MEAN_SQUARE_ANGSTROM2_AT_300_K * temperature_k / 300
    fall = math.exp(-mean_square * lattice.q_abs(hkl) ** 2)
    return 60.0 * fall * (1 + (0.2 / q) ** 2) * (1 + (temperature_k - 300) / 600)


def nearest_bragg(hkl: Hkl, lattice: Lattice) -> Hkl:
    """The reciprocal lattice point (h + k even) nearest to Q in Å⁻¹."""
    middle = np.round(hkl)
    around = middle + np.array(list(itertools.product((-1, 0, 1), repeat=3)))
    points = around[(around[:, 0] + around[:, 1]) % 2 == 0]
    h, k, l = points[np.argmin(lattice.q_abs(np.subtract(hkl, points)))]  # noqa: E741
    return float(h), float(k), float(l)
