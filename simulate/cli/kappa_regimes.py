"""`ixs kappa regimes`: lifetimes, calculated and measured, between two limits."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ixs_core.errors import InputError
from simulate.cli.options import AsJson, FigureFile, KeptIn

if TYPE_CHECKING:
    from simulate.phonons import PhononModel
    from simulate.transport import Linewidths, MeasuredWidths
    from simulate.transport.regimes import Lifetimes, MatchedLine, RegimeLimits


_SAME_CRYSTAL = 1.3  # Δω_avg of other potentials of a crystal differ by less


def regimes(
    linewidths: Annotated[
        list[Path] | None,
        typer.Argument(help="Calculated: kappa-m*.hdf5, ShengBTE folder, table."),
    ] = None,
    force_constants: Annotated[
        Path | None,
        typer.Option(help="Of the crystal: to match measured lines to branches at their Q."),
    ] = None,
    project: Annotated[
        Path | None,
        typer.Option(help="Project: its fits, and its linewidths of simulations."),
    ] = None,
    scans: Annotated[
        str | None,
        typer.Option(
            help='Scans of it, as "58-69". [default: all, of this crystal with force constants]'
        ),
    ] = None,
    fits: Annotated[
        Path | None, typer.Option(help="Or the lines of `ixs fit --csv`, or a table like it.")
    ] = None,
    temperature: Annotated[float, typer.Option(help="K.")] = 300.0,
    output: KeptIn = None,
    csv_file: Annotated[Path | None, typer.Option("--csv", help="Write all lines.")] = None,
    figure: FigureFile = None,
    as_json: AsJson = False,
) -> None:
    """Lifetimes against the limits of Ioffe-Regel (1/ω) and Wigner (1/Δω_avg).

    Above Wigner's limit heat travels as particles, below it tunnels between branches as a wave;
    below Ioffe-Regel a phonon decays before it has vibrated once. Measured lifetimes stand on top
    with their errors, and unresolved widths as lower limits of the lifetime.

    Example: ixs kappa regimes kappa-m333.hdf5 --force-constants FC.yaml --project project.h5
    --figure regimes.png
    """
    from ixs_core.picture_files import check_figure_name
    from simulate.cli.calculation import check_temperature
    from simulate.cli.md_options import check_project_name, check_table_name

    check_temperature(temperature)
    check_project_name(output)
    check_table_name(csv_file)
    if figure is not None:
        check_figure_name(figure)
    if not linewidths and force_constants is None:
        raise typer.BadParameter("give linewidths, or --force-constants for the limits")
    if project is not None and fits is not None:
        raise typer.BadParameter("give one of --project, --fits")
    calculated = _calculated(linewidths or [], temperature)
    model = None if force_constants is None else _model(force_constants)
    measured = _measured(project, force_constants, scans, fits)
    sources = _sources(calculated, project, measured, temperature)
    lines = None if measured is None else measured.near(temperature)
    notes = () if lines is None else lines.notes
    for note in notes:
        print(f"NOTE: {note}", file=sys.stderr)
    limits = _limits(calculated, model)
    matched = _matched(lines, model, calculated, temperature)
    files = [*(linewidths or []), *(one for one in (force_constants, project, fits) if one)]
    if csv_file is not None:
        _write(csv_file, sources, limits)
    if figure is not None:
        from ixs_core.picture_files import write_figure
        from simulate.transport.regime_figures import regimes_figure

        write_figure(figure, regimes_figure(sources, limits, f"{temperature:g} K"))
    if output is not None:
        _keep(output, sources, limits, temperature, files)
    if as_json:
        print(json.dumps(_record(sources, limits, matched, lines)))
    else:
        _show(sources, limits, matched, lines)


def _calculated(paths: Sequence[Path], kelvin: float) -> list[Linewidths]:
    from simulate.transport import read_linewidths

    found = []
    for path in paths:
        one = read_linewidths(path, temperature_k=kelvin)
        for note in one.notes:
            print(f"NOTE: {path.name}: {note}", file=sys.stderr)
        found.append(one)
    return found


def _model(path: Path) -> PhononModel:
    from simulate.cli.kappa_options import phonon_model

    return phonon_model(path, None)


def _measured(
    project: Path | None, force_constants: Path | None, scans: str | None, fits: Path | None
) -> MeasuredWidths | None:
    from ixs_core.project import Project
    from simulate.cli.project_cells import cells_of_spectra, scans_of_crystal
    from simulate.transport.measured_widths import read_project_widths, read_width_csv

    if fits is not None:
        return read_width_csv(fits)
    if project is None:
        return None
    store = Project(project)
    if force_constants is not None:
        return read_project_widths(project, scans_of_crystal(store, force_constants, scans))
    return read_project_widths(project, cells_of_spectra(store, scans))


def _sources(
    calculated: Sequence[Linewidths],
    project: Path | None,
    measured: MeasuredWidths | None,
    kelvin: float,
) -> list[Lifetimes]:
    from simulate.transport.regimes import lifetimes_of, measured_lifetimes

    sources = [lifetimes_of(one, kelvin) for one in calculated]
    sources += [] if project is None else _simulated(project, kelvin)
    if measured is not None:
        sources.append(measured_lifetimes(measured, kelvin))
    if not sources:
        raise InputError(
            "there are no lifetimes", hint="give linewidths, --project with fits, or --fits"
        )
    return sources


def _simulated(path: Path, kelvin: float) -> list[Lifetimes]:
    """Branches of the simulations of a project at about this temperature, run by run."""
    from ixs_core.project import Project
    from simulate.md.mode_lines import ModeLinewidths
    from simulate.md.project_results import md_results
    from simulate.spectrum_overlay import SAME_TEMPERATURE
    from simulate.transport.regimes import simulated_lifetimes

    with Project(path).reading() as h5:
        stored = md_results(h5, ModeLinewidths)
    runs: dict[str, list[ModeLinewidths]] = {}
    for lines in stored.values():
        if abs(lines.temperature_k - kelvin) <= SAME_TEMPERATURE * kelvin:
            runs.setdefault(lines.name, []).append(lines)
    return [simulated_lifetimes(lines, f"MD, {name}") for name, lines in runs.items()]


def _limits(calculated: Sequence[Linewidths], model: PhononModel | None) -> RegimeLimits:
    """Of the first linewidths, else of the force constants on a mesh of the zone."""
    import numpy as np

    from simulate.transport.regimes import regime_limits

    if calculated:
        found = [regime_limits(one.energy_mev) for one in calculated]
        spacings = [one.average_spacing_mev for one in found]
        if max(spacings) > _SAME_CRYSTAL * min(spacings):
            raise InputError(
                "these linewidths are of different crystals",
                found="Δω_avg " + ", ".join(f"{spacing:.3g}" for spacing in spacings) + " meV",
                expected="one crystal for one figure",
            )
        return found[0]
    assert model is not None
    steps = np.stack(np.meshgrid(*[np.arange(8) / 8] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    return regime_limits(model.modes(steps @ model.force_constants.conventional.T).energy_mev)


def _matched(
    measured: MeasuredWidths | None,
    model: PhononModel | None,
    calculated: Sequence[Linewidths],
    kelvin: float,
) -> list[MatchedLine]:
    from simulate.transport import LinewidthSeries
    from simulate.transport.regimes import match_branches

    if measured is None or model is None:
        return []
    series = LinewidthSeries(calculated[0], model) if calculated else None
    return match_branches(measured, model, kelvin, series)


def _write(path: Path, sources: Sequence[Lifetimes], limits: RegimeLimits) -> None:
    from ixs_core.atomic import atomic_write
    from simulate.transport.regimes import REGIMES

    columns = ("energy_mev", "energy_err", "fwhm_mev", "fwhm_err")
    with atomic_write(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["source", *columns, "limit", "lifetime_ps", "weight", "regime"])
        for one in sources:
            codes, decided = limits.regime(one.energy_mev, one.fwhm_mev), one.decided(limits)
            for i, code in enumerate(codes):
                values = [f"{getattr(one, name)[i]:.6g}" for name in columns]
                upper = "upper" if one.is_limit[i] else ""
                regime = REGIMES[code] if decided[i] else "open"
                tau = f"{one.lifetime_ps[i]:.6g}"
                writer.writerow([one.name, *values, upper, tau, f"{one.weight[i]:g}", regime])
    print(f"written: {path}", file=sys.stderr)


def _keep(
    project: Path,
    sources: Sequence[Lifetimes],
    limits: RegimeLimits,
    kelvin: float,
    files: Sequence[Path],
) -> None:
    from ixs_core.project import Project
    from ixs_core.provenance import provenance_of
    from simulate.transport.regimes_store import write_regimes

    own = [path for path in files if path.is_file() and path.resolve() != project.resolve()]
    made = provenance_of("ixs kappa regimes", {"temperature_k": kelvin}, sources=own)
    with Project(project).writing() as h5:
        write_regimes(h5, f"{kelvin:g} K", sources, limits, made)
    print(f"written: {project}", file=sys.stderr)


def _record(
    sources: Sequence[Lifetimes],
    limits: RegimeLimits,
    matched: Sequence[MatchedLine],
    measured: MeasuredWidths | None,
) -> dict[str, Any]:
    from ixs_core.provenance import plain
    from simulate.transport.regimes import REGIMES

    record: dict[str, Any] = plain(
        {
            "wigner_ps": limits.wigner_ps,
            "average_spacing_mev": limits.average_spacing_mev,
            "sources": [
                {
                    "name": one.name,
                    "temperature_k": one.temperature_k,
                    "lines": len(one.energy_mev),
                    "limits": int(one.is_limit.sum()),
                    "open": int((~one.decided(limits)).sum()),
                    "shares": dict(zip(REGIMES, one.shares(limits), strict=True)),
                    "below_ioffe_regel": int(
                        ((one.fwhm_mev > one.energy_mev) & one.decided(limits)).sum()
                    ),
                }
                for one in sources
            ],
        }
    )
    if measured is not None:
        record["notes"] = list(measured.notes)
        record["matched"] = plain([_match_record(line, measured) for line in matched])
    return record


def _match_record(line: MatchedLine, measured: MeasuredWidths) -> dict[str, Any]:
    return {
        "branch": line.branch,
        "q_hkl": measured.q_hkl[line.row],
        "energy_mev": measured.energy_mev[line.row],
        "fwhm_mev": measured.fwhm_mev[line.row],
        "is_limit": bool(measured.is_limit[line.row]),
        "calculated_mev": line.energy_mev,
        "calculated_fwhm_mev": line.fwhm_mev,
        "distance": line.distance,
    }


def _show(
    sources: Sequence[Lifetimes],
    limits: RegimeLimits,
    matched: Sequence[MatchedLine],
    measured: MeasuredWidths | None,
) -> None:
    import numpy as np

    from ixs_core.terminal_tables import Column, print_table
    from simulate.transport.regimes import REGIMES

    columns = [
        Column("source", text=True),
        *map(Column, ("lines", "limits", "open", *(f"{name} (%)" for name in REGIMES))),
    ]
    rows = [
        [
            one.name,
            str(len(one.energy_mev)),
            str(int(one.is_limit.sum())),
            str(int((~one.decided(limits)).sum())),
            *(f"{100 * share:.1f}" for share in one.shares(limits)),
        ]
        for one in sources
    ]
    after = [
        f"Wigner: Δω_avg = {limits.average_spacing_mev:.3g} meV, τ = {limits.wigner_ps:.3g} ps",
        "open: limits of widths that leave the regime open; shares are of all other modes",
    ]
    known = [line for line in matched if np.isfinite(line.fwhm_mev)]
    if matched:
        after.append(f"{len(matched)} measured lines have a branch within reach at their Q")
    if known and measured is not None:
        after.append(_compared(known, measured))
    print_table(columns, rows, after)


def _compared(known: Sequence[MatchedLine], measured: MeasuredWidths) -> str:
    """Measured over calculated widths of resolved lines."""
    import numpy as np

    pairs = [(measured.fwhm_mev[k.row], k.fwhm_mev) for k in known if not measured.is_limit[k.row]]
    far = float(np.median([line.distance for line in known]))
    if not pairs:
        return "no measured width is resolved"
    ratio = float(np.median([one / other for one, other in pairs if other > 0]))
    return (
        f"measured over calculated widths: median {ratio:.2g} of {len(pairs)} resolved lines; "
        f"calculated at the nearest q of the mesh, median |Δq| {far:.2g} Å⁻¹"
    )
