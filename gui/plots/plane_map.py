"""The map of a plane of reciprocal space: values, reach, Bragg points, settings, the array."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QObject, QPointF, Signal
from PySide6.QtGui import QColor

from gui.models.plan_map import MapSettings, PlaneMap, Window
from gui.plots.axes import make_canvas, make_plot, set_title
from gui.plots.footprint_item import FootprintItem, TurnHandle
from gui.plots.map_plot import ColorScale, Levels, MapPlot, default_levels, map_rectangle
from gui.plots.setting_marks import SettingMarks
from gui.theme import Theme
from ixs_core.arrays import FloatArray

_EMPTY: FloatArray = np.zeros(0)
_BEST = 0.03  # share of the points that are as bright as can be
_WORTH = 100.0  # hours beyond this many times the best look alike
_VEIL = 185  # how far the grey covers what the limits exclude, of 255


class PlaneMapView(QObject):
    """A canvas with the map and everything that lies on it.

    Signals
    -------
    cursor : (float, float)
        Place under the cursor, in the plane's axes.
    setting_clicked : int
        The number of a marked setting.
    """

    cursor = Signal(float, float)
    setting_clicked = Signal(int)

    def __init__(self, theme: Theme, colormap: str) -> None:
        super().__init__()
        self.theme = theme
        self.canvas = make_canvas(theme)
        self.canvas.setObjectName("plan-map")
        self.canvas.setAccessibleName("Map of the scattering plane with the array's footprint")
        self.plot = make_plot(theme, "x (r.l.u.)", "y (r.l.u.)")
        self.canvas.addItem(self.plot)
        self.map = MapPlot(self.plot, theme)
        self._colormap = colormap
        self.veil = pg.ImageItem(axisOrder="col-major")
        self.veil.setZValue(-50)
        self.bragg = pg.ScatterPlotItem(symbol="+", size=7, pxMode=True)
        self.bragg.setZValue(-40)
        self.footprint = FootprintItem(theme)
        self.knob = TurnHandle(theme)
        for item in (self.veil, self.bragg, self.footprint, self.knob):
            self.plot.addItem(item, ignoreBounds=True)
        self.settings = SettingMarks(self.plot, theme)
        self.settings.clicked.connect(self.setting_clicked)
        self._shown: PlaneMap | None = None
        self._title = self._unit = ""
        self.footprint.setVisible(False)
        self.knob.setVisible(False)
        self.canvas.scene().sigMouseMoved.connect(self._on_moved)
        self.set_theme(theme)

    def set_theme(self, theme: Theme) -> None:
        """Draw in other colours."""
        self.theme = theme
        self.canvas.setBackground(theme.plot)
        self.map.set_theme(theme)
        self.footprint.set_theme(theme)
        self.knob.set_theme(theme)
        self.bragg.setPen(theme.pen(theme.axis))
        self.settings.set_theme(theme)
        self.map.bar.getAxis("left").setLabel(self._unit, color=theme.axis)
        self.set_title(self._title)
        if self._shown is not None:
            self._draw_veil(self._shown)

    def set_axes(self, settings: MapSettings, ratio: float) -> None:
        """Name the axes and draw the plane to scale.

        Parameters
        ----------
        settings : MapSettings
        ratio : float
            Length of one unit of y over one of x, in Å⁻¹.
        """
        for side, direction in (("bottom", settings.u), ("left", settings.v)):
            self.plot.getAxis(side).setLabel(axis_label(direction, settings.origin))
        self.plot.getViewBox().setAspectLocked(True, 1 / ratio)

    def set_range(self, window: Window) -> None:
        """Show at least this part of the plane."""
        x0, x1, y0, y1 = window
        self.plot.setRange(xRange=(x0, x1), yRange=(y0, y1), padding=0)

    def visible_window(self) -> Window:
        """What of the plane is seen."""
        (x0, x1), (y0, y1) = self.plot.getViewBox().viewRange()
        return float(x0), float(x1), float(y0), float(y1)

    def show_map(self, shown: PlaneMap | None) -> None:
        """Draw a map; None clears."""
        self._shown = shown
        has_values = shown is not None and shown.values is not None
        self.map.image.setVisible(has_values)
        self.map.bar.setVisible(has_values)
        self.veil.setVisible(shown is not None)
        self.bragg.setVisible(shown is not None)
        self.set_title("" if shown is None else shown.label)
        if shown is None:
            return
        if shown.values is not None:
            settings = shown.request.settings
            finite = np.where(np.isfinite(shown.values), shown.values, np.nan)
            unit = "hours" if settings.quantity == "hours" else "e² per primitive cell"
            self._unit = unit
            self.map.bar.getAxis("left").setLabel(unit, color=self.theme.axis)
            levels = map_levels(shown)
            scale: ColorScale = "log" if settings.log else "linear"
            self.map.set_map(shown.x, shown.y, finite, scale, levels)
            self.map.set_colormap(self._colormap, backwards=settings.quantity == "hours")
        self._draw_veil(shown)
        self.bragg.setData(shown.bragg[:, 0], shown.bragg[:, 1])

    def _draw_veil(self, shown: PlaneMap) -> None:
        grey = QColor(self.theme.border)
        image = np.zeros((*shown.reachable.shape, 4), dtype=np.uint8)
        image[~shown.reachable] = (grey.red(), grey.green(), grey.blue(), _VEIL)
        self.veil.setImage(image, autoLevels=False, levels=None)
        self.veil.setRect(map_rectangle(shown.x, shown.y))

    def show_footprint(
        self,
        corners: FloatArray,
        off_plane: FloatArray,
        chosen: int | None,
        centre: FloatArray,
        knob: FloatArray | None,
    ) -> None:
        """Draw the array; see `FootprintItem.set_windows`; the knob at a place, or hidden."""
        self.footprint.set_windows(corners, off_plane, chosen, centre)
        self.footprint.setVisible(True)
        self.knob.setVisible(knob is not None)
        if knob is not None:
            self.knob.set_place(float(knob[0]), float(knob[1]))

    def hide_footprint(self) -> None:
        """Draw no array."""
        self.footprint.setVisible(False)
        self.knob.setVisible(False)

    def set_title(self, text: str) -> None:
        """What is seen, above the map."""
        self._title = text
        set_title(self.plot, text or "Reach of the arm", self.theme)

    def _on_moved(self, place: QPointF) -> None:
        box = self.plot.getViewBox()
        if box.sceneBoundingRect().contains(place):
            inside = box.mapSceneToView(place)
            self.cursor.emit(inside.x(), inside.y())


def map_levels(shown: PlaneMap) -> Levels:
    """Ends of the colours: for hours from the best on, so that what is worth it is told apart."""
    settings = shown.request.settings
    values = _EMPTY if shown.values is None else shown.values
    finite = values[np.isfinite(values)]
    if settings.quantity == "hours" and finite.size and finite.min() > 0:
        best = float(np.quantile(finite, _BEST))
        high = min(float(np.quantile(finite, 0.9)), _WORTH * best)
        return Levels(best, max(high, 3 * best))
    return default_levels(finite, "log" if settings.log else "linear")


def axis_label(direction: Sequence[float], origin: Sequence[float]) -> str:
    """ "(H 0 0) + …": the axis as a direction of reciprocal space, with its unit."""
    letters = [index for index, part in zip("HKL", direction, strict=True) if part]
    if len(letters) == 1 and sum(direction) == 1:
        rest = [
            "" if part or not base else f"{base:g}"
            for part, base in zip(direction, origin, strict=True)
        ]
        fixed = ", ".join(
            f"{index} = {text}" for index, text in zip("HKL", rest, strict=True) if text
        )
        return f"{letters[0]} (r.l.u.)" + (f"   at {fixed}" if fixed else "")
    words = " ".join(f"{part:g}".replace("-", "−") for part in direction)
    start = " ".join(f"{part:g}".replace("-", "−") for part in origin)
    return f"along ({words}) from ({start}) (r.l.u.)"
