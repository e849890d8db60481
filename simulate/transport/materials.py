"""Thermal and electrical conductivity of materials, from a table that its user keeps."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass
from pathlib import Path

from ixs_core.errors import InputError
from simulate.phonons.loading.file_content import read_content

COLUMNS = ("material", "temperature_k", "kappa_w_mk", "sigma_s_cm", "kind", "source")

TEMPLATE = (
    ",".join(COLUMNS)
    + "\n# kappa in W/(m K), sigma in S/cm; kind names the group that is drawn in one colour;\n"
    "# source says where both numbers come from. Either number may be left empty.\n"
)


@dataclass(frozen=True)
class Material:
    """A material at a temperature; κ or σ is NaN where it is not known.

    Parameters
    ----------
    name : str
    temperature_k : float
    kappa_w_mk : float
        Thermal conductivity, W/(m K).
    sigma_s_cm : float
        Electrical or ionic conductivity, S/cm.
    kind : str
        The group it belongs to.
    source : str
        Where the numbers come from.
    """

    name: str
    temperature_k: float
    kappa_w_mk: float
    sigma_s_cm: float
    kind: str = ""
    source: str = ""

    @property
    def complete(self) -> bool:
        """Whether both conductivities are known, so that it can be drawn."""
        return not (math.isnan(self.kappa_w_mk) or math.isnan(self.sigma_s_cm))


def read_materials(path: str | Path) -> tuple[Material, ...]:
    """Read a CSV with the columns of `COLUMNS`; lines that begin with # are passed over.

    Raises
    ------
    InputError
        The file or a column is missing, a number is none or not above zero, a material stands
        without a source.
    """
    content = read_content(Path(path))
    lines = content.text.splitlines()
    numbered = [(i, line) for i, line in enumerate(lines, 1) if line.strip()]
    numbered = [(i, line) for i, line in numbered if not line.lstrip().startswith("#")]
    reader = csv.DictReader(io.StringIO("\n".join(line for _, line in numbered)))
    found = [name.strip() for name in reader.fieldnames or ()]
    missing = [name for name in COLUMNS if name not in found]
    if missing:
        raise InputError(
            "the table of materials lacks columns",
            file=content.path,
            found=", ".join(found) or "nothing",
            expected=",".join(COLUMNS),
            hint=f"missing: {', '.join(missing)}",
        )
    reader.fieldnames = found
    materials = []
    for (line, _), row in zip(numbered[1:], reader, strict=False):
        values = {name: (row[name] or "").strip() for name in COLUMNS}
        materials.append(_material(values, content.path, line))
    if not materials:
        raise InputError("the table holds no material", file=content.path)
    return tuple(materials)


def _material(values: dict[str, str], path: Path, line: int) -> Material:
    for name in ("material", "source"):
        if not values[name]:
            raise InputError("this must not be empty", file=path, line=line, key=name)
    return Material(
        values["material"],
        _positive(values, "temperature_k", path, line),
        _positive(values, "kappa_w_mk", path, line, empty=True),
        _positive(values, "sigma_s_cm", path, line, empty=True),
        values["kind"],
        values["source"],
    )


def _positive(
    values: dict[str, str], key: str, path: Path, line: int, *, empty: bool = False
) -> float:
    text = values[key]
    if not text and empty:
        return math.nan
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise InputError(
            "not a number above zero",
            file=path,
            line=line,
            key=key,
            found=repr(text),
            hint="leave it empty where it is not known" if empty else None,
        )
    return number
