"""Where the cell of a simulation begins, beside a crystal structure and its space group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gemmi
import numpy as np

from ixs_core.arrays import ComplexArray, FloatArray
from ixs_core.crystal import Crystal, cell_vectors
from ixs_core.errors import InputError
from ixs_core.lattice import Lattice
from ixs_core.symmetry import Symmetry
from mem.grid import compatible_grid
from mem.peaks import grid_maxima
from mem.reflection_symmetry import TRANSLATION_UNIT
from simulate.md.cell_harmonics import Harmonics, density_on_grid
from simulate.md.folded_factors import FoldedFactors
from simulate.md.trajectory import Trajectory

_BLUR_ANGSTROM = 0.4  # of the overlap: wide enough that its maximum is found from any grid point
_STEP_ANGSTROM = 0.3
_LEAST_OVERLAP = 0.5
_EQUAL = 2e-3  # of the overlap: centrings and other equivalent origins differ by noise alone
_NEARLY = 0.9  # of the highest grid point: maxima that may turn out the highest
_MOST = 64
_SAME_SITE_A = 0.1
_STEPS = 20
_ON_UNIT = 0.05  # of 1/24


@dataclass(frozen=True)
class Origin:
    """The shift that brings simulated atoms onto those of a structure.

    Parameters
    ----------
    shift : (3,) array
        Fractional, to be added to the simulation's coordinates.
    overlap : float
        Correlation of the two densities afterwards, 1 where they are alike.
    """

    shift: FloatArray
    overlap: float


def origin_on(folded: FoldedFactors, lattice: Lattice, structure: Crystal) -> Origin:
    """The origin of a structure in the cell of a simulation.

    The maximum over t of the overlap ∫ρ_MD(x) ρ_structure(x + t) dx, summed over the elements,
    each density being that of points of weight Z blurred by 0.4 Å: so ions that move from site
    to site, and sites that are half occupied, need no matching. Of equivalent shifts (centring,
    for example) the shortest.

    Raises
    ------
    InputError
        The elements differ, or the simulated crystal is not alike at any origin.
    """
    _require_elements(folded, structure)
    some = folded.harmonics.q_abs <= 4 / _BLUR_ANGSTROM
    low = folded.harmonics.chosen(some)
    ours, theirs = folded.mean[:, some], _site_sums(structure, low, folded.elements)
    z = np.array([gemmi.Element(element).atomic_number for element in folded.elements])
    weight = low.mates * np.exp(-((low.q_abs * _BLUR_ANGSTROM) ** 2)) * (low.q_abs > 0)
    a = weight * (z**2 @ (ours * theirs.conj()))
    norms = [float(weight @ (z**2 @ np.abs(f) ** 2)) for f in (ours, theirs)]
    tops = [_top(a, low, start) for start in _starts(a, low, lattice)]
    best = max(height for _, height in tops)
    vectors = cell_vectors(lattice)
    shift, height = min(
        (top for top in tops if top[1] >= (1 - _EQUAL) * best),
        key=lambda top: (round(float(np.linalg.norm(top[0] @ vectors)), 2), *(-top[0]).round(3)),
    )
    overlap = height / float(np.sqrt(norms[0] * norms[1]))
    if overlap < _LEAST_OVERLAP:
        raise InputError(
            "the simulated crystal is not that of the structure, whatever the origin",
            file=structure.source or None,
            found=f"correlation {overlap:.2f}",
            expected=f"at least {_LEAST_OVERLAP}",
            hint="are the axes a, b, c of both the same?",
        )
    return Origin(shift, overlap)


def symmetry_of_reference(
    trajectory: Trajectory, conventional: FloatArray
) -> tuple[Symmetry, FloatArray]:
    """The space group of a trajectory's ideal sites, folded into the conventional cell.

    Returns
    -------
    Symmetry
        With translations in 1/24, for the group's own origin.
    shift : (3,) array
        Fractional, to be added to coordinates of the simulation to count from that origin.

    Raises
    ------
    InputError
        The trajectory has no ideal sites, they do not repeat from cell to cell, or no group is
        found.
    """
    import spglib
    from ase.data import atomic_numbers

    if trajectory.reference is None:
        raise InputError(
            "no symmetry can be found: the trajectory has no ideal sites",
            file=trajectory.name or None,
            hint="give the structure, whose symmetry counts",
        )
    numbers = np.array([atomic_numbers[element] for element in trajectory.species])
    places, kinds = _merged(
        trajectory.reference @ np.linalg.inv(conventional), numbers, conventional, trajectory
    )
    cell: Any = (conventional, places, kinds)
    found = spglib.get_symmetry_dataset(cell, symprec=_SAME_SITE_A)
    if found is None:
        raise InputError("no symmetry was found in the ideal sites", file=trajectory.name or None)
    # x_standard = P x + p: the origin alone is changed here, not the axes.
    shift = np.linalg.solve(found.transformation_matrix, found.origin_shift)
    choices = (np.zeros(3), shift - np.round(shift))
    moved = [
        found.translations + np.einsum("nij,j->ni", np.eye(3) - found.rotations, choice)
        for choice in choices
    ]
    chosen = 0 if _off_unit(moved[0]) < _ON_UNIT else 1
    triplets = [
        _triplet(*operator) for operator in zip(found.rotations, moved[chosen], strict=True)
    ]
    return Symmetry.from_triplets(triplets), choices[chosen]


def _off_unit(translations: FloatArray) -> float:
    """How far translations are from multiples of 1/24, in these."""
    units = translations * TRANSLATION_UNIT
    return float(np.abs(units - np.rint(units)).max())


def _merged(
    fractions: FloatArray, numbers: Any, conventional: FloatArray, trajectory: Trajectory
) -> tuple[FloatArray, list[int]]:
    """One of the copies of each site, and its element's number."""
    copies = trajectory.n_atoms / round(
        abs(float(np.linalg.det(trajectory.cell) / np.linalg.det(conventional)))
    )
    places: list[FloatArray] = []
    kinds: list[int] = []
    for place, number in zip(fractions, numbers.tolist(), strict=True):
        same = np.array(kinds) == number
        apart = np.array(places).reshape(-1, 3)[same] - place if kinds else np.empty((0, 3))
        distance = np.linalg.norm((apart - np.round(apart)) @ conventional, axis=1)
        if not np.any(distance < _SAME_SITE_A):
            places.append(place)
            kinds.append(number)
    if len(places) != copies:
        raise InputError(
            "the ideal sites do not repeat from one conventional cell to the next",
            file=trajectory.name or None,
            found=f"{len(places)} different ones",
            expected=f"{copies:g}",
            hint="is the conventional cell the right one?",
        )
    return np.array(places), kinds


def _triplet(rotation: Any, translation: FloatArray) -> str:
    operator = gemmi.Op()
    operator.rot = (np.asarray(rotation) * gemmi.Op.DEN).astype(int).tolist()
    shift = np.rint(translation * TRANSLATION_UNIT).astype(int) % TRANSLATION_UNIT
    operator.tran = (shift * (gemmi.Op.DEN // TRANSLATION_UNIT)).tolist()
    return str(operator.triplet())


def _require_elements(folded: FoldedFactors, structure: Crystal) -> None:
    if set(folded.elements) != set(structure.content):
        raise InputError(
            "the structure has other elements than the trajectory",
            file=structure.source or None,
            found=", ".join(structure.content),
            expected=", ".join(folded.elements),
        )


def _site_sums(structure: Crystal, harmonics: Harmonics, elements: tuple[str, ...]) -> ComplexArray:
    """(ns, n) Σ o exp(2πi h·x) over the atoms of each element."""
    atoms = structure.atoms
    phases = np.exp(2j * np.pi * (harmonics.hkl @ atoms.position.T)) * atoms.occupancy
    kinds = np.array(atoms.elements)
    return np.array([phases[:, kinds == element].sum(axis=1) for element in elements])


def _starts(a: ComplexArray, harmonics: Harmonics, lattice: Lattice) -> list[FloatArray]:
    """Grid points near the highest maxima of the overlap, the highest first."""
    alone = Symmetry.from_triplets(["x,y,z"])
    shape = compatible_grid(lattice, alone, _STEP_ANGSTROM, harmonics.hkl)
    # Σ_h a exp(2πi h·t) and not -: the mates of h, of which a is the sum, are in the other half.
    values = density_on_grid((a / harmonics.mates).conj(), harmonics, shape)
    index = grid_maxima(values, _NEARLY * float(values.max()))
    highest = np.argsort(-values[tuple(index.T)], kind="stable")[:_MOST]
    return [row / np.array(shape) for row in index[highest]]


def _top(a: ComplexArray, harmonics: Harmonics, start: FloatArray) -> tuple[FloatArray, float]:
    """The maximum near a point, -1/2 < t ≤ 1/2, by Newton's steps, and its height."""
    h = 2 * np.pi * harmonics.hkl
    t = start
    for _ in range(_STEPS):
        terms = a * np.exp(1j * (h @ t))
        slope = -(terms.imag @ h)
        curvature = -np.einsum("n,ni,nj->ij", terms.real, h, h)
        step = np.linalg.lstsq(curvature, -slope, rcond=1e-10)[0]
        t = t + np.clip(step, -0.05, 0.05)
        if np.abs(step).max() < 1e-9:
            break
    height = float((a * np.exp(1j * (h @ t))).real.sum())
    return t - np.ceil(t - 0.5), height
