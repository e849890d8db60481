"""Heat fluxes of simulations: LAMMPS, `ixs md run --heat-flux`, plain columns."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ixs_core.arrays import BoolArray, FloatArray
from ixs_core.errors import InputError
from simulate.phonons.loading.file_content import FileContent, read_content
from simulate.transport.formats.flux_columns import Column, FluxColumns, Vector, load_flux_columns
from simulate.transport.formats.gpumd_hac import is_hac
from simulate.transport.formats.lammps_log import LammpsLog, is_lammps_log, read_lammps_log
from simulate.transport.formats.number_table import NumberTable, read_number_table
from simulate.transport.heat_flux import FluxUnits, HeatFlux

MANY_BODY = (
    "LAMMPS: with stress/atom the flux is right for pair potentials only; many-body ones need "
    "centroid/stress/atom, or a flux from the derivatives of the atoms' energies"
)

_LAMMPS_VECTOR = re.compile(r"([cfv]_[^\[\]]+)\[([1-6])\]")
_TOTAL = re.compile(r"(?:[vcf]_)?j_?([xyz])", re.IGNORECASE)
_CONVECTIVE = re.compile(r"(?:[vcf]_)?j_?c(?:onv(?:ective)?)?_?([xyz])", re.IGNORECASE)
_FACT = re.compile(r"(volume_A3|temperature_K|step_ps)\s*=\s*(\S+)")
_TEMPERATURES = ("temp", "temperature", "c_thermo_temp", "v_temp", "temperature_k")
_VOLUMES = ("volume", "vol", "v_vol", "v_volume", "volume_a3")
_STEPS = ("step", "timestep")


class _Series(NamedTuple):
    """A table with the columns chosen in it, and how they were chosen."""

    table: NumberTable
    columns: FluxColumns
    notes: tuple[str, ...] = ()


def read_heat_flux(
    path: str | Path,
    mapping: str | Path | Mapping[str, Any] | FluxColumns | None = None,
    log: str | Path | None = None,
) -> HeatFlux:
    """Read a heat flux, also from a compressed file.

    Parameters
    ----------
    path : str or path
        A log of LAMMPS whose thermodynamic output has the flux; columns of `fix ave/time`,
        `fix print` or of a thermo table; the text that `ixs md run --heat-flux` writes; or any
        columns, with a mapping.
    mapping : path of a TOML file, mapping or FluxColumns, optional
        Which columns hold what. Without it, by their names: the six components of LAMMPS's
        `compute heat/flux` (total, convective), or Jx Jy Jz. Columns without names are taken as
        that compute's where they are 3 or 6, or 7 or more behind a step.
    log : str or path, optional
        Log of the LAMMPS run: its units, time step, volume and temperature.

    Raises
    ------
    InputError
        The columns are not found or not plain, steps are missing, or the file holds correlations
        already (hac.out of GPUMD, see `read_gpumd_hac`).
    """
    content = read_content(Path(path))
    if content.is_hdf5:
        raise InputError(
            "a heat flux is read from text",
            file=content.path,
            hint="`ixs md run --heat-flux` writes one beside its store: NAME_heat_flux.txt",
        )
    if mapping is None and is_hac(content):
        raise InputError(
            "this file holds correlations already, not a heat flux",
            file=content.path,
            hint="`read_gpumd_hac` and `ixs kappa green-kubo` read it",
        )
    known = None if log is None else read_lammps_log(read_content(Path(log)))
    sources = [(content.path.name, content.sha256)]
    if is_lammps_log(content):
        known = known or read_lammps_log(content)
        series = _of_log(known, mapping, content)
    else:
        columns = None if mapping is None else load_flux_columns(mapping)
        table = read_number_table(
            content, columns.skip_lines if columns else 0, columns.comment if columns else "#"
        )
        series = _Series(table, columns) if columns else _recognised(table, content)
    flux = _flux(series, content, known)
    if log is not None:
        sources.append((Path(log).name, read_content(Path(log)).sha256))
    return replace(flux, source=str(path), sources=tuple(sources))


def _of_log(
    log: LammpsLog,
    mapping: str | Path | Mapping[str, Any] | FluxColumns | None,
    content: FileContent,
) -> _Series:
    """The last table of a log that has a flux."""
    found = []
    for thermo in log.tables:
        table = NumberTable(thermo.values, thermo.names, (), thermo.first_line)
        columns = _by_name(thermo.names, content) if mapping is None else load_flux_columns(mapping)
        if columns is not None and (mapping is None or _has(thermo.names, columns)):
            found.append(_Series(table, columns))
    if not found:
        raise InputError(
            "no thermodynamic output of this log has a heat flux",
            file=content.path,
            found=", ".join(log.tables[-1].names),
            expected="columns such as c_flux[1] … c_flux[6] or Jx Jy Jz",
            hint="thermo_style custom step temp vol c_flux[1] …, or the file of fix ave/time",
        )
    notes = [f"the last of {len(found)} runs with a heat flux in the log"] * (len(found) > 1)
    return found[-1]._replace(notes=tuple(notes))


def _has(names: tuple[str, ...], columns: FluxColumns) -> bool:
    wanted = columns.total or columns.virial or ()
    return all(isinstance(name, int) or name in names for name in wanted)


def _recognised(table: NumberTable, content: FileContent) -> _Series:
    """Columns by their names, or by their number where they have none."""
    if table.names is not None:
        columns = _by_name(table.names, content)
        if columns is not None:
            return _Series(table, columns)
        raise InputError(
            "no columns of a heat flux are found by their names",
            file=content.path,
            found=", ".join(table.names),
            expected="c_NAME[1] … c_NAME[6], or Jx Jy Jz",
            hint="name them in a mapping (TOML): total = [2, 3, 4]",
        )
    width = table.values.shape[1]
    stepped = width > 6 or width == 4
    if width not in (3, 4, 6) and not (stepped and _counts_up(table.values[:, 0])):
        raise InputError(
            "columns without names that are not those of a heat flux",
            file=content.path,
            found=f"{width} columns",
            expected="3 or 6, or 4, 7 or more of which the first counts steps",
            hint="say what they are in a mapping (TOML): total = [2, 3, 4]",
        )
    first = 2 if stepped else 1
    both = width - first + 1 >= 6
    columns = FluxColumns(
        total=(first, first + 1, first + 2),
        convective=(first + 3, first + 4, first + 5) if both else None,
        step=1 if stepped else None,
    )
    used = first - 1 + (6 if both else 3)
    text = "columns without names taken as" + (" step," if stepped else "") + " total flux"
    notes = [text + (" and convective flux (x y z each)" if both else " (x y z)")]
    if width > used:
        notes.append(f"{width - used} more columns were left out")
    return _Series(table, columns, tuple(notes))


def _by_name(names: tuple[str, ...], content: FileContent) -> FluxColumns | None:
    """The columns of a flux among these names; None where there are none."""
    lower = [name.lower() for name in names]

    def first_of(candidates: tuple[str, ...]) -> Column | None:
        return next((names[lower.index(c)] for c in candidates if c in lower), None)

    total, convective = _lammps_vector(names, content)
    if total is None:
        total, convective = _letters(names, _TOTAL), _letters(names, _CONVECTIVE)
    if total is None:
        return None
    return FluxColumns(
        total=total,
        convective=convective,
        temperature=first_of(_TEMPERATURES),
        volume=first_of(_VOLUMES),
        step=first_of(_STEPS),
        time_ps=first_of(("time_ps",)),
    )


def _lammps_vector(
    names: tuple[str, ...], content: FileContent
) -> tuple[Vector | None, Vector | None]:
    vectors: dict[str, dict[int, str]] = {}
    for name in names:
        match = _LAMMPS_VECTOR.fullmatch(name)
        if match:
            vectors.setdefault(match[1], {})[int(match[2])] = name
    whole = {key: parts for key, parts in vectors.items() if {1, 2, 3} <= set(parts)}
    if len(whole) > 1:
        raise InputError(
            "several vectors could be the heat flux",
            file=content.path,
            found=", ".join(whole),
            hint=f'say which in a mapping (TOML): total = ["{next(iter(whole))}[1]", …]',
        )
    for parts in whole.values():
        both = {4, 5, 6} <= set(parts)
        return (parts[1], parts[2], parts[3]), (parts[4], parts[5], parts[6]) if both else None
    return None, None


def _letters(names: tuple[str, ...], pattern: re.Pattern[str]) -> Vector | None:
    found = {m[1].lower(): name for name in names if (m := pattern.fullmatch(name))}
    return (found["x"], found["y"], found["z"]) if len(found) == 3 else None


def _flux(series: _Series, content: FileContent, log: LammpsLog | None) -> HeatFlux:
    """The series in its columns, with what head, columns, mapping and log know of it."""
    table, columns, notes = series.table, series.columns, [*series.table.notes, *series.notes]
    own = any("ixs heat flux" in line for line in table.head)
    facts = {k: float(v) for line in table.head for k, v in _FACT.findall(line)} if own else {}

    def column(which: Column | None) -> FloatArray | None:
        return None if which is None else table.values[:, _index(which, table, content)]

    def vector(which: Sequence[Column]) -> FloatArray:
        return table.values[:, [_index(one, table, content) for one in which]]

    convective = None if columns.convective is None else vector(columns.convective)
    if columns.virial is None:
        total = vector(columns.total or ())
    else:
        total = vector(columns.virial) + (0.0 if convective is None else convective)
        if convective is None:
            notes.append("virial part only: what moving atoms carry along is missing from κ")
    rows, dt_fs = _time_step(series, log, content)
    if not rows.all():
        notes.append(f"{int((~rows).sum())} rows of steps that stand twice were left out")
    if not own and columns.units != "gpumd":
        notes.append(MANY_BODY)
    if not columns.extensive:
        notes.append("flux divided by the volume in the file; multiplied by it here")
    temperature, volume = column(columns.temperature), column(columns.volume)
    if dt_fs is None and facts.get("step_ps"):
        dt_fs = 1000 * facts["step_ps"]
    return HeatFlux(
        total[rows],
        None if convective is None else convective[rows],
        dt_fs,
        _known(
            columns.volume_A3,
            _mean(volume),
            facts.get("volume_A3"),
            None if log is None else log.volume_A3,
        ),
        _known(
            columns.temperature_k,
            _mean(temperature),
            facts.get("temperature_K"),
            None if log is None else log.temperature_k,
        ),
        _units(columns, log),
        columns.extensive,
        notes=tuple(notes),
    )


def _known(*values: float | None) -> float | None:
    """The first that is known."""
    return next((value for value in values if value is not None), None)


def _units(columns: FluxColumns, log: LammpsLog | None) -> FluxUnits:
    if log is not None and "units" not in columns.model_fields_set:
        return "real" if log.units == "real" else "metal"
    return columns.units


def _index(which: Column, table: NumberTable, content: FileContent) -> int:
    width = table.values.shape[1]
    if isinstance(which, int):
        if 1 <= which <= width:
            return which - 1
        known = f"1 to {width}"
    elif table.names is not None and which in table.names:
        return table.names.index(which)
    else:
        known = ", ".join(table.names) if table.names else f"no names: numbers 1 to {width}"
    raise InputError("there is no such column", file=content.path, key=str(which), expected=known)


def _time_step(
    series: _Series, log: LammpsLog | None, content: FileContent
) -> tuple[BoolArray, float | None]:
    """Which rows to take, each step once, and the time between them where it is known."""
    table, columns = series.table, series.columns
    clock_name = columns.time_ps if columns.step is None else columns.step
    if clock_name is None:
        return np.ones(len(table.values), bool), columns.dt_fs
    clock = table.values[:, _index(clock_name, table, content)]
    # A run that goes on prints the step at which it stopped again.
    kept = np.concatenate([[True], np.diff(clock) != 0])
    between = np.diff(clock[kept])
    usual = float(np.median(between)) if len(between) else 0.0
    uneven = np.flatnonzero(np.abs(between - usual) > 1e-3 * abs(usual))
    if len(uneven) or not usual > 0:
        at = int(uneven[0]) if len(uneven) else 0
        here = clock[kept][at : at + 2]
        raise InputError(
            "the rows are not at equal times",
            file=content.path,
            found=", then ".join(f"{time:g}" for time in here),
            expected=f"steps of {usual:g}",
            hint="rows are missing, or the file holds several runs: give each its own file",
        )
    if columns.dt_fs is not None:
        return kept, columns.dt_fs
    if columns.step is None:
        return kept, 1000 * usual
    timestep = columns.timestep_fs or (log.timestep_fs if log is not None else None)
    return kept, None if timestep is None else usual * timestep


def _counts_up(column: FloatArray) -> bool:
    return bool(np.all(column == np.round(column)) and np.all(np.diff(column) >= 0))


def _mean(column: FloatArray | None) -> float | None:
    return None if column is None else float(column.mean())
