"""From measured intensities to structure factors: what goes in comes out, and nothing is lost."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ixs_core.arrays import FloatArray, IntArray
from ixs_core.crystal import Crystal
from ixs_core.errors import InputError
from mem.extinction import extinction_factor, leverage
from mem.merging import merge
from mem.model_structure import structure_factors
from mem.preparation import prepare, shell_mean
from mem.reflection_symmetry import orbits, unique_reflections
from mem.reflections import MeasuredReflections
from tests.mem.model_crystals import random_crystal

D_MIN = 0.9


def _data(
    crystal: Crystal, hkl: IntArray | None = None, *, noise: float = 0.0, seed: int = 0
) -> MeasuredReflections:
    """F² of the model for unique reflections, 2 % + 1 e² of σ, with as much of noise as asked."""
    if hkl is None:
        hkl = unique_reflections(crystal.symmetry, crystal.lattice, D_MIN)
    squared = np.abs(structure_factors(crystal, hkl)) ** 2
    sigma = 0.02 * squared + 1.0
    rng = np.random.default_rng(seed)
    return MeasuredReflections(
        hkl=hkl,
        intensity=squared + noise * sigma * rng.normal(size=len(hkl)),
        sigma=sigma,
        calculated=squared,
        source="made-up",
    )


def _model(crystal: Crystal, hkl: IntArray) -> FloatArray:
    return structure_factors(crystal, hkl, dispersion=False)


def _said(notes: tuple[str, ...], words: str) -> str:
    found = [note for note in notes if words in note]
    assert len(found) == 1, notes
    return found[0]


@pytest.mark.parametrize("group", ["P -1", "C m c m", "P 21 21 21", "P 61 2 2", "C 1 c 1"])
def test_perfect_data_are_f_calc_without_dispersion(group: str) -> None:
    crystal = random_crystal(group, 1)
    result = prepare(_data(crystal), crystal)
    expected = _model(crystal, result.hkl)
    strong = np.abs(expected) > 20 * result.sigma
    assert strong.sum() > 0.3 * len(strong)
    np.testing.assert_allclose(result.f[strong], expected[strong], rtol=1e-9)
    assert result.electrons == crystal.electrons_per_cell
    assert result.comparison is not None
    assert result.comparison.r_factor < 1e-9
    assert result.comparison.r_calculated == pytest.approx(0, abs=1e-12)
    assert len(result.comparison.missing_low_angle) == 0


@pytest.mark.parametrize("group", ["P 21 21 21", "P 61 2 2", "C m c m"])
def test_all_equivalents_merge_to_the_unique_ones(group: str) -> None:
    crystal = random_crystal(group, 2)
    unique = unique_reflections(crystal.symmetry, crystal.lattice, 1.2)
    everything = orbits(crystal.symmetry, unique).hkl
    # Friedel mates of an acentric crystal differ by dispersion, and are still one reflection.
    once = prepare(_data(crystal, unique), crystal)
    many = prepare(_data(crystal, everything), crystal)
    assert {*map(tuple, many.hkl.tolist())} == {*map(tuple, unique.tolist())}
    order = [once.hkl.tolist().index(index) for index in many.hkl.tolist()]
    strong = np.abs(many.f) > 20 * once.sigma[order]
    np.testing.assert_allclose(many.f[strong], once.f[order][strong], rtol=1e-9)
    note = _said(many.notes, "are merged to")
    assert note.startswith(f"{len(everything)} measured reflections are merged to {len(unique)}")
    # The ratio takes dispersion out exactly; the difference, used for weak ones, does too.
    assert "R_int = 0.0000" in note


def test_merging_is_the_weighted_mean() -> None:
    crystal = random_crystal("P -1")
    hkl = np.array([[1, 2, 3], [-1, -2, -3], [1, 2, 3], [0, 1, 1]])
    intensity, sigma = np.array([10.0, 13.0, 12.0, 5.0]), np.array([1.0, 2.0, 1.0, 0.5])
    merged = merge(crystal.symmetry, hkl, intensity, sigma, {"twice": 2 * intensity})
    first = merged.hkl.tolist().index([1, 2, 3])
    mean = (10 + 13 / 4 + 12) / 2.25
    assert merged.intensity[first] == pytest.approx(mean)
    assert merged.others["twice"][first] == pytest.approx(2 * mean)
    deviations = abs(10 - mean) + abs(13 - mean) + abs(12 - mean)
    assert merged.sigma[first] == pytest.approx(max(2.25**-0.5, deviations / (3 * 2**0.5)))
    assert merged.r_internal == pytest.approx(deviations / 35)
    assert merged.sigma[1 - first] == 0.5


def test_a_raw_list_is_scaled() -> None:
    crystal = random_crystal("P 21 21 21", 3)
    data = _data(crystal, noise=1.0, seed=3)
    raw = replace(data, intensity=7.3 * data.intensity, sigma=7.3 * data.sigma, absolute=False)
    result = prepare(raw, crystal)
    assert result.comparison is not None
    assert result.comparison.scale == pytest.approx(7.3**-0.5, rel=2e-3)
    reference = prepare(data, crystal)
    strong = np.abs(reference.f) > 20 * reference.sigma
    np.testing.assert_allclose(result.f[strong], reference.f[strong], rtol=4e-3)


def test_an_absolute_list_keeps_its_scale_unless_it_is_far_off() -> None:
    crystal = random_crystal("P 21 21 21", 4)
    data = _data(crystal)
    near = prepare(replace(data, intensity=1.06 * data.intensity), crystal)
    far = prepare(replace(data, intensity=1.5 * data.intensity), crystal)
    assert near.comparison is not None
    assert far.comparison is not None
    assert near.comparison.scale == 1.0
    assert far.comparison.scale == pytest.approx(1.5**-0.5, rel=1e-3)
    _said(far.notes, "should be on absolute scale")


def test_weights() -> None:
    crystal = random_crystal("P -1", 5)
    data = replace(_data(crystal), weights=(0.05, 0.4))
    strong = data.intensity > 100 * data.sigma.min()
    assert strong.any()

    def sigma(**options: object) -> FloatArray:
        result = prepare(data, crystal, **options)
        return 2 * np.abs(result.f) * result.sigma

    alone = sigma(weights="sigma")
    f = prepare(data, crystal, weights="sigma").f
    seen = np.abs(f) ** 2 > 10 * alone
    p = np.abs(f[seen]) ** 2
    own = alone[seen]
    for weights, (a, b) in {"refinement": (0.05, 0.4), (0.1, 0.0): (0.1, 0.0)}.items():
        expected = np.sqrt(own**2 + (a * p) ** 2 + b * p)
        np.testing.assert_allclose(sigma(weights=weights)[seen], expected, rtol=1e-6)
    with pytest.raises(InputError, match="no such weights"):
        prepare(data, crystal, weights=(-1.0, 0.0))


def test_the_model_fits_its_own_noisy_data() -> None:
    """χ² of the model is 1 for the data as they are, whatever was done to weak ones."""
    crystal = random_crystal("P 21 21 21", 6)
    result = prepare(_data(crystal, noise=1.0, seed=6), crystal)
    expected = _model(crystal, result.hkl)
    chi2 = np.mean(np.abs(result.f - expected) ** 2 / result.sigma**2)
    assert chi2 == pytest.approx(1, abs=4 * np.sqrt(2 / len(result)))


def test_negative_and_weak_intensities_are_kept_positive_and_counted() -> None:
    crystal = random_crystal("C m c m", 7)
    data = _data(crystal, noise=1.0, seed=7)
    weak = replace(data, sigma=data.sigma + 30.0, intensity=data.intensity - 25.0)
    result = prepare(weak, crystal)
    assert len(result) == len(data.hkl)
    assert np.all(np.abs(result.f) > 0)
    assert np.all(result.sigma > 0)
    negative = int(np.sum(weak.intensity < 0))
    assert negative > 3
    note = _said(result.notes, "French & Wilson")
    assert abs(int(note.split("(")[1].split(" of them")[0]) - negative) <= 3  # dispersion moves few


def test_real_structure_factors_are_exactly_real() -> None:
    crystal = random_crystal("C m c m", 8)
    result = prepare(_data(crystal), crystal)
    assert np.all(result.f.imag == 0)


def test_missing_low_angle_reflections_are_listed() -> None:
    crystal = random_crystal("C m c m", 9)
    unique = unique_reflections(crystal.symmetry, crystal.lattice, D_MIN)
    low, high = unique[[0, 3]], unique[-1:]
    kept = np.array([h for h in unique.tolist() if h not in [*low.tolist(), *high.tolist()]])
    result = prepare(_data(crystal, kept), crystal)
    assert result.comparison is not None
    assert result.comparison.missing_low_angle.tolist() == low.tolist()
    _said(result.notes, "2 reflections at low angle were not measured")


def test_a_few_weak_forbidden_reflections_are_left_out() -> None:
    crystal = random_crystal("C m c m", 10)
    data = _with_forbidden(crystal, [0.5, -1.0, 3.2, 0.1])
    result = prepare(data, crystal)
    note = _said(result.notes, "forbids")
    assert note.startswith(
        "4 reflections are left out because the space group forbids them, 1 of them"
    )
    assert len(result) == len(data.hkl) - 4


@pytest.mark.parametrize("ratios", [[4.0] * 8, [60.0, 80.0]])
def test_significant_forbidden_reflections_mean_a_wrong_space_group(ratios: list[float]) -> None:
    crystal = random_crystal("C m c m", 11)
    with pytest.raises(InputError, match=r"wrong space group.*\(.*I/σ = "):
        prepare(_with_forbidden(crystal, ratios), crystal)


def _with_forbidden(crystal: Crystal, ratios: list[float]) -> MeasuredReflections:
    data = _data(crystal)
    extra = np.array([[2 * i + 1, 0, 2] for i in range(len(ratios))])
    sigma = np.full(len(ratios), float(np.mean(data.intensity)) / 50)
    return replace(
        data,
        hkl=np.concatenate([data.hkl, extra]),
        intensity=np.concatenate([data.intensity, sigma * ratios]),
        sigma=np.concatenate([data.sigma, sigma]),
        calculated=None,
    )


def test_rows_without_value_or_sigma_are_left_out_and_counted() -> None:
    crystal = random_crystal("P -1", 12)
    data = _data(crystal)
    hkl, intensity, sigma = data.hkl.copy(), data.intensity.copy(), data.sigma.copy()
    intensity[:3] = np.nan
    sigma[3:5] = 0.0
    hkl[5] = 0
    broken = replace(data, hkl=hkl, intensity=intensity, sigma=sigma)
    result = prepare(broken, crystal)
    assert len(result) == len(data.hkl) - 6
    _said(result.notes, "3 rows are left out without a measured value")
    _said(result.notes, "2 rows are left out whose σ")
    _said(result.notes, "1 row is left out (0 0 0)")


def test_nothing_left_is_an_error() -> None:
    crystal = random_crystal("P -1", 13)
    data = _data(crystal)
    with pytest.raises(InputError, match="no usable reflection"):
        prepare(replace(data, sigma=np.zeros(len(data.hkl))), crystal)


def test_only_observed_ones_if_asked_for() -> None:
    crystal = random_crystal("P -1", 14)
    data = _data(crystal, noise=1.0)
    by_sigma = prepare(data, crystal, observed_only=True)
    assert len(by_sigma) == int(np.sum(data.intensity > 3 * data.sigma))
    observed = np.arange(len(data.hkl)) % 2 == 0
    by_file = prepare(replace(data, observed=observed), crystal, observed_only=True)
    assert len(by_file) == observed.sum()
    _said(by_file.notes, "does not call observed")


def test_the_wrong_structure_is_an_error() -> None:
    crystal = random_crystal("P -1", 15)
    other = random_crystal("P -1", 99)
    moved = tuple(
        replace(site, position=site.position + shift)
        for site, shift in zip(other.sites, ([0.2, 0, 0.1], [0, 0.3, 0], [0.1, 0, 0]), strict=True)
    )
    with pytest.raises(InputError, match="does not describe"):
        prepare(_data(crystal), replace(other, sites=moved))


def test_extinction_is_seen() -> None:
    crystal = replace(random_crystal("C m c m", 16), wavelength_angstrom=0.71)
    data = _data(crystal)
    f = np.sqrt(data.intensity)
    y = extinction_factor(0.05, leverage(crystal.lattice, data.hkl, f, 0.71))
    assert y.min() < 0.97
    quiet = prepare(data, crystal)
    weakened = prepare(replace(data, intensity=data.intensity * y), crystal)
    assert quiet.comparison is not None
    assert weakened.comparison is not None
    assert "No extinction is left to see" in quiet.comparison.extinction
    assert "too weak, as by extinction" in weakened.comparison.extinction


def test_a_raw_list_is_corrected_for_extinction_as_refined() -> None:
    crystal = replace(random_crystal("C m c m", 17), wavelength_angstrom=0.71)
    data = _data(crystal)
    y = extinction_factor(0.05, leverage(crystal.lattice, data.hkl, np.sqrt(data.intensity), 0.71))
    raw = replace(
        data,
        intensity=4 * y * data.intensity,
        sigma=4 * y * data.sigma,
        absolute=False,
        calculated=None,
        extinction="SHELXL-2018/3 (Sheldrick 2018), coefficient 0.05(1)",
    )
    result = prepare(raw, crystal)
    assert result.comparison is not None
    assert result.comparison.scale == pytest.approx(0.5, rel=1e-9)
    assert result.comparison.r_factor < 1e-9
    _said(result.notes, "corrected for extinction with x = 0.05")


def test_shell_means_follow_the_fall_with_angle() -> None:
    q = np.random.default_rng(0).random(500) * 10
    mean = shell_mean(q, np.exp(-q))
    np.testing.assert_allclose(mean, np.exp(-q), rtol=0.8)
    assert np.all(np.diff(mean[np.argsort(q)]) <= 1e-12)
    np.testing.assert_allclose(shell_mean(q[:5], np.full(5, 2.0)), 2.0)
