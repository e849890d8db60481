"""Light and dark: palettes for widgets, colours and dashes for drawings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPalette, QPen
from PySide6.QtWidgets import QApplication

ThemeName = Literal["light", "dark"]

_DASHES = (
    Qt.PenStyle.SolidLine,
    Qt.PenStyle.DashLine,
    Qt.PenStyle.DotLine,
    Qt.PenStyle.DashDotLine,
    Qt.PenStyle.DashDotDotLine,
)


@dataclass(frozen=True)
class Theme:
    """The colours of a theme.

    Parameters
    ----------
    name : "light" or "dark"
    window, base, raised, text, quiet, border, highlight : str
        Of widgets: window, fields, buttons, text, secondary text, lines, selection.
    plot, axis, grid, data, total : str
        Of drawings: background, axes and labels, grid, measured points, sum of a model.
    good, warning, error : str
        Of states; never the only sign of one.
    series : tuple of str
        Lines of components and branches (Okabe and Ito), told apart by dashes as well.
    """

    name: ThemeName
    window: str
    base: str
    raised: str
    text: str
    quiet: str
    border: str
    highlight: str
    plot: str
    axis: str
    grid: str
    data: str
    total: str
    good: str
    warning: str
    error: str
    series: tuple[str, ...]

    def pen(self, color: str, width: float = 1.0, dash: int = 0) -> QPen:
        """A pen; width 1 draws several times faster than wider ones."""
        return pg.mkPen(color, width=width, style=_DASHES[dash % len(_DASHES)])

    def series_pen(self, index: int, width: float = 1.0) -> QPen:
        """The pen of the line with a 0-based number: own colour, own dash."""
        return self.pen(self.series_color(index), width, index // 2)

    def series_color(self, index: int) -> str:
        """The colour of the line with a 0-based number."""
        return self.series[index % len(self.series)]

    @property
    def style_sheet(self) -> str:
        """Outlines of empty boxes, which Fusion draws too dark to be seen on a dark window."""
        return (
            "QCheckBox::indicator:unchecked, QAbstractItemView::indicator:unchecked {"
            f"border: 1px solid {self.quiet}; background: {self.base};"
            "width: 11px; height: 11px; }"
        )

    def palette(self) -> QPalette:
        """The palette of the widgets, for the style Fusion."""
        palette = QPalette()
        role = QPalette.ColorRole
        for place, color in {
            role.Window: self.window,
            role.WindowText: self.text,
            role.Base: self.base,
            role.AlternateBase: self.window,
            role.Text: self.text,
            role.PlaceholderText: self.quiet,
            role.Button: self.raised,
            role.ButtonText: self.text,
            role.BrightText: self.error,
            role.Highlight: self.highlight,
            role.HighlightedText: "#ffffff",
            role.ToolTipBase: self.raised,
            role.ToolTipText: self.text,
            role.Link: self.highlight,
            role.Light: self.raised,
            role.Midlight: self.border,
            role.Mid: self.border,
            role.Dark: self.border,
            role.Shadow: "#000000",
        }.items():
            palette.setColor(place, QColor(color))
        for place in (role.Text, role.ButtonText, role.WindowText):
            palette.setColor(QPalette.ColorGroup.Disabled, place, QColor(self.quiet))
        return palette


LIGHT = Theme(
    name="light",
    window="#f3f3f2",
    base="#ffffff",
    raised="#fbfbfa",
    text="#1d1d1b",
    quiet="#6b6b68",
    border="#c9c9c6",
    highlight="#0a63a8",
    plot="#ffffff",
    axis="#3a3a38",
    grid="#dcdcda",
    data="#222222",
    total="#D55E00",
    good="#00734f",
    warning="#9a5b00",
    error="#b3261e",
    series=("#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7a5195", "#666666"),
)
DARK = Theme(
    name="dark",
    window="#232529",
    base="#1a1b1e",
    raised="#2d3035",
    text="#e8e8e6",
    quiet="#9b9d9f",
    border="#45484d",
    highlight="#2f81c7",
    plot="#1a1b1e",
    axis="#c9cacb",
    grid="#34373b",
    data="#e2e2e0",
    total="#ff8a3d",
    good="#38b58b",
    warning="#e2a03f",
    error="#ff7b72",
    series=("#56B4E9", "#2fc59a", "#e59ac6", "#F0B429", "#9ad2f5", "#b99cf0", "#a8a8a8"),
)
THEMES: dict[str, Theme] = {"light": LIGHT, "dark": DARK}


def apply_theme(application: QApplication, theme: Theme) -> None:
    """Give all widgets the colours of a theme, unless they have them: it takes its time."""
    if application.styleSheet() != theme.style_sheet:
        application.setStyle("Fusion")
        application.setPalette(theme.palette())
        application.setStyleSheet(theme.style_sheet)
