"""`ixs watch`: follow a folder of scans from a terminal at the beamline."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from ixs_core.errors import InputError

if TYPE_CHECKING:
    from ixs_core.jobs import CancelToken
    from ixs_reduce.batch import FitOptions
    from ixs_reduce.resolution import Resolution
    from ixs_reduce.watch import WatchOptions


def watch(
    folder: Annotated[
        Path, typer.Argument(help="Folder that scans are written to.", show_default=False)
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Project file (made when it is not there).")
    ],
    fit: Annotated[bool, typer.Option("--fit", help="Fit modes, too.")] = False,
    resolution: Annotated[
        Path | None,
        typer.Option(help="Resolutions from `ixs resolution`. [default: of experiment or project]"),
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(help="Profile that explains the labels: its name, or a TOML file."),
    ] = None,
    experiment: Annotated[
        Path | None, typer.Option(help="Experiment file; see `ixs init`.")
    ] = None,
    modes: Annotated[str, typer.Option(help="Number of modes, or auto.")] = "auto",
    analyzers: Annotated[
        str | None, typer.Option(help='Fit only these, as "Ana7,Ana8". [default: all that live]')
    ] = None,
    interval: Annotated[float, typer.Option(help="Seconds between looks.")] = 2.0,
    quiet: Annotated[
        float,
        typer.Option(help="Seconds without a new point after which an incomplete scan has ended."),
    ] = 300.0,
    once: Annotated[
        bool, typer.Option("--once", help="Take all scans as ended, and stop when all are done.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object per line and event on stdout.")
    ] = False,
) -> None:
    """Follow a folder while scans are measured: reduce and fit as points arrive.

    One line per scan: points, counts of the living analyzers, then for the analyzer with most
    counts the energy zero and the lowest mode, with errors in the last digits. When a scan is
    over, all ended scans are fitted together, as `ixs fit` does. Ctrl-C stops: what is not yet
    written is written, and the exit code is 0; a second Ctrl-C stops at once, with 130.

    Example: ixs watch /data/run12 -o run12.h5 --fit --resolution R.h5
    """
    from ixs_core.jobs import CancelToken
    from ixs_reduce.cli.watch_display import display
    from ixs_reduce.watch import Watcher

    options = _options(output, fit, resolution, profile, experiment, modes, analyzers)
    options = _timed(options, interval, quiet)
    cancel = CancelToken()
    with display(folder, as_json=as_json) as shown, _stopping(cancel, shown.stopping):
        watcher = Watcher(folder, options, shown.status, shown.message, cancel)
        shown.follow(watcher)
        if once:
            watcher.run_once()
        else:
            watcher.run()


def _options(
    output: Path,
    fit: bool,
    resolution: Path | None,
    profile: str | None,
    experiment: Path | None,
    modes: str,
    analyzers: str | None,
) -> WatchOptions:
    from ixs_reduce.experiment_options import load_plan
    from ixs_reduce.watch import WatchOptions

    plan = load_plan(experiment)
    resolution = resolution or (plan.resolution if fit else None)
    given = [path for path in (resolution, experiment) if path is not None]
    if not fit:
        return WatchOptions(output, plan, profile, sources=tuple(given))
    return WatchOptions(
        output,
        plan,
        profile,
        fit=_fit_options(modes, analyzers),
        resolutions=_resolutions(output, resolution),
        sources=tuple(given),
    )


def _timed(options: WatchOptions, interval: float, quiet: float) -> WatchOptions:
    from dataclasses import replace

    for key, value in (("--interval", interval), ("--quiet", quiet)):
        if not value > 0:
            raise InputError("a time is not positive", key=key, found=value, expected="seconds")
    return replace(options, interval_s=interval, quiet_s=quiet)


def _fit_options(modes: str, analyzers: str | None) -> FitOptions:
    from ixs_reduce.batch import FitOptions

    if modes != "auto" and not (modes.isdecimal() and int(modes) <= 20):
        raise InputError(
            "not a number of modes", key="--modes", found=modes, expected="0 to 20, or auto"
        )
    names = None
    if analyzers is not None:
        names = tuple(analyzers.replace(",", " ").split())
    return FitOptions(modes="auto" if modes == "auto" else int(modes), analyzers=names)


def _resolutions(output: Path, given: Path | None) -> dict[str, Resolution]:
    from ixs_core.project import Project
    from ixs_reduce.resolution_file import load_resolutions

    if given is None and output.exists():
        with Project(output).reading() as h5:
            has_own = "entry/resolutions" in h5 and len(h5["entry/resolutions"]) > 0
        given = output if has_own else None
    if given is None:
        raise InputError(
            "there are no resolution functions to fit with",
            key="--resolution",
            hint="give --resolution R.h5 (from `ixs resolution`), or leave --fit out",
        )
    return load_resolutions(given)


@contextmanager
def _stopping(cancel: CancelToken, tell: Callable[[], None]) -> Iterator[None]:
    """Ctrl-C and SIGTERM end the watcher between two writes; the second time they interrupt."""

    def stop(number: int, frame: FrameType | None) -> None:
        if cancel.cancelled:
            raise KeyboardInterrupt
        cancel.cancel()
        tell()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
