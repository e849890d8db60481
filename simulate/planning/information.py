"""Counting time to a wanted precision, from the Fisher information of the model that is fitted.

Counts are Poisson with means rate × time, background and elastic line included, so the information
is exactly proportional to time: σ after t hours is σ₁/√t, and t = (σ₁/σ)².
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from ixs_core.units import FWHM_PER_SIGMA
from ixs_reduce.lineshape import bose_factor
from ixs_reduce.mode_choice import PredictionOptions
from ixs_reduce.mode_merging import EffectiveMode, own_width
from ixs_reduce.predicted_modes import PredictedModes
from ixs_reduce.resolution import Resolution
from ixs_reduce.spectrum_model import SpectrumModel
from simulate.planning.resolved_lines import Derivatives, line_errors, resolved_lines

_HOUR = 3600.0

_NARROWEST = 0.01

# Modes below this share of the strongest are left out before lines are merged.
_DARK = 1e-4

_STEP_MEV = 0.5


@dataclass(frozen=True)
class Goal:
    """What counts as measured.

    Parameters
    ----------
    sigma_energy_mev : float or None
        Standard error of a mode's energy.
    relative_fwhm : float or None
        Standard error of a mode's FWHM over the FWHM.
    closest : float
        Modes closer than this many FWHM of R are one line, as in `PredictionOptions`.
    scan_hours : float
        Time of a scan after which it is judged which lines are told apart and which modes are
        too weak; with these lines the time to a precision is exactly (σ₁/σ)².
    zero_known : bool
        Whether the energy zero is known from elsewhere, not from the spectrum itself.
    least_share : float
        A branch counts as seen in a merged line when it gives at least this share of its
        intensity (degenerate partners included).
    """

    sigma_energy_mev: float | None = 0.1
    relative_fwhm: float | None = None
    closest: float = 0.5
    scan_hours: float = 4.0
    zero_known: bool = False
    least_share: float = 0.5

    def __post_init__(self) -> None:
        wanted = (self.sigma_energy_mev, self.relative_fwhm)
        if wanted == (None, None) or any(value is not None and not value > 0 for value in wanted):
            raise InputError(
                "the wanted precision is not positive",
                key="sigma",
                found=wanted,
                expected="σ of the energy in meV, or relative σ of the width, above 0",
            )


@dataclass(frozen=True)
class ExpectedSpectrum:
    """What one analyzer will count, and what a fit of it will tell.

    Parameters
    ----------
    predicted : PredictedModes
        Averaged over the analyzer's acceptance; those that the spectrum shows.
    resolution : Resolution
    model : SpectrumModel
        Every predicted mode as a line of its own.
    parameters : (p,) array
        By `model.parameter_names`; intensities in counts per second.
    energy_mev : (n,) array
        Points of the scan.
    derivatives : Derivatives
        At these points.
    lines : tuple of EffectiveMode
        What a fit tells apart, by rising energy.
    folded : tuple of EffectiveMode
        What it does not see, as one term.
    """

    predicted: PredictedModes
    resolution: Resolution
    model: SpectrumModel
    parameters: FloatArray
    energy_mev: FloatArray
    derivatives: Derivatives
    lines: tuple[EffectiveMode, ...]
    folded: tuple[EffectiveMode, ...]

    @property
    def analyzer(self) -> str:
        """Name of the analyzer."""
        return self.predicted.analyzer

    def rate(self, energy_mev: FloatArray | None = None) -> FloatArray:
        """(n,) counts per second, at the points of the scan or at other energies."""
        if energy_mev is None:
            return self.derivatives.rate
        return self.model.prepare(np.asarray(energy_mev, dtype=float))(self.parameters)[0]

    def line_of(self, branch: int) -> int | None:
        """Which line holds a branch; None where the branch is not seen."""
        places = np.flatnonzero(self.predicted.branch == branch)
        for i, line in enumerate(self.lines):
            if places.size and int(places[0]) in line.members:
                return i
        return None

    def share(self, branch: int, partners: Sequence[int] = ()) -> float:
        """Share of a branch, with partners and degenerate modes, in the intensity of its line."""
        number = self.line_of(branch)
        if number is None:
            return 0.0
        members = list(self.lines[number].members)
        weight = self.predicted.intensity[members] * bose_factor(
            self.predicted.energy_mev[members], self.predicted.temperature_k
        )
        group = self.predicted.group[members]
        branches = self.predicted.branch[members]
        own = (group == group[branches == branch][0]) | np.isin(branches, partners)
        return float(weight[own].sum() / weight.sum()) if weight.sum() > 0 else 0.0

    def fwhm_mev(self, line: int) -> float:
        """Expected FWHM of the lines within a line: what a fit calls its width."""
        return own_width(self.predicted, self.lines[line])


@dataclass(frozen=True)
class Precision:
    """Standard errors of the lines of a spectrum after one hour over the whole scan.

    Parameters
    ----------
    energy_mev, fwhm_mev, relative_amplitude : (n_lines,) arrays
        Infinite for lines that are not determined.
    """

    energy_mev: FloatArray
    fwhm_mev: FloatArray
    relative_amplitude: FloatArray


def expected_spectrum(
    predicted: PredictedModes,
    resolution: Resolution,
    rate_scale: float,
    elastic_e2: float,
    background_per_s: float,
    energy_mev: FloatArray,
    goal: Goal | None = None,
) -> ExpectedSpectrum:
    """The model of an analyzer's spectrum, its modes merged and folded as `ixs fit` does.

    Parameters
    ----------
    predicted : PredictedModes
    resolution : Resolution
    rate_scale : float
        Counts per second for 1 e²/meV.
    elastic_e2 : float
        Elastic intensity, e² per primitive cell.
    background_per_s : float
    energy_mev : (n,) array
        Points of the scan.
    goal : Goal, optional
        Its `closest`, `scan_hours` and `zero_known` count here.
    """
    goal = goal or Goal()
    predicted = _visible(predicted, float(energy_mev.max()) + 4 * resolution.fwhm_mev)
    own = np.nan_to_num(predicted.fwhm_mev, nan=0.0)
    widths = np.maximum(np.hypot(own, FWHM_PER_SIGMA * predicted.spread_mev), _NARROWEST)
    modes = np.stack([predicted.energy_mev, widths, rate_scale * predicted.intensity], axis=1)
    model = SpectrumModel(resolution, predicted.temperature_k, modes=predicted.energy_mev.tolist())
    values = np.concatenate([modes.ravel(), [rate_scale * elastic_e2, background_per_s, 0.0, 0.0]])
    rate, jacobian = model.prepare(energy_mev)(values)
    blocks = jacobian[: modes.size].reshape(len(modes), 3, -1).copy()
    blocks[:, 2] *= modes[:, 2, None]
    others = jacobian[modes.size : -1] if goal.zero_known else jacobian[modes.size :]
    derivatives = Derivatives(rate, blocks, predicted.energy_mev, others)
    lines, folded = resolved_lines(
        predicted,
        resolution,
        derivatives,
        energy_mev,
        _HOUR * goal.scan_hours / energy_mev.size,
        PredictionOptions(closest=goal.closest),
    )
    return ExpectedSpectrum(
        predicted, resolution, model, values, energy_mev, derivatives, lines, folded
    )


def _visible(predicted: PredictedModes, highest_mev: float) -> PredictedModes:
    """Without modes that the spectrum does not show: too high, or dark beside the others."""
    strength = predicted.intensity * bose_factor(predicted.energy_mev, predicted.temperature_k)
    near = predicted.energy_mev < highest_mev
    bright = strength > _DARK * strength[near].max(initial=0.0)
    kept = np.flatnonzero(near & bright)
    columns = ("energy_mev", "intensity", "branch", "group", "fwhm_mev", "spread_mev")
    return replace(predicted, **{name: getattr(predicted, name)[kept] for name in columns})


def precision(spectrum: ExpectedSpectrum) -> Precision:
    """Cramér-Rao bounds of all lines after one hour spread evenly over the scan.

    All are fitted together: lines, folded modes, elastic line, linear background and, unless the
    goal said that it is known, the energy zero.
    """
    seconds = _HOUR / spectrum.energy_mev.size
    errors = line_errors(spectrum.derivatives, spectrum.lines, spectrum.folded, seconds)
    return Precision(errors[:, 0], errors[:, 1], errors[:, 2])


def hours_to_goal(
    spectrum: ExpectedSpectrum,
    branches: Sequence[int],
    goal: Goal,
    partners: Sequence[Sequence[int]] | None = None,
) -> FloatArray:
    """(n,) hours until each branch is known as well as wanted; infinite where it never is.

    A branch that does not dominate its line (`Goal.least_share`) is never known.

    Parameters
    ----------
    spectrum : ExpectedSpectrum
    branches : sequence of n ints
    goal : Goal
    partners : n sequences of int, optional
        For each branch others that count as the same mode.
    """
    after_one_hour = precision(spectrum)
    hours = np.full(len(branches), np.inf)
    for i, branch in enumerate(branches):
        number = spectrum.line_of(branch)
        same = () if partners is None else partners[i]
        if number is None or spectrum.share(branch, same) < goal.least_share:
            continue
        hours[i] = _hours(after_one_hour, number, spectrum.fwhm_mev(number), goal)
    return hours


def _hours(after_one_hour: Precision, line: int, fwhm_mev: float, goal: Goal) -> float:
    ratios = [0.0]
    if goal.sigma_energy_mev is not None:
        ratios.append(float(after_one_hour.energy_mev[line]) / goal.sigma_energy_mev)
    if goal.relative_fwhm is not None:
        wanted = goal.relative_fwhm * max(fwhm_mev, _NARROWEST)
        ratios.append(float(after_one_hour.fwhm_mev[line]) / wanted)
    return max(ratios) ** 2


def scan_energies(low_mev: float, high_mev: float, step_mev: float = 0.5) -> FloatArray:
    """Points of a scan from low to high (both rounded outward to whole steps), meV.

    Raises
    ------
    InputError
        The step is not positive or the ends are in the wrong order.
    """
    if not (step_mev > 0 and low_mev < high_mev and (high_mev - low_mev) / step_mev < 10_000):
        raise InputError(
            "these are no energies of a scan",
            key="scan",
            found=f"{low_mev} to {high_mev} by {step_mev}",
            expected="low < high and a positive step in meV",
        )
    first, last = math.floor(low_mev / step_mev + 1e-9), math.ceil(high_mev / step_mev - 1e-9)
    return step_mev * np.arange(first, last + 1)


def automatic_scan(
    energies_mev: Sequence[float] | FloatArray, fwhm_mev: float, step_mev: float | None = None
) -> FloatArray:
    """Points of a scan that holds the given modes, the elastic line and a little of the gain side.

    From -(lowest mode, at most 8 meV) - 2.5 FWHM of R to the highest mode + 2.5 FWHM: the gain
    side of the lowest mode pins the energy zero without an elastic line. Steps are 0.5 meV, or
    a third of R's FWHM where that is less: a wider step would miss lines between its points.
    """
    step_mev = min(_STEP_MEV, fwhm_mev / 3) if step_mev is None else step_mev
    energies = np.asarray(energies_mev, dtype=float)
    margin = 2.5 * fwhm_mev
    lowest = min(float(energies.min()), 8.0)
    return scan_energies(-lowest - margin, float(energies.max()) + margin, step_mev)
