"""The classical iteration: its rule, and where it ends compared with the largest entropy."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from ixs_core.errors import InputError
from mem.entropy import EntropyDual
from mem.grid import compatible_grid
from mem.problem import Problem
from mem.reconstruction import InfeasibleTarget, reconstruct
from mem.sakata_sato import sakata_sato
from mem.transform import Transform
from tests.mem.synthetic import synthetic_reflections

CASE = ("P 21/c", (4.0, 5.0, 6.0, 90, 100, 90))


def test_steps_multiply_the_density_by_the_published_factor() -> None:
    reflections = synthetic_reflections(*CASE, d_min=1.1)
    problem = Problem.of(reflections, 0.0, {2: 1.0}, 1.0)
    shape = compatible_grid(
        reflections.lattice, reflections.symmetry, 0.3, problem.basis.orbits.hkl
    )
    dual = EntropyDual(Transform(problem.basis, shape, workers=1), problem.data)
    points: list = []
    sakata_sato(dual, problem, iterations=6, watch=points.append)
    r = np.indices(shape).reshape(3, -1).T / np.array(shape)
    orbits = problem.basis.orbits
    compared = 0
    for first, second in itertools.pairwise(points):
        if second is first:
            continue  # a step that was taken back
        old, new = dual.density(first).ravel(), dual.density(second).ravel()
        # Σ over all measured h and equivalents of (F_o - F)/σ² exp(-2πi h·r), as published.
        f = np.array([np.mean(old * np.exp(2j * np.pi * r @ h)) for h in reflections.hkl])
        difference = (reflections.f / reflections.electrons - f) / reflections.sigma**2
        member = orbits.phase * np.where(
            orbits.conjugate, difference.conj()[orbits.owner], difference[orbits.owner]
        )
        member /= orbits.size[orbits.owner]
        exponent = (np.exp(-2j * np.pi * r @ orbits.hkl.T) @ member).real
        measured = np.log(new / old)
        exponent -= exponent.mean()
        measured -= measured.mean()
        np.testing.assert_allclose(
            measured / np.linalg.norm(measured), exponent / np.linalg.norm(exponent), atol=1e-8
        )
        compared += 1
    assert compared >= 3


def test_reaches_the_target_with_less_entropy() -> None:
    reflections = synthetic_reflections(*CASE)
    best = reconstruct(reflections, 0.25)
    classical = reconstruct(reflections, 0.25, solver="sakata-sato")
    assert best.report is not None
    assert classical.report is not None
    assert classical.report.converged
    assert classical.report.solver == "sakata-sato"
    assert 0.95 < classical.report.chi2 <= 1.0
    # The same χ² for a fair comparison.
    same = reconstruct(reflections, 0.25, target=classical.report.chi2)
    assert same.report is not None
    assert classical.report.entropy < same.report.entropy - 1e-6
    assert classical.electrons == pytest.approx(reflections.electrons, rel=1e-12)


def test_lower_entropy_on_the_real_data(shared_data) -> None:  # type: ignore[no-untyped-def]
    from mem.read import read_reflections

    path = shared_data / "cscu2i3" / "structure" / "300K.cif"
    reflections = read_reflections(path)
    best = reconstruct(reflections, 0.25).report
    classical = reconstruct(reflections, 0.25, solver="sakata-sato").report
    assert best is not None
    assert classical is not None
    assert best.chi2 == pytest.approx(1.0, abs=1e-5)
    assert classical.chi2 == pytest.approx(1.0, abs=0.01)
    assert classical.entropy < best.entropy - 0.01


def test_only_chi2() -> None:
    with pytest.raises(InputError, match="χ²"):
        reconstruct(synthetic_reflections(*CASE), 0.3, solver="sakata-sato", moments={4: 1.0})


def test_a_target_out_of_reach_ends_it() -> None:
    reflections = synthetic_reflections(*CASE, d_min=1.1, noise=3.0)
    with pytest.raises(InfeasibleTarget):
        reconstruct(reflections, 0.3, solver="sakata-sato", target=1e-3)


def test_ends_where_the_fall_is_too_slow() -> None:
    reflections = synthetic_reflections(*CASE, d_min=1.1, noise=3.0)
    problem = Problem.of(reflections, 0.0, {2: 1.0}, 1e-3)
    shape = compatible_grid(
        reflections.lattice, reflections.symmetry, 0.3, problem.basis.orbits.hkl
    )
    values: list[float] = []
    found = sakata_sato(
        EntropyDual(Transform(problem.basis, shape, workers=1), problem.data),
        problem,
        watch=lambda point: values.append(problem.constraint.value(point.residual)),
    )
    assert found.stopped.startswith("χ² falls too slowly")
    assert found.iterations < 20_000
    values.append(problem.constraint.value(found.point.residual))
    share = values[-1] / values[-1001]
    assert values[-1] * share ** ((50_000 - found.iterations) / 1000) > 1
