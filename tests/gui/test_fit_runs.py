"""Fits from the tab Fit: the core's numbers, progress, cancelling, failures, history."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from gui.models import fit_jobs
from gui.models.document import SpectrumId
from gui.models.fit_parameters import start_parameters
from gui.recognise import recognise
from gui.runner import Job
from gui.settings import Settings
from gui.theme import LIGHT
from gui.views.project_dock import ProjectTree
from ixs_core.project import Project
from ixs_core.provenance import provenance_of
from ixs_reduce import Spectrum, SpectrumModel, fit_spectrum
from ixs_reduce.batch import FitOptions, fit_batch
from ixs_reduce.fit_record import identical
from ixs_reduce.predicted_modes import PredictedModes
from ixs_reduce.project_fit import load_predictions
from ixs_reduce.resolution import Resolution
from ixs_reduce.resolution_file import load_resolutions
from ixs_reduce.store import (
    read_fits,
    read_spectra,
    write_fits,
    write_predictions,
    write_spectra,
)
from tests.gui.conftest import RESOLUTION
from tests.gui.fit_helpers import (
    FITTED,
    OTHER,
    UNFITTED,
    WITHOUT_R,
    Bench,
    at,
    make_bench,
    settle,
    show,
    subject,
)
from tests.gui.gestures import click

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def bench(qtbot: QtBot, small_project: Path, settings: Settings) -> Iterator[Bench]:
    """The tab with the small project."""
    made = make_bench(qtbot, small_project, settings)
    yield made
    made.tab.close_down()
    made.runner.stop()


def errors(bench: Bench) -> list[str]:
    return [m.text for m in bench.messages.messages if m.level == "error"]


def test_fit_one_gives_the_numbers_of_the_core(qtbot: QtBot, bench: Bench) -> None:
    tab = show(qtbot, bench, UNFITTED)
    click(qtbot, tab.plot.canvas, at(tab, 17.0), double=True)
    start = subject(tab)
    assert start.resolution is not None
    draft, spectrum = start.draft, start.to_fit()
    qtbot.mouseClick(tab.bar.fit, LEFT)
    settle(qtbot, tab)
    fit = bench.project.fit(UNFITTED)
    assert fit is not None
    assert start.spectrum.temperature_k is not None
    model = SpectrumModel(start.resolution, start.spectrum.temperature_k, len(draft.modes))
    own = fit_spectrum(spectrum, model, start_parameters(draft, spectrum, model), starts=1)
    assert identical(fit, own)
    assert subject(tab).state == "fitted"
    assert bench.project.undo_stack.undoText() == "fit CdOsO_59 Ana6"
    assert bench.project.is_fitted(UNFITTED)
    bench.project.undo_stack.undo()
    assert not bench.project.is_fitted(UNFITTED)
    assert subject(tab).draft == draft


def test_a_fit_finds_the_modes_that_were_simulated(
    qtbot: QtBot, tmp_path: Path, settings: Settings
) -> None:
    path = tmp_path / "simulated.h5"
    resolution = Resolution.nominal(1.5, "a01")
    truth = SpectrumModel(resolution, 300.0, 2)
    values = dict(
        zip(truth.parameter_names, [4.5, 0.9, 90, 10.5, 0.7, 120, 200, 5, 0, 0], strict=True)
    )
    energy = np.linspace(-20, 20, 161)
    counts = np.random.default_rng(5).poisson(truth.evaluate(values, energy))
    spectrum = Spectrum(
        energy, counts, np.ones(161), temperature_k=300.0, analyzer="a01", scan="1", zero_mev=0.0
    )
    with Project(path).writing() as h5:
        write_spectra(h5, "s_1", [spectrum], provenance_of("test"))
    bench = make_bench(qtbot, path, settings)
    bench.tab.missing_bar.nominal_wanted.emit(1.5)
    tab = show(qtbot, bench, SpectrumId("s_1", "a01"))
    assert subject(tab).state == "empty"
    for place in (3.9, -11.2):
        click(qtbot, tab.plot.canvas, at(tab, place), double=True)
    tab.fit_current()
    settle(qtbot, tab)
    fit = bench.project.fit(SpectrumId("s_1", "a01"))
    assert fit is not None
    for name, value in values.items():
        found = fit.value(name)
        assert abs(found.value - value) < 4 * found.stderr, name
    bench.runner.stop()


def test_fit_all_with_progress_is_one_step(qtbot: QtBot, bench: Bench) -> None:
    tab = show(qtbot, bench)
    masked = bench.project.document.with_mask(FITTED.key, frozenset({OTHER.analyzer}))
    bench.project.apply(masked, "mask")
    told: list[tuple[int, int]] = []
    bench.runner.job_changed.connect(lambda job: told.append((job.done, job.total)))
    tab.bar.manner.setCurrentText("1 mode")
    qtbot.mouseClick(tab.bar.fit_all, LEFT)
    assert tab.bar.cancel.isVisible()
    qtbot.waitUntil(lambda: not tab.runs.active, timeout=60_000)
    settle(qtbot, tab)
    assert not tab.bar.cancel.isVisible()
    assert max(total for _, total in told) > 1
    fits = {w: f for w, f in bench.project.document.fits.items() if f is not None}
    assert {w.analyzer for w in fits} == {"Ana5", "Ana6"}
    assert bench.project.path is not None
    with Project(bench.project.path).reading() as h5:
        stored = {f.spectrum.analyzer: f for f in read_fits(h5, FITTED.key)}
        spectra = {s.analyzer: s for s in read_spectra(h5, FITTED.key)}
    options = FitOptions(modes=1)
    own = fit_batch(
        [fit_jobs.known_zero(spectra[name], stored[name]) for name in ("Ana5", "Ana6")],
        {name: stored[name].model.resolution for name in ("Ana5", "Ana6")},
        options,
    )
    for fit in own.fits:
        assert identical(fits[SpectrumId(FITTED.key, fit.spectrum.analyzer or "")], fit)
    (said,) = [m.text for m in bench.messages.messages if "fitted" in m.text]
    assert said.startswith("2 spectra fitted")
    assert "Ana7 (masked by the user)" in said
    # Those without a resolution are marked; dead and masked ones are no failures.
    assert set(bench.project.failures) == {
        SpectrumId(FITTED.key, name) for name in ("Ana3", "Ana4", "Ana8")
    }
    assert bench.project.fit(OTHER) is not None
    bench.project.undo_stack.undo()
    assert bench.project.document.fits == {}


def test_fit_all_with_this_model_keeps_what_is_fixed(qtbot: QtBot, bench: Bench) -> None:
    tab = show(qtbot, bench)
    tab.modes.value_edited.emit("mode1_fwhm", 0.6)
    tab.modes.fixed_edited.emit("mode1_fwhm", True)
    tab.modes.tie_edited.emit("mode2_fwhm", "mode1_fwhm")
    tab.bar.manner.setCurrentText("with this model")
    tab.bar.scope.setCurrentText("whole project")
    qtbot.mouseClick(tab.bar.fit_all, LEFT)
    qtbot.waitUntil(lambda: not tab.runs.active, timeout=60_000)
    fits = {w: f for w, f in bench.project.document.fits.items() if f is not None}
    # Scan 59 has no fits: it lends R from those of scan 58, and finds its zeros.
    assert {w for w in fits if w.key == "CdOsO_59"} == {
        SpectrumId("CdOsO_59", name) for name in ("Ana5", "Ana6", "Ana7")
    }
    for fit in fits.values():
        assert fit.model.n_modes == 2
        assert fit.value("mode1_fwhm") == (0.6, 0.0, False)
        assert fit.value("mode2_fwhm").value == 0.6


@pytest.mark.parametrize("by_key", [False, True])
def test_a_cancel_takes_less_than_a_fifth_of_a_second(
    qtbot: QtBot, bench: Bench, by_key: bool
) -> None:
    tab = show(qtbot, bench)
    before = bench.project.document
    ended: list[tuple[str, float]] = []

    def note(job: Job) -> None:
        if not job.active and not job.quiet:
            ended.append((job.state, time.monotonic()))

    bench.runner.job_changed.connect(note)
    tab.bar.manner.setCurrentText("modes searched")
    qtbot.mouseClick(tab.bar.fit_all, LEFT)
    (job,) = tab.runs.jobs
    qtbot.waitUntil(lambda: job.total > 0, timeout=60_000)  # it is well under way
    clicked = time.monotonic()
    if by_key:
        tab.give_up()
    else:
        qtbot.mouseClick(tab.bar.cancel, LEFT)
    qtbot.waitUntil(lambda: bool(ended), timeout=10_000)
    (state, at_time) = ended[0]
    assert state == "cancelled"
    assert at_time - clicked < 0.2
    qtbot.waitUntil(lambda: not bench.runner.busy, timeout=10_000)
    assert bench.project.document is before
    assert bench.project.fit(FITTED) is not None
    assert bench.project.failures == {}
    assert errors(bench) == []
    assert not tab.bar.cancel.isVisible()


def test_without_a_resolution_a_fit_fails_once_and_keeps_all(qtbot: QtBot, bench: Bench) -> None:
    tab = show(qtbot, bench, WITHOUT_R)
    before = bench.project.document
    tree = ProjectTree(bench.project, LIGHT)
    tree.rebuild()
    index = tree.index_of(WITHOUT_R)
    with qtbot.waitSignal(bench.project.failures_changed):
        tab.fit_current()
    tab.fit_current()
    assert bench.project.document is before
    assert "no resolution for Ana2" in bench.project.failures[WITHOUT_R]
    (message,) = [m for m in bench.messages.messages if m.level == "error"]
    assert message.count == 2
    assert "failed" in str(index.data(Qt.ItemDataRole.ToolTipRole))
    assert "The last fit failed" in tab.words.text.toPlainText()


def test_too_few_points_keep_the_old_fit(qtbot: QtBot, bench: Bench) -> None:
    tab = show(qtbot, bench)
    old = bench.project.fit(FITTED)
    zero = subject(tab).draft.zero.value
    tab.edits.edit(replace(subject(tab).draft, range_mev=(zero + 3.0, zero + 5.5)), "range")
    draft = subject(tab).draft
    tab.fit_current()
    settle(qtbot, tab)
    assert bench.project.fit(FITTED) is old
    assert subject(tab).draft == draft
    assert "too few points" in bench.project.failures[FITTED]
    assert len(errors(bench)) == 1
    bench.project.undo_stack.undo()
    tab.fit_current()
    settle(qtbot, tab)
    assert FITTED not in bench.project.failures


def test_a_worker_that_raises_keeps_everything(
    qtbot: QtBot, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("out of luck")

    monkeypatch.setattr(fit_jobs, "fit_spectrum", broken)
    tab = show(qtbot, bench)
    before = bench.project.document
    tab.fit_current()
    settle(qtbot, tab)
    assert bench.project.document is before
    assert subject(tab).state == "fitted"
    assert bench.project.failures[FITTED] == "out of luck"
    assert errors(bench) == ["RuntimeError: out of luck"]


def test_what_is_edited_during_a_fit_stays(qtbot: QtBot, bench: Bench) -> None:
    tab = show(qtbot, bench)
    tab.modes.value_edited.emit("mode1_energy", 5.0)
    tab.fit_current()
    tab.modes.value_edited.emit("mode1_energy", 5.5)
    settle(qtbot, tab)
    assert FITTED in bench.project.document.fits
    assert subject(tab).state == "edited"
    assert subject(tab).draft.quantity("mode1_energy").value == 5.5


def test_search_of_modes(qtbot: QtBot, bench: Bench) -> None:
    tab = show(qtbot, bench, UNFITTED)
    spectrum, resolution = subject(tab).to_fit(), subject(tab).resolution
    assert resolution is not None
    qtbot.mouseClick(tab.bar.search, LEFT)
    qtbot.waitUntil(lambda: not tab.runs.active, timeout=90_000)
    settle(qtbot, tab)
    fit = bench.project.fit(UNFITTED)
    assert fit is not None
    own = fit_batch([spectrum], {"Ana6": resolution}, FitOptions())
    assert identical(fit, own.fits[0])
    assert subject(tab).state == "fitted"


def test_fit_from_prediction(qtbot: QtBot, small_project: Path, settings: Settings) -> None:
    with Project(small_project).reading() as h5:
        stored = {f.spectrum.analyzer: f for f in read_fits(h5, FITTED.key)}[FITTED.analyzer]
    spectrum = stored.spectrum
    energies = np.array([mode.energy.value for mode in stored.modes])
    count = energies.size
    predicted = PredictedModes(
        spectrum.file or "",
        spectrum.scan or "",
        FITTED.analyzer,
        np.array(spectrum.q_hkl),
        300.0,
        1.02 * energies,
        np.ones(count),
        np.arange(1, count + 1),
        np.arange(1, count + 1),
        np.full(count, np.nan),
        np.zeros(count),
    )
    with Project(small_project).writing() as h5:
        write_predictions(h5, FITTED.key, [predicted], provenance_of("test"))
    bench = make_bench(qtbot, small_project, settings)
    tab = show(qtbot, bench)
    assert tab.bar.predict.isEnabled()
    qtbot.mouseClick(tab.bar.predict, LEFT)
    qtbot.waitUntil(lambda: not tab.runs.active, timeout=60_000)
    settle(qtbot, tab)
    fit = bench.project.fit(FITTED)
    assert fit is not None
    assert all(mode.branch for mode in fit.modes)
    own = fit_batch(
        [fit_jobs.known_zero(subject(tab).to_fit(), stored)],
        {FITTED.analyzer: stored.model.resolution},
        FitOptions(modes="predicted"),
        predictions=load_predictions(Project(small_project)),
    )
    assert identical(fit, own.fits[0])
    assert f"({fit.modes[0].branch})" in str(tab.modes.index(0, 0).data())
    bench.runner.stop()


def test_an_earlier_fit_is_shown_and_taken_over(
    qtbot: QtBot, small_project: Path, settings: Settings
) -> None:
    with Project(small_project).reading() as h5:
        first = read_fits(h5, FITTED.key)
    newer = [replace(fit, remarks=("made later",)) for fit in first]
    with Project(small_project).writing() as h5:
        write_fits(h5, FITTED.key, newer, provenance_of("a later run"))
    bench = make_bench(qtbot, small_project, settings)
    tab = show(qtbot, bench)
    assert tab.words.versions.count() == 3  # none, the present, the earlier
    tab.words.versions.setCurrentIndex(2)
    tab.words.versions.activated.emit(2)
    qtbot.waitUntil(lambda: "earlier" in tab.plot.curves.items, timeout=10_000)
    assert "made later" not in tab.words.text.toPlainText().split("Earlier fit")[1]
    qtbot.mouseClick(tab.words.take, LEFT)
    fit = bench.project.fit(FITTED)
    assert fit is not None
    assert fit.remarks != ("made later",)
    bench.project.undo_stack.undo()
    fit = bench.project.fit(FITTED)
    assert fit is not None
    assert fit.remarks == ("made later",)
    bench.runner.stop()


def test_resolutions_of_a_dropped_file(qtbot: QtBot, bench: Bench) -> None:
    tab = show(qtbot, bench, WITHOUT_R)
    assert recognise(RESOLUTION) == "resolution-table"
    tab.take_file(RESOLUTION, "resolution-table")
    qtbot.waitUntil(lambda: subject(tab).chosen is not None and tab.ready, timeout=10_000)
    chosen = subject(tab).chosen
    assert chosen is not None
    assert chosen.resolution.components == load_resolutions(RESOLUTION)["Ana2"].components
    assert chosen.origin == "from herix30id_resolution.json"
