"""Loaded force constants against phonopy, Euphonic and ShengBTE on real crystals."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simulate.phonons.loading import load_force_constants
from simulate.phonons.loading.file_units import COULOMB_EV_ANGSTROM
from tests.simulate import loading_models as models

FILES = {
    "Si": "phonons/Si/phonopy_params_Si.yaml",
    "NaCl": "phonons/NaCl/phonopy_disp.yaml",
    "Zr3N4": "phonons/Zr3N4/phonopy_params_Zr3N4.yaml",
    "eff300K": "cscu2i3/force_constants/phonopy_params_eff300K.yaml.xz",
    "harmonic0K": "cscu2i3/force_constants/phonopy_params_harmonic0K.yaml.xz",
}


def phonopy_of(shared_data: Path, name: str) -> Any:
    import phonopy

    path = shared_data / FILES[name]
    sets = path.parent / "FORCE_SETS"
    extra = {"force_sets_filename": sets} if sets.is_file() else {}
    return phonopy.load(path, is_nac=False, log_level=0, **extra)


@pytest.mark.parametrize("name", FILES)
def test_dynamical_matrices_are_phonopys(shared_data: Path, name: str) -> None:
    phonon = phonopy_of(shared_data, name)
    constants = load_force_constants(shared_data / FILES[name], nac=False)
    assert constants.polar is None
    rng = np.random.default_rng(1)
    for q in rng.uniform(-1.5, 1.5, size=(6, 3)):
        phonon.dynamical_matrix.run(q)
        expected = phonon.dynamical_matrix.dynamical_matrix
        ours = models.dynamical_matrix(constants, q)
        ours = models.with_phonopy_phases(constants, ours, q)
        assert np.abs(ours - expected).max() < 1e-10 * np.abs(expected).max()


def test_a_live_phonopy_object_is_the_same_as_its_file(shared_data: Path) -> None:
    import phonopy

    folder = shared_data / "phonons" / "NaCl"
    phonon = phonopy.load(
        folder / "phonopy_disp.yaml",
        force_sets_filename=folder / "FORCE_SETS",
        born_filename=folder / "BORN",
        log_level=0,
    )
    live = load_force_constants(phonon)
    from_file = load_force_constants(folder / "phonopy_disp.yaml")
    assert np.array_equal(live.translations, from_file.translations)
    assert np.abs(live.matrices - from_file.matrices).max() < 1e-12
    assert np.array_equal(live.conventional, from_file.conventional)
    assert live.polar is not None
    assert from_file.polar is not None
    assert np.allclose(live.polar.born, from_file.polar.born, atol=1e-12)
    assert np.allclose(live.polar.dielectric, from_file.polar.dielectric)
    assert live.polar.coulomb == from_file.polar.coulomb == pytest.approx(14.4)


def test_born_charges_are_phonopys_with_the_displacement_first(shared_data: Path) -> None:
    import phonopy

    path = shared_data / FILES["Zr3N4"]
    constants = load_force_constants(path)
    phonon = phonopy.load(path, log_level=0)
    assert constants.polar is not None
    # phonopy: [direction of the field, direction of displacement].
    expected = phonon.dynamical_matrix.born.transpose(0, 2, 1)
    assert np.abs(expected - expected.transpose(0, 2, 1)).max() > 0.1  # so that it matters
    assert np.allclose(constants.polar.born, expected, atol=1e-8)
    assert constants.polar.coulomb == pytest.approx(COULOMB_EV_ANGSTROM, rel=1e-6)


def test_nac_false_switches_charges_off_beside_any_born_file(
    shared_data: Path, tmp_path: Path
) -> None:
    path = shared_data / FILES["NaCl"]
    born = tmp_path / "charges"
    shutil.copy(path.parent / "BORN", born)
    assert load_force_constants(path).polar is not None
    for given in (None, born):
        constants = load_force_constants(path, born=given, nac=False)
        assert constants.polar is None
        assert any("not used" in note for note in constants.notes)
    zr3n4 = load_force_constants(shared_data / FILES["Zr3N4"], nac=False)
    assert zr3n4.polar is None
    assert any("not used" in note for note in zr3n4.notes)


def test_an_explicit_born_file_comes_before_the_charges_of_the_file(
    shared_data: Path, tmp_path: Path
) -> None:
    path = shared_data / FILES["Zr3N4"]
    itself = load_force_constants(path)
    assert itself.polar is not None
    half = [0.5 * tensor.T for tensor in itself.polar.born]
    rows = [np.eye(3) * 5.0, *half]
    text = "default\n" + "\n".join(" ".join(map(repr, row.ravel().tolist())) for row in rows)
    born = tmp_path / "BORN"
    born.write_text(text)
    constants = load_force_constants(path, born=born)
    assert constants.polar is not None
    assert np.allclose(constants.polar.born, 0.5 * itself.polar.born, atol=1e-6)
    assert np.allclose(constants.polar.dielectric, np.eye(3) * 5.0)


def test_a_crystal_without_charges_is_non_polar_and_says_so(shared_data: Path) -> None:
    constants = load_force_constants(shared_data / FILES["Si"])
    assert constants.polar is None
    assert any("no Born charges" in note for note in constants.notes)


def test_euphonic_finds_the_frequencies_of_its_json(tmp_path: Path) -> None:
    from euphonic import ForceConstants

    crystal = models.spring_crystal()
    path = models.write_euphonic(crystal, tmp_path / "constants.json")
    constants = load_force_constants(path)
    q = np.random.default_rng(5).uniform(-1, 1, size=(4, 3))
    peer = ForceConstants.from_json_file(str(path))
    expected = peer.calculate_qpoint_frequencies(q, use_c=False).frequencies.to("meV").magnitude
    for one, row in zip(q, expected, strict=True):
        squared = np.linalg.eigvalsh(models.dynamical_matrix(constants, one))
        energy = np.sign(squared) * np.sqrt(np.abs(squared) * 4.180159) * np.sqrt(1e3)
        assert energy == pytest.approx(row, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("name", ["NaCl", "Zr3N4"])
def test_the_dipole_part_that_euphonic_took_away_is_added_again(
    shared_data: Path, tmp_path: Path, name: str
) -> None:
    import phonopy
    from euphonic import ForceConstants

    path = shared_data / FILES[name]
    sets, born = path.parent / "FORCE_SETS", path.parent / "BORN"
    phonon = phonopy.load(
        path,
        force_sets_filename=sets if sets.is_file() else None,
        born_filename=born if born.is_file() else None,
        log_level=0,
    )
    phonon.save(tmp_path / "phonopy.yaml", settings={"force_constants": True})
    peer = ForceConstants.from_phonopy(path=str(tmp_path), summary_name="phonopy.yaml")
    peer.to_json_file(str(tmp_path / "constants.json"))
    total = load_force_constants(tmp_path / "phonopy.yaml")
    ours = load_force_constants(tmp_path / "constants.json")
    assert ours.polar is not None
    assert total.polar is not None
    assert np.abs(peer.force_constants.to("eV/angstrom**2").magnitude).max() > 1
    for q in np.random.default_rng(2).uniform(-1, 1, size=(3, 3)):
        first = models.with_phonopy_phases(ours, models.dynamical_matrix(ours, q), q)
        second = models.with_phonopy_phases(total, models.dynamical_matrix(total, q), q)
        assert np.abs(first - second).max() < 1e-9 * np.abs(second).max()
    # Euphonic keeps phonopy's conversion factor within the dielectric tensor.
    strengths = [terms.coulomb / terms.dielectric[0, 0] for terms in (ours.polar, total.polar)]
    assert strengths[0] == pytest.approx(strengths[1], rel=1e-6)


def test_shengbte_computed_these_frequencies(shared_data: Path) -> None:
    """BAs: the omega (rad/ps) that ShengBTE wrote, at wave vectors of the 4×4×4 supercell.

    There its non-analytical term vanishes; its masses are the natural averages.
    """
    folder = shared_data / "kappa" / "fourphonon_BAs"
    masses = {"B": 0.198 * 10.012938 + 0.802 * 11.009305, "As": 74.921596}
    constants = load_force_constants(folder / "CONTROL", nac=False, masses=masses)
    q = np.loadtxt(folder / "BTE.qpoints")[:, 3:6]
    omega = np.loadtxt(folder / "BTE.omega")
    held = np.flatnonzero(np.abs(4 * q - np.rint(4 * q)).max(axis=1) < 1e-9)[1:]
    assert len(held) >= 5
    to_rad_ps = np.sqrt(1.602176634e-19 / 1.66053906660e-27) * 1e10 / 1e12
    for k in held:
        squared = np.linalg.eigvalsh(models.dynamical_matrix(constants, q[k]))
        assert np.sqrt(squared) * to_rad_ps == pytest.approx(omega[k], rel=1e-6)
    polar = load_force_constants(folder / "FORCE_CONSTANTS_2ND").polar
    assert polar is not None
    assert np.diag(polar.born[0]) == pytest.approx([-0.4828] * 3, abs=1e-3)


def test_phono3py_force_constants_come_from_the_file_beside(shared_data: Path) -> None:
    folder = shared_data / "kappa" / "phono3py"
    first = load_force_constants(folder / "phono3py_params_NaMgF3.yaml.xz")
    second = load_force_constants(folder / "fc2_NaMgF3.hdf5")
    assert np.array_equal(first.matrices, second.matrices)
    assert first.sha256 != second.sha256
    assert first.polar is not None
    assert any("fc2_NaMgF3.hdf5" in note for note in first.notes)
    assert [first.symbols.count(s) for s in ("F", "Na", "Mg")] == [12, 4, 4]


def test_the_dipole_part_that_q2r_took_away_is_added_again(tmp_path: Path) -> None:
    """The sum over G term by term, as q2r.x does it: Rydberg units, K·ε·K/4Λ² up to 14."""
    crystal = models.spring_crystal()
    rng = np.random.default_rng(11)
    born = rng.normal(size=(3, 3, 3))  # [atom, field, displacement]
    born -= born.mean(axis=0)
    epsilon = np.diag([4.0, 5.0, 6.0]) + 0.3
    alat = 5.0  # as in the file, in Bohr
    unit = 2 * np.pi / (alat * models.BOHR)
    reciprocal = np.linalg.inv(crystal.vectors).T * 2 * np.pi / unit  # in 2π/alat
    places = crystal.positions @ crystal.vectors * unit
    volume = abs(np.linalg.det(crystal.vectors)) / models.BOHR**3
    points = np.indices((17, 17, 17)).reshape(3, -1).T - 8

    def dipoles(q: np.ndarray) -> np.ndarray:
        total = np.zeros((9, 9), dtype=complex)
        for k in (points + q) @ reciprocal:
            size = k @ epsilon @ k
            if size > 1e-9 and size / 4 < 14:
                one = np.concatenate(
                    [np.exp(1j * k @ r) * (k @ z) for r, z in zip(places, born, strict=True)]
                )
                total += np.exp(-size / 4) / size * np.outer(one, one.conj())
        return 2 * 4 * np.pi / volume * total  # e² = 2 in Rydberg units

    own = dipoles(np.zeros(3)).reshape(9, 3, 3).sum(axis=1)
    held = np.array(crystal.cells) / models.SIZES
    short = {cell: crystal.block(cell) for cell in crystal.cells}
    for q in held:
        matrix = dipoles(q)
        for i in range(3):
            matrix[3 * i : 3 * i + 3, 3 * i : 3 * i + 3] -= own[3 * i : 3 * i + 3]
        for cell in short:
            part = (matrix * np.exp(-2j * np.pi * np.dot(q, cell))).real / len(held)
            short[cell] = short[cell] - part * models.RYDBERG / models.BOHR**2
    without = models.SpringCrystal(
        crystal.vectors, crystal.positions, crystal.symbols, crystal.masses, short
    )
    lines = [" T"] + [" ".join(f"{x:.15f}" for x in row) for row in epsilon]
    for i, tensor in enumerate(born, start=1):
        lines += [f"  {i}"] + [" ".join(f"{x:.15f}" for x in row) for row in tensor]
    path = models.write_q2r(without, tmp_path / "polar.fc", "\n".join(lines))
    restored = load_force_constants(path, masses=crystal.masses)
    expected = load_force_constants(models.phonopy_object(crystal))
    assert restored.polar is not None
    assert np.allclose(restored.polar.born, born.transpose(0, 2, 1), atol=1e-10)
    for q in np.random.default_rng(2).uniform(-1, 1, size=(3, 3)):
        difference = models.dynamical_matrix(restored, q) - models.dynamical_matrix(expected, q)
        assert np.abs(difference).max() < 1e-6


@pytest.mark.parametrize("compact", [True, False])
@pytest.mark.parametrize("beside", ["FORCE_CONSTANTS", "force_constants.hdf5"])
def test_tables_of_a_centred_crystal(
    shared_data: Path, tmp_path: Path, compact: bool, beside: str
) -> None:
    """NaCl: primitive cell a quarter of the unit cell, of which the table's rows are some."""
    from phonopy.file_IO import write_FORCE_CONSTANTS, write_force_constants_to_hdf5
    from phonopy.harmonic.force_constants import compact_fc_to_full_fc

    phonon = phonopy_of(shared_data, "NaCl")
    shutil.copy(shared_data / FILES["NaCl"], tmp_path / "phonopy_disp.yaml")
    values, rows = phonon.force_constants, phonon.primitive.p2s_map
    if not compact:
        values, rows = compact_fc_to_full_fc(phonon.primitive, values), None
    write = write_FORCE_CONSTANTS if beside == "FORCE_CONSTANTS" else write_force_constants_to_hdf5
    write(values, tmp_path / beside, p2s_map=rows)
    expected = load_force_constants(shared_data / FILES["NaCl"], nac=False)
    for name in (beside, "phonopy_disp.yaml"):
        constants = load_force_constants(tmp_path / name)
        assert np.array_equal(constants.translations, expected.translations)
        assert np.abs(constants.matrices - expected.matrices).max() < 1e-9


def test_a_primitive_cell_that_the_file_does_not_tell_is_found(
    shared_data: Path, tmp_path: Path
) -> None:
    path = tmp_path / "phonopy_disp.yaml"
    text = (shared_data / FILES["NaCl"]).read_text()
    start = text.index("primitive_matrix:")
    path.write_text(text[:start] + text[text.index("supercell_matrix:") :])
    shutil.copy(shared_data / "phonons" / "NaCl" / "FORCE_SETS", tmp_path)
    constants = load_force_constants(path)
    assert constants.symbols == ("Na", "Cl")
    assert any("found from the crystal's symmetry" in note for note in constants.notes)
    expected = load_force_constants(shared_data / FILES["NaCl"], nac=False)
    assert constants.lattice.cell == pytest.approx(expected.lattice.cell)
    hkl = np.array([0.3, 0.1, 0.2])
    first, second = (
        np.linalg.eigvalsh(models.dynamical_matrix(c, c.q_primitive(hkl)))
        for c in (constants, expected)
    )
    assert first == pytest.approx(second, rel=1e-9)
