"""Reconstructions of known densities, in all kinds of symmetry, and what stops them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from ixs_core.arrays import FloatArray, IntArray
from ixs_core.errors import Cancelled, InputError
from ixs_core.jobs import CancelToken
from ixs_core.lattice import Lattice
from ixs_core.symmetry import Symmetry
from mem.density import Density
from mem.grid import grid_permutation
from mem.reconstruction import InfeasibleTarget, density_at, reconstruct
from mem.reflection_symmetry import multiplicity, representatives
from mem.reflections import ReflectionGroup, Reflections
from tests.mem.synthetic import ATOMS, gaussian_structure_factors, synthetic_reflections

CELLS = {
    "P -1": (4.0, 5.0, 6.0, 80, 95, 103),
    "P 1": (4.0, 5.0, 6.0, 80, 95, 103),
    "P 21 21 21": (4.0, 5.0, 6.0, 90, 90, 90),
    "P 31 2 1": (4.5, 4.5, 6.0, 90, 90, 120),
    "R -3 m:H": (6.0, 6.0, 9.0, 90, 90, 120),
    "R -3 m:R": (5.5, 5.5, 5.5, 70, 70, 70),
    "P 1 21/n 1": (4.0, 5.0, 6.0, 90, 101, 90),
    "A 1 1 2/a": (5.0, 6.0, 4.0, 90, 90, 101),
    "I 41 m d": (5.0, 5.0, 7.0, 90, 90, 90),
    "F d -3 m:1": (8.0, 8.0, 8.0, 90, 90, 90),
    "I -4 3 m": (7.0, 7.0, 7.0, 90, 90, 90),
}


def grid_points(density: Density) -> FloatArray:
    """(points, 3) fractional."""
    return np.asarray(np.indices(density.shape).reshape(3, -1).T / np.array(density.shape))


@pytest.mark.parametrize(("name", "cell"), CELLS.items())
def test_symmetric_positive_exact(name: str, cell: tuple[float, ...]) -> None:
    reflections = synthetic_reflections(name, cell)
    density = reconstruct(reflections, 0.12)
    report = density.report
    assert report is not None
    assert report.converged
    assert report.chi2 == pytest.approx(1.0, abs=1e-5)
    assert density.values.min() > 0
    assert density.electrons == pytest.approx(reflections.electrons, rel=1e-12)
    flat = density.values.ravel()
    for rotation, translation in zip(
        reflections.symmetry.rotations, reflections.symmetry.translations, strict=True
    ):
        image = flat[grid_permutation(density.shape, rotation, translation)]
        np.testing.assert_allclose(image, flat, rtol=1e-9)
    # F by the definition, at a few reflections, from the density itself.
    points = grid_points(density)
    for i in range(0, len(reflections), max(1, len(reflections) // 5)):
        wave = np.exp(2j * np.pi * points @ reflections.hkl[i])
        f = np.mean(flat * wave) * reflections.lattice.volume
        assert f == pytest.approx(report.f[i], abs=1e-9 * reflections.electrons)
    # The atom is where it was put.
    position = np.array(ATOMS[0][0])
    near = position + np.array([[0.0, 0, 0], [0.06, 0, 0], [0, 0.06, 0], [0, 0, 0.06]])
    at = density_at(density, near)
    assert at.argmax() == 0


def changed_basis(reflections: Reflections, p: IntArray | FloatArray) -> Reflections:
    """The same crystal in the cell with basis vectors (a, b, c) P."""
    p = np.asarray(p, float)
    inverse, factor = np.linalg.inv(p), abs(np.linalg.det(p))
    vectors = 2 * np.pi * np.linalg.inv(reflections.lattice.b_matrix)
    new = p.T @ vectors
    lengths = np.linalg.norm(new, axis=1)
    cosines = new @ new.T / np.outer(lengths, lengths)
    angles = np.degrees(np.arccos([cosines[1, 2], cosines[0, 2], cosines[0, 1]]))
    old = reflections.symmetry
    rotations = np.rint(inverse @ old.rotations @ p).astype(int)
    translations = (old.translations @ inverse.T + 1e-9) % 1.0 - 1e-9
    both = np.round(np.concatenate([rotations.reshape(-1, 9), 24 * translations], axis=1))
    _, first = np.unique(both, axis=0, return_index=True)
    first.sort()
    symmetry = Symmetry(
        tuple(str(i) for i in first),
        rotations[first],
        np.round(24 * translations[first]) / 24 % 1.0,
    )
    hkl = np.rint(reflections.hkl @ p).astype(int)
    return replace(
        reflections,
        lattice=Lattice(*lengths, *angles),
        symmetry=symmetry,
        hkl=hkl,
        f=reflections.f * factor,
        sigma=reflections.sigma * factor,
        electrons=reflections.electrons * factor,
    )


@pytest.mark.parametrize(
    ("name", "matrix"),
    [
        # obverse hexagonal -> rhombohedral axes
        ("R -3 m:H", np.array([[2, -1, -1], [1, 1, -2], [1, 1, 1]]) / 3),
        ("P 1 21/n 1", np.array([[1, 0, 1], [0, 1, 0], [0, 0, 1]])),
        ("F d -3 m:1", np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]]) / 2),
        ("P -1", np.array([[1, 1, 0], [0, 1, 0], [0, 0, 1]])),
        ("P 21 21 21", np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0]])),
    ],
)
def test_the_setting_makes_no_difference(name: str, matrix: FloatArray) -> None:
    reflections = synthetic_reflections(name, CELLS[name], 1.1)
    other = changed_basis(reflections, matrix)
    points = np.random.default_rng(4).random((40, 3))
    one = density_at(reconstruct(reflections, 0.1), points)
    two = density_at(reconstruct(other, 0.1), points @ np.linalg.inv(matrix).T)
    np.testing.assert_allclose(two, one, rtol=2e-4, atol=1e-7)


def test_a_face_centred_triclinic_cell() -> None:
    symmetry = Symmetry.from_triplets(["x,y,z", "x,y+1/2,z+1/2", "x+1/2,y,z+1/2"])
    reflections = synthetic_reflections("F 1", (6, 7, 8, 85, 95, 100), 1.2, symmetry=symmetry)
    report = reconstruct(reflections, 0.1).report
    assert report is not None
    assert report.converged
    primitive = changed_basis(reflections, np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]]) / 2)
    assert len(primitive.symmetry) == 1
    same = reconstruct(primitive, 0.1).report
    assert same is not None
    assert same.entropy == pytest.approx(report.entropy, abs=1e-4)


def test_density_at_is_that_of_the_grid_and_of_any_finer_one() -> None:
    reflections = synthetic_reflections("P 21 21 21", CELLS["P 21 21 21"])
    density = reconstruct(reflections, 0.09)
    index = np.random.default_rng(1).integers(0, density.shape, (50, 3))
    on_grid = density_at(density, index / np.array(density.shape) + [1, -2, 0])
    np.testing.assert_allclose(on_grid, density.values[tuple(index.T)], rtol=1e-11)
    shape = tuple(2 * n for n in density.shape)
    finer = reconstruct(reflections, grid=shape, start=density.multipliers)
    between = density_at(density, (index + 0.5) / np.array(density.shape))
    expected = finer.values[tuple((2 * index + 1).T)]
    np.testing.assert_allclose(between, expected, rtol=5e-3)
    assert density_at(density, np.zeros((2, 5, 3))).shape == (2, 5)


def test_coarse_grid_first_ends_where_the_fine_one_alone_does() -> None:
    reflections = synthetic_reflections("P -1", CELLS["P -1"], 1.0)
    both = reconstruct(reflections, 0.08)
    alone = reconstruct(reflections, 0.08, coarse_step=0.08)
    assert both.report is not None
    assert alone.report is not None
    assert both.report.coarse_grid != both.report.grid
    assert alone.report.coarse_grid == both.report.grid
    np.testing.assert_allclose(both.values, alone.values, rtol=1e-5)


def test_solvers_end_in_the_same_density() -> None:
    reflections = synthetic_reflections("P 31 2 1", CELLS["P 31 2 1"], 1.0)
    newton, lbfgs, products = (
        reconstruct(reflections, 0.2, solver=solver) for solver in ("newton", "lbfgs", "newton-cg")
    )
    for other in (lbfgs, products):
        assert other.report is not None
        assert other.report.converged
        difference = np.abs(other.values - newton.values).sum() / newton.values.sum()
        assert difference < 1e-5


def test_start_saves_steps() -> None:
    reflections = synthetic_reflections("P -1", CELLS["P -1"], 1.0)
    first = reconstruct(reflections, 0.2)
    fewer = replace(
        reflections, hkl=reflections.hkl[3:], f=reflections.f[3:], sigma=reflections.sigma[3:]
    )
    cold, warm = reconstruct(fewer, 0.2), reconstruct(fewer, 0.2, start=first.multipliers)
    assert warm.report is not None
    assert cold.report is not None
    assert warm.report.iterations < cold.report.iterations
    np.testing.assert_allclose(warm.values, cold.values, rtol=1e-5)


# Priors


def test_a_prior_that_agrees_is_returned() -> None:
    reflections = synthetic_reflections("P -1", CELLS["P -1"], 1.0)
    first = reconstruct(reflections, 0.15)
    again = reconstruct(reflections, 0.15, prior=first, target=1.01)
    np.testing.assert_allclose(again.values, first.values, rtol=1e-9)
    assert again.report is not None
    assert again.report.entropy == pytest.approx(0.0, abs=1e-12)
    assert any("prior agrees" in note for note in again.report.notes)
    np.testing.assert_allclose(
        density_at(again, [[0.1, 0.2, 0.3]], prior=first),
        density_at(first, [[0.1, 0.2, 0.3]]),
        rtol=1e-3,
    )


def test_density_prior_on_another_grid() -> None:
    reflections = synthetic_reflections("P 21 21 21", CELLS["P 21 21 21"], 1.0)
    prior = reconstruct(reflections, 0.2, target=30.0)
    one = reconstruct(reflections, grid=(30, 40, 48), prior=prior)
    two = reconstruct(reflections, grid=(60, 80, 96), prior=prior)
    np.testing.assert_allclose(two.values[::2, ::2, ::2], one.values, rtol=5e-3)
    uniform = reconstruct(reflections, grid=(30, 40, 48))
    # The prior is exp of the same functions: the result is another than from a uniform one.
    assert np.abs(one.values - uniform.values).sum() > 1e-3 * uniform.values.sum()


def density_of(reflections: Reflections, values: FloatArray) -> Density:
    return Density(reflections.lattice, values, reflections.symmetry, source="map.ccp4")


def test_priors_that_cannot_be() -> None:
    reflections = synthetic_reflections("P -1", CELLS["P -1"], 1.2)
    flat = np.ones((20, 24, 30))
    with pytest.raises(InputError, match="unknown prior"):
        reconstruct(reflections, 0.3, prior="flat")
    with pytest.raises(InputError, match="structure"):
        reconstruct(reflections, 0.3, prior="procrystal")
    other = synthetic_reflections("P -1", (4.1, 5.0, 6.0, 80, 95, 103), 1.2)
    with pytest.raises(InputError, match="another cell"):
        reconstruct(reflections, 0.3, prior=density_of(other, flat))
    negative = flat.copy()
    negative[1, 2, 3] = -0.1
    with pytest.raises(InputError, match="positive"):
        reconstruct(reflections, 0.3, prior=density_of(reflections, negative))
    slope = flat + 0.8 * np.sin(2 * np.pi * np.arange(20) / 20)[:, None, None]
    with pytest.raises(InputError, match="symmetry"):
        reconstruct(reflections, 0.3, prior=density_of(reflections, slope))
    nearly = flat + 0.002 * np.sin(2 * np.pi * np.arange(20) / 20)[:, None, None]
    report = reconstruct(reflections, 0.3, prior=density_of(reflections, nearly)).report
    assert report is not None
    assert any("symmetrised" in note for note in report.notes)


# Grouped structure factors


def grouped(reflections: Reflections, pairs: int) -> Reflections:
    """The weakest-d reflections as overlapping pairs, with exact G."""
    single = len(reflections) - 2 * pairs
    groups = []
    for i in range(single, len(reflections), 2):
        hkl = reflections.hkl[i : i + 2]
        m = multiplicity(reflections.symmetry, hkl).astype(float)
        g = np.sqrt(m @ np.abs(reflections.f[i : i + 2]) ** 2 / m.sum())
        groups.append(ReflectionGroup(hkl, m, float(g), float(reflections.sigma[i])))
    return replace(
        reflections,
        hkl=reflections.hkl[:single],
        f=reflections.f[:single],
        sigma=reflections.sigma[:single],
        groups=tuple(groups),
    )


@pytest.mark.parametrize("name", ["P -1", "P 21 21 21"])
def test_groups_bring_back_what_overlap_hides(name: str) -> None:
    full = synthetic_reflections(name, CELLS[name], 0.9, noise=0.3)
    data = grouped(full, 15)
    without = replace(data, groups=())
    density, less = reconstruct(data, 0.15), reconstruct(without, 0.15)
    report = density.report
    assert report is not None
    assert report.converged
    assert report.chi2 == pytest.approx(1.0, abs=1e-5)
    # χ² with the true G of the density: the directions agree with it.
    total = np.sum(np.abs(report.f - data.f) ** 2 / data.sigma**2)
    points = grid_points(density)
    for group in data.groups:
        wave = np.exp(2j * np.pi * points @ group.hkl.T)
        f = density.values.ravel() @ wave / len(points) * data.lattice.volume
        g = np.sqrt(group.multiplicity @ np.abs(f) ** 2 / group.multiplicity.sum())
        total += (g - group.amplitude) ** 2 / group.sigma**2
    assert total / (len(data) + len(data.groups)) == pytest.approx(1.0, abs=1e-4)
    # Nearer to the truth than without the groups: F of the hidden reflections.
    hidden = full.hkl[len(data) :]
    truth = gaussian_structure_factors(full.lattice, full.symmetry, hidden)
    errors = []
    for found in (density, less):
        wave = np.exp(2j * np.pi * grid_points(found) @ hidden.T)
        f = found.values.ravel() @ wave / found.values.size
        errors.append(np.linalg.norm(f * full.lattice.volume - truth))
    assert errors[0] < 0.75 * errors[1]


def test_a_group_of_one_is_a_reflection() -> None:
    full = synthetic_reflections("P -1", CELLS["P -1"], 1.1)
    strongest = int(np.abs(full.f).argmax())
    order = np.r_[np.delete(np.arange(len(full)), strongest), strongest]
    full = replace(full, hkl=full.hkl[order], f=full.f[order], sigma=full.sigma[order])
    group = ReflectionGroup(
        full.hkl[-1:], np.array([2.0]), float(abs(full.f[-1])), float(full.sigma[-1])
    )
    data = replace(full, hkl=full.hkl[:-1], f=full.f[:-1], sigma=full.sigma[:-1], groups=(group,))
    one, other = reconstruct(full, 0.2), reconstruct(data, 0.2)
    np.testing.assert_allclose(other.values, one.values, rtol=1e-5)


def test_groups_alone_need_a_structure() -> None:
    full = synthetic_reflections("P -1", CELLS["P -1"], 1.5)
    data = grouped(full, len(full) // 2)
    data = replace(data, hkl=data.hkl[:0], f=data.f[:0], sigma=data.sigma[:0])
    with pytest.raises(InputError, match="grouped structure factors only"):
        reconstruct(data, 0.2)


# What stops it


def test_contradictory_data_are_named() -> None:
    # Harker-Kasper: U(200) ≥ 2 U(100)² - 1 = 0.62 for U(100) = 0.9, not -0.9.
    hkl = np.array([[1, 0, 0], [2, 0, 0]])
    f, sigma = np.array([0.9, -0.9]), np.array([0.01, 0.02])
    data = Reflections(
        Lattice.cubic(4.0), Symmetry.from_name("P -1"), hkl, f + 0j, sigma, 1.0
    )  # fmt: skip
    with pytest.raises(InfeasibleTarget) as caught:
        reconstruct(data, grid=(72, 9, 9))
    best = minimize_scalar(
        lambda u: (((u - 0.9) / 0.01) ** 2 + ((2 * u * u - 1 + 0.9) / 0.02) ** 2) / 2,
        bounds=(0, 1),
        method="bounded",
    )
    error = caught.value
    assert error.chi2_min == pytest.approx(best.fun, rel=0.015)
    assert {h for h, _ in error.responsible} == {(1, 0, 0), (2, 0, 0)}
    assert error.density.values.min() > 0
    assert error.density.report is not None
    assert not error.density.report.converged
    assert error.density.report.stopped == "infeasible"


@pytest.mark.parametrize("solver", ["newton", "lbfgs", "newton-cg"])
def test_impossible_amplitude(solver: str) -> None:
    data = synthetic_reflections("P -1", CELLS["P -1"], 1.3)
    wrong = data.f.copy()
    wrong[4] = 1.3 * data.electrons
    with pytest.raises(InfeasibleTarget) as caught:
        reconstruct(replace(data, f=wrong), 0.3, solver=solver)
    assert caught.value.responsible[0][0] == tuple(data.hkl[4])
    assert caught.value.chi2_min > 100


@pytest.mark.parametrize(
    ("solver", "moments"), [("newton-cg", {2: 1.0}), ("newton-cg", {2: 1.0, 4: 0.5})]
)
def test_newton_cg_leaves_hopeless_targets_to_newton(
    solver: str, moments: dict[int, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mem.solving._PRODUCTS", 300)
    data = synthetic_reflections("P -1", CELLS["P -1"], 1.1, noise=3.0)
    with pytest.raises(InfeasibleTarget) as caught:
        reconstruct(data, 0.25, target=0.02, solver=solver, moments=moments)
    report = caught.value.density.report
    assert report is not None
    assert any("left the rest to newton after 300 products" in note for note in report.notes)


@pytest.mark.parametrize("limit", [40, 400])
def test_the_method_that_takes_over_ends_in_the_same_density(
    limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = synthetic_reflections("P -1", CELLS["P -1"], 1.1)
    expected = reconstruct(data, 0.2)
    monkeypatch.setattr("mem.solving._PRODUCTS", limit)
    monkeypatch.setattr("mem.solving.EXPLICIT_UNKNOWNS", 0)  # lbfgs takes over
    found = reconstruct(data, 0.2, solver="newton-cg")
    np.testing.assert_allclose(found.values, expected.values, rtol=1e-3, atol=1e-4)
    assert found.report is not None
    assert found.report.chi2 == pytest.approx(1.0, abs=1e-3)


def test_target_below_what_noise_allows() -> None:
    data = synthetic_reflections("P -1", CELLS["P -1"], 0.9, noise=3.0)
    with pytest.raises(InfeasibleTarget) as caught:
        reconstruct(data, 0.25, target=0.02)
    smallest = caught.value.chi2_min
    assert smallest > 0.02
    assert reconstruct(data, 0.25, target=1.1 * smallest).report is not None


def test_cancel_keeps_the_last_density() -> None:
    data = synthetic_reflections("P -1", CELLS["P -1"], 0.9)
    token, texts = CancelToken(), []

    def progress(done: int, total: int, text: str) -> None:
        texts.append(text)
        if done == 4:
            token.cancel()

    density = reconstruct(data, 0.15, progress=progress, cancel=token)
    assert density.report is not None
    assert not density.report.converged
    assert density.report.stopped == "cancelled"
    assert density.shape == density.report.grid
    assert density.electrons == pytest.approx(data.electrons)
    assert density.report.chi2 == pytest.approx(float(texts[-1].split()[1].rstrip(",")), rel=0.05)
    assert texts[4].startswith("χ² ")
    assert texts[4].endswith("newton step 4")
    with pytest.raises(Cancelled):
        reconstruct(data, 0.15, cancel=token)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("grid_step", step) for step in (0.0, -0.1, np.inf, np.nan, "0.3", None)),
        *(("target", target) for target in (-1.0, np.inf, np.nan, "one")),
        *(("weighting", power) for power in (400, -21, np.inf, "four")),
        *(("moments", moments) for moments in ([2, 4], 2.0, "χ²", {2: "1"}, {2.5: 1.0})),
        *(("coarse_step", step) for step in (0.0, np.nan, "0.3")),
        ("grid", 24),
    ],
)
def test_impossible_settings_are_named(key: str, value: object) -> None:
    data = synthetic_reflections("P -1", CELLS["P -1"], 1.3)
    settings = {"grid_step": 0.3} | {key: value}
    with pytest.raises(InputError, match=f"'{key.removeprefix('grid_').removeprefix('coarse_')}'"):
        reconstruct(data, **settings)  # type: ignore[arg-type]


def test_a_grid_finer_than_asked_is_noted() -> None:
    data = synthetic_reflections("P -1", CELLS["P -1"], 1.3)
    report = reconstruct(data, 0.9, target=1000.0).report  # few points: no smaller χ²
    assert report is not None
    assert any("finer than asked: 0.90 Å would not hold" in note for note in report.notes)
    fine = reconstruct(data, 0.3).report
    assert fine is not None
    assert not any("finer than asked" in note for note in fine.notes)


def test_bad_settings_and_data() -> None:
    data = synthetic_reflections("C m c m", (5.0, 6.0, 4.0, 90, 90, 90), 1.1)
    with pytest.raises(InputError, match="too coarse"):
        reconstruct(data, grid=(8, 10, 6))
    with pytest.raises(InputError, match="divisible by 2"):
        reconstruct(data, grid=(25, 30, 20))
    with pytest.raises(InputError, match="solver"):
        reconstruct(data, 0.3, solver="simplex")
    with pytest.raises(InputError, match="target"):
        reconstruct(data, 0.3, target=0.0)
    with pytest.raises(InputError, match="weighting"):
        reconstruct(data, 0.3, weighting=float("nan"))
    with pytest.raises(InputError, match="L-BFGS"):
        reconstruct(data, 0.3, solver="lbfgs", moments={4: 1.0})
    with pytest.raises(InputError, match="sigma"):
        reconstruct(replace(data, sigma=0 * data.sigma), 0.3)
    with pytest.raises(InputError, match="NaN"):
        reconstruct(replace(data, f=data.f * np.nan), 0.3)
    with pytest.raises(InputError, match="no reflections"):
        reconstruct(replace(data, hkl=data.hkl[:0], f=data.f[:0], sigma=data.sigma[:0]), 0.3)
    with pytest.raises(InputError, match="phases"):
        reconstruct(replace(data, f=data.f * 1j), 0.3)
    with pytest.raises(InputError, match="F\\(000\\)"):
        reconstruct(replace(data, electrons=0.0), 0.3)
    rotated = data.hkl @ data.symmetry.rotations[3]
    assert np.array_equal(
        representatives(data.symmetry, rotated).hkl, representatives(data.symmetry, data.hkl).hkl
    )
