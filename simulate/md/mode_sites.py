"""Which site of a crystal's primitive cell each atom of a simulation vibrates about.

The simulation may have lattice parameters, an origin, an orientation and an order of atoms of its
own; only the crystal must be the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ixs_core.arrays import FloatArray, IntArray
from ixs_core.errors import InputError
from simulate.phonons.force_constants import ForceConstants

_TOLERANCE_A = 1.0  # farther than averages are from ideal sites, nearer than the next site
_WHOLE = 1e-3  # by which the simulation cell may miss a lattice vector, in primitive vectors


@dataclass(frozen=True)
class SiteMap:
    """Atoms of a simulation by site and primitive cell.

    Parameters
    ----------
    atoms : (b, c) int array
        Numbers of the atoms on each of the b sites, in c primitive cells.
    cells : (b, c, 3) int array
        Lattice vector L of each in primitive ones.
    rotation : (3, 3) array
        From the axes of the force constants to those of the simulation: rows x -> x @ rotation.
    farthest_A : float
        Of an atom from its site.
    """

    atoms: IntArray
    cells: IntArray
    rotation: FloatArray
    farthest_A: float


def map_sites(
    species: tuple[str, ...],
    positions: FloatArray,
    cell: FloatArray,
    conventional: FloatArray,
    force_constants: ForceConstants,
    name: str = "",
) -> SiteMap:
    """Find the site of every atom.

    Parameters
    ----------
    species : tuple of str
    positions : (n, 3) array
        Sites or average positions in Å.
    cell, conventional : (3, 3) arrays
        The simulation cell and the conventional cell in its frame, rows in Å.
    force_constants : ForceConstants
    name : str
        Of the trajectory, for errors.

    Raises
    ------
    InputError
        The simulation cell holds no whole number of primitive cells, other elements or numbers
        of atoms, or atoms are not on the sites.
    """
    primitive = np.linalg.inv(force_constants.conventional) @ conventional
    count = _primitive_cells(cell, primitive, name)
    _require_composition(species, count, force_constants, name)
    fraction = np.asarray(positions, dtype=float) @ np.linalg.inv(primitive)
    kinds = np.array([species_number(symbol, force_constants) for symbol in species])
    site, cells, offset = _placed(fraction, kinds, primitive, force_constants)
    apart = np.linalg.norm(offset @ primitive, axis=1)
    taken = np.bincount(site, minlength=len(force_constants.symbols))
    home = np.rint(cell @ np.linalg.inv(primitive))
    within = cells @ np.linalg.inv(home)
    places = np.round((within - np.floor(within + 1e-6)) @ home).astype(int)
    distinct = len(np.unique(np.column_stack([site, places]), axis=0))
    if apart.max() > _TOLERANCE_A or np.any(taken != count) or distinct < len(site):
        raise InputError(
            "atoms of the simulation do not match the sites of the force constants",
            file=name or None,
            found=f"{int((apart > _TOLERANCE_A).sum())} of {len(site)} farther than "
            f"{_TOLERANCE_A:g} Å (at most {apart.max():.2f} Å), {len(site) - distinct} on a site "
            "with another",
            expected="every atom near a site of its own",
            hint="the same crystal in the same setting; a run in which atoms hop needs its "
            "ideal sites in the file",
        )
    order = np.argsort(site, kind="stable").reshape(len(taken), count)
    strain = np.linalg.inv(force_constants.conventional @ force_constants.vectors) @ conventional
    left, _, right = np.linalg.svd(strain)
    return SiteMap(order, cells[order], left @ right, float(apart.max()))


def species_number(symbol: str, force_constants: ForceConstants) -> int:
    """The first site of an element."""
    return force_constants.symbols.index(symbol)


def _primitive_cells(cell: FloatArray, primitive: FloatArray, name: str) -> int:
    multiples = cell @ np.linalg.inv(primitive)
    if np.abs(multiples - np.rint(multiples)).max() > _WHOLE:
        raise InputError(
            "the simulation cell holds no whole number of primitive cells",
            file=name or None,
            key="lattice",
            found=np.round(multiples, 3).tolist(),
            expected="whole multiples of the primitive vectors",
            hint="give the conventional cell of the simulation",
        )
    return abs(round(float(np.linalg.det(np.rint(multiples)))))


def _require_composition(
    species: tuple[str, ...], count: int, force_constants: ForceConstants, name: str
) -> None:
    def formula(symbols: tuple[str, ...], times: int) -> dict[str, int]:
        return {symbol: symbols.count(symbol) * times for symbol in sorted(set(symbols))}

    found, expected = formula(species, 1), formula(force_constants.symbols, count)
    if found != expected:
        raise InputError(
            "the simulation holds other atoms than the force constants",
            file=name or None,
            found=", ".join(f"{number} {symbol}" for symbol, number in found.items()),
            expected=", ".join(f"{number} {symbol}" for symbol, number in expected.items())
            + f" ({count} primitive cells)",
        )


def _placed(
    fraction: FloatArray, kinds: IntArray, primitive: FloatArray, force_constants: ForceConstants
) -> tuple[IntArray, IntArray, FloatArray]:
    """Site, lattice vector and offset of every atom for the origin that suits all best."""
    site_kinds = np.array([species_number(s, force_constants) for s in force_constants.symbols])
    # The rarest element leaves the fewest origins to try.
    rarest = min(set(site_kinds.tolist()), key=site_kinds.tolist().count)
    anchor = fraction[np.argmax(kinds == rarest)]

    def placed(origin: FloatArray) -> tuple[IntArray, IntArray, FloatArray]:
        return _nearest(fraction - origin, kinds, site_kinds, primitive, force_constants.positions)

    origins = []
    for site in np.flatnonzero(site_kinds == rarest):
        origin = anchor - force_constants.positions[site]
        offset = placed(origin)[2]
        origins.append((float(((offset @ primitive) ** 2).sum()), origin, offset))
    _, origin, offset = min(origins, key=lambda each: each[0])
    return placed(origin + offset.mean(axis=0))


def _nearest(
    fraction: FloatArray,
    kinds: IntArray,
    site_kinds: IntArray,
    primitive: FloatArray,
    sites: FloatArray,
) -> tuple[IntArray, IntArray, FloatArray]:
    site = np.zeros(len(fraction), dtype=int)
    cells = np.zeros((len(fraction), 3), dtype=int)
    offset = np.zeros((len(fraction), 3))
    for kind in np.unique(site_kinds):
        rows, columns = np.flatnonzero(kinds == kind), np.flatnonzero(site_kinds == kind)
        apart = fraction[rows, None] - sites[columns]
        whole = np.rint(apart)
        distance = np.linalg.norm((apart - whole) @ primitive, axis=-1)
        best = distance.argmin(axis=1)
        chosen = np.arange(len(rows)), best
        site[rows] = columns[best]
        cells[rows] = whole[chosen].astype(int)
        offset[rows] = (apart - whole)[chosen]
    return site, cells, offset
