"""What diffusion coefficients lead to: the activation energy and the ionic conductivity."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import constants

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from ixs_core.units import BOLTZMANN_MEV_K
from simulate.md.diffusion_coefficient import Diffusion


@dataclass(frozen=True)
class Arrhenius:
    """The law D(T) = D₀ exp(-E/kT) fitted to diffusion coefficients.

    Parameters
    ----------
    activation_mev, activation_err : float
        E and its standard error.
    prefactor_cm2_s : float
        D₀.
    covariance : (2, 2) array
        Of ln D₀ and E (meV).
    chi2 : float
        Σ ((ln D - fit)/σ)².
    used : int
        Number of temperatures.
    left_out : tuple of str
        Coefficients that are limits only, or without an error, and why.
    """

    activation_mev: float
    activation_err: float
    prefactor_cm2_s: float
    covariance: FloatArray
    chi2: float
    used: int
    left_out: tuple[str, ...] = ()

    def at(self, temperature_k: float) -> tuple[float, float]:
        """D in cm²/s at a temperature, and its standard error."""
        gradient = np.array([1.0, -1.0 / (BOLTZMANN_MEV_K * temperature_k)])
        value = self.prefactor_cm2_s * math.exp(gradient[1] * self.activation_mev)
        return value, value * math.sqrt(float(gradient @ self.covariance @ gradient))


def arrhenius(temperatures_k: Sequence[float], diffusions: Sequence[Diffusion]) -> Arrhenius:
    """Fit of ln D against 1/T, each point weighted by its own error.

    Parameters
    ----------
    temperatures_k : sequence of float
    diffusions : sequence of Diffusion
        One for each temperature. Those that are upper limits only are left out and named.

    Raises
    ------
    InputError
        Fewer than two temperatures with a significant coefficient.

    Notes
    -----
    σ(ln D) = stderr/D. With more than two points whose scatter is larger than these errors
    allow, the covariance is multiplied by χ²/(points - 2).
    """
    pairs = list(zip(temperatures_k, diffusions, strict=True))
    used = [(t, d) for t, d in pairs if _counts(d)]
    left_out = tuple(
        f"{t:g} K: {'no error' if math.isnan(d.stderr) else 'an upper limit only'}"
        for t, d in pairs
        if not _counts(d)
    )
    if len({t for t, _ in used}) < 2:
        raise InputError(
            "too few diffusion coefficients for an Arrhenius fit",
            found=f"{len(used)} significant" + "".join(f"; {text}" for text in left_out),
            expected="at least 2 temperatures",
            hint="longer runs or higher temperatures are needed",
        )
    inverse = np.array([-1.0 / (BOLTZMANN_MEV_K * t) for t, _ in used])
    weights = np.array([d.value / d.stderr for _, d in used])
    design = np.column_stack([np.ones(len(used)), inverse]) * weights[:, None]
    wanted = np.log([d.value for _, d in used]) * weights
    covariance = np.linalg.inv(design.T @ design)
    solution = covariance @ design.T @ wanted
    chi2 = float(np.sum((wanted - design @ solution) ** 2))
    freedom = len(used) - 2
    if freedom > 0:
        covariance = covariance * max(1.0, chi2 / freedom)
    return Arrhenius(
        activation_mev=float(solution[1]),
        activation_err=math.sqrt(float(covariance[1, 1])),
        prefactor_cm2_s=math.exp(float(solution[0])),
        covariance=covariance,
        chi2=chi2,
        used=len(used),
        left_out=left_out,
    )


def _counts(coefficient: Diffusion) -> bool:
    return coefficient.upper_limit is None and coefficient.stderr > 0


def nernst_einstein(
    diffusion_cm2_s: float, number: int, volume_A3: float, charge: float, temperature_k: float
) -> float:
    """Ionic conductivity in S/cm: σ = N (z e)² D / (V k T).

    Linear in D, so that errors and upper limits convert by the same call. D of single ions
    gives the conductivity without correlations; the collective D the true one.

    Parameters
    ----------
    diffusion_cm2_s : float
    number : int
        Mobile ions in the simulated cell.
    volume_A3 : float
        Of the simulated cell.
    charge : float
        z, in elementary charges.
    temperature_k : float

    Raises
    ------
    InputError
        A volume or temperature that is not positive.
    """
    for key, value in (("volume_A3", volume_A3), ("temperature_k", temperature_k)):
        if not value > 0:
            raise InputError("not positive", key=key, found=value, expected="more than 0")
    density = number / (volume_A3 * constants.angstrom**3)
    squared_charge = (charge * constants.e) ** 2
    diffusivity = diffusion_cm2_s * constants.centi**2
    per_metre = density * squared_charge * diffusivity / (constants.k * temperature_k)
    return float(per_metre * constants.centi)


def haven_ratio(tracer: Diffusion, collective: Diffusion) -> tuple[float, float]:
    """Haven ratio D(tracer)/D(collective), and its standard error.

    The errors are combined as if independent, which overstates the error of the ratio where
    both come from one run.

    Raises
    ------
    InputError
        The collective coefficient is not significantly above zero.
    """
    if not _counts(collective):
        raise InputError(
            "no Haven ratio without a significant collective diffusion coefficient",
            key="collective",
            found=f"{collective.value:.3g} ± {collective.stderr:.2g} cm²/s",
            expected="a value above its 95 % interval",
            hint="a longer run is needed: one displacement of all ions is one sample only",
        )
    ratio = tracer.value / collective.value
    parts = (tracer.stderr / collective.value, ratio * collective.stderr / collective.value)
    return ratio, math.hypot(*parts)
