"""Densities in files, by the suffix of the name: `.ccp4`, `.map`, `.mrc`, `.cube`, `.pgrid`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from ixs_core.arrays import FloatArray, IntArray
from ixs_core.crystal import Crystal
from ixs_core.errors import InputError
from ixs_core.lattice import Lattice
from ixs_core.symmetry import Symmetry
from mem.density import Density
from mem.formats.ccp4 import read_ccp4, write_ccp4
from mem.formats.cube import read_cube, write_cube
from mem.formats.density_csv import write_density_table
from mem.formats.pgrid import read_pgrid, write_pgrid

_READERS = {
    **dict.fromkeys((".ccp4", ".map", ".mrc"), read_ccp4),
    ".cube": read_cube,
    **dict.fromkeys((".pgrid", ".ggrid"), read_pgrid),
}
_WRITERS = {
    **dict.fromkeys((".ccp4", ".map", ".mrc"), write_ccp4),
    ".cube": write_cube,
    ".pgrid": write_pgrid,
    ".csv": write_density_table,
}

Function = TypeVar("Function", bound=Callable[..., Any])

_SAME_CELL = 2e-3  # relative: a density of another temperature is still that of the crystal
_SAMPLED = 4096  # grid points whose images are looked at
_SAME_VALUE = 1e-2  # of the standard deviation of ρ


def read_density(path: str | Path, crystal: Crystal | None = None) -> Density:
    """Read a density in e/Å³.

    Parameters
    ----------
    path : str or Path
        A CCP4 map (e/Å³), a Gaussian cube (e/Bohr³) or a grid of VESTA (`.pgrid`, `.ggrid`).
    crystal : Crystal or None
        The structure that belongs to it, with the symmetry and the exact cell. Without it the
        symmetry is that of the file, P 1 for formats that have none.

    Returns
    -------
    Density
        Without report.

    Raises
    ------
    InputError
        The suffix is of no known format, the file cannot be read, or it does not have the
        cell or the symmetry of the crystal.
    """
    file = Path(path)
    cell, values, third = _by_suffix(file, _READERS)(file)
    try:
        lattice = Lattice.from_cell(cell)
    except InputError as error:
        raise InputError(error.message, file=file, key=error.key, found=cell) from error
    symmetry = third if isinstance(third, Symmetry) else Symmetry.from_triplets(["x,y,z"])
    if crystal is not None:
        _check_cell(lattice, crystal, file)
        _check_symmetry(values, crystal.symmetry, file)
        lattice, symmetry = crystal.lattice, crystal.symmetry
    return Density(
        lattice=lattice,
        values=values,
        symmetry=symmetry,
        structure=crystal,
        temperature_k=None if crystal is None else crystal.temperature_k,
        source=file.name,
    )


def write_density(density: Density, path: str | Path) -> None:
    """Write a density in the format of the suffix, whole or not at all.

    `.ccp4`, `.map`, `.mrc` and `.pgrid` hold float32; `.cube` nine digits in e/Bohr³ with the
    atoms; `.csv` one row per point, for small grids.

    Raises
    ------
    InputError
        The suffix is of no known format, or the file cannot be written.
    """
    _by_suffix(Path(path), _WRITERS)(density, path)


def _by_suffix(file: Path, known: dict[str, Function]) -> Function:
    function = known.get(file.suffix.lower())
    if function is None:
        raise InputError(
            "the ending names no format of densities",
            file=file,
            found=file.suffix or "no ending",
            expected=", ".join(known),
        )
    return function


def _check_cell(lattice: Lattice, crystal: Crystal, file: Path) -> None:
    theirs, ours = np.array(lattice.cell), np.array(crystal.lattice.cell)
    if np.any(np.abs(theirs - ours) > _SAME_CELL * ours):
        raise InputError(
            "the density has another cell than the crystal",
            file=file,
            key="cell",
            found=f"{theirs.tolist()}",
            expected=f"{ours.tolist()}, as in {crystal.source or 'the crystal'}",
        )


def _check_symmetry(values: FloatArray, symmetry: Symmetry, file: Path) -> None:
    """Compare a sample of grid points with their images under all operators."""
    points = np.unravel_index(np.linspace(0, values.size - 1, _SAMPLED).astype(int), values.shape)
    index = np.stack(points, axis=1)
    spread = float(values.std())
    for triplet, rotation, translation in zip(
        symmetry.triplets, symmetry.rotations, symmetry.translations, strict=True
    ):
        images = _images(index, rotation, translation, np.array(values.shape))
        if images is None:
            raise InputError(
                "the grid does not fit the symmetry of the crystal",
                file=file,
                found=f"{' × '.join(map(str, values.shape))} points, operator {triplet}",
                expected=f"a grid that {symmetry.name or 'the space group'} maps on itself",
            )
        apart = float(np.sqrt(np.mean((values[tuple(images.T)] - values[points]) ** 2)))
        if apart > _SAME_VALUE * spread:
            raise InputError(
                "the density does not have the symmetry of the crystal",
                file=file,
                found=f"images under {triplet} differ by {apart:.3g} e/Å³ (r.m.s.)",
                expected=symmetry.name or "the space group of the crystal",
                hint="check origin and setting, or leave the crystal out",
            )


def _images(
    index: IntArray, rotation: IntArray, translation: FloatArray, shape: IntArray
) -> IntArray | None:
    """Grid points R x + t of grid points; None when they are no grid points."""
    scaled = rotation * shape[:, None] / shape
    moved = translation * shape
    if np.abs(scaled - np.round(scaled)).max() > 1e-6 or np.abs(moved - np.round(moved)).max() > (
        1e-3
    ):
        return None
    result = index @ np.round(scaled).astype(int).T + np.round(moved).astype(int)
    return np.asarray(result % shape)
