"""`ixs view` as typed: pictures, and what it says of wrong arguments."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication

from gui import screenshots
from gui.window import MainWindow
from tests.conftest import REPOSITORY
from tests.gui.scans_of import scan_file
from tests.ixs_reduce.command import run

IXS = (sys.executable, "-c", "from ixs_core.cli import main; main()")


def view(
    *arguments: object, settings: Path, **environment: str
) -> subprocess.CompletedProcess[str]:
    """`ixs view …` in a process of its own, with settings of its own."""
    return subprocess.run(
        [*IXS, "view", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        env={**os.environ, "XDG_CONFIG_HOME": str(settings)},
        timeout=120,
    )


def test_a_picture_at_double_scale_has_double_the_pixels(
    small_project: Path, tmp_path: Path
) -> None:
    sizes = []
    for scale in (1, 2):
        picture = tmp_path / f"{scale}.png"
        ended = view(
            small_project,
            "--tab",
            "fit",
            "--scale",
            scale,
            "--screenshot",
            picture,
            settings=tmp_path,
        )
        assert ended.returncode == 0, ended.stderr
        sizes.append(QImage(str(picture)).size())
    assert sizes[1] == sizes[0] * 2


def test_a_project_begun_for_a_picture_of_scans_is_named(tmp_path: Path) -> None:
    scans = scan_file(tmp_path / "run.spec")
    ended = view(scans, "--screenshot", tmp_path / "x.png", settings=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert f"begun beside the scans: {tmp_path / 'run.h5'}" in ended.stderr


def test_several_pictures_of_one_run(small_project: Path, tmp_path: Path) -> None:
    ended = view(
        small_project,
        *("--tab", "scans,frames", "--theme", "all"),
        *("--screenshot", tmp_path / "shots" / "{tab}-{theme}.png"),
        settings=tmp_path,
    )
    assert ended.returncode == 0, ended.stderr
    names = {path.name for path in (tmp_path / "shots").iterdir()}
    themes = ("light", "dark")
    assert names == {f"{tab}-{theme}.png" for tab in ("scans", "frames") for theme in themes}
    light, dark = (QImage(str(tmp_path / "shots" / f"scans-{t}.png")) for t in themes)
    assert light.pixelColor(2, 2).lightness() > 200 > 80 > dark.pixelColor(2, 2).lightness()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("missing.h5",), "missing.h5: there is no such file"),
        (("--tab", "fits"), "'--tab': there is no such choice; found fits; expected scans, fit"),
        (("--theme", "blue"), "'--theme': there is no such choice"),
        (("--scale", "9"), "'--scale': this scale cannot be used"),
        (("--tab", "all"), "add --screenshot"),
        (("--tab", "all", "--screenshot", "a.png"), "write {tab} into it"),
        (("--screenshot", "a.jpg"), "expected .png"),
    ],
)
def test_wrong_arguments_are_told(
    arguments: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = run(capsys, "view", *arguments)
    assert code == 1
    assert words in err


def test_without_a_screen_it_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("QT_QPA_PLATFORM", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    code, _, err = run(capsys, "view")
    assert code == 1
    assert "there is no screen for a window" in err


def test_a_damaged_project_is_told_and_the_exit_code_says_so(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.h5"
    damaged.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(200))
    ended = view(damaged, "--screenshot", tmp_path / "a.png", settings=tmp_path)
    assert ended.returncode == 1
    assert "damaged.h5" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_tab_that_is_not_ready_in_time_is_told(
    opened: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its picture is written all the same; the exit code says that it is unfinished."""
    application = QApplication.instance()
    assert isinstance(application, QApplication)
    monkeypatch.setattr(screenshots, "wait_until", lambda _: False)
    picture = tmp_path / "late.png"
    code = screenshots.write_screenshots(application, opened, ["scans"], ["light"], picture)
    assert code == 1
    assert picture.is_file()
    assert "its picture is unfinished" in opened.messages.messages[-1].text


@pytest.mark.slow
def test_a_real_window_opens_on_a_virtual_screen(small_project: Path, tmp_path: Path) -> None:
    xvfb = shutil.which("xvfb-run")
    if xvfb is None:
        pytest.skip("xvfb-run is not installed: apt-get install xvfb xauth")
    picture = tmp_path / "real.png"
    program = (
        "import sys; from PySide6.QtGui import QGuiApplication\n"
        "from gui import app\nfrom pathlib import Path\n"
        "code = app.run([Path(sys.argv[1])], ('scans',), ('light',), None, Path(sys.argv[2]))\n"
        "print('platform', QGuiApplication.platformName()); sys.exit(code)"
    )
    ended = subprocess.run(
        [
            *(xvfb, "-a", "-s", "-screen 0 1600x1000x24"),
            *(sys.executable, "-c", program, str(small_project), str(picture)),
        ],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        env={**os.environ, "QT_QPA_PLATFORM": "xcb", "XDG_CONFIG_HOME": str(tmp_path)},
        timeout=120,
    )
    assert ended.returncode == 0, ended.stderr
    assert "platform xcb" in ended.stdout
    image = QImage(str(picture))
    assert image.width() >= 800
    colors = {
        image.pixel(x, y) for x in range(0, image.width(), 7) for y in range(0, image.height(), 7)
    }
    assert len(colors) > 20
