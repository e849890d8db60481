"""Figures of densities: sections, profiles along a path, residuals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import LogFormatterSciNotation
from scipy import stats

from ixs_core.figure_style import (
    BLUE,
    DATA,
    FAINT,
    QUIET,
    SERIES,
    VERMILLION,
    axes_at,
    message_figure,
    styled,
    text_at,
)
from mem.density_result import DensityResult, DrawnSection, PathResult
from mem.residual_distribution import residual_histogram
from mem.section_levels import (
    CONTOURS_E_A3,
    DIFFERENCE_CONTOURS_E_A3,
    HIGHEST_E_A3,
    LOWEST_E_A3,
    difference_reach,
)

SectionScale = Literal["log", "linear", "difference"]
_SECTION_LABELS: dict[SectionScale, str] = {
    "log": "ρ (e/Å³)",
    "linear": "ρ (e/Å³)",
    "difference": "Δρ (e/Å³)",
}
_PANEL_INCHES = 3.0
_LARGEST_FIGURE = 12.0
RECONSTRUCTED_BAND = "± noise (σ) and bias of the method"
"""What the bands of profiles are, in the legend."""

_LOWEST_RATIO = 1e-4


@styled
def section_figure(
    results: Sequence[DensityResult], index: int = 0, scale: SectionScale = "log"
) -> Figure:
    """The same section of several densities side by side, colours on one scale.

    Parameters
    ----------
    results : sequence of DensityResult
    index : int
        Which of their sections.
    scale : "log", "linear" or "difference"
        "difference" for sections that hold differences: symmetric about zero.
    """
    drawn = [result for result in results if len(result.sections) > index]
    if not drawn:
        return message_figure("no section was asked for")
    sections = [result.sections[index] for result in drawn]
    first = sections[0].section
    wide, high = float(np.ptp(first.u)), float(np.ptp(first.v))
    inches = min(_PANEL_INCHES / wide, 1.4 * _PANEL_INCHES / high)  # per Å
    width, height = wide * inches, high * inches
    left, top, gap = 0.65, 0.55, 0.45
    columns = max(1, int((_LARGEST_FIGURE - left) // (width + gap)))
    rows = -(-len(drawn) // columns)
    across = min(columns, len(drawn))
    size = (left + across * (width + gap) + 0.6, top + rows * (height + 0.85) - 0.3)
    figure = Figure(figsize=size)
    images = []
    norm = _section_norm(scale, sections)
    for number, (result, section) in enumerate(zip(drawn, sections, strict=True)):
        row, column = divmod(number, columns)
        place = (left + column * (width + gap), top + row * (height + 0.85))
        axes = axes_at(figure, *place, width, height)
        images.append(_draw_section(axes, section, norm))
        axes.set_title(result.heading)
        axes.set_xlabel(f"{first.u_label or 'u'} (Å)")
        if column == 0:
            axes.set_ylabel(f"{first.v_label or 'v'} (Å)")
    bar = axes_at(figure, left + across * (width + gap) - gap + 0.15, top, 0.13, height)
    figure.colorbar(images[0], cax=bar, label=_SECTION_LABELS[scale], extend="both")
    text_at(figure, left, 0.1, f"Section {first.label}", fontsize=10)
    return figure


def _section_norm(scale: SectionScale, sections: Sequence[DrawnSection]) -> Normalize:
    if scale == "difference":
        reach = difference_reach(np.concatenate([one.section.values.ravel() for one in sections]))
        return Normalize(-reach, reach)
    return Normalize(0, HIGHEST_E_A3) if scale == "linear" else LogNorm(LOWEST_E_A3, HIGHEST_E_A3)


def _draw_section(axes: Axes, drawn: DrawnSection, norm: Normalize) -> QuadMesh:
    section = drawn.section
    signed = norm.vmin is not None and norm.vmin < 0
    values = section.values.T if signed else np.maximum(section.values, LOWEST_E_A3 / 10).T
    image = axes.pcolormesh(
        section.u,
        section.v,
        values,
        norm=norm,
        cmap="RdBu_r" if signed else "viridis",
        shading="nearest",
        rasterized=True,
    )
    contours = np.array(DIFFERENCE_CONTOURS_E_A3 if signed else CONTOURS_E_A3)
    if signed:
        contours = np.concatenate([-contours[::-1], contours])
    color = "black" if signed else "white"
    axes.contour(section.u, section.v, values, contours, colors=color, linewidths=0.35)
    for label, u, v in drawn.sites:
        axes.plot(u, v, "+", color="black", ms=5, mew=0.8, clip_on=True)
        axes.annotate(
            label,
            (u, v),
            xytext=(3, 3),
            textcoords="offset points",
            fontsize=7,
            annotation_clip=True,
            clip_on=True,
            clip_box=axes.bbox,
        )
    axes.set_aspect("equal")
    axes.set_xlim(section.u[0], section.u[-1])
    axes.set_ylim(section.v[0], section.v[-1])
    return image


@styled
def profile_figure(
    results: Sequence[DensityResult], name: str, band: str = RECONSTRUCTED_BAND
) -> Figure:
    """ρ along one kind of path, relative to the peak: whole on a log scale, its middle linear.

    Bands are the uncertainty (noise and the method's own bias, see `PathResult.band`); dashed
    lines show what the same data and settings give where nothing hops. `band` says in the legend
    what the bands are.
    """
    drawn = [(r, path) for r in results for path in r.paths if path.kind == name]
    if not drawn:
        return message_figure(f"no profile along {name}")
    figure = Figure(figsize=(9.6, 3.95))
    whole = axes_at(figure, 0.75, 0.5, 3.9, 2.6)
    middle = axes_at(figure, 5.4, 0.5, 3.9, 2.6)
    highest = 0.0
    for number, (result, path) in enumerate(drawn):
        color = SERIES[number % len(SERIES)]
        for axes in (whole, middle):
            _draw_profile(axes, path, color, result.heading)
        highest = max(highest, _height_of_middle(path))
    length = max(float(path.profile.distance[-1]) for _, path in drawn)
    whole.set_yscale("log")
    lowest = min(float(path.ratio.min()) for _, path in drawn)
    whole.set_ylim(max(_LOWEST_RATIO, lowest / 3), 2)
    whole.yaxis.set_major_formatter(LogFormatterSciNotation())
    whole.set_xlim(0, length)
    middle.set_xlim(0.25 * length, 0.75 * length)
    middle.set_ylim(0, 1.25 * highest if highest > 0 else 1)
    for axes in (whole, middle):
        axes.set_xlabel("Distance along the path (Å)")
    whole.set_ylabel(f"ρ / ρ of the {drawn[0][1].peak_label} peak")
    whole.set_title("whole path, logarithmic")
    middle.set_title("its middle, linear")
    whole.legend(loc="upper center", ncols=1)
    _explain_lines(figure, middle, [path for _, path in drawn], band)
    text_at(figure, 0.75, 0.1, drawn[0][1].kind, fontsize=10)
    return figure


def _explain_lines(figure: Figure, axes: Axes, paths: Sequence[PathResult], band: str) -> None:
    """A legend below the panels for what is drawn beside the profiles themselves."""
    handles: list[Artist] = []
    if any(path.band is not None for path in paths):
        handles.append(Patch(color=FAINT, alpha=0.6, label=band))
    if any(path.null is not None for path in paths):
        handles.append(Line2D([], [], color=QUIET, ls="--", label="same data where nothing hops"))
    if any(path.model is not None for path in paths):
        handles.append(Line2D([], [], color=QUIET, ls=":", label="refined model itself"))
    if handles:
        figure.legend(handles=handles, loc="lower center", ncols=len(handles))


def _draw_profile(axes: Axes, path: PathResult, color: str, label: str) -> None:
    distance = path.profile.distance
    axes.plot(distance, path.ratio, color=color, label=label)
    if path.band is not None:
        low = np.maximum(path.ratio - path.band / path.peak, _LOWEST_RATIO / 10)
        axes.fill_between(
            distance, low, path.ratio + path.band / path.peak, color=color, alpha=0.2, lw=0
        )
    if path.null is not None:
        axes.plot(distance, path.null / path.null_peak, color=color, ls="--", lw=0.9)
    if path.model is not None:
        axes.plot(distance, path.model / path.model_peak, color=color, ls=":", lw=0.9)


def _height_of_middle(path: PathResult) -> float:
    """What the linear panel must hold: everything drawn in the middle third of the path."""
    distance = path.profile.distance
    inside = np.abs(distance / distance[-1] - 0.5) < 1 / 8
    curves = [path.ratio + (0 if path.band is None else path.band / path.peak)]
    if path.null is not None:
        curves.append(path.null / path.null_peak)
    return max(float(curve[inside].max()) for curve in curves)


@styled
def residual_figure(result: DensityResult) -> Figure:
    """Residuals of the structure factors: distribution, normal probability, against 1/d."""
    residual = result.residual
    figure = Figure(figsize=(9.6, 3.1))
    left = axes_at(figure, 0.65, 0.4, 2.5, 2.1)
    centre = axes_at(figure, 3.85, 0.4, 2.3, 2.1)
    right = axes_at(figure, 6.95, 0.4, 2.45, 2.1)
    found = residual_histogram(residual)
    left.stairs(found.counts, found.edges, fill=True, color=FAINT, edgecolor="white", linewidth=0.3)
    x = np.linspace(found.edges[0], found.edges[-1], 300)
    left.plot(x, found.gaussian(x), color=VERMILLION, label="Gaussian")
    left.set_xlabel("(|F| − |F$_o$|) / σ")
    left.set_ylabel("Reflections")
    left.legend(loc="upper right")
    expected = stats.norm.ppf((np.arange(len(residual)) + 0.5) / len(residual))
    centre.plot(expected, np.sort(residual), ".", ms=2.5, color=DATA)
    centre.plot([-3.5, 3.5], [-3.5, 3.5], color=VERMILLION, lw=0.8)
    centre.set_xlabel("Expected of a Gaussian")
    centre.set_ylabel("(|F| − |F$_o$|) / σ")
    right.plot(1 / result.d_spacing, residual, ".", ms=2.5, color=BLUE)
    right.axhline(0, color=QUIET, lw=0.7)
    right.set_xlabel("1/d (Å⁻¹)")
    right.set_ylabel("(|F| − |F$_o$|) / σ")
    text_at(figure, 0.65, 0.1, f"Residuals, {result.heading}", fontsize=10)
    return figure
