"""Start the viewer: Qt is imported here, after the command line was read."""

from __future__ import annotations

import gc
import os
import sys
import tempfile
import threading
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from types import TracebackType

from pyqtgraph.util.garbage_collector import GarbageCollector
from PySide6.QtCore import QLocale, QMessageLogContext, QtMsgType, qInstallMessageHandler
from PySide6.QtWidgets import QApplication

from gui.screenshots import write_screenshots
from gui.settings import Settings
from gui.theme import THEMES, Theme, apply_theme
from gui.window import MainWindow


def run(
    paths: Sequence[Path],
    tabs: Sequence[str],
    themes: Sequence[str],
    scale: float | None,
    screenshot: Path | None,
) -> int:
    """Open the window, or write pictures of it; the exit code.

    Parameters
    ----------
    paths : sequence of path
        Files to open, a project first.
    tabs, themes : sequence of str
        The one to begin with; all of which pictures are written.
    scale : float or None
    screenshot : path or None
        Name of the pictures, with {tab} and {theme} where there are several.
    """
    if scale is not None:
        os.environ["QT_SCALE_FACTOR"] = f"{scale:g}"
    qInstallMessageHandler(_say)
    if screenshot is None:
        return _run(paths, tabs, themes, Settings(), None)
    # Pictures are alike everywhere: they neither take nor leave a layout.
    with tempfile.TemporaryDirectory() as folder:
        return _run(paths, tabs, themes, Settings(Path(folder) / "viewer.ini"), screenshot)


def _run(
    paths: Sequence[Path],
    tabs: Sequence[str],
    themes: Sequence[str],
    settings: Settings,
    screenshot: Path | None,
) -> int:
    names = tuple(themes) or (settings.theme,)
    application = make_application(THEMES[names[0]])
    # Python's collector runs in whatever thread allocates; windows must die in this one.
    collector = GarbageCollector()
    window = MainWindow(settings, THEMES[names[0]])
    catch_exceptions(window)
    for path in paths:
        window.take(path)
    window.show_tab(tabs[0])
    window.show()
    try:
        if screenshot is None:
            return application.exec()
        code = write_screenshots(application, window, tabs, names, screenshot)
        begun = window.project.path
        if begun is not None and begun.resolve() not in [path.resolve() for path in paths]:
            print(f"begun beside the scans: {begun}", file=sys.stderr)
        return code
    finally:
        collector.timer.stop()
        gc.enable()


def _say(kind: QtMsgType, context: QMessageLogContext, text: str) -> None:
    """What Qt itself has to say, on stderr; not what windows without a screen always say."""
    if "propagateSizeHints" not in text:
        print(f"Qt: {text}", file=sys.stderr)


def make_application(theme: Theme) -> QApplication:
    """The application: style, palette, and numbers written the C way ("1.5", never "1,5")."""
    present = QApplication.instance()
    application = present if isinstance(present, QApplication) else QApplication(["ixs view"])
    application.setApplicationName("ixs view")
    apply_theme(application, theme)
    QLocale.setDefault(QLocale.c())
    return application


def catch_exceptions(window: MainWindow) -> None:
    """Whatever nobody caught becomes a message in the panel; the window stays open."""

    def show(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            window.close()
            return
        window.messages.error("this should not have happened", error)

    def show_of_thread(args: threading.ExceptHookArgs) -> None:
        error = args.exc_value
        if error is not None and not isinstance(error, (SystemExit, KeyboardInterrupt)):
            subject = f"in the thread {args.thread.name}" if args.thread else "in a thread"
            window.runner.tell(partial(window.messages.error, subject, error))

    sys.excepthook = show
    threading.excepthook = show_of_thread
