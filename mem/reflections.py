"""Structure factors of a single crystal: as measured, and as a reconstruction takes them.

F(h) = ∫ρ(r) exp(2πi h·r) dV over the conventional cell, in electrons; F(000) is the number of
electrons per cell.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ixs_core.arrays import BoolArray, ComplexArray, FloatArray, IntArray
from ixs_core.crystal import Crystal
from ixs_core.lattice import Lattice
from ixs_core.symmetry import Symmetry


@dataclass(frozen=True)
class MeasuredReflections:
    """Measured intensities as a file holds them; nothing merged, scaled or corrected.

    Parameters
    ----------
    hkl : (n, 3) int array
    intensity, sigma : (n,) arrays
        F² and its standard uncertainty, on the scale of the file (negative F² included).
    absolute : bool
        The scale is that of e² per cell, as refinement programs write it; else unknown.
    calculated : (n,) array or None
        F² that the refinement calculated (with dispersion), on the same scale.
    phase_deg : (n,) array or None
        Phase of the refinement's F_calc in degrees.
    observed : (n,) bool array or None
        Status "o" of the file; None where it has none.
    weights : (float, float)
        a and b of the refinement's σ² + (aP)² + bP, P = (F²_o + 2 F²_c)/3; (0, 0) if unknown.
    extinction : str
        What the file says about extinction ("" if nothing).
    source, sha256 : str
        Name of the file and its digest.
    notes : tuple of str
        What was repaired or assumed while reading.
    """

    hkl: IntArray
    intensity: FloatArray
    sigma: FloatArray
    absolute: bool = True
    calculated: FloatArray | None = None
    phase_deg: FloatArray | None = None
    observed: BoolArray | None = None
    weights: tuple[float, float] = (0.0, 0.0)
    extinction: str = ""
    source: str = ""
    sha256: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReflectionGroup:
    """Reflections that were measured as one (powder overlap): a constraint on G.

    G = [Σ_j m_j |F_j|² / Σ_j m_j]^{1/2}, m_j the multiplicity of reflection j.

    Parameters
    ----------
    hkl : (m, 3) int array
        One reflection of every symmetry-equivalent set.
    multiplicity : (m,) array
    amplitude, sigma : float
        G and its standard uncertainty in electrons.
    """

    hkl: IntArray
    multiplicity: FloatArray
    amplitude: float
    sigma: float


@dataclass(frozen=True)
class ModelComparison:
    """How the measured structure factors compare with the refined model.

    Parameters
    ----------
    r_factor, wr_factor : float
        Σ||F_o| - |F_c||/Σ|F_o| and [Σ((|F_o| - |F_c|)/σ)²/Σ(|F_o|/σ)²]^{1/2}, both with dispersion.
    r_calculated : float or None
        Σ||F_c| - |F_c(file)||/Σ|F_c(file)|: our F_calc against that of the refinement program.
    scale : float
        Factor that was applied to the measured |F|; 1 when the file is on absolute scale.
    extinction : str
        The outcome of the check for extinction, as a sentence.
    missing_low_angle : (k, 3) int array
        Reflections at smaller |Q| than two thirds of the largest that were not measured.
    """

    r_factor: float
    wr_factor: float
    r_calculated: float | None
    scale: float
    extinction: str
    missing_low_angle: IntArray


@dataclass(frozen=True)
class Reflections:
    """Phased structure factors without dispersion: the data of a reconstruction.

    Parameters
    ----------
    lattice : Lattice
    symmetry : Symmetry
    hkl : (n, 3) int array
        One reflection of every set that symmetry and Friedel's law make equal; (000) is not in it.
    f : (n,) complex array
        In electrons per cell.
    sigma : (n,) array
        Standard uncertainty of |F| in electrons, positive.
    electrons : float
        F(000).
    groups : tuple of ReflectionGroup
    structure : Crystal or None
        The refined model: source of the phases, the procrystal prior and the labels of peaks.
    comparison : ModelComparison or None
    temperature_k : float or None
    source, sha256 : str
    notes : tuple of str
        Everything that was repaired, assumed, merged or left out, as sentences with counts.
    """

    lattice: Lattice
    symmetry: Symmetry
    hkl: IntArray
    f: ComplexArray
    sigma: FloatArray
    electrons: float
    groups: tuple[ReflectionGroup, ...] = ()
    structure: Crystal | None = None
    comparison: ModelComparison | None = None
    temperature_k: float | None = None
    source: str = ""
    sha256: str = ""
    notes: tuple[str, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.hkl)

    @property
    def d_spacing(self) -> FloatArray:
        """(n,) lattice spacings d in Å."""
        return np.asarray(self.lattice.d_spacing(self.hkl), dtype=float)
