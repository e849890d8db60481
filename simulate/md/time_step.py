"""The time between frames: what the file says, what is given, and what the velocities say."""

from __future__ import annotations

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ixs_core.errors import InputError
from simulate.md.formats.raw_trajectory import RawTrajectory
from simulate.md.trajectory import FrameBlock, FrameSource

_FRAMES = 4  # looked at for the test with velocities
_SURE = 0.9  # correlation of steps and velocities, from which the test speaks
_WRONG = 3.0  # factor between time steps that no sampling of vibrations explains
_DOUBTFUL = 1.25


class ImpliedTimeStep(NamedTuple):
    """Time between frames by which velocities become the steps of the atoms, and how well."""

    dt_fs: float
    correlation: float


def implied_time_step(block: FrameBlock) -> ImpliedTimeStep | None:
    """The time between frames from velocities and positions.

    Δx is fitted with v̄ Δt, v̄ the mean of the velocities before and after. A vibration of
    angular frequency ω appears with tan(ωΔt/2)/(ωΔt/2) times the time: 1.03 at 18 meV and 20 fs.

    Returns
    -------
    ImpliedTimeStep, or None with fewer than two frames, without velocities or without motion.
    """
    if block.velocities is None or len(block) < 2:
        return None
    steps = np.diff(block.positions, axis=0).ravel()
    speeds = (0.5 * (block.velocities[1:] + block.velocities[:-1])).ravel()
    cross = float(steps @ speeds)
    norms = float(steps @ steps), float(speeds @ speeds)
    if min(norms) == 0.0:
        return None
    return ImpliedTimeStep(1000.0 * cross / norms[1], cross / math.sqrt(norms[0] * norms[1]))


def settle_time_step(
    raw: RawTrajectory, source: FrameSource, given: float | None, path: Path
) -> tuple[float, tuple[str, ...]]:
    """The time between frames in fs, and notes on the choice: what is given counts first.

    Raises
    ------
    InputError
        There is none, it is not positive, or velocities and positions contradict it.
    """
    if given is not None and not (math.isfinite(given) and given > 0):
        raise InputError(
            "the time between frames is not above 0", key="dt_fs", found=given, expected="fs"
        )
    stated = raw.dt_fs if raw.dt_fs and math.isfinite(raw.dt_fs) and raw.dt_fs > 0 else None
    implied = None
    if raw.has_velocities and raw.n_frames > 1:
        implied = implied_time_step(source.read(0, min(_FRAMES, raw.n_frames)))
    chosen = given if given is not None else stated
    if chosen is None:
        if raw.n_frames == 1:
            return 1.0, ("one frame only: the time between frames is set to 1 fs",)
        raise InputError(
            "the file does not say how long the time between frames is",
            file=path,
            key="dt_fs",
            hint=_missing_hint(raw, implied),
        )
    notes: list[str] = []
    if given is not None and stated is not None and abs(given - stated) > 1e-3 * stated:
        notes.append(f"time between frames {given:g} fs as given; the file says {stated:g} fs")
    if implied is not None and implied.correlation > _SURE:
        factor = max(chosen / implied.dt_fs, implied.dt_fs / chosen)
        if factor > _WRONG:
            raise InputError(
                "velocities and positions contradict the time between frames",
                file=path,
                key="dt_fs",
                found=f"{chosen:g} fs",
                expected=f"about {implied.dt_fs:.3g} fs",
                hint="give the time from frame to frame, not the MD step; or the units of the"
                " velocities (units metal: Å/ps, real: Å/fs)",
            )
        if factor > _DOUBTFUL:
            notes.append(
                f"velocities and positions fit {implied.dt_fs:.3g} fs between frames better"
                f" than {chosen:g} fs"
            )
    return chosen, tuple(notes)


def _missing_hint(raw: RawTrajectory, implied: ImpliedTimeStep | None) -> str:
    parts = ["give dt_fs, from frame to frame in fs (--dt)"]
    if raw.interval:
        parts.append(raw.interval)
    if implied is not None and implied.correlation > _SURE:
        parts.append(f"positions and velocities suggest {implied.dt_fs:.3g} fs")
    return "; ".join(parts)
