"""The list of settings to measure: what its buttons do to the document."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog

from gui.models.plan_list import Entry, moved, total_hours, with_entry, with_hours, without
from gui.views.plan_bar import file_filter
from ixs_core.errors import InputError

if TYPE_CHECKING:
    from gui.views.plan_tab import PlanTab

_TAB, _LIST = "plan", "list"


class PlanListDesk(QObject):
    """Shows the list of the document and changes it, one step of undo at a time."""

    def __init__(self, tab: PlanTab) -> None:
        super().__init__(tab)
        self.tab = tab
        view = tab.widgets.list
        view.removed.connect(self.remove)
        view.moved.connect(self.move)
        view.hours_changed.connect(self.set_hours)
        view.chosen.connect(self.stand_at)
        view.copy_wanted.connect(self.copy)
        view.save_wanted.connect(self.ask_save)
        tab.widgets.setting.add_wanted.connect(self.add)

    @property
    def entries(self) -> list[Entry]:
        """The list as the document has it."""
        return list(self.tab.desk.project.document.choice(_TAB, _LIST) or ())

    @property
    def move_hours(self) -> float:
        """What each move costs, as in the plan."""
        from simulate.planning.plan import MOVE_HOURS

        found = self.tab.found
        return MOVE_HOURS if found is None else float(found.stored.record["move_hours"])

    def show(self) -> None:
        """Show the list of the document."""
        entries = self.entries
        self.tab.widgets.list.show_entries(entries, total_hours(entries, self.move_hours))

    def add(self) -> None:
        """The present setting, at the end."""
        try:
            entry = self._present()
        except InputError as error:
            self.tab.desk.messages.error("the list", error)
            return
        entries = with_entry(self.entries, entry)
        self._apply(entries, "add a setting to the list")
        self.tab.widgets.list.select(len(entries) - 1)

    def _present(self) -> Entry:
        setting = self.tab.setting
        if setting.row is not None and self.tab.found is not None:
            record = self.tab.found.stored.record["settings"][setting.row]
            return self._for_hours(record, setting.hours)
        footprint, instrument = setting.array.footprint, setting.array.instrument
        if footprint is None or instrument is None:
            raise InputError("there is no setting yet", key="setting", hint="choose an experiment")
        if footprint.placement.excluded:
            raise InputError(
                "this setting is outside the limits",
                key="setting",
                found="; ".join(footprint.placement.excluded),
            )
        from simulate.planning import setting_record

        record = setting_record(footprint.placement, instrument, setting.hours)
        turned = {
            name: value
            for name, value in setting.array.values.items()
            if value != setting.usual_values()[name]
        }
        return {**record, "values": turned} if turned else record

    @staticmethod
    def _for_hours(record: dict[str, Any], hours: float) -> Entry:
        """A setting of the plan; with its own hours unless others were set."""
        if abs(hours - record["hours"]) < 0.006:
            return record
        return with_hours([record], 0, hours)[0]

    def remove(self, row: int) -> None:
        """Take a setting off the list."""
        self._apply(without(self.entries, row), "remove a setting from the list")

    def move(self, row: int, step: int) -> None:
        """Measure a setting earlier or later."""
        self._apply(moved(self.entries, row, step), "reorder the list")

    def set_hours(self, row: int, hours: float) -> None:
        """Count longer or shorter at a setting."""
        if row < len(self.entries):
            self._apply(with_hours(self.entries, row, hours), "hours of a setting")

    def _apply(self, entries: list[Entry], text: str) -> None:
        document = self.tab.desk.project.document
        self.tab.desk.project.apply(document.with_choice(_TAB, _LIST, entries), text)

    def stand_at(self, row: int) -> None:
        """Move the array to a setting of the list."""
        entries = self.entries
        if row >= len(entries):
            return
        setting = self.tab.setting
        self.tab.widgets.setting.set_hours(entries[row]["hours"])
        self.tab.widgets.table.clear_choice()
        try:
            setting.stand_at(entries[row], None)
        except InputError as error:
            self.tab.desk.messages.error("the list", error)

    # -- lines to paste --------------------

    def lines(self) -> str:
        """The list as lines for SPEC."""
        from simulate.planning import lines_of_settings

        entries, found, beamtime = self.entries, self.tab.found, self.tab.beamtime
        kelvin: float | None = None
        source = ""
        if found is not None:
            kelvin, source = found.stored.record["temperature_k"], found.stored.record["source"]
        elif beamtime is not None:
            kelvin, source = beamtime.conditions.temperature_k, beamtime.source
        return lines_of_settings(
            entries,
            self.tab.setting.scan_record(),
            temperature_k=kelvin,
            total_hours=total_hours(entries, self.move_hours),
            source=source,
        )

    def copy(self) -> None:
        """The lines, to the clipboard."""
        QGuiApplication.clipboard().setText(self.lines())
        self.tab.desk.messages.info("the list", f"{len(self.entries)} settings copied")

    def ask_save(self) -> None:
        """Ask for a file and write the lines."""
        folder = Path(self.tab.desk.settings.folder("export")) / "plan.mac"
        name, _ = QFileDialog.getSaveFileName(
            self.tab, "Lines for SPEC", str(folder), file_filter("lines")
        )
        if name:
            self.save(Path(name))

    def save(self, path: Path) -> None:
        """Write the lines to a file."""
        from ixs_core.atomic import atomic_write_text

        path = path if path.suffix else path.with_suffix(".mac")
        try:
            atomic_write_text(path, self.lines())
        except (InputError, OSError) as error:
            self.tab.desk.messages.error("the list", error)
            return
        self.tab.desk.settings.set_folder("export", path)
        self.tab.desk.messages.info("the list", f"written: {path}")
