"""`ixs md hops`: ions that move from site to site."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from simulate.md.hop_statistics import HopRate
    from simulate.md.hopping import Hops


def hops(
    file: Annotated[Path, typer.Argument(help="Trajectory.", show_default=False)],
    element: Annotated[
        str | None, typer.Option(help="Which ions hop. [default: Li, Na, Cu or Ag]")
    ] = None,
    core_radius: Annotated[
        float | None,
        typer.Option(help="Å: nearer to a site than this, an ion has arrived. [default: chosen]"),
    ] = None,
    type_map: Annotated[
        str | None, typer.Option(help='Elements of types: "1:Cs,2:Cu,3:I" or "Cs,Cu,I".')
    ] = None,
    dt: Annotated[
        float | None, typer.Option(help="Time from frame to frame in fs. [default: the file's]")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Project (.h5) that keeps the result.")
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(help="local:N, or tcp://host:port (dask).")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable on stdout.")] = False,
) -> None:
    """Completed hops between sites, their rate and the residence time, with 95 % intervals.

    Sites are those of the file, or the mean positions of the ions.

    Example: ixs md hops run.h5 --element Cu
    """
    from ixs_core.jobs import interrupt_cancels, terminal_progress
    from simulate.cli.md_options import check_project_name, keep_result, opened
    from simulate.md.hop_statistics import hop_rate
    from simulate.md.hopping import hops as find_hops

    check_project_name(output)
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
                }
            )
        )
    else:
        _show(found, rate)


def _show(found: Hops, rate: HopRate) -> None:
    print(
        f"{rate.count} completed hops of {found.atoms} {found.element} in {rate.time_ps:.4g} ps "
        f"(ions × time), {found.recrossings} returns before arrival; core radius "
        f"{found.core_radius_A:.2f} Å"
    )
    if rate.upper_limit is not None:
        print(f"rate below {rate.upper_limit:.3g} per ion and ps (95 %)")
    else:
        low, high = rate.interval
        print(
            f"rate {rate.per_ps:.3g} per ion and ps (95 %: {low:.3g} to {high:.3g}), "
            f"residence {rate.residence_ps:.3g} ps"
        )
