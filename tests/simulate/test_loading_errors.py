"""Every broken or misfitting input ends in one sentence that names file, key and remedy."""

from __future__ import annotations

import json
import lzma
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from ixs_core.errors import InputError
from simulate.phonons.loading import load_force_constants
from tests.simulate import loading_models as models

CRYSTAL = models.spring_crystal()
ROWS = models.home_rows(CRYSTAL)

BORN = "14.4\n4 0 0 0 4 0 0 0 4\n" + "".join(f"{z} 0 0 0 {z} 0 0 0 {z}\n" for z in (1.0, 0.5, -1.5))
NAC = """
nac:
  born_effective_charge:
  - [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
  - [[0.5, 0, 0], [0, 0.5, 0], [0, 0, 0.5]]
  - [[-1.5, 0, 0], [0, -1.5, 0], [0, 0, -1.5]]
  dielectric_constant:
  - [4, 0, 0]
  - [0, 4, 0]
  - [0, 0, 4]
  unit_conversion_factor: 14.399652
"""


@pytest.fixture
def good(tmp_path: Path) -> Path:
    """A phonopy file that loads."""
    path = models.write_phonopy_yaml(CRYSTAL, tmp_path)
    assert load_force_constants(path).n_modes == 9
    return path


def refused(path: Any, words: str, **options: Any) -> InputError:
    """The error of loading; its text holds the words, in this order, and no newline."""
    with pytest.raises(InputError) as caught:
        load_force_constants(path, **options)
    text = str(caught.value)
    assert re.search(words.replace(" ... ", ".*"), text), text
    assert "\n" not in text
    return caught.value


def replaced(path: Path, pattern: str, by: str, count: int = 1) -> Path:
    text, changed = re.subn(pattern, by, path.read_text(), count=count)
    assert changed
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("pattern", "by", "words"),
    [
        (r"supercell_matrix:\n(- .*\n){3}", "", "supercell_matrix ... which supercell"),
        (r"unit_cell:\n  lattice:\n(  - .*\n){3}", "unit_cell:\n", "unit_cell.lattice"),
        (
            r"unit_cell:\n  lattice:\n(  - .*\n)(  - .*\n)",
            r"unit_cell:\n  lattice:\n\1\1",
            "unit_cell.lattice ... in a plane",
        ),
        (r"(unit_cell:\n(.*\n){5}  - )symbol: Cs", r"\1name: Cs", "atom 1 ... no symbol"),
        ("symbol: Cs", "symbol: Xy", "element is not known ... 'Xy'"),
        (r"(unit_cell:\n(.*\n){6}    coordinates: \[).*?,", r"\1 here,", "atom 1, coordinates"),
        (r"(unit_cell:\n(.*\n){6}    coordinates: \[).*?,", r"\1 .nan,", "not finite"),
        ("mass: 63.546000", "mass: -1", "not positive"),
        ("mass: 63.546000", "mass: 57918.9", "seems to be in Rydberg units"),
        ("mass: 63.546000", "mass: 115837.9", "seems to be in electron masses"),
        ("mass: 63.546000", "mass: 2.5", "does not fit its element ... masses="),
        (r'length: "angstrom"', 'length: "furlong"', "'length' ... furlong"),
        (r'atomic_mass: "AMU"', 'atomic_mass: "kg"', "atomic_mass ... found kg"),
        (r"(supercell_matrix:\n)- .*", r"\1- [ 4, 0, 0 ]", "not the unit cell times"),
        (r"(supercell_matrix:\n)- .*", r"\1- [ 3.4, 0, 0 ]", "whole numbers"),
        (r"(supercell_matrix:\n(- .*\n){3})", "supercell_matrix: [0, 3, 2]\n", "no volume"),
        (
            r"(primitive_matrix:\n)- .*",
            r"\1- [ 0.7, 0, 0 ]",
            "supercell is not a whole multiple|not a whole multiple of the primitive",
        ),
        (r"(primitive_matrix:\n)- .*", r"\1- [ 0.5, 0, 0 ]", "do not fill its primitive cells"),
        (r"shape: \[ 3, 54 \]", "shape: [ 3, 53 ]", "not complete"),
        (r"shape: \[ 3, 54 \]", "shape: [ 2, 81 ]", "do not fit the cell"),
        (r"(elements:\n  - .*\n    - \[).*?,", r"\1 abc,", "a value that is no number"),
        (r"(elements:\n  - .*\n    - \[).*?,", r"\1 nan,", "not finite"),
        (r"elements:", "", "not complete"),
        (r"  version: .*", "  calculator: abacadabra", "calculator ... abacadabra"),
        (r"space_group:", "space_group: [", "not valid YAML"),
        (r"physical_unit:", "physical_unit: !!python/object/apply:os.getcwd []\nx:", "valid YAML"),
    ],
)
def test_broken_phonopy_files(good: Path, pattern: str, by: str, words: str) -> None:
    everywhere = 0 if pattern.startswith(("symbol", "mass")) else 1
    error = refused(replaced(good, pattern, by, everywhere), words)
    assert good.name in str(error)


def test_nothing_in_a_yaml_file_is_executed(good: Path, tmp_path: Path) -> None:
    trap = tmp_path / "executed"
    tag = f'!!python/object/apply:os.mkdir ["{trap}"]'
    refused(replaced(good, "physical_unit:", f"other: {tag}\nphysical_unit:"), "not valid YAML")
    assert not trap.exists()


def test_a_file_cut_off_in_its_force_constants(good: Path) -> None:
    good.write_text(good.read_text()[:-4000])
    refused(good, "force_constants.elements ... found \\d+ numbers ... expected ... cut off")


def test_missing_empty_packed_and_unknown_files(good: Path, tmp_path: Path) -> None:
    refused(tmp_path / "none.yaml", "none.yaml: cannot be read: No such file")
    refused(tmp_path, "give the file, not its folder")
    other = tmp_path / "other.xz"
    for content, words in (
        (b" \n", "is empty"),
        (lzma.compress(good.read_bytes())[:-500], "compressed file is broken"),
        (b"\xfd7zXZ\x00 but no more", "compressed file is broken"),
        (b"\x1f\x8b nonsense", "compressed file is broken"),
        (b"\xff\xfe\x00\x81", "not a text file"),
        (b"once upon a time", "not known"),
        (b"a, b, c", "not known"),
        (b"1.0 2.0 3.0\n", "not known"),
        (b"[" * 100_000, "not known"),
        (b"phonopy: " + b"[" * 20_000, "YAML"),
        (b"- lattice\n", "not known"),
        (b"supercell_matrix: [1, 1, 1]\n", "not a phonopy file"),
        (b"phonopy:\n", "not a phonopy file"),
        (b"   5\n\n 1\n 0.0 0.0 0.0\n 1.0 1.0 1.0\n 1 1 1\n", "anharmonic|not complete"),
        (b"   5\n\n 1\n", "not known"),
    ):
        other.write_bytes(content)
        assert "other.xz" in str(refused(other, words))


def test_third_order_force_constants_are_named_as_such(shared_data: Path) -> None:
    folder = shared_data / "cscu2i3" / "force_constants"
    refused(folder / "FORCE_CONSTANTS_3RD", "anharmonic")
    refused(folder / "FORCE_CONSTANTS_4TH.gz", "anharmonic")
    refused(shared_data / "kappa/phono3py/kappa-NaMgF3-m979.hdf5", "no harmonic ... kappa")


def test_force_constants_without_or_with_another_crystal(tmp_path: Path) -> None:
    table = models.write_table(tmp_path / "FORCE_CONSTANTS", CRYSTAL.compact(), ROWS)
    refused(table, "do not say which crystal ... beside it")
    (tmp_path / "phonopy.yaml").write_text("unit_cell: [")
    refused(table, "phonopy.yaml, line \\d: this is not valid YAML")
    path = models.write_phonopy_yaml(CRYSTAL, tmp_path, inside=False)
    load_force_constants(table)
    models.write_table(table, CRYSTAL.compact()[:, :-3], ROWS)
    for file in (table, path):
        refused(file, "do not fit the cell; found 51 atoms; expected ... 54 atoms")
    table.unlink()
    refused(path, "has no force constants; expected FORCE_CONSTANTS")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda lines: [*lines[:5], "0.1 0.2 O.3", *lines[6:]], "line 6: this line is not numbers"),
        (lambda lines: lines[:-4], "not complete ... expected 3×54"),
        (lambda lines: [*lines[:1], "1 2", *lines[2:]], "not in order"),
        (lambda lines: ["3 54 1", *lines[1:]], "not known|number of atoms"),
        (lambda lines: ["0 54", *lines[1:]], "number of atoms"),
        (lambda lines: [*lines[:2], "nan 0 0", *lines[3:]], "not finite|not known"),
        (lambda lines: [re.sub(r"^19 ", "1 ", x) for x in lines], "not in order"),
    ],
)
def test_broken_tables(
    tmp_path: Path, change: Callable[[list[str]], list[str]], words: str
) -> None:
    models.write_phonopy_yaml(CRYSTAL, tmp_path, inside=False)
    table = models.write_table(tmp_path / "FORCE_CONSTANTS", CRYSTAL.compact(), ROWS)
    table.write_text("\n".join(change(table.read_text().splitlines())))
    assert "FORCE_CONSTANTS" in str(refused(table, words))


def test_broken_hdf5(tmp_path: Path) -> None:
    models.write_phonopy_yaml(CRYSTAL, tmp_path, inside=False)
    path = tmp_path / "fc2.hdf5"

    def write(**datasets: Any) -> None:
        with h5py.File(path, "w") as file:
            for name, value in datasets.items():
                file[name] = value

    write(fc2=CRYSTAL.compact(), p2s_map=ROWS)
    load_force_constants(path)
    path.write_bytes(path.read_bytes()[:3000])
    refused(path, "fc2.hdf5: the HDF5 file is broken")
    write(fc3=CRYSTAL.compact())
    refused(path, "no harmonic ... found fc3 ... expected force_constants or fc2")
    write(fc2=CRYSTAL.compact().reshape(9, -1))
    refused(path, "'fc2': wrong shape")
    write(fc2=CRYSTAL.compact(), p2s_map=[0, 1, 99])
    refused(path, "p2s_map")
    write(fc2=CRYSTAL.compact(), p2s_map=[0, 1, 2])
    refused(path, "primitive cell")
    write(fc2=CRYSTAL.compact(), physical_unit="eV/foot^2")
    refused(path, "physical_unit ... foot")
    write(fc2="text")
    refused(path, "'fc2'")


def force_sets(natom: int, atom: int) -> str:
    body = "\n".join(["0.1 0.2 0.3"] * natom)
    return f"{natom}\n1\n\n{atom}\n0.01 0.0 0.0\n{body}\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (force_sets(54, 1)[:-30], "not complete ... cut off"),
        (force_sets(50, 1), "another supercell|do not fit"),
        (force_sets(54, 60), "displaced atom is not in the supercell"),
        (force_sets(54, 1).replace("0.3", "x.3", 1), "no number"),
        (force_sets(54, 1), "do not determine"),
        ("0.0 0.0 0.0 0.1 0.1 0.1\n" * 50, "another supercell"),
    ],
)
def test_broken_force_sets(tmp_path: Path, text: str, words: str) -> None:
    path = models.write_phonopy_yaml(CRYSTAL, tmp_path, inside=False)
    (tmp_path / "FORCE_SETS").write_text(text)
    assert "FORCE_SETS" in str(refused(path, words))


def test_missing_born_file_is_an_error_only_when_asked_for(good: Path, tmp_path: Path) -> None:
    refused(good, "missing BORN", born=tmp_path / "BORN")
    refused(good, "missing BORN", born=tmp_path / "BORN", nac=False)
    assert load_force_constants(good).polar is None
    (tmp_path / "BORN").write_text(BORN)
    assert load_force_constants(good).polar is not None
    assert load_force_constants(good, nac=False).polar is None
    assert load_force_constants(good, born=tmp_path / "BORN", nac=False).polar is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (BORN + "1 0 0 0 1 0 0 0 1\n", "found 4 tensors; expected 3"),
        (BORN.replace("4 0 0 0 4 0 0 0 4", "4 0 0 0 4 0 0 0"), "line 2 ... found 8 numbers"),
        (BORN.replace("14.4", "2.0"), "conversion factor ... found 2.0; expected 14.3996"),
        (BORN.replace("4 0 0 0 4 0 0 0 4", "-4 0 0 0 4 0 0 0 4"), "dielectric"),
        (BORN.replace("4 0 0 0 4 0 0 0 4", "4 9 0 0 4 0 0 0 4"), "dielectric"),
        (BORN.replace("-1.5 0 0 0 -1.5", "1.5 0 0 0 1.5"), "neither neutral nor symmetric"),
        (BORN.replace("0.5", "a.5"), "line 4 ... not numbers"),
        ("14.4\n", "not a BORN file"),
    ],
)
def test_broken_born_files(good: Path, tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "BORN").write_text(text)
    assert "BORN" in str(refused(good, words))


@pytest.mark.parametrize(
    ("pattern", "by", "words"),
    [
        ("14.399652", "1.0", "unit_conversion_factor ... found 1.0; expected 14.3996"),
        (r"  - \[\[0.5.*\n", "", "found 2 tensors; expected 3"),
        (r"  dielectric_constant:(\n  - .*){3}", "", "dielectric_constant"),
        (r"\[4, 0, 0\]", "[4, 0]", "dielectric_constant"),
        (r"\[0, 4, 0\]", "[0, -4, 0]", "dielectric_constant ... not possible"),
    ],
)
def test_broken_charges_in_the_file(good: Path, pattern: str, by: str, words: str) -> None:
    good.write_text(good.read_text().replace("\nforce_constants:", NAC + "\nforce_constants:"))
    assert load_force_constants(good).polar is not None
    refused(replaced(good, pattern, by), words)


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ({"scell(:)": "3 3 3"}, "do not fit the supercell of CONTROL ... found 54 ... scell"),
        ({"scell(:)": "3 3 0"}, "scell"),
        ({"scell(:)": "3 3"}, "'scell': 1 of its values are missing"),
        ({"types": "1 2 4"}, "types"),
        ({"elements": '"Cs" "Cu"'}, "types"),
        ({"positions(:,4)": "0 0 0"}, r"positions\(:,4\) ... no room"),
        ({"positions(:,2)": "0 0 zero"}, "positions ... not a number ... zero"),
        ({"positions(:,2)": "0.02 0.05 0.03"}, "sit on one place|primitive cell's atoms"),
        ({"positions(i,2)": "0.02"}, "index is not read"),
        ({"lattvec(:,1)": "0 0 0"}, "lattvec ... in a plane"),
        ({"lfactor": "0.001"}, "CONTROL.*cannot be those of a crystal ... unit"),
        ({"lfactor": "0.02"}, "CONTROL.*sit on one place ... unit of the lattice"),
        ({"masses": "1 2 3"}, "does not fit its element"),
    ],
)
def test_broken_control_files(tmp_path: Path, extra: dict[str, str], words: str) -> None:
    models.write_shengbte(CRYSTAL, tmp_path, **extra)
    refused(tmp_path / "CONTROL", words)


def test_control_without_its_groups_or_force_constants(tmp_path: Path) -> None:
    table = models.write_shengbte(CRYSTAL, tmp_path)
    control = tmp_path / "CONTROL"
    text = control.read_text()
    control.write_text(text.replace("natoms=3", "natoms=three"))
    refused(control, "natoms ... not a number")
    control.write_text(text.replace("natoms=3,", ""))
    refused(control, "'natoms': missing")
    control.write_text("&allocations &crystal")
    refused(control, "not a Fortran namelist")
    control.write_text(text.replace("&flags", "&flags\n espresso=.true."))
    refused(control, "espresso.ifc2 beside it")
    control.write_text(text.replace("&flags", "&flags\n espresso=maybe"))
    refused(control, "espresso ... not a logical value")
    control.write_text(text)
    table.unlink()
    refused(control, "FORCE_CONSTANTS_2ND beside it")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d.pop("sc_matrix"), "'sc_matrix': missing"),
        (lambda d: d.pop("crystal"), "'crystal': missing"),
        (lambda d: d.update(crystal=3), "crystal"),
        (lambda d: d["crystal"].pop("atom_mass"), "atom_mass"),
        (lambda d: d["crystal"].update(atom_mass_unit="stone"), "atom_mass_unit ... stone"),
        (lambda d: d["crystal"].update(atom_mass_unit=5), "atom_mass_unit ... not a text"),
        (lambda d: d["crystal"].update(atom_type=["Cs"]), "atom_type"),
        (lambda d: d.update(force_constants_unit="eV*/angstrom("), "force_constants_unit|shape"),
        (lambda d: d["force_constants"].pop(), "'force_constants': wrong shape"),
        (lambda d: d["cell_origins"].__setitem__(1, [0, 0, 0]), "cell_origins"),
        (lambda d: d.update(sc_matrix=[[1, 0, 0], [1, 0, 0], [0, 0, 1]]), "no volume"),
        (lambda d: d.update(sc_matrix=[[0.5, 0, 0], [1, 0, 0], [0, 0, 1]]), "whole numbers"),
        (lambda d: d.update(__euphonic_class__="QpointFrequencies"), "found QpointFrequencies"),
    ],
)
def test_broken_euphonic_files(
    tmp_path: Path, change: Callable[[dict[str, Any]], Any], words: str
) -> None:
    path = models.write_euphonic(CRYSTAL, tmp_path / "constants.json")
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))
    refused(path, words)
    path.write_text(path.read_text()[:-20])
    refused(path, "not valid JSON")
    path.write_text("{" * 10)
    refused(path, "not valid JSON")


@pytest.mark.parametrize(
    ("pattern", "by", "words"),
    [
        (r"  3   3   0 ", "  3   3   14 ", "ibrav 14"),
        (r"  3   3   0 ", "  0   3   0 ", "at least one"),
        (r"'Cs '  ", "'Cs '  heavy", "not numbers"),
        (r"\n  2  2  ", "\n  2  9  ", "species"),
        (r" F\n", " maybe\n", "T or F"),
        (r" F\n", " T\n", "not complete"),
        (r"\n3 3 2\n", "\n3 3 3\n", "not complete ... 27 cells"),
        (r"\n3 3 2\n", "\n3 3 0\n", "sizes of at least 1"),
        (r"  1 1 1 1\n", "  1 1 1 7\n", "not in order"),
        (r"  1 1 1 1\n", "  1 1 1 2\n", "twice"),
    ],
)
def test_broken_espresso_files(tmp_path: Path, pattern: str, by: str, words: str) -> None:
    path = models.write_q2r(CRYSTAL, tmp_path / "crystal.fc")
    assert "crystal.fc" in str(refused(replaced(path, pattern, by), words))


def test_objects_without_force_constants() -> None:
    phonon = models.phonopy_object(CRYSTAL)
    phonon.force_constants = None
    refused(phonon, "phonopy.Phonopy object: it has no force constants ... produce")
    unread = models.ase_phonons(CRYSTAL)
    unread.C_N = None
    refused(unread, "ase.phonons.Phonons object ... read")
    some = models.ase_phonons(CRYSTAL)
    some.indices = some.indices[:1]
    refused(some, "only some of the atoms")
    for thing in ({}, None, 3.0, np.eye(3)):
        refused(thing, "holds no force constants that are known")


def test_masses_that_do_not_belong(good: Path) -> None:
    refused(good, "masses ... found Zn ... expected Cs, Cu, I", masses={"Zn": 65.0})
    refused(good, "masses ... wrong shape", masses=[1.0, 2.0])
    refused(good, "not positive", masses={"Cu": 0.0})


def test_cells_that_are_none(good: Path) -> None:
    refused(good, "cell", cell=(10.0, 11.0))
    refused(good, "cell", cell=(10.0, 11.0, -1.0, 90, 90, 90))
    refused(good, "does not fit the crystal", cell=(10.0, 11.0, 12.0, 90, 90, 90))
