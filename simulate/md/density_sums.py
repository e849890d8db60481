"""Density modes ρ_s(Q,t) = Σ_{j of species s} exp(iQ·r_j(t)): all that scattering needs to know.

Kept by species, so that weights, windows and resolutions can change without the trajectory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ixs_core.arrays import ComplexArray, IntArray
from ixs_core.errors import InputError
from ixs_core.jobs import CancelToken, Progress, parallel_each
from ixs_core.lattice import Lattice
from simulate.md.commensurate import CommensurateQ, Sampling, commensurate_q
from simulate.md.trajectory import FrameBlock, FrameSource, Trajectory

_BLOCK_BYTES = 16e6  # of positions read at once; a few blocks are held per worker
_MOST_FRAMES = 1024

# Nanoseconds per atom (AVX2): a phase from scratch, one by a product, a term of a sum of products.
_PHASE_NS, _PRODUCT_NS, _TERM_NS = 0.25, 0.12, 0.07


@dataclass(frozen=True)
class DensityModes:
    """Density modes of a trajectory.

    Parameters
    ----------
    rho : (ns, nq, nt) complex array
        ρ of every species, wave vector and frame.
    species : tuple of str
    counts : (ns,) int array
        Atoms of each species.
    q : CommensurateQ
        The wave vectors, and what they stand for.
    dt_fs : float
        Time from frame to frame.
    weights : str
        What `dynamic_structure_factor` weights the species with unless told otherwise.
    temperature_k : float or None
        Where the trajectory states it.
    first_frame : int
        Number of the first frame in the trajectory.
    name, sha256 : str
        Of the trajectory's file.
    notes : tuple of str
    """

    rho: ComplexArray
    species: tuple[str, ...]
    counts: IntArray
    q: CommensurateQ
    dt_fs: float
    weights: str = "xray"
    temperature_k: float | None = None
    first_frame: int = 0
    name: str = ""
    sha256: str = ""
    notes: tuple[str, ...] = ()

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return int(self.rho.shape[2])

    @property
    def n_atoms(self) -> int:
        """Number of atoms of all species."""
        return int(self.counts.sum())


@dataclass(frozen=True)
class ModePlan:
    """What a block of frames needs to become density modes; small, to be sent to workers.

    index : (nq, 3) wave vectors in the reciprocal lattice of the simulation cell; order : (n,)
    atoms, those of a species side by side; starts : (ns + 1,) first of each species, and n.
    """

    index: IntArray
    order: IntArray
    starts: IntArray


def density_modes(
    trajectory: Trajectory,
    q_hkl: ArrayLike,
    weights: str = "xray",
    *,
    lattice: Lattice | ArrayLike | None = None,
    sampling: Sampling = "nearest",
    dq_hkl: ArrayLike | None = None,
    start: int = 0,
    stop: int | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> DensityModes:
    """Density modes of a trajectory at the commensurate wave vectors for the requested ones.

    Frames are read in blocks, so that memory does not grow with their number; with a cell that
    varies, Q follows it (its integers in the reciprocal lattice of the cell stay).

    Parameters
    ----------
    trajectory : Trajectory
    q_hkl : (nr, 3) array
        In r.l.u. of the conventional cell.
    weights : "xray" or "neutron"
        Kept with the result as the default of `dynamic_structure_factor`.
    lattice : optional
        The conventional cell, see `conventional_cell`; without it that of the simulation.
    sampling : "nearest", "acceptance" or "exact"
        See `commensurate_q`; `dq_hkl` gives the windows of "acceptance".
    start, stop : int
        Frames used, start … stop - 1.
    workers, scheduler, progress, cancel
        See `parallel_map`. With a scheduler, workers read the frames themselves.

    Returns
    -------
    DensityModes
        complex64; phases are good to 10⁻⁶.

    Raises
    ------
    InputError
        A position is not a number, there are no frames; errors of `commensurate_q`.
    Cancelled
    """
    end = trajectory.n_frames if stop is None else min(stop, trajectory.n_frames)
    if not 0 <= start < end:
        raise InputError(
            "no frames are left",
            file=trajectory.name or None,
            found=f"frames {start} to {end - 1} of {trajectory.n_frames}",
            expected="start before stop",
        )
    q = commensurate_q(trajectory.cell, q_hkl, lattice, sampling, dq_hkl)
    species, counts, plan = _plan(trajectory, q)
    rho = np.empty((len(species), len(q), end - start), dtype=np.complex64)

    def keep(_: int, found: tuple[int, ComplexArray]) -> None:
        first, values = found
        rho[:, :, first - start : first - start + values.shape[2]] = values

    ranges = _ranges(start, end, trajectory.n_atoms)
    if scheduler is None:
        parallel_each(
            partial(_from_block, plan, trajectory.name),
            _Blocks(trajectory.source, ranges),
            keep,
            workers=workers,
            progress=progress,
            cancel=cancel,
        )
    else:
        parallel_each(
            partial(_from_source, plan, trajectory.name, trajectory.source),
            ranges,
            keep,
            scheduler=scheduler,
            progress=progress,
            cancel=cancel,
        )
    return DensityModes(
        rho=rho,
        species=species,
        counts=counts,
        q=q,
        dt_fs=trajectory.dt_fs,
        weights=weights,
        temperature_k=trajectory.temperature_k,
        first_frame=start,
        name=trajectory.name,
        sha256=trajectory.sha256,
        notes=(*trajectory.notes, *q.notes, *_cell_note(trajectory)),
    )


def modes_of_block(block: FrameBlock, plan: ModePlan, name: str = "") -> ComplexArray:
    """Density modes (ns, nq, f) of a block of f frames, complex64.

    Blocks are independent: those of consecutive frames put together along the last axis are the
    modes of all of them.

    Raises
    ------
    InputError
        A position is not a number.
    """
    from simulate.md.density_kernel import direct_sums, fractions, separable_sums

    fraction = np.empty((3, len(plan.order)), dtype=np.int32)
    rho = np.empty((len(plan.starts) - 1, len(plan.index), len(block)), dtype=np.complex64)
    frame = np.empty(rho.shape[:2], dtype=np.complex128)
    inverse = np.ascontiguousarray(np.linalg.inv(block.cells))
    tables = _tables(plan.index)
    for number, positions in enumerate(block.positions):
        bad = fractions(positions, inverse[number], plan.order, fraction)
        if bad >= 0:
            raise InputError(
                "a position is not a number",
                file=name or None,
                key=f"frame {block.start + number}, atom {bad}",
                found=positions[bad].tolist(),
                hint="cut the trajectory before this frame, or mend the file",
            )
        if tables is None:
            direct_sums(fraction, plan.starts, plan.index, frame)
        else:
            separable_sums(fraction, plan.starts, *tables.values, tables.rows, tables.axes, frame)
        rho[:, :, number] = frame
    return rho


def join_modes(parts: Sequence[DensityModes]) -> DensityModes:
    """Density modes of consecutive stretches of one trajectory as one.

    Raises
    ------
    InputError
        They do not follow each other, or differ in wave vectors, species or time step.
    """
    first = parts[0]
    expected = first.first_frame
    for part in parts:
        same = (
            part.species == first.species
            and part.dt_fs == first.dt_fs
            and np.array_equal(part.q.index, first.q.index)
            and np.array_equal(part.counts, first.counts)
        )
        if not same or part.first_frame != expected:
            raise InputError(
                "these density modes do not follow each other",
                found=f"frame {part.first_frame}" if same else "other Q, atoms or time step",
                expected=f"frame {expected} of the same trajectory",
            )
        expected += part.n_frames
    return replace(first, rho=np.concatenate([part.rho for part in parts], axis=2))


class _Tables(NamedTuple):
    """Wave vectors as products along axes, as `separable_sums` takes them."""

    values: tuple[IntArray, IntArray, IntArray]
    rows: IntArray
    axes: IntArray


class _Blocks:
    """Blocks of frames, read in the thread that hands them out: sources need not be shared."""

    def __init__(self, source: FrameSource, ranges: Sequence[tuple[int, int]]) -> None:
        self._source = source
        self._ranges = ranges

    def __len__(self) -> int:
        return len(self._ranges)

    def __iter__(self) -> Iterator[FrameBlock]:
        return (self._source.read(first, last) for first, last in self._ranges)


def _from_block(plan: ModePlan, name: str, block: FrameBlock) -> tuple[int, ComplexArray]:
    return block.start, modes_of_block(block, plan, name)


def _from_source(
    plan: ModePlan, name: str, source: FrameSource, frames: tuple[int, int]
) -> tuple[int, ComplexArray]:
    return _from_block(plan, name, source.read(*frames))


def _plan(trajectory: Trajectory, q: CommensurateQ) -> tuple[tuple[str, ...], IntArray, ModePlan]:
    species = tuple(dict.fromkeys(trajectory.species))
    members = [trajectory.atoms_of(element) for element in species]
    counts = np.array([len(atoms) for atoms in members])
    starts = np.concatenate([[0], np.cumsum(counts)])
    return species, counts, ModePlan(q.index, np.concatenate(members), starts)


def _ranges(start: int, end: int, n_atoms: int) -> list[tuple[int, int]]:
    frames = int(np.clip(_BLOCK_BYTES / (24 * n_atoms), 1, _MOST_FRAMES))
    return [(first, min(first + frames, end)) for first in range(start, end, frames)]


def _tables(index: IntArray) -> _Tables | None:
    """The cheapest split of the wave vectors into tables, or None where there is nothing shared."""
    best: _Tables | None = None
    lowest = _PHASE_NS * len(index)
    for axes in ((0, 1, 2), (0, 2, 1), (1, 2, 0)):
        found = [np.unique(index[:, axis], return_inverse=True) for axis in axes]
        rows = np.stack([row for _, row in found] + [np.arange(len(index))], axis=1)
        rows = rows[np.lexsort(rows[:, 2::-1].T)]
        pairs = len(np.unique(rows[:, :2], axis=0))
        going_on = sum(int((np.diff(values) == 1).sum()) for values, _ in found)
        afresh = sum(len(values) for values, _ in found) - going_on
        cost = _PHASE_NS * (afresh + going_on / 8 + 1)
        cost += _PRODUCT_NS * (pairs + going_on) + _TERM_NS * len(index)
        if cost < lowest:
            first, second, third = (values for values, _ in found)
            best, lowest = _Tables((first, second, third), rows, np.array(axes)), cost
    return best


def _cell_note(trajectory: Trajectory) -> tuple[str, ...]:
    if not trajectory.varying_cell:
        return ()
    return ("the cell varies: Q keeps its integers in the cell of each frame; |Q| is of the mean",)
