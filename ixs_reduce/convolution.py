"""Line shapes through the resolution, exactly, with derivatives.

The spectral function is meromorphic: on the real axis S(E) = 2 Re Σ_j r_j / (E - p_j) over its
poles p_j in the lower half plane. A Gaussian (σ, c) turns 1/(E-p) into -i√π/(√2σ) w(z) with
z = (E-c-p)/(√2σ) and w the Faddeeva function; a Lorentzian (half width g, c) turns it into
1/(E-c-p+ig). So a resolution that is a sum of these convolves any damped oscillator without a
grid, however narrow or overdamped, and so do the derivatives (w' = -2zw + 2i/√π).

Where two poles come so close that their residues cancel (critical damping, an overdamped pole on
a thermal one), their common contribution is the contour integral around them, taken by the
trapezoidal rule, which is again a list of poles with weights.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ixs_core.arrays import ComplexArray, FloatArray
from ixs_core.errors import InputError
from ixs_core.units import FWHM_PER_SIGMA
from ixs_reduce.faddeeva import faddeeva
from ixs_reduce.line_poles import (
    LinePoles,
    bare_oscillator_poles,
    oscillator_poles,
    oscillator_thermal_residues,
    quasielastic_poles,
    quasielastic_thermal_residues,
)
from ixs_reduce.lineshape import BOSE_CHOICES, Bose, check_mode, thermal_energy
from ixs_reduce.resolution import Component, Resolution
from ixs_reduce.thermal_poles import thermal_poles

_SQRT_PI = float(np.sqrt(np.pi))


@dataclass(frozen=True)
class ConvolutionPlan:
    """Where a resolution needs the pole sums, and how the data points follow from them.

    energy_mev : (m,) array, where the sums are evaluated; components : what they are convolved
    with; matrix : (n, m) array that leads to the data's n energies, None when they are the same.
    """

    energy_mev: FloatArray
    components: tuple[Component, ...]
    matrix: FloatArray | None = None

    def finish(self, values: FloatArray) -> FloatArray:
        """From (…, m) values of the pole sums to (…, n) values at the data's energies."""
        return values if self.matrix is None else values @ self.matrix.T


def plan_convolution(resolution: Resolution, energy_mev: FloatArray) -> ConvolutionPlan:
    """Prepare the convolution with a resolution at given energies (meV).

    A numeric R(u) is written as R_d ∗ g with g a narrow Gaussian (s = 1.1 grid steps) and
    R_d = R - s²/2 R'' + s⁴/8 R'''' (the inverse of the smoothing, to fourth order); S ∗ g is
    exact on a grid and the remaining sum over the grid is a constant matrix.
    """
    energy = np.asarray(energy_mev, dtype=float)
    if not resolution.numeric:
        return ConvolutionPlan(energy, resolution.components)
    step = min(0.1, resolution.fwhm_mev / 12)
    sigma = 1.1 * step
    low, high = resolution.range_mev
    first = np.floor((energy.min() - high) / step) - 1
    last = np.ceil((energy.max() - low) / step) + 1
    grid = step * np.arange(first, last + 1)
    u = energy[:, None] - grid
    inside = (u >= low) & (u <= high)
    spline = resolution.spline
    x = np.where(inside, u, 0.5 * (low + high))
    sharpened = spline(x) - sigma**2 / 2 * spline(x, nu=2) + sigma**4 / 8 * spline(x, nu=4)
    narrow = Component("gaussian", 1.0, 0.0, sigma * FWHM_PER_SIGMA)
    return ConvolutionPlan(grid, (narrow,), step * np.where(inside, sharpened, 0.0))


def pole_response(
    components: tuple[Component, ...], energy_mev: FloatArray, poles: ComplexArray
) -> tuple[ComplexArray, ComplexArray]:
    """K(E, p) = ∫ R(E-e)/(e-p) de for poles below the real axis, and ∂K/∂E = -∂K/∂p.

    energy_mev : (m,) array; poles : (k,) array; both results (k, m).
    """
    shape = (poles.size, energy_mev.size)
    value = np.zeros(shape, dtype=complex)
    slope = np.zeros(shape, dtype=complex)
    distance = energy_mev - poles[:, None]
    for kind, weight, center, fwhm in components:
        if kind == "gaussian":
            scale = FWHM_PER_SIGMA / (np.sqrt(2.0) * fwhm)
            z = (distance - center) * scale
            w = faddeeva(z)
            factor = -1j * _SQRT_PI * scale * weight
            value += factor * w
            w *= z
            slope += (-2 * factor * scale) * (w - 1j / _SQRT_PI)
        else:
            inverse = 1.0 / (distance - (center - 0.5j * fwhm))
            value += weight * inverse
            inverse *= inverse
            slope -= weight * inverse
    return value, slope


@dataclass(frozen=True)
class Lines:
    """Convolved lines of unit amplitude and their derivatives, each (n_lines, n_points)."""

    value: FloatArray
    by_energy: FloatArray
    by_fwhm: FloatArray
    by_shift: FloatArray


def convolved_oscillators(
    plan: ConvolutionPlan,
    shift_mev: float,
    mode_energy: FloatArray,
    fwhm: FloatArray,
    kt: float,
) -> Lines:
    """Damped harmonic oscillators of unit amplitude through a resolution.

    Parameters
    ----------
    plan : ConvolutionPlan
    shift_mev : float
        The true energy is the plan's energy minus this (the zero).
    mode_energy, fwhm : (n_lines,) arrays
        Undamped energies W and FWHM G, meV, positive.
    kt : float
        kT in meV.

    Returns
    -------
    Lines
        In 1/meV; by_shift is the derivative with shift_mev.
    """
    energy = plan.energy_mev - shift_mev
    depth, weight, explicit = thermal_poles(kt, _reach(plan, energy, mode_energy, fwhm))
    poles = oscillator_poles(mode_energy, fwhm, kt, explicit)
    residue, residue_by = oscillator_thermal_residues(mode_energy, fwhm, kt, depth)
    kept = _kept(poles, weight)
    return _pole_sums(plan, energy, poles, depth, residue * kept, residue_by * kept)


def convolved_quasielastic(
    plan: ConvolutionPlan, shift_mev: float, fwhm: float, kt: float
) -> Lines:
    """The quasi-elastic line (E/kT)[n+1] (1/π) g/(E²+g²), g = FWHM/2, through a resolution.

    Parameters as for `convolved_oscillators`; one line, whose by_energy is zero.
    """
    energy = plan.energy_mev - shift_mev
    depth, weight, explicit = thermal_poles(kt, _reach(plan, energy, fwhm))
    poles = quasielastic_poles(fwhm, kt, explicit)
    residue, residue_by = quasielastic_thermal_residues(fwhm, depth)
    kept = _kept(poles, weight)
    return _pole_sums(plan, energy, poles, depth, residue * kept, residue_by * kept)


def convolved_dho(
    energy_mev: ArrayLike,
    mode_energy: float,
    fwhm: float,
    temperature_k: float,
    resolution: Resolution,
    amplitude: float = 1.0,
    bose: Bose = "standard",
) -> FloatArray:
    """The damped harmonic oscillator `dho` convolved exactly with a resolution.

    Parameters and errors as for `dho`; energy_mev of any shape. With bose="as_printed" the
    convolution diverges under a Lorentzian tail (the shape grows as exp(E/kT)), so that form
    takes Gaussian components or a table only. A width of 0 is the undamped mode, whose two
    lines take the shape of the resolution.

    Returns
    -------
    array
        ∫ R(E-e) S(e) de in units of amplitude per meV.
    """
    check_mode(mode_energy, fwhm, undamped=True)
    kt = thermal_energy(temperature_k)
    energy = np.asarray(energy_mev, dtype=float)
    plan = plan_convolution(resolution, energy.ravel())
    if bose == "standard":
        values = convolved_oscillators(
            plan, 0.0, np.array([float(mode_energy)]), np.array([float(fwhm)]), kt
        ).value[0]
    elif bose == "as_printed":
        values = _as_printed(plan, float(mode_energy), float(fwhm), kt)
    else:
        raise InputError("unknown Bose factor", key="bose", found=bose, expected=BOSE_CHOICES)
    return amplitude * plan.finish(values).reshape(energy.shape)


def _reach(plan: ConvolutionPlan, energy: FloatArray, *line_energies: ArrayLike) -> float:
    """Largest |energy| that the thermal sum must resolve: data, resolution, poles."""
    spread = max(abs(c.center_mev) + 2.5 * c.fwhm_mev for c in plan.components)
    poles = max(float(np.max(e, initial=0.0)) for e in line_energies)
    return max(float(np.abs(energy).max()) + spread, poles)


def _kept(poles: LinePoles, weight: FloatArray) -> FloatArray:
    """Weights of the thermal poles for each line, zero where a contour holds them already."""
    n_lines, explicit = poles.thermal_kept.shape
    kept = np.tile(weight, (n_lines, 1))
    kept[:, :explicit] *= poles.thermal_kept
    return kept


def _pole_sums(
    plan: ConvolutionPlan,
    energy: FloatArray,
    poles: LinePoles,
    depth: FloatArray,
    thermal_residue: ComplexArray,
    thermal_residue_by: ComplexArray,
) -> Lines:
    """2 Re Σ r K(E, p) over the poles of every line and the thermal poles they share."""
    n_lines, n_own = thermal_residue.shape[0], poles.pole.size
    response, slope = pole_response(
        plan.components, energy, np.concatenate((poles.pole, -1j * depth))
    )
    residue = np.zeros((3, n_lines, n_own + depth.size), dtype=complex)
    own = (poles.line, np.arange(n_own))
    residue[0][own] = poles.residue
    residue[0, :, n_own:] = thermal_residue
    moving = np.zeros((2, n_lines, n_own + depth.size), dtype=complex)
    for k in range(2):
        residue[1 + k][own] = poles.residue_by[k]
        residue[1 + k, :, n_own:] = thermal_residue_by[k]
        moving[k][own] = poles.residue * poles.pole_by[k]
    value, by_energy, by_fwhm = 2 * (residue @ response).real
    return Lines(
        value=value,
        by_energy=by_energy - 2 * (moving[0] @ slope).real,
        by_fwhm=by_fwhm - 2 * (moving[1] @ slope).real,
        by_shift=-2 * (residue[0] @ slope).real,
    )


def _as_printed(plan: ConvolutionPlan, mode_energy: float, fwhm: float, kt: float) -> FloatArray:
    """(e^{E/kT} - 1) F(E) through Gaussians: the exponential only shifts and scales a Gaussian."""
    total = np.zeros(plan.energy_mev.size)
    for component in plan.components:
        if component.kind != "gaussian":
            raise InputError(
                "the line shape as printed grows as exp(E/kT) and diverges under a Lorentzian tail",
                key="resolution",
                found="a Lorentzian component",
                expected="Gaussian components or a table",
            )
        sigma = component.fwhm_mev / FWHM_PER_SIGMA
        growth = (plan.energy_mev - component.center_mev) / kt + 0.5 * (sigma / kt) ** 2
        total += np.exp(growth) * _bare_response(
            component, plan.energy_mev + sigma**2 / kt, mode_energy, fwhm
        )
        total -= _bare_response(component, plan.energy_mev, mode_energy, fwhm)
    return total


def _bare_response(
    component: Component, energy: FloatArray, mode_energy: float, fwhm: float
) -> FloatArray:
    """F(E), the oscillator without Bose factor, through one component."""
    poles = bare_oscillator_poles(mode_energy, fwhm)
    response, _ = pole_response((component,), energy, poles.pole)
    return 2 * (poles.residue @ response).real
