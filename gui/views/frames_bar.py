"""The two bars of the tab Frames: which frame, and how it is shown."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QHBoxLayout,
    QLabel,
    QSlider,
    QSpinBox,
    QToolButton,
    QWidget,
)

from gui.models.frames_content import SHARES
from gui.plots.map_plot import COLORMAPS
from gui.views.named import button, check_box, choice, named

KEPT = "kept"
"""The choice of levels that stay when another frame is shown."""


class StepBar(QWidget):
    """Open, step, sum, maximum.

    Signals
    -------
    open_wanted, reload_wanted, cancel_wanted
    step_wanted : int
    frame_wanted : int, a number from 0.
    combination_wanted : (str, int, int), "sum" or "maximum", first and last from 0.
    """

    open_wanted = Signal()
    reload_wanted = Signal()
    cancel_wanted = Signal()
    step_wanted = Signal(int)
    frame_wanted = Signal(int)
    combination_wanted = Signal(str, int, int)

    def __init__(self) -> None:
        super().__init__()
        self.open = button("frames-open", "Open…", "Open a frame or a series")
        self.reload = button("frames-reload", "Read again", "Look for new frames (F5)")
        self.previous = button("frames-previous", "◀ Previous", "The frame before (Page up)")
        self.next = button("frames-next", "Next ▶", "The frame after (Page down)")
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setObjectName("frames-slider")
        self.slider.setAccessibleName("Frame of the series")
        self.slider.setMinimumWidth(80)
        self.number = _spin("frames-number", "Number of the frame")
        self.total = QLabel("of 0")
        self.first = _spin("frames-first", "First frame of the sum or maximum")
        self.last = _spin("frames-last", "Last frame of the sum or maximum")
        self.sum = button("frames-sum", "Sum", "Add these frames, pixel by pixel")
        self.maximum = button(
            "frames-maximum", "Maximum", "The largest value of each pixel in these frames"
        )
        self.cancel = button("frames-cancel", "Cancel", "Stop the sum or maximum (Esc)")
        self._lay_out()
        self._connect()
        self.show_series(0)
        self.show_place(0, 0, False)

    def _lay_out(self) -> None:
        layout = QHBoxLayout(self)
        layout.setContentsMargins(6, 4, 6, 0)
        layout.setSpacing(6)
        for widget in (self.open, self.reload, self.previous):
            layout.addWidget(widget)
        layout.addWidget(self.slider, 1)
        layout.addWidget(self.next)
        layout.addWidget(QLabel("Frame"))
        layout.addWidget(self.number)
        layout.addWidget(self.total)
        layout.addSpacing(12)
        layout.addWidget(QLabel("Frames"))
        layout.addWidget(self.first)
        layout.addWidget(QLabel("to"))
        layout.addWidget(self.last)
        for each in (self.sum, self.maximum, self.cancel):
            layout.addWidget(each)

    def _connect(self) -> None:
        self.open.clicked.connect(self.open_wanted)
        self.reload.clicked.connect(self.reload_wanted)
        self.previous.clicked.connect(lambda: self.step_wanted.emit(-1))
        self.next.clicked.connect(lambda: self.step_wanted.emit(1))
        self.slider.valueChanged.connect(self.frame_wanted)
        self.number.valueChanged.connect(lambda value: self.frame_wanted.emit(value - 1))
        self.sum.clicked.connect(lambda: self._combine("sum"))
        self.maximum.clicked.connect(lambda: self._combine("maximum"))
        self.cancel.clicked.connect(self.cancel_wanted)

    def _combine(self, how: str) -> None:
        first, last = sorted((self.first.value() - 1, self.last.value() - 1))
        self.combination_wanted.emit(how, first, last)

    def show_series(self, number: int) -> None:
        """Another series with so many frames; 0 for none."""
        many = number > 1
        with QSignalBlocker(self.slider), QSignalBlocker(self.number):
            self.slider.setRange(0, max(0, number - 1))
            for spin in (self.number, self.first, self.last):
                spin.setRange(min(1, number), number)
        self.first.setValue(1)
        self.last.setValue(number)
        self.total.setText(f"of {number}")
        self.reload.setEnabled(number > 0)
        for widget in (self.slider, self.number, self.first, self.last, self.sum, self.maximum):
            widget.setEnabled(many)

    def show_place(self, place: int, number: int, combining: bool) -> None:
        """The frame that was asked for, from 0; nothing is told."""
        with QSignalBlocker(self.slider), QSignalBlocker(self.number):
            self.slider.setValue(place)
            self.number.setValue(place + 1)
        self.previous.setEnabled(place > 0)
        self.next.setEnabled(place + 1 < number)
        self.cancel.setEnabled(combining)


class DisplayBar(QWidget):
    """Colours, view, tools, spots.

    Signals
    -------
    colors_changed : scale, levels or colour map are others.
    tool_changed : str: "move", "line" or "box".
    whole_wanted, true_size_wanted, radial_wanted
    spots_changed : bool
    width_changed : int, of the line in pixels.
    """

    colors_changed = Signal()
    tool_changed = Signal(str)
    whole_wanted = Signal()
    true_size_wanted = Signal()
    radial_wanted = Signal()
    spots_changed = Signal(bool)
    width_changed = Signal(int)

    def __init__(self, colormap: str) -> None:
        super().__init__()
        self.scale = choice("frames-scale", "Scale of the colours", ("logarithmic", "linear"))
        self.levels = choice("frames-levels", "Upper end of the colours", (*SHARES, KEPT))
        self.levels.setCurrentText("99.9 %")
        self.levels.setToolTip(
            "The share of all pixels that is not above the brightest colour; “kept”: the ends "
            "stay as they are for all frames, as after dragging them in the histogram"
        )
        self.colormap = choice("frames-colormap", "Colour map", COLORMAPS)
        self.colormap.setCurrentText(colormap)
        self.tools = QButtonGroup(self)
        self.move_tool = self._tool("Move", "move", "Drag moves the image; the wheel zooms")
        self.line_tool = self._tool("Line", "line", "Drag a line: the profile along it")
        self.box_tool = self._tool("Box", "box", "Drag a box: the sum of its counts")
        self.move_tool.setChecked(True)
        self.line_width = _spin("frames-width", "Width of the line in pixels")
        self.line_width.setRange(1, 501)
        self.line_width.setSuffix(" px wide")
        self.radial = button(
            "frames-radial", "Around the beam", "Mean counts by distance from the beam centre"
        )
        self.spots = check_box("frames-spots", "hkl spots", "Mark the predicted hkl spots")
        self.spots.setChecked(True)
        self.whole = button("frames-whole", "Show all", "Show the whole frame (Home)")
        self.true_size = button("frames-true-size", "1:1", "A pixel of the screen for each pixel")
        self._lay_out()
        self._connect()

    def _tool(self, text: str, name: str, tip: str) -> QToolButton:
        tool = named(QToolButton(), f"frames-tool-{name}", tip)
        tool.setText(text)
        tool.setCheckable(True)
        tool.setAutoRaise(True)  # so that the chosen one stands out
        tool.toggled.connect(lambda on: self.tool_changed.emit(name) if on else None)
        self.tools.addButton(tool)
        return tool

    def _lay_out(self) -> None:
        layout = QHBoxLayout(self)
        layout.setContentsMargins(6, 0, 6, 4)
        layout.setSpacing(6)
        layout.addWidget(QLabel("Colours"))
        layout.addWidget(self.scale)
        layout.addWidget(QLabel("up to"))
        layout.addWidget(self.levels)
        layout.addWidget(self.colormap)
        layout.addSpacing(12)
        layout.addWidget(QLabel("Drag"))
        for widget in (self.move_tool, self.line_tool, self.line_width, self.box_tool):
            layout.addWidget(widget)
        layout.addWidget(self.radial)
        layout.addSpacing(12)
        layout.addWidget(self.spots)
        layout.addStretch(1)
        layout.addWidget(self.whole)
        layout.addWidget(self.true_size)

    def _connect(self) -> None:
        self.scale.currentTextChanged.connect(lambda _: self.colors_changed.emit())
        self.levels.currentTextChanged.connect(lambda _: self.colors_changed.emit())
        self.colormap.currentTextChanged.connect(lambda _: self.colors_changed.emit())
        self.radial.clicked.connect(self.radial_wanted)
        self.spots.toggled.connect(self.spots_changed)
        self.whole.clicked.connect(self.whole_wanted)
        self.true_size.clicked.connect(self.true_size_wanted)
        self.line_width.valueChanged.connect(self.width_changed)

    @property
    def log(self) -> bool:
        """Whether the scale is logarithmic."""
        return self.scale.currentText() == "logarithmic"

    @property
    def share(self) -> float | None:
        """The share of pixels up to the upper end; None when the ends are kept."""
        return SHARES.get(self.levels.currentText())

    def keep_levels(self) -> None:
        """The ends were set by hand; nothing is told."""
        with QSignalBlocker(self.levels):
            self.levels.setCurrentText(KEPT)

    def show_reasons(self, no_spots: str, no_beam: str) -> None:
        """What cannot be had, and why; empty: it can."""
        self.spots.setEnabled(not no_spots)
        self.spots.setToolTip(no_spots or "Reflections that the header's orientation predicts")
        self.radial.setEnabled(not no_beam)
        self.radial.setToolTip(no_beam or "Mean counts by distance from the beam centre")


def _spin(name: str, tip: str) -> QSpinBox:
    spin = named(QSpinBox(), name, tip)
    spin.setKeyboardTracking(False)
    return spin
