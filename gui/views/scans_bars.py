"""The bars of the tab Scans: where scans come from, and how their spectra are shown."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from gui.models.grid_scale import CountScale
from gui.theme import Theme
from gui.views.named import button, check_box, choice


class SourceBar(QWidget):
    """Add scans, watch a folder, and what the watcher does."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.add = button(
            "scans-add", "Add scans…", "Reduce files of scans into the project (or drop them here)"
        )
        self.watch = button(
            "scans-watch",
            "Watch folder…",
            "Follow a folder while scans are measured (or drop it here)",
        )
        self.fit = check_box(
            "scans-watch-fit", "Fit while watching", "Fit scans as their points arrive"
        )
        self.follow = check_box(
            "scans-follow", "Follow newest", "Show the scan that is measured as soon as it begins"
        )
        self.follow.setChecked(True)
        self.state = QLabel("")
        self.state.setObjectName("scans-watch-state")
        self.state.setAccessibleName("State of the watcher")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(6, 4, 6, 2)
        for widget in (self.add, self.watch, self.fit, self.follow):
            layout.addWidget(widget)
        layout.addSpacing(8)
        layout.addWidget(self.state, 1)
        self.set_theme(theme)

    def set_theme(self, theme: Theme) -> None:
        """Colour the state."""
        self.state.setStyleSheet(f"color: {theme.good}")

    def show_watch(self, text: str, *, active: bool) -> None:
        """Whether a folder is followed, and how it goes."""
        self.watch.setText("Stop watching" if active else "Watch folder…")
        self.watch.setAccessibleName("Stop watching" if active else "Watch folder")
        self.state.setText(f"●  {text}" if active else text)
        self.state.setToolTip(text)

    def allow_fit(self, *, allowed: bool) -> None:
        """Fits need resolutions; without them the box says where they come from."""
        self.fit.setEnabled(allowed)
        self.fit.setToolTip(
            "Fit scans as their points arrive, with the project's resolutions"
            if allowed
            else "The project has no resolutions: drop a file of `ixs resolution` here"
        )


class GridBar(QWidget):
    """What is shown above the grid, and how.

    Signals
    -------
    scale_changed : CountScale
    """

    scale_changed = Signal(object)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.title = QLabel("")
        self.title.setObjectName("scans-title")
        self.title.setAccessibleName("The scan that is shown")
        self.axis = choice("scans-log", "Scale of counts (L)", ("Linear", "Logarithmic"))
        self.common = choice(
            "scans-common", "One scale for each panel or all (Y)", ("Own scales", "Common scale")
        )
        self.whole = check_box(
            "scans-whole",
            "Whole elastic line",
            "Scale up to the top of the elastic line instead of the phonons",
        )
        self.mask_button = button(
            "scans-mask", "Mask", "Leave the chosen analyzers out of fits (M)"
        )
        layout = QHBoxLayout(self)
        layout.setContentsMargins(6, 2, 6, 0)
        layout.addWidget(self.title, 1)
        for widget in (self.axis, self.common, self.whole, self.mask_button):
            layout.addWidget(widget)
        self.axis.currentIndexChanged.connect(self._tell)
        self.common.currentIndexChanged.connect(self._tell)
        self.whole.toggled.connect(self._tell)
        self.set_theme(theme)

    def set_theme(self, theme: Theme) -> None:
        """The title in the colour of text."""
        self.title.setStyleSheet(f"color: {theme.text}; font-weight: bold")

    @property
    def scale(self) -> CountScale:
        """How counts are to be scaled."""
        return CountScale(
            log=self.axis.currentIndex() == 1,
            common=self.common.currentIndex() == 1,
            whole=self.whole.isChecked(),
        )

    def toggle_log(self) -> None:
        """Linear or logarithmic, the other one."""
        self.axis.setCurrentIndex(1 - self.axis.currentIndex())

    def toggle_common(self) -> None:
        """Own or common scales, the other one."""
        self.common.setCurrentIndex(1 - self.common.currentIndex())

    def _tell(self) -> None:
        self.whole.setEnabled(self.axis.currentIndex() == 0)
        self.scale_changed.emit(self.scale)
