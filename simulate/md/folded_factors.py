"""Structure factors of each element's positions, all cells of a simulation folded into one.

F_s(h) = ⟨Σ_{j of element s} exp(2πi h·x_j)⟩ / cells, the mean over frames, for blocks of time of
their own, so that errors can be taken from how these differ. x are fractional coordinates of the
conventional cell; those of a varying cell count, so that an even strain moves nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from ixs_core.arrays import ComplexArray, FloatArray, IntArray
from ixs_core.errors import InputError
from ixs_core.jobs import CancelToken, Progress, parallel_each
from simulate.md.atom_series import (
    chosen_atoms,
    drift_of,
    elements_of,
    first_positions,
    masses_of,
)
from simulate.md.cell_harmonics import Harmonics, phase_sums
from simulate.md.trajectory import FrameBlock, FrameSource, Trajectory

_PIECE_BYTES = 64e6  # of positions read at once; a few pieces are held per worker
_WHOLE = 0.01  # by which the entries of the simulation cell in conventional ones may miss integers


@dataclass(frozen=True)
class FoldedFactors:
    """Structure factors of the positions of each element, per conventional cell.

    Parameters
    ----------
    f : (nb, ns, n) complex array
        Of each block of time, element and h.
    elements : tuple of str
    per_cell : (ns,) array
        Atoms of each element in a conventional cell.
    harmonics : Harmonics
    frames : (nb,) int array
        Of each block.
    temperature_k : float or None
        As the trajectory states it.
    name : str
        Of the trajectory's file.
    notes : tuple of str
    """

    f: ComplexArray
    elements: tuple[str, ...]
    per_cell: FloatArray
    harmonics: Harmonics
    frames: IntArray
    temperature_k: float | None = None
    name: str = ""
    notes: tuple[str, ...] = ()

    @property
    def blocks(self) -> int:
        """Number of blocks of time."""
        return len(self.f)

    @property
    def weights(self) -> FloatArray:
        """(nb,) share of each block in the frames."""
        return np.asarray(self.frames / self.frames.sum())

    @property
    def mean(self) -> ComplexArray:
        """(ns, n) over all frames."""
        return np.asarray(np.einsum("b,bsn->sn", self.weights, self.f))


def folded_factors(
    trajectory: Trajectory,
    conventional: FloatArray,
    harmonics: Harmonics,
    *,
    framework: Sequence[str] | None = None,
    blocks: int = 8,
    start: int = 0,
    stop: int | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> FoldedFactors:
    """Structure factors of the positions of each element, folded into the conventional cell.

    Frames are read in pieces, so that memory does not grow with their number.

    Parameters
    ----------
    trajectory : Trajectory
    conventional : (3, 3) array
        Rows a, b, c in Å in the frame of the simulation.
    harmonics : Harmonics
        Of that cell.
    framework : sequence of str, optional
        Elements whose centre of mass is held: at the file's reference, or else where it is in the
        first frame. All by default.
    blocks : int
        Of time; fewer where there are fewer frames.
    start, stop : int
        Frames used, start … stop - 1.
    workers, scheduler, progress, cancel
        See `parallel_map`. With a scheduler, workers read the frames themselves.

    Raises
    ------
    InputError
        The simulation cell does not hold whole conventional cells, there are no frames, a
        position is not a number.
    Cancelled
    """
    cells_in_box = whole_cells(trajectory, conventional)
    first, last = frame_range(trajectory, start, stop)
    if blocks < 1:
        raise InputError("no blocks of time", key="blocks", found=blocks, expected="1 or more")
    elements = elements_of(trajectory)
    held = tuple(framework or elements)
    plan = _Plan(
        members=tuple(trajectory.atoms_of(element) for element in elements),
        drift=drift_of(trajectory, held, cancel=cancel) + _from_reference(trajectory, held),
        to_box=np.linalg.inv(trajectory.cell),
        cells_in_box=cells_in_box,
        harmonics=harmonics,
        name=trajectory.name,
    )
    pieces = _pieces(first, last, min(blocks, last - first), trajectory.n_atoms)
    sums = _Sums(pieces, len(elements), len(harmonics))
    shared: dict[str, Any] = {"progress": progress, "cancel": cancel}
    if scheduler is None:
        read = _Read(trajectory.source, pieces)
        parallel_each(partial(_of_block, plan), read, sums.take, workers=workers, **shared)
    else:
        work = partial(_of_source, plan, trajectory.source)
        parallel_each(work, pieces, sums.take, scheduler=scheduler, **shared)
    cells = abs(round(float(np.linalg.det(cells_in_box))))
    return FoldedFactors(
        f=sums.f / (sums.frames[:, None, None] * cells),
        elements=elements,
        per_cell=np.array([len(atoms) for atoms in plan.members]) / cells,
        harmonics=harmonics,
        frames=sums.frames,
        temperature_k=trajectory.temperature_k,
        name=trajectory.name,
        notes=trajectory.notes,
    )


def whole_cells(trajectory: Trajectory, conventional: FloatArray) -> IntArray:
    """(3, 3) rows of the simulation cell in conventional vectors.

    Raises
    ------
    InputError
        They are not whole numbers, so that folding would mix different places.
    """
    rows = trajectory.cell @ np.linalg.inv(conventional)
    whole = np.rint(rows)
    if np.abs(rows - whole).max() > _WHOLE or abs(np.linalg.det(whole)) < 0.5:
        raise InputError(
            "the simulation cell does not hold whole conventional cells",
            file=trajectory.name or None,
            key="lattice",
            found=f"its vectors are {np.round(rows, 3).tolist()} of the conventional ones",
            expected="whole numbers",
        )
    return np.asarray(whole, dtype=np.int64)


def frame_range(trajectory: Trajectory, start: int, stop: int | None) -> tuple[int, int]:
    """First frame, and the one after the last; InputError where none is left."""
    last = trajectory.n_frames if stop is None else min(stop, trajectory.n_frames)
    if not 0 <= start < last:
        raise InputError(
            "no frames are left",
            file=trajectory.name or None,
            found=f"frames {start} to {last - 1} of {trajectory.n_frames}",
            expected="start before stop",
        )
    return start, last


class _Piece(NamedTuple):
    """Frames first … last - 1, of a block of time."""

    first: int
    last: int
    block: int


@dataclass(frozen=True)
class _Plan:
    """What a piece needs to become structure factors; small, to be sent to workers.

    members : atoms of each element; drift : (f, 3) Å, of every frame of the trajectory; to_box :
    (3, 3) inverse of the mean simulation cell; cells_in_box : its rows in conventional vectors.
    """

    members: tuple[IntArray, ...]
    drift: FloatArray
    to_box: FloatArray
    cells_in_box: IntArray
    harmonics: Harmonics
    name: str


class _Read:
    """Pieces read in the thread that hands them out: sources need not be shared."""

    def __init__(self, source: FrameSource, pieces: Sequence[_Piece]) -> None:
        self._source = source
        self._pieces = pieces

    def __len__(self) -> int:
        return len(self._pieces)

    def __iter__(self) -> Iterator[FrameBlock]:
        return (self._source.read(piece.first, piece.last) for piece in self._pieces)


class _Sums:
    """Sums over the pieces of each block, in their order whatever order they come in."""

    def __init__(self, pieces: Sequence[_Piece], elements: int, size: int) -> None:
        self.f = np.zeros((pieces[-1].block + 1, elements, size), dtype=complex)
        self.frames = np.zeros(len(self.f), dtype=int)
        self._pieces = pieces
        self._early: dict[int, ComplexArray] = {}
        self._next = 0

    def take(self, index: int, found: ComplexArray) -> None:
        """A piece's (ns, n) sums."""
        self._early[index] = found
        while self._next in self._early:
            piece = self._pieces[self._next]
            self.f[piece.block] += self._early.pop(self._next)
            self.frames[piece.block] += piece.last - piece.first
            self._next += 1


def _of_source(plan: _Plan, source: FrameSource, piece: _Piece) -> ComplexArray:
    return _of_block(plan, source.read(piece.first, piece.last))


def _of_block(plan: _Plan, block: FrameBlock) -> ComplexArray:
    """(ns, n) sums of a piece over its frames."""
    _check_finite(block, plan.name)
    away = plan.drift[block.start : block.start + len(block)] @ plan.to_box
    fractions = block.positions @ np.linalg.inv(block.cells) - away[:, None]
    folded = fractions @ plan.cells_in_box
    return np.array(
        [phase_sums(folded[:, atoms].reshape(-1, 3), plan.harmonics) for atoms in plan.members]
    )


def _check_finite(block: FrameBlock, name: str) -> None:
    bad = np.argwhere(~np.isfinite(block.positions).all(axis=2))
    if len(bad):
        frame, atom = bad[0].tolist()
        raise InputError(
            "a position is not a number",
            file=name or None,
            key=f"frame {block.start + frame}, atom {atom}",
            found=block.positions[frame, atom].tolist(),
            hint="cut the trajectory before this frame, or mend the file",
        )


def _pieces(first: int, last: int, blocks: int, n_atoms: int) -> list[_Piece]:
    edges = np.linspace(first, last, blocks + 1).astype(int).tolist()
    step = int(max(_PIECE_BYTES / (24 * n_atoms), 1))
    return [
        _Piece(at, min(at + step, edges[block + 1]), block)
        for block in range(blocks)
        for at in range(edges[block], edges[block + 1], step)
    ]


def _from_reference(trajectory: Trajectory, framework: Sequence[str]) -> FloatArray:
    """(3,) Å: the framework's centre of mass in the first frame, from that of its sites."""
    if trajectory.reference is None:
        return np.zeros(3)
    atoms = chosen_atoms(trajectory, framework)
    apart = first_positions(trajectory, atoms) - trajectory.reference[atoms]
    # The file may give an atom in another cell than its site.
    fractions = apart @ np.linalg.inv(trajectory.cell)
    near = (fractions - np.round(fractions)) @ trajectory.cell
    return np.asarray(np.average(near, axis=0, weights=masses_of(trajectory)[atoms]))
