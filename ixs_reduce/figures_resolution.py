"""Figure of resolution functions: every analyzer's scan of an elastic scatterer with its fit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from ixs_core.figure_style import (
    BLUE,
    DATA,
    FAINT,
    QUIET,
    TOTAL,
    VERMILLION,
    axes_at,
    message_figure,
    styled,
    text_at,
)
from ixs_core.report_parts import with_error
from ixs_reduce.batch import POOR_FIT
from ixs_reduce.fit_curves import counted_points
from ixs_reduce.fit_words import reduced_text
from ixs_reduce.likelihood import deviance_residuals
from ixs_reduce.resolution_fit import ResolutionFit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ixs_core.arrays import FloatArray


def resolution_curves(
    fit: ResolutionFit, energy_mev: FloatArray, exposure: float
) -> tuple[FloatArray, FloatArray]:
    """Expected counts per point of all that was fitted, and of R alone.

    Parameters
    ----------
    energy_mev : (n,) array
        Of the file.
    exposure : float
        At which counts are given.

    Returns
    -------
    total, resolution : (n,) arrays
        R is scaled to the area of the components that it was made of.
    """
    densities = [component.density(energy_mev)[0] for component in fit.components]
    total = fit.background + np.sum(densities, axis=0)
    kept = sum(c.weight for c in fit.components) - sum(c.weight for c in fit.broad)
    return exposure * total, exposure * kept * fit.resolution(energy_mev - fit.e_zero_mev)


@styled
def resolution_figure(fits: Sequence[ResolutionFit]) -> Figure:
    """Each analyzer's resolution scan on a logarithmic scale, with its deviance residuals.

    Points with 68 % Poisson intervals at the median exposure, all that was fitted, and R:
    where the two curves part, the scatterer's own scattering and the background lie.
    """
    if not fits:
        return message_figure("no resolution fits to show")
    ordered = sorted(fits, key=lambda fit: _name_key(fit.analyzer))
    columns = min(len(ordered), 3 if len(ordered) <= 9 else 4)
    rows = math.ceil(len(ordered) / columns)
    wide, high = 10.4 / max(columns, 3), 2.5 if columns < 4 else 2.2
    figure = Figure(figsize=(0.75 + columns * wide, 0.35 + rows * high + 0.35))
    shared: Axes | None = None
    for k, fit in enumerate(ordered):
        row, column = divmod(k, columns)
        left, top = 0.75 + column * wide, 0.62 + row * high
        main = axes_at(figure, left, top, wide - 0.55, high - 1.1, sharex=shared)
        shared = shared or main
        below = axes_at(figure, left, top + high - 1.04, wide - 0.55, 0.42, sharex=shared)
        _draw(main, below, fit)
        below.tick_params(labelbottom=k + columns >= len(ordered))
    width, height = figure.get_size_inches()
    figure.legend(
        *figure.axes[0].get_legend_handles_labels(),
        loc="upper left",
        bbox_to_anchor=(0.75 / width, 1 - 0.1 / height),
        ncols=3,
        borderaxespad=0,
    )
    text_at(figure, width / 2, height - 0.24, "Energy from the centre of R (meV)", ha="center")
    figure.text(
        0.1 / width,
        0.5,
        "Counts per point at median exposure; below: deviance residual (σ)",
        rotation=90,
        va="center",
    )
    return figure


def _name_key(name: str) -> tuple[int, str]:
    digits = "".join(c for c in name if c.isdigit())
    return (int(digits) if digits else 0, name)


def _draw(main: Axes, below: Axes, fit: ResolutionFit) -> None:
    points = counted_points(fit.spectrum, fit.e_zero_mev)
    energy = np.linspace(fit.spectrum.energy_mev[0], fit.spectrum.energy_mev[-1], 300)
    total, resolution = resolution_curves(fit, energy, points.exposure)
    seen = fit.spectrum.exposure > 0
    residuals = deviance_residuals(fit.spectrum.counts[seen], fit.expected_counts[seen])
    main.set_yscale("log", nonpositive="clip")
    main.vlines(points.energy_mev, points.lower, points.upper, color=DATA, lw=0.6, label="_68 %")
    main.plot(points.energy_mev, points.counts, "o", ms=2, mew=0, color=DATA, label="counts, 68 %")
    main.plot(energy - fit.e_zero_mev, total, color=TOTAL, lw=1.0, label="fit", zorder=4)
    main.plot(energy - fit.e_zero_mev, resolution, color=BLUE, lw=1.0, ls="--", label="R", zorder=3)
    lowest = min(points.counts[points.counts > 0].min(), resolution.max() * 1e-4)
    lowest = max(lowest, resolution[resolution > 0].min(), 0.5)
    main.set_ylim(0.5 * lowest, 2.5 * points.upper.max())
    main.yaxis.set_major_locator(LogLocator(numticks=5))
    main.yaxis.set_minor_formatter(NullFormatter())
    main.tick_params(labelbottom=False, labelsize=7.5)
    main.set_title(f"{fit.analyzer}  scan {fit.spectrum.scan}", loc="left", pad=12, fontsize=8.5)
    poor = fit.reduced_deviance > POOR_FIT
    main.text(
        0,
        1.03,
        f"FWHM {with_error(fit.fwhm_mev, fit.fwhm_err)} meV  "
        f"D/dof {reduced_text(fit.reduced_deviance)}",
        transform=main.transAxes,
        fontsize=7,
        color=VERMILLION if poor else QUIET,
    )
    below.axhline(0, color=FAINT, lw=0.7, zorder=0)
    for level in (-2, 2):
        below.axhline(level, color=FAINT, lw=0.7, ls="--", zorder=0)
    below.plot(points.energy_mev, residuals, "o", ms=1.6, mew=0, color=DATA, label="residual")
    reach = max(4.0, 1.1 * float(np.abs(residuals).max(initial=0.0)))
    below.set_ylim(-reach, reach)
    below.yaxis.set_major_locator(MaxNLocator(3, integer=True, symmetric=True))
    below.tick_params(labelsize=7)
