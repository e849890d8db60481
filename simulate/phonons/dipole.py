"""The long-range dipole part of the dynamical matrix of a polar crystal.

X. Gonze and C. Lee, Phys. Rev. B 55, 10355 (1997): displaced ions carry dipoles Z*u, which
couple atoms i and j through the crystal's dielectric tensor ε as

    D_ij(q) = (4π e²/V) Σ_G (K·Z_i)(K·Z_j) / (K·ε·K) exp(-K·ε·K/4Λ²) exp(iK·(r_i-r_j)) / √(M_iM_j)

with K = q + G (Gaussian units; lattice phase convention, so that D(q+G) = D(q)). What the
Gaussian takes away is short-ranged and stays with the force constants, and so does all that
does not depend on q: `short_range.py` takes the difference at the wave vectors that the
supercell holds, where the sum of both is what was calculated.

Fast evaluation: since K_aK_b = G_aG_b + q_aG_b + G_aq_b + q_aq_b, the sums over G that depend on
q only through a weight are those of ten moments (G_aG_b, 1, G_c) times cos or sin of
G·(r_i-r_j). Taking G and -G together, they are two real matrix products for many q at once: the
sum of the two weights times even functions of G, and their difference times odd ones.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from ixs_core.arrays import BoolArray, ComplexArray, FloatArray, IntArray
from ixs_core.errors import InputError
from ixs_core.units import HBAR2_PER_AMU_A2_MEV
from simulate.phonons.brillouin_zone import FirstZone
from simulate.phonons.force_constants import ForceConstants
from simulate.phonons.scratch import Scratch

GAMMA_RLU = 1e-8
"""A reduced q with no component above this is Γ itself, where a direction must be given."""

EWALD_POINTS = 300
"""phonopy's choice for Λ, kept so that both interpolate alike between the supercell's q."""

# The Gaussian falls to 1e-10 at the radius of a sphere that holds that many reciprocal points.
_EXPONENT_AT_SPHERE = 10 * np.log(10)
# Terms are summed until they fall below exp(-28) ~ 1e-12: what is left out must not show
# (1e-10 THz) when rounding sends a q on the zone's border to the other side.
_EXPONENT_AT_END = 28.0

_A, _B = np.array([(0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1)]).T
"""Cartesian indices of the six components of a symmetric tensor."""


@dataclass(frozen=True)
class DipoleSum:
    """Arrays prepared for the sum over G; the module's text has the notation.

    Parameters
    ----------
    reciprocal : (3, 3) array
        Rows are the reciprocal vectors, Å⁻¹ with 2π.
    positions : (n, 3) array
        Of the atoms, Å.
    dielectric : (3, 3) array
    damping : float
        1/4Λ² in Å².
    charges : (n, 3, 3) array
        ħ √(4π e²/V) Z_i/√M_i [atom, polarisation, displacement] in meV, so that the sum is an
        energy squared in meV².
    half : (nG, 3) array
        One G of each pair ±G, zero left out, Å⁻¹.
    even, odd : (nG, separations · 10) array
        Moments for the sum and the difference of the weights of q+G and q-G, for the separation
        r_i - r_j of each pair i > j and, last, for none (an atom with itself). The columns of a
        separation: G_aG_b (six), 1, G_c (three), times cos or sin of G·(r_i-r_j).
    pairs : (2, pairs) int array
        Atoms i and j: see `atom_pairs`.
    contraction : (pairs, 6, 9) array
        From the six components of Σ K_aK_b… to the 3×3 block of a pair.
    """

    reciprocal: FloatArray
    positions: FloatArray
    dielectric: FloatArray
    damping: float
    charges: FloatArray
    half: FloatArray
    even: FloatArray
    odd: FloatArray
    pairs: IntArray
    contraction: FloatArray

    @classmethod
    def of(cls, force_constants: ForceConstants, ewald_points: int = EWALD_POINTS) -> DipoleSum:
        """Prepare the sum for a polar crystal; `ewald_points` as for `DynamicalMatrix.of`.

        Raises
        ------
        InputError
            The dielectric tensor is not positive.
        """
        polar = force_constants.polar
        if polar is None:
            raise ValueError("the force constants carry no Born charges")
        volume = force_constants.volume
        dielectric = (polar.dielectric + polar.dielectric.T) / 2
        if np.linalg.eigvalsh(dielectric)[0] <= 0:
            raise InputError(
                "the dielectric tensor is not that of an insulator",
                file=force_constants.source or None,
                found=polar.dielectric.tolist(),
                expected="three positive principal values",
            )
        radius = 2 * np.pi * (3 * ewald_points / (4 * np.pi * volume)) ** (1 / 3)
        damping = float(_EXPONENT_AT_SPHERE / (radius**2 * np.trace(dielectric) / 3))
        scale = 4e3 * np.pi * polar.coulomb / volume * HBAR2_PER_AMU_A2_MEV
        charges = np.sqrt(scale / force_constants.masses)[:, None, None] * np.swapaxes(
            polar.born, 1, 2
        )
        positions = force_constants.positions @ force_constants.vectors
        half = _half_of_lattice(force_constants.vectors, dielectric, _EXPONENT_AT_END / damping)
        pairs = atom_pairs(len(positions))
        separations = positions[pairs[0]] - positions[pairs[1]]
        even, odd = _moments(half, separations[: len(separations) - len(positions) + 1])
        return cls(
            reciprocal=2 * np.pi * np.linalg.inv(force_constants.vectors).T,
            positions=positions,
            dielectric=dielectric,
            damping=damping,
            charges=charges,
            half=half,
            even=even,
            odd=odd,
            pairs=pairs,
            contraction=_contraction(charges, pairs),
        )

    def blocks(self, q: FloatArray, direction: FloatArray | None, scratch: Scratch) -> ComplexArray:
        """(nq, pairs, 9) blocks of D in meV², lattice phases; valid until `scratch` is used again.

        Parameters
        ----------
        q : (nq, 3) array
            Reduced to the first zone, in units of the reciprocal vectors.
        direction : (3,) array or None
            In the same units, any length: along which Γ is approached. Without it the term of
            K = 0, which has no limit there, is left out at Γ.
        scratch : Scratch
        """
        nq = len(q)
        q_cart = q @ self.reciprocal
        total, difference = self._weights(q_cart, scratch)
        moments = scratch("moments", 2, nq, self.even.shape[1])
        np.matmul(total, self.even, out=moments[0])
        np.matmul(difference, self.odd, out=moments[1])
        real, imaginary = _at_k(moments.reshape(2, nq, -1, 10), q_cart, scratch)
        home = self._home_term(q, direction)
        real += (home[:, _A] * home[:, _B])[:, None]

        # Pairs of two atoms first, then each atom with itself, whose blocks are real.
        between = self.pairs.shape[1] - len(self.positions)
        blocks = scratch("dipole blocks", nq, self.pairs.shape[1], 9, dtype=complex)
        product = scratch("product", between, nq, 9)
        for plane, tensor in ((blocks.real, real), (blocks.imag, imaginary)):
            np.matmul(tensor[:, :-1].swapaxes(0, 1), self.contraction[:between], out=product)
            plane[:, :between] = product.swapaxes(0, 1)
        phase = np.exp(1j * (q_cart @ self.positions.T))
        i, j = self.pairs[:, :between]
        blocks[:, :between] *= (phase[:, i] * phase[:, j].conj())[:, :, None]
        blocks[:, between:] = (real[:, -1] @ self.contraction[between:]).swapaxes(0, 1)
        return blocks

    def gradient(self, q: FloatArray, direction: FloatArray | None = None) -> ComplexArray:
        """(nq, 3, 3n, 3n) dD/dQ in meV² Å, term by term: exact, and slower than `blocks`.

        Parameters as for `blocks`. At Γ, where the term K = 0 has a kink, its slope is the one
        along `direction`.
        """
        lattice = np.concatenate([np.zeros((1, 3)), self.half, -self.half])
        home = self._home_term(q, direction)
        out = [self._gradient_at(*one, lattice) for one in zip(q, home, strict=True)]
        return np.array(out)

    def _gradient_at(self, q: FloatArray, home: FloatArray, lattice: FloatArray) -> ComplexArray:
        """One of `gradient`: of D = Σ_K weight a a†, with a of (K, atom, displacement)."""
        k = q @ self.reciprocal + lattice
        phase = np.exp(1j * (k @ self.positions.T))
        squared = np.einsum("ka,ab,kb->k", k, self.dielectric, k)
        gamma = _is_gamma(q)
        if gamma:
            squared[0] = 1.0
        weight = np.exp(-self.damping * squared) / squared
        slope = (-2 * weight * (self.damping + 1 / squared))[:, None] * (k @ self.dielectric)
        moving = np.ones((len(k), 1))
        if gamma:  # K √weight of the term K = 0 has a limit; along it only the phase moves with q
            k[0], weight[0], slope[0], moving[0] = home, 1.0, 0.0, 0.0
        a = np.einsum("ka,iax->kix", k, self.charges) * phase[:, :, None]
        rows = a.reshape(len(k), -1)
        out = np.empty((3, rows.shape[1], rows.shape[1]), dtype=complex)
        for axis in range(3):
            of_charge = (moving * phase)[:, :, None] * self.charges[:, axis]
            change = of_charge + 1j * self.positions[:, axis, None] * a
            half = (change.reshape(rows.shape) * weight[:, None]).T @ rows.conj()
            out[axis] = half + half.conj().T + (rows * slope[:, axis, None]).T @ rows.conj()
        return out

    def _weights(self, q_cart: FloatArray, scratch: Scratch) -> tuple[FloatArray, FloatArray]:
        """(nq, nG) sum and difference of exp(-K·ε·K/4Λ²)/K·ε·K at K = q+G and q-G."""
        shape = len(q_cart), len(self.half)
        first, second, third = (scratch(f"weights {n}", *shape) for n in range(3))
        screened = self.half @ self.dielectric
        of_q = np.einsum("qa,ab,qb->q", q_cart, self.dielectric, q_cart)
        of_g = np.einsum("ga,ga->g", screened, self.half)
        cross = np.matmul(q_cart, 2 * screened.T, out=first)
        mean = np.add(of_q[:, None], of_g, out=second)
        plus = np.add(mean, cross, out=third)
        minus = np.subtract(mean, cross, out=second)
        weight_plus = _screened(plus, self.damping, out=first)
        weight_minus = _screened(minus, self.damping, out=third)
        total = np.add(weight_plus, weight_minus, out=second)
        return total, np.subtract(weight_plus, weight_minus, out=first)

    def _home_term(self, q: FloatArray, direction: FloatArray | None) -> FloatArray:
        """(nq, 3) K √weight of the term K = q, or its limit where q is Γ."""
        gamma = _is_gamma(q)
        approach = np.where(gamma[:, None], 0.0 if direction is None else direction, q)
        k = approach @ self.reciprocal
        squared = np.einsum("qa,ab,qb->q", k, self.dielectric, k)
        damped = np.where(gamma, 1.0, np.exp(-self.damping / 2 * squared))
        return k * (damped / np.sqrt(np.where(squared > 0, squared, 1.0)))[:, None]


def atom_pairs(n_atoms: int) -> IntArray:
    """(2, pairs) all pairs of two atoms i > j, then each atom with itself."""
    own = np.arange(n_atoms)
    return np.hstack([np.tril_indices(n_atoms, -1), [own, own]])


def _is_gamma(q: FloatArray) -> BoolArray:
    """Whether reduced wave vectors (…, 3) are zero."""
    return np.asarray((np.abs(q) < GAMMA_RLU).all(axis=-1))


def _screened(squared: FloatArray, damping: float, out: FloatArray) -> FloatArray:
    """exp(-damping · k²)/k² of k², written to `out`."""
    np.multiply(squared, -damping, out=out)
    np.exp(out, out=out)
    return np.divide(out, squared, out=out)


def _at_k(moments: FloatArray, q_cart: FloatArray, scratch: Scratch) -> FloatArray:
    """(2, nq, separations, 6) real and imaginary part of Σ w K_aK_b exp(iG·r) from moments in G.

    `moments` (2, nq, separations, 10) are those of the summed weights (even in G: real if of even
    order, imaginary if odd), and those of their difference (the other way about).
    """
    nq = len(q_cart)
    to_k = np.zeros((nq, 10, 2, 6))
    to_k[:, :6, 0] = np.eye(6)
    to_k[:, 6, 0] = q_cart[:, _A] * q_cart[:, _B]
    component = np.arange(6)
    to_k[:, 7 + _B, 1, component] += q_cart[:, _A]
    to_k[:, 7 + _A, 1, component] += q_cart[:, _B]
    orders = scratch("orders", *moments.shape[:3], 12)
    np.matmul(moments, to_k.reshape(nq, 10, 12), out=orders)
    (even_2, even_1), (odd_2, odd_1) = ((o[..., :6], o[..., 6:]) for o in orders)
    tensor = scratch("tensor", *moments.shape[:3], 6)
    np.add(even_2, odd_1, out=tensor[0])
    np.add(odd_2, even_1, out=tensor[1])
    return tensor


def _moments(half: FloatArray, separations: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The columns `even` and `odd` of `DipoleSum` for pairs of atoms r_i - r_j apart (Å)."""
    phase = half @ separations.T
    cos, sin = np.cos(phase)[:, :, None], np.sin(phase)[:, :, None]
    one = np.ones((len(half), 1))
    of_even_order = np.hstack([half[:, _A] * half[:, _B], one])[:, None, :]
    of_odd_order = half[:, None, :]
    even = np.concatenate([cos * of_even_order, sin * of_odd_order], axis=2)
    odd = np.concatenate([sin * of_even_order, cos * of_odd_order], axis=2)
    return even.reshape(len(half), -1), odd.reshape(len(half), -1)


def _contraction(charges: FloatArray, pairs: IntArray) -> FloatArray:
    """(pairs, 6, 9): Z_i[a, α] T_ab Z_j[b, β] for each component of a symmetric T."""
    products = np.einsum("paA,pbB->pabAB", charges[pairs[0]], charges[pairs[1]])
    both = products + np.swapaxes(products, 1, 2)
    both[:, range(3), range(3)] /= 2
    return np.ascontiguousarray(both[:, _A, _B].reshape(-1, 6, 9))


def _half_of_lattice(
    vectors: FloatArray, dielectric: FloatArray, largest_squared: float
) -> FloatArray:
    """(nG, 3) one G of each ±G with (q+G)·ε·(q+G) below a limit for some q of the first zone."""
    zone = FirstZone.of(vectors)
    stretch = np.linalg.cholesky(dielectric)  # |K stretch|² = K·ε·K
    basis, corners = zone.basis @ stretch, zone.corners() @ stretch
    reach = np.sqrt(largest_squared) + np.linalg.norm(corners, axis=1).max()
    # No point within `reach` has a coefficient above reach · |dual vector|.
    bounds = np.floor(reach * np.linalg.norm(np.linalg.inv(basis), axis=0)).astype(int)
    points = np.array(list(itertools.product(*(range(-b, b + 1) for b in bounds))))
    points = points[len(points) // 2 + 1 :]  # the later half of this order is minus the earlier
    stretched = points @ basis
    length = np.linalg.norm(stretched, axis=1)
    # |q+G| is at least the component of q+G along G, whose smallest value is at a corner.
    toward_origin = -(stretched @ corners.T).min(axis=1) / length
    return np.asarray((points @ zone.basis)[length - toward_origin < np.sqrt(largest_squared)])
