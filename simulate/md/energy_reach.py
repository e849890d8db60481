"""How far in energy a simulation has anything to show."""

from __future__ import annotations

import numpy as np

from simulate.md.scattering_spectrum import DynamicStructureFactor
from simulate.md.vibrational_states import PhononDos

_SEEN = 0.995  # share of the states, or of the scattering, that lies below


def states_reach_mev(dos: PhononDos) -> float:
    """Energy below which nearly all states lie."""
    below = np.cumsum(dos.total)
    row = min(int(np.searchsorted(below, _SEEN * below[-1])), len(below) - 1)
    return float(dos.energy_mev[row])


def scattering_reach_mev(found: DynamicStructureFactor) -> float:
    """|E| within which nearly all of the scattering of all wave vectors lies."""
    largest = found.inelastic.max(axis=1, keepdims=True)
    share = (found.inelastic / np.where(largest > 0, largest, 1.0)).sum(axis=0)
    order = np.argsort(np.abs(found.energy_mev), kind="stable")
    below = np.cumsum(share[order])
    row = min(int(np.searchsorted(below, _SEEN * below[-1])), len(order) - 1)
    return max(float(np.abs(found.energy_mev[order[row]])), 3 * found.bin_mev)
