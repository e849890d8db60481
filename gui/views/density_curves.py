"""The lower part of the tab Density: profile with its words, and residuals."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtWidgets import QLabel, QScrollArea, QStackedLayout, QVBoxLayout, QWidget

from gui.models.density_choices import PathChoice
from gui.models.density_drawn import DrawnProfile
from gui.models.density_words import NO_PATH, path_words
from gui.plots.axes import make_canvas
from gui.plots.profile_plot import ProfileLook, ProfilePlot
from gui.plots.residual_plots import ResidualPlots
from gui.theme import Theme
from mem.density_result import DensityResult

_NO_RESIDUALS = (
    "No residuals: they belong to a density that was reconstructed from structure factors "
    "(`ixs mem`, or Reconstruct on the left)."
)


class ProfileArea(QWidget):
    """A profile, and below it what may be said of it.

    Signals
    -------
    level_moved, level_released, hovered
        As those of `ProfilePlot`.
    """

    level_moved = Signal(float)
    level_released = Signal()
    hovered = Signal(object, str)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.canvas = make_canvas(theme)
        self.canvas.setObjectName("density-profile")
        self.canvas.setAccessibleName("Profile of the density along the path")
        self.profile = ProfilePlot(theme)
        self.canvas.addItem(self.profile.plot)
        self.words = QLabel(NO_PATH)
        self.words.setObjectName("density-path-words")
        self.words.setAccessibleName("What may be said of the profile")
        self.words.setWordWrap(True)
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        scroll = QScrollArea()
        scroll.setWidget(self.words)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(scroll.Shape.NoFrame)
        scroll.setFixedHeight(4 * self.fontMetrics().lineSpacing() + 4)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2, 0, 2, 0)
        layout.setSpacing(2)
        layout.addWidget(self.canvas, 1)
        layout.addWidget(scroll)
        self.profile.level_moved.connect(self.level_moved)
        self.profile.level_released.connect(self.level_released)
        self.profile.hovered.connect(self.hovered)
        self.canvas.scene().sigMouseMoved.connect(self._on_hover)

    def show_profiles(
        self, profiles: Sequence[DrawnProfile], look: ProfileLook, path: PathChoice | None
    ) -> None:
        """Show profiles with their words."""
        self.profile.show_profiles(profiles, look)
        known = path is not None and profiles
        self.words.setText(path_words(profiles, path) if known and path is not None else NO_PATH)

    def set_theme(self, theme: Theme) -> None:
        """Draw in other colours."""
        self.canvas.setBackground(theme.plot)
        self.profile.set_theme(theme)

    def _on_hover(self, place: QPointF) -> None:
        self.profile.hover(place)


class ResidualArea(QWidget):
    """Residuals, or words why there are none.

    Signals
    -------
    hovered : str
    """

    hovered = Signal(str)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.canvas = make_canvas(theme)
        self.canvas.setObjectName("density-residuals")
        self.canvas.setAccessibleName("Residuals of the structure factors")
        self.residuals = ResidualPlots(theme)
        self.canvas.addItem(self.residuals.distribution, 0, 0)
        self.canvas.addItem(self.residuals.against_d, 0, 1)
        self.words = QLabel(_NO_RESIDUALS)
        self.words.setObjectName("density-residuals-words")
        self.words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.words.setWordWrap(True)
        self.words.setMargin(16)
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self.words)
        self._stack.addWidget(self.canvas)
        self.residuals.hovered.connect(self.hovered)
        self.canvas.scene().sigMouseMoved.connect(self.residuals.hover)

    def show_result(self, result: DensityResult | None) -> None:
        """Show the residuals of a result."""
        self.residuals.show_result(result)
        known = self.residuals.histogram is not None
        self._stack.setCurrentWidget(self.canvas if known else self.words)

    def set_theme(self, theme: Theme) -> None:
        """Draw in other colours."""
        self.canvas.setBackground(theme.plot)
        self.residuals.set_theme(theme)
