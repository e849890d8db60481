"""Mean square displacement of every element along three directions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np

from ixs_core.arrays import FloatArray, IntArray
from ixs_core.errors import InputError
from ixs_core.jobs import CancelToken, Progress, parallel_map
from simulate.md.atom_series import (
    Weight,
    atom_blocks,
    chosen_atoms,
    components_along,
    directions_matrix,
    displacement_series,
    drift_of,
    element_numbers,
    elements_of,
    require_frames,
)
from simulate.md.correlation import squared_displacement_sum
from simulate.md.trajectory import Trajectory


@dataclass(frozen=True)
class MeanSquareDisplacement:
    """Mean square displacements, of the whole run and of each of its time blocks.

    Parameters
    ----------
    time_ps : (t,) array
        From 0.
    elements : tuple of str
    msd_A2 : (s, 3, t) array
        ⟨Δr_α²⟩ of each element along each direction.
    block_msd_A2 : (b, s, 3, u) array
        The same within each of b equal blocks of the run, at the first u times.
    directions : (3, 3) array
        Unit vectors in rows.
    counts : (s,) array
        Atoms of each element.
    volume_A3 : float
        Of the simulated cell.
    single_origin : bool
        Displacements from the first frame (of the run, of a block) only.
    collective : bool
        Of the sum of all ions of an element, divided by their number.
    """

    time_ps: FloatArray
    elements: tuple[str, ...]
    msd_A2: FloatArray
    block_msd_A2: FloatArray
    directions: FloatArray
    counts: IntArray
    volume_A3: float
    single_origin: bool = False
    collective: bool = False

    @property
    def total_A2(self) -> FloatArray:
        """⟨|Δr|²⟩ of each element, (s, t)."""
        return self.msd_A2.sum(axis=1)

    def index(self, element: str) -> int:
        """Place of an element in the arrays.

        Raises
        ------
        InputError
            It is not among them.
        """
        if element not in self.elements:
            raise InputError(
                "no displacement of this element was computed",
                key="element",
                found=element,
                expected=f"one of {', '.join(self.elements)}",
            )
        return self.elements.index(element)


class _Spans(NamedTuple):
    """How time is divided: lags of the whole run, frames and lags of a block."""

    lags: int
    blocks: int
    block_frames: int
    single_origin: bool


class _Sums(NamedTuple):
    """Squared displacements summed over atoms: of the run, (…, 3, t), and of its time blocks.

    The blocks are the first axis: (b, …, 3, u); in between stand the elements, if any.
    """

    whole: FloatArray
    blocks: FloatArray


def mean_square_displacement(
    trajectory: Trajectory,
    elements: Sequence[str] | None = None,
    *,
    framework: Sequence[str] | None = None,
    framework_weight: Weight = "mass",
    directions: FloatArray | None = None,
    max_lag_ps: float | None = None,
    blocks: int = 8,
    single_origin: bool = False,
    collective: bool = False,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> MeanSquareDisplacement:
    """Mean square displacement per element and direction, atoms in blocks so that memory is flat.

    Parameters
    ----------
    trajectory : Trajectory
        In a varying cell, fractional displacements times the mean cell count.
    elements : sequence of str, optional
        All by default.
    framework : sequence of str, optional
        Elements whose centre is held still; see `drift_of` for the default.
    framework_weight : {"mass", "equal"}
        Centre of mass of the framework, or of its positions.
    directions : (3, 3) array, optional
        Orthonormal rows; the Cartesian axes by default.
    max_lag_ps : float, optional
        Longest time; by default half of the run, of which single origins use all.
    blocks : int
        Equal spans of time from which errors are estimated.
    single_origin : bool
        Displacements from the first frame instead of the mean over all origins.
    collective : bool
        ⟨|Σ_i Δr_i|²⟩/N instead of ⟨|Δr_i|²⟩: for the conductivity and the Haven ratio. The
        framework must then be named, since the centre of all atoms moves with the ions.

    Raises
    ------
    InputError
        An element that does not occur, too few frames for the blocks.
    Cancelled
    """
    require_frames(trajectory, 4 * max(blocks, 1), f"{blocks} blocks of time")
    names = tuple(elements or elements_of(trajectory))
    _require_sensible(blocks, collective, framework)
    axes = directions_matrix(directions)
    spans = _spans(trajectory, max_lag_ps, blocks, single_origin)
    drift = drift_of(trajectory, framework, framework_weight, cancel)
    atoms = chosen_atoms(trajectory, names)
    kinds = element_numbers(trajectory, names)
    found = parallel_map(
        partial(_collective_sums if collective else _sums, trajectory, kinds, drift, axes, spans),
        [atoms] if collective else atom_blocks(trajectory, atoms),
        workers=workers,
        scheduler=scheduler,
        progress=progress,
        cancel=cancel,
    )
    counts = np.bincount(kinds[atoms], minlength=len(names))
    return MeanSquareDisplacement(
        time_ps=np.arange(spans.lags) * trajectory.dt_fs / 1000.0,
        elements=names,
        msd_A2=sum(part.whole for part in found) / counts[:, None, None],
        block_msd_A2=sum(part.blocks for part in found) / counts[:, None, None],
        directions=axes,
        counts=counts,
        volume_A3=float(abs(np.linalg.det(trajectory.cell))),
        single_origin=single_origin,
        collective=collective,
    )


def _require_sensible(blocks: int, collective: bool, framework: Sequence[str] | None) -> None:
    if blocks < 1:
        raise InputError(
            "no blocks of time", key="blocks", found=blocks, expected="1 or more, better 8"
        )
    if collective and not framework:
        raise InputError(
            "the collective displacement needs a framework to be measured against",
            key="framework",
            expected="the elements that stay at their sites",
        )


def _spans(
    trajectory: Trajectory, max_lag_ps: float | None, blocks: int, single_origin: bool
) -> _Spans:
    frames = trajectory.n_frames
    lags = frames if single_origin else frames // 2 + 1
    if max_lag_ps is not None:
        lags = min(int(max_lag_ps * 1000.0 / trajectory.dt_fs + 1.5), frames)
    return _Spans(lags, blocks, frames // blocks, single_origin)


def _sums(
    trajectory: Trajectory,
    kinds: IntArray,
    drift: FloatArray,
    axes: FloatArray,
    spans: _Spans,
    atoms: IntArray,
) -> _Sums:
    series = components_along(axes, displacement_series(trajectory, atoms, drift))
    return _together([series[kinds[atoms] == kind] for kind in range(kinds.max() + 1)], spans)


def _collective_sums(
    trajectory: Trajectory,
    kinds: IntArray,
    drift: FloatArray,
    axes: FloatArray,
    spans: _Spans,
    atoms: IntArray,
) -> _Sums:
    total = np.zeros((kinds.max() + 1, 3, trajectory.n_frames))
    for block in atom_blocks(trajectory, atoms):
        np.add.at(
            total,
            kinds[block],
            components_along(axes, displacement_series(trajectory, block, drift)),
        )
    return _together([series[None] for series in total], spans)


def _together(series: list[FloatArray], spans: _Spans) -> _Sums:
    """Sums of every element, from its series (n, 3, t)."""
    parts = [_square(one, spans) for one in series]
    return _Sums(
        np.array([part.whole for part in parts]),
        np.stack([part.blocks for part in parts], axis=1),
    )


def _square(series: FloatArray, spans: _Spans) -> _Sums:
    length = spans.block_frames
    blocks = [series[:, :, k * length : (k + 1) * length] for k in range(spans.blocks)]
    return _Sums(
        _squared(series, spans.lags, spans.single_origin),
        np.array([_squared(block, length, spans.single_origin) for block in blocks]),
    )


def _squared(series: FloatArray, lags: int, single_origin: bool) -> FloatArray:
    """(3, lags) squared displacements of (n, 3, t) series, summed over the atoms."""
    if single_origin:
        moved = series[:, :, :lags] - series[:, :, :1]
        return np.asarray(np.einsum("nit,nit->it", moved, moved))
    return np.array([squared_displacement_sum(series[:, axis], lags) for axis in range(3)])
