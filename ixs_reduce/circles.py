"""The six circles and what they do to the beam and the crystal.

Laboratory frame: z up, y upstream (against the beam), x so that the frame is right-handed; the
analyzer arm at positive tth stands on the +x side. Conventions of W. Zhao & A. Q. R. Baron,
"Open-source Python software for six-circle diffraction with an inelastic x-ray scattering (IXS)
spectrometer" (RIKEN SPring-8 Center, BL43LXU, versions 1.51-1.53):

- incident beam   k (0, -cos mu, -sin mu)
- scattered beam  k (sin tth cos gam, -cos tth cos gam, -sin gam): **positive gam points down**
- the crystal     Q_lab = Rz(th) CHI(chi) Rz(phi) Q_crystal, with CHI left-handed about +y
- omega = th - tth/2

Angles are in degrees everywhere outside a function's body; wavelengths in Å, Q in Å⁻¹ with 2π.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ixs_core.arrays import FloatArray

CIRCLES = ("tth", "th", "chi", "phi", "mu", "gam")


@dataclass(frozen=True)
class Angles:
    """One position of the six circles, in degrees."""

    tth: float
    th: float
    chi: float
    phi: float
    mu: float = 0.0
    gam: float = 0.0

    @property
    def omega(self) -> float:
        """omega = th - tth/2: how far the crystal is from halving the angle of the arm."""
        return self.th - self.tth / 2

    def as_dict(self) -> dict[str, float]:
        """The six angles by name."""
        return {name: getattr(self, name) for name in CIRCLES}


def wrapped(degrees: float) -> float:
    """The same direction within -180 (excluded) .. 180 degrees."""
    return 180.0 - (180.0 - degrees) % 360.0


def incident_direction(mu: ArrayLike) -> FloatArray:
    """Unit vector (…, 3) of the incident beam in the laboratory frame; mu tilts it downward."""
    mu = np.radians(mu)
    return np.stack([np.zeros_like(mu), -np.cos(mu), -np.sin(mu)], axis=-1)


def scattered_direction(tth: ArrayLike, gam: ArrayLike) -> FloatArray:
    """Unit vector (…, 3) of the beam scattered into the arm angles tth, gam (broadcast)."""
    tth, gam = np.broadcast_arrays(np.radians(tth), np.radians(gam))
    return np.stack([np.sin(tth) * np.cos(gam), -np.cos(tth) * np.cos(gam), -np.sin(gam)], axis=-1)


def scattering_vector(
    wavelength: float, tth: ArrayLike, mu: ArrayLike, gam: ArrayLike
) -> FloatArray:
    """Q_lab = k_out - k_in in Å⁻¹, shape (…, 3), k = 2π/λ."""
    return (2 * math.pi / wavelength) * (scattered_direction(tth, gam) - incident_direction(mu))


def sample_rotation(th: float, chi: float, phi: float) -> FloatArray:
    """(3, 3) rotation Rz(th) CHI(chi) Rz(phi) that takes Q_crystal to Q_lab."""
    return _about_z(th) @ _chi(chi) @ _about_z(phi)


def crystal_vector(angles: Angles, wavelength: float) -> FloatArray:
    """Q (3,) in Å⁻¹ in the frame that turns with the phi circle, of the arm's centre."""
    q_lab = scattering_vector(wavelength, angles.tth, angles.mu, angles.gam)
    return sample_rotation(angles.th, angles.chi, angles.phi).T @ q_lab


def scattering_frame(mu: float, tth: float, gam: float) -> FloatArray:
    """(3, 3) columns e1, e2, e3: along Q, along -(k_in + k_out), and e1 × e2 normal to both beams.

    For mu = gam = 0 the third is the vertical. Undefined at tth = gam = mu = 0 (no scattering).
    """
    k_in, k_out = incident_direction(mu), scattered_direction(tth, gam)
    e1, e2 = k_out - k_in, -(k_in + k_out)
    e1, e2 = e1 / np.linalg.norm(e1), e2 / np.linalg.norm(e2)
    return np.stack([e1, e2, np.cross(e1, e2)], axis=-1)


def reference_angles(angles: Angles, reference: FloatArray) -> dict[str, float]:
    """Azimuth, alpha and beta in degrees of a reference vector (3,) given in the crystal frame.

    The azimuth turns the reference about Q: atan2(n·e3, n·e2) in `scattering_frame`, 0 when n
    lies in the scattering plane on the upstream side. With n normal to the surface, alpha and
    beta are the angles of incidence and exit: sin alpha = -n·k_in, sin beta = n·k_out (unit
    vectors; H. You, J. Appl. Cryst. 32, 614 (1999)).
    """
    n = sample_rotation(angles.th, angles.chi, angles.phi) @ reference
    n = n / np.linalg.norm(n)
    e2, e3 = scattering_frame(angles.mu, angles.tth, angles.gam).T[1:]
    incidence = -n @ incident_direction(angles.mu)
    exit_ = n @ scattered_direction(angles.tth, angles.gam)
    return {
        "azimuth": math.degrees(math.atan2(n @ e3, n @ e2)),
        "alpha": math.degrees(math.asin(np.clip(incidence, -1, 1))),
        "beta": math.degrees(math.asin(np.clip(exit_, -1, 1))),
    }


def _about_z(degrees: float) -> FloatArray:
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])


def _chi(degrees: float) -> FloatArray:
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return np.array([[cos, 0.0, -sin], [0.0, 1.0, 0.0], [sin, 0.0, cos]])
