"""Fitted modes beside the branches that a calculation predicts for them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_reduce.fitting import SpectrumFit
from ixs_reduce.mode_fit import ModeFit
from ixs_reduce.mode_merging import EffectiveMode, effective_mode, own_width
from ixs_reduce.predicted_modes import PredictedModes, SpectrumKey, spectrum_key

INTENSITY_TRUST = 0.1
"""Relative error given to calculated intensities beside the counting errors of measured ones."""


class JoinedMode(NamedTuple):
    """A fitted mode and the branch, or unresolved branches, that it is labelled with.

    fit, place : the mode is fit.modes[place].
    calculated : the branches as one line, energies as calculated.
    calculated_fwhm_mev : NaN where the calculation knows no width.
    intensity_scale : amplitude per unit exposure over I_s, common to the scan.
    """

    fit: SpectrumFit
    place: int
    calculated: EffectiveMode
    calculated_fwhm_mev: float
    intensity_scale: float

    @property
    def mode(self) -> ModeFit:
        """The fitted mode."""
        return self.fit.modes[self.place]

    @property
    def difference_mev(self) -> float:
        """Measured less calculated energy."""
        return self.mode.energy.value - self.calculated.energy_mev

    @property
    def sigmas(self) -> float:
        """The difference of energies over the standard error; NaN for an energy at a bound."""
        error = self.mode.energy.stderr
        return self.difference_mev / error if error > 0 else float("nan")

    @property
    def intensity(self) -> float:
        """Measured intensity in the calculation's terms, e² per primitive cell."""
        return self.mode.amplitude.value / self.intensity_scale

    @property
    def intensity_err(self) -> float:
        """Standard error of the intensity, that of the scale left out."""
        return self.mode.amplitude.stderr / self.intensity_scale

    @property
    def known(self) -> bool:
        """Whether the fit tells the energy and the intensity."""
        energy, amplitude = self.mode.energy, self.mode.amplitude
        return all(
            math.isfinite(v.stderr) and v.stderr > 0 and v.value > 0 for v in (energy, amplitude)
        )


@dataclass(frozen=True)
class Joined:
    """Fitted modes of some scans beside their calculated branches.

    Parameters
    ----------
    modes : tuple of JoinedMode
    intensity_scales : mapping of (file, scan) to (scale, standard error)
        Amplitude per unit exposure over I_s, least squares over the modes of the scan.
    energy_scale, energy_scale_err : float
        Measured over calculated energies, least squares over all modes; NaN without any.
    scatter_mev : float
        Median distance of measured energies from the scaled ones, in the same sense as a
        standard deviation.
    sources : tuple of str
        The calculations.
    """

    modes: tuple[JoinedMode, ...]
    intensity_scales: Mapping[tuple[str, str], tuple[float, float]]
    energy_scale: float
    energy_scale_err: float
    scatter_mev: float
    sources: tuple[str, ...]


def join_predictions(
    fits: Sequence[SpectrumFit], predictions: Mapping[SpectrumKey, PredictedModes]
) -> Joined:
    """Put fitted modes that carry branch labels beside what was calculated for them.

    Fits without labels, without a prediction, or with labels that their prediction does not
    know (a calculation that was replaced since) have no part in it.
    """
    found: dict[tuple[str, str], list[JoinedMode]] = {}
    sources: dict[str, None] = {}
    for fit in fits:
        predicted = predictions.get(spectrum_key(fit.spectrum))
        if predicted is None:
            continue
        for place, label in enumerate(fit.branches):
            places = _places(predicted, label)
            if not places:
                continue
            calculated = effective_mode(predicted, places)
            knows_width = bool(np.isfinite(predicted.fwhm_mev[list(places)]).any())
            width = own_width(predicted, calculated) if knows_width else float("nan")
            scan = spectrum_key(fit.spectrum)[:2]
            found.setdefault(scan, []).append(JoinedMode(fit, place, calculated, width, 1.0))
            sources[predicted.source] = None
    scales = {scan: _intensity_scale(modes) for scan, modes in found.items()}
    modes = tuple(
        mode._replace(intensity_scale=scales[scan][0])
        for scan, group in found.items()
        for mode in group
    )
    scale, error, scatter = _energy_scale(modes)
    return Joined(modes, scales, scale, error, scatter, tuple(s for s in sources if s))


def _places(predicted: PredictedModes, label: str) -> tuple[int, ...]:
    """Where the branches of a label stand in a prediction; empty when one of them does not."""
    numbers = [int(part) if part.isdecimal() else 0 for part in label.split("+")]
    by_branch = {number: place for place, number in enumerate(predicted.branch.tolist())}
    if not all(number in by_branch for number in numbers):
        return ()
    return tuple(by_branch[number] for number in numbers)


def _intensity_scale(modes: Sequence[JoinedMode]) -> tuple[float, float]:
    """Amplitude over calculated intensity and its error; 1 and NaN where nothing tells it."""
    known = [mode for mode in modes if mode.known and mode.calculated.intensity > 0]
    if not known:
        return 1.0, float("nan")
    amplitude = np.array([mode.mode.amplitude.value for mode in known])
    error = np.array([mode.mode.amplitude.stderr for mode in known])
    calculated = np.array([mode.calculated.intensity for mode in known])
    return _ratio(amplitude, np.hypot(error, INTENSITY_TRUST * amplitude), calculated)


def _energy_scale(modes: Sequence[JoinedMode]) -> tuple[float, float, float]:
    """Measured over calculated energies, its error from the scatter, and the scatter in meV."""
    known = [mode for mode in modes if mode.known]
    if not known:
        return (float("nan"),) * 3
    energy = np.array([mode.mode.energy.value for mode in known])
    error = np.array([mode.mode.energy.stderr for mode in known])
    calculated = np.array([mode.calculated.energy_mev for mode in known])
    scale, scale_err = _ratio(energy, error, calculated)
    rest = energy - scale * calculated
    excess = float(np.sqrt(max(float(np.mean((rest / error) ** 2)), 1.0)))
    return scale, scale_err * excess, 1.4826 * float(np.median(np.abs(rest)))


def _ratio(measured: FloatArray, error: FloatArray, calculated: FloatArray) -> tuple[float, float]:
    """The factor by which calculated numbers come nearest to measured ones, and its error."""
    weight = calculated / error**2
    norm = float(weight @ calculated)
    return float(weight @ measured) / norm, norm**-0.5
