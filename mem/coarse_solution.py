"""Many reconstructions of similar data: on the coarse grid alone, with what they share made once.

The multipliers do not depend on the grid, and ρ follows from them at any point; so where only a
few points or structure factors of each density are wanted, the fine grid is not needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypedDict

import numpy as np

from ixs_core.arrays import ComplexArray, FloatArray, IntArray
from ixs_core.errors import InputError
from ixs_core.jobs import CancelToken
from mem.density import Density, Multipliers
from mem.grid import checked_step, compatible_grid, default_coarse_step
from mem.prior import procrystal
from mem.reconstruction import density_at, reconstruct
from mem.reflection_symmetry import orbits
from mem.reflections import Reflections

_SHARP = 0.8  # of the step, for priors with narrower peaks than the data resolve


class Settings(TypedDict, total=False):
    """The settings of `reconstruct` that all the reconstructions share, with its defaults.

    They are done on its coarse grid, or on one of `grid_step` if that is wider.
    """

    grid_step: float
    prior: str | Density
    weighting: float
    moments: Mapping[int, float]
    target: float
    solver: str


@dataclass(frozen=True)
class CoarseSolver:
    """`reconstruct` with its settings, on one grid.

    Parameters
    ----------
    settings : mapping
        Keyword arguments of `reconstruct`.
    prior : Density or None
        τ on the grid; None for a uniform one.
    """

    settings: Mapping[str, Any]
    prior: Density | None

    @classmethod
    def of(cls, reflections: Reflections, settings: Settings) -> CoarseSolver:
        """For data with these hkl; a procrystal is calculated here, once.

        Raises
        ------
        InputError
            A procrystal prior without a structure.
        """
        chosen: dict[str, Any] = dict(settings)
        step = default_coarse_step(float(reflections.d_spacing.min()))
        prior = chosen.get("prior", "uniform")
        step *= 1.0 if isinstance(prior, str) and prior == "uniform" else _SHARP
        if "grid_step" in chosen:
            step = max(step, checked_step(chosen["grid_step"]))
        if prior == "procrystal":
            prior = _procrystal(reflections, step)
        chosen |= {"prior": prior, "grid_step": step, "coarse_step": step}
        return cls(chosen, prior if isinstance(prior, Density) else None)

    def solve(
        self,
        reflections: Reflections,
        start: Multipliers | None = None,
        workers: int | None = 1,
        cancel: CancelToken | None = None,
        **others: float,
    ) -> Density:
        """One reconstruction; `others` come on top of the settings. Errors as `reconstruct`.

        Raises
        ------
        Cancelled
            At any time: a density that is not finished is of no use here.
        """
        density = reconstruct(
            reflections,
            **{**self.settings, **others},
            start=start,
            workers=workers,
            cancel=cancel,
        )
        if cancel is not None and density.report is not None and density.report.stopped:
            cancel.check()
        return density

    def at(self, density: Density, points: FloatArray) -> FloatArray:
        """ρ in e/Å³ at fractional points (n, 3), from the multipliers; a prior is interpolated."""
        return density_at(density, points, self.prior)


def structure_factors_of(density: Density, hkl: IntArray) -> ComplexArray:
    """(n,) F(h) in electrons of a density on its grid."""
    spectrum = np.fft.ifftn(density.values) * density.lattice.volume
    h, k, l = (np.asarray(hkl) % np.array(density.shape)).T  # noqa: E741
    return np.asarray(spectrum[h, k, l])


def _procrystal(reflections: Reflections, step: float) -> Density:
    crystal = reflections.structure
    if crystal is None:
        raise InputError(
            "a procrystal prior needs the refined structure",
            key="prior",
            found="reflections without a structure",
            hint="give the CIF of the refinement",
        )
    hkl = orbits(reflections.symmetry, _all_hkl(reflections)).hkl
    grid = compatible_grid(reflections.lattice, reflections.symmetry, step, hkl)
    return Density(
        reflections.lattice,
        procrystal(crystal, grid),
        reflections.symmetry,
        structure=crystal,
        source="procrystal",
    )


def _all_hkl(reflections: Reflections) -> IntArray:
    return np.concatenate([reflections.hkl, *(group.hkl for group in reflections.groups)])
