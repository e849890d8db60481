"""Files that vanish, names that no file can have, and what a hostile user does to them."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from PySide6.QtWidgets import QMessageBox
from pytestqt.qtbot import QtBot

from gui.export_dialog import ExportDialog
from gui.window import MainWindow
from ixs_core.errors import InputError
from ixs_core.project import Project
from tests.gui.scans_of import drop, scan_file


def idle(qtbot: QtBot, window: MainWindow) -> None:
    """Wait for all jobs."""
    qtbot.waitUntil(lambda: not window.runner.busy, timeout=60_000)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("", "has none of the endings"),
        ("figure.docx", "has none of the endings"),
        ("{folder}/" + "n" * 300 + ".pdf", "File name too long"),
        ("{folder}/a\0b.pdf", "null"),
        ("{folder}/none/a.pdf", "the folder does not exist"),
    ],
)
def test_a_name_that_no_file_can_have_is_told(
    opened: MainWindow, qtbot: QtBot, tmp_path: Path, name: str, told: str
) -> None:
    qtbot.waitUntil(lambda: opened.page.ready, timeout=20_000)
    opened.ask_export()
    (dialog,) = opened.findChildren(ExportDialog)
    dialog.name.setText(name.replace("{folder}", str(tmp_path)))
    dialog.ending.setCurrentText(".png")
    dialog.name.setText(name.replace("{folder}", str(tmp_path)))
    dialog.write()
    qtbot.waitUntil(lambda: not opened.runner.busy, timeout=20_000)
    (error,) = [m for m in opened.messages.messages if m.level == "error"]
    assert told in error.text
    assert error.details == ""
    assert len(error.text) <= 400
    assert dialog.isVisible()
    dialog.close()


def test_save_as_of_a_project_that_vanished_says_so(opened: MainWindow, tmp_path: Path) -> None:
    path = opened.project.path
    assert path is not None
    path.unlink()
    with pytest.raises(InputError, match=r"small\.h5: cannot be read any more"):
        opened.project.save_as(tmp_path / "copy.h5")
    assert not (tmp_path / "copy.h5").exists()
    assert opened.project.path == path


def test_a_project_that_became_rubbish_is_told_once(
    opened: MainWindow, qtbot: QtBot, small_project: Path
) -> None:
    scans = opened.project.contents.scans
    small_project.write_bytes(b"rubbish" * 1000)
    for _ in range(3):
        opened.project.reload_if_changed()
        idle(qtbot, opened)
    (error,) = [m for m in opened.messages.messages if m.level == "error"]
    assert "this is not an HDF5 file" in error.text
    assert error.count == 1
    assert opened.project.contents.scans == scans


def test_thirty_files_with_rubbish_among_them_are_dropped_at_once(
    window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    good = [scan_file(tmp_path / f"run{number}.spec", points=31) for number in range(1, 28)]
    rubbish, empty, missing = (tmp_path / name for name in ("noise.bin", "empty.spec", "no.spec"))
    rubbish.write_bytes(os.urandom(3000))
    empty.touch()
    drop(window, *good[:10], rubbish, empty, missing, *good[10:])
    qtbot.waitUntil(lambda: len(window.project.contents.scans) == 27, timeout=60_000)
    idle(qtbot, window)
    errors = [m for m in window.messages.messages if m.level == "error"]
    assert {m.subject for m in errors} == {"noise.bin", "empty.spec", "no.spec"}
    assert [m for m in errors if m.details] == []


def test_a_pipe_does_not_keep_the_window_waiting(opened: MainWindow, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.spec")
    opened.take(tmp_path / "pipe.spec")
    (error,) = [m for m in opened.messages.messages if m.level == "error"]
    assert "no file with content" in error.text


def test_an_autosave_that_cannot_be_removed_keeps_no_window_open(
    opened: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = opened.project
    project.apply(project.document.with_mask("CdOsO_58", frozenset({"Ana1"})), "mask")
    project.autosave()
    idle(qtbot, opened)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Path, "unlink", refuse)
    discard = QMessageBox.StandardButton.Discard
    monkeypatch.setattr(QMessageBox, "question", lambda *_, **__: discard)
    assert opened.close()
    (warning,) = [m for m in opened.messages.messages if m.level == "warning"]
    assert "cannot be removed" in warning.text


def test_scans_dropped_together_with_a_project_go_into_it(
    window: MainWindow, qtbot: QtBot, small_project: Path, tmp_path: Path
) -> None:
    drop(window, scan_file(tmp_path / "run1.spec", points=31), small_project)
    qtbot.waitUntil(lambda: len(window.project.contents.scans) == 3, timeout=30_000)
    assert window.project.path == small_project


def test_scans_that_another_project_keeps_out_are_told(
    opened: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    other = tmp_path / "other.h5"
    with Project(other).writing():
        pass
    opened.take(scan_file(tmp_path / "run1.spec", points=31))
    opened.take(other)
    idle(qtbot, opened)
    (warning,) = [m for m in opened.messages.messages if m.level == "warning"]
    assert "another project was opened" in warning.text
