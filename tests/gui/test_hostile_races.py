"""What a worker brings for a project that is not open any more, and what others write meanwhile."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

import gui.models.project_model as model_module
import gui.models.project_saving as saving_module
import gui.views.dispersion_tab as dispersion_module
import gui.views.fit_earlier as earlier_module
import gui.views.fit_edits as edits_module
import gui.views.fit_runs as runs_module
import gui.views.fit_source as source_module
import gui.views.scans_grid_pane as grid_module
from gui.models.document import SpectrumId
from gui.models.document_store import kept_recovery_path, recovery_path
from gui.models.project_model import ProjectModel
from gui.views.fit_tab import FitTab
from gui.window import MainWindow
from ixs_core.errors import InputError
from ixs_core.project import Project
from ixs_core.provenance import Provenance
from ixs_reduce import SpectrumFit
from ixs_reduce.store import read_fits, read_masks, write_fits
from tests.gui.conftest import RESOLUTION

A5, A6, A7 = (SpectrumId("CdOsO_58", name) for name in ("Ana5", "Ana6", "Ana7"))


class Gate:
    """Holds a worker's function back until it is opened."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self._open = threading.Event()
        self.reached = threading.Event()

    def __call__(self, *given: Any, **named: Any) -> Any:
        self.reached.set()
        self._open.wait(20)
        return self._function(*given, **named)

    def open(self) -> None:
        """Let all through."""
        self._open.set()


@pytest.fixture
def hold(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Any, str], Gate]]:
    """Put a gate before a function of a module; all are open at the end."""
    gates: list[Gate] = []

    def put(module: Any, name: str) -> Gate:
        gate = Gate(getattr(module, name))
        gates.append(gate)
        monkeypatch.setattr(module, name, gate)
        return gate

    yield put
    for gate in gates:
        gate.open()


@pytest.fixture
def empty_project(tmp_path: Path) -> Path:
    """A project that holds nothing."""
    path = tmp_path / "empty.h5"
    with Project(path).writing():
        pass
    return path


def fit_tab(window: MainWindow) -> FitTab:
    """The tab Fit."""
    tab = window.pages["fit"]
    assert isinstance(tab, FitTab)
    return tab


def idle(qtbot: QtBot, window: MainWindow) -> None:
    """Wait for all jobs."""
    qtbot.waitUntil(lambda: not window.runner.busy, timeout=30_000)


def known_fit(project: ProjectModel) -> SpectrumFit:
    """The fit of Ana5."""
    fit = project.fit(A5)
    assert fit is not None
    return fit


def test_a_reading_of_the_last_project_is_not_taken_for_this_one(
    opened: MainWindow, qtbot: QtBot, empty_project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        gate = Gate(model_module.read_contents)
        patch.setattr(model_module, "read_contents", gate)
        opened.project.reload()
        qtbot.waitUntil(gate.reached.is_set, timeout=10_000)
    opened.take(empty_project)
    gate.open()
    idle(qtbot, opened)
    assert opened.project.path == empty_project
    assert opened.project.contents.scans == ()


def test_a_save_that_ends_after_another_project_was_opened_leaves_that_alone(
    opened: MainWindow,
    qtbot: QtBot,
    small_project: Path,
    tmp_path: Path,
    hold: Callable[[Any, str], Gate],
) -> None:
    other = Path(shutil.copy(small_project, tmp_path / "other.h5"))
    project = opened.project
    gate = hold(saving_module, "_save")
    project.apply(project.document.with_mask("CdOsO_58", frozenset({"Ana1"})), "mask")
    project.save()
    qtbot.waitUntil(gate.reached.is_set, timeout=10_000)
    opened.asks = False
    opened.take(other)
    project.apply(project.document.with_mask("CdOsO_59", frozenset({"Ana2"})), "mask")
    project.autosave()
    qtbot.waitUntil(recovery_path(other).is_file, timeout=10_000)
    gate.open()
    idle(qtbot, opened)
    assert project.path == other
    assert project.dirty
    assert recovery_path(other).is_file()
    project.save()
    idle(qtbot, opened)
    for path, masks in ((small_project, {"CdOsO_58": {"Ana1"}}), (other, {"CdOsO_59": {"Ana2"}})):
        with Project(path).reading() as h5:
            assert read_masks(h5) == masks


def test_what_is_saved_while_a_save_is_under_way_is_saved_too(
    opened: MainWindow, qtbot: QtBot, small_project: Path, hold: Callable[[Any, str], Gate]
) -> None:
    project = opened.project
    gate = hold(saving_module, "_save")
    for names in ({"Ana1"}, {"Ana1", "Ana2"}):
        project.apply(project.document.with_mask("CdOsO_58", frozenset(names)), "mask")
        project.save()
        qtbot.waitUntil(gate.reached.is_set, timeout=10_000)
    gate.open()
    idle(qtbot, opened)
    assert not project.dirty
    with Project(small_project).reading() as h5:
        assert read_masks(h5) == {"CdOsO_58": {"Ana1", "Ana2"}}


def test_a_fit_of_another_program_just_before_a_save_is_kept_and_shown(
    opened: MainWindow, qtbot: QtBot, small_project: Path
) -> None:
    project = opened.project
    fit = known_fit(project)
    stored = project.fits("CdOsO_58")
    project.apply(project.document.with_fits({A5: replace(fit, message="made here")}), "fit")
    theirs = [stored["Ana5"], replace(stored["Ana6"], message="by another"), stored["Ana7"]]
    with Project(small_project).writing() as h5:
        write_fits(h5, "CdOsO_58", theirs, Provenance("ixs fit"))
    assert project.save_now()
    idle(qtbot, opened)
    with Project(small_project).reading() as h5:
        written = {f.spectrum.analyzer: f.message for f in read_fits(h5, "CdOsO_58")}
    assert written["Ana5"] == "made here"
    assert written["Ana6"] == "by another"
    assert list(written) == ["Ana5", "Ana6", "Ana7"]
    assert {name: f.message for name, f in project.fits("CdOsO_58").items()} == written


def test_fits_that_cannot_be_read_are_not_lost_by_saving(
    opened: MainWindow, qtbot: QtBot, small_project: Path
) -> None:
    project = opened.project
    fit = known_fit(project)
    project._stored_fits.clear()
    project.keep_stored_fits("CdOsO_58", {})  # as after a failure of the disk
    project.apply(project.document.with_fits({A5: replace(fit, message="made here")}), "fit")
    assert project.save_now()
    with Project(small_project).reading() as h5:
        assert {f.spectrum.analyzer for f in read_fits(h5, "CdOsO_58")} == {"Ana5", "Ana6", "Ana7"}


def test_a_spectrum_that_another_program_removes_is_no_longer_the_current_one(
    opened: MainWindow, qtbot: QtBot, small_project: Path
) -> None:
    opened.show_tab("fit")
    opened.project.select(SpectrumId("CdOsO_59", "Ana5"))
    qtbot.waitUntil(lambda: opened.page.ready, timeout=20_000)
    with Project(small_project).writing() as h5:
        for kind in ("spectra", "scans"):
            del h5["entry"][kind]["CdOsO_59"]
    opened.project.reload_if_changed()
    idle(qtbot, opened)
    current = opened.project.current
    assert current is not None
    assert current.key == "CdOsO_58"
    subject = fit_tab(opened).subject
    assert subject is not None
    assert subject.which == current


@pytest.mark.parametrize(
    ("tab", "module", "name"),
    [
        ("scans", grid_module, "read_grid"),
        ("dispersion", dispersion_module, "dispersion_view"),
        ("fit", source_module, "read_inputs"),
    ],
)
def test_what_was_read_of_the_last_project_is_not_shown(
    opened: MainWindow,
    qtbot: QtBot,
    empty_project: Path,
    hold: Callable[[Any, str], Gate],
    tab: str,
    module: Any,
    name: str,
) -> None:
    gate = hold(module, name)
    opened.show_tab(tab)
    opened.project.contents_changed.emit()
    if tab == "fit":
        fit_tab(opened).source.forget()
        fit_tab(opened).mark_stale()
    qtbot.waitUntil(gate.reached.is_set, timeout=10_000)
    opened.take(empty_project)
    gate.open()
    idle(qtbot, opened)
    qtbot.waitUntil(lambda: opened.page.ready, timeout=10_000)
    with pytest.raises(InputError):
        opened.page.export()
    assert [m for m in opened.messages.messages if m.details] == []


def test_an_unanswered_offer_outlives_new_work(
    opened: MainWindow, qtbot: QtBot, small_project: Path
) -> None:
    project, bar = opened.project, opened.recovery_bar
    project.apply(project.document.with_mask("CdOsO_58", frozenset({"Ana9"})), "mask")
    project.autosave()
    qtbot.waitUntil(recovery_path(small_project).is_file, timeout=10_000)
    idle(qtbot, opened)
    opened.asks = False
    opened.take(small_project)  # as after a crash: the work is in the autosave only
    assert bar.isVisible()
    project.apply(project.document.with_mask("CdOsO_59", frozenset({"Ana2"})), "mask")
    project.autosave()
    idle(qtbot, opened)
    assert recovery_path(small_project).is_file()
    project.save()
    idle(qtbot, opened)
    assert not recovery_path(small_project).is_file()
    assert bar.isVisible()
    opened.take(small_project)  # the next morning
    assert bar.isVisible()
    qtbot.mouseClick(bar.restore, Qt.MouseButton.LeftButton)
    assert project.is_masked(SpectrumId("CdOsO_58", "Ana9"))
    project.save()
    idle(qtbot, opened)
    assert not kept_recovery_path(small_project).exists()
    opened.take(small_project)
    assert not bar.isVisible()


def test_work_that_stays_after_a_discard_is_autosaved_again(
    opened: MainWindow, qtbot: QtBot, small_project: Path
) -> None:
    project = opened.project
    project.apply(project.document.with_mask("CdOsO_58", frozenset({"Ana9"})), "mask")
    project.autosave()
    idle(qtbot, opened)
    project.discard()  # the answer before opening a file that then cannot be opened
    assert not recovery_path(small_project).exists()
    project.autosave()
    idle(qtbot, opened)
    assert recovery_path(small_project).is_file()


def test_fits_of_the_last_project_end_when_another_is_opened(
    opened: MainWindow, qtbot: QtBot, empty_project: Path, hold: Callable[[Any, str], Gate]
) -> None:
    gate = hold(runs_module, "fit_draft")
    opened.show_tab("fit")
    qtbot.waitUntil(lambda: fit_tab(opened).subject is not None, timeout=20_000)
    opened.fit_current()
    qtbot.waitUntil(gate.reached.is_set, timeout=10_000)
    opened.take(empty_project)
    assert fit_tab(opened).runs.active == []
    gate.open()
    idle(qtbot, opened)
    assert not opened.project.dirty
    (warning,) = [m for m in opened.messages.messages if m.level == "warning"]
    assert "another project was opened" in warning.text
    assert "fit of CdOsO_58 Ana5" in warning.subject


def test_fits_go_on_when_the_project_is_saved_as_another(
    opened: MainWindow, qtbot: QtBot, tmp_path: Path, hold: Callable[[Any, str], Gate]
) -> None:
    gate, copy = hold(runs_module, "fit_draft"), tmp_path / "copy.h5"
    opened.show_tab("fit")
    qtbot.waitUntil(lambda: fit_tab(opened).subject is not None, timeout=20_000)
    opened.fit_current()
    qtbot.waitUntil(gate.reached.is_set, timeout=10_000)
    opened.project.save_as(copy)
    qtbot.waitUntil(lambda: opened.project.path == copy, timeout=20_000)
    assert fit_tab(opened).runs.active
    gate.open()
    idle(qtbot, opened)
    assert list(opened.project.document.fits) == [A5]
    assert [m for m in opened.messages.messages if m.level != "info"] == []


def test_an_earlier_fit_of_another_spectrum_is_not_laid_over_this_one(
    opened: MainWindow, qtbot: QtBot, hold: Callable[[Any, str], Gate]
) -> None:
    project, tab = opened.project, fit_tab(opened)
    again = replace(known_fit(project), message="made here")
    project.apply(project.document.with_fits({A5: again}), "fit")
    project.save()
    idle(qtbot, opened)
    opened.show_tab("fit")
    qtbot.waitUntil(lambda: tab.ready, timeout=20_000)
    (version, *_) = tab.source.versions("CdOsO_58")
    gate = hold(earlier_module, "read_version")
    tab.words.version_chosen.emit(version)
    qtbot.waitUntil(gate.reached.is_set, timeout=10_000)
    project.select(A6)
    qtbot.waitUntil(lambda: tab.subject is not None and tab.subject.which == A6, timeout=20_000)
    gate.open()
    idle(qtbot, opened)
    before = project.document
    tab.words.version_wanted.emit(version)
    assert project.document is before


def test_a_fit_that_was_wanted_of_the_last_project_is_not_made_in_this_one(
    opened: MainWindow,
    qtbot: QtBot,
    small_project: Path,
    tmp_path: Path,
    hold: Callable[[Any, str], Gate],
) -> None:
    """Ctrl+F before the spectrum is drawn, then a project that has one of the same name."""
    other = Path(shutil.copy(small_project, tmp_path / "other.h5"))
    gate = hold(source_module, "read_inputs")
    opened.fit_current()
    qtbot.waitUntil(gate.reached.is_set, timeout=10_000)
    wanted = opened.project.current
    opened.take(other)
    assert opened.project.current == wanted
    gate.open()
    qtbot.waitUntil(lambda: fit_tab(opened).subject is not None, timeout=20_000)
    idle(qtbot, opened)
    assert fit_tab(opened).ready
    assert opened.project.document.fits == {}
    assert not opened.project.dirty


def test_resolutions_read_for_the_last_project_are_not_put_into_this_one(
    opened: MainWindow,
    qtbot: QtBot,
    empty_project: Path,
    hold: Callable[[Any, str], Gate],
) -> None:
    gate = hold(edits_module, "resolutions_of")
    opened.show_tab("fit")
    fit_tab(opened).take_file(RESOLUTION, "resolution-table")
    qtbot.waitUntil(gate.reached.is_set, timeout=10_000)
    opened.take(empty_project)
    gate.open()
    idle(qtbot, opened)
    assert opened.project.path == empty_project
    assert opened.project.document.choice("fit", "resolutions") is None
    assert not opened.project.dirty
    fit_tab(opened).take_file(RESOLUTION, "resolution-table")  # for this one they are taken
    qtbot.waitUntil(lambda: opened.project.dirty, timeout=10_000)
