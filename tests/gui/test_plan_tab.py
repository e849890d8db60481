"""The tab Plan, driven through its real widgets and held against the core."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent, QGuiApplication
from pytestqt.qtbot import QtBot

from gui.app import make_application
from gui.models.plan_sources import PlanSources
from gui.screenshots import wait_until
from gui.settings import Settings
from gui.theme import LIGHT
from gui.views.plan_tab import PlanTab
from gui.window import MainWindow
from ixs_core.project import Project
from ixs_reduce.instrument import load_instrument
from simulate.planning import lines_of_settings, place, setting_record
from simulate.planning.placement import nearest_placement
from simulate.planning.store import StoredPlan, read_plan_result
from tests.gui.gestures import click, drag, hover, place_of
from tests.gui.plan_projects import (
    EXPERIMENT,
    FORCE_CONSTANTS,
    TARGETS,
    ZONES,
    build_plan,
    show_plan,
    small_map,
    wait_ready,
)


@pytest.fixture(scope="session")
def _planned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_plan(tmp_path_factory.mktemp("plan") / "planned.h5")


@pytest.fixture
def planned(_planned: Path, tmp_path: Path) -> Path:
    """A project of one's own that holds a small plan."""
    return Path(shutil.copy(_planned, tmp_path / "planned.h5"))


@pytest.fixture
def stored(planned: Path) -> StoredPlan:
    with Project(planned).reading() as h5:
        return read_plan_result(h5, "plan")


@pytest.fixture(scope="module")
def seen(_planned: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlanTab]:
    """The tab with plan and force constants in a window of its own, for tests that only look."""
    folder = tmp_path_factory.mktemp("seen")
    make_application(LIGHT)
    viewer = MainWindow(Settings(folder / "viewer.ini"), LIGHT)
    viewer.show()
    viewer.take(Path(shutil.copy(_planned, folder / "planned.h5")))
    document = viewer.project.document.with_choice("plan", "map", small_map())
    viewer.project.apply(document, "what the map shows")
    viewer.show_tab("plan")
    page = viewer.page
    assert isinstance(page, PlanTab)
    assert wait_until(lambda: page.ready, 120)
    yield page
    viewer._may_leave = lambda: True  # type: ignore[method-assign]
    viewer.close()
    viewer.deleteLater()


@pytest.fixture
def listed(window: MainWindow, planned: Path, qtbot: QtBot) -> PlanTab:
    """The tab with the plan of the project and an experiment file, without phonons: quick."""
    window.take(planned)
    sources = PlanSources(experiment=EXPERIMENT).as_choice()
    document = window.project.document.with_choice("plan", "sources", sources)
    window.project.apply(document, "files")
    return show_plan(window, qtbot)


@pytest.fixture
def page(window: MainWindow, planned: Path, qtbot: QtBot) -> PlanTab:
    """The tab with the plan of the project."""
    window.take(planned)
    return show_plan(window, qtbot)


@pytest.fixture
def moving(window: MainWindow, qtbot: QtBot) -> PlanTab:
    """The tab with an experiment file and nothing else."""
    window.pages["plan"].use_experiment(EXPERIMENT)  # type: ignore[attr-defined]
    page = show_plan(window, qtbot)
    page.widgets.map.set_range((-4, 9, 1, 10))
    page.map.start()
    wait_ready(page, qtbot)
    return page


def _drag_array(page: PlanTab, qtbot: QtBot, to: tuple[float, float]) -> None:
    view = page.widgets.map
    start = view.footprint.centre
    drag(
        qtbot,
        view.canvas,
        place_of(view.canvas, view.plot, start.x(), start.y()),
        place_of(view.canvas, view.plot, *to),
    )


def _number(text: str) -> float:
    return float(text.replace("−", "-"))


# -- the footprint --------------------


def test_dragging_the_array_gives_the_core_s_numbers(
    moving: PlanTab, qtbot: QtBot, capsys: pytest.CaptureFixture[str]
) -> None:
    from ixs_reduce.cli.angles import angles

    _drag_array(moving, qtbot, (5.2, 6.1))
    footprint = moving.setting.array.footprint
    assert footprint is not None
    assert footprint.hkl == pytest.approx([5.2, 6.1, 0], abs=0.05)

    instrument = load_instrument(EXPERIMENT)
    expected = place(instrument, footprint.hkl, "a06")
    assert expected.angles is not None
    assert footprint.angles == expected.angles
    table = instrument.analyzer_q(expected.angles)
    np.testing.assert_array_equal(footprint.table.hkl, table.hkl)
    np.testing.assert_array_equal(footprint.table.dq, table.dq)

    capsys.readouterr()
    angles(EXPERIMENT, hkl=" ".join(repr(float(x)) for x in footprint.hkl), as_json=True)
    command = json.loads(capsys.readouterr().out)
    assert command["angles"] == footprint.angles.as_dict()
    assert command["mv"] == footprint.mv == moving.widgets.setting.mv.text()
    shown = moving.widgets.setting.angles
    for name, value in command["angles"].items():
        assert _number(shown[name].text()) == pytest.approx(value, abs=5.1e-5)
    rows = moving.widgets.analyzers
    for row, analyzer in enumerate(command["analyzers"]):
        assert rows.item(row, 0).text().removeprefix("▸ ") == analyzer["name"]
        cells = [_number(rows.item(row, column).text()) for column in range(1, 8)]
        wanted = [*analyzer["q_hkl"], analyzer["q_abs"], *analyzer["dq_hkl"]]
        assert cells == pytest.approx(wanted, abs=5.1e-5)


def test_the_array_is_held_at_any_analyzer(moving: PlanTab, qtbot: QtBot) -> None:
    combo = moving.widgets.setting.analyzer
    combo.setCurrentText("a03")
    combo.activated.emit(combo.currentIndex())
    _drag_array(moving, qtbot, (3.0, 7.0))
    footprint = moving.setting.array.footprint
    assert footprint is not None
    assert footprint.analyzer == "a03"
    instrument = load_instrument(EXPERIMENT)
    expected = place(instrument, footprint.hkl, "a03")
    assert expected.angles is not None
    assert footprint.angles == expected.angles
    seen = instrument.analyzer_q(expected.angles).hkl[
        instrument.spectrometer.analyzers.index("a03")
    ]
    assert seen == pytest.approx(footprint.hkl, abs=1e-8)
    assert footprint.hkl == pytest.approx([3, 7, 0], abs=0.05)


def test_a_drag_into_the_grey_stays_at_the_nearest_that_is_reached(
    moving: PlanTab, qtbot: QtBot
) -> None:
    assert moving.map.shown is not None
    reached = moving.map.shown.reachable_hkl
    _drag_array(moving, qtbot, (-3.5, 3.0))
    footprint = moving.setting.array.footprint
    assert footprint is not None
    assert not footprint.is_as_asked
    expected = nearest_placement(load_instrument(EXPERIMENT), footprint.asked_hkl, "a06", reached)
    assert footprint.hkl.tolist() == expected.hkl.tolist()
    assert footprint.placement.reachable
    assert "nearest" in moving.widgets.setting.state.text()


def test_the_knob_turns_the_sample(moving: PlanTab, qtbot: QtBot) -> None:
    before = moving.setting.array.footprint
    view = moving.widgets.map
    assert before is not None
    x, y = view.knob.place
    drag(
        qtbot,
        view.canvas,
        place_of(view.canvas, view.plot, x, y),
        place_of(view.canvas, view.plot, x - 2.0, y + 0.6),
    )
    after = moving.setting.array.footprint
    assert after is not None
    lattice = load_instrument(EXPERIMENT).orientation.lattice
    assert np.abs(after.hkl - before.hkl).max() > 0.5
    assert lattice.q_abs(after.hkl) == pytest.approx(lattice.q_abs(before.hkl))
    assert after.angles.tth == pytest.approx(before.angles.tth, abs=1e-6)
    expected = place(load_instrument(EXPERIMENT), after.hkl, "a06")
    assert after.angles == expected.angles


def test_omega_is_set_as_by_the_command(
    moving: PlanTab, qtbot: QtBot, capsys: pytest.CaptureFixture[str]
) -> None:
    from PySide6.QtWidgets import QDoubleSpinBox

    from ixs_reduce.cli.angles import angles

    spin = moving.findChild(QDoubleSpinBox, "plan-turn-omega")
    assert spin is not None
    spin.setValue(2.5)
    wait_ready(moving, qtbot)
    footprint = moving.setting.array.footprint
    assert footprint is not None
    capsys.readouterr()
    angles(EXPERIMENT, hkl="7 7 0", settings=["omega=2.5"], as_json=True)
    command = json.loads(capsys.readouterr().out)
    assert footprint.angles.as_dict() == command["angles"]
    # The reach is that of the turned sample.
    assert moving.map.shown is not None
    assert moving.map.shown.request.values == {"omega": 2.5}


def test_a_typed_q_is_gone_to(moving: PlanTab, qtbot: QtBot) -> None:
    field = moving.widgets.setting.hkl
    field.selectAll()
    qtbot.keyClicks(field, "4.4 4.4 0")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    footprint = moving.setting.array.footprint
    assert footprint is not None
    assert footprint.hkl.tolist() == [4.4, 4.4, 0]
    field.selectAll()
    qtbot.keyClicks(field, "nonsense")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert moving.setting.array.footprint is footprint
    assert moving.desk.messages.messages[-1].level == "error"


# -- the map --------------------


def test_what_is_not_reached_is_grey(moving: PlanTab) -> None:
    shown = moving.map.shown
    assert shown is not None
    assert shown.values is None
    instrument = load_instrument(EXPERIMENT)
    veil = moving.widgets.map.veil.image
    assert not shown.reachable.all()
    assert shown.reachable.any()
    for i, x in enumerate(shown.x):
        for j, y in enumerate(shown.y):
            reached = place(instrument, [x, y, 0]).reachable
            assert (veil[i, j, 3] > 0) is not reached
    view = moving.widgets.map
    picture = view.canvas.grab().toImage()
    ratio = picture.width() / view.canvas.width()
    inside = [(i, j) for i, j in np.argwhere(~shown.reachable)][:1]
    outside = [(i, j) for i, j in np.argwhere(shown.reachable)][-1:]
    colors = []
    for i, j in inside + outside:
        at = place_of(view.canvas, view.plot, shown.x[i], shown.y[j]) * ratio
        colors.append(picture.pixelColor(at + type(at)(3, 3)).name())
    assert colors[0] != colors[1]


def test_the_cursor_says_q_and_value(seen: PlanTab, qtbot: QtBot) -> None:
    view, shown = seen.widgets.map, seen.map.shown
    assert shown is not None
    assert shown.values is not None
    i, j = (size // 2 for size in shown.values.shape)
    hover(qtbot, view.canvas, place_of(view.canvas, view.plot, shown.x[i], shown.y[j]))
    viewer = seen.window()
    assert isinstance(viewer, MainWindow)
    text = viewer.cursor_label.text()
    assert "|Q|" in text
    assert f"{shown.values[i, j]:.4g} e²" in text


def test_other_modes_make_another_map(page: PlanTab, qtbot: QtBot) -> None:
    before = page.map.shown
    field = page.widgets.bar.modes
    field.setText("branch=1")
    field.editingFinished.emit()
    wait_ready(page, qtbot)
    shown, beamtime = page.map.shown, page.beamtime
    assert shown is not None
    assert before is not None
    assert beamtime is not None
    assert shown is not before
    assert shown.values is not None
    i, j = (size // 2 for size in shown.values.shape)
    factor = beamtime.calculation.structure_factor(
        np.array([[shown.x[i], shown.y[j], 0.0]]), beamtime.conditions.temperature_k
    )
    assert shown.values[i, j] == pytest.approx(factor.loss_intensity[0, 0])
    page.desk.project.undo_stack.undo()
    wait_ready(page, qtbot)
    assert field.text() == "energy=3-5"
    assert page.map.shown is not None
    assert page.map.shown.request.settings == before.request.settings


def test_a_wrong_wish_is_told_and_the_map_stays(seen: PlanTab) -> None:
    before = seen.map.shown
    seen.widgets.bar.modes.setText("colour=red")
    seen.widgets.bar.modes.editingFinished.emit()
    assert seen.map.shown is before
    assert not seen.jobs.busy
    assert "not understood" in seen.desk.messages.messages[-1].text


# -- the plan --------------------


def test_the_table_is_the_plan_of_the_core(seen: PlanTab, stored: StoredPlan) -> None:
    rows = seen.widgets.table.model.rows
    settings = stored.record["settings"]
    assert [row.rank for row in rows] == [setting["rank"] for setting in settings]
    assert [row.hours for row in rows] == [setting["hours"] for setting in settings]
    for row, setting in zip(rows, settings, strict=True):
        for target in setting["targets"]:
            if target["assigned"]:
                assert f"± {target['sigma_energy_mev']:.2g} meV" in row.targets
                assert target["analyzer"] in row.targets
        assert row.warnings == tuple(
            text for text in stored.record["warnings"] if f"setting {row.rank} " in text
        )


def test_a_row_moves_the_array_and_shows_its_spectra(
    seen: PlanTab, stored: StoredPlan, qtbot: QtBot
) -> None:
    table = seen.widgets.table.table
    where = table.visualRect(table.model().index(1, 1)).center()
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=where)
    setting = stored.record["settings"][1]
    footprint = seen.setting.array.footprint
    assert footprint is not None
    assert footprint.hkl.tolist() == setting["placed"]["hkl"]
    assert footprint.mv == setting["mv"]
    shown = {panel.analyzer: panel for panel in seen.widgets.expected.shown}
    assert seen.widgets.setting.hours.value() == round(setting["hours"], 2)
    scale = seen.setting.hours / setting["hours"]
    for panel in stored.pictures.settings[1].panels:
        np.testing.assert_allclose(shown[panel.analyzer].counts, panel.counts * scale)
        np.testing.assert_allclose(
            shown[panel.analyzer].sigma_energy_mev, panel.sigma_energy_mev / np.sqrt(scale)
        )
    first = seen.widgets.expected.shown[0].analyzer
    assert first in {t["analyzer"] for t in setting["targets"] if t["assigned"]}


def test_spectra_follow_the_array(seen: PlanTab, qtbot: QtBot) -> None:
    from simulate.planning import expected_spectra, panel_of

    seen.setting.move([6.5, 7.0, 0.0])
    wait_ready(seen, qtbot)
    footprint, beamtime = seen.setting.array.footprint, seen.beamtime
    assert footprint is not None
    assert beamtime is not None
    assert seen.scan_mev is not None
    expected = [
        panel_of(spectrum, seen.setting.hours)
        for spectrum in expected_spectra(beamtime, footprint.angles, seen.scan_mev)
    ]
    for shown, panel in zip(seen.widgets.expected.shown, expected, strict=True):
        assert shown.analyzer == panel.analyzer
        np.testing.assert_allclose(shown.counts, panel.counts)


def test_a_number_on_the_map_chooses_its_setting(listed: PlanTab, qtbot: QtBot) -> None:
    view = listed.widgets.map
    place_ = view.settings.points.points()[1].pos()
    click(qtbot, view.canvas, place_of(view.canvas, view.plot, place_.x(), place_.y()))
    assert listed.widgets.table.current_row == 1
    number = view.settings.labels[0].pos()
    click(qtbot, view.canvas, place_of(view.canvas, view.plot, number.x(), number.y()))
    assert listed.widgets.table.current_row == 0


# -- the list --------------------


def test_the_list_is_undone_step_by_step(
    listed: PlanTab, stored: StoredPlan, window: MainWindow, qtbot: QtBot
) -> None:
    def entries() -> list[dict[str, object]]:
        return window.project.document.choice("plan", "list") or []

    settings = stored.record["settings"]
    left = Qt.MouseButton.LeftButton
    for row in (0, 1):
        listed.widgets.table.select(row)
        listed.widgets.setting.set_hours(settings[row]["hours"])
        qtbot.mouseClick(listed.widgets.setting.add, left)
    assert [entry["mv"] for entry in entries()] == [s["mv"] for s in settings[:2]]
    qtbot.mouseClick(listed.widgets.list.up, left)
    assert [entry["rank"] for entry in entries()] == [2, 1]
    qtbot.mouseClick(listed.widgets.list.remove, left)
    assert len(entries()) == 1
    stack = window.project.undo_stack
    for expected in ([2, 1], [1, 2], [1], []):
        stack.undo()
        assert [entry["rank"] for entry in entries()] == expected
        assert listed.widgets.list.table.rowCount() == len(expected)
    stack.redo()
    assert [entry["rank"] for entry in entries()] == [1]


def test_the_lines_are_the_core_s(
    listed: PlanTab, stored: StoredPlan, tmp_path: Path, qtbot: QtBot
) -> None:
    record = stored.record
    for row, setting in enumerate(record["settings"]):
        listed.widgets.table.select(row)
        listed.widgets.setting.set_hours(setting["hours"])
        qtbot.mouseClick(listed.widgets.setting.add, Qt.MouseButton.LeftButton)
    expected = lines_of_settings(
        record["settings"],
        record["scan"],
        temperature_k=record["temperature_k"],
        total_hours=record["total_hours"],
        source=record["source"],
    )
    qtbot.mouseClick(listed.widgets.list.copy, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == expected
    listed.list.save(tmp_path / "list.mac")
    assert (tmp_path / "list.mac").read_text("utf-8") == expected
    assert f"{record['total_hours']:.2f} h" in listed.widgets.list.total.text()


def test_a_setting_of_one_s_own_goes_into_the_list(moving: PlanTab, qtbot: QtBot) -> None:
    moving.setting.move([6.0, 6.0, 0.0])
    moving.widgets.setting.hours.setValue(3.5)
    qtbot.mouseClick(moving.widgets.setting.add, Qt.MouseButton.LeftButton)
    instrument = load_instrument(EXPERIMENT)
    expected = setting_record(place(instrument, [6, 6, 0], "a06"), instrument, 3.5)
    assert moving.list.entries == [expected]
    assert "a06 at (6 6 0)" in moving.list.lines()
    # Its hours are changed in the table, as one step of undo.
    moving.widgets.list.table.item(0, 2).setText("7")
    qtbot.waitUntil(lambda: moving.list.entries[0]["hours"] == 7.0, timeout=5_000)
    moving.desk.project.undo_stack.undo()
    assert moving.list.entries == [expected]


def test_the_list_is_kept_in_the_project(
    listed: PlanTab, window: MainWindow, planned: Path, qtbot: QtBot
) -> None:
    qtbot.mouseClick(listed.widgets.setting.add, Qt.MouseButton.LeftButton)
    kept = listed.list.entries
    assert window.project.save_now()
    window.project.open(planned)
    wait_ready(listed, qtbot)
    assert listed.list.entries == kept
    assert listed.widgets.list.table.rowCount() == 1


# -- planning here --------------------


def _fill_form(page: PlanTab) -> None:
    page.widgets.form.targets.setPlainText("\n".join(TARGETS))
    page.widgets.form.zones.setPlainText("\n".join(ZONES))


@pytest.mark.slow
def test_a_plan_of_the_window_is_that_of_the_command(
    window: MainWindow, stored: StoredPlan, tmp_path: Path, qtbot: QtBot
) -> None:
    project = tmp_path / "new.h5"
    window.project.create(project)
    page = window.pages["plan"]
    assert isinstance(page, PlanTab)
    page.use_experiment(EXPERIMENT)
    page.take_file(FORCE_CONSTANTS, "force-constants")
    show_plan(window, qtbot)
    _fill_form(page)
    page.widgets.plan_pages.setCurrentIndex(1)
    qtbot.mouseClick(page.widgets.form.run, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: page.found is not None, timeout=90_000)
    wait_ready(page, qtbot)
    qtbot.waitUntil(lambda: not window.runner.busy, timeout=20_000)  # it is stored
    with Project(project).reading() as h5:
        made = read_plan_result(h5, "plan")
    assert json.dumps(made.record["settings"]) == json.dumps(stored.record["settings"])
    assert made.record["warnings"] == stored.record["warnings"]
    assert page.widgets.table.model.rows[0].hours == stored.record["settings"][0]["hours"]


def test_planning_is_cancelled(page: PlanTab, stored: StoredPlan, qtbot: QtBot) -> None:
    before = page.found
    _fill_form(page)
    page.widgets.plan_pages.setCurrentIndex(1)
    qtbot.mouseClick(page.widgets.form.run, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: page.widgets.form.cancel.isEnabled(), timeout=10_000)
    qtbot.mouseClick(page.widgets.form.cancel, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not page.jobs.plan_active, timeout=10_000)
    wait_ready(page, qtbot)
    assert page.found is before
    assert page.widgets.form.run.isEnabled()
    assert not [m for m in page.desk.messages.messages if m.level == "error"]


def test_a_plan_without_a_wish_says_what_is_missing(moving: PlanTab, qtbot: QtBot) -> None:
    moving.widgets.plan_pages.setCurrentIndex(1)
    qtbot.mouseClick(moving.widgets.form.run, Qt.MouseButton.LeftButton)
    assert "force constants" in moving.desk.messages.messages[-1].text
    assert not moving.jobs.plan_active


# -- files and words --------------------


def test_nothing_is_said_in_words(window: MainWindow, qtbot: QtBot) -> None:
    window.show_tab("plan")
    page = window.page
    assert isinstance(page, PlanTab)
    wait_ready(page, qtbot)
    assert page.widgets.map_area.currentWidget() is page.widgets.nothing
    assert "ixs plan FC" in page.widgets.nothing.text()


def _drop(window: MainWindow, path: Path) -> None:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path))])
    window.dropEvent(
        QDropEvent(
            QPointF(10, 10),
            Qt.DropAction.CopyAction,
            mime,
            Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.NoModifier,
        )
    )


def test_a_dropped_experiment_shows_the_reach(window: MainWindow, qtbot: QtBot) -> None:
    _drop(window, EXPERIMENT)
    page = window.page
    assert isinstance(page, PlanTab)
    wait_ready(page, qtbot)
    assert page.sources.experiment == EXPERIMENT.resolve()
    assert page.map.shown is not None
    assert page.map.shown.reachable.any()
    assert "Reach only" in page.widgets.map_note.text()


def test_dropped_force_constants_are_used(
    moving: PlanTab, window: MainWindow, qtbot: QtBot
) -> None:
    assert moving.map.shown is not None
    assert moving.map.shown.values is None
    _drop(window, FORCE_CONSTANTS)
    assert moving.sources.force_constants == FORCE_CONSTANTS.resolve()
    wait_ready(moving, qtbot)
    assert moving.map.shown.values is not None
    assert moving.widgets.sources.force_constants.text() == FORCE_CONSTANTS.name
    window.project.undo_stack.undo()
    wait_ready(moving, qtbot)
    assert moving.sources.force_constants is None
    assert moving.map.shown.values is None


def test_a_broken_file_loses_nothing(page: PlanTab, tmp_path: Path, qtbot: QtBot) -> None:
    broken = tmp_path / "force_constants.yaml"
    broken.write_text("supercell_matrix: nonsense\n")
    footprint = page.setting.array.footprint
    page.take_file(broken, "force-constants")
    wait_ready(page, qtbot)
    assert any(m.level == "error" for m in page.desk.messages.messages)
    assert page.setting.array.footprint is footprint
    assert page.widgets.table.model.rows


def test_the_map_is_exported(seen: PlanTab, tmp_path: Path) -> None:
    from gui.plots.export import write_export

    export = seen.export()
    assert seen.map.shown is not None
    assert seen.map.shown.values is not None
    written = write_export(export, tmp_path / "plan.pdf", 178)
    rows = np.genfromtxt(written[1], delimiter=",", names=True)
    assert rows.size == seen.map.shown.values.size
    np.testing.assert_allclose(rows["intensity_e2"], seen.map.shown.values.ravel())
    np.testing.assert_array_equal(rows["reachable"], seen.map.shown.reachable.ravel())
