"""Spectra of very many points: what is drawn stays bounded, and nothing visible is lost."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

import gui.views.scans_tab as scans_module
from gui.app import make_application
from gui.models.document import SpectrumId
from gui.models.fit_draft import FitDraft, ModeDraft, Quantity
from gui.models.fit_inputs import ChosenResolution
from gui.models.fit_start import with_strengths
from gui.models.fit_subject import Stage, Subject
from gui.models.grid_scale import CountScale
from gui.models.scan_grid import PanelData, panel_of
from gui.plots.axes import make_canvas, make_plot
from gui.plots.counted_points import CountedPoints
from gui.plots.decimation import MOST_EXACT
from gui.plots.export import LateExport
from gui.plots.scan_strip import ScanStrip
from gui.plots.spectra_grid import SpectraGrid
from gui.plots.spectrum_plot import SpectrumPlot
from gui.settings import Settings
from gui.theme import LIGHT
from gui.window import MainWindow
from ixs_core.project import Project
from ixs_core.provenance import Provenance
from ixs_reduce.likelihood import deviance_residuals
from ixs_reduce.resolution import Resolution
from ixs_reduce.scan import Analyzer, Scan, Source
from ixs_reduce.spectrum import Spectrum
from ixs_reduce.store import write_spectra
from tests.gui.fit_helpers import at, make_bench, settle, show, subject
from tests.gui.gestures import click, drag
from tests.gui.scans_of import settle as settle_scans

N = 150_000
OUTLIER = 1234
R = Resolution.nominal(1.5, "Ana4")


MODE = ModeDraft(Quantity(8.0), Quantity(1.0), Quantity(6.0))
TRUTH = FitDraft(modes=(MODE,), elastic=Quantity(60.0), background_c0=Quantity(2.0))


def _spectrum(number: int = N) -> Spectrum:
    """Counts of `TRUTH` at unit exposure, with one outlier at `OUTLIER`."""
    energy = np.linspace(-20.0, 20.0, number)
    values = dict(zip(TRUTH.names, TRUTH.vector, strict=True))
    expected = TRUTH.model(R, 300.0).evaluate(values, energy)
    counts = np.random.default_rng(3).poisson(expected).astype(float)
    counts[OUTLIER] = 90.0
    return Spectrum(
        energy,
        counts,
        np.ones(number),
        q_hkl=(1.0, 0.0, 0.0),
        q_abs=1.2,
        temperature_k=300.0,
        analyzer="Ana4",
        scan="1",
        file="long.spec",
        zero_mev=0.0,
        zero_err=0.001,
    )


@pytest.fixture(scope="module")
def spectrum() -> Spectrum:
    return _spectrum()


@pytest.fixture(scope="module")
def stage(spectrum: Spectrum) -> Stage:
    """As a worker prepares it."""
    return Stage(spectrum, R).prepared()


@pytest.fixture
def points(qtbot: QtBot) -> CountedPoints:
    """An item in a plot that is seen, from 0 to 10 and 0 to 100."""
    make_application(LIGHT)
    canvas = make_canvas(LIGHT)
    qtbot.addWidget(canvas)
    canvas.resize(900, 500)
    plot = make_plot(LIGHT)
    canvas.addItem(plot)
    item = CountedPoints(LIGHT.data)
    plot.addItem(item, ignoreBounds=True)
    plot.setRange(xRange=(0, 10), yRange=(0, 100), padding=0)
    canvas.show()
    qtbot.waitExposed(canvas)
    item.canvas, item.plot = canvas, plot
    return item


def _many(number: int = N) -> tuple[np.ndarray, ...]:
    x = np.linspace(0, 10, number)
    y = np.random.default_rng(1).poisson(20.0, number).astype(float)
    y[OUTLIER] = 95.0
    return x, y, y - 1, y + 1


def test_many_points_are_few_bars_and_zooming_in_shows_every_point(points: CountedPoints) -> None:
    x, y, lower, upper = _many()
    y[7] = np.nan
    points.set_points(x, y, lower, upper)
    points.canvas.grab()
    drawn = points.drawn
    assert 900 < drawn.bar_x.size <= MOST_EXACT / 2
    assert drawn.x.size <= MOST_EXACT
    assert np.isfinite(drawn.y).all()
    assert drawn.y.max() == 95.0
    assert (drawn.lower.min(), drawn.upper.max()) == (np.nanmin(y) - 1, 96.0)
    points.plot.setXRange(5.0, 5.1, padding=0)
    points.canvas.grab()
    seen = (x >= 5.0) & (x <= 5.1)
    inside = (points.drawn.x >= 5.0) & (points.drawn.x <= 5.1)
    np.testing.assert_array_equal(points.drawn.x[inside], x[seen])
    np.testing.assert_array_equal(points.drawn.y[inside], y[seen])
    np.testing.assert_array_equal(points.drawn.lower[inside], lower[seen])
    np.testing.assert_array_equal(points.drawn.upper[inside], upper[seen])
    points.plot.setXRange(0, 10, padding=0)
    points.canvas.grab()
    np.testing.assert_array_equal(points.drawn.x, drawn.x)


def test_a_logarithmic_axis_has_the_same_points(points: CountedPoints) -> None:
    points.set_points(*_many())
    points.canvas.grab()
    linear = points.drawn
    points.setLogMode(False, True)
    points.plot.setYRange(-0.5, 2.5, padding=0)
    points.canvas.grab()
    np.testing.assert_array_equal(points.drawn.y, np.log10(np.maximum(linear.y, 0.5)))
    np.testing.assert_array_equal(points.drawn.lower, np.log10(np.maximum(linear.lower, 0.5)))


def test_few_points_are_drawn_one_by_one_wherever_one_looks(points: CountedPoints) -> None:
    x, y, lower, upper = _many(MOST_EXACT)
    points.set_points(x, y, lower, upper)
    for view in ((0, 10), (3, 4)):
        points.plot.setXRange(*view, padding=0)
        points.canvas.grab()
        np.testing.assert_array_equal(points.drawn.x, x)
        np.testing.assert_array_equal(points.drawn.bar_x, x)
        np.testing.assert_array_equal(points.drawn.upper, upper)


def test_the_picture_of_many_points_is_that_of_all_of_them(points: CountedPoints) -> None:
    """Pixel by pixel: where all bars make one stroke, the few bars that are drawn do too."""
    x, y, lower, upper = _many(30_000)
    points.set_points(x, y, lower, upper)
    few = _ink(points)
    points._ordered = None
    points._draw(type(points.drawn).exact(x, y, lower, upper))
    every = _ink(points)
    assert every.sum() > 10_000
    assert (few != every).sum() < 0.08 * every.sum()


def _ink(points: CountedPoints) -> np.ndarray:
    image = points.canvas.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    width, height = image.width(), image.height()
    values = np.frombuffer(image.constBits(), np.uint8).reshape(height, width, 4)
    gray = values[:, :, :3].astype(int).sum(axis=2)
    background = np.bincount(gray.ravel()).argmax()
    return np.abs(gray - background) > 100


def test_panels_of_the_grid(qtbot: QtBot, spectrum: Spectrum) -> None:
    make_application(LIGHT)
    grid = SpectraGrid(LIGHT)
    qtbot.addWidget(grid)
    grid.resize(800, 400)
    grid.set_scale(CountScale(whole=True))
    grid.show()
    qtbot.waitExposed(grid)
    data: PanelData = panel_of(spectrum, None)
    grid.show_panels([data])
    grid.grab()
    drawn = grid.panels[0].points.drawn
    assert 0 < drawn.bar_x.size <= MOST_EXACT / 2
    assert drawn.y.max() == data.points.counts.max() == 90.0


def test_the_monitor_of_a_long_scan(qtbot: QtBot, spectrum: Spectrum) -> None:
    make_application(LIGHT)
    strip = ScanStrip(LIGHT)
    qtbot.addWidget(strip)
    monitor = np.full(N, 1e5)
    monitor[OUTLIER] = 3.0
    scan = Scan(
        number=1,
        occurrence=1,
        kind="energy",
        command="ascan",
        scanned="energy",
        energy_mev=spectrum.energy_mev[None],
        counts=spectrum.counts[None],
        seconds=None,
        monitor=monitor,
        analyzers=(Analyzer("Ana4"),),
        source=Source(Path("long.spec"), ""),
    )
    strip.show_scan(scan)
    x, y = strip.monitor.getData()
    assert x.size <= MOST_EXACT
    assert (OUTLIER + 1, 3e-3) in {(int(a), round(float(b), 9)) for a, b in zip(x, y, strict=True)}


# -- the tab Fit --------------------


def _subject(stage: Stage) -> Subject:
    draft = replace(TRUTH, range_mev=(-15.0, 15.0))
    chosen = ChosenResolution(R, "nominal", nominal=True)
    which = SpectrumId("long_1", "Ana4")
    return Subject(which, stage, chosen, 300.0, draft=draft, state="edited")


def test_start_values_from_bins_are_those_that_the_counts_were_made_with(stage: Stage) -> None:
    binned = stage.points_to_start(None)
    assert binned.counts.size < 1000
    assert binned.counts.sum() == stage.points_to_fit(None).counts.sum()
    other = replace(TRUTH, modes=(replace(MODE, amplitude=Quantity(1.0)),), elastic=Quantity(1.0))
    found = with_strengths(other, stage.points_to_start((-15.0, 15.0)), TRUTH.model(R, 300.0))
    for name in ("mode1_amplitude", "elastic", "background_c0"):
        assert found.quantity(name).value == pytest.approx(TRUTH.quantity(name).value, rel=0.02)


def test_curves_between_nodes_are_those_at_the_points(stage: Stage) -> None:
    shown = _subject(stage)
    assert shown.curves is not None
    assert shown.model is not None
    some = slice(None, None, 997)
    energy = stage.spectrum.energy_mev[some]
    values = dict(zip(shown.draft.names, shown.draft.vector, strict=True))
    expected = stage.spectrum.exposure[some] * shown.model.evaluate(values, energy)
    np.testing.assert_allclose(shown.curves.expected_counts[some], expected, rtol=1e-4)
    residuals = deviance_residuals(stage.spectrum.counts[some], expected)
    np.testing.assert_allclose(shown.curves.curves.residuals[some], residuals, atol=2e-3)
    np.testing.assert_allclose(
        shown.curves.total_at_points[some], expected, rtol=1e-4
    )  # all of one exposure


def test_the_plot_of_a_long_spectrum(qtbot: QtBot, stage: Stage) -> None:
    make_application(LIGHT)
    plot = SpectrumPlot(LIGHT)
    qtbot.addWidget(plot.canvas)
    plot.canvas.resize(900, 600)
    shown = _subject(stage)
    plot.show_subject(shown, 0)
    plot.show_all()
    plot.canvas.show()
    qtbot.waitExposed(plot.canvas)
    plot.canvas.grab()
    items = (plot.points, plot.faint, plot.left_over, plot.left_over_faint)
    assert all(0 < item.drawn.bar_x.size <= MOST_EXACT / 2 for item in items)
    assert plot.faint.drawn.y.max() == 90.0  # the outlier, which is out of the range
    plot.main.setXRange(8.0, 8.2, padding=0)
    plot.canvas.grab()
    energy = shown.points.energy_mev
    seen = (energy >= 8.0) & (energy <= 8.2)
    for item, values in (
        (plot.points, shown.points.counts),
        (plot.left_over, shown.curves.curves.residuals if shown.curves else energy),
    ):
        inside = (item.drawn.x >= 8.0) & (item.drawn.x <= 8.2)
        np.testing.assert_array_equal(item.drawn.x[inside], energy[seen])
        np.testing.assert_array_equal(item.drawn.y[inside], values[seen])


def test_a_long_spectrum_on_the_tab_fit(qtbot: QtBot, settings: Settings, tmp_path: Path) -> None:
    """Shown, given a resolution, a mode by a double click, moved by a drag, undone."""
    path = tmp_path / "long.h5"
    with Project(path).writing() as h5:
        write_spectra(h5, "long_1", [_spectrum(25_000)], Provenance("test"))
    bench = make_bench(qtbot, path, settings)
    tab = show(qtbot, bench, SpectrumId("long_1", "Ana4"))
    assert subject(tab).state == "bare"
    tab.edits._use_nominal(1.5)
    qtbot.waitUntil(lambda: tab.ready and subject(tab).model is not None, timeout=30_000)
    assert subject(tab).stage.binned is not None
    click(qtbot, tab.plot.canvas, at(tab, 8.0, 0.5), double=True)
    settle(qtbot, tab)
    (mode,) = subject(tab).draft.modes
    assert mode.energy.value == pytest.approx(8.0, abs=0.1)
    assert mode.amplitude.value > 0
    drag(qtbot, tab.plot.canvas, at(tab, mode.energy.value, 0.7), at(tab, 6.0, 0.7))
    settle(qtbot, tab)
    assert subject(tab).draft.modes[0].energy.value == pytest.approx(6.0, abs=0.2)
    assert tab.plot.points.drawn.bar_x.size <= MOST_EXACT / 2
    bench.project.undo_stack.undo()
    assert subject(tab).draft.modes[0].energy.value == mode.energy.value
    export = tab.export()
    assert isinstance(export, LateExport)
    assert export.name == "long_1 Ana4 fit"
    shown = subject(tab)
    made = export.make()
    assert [row[1] for row in made.table.rows] == shown.points.counts.tolist()
    assert made.figure.axes


def test_a_long_spectrum_is_prepared_once_and_again_after_a_cancel(
    qtbot: QtBot, settings: Settings, tmp_path: Path
) -> None:
    """However often it is asked for meanwhile; the tab is ready also when the user cancels."""
    path = tmp_path / "long.h5"
    with Project(path).writing() as h5:
        write_spectra(h5, "long_1", [_spectrum(25_000)], Provenance("test"))
    bench = make_bench(qtbot, path, settings)
    made: list[str] = []
    bench.runner.job_changed.connect(
        lambda job: made.append(job.title) if job.state == "waiting" else None
    )
    tab = show(qtbot, bench, SpectrumId("long_1", "Ana4"))
    made.clear()
    tab.edits._use_nominal(1.5)
    for _ in range(3):
        tab.mark_stale()
    assert not tab.ready
    (job,) = [job for job in bench.runner.jobs if job.title.startswith("preparing")]
    job.cancel()
    qtbot.waitUntil(lambda: tab.ready, timeout=20_000)
    assert subject(tab).model is None
    tab.mark_stale()
    qtbot.waitUntil(lambda: tab.ready and subject(tab).model is not None, timeout=20_000)
    assert len([title for title in made if title.startswith("preparing")]) == 2


def test_the_export_of_a_scan_of_many_points_is_made_late_and_the_same(
    opened: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    tab = settle_scans(qtbot, opened)
    project = opened.project
    fit = project.fit(SpectrumId("CdOsO_58", "Ana6"))
    assert fit is not None
    removed, moved = SpectrumId("CdOsO_58", "Ana5"), SpectrumId("CdOsO_58", "Ana6")
    later = replace(fit, expected_counts=fit.expected_counts + 1.0)
    document = project.document.with_mask("CdOsO_58", frozenset({"Ana7"}))
    project.apply(document.with_fits({removed: None, moved: later}), "changes")
    qtbot.waitUntil(lambda: tab.ready, timeout=20_000)
    now = tab.export()
    assert not isinstance(now, LateExport)
    monkeypatch.setattr(scans_module, "_MANY_POINTS", 10)
    late = tab.export()
    assert isinstance(late, LateExport)
    assert late.name == now.name
    assert late.make().table == now.table


def test_a_point_is_a_round_dot_however_narrow_the_view(points: CountedPoints) -> None:
    points.set_points(*(np.array([v]) for v in (5.0, 50.0, 50.0, 50.0)))
    points.plot.setXRange(4.99, 5.01, padding=0)
    points.plot.hideAxis("bottom")
    points.plot.hideAxis("left")
    ink = _ink(points)
    assert 3 <= np.ptp(np.flatnonzero(ink.any(axis=0))) + 1 <= 6
    assert 3 <= np.ptp(np.flatnonzero(ink.any(axis=1))) + 1 <= 6
