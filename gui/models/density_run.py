"""A reconstruction from the viewer: the settings of its form, and the work in a worker. Qt-free."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from gui.models.density_choices import PathChoice, PlaneChoice, point_text
from ixs_core.crystal import Crystal
from ixs_core.errors import InputError
from ixs_core.jobs import CancelToken, Progress
from ixs_core.lattice import Lattice
from mem.analysis_options import AnalysisOptions
from mem.steps import OnStep

if TYPE_CHECKING:
    from mem.analysis import Analysis
    from mem.preparation import Weights

_ENDS = re.compile(r"^(\w+)–(\w+)")


@dataclass(frozen=True)
class RunSettings:
    """What to reconstruct, and how.

    Parameters
    ----------
    file : path
        Structure factors.
    model : path or None
        CIF of the refined model, where the file has none.
    weights : "refinement" or "sigma"
    options : AnalysisOptions
    """

    file: Path
    model: Path | None = None
    weights: Weights = "refinement"
    options: AnalysisOptions = field(default_factory=AnalysisOptions)


def run(
    settings: RunSettings,
    on_step: OnStep,
    made: Callable[[Analysis], None],
    *,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> None:
    """Read, reconstruct, hand over.

    A cancelled reconstruction hands over its last density: not by returning it, since what a
    cancelled job returns is dropped.

    Raises
    ------
    InputError
        From reading or reconstructing.
    Cancelled
        Before there was a density.
    """
    from mem.analysis import analyse
    from mem.read import read_reflections

    reflections = read_reflections(settings.file, settings.model, weights=settings.weights)
    if cancel is not None:
        cancel.check()
    analysis = analyse(
        reflections, settings.options, progress=progress, cancel=cancel, on_step=on_step
    )
    made(analysis)


def plane_options(
    plane: PlaneChoice, lattice: Lattice | None, structure: Crystal | None
) -> tuple[str, str | None]:
    """The plane shown as `AnalysisOptions` takes it: its text, and a point that it contains."""
    if lattice is None:
        return plane.plane, None
    try:
        miller, origin = plane.resolved(lattice, structure)
    except InputError:
        return plane.plane, None
    if plane.by_miller:
        return plane.plane, point_text(origin)
    return " : ".join(point_text(point) for point in miller), None


def path_option(path: PathChoice | None) -> str:
    """The path shown as `AnalysisOptions` takes it: by its ends, so that a series has one name."""
    if path is None:
        return ""
    ends = _ENDS.match(path.kind)
    return " : ".join(ends.groups()) if ends is not None and not path.drawn else path.text


def named(analysis: Analysis, key: str) -> Analysis:
    """The analysis under the name that it is stored with."""
    return replace(analysis, result=replace(analysis.result, name=key))
