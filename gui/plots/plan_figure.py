"""The map of the scattering plane for paper, and its numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.colors import ListedColormap, LogNorm, Normalize
from matplotlib.figure import Figure

from gui.models.plan_map import PlaneMap
from gui.plots.export import Export, TableData
from gui.plots.map_plot import map_rectangle
from gui.plots.plane_map import axis_label, map_levels
from ixs_core.arrays import FloatArray
from ixs_core.figure_style import DATA, FAINT, ORANGE, axes_at, styled
from ixs_core.lattice import Lattice

_LONGEST_IN = 5.4


def plan_export(
    shown: PlaneMap,
    lattice: Lattice,
    windows: FloatArray | None,
    settings: FloatArray,
    names: Sequence[str],
) -> Export:
    """The map with the array (n, 4, 2) and the marked settings (m, 2); one row per point."""
    figure = _figure(shown, lattice, windows, settings, names)
    return Export(figure, _table(shown, lattice), "plan")


def _table(shown: PlaneMap, lattice: Lattice) -> TableData:
    hkl = shown.request.settings.plane.hkl(shown.x[:, None], shown.y[None, :]).reshape(-1, 3)
    columns = ["h_rlu", "k_rlu", "l_rlu", "q_abs_inv_angstrom", "reachable"]
    parts = [*hkl.T, np.asarray(lattice.q_abs(hkl)), shown.reachable.ravel().astype(int)]
    if shown.values is not None:
        hours = shown.request.settings.quantity == "hours"
        columns.append("hours" if hours else "intensity_e2")
        parts.append(shown.values.ravel())
    return TableData(tuple(columns), list(zip(*(part.tolist() for part in parts), strict=True)))


@styled
def _figure(
    shown: PlaneMap,
    lattice: Lattice,
    windows: FloatArray | None,
    settings: FloatArray,
    names: Sequence[str],
) -> Figure:
    wanted = shown.request.settings
    box = map_rectangle(shown.x, shown.y)
    extent = (box.left(), box.right(), box.top(), box.bottom())
    wide = box.width() * float(lattice.q_abs(wanted.u))
    high = box.height() * float(lattice.q_abs(wanted.v))
    scale = _LONGEST_IN / max(wide, high)
    figure = Figure(figsize=(wide * scale + 1.8, high * scale + 0.9))
    axes = axes_at(figure, 0.65, 0.3, wide * scale, high * scale)
    if shown.values is not None:
        _draw_values(figure, shown, extent, (wide * scale, high * scale))
    grey = np.where(shown.reachable, np.nan, 1.0).T
    axes.imshow(
        grey,
        origin="lower",
        extent=extent,
        aspect="auto",
        cmap=ListedColormap([FAINT]),
        alpha=0.75,
        interpolation="nearest",
        rasterized=True,
    )
    axes.plot(*shown.bragg.T, "+", ms=3, mew=0.5, color=DATA)
    for window in () if windows is None else windows:
        axes.plot(*np.vstack([window, window[:1]]).T, color=ORANGE, lw=0.9)
    for place, name in zip(settings, names, strict=True):
        axes.plot(*place, "o", ms=3, color=DATA)
        axes.annotate(name, tuple(place), xytext=(3, 3), textcoords="offset points", fontsize=7)
    axes.set_xlim(extent[:2])
    axes.set_ylim(extent[2:])
    axes.set_title(shown.label, loc="left", fontsize=8)
    axes.set_xlabel(axis_label(wanted.u, wanted.origin))
    axes.set_ylabel(axis_label(wanted.v, wanted.origin))
    return figure


def _draw_values(
    figure: Figure,
    shown: PlaneMap,
    extent: tuple[float, float, float, float],
    size: tuple[float, float],
) -> None:
    wanted = shown.request.settings
    assert shown.values is not None
    finite = np.where(np.isfinite(shown.values), shown.values, np.nan)
    levels = map_levels(shown)
    norm = (LogNorm if wanted.log else Normalize)(levels.low, levels.high)
    drawn = figure.axes[0].imshow(
        finite.T,
        origin="lower",
        extent=extent,
        aspect="auto",
        norm=norm,
        cmap="viridis_r" if wanted.quantity == "hours" else "viridis",
        interpolation="nearest",
        rasterized=True,
    )
    bar = axes_at(figure, 0.65 + size[0] + 0.15, 0.3, 0.14, size[1])
    unit = "Hours" if wanted.quantity == "hours" else "Intensity (e² per primitive cell)"
    figure.colorbar(drawn, cax=bar, label=unit)
