"""Predicted modes as an analyzer can tell them apart: unresolved ones merge into one.

A crystal of twelve atoms has 36 branches, a backscattering analyzer resolves perhaps ten lines.
Modes closer than half the FWHM of R appear as a single line at their intensity-weighted energy;
it carries the numbers of all its branches.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.units import FWHM_PER_SIGMA
from ixs_reduce.line_sets import SINGLE, Member
from ixs_reduce.lineshape import bose_factor
from ixs_reduce.predicted_modes import PredictedModes
from ixs_reduce.resolution import Resolution


class EffectiveMode(NamedTuple):
    """One or several predicted modes that a spectrum shows as one line.

    energy_mev : mean energy, weighted by intensity × (n + 1).
    fwhm_mev : expected FWHM before R: the members' own width, their spread, the acceptance's.
    intensity : sum of I_s, e² per primitive cell.
    branch : "4", or "4+5+7" for several branches.
    members : places in the columns of `PredictedModes`.
    """

    energy_mev: float
    fwhm_mev: float
    intensity: float
    branch: str
    members: tuple[int, ...]

    @property
    def merged(self) -> bool:
        """Whether several branches are in it."""
        return len(self.members) > 1


def effective_modes(
    predicted: PredictedModes, resolution: Resolution, closest: float = 0.5
) -> tuple[EffectiveMode, ...]:
    """Lines that an analyzer can tell apart, by rising energy.

    Degenerate modes are one line; then the two nearest lines merge, again and again, until all
    are at least `closest` FWHM of R apart.

    Parameters
    ----------
    predicted : PredictedModes
    resolution : Resolution
    closest : float
        In FWHM of R.
    """
    groups: dict[int, list[int]] = {}
    for place, group in enumerate(predicted.group.tolist()):
        groups.setdefault(group, []).append(place)
    modes = sorted(effective_mode(predicted, members) for members in groups.values())
    apart = closest * resolution.fwhm_mev
    while len(modes) > 1:
        gaps = np.diff([mode.energy_mev for mode in modes])
        nearest = int(np.argmin(gaps))
        if gaps[nearest] >= apart:
            break
        pair = modes[nearest].members + modes[nearest + 1].members
        modes[nearest : nearest + 2] = [effective_mode(predicted, pair)]
    return tuple(modes)


def effective_mode(predicted: PredictedModes, members: Iterable[int]) -> EffectiveMode:
    """Several predicted modes as one line; members are places in the columns of `predicted`."""
    places = tuple(sorted(members))
    index = list(places)
    energy, intensity = predicted.energy_mev[index], predicted.intensity[index]
    weight = _weights(predicted, index)
    mean = float(weight @ energy)
    variance = float(weight @ ((energy - mean) ** 2 + predicted.spread_mev[index] ** 2))
    own = _mean_width(predicted.fwhm_mev[index], weight)
    return EffectiveMode(
        energy_mev=mean,
        fwhm_mev=float(np.hypot(own, FWHM_PER_SIGMA * np.sqrt(variance))),
        intensity=float(intensity.sum()),
        branch="+".join(str(number) for number in sorted(predicted.branch[index].tolist())),
        members=places,
    )


def fine_structure(predicted: PredictedModes, mode: EffectiveMode) -> tuple[Member, ...]:
    """The lines within a mode, for `SpectrumModel.members`; those with hardly a share are left out.

    The mode's energy is the mean weighted by intensity × (n + 1), as in `effective_mode`; its
    width that of `own_width`. Widths differ only where the calculation knows all of them.
    """
    index = list(mode.members)
    intensity = predicted.intensity[index]
    if not mode.merged or not intensity.sum() > 0:
        return SINGLE
    share = intensity / intensity.sum()
    kept = share >= _LEAST_SHARE
    ratio = predicted.energy_mev[index] / mode.energy_mev
    widths = np.ones(len(index))
    if (predicted.fwhm_mev[index] > 0).all():
        own = np.hypot(predicted.fwhm_mev[index], FWHM_PER_SIGMA * predicted.spread_mev[index])
        widths = own / own_width(predicted, mode)
    columns = np.column_stack((ratio, share, widths))[kept]
    return tuple(Member(*map(float, row)) for row in columns)


_LEAST_SHARE = 0.005


def own_width(predicted: PredictedModes, mode: EffectiveMode) -> float:
    """Expected FWHM in meV of the lines within a mode: their own, and the acceptance's."""
    index = list(mode.members)
    weight = _weights(predicted, index)
    spread = float(np.sqrt(weight @ predicted.spread_mev[index] ** 2))
    return float(np.hypot(_mean_width(predicted.fwhm_mev[index], weight), FWHM_PER_SIGMA * spread))


def _weights(predicted: PredictedModes, index: list[int]) -> FloatArray:
    """Intensity × (n + 1) of some modes, as shares of their sum."""
    intensity = predicted.intensity[index]
    weight = intensity * bose_factor(predicted.energy_mev[index], predicted.temperature_k)
    whole = float(weight.sum())
    return weight / whole if whole > 0 else np.full(intensity.size, 1 / intensity.size)


def _mean_width(fwhm: FloatArray, weight: FloatArray) -> float:
    """Mean width of those members that have one; 0 where the calculation knows none."""
    known = np.isfinite(fwhm)
    share = float(weight[known].sum())
    return float(weight[known] @ fwhm[known]) / share if share > 0 else 0.0


def branch_text(label: str) -> str:
    """Branches in short, neighbours as a range: "4–6+9" for "4+5+6+9"; other labels as they are."""
    parts = label.split("+")
    if not all(part.isdecimal() for part in parts):
        return label
    runs: list[list[int]] = []
    for number in map(int, parts):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return "+".join(
        f"{run[0]}–{run[-1]}" if len(run) > 2 else "+".join(map(str, run)) for run in runs
    )
