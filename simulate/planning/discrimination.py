"""Which Q decides between two calculations of the same crystal, per hour of counting.

The expected logarithm of the likelihood ratio, when the first calculation is right, is the
Kullback-Leibler divergence of the Poisson counts, D = Σ t_i [μ_i ln(μ_i/ν_i) - μ_i + ν_i]. The
overall rate is not known well enough to decide anything, so ν is scaled to the counts of μ first,
which is the scale that makes D least.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_reduce.circles import Angles
from simulate.planning.expected_counts import Beamtime, spectra_at
from simulate.planning.placement import Placement

_HOUR = 3600.0
STRONG_EVIDENCE = 12.5
"""ln of the likelihood ratio that counts as decided: 5σ, ½ 5²."""


@dataclass(frozen=True)
class Decision:
    """How fast one analyzer at one Q tells two calculations apart.

    Parameters
    ----------
    hkl : (3,) array
    analyzer : str
    angles : Angles
    divergence_per_hour : float
        Expected ln of the likelihood ratio per hour; 2 of it is about Δχ².
    """

    hkl: FloatArray
    analyzer: str
    angles: Angles
    divergence_per_hour: float

    @property
    def hours(self) -> float:
        """Hours until the ratio reaches e^12.5 (5σ)."""
        if self.divergence_per_hour <= 0:
            return float("inf")
        return STRONG_EVIDENCE / self.divergence_per_hour


def rate_divergence(first: FloatArray, second: FloatArray) -> float:
    """Σ [μ ln(μ/sν) - μ + sν] with s = Σμ/Σν, for rates μ, ν (n,) of equal exposure."""
    second = second * (first.sum() / second.sum())
    seen = first > 0
    ratio = np.where(seen, first, 1.0) / np.where(seen, second, 1.0)
    return float(max(np.sum(np.where(seen, first * np.log(ratio), 0.0) - first + second), 0.0))


def deciding_momenta(
    first: Beamtime,
    second: Beamtime,
    placements: Sequence[Placement],
    energy_mev: FloatArray,
    all_analyzers: bool = True,
) -> tuple[Decision, ...]:
    """Analyzers and Q by how fast they decide, the fastest first.

    Parameters
    ----------
    first, second : Beamtime
        The same instrument and conditions with two calculations.
    placements : sequence of Placement
        Settings to look at; those out of reach are passed over.
    energy_mev : (n,) array
        Points of the scan.
    all_analyzers : bool
        Whether every working analyzer is looked at, or only that of the placement.
    """
    names = first.instrument.spectrometer.analyzers
    places = []
    for placement in placements:
        if not placement.reachable or placement.angles is None:
            continue
        table = first.instrument.analyzer_q(placement.angles)
        which = first.alive
        if not all_analyzers and placement.analyzer is not None:
            which = (names.index(placement.analyzer),)
        places += [(placement.angles, table, a) for a in which]
    pairs = zip(
        places,
        spectra_at(first, places, energy_mev),
        spectra_at(second, places, energy_mev),
        strict=True,
    )
    seconds_per_point = _HOUR / energy_mev.size
    decisions = [
        Decision(
            hkl=table.hkl[a],
            analyzer=names[a],
            angles=angles,
            divergence_per_hour=seconds_per_point * rate_divergence(one.rate(), other.rate()),
        )
        for (angles, table, a), one, other in pairs
    ]
    return tuple(sorted(decisions, key=lambda decision: -decision.divergence_per_hour))
