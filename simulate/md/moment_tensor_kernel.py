"""The numba kernel of moment tensor potentials: atomic energies and their gradients by pair.

Loops run over contiguous numbers whose count the compiler does not know, which it vectorises:
all monomials of one bond, and each contraction for a number of atoms at once. Gradients go back
through contractions and monomials in reverse order.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np

from ixs_core.arrays import FloatArray, IntArray
from simulate.md.moment_tensor_potential import MomentTensorPotential

LANES = 16  # atoms whose moments are contracted together


class KernelTables(NamedTuple):
    """A potential as the kernel wants it.

    Parameters
    ----------
    bounds : (2,) array
        Shortest distance and cutoff in Å.
    radial : (s, s, f, k) array
    degree : int
        Highest of the monomials x^a y^b z^c. They are ordered by degree, then falling a, then
        falling b: x times all of one degree begin those of the next, y times those without x
        follow, a power of z is the last.
    extent : (f,) int array
        How many of the first monomials each radial function needs.
    slot : (f, m) int array
        Number of the basic moment of a function and a monomial; -1 where there is none.
    products : (p, 4) int array
    scalars : (e,) int array
    coefficients : (e,) array
    alone : (s,) array
    n_moments : int
    """

    bounds: FloatArray
    radial: FloatArray
    degree: int
    extent: IntArray
    slot: IntArray
    products: IntArray
    scalars: IntArray
    coefficients: FloatArray
    alone: FloatArray
    n_moments: int


def kernel_tables(potential: MomentTensorPotential) -> KernelTables:
    """The tables of a potential."""
    degree = int(potential.basic[:, 1:].sum(axis=1).max())
    powers = [
        (a, b, total - a - b)
        for total in range(degree + 1)
        for a in range(total, -1, -1)
        for b in range(total - a, -1, -1)
    ]
    number = {power: index for index, power in enumerate(powers)}
    slot = np.full((potential.radial.shape[2], len(powers)), -1, dtype=np.int64)
    for moment, (function, *power) in enumerate(potential.basic.tolist()):
        slot[function, number[power[0], power[1], power[2]]] = moment
    needed = np.arange(1, len(powers) + 1) * (slot >= 0)
    return KernelTables(
        bounds=np.array([potential.min_dist, potential.cutoff]),
        radial=np.ascontiguousarray(potential.radial, dtype=np.float64),
        degree=degree,
        extent=needed.max(axis=1),
        slot=slot,
        products=np.ascontiguousarray(potential.products, dtype=np.int64),
        scalars=np.ascontiguousarray(potential.scalars, dtype=np.int64),
        coefficients=np.ascontiguousarray(potential.coefficients, dtype=np.float64),
        alone=np.ascontiguousarray(potential.species_energies, dtype=np.float64),
        n_moments=potential.n_moments,
    )


@numba.njit(fastmath=True, cache=True, nogil=True, error_model="numpy")
def _radial_functions(distance, low, cutoff, coefficients, value, slope):  # type: ignore[no-untyped-def]
    """All f_μ(r) and df_μ/dr of one bond."""
    half = 2.0 / (cutoff - low)
    argument = (2.0 * distance - low - cutoff) / (cutoff - low)
    fade, fade_slope = (cutoff - distance) ** 2, -2.0 * (cutoff - distance)
    n_functions, size = coefficients.shape
    for function in range(n_functions):
        before, now, before_slope, now_slope = 1.0, argument, 0.0, half
        total = coefficients[function, 0]
        total_slope = 0.0
        for k in range(1, size):
            total += coefficients[function, k] * now
            total_slope += coefficients[function, k] * now_slope
            following = 2.0 * argument * now - before
            following_slope = 2.0 * (half * now + argument * now_slope) - before_slope
            before, now, before_slope, now_slope = now, following, now_slope, following_slope
        value[function] = total * fade
        slope[function] = total_slope * fade + total * fade_slope


@numba.njit(fastmath=True, cache=True, nogil=True, error_model="numpy")
def _neighbourhood(  # type: ignore[no-untyped-def]
    tables, positions, species, i, start, other, shift, values, slopes, unit, length, pair, gradient
):
    """Radial functions, directions and lengths of the bonds of atom i; how many there are."""
    low, cutoff = tables.bounds[0], tables.bounds[1]
    near = 0
    for p in range(start[i], start[i + 1]):
        j = other[p]
        x = positions[j, 0] + shift[p, 0] - positions[i, 0]
        y = positions[j, 1] + shift[p, 1] - positions[i, 1]
        z = positions[j, 2] + shift[p, 2] - positions[i, 2]
        square = x * x + y * y + z * z
        if square >= cutoff * cutoff:
            gradient[p] = 0.0
            continue
        r = np.sqrt(square)
        length[near], pair[near] = r, p
        unit[near, 0], unit[near, 1], unit[near, 2] = x / r, y / r, z / r
        coefficients = tables.radial[species[i], species[j]]
        _radial_functions(r, low, cutoff, coefficients, values[near], slopes[near])
        near += 1
    return near


@numba.njit(fastmath=True, cache=True, nogil=True, error_model="numpy")
def _monomials(degree, x, y, z, made):  # type: ignore[no-untyped-def]
    """All monomials of one direction."""
    made[0] = 1.0
    at = 0
    for lower in range(degree):
        count = (lower + 1) * (lower + 2) // 2
        above, without_x = at + count, at + count - lower - 1
        for k in range(count):
            made[above + k] = x * made[at + k]
        for k in range(lower + 1):
            made[above + count + k] = y * made[without_x + k]
        made[above + count + lower + 1] = z * made[above - 1]
        at = above


@numba.njit(fastmath=True, cache=True, nogil=True, error_model="numpy")
def _back_to_direction(degree, x, y, z, made, adjoint, direction):  # type: ignore[no-untyped-def]
    """Derivatives by x, y, z from those by the monomials, which are used up."""
    by_x, by_y, by_z = 0.0, 0.0, 0.0
    above = degree * (degree + 1) * (degree + 2) // 6
    for lower in range(degree - 1, -1, -1):
        count = (lower + 1) * (lower + 2) // 2
        at, without_x = above - count, above - lower - 1
        last = above + count + lower + 1
        by_z += adjoint[last] * made[above - 1]
        adjoint[above - 1] += z * adjoint[last]
        for k in range(lower + 1):
            by_y += adjoint[above + count + k] * made[without_x + k]
            adjoint[without_x + k] += y * adjoint[above + count + k]
        for k in range(count):
            by_x += adjoint[above + k] * made[at + k]
            adjoint[at + k] += x * adjoint[above + k]
        above = at
    direction[0], direction[1], direction[2] = by_x, by_y, by_z


@numba.njit(fastmath=True, cache=True, nogil=True, error_model="numpy")
def _basic_moments(tables, near, values, unit, monomials, sums, moments, lane):  # type: ignore[no-untyped-def]
    """Basic moments of one atom into its lane."""
    sums[:] = 0.0
    for bond in range(near):
        _monomials(tables.degree, unit[bond, 0], unit[bond, 1], unit[bond, 2], monomials)
        for function in range(len(tables.extent)):
            value = values[bond, function]
            for m in range(tables.extent[function]):
                sums[function, m] += value * monomials[m]
    for function in range(len(tables.extent)):
        for m in range(tables.extent[function]):
            if tables.slot[function, m] >= 0:
                moments[tables.slot[function, m], lane] = sums[function, m]


@numba.njit(fastmath=True, cache=True, nogil=True, error_model="numpy")
def _contract(products, moments):  # type: ignore[no-untyped-def]
    """All moments of a group of atoms from their basic ones."""
    width = moments.shape[1]
    for t in range(len(products)):
        i, j, target, multiplier = (
            products[t, 0],
            products[t, 1],
            products[t, 3],
            float(products[t, 2]),
        )
        for lane in range(width):
            moments[target, lane] += multiplier * moments[i, lane] * moments[j, lane]


@numba.njit(fastmath=True, cache=True, nogil=True, error_model="numpy")
def _contract_back(products, moments, adjoint):  # type: ignore[no-untyped-def]
    """Derivatives by the basic moments from those by all moments."""
    width = moments.shape[1]
    for t in range(len(products) - 1, -1, -1):
        i, j, target, multiplier = (
            products[t, 0],
            products[t, 1],
            products[t, 3],
            float(products[t, 2]),
        )
        for lane in range(width):
            adjoint[i, lane] += multiplier * adjoint[target, lane] * moments[j, lane]
        for lane in range(width):  # apart, because both factors may be the same moment
            adjoint[j, lane] += multiplier * adjoint[target, lane] * moments[i, lane]


@numba.njit(fastmath=True, cache=True, nogil=True, error_model="numpy")
def _bond_gradients(  # type: ignore[no-untyped-def]
    tables, weight, near, values, slopes, unit, length, pair, monomials, by_monomial, gradient
):
    """dE_i/dr_ij of one atom from the derivatives (f, m) by its basic moments."""
    direction = np.empty(3)
    for bond in range(near):
        x, y, z = unit[bond, 0], unit[bond, 1], unit[bond, 2]
        _monomials(tables.degree, x, y, z, monomials)
        by_monomial[:] = 0.0
        along = 0.0
        for function in range(len(tables.extent)):
            value, by_function = values[bond, function], 0.0
            for m in range(tables.extent[function]):
                by_function += weight[function, m] * monomials[m]
                by_monomial[m] += weight[function, m] * value
            along += slopes[bond, function] * by_function
        _back_to_direction(tables.degree, x, y, z, monomials, by_monomial, direction)
        inward = x * direction[0] + y * direction[1] + z * direction[2]
        for axis in range(3):
            # A direction turns only with what is across the bond.
            across = (direction[axis] - unit[bond, axis] * inward) / length[bond]
            gradient[pair[bond], axis] = unit[bond, axis] * along + across


@numba.njit(fastmath=True, cache=True, nogil=True, error_model="numpy")
def evaluate_atoms(  # type: ignore[no-untyped-def]
    tables, positions, species, start, other, shift, first, last, energies, gradient
):
    """Energies of atoms first … last - 1 and dE_i/dr_ij of their pairs, in eV and eV/Å.

    Pairs beyond the cutoff (of a list that reaches farther) get zero.
    """
    most, n_functions = 1, len(tables.extent)
    for i in range(first, last):
        most = max(most, start[i + 1] - start[i])
    moments, adjoint = np.zeros((tables.n_moments, LANES)), np.zeros((tables.n_moments, LANES))
    values, unit = np.zeros((LANES, most, n_functions)), np.zeros((LANES, most, 3))
    slopes, length = np.zeros_like(values), np.zeros((LANES, most))
    pair, near = np.zeros((LANES, most), np.int64), np.zeros(LANES, np.int64)
    sums = np.zeros(tables.slot.shape)
    monomials, by_monomial = np.zeros(sums.shape[1]), np.zeros(sums.shape[1])
    for block in range(first, last, LANES):
        members = min(LANES, last - block)
        moments[:] = 0.0
        for lane in range(members):
            near[lane] = _neighbourhood(
                tables, positions, species, block + lane, start, other, shift,
                values[lane], slopes[lane], unit[lane], length[lane], pair[lane], gradient,
            )  # fmt: skip
            _basic_moments(
                tables, near[lane], values[lane], unit[lane], monomials, sums, moments, lane
            )
        _contract(tables.products, moments)
        adjoint[:] = 0.0
        for lane in range(members):
            energies[block + lane] = tables.alone[species[block + lane]]
        for e in range(len(tables.scalars)):
            for lane in range(members):
                energies[block + lane] += tables.coefficients[e] * moments[tables.scalars[e], lane]
                adjoint[tables.scalars[e], lane] += tables.coefficients[e]
        _contract_back(tables.products, moments, adjoint)
        for lane in range(members):
            for function in range(n_functions):
                for m in range(tables.extent[function]):
                    slot = tables.slot[function, m]
                    sums[function, m] = adjoint[slot, lane] if slot >= 0 else 0.0
            _bond_gradients(
                tables, sums, near[lane], values[lane], slopes[lane], unit[lane],
                length[lane], pair[lane], monomials, by_monomial, gradient,
            )  # fmt: skip


@numba.njit(cache=True, nogil=True)
def gather_forces(positions, start, other, shift, gradient):  # type: ignore[no-untyped-def]
    """Forces (n, 3) in eV/Å and the virial Σ r ⊗ dE/dr (3, 3) in eV, from gradients by pair."""
    forces, virial = np.zeros_like(positions), np.zeros((3, 3))
    for i in range(len(positions)):
        for p in range(start[i], start[i + 1]):
            j = other[p]
            for axis in range(3):
                forces[i, axis] += gradient[p, axis]
                forces[j, axis] -= gradient[p, axis]
                arm = positions[j, axis] + shift[p, axis] - positions[i, axis]
                for k in range(3):
                    virial[axis, k] += arm * gradient[p, k]
    return forces, virial


@numba.njit(cache=True, nogil=True)
def gather_heat_flux(positions, velocities, start, other, shift, gradient):  # type: ignore[no-untyped-def]
    """Σ (r_i - r_j) (dE_i/dr_ij · v_j) over pairs (3,), in eV Å per time unit of the velocities."""
    flux = np.zeros(3)
    for i in range(len(positions)):
        for p in range(start[i], start[i + 1]):
            j = other[p]
            power = 0.0
            for axis in range(3):
                power += gradient[p, axis] * velocities[j, axis]
            for axis in range(3):
                flux[axis] -= power * (positions[j, axis] + shift[p, axis] - positions[i, axis])
    return flux
