"""Orbits, phases, absences and ε of reflections against gemmi and against structure sums."""

from __future__ import annotations

import gemmi
import numpy as np
import pytest

from ixs_core.errors import InputError
from ixs_core.lattice import Lattice
from ixs_core.symmetry import Symmetry
from mem.reflection_symmetry import (
    centric,
    epsilon,
    equivalents,
    multiplicity,
    orbits,
    representatives,
    restricted_phase,
    systematically_absent,
    unique_reflections,
)

ALL = [group.xhm() for group in gemmi.spacegroup_table()]
SOME = ALL[::6]  # of 564 settings
BOX = np.indices((7, 7, 7)).reshape(3, -1).T - 3
BOX = BOX[BOX.any(axis=1)]


def operations(name: str) -> gemmi.GroupOps:
    return gemmi.SpaceGroup(name).operations()


def random_structure_factor(symmetry: Symmetry, hkl: np.ndarray) -> np.ndarray:
    """F of point atoms at the images of three random positions: has the group's symmetry."""
    rng = np.random.default_rng(5)
    positions = np.concatenate([symmetry.images(rng.random(3)) for _ in range(3)])
    weights = np.repeat([1.0, 2.3, 0.7], len(symmetry))
    return np.exp(2j * np.pi * hkl @ positions.T) @ weights


@pytest.mark.parametrize("name", SOME)
def test_agrees_with_gemmi(name: str) -> None:
    symmetry, peer = Symmetry.from_name(name), operations(name)
    hkl = BOX[::5]
    indices = hkl.tolist()
    assert systematically_absent(symmetry, hkl).tolist() == [
        peer.is_systematically_absent(h) for h in indices
    ]
    assert centric(symmetry, hkl).tolist() == [peer.is_reflection_centric(h) for h in indices]
    assert epsilon(symmetry, hkl).tolist() == [
        peer.epsilon_factor_without_centering(h) for h in indices
    ]


@pytest.mark.parametrize("name", SOME)
def test_phases_are_those_of_a_structure_with_the_symmetry(name: str) -> None:
    symmetry = Symmetry.from_name(name)
    hkl = BOX[::7]
    f = random_structure_factor(symmetry, hkl)
    scale = 4.0 * len(symmetry)
    images = equivalents(symmetry, hkl)
    expected = random_structure_factor(symmetry, images.hkl.reshape(-1, 3))
    present = ~systematically_absent(symmetry, hkl)
    np.testing.assert_allclose(f[~present], 0, atol=1e-12 * scale)
    difference = images.phase * f[:, None] - expected.reshape(images.phase.shape)
    np.testing.assert_allclose(difference, 0, atol=1e-12 * scale)
    chosen = representatives(symmetry, hkl)
    np.testing.assert_allclose(
        chosen.of(f), random_structure_factor(symmetry, chosen.hkl), atol=1e-12 * scale
    )
    restricted = restricted_phase(symmetry, hkl)
    turned = (f * np.exp(-1j * restricted))[centric(symmetry, hkl)]
    np.testing.assert_allclose(turned.imag, 0, atol=1e-12 * scale)
    members = orbits(symmetry, hkl[present])
    owned = f[present][members.owner]
    np.testing.assert_allclose(
        members.phase * np.where(members.conjugate, owned.conj(), owned),
        random_structure_factor(symmetry, members.hkl),
        atol=1e-12 * scale,
    )


@pytest.mark.parametrize("name", SOME[::4])
def test_orbits_part_the_box_and_have_the_order_of_the_point_group(name: str) -> None:
    symmetry = Symmetry.from_name(name)
    rotations = {r.tobytes() for r in symmetry.rotations}
    members = orbits(symmetry, BOX)
    assert np.bincount(members.owner).tolist() == members.size.tolist()
    pairs = set(zip(members.owner.tolist(), map(tuple, members.hkl.tolist()), strict=True))
    assert len(pairs) == len(members.hkl)
    is_centric = centric(symmetry, BOX)
    # |images| · |stabiliser| = |point group|; mates that are no images double the orbit.
    expected = len(rotations) // epsilon(symmetry, BOX) * np.where(is_centric, 1, 2)
    assert multiplicity(symmetry, BOX).tolist() == expected.tolist()
    first = representatives(symmetry, BOX)
    again = representatives(symmetry, first.hkl)
    np.testing.assert_array_equal(first.hkl, again.hkl)
    of_members = representatives(symmetry, members.hkl)
    np.testing.assert_array_equal(of_members.hkl, first.hkl[members.owner])


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("C m c m", (5.0, 6.5, 3.0, 90, 90, 90)),
        ("R-3m:H", (4.0, 4.0, 9.0, 90, 90, 120)),
        ("R-3m:R", (4.5, 4.5, 4.5, 55, 55, 55)),
        ("P 21 21 21", (4.0, 5.0, 6.0, 90, 90, 90)),
        ("P -1", (3.0, 4.0, 5.0, 80, 95, 102)),
        ("F d -3 m:2", (7.0, 7.0, 7.0, 90, 90, 90)),
        ("P 1 21/n 1", (4.0, 5.0, 6.0, 90, 101, 90)),
    ],
)
def test_unique_reflections_against_gemmi(name: str, cell: tuple[float, ...]) -> None:
    symmetry, lattice, d_min = Symmetry.from_name(name), Lattice.from_cell(cell), 0.79
    found = unique_reflections(symmetry, lattice, d_min)
    peer = gemmi.make_miller_array(
        gemmi.UnitCell(*cell), gemmi.SpaceGroup(name), d_min, 0.0, unique=True
    )
    peer = peer[peer.any(axis=1)]
    key = {tuple(h) for h in representatives(symmetry, peer).hkl.tolist()}
    assert {tuple(h) for h in found.tolist()} == key
    assert len(found) == len(key) == len(peer)
    assert np.all(np.diff(lattice.d_spacing(found)) < 1e-8)


def test_empty_and_wrong_input() -> None:
    symmetry = Symmetry.from_name("P 21/c")
    nothing = np.empty((0, 3), int)
    assert representatives(symmetry, nothing).hkl.shape == (0, 3)
    assert orbits(symmetry, nothing).size.shape == (0,)
    with pytest.raises(InputError, match="whole numbers"):
        equivalents(symmetry, [[0.5, 0, 0]])
    with pytest.raises(InputError, match="whole numbers"):
        centric(symmetry, [1, 2, 3])
    with pytest.raises(InputError, match="d_min"):
        unique_reflections(symmetry, Lattice.cubic(3.0), 0.0)


def test_an_absurd_cell_is_refused_at_once() -> None:
    with pytest.raises(InputError, match=r"too many reflections.*lengths of the cell"):
        unique_reflections(Symmetry.from_name("P 1"), Lattice(10.0, 1.3e6, 6.0), 1.0)
