"""The thermal conductivity from the fluctuations of the heat flux (Green and Kubo)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from ixs_core.jobs import CancelToken, Progress
from simulate.transport.cepstral import CepstralKappa, cepstral_kappa
from simulate.transport.flux_correlation import correlation_sums, running_integral
from simulate.transport.flux_integral import FluxIntegral, with_plateau
from simulate.transport.heat_flux import FluxUnits, HeatFlux, ScaledFlux, scaled_fluxes

BLOCKS = 10
_SHARE = 20  # the correlation goes to this part of a run, unless a time is given
_KEPT = 4000  # points in time

ENERGY_ZERO = (
    "virial, convective and cross part depend on the zero of the atoms' energies as soon as ions "
    "diffuse; only their sum has a meaning then"
)
_SEVERAL_SPECIES = (
    "where several kinds of atoms diffuse, heat and particles flow together and κ of eq. (8) holds "
    "at zero particle flux only after their coupling is taken off"
)


@dataclass(frozen=True)
class GreenKubo:
    """κ from heat fluxes: by cepstral analysis, and by the running integral.

    Parameters
    ----------
    integral : FluxIntegral
    cepstral : CepstralKappa or None
        None where only correlations are known (hac.out of GPUMD).
    notes : tuple of str
        What was assumed, and what to beware of.
    """

    integral: FluxIntegral
    cepstral: CepstralKappa | None
    notes: tuple[str, ...] = ()

    @property
    def method(self) -> str:
        """What `kappa` comes from: "cepstral", "plateau", or "none"."""
        if self.cepstral is not None:
            return "cepstral"
        return "none" if self.integral.plateau_ps is None else "plateau"

    @property
    def kappa(self) -> float:
        """κ in W/(m K), mean of the axes; NaN where there is no estimate."""
        return self._best()[0]

    @property
    def stderr(self) -> float:
        """Its standard error; of the cepstral analysis the one that counts the choice of P*."""
        return self._best()[1]

    @property
    def per_axis(self) -> FloatArray:
        """(3,) κ_αα by the same method."""
        if self.cepstral is not None:
            return self.cepstral.per_axis
        if self.plateau is None:
            return np.full(3, math.nan)
        return self.integral.value(self.plateau).per_axis

    @property
    def parts(self) -> dict[str, tuple[float, float]]:
        """Virial, convective and cross part of the running integral, where it is read."""
        return self.integral.value().parts

    @property
    def plateau(self) -> tuple[float, float] | None:
        """Window of the plateau of the running integral in ps; None where it was refused."""
        return self.integral.plateau_ps

    def _best(self) -> tuple[float, float]:
        if self.cepstral is not None:
            return self.cepstral.kappa, self.cepstral.stderr_with_choice
        if self.plateau is None:
            return math.nan, math.nan
        value = self.integral.value(self.plateau)
        return value.kappa, value.stderr


def green_kubo(
    flux: HeatFlux | FloatArray | Sequence[HeatFlux | FloatArray],
    dt_fs: float | None = None,
    volume_A3: float | None = None,
    temperature_k: float | None = None,
    *,
    units: FluxUnits = "metal",
    longest_ps: float | None = None,
    blocks: int = BLOCKS,
    at_ps: float | None = None,
    cutoff_thz: float | None = None,
    equivalent: bool = True,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> GreenKubo:
    """Thermal conductivity from one or several runs.

    κ_αα = 1/(k_B T² V) ∫₀^∞ ⟨J_α(0) J_α(t)⟩ dt, and κ their mean: eq. (8) of the source paper,
    κ = 1/(3 k_B T² V) [∫⟨J_vir J_vir⟩ + ∫⟨J_conv J_conv⟩ + 2∫⟨J_vir J_conv⟩], where the last
    stands for both orders, VC + CV, which differ in a finite run.

    Parameters
    ----------
    flux : HeatFlux, (nt, 3) array, or a sequence of these
        Independent runs are averaged.
    dt_fs, volume_A3, temperature_k, units
        For arrays, or in place of what a HeatFlux knows: as for `scaled_fluxes`.
    longest_ps : float, optional
        Longest time of the correlation; by default a twentieth of the shortest run.
    blocks : int
        Independent parts for the errors, at least one of each run.
    at_ps : float, optional
        Time at which the integral is read, instead of its plateau.
    cutoff_thz, equivalent
        As for `cepstral_kappa`.
    progress, cancel : optional

    Raises
    ------
    InputError
        As `scaled_fluxes` and `cepstral_kappa`; a correlation longer than the blocks.
    """
    runs = scaled_fluxes(flux, dt_fs, volume_A3, temperature_k, units)
    lags = _lags(runs, longest_ps, blocks)
    pieces = list(_pieces(runs, blocks))
    integral = _integral(runs, pieces, lags, at_ps, progress, cancel)
    cepstral = cepstral_kappa(
        flux,
        dt_fs,
        volume_A3,
        temperature_k,
        cutoff_thz=cutoff_thz,
        equivalent=equivalent,
        units=units,
    )
    notes = [ENERGY_ZERO] if runs[0].convective is not None else []
    return GreenKubo(integral, cepstral, (*notes, *_drift_notes(runs, cepstral), _SEVERAL_SPECIES))


def _lags(runs: Sequence[ScaledFlux], longest_ps: float | None, blocks: int) -> int:
    if blocks < 1:
        raise InputError("not a number of blocks", key="blocks", found=blocks, expected="1 or more")
    rows, dt_ps = min(len(run.total) for run in runs), runs[0].dt_ps
    room = rows // max(1, round(blocks / len(runs)))
    if longest_ps is None:
        return max(min(rows // _SHARE, room - 1), 2) + 1
    lags = round(longest_ps / dt_ps) + 1 if 0 < longest_ps < math.inf else 0
    if not 3 <= lags <= room:
        raise InputError(
            "the correlation does not fit into the blocks",
            key="longest_ps",
            found=longest_ps,
            expected=f"{2 * dt_ps:.3g} to {(room - 1) * dt_ps:.4g} ps, with {blocks} blocks",
            hint="fewer blocks allow longer times",
        )
    return lags


def _pieces(runs: Sequence[ScaledFlux], blocks: int) -> Iterator[ScaledFlux]:
    """Equal parts of each run."""
    each = max(1, round(blocks / len(runs)))
    for run in runs:
        rows = len(run.total) // each
        for first in range(0, each * rows, rows):
            part = slice(first, first + rows)
            carried = None if run.convective is None else run.convective[part]
            yield ScaledFlux(run.total[part], carried, run.dt_ps)


def _integral(
    runs: Sequence[ScaledFlux],
    pieces: Sequence[ScaledFlux],
    lags: int,
    at_ps: float | None,
    progress: Progress | None,
    cancel: CancelToken | None,
) -> FluxIntegral:
    keep = slice(None, None, -(-lags // _KEPT))
    dt_ps = runs[0].dt_ps
    correlation, parts = _mean_correlation(runs, lags)
    of_blocks, parts_of_blocks = [], []
    for done, piece in enumerate(pieces):
        if cancel is not None:
            cancel.check()
        one, its_parts = _mean_correlation([piece], lags)
        of_blocks.append(running_integral(one, dt_ps)[keep])
        parts_of_blocks.append(running_integral(its_parts, dt_ps)[:, keep])
        if progress is not None:
            progress(done + 1, len(pieces), "blocks")
    whole = FluxIntegral(
        time_ps=(np.arange(lags) * dt_ps)[keep],
        correlation=correlation[keep],
        running=running_integral(correlation, dt_ps)[keep],
        block_running=np.array(of_blocks),
        parts=running_integral(parts, dt_ps)[:, keep],
        block_parts=np.array(parts_of_blocks),
        plateau_ps=None,
        plateau_reason="",
        read_ps=(0.0, 0.0),
    )
    return with_plateau(whole, at_ps)


def _mean_correlation(runs: Sequence[ScaledFlux], lags: int) -> tuple[FloatArray, FloatArray]:
    """⟨j j⟩ over all origins of all runs: (lags, 3) and (4 or 0, lags, 3)."""
    sums = [correlation_sums(run.total, run.convective, lags) for run in runs]
    origins = np.sum([len(run.total) - np.arange(lags) for run in runs], axis=0)[:, None]
    whole = np.sum([total for total, _ in sums], axis=0) / origins
    return whole, np.sum([parts for _, parts in sums], axis=0) / origins


def _drift_notes(runs: Sequence[ScaledFlux], cepstral: CepstralKappa) -> list[str]:
    """Say when the mean flux is not zero: by κ, its variance is 2κ/T over a time T."""
    notes = []
    for number, run in enumerate(runs, start=1):
        length = len(run.total) * run.dt_ps
        off = run.total.mean(axis=0) / np.sqrt(2 * cepstral.per_axis / length)
        worst = int(np.argmax(np.abs(off)))
        if abs(off[worst]) > 5:
            notes.append(
                f"run {number}: the mean flux along {'xyz'[worst]} is {off[worst]:+.0f} standard "
                "errors from zero: does the simulation drift, or is it not in equilibrium?"
            )
    return notes
