"""The tab Simulation, driven by mouse and keys."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QCheckBox, QTreeWidgetItem
from pytestqt.qtbot import QtBot

from gui.models.document import SpectrumId
from gui.models.simulation_drawing import Curve
from gui.models.simulation_results import GROUPS
from gui.plots.export import write_export
from gui.theme import DARK
from gui.views.simulation_tab import SimulationTab
from gui.window import MainWindow
from ixs_core.errors import InputError
from ixs_core.project import Project
from simulate.md.displacements import mean_square_displacement
from simulate.md.reading import read_trajectory
from simulate.md.store import write_store
from tests.gui import simulated_project as made
from tests.gui.gestures import drag, hover, place_of


@pytest.fixture(scope="session")
def _simulated(_built_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = Path(shutil.copy(_built_project, tmp_path_factory.mktemp("simulated") / "small.h5"))
    made.add_simulations(path)
    return path


@pytest.fixture
def tab(window: MainWindow, _simulated: Path, tmp_path: Path, qtbot: QtBot) -> SimulationTab:
    """The tab with the project of simulated results open and drawn."""
    path = Path(shutil.copy(_simulated, tmp_path / "simulated.h5"))
    window.take(path)
    window.show_tab("simulation")
    found = window.pages["simulation"]
    assert isinstance(found, SimulationTab)
    settled(qtbot, found)
    return found


def settled(qtbot: QtBot, tab: SimulationTab) -> None:
    qtbot.waitUntil(lambda: tab.ready and not tab.desk.runner.busy, timeout=20_000)


def row_of(tab: SimulationTab, text: str) -> QTreeWidgetItem:
    found = tab.results.findItems(text, Qt.MatchFlag.MatchStartsWith | Qt.MatchFlag.MatchRecursive)
    assert found, text
    return found[0]


def click_row(qtbot: QtBot, tab: SimulationTab, text: str) -> None:
    """Click a row of the list of results."""
    item = row_of(tab, text)
    tab.results.scrollToItem(item)
    place = tab.results.visualItemRect(item).center()
    qtbot.mouseClick(tab.results.viewport(), Qt.MouseButton.LeftButton, pos=place)
    settled(qtbot, tab)


def tick(qtbot: QtBot, tab: SimulationTab, text: str) -> None:
    """Click the box of a row."""
    item = row_of(tab, text)
    tab.results.scrollToItem(item)
    box = tab.results.visualItemRect(item)
    place = QPoint(box.left() + 9, box.center().y())
    before = item.checkState(0)
    qtbot.mouseClick(tab.results.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert row_of(tab, text).checkState(0) != before
    settled(qtbot, tab)


def click_box(qtbot: QtBot, box: QCheckBox) -> None:
    qtbot.mouseClick(box, Qt.MouseButton.LeftButton, pos=QPoint(8, box.height() // 2))


def curves(tab: SimulationTab, name: str, panel: int = 0) -> list[Curve]:
    assert tab.page.drawing is not None
    return [one for one in tab.page.drawing.panels[panel].curves if one.name == name]


def errors(window: MainWindow) -> list[str]:
    return [m.text for m in window.messages.messages if m.level == "error"]


def test_without_a_project_it_says_what_to_do(window: MainWindow, qtbot: QtBot) -> None:
    window.show_tab("simulation")
    found = window.pages["simulation"]
    assert isinstance(found, SimulationTab)
    assert "Drop a project" in found.page.message.text()
    with pytest.raises(InputError, match="no simulated result"):
        found.export()


def test_a_project_without_results_says_what_to_run(opened: MainWindow, qtbot: QtBot) -> None:
    opened.show_tab("simulation")
    found = opened.pages["simulation"]
    assert isinstance(found, SimulationTab)
    settled(qtbot, found)
    text = found.page.message.text()
    assert found.page.message.isVisible()
    for command in ("ixs md msd", "ixs md pdos", "ixs md sqw", "ixs overlay", "ixs kappa wigner"):
        assert command in text
    click_row(qtbot, found, "Green-Kubo")
    assert "ixs kappa green-kubo" in found.page.message.text()


def test_the_first_group_is_drawn_and_others_by_a_click(tab: SimulationTab, qtbot: QtBot) -> None:
    assert tab.results.group.name == "displacements"
    assert len(tab.plots.plots) == 1
    for title, panels in (
        ("Phonon density", 2),
        ("S(Q,ω)", 2),
        ("Over the measured", 2),
        ("Lifetimes", 1),
        ("Thermal", 2),
        ("Green-Kubo", 2),
    ):
        click_row(qtbot, tab, title)
        if tab.page.button.isVisible():
            qtbot.mouseClick(tab.page.button, Qt.MouseButton.LeftButton)
        assert len(tab.plots.plots) == panels, title
        for plot in tab.plots.plots:
            assert plot.getAxis("left").labelText
            assert plot.getAxis("left").width() == tab.plots.plots[0].getAxis("left").width()
        assert tab.page.table.rowCount() > 0
        assert tab.page.notes.text()
    assert not errors(tab.window())  # type: ignore[arg-type]


def test_the_drawn_line_of_d_has_the_known_slope(tab: SimulationTab, qtbot: QtBot) -> None:
    tab.bar.log.setChecked(False)
    (name,) = [one for one in tab.legend.boxes if one.startswith("Cu, 300 K: D = ")]
    x, y = tab.plots.items[name][0].getData()
    slope = (y[-1] - y[0]) / (x[-1] - x[0])
    assert slope == pytest.approx(2 * sum(made.D_CM2_S) * 1e4, rel=1e-6)
    click_box(qtbot, tab.bar.log)
    assert tab.bar.view.log
    x, y = tab.plots.items["Cu, 300 K"][-1].getData()
    assert np.diff(y) / np.diff(x) == pytest.approx(1.0)  # logarithms: MSD goes with t


def test_an_entry_of_the_legend_hides_and_shows_its_curve(tab: SimulationTab, qtbot: QtBot) -> None:
    name = "Cu, 300 K"
    items = tab.plots.items[name]
    assert all(item.isVisible() for item in items)
    click_box(qtbot, tab.legend.boxes[name])
    assert not any(item.isVisible() for item in items)
    exported = tab.export()
    assert name not in {row[1] for row in exported.table.rows}
    click_row(qtbot, tab, "Lifetimes")
    click_row(qtbot, tab, "Mean-square")
    assert not tab.legend.boxes[name].isChecked()
    assert not any(item.isVisible() for item in tab.plots.items[name])
    click_box(qtbot, tab.legend.boxes[name])
    assert all(item.isVisible() for item in tab.plots.items[name])


def test_unticked_results_are_not_drawn(tab: SimulationTab, qtbot: QtBot) -> None:
    assert curves(tab, "Cu, 600 K")
    tick(qtbot, tab, "run600")
    assert not [name for name in tab.legend.boxes if "600" in name]
    tick(qtbot, tab, "run300")
    assert "tick a result" in tab.page.message.text()
    tick(qtbot, tab, "run600")
    assert tab.page.currentIndex() == 0


def test_the_slider_steps_through_the_temperatures(tab: SimulationTab, qtbot: QtBot) -> None:
    slider = tab.bar.slider
    assert (slider.minimum(), slider.maximum()) == (0, 1)
    assert tab.bar.kelvin.text().startswith("300 K")
    assert [c.faint for c in curves(tab, "Cu, 600 K")] == [True]
    qtbot.keyClick(slider, Qt.Key.Key_Right)
    assert tab.bar.kelvin.text().startswith("600 K")
    assert [c.faint for c in curves(tab, "Cu, 600 K")] == [False]
    assert [c.faint for c in curves(tab, "Cu, 300 K")] == [True]
    bold = {
        row for row in range(tab.page.table.rowCount()) if tab.page.table.item(row, 0).font().bold()
    }
    assert {tab.page.table.item(row, 1).text() for row in bold} == {"600"}


def test_the_temperature_of_regimes_and_conductivities(tab: SimulationTab, qtbot: QtBot) -> None:
    click_row(qtbot, tab, "Lifetimes")
    qtbot.keyClick(tab, Qt.Key.Key_T)
    assert "600 K" in tab.plots.plots[0].panel.title
    (mesh,) = curves(tab, "mesh")
    assert mesh.y == pytest.approx(made.lifetimes(600.0)[0].lifetime_ps)
    click_row(qtbot, tab, "Thermal")
    slider = tab.bar.slider
    assert slider.maximum() == 2
    for kelvin in (200.0, 300.0, 400.0):
        slider.setValue(made.KAPPA_K.index(kelvin))
        assert tab.plots.plots[0].panel.mark_x == kelvin
        assert f"{kelvin:g} K" in tab.plots.plots[1].panel.title


def test_the_table_of_conductivities_shows_the_stored_numbers(
    tab: SimulationTab, qtbot: QtBot
) -> None:
    click_row(qtbot, tab, "Thermal")
    record = made.wigner()
    columns = [
        tab.page.table.horizontalHeaderItem(i).text() for i in range(tab.page.table.columnCount())
    ]
    for row, kelvin in enumerate(made.KAPPA_K):
        shown = [tab.page.table.item(row, column).text() for column in range(len(columns))]
        assert shown[1] == f"{kelvin:.4g}"
        for place, axis in enumerate(("xx", "yy", "zz")):
            expected = record.kappa_p[row, place, place]
            assert shown[columns.index(f"κ_p {axis}")] == f"{expected:.4g}"
    tab.page.table.selectRow(0)
    tab.page.table.setRangeSelected(tab.page.table.selectedRanges()[0], True)
    assert repr(float(record.kappa_p[0, 0, 0])) in tab.page.table.selected_text()


def test_the_limits_are_drawn_where_they_belong(tab: SimulationTab, qtbot: QtBot) -> None:
    click_row(qtbot, tab, "Lifetimes")
    energy, log_tau = tab.plots.items["Ioffe-Regel, τ = 1/ω"][0].getData()
    hbar = 0.6582119569509066  # meV ps
    assert 10**log_tau * energy == pytest.approx(hbar)
    (wigner,) = [name for name in tab.legend.boxes if name.startswith("Wigner")]
    assert 10 ** tab.plots.items[wigner][0].getData()[1] == pytest.approx(hbar / made.SPACING_MEV)
    right = tab.plots.plots[0].getAxis("right")
    assert right.labelText == "FWHM (meV)"
    ((_, places), *_) = right.tickValues(*right.range, right.size().height())
    told = [float(text) for text in right.tickStrings(places, 1.0, 1.0)]
    assert 10 ** np.array(places) == pytest.approx(hbar / np.array(told))


def test_overlays_follow_the_current_spectrum(tab: SimulationTab, qtbot: QtBot) -> None:
    click_row(qtbot, tab, "Over the measured")
    project = tab.desk.project
    project.select(SpectrumId(made.SCAN, "Ana5"))
    assert {made.NEAR, made.WIDE} <= set(tab.legend.boxes)
    spectrum = project.spectrum(SpectrumId(made.SCAN, "Ana5"))
    assert spectrum is not None
    seen = spectrum.exposure > 0
    factor = np.median(spectrum.exposure[seen]) / spectrum.exposure[seen]
    (points,) = tab.plots.items["measured counts"]
    assert points._y == pytest.approx(spectrum.counts[seen] * factor)
    laid = made.overlaid(spectrum, 6.0)
    line = tab.plots.items[made.WIDE][0].getData()
    assert line[1] == pytest.approx(laid.expected[seen] * factor)
    assert f"χ²/n {laid.chi2 / laid.dof:.3g}" in tab.plots.plots[1].panel.title
    qtbot.keyClick(tab.window(), Qt.Key.Key_BracketRight)
    qtbot.keyClick(tab.window(), Qt.Key.Key_BracketRight)
    assert project.current == SpectrumId(made.SCAN, "Ana7")
    assert made.NEAR not in tab.legend.boxes
    assert made.WIDE in tab.legend.boxes


def test_a_spectrum_without_overlay_is_said_and_a_button_leads_on(
    tab: SimulationTab, qtbot: QtBot
) -> None:
    click_row(qtbot, tab, "Over the measured")
    project = tab.desk.project
    project.select(SpectrumId(made.SCAN, "Ana1"))
    assert "No prediction lies over CdOsO_58 Ana1" in tab.page.message.text()
    qtbot.mouseClick(tab.page.button, Qt.MouseButton.LeftButton)
    assert project.current == SpectrumId(made.SCAN, "Ana5")
    assert tab.page.currentIndex() == 0
    assert tab.bar.kelvin.text().startswith("300 K")
    qtbot.keyClick(tab.bar.slider, Qt.Key.Key_Left)  # to 200 K: the other scan, same analyzer
    assert project.current == SpectrumId(made.OTHER, "Ana5")
    assert tab.bar.kelvin.text().startswith("200 K")


def test_a_spectrum_chosen_while_hidden_is_drawn_when_shown(
    tab: SimulationTab, qtbot: QtBot
) -> None:
    click_row(qtbot, tab, "Over the measured")
    tab.desk.project.select(SpectrumId(made.SCAN, "Ana5"))
    tab.desk.project.show_tab("fit")
    tab.desk.project.select(SpectrumId(made.SCAN, "Ana6"))
    tab.desk.project.show_tab("simulation")
    settled(qtbot, tab)
    assert "Ana6" in tab.plots.plots[0].panel.title


def test_the_cursor_tells_values_and_the_curve(tab: SimulationTab, qtbot: QtBot) -> None:
    click_row(qtbot, tab, "Lifetimes")
    told: list[str] = []
    tab.cursor_text.connect(told.append)
    view = tab.plots.canvas
    place = place_of(view, tab.plots.plots[0], 8.0, float(np.log10(0.6582119569 / 0.8)))
    hover(qtbot, view, place)
    assert told
    assert "Energy (meV) " in told[-1]
    assert "Lifetime τ = ħ/FWHM (ps)" in told[-1]
    assert "FWHM (meV) 0." in told[-1]
    assert "IXS: ± σ: 8, 0.8228" in told[-1]


def test_a_zoom_stays_while_the_temperature_changes_and_goes_on_demand(
    tab: SimulationTab, qtbot: QtBot
) -> None:
    plot = tab.plots.plots[0]
    whole = plot.getViewBox().viewRange()
    view = tab.plots.canvas
    middle = plot.getViewBox().sceneBoundingRect().center().toPoint()
    drag(qtbot, view, middle, middle + QPoint(80, 0))
    moved = plot.getViewBox().viewRange()
    assert moved[0][0] < whole[0][0]
    qtbot.keyClick(tab, Qt.Key.Key_T)
    now = tab.plots.plots[0].getViewBox().viewRange()
    assert now[0] == pytest.approx(moved[0])
    qtbot.mouseClick(tab.bar.whole, Qt.MouseButton.LeftButton)
    assert tab.plots.plots[0].getViewBox().viewRange()[0] == pytest.approx(whole[0])


def test_results_that_another_program_writes_appear(tab: SimulationTab, qtbot: QtBot) -> None:
    path = tab.desk.project.path
    assert path is not None
    tick(qtbot, tab, "run600")
    with Project(path).writing() as h5:
        del h5["entry/predictions/md displacements run300"]
    tab.desk.project.reload_if_changed()
    settled(qtbot, tab)
    assert not tab.results.findItems("run300", Qt.MatchFlag.MatchExactly, 0)
    assert "tick a result" in tab.page.message.text()


def test_a_damaged_result_is_told_and_the_others_are_drawn(
    tab: SimulationTab, qtbot: QtBot
) -> None:
    path = tab.desk.project.path
    assert path is not None
    with Project(path).writing() as h5:
        del h5["entry/predictions/md displacements run300/facts"]
    tab.desk.project.reload_if_changed()
    settled(qtbot, tab)
    told = errors(tab.window())  # type: ignore[arg-type]
    assert len(told) == 1
    assert curves(tab, "Cu, 600 K")
    assert not curves(tab, "Cu, 300 K")


def test_the_export_is_what_is_seen(tab: SimulationTab, qtbot: QtBot, tmp_path: Path) -> None:
    click_row(qtbot, tab, "Thermal")
    click_box(qtbot, tab.legend.boxes["κ_c"])
    paths = write_export(tab.export(), tmp_path / "kappa.svg", 86.0)
    assert paths[0].read_text(encoding="utf-8").lstrip().startswith("<?xml")
    rows = list(csv.DictReader(paths[1].open(encoding="utf-8")))
    names = {row["curve"] for row in rows}
    assert "κ_c" not in names
    assert {"κ_p", "κ_p + κ_c", "κ_c, IXS widths"} <= names
    at_t = [r for r in rows if r["curve"] == "κ_p" and r["x_quantity"] == "temperature_k"]
    mean = np.trace(made.wigner().kappa_p, axis1=1, axis2=2) / 3
    assert sorted({float(r["y"]) for r in at_t}) == sorted(mean.tolist())


def test_dark_and_light_draw_the_same(tab: SimulationTab, qtbot: QtBot) -> None:
    before = list(tab.plots.items)
    window = tab.window()
    assert isinstance(window, MainWindow)
    window.set_theme(DARK)
    assert list(tab.plots.items) == before
    assert tab.plots.canvas.backgroundBrush().color().name() == DARK.plot
    assert not errors(window)


def test_everything_to_click_has_a_name(tab: SimulationTab) -> None:
    for widget in (tab.results, tab.legend, tab.bar.axis, tab.bar.row, tab.bar.log, tab.bar.slider):
        assert widget.objectName()
        assert widget.accessibleName()
    for box in tab.legend.boxes.values():
        assert box.objectName()
        assert box.accessibleName()


def test_a_dropped_trajectory_is_analysed_and_kept(
    opened: MainWindow, tmp_path: Path, qtbot: QtBot
) -> None:
    path = tmp_path / "run.h5"
    trajectory = made.crystal(300.0).trajectory(201, 20.0)
    write_store(trajectory, path)
    opened.take(path)
    tab = opened.pages["simulation"]
    assert isinstance(tab, SimulationTab)
    assert opened.page is tab
    qtbot.waitUntil(lambda: len(tab.results.entries) == 2, timeout=60_000)
    settled(qtbot, tab)
    assert not errors(opened)
    expected = mean_square_displacement(read_trajectory(path))
    temperature = tab.results.entries[0].temperature_k
    assert temperature is not None
    for element in ("Cu", "I"):
        (curve,) = curves(tab, f"{element}, {temperature:.0f} K")
        total = expected.total_A2[expected.index(element)]
        assert curve.y == pytest.approx(total[1:])


def test_a_trajectory_without_a_project_is_refused_in_words(
    window: MainWindow, tmp_path: Path
) -> None:
    path = tmp_path / "run.h5"
    write_store(made.crystal(300.0).trajectory(11, 20.0), path)
    window.take(path)
    assert any("open or drop a project first" in text for text in errors(window))


def test_an_analysis_is_given_up_by_esc(opened: MainWindow, tmp_path: Path, qtbot: QtBot) -> None:
    path = tmp_path / "run.h5"
    write_store(made.crystal(300.0).trajectory(201, 20.0), path)
    opened.take(path)
    qtbot.waitUntil(lambda: opened.runner.busy, timeout=5_000)
    qtbot.keyClick(opened, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: not opened.runner.busy, timeout=10_000)
    tab = opened.pages["simulation"]
    assert isinstance(tab, SimulationTab)
    assert not [e for e in tab.results.entries if e.content == "md displacements"]
    assert not errors(opened)


def test_hasty_choices_end_with_the_last_one(tab: SimulationTab, qtbot: QtBot) -> None:
    random = np.random.default_rng(7)
    names = [group.name for group in GROUPS]
    spectra = tab.desk.project.spectrum_ids()
    for step in random.integers(0, 6, 60):
        if step == 0:
            tab.desk.project.select(spectra[random.integers(len(spectra))])
        elif step == 1:
            tab.bar.step_temperature(int(random.choice([-1, 1])))
        elif step == 2:
            tab.bar.toggle_log()
        elif step == 3:
            tab.bar.axis.setCurrentIndex(tab.bar.axis.count() - 1)
            tab.bar.axis.activated.emit(tab.bar.axis.currentIndex())
        else:
            tab.results.choose(str(random.choice(names)))
        qtbot.wait(int(random.integers(0, 12)))
    tab.results.choose("lifetimes")
    settled(qtbot, tab)
    assert tab.page.drawing is not None
    assert tab.page.drawing.name.startswith("lifetimes")
    assert not errors(tab.window())  # type: ignore[arg-type]
