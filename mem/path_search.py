"""The search for the densest way on a grid of points in a box, and what it must keep out of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy import ndimage, sparse
from scipy.sparse import csgraph
from scipy.spatial import KDTree

from ixs_core.arrays import BoolArray, FloatArray, IntArray
from ixs_core.crystal import cell_vectors
from ixs_core.errors import InputError
from mem.basins import Basins, atomic_basins
from mem.density import Density

_MOST_NODES = 3_000_000


@dataclass(frozen=True)
class Search:
    """Grid points of a box, between two of which a way is searched.

    Parameters
    ----------
    nodes : list of three int arrays
        Indices of the density's grid along each axis, not brought back into the cell.
    values : (mx, my, mz) array
        ρ there in e/Å³; 0 where the way may not go.
    ends : (start, end)
        Their places in `values`.
    """

    nodes: list[IntArray]
    values: FloatArray
    ends: tuple[tuple[int, ...], ...]

    def connected(self, allowed: BoolArray) -> bool:
        """Whether the ends are joined by neighbours (of 26) that are all allowed."""
        parts, _ = ndimage.label(allowed, structure=np.ones((3, 3, 3)))
        return bool(parts[self.ends[0]] == parts[self.ends[1]] != 0)


def search_box(
    density: Density, ends: FloatArray, step: float, margin: float
) -> tuple[list[IntArray], FloatArray]:
    """Indices along each axis, as in `Search`, of a box around the ends, and ρ there.

    Parameters
    ----------
    density : Density
    ends : (2, 3) array
        Fractional.
    step, margin : float
        In Å: distance of the points, and how far the box reaches beyond the ends.

    Raises
    ------
    InputError
        Step or margin are not positive, or the box has more than three million points.
    """
    if not (step > 0 and margin >= 0):
        raise InputError(
            "not the extent of a search", key="step, margin", found=f"{step}, {margin}"
        )
    shape = np.array(density.shape)
    steps = cell_vectors(density.lattice) / shape[:, None]
    stride = np.maximum(1, np.round(step / np.linalg.norm(steps, axis=1))).astype(int)
    reach = margin * np.linalg.norm(np.linalg.inv(steps), axis=0)
    low = np.floor(ends.min(axis=0) * shape - reach).astype(int)
    high = np.ceil(ends.max(axis=0) * shape + reach).astype(int)
    nodes = [np.arange(a, b + s, s) for a, b, s in zip(low, high, stride, strict=True)]
    count = int(np.prod([len(axis) for axis in nodes]))
    if count > _MOST_NODES:
        raise InputError(
            "the box around the path is too large",
            key="step",
            found=f"{count} points",
            expected=f"{_MOST_NODES} at most",
            hint="take a larger step or a smaller margin, or go by way of a site in between",
        )
    wrapped = (axis % m for axis, m in zip(nodes, shape, strict=True))
    return nodes, np.asarray(density.values[np.ix_(*wrapped)], dtype=float)


def nearest_node(nodes: list[IntArray], index: FloatArray) -> tuple[int, ...]:
    """Place in the box of the point nearest to one given in grid steps."""
    return tuple(int(np.abs(a - i).argmin()) for a, i in zip(nodes, index, strict=True))


def bottleneck(search: Search) -> float:
    """The largest ρ (e/Å³) at which the ends are connected through neighbours not below it.

    Raises
    ------
    InputError
        They are not connected at all.
    """
    levels = np.unique(search.values[search.values > 0])
    levels = levels[levels <= min(search.values[end] for end in search.ends)]
    low, high = 0, len(levels)  # connected at levels[low], if anywhere; not at levels[high]
    while high - low > 1:
        middle = (low + high) // 2
        if search.connected(search.values >= levels[middle]):
            low = middle
        else:
            high = middle
    if not search.connected(search.values >= levels[low]):
        raise InputError(
            "the mask leaves no way between the ends",
            key="mask",
            hint="mask fewer sites, give a smaller radius, or allow a larger margin",
        )
    return float(levels[low])


def easiest_way(density: Density, search: Search, level: float) -> FloatArray:
    """(m, 3) fractional points of the way with the smallest ∫ds/ρ through ρ ≥ level."""
    values = search.values
    parts, _ = ndimage.label(values >= level, structure=np.ones((3, 3, 3)))
    usable = parts == parts[search.ends[0]]
    number = np.full(values.shape, -1)
    number[usable] = np.arange(np.count_nonzero(usable))
    graph = _neighbour_costs(density, search, usable, number)
    first, last = (int(number[end]) for end in search.ends)
    _, before = csgraph.dijkstra(graph, directed=False, indices=first, return_predecessors=True)
    way = [last]
    while way[-1] != first:
        way.append(int(before[way[-1]]))
    index = np.argwhere(usable)[way[::-1]]
    along = [axis[i] for axis, i in zip(search.nodes, index.T, strict=True)]
    return np.stack(along, axis=1) / density.shape


def _neighbour_costs(
    density: Density, search: Search, usable: BoolArray, number: IntArray
) -> sparse.csr_array:
    """∫ds/ρ between neighbours (trapezium rule), every pair once."""
    values = search.values
    steps = cell_vectors(density.lattice) / np.array(density.shape)[:, None]
    strides = np.array([axis[1] - axis[0] for axis in search.nodes])
    rows, columns, costs = [], [], []
    for move in product((-1, 0, 1), repeat=3):
        if move <= (0, 0, 0):
            continue
        pairs = list(zip(move, values.shape, strict=True))
        here = tuple(slice(max(0, -d), min(m, m - d)) for d, m in pairs)
        there = tuple(slice(max(0, d), min(m, m + d)) for d, m in pairs)
        both = usable[here] & usable[there]
        length = float(np.linalg.norm(np.array(move) * strides @ steps))
        rows.append(number[here][both])
        columns.append(number[there][both])
        costs.append(length * (1 / values[here][both] + 1 / values[there][both]) / 2)
    size = int(usable.sum())
    edges = (np.concatenate(rows), np.concatenate(columns))
    return sparse.csr_array((np.concatenate(costs), edges), shape=(size, size))


def masked_values(
    values: FloatArray, nodes: list[IntArray], forbidden: BoolArray | None
) -> FloatArray:
    """ρ of the box with 0 where the cell's (nx, ny, nz) forbidden points and their images are."""
    if forbidden is None:
        return values
    wrapped = (axis % n for axis, n in zip(nodes, forbidden.shape, strict=True))
    return np.where(forbidden[np.ix_(*wrapped)], 0.0, values)


def forbidden_points(
    density: Density,
    mask: Sequence[str] | BoolArray,
    radius: float | None,
    regions: Basins | None,
    search: Search,
) -> tuple[BoolArray | None, float | None]:
    """The points of the cell that a mask forbids, and the clearance of `DensityPath`.

    Parameters are those of `minimum_density_path`, with the search before masking.

    Returns
    -------
    forbidden : (nx, ny, nz) bool array, or None for no mask
    clearance : float or None

    Raises
    ------
    InputError
        A name is unknown, or the mask is not on the grid.
    """
    if isinstance(mask, np.ndarray) and mask.dtype == bool:
        if mask.shape != density.shape:
            raise InputError(
                "the mask is not on the grid of the density",
                key="mask",
                found=f"shape {mask.shape}",
                expected=f"{density.shape}",
            )
        return mask, None
    names = (mask,) if isinstance(mask, str) else tuple(str(name) for name in mask)
    if not names:
        return None, None
    if radius is not None:
        return _near_atoms(density, names, radius), radius
    inside = (regions or atomic_basins(density)).mask(names)
    allowed = masked_values(search.values, search.nodes, inside) > 0
    if search.connected(allowed) or not all(allowed[end] for end in search.ends):
        return inside, None
    clearance = _inscribed(density, names, allowed, search)
    return inside & _near_atoms(density, names, clearance), clearance


def _inscribed(
    density: Density, names: tuple[str, ...], allowed: BoolArray, search: Search
) -> float:
    """Distance in Å from the masked atoms to the nearest point in a basin that is not theirs."""
    shape = np.array(density.shape)
    steps = cell_vectors(density.lattice) / shape[:, None]
    points = np.stack(np.meshgrid(*search.nodes, indexing="ij"), axis=-1)[allowed]
    # All images in the cells that the box touches and those around them.
    cells = product(
        *(
            range(int(axis[0] // n) - 1, int(axis[-1] // n) + 2)
            for axis, n in zip(search.nodes, shape, strict=True)
        )
    )
    images = _masked_atoms(density, names) + np.array(list(cells))[:, None]
    distance, _ = KDTree(images.reshape(-1, 3) * shape @ steps).query(points @ steps)
    return float(distance.min())


def _near_atoms(density: Density, names: tuple[str, ...], radius: float) -> BoolArray:
    """(nx, ny, nz) the grid points within a distance of the masked atoms."""
    shape = np.array(density.shape)
    steps = cell_vectors(density.lattice) / shape[:, None]
    reach = np.ceil(radius * np.linalg.norm(np.linalg.inv(steps), axis=0)).astype(int) + 1
    ball = np.array(list(product(*(range(-r, r + 1) for r in reach))))
    result = np.zeros(density.shape, dtype=bool)
    for position in _masked_atoms(density, names):
        centre = np.round(position * shape).astype(int)
        apart = (centre + ball - position * shape) @ steps
        near = (centre + ball)[np.linalg.norm(apart, axis=1) < radius] % shape
        result[tuple(near.T)] = True
    return result


def _masked_atoms(density: Density, names: tuple[str, ...]) -> FloatArray:
    """(n, 3) fractional positions of the atoms of these sites or elements."""
    structure = density.structure
    sites = structure.sites if structure else ()
    unknown = set(names) - {s.label for s in sites} - {s.element for s in sites}
    if unknown or structure is None:
        raise InputError(
            "no such site or element",
            key="mask",
            found=", ".join(sorted(unknown)),
            expected=", ".join(site.label for site in sites) or "a density with a structure",
        )
    chosen = [sites[i].label in names or sites[i].element in names for i in structure.atoms.site]
    return np.asarray(structure.atoms.position[np.array(chosen)])
