"""What the instrument reaches: the circles that put a Q on any analyzer, or why none do."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from ixs_reduce.beamline_config import mv_line
from ixs_reduce.circles import Angles
from ixs_reduce.instrument import Instrument
from ixs_reduce.sixcircle import hkl_of
from simulate.planning.zones import CrystalSymmetry, momenta_of

_MET = 1e-9
_STEPS = 40
_TRIED = 8  # known points tried on an analyzer off the arm's centre
_HALVINGS = 10


@dataclass(frozen=True)
class Placement:
    """One Q on one analyzer, with the circles that bring it there.

    Parameters
    ----------
    hkl : (3,) array
        r.l.u.
    analyzer : str or None
        Which analyzer sees it; None is the arm's centre.
    angles : Angles or None
        Of the arm's centre; None where no position of the circles exists.
    excluded : tuple of str
        Why it cannot be measured (limits, |Q| too long); empty when it can.
    """

    hkl: FloatArray
    analyzer: str | None
    angles: Angles | None
    excluded: tuple[str, ...] = ()

    @property
    def reachable(self) -> bool:
        """Whether the position exists and lies within the limits."""
        return self.angles is not None and not self.excluded

    def mv(self, slits_mm: Sequence[float] | None = None) -> str:
        """The line to type at the beamline; empty where there is no position."""
        return "" if self.angles is None else mv_line(self.angles, slits_mm)


def longest_q(instrument: Instrument) -> float:
    """The largest |Q| (Å⁻¹) that any analyzer sees: 2k sin(tth/2) at the limit of the arm, ≤ 2k.

    Added to the arm's limit is the largest offset of an analyzer in the array.
    """
    k = 2 * math.pi / instrument.wavelength
    if "tth" not in instrument.limits:
        return 2 * k
    tth, gam = instrument.spectrometer.arm_offsets
    furthest = float(np.hypot(tth, gam).max(initial=0.0))
    opening = max(abs(end) for end in instrument.limits["tth"]) + furthest + abs(instrument.mu)
    return 2 * k * math.sin(math.radians(min(opening, 180.0)) / 2)


def place(
    instrument: Instrument,
    hkl: Sequence[float] | FloatArray,
    analyzer: str | None = None,
    near: Angles | None = None,
    values: Mapping[str, float] | None = None,
) -> Placement:
    """The circles that put hkl on an analyzer, or the reason why none do.

    The arm's centre is moved until the analyzer sees hkl: the seen hkl differs from that of the
    centre by a vector that turns slowly with the circles, so adding what is missing to the centre
    converges (by a factor of 10 or so per step).

    Parameters
    ----------
    instrument : Instrument
    hkl : three floats
        r.l.u.
    analyzer : str, optional
        Default the arm's centre.
    near : Angles, optional
        A position to stay close to, where several exist.
    values : mapping, optional
        Degrees of the frozen angles, as for `Instrument.angles_for` (omega, azimuth: the sample
        turned about Q).

    Raises
    ------
    InputError
        The analyzer is not in the array, hkl is not three numbers, or the reference reflections
        of the orientation are parallel.
    """
    wanted = np.asarray(hkl, dtype=float)
    if wanted.shape != (3,) or not np.isfinite(wanted).all():
        raise InputError("hkl is not three numbers", key="hkl", found=hkl)
    names = instrument.spectrometer.analyzers
    if analyzer is not None and analyzer not in names:
        raise InputError(
            "no such analyzer", key="analyzer", found=analyzer, expected=f"{names[0]} … {names[-1]}"
        )
    instrument.orientation.ub_matrix  # noqa: B018  an unusable orientation is no matter of reach
    first = None
    for limited in (instrument, replace(instrument, limits={})):
        try:
            angles = _angles(limited, wanted, analyzer, near, values)
        except InputError as error:
            first = first or error
            continue
        return Placement(wanted, analyzer, angles, tuple(instrument.limit_violations(angles)))
    assert first is not None
    return Placement(wanted, analyzer, None, (_reason(first),))


def _angles(
    instrument: Instrument,
    wanted: FloatArray,
    analyzer: str | None,
    near: Angles | None,
    values: Mapping[str, float] | None = None,
) -> Angles:
    angles = instrument.angles_for(wanted.tolist(), values, near)
    if analyzer is None:
        return angles
    which = instrument.spectrometer.analyzers.index(analyzer)
    centre = wanted
    for _ in range(_STEPS):
        missing = wanted - instrument.analyzer_q(angles).hkl[which]
        if float(np.abs(missing).max()) < _MET:
            return angles
        centre = centre + missing
        # Staying near keeps the iteration on one branch of the positions.
        angles = instrument.angles_for(centre.tolist(), values, angles)
    raise InputError(
        "the arm finds no position that puts the momentum on the analyzer",
        key="hkl",
        found=f"{analyzer}, hkl {wanted.round(4).tolist()}",
    )


def nearest_placement(
    instrument: Instrument,
    hkl: Sequence[float] | FloatArray,
    analyzer: str | None,
    reachable_hkl: FloatArray,
    near: Angles | None = None,
    values: Mapping[str, float] | None = None,
) -> Placement:
    """hkl on an analyzer where it is reached, else the nearest Q that is, as far as points tell.

    From the nearest of the known reachable points the straight line towards hkl is followed to
    the limit (to 1/1000 of its length).

    Parameters
    ----------
    instrument, hkl, analyzer, near, values : as for `place`
    reachable_hkl : (n, 3) array
        Points known to be reached by the arm's centre, r.l.u.; with none, hkl is placed as it is.

    Raises
    ------
    InputError
        As `place` does.
    """
    wanted = np.asarray(hkl, dtype=float)
    asked = place(instrument, wanted, analyzer, near, values)
    if asked.reachable or not len(reachable_hkl):
        return asked
    distance = np.asarray(instrument.orientation.lattice.q_abs(reachable_hkl - wanted))
    for known in reachable_hkl[np.argsort(distance, kind="stable")[:_TRIED]]:
        if _within_limits(instrument, known, analyzer, near, values):
            break
    else:
        return asked
    inside, outside = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (inside + outside) / 2
        there = known + middle * (wanted - known)
        if _within_limits(instrument, there, analyzer, near, values):
            inside = middle
        else:
            outside = middle
    return place(instrument, known + inside * (wanted - known), analyzer, near, values)


def _within_limits(
    instrument: Instrument,
    hkl: FloatArray,
    analyzer: str | None,
    near: Angles | None,
    values: Mapping[str, float] | None,
) -> bool:
    """As `place(…).reachable`, without asking why not."""
    try:
        angles = _angles(instrument, hkl, analyzer, near, values)
    except InputError:
        return False
    return not instrument.limit_violations(angles)


def _reason(error: InputError) -> str:
    return error.message if error.found is None else f"{error.message}: {error.found}"


def centre_hkl(instrument: Instrument, angles: Angles) -> FloatArray:
    """(3,) the hkl at the arm's centre."""
    return hkl_of(instrument.orientation, instrument.wavelength, angles)


def reach(
    instrument: Instrument,
    symmetry: CrystalSymmetry,
    q_hkl: Sequence[float] | FloatArray,
    analyzer: str | None = None,
    with_star: bool = True,
    q_max: float | None = None,
) -> tuple[Placement, ...]:
    """Every Q = τ ± q (and its symmetry equivalents) on an analyzer, excluded ones marked.

    Parameters
    ----------
    instrument : Instrument
    symmetry : CrystalSymmetry
    q_hkl : (3,) array
        Wanted reduced q, r.l.u. of the conventional cell.
    analyzer : str, optional
        Default the arm's centre.
    with_star : bool
        Whether the symmetry equivalents of q count.
    q_max : float, optional
        Å⁻¹; default the longest that the arm reaches.

    Returns
    -------
    tuple of Placement
        By rising |Q|.
    """
    longest = longest_q(instrument) if q_max is None else q_max
    momenta = momenta_of(symmetry, np.asarray(q_hkl, dtype=float), longest, with_star)
    return tuple(place(instrument, hkl, analyzer) for hkl in momenta.hkl)


@dataclass(frozen=True)
class NearReach:
    """Reciprocal lattice vectors whose neighbourhood the circles may reach.

    Parameters
    ----------
    tau_hkl : (n, 3) array
        r.l.u.
    dq_horizontal, dq_vertical : (n, 3) arrays
        Full widths of an analyzer's window there, r.l.u.
    """

    tau_hkl: FloatArray
    dq_horizontal: FloatArray
    dq_vertical: FloatArray


def near_reach(
    instrument: Instrument, tau_hkl: FloatArray, analyzer: int = 0, margin_deg: float = 10.0
) -> NearReach:
    """Those of τ (n, 3) whose circles at the arm's centre lie within the widened limits.

    A coarse sieve before the positions of many momenta near them are solved. The windows are
    those of the analyzer of that place in the array.
    """
    wide = {
        name: (low - margin_deg, high + margin_deg)
        for name, (low, high) in instrument.limits.items()
    }
    widened = replace(instrument, limits=wide)
    kept = []
    for vector in tau_hkl:
        try:
            angles = widened.angles_for(vector.tolist())
        except InputError:
            continue
        table = instrument.analyzer_q(angles)
        kept.append((vector, table.dq_horizontal[analyzer], table.dq_vertical[analyzer]))
    columns = np.array(kept).reshape(-1, 3, 3)
    return NearReach(columns[:, 0], columns[:, 1], columns[:, 2])
