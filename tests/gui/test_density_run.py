"""The tab Density: a reconstruction from the window."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from gui.views.density_tab import DensityTab
from gui.window import MainWindow
from ixs_core.project import Project
from mem import read_reflections, reconstruct
from mem.steps import SolverStep
from mem.store import read_density_result, read_stored_density
from tests.gui.density_window import KEY, settled, small_cif


@pytest.fixture(scope="session")
def cif(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Simulated structure factors at 300 K."""
    return small_cif(tmp_path_factory.mktemp("factors"), 300)


@pytest.fixture
def form(window: MainWindow, cif: Path, tmp_path: Path, qtbot: QtBot) -> DensityTab:
    """The tab of an empty project, with a CIF dropped on it and a coarse grid."""
    window.project.create(tmp_path / "new.h5")
    window.take(cif)
    tab = settled(qtbot, window)
    assert window.page is tab
    assert tab.page.form.isVisible()
    tab.page.form.grid_step.setValue(0.3)
    return tab


def test_a_run_from_the_window_is_that_of_the_core(
    form: DensityTab, cif: Path, qtbot: QtBot
) -> None:
    window = form.window()
    assert isinstance(window, MainWindow)
    page = form.page.form
    qtbot.mouseClick(page.start, Qt.MouseButton.LeftButton)
    assert page.running
    qtbot.waitUntil(lambda: len(page.steps) > 2, timeout=60_000)
    settled(qtbot, window)
    expected = reconstruct(read_reflections(cif), grid_step=0.3)
    assert expected.report is not None
    assert form.current == KEY
    new = form.document.densities[KEY]
    assert np.allclose(new.density.values, expected.values, rtol=1e-9)
    s = new.result.statistics
    assert s["chi2"] == pytest.approx(expected.report.chi2, rel=1e-9)
    assert s["r_factor"] == pytest.approx(expected.report.r_factor, rel=1e-9)
    assert page.steps[-1].chi2 == pytest.approx(expected.report.chi2, rel=1e-6)
    assert page.steps[-1].r_factor == pytest.approx(expected.report.r_factor, rel=1e-6)
    x, y = page.chi2.getData()
    assert np.array_equal(x, [step.number for step in page.steps])
    assert np.allclose(10**y, [step.chi2 for step in page.steps])
    assert form.page.sections.panels[0].cut is not None
    assert f"{100 * expected.report.r_factor:.2f} %" in form.page.numbers.toPlainText()


def test_a_run_is_undone_and_saved(form: DensityTab, qtbot: QtBot) -> None:
    window = form.window()
    assert isinstance(window, MainWindow)
    page = form.page.form
    page.begin()
    settled(qtbot, window)
    window.project.undo_stack.undo()
    settled(qtbot, window)
    assert form.current == ""
    assert form.page.sections.words.isVisible()
    window.project.undo_stack.redo()
    page.weighting.setValue(4)
    page.begin()
    settled(qtbot, window)
    assert set(form.document.densities) == {KEY, f"{KEY}_2"}
    window.project.save()
    settled(qtbot, window)
    assert not window.project.dirty
    assert window.project.path is not None
    with Project(window.project.path).reading() as h5:
        stored = read_stored_density(h5, f"{KEY}_2")
        assert read_density_result(h5, f"{KEY}_2").statistics["weighting"] == 4
    made = form.document.densities[f"{KEY}_2"].density.values
    assert np.array_equal(stored.values, made.astype(np.float32))
    assert "not saved" not in form.page.list.list.item(1).text()


@pytest.mark.parametrize("how", ["button", "escape", "job"])
def test_cancel_keeps_the_last_map(form: DensityTab, qtbot: QtBot, how: str) -> None:
    """Sakata-Sato takes thousands of steps: it is stopped on its way."""
    window = form.window()
    assert isinstance(window, MainWindow)
    page = form.page.form
    page.solver.setCurrentText("sakata-sato")
    page.begin()
    qtbot.waitUntil(lambda: len(page.steps) > 20, timeout=60_000)
    if how == "button":
        qtbot.mouseClick(page.stop, Qt.MouseButton.LeftButton)
    elif how == "escape":
        qtbot.keyClick(window, Qt.Key.Key_Escape)
    else:
        window.runner.jobs[0].cancel()
    settled(qtbot, window)
    new = form.document.densities[KEY]
    report = new.density.report
    assert report is not None
    assert report.stopped == "cancelled"
    assert not report.converged
    last: SolverStep = page.steps[-1]
    assert 1.0 < report.chi2 <= page.steps[5].chi2
    assert report.chi2 == pytest.approx(last.chi2, rel=0.05)
    assert new.density.values.min() > 0
    assert form.current == KEY
    assert form.page.sections.panels[0].cut is not None
    assert page.state.text().startswith("Cancelled: χ²")
    assert "cancelled" in form.page.list.list.item(0).text()
    assert page.start.isEnabled()


def test_a_run_that_cannot_be_says_why(form: DensityTab, qtbot: QtBot) -> None:
    window = form.window()
    assert isinstance(window, MainWindow)
    page = form.page.form
    page.begin()
    settled(qtbot, window)
    kept = form.loaded
    page.moments.setText("three")
    page.begin()
    assert "not a list of moments" in page.state.text()
    page.moments.setText("2")
    page.target.setValue(0.01)
    page.prior.setCurrentText("nothing.ccp4")
    page.begin()
    settled(qtbot, window)
    assert page.state.text().startswith("Failed: ")
    assert window.messages.messages[-1].level == "error"
    assert form.loaded is kept
    assert page.start.isEnabled()


def test_resampling_from_the_window_gives_a_band(form: DensityTab, qtbot: QtBot) -> None:
    window = form.window()
    assert isinstance(window, MainWindow)
    page = form.page.form
    page.path.setText("0.35 0.5 0.25 : 0.65 0.5 0.25")
    page.path.setModified(True)
    page.plane.setText("0 1 0")
    page.plane.setModified(True)
    page.bootstrap.setValue(2)
    page.begin()
    settled(qtbot, window)
    (path,) = form.document.densities[KEY].result.paths
    assert path.band is not None
    assert path.null is not None
    (drawn,) = form.page.profile_area.profile.profiles
    assert drawn.stored
    assert form.page.profile_area.words.text() == path.claim


def test_opening_another_project_drops_a_run(
    form: DensityTab, tmp_path: Path, qtbot: QtBot
) -> None:
    window = form.window()
    assert isinstance(window, MainWindow)
    page = form.page.form
    page.solver.setCurrentText("sakata-sato")
    page.begin()
    qtbot.waitUntil(lambda: len(page.steps) > 5, timeout=60_000)
    window.project.create(tmp_path / "other.h5")
    settled(qtbot, window)
    assert not form.document.densities
    assert "dropped" in window.messages.messages[-1].text


def test_closing_during_a_run_ends_it(form: DensityTab, qtbot: QtBot) -> None:
    window = form.window()
    assert isinstance(window, MainWindow)
    page = form.page.form
    page.solver.setCurrentText("sakata-sato")
    page.begin()
    qtbot.waitUntil(lambda: len(page.steps) > 5, timeout=60_000)
    window._may_leave = lambda: True  # type: ignore[method-assign]
    window.close()
    qtbot.waitUntil(lambda: not window.runner.busy, timeout=20_000)
