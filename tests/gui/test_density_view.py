"""The tab Density: what is shown, and what hands do to it."""

from __future__ import annotations

import csv
import itertools
import shutil
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot

from gui.models.density_drawn import default_level
from gui.plots.export import write_export
from gui.theme import DARK, LIGHT
from gui.views.density_tab import DensityTab
from gui.window import MainWindow
from ixs_core.errors import InputError
from ixs_core.project import Project
from mem import read_density
from mem.isosurface import isosurface, thinned
from mem.profile import profile
from mem.store import read_density_result, read_stored_density
from tests.gui.density_window import (
    ATOMS,
    KEY,
    TRICLINIC,
    gaussian_atoms,
    settled,
    small_cif,
    tab_of,
    vectors,
    written,
)
from tests.gui.gestures import click, drag, hover, place_of


@pytest.fixture(scope="session")
def _density_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both simulated temperatures, on a coarse grid; the first with σ and null."""
    from mem.cli.mem import mem

    folder = tmp_path_factory.mktemp("density")
    cold, hot = (small_cif(folder, kelvin) for kelvin in (300, 500))
    project = folder / "density.h5"
    settings = {"plane": ["0 1 0"], "path": ["Cu"], "grid_step": 0.3, "output": [project]}
    mem([cold], bootstrap=2, **settings)  # type: ignore[arg-type]
    mem([hot], null=False, **settings)  # type: ignore[arg-type]
    return project


@pytest.fixture
def shown(window: MainWindow, _density_project: Path, tmp_path: Path, qtbot: QtBot) -> DensityTab:
    """The tab with the two densities."""
    window.take(Path(shutil.copy(_density_project, tmp_path / "density.h5")))
    window.show_tab("density")
    return settled(qtbot, window)


def stored(tab: DensityTab, key: str = KEY) -> tuple:
    """Density and result, read from the project by the core."""
    path = tab.desk.project.path
    assert path is not None
    with Project(path).reading() as h5:
        return read_stored_density(h5, key), read_density_result(h5, key)


def on_section(tab: DensityTab, point: np.ndarray) -> QPoint:
    """Where a fractional point is on the canvas of the section."""
    panel = tab.page.sections.panels[0]
    assert panel.cut is not None
    u, v, _ = panel.cut.section.places(panel.cut.lattice, point)
    return place_of(tab.page.sections.canvas, panel.plot, float(u), float(v))


def test_the_stored_plane_and_path_are_shown_first(shown: DensityTab) -> None:
    density, result = stored(shown)
    assert shown.current == KEY
    entries = [shown.page.list.list.item(i).text() for i in range(2)]
    assert entries[0].startswith(f"{KEY}\nmaximum entropy, 300 K, R ")
    (panel,) = shown.page.sections.panels
    assert panel.cut is not None
    assert panel.cut.section.label == result.sections[0].section.label
    wide = density.section([0, 1, 0], result.sections[0].section.origin, panel_size(panel))
    assert np.allclose(panel.cut.section.values, wide.values)
    (drawn,) = shown.page.profile_area.profile.profiles
    assert drawn.stored
    assert np.array_equal(drawn.path.band, result.paths[0].band)
    assert np.array_equal(drawn.path.null, result.paths[0].null)
    assert shown.page.profile_area.words.text() == result.paths[0].claim
    numbers = shown.page.numbers.toPlainText()
    assert f"{100 * result.statistics['r_factor']:.2f} %" in numbers
    assert result.notes[0] in numbers


def test_another_theme_reaches_title_and_path(shown: DensityTab) -> None:
    (panel,) = shown.page.sections.panels
    title, corners = panel.plot.titleLabel, panel.handles.corners
    assert title.text
    assert corners
    hollow = [corner.brush.style() == Qt.BrushStyle.NoBrush for corner in corners]
    for theme in (DARK, LIGHT):
        shown.set_theme(theme)
        assert title.opts["color"] == theme.text
        for corner, empty in zip(corners, hollow, strict=True):
            assert (corner.brush.style() == Qt.BrushStyle.NoBrush) == empty
            assert empty or corner.brush.color().name() == theme.total.lower()


def panel_size(panel: object) -> tuple[float, float]:
    section = panel.cut.section  # type: ignore[attr-defined]
    return float(section.u[-1]), float(section.v[-1])


def test_a_drawn_path_has_the_profile_of_the_core(shown: DensityTab, qtbot: QtBot) -> None:
    window = shown.window()
    assert isinstance(window, MainWindow)
    corners = np.array([[0.10, 0.5, 0.20], [0.35, 0.5, 0.75], [0.62, 0.5, 0.55]])
    canvas = shown.page.sections.canvas
    qtbot.keyClick(shown, Qt.Key.Key_D)
    assert shown.page.path_row.draw.isChecked()
    for corner in corners[:2]:
        click(qtbot, canvas, on_section(shown, corner))
    click(qtbot, canvas, on_section(shown, corners[2]), double=True)
    assert not shown.page.path_row.draw.isChecked()
    settled(qtbot, window)
    path = shown.editor.path
    assert path is not None
    pixel = 1.5 * max(shown.page.sections.panels[0].plot.getViewBox().viewPixelSize())
    density, _ = stored(shown)
    away = (path.array - corners) @ vectors(density.cell)
    assert np.linalg.norm(away, axis=1).max() < 2 * pixel
    (drawn,) = shown.page.profile_area.profile.profiles
    expected = profile(density, path.array, 201)
    assert np.allclose(drawn.path.profile.density, expected.density, rtol=1e-12)
    assert np.allclose(drawn.path.profile.distance, expected.distance)
    assert not drawn.stored
    assert "--bootstrap 50" in shown.page.profile_area.words.text()
    undo = shown.desk.project.undo_stack
    assert undo.count() == 3
    undo.undo()
    assert shown.editor.path is not None
    assert len(shown.editor.path.points) == 2
    undo.undo()
    undo.undo()
    assert shown.editor.path is not None
    assert shown.editor.path.kind.startswith("Cu1–Cu1")
    undo.redo()
    undo.redo()
    undo.redo()
    assert shown.editor.path == path


def test_a_dragged_corner_is_one_step_of_undo(shown: DensityTab, qtbot: QtBot) -> None:
    window = shown.window()
    assert isinstance(window, MainWindow)
    before = shown.editor.path
    assert before is not None
    target = np.array([0.15, 0.5, 0.30])
    canvas = shown.page.sections.canvas
    drag(qtbot, canvas, on_section(shown, before.array[1]), on_section(shown, target))
    settled(qtbot, window)
    after = shown.editor.path
    assert after is not None
    assert after.drawn
    assert np.abs(after.array[1] - target).max() < 0.02
    assert after.points[0] == before.points[0]
    (drawn,) = shown.page.profile_area.profile.profiles
    density, _ = stored(shown)
    expected = profile(density, after.array, 201)
    assert np.allclose(drawn.path.profile.density, expected.density, rtol=1e-12)
    assert shown.desk.project.undo_stack.count() == 1
    shown.desk.project.undo_stack.undo()
    assert shown.editor.path == before


def test_corners_are_added_snap_to_atoms_and_go(shown: DensityTab, qtbot: QtBot) -> None:
    before = shown.editor.path
    assert before is not None
    canvas = shown.page.sections.canvas
    middle = on_section(shown, before.array.mean(axis=0))
    click(qtbot, canvas, middle, double=True)
    path = shown.editor.path
    assert path is not None
    assert len(path.points) == 3
    panel = shown.page.sections.panels[0]
    assert panel.cut is not None
    site = max(panel.cut.sites, key=lambda s: s.v)
    atom = panel.cut.section.fractional(panel.cut.lattice, [site.u, site.v, site.height_angstrom])
    drag(qtbot, canvas, middle, on_section(shown, atom) + QPoint(4, 3))
    path = shown.editor.path
    assert path is not None
    assert np.allclose(path.array[1], atom, atol=1e-6)
    panel.handles.corners[1].removal_asked.emit(panel.handles.corners[1])
    assert shown.editor.path is not None
    assert len(shown.editor.path.points) == 2


def test_a_path_is_chosen_by_words(shown: DensityTab, qtbot: QtBot) -> None:
    window = shown.window()
    assert isinstance(window, MainWindow)
    text = shown.page.path_row.path.lineEdit()
    assert text is not None
    text.setText("Cu1 : I2")
    qtbot.keyClick(text, Qt.Key.Key_Return)
    settled(qtbot, window)
    path = shown.editor.path
    assert path is not None
    assert path.labels == ("Cu1", "I2")
    (drawn,) = shown.page.profile_area.profile.profiles
    density, _ = stored(shown)
    assert np.allclose(drawn.path.profile.density, profile(density, path.array).density)
    text.setText("Xx")
    qtbot.keyClick(text, Qt.Key.Key_Return)
    assert "no such site" in window.messages.messages[-1].text
    assert shown.editor.path == path


def test_the_plane_is_moved_by_the_slider(shown: DensityTab, qtbot: QtBot) -> None:
    window = shown.window()
    assert isinstance(window, MainWindow)
    slider = shown.page.plane_row.slider
    middle = slider.rect().center()
    qtbot.mousePress(slider, Qt.MouseButton.LeftButton, pos=middle)
    for step in range(1, 9):
        qtbot.mouseMove(slider, middle + QPoint(4 * step, 0))
        qtbot.wait(10)
    qtbot.mouseRelease(slider, Qt.MouseButton.LeftButton, pos=middle + QPoint(32, 0))
    settled(qtbot, window)
    offset = shown.editor.plane.offset
    assert offset > 0.2
    assert shown.desk.project.undo_stack.count() == 1
    density, result = stored(shown)
    panel = shown.page.sections.panels[0]
    assert panel.cut is not None
    origin = result.sections[0].section.origin + np.array([0, offset / density.cell[1], 0])
    expected = density.section([0, 1, 0], origin, panel_size(panel))
    assert np.allclose(panel.cut.section.values, expected.values, rtol=1e-6)
    shown.desk.project.undo_stack.undo()
    assert shown.editor.plane.offset == 0
    assert slider.value() == 0


def test_a_plane_that_is_none_leaves_the_old_one(shown: DensityTab, qtbot: QtBot) -> None:
    window = shown.window()
    assert isinstance(window, MainWindow)
    field = shown.page.plane_row.plane
    field.selectAll()
    qtbot.keyClicks(field, "0 0 0")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert "not Miller indices" in window.messages.messages[-1].text
    assert shown.editor.plane.plane == "0 1 0"
    field.selectAll()
    qtbot.keyClicks(field, "0 0.5 0 : 0.5 0.5 0 : 0 0.5 0.5")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    settled(qtbot, window)
    panel = shown.page.sections.panels[0]
    assert panel.cut is not None
    assert panel.cut.section.label.startswith("through (0, 0.5, 0)")


def test_the_level_is_dragged_in_the_profile(shown: DensityTab, qtbot: QtBot) -> None:
    window = shown.window()
    assert isinstance(window, MainWindow)
    area = shown.page.profile_area
    plot, line = area.profile.plot, area.profile.level
    density, _ = stored(shown)
    loaded = shown.loaded
    assert loaded is not None
    level = default_level(loaded)
    assert shown.page.level_row.level.value() == pytest.approx(level)
    x = 0.5 * float(plot.viewRange()[0][1])
    start = place_of(area.canvas, plot, x, float(line.value()))
    drag(qtbot, area.canvas, start, start + QPoint(0, 25))
    settled(qtbot, window)
    lower = float(shown.document.choice("density", "level"))
    assert lower < 0.8 * level
    assert shown.desk.project.undo_stack.count() == 1
    surface = shown.page.surface._fine
    assert surface is not None
    expected = isosurface(thinned(density, 0.16), lower)
    assert np.array_equal(surface.vertices, expected.vertices)
    assert surface.level == lower
    shown.desk.project.undo_stack.undo()
    settled(qtbot, window)
    assert shown.page.level_row.level.value() == pytest.approx(level)


def test_the_isosurface_is_turned_and_lies_in_its_cell(shown: DensityTab, qtbot: QtBot) -> None:
    window = shown.window()
    assert isinstance(window, MainWindow)
    view = shown.page.surface
    before = view.grab().toImage()
    rotation = view.rotation.copy()
    middle = view.rect().center()
    qtbot.mousePress(view, Qt.MouseButton.LeftButton, pos=middle)
    for step in range(1, 6):
        qtbot.mouseMove(view, middle + QPoint(12 * step, 6 * step))
        qtbot.wait(10)
    qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, pos=middle + QPoint(60, 30))
    settled(qtbot, window)
    assert np.abs(view.rotation - rotation).max() > 0.1
    assert np.allclose(view.rotation @ view.rotation.T, np.eye(3))
    assert view.grab().toImage() != before


def test_all_are_shown_side_by_side_with_the_same_levels(shown: DensityTab, qtbot: QtBot) -> None:
    window = shown.window()
    assert isinstance(window, MainWindow)
    qtbot.mouseClick(shown.page.path_row.together, Qt.MouseButton.LeftButton)
    settled(qtbot, window)
    panels = shown.page.sections.panels
    assert len(panels) == 2
    assert len({tuple(panel.map.image.getLevels()) for panel in panels}) == 1
    for panel, key in zip(panels, (KEY, "simulated_CsCu2I3_500K"), strict=True):
        density, _ = stored(shown, key)
        assert panel.cut is not None
        origin = [0, 0.5, 0]
        expected = density.section([0, 1, 0], origin, panel_size(panel))
        assert np.allclose(panel.cut.section.values, expected.values)
    assert len(shown.page.profile_area.profile.profiles) == 2


def test_a_difference_is_that_of_the_densities(shown: DensityTab, qtbot: QtBot) -> None:
    window = shown.window()
    assert isinstance(window, MainWindow)
    shown.page.plane_row.scale.setCurrentText("difference")
    settled(qtbot, window)
    ours, _ = stored(shown)
    other, _ = stored(shown, "simulated_CsCu2I3_500K")
    panel = shown.page.sections.panels[0]
    assert panel.cut is not None
    section = panel.cut.section
    i, j = 7, 11
    point = section.origin + np.array([section.v[j] / ours.cell[0], 0, section.u[i] / ours.cell[2]])
    line = [point, point + np.array([0, 0, 0.01])]
    scale = other.lattice.volume / ours.lattice.volume
    expected = profile(ours, line, 2).density[0] - scale * profile(other, line, 2).density[0]
    assert section.values[i, j] == pytest.approx(expected, abs=1e-6)
    low, high = panel.map.image.getLevels()
    assert low == -high


def test_residuals_are_counted(shown: DensityTab) -> None:
    _, result = stored(shown)
    plots = shown.page.residual_area.residuals
    assert plots.histogram is not None
    edges, counts = plots.bars.getData()
    assert counts.sum() == len(result.residual)
    assert np.array_equal(counts, np.histogram(result.residual, edges)[0])
    x, gaussian = plots.gaussian.getData()
    assert np.trapezoid(gaussian, x) / (edges[1] - edges[0]) == pytest.approx(
        len(result.residual), rel=0.01
    )
    d, residual = plots.points.getData()
    assert np.array_equal(d, result.d_spacing)
    assert np.array_equal(residual, result.residual)


def test_the_cursor_says_where_it_is(shown: DensityTab, qtbot: QtBot) -> None:
    texts: list[str] = []
    shown.cursor_text.connect(texts.append)
    point = np.array([0.3, 0.5, 0.3])
    hover(qtbot, shown.page.sections.canvas, on_section(shown, point))
    assert texts[-1].startswith("x y z = 0.")
    assert texts[-1].endswith("e/Å³")
    x, y, z = (float(word) for word in texts[-1].split()[4:7])
    assert np.abs(np.array([x, y, z]) - point).max() < 0.01


@pytest.mark.parametrize("what", ["section", "profile", "residuals"])
def test_exports_hold_what_is_shown(shown: DensityTab, tmp_path: Path, what: str) -> None:
    shown.page.profile_row.export.setCurrentText(what)
    export = shown.export()
    written_files = write_export(export, tmp_path / f"{what}.pdf", 178.0)
    assert written_files[0].read_bytes().startswith(b"%PDF")
    with written_files[1].open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    if what == "profile":
        _, result = stored(shown)
        path = result.paths[0]
        found = np.array([[float(row[name]) for row in rows] for name in row_names()])
        assert np.allclose(found, [path.profile.distance, path.profile.density, path.band])
    assert len(rows) == len(export.table.rows)


def row_names() -> tuple[str, ...]:
    return ("distance_angstrom", "density_e_per_A3", "band_e_per_A3")


@pytest.mark.parametrize("ending", [".ccp4", ".pgrid"])
def test_a_map_is_written_and_read_back(
    shown: DensityTab, tmp_path: Path, qtbot: QtBot, ending: str
) -> None:
    window = shown.window()
    assert isinstance(window, MainWindow)
    density, _ = stored(shown)
    shown.write_map(tmp_path / f"map{ending}")
    qtbot.waitUntil(lambda: not window.runner.busy, timeout=20_000)
    again = read_density(tmp_path / f"map{ending}")
    assert np.array_equal(again.values.astype(np.float32), density.values.astype(np.float32))
    assert np.allclose(again.cell, density.cell, atol=1e-4)
    window.take(tmp_path / f"map{ending}")
    settled(qtbot, window)
    loaded = shown.loaded
    assert loaded is not None
    assert loaded.entry.kind == "file"
    assert loaded.sites_of == KEY
    assert "no σ" in shown.page.profile_area.words.text()
    shown.desk.project.undo_stack.undo()
    settled(qtbot, window)
    assert shown.current == KEY


def test_a_path_where_nothing_can_be_written_is_told(
    shown: DensityTab, tmp_path: Path, qtbot: QtBot
) -> None:
    window = shown.window()
    assert isinstance(window, MainWindow)
    shown.write_map(tmp_path / "nowhere" / "map.ccp4")
    qtbot.waitUntil(lambda: not window.runner.busy, timeout=20_000)
    assert window.messages.messages[-1].level == "error"


# -- oblique cells --------------------


@pytest.fixture
def oblique(window: MainWindow, tmp_path: Path, qtbot: QtBot) -> DensityTab:
    """Gaussian atoms in a triclinic cell, dropped on a window without a project."""
    window.show_tab("density")
    settled(qtbot, window)
    window.take(written(gaussian_atoms(), tmp_path / "atoms.ccp4"))
    tab = settled(qtbot, window)
    tab.editor.choose_plane("0 0 1", "0 0 0.4")
    return settled(qtbot, window)


def brightest(tab: DensityTab, apart_from: list[tuple[float, float]]) -> tuple[float, float]:
    """u, v of the brightest pixel that is drawn, 1 Å away from others; by the image itself."""
    panel = tab.page.sections.panels[0]
    image = panel.map.image
    values = np.array(image.image)
    for _ in range(values.size):
        i, j = np.unravel_index(int(np.argmax(values)), values.shape)
        place = image.mapToParent(i + 0.5, j + 0.5)
        if all(np.hypot(place.x() - u, place.y() - v) > 1.0 for u, v in apart_from):
            return float(place.x()), float(place.y())
        values[i, j] = -np.inf
    raise AssertionError("no pixel left")


def test_oblique_cells_are_drawn_with_their_angles(oblique: DensityTab) -> None:
    """The two highest maxima, as drawn, are as far apart as the lattice's metric says."""
    found = oblique.page.sections.panels[0].cut
    assert found is not None
    assert found.section.u_label == "[1 0 0]"
    first = brightest(oblique, [])
    equivalent = [(first[0] + u, first[1] + v) for u, v in lattice_steps()]
    second = brightest(oblique, [first, *equivalent])
    way = np.array(second) - first
    expected = in_plane(ATOMS[1] - ATOMS[0])
    misses = [np.linalg.norm(way - expected - step) for step in [(0, 0), *lattice_steps()]]
    half = max(found.section.u[1], found.section.v[1])
    assert min(misses) < 1.5 * half


def in_plane(apart: np.ndarray) -> np.ndarray:
    """(u, v) of a fractional way in (0 0 1), u along a: from lengths and the angle γ alone."""
    a, b = TRICLINIC[:2]
    gamma = np.radians(TRICLINIC[5])
    x, y, _ = apart
    return np.array([x * a + y * b * np.cos(gamma), y * b * np.sin(gamma)])


def lattice_steps() -> list[tuple[float, float]]:
    """(u, v) of whole steps along a and b."""
    steps = [(i, j) for i in range(-4, 5) for j in range(-4, 5) if (i, j) != (0, 0)]
    return [tuple(in_plane(np.array([i, j, 0])).tolist()) for i, j in steps]


def test_a_click_on_a_drawn_maximum_is_the_atom(oblique: DensityTab, qtbot: QtBot) -> None:
    canvas = oblique.page.sections.canvas
    panel = oblique.page.sections.panels[0]
    u, v = brightest(oblique, [])
    qtbot.keyClick(oblique, Qt.Key.Key_D)
    click(qtbot, canvas, place_of(canvas, panel.plot, u, v))
    path = oblique.editor.path
    assert path is not None
    apart = (path.array[0] - ATOMS[0] + 0.5) % 1.0 - 0.5
    pixel = max(panel.plot.getViewBox().viewPixelSize())
    assert np.linalg.norm(apart @ vectors(TRICLINIC)) < 0.06 + 1.5 * pixel


def test_an_oblique_surface_lies_around_its_atoms(oblique: DensityTab, qtbot: QtBot) -> None:
    """Of a Gaussian of height h the surface at ρ is a ball of σ √(2 ln(h/ρ)) around the atom."""
    window = oblique.window()
    assert isinstance(window, MainWindow)
    oblique.page.level_row.level.setValue(0.7)
    settled(qtbot, window)
    surface = oblique.page.surface._fine
    assert surface is not None
    assert surface.level == 0.7
    assert oblique.loaded is not None
    rows = 2 * np.pi * np.linalg.inv(oblique.loaded.density.lattice.b_matrix)
    shifts = np.array(list(itertools.product((-1, 0, 1), repeat=3)))
    images = (ATOMS[:, None] + shifts) @ rows
    distance = np.linalg.norm(surface.vertices[:, None, None] - images, axis=-1).min(axis=2)
    radii = 0.45 * np.sqrt(2 * np.log(np.array([3.0, 2.0, 1.0]) / (0.7 - 0.01)))
    misses = np.abs(distance - radii)
    assert misses.min(axis=1).max() < 0.02
    assert set(misses.argmin(axis=1)) == {0, 1, 2}


# -- what is missing, what fails --------------------


def test_without_densities_it_says_what_makes_one(opened: MainWindow, qtbot: QtBot) -> None:
    opened.show_tab("density")
    tab = settled(qtbot, opened)
    assert tab.page.sections.words.isVisible()
    assert "ixs mem" in tab.page.sections.words.text()
    with pytest.raises(InputError):
        tab.export()


def test_a_broken_map_is_a_row_with_the_reason(
    shown: DensityTab, tmp_path: Path, qtbot: QtBot
) -> None:
    window = shown.window()
    assert isinstance(window, MainWindow)
    broken = tmp_path / "broken.pgrid"
    broken.write_bytes(b"\x03\x00\x00\x00" * 10)
    window.take(broken)
    settled(qtbot, window)
    row = shown.page.list.list.item(2)
    assert row.text().startswith("broken.pgrid\n✕ ")
    assert window.messages.messages[-1].level == "error"
    shown.page.list.list.setCurrentRow(0)
    settled(qtbot, window)
    assert shown.loaded is not None
    assert shown.page.sections.panels[0].cut is not None


def test_the_choices_are_there_again_when_saved(shown: DensityTab, qtbot: QtBot) -> None:
    window = shown.window()
    assert isinstance(window, MainWindow)
    shown.editor.choose_plane("1 0 0", "Cu1")
    shown.editor.type_path("0.1 0.5 0.1 : 0.4 0.5 0.1")
    plane, path = shown.editor.plane, shown.editor.path
    window.project.save()
    settled(qtbot, window)
    assert window.project.path is not None
    window.project.open(window.project.path)
    settled(qtbot, window)
    assert tab_of(window).editor.plane == plane
    assert tab_of(window).editor.path == path
