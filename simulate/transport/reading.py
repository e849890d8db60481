"""Linewidths from files of any source, recognised by their content."""

from __future__ import annotations

from pathlib import Path

import h5py

from ixs_core.errors import InputError
from simulate.transport.lifetimes import Linewidths
from simulate.transport.linewidth_checks import checked

_HDF5 = b"\x89HDF\r\n\x1a\n"
_EXPECTED = (
    "kappa-m*.hdf5 of phono3py, a folder of ShengBTE or FourPhonon (BTE.omega), a folder of kaldo "
    "(4_4_4/frequency.npy), a table with a header (q1 q2 q3 energy_mev fwhm_mev), or a project "
    "that keeps linewidths"
)


def read_linewidths(
    path: str | Path,
    *,
    temperature_k: float | None = None,
    sigma: float | None = None,
    structure: str | Path | None = None,
) -> Linewidths:
    """Phonon linewidths that another program computed, FWHM in meV, checked.

    phono3py 2.x to 4.x (gamma: half widths in THz), ShengBTE and FourPhonon (rates in 1/ps),
    kaldo (bandwidth in 1/ps), tables whose header names the units, and projects of ours. Where
    the files state κ it is rebuilt from energies, velocities and widths, and a difference of over
    1 % is noted.

    Parameters
    ----------
    path : path
        A file, or the folder of a run.
    temperature_k : float, optional
        Of widths whose files do not tell it.
    sigma : float, optional
        Smearing in THz, where phono3py used several.
    structure : path, optional
        The crystal (phonopy or phono3py YAML, POSCAR, CONTROL) where no file beside tells it: for
        the volume, and for κ along the axes from velocities at irreducible q-points.

    Returns
    -------
    Linewidths
        Branches by rising energy; `notes` say what was chosen, repaired or is odd.

    Raises
    ------
    InputError
        The path is none of these, or what it holds is incomplete, of different runs or
        temperatures, negative, or without units.
    """
    place = Path(path)
    crystal = None if structure is None else Path(structure)
    return checked(_read(place, temperature_k, sigma, crystal), place)


def _read(
    path: Path, temperature_k: float | None, sigma: float | None, structure: Path | None
) -> Linewidths:
    from simulate.transport.formats.shengbte_run import is_shengbte_run, read_shengbte_run

    if not path.exists():
        raise InputError("there is no such file or folder", file=path)
    if is_shengbte_run(path):
        return read_shengbte_run(path, temperature_k=temperature_k, structure=structure)
    if path.is_dir():
        return _read_folder(path, sigma, structure)
    with path.open("rb") as stream:
        is_hdf5 = stream.read(len(_HDF5)) == _HDF5
    if is_hdf5:
        return _read_hdf5(path, sigma, structure)
    from simulate.phonons.loading.file_content import read_content
    from simulate.transport.formats.linewidth_columns import (
        is_linewidth_columns,
        read_linewidth_columns,
    )

    content = read_content(path)
    if not is_linewidth_columns(content.text):
        raise InputError("this file has no linewidths", file=path, expected=_EXPECTED)
    return read_linewidth_columns(content, temperature_k=temperature_k, structure=structure)


def _read_folder(path: Path, sigma: float | None, structure: Path | None) -> Linewidths:
    from simulate.transport.formats.kaldo_folder import is_kaldo_folder, read_kaldo_folder
    from simulate.transport.formats.phono3py_kappa import choose_kappa_file, read_phono3py_kappa

    files = sorted(path.glob("kappa*.hdf5"))
    if files:
        return read_phono3py_kappa(
            choose_kappa_file(files, sigma), sigma=sigma, structure=structure
        )
    if is_kaldo_folder(path):
        return read_kaldo_folder(path, structure=structure)
    raise InputError("this folder has no linewidths", file=path, expected=_EXPECTED)


def _read_hdf5(path: Path, sigma: float | None, structure: Path | None) -> Linewidths:
    from simulate.transport.formats.phono3py_kappa import is_phono3py_kappa, read_phono3py_kappa
    from simulate.transport.linewidths_store import linewidths_of_project

    try:
        with h5py.File(path, "r", locking=False) as h5:
            of_phono3py = is_phono3py_kappa(h5)
            kept = None if of_phono3py else linewidths_of_project(h5)
    except OSError as error:
        raise InputError(f"the HDF5 file is broken ({error})", file=path) from error
    if of_phono3py:
        return read_phono3py_kappa(path, sigma=sigma, structure=structure)
    if kept is None:
        raise InputError("this HDF5 file has no linewidths", file=path, expected=_EXPECTED)
    return kept
