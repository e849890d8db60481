"""What a density of a simulation cannot be made of, and what is said then."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ixs_core.crystal import Crystal, cell_vectors
from ixs_core.errors import Cancelled, InputError
from ixs_core.jobs import CancelToken
from ixs_core.lattice import Lattice
from ixs_core.symmetry import Symmetry
from simulate.md.density_map import fold_onto, md_density, number_density
from simulate.md.map_frame import density_frame
from simulate.md.trajectory import Trajectory
from tests.simulate.md.density_crystals import resting, rock_salt, site, two_atoms, vibrating
from tests.simulate.md.memory_trajectory import memory_trajectory


@pytest.fixture(scope="module")
def salt() -> Trajectory:
    return vibrating(rock_salt(), (2, 1, 1), 8, seed=1)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"lattice": Lattice.cubic(4.1)}, "no multiple of the lattice"),
        ({"lattice": 4.1 * np.eye(3)}, "does not hold whole conventional cells.*1.366"),
        ({"lattice": (2, 1.5, 1)}, "conventional cell is not usable"),
        ({"lattice": (3, 1, 1)}, "does not repeat with the conventional cell"),
        ({"grid": (20, 20)}, "grid is not three numbers"),
        ({"grid": (21, 20, 20), "symmetry": "F m -3 m"}, "does not suit the space group"),
        ({"step": 0.0}, "spacing is not a length"),
        ({"step": 0.2, "d_min": 0.3}, "does not hold this resolution.*0.4 Å or more"),
        ({"symmetry": "structure"}, "there is no structure"),
        ({"symmetry": "reference"}, "no ideal sites"),
        ({"symmetry": "P1 or so"}, "not a choice of symmetry"),
        ({"symmetry": "P 6"}, "does not have the symmetry of the space group"),
        ({"ions": {"Ag": "Ag1+"}}, "ion is not one of an element"),
        ({"ions": {"Cu": "I1-"}}, "ion is not one of an element"),
        ({"framework": ["Ag"]}, "no atom of an element"),
        ({"blocks": 0}, "no blocks of time"),
        ({"start": 8}, "no frames are left"),
        ({"structure": two_atoms()}, "another cell"),
        ({"structure": replace(rock_salt(), sites=rock_salt().sites[:1])}, "other elements"),
    ],
)
def test_what_cannot_be_used_is_said(
    salt: Trajectory, settings: dict[str, Any], message: str
) -> None:
    name = settings.get("symmetry", "")
    if name.startswith(("F ", "P 6")):
        settings = settings | {"symmetry": Symmetry.from_name(name)}
    settings = {"lattice": (2, 1, 1)} | settings
    with pytest.raises(InputError, match=message):
        md_density(salt, **settings)


def test_another_crystal_has_no_origin_here() -> None:
    """Cu and I as in caesium chloride are not zinc blende's."""
    lattice = Lattice.cubic(5.6)
    blende = (site("Cu", (0.0, 0.0, 0.0), 0.02), site("I", (0.25, 0.25, 0.25), 0.02))
    other = Crystal(lattice, blende, Symmetry.from_name("P 1"), source="other.cif")
    with pytest.raises(InputError, match="not that of the structure"):
        md_density(vibrating(rock_salt(), (2, 1, 1), 8, seed=1), structure=other, step=0.2)


def test_a_species_that_is_no_element() -> None:
    run = memory_trajectory(np.zeros((2, 2, 3)), ("Cu", "Xx"), 5 * np.eye(3))
    with pytest.raises(InputError, match=r"not an element or ion.*Xx"):
        md_density(run)


def test_a_position_that_is_no_number() -> None:
    run = resting(two_atoms(), (2, 1, 1), frames=5)
    positions = run.read().positions.copy()
    positions[3, 1, 2] = np.nan
    broken = memory_trajectory(positions, run.species, run.cell)
    with pytest.raises(InputError, match="frame 3, atom 1"):
        md_density(broken, step=0.3, d_min=0.8)


def test_sites_that_do_not_repeat() -> None:
    run = resting(rock_salt(), (2, 1, 1))
    places = run.read().positions[0].copy()
    places[3] += 0.8
    with pytest.raises(InputError, match=r"do not repeat.*9 different ones.*8"):
        md_density(replace(run, reference=places), lattice=(2, 1, 1), symmetry="reference")


def test_ripples_are_told() -> None:
    crystal = two_atoms()
    cut = md_density(resting(crystal), step=0.2, d_min=0.6)
    assert any("cut at d = 0.6 Å" in note for note in cut.notes)
    assert any("below zero in" in note for note in cut.notes)
    coarse = md_density(resting(crystal), step=0.2)
    assert any("grid ends the series" in note for note in coarse.notes)
    run = vibrating(two_atoms(0.03, 0.03), (2, 2, 2), 1024, seed=2, evenly=True)
    fine = md_density(run, lattice=(2, 2, 2), step=0.09)
    assert not any("below zero" in note for note in fine.notes)
    assert any("fade out" in note for note in fine.notes)


def test_an_atom_that_is_missing_is_told() -> None:
    crystal = rock_salt()
    run = vibrating(crystal, (2, 1, 1), 8, seed=3)
    fewer = memory_trajectory(run.read().positions[:, :-1], run.species[:-1], run.cell)
    found = md_density(fewer, structure=crystal, step=0.2)
    assert any("3.5 I in a cell of the simulation, 4 in salt.cif" in note for note in found.notes)


def test_numbers_of_an_element_that_is_not_there(salt: Trajectory) -> None:
    frame = density_frame(salt, lattice=(2, 1, 1), step=0.3, d_min=0.8)
    folded = fold_onto(salt, frame)
    with pytest.raises(InputError, match=r"no such element.*Cu or I"):
        number_density(frame, folded, "Ag")
    with pytest.raises(InputError, match="not a width"):
        number_density(frame, folded, "Cu", 0.0)


def test_it_can_be_cancelled(salt: Trajectory) -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        md_density(salt, lattice=(2, 1, 1), step=0.3, d_min=0.8, cancel=token)


def test_a_density_to_be_like_of_another_cell(salt: Trajectory) -> None:
    like = md_density(resting(two_atoms()), step=0.3, d_min=0.8)
    with pytest.raises(InputError, match="another cell"):
        md_density(salt, lattice=(2, 1, 1), like=like)
    rows = cell_vectors(rock_salt().lattice)
    own = md_density(salt, lattice=rows, grid=(18, 18, 18), d_min=0.8)
    assert md_density(salt, like=own, d_min=0.8).shape == (18, 18, 18)
