"""Start values of a fit from the data alone.

At a given zero the expected counts are linear in the strengths of a dictionary of sharp lines,
each with its anti-Stokes partner, plus elastic line and background. Non-negative least squares
on that dictionary is sparse by itself: its clusters are the modes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from scipy.ndimage import uniform_filter1d
from scipy.optimize import nnls

from ixs_core.arrays import FloatArray
from ixs_reduce.convolution import convolved_oscillators, plan_convolution
from ixs_reduce.lineshape import bose_factor, thermal_energy
from ixs_reduce.resolution import Resolution
from ixs_reduce.spectrum import Spectrum
from ixs_reduce.spectrum_model import SpectrumModel


class Cluster(NamedTuple):
    """A mode as the dictionary sees it: centre and spread in meV, strength (amplitude)."""

    energy_mev: float
    spread_mev: float
    amplitude: float


class DictionaryFit(NamedTuple):
    """What the dictionary makes of a spectrum at a trial zero.

    clusters : modes by falling amplitude × n+1; chi2 : χ² left;
    elastic_sigma : counts of the elastic line over the counting noise under it.
    """

    clusters: list[Cluster]
    chi2: float
    elastic_sigma: float


def line_pairs(
    resolution: Resolution, energy_mev: FloatArray, centers_mev: FloatArray, temperature_k: float
) -> FloatArray:
    """Undamped modes of unit amplitude through R: (n_centers, n) in 1/meV.

    (n+1) R(E - W) + n R(E + W), the limit of the damped oscillator for vanishing width.
    """
    gain = bose_factor(centers_mev, temperature_k)[:, None]
    offset = energy_mev - centers_mev[:, None]
    partner = energy_mev + centers_mev[:, None]
    return gain * resolution(offset) + (gain - 1) * resolution(partner)


def counting_weights(counts: FloatArray) -> FloatArray:
    """1/√(expected counts), smoothed over three points so that zeros do not dominate."""
    return 1 / np.sqrt(np.maximum(uniform_filter1d(counts, 3, mode="nearest"), 1.0))


def dictionary_fit(
    spectrum: Spectrum,
    resolution: Resolution,
    temperature_k: float,
    zero_mev: float,
    *,
    elastic: bool = True,
    spacing: float = 0.4,
) -> DictionaryFit:
    """Modes found by non-negative least squares at a given zero.

    Parameters
    ----------
    spectrum : Spectrum
    resolution : Resolution
    temperature_k : float
    zero_mev : float
        True energy = file energy - zero.
    elastic : bool
        Whether an elastic line may take part.
    spacing : float
        Spacing of the dictionary in FWHM of R.
    """
    energy = spectrum.energy_mev - zero_mev
    width = resolution.fwhm_mev
    reach = float(np.abs(energy).max())
    centers = np.arange(0.5 * width, max(reach, width), spacing * width)
    lines = line_pairs(resolution, energy, centers, temperature_k)
    others = [(energy - energy.min()) / np.ptp(energy), (energy.max() - energy) / np.ptp(energy)]
    if elastic:
        others.append(resolution(energy))
    matrix = np.vstack((lines, np.array(others))) * spectrum.exposure
    target = mode_counts(spectrum)
    weight = counting_weights(spectrum.counts)
    strength, chi2 = positive_solution((matrix * weight).T, target * weight)
    sigma = 0.0
    if elastic:
        near = np.abs(energy) < width
        noise = np.sqrt(max(float(spectrum.counts[near].sum()), 1.0))
        sigma = float(strength[-1] * matrix[-1, near].sum() / noise)
    clusters = _clusters(centers, strength[: centers.size], temperature_k)
    return DictionaryFit(clusters, chi2, sigma)


def _clusters(centers: FloatArray, strength: FloatArray, temperature_k: float) -> list[Cluster]:
    """Runs of neighbouring non-zero strengths, strongest first."""
    active = np.concatenate(([False], strength > 0, [False]))
    edges = np.flatnonzero(np.diff(active.astype(int)))
    found = []
    for first, last in zip(edges[::2], edges[1::2], strict=True):
        part = strength[first:last]
        mean = float(np.average(centers[first:last], weights=part))
        variance = float(np.average((centers[first:last] - mean) ** 2, weights=part))
        found.append(Cluster(mean, float(np.sqrt(variance)), float(part.sum())))
    return sorted(
        found, key=lambda c: -c.amplitude * float(bose_factor(c.energy_mev, temperature_k))
    )


def seed_modes(
    spectrum: Spectrum, model: SpectrumModel, zero_mev: float
) -> tuple[FloatArray, FloatArray]:
    """Start energies and widths (meV), each (n_modes,), of a model's modes from the data.

    Orthogonal matching pursuit on a dictionary of lines of two widths: the line that
    explains most of what is left joins the others, then each line in turn is chosen again
    beside the rest.
    """
    atoms = _Atoms.build(spectrum, model, zero_mev)
    chosen: list[int] = []
    for _ in range(model.n_modes):
        chosen.append(atoms.best_beside(chosen))
        for _ in range(_SWEEPS if len(chosen) > 1 else 0):
            before = list(chosen)
            for k in range(len(chosen)):
                chosen[k] = atoms.best_beside(chosen[:k] + chosen[k + 1 :])
            if chosen == before:
                break
    chosen.sort(key=lambda index: atoms.energy_mev[index])
    return atoms.energy_mev[chosen], atoms.fwhm_mev[chosen]


def with_another_mode(
    spectrum: Spectrum, model: SpectrumModel, values: FloatArray, apart_mev: float
) -> tuple[FloatArray, FloatArray]:
    """Energies and widths of fitted modes and one more, where it explains most of what is left.

    model, values : the fitted model and its parameters; the new mode is at least apart_mev
    away from the others. Returns energies and widths (meV), each (n_modes + 1,).
    """
    atoms = _Atoms.build(spectrum, model, float(values[-1]))
    energy, fwhm, _ = values[: 3 * model.n_modes].reshape(model.n_modes, 3).T
    _, jacobian = model.prepare(spectrum.energy_mev)(values)
    weight = spectrum.exposure * counting_weights(spectrum.counts)
    present = jacobian[2 : 3 * model.n_modes : 3] * weight
    gain = atoms.gains(atoms.beside_fixed_terms(present))
    far = np.all(np.abs(atoms.energy_mev[:, None] - energy) >= apart_mev, axis=1)
    best = int(np.argmax(np.where(far, gain, -1.0)))
    energies = np.append(energy, atoms.energy_mev[best])
    widths = np.append(np.maximum(fwhm, 0.1 * model.resolution.fwhm_mev), atoms.fwhm_mev[best])
    order = np.argsort(energies)
    return energies[order], widths[order]


def _folded_shape(spectrum: Spectrum, model: SpectrumModel, zero_mev: float) -> FloatArray:
    """The folded modes of a model together, (n,) per unit exposure."""
    alone = replace(
        model, modes=0, members=(), elastic=False, quasielastic=False, background="none"
    )
    return alone.evaluate({"folded_scale": 1.0, "zero": zero_mev}, spectrum.energy_mev)


_SWEEPS = 4
_ATOM_WIDTHS = (0.3, 1.0)  # in FWHM of R


@dataclass(frozen=True)
class _Atoms:
    """Weighted lines of several energies and widths, and what the other terms leave of the data.

    shape : (n_atoms, n) rows orthogonal to elastic line and background;
    rest : (n,) weighted counts less their part along those; fixed : (n, k) orthonormal basis
    of elastic line and background.
    """

    energy_mev: FloatArray
    fwhm_mev: FloatArray
    shape: FloatArray
    rest: FloatArray
    fixed: FloatArray

    @classmethod
    def build(cls, spectrum: Spectrum, model: SpectrumModel, zero_mev: float) -> _Atoms:
        width = model.resolution.fwhm_mev
        reach = float(np.abs(spectrum.energy_mev - zero_mev).max())
        centers = np.arange(0.4 * width, max(reach, width), 0.25 * width)
        energies = np.tile(centers, len(_ATOM_WIDTHS))
        widths = np.repeat(np.array(_ATOM_WIDTHS) * width, centers.size)
        plan = plan_convolution(model.resolution, spectrum.energy_mev)
        kt = thermal_energy(model.temperature_k)
        lines = plan.finish(convolved_oscillators(plan, zero_mev, energies, widths, kt).value)
        weight = counting_weights(spectrum.counts)
        shape = lines * spectrum.exposure * weight
        fixed = [spectrum.exposure * weight, spectrum.exposure * weight * spectrum.energy_mev]
        if model.elastic:
            elastic = model.resolution(spectrum.energy_mev - zero_mev)
            fixed.append(elastic * spectrum.exposure * weight)
        if model.folded:
            fixed.append(_folded_shape(spectrum, model, zero_mev) * spectrum.exposure * weight)
        basis, _ = np.linalg.qr(np.array(fixed).T)
        target = mode_counts(spectrum) * weight
        return cls(
            energies,
            widths,
            shape - (shape @ basis) @ basis.T,
            target - basis @ (basis.T @ target),
            basis,
        )

    def beside_fixed_terms(self, shapes: FloatArray) -> FloatArray:
        """(k, n) weighted shapes less their part along elastic line and background."""
        return shapes - (shapes @ self.fixed) @ self.fixed.T

    def best_beside(self, others: list[int]) -> int:
        """The atom that, added to others with a positive strength, gains most in χ²."""
        gain = self.gains(self.shape[others])
        gain[others] = 0.0
        return int(np.argmax(gain))

    def gains(self, present: FloatArray) -> FloatArray:
        """Gain in χ² of each atom when it joins shapes (k, n) that are present already."""
        shape, rest = self.shape, self.rest
        if present.size:
            basis, _ = np.linalg.qr(present.T)
            rest = rest - basis @ (basis.T @ rest)
            shape = shape - (shape @ basis) @ basis.T
        norm = (shape**2).sum(axis=1)
        usable = norm > 1e-3 * (self.shape**2).sum(axis=1)
        overlap = np.maximum(shape @ rest, 0.0)
        return np.where(usable, overlap**2 / np.where(usable, norm, 1.0), 0.0)


def mode_counts(spectrum: Spectrum) -> FloatArray:
    """Counts less the measured background's expected share, for start values only."""
    if spectrum.background_rate is None:
        return spectrum.counts
    return np.maximum(spectrum.counts - spectrum.exposure * spectrum.background_rate, 0.0)


def linear_start(
    spectrum: Spectrum,
    model: SpectrumModel,
    energies: FloatArray,
    widths: FloatArray,
    *,
    zero_mev: float,
) -> tuple[FloatArray, float]:
    """A parameter vector with given mode energies and widths; everything linear by least squares.

    energies, widths : (n_modes,) arrays in meV. Returns (n_parameters,) and the χ² reached.
    """
    names = model.parameter_names
    theta = np.zeros(len(names))
    theta[0 : 3 * model.n_modes : 3] = energies
    theta[1 : 3 * model.n_modes : 3] = widths
    theta[2 : 3 * model.n_modes : 3] = 1.0
    theta[-1] = zero_mev
    if model.quasielastic:
        theta[names.index("qe_fwhm")] = 2 * model.resolution.fwhm_mev
        theta[names.index("qe_amplitude")] = 1.0
    linear = [i for i, name in enumerate(names) if name.endswith(_LINEAR)]
    _, jacobian = model.prepare(spectrum.energy_mev)(theta)
    weight = counting_weights(spectrum.counts)
    design = (jacobian[linear] * spectrum.exposure * weight).T
    strength, chi2 = positive_solution(design, mode_counts(spectrum) * weight)
    # A term that starts at zero has no slope in its other parameters: start it small.
    counts_per_unit = np.maximum((design / weight[:, None]).sum(axis=0), 1e-30)
    theta[linear] = np.maximum(strength, 1e-3 * spectrum.counts.sum() / counts_per_unit)
    return theta, chi2


_LINEAR = ("amplitude", "elastic", "folded_scale", "background_c0")


def rearrangements(
    spectrum: Spectrum, model: SpectrumModel, values: FloatArray
) -> list[FloatArray]:
    """Start points that divide the spectrum otherwise: one mode taken away, another split.

    Split and merge (N. Ueda et al., Neural Computation 12 (2000) 2109). values : best
    parameters so far; returns parameter vectors, the most promising first.
    """
    n, width = model.n_modes, model.resolution.fwhm_mev
    energy, fwhm, _ = values[: 3 * n].reshape(n, 3).T
    proposals = []
    for wide in np.flatnonzero(fwhm >= min(0.4 * width, fwhm.max(initial=0.0))):
        for weak in range(n):
            if weak == wide:
                continue
            options = []
            for apart in (0.25 * (fwhm[wide] + width), 0.6 * (fwhm[wide] + width)):
                energies, widths = energy.copy(), np.clip(fwhm, 0.1 * width, 4 * width)
                energies[weak], energies[wide] = energy[wide] - apart, energy[wide] + apart
                widths[weak] = widths[wide] = 0.5 * widths[wide]
                energies = np.maximum(energies, 0.3 * width)
                options.append(linear_start(spectrum, model, energies, widths, zero_mev=values[-1]))
            proposals.append(min(options, key=lambda option: option[1]))
    proposals.sort(key=lambda proposal: proposal[1])
    return [vector for vector, _ in proposals]


def positive_solution(design: FloatArray, target: FloatArray) -> tuple[FloatArray, float]:
    """Non-negative least squares with columns of equal length; solution and χ²."""
    if not design.shape[1]:  # scipy's nnls writes out of bounds without a column
        return np.zeros(0), float(target @ target)
    scale = np.sqrt((design**2).sum(axis=0))
    # What no point sees, as lines between the points of a sharp R, has no strength.
    seen = scale > 1e-12 * scale.max()
    scale = np.where(seen, scale, 1.0)
    strength, residual = nnls(np.where(seen, design / scale, 0.0), target)
    return strength / scale, float(residual) ** 2
