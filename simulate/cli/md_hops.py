"""`ixs md hops`: ions that move from site to site."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ixs_core.errors import InputError
from simulate.cli.options import AsJson, FrameTime, KeptIn, Scheduler, TypeMap

if TYPE_CHECKING:
    from ixs_core.jobs import CancelToken
    from simulate.md.hop_statistics import HopRate
    from simulate.md.hopping import Hops
    from simulate.md.trajectory import Trajectory


def hops(
    file: Annotated[Path, typer.Argument(help="Trajectory.", show_default=False)],
    element: Annotated[
        str | None, typer.Option(help="Which ions hop. [default: Li, Na, Cu or Ag]")
    ] = None,
    core_radius: Annotated[
        float | None,
        typer.Option(help="Å: nearer to a site than this, an ion has arrived. [default: chosen]"),
    ] = None,
    type_map: TypeMap = None,
    dt: FrameTime = None,
    output: KeptIn = None,
    figure: Annotated[
        Path | None,
        typer.Option(help="Paths of the ions that go farthest against time: .png, .pdf, .svg."),
    ] = None,
    ions: Annotated[int, typer.Option(help="How many ions the figure shows.")] = 5,
    van_hove: Annotated[
        Path | None, typer.Option(help="Figure of G_s along x, y, z after some times.")
    ] = None,
    times: Annotated[
        str, typer.Option(help="Times of it, ps. [default: 1/8, 1/4, 1/2 of the run]")
    ] = "",
    scheduler: Scheduler = None,
    as_json: AsJson = False,
) -> None:
    """Completed hops between sites, their rate and the residence time, with 95 % intervals.

    Sites are those of the file, or the mean positions of the ions in the first 2 ps.

    Example: ixs md hops run.h5 --element Cu --figure paths.png
    """
    from ixs_core.jobs import interrupt_cancels, terminal_progress
    from ixs_core.picture_files import check_figure_name
    from simulate.cli.md_options import check_project_name, keep_result, opened
    from simulate.md.hop_statistics import hop_rate
    from simulate.md.hopping import hops as find_hops

    check_project_name(output)
    for picture in (figure, van_hove):
        if picture is not None:
            check_figure_name(picture, "--figure" if picture is figure else "--van-hove")
    with interrupt_cancels("stopping") as cancel:
        trajectory = opened(file, type_map, dt, cancel, quiet=as_json)
        with terminal_progress("hops", silent=as_json) as progress:
            found = find_hops(
                trajectory,
                element=element,
                core_radius_A=core_radius,
                scheduler=scheduler,
                progress=progress,
                cancel=cancel,
            )
        if figure is not None:
            _draw_paths(figure, trajectory, found.element, ions, cancel)
        if van_hove is not None:
            _draw_van_hove(van_hove, trajectory, found.element, times, cancel)
    rate = hop_rate(found)
    if output is not None:
        settings = {"element": found.element, "core_radius_angstrom": found.core_radius_A}
        keep_result(output, file, rate, "ixs md hops", settings, f" {found.element}")
    if as_json:
        print(
            json.dumps(
                {
                    "element": found.element,
                    "ions": found.atoms,
                    "hops": rate.count,
                    "recrossings": found.recrossings,
                    "rate_per_ps": rate.per_ps,
                    "rate_interval_per_ps": list(rate.interval),
                    "rate_upper_limit_per_ps": rate.upper_limit,
                    "core_radius_angstrom": found.core_radius_A,
                    "sites": found.site_origin,
                }
            )
        )
    else:
        _show(found, rate)


def _draw_paths(
    picture: Path, trajectory: Trajectory, element: str, ions: int, cancel: CancelToken
) -> None:
    """Position against time of the ions that go farthest from where they began."""
    from ixs_core.picture_files import write_figure
    from simulate.md.ion_trajectories import ion_motion, ion_paths
    from simulate.md.motion_figures import ion_paths_figure

    if ions < 1:
        raise InputError("no ions are to be shown", key="--ions", found=ions, expected="1 or more")
    farthest = ion_motion(trajectory, [element], cancel=cancel).farthest(ions)
    paths = ion_paths(trajectory, farthest, cancel=cancel)
    labels = [f"{element}, atom {atom}" for atom in farthest]
    write_figure(picture, ion_paths_figure(paths, labels))


def _draw_van_hove(
    picture: Path, trajectory: Trajectory, element: str, times: str, cancel: CancelToken
) -> None:
    """How far ions are from where they were some times before."""
    from ixs_core.picture_files import write_figure
    from simulate.cli.calculation import numbers
    from simulate.md.motion_figures import van_hove_figure
    from simulate.md.self_correlation import van_hove

    count = len(times.replace(",", " ").split())
    chosen = numbers(times, "--times", count) if count else ()
    shares = tuple(trajectory.duration_ps * share for share in (0.125, 0.25, 0.5))
    found = van_hove(trajectory, chosen or shares, element, cancel=cancel)
    write_figure(picture, van_hove_figure(found))


def _show(found: Hops, rate: HopRate) -> None:
    print(
        f"{rate.count} completed hops of {found.atoms} {found.element} in {rate.time_ps:.4g} ps "
        f"(ions × time), {found.recrossings} returns before arrival; core radius "
        f"{found.core_radius_A:.2f} Å; sites: {found.site_origin}"
    )
    if rate.upper_limit is not None:
        print(f"rate below {rate.upper_limit:.3g} per ion and ps (95 %)")
    else:
        low, high = rate.interval
        print(
            f"rate {rate.per_ps:.3g} per ion and ps (95 %: {low:.3g} to {high:.3g}), "
            f"residence {rate.residence_ps:.3g} ps"
        )
