"""Rates taken from a project: fitted modes with predicted partners, elastic lines, backgrounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ixs_core.errors import InputError
from ixs_core.project import Project
from ixs_reduce.predicted_modes import PredictedModes, spectrum_key
from ixs_reduce.scan import Scan
from ixs_reduce.spectrum import Spectrum
from ixs_reduce.spectrum_fit import SpectrumFit
from simulate.planning.conditions import Calibration, Conditions, measured_calibration

if TYPE_CHECKING:
    from ixs_reduce.instrument import Instrument

_SIGNIFICANT = 3.0


@dataclass(frozen=True)
class MeasuredRates:
    """What a measurement says of the rates.

    Parameters
    ----------
    calibration : Calibration
    elastic_e2 : float
        Median elastic intensity, e² per primitive cell.
    background_per_s : float
        Median background, counts per second.
    """

    calibration: Calibration
    elastic_e2: float
    background_per_s: float

    def applied_to(self, conditions: Conditions) -> Conditions:
        """Conditions with these rates in place of the estimated ones."""
        return replace(
            conditions,
            calibration=self.calibration,
            elastic_e2=self.elastic_e2,
            background_per_s=self.background_per_s,
        )


def rates_of_project(
    project: Project, conditions: Conditions, instrument: Instrument
) -> MeasuredRates:
    """The rates of a project's fits with predicted modes.

    For each fitted mode that stands out by 3σ, amplitude × exposure per second over predicted I_s
    (of all branches merged in it), divided by efficiency, polarisation and path.

    Parameters
    ----------
    project : Project
        With scans, spectra, predictions (`ixs sqe --at`) and fits (`ixs fit --modes predicted`).
    conditions : Conditions
        For absorption and path.
    instrument : Instrument
        For the scattering angles.

    Raises
    ------
    InputError
        No fitted mode has a predicted partner, or the scans have no counting times.
    """
    from ixs_reduce.store import (
        fit_keys,
        prediction_keys,
        read_fits,
        read_predictions,
        read_scan,
        scan_keys,
    )

    with project.reading() as h5:
        fits = [fit for key in fit_keys(h5) for fit in read_fits(h5, key) if fit.branches]
        predicted = {
            modes.key: modes for key in prediction_keys(h5) for modes in read_predictions(h5, key)
        }
        scans = {
            (scan.source.path.name, scan.label): scan
            for scan in (read_scan(h5, key) for key in scan_keys(h5))
        }
    neutral = replace(conditions, calibration=Calibration(1.0, ""), efficiency={})
    amplitudes, intensities, elastic, background = [], [], [], []
    for fit in fits:
        modes = predicted.get(spectrum_key(fit.spectrum))
        if modes is None or fit.spectrum.q_abs is None:
            continue
        exposure = _exposure_per_second(fit.spectrum, scans)
        tth = 2 * np.degrees(np.arcsin(fit.spectrum.q_abs * instrument.wavelength / (4 * np.pi)))
        scale = exposure / float(neutral.rate_scale("", tth))
        for mode in _significant(fit):
            amplitudes.append(scale * fit.modes[mode].amplitude.value)
            intensities.append(_intensity(modes, fit.branches[mode]))
        if fit.elastic is not None:
            elastic.append(scale * fit.elastic.value)
        background.append(exposure * fit.parameters[fit.parameter_names.index("background_c0")])
    if not amplitudes:
        raise InputError(
            "no fitted mode of the project has a predicted partner",
            file=project.path,
            key="--calibrate",
            hint="`ixs sqe FC --at project.h5`, then `ixs fit project.h5 --modes predicted`",
        )
    calibration = measured_calibration(amplitudes, intensities)
    return MeasuredRates(
        replace(calibration, source=f"{calibration.source} of {project.path.name}"),
        float(np.median(elastic)) / calibration.counts_per_s if elastic else conditions.elastic_e2,
        max(float(np.median(background)), 0.0),
    )


def _significant(fit: SpectrumFit) -> list[int]:
    """Places of the modes that stand out."""
    return [
        i
        for i, mode in enumerate(fit.modes)
        if mode.amplitude.value > _SIGNIFICANT * mode.amplitude.stderr
    ]


def _intensity(modes: PredictedModes, branches: str) -> float:
    """Summed I_s of the branches of a label such as "4+5", e² per primitive cell."""
    wanted = [int(branch) for branch in branches.split("+")]
    return float(modes.intensity[np.isin(modes.branch, wanted)].sum())


def _exposure_per_second(spectrum: Spectrum, scans: Mapping[tuple[str, str], Scan]) -> float:
    """Exposure that a spectrum gathers per second of counting."""
    parts: Sequence[str] = (spectrum.scan or "").split("+")
    seconds = [
        scan.seconds
        for label in parts
        if (scan := scans.get((spectrum.file or "", label))) is not None
    ]
    if not seconds or any(times is None for times in seconds):
        raise InputError(
            "the counting times of the scan are not known", key=spectrum.label, hint="reduce again"
        )
    return float(spectrum.exposure.mean() / sum(np.mean(t) for t in seconds if t is not None))
