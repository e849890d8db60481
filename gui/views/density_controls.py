"""The rows of controls of the tab Density: they tell and show, and decide nothing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QSlider,
    QWidget,
)

from gui.models.density_choices import PathChoice, PlaneChoice
from gui.models.density_entries import DensityEntry
from gui.plots.profile_plot import ProfileLook
from gui.views.named import button, check_box, choice, named, toggle

_TICKS_PER_A = 100
_TICKS_PER_DECADE = 100
_LEVEL_RANGE = (1e-3, 1e3)
EXPORTS = ("section", "profile", "residuals")


class PlaneRow(QWidget):
    """Which plane, and how the section is drawn.

    Signals
    -------
    plane_chosen : (str, str), plane and the place it contains.
    offset_moved : float, Å; several in a row during a drag.
    offset_released : the drag has ended.
    look_changed : scale, or the other density.
    """

    plane_chosen = Signal(str, str)
    offset_moved = Signal(float)
    offset_released = Signal()
    look_changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.plane = _line("density-plane", "Plane: h k l, or three points", 90)
        self.plane.setToolTip('Miller indices "0 1 0", or three points "x y z : x y z : x y z"')
        self.through = _line("density-through", "Point or site in the plane", 90)
        self.through.setToolTip('A point "0 0.5 0" or a site "Cu1" that the plane contains')
        for field in (self.plane, self.through):
            field.editingFinished.connect(self._on_plane)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setObjectName("density-offset-slider")
        self.slider.setAccessibleName("Offset of the plane along its normal")
        self.slider.setMinimumWidth(90)
        self.slider.valueChanged.connect(self._on_slider)
        self.slider.sliderReleased.connect(self.offset_released)
        self.offset = _number("density-offset", "Offset of the plane in Å", -99, 99, 2, " Å")
        self.offset.setSingleStep(0.05)
        self.offset.valueChanged.connect(self._on_offset)
        self.scale = choice("density-scale", "Scale of the colours", ("log", "linear"))
        self.scale.addItem("difference")
        self.other = choice("density-other", "Density that is taken off")
        self.other.setMaximumWidth(190)
        self.other_label = QLabel("minus")
        for box in (self.scale, self.other):
            box.currentIndexChanged.connect(lambda _: self.look_changed.emit())
        _row(
            self,
            *(QLabel("Plane"), self.plane, QLabel("through"), self.through),
            *(QLabel("offset"), self.slider, self.offset),
            *(QLabel("Colours"), self.scale, self.other_label, self.other),
        )
        self.show_others((), "")

    def show_plane(self, plane: PlaneChoice, reach: float) -> None:
        """Show a plane, with the slider's range in Å."""
        for field, text in ((self.plane, plane.plane), (self.through, plane.through)):
            if (field.text() != text and not field.hasFocus()) or not field.isModified():
                field.setText(text)
        self.through.setEnabled(plane.by_miller)
        with QSignalBlocker(self.slider), QSignalBlocker(self.offset):
            ticks = max(int(np.ceil(reach * _TICKS_PER_A)), 1)
            self.slider.setRange(-ticks, ticks)
            if not self.slider.isSliderDown():
                self.slider.setValue(round(plane.offset * _TICKS_PER_A))
            self.offset.setValue(plane.offset)

    def show_others(self, entries: Sequence[DensityEntry], current: str) -> None:
        """Show which densities can be taken off the one that is shown."""
        chosen = self.other.currentData()
        others = [entry for entry in entries if entry.id != current]
        with QSignalBlocker(self.other):
            self.other.clear()
            for entry in others:
                self.other.addItem(entry.name, entry.id)
            index = self.other.findData(chosen)
            self.other.setCurrentIndex(max(index, 0) if others else -1)
        shown = self.scale.currentText() == "difference"
        self.other.setVisible(shown)
        self.other_label.setVisible(shown)

    def _on_plane(self) -> None:
        if self.plane.isModified() or self.through.isModified():
            self.plane.setModified(False)
            self.through.setModified(False)
            self.plane_chosen.emit(self.plane.text().strip(), self.through.text().strip())

    def _on_slider(self, ticks: int) -> None:
        self.offset_moved.emit(ticks / _TICKS_PER_A)
        if not self.slider.isSliderDown():
            self.offset_released.emit()

    def _on_offset(self, value: float) -> None:
        self.offset_moved.emit(value)
        self.offset_released.emit()


class PathRow(QWidget):
    """Which path, and how much of the section is shown.

    Signals
    -------
    path_chosen : PathChoice, one of those offered.
    path_typed : str
    drawing_toggled : bool
    removal_asked : no path is wanted.
    section_changed : cells, or side by side.
    whole_asked : the whole drawings.
    """

    path_chosen = Signal(object)
    path_typed = Signal(str)
    drawing_toggled = Signal(bool)
    removal_asked = Signal()
    section_changed = Signal()
    whole_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.path = QComboBox()
        self.path.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.path.setObjectName("density-path")
        self.path.setAccessibleName("Path of the profile")
        self.path.setToolTip("Cu: between neighbours; Cu1 : I2: the shortest; or points")
        self.path.setMinimumWidth(200)
        self.path.activated.connect(self._on_chosen)
        self._text = QLineEdit()
        self._text.returnPressed.connect(self._on_typed)
        self.path.setLineEdit(self._text)
        self.draw = toggle(
            "density-draw", "Draw path", "Draw a path by clicking its corners on the section"
        )
        self.draw.setToolTip(
            "Click the corners on the section; double-click or press again to end (key D)"
        )
        self.draw.toggled.connect(self.drawing_toggled)
        self.clear = button("density-path-remove", "Remove", "Remove the path")
        self.clear.clicked.connect(lambda: self.removal_asked.emit())
        self.cells = choice("density-cells", "Cells shown", ("fill", "1", "2", "3"))
        self.cells.setToolTip("Cells of the plane along both axes; fill: a wide picture")
        self.together = check_box(
            "density-together",
            "All side by side",
            "All reconstructions side by side with the same levels",
        )
        self.cells.currentIndexChanged.connect(lambda _: self.section_changed.emit())
        self.together.toggled.connect(lambda _: self.section_changed.emit())
        self.whole = button("density-whole", "Show all", "Show the whole of both (Home)")
        self.whole.clicked.connect(self.whole_asked)
        _row(
            self,
            *(QLabel("Path"), self.path, self.draw, self.clear),
            *(QLabel("Cells"), self.cells, self.together, self.whole),
            stretch=1,
        )

    def show_paths(self, offered: Sequence[PathChoice], current: PathChoice | None) -> None:
        """Show the paths on offer, and the one that is shown."""
        with QSignalBlocker(self.path):
            self.path.clear()
            for path in offered:
                self.path.addItem(path.kind, path)
            index = next((i for i, path in enumerate(offered) if path == current), -1)
            self.path.setCurrentIndex(index)
            if index < 0:
                text = "" if current is None else current.text if current.drawn else current.kind
                self.path.setEditText(text)
        self._text.setCursorPosition(0)
        self.clear.setEnabled(current is not None)

    def _on_chosen(self, index: int) -> None:
        path = self.path.itemData(index)
        if isinstance(path, PathChoice) and self.path.currentText() == path.kind:
            self.path_chosen.emit(path)

    def _on_typed(self) -> None:
        text = self.path.currentText().strip()
        index = self.path.findText(text)
        if text and index < 0:
            self.path_typed.emit(text)
        elif index >= 0:
            self.path_chosen.emit(self.path.itemData(index))


class ProfileRow(QWidget):
    """How the profile is drawn, and what Ctrl+E exports.

    Signals
    -------
    look_changed
    """

    look_changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        units = ("relative to the peak", "e/Å³")
        self.unit = choice("density-profile-unit", "Unit of the profile", units)
        self.scale = choice("density-profile-scale", "Scale of the profile", ("log", "linear"))
        for box in (self.unit, self.scale):
            box.currentIndexChanged.connect(lambda _: self.look_changed.emit())
        self.export = choice("density-export", "What Ctrl+E exports", EXPORTS)
        _row(
            self,
            *(QLabel("Profile"), self.unit, self.scale),
            *(QLabel("Ctrl+E exports"), self.export, QWidget()),
            stretch=5,
        )

    @property
    def look(self) -> ProfileLook:
        """How the profile is to be drawn."""
        return ProfileLook(self.unit.currentIndex() == 0, self.scale.currentText() == "log")


class _LevelBox(QDoubleSpinBox):
    """A level with four digits, however small it is."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("density-level")
        self.setAccessibleName("Level of the isosurface in e/Å³")
        self.setDecimals(6)
        self.setRange(0, 1e4)
        self.setSuffix(" e/Å³")
        self.setKeyboardTracking(False)

    def textFromValue(self, value: float) -> str:
        """Qt: the text of a value."""
        return f"{value:.4g}"


class LevelRow(QWidget):
    """The level of the isosurface.

    Signals
    -------
    level_moved : float, e/Å³; several in a row during a drag.
    level_released : the drag has ended.
    """

    level_moved = Signal(float)
    level_released = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setObjectName("density-level-slider")
        self.slider.setAccessibleName("Level of the isosurface, logarithmic")
        low, high = (round(np.log10(end) * _TICKS_PER_DECADE) for end in _LEVEL_RANGE)
        self.slider.setRange(low, high)
        self.slider.valueChanged.connect(self._on_slider)
        self.slider.sliderReleased.connect(self.level_released)
        self.level = _LevelBox()
        self.level.setStepType(QDoubleSpinBox.StepType.AdaptiveDecimalStepType)
        self.level.valueChanged.connect(self._on_level)
        _row(self, QLabel("Isosurface at"), self.slider, self.level)

    def show_level(self, level: float, highest: float) -> None:
        """Show a level, and the highest that makes sense."""
        with QSignalBlocker(self.slider), QSignalBlocker(self.level):
            top = np.log10(max(highest, 2 * _LEVEL_RANGE[0]))
            self.slider.setMaximum(int(np.ceil(top * _TICKS_PER_DECADE)))
            if not self.slider.isSliderDown():
                ticks = np.log10(max(level, _LEVEL_RANGE[0])) * _TICKS_PER_DECADE
                self.slider.setValue(round(float(ticks)))
            self.level.setValue(level)

    def _on_slider(self, ticks: int) -> None:
        self.level_moved.emit(float(f"{10 ** (ticks / _TICKS_PER_DECADE):.3g}"))
        if not self.slider.isSliderDown():
            self.level_released.emit()

    def _on_level(self, value: float) -> None:
        if value > 0:
            self.level_moved.emit(value)
            self.level_released.emit()


def _line(name: str, words: str, width: int) -> QLineEdit:
    field = named(QLineEdit(), name, words)
    field.setMinimumWidth(width // 2)
    field.setMaximumWidth(2 * width)
    return field


def _number(
    name: str, words: str, low: float, high: float, decimals: int, suffix: str
) -> QDoubleSpinBox:
    box = named(QDoubleSpinBox(), name, words)
    box.setDecimals(decimals)
    box.setRange(low, high)
    box.setSuffix(suffix)
    box.setKeyboardTracking(False)
    return box


def _row(row: QWidget, *widgets: QWidget, stretch: int = -1) -> None:
    layout = QHBoxLayout(row)
    layout.setContentsMargins(4, 2, 4, 2)
    layout.setSpacing(5)
    for number, widget in enumerate(widgets):
        wide = isinstance(widget, QSlider) or number == stretch
        layout.addWidget(widget, 1 if wide else 0)
