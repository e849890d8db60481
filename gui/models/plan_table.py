"""Rows of the ranked table of a plan, as text for people. Qt-free."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ixs_core.arrays import FloatArray

_MINUS = "−"


@dataclass(frozen=True)
class PlanRow:
    """A setting of a plan.

    Parameters
    ----------
    rank : int
    placed : str
        Which Q on which analyzer.
    hours : float
    targets : str
        What the plan counts on there: analyzer, q, branch, energy ± σ (meV).
    also : int
        How many further targets are known well enough after these hours.
    warnings : tuple of str
        Those that name this setting.
    """

    rank: int
    placed: str
    hours: float
    targets: str
    also: int
    warnings: tuple[str, ...]


def rows_of(record: Mapping[str, Any]) -> tuple[PlanRow, ...]:
    """The table of a plan from its record (`simulate.planning.plan_record`)."""
    return tuple(_row(setting, record["warnings"]) for setting in record["settings"])


def general_warnings(record: Mapping[str, Any]) -> tuple[str, ...]:
    """Warnings that concern the whole plan, not single settings of it."""
    return tuple(text for text in record["warnings"] if not re.search(r"\bsetting \d+ ", text))


def _row(setting: Mapping[str, Any], warnings: Sequence[str]) -> PlanRow:
    rank = int(setting["rank"])
    mine = re.compile(rf"\bsetting {rank} ")
    assigned = [target for target in setting["targets"] if target["assigned"]]
    placed = setting["placed"]
    return PlanRow(
        rank=rank,
        placed=f"({hkl_words(placed['hkl'])}) on {placed['analyzer'] or 'the arm’s centre'}",
        hours=float(setting["hours"]),
        targets="; ".join(target_words(target) for target in assigned),
        also=len(setting["targets"]) - len(assigned),
        warnings=tuple(text for text in warnings if mine.search(text)),
    )


def target_words(target: Mapping[str, Any]) -> str:
    """ "a04 q (0.333 0.333 0) branch 1: 1.66 ± 0.03 meV" """
    sigma = target["sigma_energy_mev"]
    error = "not determined" if sigma is None else f"{sigma:.2g}"
    return (
        f"{target['analyzer']} q ({hkl_words(target['q_hkl'], 3)}) branch {target['branch']}: "
        f"{target['energy_mev']:.2f} ± {error} meV"
    )


def hkl_words(hkl: Sequence[float] | FloatArray, digits: int = 3) -> str:
    """ "−0.333 7.667 0" """
    return " ".join(f"{round(float(x), digits) + 0.0:g}".replace("-", _MINUS) for x in hkl)
