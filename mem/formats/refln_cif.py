"""The reflections of a CIF: Jana2020's `_refln_` loop and the .fcf lists of SHELXL.

SHELXL: LIST 3 (F, σ, A, B), LIST 4 (Fc², Fo², σ, status), LIST 5 (F, Fc, phase; no σ) and LIST 6
(Fo², σ, Fc, phase); http://shelx.uni-goettingen.de/shelxl_html.php, instruction LIST. The tags of
the loop tell what it holds, whatever its number.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ixs_core.arrays import BoolArray, FloatArray, IntArray
from ixs_core.cif_block import CifBlock, open_block
from ixs_core.errors import InputError
from mem.formats.refinement_details import refinement_extinction, refinement_weights
from mem.formats.text_file import LARGEST_INDEX
from mem.reflections import MeasuredReflections
from mem.wording import are, counted

SIGMA_HINT = "give a relative σ of F²: --relative-sigma 0.03"
INDICES = ("_refln_index_h", "_refln_index_k", "_refln_index_l")
_SATELLITE = tuple(f"_refln_index_m_{i}" for i in range(1, 7))
_STATUS = ("_refln_observed_status", "_refln_include_status", "_refln_status")
_MULTIPLIER = "_shelx_F_squared_multiplier"

# Measured quantity, its uncertainty; the first that is there is read.
_SQUARED = ("_refln_F_squared_meas", ("_refln_F_squared_sigma", "_refln_F_squared_meas_su"))
_INTENSITY = ("_refln_intensity_meas", ("_refln_intensity_sigma", "_refln_intensity_meas_su"))
_AMPLITUDE = ("_refln_F_meas", ("_refln_F_sigma", "_refln_F_meas_su"))
_AMPLITUDE_AU = ("_refln_F_meas_au", ("_refln_F_meas_sigma_au",))

_NOT_USED = {
    "-": "systematically absent",
    "x": "marked as unreliable",
    "h": "beyond the resolution limits",
    "l": "beyond the resolution limits",
}


@dataclass(frozen=True)
class _Table:
    """The rows that are measured, as F² with σ."""

    rows: IntArray
    intensity: FloatArray
    sigma: FloatArray


def read_refln_cif(
    path: str | Path, relative_sigma: float | None = None, block: str | None = None
) -> MeasuredReflections:
    """Reflections of the `_refln_` loop of a CIF or .fcf.

    Amplitudes are squared: F² with σ(F²) = [(2Fσ)² + 2σ⁴]^½, the standard deviation of the
    square of a Gaussian variable.

    Parameters
    ----------
    path : str or Path
    relative_sigma : float, optional
        σ(F²)/F² for a list that gives none (LIST 5).
    block : str, optional
        Name of the data block, needed when several hold reflections.

    Raises
    ------
    InputError
        No CIF, no `_refln_` loop, no measured values, no σ and no `relative_sigma`, or a value
        that is none.
    """
    return reflections_of(open_block(path, INDICES, block), relative_sigma)


def reflections_of(source: CifBlock, relative_sigma: float | None = None) -> MeasuredReflections:
    """As `read_refln_cif`, of a block that was opened already."""
    notes = list(source.repairs)
    hkl = _indices(source)
    table = _measured(source, hkl, relative_sigma, notes)
    calculated, phase = _calculated(source, hkl, notes)
    keep = _usable(source, hkl, table, notes)
    rows = table.rows[keep]
    if not len(rows):
        raise source.error("no reflection is left that was measured", INDICES[0])
    _note_repeated(hkl[rows], notes)
    multiplier = source.number(_MULTIPLIER)
    if multiplier not in (None, 1.0):
        notes.append(f"F² is multiplied by {multiplier:g} in the file: its scale is not absolute")
    observed = _observed(source, rows)
    return MeasuredReflections(
        hkl=hkl[rows],
        intensity=table.intensity[keep],
        sigma=table.sigma[keep],
        absolute=calculated is not None and multiplier in (None, 1.0),
        calculated=None if calculated is None else calculated[rows],
        phase_deg=None if phase is None else phase[rows],
        observed=observed,
        weights=refinement_weights(source),
        extinction=refinement_extinction(source),
        source=source.path.name,
        sha256=source.sha256,
        notes=tuple(notes),
    )


def _indices(source: CifBlock) -> IntArray:
    columns = []
    for tag in INDICES:
        texts = source.column(tag)
        values = np.array([_number(source, tag, row, text) for row, text in enumerate(texts)])
        wrong = (values != np.rint(values)) | (np.abs(values) > LARGEST_INDEX)
        if wrong.any():
            row = int(wrong.argmax())
            raise _row_error(source, "not a Miller index", tag, row, texts[row], "a whole number")
        columns.append(values.astype(np.int64))
    if len({len(column) for column in columns}) != 1:
        raise source.error("the loop lacks a Miller index", INDICES[0], expected=", ".join(INDICES))
    return np.stack(columns, axis=1)


def _measured(
    source: CifBlock, hkl: IntArray, relative_sigma: float | None, notes: list[str]
) -> _Table:
    """The rows with a measured value: its square, and the σ of that."""
    choices = (_SQUARED, _INTENSITY, _AMPLITUDE, _AMPLITUDE_AU)
    present = [choice for choice in choices if any(source.column(choice[0]))]
    if not present:
        listed = any(source.line(choice[0]) for choice in choices)
        raise source.error(
            "no reflection has a measured value" if listed else "measured values are missing",
            INDICES[0],
            found=", ".join(tag for tag in source.tags if tag.startswith("_refln_")),
            expected=f"{_SQUARED[0]} or {_AMPLITUDE[0]} with its σ",
            hint="SHELXL writes them with LIST 4 or LIST 6",
        )
    (tag, sigma_tags), squared = present[0], present[0] in (_SQUARED, _INTENSITY)
    value = _values(source, tag, len(hkl))
    rows = np.flatnonzero(~np.isnan(value))
    if len(rows) < len(hkl):
        notes.append(f"{are(len(hkl) - len(rows))} left out without a measured value")
    value = value[rows]
    sigma = _sigma(source, tag, sigma_tags, rows, len(hkl))
    if sigma is None or (relative_sigma is not None and not sigma.any()):
        if relative_sigma is None:
            raise source.error(
                "the reflections have no σ",
                tag,
                expected="a column " + " or ".join((_SQUARED[1][0], _AMPLITUDE[1][0])),
                hint=f"{SIGMA_HINT}, or write the list anew with LIST 4",
            )
        sigma = assumed_sigma(value, relative_sigma, squared, notes)
    if not sigma.any():
        raise source.error("all σ are zero", tag, hint=SIGMA_HINT)
    if squared:
        return _Table(rows, value, sigma)
    notes.append(f"{tag} holds amplitudes: squared, with σ(F²) = [(2Fσ)² + 2σ⁴]^½")
    if (value < 0).any():
        row = int(rows[(value < 0).argmax()])
        raise _row_error(source, "an amplitude is negative", tag, row, expected="|F|")
    return _Table(rows, value**2, np.sqrt((2 * value * sigma) ** 2 + 2 * sigma**4))


def _sigma(
    source: CifBlock, tag: str, sigma_tags: Sequence[str], rows: IntArray, n: int
) -> FloatArray | None:
    """σ of the measured rows; None when the file gives none at all."""
    name = next((name for name in sigma_tags if any(source.column(name))), None)
    if name is None:
        return _bracketed_sigma(source, tag, rows)
    sigma = _values(source, name, n)[rows]
    for wrong, what in ((np.isnan(sigma), "has no σ"), (sigma < 0, "has a negative σ")):
        if wrong.any():
            raise _row_error(
                source, f"a measured reflection {what}", name, int(rows[wrong.argmax()])
            )
    return sigma


def _bracketed_sigma(source: CifBlock, tag: str, rows: IntArray) -> FloatArray | None:
    """σ given as digits in brackets, 123.4(5)."""
    texts = [source.column(tag)[row] for row in rows]
    if not all(text.endswith(")") for text in texts):
        return None
    sigma = np.empty(len(texts))
    for i, text in enumerate(texts):
        number, _, digits = text[:-1].partition("(")
        if not digits.isdecimal() or len(digits) > 9:
            raise _row_error(source, "not a number with its σ", tag, int(rows[i]), text)
        decimals = len(number.partition(".")[2])
        sigma[i] = int(digits) * 10.0**-decimals
    return sigma


def assumed_sigma(
    value: FloatArray, relative_sigma: float, squared: bool, notes: list[str]
) -> FloatArray:
    """σ of measured F², or of |F| unless `squared`, where the list gives none; noted.

    Raises
    ------
    InputError
        The relative σ is no share between 0 and 1.
    """
    require_relative_sigma(relative_sigma)
    notes.append(f"the file gives no σ: {100 * relative_sigma:g} % of F² is assumed")
    share = relative_sigma if squared else relative_sigma / 2
    sigma = share * np.abs(value)
    # What is measured as nothing is not known better than the weakest reflection.
    positive = sigma[sigma > 0]
    return np.where(sigma > 0, sigma, positive.min() if len(positive) else 0.0)


def require_relative_sigma(relative_sigma: float) -> None:
    """InputError unless it is a share between 0 and 1."""
    if not 0 < relative_sigma < 1:
        raise InputError(
            "the relative σ is no such share",
            key="relative_sigma",
            found=relative_sigma,
            expected="σ(F²)/F² between 0 and 1",
        )


def _calculated(
    source: CifBlock, hkl: IntArray, notes: list[str]
) -> tuple[FloatArray | None, FloatArray | None]:
    """F²_calc and the phase (degrees) of every row, where all rows have them."""
    columns = {}
    for name in ("F_squared_calc", "F_calc", "F_calc_au", "phase_calc", "A_calc", "B_calc"):
        values = _values(source, f"_refln_{name}", len(hkl))
        if not np.isnan(values).any():
            columns[name] = values
        elif not np.isnan(values).all():
            missing = int(np.isnan(values).sum())
            notes.append(f"_refln_{name} is missing for {counted(missing, 'reflection')}: not used")
    real, imaginary = columns.get("A_calc"), columns.get("B_calc")
    phase = columns.get("phase_calc")
    if real is not None and imaginary is not None:
        phase = np.degrees(np.arctan2(imaginary, real)) if phase is None else phase
    if "F_squared_calc" in columns:
        return columns["F_squared_calc"], phase
    amplitude = columns.get("F_calc", columns.get("F_calc_au"))
    if amplitude is not None:
        return amplitude**2, phase
    if real is not None and imaginary is not None:
        return real**2 + imaginary**2, phase
    return None, phase


def _usable(source: CifBlock, hkl: IntArray, table: _Table, notes: list[str]) -> BoolArray:
    """Which rows of the table go on: not (000), not without weight, not set aside."""
    keep = np.ones(len(table.rows), bool)

    def leave_out(which: BoolArray, reason: str) -> None:
        count = int((which & keep).sum())
        if count:
            first = " ".join(map(str, hkl[table.rows[(which & keep).argmax()]]))
            notes.append(f"{are(count)} left out, such as {first}: {reason}")
        keep[which] = False

    leave_out(np.asarray(~hkl[table.rows].any(axis=1)), "(000) is not measured")
    leave_out(table.sigma <= 0, "σ is zero")
    status = _statuses(source, table.rows)
    for letter, reason in _NOT_USED.items():
        leave_out(np.array([value == letter for value in status], bool), reason)
    for tag in _SATELLITE:
        if source.column(tag):
            order = _values(source, tag, len(hkl))[table.rows]
            leave_out(np.nan_to_num(order) != 0, "satellites of a modulated structure")
    return keep


def _statuses(source: CifBlock, rows: IntArray) -> list[str]:
    status = source.column(*_STATUS)
    return [status[row].lower() for row in rows] if status else [""] * len(rows)


def _observed(source: CifBlock, rows: IntArray) -> BoolArray | None:
    status = _statuses(source, rows)
    return np.array([value == "o" for value in status], bool) if any(status) else None


def _note_repeated(hkl: IntArray, notes: list[str]) -> None:
    note = repeated_note(hkl)
    if note:
        notes.append(note)


def repeated_note(hkl: IntArray) -> str:
    """A sentence about indices that are listed more than once; "" when none is."""
    counts = Counter(map(tuple, hkl.tolist()))
    repeated = {index: count for index, count in counts.items() if count > 1}
    if not repeated:
        return ""
    first = " ".join(map(str, next(iter(repeated))))
    return (
        f"{are(len(repeated))} listed more than once ({sum(repeated.values())} rows, "
        f"such as {first}): all are kept, to be merged"
    )


def _values(source: CifBlock, tag: str, n: int) -> FloatArray:
    """A column as numbers, NaN for ? and . and where the file has no such column."""
    texts = source.column(tag)
    if len(texts) != n:
        if texts and any(texts):
            raise source.error(
                "not as many values as Miller indices", tag, found=len(texts), expected=n
            )
        return np.full(n, np.nan)
    return np.array(
        [_number(source, tag, row, text) if text else np.nan for row, text in enumerate(texts)]
    )


def _number(source: CifBlock, tag: str, row: int, text: str) -> float:
    try:
        return source.as_number(text, tag)
    except InputError:
        raise _row_error(
            source, "not a number", tag, row, text or "nothing", "a finite number"
        ) from None


def _row_error(
    source: CifBlock,
    message: str,
    tag: str,
    row: int,
    found: object = None,
    expected: object = None,
) -> InputError:
    """An InputError about a row of the loop, with its own line where rows are lines."""
    index = " ".join(source.column(name)[row] or "?" for name in INDICES if source.column(name))
    return InputError(
        f"{message} (reflection {index}, row {row + 1})",
        file=source.path,
        line=_row_line(source, tag, row),
        key=tag,
        found=found if found is not None else (source.column(tag)[row] or "nothing"),
        expected=expected,
    )


def _row_line(source: CifBlock, tag: str, row: int) -> int | None:
    """Line of a row where every row is a line; else that of the loop."""
    start = source.line(tag)
    if start is None:
        return None
    lines = source.path.read_text(encoding="latin-1").splitlines()
    rows = (
        (number, line)
        for number, line in enumerate(lines[start - 1 :], start=start)
        if line.strip() and not line.strip().lower().startswith(("_", "loop_", "#"))
    )
    number, line = next(itertools.islice(rows, row, None), (start, ""))
    return number if source.column(tag)[row] in line else start
