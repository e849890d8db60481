"""Which path a profile follows: from words such as "Cu", "Cu1 : I2" or fractional points."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.crystal import Crystal, cell_vectors
from ixs_core.errors import InputError

NEIGHBOUR_RATIO = 1.25
"""Pairs up to this many times the shortest distance count as neighbours of the same shell."""

_LONGEST_ANGSTROM = 12.0
_LENGTH = re.compile(r" [\d.]+ Å")
_SAME = 1e-3  # fractional: positions of a CIF have four or five digits
_DIRECTIONS = {"a": (1, 0, 0), "b": (0, 1, 0), "c": (0, 0, 1)}


@dataclass(frozen=True)
class NamedPath:
    """A polyline through fractional points.

    Parameters
    ----------
    name : str
        "Cu1–Cu1 3.16 Å along a".
    points : (m, 3) array
    labels : tuple of str
        Site at each point, "" for a point in between or of no site.
    """

    name: str
    points: FloatArray
    labels: tuple[str, ...]

    @property
    def kind(self) -> str:
        """The name without the length, which a series of temperatures shares."""
        return _LENGTH.sub("", self.name)


def choose_paths(text: str, crystal: Crystal | None) -> tuple[NamedPath, ...]:
    """The paths that a text asks for.

    Parameters
    ----------
    text : str
        "x y z : x y z : …" in fractional coordinates; or an element or site label ("Cu"): every
        kind of straight path between neighbours of it; or two of them ("Cu1 : I2"): the shortest.
    crystal : Crystal or None
        Needed for labels.

    Raises
    ------
    InputError
        The text is neither, names no site, or the path has no length.
    """
    parts = [part.strip() for part in text.split(":")]
    points = [_point(part) for part in parts]
    if all(point is not None for point in points) and len(points) > 1:
        path = np.array(points)
        if np.any(np.linalg.norm(np.diff(path, axis=0), axis=1) == 0):
            raise InputError("two neighbouring points of the path are the same", key=text)
        return (NamedPath(_line_name(path), path, ("",) * len(path)),)
    if crystal is None or any(point is not None for point in points) or len(parts) > 2:
        raise InputError(
            "not a path",
            key="path",
            found=text,
            expected='points "0.35 0.5 0 : 0.65 0.5 0", an element or site "Cu", or two "Cu : I"'
            + ("" if crystal is not None else " (labels need a structure)"),
        )
    return _between_sites(crystal, parts[0], parts[-1])


def _point(text: str) -> FloatArray | None:
    try:
        values = np.array([float(word) for word in text.replace(",", " ").split()])
    except ValueError:
        return None
    return values if values.shape == (3,) and np.all(np.isfinite(values)) else None


def _line_name(path: FloatArray) -> str:
    ends = [" ".join(f"{x:.4g}" for x in point) for point in (path[0], path[-1])]
    return f"({ends[0]}) to ({ends[1]})"


def _between_sites(crystal: Crystal, first: str, last: str) -> tuple[NamedPath, ...]:
    """One path for every kind of pair of neighbours, shortest first; between two kinds the
    shortest only."""
    pairs = _pairs(crystal, _atoms_of(crystal, first), _atoms_of(crystal, last))
    if not pairs:
        raise InputError(
            f"no pair within {_LONGEST_ANGSTROM:g} Å", key="path", found=f"{first} : {last}"
        )
    farthest = pairs[0][0] * (NEIGHBOUR_RATIO if first == last else 1.0 + 1e-6)
    seen: list[FloatArray] = []
    paths = []
    for distance, labels, ends in pairs:
        if distance > farthest:
            break
        if _is_new(ends, crystal, seen):
            name = f"{labels[0]}–{labels[1]} {distance:.2f} Å{_direction(ends)}"
            paths.append(NamedPath(name, ends, labels))
    return tuple(paths)


def _atoms_of(crystal: Crystal, name: str) -> list[int]:
    atoms = crystal.atoms
    labels = [crystal.sites[i].label for i in atoms.site]
    for candidates in (labels, list(atoms.elements)):
        found = [i for i, candidate in enumerate(candidates) if candidate.lower() == name.lower()]
        if found:
            return found
    known = dict.fromkeys([*(site.label for site in crystal.sites), *crystal.content])
    raise InputError(
        "no such site or element in the structure",
        key="path",
        found=name,
        expected=", ".join(known) + ', or points such as "0.35 0.5 0 : 0.65 0.5 0"',
    )


def _pairs(
    crystal: Crystal, first: list[int], last: list[int]
) -> list[tuple[float, tuple[str, str], FloatArray]]:
    """Pairs by rising distance; each with the labels and the (2, 3) fractional ends."""
    atoms, vectors = crystal.atoms, cell_vectors(crystal.lattice)
    # Enough cells for every image within the longest path.
    heights = 2 * np.pi / np.linalg.norm(crystal.lattice.b_matrix, axis=0)
    reach = [int(np.ceil(_LONGEST_ANGSTROM / height)) for height in heights]
    shifts = np.array(list(itertools.product(*(range(-n, n + 1) for n in reach))), dtype=float)
    found = []
    for i, j in itertools.product(first, last):
        apart = atoms.position[j] + shifts - atoms.position[i]
        distances = np.linalg.norm(apart @ vectors, axis=1)
        for k in np.flatnonzero((distances > 0.1) & (distances < _LONGEST_ANGSTROM)):
            labels = (crystal.sites[atoms.site[i]].label, crystal.sites[atoms.site[j]].label)
            ends = np.array([atoms.position[i], atoms.position[i] + apart[k]])
            found.append((float(distances[k]), labels, ends))
    # Of equivalent paths the one that runs upward from small coordinates reads best.
    found.sort(key=lambda pair: (round(pair[0], 3), _awkwardness(pair[2])))
    return found


def _awkwardness(ends: FloatArray) -> tuple[float, ...]:
    """Least for a path that runs upward, inside the cell, near its centre."""
    outside = np.maximum(ends - 1, 0).sum() + np.maximum(-ends, 0).sum()
    off_centre = np.abs(ends.mean(axis=0) - 0.5).sum()
    ranked = (np.sum(ends[1] - ends[0] < -_SAME), outside, off_centre, *ends[0])
    return tuple(round(float(value), 3) for value in ranked)


def _is_new(ends: FloatArray, crystal: Crystal, seen: list[FloatArray]) -> bool:
    """Whether symmetry does not make this path of an earlier one; its images are remembered."""
    inside = ends - np.floor(ends[0] + _SAME)
    if any(np.abs(inside - image).max() < _SAME for image in seen):
        return False
    symmetry = crystal.symmetry
    images = np.einsum("nij,pj->npi", symmetry.rotations, ends) + symmetry.translations[:, None]
    for image in images:
        for path in (image, image[::-1]):
            seen.append(path - np.floor(path[0] + _SAME))
    return True


def _direction(ends: FloatArray) -> str:
    step = ends[1] - ends[0]
    for name, direction in _DIRECTIONS.items():
        if np.linalg.norm(np.cross(step, direction)) < _SAME:
            return f" along {name}"
    return ""
