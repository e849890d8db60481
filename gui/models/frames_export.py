"""What the tab Frames gives to a file."""

from __future__ import annotations

from gui.models.frames_content import LoadedFrame
from gui.models.frames_selection import Measured
from gui.plots.export import Export, TableData
from gui.plots.frames_figure import frame_figure
from ixs_core.frame_geometry import Spots


def frames_export(
    loaded: LoadedFrame,
    view: tuple[float, float, float, float],
    log: bool,
    levels: tuple[float, float],
    colormap: str,
    spots: Spots | None,
    measured: Measured | None,
) -> Export:
    """The image in view as a figure; arguments as of `frame_figure`."""
    figure = frame_figure(loaded, view, log, levels, colormap, spots, measured)
    stem = loaded.frame.path.name.partition(".")[0]
    name = "_".join((stem, *loaded.label.split()[:1])) if "of frames" in loaded.label else stem
    return Export(figure, table_of(loaded, measured), name)


def table_of(loaded: LoadedFrame, measured: Measured | None) -> TableData:
    """The numbers of what was measured, else of the histogram."""
    if measured is not None and measured.profile is not None:
        radial = measured.selection.kind == "radial"
        columns = ("two_theta_deg" if radial else "position_px", "counts_per_pixel")
        return TableData(
            columns, [(float(x), float(y)) for x, y in zip(*measured.profile, strict=True)]
        )
    if measured is not None and measured.box is not None:
        return _of_box(measured)
    edges, pixels = loaded.histogram.edges, loaded.histogram.pixels
    rows = [
        (float(low), float(high), int(number))
        for low, high, number in zip(edges, edges[1:], pixels, strict=False)
    ]
    return TableData(("counts_from", "counts_to", "pixels"), rows)


def _of_box(measured: Measured) -> TableData:
    box = measured.box
    assert box is not None
    (x0, y0), (x1, y1) = measured.selection.start, measured.selection.end
    values = {
        **{"x_from_px": min(x0, x1), "x_to_px": max(x0, x1)},
        **{"y_from_px": min(y0, y1), "y_to_px": max(y0, y1)},
        **{"counts": box.total, "pixels": box.pixels, "missing_pixels": box.missing},
        **{"mean_counts_per_pixel": box.mean, "largest_counts": box.largest},
        **{"largest_x_px": box.place[0], "largest_y_px": box.place[1]},
    }
    return TableData(tuple(values), [tuple(values.values())])
