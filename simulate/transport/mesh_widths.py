"""Linewidths of a mesh at any Q: those of the nearest point, of the same branch.

Widths were computed on the mesh only. The nearest point is looked for among all points that
symmetry and time reversal make of those given; how far off it is can be asked for. Branches are
told by the order of their energies, on the mesh and at Q.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.spatial import KDTree

from ixs_core.arrays import FloatArray, IntArray
from ixs_core.errors import InputError
from simulate.phonons.spectra import Linewidth
from simulate.transport.lifetimes import Linewidths

if TYPE_CHECKING:
    from simulate.phonons.model import PhononModel

_NEIGHBOURS = np.array(list(product((-1, 0, 1), repeat=3)))
_CANDIDATES = 48  # nearest points looked at for one whose width is known
_SYMPREC = 1e-3
_OTHER_VOLUME = 0.06
_OTHER_ENERGIES = 0.15  # another potential or temperature changes energies by less


@dataclass(frozen=True)
class MeshLinewidths:
    """FWHM as a function of Q and branch, in the form that `line_spectra` takes.

    Parameters
    ----------
    fwhm_mev : (n, ns) array
        At the points given.
    owner : (m,) int array
        The point given behind each of its images under symmetry.
    temperature_k : float
    source : str
    to_primitive : (3, 3) array
        hkl of the conventional cell @ this = q of the primitive one.
    reciprocal : (3, 3) array
        Rows of the primitive reciprocal lattice in Å⁻¹ with 2π.
    """

    fwhm_mev: FloatArray
    owner: IntArray
    temperature_k: float
    source: str
    to_primitive: FloatArray
    reciprocal: FloatArray
    _tree: Any

    @classmethod
    def of(cls, linewidths: Linewidths, model: PhononModel, temperature_k: float) -> MeshLinewidths:
        """Prepare the search.

        Parameters
        ----------
        linewidths : Linewidths
            Of the primitive cell of the model.
        model : PhononModel
            Whose crystal gives the symmetry.
        temperature_k : float

        Raises
        ------
        InputError
            Another number of branches, volume or energies than the model's, no widths about the
            temperature.
        """
        crystal = model.force_constants
        if linewidths.energy_mev.shape[1] != crystal.n_modes:
            raise InputError(
                "the linewidths are of another crystal than the force constants",
                file=linewidths.source or None,
                found=f"{linewidths.energy_mev.shape[1]} branches",
                expected=f"{crystal.n_modes} branches",
            )
        _require_same_phonons(linewidths, model)
        width = _between(linewidths, temperature_k)
        points, owner = _images(linewidths.q_primitive, model)
        reciprocal = 2 * np.pi * np.linalg.inv(crystal.vectors).T
        around = (points[None] + _NEIGHBOURS[:, None]).reshape(-1, 3)
        return cls(
            fwhm_mev=np.where(width > 0, width, np.nan),
            owner=np.tile(owner, len(_NEIGHBOURS)),
            temperature_k=temperature_k,
            source=linewidths.source,
            to_primitive=np.linalg.inv(crystal.conventional).T,
            reciprocal=reciprocal,
            _tree=KDTree(around @ reciprocal),
        )

    def __call__(self, q_hkl: FloatArray, energy_mev: FloatArray) -> FloatArray:
        """FWHM in meV (nq, ns) of the branches by rising energy; 0 where none is known."""
        _, row = self._tree.query(self._folded(q_hkl), k=min(_CANDIDATES, self._tree.n))
        near = self.fwhm_mev[self.owner[row.reshape(len(row), -1)]]  # (nq, candidates, ns)
        first = np.isfinite(near).argmax(axis=1)
        found = np.take_along_axis(near, first[:, None], axis=1)[:, 0]
        rank = np.argsort(np.argsort(energy_mev, axis=1, kind="stable"), axis=1)
        return np.nan_to_num(np.take_along_axis(found, rank, axis=1))

    def distance(self, q_hkl: FloatArray) -> FloatArray:
        """|Δq| in Å⁻¹ (nq,) from each Q to the nearest point of the mesh."""
        return np.asarray(self._tree.query(self._folded(q_hkl))[0])

    def _folded(self, q_hkl: FloatArray) -> FloatArray:
        q = np.atleast_2d(np.asarray(q_hkl, dtype=float)) @ self.to_primitive
        return np.asarray((q - np.round(q)) @ self.reciprocal)


@dataclass(frozen=True)
class LinewidthSeries:
    """Linewidths at several temperatures, for predictions at whatever temperature was measured.

    Parameters
    ----------
    linewidths : Linewidths
    model : PhononModel
        Of the same crystal.
    """

    linewidths: Linewidths
    model: PhononModel

    def at(self, temperature_k: float) -> MeshLinewidths:
        """The widths at a temperature, linear between those computed; errors of `of`."""
        return MeshLinewidths.of(self.linewidths, self.model, temperature_k)


def linewidth_at(
    linewidth: Linewidth | LinewidthSeries | None, temperature_k: float
) -> Linewidth | None:
    """What `line_spectra` takes, at a temperature; errors of `LinewidthSeries.at`."""
    if isinstance(linewidth, LinewidthSeries):
        return linewidth.at(temperature_k)
    return linewidth


def _between(linewidths: Linewidths, temperature_k: float) -> FloatArray:
    """(nq, ns) FWHM, linear between the temperatures on both sides."""
    known = linewidths.temperature_k
    above = int(np.searchsorted(known, temperature_k))
    near = np.abs(known - temperature_k).min() <= 0.5
    if near or above in (0, len(known)):
        return linewidths.at(temperature_k)
    share = (temperature_k - known[above - 1]) / (known[above] - known[above - 1])
    width = linewidths.fwhm_mev
    return np.asarray((1 - share) * width[above - 1] + share * width[above])


def _require_same_phonons(linewidths: Linewidths, model: PhononModel) -> None:
    """Raise an InputError where volume or energies are those of another crystal."""
    crystal = model.force_constants
    volume = linewidths.volume_A3
    if volume is not None and abs(volume / crystal.volume - 1) > _OTHER_VOLUME:
        raise InputError(
            "the linewidths are of another crystal than the force constants",
            file=linewidths.source or None,
            found=f"primitive cell of {volume:.2f} Å³",
            expected=f"{crystal.volume:.2f} Å³",
        )
    energy = model.modes(linewidths.q_primitive @ crystal.conventional.T).energy_mev
    known = linewidths.energy_mev > 1.0
    apart = np.abs(energy[known] / linewidths.energy_mev[known] - 1)
    if apart.size and float(np.median(apart)) > _OTHER_ENERGIES:
        raise InputError(
            "the linewidths are of other phonons than the force constants",
            file=linewidths.source or None,
            found=f"energies that differ by {100 * float(np.median(apart)):.0f} % (median)",
            expected="the same crystal, in the same primitive cell",
        )


def _images(q_primitive: FloatArray, model: PhononModel) -> tuple[FloatArray, IntArray]:
    """All points that rotations and time reversal make, in -½ … ½, and whose each is."""
    rotations = np.unique(np.concatenate([r := _rotations(model), -r]), axis=0)
    images = np.einsum("qi,oij->oqj", q_primitive, rotations)
    images -= np.round(images)
    flat = images.reshape(-1, 3)
    owner = np.tile(np.arange(len(q_primitive)), len(rotations))
    _, first = np.unique(np.round(flat, 6), axis=0, return_index=True)
    return flat[first], owner[first]


def _rotations(model: PhononModel) -> FloatArray:
    """(no, 3, 3) operations on rows of the reciprocal lattice: q' = q W⁻¹ for x' = W x."""
    import spglib
    from ase.data import atomic_numbers

    crystal = model.force_constants
    numbers = [atomic_numbers[symbol] for symbol in crystal.symbols]
    cell: Any = (crystal.vectors, crystal.positions, numbers)
    found = spglib.get_symmetry_dataset(cell, symprec=_SYMPREC)
    if found is None:
        raise InputError("no symmetry was found in the crystal of the force constants")
    return np.array([np.linalg.inv(rotation) for rotation in np.unique(found.rotations, axis=0)])
