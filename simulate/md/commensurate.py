"""Wave vectors that a simulation cell holds: Q is commensurate where Q·A = 2π × integers.

Under periodic boundaries only these exist (rows A of the simulation cell). With the conventional
cell C (rows) and the matrix M = A C⁻¹ of the simulation cell, hkl of C is n = M hkl in the
reciprocal lattice of A, and hkl = M⁻¹ n.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from ixs_core.arrays import FloatArray, IntArray
from ixs_core.errors import InputError
from ixs_core.lattice import Lattice

Sampling = Literal["nearest", "acceptance", "exact"]
"""What stands for a requested Q: the nearest, all inside its window, or itself or an error."""

_LARGEST_STRAIN = 0.1  # by which a simulated cell may differ from multiples of the given one
_EXACT = 1e-4  # of a step of the simulation cell's reciprocal lattice: rounding of written cells
_NEIGHBOURS = np.array(list(itertools.product((-1, 0, 1), repeat=3)))
_MOST_INSIDE = 100_000


@dataclass(frozen=True)
class CommensurateQ:
    """Commensurate wave vectors and the requested ones that they stand for.

    Parameters
    ----------
    requested_hkl : (nr, 3) array
        As asked for, in r.l.u. of the conventional cell.
    index : (nq, 3) int array
        In the reciprocal lattice of the simulation cell.
    q_hkl : (nq, 3) array
        In r.l.u. of the conventional cell.
    q_cartesian : (nq, 3) array
        Å⁻¹ with 2π, in the frame of the simulation.
    owner : (nq,) int array
        The row of `requested_hkl` that each stands for, ascending.
    distance : (nq,) array
        |ΔQ| in Å⁻¹ from the requested Q.
    notes : tuple of str
        What was chosen where a request could not be met as it stands.
    """

    requested_hkl: FloatArray
    index: IntArray
    q_hkl: FloatArray
    q_cartesian: FloatArray
    owner: IntArray
    distance: FloatArray
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.index)

    @property
    def q_abs(self) -> FloatArray:
        """(nq,) |Q| in Å⁻¹."""
        length: FloatArray = np.linalg.norm(self.q_cartesian, axis=1)
        return length


def conventional_cell(cell: ArrayLike, lattice: Lattice | ArrayLike | None = None) -> FloatArray:
    """The conventional cell (rows a, b, c in Å) in the frame of a simulation.

    Parameters
    ----------
    cell : (3, 3) array
        The simulation cell, rows in Å.
    lattice : Lattice, (3,) ints, (3, 3) array, optional
        The conventional cell, of which the simulation cell is a multiple along each axis: its
        lengths and angles (the multiples are found, and the simulated lattice parameters are
        kept), or the three multiples. Or its three vectors as rows in Å in the frame of the
        simulation, for any other relation. Without it the simulation cell itself.

    Raises
    ------
    InputError
        The simulation cell is no multiple of the lattice, or a shape is wrong.
    """
    box = np.asarray(cell, dtype=float)
    if lattice is None:
        return box
    if isinstance(lattice, Lattice):
        return _divided(box, lattice)
    given = np.asarray(lattice, dtype=float)
    if given.shape == (3,) and np.all(given >= 1) and np.all(given == np.rint(given)):
        return np.asarray(box / given[:, None])
    if given.shape == (3, 3) and abs(np.linalg.det(given)) > 1e-6:
        return given
    raise InputError(
        "the conventional cell is not usable",
        key="lattice",
        found=given.tolist(),
        expected="a Lattice, three multiples of it in the simulation, or its rows in Å",
    )


def commensurate_q(
    cell: ArrayLike,
    q_hkl: ArrayLike,
    lattice: Lattice | ArrayLike | None = None,
    sampling: Sampling = "nearest",
    dq_hkl: ArrayLike | None = None,
) -> CommensurateQ:
    """The commensurate wave vectors for requested ones.

    Parameters
    ----------
    cell : (3, 3) array
        The simulation cell, rows in Å.
    q_hkl : (nr, 3) or (3,) array
        In r.l.u. of the conventional cell.
    lattice : optional
        The conventional cell as for `conventional_cell`.
    sampling : "nearest", "acceptance" or "exact"
        "nearest" takes the nearest commensurate Q and gives |ΔQ|; "acceptance" all those inside
        the window `dq_hkl` (the nearest where there is none, which a note says); "exact" refuses
        a Q that is not commensurate.
    dq_hkl : (nr, 3) or (3,) array, optional
        Full widths of the windows in r.l.u., for "acceptance".

    Raises
    ------
    InputError
        Q is not finite or has no three components, is not commensurate under "exact", a window
        is missing or holds too many; errors of `conventional_cell`.
    """
    box = np.asarray(cell, dtype=float)
    requested = np.atleast_2d(np.asarray(q_hkl, dtype=float))
    if requested.ndim != 2 or requested.shape[1] != 3 or not np.isfinite(requested).all():
        raise InputError(
            "Q is not three finite numbers",
            key="q_hkl",
            found=f"shape {requested.shape}",
            expected="h k l in r.l.u.",
        )
    if sampling not in get_args(Sampling):
        raise InputError(
            "unknown sampling of Q",
            key="sampling",
            found=sampling,
            expected=" or ".join(get_args(Sampling)),
        )
    conventional = conventional_cell(box, lattice)
    multiple = box @ np.linalg.inv(conventional)
    nearest = _nearest(box, requested @ multiple.T)
    notes: tuple[str, ...] = ()
    if sampling == "acceptance":
        windows = _windows(dq_hkl, len(requested))
        index, owner, notes = _inside(multiple, requested, windows, nearest)
    else:
        index, owner = nearest, np.arange(len(requested))
    found_hkl: FloatArray = index.astype(float) @ np.linalg.inv(multiple).T
    to_cartesian = 2 * np.pi * np.linalg.inv(conventional).T
    distance = np.linalg.norm((found_hkl - requested[owner]) @ to_cartesian, axis=1)
    result = CommensurateQ(
        requested, index, found_hkl, found_hkl @ to_cartesian, owner, distance, notes
    )
    if sampling == "exact":
        _require_exact(result, requested @ multiple.T)
    return result


def _divided(box: FloatArray, lattice: Lattice) -> FloatArray:
    lengths = np.linalg.norm(box, axis=1)
    repeats = np.maximum(np.rint(lengths / lattice.cell[:3]), 1)
    cell = box / repeats[:, None]
    edges = np.array(lattice.cell[:3])
    cosines = np.eye(3)
    for (i, j), angle in zip(((1, 2), (0, 2), (0, 1)), lattice.cell[3:], strict=True):
        cosines[i, j] = cosines[j, i] = np.cos(np.radians(angle))
    # Relative to the edges, so that a difference is a strain or the cosine of an angle.
    strain = np.abs(cell @ cell.T / np.outer(edges, edges) - cosines).max()
    if strain > _LARGEST_STRAIN:
        raise InputError(
            "the simulation cell is no multiple of the lattice along its axes",
            key="lattice",
            found=f"edges {np.round(lengths, 4).tolist()} Å against {edges.tolist()} Å",
            expected="edges and angles of the simulation that are multiples of the lattice",
            hint="give the conventional cell as rows a, b, c in the frame of the simulation",
        )
    return np.asarray(cell)


def _nearest(box: FloatArray, wanted: FloatArray) -> IntArray:
    """The integers nearest to `wanted` by the distance in Å⁻¹, not by component."""
    rounded = np.rint(wanted)
    candidates = rounded[:, None, :] + _NEIGHBOURS
    offset = (candidates - wanted[:, None, :]) @ np.linalg.inv(box).T
    # At equal distances the plain rounding, so that the choice does not hang on the last digit.
    away = np.linalg.norm(offset, axis=2) + 1e-9 * np.abs(_NEIGHBOURS).sum(axis=1)
    best = np.argmin(away, axis=1)
    return np.asarray(candidates[np.arange(len(wanted)), best], dtype=np.int64)


def _windows(dq_hkl: ArrayLike | None, count: int) -> FloatArray:
    if dq_hkl is None:
        raise InputError(
            "the acceptance is not known",
            key="dq_hkl",
            expected="full widths in r.l.u.",
            hint='give dq_hkl, or choose sampling="nearest"',
        )
    widths = np.asarray(dq_hkl, dtype=float)
    if widths.shape not in ((3,), (count, 3)) or not np.all(widths >= 0):
        raise InputError(
            "the acceptance is not usable",
            key="dq_hkl",
            found=widths.tolist(),
            expected=f"three full widths ≥ 0, or {count} times three",
        )
    return np.broadcast_to(widths, (count, 3))


def _inside(
    multiple: FloatArray, requested: FloatArray, windows: FloatArray, nearest: IntArray
) -> tuple[IntArray, IntArray, tuple[str, ...]]:
    inverse = np.linalg.inv(multiple)
    found, owners, empty = [], [], 0
    for row, (centre, width) in enumerate(zip(requested, windows, strict=True)):
        reach = np.abs(multiple) @ (width / 2) + 1e-9
        middle = multiple @ centre
        low, high = np.ceil(middle - reach), np.floor(middle + reach)
        if np.prod(np.maximum(high - low + 1, 0)) > _MOST_INSIDE:
            raise InputError(
                "the acceptance holds too many wave vectors",
                key="dq_hkl",
                found=width.tolist(),
                expected=f"at most {_MOST_INSIDE} around each Q",
            )
        axes = [np.arange(a, b + 1) for a, b in zip(low, high, strict=True)]
        points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
        inside = (np.abs(points @ inverse.T - centre) <= width / 2 + 1e-9).all(axis=1)
        chosen = points[inside].astype(np.int64)
        if not len(chosen):
            chosen, empty = nearest[row : row + 1], empty + 1
        found.append(chosen)
        owners.append(np.full(len(chosen), row))
    note = f"{empty} of {len(requested)} windows hold no commensurate Q: the nearest is used"
    return np.concatenate(found), np.concatenate(owners), (note,) if empty else ()


def _require_exact(found: CommensurateQ, wanted: FloatArray) -> None:
    off = np.abs(found.index - wanted).max(axis=1) > _EXACT
    if off.any():
        row = int(np.argmax(off))
        raise InputError(
            f"{int(off.sum())} of {len(found)} Q are not commensurate with the simulation cell",
            key="q_hkl",
            found=f"{found.requested_hkl[row].tolist()}, {found.distance[row]:.4f} Å⁻¹ off",
            expected=f"for example {np.round(found.q_hkl[row], 5).tolist()}",
            hint='choose sampling="nearest" or "acceptance", or simulate a larger cell',
        )
