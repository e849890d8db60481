"""What each mode of a mesh is and carries, and sums of that: by energy, branch and element."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ixs_core.arrays import BoolArray, FloatArray, IntArray
from ixs_core.units import HBAR_MEV_PS
from simulate.transport.wigner_kernel import whole_tensor

_BINS = 400
_FWHM_OF_RANGE = 0.02
_PER_FWHM = 2 * np.sqrt(2 * np.log(2))


@dataclass(frozen=True)
class ModeTable:
    """Modes at the irreducible points of a mesh, each with its share of κ.

    Parameters
    ----------
    q_hkl : (nq, 3) array
        r.l.u. of the conventional cell.
    weights : (nq,) int array
        Points of the mesh that each stands for.
    energy_mev, fwhm_mev : (nq, ns) arrays
    velocity_km_s : (nq, ns, 3) array
        Group velocities, Cartesian; NaN for imaginary modes and translations.
    kappa_p, kappa_c : (nq, ns, 6) arrays
        xx, yy, zz, yz, xz, xy in W m⁻¹ K⁻¹, of all points that one stands for; their sums are the
        conductivities.
    elements : tuple of str
    element_share : (nq, ns, n_elements) array
        |e|² of each element's atoms; sums to 1.
    usable : (nq, ns) bool array
        False for modes that were left out.
    """

    q_hkl: FloatArray
    weights: IntArray
    energy_mev: FloatArray
    fwhm_mev: FloatArray
    velocity_km_s: FloatArray
    kappa_p: FloatArray
    kappa_c: FloatArray
    elements: tuple[str, ...]
    element_share: FloatArray
    usable: BoolArray

    @property
    def lifetime_ps(self) -> FloatArray:
        """(nq, ns) τ = ħ/Γ; NaN for modes that were left out."""
        return np.asarray(HBAR_MEV_PS / np.where(self.usable, self.fwhm_mev, np.nan))

    def by_branch(self) -> tuple[FloatArray, FloatArray]:
        """κ_p and κ_c of each branch (by rising energy), (ns, 3, 3) each."""
        return whole_tensor(self.kappa_p.sum(axis=0)), whole_tensor(self.kappa_c.sum(axis=0))

    def by_element(self) -> tuple[FloatArray, FloatArray]:
        """κ_p and κ_c by element, (n_elements, 3, 3) each: modes shared out by |e|²."""
        share = self.element_share
        return (
            whole_tensor(np.einsum("qsx,qsc->xc", share, self.kappa_p)),
            whole_tensor(np.einsum("qsx,qsc->xc", share, self.kappa_c)),
        )

    def carried_by(self, element: str) -> tuple[float, float]:
        """Fractions of the mean κ_p and κ_c that an element's atoms carry.

        "Cu modes carry 63 %" of κ_c is `carried_by("Cu")[1]`.
        """
        index = self.elements.index(element)
        particle, wave = self.by_element()
        parts = [np.trace(part, axis1=1, axis2=2) for part in (particle, wave)]
        first, second = (float(part[index] / part.sum()) if part.sum() else 0.0 for part in parts)
        return first, second


@dataclass(frozen=True)
class SpectralKappa:
    """Conductivity per energy, and below each energy.

    Parameters
    ----------
    energy_mev : (n,) array
        Evenly spaced from 0.
    kappa_p, kappa_c : (n, 6) arrays
        dκ/dE in W m⁻¹ K⁻¹ meV⁻¹, xx, yy, zz, yz, xz, xy, broadened.
    cumulative_p, cumulative_c : (n, 6) arrays
        κ of the modes up to each energy, not broadened.
    element_p, element_c : (n_elements, n) arrays
        The mean of xx, yy, zz of dκ/dE, by element.
    elements : tuple of str
    fwhm_mev : float
        Of the Gaussian that broadens.
    """

    energy_mev: FloatArray
    kappa_p: FloatArray
    kappa_c: FloatArray
    cumulative_p: FloatArray
    cumulative_c: FloatArray
    element_p: FloatArray
    element_c: FloatArray
    elements: tuple[str, ...]
    fwhm_mev: float


def spectral_kappa(modes: ModeTable, fwhm_mev: float | None = None) -> SpectralKappa:
    """Conductivity per energy.

    Parameters
    ----------
    modes : ModeTable
    fwhm_mev : float, optional
        Of the broadening; 2 % of the highest energy by default.
    """
    used = modes.usable
    energy = modes.energy_mev[used]
    top = float(energy.max(initial=0.0)) * 1.02 or 1.0
    width = fwhm_mev or _FWHM_OF_RANGE * top
    edges = np.linspace(0, top, _BINS + 1)
    step = edges[1]
    place = np.minimum((energy / step).astype(int), _BINS - 1)
    centres = edges[1:] - step / 2
    spread = np.exp(-0.5 * ((centres[:, None] - centres) * _PER_FWHM / width) ** 2)
    spread /= spread.sum(axis=0) * step  # what would leave the axis stays on it

    def binned(values: FloatArray) -> FloatArray:
        sums = np.zeros((_BINS, values.shape[1]))
        np.add.at(sums, place, values)
        return sums

    particle, wave = binned(modes.kappa_p[used]), binned(modes.kappa_c[used])
    share = modes.element_share[used]
    means = [kappa[used][:, :3].mean(axis=1) for kappa in (modes.kappa_p, modes.kappa_c)]
    of_elements = [spread @ binned(share * mean[:, None]) for mean in means]
    start = np.zeros((1, 6))
    return SpectralKappa(
        energy_mev=edges,
        kappa_p=_at_edges(spread @ particle),
        kappa_c=_at_edges(spread @ wave),
        cumulative_p=np.concatenate([start, np.cumsum(particle, axis=0)]),
        cumulative_c=np.concatenate([start, np.cumsum(wave, axis=0)]),
        element_p=_at_edges(of_elements[0]).T,
        element_c=_at_edges(of_elements[1]).T,
        elements=modes.elements,
        fwhm_mev=width,
    )


def _at_edges(values: FloatArray) -> FloatArray:
    """(n + 1, …) from the values (n, …) between, so that the trapezoidal rule keeps their sum."""
    padded = np.pad(values, ((1, 1), (0, 0)), mode="edge")
    return np.asarray((padded[1:] + padded[:-1]) / 2)
