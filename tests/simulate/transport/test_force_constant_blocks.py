"""FORCE_CONSTANTS_3RD and _4TH in every layout that programs write, and damaged ones."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ixs_core.errors import InputError
from simulate.md.cluster_constants import ClusterConstants, shengbte_text
from simulate.phonons.loading.file_content import read_content
from simulate.transport.formats.force_constant_blocks import ForceConstantBlocks, read_blocks
from tests.simulate.transport.pair_crystal import zincblende

CRYSTAL = zincblende()
LATTICE = CRYSTAL.structure.vectors
BLOCK = 32  # lines of a block of third order, with the empty one


@pytest.fixture(scope="module")
def third() -> ClusterConstants:
    return CRYSTAL.constants(3)


@pytest.fixture(scope="module")
def text(third: ClusterConstants) -> str:
    return shengbte_text(third, LATTICE)


def read(folder: Path, text: str | bytes) -> ForceConstantBlocks:
    file = folder / "FORCE_CONSTANTS_3RD"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_blocks(read_content(file))


def fortran_d(text: str) -> str:
    """Values as 0.1234567890123D-02; whole numbers as they are."""

    def turned(word: str) -> str:
        return f"{float(word):.15e}".replace("e", "D") if "." in word else word

    return "\n".join(" ".join(map(turned, line.split())) for line in text.split("\n"))


def without_letter(text: str) -> str:
    """Exponents of three digits, for which Fortran leaves out the letter."""

    def turned(word: str) -> str:
        mantissa, exponent = f"{float(word):.15e}".split("e")
        return f"{mantissa}{int(exponent):+04d}" if "." in word else word

    return "\n".join(" ".join(map(turned, line.split())) for line in text.split("\n"))


def wrapped(text: str) -> str:
    """Two numbers on each line, and empty lines anywhere."""
    words = text.split()
    pairs = [" ".join(words[k : k + 2]) for k in range(0, len(words), 2)]
    return "\n".join(pair + "\n" * (k % 3) for k, pair in enumerate(pairs))


def one_line(text: str) -> str:
    return " ".join(text.split())


def windows(text: str) -> str:
    return text.replace("\n", "\r\n")


@pytest.mark.parametrize("layout", [str, fortran_d, without_letter, wrapped, one_line, windows])
def test_layouts(
    tmp_path: Path, third: ClusterConstants, text: str, layout: Callable[[str], str]
) -> None:
    found = read(tmp_path, layout(text))
    assert found.order == 3
    np.testing.assert_array_equal(found.atoms, third.atoms)
    np.testing.assert_allclose(found.vectors, third.cells @ LATTICE, atol=1e-9)
    np.testing.assert_allclose(found.values, third.values, atol=1e-11)


def test_compressed_fourth_order(tmp_path: Path) -> None:
    fourth = CRYSTAL.constants(4)
    found = read(tmp_path, gzip.compress(shengbte_text(fourth, LATTICE).encode()))
    assert found.order == 4
    np.testing.assert_array_equal(found.atoms, fourth.atoms)
    np.testing.assert_allclose(found.values, fourth.values, atol=1e-11)


def test_components_in_any_order(tmp_path: Path, third: ClusterConstants, text: str) -> None:
    lines = text.split("\n")
    start = 6  # of the components of the first block
    assert lines[start].split()[:3] == ["1", "1", "1"]
    rows = lines[start : start + 27]
    turned = rows[:2] + rows[:1:-1]
    found = read(tmp_path, "\n".join([*lines[:start], *turned, *lines[start + 27 :]]))
    np.testing.assert_allclose(found.values[0], third.values[0], atol=1e-11)


def test_lines_of_blocks(tmp_path: Path, text: str) -> None:
    found = read(tmp_path, text)
    lines = text.split("\n")
    for block, line in enumerate(found.lines, start=1):
        assert lines[line - 1].split() == [str(block)]


def edited(text: str, line: int, new: str | None) -> str:
    """One line (from 1) in other words, or left out."""
    lines = text.split("\n")
    lines[line - 1 : line] = [] if new is None else [new]
    return "\n".join(lines)


def block_line(block: int, offset: int) -> int:
    """Line (from 1) of a block (from 1): 0 its number, 1-2 cells, 3 atoms, 4-30 components."""
    return 3 + (block - 1) * BLOCK + offset


@pytest.mark.parametrize(
    ("change", "line", "words"),
    [
        (
            lambda t: "\n".join(
                t.split("\n")[: block_line(5, 0) - 1] + t.split("\n")[block_line(6, 0) - 1 :]
            ),
            block_line(5, 0),
            ("block is missing", "found '6'", "expected block 5"),
        ),
        (
            lambda t: edited(t, block_line(4, 10), None),
            block_line(4, 10),
            ("components of block 4", "found 1 3 2", "expected 1 3 1"),
        ),
        (
            lambda t: edited(t, block_line(4, 10), "1 3 1 *************"),
            block_line(4, 10),
            ("not a number", "***"),
        ),
        (lambda t: edited(t, block_line(7, 5), " 1 1 2 NaN"), block_line(7, 5), ("finite",)),
        (
            lambda t: edited(t, block_line(9, 3), "0 1 2"),
            block_line(9, 3),
            ("block 9 has no 3 atoms", "found '0'"),
        ),
        (
            lambda t: edited(t, block_line(9, 3), "1.5 1 2"),
            block_line(9, 3),
            ("block 9 has no 3 atoms",),
        ),
        (lambda t: edited(t, 1, "hello"), 1, ("not a number", "hello")),
        (lambda t: edited(t, 1, "-3"), 1, ("number of blocks",)),
        (lambda t: edited(t, 1, "1e99"), None, ("ends too early",)),
        (lambda t: t + "\n 17", None, ("something follows",)),
        (
            lambda t: "\n".join(t.split("\n")[: block_line(60, 12)]),
            block_line(60, 12),
            ("ends too early", "59 whole blocks", "98"),
        ),
        (lambda t: edited(t, block_line(1, 4), "1 2"), None, ("third or fourth order",)),
    ],
)
def test_damage_is_named_with_its_line(
    tmp_path: Path,
    text: str,
    change: Callable[[str], str],
    line: int | None,
    words: tuple[str, ...],
) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path, change(text))
    for word in words:
        assert word in str(caught.value)
    assert caught.value.line is not None
    if line is not None:
        assert caught.value.line == line


def test_every_missing_line_is_noticed(tmp_path: Path, text: str) -> None:
    """Whichever line of a block is gone, the message points into that block or to the next."""
    for offset in range(31):
        with pytest.raises(InputError) as caught:
            read(tmp_path, edited(text, block_line(3, offset), None))
        assert caught.value.line is not None
        assert block_line(3, 0) <= caught.value.line <= block_line(4, 3), offset


def test_second_order_is_not_taken_for_third(tmp_path: Path) -> None:
    second = shengbte_text(CRYSTAL.constants(2), LATTICE)
    with pytest.raises(InputError, match="third or fourth order"):
        read(tmp_path, second)
