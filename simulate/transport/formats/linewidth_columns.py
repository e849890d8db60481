"""Plain columns of linewidths, whose header names quantities and units.

A header line such as `q1 q2 q3 weight energy_mev fwhm_mev_3ph rate_per_ps_4ph`, numbers below,
one row for each mode; commas, blanks or tabulators between. Lines `# key = value` may tell
`temperature_k`, `mesh`, `volume_A3`. Rows of one q-point stand together. The table of
`ixs kappa read --csv` is such a file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ixs_core.arrays import FloatArray, IntArray
from ixs_core.errors import InputError
from ixs_core.units import HBAR_MEV_PS, INVERSE_CM_IN_MEV, THZ_IN_MEV
from simulate.phonons.loading.file_content import FileContent
from simulate.transport.lifetimes import Linewidths
from simulate.transport.structure import read_structure, require_fit, star_products

_ENERGIES = {
    "energy_mev": 1.0,
    "frequency_thz": THZ_IN_MEV,
    "energy_thz": THZ_IN_MEV,
    "omega_rad_ps": HBAR_MEV_PS,
    "energy_per_cm": INVERSE_CM_IN_MEV,
}
# Half widths are called gamma, as phono3py does.
_RATES = {
    "fwhm_mev": 1.0,
    "fwhm_thz": THZ_IN_MEV,
    "fwhm_per_cm": INVERSE_CM_IN_MEV,
    "gamma_thz": 2 * THZ_IN_MEV,
    "gamma_mev": 2.0,
    "rate_per_ps": HBAR_MEV_PS,
}
_LIFETIMES = {"tau_ps": HBAR_MEV_PS}
_WIDTHS = {**_RATES, **_LIFETIMES}
_VELOCITIES = ("vx_km_s", "vy_km_s", "vz_km_s")
_Q = ("q1", "q2", "q3")
_KNOWN = (*_Q, "weight", "branch", "temperature_k", *_ENERGIES, *_WIDTHS, *_VELOCITIES)
_BARE = ("energy", "frequency", "omega", "fwhm", "gamma", "tau", "rate", "lifetime", "linewidth")
_FACT = re.compile(r"^\s*#\s*(\w+)\s*[=:]\s*(.+?)\s*$")
_SAME_Q = 1e-7


@dataclass(frozen=True)
class _Table:
    """Numbers under their headings, and the facts told above them."""

    content: FileContent
    columns: Mapping[str, FloatArray]
    facts: Mapping[str, str]
    first_line: int

    @property
    def path(self) -> Path:
        """For messages."""
        return self.content.path


def is_linewidth_columns(text: str) -> bool:
    """Whether a text has a header with q1 q2 q3."""
    return _header(text.splitlines()[:200]) is not None


def read_linewidth_columns(
    content: FileContent, *, temperature_k: float | None = None, structure: Path | None = None
) -> Linewidths:
    """Linewidths of a table.

    Parameters
    ----------
    content : FileContent
    temperature_k : float, optional
        Where the file does not tell.
    structure : Path, optional
        The crystal, for the volume and whole stars.

    Raises
    ------
    InputError
        A unit is not named, a number is none, rows of a q-point do not belong together.
    """
    table = _table(content)
    kelvin, at_k = _temperatures(table, temperature_k)
    rows = [np.flatnonzero(at_k == k) for k in range(len(kelvin))]
    starts, ns = _points(table, rows[0])
    nq = len(starts)
    energy_name, factor = _energy_column(table)
    energy = factor * _grid(table, energy_name, rows, nq, ns)
    _require_same(energy, "energies", table)
    processes, notes = _processes(table, rows, nq, ns)
    q = np.stack([_grid(table, name, rows, nq, ns)[0, :, 0] for name in _Q], axis=-1)
    weights: IntArray = np.ones(nq, dtype=np.int64)
    if "weight" in table.columns:
        weights = np.rint(_grid(table, "weight", rows, nq, ns)[0, :, 0]).astype(np.int64)
    velocity = None
    if all(name in table.columns for name in _VELOCITIES):
        axes = [_grid(table, name, rows, nq, ns)[0] for name in _VELOCITIES]
        velocity = np.stack(axes, axis=-1)
    mesh = _facts(table, "mesh", 3)
    volume = _facts(table, "volume_A3", 1)
    crystal = None if structure is None else read_structure(structure)
    product = None
    if crystal is not None:
        require_fit(crystal, ns, None if volume is None else volume[0])
        volume = [crystal.volume_A3]
        if velocity is not None:
            product = star_products(velocity, crystal)
    return Linewidths(
        q_primitive=q,
        weights=weights,
        energy_mev=energy[0],
        temperature_k=kelvin,
        processes=processes,
        mesh=None if mesh is None else (round(mesh[0]), round(mesh[1]), round(mesh[2])),
        velocity_km_s=velocity,
        primitive=None if crystal is None else crystal.primitive,
        volume_A3=None if volume is None else volume[0],
        source=f"columns, {content.path.name}",
        sources=((content.path.name, content.sha256),),
        notes=tuple(notes),
        velocity_product=product,
    )


def _header(lines: Sequence[str]) -> tuple[int, list[str]] | None:
    """Place and words of the line that names the columns."""
    for number, line in enumerate(lines):
        words = [word.lower() for word in re.split(r"[\s,;]+", line.strip(" \t#,;")) if word]
        if set(_Q) <= set(words):
            return number, words
    return None


def _table(content: FileContent) -> _Table:
    lines = content.text.splitlines()
    header = _header(lines)
    if header is None:
        raise InputError(
            "no line names the columns",
            file=content.path,
            expected="q1 q2 q3 energy_mev fwhm_mev, or other quantities with their units",
        )
    place, names = header
    _require_units(names, content.path, place + 1)
    facts = {m[1]: m[2] for line in lines if (m := _FACT.match(line))}
    rows = []
    for number, line in enumerate(lines[place + 1 :], start=place + 2):
        words = [word for word in re.split(r"[\s,;]+", line.partition("#")[0].strip()) if word]
        if not words:
            continue
        rows.append(_row(line, words, len(names), content.path, number))
    if not rows:
        raise InputError("the table has no rows", file=content.path)
    values = np.array(rows)
    columns = {name: values[:, k] for k, name in enumerate(names)}
    return _Table(content, columns, facts, place + 2)


def _row(line: str, words: list[str], length: int, path: Path, number: int) -> list[float]:
    # A table with commas may leave a cell empty: a width that is not known.
    cells = [c.strip() for c in line.partition("#")[0].split(",")] if "," in line else words
    try:
        values = [float(cell.lower().replace("d", "e")) if cell else np.nan for cell in cells]
    except ValueError as error:
        raise InputError(
            "this is not a number", file=path, line=number, found=str(error)
        ) from error
    if len(values) != length:
        raise InputError(
            "the row does not have the columns of the header",
            file=path,
            line=number,
            found=f"{len(values)} numbers",
            expected=length,
        )
    return values


def _require_units(names: Sequence[str], path: Path, line: int) -> None:
    """InputError for a quantity whose unit is not named, or a name that stands twice."""
    for name in names:
        known = _quantity(name) is not None or name in _KNOWN
        if not known and name.split("_")[0] in _BARE:
            stem = name.split("_")[0]
            like = [k for k in (*_ENERGIES, *_WIDTHS) if k.startswith(stem)]
            raise InputError(
                "the unit of this column is not known",
                file=path,
                line=line,
                key=name,
                expected=", ".join(like or (*_ENERGIES, *_WIDTHS)),
            )
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError("columns stand twice", file=path, line=line, found=", ".join(twice))


def _quantity(name: str) -> tuple[str, str] | None:
    """("fwhm_mev", "4ph") of "fwhm_mev_4ph"; "total" where no process is named."""
    for quantity in _WIDTHS:
        if name == quantity:
            return quantity, "total"
        if name.startswith(f"{quantity}_"):
            return quantity, name.removeprefix(f"{quantity}_")
    return None


def _temperatures(table: _Table, given: float | None) -> tuple[FloatArray, IntArray]:
    """Temperatures, and the place of each row's among them."""
    length = len(table.columns["q1"])
    if "temperature_k" in table.columns:
        kelvin, place = np.unique(table.columns["temperature_k"], return_inverse=True)
        return kelvin, place
    told = _facts(table, "temperature_k", 1)
    kelvin_here = given if told is None else told[0]
    if kelvin_here is None:
        raise InputError(
            "the temperature of these widths is not known",
            file=table.path,
            expected="a column temperature_k or a line '# temperature_k = 300'",
            hint="or give it (temperature_k=, on the command line --temperature)",
        )
    return np.array([kelvin_here]), np.zeros(length, dtype=np.int64)


def _points(table: _Table, rows: IntArray) -> tuple[IntArray, int]:
    """First rows of the q-points, and the branches that each has."""
    q = np.stack([table.columns[name][rows] for name in _Q], axis=-1)
    new = np.concatenate([[True], np.abs(np.diff(q, axis=0)).max(axis=1) > _SAME_Q])
    starts = np.flatnonzero(new)
    lengths = np.diff([*starts, len(rows)])
    if (lengths != lengths[0]).any():
        odd = int(np.argmax(lengths != lengths[0]))
        raise InputError(
            "the q-points do not have the same number of branches",
            file=table.path,
            line=table.first_line + int(rows[starts[odd]]),
            found=int(lengths[odd]),
            expected=f"{int(lengths[0])} rows for each, together",
        )
    return starts, int(lengths[0])


def _grid(table: _Table, name: str, rows: Sequence[IntArray], nq: int, ns: int) -> FloatArray:
    """(nt, nq, ns) of a column."""
    if any(len(at_k) != nq * ns for at_k in rows):
        raise InputError(
            "the temperatures do not have the same modes",
            file=table.path,
            found=", ".join(str(len(at_k)) for at_k in rows),
            expected=f"{nq * ns} rows for each",
        )
    return np.array([table.columns[name][at_k].reshape(nq, ns) for at_k in rows])


def _require_same(values: FloatArray, what: str, table: _Table) -> None:
    if np.abs(values - values[0]).max() > 1e-6 * np.abs(values).max():
        raise InputError(
            f"the {what} differ from temperature to temperature",
            file=table.path,
            hint="give one file for each temperature",
        )


def _energy_column(table: _Table) -> tuple[str, float]:
    for name, factor in _ENERGIES.items():
        if name in table.columns:
            return name, factor
    raise InputError("no column is an energy", file=table.path, expected=" or ".join(_ENERGIES))


def _processes(
    table: _Table, rows: Sequence[IntArray], nq: int, ns: int
) -> tuple[dict[str, FloatArray], list[str]]:
    """Process -> FWHM in meV; the total only where no part is there."""
    found: dict[str, tuple[str, FloatArray]] = {}
    unused = [n for n in table.columns if n not in _KNOWN and _quantity(n) is None]
    for name in table.columns:
        named = _quantity(name)
        if named is None:
            continue
        quantity, process = named
        if process in found:
            unused.append(name)
            continue
        values = _grid(table, name, rows, nq, ns)
        if quantity in _LIFETIMES:
            _require_lifetimes(values, name, table)
            values = np.where(values > 0, 1 / np.where(values > 0, values, 1.0), np.nan)
        found[process] = (name, _WIDTHS[quantity] * values)
    if not found:
        raise InputError("no column is a linewidth", file=table.path, expected=" or ".join(_WIDTHS))
    parts = {process: width for process, (_, width) in found.items() if process != "total"}
    if not parts:
        name, width = found["total"]
        return {"total": width}, _left_alone(unused)
    if "total" in found:
        unused.append(found["total"][0])
    return parts, _left_alone(unused)


def _require_lifetimes(values: FloatArray, name: str, table: _Table) -> None:
    negative = int((values < 0).sum())
    if negative:
        raise InputError(f"{negative} lifetimes are negative", file=table.path, key=name)


def _left_alone(names: Sequence[str]) -> list[str]:
    return [f"columns left alone: {', '.join(names)}"] if names else []


def _facts(table: _Table, key: str, length: int) -> list[float] | None:
    """Numbers of a line `# key = …`; None without it."""
    told = {name.lower(): text for name, text in table.facts.items()}.get(key.lower())
    if told is None:
        return None
    try:
        values = [float(word) for word in re.split(r"[\s,x×]+", told.strip(" ()[]")) if word]
    except ValueError:
        values = []
    if len(values) != length:
        raise InputError(
            "this is not told in numbers",
            file=table.path,
            key=key,
            found=repr(told),
            expected=f"{length} numbers",
        )
    return values
