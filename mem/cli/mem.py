"""`ixs mem`: electron densities from structure factors."""

from __future__ import annotations

import json
import math
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ixs_core.errors import Cancelled, InputError

if TYPE_CHECKING:
    from mem.analysis import Analysis
    from mem.analysis_options import AnalysisOptions
    from mem.external import DensityComparison
    from mem.outputs import Outputs
    from mem.preparation import Weights
    from mem.reflections import Reflections


def mem(
    reflections: Annotated[
        list[Path],
        typer.Argument(
            help="Refinement CIF, .fcf, .hkl, .mem, .fos or .BMinput; several make a series.",
            show_default=False,
        ),
    ],
    output: Annotated[
        list[Path] | None,
        typer.Option(
            "-o",
            "--output",
            help="Map (.ccp4, .cube, .pgrid), Dysnomia input (.mem), project (.h5), or a folder "
            "for maps, tables and figures (repeatable).",
        ),
    ] = None,
    structure: Annotated[
        Path | None, typer.Option(help="CIF of the refined model, where the data hold none.")
    ] = None,
    plane: Annotated[
        list[str] | None,
        typer.Option(help='Section: "0 1 0", or three points "x y z : x y z : x y z".'),
    ] = None,
    through: Annotated[
        str | None,
        typer.Option(
            help='Point or site that sections of "h k l" contain. [default: path, else 0]'
        ),
    ] = None,
    path: Annotated[
        list[str] | None,
        typer.Option(help='Profile: "Cu" (neighbours), "Cu : I", or "x y z : x y z : …".'),
    ] = None,
    follow: Annotated[
        bool, typer.Option(help="Let paths follow the densest way round other atoms.")
    ] = False,
    points: Annotated[int, typer.Option(help="Points of a profile.")] = 201,
    bootstrap: Annotated[
        int, typer.Option(help="Reconstructions of resampled data, for σ of profiles; 0: none.")
    ] = 0,
    null: Annotated[
        bool, typer.Option(help="Profiles of the same data where nothing hops (needs a model).")
    ] = True,
    prior: Annotated[
        str, typer.Option(help="uniform, procrystal (refined atoms), or a density file.")
    ] = "uniform",
    weighting: Annotated[float, typer.Option(help="Power p of the weights d^p.")] = 0.0,
    moments: Annotated[
        str, typer.Option(help='Moments of the residuals to meet: "2", "6", or "2:1,4:0.5" (λ).')
    ] = "2",
    target: Annotated[float, typer.Option(help="Value of χ² (or moments) to meet.")] = 1.0,
    grid_step: Annotated[float, typer.Option(help="Largest spacing of the grid, Å.")] = 0.05,
    solver: Annotated[
        str, typer.Option(help="auto, newton, lbfgs, newton-cg or sakata-sato.")
    ] = "auto",
    weights: Annotated[
        str, typer.Option(help='σ: refinement (with its weights), sigma (as measured), or "a,b".')
    ] = "refinement",
    observed_only: Annotated[
        bool, typer.Option(help="Leave out reflections that the file calls unobserved.")
    ] = False,
    relative_sigma: Annotated[
        float | None, typer.Option(help="σ(F²)/F² for lists without σ (SHELX LIST 5).")
    ] = None,
    temperature: Annotated[
        str | None, typer.Option(help='K, where files are wrong: "100,300,500", one per file.')
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the resampling.")] = 0,
    choose: Annotated[
        bool,
        typer.Option(help="Leave reflections out and compare targets and weights; no density."),
    ] = False,
    dysnomia: Annotated[
        Path | None, typer.Option(help="Dysnomia's executable: run it too, and compare.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable on stdout.")] = False,
) -> None:
    """Electron density by maximum entropy, its sections, profiles and their uncertainties.

    Densities are in e/Å³, paths in fractional coordinates of the conventional cell.

    Example: ixs mem 300K.cif -o density.ccp4

    A series: ixs mem 100K.cif 300K.cif 500K.cif --plane "0 1 0" --path Cu --bootstrap 50 -o maps/
    """
    from mem.analysis_options import AnalysisOptions, parse_moments
    from mem.cli.dysnomia import check_dysnomia_options
    from mem.cli.settings_choice import choose_and_show
    from mem.outputs import check_outputs
    from mem.read import read_reflections

    if through is not None and not plane:
        raise typer.BadParameter("--through belongs to --plane")
    kelvins = _temperatures(temperature, reflections)
    options = AnalysisOptions(
        planes=tuple(plane or ()),
        through=through,
        paths=tuple(path or ()),
        follow=follow,
        points=points,
        bootstrap=bootstrap,
        null=null,
        prior=prior,
        weighting=weighting,
        moments=parse_moments(moments),
        target=target,
        grid_step=grid_step,
        solver=solver,
        seed=seed,
    )
    outputs = check_outputs(output or [], reflections, options)
    if dysnomia is not None:
        check_dysnomia_options(options, dysnomia)
    data = [
        _with_temperature(
            read_reflections(
                file,
                structure,
                observed_only=observed_only,
                weights=_weights(weights),
                relative_sigma=relative_sigma,
            ),
            kelvin,
        )
        for file, kelvin in zip(reflections, kelvins, strict=True)
    ]
    for file, one in zip(reflections, data, strict=True):
        _say(file, one, as_json)
    if choose:
        choose_and_show(data, options, as_json)
        return
    _reconstruct(reflections, data, options, outputs, dysnomia, as_json)


def _temperatures(text: str | None, files: list[Path]) -> list[float | None]:
    if text is None:
        return [None] * len(files)
    try:
        kelvins: list[float | None] = [float(word) for word in text.split(",")]
    except ValueError:
        kelvins = []
    if len(kelvins) != len(files) or any(k is None or not 0 < k < math.inf for k in kelvins):
        number = "a number" if len(files) == 1 else f"{len(files)} numbers, with commas,"
        raise typer.BadParameter(f"--temperature takes {number} above 0")
    return kelvins


def _weights(text: str) -> Weights:
    if text == "refinement":
        return "refinement"
    if text == "sigma":
        return "sigma"
    try:
        a, b = (float(word) for word in text.split(","))
    except ValueError:
        raise typer.BadParameter('--weights is refinement, sigma, or "a,b"') from None
    return a, b


def _with_temperature(data: Reflections, kelvin: float | None) -> Reflections:
    return data if kelvin is None else replace(data, temperature_k=kelvin)


def _say(file: Path, data: Reflections, quiet: bool) -> None:
    """What was read, repaired and assumed, on stderr."""
    if quiet:
        return
    print(
        f"{file.name}: {len(data)} reflections to d = {data.d_spacing.min():.3f} Å, "
        f"{data.electrons:g} electrons per cell",
        file=sys.stderr,
    )
    for note in data.notes:
        print(f"  {note}", file=sys.stderr)


def _reconstruct(
    files: list[Path],
    data: list[Reflections],
    options: AnalysisOptions,
    outputs: Outputs,
    dysnomia: Path | None,
    as_json: bool,
) -> None:
    from ixs_core.jobs import interrupt_cancels, terminal_progress
    from mem.analysis import analyse
    from mem.cli.display import show, show_comparisons
    from mem.cli.dysnomia import compare_with_dysnomia
    from mem.outputs import write_outputs

    done: list[tuple[Path, Reflections, Analysis]] = []
    failures: list[InputError] = []
    notice = "stopping: the last density is kept; Ctrl-C again to drop it"
    with interrupt_cancels(notice) as cancel:
        for file, one in zip(files, data, strict=True):
            try:
                with terminal_progress(file.name, silent=as_json) as progress:
                    analysis = analyse(one, options, progress=progress, cancel=cancel)
                done.append((file, one, analysis))
            except InputError as error:
                # The others of a series are not lost with this one.
                failures.append(error)
                if len(files) > 1:
                    print(f"{file.name}: {error}", file=sys.stderr)
            if cancel.cancelled:
                break
    if not done:
        raise failures[0]
    sources, used, analyses = (list(column) for column in zip(*done, strict=True))
    if not as_json:
        for analysis, one in zip(analyses, used, strict=True):
            _say_notes(analysis, one)
        show(analyses)
    _say_what_is_missing(analyses, [file for file in files if file not in sources])
    try:
        write_outputs(outputs, analyses, used, sources, options)
    finally:
        comparisons = [
            compare_with_dysnomia(one, analysis.density, options, dysnomia)
            for one, analysis in zip(used, analyses, strict=True)
            if dysnomia is not None
        ]
        if as_json:
            _print_records(analyses, comparisons, len(files) > 1)
        else:
            show_comparisons(analyses, comparisons)
    if cancel.cancelled:
        raise Cancelled("stopped on request")
    if failures:
        raise failures[0]


def _print_records(
    analyses: list[Analysis], comparisons: list[DensityComparison], series: bool
) -> None:
    from mem.cli.display import record

    records = [record(analysis) for analysis in analyses]
    for entry, comparison in zip(records, comparisons, strict=False):
        entry["dysnomia"] = asdict(comparison)
    print(json.dumps(records if series else records[0], ensure_ascii=False))


def _say_notes(analysis: Analysis, data: Reflections) -> None:
    """What came up in the work, beyond what was said of the data already."""
    for note in analysis.result.notes:
        if note not in data.notes:
            print(f"{analysis.result.name}: {note}", file=sys.stderr)


def _say_what_is_missing(analyses: list[Analysis], skipped: list[Path]) -> None:
    for analysis in analyses:
        statistics = analysis.result.statistics
        if statistics["stopped"]:
            print(
                f"{analysis.result.name}: not converged, stopped at χ² = {statistics['chi2']:.4g}",
                file=sys.stderr,
            )
    if skipped:
        names = ", ".join(file.name for file in skipped)
        print(f"not reconstructed: {names}", file=sys.stderr)
