"""Find the energy zero of a spectrum from detailed balance, without anybody's hand.

Every mode shows twice, symmetric about E = 0 with intensity ratio exp(E/kT), and the elastic
line stands at 0. At each trial zero the spectrum is explained by a sparse, non-negative sum of
such pairs (`start_values.dictionary_fit`); the right zero needs few pairs and leaves little.
The strongest peak may well be a phonon: nothing is assumed of it.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import minimum_filter1d

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from ixs_reduce.resolution import Resolution
from ixs_reduce.spectrum import Spectrum
from ixs_reduce.start_values import dictionary_fit


@dataclass(frozen=True)
class ZeroOptions:
    """How zeros are sought.

    range_mev : trial zeros within these file energies.
    spread_mev : how far the zeros of one array's analyzers typically lie apart.
    drift_mev : how far the zero of an analyzer typically moves between scans.
    scatter_mev : how far single zeros scatter about analyzer zero + drift of the scan.
    """

    range_mev: tuple[float, float] = (-12.0, 12.0)
    spread_mev: float = 3.0
    drift_mev: float = 0.5
    scatter_mev: float = 0.25


@dataclass(frozen=True)
class ZeroProfile:
    """How well each trial zero explains a spectrum.

    trial_mev : (n,) array of trial zeros; score : (n,) array, twice a negative log
    likelihood plus the price of each pair that was needed.
    """

    spectrum: Spectrum
    resolution: Resolution
    temperature_k: float
    trial_mev: FloatArray
    score: FloatArray


CERTAIN_MARGIN = 15.0
"""Margin over the best rival beyond which a zero is certain."""


@dataclass(frozen=True)
class ZeroEstimate:
    """A zero found from the data.

    value_mev, stderr_mev : file energy of E = 0 and its standard error.
    margin : by how much the score of the best rival, further away than the FWHM of R, is
        worse; negative where other scans and analyzers decided against it.
    """

    value_mev: float
    stderr_mev: float
    margin: float

    @property
    def certain(self) -> bool:
        """Whether the spectrum alone leaves no rival, by more than the price of a pair."""
        return self.margin > CERTAIN_MARGIN


def find_zero(
    spectrum: Spectrum,
    resolution: Resolution,
    temperature_k: float,
    options: ZeroOptions | None = None,
) -> ZeroEstimate:
    """The energy zero of a single spectrum. Errors as for `zero_profile`."""
    profile = zero_profile(spectrum, resolution, temperature_k, options)
    return choose_zeros({("", ""): profile}, options)["", ""]


def zero_profile(
    spectrum: Spectrum,
    resolution: Resolution,
    temperature_k: float,
    options: ZeroOptions | None = None,
) -> ZeroProfile:
    """Score every trial zero of a spectrum.

    Raises
    ------
    InputError
        When the spectrum has no counts or no trial zero lies within its energies.
    """
    options = options or ZeroOptions()
    if not spectrum.counts.sum() > 0:
        raise InputError(f"{spectrum.label} has no counts to find a zero from")
    step = 0.2
    trial = np.arange(options.range_mev[0], options.range_mev[1] + step, step)
    energy = spectrum.energy_mev
    # A scan goes across its elastic line: no zero where one side has hardly any points.
    rim = min(2 * resolution.fwhm_mev, 0.2 * float(np.ptp(energy)))
    inside = (trial > energy[0] + rim) & (trial < energy[-1] - rim)
    if not inside.any():
        raise InputError(
            f"{spectrum.label}: no trial zero lies within the scan",
            found=f"{energy[0]:g} to {energy[-1]:g} meV",
        )
    price = 3 * np.log(energy.size)  # BIC: an energy, a strength and a width for each pair
    score = np.full(trial.size, np.nan)
    for i in np.flatnonzero(inside):
        found = dictionary_fit(spectrum, resolution, temperature_k, float(trial[i]))
        # With many counts every sharp-line model misfits: χ² beyond the number of points
        # counts by its logarithm only, as with noise of unknown scale.
        score[i] = energy.size * np.log1p(found.chi2 / energy.size) + price * len(found.clusters)
        if found.elastic_sigma < _ELASTIC_SEEN:
            score[i] += _NO_ELASTIC_LINE * price
    score = np.where(inside, score, np.nanmax(score))
    return ZeroProfile(spectrum, resolution, temperature_k, trial, score)


# Hardly a scan is without elastic line: a zero without one costs as much as so many pairs.
_NO_ELASTIC_LINE = 2.0
_ELASTIC_SEEN = 3.0


def choose_zeros(
    profiles: Mapping[tuple[Hashable, Hashable], ZeroProfile],
    options: ZeroOptions | None = None,
    priors: Mapping[tuple[Hashable, Hashable], tuple[float, float]] | None = None,
) -> dict[tuple[Hashable, Hashable], ZeroEstimate]:
    """Choose a zero for every (analyzer, scan), those that are ambiguous by the others.

    Zeros of one array lie within some meV of one another. Those of one analyzer drift little
    between scans, and much of the drift is common to all analyzers (it is the monochromator's).
    So: first the zero that suits all scans of an analyzer, not far from the others'; then the
    drift of each scan as the median over its analyzers; then each zero with a Gaussian prior
    about the sum of both. `priors` (value, standard error) of single spectra, from a calibrated
    file, take the place of all that.
    """
    options = options or ZeroOptions()
    priors = priors or {}
    guessed = {key: profiles[key] for key in profiles if key in priors}
    chosen = {key: _refined(p, _lowest(p, *priors[key])) for key, p in guessed.items()}
    return chosen | _choose_together(
        {key: p for key, p in profiles.items() if key not in priors}, options
    )


def _choose_together(
    profiles: Mapping[tuple[Hashable, Hashable], ZeroProfile], options: ZeroOptions
) -> dict[tuple[Hashable, Hashable], ZeroEstimate]:
    analyzers = list(dict.fromkeys(analyzer for analyzer, _ in profiles))
    scans = list(dict.fromkeys(scan for _, scan in profiles))
    of = {a: [p for (b, _), p in profiles.items() if a == b] for a in analyzers}
    alone = {a: _common_zero(of[a], options) for a in analyzers}
    typical = float(np.median(list(alone.values()))) if len(alone) > 2 else None
    center = {a: _common_zero(of[a], options, typical) for a in analyzers}
    first = {key: _lowest(p, center[key[0]], options.drift_mev) for key, p in profiles.items()}
    offset = {a: float(np.median([z for (b, _), z in first.items() if a == b])) for a in analyzers}
    drift = {
        s: float(np.median([z - offset[a] for (a, t), z in first.items() if s == t])) for s in scans
    }
    chosen = {}
    for (a, s), profile in profiles.items():
        expected = offset[a] + drift[s]
        width = options.drift_mev if len(of[a]) == 1 else options.scatter_mev
        chosen[a, s] = _refined(profile, _lowest(profile, expected, width))
    return chosen


def _common_zero(
    profiles: list[ZeroProfile], options: ZeroOptions, typical: float | None = None
) -> float:
    """The trial zero that suits all scans of an analyzer, drift allowed for.

    typical : the zero of the other analyzers, about which there is a weak prior.
    """
    trial = profiles[0].trial_mev
    window = 2 * int(np.ceil(1.5 * options.drift_mev / (trial[1] - trial[0]))) + 1
    best_near = [minimum_filter1d(p.score, window, mode="nearest") for p in profiles]
    total = np.sum(best_near, axis=0) + 1e-6 * np.sum([p.score for p in profiles], axis=0)
    if typical is not None:
        total = total + ((trial - typical) / options.spread_mev) ** 2
    return float(trial[np.argmin(total)])


def _lowest(profile: ZeroProfile, expected: float, width: float) -> float:
    """The best trial zero with a Gaussian prior."""
    doubt = ((profile.trial_mev - expected) / width) ** 2
    return float(profile.trial_mev[np.argmin(profile.score + doubt)])


def _refined(profile: ZeroProfile, near: float) -> ZeroEstimate:
    """The zero to a fraction of the grid step, its error from the curvature of χ²."""
    spectrum, resolution = profile.spectrum, profile.resolution
    step = float(profile.trial_mev[1] - profile.trial_mev[0])
    fine = near + step * np.linspace(-1.5, 1.5, 25)
    chi2 = np.array(
        [dictionary_fit(spectrum, resolution, profile.temperature_k, float(z)).chi2 for z in fine]
    )
    curve = np.polynomial.Polynomial.fit(fine, chi2, 2, w=1 / (1 + chi2 - chi2.min()))
    curvature = float(curve.deriv(2)(near))
    value, error = float(fine[np.argmin(chi2)]), step
    if curvature > 0:
        vertex = float(curve.deriv().roots()[0].real)
        value = float(np.clip(vertex, value - step / 2, value + step / 2))
        # Misfit beyond counting noise widens the error as in any least-squares problem.
        excess = max(float(chi2.min()) / max(spectrum.counts.size - 6, 1), 1.0)
        error = float(np.sqrt(2 * excess / curvature))
    far = np.abs(profile.trial_mev - near) > resolution.fwhm_mev
    own = float(np.interp(near, profile.trial_mev, profile.score))
    margin = float(profile.score[far].min() - own) if far.any() else 0.0
    return ZeroEstimate(value, min(error, resolution.fwhm_mev), margin)
