"""`ixs md density`: the electron density of a trajectory, beside a measured one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ixs_core.errors import InputError
from simulate.cli.options import AsJson, FrameTime, Scheduler, TypeMap

if TYPE_CHECKING:
    from simulate.md.density_map import MdDensity

_GROUPS = {"structure": "structure", "sites": "reference", "none": None}
"""What the words of --symmetry are to `md_density`."""


def density(
    file: Annotated[Path, typer.Argument(help="Trajectory.", show_default=False)],
    output: Annotated[
        list[Path] | None,
        typer.Option(
            "-o",
            "--output",
            help="Map (.ccp4, .cube, .pgrid), project (.h5), or a folder for map, tables and "
            "figures (repeatable).",
        ),
    ] = None,
    structure: Annotated[
        Path | None,
        typer.Option(help="CIF of the crystal: its cell, origin, space group and sites count."),
    ] = None,
    cell: Annotated[
        str | None,
        typer.Option(help='Conventional cell, Å: "a b c"; with angles "a b c alpha beta gamma".'),
    ] = None,
    supercell: Annotated[
        str | None, typer.Option(help='Or: conventional cells in the simulation, "2 2 3".')
    ] = None,
    symmetry: Annotated[
        Literal["structure", "sites", "none"] | None,
        typer.Option(
            help="Average over the group of the CIF, or of the trajectory's ideal sites. "
            "[default: structure, where there is one]"
        ),
    ] = None,
    step: Annotated[
        float | None,
        typer.Option(
            "--grid-step", help="Largest spacing of the grid, Å. [default: 0.1, or as --like]"
        ),
    ] = None,
    like: Annotated[
        Path | None, typer.Option(help="Density with whose grid. [default: that of --against]")
    ] = None,
    d_min: Annotated[
        float | None,
        typer.Option(help="Å: cut where a measurement ends. [default: nothing that shows]"),
    ] = None,
    ions: Annotated[
        str | None, typer.Option(help='As "Cs1+,Cu1+,I1-". [default: the CIF\'s, else neutral]')
    ] = None,
    framework: Annotated[
        str | None,
        typer.Option(help='Elements whose centre is held: "Cs,I". [default: all atoms]'),
    ] = None,
    blocks: Annotated[int, typer.Option(help="Time blocks for the errors.")] = 8,
    frames: Annotated[
        str | None, typer.Option(help='First frame and the one after the last: "100:800".')
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
    points: Annotated[int, typer.Option(help="Points of a profile.")] = 201,
    against: Annotated[
        Path | None,
        typer.Option(help="Density to compare with: a map, or project.h5[:KEY] of `ixs mem`."),
    ] = None,
    type_map: TypeMap = None,
    dt: FrameTime = None,
    figure: Annotated[
        Path | None,
        typer.Option(
            help="Write figures: .png, .pdf, .svg; of several sections and paths NAME_section_1, …"
        ),
    ] = None,
    scheduler: Scheduler = None,
    as_json: AsJson = False,
) -> None:
    """Electron density of a trajectory, with the sections and profiles of `ixs mem`.

    All cells of the simulation are folded into one; errors come from blocks of time. Densities
    are in e/Å³, paths in fractional coordinates of the conventional cell. With --against, both
    are shown at equal fractional coordinates.

    Example: ixs md density run.h5 --structure 300K.cif --path Cu --against density.ccp4
    """
    from ixs_core.cif import read_crystal
    from ixs_core.picture_files import check_figure_name
    from simulate.cli.density_files import Made, check_outputs, write_outputs
    from simulate.cli.density_tables import density_record, show_density
    from simulate.cli.density_views import map_name, read_map, view_of
    from simulate.cli.md_options import conventional_cell_option, ions_option
    from simulate.md.density_comparison import side_by_side

    if through is not None and not plane:
        raise typer.BadParameter("--through belongs to --plane")
    if figure is not None:
        check_figure_name(figure)
        if not plane and not path:
            raise typer.BadParameter("--figure needs a --plane or a --path to draw")
    check_outputs(output or [], [one for one in (file, structure, against, like) if one])
    crystal = None if structure is None else read_crystal(structure)
    other = None if against is None else read_map(against, "--against")
    given = None if like is None else read_map(like, "--like")
    view = view_of(plane or [], through, path or [], points, crystal)
    group = symmetry or ("none" if crystal is None else "structure")
    start, stop = (0, None) if frames is None else _frames(frames)
    settings: dict[str, Any] = {
        "lattice": conventional_cell_option(cell, supercell) if cell or supercell else None,
        "like": other if given is None and step is None else given,
        "step": 0.1 if step is None else step,
        "structure": crystal,
        "symmetry": _GROUPS[group],
        "d_min": d_min,
        "ions": ions_option(ions),
        "framework": None if framework is None else framework.split(","),
        "blocks": blocks,
        "start": start,
        "stop": stop,
        "scheduler": scheduler,
    }
    found = _calculated(file, type_map, dt, settings, as_json)
    names = (f"MD {file.stem}", "" if against is None else map_name(against))
    shown = side_by_side(found, other, view, names)
    told = {
        **{"structure": structure, "against": against, "symmetry": group, "d_min": d_min},
        **{"grid": found.shape, "blocks": blocks, "frames": frames, "ions": ions},
        **{"framework": framework, "cell": cell, "supercell": supercell},
    }
    write_outputs(found, shown.results, Made(file, structure, told), output or [], figure)
    if as_json:
        print(json.dumps(density_record(found, shown), ensure_ascii=False))
    else:
        show_density(found, shown)


def _calculated(
    file: Path, type_map: str | None, dt: float | None, settings: dict[str, Any], quiet: bool
) -> MdDensity:
    """The density of a trajectory file, with progress; Ctrl-C stops it."""
    from ixs_core.jobs import interrupt_cancels, terminal_progress
    from simulate.cli.md_options import opened
    from simulate.md.density_map import md_density

    with interrupt_cancels("stopping") as cancel:
        trajectory = opened(file, type_map, dt, cancel, quiet=quiet)
        with terminal_progress("density", silent=quiet) as progress:
            return md_density(trajectory, progress=progress, cancel=cancel, **settings)


def _frames(text: str) -> tuple[int, int | None]:
    first, _, last = text.partition(":")
    try:
        return int(first or 0), int(last) if last else None
    except ValueError:
        raise InputError(
            "these are not frames", key="--frames", found=repr(text), expected='"100:800", "100:"'
        ) from None
