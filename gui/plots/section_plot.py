"""A section of a density in Å: map, contours, atoms, the outline of the cells, a path on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QObject, QPointF, Qt, Signal
from PySide6.QtGui import QFont

from gui.models.density_drawn import Cut, Lines, Scale, contour_lines
from gui.plots.axes import make_plot, set_title
from gui.plots.map_plot import ColorScale, Levels, MapPlot
from gui.plots.path_handles import PathHandles
from gui.theme import Theme
from ixs_core.arrays import FloatArray
from mem.section import SectionSite
from mem.section_levels import HIGHEST_E_A3, LOWEST_E_A3, difference_reach

LABELS: dict[Scale, str] = {
    "log": "ρ (e/Å³)",
    "linear": "ρ (e/Å³)",
    "difference": "Δρ (e/Å³)",
}
_COLOR_SCALES: dict[Scale, ColorScale] = {
    "log": "log",
    "linear": "linear",
    "difference": "diverging",
}
_SNAP_PX = 9.0
_NEAR_LINE_PX = 8.0
_INNER = 0.9  # of the extent, within which names have room on the right
_SAME_PLACE_A = 0.25  # atoms behind each other share one label


@dataclass(frozen=True)
class SectionLook:
    """What all sections side by side have in common.

    Parameters
    ----------
    scale : "log", "linear" or "difference"
    levels : Levels
        Ends of the colours in e/Å³.
    colormap : str
    """

    scale: Scale = "log"
    levels: Levels = field(default_factory=lambda: Levels(LOWEST_E_A3, HIGHEST_E_A3))
    colormap: str = "viridis"


def common_levels(cuts: Sequence[Cut], scale: Scale) -> Levels:
    """The same levels for all sections that are shown."""
    if scale == "log":
        return Levels(LOWEST_E_A3, HIGHEST_E_A3)
    if scale == "linear":
        return Levels(0.0, HIGHEST_E_A3)
    reach = difference_reach(np.concatenate([cut.section.values.ravel() for cut in cuts]))
    return Levels(-reach, reach)


class SectionPlot(QObject):
    """One section.

    Signals
    -------
    clicked : (3,) fractional point, at once an atom's when one is near.
    line_double_clicked : (int, (3,) fractional point)
        On the path, before the corner of this number.
    corner_moved : (int, (3,) fractional point)
    corner_released : the drag has ended.
    corner_removal_asked : int
    hovered : str, the place and density under the cursor.
    """

    clicked = Signal(object)
    line_double_clicked = Signal(int, object)
    corner_moved = Signal(int, object)
    corner_released = Signal()
    corner_removal_asked = Signal(int)
    hovered = Signal(str)

    def __init__(self, theme: Theme, *, with_bar: bool = True) -> None:
        super().__init__()
        self._theme = theme
        self.plot = make_plot(theme, "Å", "Å")
        box = self.plot.getViewBox()
        box.setAspectLocked(True)
        box.sigRangeChangedManually.connect(self._on_zoom)
        box.sigResized.connect(self._on_resize)
        self._whole = True
        self.map = MapPlot(self.plot, theme, LABELS["log"])
        if not with_bar:
            self.plot.layout.removeItem(self.map.bar)
            self.map.bar.hide()
        self._contours = self._curve(10)
        self._negative = self._curve(10)
        self._outline = self._curve(5)
        self._level = self._curve(12)
        self._atoms = pg.ScatterPlotItem(symbol="+", size=9, pxMode=True)
        self._atoms.setZValue(20)
        self._marker = pg.ScatterPlotItem(symbol="o", size=9, pxMode=True)
        self._marker.setZValue(45)
        self.plot.addItem(self._atoms)
        self.plot.addItem(self._marker)
        self._names: list[pg.TextItem] = []
        self.handles = PathHandles(self.plot, theme)
        self.handles.moved.connect(self._on_moved)
        self.handles.released.connect(self.corner_released)
        self.handles.removal_asked.connect(self.corner_removal_asked)
        self._cut: Cut | None = None
        self._title = ""
        self._look = SectionLook()
        self._path: FloatArray = np.empty((0, 3))
        self._extent: tuple[float, ...] = ()
        self.set_theme(theme)

    def _curve(self, z: float) -> pg.PlotCurveItem:
        curve = pg.PlotCurveItem()
        curve.setZValue(z)
        self.plot.addItem(curve)
        return curve

    # -- what is shown --------------------

    @property
    def cut(self) -> Cut | None:
        """The section that is shown."""
        return self._cut

    def show_cut(self, cut: Cut, look: SectionLook, level: float, title: str) -> None:
        """Show another section; the zoom stays while it has the same extent."""
        self._cut, self._look = cut, look
        section = cut.section
        self.map.set_colormap(look.colormap)
        self.map.set_map(
            section.u, section.v, section.values, _COLOR_SCALES[look.scale], look.levels
        )
        self.map.bar.getAxis("left").setLabel(LABELS[look.scale])
        self.plot.getAxis("bottom").setLabel(f"{section.u_label or 'u'} (Å)")
        self.plot.getAxis("left").setLabel(f"{section.v_label or 'v, at right angles'} (Å)")
        self._title = title
        set_title(self.plot, title, self._theme)
        for curve, lines in (
            (self._contours, cut.contours),
            (self._negative, cut.negative),
            (self._outline, cut.outline),
        ):
            _set_lines(curve, lines)
        self._pens()
        self._show_atoms()
        self.show_level(level)
        self.show_path(self._path)
        extent = (len(section.u), len(section.v), float(section.u[-1]), float(section.v[-1]))
        if extent != self._extent:
            self._extent = extent
            self.show_all()

    def show_level(self, level: float) -> None:
        """Mark the contour of the isosurface's level."""
        if self._cut is not None:
            _set_lines(self._level, contour_lines(self._cut.section, [level]))

    def show_path(self, points: FloatArray) -> None:
        """Show the corners (m, 3) of a path, fractional."""
        self._path = points
        if self._cut is not None:
            self.handles.show(self._cut.section.places(self._cut.lattice, points.reshape(-1, 3)))

    def mark(self, point: FloatArray | None) -> None:
        """Mark a fractional point, or nothing."""
        if point is None or self._cut is None:
            self._marker.setData([], [])
            return
        u, v, _ = self._cut.section.places(self._cut.lattice, point)
        self._marker.setData([u], [v])

    def show_all(self) -> None:
        """The whole section."""
        self._whole = True
        if self._cut is not None:
            self.map.show_all()

    def _on_zoom(self, *_: object) -> None:
        self._whole = False

    def _on_resize(self, *_: object) -> None:
        """The whole section stays whole when the widget gets another size."""
        if self._whole:
            self.show_all()

    def set_theme(self, theme: Theme) -> None:
        """Draw in other colours."""
        self._theme = theme
        self.map.set_theme(theme)
        self.map.bar.getAxis("left").labelStyle = {"color": theme.axis, "font-size": "9pt"}
        self.map.bar.getAxis("left").setTextPen(theme.axis)
        self.handles.set_theme(theme)
        self._marker.setPen(pg.mkPen("#ffffff"))
        self._marker.setBrush(theme.highlight)
        set_title(self.plot, self._title, theme)
        self._pens()
        self._show_atoms()

    def _pens(self) -> None:
        """Lines on the map: its colours are the same in both themes, and so are these."""
        signed = self._look.scale == "difference"
        ink = "#000000" if signed else "#ffffff"
        self._contours.setPen(pg.mkPen(pg.mkColor(ink + "90"), width=1))
        dashed = pg.mkPen(pg.mkColor(ink + "90"), width=1, style=Qt.PenStyle.DashLine)
        self._negative.setPen(dashed)
        self._outline.setPen(pg.mkPen(pg.mkColor(ink + "b0"), width=1, style=Qt.PenStyle.DotLine))
        self._level.setPen(pg.mkPen(self._theme.series_color(2), width=2))

    def _show_atoms(self) -> None:
        for name in self._names:
            self.plot.removeItem(name)
        self._names.clear()
        sites = self._cut.sites if self._cut is not None else ()
        self._atoms.setData([site.u for site in sites], [site.v for site in sites])
        self._atoms.setPen(pg.mkPen("#000000", width=1.4))
        if self._cut is None:
            return
        fill = pg.mkColor(self._theme.plot)
        fill.setAlpha(150)
        section = self._cut.section
        right, top = (
            float(axis[0] + _INNER * (axis[-1] - axis[0])) for axis in (section.u, section.v)
        )
        for u, v, text in _labels(sites):
            # Names at the right and upper edge go inward.
            anchor = (1.1 if u > right else -0.15, -0.1 if v > top else 1.05)
            name = pg.TextItem(text, color=self._theme.text, anchor=anchor, fill=fill)
            name.setFont(_small_font())
            name.setZValue(21)
            name.setPos(u, v)
            self.plot.addItem(name, ignoreBounds=True)
            self._names.append(name)

    # -- the mouse --------------------

    def contains(self, scene: QPointF) -> bool:
        """Whether a point of the scene is in this section's area."""
        return bool(self.plot.getViewBox().sceneBoundingRect().contains(scene))

    def click(self, scene: QPointF, *, double: bool, draws: bool) -> None:
        """A click in the area, at a point of the scene."""
        if self._cut is None:
            return
        place = self.plot.getViewBox().mapSceneToView(scene)
        u, v = float(place.x()), float(place.y())
        segment = self._segment_at(u, v)
        if double and not draws and segment is not None:
            self.line_double_clicked.emit(segment + 1, self._point(u, v, self._height(segment)))
        elif draws and not double:
            self.clicked.emit(self._point(u, v, 0.0))

    def hover(self, scene: QPointF) -> None:
        """The cursor is at a point of the scene."""
        if self._cut is None:
            return
        place = self.plot.getViewBox().mapSceneToView(scene)
        section = self._cut.section
        u, v = float(place.x()), float(place.y())
        inside = section.u[0] <= u <= section.u[-1] and section.v[0] <= v <= section.v[-1]
        if not inside:
            self.hovered.emit("")
            return
        x, y, z = section.fractional(self._cut.lattice, [u, v, 0.0])
        i, j = (int(np.abs(axis - at).argmin()) for axis, at in ((section.u, u), (section.v, v)))
        what = "Δρ" if self._look.scale == "difference" else "ρ"
        value = f"{section.values[i, j]:.4g}"
        text = f"x y z = {x:.4f} {y:.4f} {z:.4f}   {what} = {value} e/Å³"
        self.hovered.emit(text.replace("-", "−"))

    def _point(self, u: float, v: float, height: float) -> FloatArray:
        """The fractional point at a place: that of an atom, when one is near."""
        assert self._cut is not None
        for site in self._cut.sites:
            if np.hypot(*self._pixels(site.u - u, site.v - v)) <= _SNAP_PX:
                u, v, height = site.u, site.v, site.height_angstrom
                break
        return self._cut.section.fractional(self._cut.lattice, [u, v, height])

    def _pixels(self, du: float, dv: float) -> tuple[float, float]:
        width, height = self.plot.getViewBox().viewPixelSize()
        return du / width, dv / height

    def _segment_at(self, u: float, v: float) -> int | None:
        """The stretch of the path under a place."""
        corners = [np.array(corner.pos()) for corner in self.handles.corners]
        for number in range(len(corners) - 1):
            start, way = corners[number], corners[number + 1] - corners[number]
            share = np.dot([u, v] - start, way) / max(float(way @ way), 1e-12)
            nearest = start + np.clip(share, 0, 1) * way
            if np.hypot(*self._pixels(u - nearest[0], v - nearest[1])) <= _NEAR_LINE_PX:
                return number
        return None

    def _height(self, corner: int) -> float:
        """Above the plane, in Å, of a corner."""
        assert self._cut is not None
        return float(self._cut.section.places(self._cut.lattice, self._path[corner])[2])

    def _on_moved(self, corner: int, u: float, v: float) -> None:
        if self._cut is not None and corner < len(self._path):
            self.corner_moved.emit(corner, self._point(u, v, self._height(corner)))


def _small_font() -> QFont:
    font = QFont()
    font.setPointSize(8)
    return font


def _labels(sites: Sequence[SectionSite]) -> list[tuple[float, float, str]]:
    """Names of atoms by place; those behind each other in one label."""
    found: list[tuple[float, float, list[str]]] = []
    for site in sites:
        for u, v, names in found:
            if np.hypot(site.u - u, site.v - v) < _SAME_PLACE_A:
                if site.label not in names:
                    names.append(site.label)
                break
        else:
            found.append((site.u, site.v, [site.label]))
    return [(u, v, ", ".join(names)) for u, v, names in found]


def _set_lines(curve: pg.PlotCurveItem, lines: Lines) -> None:
    if lines.x.size:
        curve.setData(lines.x, lines.y, connect=lines.joined)
    else:
        curve.setData([], [])
