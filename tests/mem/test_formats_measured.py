"""Formats are told apart by content, and broken files give an InputError and nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ixs_core.errors import InputError
from mem.formats.dysnomia_output import write_mem
from mem.formats.measured import read_measured
from mem.reflections import MeasuredReflections, Reflections
from tests.mem.synthetic_structure_factors import reflections_of
from tests.mem.test_formats_baymem import bminput
from tests.mem.test_formats_dysnomia import BY_HAND
from tests.mem.test_formats_hklf4 import END, ROWS, fixed

FCF = """# h,k,l, Fc-squared, Fo-squared, sigma(Fo-squared) and status flag
data_x
_cell_length_a 5
loop_
 _refln_index_h
 _refln_index_k
 _refln_index_l
 _refln_F_squared_calc
 _refln_F_squared_meas
 _refln_F_squared_sigma
 _refln_observed_status
 1 0 0 12.00 12.50 0.50 o
 0 2 0 4.00 -1.50 0.25 <
"""
EMBEDDED = f"data_x\n_cell_length_a 5\n_shelx_hkl_file\n;\n{fixed(ROWS)}{END};\n"
LIST_4 = "# no header\n1 0 0 12.0 12.5 0.5 o\n-1 2 3 4.0 3.0 0.5 <\n"


def samples() -> dict[str, str]:
    return {
        "fcf": FCF,
        "embedded": EMBEDDED,
        "list 4": LIST_4,
        "hklf 4": fixed(ROWS) + END,
        "mem": BY_HAND,
        "BMinput": bminput(reflections_of("P 1 21/n 1", limit=1), more="centro yes\n"),
    }


@pytest.mark.parametrize("name", samples())
@pytest.mark.parametrize("suffix", [".txt", ".cif", ".hkl"])
def test_the_suffix_does_not_matter(tmp_path: Path, name: str, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_text(samples()[name])
    found = read_measured(path)
    expected = Reflections if name in ("mem", "BMinput") else MeasuredReflections
    assert isinstance(found, expected)
    assert found.source == path.name
    assert len(found.sha256) == 64


@pytest.mark.parametrize("end", ["\r\n", "\r"])
@pytest.mark.parametrize("name", samples())
def test_line_ends_and_byte_order_marks(tmp_path: Path, name: str, end: str) -> None:
    path = tmp_path / "a.txt"
    path.write_text(samples()[name])
    plain = read_measured(path)
    path.write_bytes(b"\xef\xbb\xbf" + samples()[name].replace("\n", end).encode())
    np.testing.assert_array_equal(read_measured(path).hkl, plain.hkl)


@pytest.mark.parametrize(
    "text", ["", "hello world\n", "1 2 3\n", "{}", "\n\n", "# only a comment\n", "1 0 0 x y z\n"]
)
def test_what_is_unknown_lists_what_is_understood(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.dat"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        read_measured(path)
    if text.strip():
        assert "HKLF 4" in str(caught.value)
        assert ".BMinput" in str(caught.value)


def test_no_text_and_no_file(tmp_path: Path) -> None:
    path = tmp_path / "a.pgrid"
    path.write_bytes(bytes(range(256)) * 4)
    with pytest.raises(InputError, match="not a text file"):
        read_measured(path)
    with pytest.raises(InputError, match="cannot be read"):
        read_measured(tmp_path / "none.fcf")
    with pytest.raises(InputError, match="cannot be read"):
        read_measured(tmp_path)


def test_a_cif_without_reflections(tmp_path: Path) -> None:
    path = tmp_path / "a.cif"
    path.write_text("data_x\n_cell_length_a 5\n")
    with pytest.raises(InputError, match="holds no reflections"):
        read_measured(path)


def test_a_title_like_a_cif_is_still_a_mem(tmp_path: Path) -> None:
    write_mem(tmp_path / "a.mem", reflections_of("P 1"), (12, 12, 12), "data_300K")
    assert isinstance(read_measured(tmp_path / "a.mem"), Reflections)


@pytest.mark.parametrize("name", samples())
def test_broken_files_give_input_errors_only(tmp_path: Path, name: str) -> None:
    text = samples()[name]
    generator = np.random.default_rng(20)
    path = tmp_path / "a.txt"
    for _ in range(150):
        path.write_text(mutated(text, generator))
        try:
            found = read_measured(path)
        except InputError:
            continue
        assert np.isfinite(found.sigma).all()
        assert (found.sigma > 0).all()
        values = found.f if isinstance(found, Reflections) else found.intensity
        assert np.isfinite(values).all()
        assert found.hkl.shape == (len(values), 3)


def mutated(text: str, generator: np.random.Generator) -> str:
    """The text with a line lost, doubled or cut, or characters changed."""
    junk = ["nan", "inf", "-", "1e400", "?", ".", "999999999999999999999", "é", "", "'", ";", "0"]
    lines = text.split("\n")
    for _ in range(generator.integers(1, 4)):
        i = int(generator.integers(len(lines)))
        words = lines[i].split(" ")
        kind = generator.integers(5)
        if kind == 0:
            del lines[i]
        elif kind == 1:
            lines.insert(i, lines[int(generator.integers(len(lines)))])
        elif kind == 2:
            lines[i] = lines[i][: int(generator.integers(len(lines[i]) + 1))]
        elif kind == 3:
            words[int(generator.integers(len(words)))] = str(generator.choice(junk))
            lines[i] = " ".join(words)
        else:
            j = int(generator.integers(len(lines[i]) + 1))
            lines[i] = lines[i][:j] + chr(int(generator.integers(32, 127))) + lines[i][j + 1 :]
        lines = lines or [""]
    return "\n".join(lines)
