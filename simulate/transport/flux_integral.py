"""Running integrals of the correlation of a heat flux, read at a time or on their plateau."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from simulate.transport.plateau import find_plateau

_BEYOND = 8  # times the end of the plateau, how far the integral is drawn
_EARLY = 0.1  # share of the time after which the integral sets the scale


@dataclass(frozen=True)
class FluxIntegral:
    """Running integrals of the correlation of a heat flux: κ up to a time, in W/(m K).

    Parameters
    ----------
    time_ps : (nl,) array
    correlation : (nl, 3) array
        ⟨j_α(0) j_α(t)⟩ in W/(m K ps).
    running : (nl, 3) array
        κ_αα(t) = ∫₀^t, each axis.
    block_running : (nb, nl, 3) array
        The same of blocks of the runs, for the errors.
    parts : (4 or 0, nl, 3) array
        Its parts, named by `flux_correlation.PARTS`; none where the convective flux is not
        known.
    block_parts : (nb, 4 or 0, nl, 3) array
    plateau_ps : (float, float) or None
        Where the mean of the axes has a plateau.
    plateau_reason : str
        Why there, or why not.
    read_ps : (float, float)
        Where values are read: at the time that was asked for, on the plateau, or, where there is
        neither, over the last octave: then they are no result.
    notes : tuple of str
    """

    time_ps: FloatArray
    correlation: FloatArray
    running: FloatArray
    block_running: FloatArray
    parts: FloatArray
    block_parts: FloatArray
    plateau_ps: tuple[float, float] | None
    plateau_reason: str
    read_ps: tuple[float, float]
    notes: tuple[str, ...] = ()

    @property
    def mean(self) -> FloatArray:
        """(nl,) mean of the axes: κ of eq. (8)."""
        return np.asarray(self.running.mean(axis=-1))

    @property
    def mean_err(self) -> FloatArray:
        """(nl,) its standard error, from the scatter of the blocks; NaN with one block."""
        return _stderr(self.block_running.mean(axis=-1))

    def drawn_range(self) -> tuple[float, float, float]:
        """How far in ps the integrals are drawn, and the least and largest κ then shown.

        The first oscillations of optical modes may be ten times as large as all that follows;
        they do not set the scale.
        """
        last = float(self.time_ps[-1])
        if self.plateau_ps is not None:
            last = min(last, _BEYOND * self.plateau_ps[1])
        later = self.running[(self.time_ps > _EARLY * last) & (self.time_ps <= last)]
        return last, min(0.0, 1.1 * float(later.min())), 1.45 * float(later.max())

    def value(self, read_ps: tuple[float, float] | float | None = None) -> IntegralValue:
        """The integrals at a time, or averaged over a window; by default at `read_ps`.

        Raises
        ------
        InputError
            A time beyond the correlation.
        """
        low, high = self.read_ps if read_ps is None else np.broadcast_to(read_ps, 2)
        if not 0 <= low <= high <= self.time_ps[-1] * (1 + 1e-9):
            raise InputError(
                "the integral does not reach this time",
                key="read_ps",
                found=f"{low:g} … {high:g} ps",
                expected=f"0 to {self.time_ps[-1]:.4g} ps",
            )
        weights = _weights(self.time_ps, float(low), float(high))
        axes = np.einsum("t,...ta->...a", weights, self.running)
        of_blocks = np.einsum("t,bta->ba", weights, self.block_running)
        parts = np.einsum("t,pta->pa", weights, self.parts)
        parts_of_blocks = np.einsum("t,bpta->bpa", weights, self.block_parts)
        return IntegralValue(
            (float(low), float(high)),
            float(axes.mean()),
            float(_stderr(of_blocks.mean(axis=1))),
            axes,
            _stderr(of_blocks),
            parts,
            parts_of_blocks,
        )


class IntegralValue(NamedTuple):
    """Running integrals at a time, in W/(m K): mean and axes with errors, and their parts."""

    read_ps: tuple[float, float]
    kappa: float
    stderr: float
    per_axis: FloatArray
    per_axis_err: FloatArray
    by_pair: FloatArray
    block_by_pair: FloatArray

    @property
    def parts(self) -> dict[str, tuple[float, float]]:
        """Virial, convective and cross part (VC + CV) of κ and their errors; sum exactly κ."""
        if not len(self.by_pair):
            return {}
        pairs, blocks = self.by_pair.mean(axis=-1), self.block_by_pair.mean(axis=-1)
        return {
            "virial": (float(pairs[0]), float(_stderr(blocks[:, 0]))),
            "convective": (float(pairs[1]), float(_stderr(blocks[:, 1]))),
            "cross": (float(pairs[2] + pairs[3]), float(_stderr(blocks[:, 2] + blocks[:, 3]))),
        }


def with_plateau(integral: FluxIntegral, at_ps: float | None = None) -> FluxIntegral:
    """The integrals with the plateau looked for, and the window where they are read."""
    found = find_plateau(integral.time_ps, integral.mean, integral.block_running.mean(axis=-1))
    last = float(integral.time_ps[-1])
    read = (at_ps, at_ps) if at_ps is not None else found.window_ps or (last / 2, last)
    whole = replace(integral, plateau_ps=found.window_ps, plateau_reason=found.reason, read_ps=read)
    whole.value()  # complains about a time beyond the end
    return whole


def _weights(time_ps: FloatArray, low: float, high: float) -> FloatArray:
    """Weights of the points of a curve for its mean over a window, or its value at a time."""
    inside = (time_ps >= low) & (time_ps <= high)
    if inside.sum() >= 2:
        return inside / inside.sum()
    at = min(int(np.searchsorted(time_ps, (low + high) / 2)), len(time_ps) - 1)
    weights = np.zeros(len(time_ps))
    if at == 0:
        weights[0] = 1.0
        return weights
    share = ((low + high) / 2 - time_ps[at - 1]) / (time_ps[at] - time_ps[at - 1])
    weights[at - 1], weights[at] = 1 - min(share, 1.0), min(share, 1.0)
    return weights


def _stderr(blocks: FloatArray) -> FloatArray:
    """Standard error of the mean over the first axis; NaN for one block."""
    if len(blocks) < 2:
        return np.full(blocks.shape[1:], math.nan)
    return np.asarray(np.std(blocks, axis=0, ddof=1) / math.sqrt(len(blocks)))
