"""Columns of text and HDF5 files through a mapping."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from ixs_core.errors import InputError
from ixs_reduce.formats import identify, read_scans

MAPPING = """
format = "columns"
energy = "E"
counts = "A{n}"
monitor = "I0"
seconds = "t"
[fixed]
temperature_k = 295.0
lattice = [4.0, 4.0, 4.0, 90.0, 90.0, 90.0]
q_hkl = { A1 = [1.0, 0.0, 0.0] }
"""


@pytest.fixture
def mapping(tmp_path: Path) -> Path:
    path = tmp_path / "map.toml"
    path.write_text(MAPPING)
    return path


@pytest.mark.parametrize(
    "text",
    [
        "E,t,I0,A1,A2\n-1,5,100,3,4\n0,5,101,30,40\n1,5,99,5,6\n",
        "# measured today\n# E t I0 A1 A2\n-1 5 100 3 4\n0 5 101 30 40\n1 5 99 5 6\n",
        "E;t;I0;A1;A2\n-1;5;100;3;4\n0;5;101;30;40\n1;5;99;5;6",
        '"E"\t"t"\t"I0"\t"A1"\t"A2"\n-1\t5\t100\t3\t4\n0\t5\t101\t30\t40\n1\t5\t99\t5\t6\n',
    ],
)
def test_headed_columns(tmp_path: Path, mapping: Path, text: str) -> None:
    path = tmp_path / "data.csv"
    path.write_text(text)
    assert identify(path) == "text"
    (found,) = read_scans(path, mapping).scans
    np.testing.assert_array_equal(found.energy_mev, [[-1, 0, 1]] * 2)
    np.testing.assert_array_equal(found.counts, [[3, 30, 5], [4, 40, 6]])
    np.testing.assert_array_equal(found.monitor, [100, 101, 99])
    assert found.kind == "energy"
    assert found.temperature_k == 295
    assert found.analyzers[0].q_abs == pytest.approx(2 * np.pi / 4)
    assert found.analyzers[1].q_hkl is None


def test_columns_without_a_heading(tmp_path: Path) -> None:
    data, mapping = tmp_path / "d.txt", tmp_path / "m.toml"
    data.write_text("0.001 7\n0.002 9\n")
    mapping.write_text(
        'format = "columns"\nenergy = "1"\ncounts = "2"\nenergy_in_ev = true\n'
        "[fixed]\nseconds = 2\n"
    )
    (found,) = read_scans(data, mapping).scans
    np.testing.assert_allclose(found.energy_mev, [[1, 2]])
    np.testing.assert_array_equal(found.seconds, [2, 2])
    assert found.analyzers[0].name == "2"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("E,t,I0,A1\n0,5,100,3\n1,5,100\n", r"line 3, 'A1'.*one number per column"),
        ("E,t,I0,A1\n0,5,100,3\n1,5,100,?\n", r"line 3, 'A1'.*not a number"),
        ("E,t,I0,A1\n0,5,100,3\n1,5,nan,3\n", r"line 3, 'I0'.*not a finite"),
        ("E,t,I0,A1\n0,5,100,3\n1,5,-9,3\n", r"line 3, 'I0'.*negative"),
        ("E,t,flux,A1\n0,5,100,3\n", r"'I0'.*no column for the monitor"),
        ("E,t,I0,B\n0,5,100,3\n", r"no column for the counts"),
    ],
)
def test_bad_columns(tmp_path: Path, mapping: Path, text: str, said: str) -> None:
    path = tmp_path / "d.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=said):
        read_scans(path, mapping)


def test_columns_need_a_mapping_of_the_right_kind(tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    path.write_text("1 2\n3 4\n")
    with pytest.raises(InputError, match="--profile"):
        read_scans(path)
    with pytest.raises(InputError, match="another kind of file"):
        read_scans(path, "herix30id")


def test_nexus_entries(tmp_path: Path) -> None:
    data, mapping = tmp_path / "d.h5", tmp_path / "m.toml"
    with h5py.File(data, "w") as file:
        for n in (3, 4):
            entry = file.create_group(f"scan_{n}")
            entry["data/energy"] = np.array([0.0, 1, 2])
            entry["data/time"] = np.array([5.0, 5, 5])
            entry["sample/temperature"] = 150.0 + n
            entry["sample/cell"] = [4.0, 4, 4, 90, 90, 90]
            entry["title"] = "a scan"
            for name in ("a03", "a14"):
                entry[f"analyzers/{name}/counts"] = np.array([1, 2, n])
                entry[f"analyzers/{name}/hkl"] = [0.0, n, 0.0]
        file.create_group("notes")
    mapping.write_text("""
format = "nexus"
energy = "/{entry}/data/energy"
seconds = "/{entry}/data/time"
counts = "/{entry}/analyzers/a{n}/counts"
q_hkl = [
    "/{entry}/analyzers/{name}/hkl[0]",
    "/{entry}/analyzers/{name}/hkl[1]",
    "/{entry}/analyzers/{name}/hkl[2]",
]
lattice = "/{entry}/sample/cell"
temperature_sample = ["/{entry}/sample/temperature"]
""")
    file = read_scans(data, mapping)
    assert file.kind == "hdf5"
    assert [s.number for s in file.scans] == [3, 4]
    last = file.scans[1]
    assert [a.name for a in last.analyzers] == ["a03", "a14"]
    np.testing.assert_array_equal(last.counts, [[1, 2, 4]] * 2)
    assert last.analyzers[0].q_hkl == (0, 4, 0)
    assert last.analyzers[0].q_abs == pytest.approx(2 * np.pi)
    assert last.temperature_k == 154


@pytest.mark.parametrize("turned", [False, True])
def test_nexus_table_of_counts(tmp_path: Path, turned: bool) -> None:
    data, mapping = tmp_path / "d.h5", tmp_path / "m.toml"
    table = np.array([[1, 2, 3], [4, 5, 6]])
    with h5py.File(data, "w") as file:
        file["energy"] = np.array([0.0, 1, 2])
        file["counts"] = table.T if turned else table
    mapping.write_text(
        'format = "nexus"\nenergy = "/energy"\ncounts = "/counts"\nanalyzer_names = ["x1", "x2"]\n'
    )
    (found,) = read_scans(data, mapping).scans
    np.testing.assert_array_equal(found.counts, table)
    mapping.write_text(mapping.read_text().replace('"x2"', '"x2", "x3", "x4"'))
    with pytest.raises(InputError, match="does not fit the analyzer names"):
        read_scans(data, mapping)


def test_nexus_without_counts_and_broken(tmp_path: Path) -> None:
    data, mapping = tmp_path / "d.h5", tmp_path / "m.toml"
    with h5py.File(data, "w") as file:
        file["energy"] = [1.0]
    mapping.write_text('format = "nexus"\nenergy = "/energy"\ncounts = "/counts"\n')
    with pytest.raises(InputError, match=r"no group of the file holds the counts.*/energy"):
        read_scans(data, mapping)
    data.write_bytes(data.read_bytes()[:200])
    with pytest.raises(InputError, match="cannot be read"):
        read_scans(data, mapping)
