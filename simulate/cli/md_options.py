"""What the commands of `ixs md` have in common: opening a trajectory, saying what it told."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ixs_core.jobs import CancelToken
    from simulate.md.trajectory import Trajectory


def opened(
    file: Path, type_map: str | None, dt: float | None, cancel: CancelToken, *, quiet: bool
) -> Trajectory:
    """A trajectory with the notes of its reading on stderr; errors as in `read_trajectory`."""
    from ixs_core.jobs import terminal_progress
    from simulate.md.formats.elements import parse_type_map
    from simulate.md.reading import read_trajectory

    named = None if type_map is None else parse_type_map(type_map)
    with terminal_progress(file.name, silent=quiet) as progress:
        trajectory = read_trajectory(file, named, dt, progress=progress, cancel=cancel)
    if not quiet:
        print(
            f"{file.name}: {trajectory.n_atoms} atoms, {trajectory.n_frames} frames of "
            f"{trajectory.dt_fs:g} fs ({trajectory.duration_ps:.4g} ps)",
            file=sys.stderr,
        )
        for note in trajectory.notes:
            print(f"  {note}", file=sys.stderr)
    return trajectory
