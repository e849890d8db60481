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
_TOGETHER = 20_000  # points looked at in one go, so that memory does not grow with the spectrum


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
    for length in (1, 2):
        for first in _significant(spectrum, resolution, length):
            run = range(first, first + length)
            if found.isdisjoint(run):  # a single burst makes no pair with its neighbour
                found.update(run)
    return tuple(sorted(found))


def _significant(spectrum: Spectrum, resolution: Resolution, length: int) -> list[int]:
    """First points of the runs of a length that rise above what R and chance allow."""
    energy, counts, exposure = spectrum.energy_mev, spectrum.counts, spectrum.exposure
    significant: list[int] = []
    last = counts.size - length
    for begin in range(1, last, _TOGETHER):
        first = np.arange(begin, min(begin + _TOGETHER, last))
        run = first[:, None] + np.arange(length)
        sides = np.stack((first - 1, first + length), axis=1)
        exposed = exposure[run].mean(axis=1)
        # So few counts in a run are never a burst.
        possible = (exposed > 0) & (counts[run].sum(axis=1) > 4)
        first, run, sides, exposed = (v[possible] for v in (first, run, sides, exposed))
        inside, outside = counts[run].sum(axis=1), counts[sides].sum(axis=1)
        ratio = _TOLERANCE * _smallest_ratios(resolution, energy[run], energy[sides])
        ratio *= exposure[sides].mean(axis=1) / exposed
        # The chance grows with the counts outside: skip what cannot be a burst at once.
        likely = outside < ratio * inside
        inside, outside, ratio = inside[likely], outside[likely], ratio[likely]
        chance = binom.sf(inside - 1, inside + outside, 1 / (1 + ratio))
        significant += first[likely][chance < _CHANCE].tolist()
    return significant


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


def _smallest_ratios(resolution: Resolution, run: FloatArray, sides: FloatArray) -> FloatArray:
    """The smallest (neighbours' sum)/(run's sum) of a line through R, wherever it stands.

    run : (n, length) energies; sides : (n, 2); result (n,).
    """
    low, high = resolution.half_height_points_mev
    places = run.mean(axis=1)[:, None] - np.linspace(low, high, 21)
    inside = resolution(run[:, None, :] - places[:, :, None]).sum(axis=2)
    outside = resolution(sides[:, None, :] - places[:, :, None]).sum(axis=2)
    reached = inside > 0  # a line narrower than the step may miss the run
    ratio = np.where(reached, outside / np.where(reached, inside, 1.0), np.inf)
    smallest: FloatArray = ratio.min(axis=1)
    return np.where(np.isfinite(smallest), smallest, 0.0)
