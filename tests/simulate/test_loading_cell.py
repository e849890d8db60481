"""The cell in which hkl count."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ixs_core.errors import InputError
from ixs_core.lattice import Lattice
from simulate.phonons.loading import load_force_constants
from simulate.phonons.loading.conventional_cell import CrystalStructure, conventional_cell
from tests.simulate import loading_models as models

CSCU2I3 = "cscu2i3/force_constants/phonopy_params_eff300K.yaml.xz"
MEASURED = (10.48, 13.04, 6.06, 90, 90, 90)

HALF = 2.845150738087836
SALT = CrystalStructure(
    HALF * (1 - np.eye(3)), np.array([[0, 0, 0], [0.5, 0.5, 0.5]]), ("Na", "Cl")
)
ZINCBLENDE = CrystalStructure(
    HALF * (1 - np.eye(3)), np.array([[0, 0, 0], [0.25, 0.25, 0.25]]), ("Zn", "S")
)


def test_cscu2i3_counts_hkl_in_the_c_centred_cell(shared_data: Path) -> None:
    for name in ("eff300K", "harmonic0K"):
        constants = load_force_constants(shared_data / CSCU2I3.replace("eff300K", name))
        assert constants.lattice.cell == pytest.approx(
            (10.0365, 12.9392, 6.0538, 90, 90, 90), abs=1e-4
        )
        for h, k, l in ((1, 0, 0), (0, 1, 0), (0, 0, 1), (7, 6.3, 0.2)):  # noqa: E741
            primitive = constants.q_primitive(np.array([h, k, l], dtype=float))
            assert primitive == pytest.approx([h / 2 - k / 2, h / 2 + k / 2, l])
        # b* is along y: the crystal's own axes are kept.
        assert constants.q_cartesian(np.array([0.0, 1.0, 0.0])) == pytest.approx(
            [0, 2 * np.pi / 12.9392, 0], abs=1e-5
        )


def test_the_measured_cell_keeps_the_setting_and_tells_the_difference(shared_data: Path) -> None:
    standard = load_force_constants(shared_data / CSCU2I3)
    constants = load_force_constants(shared_data / CSCU2I3, cell=MEASURED)
    assert np.array_equal(constants.conventional, standard.conventional)
    (note,) = [note for note in constants.notes if "differs" in note]
    assert "10.4800 13.0400 6.0600" in note
    assert "4.2 %" in note
    assert not any("other choices" in note for note in constants.notes)


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0), (0, 2, 1)])
def test_the_measured_cell_permutes_the_axes(
    shared_data: Path, order: tuple[int, int, int]
) -> None:
    measured = [MEASURED[i] for i in order] + [90, 90, 90]
    constants = load_force_constants(shared_data / CSCU2I3, cell=measured)
    computed = np.array([10.0365, 12.9392, 6.0538])
    assert constants.lattice.cell[:3] == pytest.approx(computed[list(order)], abs=1e-4)
    assert np.linalg.det(constants.conventional @ constants.vectors) > 0
    assert round(np.linalg.det(constants.conventional)) == 2


def test_a_cell_of_another_crystal_is_refused_with_both_cells(shared_data: Path) -> None:
    with pytest.raises(InputError, match=r"5\.4300 5\.4300 5\.4300.*10\.0365 12\.9392 6\.0538"):
        load_force_constants(shared_data / CSCU2I3, cell=(5.43, 5.43, 5.43, 90, 90, 90))


def test_the_unit_cell_of_the_file_is_taken_where_it_is_larger(shared_data: Path) -> None:
    constants = load_force_constants(shared_data / "phonons/NaCl/phonopy_disp.yaml")
    assert constants.lattice.cell == pytest.approx((5.690301476,) * 3 + (90,) * 3)
    assert constants.q_primitive(np.array([1.0, 1.0, 1.0])) == pytest.approx([1, 1, 1])
    assert any("unit cell of the file" in note for note in constants.notes)
    silicon = load_force_constants(shared_data / "phonons/Si/phonopy_params_Si.yaml")
    assert silicon.lattice.cell == pytest.approx((5.46619884,) * 3 + (90,) * 3)
    assert any("standard cell of Fd-3m" in note for note in silicon.notes)


def test_primitive_standard_and_explicit_cells(tmp_path: Path) -> None:
    path = models.write_phonopy_yaml(models.spring_crystal(), tmp_path)
    primitive = load_force_constants(path, conventional="primitive")
    assert np.array_equal(primitive.conventional, np.eye(3))
    rows = [[1, 1, 0], [0, 1, 0], [0, 0, 2]]
    explicit = load_force_constants(path, conventional=rows)
    assert explicit.conventional.tolist() == rows
    assert explicit.q_primitive(np.array([0.0, 0.0, 1.0])) == pytest.approx([0, 0, 0.5])
    for wrong in (
        [[1, 0, 0], [2, 0, 0], [0, 0, 1]],
        -np.eye(3),
        np.eye(3) * 0.5,
        np.eye(2),
        "cubic",
    ):
        with pytest.raises(InputError, match="conventional"):
            load_force_constants(path, conventional=wrong)


@pytest.mark.parametrize("structure", [SALT, ZINCBLENDE])
def test_the_cubic_axes_of_face_centred_crystals(structure: CrystalStructure) -> None:
    rows, _ = conventional_cell(structure, None)
    assert rows @ structure.vectors == pytest.approx(2 * HALF * np.eye(3), abs=1e-9)


def test_without_inversion_the_cell_keeps_the_standard_axes() -> None:
    """In zincblende a quarter turn about an axis gives the same cell but another crystal."""
    standard, _ = conventional_cell(ZINCBLENDE, None)
    matched, notes = conventional_cell(ZINCBLENDE, None, cell=(5.7, 5.7, 5.7, 90, 90, 90))
    assert np.array_equal(matched, standard)
    assert any("12 other choices" in note for note in notes)
    _, notes = conventional_cell(SALT, None, cell=(5.7, 5.7, 5.7, 90, 90, 90))
    assert not any("other choices" in note for note in notes)


@pytest.mark.parametrize("seed", range(5))
def test_a_cell_is_found_again_in_any_primitive_basis(seed: int) -> None:
    """A monoclinic C-centred cell, its primitive vectors mixed at random and all rotated."""
    rng = np.random.default_rng(seed)
    wanted = Lattice(9.1, 5.2, 7.4, 90.0, 108.0, 90.0)
    vectors = 2 * np.pi * np.linalg.inv(wanted.b_matrix)  # rows a, b, c
    centring = np.array([[0.5, 0.5, 0], [-0.5, 0.5, 0], [0, 0, 1]])
    change = np.eye(3, dtype=int)
    while np.array_equal(change, np.eye(3)) or round(np.linalg.det(change)) != 1:
        change = rng.integers(-1, 2, size=(3, 3))
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    turn *= np.sign(np.linalg.det(turn))
    primitive = change @ centring @ vectors @ turn
    places = np.array([[0.1, 0.2, 0.3], [0.6, 0.15, 0.55]])
    structure = CrystalStructure(primitive, places, ("Na", "Cl"))
    larger = np.rint(np.linalg.inv(change @ centring)).astype(int)  # as a file's unit cell
    rows, _ = conventional_cell(structure, larger, cell=wanted.cell)
    found = rows @ primitive
    assert found @ found.T == pytest.approx(vectors @ vectors.T, rel=1e-9, abs=1e-9)


def test_the_standard_cell_keeps_the_space_groups_own_axes() -> None:
    """Pyrite, Pa-3: reflections 0kl with odd k are absent; turned by 90° it would be 0kl, odd l."""
    from ase.spacegroup import crystal

    pyrite = crystal(
        ("Fe", "S"), [(0, 0, 0), (0.385,) * 3], spacegroup=205, cellpar=(5.42,) * 3 + (90,) * 3
    )
    turned = np.array([[0.0, 1, 0], [-1, 0, 0], [0, 0, 1]])  # rows: new axes in the old ones
    for axes in (np.eye(3), turned):
        structure = CrystalStructure(
            axes @ pyrite.cell[:],
            pyrite.get_scaled_positions() @ np.linalg.inv(axes),
            tuple(pyrite.get_chemical_symbols()),
        )
        rows, _ = conventional_cell(structure, None)
        places = structure.positions @ np.linalg.inv(rows)
        for hkl, absent in (((0, 1, 2), True), ((0, 2, 1), False), ((1, 0, 2), False)):
            waves = np.exp(2j * np.pi * places @ hkl)
            f = abs((waves * pyrite.numbers).sum())
            assert (f < 1e-6) == absent


def test_a_primitive_cell_that_repeats_itself_counts_hkl_itself() -> None:
    doubled = CrystalStructure(
        np.diag([2.0, 1, 1]) @ SALT.vectors,
        np.vstack([SALT.positions, SALT.positions + np.array([1, 0, 0])]) / [2, 1, 1],
        SALT.symbols * 2,
    )
    rows, notes = conventional_cell(doubled, None)
    assert np.array_equal(rows, np.eye(3))
    assert "repeats" in notes[0]
