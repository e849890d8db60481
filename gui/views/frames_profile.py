"""The profile along a line or around the beam, or the sum of a box, below the header."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from gui.models.frames_selection import Measured
from gui.plots.axes import make_canvas, make_plot, style_plot
from gui.theme import Theme

_NOTHING = (
    "No profile yet. Choose Line or Box above and drag over the image, or press “Around the beam”."
)


class ProfilePane(QWidget):
    """A curve of counts per pixel, and words."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.words = QLabel(_NOTHING)
        self.words.setObjectName("frames-profile-words")
        self.words.setWordWrap(True)
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.words.setContentsMargins(6, 0, 6, 4)
        self.canvas = make_canvas(theme)
        self.canvas.setObjectName("frames-profile")
        self.canvas.setAccessibleName("Profile of counts")
        self.plot = make_plot(theme, "Along the line (pixel)", "Counts per pixel")
        self.canvas.addItem(self.plot)
        self.curve = pg.PlotCurveItem(connect="finite")
        self.plot.addItem(self.curve)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.canvas, 1)
        layout.addWidget(self.words)
        self.measured: Measured | None = None
        self.set_theme(theme)
        self.show_measured(None)

    def show_measured(self, measured: Measured | None) -> None:
        """Show what was measured; None: nothing was."""
        before = self.measured.axis if self.measured is not None else ""
        self.measured = measured
        profile = measured.profile if measured is not None else None
        self.words.setText(measured.words if measured is not None else _NOTHING)
        self.canvas.setVisible(profile is not None)
        if profile is None or measured is None:
            self.curve.setData([], [])
            return
        self.curve.setData(profile.position, profile.value)
        if measured.axis != before:
            self.plot.getAxis("bottom").setLabel(measured.axis)
        known = profile.value[np.isfinite(profile.value)]
        high = float(known.max()) if known.size else 1.0
        low = min(0.0, float(known.min())) if known.size else 0.0
        self.plot.setRange(
            xRange=(float(profile.position[0]), float(profile.position[-1])),
            yRange=(low, high if high > low else low + 1.0),
            padding=0.02,
        )

    def show_failure(self, text: str) -> None:
        """Say why there is nothing."""
        self.show_measured(None)
        self.words.setText(text)

    def set_theme(self, theme: Theme) -> None:
        """Draw in other colours."""
        self.canvas.setBackground(theme.plot)
        style_plot(self.plot, theme)
        self.curve.setPen(theme.pen(theme.data))
