"""Where the density of a simulation is wanted: cell, grid, resolution, symmetry, origin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from ixs_core.arrays import FloatArray
from ixs_core.crystal import Crystal, cell_vectors
from ixs_core.errors import InputError
from ixs_core.lattice import Lattice
from ixs_core.scattering_factors import S_MAX, FormFactorTable, form_factor_table
from ixs_core.symmetry import Symmetry
from mem.density import Density
from mem.grid import Shape, checked_grid, compatible_grid
from simulate.md.atom_series import elements_of
from simulate.md.commensurate import conventional_cell
from simulate.md.density_origin import symmetry_of_reference
from simulate.md.folded_factors import whole_cells
from simulate.md.sampled_motion import (
    least_displacements,
    require_repetition,
    sampled_positions,
)
from simulate.md.trajectory import Trajectory

FADING, GONE = 1e-3, 1e-5
"""f0(Q) exp(-U Q²/2) / f0(0) from which terms of a density fade out, and where they end.

What so many frames give for such terms is chance. With all of them, or with a sharp end, each
position would have the ripples of f0 cut off: at 300 K in CsCu2I3 some 0.03 e/Å³ below zero."""

Group = Literal["structure", "reference"]
"""Whose space group a density is averaged over: the given structure's, or the ideal sites'."""

_STRAIN = 0.1  # of an edge or the cosine of an angle: beyond, it is another cell
_STRAIN_NOTED = 0.001
_SYMMETRIC = 0.02  # strain that an operator of the group may make
_LONGEST_D = 5.0  # Å: of periods that are tried
_FINEST_D = 1 / (2 * S_MAX["waasmaier-kirfel"])


@dataclass(frozen=True)
class DensityFrame:
    """What a density of a simulation is calculated on.

    Parameters
    ----------
    conventional : (3, 3) array
        Rows a, b, c of the conventional cell in Å in the frame of the simulation.
    lattice : Lattice
        The same cell.
    shape : (nx, ny, nz)
        Of the grid.
    d_fade, d_min : float
        Å: periods of the density fade out from one to the other, the shortest; equal for a sharp
        end.
    symmetry : Symmetry
        Over which the density is averaged; P 1 for none.
    structure : Crystal or None
        On whose origin the density is put.
    shift : (3,) array or None
        Fractional, to be added to coordinates of the simulation; None where the structure decides.
    notes : tuple of str
    """

    conventional: FloatArray
    lattice: Lattice
    shape: Shape
    d_fade: float
    d_min: float
    symmetry: Symmetry
    structure: Crystal | None
    shift: FloatArray | None
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Decay:
    """How the terms of a density die away: f0 of each element, and its least ⟨u²⟩ in Å²."""

    table: FormFactorTable
    u: FloatArray

    @classmethod
    def of(cls, trajectory: Trajectory, positions: FloatArray) -> _Decay:
        elements = elements_of(trajectory)
        least = least_displacements(positions, trajectory, elements)
        return cls(form_factor_table(elements), least)

    def left(self, periods: FloatArray) -> FloatArray:
        """(n,) largest f0(Q) exp(-U Q²/2) / f0(0) of all elements, Q = 2π/d."""
        q = 2 * np.pi / periods
        thermal = np.exp(-0.5 * q[:, None] ** 2 * self.u)
        f0 = self.table.f0(q) / self.table.f0(0.0)
        return np.asarray(np.abs(f0 * thermal).max(axis=1))


def density_frame(
    trajectory: Trajectory,
    *,
    lattice: Lattice | ArrayLike | None = None,
    like: Density | None = None,
    grid: Sequence[int] | None = None,
    step: float = 0.1,
    structure: Crystal | None = None,
    symmetry: Symmetry | Group | None = None,
    d_min: float | None = None,
) -> DensityFrame:
    """Cell, grid, resolution, symmetry and origin of a density of a simulation.

    Parameters
    ----------
    trajectory : Trajectory
    lattice : Lattice, (3,) ints, (3, 3) array, optional
        The conventional cell as for `conventional_cell`; by default that of the structure or of
        `like`, else the simulation cell itself.
    like : Density, optional
        Whose grid is taken.
    grid : three int, optional
        Or its points.
    step : float
        Å: or their largest spacing.
    structure : Crystal, optional
        On whose origin the density is put.
    symmetry : Symmetry, "structure" or "reference", optional
        Group over which the density is averaged: operators that count from the density's origin,
        the structure's group, or that of the trajectory's ideal sites. None: no averaging.
    d_min : float, optional
        Å: shortest period of the density, to cut it where a measurement ends. By default terms fade
        out where f0 and thermal motion leave little (`FADING`), as far as the grid holds them.

    Raises
    ------
    InputError
        The simulation cell does not hold whole conventional cells, these are no period of it,
        another cell than the structure's or `like`'s is meant, the grid does not suit the group
        or d_min, a species is no element, a group is asked for and not known.
    """
    given = lattice
    if given is None:
        given = next((known.lattice for known in (structure, like) if known is not None), None)
    rows = conventional_cell(trajectory.cell, given)
    whole_cells(trajectory, rows)
    cell = Lattice.from_vectors(rows)
    notes: list[str] = []
    others = [other for other in (structure, like) if other is not None]
    for measured in dict.fromkeys(other.lattice for other in others):
        named = [o.source for o in others if o.lattice == measured and o.source]
        notes += _differences(cell, measured, " and ".join(named) or "the density given")
    positions = sampled_positions(trajectory)
    require_repetition(positions, trajectory, rows)
    group, shift = _group(trajectory, rows, cell, structure, symmetry)
    if grid is not None or like is not None:
        shape = checked_grid(grid if like is None else like.shape, group)  # type: ignore[arg-type]
    else:
        shape = compatible_grid(cell, group, step)
    d_fade, d_end, note = _resolution(_Decay.of(trajectory, positions), cell, shape, d_min)
    return DensityFrame(
        conventional=rows,
        lattice=cell,
        shape=shape,
        d_fade=d_fade,
        d_min=d_end,
        symmetry=group,
        structure=structure,
        shift=None if structure is not None else shift,
        notes=(*dict.fromkeys(notes), note),
    )


def _group(
    trajectory: Trajectory,
    rows: FloatArray,
    cell: Lattice,
    structure: Crystal | None,
    symmetry: Symmetry | Group | None,
) -> tuple[Symmetry, FloatArray]:
    """The group to average over, and the shift to its origin where the trajectory tells it."""
    shift: FloatArray = np.zeros(3)
    if symmetry is None:
        return Symmetry.from_triplets(["x,y,z"]), shift
    if symmetry == "structure":
        if structure is None:
            raise InputError(
                "the symmetry of the structure is asked for, and there is no structure",
                key="symmetry",
                expected="a structure",
            )
        group = structure.symmetry
    elif symmetry == "reference":
        group, shift = symmetry_of_reference(trajectory, rows)
    elif isinstance(symmetry, Symmetry):
        group = symmetry
    else:
        raise InputError(
            "not a choice of symmetry",
            key="symmetry",
            found=symmetry,
            expected=" or ".join(get_args(Group)),
        )
    strain = group.strain(cell)
    if strain > _SYMMETRIC:
        raise InputError(
            "the simulated cell does not have the symmetry of the space group",
            file=trajectory.name or None,
            key="symmetry",
            found=f"{cell.cell}, which an operator of {group.name} strains by {strain:.2g}",
            expected=f"at most {_SYMMETRIC}",
            hint="leave the averaging out",
        )
    return group, shift


def _differences(cell: Lattice, other: Lattice, name: str) -> list[str]:
    """What to know of a cell that is compared with; InputError where it is another one."""
    ours, theirs = cell_vectors(cell), cell_vectors(other)
    edges = np.linalg.norm(ours, axis=1) / np.linalg.norm(theirs, axis=1) - 1
    scale = np.outer(other.cell[:3], other.cell[:3])
    strain = np.abs(ours @ ours.T - theirs @ theirs.T) / scale
    if strain.max() > 2 * _STRAIN:
        raise InputError(
            "the simulation has another cell",
            key="lattice",
            found=f"{[round(x, 4) for x in cell.cell]} (Å, degrees)",
            expected=f"about {list(other.cell)}, as in {name}",
            hint="give the conventional cell of the simulation",
        )
    if strain.max() < _STRAIN_NOTED:
        return []
    percent = ", ".join(f"{100 * edge:+.2f}" for edge in edges)
    return [
        f"a, b, c of the simulation differ by {percent} % from those of {name}: densities are "
        "compared at equal fractional coordinates"
    ]


def _resolution(
    decay: _Decay, cell: Lattice, shape: Shape, d_min: float | None
) -> tuple[float, float, str]:
    """Periods in Å from which and to which terms fade out, and a sentence on them."""
    of_grid = 2 * float(np.max(np.array(cell.cell[:3]) / shape)) * (1 + 1e-9)
    finest = max(of_grid, _FINEST_D)
    if d_min is not None and not finest <= d_min < np.inf:
        raise InputError(
            "the grid does not hold this resolution",
            key="d_min",
            found=f"{d_min} Å",
            expected=f"{finest:.4g} Å or more on {' × '.join(map(str, shape))} points",
            hint="give a finer grid",
        )
    periods = np.geomspace(max(_LONGEST_D, 2 * finest), finest, 500)
    left = decay.left(periods)
    if d_min is not None:
        percent = 100 * float(np.interp(-d_min, -periods, left))
        return (
            d_min,
            d_min,
            f"cut at d = {d_min:.4g} Å as asked for, where f0 and thermal motion leave "
            f"{percent:.2g} % of the amplitude: ripples around atoms are those of the cut",
        )
    if left[-1] > FADING:
        return (
            finest,
            finest,
            f"the grid ends the series at d = {finest:.3g} Å, where f0 and thermal motion leave "
            f"{100 * left[-1]:.2g} % of the amplitude: there are ripples, fewer on a finer grid",
        )
    d_fade = float(periods[np.argmax(left <= FADING)])
    d_end = float(periods[np.argmax(left <= GONE)]) if left[-1] <= GONE else finest
    return (
        d_fade,
        d_end,
        f"periods below {d_fade:.3g} Å, of which f0 and thermal motion leave less than "
        f"{100 * FADING:g} %, fade out to {d_end:.3g} Å",
    )
