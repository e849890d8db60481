"""Synthetic spectra of the design's fitting benchmark: 200 points, 4 modes, 16 parameters."""

from __future__ import annotations

import lmfit
import numpy as np

from ixs_reduce.resolution import Resolution
from ixs_reduce.spectrum import Spectrum
from ixs_reduce.spectrum_model import SpectrumModel

TEMPERATURE_K = 300.0
PEAK_COUNTS = 100.0
RESOLUTION = Resolution.from_components(
    [("gaussian", 0.7, 0.0, 1.55), ("lorentzian", 0.3, 0.0, 1.55)]
)


def spectrum(
    energies: np.ndarray, widths: np.ndarray, generator: np.random.Generator
) -> tuple[Spectrum, SpectrumModel, lmfit.Parameters]:
    """Counts drawn for modes of given energies and widths (meV), the model and the truth."""
    model = SpectrumModel(RESOLUTION, TEMPERATURE_K, modes=tuple(energies.tolist()))
    energy = np.linspace(-10, 20, 200)
    truth = model.parameters()
    for i, width in enumerate(widths):
        truth[f"mode{i + 1}_fwhm"].value = float(width)
    prepared = model.prepare(energy)
    _, jacobian = prepared(model.vector(truth))
    for i in range(energies.size):
        truth[f"mode{i + 1}_amplitude"].value = PEAK_COUNTS / float(jacobian[3 * i + 2].max())
    truth["elastic"].value = 3 * PEAK_COUNTS / float(RESOLUTION(0.0))
    truth["background_c0"].value = 0.05 * PEAK_COUNTS
    expected, _ = prepared(model.vector(truth))
    counts = generator.poisson(expected).astype(float)
    made = Spectrum(energy, counts, np.ones_like(energy), temperature_k=TEMPERATURE_K)
    return made, model, truth


def disturbed(truth: lmfit.Parameters) -> lmfit.Parameters:
    """A start away from the truth, the same for every fitter."""
    start = truth.copy()
    for name, parameter in start.items():
        if name.endswith("energy"):
            parameter.value += 0.25
        elif name.endswith(("fwhm", "amplitude")):
            parameter.value *= 1.4
    return start
