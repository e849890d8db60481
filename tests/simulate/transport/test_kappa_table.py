"""Tables of κ(T) as different programs leave them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ixs_core.errors import InputError
from simulate.transport import add_kappa_tables, read_kappa_table

HEADED = """T kappa_11 kappa_12 kappa_13 kappa_21 kappa_22 kappa_23 kappa_31 kappa_32 kappa_33
400    0.2D+00 0.1E-27 0.0 1.5-101 0.3E+00 0 0 0 0.4E+00
300    0.25 0 0 0 0.35 -0.02 0 -0.02 0.45
"""


def written(folder: Path, text: str, name: str = "kappa.dat") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_headed_table_with_fortran_exponents(tmp_path: Path) -> None:
    table = read_kappa_table(written(tmp_path, HEADED))
    np.testing.assert_array_equal(table.temperature_k, [300, 400])
    np.testing.assert_allclose(np.diag(table.kappa[1]), [0.2, 0.3, 0.4])
    assert table.kappa[1, 1, 0] == pytest.approx(1.5e-101)
    assert table.kappa[0, 1, 2] == table.kappa[0, 2, 1] == -0.02
    assert table.notes == ("rows put in the order of their temperatures",)


@pytest.mark.parametrize(
    "heading", ["T,xx,yy,zz", "# temperature_k;kxx;kyy;kzz", "T[K] k_11 k_22 k_33[W/mK]"]
)
def test_diagonal_only(tmp_path: Path, heading: str) -> None:
    mark = next((m for m in ",;" if m in heading), " ")
    table = read_kappa_table(written(tmp_path, f"{heading}\n{mark.join(['300', '1', '2', '3'])}\n"))
    np.testing.assert_array_equal(np.diag(table.kappa[0]), [1, 2, 3])
    assert np.isnan(table.kappa[0, 0, 1])


def test_other_columns_are_named(tmp_path: Path) -> None:
    table = read_kappa_table(written(tmp_path, "T kappa_xx error\n300 1 0.1\n400 2 0.1\n"))
    assert "error" in table.notes[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("300 1 2 3\n", "no heading"),
        ("T kappa_11\n300 1\n300 2\n", "line 3.*twice"),
        ("T kappa_11\n300 1\n400 x\n", "line 3.*not finite numbers"),
        ("T kappa_11\n300 1\n400 nan\n", "line 3.*not finite numbers"),
        ("T kappa_11\n300 1 2\n", "line 2.*one number per column"),
        ("T kappa_11\n0 1\n", "not a temperature"),
        ("q kappa_11\n300 1\n", "no column of temperatures"),
        ("T thing\n300 1\n", "no component"),
        ("T kappa_11\n", "no numbers"),
    ],
)
def test_what_is_no_table(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_kappa_table(written(tmp_path, text))


def test_only_tables_of_the_same_temperatures_are_added(tmp_path: Path) -> None:
    first = read_kappa_table(written(tmp_path, "T kappa_11\n300 1\n400 2\n", "a.dat"))
    second = read_kappa_table(written(tmp_path, "T kappa_11\n300 10\n400 20\n", "b.dat"))
    np.testing.assert_allclose(add_kappa_tables([first, second]).kappa[:, 0, 0], [11, 22])
    other = read_kappa_table(written(tmp_path, "T kappa_11\n300 10\n500 20\n", "c.dat"))
    with pytest.raises(InputError, match=r"c\.dat.*300, 500 K.*300, 400 K"):
        add_kappa_tables([first, other])


def test_real_tables(shared_data: Path) -> None:
    wave = read_kappa_table(shared_data / "cscu2i3/kappa/4ph_wave_like_kappa.dat")
    assert wave.kappa[0, 1, 2] == pytest.approx(-0.020, abs=1e-3)
    boron = read_kappa_table(shared_data / "kappa/fourphonon_BAs/BTE.KappaTensorVsT_CONV")
    np.testing.assert_allclose(np.diag(boron.kappa[0]), 771.81)
