"""ln τ of a prior density on any grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.fft
from numpy.typing import ArrayLike

from ixs_core.arrays import FloatArray
from ixs_core.crystal import Crystal
from ixs_core.errors import InputError
from ixs_core.symmetry import Symmetry
from mem.density import Density
from mem.grid import Shape, compatible_grid, grid_permutation
from mem.interpolation import density_values
from mem.prior import procrystal, procrystal_at, procrystal_notes
from mem.reflections import Reflections

_CELL_STRAIN = 2e-3
"""Largest relative difference of cell lengths (and of angles in radians) taken as the same cell."""

_ASYMMETRY = 0.01
"""∫|τ - τ symmetrised|/∫τ above which a prior is not of this symmetry."""

_CHECK_STEP = 0.3  # Å


@dataclass(frozen=True)
class PriorSource:
    """Where τ comes from.

    Parameters
    ----------
    name : str
        "uniform", "procrystal" or the file of a density.
    crystal : Crystal or None
        For the procrystal.
    density : Density or None
    symmetry : Symmetry
        Of the reconstruction.
    notes : tuple of str
    """

    name: str
    symmetry: Symmetry
    crystal: Crystal | None = None
    density: Density | None = None
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, prior: str | Density, reflections: Reflections) -> PriorSource:
        """Of what the user chose.

        Raises
        ------
        InputError
            Unknown name; no structure for a procrystal; a density of another cell, with values
            that are not positive, or without the symmetry.
        """
        symmetry = reflections.symmetry
        if isinstance(prior, Density):
            _check_density(prior, reflections)
            source = cls(prior.source or "density", symmetry, density=prior)
            return source._checked_symmetry()
        if prior == "uniform":
            return cls("uniform", symmetry)
        if prior != "procrystal":
            raise InputError(
                "unknown prior",
                key="prior",
                found=prior,
                expected='"uniform", "procrystal" or a density',
            )
        if reflections.structure is None:
            raise InputError(
                "a procrystal prior needs the refined structure",
                key="prior",
                found="reflections without a structure",
                hint="give the CIF of the refinement",
            )
        crystal = reflections.structure
        return cls("procrystal", symmetry, crystal=crystal, notes=procrystal_notes(crystal))

    @property
    def sharp(self) -> bool:
        """It may have peaks narrower than the data resolve."""
        return self.name != "uniform"

    def log_values(self, shape: Shape) -> FloatArray | None:
        """(nx, ny, nz) ln τ with mean τ = 1 on this grid; None for a uniform prior."""
        if self.crystal is not None:
            values = np.log(procrystal(self.crystal, shape))
        elif self.density is not None:
            values = _resampled(np.log(np.asarray(self.density.values, float)), shape)
            if self.notes:
                values = _symmetrised(values, self.symmetry)
        else:
            return None
        values -= np.log(np.mean(np.exp(values)))
        return values

    def at(self, points: ArrayLike, grid: Shape) -> FloatArray:
        """(n,) τ at fractional points, normalised as on the grid.

        A density is interpolated between its points; see `mem.interpolation`.
        """
        places = np.asarray(points, float)
        if self.crystal is not None:
            mean = self.crystal.electrons_per_cell / self.crystal.lattice.volume
            return np.asarray(procrystal_at(self.crystal, places) / mean)
        if self.density is not None:
            values = self.density.values
            scale = np.exp(_resampled(np.log(np.asarray(values, float)), grid)).mean()
            return np.asarray(density_values(self.density, places) / scale)
        return np.ones(len(places))

    def _checked_symmetry(self) -> PriorSource:
        """Itself, with a note where it has to be symmetrised."""
        assert self.density is not None
        shape = compatible_grid(self.density.lattice, self.symmetry, _CHECK_STEP)
        values = _resampled(np.log(np.asarray(self.density.values, float)), shape)
        tau, mean = np.exp(values), np.exp(_symmetrised(values, self.symmetry))
        difference = float(np.abs(tau - mean).mean() / tau.mean())
        if difference > _ASYMMETRY:
            raise InputError(
                "the prior has not the symmetry of the reflections",
                key="prior",
                found=f"{100 * difference:.1f} % of its electrons are not symmetric",
                expected=f"the symmetry of {self.symmetry.name or 'the given operators'}",
                hint="is its origin another?",
            )
        if difference > 1e-9:
            note = f"the prior was symmetrised ({100 * difference:.1g} % of its electrons moved)"
            return PriorSource(self.name, self.symmetry, None, self.density, (note,))
        return self


def _check_density(prior: Density, reflections: Reflections) -> None:
    ours, theirs = np.array(reflections.lattice.cell), np.array(prior.lattice.cell)
    lengths = np.abs(theirs[:3] / ours[:3] - 1).max()
    angles = np.radians(np.abs(theirs[3:] - ours[3:])).max()
    if max(lengths, angles) > _CELL_STRAIN:
        raise InputError(
            "the prior is a density of another cell",
            key="prior",
            found=prior.cell,
            expected=reflections.lattice.cell,
        )
    lowest = float(np.min(prior.values))
    if not lowest > 0 or not np.isfinite(prior.values).all():
        raise InputError(
            "a prior must be positive everywhere",
            key="prior",
            found=f"a smallest value of {lowest:.3g} e/Å³",
            expected="values above 0",
            hint="a reconstruction or a procrystal is; a Fourier map is not",
        )


def _resampled(values: FloatArray, shape: Shape) -> FloatArray:
    """Periodic values on another grid, by their Fourier series along each axis."""
    for axis, n in enumerate(shape):
        old = values.shape[axis]
        if old == n:
            continue
        f = np.moveaxis(scipy.fft.rfft(values, axis=axis, norm="forward"), axis, -1)
        kept = np.zeros((*f.shape[:-1], n // 2 + 1), complex)
        shared = min(f.shape[-1], kept.shape[-1])
        kept[..., :shared] = f[..., :shared]
        if min(old, n) % 2 == 0:  # the frequency ±n/2 of an even grid stands for both signs
            kept[..., min(old, n) // 2] *= 0.5 if n > old else 2.0
        new = scipy.fft.irfft(kept, n=n, axis=-1, norm="forward")
        values = np.moveaxis(new, -1, axis)
    return np.ascontiguousarray(values)


def _symmetrised(values: FloatArray, symmetry: Symmetry) -> FloatArray:
    nx, ny, nz = values.shape
    total = np.zeros(values.size)
    for rotation, translation in zip(symmetry.rotations, symmetry.translations, strict=True):
        total += values.ravel()[grid_permutation((nx, ny, nz), rotation, translation)]
    return total.reshape(values.shape) / len(symmetry)
