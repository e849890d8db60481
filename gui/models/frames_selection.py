"""What is measured on a frame: along a line, in a box, around the beam. No Qt here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from gui.models.frames_words import box_words, number
from ixs_core.errors import InputError
from ixs_core.frame_profiles import (
    BoxSum,
    Point,
    Profile,
    box_sum,
    line_profile,
    radial_profile,
)
from ixs_core.frames import Frame
from ixs_core.jobs import CancelToken, Progress

Kind = Literal["line", "box", "radial"]


@dataclass(frozen=True)
class Selection:
    """Where to measure; start and end are pixels (x, y), of no meaning for "radial"."""

    kind: Kind
    start: Point = (0.0, 0.0)
    end: Point = (0.0, 0.0)
    width: int = 1


@dataclass(frozen=True)
class Measured:
    """What was measured there: a profile with the name of its axis, or a box; and words."""

    selection: Selection
    words: str
    profile: Profile | None = None
    axis: str = ""
    box: BoxSum | None = None


def measure(
    frame: Frame,
    selection: Selection,
    *,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> Measured:
    """Measure on a frame.

    Raises
    ------
    InputError
        There is nothing to measure: no length, no pixel, no beam centre.
    """
    if selection.kind == "line":
        return _along_line(frame, selection)
    if selection.kind == "box":
        found = box_sum(frame.values, frame.mask, selection.start, selection.end)
        return Measured(selection, box_words(found), box=found)
    return _around_beam(frame, selection)


def _along_line(frame: Frame, selection: Selection) -> Measured:
    profile = line_profile(
        frame.values, frame.mask, selection.start, selection.end, selection.width
    )
    (x0, y0), (x1, y1) = selection.start, selection.end
    words = (
        f"Line from x {x0:.1f}, y {y0:.1f} to x {x1:.1f}, y {y1:.1f}: {profile.position[-1]:.1f} "
        f"pixels, {selection.width} wide{_largest(profile)}"
    )
    return Measured(selection, words, profile, "Along the line (pixel)")


def _around_beam(frame: Frame, selection: Selection) -> Measured:
    geometry = frame.geometry
    if geometry is None:
        raise InputError(f"no rings around the beam: {frame.info.no_geometry}", file=frame.path)
    rings = radial_profile(frame.values, frame.mask, geometry.beam_px)
    x, y = geometry.beam_px
    two_theta = np.asarray(geometry.two_theta(x + rings.position, y))
    profile = Profile(two_theta, rings.value)
    words = f"Around the beam at x {x:.1f}, y {y:.1f}: mean of rings 1 pixel wide"
    return Measured(selection, words, profile, "2θ (degrees)")


def _largest(profile: Profile) -> str:
    if not np.isfinite(profile.value).any():
        return "; all of it lies in gaps"
    place = int(np.nanargmax(profile.value))
    return f"; largest {number(float(profile.value[place]))} at {profile.position[place]:.1f}"
