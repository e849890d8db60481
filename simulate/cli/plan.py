"""`ixs plan`: spectrometer settings ranked by the hours to a wanted precision."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ixs_core.errors import InputError
from simulate.cli.options import AsJson

if TYPE_CHECKING:
    from simulate.cli.calculation import Calculation
    from simulate.planning import Beamtime, Goal, Plan, Target


def plan(
    force_constants: Annotated[Path, typer.Argument(help="As for `ixs sqe`.", show_default=False)],
    experiment: Annotated[
        Path,
        typer.Option(help="Experiment TOML: orientation, sample, beam.", show_default=False),
    ],
    target: Annotated[
        list[str] | None,
        typer.Option(
            help='Wanted modes (repeatable): "q=(0,0.3,0) branch=1-3", "Γ-Y points=5 energy=3-5".'
        ),
    ] = None,
    setting: Annotated[
        list[str] | None,
        typer.Option(help='Instead of a search: arm at "h k l" for --hours each (repeatable).'),
    ] = None,
    hours: Annotated[float, typer.Option(help="Counting time of each --setting, h.")] = 4.0,
    zones: Annotated[
        bool, typer.Option("--zones", help="Rank all zones for one wanted mode instead.")
    ] = False,
    contrast: Annotated[
        int | None, typer.Option(help="With --zones: the branch to be seen as little as possible.")
    ] = None,
    eigenvector: Annotated[
        int | None,
        typer.Option(help="That many Q which determine the eigenvector of one wanted mode."),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(help="Second force constants: which analyzers and Q tell them apart."),
    ] = None,
    zone: Annotated[
        list[str] | None, typer.Option(help='Only this Bragg point, "7 7 0" (repeatable).')
    ] = None,
    sigma_energy: Annotated[float, typer.Option(help="Wanted σ of energies, meV.")] = 0.1,
    sigma_width: Annotated[
        float | None, typer.Option(help="Also wanted: σ of the FWHM over the FWHM, as 0.2.")
    ] = None,
    temperature: Annotated[
        float | None, typer.Option(help="K. [default: the experiment's]")
    ] = None,
    resolution: Annotated[
        Path | None, typer.Option(help="R.h5 or project. [default: the experiment's, or nominal]")
    ] = None,
    fwhm: Annotated[float | None, typer.Option(help="Nominal FWHM of R in meV.")] = None,
    linewidth: Annotated[
        str | None,
        typer.Option(
            help="Natural FWHM of the modes: meV, a table of energy and FWHM, or a file of "
            "linewidths (kappa-m*.hdf5, ShengBTE folder). [default: 0.5]"
        ),
    ] = None,
    calibrate: Annotated[
        Path | None,
        typer.Option(help="Project fitted with predicted modes: rates as measured there."),
    ] = None,
    energy: Annotated[
        str | None, typer.Option(help='Points of the scan, meV: "-10:20:0.5". [default: fitting]')
    ] = None,
    form_factor: Annotated[str | None, typer.Option(help='Ions, as "Cs1+,Cu1+,I1-".')] = None,
    debye_waller: Annotated[str, typer.Option(help="phonon, none, or a CIF.")] = "phonon",
    born: Annotated[Path | None, typer.Option(help="BORN file.")] = None,
    nac: Annotated[bool, typer.Option(help="Long-range dipole term where charges exist.")] = True,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", help="Write .csv, .json, .h5 (a project), or .mac (mv lines)."
        ),
    ] = None,
    figure: Annotated[
        Path | None, typer.Option(help="Expected spectra of the first setting: .png, .pdf, .svg.")
    ] = None,
    zone_map: Annotated[
        Path | None,
        typer.Option("--map", help="Hours over reciprocal space with the array's footprint."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Rank settings of the spectrometer by the hours they need for a wanted precision.

    The hours follow from the Fisher information of the model that `ixs fit` will fit, with all
    other modes, elastic line, background and zero left free. All analyzers count at once.

    Example: ixs plan phonopy_params.yaml --experiment exp.toml --target "Γ-Y branch=1-3"

    One mode in all zones: ixs plan FC --experiment exp.toml --target "q=(0,0.3,0) branch=1" --zones

    What a setting gives: ixs plan FC --experiment exp.toml --setting "7 6.3 0" --hours 4
    """
    from ixs_core.picture_files import check_figure_name
    from simulate.cli import plan_views as views
    from simulate.cli.beamtime import beamtime_of
    from simulate.cli.calculation import (
        check_temperature,
        energy_axis,
        load_calculation,
        with_displacements_of,
    )

    if not target and not setting:
        raise typer.BadParameter('give --target, for example --target "q=(0,0.3,0) branch=1-3"')
    check_temperature(temperature)
    for option, picture in (("--figure", figure), ("--map", zone_map)):
        if picture is not None:
            check_figure_name(picture, option)
    if eigenvector is not None and eigenvector < 1:
        raise InputError(
            "not a number of Q", key="--eigenvector", found=eigenvector, expected="1 or more"
        )

    def load(path: Path) -> Calculation:
        from ixs_reduce.instrument import measured_lattice

        return load_calculation(
            path,
            born=born,
            nac=nac,
            lattice=measured_lattice(experiment),
            form_factor=form_factor,
            debye_waller=debye_waller,
        )

    def beamtime_with(calculation: Calculation) -> Beamtime:
        return beamtime_of(
            calculation,
            experiment,
            temperature_k=temperature,
            resolution=resolution,
            fwhm_mev=fwhm,
            linewidth=linewidth,
            zones=zone,
            calibrate=calibrate,
        )

    calculation = load(force_constants)
    beamtime = beamtime_with(calculation)
    kelvin = beamtime.conditions.temperature_k
    goal = _goal(sigma_energy, sigma_width, hours)
    axis = None if energy is None else energy_axis(energy)
    wanted, warnings = _targets(target or [], calculation, beamtime)
    settings = {
        "force_constants": str(force_constants),
        "experiment": str(experiment),
        "target": target,
        "setting": setting,
        "zone": zone,
        "sigma_energy_mev": sigma_energy,
        "sigma_width": sigma_width,
        "temperature_k": kelvin,
        "resolution": resolution,
        "fwhm_mev": fwhm,
        "calibrate": calibrate,
        "linewidth": linewidth,
        "linewidth_mev": beamtime.conditions.fwhm_mev if linewidth is None else linewidth,
        "form_factor": form_factor,
        "debye_waller": debye_waller,
    }
    if contrast is not None and not 1 <= contrast <= calculation.model.n_modes:
        raise InputError(
            "the crystal has no such branch",
            key="--contrast",
            found=contrast,
            expected=f"1 to {calculation.model.n_modes}",
        )
    if against is not None:
        other = beamtime_with(with_displacements_of(calculation, load(against), kelvin))
        views.show_decisions(beamtime, other, setting, wanted, axis, output, as_json)
    elif zones or contrast is not None:
        views.show_zones(
            beamtime, _single(wanted, "--zones"), contrast, goal, axis, output, zone_map, as_json
        )
    elif eigenvector is not None:
        mode = _single(wanted, "--eigenvector")
        views.show_determining(beamtime, calculation, mode, eigenvector, output, as_json)
    elif setting:
        views.show_settings(beamtime, setting, hours, wanted, axis, output, figure, as_json)
    else:
        from ixs_core.jobs import terminal_progress
        from simulate.planning import make_plan, plan_json

        with terminal_progress("planning", silent=as_json) as progress:
            made = make_plan(beamtime, wanted, goal, axis, warnings=warnings, progress=progress)
        _write(made, beamtime, goal, output, figure, zone_map, settings, calculation.files)
        if as_json:
            print(plan_json(made))
        else:
            _show(made)


def _goal(sigma_energy: float, sigma_width: float | None, hours: float) -> Goal:
    from simulate.planning import Goal

    if not hours > 0:
        raise InputError("not a counting time", key="--hours", found=hours, expected="hours, > 0")
    return Goal(sigma_energy_mev=sigma_energy, relative_fwhm=sigma_width)


def _targets(
    texts: Sequence[str], calculation: Calculation, beamtime: Beamtime
) -> tuple[tuple[Target, ...], tuple[str, ...]]:
    from simulate.planning import parse_wish, special_points_of, targets_of

    if not texts:
        return (), ()
    named = special_points_of(calculation.model.force_constants)
    wishes = [parse_wish(text, named) for text in texts]
    return targets_of(wishes, beamtime.calculation, beamtime.conditions.temperature_k)


def _single(wanted: Sequence[Target], option: str) -> Target:
    if len(wanted) != 1:
        raise InputError(
            f"{option} takes one mode",
            key="--target",
            found=f"{len(wanted)} modes",
            expected='such as "q=(0,0.3,0) branch=1"',
        )
    return wanted[0]


def _write(
    made: Plan,
    beamtime: Beamtime,
    goal: Goal,
    output: Path | None,
    figure: Path | None,
    zone_map: Path | None,
    settings: dict[str, Any],
    files: Sequence[Path],
) -> None:
    """The files asked for."""
    from ixs_core.picture_files import write_figure
    from simulate.planning import illustrate, write_plan, write_plan_result
    from simulate.planning.figures import expected_spectra_grid, map_of_plan

    project = output is not None and output.suffix.lower() in (".h5", ".hdf5", ".nxs")
    if output is not None and not project:
        if output.suffix.lower() not in (".csv", ".json", ".mac", ".txt"):
            raise InputError(
                "this ending names no format",
                key="--output",
                found=output.name,
                expected=".csv, .json, .mac (mv lines) or .h5",
            )
        write_plan(output, made)
        print(f"written: {output}", file=sys.stderr)
    if not (project or figure or zone_map):
        return
    pictured = illustrate(beamtime, made, goal)
    if project and output is not None:
        from ixs_core.project import Project
        from ixs_core.provenance import provenance_of

        record = provenance_of("ixs plan", settings, sources=files)
        with Project(output).writing() as h5:
            write_plan_result(h5, "plan", made, pictured, record)
        print(f"written: {output}", file=sys.stderr)
    if figure is not None:
        first = pictured.settings[0]
        used = {target.analyzer for target in made.settings[0].assigned}
        write_figure(figure, expected_spectra_grid(first.panels, first.title, used))
    if zone_map is not None:
        write_figure(zone_map, map_of_plan(pictured))


def _show(made: Plan) -> None:
    from ixs_core.terminal_tables import Column, hkl_text, print_table

    columns = [
        Column("rank"),
        Column("h k l of the arm"),
        Column("hours"),
        Column("tth"),
        Column("th"),
        Column("chi"),
        Column("phi"),
        Column("what it is for: analyzer, q, branch, energy ± σ (meV)", text=True),
    ]
    rows = [
        [
            str(setting.rank),
            hkl_text(setting.hkl),
            f"{setting.hours:.2f}",
            *(f"{getattr(setting.angles, name):.3f}" for name in ("tth", "th", "chi", "phi")),
            "; ".join(
                f"{t.analyzer} {t.target.label} {t.energy_mev:.2f}±{t.sigma_energy_mev:.2f}"
                for t in setting.assigned
            ),
        ]
        for setting in made.settings
    ]
    scan = made.energy_mev
    after = [
        f"{made.total_hours:.1f} h in all for {len(made.settings)} settings, moves included "
        f"(no choice among the {made.settings_compared} settings compared takes less than "
        f"{made.lower_bound_hours:.1f} h); scan {scan[0]:g} to {scan[-1]:g} meV, "
        f"{scan.size} points",
        *(f"WARNING: {text}" for text in made.warnings),
        *(f"{s.rank}: {s.placement.mv(made.instrument.slits_mm)}" for s in made.settings),
    ]
    print_table(columns, rows, after)
