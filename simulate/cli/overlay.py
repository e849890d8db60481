"""`ixs overlay`: predictions laid over the measured spectra of a project."""

from __future__ import annotations

import csv
import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ixs_core.errors import InputError
from simulate.cli.options import AsJson, FrameTime, Scheduler, TypeMap

if TYPE_CHECKING:
    from ixs_core.project import Project
    from simulate.cli.overlay_sources import OverlaySource
    from simulate.measured_spectra import MeasuredSpectrum
    from simulate.spectrum_overlay import SpectrumOverlay


def overlay(
    project: Annotated[Path, typer.Argument(help="Project file.", show_default=False)],
    predictions: Annotated[
        list[Path],
        typer.Argument(help="Trajectories or force constants, any number.", show_default=False),
    ],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Figure: .pdf (a page per scan), .png, .svg."),
    ] = None,
    scans: Annotated[str | None, typer.Option(help='Scans, as "58-69,71". [default: all]')] = None,
    analyzers: Annotated[
        str | None, typer.Option(help='Only these, as "a03,a04". [default: all that live]')
    ] = None,
    cell: Annotated[
        str | None,
        typer.Option(help='Conventional cell of a trajectory, Å: "a b c". [default: measured one]'),
    ] = None,
    supercell: Annotated[
        str | None, typer.Option(help='Or: conventional cells in the simulation, "2 2 3".')
    ] = None,
    segment: Annotated[
        float | None,
        typer.Option(help="Time T per spectrum of a trajectory, ps. [default: half, 30 at most]"),
    ] = None,
    acceptance: Annotated[
        bool,
        typer.Option("--acceptance", help="Mean over the simulated Q inside each analyzer's."),
    ] = False,
    within: Annotated[
        float | None,
        typer.Option(help="Å⁻¹: no spectra farther than this from a simulated Q."),
    ] = None,
    linewidth: Annotated[
        str | None, typer.Option(help="Of phonons: FWHM in meV, or a table of energy and FWHM.")
    ] = None,
    elastic: Annotated[
        Literal["fitted", "simulated", "none"],
        typer.Option(help="Elastic line: an area of its own, the trajectory's, or none."),
    ] = "fitted",
    temperature: Annotated[
        float | None, typer.Option(help="K, where a trajectory or a scan has none.")
    ] = None,
    form_factor: Annotated[
        str | None, typer.Option(help='Ions, as "Cs1+,Cu1+,I1-". [default: neutral atoms]')
    ] = None,
    resolution: Annotated[
        Path | None, typer.Option(help="Resolutions: R.h5. [default: of the fits, the project]")
    ] = None,
    fwhm: Annotated[
        float | None, typer.Option(help="Nominal FWHM of R in meV where none was measured.")
    ] = None,
    type_map: TypeMap = None,
    dt: FrameTime = None,
    csv_file: Annotated[Path | None, typer.Option("--csv", help="Write the curves.")] = None,
    scheduler: Scheduler = None,
    as_json: AsJson = False,
) -> None:
    """Lay predictions over the spectra of a project, each through its analyzer's resolution.

    One scale for each spectrum, its elastic line and a constant background are fitted; χ² tells
    how well the rest agrees. A trajectory is compared with spectra of its own temperature (within
    10 %), at the wave vectors nearest to theirs that its cell holds. The overlays, and a
    trajectory's density modes, are kept in the project.

    Example: ixs overlay project.h5 run.h5 phonopy_300K.yaml --form-factor Cs1+,Cu1+,I1- -o fig.pdf
    """
    from ixs_core.jobs import interrupt_cancels
    from ixs_core.picture_files import check_figure_name
    from ixs_core.project import Project
    from simulate.cli.calculation import check_temperature
    from simulate.cli.md_options import check_table_name
    from simulate.cli.overlay_sources import Requests, overlaid

    if output is not None:
        check_figure_name(output, "--output")
    check_temperature(temperature)
    check_table_name(csv_file)
    _check_files(predictions, output, within)
    store = Project(project)
    with store.reading():
        """What is no project is told first."""
    with store.writing():
        """And a project that cannot be written before the work, not after it."""
    requests = Requests(
        cell=cell,
        supercell=supercell,
        segment_ps=segment,
        acceptance=acceptance,
        within=within,
        linewidth=linewidth,
        elastic=elastic,
        temperature_k=temperature,
        form_factor=form_factor,
        type_map=type_map,
        dt_fs=dt,
        scheduler=scheduler,
        alike=tuple(
            name for name, count in Counter(p.name for p in predictions).items() if count > 1
        ),
    )
    with interrupt_cancels("stopping") as cancel:
        measured, notes = _measured(store, scans, analyzers, resolution, fwhm)
        found = [
            overlaid(path, store, measured, scans, requests, cancel, quiet=as_json)
            for path in predictions
        ]
    _store(store, found, requests)
    overlays = [one for source in found for one in source.overlays]
    if csv_file is not None:
        _write_csv(csv_file, overlays)
    if output is not None:
        _write_figures(output, overlays)
    if as_json:
        print(json.dumps(_record(found, notes)))
    else:
        _show(found, notes)


def _check_files(predictions: Sequence[Path], output: Path | None, within: float | None) -> None:
    """Raise an InputError for files that are not there, before any work."""
    for path in predictions:
        if not path.is_file():
            raise InputError("no such file", file=path)
    if output is not None and not output.resolve().parent.is_dir():
        raise InputError("there is no such folder", file=output.parent, key="--output")
    if within is not None and not within >= 0:
        raise InputError("is no distance", key="--within", found=within, expected="Å⁻¹, 0 or more")


def _measured(
    store: Project,
    scans: str | None,
    analyzers: str | None,
    resolution: Path | None,
    fwhm: float | None,
) -> tuple[list[MeasuredSpectrum], tuple[str, ...]]:
    from ixs_core.project import list_results
    from ixs_reduce.project_fit import load_spectra
    from ixs_reduce.resolution_file import load_resolutions
    from simulate.cli.calculation import resolutions_for
    from simulate.measured_spectra import measured_spectra

    functions = {}
    with store.reading() as h5:
        has_own = bool(list_results(h5, "resolutions"))
    path = resolution if resolution is not None else store.path if has_own else None
    if path is not None or fwhm is not None:
        known = {} if path is None else load_resolutions(path)
        names = {str(s.analyzer) for s in load_spectra(store, scans).spectra}
        wanted = sorted(names if fwhm is not None else names.intersection(known))
        functions = dict(zip(wanted, resolutions_for(path, fwhm, wanted), strict=True))
    chosen = None if analyzers is None else analyzers.replace(",", " ").split()
    return measured_spectra(
        store, functions, scans=scans, analyzers=chosen, given=resolution is not None
    )


def _store(store: Project, found: Sequence[OverlaySource], requests: Any) -> None:
    """All overlays in one transaction."""
    from ixs_core.provenance import provenance_of
    from simulate.overlay_store import write_overlays

    with store.writing() as h5:
        for source in found:
            keys = dict.fromkeys(one.key for one in source.overlays)
            made = provenance_of(
                "ixs overlay",
                {"prediction": source.path.name, "requests": requests},
                sources=source.files,
                parents=[f"spectra/{key}" for key in keys],
            )
            write_overlays(h5, source.overlays, made, source.notes)
    print(f"written: {store.path}", file=sys.stderr)


def _write_figures(output: Path, overlays: Sequence[SpectrumOverlay]) -> None:
    """A page for each scan, or, where the format has no pages, a file for each."""
    from ixs_core.picture_files import write_figure
    from ixs_reduce.figure_files import write_pdf
    from simulate.overlay_figures import overlay_figure, scans_of, sources_of

    groups = scans_of(overlays)
    sources = sources_of(overlays)
    if output.suffix.lower() == ".pdf":
        write_pdf(output, [overlay_figure(group, sources) for group in groups.values()])
        print(f"written: {output}, {len(groups)} pages", file=sys.stderr)
        return
    for key, group in groups.items():
        name = f"{output.stem}-{key}{output.suffix}" if len(groups) > 1 else output.name
        write_figure(output.with_name(name.replace("/", "_")), overlay_figure(group, sources))


def _write_csv(path: Path, overlays: Sequence[SpectrumOverlay]) -> None:
    from ixs_core.atomic import atomic_write

    curves = ("counts", "exposure", "expected", "inelastic", "elastic", "background")
    with atomic_write(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["prediction", "scan", "analyzer", "h", "k", "l", "energy_mev", *curves])
        for one in overlays:
            start = [one.source, one.scan, one.analyzer, *(f"{x:.6g}" for x in one.q_hkl)]
            energy = one.overlay.energy_mev - one.zero_mev
            columns = [energy, *(getattr(one.overlay, name) for name in curves)]
            for row in zip(*columns, strict=True):
                writer.writerow([*start, *(f"{value:.8g}" for value in row)])
    print(f"written: {path}", file=sys.stderr)


def _record(found: Sequence[OverlaySource], notes: Sequence[str]) -> dict[str, Any]:
    from ixs_core.provenance import plain

    record: dict[str, Any] = plain(
        {
            "overlays": [
                {
                    "prediction": one.source,
                    "scan": one.scan,
                    "analyzer": one.analyzer,
                    "q_hkl": one.q_hkl,
                    "predicted_hkl": one.predicted_hkl,
                    "distance": one.distance,
                    "scale": one.overlay.scale,
                    "scale_err": one.overlay.scale_err,
                    "chi2": one.overlay.chi2,
                    "dof": one.overlay.dof,
                    "notes": one.overlay.notes,
                }
                for source in found
                for one in source.overlays
            ],
            "notes": [*notes, *(note for source in found for note in source.notes)],
        }
    )
    return record


def _show(found: Sequence[OverlaySource], notes: Sequence[str]) -> None:
    from ixs_core.terminal_tables import Column, hkl_text, print_table

    for source in found:
        columns = [
            *(Column(name, text=True) for name in ("scan", "analyzer", "Q", "Q predicted")),
            *map(Column, ("|ΔQ| (Å⁻¹)", "scale", "±", "χ²/n")),
        ]
        rows = [
            [
                one.scan,
                one.analyzer,
                hkl_text(one.q_hkl),
                hkl_text(one.predicted_hkl),
                f"{one.distance:.3f}",
                f"{one.overlay.scale:.3g}",
                f"{one.overlay.scale_err:.1g}",
                f"{one.overlay.reduced_chi2:.2f}",
            ]
            for one in source.overlays
        ]
        print(f"{source.path.name}: scale in counts per exposure for 1 e² per atom")
        print_table(columns, rows, _said(source))
    for note in notes:
        print(note, file=sys.stderr)


def _said(source: OverlaySource) -> list[str]:
    """Median and scatter of the scales and of χ², and what to know of all spectra."""
    import numpy as np

    scales = np.array([one.overlay.scale for one in source.overlays])
    chi2 = np.array([one.overlay.reduced_chi2 for one in source.overlays])
    counts: dict[str, int] = {}
    for one in source.overlays:
        for note in one.overlay.notes:
            counts[note] = counts.get(note, 0) + 1
    spread = float(np.median(np.abs(scales / np.median(scales) - 1))) if np.median(scales) else 0.0
    return [
        f"{len(scales)} spectra: median χ²/n {np.median(chi2):.3g}; scales scatter by "
        f"{100 * spread:.0f} % (median)",
        *source.notes,
        *(f"{count} spectra: {note}" for note, count in counts.items()),
    ]
