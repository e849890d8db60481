"""Segments of a run and their window, from which spectra are averaged.

P. D. Welch, IEEE Trans. Audio Electroacoust. 15 (1967) 70.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from ixs_core.units import THZ_IN_MEV

Window = Literal["hann", "rectangular"]
"""What multiplies a segment before its Fourier transform."""

FWHM_BINS: Mapping[str, float] = {"hann": 1.4406, "rectangular": 0.8859}
"""FWHM of the power response of each window in bins h/T."""

_FEWEST_FRAMES = 9  # of a segment


def window_taper(window: Window, frames: int) -> FloatArray:
    """The window, at the middles of the frames."""
    if window == "rectangular":
        return np.ones(frames)
    taper: FloatArray = np.sin(np.pi * (np.arange(frames) + 0.5) / frames) ** 2
    return taper


def segment_starts(n_frames: int, frames: int) -> list[int]:
    """First frames of segments that overlap by half or a little more and leave no frame out."""
    room = n_frames - frames
    number = 1 + int(np.ceil(room / max(frames // 2, 1)))
    return [int(start) for start in np.rint(np.linspace(0, room, number))]


def segment_frames(n_frames: int, dt_fs: float, segment_ps: float, name: str = "") -> int:
    """Frames of a segment, an odd number so that E = 0 is the middle.

    Raises
    ------
    InputError
        The segment is no time, longer than the run, or shorter than 9 frames.
    """
    if not (np.isfinite(segment_ps) and segment_ps > 0):
        raise InputError(
            "the segment is not a time", key="segment_ps", found=segment_ps, expected="ps above 0"
        )
    frames = round(segment_ps * 1000 / dt_fs)
    frames -= 1 - frames % 2
    have = n_frames * dt_fs / 1000
    if frames > n_frames:
        raise InputError(
            "the trajectory is too short for this resolution",
            file=name or None,
            key="segment_ps",
            found=f"{n_frames} frames, {have:.4g} ps",
            expected=f"{frames} frames, {segment_ps:.4g} ps",
            hint=f"at most {have:.4g} ps, {THZ_IN_MEV * FWHM_BINS['hann'] / have:.3g} meV, "
            "can be had; half of it or less averages over segments",
        )
    if frames < _FEWEST_FRAMES:
        raise InputError(
            "the segment has too few frames",
            key="segment_ps",
            found=f"{segment_ps:g} ps, {frames} frames of {dt_fs:g} fs",
            expected=f"{_FEWEST_FRAMES} frames or more",
        )
    return frames
