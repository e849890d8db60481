"""A click on a branch tells which atoms move; simulated scans are never called measured."""

from __future__ import annotations

import re
from pathlib import Path

import h5py
import numpy as np
import pytest
from matplotlib.figure import Figure
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from gui.models.dispersion_character import character_rows
from gui.models.dispersion_pick import BranchAt
from gui.views.dispersion_tab import DispersionTab
from gui.window import MainWindow
from ixs_core.errors import InputError
from ixs_core.lattice import Lattice
from ixs_core.project import Project
from sample_data.demo import EXPERIMENT, FORCE_CONSTANTS
from simulate.branches_along import BranchAlong
from simulate.phonons import ModeCharacter, PhononModel
from simulate.sqe_results import read_sqe
from tests.gui import dispersion_project
from tests.gui.dispersion_project import LINE, wait_drawn
from tests.gui.gestures import click, hover, place_of

row_project = dispersion_project.row_project
page = dispersion_project.page
window_page = dispersion_project.window_page

CHARACTER = ("site_labels", "site_share", "longitudinal_share", "degeneracy", "q_reduced")


def _click_a_branch_alone(page: DispersionTab, qtbot: QtBot, path: Path, i: int) -> int:
    """Click the branch farthest from all others at point i of the path; its place in energy."""
    with Project(path).reading() as h5:
        lines = read_sqe(h5, f"path {LINE}").lines
    assert page.view is not None
    energies = lines.energy_mev[i]
    gaps = np.minimum(np.diff(energies, prepend=-9), np.diff(energies, append=99))
    number = int(np.argmax(np.where(energies < 0.95 * page.view.ends[0], gaps, 0)))
    for layer in ("points", "uncertain", "overdamped", "predicted"):
        qtbot.mouseClick(page.layers_bar.boxes[layer], Qt.MouseButton.LeftButton)
    canvas = page.panels
    place = place_of(canvas.widget, canvas.plots["energies"], lines.q_hkl[i, 1], energies[number])
    click(qtbot, canvas.widget, place)
    assert f"{energies[number]:.3f} meV" in page.details.toPlainText()
    return number


def _measured_cell() -> Lattice:
    from ixs_reduce.instrument import measured_lattice

    found = measured_lattice(EXPERIMENT)
    assert found is not None
    return found


@pytest.mark.parametrize("i", [7, 13])
def test_a_click_on_a_branch_tells_which_atoms_move(
    page: DispersionTab, row_project: Path, qtbot: QtBot, i: int
) -> None:
    number = _click_a_branch_alone(page, qtbot, row_project, i)
    text = page.details.toPlainText().replace("\xa0", " ")
    # Solved here on its own: |e|² of the elements, and what of it is along Q less its Bragg point.
    model = PhononModel.load(FORCE_CONSTANTS, cell=_measured_cell().cell)
    crystal = model.force_constants
    start, end = (np.array(leg.split(), float) for leg in LINE.split(":")[:2])
    q = start + (end - start) * i / 20
    vector = model.modes(q).eigenvectors[0][:, number].reshape(-1, 3)
    shares = (np.abs(vector) ** 2).sum(axis=1)
    told = dict.fromkeys(crystal.symbols, 0.0)
    for percent, name in re.findall(r"(\d+) % (Cs|Cu|I)\b", text):
        told[name] += float(percent)
    for element in told:
        expected = 100 * sum(
            share for share, s in zip(shares, crystal.symbols, strict=True) if s == element
        )
        assert told[element] == pytest.approx(expected, abs=1.01)  # two sites of I, each rounded
    bragg = _nearest_bragg(model, q)
    direction = crystal.q_cartesian(q - bragg)
    along = np.abs(vector @ direction / np.linalg.norm(direction)) ** 2
    (found,) = re.findall(r"(\d+) %: (?:mixed|longitudinal|transverse)", text)
    assert float(found) == pytest.approx(100 * along.sum(), abs=0.51)
    reduced = ", ".join(f"{round(x, 3) + 0.0:g}".replace("-", "−") for x in q - bragg)
    assert f"reduced q = ({reduced})" in text


def _nearest_bragg(model: PhononModel, q: np.ndarray) -> np.ndarray:
    """Of the points whose h + k is even (the cell is C-centred), the nearest in Å⁻¹."""
    h, k, ell = np.meshgrid(range(5, 10), range(4, 9), range(-1, 2), indexing="ij")
    points = np.column_stack([h.ravel(), k.ravel(), ell.ravel()])
    points = points[(points[:, 0] + points[:, 1]) % 2 == 0]
    far = [float(model.lattice.q_abs(q - point)) for point in points]
    return np.asarray(points[int(np.argmin(far))])


def test_a_path_of_an_earlier_version_says_how_to_get_it(
    window: MainWindow, row_project: Path, qtbot: QtBot
) -> None:
    with h5py.File(row_project, "r+") as h5:
        group = h5[f"entry/predictions/path {LINE}"]
        for name in CHARACTER:
            del group[name]
    window.take(row_project)
    window.show_tab("dispersion")
    found = window.pages["dispersion"]
    assert isinstance(found, DispersionTab)
    wait_drawn(qtbot, found)
    _click_a_branch_alone(found, qtbot, row_project, 13)
    text = found.details.toPlainText()
    assert "not stored with this path" in text
    assert f'ixs sqe FORCE_CONSTANTS --path "{LINE}" -o project.h5' in text


def _branch(longitudinal: float, degeneracy: int, q: tuple[float, float, float]) -> BranchAt:
    character = ModeCharacter(
        ("Cs", "Cu", "I"),
        np.array([[0.06, 0.82, 0.12]]),
        np.array([longitudinal]),
        np.array([degeneracy]),
        np.array([q]),
    )
    one = np.ones(1)
    branch = BranchAlong(4, one, one, one, one.astype(int), one[:, None], "", "", 300.0, character)
    return BranchAt(branch, 0)


@pytest.mark.parametrize(
    ("longitudinal", "degeneracy", "q", "words"),
    [
        (0.352, 1, (0, -0.25, 0), "35 %: mixed; reduced q = (0, −0.25, 0) r.l.u."),
        (0.97, 1, (0, 0.1, 0), "97 %: longitudinal"),
        (0.002, 1, (0, 0.1, 0), "< 1 %: transverse"),
        (0.0, 2, (0, 0.1, 0), "0 %: transverse; reduced q = (0, 0.1, 0) r.l.u. (mean of 2"),
        (1 / 3, 3, (0, 0, 0), "33 %: mixed; q is 0 here, the path's direction counts"),
        (np.nan, 1, (0, 0, 0), "no direction: q is 0 here"),
    ],
)
def test_character_in_words(
    longitudinal: float, degeneracy: int, q: tuple[float, float, float], words: str
) -> None:
    rows = dict(character_rows(_branch(longitudinal, degeneracy, q)))
    assert rows["Motion"].startswith("82 % Cu, 12 % I, 6 % Cs of |e|²")
    assert ("mean of" in rows["Motion"]) == (degeneracy > 1)
    assert rows["Along q"].startswith(words)


def test_branches_are_exported_with_their_character(
    page: DispersionTab, row_project: Path, qtbot: QtBot
) -> None:
    with Project(row_project).reading() as h5:
        lines = read_sqe(h5, f"path {LINE}").lines
    assert lines.character is not None
    page.buttons.exported.setFocus()
    qtbot.keyClick(page.buttons.exported, Qt.Key.Key_End)
    table = page.export().table
    assert len(table.rows) == lines.energy_mev.size
    columns = list(table.columns)
    assert columns[:5] == ["path", "branch", "h", "k", "l"]
    for row in (table.rows[0], table.rows[100], table.rows[-1]):
        told = dict(zip(columns, row, strict=True))
        q = [float(str(told[axis])) for axis in "hkl"]
        i = int(np.argmin(np.abs(lines.q_hkl - q).sum(axis=1)))
        s = int(np.flatnonzero(lines.branch[i] == told["branch"])[0])
        assert told["energy_mev"] == lines.energy_mev[i, s]
        names = ["share_" + re.sub(r"\W+", "_", x).strip("_") for x in lines.character.labels]
        assert [told[name] for name in names] == lines.character.shares[i, s].tolist()
        assert told["longitudinal_share"] == lines.character.longitudinal[i, s]


def test_without_branches_their_export_says_what_makes_them(
    opened: MainWindow, qtbot: QtBot
) -> None:
    found = _dispersion(opened, qtbot)
    qtbot.keyClick(found.buttons.exported, Qt.Key.Key_End)
    with pytest.raises(InputError, match="ixs sqe FORCE_CONSTANTS --path"):
        found.export()


def _dispersion(window: MainWindow, qtbot: QtBot) -> DispersionTab:
    window.show_tab("dispersion")
    found = window.pages["dispersion"]
    assert isinstance(found, DispersionTab)
    wait_drawn(qtbot, found)
    return found


def _titles(page: DispersionTab) -> list[str]:
    return [plot.titleLabel.text for plot in page.maps.plots.values()]


def _figure_titles(figure: Figure) -> list[str]:
    return [axes.get_title(loc="left") for axes in figure.axes[:3]]


def test_simulated_scans_are_called_so(
    window: MainWindow, window_page: DispersionTab, qtbot: QtBot
) -> None:
    page = window_page
    first, _, third = _titles(page)
    assert "Simulated scans" in first
    assert "Simulated scans − calculated" in third
    assert "7 (simulated scans)" in page.details.toPlainText()
    qtbot.mouseClick(page.buttons.wipe, Qt.MouseButton.LeftButton)
    assert "Simulated scans | predicted modes" in _titles(page)[0]
    exported = _figure_titles(page.export().figure)
    assert exported[0] == "Simulated scans"
    assert exported[2] == "Simulated scans − calculated"
    canvas = page.maps.widget
    hover(qtbot, canvas, place_of(canvas, page.maps.plots["difference"], 6.30, 10.0))
    shown = [*_titles(page), *exported, page.details.toPlainText(), window.cursor_label.text()]
    assert not any("measured" in words.lower() for words in shown)


def test_measured_scans_are_called_so(opened: MainWindow, qtbot: QtBot) -> None:
    page = _dispersion(opened, qtbot)
    first, _, third = _titles(page)
    assert "Measured" in first
    assert "Measured − calculated" in third
    exported = _figure_titles(page.export().figure)
    assert (exported[0], exported[2]) == ("Measured", "Measured − calculated")
    shown = [*_titles(page), *exported, page.details.toPlainText()]
    assert not any("simulated" in words.lower() for words in shown)
