"""The maps of the tab Dispersion against numbers computed in other ways."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot
from scipy.optimize import minimize

from gui.plots.export import write_export
from gui.views.dispersion_tab import DispersionTab
from gui.window import MainWindow
from ixs_core.project import Project
from ixs_reduce.lineshape import bose_factor, dho
from ixs_reduce.store import read_fits, read_predictions, read_spectra
from tests.gui import dispersion_project
from tests.gui.dispersion_project import FITTED, KEY, ROW, spectrum_id, wait_drawn
from tests.gui.gestures import drag, hover, place_of

row_project = dispersion_project.row_project
page = dispersion_project.page
window_page = dispersion_project.window_page


def test_the_row_with_predictions_is_shown_first(page: DispersionTab) -> None:
    view = page.view
    assert view is not None
    assert [which.analyzer for which in view.ids] == list(ROW)
    assert view.sources == ("predicted modes", "fitted models")
    assert "a03–a09" in page.choices.line.currentText()
    assert "600 K" in page.choices.scans.currentText()
    assert "1 spectrum of dead analyzers" in page.details.toPlainText()


def test_measured_is_counts_per_exposure_at_the_zero(
    page: DispersionTab,
    row_project: Path,
) -> None:
    view = page.view
    assert view is not None
    with Project(row_project).reading() as h5:
        spectra = {s.analyzer: s for s in read_spectra(h5, KEY)}
        zeros = {f.spectrum.analyzer: f.zero.value for f in read_fits(h5, KEY)}
    for name in ROW:
        spectrum = spectra[name]
        assert spectrum.q_hkl is not None
        zero = zeros.get(name, spectrum.zero_mev or 0.0)
        for i in (0, 20, 45):
            found = view.measured.value_at(spectrum.q_hkl[1], spectrum.energy_mev[i] - zero)
            assert found == pytest.approx(
                view.exposure * spectrum.counts[i] / spectrum.exposure[i], rel=1e-12
            )


def test_measured_and_calculated_share_levels_and_axes(page: DispersionTab) -> None:
    maps = page.maps
    assert maps.maps["measured"].levels == maps.maps["calculated"].levels == maps.wipe_map.levels
    apart = maps.maps["difference"].levels
    assert apart.low == -apart.high < 0
    maps.plots["difference"].setRange(xRange=(5.9, 6.5), yRange=(2, 9), padding=0)
    for plot in maps.plots.values():
        (left, right), (low, high) = plot.getViewBox().viewRange()
        assert (left, right) == pytest.approx((5.9, 6.5), abs=0.02)
        assert (low, high) == pytest.approx((2, 9), abs=0.05)


def _expected_by_quadrature(path: Path, name: str) -> np.ndarray:  # type: ignore[type-arg]
    """Expected counts of a spectrum: lines integrated against R, strengths by likelihood."""
    with Project(path).reading() as h5:
        fit = next(f for f in read_fits(h5, KEY) if f.spectrum.analyzer == name)
        modes = next(m for m in read_predictions(h5, KEY) if m.analyzer == name)
    spectrum, resolution = fit.spectrum, fit.model.resolution
    energy = spectrum.energy_mev - fit.zero.value
    fine = np.arange(-80.0, 80.0, 0.004) + 0.002
    kelvin, broad, shape = modes.temperature_k, np.zeros_like(fine), np.zeros_like(energy)
    lines = zip(modes.energy_mev, modes.intensity, modes.spread_mev, strict=True)
    for at, strength, spread in lines:
        width = 2.354820045 * spread  # FWHM of the spread over the acceptance
        if width > 0.03:
            broad += dho(fine, at, width, kelvin, strength)
        else:
            for sign in (1, -1):
                gain = sign * float(bose_factor(sign * at, kelvin))
                shape += strength * gain * resolution(energy - sign * at)
    shape += resolution(energy[:, None] - fine) @ broad * 0.004
    columns = np.stack((shape / shape.max(), resolution(energy), np.ones_like(energy)))
    columns *= spectrum.exposure / spectrum.exposure.max()

    def loss(logs: np.ndarray) -> float:  # type: ignore[type-arg]
        expected = np.exp(logs) @ columns
        return float(np.sum(expected - spectrum.counts * np.log(expected)))

    start = np.log(np.array([0.5, 0.1, 0.02]) * spectrum.counts.max())
    best = minimize(loss, start, method="Nelder-Mead", options={"xatol": 1e-8, "maxiter": 5000})
    return np.asarray(np.exp(best.x) @ columns)


def test_difference_is_measured_less_calculated(page: DispersionTab, row_project: Path) -> None:
    view = page.view
    assert view is not None
    with Project(row_project).reading() as h5:
        fits = {fit.spectrum.analyzer: fit.spectrum for fit in read_fits(h5, KEY)}
    for name in ("a04", "a06"):
        column = ROW.index(name)
        expected = _expected_by_quadrature(row_project, name)
        unit = view.exposure / fits[name].exposure
        tolerance = 0.001 * (unit * expected).max()
        calculated = view.calculated.values[column]
        assert calculated == pytest.approx(unit * expected, abs=tolerance)
        difference = unit * (fits[name].counts - expected)
        assert view.difference.values[column] == pytest.approx(difference, abs=tolerance)


def test_fitted_models_can_be_the_calculation(
    page: DispersionTab,
    row_project: Path,
    qtbot: QtBot,
) -> None:
    page.choices.source.setFocus()
    qtbot.keyClick(page.choices.source, Qt.Key.Key_Down)
    wait_drawn(qtbot, page)
    view = page.view
    assert view is not None
    assert view.wanted.source == "fitted models"
    with Project(row_project).reading() as h5:
        fit = next(f for f in read_fits(h5, KEY) if f.spectrum.analyzer == "a05")
    assert view.calculated.values[2] == pytest.approx(
        view.exposure * fit.expected_counts / fit.spectrum.exposure
    )
    assert not view.calculated.values[ROW.index("a09")].size  # not fitted


def test_a_spectrum_without_resolution_has_no_calculated_column(page: DispersionTab) -> None:
    view = page.view
    assert view is not None
    assert [column.size > 0 for column in view.calculated.values] == [
        name in FITTED for name in ROW
    ]
    assert any("without a resolution function: 1 of 7" in note for note in view.notes)


def test_masked_spectra_are_left_out_until_undone(
    page: DispersionTab,
    qtbot: QtBot,
) -> None:
    project = page.desk.project
    project.apply(project.document.with_mask(KEY, frozenset({"a05"})), "mask a05")
    wait_drawn(qtbot, page)
    assert page.view is not None
    assert spectrum_id("a05") not in page.view.ids
    assert len(page.view.measured.values) == len(ROW) - 1
    assert "1 spectrum, masked" in page.details.toPlainText()
    project.undo_stack.undo()
    wait_drawn(qtbot, page)
    assert spectrum_id("a05") in page.view.ids


def test_the_wipe_shows_measured_left_and_calculated_right(
    page: DispersionTab,
    qtbot: QtBot,
) -> None:
    maps = page.maps
    qtbot.mouseClick(page.buttons.wipe, Qt.MouseButton.LeftButton)
    assert maps.wiping
    plot, canvas = maps.plots["measured"], maps.widget
    start = float(maps.wipe_line.value())
    aim = start - 0.3
    drag(qtbot, canvas, place_of(canvas, plot, start, 12.0), place_of(canvas, plot, aim, 12.0))
    moved = float(maps.wipe_line.value())
    assert moved == pytest.approx(aim, abs=0.03)
    x, y = np.array([moved - 0.05, moved + 0.05]), np.array([3.0])
    left, right = maps.maps["measured"].raster(x, y)[0], maps.wipe_map.raster(x, y)[0]
    assert left[0] > 0 == left[1]
    assert right[0] == 0 < right[1]
    whole = maps.maps["calculated"].raster(x, y)[0]
    assert right[1] == whole[1]
    qtbot.mouseClick(page.buttons.wipe, Qt.MouseButton.LeftButton)
    assert (maps.maps["measured"].raster(x, y)[0] > 0).all()
    assert not maps.wipe_map.raster(x, y).any()


def test_linear_scale_and_other_colours(page: DispersionTab, qtbot: QtBot) -> None:
    assert page.maps.scale == "log"
    qtbot.keyClick(page.choices.scale, Qt.Key.Key_Down)
    assert page.maps.scale == "linear"
    assert page.maps.maps["measured"].levels.low == 0
    before = page.maps.maps["measured"]._colors.copy()
    qtbot.keyClick(page.choices.colors, Qt.Key.Key_Down)
    assert (page.maps.maps["measured"]._colors != before).any()


def test_cursor_tells_q_energy_and_values(
    window: MainWindow, window_page: DispersionTab, qtbot: QtBot
) -> None:
    canvas, view = window_page.maps.widget, window_page.view
    assert view is not None
    place = place_of(canvas, window_page.maps.plots["calculated"], 6.30, 10.0)
    hover(qtbot, canvas, place)
    text = window.cursor_label.text()
    assert "Q = (7.000, 6.300, 0.000) r.l.u." in text
    assert f"|Q| = {view.spectra[3].q_abs:.3f} Å⁻¹" in text
    assert all(word in text for word in ("simulated scans", "calculated", "difference"))
    assert "measured" not in text
    assert "E = 10" in text or "E = 9.9" in text
    assert "scan 5 a06" in text


def test_export_writes_maps_and_points(
    page: DispersionTab,
    qtbot: QtBot,
    tmp_path: Path,
) -> None:
    view = page.view
    assert view is not None
    exported = page.export()
    assert len(exported.table.rows) == sum(s.energy_mev.size for s in view.spectra)
    columns = list(exported.table.columns)
    assert "measured_counts_per_1e+06_exposure" in columns
    row = exported.table.rows[20]
    assert row[columns.index("energy_mev")] == pytest.approx(
        view.spectra[0].energy_mev[20] - view.zeros[0]
    )
    files = write_export(exported, tmp_path / "maps.pdf", 178.0)
    assert all(file.stat().st_size > 1000 for file in files)
    qtbot.keyClick(page.buttons.exported, Qt.Key.Key_Down)
    points = page.export()
    assert len(points.table.rows) == len(view.points)
    write_export(points, tmp_path / "points.svg")
    energies = [row[points.table.columns.index("energy_mev")] for row in points.table.rows]
    assert energies == [point.energy for point in view.points]
