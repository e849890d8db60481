"""Which Born charges are used, and that they are possible."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np

from ixs_core.errors import InputError
from simulate.phonons.force_constants import PolarTerms
from simulate.phonons.loading.born_file import read_born
from simulate.phonons.loading.file_content import beside, mention, read_content
from simulate.phonons.loading.phonopy_yaml import Atoms, to_phonopy
from simulate.phonons.loading.supercell_model import SupercellModel

BORN = ("BORN",)

LARGEST_REPAIR = 0.5
"""In e: charges further from neutral and symmetric than this are of other atoms."""


def chosen_polar_terms(
    model: SupercellModel,
    symbols: tuple[str, ...],
    path: Path | None,
    born: Path | None,
    nac: bool,
) -> tuple[PolarTerms | None, tuple[str, ...]]:
    """The charges to use: those of `born`, else of the file itself, else of BORN beside it.

    Parameters
    ----------
    model : SupercellModel
    symbols : (n,) elements
    path : Path or None
        The force-constant file; None for an object.
    born : Path or None
        What the user gave.
    nac : bool
        False: none, whatever there is.

    Returns
    -------
    polar : PolarTerms or None
        Made neutral and symmetric.
    notes : tuple of str

    Raises
    ------
    InputError
        The BORN file is missing or broken, or the charges are impossible.
    """
    if born is not None and not born.is_file():
        raise InputError("missing BORN file", file=born, key="born")
    by_itself = None if path is None else beside(path, BORN)
    if not nac:
        unused = born or by_itself
        if unused is None and model.polar is None:
            return None, ()
        where = "the file" if unused is None else unused.name
        return None, (f"the Born charges of {where} are not used (nac=False)",)
    primitive = Atoms(model.vectors, model.positions, symbols, model.masses)
    if born is not None or (model.polar is None and by_itself is not None):
        file = born if born is not None else by_itself
        assert file is not None
        content = read_content(file)
        polar = read_born(content, primitive, model.units)
        note = f"Born charges from {mention(content)}"
    elif model.polar is not None:
        file, polar, note = path, model.polar, "Born charges from the file itself"
    else:
        return None, ("no Born charges were found: the crystal is treated as non-polar",)
    polar, repairs = _repaired(polar, primitive, file)
    return polar, (note, *repairs)


def _repaired(
    polar: PolarTerms, primitive: Atoms, file: Path | None
) -> tuple[PolarTerms, tuple[str, ...]]:
    """Charges made neutral and symmetric, as the acoustic sum rule and the crystal demand."""
    from phonopy.structure.symmetry import symmetrize_borns_and_epsilon

    n = len(primitive.symbols)
    if polar.born.shape != (n, 3, 3):
        raise InputError(
            "the Born charges are for another number of atoms",
            file=file,
            key="born_effective_charge",
            found=f"{len(polar.born)} tensors",
            expected=f"{n} (atoms of the primitive cell)",
        )
    symmetric = (polar.dielectric + polar.dielectric.T) / 2
    lowest = float(np.linalg.eigvalsh(symmetric).min())
    if lowest <= 0 or np.abs(polar.dielectric - symmetric).max() > 0.1 * np.abs(symmetric).max():
        raise InputError(
            "this dielectric tensor is not possible",
            file=file,
            key="dielectric_constant",
            found=np.round(polar.dielectric, 4).tolist(),
            expected="a symmetric tensor with eigenvalues above 0 (1 in vacuum)",
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # its size is told below
        born, dielectric = symmetrize_borns_and_epsilon(
            polar.born.transpose(0, 2, 1).astype(np.float64),
            symmetric.astype(np.float64),
            to_phonopy(primitive, np.ones(n)),
        )
    born = np.array(born).transpose(0, 2, 1)
    change = float(np.abs(born - polar.born).max())
    if change > LARGEST_REPAIR:
        raise InputError(
            "the Born charges are neither neutral nor symmetric",
            file=file,
            key="born_effective_charge",
            found=f"{change:.2g} e from it; sum of the charges "
            f"{np.trace(polar.born.sum(axis=0)) / 3:.2g} e",
            expected="charges of these atoms, in their order",
            hint="give nac=False to leave them out",
        )
    repaired = replace(polar, born=born, dielectric=np.array(dielectric))
    if change < 1e-8:
        return repaired, ()
    return repaired, (f"Born charges made neutral and symmetric, by up to {change:.2g} e",)
