"""Dysnomia's .mem: by its documented columns, round trips in many groups, faults."""

from __future__ import annotations

from pathlib import Path

import gemmi
import numpy as np
import pytest

from ixs_core.crystal import Crystal
from ixs_core.errors import InputError
from mem.formats.dysnomia import read_mem
from mem.formats.dysnomia_output import write_mem, write_prf
from mem.formats.dysnomia_settings import known_settings, setting_of
from mem.formats.measured import read_measured
from mem.reflections import ReflectionGroup, Reflections
from tests.mem.synthetic_structure_factors import reflections_of, structure_factors

BY_HAND = """A powder by hand
   5.00000   6.00000   7.00000  90.00000  90.00000  90.00000
      0.0000000      0.0000000     -1    0    0    0     P
   47    1   64   64   72
     50.00  0.001
    3
    1    0    0    12.500     0.000     0.100
    0   -2    0    -8.250     0.000     0.050
    1    1    1     4.000     0.000     0.020
    1
#    0
    2
    2    0    0    10.000     0.250    2
    0    0    3    4
    1
    0    4    0
"""
KNOWN = [
    ("C m c m", 63, 1),
    ("A m a m", 63, 4),
    ("P b n m", 62, 3),
    ("P 1 21 1", 4, 1),
    ("P 1 21/n 1", 14, 2),
    ("P 1 21/a 1", 14, 3),
    ("A 1 2/n 1", 15, 2),
    ("I 1 2/a 1", 15, 3),
    ("I 1 2 1", 5, 3),
    ("A b m a", 64, 3),
    ("P n n n:2", 48, 2),
    ("F d -3 m:1", 227, 1),
    ("F d -3 m:2", 227, 2),
    ("R -3 m:H", 166, 1),
    ("R -3 m:R", 166, 2),
    ("P 31 2 1", 152, 1),
    ("P 1", 1, 1),
    ("F -4 3 m", 216, 1),
]


UNIQUE_C = (5.0, 6.0, 7.0, 90.0, 90.0, 100.0)
# The operator that the file spgra of RIETAN-2000 lists for a number and a setting, its lattice.
PUBLISHED = [
    (5, 1, "C", "-x,y,-z"),
    (5, 2, "A", "-x,y,-z"),
    (5, 3, "I", "-x,y,-z"),
    (7, 2, "P", "x+1/2,-y,z+1/2"),
    (7, 3, "P", "x+1/2,-y,z"),
    (9, 2, "A", "x+1/2,-y,z+1/2"),
    (9, 3, "I", "x+1/2,-y,z"),
    (12, 2, "A", "-x,y,-z"),
    (13, 2, "P", "-x+1/2,y,-z+1/2"),
    (13, 3, "P", "-x+1/2,y,-z"),
    (14, 1, "P", "-x,y+1/2,-z+1/2"),
    (14, 2, "P", "-x+1/2,y+1/2,-z+1/2"),
    (14, 3, "P", "-x+1/2,y+1/2,-z"),
    (15, 1, "C", "-x,y,-z+1/2"),
    (15, 2, "A", "-x+1/2,y,-z+1/2"),
    (15, 3, "I", "-x+1/2,y,-z"),
]


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "a.mem"
    path.write_text(text)
    return path


def test_a_file_by_hand(tmp_path: Path) -> None:
    found = read_measured(written(tmp_path, BY_HAND))
    assert isinstance(found, Reflections)
    assert found.lattice.cell == (5, 6, 7, 90, 90, 90)
    assert found.symmetry.number == 47
    assert found.electrons == 50
    assert found.hkl.tolist() == [[1, 0, 0], [0, -2, 0], [1, 1, 1]]
    assert found.f.tolist() == [12.5, -8.25, 4]
    assert found.sigma.tolist() == [0.1, 0.05, 0.02]
    (group,) = found.groups
    assert group.hkl.tolist() == [[2, 0, 0], [0, 0, 3]]
    assert group.multiplicity.tolist() == [2, 4]
    assert (group.amplitude, group.sigma) == (10, 0.25)
    assert any("1 reflection is listed as not measured" in note for note in found.notes)


@pytest.mark.parametrize(("name", "number", "setting"), KNOWN)
def test_what_is_written_is_read_back(tmp_path: Path, name: str, number: int, setting: int) -> None:
    reflections = reflections_of(name)
    path = tmp_path / "a.mem"
    assert write_mem(path, reflections, (24, 24, 24), "a title") == ()
    lines = path.read_text().split("\n")
    assert lines[0] == "a title"
    assert lines[3] == f"{number:5d}{setting:5d}   24   24   24"
    assert lines[5] == f"{len(reflections):5d}"
    found = read_mem(path)
    np.testing.assert_array_equal(found.hkl, reflections.hkl)
    np.testing.assert_allclose(found.f, reflections.f, atol=6e-4 * 2**0.5)
    np.testing.assert_allclose(found.sigma, reflections.sigma, atol=5e-4)
    assert set(found.symmetry.triplets) == set(reflections.symmetry.triplets)
    assert found.electrons == reflections.electrons
    assert "-0.000" not in path.read_text()


def test_an_unknown_setting_is_written_in_p1(tmp_path: Path) -> None:
    reflections = reflections_of("P 1 1 21/b", cell=UNIQUE_C)
    assert setting_of(reflections.symmetry) is None
    (note,) = write_mem(tmp_path / "a.mem", reflections, (24, 24, 24))
    assert "P 1" in note
    found = read_mem(tmp_path / "a.mem")
    assert found.symmetry.number == 1
    assert len(found) > 1.5 * len(reflections)
    exact = structure_factors(reflections.symmetry, reflections.lattice, found.hkl)
    np.testing.assert_allclose(found.f, exact, atol=6e-4 * 2**0.5)


def test_groups_go_into_p1_with_all_their_reflections(tmp_path: Path) -> None:
    reflections = reflections_of("P 1 1 21/b", cell=UNIQUE_C)
    group = ReflectionGroup(np.array([[1, 1, 1], [2, 0, 0]]), np.array([4.0, 2.0]), 5.0, 0.1)
    with_group = Reflections(**{**reflections.__dict__, "groups": (group,)})
    write_mem(tmp_path / "a.mem", with_group, (24, 24, 24))
    (found,) = read_mem(tmp_path / "a.mem").groups
    assert found.hkl.tolist() == [[1, 1, 1], [1, 1, -1], [2, 0, 0]] or len(found.hkl) == 3
    assert found.multiplicity.tolist() == [2, 2, 2]
    assert (found.amplitude, found.sigma) == (5.0, 0.1)


def test_settings_are_those_of_the_tables() -> None:
    for number in range(1, 231):
        first = known_settings(number)[0]
        assert first.number == number
        assert gemmi.SpaceGroup(number).xhm().split(":")[0] == first.xhm().split(":")[0]
    assert [group.xhm() for group in known_settings(62)][2] == "P b n m"
    assert [group.xhm() for group in known_settings(70)] == ["F d d d:1", "F d d d:2"]


@pytest.mark.parametrize(("number", "setting", "lattice", "operator"), PUBLISHED)
def test_monoclinic_cells_are_numbered_as_rietan_numbers_them(
    number: int, setting: int, lattice: str, operator: str
) -> None:
    group = known_settings(number)[setting - 1]
    assert group.hm[0] == lattice
    assert gemmi.Op(operator) in list(group.operations())


def test_another_origin_contradicts_the_phases(tmp_path: Path) -> None:
    reflections = reflections_of("F d -3 m:2")
    write_mem(tmp_path / "a.mem", reflections, (24, 24, 24))
    text = (tmp_path / "a.mem").read_text().replace("  227    2", "  227    1")
    with pytest.raises(InputError, match="phase that it forbids"):
        read_mem(written(tmp_path, text))
    crystal = Crystal(reflections.lattice, (), reflections.symmetry, temperature_k=100.0)
    found = read_mem(tmp_path / "a.mem", crystal)
    np.testing.assert_array_equal(found.hkl, reflections.hkl)
    assert found.temperature_k == 100
    assert found.structure is crystal
    with pytest.raises(InputError, match=r"contradicts.*that it forbids"):
        read_mem(written(tmp_path, BY_HAND.replace("   47    1", "   71    1")))


def test_equivalents_are_averaged(tmp_path: Path) -> None:
    row = "   -1    0    0    12.200     0.000     0.200\n    1    0    0"
    more = BY_HAND.replace("    3\n    1    0    0", f"    4\n{row}", 1)
    found = read_mem(written(tmp_path, more))
    assert len(found) == 3
    weights = np.array([0.1, 0.2]) ** -2.0
    expected = (weights @ [12.5, 12.2]) / weights.sum()
    assert found.hkl[0].tolist() == [-1, 0, 0]
    np.testing.assert_allclose(found.f[0], expected)
    np.testing.assert_allclose(found.sigma[0], weights.sum() ** -0.5)
    assert any("1 reflection is equivalent" in note for note in found.notes)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("   5.00000   6.00", "   5.00000   six0", "not a list of reflections|line 2"),
        ("   5.00000   6.0", "  -5.00000   6.0", "line 2: the cell is not possible"),
        ("   47    1", "  247    1", "line 4: not a space group"),
        ("   47    1", "   47    3", "line 4: the number of the setting"),
        ("   47    1", "  221    1", "line 4: the cell does not have the symmetry"),
        ("     50.00", "     -1.00", "line 5: not a number of electrons"),
        ("  0.001", "  -3.00 0.001", "line 5: a density of both signs"),
        ("    3\n    1", "   33\n    1", "line 6: the file ends"),
        ("    3\n    1", "    x\n    1", "line 6: not the number"),
        ("   -8.250", "     nan ", "line 8: not a reflection"),
        ("     0.050", "     0.000", "line 8: σ is not above 0"),
        ("    2\n    2", "    0\n    2", "line 12: the group is empty"),
        ("    3    4", "    3    z", "line 14: not a reflection of a group"),
        ("    0    4    0", "    0    4    y", "line 16: not an unmeasured"),
    ],
)
def test_faults_name_their_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in BY_HAND
    path = written(tmp_path, BY_HAND.replace(old, new, 1))
    with pytest.raises(InputError, match=message):
        read_mem(path)
    with pytest.raises(InputError):
        read_measured(path)


def test_what_does_not_fit_is_not_written(tmp_path: Path) -> None:
    reflections = reflections_of("P 1")
    wide = Reflections(**{**reflections.__dict__, "f": -1e6 * reflections.f})
    small = Reflections(**{**reflections.__dict__, "sigma": 1e-4 * reflections.sigma})
    for wrong in (wide, small):
        with pytest.raises(InputError, match="does not fit the columns"):
            write_mem(tmp_path / "a.mem", wrong, (24, 24, 24))


def test_preferences(tmp_path: Path) -> None:
    write_prf(tmp_path / "a.prf", "a", weighting=4, moments={2: 1.0, 6: 0.5}, cycles=100)
    lines = (tmp_path / "a.prf").read_text().split("\n")
    assert lines[:6] == ["$PREFERENCES", "a.mem", "a.out", "a.pgrid", "a.fba", "a_eps.raw"]
    assert lines[11] == "0.0010 4"
    assert lines[16] == "100"
    assert lines[18] == "1 0 0.5 0 0 0 0 0"
    assert lines[19:] == ["0", ""]
    with pytest.raises(InputError, match="even order"):
        write_prf(tmp_path / "a.prf", "a", moments={3: 1.0})
    with pytest.raises(InputError, match=r"weighting.*found 2\.5.*whole power"):
        write_prf(tmp_path / "a.prf", "a", weighting=2.5)
    with pytest.raises(InputError, match="zspa or lbfgs"):
        write_prf(tmp_path / "a.prf", "a", algorithm="newton")


def test_other_preferences_are_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "a.prf"
    write_prf(path, "a", cycles=100)
    write_prf(path, "a", cycles=100)
    tuned = path.read_text().replace("\n100\n", "\n700\n")
    path.write_text(tuned)
    with pytest.raises(InputError, match=r"a\.prf.*not overwritten"):
        write_prf(path, "a", cycles=100)
    assert path.read_text() == tuned


def test_where_nothing_can_be_written(tmp_path: Path) -> None:
    reflections = reflections_of("P 1")
    for path, message in ((tmp_path, "folder, not a file"), (tmp_path / "no" / "a.mem", "folder")):
        with pytest.raises(InputError, match=message):
            write_mem(path, reflections, (24, 24, 24))
        with pytest.raises(InputError, match=message):
            write_prf(path, "a")
