"""Grid sizes that suit a space group, and the check of sizes that a user gives.

A grid of (n_1, n_2, n_3) points suits x' = R x + t when the image of every point is one: all
n_i t_i and n_i R_ij / n_j are whole numbers. Axes that a rotation mixes therefore get equal
sizes. The operators alone decide, so rhombohedral and unusual settings need no special case.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from numbers import Real

import numpy as np

from ixs_core.arrays import FloatArray, IntArray
from ixs_core.errors import InputError
from ixs_core.lattice import Lattice
from ixs_core.symmetry import Symmetry
from mem.reflection_symmetry import TRANSLATION_UNIT

Shape = tuple[int, int, int]

_PRIMES = (2, 3, 5, 7)  # sizes that fast Fourier transforms like
_LARGEST = 4096

MOST_POINTS = 200_000_000
"""Points of a grid at most. Several arrays of 8 or 16 bytes a point are held at once: ten times
as many as this would need more memory than computers have."""


def compatible_grid(
    lattice: Lattice, symmetry: Symmetry, step: float, hkl: IntArray | None = None
) -> Shape:
    """Smallest sizes, products of 2, 3, 5 and 7, with a spacing ≤ step (Å) along a, b and c.

    Parameters
    ----------
    lattice, symmetry
    step : float
        Å.
    hkl : (m, 3) int array, optional
        All reflections that the grid has to tell apart: 2|h_i| < n_i.

    Raises
    ------
    InputError
        The step is not a number above 0, or needs more than 4096 points along an axis or
        `MOST_POINTS` in all.
    """
    least = _spaced(lattice, checked_step(step))
    if hkl is not None and len(hkl):
        least = np.maximum(least, 2 * np.abs(hkl).max(axis=0) + 1)
    sizes = [0, 0, 0]
    for axes in _mixed_axes(symmetry):
        divisor = math.lcm(*(_translation_divisor(symmetry, axis) for axis in axes))
        size = _next_size(max(1, int(least[list(axes)].max())), divisor)
        for axis in axes:
            sizes[axis] = size
    _check_points(sizes, "take a larger spacing")
    return sizes[0], sizes[1], sizes[2]


def checked_step(step: float) -> float:
    """The spacing in Å; InputError if it is no number above 0."""
    known = isinstance(step, Real) and not isinstance(step, bool)
    if not (known and 0 < step < math.inf):
        raise InputError("the spacing is not a length", key="step", found=step, expected="> 0 Å")
    return float(step)


def refinement_notes(
    lattice: Lattice, symmetry: Symmetry, step: float, shape: Shape
) -> tuple[str, ...]:
    """What to tell of a grid that is finer than its step, for the sake of the reflections.

    Parameters
    ----------
    lattice, symmetry
    step : float
        Å, that was asked for.
    shape : three int
        Of `compatible_grid` with the reflections.

    Returns
    -------
    tuple of str
        Empty where the reflections change nothing.
    """
    if shape == compatible_grid(lattice, symmetry, step):
        return ()
    spacing = max(length / n for length, n in zip(lattice.cell[:3], shape, strict=True))
    return (
        f"the grid is finer than asked: {step:.2f} Å would not hold the reflections; it has "
        f"{_text(shape)} points, {spacing:.3g} Å apart at most",
    )


def checked_grid(shape: Sequence[int], symmetry: Symmetry, hkl: IntArray | None = None) -> Shape:
    """The sizes, if they suit the group and the reflections.

    Parameters
    ----------
    shape : three int
    symmetry : Symmetry
    hkl : (m, 3) int array, optional
        All reflections and equivalents.

    Raises
    ------
    InputError
        Not three positive whole numbers; more than `MOST_POINTS` in all; an operator leads off
        the grid; too coarse.
    """
    sizes = _whole_sizes(shape)
    _check_points(sizes, "give a coarser grid")
    for triplet, rotation, translation in zip(
        symmetry.triplets, symmetry.rotations, symmetry.translations, strict=True
    ):
        if not _suits(sizes, rotation, translation):
            raise InputError(
                "the grid does not suit the space group: an operator leads from its points to "
                "places between them",
                key="grid",
                found=f"{_text(sizes)} with {triplet}",
                expected=_expectation(symmetry),
            )
    if hkl is not None and len(hkl):
        _check_fine_enough(sizes, hkl)
    return sizes[0], sizes[1], sizes[2]


def default_coarse_step(d_min: float) -> float:
    """Spacing in Å of the grid on which the dual is solved first: min(0.15 Å, d_min/5)."""
    return min(0.15, d_min / 5)


def grid_permutation(shape: Shape, rotation: IntArray, translation: np.ndarray) -> IntArray:
    """(nx·ny·nz,) flat index of the image R x + t of every grid point, in C order."""
    sizes = np.array(shape)
    points = [np.arange(n) / n for n in shape]
    flat = np.zeros(shape, dtype=np.int64)
    for axis, n in enumerate(sizes):
        image = sum(
            rotation[axis, j] * points[j].reshape([-1 if i == j else 1 for i in range(3)])
            for j in range(3)
        )
        index = np.rint((image + translation[axis]) * n).astype(np.int64) % n
        flat = flat * n + index
    return flat.ravel()


def _spaced(lattice: Lattice, step: float) -> FloatArray:
    """(3,) points along the axes; rounding alone must not make it one more."""
    return np.asarray(np.ceil(np.array(lattice.cell[:3]) / step - 1e-6))


def _whole_sizes(shape: Sequence[int]) -> Shape:
    given = tuple(shape) if isinstance(shape, Iterable) else (shape,)
    known = all(isinstance(n, Real) and math.isfinite(n) and n == int(n) >= 1 for n in given)
    if len(given) != 3 or not known:
        raise InputError(
            "the grid is not three numbers of points",
            key="grid",
            found=given,
            expected="three positive whole numbers",
        )
    return int(given[0]), int(given[1]), int(given[2])


def _check_points(sizes: Sequence[int], hint: str) -> None:
    """Before anything is allocated for it."""
    if math.prod(sizes) > MOST_POINTS:
        raise InputError(
            "the grid would be too large",
            key="grid",
            found=f"{_text(sizes)} = {math.prod(sizes):.3g} points",
            expected=f"at most {MOST_POINTS:.0e} points",
            hint=hint,
        )


def _suits(sizes: tuple[int, ...], rotation: IntArray, translation: np.ndarray) -> bool:
    shift = np.rint(translation * TRANSLATION_UNIT).astype(int)
    n = np.array(sizes)
    return bool(
        not ((n * shift) % TRANSLATION_UNIT).any() and not ((n[:, None] * rotation) % n).any()
    )


def _check_fine_enough(sizes: tuple[int, ...], hkl: IntArray) -> None:
    """Reflections h and h' with the same h mod n cannot be told apart on the grid.

    Products of two basis functions, which the Hessian holds, have h - h' outside the grid's
    range; but on the grid's points exp(2πi H·r) and exp(2πi (H mod n)·r) are the same number,
    so their means are exact for the sum over the grid, which is what is minimised.
    """
    largest = np.abs(hkl).max(axis=0)
    for axis, name in enumerate("abc"):
        if sizes[axis] <= 2 * largest[axis]:
            raise InputError(
                f"the grid is too coarse along {name} for the reflections",
                key="grid",
                found=f"{sizes[axis]} points, index {largest[axis]}",
                expected=f"more than {2 * largest[axis]} points",
                hint="give a finer grid or leave its choice to the program",
            )


def _mixed_axes(symmetry: Symmetry) -> list[tuple[int, ...]]:
    """The axes in sets: those in one are mixed by rotations."""
    linked = (symmetry.rotations != 0).any(axis=0)
    linked = linked | linked.T | np.eye(3, dtype=bool)
    for _ in range(2):  # closes chains of three
        linked = (linked.astype(int) @ linked.astype(int)) > 0
    return sorted({tuple(int(i) for i in np.flatnonzero(row)) for row in linked})


def _translation_divisor(symmetry: Symmetry, axis: int) -> int:
    shifts = np.rint(symmetry.translations[:, axis] * TRANSLATION_UNIT).astype(int)
    return math.lcm(*(TRANSLATION_UNIT // math.gcd(int(s), TRANSLATION_UNIT) for s in shifts))


def _next_size(least: int, divisor: int) -> int:
    for size in range(-(-least // divisor) * divisor, _LARGEST + 1, divisor):
        rest = size
        for prime in _PRIMES:
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return size
    raise InputError(
        "the grid would be too large",
        key="step",
        found=f"{least} points along an axis",
        expected=f"at most {_LARGEST}",
        hint="take a larger spacing",
    )


def _expectation(symmetry: Symmetry) -> str:
    parts = []
    for axes in _mixed_axes(symmetry):
        names = ", ".join("abc"[axis] for axis in axes)
        divisor = math.lcm(*(_translation_divisor(symmetry, axis) for axis in axes))
        equal = "equal numbers" if len(axes) > 1 else "a number"
        parts.append(f"{equal} along {names} divisible by {divisor}")
    return "; ".join(parts)


def _text(sizes: Sequence[int]) -> str:
    return " × ".join(str(n) for n in sizes)
