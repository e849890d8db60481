"""The settings of a density analysis: what to reconstruct, and what to show of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ixs_core.errors import InputError
from mem.density import Density
from mem.reflections import Reflections


@dataclass(frozen=True)
class AnalysisOptions:
    """What to reconstruct, and what to show of it; defaults as those of `ixs mem`.

    Parameters
    ----------
    planes, paths : tuple of str
        As `parse_plane` and `choose_paths` read them.
    through : str or None
        Point or site that sections by Miller indices contain.
    follow : bool
        Paths follow the densest way, kept out of the basins of other elements.
    points : int
        Of a profile.
    bootstrap : int
        Number of resampled reconstructions; 0 for none.
    null : bool
        Also profiles of the refined model's own structure factors.
    prior, weighting, moments, target, grid_step, solver
        As `reconstruct` takes them.
    seed : int
    """

    planes: tuple[str, ...] = ()
    through: str | None = None
    paths: tuple[str, ...] = ()
    follow: bool = False
    points: int = 201
    bootstrap: int = 0
    null: bool = True
    prior: str = "uniform"
    weighting: float = 0.0
    moments: Mapping[int, float] = field(default_factory=lambda: {2: 1.0})
    target: float = 1.0
    grid_step: float = 0.05
    solver: str = "auto"
    seed: int = 0


def parse_moments(text: str) -> dict[int, float]:
    """Orders and weights λ_n of "2", "2,4" or "2:1,6:0.5".

    Raises
    ------
    InputError
        It is not such a list; `reconstruct` checks the orders.
    """
    moments: dict[int, float] = {}
    for part in text.split(","):
        order, _, weight = part.partition(":")
        try:
            moments[int(order)] = float(weight or 1.0)
        except ValueError as error:
            raise InputError(
                "not a list of moments",
                key="moments",
                found=text,
                expected='orders, with weights if they differ: "2", "6", "2:1,4:0.5"',
            ) from error
    return moments


def reconstruction_settings(options: AnalysisOptions, reflections: Reflections) -> dict[str, Any]:
    """What `reconstruct`, `bootstrap` and `null_profile` share."""
    prior: str | Density = options.prior
    if options.prior not in ("uniform", "procrystal"):
        from mem.formats.densities import read_density

        prior = read_density(options.prior, reflections.structure)
    return {
        "grid_step": options.grid_step,
        "prior": prior,
        "weighting": options.weighting,
        "moments": dict(options.moments),
        "target": options.target,
        "solver": options.solver,
    }
