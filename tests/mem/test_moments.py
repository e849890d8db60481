"""Constraints on C_n: support functions, their slopes, and what solutions obey."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import norm

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from mem.penalty import Constraint, checked_moments, gaussian_moment
from mem.reconstruction import reconstruct
from mem.reflection_symmetry import multiplicity
from tests.mem.synthetic import synthetic_reflections

MOMENTS = [{2: 1.0}, {4: 1.0}, {6: 1.0}, {8: 1.0}, {2: 1.0, 4: 0.5}, {2: 0.2, 6: 1.0, 8: 3.0}]
OWNER = np.array([0, 1, 1, 2, 3, 3, 4])
WEIGHT = np.array([0.6, 1.3, 1.0, 0.9, 1.2])


def constraint_of(moments: dict[int, float], target: float = 1.0) -> Constraint:
    return Constraint(OWNER, WEIGHT, moments, target)


@pytest.mark.parametrize("order", [2, 4, 6, 8])
def test_gaussian_moments(order: int) -> None:
    assert gaussian_moment(order) == pytest.approx(float(norm.moment(order)))


def numbers(seed: int) -> FloatArray:
    return np.random.default_rng(seed).standard_normal(len(OWNER))


@pytest.mark.parametrize("moments", MOMENTS)
def test_value_is_that_of_the_paper(moments: dict[int, float]) -> None:
    y = numbers(1)
    lengths = [abs(y[0]), np.hypot(y[1], y[2]), abs(y[3]), np.hypot(y[4], y[5]), abs(y[6])]
    target, total = 0.8, 0.0
    for n, share in moments.items():
        c_n = (WEIGHT @ np.array(lengths) ** n) / (len(WEIGHT) * gaussian_moment(n)) - target
        total += share * c_n  # C = Σ λ_n C_n
    value = constraint_of(moments, target).value(y)
    assert (value - 1) * target * sum(moments.values()) == pytest.approx(total)


@pytest.mark.parametrize("moments", MOMENTS)
def test_slope_and_curvature_against_finite_differences(moments: dict[int, float]) -> None:
    constraint, y, direction = constraint_of(moments), 2 * numbers(2), numbers(3)
    step = 1e-5
    up, down = y + step * direction, y - step * direction
    rate = (constraint.value(up) - constraint.value(down)) / (2 * step)
    assert rate == pytest.approx(constraint.slope(y) @ direction, rel=1e-7)
    bend = (constraint.slope(up) - constraint.slope(down)) / (2 * step)
    curvature = constraint.curvature(y)
    twice = curvature.root_times(curvature.root_times(direction, 3.0), 3.0) / 3
    np.testing.assert_allclose(twice, bend, rtol=1e-6, atol=1e-8)
    matrix = np.random.default_rng(4).standard_normal((len(y), 3))
    columns = [curvature.root_times(column, 2.0) for column in matrix.T]
    np.testing.assert_allclose(curvature.root_times(matrix, 2.0), np.array(columns).T)


@pytest.mark.parametrize("moments", MOMENTS)
def test_support_function_is_the_largest_product(moments: dict[int, float]) -> None:
    constraint, b = constraint_of(moments), numbers(5)
    height, y, mu = constraint.support(b)
    assert constraint.value(y) == pytest.approx(1.0, abs=1e-10)
    np.testing.assert_allclose(b, mu * constraint.slope(y), rtol=1e-8)
    found = minimize(
        lambda z: -b @ z,
        0.1 * b,
        jac=lambda z: -b,
        constraints={
            "type": "ineq",
            "fun": lambda z: 1 - constraint.value(z),
            "jac": lambda z: -constraint.slope(z),
        },
        method="SLSQP",
        options={"ftol": 1e-13, "maxiter": 500},
    )
    assert -found.fun == pytest.approx(height, rel=1e-6)
    for k in range(len(b)):  # its gradient is that y
        shift = np.zeros_like(b)
        shift[k] = 1e-6
        rate = (constraint.support(b + shift)[0] - constraint.support(b - shift)[0]) / 2e-6
        assert rate == pytest.approx(y[k], rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("order", [2, 4, 6, 8])
def test_support_function_of_one_order_is_a_norm(order: int) -> None:
    # (N M_n target)^{1/n} ‖b‖_{n/(n-1)} for unit weights.
    owner, b = np.arange(6), np.random.default_rng(6).standard_normal(6)
    constraint = Constraint(owner, np.ones(6), {order: 2.5}, 0.7)
    power = order / (order - 1)
    expected = (6 * gaussian_moment(order) * 0.7) ** (1 / order) * (
        np.sum(np.abs(b) ** power) ** (1 / power)
    )
    assert constraint.support(b)[0] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("moments", MOMENTS)
def test_conjugate_is_the_largest_difference(moments: dict[int, float]) -> None:
    constraint, b, mu = constraint_of(moments), numbers(7), 2.3
    height, y = constraint.conjugate(b, mu)
    found = minimize(lambda z: mu * constraint.value(z) - b @ z, y + 0.1, method="BFGS")
    assert -found.fun == pytest.approx(height, rel=1e-6)
    np.testing.assert_allclose(b, mu * constraint.slope(y), rtol=1e-8)


def test_zero_has_no_penalty() -> None:
    height, y, mu = constraint_of({2: 1.0, 4: 1.0}).support(np.zeros(len(OWNER)))
    assert (height, mu) == (0.0, 0.0)
    assert not y.any()


@pytest.mark.parametrize("moments", MOMENTS)
@pytest.mark.parametrize(
    "case", [("C m c m", (5.0, 6.0, 4.0, 90, 90, 90)), ("P 21", (4.0, 5.0, 6.0, 90, 100, 90))]
)
def test_solutions_obey_the_constraint_and_lagrange(
    case: tuple[str, tuple[float, ...]], moments: dict[int, float]
) -> None:
    reflections = synthetic_reflections(*case)
    density = reconstruct(reflections, 0.25, moments=moments, weighting=1)
    report, multipliers = density.report, density.multipliers
    assert report is not None and multipliers is not None  # noqa: PT018 - for mypy
    assert report.converged
    total = sum(share * report.constraint[n] for n, share in moments.items())
    assert total / sum(moments.values()) == pytest.approx(1.0, abs=1e-6)
    # α_j ∝ w_j Σ λ_n n |y|^{n-2} y /(M_n σ_j), y = (F_o - F)/σ: from the report alone.
    weight = reflections.d_spacing / reflections.d_spacing.mean()
    y = (reflections.f - report.f) / reflections.sigma
    rule = sum(
        share * n / gaussian_moment(n) * weight * np.abs(y) ** (n - 2) * y / reflections.sigma
        for n, share in moments.items()
    )
    place = {tuple(h): i for i, h in enumerate(multipliers.hkl.tolist())}
    index = [place[tuple(h)] for h in reflections.hkl.tolist()]
    alpha = multipliers.a[index] * multiplicity(reflections.symmetry, reflections.hkl)
    np.testing.assert_allclose(
        alpha / np.linalg.norm(alpha), rule / np.linalg.norm(rule), atol=1e-6
    )


@pytest.mark.parametrize(
    ("moments", "message"),
    [
        ({3: 1.0}, "order"),
        ({0: 1.0}, "order"),
        ({10: 1.0}, "order"),
        ({2: -1.0}, "moment 2"),
        ({4: float("nan")}, "moment 4"),
        ({2: 0.0}, "no moment"),
        ({}, "no moment"),
    ],
)
def test_moments_that_cannot_be(moments: dict[int, float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        checked_moments(moments)


def test_orders_of_no_weight_are_left_out() -> None:
    assert checked_moments({6: 0.0, 4: 2, 2: 1}) == {2: 1.0, 4: 2.0}
