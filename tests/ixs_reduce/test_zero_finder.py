"""Zeros from detailed balance, on spectra whose zero is known because it was put in."""

from __future__ import annotations

import numpy as np
import pytest

from ixs_core.errors import InputError
from ixs_reduce.resolution import Resolution
from ixs_reduce.spectrum import Spectrum
from ixs_reduce.spectrum_model import SpectrumModel
from ixs_reduce.zero_finder import choose_zeros, find_zero, zero_profile

R = Resolution.from_components([("gaussian", 0.7, 0.0, 1.5), ("lorentzian", 0.3, 0.0, 1.5)])
T = 298.0
ENERGY = np.arange(-15, 30.1, 0.5)


def _spectrum(
    zero: float,
    modes: list[tuple[float, float, float]],
    elastic: float,
    seed: int,
    scan: str = "1",
    temperature: float = T,
) -> Spectrum:
    """Poisson counts of modes (energy, fwhm, amplitude), elastic area and 3 counts background."""
    model = SpectrumModel(R, temperature, modes=len(modes))
    values = {"elastic": elastic, "background_c0": 3.0, "background_c1": 0.0, "zero": zero}
    for i, (energy, fwhm, amplitude) in enumerate(modes):
        values[f"mode{i + 1}_energy"] = energy
        values[f"mode{i + 1}_fwhm"] = fwhm
        values[f"mode{i + 1}_amplitude"] = amplitude
    expected = model.evaluate(values, ENERGY)
    counts = np.random.default_rng(seed).poisson(expected).astype(float)
    return Spectrum(ENERGY, counts, np.ones_like(ENERGY), temperature_k=temperature, scan=scan)


@pytest.mark.parametrize("zero", [-4.3, 0.0, 2.75, 7.43])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_phonon_stronger_than_the_elastic_line_does_not_mislead(zero: float, seed: int) -> None:
    spectrum = _spectrum(zero, [(4.0, 0.3, 300.0), (9.0, 1.0, 80.0)], 150.0, seed)
    assert ENERGY[np.argmax(spectrum.counts)] != pytest.approx(zero, abs=1.5)
    found = find_zero(spectrum, R, T)
    assert found.value_mev == pytest.approx(zero, abs=0.15)


@pytest.mark.parametrize("temperature", [5.0, 20.0, 80.0])
def test_without_anti_stokes_side_the_elastic_line_decides(temperature: float) -> None:
    """Cold: nothing is left to pair, and any feature could be a mode of its own."""
    modes = [(5.0, 0.3, 150.0), (11.0, 0.5, 150.0)]
    spectrum = _spectrum(0.4, modes, 300.0, 7, temperature=temperature)
    assert find_zero(spectrum, R, temperature).value_mev == pytest.approx(0.4, abs=0.1)


def test_no_elastic_line_at_all() -> None:
    found = find_zero(_spectrum(3.2, [(5.0, 0.5, 300.0), (11.0, 1.0, 300.0)], 0.0, 4), R, T)
    assert found.value_mev == pytest.approx(3.2, abs=0.2)


def test_other_scans_settle_what_one_leaves_open() -> None:
    """One scan with hardly any counts among good ones that share its drift."""
    zeros = {"1": 5.0, "2": 5.3, "3": 5.1}
    profiles = {}
    for analyzer, offset in (("a03", 0.0), ("a04", 1.5), ("a05", -2.0)):
        for scan, zero in zeros.items():
            scale = 0.02 if (analyzer, scan) == ("a04", "2") else 1.0
            modes = [(4.0, 0.3, 200.0 * scale), (9.0, 1.0, 150.0 * scale)]
            spectrum = _spectrum(zero + offset, modes, 200.0 * scale, 5, scan)
            profiles[analyzer, scan] = zero_profile(spectrum, R, T)
    chosen = choose_zeros(profiles)
    for (analyzer, scan), found in chosen.items():
        truth = zeros[scan] + {"a03": 0.0, "a04": 1.5, "a05": -2.0}[analyzer]
        within = 0.5 if (analyzer, scan) == ("a04", "2") else 0.15
        assert found.value_mev == pytest.approx(truth, abs=within)


def test_the_error_is_about_the_scatter() -> None:
    found = [
        find_zero(_spectrum(2.0, [(5.0, 0.3, 100.0), (9.0, 0.5, 60.0)], 200.0, seed), R, T)
        for seed in range(30)
    ]
    scatter = np.std([f.value_mev for f in found])
    stated = np.median([f.stderr_mev for f in found])
    assert 0.4 < scatter / stated < 2.5


def test_spectra_without_counts_or_within_no_trial_are_refused() -> None:
    empty = Spectrum(ENERGY, np.zeros_like(ENERGY), np.ones_like(ENERGY))
    with pytest.raises(InputError, match="no counts"):
        find_zero(empty, R, T)
    far = Spectrum(ENERGY + 100, np.ones_like(ENERGY), np.ones_like(ENERGY))
    with pytest.raises(InputError, match="no trial zero"):
        find_zero(far, R, T)
