"""Intensities in SHELX's HKLF 4 layout, and reflection lists that a CIF carries as a text.

HKLF 4: lines of FORMAT(3I4, 2F8.2, I4), h k l Fo² σ(Fo²) and a batch number, up to 0 0 0
(http://shelx.uni-goettingen.de/shelxl_html.php, instruction HKLF). HKLF 3 holds Fo and σ(Fo).
Neither the scale nor the cell are in it. Columns separated by blanks are read too, if the file
does not obey the layout.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from gemmi import cif

from ixs_core.arrays import FloatArray, IntArray
from ixs_core.cif_block import CifBlock
from ixs_core.errors import InputError
from mem.formats.refinement_details import refinement_extinction, refinement_weights
from mem.formats.refln_cif import (
    INDICES,
    SIGMA_HINT,
    assumed_sigma,
    reflections_of,
    repeated_note,
)
from mem.formats.text_file import (
    TextFile,
    decimal_number,
    fixed_columns,
    miller_index,
    whole_number,
)
from mem.reflections import MeasuredReflections
from mem.wording import are, counted

EMBEDDED = (
    "_shelx_fcf_file",
    "_iucr_refine_fcf_details",
    "_iucr_refine_reflections_details",
    "_shelx_hkl_file",
)
"""Text fields that hold an .fcf or a .hkl; of several the first one is read."""

_INSTRUCTIONS = ("_shelx_res_file", "_iucr_refine_instructions_details")

_COLUMNS = (4, 4, 4, 8, 8, 4)
_LAYOUT = "3I4, 2F8.2, I4: h k l F² σ(F²) batch"
_HKLF = re.compile(r"^\s*HKLF\s+(-?\d+)([^!\n]*)", re.IGNORECASE | re.MULTILINE)
_POSITION = re.compile(r"^\S*?:(\d+)(?::\d+\(\d+\))?:?\s*")
_NO_NUMBER = re.compile(r"[+-]?(nan|inf|infinity)|\*+", re.IGNORECASE)
_LIST_4_COLUMNS = 7
_STATUS = frozenset("o<-xhl")


@dataclass(frozen=True)
class _Row:
    """One line: the index, the intensity with its σ, and the batch number.

    None is what the line does not have, NaN what is no finite number in it.
    """

    hkl: tuple[int, int, int]
    value: float
    sigma: float | None
    batch: int | None = None


def looks_like_hklf4(text: TextFile) -> bool:
    """Whether the first line that is no comment can be a row of HKLF 4."""
    line = next((line for _, line in _content(text)), "")
    return _fixed_row(line) is not None or _free_row(line) is not None


def looks_like_bare_list_4(text: TextFile) -> bool:
    """Whether the first line that is no comment is h k l Fc² Fo² σ status."""
    line = next((line for _, line in _content(text)), "")
    return _list_4_row(line) is not None


def read_hklf4(
    text: TextFile, amplitudes: bool = False, relative_sigma: float | None = None
) -> MeasuredReflections:
    """Reflections of a SHELX .hkl file: nothing merged, no absolute scale.

    Parameters
    ----------
    text : TextFile
    amplitudes : bool
        The file is HKLF 3: |F| and σ(F), to be squared.
    relative_sigma : float, optional
        σ(F²)/F² for a list whose column of σ is missing or all zero.

    Raises
    ------
    InputError
        A line is no reflection, a value is no finite number, a σ is negative or missing, or no
        reflection is measured.
    """
    content, notes = _up_to_the_end(text)
    notes = [*text.notes, *notes]
    if not content:
        raise text.error("no reflections", 1, expected=_LAYOUT)
    rows, free = _rows(text, content)
    if free:
        notes.append("columns are separated by blanks, not as HKLF 4 has them")
    return _measured(text, rows, amplitudes, relative_sigma, notes)


def read_bare_list_4(text: TextFile, relative_sigma: float | None = None) -> MeasuredReflections:
    """Reflections of a SHELXL LIST 4 without its CIF header: h k l Fc² Fo² σ(Fo²) status.

    Raises
    ------
    InputError
        A line is no such row, or σ is nowhere above 0.
    """
    # The same rows with the header they lost; comments keep the line numbers.
    for number, line in _content(text):
        if _list_4_row(line) is None:
            raise text.error("not a row of LIST 4", number, expected="h k l Fc² Fo² σ(Fo²) status")
    tags = ("f_squared_calc", "f_squared_meas", "f_squared_sigma", "observed_status")
    header = " ".join((*INDICES, *(f"_refln_{tag}" for tag in tags)))
    block = _parse_cif(f"data_list loop_ {header} " + "\n".join(text.lines), text)
    note = "the header is missing: read as h k l Fc² Fo² σ(Fo²) status, SHELXL's LIST 4"
    source = CifBlock(block, text.path, text.sha256, (*text.notes, note))
    return reflections_of(source, relative_sigma)


def read_embedded(source: CifBlock, relative_sigma: float | None = None) -> MeasuredReflections:
    """Reflections that a CIF carries as a text field: an .fcf or, without one, a .hkl file.

    The HKLF instruction of the embedded refinement, if there, is obeyed for a .hkl: HKLF 3 is
    squared, and its matrix turns the indices, h' = R h.

    Raises
    ------
    InputError
        As `read_refln_cif` and `read_hklf4`; or the instruction says that the reflections are of
        a twin (HKLF 5, 6), or its matrix makes no Miller indices.
    """
    tag, text = _text_field(source)
    content = "\n".join(text.lines)
    if INDICES[0] in content.lower():
        block = _parse_cif(content, text)
        found = reflections_of(CifBlock(block, source.path, source.sha256, ()), relative_sigma)
    else:
        found = _embedded_hkl(source, tag, text, relative_sigma)
    return replace(
        found,
        weights=refinement_weights(source),
        extinction=refinement_extinction(source),
        notes=(*source.repairs, f"the reflections are those of {tag}", *found.notes),
    )


def _embedded_hkl(
    source: CifBlock, tag: str, text: TextFile, relative_sigma: float | None
) -> MeasuredReflections:
    instruction = _HKLF.search("\n".join(_field(source, name) for name in _INSTRUCTIONS))
    code = abs(int(instruction[1])) if instruction else 4
    if code not in (3, 4):
        raise source.error(
            "the reflections are no single intensities",
            tag,
            found=f"HKLF {code}",
            expected="HKLF 4",
            hint="give the .fcf, which has the reflections of one component",
        )
    found = read_hklf4(text, code == 3, relative_sigma)
    matrix = _matrix(instruction[2] if instruction else "")
    if np.array_equal(matrix, np.eye(3)):
        return found
    turned = found.hkl @ matrix.T
    if np.abs(turned - np.rint(turned)).max() > 1e-3:
        raise source.error("the matrix of HKLF makes no Miller indices", tag, found=matrix.tolist())
    note = "the indices are turned by the matrix of the instruction HKLF"
    return replace(found, hkl=np.rint(turned).astype(np.int64), notes=(*found.notes, note))


def _content(text: TextFile) -> list[tuple[int, str]]:
    """Lines with their numbers, comments and blank lines left out."""
    return [
        (number, line)
        for number, line in enumerate(text.lines, start=1)
        if line.strip() and not line.lstrip().startswith("#")
    ]


def _up_to_the_end(text: TextFile) -> tuple[list[tuple[int, str]], list[str]]:
    """The lines before 0 0 0, and what is to be said about those after it."""
    content = _content(text)
    for i, (_, line) in enumerate(content):
        if line.split()[:3] == ["0", "0", "0"]:
            after = len(content) - i - 1
            return content[:i], [f"{counted(after, 'line')} after the end line: not read"] * (
                after > 0
            )
    return content, ["the end line 0 0 0 is missing"]


def _rows(text: TextFile, content: Sequence[tuple[int, str]]) -> tuple[list[_Row], bool]:
    """All rows, and whether their columns are separated by blanks instead of fixed."""
    fixed = [_fixed_row(line) for _, line in content]
    free = [_free_row(line) for _, line in content] if None in fixed else []
    parsed = free if free.count(None) < fixed.count(None) else fixed
    rows = []
    for (number, _), row in zip(content, parsed, strict=True):
        if row is None:
            raise text.error("not a reflection", number, expected=_LAYOUT)
        _require_numbers(text, number, row)
        rows.append(row)
    without = [number for (number, _), row in zip(content, rows, strict=True) if row.sigma is None]
    if without and len(without) < len(rows):
        raise text.error("σ is missing", without[0], expected=_LAYOUT)
    return rows, parsed is free


def _require_numbers(text: TextFile, number: int, row: _Row) -> None:
    index = " ".join(map(str, row.hkl))
    for value, name in ((row.value, "the intensity"), (row.sigma, "σ")):
        if value is not None and math.isnan(value):
            raise text.error(
                f"{name} is not a number (reflection {index})", number, expected="finite numbers"
            )
    if row.sigma is not None and row.sigma < 0:
        raise text.error("σ is negative", number, expected="σ above 0")


def _fixed_row(line: str) -> _Row | None:
    *fields, batch = fixed_columns(line, _COLUMNS)
    if not fields[4].strip() and line[sum(_COLUMNS) :].strip():
        return None  # what stands further right may be the σ of a wider layout
    return _row([*fields, batch] if batch.strip() else fields)


def _free_row(line: str) -> _Row | None:
    fields = line.split()
    if len(fields) == 4:
        fields.append("")  # h k l F² without σ
    return _row(fields[:6]) if len(fields) >= 5 else None


def _row(fields: Sequence[str]) -> _Row | None:
    hkl = [index for index in map(miller_index, fields[:3]) if index is not None]
    value, sigma = _value(fields[3]), _value(fields[4])
    # A list may go on with other columns than the batch number.
    batch = whole_number(fields[5]) if len(fields) > 5 else None
    if len(fields) > 5 and batch is None and decimal_number(fields[5]) is None:
        return None
    if len(hkl) != 3 or value is None or (sigma is None and fields[4].strip()):
        return None
    return _Row((hkl[0], hkl[1], hkl[2]), value, sigma, batch)


def _value(text: str) -> float | None:
    """A number, NaN for what programs print in place of one, None for anything else."""
    return math.nan if _NO_NUMBER.fullmatch(text.strip()) else decimal_number(text)


def _list_4_row(line: str) -> tuple[str, ...] | None:
    fields = line.split()
    if len(fields) != _LIST_4_COLUMNS or fields[-1].lower() not in _STATUS:
        return None
    indices = all(miller_index(field) is not None for field in fields[:3])
    values = all(field in "?." or decimal_number(field) is not None for field in fields[3:6])
    return tuple(fields) if indices and values else None


def _measured(
    text: TextFile,
    rows: Sequence[_Row],
    amplitudes: bool,
    relative_sigma: float | None,
    notes: list[str],
) -> MeasuredReflections:
    hkl: IntArray = np.array([row.hkl for row in rows], dtype=np.int64)
    value: FloatArray = np.array([row.value for row in rows])
    sigma: FloatArray = np.array([row.sigma or 0.0 for row in rows])
    if not sigma.any() and relative_sigma is not None:
        sigma = assumed_sigma(value, relative_sigma, not amplitudes, notes)
    if not sigma.any():
        missing = rows[0].sigma is None
        raise text.error(
            "the σ column is missing" if missing else "all σ are zero",
            _content(text)[0][0],
            expected=_LAYOUT,
            hint=SIGMA_HINT if value.any() else None,
        )
    weightless = sigma == 0
    if weightless.any():
        first = " ".join(map(str, hkl[weightless.argmax()]))
        notes.append(f"{are(int(weightless.sum()))} left out, such as {first}: σ is zero")
        hkl, value, sigma = hkl[~weightless], value[~weightless], sigma[~weightless]
    if amplitudes:
        notes.append("HKLF 3 holds amplitudes: squared, with σ(F²) = [(2Fσ)² + 2σ⁴]^½")
        sigma = np.sqrt((2 * value * sigma) ** 2 + 2 * sigma**4)
        value = value * np.abs(value)  # a negative Fo stands for a negative intensity
    batches = {row.batch for row in rows if row.batch is not None}
    if len(batches) > 1:
        notes.append(f"{len(batches)} batch numbers ({_listed(batches)}): all are read as one")
    repeated = repeated_note(hkl)
    return MeasuredReflections(
        hkl=hkl,
        intensity=value,
        sigma=sigma,
        absolute=False,
        source=text.path.name,
        sha256=text.sha256,
        notes=(*notes, *([repeated] if repeated else [])),
    )


def _listed(numbers: set[int]) -> str:
    ordered = sorted(numbers)
    return ", ".join(map(str, ordered[:5])) + (", …" if len(ordered) > 5 else "")


def _field(source: CifBlock, tag: str) -> str:
    """A text field as it stands; `CifBlock.text` would take the blanks of its first line."""
    for item in source.block:
        pair: Any = item.pair
        if pair is not None and pair[0].lower() == tag:
            return "" if cif.is_null(pair[1]) else cif.as_string(pair[1])
    return ""


def _text_field(source: CifBlock) -> tuple[str, TextFile]:
    """The first of the text fields that is filled, its lines numbered as in the file."""
    for tag in EMBEDDED:
        content = _field(source, tag)
        if content.strip():
            # The field begins with its semicolon, on the line after its tag.
            above = source.line(tag) or 0
            lines = (*[""] * above, *content.split("\n"))
            return tag, TextFile(source.path, lines, source.sha256)
    raise source.error("no text field holds reflections", EMBEDDED[-1])


def _parse_cif(content: str, text: TextFile) -> cif.Block:
    """The one block with reflections of a CIF that was read as text."""
    try:
        blocks = list(cif.read_string(content))
    except (ValueError, RuntimeError) as error:
        position = _POSITION.match(str(error))
        raise text.error(
            "is not a valid list of reflections: " + _POSITION.sub("", str(error)),
            int(position[1]) if position else None,
        ) from error
    fitting = [block for block in blocks if block.find_loop(INDICES[0])]
    if len(fitting) != 1:
        raise text.error(
            "there is no single list of reflections",
            found=f"{len(fitting)} lists",
            expected=f"one loop with {INDICES[0]}",
        )
    return fitting[0]


def _matrix(parameters: str) -> FloatArray:
    """The matrix after the scale of HKLF N [S r11 … r33]; unity without one."""
    numbers = [decimal_number(word) for word in parameters.split()[:10]]
    matrix = [number for number in numbers[1:] if number is not None]
    return np.array(matrix).reshape(3, 3) if len(matrix) == 9 else np.eye(3)


def unreadable(text: TextFile) -> InputError:
    """The error about a text that is none of the layouts."""
    number, _ = next(iter(_content(text)), (1, ""))
    return text.error(
        "is not a list of reflections that is understood",
        number,
        expected="a CIF or .fcf with a _refln_ loop (Jana2020, SHELXL LIST 3-6), a CIF with an "
        "embedded .hkl or .fcf, SHELX HKLF 4, Dysnomia's .mem or .fos, or BayMEM's .BMinput",
    )
