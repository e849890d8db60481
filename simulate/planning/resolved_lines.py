"""Which lines a scan tells apart: what `ixs fit --modes predicted` will fit in it.

The rules are those of `ixs_reduce.mode_choice`, applied to expected instead of measured counts:
modes too weak to be seen are folded into one term of fixed shape, neighbours that the counts do
not tell apart merge. Both depend on the counts, so a time is named after which the lines are
judged; with the lines fixed, information grows in proportion to time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_reduce.expected_precision import fisher_information, inverse_information
from ixs_reduce.mode_choice import PredictionOptions
from ixs_reduce.mode_merging import EffectiveMode, effective_mode, effective_modes
from ixs_reduce.predicted_modes import PredictedModes
from ixs_reduce.resolution import Resolution


@dataclass(frozen=True)
class Derivatives:
    """How expected counts move with everything a fit may vary, per second at each point.

    Parameters
    ----------
    rate : (n,) array
        Counts per second.
    modes : (m, 3, n) array
        By energy, by FWHM, and by the logarithm of the amplitude of every single mode.
    energy_mev : (m,) array
        Of the modes.
    others : (k, n) array
        By elastic line, background, zero.
    """

    rate: FloatArray
    modes: FloatArray
    energy_mev: FloatArray
    others: FloatArray

    def of_line(self, line: EffectiveMode) -> FloatArray:
        """(3, n) of a line whose members move, widen and grow together."""
        members = list(line.members)
        block = self.modes[members]
        ratio = self.energy_mev[members] / line.energy_mev
        return np.stack([ratio @ block[:, 0], block[:, 1].sum(axis=0), block[:, 2].sum(axis=0)])

    def rows(self, lines: Sequence[EffectiveMode], folded: Sequence[EffectiveMode]) -> FloatArray:
        """(p, n): three rows per line, one of all folded modes together, the others."""
        blocks = [self.of_line(line) for line in lines]
        weak = [sum(self.of_line(mode)[2] for mode in folded)] if folded else []
        return np.vstack([*blocks, *weak, self.others])


def resolved_lines(
    predicted: PredictedModes,
    resolution: Resolution,
    derivatives: Derivatives,
    scan_mev: FloatArray,
    seconds: float,
    options: PredictionOptions,
) -> tuple[tuple[EffectiveMode, ...], tuple[EffectiveMode, ...]]:
    """Lines that a scan tells apart, and modes that it does not see.

    Parameters
    ----------
    predicted : PredictedModes
    resolution : Resolution
    derivatives : Derivatives
        Of the modes of `predicted`.
    scan_mev : (n,) array
        Points of the scan.
    seconds : float
        Per point.
    options : PredictionOptions
        The rules.
    """
    width = resolution.fwhm_mev
    limit = max(options.largest_error_fwhm * width, options.largest_error_mev)
    ends = (scan_mev.min() - options.margin * width, scan_mev.max() + options.margin * width)
    lines: list[EffectiveMode] = []
    folded: list[EffectiveMode] = []
    for mode in effective_modes(predicted, resolution, options.closest):
        inside = any(ends[0] <= side * mode.energy_mev <= ends[1] for side in (1, -1))
        seen = _significance(derivatives, mode, seconds) >= options.significance
        (lines if inside and seen else folded).append(mode)
    settled: set[EffectiveMode] = set()
    while lines:
        errors = line_errors(derivatives, lines, folded, seconds)[:, 0]
        errors[[line in settled for line in lines]] = 0.0
        worst = int(np.argmax(errors))
        if errors[worst] <= limit:
            break
        neighbour = _neighbour(worst, lines, options.farthest * width)
        if neighbour is None:
            settled.add(lines[worst])
            continue
        joint = effective_mode(predicted, lines[worst].members + lines[neighbour].members)
        lines = sorted([*(x for i, x in enumerate(lines) if i not in (worst, neighbour)), joint])
    return tuple(lines), tuple(folded)


def line_errors(
    derivatives: Derivatives,
    lines: Sequence[EffectiveMode],
    folded: Sequence[EffectiveMode],
    seconds: float,
) -> FloatArray:
    """(n_lines, 3) standard errors of energy, FWHM and relative amplitude, all fitted together."""
    rows = derivatives.rows(lines, folded)
    information = fisher_information(seconds * derivatives.rate, seconds * rows)
    variance = np.diag(inverse_information(information))[: 3 * len(lines)]
    return np.sqrt(variance).reshape(-1, 3)


def _significance(derivatives: Derivatives, mode: EffectiveMode, seconds: float) -> float:
    """Amplitude over its standard error if all else were known."""
    row = derivatives.of_line(mode)[2]
    return float(np.sqrt(seconds * np.sum(row**2 / derivatives.rate)))


def _neighbour(place: int, lines: Sequence[EffectiveMode], farthest_mev: float) -> int | None:
    """Place of the nearest other line within reach."""
    others = [
        (abs(line.energy_mev - lines[place].energy_mev), i)
        for i, line in enumerate(lines)
        if i != place
    ]
    distance, nearest = min(others, default=(np.inf, -1))
    return nearest if distance < farthest_mev else None
