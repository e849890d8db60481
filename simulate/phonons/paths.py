"""Paths through reciprocal space, the branches along them, and maps S(Q,E)."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from ixs_core.lattice import Lattice
from ixs_reduce.resolution import Resolution
from simulate.phonons.branches import track_branches
from simulate.phonons.character import (
    ModeCharacter,
    longitudinal_shares,
    over_degenerate_sets,
    site_shares,
)
from simulate.phonons.modes import IMAGINARY_MEV, Modes, ModeStructureFactor
from simulate.phonons.site_labels import sites_of
from simulate.phonons.spectra import Linewidth, line_spectra

if TYPE_CHECKING:
    from simulate.phonons.model import PhononModel

EXAMPLE = '"7 7 0 : 7 6 0 : 41", more legs after ";"'
_SAME = 1e-9
_MOST_POINTS = 100_000


@dataclass(frozen=True)
class ReciprocalPath:
    """Straight legs through reciprocal space, as one list of Q.

    Parameters
    ----------
    q_hkl : (n, 3) array
        r.l.u. of the conventional cell. The point at which two legs meet stands once.
    distance : (n,) array
        Length of the path up to each point in Å⁻¹; a gap between legs has no length.
    distance_rlu : (n,) array
        The same in r.l.u., √(Δh² + Δk² + Δl²).
    ticks : tuple of int
        Points where legs begin and end.
    labels : tuple of str
        Their names, "(7, 6, 0)"; of the two points of a gap the first is named for both.
    stretches : tuple of slice
        The points between gaps.
    """

    q_hkl: FloatArray
    distance: FloatArray
    distance_rlu: FloatArray
    ticks: tuple[int, ...]
    labels: tuple[str, ...]
    stretches: tuple[slice, ...]


@dataclass(frozen=True)
class SqeMap:
    """S(Q,E) along a path.

    Parameters
    ----------
    path : ReciprocalPath
    energy_mev : (m,) array
    intensity : (n, m) array
        e²/meV per primitive cell, through the resolution.
    lines : ModeStructureFactor
        The modes behind it, with branches tracked along the path.
    """

    path: ReciprocalPath
    energy_mev: FloatArray
    intensity: FloatArray
    lines: ModeStructureFactor


def parse_path(text: str, lattice: Lattice) -> ReciprocalPath:
    """A path from text: "start : end : points", legs separated by ";".

    Parameters
    ----------
    text : str
        "7 7 0 : 7 6 0 : 41; 7 6 0 : 7.5 6 0 : 21". Numbers may be fractions ("1/2"), separated
        by blanks or commas. A leg's points count both its ends.
    lattice : Lattice
        The conventional cell.

    Raises
    ------
    InputError
        A leg is not two points and a number from 2 to 100 000.
    """
    legs = []
    for number, leg in enumerate((part for part in text.split(";") if part.strip()), start=1):
        fields = leg.split(":")
        if len(fields) != 3:
            raise _not_a_leg(number, leg)
        count = _whole(fields[2])
        ends = [_hkl(field) for field in fields[:2]]
        if count is None or not 2 <= count <= _MOST_POINTS or ends[0] is None or ends[1] is None:
            raise _not_a_leg(number, leg)
        legs.append((ends[0], ends[1], count))
    if not legs:
        raise _not_a_leg(1, text)
    return path_through(legs, lattice)


def path_through(
    legs: Sequence[tuple[ArrayLike, ArrayLike, int]], lattice: Lattice
) -> ReciprocalPath:
    """A path of legs (start hkl, end hkl, number of points)."""
    points, ticks, labels = [], [0], []
    gaps = [0]
    lengths: list[list[FloatArray]] = [[], []]  # in Å⁻¹ and in r.l.u.
    last = None
    for start, end, count in legs:
        first, final = np.asarray(start, dtype=float), np.asarray(end, dtype=float)
        joined = last is not None and np.abs(first - last).max() < _SAME
        if last is None:
            labels.append(_label(first))
        elif not joined:
            labels[-1] += f" | {_label(first)}"
            gaps.append(ticks[-1] + 1)
        share = np.linspace(0, 1, count)[1 if joined else 0 :]
        points.append(first + share[:, None] * (final - first))
        whole = (lattice.q_abs(final - first), float(np.linalg.norm(final - first)))
        for column, length in zip(lengths, whole, strict=True):
            column.append((column[-1][-1] if column else 0.0) + share * length)
        ticks.append(sum(len(part) for part in points) - 1)
        labels.append(_label(final))
        last = final
    return ReciprocalPath(
        q_hkl=np.concatenate(points),
        distance=np.concatenate(lengths[0]),
        distance_rlu=np.concatenate(lengths[1]),
        ticks=tuple(ticks),
        labels=tuple(labels),
        stretches=tuple(slice(a, b) for a, b in itertools.pairwise([*gaps, ticks[-1] + 1])),
    )


def path_lines(
    model: PhononModel, path: ReciprocalPath, temperature_k: float = 300.0, **options: Any
) -> ModeStructureFactor:
    """Modes along a path with their character, and their branches tracked through crossings.

    Branches are numbered by energy where a stretch of the path begins. Options as for
    `PhononModel.structure_factor`; without `direction` exact Γ points are approached along the
    path (at a corner along the leg that begins there), so that LO branches end where they lead to;
    the same direction stands there for q̂ in the longitudinal share.
    """
    crystal = model.force_constants
    direction = options.pop("direction", None)
    modes = model.modes(path.q_hkl, direction)
    approach = _tangents(path)
    if direction is None:
        modes = _approached(model, path, modes, approach)
    else:
        approach = np.broadcast_to(np.asarray(direction, dtype=float), approach.shape)
    lines = model.structure_factor_of(modes, temperature_k, **options)
    primitive = crystal.q_primitive(path.q_hkl)
    branches = [
        track_branches(
            primitive[part], modes.energy_mev[part], modes.eigenvectors[part], crystal.positions
        )
        for part in path.stretches
    ]
    return replace(
        lines, branch=np.concatenate(branches), character=character_of(model, modes, approach)
    )


def character_of(model: PhononModel, modes: Modes, approach: FloatArray) -> ModeCharacter:
    """Which sites move in solved modes and how far along q; see `simulate.phonons.character`.

    Parameters
    ----------
    model : PhononModel
    modes : Modes
    approach : (nq, 3) array
        r.l.u.; the direction that stands for q where Q is a reciprocal lattice point, zero for
        none.
    """
    crystal = model.force_constants
    sites = sites_of(crystal)
    longitudinal, reduced = longitudinal_shares(
        modes.eigenvectors,
        crystal.q_primitive(modes.q_hkl),
        crystal.q_primitive(approach),
        model.dynamical_matrix.zone,
    )
    each = ModeCharacter(
        labels=sites.labels,
        shares=site_shares(modes.eigenvectors, sites.of_atom),
        longitudinal=longitudinal,
        degeneracy=np.ones(modes.energy_mev.shape, dtype=int),
        q_reduced=reduced @ np.asarray(crystal.conventional, dtype=float).T,
    )
    return over_degenerate_sets(each, modes.energy_mev, IMAGINARY_MEV)


def _tangents(path: ReciprocalPath) -> FloatArray:
    """(n, 3) steps to the next point in r.l.u., those of last points from the one before."""
    tangents = np.empty_like(path.q_hkl)
    for part in path.stretches:
        steps = np.diff(path.q_hkl[part], axis=0)
        tangents[part] = np.concatenate([steps, steps[-1:]])
    tangents[np.abs(tangents).max(axis=1) < _SAME] = 0.0
    return tangents


def _approached(
    model: PhononModel, path: ReciprocalPath, modes: Modes, tangents: FloatArray
) -> Modes:
    """The modes of a path with its Γ points solved again in the direction of the path."""
    primitive = model.force_constants.q_primitive(path.q_hkl)
    zone_centres = np.abs(primitive - np.rint(primitive)).max(axis=1) < _SAME
    energy, eigenvectors = modes.energy_mev.copy(), modes.eigenvectors.copy()
    for i in np.flatnonzero(zone_centres & tangents.any(axis=1)):
        one = model.modes(path.q_hkl[i], tangents[i])
        energy[i], eigenvectors[i] = one.energy_mev[0], one.eigenvectors[0]
    return replace(modes, energy_mev=energy, eigenvectors=eigenvectors)


def sqe_map(
    model: PhononModel,
    path: ReciprocalPath,
    energy_mev: ArrayLike,
    resolution: Resolution,
    temperature_k: float = 300.0,
    linewidth: Linewidth = 0.0,
    **options: Any,
) -> SqeMap:
    """S(Q,E) along a path; options as for `PhononModel.structure_factor`."""
    lines = path_lines(model, path, temperature_k, **options)
    energy = np.asarray(energy_mev, dtype=float)
    return SqeMap(path, energy, line_spectra(lines, energy, resolution, linewidth), lines)


def _hkl(text: str) -> FloatArray | None:
    parts = text.replace(",", " ").split()
    try:
        values = [float(Fraction(part)) for part in parts]
    except (ValueError, ZeroDivisionError):
        return None
    return np.array(values) if len(values) == 3 else None


def _whole(text: str) -> int | None:
    return int(text) if text.strip().isdigit() else None


def _label(hkl: FloatArray) -> str:
    return "(" + ", ".join(f"{round(float(x), 4) + 0.0:g}" for x in hkl) + ")"


def _not_a_leg(number: int, leg: str) -> InputError:
    return InputError(
        f"leg {number} of the path is not two points and a number of steps",
        key="--path",
        found=repr(leg.strip()),
        expected=EXAMPLE,
    )
