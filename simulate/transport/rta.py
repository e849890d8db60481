"""κ in the relaxation-time approximation, rebuilt from lifetimes: the check of what was read."""

from __future__ import annotations

import numpy as np

from ixs_core.arrays import BoolArray, FloatArray
from ixs_core.errors import InputError
from ixs_core.units import CONDUCTIVITY_W_M_K, HBAR_MEV_PS
from simulate.transport.heat_capacity import STILL_MEV, mode_heat_capacity
from simulate.transport.lifetimes import Linewidths

DISAGREEMENT = 0.01
"""Relative difference from the files' own κ that is a sign of something wrong."""


def knows_star(linewidths: Linewidths) -> bool:
    """Whether v ⊗ v is known for every point of the mesh, so that κ can be given as a tensor."""
    whole = linewidths.velocity_km_s is not None and bool((linewidths.weights == 1).all())
    return linewidths.velocity_product is not None or whole


def kappa_rta(linewidths: Linewidths) -> FloatArray:
    """κ in the relaxation-time approximation.

    κ^αβ = 1/(V N_q) Σ_qs C_qs <v^α v^β>_qs τ_qs (eq. 4 of Y. Li et al., Adv. Mater. 2025), the
    velocities averaged over the star of each q-point.

    Parameters
    ----------
    linewidths : Linewidths
        With velocities and volume. Modes whose width is not known, or zero, carry nothing; see
        `silent_modes`.

    Returns
    -------
    kappa : (nt, 3, 3) array
        W/(m K).

    Raises
    ------
    InputError
        The volume or the velocities are not known, or only those at irreducible q-points.
    """
    velocity = linewidths.velocity_km_s
    product = linewidths.velocity_product
    if product is None and velocity is not None and knows_star(linewidths):
        product = velocity[..., :, None] * velocity[..., None, :]
    if product is None:
        _require_velocities(linewidths)
        raise InputError(
            "the velocities are known at the irreducible q-points only, so κ has no axes",
            file=linewidths.source or None,
            hint="give the crystal (structure=, on the command line --structure); "
            "the mean over all directions is known without",
        )
    carried = _carried(linewidths)
    return np.asarray(np.einsum("tqs,qsab->tab", carried, np.nan_to_num(product)))


def mean_kappa_rta(linewidths: Linewidths) -> FloatArray:
    """(nt,) a third of the trace of `kappa_rta`, for which no symmetry is needed.

    Raises
    ------
    InputError
        The volume or the velocities are not known.
    """
    if linewidths.velocity_product is not None:
        square = np.einsum("qsaa->qs", linewidths.velocity_product)
    else:
        square = (_require_velocities(linewidths) ** 2).sum(axis=-1)
    return np.asarray(np.einsum("tqs,qs->t", _carried(linewidths), np.nan_to_num(square)) / 3)


def silent_modes(linewidths: Linewidths) -> BoolArray:
    """(nt, nq, ns) vibrating modes that carry nothing: their width is zero or not known."""
    vibrates = linewidths.energy_mev > STILL_MEV
    with np.errstate(invalid="ignore"):
        return np.asarray(vibrates & ~(linewidths.fwhm_mev > 0))


def compare_with_stated(linewidths: Linewidths) -> tuple[str, ...]:
    """Notes on the temperatures whose rebuilt κ differs by over 1 % from the files' own."""
    stated = linewidths.kappa_stated
    if stated is None or linewidths.volume_A3 is None:
        return ()
    if linewidths.velocity_km_s is None and linewidths.velocity_product is None:
        return ()
    theirs = np.einsum("taa->t", stated) / 3
    mine = mean_kappa_rta(linewidths)
    apart = np.abs(mine - theirs) / np.abs(theirs)
    if knows_star(linewidths):
        worst = np.abs(kappa_rta(linewidths) - stated).max(axis=(1, 2))
        apart = np.maximum(apart, worst / np.abs(stated).max(axis=(1, 2)))
    return tuple(
        f"CHECK: κ rebuilt from energies, velocities and widths at {kelvin:g} K is {rebuilt:.5g} "
        f"W/(m K) (mean over directions), the file says {given:.5g}, {100 * off:.3g} % apart: "
        "files of different runs or temperatures, or a wrong unit"
        for kelvin, rebuilt, given, off in zip(
            linewidths.temperature_k, mine, theirs, apart, strict=True
        )
        if off > DISAGREEMENT  # NaN, where the files say nothing, is not
    )


def _carried(linewidths: Linewidths) -> FloatArray:
    """(nt, nq, ns) C τ w/(V N) in W/(m K) per (km/s)²."""
    if linewidths.volume_A3 is None:
        raise InputError(
            "the volume of the cell is not known",
            file=linewidths.source or None,
            hint="give the crystal (structure=, on the command line --structure)",
        )
    share = linewidths.weights / linewidths.weights.sum()
    width = linewidths.fwhm_mev
    with np.errstate(invalid="ignore"):
        known = width > 0
    lifetime = np.where(known, HBAR_MEV_PS / np.where(known, width, 1.0), 0.0)
    capacity = np.array(
        [mode_heat_capacity(linewidths.energy_mev, kelvin) for kelvin in linewidths.temperature_k]
    )
    scale = CONDUCTIVITY_W_M_K / linewidths.volume_A3
    return np.asarray(scale * share[:, None] * capacity * lifetime)


def _require_velocities(linewidths: Linewidths) -> FloatArray:
    if linewidths.velocity_km_s is None:
        raise InputError("the group velocities are not known", file=linewidths.source or None)
    return linewidths.velocity_km_s
