"""Saving, closing and opening at the wrong moment: nothing that was done is lost."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PySide6.QtWidgets import QFileDialog, QMessageBox
from pytestqt.qtbot import QtBot

import gui.models.document_store as store_module
import gui.models.project_saving as saving_module
from gui.models.density_run import RunSettings, named, run
from gui.models.document import Document, NewDensity
from gui.window import MainWindow
from ixs_core.errors import InputError
from ixs_core.project import Project
from ixs_reduce.store import read_masks
from mem.analysis import Analysis
from mem.analysis_options import AnalysisOptions
from mem.store import list_densities, read_stored_density
from tests.gui.density_window import small_cif
from tests.gui.scans_of import drop, scan_file
from tests.gui.test_hostile_races import Gate, hold  # noqa: F401 - a fixture

Hold = Callable[[Any, str], Gate]


def idle(qtbot: QtBot, window: MainWindow) -> None:
    qtbot.waitUntil(lambda: not window.runner.busy, timeout=30_000)


def mask(window: MainWindow, *names: str) -> None:
    project = window.project
    project.apply(project.document.with_mask("CdOsO_58", frozenset(names)), "mask")


def masks(path: Path) -> dict[str, frozenset[str]]:
    with Project(path).reading() as h5:
        return dict(read_masks(h5))


@cache
def made_density() -> NewDensity:
    """A coarse reconstruction."""
    found: list[Analysis] = []
    with TemporaryDirectory() as folder:
        options = AnalysisOptions(grid_step=0.4)
        settings = RunSettings(small_cif(Path(folder), 300.0), options=options)
        run(settings, lambda _: None, found.append)
    return NewDensity(named(found[0], "made").result, found[0].density)


def reconstruct(window: MainWindow) -> None:
    """A density and a choice, as the tab Density puts them into the document."""
    new = made_density()
    document = window.project.document.with_density("made", new)
    window.project.apply(document.with_choice("density", "level", 0.5), "reconstruct made")


def is_kept(path: Path) -> bool:
    """Whether the density of `reconstruct` is in a project."""
    with Project(path).reading() as h5:
        if list_densities(h5) != ["made"]:
            return False
        stored = read_stored_density(h5, "made").values
    return bool(np.allclose(stored, made_density().density.values, rtol=1e-5))


# -- done while no project is open --------------------


def test_save_asks_for_a_name(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "new.h5"
    names = iter(("", str(target)))
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (next(names), ""))
    reconstruct(window)
    window.save()  # no name is given
    assert window.project.dirty
    window.save()
    idle(qtbot, window)
    assert window.project.path == target
    assert not window.project.dirty
    assert is_kept(target)
    assert window.project.document.choice("density", "level") == 0.5


def test_a_project_that_is_opened_takes_it_along(
    window: MainWindow, qtbot: QtBot, small_project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unwanted(*_: object) -> None:
        raise AssertionError("nothing is lost: no question")

    monkeypatch.setattr(QMessageBox, "question", unwanted)
    reconstruct(window)
    window.take(small_project)
    assert window.project.path == small_project
    assert window.project.dirty
    window.project.undo_stack.undo()
    assert not window.project.document.densities
    window.project.undo_stack.redo()
    window.save()
    idle(qtbot, window)
    assert is_kept(small_project)
    assert len(window.project.contents.fitted["CdOsO_58"]) == 3


def test_choices_of_the_opened_project_count_more(
    window: MainWindow, qtbot: QtBot, small_project: Path
) -> None:
    window.take(small_project)
    document = window.project.document.with_choice("density", "level", 2.0)
    window.project.apply(document, "level")
    assert window.project.save_now()
    path = small_project.with_name("elsewhere.h5")
    shutil.copy(small_project, path)
    other = MainWindow(window.settings, window.theme)
    qtbot.addWidget(other)
    other.asks = False
    reconstruct(other)
    other.take(path)
    assert other.project.document.choice("density", "level") == 2.0
    assert set(other.project.document.densities) == {"made"}


def test_dropped_scans_begin_a_project_that_takes_it_along(
    window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    reconstruct(window)
    drop(window, scan_file(tmp_path / "run.spec", (1, 2)))
    qtbot.waitUntil(lambda: window.project.path is not None, timeout=30_000)
    idle(qtbot, window)
    assert window.project.dirty
    assert set(window.project.document.densities) == {"made"}


def test_nothing_done_leaves_an_opened_project_clean(
    window: MainWindow, small_project: Path
) -> None:
    window.take(small_project)
    assert not window.project.dirty
    assert window.project.document == Document()


@pytest.mark.parametrize("name", ["", "new.h5", "nowhere/new.h5"])
def test_closing_asks_for_a_name(
    window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    path = tmp_path / name if name else ""
    save = QMessageBox.StandardButton.Save
    monkeypatch.setattr(QMessageBox, "question", lambda *_: save)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    reconstruct(window)
    closed = window.close()
    assert closed == (name == "new.h5")
    if closed:
        assert is_kept(tmp_path / name)
    else:
        assert set(window.project.document.densities) == {"made"}


# -- save as, save --------------------


def test_the_same_name_twice_is_saved_and_offers_nothing(
    opened: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    target, project = tmp_path / "copy.h5", opened.project
    mask(opened, "Ana3")
    project.save_as(target)
    mask(opened, "Ana3", "Ana4")
    project.save_as(target)
    idle(qtbot, opened)
    assert project.path == target
    assert not project.dirty
    assert masks(target) == {"CdOsO_58": {"Ana3", "Ana4"}}
    assert project.offered is None
    assert not opened.recovery_bar.isVisible()
    assert project.undo_stack.canUndo()


def test_a_second_save_of_one_project_does_not_save_the_next_one(
    opened: MainWindow,
    qtbot: QtBot,
    small_project: Path,
    tmp_path: Path,
    hold: Hold,  # noqa: F811
) -> None:
    other = Path(shutil.copy(small_project, tmp_path / "other.h5"))
    before, project = other.read_bytes(), opened.project
    gate = hold(saving_module, "_save")
    mask(opened, "Ana3")
    project.save()
    mask(opened, "Ana3", "Ana4")
    project.save()  # once more, after the first one
    project.open(other)
    mask(opened, "Ana5")
    gate.open()
    idle(qtbot, opened)
    assert project.dirty
    assert other.read_bytes() == before


def test_a_save_wanted_while_it_is_saved_as_goes_into_the_copy(
    opened: MainWindow,
    qtbot: QtBot,
    tmp_path: Path,
    hold: Hold,  # noqa: F811
) -> None:
    gate = hold(store_module, "_copy")
    opened.project.save_as(tmp_path / "copy.h5")
    mask(opened, "Ana3")
    opened.project.save()
    gate.open()
    idle(qtbot, opened)
    assert not opened.project.dirty
    assert masks(tmp_path / "copy.h5") == {"CdOsO_58": {"Ana3"}}


# -- closing while it is written --------------------


def test_the_window_closes_when_the_copy_is_complete(
    opened: MainWindow,
    qtbot: QtBot,
    tmp_path: Path,
    hold: Hold,  # noqa: F811
) -> None:
    gate = hold(store_module, "_copy")
    mask(opened, "Ana3")
    opened.project.save_as(tmp_path / "copy.h5")
    assert gate.reached.wait(10)
    assert not opened.close()
    assert opened.isVisible()
    assert "as soon as the project is written" in opened.messages.messages[-1].text
    gate.open()
    qtbot.waitUntil(lambda: not opened.isVisible(), timeout=20_000)
    assert masks(tmp_path / "copy.h5") == {"CdOsO_58": {"Ana3"}}


def test_the_window_stays_when_the_copy_fails(
    opened: MainWindow,
    qtbot: QtBot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    hold: Hold,  # noqa: F811
) -> None:
    def fail(*_: object) -> None:
        raise InputError("the disk is full")

    monkeypatch.setattr(store_module, "_copy", fail)
    gate = hold(store_module, "_copy")
    opened.project.save_as(tmp_path / "copy.h5")
    assert not opened.close()
    gate.open()
    idle(qtbot, opened)
    qtbot.wait(50)
    assert opened.isVisible()
    assert opened.messages.messages[-1].text == "the disk is full"
    assert opened.close()


def test_to_close_once_more_does_not_wait(
    opened: MainWindow,
    tmp_path: Path,
    hold: Hold,  # noqa: F811
) -> None:
    gate = hold(store_module, "_copy")
    opened.project.save_as(tmp_path / "copy.h5")
    assert gate.reached.wait(10)
    assert not opened.close()
    opened.runner._workers.stop = lambda _: gate.open() or True  # type: ignore[method-assign]
    assert opened.close()


def test_a_window_that_was_closed_asks_nothing_more(
    opened: MainWindow,
    qtbot: QtBot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    hold: Hold,  # noqa: F811
) -> None:
    """Closed at once, work discarded: the save that ends afterwards does not close it again."""
    asked: list[str] = []

    def discard(*_: object) -> QMessageBox.StandardButton:
        asked.append("question")
        return QMessageBox.StandardButton.Discard

    monkeypatch.setattr(QMessageBox, "question", discard)
    gate = hold(store_module, "_copy")
    mask(opened, "Ana3")
    opened.project.save_as(tmp_path / "copy.h5")
    assert gate.reached.wait(10)
    assert not opened.close()
    stop = opened.runner._workers.stop

    def stop_opened(seconds: float) -> bool:
        gate.open()
        return stop(seconds)

    monkeypatch.setattr(opened.runner._workers, "stop", stop_opened)
    assert opened.close()
    qtbot.wait(100)
    assert asked == ["question"]
    assert not opened.isVisible()


# -- what goes on when it is saved as --------------------


def test_a_reconstruction_goes_on_in_the_copy(
    opened: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    form = opened.pages["density"].page.form  # type: ignore[attr-defined]
    stopped: list[str] = []
    form._job = SimpleNamespace(title="density", cancel=lambda: stopped.append("stopped"))
    opened.project.save_as(tmp_path / "copy.h5")
    qtbot.waitUntil(lambda: opened.project.path == tmp_path / "copy.h5", timeout=20_000)
    assert not stopped
    opened.project.open(tmp_path / "small.h5")
    assert stopped == ["stopped"]
    form._job = None
