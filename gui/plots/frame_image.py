"""A detector image on the screen: as it lies in the file, the first row at the top.

Only what the screen can show is handed to the drawing: a part of the frame, or of a smaller copy
in which a block of pixels shows its largest, so that a spot of one pixel stays visible.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QObject, QPointF, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QPainter

from gui.models.frames_content import LoadedFrame
from gui.models.frames_crop import Crop, View, crop_for, pixels_of, still_fits
from gui.models.frames_words import hkl_words
from gui.plots.map_plot import Levels, MapPlot
from gui.theme import Theme
from ixs_core.frame_geometry import Spots

_COALESCE_MS = 30
_MOST_LABELS = 40  # spots in view that get their hkl written beside them
_SPOT_SIZE = 13  # pixels of the screen
_NO_SPOTS = Spots(np.zeros((0, 3), dtype=int), np.zeros(0), np.zeros(0), np.zeros(0))


class FrameImage(QObject):
    """The image in a plot, with spots, a line and a box on it.

    Signals
    -------
    dragged : (QPointF, QPointF, bool)
        With a tool: from where to where in pixels, and whether the drag has ended.
    """

    dragged = Signal(QPointF, QPointF, bool)

    def __init__(self, plot: pg.PlotItem, theme: Theme, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.plot = plot
        self.map = MapPlot(plot, theme)
        self.loaded: LoadedFrame | None = None
        self.crop: Crop | None = None
        self.spots = _NO_SPOTS
        self._log = True
        self._levels = (1.0, 10.0)
        self._whole = True  # whether all of the frame is to stay in view
        self._theme = theme
        box = plot.getViewBox()
        box.setAspectLocked(True)
        box.invertY(True)
        self.catcher = _DragCatcher()
        self.catcher.dragged.connect(self.dragged)
        self._add_overlays()
        self.set_theme(theme)
        self._timer = QTimer(self, interval=_COALESCE_MS, singleShot=True)
        self._timer.timeout.connect(self._follow_view)
        box.sigRangeChanged.connect(lambda *_: self._timer.start())
        box.sigRangeChangedManually.connect(self._on_zoom)
        box.sigResized.connect(lambda *_: self.show_all() if self._whole else None)

    def _add_overlays(self) -> None:
        self.marks = pg.ScatterPlotItem(pxMode=True, size=_SPOT_SIZE, brush=None)
        self.line = pg.PlotCurveItem()
        self.box = pg.PlotCurveItem()
        for height, item in enumerate((self.marks, self.line, self.box, self.catcher)):
            item.setZValue(10 + height)
            self.plot.addItem(item, ignoreBounds=True)
        self._labels: list[pg.TextItem] = []

    # -- the frame --------------------

    def show_frame(self, loaded: LoadedFrame) -> None:
        """Show a frame; the part in view stays when it has the size of the one before."""
        before = self.loaded
        self.loaded = loaded
        if before is None or before.frame.shape != loaded.frame.shape:
            self.catcher.set_size(loaded.frame.shape)
            self.show_all()
        self._draw()

    def set_scale(self, log: bool, levels: tuple[float, float]) -> None:
        """Another scale or other ends of the colours, from the next drawing on."""
        self._log, self._levels = log, levels

    def redraw(self) -> None:
        """Draw the same frame again, in other colours."""
        if self.loaded is not None:
            self._draw()

    def set_visible(self, there: bool) -> None:
        """Show the image with all that lies on it, or an empty plot."""
        self.map.image.setVisible(there)
        self.map.bar.setVisible(there)
        for side in ("left", "bottom"):
            self.plot.showAxis(side, there)
        if not there:
            self.loaded = self.crop = None
            self.show_spots(None)
            self.clear_tools()

    def set_label(self, text: str) -> None:
        """What the colours are."""
        self.map.bar.axis.setLabel(text)

    def show_all(self) -> None:
        """Bring the whole frame into view."""
        self._whole = True
        if self.loaded is not None:
            ny, nx = self.loaded.frame.shape
            self.plot.getViewBox().setRange(QRectF(-0.5, -0.5, nx, ny), padding=0.01)

    def show_true_size(self) -> None:
        """One pixel of the screen for one of the detector, about what is in the middle."""
        self._whole = False
        box = self.plot.getViewBox()
        width, height = box.width(), box.height()
        centre = box.viewRect().center()
        corner = QPointF(centre.x() - width / 2, centre.y() - height / 2)
        box.setRange(QRectF(corner.x(), corner.y(), width, height), padding=0)

    def view(self) -> View:
        """What is seen now."""
        box = self.plot.getViewBox()
        (left, right), (top, bottom) = box.viewRange()
        width, _ = box.viewPixelSize()
        ratio = self._pixel_ratio()
        return View(left, right, top, bottom, ratio / width if width > 0 else 1.0)

    def _pixel_ratio(self) -> float:
        view = self.plot.getViewWidget()
        return float(view.devicePixelRatioF()) if view is not None else 1.0

    def _on_zoom(self, *_: object) -> None:
        self._whole = False

    def _follow_view(self) -> None:
        if self.loaded is None:
            return
        if self.crop is None or not still_fits(self.crop, self.loaded, self.view()):
            self._draw()
        self._write_labels()

    def _draw(self) -> None:
        assert self.loaded is not None
        self.crop = crop_for(self.loaded, self.view())
        values = pixels_of(self.loaded, self.crop)
        low, high = self._levels
        if self._log:
            # What is below the scale, zero counts too, has its lowest colour; gaps have none.
            values = np.maximum(values, np.float32(low))
        x, y = self.crop.centres()
        self.map.set_map(x, y, values.T, "log" if self._log else "linear", Levels(low, high))

    # -- what lies on it --------------------

    def show_spots(self, spots: Spots | None) -> None:
        """Mark spots, or none."""
        self.spots = spots if spots is not None else _NO_SPOTS
        self.marks.setData(self.spots.x, self.spots.y)
        self._write_labels()

    def show_line(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Draw the line of a profile."""
        self.line.setData([start[0], end[0]], [start[1], end[1]])
        self.box.setData([], [])

    def show_box(self, corner: tuple[float, float], other: tuple[float, float]) -> None:
        """Draw a box."""
        (left, top), (right, bottom) = corner, other
        self.box.setData([left, right, right, left, left], [top, top, bottom, bottom, top])
        self.line.setData([], [])

    def clear_tools(self) -> None:
        """Neither line nor box."""
        self.line.setData([], [])
        self.box.setData([], [])

    def set_tool(self, active: bool) -> None:
        """Whether a drag draws (a line, a box) instead of moving the image."""
        self.catcher.active = active
        self.catcher.setCursor(
            Qt.CursorShape.CrossCursor if active else Qt.CursorShape.OpenHandCursor
        )

    def set_theme(self, theme: Theme) -> None:
        """Draw in other colours."""
        self._theme = theme
        self.map.set_theme(theme)
        self.marks.setPen(pg.mkPen(theme.total, width=1.5))
        pen = pg.mkPen(theme.series_color(2), width=2)
        self.line.setPen(pen)
        self.box.setPen(pen)
        self._write_labels()

    def _write_labels(self) -> None:
        """The hkl beside spots, when so few are in view that they can be read."""
        for label in self._labels:
            self.plot.removeItem(label)
        self._labels = []
        view = self.view()
        inside = (self.spots.x >= view.left) & (self.spots.x <= view.right)
        inside &= (self.spots.y >= view.top) & (self.spots.y <= view.bottom)
        if not 0 < inside.sum() <= _MOST_LABELS or not self.marks.isVisible():
            return
        for place in np.flatnonzero(inside):
            label = pg.TextItem(
                hkl_words(self.spots.hkl[place]),
                color=self._theme.text,
                anchor=(0.5, 1.35),
                fill=_veil(self._theme),
            )
            label.setPos(self.spots.x[place], self.spots.y[place])
            label.setZValue(20)
            self.plot.addItem(label, ignoreBounds=True)
            self._labels.append(label)


def _veil(theme: Theme) -> Any:
    """The background of a plot, half transparent, under text on an image."""
    color = pg.mkColor(theme.plot)
    color.setAlpha(170)
    return color


class _DragCatcher(pg.GraphicsObject):
    """Lies over the image and takes drags of the left button while a tool is active."""

    dragged = Signal(QPointF, QPointF, bool)

    def __init__(self) -> None:
        super().__init__()
        self.active = False
        self._bounds = QRectF()

    def set_size(self, shape: tuple[int, int]) -> None:
        """Cover a frame (ny, nx)."""
        self.prepareGeometryChange()
        ny, nx = shape
        self._bounds = QRectF(-0.5, -0.5, nx, ny)

    def boundingRect(self) -> QRectF:
        """The frame, in its pixels."""
        return self._bounds

    def paint(self, painter: QPainter, *_: object) -> None:
        """Nothing to be seen."""

    def mouseDragEvent(self, event: Any) -> None:
        """Tell where the drag goes; without a tool the view is moved."""
        if not self.active or event.button() != Qt.MouseButton.LeftButton:
            event.ignore()
            return
        event.accept()
        self.dragged.emit(event.buttonDownPos(), event.pos(), event.isFinish())
