"""What the tab Dispersion says of a calculated branch: which atoms move, and in which direction."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from gui.models.dispersion_pick import BranchAt
from ixs_core.arrays import FloatArray
from simulate.branches_along import BranchAlong
from simulate.phonons.character import ModeCharacter

_PURE = 90  # % along q of a mode that is called longitudinal; across it, transverse


def character_rows(picked: BranchAt) -> list[tuple[str, str]]:
    """Rows of a table: shares of the sites, and how far the motion is along q."""
    character = picked.branch.character
    if character is None:
        return [("Motion", _missing(picked.branch))]
    i = picked.at
    over = int(character.degeneracy[i])
    mean = f" (mean of {over} degenerate branches)" if over > 1 else ""
    return [
        ("Motion", f"{shares_text(character, i)} of |e|²{mean}"),
        ("Along q", f"{_along_text(character, i)}{mean}"),
    ]


def degenerate_with(branches: Sequence[BranchAlong], picked: BranchAt) -> list[int]:
    """Numbers of the other branches of a path that are degenerate with one at its Q."""
    own, i = picked.branch, picked.at
    return [
        other.branch
        for other in branches
        if other.key == own.key and other.branch != own.branch and other.group[i] == own.group[i]
    ]


def shares_text(character: ModeCharacter, i: int) -> str:
    """Shares of the sites at one Q, largest first: "82 % Cu, 12 % I, 6 % Cs"."""
    shares = character.shares[i]
    order = np.argsort(-shares, kind="stable")
    return ", ".join(f"{_percent(float(shares[k]))} {character.labels[k]}" for k in order)


def _along_text(character: ModeCharacter, i: int) -> str:
    share = float(character.longitudinal[i])
    if not math.isfinite(share):
        return "no direction: q is 0 here"
    percent = round(100 * share)
    kind = "mixed"
    if percent >= _PURE:
        kind = "longitudinal"
    elif percent <= 100 - _PURE:
        kind = "transverse"
    q = character.q_reduced[i]
    where = (
        f"reduced q = {_triple(q)} r.l.u."
        if q.any()
        else "q is 0 here, the path's direction counts"
    )
    return f"{_percent(share)}: {kind}; {where}"


def _missing(branch: BranchAlong) -> str:
    command = f'ixs sqe FORCE_CONSTANTS --path "{branch.key.removeprefix("path ")}" -o project.h5'
    return (
        "which atoms move is not stored with this path, which an earlier version made: run "
        f"`{command}` again"
    )


def _percent(share: float) -> str:
    return "< 1 %" if 1e-4 <= share < 0.005 else f"{100 * share:.0f} %"


def _triple(q: FloatArray) -> str:
    texts = (f"{round(x, 3) + 0.0:g}".replace("-", "−") for x in q.tolist())
    return "(" + ", ".join(texts) + ")"
