"""Small fits with every kind of field filled, for tests of what keeps them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ixs_reduce.fitting import SpectrumFit, fit_spectrum
from ixs_reduce.resolution import Resolution
from ixs_reduce.scan import Flag
from ixs_reduce.spectrum import Spectrum
from ixs_reduce.spectrum_model import SpectrumModel

R = Resolution.from_components([("gaussian", 0.7, 0.05, 1.4), ("lorentzian", 0.3, -0.1, 1.9)], "a")
TRUTH = {
    "mode1_energy": 5.0,
    "mode1_fwhm": 0.8,
    "mode1_amplitude": 0.4,
    "mode2_energy": 9.0,
    "mode2_fwhm": 0.0,
    "mode2_amplitude": 0.3,
    "elastic": 0.5,
    "background_c0": 0.004,
    "background_c1": 0.0,
    "zero": 0.3,
}


def small_spectrum(
    seed: int = 1, points: int = 61, background: bool = False, analyzer: str = "a"
) -> Spectrum:
    """Poisson counts of the model at `TRUTH`."""
    energy = np.linspace(-14, 14, points) + 0.01 * np.sin(np.arange(points))
    exposure = np.full(points, 3000.0) + np.arange(points)
    expected = SpectrumModel(R, 300.0, modes=2).evaluate(TRUTH, energy)
    rate = np.full(points, 0.002) + 1e-5 * np.arange(points) if background else None
    expected = exposure * (expected + (rate if rate is not None else 0.0))
    return Spectrum(
        energy_mev=energy,
        counts=np.random.default_rng(seed).poisson(expected).astype(float),
        exposure=exposure,
        q_hkl=(0.1, 1 / 3, -2.0),
        q_abs=1.2345678901234567,
        temperature_k=300.1,
        analyzer=analyzer,
        scan="61",
        file="run.spec",
        dq_hkl=(0.04, 0.03, 0.1),
        zero_mev=0.3,
        zero_err=0.02,
        background_rate=rate,
        flags=(
            Flag("aborted", "aborted after 61 of 91 points"),
            Flag("burst", '2 points, µ "x"', analyzer, (3, 4)),
        ),
    )


def small_fit(spectrum: Spectrum | None = None, **options: object) -> SpectrumFit:
    """A fit of two modes."""
    spectrum = spectrum or small_spectrum()
    model = SpectrumModel(R, 300.0, modes=2)
    return fit_spectrum(spectrum, model, **options)  # type: ignore[arg-type]


def decorated(fit: SpectrumFit) -> SpectrumFit:
    """The fit with what a search adds."""
    return replace(
        fit,
        branches=("TA + LA", "TO₁"),
        upper_limits=(("mode2_fwhm", 0.4321), ("mode1_fwhm", float("inf"))),
        remarks=("mode 1 may be two modes at 3.6 and 4.1 meV", "possible-split: mode 2"),
        warnings=("χ² is biased",),
    )
