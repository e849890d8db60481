"""The dock on the left: scans with their analyzers, and how far each has come."""

from __future__ import annotations

from PySide6.QtCore import (
    QAbstractItemModel,
    QModelIndex,
    QPersistentModelIndex,
    QRectF,
    Qt,
)
from PySide6.QtGui import QColor, QIcon, QPainter, QPen, QPixmap
from PySide6.QtWidgets import QAbstractItemView, QDockWidget, QTreeView

from gui.models.document import Document, SpectrumId
from gui.models.project_model import ProjectModel
from gui.theme import Theme

_Index = QModelIndex | QPersistentModelIndex
_NO_INDEX = QModelIndex()
_Role = Qt.ItemDataRole


class ProjectDock(QDockWidget):
    """The tree of the project; what is clicked becomes the current spectrum."""

    def __init__(self, project: ProjectModel, theme: Theme) -> None:
        super().__init__("Project")
        self.setObjectName("project-dock")
        self._project = project
        self.tree = QTreeView()
        self.tree.setObjectName("project-tree")
        self.tree.setAccessibleName("Scans and analyzers of the project")
        self.tree.setHeaderHidden(True)
        self.tree.setUniformRowHeights(True)
        self.tree.setTextElideMode(Qt.TextElideMode.ElideMiddle)  # the number is at the end
        self.tree.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.items = ProjectTree(project, theme)
        self.tree.setModel(self.items)
        self.setWidget(self.tree)
        project.opened.connect(self._rebuild)
        project.contents_changed.connect(self._rebuild)
        project.document_changed.connect(self._refresh)
        project.failures_changed.connect(lambda: self.items.layoutChanged.emit())
        project.selected.connect(self._follow)
        self.tree.selectionModel().currentChanged.connect(self._on_current)

    def set_theme(self, theme: Theme) -> None:
        """Draw the icons in other colours."""
        self.items.set_theme(theme)

    def _rebuild(self) -> None:
        expanded = {
            self.items.keys[row]
            for row in range(len(self.items.keys))
            if self.tree.isExpanded(self.items.index(row, 0))
        }
        self.items.rebuild()
        for row, key in enumerate(self.items.keys):
            if key in expanded:
                self.tree.expand(self.items.index(row, 0))
        if self._project.current is not None:
            self._follow(self._project.current)

    def _refresh(self, before: Document, now: Document) -> None:
        if before.fits is not now.fits or before.masks is not now.masks:
            self.items.layoutChanged.emit()

    def _follow(self, which: SpectrumId) -> None:
        index = self.items.index_of(which)
        if index.isValid() and index != self.tree.currentIndex():
            self.tree.setCurrentIndex(index)

    def _on_current(self, index: QModelIndex, _: QModelIndex) -> None:
        which = self.items.spectrum_at(index)
        if which is not None:
            self._project.select(which)


class ProjectTree(QAbstractItemModel):
    """Scans, and under each its analyzers; nothing of a scan is read to show it."""

    def __init__(self, project: ProjectModel, theme: Theme) -> None:
        super().__init__()
        self._project = project
        self._icons = _icons(theme)
        self.keys: tuple[str, ...] = ()

    def rebuild(self) -> None:
        """Show other contents."""
        self.beginResetModel()
        self.keys = self._project.contents.scans
        self.endResetModel()

    def set_theme(self, theme: Theme) -> None:
        """Draw the icons in other colours."""
        self._icons = _icons(theme)
        self.layoutChanged.emit()

    def spectrum_at(self, index: _Index) -> SpectrumId | None:
        """The spectrum of a row; of a scan its first one."""
        if not index.isValid():
            return None
        key = self._key_of(index)
        names = self._project.contents.analyzers.get(key, ())
        row = index.row() if index.internalId() else 0
        return SpectrumId(key, names[row]) if row < len(names) else None

    def index_of(self, which: SpectrumId) -> QModelIndex:
        """The row of a spectrum; invalid when it is not there."""
        names = self._project.contents.analyzers.get(which.key, ())
        if which.key not in self.keys or which.analyzer not in names:
            return QModelIndex()
        parent = self.index(self.keys.index(which.key), 0)
        return self.index(names.index(which.analyzer), 0, parent)

    # Rows of scans have the internal number 0, those of analyzers that of their scan plus one.

    def index(self, row: int, column: int, parent: _Index = _NO_INDEX) -> QModelIndex:
        """Qt: the index of a row."""
        if not self.hasIndex(row, column, parent):
            return QModelIndex()
        return self.createIndex(row, column, parent.row() + 1 if parent.isValid() else 0)

    def parent(self, index: _Index = _NO_INDEX) -> QModelIndex:  # type: ignore[override]
        """Qt: the scan of an analyzer."""
        if not index.isValid() or not index.internalId():
            return QModelIndex()
        return self.createIndex(int(index.internalId()) - 1, 0, 0)

    def rowCount(self, parent: _Index = _NO_INDEX) -> int:
        """Qt: how many rows are below one."""
        if not parent.isValid():
            return len(self.keys)
        if parent.internalId():
            return 0
        return len(self._project.contents.analyzers.get(self.keys[parent.row()], ()))

    def columnCount(self, parent: _Index = _NO_INDEX) -> int:
        """Qt: one column."""
        return 1

    def data(self, index: _Index, role: int = _Role.DisplayRole) -> object:
        """Qt: text, icon and explanation of a row."""
        if not index.isValid():
            return None
        if not index.internalId():
            return self._of_scan(self._key_of(index), role)
        which = self.spectrum_at(index)
        return self._of_spectrum(which, role) if which is not None else None

    def _key_of(self, index: _Index) -> str:
        number = int(index.internalId())
        return self.keys[number - 1 if number else index.row()]

    def _of_scan(self, key: str, role: int) -> object:
        contents = self._project.contents
        if role == _Role.DisplayRole:
            names = contents.analyzers.get(key, ())
            return f"{key}  ({len(names)})" if names else f"{key}  (raw)"
        if role == _Role.ToolTipRole:
            number = len(contents.fitted.get(key, ()))
            return f"{key}: {len(contents.analyzers.get(key, ()))} spectra, {number} fitted"
        return None

    def _of_spectrum(self, which: SpectrumId, role: int) -> object:
        state = self._state(which)
        if role == _Role.DisplayRole:
            return which.analyzer + ("  masked" if state == "masked" else "")
        if role == _Role.DecorationRole:
            return self._icons[state]
        if role == _Role.ToolTipRole:
            reason = self._project.failures.get(which, "") if state == "failed" else ""
            return f"{which.key} {which.analyzer}: {state}" + (f", {reason}" if reason else "")
        return None

    def _state(self, which: SpectrumId) -> str:
        if self._project.is_masked(which):
            return "masked"
        if which in self._project.failures:
            return "failed"
        return "fitted" if self._project.is_fitted(which) else "reduced"


def _icons(theme: Theme) -> dict[str, QIcon]:
    """A sign for each state: own shape and own colour."""
    drawn = {
        "reduced": ("○", theme.quiet),
        "fitted": ("●", theme.good),
        "failed": ("✕", theme.error),
        "masked": ("–", theme.quiet),
    }
    icons = {}
    for state, (text, color) in drawn.items():
        icons[state] = QIcon(_sign(text, color))
        # White on the chosen row, where a filled dot keeps its colour within a rim: a white one
        # looks like the hollow one.
        chosen = _sign(text, "#ffffff") if text != "●" else _dot(color)
        icons[state].addPixmap(chosen, QIcon.Mode.Selected)
    return icons


def _dot(color: str) -> QPixmap:
    pixmap = QPixmap(32, 32)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor("#ffffff"), 3))
    painter.setBrush(QColor(color))
    painter.drawEllipse(QRectF(7, 7, 18, 18))
    painter.end()
    return pixmap


def _sign(text: str, color: str) -> QPixmap:
    pixmap = QPixmap(32, 32)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    font = painter.font()
    font.setPixelSize(26)
    painter.setFont(font)
    painter.setPen(QColor(color))
    painter.drawText(pixmap.rect(), Qt.AlignmentFlag.AlignCenter, text)
    painter.end()
    return pixmap
