"""What there is to say of a fit, and the earlier fits that can be looked at and taken over."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from gui.models.fit_inputs import Version
from gui.models.fit_report import Words
from gui.theme import Theme

_SIGNS = {"plain": "·", "good": "●", "warning": "▲", "error": "✕"}


class WordsPanel(QWidget):
    """Lines of words above, the list of earlier fits below.

    Signals
    -------
    version_chosen : Version or None, to be laid over the present fit.
    version_wanted : Version, to be taken over.
    """

    version_chosen = Signal(object)
    version_wanted = Signal(object)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.theme = theme
        self._words: Sequence[Words] = ()
        self._earlier: Sequence[Words] = ()
        self._versions: tuple[Version, ...] = ()
        self.text = QTextBrowser()
        self.text.setObjectName("fit-words")
        self.text.setAccessibleName("What there is to say of this fit")
        self.versions = QComboBox()
        self.versions.setObjectName("fit-history")
        self.versions.setAccessibleName("Earlier fits of this scan in the project")
        self.versions.setToolTip("Lay an earlier fit over this one (dashed)")
        self.versions.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.versions.setMinimumContentsLength(12)
        self.take = QPushButton("Take over")
        self.take.setObjectName("fit-take-over")
        self.take.setAccessibleName("Take the chosen earlier fit over")
        self.take.setToolTip("Make the chosen earlier fit the present one (can be undone)")
        row = QHBoxLayout()
        row.addWidget(QLabel("Compare"))
        row.addWidget(self.versions, 1)
        row.addWidget(self.take)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.text, 1)
        layout.addLayout(row)
        self.versions.activated.connect(lambda _: self.version_chosen.emit(self.chosen))
        self.take.clicked.connect(lambda: self.version_wanted.emit(self.chosen))
        self.show_versions(())

    @property
    def chosen(self) -> Version | None:
        """The version chosen in the list."""
        place = self.versions.currentIndex() - 1
        return self._versions[place] if 0 <= place < len(self._versions) else None

    def show_words(self, words: Sequence[Words]) -> None:
        """Say other things of the present fit."""
        self._words = words
        self._write()

    def show_earlier(self, words: Sequence[Words]) -> None:
        """Say things of the fit laid over; none takes them away."""
        self._earlier = words
        self.take.setEnabled(bool(words))
        self._write()

    def show_versions(self, versions: tuple[Version, ...]) -> None:
        """List the fits that the project keeps of a scan."""
        self._versions = versions
        self.versions.clear()
        self.versions.addItem("with no earlier fit" if versions else "no fits in the project")
        self.versions.addItems([version.text for version in versions])
        self.versions.setEnabled(bool(versions))
        self.show_earlier(())

    def set_theme(self, theme: Theme) -> None:
        """Write in other colours."""
        self.theme = theme
        self._write()

    def _write(self) -> None:
        lines = [self._line(words) for words in self._words]
        if self._earlier:
            lines.append("<p style='margin:6px 0 1px 0'><b>Earlier fit (dashed)</b></p>")
            lines += [self._line(words) for words in self._earlier]
        bar = self.text.verticalScrollBar()
        place = bar.value()
        self.text.setHtml("".join(lines))
        bar.setValue(place)

    def _line(self, words: Words) -> str:
        colors = {
            "plain": self.theme.text,
            "good": self.theme.good,
            "warning": self.theme.warning,
            "error": self.theme.error,
        }
        return (
            f"<p style='margin:1px 0; color:{colors[words.grade]}'>"
            f"{_SIGNS[words.grade]} {escape(words.text)}</p>"
        )
