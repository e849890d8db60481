"""What a dispersion shows, as numbers: fitted modes along Q, calculated ones, ends of axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_reduce.fit_words import uncertain, width_limit
from ixs_reduce.lineshape import bose_factor
from ixs_reduce.predicted_modes import PredictedModes, SpectrumKey, spectrum_key
from ixs_reduce.q_path import QPath
from ixs_reduce.spectrum import Spectrum

_SAME_TEMPERATURE_K = 5.0


class ModePoint(NamedTuple):
    """A fitted mode as drawn in a dispersion.

    limit : 95 % upper limit of the FWHM, None where the width is known; trusted : whether
    the energy is (error below 20 %, a fit that describes its data); fit, place : the mode is
    path.fits[fit].modes[place].
    """

    position: float
    energy: float
    energy_err: float
    fwhm: float
    fwhm_err: float
    limit: float | None
    overdamped: bool
    trusted: bool
    series: str
    fit: int
    place: int

    @property
    def shows_width(self) -> bool:
        """Whether the width is drawn as a bar around the energy."""
        return self.trusted and not self.overdamped and self.limit is None


def mode_points(
    path: QPath, series: Sequence[str] | None = None, *, by_branch: bool = True
) -> tuple[ModePoint, ...]:
    """All modes of the fits of a path; `series` names what colours each fit.

    by_branch : labels of branches colour the modes that have one.
    """
    names = series or [""] * len(path.fits)
    points = []
    for number, (fit, position, name) in enumerate(
        zip(path.fits, path.position.tolist(), names, strict=True)
    ):
        for i, mode in enumerate(fit.modes):
            points.append(
                ModePoint(
                    position,
                    mode.energy.value,
                    mode.energy.stderr,
                    mode.fwhm.value,
                    mode.fwhm.stderr,
                    width_limit(fit, i),
                    mode.overdamped,
                    not uncertain(fit, i),
                    (mode.branch if by_branch else "") or name,
                    number,
                    i,
                )
            )
    return tuple(points)


def path_series(path: QPath) -> list[str]:
    """What the colours of a path tell: temperatures, else scans where several meet in it."""
    temperatures = [fit.spectrum.temperature_k for fit in path.fits]
    known = [t for t in temperatures if t is not None]
    if known and max(known) - min(known) > _SAME_TEMPERATURE_K:
        return [f"{rounded_kelvin(t)} K" if t is not None else "T unknown" for t in temperatures]
    scans = [f"scan {fit.spectrum.scan}" for fit in path.fits]
    several = len(set(scans)) < len(scans) and 1 < len(set(scans)) <= _MOST_SERIES
    return scans if several else [""] * len(scans)


_MOST_SERIES = 7


def rounded_kelvin(temperature_k: float) -> int:
    """A temperature to 5 K, so that spectra of one setting have the same."""
    return int(_SAME_TEMPERATURE_K * round(temperature_k / _SAME_TEMPERATURE_K))


def by_number(name: str) -> tuple[int, str]:
    """Key that sorts names by the number in them."""
    digits = "".join(c for c in name if c.isdigit())
    return (int(digits) if digits else 0, name)


def axis_ends(points: Sequence[ModePoint]) -> tuple[float, float]:
    """Ends of the axes of energy and FWHM in meV.

    They are set by the modes that are known: one lost fit does not squeeze them.
    """
    trusted = [p for p in points if p.trusted and not p.overdamped] or list(points)
    energy = max(p.energy + (p.fwhm / 2 if p.limit is None else 0.0) for p in trusted)
    known = [p.fwhm for p in trusted if p.limit is None and p.fwhm_err < p.fwhm / 3]
    limits = [p.fwhm if p.limit is None else p.limit for p in trusted]
    width = max(known) if known else float(np.median(limits))
    return 1.12 * energy, 1.25 * max(width, 0.1)


class CalculatedPoints(NamedTuple):
    """The calculated modes of one spectrum as drawn in a dispersion.

    position : of the spectrum; energy : (n,) in meV; strength : (n,) from 0 to 1, the square
    root of the intensity × (n + 1) over its largest at this Q; spectrum : its place.
    """

    position: float
    energy: FloatArray
    strength: FloatArray
    spectrum: int


def calculated_points(
    spectra: Sequence[Spectrum],
    position: Sequence[float],
    predictions: Mapping[SpectrumKey, PredictedModes],
) -> tuple[CalculatedPoints, ...]:
    """Calculated modes of those spectra that have any."""
    found = []
    for number, (spectrum, at) in enumerate(zip(spectra, position, strict=True)):
        predicted = predictions.get(spectrum_key(spectrum))
        if predicted is None or not predicted.n_modes:
            continue
        seen = predicted.intensity * bose_factor(predicted.energy_mev, predicted.temperature_k)
        strength = np.sqrt(seen / max(float(seen.max()), 1e-300))
        found.append(CalculatedPoints(float(at), predicted.energy_mev, strength, number))
    return tuple(found)
