"""What the user chooses on the tab Dispersion: scans, line, calculation, scale; and the layers."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QPainter, QPen, QPixmap, QPolygonF
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from gui.models.dispersion_layers import Layers
from gui.plots.map_plot import COLORMAPS
from gui.theme import Theme
from gui.views.named import choice

SCALES = {"log": "log", "linear": "linear"}
EXPORTS = ("export maps", "export points", "export branches")

_WORDS = {
    "points": ("fitted ± σ", "Fitted energies with their standard errors"),
    "widths": ("FWHM", "Broad bars as long as the fitted FWHM: not an error"),
    "limits": ("95 % limit", "Arrows: upper limits of widths that the data do not tell from zero"),
    "overdamped": ("overdamped", "Diamonds: overdamped modes"),
    "uncertain": (
        "uncertain",
        "Hollow: error above 20 %, or a fit that misses its data",
    ),
    "branches": ("branches", "Lines: calculated branches along this line (`ixs sqe --path`)"),
    "predicted": (
        "predicted",
        "Dashes: modes predicted at each spectrum's own Q (`ixs sqe --at`), faint where weak",
    ),
}


class ChoicesBar(QWidget):
    """Scans, line in Q, what is calculated, scale and colours.

    Signals
    -------
    scans_chosen, line_chosen, source_chosen : int
        Places in the lists that were set.
    look_changed : another scale or other colours.
    """

    scans_chosen = Signal(int)
    line_chosen = Signal(int)
    source_chosen = Signal(int)
    look_changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(6, 4, 6, 2)
        self.scans = _combo("dispersion-scans", "Scans and temperature", 120)
        self.line = _combo("dispersion-line", "Line in Q", 140)
        self.source = _combo("dispersion-source", "What is calculated", 120)
        self.scale = _combo("dispersion-scale", "Scale of the colours", 70)
        self.scale.addItems(list(SCALES))
        self.colors = _combo("dispersion-colors", "Colour map", 80)
        self.colors.addItems(list(COLORMAPS))
        for text, box, stretch in (
            ("Scans", self.scans, 4),
            ("Along", self.line, 5),
            ("Calculated", self.source, 3),
            ("Colours", self.scale, 0),
            ("", self.colors, 0),
        ):
            if text:
                layout.addWidget(QLabel(text))
            layout.addWidget(box, stretch)
        self.scans.activated.connect(self.scans_chosen)
        self.line.activated.connect(self.line_chosen)
        self.source.activated.connect(self.source_chosen)
        self.scale.activated.connect(lambda _: self.look_changed.emit())
        self.colors.activated.connect(lambda _: self.look_changed.emit())


class ButtonsBar(QWidget):
    """Wipe, show all, and what is exported.

    Signals
    -------
    wipe_toggled : bool
    whole_wanted : show everything again.
    """

    wipe_toggled = Signal(bool)
    whole_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 6, 2)
        self.wipe = QToolButton()
        self.wipe.setText("Wipe")
        self.wipe.setCheckable(True)
        self.wipe.setToolTip(
            "Scans left, calculated right of a line in the first map; drag the line (W)"
        )
        self.whole = QToolButton()
        self.whole.setText("Show all")
        self.whole.setToolTip("Show the whole of maps and points (Home)")
        for button, name in ((self.wipe, "dispersion-wipe"), (self.whole, "dispersion-whole")):
            button.setObjectName(name)
            button.setAccessibleName(button.text())
        self.exported = _combo(
            "dispersion-export", "What Ctrl+E exports: maps, points or branches", 110
        )
        self.exported.addItems(list(EXPORTS))
        for widget in (self.wipe, self.whole, self.exported):
            layout.addWidget(widget)
        self.wipe.toggled.connect(self.wipe_toggled)
        self.whole.clicked.connect(lambda _: self.whole_wanted.emit())


def fill(box: QComboBox, texts: Sequence[str], current: int) -> None:
    """Offer other choices without telling that one was chosen."""
    box.blockSignals(True)
    if [box.itemText(i) for i in range(box.count())] != list(texts):
        box.clear()
        for text in texts:
            box.addItem(text)
            box.setItemData(box.count() - 1, text, Qt.ItemDataRole.ToolTipRole)
    box.setCurrentIndex(current)
    box.setEnabled(bool(texts))
    box.blockSignals(False)


class LayersBar(QWidget):
    """The legend; every entry shows or hides its layer.

    Signals
    -------
    changed : Layers
    """

    changed = Signal(object)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(6, 0, 6, 2)
        layout.setSpacing(18)  # a box is nearer to its own sign than to the words before
        self.boxes: dict[str, QCheckBox] = {}
        for name in Layers.names():
            text, words = _WORDS[name]
            box = QCheckBox(text)
            box.setObjectName(f"dispersion-layer-{name}")
            box.setAccessibleName(words)
            box.setToolTip(words)
            box.setChecked(True)
            box.setIconSize(QSize(24, 14))
            box.toggled.connect(lambda _: self.changed.emit(self.layers))
            layout.addWidget(box)
            self.boxes[name] = box
        layout.addStretch(1)
        self.set_theme(theme)

    @property
    def layers(self) -> Layers:
        """What is to be seen."""
        return Layers(**{name: box.isChecked() for name, box in self.boxes.items()})

    def set_theme(self, theme: Theme) -> None:
        """Draw the signs in other colours."""
        for name, box in self.boxes.items():
            box.setIcon(_sign(name, theme))


def _combo(name: str, words: str, least: int) -> QComboBox:
    box = choice(name, words)
    box.setMinimumWidth(least)
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(6)
    box.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    return box


_SIGN = (48, 28)  # twice its size, so that it stays sharp on fine screens


def _sign(name: str, theme: Theme) -> QIcon:
    """The sign of a layer as the panels draw it."""
    pixmap = QPixmap(*_SIGN)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    color = QColor(theme.quiet if name == "uncertain" else theme.series_color(0))
    if name in ("branches", "predicted"):
        color = QColor(theme.data)
    painter.setPen(QPen(color, 2.5))
    _SIGNS[name](painter, color)
    painter.end()
    return QIcon(pixmap)


def _dot(painter: QPainter, color: QColor) -> None:
    painter.drawLine(24, 2, 24, 26)
    painter.setBrush(color)
    painter.drawEllipse(QPointF(24, 14), 6, 6)


def _bar(painter: QPainter, color: QColor) -> None:
    color.setAlpha(110)
    painter.fillRect(18, 2, 12, 24, color)


def _arrow(painter: QPainter, color: QColor) -> None:
    painter.drawLine(16, 4, 32, 4)
    painter.drawLine(24, 4, 24, 18)
    painter.setBrush(color)
    painter.drawPolygon(QPolygonF([QPointF(18, 16), QPointF(30, 16), QPointF(24, 26)]))


def _diamond(painter: QPainter, color: QColor) -> None:
    painter.setBrush(color)
    corners = [QPointF(24, 4), QPointF(33, 14), QPointF(24, 24), QPointF(15, 14)]
    painter.drawPolygon(QPolygonF(corners))


def _ring(painter: QPainter, color: QColor) -> None:
    painter.drawEllipse(QPointF(24, 14), 8, 8)


def _line(painter: QPainter, color: QColor) -> None:
    painter.drawPolyline(QPolygonF([QPointF(4, 22), QPointF(24, 10), QPointF(44, 6)]))


def _dash(painter: QPainter, color: QColor) -> None:
    painter.drawLine(12, 8, 36, 8)
    color.setAlpha(110)
    painter.setPen(QPen(color, 2.5))
    painter.drawLine(12, 20, 36, 20)


_SIGNS = {
    "points": _dot,
    "widths": _bar,
    "limits": _arrow,
    "overdamped": _diamond,
    "uncertain": _ring,
    "branches": _line,
    "predicted": _dash,
}
