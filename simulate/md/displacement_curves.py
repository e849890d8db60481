"""Mean square displacements as they are drawn: a curve, its error, and the line of its D."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ixs_core.arrays import FloatArray
from simulate.md.diffusion_coefficient import A2_PER_PS_IN_CM2_PER_S, AXES, Diffusion
from simulate.md.displacements import MeanSquareDisplacement


@dataclass(frozen=True)
class DisplacementCurve:
    """The mean square displacement of an element.

    Parameters
    ----------
    time_ps, msd_A2 : (t,) arrays
    stderr_A2 : (t,) array
        From the scatter of the time blocks; NaN at times that no block reaches.
    """

    time_ps: FloatArray
    msd_A2: FloatArray
    stderr_A2: FloatArray


def displacement_curve(
    msd: MeanSquareDisplacement, element: str, axis: str = "all"
) -> DisplacementCurve:
    """⟨Δr_α²⟩ of an element along a direction, or ⟨|Δr|²⟩ along all together.

    Parameters
    ----------
    msd : MeanSquareDisplacement
    element : str
    axis : {"all", "x", "y", "z"}

    Raises
    ------
    InputError
        An unknown element.
    """
    which = msd.index(element)
    curve = _along(msd.msd_A2[which], axis)
    parts = _along(msd.block_msd_A2[:, which], axis)
    error = np.full(len(curve), math.nan)
    reached = min(parts.shape[-1], len(curve))
    if len(parts) > 1:
        error[:reached] = np.std(parts[:, :reached], axis=0, ddof=1) / math.sqrt(len(parts))
    return DisplacementCurve(msd.time_ps, curve, error)


def diffusion_line(msd: MeanSquareDisplacement, found: Diffusion) -> FloatArray:
    """The straight line (t,) of a diffusion coefficient, at the times of the displacement.

    Its slope is 2D along an axis, 6D of all together, with the 95 % limit in place of D where
    there is one. It goes through the mean of the fitted window, as the least-squares line does.
    """
    curve = displacement_curve(msd, found.element, found.axis).msd_A2
    low, high = found.window_ps
    inside = (msd.time_ps >= low) & (msd.time_ps <= high)
    coefficient = found.value if found.upper_limit is None else found.upper_limit
    slope = (6 if found.axis == "all" else 2) * coefficient / A2_PER_PS_IN_CM2_PER_S
    return np.asarray(curve[inside].mean() + slope * (msd.time_ps - msd.time_ps[inside].mean()))


def _along(msd_A2: FloatArray, axis: str) -> FloatArray:
    """(…, t) of (…, 3, t): one direction, or the sum of the three."""
    if axis == "all":
        return np.asarray(msd_A2.sum(axis=-2))
    return msd_A2[..., AXES.index(axis), :]
