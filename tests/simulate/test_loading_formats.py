"""Every format gives back the springs that it was written from."""

from __future__ import annotations

import bz2
import gzip
import itertools
import lzma
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simulate.phonons.force_constants import ForceConstants
from simulate.phonons.loading import load_force_constants
from simulate.phonons.loading.file_units import unit_factor
from tests.simulate import loading_models as models

CRYSTAL = models.spring_crystal()


def springs_by_place(
    vectors: np.ndarray,
    positions: np.ndarray,
    symbols: tuple[str, ...],
    springs: Iterable[tuple[Any, np.ndarray]],
    least: float,
) -> dict[tuple[Any, ...], np.ndarray]:
    """{(element, element, vector between them): Φ}: free of how atoms and axes are named."""
    found = {}
    for cell, matrix in springs:
        for (i, one), (j, other) in itertools.product(enumerate(symbols), repeat=2):
            block = matrix[3 * i : 3 * i + 3, 3 * j : 3 * j + 3]
            apart = (positions[j] + cell - positions[i]) @ vectors
            if np.abs(block).max() > least:
                found[one, other, *np.round(apart + 1e-7, 3).tolist()] = block
    return found


def assert_same_springs(constants: ForceConstants, tolerance: float) -> None:
    least = max(1e-9, tolerance)
    pairs = zip(constants.translations, constants.matrices, strict=True)
    found = springs_by_place(
        constants.vectors, constants.positions, constants.symbols, pairs, least
    )
    expected = springs_by_place(
        CRYSTAL.vectors, CRYSTAL.positions, CRYSTAL.symbols, CRYSTAL.springs.items(), least
    )
    assert set(found) == set(expected)
    assert max(np.abs(found[place] - expected[place]).max() for place in found) < tolerance
    assert constants.symbols == CRYSTAL.symbols
    assert np.allclose(constants.masses, CRYSTAL.masses, rtol=1e-5)
    assert abs(np.linalg.det(constants.supercell)) == pytest.approx(np.prod(models.SIZES))
    assert constants.polar is None


def yaml_inside(folder: Path) -> Path:
    return models.write_phonopy_yaml(CRYSTAL, folder)


def yaml_full(folder: Path) -> Path:
    return models.write_phonopy_yaml(CRYSTAL, folder, compact=False)


def yaml_with_text_beside(folder: Path) -> Path:
    path = models.write_phonopy_yaml(CRYSTAL, folder, inside=False)
    models.write_table(folder / "FORCE_CONSTANTS", CRYSTAL.compact(), models.home_rows(CRYSTAL))
    return path


def text_with_yaml_beside(folder: Path) -> Path:
    yaml_with_text_beside(folder)
    return folder / "FORCE_CONSTANTS"


def full_text_with_yaml_beside(folder: Path) -> Path:
    models.write_phonopy_yaml(CRYSTAL, folder, inside=False)
    full = CRYSTAL.full()
    return models.write_table(folder / "FORCE_CONSTANTS", full, list(range(len(full))))


def hdf5_with_yaml_beside(folder: Path) -> Path:
    from phonopy.file_IO import write_force_constants_to_hdf5

    models.write_phonopy_yaml(CRYSTAL, folder, inside=False)
    path = folder / "force_constants.hdf5"
    write_force_constants_to_hdf5(
        CRYSTAL.compact(), path, p2s_map=np.array(models.home_rows(CRYSTAL))
    )
    return path


def hdf5_in_rydberg(folder: Path) -> Path:
    from phonopy.file_IO import write_force_constants_to_hdf5

    path = hdf5_with_yaml_beside(folder)
    path.unlink()
    write_force_constants_to_hdf5(
        CRYSTAL.full() / (models.RYDBERG / models.BOHR**2), path, physical_unit="Ry/au^2"
    )
    return path


def text_with_poscar_beside(folder: Path) -> Path:
    from ase import Atoms
    from ase.io import write

    kinds = [s for s in CRYSTAL.symbols for _ in CRYSTAL.cells]
    unit = Atoms(CRYSTAL.symbols, cell=CRYSTAL.vectors, scaled_positions=CRYSTAL.positions)
    supercell = Atoms(
        kinds,
        cell=np.diag(models.SIZES) @ CRYSTAL.vectors,
        scaled_positions=CRYSTAL.supercell_positions,
    )
    write(folder / "POSCAR", unit, format="vasp", direct=True)
    write(folder / "SPOSCAR", supercell, format="vasp", direct=True)
    rows = models.home_rows(CRYSTAL)
    return models.write_table(folder / "FORCE_CONSTANTS", CRYSTAL.compact(), rows)


def text_with_settings_beside(folder: Path) -> Path:
    path = text_with_poscar_beside(folder)
    (folder / "SPOSCAR").unlink()
    (folder / "phonopy.conf").write_text("DIM = 3 3 2  # cells\nPRIMITIVE_AXES = 1 0 0 0 1 0 0 0 1")
    return path


def shengbte_table(folder: Path) -> Path:
    return models.write_shengbte(CRYSTAL, folder)


def shengbte_control(folder: Path) -> Path:
    models.write_shengbte(CRYSTAL, folder)
    return folder / "CONTROL"


def espresso(folder: Path) -> Path:
    return models.write_q2r(CRYSTAL, folder / "crystal.fc")


def shengbte_espresso(folder: Path) -> Path:
    models.write_q2r(CRYSTAL, folder / "espresso.ifc2")
    path = folder / "CONTROL"
    path.write_text(models.control_text(CRYSTAL).replace("&flags", "&flags\n espresso=.true."))
    return path


def euphonic(folder: Path) -> Path:
    return models.write_euphonic(CRYSTAL, folder / "constants.json")


@pytest.mark.parametrize(
    "write",
    [
        yaml_inside,
        yaml_full,
        yaml_with_text_beside,
        text_with_yaml_beside,
        full_text_with_yaml_beside,
        hdf5_with_yaml_beside,
        hdf5_in_rydberg,
        text_with_poscar_beside,
        text_with_settings_beside,
        shengbte_table,
        shengbte_control,
        espresso,
        shengbte_espresso,
        euphonic,
    ],
    ids=lambda write: write.__name__,
)
def test_every_format_gives_back_the_springs(write: Any, tmp_path: Path) -> None:
    path = write(tmp_path)
    constants = load_force_constants(path)
    # The constants of nature in the files that need them have nine digits here.
    inexact = write in (hdf5_in_rydberg, espresso, shengbte_espresso, euphonic)
    assert_same_springs(constants, 1e-6 if inexact else 1e-11)
    assert constants.source == path.name
    assert len(constants.sha256) == 64
    assert not any("acoustic" in note for note in constants.notes)


@pytest.mark.parametrize(
    "make",
    [
        models.phonopy_object,
        models.ase_phonons,
        lambda crystal: models.ase_phonons(crystal, center=True),
        models.hiphive_constants,
    ],
    ids=["phonopy", "ase", "ase-centred", "hiphive"],
)
def test_every_object_gives_back_the_springs(make: Any) -> None:
    constants = load_force_constants(make(CRYSTAL))
    assert_same_springs(constants, 1e-10)
    assert constants.sha256 == ""
    assert "object" in constants.source


@pytest.mark.parametrize(
    ("ending", "compress"),
    [
        (".xz", lzma.compress),
        (".gz", gzip.compress),
        (".bz2", bz2.compress),
        (".lzma", lambda data: lzma.compress(data, format=lzma.FORMAT_ALONE)),
        (".txt", lzma.compress),
    ],
)
def test_compressed_files_are_read_whatever_their_name(
    ending: str, compress: Any, tmp_path: Path
) -> None:
    plain = models.write_phonopy_yaml(CRYSTAL, tmp_path)
    packed = tmp_path / f"packed{ending}"
    packed.write_bytes(compress(plain.read_bytes()))
    assert_same_springs(load_force_constants(packed), 1e-11)


def test_translations_are_closed_under_negation_and_matrices_transposed(tmp_path: Path) -> None:
    constants = load_force_constants(yaml_inside(tmp_path))
    place = {tuple(cell): k for k, cell in enumerate(constants.translations.tolist())}
    assert (0, 0, 0) in place
    for cell, k in place.items():
        opposite = place[tuple(-x for x in cell)]
        assert np.array_equal(constants.matrices[k], constants.matrices[opposite].T)


def test_force_sets_give_the_springs_through_phonopys_fit(tmp_path: Path) -> None:
    from phonopy.file_IO import write_FORCE_SETS

    phonon = models.phonopy_object(CRYSTAL)
    phonon.generate_displacements(distance=0.01)
    full = CRYSTAL.full()
    forces = [
        -np.einsum("a,kab->kb", entry["displacement"], full[entry["number"]])
        for entry in phonon.dataset["first_atoms"]
    ]
    phonon.forces = forces
    phonon.save(tmp_path / "phonopy_disp.yaml", settings={"force_sets": False})
    write_FORCE_SETS(phonon.dataset, tmp_path / "FORCE_SETS")
    constants = load_force_constants(tmp_path / "phonopy_disp.yaml")
    assert_same_springs(constants, 1e-7)  # FORCE_SETS has ten decimals
    assert any("fitted by phonopy" in note for note in constants.notes)
    assert_same_springs(load_force_constants(tmp_path / "FORCE_SETS"), 1e-7)


def test_all_atoms_displaced_at_once_are_fitted(tmp_path: Path) -> None:
    from phonopy.file_IO import write_FORCE_SETS

    rng = np.random.default_rng(3)
    phonon = models.phonopy_object(CRYSTAL)
    full = CRYSTAL.full()
    moved = rng.normal(scale=0.01, size=(40, len(full), 3))
    phonon.dataset = {
        "displacements": moved,
        "forces": -np.einsum("ska,klab->slb", moved, full),
    }
    phonon.save(tmp_path / "phonopy_disp.yaml", settings={"force_sets": False})
    write_FORCE_SETS(phonon.dataset, tmp_path / "FORCE_SETS")
    assert_same_springs(load_force_constants(tmp_path / "phonopy_disp.yaml"), 1e-4)


def test_a_broken_acoustic_sum_rule_is_told_and_kept(tmp_path: Path) -> None:
    values = CRYSTAL.compact()
    values[1, models.home_rows(CRYSTAL)[1], 0, 0] += 0.02
    yaml_with_text_beside(tmp_path)
    models.write_table(tmp_path / "FORCE_CONSTANTS", values, models.home_rows(CRYSTAL))
    constants = load_force_constants(tmp_path / "FORCE_CONSTANTS")
    (note,) = [note for note in constants.notes if "acoustic" in note]
    assert "0.02 eV" in note
    total = constants.matrices.sum(axis=0).reshape(9, 3, 3).sum(axis=1)
    assert np.abs(total).max() == pytest.approx(0.02)


def test_force_constants_that_are_not_symmetric_are_averaged_and_told(tmp_path: Path) -> None:
    values = CRYSTAL.compact()
    values[0, models.home_rows(CRYSTAL)[1], 0, 1] += 0.5
    yaml_with_text_beside(tmp_path)
    models.write_table(tmp_path / "FORCE_CONSTANTS", values, models.home_rows(CRYSTAL))
    constants = load_force_constants(tmp_path / "FORCE_CONSTANTS")
    (note,) = [note for note in constants.notes if "transposes" in note]
    assert "0.5 eV" in note


def test_old_phonondb_files_with_a_capital_angstrom_load(tmp_path: Path) -> None:
    path = yaml_inside(tmp_path)
    text = path.read_text()
    path.write_text(text.replace('"angstrom"', '"Angstrom"').replace("/angstrom", "/Angstrom"))
    with pytest.raises(ValueError, match="physical_unit"):
        __import__("phonopy").load(path)  # what the reader is there for
    constants = load_force_constants(path)
    assert_same_springs(constants, 1e-11)
    assert any("Angstrom" in note for note in constants.notes)


def test_masses_can_be_given_and_missing_ones_are_looked_up(tmp_path: Path) -> None:
    path = yaml_inside(tmp_path)
    lines = [line for line in path.read_text().splitlines() if "mass: 63.5" not in line]
    path.write_text("\n".join(lines))
    constants = load_force_constants(path)
    assert constants.masses[1] == pytest.approx(63.546)
    assert any("no mass" in note and "Cu" in note for note in constants.notes)
    isotope = load_force_constants(path, masses={"Cu": 64.9278})
    assert isotope.masses.tolist() == pytest.approx([132.905452, 64.9278, 126.90447])
    assert load_force_constants(path, masses=[1, 2, 3]).masses.tolist() == [1, 2, 3]


def test_loading_does_not_import_the_packages_of_other_formats() -> None:
    import subprocess
    import sys

    code = (
        "import sys, simulate.phonons.loading as loading\n"
        "assert 'phonopy' not in sys.modules and 'h5py' not in sys.modules\n"
        "loading.load_force_constants\n"
        "assert not {'phonopy', 'hiphive', 'euphonic'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_masses_of_the_unit_cell_count_as_in_phonopy(tmp_path: Path) -> None:
    path = yaml_inside(tmp_path)
    head, rest = path.read_text().split("unit_cell:", 1)
    path.write_text(head + "unit_cell:" + rest.replace("mass: 63.546000", "mass: 62.93", 1))
    constants = load_force_constants(path)
    assert constants.masses[1] == pytest.approx(62.93)
    assert any("primitive_cell has other masses of Cu" in note for note in constants.notes)


def in_bohr_and_rydberg(crystal: models.SpringCrystal) -> Any:
    """The same crystal as a phonopy calculation with Quantum ESPRESSO has it."""
    from phonopy import Phonopy
    from phonopy.structure.atoms import PhonopyAtoms

    cell = PhonopyAtoms(
        symbols=list(crystal.symbols),
        cell=crystal.vectors / models.BOHR,
        scaled_positions=crystal.positions,
        masses=crystal.masses,
    )
    phonon = Phonopy(cell, np.diag(models.SIZES), primitive_matrix=np.eye(3), calculator="qe")
    phonon.force_constants = crystal.compact() / (models.RYDBERG / models.BOHR**2)
    return phonon


def test_units_of_the_program_that_computed_the_forces(tmp_path: Path) -> None:
    phonon = in_bohr_and_rydberg(CRYSTAL)
    assert_same_springs(load_force_constants(phonon), 1e-6)
    path = tmp_path / "phonopy_params.yaml"
    phonon.save(path, settings={"force_constants": True})
    assert_same_springs(load_force_constants(path), 1e-6)
    born = tmp_path / "charges"
    born.write_text(
        "2.0\n4 0 0 0 4 0 0 0 4\n" + "".join(f"{z} 0 0 0 {z} 0 0 0 {z}\n" for z in (1.0, 0.5, -1.5))
    )
    polar = load_force_constants(path, born=born).polar
    assert polar is not None
    assert polar.coulomb == pytest.approx(14.399645, rel=1e-7)


def test_a_phonopy_file_need_not_list_its_supercell(tmp_path: Path) -> None:
    path = yaml_inside(tmp_path)
    head, rest = path.read_text().split("\nsupercell:", 1)
    _, tail = rest.split("\nforce_constants:", 1)
    path.write_text(f"{head}\nforce_constants:{tail}")
    assert_same_springs(load_force_constants(path), 1e-11)


@pytest.mark.parametrize(
    "unit",
    [
        "eV/angstrom^2",
        "Ry/au^2",
        "mRy/au^2",
        "hartree/au^2",
        "eV/angstrom.au",
        "hartree/angstrom.au",
    ],
)
def test_units_of_force_constants_are_phonopys(unit: str) -> None:
    from phonopy.interface.calculator import get_force_constant_conversion_factor

    expected = get_force_constant_conversion_factor(unit, None)
    assert unit_factor(unit, file=None, key="unit") == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("unit", "base"),
    [
        ("millielectron_volt / angstrom ** 2", "eV / angstrom ** 2"),
        ("hartree / bohr ** 2", "eV / angstrom ** 2"),
        ("joule / meter ** 2", "eV / angstrom ** 2"),
        ("unified_atomic_mass_unit", "amu"),
        ("electron_mass", "amu"),
        ("kilogram", "amu"),
        ("nanometer", "angstrom"),
        ("elementary_charge ** 2 / (bohr * hartree)", "e ** 2 / (angstrom * eV)"),
        ("1 / meter", "1 / angstrom"),
    ],
)
def test_units_of_euphonic_are_those_of_its_registry(unit: str, base: str) -> None:
    from euphonic import ureg

    expected = ureg.Quantity(1.0, unit).to(base).magnitude
    assert unit_factor(unit, file=None, key="unit") == pytest.approx(expected, rel=1e-7)
