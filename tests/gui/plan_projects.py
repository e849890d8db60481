"""A small plan for CsCu2I3 as `ixs plan` makes it, and a window that shows it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pytestqt.qtbot import QtBot

from gui.models.plan_map import MapSettings
from gui.views.plan_tab import PlanTab
from gui.window import MainWindow
from tests.conftest import REPOSITORY

FORCE_CONSTANTS = REPOSITORY / "sample_data" / "cscu2i3" / "phonopy_params_eff300K.yaml.xz"
EXPERIMENT = REPOSITORY / "sample_data" / "cscu2i3_experiment.toml"
TARGETS = ["q=(0,0.4,0) branch=1-2", "q=(0.5,0.5,0) branch=1"]
ZONES = ["0 8 0", "7 7 0"]


def build_plan(path: Path) -> Path:
    """A project with a plan of a few settings, by the command."""
    from simulate.cli.plan import plan

    plan(FORCE_CONSTANTS, EXPERIMENT, target=TARGETS, zone=ZONES, output=path)
    return path


def small_map(**changes: Any) -> dict[str, Any]:
    """A choice of the document: a map of few points."""
    return {**MapSettings(points=15, modes="energy=3-5").as_choice(), **changes}


def show_plan(window: MainWindow, qtbot: QtBot, **changes: Any) -> PlanTab:
    """The tab Plan of a window with a map of few points, once it is ready."""
    document = window.project.document.with_choice("plan", "map", small_map(**changes))
    window.project.apply(document, "what the map shows")
    window.show_tab("plan")
    page = window.page
    assert isinstance(page, PlanTab)
    wait_ready(page, qtbot)
    return page


def wait_ready(page: PlanTab, qtbot: QtBot) -> None:
    """Until nothing changes any more."""
    qtbot.waitUntil(lambda: page.ready, timeout=60_000)
