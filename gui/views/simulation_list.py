"""The simulated results of the project, group by group; ticked ones are shown together."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QTreeWidget, QTreeWidgetItem

from gui.models.simulation_results import GROUPS, Entry, Group

_KEY = Qt.ItemDataRole.UserRole
_Check = Qt.CheckState


class ResultList(QTreeWidget):
    """Groups of results; the group of the current row is the one that is drawn.

    Signals
    -------
    group_chosen : str
        Name of another group.
    shown_changed :
        Results of the group were ticked or unticked.
    """

    group_chosen = Signal(str)
    shown_changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("simulation-results")
        self.setAccessibleName("Simulated results of the project")
        self.setHeaderHidden(True)
        self.setUniformRowHeights(True)
        self.setIndentation(14)
        self.entries: tuple[Entry, ...] = ()
        self._group = GROUPS[0].name
        self._chosen = False  # whether there was anything to choose a group from
        self._unticked: set[str] = set()
        self.currentItemChanged.connect(self._on_current)
        self.itemChanged.connect(self._on_ticked)

    @property
    def group(self) -> Group:
        """The group that is drawn."""
        return next(group for group in GROUPS if group.name == self._group)

    def of_group(self) -> tuple[Entry, ...]:
        """All results of the group that is drawn."""
        return tuple(entry for entry in self.entries if entry.group.name == self._group)

    def shown(self) -> tuple[Entry, ...]:
        """Those of them that are ticked."""
        return tuple(entry for entry in self.of_group() if entry.key not in self._unticked)

    def forget(self) -> None:
        """Another project: nothing is unticked, and its first group is drawn."""
        self._unticked.clear()
        self._chosen = False

    def set_entries(self, entries: Sequence[Entry]) -> None:
        """Show other results; what was unticked stays so."""
        self.entries = tuple(entries)
        present = [group.name for group in GROUPS if any(e.group is group for e in self.entries)]
        if present and not self._chosen:
            self._group, self._chosen = present[0], True
        with QSignalBlocker(self):
            self.clear()
            for group in GROUPS:
                self._add_group(group, [e for e in self.entries if e.group is group])

    def choose(self, name: str) -> None:
        """Draw another group."""
        place = [group.name for group in GROUPS].index(name)
        item = self.topLevelItem(place)
        if item is not None:
            self.setCurrentItem(item)

    def _add_group(self, group: Group, entries: Sequence[Entry]) -> None:
        item = QTreeWidgetItem([f"{group.title}  ({len(entries)})" if entries else group.title])
        item.setData(0, _KEY, group.name)
        item.setToolTip(0, group.title if entries else f"none yet: {group.command}")
        if not entries:
            item.setForeground(0, self.palette().placeholderText())
        self.addTopLevelItem(item)
        for entry in entries:
            child = QTreeWidgetItem([_label(entry)])
            child.setData(0, _KEY, entry.key)
            child.setToolTip(0, f"{entry.title}\n{entry.made_by}\n{entry.key}")
            child.setFlags(child.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            ticked = entry.key not in self._unticked
            child.setCheckState(0, _Check.Checked if ticked else _Check.Unchecked)
            item.addChild(child)
        item.setExpanded(group.name == self._group)
        if group.name == self._group:
            self.setCurrentItem(item)

    def _on_current(self, item: QTreeWidgetItem | None) -> None:
        if item is None:
            return
        top = item.parent() or item
        name = str(top.data(0, _KEY))
        if name != self._group:
            self._group = name
            top.setExpanded(True)
            self.group_chosen.emit(name)

    def _on_ticked(self, item: QTreeWidgetItem) -> None:
        top = item.parent()
        if top is None:
            return
        key = str(item.data(0, _KEY))
        if item.checkState(0) == _Check.Checked:
            self._unticked.discard(key)
        else:
            self._unticked.add(key)
        if top.data(0, _KEY) == self._group:
            self.shown_changed.emit()


def _label(entry: Entry) -> str:
    """Its name, with its kind where a group has several, and its temperature."""
    kinds = {
        "md hops": "hops ",
        "md linewidths": "MD widths ",
        "kappa linewidths": "widths ",
        "kappa wigner": "Wigner, ",
        "kappa measured": "IXS widths, ",
        "kappa power-law": "power law ",
        "kappa regimes": "regimes at ",
    }
    return f"{kinds.get(entry.content, '')}{entry.label}"
