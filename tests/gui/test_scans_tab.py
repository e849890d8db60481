"""The tab Scans: the grid against the core's numbers, choosing, masking, scales, export."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMenu, QStyleOptionViewItem
from pytestqt.qtbot import QtBot

from gui.models.document import SpectrumId
from gui.models.grid_scale import CountScale, count_tops, energy_range, grid_shape
from gui.plots.export import write_export
from gui.theme import DARK
from gui.window import MainWindow
from ixs_core.project import Project
from ixs_reduce.fit_curves import counted_points, fit_curves
from ixs_reduce.store import read_fits, read_masks, read_scan, read_spectra
from tests.gui.gestures import click, hover, place_of
from tests.gui.scans_of import middle, panel, press, scans_tab, settle, table_rows

CONTROL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier


def test_the_grid_shows_the_counts_and_fits_of_the_project(
    qtbot: QtBot, opened: MainWindow, small_project: Path
) -> None:
    tab = settle(qtbot, opened)
    with Project(small_project).reading() as h5:
        spectra = read_spectra(h5, "CdOsO_58")
        fits = {fit.spectrum.analyzer: fit for fit in read_fits(h5, "CdOsO_58")}
    assert tab.grid.analyzers == [s.analyzer for s in spectra]
    for spectrum in spectra:
        shown = panel(tab, str(spectrum.analyzer)).data
        assert shown is not None
        fit = fits.get(spectrum.analyzer)
        zero = fit.zero.value if fit is not None else spectrum.zero_mev or 0.0
        expected = counted_points(spectrum, zero)
        np.testing.assert_array_equal(shown.points.energy_mev, expected.energy_mev)
        np.testing.assert_array_equal(shown.points.counts, expected.counts)
        np.testing.assert_array_equal(shown.points.upper, expected.upper)
        assert (shown.curve is not None) == (fit is not None)
        x, y = panel(tab, str(spectrum.analyzer)).curve.getData()
        if fit is None:
            assert not len(x)
        else:
            curves = fit_curves(fit, 240)
            np.testing.assert_allclose(x, curves.energy_mev)
            exposure = expected.exposure / curves.points.exposure
            np.testing.assert_allclose(y, exposure * curves.total)


def test_panels_tell_analyzer_q_and_what_is_dead(qtbot: QtBot, opened: MainWindow) -> None:
    tab = settle(qtbot, opened)
    shown = panel(tab, "Ana6").data
    spectrum = opened.project.spectrum(SpectrumId("CdOsO_58", "Ana6"))
    assert shown is not None
    assert spectrum is not None
    assert spectrum.q_hkl is not None
    assert spectrum.q_abs is not None
    assert shown.q_text == "(" + " ".join(f"{x:.2f}" for x in spectrum.q_hkl) + ")"
    assert shown.length_text == f"{spectrum.q_abs:.3f} Å⁻¹"
    assert panel(tab, "Ana1").mark.words == "nearly dead"
    assert panel(tab, "Ana6").mark.words == ""
    assert "median" in panel(tab, "Ana1").mark.toolTip()
    assert "nearly dead: Ana1 Ana2 Ana9" in tab.pane.remarks.text()


def test_a_click_selects_and_a_double_click_goes_to_the_fit(
    qtbot: QtBot, opened: MainWindow
) -> None:
    tab = settle(qtbot, opened)
    click(qtbot, tab.grid, middle(tab, "Ana6"))
    assert opened.project.current == SpectrumId("CdOsO_58", "Ana6")
    framed = [p.data.analyzer for p in tab.grid.panels if p.data and p.mark.state.current]
    assert framed == ["Ana6"]
    click(qtbot, tab.grid, middle(tab, "Ana7"), double=True)
    assert opened.project.current == SpectrumId("CdOsO_58", "Ana7")
    assert opened.page is opened.pages["fit"]


def test_arrows_and_brackets_go_on(qtbot: QtBot, opened: MainWindow) -> None:
    tab = settle(qtbot, opened)
    click(qtbot, tab.grid, middle(tab, "Ana1"))
    tab.grid.setFocus()
    qtbot.keyClick(tab.grid, Qt.Key.Key_Right)
    assert opened.project.current == SpectrumId("CdOsO_58", "Ana2")
    qtbot.keyClick(tab.grid, Qt.Key.Key_Down)
    assert opened.project.current == SpectrumId("CdOsO_58", "Ana7")
    opened.project.select(SpectrumId("CdOsO_59", "Ana3"))
    settle(qtbot, opened)
    assert tab.pane.content is not None
    assert tab.pane.content.key == "CdOsO_59"
    assert panel(tab, "Ana3").mark.state.current
    assert tab.list.table.chosen_keys == ["CdOsO_59"]


def test_a_long_name_is_cut_in_its_middle(opened: MainWindow) -> None:
    """The number of a scan is at the end."""
    tab = scans_tab(opened)
    table, option = tab.list.table, QStyleOptionViewItem()
    table.itemDelegateForColumn(0).initStyleOption(option, table.scans.index(0, 0))
    assert option.textElideMode == Qt.TextElideMode.ElideMiddle


def test_the_cursor_tells_the_nearest_point(qtbot: QtBot, opened: MainWindow) -> None:
    tab = settle(qtbot, opened)
    shown = panel(tab, "Ana6")
    assert shown.data is not None
    peak = int(np.argmax(shown.data.points.counts))
    energy = float(shown.data.points.energy_mev[peak])
    hover(qtbot, tab.grid, place_of(tab.grid, shown.plot, energy, 10.0))
    text = opened.cursor_label.text()
    assert text.startswith("Ana6")
    assert f"{energy:.2f}".replace("-", "−") in text
    assert f"{shown.data.points.counts[peak]:.0f} counts" in text


def test_masking_is_undone_saved_and_found_again(
    qtbot: QtBot, opened: MainWindow, small_project: Path
) -> None:
    tab = settle(qtbot, opened)
    press(tab, "Ana3")
    press(tab, "Ana4", CONTROL)
    assert tab.pane.bar.mask_button.text() == "Mask 2"
    tab.grid.setFocus()
    qtbot.keyClick(tab.grid, Qt.Key.Key_M)
    assert opened.project.document.masks["CdOsO_58"] == {"Ana3", "Ana4"}
    assert panel(tab, "Ana3").mark.words == "masked"
    opened.project.undo_stack.undo()
    assert panel(tab, "Ana3").mark.words == ""
    assert not opened.project.document.masks.get("CdOsO_58")
    opened.project.undo_stack.redo()
    opened.project.save()
    settle(qtbot, opened)
    with Project(small_project).reading() as h5:
        assert read_masks(h5) == {"CdOsO_58": {"Ana3", "Ana4"}}
    opened.project.open(small_project)
    settle(qtbot, opened)
    assert panel(tab, "Ana4").mark.words == "masked"
    assert panel(tab, "Ana5").mark.words == ""


def test_the_button_and_the_menu_mask_and_unmask(qtbot: QtBot, opened: MainWindow) -> None:
    tab = settle(qtbot, opened)
    press(tab, "Ana3")
    press(tab, "Ana6", SHIFT)
    qtbot.mouseClick(tab.pane.bar.mask_button, Qt.MouseButton.LeftButton)
    assert opened.project.document.masks["CdOsO_58"] == {"Ana3", "Ana4", "Ana5", "Ana6"}
    assert tab.pane.bar.mask_button.text() == "Unmask 4"
    tab.grid.menu_wanted.emit("Ana5", tab.grid.mapToGlobal(middle(tab, "Ana5")))
    (menu,) = tab.findChildren(QMenu, "scans-menu")
    (unmask,) = [a for a in menu.actions() if a.text().startswith("Unmask")]
    assert unmask.text() == "Unmask 4 analyzers"
    unmask.trigger()
    menu.close()
    assert not opened.project.document.masks["CdOsO_58"]
    assert opened.project.undo_stack.undoText() == "unmask 4 analyzers of CdOsO_58"
    qtbot.keyClick(tab.grid, Qt.Key.Key_A, CONTROL)
    assert tab.pane.chosen == set(tab.grid.analyzers)
    qtbot.keyClick(opened, Qt.Key.Key_Escape)
    assert tab.pane.chosen == {"Ana3"}


def test_scales_are_fixed_ranges(qtbot: QtBot, opened: MainWindow) -> None:
    tab = settle(qtbot, opened)
    data = [p.data for p in tab.grid.panels if p.data is not None]
    energies = energy_range(data)
    for scale in (
        CountScale(),
        CountScale(whole=True),
        CountScale(common=True),
        CountScale(log=True, common=True),
    ):
        tab.pane.bar.axis.setCurrentIndex(int(scale.log))
        tab.pane.bar.common.setCurrentIndex(int(scale.common))
        tab.pane.bar.whole.setChecked(scale.whole)
        tops = count_tops(data, replace(scale))
        for shown, top in zip(tab.grid.panels, tops, strict=True):
            x, y = shown.plot.getViewBox().viewRange()
            np.testing.assert_allclose(x, energies)
            expected = (np.log10(0.5), np.log10(top)) if scale.log else (0.0, top)
            np.testing.assert_allclose(y, expected)
        if scale.common:
            assert len(set(tops)) == 1
    tab.grid.setFocus()
    qtbot.keyClick(tab.grid, Qt.Key.Key_L)
    assert not tab.pane.bar.scale.log
    qtbot.keyClick(tab.grid, Qt.Key.Key_Y)
    assert not tab.pane.bar.scale.common


def test_only_panels_that_changed_are_drawn_anew(qtbot: QtBot, opened: MainWindow) -> None:
    tab = settle(qtbot, opened)
    before = {p.data.analyzer: p.redraws for p in tab.grid.panels if p.data}
    opened.project.apply(
        opened.project.document.with_fits({SpectrumId("CdOsO_58", "Ana6"): None}), "remove a fit"
    )
    settle(qtbot, opened)
    after = {p.data.analyzer: p.redraws for p in tab.grid.panels if p.data}
    assert {name for name in after if after[name] != before[name]} == {"Ana6"}
    assert panel(tab, "Ana6").data is not None
    assert panel(tab, "Ana6").data.curve is None  # type: ignore[union-attr]
    opened.project.undo_stack.undo()
    settle(qtbot, opened)
    assert panel(tab, "Ana6").data.curve is not None  # type: ignore[union-attr]


def test_a_failed_fit_is_told_in_its_panel(qtbot: QtBot, opened: MainWindow) -> None:
    tab = settle(qtbot, opened)
    opened.project.failures[SpectrumId("CdOsO_58", "Ana6")] = "no zero was found"
    tab.pane.show_states()
    assert panel(tab, "Ana6").mark.words == "fit failed"
    assert "no zero was found" in panel(tab, "Ana6").mark.toolTip()


def test_the_strip_shows_monitor_and_temperature(
    qtbot: QtBot, opened: MainWindow, small_project: Path
) -> None:
    tab = settle(qtbot, opened)
    with Project(small_project).reading() as h5:
        scans = [read_scan(h5, key) for key in ("CdOsO_58", "CdOsO_59")]
    assert scans[0].monitor is not None
    number, shown = tab.strip.monitor.getData()
    np.testing.assert_allclose(number, np.arange(1, scans[0].points + 1))
    np.testing.assert_allclose(shown * 1e6, scans[0].monitor)
    assert "10⁶" in tab.strip.monitor_plot.getAxis("left").labelText
    row, kelvin = tab.strip.temperature.getData()
    np.testing.assert_allclose(row, [1, 2])
    np.testing.assert_allclose(kelvin, [scan.temperature_k for scan in scans])


def test_the_list_tells_points_temperature_and_flags(qtbot: QtBot, opened: MainWindow) -> None:
    tab = settle(qtbot, opened)
    rows = table_rows(tab)
    scan = opened.project.scan("CdOsO_59")
    assert scan is not None
    name, points, temperature, lengths, alive, remarks, command = rows["CdOsO_59"].texts
    assert name == "CdOsO_59"
    assert points == f"{scan.points}/{scan.requested_points}"
    assert temperature == f"{scan.temperature_k:.1f}"
    known = [a.q_abs for a in scan.analyzers if a.q_abs is not None]
    assert lengths == f"{min(known):.2f} … {max(known):.2f}"
    assert alive == "6/9"
    assert command == scan.command
    assert "nearly dead" in remarks


def test_export_gives_figure_and_every_point(
    qtbot: QtBot, opened: MainWindow, tmp_path: Path
) -> None:
    tab = settle(qtbot, opened)
    made = write_export(tab.export(), tmp_path / "grid.pdf", 178.0)
    assert made[0].read_bytes().startswith(b"%PDF")
    lines = made[1].read_text().splitlines()
    spectra = opened.project.spectra("CdOsO_58")
    assert len(lines) == 1 + sum(s.counts.size for s in spectra)
    first = dict(zip(lines[0].split(","), lines[1].split(","), strict=True))
    assert float(first["counts"]) == spectra[0].counts[0]
    assert float(first["energy_mev"]) == spectra[0].energy_mev[0]


def test_themes_change_while_it_is_shown(qtbot: QtBot, opened: MainWindow) -> None:
    tab = settle(qtbot, opened)
    opened.set_theme(DARK)
    assert panel(tab, "Ana6").points._color == DARK.data
    assert panel(tab, "Ana1").points._color == DARK.quiet


@pytest.mark.parametrize(
    ("number", "shape"), [(28, (4, 7)), (1, (1, 1)), (9, (2, 5)), (12, (3, 4)), (24, (4, 6))]
)
def test_rows_and_columns(number: int, shape: tuple[int, int]) -> None:
    assert grid_shape(number) == shape


def test_without_a_project_it_says_what_to_do(qtbot: QtBot, window: MainWindow) -> None:
    tab = scans_tab(window)
    assert "Drop files of scans here" in tab.pane.words.text()
    assert tab.pane.pages.currentWidget() is tab.pane.words
    window.ask_export()
    assert "no spectra to export" in window.messages.messages[-1].text
