"""How measured structure factors agree with the refined model: R, extinction, what is missing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ixs_core.arrays import ComplexArray, FloatArray, IntArray
from ixs_core.crystal import Crystal
from ixs_core.errors import InputError
from mem.extinction import extinction_words, fit_extinction, leverage
from mem.merging import Merged, hkl_list
from mem.reflection_symmetry import unique_reflections
from mem.reflections import MeasuredReflections, ModelComparison

R_NOTED, R_IMPOSSIBLE = 0.2, 0.5
"""R(|F|) from which the model is called doubtful, and from which its phases mean nothing."""

_CALCULATED_NOTED = 0.01  # R(|F_c|) against the refinement program
_LOW_ANGLE = 2.0 / 3.0  # of the largest |Q|
_EQUAL_WEIGHT = 0.02  # of |F|: two calculations differ by rounding only


@dataclass(frozen=True)
class ModelledRows:
    """Measured rows with the model's F.

    Parameters
    ----------
    hkl : (n, 3) int array
    intensity, sigma : (n,) arrays
        F² and its σ.
    f_all, f_real : (n,) complex arrays
        F_c with and without dispersion.
    calculated : (n,) array or None
        F²calc of the file.
    """

    hkl: IntArray
    intensity: FloatArray
    sigma: FloatArray
    f_all: ComplexArray
    f_real: ComplexArray
    calculated: FloatArray | None


def compare(
    rows: ModelledRows,
    merged: Merged,
    sigma: FloatArray,
    measured: MeasuredReflections,
    crystal: Crystal,
    *,
    scale: float,
    corrected: bool,
) -> ModelComparison:
    """How the merged data, on the scale of the model, compare with it.

    Parameters
    ----------
    rows : ModelledRows
    merged : Merged
        With "measured" (F² with dispersion) and "with" (the model's) among its others.
    sigma : (n,) array
        Of the merged |F|.
    measured : MeasuredReflections
        For what the file says about extinction.
    crystal : Crystal
    scale : float
        That was applied to |F_o|.
    corrected : bool
        Extinction was corrected here.
    """
    f_obs = np.sqrt(np.maximum(merged.others["measured"], 0))
    f_calc = np.sqrt(merged.others["with"])
    z = leverage(crystal.lattice, merged.hkl, f_calc, crystal.wavelength_angstrom)
    r_calculated: float | None = None
    of_file = None
    if rows.calculated is not None:
        ours, theirs = np.abs(rows.f_all), np.sqrt(np.maximum(rows.calculated, 0))
        r_calculated = _share(np.abs(ours - theirs), theirs)
        row_z = leverage(crystal.lattice, rows.hkl, ours, crystal.wavelength_angstrom)
        # Equal weights relative to |F|: rounding is all that is left between two calculations.
        of_file = fit_extinction(theirs, ours, _EQUAL_WEIGHT * np.maximum(ours, 1.0), row_z)
    return ModelComparison(
        r_factor=_share(np.abs(f_obs - f_calc), f_obs),
        wr_factor=_share(((f_obs - f_calc) / sigma) ** 2, (f_obs / sigma) ** 2) ** 0.5,
        r_calculated=r_calculated,
        scale=scale,
        extinction=extinction_words(
            fit_extinction(f_obs, f_calc, sigma, z), of_file, measured.extinction, corrected
        ),
        missing_low_angle=_missing_low_angle(merged.hkl, crystal),
    )


def _share(part: FloatArray, whole: FloatArray) -> float:
    total = float(whole.sum())
    return float(part.sum()) / total if total > 0 else float("inf")


def _missing_low_angle(hkl: IntArray, crystal: Crystal) -> IntArray:
    """(k, 3) unique reflections below two thirds of the largest |Q| that are not in the list."""
    largest = float(np.max(crystal.lattice.q_abs(hkl)))
    possible = unique_reflections(
        crystal.symmetry, crystal.lattice, 2 * np.pi / (_LOW_ANGLE * largest)
    )
    known = set(map(tuple, hkl.tolist()))
    missing = [index for index in possible.tolist() if tuple(index) not in known]
    return np.array(missing, dtype=np.int64).reshape(-1, 3)


def judge(comparison: ModelComparison, source: str, notes: list[str]) -> None:
    """Notes about the agreement with the model.

    Raises
    ------
    InputError
        There is none: R is above `R_IMPOSSIBLE`.
    """
    r, missing = comparison.r_factor, comparison.missing_low_angle
    if r > R_IMPOSSIBLE:
        raise InputError(
            "the model does not describe the reflections, so its phases mean nothing",
            file=source or None,
            found=f"R(|F|) = {r:.3f}",
            expected=f"below {R_NOTED:g}",
            hint="is the structure that of this crystal, in the setting of the indices?",
        )
    if r > R_NOTED:
        notes.append(f"R(|F|) = {r:.3f} against the model: its phases are doubtful")
    if (comparison.r_calculated or 0.0) > _CALCULATED_NOTED:
        notes.append(
            f"our F_c differ from those of the file by R = {comparison.r_calculated:.4f}: the "
            "refinement had parameters that the file or this program does not have"
        )
    if len(missing):
        notes.append(
            f"{len(missing)} reflections at low angle were not measured and are left free: "
            + hkl_list(missing)
        )
    notes.append(comparison.extinction)
