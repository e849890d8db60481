"""What is expected of each spectrum: by predicted modes, a stored overlay, or its fitted model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from gui.models.dispersion_data import StoredDispersion
from gui.models.document import SpectrumId
from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from ixs_core.jobs import CancelToken, Progress
from ixs_reduce import Spectrum, SpectrumFit
from ixs_reduce.predicted_modes import spectrum_key
from simulate.measured_spectra import MeasuredSpectrum, measured_spectrum
from simulate.predicted_overlay import overlay_predicted

PREDICTED, FITTED = "predicted modes", "fitted models"
"""What the calculated map may show besides stored overlays, as it is called on screen."""

_NOTHING: FloatArray = np.zeros(0)


@dataclass(frozen=True)
class Curve:
    """What is expected of one spectrum: file energies, and counts, all (m,)."""

    energy_mev: FloatArray = field(default_factory=lambda: _NOTHING)
    counts: FloatArray = field(default_factory=lambda: _NOTHING)
    exposure: FloatArray = field(default_factory=lambda: _NOTHING)
    expected: FloatArray = field(default_factory=lambda: _NOTHING)

    @property
    def difference(self) -> FloatArray:
        """Measured less expected counts."""
        return self.counts - self.expected


def sources_of(
    stored: StoredDispersion, spectra: Sequence[Spectrum], fits: Sequence[SpectrumFit | None]
) -> tuple[str, ...]:
    """What is calculated for some of these spectra, the default first."""
    keys = {spectrum_key(spectrum) for spectrum in spectra}
    found = [PREDICTED] if keys & set(stored.predictions) else []
    found += [name for name, curves in stored.overlays.items() if keys & set(curves)]
    return (*found, FITTED) if any(fit is not None for fit in fits) else tuple(found)


def calculated_curves(
    stored: StoredDispersion,
    ids: Sequence[SpectrumId],
    spectra: Sequence[Spectrum],
    fits: Sequence[SpectrumFit | None],
    source: str,
    progress: Progress | None,
    cancel: CancelToken | None,
) -> tuple[list[Curve], tuple[str, ...]]:
    """The expected counts of each spectrum, empty where there are none, and remarks."""
    if source == FITTED:
        return [Curve() if fit is None else _of_fit(fit) for fit in fits], ()
    notes: tuple[str, ...] = ()
    if source == PREDICTED:
        ready = [_ready(stored, *one) for one in zip(ids, spectra, fits, strict=True)]
        having = [one for one in ready if one is not None]
        try:
            laid, notes = overlay_predicted(
                having, stored.predictions, progress=progress, cancel=cancel
            )
        except InputError as error:
            laid, notes = [], (str(error),)
        if len(having) < len(ready):
            without = len(ready) - len(having)
            notes += (f"without a resolution function: {without} of {len(ready)} spectra",)
        by_key = {(one.file, one.scan, one.analyzer): one for one in laid}
    else:
        by_key = dict(stored.overlays.get(source, {}))
    curves = []
    for spectrum in spectra:
        one = by_key.get(spectrum_key(spectrum))
        if one is None:
            curves.append(Curve())
        else:
            o = one.overlay
            curves.append(Curve(o.energy_mev, o.counts, o.exposure, o.expected))
    return curves, notes


def _ready(
    stored: StoredDispersion, which: SpectrumId, spectrum: Spectrum, fit: SpectrumFit | None
) -> MeasuredSpectrum | None:
    own = stored.resolutions.get(which.analyzer) if fit is None else fit.model.resolution
    return None if own is None else measured_spectrum(which.key, spectrum, own, fit)


def _of_fit(fit: SpectrumFit) -> Curve:
    spectrum = fit.spectrum
    return Curve(
        spectrum.energy_mev, spectrum.counts, spectrum.exposure, np.asarray(fit.expected_counts)
    )
