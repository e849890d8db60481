"""Orientation of the crystal on the six circles; angles to hkl and back.

U takes the crystal's Cartesian frame (Busing & Levy: x along a*, y in the a*b* plane) to the frame
that turns with the phi circle and coincides with the laboratory at th = chi = phi = 0, so

    Q_lab = Rz(th) CHI(chi) Rz(phi) U B hkl,        B with 2π.

U comes from two reflections as in Busing & Levy, Acta Cryst. 22, 457 (1967), eqs. (23)-(27): with
unit vectors t1 = u1, t3 = u1 × u2, t2 = t3 × t1 of B hkl (T_c) and of the measured Q (T_phi),
U = T_phi T_cᵀ. The first reflection is met exactly, the second only fixes the plane. The circles
follow W. Zhao & A. Q. R. Baron's write-up of the SPring-8 six-circle code (see `circles`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from ixs_core.errors import InputError
from ixs_core.lattice import Lattice
from ixs_reduce.circle_positions import positions
from ixs_reduce.circles import (
    Angles,
    FloatArray,
    crystal_vector,
    reference_angles,
    sample_rotation,
    scattering_vector,
)
from ixs_reduce.frozen import NAMES, REFERENCE, Frozen, frozen_angles

Limits = Mapping[str, tuple[float, float]]
"""Lowest and highest value in degrees by name of a circle (or alpha, beta)."""

# Reflections closer than this (degrees) fix no orientation.
_PARALLEL = 0.01
_LIMIT_SLACK = 1e-9


@dataclass(frozen=True)
class Reflection:
    """A reflection found on the instrument: its hkl, the angles and the wavelength (Å) then."""

    hkl: tuple[float, float, float]
    angles: Angles
    wavelength: float | None = None


@dataclass(frozen=True)
class Misfit:
    """How far the reference reflections contradict the lattice.

    Parameters
    ----------
    length_ratios : two floats
        |Q| from the angles divided by |Q| from the lattice, of or0 and or1.
    angle_difference : float
        Angle between the two measured Q minus that of the lattice, in degrees.
    """

    length_ratios: tuple[float, float]
    angle_difference: float


@dataclass(frozen=True)
class Orientation:
    """A lattice and the two reflections that fix how it stands on the phi circle."""

    lattice: Lattice
    or0: Reflection
    or1: Reflection

    @cached_property
    def u_matrix(self) -> FloatArray:
        """(3, 3) rotation U from the crystal's Cartesian frame to that of the phi circle.

        Raises
        ------
        InputError
            The reflections are parallel, by hkl or by their angles.
        """
        crystal = [self.lattice.q_cartesian(item.hkl) for item in (self.or0, self.or1)]
        # Directions only: any wavelength gives the same.
        measured = [crystal_vector(item.angles, 1.0) for item in (self.or0, self.or1)]
        by_angles = _triad(measured[0], measured[1], "their angles")
        by_hkl = _triad(crystal[0], crystal[1], "their hkl")
        return by_angles @ by_hkl.T

    @cached_property
    def ub_matrix(self) -> FloatArray:
        """(3, 3) matrix U B in Å⁻¹ with 2π."""
        return self.u_matrix @ self.lattice.b_matrix

    @cached_property
    def inverse_ub(self) -> FloatArray:
        """(3, 3) inverse of U B in Å."""
        return np.asarray(np.linalg.inv(self.ub_matrix))

    def crystal_q(self, hkl: Sequence[float]) -> FloatArray:
        """Q (3,) in Å⁻¹ of an hkl, in the frame that turns with the phi circle."""
        return self.ub_matrix @ np.asarray(hkl, dtype=float)

    def misfit(self, wavelength: float) -> Misfit:
        """Compare the reflections with the lattice; wavelength (Å) where they do not say theirs."""
        crystal = [self.lattice.q_cartesian(item.hkl) for item in (self.or0, self.or1)]
        measured = [
            crystal_vector(item.angles, item.wavelength or wavelength)
            for item in (self.or0, self.or1)
        ]
        ratios = [
            float(np.linalg.norm(m) / np.linalg.norm(c))
            for m, c in zip(measured, crystal, strict=True)
        ]
        return Misfit((ratios[0], ratios[1]), _angle(*measured) - _angle(*crystal))


def hkl_of(orientation: Orientation, wavelength: float, angles: Angles) -> FloatArray:
    """The hkl (3,) in r.l.u. at the centre of the arm."""
    return orientation.inverse_ub @ crystal_vector(angles, wavelength)


def hkl_of_detectors(
    orientation: Orientation, wavelength: float, angles: Angles, tth: ArrayLike, gam: ArrayLike
) -> FloatArray:
    """The hkl (…, 3) in r.l.u. of detectors at tth, gam (degrees, broadcast).

    th, chi, phi and mu are those of `angles`; its tth and gam are not used.
    """
    q_lab = scattering_vector(wavelength, tth, angles.mu, gam)
    rotation = sample_rotation(angles.th, angles.chi, angles.phi)
    return q_lab @ (orientation.inverse_ub @ rotation.T).T


def angles_for(
    orientation: Orientation,
    wavelength: float,
    hkl: Sequence[float],
    frozen: str = "456",
    values: Mapping[str, float] | None = None,
    limits: Limits | None = None,
    azimuth_hkl: Sequence[float] | None = None,
    near: Angles | None = None,
) -> Angles:
    """The angles that bring hkl to the centre of the arm.

    Parameters
    ----------
    orientation : Orientation
    wavelength : float
        In Å.
    hkl : three floats
        In r.l.u.
    frozen : str
        Three digits: tth 0, th 1, chi 2, phi 3, mu 4, gam 5, omega 6, azimuth 7, alpha 8, beta 9.
    values : mapping, optional
        Degrees of the frozen angles; mu, gam and omega are 0 unless given, others must be given.
    limits : mapping, optional
        (lowest, highest) in degrees by name, any of the ten. Among the positions within the
        limits the one closest to `near` is taken; without `near`, one of positive tth, then of
        least |mu| + |gam|, then of least |chi|, then of least |phi|.
    azimuth_hkl : three floats, optional
        The reference of azimuth, alpha and beta.
    near : Angles, optional
        A position to stay close to.

    Raises
    ------
    InputError
        hkl = 0, Q longer than 2k, a bad code of frozen angles, no position, or none within the
        limits: then it names the limits that exclude the nearest misses.
    """
    choice = frozen_angles(frozen, values)
    reachable = _all_positions(orientation, wavelength, hkl, choice, azimuth_hkl, near)
    reference = None if azimuth_hkl is None else orientation.crystal_q(azimuth_hkl)
    within: list[Angles] = []
    misses: list[list[str]] = []
    for candidate in reachable:
        angles = _turned_into(candidate, limits or {})
        excluded = limit_violations(angles, limits or {}, reference)
        if excluded:
            misses.append(excluded)
        else:
            within.append(angles)
    if not within:
        closest = min(misses, key=len)
        raise InputError(
            f"{_written(hkl)} cannot be reached within the limits (frozen: {choice})",
            key="limits",
            found="; ".join(closest),
            hint="choose another hkl or symmetry equivalent, other frozen angles, or wider limits",
        )
    return min(within, key=lambda angles: _preference(angles, near))


def limit_violations(
    angles: Angles, limits: Limits, reference: FloatArray | None = None
) -> list[str]:
    """What lies outside its limits, as text.

    Raises
    ------
    InputError
        A limit on no angle that exists, or on azimuth, alpha or beta without a reference (3,)
        vector in the crystal frame.
    """
    values = angles.as_dict() | {"omega": angles.omega}
    if reference is not None and set(limits) & set(REFERENCE):
        values |= reference_angles(angles, reference)
    for name in limits:
        if name not in values:
            raise InputError(
                "the limit cannot be checked",
                key=name,
                expected=f"one of {', '.join(NAMES)}; {', '.join(REFERENCE)} need the hkl of the "
                "azimuth reference",
            )
    return [
        f"{name} {values[name]:.4f} outside {low:g} .. {high:g}"
        for name, (low, high) in limits.items()
        if not low - _LIMIT_SLACK <= values[name] <= high + _LIMIT_SLACK
    ]


def _all_positions(
    orientation: Orientation,
    wavelength: float,
    hkl: Sequence[float],
    frozen: Frozen,
    azimuth_hkl: Sequence[float] | None,
    near: Angles | None,
) -> list[Angles]:
    crystal_q = orientation.crystal_q(hkl)
    length, longest = float(np.linalg.norm(crystal_q)), 4 * math.pi / wavelength
    if not 0 < length <= longest:
        raise InputError(
            f"{_written(hkl)} cannot scatter at {wavelength:.6g} Å",
            key="hkl",
            found=f"|Q| = {length:.4g} Å⁻¹",
            expected=f"above 0 and at most 4π/λ = {longest:.4g} Å⁻¹",
        )
    reference = None if azimuth_hkl is None else orientation.crystal_q(azimuth_hkl)
    found = positions(crystal_q, wavelength, frozen, reference, near)
    if not found:
        raise InputError(
            f"no position of the circles brings {_written(hkl)} to the arm",
            key="frozen",
            found=f"frozen {frozen}",
            hint="change the value of a frozen angle, or freeze others",
        )
    return found


def _turned_into(angles: Angles, limits: Limits) -> Angles:
    """The same position with angles a full turn away where only that lies within the limits."""
    values = angles.as_dict()
    for name, value in values.items():
        if name == "tth":
            continue  # a full turn of the arm would change omega
        low, high = limits.get(name, (-math.inf, math.inf))
        for turned in (value, value + 360, value - 360):
            if low - _LIMIT_SLACK <= turned <= high + _LIMIT_SLACK:
                values[name] = turned
                break
    return Angles(**values)


def _preference(angles: Angles, near: Angles | None) -> tuple[float, ...]:
    if near is None:
        # Rounded, so that mirror positions of equal size are told apart by the next, not by noise.
        tilt = abs(angles.mu) + abs(angles.gam)
        sizes = (tilt, abs(angles.chi), abs(angles.phi))
        return (angles.tth < 0, *(round(size, 6) for size in sizes), angles.th)
    other = near.as_dict()
    return (sum((value - other[name]) ** 2 for name, value in angles.as_dict().items()),)


def _triad(first: FloatArray, second: FloatArray, what: str) -> FloatArray:
    """(3, 3) columns t1 = u1, t2 = t3 × t1, t3 = u1 × u2."""
    if not (np.any(first) and np.any(second)):
        raise InputError(f"a reference reflection has Q = 0 by {what}", key="or0, or1")
    angle = _angle(first, second)
    if min(angle, 180 - angle) < _PARALLEL:
        raise InputError(
            f"the two reference reflections are parallel by {what}",
            key="or0, or1",
            found=f"{angle:.4f} degrees between them",
            expected="two reflections in different directions",
        )
    t1 = first / np.linalg.norm(first)
    t3 = np.cross(first, second)
    t3 = t3 / np.linalg.norm(t3)
    return np.stack([t1, np.cross(t3, t1), t3], axis=-1)


def _angle(first: FloatArray, second: FloatArray) -> float:
    cross = float(np.linalg.norm(np.cross(first, second)))
    return math.degrees(math.atan2(cross, float(first @ second)))


def _written(hkl: Iterable[float]) -> str:
    return "hkl (" + " ".join(f"{value:g}" for value in hkl) + ")"
