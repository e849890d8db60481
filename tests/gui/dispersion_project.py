"""A small project of simulated CsCu2I3 scans with predictions, for tests of the tab Dispersion."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from gui.app import make_application
from gui.messages import MessageLog
from gui.models.document import SpectrumId
from gui.models.project_model import ProjectModel
from gui.runner import Runner
from gui.settings import Settings
from gui.theme import LIGHT
from gui.views.dispersion_tab import DispersionTab
from gui.views.tab import Desk
from gui.window import MainWindow
from sample_data.demo import EXPERIMENT, FORCE_CONSTANTS, IONS
from sample_data.simulate_bl43lxu import write_scans

KEY = "simulated_CsCu2I3_bl43lxu_5"
ROW = ("a03", "a04", "a05", "a06", "a07", "a08", "a09")
FITTED = ROW[:-1]
LINE = "6.55205 5.67188 0 : 7.42912 6.94815 0 : 21"
"""A calculated path along the row."""

CROSSING = "7 7 0 : 7 6 0 : 41"
"""A calculated path that crosses the row at a03 … a09 and does not run along it."""


@cache
def _build(folder: Path) -> Path:
    """Scan 5 (600 K): modes predicted for all, two fitted in six spectra of the first row."""
    from ixs_reduce.cli.fit import fit
    from ixs_reduce.cli.reduce import reduce
    from simulate.cli.sqe import sqe

    path = folder / "row.h5"
    scans = write_scans(folder / "scans")
    reduce([scans], path, scans="5", experiment=EXPERIMENT)
    sqe(FORCE_CONSTANTS, at=path, form_factor=IONS, debye_waller="none")
    for line in (LINE, CROSSING):
        sqe(
            FORCE_CONSTANTS,
            path=line,
            form_factor=IONS,
            experiment=EXPERIMENT,
            output=path,
            debye_waller="none",
            temperature=300,
        )
    fit(path, scans="5", analyzers=",".join(FITTED), modes="2", starts=1, fwhm=1.6)
    return path


@pytest.fixture
def row_project(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Path:
    """A project of one's own; it is built once for all tests."""
    folder = tmp_path_factory.getbasetemp() / "dispersion"
    folder.mkdir(exist_ok=True)
    return Path(shutil.copy(_build(folder), tmp_path / "row.h5"))


@pytest.fixture
def page(qtbot: QtBot, row_project: Path, settings: Settings) -> Iterator[DispersionTab]:
    """The tab with the project, drawn, without the rest of the window."""
    make_application(LIGHT)
    runner, messages = Runner(), MessageLog()
    project = ProjectModel(runner, messages)
    found = DispersionTab(Desk(project, runner, messages, settings), LIGHT)
    found.resize(1140, 640)
    qtbot.addWidget(found)
    found.show()
    qtbot.waitExposed(found)
    project.open(row_project)
    wait_drawn(qtbot, found)
    yield found
    runner.stop()


@pytest.fixture
def window_page(window: MainWindow, row_project: Path, qtbot: QtBot) -> DispersionTab:
    """The tab with the project, drawn, in its window."""
    window.take(row_project)
    window.show_tab("dispersion")
    found = window.pages["dispersion"]
    assert isinstance(found, DispersionTab)
    wait_drawn(qtbot, found)
    return found


def wait_drawn(qtbot: QtBot, page: DispersionTab) -> None:
    """Wait until all that was asked for is drawn."""
    qtbot.waitUntil(lambda: page.ready and page.view is not None, timeout=30_000)
    qtbot.wait(50)


def spectrum_id(analyzer: str) -> SpectrumId:
    """A spectrum of the project."""
    return SpectrumId(KEY, analyzer)
