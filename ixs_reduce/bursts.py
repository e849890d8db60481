"""Points that no spectrum can show: spikes sharper than the resolution.

Whatever the sample does, the expected counts are a sum of R with positive weights. So a run of
points cannot stand out from its two neighbours by more than the sharpest R does. What does, by
more than counting statistics allow, is electronic noise.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import binom

from ixs_core.arrays import FloatArray
from ixs_reduce.resolution import Resolution
from ixs_reduce.scan import Flag
from ixs_reduce.spectrum import Spectrum

# A neighbour may be this much lower than the measured R allows: R is not known better.
_TOLERANCE = 0.8
_CHANCE = 1e-4


def burst_points(spectrum: Spectrum, resolution: Resolution) -> tuple[int, ...]:
    """Points in runs of one or two that rise above both neighbours more sharply than R can.

    Parameters
    ----------
    spectrum : Spectrum
    resolution : Resolution

    Returns
    -------
    tuple of int
        0-based, ascending. The test is binomial: of the counts in run and neighbours, the
        share in the run against the largest share that R allows, at a chance of 1e-4.
    """
    found: set[int] = set()
    energy, counts, exposure = spectrum.energy_mev, spectrum.counts, spectrum.exposure
    for length in (1, 2):
        for first in range(1, counts.size - length):
            run = slice(first, first + length)
            if not found.isdisjoint(range(first, first + length)):
                continue  # a single burst makes no pair with its neighbour
            sides = [first - 1, first + length]
            inside, outside = counts[run].sum(), counts[sides].sum()
            exposed = exposure[run].mean()
            if not exposed > 0:
                continue
            ratio = _TOLERANCE * _smallest_ratio(resolution, energy[run], energy[sides])
            ratio *= exposure[sides].mean() / exposed
            # The chance grows with the counts outside: skip what cannot be a burst at once.
            if inside <= 4 or outside >= ratio * inside:
                continue
            share = 1 / (1 + ratio)
            if binom.sf(inside - 1, inside + outside, share) < _CHANCE:
                found.update(range(first, first + length))
    return tuple(sorted(found))


def without_bursts(spectrum: Spectrum, resolution: Resolution) -> Spectrum:
    """The spectrum without its burst points, with a flag that counts them."""
    points = burst_points(spectrum, resolution)
    if not points:
        return spectrum
    keep = np.ones(spectrum.counts.size, dtype=bool)
    keep[list(points)] = False
    energies = ", ".join(f"{spectrum.energy_mev[i]:.1f}" for i in points)
    flag = Flag(
        "burst-left-out",
        f"{len(points)} points sharper than the resolution left out of the fit (at {energies} meV)",
        spectrum.analyzer,
        points,
    )
    return spectrum.selected(keep).with_flags((flag,))


def _smallest_ratio(resolution: Resolution, run: FloatArray, sides: FloatArray) -> float:
    """The smallest (neighbours' sum)/(run's sum) of a line through R, wherever it stands."""
    center = float(run.mean())
    low, high = resolution.half_height_points_mev
    places = center - np.linspace(low, high, 21)
    inside = resolution(run - places[:, None]).sum(axis=1)
    outside = resolution(sides - places[:, None]).sum(axis=1)
    reached = inside > 0  # a line narrower than the step may miss the run
    return float((outside[reached] / inside[reached]).min()) if reached.any() else 0.0
