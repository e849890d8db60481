"""From measured intensities and a refined model to the structure factors of a reconstruction.

F = |F_o| · |F_c(without f', f'')|/|F_c| · exp(iφ), φ the phase of the F_c without dispersion: so
F belongs to a real, positive density with F(000) = ΣZ. Each measured row is corrected before
equivalents are merged, since dispersion makes Friedel mates of acentric crystals differ.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np

from ixs_core.arrays import BoolArray, ComplexArray, FloatArray, IntArray
from ixs_core.crystal import Crystal
from ixs_core.errors import InputError
from mem.comparison import ModelledRows, compare, judge
from mem.extinction import extinction_factor, leverage, shelxl_coefficient
from mem.french_wilson import WEAK, amplitudes
from mem.merging import Merged, merge, without_absent
from mem.model_structure import model_notes, structure_factors
from mem.reflection_symmetry import centric, epsilon, restricted_phase
from mem.reflections import MeasuredReflections, Reflections
from mem.wording import are, counted

Weights = Literal["refinement", "sigma"] | tuple[float, float]
"""σ of F²: of the refinement's weights, of the file alone, or with own a and b."""

SCALE_SLACK = 0.05
"""An absolute scale is kept when the model agrees with it so far in |F|."""

_RATIO = 1.25  # |F_c| without and with dispersion: beyond it, their difference is used
_SHELL = 51  # reflections whose mean is what is expected before the measurement
_INSTABILITY = 0.02  # of |F|: what weights of the scale hold at least against model errors


def prepare(
    measured: MeasuredReflections,
    crystal: Crystal,
    *,
    observed_only: bool = False,
    weights: Weights = "refinement",
) -> Reflections:
    """Structure factors for a reconstruction.

    Parameters
    ----------
    measured : MeasuredReflections
    crystal : Crystal
        The refined model, with displacement parameters.
    observed_only : bool
        Only reflections with the file's status "o", or above 3σ where it has none.
    weights : "refinement", "sigma" or (a, b)
        σ²(F²) of the file, with or without (aP)² + bP, P = [max(F²_o, 0) + 2 F²_c]/3.

    Returns
    -------
    Reflections
        `notes` says with counts what was left out, merged and corrected.

    Raises
    ------
    InputError
        No usable reflection is left, forbidden ones are seen (wrong space group), the model
        does not describe the data at all, or it lacks what F_c needs.
    """
    notes = [*measured.notes, *crystal.repairs, *model_notes(crystal)]
    rows = _rows(measured, crystal, observed_only, notes)
    rows, corrected = _without_extinction(rows, measured, crystal, notes)
    scale = _scale(rows, measured, notes)
    rows = replace(rows, intensity=rows.intensity * scale**2, sigma=rows.sigma * scale**2)
    merged = _merged(rows, crystal, notes)
    sigma = _weighted_sigma(merged, measured.weights, weights, notes)
    amplitude, uncertainty = _amplitudes(merged, sigma, crystal, notes)
    comparison = compare(
        rows, merged, uncertainty, measured, crystal, scale=scale, corrected=corrected
    )
    judge(comparison, measured.source, notes)
    return Reflections(
        lattice=crystal.lattice,
        symmetry=crystal.symmetry,
        hkl=merged.hkl,
        f=amplitude * _phase_factors(merged.hkl, crystal),
        sigma=uncertainty,
        electrons=crystal.electrons_per_cell,
        structure=crystal,
        comparison=comparison,
        temperature_k=crystal.temperature_k,
        source=measured.source,
        sha256=measured.sha256,
        notes=tuple(dict.fromkeys(notes)),
    )


def _rows(
    measured: MeasuredReflections, crystal: Crystal, observed_only: bool, notes: list[str]
) -> ModelledRows:
    """The rows that count, with F_c."""
    hkl, intensity, sigma = measured.hkl, measured.intensity, measured.sigma
    keep = np.flatnonzero(_usable(measured, notes))
    if observed_only:
        keep = keep[_observed(measured, notes)[keep]]
    if not len(keep):
        raise InputError(
            "no usable reflection is left",
            file=measured.source or None,
            found=f"{len(hkl)} rows, of which none has a value with a σ above 0"
            + (" and counts as observed" if observed_only else ""),
            hint="a list without σ can be read with a relative σ: --relative-sigma 0.03",
        )
    allowed = without_absent(
        crystal.symmetry, hkl[keep], intensity[keep], sigma[keep], notes, measured.source
    )
    keep = keep[allowed]
    if not len(keep):
        raise InputError(
            "the space group forbids all measured reflections",
            file=measured.source or None,
            found=crystal.symmetry.name or "a space group without name",
        )
    return ModelledRows(
        hkl=hkl[keep],
        intensity=intensity[keep].astype(float),
        sigma=sigma[keep].astype(float),
        f_all=structure_factors(crystal, hkl[keep]),
        f_real=structure_factors(crystal, hkl[keep], dispersion=False),
        calculated=None if measured.calculated is None else measured.calculated[keep],
    )


def _usable(measured: MeasuredReflections, notes: list[str]) -> BoolArray:
    finite = np.isfinite(measured.intensity) & np.isfinite(measured.sigma)
    weighted = finite & (np.nan_to_num(measured.sigma) > 0)
    centre = ~np.any(measured.hkl, axis=1)
    for count, why in (
        (int(np.sum(~finite)), "without a measured value or σ"),
        (int(np.sum(finite & ~weighted)), "whose σ is not above zero"),
        (int(np.sum(weighted & centre)), "(0 0 0): F(000) is the number of electrons"),
    ):
        if count:
            notes.append(f"{are(count, 'row')} left out {why}")
    return np.asarray(weighted & ~centre)


def _observed(measured: MeasuredReflections, notes: list[str]) -> BoolArray:
    if measured.observed is not None:
        observed, rule = measured.observed, "which the file does not call observed"
    else:
        observed, rule = measured.intensity > 3 * measured.sigma, "below 3σ"
    notes.append(f"{are(int(np.sum(~observed)))} left out {rule}, as asked for")
    return np.asarray(observed)


def _without_extinction(
    rows: ModelledRows, measured: MeasuredReflections, crystal: Crystal, notes: list[str]
) -> tuple[ModelledRows, bool]:
    """A raw list is corrected with SHELXL's coefficient; what a refinement wrote, is already."""
    x = shelxl_coefficient(measured.extinction)
    if measured.absolute or x is None:
        return rows, False
    if crystal.wavelength_angstrom is None or x < 0:
        why = "is negative" if x < 0 else "cannot be applied without a wavelength"
        notes.append(f"the extinction coefficient {x:g} {why}: F² are not corrected")
        return rows, False
    z = leverage(crystal.lattice, rows.hkl, np.abs(rows.f_all), crystal.wavelength_angstrom)
    y = extinction_factor(x, z)
    notes.append(
        f"F² are corrected for extinction with x = {x:g} of SHELXL: by up to "
        f"{100 * (1 / y.min() - 1):.1f} %"
    )
    return replace(rows, intensity=rows.intensity / y, sigma=rows.sigma / y), True


def _scale(rows: ModelledRows, measured: MeasuredReflections, notes: list[str]) -> float:
    """Factor for the measured |F|: 1 for an absolute list that the model agrees with."""
    f_calc = np.abs(rows.f_all)
    seen = rows.intensity > 3 * rows.sigma
    if seen.sum() < 3 or not np.any(f_calc[seen] > 0):
        if measured.absolute:
            return 1.0
        raise InputError(
            "too few reflections are above 3σ to find the scale",
            file=measured.source or None,
            found=f"{int(seen.sum())} of {len(seen)}",
        )
    factor = 1.0
    for _ in range(4):  # the weights know the scale
        f_obs = factor * np.sqrt(rows.intensity[seen])
        sigma = factor**2 * rows.sigma[seen] / (2 * f_obs)
        weight = 1 / (sigma**2 + (_INSTABILITY * f_obs) ** 2)
        factor *= float(np.sum(weight * f_calc[seen] * f_obs) / np.sum(weight * f_obs**2))
    if not measured.absolute:
        notes.append(f"|F_o| are scaled by {factor:.5g} to the model's F_c")
        return factor
    if abs(factor - 1) <= SCALE_SLACK:
        return 1.0
    notes.append(
        f"the list should be on absolute scale, but |F_c|/|F_o| = {factor:.4g}: |F_o| are scaled"
    )
    return factor


def _merged(rows: ModelledRows, crystal: Crystal, notes: list[str]) -> Merged:
    """One dispersion-free F² per unique reflection."""
    with_it, without = np.abs(rows.f_all) ** 2, np.abs(rows.f_real) ** 2
    steady = (without < _RATIO**2 * with_it) & (with_it < _RATIO**2 * without)
    ratio = np.divide(without, with_it, out=np.ones_like(with_it), where=steady)
    intensity = rows.intensity * ratio + np.where(steady, 0.0, without - with_it)
    if not np.array_equal(rows.f_all, rows.f_real):
        words = "dispersion is taken out of F_o with the model's ratio |F_c(f0)|/|F_c|"
        if not np.all(steady):
            words += (
                f"; for {counted(int(np.sum(~steady)), 'weak reflection')}, where that is beyond "
                f"{_RATIO:g}, with the difference of F_c²"
            )
        notes.append(words)
    merged = merge(
        crystal.symmetry,
        rows.hkl,
        intensity,
        rows.sigma * ratio,
        {"measured": rows.intensity, "with": with_it, "without": without},
    )
    if np.any(merged.rows > 1):
        notes.append(
            f"{are(len(rows.hkl), 'measured reflection')} merged to {len(merged.hkl)}: "
            f"R_int = {merged.r_internal or 0.0:.4f}"
        )
    return merged


def _weighted_sigma(
    merged: Merged, of_file: tuple[float, float], weights: Weights, notes: list[str]
) -> FloatArray:
    """σ of F² as wanted."""
    if weights == "sigma":
        notes.append("σ(F²) are those of the file alone")
        return merged.sigma
    if weights == "refinement":
        (a, b), whose = of_file, " as the refinement weighted"
    elif isinstance(weights, tuple) and len(weights) == 2 and min(weights) >= 0:
        (a, b), whose = weights, ""
    else:
        raise InputError(
            "no such weights",
            key="weights",
            found=weights,
            expected='"refinement", "sigma", or a and b of σ² + (aP)² + bP, not negative',
        )
    if a == b == 0:
        notes.append("the file names no weights beyond σ(F²): σ(F²) are used alone")
        return merged.sigma
    p = (np.maximum(merged.intensity, 0) + 2 * merged.others["without"]) / 3
    linear = f" + {b:g} P" if b else ""
    notes.append(f"σ²(F²) = σ² + ({a:g} P)²{linear}{whose}")
    return np.sqrt(merged.sigma**2 + (a * p) ** 2 + b * p)


def _amplitudes(
    merged: Merged, sigma: FloatArray, crystal: Crystal, notes: list[str]
) -> tuple[FloatArray, FloatArray]:
    """|F| and σ of |F|; what is expected of weak ones before the measurement is the mean of the
    model's F² among their neighbours in |Q|.

    Not the reflection's own F_c², which would put the model into the data; and not the mean of
    the measured ones, which may be negative where little is left.
    """
    weak = merged.intensity < WEAK * sigma
    if np.any(weak):
        negative = int(np.sum(merged.intensity < 0))
        notes.append(
            f"{counted(int(weak.sum()), 'reflection')} below {WEAK:g}σ ({negative} of them "
            "negative): |F| by French & Wilson (1978)"
        )
    times = epsilon(crystal.symmetry, merged.hkl)
    expectation = times * shell_mean(
        crystal.lattice.q_abs(merged.hkl), merged.others["without"] / times
    )
    return amplitudes(merged.intensity, sigma, expectation, centric(crystal.symmetry, merged.hkl))


def shell_mean(q_abs: FloatArray, values: FloatArray) -> FloatArray:
    """Mean of the values over the 51 reflections nearest in order of |Q|, above zero."""
    order = np.argsort(q_abs, kind="stable")
    running = np.concatenate([[0.0], np.cumsum(values[order])])
    n = len(values)
    first = np.clip(np.arange(n) - _SHELL // 2, 0, max(n - _SHELL, 0))
    last = np.minimum(first + _SHELL, n)
    result = np.empty(n)
    result[order] = (running[last] - running[first]) / (last - first)
    return np.maximum(result, 1e-12 * max(float(values.max(initial=0.0)), 1e-300))


def _phase_factors(hkl: IntArray, crystal: Crystal) -> ComplexArray:
    """exp(iφ) of the dispersion-free F_c; of centric reflections exactly one of the two allowed."""
    f = structure_factors(crystal, hkl, dispersion=False)
    result = np.exp(1j * np.angle(f))
    allowed = restricted_phase(crystal.symmetry, hkl)
    fixed = ~np.isnan(allowed)
    direction = np.exp(1j * allowed[fixed])
    # So that a real F stays real to the last digit.
    direction = np.round(direction, 15)
    sign = np.where((f[fixed] * direction.conj()).real < 0, -1.0, 1.0)
    result[fixed] = sign * direction
    return result
