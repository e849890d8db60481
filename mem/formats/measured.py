"""Read structure factors from a file of any of the formats, told apart by what is in it."""

from __future__ import annotations

from pathlib import Path

from ixs_core.cif_block import CifBlock, open_block
from ixs_core.crystal import Crystal
from ixs_core.errors import InputError
from mem.formats.baymem import looks_like_bminput, read_bminput
from mem.formats.dysnomia import looks_like_mem, read_mem
from mem.formats.hklf4 import (
    EMBEDDED,
    looks_like_bare_list_4,
    looks_like_hklf4,
    read_bare_list_4,
    read_embedded,
    read_hklf4,
    unreadable,
)
from mem.formats.refln_cif import INDICES, reflections_of
from mem.formats.text_file import TextFile, read_text_file
from mem.reflections import MeasuredReflections, Reflections

_CIF_WORDS = ("data_", "global_", "loop_", "_")


def read_measured(
    path: str | Path,
    relative_sigma: float | None = None,
    *,
    structure: Crystal | None = None,
    block: str | None = None,
) -> MeasuredReflections | Reflections:
    """Reflections of a file, whatever its format; the suffix does not matter.

    Parameters
    ----------
    path : str or Path
        A CIF or .fcf with a `_refln_` loop (Jana2020; SHELXL LIST 3 to 6), a CIF with an embedded
        .fcf or .hkl, SHELX HKLF 4, rows of LIST 4 without their header, Dysnomia's .mem or .fos,
        or BayMEM's .BMinput.
    relative_sigma : float, optional
        σ(F²)/F² for a list that gives no σ (LIST 5, or a .hkl without that column).
    structure : Crystal, optional
        Gives phased formats (.mem, .fos, .BMinput) their symmetry.
    block : str, optional
        Data block of a CIF in which several hold reflections.

    Returns
    -------
    MeasuredReflections or Reflections
        The latter for the phased formats.

    Raises
    ------
    InputError
        The file is none of these, or something in it is not what it should be.
    """
    text = read_text_file(path)
    if looks_like_mem(text):
        return read_mem(text, structure)
    if _first_word(text).startswith(_CIF_WORDS):
        return _read_cif(text.path, relative_sigma, block)
    if looks_like_bminput(text):
        return read_bminput(text, structure)
    if looks_like_bare_list_4(text):
        return read_bare_list_4(text, relative_sigma)
    if looks_like_hklf4(text):
        return read_hklf4(text, relative_sigma=relative_sigma)
    raise unreadable(text)


def _first_word(text: TextFile) -> str:
    """The first word that is in no comment, in lower case."""
    lines = (line.split() for line in text.lines)
    return next((words[0].lower() for words in lines if words and words[0][0] != "#"), "")


def _read_cif(path: Path, relative_sigma: float | None, block: str | None) -> MeasuredReflections:
    """The loop of reflections or, in a CIF without one, what it carries as a text."""
    source = _block_with(path, INDICES, block)
    if source is not None:
        return reflections_of(source, relative_sigma)
    source = _block_with(path, EMBEDDED, block)
    if source is not None:
        return read_embedded(source, relative_sigma)
    raise InputError(
        "the CIF holds no reflections",
        file=path,
        expected=f"a loop with {INDICES[0]}, or one of the text fields {', '.join(EMBEDDED)}",
        hint="give the .fcf or .hkl that belongs to it",
    )


def _block_with(path: Path, tags: tuple[str, ...], block: str | None) -> CifBlock | None:
    """The block with one of the tags; None when no block has one."""
    try:
        return open_block(path, tags, block)
    except InputError as error:
        if error.key == " or ".join(tags):
            return None
        raise
