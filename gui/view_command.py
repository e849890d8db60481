"""`ixs view`: the viewer, or a picture of one of its tabs."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from ixs_core.errors import InputError

TAB_NAMES = ("scans", "fit", "dispersion", "plan", "density", "simulation", "frames")
THEME_NAMES = ("light", "dark")


def view(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="A project; then files to drop on it.", show_default=False),
    ] = None,
    tab: Annotated[str, typer.Option(help=", ".join(TAB_NAMES) + ".")] = "scans",
    theme: Annotated[
        str | None, typer.Option(help="light or dark. [default: as last time]")
    ] = None,
    scale: Annotated[
        float | None,
        typer.Option(help="Scale of text and lines, 0.5 to 4. [default: of the screen]"),
    ] = None,
    screenshot: Annotated[
        Path | None,
        typer.Option(
            help="Write a picture (PNG) of the window and end; {tab} and {theme} in its name are "
            "filled in, and a comma list or `all` of --tab and --theme writes several."
        ),
    ] = None,
) -> None:
    """Open the viewer: scans as they are measured, fits, plans, densities, simulations.

    Example: ixs view project.h5 --tab fit
    """
    tabs = _chosen(tab, TAB_NAMES, "--tab")
    themes = _chosen(theme, THEME_NAMES, "--theme") if theme is not None else ()
    if scale is not None and not 0.5 <= scale <= 4:
        raise InputError("this scale cannot be used", key="--scale", found=scale, expected="0.5-4")
    if screenshot is None and (len(tabs) > 1 or len(themes) > 1):
        raise InputError("several are for pictures only", key="--tab", hint="add --screenshot")
    if screenshot is not None:
        _check_picture(screenshot, len(tabs) > 1, len(themes) > 1)
    paths = [path.absolute() for path in files or []]
    for path in paths:
        if not path.exists():
            raise InputError("there is no such file", file=path)
    _check_screen(screenshot)
    # Jobs run side by side already; the threads of a linear algebra library would only hinder.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    try:
        from gui.app import run
    except ImportError as error:
        raise InputError(
            f"the viewer cannot start ({error})",
            hint="pip install '.[gui]' where the suite is; on Debian also apt-get install libegl1 "
            "libgl1 libxkbcommon0 libdbus-1-3 libfontconfig1 libglib2.0-0",
        ) from error
    code = run(paths, tabs, themes, scale, screenshot)
    if code:
        raise typer.Exit(code)


def _check_screen(screenshot: Path | None) -> None:
    """Pictures need no screen; a window on Linux does, without which Qt would end the program."""
    if screenshot is not None:
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    elif sys.platform == "linux" and not any(
        os.environ.get(name) for name in ("QT_QPA_PLATFORM", "DISPLAY", "WAYLAND_DISPLAY")
    ):
        raise InputError(
            "there is no screen for a window",
            key="DISPLAY",
            hint="log in with `ssh -X`, or write pictures with --screenshot",
        )


def _chosen(text: str, known: tuple[str, ...], option: str) -> tuple[str, ...]:
    """The names of a comma list, or all of them."""
    names = known if text == "all" else tuple(part.strip() for part in text.split(","))
    for name in names:
        if name not in known:
            raise InputError(
                "there is no such choice", key=option, found=name, expected=", ".join(known)
            )
    return names


def _check_picture(path: Path, several_tabs: bool, several_themes: bool) -> None:
    if path.suffix.lower() != ".png":
        raise InputError(
            "this ending names no picture of a window",
            key="--screenshot",
            found=path.name,
            expected=".png",
        )
    for several, place in ((several_tabs, "{tab}"), (several_themes, "{theme}")):
        if several and place not in path.name:
            raise InputError(
                f"several pictures would have one name: write {place} into it",
                key="--screenshot",
                found=path.name,
                expected=f"e.g. shots/{place}.png",
            )
