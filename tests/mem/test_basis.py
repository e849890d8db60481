"""Basis functions, synthesis and moments against sums written out over the grid."""

from __future__ import annotations

import numpy as np
import pytest

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from ixs_core.lattice import Lattice
from ixs_core.symmetry import Symmetry
from mem.basis import Basis
from mem.grid import Shape, compatible_grid, grid_permutation
from mem.reflection_symmetry import unique_reflections
from mem.transform import Transform

CASES = [
    ("P 1", (4, 5, 6, 80, 95, 103)),
    ("P -1", (4, 5, 6, 80, 95, 103)),
    ("C m c m", (6, 7, 4, 90, 90, 90)),
    ("P 21 21 21", (4, 5, 6, 90, 90, 90)),
    ("R 3:R", (4.5, 4.5, 4.5, 70, 70, 70)),
    ("R -3 m:H", (4, 4, 9, 90, 90, 120)),
    ("F d -3 m:1", (6, 6, 6, 90, 90, 90)),
    ("I -4 3 d", (6, 6, 6, 90, 90, 90)),
    ("P 61", (4, 4, 6, 90, 90, 120)),
    ("A 1 1 2/a", (5, 6, 4, 90, 90, 101)),
    ("F 1", (5, 6, 7, 85, 95, 100)),
]


def symmetry_of(name: str) -> Symmetry:
    if name == "F 1":
        return Symmetry.from_triplets(["x,y,z", "x,y+1/2,z+1/2", "x+1/2,y,z+1/2"])
    return Symmetry.from_name(name)


def made(name: str, cell: tuple[float, ...], step: float) -> tuple[Symmetry, Transform]:
    symmetry, lattice = symmetry_of(name), Lattice.from_cell(cell)
    basis = Basis.of(symmetry, unique_reflections(symmetry, lattice, 1.1))
    shape = compatible_grid(lattice, symmetry, step, basis.orbits.hkl)
    return symmetry, Transform(basis, shape, workers=1)


def points_of(shape: Shape) -> FloatArray:
    return np.asarray(np.indices(shape).reshape(3, -1).T / np.array(shape))


def functions(symmetry: Symmetry, basis: Basis, points: FloatArray) -> FloatArray:
    """(k, points) by the definition: means over the operators."""
    mean = sum(
        np.exp(2j * np.pi * basis.hkl @ (rotation @ points.T + translation[:, None]))
        for rotation, translation in zip(symmetry.rotations, symmetry.translations, strict=True)
    ) / len(symmetry)
    return np.asarray((basis.direction.conj()[:, None] * mean[basis.owner]).real)


@pytest.mark.parametrize("step", [0.45, 0.19])
@pytest.mark.parametrize(("name", "cell"), CASES)
def test_all_sums_are_those_of_the_definition(
    name: str, cell: tuple[float, ...], step: float
) -> None:
    symmetry, transform = made(name, cell, step)
    c = functions(symmetry, transform.basis, points_of(transform.shape))
    a = 0.4 * np.random.default_rng(1).standard_normal(len(c))
    density = np.exp(a @ c)
    log_z = np.log(density.mean())
    density /= density.mean()
    spectrum = transform.evaluate(a)
    assert spectrum.log_z == pytest.approx(log_z, abs=1e-12)
    on_grid = transform.density(a, spectrum.log_z).ravel()
    np.testing.assert_allclose(on_grid, density, rtol=1e-11)
    moments = (c * density) @ c.T / len(density)
    np.testing.assert_allclose(transform.means(spectrum), c @ density / len(density), atol=1e-12)
    np.testing.assert_allclose(transform.second_moments(spectrum), moments, atol=1e-12)
    on_grid = on_grid.reshape(transform.shape)
    np.testing.assert_allclose(transform.product_means(on_grid, a), moments @ a, atol=1e-11)
    for rotation, translation in zip(symmetry.rotations, symmetry.translations, strict=True):
        image = grid_permutation(transform.shape, rotation, translation)
        np.testing.assert_allclose(on_grid.ravel()[image], density, rtol=1e-11)


def test_a_prior_multiplies() -> None:
    _, transform = made("P 21 21 21", (4, 5, 6, 90, 90, 90), 0.3)
    a = np.random.default_rng(2).standard_normal(len(transform.basis))
    first = 0.3 * a[::-1]
    spectrum = transform.evaluate(first)
    prior = np.log(transform.density(first, spectrum.log_z))
    with_prior = Transform(transform.basis, transform.shape, prior, 2)
    both = with_prior.evaluate(a)
    alone = transform.evaluate(a + first)
    np.testing.assert_allclose(both.values, alone.values, atol=1e-13)
    np.testing.assert_allclose(
        with_prior.density(a, both.log_z), transform.density(a + first, alone.log_z), rtol=1e-10
    )


def test_coefficients_give_the_exponent_at_any_point() -> None:
    symmetry, transform = made("P 61", (4, 4, 6, 90, 90, 120), 0.3)
    basis = transform.basis
    points = np.random.default_rng(3).random((7, 3))
    a = np.random.default_rng(4).standard_normal(len(basis))
    members = basis.coefficients(a)
    exponent = np.exp(-2j * np.pi * points @ basis.orbits.hkl.T) @ members
    np.testing.assert_allclose(exponent, a @ functions(symmetry, basis, points), atol=1e-12)


def test_components_and_combination_are_inverse() -> None:
    _, transform = made("P 21 21 21", (4, 5, 6, 90, 90, 90), 0.3)
    basis = transform.basis
    values = np.random.default_rng(5).standard_normal(len(basis))
    f = basis.combined(values)
    np.testing.assert_allclose(basis.components(f), values, atol=1e-14)
    np.testing.assert_allclose(basis.off_phase(f), 0, atol=1e-14)
    lost = basis.off_phase(np.ones(len(f), complex))
    assert lost.max() == pytest.approx(1.0)  # some centric phases are ±90°
    assert not lost[~basis.centric].any()


def test_huge_multipliers_do_not_overflow() -> None:
    _, transform = made("P -1", (4, 5, 6, 80, 95, 103), 0.4)
    a = np.zeros(len(transform.basis))
    a[:3] = 4000.0
    spectrum = transform.evaluate(a)
    assert np.isfinite(spectrum.log_z)
    assert transform.density(a, spectrum.log_z).min() > 0


@pytest.mark.parametrize(
    ("hkl", "message"),
    [
        ([[1, 1, 0], [0, 0, 0]], "000"),
        ([[2, 0, 0], [1, 0, 0]], "forbids"),
        ([[1, 1, 2], [-1, 1, 2]], "twice"),
        ([[1, 1, 2], [-1, -1, -2]], "twice"),
    ],
)
def test_reflections_that_cannot_be(hkl: list[list[int]], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Basis.of(Symmetry.from_name("C m c m"), np.array(hkl))


def test_results_do_not_depend_on_threads() -> None:
    _, transform = made("C m c m", (6, 7, 4, 90, 90, 90), 0.04)
    a = 0.3 * np.random.default_rng(6).standard_normal(len(transform.basis))
    several = Transform(transform.basis, transform.shape, workers=4)
    assert several.shape[0] * several.shape[1] * several.shape[2] > 1 << 20  # several slabs
    one, other = transform.evaluate(a), several.evaluate(a)
    assert one.log_z == other.log_z
    assert np.array_equal(one.values, other.values)
    assert np.array_equal(transform.second_moments(one), several.second_moments(one))
