"""Extinction: is it in the measured intensities, and SHELXL's correction for it.

|F| of a strong reflection is lowered to |F_c| [1 + 0.001 x |F_c|² λ³/sin 2θ]^{-1/4} (SHELXL's
empirical formula, G. M. Sheldrick, Acta Cryst. A64, 112 (2008); it stands for primary and
secondary extinction alike). For a check, |F_o|/|F_c| = k (1 - x z/4) with z = 0.001 |F_c|² λ³/
sin 2θ is fitted to the reflections that are seen; x differs from zero when strong reflections
are weak.

Which of a file's columns have it: on the published refinements of CsCu2I3 by Jana2020, F²calc is
that of the model without extinction (to R = 0.0003) and F²meas shows no trend although
the refined coefficient is 8σ: Jana writes F²meas corrected. SHELXL does so, too: for the .fcf
"the Fo² values are brought onto the absolute scale of Fc² by dividing them by the scale
factor(s) and the extinction factor" (its manual, instruction EXTI). A raw HKLF 4 list is as
measured.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from ixs_core.arrays import FloatArray, IntArray
from ixs_core.lattice import Lattice

SIGNIFICANT = 3.0
"""|x|/σ(x) from which a trend counts."""

NOTICEABLE = 0.005
"""Share of the strongest |F| below which a trend does not matter."""

_COEFFICIENT = re.compile(r"coefficient\s+(-?\d*\.?\d+(?:[eE][+-]?\d+)?)")
_STRONGEST = 10


@dataclass(frozen=True)
class ExtinctionFit:
    """The trend of |F_o|/|F_c| with z.

    Parameters
    ----------
    x, x_err : float
    largest : float
        Share by which the trend lowers the |F| that is hit most.
    strongest : float
        Mean |F_o|/|F_c| of the ten strongest, relative to k.
    """

    x: float
    x_err: float
    largest: float
    strongest: float

    @property
    def seen(self) -> bool:
        """Whether the trend is significant and large enough to matter."""
        return abs(self.x) > SIGNIFICANT * self.x_err and abs(self.largest) > NOTICEABLE


def leverage(
    lattice: Lattice, hkl: IntArray, f_calc: FloatArray, wavelength: float | None
) -> FloatArray:
    """(n,) z = 0.001 |F_c|² λ³/sin 2θ; without a wavelength that of short ones, λ = 0.1 Å."""
    length = wavelength or 0.1
    sine = np.minimum(length * lattice.q_abs(hkl) / (4 * np.pi), 1.0)
    sine_2theta = np.maximum(2 * sine * np.sqrt(1 - sine**2), 1e-6)
    return np.asarray(1e-3 * f_calc**2 * length**3 / sine_2theta)


def extinction_factor(x: float, z: FloatArray) -> FloatArray:
    """y² = [1 + x z]^{-1/2}, by which F² is lowered."""
    return np.asarray(1 / np.sqrt(1 + x * z))


def shelxl_coefficient(text: str) -> float | None:
    """x of what a file says about extinction; None if it is not SHELXL's, or 0."""
    found = _COEFFICIENT.search(text)
    if found is None or "shelx" not in text.lower():
        return None
    return float(found[1]) or None


def fit_extinction(
    f_obs: FloatArray, f_calc: FloatArray, sigma: FloatArray, z: FloatArray
) -> ExtinctionFit | None:
    """The trend over reflections with |F_o| > 3σ; None for fewer than ten of them."""
    used = (f_obs > 3 * sigma) & (f_calc > 0.3 * f_obs)
    if used.sum() < _STRONGEST or np.ptp(z[used]) == 0:
        return None
    ratio, weight = f_obs[used] / f_calc[used], (f_calc[used] / sigma[used]) ** 2
    # k and k x/4 are linear; the spread of the residuals sets the scale of the errors.
    matrix = np.stack([np.ones(used.sum()), -z[used] / 4], axis=1)
    normal = matrix.T @ (weight[:, None] * matrix)
    covariance = np.linalg.inv(normal)
    k, slope = covariance @ (matrix.T @ (weight * ratio))
    residual = ratio - matrix @ [k, slope]
    spread = max(float(np.sum(weight * residual**2)) / max(used.sum() - 2, 1), 1e-12)
    order = np.argsort(-f_calc[used])[:_STRONGEST]
    return ExtinctionFit(
        x=float(slope / k),
        x_err=float(np.sqrt(covariance[1, 1] * spread) / k),
        largest=float(slope / k * z[used].max() / 4),
        strongest=float(ratio[order].mean() / k),
    )


def extinction_words(
    fit: ExtinctionFit | None, calculated: ExtinctionFit | None, text: str, corrected: bool
) -> str:
    """The outcome of the check as a sentence or two.

    Parameters
    ----------
    fit : ExtinctionFit or None
        Of |F_o| against our |F_c|.
    calculated : ExtinctionFit or None
        Of the file's |F_calc| against ours.
    text : str
        What the file says about extinction.
    corrected : bool
        F² was corrected here with the coefficient of the text.
    """
    said = ""
    if text:
        said = f"The refinement corrected for extinction ({text})"
        if corrected:
            said += ", and so are the measured F² here. "
        elif calculated is not None and calculated.seen:
            said += ", and its F²calc has it in it: the measured F² are as measured. "
        elif calculated is not None:
            said += "; its F²calc is free of it, so the measured F² are corrected ones. "
        else:
            said += ". "
    if fit is None:
        return said + "There are too few strong reflections to check for extinction."
    trend = (
        f"|F_o|/|F_c| of the {_STRONGEST} strongest is {fit.strongest:.4f}, "
        f"x = {fit.x:.2g} ± {fit.x_err:.1g} in SHELXL's formula"
    )
    if not fit.seen:
        return f"{said}No extinction is left to see: {trend}."
    if fit.x > 0:
        return (
            f"{said}Strong reflections are too weak, as by extinction, up to "
            f"{100 * fit.largest:.1f} % of |F|: {trend}; this is not corrected."
        )
    return f"{said}Strong reflections are stronger than the model says: {trend}."
