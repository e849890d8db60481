"""Pictures of the window, as the documentation and the demonstration show it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtWidgets import QApplication

from gui.theme import THEMES
from gui.window import MainWindow
from ixs_core.atomic import atomic_write
from ixs_core.errors import InputError

_PATIENCE_S = 60.0
_SETTLE_MS = 150


def write_screenshots(
    application: QApplication,
    window: MainWindow,
    tabs: Sequence[str],
    themes: Sequence[str],
    name: Path,
) -> int:
    """Write a picture of each tab in each theme; the exit code, 1 when anything failed.

    Parameters
    ----------
    name : path
        With {tab} and {theme} where there are several.
    """
    window.asks = False  # nobody is there to answer, and a picture has nothing to save
    for theme in themes:
        window.set_theme(THEMES[theme])
        for tab in tabs:
            window.show_tab(tab)
            if not wait_until(lambda: window.page.ready and not window.runner.busy):
                late = f"not ready after {_PATIENCE_S:g} s: its picture is unfinished"
                window.messages.error(window.page.title, late)
            path = Path(str(name).replace("{tab}", tab).replace("{theme}", theme))
            path.parent.mkdir(parents=True, exist_ok=True)
            with atomic_write(path) as temporary:
                if not window.grab().save(str(temporary), "PNG"):
                    raise InputError("the picture cannot be written", file=path)
            print(f"written: {path}", file=sys.stderr)
    errors = [m for m in window.messages.messages if m.level == "error"]
    for message in errors:
        print(f"ixs: {message.subject}: {message.text}", file=sys.stderr)
    window.close()
    application.quit()
    return 1 if errors else 0


def wait_until(condition: Callable[[], bool], seconds: float = _PATIENCE_S) -> bool:
    """Let the window live until something is so, and a moment longer; whether it became so."""
    loop = QEventLoop()
    deadline = time.monotonic() + seconds
    met = False

    def look() -> None:
        nonlocal met
        met = condition()
        if met or time.monotonic() > deadline:
            loop.quit()

    timer = QTimer(interval=20)
    timer.timeout.connect(look)
    timer.start()
    loop.exec()
    timer.stop()
    settle = QEventLoop()
    QTimer.singleShot(_SETTLE_MS, settle.quit)
    settle.exec()
    return met
