"""The window: keys, drops, messages, jobs, recovery, themes, closing."""

from __future__ import annotations

import csv
import re
import time
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QAction, QDragEnterEvent, QDropEvent, QShortcut
from PySide6.QtWidgets import QApplication, QDialogButtonBox, QMessageBox, QWidget
from pytestqt.qtbot import QtBot

from gui.app import catch_exceptions
from gui.export_dialog import ExportDialog
from gui.models.document import SpectrumId
from gui.models.document_store import recovery_path
from gui.theme import DARK, LIGHT
from gui.views.fit_tab import FitTab
from gui.views.help_window import HelpWindow
from gui.window import MainWindow
from ixs_core.errors import InputError
from ixs_core.jobs import CancelToken, Progress


def press(qtbot: QtBot, window: MainWindow, key: Qt.Key, *held: Qt.KeyboardModifier) -> None:
    modifiers = Qt.KeyboardModifier.NoModifier
    for one in held:
        modifiers |= one
    qtbot.keyClick(window, key, modifiers)


def waiting(*, progress: Progress, cancel: CancelToken) -> None:
    for step in range(1000):
        cancel.check()
        time.sleep(0.02)
        progress(step, 1000, "waiting")


def drop(window: MainWindow, *paths: Path) -> None:
    """Drop files on the window."""
    content = QMimeData()
    content.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    how = (content, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    copy = Qt.DropAction.CopyAction
    enter = QDragEnterEvent(QPoint(200, 200), copy, *how)
    QApplication.sendEvent(window, enter)
    assert enter.isAccepted()
    QApplication.sendEvent(window, QDropEvent(QPointF(200, 200), copy, *how))


def errors(window: MainWindow) -> list[str]:
    return [m.text for m in window.messages.messages if m.level == "error"]


def test_keys_lead_to_the_tabs_and_spectra(opened: MainWindow, qtbot: QtBot) -> None:
    control = Qt.KeyboardModifier.ControlModifier
    names = list(opened.pages)
    for number, name in enumerate(names):
        press(qtbot, opened, Qt.Key(Qt.Key.Key_1 + number), control)
        assert opened.page.name == name
    press(qtbot, opened, Qt.Key.Key_BracketRight)
    assert opened.project.current == SpectrumId("CdOsO_58", "Ana6")
    for _ in range(6):
        press(qtbot, opened, Qt.Key.Key_BracketLeft)
    assert opened.project.current == SpectrumId("CdOsO_59", "Ana9")


def test_undo_redo_and_save_by_keys(opened: MainWindow, qtbot: QtBot) -> None:
    control, shift = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
    project = opened.project
    project.apply(project.document.with_mask("CdOsO_58", frozenset({"Ana1"})), "mask Ana1")
    assert opened.windowTitle().startswith("small.h5*")
    press(qtbot, opened, Qt.Key.Key_Z, control)
    assert not project.dirty
    press(qtbot, opened, Qt.Key.Key_Z, control, shift)
    assert project.dirty
    press(qtbot, opened, Qt.Key.Key_S, control)
    qtbot.waitUntil(lambda: not project.dirty, timeout=10_000)
    assert opened.windowTitle().startswith("small.h5 ")


def test_ctrl_f_fits_the_current_spectrum(opened: MainWindow, qtbot: QtBot) -> None:
    which = SpectrumId("CdOsO_58", "Ana6")
    opened.project.select(which)
    press(qtbot, opened, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    assert opened.page.name == "fit"
    qtbot.waitUntil(lambda: which in opened.project.document.fits, timeout=30_000)
    assert opened.project.dirty


@pytest.mark.parametrize("ending", [".pdf", ".svg", ".csv"])
def test_what_is_shown_is_exported_and_read_back(
    opened: MainWindow, qtbot: QtBot, tmp_path: Path, ending: str
) -> None:
    which = SpectrumId("CdOsO_58", "Ana6")
    opened.project.select(which)
    opened.show_tab("fit")
    qtbot.waitUntil(lambda: opened.page.ready, timeout=20_000)
    press(qtbot, opened, Qt.Key.Key_E, Qt.KeyboardModifier.ControlModifier)
    (dialog,) = opened.findChildren(ExportDialog)
    dialog.name.setText(str(tmp_path / "figure.pdf"))
    dialog.width_choice.setCurrentIndex(1)
    dialog.ending.setCurrentText(ending)
    qtbot.mouseClick(
        dialog.buttons.button(QDialogButtonBox.StandardButton.Save), Qt.MouseButton.LeftButton
    )
    qtbot.waitUntil((tmp_path / "figure.csv").is_file, timeout=20_000)
    qtbot.waitUntil(lambda: not opened.runner.busy, timeout=20_000)
    written = tmp_path / f"figure{ending}"
    start = {".pdf": b"%PDF", ".svg": b"<?xml", ".csv": b""}[ending]
    assert written.read_bytes().startswith(start)
    with (tmp_path / "figure.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    spectrum, fit = opened.project.spectrum(which), opened.project.fit(which)
    assert spectrum is not None
    assert fit is not None
    energies = [float(row["energy_mev"]) for row in rows]
    assert set(np.round(fit.spectrum.energy_mev - fit.zero.value, 9)) <= set(np.round(energies, 9))
    assert opened.messages.messages[-1].subject == "exported"


def test_f1_lists_the_keys(opened: MainWindow, qtbot: QtBot) -> None:
    press(qtbot, opened, Qt.Key.Key_F1)
    help_window = opened.findChild(HelpWindow)
    assert help_window is not None
    assert help_window.isVisible()
    assert "Ctrl+1" in help_window.toPlainText()


def test_a_project_is_dropped(window: MainWindow, qtbot: QtBot, small_project: Path) -> None:
    assert "drop a file here" in window.windowTitle()
    drop(window, small_project)
    assert window.project.path == small_project
    assert str(small_project) in window.settings.recent_files[0]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("empty.dat", b"", "no file that the viewer takes"),
        ("noise.bin", bytes(range(256)) * 20, "no file that the viewer takes"),
        ("other.h5", b"\x89HDF\r\n\x1a\n" + bytes(500), "other.h5"),
    ],
)
def test_a_strange_file_is_told_and_changes_nothing(
    opened: MainWindow, tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    before = opened.project.path
    drop(opened, path)
    drop(opened, tmp_path / "missing.spec")
    assert opened.project.path == before
    first, second = errors(opened)
    assert words in first
    assert "there is no such file" in second


def test_the_same_error_is_shown_once_with_a_count(opened: MainWindow, tmp_path: Path) -> None:
    for _ in range(5):
        drop(opened, tmp_path / "missing.spec")
    rows = opened.messages_dock.list
    assert rows.topLevelItemCount() == 1
    row = rows.topLevelItem(0)
    assert row is not None
    assert row.text(3).endswith("(×5)")


def test_a_job_is_shown_with_progress_and_cancelled_by_its_button(
    opened: MainWindow, qtbot: QtBot
) -> None:
    job = opened.runner.submit(waiting, title="long work")
    qtbot.waitUntil(lambda: job.done > 2, timeout=5_000)
    row = opened.messages_dock.jobs.row(job)
    assert row is not None
    assert row.bar.value() > 0
    asked = time.monotonic()
    qtbot.mouseClick(row.cancel, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: job.state == "cancelled", timeout=5_000)
    assert time.monotonic() - asked < 1.0
    assert opened.messages_dock.jobs.row(job) is None
    assert errors(opened) == []


def test_a_worker_that_raises_is_one_message(opened: MainWindow, qtbot: QtBot) -> None:
    def broken(*, progress: Progress, cancel: CancelToken) -> None:
        raise ZeroDivisionError("by design")

    for _ in range(3):
        opened.runner.submit(broken, title="broken")
    qtbot.waitUntil(lambda: not opened.runner.busy, timeout=5_000)
    (message,) = [m for m in opened.messages.messages if m.level == "error"]
    assert message.text == "ZeroDivisionError: by design"
    assert message.count == 3
    assert "Traceback" in message.details


def test_what_nobody_caught_is_a_message(
    opened: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys
    import threading

    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    catch_exceptions(opened)
    error = ValueError("surprise")
    sys.excepthook(ValueError, error, None)
    assert errors(opened) == ["ValueError: surprise"]
    assert opened.isVisible()


def test_what_a_thread_raised_is_a_message_once(
    opened: MainWindow, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    import sys
    import threading

    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    catch_exceptions(opened)

    def surprise() -> None:
        raise ValueError("surprise")

    for _ in range(3):
        thread = threading.Thread(target=surprise, name="reader")
        thread.start()
        thread.join()
    qtbot.waitUntil(lambda: bool(errors(opened)), timeout=5_000)
    (message,) = [m for m in opened.messages.messages if m.level == "error"]
    assert (message.subject, message.text) == ("in the thread reader", "ValueError: surprise")
    assert message.count == 3
    assert "Traceback" in message.details


def test_a_tab_is_made_when_it_is_needed_and_shows_the_project(
    opened: MainWindow, qtbot: QtBot
) -> None:
    assert set(opened.pages.made) == {"scans"}
    opened.project.select(SpectrumId("CdOsO_58", "Ana6"))
    opened.set_theme(DARK)
    press(qtbot, opened, Qt.Key.Key_2, Qt.KeyboardModifier.ControlModifier)
    assert set(opened.pages.made) == {"scans", "fit"}
    page = opened.page
    assert isinstance(page, FitTab)
    assert page.isVisible()
    assert page.theme is DARK
    qtbot.waitUntil(lambda: page.subject is not None and page.ready, timeout=10_000)
    assert page.subject is not None
    assert page.subject.which == SpectrumId("CdOsO_58", "Ana6")
    opened.set_theme(LIGHT)


def test_the_keys_that_f1_lists_are_there(window: MainWindow) -> None:
    """Letters and Home: others are gestures, or handled by the widget that has the focus."""
    for page in window.pages.values():
        listed = {
            key.strip()
            for keys, _ in page.help_keys
            for key in keys.split(",")
            if re.fullmatch(r"([A-Z]|Home|Shift\+[A-Z])", key.strip())
        }
        present = {shortcut.key().toString() for shortcut in page.findChildren(QShortcut)}
        assert listed <= present, page.name
        assert "Home" in listed or page.name == "scans"


def test_recovery_is_offered_and_restores(
    opened: MainWindow, qtbot: QtBot, small_project: Path
) -> None:
    project = opened.project
    project.apply(project.document.with_mask("CdOsO_58", frozenset({"Ana1"})), "mask")
    project.autosave()
    qtbot.waitUntil(recovery_path(small_project).is_file, timeout=10_000)
    qtbot.waitUntil(lambda: not opened.runner.busy, timeout=10_000)
    assert not opened.recovery_bar.isVisible()
    project.open(small_project)  # as after a crash: nothing was saved
    assert opened.recovery_bar.isVisible()
    assert not project.is_masked(SpectrumId("CdOsO_58", "Ana1"))
    qtbot.mouseClick(opened.recovery_bar.restore, Qt.MouseButton.LeftButton)
    assert project.is_masked(SpectrumId("CdOsO_58", "Ana1"))
    assert not opened.recovery_bar.isVisible()
    project.undo_stack.undo()
    assert not project.is_masked(SpectrumId("CdOsO_58", "Ana1"))


def test_recovery_can_be_discarded(opened: MainWindow, qtbot: QtBot, small_project: Path) -> None:
    project = opened.project
    project.apply(project.document.with_mask("CdOsO_58", frozenset({"Ana1"})), "mask")
    project.autosave()
    qtbot.waitUntil(recovery_path(small_project).is_file, timeout=10_000)
    qtbot.waitUntil(lambda: not opened.runner.busy, timeout=10_000)
    project.open(small_project)
    qtbot.mouseClick(opened.recovery_bar.discard, Qt.MouseButton.LeftButton)
    assert not opened.recovery_bar.isVisible()
    assert not recovery_path(small_project).exists()


def test_themes_change_every_part(opened: MainWindow, qtbot: QtBot) -> None:
    for theme in (DARK, LIGHT):
        opened.findChild(QAction, f"theme-{theme.name}").trigger()
        assert opened.settings.theme == theme.name
        assert all(page.theme is theme for page in opened.pages.values())
        expected = theme.window
        qtbot.waitUntil(lambda: opened.palette().window().color().name() == expected)  # noqa: B023


@pytest.mark.parametrize("answer", ["Save", "Discard", "Cancel"])
def test_closing_asks_about_unsaved_work(
    opened: MainWindow,
    qtbot: QtBot,
    small_project: Path,
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
) -> None:
    from ixs_core.project import Project
    from ixs_reduce.store import read_masks

    project = opened.project
    project.apply(project.document.with_mask("CdOsO_58", frozenset({"Ana1"})), "mask")
    button = getattr(QMessageBox.StandardButton, answer)
    monkeypatch.setattr(QMessageBox, "question", lambda *_: button)
    assert opened.close() == (answer != "Cancel")
    with Project(small_project).reading() as h5:
        assert bool(read_masks(h5)) == (answer == "Save")


def test_closing_ends_running_jobs(opened: MainWindow, qtbot: QtBot) -> None:
    job = opened.runner.submit(waiting, title="long work")
    qtbot.waitUntil(lambda: job.done > 1, timeout=5_000)
    started = time.monotonic()
    assert opened.close()
    assert time.monotonic() - started < 5
    assert job.cancel_token.cancelled


def test_a_tab_that_fails_does_not_take_the_window_along(
    opened: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: QWidget) -> None:
        raise InputError("this tab cannot be shown")

    page = opened.pages["plan"]
    monkeypatch.setattr(type(page), "refresh", fail)
    page.mark_stale()
    opened.show_tab("plan")
    assert "this tab cannot be shown" in errors(opened)
    opened.show_tab("scans")
    assert opened.isVisible()


def test_a_click_in_the_tree_selects(opened: MainWindow, qtbot: QtBot) -> None:
    tree, items = opened.project_dock.tree, opened.project_dock.items
    index = items.index_of(SpectrumId("CdOsO_58", "Ana6"))
    tree.scrollTo(index)
    place: QPoint = tree.visualRect(index).center()
    qtbot.mouseClick(tree.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert opened.project.current == SpectrumId("CdOsO_58", "Ana6")


def test_the_disk_is_full_at_save(
    opened: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno

    from ixs_core import project as project_file

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    project = opened.project
    project.apply(project.document.with_mask("CdOsO_58", frozenset({"Ana1"})), "mask")
    with monkeypatch.context() as patch:
        patch.setattr(project_file, "replace_file", full)
        project.save()
        qtbot.waitUntil(lambda: not opened.runner.busy, timeout=10_000)
        project.autosave()
        qtbot.waitUntil(lambda: not opened.runner.busy, timeout=10_000)
    assert project.dirty
    assert all("the disk is full" in text for text in errors(opened))
    assert len(errors(opened)) == 2
    project.save()
    qtbot.waitUntil(lambda: not project.dirty, timeout=10_000)


def test_open_by_the_recent_menu(
    opened: MainWindow, small_project: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    opened.project.save_as(tmp_path / "other.h5")
    qtbot.waitUntil(lambda: not opened.runner.busy, timeout=10_000)
    opened._recent.aboutToShow.emit()
    names = [action.text() for action in opened._recent.actions()]
    assert names == [str(tmp_path / "other.h5"), str(small_project)]
    opened._recent.actions()[1].trigger()
    assert opened.project.path == small_project
