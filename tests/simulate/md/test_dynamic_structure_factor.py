"""S(Q,E) of a crystal whose motion is known exactly, sum rules, and detailed balance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import j0, j1

from ixs_core.errors import InputError
from ixs_core.scattering_factors import form_factors
from simulate.md.density_sums import DensityModes, density_modes
from simulate.md.scattering_spectrum import (
    FWHM_BINS,
    dynamic_structure_factor,
    quantum_correction,
)
from tests.simulate.md.harmonic_crystal import (
    BOLTZMANN_MEV_K,
    HBAR2_PER_AMU_A2_MEV,
    HBAR_MEV_PS,
    HarmonicCrystal,
)

SAME = {"Cu": 1.0, "I": 1.0}
REPEATS = (6, 5, 4)
ALONG = np.array([[h / 6, 0, 0] for h in (1, 2, 3, 4, 5)] + [[0, 1 / 5, 0], [0, 0, 3 / 4]])
EVERYWHERE = np.stack(
    np.meshgrid(np.arange(1, 6) / 6, np.arange(5) / 5, np.arange(4) / 4, indexing="ij"), -1
).reshape(-1, 3)


@pytest.fixture(scope="module")
def soft() -> tuple[HarmonicCrystal, DensityModes]:
    """Light atoms, which also scatter by two and three phonons."""
    crystal = HarmonicCrystal(REPEATS)
    trajectory = replace(crystal.trajectory(4000, 10.0), temperature_k=300.0)
    return crystal, density_modes(trajectory, np.vstack([ALONG, EVERYWHERE]), lattice=REPEATS)


@pytest.fixture(scope="module")
def stiff() -> tuple[HarmonicCrystal, DensityModes]:
    """Heavy atoms at the same energies: one-phonon scattering nearly alone."""
    crystal = HarmonicCrystal(REPEATS, mass=400.0)
    trajectory = replace(crystal.trajectory(6000, 10.0), temperature_k=300.0)
    return crystal, density_modes(trajectory, apart(crystal), lattice=REPEATS)


def apart(crystal: HarmonicCrystal) -> np.ndarray:
    """Q whose three energies differ: waves of equal energies interfere all the time."""
    gaps = np.diff(np.sort(crystal.energy_mev(EVERYWHERE), axis=1), axis=1)
    transverse = (EVERYWHERE > 0).sum(axis=1) > 1
    return EVERYWHERE[transverse & (gaps.min(axis=1) > 0.3)]


def test_peaks_stand_at_the_mode_energies(soft: tuple[HarmonicCrystal, DensityModes]) -> None:
    crystal, modes = soft
    found = dynamic_structure_factor(modes, 10.0, weights=SAME, quantum="none")
    for row, q in enumerate(ALONG):
        expected = crystal.energy_mev(q)[int(np.argmax(q))]
        loss = found.energy_mev > 1
        peak = found.energy_mev[loss][np.argmax(found.inelastic[row, loss])]
        assert abs(peak - expected) < found.bin_mev / 2


def test_the_amplitude_of_the_modes(soft: tuple[HarmonicCrystal, DensityModes]) -> None:
    """ρ(Q,t) turns with N J1(Qa) Π J0(Qa') of the waves' amplitudes (Jacobi-Anger)."""
    crystal, modes = soft
    rho = modes.rho.sum(axis=0).astype(complex)
    time = np.arange(rho.shape[1]) * 0.01
    taper = np.sin(np.pi * (np.arange(time.size) + 0.5) / time.size) ** 2
    amplitude = np.abs(crystal.amplitudes(0))
    for row, hkl in enumerate(ALONG[:5]):
        size = modes.q.q_abs[row] * amplitude[..., 0]
        omega = crystal.energy_mev(hkl)[0] / HBAR_MEV_PS
        wave = size[round(hkl[0] * 6) % 6, 0, 0]
        expected = np.prod(REPEATS) * np.prod(j0(size)) * j1(wave) / j0(wave)
        both = np.stack([np.exp(1j * omega * time), np.exp(-1j * omega * time)], axis=1)
        fitted = np.linalg.lstsq(both * taper[:, None], rho[row] * taper, rcond=None)[0]
        strength = np.sqrt((np.abs(fitted) ** 2).mean())
        if hkl[0] == 0.5:
            # +q and -q are one wave here, so only their sum of two phases is fixed.
            continue
        assert 0.99 < strength / expected < 1.01


@pytest.mark.parametrize(
    ("quantum", "low", "high"),
    [("harmonic", 0.997, 1.003), ("schofield", 1.01, 1.03), ("standard", 0.95, 0.98)],
)
def test_the_first_moment_is_the_recoil_energy(
    stiff: tuple[HarmonicCrystal, DensityModes], quantum: str, low: float, high: float
) -> None:
    """∫ E S dE = ħ²Q²/2m per atom for every Q; only the harmonic correction keeps it."""
    crystal, modes = stiff
    found = dynamic_structure_factor(modes, 10.0, quantum=quantum, weights=SAME)
    moment = (found.inelastic * found.energy_mev).sum(axis=1) * found.bin_mev
    recoil = HBAR2_PER_AMU_A2_MEV * found.q_abs**2 / (2 * crystal.mass)
    assert low < (moment / recoil).mean() < high
    # What to expect of the others, from the mode energies alone, weighted by Q·e squared:
    x = crystal.energy_mev(apart(crystal)) / (BOLTZMANN_MEV_K * 300.0)
    factor = {"harmonic": 1 + 0 * x, "schofield": np.sinh(x / 2) / (x / 2)}.get(
        quantum, np.tanh(x / 2) / (x / 2)
    )
    share = modes.q.q_cartesian**2 / modes.q.q_abs[:, None] ** 2
    expected = (factor * share).sum(axis=1).mean()
    assert (moment / recoil).mean() == pytest.approx(expected, abs=0.003)


@pytest.mark.parametrize("quantum", ["harmonic", "schofield", "standard"])
def test_detailed_balance(soft: tuple[HarmonicCrystal, DensityModes], quantum: str) -> None:
    found = dynamic_structure_factor(soft[1], 5.0, quantum=quantum)
    x = found.energy_mev / (BOLTZMANN_MEV_K * 300.0)
    assert np.allclose(found.energy_mev, -found.energy_mev[::-1])
    assert np.allclose(found.inelastic[:, ::-1], found.inelastic * np.exp(-x), rtol=1e-6, atol=0)


@pytest.mark.parametrize("window", ["hann", "rectangular"])
def test_the_spectrum_adds_up_to_the_static_structure_factor(
    soft: tuple[HarmonicCrystal, DensityModes], window: str
) -> None:
    _, modes = soft
    weights = {"Cu": 2.0, "I": -3.0}
    found = dynamic_structure_factor(modes, 8.0, window, "none", weights)
    area = found.inelastic.sum(axis=1) * found.bin_mev
    assert np.allclose(area + found.elastic, found.static, rtol=1e-12)
    order = [modes.species.index(name) for name in ("Cu", "I")]
    whole = 2.0 * modes.rho[order[0]] - 3.0 * modes.rho[order[1]]
    static = (np.abs(whole) ** 2).mean(axis=1) / modes.n_atoms
    # The ends of the trajectory weigh less under the window.
    assert np.allclose(found.static.mean(), static.mean(), rtol=0.02)
    assert (found.inelastic >= 0).all()
    assert (found.elastic >= 0).all()


def test_partials_add_up_to_the_whole(soft: tuple[HarmonicCrystal, DensityModes]) -> None:
    _, modes = soft
    found = dynamic_structure_factor(modes, 4.0, quantum="none", weights="xray", ions={"I": "I1-"})
    names = [{"I": "I1-"}.get(element, element) for element in found.species]
    f = form_factors(names, found.q_abs).real
    whole = np.einsum("qa,qb,abqe->qe", f, f, found.partials)
    assert np.allclose(whole, found.inelastic, atol=1e-9 * found.inelastic.max())


def test_a_line_shows_the_stated_resolution() -> None:
    """A pure oscillation, between bins: FWHM of 1.44 bins, its whole area, no elastic part."""
    modes = oscillation(np.array([43.4]), frames=4001)
    for window in ("hann", "rectangular"):
        found = dynamic_structure_factor(modes, 1.001, window, "none", {"I": 1.0})
        fine = np.linspace(0, 60, 6001)
        taper = (
            np.sin(np.pi * (np.arange(1001) + 0.5) / 1001) ** 2 if window == "hann" else 1.0
        ) * np.ones(1001)
        time = np.arange(1001) * 0.001
        response = np.abs(np.exp(1j * np.outer(fine / HBAR_MEV_PS, time)) @ taper) ** 2
        half = fine[np.argmax(response < response[0] / 2)]
        assert 2 * half == pytest.approx(FWHM_BINS[window] * found.bin_mev, abs=0.03)
        assert found.fwhm_mev == pytest.approx(2 * half, abs=0.03)
        assert found.inelastic.sum() * found.bin_mev == pytest.approx(1.0, abs=0.01)


def test_a_rigid_crystal_has_only_an_elastic_line() -> None:
    modes = oscillation(np.array([0.0]), frames=500)
    found = dynamic_structure_factor(modes, 0.1, quantum="none", weights={"I": 2.0})
    assert found.elastic == pytest.approx(4.0)
    assert np.abs(found.inelastic).max() < 1e-25


def test_noise_has_the_stated_error() -> None:
    rng = np.random.default_rng(8)
    noise = rng.standard_normal((1, 400, 4000)) + 1j * rng.standard_normal((1, 400, 4000))
    modes = replace(oscillation(np.zeros(400), frames=4000), rho=noise)
    found = dynamic_structure_factor(modes, 0.2, quantum="none", weights={"I": 1.0})
    inner = found.inelastic[:, found.energy_mev > 3 * found.bin_mev]
    assert inner.std() / inner.mean() == pytest.approx(found.relative_error, rel=0.05)


def test_every_frame_is_in_a_segment() -> None:
    """A mark on any single frame shows in the static structure factor of a flat window."""
    for frame in (0, 37, 99):
        modes = oscillation(np.array([0.0]), frames=100)
        rho = np.zeros_like(modes.rho)
        rho[0, 0, frame] = 1.0
        found = dynamic_structure_factor(
            replace(modes, rho=rho), 0.031, "rectangular", "none", {"I": 1.0}
        )
        assert found.static[0] > 0


def test_the_mean_over_an_acceptance(soft: tuple[HarmonicCrystal, DensityModes]) -> None:
    trajectory = soft[0].trajectory(300, 10.0)
    modes = density_modes(
        trajectory,
        [[1, 0.5, 0.5], [1.5, 0, 0]],
        lattice=REPEATS,
        sampling="acceptance",
        dq_hkl=[0.4, 0.5, 0.6],
    )
    each = dynamic_structure_factor(modes, 1.0, quantum="none", weights=SAME)
    mean = each.averaged()
    assert mean.inelastic.shape == (2, each.energy_mev.size)
    assert np.allclose(mean.inelastic[0], each.inelastic[each.owner == 0].mean(axis=0))
    assert np.allclose(mean.partials.sum(axis=(0, 1))[1], mean.inelastic[1])


def test_neutrons_see_scattering_lengths() -> None:
    """b of iodine is 5.28 fm (V. F. Sears, Neutron News 3 (1992) 26)."""
    modes = oscillation(np.array([0.0]), frames=100)
    found = dynamic_structure_factor(modes, 0.05, quantum="none", weights="neutron")
    assert found.elastic == pytest.approx(5.28**2, rel=0.01)


def test_corrections_far_from_the_elastic_line_stay_finite() -> None:
    energy = np.array([-5000.0, 0.0, 5000.0])
    for quantum in ("harmonic", "schofield", "standard", "none"):
        factor = quantum_correction(quantum, energy, 10.0)
        assert np.isfinite(factor).all()
        assert factor[1] == 1


@pytest.mark.parametrize(
    ("change", "arguments", "message"),
    [
        ({}, {"segment_ps": 5.0}, "too short for this resolution.*100 frames"),
        ({}, {"segment_ps": 0.005}, "too few frames"),
        ({}, {"segment_ps": np.nan}, "not a time"),
        ({}, {"window": "blackman"}, "unknown window"),
        ({}, {"quantum": "bose"}, "unknown quantum"),
        ({}, {"weights": "electrons"}, "unknown weights"),
        ({}, {"weights": {"Cu": 1.0}}, "no weight"),
        ({"temperature_k": None}, {}, "temperature is not known"),
        ({}, {"temperature_k": -5.0}, "temperature is not usable"),
        ({"rho": np.full((1, 1, 100), np.nan + 0j)}, {}, "not finite"),
    ],
)
def test_errors(change: dict, arguments: dict, message: str) -> None:
    modes = replace(oscillation(np.array([1.0]), frames=100), **{"temperature_k": 300.0} | change)
    with pytest.raises(InputError, match=message):
        dynamic_structure_factor(modes, **{"segment_ps": 0.05} | arguments)


def oscillation(energy_mev: np.ndarray, frames: int) -> DensityModes:
    """ρ = e^{-iωt} of one iodine atom, a frame every fs, one row for each energy."""
    time = np.arange(frames) * 0.001
    hkl = np.zeros((len(energy_mev), 3))
    one = HarmonicCrystal((1, 1, 1)).trajectory(1, 1.0)
    base = density_modes(replace(one, species=("I",)), hkl)
    rho = np.exp(-1j * np.outer(energy_mev, time) / HBAR_MEV_PS)
    return replace(base, rho=rho[None])
