"""Displacements and states of a trajectory file, kept in a project in one go."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ixs_core.jobs import CancelToken, Progress
from ixs_core.project import Project
from ixs_core.provenance import provenance_of
from simulate.md.displacements import mean_square_displacement
from simulate.md.project_results import result_name, write_md_result
from simulate.md.reading import read_trajectory
from simulate.md.vibrational_states import phonon_dos

_BLOCKS = 8


def keep_motion(
    project: str | Path,
    file: str | Path,
    *,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> tuple[str, ...]:
    """Density of states and mean-square displacements of a trajectory, stored in a project.

    With the defaults of `ixs md pdos` and `ixs md msd`; each is written as soon as it is there.

    Parameters
    ----------
    project : path
    file : path
        A trajectory that needs neither element names nor a time step to be given.
    progress, cancel

    Returns
    -------
    tuple of str
        Keys of the results.

    Raises
    ------
    InputError
        The trajectory cannot be read, or has too few frames; the project cannot be written.
    Cancelled
    """
    path = Path(file)
    trajectory = read_trajectory(path, progress=progress, cancel=cancel)
    states = phonon_dos(trajectory, progress=progress, cancel=cancel)
    first = _keep(project, path, states, "ixs md pdos", {"resolution_mev": None})
    displaced = mean_square_displacement(
        trajectory, blocks=_BLOCKS, progress=progress, cancel=cancel
    )
    settings = {"framework": None, "window_ps": None, "blocks": _BLOCKS}
    return first, _keep(project, path, displaced, "ixs md msd", settings)


def _keep(
    project: str | Path, file: Path, record: Any, command: str, settings: dict[str, Any]
) -> str:
    made = provenance_of(command, settings, sources=[file], packages=("numba",))
    with Project(project).writing() as h5:
        name = result_name(h5, type(record), file, made)
        return write_md_result(h5, name, record, made, f"{command} {file.name}")
