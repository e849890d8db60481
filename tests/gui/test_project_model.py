"""The open project: undo, saving, other writers, autosave and recovery."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import h5py
import pytest
from pytestqt.qtbot import QtBot

from gui.messages import MessageLog
from gui.models.document import Document, SpectrumId
from gui.models.document_store import read_recovery, recovery_path, write_recovery
from gui.models.project_model import ProjectModel
from gui.runner import Runner
from ixs_core.errors import InputError
from ixs_core.project import Project
from ixs_core.provenance import Provenance
from ixs_reduce.store import fit_keys, read_fits, read_masks, write_fits
from tests.conftest import REPOSITORY

A5 = SpectrumId("CdOsO_58", "Ana5")
A6 = SpectrumId("CdOsO_58", "Ana6")
NEW = SpectrumId("CdOsO_59", "Ana5")


@pytest.fixture
def model(qtbot: QtBot, small_project: Path) -> ProjectModel:
    runner, log = Runner(), MessageLog()
    project = ProjectModel(runner, log)
    project.open(small_project)
    return project


def idle(qtbot: QtBot, model: ProjectModel) -> None:
    qtbot.waitUntil(lambda: not model.runner.busy, timeout=20_000)


def mask(model: ProjectModel, *names: str) -> None:
    masked = model.document.with_mask("CdOsO_58", frozenset(names))
    model.apply(masked, f"mask {', '.join(names)}")


def test_opening_reads_names_and_chooses_a_spectrum(model: ProjectModel) -> None:
    assert model.contents.scans == ("CdOsO_58", "CdOsO_59")
    assert model.contents.fitted["CdOsO_58"] == {"Ana5", "Ana6", "Ana7"}
    assert model.current == A5  # the first that has a fit
    model.select_next(-5)
    assert model.current == SpectrumId("CdOsO_59", "Ana9")


def test_a_change_is_undone_and_redone(model: ProjectModel) -> None:
    mask(model, "Ana1")
    mask(model, "Ana1", "Ana2")
    assert model.dirty
    model.undo_stack.undo()
    assert model.document.masks["CdOsO_58"] == {"Ana1"}
    model.undo_stack.undo()
    assert not model.dirty
    model.undo_stack.redo()
    assert model.is_masked(SpectrumId("CdOsO_58", "Ana1"))


def test_a_drag_is_one_step(model: ProjectModel) -> None:
    for energy in (4.0, 4.1, 4.2):
        model.apply(model.document.with_choice("fit", "x", energy), "move", merge="drag 1")
    model.apply(model.document.with_choice("fit", "x", 9.0), "move", merge="drag 2")
    assert model.undo_stack.count() == 2
    model.undo_stack.undo()
    assert model.document.choice("fit", "x") == 4.2
    model.undo_stack.undo()
    assert model.document.choice("fit", "x") is None


def test_saved_work_is_in_the_project(qtbot: QtBot, model: ProjectModel) -> None:
    assert model.path is not None
    fit = model.fit(A5)
    assert fit is not None
    document = model.document.with_fits({A6: None, NEW: replace(fit, message="made here")})
    model.apply(document.with_choice("plan", "list", [1, 2]), "several things")
    mask(model, "Ana9")
    model.save()
    idle(qtbot, model)
    assert not model.dirty
    with Project(model.path).reading() as h5:
        assert [f.spectrum.analyzer for f in read_fits(h5, "CdOsO_58")] == ["Ana5", "Ana7"]
        assert [f.message for f in read_fits(h5, "CdOsO_59")] == ["made here"]
        assert read_masks(h5) == {"CdOsO_58": {"Ana9"}}
    again = ProjectModel(model.runner, model.messages)
    again.open(model.path)
    assert again.document.choice("plan", "list") == [1, 2]


def test_undo_after_saving_and_saving_again_goes_back(qtbot: QtBot, model: ProjectModel) -> None:
    assert model.path is not None
    fit = model.fit(A5)
    assert fit is not None
    model.apply(model.document.with_fits({A5: replace(fit, message="other"), NEW: fit}), "fit")
    model.save()
    idle(qtbot, model)
    model.undo_stack.undo()
    assert model.dirty
    found = model.fit(A5)
    assert found is not None
    assert found.message == fit.message
    model.save()
    idle(qtbot, model)
    with Project(model.path).reading() as h5:
        assert read_fits(h5, "CdOsO_58")[0].message == fit.message
        assert fit_keys(h5) == ["CdOsO_58"]


def test_a_locked_project_is_told_and_nothing_is_lost(qtbot: QtBot, model: ProjectModel) -> None:
    assert model.path is not None
    mask(model, "Ana1")
    before = model.path.read_bytes()
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, time\nfrom ixs_core.project import Project\n"
            "with Project(sys.argv[1]).writing():\n    print('held', flush=True); time.sleep(60)",
            str(model.path),
        ],
        stdout=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline().strip() == "held"
    with qtbot.waitSignal(model.saving_failed, timeout=20_000):
        model.save()
    idle(qtbot, model)
    holder.kill()
    holder.wait()
    assert model.dirty
    assert model.path.read_bytes() == before
    (message,) = [m for m in model.messages.messages if m.level == "error"]
    assert "another program is writing this project" in message.text
    model.save()
    idle(qtbot, model)
    assert not model.dirty


def test_what_another_program_writes_is_seen(qtbot: QtBot, model: ProjectModel) -> None:
    assert model.path is not None
    with Project(model.path).writing() as h5:
        del h5["entry/fits/CdOsO_58"]
    with qtbot.waitSignal(model.contents_changed, timeout=10_000):
        pass
    assert model.fits("CdOsO_58") == {}


def test_what_another_program_fits_after_saving_is_shown(qtbot: QtBot, model: ProjectModel) -> None:
    assert model.path is not None
    fit = model.fit(A5)
    assert fit is not None
    model.apply(model.document.with_fits({A5: replace(fit, message="made here")}), "fit")
    model.save()
    idle(qtbot, model)
    with Project(model.path).writing() as h5:
        write_fits(h5, "CdOsO_58", [replace(fit, message="by another")], Provenance("ixs fit"))
    with qtbot.waitSignal(model.contents_changed, timeout=10_000):
        pass
    assert [f.message for f in model.fits("CdOsO_58").values()] == ["by another"]
    assert not model.is_fitted(A6)
    mask(model, "Ana1")
    model.save()
    idle(qtbot, model)
    with Project(model.path).reading() as h5:
        assert [f.message for f in read_fits(h5, "CdOsO_58")] == ["by another"]


def test_a_file_that_vanishes_is_told_and_saving_brings_the_work_back(
    qtbot: QtBot, model: ProjectModel
) -> None:
    assert model.path is not None
    mask(model, "Ana1")
    model.path.unlink()
    model.reload_if_changed()
    model.reload_if_changed()
    assert ["the file is gone" in m.text for m in model.messages.messages] == [True]
    model.save()
    idle(qtbot, model)
    with Project(model.path).reading() as h5:
        assert read_masks(h5) == {"CdOsO_58": {"Ana1"}}


def test_an_autosave_is_complete_and_goes_when_saved(qtbot: QtBot, model: ProjectModel) -> None:
    assert model.path is not None
    fit = model.fit(A5)
    assert fit is not None
    model.apply(model.document.with_fits({NEW: fit, A6: None}), "fit")
    mask(model, "Ana2")
    model.autosave()
    idle(qtbot, model)
    recovered = read_recovery(recovery_path(model.path))
    assert recovered.masks == model.document.masks
    assert recovered.fits[A6] is None
    assert recovered.fits[NEW] is not None
    assert recovered.fits[NEW].parameters.tolist() == fit.parameters.tolist()
    other = ProjectModel(model.runner, model.messages)
    with qtbot.waitSignal(other.recovery_found):
        other.open(model.path)
    other.restore(recovery_path(model.path))
    assert other.fit(A6) is None
    assert other.is_masked(SpectrumId("CdOsO_58", "Ana2"))
    other.save()
    idle(qtbot, other)
    assert not recovery_path(model.path).exists()


def test_an_autosave_without_changes_writes_nothing(model: ProjectModel) -> None:
    assert model.path is not None
    model.autosave()
    assert not model.runner.busy
    assert not recovery_path(model.path).exists()


_AUTOSAVE_FOR_EVER = """
import sys
from gui.models.document import Document
from gui.models.document_store import write_recovery
path = sys.argv[1]
number = 0
while True:
    number += 1
    document = Document(masks={"CdOsO_58": frozenset({"Ana1"})},
                        choices={("plan", "number"): number, ("plan", "bulk"): "x" * 200_000})
    write_recovery(__import__("pathlib").Path(path), document)
    print(number, flush=True)
"""


@pytest.mark.parametrize("lines", [1, 2, 3, 5])
def test_killed_during_autosave_the_last_complete_one_is_there(tmp_path: Path, lines: int) -> None:
    path = tmp_path / ".project.h5.recovery"
    writer = subprocess.Popen(
        [sys.executable, "-c", _AUTOSAVE_FOR_EVER, str(path)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
    )
    assert writer.stdout is not None
    for _ in range(lines):
        last = int(writer.stdout.readline())
    os.kill(writer.pid, signal.SIGKILL)
    writer.wait()
    recovered = read_recovery(path)
    assert recovered.masks == {"CdOsO_58": {"Ana1"}}
    assert recovered.choice("plan", "number") >= last
    assert len(recovered.choice("plan", "bulk")) == 200_000


def test_a_full_disk_during_autosave_keeps_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / ".project.h5.recovery"
    write_recovery(path, Document(choices={("plan", "n"): 1}))
    limited = (
        "import resource, sys\nfrom pathlib import Path\n"
        "from gui.models.document import Document\n"
        "from gui.models.document_store import write_recovery\n"
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))\n"
        "try:\n"
        "    write_recovery(Path(sys.argv[1]), Document(choices={('plan', 'n'): 'x' * 500_000}))\n"
        "except Exception as error:\n    print(type(error).__name__, error)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", limited, str(path)], capture_output=True, text=True, cwd=REPOSITORY
    )
    assert ended.stdout.startswith("InputError"), ended.stdout + ended.stderr
    assert read_recovery(path).choice("plan", "n") == 1


def test_a_damaged_project_leaves_the_open_one(model: ProjectModel, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.h5"
    damaged.write_bytes(b"\x89HDF\r\n\x1a\n" + b"0" * 100)
    with pytest.raises(InputError):
        model.open(damaged)
    with h5py.File(tmp_path / "other.h5", "w"):
        pass
    with pytest.raises(InputError, match="not a project"):
        model.open(tmp_path / "other.h5")
    assert model.contents.scans == ("CdOsO_58", "CdOsO_59")


def test_save_as_takes_all_along(qtbot: QtBot, model: ProjectModel, tmp_path: Path) -> None:
    mask(model, "Ana3")
    model.save_as(tmp_path / "copy.h5")
    idle(qtbot, model)
    assert model.path == tmp_path / "copy.h5"
    assert not model.dirty
    assert model.is_masked(SpectrumId("CdOsO_58", "Ana3"))
