"""The character of modes: which atoms move, and how far along the wave vector.

Of a mode with the normalised, mass-weighted eigenvector e (Σ_d |e_d|² = 1 over the atoms d of the
primitive cell)

    share of a site      p_X = Σ_{d on X} |e_d|²,      Σ_X p_X = 1,
    longitudinal share   l   = Σ_d |q̂·e_d|²,           0 ≤ l ≤ 1.

p_X is the part of X in the mode's kinetic energy, not in its displacements: atom d moves by
e_d/√M_d, so a light atom goes farther at the same share. l is 1 where all atoms move along q̂, 0
where all move across it; it is meant for each atom on its own, whatever their phases.

q is the **reduced** wave vector: Q less its nearest reciprocal lattice point, q̂ its Cartesian
direction. Where several lattice points are equally near (on the border of the Brillouin zone), l is
the mean over the directions from all of them. At q = 0 a direction stands for q̂ from which Γ is
approached: along a path its own.

Neither depends on the phases of eigenvectors. In a degenerate set they depend on the basis, so each
of its modes has the mean over the set.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

import numpy as np

from ixs_core.arrays import ComplexArray, FloatArray, IntArray
from simulate.phonons.brillouin_zone import FirstZone
from simulate.phonons.degeneracy import degenerate_groups, group_means, group_sums

AT_GAMMA_RLU = 1e-9
"""Reduced wave vectors below it are zero but for rounding, in primitive r.l.u."""

_SAME_LENGTH = 1e-6  # by which squared lengths of equivalent wave vectors may differ, relative
_REACH = range(-2, 3)  # reciprocal vectors of the shortest basis between two places on the border


@dataclass(frozen=True)
class ModeCharacter:
    """Which sites move in each mode, and how far along q.

    Parameters
    ----------
    labels : tuple of str
        Of the sites, as `simulate.phonons.site_labels.Sites`.
    shares : (nq, ns, n_sites) array
        Of the sites in Σ|e|² = 1.
    longitudinal : (nq, ns) array
        Σ_d |q̂·e_d|², from 0 to 1; NaN where q̂ is not known (Γ without a direction).
    degeneracy : (nq, ns) int array
        Over how many degenerate modes these numbers are means.
    q_reduced : (nq, 3) array
        The reduced q in r.l.u. of the conventional cell, on the border of the zone one of several;
        exactly 0 at Γ.
    """

    labels: tuple[str, ...]
    shares: FloatArray
    longitudinal: FloatArray
    degeneracy: IntArray
    q_reduced: FloatArray

    def of_modes(self, points: IntArray, modes: IntArray) -> ModeCharacter:
        """Of one mode at each of some points: shares (m, n_sites), all else (m,) or (m, 3)."""
        return replace(
            self,
            shares=self.shares[points, modes],
            longitudinal=self.longitudinal[points, modes],
            degeneracy=self.degeneracy[points, modes],
            q_reduced=self.q_reduced[points],
        )


def site_shares(eigenvectors: ComplexArray, site_of_atom: IntArray) -> FloatArray:
    """Shares of the sites in Σ|e|², mode by mode.

    Parameters
    ----------
    eigenvectors : (nq, 3n, ns) complex array
        Orthonormal columns, atom by atom, xyz running fastest.
    site_of_atom : (n,) int array
        Number of each atom's site, from 0.

    Returns
    -------
    (nq, ns, n_sites) array
    """
    nq, size, ns = eigenvectors.shape
    by_atom = (np.abs(eigenvectors) ** 2).reshape(nq, size // 3, 3, ns).sum(axis=2)
    on_site = site_of_atom[:, None] == np.arange(site_of_atom.max() + 1)
    return np.asarray(np.einsum("qds,dx->qsx", by_atom, on_site.astype(float)))


def share_along(eigenvectors: ComplexArray, direction: FloatArray) -> FloatArray:
    """Σ_d |q̂·e_d|², mode by mode.

    Parameters
    ----------
    eigenvectors : (nq, 3n, ns) complex array
        Orthonormal columns, atom by atom, xyz running fastest.
    direction : (nq, 3) array
        q in the same Cartesian frame, of any length.

    Returns
    -------
    (nq, ns) array
        NaN where a direction is zero.
    """
    nq, size, ns = eigenvectors.shape
    length = np.linalg.norm(direction, axis=1, keepdims=True)
    unit = np.divide(direction, length, out=np.full(direction.shape, np.nan), where=length > 0)
    along = np.einsum("qc,qdcs->qds", unit, eigenvectors.reshape(nq, size // 3, 3, ns))
    return np.asarray((np.abs(along) ** 2).sum(axis=1))


def longitudinal_shares(
    eigenvectors: ComplexArray, q: FloatArray, at_gamma: FloatArray, zone: FirstZone
) -> tuple[FloatArray, FloatArray]:
    """`share_along` the reduced wave vector, the mean over equally short ones.

    Parameters
    ----------
    eigenvectors : (nq, 3n, ns) complex array
    q : (nq, 3) array
        In units of the primitive reciprocal vectors, in any zone.
    at_gamma : (nq, 3) array
        In the same units: the direction that stands for q where q is a lattice point; zero for
        none.
    zone : FirstZone
        Of the crystal, in the Cartesian frame of the eigenvectors.

    Returns
    -------
    longitudinal : (nq, ns) array
    q_reduced : (nq, 3) array
        In units of the primitive reciprocal vectors.
    """
    reduced, _ = zone.reduce(q)
    gamma = np.abs(reduced).max(axis=1) < AT_GAMMA_RLU
    reduced[gamma] = 0.0
    chosen = np.where(gamma[:, None], at_gamma, reduced) @ zone.from_given @ zone.basis
    longest = (chosen**2).sum(axis=1) * (1 + _SAME_LENGTH)
    total = np.zeros((len(q), eigenvectors.shape[2]))
    count = np.zeros((len(q), 1))
    for step in itertools.product(_REACH, repeat=3):
        image = chosen + np.array(step) @ zone.basis
        as_short = (image**2).sum(axis=1) <= longest
        taken = np.flatnonzero(np.where(gamma, not any(step), as_short))
        total[taken] += share_along(eigenvectors[taken], image[taken])
        count[taken] += 1
    return total / count, reduced


def over_degenerate_sets(
    character: ModeCharacter, energy_mev: FloatArray, zero_mev: float
) -> ModeCharacter:
    """The same with each mode's numbers replaced by the mean over its degenerate set.

    Parameters
    ----------
    character : ModeCharacter
    energy_mev : (nq, ns) array
        Ascending.
    zero_mev : float
        Energies up to it, whatever their sign, are zero but for rounding and belong together: the
        three translations at Γ.
    """
    groups = degenerate_groups(np.where(np.abs(energy_mev) <= zero_mev, 0.0, energy_mev))
    shares = [group_means(one, groups) for one in np.moveaxis(character.shares, 2, 0)]
    return replace(
        character,
        shares=np.stack(shares, axis=2),
        longitudinal=group_means(character.longitudinal, groups),
        degeneracy=np.rint(group_sums(np.ones(groups.shape), groups)).astype(int),
    )
