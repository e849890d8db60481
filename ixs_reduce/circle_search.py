"""Numeric search for positions when fewer than two of tth, mu, gam are frozen.

Six conditions on six angles (three for Q, three frozen) are written so that each is analytic in
the angles; then damped Newton steps from a fixed set of starts run side by side, with the exact
Jacobian by complex steps (Squire & Trapp, SIAM Review 40, 110 (1998)).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ixs_core.errors import InputError
from ixs_reduce.circles import CIRCLES, Angles, FloatArray, reference_angles, wrapped
from ixs_reduce.frozen import REFERENCE, Frozen

_STARTS = 256
_STEPS = 80
_CONVERGED = 1e-12
# Positions closer than this (degrees) in every angle are one position.
_SAME = 1e-6


def search_positions(
    crystal_q: FloatArray,
    wavelength: float,
    frozen: Frozen,
    reference: FloatArray | None = None,
    near: Angles | None = None,
) -> list[Angles]:
    """Positions found from a fixed set of starts (and from `near`), as in `positions`."""
    if reference is None and set(frozen.values) & set(REFERENCE):
        raise InputError(
            "azimuth, alpha or beta is frozen but there is no reference vector",
            key="azimuth",
            expected="the hkl of the azimuth reference",
        )
    x = _starts(frozen, near)
    damping = np.full(len(x), 1e-3)
    residual = _residuals(x, crystal_q, wavelength, frozen, reference)
    for _ in range(_STEPS):
        step = _newton_step(x, residual, damping, crystal_q, wavelength, frozen, reference)
        tried = _residuals(x + step, crystal_q, wavelength, frozen, reference)
        better = np.linalg.norm(tried, axis=1) < np.linalg.norm(residual, axis=1)
        x = np.where(better[:, None], x + step, x)
        residual = np.where(better[:, None], tried, residual)
        damping = np.clip(np.where(better, damping * 0.1, damping * 10), 1e-15, 1e6)
    solved = x[np.linalg.norm(residual, axis=1) < _CONVERGED]
    return _distinct(solved, frozen, reference)


def _starts(frozen: Frozen, near: Angles | None) -> FloatArray:
    """(n, 6) start angles in radians: evenly spread over an instrument's range, after `near`."""
    from scipy.stats import qmc  # 0.4 s, and the usual frozen angles never need it

    points = qmc.Halton(d=6, scramble=False).random(_STARTS)
    low = np.radians([-60, -60, -180, -180, -30, -30])
    x = low + points * -2 * low
    if near is not None:
        x = np.concatenate([np.radians([list(near.as_dict().values())]), x])
    for name, value in frozen.values.items():
        if name in CIRCLES:
            x[:, CIRCLES.index(name)] = math.radians(value)
    return x


def _newton_step(
    x: FloatArray, residual: FloatArray, damping: FloatArray, *conditions: Any
) -> FloatArray:
    """Levenberg-Marquardt steps (n, 6); they become Newton's as the damping vanishes."""
    tiny = 1e-30
    jacobian = np.empty((len(x), 6, 6))
    for column in range(6):
        shifted = x.astype(complex)
        shifted[:, column] += 1j * tiny
        jacobian[:, :, column] = _residuals(shifted, *conditions).imag / tiny
    transposed = jacobian.transpose(0, 2, 1)
    normal = transposed @ jacobian + damping[:, None, None] * np.eye(6)
    return np.asarray(-np.linalg.solve(normal, transposed @ residual[:, :, None])[:, :, 0])


def _residuals(
    x: NDArray[Any],
    crystal_q: FloatArray,
    wavelength: float,
    frozen: Frozen,
    reference: FloatArray | None,
) -> NDArray[Any]:
    """(n, 6) dimensionless misfits of angles (n, 6) in radians; analytic, so complex steps work."""
    tth, th, chi, phi, mu, gam = x.T
    zero = np.zeros_like(tth)
    k_in = np.stack([zero, -np.cos(mu), -np.sin(mu)], axis=-1)
    k_out = np.stack([np.sin(tth) * np.cos(gam), -np.cos(tth) * np.cos(gam), -np.sin(gam)], axis=-1)
    unit_q = crystal_q * wavelength / (2 * math.pi)
    misfit = [*(_turned(unit_q, th, chi, phi) - (k_out - k_in)).T]
    for name, value in frozen.values.items():
        target = math.radians(value)
        if name in CIRCLES:
            misfit.append(x[:, CIRCLES.index(name)] - target)
        elif name == "omega":
            misfit.append(th - tth / 2 - target)
        else:
            assert reference is not None
            n = _turned(reference / np.linalg.norm(reference), th, chi, phi)
            misfit.append(_reference_misfit(name, target, n, k_in, k_out))
    return np.stack(misfit, axis=-1)


def _turned(v: FloatArray, th: Any, chi: Any, phi: Any) -> NDArray[Any]:
    """Rz(th) CHI(chi) Rz(phi) v for arrays of angles; shape (n, 3)."""
    wx, wy = np.cos(phi) * v[0] - np.sin(phi) * v[1], np.sin(phi) * v[0] + np.cos(phi) * v[1]
    px, pz = np.cos(chi) * wx - np.sin(chi) * v[2], np.sin(chi) * wx + np.cos(chi) * v[2]
    return np.stack([np.cos(th) * px - np.sin(th) * wy, np.sin(th) * px + np.cos(th) * wy, pz], -1)


def _reference_misfit(
    name: str, target: float, n: NDArray[Any], k_in: NDArray[Any], k_out: NDArray[Any]
) -> NDArray[Any]:
    """sin alpha, sin beta, or the sine of the azimuth's misfit times the sizes it is made of."""
    if name == "alpha":
        return -np.sum(n * k_in, axis=-1) - math.sin(target)
    if name == "beta":
        return np.sum(n * k_out, axis=-1) - math.sin(target)
    q, back = k_out - k_in, -(k_in + k_out)
    # |back|² = 4 - |q|² for unit vectors; e3 is then q × back / (|q| |back|).
    across = np.sum(n * np.cross(q, back), axis=-1)
    q_length = np.sqrt(np.sum(q * q, axis=-1))
    along = np.sum(n * back, axis=-1) * q_length
    return across * math.cos(target) - along * math.sin(target)


def _distinct(x: FloatArray, frozen: Frozen, reference: FloatArray | None) -> list[Angles]:
    found: list[Angles] = []
    for row in np.degrees(x):
        # A frozen circle stands exactly at its value.
        named = {name: wrapped(float(value)) for name, value in zip(CIRCLES, row, strict=True)}
        named |= {name: value for name, value in frozen.values.items() if name in CIRCLES}
        angles = Angles(**named)
        if not _as_frozen(angles, frozen, reference):
            continue
        if not any(_apart(angles, other) < _SAME for other in found):
            found.append(angles)
    return found


def _as_frozen(angles: Angles, frozen: Frozen, reference: FloatArray | None) -> bool:
    """Whether the frozen values hold, and not their opposites.

    The sine of an azimuth's misfit vanishes at the opposite azimuth as well, and an arm turned by
    a full turn changes omega by half a turn.
    """
    if abs(wrapped(angles.omega - frozen.values.get("omega", angles.omega))) > _SAME:
        return False
    if reference is None or "azimuth" not in frozen.values:
        return True
    azimuth = reference_angles(angles, reference)["azimuth"]
    return abs(wrapped(azimuth - frozen.values["azimuth"])) < 90


def _apart(first: Angles, second: Angles) -> float:
    other = second.as_dict()
    return max(abs(wrapped(value - other[name])) for name, value in first.as_dict().items())
