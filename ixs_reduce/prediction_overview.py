"""A first look at counts through a prediction as a whole: its overall scales, before any fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_reduce.line_sets import FoldedLine
from ixs_reduce.mode_merging import EffectiveMode
from ixs_reduce.spectrum import Spectrum
from ixs_reduce.spectrum_model import SpectrumModel
from ixs_reduce.start_values import counting_weights, mode_counts, positive_solution


@dataclass(frozen=True)
class Overview:
    """What a prediction as a whole explains at one scale of its energies.

    Parameters
    ----------
    energy_scale : float
        Measured over calculated energies.
    intensity_scale : float
        Amplitude per unit exposure over I_s; 0 where the counts show nothing of it.
    chi2 : float
        What is left of the counts.
    expected : (n,) array
        Expected counts, never zero.
    nuisance : (k, n) array
        Derivatives of the counts with the other terms: elastic line, background, zero.
    """

    energy_scale: float
    intensity_scale: float
    chi2: float
    expected: FloatArray
    nuisance: FloatArray


def overview(
    spectrum: Spectrum,
    model: SpectrumModel,
    modes: Sequence[EffectiveMode],
    energy_scale: float,
) -> Overview:
    """Explain counts by all lines of a prediction with one common strength.

    Non-negative least squares of the lines together, elastic line and background at the
    spectrum's zero.

    Parameters
    ----------
    spectrum : Spectrum
    model : SpectrumModel
        Everything but the modes.
    modes : sequence of EffectiveMode
    energy_scale : float
        Scale of the calculated energies.
    """
    whole = replace(model, modes=0, folded=predicted_lines(modes, model, energy_scale))
    names = whole.parameter_names
    theta = np.ones(len(names))
    theta[-1] = spectrum.zero_mev or 0.0
    if "qe_fwhm" in names:
        theta[names.index("qe_fwhm")] = 2 * model.resolution.fwhm_mev
    prepared = whole.prepare(spectrum.energy_mev)
    _, jacobian = prepared(theta)
    linear = [i for i, name in enumerate(names) if name in _LINEAR]
    weight = counting_weights(spectrum.counts)
    design = (jacobian[linear] * spectrum.exposure * weight).T
    strength, chi2 = positive_solution(design, mode_counts(spectrum) * weight)
    theta[[i for i, name in enumerate(names) if name == "background_c1"]] = 0.0
    theta[linear] = strength
    intensity, jacobian = prepared(theta)
    rate = spectrum.background_rate
    expected = spectrum.exposure * (intensity if rate is None else intensity + rate)
    others = [i for i, name in enumerate(names) if name != "folded_scale"]
    return Overview(
        energy_scale,
        float(theta[names.index("folded_scale")]) if modes else 0.0,
        chi2,
        # Where nothing is expected something may be counted nevertheless.
        np.maximum(expected, _LEAST_EXPECTED * max(float(spectrum.counts.mean()), 1.0)),
        jacobian[others] * spectrum.exposure,
    )


def energy_scales(looks: Sequence[Overview], apart: float) -> list[Overview]:
    """The best look first, then others that differ from those before by `apart` or more."""
    chosen: list[Overview] = []
    for look in sorted(looks, key=lambda look: look.chi2):
        if all(abs(look.energy_scale - c.energy_scale) >= apart - 1e-9 for c in chosen):
            chosen.append(look)
    return chosen


def predicted_lines(
    modes: Sequence[EffectiveMode], model: SpectrumModel, energy_scale: float
) -> tuple[FoldedLine, ...]:
    """Predicted modes as lines of a model, their energies scaled, none narrower than sensible."""
    narrow = NARROWEST * model.resolution.fwhm_mev
    return tuple(
        FoldedLine(energy_scale * m.energy_mev, max(m.fwhm_mev, narrow), m.intensity, m.branch)
        for m in modes
    )


NARROWEST = 0.2
"""Lines calculated narrower than this many FWHM of R, or without a width, get this width."""

_LINEAR = ("elastic", "qe_amplitude", "folded_scale", "background_c0")
_LEAST_EXPECTED = 0.002  # of the mean counts
