"""How many modes a spectrum holds: forward search with BIC, and sense.

BIC alone splits a slightly imperfect line shape into two. So a pair of modes closer than half
the FWHM of R is not accepted on it but reported as a possibility, nor is a mode under the
elastic line or one as wide as the scan, which are other names for elastic line and background.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ixs_reduce.fitting import SpectrumFit, fit_spectrum
from ixs_reduce.likelihood import Objective
from ixs_reduce.spectrum import Spectrum
from ixs_reduce.spectrum_model import SpectrumModel
from ixs_reduce.start_values import with_another_mode

if TYPE_CHECKING:
    from ixs_core.jobs import CancelToken


@dataclass(frozen=True)
class ModeSearchOptions:
    """Rules of the search.

    max_modes : at most this many modes.
    starts : start points of each fit.
    closest : modes nearer than this many FWHM of R are one mode.
    lowest : no mode below this many FWHM of R, where the elastic line is.
    widest : no mode wider than this share of the scan's span.
    patience : stop after this many modes in a row that did not pay.
    """

    max_modes: int = 6
    starts: int = 3
    closest: float = 0.5
    lowest: float = 0.35
    widest: float = 0.5
    patience: int = 2


def search_modes(
    spectrum: Spectrum,
    model: SpectrumModel,
    options: ModeSearchOptions | None = None,
    seed: int = 0,
    cancel: CancelToken | None = None,
    objective: Objective = "poisson",
) -> SpectrumFit:
    """Fit with as many modes as the spectrum supports.

    Parameters
    ----------
    spectrum : Spectrum
        With its zero, if known, as `zero_mev`.
    model : SpectrumModel
        Everything but the modes, whose number is sought.
    options : ModeSearchOptions, optional
    seed : int
    cancel : CancelToken, optional
    objective : "poisson" or "chi2"
        As for `fit_spectrum`.

    Returns
    -------
    SpectrumFit
        Its remarks tell of richer descriptions that BIC prefers but sense does not.
    """
    options = options or ModeSearchOptions()
    best = base = fit_spectrum(spectrum, replace(model, modes=0), None, 1, objective, seed, cancel)
    accepted, rejected = [base], []
    unpaid = 0
    for n_modes in range(1, options.max_modes + 1):
        if spectrum.counts.size <= len(base.parameter_names) + 3:
            break
        sensible, other = _fits_with(
            n_modes, spectrum, model, base, options, seed, cancel, objective
        )
        if other is not None:
            rejected.append(other)
        if sensible is not None:
            base = sensible
            accepted.append(sensible)
        better = _best(accepted)
        unpaid = 0 if better is not best else unpaid + 1
        best = better
        if unpaid >= options.patience:
            break
    return replace(best, remarks=_remarks(best, rejected, _scale(accepted), options))


def bic(fit: SpectrumFit, scale: float = 1.0) -> float:
    """Deviance / scale + number of free parameters × ln(number of points).

    scale > 1 where even the best model misfits by more than counting noise (R is never known
    exactly): K. P. Burnham & D. R. Anderson, Model Selection (2002), ch. 2.5.
    """
    points = fit.spectrum.counts.size
    return fit.deviance / scale + (points - fit.dof) * float(np.log(points))


def objections(fit: SpectrumFit, options: ModeSearchOptions) -> list[str]:
    """Why the modes of a fit are no modes, in words; empty when they are."""
    width = fit.model.resolution.fwhm_mev
    span = float(np.ptp(fit.spectrum.energy_mev))
    found = []
    for i, mode in enumerate(fit.modes):
        energy = mode.energy.value
        if mode.amplitude.at_bound or mode.amplitude.value <= 0:
            found.append(f"the mode at {energy:.2f} meV has no intensity")
        if energy < options.lowest * width and mode.fwhm.value < width:
            found.append(f"a mode at {energy:.2f} meV is under the elastic line")
        if mode.apparent_fwhm > options.widest * span:
            found.append(f"the mode at {energy:.2f} meV is as wide as the scan")
        unknown = 0.5 * mode.overdamping.value
        if mode.energy.stderr > 0.5 * energy and not mode.overdamping.stderr < unknown:
            found.append(f"the mode at {energy:.2f} meV is undetermined")
        for other in fit.modes[:i]:
            if abs(other.energy.value - energy) < options.closest * width:
                found.append(
                    f"modes at {other.energy.value:.2f} and {energy:.2f} meV are closer than "
                    f"{options.closest * width:.2f} meV"
                )
    return found


def _fits_with(
    n_modes: int,
    spectrum: Spectrum,
    model: SpectrumModel,
    base: SpectrumFit,
    options: ModeSearchOptions,
    seed: int,
    cancel: CancelToken | None,
    objective: Objective,
) -> tuple[SpectrumFit | None, SpectrumFit | None]:
    """The best sensible fit with n modes, and a better one that is not sensible."""
    fresh = replace(model, modes=n_modes)
    tries = [fit_spectrum(spectrum, fresh, None, options.starts, objective, seed, cancel)]
    if base.model.n_modes == n_modes - 1:
        apart = 1.5 * options.closest * model.resolution.fwhm_mev
        energies, _ = with_another_mode(spectrum, base.model, base.parameters, apart)
        grown = replace(model, modes=tuple(energies.tolist()))
        tries.append(fit_spectrum(spectrum, grown, None, 1, objective, seed, cancel))
    tries.sort(key=lambda fit: fit.deviance)
    sensible = next((fit for fit in tries if not objections(fit, options)), None)
    return sensible, tries[0] if tries[0] is not sensible else None


def _scale(fits: Sequence[SpectrumFit]) -> float:
    """Misfit per degree of freedom of the best description, at least 1."""
    return max(1.0, min(fit.reduced_deviance for fit in fits if fit.dof > 0))


def _best(fits: Sequence[SpectrumFit]) -> SpectrumFit:
    scale = _scale(fits)
    return min(fits, key=lambda fit: bic(fit, scale))


def _remarks(
    best: SpectrumFit, rejected: Sequence[SpectrumFit], scale: float, options: ModeSearchOptions
) -> tuple[str, ...]:
    remarks = []
    for fit in rejected:
        gain = bic(best, scale) - bic(fit, scale)
        if gain > 0:
            energies = ", ".join(f"{mode.energy.value:.2f}" for mode in fit.modes)
            remarks.append(
                f"possible: {len(fit.modes)} modes at {energies} meV (BIC better by {gain:.0f}), "
                f"not accepted: {'; '.join(objections(fit, options))}"
            )
    return tuple(remarks)
