"""Edits of the model in the tab Fit, typed or dragged: each one step of undo."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from gui.models.document import Document
from gui.models.fit_draft import FitDraft, parameter_text
from gui.models.fit_inputs import resolutions_of, with_nominal, with_resolutions, with_temperature
from gui.models.fit_parameters import resolved, with_fixed, with_tie
from gui.models.fit_start import with_new_mode, with_strengths
from gui.models.fit_subject import with_draft
from ixs_core.errors import InputError

if TYPE_CHECKING:
    from gui.views.fit_tab import FitTab
    from ixs_reduce import Resolution


class FitEdits(QObject):
    """Changes the draft of the spectrum shown, and what its model needs.

    Parameters
    ----------
    tab : FitTab
        Whose subject and widgets it serves.
    """

    def __init__(self, tab: FitTab) -> None:
        super().__init__(tab)
        self.tab = tab
        self._drags = 0
        self._dragging = False
        self._connect()

    def _connect(self) -> None:
        tab = self.tab
        plot = tab.plot
        plot.mode_wanted.connect(self.add_mode)
        plot.energy_moved.connect(self._drag_energy)
        plot.width_moved.connect(self._drag_width)
        plot.range_moved.connect(self._drag_range)
        plot.released.connect(self._released)
        for table in (tab.modes, tab.others):
            table.value_edited.connect(self._edit_value)
            table.fixed_edited.connect(self._edit_fixed)
            table.tie_edited.connect(self._edit_tie)
            table.refused.connect(
                lambda name, text: tab.desk.messages.warning(
                    parameter_text(name), f"“{text}” is no number"
                )
            )
        tab.model_bar.changed.connect(self.edit)
        tab.model_bar.strengths_wanted.connect(self._strengths)
        tab.missing_bar.nominal_wanted.connect(self._use_nominal)
        tab.missing_bar.temperature_wanted.connect(self._use_temperature)

    # -- the draft --------------------

    def edit(self, draft: FitDraft, text: str, merge: str = "") -> None:
        """Another draft of the spectrum shown, as one step of undo."""
        if self.tab.subject is not None:
            try:
                draft = resolved(draft)
            except InputError as error:
                self.tab.desk.messages.error(text, error)
                return
            document = self.tab.desk.project.document
            self._apply(with_draft(document, self.tab.subject.which, draft), text, merge)

    def add_mode(self, energy_mev: float) -> None:
        """A further mode at a true energy, as strong as the counts have it."""
        subject, messages = self.tab.subject, self.tab.desk.messages
        if subject is None or subject.model is None:
            messages.warning("a new mode", "without a resolution there is no model to add it to")
            return
        try:
            draft, self.tab.selected = with_new_mode(
                subject.draft, energy_mev, subject.to_start(), subject.model
            )
        except InputError as error:
            messages.error("a new mode", error)
            return
        self.edit(draft, f"add a mode at {abs(energy_mev):.2f} meV")

    def add_at_cursor(self) -> None:
        """A further mode where the mouse is."""
        if self.tab.plot.cursor_mev is not None:
            self.add_mode(self.tab.plot.cursor_mev)

    def remove_mode(self) -> None:
        """Without the mode that is chosen."""
        subject, selected = self.tab.subject, self.tab.selected
        if subject is not None and 0 <= selected < len(subject.draft.modes):
            self.edit(subject.draft.without_mode(selected), f"remove mode {selected + 1}")

    def _apply(self, document: Document, text: str, merge: str = "") -> None:
        self.tab.desk.project.apply(document, text, merge)

    def _edit_value(self, name: str, value: float) -> None:
        self._try(lambda draft: draft.with_value(name, value), f"set {parameter_text(name)}")

    def _edit_tie(self, name: str, tie: str) -> None:
        text = f"tie {parameter_text(name)}" if tie else f"untie {parameter_text(name)}"
        self._try(lambda draft: with_tie(draft, name, tie), text)

    def _edit_fixed(self, name: str, fixed: bool) -> None:
        text = f"{'fix' if fixed else 'free'} {parameter_text(name)}"
        self._try(lambda draft: with_fixed(draft, name, fixed), text)

    def _try(self, change: Callable[[FitDraft], FitDraft], text: str) -> None:
        if self.tab.subject is None:
            return
        try:
            draft = change(self.tab.subject.draft)
        except InputError as error:
            self.tab.desk.messages.error(text, error)
            return
        self.edit(draft, text)

    def _strengths(self) -> None:
        subject = self.tab.subject
        if subject is None or subject.model is None:
            return
        model, points = subject.model, subject.to_start
        self._try(lambda draft: with_strengths(draft, points(), model), "strengths from data")

    # -- drags --------------------

    def give_up_drag(self) -> bool:
        """Undo the drag under way; False when there is none."""
        if not self._dragging:
            return False
        self._dragging = False
        self.tab.plot.give_up()
        self.tab.desk.project.undo_stack.undo()
        return True

    def _drag(self, change: Callable[[FitDraft], FitDraft], text: str) -> None:
        if self.tab.subject is None:
            return
        if not self._dragging:
            self._dragging = True
            self._drags += 1
        self.edit(change(self.tab.subject.draft), text, merge=f"fit drag {self._drags}")

    def _drag_energy(self, index: int, energy: float) -> None:
        name = f"mode{index + 1}_energy"
        self.tab.selected = index
        self._drag(lambda draft: draft.with_value(name, energy), f"move mode {index + 1}")

    def _drag_width(self, index: int, fwhm: float) -> None:
        name = f"mode{index + 1}_fwhm"
        self._drag(lambda draft: draft.with_value(name, fwhm), f"width of mode {index + 1}")

    def _drag_range(self, low: float, high: float) -> None:
        def ends(draft: FitDraft) -> FitDraft:
            zero = draft.zero.value
            return replace(draft, range_mev=(low + zero, high + zero))

        self._drag(ends, "range")

    def _released(self) -> None:
        self._dragging = False

    # -- resolution and temperature --------------------

    def take_resolutions(self, path: Path) -> None:
        """Use the resolution functions of a JSON table, as `ixs resolution --json` prints."""
        desk = self.tab.desk
        opening = desk.project.opening

        def take(found: Mapping[str, Resolution]) -> None:
            if desk.project.opening == opening:  # another project may be open by now
                document = with_resolutions(desk.project.document, path.name, found)
                self._apply(document, f"resolutions of {path.name}")

        desk.runner.submit(
            partial(resolutions_of, path),
            title=f"reading {path.name}",
            on_result=take,
            on_error=partial(desk.messages.error, path.name),
            quiet=True,
        )

    def _use_nominal(self, fwhm_mev: float) -> None:
        document = self.tab.desk.project.document
        self._apply(with_nominal(document, fwhm_mev), f"nominal R of {fwhm_mev:g} meV")

    def _use_temperature(self, kelvin: float) -> None:
        self._apply(with_temperature(self.tab.desk.project.document, kelvin), f"{kelvin:g} K")
