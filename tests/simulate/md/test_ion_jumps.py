"""Jumps by direction in a ladder of copper, and crystals relaxed off their symmetry."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes

from ixs_core.errors import Cancelled, InputError
from ixs_core.jobs import CancelToken
from simulate.md.ion_jumps import crystal_direction, ion_jump, vacancy_ends
from simulate.md.relaxation import relaxed_crystal

RUNG, STEP = 3.2, 3.0  # Å across and along the ladder


@pytest.fixture
def ladder() -> Atoms:
    """Two legs along z, four steps to the cell, with an iodine for company."""
    legs = [(x, 6.0, STEP * k) for k in range(4) for x in (4.0, 4.0 + RUNG)]
    return Atoms("Cu8I", [*legs, (12.0, 12.0, 6.0)], cell=[14, 14, 4 * STEP], pbc=True)


@pytest.mark.parametrize(
    ("along", "vector"),
    [((1, 0, 0), (RUNG, 0, 0)), ((0, 0, 1), (0, 0, STEP)), ((1, 0, 1), (RUNG, 0, STEP))],
)
def test_the_neighbour_along_a_direction(ladder: Atoms, along: Any, vector: Any) -> None:
    jump = ion_jump(ladder, "Cu", along, name="a")
    np.testing.assert_allclose(jump.vector_a, vector, atol=1e-9)
    assert jump.ion == 0
    assert ladder.symbols[jump.target] == "Cu"
    start, end = vacancy_ends(ladder, jump)
    assert len(start) == len(end) == len(ladder) - 1
    # What one atom leaves the other takes: only the ion moves, by the vector.
    np.testing.assert_allclose(end.positions[0] - start.positions[0], vector, atol=1e-9)
    np.testing.assert_allclose(end.positions[1:], start.positions[1:])


def test_directions_count_along_the_axes_whatever_their_lengths() -> None:
    cell = Atoms("H", cell=[[10, 0, 0], [0, 7, 0], [0, 0, 4]])
    np.testing.assert_allclose(crystal_direction(cell, (1, 0, 1)), np.array([1, 0, 1]) / 2**0.5)
    hexagonal = Atoms("H", cell=[[3, 0, 0], [-1.5, 1.5 * 3**0.5, 0], [0, 0, 5]])
    np.testing.assert_allclose(crystal_direction(hexagonal, (0, 2, 0)), [-0.5, 3**0.5 / 2, 0])


def test_back_where_there_is_nothing_ahead(ladder: Atoms) -> None:
    jump = ion_jump(ladder, "Cu", (1, 0, 0), ion=1)
    np.testing.assert_allclose(jump.vector_a, (-RUNG, 0, 0), atol=1e-9)


def test_faults_are_named(ladder: Atoms) -> None:
    for arguments, words in (
        (("Ag", (1, 0, 0)), "no such element"),
        (("Cu", (0, 0, 0)), "no direction"),
        (("Cu", (0, 1, 0.6)), "within 20"),
        (("Cu", (1, 0, 0), 8), "atom 8 is no Cu"),
        (("Cu", (1, 0, 0), 99), "atom 99 is no Cu"),
    ):
        with pytest.raises(InputError, match=words):
            ion_jump(ladder, *arguments)
    two_steps = ladder[[0, 1, 2, 3]]
    two_steps.set_cell([14, 14, 2 * STEP])
    with pytest.raises(InputError, match="too small"):
        ion_jump(two_steps, "Cu", (0, 0, 1))
    alone = ladder[[0]]
    alone.set_cell([14, 14, STEP])
    with pytest.raises(InputError, match="too small"):
        ion_jump(alone, "Cu", (0, 0, 1))


class Wells(Calculator):
    """Σ h ((x/a)² - 1)² + k (y² + z²)/2 about each atom's own place."""

    implemented_properties: ClassVar[list[str]] = ["energy", "forces"]  # type: ignore[misc]
    height, half, stiff = 0.1, 0.4, 2.0

    def __init__(self, places: Any) -> None:
        super().__init__()
        self._places = places

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Any = ("energy",),
        system_changes: Any = all_changes,
    ) -> None:
        super().calculate(atoms, properties, system_changes)
        x, y, z = (self.atoms.positions - self._places).T
        well = (x / self.half) ** 2 - 1
        slope = 4 * self.height * well * x / self.half**2
        self.results = {
            "energy": float(np.sum(self.height * well**2 + self.stiff * (y**2 + z**2) / 2)),
            "forces": -np.column_stack([slope, self.stiff * y, self.stiff * z]),
        }


def test_a_crystal_on_a_saddle_leaves_it() -> None:
    atoms = Atoms("Cu4", np.arange(12.0).reshape(4, 3), cell=[20, 20, 20], pbc=True)
    found = relaxed_crystal(atoms, Wells(atoms.positions.copy()), force_ev_a=0.001)
    assert found.converged
    assert found.moved_a == pytest.approx(Wells.half, abs=0.005)
    assert found.gain_mev_atom == pytest.approx(1000 * Wells.height, abs=0.1)
    kept = relaxed_crystal(atoms, Wells(atoms.positions.copy()), rattle_a=0.0)
    assert kept.moved_a == 0
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        relaxed_crystal(atoms, Wells(atoms.positions.copy()), cancel=token)
