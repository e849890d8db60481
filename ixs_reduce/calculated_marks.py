"""Marks of calculated modes in figures of measured ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.colors import to_rgb

from ixs_core.figure_style import DATA, FAINT, MODES
from ixs_reduce.dispersion_points import calculated_points
from ixs_reduce.fitting import SpectrumFit
from ixs_reduce.predicted_modes import PredictedModes, SpectrumKey
from ixs_reduce.q_path import QPath

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_ticks(axes: Axes, fit: SpectrumFit, predicted: PredictedModes) -> None:
    """Calculated energies as ticks at the upper edge, coloured by the mode they belong to."""
    owner = {
        number: i for i, label in enumerate(fit.branches) for number in label.split("+") if number
    }
    named = False
    ends = axes.get_xlim()
    for number, energy in zip(
        predicted.branch.tolist(), predicted.energy_mev.tolist(), strict=True
    ):
        place = owner.get(str(number))
        color = FAINT if place is None else MODES[place % len(MODES)]
        for at in (energy, -energy):
            if ends[0] < at < ends[1]:
                axes.plot(
                    [at, at],
                    [0.95, 1.0],
                    transform=axes.get_xaxis_transform(),
                    color=color,
                    lw=1.0,
                    label="_calculated" if named else "calculated",
                )
                named = True


def draw_dashes(axes: Axes, path: QPath, predictions: Mapping[SpectrumKey, PredictedModes]) -> bool:
    """Calculated energies as dashes, darker with the intensity × (n + 1); whether there are any."""
    spectra = [fit.spectrum for fit in path.fits]
    points = calculated_points(spectra, path.position.tolist(), predictions)
    for modes in points:
        axes.scatter(
            np.full(modes.energy.size, modes.position),
            modes.energy,
            marker="_",
            s=90,
            lw=1.1,
            color=[(*to_rgb(DATA), alpha) for alpha in 0.12 + 0.7 * modes.strength],
            zorder=0,
            label="_calculated",
        )
    return bool(points)
