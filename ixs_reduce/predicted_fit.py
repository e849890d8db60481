"""Fit a spectrum with the modes that a calculation predicts, each under its branch label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_reduce.fitting import SpectrumFit, bounded_parameters, fit_from
from ixs_reduce.likelihood import Objective
from ixs_reduce.mode_choice import ModeChoice, PredictionOptions, choose_modes
from ixs_reduce.mode_merging import EffectiveMode, branch_text, fine_structure, own_width
from ixs_reduce.predicted_modes import PredictedModes
from ixs_reduce.prediction_overview import NARROWEST, predicted_lines
from ixs_reduce.spectrum import Spectrum
from ixs_reduce.spectrum_model import LOWEST_ENERGY, SpectrumModel
from ixs_reduce.start_values import linear_start

if TYPE_CHECKING:
    import lmfit

    from ixs_core.jobs import CancelToken


def fit_predicted(
    spectrum: Spectrum,
    model: SpectrumModel,
    predicted: PredictedModes,
    options: PredictionOptions | None = None,
    starts: int = 4,
    objective: Objective = "poisson",
    seed: int = 0,
    cancel: CancelToken | None = None,
) -> SpectrumFit:
    """Fit the modes of a prediction; which of them, the counts decide (`choose_modes`).

    Start points differ in the scale of the calculated energies as a whole; intensities start from
    the counts alone. Energies stay near their prediction, so that labels stay with their modes.

    Parameters
    ----------
    spectrum : Spectrum
        With its zero as `zero_mev`.
    model : SpectrumModel
        Everything but the modes.
    predicted : PredictedModes
        At the spectrum's own Q.
    options : PredictionOptions, optional
    starts, objective, seed, cancel : as for `fit_spectrum`

    Returns
    -------
    SpectrumFit
        With `branches`; its remarks say what was merged, folded or left out, and which modes
        did not come out well.

    Errors as for `fit_spectrum`.
    """
    options = options or PredictionOptions()
    choice = choose_modes(spectrum, model, predicted, options)
    scales = [look.energy_scale for look in choice.looks[: max(starts, 1)]]
    calculated = np.array([mode.energy_mev for mode in choice.modes])
    # With the scale of the first look, folded_scale is 1 where they are as strong as calculated.
    strength = choice.looks[0].intensity_scale or 1.0
    weak = tuple(
        line._replace(amplitude=strength * line.amplitude)
        for line in predicted_lines(choice.folded, model, scales[0])
        if line.amplitude > 0
    )
    full = replace(
        model,
        modes=tuple(scales[0] * calculated),
        folded=weak,
        members=[fine_structure(predicted, mode) for mode in choice.modes],
    )
    narrow = NARROWEST * model.resolution.fwhm_mev
    widths = np.array([max(own_width(predicted, mode), narrow) for mode in choice.modes])
    zero = spectrum.zero_mev or 0.0
    vectors = [
        linear_start(spectrum, full, scale * calculated, widths, zero_mev=zero)[0]
        for scale in scales
    ]
    given = bounded_parameters(spectrum, full, zero)
    _keep_near(given, calculated, scales, options.drift_fwhm * model.resolution.fwhm_mev)
    fit = fit_from(spectrum, full, given, vectors, objective, seed, cancel)
    fit = _by_energy(replace(fit, branches=tuple(mode.branch for mode in choice.modes)), cancel)
    remarks = (*_what_was_done(choice, predicted, model), *_what_came_out(fit, options))
    return replace(fit, remarks=fit.remarks + remarks)


def _by_energy(fit: SpectrumFit, cancel: CancelToken | None) -> SpectrumFit:
    """The fit with its modes by rising energy, fitted again where two have changed places."""
    n = fit.model.n_modes
    order = np.argsort(fit.parameters[: 3 * n : 3], kind="stable")
    if (np.diff(order) > 0).all():
        return fit
    columns = np.arange(fit.parameters.size)
    columns[: 3 * n] = (3 * order[:, None] + np.arange(3)).ravel()
    names, old = fit.parameter_names, fit.start_parameters
    given = old.copy()
    for name, source in zip(names, columns.tolist(), strict=True):
        was = old[names[source]]
        given[name].set(value=was.value, min=was.min, max=was.max)
    model = replace(
        fit.model,
        modes=tuple(given[f"mode{i + 1}_energy"].value for i in range(n)),
        members=[fit.model.members[k] for k in order],
    )
    best = fit.parameters[columns]
    again = fit_from(fit.spectrum, model, given, [best], fit.objective, fit.seed, cancel)
    return replace(again, branches=tuple(fit.branches[k] for k in order))


def _keep_near(
    given: lmfit.Parameters, calculated: FloatArray, scales: Sequence[float], drift_mev: float
) -> None:
    """Bound each energy about its scaled predictions."""
    for i, energy in enumerate(calculated.tolist()):
        low = max(min(scales) * energy - drift_mev, LOWEST_ENERGY)
        high = max(scales) * energy + drift_mev
        given[f"mode{i + 1}_energy"].set(
            value=float(np.clip(scales[0] * energy, low, high)), min=low, max=high
        )


def _what_was_done(
    choice: ModeChoice, predicted: PredictedModes, model: SpectrumModel
) -> list[str]:
    """Which modes were merged, folded, left out, in words that begin with a code."""
    said = []
    merged = [mode for mode in choice.modes if mode.merged]
    if merged:
        said.append(f"merged: {_branches(merged)} (within each as calculated)")
    if choice.folded:
        said.append(
            f"folded: {_count(choice.folded)} too weak to see at these counts, as one term of "
            f"calculated shape: {_branches(choice.folded)}"
        )
    if choice.outside:
        said.append(f"outside: {_count(choice.outside)} beyond the scan")
    if predicted.imaginary:
        said.append(f"imaginary: {predicted.imaginary} modes of the calculation are no vibration")
    if abs(predicted.temperature_k - model.temperature_k) > _OTHER_TEMPERATURE_K:
        kelvin = f"{predicted.temperature_k:.0f} K, measured at {model.temperature_k:.0f} K"
        said.append(f"other-temperature: calculated for {kelvin}")
    return said


_OTHER_TEMPERATURE_K = 10.0


def _what_came_out(fit: SpectrumFit, options: PredictionOptions) -> list[str]:
    """Modes without intensity, at a bound, or closer than can be told apart."""
    apart = options.closest * fit.model.resolution.fwhm_mev
    said = []
    for i, mode in enumerate(fit.modes):
        name = f"mode {i + 1} (branch {branch_text(mode.branch)})"
        if mode.amplitude.at_bound or mode.amplitude.value <= 0:
            said.append(f"no-intensity: {name} at {mode.energy.value:.2f} meV")
        elif mode.energy.at_bound:
            said.append(f"far-from-prediction: {name} ran to {mode.energy.value:.2f} meV")
        elif _at_upper_bound(fit, i):
            said.append(f"too-wide: {name} grew to {mode.fwhm.value:.1f} meV")
        gap = mode.energy.value - fit.modes[i - 1].energy.value if i else np.inf
        if gap < apart:
            said.append(
                f"collision: {name} came within {gap:.2f} meV of branch {fit.modes[i - 1].branch}"
            )
    return said


def _at_upper_bound(fit: SpectrumFit, index: int) -> bool:
    width = fit.modes[index].fwhm
    return width.at_bound and width.value > 0.5 * fit.model.resolution.fwhm_mev


def _count(modes: Sequence[EffectiveMode]) -> str:
    number = sum(len(mode.members) for mode in modes)
    return "1 mode" if number == 1 else f"{number} modes"


def _branches(modes: Sequence[EffectiveMode]) -> str:
    return ", ".join(branch_text(mode.branch) for mode in modes)
