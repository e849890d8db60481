"""Single tables in a folder of ShengBTE or FourPhonon: q-points, energies, velocities, rates.

`BTE.omega` has a row for each q-point, `BTE.v*` and `BTE.w*` go through all q-points of the first
branch, then of the second, and so on. Frequencies are in rad/ps, velocities in km/s, rates in
1/ps: FWHM = ħ w.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ixs_core.arrays import FloatArray, IntArray
from ixs_core.errors import InputError
from ixs_core.units import HBAR_MEV_PS
from simulate.transport.formats.fortran_numbers import TableReader

_SAME_FREQUENCY = 1e-6
_REFUSED = "BTE.w_final"


@dataclass(frozen=True)
class MeshTables:
    """What a run says besides its rates.

    Parameters
    ----------
    q_primitive : (nq, 3) array
    weights : (nq,) int array
    omega : (nq, ns) array
        rad/ps.
    """

    q_primitive: FloatArray
    weights: IntArray
    omega: FloatArray

    @property
    def energy_mev(self) -> FloatArray:
        """(nq, ns) ħω."""
        return np.asarray(HBAR_MEV_PS * self.omega)


def read_mesh_tables(root: Path, reader: TableReader) -> MeshTables:
    """BTE.qpoints and BTE.omega.

    Raises
    ------
    InputError
        One is missing or incomplete.
    """
    points = reader.read(_required(root, "BTE.qpoints"), 6)
    nq = len(points)
    omega = reader.read(_required(root, "BTE.omega"), nq).reshape(nq, -1)
    if omega.shape[1] % 3:
        raise InputError(
            "the frequencies are not those of the q-points",
            file=root / "BTE.omega",
            found=f"{omega.size} for {nq} q-points of BTE.qpoints",
            expected="three for each atom",
        )
    return MeshTables(points[:, 3:], np.rint(points[:, 2]).astype(np.int64), omega)


def read_velocities(root: Path, mesh: MeshTables, reader: TableReader) -> FloatArray | None:
    """(nq, ns, 3) km/s of BTE.v; None without it."""
    file = root / "BTE.v"
    if not file.is_file():
        return None
    nq, ns = mesh.omega.shape
    return reader.read(file, 3, nq * ns).reshape(ns, nq, 3).transpose(1, 0, 2)


def read_star_products(root: Path, mesh: MeshTables, reader: TableReader) -> FloatArray | None:
    """(nq, ns, 3, 3) mean v ⊗ v over each star, from BTE.v_full; None without it."""
    velocities, points = root / "BTE.v_full", root / "BTE.qpoints_full"
    if not (velocities.is_file() and points.is_file()):
        return None
    nq, ns = mesh.omega.shape
    owner = np.rint(reader.read(points, 5)[:, 1]).astype(np.int64) - 1
    if not np.array_equal(np.bincount(np.clip(owner, 0, nq), minlength=nq), mesh.weights):
        raise InputError(
            "the whole mesh does not belong to the irreducible q-points",
            file=points,
            expected="as many points for each as BTE.qpoints says",
        )
    full = reader.read(velocities, 3, len(owner) * ns).reshape(ns, len(owner), 3)
    product = np.zeros((nq, ns, 3, 3))
    np.add.at(product, owner, np.einsum("sqa,sqb->qsab", full, full))
    return product / mesh.weights[:, None, None, None]


def read_rates(file: Path, mesh: MeshTables, reader: TableReader, columns: int = 2) -> FloatArray:
    """(nq, ns) FWHM in meV of a table of frequency, (parts,) and rate.

    The frequency beside each rate tells which mode it belongs to, and that the file is of this
    run.

    Raises
    ------
    InputError
        The frequencies are not those of BTE.omega; the file is BTE.w_final.
    """
    if file.name.startswith(_REFUSED):
        raise refuse_final(file)
    nq, ns = mesh.omega.shape
    table = reader.read(file, columns, nq * ns)
    off = _distance(table[:, 0], mesh.omega.T.ravel())
    if off < _SAME_FREQUENCY:
        return HBAR_MEV_PS * table[:, -1].reshape(ns, nq).T
    if _distance(table[:, 0], mesh.omega.ravel()) < _SAME_FREQUENCY:
        reader.notes.append(f"{file.name}: rates stand q-point by q-point, by their frequencies")
        return HBAR_MEV_PS * table[:, -1].reshape(nq, ns)
    raise InputError(
        "the frequencies beside the rates are not those of BTE.omega",
        file=file,
        found=f"up to {off * np.abs(mesh.omega).max():.3g} rad/ps apart",
        hint="the folder holds files of different runs",
    )


def read_normal_and_umklapp(
    folder: Path, mesh: MeshTables, reader: TableReader
) -> FloatArray | None:
    """(nq, ns) FWHM of four-phonon scattering from its two halves; None without both.

    Each mode has five numbers over two lines: frequency, ++, +-, --, and their sum.
    """
    files = [folder / f"BTE.w_4ph_{part}" for part in ("normal", "Umklapp")]
    if not all(file.is_file() for file in files):
        return None
    first, second = (read_rates(file, mesh, reader, columns=5) for file in files)
    return first + second


def refuse_final(file: Path) -> InputError:
    """Why BTE.w_final is no linewidth, with counts."""
    return InputError(
        "this is not a linewidth: it is the rate that the iterated solution would need",
        file=file,
        found=_oddities(file),
        hint="read BTE.w, BTE.w_3ph, BTE.w_4ph or the whole folder",
    )


def final_note(folder: Path) -> tuple[str, ...]:
    """A note where a folder holds BTE.w_final, which is left alone."""
    file = folder / _REFUSED
    if not file.is_file():
        return ()
    return (f"{_REFUSED} left alone, it is no linewidth: {_oddities(file)}",)


def _oddities(file: Path) -> str:
    rates = TableReader().read(file, 2)[:, 1]
    missing, negative = int(np.isnan(rates).sum()), int((rates < 0).sum())
    return f"{missing} NaN and {negative} negative of {len(rates)}"


def temperature_of_folder(folder: Path) -> float | None:
    """300 of "T300K"."""
    match = re.fullmatch(r"T(\d+(?:\.\d*)?)K", folder.name)
    return None if match is None else float(match[1])


def _distance(frequencies: FloatArray, others: FloatArray) -> float:
    """Largest difference as a share of the highest frequency."""
    return float(np.abs(frequencies - others).max() / max(float(np.abs(others).max()), 1e-300))


def _required(root: Path, name: str) -> Path:
    file = root / name
    if not file.is_file():
        raise InputError(
            "a file is missing",
            file=file,
            expected="BTE.omega and BTE.qpoints in the folder of the run",
        )
    return file
