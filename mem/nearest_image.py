"""The shortest of the equivalent ways from one place of a crystal to another, in any cell.

Rounding fractional differences finds it in rectangular cells only. In a reduced basis (the
shortest vectors that span the lattice) it is one of the rounded difference and its 26 neighbours,
of which few can ever be shorter; in a rectangular cell none.
"""

from __future__ import annotations

from itertools import product

import numpy as np

from ixs_core.arrays import FloatArray, IntArray

_NEIGHBOURS = np.array([shift for shift in product((-1, 0, 1), repeat=3) if any(shift)])


def nearest_image(apart: FloatArray, vectors: FloatArray) -> FloatArray:
    """Fractional differences moved by whole cells so that they are as short as possible.

    Parameters
    ----------
    apart : (…, 3) array
        Fractional.
    vectors : (3, 3) array
        Rows a, b, c in Å.

    Returns
    -------
    (…, 3) array
        Differs from `apart` by whole numbers.
    """
    reduced, transformation = _reduced(vectors)
    rest = np.asarray(apart, float) @ np.linalg.inv(transformation)
    rest = rest - np.round(rest)
    metric = reduced @ reduced.T
    best, shortest = rest, _squares(rest, reduced)
    for shift in _possible(metric):
        moved = rest + shift
        square = _squares(moved, reduced)
        better = square < shortest * (1 - 1e-12)
        best = np.where(better[..., None], moved, best)
        shortest = np.where(better, square, shortest)
    return np.asarray(best @ transformation)


def nearest_distance(apart: FloatArray, vectors: FloatArray) -> FloatArray:
    """(…) Å of fractional differences (…, 3) by the shortest way; see `nearest_image`."""
    return np.asarray(np.linalg.norm(nearest_image(apart, vectors) @ vectors, axis=-1))


def _squares(apart: FloatArray, vectors: FloatArray) -> FloatArray:
    return np.asarray(((apart @ vectors) ** 2).sum(axis=-1))


def _possible(metric: FloatArray) -> IntArray:
    """(n, 3) the shifts that shorten some difference of components up to 1/2.

    |x + s| < |x| needs s·G·s < -2 x·G·s, which is Σ |(G s)_i| at most.
    """
    projected = _NEIGHBOURS @ metric
    square = (projected * _NEIGHBOURS).sum(axis=1)
    return np.asarray(_NEIGHBOURS[square < np.abs(projected).sum(axis=1) * (1 - 1e-12)])


def _reduced(vectors: FloatArray) -> tuple[FloatArray, IntArray]:
    """Shortest vectors (3, 3) of the lattice that span it, and whole M with reduced = M vectors.

    Two vectors are reduced as Lagrange did, the third by the nearest point of their plane's
    lattice, until none gets shorter (Semaev, in Cryptography and Lattices (2001), 181).
    """
    m = np.eye(3, dtype=np.int64)
    while True:
        m = m[np.argsort(np.linalg.norm(m @ vectors, axis=1), kind="stable")]
        first, second, third = m @ vectors
        times = round(float(first @ second / (first @ first)))
        if times:
            m[1] -= times * m[0]
            if _length(m[1] @ vectors) < _length(second) * (1 - 1e-12):
                continue
            m[1] += times * m[0]
        plane = np.stack([first, second], axis=1)
        near = np.round(np.linalg.lstsq(plane, third, rcond=None)[0]).astype(np.int64)
        trials = [
            m[2] - (near + np.array(shift)) @ m[:2] for shift in product((-1, 0, 1), repeat=2)
        ]
        best = min(trials, key=lambda trial: _length(trial @ vectors))
        if _length(best @ vectors) >= _length(third) * (1 - 1e-12):
            return m @ vectors, m
        m[2] = best


def _length(vector: FloatArray) -> float:
    return float(np.linalg.norm(vector))
