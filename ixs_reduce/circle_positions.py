"""All positions of the six circles that bring a given crystal vector to the arm.

With two of tth, mu, gam frozen and one condition on the crystal the positions are closed
expressions: the length of Q gives the third detector angle, then the direction of Q gives the
three crystal circles. Every other choice is searched by Newton steps (`circle_search`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from ixs_core.errors import InputError
from ixs_reduce.circle_search import search_positions
from ixs_reduce.circles import (
    Angles,
    FloatArray,
    scattering_frame,
    scattering_vector,
    wrapped,
)
from ixs_reduce.frozen import DETECTOR, REFERENCE, Frozen

Triple = tuple[float, float, float]
# Rounding may push a cosine beyond 1 by this much where two solutions merge.
_MERGED = 1e-12


@dataclass(frozen=True)
class _Target:
    """What th, chi, phi must do: turn crystal_q to q_lab (Å⁻¹) while the arm stands at tth."""

    crystal_q: FloatArray
    reference: FloatArray | None
    q_lab: FloatArray
    frame: FloatArray
    sin_theta: float
    tth: float


def positions(
    crystal_q: FloatArray,
    wavelength: float,
    frozen: Frozen,
    reference: FloatArray | None = None,
    near: Angles | None = None,
) -> list[Angles]:
    """Every position found, angles wrapped to -180..180 degrees, without regard to limits.

    Parameters
    ----------
    crystal_q : (3,) array
        Q in Å⁻¹ in the frame that turns with the phi circle (U B hkl).
    wavelength : float
        In Å.
    frozen : Frozen
    reference : (3,) array, optional
        Azimuth reference in the same frame; needed when azimuth, alpha or beta is frozen.
    near : Angles, optional
        Where a numeric search starts first.

    Returns
    -------
    list of Angles
        Empty when the frozen angles leave no position.
    """
    if len(frozen.detector) < 2:
        return search_positions(crystal_q, wavelength, frozen, reference, near)
    sin_theta = float(np.linalg.norm(crystal_q)) * wavelength / (4 * math.pi)
    found = []
    for tth, mu, gam in _detector_angles(1 - 2 * sin_theta**2, frozen):
        q_lab = scattering_vector(wavelength, tth, mu, gam)
        frame = scattering_frame(mu, tth, gam)
        target = _Target(crystal_q, reference, q_lab, frame, sin_theta, tth)
        for th, chi, phi in _sample_angles(target, frozen):
            th, chi, phi = (wrapped(math.degrees(angle)) for angle in (th, chi, phi))
            found.append(Angles(tth, th, chi, phi, mu, gam))
    return found


def _detector_angles(cos_scattering: float, frozen: Frozen) -> list[Triple]:
    """The (tth, mu, gam) in degrees at a scattering angle 2Θ, two of them frozen.

    cos 2Θ = cos tth cos mu cos gam + sin mu sin gam.
    """
    known = {name: math.radians(value) for name, value in frozen.detector.items()}
    (free,) = (name for name in DETECTOR if name not in known)
    if free == "tth":
        along = math.cos(known["mu"]) * math.cos(known["gam"])
        across = 0.0
        constant = cos_scattering - math.sin(known["mu"]) * math.sin(known["gam"])
    else:
        other = known["gam" if free == "mu" else "mu"]
        along, across = math.cos(known["tth"]) * math.cos(other), math.sin(other)
        constant = cos_scattering
    triples = []
    for solution in _cosine_sine(along, across, constant):
        angles = {**frozen.detector, free: wrapped(math.degrees(solution))}
        triples.append((angles["tth"], angles["mu"], angles["gam"]))
    return triples


def _sample_angles(target: _Target, frozen: Frozen) -> Iterator[Triple]:
    """The (th, chi, phi) in radians under the one condition on the crystal."""
    ((name, value),) = frozen.sample.items()
    if name in REFERENCE:
        for azimuth in _azimuths(name, math.radians(value), target):
            yield from _with_azimuth(azimuth, target)
        return
    if name == "omega":
        name, value = "th", value + target.tth / 2
    solve: dict[str, Callable[[float, FloatArray, FloatArray], Iterator[Triple]]] = {
        "th": _with_th,
        "chi": _with_chi,
        "phi": _with_phi,
    }
    yield from solve[name](math.radians(value), target.q_lab, target.crystal_q)


def _with_th(th: float, q: FloatArray, v: FloatArray) -> Iterator[Triple]:
    """Fixed th: Rz(-th) q = CHI w, w = Rz(phi) v; chi leaves the y component alone."""
    cos, sin = math.cos(th), math.sin(th)
    px, py, pz = cos * q[0] + sin * q[1], -sin * q[0] + cos * q[1], q[2]
    for wx in _plus_minus_root(v[0] ** 2 + v[1] ** 2 - py**2, v):
        chi = math.atan2(pz, px) - math.atan2(v[2], wx)
        yield th, chi, math.atan2(py, wx) - math.atan2(v[1], v[0])


def _with_chi(chi: float, q: FloatArray, v: FloatArray) -> Iterator[Triple]:
    """Fixed chi: q_z = sin chi w_x + cos chi v_z gives w_x (th leaves z alone)."""
    cos, sin = math.cos(chi), math.sin(chi)
    if abs(sin) < _MERGED:
        return  # th and phi then turn about one axis: no position, or endlessly many
    wx = (q[2] - cos * v[2]) / sin
    for wy in _plus_minus_root(v[0] ** 2 + v[1] ** 2 - wx**2, v):
        th = math.atan2(q[1], q[0]) - math.atan2(wy, cos * wx - sin * v[2])
        yield th, chi, math.atan2(wy, wx) - math.atan2(v[1], v[0])


def _with_phi(phi: float, q: FloatArray, v: FloatArray) -> Iterator[Triple]:
    """Fixed phi: q_z = sin chi w_x + cos chi v_z gives chi, then th follows."""
    wx = math.cos(phi) * v[0] - math.sin(phi) * v[1]
    wy = math.sin(phi) * v[0] + math.cos(phi) * v[1]
    for chi in _cosine_sine(v[2], wx, q[2]):
        px = math.cos(chi) * wx - math.sin(chi) * v[2]
        yield math.atan2(q[1], q[0]) - math.atan2(wy, px), chi, phi


def _azimuths(name: str, value: float, target: _Target) -> list[float]:
    """The azimuths ψ at which azimuth, alpha or beta has its value.

    With τ the angle between reference and Q: sin alpha = cos τ sin Θ + sin τ cos Θ cos ψ and
    sin beta = cos τ sin Θ - sin τ cos Θ cos ψ.
    """
    if name == "azimuth":
        return [value]
    crystal = _crystal_frame(target)
    assert target.reference is not None
    n = target.reference / np.linalg.norm(target.reference)
    cos_tau, sin_tau = float(n @ crystal[:, 0]), float(n @ crystal[:, 1])
    cos_theta = math.sqrt(1 - target.sin_theta**2)
    side = 1.0 if name == "alpha" else -1.0
    return _cosine_sine(
        side * sin_tau * cos_theta, 0.0, math.sin(value) - cos_tau * target.sin_theta
    )


def _with_azimuth(azimuth: float, target: _Target) -> Iterator[Triple]:
    """Fixed azimuth: the whole rotation is known; read th, chi, phi from it.

    R = Rz(th) CHI(chi) Rz(phi) has the last row (sin chi cos phi, -sin chi sin phi, cos chi) and
    the last column (-cos th sin chi, -sin th sin chi, cos chi).
    """
    e1, e2, e3 = target.frame.T
    along = math.cos(azimuth) * e2 + math.sin(azimuth) * e3
    lab = np.stack([e1, along, np.cross(e1, along)], axis=-1)
    rotation = lab @ _crystal_frame(target).T
    sin_chi = math.hypot(rotation[2, 0], rotation[2, 1])
    if sin_chi < _MERGED:  # th and phi turn about one axis: phi = 0 is one of the endless choices
        side = math.copysign(1.0, rotation[2, 2])
        th = math.atan2(side * rotation[1, 0], side * rotation[0, 0])
        yield th, math.acos(side), 0.0
        return
    for side in (1.0, -1.0):
        yield (
            math.atan2(-side * rotation[1, 2], -side * rotation[0, 2]),
            math.atan2(side * sin_chi, rotation[2, 2]),
            math.atan2(-side * rotation[2, 1], side * rotation[2, 0]),
        )


def _crystal_frame(target: _Target) -> FloatArray:
    """(3, 3) columns in the crystal frame: along Q, the reference normal to Q, their product."""
    if target.reference is None:
        raise InputError(
            "azimuth, alpha or beta is frozen but there is no reference vector",
            key="azimuth",
            expected="the hkl of the azimuth reference",
            hint="give azimuth = [h, k, l] in [orientation], or g_haz, g_kaz, g_laz",
        )
    first = target.crystal_q / np.linalg.norm(target.crystal_q)
    normal = np.cross(first, target.reference)
    if np.linalg.norm(normal) < 1e-9 * np.linalg.norm(target.reference):
        raise InputError(
            "the azimuth reference is parallel to Q, so no azimuth exists",
            key="azimuth",
            hint="choose another reference hkl or freeze another angle",
        )
    third = normal / np.linalg.norm(normal)
    return np.stack([first, np.cross(third, first), third], axis=-1)


def _cosine_sine(along: float, across: float, constant: float) -> list[float]:
    """Both solutions t (radians) of along cos t + across sin t = constant; none if too large."""
    length = math.hypot(along, across)
    squared = length**2 - constant**2
    if length == 0.0 or squared < -_MERGED * length**2:
        return []
    middle, half = math.atan2(across, along), math.atan2(math.sqrt(max(squared, 0.0)), constant)
    return [middle + half, middle - half] if half > 0 else [middle]


def _plus_minus_root(square: float, vector: FloatArray) -> list[float]:
    """Both roots of a square; none if it is negative beyond rounding against |vector|²."""
    if square < -_MERGED * float(vector @ vector):
        return []
    root = math.sqrt(max(square, 0.0))
    return [root, -root] if root > 0 else [0.0]
