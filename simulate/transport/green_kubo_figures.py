"""The figure of a Green-Kubo calculation: correlation, running integral, spectrum, cepstrum."""

from __future__ import annotations

import textwrap

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ixs_core.figure_style import (
    BLACK,
    BLUE,
    FAINT,
    GREEN,
    PURPLE,
    QUIET,
    VERMILLION,
    axes_at,
    styled,
    text_at,
)
from simulate.transport.cepstral import CepstralKappa
from simulate.transport.flux_integral import FluxIntegral
from simulate.transport.kappa_from_flux import GreenKubo

_AXES = (("x", BLUE), ("y", GREEN), ("z", VERMILLION))
_KAPPA = "κ (W m⁻¹ K⁻¹)"
_WIDTH, _HEIGHT = 3.0, 2.2


@styled
def green_kubo_figure(result: GreenKubo) -> Figure:
    """Correlation and running integral of each axis; below, spectrum and estimate against P.

    The plateau, or that there is none, is marked; without a cepstral analysis only the upper two.
    """
    whole = result.cepstral is not None
    figure = Figure(figsize=(8.0, 6.6 if whole else 3.7))
    _draw_correlation(axes_at(figure, 0.75, 0.35, _WIDTH, _HEIGHT), result.integral)
    integral = axes_at(figure, 4.75, 0.35, _WIDTH, _HEIGHT)
    _draw_integral(integral, result.integral, result.cepstral)
    verdict = "plateau: " if result.plateau else "no plateau: "
    lines = textwrap.fill(verdict + result.integral.plateau_reason, 120)
    text_at(figure, 0.75, 3.15, lines, color=QUIET, fontsize=8)
    if result.cepstral is not None:
        _draw_spectrum(axes_at(figure, 0.75, 3.8, _WIDTH, _HEIGHT), result.cepstral)
        _draw_choice(axes_at(figure, 4.75, 3.8, _WIDTH, _HEIGHT), result.cepstral)
    return figure


def _draw_correlation(axes: Axes, integral: FluxIntegral) -> None:
    later = integral.time_ps > 0
    for axis, (name, colour) in enumerate(_AXES):
        curve = integral.correlation[:, axis]
        axes.semilogx(
            integral.time_ps[later], (curve / curve[0])[later], color=colour, lw=0.8, label=name
        )
    axes.axhline(0, color=FAINT, lw=0.7, zorder=0)
    axes.set_xlabel("t (ps)")
    axes.set_ylabel("⟨J(0) J(t)⟩ / ⟨J²⟩")
    axes.legend(loc="upper right", ncols=3)


def _draw_integral(axes: Axes, integral: FluxIntegral, cepstral: CepstralKappa | None) -> None:
    time, mean, error = integral.time_ps, integral.mean, integral.mean_err
    for axis, (name, colour) in enumerate(_AXES):
        axes.plot(time, integral.running[:, axis], color=colour, lw=0.6, alpha=0.8, label=name)
    if np.all(np.isfinite(error)):
        axes.fill_between(time, mean - error, mean + error, color=FAINT, alpha=0.5, lw=0)
    axes.plot(time, mean, color=BLACK, lw=1.4, label="mean ± error")
    if cepstral is not None:
        low, high = cepstral.kappa - cepstral.stderr, cepstral.kappa + cepstral.stderr
        axes.axhspan(low, high, color=PURPLE, alpha=0.15, lw=0)
        axes.axhline(cepstral.kappa, color=PURPLE, ls="--", lw=1.0, label="cepstral")
    if integral.plateau_ps is not None:
        axes.axvspan(*integral.plateau_ps, color=GREEN, alpha=0.15, lw=0, label="plateau")
    axes.axhline(0, color=FAINT, lw=0.7, zorder=0)
    last, low, high = integral.drawn_range()
    axes.set_xlim(0, last)
    axes.set_ylim(low, high)
    axes.set_xlabel("t (ps)")
    axes.set_ylabel("κ up to t (W m⁻¹ K⁻¹)")
    axes.legend(loc="upper left", ncols=3, columnspacing=1.0, handlelength=1.4)


def _draw_spectrum(axes: Axes, cepstral: CepstralKappa) -> None:
    last = min(float(cepstral.frequency_thz[-1]), 3 * cepstral.cutoff_thz)
    seen = cepstral.frequency_thz <= last
    axes.semilogy(cepstral.frequency_thz[seen], cepstral.spectrum[seen], color=QUIET, lw=0.6)
    axes.errorbar(
        [0], [cepstral.kappa], [cepstral.stderr], fmt="o", ms=4, color=PURPLE, clip_on=False
    )
    axes.axvline(cepstral.cutoff_thz, color=PURPLE, ls="--", lw=0.9)
    axes.annotate(
        f"f* = {cepstral.cutoff_thz:.3g} THz",
        (cepstral.cutoff_thz, 1.0),
        xycoords=("data", "axes fraction"),
        xytext=(4, -2),
        textcoords="offset points",
        va="top",
        color=PURPLE,
        fontsize=8,
    )
    axes.set_xlim(0, last)
    axes.set_xlabel("f (THz)")
    axes.set_ylabel("S(f)/2 (W m⁻¹ K⁻¹)")


def _draw_choice(axes: Axes, cepstral: CepstralKappa) -> None:
    number = np.arange(1, len(cepstral.kappa_of_p) + 1)
    value, error = cepstral.kappa_of_p, cepstral.err_of_p
    axes.fill_between(number, value - error, value + error, color=PURPLE, alpha=0.2, lw=0)
    axes.plot(number, value, color=PURPLE)
    axes.axvline(cepstral.p_star, color=QUIET, ls="--", lw=0.9)
    axes.errorbar(
        [cepstral.p_star], [cepstral.kappa], [cepstral.stderr], fmt="o", ms=4, color=BLACK
    )
    axes.annotate(
        f"P* = {cepstral.p_star}: {cepstral.kappa:.3g} ± {cepstral.stderr:.2g}",
        (cepstral.p_star, 1.0),
        xycoords=("data", "axes fraction"),
        xytext=(4, -2),
        textcoords="offset points",
        va="top",
        fontsize=8,
    )
    # The first few hold next to nothing of the spectrum's shape and may lie far off.
    seen = slice(max(cepstral.p_star // 4, 1), None)
    axes.set_ylim(0, 1.25 * float((value + error)[seen].max()))
    axes.set_xlim(1, number[-1])
    axes.set_xlabel("P, cepstral coefficients")
    axes.set_ylabel(_KAPPA)
