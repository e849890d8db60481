"""Figures of κ(T) with its power laws, and of κ and σ across materials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from ixs_core.errors import InputError
from ixs_core.figure_style import (
    FAINT,
    MARKERS,
    SERIES,
    axes_at,
    styled,
)
from simulate.transport.materials import Material
from simulate.transport.power_law import PowerLaw

_KAPPA = "κ (W m⁻¹ K⁻¹)"
_STEPS = (1, 2, 3, 4, 5, 6, 8)  # ticks in a decade where there are few decades


@styled
def power_law_figure(laws: Mapping[str, PowerLaw]) -> Figure:
    """κ(T) of each component on logarithmic scales, with the laws fitted."""
    figure = Figure(figsize=(5.8, 3.6))
    axes = axes_at(figure, 0.75, 0.25, 3.0, 2.75)
    for (name, law), colour, marker in zip(laws.items(), SERIES * 20, MARKERS * 20, strict=False):
        range_k = np.geomspace(law.temperature_k[0], law.temperature_k[-1], 60)
        axes.plot(range_k, law.at(range_k), color=colour, lw=0.9)
        axes.plot(
            law.temperature_k,
            law.kappa,
            marker,
            color=colour,
            ms=4.5,
            label=f"{name}  $T^{{{law.n:.3f}}}$  (± {law.n_err:.3f})",
        )
    _logarithmic(axes)
    axes.set_xlabel("T (K)")
    axes.set_ylabel(_KAPPA)
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), handlelength=1.2)
    return figure


@styled
def materials_figure(materials: Sequence[Material]) -> Figure:
    """κ against σ on logarithmic scales, one colour for each kind.

    Raises
    ------
    InputError
        No material has both.
    """
    drawn = [material for material in materials if material.complete]
    if not drawn:
        raise InputError("no material has both κ and σ, so that there is nothing to draw")
    figure = Figure(figsize=(6.4, 4.2))
    axes = axes_at(figure, 0.75, 0.25, 3.9, 3.35)
    kinds = list(dict.fromkeys(material.kind for material in drawn))
    for kind, colour, marker in zip(kinds, SERIES * 20, MARKERS * 20, strict=False):
        group = [material for material in drawn if material.kind == kind]
        axes.loglog(
            [material.sigma_s_cm for material in group],
            [material.kappa_w_mk for material in group],
            marker,
            color=colour,
            label=kind or "other",
        )
        for material in group:
            axes.annotate(
                f"{material.name}, {material.temperature_k:g} K",
                (material.sigma_s_cm, material.kappa_w_mk),
                xytext=(5, 3),
                textcoords="offset points",
                fontsize=7,
                color=colour,
            )
    axes.margins(0.15)
    axes.grid(color=FAINT, lw=0.4, alpha=0.6)
    axes.set_xlabel("σ (S cm⁻¹)")
    axes.set_ylabel(_KAPPA)
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure


def _logarithmic(axes: Axes) -> None:
    """Both scales logarithmic, with plain numbers at the ticks."""
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.margins(0.08)
    for axis, (low, high) in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
        steps = _STEPS if high / low < 20 else (1, 2, 5) if high / low < 200 else (1,)
        axis.set_major_locator(LogLocator(subs=steps))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(NullFormatter())
