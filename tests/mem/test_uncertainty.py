"""Uncertainty of densities: the noise that is drawn, its spread, the null, and the claim."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ixs_core.crystal import Crystal, Site
from ixs_core.errors import Cancelled, InputError
from ixs_core.jobs import CancelToken
from ixs_core.lattice import Lattice
from ixs_core.symmetry import Symmetry
from mem.channel import channel_claim, error_band
from mem.model_structure import structure_factors
from mem.prior import procrystal_at
from mem.profile import Profile
from mem.reconstruction import density_at
from mem.reflection_symmetry import multiplicity, unique_reflections
from mem.reflections import ReflectionGroup, Reflections
from mem.resampling import centred_on, null_reflections, resampled
from mem.uncertainty import (
    Bootstrap,
    Centre,
    NullProfile,
    bootstrap,
    bootstrap_paths,
    null_profile,
    null_profiles,
)

PATH = [[0.0, 0.0, 0.0], [1.0, 0.0, 0.0]]
FEW = {"path_points": 11, "workers": 1}


def toy(symmetry: str = "P m m m", anharmonic: bool = False) -> Crystal:
    u = 0.03 * np.eye(3)
    third_order = np.array([0.0, 0, 0, 0, 0.05, 0, 0, 0, 0, 0]) if anharmonic else None
    position = np.zeros(3) if symmetry == "P m m m" else np.array([0.02, 0.05, 0.11])
    centre = np.array([0.5, 0.5, 0.5]) if symmetry == "P m m m" else np.array([0.52, 0.4, 0.6])
    return Crystal(
        lattice=Lattice(4.6, 4.2, 4.0),
        sites=(
            Site("Cu1", "Cu", "Cu", position, u=u, gram_charlier=third_order),
            Site("I1", "I", "I", centre, u=u),
        ),
        symmetry=Symmetry.from_name(symmetry),
    )


def data_of(crystal: Crystal, sigma: float = 0.4, d_min: float = 0.8) -> Reflections:
    hkl = unique_reflections(crystal.symmetry, crystal.lattice, d_min)
    f = structure_factors(crystal, hkl, dispersion=False)
    return Reflections(
        lattice=crystal.lattice,
        symmetry=crystal.symmetry,
        hkl=hkl,
        f=f,
        sigma=np.full(len(hkl), sigma),
        electrons=crystal.electrons_per_cell,
        structure=crystal,
    )


@pytest.fixture(scope="module")
def exact() -> Reflections:
    return data_of(toy())


@pytest.fixture(scope="module")
def measured(exact: Reflections) -> Reflections:
    return resampled(exact, np.random.default_rng(5))


@pytest.fixture(scope="module")
def small(measured: Reflections) -> Bootstrap:
    return bootstrap(measured, 6, PATH, seed=3, **FEW)


def grouped(reflections: Reflections) -> Reflections:
    """The last four reflections as one group."""
    hkl, f = reflections.hkl[-4:], reflections.f[-4:]
    weights = multiplicity(reflections.symmetry, hkl).astype(float)
    amplitude = float(np.sqrt(np.sum(weights * np.abs(f) ** 2) / weights.sum()))
    group = ReflectionGroup(hkl, weights, amplitude, 0.4)
    return replace(
        reflections,
        hkl=reflections.hkl[:-4],
        f=reflections.f[:-4],
        sigma=reflections.sigma[:-4],
        groups=(group,),
    )


def test_noise_is_normal_along_the_phases() -> None:
    data = data_of(toy("P 21 21 21"), d_min=0.55)
    sigma = np.linspace(0.2, 2.0, len(data))
    data = replace(data, sigma=sigma)
    noise = np.concatenate(
        [
            (resampled(data, np.random.default_rng(seed)).f - data.f)
            * np.exp(-1j * np.angle(data.f))
            for seed in range(20)
        ]
    ).reshape(20, -1)
    assert np.abs(noise.imag).max() < 1e-9
    pulls = noise.real / sigma
    n = pulls.size
    assert abs(pulls.mean()) < 4 / np.sqrt(n)
    assert abs(pulls.var() - 1) < 4 * np.sqrt(2 / n)
    assert abs(np.mean(pulls**4) - 3) < 4 * np.sqrt(96 / n)


def test_samples_depend_on_the_seed_and_their_number_only(
    measured: Reflections, small: Bootstrap
) -> None:
    again = bootstrap(measured, 4, PATH, seed=3, path_points=11, workers=3)
    np.testing.assert_array_equal(again.samples, small.samples[:4])
    other = bootstrap(measured, 2, PATH, seed=4, **FEW)
    assert np.abs(other.samples - small.samples[:2]).max() > 1e-4


def test_a_start_saves_steps_and_changes_nothing(measured: Reflections, small: Bootstrap) -> None:
    again = bootstrap(measured, 2, PATH, seed=3, start=small.density.multipliers, **FEW)
    np.testing.assert_allclose(again.samples, small.samples[:2], rtol=1e-4, atol=1e-6)
    report, before = again.density.report, small.density.report
    assert report is not None
    assert before is not None
    assert report.iterations < before.iterations


def test_profile_is_the_density_of_the_data_and_sigma_its_spread(small: Bootstrap) -> None:
    profile = small.profile
    np.testing.assert_allclose(profile.density, density_at(small.density, profile.points))
    mean = small.samples.mean(axis=0)
    variance = np.sum((small.samples - mean) ** 2, axis=0) / (len(small.samples) - 1)
    np.testing.assert_allclose(profile.sigma, np.sqrt(variance))
    assert profile.corners.tolist() == pytest.approx([0.0, 4.6])
    assert small.notes == ()


def test_equivalent_points_have_the_same_spread(small: Bootstrap) -> None:
    """By the mirror at x = 1/2."""
    sigma = small.profile.sigma
    np.testing.assert_allclose(sigma, sigma[::-1], rtol=1e-9)
    assert np.all(sigma > 0)


def test_the_ratio_to_the_peak_has_no_error_at_the_peak(small: Bootstrap) -> None:
    relative = small.relative()
    assert small.peak_index in (0, 10)
    assert relative.density[small.peak_index] == 1.0
    assert relative.sigma[small.peak_index] == 0.0
    ratios = small.samples[:, 5] / small.samples[:, small.peak_index]
    assert relative.sigma[5] == pytest.approx(np.std(ratios, ddof=1))


def test_spread_is_that_of_repeated_measurements(exact: Reflections) -> None:
    """Against the scatter of reconstructions of independent data, where the truth is known."""

    def spread_over_scatter(centre: Centre) -> float:
        runs = [
            bootstrap(
                *(resampled(exact, np.random.default_rng(100 + i)), 12, PATH),
                centre=centre,
                path_points=7,
            )
            for i in range(12)
        ]
        scatter = np.array([run.profile.density for run in runs]).std(axis=0, ddof=1)[:4]
        spread = np.sqrt(np.mean([run.profile.sigma**2 for run in runs], axis=0))[:4]
        return float(np.exp(np.mean(np.log(spread / scatter))))

    # Twelve measurements give the scatter to 1/√22 = 21 %.
    about_reconstruction = spread_over_scatter("reconstruction")
    assert 0.65 < about_reconstruction < 1.55
    # Noise on top of noise is fitted as if it were density.
    assert spread_over_scatter("data") > about_reconstruction


def test_smaller_errors_give_a_smaller_spread(exact: Reflections, small: Bootstrap) -> None:
    tenth = replace(exact, sigma=exact.sigma / 10)
    better = bootstrap(tenth, 6, PATH, seed=3, **FEW)
    assert np.all(better.profile.sigma < 0.5 * small.profile.sigma)


def test_the_centre_is_the_reconstruction_groups_included(measured: Reflections) -> None:
    data = grouped(measured)
    made = bootstrap(data, 2, PATH, **FEW)
    report, density = made.density.report, made.density
    assert report is not None
    centre = centred_on(data, density)
    np.testing.assert_array_equal(centre.f, report.f)
    # The group by direct summation of ρ exp(2πi h·r).
    group = data.groups[0]
    x = np.stack(np.meshgrid(*(np.arange(n) / n for n in density.shape), indexing="ij"))
    f = [
        np.mean(density.values * np.exp(2j * np.pi * np.tensordot(h, x, 1)))
        * density.lattice.volume
        for h in group.hkl
    ]
    square = np.sum(group.multiplicity * np.abs(f) ** 2) / group.multiplicity.sum()
    assert centre.groups[0].amplitude == pytest.approx(np.sqrt(square))


def test_a_cancelled_bootstrap_keeps_what_is_done(measured: Reflections) -> None:
    token = CancelToken()

    def stop_after_three(done: int, total: int, text: str) -> None:
        if done == 3:
            token.cancel()

    made = bootstrap(measured, 40, PATH, seed=3, progress=stop_after_three, cancel=token, **FEW)
    assert 3 <= len(made.samples) < 40
    assert made.asked == 40
    assert any("cancelled after" in note for note in made.notes)
    assert np.all(np.isfinite(made.profile.sigma))


def test_a_bootstrap_cancelled_at_once_gives_nothing(measured: Reflections) -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        bootstrap(measured, 4, PATH, cancel=token, **FEW)


def test_one_sample_is_too_few(measured: Reflections) -> None:
    with pytest.raises(InputError, match="too few samples"):
        bootstrap(measured, 1, PATH)
    with pytest.raises(InputError, match="too few samples"):
        null_profile(measured, PATH, 1)


@pytest.mark.parametrize("n", [2.5, float("nan"), "many"])
def test_a_number_of_samples_is_whole(measured: Reflections, n: object) -> None:
    with pytest.raises(InputError, match="not a number of samples"):
        bootstrap(measured, n, PATH)  # type: ignore[arg-type]


@pytest.mark.parametrize("step", [float("nan"), -1.0, "fine"])
def test_the_spacing_of_the_samples_is_a_length(measured: Reflections, step: object) -> None:
    with pytest.raises(InputError, match="not a length"):
        bootstrap(measured, 4, PATH, grid_step=step)  # type: ignore[typeddict-item]


def test_null_data_are_those_of_the_model() -> None:
    crystal = toy("P 21 21 21", anharmonic=True)
    data = grouped(data_of(crystal))
    shifted = replace(data, f=data.f * 1.1)
    null = null_reflections(shifted)
    np.testing.assert_allclose(null.f, data.f)
    assert null.groups[0].amplitude == pytest.approx(data.groups[0].amplitude)
    np.testing.assert_array_equal(null.sigma, data.sigma)
    harmonic = null_reflections(shifted, anharmonic=False)
    plain = replace(
        crystal, sites=tuple(replace(site, gram_charlier=None) for site in crystal.sites)
    )
    np.testing.assert_allclose(harmonic.f, structure_factors(plain, data.hkl, dispersion=False))


def test_null_profile_ends_at_the_model_when_the_data_are_good(exact: Reflections) -> None:
    """With the procrystal as prior the reconstruction of the model is the model."""
    null = null_profile(exact, PATH, prior="procrystal", **FEW)
    crystal = exact.structure
    assert crystal is not None
    np.testing.assert_allclose(null.model.density, procrystal_at(crystal, null.model.points))
    np.testing.assert_allclose(null.profile.density, null.model.density, rtol=2e-3)
    assert np.all(np.isnan(null.profile.sigma))


def test_bias_is_reconstruction_minus_model(exact: Reflections) -> None:
    null = null_profile(exact, PATH, 3, **FEW)
    np.testing.assert_allclose(null.bias, null.profile.density - null.model.density)
    assert null.samples.shape == (3, 11)
    assert np.all(null.profile.sigma > 0)
    # A uniform prior lowers peaks.
    assert null.bias[0] < 0
    relative = null.profile.density / null.profile.density.max()
    model = null.model.density / null.model.density.max()
    np.testing.assert_allclose(null.relative_bias, relative - model)


def test_no_model_no_null(exact: Reflections) -> None:
    with pytest.raises(InputError, match="no refined model"):
        null_profile(replace(exact, structure=None), PATH)


def profile_of(density: list[float]) -> Profile:
    n = len(density)
    x = np.linspace(0, 1, n)
    points = np.stack([x, 0 * x, 0 * x], axis=1)
    values = np.array(density)
    return Profile(points, 3.2 * x, values, np.full(n, np.nan), np.array([0.0, 3.2]))


def made_up(middle: float, spread: float, small: Bootstrap) -> Bootstrap:
    """Peak 50 e/Å³ in every sample; the middle varies by ±`spread`/√2 about `middle`."""
    offset = 50 * spread / np.sqrt(2)
    samples = np.array([[50.0, 50 * middle - offset, 50.0], [50.0, 50 * middle + offset, 50.0]])
    profile = replace(profile_of([50.0, 50 * middle, 50.0]), sigma=samples.std(axis=0, ddof=1))
    return Bootstrap(profile, samples, 2, small.density)


@pytest.fixture
def null() -> NullProfile:
    """Of the peak, the null has 0.004 in the middle and the model 0.003."""
    return NullProfile(
        profile_of([40.0, 0.16, 40.0]), profile_of([50.0, 0.15, 50.0]), np.empty((0, 3))
    )


def test_band_is_noise_and_bias_in_quadrature(small: Bootstrap, null: NullProfile) -> None:
    data = made_up(0.008, 0.0009, small)
    np.testing.assert_allclose(error_band(data, null)[0], 10.0)
    np.testing.assert_allclose(error_band(data, null)[1], np.hypot(50 * 0.0009, 0.01))
    np.testing.assert_allclose(
        error_band(data, null, relative=True), [0.0, np.hypot(0.0009, 0.001), 0.0], atol=1e-12
    )
    np.testing.assert_allclose(error_band(data, None)[1], 50 * 0.0009)


def test_a_channel_is_claimed_above_null_and_errors_only(
    small: Bootstrap, null: NullProfile
) -> None:
    # √(0.0009² + 0.001²) = 0.001345: claimed from 0.00669 on.
    claim = channel_claim(made_up(0.0078, 0.0009, small), null, peak="Cu peak")
    assert claim.claimed
    assert claim.threshold == pytest.approx(0.004 + 2 * np.hypot(0.0009, 0.001))
    assert (claim.null, claim.model) == pytest.approx((0.004, 0.003))
    assert claim.bias == pytest.approx(0.001)
    assert claim.distance_angstrom == pytest.approx(1.6)
    assert "0.0078(9) of the Cu peak" in claim.sentence
    assert "may be claimed" in claim.sentence
    for ratio in (0.0066, 0.004, 0.001):
        claim = channel_claim(made_up(ratio, 0.0009, small), null)
        assert not claim.claimed
        assert "none may be claimed" in claim.sentence
        assert "0.0067" in claim.sentence


def test_the_noise_of_the_null_counts(small: Bootstrap, null: NullProfile) -> None:
    noisy = replace(null, samples=np.array([[40.0, 0.08, 40.0], [40.0, 0.24, 40.0]]))
    claim = channel_claim(made_up(0.0078, 0.0009, small), noisy)
    assert claim.null_sigma == pytest.approx(0.002 * np.sqrt(2))
    assert not claim.claimed


def test_a_null_below_the_model_is_no_license(small: Bootstrap, null: NullProfile) -> None:
    """A method that loses the tail must not make the true tail a channel."""
    low = replace(null, profile=profile_of([40.0, 0.0, 40.0]))
    assert channel_claim(made_up(0.0031, 0.0001, small), low).threshold >= 0.003


def test_a_prior_without_a_channel_is_warned_of(
    exact: Reflections, small: Bootstrap, null: NullProfile
) -> None:
    assert "prior" not in channel_claim(made_up(0.004, 0.0009, small), null).sentence
    prior = bootstrap(exact, 2, PATH, prior="procrystal", **FEW)
    claim = channel_claim(made_up(0.004, 0.0009, prior), null)
    assert claim.prior == "procrystal"
    assert "The prior (procrystal) biases" in claim.sentence


def test_other_paths_do_not_compare(small: Bootstrap, null: NullProfile) -> None:
    with pytest.raises(InputError, match="different paths"):
        channel_claim(small, null)
    with pytest.raises(InputError, match="not on the path"):
        channel_claim(made_up(0.01, 0.001, small), null, at_angstrom=7.0)


def test_paths_together_are_paths_alone(measured: Reflections, small: Bootstrap) -> None:
    """The same samples serve several paths: each is what it is by itself."""
    diagonal = [[0.0, 0.0, 0.0], [0.5, 0.5, 0.5]]
    first, second = bootstrap_paths(measured, 6, [PATH, diagonal], seed=3, **FEW)
    np.testing.assert_allclose(first.profile.density, small.profile.density, rtol=1e-9)
    np.testing.assert_allclose(first.samples, small.samples, rtol=1e-9)
    np.testing.assert_allclose(first.profile.sigma, small.profile.sigma, rtol=1e-7)
    alone = bootstrap(measured, 6, diagonal, seed=3, **FEW)
    np.testing.assert_allclose(second.profile.sigma, alone.profile.sigma, rtol=1e-7)
    nulls = null_profiles(measured, [PATH, diagonal], **FEW)
    alone_null = null_profile(measured, diagonal, **FEW)
    np.testing.assert_allclose(nulls[1].bias, alone_null.bias, atol=1e-9)
