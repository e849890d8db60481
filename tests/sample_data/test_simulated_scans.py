"""The simulated BL43LXU scans: read back, counted, fitted, and compared with their own truth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ixs_core.experiment import load_experiment
from ixs_core.lattice import Lattice
from ixs_reduce.formats import ScanFile, read_scans
from ixs_reduce.instrument import load_instrument
from ixs_reduce.mode_search import search_modes
from ixs_reduce.quality import judge
from ixs_reduce.reduction import reduce_scan
from ixs_reduce.resolution import Resolution
from ixs_reduce.spectrum_model import SpectrumModel
from sample_data import cscu2i3_crystal
from sample_data.simulate_bl43lxu import EXPERIMENT, FILE_NAME, SimulatedScan, simulate, write_scans

LATTICE = Lattice(10.48, 13.04, 6.06)
BOLTZMANN_MEV_K = 0.08617333262


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_scans(tmp_path_factory.mktemp("simulated"), seed=0)


@pytest.fixture(scope="module")
def read(written: Path) -> ScanFile:
    return read_scans(written)


@pytest.fixture(scope="module")
def simulated() -> tuple[SimulatedScan, ...]:
    return simulate(0)


@pytest.fixture(scope="module")
def truth(written: Path) -> dict[str, Any]:
    return json.loads((written.parent / "truth.json").read_text(encoding="utf-8"))


def test_same_seed_gives_same_bytes_and_another_seed_other_counts(tmp_path: Path) -> None:
    first, again, other = (
        write_scans(tmp_path / f"{name}.spec", seed)
        for name, seed in (("a", 3), ("b", 3), ("c", 4))
    )
    text = first.read_text("utf-8")
    assert text == again.read_text("utf-8").replace("b.spec", "a.spec", 1)
    assert text != other.read_text("utf-8").replace("c.spec", "a.spec", 1)


def test_file_says_everywhere_that_it_is_simulated(written: Path, truth: dict[str, Any]) -> None:
    assert written.name == FILE_NAME
    assert "simulated" in FILE_NAME
    assert written.stat().st_size < 1.5e6
    header, *scans = written.read_text("utf-8").split("\n#S ")
    assert len(scans) == 7
    assert all("#C SIMULATED data" in part for part in (header, *scans))
    assert "SIMULATED" in truth["note"]


def test_file_reads_back_whole_by_its_own_labels(
    read: ScanFile, simulated: tuple[SimulatedScan, ...]
) -> None:
    assert (read.profile, read.problems) == ("bl43lxu", ())
    assert [scan.points for scan in read.scans] == [121, 61, 61, 61, 61, 61, 23]
    assert [scan.temperature_k for scan in read.scans] == [295, 300, 300, 300, 600, 600, 600]
    for scan, made in zip(read.scans, simulated, strict=True):
        assert scan.kind == "energy"
        assert len(scan.analyzers) == 28
        assert scan.slits_mm == (60, 60)
        assert scan.lattice == LATTICE.cell
        np.testing.assert_array_equal(scan.counts, made.counts)
        np.testing.assert_array_equal(scan.monitor, made.monitor)
        assert {flag.code for flag in scan.flags} <= {"aborted"}


def test_energies_follow_from_the_temperatures_of_the_file(
    read: ScanFile, simulated: tuple[SimulatedScan, ...]
) -> None:
    for scan, made in zip(read.scans, simulated, strict=True):
        # 1977 eV per order, n = 11, α = 2.639e-6: 17.425 mK/meV
        by_hand = 1977e3 * 11 * 2.639e-6 * (made.analyzer_k - made.mono_k)
        np.testing.assert_allclose(scan.energy_mev, by_hand, atol=1e-3)
        grid = made.plan.grid_mev[: scan.points]
        assert np.abs(scan.energy_mev - grid).max() < 0.05
        assert np.std(scan.energy_mev - grid) == pytest.approx(0.0064, rel=0.2)


def test_analyzers_see_the_hkl_that_the_angles_give(read: ScanFile) -> None:
    instrument = load_instrument(EXPERIMENT)
    k = 2 * np.pi * instrument.spectrometer.energy_kev / 12.398419843
    column, row = np.tile(np.arange(7), 4), np.repeat(np.arange(4), 7)
    x, z = 120.0 * (column - 3), -120.0 * row
    for scan, arm in zip(read.scans[1:4:2], [(7, 6.3, 0), (0, 8, -1.8)], strict=True):
        angles = instrument.angles_for(arm)
        for name, value in angles.as_dict().items():
            assert scan.angles[name] == pytest.approx(value, abs=1e-4)
        hkl = np.array([analyzer.q_hkl for analyzer in scan.analyzers])
        np.testing.assert_allclose(hkl, instrument.analyzer_q(angles).hkl, atol=1e-3)
        np.testing.assert_allclose(hkl[3], arm, atol=1e-3)
        # |Q| by the write-up's k_out and k_in, without the crystal's orientation.
        tth = np.radians(angles.tth) + np.arctan2(x, 9800.0)
        gam = np.arctan2(z, np.hypot(9800.0, x))
        mu = np.radians(angles.mu)
        q_lab = np.stack(
            [
                np.sin(tth) * np.cos(gam),
                -np.cos(tth) * np.cos(gam) + np.cos(mu),
                -np.sin(gam) + np.sin(mu),
            ]
        )
        np.testing.assert_allclose(LATTICE.q_abs(hkl), k * np.linalg.norm(q_lab, axis=0), atol=1e-3)


def test_counts_scatter_about_the_expected_ones_as_poisson_counts_do(
    simulated: tuple[SimulatedScan, ...],
) -> None:
    for scan in simulated:
        usual = np.ones(scan.counts.shape, dtype=bool)
        if scan.plan.number == 4:
            usual[[a.name for a in scan.array].index("a17"), 8] = False
        mean, counts = scan.expected[usual], scan.counts[usual]
        assert abs(counts.sum() - mean.sum()) < 4 * np.sqrt(mean.sum())
        chi2 = np.sum((counts - mean) ** 2 / mean)
        variance = np.sum(2 + 1 / mean)  # of (N-μ)²/μ for a Poisson N
        assert abs(chi2 - mean.size) < 4 * np.sqrt(variance)


def test_spectra_have_realistic_peaks(simulated: tuple[SimulatedScan, ...]) -> None:
    for scan in simulated[1:6]:
        peaks = {a.name: p for a, p in zip(scan.array, scan.expected.max(axis=1), strict=True)}
        assert peaks.pop("a31") < 20
        assert min(peaks.values()) > 50
        assert max(peaks.values()) < 1500


@pytest.mark.parametrize(("number", "analyzer"), [(2, "a06"), (4, "a25"), (5, "a37")])
def test_expected_counts_are_the_truth_convolved_by_brute_force(
    simulated: tuple[SimulatedScan, ...], truth: dict[str, Any], number: int, analyzer: str
) -> None:
    scan, facts = simulated[number - 1], truth["scans"][number - 1]
    i = [a.name for a in scan.array].index(analyzer)
    parts = facts["analyzers"][analyzer]
    fine = np.arange(-200, 200, 0.01) + 0.005
    kt = BOLTZMANN_MEV_K * facts["temperature_k"]
    scattering = np.zeros_like(fine)
    for mode in parts["modes"]:
        w, g = mode["energy_mev"], mode["fwhm_mev"]
        dho = 2 / np.pi * w * g * fine / ((fine**2 - w**2) ** 2 + (g * fine) ** 2)
        scattering += mode["amplitude"] * dho / (1 - np.exp(-fine / kt))
    resolution = Resolution.from_components(truth["analyzers"][analyzer]["components"])
    true_energy = scan.energy_mev[i] - parts["zero_mev"]
    seen = resolution(true_energy[:, None] - fine) @ scattering * 0.01
    c0, c1 = parts["background"]
    rate = seen + parts["elastic"] * resolution(true_energy) + c0 + c1 * scan.energy_mev[i]
    np.testing.assert_allclose(scan.expected[i], scan.monitor * rate, rtol=1e-4)


@pytest.mark.parametrize("seed", [0, 1])
def test_faults_put_in_are_the_faults_found(tmp_path: Path, seed: int) -> None:
    path = write_scans(tmp_path, seed)
    judged = judge(read_scans(path).scans)
    found = {
        (scan.number, flag.code, flag.analyzer, flag.points)
        for scan in judged
        for flag in scan.flags
    }
    expected = {(number, "nearly-dead", "a31", ()) for number in range(1, 8)} | {
        (4, "burst", "a17", (8,)),
        (5, "monitor-dip", None, (40, 41, 42)),
        (7, "aborted", None, ()),
    }
    assert found == expected
    told = json.loads((tmp_path / "truth.json").read_text("utf-8"))["faults"]
    assert {fault["code"] for fault in told} == {code for _, code, _, _ in found} | {"zero-drift"}


def test_array_has_the_widths_zeros_and_efficiencies_it_claims(truth: dict[str, Any]) -> None:
    alive = {name: a for name, a in truth["analyzers"].items() if name != "a31"}
    widths = []
    for facts in truth["analyzers"].values():
        energy = np.arange(-4, 4, 1e-3)
        resolution = Resolution.from_components(facts["components"])(energy)
        above = energy[resolution > resolution.max() / 2]
        assert np.ptp(above) == pytest.approx(facts["fwhm_mev"], abs=3e-3)
        assert above.mean() == pytest.approx(0, abs=2e-3)
        widths.append(facts["fwhm_mev"])
    assert (min(widths), max(widths)) == pytest.approx((1.43, 1.71), abs=1e-4)
    assert all(abs(a["zero_mev"]) <= 1 for a in truth["analyzers"].values())
    assert all(0.6 <= a["efficiency"] <= 1 for a in alive.values())
    zeros = [scan["analyzers"]["a38"]["zero_mev"] for scan in truth["scans"]]
    np.testing.assert_allclose(np.diff(zeros), [0, 0.3, 0, 0, 0, 0], atol=1e-9)


def test_resolution_scan_peaks_at_the_zeros_and_has_the_widths(
    read: ScanFile, truth: dict[str, Any]
) -> None:
    scan = read.scans[0]
    for analyzer, energy, counts in zip(scan.analyzers, scan.energy_mev, scan.counts, strict=True):
        half = (counts > counts.max() / 2).nonzero()[0]
        left = np.interp(
            counts.max() / 2, counts[half[0] - 1 : half[0] + 1], energy[half[0] - 1 :][:2]
        )
        right = np.interp(
            -counts.max() / 2, -counts[half[-1] : half[-1] + 2], energy[half[-1] :][:2]
        )
        facts = truth["analyzers"][analyzer.name]
        # a31 counts a few hundred at its peak, the others above ten thousand
        loose = 0.25 if analyzer.name == "a31" else 0.06
        assert (left + right) / 2 == pytest.approx(facts["zero_mev"], abs=loose)
        assert right - left == pytest.approx(facts["fwhm_mev"], abs=2 * loose)


def test_copper_modes_are_sharp_at_300_k_and_partly_overdamped_at_600_k(
    truth: dict[str, Any],
) -> None:
    def near_4_mev(scan: dict[str, Any]) -> list[dict[str, Any]]:
        seen = [m for a in scan["analyzers"].values() for m in a["modes"]]
        return [mode for mode in seen if 3 < mode["energy_mev"] < 5]

    cold = [mode for scan in truth["scans"][1:4] for mode in near_4_mev(scan)]
    hot = [mode for scan in truth["scans"][4:] for mode in near_4_mev(scan)]
    assert all(0.15 <= m["fwhm_mev"] <= 1.05 and not m["overdamped"] for m in cold)
    assert {m["overdamped"] for m in hot} == {True, False}
    assert max(m["fwhm_mev"] for m in hot) > 6


def test_every_analyzer_and_scan_has_all_branches_by_rising_energy(truth: dict[str, Any]) -> None:
    for scan in truth["scans"][1:]:
        for facts in scan["analyzers"].values():
            energies = [mode["energy_mev"] for mode in facts["modes"]]
            assert [mode["branch"] for mode in facts["modes"]] == list(range(1, 37))
            assert energies == sorted(energies)
            assert energies[0] > 0


def test_acoustic_slopes_are_the_sound_velocities_of_the_force_constants() -> None:
    # known for these force constants along Γ-Y, km/s: TA(x), TA(z), LA; ħ = 0.6582 meV ps
    q = 2e-3
    crystal = cscu2i3_crystal.load_crystal()
    length = q * 2 * np.pi / 12.9392
    energies = crystal.modes([[0, q, 0]]).energy_mev[0, :3]
    assert energies / length / (0.6582119569 * 10) == pytest.approx([0.86, 0.90, 1.89], abs=0.01)


@pytest.mark.parametrize("shift", [(1, 1, 0), (0, 2, -1), (-3, 1, 2)])
def test_energies_and_widths_are_periodic_in_the_c_centred_lattice(
    shift: tuple[int, int, int],
) -> None:
    crystal = cscu2i3_crystal.load_crystal()
    hkl = np.array([(7.0, 6.3, 0.12)])
    here, there = (
        cscu2i3_crystal.modes(crystal, q, 300.0)[0] for q in (hkl, hkl + np.array(shift))
    )
    for one, other in zip(here, there, strict=True):
        assert other.energy_mev == pytest.approx(one.energy_mev, rel=1e-9)
        assert other.fwhm_mev == pytest.approx(one.fwhm_mev, rel=1e-6)


def test_nearest_bragg_is_the_nearest_of_all_lattice_points() -> None:
    random = np.random.default_rng(5)
    axis = np.arange(-4, 5)
    points = np.array(np.meshgrid(axis, axis, axis)).reshape(3, -1).T
    points = points[(points[:, 0] + points[:, 1]) % 2 == 0]
    for hkl in random.uniform(-2, 2, (50, 3)):
        nearest = points[np.argmin(LATTICE.q_abs(hkl - points))]
        found = cscu2i3_crystal.nearest_bragg((hkl[0], hkl[1], hkl[2]), LATTICE)
        np.testing.assert_array_equal(found, nearest)


def test_experiment_file_loads_and_its_reflections_fit_the_lattice() -> None:
    experiment = load_experiment(EXPERIMENT)
    assert "SIMULATED" in (experiment.sample.name or "")
    instrument = load_instrument(EXPERIMENT)
    assert (instrument.warnings(), instrument.notes) == ([], ())
    assert instrument.spectrometer.order == 11
    # 4 formula units of 640.7 g/mol in the cell
    density = 4 * 640.7 / 0.60221408 / LATTICE.volume
    assert experiment.sample.density_g_cm3 == pytest.approx(density, rel=1e-3)


@pytest.mark.parametrize("analyzer", ["a07", "a14", "a25", "a35", "a41"])
def test_fit_with_the_true_resolution_finds_the_zero_and_misses_no_intensity(
    read: ScanFile, truth: dict[str, Any], analyzer: str
) -> None:
    scan = judge(read.scans)[1]
    facts = truth["scans"][1]["analyzers"][analyzer]
    spectrum = next(s for s in reduce_scan(scan) if s.analyzer == analyzer)
    resolution = Resolution.from_components(truth["analyzers"][analyzer]["components"])
    fit = search_modes(spectrum, SpectrumModel(resolution, 300.0))
    assert fit.converged
    assert fit.reduced_deviance < 1.6
    assert abs(fit.zero.value - facts["zero_mev"]) < 4 * fit.zero.stderr < 0.3
