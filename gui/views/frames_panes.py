"""The parts of the tab Frames and where they lie: image left; header, histogram, profile right."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QDoubleValidator
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QSplitter, QVBoxLayout, QWidget

from gui.models.frames_content import LoadedFrame
from gui.plots.axes import make_canvas, make_plot, style_plot
from gui.plots.frame_histogram import FrameHistogram
from gui.plots.frame_image import FrameImage
from gui.plots.plot_note import PlotNote
from gui.theme import Theme
from gui.views.frames_bar import DisplayBar, StepBar
from gui.views.frames_header import HeaderPane
from gui.views.frames_profile import ProfilePane


class FramePanes(QWidget):
    """All widgets of the tab.

    Signals
    -------
    levels_typed : (float, float)
        Ends of the colours as they were typed.
    """

    levels_typed = Signal(float, float)

    def __init__(self, theme: Theme, colormap: str) -> None:
        super().__init__()
        self.steps, self.display = StepBar(), DisplayBar(colormap)
        self.header, self.profile = HeaderPane(), ProfilePane(theme)
        self.title = QLabel("")
        self.title.setObjectName("frames-title")
        self.title.setTextFormat(Qt.TextFormat.PlainText)
        self.title.setContentsMargins(8, 2, 8, 0)
        self.canvas = make_canvas(theme)
        self.canvas.setObjectName("frames-image")
        self.canvas.setAccessibleName("Detector image")
        plot = make_plot(theme, "x (pixel)", "y (pixel)")
        self.canvas.addItem(plot)
        self.image = FrameImage(plot, theme, self)
        self.image.map.set_colormap(colormap)
        self.note = PlotNote(plot, theme)
        self.histogram_canvas = make_canvas(theme)
        self.histogram_canvas.setObjectName("frames-histogram")
        self.histogram_canvas.setAccessibleName("Histogram with the ends of the colours")
        histogram = make_plot(theme, "Counts of a pixel", "Pixels")
        self.histogram_canvas.addItem(histogram)
        self.histogram = FrameHistogram(histogram, theme, self)
        self.low = self._level("frames-low", "Counts of the darkest colour")
        self.high = self._level("frames-high", "Counts of the brightest colour")
        self._lay_out()

    def _level(self, name: str, tip: str) -> QLineEdit:
        field = QLineEdit()
        field.setObjectName(name)
        field.setAccessibleName(tip)
        field.setToolTip(tip)
        field.setValidator(QDoubleValidator())
        field.setMaximumWidth(110)
        field.editingFinished.connect(self._on_typed)
        return field

    def _lay_out(self) -> None:
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.title)
        column.addWidget(self.canvas, 1)
        right = QSplitter(Qt.Orientation.Vertical)
        self._colors = self._with_levels()
        for part in (self.header, self._colors, self.profile):
            right.addWidget(part)
        right.setSizes([300, 210, 210])
        right.setChildrenCollapsible(False)
        middle = QSplitter(Qt.Orientation.Horizontal)
        middle.addWidget(left)
        middle.addWidget(right)
        middle.setStretchFactor(0, 3)
        middle.setStretchFactor(1, 2)
        middle.setSizes([700, 430])
        middle.setChildrenCollapsible(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.steps)
        layout.addWidget(self.display)
        layout.addWidget(middle, 1)

    def _with_levels(self) -> QWidget:
        """The histogram, and its two ends as numbers."""
        part = QWidget()
        row = QHBoxLayout()
        row.setContentsMargins(8, 0, 8, 0)
        for widget in (QLabel("Colours from"), self.low, QLabel("to"), self.high):
            row.addWidget(widget)
        row.addWidget(QLabel("counts"))
        row.addStretch(1)
        column = QVBoxLayout(part)
        column.setContentsMargins(0, 2, 0, 2)
        column.setSpacing(2)
        column.addLayout(row)
        column.addWidget(self.histogram_canvas, 1)
        return part

    def _on_typed(self) -> None:
        try:
            low, high = float(self.low.text()), float(self.high.text())
        except ValueError:
            return
        if high > low and (self.low.isModified() or self.high.isModified()):
            self.levels_typed.emit(low, high)

    def show_levels(self, levels: tuple[float, float]) -> None:
        """Write the ends of the colours; nothing is told."""
        for field, value in zip((self.low, self.high), levels, strict=True):
            with QSignalBlocker(field):
                field.setText(f"{value:.6g}")

    def show_loaded(self, loaded: LoadedFrame | None) -> None:
        """Show title and header of a frame; without one only its bars."""
        there = loaded is not None
        self.image.set_visible(there)
        self._colors.setVisible(there)
        self.profile.setVisible(there)
        self.display.setEnabled(there)
        self.header.show_frame(loaded.frame if loaded is not None else None)
        if loaded is None:
            self.title.setText("")
            return
        self.note.set_text("")
        single = loaded.label.startswith("frame")
        note = "" if single else "   (the header is that of the first)"
        self.title.setText(f"{loaded.frame.path.name}   {loaded.label}{note}")
        of = "" if single else f", {loaded.label}"
        self.image.set_label(f"Counts{of}")

    def say(self, text: str) -> None:
        """Say in the place of the image what is missing."""
        self.note.set_text(text)

    def set_theme(self, theme: Theme) -> None:
        """Draw in other colours."""
        for canvas in (self.canvas, self.histogram_canvas):
            canvas.setBackground(theme.plot)
        style_plot(self.histogram.plot, theme)
        self.image.set_theme(theme)
        self.histogram.set_theme(theme)
        self.profile.set_theme(theme)
        self.note.set_theme(theme)
