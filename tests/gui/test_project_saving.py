"""Saving under another name: in a worker, whole or not at all, and nothing is lost."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

import gui.models.document_store as store_module
from gui.messages import MessageLog
from gui.models.document import SpectrumId
from gui.models.document_store import copy_with_document, recovery_path
from gui.models.project_model import ProjectModel
from gui.runner import Runner
from ixs_core.errors import Cancelled, InputError, ProjectLockedError
from ixs_core.jobs import CancelToken
from ixs_core.project import Project
from ixs_reduce.store import read_fits, read_masks

A3 = SpectrumId("CdOsO_58", "Ana3")


@pytest.fixture
def model(qtbot: QtBot, small_project: Path) -> ProjectModel:
    project = ProjectModel(Runner(), MessageLog())
    project.open(small_project)
    return project


def mask(model: ProjectModel, *names: str) -> None:
    document = model.document.with_mask("CdOsO_58", frozenset(names))
    model.apply(document, f"mask {', '.join(names)}")


def idle(qtbot: QtBot, model: ProjectModel) -> None:
    qtbot.waitUntil(lambda: not model.runner.busy, timeout=20_000)


def masks(path: Path) -> dict[str, frozenset[str]]:
    with Project(path).reading() as h5:
        return dict(read_masks(h5))


def errors(model: ProjectModel) -> list[str]:
    return [m.text for m in model.messages.messages if m.level == "error"]


def beside(path: Path) -> set[str]:
    """What lies in a folder, lock files of projects apart."""
    return {p.name for p in path.parent.iterdir() if not p.name.endswith((".lock", ".ini"))}


def test_the_window_goes_on_with_the_copy_and_the_old_file_stays_as_it_was(
    qtbot: QtBot, model: ProjectModel, small_project: Path, tmp_path: Path
) -> None:
    before, target = small_project.read_bytes(), tmp_path / "copy.h5"
    mask(model, "Ana3")
    model.autosave()
    idle(qtbot, model)
    model.save_as(target)
    assert model.path == small_project  # until the copy is complete
    idle(qtbot, model)
    assert model.path == target
    assert not model.dirty
    assert small_project.read_bytes() == before
    assert masks(target) == {"CdOsO_58": {"Ana3"}}
    with Project(target).reading() as h5:
        assert len(read_fits(h5, "CdOsO_58")) == 3
    assert not recovery_path(small_project).exists()
    assert beside(target) == {"small.h5", "copy.h5"}


def test_what_is_done_while_it_is_copied_is_there_and_to_be_saved(
    qtbot: QtBot, model: ProjectModel, tmp_path: Path
) -> None:
    target = tmp_path / "copy.h5"
    mask(model, "Ana3")
    model.save_as(target)
    mask(model, "Ana3", "Ana4")
    idle(qtbot, model)
    assert model.path == target
    assert model.document.masks["CdOsO_58"] == {"Ana3", "Ana4"}
    assert model.dirty
    assert masks(target) == {"CdOsO_58": {"Ana3"}}
    assert recovery_path(target).is_file()
    model.undo_stack.undo()
    assert model.document.masks["CdOsO_58"] == {"Ana3"}
    model.undo_stack.redo()
    model.save()
    idle(qtbot, model)
    assert masks(target) == {"CdOsO_58": {"Ana3", "Ana4"}}


def test_after_a_save_that_is_under_way_it_is_saved_as(
    qtbot: QtBot, model: ProjectModel, small_project: Path, tmp_path: Path
) -> None:
    mask(model, "Ana3")
    model.save()
    mask(model, "Ana4")
    model.save_as(tmp_path / "copy.h5")
    idle(qtbot, model)
    assert model.path == tmp_path / "copy.h5"
    assert masks(small_project) == {"CdOsO_58": {"Ana3"}}
    assert masks(tmp_path / "copy.h5") == {"CdOsO_58": {"Ana4"}}


def test_twice_in_a_row_ends_with_the_second(
    qtbot: QtBot, model: ProjectModel, tmp_path: Path
) -> None:
    mask(model, "Ana3")
    for name in ("one.h5", "two.h5"):
        model.save_as(tmp_path / name)
    idle(qtbot, model)
    assert model.path == tmp_path / "two.h5"
    for name in ("one.h5", "two.h5"):
        assert masks(tmp_path / name) == {"CdOsO_58": {"Ana3"}}


def test_onto_itself_it_is_a_save(qtbot: QtBot, model: ProjectModel, small_project: Path) -> None:
    mask(model, "Ana3")
    model.save_as(small_project)
    idle(qtbot, model)
    assert not model.dirty
    assert masks(small_project) == {"CdOsO_58": {"Ana3"}}
    assert model.undo_stack.canUndo()


def test_a_project_that_is_opened_meanwhile_stays(
    qtbot: QtBot, model: ProjectModel, small_project: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.h5"
    model.save_as(other)
    idle(qtbot, model)
    model.open(small_project)
    mask(model, "Ana3")
    model.save_as(tmp_path / "copy.h5")
    model.open(other)
    idle(qtbot, model)
    assert model.path == other
    assert not model.dirty
    assert masks(tmp_path / "copy.h5") == {"CdOsO_58": {"Ana3"}}


@pytest.mark.parametrize("name", ["other.h5", "new.h5"])
def test_cancelled_it_leaves_all_as_it_was(
    qtbot: QtBot,
    model: ProjectModel,
    small_project: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    (tmp_path / "other.h5").write_bytes(b"what was there")
    monkeypatch.setattr(store_module, "_PIECE", 1000)
    files = beside(small_project)
    mask(model, "Ana3")
    model.save_as(tmp_path / name)
    (job,) = model.runner.jobs
    job.cancel()
    idle(qtbot, model)
    assert job.state == "cancelled"
    assert model.path == small_project
    assert model.dirty
    assert (tmp_path / "other.h5").read_bytes() == b"what was there"
    assert beside(small_project) == files
    model.save()  # and it can be saved as ever
    idle(qtbot, model)
    assert not model.dirty


@pytest.mark.parametrize("late", [False, True])
def test_a_cancel_at_any_moment_ends_it(
    small_project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, late: bool
) -> None:
    """While it is copied, and when all but the name is done."""
    monkeypatch.setattr(store_module, "_PIECE", 1000)
    target, cancel, told = tmp_path / "copy.h5", CancelToken(), []

    def progress(done: int, total: int, text: str) -> None:
        told.append((done, total, text))
        if (done == total) if late else (len(told) == 3):
            cancel.cancel()

    with pytest.raises(Cancelled):
        copy_with_document(
            small_project,
            target,
            store_module.read_document(Project(small_project)),
            (),
            progress=progress,
            cancel=cancel,
        )
    size = small_project.stat().st_size
    assert told[-1] == (size if late else 3000, size, "copying")
    assert not target.exists()
    assert beside(target) == {"small.h5"}


def test_a_full_disk_leaves_all_as_it_was(
    qtbot: QtBot,
    model: ProjectModel,
    small_project: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "other.h5").write_bytes(b"what was there")
    files = beside(small_project)

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    mask(model, "Ana3")
    with monkeypatch.context() as patch:
        patch.setattr(store_module, "_copy", full)
        with qtbot.waitSignal(model.saving_failed):
            model.save_as(tmp_path / "other.h5")
        idle(qtbot, model)
    assert "the disk is full" in errors(model)[0]
    assert model.path == small_project
    assert model.dirty
    assert model.is_masked(A3)
    assert (tmp_path / "other.h5").read_bytes() == b"what was there"
    assert beside(small_project) == files


def test_a_folder_that_is_not_there_is_told(
    qtbot: QtBot, model: ProjectModel, small_project: Path, tmp_path: Path
) -> None:
    model.save_as(tmp_path / "nowhere" / "copy.h5")
    idle(qtbot, model)
    assert "the folder does not exist" in errors(model)[0]
    assert model.path == small_project


def test_a_project_that_another_program_writes_is_not_replaced(
    small_project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "busy.h5"
    with Project(target).writing():
        pass
    replacing = Project.replacing
    monkeypatch.setattr(Project, "replacing", lambda self, wait_s=0.1: replacing(self, 0.1))
    document = store_module.read_document(Project(small_project))
    with Project(target).writing(), pytest.raises(ProjectLockedError):
        copy_with_document(small_project, target, document, ())
    before = target.read_bytes()
    with Project(target).reading() as h5:
        assert not list(h5["entry"])
    with pytest.raises(InputError, match="cannot be read any more"):
        copy_with_document(tmp_path / "gone.h5", target, document, ())
    assert target.read_bytes() == before
