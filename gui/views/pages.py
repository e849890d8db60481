"""The tabs of the window, each made when it is first needed: the window opens at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from PySide6.QtWidgets import QTabWidget, QVBoxLayout, QWidget

from gui.theme import Theme
from gui.views.tab import Desk, Tab


class Pages(Mapping[str, Tab]):
    """Tabs by their names, in their order; one that is asked for is made.

    Parameters
    ----------
    kinds : sequence of Tab classes
    desk : Desk
    theme : Theme
    on_made : callable
        Called with each tab when it is made.
    """

    def __init__(
        self,
        kinds: Sequence[type[Tab]],
        desk: Desk,
        theme: Theme,
        on_made: Callable[[Tab], None],
    ) -> None:
        self.kinds = {kind.name: kind for kind in kinds}
        self.made: dict[str, Tab] = {}
        self._desk = desk
        self._theme = theme
        self._on_made = on_made
        self.widget = QTabWidget()
        self.widget.setObjectName("tabs")
        self.widget.setAccessibleName("Tabs")
        self.widget.setDocumentMode(True)
        self._rooms: dict[str, QVBoxLayout] = {}
        for kind in kinds:
            room = QWidget()
            self._rooms[kind.name] = QVBoxLayout(room)
            self._rooms[kind.name].setContentsMargins(0, 0, 0, 0)
            self.widget.addTab(room, kind.title)
        self.widget.currentChanged.connect(lambda _: self.current)

    def __getitem__(self, name: str) -> Tab:
        if name not in self.made:
            page = self.kinds[name](self._desk, self._theme)
            self.made[name] = page
            self._on_made(page)
            self._rooms[name].addWidget(page)
            page.show()  # at once where its room is seen, not with the next turn of the loop
        return self.made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.kinds)

    def __len__(self) -> int:
        return len(self.kinds)

    @property
    def current(self) -> Tab:
        """The tab in front."""
        return self[list(self.kinds)[self.widget.currentIndex()]]

    def show(self, name: str) -> None:
        """Bring a tab to the front."""
        self.widget.setCurrentIndex(list(self.kinds).index(name))

    def set_theme(self, theme: Theme) -> None:
        """Draw all tabs in other colours."""
        self._theme = theme
        for page in self.made.values():
            page.set_theme(theme)
