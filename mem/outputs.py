"""What `ixs mem` leaves behind: maps, tables, figures, and the project."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from ixs_core.project import Project
from ixs_core.report_parts import anchor
from mem.formats.dysnomia_output import prf_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from mem.analysis import Analysis
    from mem.analysis_options import AnalysisOptions
    from mem.density_result import PathResult
    from mem.reflections import Reflections

MAPS = (".ccp4", ".map", ".mrc", ".cube", ".pgrid")
DYSNOMIA = ".mem"
PROJECTS = (".h5", ".hdf5", ".nxs")


@dataclass(frozen=True)
class Outputs:
    """Where results go.

    Parameters
    ----------
    maps : tuple of Path
        Density files, of a single reconstruction.
    dysnomia : tuple of Path
        Structure factors for Dysnomia; its settings are written beside them (.prf).
    projects : tuple of Path
    folders : tuple of Path
    """

    maps: tuple[Path, ...] = ()
    dysnomia: tuple[Path, ...] = ()
    projects: tuple[Path, ...] = ()
    folders: tuple[Path, ...] = ()


def check_outputs(
    paths: Sequence[Path], sources: Sequence[Path], options: AnalysisOptions
) -> Outputs:
    """Sort outputs by what they are, before any work is done.

    Raises
    ------
    InputError
        An ending names no format, a single map is asked for of a series, two files of a series
        would write the same names, an output is one of the sources, or there is no room for it.
    """
    maps = tuple(path for path in paths if path.suffix.lower() in MAPS)
    dysnomia = tuple(path for path in paths if path.suffix.lower() == DYSNOMIA)
    projects = tuple(path for path in paths if path.suffix.lower() in PROJECTS)
    folders = tuple(path for path in paths if path.is_dir() or not path.suffix)
    for path in paths:
        if path not in (*maps, *dysnomia, *projects, *folders):
            raise InputError(
                "this ending names no format",
                key="--output",
                found=path.name,
                expected=f"{', '.join((*MAPS, DYSNOMIA, *PROJECTS))}, or a folder",
            )
        if path.resolve() in [source.resolve() for source in sources]:
            raise InputError("the output is one of the inputs", file=path, key="--output")
        _require_room(path, path in folders)
    for path in dysnomia:
        prf_text(path.stem, weighting=options.weighting, moments=options.moments)
    for path in projects:
        if path.exists():
            with Project(path).reading():
                """A file that is no project is refused before any work."""
    single = (*maps, *dysnomia)
    if single and len(sources) > 1:
        raise InputError(
            f"one file cannot hold a series of {len(sources)}",
            key="--output",
            found=single[0].name,
            hint="give a folder: every reconstruction gets its map there",
        )
    stems = [source.stem for source in sources]
    twice = sorted({stem for stem in stems if stems.count(stem) > 1})
    if twice and (projects or folders):
        raise InputError(
            "two files of the series have the same name, so their results would, too",
            key="reflections",
            found=", ".join(twice),
        )
    return Outputs(maps, dysnomia, projects, folders)


def _require_room(path: Path, is_folder: bool) -> None:
    """InputError where an output could not be written."""
    parent = path if is_folder else path.parent
    while is_folder and not parent.exists():
        parent = parent.parent
    if not is_folder and path.is_dir():
        raise InputError("is a folder", file=path, key="--output", expected="a file")
    if not parent.is_dir():
        raise InputError("there is no such folder", file=parent, key="--output")
    if not os.access(parent, os.W_OK):
        raise InputError("nothing may be written here", file=parent, key="--output")


def write_outputs(
    outputs: Outputs,
    analyses: Sequence[Analysis],
    data: Sequence[Reflections],
    sources: Sequence[Path],
    options: AnalysisOptions,
) -> list[Path]:
    """Write everything asked for and return the files, figures of a series once for all.

    Raises
    ------
    InputError
        A file could not be written; all others are there.
    """
    writers: list[Callable[[], list[Path]]] = [
        *(partial(_write_map, path, analyses[0]) for path in outputs.maps),
        *(
            partial(_write_dysnomia, path, analyses[0], data[0], options)
            for path in outputs.dysnomia
        ),
        *(partial(_write_project, path, analyses, sources, options) for path in outputs.projects),
        *(partial(_write_folder, folder, analyses) for folder in outputs.folders),
    ]
    written: list[Path] = []
    failures: list[InputError] = []
    for write in writers:
        try:
            written += write()
        except InputError as error:
            failures.append(error)
    for path in written:
        print(f"written: {path}", file=sys.stderr)
    for failure in failures[1:]:
        print(failure, file=sys.stderr)
    if failures:
        raise failures[0]
    return written


def _write_map(path: Path, analysis: Analysis) -> list[Path]:
    analysis.density.write(path)
    return [path]


def _write_dysnomia(
    path: Path, analysis: Analysis, data: Reflections, options: AnalysisOptions
) -> list[Path]:
    from mem.formats.dysnomia_output import write_mem, write_prf

    settings = path.with_suffix(".prf")
    # The settings first: one that is not ours is not overwritten, and then nothing is written.
    write_prf(settings, path.stem, weighting=options.weighting, moments=options.moments)
    for note in write_mem(path, data, analysis.density.shape):
        print(f"{path.name}: {note}", file=sys.stderr)
    return [path, settings]


def _write_folder(folder: Path, analyses: Sequence[Analysis]) -> list[Path]:
    from ixs_core.picture_files import save_figure
    from mem.formats.density_csv import write_profile, write_section

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot be made: {error.strerror}", file=folder) from error
    written: list[Path] = []

    def new(name: str) -> Path:
        """A name in the folder that nothing of this run has; kept in the list."""
        path, number = folder / name, 1
        while path in written:
            number += 1
            path = folder / f"{Path(name).stem}_{number}{Path(name).suffix}"
        written.append(path)
        return path

    for analysis in analyses:
        name = analysis.result.name
        analysis.density.write(new(f"{name}.ccp4"))
        for path in analysis.result.paths:
            file = new(f"{name}_profile_{anchor(path.kind)}.csv")
            write_profile(file, path.profile, _columns(path))
        for drawn in analysis.result.sections:
            file = new(f"{name}_section_{anchor(drawn.section.label)}.csv")
            write_section(file, drawn.section)
    for name, figure in _figures(analyses):
        for suffix in ("png", "pdf"):
            save_figure(new(f"{name}.{suffix}"), figure)
    return written


def _figures(analyses: Sequence[Analysis]) -> Iterator[tuple[str, Figure]]:
    """Name and figure of everything that is drawn."""
    from mem.figures import profile_figure, residual_figure, section_figure

    results = [analysis.result for analysis in analyses]
    for result in results:
        yield f"residuals_{result.name}", residual_figure(result)
    for index in range(max(len(result.sections) for result in results)):
        yield f"section_{index + 1}", section_figure(results, index)
    for kind in dict.fromkeys(path.kind for result in results for path in result.paths):
        yield f"profile_{anchor(kind)}", profile_figure(results, kind)


def _columns(path: PathResult) -> dict[str, FloatArray]:
    """Further columns of a profile's table: name with unit -> values."""
    columns = {"density_over_peak": path.ratio}
    if path.band is not None:
        columns["uncertainty_with_bias_e_per_A3"] = path.band
    if path.null is not None:
        columns["nothing_hops_e_per_A3"] = path.null
    if path.model is not None:
        columns["refined_model_e_per_A3"] = path.model
    return columns


def _write_project(
    path: Path, analyses: Sequence[Analysis], sources: Sequence[Path], options: AnalysisOptions
) -> list[Path]:
    from ixs_core.provenance import provenance_of
    from mem.store import write_density_result

    with Project(path).writing() as h5:
        for analysis, source in zip(analyses, sources, strict=True):
            record = provenance_of("ixs mem", asdict(options), sources=[source], packages=["gemmi"])
            write_density_result(h5, source.stem, analysis.result, analysis.density, record)
    return [path]
