"""`ixs md msd`: displacements and diffusion coefficients."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from simulate.cli.options import AsJson, FigureFile, FrameTime, KeptIn, Scheduler, TypeMap

if TYPE_CHECKING:
    from simulate.md.diffusion_coefficient import Diffusion
    from simulate.md.ion_trajectories import IonMotion


def msd(
    file: Annotated[Path, typer.Argument(help="Trajectory.", show_default=False)],
    framework: Annotated[
        str | None,
        typer.Option(help='Elements whose drift is removed: "Cs,I". [default: all atoms]'),
    ] = None,
    window: Annotated[
        str | None, typer.Option(help='Times to fit, ps: "2:20". [default: chosen by its slope]')
    ] = None,
    blocks: Annotated[int, typer.Option(help="Time blocks for the errors.")] = 8,
    type_map: TypeMap = None,
    dt: FrameTime = None,
    output: KeptIn = None,
    figure: FigureFile = None,
    scheduler: Scheduler = None,
    as_json: AsJson = False,
) -> None:
    """Mean-square displacements and diffusion coefficients, with errors from time blocks.

    D in cm²/s. Where the slope is not significant, an upper limit (95 %) stands for it.

    Example: ixs md msd run.h5 --framework Cs,I --figure msd.png
    """
    from ixs_core.jobs import interrupt_cancels, terminal_progress
    from ixs_core.picture_files import check_figure_name, write_figure
    from simulate.cli.md_options import check_project_name, keep_result, opened
    from simulate.md.diffusion_coefficient import diffusion_table
    from simulate.md.displacements import mean_square_displacement
    from simulate.md.ion_trajectories import ion_motion

    if figure is not None:
        check_figure_name(figure)
    check_project_name(output)
    held = None if framework is None else framework.split(",")
    fitted = None if window is None else _window(window)
    with interrupt_cancels("stopping") as cancel:
        trajectory = opened(file, type_map, dt, cancel, quiet=as_json)
        with terminal_progress("displacements", silent=as_json) as progress:
            displaced = mean_square_displacement(
                trajectory,
                framework=held,
                blocks=blocks,
                scheduler=scheduler,
                progress=progress,
                cancel=cancel,
            )
        motion = ion_motion(trajectory, framework=held, scheduler=scheduler, cancel=cancel)
    found = diffusion_table(displaced, fitted)
    if output is not None:
        settings = {"framework": framework, "window_ps": fitted, "blocks": blocks}
        keep_result(output, file, displaced, "ixs md msd", settings)
    if as_json:
        print(json.dumps({"species": _record(found, motion)}))
    else:
        _show(found, motion)
    if figure is not None:
        from simulate.md.motion_figures import displacement_figure

        write_figure(figure, displacement_figure(displaced, found))


def _window(text: str) -> tuple[float, float]:
    try:
        first, last = (float(part) for part in text.split(":"))
    except ValueError:
        raise typer.BadParameter('--window is two times in ps, "2:20"') from None
    return first, last


def _record(found: Sequence[Diffusion], motion: IonMotion) -> dict[str, Any]:
    """Element -> D, its error and limit, of all directions together and of each; ⟨u²⟩."""
    from ixs_core.provenance import plain

    species: dict[str, Any] = {}
    for one in found:
        entry = plain(
            {
                "D_cm2_s": one.value,
                "stderr": None if math.isnan(one.stderr) else one.stderr,
                "upper_limit": one.upper_limit,
                "window_ps": one.window_ps,
                "log_log_slope": one.log_log_slope,
            }
        )
        if one.axis == "all":
            species.setdefault(one.element, {}).update(entry)
            square = motion.mean_square_of(one.element).tolist()
            species[one.element]["mean_square_A2"] = square
        else:
            species.setdefault(one.element, {}).setdefault("axes", {})[one.axis] = entry
    return species


def _stated(one: Diffusion) -> tuple[str, str, str]:
    """Value and error, or the limit alone where the motion is not shown to be diffusive."""
    if one.upper_limit is not None:
        return "–", "–", f"{one.upper_limit:.1e}"
    return f"{one.value:.2e}", "–" if math.isnan(one.stderr) else f"{one.stderr:.1e}", ""


def _show(found: Sequence[Diffusion], motion: IonMotion) -> None:
    from ixs_core.terminal_tables import Column, print_table

    columns = [
        Column("element", text=True),
        Column("along", text=True),
        *map(Column, ("D (cm²/s)", "±", "below (95 %)", "fitted (ps)", "d ln MSD/d ln t")),
    ]
    rows = [
        [
            one.element,
            one.axis,
            *_stated(one),
            f"{one.window_ps[0]:.3g} to {one.window_ps[1]:.3g}",
            f"{one.log_log_slope:.2f}",
        ]
        for one in found
    ]
    print_table(columns, rows)
    print("⟨u²⟩ about the mean position (Å²), along x, y, z")
    for element in dict.fromkeys(motion.elements):
        x, y, z = motion.mean_square_of(element)
        print(f"  {element:2}  {x:.4f}  {y:.4f}  {z:.4f}")
