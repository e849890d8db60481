"""Where a pixel of a flat detector is: scattering angle, spacing, hkl, and where spots fall.

The laboratory's axes are those of the image: x along its rows (fast), y along its columns (slow,
downwards as shown), z along the beam; all pixel coordinates are those of centres, the first
pixel's being (0, 0). The detector stands across the beam.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ixs_core.arrays import BoolArray, FloatArray, IntArray
from ixs_core.errors import InputError

_MOST_HKL = 1_000_000


@dataclass(frozen=True)
class DetectorGeometry:
    """A flat detector across the beam.

    Parameters
    ----------
    wavelength_angstrom, distance_mm : float
    pixel_mm : (float, float)
        Size of a pixel along x and y.
    beam_px : (float, float)
        Where the beam meets it, x and y, in pixels.
    note : str
        What is neglected, for people; empty when nothing is.
    """

    wavelength_angstrom: float
    distance_mm: float
    pixel_mm: tuple[float, float]
    beam_px: tuple[float, float]
    note: str = ""

    def __post_init__(self) -> None:
        sizes = (self.wavelength_angstrom, self.distance_mm, *self.pixel_mm)
        if not all(math.isfinite(size) and size > 0 for size in sizes):
            raise InputError(
                "this is no geometry of a detector",
                found=sizes,
                expected="wavelength, distance and pixels above 0",
            )

    def two_theta(self, x: ArrayLike, y: ArrayLike) -> Any:
        """Scattering angle 2θ in degrees of pixels x, y (any shape)."""
        return np.degrees(np.arctan2(self._radius_mm(x, y), self.distance_mm))

    def d_spacing(self, x: ArrayLike, y: ArrayLike) -> Any:
        """Spacing d = λ / (2 sin θ) in Å of pixels x, y; infinite where the beam is."""
        sine = np.sin(np.radians(np.asarray(self.two_theta(x, y))) / 2)
        with np.errstate(divide="ignore"):
            return self.wavelength_angstrom / (2 * sine)

    def scattering_vector(self, x: ArrayLike, y: ArrayLike) -> FloatArray:
        """Q = k₁ - k₀ in Å⁻¹ (with 2π) in the laboratory, of pixels x, y; shape (…, 3)."""
        away = np.stack(
            np.broadcast_arrays(
                (np.asarray(x, float) - self.beam_px[0]) * self.pixel_mm[0],
                (np.asarray(y, float) - self.beam_px[1]) * self.pixel_mm[1],
                self.distance_mm,
            ),
            axis=-1,
        )
        away /= np.linalg.norm(away, axis=-1, keepdims=True)
        away[..., 2] -= 1.0
        return np.asarray(2 * math.pi / self.wavelength_angstrom * away)

    def pixel_of(self, q_laboratory: FloatArray) -> FloatArray:
        """Where the ray k₀ + Q (…, 3) meets the detector, x and y (…, 2); NaN when it does not."""
        ray = np.array(q_laboratory, dtype=float)
        ray[..., 2] += 2 * math.pi / self.wavelength_angstrom
        forward = np.where(ray[..., 2] > 0, ray[..., 2], np.nan)
        place = ray[..., :2] / forward[..., None] * self.distance_mm
        return np.asarray(place / np.array(self.pixel_mm) + np.array(self.beam_px))

    def _radius_mm(self, x: ArrayLike, y: ArrayLike) -> Any:
        return np.hypot(
            (np.asarray(x, float) - self.beam_px[0]) * self.pixel_mm[0],
            (np.asarray(y, float) - self.beam_px[1]) * self.pixel_mm[1],
        )


@dataclass(frozen=True)
class Orientation:
    """A crystal that turns about the laboratory's x: Q = Rₓ(φ) UB hkl.

    Parameters
    ----------
    ub : (3, 3) array
        In Å⁻¹ with 2π, at φ = 0.
    start_deg, step_deg : float
        φ at the begin of the exposure, and by how much it turns.
    space_group : str
        Hermann-Mauguin; its absent reflections are left out. Empty: none are.
    """

    ub: FloatArray
    start_deg: float
    step_deg: float
    space_group: str = ""

    def hkl(self, q_laboratory: FloatArray) -> FloatArray:
        """The hkl (…, 3) of Q in the laboratory, at the middle of the exposure."""
        turn = _rotation(self.start_deg + self.step_deg / 2)
        return np.asarray(q_laboratory @ np.linalg.inv(turn @ self.ub).T)


class Spots(NamedTuple):
    """Reflections of a frame: hkl (n, 3), pixels x and y (n,), the turn φ (n,) in degrees."""

    hkl: IntArray
    x: FloatArray
    y: FloatArray
    phi_deg: FloatArray


def predict_spots(
    geometry: DetectorGeometry,
    orientation: Orientation,
    shape: tuple[int, int],
    margin_deg: float = 0.0,
) -> Spots:
    """The reflections that meet the Ewald sphere during the exposure and hit the detector.

    With Q_z = -|Q|²/2k on the sphere and Q = Rₓ(φ) UB hkl, √(y² + z²) cos(φ - atan2(y, z)) is
    this Q_z: each reflection has two turns or none.

    Parameters
    ----------
    geometry : DetectorGeometry
    orientation : Orientation
    shape : (ny, nx)
        Of the image.
    margin_deg : float
        Reflections so much before and after the exposure are taken as well (still images).

    Raises
    ------
    InputError
        The matrix is singular, or gives more reflections than could be spots.
    """
    hkl = _within(orientation.ub, _d_min(geometry, shape))
    if orientation.space_group:
        hkl = hkl[~_absent(orientation.space_group, hkl)]
    q = hkl @ orientation.ub.T
    k = 2 * math.pi / geometry.wavelength_angstrom
    radius = np.hypot(q[:, 1], q[:, 2])
    cosine = -np.sum(q**2, axis=1) / (2 * k) / np.where(radius > 0, radius, np.inf)
    meets = (np.abs(cosine) <= 1) & (radius > 0)
    hkl, q, cosine = hkl[meets], q[meets], cosine[meets]
    middle = np.degrees(np.arctan2(q[:, 1], q[:, 2]))
    half = np.degrees(np.arccos(cosine))
    begin = orientation.start_deg + min(orientation.step_deg, 0.0) - margin_deg
    length = abs(orientation.step_deg) + 2 * margin_deg
    found = [_in_turn(hkl, q, begin, length, middle + sign * half) for sign in (1, -1)]
    hkl, q, phi = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return _on_detector(geometry, shape, hkl, q, phi)


def _in_turn(
    hkl: IntArray, q: FloatArray, begin: float, length: float, phi: FloatArray
) -> tuple[IntArray, FloatArray, FloatArray]:
    """Those whose turn, modulo 360°, lies within the exposure."""
    past = np.mod(phi - begin, 360.0)
    inside = past <= length
    return hkl[inside], q[inside], begin + past[inside]


def _on_detector(
    geometry: DetectorGeometry,
    shape: tuple[int, int],
    hkl: IntArray,
    q: FloatArray,
    phi: FloatArray,
) -> Spots:
    cosine, sine = np.cos(np.radians(phi)), np.sin(np.radians(phi))
    turned = np.column_stack(
        (q[:, 0], q[:, 1] * cosine - q[:, 2] * sine, q[:, 1] * sine + q[:, 2] * cosine)
    )
    x, y = geometry.pixel_of(turned).reshape(-1, 2).T
    ny, nx = shape
    with np.errstate(invalid="ignore"):
        hit = (x >= -0.5) & (x <= nx - 0.5) & (y >= -0.5) & (y <= ny - 0.5)
    return Spots(hkl[hit], x[hit], y[hit], phi[hit])


def _d_min(geometry: DetectorGeometry, shape: tuple[int, int]) -> float:
    """The smallest spacing that a corner of the detector sees."""
    ny, nx = shape
    x, y = np.array([0, nx - 1, 0, nx - 1]), np.array([0, 0, ny - 1, ny - 1])
    return float(np.min(geometry.d_spacing(x, y)))


def _within(ub: FloatArray, d_min: float) -> IntArray:
    """All hkl but 0 with |UB hkl| up to 2π/d_min, (n, 3)."""
    try:
        edges = 2 * math.pi * np.linalg.norm(np.linalg.inv(ub), axis=1)
    except np.linalg.LinAlgError:
        edges = np.full(3, np.nan)
    if not np.isfinite(edges).all():
        raise InputError("the orientation matrix is singular", found=np.asarray(ub).tolist())
    most = np.floor(edges / d_min).astype(int)
    number = float(np.prod(2.0 * most + 1))
    if number > _MOST_HKL:
        raise InputError(
            "the orientation matrix gives too many reflections to draw",
            found=f"{number:.3g} up to d = {d_min:.3g} Å",
            expected=f"up to {_MOST_HKL:.0e}",
        )
    axes = [np.arange(-m, m + 1) for m in most]
    hkl = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    length = np.linalg.norm(hkl @ ub.T, axis=1)
    return np.asarray(hkl[(length <= 2 * math.pi / d_min) & (length > 0)])


def _absent(space_group: str, hkl: IntArray) -> BoolArray:
    """Whether a reflection is absent by a centring, glide or screw of the space group."""
    import gemmi

    group = gemmi.find_spacegroup_by_name(space_group)
    if group is None:
        return np.zeros(len(hkl), dtype=bool)
    operations = group.operations()
    return np.array([operations.is_systematically_absent(one) for one in hkl.tolist()], dtype=bool)


def _rotation(degrees: float) -> FloatArray:
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return np.array([[1.0, 0.0, 0.0], [0.0, cosine, -sine], [0.0, sine, cosine]])
