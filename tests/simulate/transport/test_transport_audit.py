"""Point groups, forbidden elements, published tables, and crystals described otherwise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ixs_core.cif import read_crystal
from ixs_core.errors import InputError
from simulate.phonons import PhononModel
from simulate.phonons.dynamical_matrix import DynamicalMatrix
from simulate.transport.audit import audit_tensor
from simulate.transport.formats.kappa_table import read_kappa_table
from simulate.transport.irreducible_mesh import IrreducibleMesh
from simulate.transport.point_group import PointGroup
from simulate.transport.wigner import wigner_kappa
from simulate.transport.wigner_audit import with_moved_atoms
from tests.simulate.spring_crystals import triclinic, zincblende

MODEL = PhononModel.of(zincblende())


@pytest.mark.parametrize(
    ("symbol", "order", "forbidden"),
    [
        ("1", 1, set()),
        ("-1", 2, set()),
        ("2/m", 4, {"xy", "yz"}),
        ("mmm", 8, {"xy", "xz", "yz"}),
        ("4/mmm", 16, {"xy", "xz", "yz"}),
        ("-3m", 12, {"xy", "xz", "yz"}),
        ("6/mmm", 24, {"xy", "xz", "yz"}),
        ("m-3m", 48, {"xy", "xz", "yz"}),
    ],
)
def test_groups_forbid_what_textbooks_say(symbol: str, order: int, forbidden: set[str]) -> None:
    group = PointGroup.named(symbol)
    assert len(group.rotations) == order
    assert set(group.forbidden_names()) == forbidden


@pytest.mark.parametrize(("symbol", "equal"), [("4/mmm", 2), ("-3m", 2), ("m-3m", 3), ("mmm", 1)])
def test_the_mean_over_a_group_has_as_many_equal_axes_as_it_should(symbol: str, equal: int) -> None:
    mean = PointGroup.named(symbol).average(np.diag([1.0, 2.0, 4.0]))
    assert len(set(np.round(np.diag(mean), 9))) == 4 - equal


def test_unknown_groups_name_the_known_ones() -> None:
    with pytest.raises(InputError, match="mmm"):
        PointGroup.named("mmmm")


def test_each_fault_of_a_tensor_has_its_residual() -> None:
    good = np.diag([1.0, 2.0, 3.0])
    assert audit_tensor(good, "mmm").passed
    skew = good.copy()
    skew[1, 2] = skew[2, 1] = -0.1
    found = audit_tensor(skew, "mmm")
    assert found.failures == ("point group",)
    assert found.residuals["point group"] == pytest.approx(0.05)
    assert found.forbidden == {"yz": pytest.approx(-0.1)}
    assert audit_tensor(skew, "-1").passed
    lopsided = good.copy()
    lopsided[0, 1] = 0.1
    assert audit_tensor(lopsided, "1").failures == ("symmetric",)
    assert audit_tensor(np.diag([1.0, 2.0, -0.1]), "mmm").failures == ("positive",)
    assert audit_tensor(good, "m-3m").failures == ("point group",)
    for nothing in (np.zeros((3, 3)), np.eye(2), np.full((3, 3), np.nan)):
        with pytest.raises(InputError, match="conductivity"):
            audit_tensor(nothing, "mmm")


def test_the_published_wave_like_table_breaks_its_point_group(shared_data: Path) -> None:
    folder = shared_data / "cscu2i3"
    crystal = read_crystal(sorted((folder / "structure").glob("*.cif"))[0])
    table = read_kappa_table(folder / "kappa/4ph_wave_like_kappa.dat")
    found = audit_tensor(table.kappa[0], crystal)
    assert table.temperature_k[0] == 300
    assert found.point_group == "mmm"
    assert found.forbidden is not None
    assert round(found.forbidden["yz"], 3) == -0.020
    particles = read_kappa_table(folder / "kappa/4ph_particle_like_kappa.dat")
    assert audit_tensor(particles.kappa[0], crystal).passed


def test_a_crystal_is_the_same_when_its_atoms_are_counted_in_other_cells() -> None:
    crystal = triclinic()
    moved = with_moved_atoms(crystal, np.array([[0, 0, 0], [1, -1, 0], [0, 2, 1], [-1, 0, 0]]))
    q = np.array([[0.1, 0.2, -0.4], [0.5, 0.0, 0.3]])
    energy, _ = DynamicalMatrix.of(crystal).modes(q)
    np.testing.assert_allclose(DynamicalMatrix.of(moved).modes(q)[0], energy, atol=1e-9)
    one = wigner_kappa(PhononModel.of(crystal), 1.0, 300, (2, 2, 1))
    other = wigner_kappa(PhononModel.of(moved), 1.0, 300, (2, 2, 1))
    np.testing.assert_allclose(other.kappa, one.kappa, rtol=1e-9, atol=1e-12)
    step = [
        wigner_kappa(PhononModel.of(own), 1.0, 300, (2, 2, 1), variant="step").kappa_c
        for own in (crystal, moved)
    ]
    assert np.abs(step[0] - step[1]).max() > 0.1 * np.trace(step[0])


@pytest.mark.parametrize("mesh", [(1, 1, 1), (4, 4, 4), (5, 5, 5)])
def test_irreducible_points_are_those_of_spglib(mesh: tuple[int, int, int]) -> None:
    import spglib

    crystal = zincblende()
    cell = (crystal.vectors, crystal.positions, [31, 33])
    mapping, _ = spglib.get_ir_reciprocal_mesh(mesh, cell, is_shift=(0, 0, 0))
    found = IrreducibleMesh.of(mesh, PointGroup.of_force_constants(crystal))
    assert len(found.q) == len(set(mapping))
    assert sorted(found.weights) == sorted(np.unique(mapping, return_counts=True)[1])
    assert found.weights.sum() == found.n_points


def test_images_of_a_point_are_its_star() -> None:
    group = PointGroup.of_force_constants(zincblende())
    found = IrreducibleMesh.of((4, 4, 4), group)
    general = found.q[found.weights.argmax()]
    images, turns = found.images(general, group)
    energy, _ = MODEL.dynamical_matrix.modes(images)
    np.testing.assert_allclose(energy, np.broadcast_to(energy[0], energy.shape), atol=1e-9)
    # |Q| is kept by each rotation, and the rotation is the one that leads there.
    cartesian = 2 * np.pi * images @ np.linalg.inv(zincblende().vectors).T
    own = 2 * np.pi * general @ np.linalg.inv(zincblende().vectors).T
    np.testing.assert_allclose(cartesian, turns @ own, atol=1e-9)


def test_an_audit_tells_what_it_found_in_words() -> None:
    lines = wigner_kappa(MODEL, 1.0, 300, (3, 3, 3)).audit.lines()
    assert lines[0] == "audit passed, point group -43m"
    assert any("random phases" in line for line in lines)
    without = wigner_kappa(MODEL, 1.0, 300, (3, 3, 3), audited_points=0).audit
    assert without.notes == ("no q was computed again",)
