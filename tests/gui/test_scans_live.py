"""Live mode: a process measures into a folder that the window follows."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from gui.models.document import SpectrumId
from gui.views.scans_tab import ScansTab
from gui.window import MainWindow
from ixs_core.project import Project
from ixs_reduce.cli.reduce import reduce
from ixs_reduce.store import read_masks, read_spectra, spectra_keys
from ixs_reduce.watch_store import same_spectra
from tests.conftest import REPOSITORY
from tests.gui.scans_of import drop, panel, scan_file, scans_tab, settle, table_rows
from tests.ixs_reduce.growing_scan import POINTS, data_rows

_WRITER = """
import sys, time
from pathlib import Path
from tests.ixs_reduce.growing_scan import append, data_rows, head
path, pause = Path(sys.argv[1]), float(sys.argv[2])
for number in (1, 2):
    append(path, head(number))
    for line in data_rows(number):
        append(path, line + "\\n")
        time.sleep(pause)
    append(path, "\\n")
    print("scan", number, flush=True)
"""


@contextmanager
def measuring(path: Path, pause_s: float) -> Iterator[subprocess.Popen[str]]:
    """A process that writes two scans point by point."""
    writer = subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(path), str(pause_s)],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield writer
    finally:
        writer.kill()
        writer.wait()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "data"
    made.mkdir()
    return made


@pytest.fixture
def tab(window: MainWindow) -> ScansTab:
    found = scans_tab(window)
    found.watch.interval_s = 0.15
    return found


def stop(qtbot: QtBot, tab: ScansTab, window: MainWindow) -> None:
    if tab.watch.active:
        qtbot.mouseClick(tab.sources.watch, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not window.runner.busy, timeout=20_000)


def points_shown(tab: ScansTab, analyzer: str = "Ana4") -> int:
    shown = tab.grid.panel(analyzer)
    return 0 if shown is None or shown.data is None else shown.data.points.counts.size


def test_points_appear_while_a_process_measures(
    qtbot: QtBot, window: MainWindow, tab: ScansTab, folder: Path, tmp_path: Path
) -> None:
    seen: list[int] = []
    tab.pane.shown.connect(lambda _: seen.append(points_shown(tab)))
    drop(window, folder)
    assert window.project.path == tmp_path / "data.h5"
    assert "waiting for scans" in tab.sources.state.text()
    with measuring(folder / "run.spec", 0.03) as writer:
        qtbot.waitUntil(lambda: 0 < points_shown(tab) < POINTS, timeout=30_000)
        assert tab.pane.key == "run_1"
        assert "now run_1" in tab.sources.state.text()
        assert table_rows(tab)["run_1"].state == "measuring"
        assert tab.list.rows.index(0, 0).data() == "▶ run_1"
        # The scan that begins is the one to see.
        qtbot.waitUntil(lambda: tab.pane.key == "run_2", timeout=30_000)
        assert writer.wait(timeout=60) == 0
    counts = [float(line.split()[-2]) for line in data_rows(2)]

    def whole() -> bool:
        shown = panel(tab, "Ana4").data
        return shown is not None and np.array_equal(shown.points.counts, counts)

    qtbot.waitUntil(whole, timeout=30_000)
    growing = [n for n in seen if 0 < n < POINTS]
    assert len(set(growing)) >= 4
    qtbot.waitUntil(lambda: window.project.current == SpectrumId("run_2", "Ana4"), timeout=30_000)
    qtbot.waitUntil(lambda: table_rows(tab)["run_2"].state != "measuring", timeout=30_000)
    stop(qtbot, tab, window)
    settle(qtbot, window)
    assert tab.sources.state.text() == ""
    reduce([folder / "run.spec"], tmp_path / "by_command.h5")
    with (
        Project(tmp_path / "data.h5").reading() as here,
        Project(tmp_path / "by_command.h5").reading() as there,
    ):
        assert spectra_keys(here) == spectra_keys(there) == ["run_1", "run_2"]
        for key in spectra_keys(here):
            assert same_spectra(read_spectra(here, key), read_spectra(there, key))


def test_the_first_points_are_seen_before_the_project_has_them(
    qtbot: QtBot, window: MainWindow, tab: ScansTab, folder: Path
) -> None:
    from tests.ixs_reduce.growing_scan import append, head

    drop(window, folder)
    append(folder / "run.spec", head(1) + "".join(line + "\n" for line in data_rows(1, 5)))
    qtbot.waitUntil(lambda: points_shown(tab) == 5, timeout=30_000)
    assert window.project.contents.scans == ()
    assert tab.strip.monitor.getData()[0].size == 5
    # The axis is that of the whole scan, so that points appear in their places.
    (low, high), _ = panel(tab, "Ana4").plot.getViewBox().viewRange()
    assert (low, high) == (-15, 15)
    stop(qtbot, tab, window)


def test_another_scan_may_be_looked_at_meanwhile(
    qtbot: QtBot, window: MainWindow, tab: ScansTab, folder: Path
) -> None:
    scan_file(folder / "before.spec", (7, 8))
    drop(window, folder)
    qtbot.waitUntil(lambda: "before_8" in window.project.contents.analyzers, timeout=30_000)
    with measuring(folder / "run.spec", 0.05):
        qtbot.waitUntil(lambda: tab.pane.key == "run_1", timeout=30_000)
        window.project.select(SpectrumId("before_7", "Ana5"))
        qtbot.waitUntil(
            lambda: tab.pane.content is not None and tab.pane.content.key == "before_7",
            timeout=30_000,
        )
        text = table_rows(tab)["run_1"].texts[1]
        qtbot.waitUntil(lambda: table_rows(tab)["run_1"].texts[1] != text, timeout=30_000)
        assert tab.pane.key == "before_7"
    stop(qtbot, tab, window)


def test_a_bad_file_in_the_folder_is_a_red_row_until_it_is_good(
    qtbot: QtBot,
    window: MainWindow,
    tab: ScansTab,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ixs_reduce.watch_folder._PATIENCE_S", 0.5)
    bad = folder / "bad.spec"
    bad.write_text("#F bad.spec\n\n#S 1  ascan  herixE 0 1  2 1\n#N 2\n#L HerixE\n1 2\n2 3\n")
    scan_file(folder / "good.spec")
    drop(window, folder)
    qtbot.waitUntil(lambda: "good_1" in window.project.contents.analyzers, timeout=30_000)
    qtbot.waitUntil(lambda: "bad.spec" in table_rows(tab), timeout=60_000)
    row = table_rows(tab)["bad.spec"]
    assert row.state == "bad"
    assert row.remarks.startswith("line 6: a line does not hold one number per label")
    assert tab.list.rows.index(0, 1).data() == row.remarks
    assert "1 could not be read" in tab.list.count.text()
    bad.unlink()
    scan_file(bad, (3,))
    qtbot.waitUntil(lambda: "bad.spec" not in table_rows(tab), timeout=30_000)
    assert "bad_3" in table_rows(tab)
    stop(qtbot, tab, window)


def test_a_scan_file_that_is_deleted_keeps_its_scans(
    qtbot: QtBot, window: MainWindow, tab: ScansTab, folder: Path
) -> None:
    file = scan_file(folder / "run.spec")
    drop(window, folder)
    qtbot.waitUntil(lambda: "run_1" in window.project.contents.analyzers, timeout=30_000)
    file.unlink()
    qtbot.waitUntil(
        lambda: any("run.spec is gone" in m.text for m in window.messages.messages),
        timeout=30_000,
    )
    settle_row = table_rows(tab)["run_1"]
    assert settle_row.state in ("good", "remarks")
    assert points_shown(tab) == POINTS
    stop(qtbot, tab, window)
    assert window.project.contents.scans == ("run_1",)


def test_the_job_is_listed_and_its_cancel_ends_it(
    qtbot: QtBot, window: MainWindow, tab: ScansTab, folder: Path
) -> None:
    drop(window, folder)
    (job,) = [job for job in window.runner.jobs if not job.quiet]
    assert job.title == "watching data"
    qtbot.waitUntil(lambda: job.state == "running", timeout=10_000)
    assert tab.sources.watch.text() == "Stop watching"
    (cancel,) = [
        b
        for b in window.messages_dock.findChildren(QPushButton)
        if b.accessibleName() == "Cancel watching data"
    ]
    qtbot.mouseClick(cancel, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not window.runner.busy, timeout=10_000)
    assert tab.sources.watch.text() == "Watch folder…"
    assert not tab.watch.active


def test_without_resolutions_there_is_no_fitting(
    qtbot: QtBot, window: MainWindow, tab: ScansTab, folder: Path
) -> None:
    drop(window, folder)
    qtbot.waitUntil(lambda: tab.watch.active, timeout=10_000)
    assert not tab.sources.fit.isEnabled()
    assert "ixs resolution" in tab.sources.fit.toolTip()
    stop(qtbot, tab, window)


def test_fits_are_made_while_watching(
    qtbot: QtBot, window: MainWindow, tab: ScansTab, folder: Path, tmp_path: Path
) -> None:
    project = project_with_resolutions(tmp_path / "fits.h5")
    window.take(project)
    settle(qtbot, window)
    assert tab.sources.fit.isEnabled()
    tab.sources.fit.setChecked(True)
    scan_file(folder / "run.spec")
    drop(window, folder)
    qtbot.waitUntil(lambda: "run_1" in window.project.contents.fitted, timeout=60_000)
    stop(qtbot, tab, window)
    window.project.select(SpectrumId("run_1", "Ana4"))
    settle(qtbot, window)
    shown = panel(tab, "Ana4").data
    assert shown is not None
    assert shown.curve is not None
    assert window.project.is_fitted(SpectrumId("run_1", "Ana4"))


def test_opening_another_project_ends_the_watcher(
    qtbot: QtBot, window: MainWindow, tab: ScansTab, folder: Path, small_project: Path
) -> None:
    scan_file(folder / "run.spec")
    drop(window, folder)
    qtbot.waitUntil(lambda: "run_1" in window.project.contents.analyzers, timeout=30_000)
    window.take(small_project)
    qtbot.waitUntil(lambda: not tab.watch.active, timeout=10_000)
    told = [m for m in window.messages.messages if m.level == "warning"]
    assert [(m.subject, m.text) for m in told] == [
        ("watching data", "ended: another project was opened")
    ]
    settle(qtbot, window)
    assert set(table_rows(tab)) == {"CdOsO_58", "CdOsO_59"}
    assert tab.sources.state.text() == ""


def test_the_window_closes_while_watching(
    qtbot: QtBot, window: MainWindow, tab: ScansTab, folder: Path, tmp_path: Path
) -> None:
    drop(window, folder)
    with measuring(folder / "run.spec", 0.02):
        qtbot.waitUntil(lambda: points_shown(tab) > 12, timeout=30_000)
        window.close()
    assert not window.isVisible()
    qtbot.waitUntil(lambda: not window.runner.busy, timeout=10_000)
    with Project(tmp_path / "data.h5").reading() as h5:
        (first,) = [s for s in read_spectra(h5, "run_1") if s.analyzer == "Ana4"]
    assert first.counts.size > 9


def project_with_resolutions(path: Path) -> Path:
    """A project of one scan, with the resolution functions of its analyzers."""
    from ixs_core.provenance import provenance_of
    from ixs_reduce.resolution_fit import fit_resolution
    from ixs_reduce.spectrum import Spectrum
    from ixs_reduce.store import write_resolutions
    from tests.ixs_reduce.growing_scan import R

    energy = np.linspace(-12, 12, 97)
    fits = []
    for name, resolution in R.items():
        counts = np.random.default_rng(3).poisson(20_000 * resolution(energy) + 2)
        fits.append(
            fit_resolution(
                Spectrum(energy, counts.astype(float), np.ones(energy.size), analyzer=name)
            )
        )
    reduce([scan_file(path.with_name("earlier.spec"), (5,))], path)
    with Project(path).writing() as h5:
        write_resolutions(h5, fits, provenance_of("test"))
    return path


def test_saved_as_another_project_the_watcher_goes_on_in_that(
    qtbot: QtBot, window: MainWindow, tab: ScansTab, folder: Path, tmp_path: Path
) -> None:
    from tests.ixs_reduce.growing_scan import append, head

    copy = tmp_path / "copy.h5"
    scan_file(folder / "run.spec")
    drop(window, folder)
    qtbot.waitUntil(lambda: "run_1" in window.project.contents.analyzers, timeout=30_000)
    project = window.project
    project.apply(project.document.with_mask("run_1", frozenset({"Ana4"})), "mask")
    project.save_as(copy)
    qtbot.waitUntil(lambda: project.path == copy, timeout=30_000)
    qtbot.waitUntil(lambda: tab.watch.active and tab.watch.output == copy, timeout=30_000)
    append(folder / "run.spec", "\n" + head(2) + "".join(line + "\n" for line in data_rows(2)))
    qtbot.waitUntil(lambda: "run_2" in project.contents.analyzers, timeout=30_000)
    stop(qtbot, tab, window)
    with Project(copy).reading() as h5:
        assert spectra_keys(h5) == ["run_1", "run_2"]
        assert read_masks(h5) == {"run_1": {"Ana4"}}
    with Project(tmp_path / "data.h5").reading() as h5:
        assert spectra_keys(h5) == ["run_1"]
    assert [m.text for m in window.messages.messages if m.level != "info"] == []


def test_saving_while_the_watcher_writes_loses_nothing_of_either(
    qtbot: QtBot, window: MainWindow, tab: ScansTab, folder: Path, tmp_path: Path
) -> None:
    scan_file(folder / "before.spec", (7,))
    drop(window, folder)
    qtbot.waitUntil(lambda: "before_7" in window.project.contents.analyzers, timeout=30_000)
    project, names = window.project, ("Ana4", "Ana5", "Ana6", "Ana7", "Ana8")
    with measuring(folder / "run.spec", 0.01) as writer:
        saves = 0
        while writer.poll() is None:
            masked = frozenset(names[: saves % 5 + 1])
            project.apply(project.document.with_mask("before_7", masked), "mask")
            project.save()
            saves += 1
            qtbot.wait(100)
    stop(qtbot, tab, window)
    assert not project.dirty
    with Project(tmp_path / "data.h5").reading() as h5:
        assert spectra_keys(h5) == ["before_7", "run_1", "run_2"]
        assert read_masks(h5) == {"before_7": frozenset(names[: (saves - 1) % 5 + 1])}
    assert [m.text for m in window.messages.messages if m.level != "info"] == []
