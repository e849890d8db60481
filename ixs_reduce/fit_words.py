"""Numbers and remarks of fits in words, as figures and reports print them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from ixs_core.report_parts import with_error
from ixs_reduce.batch import POOR_FIT, bragg_distance
from ixs_reduce.fit_curves import FitCurves, fit_curves
from ixs_reduce.fitting import SpectrumFit
from ixs_reduce.mode_fit import Value
from ixs_reduce.scan import Flag
from ixs_reduce.spectrum import Spectrum

SIMULATED = "simulated"

_ELASTIC_DOMINATES = 20.0
_UNCERTAIN = 0.2
_MANY_COUNTS = 3000
_NEAR_BRAGG_RLU = 0.35


def is_simulated(spectrum: Spectrum) -> bool:
    """Whether the counts were simulated: such files carry the word in their name."""
    return SIMULATED in (spectrum.file or "").lower()


def describe_q(spectrum: Spectrum, digits: int = 3) -> str:
    """Q = (h k l) in r.l.u. and |Q| in Å⁻¹, as far as they are known."""
    parts = []
    if spectrum.q_hkl is not None:
        parts.append("Q = (" + ", ".join(_coordinate(x, digits) for x in spectrum.q_hkl) + ")")
    if spectrum.q_abs is not None:
        parts.append(f"|Q| = {spectrum.q_abs:.3f} Å⁻¹")
    return ", ".join(parts)


def _coordinate(value: float, digits: int) -> str:
    text = f"{value:.{digits}f}".replace("-", "−")
    return text.lstrip("−") if float(f"{value:.{digits}f}") == 0 else text


def spectrum_title(spectrum: Spectrum) -> str:
    """Scan, analyzer, Q and temperature in one line; simulated counts are called so."""
    parts = [
        f"Scan {spectrum.scan}" if spectrum.scan else "",
        spectrum.analyzer or "",
        describe_q(spectrum),
        f"{spectrum.temperature_k:.0f} K" if spectrum.temperature_k is not None else "",
        SIMULATED if is_simulated(spectrum) else "",
    ]
    return " · ".join(part for part in parts if part) or "Spectrum"


def energy_text(fit: SpectrumFit, index: int) -> str:
    """Energy of a mode (0-based index) with its error, without unit."""
    return _value_text(fit.modes[index].energy)


def width_text(fit: SpectrumFit, index: int) -> str:
    """FWHM of a mode with its error, or "< 0.8" (95 %) where only a limit is known."""
    limit = width_limit(fit, index)
    return f"< {_plain(limit)}" if limit is not None else _value_text(fit.modes[index].fwhm)


def width_limit(fit: SpectrumFit, index: int) -> float | None:
    """95 % upper limit of a mode's FWHM where the data do not tell it from zero, in meV."""
    limit = fit.upper_limit(f"mode{index + 1}_fwhm")
    return limit if limit is not None and math.isfinite(limit) else None


def _value_text(value: Value) -> str:
    if value.at_bound:
        return f"{value.value:.3g} (bound)"
    if abs(value.value) >= 1 and value.stderr > 3 * abs(
        value.value
    ):  # "0(500)" would look like nought
        return f"{_plain(value.value)} ± {_plain(value.stderr)}"
    return with_error(value.value, value.stderr)


def _plain(value: float) -> str:
    """Two significant digits without an exponent."""
    if not math.isfinite(value) or value == 0:
        return f"{value:g}"
    digits = 1 - math.floor(math.log10(abs(value)))
    return f"{round(value, digits):.{max(digits, 0)}f}"


def uncertain(fit: SpectrumFit, index: int) -> bool:
    """Whether a mode's energy should not be trusted: error above 20 %, at a bound, a poor fit."""
    energy = fit.modes[index].energy
    vague = not math.isfinite(energy.stderr) or energy.stderr > _UNCERTAIN * energy.value
    return vague or poor(fit)


def poor(fit: SpectrumFit) -> bool:
    """Whether a fit failed to converge or to describe its data (deviance/dof above 4)."""
    return not fit.converged or not fit.reduced_deviance <= POOR_FIT


def reduced_text(value: float) -> str:
    """Deviance per degree of freedom with the digits that matter."""
    return f"{value:.2f}" if value < 9.995 else f"{value:.1f}" if value < 99.95 else f"{value:.0f}"


def quality_text(fit: SpectrumFit) -> str:
    """Goodness of a fit in one line."""
    name = "Deviance" if fit.objective == "poisson" else "χ²"
    text = f"{name}/dof {reduced_text(fit.reduced_deviance)} ({fit.dof} dof)"
    return text if fit.converged else f"{text}, not converged"


def reasons(fit: SpectrumFit) -> tuple[str, ...]:
    """What is known about why a fit does not describe its data, strongest first."""
    curves = fit_curves(fit)
    found = [] if fit.converged else [fit.message]
    found += [f"{flag.code}: {flag.message}" for flag in own_flags(fit.spectrum)]
    found += _strong_line_reasons(fit, curves)
    given, width = fit.spectrum.zero_mev, fit.model.resolution.fwhm_mev
    if given is not None and abs(fit.zero.value - given) > 0.5 * width:
        moved = f"{fit.zero.value - given:+.2f}".replace("-", "−")
        found.append(f"zero moved {moved} meV from the one given")
    at_edge = [
        str(i + 1)
        for i, mode in enumerate(fit.modes)
        if mode.energy.at_bound or mode.energy.value > curves.energy_mev[-1]
    ]
    if at_edge:
        found.append(f"mode {', '.join(at_edge)} left the measured range")
    found.append(_worst_points(curves))
    return tuple(found)


def _strong_line_reasons(fit: SpectrumFit, curves: FitCurves) -> list[str]:
    """Bragg points nearby, elastic lines and counts that ask more of R than is known of it."""
    found = []
    distance, bragg = bragg_distance(fit.spectrum)
    if distance is not None and distance < _NEAR_BRAGG_RLU:
        found.append(
            f"{distance:.2f} r.l.u. from the Bragg point ({bragg}): acoustic modes and Bragg tail "
            "crowd into the elastic line"
        )
    elastic = curves.components.get("elastic")
    strongest = max((float(curves.mode(i).max()) for i in range(len(fit.modes))), default=0.0)
    if elastic is not None and float(elastic.max()) > _ELASTIC_DOMINATES * strongest > 0:
        found.append(
            f"elastic line dominates: {elastic.max():.0f} counts, {elastic.max() / strongest:.0f} "
            "times the strongest mode, so the tails of R show"
        )
    peak = float(fit.spectrum.counts.max(initial=0.0))
    if peak > _MANY_COUNTS:
        found.append(f"up to {peak:.0f} counts in a point, so small errors of R show")
    return found


def _worst_points(curves: FitCurves) -> str:
    """Where the misfit sits: the energy range of the points that make half the deviance."""
    squares = curves.residuals**2
    order = np.argsort(squares)[::-1]
    needed = int(np.searchsorted(np.cumsum(squares[order]), 0.5 * squares.sum())) + 1
    energy = curves.points.energy_mev[order[:needed]]
    count = "1 point" if needed == 1 else f"{needed} points"
    low, high = (f"{e:.1f}".replace("-", "−") for e in (energy.min(), energy.max()))
    where = f"at {low} meV" if needed == 1 else f"between {low} and {high} meV"
    return f"half of the misfit is in {count} of {squares.size}, {where}"


def flags_in_words(flags: Iterable[Flag]) -> str:
    """Flags of a scan, alike ones of several analyzers together; "–" for none."""
    together: dict[tuple[str, str], list[str]] = {}
    for flag in flags:
        names = together.setdefault((flag.code, flag.message), [])
        if flag.analyzer and flag.analyzer not in names:
            names.append(flag.analyzer)
    texts = []
    for (code, message), names in together.items():
        texts.append(f"{', '.join(names)} {code}: {message}" if names else f"{code}: {message}")
    return "; ".join(texts) or "–"


def dead_reason(spectrum: Spectrum) -> str | None:
    """Why an analyzer counts as dead, None for one that is alive."""
    for flag in own_flags(spectrum):
        if flag.code in ("dead", "nearly-dead"):
            return f"{flag.code.replace('-', ' ')}: {flag.message}"
    return None


def own_flags(spectrum: Spectrum) -> tuple[Flag, ...]:
    """Flags of a spectrum that concern its own analyzer or the whole scan."""
    return tuple(flag for flag in spectrum.flags if flag.analyzer in (None, spectrum.analyzer))


def median_of(values: Iterable[float]) -> float:
    """Median of the finite ones of some numbers; NaN without any."""
    finite = [value for value in values if math.isfinite(value)]
    return float(np.median(finite)) if finite else float("nan")


def number_range(values: Sequence[float], decimals: int) -> str:
    """Smallest to largest of some numbers: "5.14 … 6.69", one number where they are equal."""
    if not values:
        return "–"
    ends = [f"{x:.{decimals}f}".replace("-", "−") for x in (min(values), max(values))]
    return ends[0] if ends[0] == ends[1] else " … ".join(ends)
