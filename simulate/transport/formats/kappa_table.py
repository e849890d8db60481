"""Tables of the thermal conductivity against temperature: T and the tensor, a row each.

Read are tables with a heading ("T kappa_11 kappa_12 … kappa_33", also xx, xy, …, or only some of
the components) and BTE.KappaTensorVsT_* of ShengBTE and FourPhonon, which have none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from simulate.phonons.loading.file_content import read_content
from simulate.transport.formats.fortran_numbers import fortran_float

_TEMPERATURE = re.compile(r"t(emp(erature)?)?([_\[(/ ]*k(elvin)?[\])]?)?", re.IGNORECASE)
_COMPONENT = re.compile(r"(?:.*[^a-z0-9])?k?(?:appa)?([xyz123])([xyz123])(?:[\[(/].*)?")
_TENSOR = 9
_SAME_K = 1e-3


@dataclass(frozen=True)
class KappaTable:
    """Thermal conductivity at some temperatures.

    Parameters
    ----------
    temperature_k : (nt,) array
        Ascending.
    kappa : (nt, 3, 3) array
        W m⁻¹ K⁻¹; NaN for components that the table does not hold.
    source : str
        The file, or the files whose tables were added.
    sources : tuple of (name, sha256)
    notes : tuple of str
        What was assumed or changed on reading.
    """

    temperature_k: FloatArray
    kappa: FloatArray
    source: str = ""
    sources: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()


def read_kappa_table(path: str | Path) -> KappaTable:
    """Read a table of κ(T), also a compressed one.

    Parameters
    ----------
    path : str or path

    Raises
    ------
    InputError
        No such table: without a column of temperatures or a component of κ, with lines of
        different lengths, with something else than finite numbers, or with a temperature twice.
    """
    content = read_content(Path(path))
    heading, rows, lines = _rows(content.text, content.path)
    notes: list[str] = []
    if heading is None:
        width = rows.shape[1]
        if width not in (1 + _TENSOR, 2 + _TENSOR):
            raise InputError(
                "the table has no heading, and is not the one of ShengBTE",
                file=content.path,
                found=f"{width} columns",
                expected='a heading "T kappa_11 kappa_12 …", or T and nine components',
            )
        temperature, kappa = rows[:, 0], rows[:, 1 : 1 + _TENSOR].reshape(-1, 3, 3)
        notes.append("without a heading: T, then the tensor row by row, as ShengBTE writes it")
    else:
        temperature, kappa = _by_heading(heading, rows, content.path, notes)
    order = np.argsort(temperature, kind="stable")
    temperature, kappa = temperature[order], kappa[order]
    _check_temperatures(temperature, [lines[i] for i in order], content.path)
    if np.any(order != np.arange(len(order))):
        notes.append("rows put in the order of their temperatures")
    return KappaTable(
        temperature,
        kappa,
        str(path),
        ((content.path.name, content.sha256),),
        tuple(notes),
    )


def add_kappa_tables(tables: Sequence[KappaTable]) -> KappaTable:
    """The sum of tables at the same temperatures, such as particle-like and wave-like κ.

    Raises
    ------
    InputError
        No table, or tables at different temperatures.
    """
    if not tables:
        raise InputError("there is no table to add", key="tables", expected="one or more")
    first = tables[0]
    for other in tables[1:]:
        same = len(other.temperature_k) == len(first.temperature_k) and bool(
            np.allclose(other.temperature_k, first.temperature_k, rtol=0, atol=_SAME_K)
        )
        if not same:
            raise InputError(
                "tables that are to be added have different temperatures",
                file=other.source or None,
                found=_kelvins(other.temperature_k),
                expected=f"those of {first.source}: {_kelvins(first.temperature_k)}",
            )
    return KappaTable(
        first.temperature_k,
        np.sum([table.kappa for table in tables], axis=0),
        " + ".join(table.source for table in tables),
        tuple(source for table in tables for source in table.sources),
        tuple(dict.fromkeys(note for table in tables for note in table.notes)),
    )


def _rows(text: str, path: Path) -> tuple[list[str] | None, FloatArray, list[int]]:
    """The names of the columns if there are, the numbers, and the lines they stand in."""
    heading: list[str] | None = None
    rows: list[list[float]] = []
    lines: list[int] = []
    for number, line in enumerate(text.splitlines(), start=1):
        tokens = re.split(r"[,;\s]+", line.strip().lstrip("#").strip(" ,;"))
        if not any(tokens):
            continue
        if not _is_number(tokens[0]):
            # What stands above the numbers names them; remarks before it and below do not.
            if not rows:
                heading = tokens
            elif not line.lstrip().startswith("#"):
                raise _not_numbers(path, number, line)
            continue
        try:
            values = [fortran_float(token) for token in tokens]
        except ValueError as error:
            raise _not_numbers(path, number, line) from error
        if not np.all(np.isfinite(values)):
            raise _not_numbers(path, number, line)
        width = len(heading) if heading is not None else len(rows[0]) if rows else len(values)
        if len(values) != width:
            raise InputError(
                "a line does not hold one number per column",
                file=path,
                line=number,
                found=len(values),
                expected=width,
            )
        rows.append(values)
        lines.append(number)
    if not rows:
        raise InputError("the table holds no numbers", file=path)
    return heading, np.array(rows), lines


def _by_heading(
    heading: list[str], rows: FloatArray, path: Path, notes: list[str]
) -> tuple[FloatArray, FloatArray]:
    temperature = [i for i, name in enumerate(heading) if _TEMPERATURE.fullmatch(name)]
    if not temperature:
        raise InputError(
            "the table has no column of temperatures",
            file=path,
            found=", ".join(heading),
            expected='a column "T" or "temperature_k"',
        )
    kappa = np.full((len(rows), 3, 3), np.nan)
    left_out = []
    for column, name in enumerate(heading):
        component = _COMPONENT.fullmatch(name.lower())
        if component:
            a, b = ("xyz123".index(letter) % 3 for letter in component.groups())
            kappa[:, a, b] = rows[:, column]
        elif column != temperature[0]:
            left_out.append(name)
    if np.all(np.isnan(kappa)):
        raise InputError(
            "the table has no component of κ",
            file=path,
            found=", ".join(heading),
            expected="columns kappa_11 … kappa_33, or xx … zz",
        )
    if left_out:
        notes.append(f"columns that are no component of κ are left out: {', '.join(left_out)}")
    return rows[:, temperature[0]], kappa


def _check_temperatures(temperature: FloatArray, lines: list[int], path: Path) -> None:
    if temperature[0] <= 0:
        raise InputError(
            "this is not a temperature",
            file=path,
            line=lines[0],
            found=f"{temperature[0]:g}",
            expected="kelvin, above 0",
        )
    twice = np.flatnonzero(np.diff(temperature) < _SAME_K)
    if len(twice):
        raise InputError(
            "a temperature stands twice in the table",
            file=path,
            line=lines[int(twice[0]) + 1],
            found=f"{temperature[twice[0]]:g} K",
        )


def _is_number(token: str) -> bool:
    try:
        fortran_float(token)
    except ValueError:
        return False
    return True


def _not_numbers(path: Path, number: int, line: str) -> InputError:
    return InputError(
        "this line is not finite numbers",
        file=path,
        line=number,
        found=repr(line.strip()[:60]),
    )


def _kelvins(temperature: FloatArray) -> str:
    return ", ".join(f"{kelvin:g}" for kelvin in temperature) + " K"
