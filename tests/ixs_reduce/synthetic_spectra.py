"""Synthetic spectra with known modes: Poisson counts of the model on a measured-like axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ixs_reduce import Resolution, Spectrum, SpectrumModel, convolved_dho

FloatArray = np.ndarray[Any, Any]


class Synthetic(NamedTuple):
    """A spectrum, the model that made it and its true parameters."""

    spectrum: Spectrum
    model: SpectrumModel
    truth: dict[str, float]


def pseudo_voigt(fwhm_mev: float = 1.5, lorentzian: float = 0.25) -> Resolution:
    """A resolution function as backscattering analyzers have it."""
    return Resolution.from_components(
        [("gaussian", 1 - lorentzian, 0.0, fwhm_mev), ("lorentzian", lorentzian, 0.0, fwhm_mev)]
    )


def true_parameters(
    model: SpectrumModel,
    modes: Sequence[tuple[float, float, float]],
    *,
    elastic_peak: float = 0.0,
    background: tuple[float, float] = (0.0, 0.0),
    zero: float = 0.0,
) -> dict[str, float]:
    """Parameters of modes given as (energy, fwhm, height of the peak) and of the other terms."""
    truth: dict[str, float] = {}
    for i, (energy, fwhm, height) in enumerate(modes, start=1):
        around = np.linspace(0.2 * energy, 1.5 * energy, 200)
        peak = convolved_dho(around, energy, fwhm, model.temperature_k, model.resolution).max()
        truth |= {
            f"mode{i}_energy": energy,
            f"mode{i}_fwhm": fwhm,
            f"mode{i}_amplitude": height / peak,
        }
    top = model.resolution(np.linspace(-1, 1, 401)).max()
    truth |= {"elastic": elastic_peak / top}
    truth |= {"background_c0": background[0], "background_c1": background[1], "zero": zero}
    return {name: truth[name] for name in model.parameter_names}


def expected_spectrum(
    model: SpectrumModel,
    truth: Mapping[str, float],
    energy_mev: FloatArray,
    exposure: FloatArray | float = 1.0,
    **more: Any,
) -> Spectrum:
    """Noise-free: the expected counts stand for the counts."""
    time = np.broadcast_to(exposure, energy_mev.shape).astype(float)
    expected = time * model.evaluate(truth, energy_mev)
    return Spectrum(energy_mev, expected, time, **more)


def counted(spectrum: Spectrum, generator: np.random.Generator) -> Spectrum:
    """Poisson counts in place of the expected ones."""
    return Spectrum(
        spectrum.energy_mev,
        generator.poisson(spectrum.counts).astype(float),
        spectrum.exposure,
        zero_mev=spectrum.zero_mev,
        background_rate=spectrum.background_rate,
    )


def four_modes(generator: np.random.Generator, peak_counts: float) -> Synthetic:
    """Four modes 1.6 meV apart or more, 200 points from -10 to 20 meV, elastic line, background."""
    apart = 1.6
    gaps = np.sort(generator.uniform(0, 16 - 3 - 3 * apart, 4))
    energies = 3 + gaps + apart * np.arange(4)
    widths = generator.uniform(0.3, 2.0, 4)
    resolution = pseudo_voigt(generator.uniform(1.43, 1.71), generator.uniform(0.15, 0.35))
    model = SpectrumModel(resolution, 300.0, modes=4)
    truth = true_parameters(
        model,
        [(float(w), float(g), peak_counts) for w, g in zip(energies, widths, strict=True)],
        elastic_peak=3 * peak_counts,
        background=(0.05 * peak_counts, 0.0),
        zero=float(generator.normal(0, 0.05)),
    )
    spectrum = expected_spectrum(model, truth, np.linspace(-10.0, 20.0, 200))
    return Synthetic(counted(spectrum, generator), model, truth)
