"""The log of LAMMPS: units, time step, volume, and the tables of thermodynamic output."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from simulate.phonons.loading.file_content import FileContent

TIME_FS: Mapping[str, float] = {"metal": 1000.0, "real": 1.0}
"""LAMMPS's unit of time in fs."""

_TIMESTEP: Mapping[str, float] = {"metal": 0.001, "real": 1.0}  # when the input sets none
_COMMAND = re.compile(r"^\s*(units|timestep)\s+(\S+)\s*$", re.MULTILINE)
_BOX = re.compile(
    r"(?P<kind>orthogonal|triclinic) box = \((?P<low>[^()]+)\) to \((?P<high>[^()]+)\)"
)


class ThermoTable(NamedTuple):
    """One table of thermodynamic output."""

    names: tuple[str, ...]
    values: FloatArray
    first_line: int


@dataclass(frozen=True)
class LammpsLog:
    """What a log says of the run.

    Parameters
    ----------
    units : str
    timestep_fs : float
        The last one that was set.
    volume_A3, temperature_k : float or None
        Means of the last table; the volume, where no table has it, of the last box.
    tables : tuple of ThermoTable
    """

    units: str
    timestep_fs: float
    volume_A3: float | None
    temperature_k: float | None
    tables: tuple[ThermoTable, ...]


def is_lammps_log(content: FileContent) -> bool:
    """Whether a text is a log, by its first line or the line that ends a run."""
    return content.data.lstrip().startswith(b"LAMMPS (") or b"\nLoop time of " in content.data


def read_lammps_log(content: FileContent) -> LammpsLog:
    """Read a log.

    Raises
    ------
    InputError
        It is no log, its units are neither metal nor real, or it holds no table.
    """
    if not is_lammps_log(content):
        raise InputError(
            "this is not a log of LAMMPS",
            file=content.path,
            expected='"LAMMPS (" in the first line, or "Loop time of" after a run',
        )
    text = content.text
    units, timestep = "lj", None
    for command, value in _COMMAND.findall(text):
        if command == "units":
            units = value
        elif _is_number(value):  # not the line before variables are put in
            timestep = float(value)
    if units not in TIME_FS:
        raise InputError(
            "the units of this run have no conversion",
            file=content.path,
            key="units",
            found=units,
            expected="metal or real",
        )
    tables = _tables(text.splitlines())
    if not tables:
        raise InputError("the log holds no thermodynamic output", file=content.path)
    volume = _mean(tables, ("Volume", "vol", "v_vol"))
    return LammpsLog(
        units,
        TIME_FS[units] * (_TIMESTEP[units] if timestep is None else timestep),
        _box_volume(text) if volume is None else volume,
        _mean(tables[-1:], ("Temp", "c_thermo_temp", "v_temp")),
        tuple(tables),
    )


def _tables(lines: list[str]) -> list[ThermoTable]:
    tables: list[ThermoTable] = []
    for at, line in enumerate(lines):
        names = line.split()
        if not names or names[0] != "Step" or len(names) < 2:
            continue
        rows = []
        for below in lines[at + 1 :]:
            words = below.split()
            if words and words[0] in ("WARNING:", "Step"):
                continue
            if len(words) != len(names) or not all(map(_is_number, words)):
                break
            rows.append([float(word) for word in words])
        if rows:
            tables.append(ThermoTable(tuple(names), np.array(rows), at + 2))
    return tables


def _mean(tables: list[ThermoTable], names: tuple[str, ...]) -> float | None:
    """Of the last table that has one of the columns."""
    for table in reversed(tables):
        for name in names:
            if name in table.names:
                return float(table.values[:, table.names.index(name)].mean())
    return None


def _box_volume(text: str) -> float | None:
    boxes = list(_BOX.finditer(text))
    if not boxes:
        return None
    try:
        low, high = ([float(x) for x in boxes[-1][key].split()] for key in ("low", "high"))
    except ValueError:
        return None
    # The tilt of a triclinic box does not change its volume.
    return math.prod(b - a for a, b in zip(low, high, strict=True))


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True
