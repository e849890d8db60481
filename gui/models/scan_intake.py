"""Dropped files become results of a project: scans reduced, resolutions copied. Qt-free."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gui.models.scan_rows import Failure
from ixs_core.errors import InputError
from ixs_core.jobs import CancelToken, Progress
from ixs_core.project import Project

if TYPE_CHECKING:
    from ixs_reduce.project_reduce import ReducedSet
    from ixs_reduce.scan_choice import ChosenScans, LeftOut

MADE_BY = "ixs view"


@dataclass(frozen=True)
class Intake:
    """What came of dropped files of scans.

    Parameters
    ----------
    output : Path
        The project.
    keys : tuple of str
        What is new in it.
    failures : tuple of Failure
        Files and scans that could not be reduced.
    notes : tuple of str
        Scans left out because they are no spectra.
    """

    output: Path
    keys: tuple[str, ...]
    failures: tuple[Failure, ...]
    notes: tuple[str, ...]


def project_beside(path: Path) -> Path:
    """Where a project for a file (or folder) of scans is begun, or goes on.

    Beside it under its name; in the home folder where nothing can be written there.
    """
    folder = path.parent if os.access(path.parent, os.W_OK) else Path.home()
    stem = path.name if path.is_dir() else path.stem
    candidate = folder / f"{stem}.h5"
    number = 1
    while candidate.exists() and not _is_project(candidate):
        number += 1
        ending = "-project" if number == 2 else f"-project-{number - 1}"
        candidate = folder / f"{stem}{ending}.h5"
    return candidate


def _is_project(path: Path) -> bool:
    try:
        with Project(path).reading():
            return True
    except InputError:
        return False


def reduce_files(
    files: Sequence[Path], output: Path, *, progress: Progress, cancel: CancelToken
) -> Intake:
    """Reduce files into a project, as `ixs reduce` does; the good ones in one transaction.

    A file that cannot be reduced is told among the failures, and does not keep the others back.

    Raises
    ------
    InputError
        When the project cannot be written.
    Cancelled
    """
    from ixs_reduce.experiment_options import ReductionPlan
    from ixs_reduce.project_reduce import (
        check_keys,
        left_out_lines,
        reduce_chosen,
        reduction_provenance,
        write_reduced,
    )
    from ixs_reduce.scan_choice import choose_scans

    plan = ReductionPlan()
    sets: list[ReducedSet] = []
    chosen: list[ChosenScans] = []
    failures: list[Failure] = []
    left_out: list[LeftOut] = []
    for done, path in enumerate(files):
        cancel.check()
        progress(done, len(files), path.name)
        try:
            part = choose_scans(path, plan)
            reduction = reduce_chosen([part], plan)
            check_keys([*sets, *reduction.sets])
        except (InputError, OSError) as error:
            failures.append(Failure.of_file(path, str(error)))
            continue
        chosen.append(part)
        sets += reduction.sets
        failures += [Failure.of_file(path, str(p)) for p in part.scan_file.problems]
        unable = [item for item in reduction.left_out if item not in part.left_out]
        failures += [Failure(f"{path.name} scan {item.scan}", item.reason) for item in unable]
        left_out += part.left_out
    if sets:
        cancel.check()
        progress(len(files), len(files), f"writing {output.name}")
        write_reduced(output, sets, reduction_provenance(MADE_BY, chosen, plan))
    keys = tuple(item.key for item in sets)
    return Intake(output, keys, tuple(failures), tuple(left_out_lines(left_out)))


def copy_resolutions(
    source: Path, output: Path, *, progress: Progress, cancel: CancelToken
) -> tuple[str, ...]:
    """Copy the resolution functions of a file into a project; names of those that are new.

    Raises
    ------
    InputError
        When the file holds none, or the project cannot be written.
    """
    from ixs_core.provenance import provenance_of
    from ixs_reduce.project_reduce import new_resolutions
    from ixs_reduce.store import write_resolutions

    new = new_resolutions(source, output)
    if new:
        with Project(output).writing() as h5:
            write_resolutions(h5, new, provenance_of(MADE_BY, sources=[source]))
    return tuple(fit.analyzer for fit in new)


def merge_scans(
    project: Project,
    keys: Sequence[str],
    masks: Mapping[str, frozenset[str]],
    *,
    progress: Progress,
    cancel: CancelToken,
) -> str:
    """`merge_in_project` with the viewer in its provenance."""
    from ixs_reduce.project_merge import merge_in_project

    return merge_in_project(project, keys, masks, made_by=MADE_BY, progress=progress, cancel=cancel)
