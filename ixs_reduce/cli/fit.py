"""`ixs fit`: spectra of a project into modes."""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

import typer

from ixs_core.errors import InputError

if TYPE_CHECKING:
    from ixs_core.project import Project
    from ixs_reduce.batch import FitOptions
    from ixs_reduce.project_fit import ProjectSpectra
    from ixs_reduce.resolution import Resolution

_SENSIBLE_FWHM_MEV = (0.05, 50.0)


def fit(
    project: Annotated[Path, typer.Argument(help="Project file.", show_default=False)],
    resolution: Annotated[
        Path | None,
        typer.Option(
            help="Resolutions: R.h5 or JSON of `ixs resolution`. [default: those in the project]"
        ),
    ] = None,
    modes: Annotated[str, typer.Option(help="Number of modes, auto, or predicted.")] = "auto",
    scans: Annotated[str | None, typer.Option(help='Scans, as "58-69,71". [default: all]')] = None,
    analyzers: Annotated[
        str | None, typer.Option(help='Only these, as "Ana7,Ana8". [default: all that live]')
    ] = None,
    csv: Annotated[Path | None, typer.Option(help="Write the table of modes as CSV.")] = None,
    zero: Annotated[
        list[str] | None,
        typer.Option(
            help="Energy zero in meV to start from, as Ana7=7.43 (repeatable). [default: found]"
        ),
    ] = None,
    temperature: Annotated[
        float | None, typer.Option(help="Sample temperature in K where the file gives none.")
    ] = None,
    fwhm: Annotated[
        float | None,
        typer.Option(help="Nominal FWHM of R in meV for analyzers without a measured one."),
    ] = None,
    background: Annotated[str, typer.Option(help="linear, constant or none.")] = "linear",
    quasielastic: Annotated[
        bool, typer.Option("--quasielastic", help="Add a quasi-elastic line.")
    ] = False,
    elastic: Annotated[bool, typer.Option(help="Elastic line.")] = True,
    objective: Annotated[str, typer.Option(help="poisson or chi2.")] = "poisson",
    starts: Annotated[
        int | None, typer.Option(help="Start points of each fit. [default: 4; 3 in a search]")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the scatter of start points.")] = 0,
    scheduler: Annotated[
        str | None, typer.Option(help="Work in processes: local:N, or tcp://host:port (dask).")
    ] = None,
    rerun: Annotated[
        bool, typer.Option("--rerun", help="Run the stored fits again and compare bit for bit.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable on stdout.")] = False,
) -> None:
    """Fit damped harmonic oscillators through each analyzer's resolution, and store the fits.

    Energy zeros are found from detailed balance where they are not given. Widths below what can
    be resolved come out as 95 % upper limits ("< 0.3"). Errors are one standard deviation.

    Example: ixs fit CdOsO.h5 --resolution R.h5 --modes auto --csv modes.csv
    """
    from ixs_core.jobs import terminal_progress
    from ixs_core.project import Project
    from ixs_reduce.cli.fit_display import as_json_of, show
    from ixs_reduce.export import mode_rows, write_csv
    from ixs_reduce.likelihood import LowCountsWarning
    from ixs_reduce.project_fit import fit_project, load_spectra

    store = Project(project)
    if rerun:
        _rerun(store, as_json)
        return
    if csv is not None:
        _check_table(csv, (project, resolution))
    options = _options(
        modes, analyzers, temperature, elastic, quasielastic, background, objective, starts, seed
    )
    loaded = _with_zeros(load_spectra(store, scans), zero or [])
    _check_names("--analyzers", options.analyzers or (), loaded)
    resolutions = _resolutions(store, resolution, loaded, fwhm)
    with (
        warnings.catch_warnings(),
        terminal_progress("fitting", silent=as_json) as progress,
    ):
        warnings.simplefilter("ignore", LowCountsWarning)  # said below the table
        result = fit_project(
            store,
            loaded,
            resolutions,
            options,
            sources=[resolution] if resolution else [],
            scheduler=scheduler,
            progress=progress,
        )
    rows = mode_rows(result.fits)
    if csv is not None:
        write_csv(csv, rows)
    if as_json:
        print(json.dumps(as_json_of(project, rows, result), indent=1, allow_nan=False))
        return
    show(result, project, csv)


def _options(
    modes: str,
    analyzers: str | None,
    temperature_k: float | None,
    elastic: bool,
    quasielastic: bool,
    background: str,
    objective: str,
    starts: int | None,
    seed: int,
) -> FitOptions:
    from ixs_reduce.batch import FitOptions
    from ixs_reduce.likelihood import Objective
    from ixs_reduce.spectrum_model import Background

    _check_choice("background", background, ("linear", "constant", "none"))
    _check_choice("objective", objective, ("poisson", "chi2"))
    if starts is not None and starts < 1:
        raise InputError("at least one start is needed", key="--starts", found=starts)
    if seed < 0:
        raise InputError("the seed is negative", key="--seed", found=seed, expected="0 or more")
    if temperature_k is not None and not 0 < temperature_k < float("inf"):
        raise InputError(
            "not a temperature", key="--temperature", found=temperature_k, expected="kelvin, > 0"
        )
    defaults = FitOptions()
    return FitOptions(
        modes=_modes(modes),
        analyzers=_names(analyzers),
        temperature_k=temperature_k,
        elastic=elastic,
        quasielastic=quasielastic,
        background=cast(Background, background),
        objective=cast(Objective, objective),
        starts=starts or defaults.starts,
        seed=seed,
        search=replace(defaults.search, starts=starts or defaults.search.starts),
    )


def _check_table(csv: Path, inputs: Sequence[Path | None]) -> None:
    """Before any fit: a table that cannot be written, or would replace an input, is refused."""
    if any(path is not None and csv.resolve() == path.resolve() for path in inputs):
        raise InputError(
            "the table would take the place of a file that is read", key="--csv", found=csv
        )
    if csv.is_dir() or not csv.resolve().parent.is_dir():
        raise InputError(
            "cannot be written: this is a folder"
            if csv.is_dir()
            else "cannot be written: the folder does not exist",
            file=csv,
            key="--csv",
        )


def _check_names(key: str, names: Sequence[str], loaded: ProjectSpectra) -> None:
    known = sorted({str(s.analyzer) for s in (*loaded.spectra, *loaded.masked)})
    for name in names:
        if name not in known:
            raise InputError("no such analyzer", key=key, found=name, expected=", ".join(known))


def _check_choice(key: str, value: str, choices: Sequence[str]) -> None:
    if value not in choices:
        raise InputError(f"unknown {key}", key=key, found=value, expected=", ".join(choices))


def _modes(text: str) -> int | Literal["auto", "predicted"]:
    if text in ("auto", "predicted"):
        return cast(Literal["auto", "predicted"], text)
    if not text.isdecimal() or int(text) > 20:
        raise InputError(
            "not a number of modes",
            key="--modes",
            found=text,
            expected="0 to 20, auto, or predicted",
        )
    return int(text)


def _names(text: str | None) -> tuple[str, ...] | None:
    """Names of analyzers, parted by commas or blanks."""
    return None if text is None else tuple(text.replace(",", " ").split())


def _with_zeros(loaded: ProjectSpectra, given: Sequence[str]) -> ProjectSpectra:
    """Zeros that the user gave, put into the spectra of their analyzers."""
    zeros: dict[str, float] = {}
    for text in given:
        name, _, number = text.partition("=")
        try:
            zeros[name.strip()] = float(number)
        except ValueError:
            zeros[name.strip()] = float("nan")
        if not abs(zeros[name.strip()]) < float("inf"):
            raise InputError("not a zero", key="--zero", found=text, expected="like Ana7=7.43")
        _check_names("--zero", [name.strip()], loaded)
    by_key = {
        key: tuple(
            replace(s, zero_mev=zeros[str(s.analyzer)], zero_err=None)
            if str(s.analyzer) in zeros
            else s
            for s in group
        )
        for key, group in loaded.by_key.items()
    }
    return replace(loaded, by_key=by_key)


def _resolutions(
    store: Project, path: Path | None, loaded: ProjectSpectra, fwhm: float | None
) -> dict[str, Resolution]:
    """Measured resolutions, and the nominal one where none was measured."""
    from ixs_reduce.resolution import Resolution
    from ixs_reduce.resolution_file import load_resolutions

    found: dict[str, Resolution] = {}
    if path is not None:
        found = load_resolutions(path)
    else:
        with store.reading() as h5:
            has_own = "entry/resolutions" in h5 and len(h5["entry/resolutions"]) > 0
        if has_own:
            found = load_resolutions(store.path)
    if fwhm is not None:
        low, high = _SENSIBLE_FWHM_MEV
        if not low <= fwhm <= high:
            raise InputError(
                "not a resolution", key="--fwhm", found=fwhm, expected=f"{low:g} to {high:g} meV"
            )
        for name in dict.fromkeys(str(spectrum.analyzer) for spectrum in loaded.spectra):
            found.setdefault(name, Resolution.nominal(fwhm, name))
    if not found:
        raise InputError(
            "there are no resolution functions",
            key="--resolution",
            hint="give --resolution R.h5 (from `ixs resolution`), or --fwhm 1.5 for a nominal one",
        )
    return found


def _rerun(store: Project, as_json: bool) -> None:
    """Run every stored fit again; an InputError when one comes out otherwise."""
    from ixs_reduce.fit_record import identical, rerun
    from ixs_reduce.store import fit_keys, read_fits

    with store.reading() as h5:
        fits = [fit for key in fit_keys(h5) for fit in read_fits(h5, key)]
    other = [fit.spectrum.label for fit in fits if not identical(fit, rerun(fit))]
    if as_json:
        print(json.dumps({"fits": len(fits), "different": other}))
    if not fits or other:
        raise InputError(
            f"{len(other)} of {len(fits)} fits come out otherwise" if fits else "there are no fits",
            file=store.path,
            found=", ".join(other) or None,
        )
    if not as_json:
        typer.echo(f"{len(fits)} fits run again: identical bit for bit")
