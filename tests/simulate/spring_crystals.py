"""Crystals of springs: force constants in closed form, stable, and as unsymmetric as wanted."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from simulate.phonons.force_constants import ForceConstants
from tests.simulate.crystals import from_blocks

ZINCBLENDE_A = 5.65
PRIMITIVE_FCC = np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]]) / 2
FCC_IN_PRIMITIVE = np.array([[-1, 1, 1], [1, -1, 1], [1, 1, -1]])
MASSES = {"Ga": 69.723, "As": 74.922, "Cs": 132.905, "Cu": 63.546, "I": 126.904}


def spring_crystal(
    vectors: ArrayLike,
    positions: ArrayLike,
    symbols: Sequence[str],
    conventional: ArrayLike | None = None,
    cutoff: float = 4.5,
) -> ForceConstants:
    """Springs between all atoms nearer than `cutoff` (Å), stiffer along the bond than across.

    The stiffness depends on the two elements and the distance alone, so that the force constants
    have the symmetry of the structure, whatever cell describes it.
    """
    vectors, positions = np.asarray(vectors, float), np.asarray(positions, float)
    n = len(symbols)
    blocks: dict[tuple[int, ...], np.ndarray] = {(0, 0, 0): np.zeros((n, 3, n, 3))}
    for cell in itertools.product(range(-3, 4), repeat=3):
        for i, j in itertools.product(range(n), repeat=2):
            bond = (positions[j] + cell - positions[i]) @ vectors
            length = float(np.linalg.norm(bond))
            if not 1e-6 < length < cutoff:
                continue
            along = np.outer(bond, bond) / length**2
            strength = 40 / length**2 * (1 + 0.1 * len({symbols[i], symbols[j]}))
            spring = strength * (along + 0.15 * (np.eye(3) - along))
            blocks.setdefault(cell, np.zeros((n, 3, n, 3)))[i, :, j, :] -= spring
            blocks[0, 0, 0][i, :, i, :] += spring
    return from_blocks(
        {cell: block.reshape(3 * n, 3 * n) for cell, block in blocks.items()},
        vectors=vectors,
        positions=positions,
        symbols=tuple(symbols),
        masses=np.array([MASSES[s] for s in symbols]),
        supercell=7 * np.eye(3, dtype=int),
        conventional=np.eye(3) if conventional is None else np.asarray(conventional, float),
        source="springs",
    )


def zincblende() -> ForceConstants:
    """GaAs as springs, in its primitive cell; hkl of the cubic one."""
    return spring_crystal(
        ZINCBLENDE_A * PRIMITIVE_FCC,
        [[0, 0, 0], [0.25, 0.25, 0.25]],
        ["Ga", "As"],
        FCC_IN_PRIMITIVE,
    )


def rocksalt() -> ForceConstants:
    """A cubic crystal in which the longitudinal optic branch crosses the transverse at (½00)."""
    return spring_crystal(
        ZINCBLENDE_A * PRIMITIVE_FCC,
        [[0, 0, 0], [0.5, 0.5, 0.5]],
        ["Cu", "I"],
        FCC_IN_PRIMITIVE,
    )


def cubic_zincblende() -> ForceConstants:
    """The same crystal in its conventional cell of eight atoms."""
    centring = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
    return spring_crystal(
        ZINCBLENDE_A * np.eye(3),
        np.concatenate([centring, centring + 0.25]),
        ["Ga"] * 4 + ["As"] * 4,
    )


def triclinic() -> ForceConstants:
    """Four atoms of three elements without any symmetry."""
    return spring_crystal(
        [[5.1, 0.2, -0.3], [0.4, 6.2, 0.5], [-0.2, 0.6, 5.6]],
        [[0.02, 0.11, 0.93], [0.55, 0.31, 0.42], [0.23, 0.74, 0.58], [0.71, 0.82, 0.13]],
        ["Cs", "Cu", "I", "I"],
        cutoff=5.0,
    )
