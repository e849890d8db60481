"""Third and fourth order read and checked: seeded defects, shuffled atoms, the published files."""

from __future__ import annotations

import itertools
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ixs_core.errors import Cancelled, InputError
from ixs_core.jobs import CancelToken
from simulate.md.cluster_constants import ClusterConstants, shengbte_text
from simulate.phonons.loading.conventional_cell import CrystalStructure
from simulate.transport.cluster_pairs import NearPairs, block_spans, cluster_pairs
from simulate.transport.cluster_symmetry import (
    permutation_residual,
    space_group,
    space_group_residual,
    turned,
)
from simulate.transport.force_constant_clusters import (
    ForceConstantClusters,
    read_force_constant_clusters,
    write_force_constant_clusters,
)
from simulate.transport.site_search import Relabelling
from tests.simulate.transport.pair_crystal import (
    PairCrystal,
    low_symmetry,
    write_control,
    zincblende,
)

SHARED = Path(os.environ.get("IXS_SHARED", "../shared")) / "data"
CSCU2I3 = SHARED / "cscu2i3/force_constants"
BAS = SHARED / "kappa/fourphonon_BAs"
ORDER_OF_4TH = [1, 0, 4, 5, 2, 3, 9, 10, 11, 7, 6, 8]


def written(
    folder: Path, constants: ClusterConstants, structure: CrystalStructure
) -> tuple[Path, Path]:
    """The file, and CONTROL."""
    file = folder / f"FORCE_CONSTANTS_{constants.order}"
    file.write_text(shengbte_text(constants, structure.vectors), encoding="utf-8")
    return file, write_control(folder / "CONTROL", structure)


def failed(found: ForceConstantClusters) -> set[str]:
    return {row.name for row in found.checks.rows() if not row.passed}


def same_constants(one: ClusterConstants, other: ClusterConstants) -> bool:
    """Whatever the order of the blocks."""
    tables = []
    for constants in (one, other):
        m = len(constants)
        keys = np.hstack([constants.atoms, constants.cells.reshape(m, -1)])
        order = np.lexsort(keys.T)
        tables.append((keys[order], constants.values[order]))
    (keys, values), (others, theirs) = tables
    return bool(np.array_equal(keys, others)) and bool(np.allclose(values, theirs, atol=1e-10))


@pytest.mark.parametrize("order", [3, 4])
@pytest.mark.parametrize("crystal", [zincblende(), low_symmetry()], ids=["cubic", "triclinic"])
def test_sound_files_pass(tmp_path: Path, crystal: PairCrystal, order: int) -> None:
    constants = crystal.constants(order)
    file, control = written(tmp_path, constants, crystal.structure)
    found = read_force_constant_clusters(file, control)
    assert found.checks.passed
    assert not found.relabelling.changes
    assert same_constants(found.constants, constants)
    bonds = [np.linalg.norm(crystal.arm(*bond)) for bond in crystal.bonds()]
    assert found.checks.span.max() == pytest.approx(max(bonds), abs=1e-6)
    assert found.checks.symbol == ("F-43m" if len(crystal.structure.symbols) == 2 else "P-1")
    edges, counts = found.checks.distances()
    assert counts.sum() == len(constants)
    assert edges[-1] >= max(bonds)
    assert found.source == file.name
    assert [name for name, _ in found.sources] == [file.name, control.name]


def test_control_beside_the_file_is_taken(tmp_path: Path) -> None:
    crystal = zincblende()
    file, control = written(tmp_path, crystal.constants(3), crystal.structure)
    assert read_force_constant_clusters(file).checks.passed
    control.rename(tmp_path / "CONTROL0")
    assert read_force_constant_clusters(file).sources[1][0] == "CONTROL0"
    write_control(tmp_path / "CONTROL1", crystal.structure)
    with pytest.raises(InputError, match=r"2 CONTROL files beside it.*--control"):
        read_force_constant_clusters(file)
    with pytest.raises(InputError, match="not a CONTROL"):
        read_force_constant_clusters(file, file)


def test_each_defect_is_found(tmp_path: Path) -> None:
    crystal = zincblende()
    constants = crystal.constants(3)
    largest = float(np.abs(constants.values).max())
    block = int(np.abs(constants.values).reshape(len(constants), -1).max(axis=1).argmax())
    values = constants.values.copy()
    values[block, 0, 1, 2] += 0.3 * largest
    file, control = written(tmp_path, replace(constants, values=values), crystal.structure)
    found = read_force_constant_clusters(file, control)
    assert failed(found) == {
        "acoustic sum rule",
        "permutations of the atoms",
        "space group F-43m",
    }
    checks = found.checks
    assert checks.permutation.largest == pytest.approx(0.3 * largest, rel=1e-6)
    assert checks.sum_rule == pytest.approx(0.3 * largest, rel=1e-6)
    assert not found.relabelling.changes

    twice = ClusterConstants(
        np.vstack([constants.atoms, constants.atoms[:1]]),
        np.vstack([constants.cells, constants.cells[:1]]),
        np.vstack([constants.values, 0 * constants.values[:1]]),
    )
    file, control = written(tmp_path, twice, crystal.structure)
    assert "each block once" in failed(read_force_constant_clusters(file, control))

    file, control = written(tmp_path, constants, crystal.structure)
    found = read_force_constant_clusters(file, control, cutoff=3.0)
    assert failed(found) == {"atoms within the cutoff"}
    longer = sum(span > 3.0 for span in block_spans(constants, crystal.structure))
    assert found.checks.beyond == longer > 0


def test_missing_blocks_break_rules_but_not_the_order(tmp_path: Path) -> None:
    crystal = low_symmetry()
    constants = crystal.constants(3)
    kept = np.arange(len(constants)) % 7 != 3
    some = ClusterConstants(constants.atoms[kept], constants.cells[kept], constants.values[kept])
    found = read_force_constant_clusters(*written(tmp_path, some, crystal.structure))
    assert not found.relabelling.changes
    assert "acoustic sum rule" in failed(found)
    assert found.checks.permutation.missing > 0


def test_blocks_of_zero_may_be_left_out(tmp_path: Path) -> None:
    """The farthest bonds of zincblende left out with all that goes with them: still symmetric."""
    crystal = zincblende()
    constants = crystal.constants(3)
    near = block_spans(constants, crystal.structure) < 2.5
    home = (constants.cells == 0).all(axis=(1, 2)) & (np.ptp(constants.atoms, axis=1) == 0)
    kept = near | home
    some = ClusterConstants(constants.atoms[kept], constants.cells[kept], constants.values[kept])
    found = read_force_constant_clusters(*written(tmp_path, some, crystal.structure))
    assert not found.relabelling.changes
    assert found.checks.space_group.largest < 1e-9


def test_files_of_another_crystal_are_refused(tmp_path: Path) -> None:
    crystal = low_symmetry()
    file, _ = written(tmp_path, crystal.constants(3), crystal.structure)
    other = replace(crystal.structure, vectors=1.07 * crystal.structure.vectors)
    with pytest.raises(InputError, match=r"line \d+.*not a lattice vector.*Å off") as caught:
        read_force_constant_clusters(file, write_control(tmp_path / "other", other))
    line = file.read_text(encoding="utf-8").split("\n")[(caught.value.line or 0) - 1]
    assert line.split() == [str(caught.value.key).split()[1].rstrip(",")]
    fewer = CrystalStructure(
        crystal.structure.vectors,
        crystal.structure.positions[:5],
        crystal.structure.symbols[:5],
    )
    with pytest.raises(InputError, match=r"other atoms.*atom 6.*atoms 1 to 5"):
        read_force_constant_clusters(file, fewer)
    more = CrystalStructure(
        crystal.structure.vectors,
        np.vstack([crystal.structure.positions, [[0.5, 0.5, 0.55]]]),
        (*crystal.structure.symbols, "I"),
    )
    with pytest.raises(InputError, match="no block with atom 7"):
        read_force_constant_clusters(file, more)
    with pytest.raises(InputError, match="no distance"):
        read_force_constant_clusters(file, cutoff=-1)


def shuffles() -> list[Relabelling]:
    """All orders within each element of `low_symmetry`, some with atoms in other cells."""
    rng = np.random.default_rng(5)
    found = []
    for first, second in itertools.product(
        itertools.permutations(range(2)), itertools.permutations(range(2, 6))
    ):
        cell = rng.integers(-1, 2, (6, 3)) * (len(found) % 3 == 0)
        found.append(Relabelling(np.array([*first, *second]), cell))
    return found


@pytest.mark.parametrize("order", [3, 4])
def test_any_shuffle_of_the_atoms_is_undone(tmp_path: Path, order: int) -> None:
    crystal = low_symmetry()
    constants = crystal.constants(order)
    chosen = shuffles()[:: 5 if order == 3 else 23]
    for shuffle in chosen:
        file, control = written(tmp_path, shuffle.apply(constants), crystal.structure)
        found = read_force_constant_clusters(file, control)
        assert found.checks.passed
        assert same_constants(found.constants, constants)
        if shuffle.moved:
            np.testing.assert_array_equal(found.relabelling.site[shuffle.site], np.arange(6))
            assert not found.as_read.passed
            assert any("another order" in note for note in found.notes)
        as_it_is = read_force_constant_clusters(file, control, relabel=False)
        assert same_constants(as_it_is.constants, shuffle.apply(constants))


def test_several_orders_that_fit_are_refused(tmp_path: Path) -> None:
    """Layers far apart, each its own mirror image: which way round they are cannot be told."""
    positions = np.array([[0, 0, 0.1], [0.5, 0.5, 0.9], [0, 0.5, 0.1], [0.5, 0, 0.9]])
    structure = CrystalStructure(np.diag([4.2, 4.6, 9.0]), positions, ("Cu", "Cu", "I", "I"))
    constants = PairCrystal(structure, 4.0).constants(3)
    file, control = written(tmp_path, constants, structure)
    assert not read_force_constant_clusters(file, control).relabelling.changes
    shuffled = Relabelling(np.array([1, 0, 2, 3]), np.zeros((4, 3), dtype=int)).apply(constants)
    file, control = written(tmp_path, shuffled, structure)
    with pytest.raises(InputError, match=r"several orders fit.*CONTROL"):
        read_force_constant_clusters(file, control)


def test_no_order_that_fits_is_refused(tmp_path: Path) -> None:
    crystal = low_symmetry()
    shuffled = shuffles()[-1].apply(crystal.constants(3))
    noise = np.random.default_rng(2).standard_normal(shuffled.values.shape)
    broken = replace(shuffled, values=noise * np.abs(shuffled.values).max())
    file, control = written(tmp_path, broken, crystal.structure)
    with pytest.raises(InputError, match=r"in any order within each element.*span \d"):
        read_force_constant_clusters(file, control)
    assert not read_force_constant_clusters(file, control, relabel=False).checks.passed
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        read_force_constant_clusters(file, control, cancel=token)


@pytest.mark.parametrize("name", ["FORCE_CONSTANTS_3RD", "fc.gz"])
def test_relabelled_file_is_written(tmp_path: Path, name: str) -> None:
    crystal = low_symmetry()
    constants = crystal.constants(3)
    file, control = written(tmp_path, shuffles()[7].apply(constants), crystal.structure)
    write_force_constant_clusters(read_force_constant_clusters(file, control), tmp_path / name)
    again = read_force_constant_clusters(tmp_path / name, control)
    assert not again.relabelling.changes
    assert again.checks.passed
    assert same_constants(again.constants, constants)


def test_smallest_radius_is_that_of_the_farthest_bond() -> None:
    """A list of all pairs within a radius is the most compact list of so many pairs."""
    for crystal in (zincblende(), low_symmetry()):
        pairs = cluster_pairs(crystal.constants(3))
        near = NearPairs.of(crystal.structure, 8.0)
        farthest = max(np.linalg.norm(crystal.arm(*bond)) for bond in crystal.bonds())
        assert near.radius_of(len(pairs)) == pytest.approx(farthest, abs=1e-9)
        assert len(pairs) == len(crystal.bonds())


def test_residuals_against_plain_loops() -> None:
    crystal = zincblende()
    constants = crystal.constants(3)
    rng = np.random.default_rng(4)
    values = constants.values + 0.1 * rng.standard_normal(constants.values.shape)
    noisy = replace(constants, values=values)
    _, operations = space_group(crystal.structure)
    known = {
        (*a.tolist(), *c.ravel().tolist()): v
        for a, c, v in zip(noisy.atoms, noisy.cells, values, strict=True)
    }
    places = crystal.structure.positions
    worst = 0.0
    for operation in operations:
        images = places @ operation.rotation.T
        shift = places[operation.site[0]] + operation.cell[0] - images[0]
        for atoms, cells, value in zip(noisy.atoms, noisy.cells, values, strict=True):
            x = places[atoms] + np.vstack([np.zeros(3), cells])
            x = x @ operation.rotation.T + shift
            sites = [int(np.argmin(_off(place, places))) for place in x]
            where = np.rint(x - places[sites]).astype(int)
            key = (*sites, *(where - where[0])[1:].ravel().tolist())
            image = np.einsum("ia,jb,kc,abc->ijk", *[operation.turn] * 3, value)
            worst = max(worst, float(np.abs(known[key] - image).max()))
    assert space_group_residual(noisy, operations).largest == pytest.approx(worst, rel=1e-9)
    swapped = max(
        float(np.abs(known[(a[1], a[0], a[2], *(-c[0]), *(c[1] - c[0]))] - v.swapaxes(0, 1)).max())
        for a, c, v in zip(noisy.atoms, noisy.cells, values, strict=True)
    )
    assert permutation_residual(noisy).largest >= swapped > 0.1


def _off(place: np.ndarray, places: np.ndarray) -> np.ndarray:
    apart = place - places
    return np.linalg.norm(apart - np.rint(apart), axis=1)


def test_turning_a_tensor_turns_its_vectors() -> None:
    rng = np.random.default_rng(9)
    turn, _ = np.linalg.qr(rng.standard_normal((3, 3)))
    a, b, c, d = rng.standard_normal((4, 5, 3))
    tensor = np.einsum("ma,mb,mc,md->mabcd", a, b, c, d)
    expected = np.einsum("ma,mb,mc,md->mabcd", a @ turn.T, b @ turn.T, c @ turn.T, d @ turn.T)
    np.testing.assert_allclose(turned(tensor, turn), expected, atol=1e-12)


@pytest.mark.skipif(not CSCU2I3.exists(), reason="IXS_SHARED is not there")
def test_published_third_order() -> None:
    found = read_force_constant_clusters(CSCU2I3 / "FORCE_CONSTANTS_3RD")
    assert found.checks.passed
    assert not found.relabelling.changes
    assert len(found.constants) == 792
    assert found.checks.symbol == "Cmcm"
    assert found.checks.span.max() == pytest.approx(5.581, abs=1e-3)
    assert found.checks.space_group.largest < 1e-9


@pytest.mark.skipif(not CSCU2I3.exists(), reason="IXS_SHARED is not there")
def test_published_fourth_order_is_in_another_order(tmp_path: Path) -> None:
    found = read_force_constant_clusters(
        CSCU2I3 / "FORCE_CONSTANTS_4TH.gz", CSCU2I3 / "CONTROL0", cutoff=5.2
    )
    assert found.relabelling.site.tolist() == ORDER_OF_4TH
    assert not found.relabelling.cell.any()
    assert found.as_read.beyond == 1358
    assert found.as_read.moved_atoms == 12
    assert len(found.constants) == 1692
    assert found.checks.passed
    assert found.checks.space_group.largest < 1e-9
    assert any("1358 of 1692" in note for note in found.notes)
    file = tmp_path / "FORCE_CONSTANTS_4TH"
    write_force_constant_clusters(found, file)
    again = read_force_constant_clusters(file, CSCU2I3 / "CONTROL0")
    assert not again.relabelling.changes
    np.testing.assert_array_equal(again.constants.values, found.constants.values)


@pytest.mark.skipif(not BAS.exists(), reason="IXS_SHARED is not there")
def test_file_of_thirdorder() -> None:
    found = read_force_constant_clusters(BAS / "FORCE_CONSTANTS_3RD")
    assert found.checks.passed
    assert not found.relabelling.changes
    assert found.checks.symbol == "F-43m"
