"""Grid sizes that suit the group, for every setting gemmi knows."""

from __future__ import annotations

import gemmi
import numpy as np
import pytest

from ixs_core.errors import InputError
from ixs_core.lattice import Lattice
from ixs_core.symmetry import Symmetry
from mem.grid import (
    checked_grid,
    compatible_grid,
    default_coarse_step,
    grid_permutation,
    refinement_notes,
)

ALL = [group.xhm() for group in gemmi.spacegroup_table()]


def a_cell(name: str) -> Lattice:
    """A cell that the group's rotations keep."""
    group = gemmi.SpaceGroup(name)
    system = group.crystal_system_str()
    if system == "cubic":
        return Lattice.cubic(5.3)
    if system in ("hexagonal", "trigonal"):
        return (
            Lattice(5.3, 5.3, 5.3, 70, 70, 70)
            if group.ext == "R"
            else Lattice(5.3, 5.3, 8.1, 90, 90, 120)
        )
    if system == "tetragonal":
        return Lattice(5.3, 5.3, 8.1)
    return Lattice(5.3, 6.7, 8.1)


@pytest.mark.parametrize("name", ALL[::5])
def test_sizes_suit_every_setting(name: str) -> None:
    symmetry, lattice = Symmetry.from_name(name), a_cell(name)
    shape = compatible_grid(lattice, symmetry, 0.21)
    assert checked_grid(shape, symmetry) == shape
    for n, length in zip(shape, lattice.cell[:3], strict=True):
        assert length / n <= 0.21 + 1e-9
        rest = n
        for prime in (2, 3, 5, 7):
            while rest % prime == 0:
                rest //= prime
        assert rest == 1
    peer = gemmi.FloatGrid(*shape)
    peer.spacegroup = gemmi.SpaceGroup(name)
    peer.set_size(*shape)  # raises for sizes that the group's translations do not fit


@pytest.mark.parametrize("name", ["P 61", "R -3 m:R", "F d -3 m:1", "P 1 21/n 1", "I 41/a:2"])
def test_operators_permute_the_points(name: str) -> None:
    symmetry = Symmetry.from_name(name)
    shape = compatible_grid(a_cell(name), symmetry, 0.8)
    points = np.indices(shape).reshape(3, -1).T / np.array(shape)
    for rotation, translation in zip(symmetry.rotations, symmetry.translations, strict=True):
        image = grid_permutation(shape, rotation, translation)
        assert np.array_equal(np.sort(image), np.arange(len(points)))
        apart = points @ rotation.T + translation - points[image]
        np.testing.assert_allclose(apart - np.round(apart), 0, atol=1e-9)


def test_spacing_that_is_met_exactly_needs_no_larger_grid() -> None:
    symmetry = Symmetry.from_name("P 1")
    assert compatible_grid(Lattice(5.0, 6.0, 7.0), symmetry, 0.1) == (50, 60, 70)


def test_non_standard_operators_alone_decide() -> None:
    # A rotation that mixes a and b, from triplets, in a setting without a name.
    symmetry = Symmetry.from_triplets(["x,y,z", "-y,x,z+1/3", "x+1/5,y+1/5,z"][:2])
    nx, ny, nz = compatible_grid(Lattice(5.0, 5.0, 7.0), symmetry, 0.3)
    assert nx == ny
    assert nz % 12 == 0  # z+1/3 applied four times: z+1/3, 2/3, 1 and 4/3


def test_reflections_need_points() -> None:
    symmetry = Symmetry.from_name("P -1")
    hkl = np.array([[9, 0, 0], [0, -12, 3]])
    assert compatible_grid(Lattice.cubic(5.0), symmetry, 1.0, hkl) == (20, 25, 7)
    with pytest.raises(InputError, match="too coarse along b"):
        checked_grid((20, 24, 7), symmetry, hkl)


def test_wrong_grids_are_explained() -> None:
    with pytest.raises(InputError, match="equal numbers along a, b"):
        checked_grid((20, 21, 24), Symmetry.from_name("P 61"))
    with pytest.raises(InputError, match="divisible by 6"):
        checked_grid((20, 20, 25), Symmetry.from_name("P 61"))
    with pytest.raises(InputError, match="three positive"):
        checked_grid((20, 20), Symmetry.from_name("P 1"))
    with pytest.raises(InputError, match="three positive"):
        checked_grid((20, 20.5, 20), Symmetry.from_name("P 1"))  # type: ignore[arg-type]
    with pytest.raises(InputError, match="step"):
        compatible_grid(Lattice.cubic(5.0), Symmetry.from_name("P 1"), 0.0)
    with pytest.raises(InputError, match="too large"):
        compatible_grid(Lattice.cubic(5.0), Symmetry.from_name("P 1"), 0.001)


def test_coarse_step() -> None:
    assert default_coarse_step(0.5) == pytest.approx(0.1)
    assert default_coarse_step(2.0) == 0.15


@pytest.mark.parametrize("step", [np.inf, np.nan, -0.1, "fine", None, 1j])
def test_a_spacing_is_a_length(step: object) -> None:
    with pytest.raises(InputError, match="not a length"):
        compatible_grid(Lattice.cubic(5.0), Symmetry.from_name("P 1"), step)  # type: ignore[arg-type]


@pytest.mark.parametrize("shape", [7, (np.nan, 8, 8), ("8", 8, 8), (8, 8, np.inf), (-8, 8, 8)])
def test_sizes_are_whole_numbers(shape: object) -> None:
    with pytest.raises(InputError, match="three positive"):
        checked_grid(shape, Symmetry.from_name("P 1"))  # type: ignore[arg-type]


def test_too_many_points_are_refused_before_they_are_made() -> None:
    symmetry = Symmetry.from_name("P 1")
    with pytest.raises(InputError, match=r"2.5e\+08 points.*at most 2e\+08.*larger spacing"):
        compatible_grid(Lattice.cubic(6.3), symmetry, 0.01)
    with pytest.raises(InputError, match=r"8e\+09 points.*coarser"):
        checked_grid((2000, 2000, 2000), symmetry)
    with pytest.raises(InputError, match=r"too large.*along an axis"):
        compatible_grid(Lattice(1.3e6, 5.0, 5.0), symmetry, 0.1)


def test_a_grid_that_is_finer_for_the_reflections_says_so() -> None:
    lattice, symmetry = Lattice.cubic(5.0), Symmetry.from_name("P -1")
    shape = compatible_grid(lattice, symmetry, 0.6, np.array([[9, 0, 0]]))
    (note,) = refinement_notes(lattice, symmetry, 0.6, shape)
    assert note.startswith("the grid is finer than asked: 0.60 Å would not hold the reflections")
    assert "20 × 9 × 9 points" in note
    coarse = compatible_grid(lattice, symmetry, 0.25, np.array([[9, 0, 0]]))
    assert refinement_notes(lattice, symmetry, 0.25, coarse) == ()
