"""The dual and its solvers against finite differences, closed forms and a primal optimiser."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import numpy as np
import pytest
from scipy.optimize import brentq, minimize
from scipy.special import i0, i1

from ixs_core.arrays import FloatArray
from ixs_core.lattice import Lattice
from ixs_core.symmetry import Symmetry
from mem.entropy import EntropyDual
from mem.grid import compatible_grid
from mem.lbfgs import minimise_lbfgs
from mem.newton import Solution, minimise
from mem.newton_cg import Products, conjugate_gradients
from mem.problem import Problem
from mem.reconstruction import reconstruct
from mem.reflections import Reflections
from mem.solving import explicit_model
from mem.transform import Transform
from tests.mem.synthetic import synthetic_reflections

CENTRIC = ("C m c m", (5.0, 6.0, 4.0, 90, 90, 90))
ACENTRIC = ("P 21 21 21", (4.0, 5.0, 6.0, 90, 90, 90))
TRIGONAL = ("P 31", (4.0, 4.0, 6.0, 90, 90, 120))


def dual_of(
    reflections: Reflections, moments: Mapping[int, float] | None = None, weighting: float = 0.0
) -> tuple[EntropyDual, Problem]:
    problem = Problem.of(reflections, weighting, dict(moments or {2: 1.0}), 1.0)
    shape = compatible_grid(
        reflections.lattice, reflections.symmetry, 0.25, problem.basis.orbits.hkl
    )
    return EntropyDual(Transform(problem.basis, shape, workers=1), problem.data), problem


def solved(dual: EntropyDual, problem: Problem, tolerance: float = 1e-9) -> Solution:
    start = np.zeros(problem.unknowns)
    return minimise(dual, problem.constraint, start, explicit_model, tolerance=tolerance)


@pytest.mark.parametrize("case", [CENTRIC, ACENTRIC, TRIGONAL])
def test_gradient_and_hessian_against_finite_differences(
    case: tuple[str, tuple[float, ...]],
) -> None:
    dual, problem = dual_of(synthetic_reflections(*case, d_min=1.2))
    rng = np.random.default_rng(1)
    b = 0.5 * problem.data.sigma * rng.standard_normal(problem.unknowns)
    point = dual.at(b)
    covariance = dual.covariance(point)
    step = 1e-5 * problem.data.sigma
    for k in range(0, problem.unknowns, max(1, problem.unknowns // 7)):
        shift = np.zeros_like(b)
        shift[k] = step[k]
        up, down = dual.at(b + shift), dual.at(b - shift)
        slope = (up.value - down.value) / (2 * step[k])
        assert slope == pytest.approx(-point.residual[k], rel=1e-6, abs=1e-4)
        row = -(up.residual - down.residual) / (2 * step[k])
        np.testing.assert_allclose(covariance[k], row, rtol=1e-6, atol=1e-7 * covariance.max())
    direction = rng.standard_normal(problem.unknowns)
    product = dual.covariance_product(point, dual.density(point), direction)
    np.testing.assert_allclose(product, covariance @ direction, rtol=1e-9, atol=1e-6)


def one_reflection(f: float, sigma: float) -> Reflections:
    """F(100) of a P -1 cell with one electron."""
    hkl = np.array([[1, 0, 0]])
    return Reflections(
        Lattice.cubic(4.0), Symmetry.from_name("P -1"), hkl, np.array([f + 0j]),
        np.array([sigma]), 1.0,
    )  # fmt: skip


@pytest.mark.parametrize("f", [0.2, 0.6, -0.9])
def test_one_reflection_has_bessel_functions(f: float) -> None:
    # ρ ∝ exp(a cos 2πx): F(100)/F(000) = I1(a)/I0(a); χ² = 1 leaves F one σ short.
    sigma = 0.01
    density = reconstruct(one_reflection(f, sigma), 0.1)
    reached = np.sign(f) * (abs(f) - sigma)
    a = brentq(lambda a: i1(a) / i0(a) - reached, -50, 50, xtol=1e-13)
    x = np.arange(density.shape[0]) / density.shape[0]
    expected = np.exp(a * np.cos(2 * np.pi * x)) / i0(a) / 64.0
    np.testing.assert_allclose(density.values[:, 0, 0], expected, rtol=1e-6)
    assert density.report is not None
    assert density.report.entropy == pytest.approx(np.log(i0(a)) - a * reached, abs=1e-8)
    assert density.report.f[0].real == pytest.approx(reached, abs=1e-9)


def primal(
    dual: EntropyDual, problem: Problem, c: FloatArray, moments: Mapping[int, float]
) -> FloatArray:
    """p of least KL under the constraint, by SLSQP over the grid values themselves."""
    points = c.shape[1]
    mean = 1 / points
    constraint = problem.constraint

    def residual(p: FloatArray) -> FloatArray:
        return np.asarray((problem.data.f - c @ p / points) / problem.data.sigma)

    def slope(p: FloatArray) -> FloatArray:
        y = residual(p)
        return np.asarray((constraint.slope(y) / problem.data.sigma) @ c / points)

    found = minimize(
        lambda p: float(np.mean(p * np.log(p))),
        np.ones(points),
        jac=lambda p: (np.log(p) + 1) / points,
        method="SLSQP",
        bounds=[(1e-9, None)] * points,
        constraints=[
            {"type": "ineq", "fun": lambda p: 1 - constraint.value(residual(p)), "jac": slope},
            {"type": "eq", "fun": lambda p: p.mean() - 1, "jac": lambda p: np.full(points, mean)},
        ],
        options={"maxiter": 2000, "ftol": 1e-15},
    )
    return np.asarray(found.x)


@pytest.mark.parametrize("moments", [{2: 1.0}, {4: 1.0}, {2: 0.6, 6: 0.4}])
def test_against_a_primal_optimiser_on_a_tiny_grid(moments: dict[int, float]) -> None:
    hkl = np.array([[1, 0, 0], [0, 1, 0], [1, 1, 0], [1, -1, 0], [2, 0, 0]])
    f = np.array([0.3 + 0.1j, -0.2 + 0.2j, 0.1 - 0.1j, 0.05 + 0.02j, 0.15 - 0.08j])
    sigma = np.full(5, 0.02)
    reflections = Reflections(
        Lattice.cubic(3.0), Symmetry.from_name("P 1"), hkl, f, sigma, 1.0
    )  # fmt: skip
    problem = Problem.of(reflections, 0.0, moments, 1.0)
    transform = Transform(problem.basis, (5, 4, 1), workers=1)
    dual = EntropyDual(transform, problem.data)
    found = solved(dual, problem)
    unit = np.eye(problem.unknowns)
    c = np.array([np.log(transform.density(row, 0.0)).ravel() for row in unit])
    p = primal(dual, problem, c, moments)
    np.testing.assert_allclose(dual.density(found.point).ravel(), p, atol=2e-4)


@pytest.mark.parametrize("case", [CENTRIC, ACENTRIC, TRIGONAL])
@pytest.mark.parametrize("weighting", [0.0, 1.5])
def test_optimality_and_no_duality_gap(
    case: tuple[str, tuple[float, ...]], weighting: float
) -> None:
    dual, problem = dual_of(synthetic_reflections(*case), weighting=weighting)
    found = solved(dual, problem)
    assert found.converged
    point = found.point
    assert problem.chi2(point.residual) == pytest.approx(1.0, abs=1e-8)
    # Lagrange: the multipliers a are along w ΔF/σ².
    along = problem.constraint.weight[problem.data.owner] * point.residual
    np.testing.assert_allclose(
        point.b / np.linalg.norm(point.b), along / np.linalg.norm(along), atol=1e-8
    )
    # Strong duality: min D = max S, and S follows from the density itself.
    density = dual.density(point)
    entropy = -float(np.mean(density * np.log(density)))
    penalty = problem.constraint.support(point.b)[0]
    assert point.value + penalty == pytest.approx(entropy, abs=1e-9)


@pytest.mark.parametrize("case", [CENTRIC, ACENTRIC])
def test_solvers_agree(case: tuple[str, tuple[float, ...]]) -> None:
    dual, problem = dual_of(synthetic_reflections(*case))
    start = np.zeros(problem.unknowns)
    newton = solved(dual, problem)
    others = [
        minimise_lbfgs(dual, problem.constraint, start),
        minimise(dual, problem.constraint, start, Products(1_000_000), tolerance=1e-6),
    ]
    expected = dual.density(newton.point)
    for other in others:
        assert other.converged
        difference = np.abs(dual.density(other.point) - expected).mean()
        assert difference < 1e-6


def test_newton_converges_quadratically() -> None:
    dual, problem = dual_of(synthetic_reflections(*CENTRIC, d_min=0.7))
    values: list[float] = []
    minimise(
        dual,
        problem.constraint,
        np.zeros(problem.unknowns),
        explicit_model,
        tolerance=1e-10,
        watch=lambda point: values.append(abs(problem.chi2(point.residual) - 1)),
    )
    near = [value for value in values if value < 0.1]
    assert len(values) < 15
    for first, second in itertools.pairwise(near):
        assert second < 10 * first**2 + 1e-10


def test_larger_entropy_than_other_densities_at_the_same_chi2() -> None:
    reflections = synthetic_reflections(*ACENTRIC, noise=0.2)
    best = reconstruct(reflections, 0.2)
    classical = reconstruct(reflections, 0.2, solver="sakata-sato")
    assert best.report is not None
    assert classical.report is not None
    assert classical.report.chi2 == pytest.approx(1.0, abs=0.02)
    assert classical.report.entropy < best.report.entropy
    # Others with χ² ≤ 1: of a smaller target, of higher moments.
    others = [
        reconstruct(reflections, 0.2, target=0.9),
        reconstruct(reflections, 0.2, moments={6: 1.0}, target=0.04),
    ]
    for other in others:
        assert other.report is not None
        assert other.report.entropy < best.report.entropy
        y = np.abs(other.report.f - reflections.f) / reflections.sigma
        assert np.mean(y**2) < 1


def test_prior_that_agrees_is_the_solution() -> None:
    dual, problem = dual_of(one_reflection(0.005, 0.01))
    for found in (
        solved(dual, problem),
        minimise_lbfgs(dual, problem.constraint, np.zeros(1)),
        minimise(dual, problem.constraint, np.array([1e-3]), explicit_model),
    ):
        assert found.converged
        assert not found.point.b.any()


def test_start_anywhere_ends_in_the_same_place() -> None:
    dual, problem = dual_of(synthetic_reflections(*CENTRIC))
    expected = solved(dual, problem).point.b
    rng = np.random.default_rng(2)
    for scale in (0.01, 0.3, 1.0, 30.0):
        start = scale * np.abs(expected).max() * rng.standard_normal(problem.unknowns)
        found = minimise(dual, problem.constraint, start, explicit_model, tolerance=1e-8)
        assert found.converged
        np.testing.assert_allclose(found.point.b, expected, atol=1e-6 * np.abs(expected).max())


def test_conjugate_gradients_solve() -> None:
    rng = np.random.default_rng(3)
    root = rng.standard_normal((30, 30))
    matrix = root @ root.T + np.diag(np.linspace(1, 100, 30))
    right = rng.standard_normal(30)
    found = conjugate_gradients(lambda v: matrix @ v, right, np.diag(matrix))
    np.testing.assert_allclose(matrix @ found, right, atol=1e-6)
