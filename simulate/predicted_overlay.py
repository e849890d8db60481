"""Predicted modes of a project laid over the counts of their own spectra."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from ixs_core.units import FWHM_PER_SIGMA
from ixs_reduce.predicted_modes import PredictedModes, SpectrumKey, spectrum_key
from simulate.overlay import scale_to_counts
from simulate.phonons.modes import ModeStructureFactor
from simulate.phonons.spectra import line_spectra
from simulate.spectrum_overlay import SpectrumOverlay, comparable, placed

if TYPE_CHECKING:
    from ixs_core.jobs import CancelToken, Progress
    from simulate.measured_spectra import MeasuredSpectrum


def overlay_predicted(
    measured: Sequence[MeasuredSpectrum],
    predictions: Mapping[SpectrumKey, PredictedModes],
    *,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> tuple[list[SpectrumOverlay], tuple[str, ...]]:
    """The predicted modes of spectra over their counts, each through its analyzer's resolution.

    Of every spectrum the strength of all modes together, the elastic line and a constant
    background are fitted; energies and relative intensities are those of the prediction.
    Spectra without a prediction have no part in it; those that cannot be compared are named.

    Parameters
    ----------
    measured : sequence of MeasuredSpectrum
    predictions : mapping
        As `ixs_reduce.project_fit.load_predictions` gives them.
    progress, cancel
        After each spectrum.

    Returns
    -------
    list of SpectrumOverlay
        Their scale is counts per exposure for 1 e² per primitive cell.
    tuple of str
        What was left out.

    Raises
    ------
    InputError
        None of those with a prediction can be compared.
    """
    having = [one for one in measured if spectrum_key(one.spectrum) in predictions]

    def laid(row: int, one: MeasuredSpectrum) -> SpectrumOverlay:
        if cancel is not None:
            cancel.check()
        if progress is not None:
            progress(row, len(having), one.spectrum.label)
        predicted = predictions[spectrum_key(one.spectrum)]
        spectrum = one.spectrum
        energy = spectrum.energy_mev - one.zero_mev
        shape = predicted_shape(predicted, one, energy)
        overlay = scale_to_counts(
            spectrum.energy_mev,
            spectrum.counts,
            spectrum.exposure,
            shape,
            np.zeros_like(shape),
            one.resolution(energy),
            background_rate=spectrum.background_rate,
        )
        return placed(one, predicted.source, predicted.q_hkl, 0.0, predicted.temperature_k, overlay)

    return comparable(having, laid)


def predicted_shape(
    predicted: PredictedModes, measured: MeasuredSpectrum, energy_mev: FloatArray
) -> FloatArray:
    """S(Q,E) of predicted modes through R at (n,) true energies, e²/meV per primitive cell.

    Widths are those of the prediction, with the spread of energies over the acceptance; modes
    whose width is not known are bare lines.

    Raises
    ------
    InputError
        No mode is predicted.
    """
    if not predicted.n_modes:
        raise InputError("no real mode is predicted at this Q")
    width = np.hypot(np.nan_to_num(predicted.fwhm_mev), FWHM_PER_SIGMA * predicted.spread_mev)
    lines = ModeStructureFactor(
        predicted.q_hkl[None],
        np.array([measured.spectrum.q_abs or np.nan]),
        predicted.energy_mev[None],
        predicted.intensity[None],
        predicted.branch[None],
        predicted.group[None],
        predicted.temperature_k,
    )
    return line_spectra(lines, energy_mev, measured.resolution, width[None])[0]
