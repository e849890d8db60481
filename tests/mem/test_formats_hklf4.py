"""SHELX HKLF 4 in fixed columns, with blanks, and inside CIFs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ixs_core.errors import InputError
from mem.formats.measured import read_measured
from mem.reflections import MeasuredReflections

ROWS = [((1, 0, 0), 12.5, 0.5), ((-12, -10, -11), 118982.8, 1234.56), ((0, 2, 0), -3.25, 1.0)]
END = "   0   0   0    0.00    0.00   0\n"


def fixed(rows: list[tuple[tuple[int, int, int], float, float]], batch: int = 1) -> str:
    """Rows in FORMAT(3I4, 2F8.2, I4); F8.2 becomes F8.1 where the number is too wide."""
    text = ""
    for (h, k, l_), value, sigma in rows:
        number = f"{value:8.2f}" if len(f"{value:.2f}") <= 8 else f"{value:8.1f}"
        text += f"{h:4d}{k:4d}{l_:4d}{number}{sigma:8.2f}{batch:4d}\n"
    return text


def measured(path: Path, relative_sigma: float | None = None) -> MeasuredReflections:
    found = read_measured(path, relative_sigma)
    assert isinstance(found, MeasuredReflections)
    return found


def check(found: MeasuredReflections) -> None:
    np.testing.assert_array_equal(found.hkl, [row[0] for row in ROWS])
    np.testing.assert_allclose(found.intensity, [row[1] for row in ROWS])
    np.testing.assert_allclose(found.sigma, [row[2] for row in ROWS])
    assert not found.absolute
    assert found.calculated is None


def test_fixed_columns_that_touch(tmp_path: Path) -> None:
    path = tmp_path / "a.hkl"
    path.write_text(fixed(ROWS) + END + "TITL something\n")
    assert "118982.8 1234.56" in path.read_text()
    assert " -12 -10 -11118982.8" in path.read_text()
    found = measured(path)
    check(found)
    assert any("1 line after the end line" in note for note in found.notes)


def test_blanks_between_columns(tmp_path: Path) -> None:
    path = tmp_path / "a.hkl"
    lines = [" ".join(map(str, (*hkl, value, sigma))) for hkl, value, sigma in ROWS]
    path.write_text("# measured\n" + "\n".join(lines) + "\n")
    found = measured(path)
    check(found)
    assert any("separated by blanks" in note for note in found.notes)
    assert any("end line 0 0 0 is missing" in note for note in found.notes)


def test_batches_and_repeated_rows_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.hkl"
    path.write_text(fixed(ROWS) + fixed(ROWS[:1], batch=2) + END)
    found = measured(path)
    assert len(found.hkl) == 4
    assert any("2 batch numbers (1, 2)" in note for note in found.notes)
    assert any("1 reflection is listed more than once" in note for note in found.notes)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("   12.50", "   12.x0", "line 1: not a reflection"),
        ("    0.50", "   -0.50", "line 1: σ is negative"),
        ("   12.50", "     nan", "line 1: the intensity is not a number.*1 0 0.*nan"),
        ("   1   0   0", "   1   0 0.5", "line 1: not a reflection"),
    ],
)
def test_faults_name_their_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = tmp_path / "a.hkl"
    path.write_text(fixed(ROWS[1:]) + fixed(ROWS[:1]).replace(old, new) + END)
    with pytest.raises(InputError, match=message.replace("line 1", "line 3")):
        read_measured(path)


def test_all_sigma_zero(tmp_path: Path) -> None:
    path = tmp_path / "a.hkl"
    path.write_text(fixed([(hkl, value, 0.0) for hkl, value, _ in ROWS]) + END)
    with pytest.raises(InputError, match=r"line 1: all σ are zero.*--relative-sigma"):
        read_measured(path)
    assert measured(path, 0.1).sigma == pytest.approx([1.25, 11898.28, 0.325])


def short(separator: str, tail: str) -> str:
    """Rows of ROWS that end after the intensity."""
    return "".join(
        separator.join((f"{h:4d}", f"{k:4d}", f"{m:4d}", f"{value:8.1f}")) + tail + "\n"
        for (h, k, m), value, _ in ROWS
    )


@pytest.mark.parametrize(
    ("separator", "tail"), [("", ""), (" ", ""), ("", " " * 8), ("", " " * 8 + "   1")]
)
def test_a_list_without_sigma(tmp_path: Path, separator: str, tail: str) -> None:
    """In fixed columns, with blanks, with a blank column, and with a batch number after it."""
    path = tmp_path / "a.hkl"
    path.write_text("# h k l F²\n" + short(separator, tail) + END)
    with pytest.raises(InputError, match=r"line 2: the σ column is missing.*--relative-sigma 0.03"):
        read_measured(path)
    found = measured(path, 0.1)
    assert found.hkl.tolist() == [list(row[0]) for row in ROWS]
    assert found.sigma == pytest.approx(0.1 * np.abs(found.intensity))
    assert any("no σ: 10 % of F² is assumed" in note for note in found.notes)
    path.write_text(fixed(ROWS[:1]) + short(separator, tail) + END)
    with pytest.raises(InputError, match=r"line 2: σ is missing|line 2: not a reflection"):
        read_measured(path, 0.1)


def test_sigma_further_right_is_no_missing_sigma(tmp_path: Path) -> None:
    path = tmp_path / "a.hkl"
    path.write_text("   1   0   0    5.25             0.50\n")
    assert measured(path).sigma.tolist() == [0.5]


def test_list_4_without_a_header(tmp_path: Path) -> None:
    path = tmp_path / "a.hkl"
    path.write_text("# from somewhere\n1 0 0 12.0 12.5 0.5 o\n-1 2 3 4.0 3.0 0.5 <\n")
    found = measured(path)
    assert found.hkl.tolist() == [[1, 0, 0], [-1, 2, 3]]
    assert found.observed is not None
    assert found.observed.tolist() == [True, False]
    assert found.calculated is not None
    assert found.calculated.tolist() == [12.0, 4.0]
    assert any("header is missing" in note for note in found.notes)
    path.write_text(path.read_text() + "1 2 three 4 5 6 o\n")
    with pytest.raises(InputError, match="line 4: not a row of LIST 4"):
        read_measured(path)


def cif(tmp_path: Path, tag: str, content: str, more: str = "") -> Path:
    path = tmp_path / "a.cif"
    path.write_text(
        "data_x\n_cell_length_a 5\n_refine_ls_weighting_details\n"
        r"'w=1/[\s^2^(Fo^2^)+(0.03P)^2^+0.1P]'"
        f"\n{more}\n{tag}\n;\n{content};\n"
    )
    return path


def test_embedded_hkl(tmp_path: Path) -> None:
    found = measured(cif(tmp_path, "_shelx_hkl_file", fixed(ROWS) + END))
    check(found)
    assert found.weights == (0.03, 0.1)
    broken = fixed(ROWS[:1]) + "nonsense\n" + END
    with pytest.raises(InputError, match="line 9: not a reflection"):
        read_measured(cif(tmp_path, "_shelx_hkl_file", broken))


def test_the_hklf_instruction_is_obeyed(tmp_path: Path) -> None:
    def with_instruction(text: str) -> Path:
        more = f"_shelx_res_file\n;\nTITL x\n{text}\nEND\n;"
        return cif(tmp_path, "_shelx_hkl_file", fixed(ROWS) + END, more)

    turned = measured(with_instruction("HKLF 4 1 0 1 0 1 0 0 0 0 -1"))
    assert turned.hkl[1].tolist() == [-10, -12, 11]
    amplitudes = measured(with_instruction("HKLF 3"))
    assert amplitudes.intensity[0] == 12.5**2
    for wrong, message in (("HKLF 5", "no single intensities"), (half(), "no Miller indices")):
        with pytest.raises(InputError, match=message):
            read_measured(with_instruction(wrong))


def half() -> str:
    return "HKLF 4 1 0.5 0 0 0 1 0 0 0 1"


def test_embedded_list(tmp_path: Path) -> None:
    loop = "data_x\nloop_\n" + "".join(f"_refln_index_{axis}\n" for axis in "hkl")
    loop += "_refln_F_squared_meas\n_refln_F_squared_sigma\n"
    for tag in ("_iucr_refine_fcf_details", "_shelx_fcf_file"):
        found = measured(cif(tmp_path, tag, loop + "1 0 0 12.5 0.5\n"))
        assert found.hkl.tolist() == [[1, 0, 0]]
        assert found.weights == (0.03, 0.1)
    with pytest.raises(InputError, match=r"line 16.*not a number"):
        read_measured(cif(tmp_path, "_shelx_fcf_file", loop + "1 0 0 12.5 0.5\n0 1 0 x 0.5\n"))
    with pytest.raises(InputError, match="not a valid list"):
        read_measured(cif(tmp_path, "_shelx_fcf_file", loop + "1 0 0 12.5\n"))


def test_embedded_hkl_of_cod(shared_data: Path) -> None:
    """117 reflections, as _diffrn_reflns_number says; the first columns touch each other."""
    found = measured(shared_data / "mem" / "FeN2_cod2242624" / "2242624.cif")
    assert len(found.hkl) == 117
    assert (found.hkl[0].tolist(), found.intensity[0]) == ([0, 0, -1], 18982.80)
    np.testing.assert_array_equal(np.abs(found.hkl).max(axis=0), [3, 5, 6])
