"""What the tab Frames says in words: the pixel under the cursor, a box, a header. No Qt here."""

from __future__ import annotations

import math

import numpy as np

from ixs_core.frame_geometry import Spots
from ixs_core.frame_profiles import BoxSum
from ixs_core.frames import Frame

_NEAR_PX = 6.0  # a spot so near is named


def number(value: float) -> str:
    """A count for people: whole numbers in full, others with six digits."""
    if value == round(value) and abs(value) < 1e15:
        return f"{value:,.0f}".replace(",", " ").replace("-", "−")
    return f"{value:.6g}".replace("-", "−")


def pixel_words(frame: Frame, x: float, y: float, spots: Spots | None = None) -> str:
    """Pixel, counts, angle, spacing and hkl at a place of the image; empty outside of it."""
    column, row = round(x), round(y)
    ny, nx = frame.shape
    if not (0 <= column < nx and 0 <= row < ny):
        return ""
    if frame.mask[row, column]:
        parts = [f"x {column}  y {row}", "gap, nothing measured"]
    else:
        parts = [f"x {column}  y {row}", f"{number(float(frame.values[row, column]))} counts"]
    geometry = frame.geometry
    if geometry is not None:
        two_theta = float(geometry.two_theta(x, y))
        d = float(geometry.d_spacing(x, y))
        parts.append(f"2θ {two_theta:.3f}°")
        if math.isfinite(d) and d < 1e4:
            parts.append(f"d {d:.4g} Å   |Q| {2 * math.pi / d:.4g} Å⁻¹")
        if frame.orientation is not None:
            hkl = frame.orientation.hkl(geometry.scattering_vector(x, y))
            parts.append("hkl ({})".format(" ".join(f"{v:.2f}" for v in hkl)).replace("-", "−"))
    if spots is not None and len(spots.x):
        apart = np.hypot(spots.x - x, spots.y - y)
        nearest = int(np.argmin(apart))
        if apart[nearest] < _NEAR_PX:
            parts.append(f"spot {hkl_words(spots.hkl[nearest])}")
    return "    ".join(parts)


def hkl_words(hkl: np.ndarray) -> str:
    """ "(3 −1 0)"."""
    return "({})".format(" ".join(f"{int(v)}" for v in hkl)).replace("-", "−")


def box_words(found: BoxSum) -> str:
    """What is in a box."""
    if not found.pixels:
        return f"Box: all {found.missing} pixels are gaps."
    words = (
        f"Box: {number(found.total)} counts (± {math.sqrt(max(found.total, 0)):.3g}) "
        f"in {number(found.pixels)} pixels; mean {found.mean:.4g}; "
        f"largest {number(found.largest)} at x {found.place[0]}, y {found.place[1]}"
    )
    return words + (f"; {number(found.missing)} pixels are gaps" if found.missing else "")


def frame_words(frame: Frame) -> str:
    """Size, exposure, turn and geometry of a frame, or why there is none; one line each."""
    ny, nx = frame.shape
    share = float(frame.mask.mean())
    first = [f"{nx} × {ny} pixels", f"{100 * share:.2g} % gaps" if share else "no gaps"]
    info = frame.info
    if info.exposure_s is not None:
        first.append(f"exposure {info.exposure_s:g} s")
    if info.start_deg is not None and info.step_deg is not None:
        end = info.start_deg + info.step_deg
        first.append(f"turned from {info.start_deg:g}° to {end:g}°".replace("-", "−"))
    lines = [", ".join(first)]
    geometry = info.geometry
    if geometry is None:
        lines.append(f"No angles: {info.no_geometry}.")
    else:
        x, y = geometry.beam_px
        lines.append(
            f"λ {geometry.wavelength_angstrom:.6g} Å, distance {geometry.distance_mm:.6g} mm, "
            f"beam at x {x:.6g}, y {y:.6g}" + (f"; {geometry.note}" if geometry.note else "")
        )
    if info.orientation is None:
        lines.append(f"No hkl: {info.no_orientation}.")
    elif geometry is None:
        lines.append("No hkl: that needs the geometry.")
    return "\n".join(lines)
