"""What `ixs md density` leaves behind: maps, tables, figures, the project."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ixs_core.errors import InputError

if TYPE_CHECKING:
    from mem.density_result import DensityResult
    from simulate.md.density_map import MdDensity

_MAPS = (".ccp4", ".map", ".mrc", ".cube", ".pgrid")
_PROJECTS = (".h5", ".hdf5", ".nxs")


@dataclass(frozen=True)
class Made:
    """What a density was made from, for the provenance: files, and settings by name."""

    trajectory: Path
    structure: Path | None
    settings: dict[str, Any]


def check_outputs(paths: Sequence[Path], sources: Sequence[Path]) -> None:
    """Raise an InputError where an output names no format or cannot be written, before any work."""
    for path in paths:
        if path.suffix.lower() not in (*_MAPS, *_PROJECTS) and not _is_folder(path):
            raise InputError(
                "this ending names no format",
                key="--output",
                found=path.name,
                expected=f"{', '.join((*_MAPS, *_PROJECTS))}, or a folder",
            )
        if path.resolve() in [source.resolve() for source in sources]:
            raise InputError("the output is one of the inputs", file=path, key="--output")
        parent = path
        while not parent.is_dir() and (parent == path or _is_folder(path)):
            parent = parent.parent
        if not parent.is_dir():
            raise InputError("there is no such folder", file=parent, key="--output")
        if not os.access(parent, os.W_OK):
            raise InputError("nothing may be written here", file=parent, key="--output")


def write_outputs(
    found: MdDensity,
    results: Sequence[DensityResult],
    made: Made,
    outputs: Sequence[Path],
    figure: Path | None,
) -> None:
    """Write everything asked for, saying so on stderr.

    Parameters
    ----------
    found : MdDensity
    results : sequence of DensityResult
        What is drawn, the simulation's first.
    made : Made
    outputs : sequence of Path
        Maps, projects, folders.
    figure : Path or None

    Raises
    ------
    InputError
        A file could not be written.
    """
    from ixs_core.picture_files import write_figure

    for path in outputs:
        if _is_folder(path):
            written = _write_folder(path, made.trajectory.stem, found, results)
        elif path.suffix.lower() in _PROJECTS:
            _write_project(path, made, found)
            written = [path]
        else:
            found.write(path)
            written = [path]
        for file in written:
            print(f"written: {file}", file=sys.stderr)
    if figure is not None:
        from simulate.md.density_figures import density_figures

        drawn = list(density_figures(results))
        for name, one in drawn:
            # One file each: sections and profiles have little to say to each other.
            more = "" if len(drawn) == 1 else f"_{name}"
            write_figure(figure.with_name(f"{figure.stem}{more}{figure.suffix}"), one)


def _is_folder(path: Path) -> bool:
    return path.is_dir() or not path.suffix


def _write_folder(
    folder: Path, stem: str, found: MdDensity, results: Sequence[DensityResult]
) -> list[Path]:
    from ixs_core.picture_files import save_figure
    from ixs_core.report_parts import anchor
    from mem.formats.density_csv import write_profile, write_section
    from simulate.md.density_figures import density_figures

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot be made: {error.strerror}", file=folder) from error
    written = [folder / f"{stem}.ccp4"]
    found.write(written[0])
    for number, result in enumerate(results):
        name = stem if number == 0 else f"against_{anchor(result.name)}"
        for path in result.paths:
            written.append(folder / f"{name}_profile_{anchor(path.kind)}.csv")
            write_profile(written[-1], path.profile, {"density_over_peak": path.ratio})
        for drawn in result.sections:
            written.append(folder / f"{name}_section_{anchor(drawn.section.label)}.csv")
            write_section(written[-1], drawn.section)
    for name, figure in density_figures(results):
        for suffix in ("png", "pdf"):
            written.append(folder / f"{name}.{suffix}")
            save_figure(written[-1], figure)
    return written


def _write_project(path: Path, made: Made, found: MdDensity) -> None:
    from ixs_core.project import Project
    from ixs_core.provenance import provenance_of
    from simulate.md.density_map_store import write_md_density
    from simulate.record_store import own_key

    sources = [made.trajectory, *([made.structure] if made.structure else [])]
    record = provenance_of(
        "ixs md density", made.settings, sources=sources, packages=["gemmi", "numba"]
    )
    with Project(path).writing() as h5:
        key = own_key(h5, "", made.trajectory, record, kind="densities")
        write_md_density(h5, key, found, record)
