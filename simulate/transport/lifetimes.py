"""Phonon linewidths and lifetimes on a mesh of q, as whoever computed them left them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ixs_core.arrays import FloatArray, IntArray
from ixs_core.errors import InputError
from ixs_core.units import HBAR_MEV_PS


@dataclass(frozen=True)
class Linewidths:
    """Linewidths of phonons, FWHM in meV, at the q-points of a mesh.

    Modes of a q-point stand by rising energy. A width that is not known is NaN.

    Parameters
    ----------
    q_primitive : (nq, 3) array
        In the reciprocal lattice of the primitive cell.
    weights : (nq,) int array
        How many q-points of the whole mesh each stands for.
    energy_mev : (nq, ns) array
        Signed: negative for imaginary modes.
    temperature_k : (nt,) array
        Ascending.
    processes : mapping of str to (nt, nq, ns) array
        FWHM of each scattering process: "3ph", "4ph", "isotope", "boundary", "total" where only
        the sum is known.
    mesh : (int, int, int) or None
        Divisions of the whole mesh; None for a list of q-points.
    velocity_km_s : (nq, ns, 3) array or None
        Group velocities, Cartesian.
    primitive : (3, 3) array or None
        Rows of the primitive cell in Å, where the files say.
    volume_A3 : float or None
        Of the primitive cell.
    source : str
        Program and file, for people.
    sources : tuple of (name, sha256)
        The files it came from.
    notes : tuple of str
        What was chosen or repaired, with counts.
    velocity_product : (nq, ns, 3, 3) array or None
        v ⊗ v in (km/s)², averaged over the points of the mesh that each q-point stands for.
    kappa_stated : (nt, 3, 3) array or None
        κ in W/(m K), single-mode relaxation times, as the files state it; NaN where they do not.
    """

    q_primitive: FloatArray
    weights: IntArray
    energy_mev: FloatArray
    temperature_k: FloatArray
    processes: Mapping[str, FloatArray]
    mesh: tuple[int, int, int] | None = None
    velocity_km_s: FloatArray | None = None
    primitive: FloatArray | None = None
    volume_A3: float | None = None
    source: str = ""
    sources: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = field(default=())
    velocity_product: FloatArray | None = None
    kappa_stated: FloatArray | None = None

    @property
    def fwhm_mev(self) -> FloatArray:
        """(nt, nq, ns) FWHM of all processes together: rates add (Matthiessen's rule)."""
        return np.asarray(sum(self.processes.values()))

    @property
    def lifetime_ps(self) -> FloatArray:
        """(nt, nq, ns) τ = ħ/FWHM; NaN where the width is not known or zero."""
        width = self.fwhm_mev
        known = width > 0
        return np.where(known, HBAR_MEV_PS / np.where(known, width, 1.0), np.nan)

    def at(self, temperature_k: float, tolerance_k: float = 0.5) -> FloatArray:
        """(nq, ns) FWHM at one of the temperatures.

        Raises
        ------
        InputError
            There is none within the tolerance.
        """
        row = int(np.argmin(np.abs(self.temperature_k - temperature_k)))
        if abs(self.temperature_k[row] - temperature_k) > tolerance_k:
            known = ", ".join(f"{kelvin:g}" for kelvin in self.temperature_k)
            raise InputError(
                "there are no linewidths at this temperature",
                file=self.source or None,
                key="temperature_k",
                found=temperature_k,
                expected=f"one of {known} K",
            )
        return np.asarray(self.fwhm_mev[row])
