"""The number of modes, on spectra made with a known number, and the rules of sense."""

from __future__ import annotations

import numpy as np
import pytest

from ixs_reduce.mode_search import ModeSearchOptions, bic, objections, search_modes
from ixs_reduce.resolution import Resolution
from ixs_reduce.spectrum import Spectrum
from ixs_reduce.spectrum_model import SpectrumModel

R = Resolution.from_components([("gaussian", 0.7, 0.0, 1.5), ("lorentzian", 0.3, 0.0, 1.5)])
T = 300.0
ENERGY = np.arange(-12, 22.1, 0.4)


def _spectrum(modes: list[tuple[float, float, float]], seed: int) -> Spectrum:
    model = SpectrumModel(R, T, modes=len(modes))
    values = {"elastic": 300.0, "background_c0": 4.0, "background_c1": 0.0, "zero": 0.0}
    for i, (energy, fwhm, amplitude) in enumerate(modes):
        values[f"mode{i + 1}_energy"] = energy
        values[f"mode{i + 1}_fwhm"] = fwhm
        values[f"mode{i + 1}_amplitude"] = amplitude
    counts = np.random.default_rng(seed).poisson(model.evaluate(values, ENERGY)).astype(float)
    return Spectrum(ENERGY, counts, np.ones_like(ENERGY), temperature_k=T, zero_mev=0.0)


CASES = {
    0: [],
    1: [(6.0, 0.5, 100.0)],
    2: [(4.0, 0.4, 60.0), (9.0, 1.0, 150.0)],
    3: [(4.0, 0.4, 60.0), (8.0, 1.0, 150.0), (13.0, 1.5, 250.0)],
}


@pytest.mark.parametrize("count", CASES)
def test_the_number_of_modes_is_found(count: int) -> None:
    """In at least nine of ten spectra; BIC may err now and then."""
    found = [
        len(search_modes(_spectrum(CASES[count], seed), SpectrumModel(R, T)).modes)
        for seed in range(10)
    ]
    assert sum(n == count for n in found) >= 9


def test_energies_are_those_put_in() -> None:
    fit = search_modes(_spectrum(CASES[3], 3), SpectrumModel(R, T))
    for mode, (energy, _, _) in zip(fit.modes, CASES[3], strict=True):
        assert abs(mode.energy.value - energy) < 4 * mode.energy.stderr


def test_a_close_pair_is_a_possibility_only() -> None:
    """Two sharp modes 0.6 meV apart under a resolution of 1.5 meV, with counts enough for BIC."""
    pair = [(5.0, 0.05, 4000.0), (5.65, 0.05, 4000.0)]
    fit = search_modes(_spectrum(pair, 1), SpectrumModel(R, T))
    energies = [mode.energy.value for mode in fit.modes]
    assert min(np.diff(energies), default=9.0) > 0.5 * R.fwhm_mev
    assert any(remark.startswith("possible: ") and "closer" in remark for remark in fit.remarks)


def test_objections_name_the_mode() -> None:
    from ixs_reduce.fitting import fit_spectrum

    fit = fit_spectrum(_spectrum(CASES[1], 2), SpectrumModel(R, T, modes=1), starts=1)
    assert objections(fit, ModeSearchOptions()) == []
    (text,) = objections(fit, ModeSearchOptions(lowest=5.0))
    assert "under the elastic line" in text


def test_bic_counts_free_parameters() -> None:
    from ixs_reduce.fitting import fit_spectrum

    fit = fit_spectrum(_spectrum(CASES[1], 2), SpectrumModel(R, T, modes=1), starts=1)
    assert bic(fit) == pytest.approx(fit.deviance + 7 * np.log(ENERGY.size))
    assert bic(fit, 2.0) == pytest.approx(fit.deviance / 2 + 7 * np.log(ENERGY.size))
