"""A plan made in the window reaches the project, also when that cannot be written at once."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

import gui.models.plan_jobs as jobs_module
from gui.models.plan_run import MadePlan, PlanRequest, run_plan
from gui.models.plan_sources import PlanSources
from gui.runner import Job
from gui.views.plan_tab import PlanTab
from gui.window import MainWindow
from ixs_core.errors import InputError
from ixs_core.jobs import CancelToken, Progress
from ixs_core.project import Project
from simulate.planning.store import plan_keys, read_plan_result
from tests.gui.plan_projects import EXPERIMENT, FORCE_CONSTANTS, TARGETS, ZONES, small_map

SOURCES = PlanSources(force_constants=FORCE_CONSTANTS, experiment=EXPERIMENT)


@pytest.fixture(scope="module")
def made() -> MadePlan:
    return run_plan(PlanRequest(SOURCES, tuple(TARGETS), tuple(ZONES)))


@pytest.fixture(autouse=True)
def at_once(made: MadePlan, monkeypatch: pytest.MonkeyPatch) -> None:
    """Planning takes no time: it is tested elsewhere."""
    submit = jobs_module.PlanJobs._submit

    def run(self: jobs_module.PlanJobs, function: Any, *given: Any, **named: Any) -> Job:
        if getattr(function, "func", None) is run_plan:

            def function(*, progress: Progress, cancel: CancelToken) -> MadePlan:
                return made

            named["process"] = False
        return submit(self, function, *given, **named)

    monkeypatch.setattr(jobs_module.PlanJobs, "_submit", run)


@contextmanager
def written_by_others(path: Path) -> Iterator[None]:
    """Another writer is at a project."""
    held, go = threading.Event(), threading.Event()

    def hold() -> None:
        with Project(path).writing():
            held.set()
            go.wait(60)

    writer = threading.Thread(target=hold)
    writer.start()
    assert held.wait(10)
    try:
        yield
    finally:
        go.set()
        writer.join()


def plan(window: MainWindow, qtbot: QtBot) -> PlanTab:
    """Press Plan with all that it needs; until the plan is shown."""
    document = window.project.document.with_choice("plan", "map", small_map())
    document = document.with_choice("plan", "sources", SOURCES.as_choice())
    window.project.apply(document, "what is planned with")
    window.show_tab("plan")
    page = window.page
    assert isinstance(page, PlanTab)
    page.widgets.form.fill(TARGETS, ZONES, 0.1)
    page.widgets.plan_pages.setCurrentIndex(1)
    qtbot.mouseClick(page.widgets.form.run, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: page.found is not None, timeout=60_000)
    return page


def idle(qtbot: QtBot, window: MainWindow) -> None:
    qtbot.waitUntil(lambda: not window.runner.busy, timeout=60_000)


def said(window: MainWindow, level: str) -> list[str]:
    return [m.text for m in window.messages.messages if m.level == level]


def is_stored(path: Path, made: MadePlan) -> bool:
    with Project(path).reading() as h5:
        if plan_keys(h5) != ["plan"]:
            return False
        record = read_plan_result(h5, "plan").record
    return json.dumps(record) == json.dumps(made.found.stored.record)


def test_a_locked_project_gets_the_plan_when_it_is_free(
    opened: MainWindow, qtbot: QtBot, small_project: Path, made: MadePlan
) -> None:
    with written_by_others(small_project):
        page = plan(opened, qtbot)
        qtbot.waitUntil(lambda: bool(said(opened, "warning")), timeout=20_000)
        qtbot.wait(1500)  # it is tried again
        (words,) = said(opened, "warning")
        assert "another program is writing this project" in words
        assert "the plan is shown" in words
        assert page.widgets.table.model.rows
    idle(qtbot, opened)
    assert is_stored(small_project, made)
    assert said(opened, "error") == []
    assert said(opened, "info")[-1] == "the plan is in the project small.h5"
    assert page.found is not None
    assert page.found.provenance == made.provenance
    assert page.making.unstored is None


def test_a_plan_that_waits_outlives_what_others_store(
    opened: MainWindow, qtbot: QtBot, small_project: Path
) -> None:
    """What is read of the project meanwhile does not replace it."""
    with written_by_others(small_project):
        page = plan(opened, qtbot)
        found = page.found
        opened.project.contents = opened.project.contents.__class__(
            {**opened.project.contents.keys, "predictions": ("other",)},
            opened.project.contents.analyzers,
            opened.project.contents.fitted,
        )
        opened.project.contents_changed.emit()
        qtbot.waitUntil(lambda: page.ready, timeout=60_000)
        assert page.found is found
    idle(qtbot, opened)


def test_a_project_opened_meanwhile_does_not_get_it(
    opened: MainWindow, qtbot: QtBot, small_project: Path, tmp_path: Path, made: MadePlan
) -> None:
    other = tmp_path / "other.h5"
    with written_by_others(small_project):
        plan(opened, qtbot)
        opened.project.create(other)
    idle(qtbot, opened)
    assert is_stored(small_project, made)
    with Project(other).reading() as h5:
        assert plan_keys(h5) == []


def test_a_disk_that_takes_nothing_leaves_it_shown(
    opened: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise InputError("the disk is full")

    monkeypatch.setattr(jobs_module, "keep_plan", full)
    page = plan(opened, qtbot)
    idle(qtbot, opened)
    assert said(opened, "error") == ["the plan is shown, but not stored: the disk is full"]
    assert page.found is not None
    assert page.widgets.table.model.rows


def test_a_plan_without_a_project_goes_into_the_first_one(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, made: MadePlan
) -> None:
    page = plan(window, qtbot)
    idle(qtbot, window)
    assert "not stored" in said(window, "warning")[-1]
    window.project.save_as(tmp_path / "new.h5")
    idle(qtbot, window)
    qtbot.waitUntil(lambda: page.ready and page.found is not None, timeout=60_000)
    assert is_stored(tmp_path / "new.h5", made)
    assert page.sources == SOURCES


def test_a_project_that_has_a_plan_keeps_it(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, made: MadePlan
) -> None:
    from gui.models.plan_run import keep_plan

    path = tmp_path / "planned.h5"
    keep_plan(path, made)
    before = path.read_bytes()
    plan(window, qtbot)
    idle(qtbot, window)
    window.take(path)
    idle(qtbot, window)
    assert path.read_bytes() == before


def test_a_plan_goes_on_when_the_project_is_saved_as(
    opened: MainWindow,
    qtbot: QtBot,
    tmp_path: Path,
    made: MadePlan,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is kept in the copy, with which the window goes on."""
    page = opened.pages["plan"]
    assert isinstance(page, PlanTab)
    go, copy = threading.Event(), tmp_path / "copy.h5"

    def slow(*, progress: Progress, cancel: CancelToken) -> MadePlan:
        go.wait(30)
        return made

    jobs = page.jobs
    jobs._plan = jobs._submit(slow, "planning", "plan-run", page.making._on_planned)
    opened.project.save_as(copy)
    qtbot.waitUntil(lambda: opened.project.path == copy, timeout=20_000)
    go.set()
    idle(qtbot, opened)
    assert is_stored(copy, made)
    assert said(opened, "warning") == []
