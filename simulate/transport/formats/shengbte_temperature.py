"""Which temperature the files of a ShengBTE or FourPhonon folder are of, and the κ they state."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.optimize import brentq

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from ixs_core.units import MEV
from simulate.phonons.loading.namelist import Namelist
from simulate.transport.formats.fortran_numbers import TableReader
from simulate.transport.formats.shengbte_tables import MeshTables
from simulate.transport.heat_capacity import mode_heat_capacity

_SAME_CAPACITY = 1e-3
_SAME_K = 0.01
_BY_TEMPERATURE = "BTE.KappaTensorVsT_RTA"
_CUBIC_A_IN_CUBIC_M = 1e-30


def check_heat_capacity(
    folder: Path, kelvin: float, mesh: MeshTables, volume_A3: float | None, reader: TableReader
) -> None:
    """Require that BTE.cv (J/(K m³)) is that of the temperature which the folder names.

    Raises
    ------
    InputError
        It is that of another temperature, which is named.
    """
    file = folder / "BTE.cv"
    if volume_A3 is None or not file.is_file():
        return
    stated = float(reader.read(file, 1)[0, 0])
    if abs(_capacity(mesh, kelvin, volume_A3) - stated) <= _SAME_CAPACITY * stated:
        return
    raise InputError(
        "the heat capacity is that of another temperature than the folder's",
        file=file,
        found=f"{stated:.6g} J/(K m³), that of {_temperature_of(stated, mesh, volume_A3)}",
        expected=f"{_capacity(mesh, kelvin, volume_A3):.6g} at {kelvin:g} K",
        hint="the folder holds files of different temperatures or runs",
    )


def check_named_temperatures(
    root: Path, kelvin: Sequence[float], control: Namelist | None, reader: TableReader
) -> list[str]:
    """Notes on temperatures in CONTROL and in tables over temperature that have no rates here."""
    notes = []
    if control is not None and "t" in control:
        asked = float(control.array("t", (1,))[0])
        if not _has(kelvin, asked):
            notes.append(f"CONTROL is of {asked:g} K, the rates of {_listed(kelvin)}")
    for name, columns in ((_BY_TEMPERATURE, 10), ("BTE.cvVsT", 2)):
        if (root / name).is_file():
            odd = [t for t in reader.read(root / name, columns)[:, 0] if not _has(kelvin, t)]
            if odd:
                notes.append(
                    f"CHECK: {name} is of {_listed(odd)}, for which there are no rates: "
                    "left alone (files of different temperatures in one folder?)"
                )
    return notes


def stated_kappa(
    root: Path, folders: Sequence[Path], kelvin: Sequence[float], reader: TableReader
) -> tuple[FloatArray, tuple[str, ...]]:
    """(nt, 3, 3) κ_RTA that the files state, NaN where none do, and notes.

    The first row of BTE.kappa_tensor (iteration 0), else BTE.KappaTensorVsT_RTA.
    """
    kappa = np.full((len(kelvin), 3, 3), np.nan)
    used: dict[str, None] = {}
    by_temperature: FloatArray = np.empty((0, 10))
    if (root / _BY_TEMPERATURE).is_file():
        by_temperature = reader.read(root / _BY_TEMPERATURE, 10)
    for place, (folder, at_k) in enumerate(zip(folders, kelvin, strict=True)):
        file = folder / "BTE.kappa_tensor"
        rows = reader.read(file, 10) if file.is_file() else np.empty((0, 10))
        if len(rows) and rows[0, 0] == 0:
            kappa[place] = rows[0, 1:].reshape(3, 3)
            used["BTE.kappa_tensor, iteration 0"] = None
            continue
        near = np.abs(by_temperature[:, 0] - at_k) < _SAME_K
        if near.any():
            kappa[place] = by_temperature[near][0, 1:].reshape(3, 3)
            used[_BY_TEMPERATURE] = None
    return kappa, tuple(f"κ of the file: {name}" for name in used)


def _capacity(mesh: MeshTables, kelvin: float, volume_A3: float) -> float:
    """J/(K m³)."""
    capacity = mode_heat_capacity(mesh.energy_mev, kelvin).sum(axis=1)
    mean = float(mesh.weights @ capacity / mesh.weights.sum())
    return mean * MEV / (volume_A3 * _CUBIC_A_IN_CUBIC_M)


def _temperature_of(stated: float, mesh: MeshTables, volume_A3: float) -> str:
    low, high = 1.0, 1e4
    bounds = [_capacity(mesh, kelvin, volume_A3) for kelvin in (low, high)]
    if not bounds[0] < stated < bounds[1]:
        return "no temperature"
    kelvin = brentq(lambda t: _capacity(mesh, t, volume_A3) - stated, low, high, xtol=1e-3)
    return f"{kelvin:.4g} K"


def _has(kelvin: Sequence[float], wanted: float) -> bool:
    return any(abs(known - wanted) < _SAME_K for known in kelvin)


def _listed(kelvin: Sequence[float]) -> str:
    return ", ".join(f"{t:g}" for t in kelvin) + " K"
