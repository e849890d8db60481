"""The poles and residues of line shapes in the lower half plane, with derivatives.

A damped harmonic oscillator has the poles ±W_d - iG/2, W_d = √(W²-G²/4) (imaginary when
overdamped), with residues ±[n(p)+1] iW/(2πW_d), the Bose factor taken at the complex pole, and
thermal poles -iν, ν = 2πk kT, with residues -i kT (2/π) W G ν/((ν²+W²)²-G²ν²).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ixs_core.arrays import BoolArray, ComplexArray, FloatArray, IntArray
from ixs_reduce.thermal_poles import thermal_poles

# A line shape off the real axis and its derivatives with energy and FWHM, each like z.
ShapeFunction = Callable[[ComplexArray], tuple[ComplexArray, ComplexArray, ComplexArray]]

# Direct residues serve down to these relative distances between poles: until there their
# cancellation costs less than two of sixteen digits.
_CRITICAL = 0.02
_NEAR_THERMAL = 0.15
# A contour is wide enough when nothing outside comes closer than this many cluster radii.
_CLEARANCE = 1.5


class LinePoles(NamedTuple):
    """Poles of one or more lines.

    pole, residue : (k,) complex; line : (k,) index of the line each belongs to;
    pole_by, residue_by : (2, k), derivatives with the line's energy and with its FWHM;
    thermal_kept : (n_lines, n_explicit), 0 where a thermal pole lies inside a contour.
    """

    pole: ComplexArray
    residue: ComplexArray
    line: IntArray
    pole_by: ComplexArray
    residue_by: ComplexArray
    thermal_kept: FloatArray


def oscillator_poles(
    mode_energy: FloatArray, fwhm: FloatArray, kt: float, explicit: int
) -> LinePoles:
    """Poles of damped harmonic oscillators of unit amplitude.

    Parameters
    ----------
    mode_energy, fwhm : (n_lines,) arrays
        W and G in meV, positive.
    kt : float
        kT in meV.
    explicit : int
        Number of thermal poles that the caller sums one by one.
    """
    energy = np.asarray(mode_energy, dtype=float)
    width = np.asarray(fwhm, dtype=float)
    damped = np.sqrt((energy**2 - width**2 / 4).astype(complex))
    pair = np.stack((damped - 0.5j * width, -damped - 0.5j * width))
    difficult = (np.abs(damped) < _CRITICAL * width / 2) | _near_thermal(pair, kt, explicit).any(0)
    easy = np.flatnonzero(~difficult)
    parts = [_separate_pairs(energy[easy], width[easy], kt, easy)]
    kept = np.ones((energy.size, explicit))
    for i in np.flatnonzero(difficult):
        part, kept[i] = _clustered(
            pair[:, i],
            _separate_pairs(energy[i : i + 1], width[i : i + 1], kt, np.array([i])),
            _oscillator_shape(energy[i], width[i], kt),
            kt,
            explicit,
        )
        parts.append(part)
    return _joined(parts, kept)


def bare_oscillator_poles(mode_energy: float, fwhm: float) -> LinePoles:
    """Poles of F(E) = (2/π) W G E/((E²-W²)²+G²E²), the oscillator without Bose factor."""
    damped = np.sqrt(complex(mode_energy**2 - fwhm**2 / 4))
    own = np.array([damped, -damped]) - 0.5j * fwhm

    def shape(z: ComplexArray) -> tuple[ComplexArray, ComplexArray, ComplexArray]:
        denominator = (z**2 - mode_energy**2) ** 2 + (fwhm * z) ** 2
        value = (2 / np.pi) * mode_energy * fwhm * z / denominator
        nothing = np.zeros(z.shape, dtype=complex)
        return value, nothing, nothing

    line = np.zeros(2, dtype=np.intp)
    if abs(damped) < _CRITICAL * fwhm / 2:
        return _contour(own, np.ones(2, dtype=bool), shape, line[:1])
    residue = 0.5j / np.pi * mode_energy / damped * np.array([1.0, -1.0])
    zero = np.zeros((2, 2), dtype=complex)
    return LinePoles(own, residue, line, zero, zero, np.ones((1, 0)))


def oscillator_thermal_residues(
    mode_energy: FloatArray, fwhm: FloatArray, kt: float, depth: FloatArray
) -> tuple[ComplexArray, ComplexArray]:
    """Residues at -i depth of oscillators, (n_lines, n), and derivatives (2, n_lines, n)."""
    w, g, nu = mode_energy[:, None], fwhm[:, None], depth
    square = nu**2 + w**2
    denominator = square**2 - (g * nu) ** 2
    denominator = np.where(denominator == 0, 1.0, denominator)
    factor = -2j * kt / np.pi * nu / denominator
    by_energy = factor * g * (1 - 4 * w**2 * square / denominator)
    by_fwhm = factor * w * (1 + 2 * (g * nu) ** 2 / denominator)
    return factor * w * g, np.stack((by_energy, by_fwhm))


def oscillator_area(mode_energy: float, fwhm: float, kt: float) -> tuple[float, float, float]:
    """∫ S(E) dE of an oscillator of unit amplitude, and its derivatives with energy and FWHM.

    S falls as |E|⁻³, so the integral of 2 Re Σ r/(E-p) is 2π Im Σ r over the lower half plane.
    """
    energy, width = np.array([mode_energy]), np.array([fwhm])
    depth, weight, explicit = thermal_poles(kt, max(mode_energy, fwhm))
    poles = oscillator_poles(energy, width, kt, explicit)
    thermal, thermal_by = oscillator_thermal_residues(energy, width, kt, depth)
    kept = weight.copy()
    kept[:explicit] *= poles.thermal_kept[0]
    area = 2 * np.pi * (poles.residue.sum() + thermal[0] @ kept).imag
    by = 2 * np.pi * (poles.residue_by.sum(axis=1) + thermal_by[:, 0] @ kept).imag
    return float(area), float(by[0]), float(by[1])


def quasielastic_poles(fwhm: float, kt: float, explicit: int) -> LinePoles:
    """Poles of the quasi-elastic line (E/kT)[n+1] (1/π) g/(E²+g²), g = FWHM/2 > 0."""
    half = fwhm / 2
    pole = np.array([-1j * half])
    bose, slope = _bose_at(pole, kt)
    residue = bose * half / (2 * np.pi * kt)
    by_fwhm = (bose - 1j * half * slope) / (4 * np.pi * kt)
    zero = np.zeros_like(pole)
    single = LinePoles(
        pole,
        residue,
        np.zeros(1, dtype=np.intp),
        np.stack((zero, zero - 0.5j)),
        np.stack((zero, by_fwhm)),
        np.ones((1, 0)),
    )
    kept = np.ones((1, explicit))
    if not _near_thermal(pole, kt, explicit).any():
        return single._replace(thermal_kept=kept)
    part, kept[0] = _clustered(pole, single, _quasielastic_shape(half, kt), kt, explicit)
    return _joined([part], kept)


def quasielastic_thermal_residues(
    fwhm: float, depth: FloatArray
) -> tuple[ComplexArray, ComplexArray]:
    """Residues at -i depth of the quasi-elastic line, (1, n), and derivatives (2, 1, n)."""
    half = fwhm / 2
    denominator = half**2 - depth**2
    denominator = np.where(denominator == 0, 1.0, denominator)
    residue = -1j / np.pi * depth * half / denominator
    by_fwhm = 0.5j / np.pi * depth * (half**2 + depth**2) / denominator**2
    return residue[None], np.stack((np.zeros_like(by_fwhm), by_fwhm))[:, None, :]


def _bose_at(z: ComplexArray, kt: float) -> tuple[ComplexArray, ComplexArray]:
    """n(z)+1 and its derivative at complex energies."""
    x = z / kt
    x = np.where(x.real < -700, -700 + 1j * x.imag, x)
    denominator: ComplexArray = np.asarray(np.expm1(-x), dtype=complex)
    # On a thermal pole a contour takes over; the number must only exist.
    denominator[denominator == 0] = 1e-30
    bose: ComplexArray = np.reciprocal(-denominator)
    slope: ComplexArray = -bose * (bose - 1) / kt
    return bose, slope


def _separate_pairs(energy: FloatArray, width: FloatArray, kt: float, line: IntArray) -> LinePoles:
    """The two poles of each oscillator by the residue formulas; first all p₁, then all p₂."""
    damped = np.sqrt((energy**2 - width**2 / 4).astype(complex))
    # At critical damping a contour takes over; these numbers must only exist.
    damped = np.where(np.abs(damped) < 1e-9 * width, 1e-9 * width, damped)
    sign = np.array([1.0, -1.0])[:, None]
    pole = sign * damped - 0.5j * width
    pole_by_energy = sign * energy / damped
    pole_by_fwhm = -sign * width / (4 * damped) - 0.5j
    factor = sign * 0.5j / np.pi * energy / damped
    factor_by_energy = -sign * 0.5j / np.pi * width**2 / (4 * damped**3)
    factor_by_fwhm = factor * width / (4 * damped**2)
    bose, slope = _bose_at(pole, kt)
    return LinePoles(
        pole.ravel(),
        (factor * bose).ravel(),
        np.tile(line, 2),
        np.stack((pole_by_energy.ravel(), pole_by_fwhm.ravel())),
        np.stack(
            (
                (factor_by_energy * bose + factor * slope * pole_by_energy).ravel(),
                (factor_by_fwhm * bose + factor * slope * pole_by_fwhm).ravel(),
            )
        ),
        np.ones((0, 0)),
    )


def _near_thermal(poles: ComplexArray, kt: float, explicit: int) -> BoolArray:
    """Whether each pole lies close to a thermal pole."""
    spacing = 2 * np.pi * kt
    order = np.clip(np.round(-poles.imag / spacing), 1, None)
    close = np.abs(poles + 1j * spacing * order) < _NEAR_THERMAL * spacing
    return close & (order <= explicit)


def _oscillator_shape(energy: float, width: float, kt: float) -> ShapeFunction:
    damped_square = (energy - width / 2) * (energy + width / 2)

    def shape(z: ComplexArray) -> tuple[ComplexArray, ComplexArray, ComplexArray]:
        offset = z**2 - energy**2
        # (z²-W²)² + G²z² as a product over lower and upper poles: the sum cancels near a pole.
        denominator = ((z + 0.5j * width) ** 2 - damped_square) * (
            (z - 0.5j * width) ** 2 - damped_square
        )
        value = _bose_at(z, kt)[0] * (2 / np.pi) * energy * width * z / denominator
        return (
            value,
            value * (1 / energy + 4 * energy * offset / denominator),
            value * (1 / width - 2 * width * z**2 / denominator),
        )

    return shape


def _quasielastic_shape(half: float, kt: float) -> ShapeFunction:
    def shape(z: ComplexArray) -> tuple[ComplexArray, ComplexArray, ComplexArray]:
        denominator = (z + 1j * half) * (z - 1j * half)
        factor: ComplexArray = z * _bose_at(z, kt)[0] / (np.pi * kt * denominator)
        by_fwhm = 0.5 * factor * (1 - 2 * half**2 / denominator)
        return factor * half, np.zeros(z.shape, dtype=complex), by_fwhm

    return shape


def _clustered(
    own: ComplexArray, separate: LinePoles, shape: ShapeFunction, kt: float, explicit: int
) -> tuple[LinePoles, FloatArray]:
    """Poles of one line, those too close together replaced by a contour around them."""
    spacing = 2 * np.pi * kt
    everything = np.concatenate((own, -1j * spacing * np.arange(1, explicit + 1)))
    near = np.abs(everything - own[:, None]) < _NEAR_THERMAL * spacing
    near[:, : own.size] = np.abs(own - own[:, None]) < 2 * _CRITICAL * np.abs(own).max()
    clusters = [_with_what_crowds(cluster, everything) for cluster in near]
    # A pole may lie in one contour only, however the two found each other.
    if len(clusters) == 2 and (clusters[0] & clusters[1]).any():
        clusters = [_with_what_crowds(clusters[0] | clusters[1], everything)]
    parts = [
        _contour(everything, cluster, shape, separate.line[:1])
        if cluster.sum() > 1
        else _selected(separate, np.flatnonzero(cluster).tolist())
        for cluster in clusters
    ]
    in_contours = np.logical_or.reduce(clusters)[own.size :]
    return _joined(parts, np.ones((1, explicit))), 1.0 - in_contours


def _with_what_crowds(cluster: BoolArray, poles: ComplexArray) -> BoolArray:
    """A cluster of poles and what comes too close for a contour between them."""
    cluster = cluster.copy()
    while cluster.sum() > 1 and not cluster.all():
        center, inner = _disc(poles[cluster])
        distance = np.where(cluster, np.inf, np.abs(poles - center))
        closest = int(np.argmin(distance))
        if distance[closest] > _CLEARANCE * inner or distance[closest] > abs(center.imag):
            break
        cluster[closest] = True
    return cluster


def _disc(poles: ComplexArray) -> tuple[complex, float]:
    """Centre and radius of a disc around poles that lie along a line."""
    center = complex(
        (poles.real.max() + poles.real.min()) / 2, (poles.imag.max() + poles.imag.min()) / 2
    )
    return center, float(np.abs(poles - center).max())


def _contour(
    poles: ComplexArray,
    cluster: BoolArray,
    shape: ShapeFunction,
    line: IntArray,
) -> LinePoles:
    """(1/2πi) ∮ S(z) K(E, z) dz around a cluster by the trapezoidal rule, as weighted poles."""
    center, inner = _disc(poles[cluster])
    # K is smooth down to the real axis and S is singular above it: stay below.
    outer = abs(center.imag)
    if not cluster.all():
        outer = min(outer, float(np.abs(poles[~cluster] - center).min()))
    inner = max(inner, 0.16 * outer)
    radius = np.sqrt(inner * outer)
    # The rule converges as (inner/radius)^n + (radius/outer)^n.
    n = int(np.clip(np.ceil(np.log(1e-16) / np.log(radius / outer)), 16, 512))
    turn = radius * np.exp(2j * np.pi * (np.arange(n) + 0.5) / n)
    value, by_energy, by_fwhm = shape(center + turn)
    step = turn / n
    return LinePoles(
        center + turn,
        value * step,
        np.repeat(line, n),
        np.zeros((2, n), dtype=complex),
        np.stack((by_energy * step, by_fwhm * step)),
        np.ones((0, 0)),
    )


def _selected(poles: LinePoles, index: list[int]) -> LinePoles:
    return LinePoles(
        poles.pole[index],
        poles.residue[index],
        poles.line[index],
        poles.pole_by[:, index],
        poles.residue_by[:, index],
        poles.thermal_kept,
    )


def _joined(parts: list[LinePoles], thermal_kept: FloatArray) -> LinePoles:
    return LinePoles(
        np.concatenate([part.pole for part in parts]),
        np.concatenate([part.residue for part in parts]),
        np.concatenate([part.line for part in parts]),
        np.concatenate([part.pole_by for part in parts], axis=1),
        np.concatenate([part.residue_by for part in parts], axis=1),
        thermal_kept,
    )
