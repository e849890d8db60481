"""The viewer's window, small projects to open in it, and gestures."""

from __future__ import annotations

import gc
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from pytestqt.qtbot import QtBot

from gui.app import make_application
from gui.settings import Settings
from gui.theme import LIGHT
from gui.window import MainWindow
from sample_data.demo import cd2os2o7_scans
from tests.conftest import REPOSITORY

RESOLUTION = REPOSITORY / "sample_data" / "herix30id_resolution.json"


@pytest.fixture(autouse=True, scope="module")
def collected_in_this_thread() -> Iterator[None]:
    """Windows of ended tests die here, as in `gui.app`, and never in a worker's thread."""
    gc.disable()
    yield
    gc.collect()
    gc.enable()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of their own for each test."""
    return Settings(tmp_path / "viewer.ini")


@pytest.fixture
def window(qtbot: QtBot, settings: Settings) -> Iterator[MainWindow]:
    """An open window without a project; it closes without asking."""
    make_application(LIGHT)
    viewer = MainWindow(settings, LIGHT)
    viewer.show()
    qtbot.waitExposed(viewer)
    yield viewer
    viewer.asks = False
    viewer.close()
    viewer.deleteLater()
    # Now, not with the next event loop: what lives on slows every window that follows.
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)


@pytest.fixture(scope="session")
def _built_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Scans 58 and 59 of Cd2Os2O7 (HERIX), reduced; 58 fitted with two modes."""
    from ixs_reduce.cli.fit import fit
    from ixs_reduce.cli.reduce import reduce

    path = tmp_path_factory.mktemp("gui") / "small.h5"
    reduce([cd2os2o7_scans()], path, scans="58-59")
    fit(path, resolution=RESOLUTION, scans="58", modes="2", analyzers="Ana5,Ana6,Ana7", starts=1)
    return path


@pytest.fixture
def small_project(_built_project: Path, tmp_path: Path) -> Path:
    """A project of one's own: CdOsO_58 (fits of Ana5, Ana6, Ana7) and CdOsO_59 (none)."""
    return Path(shutil.copy(_built_project, tmp_path / "small.h5"))


@pytest.fixture
def opened(window: MainWindow, small_project: Path, qtbot: QtBot) -> MainWindow:
    """The window with the small project open."""
    window.take(small_project)
    qtbot.waitUntil(lambda: not window.runner.busy, timeout=10_000)
    assert window.project.path == small_project
    return window
