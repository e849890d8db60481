"""A project of 2,000 scans: shown at once, read as it comes into sight."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from gui.window import MainWindow
from ixs_core.project import Project
from ixs_reduce.cli.reduce import reduce
from tests.gui.scans_of import scan_file, scans_tab, settle

SCANS = 2000


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One scan of two analyzers, 2,000 times."""
    folder = tmp_path_factory.mktemp("many")
    path = folder / "many.h5"
    reduce([scan_file(folder / "run.spec", points=12)], path)
    with Project(path).writing() as h5:
        for kind in ("scans", "spectra"):
            home = h5["entry"][kind]
            for number in range(2, SCANS + 1):
                h5.copy(home["run_1"], home, name=f"run_{number}")
    return path


def test_2000_scans_are_listed_at_once_and_read_when_seen(
    qtbot: QtBot, window: MainWindow, many: Path
) -> None:
    tab = scans_tab(window)
    started = time.process_time()
    window.take(many)
    rows = tab.list.rows
    assert rows.rowCount() == SCANS
    qtbot.waitUntil(lambda: not tab.pane.pending and rows.row(0).state != "unread", timeout=20_000)
    first_seen = time.process_time() - started
    # The last is read on its own account as soon as it is in sight.
    tab.list.table.scrollToBottom()
    qtbot.waitUntil(lambda: rows.row(SCANS - 1).state != "unread", timeout=20_000)
    settle(qtbot, window, timeout=60_000)
    assert sum(row.state == "unread" for row in rows.rows) > SCANS / 2
    # 2 s is the aim; what disturbs a loaded machine is allowed for.
    assert first_seen < 6.0
    tab.list.table.scrollToTop()
    settle(qtbot, window)
    # Rows are read again only when they are seen.
    asked: list[tuple[str, ...]] = []
    tab.list.rows.wanted.connect(asked.append)
    window.project.contents_changed.emit()
    qtbot.waitUntil(lambda: bool(asked), timeout=20_000)
    settle(qtbot, window)
    assert sum(len(keys) for keys in asked) < 100
    tab.list.table.setFocus()
    for _ in range(5):
        qtbot.keyClick(tab.list.table, Qt.Key.Key_Down)
    settle(qtbot, window)
    assert tab.pane.content is not None
    assert tab.pane.content.key == "run_6"
    assert window.project.current is not None
    assert window.project.current.key == "run_6"
