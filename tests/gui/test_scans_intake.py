"""Files dropped on the window: reduced, merged, copied; and what cannot be read."""

from __future__ import annotations

import os
from pathlib import Path

import h5py
import numpy as np
import pytest
from PySide6.QtCore import QItemSelectionModel, Qt
from pytestqt.qtbot import QtBot

from gui.models.scan_intake import project_beside
from gui.views.scans_tab import ScansTab
from gui.window import MainWindow
from ixs_core.project import Project
from ixs_reduce.cli.reduce import reduce
from ixs_reduce.resolution_fit import ResolutionFit, fit_resolution
from ixs_reduce.store import (
    read_resolutions,
    read_spectra,
    scan_keys,
    spectra_keys,
    write_resolutions,
)
from ixs_reduce.watch_store import same_spectra
from tests.gui.scans_of import drop, scan_file, scans_tab, settle, table_rows


def choose_rows(tab: ScansTab, *keys: str) -> None:
    """Choose rows of the list as Ctrl+click does."""
    tab.list.table.clearSelection()
    flags = QItemSelectionModel.SelectionFlag
    for key in keys:
        number = tab.list.rows.number_of(key)
        assert number is not None
        index = tab.list.rows.index(number, 0)
        tab.list.table.selectionModel().select(index, flags.Select | flags.Rows)


def test_a_dropped_file_begins_a_project_beside_it(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    file = scan_file(tmp_path / "run.spec", (1, 2))
    drop(window, file)
    qtbot.waitUntil(lambda: window.project.path is not None, timeout=20_000)
    tab = settle(qtbot, window)
    assert window.project.path == tmp_path / "run.h5"
    assert any(str(tmp_path / "run.h5") in m.text for m in window.messages.messages)
    reduce([file], tmp_path / "by_command.h5")
    with (
        Project(tmp_path / "run.h5").reading() as here,
        Project(tmp_path / "by_command.h5").reading() as there,
    ):
        assert spectra_keys(here) == spectra_keys(there) == ["run_1", "run_2"]
        for key in spectra_keys(here):
            assert same_spectra(read_spectra(here, key), read_spectra(there, key))
    assert tab.grid.analyzers == ["Ana4", "Ana5"]
    assert tab.pane.key == "run_1"


def test_several_files_go_into_the_open_project(
    qtbot: QtBot, opened: MainWindow, tmp_path: Path
) -> None:
    files = [scan_file(tmp_path / f"{name}.spec") for name in ("one", "two")]
    drop(opened, *files)
    qtbot.waitUntil(lambda: "two_1" in opened.project.contents.analyzers, timeout=20_000)
    tab = settle(qtbot, opened)
    assert opened.project.contents.scans == ("CdOsO_58", "CdOsO_59", "one_1", "two_1")
    assert tab.pane.key == "one_1"
    assert set(table_rows(tab)) == {"CdOsO_58", "CdOsO_59", "one_1", "two_1"}
    assert not opened.project.dirty


def test_what_is_dropped_while_the_first_is_reduced_comes_too(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    tab = scans_tab(window)
    drop(window, scan_file(tmp_path / "one.spec"))
    qtbot.waitUntil(lambda: bool(window.runner.jobs), timeout=10_000)
    drop(window, scan_file(tmp_path / "two.spec"))
    qtbot.waitUntil(lambda: "two_1" in window.project.contents.analyzers, timeout=20_000)
    settle(qtbot, window)
    assert window.project.path == tmp_path / "one.h5"
    assert set(table_rows(tab)) == {"one_1", "two_1"}


def test_a_bad_file_is_a_red_row_with_the_reason(
    qtbot: QtBot, opened: MainWindow, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.spec"
    bad.write_text("#F bad.spec\n\n#S 1  ascan  nothing 0 1  2 1\n#N 1\n#L nothing\n1\n2\n3\n")
    good = scan_file(tmp_path / "good.spec")
    drop(opened, bad, good)
    qtbot.waitUntil(lambda: "good_1" in opened.project.contents.analyzers, timeout=20_000)
    tab = settle(qtbot, opened)
    row = table_rows(tab)["bad.spec"]
    assert row.state == "bad"
    assert row.remarks
    index = tab.list.rows.index(0, 0)
    assert index.data() == "✕ bad.spec"
    color = index.data(Qt.ItemDataRole.ForegroundRole)
    assert color.name() == opened.theme.error
    assert "1 could not be read" in tab.list.count.text()
    (said,) = [m for m in opened.messages.messages if m.level == "error"]
    assert said.text == row.remarks
    assert str(tmp_path) not in row.remarks
    bad.unlink()
    scan_file(bad, (4,))
    drop(opened, bad)
    qtbot.waitUntil(lambda: "bad_4" in opened.project.contents.analyzers, timeout=20_000)
    settle(qtbot, opened)
    assert "bad.spec" not in table_rows(tab)


def test_a_bad_file_alone_makes_no_project(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.spec"
    bad.write_text("#F bad.spec\n\n#S 1  ascan  nothing 0 1  2 1\n#N 1\n#L nothing\n1\n")
    drop(window, bad)
    tab = scans_tab(window)
    qtbot.waitUntil(lambda: bool(tab.intake.failures), timeout=20_000)
    settle(qtbot, window)
    assert table_rows(tab)["bad.spec"].state == "bad"
    assert not (tmp_path / "bad.h5").exists()
    assert window.project.path is None


def test_where_a_project_is_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setattr(Path, "home", lambda: home)
    file = scan_file(tmp_path / "run.spec")
    assert project_beside(file) == tmp_path / "run.h5"
    with h5py.File(tmp_path / "run.h5", "w") as h5:
        h5["raw"] = 1
    assert project_beside(file) == tmp_path / "run-project.h5"
    assert project_beside(tmp_path / "run.h5") == tmp_path / "run-project.h5"
    with Project(tmp_path / "run-project.h5").writing():
        pass
    assert project_beside(file) == tmp_path / "run-project.h5"
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert project_beside(file) == home / "run.h5"


def test_merging_gives_what_reduce_merge_gives(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    file = scan_file(tmp_path / "run.spec", (1, 2))
    drop(window, file)
    qtbot.waitUntil(lambda: window.project.path is not None, timeout=20_000)
    tab = settle(qtbot, window)
    assert not tab.list.merge.isEnabled()
    choose_rows(tab, "run_1", "run_2")
    assert tab.list.merge.isEnabled()
    qtbot.mouseClick(tab.list.merge, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "run_1+2" in window.project.contents.analyzers, timeout=20_000)
    settle(qtbot, window)
    reduce([file], tmp_path / "merged.h5", merge=True)
    with (
        Project(tmp_path / "run.h5").reading() as here,
        Project(tmp_path / "merged.h5").reading() as there,
    ):
        assert same_spectra(read_spectra(here, "run_1+2"), read_spectra(there, "run_1+2"))
        assert scan_keys(here) == ["run_1", "run_2"]
    assert tab.pane.key == "run_1+2"
    assert "merged set" in tab.strip._words[0].toPlainText()
    assert table_rows(tab)["run_1+2"].texts[-1] == "scans 1+2 summed"


def test_masked_spectra_are_left_out_of_a_sum(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    drop(window, scan_file(tmp_path / "run.spec", (1, 2)))
    qtbot.waitUntil(lambda: window.project.path is not None, timeout=20_000)
    tab = settle(qtbot, window)
    tab.pane.set_masked(["Ana4"], masked=True)
    choose_rows(tab, "run_1", "run_2")
    tab.merge_chosen()
    qtbot.waitUntil(lambda: "run_1+2" in window.project.contents.analyzers, timeout=20_000)
    settle(qtbot, window)
    two = {s.analyzer: s for s in window.project.spectra("run_2")}
    summed = {s.analyzer: s for s in window.project.spectra("run_1+2")}
    np.testing.assert_array_equal(summed["Ana4"].counts, two["Ana4"].counts)
    assert summed["Ana5"].counts.sum() > two["Ana5"].counts.sum()
    assert "masked in scan 1" in " ".join(flag.message for flag in summed["Ana4"].flags)


def test_scans_that_are_no_repeats_are_not_merged(qtbot: QtBot, opened: MainWindow) -> None:
    tab = settle(qtbot, opened)
    choose_rows(tab, "CdOsO_58", "CdOsO_59")
    tab.merge_chosen()
    qtbot.waitUntil(lambda: opened.messages.messages[-1:] != [], timeout=20_000)
    settle(qtbot, opened)
    (said,) = [m for m in opened.messages.messages if m.level == "error"]
    assert "are not merged" in said.text
    assert opened.project.contents.scans == ("CdOsO_58", "CdOsO_59")


def resolution_file(path: Path, project: Path) -> ResolutionFit:
    """A file with one resolution, fitted to an elastic-like spectrum of the project."""
    from ixs_core.provenance import provenance_of

    with Project(project).reading() as h5:
        spectrum = next(s for s in read_spectra(h5, "CdOsO_58") if s.analyzer == "Ana7")
    fit = fit_resolution(spectrum)
    with Project(path).writing() as h5:
        write_resolutions(h5, [fit], provenance_of("test"))
    return fit


def test_a_resolution_file_is_copied_into_the_project(
    qtbot: QtBot, opened: MainWindow, small_project: Path, tmp_path: Path
) -> None:
    fit = resolution_file(tmp_path / "R.h5", small_project)
    tab = settle(qtbot, opened)
    drop(opened, tmp_path / "R.h5")
    qtbot.waitUntil(lambda: tab.sources.fit.isEnabled(), timeout=20_000)
    settle(qtbot, opened)
    assert read_resolutions(small_project)["Ana7"].sha256 == fit.resolution.sha256
    assert "Ana7" in opened.messages.messages[-1].text
    drop(opened, tmp_path / "R.h5")
    qtbot.waitUntil(lambda: "already" in opened.messages.messages[-1].text, timeout=20_000)


def test_a_resolution_file_needs_a_project(
    qtbot: QtBot, window: MainWindow, small_project: Path, tmp_path: Path
) -> None:
    resolution_file(tmp_path / "R.h5", small_project)
    drop(window, tmp_path / "R.h5")
    assert "open a project or drop scans first" in window.messages.messages[-1].text


def test_a_project_deleted_under_the_viewer(
    qtbot: QtBot, opened: MainWindow, small_project: Path
) -> None:
    tab = settle(qtbot, opened)
    counts = [p.data.points.counts for p in tab.grid.panels if p.data]
    small_project.unlink()
    opened.project.reload_if_changed()
    tab.mark_stale()
    settle(qtbot, opened)
    assert [p.data.points.counts for p in tab.grid.panels if p.data] == counts
    tab.list.scan_wanted.emit("CdOsO_59")
    settle(qtbot, opened)
    assert "CdOsO_59 cannot be shown" in tab.pane.words.text()
    assert tab.pane.pages.currentWidget() is tab.pane.words


def test_a_damaged_scan_is_a_red_row(qtbot: QtBot, window: MainWindow, small_project: Path) -> None:
    with h5py.File(small_project, "r+") as h5:
        del h5["entry/scans/CdOsO_59/record"]
    window.take(small_project)
    tab = settle(qtbot, window)
    row = table_rows(tab)["CdOsO_59"]
    assert row.state == "bad"
    assert "damaged" in row.remarks
    assert table_rows(tab)["CdOsO_58"].state == "remarks"
