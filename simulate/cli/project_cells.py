"""The cells in which the scans of a project count hkl, against that of a calculation."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ixs_core.errors import InputError

if TYPE_CHECKING:
    from ixs_core.lattice import Lattice
    from ixs_core.project import Project

Cell = tuple[float, float, float, float, float, float]


def cells_of_spectra(project: Project, scans: str | None = None) -> dict[str, Cell | None]:
    """The measured cell of every reduced scan of a project, by its key; None where unknown.

    Parameters
    ----------
    project : Project
    scans : str, optional
        A selection as "58-69,71".

    Raises
    ------
    InputError
        The project has no spectra, or none of the selection.
    """
    from ixs_reduce.project_fit import load_spectra
    from ixs_reduce.store import read_scan, scan_keys

    groups = load_spectra(project, scans).by_key
    with project.reading() as h5:
        known = {key: read_scan(h5, key).lattice for key in scan_keys(h5)}
    cells: dict[str, Cell | None] = {}
    for key, group in groups.items():
        stem = Path(group[0].file or "").stem
        labels = (group[0].scan or "").split("+")
        cells[key] = next((c for s in labels if (c := known.get(f"{stem}_{s}"))), known.get(key))
    return cells


def lattice_that_fits(force_constants: Path, cells: Mapping[str, Cell | None]) -> Lattice | None:
    """The measured cell that the force constants can have; None where no cell is known.

    Raises
    ------
    InputError
        Several crystals were measured and none is that of the force constants.
    """
    from ixs_core.lattice import Lattice
    from simulate.phonons import PhononModel

    distinct = list(dict.fromkeys(cell for cell in cells.values() if cell is not None))
    if len(distinct) < 2:
        return Lattice.from_cell(distinct[0]) if distinct else None
    misfit = None
    for cell in distinct:
        try:
            PhononModel.load(force_constants, nac=False, cell=cell)
        except InputError as error:
            if error.key != "cell":
                raise
            misfit = error
        else:
            return Lattice.from_cell(cell)
    assert misfit is not None
    raise misfit


def scans_of_crystal(
    project: Project, force_constants: Path, scans: str | None = None
) -> tuple[str, ...]:
    """Keys of the scans that are of the crystal of some force constants, or of an unknown one.

    Raises
    ------
    InputError
        None is.
    """
    from simulate.phonons import PhononModel

    cells = cells_of_spectra(project, scans)
    lattice = lattice_that_fits(force_constants, cells)
    cell = None if lattice is None else lattice.cell
    model = PhononModel.load(force_constants, nac=False, cell=cell)
    foreign = other_crystals(model.lattice, cells)
    if len(foreign) == len(cells):
        raise InputError("no scan is of the crystal of the force constants", file=project.path)
    return tuple(key for key in cells if key not in foreign)


def other_crystals(lattice: Lattice, cells: Mapping[str, Cell | None]) -> tuple[str, ...]:
    """Keys of the scans whose cell, axis by axis, is not that of a calculation."""
    from ixs_core.lattice import Lattice
    from simulate.phonons.loading.conventional_cell import same_cell

    return tuple(
        key
        for key, cell in cells.items()
        if cell is not None and not same_cell(lattice, Lattice.from_cell(cell))
    )
