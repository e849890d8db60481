"""What `ixs mem` leaves behind: maps, tables, figures, and the project."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from ixs_core.report_parts import anchor

if TYPE_CHECKING:
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


def check_outputs(paths: Sequence[Path], sources: Sequence[Path]) -> Outputs:
    """Sort outputs by what they are, before any work is done.

    Raises
    ------
    InputError
        An ending names no format, a single map is asked for of a series, two files of a series
        would write the same names, or an output is one of the sources.
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
        A file cannot be written.
    """
    written: list[Path] = []
    for path in outputs.maps:
        analyses[0].density.write(path)
        written.append(path)
    for path in outputs.dysnomia:
        written += _write_dysnomia(path, analyses[0], data[0], options)
    for folder in outputs.folders:
        written += _write_folder(folder, analyses)
    for path in outputs.projects:
        _write_project(path, analyses, sources, options)
        written.append(path)
    return written


def _write_dysnomia(
    path: Path, analysis: Analysis, data: Reflections, options: AnalysisOptions
) -> list[Path]:
    from mem.formats.dysnomia_output import write_mem, write_prf

    settings = path.with_suffix(".prf")
    write_mem(path, data, analysis.density.shape)
    write_prf(settings, path.stem, weighting=int(options.weighting), moments=options.moments)
    return [path, settings]


def _write_folder(folder: Path, analyses: Sequence[Analysis]) -> list[Path]:
    from mem.formats.density_csv import write_profile, write_section

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot be made: {error.strerror}", file=folder) from error
    written = []
    for analysis in analyses:
        name = analysis.result.name
        written.append(folder / f"{name}.ccp4")
        analysis.density.write(written[-1])
        for path in analysis.result.paths:
            written.append(folder / f"{name}_profile_{anchor(path.kind)}.csv")
            write_profile(written[-1], path.profile, _columns(path))
        for drawn in analysis.result.sections:
            written.append(folder / f"{name}_section_{anchor(drawn.section.label)}.csv")
            write_section(written[-1], drawn.section)
    return written + _write_figures(folder, analyses)


def _write_figures(folder: Path, analyses: Sequence[Analysis]) -> list[Path]:
    from ixs_core.picture_files import save_figure
    from mem.figures import profile_figure, residual_figure, section_figure

    results = [analysis.result for analysis in analyses]
    figures = {f"residuals_{result.name}": residual_figure(result) for result in results}
    for index in range(max(len(result.sections) for result in results)):
        figures[f"section_{index + 1}"] = section_figure(results, index)
    for kind in dict.fromkeys(path.kind for result in results for path in result.paths):
        figures[f"profile_{anchor(kind)}"] = profile_figure(results, kind)
    written = []
    for name, figure in figures.items():
        for suffix in ("png", "pdf"):
            written.append(folder / f"{name}.{suffix}")
            save_figure(written[-1], figure)
    return written


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
) -> None:
    from ixs_core.project import Project
    from ixs_core.provenance import provenance_of
    from mem.store import write_density_result

    with Project(path).writing() as h5:
        for analysis, source in zip(analyses, sources, strict=True):
            record = provenance_of("ixs mem", asdict(options), sources=[source], packages=["gemmi"])
            write_density_result(h5, source.stem, analysis.result, analysis.density, record)
