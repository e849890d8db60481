"""The thermal conductivity from the cepstrum of the heat flux.

κ is half the power spectrum of the flux at frequency zero. The periodogram estimates the spectrum,
but its logarithm is what averages well: smooth spectrum plus noise of a known distribution, the
same at all frequencies. A few coefficients of its Fourier series (the cepstrum) hold the smooth
part (L. Ercole, A. Marcolongo, S. Baroni, Sci. Rep. 7, 15835 (2017)).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import fft, special, stats

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from simulate.transport.heat_flux import FluxUnits, HeatFlux, ScaledFlux, scaled_fluxes

POWER_BELOW_CUTOFF = 0.95
"""Share of the power of the flux below the frequency that is chosen where none is given."""

_SCAN = (0.5, 0.7, 1.0, 1.4, 2.0)  # times the cutoff, to see how much depends on it
_FEWEST, _FEW = 20, 200  # frequencies below the cutoff
_SHOWN_P, _SHOWN_FREQUENCIES = 4, 400  # times P*, and points of the spectrum that are kept
_UNLIKELY, _SMALL = 0.01, 0.03  # chance, and change of κ, below which something is said or not


@dataclass(frozen=True)
class CepstralKappa:
    """κ by cepstral analysis, in W/(m K).

    Parameters
    ----------
    kappa, stderr : float
        Of the mean of the three axes; the error is that of the method's paper, for a given P*.
    stderr_with_choice : float
        The error that counts the choice of P*, too: on series of known spectrum, κ ± stderr holds
        the truth in about 50 to 65 % of the cases, this in 60 to 75 %.
    per_axis, per_axis_err : (3,) arrays
        Each axis by itself: with P*, or with a number of coefficients of its own where the
        axes are not taken as alike.
    cutoff_thz : float
        f*, the frequency up to which the spectrum was used.
    p_star : int
        P*, the number of coefficients, by the criterion of Akaike unless it was given.
    n_star : int
        N*, the rows that a series sampled at 2 f* has.
    components : int
        ℓ, the number of periodograms averaged: axes times runs.
    kappa_of_p, err_of_p : (np,) arrays
        The estimate with 1, 2, … coefficients.
    frequency_thz, spectrum : (nf,) arrays
        Half the periodogram in W/(m K), averaged over bins, to the Nyquist frequency.
    scan_thz, scan_kappa, scan_err : arrays
        The estimates with other cutoffs.
    notes : tuple of str
    """

    kappa: float
    stderr: float
    stderr_with_choice: float
    per_axis: FloatArray
    per_axis_err: FloatArray
    cutoff_thz: float
    p_star: int
    n_star: int
    components: int
    kappa_of_p: FloatArray
    err_of_p: FloatArray
    frequency_thz: FloatArray
    spectrum: FloatArray
    scan_thz: FloatArray
    scan_kappa: FloatArray
    scan_err: FloatArray
    notes: tuple[str, ...] = ()


class CepstralEstimate(NamedTuple):
    """The value at frequency zero of a smooth spectrum, from its noisy periodogram.

    `value` and `error` have one entry for each number of coefficients 1, 2, …; `p_star` is the
    number chosen, `wide_error` the error with the spread of the values by the Akaike weights of
    the numbers.
    """

    value: FloatArray
    error: FloatArray
    p_star: int
    wide_error: float

    @property
    def doubled(self) -> tuple[float, float]:
        """Value and error with twice as many coefficients."""
        at = min(2 * self.p_star, len(self.value)) - 1
        return float(self.value[at]), float(self.error[at])

    @property
    def chosen(self) -> tuple[float, float]:
        """Value and error with the number of coefficients chosen."""
        return float(self.value[self.p_star - 1]), float(self.error[self.p_star - 1])


def zero_frequency(
    periodogram: FloatArray, components: int, p_star: int | None = None
) -> CepstralEstimate:
    """Zero-frequency value of a spectrum.

    Parameters
    ----------
    periodogram : (n,) array
        At k = 0 … n-1, the mean of `components` independent periodograms of the same spectrum.
    components : int
        ℓ.
    p_star : int, optional
        Number of coefficients; by default where Akaike's criterion is least.

    Notes
    -----
    ln S̄_k = ln S(f_k) + ln(χ²_{2ℓ}/2ℓ): a noise of mean ψ(ℓ) - ln ℓ and variance ψ'(ℓ). With
    C_n = (1/N*) Σ_k ln S̄_k e^{-2πikn/N*} over the N* = 2(n-1) frequencies of both signs,

        ln S(0) = C_0 + 2 Σ_{n=1}^{P-1} C_n - (ψ(ℓ) - ln ℓ),   variance ψ'(ℓ) (4P-2)/N*,

    and AIC(P) = (N*/ψ'(ℓ)) Σ_{n≥P} C_n² + 2P, for each C_n has the variance ψ'(ℓ)/N*. The mean
    of the flux (k = 0) has half the degrees of freedom and carries any drift of the system: its
    neighbour stands for it.
    """
    logarithm = np.log(periodogram)
    logarithm[0] = logarithm[1]
    n = len(logarithm)
    n_star = 2 * (n - 1)
    cepstrum = fft.irfft(logarithm, n_star)[: n - 1]
    variance = float(special.polygamma(1, components))
    bias = float(special.digamma(components)) - math.log(components)
    left = np.concatenate([np.cumsum(cepstrum[:0:-1] ** 2)[::-1], [0.0]])
    number = np.arange(1, n)
    criterion = n_star / variance * left + 2 * number
    chosen = int(np.argmin(criterion)) + 1 if p_star is None else min(p_star, n - 1)
    level = 2 * np.cumsum(cepstrum) - cepstrum[0] - bias
    value = np.exp(np.clip(level, -600, 600))  # with very many coefficients it is noise alone
    spread = variance * (4 * number - 2) / n_star
    weight = np.exp(-0.5 * np.minimum(criterion - criterion.min(), 1400))
    apart = (level - level[chosen - 1]) ** 2
    # Where the number is given, nothing was chosen.
    wide = np.average(spread + apart, weights=weight) if p_star is None else spread[chosen - 1]
    return CepstralEstimate(
        value, value * np.sqrt(spread), chosen, float(value[chosen - 1] * np.sqrt(wide))
    )


def cepstral_kappa(
    flux: HeatFlux | FloatArray | Sequence[HeatFlux | FloatArray],
    dt_fs: float | None = None,
    volume_A3: float | None = None,
    temperature_k: float | None = None,
    *,
    cutoff_thz: float | None = None,
    p_star: int | None = None,
    equivalent: bool = True,
    units: FluxUnits = "metal",
) -> CepstralKappa:
    """κ and its standard error from one or several runs of a heat flux.

    Parameters
    ----------
    flux, dt_fs, volume_A3, temperature_k, units
        As for `scaled_fluxes`.
    cutoff_thz : float, optional
        f*. The spectrum below it counts, which is the same as sampling the series, low-pass
        filtered, at 2 f*. By default the frequency below which 95 % of the power lies: beyond,
        the spectrum falls steeply to the rounding of the file and only costs coefficients.
    p_star : int, optional
        Number of coefficients instead of Akaike's.
    equivalent : bool
        Whether the three axes are alike, so that their periodograms are averaged before the
        logarithm (ℓ = 3). Otherwise κ is the mean of the axes analysed one by one.

    Raises
    ------
    InputError
        As `scaled_fluxes`; a cutoff that leaves fewer than 20 frequencies; a flux of zeros.
    """
    runs = scaled_fluxes(flux, dt_fs, volume_A3, temperature_k, units)
    notes: list[str] = []
    frequency, powers = _periodograms(runs, notes)
    cutoff = _cutoff(frequency, powers, cutoff_thz)
    if cutoff_thz is None:
        notes.append(
            f"f* = {cutoff:.3g} THz: {POWER_BELOW_CUTOFF:.0%} of the power of the flux lies below"
        )
    below = int(np.searchsorted(frequency, cutoff, side="right"))
    if below < _FEW:
        notes.append(
            f"only {below} frequencies lie below f*: a run so short does not resolve the spectrum "
            "near f = 0"
        )
    if not np.all(powers[:below] > 0):
        raise InputError("the heat flux has no power at some frequencies: a component is constant")
    axes = _axes(powers[:below], len(runs), p_star, equivalent)
    per_axis, per_axis_err = np.array([axis.chosen for axis in axes]).T
    whole = _whole(powers[:below], len(runs), p_star, equivalent)
    kappa, stderr = whole.chosen
    scan = np.array(
        [
            (f, *_whole(powers[:stop], len(runs), p_star, equivalent).chosen)
            for f in sorted({min(cutoff * factor, float(frequency[-1])) for factor in _SCAN})
            if (stop := int(np.searchsorted(frequency, f, side="right"))) > _FEWEST
        ]
    )
    notes.extend(_axis_notes(per_axis, per_axis_err, equivalent))
    notes.extend(_scan_notes(scan, cutoff, kappa, stderr))
    notes.extend(_doubled_notes(whole))
    shown = min(len(whole.value), max(_SHOWN_P * whole.p_star, 20))
    bins, spectrum = _binned(frequency, powers.mean(axis=1))
    return CepstralKappa(
        kappa=kappa,
        stderr=stderr,
        stderr_with_choice=whole.wide_error,
        per_axis=per_axis,
        per_axis_err=per_axis_err,
        cutoff_thz=float(cutoff),
        p_star=whole.p_star,
        n_star=2 * (below - 1),
        components=len(runs) * (3 if equivalent else 1),
        kappa_of_p=whole.value[:shown],
        err_of_p=whole.error[:shown],
        frequency_thz=bins,
        spectrum=spectrum,
        scan_thz=scan[:, 0],
        scan_kappa=scan[:, 1],
        scan_err=scan[:, 2],
        notes=tuple(notes),
    )


def _periodograms(runs: Sequence[ScaledFlux], notes: list[str]) -> tuple[FloatArray, FloatArray]:
    """Frequencies below Nyquist's (nf,) and half the mean periodogram of the runs (nf, 3).

    S(f) = ∫ ⟨j(0) j(t)⟩ e^{2πift} dt, estimated by (dt/N) |Σ_t j(t) e^{2πift}|².
    """
    rows = min(len(run.total) for run in runs)
    longer = sum(len(run.total) > rows for run in runs)
    if longer:
        notes.append(f"{longer} runs cut to the {rows} rows of the shortest one")
    dt_ps = runs[0].dt_ps
    powers = np.zeros((rows // 2 + 1, 3))
    for run in runs:
        spectrum = fft.rfft(run.total[:rows], axis=0)
        powers += spectrum.real**2 + spectrum.imag**2
    count = (rows + 1) // 2
    frequency = np.arange(count) / (rows * dt_ps)
    return frequency, 0.5 * dt_ps / rows / len(runs) * powers[:count]


def _cutoff(frequency: FloatArray, powers: FloatArray, wanted: float | None) -> float:
    if wanted is None:
        below = np.cumsum(powers[1:].sum(axis=1))
        if not below[-1] > 0:
            raise InputError("the heat flux is constant: there is nothing to analyse")
        at = int(np.searchsorted(below, POWER_BELOW_CUTOFF * below[-1])) + 1
        return float(frequency[min(max(at, _FEWEST), len(frequency) - 1)])
    nyquist = float(frequency[-1])
    if not (0 < wanted < math.inf) or np.searchsorted(frequency, wanted) <= _FEWEST:
        raise InputError(
            "the cutoff leaves too few frequencies",
            key="cutoff_thz",
            found=wanted,
            expected=f"{frequency[min(_FEWEST, len(frequency) - 1)]:.3g} to {nyquist:.4g} THz",
        )
    return min(float(wanted), nyquist)


def _whole(powers: FloatArray, runs: int, p_star: int | None, equivalent: bool) -> CepstralEstimate:
    """The estimate of the mean of the axes."""
    if equivalent:
        return zero_frequency(powers.mean(axis=1), 3 * runs, p_star)
    axes = _axes(powers, runs, p_star, equivalent)
    chosen = round(float(np.mean([axis.p_star for axis in axes])))
    value = np.mean([axis.value for axis in axes], axis=0)
    error = np.sqrt(np.sum([axis.error**2 for axis in axes], axis=0)) / 3
    # With the number of coefficients that each axis has chosen, not with the mean number.
    own = np.array([axis.chosen for axis in axes])
    value[chosen - 1] = own[:, 0].mean()
    error[chosen - 1] = math.hypot(*own[:, 1]) / 3
    wide = math.hypot(*(axis.wide_error for axis in axes)) / 3
    return CepstralEstimate(value, error, chosen, wide)


def _axes(
    powers: FloatArray, runs: int, p_star: int | None, equivalent: bool
) -> list[CepstralEstimate]:
    """Estimates of each axis; those of like axes take the number that all of them choose.

    By itself, the noisier spectrum of one axis often chooses too few coefficients.
    """
    if equivalent and p_star is None:
        p_star = zero_frequency(powers.mean(axis=1), 3 * runs).p_star
    return [zero_frequency(powers[:, axis], runs, p_star) for axis in range(3)]


def _axis_notes(per_axis: FloatArray, errors: FloatArray, equivalent: bool) -> list[str]:
    """Say when axes taken as alike are not."""
    relative = errors / per_axis
    logarithm = np.log(per_axis)
    mean = np.average(logarithm, weights=relative**-2)
    chi2 = float(np.sum(((logarithm - mean) / relative) ** 2))
    if not equivalent or stats.chi2.sf(chi2, 2) > _UNLIKELY:
        return []
    return [
        "the axes differ by more than their errors allow: unless the crystal is cubic (or the "
        "system isotropic) analyse them one by one"
    ]


def _scan_notes(scan: FloatArray, cutoff: float, kappa: float, stderr: float) -> list[str]:
    """Say when a cutoff somewhat lower or higher gives something else."""
    near = np.abs(np.log(scan[:, 0] / cutoff)) < 0.4
    off = np.abs(scan[near, 1] - kappa) > 2 * np.hypot(stderr, scan[near, 2])
    if not off.any():
        return []
    listed = ", ".join(f"{k:.3g} at {f:.3g} THz" for f, k, _ in scan[near][off])
    return [f"κ depends on the cutoff f*: {listed}; look at the spectrum"]


def _doubled_notes(whole: CepstralEstimate) -> list[str]:
    """Say when more coefficients give something else: nested estimates differ by σ₂² - σ₁²."""
    (kappa, stderr), (more, error) = whole.chosen, whole.doubled
    usual = math.sqrt(max(error**2 - stderr**2, 0.0))
    if abs(more - kappa) <= max(usual, _SMALL * kappa):
        return []
    return [
        f"with 2 P* = {2 * whole.p_star} coefficients κ is {more:.3g} ± {error:.2g}: a spectrum "
        "that rises to a sharp peak at f = 0 may need more than P*"
    ]


def _binned(frequency: FloatArray, power: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Means over bins of equal numbers of frequencies, without f = 0."""
    size = max(1, (len(frequency) - 1) // _SHOWN_FREQUENCIES)
    count = (len(frequency) - 1) // size
    kept = slice(1, 1 + count * size)
    return (
        frequency[kept].reshape(count, size).mean(axis=1),
        power[kept].reshape(count, size).mean(axis=1),
    )
