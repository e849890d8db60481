"""What a dropped file is taken for: force constants and trajectories of all kinds, no prose."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable
from pathlib import Path

import h5py
import pytest
from pytestqt.qtbot import QtBot

from gui.recognise import recognise
from gui.views.frames_tab import FramesTab
from gui.window import MainWindow
from ixs_core.errors import InputError
from sample_data.simulate_frames import write_frames
from tests.conftest import REPOSITORY
from tests.gui.plan_projects import FORCE_CONSTANTS
from tests.gui.scans_of import drop

XDATCAR = """CsI
1.0
4.5 0.0 0.0
0.0 4.5 0.0
0.0 0.0 4.5
Cs I
1 1
Direct configuration=     1
0.0 0.0 0.0
0.5 0.5 0.5
Direct configuration=     2
0.0 0.0 0.01
0.5 0.5 0.49
"""
DUMP = "ITEM: TIMESTEP\n0\nITEM: NUMBER OF ATOMS\n1\n"
VASPRUN = '<?xml version="1.0" encoding="ISO-8859-1"?>\n<modeling>\n <generator>\n'
XYZ = '2\nLattice="4.5 0 0 0 4.5 0 0 0 4.5" Properties=species:S:1:pos:R:3\nCs 0 0 0\nI 2 2 2\n'


@pytest.mark.parametrize("content", [XDATCAR, DUMP, VASPRUN, XYZ])
@pytest.mark.parametrize(
    ("ending", "pack"),
    [("", bytes), (".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress)],
)
def test_trajectories(
    tmp_path: Path, content: str, ending: str, pack: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / f"run{ending}"
    path.write_bytes(pack(content.encode()))
    assert recognise(path) == "trajectory"


@pytest.mark.parametrize("name", ["FORCE_CONSTANTS", "FORCE_SETS", "FORCE_CONSTANTS_2ND"])
def test_files_of_numbers_by_the_names_that_phonopy_and_shengbte_give_them(
    tmp_path: Path, name: str
) -> None:
    path = tmp_path / name
    path.write_text("2 2\n1 1\n1.0 0.0 0.0\n0.0 1.0 0.0\n0.0 0.0 1.0\n")
    assert recognise(path) == "force-constants"


def test_force_constants_by_their_content(tmp_path: Path) -> None:
    assert recognise(FORCE_CONSTANTS) == "force-constants"
    control = tmp_path / "CONTROL"
    control.write_text("&allocations\n  nelements=2\n&end\n")
    assert recognise(control) == "force-constants"
    for name in ("force_constants", "fc2"):
        with h5py.File(tmp_path / f"{name}.hdf5", "w") as h5:
            h5[name] = [[0.0]]
        assert recognise(tmp_path / f"{name}.hdf5") == "force-constants"


def test_prose_about_displacements_is_no_force_constants(
    window: MainWindow, tmp_path: Path
) -> None:
    text = tmp_path / "README.md"
    text.write_text("Files with force_constants: see below. Mean displacement of Cu: 0.2 Å.\n")
    drop(window, text)
    assert not window.project.document.choices
    assert "this is no file that the viewer takes" in window.messages.messages[-1].text
    with pytest.raises(InputError, match="no file that the viewer takes"):
        recognise(REPOSITORY / "sample_data" / "README.md")


def test_a_packed_file_that_is_cut_off_is_told(tmp_path: Path) -> None:
    path = tmp_path / "run.gz"
    path.write_bytes(gzip.compress(DUMP.encode() * 9)[:15])
    with pytest.raises(InputError, match="damaged or cut off"):
        recognise(path)


def test_packed_scans_are_not_taken_as_if_they_could_be_read(tmp_path: Path) -> None:
    path = tmp_path / "run.spec.gz"
    path.write_bytes(gzip.compress(b"#F run.spec\n#S 1 ascan energy -1 1 3 1\n"))
    with pytest.raises(InputError, match="no file that the viewer takes"):
        recognise(path)


def test_a_trajectory_without_a_time_step_says_what_is_missing(
    opened: MainWindow, tmp_path: Path, qtbot: QtBot
) -> None:
    path = tmp_path / "XDATCAR"
    path.write_text(XDATCAR)
    drop(opened, path)
    qtbot.waitUntil(lambda: not opened.runner.busy, timeout=60_000)
    message = opened.messages.messages[-1]
    assert opened.page.name == "simulation"
    assert message.level == "error"
    assert not message.details
    assert "XDATCAR" in message.text


def test_a_folder_of_pictures_is_a_series_any_other_is_for_scans(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    assert recognise(folder) == "folder"
    for number in range(3):
        (folder / f"frame_{number:03}.cbf").write_bytes(b"###CBF: VERSION 1.5\r\n")
    (folder / ".thumbnails").write_text("hidden")
    assert recognise(folder) == "frames"
    (folder / "scans.spec").write_text("#F scans.spec\n")
    assert recognise(folder) == "folder"


def test_a_dropped_folder_of_frames_goes_to_its_tab(
    window: MainWindow, tmp_path: Path, qtbot: QtBot
) -> None:
    frames = write_frames(tmp_path / "frames")
    drop(window, frames[0].parent)
    page = window.page
    assert isinstance(page, FramesTab)
    qtbot.waitUntil(lambda: page.ready and page.model.series is not None, timeout=20_000)
    assert page.model.series is not None
    assert len(page.model.series) == len(frames)
    assert window.project.path is None
