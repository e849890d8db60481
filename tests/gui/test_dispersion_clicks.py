"""Points, branches, layers: what is drawn is what the project holds, and clicks find it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyqtgraph as pg
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from gui.theme import THEMES
from gui.views.dispersion_tab import DispersionTab
from gui.window import MainWindow
from ixs_core.project import Project
from ixs_reduce.dispersion_points import mode_points
from ixs_reduce.q_path import q_paths
from ixs_reduce.store import read_fits
from simulate.sqe_results import read_sqe
from tests.gui import dispersion_project
from tests.gui.dispersion_project import FITTED, KEY, LINE, ROW, spectrum_id, wait_drawn
from tests.gui.gestures import click, hover, place_of

row_project = dispersion_project.row_project
page = dispersion_project.page
window_page = dispersion_project.window_page


def _alone(page: DispersionTab, number: int) -> int:
    """The number of the first point from there on that no other point is near to."""
    assert page.view is not None
    points = page.view.points
    for i in range(number, len(points)):
        others = [p for p in points if p is not points[i] and p.position == points[i].position]
        if all(abs(p.energy - points[i].energy) > 1.0 for p in others):
            return i
    raise AssertionError("no point stands alone")


def test_points_are_those_of_the_core(page: DispersionTab, row_project: Path) -> None:
    with Project(row_project).reading() as h5:
        fits = read_fits(h5, KEY)
    (path,) = q_paths(fits)
    assert page.view is not None
    wanted = mode_points(path, by_branch=False)
    assert [repr(p) for p in page.view.points] == [repr(p) for p in wanted]
    drawn = _symbols(page.maps.marks["measured"].items)
    assert np.array(sorted(drawn)) == pytest.approx(
        np.array(sorted((p.position, p.energy) for p in wanted))
    )


def _symbols(items: list[pg.GraphicsObject]) -> list[tuple[float, float]]:
    found = []
    for item in items:
        if isinstance(item, pg.ScatterPlotItem):
            found += list(zip(*item.getData(), strict=True))
    return [(float(x), float(y)) for x, y in found]


def test_a_click_on_a_point_opens_its_fit(page: DispersionTab, qtbot: QtBot) -> None:
    view, project = page.view, page.desk.project
    assert view is not None
    for plot, number in (("measured", 3), ("difference", 5), ("energies", 7)):
        point = view.points[_alone(page, number)]
        wanted = view.path.fits[point.fit].spectrum.analyzer
        canvas = page.panels if plot == "energies" else page.maps
        place = place_of(canvas.widget, canvas.plots[plot], point.position, point.energy)
        with qtbot.waitSignal(project.tab_wanted) as asked:
            click(qtbot, canvas.widget, place)
        assert asked.args == ["fit"]
        assert project.current == spectrum_id(str(wanted))


def test_a_click_on_a_width_opens_its_fit(
    page: DispersionTab,
    qtbot: QtBot,
) -> None:
    view = page.view
    assert view is not None
    known = [p for p in view.points if p.limit is None and p.fwhm < view.ends[1]]
    point = known[0]
    place = place_of(page.panels.widget, page.panels.plots["widths"], point.position, point.fwhm)
    with qtbot.waitSignal(page.desk.project.tab_wanted):
        click(qtbot, page.panels.widget, place)
    assert page.desk.project.current == spectrum_id(
        str(view.path.fits[point.fit].spectrum.analyzer)
    )


def test_a_click_on_a_column_selects_its_spectrum_a_double_click_opens_it(
    window: MainWindow,
    window_page: DispersionTab,
    qtbot: QtBot,
) -> None:
    page = window_page
    canvas, plot = page.maps.widget, page.maps.plots["measured"]
    place = place_of(canvas, plot, 6.30, -8.0)
    click(qtbot, canvas, place)
    assert window.project.current == spectrum_id("a06")
    assert window.page is page
    assert "a06" in page.details.toPlainText()
    assert page.maps.markers["measured"].value() == pytest.approx(6.30)
    click(qtbot, canvas, place, double=True)
    assert window.page.name == "fit"


def test_branches_run_along_the_line_and_tell_their_character(
    page: DispersionTab,
    row_project: Path,
    qtbot: QtBot,
) -> None:
    view = page.view
    assert view is not None
    assert {branch.key for branch in view.branches} == {f"path {LINE}"}
    with Project(row_project).reading() as h5:
        lines = read_sqe(h5, f"path {LINE}").lines
    assert len(view.branches) == lines.energy_mev.shape[1]
    # Take a place where one branch is far from all others and from all points.
    i = 13
    at, energies = lines.q_hkl[i, 1], np.sort(lines.energy_mev[i])
    gaps = np.minimum(np.diff(energies, prepend=-9), np.diff(energies, append=99))
    number = int(np.argmax(np.where(energies < 0.95 * view.ends[0], gaps, 0)))
    branch = int(lines.branch[i, np.flatnonzero(lines.energy_mev[i] == energies[number])[0]])
    qtbot.mouseClick(page.layers_bar.boxes["points"], Qt.MouseButton.LeftButton)
    qtbot.mouseClick(page.layers_bar.boxes["uncertain"], Qt.MouseButton.LeftButton)
    canvas = page.panels
    click(
        qtbot,
        canvas.widget,
        place_of(canvas.widget, canvas.plots["energies"], at, energies[number]),
    )
    text = page.details.toPlainText()
    assert "Calculated branch" in text
    assert f"{energies[number]:.3f} meV" in text
    assert f"Branch  {branch} " in text.replace("\xa0", " ") or f"{branch} (" in text


def test_predicted_modes_tell_intensity_and_degeneracy(
    page: DispersionTab,
    qtbot: QtBot,
) -> None:
    view = page.view
    assert view is not None
    for name in ("branches", "points", "overdamped", "uncertain"):
        qtbot.mouseClick(page.layers_bar.boxes[name], Qt.MouseButton.LeftButton)
    modes = view.predicted[4]
    strongest = int(np.argmax(modes.strength))
    canvas = page.panels
    place = place_of(
        canvas.widget, canvas.plots["energies"], modes.position, modes.energy[strongest]
    )
    click(qtbot, canvas.widget, place)
    text = page.details.toPlainText()
    assert "Predicted mode, 5 a07" in text
    assert f"{modes.energy[strongest]:.3f} meV" in text
    assert "e² per primitive cell" in text
    assert "% of all modes" in text


def test_each_layer_can_be_hidden(page: DispersionTab, qtbot: QtBot) -> None:
    view = page.view
    assert view is not None
    boxes = page.layers_bar.boxes
    ordinary = [p for p in view.points if p.trusted and not p.overdamped]
    others = len(view.points) - len(ordinary)
    qtbot.mouseClick(boxes["points"], Qt.MouseButton.LeftButton)
    assert len(_symbols(page.maps.marks["measured"].items)) == others
    for name in ("uncertain", "overdamped"):
        qtbot.mouseClick(boxes[name], Qt.MouseButton.LeftButton)
    assert not _symbols(page.maps.marks["measured"].items)
    assert page.maps.marks["measured"].items
    for name in ("branches", "predicted"):
        qtbot.mouseClick(boxes[name], Qt.MouseButton.LeftButton)
    for marks in (*page.maps.marks.values(), *page.panels.marks.values()):
        assert not marks.items
    for box in boxes.values():
        box.setChecked(True)
    assert len(_symbols(page.maps.marks["measured"].items)) == len(view.points)


def test_limits_and_width_bars_are_drawn_and_hidden(page: DispersionTab, qtbot: QtBot) -> None:
    view = page.view
    assert view is not None
    wide = [p for p in view.points if p.shows_width]
    bars = _bars(page)
    assert len(bars) == len(wide) > 0
    for point in wide:
        assert (point.position, max(point.energy - point.fwhm / 2, 0.0)) in bars
    qtbot.mouseClick(page.layers_bar.boxes["widths"], Qt.MouseButton.LeftButton)
    assert not _bars(page)
    assert "FWHM" in page.layers_bar.boxes["widths"].text()


def _bars(page: DispersionTab) -> set[tuple[float, float]]:
    """Lower ends of the broad bars."""
    found = set()
    for item in page.panels.marks["energies"].items:
        if isinstance(item, pg.PlotCurveItem) and item.opts["pen"].widthF() > 3:
            x, y = item.getData()
            found |= set(zip(x[::2].tolist(), y[::2].tolist(), strict=True))
    return found


def test_undo_of_a_fit_changes_the_points(
    page: DispersionTab,
    qtbot: QtBot,
) -> None:
    project = page.desk.project
    which = spectrum_id("a05")
    fit = project.fit(which)
    assert fit is not None
    assert page.view is not None
    before = [p.energy for p in page.view.points]
    moved = replace(fit, parameters=fit.parameters + np.eye(fit.parameters.size)[0])
    project.apply(project.document.with_fits({which: moved}), "move mode 1")
    wait_drawn(qtbot, page)
    after = [p.energy for p in page.view.points]
    assert after != before
    assert any(e == pytest.approx(fit.modes[0].energy.value + 1.0) for e in after)
    project.apply(project.document.with_fits({which: None}), "remove")
    wait_drawn(qtbot, page)
    assert len(page.view.path.fits) == len(FITTED) - 1
    project.undo_stack.undo()
    project.undo_stack.undo()
    wait_drawn(qtbot, page)
    assert [p.energy for p in page.view.points] == before


def test_another_line_and_scan_set(page: DispersionTab, qtbot: QtBot) -> None:
    page.choices.line.setFocus()
    qtbot.keyClick(page.choices.line, Qt.Key.Key_End)
    wait_drawn(qtbot, page)
    view = page.view
    assert view is not None
    assert view.line.direction is None
    assert len(view.ids) == 27  # all but the dead analyzer
    assert (np.diff(view.line.position) >= 0).all()
    assert page.maps.plots["measured"].getAxis("bottom").labelText.startswith("|Q|")


def test_tool_tip_tells_the_point(page: DispersionTab, qtbot: QtBot) -> None:
    view = page.view
    assert view is not None
    point = view.points[_alone(page, 0)]
    canvas = page.panels
    hover(
        qtbot,
        canvas.widget,
        place_of(canvas.widget, canvas.plots["energies"], point.position, point.energy),
    )
    assert str(view.path.fits[point.fit].spectrum.analyzer) in canvas.widget.toolTip()
    assert "FWHM" in canvas.widget.toolTip()


def test_both_themes_keep_what_is_shown(page: DispersionTab) -> None:
    count = len(page.panels.marks["energies"].items)
    for name in ("dark", "light"):
        page.set_theme(THEMES[name])
        assert len(page.panels.marks["energies"].items) == count


def test_plots_stand_above_each_other(page: DispersionTab) -> None:
    for above, below in (("measured", "energies"), ("calculated", "widths")):
        upper = page.maps.plots[above].getViewBox().screenGeometry()
        lower = page.panels.plots[below].getViewBox().screenGeometry()
        assert abs(upper.left() - lower.left()) <= 1
        assert abs(upper.right() - lower.right()) <= 1


def test_without_predictions_it_says_what_makes_them(opened: MainWindow, qtbot: QtBot) -> None:
    opened.show_tab("dispersion")
    found = opened.pages["dispersion"]
    assert isinstance(found, DispersionTab)
    wait_drawn(qtbot, found)
    assert found.view is not None
    assert found.view.sources == ("fitted models",)
    assert "ixs sqe" in found.details.toPlainText()
    opened.project.apply(opened.project.document.with_fits(dict.fromkeys(found.view.ids)), "remove")
    wait_drawn(qtbot, found)
    assert "ixs sqe FORCE_CONSTANTS --at" in found.maps.notes["calculated"].text
    assert found.maps.notes["difference"].text == "No difference"
    assert not found.maps.bars[1].item.isVisible()
    assert "ixs fit" in found.panels.note.text


def test_without_a_project_it_says_so(window: MainWindow) -> None:
    window.show_tab("dispersion")
    found = window.pages["dispersion"]
    assert isinstance(found, DispersionTab)
    assert found.missing.isVisible()
    assert "No project" in found.missing.text()


def test_all_masked_is_told_and_nothing_breaks(
    page: DispersionTab,
    qtbot: QtBot,
) -> None:
    project = page.desk.project
    names = frozenset(spectrum.analyzer or "" for spectrum in project.spectra(KEY))
    project.apply(project.document.with_mask(KEY, names), "mask all")
    qtbot.waitUntil(lambda: page.ready, timeout=20_000)
    assert any("masked" in message.text for message in page.desk.messages.messages)
    project.undo_stack.undo()
    wait_drawn(qtbot, page)
    assert page.view is not None
    assert [which.analyzer for which in page.view.ids] == list(ROW)
