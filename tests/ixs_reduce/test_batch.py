"""A batch of spectra: nothing of it is lost, hidden, or stopped by one bad spectrum."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from ixs_core.errors import Cancelled, InputError
from ixs_core.jobs import CancelToken
from ixs_reduce.batch import BatchResult, FitOptions, LeftOut, fit_batch
from ixs_reduce.cli.fit_display import left_out_lines
from ixs_reduce.resolution import Resolution
from ixs_reduce.spectrum import Spectrum
from ixs_reduce.spectrum_model import SpectrumModel

R = Resolution.from_components([("gaussian", 0.7, 0.0, 1.5), ("lorentzian", 0.3, 0.0, 1.5)])
ENERGY = np.linspace(-20, 20, 101)


def _spectrum(seed: int = 0) -> Spectrum:
    model = SpectrumModel(R, 300.0, modes=1)
    values = {"mode1_energy": 6.0, "mode1_fwhm": 0.8, "mode1_amplitude": 300.0, "elastic": 400.0}
    values |= {"background_c0": 3.0, "background_c1": 0.0, "zero": 0.4}
    counts = np.random.default_rng(seed).poisson(model.evaluate(values, ENERGY)).astype(float)
    return Spectrum(
        ENERGY, counts, np.ones(101), temperature_k=300.0, analyzer="Ana5", scan="2", file="a"
    )


def _fitted(*spectra: Spectrum, **options: object) -> BatchResult:
    return fit_batch(spectra, {"Ana5": R}, FitOptions(**{"modes": 1, **options}))  # type: ignore[arg-type]


def test_spectra_of_one_name_are_all_fitted() -> None:
    result = _fitted(_spectrum(0), _spectrum(1), _spectrum(1))
    assert len(result.fits) == 3
    for fit in result.fits:
        assert fit.zero.value == pytest.approx(0.4, abs=0.1)


@pytest.mark.filterwarnings("ignore:χ² is biased")
def test_the_search_for_modes_keeps_the_objective() -> None:
    fit = _fitted(_spectrum(), modes="auto", objective="chi2").fits[0]
    assert fit.objective == "chi2"
    weights = 1 / np.maximum(fit.spectrum.counts, 1)
    chi2 = np.sum(weights * (fit.spectrum.counts - fit.expected_counts) ** 2)
    assert fit.deviance == pytest.approx(float(chi2))


def test_nothing_fitted_is_an_error() -> None:
    few = _spectrum().selected(np.arange(101) % 16 == 0)
    with pytest.raises(InputError, match="too few points"):
        _fitted(replace(few, zero_mev=0.0))


def test_a_model_without_any_term_is_survived() -> None:
    fit = _fitted(_spectrum(), modes=0, elastic=False, background="none").fits[0]
    assert not fit.expected_counts.max() > 1e-3
    assert np.isfinite(fit.deviance)


def test_a_cancel_ends_a_long_chain_soon() -> None:
    cancel = CancelToken()
    begun = threading.active_count()
    spectra = [replace(_spectrum(seed), scan=str(seed), zero_mev=0.4) for seed in range(200)]
    threading.Timer(0.3, cancel.cancel).start()
    with pytest.raises(Cancelled):
        fit_batch(spectra, {"Ana5": R}, FitOptions(modes=2, starts=8), cancel=cancel)
    end = time.monotonic() + 5
    while threading.active_count() > begun and time.monotonic() < end:
        time.sleep(0.02)
    assert threading.active_count() <= begun  # the one chain of 200 fits is not worked off


def test_reasons_survive_in_the_summary() -> None:
    spectrum = _spectrum()
    reasons = {
        "2 Ana5: no trial zero lies within the scan; found 15 to 25 meV": "no trial zero lies",
        "2 Ana5 has too few points for the model; found 6 points": "has too few points for the",
        "nearly dead: 3 counts": "nearly dead",
        "'temperature_k': the sample temperature is not usable; found 0": "not usable",
    }
    for reason, words in reasons.items():
        (line,) = left_out_lines([LeftOut(spectrum, reason)])
        assert line.startswith("left out: Ana5 in scan 2: ")
        assert words in line


def test_known_fits_are_taken_over_only_where_nothing_changed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A second batch fits the new spectrum alone, and gives what a batch of all gives."""
    from ixs_reduce import batch
    from ixs_reduce.fit_record import identical

    spectra = [replace(_spectrum(seed), scan=str(seed), zero_mev=0.4) for seed in (1, 2, 3)]
    options = FitOptions(modes="auto")
    first = fit_batch(spectra[:2], {"Ana5": R}, options)
    fresh = fit_batch(spectra, {"Ana5": R}, options)
    fitted: list[str | None] = []
    original = batch.fit_one

    def counted(spectrum: Spectrum, *more: object) -> object:
        fitted.append(spectrum.scan)
        return original(spectrum, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(batch, "fit_one", counted)
    again = fit_batch(spectra, {"Ana5": R}, options, known=first.fits)
    assert fitted == ["3"]
    assert [fit.spectrum.scan for fit in again.fits] == ["1", "2", "3"]
    for one, two in zip(again.fits, fresh.fits, strict=True):
        assert identical(one, two)

    changed = replace(spectra[0], zero_mev=0.5)
    fit_batch([changed], {"Ana5": R}, options, known=first.fits)
    assert fitted == ["3", "1"]
