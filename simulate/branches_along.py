"""Calculated branches along a line of measured momenta: stored paths that run along it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ixs_core.arrays import FloatArray, IntArray
from ixs_reduce.q_path import QLine
from simulate.phonons.character import ModeCharacter
from simulate.sqe_results import SqeResult

_ALONG = 0.98  # cosine of the largest angle between a path and the line


class BranchAlong(NamedTuple):
    """One calculated branch along a line in Q.

    branch : number from 1, followed through crossings where the calculation did so;
    position : (n,) along the line, rising; energy_mev : (n,), negative where imaginary;
    loss_intensity : (n,) I [n+1] in e² per primitive cell; group : (n,) modes of one Q with the
    same number are degenerate; q_hkl : (n, 3); key : of the stored result; title : what
    calculated it, temperature_k : at what temperature; character : shares (n, n_sites), all else
    (n,) or (n, 3), None where the path was stored without it.
    """

    branch: int
    position: FloatArray
    energy_mev: FloatArray
    loss_intensity: FloatArray
    group: IntArray
    q_hkl: FloatArray
    key: str
    title: str
    temperature_k: float
    character: ModeCharacter | None = None


def branches_along(line: QLine, result: SqeResult, key: str = "") -> tuple[BranchAlong, ...]:
    """The branches of a stored path where it runs along a line; empty where it does not.

    Two or more of its neighbouring momenta must lie on the line (within
    `ixs_reduce.q_path.ON_LINE_RLU`) and reach into the measured stretch.

    Parameters
    ----------
    line : QLine
    result : SqeResult
        Modes along a path.
    key : str
        Its name in the project.
    """
    lines = result.lines
    position = line.position_of(lines.q_hkl)
    on = _longest_run(position)
    if result.distance is None or on.size < 2 or not _overlaps(line.position, position[on]):
        return ()
    order = on[np.argsort(position[on])]
    if not _parallel(line, lines.q_hkl[order[-1]] - lines.q_hkl[order[0]]):
        return ()
    found = []
    for number in range(1, lines.energy_mev.shape[1] + 1):
        column = np.argmax(lines.branch[order] == number, axis=1)
        found.append(
            BranchAlong(
                number,
                position[order],
                lines.energy_mev[order, column],
                lines.loss_intensity[order, column],
                lines.group[order, column],
                lines.q_hkl[order],
                key,
                result.title,
                lines.temperature_k,
                None if lines.character is None else lines.character.of_modes(order, column),
            )
        )
    return tuple(found)


def _parallel(line: QLine, step: FloatArray) -> bool:
    """Whether a step goes along a line: a path that crosses it is near it for a while, too."""
    if line.direction is None:
        return False
    cosine = step @ line.direction / (np.linalg.norm(step) * np.linalg.norm(line.direction))
    return bool(abs(cosine) >= _ALONG)


def _longest_run(position: FloatArray) -> IntArray:
    """The longest stretch of neighbouring points on the line that goes one way."""
    step = np.sign(np.diff(position))  # NaN where one of two neighbours is not on the line
    best: IntArray = np.zeros(0, dtype=int)
    first = 0
    for i in range(1, step.size + 1):
        if i < step.size and step[i] == step[first]:
            continue
        if step[first] != 0 and np.isfinite(step[first]) and i - first + 1 > best.size:
            best = np.arange(first, i + 1)
        first = i
    return best


def _overlaps(measured: FloatArray, calculated: FloatArray) -> bool:
    return bool(
        calculated.max() > calculated.min()
        and calculated.max() >= measured.min()
        and calculated.min() <= measured.max()
    )
