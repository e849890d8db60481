"""The heat flux of a simulation, exact also for potentials of many bodies.

J = d/dt Σ_i r_i ε_i with ε_i = m v_i²/2 + U_i is, by the derivatives of the energy of each atom
(Z. Fan et al., Phys. Rev. B 92, 094301 (2015), eq. 28),

    J = Σ_i v_i ε_i + Σ_i Σ_{j≠i} (r_i - r_j) (∂U_i/∂r_ij · v_j),    r_ij = r_j - r_i.

For pairs, U_i = ½ Σ_j u(r_ij), this is the familiar Σ v_i ε_i + ½ Σ_{i≠j} (r_i - r_j) (F_ij·v_i).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from ase import Atoms, units
from ase.calculators.lj import LennardJones

from ixs_core.arrays import FloatArray
from ixs_core.atomic import atomic_write
from ixs_core.errors import InputError
from simulate.md.moment_tensor_calculator import MomentTensorCalculator
from simulate.md.moment_tensor_kernel import gather_heat_flux
from simulate.md.neighbour_pairs import NeighbourPairs, neighbour_pairs

UNIT = "eV*Angstrom/ps"
_PER_PS = 1000 * units.fs  # ASE's velocities in Å/ps


class PairGradients(NamedTuple):
    """Energies of atoms and their derivatives by pair.

    Parameters
    ----------
    energies : (n,) array
        eV.
    pairs : NeighbourPairs
    gradient : (p, 3) array
        ∂U_i/∂r_ij in eV/Å of every pair i, j.
    """

    energies: FloatArray
    pairs: NeighbourPairs
    gradient: FloatArray


@dataclass(frozen=True)
class HeatFluxSeries:
    """The heat flux of the frames of a run: extensive, in eV Å/ps.

    Parameters
    ----------
    time_ps : (f,) array
    total, convective : (f, 3) arrays
        The virial part is their difference. Where ions diffuse, the parts (not their sum's κ)
        depend on the zero of the energies of the atoms.
    volume_a3 : float
    temperature_k : float
        Mean of the frames.
    """

    time_ps: FloatArray
    total: FloatArray
    convective: FloatArray
    volume_a3: float
    temperature_k: float

    @property
    def virial(self) -> FloatArray:
        """(f, 3) array: what forces carry."""
        return self.total - self.convective


def heat_flux(atoms: Atoms, calculator: Any) -> FloatArray:
    """Total and convective heat flux (2, 3) in eV Å/ps, not divided by the volume.

    Parameters
    ----------
    atoms : Atoms
        With velocities.
    calculator : MomentTensorCalculator or ASE's LennardJones

    Raises
    ------
    InputError
        A calculator that does not tell the derivatives of the energies of atoms.
    """
    found = _pair_gradients(atoms, calculator)
    velocities = atoms.get_velocities() * _PER_PS
    kinetic = 0.5 * np.sum(atoms.get_momenta() * atoms.get_velocities(), axis=1)
    convective = (kinetic + found.energies) @ velocities
    virial = gather_heat_flux(
        np.ascontiguousarray(atoms.positions),
        np.ascontiguousarray(velocities),
        found.pairs.start,
        found.pairs.other,
        found.pairs.shift,
        found.gradient,
    )
    return np.array([convective + virial, convective])


def require_heat_flux(calculator: Any) -> None:
    """Raise an InputError where the heat flux of a calculator is not available."""
    if isinstance(calculator, MomentTensorCalculator):
        return
    if isinstance(calculator, LennardJones) and not calculator.parameters["smooth"]:
        return
    raise InputError(
        "the heat flux is not available for this calculator",
        key="heat_flux",
        found=type(calculator).__name__,
        expected="an .mtp potential or lj",
        hint="it needs the derivatives of the energy of every atom, which ASE does not ask for",
    )


def _pair_gradients(atoms: Atoms, calculator: Any) -> PairGradients:
    require_heat_flux(calculator)
    if isinstance(calculator, LennardJones):
        return _lennard_jones(atoms, calculator)
    energies = calculator.get_property("energies", atoms)
    pairs, gradient = calculator.pair_gradients()
    return PairGradients(energies, pairs, gradient)


def _lennard_jones(atoms: Atoms, calculator: LennardJones) -> PairGradients:
    """Of u(r) = 4 ε ((σ/r)¹² - (σ/r)⁶) - u(rc), half of it to each of the two atoms."""
    sigma, epsilon, reach = (
        float(calculator.parameters[key]) for key in ("sigma", "epsilon", "rc")
    )
    pairs = neighbour_pairs(
        np.ascontiguousarray(atoms.positions),
        np.array(atoms.cell.complete()),
        np.array(atoms.pbc),
        reach,
    )
    first = np.repeat(np.arange(len(atoms)), np.diff(pairs.start))
    arms = atoms.positions[pairs.other] + pairs.shift - atoms.positions[first]
    square = np.sum(arms**2, axis=1)
    sixth = (sigma**2 / square) ** 3
    slope = -24 * epsilon * (2 * sixth**2 - sixth) / square  # u'(r)/r
    edge = (sigma / reach) ** 6
    energy = 4 * epsilon * (sixth**2 - sixth - edge**2 + edge)
    energies = 0.5 * np.bincount(first, energy, minlength=len(atoms))
    return PairGradients(energies, pairs, 0.5 * slope[:, None] * arms)


def write_heat_flux(series: HeatFluxSeries, path: str | Path) -> None:
    """Columns of text, whose head names units, volume, temperature and the time from row to row.

    Raises
    ------
    InputError
        The file cannot be written.
    """
    step = float(series.time_ps[1] - series.time_ps[0]) if len(series.time_ps) > 1 else 0.0
    head = [
        f"ixs heat flux: {UNIT}, not divided by the volume; virial = total - convective",
        f"volume_A3 = {series.volume_a3:.8g}",
        f"temperature_K = {series.temperature_k:.6g}",
        f"step_ps = {step:.9g}",
        "time_ps Jx Jy Jz Jconvective_x Jconvective_y Jconvective_z",
    ]
    table = np.column_stack([series.time_ps, series.total, series.convective])
    with atomic_write(path) as temporary:
        formats = ["%.6f", *["%.9e"] * 6]
        np.savetxt(temporary, table, fmt=formats, header="\n".join(head), encoding="utf-8")


def heat_flux_series(
    fluxes: Sequence[FloatArray], dt_fs: float, volume_a3: float, temperature_k: float
) -> HeatFluxSeries:
    """The series of frames at equal times, each (2, 3) as `heat_flux` gives it."""
    values = np.asarray(fluxes, dtype=float).reshape(-1, 2, 3)
    time_ps = np.arange(len(values)) * dt_fs / 1000
    return HeatFluxSeries(time_ps, values[:, 0], values[:, 1], volume_a3, temperature_k)
