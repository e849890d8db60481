"""Invented crystals: dispersions, what a flawed calculation says of them, and simulated scans."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ixs_reduce import Resolution, Spectrum, SpectrumModel, bose_factor
from ixs_reduce.mode_merging import EffectiveMode
from ixs_reduce.predicted_modes import PredictedModes
from tests.ixs_reduce.synthetic_spectra import pseudo_voigt

FloatArray = np.ndarray[Any, Any]
KELVIN = 300.0


@dataclass(frozen=True)
class TrueModes:
    """What the sample really has in one spectrum; rows as in the prediction."""

    energy_mev: FloatArray
    fwhm_mev: FloatArray
    amplitude: FloatArray

    def energy_of(self, mode: EffectiveMode) -> float:
        """Mean energy of the members of a line, weighted by what they show."""
        index = list(mode.members)
        weight = self.amplitude[index] * bose_factor(self.energy_mev[index], KELVIN)
        return float(np.average(self.energy_mev[index], weights=weight))


@dataclass(frozen=True)
class Case:
    """A simulated spectrum, its resolution, what was predicted, and the truth."""

    spectrum: Spectrum
    resolution: Resolution
    predicted: PredictedModes
    truth: TrueModes
    zero_mev: float


@dataclass(frozen=True)
class Crystal:
    """Smooth dispersions E² = a + b (1 - cos 2π q·v)/2 and intensities that change with Q."""

    gap: FloatArray
    slope: FloatArray
    direction: FloatArray
    strength: FloatArray
    phase: FloatArray
    fwhm_mev: FloatArray

    @classmethod
    def invented(cls, seed: int, branches: int, highest_mev: float = 26.0) -> Crystal:
        generator = np.random.default_rng(seed)
        top = generator.uniform(0.15, 1.0, branches) * highest_mev
        bottom = top * generator.uniform(0.3, 0.95, branches)
        bottom[:3] = 0.0
        return cls(
            bottom**2,
            top**2 - bottom**2,
            generator.normal(0, 1, (branches, 3)),
            generator.exponential(1.0, branches),
            generator.uniform(0, 2 * np.pi, branches),
            generator.uniform(0.1, 0.9, branches),
        )

    def at(self, q_hkl: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Energies, intensities and widths at a momentum, by rising energy."""
        arc = self.direction @ q_hkl
        energy = np.sqrt(self.gap + self.slope * (1 - np.cos(2 * np.pi * arc)) / 2) + 0.4
        intensity = self.strength * (0.15 + np.cos(4.0 * arc + self.phase) ** 2) / energy
        order = np.argsort(energy)
        return energy[order], intensity[order], self.fwhm_mev[order]


def case(
    crystal: Crystal,
    q_hkl: FloatArray,
    name: str,
    generator: np.random.Generator,
    *,
    energy_off: float = 0.02,
    intensity_off: float = 0.2,
    peak_counts: float = 150.0,
    scan: str = "7",
    axis: FloatArray | None = None,
    resolution: Resolution | None = None,
) -> Case:
    """One analyzer: true modes 2 % above the calculation, intensities 20 % off."""
    energy, intensity, fwhm = crystal.at(q_hkl)
    n = energy.size
    measured = pseudo_voigt(generator.uniform(1.4, 1.7), generator.uniform(0.15, 0.35))
    resolution = resolution or measured
    predicted = PredictedModes(
        file="array.spec",
        scan=scan,
        analyzer=name,
        q_hkl=q_hkl,
        temperature_k=KELVIN,
        energy_mev=energy,
        intensity=intensity,
        branch=np.arange(1, n + 1),
        group=np.arange(n),
        fwhm_mev=np.full(n, np.nan),
        spread_mev=np.full(n, 0.05),
        source="invented",
    )
    amplitude = intensity * np.exp(generator.normal(0, intensity_off, n))
    true_energy = energy * (1 + energy_off)
    zero = float(generator.normal(0.5, 0.4))
    axis = np.arange(-12.0, 30.0, 0.3) if axis is None else axis
    model = SpectrumModel(resolution, KELVIN, modes=n)
    values = {"elastic": 0.0, "background_c0": 0.0, "background_c1": 0.0, "zero": zero}
    for i in range(n):
        values[f"mode{i + 1}_energy"] = true_energy[i]
        values[f"mode{i + 1}_fwhm"] = fwhm[i]
        values[f"mode{i + 1}_amplitude"] = amplitude[i]
    phonons = model.evaluate(values, axis)
    scale = peak_counts / float(phonons[np.abs(axis - zero) > 2.0].max())
    amplitude = scale * amplitude
    elastic = 4 * peak_counts * resolution(axis - zero) / float(resolution(0.0))
    expected = scale * phonons + elastic + 0.02 * peak_counts
    spectrum = Spectrum(
        axis,
        generator.poisson(expected).astype(float),
        np.ones(axis.size),
        q_hkl=tuple(q_hkl.tolist()),
        temperature_k=KELVIN,
        analyzer=name,
        scan=scan,
        file="array.spec",
    )
    return Case(spectrum, resolution, predicted, TrueModes(true_energy, fwhm, amplitude), zero)


def array_of_28(seed: int, branches: int, **more: Any) -> list[Case]:
    """28 analyzers side by side on an array, 4 rows of 7."""
    generator = np.random.default_rng(seed)
    crystal = Crystal.invented(seed, branches)
    center = generator.uniform(1.2, 2.8, 3)
    return [
        case(
            crystal,
            center + np.array([0.07 * column, 0.05 * row, 0.02 * column - 0.03 * row]),
            f"a{row}{column}",
            generator,
            **more,
        )
        for row in range(4)
        for column in range(7)
    ]
