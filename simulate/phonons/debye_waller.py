"""Debye-Waller factors e^{-W_d(Q)}, W_d = ½ Q·U_d·Q: from the phonons, from a CIF, or none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from simulate.phonons.dynamical_matrix import DynamicalMatrix
from simulate.phonons.force_constants import ForceConstants
from simulate.phonons.modes import IMAGINARY_MEV
from simulate.phonons.thermal_displacements import (
    TOLERANCE,
    Displacements,
    converged_displacements,
    mesh_displacements,
)

ImaginaryModes = Literal["refuse", "leave out"]


@dataclass(frozen=True)
class DebyeWaller:
    """Mean square displacements of the atoms of the primitive cell.

    Parameters
    ----------
    tensor : (n, 3, 3) array
        U_ij in Å², in the Cartesian frame of `ForceConstants.vectors`.
    temperature_k : float
        NaN where it does not matter.
    source : str
        For people: "phonons, mesh 16×16×16", "CsCu2I3_300K.cif", "none".
    mesh : three ints or None
        Divisions of the finest mesh, for displacements from the phonons.
    error : float
        Estimated error of the elements of U in Å²; NaN where it cannot be told.
    left_out : int
        Imaginary and zero modes of the mesh that were left out.
    notes : tuple of str
        What a user should know about how this came about.
    """

    tensor: FloatArray
    temperature_k: float
    source: str
    mesh: tuple[int, int, int] | None = None
    error: float = 0.0
    left_out: int = 0
    notes: tuple[str, ...] = ()

    def exponent(self, q_cartesian: FloatArray) -> FloatArray:
        """W_d = ½ Q·U_d·Q, (nq, n), at Q (nq, 3) in Å⁻¹."""
        return q_cartesian[:, _ROW] * q_cartesian[:, _COLUMN] @ self._folded

    @cached_property
    def _folded(self) -> FloatArray:
        """(6, n) halves of the diagonal and the mean off-diagonal elements of every U."""
        symmetric = (self.tensor + self.tensor.swapaxes(1, 2)) / 2
        return np.ascontiguousarray((symmetric[:, _ROW, _COLUMN] * _SHARE).T)


_ROW = np.array([0, 1, 2, 1, 0, 0])
_COLUMN = np.array([0, 1, 2, 2, 2, 1])
_SHARE = np.array([0.5, 0.5, 0.5, 1.0, 1.0, 1.0])


def no_debye_waller(n_atoms: int) -> DebyeWaller:
    """Atoms at rest: W = 0."""
    return DebyeWaller(np.zeros((n_atoms, 3, 3)), float("nan"), "none")


def phonon_debye_waller(
    dynamical_matrix: DynamicalMatrix,
    crystal: ForceConstants,
    temperature_k: float,
    mesh: Sequence[int] | None = None,
    *,
    tolerance: float = TOLERANCE,
    imaginary: ImaginaryModes = "refuse",
) -> DebyeWaller:
    """Displacements of the harmonic crystal at a temperature.

    Parameters
    ----------
    dynamical_matrix : DynamicalMatrix
        Of the crystal.
    crystal : ForceConstants
    temperature_k : float
    mesh : three ints, optional
        The plain sum over this mesh of the primitive reciprocal cell (odd divisions hold Γ,
        even ones straddle it), as other programs have it. By default meshes are refined and
        extrapolated until U is known to `tolerance`.
    tolerance : float
        Relative to the largest element of U.
    imaginary : "refuse" or "leave out"
        What to do with imaginary modes, which have no amplitude.

    Raises
    ------
    InputError
        For imaginary modes, unless they are to be left out; for an unusable temperature or mesh.
    """
    if imaginary not in ("refuse", "leave out"):
        raise InputError(
            "unknown treatment of imaginary modes",
            key="imaginary",
            found=imaginary,
            expected='"refuse" or "leave out"',
        )
    if mesh is None:
        reciprocal = 2 * np.pi * np.linalg.inv(crystal.vectors).T
        found = converged_displacements(
            dynamical_matrix.modes,
            crystal.masses,
            reciprocal,
            temperature_k,
            tolerance,
            -IMAGINARY_MEV if imaginary == "refuse" else -np.inf,
        )
    else:
        found = mesh_displacements(dynamical_matrix.modes, crystal.masses, mesh, temperature_k)
    if imaginary == "refuse":
        _refuse_imaginary(found, crystal)
    size = "×".join(str(n) for n in found.mesh)
    return DebyeWaller(
        tensor=found.tensor,
        temperature_k=temperature_k,
        source=f"phonons, mesh {size}" + ("" if mesh is not None else ", extrapolated"),
        mesh=found.mesh,
        error=found.error,
        left_out=found.left_out,
        notes=_notes(found, crystal),
    )


def _refuse_imaginary(found: Displacements, crystal: ForceConstants) -> None:
    if found.lowest_mev < -IMAGINARY_MEV:
        raise InputError(
            "imaginary modes have no thermal displacement, so the phonons give no Debye-Waller "
            "factor",
            file=crystal.source or None,
            key="debye_waller",
            found=f"{found.left_out} of {_mode_count(found, crystal)} modes of the mesh, the "
            f"lowest at {found.lowest_mev:.2f} meV",
            hint='choose debye_waller="none" (--debye-waller none), a crystal read from a CIF '
            '(--debye-waller crystal.cif), displacements with imaginary="leave out", or force '
            "constants that are stable at this temperature",
        )


def _notes(found: Displacements, crystal: ForceConstants) -> tuple[str, ...]:
    if not found.left_out:
        return ()
    count = _mode_count(found, crystal)
    return (f"{found.left_out} of {count} modes are imaginary or zero and left out of U",)


def _mode_count(found: Displacements, crystal: ForceConstants) -> int:
    return int(np.prod(found.mesh)) * crystal.n_modes
