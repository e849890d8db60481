"""`ixs angles`: the angle calculator."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ixs_core.errors import InputError

if TYPE_CHECKING:
    from ixs_reduce.circles import Angles
    from ixs_reduce.instrument import Instrument
    from ixs_reduce.spectrometer import AnalyzerTable


def angles(
    config: Annotated[Path, typer.Argument(help="Beamline GLOBAL file, or experiment TOML.")],
    hkl: Annotated[str | None, typer.Option(help='Q for the arm centre: "h k l".')] = None,
    at: Annotated[
        str | None, typer.Option("--angles", help='The reverse: "tth th chi phi [mu [gam]]".')
    ] = None,
    slits: Annotated[
        str | None, typer.Option(help='Analyzer slit gaps in mm: "H V"; else wide open.')
    ] = None,
    frozen: Annotated[
        str | None,
        typer.Option(
            help="Three frozen angles: tth 0, th 1, chi 2, phi 3, mu 4, gam 5, omega 6, azimuth 7, "
            "alpha 8, beta 9. [default: 456]"
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="Value of a frozen angle in degrees: mu=-1.576 (repeatable)."),
    ] = None,
    limit: Annotated[
        list[str] | None,
        typer.Option(
            help="Limits of an angle: chi=-30:30 (repeatable; overrides the file). "
            "A cryostat leaves chi=-30:30 and phi=-10:100."
        ),
    ] = None,
    spectrometer: Annotated[str | None, typer.Option(help="bl43lxu or bl35xu.")] = None,
    order: Annotated[int | None, typer.Option(help="n of Si(n n n); overrides the file.")] = None,
    wavelength: Annotated[
        float | None, typer.Option(help="Wavelength in Å; overrides the file.")
    ] = None,
    hkl_pos: Annotated[
        Path | None, typer.Option("--hkl-pos", help="Write the table for gnuplot (gpi.hkl_pos).")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable on stdout.")] = False,
) -> None:
    """Angles for an hkl, what every analyzer then sees, and the mv line to type.

    Example: ixs angles sixcircle.conf --hkl "1.1 1.1 1.1" --slits "60 60"

    The reverse: ixs angles sixcircle.conf --angles "17.515 8.757 0.056 35.2"

    Another beam tilt: ixs angles sixcircle.conf --hkl "2 2 0" --set mu=-1.576
    """
    from ixs_reduce.beamline_config import mv_line, write_hkl_positions
    from ixs_reduce.instrument import load_instrument

    if (hkl is None) == (at is None):
        raise typer.BadParameter('give either --hkl or --angles, for example --hkl "1.1 1.1 1.1"')
    instrument = load_instrument(config, spectrometer, order, wavelength)
    instrument = replace(
        instrument,
        frozen=frozen or instrument.frozen,
        slits_mm=_two(slits) if slits else instrument.slits_mm,
        limits={**instrument.limits, **dict(_limit(text) for text in limit or [])},
    )
    values = dict(_setting(text) for text in settings or [])
    if hkl is not None:
        position = instrument.angles_for(_numbers(hkl, "--hkl", 3, 3), values)
    else:
        position = _given_angles(str(at), instrument, values)
    table = instrument.analyzer_q(position)
    warnings = _warnings(instrument, position)
    if hkl_pos is not None:
        if instrument.slits_mm is None:
            raise InputError(
                "gpi.hkl_pos needs the slit gaps", key="--hkl-pos", hint='add --slits "H V" in mm'
            )
        write_hkl_positions(hkl_pos, table, instrument.slits_mm)
        print(f"written: {hkl_pos}", file=sys.stderr)
    line = mv_line(position, instrument.slits_mm)
    if as_json:
        print(json.dumps(_as_json(instrument, position, table, line, warnings)))
    else:
        _show(instrument, position, table, line)
    for text in (*instrument.notes, *warnings):
        print(f"WARNING: {text}", file=sys.stderr)


def _given_angles(text: str, instrument: Instrument, values: dict[str, float]) -> Angles:
    from ixs_reduce.circles import Angles

    numbers = _numbers(text, "--angles", 4, 6)
    mu_gam = [values.get("mu", instrument.mu), values.get("gam", 0.0)]
    return Angles(*numbers, *mu_gam[len(numbers) - 4 :])


def _warnings(instrument: Instrument, position: Angles) -> list[str]:
    found = instrument.warnings()
    found += [f"limit: {text}" for text in instrument.limit_violations(position)]
    if position.gam:
        found.append(f"gam must stand at {position.gam:.4f}; the mv line does not move it")
    if abs(position.mu - instrument.mu) > 1e-9:
        found.append(
            f"mu is {position.mu:.4f} here but {instrument.mu:.4f} in the file; "
            "the mv line does not move it"
        )
    return found


def _as_json(
    instrument: Instrument, position: Angles, table: AnalyzerTable, line: str, warnings: list[str]
) -> dict[str, Any]:
    from ixs_reduce.sixcircle import hkl_of

    centre = hkl_of(instrument.orientation, instrument.wavelength, position)
    return {
        "hkl": centre.tolist(),
        "angles": position.as_dict(),
        "analyzers": [
            {
                "name": analyzer.name,
                "q_hkl": analyzer.q_hkl,
                "q_abs": analyzer.q_abs,
                "dq_hkl": analyzer.dq_hkl,
            }
            for analyzer in table.analyzers()
        ],
        "mv": line,
        "spectrometer": instrument.spectrometer.name,
        "wavelength": instrument.wavelength,
        "energy_kev": instrument.spectrometer.energy_kev,
        "slits_mm": instrument.slits_mm,
        "warnings": [*instrument.notes, *warnings],
    }


def _show(instrument: Instrument, position: Angles, table: AnalyzerTable, line: str) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from ixs_reduce.sixcircle import hkl_of

    used = instrument.spectrometer
    console = Console(highlight=False, soft_wrap=True)
    silicon = f"Si({used.order} {used.order} {used.order})  " if used.order else ""
    cell = " ".join(f"{value:g}" for value in instrument.orientation.lattice.cell)
    console.print(f"{instrument.sample or 'sample'}   cell {cell}")
    console.print(
        f"{used.name}   {silicon}{used.energy_kev:.4f} keV   {used.wavelength:.6f} Å   "
        + _slits_text(instrument)
    )
    centre = hkl_of(instrument.orientation, used.wavelength, position)
    console.print("\narm centre  " + "  ".join(_fixed(value) for value in centre))
    console.print(
        "  ".join(f"{name} {_fixed(value)}" for name, value in position.as_dict().items())
        + f"  (omega {_fixed(position.omega)}; frozen {instrument.frozen})\n"
    )
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
    shown.add_column("row", justify="left")
    shown.add_column("name", justify="left", style="bold")
    for heading in ("h", "k", "l", "|Q| Å⁻¹", "dq h", "dq k", "dq l"):
        shown.add_column(heading, justify="right", no_wrap=True)
    heights = list(dict.fromkeys(used.z_mm))
    for index, name in enumerate(table.names):
        row = heights.index(used.z_mm[index])
        starts = index == 0 or used.z_mm[index - 1] != used.z_mm[index]
        ends = index + 1 == len(table.names) or used.z_mm[index + 1] != used.z_mm[index]
        marked = used.x_mm[index] == 0 and used.z_mm[index] == 0
        shown.add_row(
            f"{row}" if starts else "",
            f"{name} ◂" if marked else name,
            *(_fixed(value) for value in table.hkl[index]),
            f"{table.q_abs[index]:.4f}",
            *(f"{value:.4f}" for value in table.dq[index]),
            end_section=ends,
        )
    console.print(shown)
    console.print(line, style="bold")


def _fixed(value: float) -> str:
    """Four decimals, without the sign of a negative zero."""
    return f"{round(float(value), 4) + 0.0:.4f}"


def _slits_text(instrument: Instrument) -> str:
    if instrument.slits_mm is None:
        return "slits wide open"
    width, height = instrument.spectrometer.accepted_mm(instrument.slits_mm)
    return (
        f"slits H {instrument.slits_mm[0]:g} V {instrument.slits_mm[1]:g} mm "
        f"({width:.1f} × {height:.1f} mm on the analyzers)"
    )


def _numbers(text: str, option: str, least: int, most: int) -> list[float]:
    words = text.replace(",", " ").split()
    try:
        numbers = [float(word) for word in words]
    except ValueError:
        numbers = []
    if not least <= len(numbers) <= most or not all(abs(value) < 1e6 for value in numbers):
        expected = f"{least}" if least == most else f"{least} to {most}"
        raise InputError(
            "the numbers are not understood",
            key=option,
            found=f'"{text}"',
            expected=f"{expected} numbers in quotes, separated by blanks",
        )
    return numbers


def _two(text: str) -> tuple[float, float]:
    first, second = _numbers(text, "--slits", 2, 2)
    return first, second


def _setting(text: str) -> tuple[str, float]:
    name, equals, value = text.partition("=")
    if not equals:
        raise InputError("the setting is not understood", key="--set", found=text, expected="mu=0")
    return name.strip(), _numbers(value, f"--set {name}", 1, 1)[0]


def _limit(text: str) -> tuple[str, tuple[float, float]]:
    name, _, range_ = text.partition("=")
    low, colon, high = range_.partition(":")
    if not colon:
        raise InputError(
            "the limit is not understood", key="--limit", found=text, expected="chi=-30:30"
        )
    return name.strip(), (
        _numbers(low, f"--limit {name}", 1, 1)[0],
        _numbers(high, f"--limit {name}", 1, 1)[0],
    )
