"""A surface of equal density with the cell and its atoms, turned by the mouse."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import product
from typing import NamedTuple

import numpy as np
from PySide6.QtCore import QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QImage,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from gui.latest_only import LatestOnly
from gui.plots.z_buffer import Camera, render, turned
from gui.runner import Runner
from gui.theme import Theme
from ixs_core.arrays import FloatArray
from ixs_core.crystal import Crystal, cell_vectors
from ixs_core.jobs import CancelToken, Progress
from ixs_core.lattice import Lattice
from mem.isosurface import Isosurface

_START = turned(np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]]), -0.45, 0.3)
_RAD_PER_PIXEL = 0.01
_LARGEST = 700  # pixels of a picture that is rendered; larger ones are scaled up
_DRAGGED = 260  # while it is turned
_MARGIN = 0.9
_ATOM_PX = 5.0


class Atom(NamedTuple):
    """An atom as a dot: fractional position and which series colour it has."""

    position: tuple[float, float, float]
    element: int


class IsosurfaceView(QWidget):
    """Draws a surface that was computed; renders it in a worker, coarsely while it is turned.

    Signals
    -------
    turned : the user turned it or changed its size.
    """

    turned = Signal()

    def __init__(self, runner: Runner, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("density-isosurface")
        self.setAccessibleName("Isosurface: drag to turn, wheel to zoom, double-click to reset")
        self.setToolTip("Drag to turn, wheel to zoom, double-click for the first view")
        self.setMinimumSize(160, 140)
        self.setSizePolicy(self.sizePolicy().Policy.Expanding, self.sizePolicy().Policy.Expanding)
        self._theme = theme
        self._worker = LatestOnly(runner, "isosurface picture", self._take, self._fail)
        self._fine: Isosurface | None = None
        self._coarse: Isosurface | None = None
        self._lattice: Lattice | None = None
        self._atoms: tuple[Atom, ...] = ()
        self._elements: tuple[str, ...] = ()
        self._picture: QImage | None = None
        self._grip: QPoint | None = None
        self._zoom = 1.0
        self.words = ""
        self.rotation: FloatArray = _START

    # -- what is shown --------------------

    def show_surface(
        self, fine: Isosurface, coarse: Isosurface, lattice: Lattice, structure: Crystal | None
    ) -> None:
        """Show a surface; the coarse one while it is turned."""
        self._fine, self._coarse, self._lattice = fine, coarse, lattice
        self._atoms, self._elements = _atoms_of(structure)
        self.words = "" if len(fine.faces) else "nowhere is the density at this level"
        self._render()

    def show_nothing(self, words: str) -> None:
        """Show words instead."""
        self._fine = self._coarse = self._lattice = None
        self._worker.forget()
        self._picture, self._atoms = None, ()
        self.words = words
        self.update()

    @property
    def busy(self) -> bool:
        """Whether a picture is being rendered."""
        return self._worker.busy

    def set_theme(self, theme: Theme) -> None:
        """Draw in other colours."""
        self._theme = theme
        self._render()

    def sizeHint(self) -> QSize:
        """Qt: the size it would like."""
        return QSize(380, 320)

    # -- pictures --------------------

    def camera(self, width: int, height: int) -> Camera:
        """The camera for a picture of this size that shows the whole cell, before zooming."""
        assert self._lattice is not None
        vectors = cell_vectors(self._lattice)
        center = vectors.sum(axis=0) / 2
        # Fitted to the first view; the same size while it is turned.
        reach = np.abs((_corners() @ vectors - center) @ _START.T).max(axis=0)
        scale = _MARGIN * min(width / reach[0], height / reach[1]) / 2 * self._zoom
        return Camera(self.rotation, center, float(scale), (width, height))

    def _picture_size(self, largest: int) -> tuple[int, int]:
        ratio = self.devicePixelRatioF()
        width, height = max(self.width() * ratio, 2), max(self.height() * ratio, 2)
        shrink = min(1.0, largest / max(width, height))
        return int(width * shrink), int(height * shrink)

    def _render(self) -> None:
        if self._fine is None:
            self.update()
            return
        camera = self.camera(*self._picture_size(_LARGEST))
        self._worker.ask(partial(_rendered, self._fine, camera, *self._colors()))

    def _render_coarse(self) -> None:
        if self._coarse is not None:
            camera = self.camera(*self._picture_size(_DRAGGED))
            self._take(render(self._coarse, camera, *self._colors()))

    def _colors(self) -> tuple[str, str]:
        return self._theme.series_color(0), self._theme.series_color(3)

    def _take(self, picture: np.ndarray) -> None:
        if self._fine is None:
            return
        height, width, _ = picture.shape
        kind = QImage.Format.Format_RGBA8888
        self._picture = QImage(picture.tobytes(), width, height, 4 * width, kind).copy()
        self.update()

    def _fail(self, error: Exception) -> None:
        self.show_nothing(f"the surface cannot be drawn: {error}")

    def paintEvent(self, event: QPaintEvent) -> None:
        """Qt: cell, surface, atoms, names."""
        painter = QPainter(self)
        painter.setRenderHints(
            QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform
        )
        painter.fillRect(self.rect(), QColor(self._theme.plot))
        if self._lattice is not None and self._fine is not None:
            camera = self.camera(self.width(), self.height())
            self._draw_edges(painter, camera, behind=True)
            if self._picture is not None:
                painter.drawImage(QRectF(self.rect()), self._picture)
            self._draw_edges(painter, camera, behind=False)
            self._draw_atoms(painter, camera)
            self._draw_axes(painter, camera)
        if self.words:
            painter.setPen(QColor(self._theme.quiet))
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(self.rect().adjusted(12, 12, -12, -12), flags, self.words)
        painter.end()

    def _draw_edges(self, painter: QPainter, camera: Camera, behind: bool) -> None:
        """The edges at the back before the surface, those in front after it."""
        assert self._lattice is not None
        corners = _corners()
        places = camera.project(corners @ cell_vectors(self._lattice))
        farthest = int(places[:, 2].argmin())
        painter.setPen(self._theme.pen(self._theme.axis if not behind else self._theme.border))
        for i, j in _EDGES:
            if (farthest in (i, j)) == behind:
                painter.drawLine(QPointF(*places[i, :2]), QPointF(*places[j, :2]))

    def _draw_axes(self, painter: QPainter, camera: Camera) -> None:
        """Names of a, b, c beside the middle of the edges from the origin."""
        assert self._lattice is not None
        vectors = cell_vectors(self._lattice)
        middle = camera.project(vectors.sum(axis=0) / 2)[:2]
        painter.setPen(QColor(self._theme.text))
        for name, vector in zip("abc", vectors, strict=True):
            place = camera.project(vector / 2)[:2]
            away = place - middle
            place = place + 11 * away / max(float(np.hypot(*away)), 1.0)
            painter.drawText(
                QRectF(place[0] - 12, place[1] - 10, 24, 20), Qt.AlignmentFlag.AlignCenter, name
            )

    def _draw_atoms(self, painter: QPainter, camera: Camera) -> None:
        assert self._lattice is not None
        vectors = cell_vectors(self._lattice)
        for atom in self._atoms:
            x, y, _ = camera.project(np.array(atom.position) @ vectors)
            painter.setPen(QColor(self._theme.plot))
            painter.setBrush(QColor(self._atom_color(atom.element)))
            painter.drawEllipse(QPointF(x, y), _ATOM_PX / 2 + 0.5, _ATOM_PX / 2 + 0.5)
        for number, name in enumerate(self._elements):
            top = 14 + 15 * number
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(self._atom_color(number)))
            painter.drawEllipse(QPointF(12, top), _ATOM_PX / 2 + 1, _ATOM_PX / 2 + 1)
            painter.setPen(QColor(self._theme.text))
            painter.drawText(QPointF(20, top + 4), name)

    def _atom_color(self, number: int) -> str:
        colors = (self._theme.total, self._theme.series_color(2), self._theme.series_color(1))
        return colors[number % len(colors)]

    # -- the mouse --------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Qt: a picture of the new size."""
        super().resizeEvent(event)
        self._render()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Qt: take hold."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._grip = event.position().toPoint()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Qt: turn."""
        if self._grip is None or self._lattice is None:
            return
        way = event.position().toPoint() - self._grip
        self._grip = event.position().toPoint()
        self.rotation = turned(self.rotation, way.x() * _RAD_PER_PIXEL, way.y() * _RAD_PER_PIXEL)
        self._render_coarse()
        self.turned.emit()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Qt: let go, and draw it finely."""
        if self._grip is not None:
            self._grip = None
            self._render()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Qt: back to the first view."""
        self.rotation, self._zoom = _START, 1.0
        self._render()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Qt: larger or smaller."""
        self._zoom = float(np.clip(self._zoom * 1.0015 ** event.angleDelta().y(), 0.3, 8.0))
        self._render()
        self.turned.emit()
        event.accept()


def _rendered(
    surface: Isosurface,
    camera: Camera,
    outside: str,
    inside: str,
    *,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> np.ndarray:
    """In a worker."""
    return render(surface, camera, outside, inside)


def _corners() -> FloatArray:
    return np.array(list(product((0.0, 1.0), repeat=3)))


def _edges() -> list[tuple[int, int]]:
    corners = _corners()
    pairs = [(i, j) for i in range(8) for j in range(i)]
    return [(i, j) for i, j in pairs if np.abs(corners[i] - corners[j]).sum() == 1]


_EDGES = _edges()


def _atoms_of(structure: Crystal | None) -> tuple[tuple[Atom, ...], tuple[str, ...]]:
    """The atoms of the cell, those on its faces on both of them, and the elements."""
    if structure is None:
        return (), ()
    elements: Sequence[str] = tuple(dict.fromkeys(structure.atoms.elements))
    found = []
    for position, element in zip(structure.atoms.position, structure.atoms.elements, strict=True):
        inside = position % 1.0
        inside[inside > 1 - 1e-4] = 0.0
        choices = [(x, x + 1) if x < 1e-4 else (x,) for x in inside.tolist()]
        for x, y, z in product(*choices):
            found.append(Atom((x, y, z), elements.index(element)))
    return tuple(found), tuple(elements)
