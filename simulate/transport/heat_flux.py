"""The heat flux of a simulation as a series in time, whoever computed it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from ixs_core.units import (
    AMU_A2_PER_PS2_MEV,
    BOLTZMANN_MEV_K,
    EV_PER_K_A_PS_IN_W_PER_M_K,
    KCAL_PER_MOL_IN_EV,
)

FluxUnits = Literal["metal", "real", "gpumd"]

UNITS_EV_A_PER_PS: Mapping[str, float] = {
    "metal": 1.0,
    "real": KCAL_PER_MOL_IN_EV * 1000,
    "gpumd": math.sqrt(1000 / AMU_A2_PER_PS2_MEV),
}
"""In eV Å/ps: eV Å/ps, kcal/mol Å/fs, and eV^(3/2) amu^(-1/2)."""

_FEWEST = 100  # frames of which correlations are worth a look


@dataclass(frozen=True)
class HeatFlux:
    """A heat flux, in the numbers and units of its file.

    Parameters
    ----------
    total : (nt, 3) array
        J = Σ v ε + the virial part (eq. 7 of the source paper).
    convective : (nt, 3) array or None
        Σ v ε alone, where it is known; the virial part is the difference.
    dt_fs : float or None
        Time from row to row. None, like the next two, where the file does not say.
    volume_A3, temperature_k : float or None
    units : "metal", "real" or "gpumd"
        eV Å/ps, kcal/mol Å/fs, or eV^(3/2) amu^(-1/2) (of GPUMD).
    extensive : bool
        False where the flux was divided by the volume.
    source : str
    sources : tuple of (name, sha256)
    notes : tuple of str
        What was assumed or left out on reading.
    """

    total: FloatArray
    convective: FloatArray | None = None
    dt_fs: float | None = None
    volume_A3: float | None = None
    temperature_k: float | None = None
    units: FluxUnits = "metal"
    extensive: bool = True
    source: str = ""
    sources: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def virial(self) -> FloatArray | None:
        """(nt, 3) array, what forces carry; None where the convective part is not known."""
        return None if self.convective is None else self.total - self.convective


class ScaledFlux(NamedTuple):
    """A flux in such units that κ_αα = ∫₀^∞ ⟨j_α(0) j_α(t)⟩ dt in W/(m K), t in ps.

    Parameters
    ----------
    total : (nt, 3) array
    convective : (nt, 3) array or None
    dt_ps : float
    """

    total: FloatArray
    convective: FloatArray | None
    dt_ps: float


def scaled_fluxes(
    flux: HeatFlux | FloatArray | Sequence[HeatFlux | FloatArray],
    dt_fs: float | None = None,
    volume_A3: float | None = None,
    temperature_k: float | None = None,
    units: FluxUnits = "metal",
) -> list[ScaledFlux]:
    """The fluxes of one or several independent runs, scaled by 1/√(k_B T² V).

    Parameters
    ----------
    flux : HeatFlux, (nt, 3) or (runs, nt, 3) array, or a sequence of these
        Arrays are total fluxes, extensive.
    dt_fs, volume_A3, temperature_k : float, optional
        For arrays; they take the place of what a HeatFlux knows.
    units : "metal", "real" or "gpumd"
        Of arrays.

    Raises
    ------
    InputError
        A time step, volume or temperature that nobody gives or that is not above zero; a flux
        that is not (nt, 3), too short or not finite; runs of different time steps.
    """
    runs: list[HeatFlux | FloatArray]
    if isinstance(flux, HeatFlux):
        runs = [flux]
    elif isinstance(flux, np.ndarray):
        runs = [flux] if flux.ndim == 2 else list(flux)
    else:
        runs = list(flux)
    if not runs:
        raise InputError("there is no heat flux", key="flux", expected="one run or more")
    scaled = []
    for run in runs:
        series = run if isinstance(run, HeatFlux) else HeatFlux(np.asarray(run), units=units)
        series = replace(
            series,
            dt_fs=series.dt_fs if dt_fs is None else dt_fs,
            volume_A3=series.volume_A3 if volume_A3 is None else volume_A3,
            temperature_k=series.temperature_k if temperature_k is None else temperature_k,
        )
        scaled.append(_scaled(series))
    for other in scaled[1:]:
        if not math.isclose(other.dt_ps, scaled[0].dt_ps, rel_tol=1e-6):
            raise InputError(
                "runs that are to be averaged have different times from row to row",
                key="dt_fs",
                found=f"{1000 * other.dt_ps:g} fs",
                expected=f"{1000 * scaled[0].dt_ps:g} fs, as the first",
            )
        if (other.convective is None) != (scaled[0].convective is None):
            raise InputError(
                "some runs know the convective part and some do not",
                key="convective",
                expected="all, or none",
            )
    return scaled


def _scaled(flux: HeatFlux) -> ScaledFlux:
    dt_fs = _given(flux.dt_fs, "dt_fs", "the time from row to row in fs", flux.source)
    volume = _given(flux.volume_A3, "volume_A3", "the volume of the cell in Å³", flux.source)
    kelvin = _given(flux.temperature_k, "temperature_k", "the temperature in K", flux.source)
    if flux.units not in UNITS_EV_A_PER_PS:
        raise InputError(
            "not a unit of a heat flux",
            key="units",
            found=flux.units,
            expected=", ".join(UNITS_EV_A_PER_PS),
        )
    boltzmann_ev = BOLTZMANN_MEV_K / 1000
    per_kappa = EV_PER_K_A_PS_IN_W_PER_M_K / (boltzmann_ev * kelvin**2 * volume)
    factor = UNITS_EV_A_PER_PS[flux.units] * math.sqrt(per_kappa)
    if not flux.extensive:
        factor *= volume
    for part in (flux.total, flux.convective):
        if part is not None:
            _check_series(part, flux.source)
    if flux.convective is not None and flux.convective.shape != flux.total.shape:
        raise InputError(
            "the convective flux is not as long as the total one",
            file=flux.source or None,
            found=flux.convective.shape,
            expected=flux.total.shape,
        )
    convective = None if flux.convective is None else factor * flux.convective
    return ScaledFlux(factor * flux.total, convective, dt_fs / 1000)


def _given(value: float | None, key: str, meaning: str, source: str) -> float:
    if value is None:
        raise InputError(
            f"the heat flux needs {meaning}, which the file does not say",
            file=source or None,
            key=key,
            hint="give it, or the log of the run",
        )
    if not 0 < value < math.inf:
        raise InputError("not above zero", file=source or None, key=key, found=value)
    return float(value)


def _check_series(series: FloatArray, source: str) -> None:
    if series.ndim != 2 or series.shape[1] != 3:
        raise InputError(
            "a heat flux has three columns",
            file=source or None,
            found=f"an array {series.shape}",
            expected="(nt, 3)",
        )
    if len(series) < _FEWEST:
        raise InputError(
            "the heat flux is too short",
            file=source or None,
            found=f"{len(series)} rows",
            expected=f"{_FEWEST} or more",
        )
    if not np.all(np.isfinite(series)):
        raise InputError(
            "the heat flux holds numbers that are not finite",
            file=source or None,
            found=f"{int(np.sum(~np.isfinite(series)))} of {series.size}",
        )
