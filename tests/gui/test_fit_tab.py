"""The tab Fit by hand: gestures and tables are the same numbers, all of it can be undone."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from gui.plots.export import write_export
from gui.settings import Settings
from gui.theme import DARK
from gui.views.fit_tab import FitTab
from gui.window import MainWindow
from ixs_core.errors import InputError
from ixs_reduce.fit_curves import fit_curves
from ixs_reduce.likelihood import deviance_residuals, poisson_interval
from ixs_reduce.start_values import linear_start
from tests.gui.fit_helpers import (
    FITTED,
    OTHER,
    UNFITTED,
    WITHOUT_R,
    Bench,
    at,
    cell,
    click_cell,
    column_of,
    energy_of,
    make_bench,
    pixel,
    settle,
    show,
    subject,
    type_into,
    width_of,
)
from tests.gui.gestures import click, drag, hover


@pytest.fixture
def bench(qtbot: QtBot, small_project: Path, settings: Settings) -> Iterator[Bench]:
    """The tab with the small project."""
    made = make_bench(qtbot, small_project, settings)
    yield made
    made.tab.close_down()
    made.runner.stop()


def keys(tab: FitTab, qtbot: QtBot, key: Qt.Key) -> None:
    tab.plot.canvas.setFocus()
    qtbot.keyClick(tab.plot.canvas, key)


def test_a_stored_fit_is_shown_as_it_is(qtbot: QtBot, bench: Bench) -> None:
    tab = show(qtbot, bench)
    fit = bench.project.fit(FITTED)
    assert fit is not None
    assert subject(tab).state == "fitted"
    assert subject(tab).draft.vector.tolist() == fit.parameters.tolist()
    drawn = fit_curves(fit)
    total = tab.plot.curves.items["total"].getData()
    np.testing.assert_allclose(np.interp(drawn.energy_mev, *total), drawn.total, rtol=2e-3)
    assert cell(tab.mode_view, 0, "E (meV)") == f"{fit.modes[0].energy.value:.3f}"
    assert cell(tab.mode_view, 0, "±") == f"{fit.modes[0].energy.stderr:.2g}"
    words = tab.words.text.toPlainText()
    assert f"Deviance/dof {fit.reduced_deviance:.2f} ({fit.dof} dof)" in words
    assert "Energy zero" in words


def test_the_axes_of_both_plots_are_one(qtbot: QtBot, bench: Bench) -> None:
    tab = show(qtbot, bench)
    main, rest = tab.plot.main.getViewBox(), tab.plot.residuals.getViewBox()
    tab.plot.main.setXRange(-7.0, 11.0, padding=0)
    qtbot.wait(30)
    np.testing.assert_allclose(rest.viewRange()[0], main.viewRange()[0], atol=1e-6)
    one, two = main.sceneBoundingRect(), rest.sceneBoundingRect()
    assert (one.left(), one.right()) == (two.left(), two.right())


def test_a_double_click_adds_a_mode_that_is_seen_at_once(qtbot: QtBot, bench: Bench) -> None:
    tab = show(qtbot, bench)
    before = subject(tab)
    zoom = tab.plot.main.viewRange()
    click(qtbot, tab.plot.canvas, at(tab, 17.0), double=True)
    now = subject(tab)
    assert len(now.draft.modes) == len(before.draft.modes) + 1
    number = tab.selected + 1
    assert energy_of(tab, number) == pytest.approx(17.0, abs=pixel(tab))
    # As strong as the core's own linear start has it.
    model = now.model
    assert model is not None
    widths = np.array([m.fwhm.value for m in now.draft.modes])
    energies = np.array([m.energy.value for m in now.draft.modes])
    theta, _ = linear_start(now.to_fit(), model, energies, widths, zero_mev=before.draft.zero.value)
    found = [m.amplitude.value for m in now.draft.modes]
    np.testing.assert_allclose(found, theta[2 : 3 * len(found) : 3])
    assert f"mode{number}" in tab.plot.curves.items
    assert tab.mode_view.model().rowCount() == len(found)
    assert tab.plot.main.viewRange() == zoom
    assert bench.project.undo_stack.undoText().startswith("add a mode at")
    bench.project.undo_stack.undo()
    assert subject(tab).state == "fitted"


def test_the_key_p_adds_a_mode_and_delete_removes_it(qtbot: QtBot, bench: Bench) -> None:
    tab = show(qtbot, bench)
    count = len(subject(tab).draft.modes)
    hover(qtbot, tab.plot.canvas, at(tab, -16.0))
    keys(tab, qtbot, Qt.Key.Key_P)
    assert len(subject(tab).draft.modes) == count + 1
    assert energy_of(tab, tab.selected + 1) == pytest.approx(16.0, abs=pixel(tab))
    keys(tab, qtbot, Qt.Key.Key_Delete)
    assert len(subject(tab).draft.modes) == count
    assert bench.project.undo_stack.count() == 2


@pytest.mark.parametrize("log", [False, True])
def test_dragging_a_line_is_the_energy(qtbot: QtBot, bench: Bench, log: bool) -> None:
    tab = show(qtbot, bench)
    if log:
        qtbot.mouseClick(tab.bar.log, Qt.MouseButton.LeftButton)
    zoom = tab.plot.main.viewRange()
    start = energy_of(tab, 1)
    drag(qtbot, tab.plot.canvas, at(tab, start), at(tab, start + 2.5))
    moved = energy_of(tab, 1)
    assert moved == pytest.approx(start + 2.5, abs=pixel(tab))
    assert cell(tab.mode_view, 0, "E (meV)") == f"{moved:.3f}"
    marks = tab.plot.marks[0]
    assert marks.line.value() == pytest.approx(moved)
    assert marks.partner.value() == pytest.approx(-moved)
    x, y = tab.plot.curves.items["mode1"].getData()
    step = x[1] - x[0]
    for side in (x > 1, x < -1):  # the peak and its anti-Stokes partner
        peak = abs(float(x[side][np.argmax(y[side])]))
        assert peak == pytest.approx(moved, abs=max(0.25, 2 * step))
    assert tab.plot.main.viewRange() == zoom
    assert bench.project.undo_stack.count() == 1  # a drag is one step
    bench.project.undo_stack.undo()
    assert energy_of(tab, 1) == start


def test_dragging_the_partner_is_the_same_energy(qtbot: QtBot, bench: Bench) -> None:
    tab = show(qtbot, bench)
    start = energy_of(tab, 1)
    drag(qtbot, tab.plot.canvas, at(tab, -start), at(tab, -start - 1.5))
    assert energy_of(tab, 1) == pytest.approx(start + 1.5, abs=pixel(tab))


def test_dragging_a_handle_is_the_width(qtbot: QtBot, bench: Bench) -> None:
    tab = show(qtbot, bench)
    tab.edits.edit(subject(tab).draft.with_value("mode1_fwhm", 2.0), "wider")
    energy = energy_of(tab, 1)
    right = tab.plot.marks[0].right
    view = tab.plot.main.getViewBox()
    start = tab.plot.canvas.mapFromScene(view.mapViewToScene(right.pos()))
    end = at(tab, energy + 2.4)
    end.setY(start.y())
    before = bench.project.undo_stack.count()
    drag(qtbot, tab.plot.canvas, start, end)
    assert width_of(tab, 1) == pytest.approx(4.8, abs=2 * pixel(tab))
    assert energy_of(tab, 1) == energy
    assert cell(tab.mode_view, 0, "FWHM (meV)") == f"{width_of(tab, 1):.3f}"
    marks = tab.plot.marks[0]
    assert marks.left.pos().x() == pytest.approx(energy - width_of(tab, 1) / 2)
    assert bench.project.undo_stack.count() == before + 1


def test_the_table_moves_the_line(qtbot: QtBot, bench: Bench) -> None:
    tab = show(qtbot, bench)
    type_into(qtbot, tab.mode_view, 0, "E (meV)", "5.25")
    assert energy_of(tab, 1) == 5.25
    assert tab.plot.marks[0].line.value() == 5.25
    type_into(qtbot, tab.mode_view, 0, "FWHM (meV)", "1.5")
    assert tab.plot.marks[0].right.pos().x() == pytest.approx(6.0)
    type_into(qtbot, tab.other_view, len(tab.others.rows) - 1, "Value", "7.4")
    assert subject(tab).draft.zero.value == 7.4
    assert bench.project.undo_stack.count() == 3


def test_what_is_no_number_changes_nothing(qtbot: QtBot, bench: Bench) -> None:
    tab = show(qtbot, bench)
    type_into(qtbot, tab.mode_view, 0, "E (meV)", "five")
    type_into(qtbot, tab.mode_view, 0, "FWHM (meV)", "=mode9_fwhm")
    assert subject(tab).state == "fitted"
    texts = [m.text for m in bench.messages.messages if m.level != "info"]
    assert any("no number" in text for text in texts)
    assert any("no parameter of the model" in text for text in texts)


def test_an_edit_without_a_change_is_none(qtbot: QtBot, bench: Bench) -> None:
    tab = show(qtbot, bench)
    column = column_of(tab.mode_view, "E (meV)")
    click_cell(qtbot, tab.mode_view, 0, column, double=True)
    qtbot.keyClick(tab.mode_view.viewport().focusWidget() or tab.mode_view, Qt.Key.Key_Return)
    assert bench.project.undo_stack.count() == 0


def test_tie_and_fix(qtbot: QtBot, bench: Bench) -> None:
    tab = show(qtbot, bench)
    type_into(qtbot, tab.mode_view, 1, "FWHM (meV)", "=mode1_fwhm")
    assert width_of(tab, 2) == width_of(tab, 1)
    type_into(qtbot, tab.mode_view, 0, "FWHM (meV)", "2.25")
    assert width_of(tab, 2) == 2.25
    assert cell(tab.mode_view, 1, "Tied") == "FWHM = mode1_fwhm"
    click_cell(qtbot, tab.mode_view, 0, column_of(tab.mode_view, "fix"), double=False)
    assert subject(tab).draft.quantity("mode1_energy").fixed
    tab.fit_current()
    settle(qtbot, tab)
    fit = bench.project.fit(FITTED)
    assert fit is not None
    assert subject(tab).state == "fitted"
    assert fit.value("mode1_energy").stderr == 0.0
    assert fit.value("mode2_fwhm").value == fit.value("mode1_fwhm").value
    assert cell(tab.mode_view, 0, "±") == "fixed"
    assert subject(tab).draft.quantity("mode2_fwhm").tie == "mode1_fwhm"


def test_the_menu_of_a_cell_ties_and_frees(qtbot: QtBot, bench: Bench) -> None:
    from gui.views.fit_tables import parameter_menu

    tab = show(qtbot, bench)
    menu = parameter_menu(tab.modes, "mode2_fwhm", tab.mode_view)
    ties = menu.actions()[1].menu()
    (tie,) = ties.actions()
    assert tie.text() == "FWHM of mode 1"
    tie.trigger()
    assert subject(tab).draft.quantity("mode2_fwhm").tie == "mode1_fwhm"
    menu = parameter_menu(tab.modes, "mode2_fwhm", tab.mode_view)
    menu.actions()[2].trigger()
    assert subject(tab).draft.quantity("mode2_fwhm").tie == ""


def test_the_range_is_dragged_and_points_outside_are_not_fitted(qtbot: QtBot, bench: Bench) -> None:
    tab = show(qtbot, bench)
    high = float(tab.plot.high.value())
    drag(qtbot, tab.plot.canvas, at(tab, high), at(tab, 10.0))
    draft = subject(tab).draft
    assert draft.range_mev is not None
    zero = draft.zero.value
    assert draft.range_mev[1] - zero == pytest.approx(10.0, abs=pixel(tab))
    energy = subject(tab).spectrum.energy_mev
    assert subject(tab).to_fit().energy_mev.max() <= 10.0 + zero + pixel(tab)
    assert (~subject(tab).used).sum() >= (energy > 10.5 + zero).sum()
    assert "not fitted (drawn faint)" in tab.words.text.toPlainText()
    assert bench.project.undo_stack.count() == 1
    qtbot.mouseClick(tab.model_bar.whole_range, Qt.MouseButton.LeftButton)
    assert subject(tab).draft.range_mev is None


def test_esc_gives_a_drag_up(qtbot: QtBot, bench: Bench) -> None:
    tab = show(qtbot, bench)
    start = energy_of(tab, 1)
    moved: list[float] = []

    def press_escape(_: int, energy: float) -> None:
        moved.append(energy)
        if len(moved) == 5:
            tab.give_up()

    tab.plot.energy_moved.connect(press_escape)
    drag(qtbot, tab.plot.canvas, at(tab, start), at(tab, start + 3.0))
    assert len(moved) >= 5
    assert energy_of(tab, 1) == start
    assert subject(tab).state == "fitted"


def test_undo_all_and_redo_all_come_back(qtbot: QtBot, bench: Bench) -> None:
    tab = show(qtbot, bench)
    documents = [bench.project.document]

    def note() -> None:
        documents.append(bench.project.document)

    click(qtbot, tab.plot.canvas, at(tab, 17.0), double=True)
    note()
    number = tab.selected + 1
    drag(qtbot, tab.plot.canvas, at(tab, energy_of(tab, number)), at(tab, 14.0))
    note()
    type_into(qtbot, tab.mode_view, 0, "FWHM (meV)", "=mode2_fwhm")
    note()
    qtbot.mouseClick(tab.model_bar.quasielastic, Qt.MouseButton.LeftButton)
    note()
    tab.model_bar.background.setCurrentText("constant")
    tab.model_bar.background.activated.emit(1)
    note()
    tab.fit_current()
    settle(qtbot, tab)
    note()
    stack = bench.project.undo_stack
    assert stack.count() == len(documents) - 1
    for document in documents[-2::-1]:
        stack.undo()
        assert bench.project.document == document
    assert subject(tab).state == "fitted"
    assert bench.project.document is documents[0]
    for document in documents[1:]:
        stack.redo()
        assert bench.project.document == document


def test_zoom_stays_through_edits_and_logarithm(qtbot: QtBot, bench: Bench) -> None:
    tab = show(qtbot, bench)
    tab.plot.main.setXRange(-4.0, 9.0, padding=0)
    tab.plot.main.setYRange(1.0, 30.0, padding=0)
    zoom = [list(r) for r in tab.plot.main.viewRange()]
    click(qtbot, tab.plot.canvas, at(tab, 7.0), double=True)
    tab.fit_current()
    settle(qtbot, tab)
    bench.project.undo_stack.undo()
    assert tab.plot.main.viewRange() == zoom
    qtbot.mouseClick(tab.bar.log, Qt.MouseButton.LeftButton)
    x, y = tab.plot.main.viewRange()
    assert x == zoom[0]
    np.testing.assert_allclose(10 ** np.array(y), [1.0, 30.0], rtol=1e-6)
    qtbot.mouseClick(tab.bar.log, Qt.MouseButton.LeftButton)
    np.testing.assert_allclose(tab.plot.main.viewRange()[0], zoom[0])
    assert tab.plot.main.viewRange()[1][1] == pytest.approx(30.0)


def test_a_neighbour_lends_the_start(qtbot: QtBot, bench: Bench) -> None:
    tab = show(qtbot, bench, UNFITTED)
    lent = bench.project.fit(FITTED)
    assert lent is not None
    assert subject(tab).state == "neighbour"
    assert energy_of(tab, 1) == lent.modes[0].energy.value
    assert "start taken from CdOsO_58 Ana6" in tab.words.text.toPlainText()
    assert bench.project.document.choices == {}


def test_without_a_resolution_the_nominal_one_is_asked_for(qtbot: QtBot, bench: Bench) -> None:
    tab = show(qtbot, bench, WITHOUT_R)
    assert subject(tab).state == "bare"
    assert "No resolution for Ana2" in tab.words.text.toPlainText()
    assert tab.missing_bar.nominal.isVisible()
    assert tab.plot.points.boundingRect().width() > 10
    tab.missing_bar.nominal.setValue(1.6)
    qtbot.mouseClick(tab.missing_bar.use_nominal, Qt.MouseButton.LeftButton)
    settle(qtbot, tab)
    assert subject(tab).model is not None
    assert "Resolution nominal, FWHM 1.60 meV" in tab.words.text.toPlainText()
    bench.project.undo_stack.undo()
    settle(qtbot, tab)
    assert subject(tab).state == "bare"


def test_masked_is_said_and_not_fitted(qtbot: QtBot, bench: Bench) -> None:
    tab = show(qtbot, bench)
    masked = bench.project.document.with_mask(FITTED.key, frozenset({FITTED.analyzer}))
    bench.project.apply(masked, "mask")
    assert "Masked" in tab.words.text.toPlainText()
    tab.fit_current()
    assert not bench.runner.busy
    assert any("masked" in m.text for m in bench.messages.messages)


def test_correlations_are_said(qtbot: QtBot, bench: Bench) -> None:
    tab = show(qtbot, bench)
    # Far from E = 0 of the file, level and slope of the background are one number.
    zero = subject(tab).draft.zero.value
    tab.edits.edit(replace(subject(tab).draft, range_mev=(zero + 1.0, zero + 14.0)), "range")
    tab.fit_current()
    settle(qtbot, tab)
    fit = bench.project.fit(FITTED)
    assert fit is not None
    words = tab.words.text.toPlainText()
    assert fit.correlated
    assert words.count("Correlated: ") == len(fit.correlated)
    for _, _, value in fit.correlated:
        assert f"({value:+.2f})".replace("-", "−") in words


def test_the_resolution_is_shown_on_demand(qtbot: QtBot, bench: Bench) -> None:
    tab = show(qtbot, bench)
    assert "resolution" not in tab.plot.curves.items
    qtbot.mouseClick(tab.bar.resolution, Qt.MouseButton.LeftButton)
    x, y = tab.plot.curves.items["resolution"].getData()
    above = x[y > 0.5 * y.max()]
    resolution = subject(tab).resolution
    assert resolution is not None
    assert above[-1] - above[0] == pytest.approx(resolution.fwhm_mev, abs=0.1)


def test_in_the_window_in_both_themes(qtbot: QtBot, opened: MainWindow) -> None:
    opened.show_tab("fit")
    opened.set_theme(DARK)
    opened.project.select(OTHER)
    tab = opened.pages["fit"]
    assert isinstance(tab, FitTab)
    settle(qtbot, tab)
    assert subject(tab).which == OTHER
    assert tab.plot.curves.pen("total").color().name() == DARK.total.lower()


@pytest.mark.parametrize("edited", [False, True])
def test_export_and_read_back(qtbot: QtBot, bench: Bench, tmp_path: Path, edited: bool) -> None:
    tab = show(qtbot, bench)
    if edited:
        click(qtbot, tab.plot.canvas, at(tab, 17.0), double=True)
    now = subject(tab)
    for ending in ("pdf", "svg"):
        written = write_export(tab.export(), tmp_path / f"fit.{ending}", 86.0)
        assert all(path.stat().st_size > 500 for path in written)
    write_export(tab.export(), tmp_path / "alone.csv")
    with (tmp_path / "alone.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert (tmp_path / "fit.csv").read_text() == (tmp_path / "alone.csv").read_text()
    spectrum, zero = now.spectrum, now.draft.zero.value
    read = {
        name: np.array([float(row[name]) for row in rows]) for name in rows[0] if name != "fitted"
    }
    np.testing.assert_array_equal(read["energy_mev"], spectrum.energy_mev - zero)
    median = np.median(spectrum.exposure)
    np.testing.assert_allclose(
        read["counts_per_point"], spectrum.counts * median / spectrum.exposure
    )
    low, _ = poisson_interval(spectrum.counts)
    np.testing.assert_allclose(read["counts_lower_68"], low * median / spectrum.exposure)
    assert now.model is not None
    values = dict(zip(now.draft.names, now.draft.vector.tolist(), strict=True))
    expected = now.model.evaluate(values, spectrum.energy_mev)
    np.testing.assert_allclose(read["total_counts"], expected * median)
    np.testing.assert_allclose(
        read["deviance_residual"],
        deviance_residuals(spectrum.counts, expected * spectrum.exposure),
        atol=1e-9,
    )
    # The same numbers stand in the drawing.
    x, y = tab.plot.curves.items["total"].getData()
    np.testing.assert_allclose(np.interp(read["energy_mev"], x, y), read["total_counts"], rtol=0.02)


def test_nothing_to_show_is_said(qtbot: QtBot, settings: Settings) -> None:
    bench = make_bench(qtbot, None, settings)
    tab = bench.tab
    assert tab.subject is None
    with pytest.raises(InputError, match="no spectrum"):
        tab.export()
    tab.fit_current()
    tab.give_up()
    assert not bench.runner.busy
