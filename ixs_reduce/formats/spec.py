"""SPEC data files, read by label, with the faults that real ones have.

The format: https://certif.com/spec_help/scans.html. Column sets change from scan to scan,
labels repeat, headers repeat, scan numbers repeat, and a file may still be growing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ixs_core.errors import InputError
from ixs_reduce.formats.block import Block, FloatArray, IntArray
from ixs_reduce.scan import Flag

_NUMBERED = re.compile(r"([A-Z])(\d+)$")
_WIDE_GAP = re.compile(r"\t+| {2,}")


@dataclass(frozen=True)
class SpecScan(Block):
    """One scan of a SPEC file, as it stands there.

    Parameters
    ----------
    date : str or None
        `#D`.
    q : tuple of float
        `#Q`, the arm's position in reciprocal space.
    geometry : mapping
        `#G0`, `#G1`, … by name ("G1" begins with the lattice).
    user : tuple of str
        `#U` lines.
    """

    date: str | None = None
    q: tuple[float, ...] = ()
    geometry: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    user: tuple[str, ...] = ()


@dataclass
class _Names:
    """Names in force since the last file header: `#O` motors and `#H` fields, by line number."""

    motors: dict[int, tuple[str, ...]] = field(default_factory=dict)
    header: dict[int, tuple[str, ...]] = field(default_factory=dict)


@dataclass
class _Draft:
    """A scan while its lines are collected."""

    line: int
    heading: str
    names: _Names
    lines: dict[str, str] = field(default_factory=dict)
    positions: dict[int, str] = field(default_factory=dict)
    values: dict[int, str] = field(default_factory=dict)
    comments: list[str] = field(default_factory=list)
    user: list[str] = field(default_factory=list)
    label_line: int | None = None
    data: list[tuple[int, str]] = field(default_factory=list)


def parse_spec(
    text: str, path: str | Path = "text"
) -> tuple[tuple[SpecScan, ...], tuple[InputError, ...]]:
    """Every scan of a SPEC file, and what could not be read.

    Parameters
    ----------
    text : str
        Content of the file.
    path : path
        Its name, for messages.

    Returns
    -------
    scans : tuple of SpecScan
        In the order of the file.
    problems : tuple of InputError
        One for each scan that could not be read and each stretch of text outside a scan.
    """
    drafts, problems = _collect(text, path)
    scans: list[SpecScan] = []
    seen: Counter[int] = Counter()
    whole = text.endswith("\n")
    for draft in drafts:
        try:
            number, command = _heading(draft, path)
            seen[number] += 1
            unfinished = draft is drafts[-1] and not whole
            scans.append(_finish(draft, number, seen[number], command, unfinished, path))
        except InputError as error:
            problems.append(error)
    return tuple(scans), tuple(problems)


def _collect(text: str, path: str | Path) -> tuple[list[_Draft], list[InputError]]:
    """Sort the lines into scans; the loop runs over header lines only."""
    drafts: list[_Draft] = []
    problems: list[InputError] = []
    names = _Names()
    draft: _Draft | None = None
    segments = ("\n" + text.replace("\r\n", "\n")).split("\n#")
    line = segments[0].count("\n") + 1
    if segments[0].strip():
        problems.append(InputError("text before the first header", file=path, line=1))
    for segment in segments[1:]:
        head, _, rest = segment.partition("\n")
        key, _, value = head.partition(" ")
        if key == "S":
            draft = _Draft(line, value, names)
            drafts.append(draft)
        elif key in ("F", "E"):
            # A new file header: names of motors and fields begin anew, as do those of `#E` alone.
            names, draft = _Names(), None
        elif draft is None:
            _name_line(names, key, value)
        else:
            names = _scan_line(draft, names, key, value, line)
        if rest and not rest.isspace():
            if draft is None:
                problems.append(
                    InputError("numbers or text outside a scan", file=path, line=line + 1)
                )
            else:
                draft.data.append((line + 1, rest))
        line += segment.count("\n") + 1
    return drafts, problems


def _name_line(names: _Names, key: str, value: str) -> None:
    match = _NUMBERED.match(key)
    if match and match[1] == "O":
        names.motors[int(match[2])] = _split_names(value)
    elif match and match[1] == "H":
        names.header[int(match[2])] = _split_names(value)


def _scan_line(draft: _Draft, names: _Names, key: str, value: str, line: int) -> _Names:
    match = _NUMBERED.match(key)
    if key == "C":
        draft.comments.append(value)
    elif key == "U":
        draft.user.append(value)
    elif match and match[1] == "P":
        draft.positions[int(match[2])] = value
    elif match and match[1] == "V":
        draft.values[int(match[2])] = value
    elif match and match[1] in "OH":
        # Some macros write the names again within a scan; they hold from there on.
        names = _Names(dict(names.motors), dict(names.header))
        draft.names = names
        _name_line(names, key, value)
    else:
        draft.lines[key] = value
        if key == "L":
            draft.label_line = line
    return names


def _heading(draft: _Draft, path: str | Path) -> tuple[int, str]:
    number, _, command = draft.heading.strip().partition(" ")
    try:
        return int(number), " ".join(command.split())
    except ValueError:
        raise InputError(
            "a scan begins without a number",
            file=path,
            line=draft.line,
            key="#S",
            found=draft.heading[:40],
            expected="#S number command",
        ) from None


def _finish(
    draft: _Draft, number: int, occurrence: int, command: str, unfinished: bool, path: str | Path
) -> SpecScan:
    labels = _labels(draft)
    columns, data_lines, flags = _numbers(draft, labels, unfinished, path)
    flags += _duplicates(labels, columns)
    motors, motor_flags = _paired(draft.names.motors, draft.positions, "#O", "#P")
    header, header_flags = _paired(draft.names.header, draft.values, "#H", "#V")
    declared = draft.lines.get("N", "").split()
    if labels and declared and declared[0].isdigit() and int(declared[0]) != len(labels):
        flags.append(Flag("label-count", f"#N says {declared[0]} columns, #L names {len(labels)}"))
    geometry = {k: _floats(v) for k, v in draft.lines.items() if re.fullmatch(r"G\d+", k)}
    cell = geometry.get("G1", ())[:6]
    believable = len(cell) == 6 and all(v > 0 for v in cell)
    return SpecScan(
        number=number,
        occurrence=occurrence,
        command=command,
        labels=labels,
        columns=columns,
        line=draft.line,
        label_line=draft.label_line,
        data_lines=data_lines,
        motors=motors,
        header=header,
        lattice=(cell[0], cell[1], cell[2], cell[3], cell[4], cell[5]) if believable else None,
        comments=tuple(draft.comments),
        flags=tuple(flags + motor_flags + header_flags),
        date=draft.lines.get("D", "").strip() or None,
        q=_floats(draft.lines.get("Q", "")),
        geometry=geometry,
        user=tuple(draft.user),
    )


def _labels(draft: _Draft) -> tuple[str, ...]:
    """Labels stand two or more blanks apart, since they may hold single ones ("Heat Stage T1")."""
    text = draft.lines.get("L", "").strip()
    if not text:
        return ()
    labels = _WIDE_GAP.split(text)
    declared = draft.lines.get("N", "").split()
    single = text.split()
    if declared and str(len(labels)) != declared[0] and str(len(single)) == declared[0]:
        labels = single
    return tuple(labels)


def _numbers(
    draft: _Draft, labels: tuple[str, ...], unfinished: bool, path: str | Path
) -> tuple[FloatArray, IntArray, list[Flag]]:
    """Columns (n_labels, n_points), the line of each point, and what was noticed."""
    rows, lines, skipped = _data_rows(draft)
    flags: list[Flag] = []
    if skipped:
        flags.append(Flag("mca", f"{skipped} lines of multichannel data (@) are not read"))
    width = len(labels)
    if rows and not width:
        raise InputError(
            "numbers without labels", file=path, line=lines[0], key="#L", hint="the scan is skipped"
        )
    if rows and rows[-1].count(" ") + 1 < width and len(rows[-1].split()) < width:
        found = len(rows[-1].split())
        flags.append(
            Flag(
                "half-written",
                f"the last line ({lines[-1]}) holds {found} of {width} numbers and is left out",
            )
        )
        rows, lines = rows[:-1], lines[:-1]
    elif rows and unfinished:
        flags.append(
            Flag("unterminated", f"line {lines[-1]} has no end: its last number may be cut short")
        )
    if not rows:
        flags.append(Flag("no-points", "the scan holds no points"))
        return np.empty((width, 0)), np.empty(0, dtype=np.int64), flags
    if any(row.count(" ") + 1 != width for row in rows):
        rows = _normalised(rows, lines, labels, path)
    try:
        flat = np.fromstring(" ".join(rows), sep=" ", dtype=np.float64)
    except ValueError:
        flat = np.empty(0)
    if flat.size != len(rows) * width:
        raise _not_a_number(rows, lines, labels, path)
    return flat.reshape(len(rows), width).T, np.array(lines, dtype=np.int64), flags


def _data_rows(draft: _Draft) -> tuple[list[str], list[int], int]:
    rows: list[str] = []
    lines: list[int] = []
    skipped = 0
    continued = False
    for start, chunk in draft.data:
        for offset, text in enumerate(chunk.split("\n")):
            if not text or text.isspace():
                continue
            if continued or text[0] == "@":
                skipped += not continued
                continued = text.rstrip().endswith("\\")
                continue
            rows.append(text.strip())
            lines.append(start + offset)
    return rows, lines, skipped


def _normalised(
    rows: list[str], lines: list[int], labels: tuple[str, ...], path: str | Path
) -> list[str]:
    """Rows with single blanks, when each holds one number per label."""
    split = [row.split() for row in rows]
    for tokens, line in zip(split, lines, strict=True):
        if len(tokens) != len(labels):
            missing = labels[len(tokens)] if len(tokens) < len(labels) else None
            raise InputError(
                "a line does not hold one number per label",
                file=path,
                line=line,
                key=missing,
                found=f"{len(tokens)} numbers",
                expected=f"{len(labels)}, as #L names",
                hint="the scan is skipped",
            )
    return [" ".join(tokens) for tokens in split]


def _not_a_number(
    rows: list[str], lines: list[int], labels: tuple[str, ...], path: str | Path
) -> InputError:
    for row, line in zip(rows, lines, strict=True):
        for label, token in zip(labels, row.split(), strict=True):
            try:
                float(token)
            except ValueError:
                return InputError(
                    "this is not a number",
                    file=path,
                    line=line,
                    key=label,
                    found=repr(token[:40]),
                    hint="the scan is skipped",
                )
    return InputError("a data line cannot be read", file=path, line=lines[0])


def _duplicates(labels: tuple[str, ...], columns: FloatArray) -> list[Flag]:
    flags = []
    for label, times in Counter(labels).items():
        if times == 1:
            continue
        first, *others = (columns[i] for i, name in enumerate(labels) if name == label)
        differ = np.zeros(first.shape, dtype=bool)
        for other in others:
            differ |= (first != other) & ~(np.isnan(first) & np.isnan(other))
        if differ.any():
            flags.append(
                Flag(
                    "duplicate-label",
                    f"{label} stands {times} times and differs at {int(differ.sum())} of "
                    f"{first.size} points: the first column is used",
                    points=tuple(int(i) for i in np.flatnonzero(differ)),
                )
            )
    return flags


def _paired(
    names: Mapping[int, tuple[str, ...]], values: Mapping[int, str], name_key: str, value_key: str
) -> tuple[dict[str, float], list[Flag]]:
    """Names of `#O3` with the values of `#P3`; where counts disagree, as many as match."""
    paired: dict[str, float] = {}
    flags: list[Flag] = []
    for row, text in values.items():
        numbers = _floats(text)
        labels = names.get(row, ())
        if len(labels) != len(numbers):
            single = tuple(" ".join(labels).split())
            if len(single) == len(numbers):
                labels = single
            else:
                flags.append(
                    Flag(
                        "header-count",
                        f"{name_key}{row} names {len(labels)}, {value_key}{row} gives "
                        f"{len(numbers)}: the first {min(len(labels), len(numbers))} are paired",
                    )
                )
        paired.update(zip(labels, numbers, strict=False))
    absent = sorted(set(names) - set(values))
    if values and absent:
        rows = ", ".join(f"{value_key}{row}" for row in absent)
        flags.append(Flag("header-count", f"{rows} missing, though {name_key} names them"))
    return paired, flags


def _split_names(text: str) -> tuple[str, ...]:
    text = text.strip()
    return tuple(_WIDE_GAP.split(text)) if text else ()


def _floats(text: str) -> tuple[float, ...]:
    """The leading numbers of a header line."""
    tokens = text.split()
    try:
        return tuple(map(float, tokens))
    except ValueError:
        pass
    numbers = []
    for token in tokens:
        try:
            numbers.append(float(token))
        except ValueError:
            break
    return tuple(numbers)
