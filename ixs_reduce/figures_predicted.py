"""Figure of measured against calculated modes: energies, intensities, widths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from ixs_core.figure_style import (
    BLUE,
    FAINT,
    ORANGE,
    QUIET,
    VERMILLION,
    axes_at,
    message_figure,
    styled,
    text_at,
)
from ixs_reduce.fit_words import is_simulated, uncertain, width_limit
from ixs_reduce.predicted_join import Joined, JoinedMode

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WIDE = 4.1


@styled
def predicted_figure(joined: Joined, title: str = "") -> Figure:
    """Measured against calculated modes.

    Left: measured less calculated energy in meV, and the same less the common scale of energies
    in standard errors. Right: intensity in the calculation's units against the calculated one,
    and FWHM against energy. Hollow grey symbols are energies that should not be trusted.

    Parameters
    ----------
    joined : Joined
    title : str
    """
    modes = [mode for mode in joined.modes if mode.known]
    if not modes:
        return message_figure("no fitted mode has a calculated counterpart")
    figure = Figure(figsize=(10.2, 5.9))
    text_at(figure, 0.75, 0.1, title or _title(modes), fontsize=10)
    trusted = [mode for mode in modes if not uncertain(mode.fit, mode.place)]
    doubtful = [mode for mode in modes if uncertain(mode.fit, mode.place)]
    energies = axes_at(figure, 0.75, 0.62, _WIDE, 2.75)
    residuals = axes_at(figure, 0.75, 3.62, _WIDE, 1.7, sharex=energies)
    intensities = axes_at(figure, 5.75, 0.62, _WIDE, 2.75)
    widths = axes_at(figure, 5.75, 4.1, _WIDE, 1.22)
    for group, color, filled in ((doubtful, FAINT, False), (trusted, BLUE, True)):
        _draw_energies(energies, group, color, filled)
        _draw_residuals(residuals, group, joined.energy_scale, color, filled)
        _draw_intensities(intensities, group, color, filled)
        _draw_widths(widths, group, color, filled)
    _finish_energies(energies, modes, joined)
    _finish_residuals(residuals, trusted or modes, joined.energy_scale)
    _finish_intensities(intensities, trusted or modes)
    _finish_widths(widths, trusted or modes)
    return figure


def _title(modes: Sequence[JoinedMode]) -> str:
    spectra = {id(mode.fit) for mode in modes}
    simulated = " · simulated" if any(is_simulated(mode.fit.spectrum) for mode in modes) else ""
    return f"Measured and calculated modes: {len(modes)} in {len(spectra)} spectra{simulated}"


def _points(
    axes: Axes,
    x: Sequence[float],
    y: Sequence[float],
    error: Sequence[float] | None,
    color: str,
    filled: bool,
) -> None:
    if not x:
        return
    axes.errorbar(
        x,
        y,
        yerr=error,
        fmt="o",
        ms=3.6,
        color=color,
        mfc=color if filled else "none",
        mec=color,
        lw=0.8,
        zorder=3 if filled else 2,
        label="measured" if filled else "measured, uncertain",
    )


def _draw_energies(axes: Axes, modes: Sequence[JoinedMode], color: str, filled: bool) -> None:
    errors = [mode.mode.energy.stderr for mode in modes]
    x = [mode.calculated.energy_mev for mode in modes]
    _points(axes, x, [mode.difference_mev for mode in modes], errors, color, filled)


def _finish_energies(axes: Axes, modes: Sequence[JoinedMode], joined: Joined) -> None:
    top = 1.05 * max(mode.calculated.energy_mev for mode in modes)
    axes.axhline(0, color=FAINT, lw=0.8, zorder=0)
    axes.plot(
        [0, top],
        [0, (joined.energy_scale - 1) * top],
        color=VERMILLION,
        lw=1.0,
        label=f"all energies × {joined.energy_scale:.4f} ± {joined.energy_scale_err:.4f}",
    )
    axes.set_xlim(0, top)
    sure = [mode for mode in modes if not uncertain(mode.fit, mode.place)] or list(modes)
    reach = 1.3 * max(abs(mode.difference_mev) + mode.mode.energy.stderr for mode in sure)
    axes.set_ylim(-reach, reach)
    axes.set_ylabel("Measured − calculated\nenergy (meV)")
    axes.tick_params(labelbottom=False)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=3, borderaxespad=0.1)


def _draw_residuals(
    axes: Axes, modes: Sequence[JoinedMode], scale: float, color: str, filled: bool
) -> None:
    x = [mode.calculated.energy_mev for mode in modes]
    _points(axes, x, _scaled_residuals(modes, scale), None, color, filled)


def _scaled_residuals(modes: Sequence[JoinedMode], scale: float) -> list[float]:
    """Distance of each energy from the scaled calculation in standard errors."""
    return [
        (mode.mode.energy.value - scale * mode.calculated.energy_mev) / mode.mode.energy.stderr
        for mode in modes
    ]


def _finish_residuals(axes: Axes, modes: Sequence[JoinedMode], scale: float) -> None:
    axes.axhline(0, color=VERMILLION, lw=0.8, zorder=0)
    for level in (-3, 3):
        axes.axhline(level, color=FAINT, lw=0.8, ls="--", zorder=0)
    reach = max(4.0, 1.15 * float(np.max(np.abs(_scaled_residuals(modes, scale)))))
    axes.set_ylim(-reach, reach)
    axes.text(
        1.005, 3, "±3", transform=axes.get_yaxis_transform(), va="center", fontsize=7, color=QUIET
    )
    axes.set_ylabel("Energy less scaled\ncalculation (σ)")
    axes.set_xlabel("Calculated energy (meV)")


def _draw_intensities(axes: Axes, modes: Sequence[JoinedMode], color: str, filled: bool) -> None:
    shown = [mode for mode in modes if mode.calculated.intensity > 0]
    errors = [mode.intensity_err for mode in shown]
    x = [mode.calculated.intensity for mode in shown]
    _points(axes, x, [mode.intensity for mode in shown], errors, color, filled)


def _finish_intensities(axes: Axes, modes: Sequence[JoinedMode]) -> None:
    numbers = [m.calculated.intensity for m in modes if m.calculated.intensity > 0] or [1.0]
    ends = (min(numbers) / 4, max(numbers) * 3)
    equal = axes.plot(ends, ends, color=VERMILLION, lw=1.0, label="equal")
    axes.set_xscale("log")
    axes.set_yscale("log", nonpositive="clip")
    axes.set_xlim(ends)
    axes.set_ylim(ends)
    axes.set_xlabel("Calculated intensity (e² per cell)")
    axes.set_ylabel("Measured intensity (e² per cell),\none scale for each scan")
    axes.legend(handles=equal, loc="lower right", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.1)


def _draw_widths(axes: Axes, modes: Sequence[JoinedMode], color: str, filled: bool) -> None:
    known = [mode for mode in modes if width_limit(mode.fit, mode.place) is None]
    x = [mode.mode.energy.value for mode in known]
    errors = [_finite(mode.mode.fwhm.stderr) for mode in known]
    _points(axes, x, [mode.mode.fwhm.value for mode in known], errors, color, filled)
    limits = [
        (mode.mode.energy.value, limit)
        for mode in modes
        if (limit := width_limit(mode.fit, mode.place)) is not None
    ]
    if limits:
        axes.plot(
            *zip(*limits, strict=True),
            marker="v",
            ls="",
            ms=3.6,
            mfc="none",
            mec=color,
            label="95 % upper limit" if filled else "_limit",
        )


def _finish_widths(axes: Axes, modes: Sequence[JoinedMode]) -> None:
    calculated = [mode for mode in modes if np.isfinite(mode.calculated_fwhm_mev)]
    if calculated:
        axes.plot(
            [mode.mode.energy.value for mode in calculated],
            [mode.calculated_fwhm_mev for mode in calculated],
            "_",
            ms=8,
            color=ORANGE,
            label="calculated",
        )
    told = [mode.mode.fwhm for mode in modes if width_limit(mode.fit, mode.place) is None]
    sure = [width.value for width in told if width.stderr < width.value / 2]
    coarsest = max(mode.fit.model.resolution.fwhm_mev for mode in modes)
    axes.set_ylim(0, 1.15 * max(float(np.quantile(sure, 0.95)) if sure else 0.0, coarsest))
    axes.set_xlim(left=0)
    axes.set_xlabel("Measured energy (meV)")
    axes.set_ylabel("FWHM (meV)")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=3, borderaxespad=0.1)


def _finite(value: float) -> float:
    return value if np.isfinite(value) else 0.0
