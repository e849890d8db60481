"""BayMEM's .BMinput: keywords and blocks (L. Palatinus, S. van Smaalen, BayMEM user manual, 2005).

Read are `title`, `dimension` (must be 3), `cell` (Å, degrees), `spacegroup` (a name only), `centro`
(yes or no), the blocks `centers … endcenters` (centring vectors), `symmetry … endsymmetry`
(operators such as `1/2-x1 1/2+x2 -x3`, one a line), `electrons`, `fbegin … endf` (h k l F_re F_im
σ) and `gbegin … endg` (`ggroup G σ`, then h k l of its reflections, one a line). Other keywords
say how BayMEM is to run; they are counted, not used. Case does not matter, # begins a comment.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ixs_core.arrays import ComplexArray
from ixs_core.crystal import Crystal
from ixs_core.errors import InputError
from ixs_core.lattice import Lattice
from ixs_core.symmetry import Symmetry
from mem.formats.phased import PhasedList, phased_reflections, phased_row
from mem.formats.text_file import TextFile, decimal_number, miller_index, read_text_file
from mem.reflection_symmetry import multiplicity
from mem.reflections import ReflectionGroup, Reflections

_ROW = (4, 4, 4, 14, 14, 14)  # as Jana2006 writes them
_ENDS = {
    "centers": "endcenters",
    "symmetry": "endsymmetry",
    "fbegin": "endf",
    "gbegin": "endg",
    "qvectors": "endqvectors",
    "extra": "endextra",
    "symtable": "endsymtable",
}
_USED = frozenset(
    {"title", "dimension", "realdimension", "cell", "spacegroup", "centro", "electrons"}
    | {"centers", "symmetry", "fbegin", "gbegin"}
)
_PRINTED = 1e-3  # electrons
_FRACTION = re.compile(r"([+-]?\d+)/([1-9]\d*)")


@dataclass(frozen=True)
class _Content:
    """Keywords with their line and words, and the numbered lines of each block."""

    keywords: dict[str, tuple[int, list[str]]] = field(default_factory=dict)
    blocks: dict[str, list[int]] = field(default_factory=dict)


def looks_like_bminput(text: TextFile) -> bool:
    """Whether some line begins the list of structure factors."""
    return any(line.strip().lower() in ("fbegin", "gbegin") for line in text.lines)


def read_bminput(path: str | Path | TextFile, structure: Crystal | None = None) -> Reflections:
    """Structure factors of a BayMEM input file.

    Parameters
    ----------
    path : str, Path or TextFile
    structure : Crystal, optional
        The refined model; its symmetry is used instead of the file's operators.

    Raises
    ------
    InputError
        A keyword or line is not what it should be, or the reflections contradict the symmetry.
    """
    text = path if isinstance(path, TextFile) else read_text_file(path)
    content = _content(text)
    _require_three_dimensions(text, content)
    lattice = _lattice(text, content)
    numbers = content.blocks.get("fbegin", [])
    rows = [phased_row(text, number, _ROW) for number in numbers]
    f = np.array([row[1] for row in rows], dtype=complex)
    symmetry, notes = _symmetry(text, content, lattice, f, structure)
    unused = sorted((set(content.keywords) | set(content.blocks)) - _USED)
    if unused:
        notes.append(f"{len(unused)} keywords are not used: {', '.join(unused)}")
    listed = PhasedList(
        text=text,
        lattice=lattice,
        symmetry=symmetry,
        hkl=np.array([row[0] for row in rows], dtype=np.int64).reshape(-1, 3),
        f=f,
        sigma=np.array([row[2] for row in rows], dtype=float),
        lines=np.array(numbers, dtype=np.int64),
        electrons=_electrons(text, content),
        groups=_groups(text, content, symmetry),
        notes=tuple(notes),
    )
    return phased_reflections(listed, structure)


def _content(text: TextFile) -> _Content:
    content = _Content()
    open_block = ""
    for number, line in enumerate(text.lines, start=1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        keyword = words[0].lower()
        if open_block:
            if keyword == _ENDS[open_block]:
                open_block = ""
            else:
                content.blocks[open_block].append(number)
        elif keyword in content.keywords or keyword in content.blocks:
            raise text.error("the keyword is given twice", number, key=keyword)
        elif keyword in _ENDS:
            open_block, content.blocks[keyword] = keyword, []
        elif keyword in _ENDS.values():
            raise text.error("the end of a block that did not begin", number, key=keyword)
        else:
            content.keywords[keyword] = (number, words[1:])
    if open_block:
        raise text.error(f"{_ENDS[open_block]} is missing", len(text.lines), key=open_block)
    return content


def _require_three_dimensions(text: TextFile, content: _Content) -> None:
    for keyword in ("dimension", "realdimension"):
        number, words = content.keywords.get(keyword, (0, ["3"]))
        if words[:1] != ["3"]:
            raise text.error("only densities in three dimensions", number, key=keyword)
    if content.blocks.get("qvectors"):
        raise text.error(
            "a modulated structure cannot be read", content.blocks["qvectors"][0], key="qvectors"
        )


def _numbers(text: TextFile, number: int, words: list[str], count: int, key: str) -> list[float]:
    values = [value for value in map(_fraction, words) if value is not None]
    if len(values) != count or len(words) != count:
        raise text.error("not the numbers wanted", number, key=key, expected=f"{count} numbers")
    return values


def _fraction(word: str) -> float | None:
    match = _FRACTION.fullmatch(word)
    return int(match[1]) / int(match[2]) if match else decimal_number(word)


def _lattice(text: TextFile, content: _Content) -> Lattice:
    if "cell" not in content.keywords:
        raise text.error("the cell is missing", key="cell", expected="cell a b c α β γ")
    number, words = content.keywords["cell"]
    values = _numbers(text, number, words, 6, "cell")
    try:
        return Lattice.from_cell(values)
    except InputError as error:
        raise text.error(error.message, number, key="cell", expected=error.expected) from error


def _electrons(text: TextFile, content: _Content) -> float | None:
    if "electrons" not in content.keywords:
        return None
    number, words = content.keywords["electrons"]
    return _numbers(text, number, words, 1, "electrons")[0]


def _symmetry(
    text: TextFile,
    content: _Content,
    lattice: Lattice,
    f: ComplexArray,
    structure: Crystal | None,
) -> tuple[Symmetry, list[str]]:
    """Of the structure if there is one, else by the operators, else by the name."""
    if structure is not None:
        return structure.symmetry, ["the symmetry is that of the structure"]
    number, words = content.keywords.get("spacegroup", (None, []))
    name = " ".join(words)
    lines = content.blocks.get("symmetry", [])
    try:
        if lines:
            triplets = [_triplet(text, line) for line in lines] + _centring(text, content)
            return _with_centre(text, content, Symmetry.from_triplets(triplets), f)
        if name:
            note = f"the symmetry operators are missing: taken from the space group {name}"
            return Symmetry.from_name(name, lattice), [note]
    except InputError as error:
        if error.file is not None:
            raise
        raise text.error(
            error.message,
            lines[0] if lines else number,
            key="symmetry" if lines else "spacegroup",
            found=error.found,
            expected=error.expected,
        ) from error
    raise text.error(
        "the symmetry is missing", key="symmetry", expected="symmetry … endsymmetry or spacegroup"
    )


def _triplet(text: TextFile, number: int) -> str:
    """`1/2-x1 x2 -x3` as the triplet 1/2-x,y,-z."""
    words = text.lines[number - 1].partition("#")[0].replace(",", " ").lower().split()
    if len(words) != 3:
        raise text.error("not a symmetry operator", number, expected="such as 1/2-x1 1/2+x2 -x3")
    triplet = ",".join(words)
    for old, new in (("x1", "x"), ("x2", "y"), ("x3", "z")):
        triplet = triplet.replace(old, new)
    return triplet


def _centring(text: TextFile, content: _Content) -> list[str]:
    triplets = []
    for number in content.blocks.get("centers", []):
        words = text.lines[number - 1].partition("#")[0].split()
        shift = _numbers(text, number, words, 3, "centers")
        twelfths = [round(12 * value) for value in shift]
        if max(abs(12 * value - n) for value, n in zip(shift, twelfths, strict=True)) > 0.01:
            raise text.error("not a centring vector", number, expected="fractions of the cell")
        triplets.append(
            ",".join(f"{axis}+{n % 12}/12" for axis, n in zip("xyz", twelfths, strict=True))
        )
    return triplets


def _with_centre(
    text: TextFile, content: _Content, symmetry: Symmetry, f: ComplexArray
) -> tuple[Symmetry, list[str]]:
    """With the inversion at the origin that `centro yes` promises."""
    number, words = content.keywords.get("centro", (0, [""]))
    answer = words[0].lower() if words else ""
    if answer not in ("", "yes", "no"):
        raise text.error("neither yes nor no", number, key="centro")
    if answer != "yes" or (symmetry.rotations == -np.eye(3, dtype=int)).all(axis=(1, 2)).any():
        return symmetry, []
    if np.abs(f.imag).max(initial=0.0) > _PRINTED:
        raise text.error(
            "centrosymmetric, but the operators have no inversion and F is not real",
            number,
            key="centro",
        )
    note = "the inversion is not among the operators: added, as the file says centro yes"
    return Symmetry.from_triplets([*symmetry.triplets, "-x,-y,-z"]), [note]


def _groups(text: TextFile, content: _Content, symmetry: Symmetry) -> tuple[ReflectionGroup, ...]:
    """Groups of overlapped reflections; the multiplicities are those of the space group."""
    groups: list[tuple[float, float, list[list[int]]]] = []
    for number in content.blocks.get("gbegin", []):
        words = text.lines[number - 1].partition("#")[0].split()
        if words[0].lower() == "ggroup":
            amplitude, sigma = _numbers(text, number, words[1:], 2, "ggroup")
            if amplitude < 0 or sigma <= 0:
                raise text.error("not a group", number, expected="ggroup G σ, σ above 0")
            groups.append((amplitude, sigma, []))
            continue
        index = [value for value in map(miller_index, words) if value is not None]
        if len(index) != 3 or len(words) != 3 or not groups:
            raise text.error("not a reflection of a group", number, expected="h k l")
        groups[-1][2].append(index)
    if any(not hkl for _, _, hkl in groups):
        raise text.error("a group without reflections", content.blocks["gbegin"][0], key="gbegin")
    return tuple(
        ReflectionGroup(np.array(hkl), multiplicity(symmetry, hkl).astype(float), amplitude, sigma)
        for amplitude, sigma, hkl in groups
    )
