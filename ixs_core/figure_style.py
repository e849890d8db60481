"""How all figures look: colours, type, layout in inches."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from matplotlib import rc_context
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

P = ParamSpec("P")
Drawn = TypeVar("Drawn")

# Okabe and Ito, https://jfly.uni-koeln.de/color: told apart with any colour vision.
BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
BLUE, VERMILLION, PURPLE = "#0072B2", "#D55E00", "#CC79A7"
DATA, TOTAL, QUIET, FAINT = "#333333", VERMILLION, "#6b6b6b", "#b8b8b8"
SERIES = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, BLACK)
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
MODES = (BLUE, GREEN, PURPLE, ORANGE, SKY, BLACK)

ENERGY_LABEL = "Energy transfer (meV), E > 0: energy loss"

_STYLE: dict[Any, Any] = {
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.labelsize": 9,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 8,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "xtick.direction": "out",
    "ytick.direction": "out",
    "legend.frameon": False,
    "lines.linewidth": 1.1,
    "axes.axisbelow": True,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
}


def styled(draw: Callable[P, Drawn]) -> Callable[P, Drawn]:
    """Draw in the common style, whatever the user's own matplotlib settings are."""

    @wraps(draw)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> Drawn:
        with rc_context(_STYLE):
            return draw(*args, **kwargs)

    return wrapper


def axes_at(
    figure: Figure, left: float, top: float, width: float, height: float, **options: Any
) -> Axes:
    """Axes at a place in inches from the figure's upper left corner.

    A fixed layout draws several times faster than one that matplotlib has to solve.
    """
    full_width, full_height = figure.get_size_inches()
    return figure.add_axes(
        (
            left / full_width,
            1 - (top + height) / full_height,
            width / full_width,
            height / full_height,
        ),
        **options,
    )


def text_at(figure: Figure, left: float, top: float, text: str, **options: Any) -> None:
    """Text whose upper left corner is at a place in inches from the figure's upper left."""
    width, height = figure.get_size_inches()
    options = {"ha": "left", "va": "top"} | options
    figure.text(left / width, 1 - top / height, text, **options)


def message_figure(text: str) -> Figure:
    """A figure that says why there is nothing to draw."""
    figure = Figure(figsize=(6.0, 1.2))
    figure.text(0.5, 0.5, text, ha="center", va="center", color=QUIET)
    return figure
