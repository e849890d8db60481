"""Barriers of a potential in closed form and of EMT, and polynomials of known ones."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.calculator import Calculator, all_changes
from ase.calculators.emt import EMT

from ixs_core.errors import Cancelled, InputError
from ixs_core.jobs import CancelToken
from simulate.md.barriers import energy_barrier, ion_potential, polynomial_potential

HEIGHT, HALF = 0.3, 1.2  # eV, Å


class DoubleWell(Calculator):
    """E = h ((x/a)² - 1)² + k (y - c x² + c a²)²/2 + k z²/2: a curved path of height h."""

    implemented_properties: ClassVar[list[str]] = ["energy", "forces"]  # type: ignore[misc]

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Any = ("energy",),
        system_changes: Any = all_changes,
    ) -> None:
        super().calculate(atoms, properties, system_changes)
        x, y, z = self.atoms.positions[0]
        stiff, bend = 4.0, 0.3
        across = y - bend * (x**2 - HALF**2)
        well = (x / HALF) ** 2 - 1
        self.results = {
            "energy": HEIGHT * well**2 + stiff * (across**2 + z**2) / 2,
            "forces": -np.array(
                [
                    [
                        4 * HEIGHT * well * x / HALF**2 - stiff * across * 2 * bend * x,
                        stiff * across,
                        stiff * z,
                    ]
                ]
            ),
        }


def test_height_of_a_double_well() -> None:
    start, end = Atoms("Cu", [(-1.1, 0.1, 0.0)]), Atoms("Cu", [(1.15, 0.0, 0.0)])
    found = energy_barrier(start, end, DoubleWell(), images=6, force_ev_a=0.005)
    assert found.converged
    assert found.barrier_mev == pytest.approx(1000 * HEIGHT, abs=3)
    assert abs(found.barrier_mev - 1000 * HEIGHT) <= found.error_mev
    assert found.error_mev < 10
    assert found.reverse_mev == pytest.approx(found.barrier_mev, abs=1)
    assert len(found.images) == 8
    assert found.climbed
    assert found.image_force_ev_a.shape == (8,)
    assert found.image_force_ev_a.max() <= 0.005
    assert found.dip_mev < 1
    distance, energy = found.profile()
    # Along the parabola y = c (x² - a²) the length of the path is known.
    x = np.linspace(-HALF, HALF, 2001)
    arc = np.sqrt(1 + (0.6 * x) ** 2).mean() * 2 * HALF
    assert distance[-1] == pytest.approx(arc, rel=0.02)
    assert energy.max() == pytest.approx(found.barrier_mev, abs=0.5)


def test_without_a_climb_the_interpolation_tells_the_height() -> None:
    start, end = Atoms("Cu", [(-1.1, 0.1, 0.0)]), Atoms("Cu", [(1.15, 0.0, 0.0)])
    found = energy_barrier(start, end, DoubleWell(), images=6, force_ev_a=0.005, max_steps=25)
    assert not found.climbed
    assert abs(found.barrier_mev - 1000 * HEIGHT) <= max(found.error_mev, 5)


def test_ends_that_are_no_minima_are_told() -> None:
    x = 1.6
    start, end = (Atoms("Cu", [(side * x, 0.3 * (x**2 - HALF**2), 0)]) for side in (-1, 1))
    found = energy_barrier(start, end, DoubleWell(), images=9, relax_ends=False)
    # From the slope above one minimum to that above the other, through both.
    assert found.dip_mev == pytest.approx(1000 * HEIGHT * ((x / HALF) ** 2 - 1) ** 2, abs=6)


def test_a_vacancy_of_copper_moves_over_a_known_barrier() -> None:
    crystal = bulk("Cu", "fcc", a=3.60, cubic=True).repeat(2)
    start = crystal.copy()
    hole = start.positions[0].copy()
    neighbour = int(np.argsort(crystal.get_distances(0, range(32), mic=True))[1])
    end = crystal.copy()
    end.positions[neighbour] = hole
    del start[0], end[0]
    found = energy_barrier(start, end, EMT(), images=3, force_ev_a=0.03)
    assert found.converged
    # By symmetry the way back is the same; copper in EMT moves at some half an eV.
    assert found.barrier_mev == pytest.approx(found.reverse_mev, abs=5)
    assert 300 < found.barrier_mev < 800


def test_akaike_chooses_the_order() -> None:
    u = np.linspace(-0.5, 0.5, 21)
    noise = np.random.default_rng(0).normal(0, 0.05, 21)
    harmonic = polynomial_potential(u, 300 * u**2 + noise)
    assert harmonic.order == 2
    assert harmonic.coefficients[2] == pytest.approx(300, rel=0.01)
    assert harmonic.rms_mev == pytest.approx(0.05, rel=0.4)
    double = polynomial_potential(u, -20 * u**2 + 200 * u**4 + noise)
    assert double.order == 4
    assert double.coefficients[4] == pytest.approx(200, rel=0.05)
    with pytest.raises(InputError, match="too few points"):
        polynomial_potential(u[:6], u[:6])


def test_one_ion_along_a_line() -> None:
    atoms = Atoms("Cu", [(0.0, -0.3 * HALF**2, 0.0)])
    found = ion_potential(atoms, DoubleWell(), 0, (0, 0, 2.0))
    assert found.order == 2
    assert found.coefficients[2] == pytest.approx(1000 * 4.0 / 2)
    along = ion_potential(atoms, DoubleWell(), 0, (1, 0, 0))
    assert along.order == 4
    quartic = 1000 * (HEIGHT / HALF**4 + 4.0 * 0.3**2 / 2)
    assert along.coefficients[4] == pytest.approx(quartic)
    assert along.coefficients[2] == pytest.approx(-2000 * HEIGHT / HALF**2)


def test_faults_are_named() -> None:
    start, end = Atoms("Cu", [(-1.1, 0, 0)]), Atoms("Cu", [(1.1, 0, 0)])
    for other, words in (
        (Atoms("Ag", [(1.1, 0, 0)]), "same atoms"),
        (start, "no single jump"),
        (Atoms("Cu", [(9.0, 0, 0)]), "no single jump"),
        (Atoms("Cu", [(1.1, 0, 0)], cell=[5, 5, 5]), "different cells"),
        (Atoms("Cu", [(-0.8, 0, 0)]), "same structure"),
    ):
        with pytest.raises(InputError, match=words):
            energy_barrier(start, other, DoubleWell())
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        energy_barrier(start, end, DoubleWell(), cancel=token)
    with pytest.raises(InputError, match="no such atom"):
        ion_potential(start, DoubleWell(), 1, (1, 0, 0))
    with pytest.raises(InputError, match="no direction"):
        ion_potential(start, DoubleWell(), 0, (0, 0, 0))
