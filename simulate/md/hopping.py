"""Hops of mobile ions between the sites of a crystal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from ixs_core.arrays import BoolArray, FloatArray, IntArray
from ixs_core.errors import InputError
from ixs_core.jobs import CancelToken, Progress, parallel_map
from simulate.md.atom_series import (
    atom_blocks,
    chosen_atoms,
    displacement_series,
    drift_of,
    elements_of,
    first_positions,
    masses_of,
    mobile_element,
    require_frames,
)
from simulate.md.sites import SiteFinder
from simulate.md.trajectory import Trajectory

_CORE_SHARE = 0.3  # default core radius over the shortest distance between sites
_EARLY_PS = 2.0  # in which ions are taken to be still at their first sites
_CELLS = 2048  # cells told apart in each direction when site and cell become one number


@dataclass(frozen=True)
class Residences:
    """Stays of atoms at sites: arrays of one length.

    Parameters
    ----------
    atom, site : arrays of int
    start, stop : arrays of int
        Frames: from the arrival (or the first time seen in the core) to the arrival at the
        next site (or the last frame).
    entered, left : arrays of bool
        Whether the beginning and the end were seen; else the stay is censored there.
    """

    atom: IntArray
    site: IntArray
    start: IntArray
    stop: IntArray
    entered: BoolArray
    left: BoolArray


@dataclass(frozen=True)
class Hops:
    """Completed hops, and the stays between them.

    Parameters
    ----------
    element : str
    atom, from_site, to_site : (h,) arrays of int
    frame_left, frame_arrived : (h,) arrays of int
        Last frame in the old core and first in the new one.
    vector_A : (h, 3) array
        From ideal site to ideal site, across cell faces.
    residences : Residences
    recrossings : int
        Times that an atom came nearer to another site and returned without reaching its core.
    sites : (m, 3) array
        Å.
    core_radius_A : float
    dt_fs : float
    atoms : int
        Ions followed.
    unassigned_frames : int
        Frames, summed over the ions, before an ion was first seen in a core.
    site_origin : str
        Where the sites come from.
    """

    element: str
    atom: IntArray
    from_site: IntArray
    to_site: IntArray
    frame_left: IntArray
    frame_arrived: IntArray
    vector_A: FloatArray
    residences: Residences
    recrossings: int
    sites: FloatArray
    core_radius_A: float
    dt_fs: float
    atoms: int
    unassigned_frames: int
    site_origin: str

    def __len__(self) -> int:
        return len(self.atom)

    @property
    def time_ps(self) -> float:
        """Time at known sites, summed over the ions."""
        frames = int((self.residences.stop - self.residences.start).sum())
        return frames * self.dt_fs / 1000.0


class _Found(NamedTuple):
    """What a block of atoms gives: rows of integers."""

    hops: IntArray  # atom, from site, to site, frame left, frame arrived, from cell, to cell
    stays: IntArray  # atom, site, start, stop, entered, left
    recrossings: int
    unassigned: int


def hops(
    trajectory: Trajectory,
    sites: ArrayLike | None = None,
    element: str | None = None,
    *,
    core_radius_A: float | None = None,
    framework: Sequence[str] | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> Hops:
    """Hops of the ions of an element between ideal sites.

    Parameters
    ----------
    trajectory : Trajectory
        In a varying cell, fractional displacements times the mean cell count.
    sites : (m, 3) array, optional
        Cartesian in Å; by default where the file's reference has the ions of the element, and
        without a reference their mean positions in the first 2 ps (a quarter of the run at most).
    element : str, optional
        By default the only one, or the one of Li, Na, Cu, Ag that occurs.
    core_radius_A : float, optional
        An ion arrives at a site when it comes this near, and stays there until it arrives at
        another one: so that rattling across the middle counts as no hop. By default 0.3 of the
        shortest distance between sites; less than half of it.
    framework : sequence of str, optional
        Elements whose centre of mass is held at the reference, or else at the first frame; all
        other elements by default, and nothing is held where there are none.

    Raises
    ------
    InputError
        No such ions, or cores that overlap.
    Cancelled
    """
    require_frames(trajectory, 2, "hops")
    element = mobile_element(trajectory, element)
    atoms = chosen_atoms(trajectory, [element])
    others = [name for name in elements_of(trajectory) if name != element]
    held = framework or others
    drift = drift_of(trajectory, held or None, cancel=cancel) + _offset(trajectory, held)
    places, origin = _ideal_sites(trajectory, sites, atoms, drift)
    finder = SiteFinder.of(places, trajectory.cell)
    core = _core_radius(finder, core_radius_A)
    found = parallel_map(
        partial(_follow, trajectory, finder, core, drift),
        atom_blocks(trajectory, atoms),
        workers=workers,
        scheduler=scheduler,
        progress=progress,
        cancel=cancel,
    )
    moves = np.concatenate([part.hops for part in found])
    stays = np.concatenate([part.stays for part in found])
    source = finder.position(moves[:, 1], moves[:, 5:8])
    return Hops(
        element=element,
        atom=moves[:, 0],
        from_site=moves[:, 1],
        to_site=moves[:, 2],
        frame_left=moves[:, 3],
        frame_arrived=moves[:, 4],
        vector_A=finder.position(moves[:, 2], moves[:, 8:11]) - source,
        residences=Residences(*stays[:, :4].T, *(stays[:, 4:].T > 0)),
        recrossings=sum(part.recrossings for part in found),
        sites=finder.sites,
        core_radius_A=core,
        dt_fs=trajectory.dt_fs,
        atoms=len(atoms),
        unassigned_frames=sum(part.unassigned for part in found),
        site_origin=origin,
    )


def jump_matrix(found: Hops, kinds: ArrayLike | None = None) -> Any:
    """Number of hops from site (row) to site (column): a sparse (m, m) array.

    Parameters
    ----------
    found : Hops
    kinds : (m,) array of int, optional
        Kind of each site (0, 1, …), to count by kinds instead of by sites.
    """
    which = np.arange(len(found.sites)) if kinds is None else np.asarray(kinds)
    size = int(which.max()) + 1
    pairs = (which[found.from_site], which[found.to_site])
    return sparse.coo_array((np.ones(len(found), dtype=int), pairs), (size, size)).tocsr()


def by_direction(
    found: Hops, directions: Mapping[str, ArrayLike], within_deg: float = 20.0
) -> dict[str, int]:
    """Number of hops along named directions, forth and back; the rest as "other".

    Parameters
    ----------
    directions : mapping of str to (3,) array
        Cartesian, of any length, as {"x": (1, 0, 0), "z": (0, 0, 1), "MID": (1, 0, 1)}.
    within_deg : float
        Largest angle from the direction; of several, the nearest counts.
    """
    names = list(directions)
    axes = np.array([np.asarray(directions[name], dtype=float) for name in names]).reshape(-1, 3)
    axes = axes / np.linalg.norm(axes, axis=1, keepdims=True)
    lengths = np.linalg.norm(found.vector_A, axis=1, keepdims=True)
    cosines = np.abs(found.vector_A @ axes.T) / lengths
    counts = dict.fromkeys([*names, "other"], 0)
    for row in cosines:
        best = int(row.argmax()) if len(names) else -1
        near = best >= 0 and row[best] >= np.cos(np.radians(within_deg))
        counts[names[best] if near else "other"] += 1
    return counts


def _ideal_sites(
    trajectory: Trajectory, sites: ArrayLike | None, atoms: IntArray, drift: FloatArray
) -> tuple[FloatArray, str]:
    """The sites, and where they come from."""
    if sites is not None:
        return np.asarray(sites, dtype=float), "as given"
    if trajectory.reference is not None:
        return trajectory.reference[atoms], "ideal positions in the file"
    frames = min(trajectory.n_frames // 4, int(_EARLY_PS * 1000 / trajectory.dt_fs)) + 1
    moved = displacement_series(trajectory, atoms, drift)[:, :, :frames]
    places = first_positions(trajectory, atoms) + moved.mean(axis=2)
    span = (frames - 1) * trajectory.dt_fs / 1000
    return places, f"mean positions in the first {span:.3g} ps"


def _core_radius(finder: SiteFinder, core_radius_A: float | None) -> float:
    shortest = finder.shortest_distance_A()
    if core_radius_A is None and shortest > 0:
        return _CORE_SHARE * shortest
    if core_radius_A is None or not 0 < core_radius_A < shortest / 2:
        raise InputError(
            "the cores of neighbouring sites overlap",
            key="core_radius_A",
            found=core_radius_A,
            expected=f"above 0 and below half of the shortest distance, {shortest:.4g} Å",
        )
    return core_radius_A


def _offset(trajectory: Trajectory, framework: Sequence[str]) -> FloatArray:
    """Where the framework's centre of mass stands in the first frame, from the reference."""
    if trajectory.reference is None or not framework:
        return np.zeros(3)
    atoms = chosen_atoms(trajectory, framework)
    weights = masses_of(trajectory)[atoms]
    apart = first_positions(trajectory, atoms) - trajectory.reference[atoms]
    # The file may give an atom in another cell than its reference.
    fractions = apart @ np.linalg.inv(trajectory.cell)
    return np.average((fractions - np.round(fractions)) @ trajectory.cell, axis=0, weights=weights)


def _follow(
    trajectory: Trajectory, finder: SiteFinder, core: float, drift: FloatArray, atoms: IntArray
) -> _Found:
    """Hops and stays of a block of atoms."""
    moved = displacement_series(trajectory, atoms, drift)
    start = first_positions(trajectory, atoms)
    parts = [
        _follow_one(finder, core, int(atom), first + series.T)
        for atom, first, series in zip(atoms, start, moved, strict=True)
    ]
    return _Found(
        np.concatenate([part.hops for part in parts]),
        np.concatenate([part.stays for part in parts]),
        sum(part.recrossings for part in parts),
        sum(part.unassigned for part in parts),
    )


def _follow_one(finder: SiteFinder, core: float, atom: int, path: FloatArray) -> _Found:
    site, cell, distance = finder.nearest(path)
    label = np.ravel_multi_index(
        (site, *((cell - cell[0]).T + _CELLS // 2)), (len(finder.sites), _CELLS, _CELLS, _CELLS)
    )
    seen = np.flatnonzero(distance < core)
    if not len(seen):
        return _Found(np.empty((0, 11), int), np.empty((0, 6), int), 0, len(path))
    changes = np.flatnonzero(label[seen[1:]] != label[seen[:-1]])
    left, arrived = seen[changes], seen[changes + 1]
    who = np.full(len(left), atom)
    moves = np.column_stack(
        [who, site[left], site[arrived], left, arrived, cell[left], cell[arrived]]
    )
    start = np.concatenate([seen[:1], arrived])
    stop = np.concatenate([arrived, [len(path) - 1]])
    entered = np.arange(len(start)) > 0
    stays = np.column_stack(
        [np.full(len(start), atom), site[start], start, stop, entered, entered[::-1]]
    )
    return _Found(moves, stays, _recrossings(label, seen), int(seen[0]))


def _recrossings(label: IntArray, seen: IntArray) -> int:
    """Excursions between two visits to the same core that came nearer to another site."""
    owner = label[seen[np.clip(np.searchsorted(seen, np.arange(len(label)), "right") - 1, 0, None)]]
    strayed = np.concatenate([[0], np.cumsum(label != owner)])
    same = label[seen[1:]] == label[seen[:-1]]
    away = strayed[seen[1:]] > strayed[seen[:-1] + 1]
    return int(np.count_nonzero(same & away))
