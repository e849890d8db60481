"""One-phonon x-ray structure factors.

A crystal modulated by u(L, d) = Re[a e_d exp(2πi q·L)]/√M_d scatters into the satellites
Q = G + q with the amplitude

    F(Q) = Σ_d f_d(Q) e^{-W_d(Q)} e^{+iQ·r_d} (Q·e*_d(q)) / √M_d.

**The eigenvector stands conjugated** when the phase is the crystallographer's e^{+iQ·r}, for which
f = f0 + f' + i f'': Σ_L e^{+iQ·L} leaves of the real modulation the part that goes as
e*_d exp(-2πi q·L). Here r_d is the place of the atom in the cell and e_d has the lattice phase
(`Modes`), which is the same at q and q + G; so the full Q, never the reduced q, stands in the
phase, in f and in W. Energy loss and gain at Q have the same

    I_s = (ħ²/2E_s) |F_s(Q)|²      in e² per primitive cell.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from math import gcd
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from ixs_core.arrays import BoolArray, ComplexArray, FloatArray, IntArray
from ixs_core.errors import InputError
from ixs_core.units import HBAR2_PER_AMU_A2_MEV, THOMSON_BARN
from simulate.phonons.debye_waller import DebyeWaller
from simulate.phonons.degeneracy import degenerate_groups
from simulate.phonons.dynamical_matrix import DynamicalMatrix
from simulate.phonons.force_constants import ForceConstants
from simulate.phonons.modes import IMAGINARY_MEV, Modes, ModeStructureFactor
from simulate.phonons.scatterers import Scatterers
from simulate.phonons.scratch import Scratch

CHUNK = 256
"""Q-points worked on at a time: their matrices stay in the processor's cache."""


@dataclass(frozen=True)
class StructureFactorGrid:
    """Structure factors at all Q = q + G of some q and some reciprocal lattice vectors G.

    Parameters
    ----------
    q_hkl : (nq, 3) array
    g_hkl : (ng, 3) array
        Both in r.l.u. of the conventional cell.
    energy_mev : (nq, ns) array
        Signed, ascending; the same for every G.
    intensity : (nq, ng, ns) array
        I_s in e² per primitive cell; 0 for modes that are not real.
    group : (nq, ns) int array
        Modes of one q with the same number are degenerate.
    temperature_k : float
    formula_units : int
        Formula units per primitive cell.
    """

    q_hkl: FloatArray
    g_hkl: FloatArray
    energy_mev: FloatArray
    intensity: FloatArray
    group: IntArray
    temperature_k: float
    formula_units: int = 1

    @property
    def imaginary(self) -> BoolArray:
        """(nq, ns) whether a mode is imaginary."""
        return self.energy_mev < -IMAGINARY_MEV


def structure_factor(
    dynamical_matrix: DynamicalMatrix,
    crystal: ForceConstants,
    q_hkl: FloatArray,
    scatterers: Scatterers,
    debye_waller: DebyeWaller,
    temperature_k: float,
    direction: FloatArray | None = None,
) -> ModeStructureFactor:
    """I_s of every mode at a list of Q.

    Parameters
    ----------
    dynamical_matrix : DynamicalMatrix
        Of the crystal.
    crystal : ForceConstants
    q_hkl : (nq, 3) array
        In r.l.u. of the conventional cell.
    scatterers : Scatterers
    debye_waller : DebyeWaller
    temperature_k : float
        Of the sample, handed on to the result.
    direction : (3,) array, optional
        In primitive r.l.u.; from where Γ is approached, for the polar modes exactly there.
    """
    energy = np.empty((len(q_hkl), crystal.n_modes))
    intensity = np.empty_like(energy)
    scratch = Scratch()
    for part in _chunks(len(q_hkl), CHUNK):
        q = q_hkl[part]
        energy[part], vectors = dynamical_matrix.modes(crystal.q_primitive(q), direction, scratch)
        weights = scattering_weights(crystal, q, scatterers, debye_waller)
        intensity[part] = _intensities(weights[:, None, :], energy[part], vectors)[:, 0]
    return _result(crystal, q_hkl, energy, intensity, temperature_k)


def structure_factor_of(
    crystal: ForceConstants,
    modes: Modes,
    scatterers: Scatterers,
    debye_waller: DebyeWaller,
    temperature_k: float,
) -> ModeStructureFactor:
    """I_s of modes that are solved already; parameters as for `structure_factor`."""
    weights = scattering_weights(crystal, modes.q_hkl, scatterers, debye_waller)
    intensity = _intensities(weights[:, None, :], modes.energy_mev, modes.eigenvectors)[:, 0]
    return _result(crystal, modes.q_hkl, modes.energy_mev, intensity, temperature_k)


def _result(
    crystal: ForceConstants,
    q: FloatArray,
    energy: FloatArray,
    intensity: FloatArray,
    temperature_k: float,
) -> ModeStructureFactor:
    return ModeStructureFactor(
        q_hkl=q,
        q_abs=np.linalg.norm(crystal.q_cartesian(q), axis=1),
        energy_mev=energy,
        intensity=intensity,
        branch=np.tile(np.arange(1, crystal.n_modes + 1), (len(q), 1)),
        group=degenerate_groups(energy),
        temperature_k=temperature_k,
        formula_units=formula_units(crystal.symbols),
    )


def structure_factor_grid(
    dynamical_matrix: DynamicalMatrix,
    crystal: ForceConstants,
    q_hkl: FloatArray,
    g_hkl: FloatArray,
    scatterers: Scatterers,
    debye_waller: DebyeWaller,
    temperature_k: float,
    direction: FloatArray | None = None,
) -> StructureFactorGrid:
    """I_s at all q + G, with the modes of each q solved once.

    Parameters as for `structure_factor`; g_hkl : (ng, 3) reciprocal lattice vectors in r.l.u. of
    the conventional cell.

    Raises
    ------
    InputError
        A G is no reciprocal lattice vector: not whole numbers, or extinct by the centring.
    """
    _require_lattice_vectors(crystal, g_hkl)
    ns = crystal.n_modes
    energy = np.empty((len(q_hkl), ns))
    intensity = np.empty((len(q_hkl), len(g_hkl), ns))
    scratch = Scratch()
    for part in _chunks(len(q_hkl), max(1, CHUNK * 4 // len(g_hkl))):
        q = q_hkl[part]
        energy[part], vectors = dynamical_matrix.modes(crystal.q_primitive(q), direction, scratch)
        all_q = (q[:, None, :] + g_hkl).reshape(-1, 3)
        weights = scattering_weights(crystal, all_q, scatterers, debye_waller)
        intensity[part] = _intensities(weights.reshape(-1, len(g_hkl), ns), energy[part], vectors)
    return StructureFactorGrid(
        q_hkl=q_hkl,
        g_hkl=g_hkl,
        energy_mev=energy,
        intensity=intensity,
        group=degenerate_groups(energy),
        temperature_k=temperature_k,
        formula_units=formula_units(crystal.symbols),
    )


def scattering_weights(
    crystal: ForceConstants, q_hkl: FloatArray, scatterers: Scatterers, debye_waller: DebyeWaller
) -> ComplexArray:
    """f_d e^{-W_d} e^{iQ·r_d} Q_i / √M_d, (nq, 3n), with what F(Q) is its product with e*.

    Their squared length is the first moment of S(Q,E) up to ħ²/2, whatever the forces.
    """
    q_cartesian = crystal.q_cartesian(q_hkl)
    phase = (2 * np.pi) * (crystal.q_primitive(q_hkl) @ crystal.positions.T)
    damping = np.exp(-debye_waller.exponent(q_cartesian)) / np.sqrt(crystal.masses)
    strength = scatterers.factors(np.linalg.norm(q_cartesian, axis=1)) * damping
    strength *= np.cos(phase) + 1j * np.sin(phase)
    return (strength[:, :, None] * q_cartesian[:, None, :]).reshape(len(q_cartesian), -1)


def as_points(values: ArrayLike, key: str) -> FloatArray:
    """(n, 3) finite momenta of a list of them or of a single one; InputError otherwise."""
    points = np.atleast_2d(np.asarray(values, dtype=float))
    if points.ndim != 2 or points.shape[1] != 3:
        raise InputError(
            "not a list of momenta", key=key, found=f"shape {points.shape}", expected="(n, 3)"
        )
    if not np.isfinite(points).all():
        raise InputError("a momentum is not finite", key=key)
    return points


def formula_units(symbols: tuple[str, ...]) -> int:
    """Formula units in a cell: the greatest common divisor of the numbers of its atoms."""
    return reduce(gcd, (symbols.count(symbol) for symbol in set(symbols)))


def intensity_in(
    result: ModeStructureFactor | StructureFactorGrid,
    unit: Literal["e2", "barn"] = "e2",
    per: Literal["primitive cell", "formula unit"] = "primitive cell",
) -> FloatArray:
    """Intensities of a result in another unit: e² or barn (× r_e²), per cell or formula unit."""
    scales = {"e2": 1.0, "barn": THOMSON_BARN}
    shares = {"primitive cell": 1, "formula unit": result.formula_units}
    for key, value, known in (("unit", unit, list(scales)), ("per", per, list(shares))):
        if value not in known:
            raise InputError("unknown unit of intensity", key=key, found=value, expected=known)
    return result.intensity * (scales[unit] / shares[per])


def _intensities(
    weights: ComplexArray, energy: FloatArray, eigenvectors: ComplexArray
) -> FloatArray:
    """(nq, ng, ns) from weights (nq, ng, 3n); modes that are not real give 0."""
    # |w·e*| = |w*·e|, and the weights are the smaller of the two to conjugate.
    amplitude = np.conjugate(weights) @ eigenvectors
    squared = amplitude.real**2
    squared += amplitude.imag**2
    real = energy > IMAGINARY_MEV
    per_energy = np.where(real, 0.5 * HBAR2_PER_AMU_A2_MEV / np.where(real, energy, 1.0), 0.0)
    squared *= per_energy[:, None, :]
    return squared


def _require_lattice_vectors(crystal: ForceConstants, g_hkl: FloatArray) -> None:
    primitive = crystal.q_primitive(g_hkl)
    wrong = np.abs(primitive - np.rint(primitive)).max(axis=1) > 1e-6
    if wrong.any():
        raise InputError(
            "this is no reciprocal lattice vector",
            key="g_hkl",
            found=g_hkl[np.argmax(wrong)].tolist(),
            expected="whole numbers that the centring of the cell allows",
        )


def _chunks(count: int, size: int) -> Iterator[slice]:
    return (slice(start, start + size) for start in range(0, count, size))
