"""What `ixs md density` is to show, from the words of its options."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ixs_core.errors import InputError

if TYPE_CHECKING:
    from ixs_core.crystal import Crystal
    from mem.density import Density
    from simulate.md.density_comparison import View

_PROJECTS = (".h5", ".hdf5", ".nxs")


def view_of(
    planes: Sequence[str],
    through: str | None,
    paths: Sequence[str],
    points: int,
    structure: Crystal | None,
) -> View:
    """Sections and paths as `ixs mem` reads them.

    Sections by Miller indices contain the point or site of `through`, else the start of the first
    path, else the origin.

    Raises
    ------
    InputError
        One of them is none, or names a site that no structure has; a path has too few points.
    """
    from mem.density import Density
    from mem.path_choice import choose_paths
    from mem.plane_choice import parse_place, parse_plane
    from simulate.md.density_comparison import View

    chosen = [path for text in paths for path in choose_paths(text, structure)]
    start = chosen[0].points[0] if chosen else np.zeros(3)
    inside = start if through is None else parse_place(through, structure)
    view = View([parse_plane(text, inside) for text in planes], chosen, points)
    if structure is not None:
        # What cannot be shown is found out before the work, by cutting a density of nothing.
        flat = Density(structure.lattice, np.ones((4, 4, 4)), structure.symmetry)
        for plane, origin in view.planes:
            flat.section(plane, origin, step=1.0)
        for path in chosen:
            flat.profile(path.points, points)
    return view


def read_map(text: Path, option: str) -> Density:
    """A density in a map file, or in a project: "project.h5", "project.h5:KEY".

    Raises
    ------
    InputError
        There is none, or several and none is named.
    """
    from mem.formats.densities import read_density

    name, _, key = str(text).partition(".h5:")
    file = Path(f"{name}.h5") if key else text
    if file.suffix.lower() in _PROJECTS:
        return _from_project(file, key, option)
    return read_density(file)


def map_name(text: Path) -> str:
    """What to call the density of `read_map`: its key, else the file without its ending."""
    name, _, key = str(text).partition(".h5:")
    return key or Path(name).stem


def _from_project(file: Path, key: str, option: str) -> Density:
    from ixs_core.project import Project
    from mem.store import list_densities, read_stored_density
    from simulate.md.density_map_store import list_md_densities, read_md_density

    with Project(file).reading() as h5:
        measured, simulated = list_densities(h5), list_md_densities(h5)
        known = [*measured, *simulated]
        if key not in known and not (key == "" and len(known) == 1):
            raise InputError(
                "the project has no such density" if key or not known else "which density?",
                file=file,
                key=option,
                found=key or f"{len(known)} of them",
                expected=", ".join(f"{file.name}:{one}" for one in known)
                or "a density of `ixs mem` or `ixs md density`",
            )
        chosen = key or known[0]
        if chosen in measured:
            return read_stored_density(h5, chosen)
        return read_md_density(h5, chosen)
