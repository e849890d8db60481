"""Meshes of q-points, their irreducible points, and which of them stand for a given q."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ixs_core.arrays import FloatArray, IntArray
from ixs_core.errors import InputError
from simulate.transport.point_group import PointGroup

_ON_MESH = 1e-4


@dataclass(frozen=True)
class IrreducibleMesh:
    """Points q = n / mesh (Γ among them), one of each set that symmetry and time reversal relate.

    Parameters
    ----------
    mesh : (int, int, int)
        Divisions of the three primitive reciprocal vectors.
    q : (nq, 3) array
        The irreducible points, in units of these vectors, 0 ≤ q < 1.
    weights : (nq,) int array
        How many points of the mesh each stands for.
    row : (n1, n2, n3) int array
        Of every point of the mesh, its irreducible one.
    """

    mesh: tuple[int, int, int]
    q: FloatArray
    weights: IntArray
    row: IntArray

    @classmethod
    def of(cls, mesh: Sequence[int], group: PointGroup) -> IrreducibleMesh:
        """Reduce a mesh.

        Parameters
        ----------
        mesh : three ints
        group : PointGroup
            Its `rotations` in units of the primitive vectors.

        Raises
        ------
        InputError
            Not three whole numbers, or a mesh that the rotations do not map onto itself.
        """
        divisions = checked_mesh(mesh)
        turns = _turns_of_points(group, divisions)
        points = np.indices(divisions).reshape(3, -1).T
        first = np.arange(len(points))
        for turn in turns:
            images = points @ turn.T % divisions
            np.minimum(first, np.ravel_multi_index(tuple(images.T), divisions), out=first)
        kept, row, weights = np.unique(first, return_inverse=True, return_counts=True)
        return cls(
            mesh=divisions,
            q=points[kept] / divisions,
            weights=weights,
            row=row.reshape(divisions),
        )

    @property
    def n_points(self) -> int:
        """Points of the whole mesh."""
        return int(np.prod(self.mesh))

    def unfolded(self) -> IrreducibleMesh:
        """The same mesh with every point for itself."""
        points = np.indices(self.mesh).reshape(3, -1).T / self.mesh
        every = np.arange(self.n_points).reshape(self.mesh)
        return IrreducibleMesh(self.mesh, points, np.ones(len(points), dtype=int), every)

    def rows_of(self, q: FloatArray, source: str = "") -> IntArray:
        """(n,) irreducible point of each q (n, 3) of the mesh, in whatever zone.

        Raises
        ------
        InputError
            A q is not on the mesh.
        """
        index = np.atleast_2d(np.asarray(q, dtype=float)) * self.mesh
        whole = np.rint(index)
        off = np.abs(index - whole).max(axis=1)
        if off.max(initial=0.0) > _ON_MESH * max(self.mesh):
            worst = np.atleast_2d(q)[off.argmax()]
            raise InputError(
                "the linewidths have q-points that are not on the mesh",
                file=source or None,
                key="mesh",
                found=f"q {np.round(worst, 5).tolist()}, {int((off > 1e-3).sum())} such points",
                expected=f"points n / {mesh_text(self.mesh)}, Γ among them",
            )
        return np.asarray(self.row[tuple((whole.astype(int) % self.mesh).T)])

    def images(self, q: FloatArray, group: PointGroup) -> tuple[FloatArray, FloatArray]:
        """Different points that the rotations make of one q (3,), and by which rotation each.

        Returns
        -------
        q : (m, 3) array
        cartesian : (m, 3, 3) array
        """
        turned = _reciprocal(group.rotations) @ np.asarray(q, dtype=float)
        _, first = np.unique(np.round(turned % 1.0, 6) % 1.0, axis=0, return_index=True)
        return turned[first], group.cartesian[first]


def checked_mesh(mesh: Sequence[int]) -> tuple[int, int, int]:
    """Three whole numbers from 1; InputError for anything else."""
    counts = np.asarray(mesh)
    if counts.shape != (3,) or counts.dtype.kind not in "iu" or (counts < 1).any():
        raise InputError(
            "not a mesh of q-points",
            key="mesh",
            found=mesh,
            expected="three whole numbers from 1, such as 9 7 9",
        )
    a, b, c = (int(count) for count in counts)
    return a, b, c


def mesh_text(mesh: Sequence[int]) -> str:
    """9×7×9"""
    return "×".join(str(n) for n in mesh)


def _reciprocal(rotations: IntArray) -> IntArray:
    """q' = W⁻ᵀ q of rotations x' = W x."""
    return np.rint(np.linalg.inv(rotations).swapaxes(1, 2)).astype(int)


def _turns_of_points(group: PointGroup, mesh: tuple[int, int, int]) -> IntArray:
    """(no, 3, 3) how rotations and time reversal turn the points' whole numbers n (columns)."""
    turns = _reciprocal(group.rotations)
    turns = np.unique(np.concatenate([turns, -turns]), axis=0)
    scaled = turns * np.asarray(mesh)[:, None] / np.asarray(mesh)[None, :]
    broken = np.abs(scaled - np.rint(scaled)).max(axis=(1, 2)) > 1e-9
    if broken.any():
        raise InputError(
            "the mesh does not have the symmetry of the crystal",
            key="mesh",
            found=mesh_text(mesh),
            expected=f"divisions that the {len(group.rotations)} rotations of "
            f"{group.symbol or 'the point group'} map onto themselves",
            hint="equal divisions along axes that symmetry relates",
        )
    return np.rint(scaled).astype(int)
