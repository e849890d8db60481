"""What the operators of a space group do to reflections: equivalents, phases, absences, ε.

With x' = R x + t and F(h) = ∫ρ exp(2πi h·r) dV, a density that the operators leave as it is has
F(hR) = F(h) exp(-2πi h·t) (hR: h as a row); International Tables B (2001), section 1.4.2. Since ρ
is real, F(-h) = F(h)*. Only the operators are used, so any setting with any origin will do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ixs_core.arrays import BoolArray, ComplexArray, FloatArray, IntArray
from ixs_core.errors import InputError
from ixs_core.lattice import Lattice
from ixs_core.symmetry import Symmetry

TRANSLATION_UNIT = 24
"""Translations of every setting are multiples of 1/24: phases are found in whole numbers."""

_MOST_POSSIBLE = 1e8
"""Indices in the box around the sphere of resolution; a cell of 100 Å to 1 Å has 8e6."""

_CHUNK = 1_000_000  # equivalents at a time, so that memory stays flat


@dataclass(frozen=True)
class Equivalents:
    """The images hR of reflections under all operators, in the operators' order.

    Parameters
    ----------
    hkl : (n, g, 3) int array
    phase : (n, g) complex array
        F(hR) = phase · F(h).
    """

    hkl: IntArray
    phase: ComplexArray


@dataclass(frozen=True)
class Representatives:
    """The one chosen among all that symmetry and Friedel's law make equal to each reflection.

    Parameters
    ----------
    hkl : (n, 3) int array
        The lexicographically largest (h, k, l) of the orbit.
    phase : (n,) complex array
    conjugate : (n,) bool array
        F(representative) = phase · F(h), or the complex conjugate of that.
    """

    hkl: IntArray
    phase: ComplexArray
    conjugate: BoolArray

    def of(self, f: ComplexArray) -> ComplexArray:
        """(n,) F at the representatives, of F (n,) at the reflections."""
        turned = self.phase * f
        return np.where(self.conjugate, turned.conj(), turned)


@dataclass(frozen=True)
class Orbits:
    """Every member of the orbits of several reflections, Friedel mates included.

    Parameters
    ----------
    hkl : (m, 3) int array
        Members of one orbit stand together, in the order of the reflections; none twice.
    owner : (m,) int array
        Index of the reflection.
    phase : (m,) complex array
    conjugate : (m,) bool array
        F(member) = phase · F(owner), or phase · F(owner)* where it is reached as a Friedel mate.
    size : (n,) int array
        Members of each orbit.
    """

    hkl: IntArray
    owner: IntArray
    phase: ComplexArray
    conjugate: BoolArray
    size: IntArray


def whole_hkl(hkl: ArrayLike) -> IntArray:
    """(n, 3) int64 array of reflections.

    Raises
    ------
    InputError
        They are not whole numbers, or not three of them per reflection.
    """
    values = np.asarray(hkl)
    whole = np.rint(values).astype(np.int64)
    if values.ndim != 2 or values.shape[1] != 3 or np.any(whole != values):
        raise InputError(
            "reflections are not triples of whole numbers",
            key="hkl",
            found=f"shape {values.shape}",
            expected="whole numbers in the shape (n, 3)",
        )
    return whole


def equivalents(symmetry: Symmetry, hkl: ArrayLike) -> Equivalents:
    """Images of the reflections (n, 3) under all g operators, with the phases of F.

    Raises
    ------
    InputError
        As `whole_hkl`.
    """
    images, shift = _images(whole_hkl(hkl), symmetry.rotations, _whole_translations(symmetry))
    return Equivalents(images, _roots_of_unity()[shift])


def systematically_absent(symmetry: Symmetry, hkl: ArrayLike) -> BoolArray:
    """(n,) whether F must vanish: some operator has hR = h, but h·t no whole number."""

    def absent(part: IntArray) -> BoolArray:
        images, shift = _images(part, symmetry.rotations, _whole_translations(symmetry))
        same = (images == part[:, None, :]).all(axis=2)
        return np.asarray((same & (shift != 0)).any(axis=1))

    return _in_chunks(absent, whole_hkl(hkl), len(symmetry))


def centric(symmetry: Symmetry, hkl: ArrayLike) -> BoolArray:
    """(n,) whether the phase is restricted to two values: some operator has hR = -h."""
    return np.asarray(~np.isnan(restricted_phase(symmetry, hkl)))


def restricted_phase(symmetry: Symmetry, hkl: ArrayLike) -> FloatArray:
    """(n,) φ in radians, 0 ≤ φ < π, to which centric reflections have their phase modulo π.

    φ = π h·t of an operator with hR = -h, for then F(h)* = F(h) exp(-2πi h·t). NaN for
    acentric reflections.
    """

    def phase(part: IntArray) -> FloatArray:
        images, shift = _images(part, symmetry.rotations, _whole_translations(symmetry))
        opposite = (images == -part[:, None, :]).all(axis=2)
        first = opposite.argmax(axis=1)
        rows = np.arange(len(part))
        restricted = np.pi * (-shift[rows, first] % TRANSLATION_UNIT) / TRANSLATION_UNIT
        return np.where(opposite[rows, first], restricted, np.nan)

    return _in_chunks(phase, whole_hkl(hkl), len(symmetry))


def epsilon(symmetry: Symmetry, hkl: ArrayLike) -> IntArray:
    """(n,) ε: number of rotations of the point group with hR = h.

    The mean of |F|² over reflections that are not absent is ε times that of general ones
    (International Tables B, section 2.1.4); centring, the same for all, is not counted.
    """
    rotations, translations = _point_group(symmetry)

    def count(part: IntArray) -> IntArray:
        images, _ = _images(part, rotations, translations)
        return np.asarray((images == part[:, None, :]).all(axis=2).sum(axis=1))

    return _in_chunks(count, whole_hkl(hkl), len(rotations))


def representatives(symmetry: Symmetry, hkl: ArrayLike) -> Representatives:
    """The unique representative of each reflection, and how its F follows from theirs."""
    rotations, translations = _point_group(symmetry)
    whole = whole_hkl(hkl)
    found = Representatives(
        np.empty_like(whole), np.empty(len(whole), complex), np.empty(len(whole), bool)
    )
    for part in _slices(len(whole), 2 * len(rotations)):
        images, shift = _images(whole[part], rotations, translations)
        both = np.concatenate([images, -images], axis=1)
        best = _keys(both).argmax(axis=1)  # the first one: a mate only where no operator leads
        rows = np.arange(len(best))
        operator = best % len(rotations)
        found.hkl[part] = both[rows, best]
        found.phase[part] = _roots_of_unity()[shift[rows, operator]]
        found.conjugate[part] = best >= len(rotations)
    return found


def orbits(symmetry: Symmetry, hkl: ArrayLike) -> Orbits:
    """All members of the orbit of each reflection (n, 3), Friedel mates included."""
    whole = whole_hkl(hkl)
    rotations, translations = _point_group(symmetry)
    parts = [
        _orbits(whole[part], part.start, rotations, translations)
        for part in _slices(len(whole), 2 * len(rotations))
    ]
    members, owner, shift, conjugate = (
        np.concatenate([part[i] for part in parts]) for i in range(4)
    )
    return Orbits(
        members,
        owner,
        _roots_of_unity()[shift],
        conjugate,
        np.bincount(owner, minlength=len(whole)),
    )


def multiplicity(symmetry: Symmetry, hkl: ArrayLike) -> IntArray:
    """(n,) number of different reflections that symmetry and Friedel's law make equal."""
    return orbits(symmetry, hkl).size


def unique_reflections(symmetry: Symmetry, lattice: Lattice, d_min: float) -> IntArray:
    """(n, 3) representatives of all reflections with d ≥ d_min (Å), largest d first.

    Neither (000) nor systematically absent ones are among them.

    Raises
    ------
    InputError
        d_min is not above 0, or so small for the cell that there are too many reflections.
    """
    if not d_min > 0:
        raise InputError(
            "the resolution is not a length", key="d_min", found=d_min, expected="above 0 Å"
        )
    # |h| ≤ a/d for every direction, since h = a·Q/2π.
    largest = np.floor(np.array(lattice.cell[:3]) / d_min * (1 + 1e-9)).astype(int)
    possible = float(np.prod(2.0 * largest + 1))
    if possible > _MOST_POSSIBLE:
        raise InputError(
            "too many reflections are possible in this cell",
            key="cell",
            found=f"{possible:.2g} indices to d = {d_min:.3g} Å",
            expected=f"at most {_MOST_POSSIBLE:.0e}",
            hint="are the lengths of the cell right?",
        )
    along = [np.arange(-size, size + 1) for size in largest[1:]]
    layers = []
    for h in range(int(largest[0]) + 1):  # representatives have h ≥ 0
        layer = np.stack(np.meshgrid([h], *along, indexing="ij"), axis=-1).reshape(-1, 3)
        layer = layer[layer.any(axis=1)]
        layer = layer[lattice.d_spacing(layer) >= d_min * (1 - 1e-9)]
        layer = layer[(representatives(symmetry, layer).hkl == layer).all(axis=1)]
        layers.append(layer[~systematically_absent(symmetry, layer)])
    unique = np.concatenate(layers)
    order = np.lexsort((*unique.T[::-1], -np.round(lattice.d_spacing(unique), 9)))
    return unique[order]


def _orbits(
    hkl: IntArray, start: int, rotations: IntArray, translations: IntArray
) -> tuple[IntArray, IntArray, IntArray, BoolArray]:
    images, shift = _images(hkl, rotations, translations)
    members = np.concatenate([images, -images], axis=1)
    # The mate has F(-hR) = [phase F(h)]* = phase* F(h)*.
    shifts = np.concatenate([shift, -shift % TRANSLATION_UNIT], axis=1)
    conjugate = np.broadcast_to(np.arange(2 * len(rotations)) >= len(rotations), shifts.shape)
    keys = _keys(members)
    order = np.argsort(keys, axis=1, kind="stable")  # operators before mates
    ordered = np.take_along_axis(keys, order, axis=1)
    new = np.ones(ordered.shape, bool)
    new[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    rows, columns = np.nonzero(new)
    chosen = order[rows, columns]
    return members[rows, chosen], rows + start, shifts[rows, chosen], conjugate[rows, chosen]


def _images(
    hkl: IntArray, rotations: IntArray, translations: IntArray
) -> tuple[IntArray, IntArray]:
    """hR (n, g, 3) and -h·t in units of 1/24, 0..23 (n, g)."""
    images = np.einsum("ni,gij->ngj", hkl, rotations)
    return images, -(hkl @ translations.T) % TRANSLATION_UNIT


def _keys(hkl: IntArray) -> IntArray:
    """Whole numbers that order (h, k, l) lexicographically."""
    base = 2 * int(np.abs(hkl).max(initial=0)) + 1
    return np.asarray((hkl[..., 0] * base + hkl[..., 1]) * base + hkl[..., 2])


def _whole_translations(symmetry: Symmetry) -> IntArray:
    return np.rint(symmetry.translations * TRANSLATION_UNIT).astype(np.int64)


def _point_group(symmetry: Symmetry) -> tuple[IntArray, IntArray]:
    """The different rotations, each with the translation of its first operator."""
    _, first = np.unique(symmetry.rotations.reshape(-1, 9), axis=0, return_index=True)
    first.sort()
    return symmetry.rotations[first], _whole_translations(symmetry)[first]


def _roots_of_unity() -> ComplexArray:
    quarter = TRANSLATION_UNIT // 4
    roots = np.exp(2j * np.pi * np.arange(TRANSLATION_UNIT) / TRANSLATION_UNIT)
    roots[::quarter] = [1, 1j, -1, -1j]  # without the rounding of π
    return roots


def _slices(length: int, operators: int) -> Iterator[slice]:
    step = max(_CHUNK // operators, 1)
    for start in range(0, max(length, 1), step):
        yield slice(start, start + step)


def _in_chunks(function: Callable[[IntArray], Any], hkl: IntArray, operators: int) -> Any:
    return np.concatenate([function(hkl[part]) for part in _slices(len(hkl), operators)])
