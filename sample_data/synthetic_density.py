"""Synthetic truth: a density that is known everywhere, and structure factors made of it.

The hkl and σ are those of the SIMULATED data sets, which are like those of real files; the noise
is normal in F. So a reconstruction can be compared with the truth, without dispersion, scale or
negative intensities in between.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.crystal import Crystal
from mem.density import Density
from mem.prior import procrystal, procrystal_at
from mem.reflections import Reflections
from mem.resampling import resampled
from sample_data.cscu2i3_structure import HOPPED_SHARE, refined_model, with_hopped_copper
from sample_data.simulate_structure_factors import RELATIVE_ERROR, simulate

_TRUTH_GRID = (108, 132, 64)  # about 0.1 Å, where the density's own Fourier series has ended


@dataclass(frozen=True)
class SyntheticTruth:
    """A crystal, its exact structure factors, and the model that a refinement would state.

    Parameters
    ----------
    crystal : Crystal
    reflections : Reflections
        Exact F with the σ of a measurement; `structure` is the model, all copper on its site.
    """

    crystal: Crystal
    reflections: Reflections

    def measured(self, seed: int) -> Reflections:
        """The reflections with noise of standard deviation σ; the same for the same seed."""
        return resampled(self.reflections, np.random.default_rng(seed))

    def density(self, grid: tuple[int, int, int]) -> FloatArray:
        """The truth on a grid, e/Å³."""
        return procrystal(self.crystal, grid)

    def density_at(self, points: FloatArray) -> FloatArray:
        """The truth at fractional points (n, 3), e/Å³."""
        return procrystal_at(self.crystal, points)

    def distance_from(self, density: Density) -> float:
        """∫|ρ - truth| / ∫truth."""
        truth = self.density(density.shape)
        return float(np.abs(density.values - truth).sum() / truth.sum())


def synthetic_truth(
    temperature_k: float,
    share: float | None = None,
    relative_error: float = RELATIVE_ERROR,
) -> SyntheticTruth:
    """The known density of CsCu2I3 with a share of its copper halfway.

    Parameters
    ----------
    temperature_k : float
        300 or 500.
    share : float, optional
        Of all copper; by default that of `true_crystal`.
    relative_error : float
        What the weights add to σ(F²), relative to F²: 0.02 for refinement weights, 0 for the
        σ of the data reduction alone.

    Raises
    ------
    InputError
        There is no structure for this temperature.
    """
    model = refined_model(temperature_k)
    moved = HOPPED_SHARE[temperature_k] if share is None else share
    crystal = with_hopped_copper(model, moved)
    made = simulate(temperature_k)
    spectrum = np.fft.ifftn(procrystal(crystal, _TRUTH_GRID)) * model.lattice.volume
    h, k, l = (made.hkl % np.array(_TRUTH_GRID)).T  # noqa: E741
    # C m c m with its origin on an inversion centre: F is real.
    f = spectrum[h, k, l].real.astype(complex)
    square = np.abs(f) ** 2
    spread = np.hypot(made.sigma, relative_error * square)
    reflections = Reflections(
        lattice=model.lattice,
        symmetry=model.symmetry,
        hkl=made.hkl,
        f=f,
        # From F² to F: σ/2F where F is strong, √σ where it vanishes.
        sigma=spread / (np.abs(f) + np.sqrt(square + spread)),
        electrons=model.electrons_per_cell,
        structure=model,
        temperature_k=temperature_k,
        source=f"synthetic {temperature_k:g} K",
    )
    return SyntheticTruth(crystal, reflections)
