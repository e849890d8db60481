"""The linewidth of every mode of a mesh, from whatever the user has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ixs_core.arrays import BoolArray, FloatArray, IntArray
from ixs_core.errors import InputError
from simulate.phonons.degeneracy import degenerate_groups, group_means
from simulate.phonons.force_constants import ForceConstants
from simulate.phonons.modes import IMAGINARY_MEV
from simulate.transport.irreducible_mesh import IrreducibleMesh
from simulate.transport.lifetimes import Linewidths

WidthSource = Linewidths | float | Callable[[FloatArray, FloatArray], FloatArray]
"""Linewidths of a mesh, one FWHM in meV for all, or a function of (q_hkl, energy_mev) such as a
`simulate.phonons.LinewidthTable`."""

ENERGY_TOLERANCE_MEV = 0.1
"""Linewidths whose energies differ from the model's by more are those of other phonons."""

_TRANSLATION_MEV = 0.5  # what an imperfect sum rule may leave of a translation's zero energy
_SAME_VOLUME = 0.01


@dataclass(frozen=True)
class MeshWidths:
    """Linewidths at points of a mesh, ready to be met with the model's modes.

    Parameters
    ----------
    fwhm_mev : (nq, ns) array or None
        NaN where no width is known; None for a function of the energy.
    energy_mev : (nq, ns) array or None
        The energies that came with them.
    of_modes : callable or None
        (q_hkl, energy_mev) -> FWHM.
    conventional : (3, 3) array
        Of the force constants: in which hkl count.
    q : (nq, 3) array
    source : str
    """

    fwhm_mev: FloatArray | None
    energy_mev: FloatArray | None
    of_modes: Callable[[FloatArray, FloatArray], FloatArray] | None
    conventional: FloatArray
    q: FloatArray
    source: str = ""

    def at(self, part: slice, energy_mev: FloatArray) -> FloatArray:
        """FWHM of the modes of some points, (n, ns); NaN where none is known.

        Raises
        ------
        InputError
            The energies are not those that came with the widths, or a width is negative.
        """
        if self.fwhm_mev is not None:
            self._compare(part, energy_mev)
            return self.fwhm_mev[part]
        if self.of_modes is None:
            raise ValueError("there is neither a table nor a function of linewidths")
        hkl = self.q[part] @ self.conventional.T
        widths = np.asarray(self.of_modes(hkl, energy_mev), dtype=float)
        return np.broadcast_to(widths, energy_mev.shape)

    def difference(self, part: slice, energy_mev: FloatArray) -> float:
        """Largest difference of energies in meV; Γ is left out, where a field's part may differ."""
        if self.energy_mev is None:
            return 0.0
        away = np.abs(self.q[part]).max(axis=1) > 0
        off = np.abs(self.energy_mev[part][away] - energy_mev[away])
        return float(np.nanmax(off, initial=0.0))

    def _compare(self, part: slice, energy_mev: FloatArray) -> None:
        off = self.difference(part, energy_mev)
        if off > ENERGY_TOLERANCE_MEV:
            raise InputError(
                "the linewidths are of other phonons than the force constants",
                file=self.source or None,
                key="energy_mev",
                found=f"energies that differ by up to {off:.3g} meV",
                expected=f"at most {ENERGY_TOLERANCE_MEV:g} meV",
                hint="give the force constants that the linewidths were computed from, with the "
                "same charges (BORN) and the same masses",
            )


def mesh_widths(
    linewidths: WidthSource,
    temperature_k: float,
    mesh: IrreducibleMesh,
    crystal: ForceConstants,
    q: FloatArray | None = None,
) -> MeshWidths:
    """Linewidths at points of a mesh.

    Parameters
    ----------
    linewidths : Linewidths, float or callable
        A `Linewidths` may hold irreducible points (whichever of each star) or all of the mesh.
    temperature_k : float
    mesh : IrreducibleMesh
    crystal : ForceConstants
    q : (nq, 3) array, optional
        Points of the mesh; the irreducible ones by default.

    Raises
    ------
    InputError
        Another number of branches, another cell, points off the mesh or points that lack; no
        widths at the temperature; a FWHM that is none.
    """
    q = mesh.q if q is None else q
    if not isinstance(linewidths, Linewidths):
        given = linewidths if callable(linewidths) else _constant(linewidths)
        return MeshWidths(None, None, given, crystal.conventional, q)
    _check_crystal(linewidths, crystal)
    rows = mesh.rows_of(linewidths.q_primitive, linewidths.source)
    count = np.bincount(rows, minlength=len(mesh.q))
    if (count == 0).any():
        raise InputError(
            "the linewidths do not cover the mesh",
            file=linewidths.source or None,
            key="mesh",
            found=f"{int((count > 0).sum())} of its {len(mesh.q)} irreducible points",
            hint="give the mesh that they were computed on",
        )
    wanted = mesh.rows_of(q)
    return MeshWidths(
        fwhm_mev=_means(linewidths.at(temperature_k), rows, count)[wanted],
        energy_mev=_means(linewidths.energy_mev, rows, count)[wanted],
        of_modes=None,
        conventional=crystal.conventional,
        q=q,
        source=linewidths.source,
    )


def usable_modes(q: FloatArray, energy_mev: FloatArray, fwhm_mev: FloatArray) -> BoolArray:
    """(nq, ns) modes that can carry heat: real, no translation, of known width."""
    acoustic = np.zeros(energy_mev.shape, dtype=bool)
    for i in np.flatnonzero((np.abs(q) < 1e-9).all(axis=1)):
        acoustic[i, np.argsort(np.abs(energy_mev[i]))[:3]] = True
    acoustic &= np.abs(energy_mev) < _TRANSLATION_MEV
    return np.asarray((energy_mev > IMAGINARY_MEV) & ~acoustic & (fwhm_mev > 0))


def of_groups(energy_mev: FloatArray) -> tuple[FloatArray, IntArray]:
    """Energies (nq, ns) with the means of degenerate modes, and the groups of these.

    Degenerate modes are any basis of their space: only with one energy and one width for all
    does the conductivity not depend on which basis the solver happened to give.
    """
    groups = degenerate_groups(energy_mev)
    return group_means(energy_mev, groups), groups


def _constant(width: float) -> Callable[[FloatArray, FloatArray], FloatArray]:
    if not 0 < width < float("inf"):
        raise InputError(
            "not a linewidth", key="linewidths", found=width, expected="a FWHM in meV above 0"
        )
    return lambda q_hkl, energy_mev: np.full(energy_mev.shape, float(width))


def _means(values: FloatArray, rows: IntArray, count: IntArray) -> FloatArray:
    """Values (n, ns) of given points as means over those of each irreducible one."""
    sums = np.zeros((len(count), values.shape[1]))
    np.add.at(sums, rows, values)
    return sums / count[:, None]


def _check_crystal(linewidths: Linewidths, crystal: ForceConstants) -> None:
    branches = linewidths.energy_mev.shape[1]
    if branches != crystal.n_modes:
        raise InputError(
            "the linewidths are of another crystal than the force constants",
            file=linewidths.source or None,
            found=f"{branches} branches",
            expected=f"{crystal.n_modes} branches",
        )
    volume = linewidths.volume_A3
    if volume is None and linewidths.primitive is not None:
        volume = float(abs(np.linalg.det(linewidths.primitive)))
    if volume is not None and abs(volume / crystal.volume - 1) > _SAME_VOLUME:
        raise InputError(
            "the linewidths are of another cell than the force constants",
            file=linewidths.source or None,
            key="volume",
            found=f"{volume:.2f} Å³",
            expected=f"{crystal.volume:.2f} Å³",
        )
