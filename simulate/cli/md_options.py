"""What the commands of `ixs md` have in common: opening a trajectory, saying what it told."""

from __future__ import annotations

import sys
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ixs_core.errors import InputError

if TYPE_CHECKING:
    from ixs_core.jobs import CancelToken
    from ixs_core.lattice import Lattice
    from simulate.md.trajectory import Trajectory

LONGEST_SEGMENT_PS = 30.0
"""Of a segment that is chosen: 0.2 meV."""

_PROJECTS = (".h5", ".hdf5")


def check_project_name(path: Path | None) -> None:
    """Raise an InputError where -o names no project file, before any work is done."""
    if path is None:
        return
    if path.suffix.lower() not in _PROJECTS:
        raise InputError(
            "this ending names no project",
            key="--output",
            found=path.name,
            expected=" or ".join(_PROJECTS),
        )
    from ixs_core.project import Project

    if path.exists():
        with Project(path).reading():
            """A file that is no project is told before the work, not after it."""
    elif not path.resolve().parent.is_dir():
        raise InputError("there is no such folder", file=path.parent, key="--output")


def check_table_name(path: Path | None) -> None:
    """Raise an InputError where --csv names no table, before any work is done."""
    if path is None:
        return
    if path.suffix.lower() != ".csv":
        raise InputError(
            "this ending names no table", key="--csv", found=path.name, expected=".csv"
        )
    if not path.resolve().parent.is_dir():
        raise InputError("there is no such folder", file=path.parent, key="--csv")


def ions_option(text: str | None, elements: Collection[str] | None = None) -> dict[str, str] | None:
    """Element -> ion of "Cs1+,Cu1+,I1-"; None where nothing is given: neutral atoms.

    Parameters
    ----------
    text : str, optional
    elements : collection of str, optional
        Those that there are; others are refused, and those without ion are said to be neutral.

    Raises
    ------
    InputError
        One of them is no ion, or of an element that is not there.
    """
    from ixs_core.scattering_factors import parse_ion

    ions = {parse_ion(ion)[0]: ion for ion in (text or "").replace(",", " ").split()}
    if elements is not None:
        foreign = sorted(set(ions) - set(elements))
        if foreign:
            raise InputError(
                "an ion is of no element of the simulation",
                key="--form-factor",
                found=", ".join(ions[element] for element in foreign),
                expected=f"ions of {', '.join(dict.fromkeys(elements))}",
            )
        neutral = [element for element in dict.fromkeys(elements) if element not in ions]
        if neutral:
            print(f"NOTE: taken as neutral atoms: {', '.join(neutral)}", file=sys.stderr)
    return ions or None


def simulated_temperature(trajectory: Trajectory, given: float | None) -> float | None:
    """K: what is given, else that of the velocities, else what the file states; None if unknown.

    Where the velocities disagree with the file by more than 2 %, that is said on stderr.

    Raises
    ------
    InputError
        What is given is no temperature.
    """
    from simulate.cli.calculation import check_temperature
    from simulate.md.kinetic_temperature import kinetic_temperature

    check_temperature(given)
    if given is not None:
        return given
    found, stated = kinetic_temperature(trajectory), trajectory.temperature_k
    if not found:
        return stated
    if stated is not None and abs(found - stated) > 0.02 * stated:
        print(
            f"NOTE: {trajectory.name}: its velocities are of {found:.0f} K, which is taken; the "
            f"file says {stated:g} K",
            file=sys.stderr,
        )
    return found


def opened(
    file: Path, type_map: str | None, dt: float | None, cancel: CancelToken, *, quiet: bool
) -> Trajectory:
    """A trajectory with the notes of its reading on stderr; errors as in `read_trajectory`."""
    from ixs_core.jobs import terminal_progress
    from simulate.md.formats.elements import parse_type_map
    from simulate.md.reading import read_trajectory

    named = None if type_map is None else parse_type_map(type_map)
    with terminal_progress(file.name, silent=quiet) as progress:
        trajectory = read_trajectory(file, named, dt, progress=progress, cancel=cancel)
    if not quiet:
        print(
            f"{file.name}: {trajectory.n_atoms} atoms, {trajectory.n_frames} frames of "
            f"{trajectory.dt_fs:g} fs ({trajectory.duration_ps:.4g} ps)",
            file=sys.stderr,
        )
        for note in trajectory.notes:
            print(f"  {note}", file=sys.stderr)
    return trajectory


def conventional_cell_option(
    cell: str | None, supercell: str | None
) -> Lattice | tuple[float, ...]:
    """The cell in which hkl count, of --cell or --supercell, as `conventional_cell` takes it.

    Raises
    ------
    InputError
        Numbers that are none, or not whole.
    """
    from ixs_core.lattice import Lattice
    from simulate.cli.calculation import numbers

    if (cell is None) == (supercell is None):
        raise typer.BadParameter("give one of --cell, --supercell: the cell in which hkl count")
    if cell is not None:
        count = 6 if len(cell.replace(",", " ").split()) == 6 else 3
        return Lattice(*numbers(cell, "--cell", count))
    return whole_numbers(supercell or "", "--supercell")


def whole_numbers(text: str, option: str) -> tuple[float, ...]:
    """Three whole numbers from 1 of an option.

    Raises
    ------
    InputError
    """
    from simulate.cli.calculation import numbers

    found = numbers(text, option, 3)
    if any(number < 1 or number != round(number) for number in found):
        raise InputError(
            "these are not numbers of cells",
            key=option,
            found=repr(text),
            expected='three whole numbers from 1, "2 2 3"',
        )
    return found


def keep_result(
    project: Path,
    file: Path,
    record: Any,
    command: str,
    settings: dict[str, Any],
    more: str = "",
) -> None:
    """Keep a result of a trajectory in a project, named by the file (and `more`)."""
    from ixs_core.project import Project
    from ixs_core.provenance import provenance_of
    from simulate.md.project_results import result_name, write_md_result

    made = provenance_of(command, settings, sources=[file], packages=("numba",))
    with Project(project).writing() as h5:
        name = result_name(h5, type(record), file, made, more)
        write_md_result(h5, name, record, made, f"{command} {file.name}{more}")
    print(f"written: {project}", file=sys.stderr)
