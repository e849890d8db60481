"""Read one data block of a CIF, however untidy the file: text, header and tags are mended here.

What is mended is said in sentences; the file itself is never changed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from gemmi import cif

from ixs_core.errors import InputError

STRUCTURE_TAGS = ("_atom_site_fract_x",)
"""Any of these marks the block that describes a crystal structure."""

# Given twice with different values, these leave it open which crystal is meant.
_DECISIVE = re.compile(
    r"_(cell_(length|angle)|atom_site_|symmetry_equiv_pos_as|space_group_symop_operation|refln_)"
)
_POSITION = re.compile(r"^\S*?:(\d+)(?::\d+\(\d+\))?:?\s*")
_TYPOGRAPHIC = str.maketrans(
    {"\u00a0": " ", "\u2212": "-", "\u2013": "-", "\u2018": "'", "\u2019": "'"}
)
_LAST_CHARACTERS = 60  # of a value shown in a message


class _Column(NamedTuple):
    """A tag of a block, the line of it or of its loop, and its values as `plain_value`."""

    tag: str
    line: int
    values: tuple[str, ...]


@dataclass(frozen=True)
class CifBlock:
    """A data block with what was mended on the way.

    Parameters
    ----------
    block : gemmi.cif.Block
    path : Path
        The file.
    sha256 : str
        Digest of the file as it lies on the disk.
    repairs : tuple of str
    """

    block: cif.Block
    path: Path
    sha256: str
    repairs: tuple[str, ...]

    @cached_property
    def _by_tag(self) -> dict[str, _Column]:
        return {normal_tag(column.tag): column for column in _columns(self.block)}

    @property
    def tags(self) -> tuple[str, ...]:
        """All tags, in lower case and with _ for the dot of newer dictionaries."""
        return tuple(self._by_tag)

    def line(self, *tags: str) -> int | None:
        """1-based line of the first of the tags that the block has (of its loop, if in one)."""
        columns = (self._by_tag.get(normal_tag(tag)) for tag in tags)
        return next((column.line for column in columns if column is not None), None)

    def column(self, *tags: str) -> tuple[str, ...]:
        """Values of the first of the tags that the block has, quotes removed, "" for ? and .;
        empty when it has none of them."""
        columns = (self._by_tag.get(normal_tag(tag)) for tag in tags)
        return next((column.values for column in columns if column is not None), ())

    def text(self, *tags: str) -> str:
        """The first value of the first of the tags that has one; "" when there is none."""
        for tag in tags:
            value = next((value for value in self.column(tag) if value), "")
            if value:
                return value
        return ""

    def number(self, *tags: str) -> float | None:
        """The value as a number, standard uncertainty in brackets left out; None without one.

        Raises
        ------
        InputError
            There is a value, but it is not a number.
        """
        for tag in tags:
            value = self.text(tag)
            if value:
                return self.as_number(value, tag)
        return None

    def number_or_note(self, notes: list[str], *tags: str) -> float | None:
        """As `number`, for what the structure does not hang on: what is none is noted."""
        try:
            return self.number(*tags)
        except InputError as error:
            notes.append(f"{error.key} is not a number ({error.found}): not used")
            return None

    def as_number(self, value: str, tag: str, where: str = "") -> float:
        """A value as a number ("0.25(3)", "1/3"), or InputError naming file, line and tag."""
        number = cif.as_number(value)
        fraction = re.fullmatch(r"([+-]?\d+)/([1-9]\d*)", value)
        if fraction:
            number = int(fraction[1]) / int(fraction[2])
        if number != number or abs(number) == float("inf"):
            raise self.error(
                "not a number" + (f" ({where})" if where else ""), tag, found=value or "nothing"
            )
        return number

    def error(
        self,
        message: str,
        tag: str,
        *,
        found: object = None,
        expected: object = None,
        hint: str | None = None,
    ) -> InputError:
        """The InputError about a tag of this block."""
        return InputError(
            message,
            file=self.path,
            line=self.line(tag),
            key=tag,
            found=found,
            expected=expected,
            hint=hint,
        )


def read_block(
    path: str | Path, containing: Sequence[str] = STRUCTURE_TAGS, name: str | None = None
) -> tuple[cif.Block, tuple[str, ...]]:
    """The data block of a CIF that holds what is wanted, and what had to be mended.

    Parameters
    ----------
    path : str or Path
    containing : sequence of str
        The block must have one of these tags (("_refln_index_h",) for reflections).
    name : str, optional
        Name of the block, needed when several have such a tag.

    Returns
    -------
    block : gemmi.cif.Block
        Every tag in it is unique: of a tag given several times the last keeps its name, the
        others are called `<tag>_duplicate_1`, ….
    repairs : tuple of str
        One sentence each.

    Raises
    ------
    InputError
        The file cannot be read or is no CIF, no block or several have the tags, or a tag that
        decides about the structure has two different values.
    """
    found = open_block(path, containing, name)
    return found.block, found.repairs


def open_block(
    path: str | Path, containing: Sequence[str] = STRUCTURE_TAGS, name: str | None = None
) -> CifBlock:
    """As `read_block`, with the means to ask for values."""
    path = Path(path)
    raw = _read_bytes(path)
    text, repairs = _decode(raw, path)
    text, header_repairs = _with_header(text, path)
    text, blocks, parse_repairs = _parse(text, path)
    block = _choose(blocks, containing, name, path)
    text, duplicates = _rename_duplicates(text, block, path)
    if duplicates:
        block = _choose(_blocks(text, path), containing, name, path)
    return CifBlock(
        block=block,
        path=path,
        sha256=hashlib.sha256(raw).hexdigest(),
        repairs=(*repairs, *header_repairs, *parse_repairs, *duplicates),
    )


def normal_tag(tag: str) -> str:
    """A tag as older and newer dictionaries share it: lower case, `_cell.length_a` with _."""
    return tag.lower().replace(".", "_")


def _columns(block: cif.Block) -> Iterator[_Column]:
    """All tags of a block, in loops and alone, with their values."""
    for item in block:
        pair: Any = item.pair
        if pair is not None:
            yield _Column(pair[0], item.line_number, (plain_value(pair[1]),))
        elif item.loop is not None:
            tags, values = item.loop.tags, item.loop.values
            for i, tag in enumerate(tags):
                column = tuple(plain_value(value) for value in values[i :: len(tags)])
                yield _Column(tag, item.line_number, column)


def plain_value(value: str) -> str:
    """A raw value without quotes and outer blanks; "" for the null values ? and . and none."""
    return "" if not value or cif.is_null(value) else cif.as_string(value).strip()


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", file=path) from error


def _decode(raw: bytes, path: Path) -> tuple[str, list[str]]:
    repairs = []
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = raw.decode("utf-16", errors="replace")
        repairs.append("the text is UTF-16, not the ASCII that a CIF is made of")
    elif b"\x00" in raw:
        raise InputError("is not a text file, so not a CIF", file=path)
    else:
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = raw.decode("latin-1")
            repairs.append("the text is not UTF-8: read as Latin-1")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    cleaned = re.sub(r"[\x00-\x08\x0b\x0e-\x1f\x7f]", " ", text)
    if cleaned.rstrip() != text.rstrip("\x1a\n \t"):
        repairs.append("control characters in the text: read as blanks")
    return cleaned, repairs


def _with_header(text: str, path: Path) -> tuple[str, list[str]]:
    """Begin the text with a data_ header if what comes first, comments aside, is none."""
    first = re.match(r"(?:\s+|#[^\n]*(?:\n|$))*(\S*)", text)
    token = first[1].lower() if first else ""
    if not token:
        raise InputError("is empty", file=path, expected="a CIF")
    if token.startswith(("data_", "global_")):
        return text, []
    if not token.startswith(("_", "loop_")):
        raise InputError(
            "does not begin like a CIF",
            file=path,
            line=text.count("\n", 0, first.start(1)) + 1 if first else None,
            found=token[:_LAST_CHARACTERS],
            expected="data_ and a name, a tag that begins with _, or loop_",
        )
    name = re.sub(r"[^A-Za-z0-9.+-]", "_", path.stem) or "unnamed"
    # On the first line, so that line numbers stay those of the file.
    return f"data_{name} {text}", ["the data_ header is missing before the first tag: added"]


def _parse(text: str, path: Path) -> tuple[str, list[cif.Block], list[str]]:
    """The text and its blocks, with typographic characters replaced if only that helps."""
    try:
        return text, _blocks(text, path), []
    except InputError as error:
        plain = text.translate(_TYPOGRAPHIC)
        if plain == text:
            raise
        try:
            blocks = _blocks(plain, path)
        except InputError:
            raise error from None
        return plain, blocks, ["typographic minus signs, quotes or blanks: read as plain ones"]


def _blocks(text: str, path: Path) -> list[cif.Block]:
    try:
        # Level 0 lets duplicate tags and missing values pass.
        return list(cif.read_string(text, check_level=0))
    except (ValueError, RuntimeError) as error:
        message = str(error)
        position = _POSITION.match(message)
        line = int(position[1]) if position else None
        reason = message[position.end() :] if position else message
        shown = text.split("\n")[line - 1].strip()[:_LAST_CHARACTERS] if line else None
        raise InputError(
            f"is not a valid CIF: {reason.replace(' _*', '').lower()}",
            file=path,
            line=line,
            found=shown,
            expected="values in quotes where they have blanks, and loops with full rows",
        ) from error


def _rename_duplicates(text: str, block: cif.Block, path: Path) -> tuple[str, list[str]]:
    """Give all but the last of the tags with the same name other names."""
    lines = text.split("\n")
    repairs = []
    for columns in _duplicates(block):
        *earlier, last = columns
        same = all(column.values == last.values for column in earlier)
        at = ", ".join(str(column.line) for column in columns)
        if not same and _DECISIVE.match(normal_tag(last.tag)):
            raise InputError(
                "is given more than once with different values",
                file=path,
                line=last.line,
                key=last.tag,
                found=f"lines {at}",
                expected="one value",
                hint="remove the wrong one, or keep one structure per data block",
            )
        for number, column in enumerate(earlier, start=1):
            _rename(lines, column, f"{column.tag}_duplicate_{number}")
        values = "with the same value" if same else "with different values: the last is used"
        repairs.append(f"{last.tag} is given {len(columns)} times (lines {at}) {values}")
    return "\n".join(lines), repairs


def _duplicates(block: cif.Block) -> Iterator[list[_Column]]:
    """What a block gives several times, each in the order of the file."""
    found: dict[str, list[_Column]] = {}
    for column in _columns(block):
        found.setdefault(normal_tag(column.tag), []).append(column)
    yield from (columns for columns in found.values() if len(columns) > 1)


def _rename(lines: list[str], column: _Column, name: str) -> None:
    """Rename the first such tag at or after its line (a loop's tags come after the loop's)."""
    tag = re.compile(rf"(?<!\S){re.escape(column.tag)}(?!\S)")
    for i in range(column.line - 1, len(lines)):
        lines[i], count = tag.subn(lambda _: name, lines[i], count=1)
        if count:
            return


def _choose(
    blocks: Sequence[cif.Block], containing: Sequence[str], name: str | None, path: Path
) -> cif.Block:
    wanted = {normal_tag(tag) for tag in containing}
    fitting = [
        block
        for block in blocks
        if any(normal_tag(column.tag) in wanted for column in _columns(block))
    ]
    if name is not None:
        fitting = [block for block in fitting if block.name.lower() == name.lower()]
    if len(fitting) == 1:
        return fitting[0]
    names = ", ".join(block.name.strip() or "(no name)" for block in fitting or blocks)
    if fitting:
        raise InputError(
            "has several data blocks of this kind",
            file=path,
            found=names,
            hint="name one of them, or keep only one in the file",
        )
    raise InputError(
        "no data block" + (f" named {name}" if name else "") + " has this tag",
        file=path,
        key=" or ".join(containing),
        found=f"data blocks {names}" if blocks else "no data block",
    )
