"""The tab Dispersion on paper: maps and points by matplotlib, and the numbers behind them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure

from gui.models.column_grid import ColumnGrid
from gui.models.dispersion_layers import Layers
from gui.models.dispersion_view import DispersionView
from gui.models.dispersion_words import scans_text, source_text, unit_text
from gui.plots.export import TableData
from gui.plots.map_plot import ColorScale, Levels, default_levels
from ixs_core.figure_style import ENERGY_LABEL, FAINT, styled
from ixs_reduce.dispersion_points import ModePoint
from simulate.branches_along import BranchAlong
from simulate.sqe_results import share_columns

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SIZE = (9.0, 3.8)
_DIVERGING = "RdBu_r"
_MAPS = {"viridis": "viridis", "cividis": "cividis", "CET-CBL2": "cividis"}


@styled
def maps_figure(
    view: DispersionView, layers: Layers, scale: ColorScale, levels: Levels, colors: str
) -> Figure:
    """The three maps, side by side, with what is drawn over them.

    Parameters
    ----------
    view : DispersionView
    layers : Layers
    scale : "log" or "linear"
    levels : Levels
        Of the measured and the calculated map.
    colors : str
        The colour map on screen; those that matplotlib does not have become cividis.
    """
    # The layout is solved when the figure is drawn: it may be exported in another width.
    figure = Figure(figsize=_SIZE, layout="constrained")
    figure.suptitle(_title(view), fontsize=9)
    figure.supxlabel(view.line.label, fontsize=9)
    panels = figure.subplots(1, 3, sharex=True, sharey=True)
    norm = (LogNorm if scale == "log" else Normalize)(levels.low, levels.high, clip=True)
    apart = default_levels(view.difference.all_values, "diverging")
    least = levels.low if scale == "log" else -np.inf
    shades = _MAPS[colors]
    own = Normalize(apart.low, apart.high)
    scans = scans_text(view)
    for axes, grid, name in zip(
        panels,
        (view.measured, view.calculated, view.difference),
        (scans, f"Calculated:\n{source_text(view.wanted.source)}", f"{scans} − calculated"),
        strict=True,
    ):
        difference = grid is view.difference
        axes.set_title(name, loc="left", fontsize=8)
        if difference:
            _draw_grid(axes, grid, own, _DIVERGING, -np.inf)
        else:
            _draw_grid(axes, grid, norm, shades, least)
        _draw_over(axes, view, layers, "black" if difference else "white")
    panels[0].set_ylabel(ENERGY_LABEL, fontsize=8)
    unit = unit_text(view.exposure).capitalize()
    figure.colorbar(ScalarMappable(norm, shades), ax=panels[1], label=unit)
    figure.colorbar(ScalarMappable(own, _DIVERGING), ax=panels[2])
    left, right, low, high = view.measured.bounds
    panels[0].set_xlim(left, right)
    panels[0].set_ylim(low, high)
    return figure


def _title(view: DispersionView) -> str:
    return f"S(Q,E) · {view.wanted.scans.label}"


def _draw_grid(axes: Axes, grid: ColumnGrid, norm: Normalize, colors: str, least: float) -> None:
    """Columns, each with its own edges, as pictures within a drawing of lines."""
    columns = zip(grid.left, grid.right, grid.energy_edges, grid.values, strict=True)
    for left, right, edges, values in columns:
        if edges.size:
            axes.pcolormesh(
                [left, right],
                edges,
                np.ma.masked_invalid(np.maximum(values, least))[:, None],
                norm=norm,
                cmap=colors,
                rasterized=True,
            )


def _draw_over(axes: Axes, view: DispersionView, layers: Layers, color: str) -> None:
    for branch in view.branches if layers.branches else ():
        axes.plot(branch.position, branch.energy_mev, color=color, lw=0.5, alpha=0.5)
    for modes in view.predicted if layers.predicted else ():
        half = 0.4 * (view.measured.right[modes.spectrum] - view.measured.left[modes.spectrum])
        axes.hlines(
            modes.energy,
            modes.position - half,
            modes.position + half,
            color=color,
            lw=0.6,
            alpha=(0.15 + 0.8 * modes.strength).tolist(),
        )
    for point in layers.of(view.points):
        shade = color if point.trusted else FAINT
        axes.errorbar(
            point.position,
            point.energy,
            yerr=point.energy_err if np.isfinite(point.energy_err) else None,
            fmt="D" if point.overdamped else "o",
            ms=2.6,
            mfc=shade if point.trusted else "none",
            mec=shade,
            color=shade,
            lw=0.7,
        )


_POINT_COLUMNS = (
    "scan",
    "analyzer",
    "h",
    "k",
    "l",
    "q_abs_per_angstrom",
    "position",
    "temperature_k",
    "mode",
    "branch",
    "energy_mev",
    "energy_err_mev",
    "fwhm_mev",
    "fwhm_err_mev",
    "fwhm_upper_95_mev",
    "overdamped",
    "trusted",
)


def points_table(view: DispersionView) -> TableData:
    """The fitted modes of a view."""
    return TableData(_POINT_COLUMNS, [_point_row(view, point) for point in view.points])


def _point_row(view: DispersionView, point: ModePoint) -> tuple[object, ...]:
    spectrum = view.path.fits[point.fit].spectrum
    return (
        spectrum.scan or "",
        spectrum.analyzer or "",
        *(spectrum.q_hkl or ("", "", "")),
        "" if spectrum.q_abs is None else spectrum.q_abs,
        point.position,
        "" if spectrum.temperature_k is None else spectrum.temperature_k,
        point.place + 1,
        view.path.fits[point.fit].modes[point.place].branch,
        point.energy,
        point.energy_err,
        point.fwhm,
        point.fwhm_err,
        "" if point.limit is None else point.limit,
        point.overdamped,
        point.trusted,
    )


def map_table(view: DispersionView) -> TableData:
    """The numbers of the maps: a row for each point of each spectrum.

    Calculated numbers and differences stand where the calculation has a point at the energy.
    """
    unit = f"{view.exposure:g}"
    columns = (
        *("scan", "analyzer", "h", "k", "l", "q_abs_per_angstrom", "position", "energy_mev"),
        *(f"{name}_counts_per_{unit}_exposure" for name in ("measured", "calculated")),
        f"difference_counts_per_{unit}_exposure",
    )
    rows: list[tuple[object, ...]] = []
    for i, (spectrum, zero) in enumerate(zip(view.spectra, view.zeros.tolist(), strict=True)):
        place = (
            spectrum.scan or "",
            spectrum.analyzer or "",
            *(spectrum.q_hkl or ("", "", "")),
            "" if spectrum.q_abs is None else spectrum.q_abs,
            float(view.line.position[i]),
        )
        energies = (spectrum.energy_mev - zero).tolist()
        for energy, measured in zip(energies, view.measured.values[i].tolist(), strict=True):
            middle = (view.measured.left[i] + view.measured.right[i]) / 2
            others = (grid.value_at(middle, energy) for grid in (view.calculated, view.difference))
            rows.append((*place, energy, measured, *others))
    return TableData(columns, rows)


_BRANCH_COLUMNS = (
    *("path", "branch", "h", "k", "l", "position", "temperature_k", "energy_mev"),
    *("loss_intensity_e2", "group"),
)


def branches_table(view: DispersionView) -> TableData:
    """The calculated branches of a view, with their character where it is known."""
    names: dict[str, str] = {}  # of the sites -> of their columns
    for branch in view.branches:
        if branch.character is not None:
            names |= share_columns(branch.character.labels)
    more = (*names.values(), "longitudinal_share") if names else ()
    rows = [
        (*_branch_row(branch, i), *(_character_row(branch, i, names) if names else ()))
        for branch in view.branches
        for i in range(branch.position.size)
    ]
    return TableData((*_BRANCH_COLUMNS, *more), rows)


def _branch_row(branch: BranchAlong, i: int) -> tuple[object, ...]:
    return (
        branch.key,
        branch.branch,
        *branch.q_hkl[i].tolist(),
        float(branch.position[i]),
        branch.temperature_k,
        float(branch.energy_mev[i]),
        float(branch.loss_intensity[i]),
        int(branch.group[i]),
    )


def _character_row(branch: BranchAlong, i: int, names: Mapping[str, str]) -> tuple[object, ...]:
    character = branch.character
    if character is None:
        return ("",) * (len(names) + 1)
    shares = dict(zip(character.labels, character.shares[i].tolist(), strict=True))
    along = float(character.longitudinal[i])
    return (*(shares.get(label, "") for label in names), along if np.isfinite(along) else "")
