"""A detector image with its profile as a figure for paper."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gui.models.frames_crop import Crop, pixels_of
from ixs_core.figure_style import styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from gui.models.frames_content import LoadedFrame
    from gui.models.frames_selection import Measured
    from ixs_core.frame_geometry import Spots

_WIDTH, _HEIGHT = 7.0, 5.6  # inches
_FINEST = 1200  # pixels of the image along an edge; beyond, blocks show their largest


@styled
def frame_figure(
    loaded: LoadedFrame,
    view: tuple[float, float, float, float],
    log: bool,
    levels: tuple[float, float],
    colormap: str,
    spots: Spots | None,
    measured: Measured | None,
) -> Figure:
    """The part of a frame that is in view, with spots and what was measured on it.

    Parameters
    ----------
    view : (left, right, top, bottom)
        In pixels.
    levels : (low, high)
        Ends of the colours in counts.
    colormap : str
        Of matplotlib or of pyqtgraph.
    """
    from matplotlib.colors import LogNorm, Normalize
    from matplotlib.figure import Figure

    profile = measured.profile if measured is not None else None
    height = _HEIGHT * (1.4 if profile is not None else 1.0)
    figure = Figure(figsize=(_WIDTH, height), layout="constrained")
    rows = figure.subplots(
        2 if profile is not None else 1,
        1,
        squeeze=False,
        height_ratios=(3, 1) if profile is not None else (1,),
    )[:, 0]
    axes = rows[0]
    image, extent = _image(loaded, log, levels[0])
    drawn = axes.imshow(
        np.ma.masked_invalid(image),
        extent=extent,
        interpolation="nearest",
        cmap=_colormap(colormap),
        norm=LogNorm(*levels) if log else Normalize(*levels),
        rasterized=True,
    )
    figure.colorbar(drawn, ax=axes, label="Counts", fraction=0.05, pad=0.02)
    left, right, top, bottom = view
    axes.set(xlim=(left, right), ylim=(bottom, top), xlabel="x (pixel)", ylabel="y (pixel)")
    axes.set_title(f"{loaded.frame.path.name}, {loaded.label}", loc="left")
    if spots is not None and len(spots.x):
        axes.plot(spots.x, spots.y, "o", mfc="none", color="#D55E00", ms=5, mew=0.7)
    if measured is not None:
        _mark(axes, measured)
    if profile is not None and measured is not None:
        rows[1].plot(profile.position, profile.value, color="#222222", lw=0.8)
        rows[1].set(xlabel=measured.axis, ylabel="Counts per pixel")
    return figure


def _image(
    loaded: LoadedFrame, log: bool, low: float
) -> tuple[np.ndarray, tuple[float, float, float, float]]:
    """The whole frame, or the finest copy that paper can show, and what it covers."""
    level = 0
    while max(loaded.frame.shape) >> level > _FINEST and level < len(loaded.copies):
        level += 1
    ny, nx = loaded.frame.shape if level == 0 else loaded.copies[level - 1].shape
    image = pixels_of(loaded, Crop(level, (0, ny), (0, nx)))
    size = 1 << level
    extent = (-0.5, nx * size - 0.5, ny * size - 0.5, -0.5)
    return np.maximum(image, np.float32(low)) if log else image, extent


def _mark(axes: object, measured: Measured) -> None:
    (x0, y0), (x1, y1) = measured.selection.start, measured.selection.end
    if measured.selection.kind == "line":
        axes.plot([x0, x1], [y0, y1], color="#D55E00", lw=1)  # type: ignore[attr-defined]
    elif measured.selection.kind == "box":
        corners = [x0, x1, x1, x0, x0], [y0, y0, y1, y1, y0]
        axes.plot(*corners, color="#D55E00", lw=1)  # type: ignore[attr-defined]


def _colormap(name: str) -> object:
    """By its name; pyqtgraph's own (CET-…) from its table of colours."""
    from matplotlib import colormaps
    from matplotlib.colors import ListedColormap

    if name in colormaps:
        return colormaps[name]
    import pyqtgraph as pg

    table = pg.colormap.get(name).getLookupTable(nPts=256)
    return ListedColormap(np.asarray(table, dtype=float)[:, :3] / 255.0, name=name)
