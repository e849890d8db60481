"""Maxima against the sites that made them."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from ixs_core.crystal import cell_vectors
from ixs_core.lattice import Lattice
from ixs_core.symmetry import Symmetry
from mem.density import Density
from mem.peaks import grid_maxima, peaks, site_peaks
from tests.mem.analytic_densities import (
    P1,
    TRICLINIC,
    atom_density,
    crystal,
    fractions,
    log_waves,
    wave_density,
)

CMCM = Lattice(10.6, 13.3, 6.1)


def test_maxima_of_gaussians_in_a_triclinic_cell_are_their_centres() -> None:
    structure = crystal(
        TRICLINIC, Symmetry.from_triplets(["-x,-y,-z"]), Cs1=(0.113, 0.207, 0.311), I1=(0.5, 0, 0.5)
    )
    density = atom_density((60, 70, 80), structure, {"Cs": 40.0, "I": 20.0})
    first, second = peaks(density)
    assert (first.label, first.element, first.multiplicity) == ("Cs1", "Cs", 2)
    assert (second.label, second.multiplicity) == ("I1", 1)
    assert np.allclose(first.position, [0.113, 0.207, 0.311], atol=2e-4)
    assert np.allclose(second.position, [0.5, 0, 0.5], atol=1e-9)
    assert first.distance_angstrom < 1e-3
    top = 40.0 * (2 * np.pi * 0.35**2) ** -1.5 + 1e-3
    assert np.isclose(first.density, top, rtol=1e-4)


def test_the_nearest_atom_of_a_very_acute_cell() -> None:
    # In a rhombohedral cell of 33° rounded differences are up to 4 Å too long.
    acute = Lattice(9.0, 9.0, 9.0, 33.0, 33.0, 33.0)
    structure = crystal(acute, P1, Cs1=(0.05, 0.05, 0.05), I1=(0.45, 0.55, 0.5))
    density = atom_density((48, 48, 48), structure, {"Cs": 40.0, "I": 20.0})
    moved = replace(density, structure=crystal(acute, P1, Cs1=(0.55, 0.55, 0.05)))
    found = site_peaks(moved)[0]
    images = np.array(list(product(range(-4, 5), repeat=3)))
    tops = np.array([peak.position for peak in peaks(density)])
    apart = (tops[:, None] + images).reshape(-1, 3) - (0.55, 0.55, 0.05)
    nearest = np.linalg.norm(apart @ cell_vectors(acute), axis=1).min()
    assert found.distance_angstrom == pytest.approx(nearest, abs=1e-9)


def test_a_special_position_between_grid_points_is_one_peak() -> None:
    cmcm = Symmetry.from_name("C m c m")
    structure = crystal(CMCM, cmcm, Cs1=(0.5, 0.825, 0.75), Cu1=(0.348, 0.5, 0.0))
    # 26 points along c: z = 1/4 and 3/4 lie halfway between two of them.
    density = atom_density((48, 60, 26), structure, {"Cs": 54.0, "Cu": 28.0})
    found = peaks(density)
    assert [(p.label, p.multiplicity) for p in found] == [("Cs1", 4), ("Cu1", 8)]
    assert all(peak.distance_angstrom < 2e-3 for peak in found)
    assert np.allclose(found[0].position, [0.5, 0.825, 0.75], atol=2e-4)


def test_the_top_is_found_between_the_points_of_the_grid() -> None:
    # ln ρ of one period along each axis has its only maximum at (0.2, 0.7, 0.45).
    top = np.array([0.2037, 0.7071, 0.4512])
    waves = [
        (2.0, (1, 0, 0), -2 * np.pi * top[0]),
        (1.0, (0, 1, 0), -2 * np.pi * top[1]),
        (1.5, (0, 0, 1), -2 * np.pi * top[2]),
    ]
    (peak,) = peaks(wave_density((40, 44, 48), waves=waves))
    assert np.abs((peak.position - top) @ cell_vectors(TRICLINIC)).max() < 2e-3
    assert np.isclose(peak.density, np.exp(4.5), rtol=1e-4)
    assert peak.label == ""
    assert np.isnan(peak.distance_angstrom)


def test_the_minimum_leaves_low_peaks_out() -> None:
    structure = crystal(TRICLINIC, P1, Cs1=(0.1, 0.2, 0.3), H1=(0.6, 0.7, 0.8))
    density = atom_density((40, 48, 52), structure, {"Cs": 50.0, "H": 0.1}, width=0.5)
    assert [peak.label for peak in peaks(density)] == ["Cs1"]
    assert [peak.label for peak in peaks(density, minimum=0.0)] == ["Cs1", "H1"]
    assert peaks(density, minimum=1e9) == []
    # A refined site finds its maximum however low it is.
    cs1, h1 = site_peaks(density)
    assert (cs1.label, h1.label) == ("Cs1", "H1")
    assert h1.distance_angstrom < 0.01


def test_site_peaks_measure_the_shift_of_a_maximum() -> None:
    moved = crystal(TRICLINIC, P1, Cs1=(0.1, 0.2, 0.3), I1=(0.6, 0.7, 0.8))
    density = atom_density((48, 56, 64), moved, {"Cs": 50.0, "I": 50.0})
    refined = crystal(TRICLINIC, P1, Cs1=(1.1, 0.2, 0.3), I1=(0.62, 0.7, 0.8))
    seen = Density(TRICLINIC, density.values, P1, structure=refined)
    cs1, i1 = site_peaks(seen)
    assert cs1.distance_angstrom < 2e-3
    assert np.isclose(i1.distance_angstrom, 0.02 * 6.0, atol=2e-3)
    assert np.allclose(i1.position, [0.6, 0.7, 0.8], atol=5e-4)


def test_densities_without_maxima_or_structure() -> None:
    flat = Density(TRICLINIC, np.full((6, 7, 8), 2.0), P1)
    assert peaks(flat, minimum=0.0) == []
    assert site_peaks(flat) == []
    placed = Density(TRICLINIC, flat.values, P1, structure=crystal(TRICLINIC, P1, I1=(0, 0, 0)))
    (nothing,) = site_peaks(placed)
    assert np.isnan(nothing.distance_angstrom)
    assert nothing.label == "I1"


def test_a_density_with_negative_values_has_peaks_too() -> None:
    density = Density(TRICLINIC, log_waves(fractions((36, 40, 44))), P1)
    highest = peaks(density, minimum=0.0)[0]
    assert highest.density >= density.values.max()
    assert highest.density < 1.01 * density.values.max()


@pytest.mark.parametrize("seed", range(3))
def test_grid_maxima_are_those_of_the_definition(seed: int) -> None:
    values = np.random.default_rng(seed).integers(0, 4, (5, 6, 7)).astype(float)
    numbers = np.arange(values.size).reshape(values.shape)
    highest = np.ones(values.shape, dtype=bool)
    for step in np.ndindex(3, 3, 3):
        shift = tuple(np.array(step) - 1)
        if any(shift):
            other, number = (np.roll(a, shift, (0, 1, 2)) for a in (values, numbers))
            highest &= (other < values) | ((other == values) & (number < numbers))
    assert np.array_equal(grid_maxima(values, -1.0), np.argwhere(highest))
