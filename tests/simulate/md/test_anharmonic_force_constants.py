"""Third and fourth order of a crystal of known springs, and the files that carry them."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.neighborlist import neighbor_list

from ixs_core.errors import Cancelled, InputError
from ixs_core.jobs import CancelToken
from simulate.md.anharmonic_force_constants import (
    AnharmonicForceConstants,
    anharmonic_force_constants,
)
from simulate.md.cluster_constants import ClusterConstants, cluster_constants, shengbte_text
from simulate.md.force_constant_files import write_phono3py, write_shengbte
from simulate.md.force_constant_fit import effective_force_constants
from simulate.md.force_snapshots import ForceSnapshots
from tests.ixs_reduce.command import run

pytest.importorskip("hiphive")
SLOW = pytest.mark.slow  # hiphive compiles for 20 s

EDGE = 5.0  # Å
NEAR = EDGE / 2**0.5
DEPTH, RANGE = 0.2, 1.3  # eV, 1/Å
CRYSTAL = bulk("Ar", "fcc", a=EDGE, cubic=True).repeat(2)
CUTOFFS = (4.2, 4.2)


def morse(r: Any) -> tuple[Any, Any, Any, Any]:
    """Slopes of first to fourth order of D (1 - exp(-a (r - r0)))²."""
    e = np.exp(-RANGE * (r - NEAR))
    return (
        2 * DEPTH * RANGE * (e - e**2),
        2 * DEPTH * RANGE**2 * (2 * e**2 - e),
        2 * DEPTH * RANGE**3 * (e - 4 * e**2),
        2 * DEPTH * RANGE**4 * (8 * e**2 - e),
    )


def snapshots(amplitude: float, count: int, crystal: Atoms = CRYSTAL) -> ForceSnapshots:
    """Forces of springs between nearest neighbours only."""
    first, second, arms = neighbor_list("ijD", crystal, 1.1 * NEAR)
    u = amplitude * np.random.default_rng(7).standard_normal((count, len(crystal), 3))
    moved = arms + u[:, second] - u[:, first]
    length = np.linalg.norm(moved, axis=-1)
    pulls = (morse(length)[0] / length)[..., None] * moved
    forces = np.zeros_like(u)
    for k in range(count):
        np.add.at(forces[k], first, pulls[k])
    return ForceSnapshots(
        tuple(crystal.get_chemical_symbols()),
        crystal.cell[:],
        crystal.positions + u,
        forces,
        crystal.positions,
        crystal.positions,
    )


@pytest.fixture(scope="module")
def fitted() -> AnharmonicForceConstants:
    return anharmonic_force_constants(snapshots(0.01, 12), 3, CUTOFFS)


def derivative(arm: Any, order: int) -> Any:
    """Derivatives of φ(|d|) by the components of d, at φ' = 0."""
    r = np.linalg.norm(arm)
    n, one = arm / r, np.eye(3)
    _, second, third, _ = morse(r)
    if order == 2:
        return second * np.einsum("a,b->ab", n, n)
    mixed = np.einsum("ab,c->abc", one, n)
    turned = mixed + mixed.transpose(0, 2, 1) + mixed.transpose(2, 1, 0)
    cube = np.einsum("a,b,c->abc", n, n, n)
    return third * cube + second / r * (turned - 3 * cube)


def blocks(constants: ClusterConstants) -> dict[tuple[int, ...], Any]:
    keys = (
        (*atoms.tolist(), *cells.ravel().tolist())
        for atoms, cells in zip(constants.atoms, constants.cells, strict=True)
    )
    return dict(zip(keys, constants.values, strict=True))


@SLOW
def test_springs_are_found(fitted: AnharmonicForceConstants) -> None:
    lattice = fitted.phonon.primitive.cell
    largest = dict.fromkeys((2, 3), 0.0)
    for order in (2, 3):
        expected = {}
        for cell in np.ndindex(3, 3, 3):
            there = np.array(cell) - 1
            arm = there @ lattice
            if not 0 < np.linalg.norm(arm) < 1.1 * NEAR:
                continue
            found = derivative(arm, order)
            # An atom and a neighbour: a sign for each time that the first is moved.
            for choice in np.ndindex(*[2] * (order - 1)):
                key = (0, *[0] * (order - 1), *np.outer(choice, there).ravel().tolist())
                sign = (-1) ** (order - sum(choice))
                expected[key] = expected.get(key, 0.0) + sign * found
            # Two or more at one neighbour by choice; those at the first atom add up above.
        got = blocks(fitted.constants[order])
        largest[order] = max(np.abs(value).max() for value in expected.values())
        for key in set(expected) | set(got):
            error = np.abs(got.get(key, 0.0) - expected.get(key, 0.0)).max()
            assert error < 0.02 * largest[order], (order, key)
    assert fitted.quality.r2 > 0.99999
    assert fitted.quality.rmse < 0.3 * fitted.harmonic_quality.rmse
    assert fitted.quality.r2_unseen > fitted.harmonic_quality.r2_unseen
    assert fitted.notes == ()


@SLOW
def test_order_of_derivatives_does_not_matter(fitted: AnharmonicForceConstants) -> None:
    for order in (2, 3):
        constants = fitted.constants[order]
        assert constants.sum_rule_residual() < 1e-9
        got = blocks(constants)
        for atoms, cells, value in zip(
            constants.atoms, constants.cells, constants.values, strict=True
        ):
            places = np.vstack([np.zeros(3, int), cells])
            for turn in permutations(range(order)):
                moved = (places[list(turn)] - places[turn[0]])[1:]
                key = (*atoms[list(turn)].tolist(), *moved.ravel().tolist())
                np.testing.assert_allclose(got[key], value.transpose(turn), atol=1e-10)


@SLOW
def test_files_say_the_same(fitted: AnharmonicForceConstants, tmp_path: Path) -> None:
    import phono3py
    import phonopy
    from hiphive import ForceConstants
    from phonopy.file_IO import parse_FORCE_CONSTANTS

    written = write_shengbte(fitted, tmp_path / "fc") + write_phono3py(fitted, tmp_path / "fc")
    assert all(path.stat().st_size for path in written)
    cell = fitted.phonon.supercell
    supercell = Atoms(cell.symbols, positions=cell.positions, cell=cell.cell, pbc=True)
    one = fitted.phonon.primitive
    primitive = Atoms(one.symbols, positions=one.positions, cell=one.cell, pbc=True)
    third = fitted.constants[3].in_supercell(cell, one)
    read = ForceConstants.read_shengBTE(
        supercell, str(tmp_path / "fc/FORCE_CONSTANTS_3RD"), primitive
    )
    np.testing.assert_allclose(read.get_fc_array(order=3)[0], third[0], atol=1e-9)
    full = parse_FORCE_CONSTANTS(str(tmp_path / "fc/FORCE_CONSTANTS_2ND"))
    np.testing.assert_allclose(full[0], fitted.phonon.force_constants[0], atol=1e-12)
    loaded = phono3py.load(
        tmp_path / "fc/phono3py_params.yaml",
        fc2_filename=tmp_path / "fc/fc2.hdf5",
        fc3_filename=tmp_path / "fc/fc3.hdf5",
        log_level=0,
    )
    np.testing.assert_allclose(loaded.fc3, third, atol=1e-12)
    same = phonopy.load(tmp_path / "fc/phonopy.yaml", log_level=0)
    q = [[0.1, 0.2, 0.3]]
    same.run_qpoints(q)
    fitted.phonon.run_qpoints(q)
    np.testing.assert_allclose(
        same.qpoints.frequencies, fitted.phonon.qpoints.frequencies, atol=1e-8
    )
    control = (tmp_path / "fc/CONTROL").read_text(encoding="utf-8")
    assert "natoms = 1" in control


@SLOW
def test_fourth_order_of_springs() -> None:
    found = effective_force_constants(snapshots(0.03, 40), order=4, cutoffs=(4.2, 4.2, 4.2))
    lattice = found.phonon.primitive.cell
    arm = np.array([0, 0, 1]) @ lattice
    r = float(np.linalg.norm(arm))
    fourth = morse(r)[3]
    along = arm / r
    got = blocks(found.constants[4])[(0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 1)]
    # Along the bond nothing turns: the bare fourth derivative, once at the atom, thrice beside.
    value = np.einsum("abcd,a,b,c,d", got, along, along, along, along)
    assert value == pytest.approx(-fourth, rel=0.1)
    assert found.constants[4].sum_rule_residual() < 1e-9
    assert found.quality.rmse < found.harmonic_quality.rmse


@SLOW
def test_few_snapshots_and_noise_are_told() -> None:
    source = snapshots(0.01, 2)
    noise = 5 * np.random.default_rng(3).standard_normal(source.forces.shape)
    noisy = replace(source, forces=source.forces + np.std(source.forces) * noise)
    found = anharmonic_force_constants(noisy, 3, CUTOFFS)
    assert found.quality.r2_unseen < found.quality.r2
    assert any("too few" in note for note in found.notes)


def test_blocks_of_a_known_crystal() -> None:
    """From a full supercell to cells and back, without a fit."""
    from phonopy import Phonopy
    from phonopy.structure.atoms import PhonopyAtoms

    zincblende = [[0, 0, 0], [0.25, 0.25, 0.25]]
    unit = PhonopyAtoms(
        ["Zn", "S"], cell=bulk("Ar", "fcc", a=EDGE).cell[:], scaled_positions=zincblende
    )
    phonon = Phonopy(unit, np.diag([3, 3, 3]), primitive_matrix=np.eye(3), log_level=0)
    cell = phonon.supercell
    atoms = Atoms(cell.symbols, positions=cell.positions, cell=cell.cell, pbc=True)
    first, second, arms = neighbor_list("ijD", atoms, 1.1 * NEAR)
    n = len(atoms)
    full = np.zeros((n, n, n, 3, 3, 3))
    for i, j, arm in zip(first, second, arms, strict=True):
        found = derivative(arm, 3) / 2  # each bond comes twice
        for choice in np.ndindex(2, 2, 2):
            full[tuple(np.where(choice, j, i))] += (-1) ** (3 - sum(choice)) * found
    some = {
        tuple(map(int, key)): full[tuple(key)]
        for key in np.argwhere(np.abs(full).max(axis=(3, 4, 5)) > 0)
        if list(key) == sorted(key)
    }
    constants = cluster_constants(some, cell, phonon.primitive)
    assert constants.sum_rule_residual() < 1e-12
    back = constants.in_supercell(cell, phonon.primitive)
    np.testing.assert_allclose(back, full[phonon.primitive.p2s_map], atol=1e-12)
    # The file holds each block with its cells in Å.
    lines = shengbte_text(constants, phonon.primitive.cell).splitlines()
    assert int(lines[0]) == len(constants)
    last = constants.cells[-1] @ phonon.primitive.cell
    tail = lines[-31:]
    np.testing.assert_allclose(
        [[float(x) for x in line.split()] for line in tail[1:3]], last, atol=1e-9
    )
    assert [int(x) - 1 for x in tail[3].split()] == constants.atoms[-1].tolist()
    np.testing.assert_allclose(
        [float(line.split()[3]) for line in tail[4:31]], constants.values[-1].ravel(), atol=1e-11
    )


@SLOW
def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = snapshots(0.01, 8)
    file = tmp_path / "run.h5"
    with h5py.File(file, "w") as h5:
        h5["positions"], h5["forces"], h5["cell"] = source.positions, source.forces, source.cell
        h5["numbers"], h5["ideal_positions"] = CRYSTAL.numbers, CRYSTAL.positions
    asked = ("md", "force-constants", file, "-o", tmp_path / "fc", "--order", "3")
    code, out, err = run(capsys, *asked, "--cutoffs", "4.2 4.2 4", "--phono3py", "--json")
    assert code == 0, err
    record = json.loads(out)
    assert record["snapshots"] == 8
    assert record["force_components"] == source.forces.size
    assert record["fit"]["r2_unseen"] > 0.999
    assert set(record["parameters"]) == {"2", "3"}
    names = {Path(path).name for path in record["files"]}
    assert names == {path.name for path in (tmp_path / "fc").iterdir()}
    assert {"FORCE_CONSTANTS_2ND", "FORCE_CONSTANTS_3RD", "CONTROL", "fc3.hdf5"} <= names
    code, out, _ = run(capsys, *asked, "--cutoffs", "4.2 4.2")
    assert code == 0
    assert "2nd order alone" in out


def test_faults_are_named() -> None:
    source = snapshots(0.01, 2)
    for arguments, words in (
        ((3, (6.0, 4.2)), "beyond half of the supercell"),
        ((3, (4.2,)), "not the cutoffs"),
        ((3, (4.2, -1.0)), "not the cutoffs"),
        ((5, None), "no order"),
    ):
        with pytest.raises(InputError, match=words):
            anharmonic_force_constants(source, *arguments)
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        anharmonic_force_constants(source, 3, CUTOFFS, cancel=token)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("-o", "fc.yaml", "--order", "3"), "into a folder"),
        (("-o", "fc", "--order", "3", "--cutoff", "4"), "--cutoffs"),
        (("-o", "none/fc", "--order", "3"), "no such folder"),
        (("-o", "fc.yaml", "--cutoffs", "4 4"), "no meaning"),
        (("-o", "fc.yaml", "--phono3py"), "no meaning"),
        (("-o", "fc", "--order", "3", "--cutoffs", "4"), "--cutoffs"),
        (("-o", "fc", "--order", "3", "--cutoffs", "4 x"), "--cutoffs"),
    ],
)
def test_what_goes_wrong_is_said_in_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    code, _, err = run(capsys, "md", "force-constants", tmp_path / "none.h5", *arguments)
    assert code == 1
    assert said in err
    assert "Traceback" not in err
