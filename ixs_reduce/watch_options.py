"""How a folder is watched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ixs_core.provenance import Provenance, provenance_of
from ixs_reduce.batch import FitOptions
from ixs_reduce.experiment_options import ReductionPlan
from ixs_reduce.resolution import Resolution
from ixs_reduce.watch_folder import QUIET_S
from ixs_reduce.watch_store import FUNCTION


@dataclass(frozen=True)
class WatchOptions:
    """How a folder is watched.

    Parameters
    ----------
    output : Path
        The project.
    plan : ReductionPlan
    profile : str, path or None
        As for `read_scans`.
    fit : FitOptions or None
        None reduces only.
    resolutions : mapping
        Analyzer -> Resolution, for fits.
    interval_s : float
        Between looks.
    quiet_s : float
        Without a change for so long, an incomplete scan is taken to have ended; 0 takes all
        scans as ended.
    refit_every_s : float
        How often a growing scan is fitted and written at most.
    sources : tuple of Path
        Files of settings and resolutions, for the provenance.
    """

    output: Path
    plan: ReductionPlan = field(default_factory=ReductionPlan)
    profile: str | Path | None = None
    fit: FitOptions | None = None
    resolutions: Mapping[str, Resolution] = field(default_factory=dict)
    interval_s: float = 2.0
    quiet_s: float = QUIET_S
    refit_every_s: float = 10.0
    sources: tuple[Path, ...] = ()


def made_by(folder: Path, options: WatchOptions) -> Provenance:
    """The record of what a watcher makes; InputError when a source cannot be read."""
    plan = options.plan
    settings = {
        "folder": folder,
        "profile": options.profile,
        "options": plan.options,
        "overrides": plan.overrides,
        "zero_mev": plan.zero_mev,
        "backgrounds": [background.model_dump() for background in plan.backgrounds],
        "fit": options.fit,
        "resolutions": {name: r.sha256 for name, r in options.resolutions.items()},
        "quiet_s": options.quiet_s,
    }
    return provenance_of(FUNCTION, settings, sources=options.sources, packages=("lmfit",))
