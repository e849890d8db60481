"""Which predicted modes a spectrum can tell: fitted by themselves, merged, or folded.

A first look at the counts gives the overall scale of the prediction. With it the Fisher
information tells, before any fit, how well each mode's energy would come out beside all others.
What would not be seen even if all else were known is folded into one term of fixed shape. What
would be seen, but not apart from its neighbour, merges with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_reduce.expected_precision import fisher_information, inverse_information
from ixs_reduce.mode_merging import EffectiveMode, effective_mode, effective_modes
from ixs_reduce.predicted_modes import PredictedModes
from ixs_reduce.prediction_overview import Overview, energy_scales, overview, predicted_lines
from ixs_reduce.spectrum import Spectrum
from ixs_reduce.spectrum_model import SpectrumModel


@dataclass(frozen=True)
class PredictionOptions:
    """Rules by which a prediction becomes a model.

    closest : modes nearer than this many FWHM of R merge.
    farthest : modes that the counts cannot tell apart merge up to this many FWHM of R.
    margin : modes further than this many FWHM of R outside the scan are left out.
    significance : a mode whose expected amplitude is less than this many standard errors is too
        weak to see.
    largest_error_fwhm, largest_error_mev : a mode whose energy is expected to come out worse
        than the larger of both (in FWHM of R; in meV) does not stand by itself.
    energy_scales : range in which the calculated energies are scaled as a whole.
    starts_apart : start points differ by this much in that scale.
    drift_fwhm : a fitted energy may leave its scaled prediction by this many FWHM of R.
    """

    closest: float = 0.5
    farthest: float = 0.8
    margin: float = 1.0
    significance: float = 3.0
    largest_error_fwhm: float = 0.35
    largest_error_mev: float = 0.3
    energy_scales: tuple[float, float] = (0.94, 1.06)
    starts_apart: float = 0.02
    drift_fwhm: float = 0.6


class ExpectedMode(NamedTuple):
    """A mode to be fitted by itself, and the standard error expected of its energy in meV."""

    mode: EffectiveMode
    energy_error_mev: float


@dataclass(frozen=True)
class ModeChoice:
    """What becomes of the predicted modes of a spectrum.

    fitted : by themselves, by rising energy; energies as calculated.
    folded : too weak to see; one term of fixed shape together.
    outside : beyond the scan.
    looks : the first look with the best scale of energies, then others worth a start.
    """

    fitted: tuple[ExpectedMode, ...]
    folded: tuple[EffectiveMode, ...]
    outside: tuple[EffectiveMode, ...]
    looks: tuple[Overview, ...]

    @property
    def modes(self) -> tuple[EffectiveMode, ...]:
        """The modes to be fitted by themselves."""
        return tuple(expected.mode for expected in self.fitted)


def choose_modes(
    spectrum: Spectrum,
    model: SpectrumModel,
    predicted: PredictedModes,
    options: PredictionOptions | None = None,
) -> ModeChoice:
    """Decide what of a prediction is fitted, merged and folded in a spectrum.

    Parameters
    ----------
    spectrum : Spectrum
        With its zero as `zero_mev`.
    model : SpectrumModel
        Everything but the modes.
    predicted : PredictedModes
    options : PredictionOptions, optional
    """
    options = options or PredictionOptions()
    resolved = effective_modes(predicted, model.resolution, options.closest)
    candidates = [m for m in resolved if _within_reach(m, spectrum, model, options)]
    low, high = options.energy_scales
    trial = np.linspace(low, high, max(round((high - low) / _SCALE_STEP), 0) + 1)
    looks = [overview(spectrum, model, candidates, float(scale)) for scale in trial]
    chosen = energy_scales(looks, options.starts_apart)
    fitted, folded = _divide(spectrum, model, predicted, candidates, chosen[0], options)
    outside = tuple(mode for mode in resolved if mode not in candidates)
    return ModeChoice(fitted, folded, outside, tuple(chosen))


_SCALE_STEP = 0.01


def _within_reach(
    mode: EffectiveMode, spectrum: Spectrum, model: SpectrumModel, options: PredictionOptions
) -> bool:
    """Whether the loss or gain line of a mode lies within the scan or near it."""
    margin = options.margin * model.resolution.fwhm_mev
    low, high = spectrum.energy_mev[[0, -1]] - (spectrum.zero_mev or 0.0)
    return any(low - margin <= e <= high + margin for e in (mode.energy_mev, -mode.energy_mev))


def _divide(
    spectrum: Spectrum,
    model: SpectrumModel,
    predicted: PredictedModes,
    candidates: Sequence[EffectiveMode],
    look: Overview,
    options: PredictionOptions,
) -> tuple[tuple[ExpectedMode, ...], tuple[EffectiveMode, ...]]:
    """Modes to be fitted by themselves, merged further where needed, and folded ones."""
    width = model.resolution.fwhm_mev
    limit = max(options.largest_error_fwhm * width, options.largest_error_mev)
    blocks = dict(zip(candidates, _blocks(spectrum, model, candidates, look), strict=True))
    seen = {mode: _alone(blocks[mode], look, mode) >= options.significance for mode in candidates}
    modes = [mode for mode in candidates if seen[mode]]
    folded = [mode for mode in candidates if not seen[mode]]
    settled: set[EffectiveMode] = set()
    while True:
        judged = _judged(modes, folded, blocks, look)
        errors = [0.0 if m in settled else error for m, error in zip(modes, judged, strict=True)]
        if max(errors, default=0.0) <= limit:
            break
        mode = modes[int(np.argmax(errors))]
        neighbour = _neighbour(mode, modes, options.farthest * width)
        if neighbour is None:
            settled.add(mode)
            continue
        modes = [m for m in modes if m not in (mode, neighbour)]
        joint = effective_mode(predicted, mode.members + neighbour.members)
        blocks[joint] = _blocks(spectrum, model, [joint], look)[0]
        modes = sorted([*modes, joint])
    modes, spare = _as_many_as_points_allow(spectrum, look, modes, folded, blocks)
    folded = sorted(folded + spare)
    judged = _judged(modes, folded, blocks, look)
    return tuple(ExpectedMode(m, e) for m, e in zip(modes, judged, strict=True)), tuple(folded)


def _blocks(
    spectrum: Spectrum, model: SpectrumModel, modes: Sequence[EffectiveMode], look: Overview
) -> FloatArray:
    """Derivatives (n_modes, 3, n) of the counts with energy, width and amplitude of modes."""
    if not modes:
        return np.zeros((0, 3, spectrum.counts.size))
    lines = np.array([line[:3] for line in predicted_lines(modes, model, look.energy_scale)])
    lines[:, 2] *= look.intensity_scale
    only = replace(model, modes=len(modes), elastic=False, quasielastic=False, background="none")
    theta = np.append(lines.ravel(), spectrum.zero_mev or 0.0)
    _, jacobian = only.prepare(spectrum.energy_mev)(theta)
    return np.asarray(jacobian[:-1] * spectrum.exposure).reshape(len(modes), 3, -1)


def _alone(block: FloatArray, look: Overview, mode: EffectiveMode) -> float:
    """Expected amplitude of a mode over its standard error if all else were known."""
    information = float((block[2] ** 2 / look.expected).sum())
    return look.intensity_scale * mode.intensity * float(np.sqrt(information))


def _judged(
    modes: Sequence[EffectiveMode],
    folded: Sequence[EffectiveMode],
    blocks: dict[EffectiveMode, FloatArray],
    look: Overview,
) -> list[float]:
    """Standard error in meV expected of the energy of each mode beside all other terms."""
    weak = [sum(mode.intensity * blocks[mode][2] for mode in folded)] if folded else []
    rows = np.vstack([*(blocks[mode] for mode in modes), *weak, look.nuisance])
    variance = np.diag(inverse_information(fisher_information(look.expected, rows)))
    return [float(error) for error in np.sqrt(variance[: 3 * len(modes) : 3])]


def _neighbour(
    mode: EffectiveMode, modes: Sequence[EffectiveMode], farthest_mev: float
) -> EffectiveMode | None:
    """The nearest other mode, None when it is too far away."""
    others = [other for other in modes if other != mode]
    if not others:
        return None
    nearest = min(others, key=lambda other: abs(other.energy_mev - mode.energy_mev))
    return nearest if abs(nearest.energy_mev - mode.energy_mev) < farthest_mev else None


def _as_many_as_points_allow(
    spectrum: Spectrum,
    look: Overview,
    modes: list[EffectiveMode],
    folded: Sequence[EffectiveMode],
    blocks: dict[EffectiveMode, FloatArray],
) -> tuple[list[EffectiveMode], list[EffectiveMode]]:
    """Modes, less the weakest where there are hardly more points than parameters."""
    by_strength = sorted(modes, key=lambda mode: _alone(blocks[mode], look, mode))
    spare: list[EffectiveMode] = []
    while by_strength:
        terms = len(look.nuisance) + bool(folded or spare)
        if spectrum.counts.size > 3 * len(by_strength) + terms + 3:
            break
        spare.append(by_strength.pop(0))
    return sorted(by_strength), spare
