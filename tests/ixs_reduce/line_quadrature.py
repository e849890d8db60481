"""Line shapes through a resolution by quadrature: the independent way to every convolved number.

Composite Gauss-Legendre quadrature on panels so short that every singularity of the integrand
stays two half-lengths away, where 24 nodes err by less than 1e-27; in 30-digit arithmetic
(`THIRTY_DIGITS`) or, for dense grids, in the machine's longest floats (`LONGEST_FLOATS`). All
integrands of values are positive, so no digits are lost in the sums.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import mpmath as mp
import numpy as np

Array = np.ndarray[Any, Any]
Parts = Sequence[tuple[str, float, float, float]]

MP = mp.mp.clone()
MP.dps = 30
_NODES = mp.calculus.quadrature.GaussLegendre(MP).calc_nodes(4, MP.prec + 10)
_NEGLIGIBLE = 14  # standard deviations: a Gaussian is 1e-43 there
_REACH = 2.0**30


class Arithmetic(NamedTuple):
    """Functions, constants and Gauss-Legendre rule of one precision."""

    number: Callable[[Any], Any]
    exp: Callable[[Array], Array]
    expm1: Callable[[Array], Array]
    pi: Any
    boltzmann: Any
    sigma_per_fwhm: Any
    nodes: Array
    weights: Array


def _longest(value: Any) -> Any:
    return np.longdouble(MP.nstr(value, 25)) if isinstance(value, MP.mpf) else np.longdouble(value)


_BOLTZMANN = MP.mpf("1.380649e-23") / MP.mpf("1.602176634e-22")
_SIGMA = 1 / (2 * MP.sqrt(2 * MP.log(2)))
THIRTY_DIGITS = Arithmetic(
    MP.mpf,
    np.frompyfunc(MP.exp, 1, 1),
    np.frompyfunc(MP.expm1, 1, 1),
    MP.pi + 0,
    _BOLTZMANN,
    _SIGMA,
    np.array([x for x, _ in _NODES], dtype=object),
    np.array([w for _, w in _NODES], dtype=object),
)
LONGEST_FLOATS = Arithmetic(
    _longest,
    lambda x: np.exp(np.maximum(x, -700)),
    lambda x: np.expm1(np.minimum(x, 700)),
    _longest(MP.pi + 0),
    _longest(_BOLTZMANN),
    _longest(_SIGMA),
    np.array([_longest(x) for x, _ in _NODES]),
    np.array([_longest(w) for _, w in _NODES]),
)


class Shape(NamedTuple):
    """A line shape: values and derivatives with energy and FWHM, and its complex poles."""

    parts: Callable[[Array, Arithmetic], tuple[Array, Array, Array]]
    poles: tuple[complex, ...]
    kt: float


def oscillator(mode_energy: float, fwhm: float, temperature_k: float) -> Shape:
    """The damped harmonic oscillator written out from Fåk & Dorner's formula."""
    damped = np.sqrt(complex(mode_energy**2 - fwhm**2 / 4))

    def parts(e: Array, m: Arithmetic) -> tuple[Array, Array, Array]:
        w, g, kt = m.number(mode_energy), m.number(fwhm), m.boltzmann * m.number(temperature_k)
        offset = (e - w) * (e + w)
        denominator = offset**2 + (g * e) ** 2
        value = 2 * w * g / m.pi * _energy_times_bose(e, kt, m) / denominator
        return (
            value,
            value * (1 / w + 4 * w * offset / denominator),
            value * (1 / g - 2 * g * e**2 / denominator),
        )

    poles = tuple(sign * damped - 0.5j * fwhm for sign in (1, -1))
    return Shape(parts, poles, float(_BOLTZMANN) * temperature_k)


def as_printed(mode_energy: float, fwhm: float, temperature_k: float) -> Shape:
    """The oscillator with 1/n = e^{E/kT} - 1 in place of n + 1."""
    poles = oscillator(mode_energy, fwhm, temperature_k).poles

    def parts(e: Array, m: Arithmetic) -> tuple[Array, Array, Array]:
        w, g, kt = m.number(mode_energy), m.number(fwhm), m.boltzmann * m.number(temperature_k)
        denominator = ((e - w) * (e + w)) ** 2 + (g * e) ** 2
        value = 2 * w * g / m.pi * e * m.expm1(e / kt) / denominator
        return value, 0 * value, 0 * value

    return Shape(parts, poles, float(_BOLTZMANN) * temperature_k)


def relaxation(fwhm: float, temperature_k: float) -> Shape:
    """The quasi-elastic line (E/kT) [n+1] (1/π) g/(E²+g²), g = FWHM/2."""

    def parts(e: Array, m: Arithmetic) -> tuple[Array, Array, Array]:
        g, kt = m.number(fwhm) / 2, m.boltzmann * m.number(temperature_k)
        denominator = e**2 + g**2
        value = _energy_times_bose(e, kt, m) / kt * g / m.pi / denominator
        return value, 0 * value, value * (1 / g - 2 * g / denominator) / 2

    return Shape(parts, (-0.5j * fwhm,), float(_BOLTZMANN) * temperature_k)


def _energy_times_bose(e: Array, kt: Any, m: Arithmetic) -> Array:
    return -e / m.expm1(-e / kt)


def resolution_at(components: Parts, u: Array, m: Arithmetic) -> tuple[Array, Array]:
    """R(u) and R'(u) of shifted Gaussians and Lorentzians, their weights made to sum 1."""
    value, slope = 0 * u, 0 * u
    total = sum(m.number(weight) for _, weight, _, _ in components)
    for kind, weight, center, fwhm in components:
        offset = u - m.number(center)
        if kind == "gaussian":
            sigma = m.number(fwhm) * m.sigma_per_fwhm
            seen = np.flatnonzero(np.abs(offset.astype(float)) < _NEGLIGIBLE * float(sigma))
            near = offset[seen] / sigma
            # (2π)^(-1/2) without another constant: √(2π) = √2 √π.
            part = m.number(weight) / total * m.exp(-(near**2) / 2) / (sigma * (2 * m.pi) ** 0.5)
            value[seen] += part
            slope[seen] -= near / sigma * part
        else:
            half = m.number(fwhm) / 2
            inverse = 1 / (offset**2 + half**2)
            part = m.number(weight) / total * half / m.pi * inverse
            value += part
            slope -= 2 * offset * inverse * part
    return value, slope


def convolve(
    shape: Shape, components: Parts, energies: Sequence[float], m: Arithmetic = THIRTY_DIGITS
) -> Array:
    """(4, n_energies): ∫ S(e) R(E-e) de, its derivatives with energy, FWHM and shift."""
    rows = []
    for energy in energies:
        nodes, weights = _rule(shape, components, [energy], m)
        parts = np.array(shape.parts(nodes, m)) * weights
        value, slope = resolution_at(components, m.number(energy) - nodes, m)
        rows.append([*(parts @ value), -(parts[0] @ slope)])
    return np.array(rows, dtype=float).T


def convolve_function(
    shape: Shape,
    resolution: Callable[[Array], Array],
    support: tuple[float, float],
    smooth: float,
    energies: Sequence[float],
) -> Array:
    """(n_energies,): ∫ S(e) R(E-e) de for any R that is smooth on a scale within its support."""
    m = LONGEST_FLOATS
    values = []
    for energy in energies:
        edges = _panels(
            _singularities(shape), (energy - support[1], energy - support[0]), lambda _: smooth
        )
        nodes, weights = _nodes(edges, m)
        values.append(float((shape.parts(nodes, m)[0] * resolution(energy - nodes)) @ weights))
    return np.array(values)


def integral(
    function: Callable[[Array], Array],
    singularities: Sequence[complex],
    reach: tuple[float, float] = (-_REACH, _REACH),
    scale: float = np.inf,
) -> float:
    """∫ f(e) de over a range (default: everything), given where f is singular.

    scale : longest half-length of a panel within 100 of it of zero, for exponentials.
    """
    edges = _panels(
        singularities, reach, lambda middle: scale if abs(middle) < 100 * scale else np.inf
    )
    nodes, weights = _nodes(edges, LONGEST_FLOATS)
    return float(function(nodes) @ weights)


def _rule(
    shape: Shape, components: Parts, energies: Sequence[float], m: Arithmetic
) -> tuple[Array, Array]:
    singular = _singularities(shape)
    gaussians = []
    for energy in energies:
        for kind, _, center, fwhm in components:
            if kind == "lorentzian":
                singular.append(complex(energy - center, fwhm / 2))
            else:
                gaussians.append((energy - center, fwhm / 2.3548))

    def longest(middle: float) -> float:
        limit = 6 * shape.kt if abs(middle) < 100 * shape.kt else np.inf
        for center, sigma in gaussians:
            distance = abs(middle - center)
            # As wide as its distance allows, and two σ within the Gaussian.
            limit = min(limit, max(2 * sigma, distance - _NEGLIGIBLE * sigma))
        return limit

    reach = (-_REACH, _REACH)
    if not any(kind == "lorentzian" for kind, *_ in components):
        low = min(center - _NEGLIGIBLE * sigma for center, sigma in gaussians)
        high = max(center + _NEGLIGIBLE * sigma for center, sigma in gaussians)
        reach = (low, high)
    return _nodes(_panels(singular, reach, longest), m)


def _singularities(shape: Shape) -> list[complex]:
    return [*shape.poles, 2j * np.pi * shape.kt]


def _panels(
    singular: Sequence[complex], reach: tuple[float, float], longest: Callable[[float], float]
) -> list[tuple[float, float]]:
    points = np.array(singular)
    done = []
    waiting = [reach] if reach[0] >= 0 or reach[1] <= 0 else [(reach[0], 0.0), (0.0, reach[1])]
    while waiting:
        low, high = waiting.pop()
        middle, half = (low + high) / 2, (high - low) / 2
        nearest = float(np.abs(points - middle).min()) if points.size else np.inf
        if 2 * half <= nearest and half <= longest(middle):
            done.append((low, high))
        else:
            waiting += [(low, middle), (middle, high)]
    return done


def _nodes(panels: Sequence[tuple[float, float]], m: Arithmetic) -> tuple[Array, Array]:
    low = np.array([m.number(a) for a, _ in panels])[:, None]
    high = np.array([m.number(b) for _, b in panels])[:, None]
    half = (high - low) / 2
    return ((low + high) / 2 + half * m.nodes).ravel(), (half * m.weights).ravel()
