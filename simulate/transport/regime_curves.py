"""What a drawing of lifetimes shows, as numbers: limits, intervals, range."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ixs_core.arrays import BoolArray, FloatArray
from ixs_core.units import HBAR_MEV_PS
from simulate.transport.regimes import Lifetimes, RegimeLimits


def limit_energies(top_mev: float, number: int = 800) -> FloatArray:
    """Energies at which 1/ω is drawn: from close to zero to the end of the axis."""
    return np.linspace(top_mev / 2000, top_mev, number)


def lifetime_interval(one: Lifetimes) -> tuple[FloatArray, FloatArray]:
    """ħ/(FWHM ± its standard error): shortest and longest lifetime of each line.

    An error as large as the width gives a long bar, not an endless one.
    """
    width, error = one.fwhm_mev, one.fwhm_err
    shortest = HBAR_MEV_PS / (width + error)
    longest = HBAR_MEV_PS / np.maximum(width - error, 0.02 * width)
    return shortest, longest


def well_known(one: Lifetimes) -> BoolArray:
    """Which lines have a width known to a half and an energy known to a quarter."""
    return np.asarray(
        ~one.is_limit & (one.fwhm_err <= one.fwhm_mev / 2) & (one.energy_err <= one.energy_mev / 4)
    )


def top_energy(sources: Sequence[Lifetimes]) -> float:
    """The end of the energy axis in meV."""
    return 1.04 * max(float(one.energy_mev.max()) for one in sources)


def lifetime_range(
    sources: Sequence[Lifetimes], limits: RegimeLimits, top_mev: float
) -> tuple[float, float]:
    """From below the shortest lifetime and the limits to above nearly all the longest, in ps."""
    every = np.concatenate([one.lifetime_ps for one in sources])
    low = 0.6 * min(float(every.min()), HBAR_MEV_PS / top_mev)
    return low, 1.8 * max(float(np.quantile(every, 0.995)), 2 * limits.wigner_ps)
