"""Running integrals of heat fluxes: parts, errors, plateau, and published simulations."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from ixs_core.errors import InputError
from ixs_core.jobs import Cancelled, CancelToken
from ixs_core.project import Project
from ixs_core.provenance import provenance_of
from simulate.transport import (
    HeatFlux,
    fit_power_law,
    green_kubo,
    read_green_kubo,
    read_heat_flux,
    read_power_laws,
    write_green_kubo,
    write_power_laws,
)
from simulate.transport.flux_correlation import correlation_sums, running_integral
from simulate.transport.plateau import find_plateau
from tests.simulate.transport.flux_series import (
    DT_FS,
    KELVIN,
    VOLUME_A3,
    autoregressive,
    exact_kappa,
)

SET = (DT_FS, VOLUME_A3, KELVIN)


def parted(rows: int = 4000, seed: int = 0) -> HeatFlux:
    """A flux whose convective part goes partly along with the virial one, one step late."""
    virial = autoregressive((0.9,), rows, seed)
    convective = 0.3 * np.roll(virial, 1, axis=0) + 0.2 * autoregressive((0.5,), rows, seed + 1)
    return HeatFlux(virial + convective, convective, *SET)


def test_correlations_are_the_plain_sums_over_all_origins() -> None:
    flux = parted(200)
    assert flux.convective is not None
    assert flux.virial is not None
    total, parts = correlation_sums(flux.total, flux.convective, 30)
    series = (flux.virial, flux.convective)
    for lag in (0, 1, 7, 29):
        direct = sum(flux.total[t] * flux.total[t + lag] for t in range(200 - lag))
        np.testing.assert_allclose(total[lag], direct, atol=1e-9)
        for part, (a, b) in zip(parts, ((0, 0), (1, 1), (0, 1), (1, 0)), strict=True):
            direct = sum(series[a][t] * series[b][t + lag] for t in range(200 - lag))
            np.testing.assert_allclose(part[lag], direct, atol=1e-9)


def test_the_integral_is_trapezoidal() -> None:
    """∫ exp(-t) cos 5t: second order in the step, where a plain sum is off by C(0) dt/2."""
    off = []
    for step in (0.02, 0.01):
        time = np.arange(0, 4 + step / 2, step)
        curve = np.exp(-time) * np.cos(5 * time)
        exact = (1 + np.exp(-4) * (5 * np.sin(20) - np.cos(20))) / 26
        off.append(running_integral(curve[:, None], step)[-1, 0] - exact)
    assert abs(off[0]) < 1e-3
    assert off[0] / off[1] == pytest.approx(4, rel=0.05)


def test_parts_sum_to_the_whole_to_rounding() -> None:
    result = green_kubo(parted())
    integral = result.integral
    np.testing.assert_allclose(integral.parts.sum(axis=0), integral.running, atol=1e-12)
    value = integral.value()
    assert sum(kappa for kappa, _ in result.parts.values()) == pytest.approx(value.kappa, rel=1e-12)
    assert value.kappa == pytest.approx(value.per_axis.mean(), rel=1e-12)
    # The two orders of the cross part differ: both are needed.
    cross = integral.parts[2:].mean(axis=(1, 2))
    assert abs(cross[0] - cross[1]) > 0.01 * cross.sum()
    assert any("zero of the atoms' energies" in note for note in result.notes)
    assert green_kubo(parted().total, *SET).parts == {}


def test_kappa_of_a_known_correlation() -> None:
    """⟨x(0) x(k)⟩ = φᵏ/(1-φ²): its integral by the trapezoidal rule is S(0) dt/2 exactly."""
    exact = exact_kappa((0.95,))
    accepted, off = 0, []
    for seed in range(12):
        result = green_kubo(autoregressive((0.95,), 60000, seed), *SET)
        value = result.integral.value()
        if result.plateau is not None:
            accepted += 1
            off.append((value.kappa - exact) / value.stderr)
    assert accepted >= 10
    assert abs(np.mean(off)) < 1.2
    assert np.mean(np.abs(off) < 2.3) > 0.7


def test_units_and_volumes_agree() -> None:
    flux = autoregressive((0.5,), 2000, 5)
    metal = green_kubo(flux, *SET)
    kcal_fs = flux * 1.602176634e-19 * 6.02214076e23 / 4184 / 1000
    real = green_kubo(kcal_fs, *SET, units="real")
    assert real.kappa == pytest.approx(metal.kappa, rel=1e-9)
    per_volume = HeatFlux(flux / VOLUME_A3, None, *SET, extensive=False)
    assert green_kubo(per_volume).kappa == pytest.approx(metal.kappa, rel=1e-9)
    speed = np.sqrt(1.602176634e-19 / 1.66053906892e-27) * 1e-2  # √(eV/amu) in Å/ps
    gpumd = green_kubo(flux / speed, *SET, units="gpumd")
    assert gpumd.kappa == pytest.approx(metal.kappa, rel=1e-8)
    with pytest.raises(InputError, match="units"):
        green_kubo(flux, *SET, units="lj")  # type: ignore[arg-type]


def test_errors_come_from_blocks_and_from_runs() -> None:
    """The scatter of many runs is what the blocks of one run say."""
    runs = [autoregressive((0.9,), 10000, seed) for seed in range(30)]
    singles = [green_kubo(run, *SET, longest_ps=0.2) for run in runs]
    kappas = np.array([one.integral.value(0.2).kappa for one in singles])
    stated = np.array([one.integral.value(0.2).stderr for one in singles])
    assert stated.mean() == pytest.approx(kappas.std(ddof=1), rel=0.4)
    together = green_kubo(runs, *SET, longest_ps=0.2)
    assert len(together.integral.block_running) == 30
    value = together.integral.value(0.2)
    assert value.kappa == pytest.approx(kappas.mean(), rel=1e-9)
    assert value.stderr == pytest.approx(kappas.std(ddof=1) / np.sqrt(30), rel=1e-6)


def curves(
    time: np.ndarray, mean: np.ndarray, noise: float, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Blocks that walk at random about a mean curve, as integrals of noise do."""
    steps = np.random.default_rng(seed).normal(size=(10, len(time)))
    walk = noise * np.cumsum(steps, axis=1) * np.sqrt(time[1])
    blocks = mean + walk - walk.mean(axis=0)
    return mean, blocks


def test_plateau() -> None:
    time = np.linspace(0, 50, 1001)
    single = 1 - np.exp(-time)
    found = find_plateau(time, *curves(time, single, 0.05))
    assert found.window_ps is not None
    assert 1.5 < found.window_ps[0] < 8
    # Growth for ever, like √t.
    assert find_plateau(time, *curves(time, np.sqrt(time), 0.05)).window_ps is None
    # Noise in which anything could hide is no plateau.
    noisy = find_plateau(time, *curves(time, single, 0.8))
    assert noisy.window_ps is None
    assert "noise" in noisy.reason
    # A shoulder before a slow decay is none: the later plateau is taken, or none.
    two = 0.5 * (1 - np.exp(-time / 0.1)) + 0.5 * (1 - np.exp(-time / 8))
    late = find_plateau(time, *curves(time, two, 0.02))
    assert late.window_ps is None or late.window_ps[0] > 10
    cut = find_plateau(time[:400], *(c[..., :400] for c in curves(time, two, 0.005)))
    assert cut.window_ps is None
    assert find_plateau(time, single, single[None]).window_ps is None


def test_an_oscillation_is_level_at_its_crest_and_yet_no_plateau() -> None:
    time = np.linspace(0, 5, 5001)
    decaying = 2 + 8 * np.exp(-time / 2) * np.sin(40 * time)
    found = find_plateau(time, *curves(time, decaying, 0.02))
    assert found.window_ps is None or found.window_ps[0] > 1.5


def test_errors_and_cancel() -> None:
    flux = autoregressive((0.5,), 2000, 1)
    with pytest.raises(InputError, match="does not fit into the blocks"):
        green_kubo(flux, *SET, longest_ps=1.0)
    with pytest.raises(InputError, match="does not reach this time"):
        green_kubo(flux, *SET, at_ps=3.0)
    with pytest.raises(InputError, match="different times"):
        green_kubo([HeatFlux(flux, None, 1.0, 1e3, 1e2), HeatFlux(flux, None, 2.0, 1e3, 1e2)])
    with pytest.raises(InputError, match="convective"):
        green_kubo([parted(), HeatFlux(flux, None, *SET)])
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        green_kubo(flux, *SET, cancel=token)


def test_a_drift_is_seen() -> None:
    flux = autoregressive((0.5,), 4000, 1) + np.array([0.0, 1.0, 0.0])
    assert any("mean flux along y" in note for note in green_kubo(flux, *SET).notes)


def test_results_come_back_from_the_project(tmp_path: Path) -> None:
    result = green_kubo(parted())
    law = fit_power_law([300.0, 400.0, 500.0], [1.0, 0.8, 0.6])
    made = provenance_of("test")
    project = tmp_path / "p.h5"
    with Project(project).writing() as h5:
        write_green_kubo(h5, "argon", result, made, "argon")
        write_power_laws(h5, "table one", {"xx": law}, made, "table")
    with h5py.File(project) as h5:
        again = read_green_kubo(h5, "argon")
        laws = read_power_laws(h5, "table one")
    assert again.kappa == result.kappa
    assert again.plateau == result.plateau
    assert again.parts == result.parts
    assert laws["xx"].n == law.n


def test_argon_has_no_plateau(shared_data: Path) -> None:
    folder = shared_data / "kappa/lammps_argon"
    columns = {"total": [2, 3, 4], "convective": [5, 6, 7], "temperature": 8}
    flux = read_heat_flux(folder / "T40_first500ps.dat.gz", columns)
    for longest in (None, 15.0, 40.0):
        result = green_kubo(flux, 20.0, 9954.9547, longest_ps=longest, at_ps=15.0)
        assert result.plateau is None
        assert "noise" in result.integral.plateau_reason
        value = result.integral.value(15.0)
        assert value.kappa == pytest.approx(0.442, abs=0.001)
        np.testing.assert_allclose(value.per_axis, [0.310, 0.667, 0.348], atol=0.001)
    assert result.parts["virial"][0] > 0.85 * value.kappa


def test_silica_integral(shared_data: Path) -> None:
    """2.34 to 2.48 at 1 to 2 ps; half of the first point is 2.27 W/mK."""
    flux = read_heat_flux(shared_data / "kappa/sportran_silica/Silica.dat.gz")
    integral = green_kubo(flux, 1.0, 3130.431110818, cutoff_thz=28.0).integral
    for time in (1.0, 1.5, 2.0):
        value = integral.value(time)
        assert value.kappa == pytest.approx(2.41, abs=0.08)
        assert abs(value.kappa - 2.205) < 2 * value.stderr
    half = 0.5 * integral.correlation[0].mean() * 0.001
    assert half == pytest.approx(2.27, abs=0.01)
