"""`ixs resolution`: the resolution function of each analyzer."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ixs_core.errors import InputError

if TYPE_CHECKING:
    from ixs_core.jobs import CancelToken
    from ixs_reduce.resolution_choice import ResolutionScan
    from ixs_reduce.resolution_fit import ResolutionFit, ResolutionOptions
    from ixs_reduce.scan import Scan

_POOR = 2.0  # deviance per degree of freedom from which a fit does not describe the scan


def resolution(
    files: Annotated[
        list[Path], typer.Argument(help="Scans of PMMA, Tempax or another elastic scatterer.")
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="File for the resolutions. [default: they are only shown]"
        ),
    ] = None,
    scans: Annotated[str | None, typer.Option(help='Scans, as "2,4,6".')] = None,
    profile: Annotated[
        str | None,
        typer.Option(help="Profile that explains the labels: its name, or a TOML file."),
    ] = None,
    experiment: Annotated[
        Path | None, typer.Option(help="Experiment file (monitor, energy scale, mask).")
    ] = None,
    window: Annotated[
        str | None,
        typer.Option(help="Fit within LOW:HIGH meV of the peak: --window=-12:12. [default: all]"),
    ] = None,
    tail: Annotated[
        float,
        typer.Option(help="Components of larger FWHM (meV) are the scatterer's and are cut off."),
    ] = 8.0,
    max_components: Annotated[
        int, typer.Option(min=1, max=12, help="At most so many Gaussians and Lorentzians.")
    ] = 6,
    numeric: Annotated[
        bool, typer.Option("--numeric", help="Take R as measured instead of as a sum.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable on stdout.")] = False,
) -> None:
    """Fit the resolution function R(E) of each analyzer to scans of an elastic scatterer.

    Where an analyzer was measured several times, the scan with most counts at the lower |Q| counts;
    the others are listed.

    Example: ixs resolution plexiglas_1.spec -o R.h5 --window=-12:12
    """
    from ixs_core.jobs import CancelToken, parallel_map, terminal_progress
    from ixs_reduce.experiment_options import load_plan
    from ixs_reduce.resolution_fit import ResolutionOptions

    options = ResolutionOptions(max_components, _window(window), _positive(tail), numeric)
    plan = load_plan(experiment)
    if output is not None:
        _check_output(output)
    chosen, used, notes = _chosen(files, plan, profile, scans)
    cancel = CancelToken()
    with terminal_progress("resolutions", silent=as_json) as progress:
        outcomes = parallel_map(
            lambda scan: _fitted(scan, options, cancel), chosen, progress=progress, cancel=cancel
        )
    fits = [outcome for outcome in outcomes if not isinstance(outcome, InputError)]
    failures = [outcome for outcome in outcomes if isinstance(outcome, InputError)]
    if not fits:
        raise failures[0]
    if output is not None:
        settings = {"options": options, "scans": scans, "experiment": experiment}
        _write(output, fits, settings, used)
    if as_json:
        print(json.dumps({"analyzers": [_as_json(fit) for fit in fits]}, allow_nan=False, indent=1))
    else:
        _show(fits, output)
    for line in (*notes, *_remarks(fits), *(f"not fitted: {error}" for error in failures)):
        typer.echo(line, err=True)
    if output is None:
        typer.echo("nothing was written; give -o R.h5 to keep the resolutions", err=True)


def _chosen(
    files: Sequence[Path], plan: Any, profile: str | None, selection: str | None
) -> tuple[tuple[ResolutionScan, ...], list[Scan], list[str]]:
    """The scan of each analyzer, the scans looked at, and what was not used."""
    from ixs_reduce.experiment_options import check_names, options_for
    from ixs_reduce.reduction import reduce_scan
    from ixs_reduce.resolution_choice import choose_resolution_scans, wanted_analyzers
    from ixs_reduce.scan_choice import choose_scans

    spectra = []
    used: list[Scan] = []
    notes = list(plan.notes)
    for path in files:
        part = choose_scans(path, plan, profile=profile, selection=selection)
        notes += [f"not read: {error}" for error in part.scan_file.problems]
        notes += [f"left out: {i.file} scan {i.scan}: {i.reason}" for i in part.left_out]
        for scan in part.scans:
            wanted = wanted_analyzers(scan)
            if scan.main_analyzer is None:
                notes += [
                    f"not fitted: scan {scan.label} {a.name}: dead or nearly so"
                    for a in scan.analyzers
                    if a.name not in wanted
                ]
            spectra += [
                s for s in reduce_scan(scan, options_for(scan, plan)) if s.analyzer in wanted
            ]
        used += part.scans
    check_names(plan, used)
    if not spectra:
        raise InputError("no analyzer is left to fit", file=files[0])
    return choose_resolution_scans(spectra), used, notes


def _fitted(
    scan: ResolutionScan, options: ResolutionOptions, cancel: CancelToken
) -> ResolutionFit | InputError:
    """The fit of one analyzer; what cannot be fitted must not keep the others from it."""
    from ixs_reduce.resolution_fit import fit_resolution

    try:
        return replace(fit_resolution(scan.spectrum, options, cancel), others=scan.others)
    except InputError as error:
        return error


def _write(
    output: Path, fits: Sequence[ResolutionFit], settings: Mapping[str, Any], used: Sequence[Scan]
) -> None:
    from ixs_core.project import Project
    from ixs_core.provenance import provenance_of
    from ixs_reduce.store import write_resolutions

    sources = dict.fromkeys((scan.source.path.name, scan.source.sha256) for scan in used)
    provenance = replace(provenance_of("ixs resolution", settings), sources=tuple(sources))
    with Project(output).writing() as h5:
        write_resolutions(h5, fits, provenance)


def _check_output(output: Path) -> None:
    """Find out before the long fits, not after, that the result could not be written."""
    import errno
    import os

    from ixs_core.atomic import write_failure
    from ixs_core.project import Project

    folder = output.resolve().parent
    number = 0
    if not folder.is_dir():
        number = errno.ENOENT
    elif not os.access(folder, os.W_OK, effective_ids=os.access in os.supports_effective_ids):
        number = errno.EACCES
    failure = write_failure(OSError(number, os.strerror(number)), output)
    if failure is not None:
        raise failure
    if output.exists():
        with Project(output).reading():
            pass


def _window(text: str | None) -> tuple[float, float] | None:
    if text is None:
        return None
    low, _, high = text.partition(":")
    try:
        window = float(low), float(high)
    except ValueError:
        window = (0.0, 0.0)
    if not window[0] < 0 < window[1]:
        raise InputError(
            "the window is not understood", key="--window", found=text, expected="--window=-12:12"
        )
    return window


def _positive(tail: float) -> float:
    if not tail > 0:
        raise InputError("the tail setting is no width", key="--tail", found=tail, expected="> 0")
    return tail


def _as_json(fit: ResolutionFit) -> dict[str, Any]:
    spectrum, function = fit.spectrum, fit.resolution
    record: dict[str, Any] = {
        "name": fit.analyzer,
        "scan": spectrum.scan,
        "file": spectrum.file,
        "q_abs": spectrum.q_abs,
        "kind": "numeric" if function.numeric else "components",
        "components": [component._asdict() for component in function.components],
        "fwhm_mev": fit.fwhm_mev,
        "fwhm_err": fit.fwhm_err,
        "e_zero_mev": fit.e_zero_mev,
        "e_zero_err": fit.e_zero_err,
        "deviance": fit.deviance,
        "dof": fit.dof,
        "bic": fit.bic,
        "cut_share": _cut_share(fit),
        "others": list(fit.others),
    }
    if function.numeric:
        record["table"] = function.to_record()["table"]
    return record


def _cut_share(fit: ResolutionFit) -> float:
    """Share of the fitted area that is the scatterer's and was cut from R."""
    total = sum(component.weight for component in fit.components)
    return sum(component.weight for component in fit.broad) / total


def _remarks(fits: Sequence[ResolutionFit]) -> list[str]:
    from ixs_reduce.flag_words import flag_words

    lines = [
        f"{fit.analyzer}: deviance/dof is {fit.reduced_deviance:.2f}: this sum does not describe "
        "the scan; try another window, more components, or --numeric"
        for fit in fits
        if fit.reduced_deviance > _POOR
    ]
    for fit in fits:
        own = [flag for flag in fit.spectrum.flags if flag.analyzer == fit.analyzer]
        if own:
            lines.append(f"scan {fit.spectrum.scan}: {flag_words(own)}")
    return lines


def _show(fits: Sequence[ResolutionFit], output: Path | None) -> None:
    from ixs_core.terminal_tables import Column, print_table

    numbers = (
        "scan",
        "|Q| (1/Å)",
        "FWHM (meV)",
        "E=0 at (meV)",
        "deviance/dof",
        "components",
        "cut",
    )
    columns = [Column("analyzer", text=True), *(Column(name) for name in numbers)]
    rows = [_row(fit) for fit in fits]
    after = ["cut: share of the area in components beyond the tail setting, not part of R"]
    if output is not None:
        after.append(f"{len(fits)} resolution functions written to {output}")
    print_table([*columns, Column("not used", text=True)], rows, after)


def _row(fit: ResolutionFit) -> list[str]:
    spectrum = fit.spectrum
    return [
        fit.analyzer,
        spectrum.scan or "",
        f"{spectrum.q_abs:.3f}" if spectrum.q_abs is not None else "",
        _with_error(fit.fwhm_mev, fit.fwhm_err),
        _with_error(fit.e_zero_mev, fit.e_zero_err),
        f"{fit.reduced_deviance:.2f}",
        "as measured" if fit.resolution.numeric else str(len(fit.resolution.components)),
        f"{_cut_share(fit):.1%}",
        "; ".join(fit.others),
    ]


def _with_error(value: float, error: float) -> str:
    """A number with its error in the last digits: 1.523(4)."""
    if not 1e-4 <= error < 1:
        return f"{value:.4f}" if error < 1 else f"{value:.1f}"
    digits = 4 if error < 2e-3 else 3 if error < 2e-2 else 2
    return f"{value:.{digits}f}({error * 10**digits:.0f})"
