"""The real unknowns of the reconstruction: basis functions of the unique reflections.

e_h(r) = mean over the operators of exp[2πi h·(R r + t)] has ⟨e_h⟩ = F(h)/F(000) for any density,
and a symmetric density depends on nothing else. A centric reflection, whose phase is restricted
to φ or φ + π, has the one real function Re[exp(-iφ) e_h]; an acentric one has Re e_h and Im e_h.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ixs_core.arrays import BoolArray, ComplexArray, FloatArray, IntArray
from ixs_core.errors import InputError
from ixs_core.symmetry import Symmetry
from mem.reflection_symmetry import (
    Orbits,
    orbits,
    representatives,
    restricted_phase,
    systematically_absent,
    whole_hkl,
)


@dataclass(frozen=True)
class Basis:
    """Basis functions c_k(r) = Re[u_k* e_h(r)] of n unique reflections.

    Parameters
    ----------
    hkl : (n, 3) int array
    owner : (k,) int array
        Reflection of each function; those of one reflection stand together.
    direction : (k,) complex array
        u_k, of modulus 1: exp(iφ) for a centric reflection, 1 and i for an acentric one.
    centric : (n,) bool array
    orbits : Orbits
        Of the reflections.
    real : bool
        Inversion at the origin is a symmetry: every F is real.
    """

    hkl: IntArray
    owner: IntArray
    direction: ComplexArray
    centric: BoolArray
    orbits: Orbits
    real: bool

    def __len__(self) -> int:
        return len(self.owner)

    @classmethod
    def of(cls, symmetry: Symmetry, hkl: IntArray) -> Basis:
        """The basis of reflections (n, 3), none equivalent to another.

        Raises
        ------
        InputError
            A reflection is (000), systematically absent, or there twice.
        """
        whole = whole_hkl(hkl)
        _check_unique(symmetry, whole)
        phase = restricted_phase(symmetry, whole)
        is_centric = ~np.isnan(phase)
        owner = np.repeat(np.arange(len(whole)), np.where(is_centric, 1, 2))
        second = np.zeros(len(owner), bool)
        second[1:] = owner[1:] == owner[:-1]
        u = np.exp(1j * np.where(is_centric, phase, 0.0))[owner]
        u[second] = 1j
        inversion = (symmetry.rotations == -np.eye(3, dtype=int)).all(axis=(1, 2))
        real = bool((inversion & ~symmetry.translations.any(axis=1)).any())
        return cls(whole, owner, u, is_centric, orbits(symmetry, whole), real)

    def components(self, f: ComplexArray) -> FloatArray:
        """(k,) Re(u_k* F) of F (n,) at the reflections."""
        return np.asarray((self.direction.conj() * f[self.owner]).real)

    def combined(self, values: FloatArray) -> ComplexArray:
        """(n,) Σ_k u_k v_k: F from its components, α from the multipliers of the functions."""
        product = self.direction * values
        return np.bincount(self.owner, product.real, len(self.hkl)) + 1j * np.bincount(
            self.owner, product.imag, len(self.hkl)
        )

    def coefficients(self, values: FloatArray) -> ComplexArray:
        """(m,) a_H at all members of the orbits: Σ_k v_k c_k(r) = Σ_H a_H exp(-2πi H·r)."""
        alpha = (self.combined(values) / self.orbits.size)[self.orbits.owner]
        return self.orbits.phase * np.where(self.orbits.conjugate, alpha.conj(), alpha)

    def off_phase(self, f: ComplexArray) -> FloatArray:
        """(n,) part of |F| across the restricted phase of centric reflections; 0 for others."""
        return np.where(self.centric, np.abs(f - self.combined(self.components(f))), 0.0)


def _check_unique(symmetry: Symmetry, hkl: IntArray) -> None:
    found = {
        "(000) is among the reflections": ~hkl.any(axis=1),
        "reflections are there that the space group forbids": systematically_absent(symmetry, hkl),
    }
    chosen = representatives(symmetry, hkl).hkl
    _, first = np.unique(chosen, axis=0, return_index=True)
    again = np.ones(len(hkl), bool)
    again[first] = False
    found["reflections are there twice (equivalents or Friedel mates)"] = again
    for message, wrong in found.items():
        if wrong.any():
            examples = ", ".join("({} {} {})".format(*h) for h in hkl[wrong][:5].tolist())
            raise InputError(
                message,
                key="hkl",
                found=f"{int(wrong.sum())} of {len(hkl)}: {examples}",
                expected="unique reflections that the space group allows",
            )
