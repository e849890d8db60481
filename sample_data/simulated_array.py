"""The 28 analyzers of the SIMULATED spectrometer: zero, efficiency, resolution of each.

They are the same for every seed of the counting noise, so that noise can be varied on one
instrument.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ixs_reduce.resolution import Resolution
from ixs_reduce.spectrometer import bl43lxu

NEARLY_DEAD = "a31"
NEARLY_DEAD_EFFICIENCY = 0.03

DRIFTING = "a38"
DRIFT_MEV = 0.3
"""How far the zero of the drifting analyzer moves, from the second sample scan on."""

NARROWEST_MEV, WIDEST_MEV = 1.43, 1.71

INELASTIC_SHARE = 0.04
INELASTIC = ("gaussian", 0.8, 12.0)
"""Inelastic scattering of the resolution sample, PMMA-like: kind, centre and FWHM in meV."""

_ARRAY_SEED = 43


@dataclass(frozen=True)
class SimulatedAnalyzer:
    """One analyzer.

    Parameters
    ----------
    name : str
    zero_mev : float
        Energy of the file minus true energy, before any drift.
    efficiency : float
        Share of the photons that it counts.
    resolution : Resolution
        Asymmetric sum of three components with E = 0 at the middle of the half height.
    """

    name: str
    zero_mev: float
    efficiency: float
    resolution: Resolution

    @property
    def resolution_sample(self) -> Resolution:
        """What the resolution sample shows: R and its broad inelastic part, of unit area."""
        kind, center, fwhm = INELASTIC
        elastic = [
            (c.kind, (1 - INELASTIC_SHARE) * c.weight, c.center_mev, c.fwhm_mev)
            for c in self.resolution.components
        ]
        return Resolution.from_components(
            [*elastic, (kind, INELASTIC_SHARE, center, fwhm)], analyzer=self.name
        )


def simulated_array() -> tuple[SimulatedAnalyzer, ...]:
    """All analyzers of BL43LXU, in the order of its table.

    FWHM spread evenly over 1.43 … 1.71 meV, zeros over ±1 meV, efficiencies 0.6 … 1 except for
    one nearly dead analyzer.
    """
    names = bl43lxu().analyzers
    random = np.random.default_rng(_ARRAY_SEED)
    widths = random.permutation(np.linspace(NARROWEST_MEV, WIDEST_MEV, len(names)))
    zeros = np.round(random.uniform(-1, 1, len(names)), 3)
    efficiencies = np.round(random.uniform(0.6, 1.0, len(names)), 3)
    shapes = random.uniform(-1, 1, (len(names), 3))
    return tuple(
        SimulatedAnalyzer(
            name=name,
            zero_mev=float(zero),
            efficiency=NEARLY_DEAD_EFFICIENCY if name == NEARLY_DEAD else float(efficiency),
            resolution=_resolution(name, float(width), shape),
        )
        for name, width, zero, efficiency, shape in zip(
            names, widths, zeros, efficiencies, shapes, strict=True
        )
    )


def _resolution(name: str, fwhm: float, shape: np.ndarray) -> Resolution:
    """Three components of varied shares and offsets, scaled to the wanted FWHM."""
    drawn = Resolution.from_components(
        [
            ("gaussian", 0.62 + 0.05 * shape[0], 0.0, 1.3),
            ("lorentzian", 0.26, 0.05 * shape[1], 1.4),
            ("gaussian", 0.12, 0.55 + 0.15 * shape[2], 2.2),
        ]
    )
    scale = fwhm / drawn.fwhm_mev
    scaled = [
        (c.kind, c.weight, c.center_mev * scale, c.fwhm_mev * scale) for c in drawn.components
    ]
    centred, _ = Resolution.from_components(scaled, analyzer=name).at_half_height()
    return centred
