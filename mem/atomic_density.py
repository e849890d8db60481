"""Electron densities of atoms at rest in their thermal motion, as sums of Gaussians.

A term a exp(-b s²) of f0 (s = |Q|/4π) of an atom with displacements U is in real space
a N(r; U + b/8π²), N being the normal density of that covariance; the constant of f0 is the term
with b = 0. The third-order Gram-Charlier factor turns each into
N(x) [1 + (1/6) Σ_jkl C^{jkl} H_jkl(x)], H_jkl = w_j w_k w_l - P_jk w_l - P_jl w_k - P_kl w_j with
w = P x and P the inverse covariance (International Tables B (2008), section 1.2.12.2).
Everything is in fractional coordinates, so oblique cells need no care.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ixs_core.arrays import FloatArray, IntArray
from ixs_core.crystal import MERGE_ANGSTROM, Crystal, Site, cell_vectors
from ixs_core.scattering_factors import FormFactorTable
from mem.model_structure import (
    GRAM_CHARLIER_SCALE,
    GRAM_CHARLIER_TERMS,
    ion_table,
    require_displacements,
    site_ions,
)
from mem.nearest_image import nearest_distance

U_SMALLEST = 5e-4
"""Å²: smaller (or negative) principal displacements are raised to this, to have a density."""

_B_TO_U = 1 / (8 * np.pi**2)
_REACH = 7.5  # standard deviations: the rest of a Gaussian is below 1e-12 of its height
_CHUNK = 1 << 20


@dataclass(frozen=True)
class GaussianAtom:
    """One Gaussian of one atom of the cell.

    Parameters
    ----------
    site, term : int
        Index of the site, and of the Gaussian in the form factor of its ion.
    position : (3,) array
        Fractional.
    electrons : float
        Integral; negative for some terms.
    covariance : (3, 3) array
        In fractional coordinates.
    width_angstrom : float
        Smallest standard deviation in Å, the same for all atoms of a site.
    third_order : (3, 3, 3) array or None
        C^{jkl} of this atom.
    """

    site: int
    term: int
    position: FloatArray
    electrons: float
    covariance: FloatArray
    width_angstrom: float
    third_order: FloatArray | None

    @property
    def half_box(self) -> FloatArray:
        """(3,) how far it reaches along a, b, c in fractions of the cell."""
        return np.asarray(_REACH * np.sqrt(np.diag(self.covariance)))

    def per_cell(self, apart: FloatArray) -> FloatArray:
        """(…) electrons per cell volume at fractional distances (…, 3) from its centre."""
        inverse = np.linalg.inv(self.covariance)
        w = apart @ inverse
        height = self.electrons / np.sqrt(np.linalg.det(2 * np.pi * self.covariance))
        value = height * np.exp(-0.5 * np.einsum("...i,...i->...", apart, w))
        if self.third_order is None:
            return np.asarray(value)
        return np.asarray(value * self._gram_charlier(w, inverse))

    def _gram_charlier(self, w: FloatArray, inverse: FloatArray) -> FloatArray:
        assert self.third_order is not None
        # C is symmetric: the three terms P_jk w_l are one.
        linear = np.einsum("jkl,jk->l", self.third_order, inverse)
        cubic = np.zeros(w.shape[:-1])
        for j, k, m, times in GRAM_CHARLIER_TERMS:
            coefficient = times * self.third_order[j, k, m]
            if coefficient:
                cubic += coefficient * w[..., j] * w[..., k] * w[..., m]
        return np.asarray(1 + (cubic - 3 * (w @ linear)) / 6)


def gaussian_atoms(crystal: Crystal, anharmonic: bool = True) -> tuple[GaussianAtom, ...]:
    """All Gaussians of all atoms of the conventional cell; f0 of IT92, neutral atoms or ions.

    Raises
    ------
    InputError
        Sites have no displacement parameters.
    """
    require_displacements(crystal.sites, crystal.source)
    table, ions = ion_table(crystal, dispersion=False), site_ions(crystal)
    to_fractional = np.linalg.inv(cell_vectors(crystal.lattice))
    atoms = crystal.atoms
    tensors = [_site_tensor(site, crystal) if anharmonic else None for site in crystal.sites]
    smallest: dict[int, float] = {}
    found = []
    for i, site in enumerate(atoms.site.tolist()):
        ion = table.ions.index(ions[site])
        tensor = tensors[site]
        if tensor is not None:
            tensor = _turned(tensor, crystal.symmetry.rotations[atoms.operator[i]])
        u, least = _positive(atoms.u[i])
        smallest.setdefault(site, least)
        for term, (a, b) in enumerate(ion_gaussians(table, ion)):
            covariance = to_fractional.T @ (u + b * _B_TO_U * np.eye(3)) @ to_fractional
            found.append(
                GaussianAtom(
                    site=site,
                    term=term,
                    position=atoms.position[i],
                    electrons=a * float(atoms.occupancy[i]),
                    covariance=covariance,
                    width_angstrom=math.sqrt(smallest[site] + b * _B_TO_U),
                    third_order=tensor,
                )
            )
    return tuple(found)


def ion_gaussians(table: FormFactorTable, ion: int) -> tuple[tuple[float, float], ...]:
    """(a, b) of every Gaussian of an ion of the table, the constant last with b = 0."""
    pairs = zip(table.amplitudes[ion].tolist(), table.exponents[ion].tolist(), strict=True)
    return (*((a, max(b, 0.0)) for a, b in pairs), (float(table.constants[ion]), 0.0))


def density_on_box(gaussian: GaussianAtom, grid: tuple[int, int, int], values: FloatArray) -> None:
    """Add a Gaussian with all its images to `values` (nx, ny, nz), in electrons per cell."""
    axes = []
    for n, x, half in zip(grid, gaussian.position, gaussian.half_box, strict=True):
        axes.append(np.arange(np.ceil((x - half) * n), np.floor((x + half) * n) + 1))
    if any(len(axis) == 0 for axis in axes):  # narrower than the grid, between its planes
        return
    step = max(1, _CHUNK // (len(axes[1]) * len(axes[2])))
    fractions = [axis / n - x for axis, n, x in zip(axes, grid, gaussian.position, strict=True)]
    whole = [axis.astype(np.int64) % n for axis, n in zip(axes, grid, strict=True)]
    for first in range(0, len(axes[0]), step):
        part = slice(first, first + step)
        apart = np.stack(
            np.meshgrid(fractions[0][part], fractions[1], fractions[2], indexing="ij"), axis=-1
        )
        _add_wrapped(values, (whole[0][part], whole[1], whole[2]), gaussian.per_cell(apart))


def density_at(gaussian: GaussianAtom, points: FloatArray) -> FloatArray:
    """(n,) electrons per cell of a Gaussian with all its images at fractional points (n, 3)."""
    total = np.zeros(len(points))
    apart = points - gaussian.position
    apart = apart - np.round(apart)
    half = gaussian.half_box
    reach = [range(-int(np.ceil(h)), int(np.ceil(h)) + 1) for h in half]
    for shift in itertools.product(*reach):
        moved = apart + np.array(shift, dtype=float)
        near = np.all(np.abs(moved) <= half, axis=1)
        if np.any(near):
            total[near] += gaussian.per_cell(moved[near])
    return total


def _add_wrapped(values: FloatArray, indices: tuple[IntArray, ...], block: FloatArray) -> None:
    """values[i, j, k] += block, where an index may come more than once (box beyond the cell)."""
    for pieces in itertools.product(*(_runs(index) for index in indices)):
        target = tuple(
            slice(int(index[run][0]), int(index[run][-1]) + 1)
            for index, run in zip(indices, pieces, strict=True)
        )
        values[target] += block[pieces]


def _runs(index: IntArray) -> Iterator[slice]:
    """Slices of an index in which it rises by one."""
    breaks = np.flatnonzero(np.diff(index) != 1) + 1
    edges = [0, *breaks.tolist(), len(index)]
    for first, last in itertools.pairwise(edges):
        yield slice(first, last)


def _positive(u: FloatArray) -> tuple[FloatArray, float]:
    """U with principal values of at least `U_SMALLEST`, and the smallest."""
    values, axes = np.linalg.eigh(u)
    raised = np.maximum(values, U_SMALLEST)
    return np.asarray((axes * raised) @ axes.T), float(raised.min())


def _site_tensor(site: Site, crystal: Crystal) -> FloatArray | None:
    """C^{jkl} of a site, averaged over the operators that leave the site where it is."""
    if site.gram_charlier is None or not np.any(site.gram_charlier):
        return None
    tensor = np.zeros((3, 3, 3))
    for (j, k, m, _), value in zip(GRAM_CHARLIER_TERMS, site.gram_charlier, strict=True):
        for axes in set(itertools.permutations((j, k, m))):
            tensor[axes] = GRAM_CHARLIER_SCALE * value
    apart = crystal.symmetry.images(site.position) - site.position
    stays = nearest_distance(apart, cell_vectors(crystal.lattice)) < MERGE_ANGSTROM
    turned = [_turned(tensor, rotation) for rotation in crystal.symmetry.rotations[stays]]
    return np.asarray(np.mean(turned, axis=0))


def _turned(tensor: FloatArray, rotation: IntArray) -> FloatArray:
    return np.asarray(np.einsum("aj,bk,cl,jkl->abc", rotation, rotation, rotation, tensor))
