"""Read structure factors with the model that belongs to them, ready for a reconstruction."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from ixs_core.cif import read_crystal, read_lattice
from ixs_core.cif_block import normal_tag
from ixs_core.crystal import Crystal
from ixs_core.errors import InputError
from mem.formats.measured import read_measured
from mem.formats.refinement_details import refinement_details
from mem.formats.text_file import read_text_file
from mem.preparation import Weights, prepare
from mem.reflections import MeasuredReflections, Reflections

_CELL_NOTED, _CELL_IMPOSSIBLE = 0.002, 0.02  # relative, and in radians


def read_reflections(
    path: str | Path,
    structure: str | Path | Crystal | None = None,
    *,
    observed_only: bool = False,
    weights: Weights = "refinement",
    relative_sigma: float | None = None,
) -> Reflections:
    """Phased structure factors of a file, without dispersion, on absolute scale.

    Parameters
    ----------
    path : str or Path
        CIF of a refinement with its reflections, SHELXL .fcf, HKLF 4 .hkl, or an input file of
        Dysnomia or BayMEM (which are phased: they go on as they are).
    structure : path or Crystal, optional
        The refined model (a CIF), for files that hold none. Without it that of the same file.
    observed_only : bool
        Leave out reflections that are not observed.
    weights : "refinement", "sigma" or (a, b)
        σ²(F²) of the refinement's weighting scheme, of the file alone, or σ² + (aP)² + bP.
    relative_sigma : float, optional
        σ(F²)/F² for files that give no σ.

    Raises
    ------
    InputError
        The file cannot be read, has no model and none is given, or `mem.preparation.prepare`
        raises.
    """
    path = Path(path)
    given = structure if isinstance(structure, Crystal) else None
    model_file = path if structure is None else None
    if isinstance(structure, str | Path):
        model_file = Path(structure)
        given = read_crystal(model_file)
    measured = read_measured(path, relative_sigma, structure=given)
    if isinstance(measured, Reflections):
        return _with_structure(measured, given)
    crystal = given or _structure_of(path)
    measured = _with_refinement(measured, model_file)
    measured = _with_same_cell(measured, path, crystal)
    return prepare(measured, crystal, observed_only=observed_only, weights=weights)


def _with_structure(reflections: Reflections, structure: Crystal | None) -> Reflections:
    if structure is None or reflections.structure is not None:
        return reflections
    return replace(reflections, structure=structure)


def _structure_of(path: Path) -> Crystal:
    try:
        return read_crystal(path)
    except InputError as error:
        if _describes_a_structure(path):
            raise
        raise InputError(
            "the reflections have no phases, and the file holds no structure to calculate them",
            file=path,
            hint="give the CIF of the refinement as the structure",
        ) from error


def _describes_a_structure(path: Path) -> bool:
    """Whether a file has atoms, right or wrong; its faults are then what is to be told."""
    return any("_atom_site_fract" in normal_tag(line) for line in read_text_file(path).lines)


def _with_refinement(measured: MeasuredReflections, model_file: Path | None) -> MeasuredReflections:
    """Weights and extinction of the model's CIF where the list of reflections names none."""
    if model_file is None or (measured.extinction and measured.weights != (0.0, 0.0)):
        return measured
    weights, extinction = refinement_details(model_file)
    return replace(
        measured,
        weights=weights if measured.weights == (0.0, 0.0) else measured.weights,
        extinction=measured.extinction or extinction,
    )


def _with_same_cell(
    measured: MeasuredReflections, path: Path, crystal: Crystal
) -> MeasuredReflections:
    """Compare the cell that the list names, if any, with that of the model."""
    try:
        lattice = read_lattice(path)
    except InputError:  # HKLF 4 and other lists name no cell
        return measured
    ours, theirs = np.array(crystal.lattice.cell), np.array(lattice.cell)
    off = np.abs(np.append(theirs[:3] / ours[:3] - 1, np.radians(theirs[3:] - ours[3:]))).max()
    if off > _CELL_IMPOSSIBLE:
        raise InputError(
            "the cell of the reflections is not that of the structure",
            file=path,
            found=lattice.cell,
            expected=f"{crystal.lattice.cell} of {crystal.source or 'the structure'}",
        )
    if off > _CELL_NOTED:
        words = (
            f"the cell of the reflections {lattice.cell} differs by up to {100 * off:.1f} % from "
            f"that of the structure {crystal.lattice.cell}, which is used"
        )
        return replace(measured, notes=(*measured.notes, words))
    return measured
