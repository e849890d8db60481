"""Folder of kaldo: frequency, velocity and bandwidth as numpy files or formatted text.

kaldo keeps `<folder>/4_4_4/frequency.npy` (THz), `velocity.npy` (Å/ps) and, below,
`300/quantum/bandwidth.npy` (1/ps, the inverse of the lifetime: FWHM = ħ b), each for the whole
mesh, the last index of q running fastest; its other storage writes `.dat` text with one line of
header, velocities in three files. It keeps neither cell nor q-points.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from ixs_core.provenance import sha256_of
from ixs_core.units import HBAR_MEV_PS, THZ_IN_MEV
from simulate.transport.lifetimes import Linewidths
from simulate.transport.structure import read_structure, require_fit

A_PER_PS_IN_KM_PER_S = 0.1
_MESH = re.compile(r"(\d+)_(\d+)_(\d+)")
_ENDINGS = (".npy", ".dat")
_STATISTICS = ("quantum", "classic")
_LEVELS_UP = 5  # from a folder of widths to the one of its mesh


@dataclass
class _Files:
    """What was read, for the provenance."""

    root: Path
    sources: dict[str, str] = field(default_factory=dict)

    def read(self, folder: Path, name: str) -> FloatArray | None:
        """An array of a folder in either storage; None without it."""
        for ending in _ENDINGS:
            file = folder / (name + ending)
            if file.is_file():
                self.sources[str(file.relative_to(self.root))] = sha256_of(file)
                return _array(file)
        return None


def is_kaldo_folder(path: Path) -> bool:
    """Whether a folder, or one above or below it, holds frequencies as kaldo keeps them."""
    return path.is_dir() and bool(_mesh_folders(path))


def read_kaldo_folder(path: Path, *, structure: Path | None = None) -> Linewidths:
    """Linewidths and velocities of a folder; κ where kaldo kept its own.

    Parameters
    ----------
    path : Path
        The folder that kaldo was given, or one inside it where several calculations lie there.
    structure : Path, optional
        The crystal, whose volume κ needs.

    Raises
    ------
    InputError
        Several meshes or settings are in the folder, files are missing or hold pickled objects.
    """
    home, mesh = _only_mesh(path)
    files = _Files(home)
    frequency = _required(files, home, "frequency", 2)
    nq, ns = math.prod(mesh), frequency.shape[1]
    below = path if home in path.parents else home
    folders = _width_folders(below, home)
    processes = _processes(files, folders, (nq, ns))
    velocity = _velocity(files, home)
    crystal = None if structure is None else read_structure(structure)
    if crystal is not None:
        require_fit(crystal, ns, None)
        files.sources[crystal.file.name] = crystal.sha256
    kelvin = list(folders)
    kappa = np.array([_kappa(files, folder) for folder in folders.values()])
    notes = ["q-points in kaldo's usual order, the last index fastest (grid_type 'C')"]
    if "classic" in str(next(iter(folders.values())).relative_to(home)).split("/"):
        notes.append("CHECK: classical statistics; κ is rebuilt with quantum heat capacities")
    return Linewidths(
        q_primitive=np.indices(mesh).reshape(3, -1).T / np.array(mesh),
        weights=np.ones(nq, dtype=np.int64),
        energy_mev=frequency * THZ_IN_MEV,
        temperature_k=np.array(kelvin),
        processes=processes,
        mesh=mesh,
        velocity_km_s=velocity,
        primitive=None if crystal is None else crystal.primitive,
        volume_A3=None if crystal is None else crystal.volume_A3,
        source=f"kaldo, {home}",
        sources=tuple(files.sources.items()),
        notes=tuple(notes),
        kappa_stated=kappa if np.isfinite(kappa).any() else None,
    )


def _mesh_folders(path: Path) -> dict[Path, tuple[int, int, int]]:
    """Folders named by a mesh that hold frequencies: below a folder, or above it."""
    above = [path, *path.parents][:_LEVELS_UP]
    found = {}
    for folder in (*above, *sorted(path.glob("*_*_*")), *sorted(path.glob("*/*_*_*"))):
        named = _MESH.fullmatch(folder.name)
        if named and any((folder / f"frequency{ending}").is_file() for ending in _ENDINGS):
            found[folder] = (int(named[1]), int(named[2]), int(named[3]))
    return found


def _only_mesh(path: Path) -> tuple[Path, tuple[int, int, int]]:
    found = _mesh_folders(path)
    if len(found) != 1:
        raise InputError(
            "several meshes are in the folder",
            file=path,
            found=", ".join(folder.name for folder in found),
            expected="one",
            hint="give the folder of one mesh",
        )
    return next(iter(found.items()))


def _width_folders(below: Path, home: Path) -> dict[float, Path]:
    """Temperature -> the one folder of its widths."""
    names = [f"{name}{end}" for name in ("bandwidth", "anharmonic_bandwidth") for end in _ENDINGS]
    folders = sorted({file.parent for name in names for file in below.rglob(name)})
    by_kelvin: dict[float, list[Path]] = {}
    for folder in folders:
        kelvin = _temperature(folder.relative_to(home))
        if kelvin is not None:
            by_kelvin.setdefault(kelvin, []).append(folder)
    several = [folder for same in by_kelvin.values() if len(same) > 1 for folder in same]
    if several:
        raise InputError(
            "several calculations of one temperature are in the folder",
            file=below,
            found=", ".join(str(folder.relative_to(home)) for folder in several),
            expected="one",
            hint="give the folder of one of them",
        )
    if not by_kelvin:
        raise InputError(
            "no linewidths are in the folder",
            file=below,
            expected="bandwidth.npy or bandwidth.dat in a folder such as 300/quantum",
        )
    return {kelvin: by_kelvin[kelvin][0] for kelvin in sorted(by_kelvin)}


def _temperature(place: Path) -> float | None:
    """300 of "300/quantum/tb_0.5": the folder before that of the statistics."""
    for before, after in zip(place.parts, place.parts[1:], strict=False):
        if after in _STATISTICS and re.fullmatch(r"\d+(\.\d+)?", before):
            return float(before)
    return None


def _processes(
    files: _Files, folders: dict[float, Path], shape: tuple[int, int]
) -> dict[str, FloatArray]:
    """Anharmonic and isotopic widths where both are kept, else their sum."""
    tables = [_widths(files, folder, shape) for folder in folders.values()]
    common = set.intersection(*(set(table) for table in tables))
    parts = [name for name in ("3ph", "isotope") if name in common]
    names = parts if "3ph" in common else ["total"]
    if names == ["total"] and "total" not in common:
        raise InputError("the temperatures do not have the same widths", file=files.root)
    return {name: np.array([table[name] for table in tables]) for name in names}


def _widths(files: _Files, folder: Path, shape: tuple[int, int]) -> dict[str, FloatArray]:
    places = (folder, *[f for f in folder.parents if files.root in (f, *f.parents)])
    isotopic = (found for f in places if (found := files.read(f, "isotopic_bandwidth")) is not None)
    kept = {
        "total": files.read(folder, "bandwidth"),
        "3ph": files.read(folder, "anharmonic_bandwidth"),
        "isotope": next(isotopic, None),
    }
    widths = {}
    for name, rate in kept.items():
        if rate is not None:
            if rate.size != math.prod(shape):
                raise InputError(
                    "the widths do not belong to the frequencies",
                    file=folder,
                    key=name,
                    found=f"shape {rate.shape}",
                    expected=f"{shape}",
                )
            widths[name] = HBAR_MEV_PS * rate.reshape(shape)
    total, anharmonic = widths.get("total"), widths.get("3ph")
    if total is not None and anharmonic is not None and np.allclose(total, anharmonic, rtol=1e-6):
        widths.pop("isotope", None)  # kept beside, and not asked for in this calculation
    return widths


def _velocity(files: _Files, home: Path) -> FloatArray | None:
    whole = files.read(home, "velocity")
    if whole is None:
        axes = [files.read(home, f"velocity_{axis}") for axis in range(3)]
        along = [axis for axis in axes if axis is not None]
        if len(along) < 3:
            return None
        whole = np.stack(along, axis=-1)
    return A_PER_PS_IN_KM_PER_S * whole


def _kappa(files: _Files, folder: Path) -> FloatArray:
    """(3, 3) κ with relaxation times, the sum over modes; NaN where kaldo kept none."""
    rta = folder / "rta"
    whole = files.read(rta, "conductivity")
    if whole is not None and whole.shape[-2:] == (3, 3):
        return np.asarray(whole.reshape(-1, 3, 3).sum(axis=0))
    kappa = np.full((3, 3), np.nan)
    for row, column in np.ndindex(3, 3):
        modes = files.read(rta, f"conductivity_{row}_{column}")
        if modes is not None:
            kappa[row, column] = modes.sum()
    return kappa


def _required(files: _Files, folder: Path, name: str, rank: int) -> FloatArray:
    array = files.read(folder, name)
    points = math.prod(int(n) for n in folder.name.split("_"))
    if array is None or array.ndim != rank or len(array) != points:
        raise InputError(
            "the frequencies are not those of the mesh",
            file=folder,
            key=name,
            found="none" if array is None else f"shape {array.shape}",
            expected=f"({points}, branches)",
        )
    return array


def _array(file: Path) -> FloatArray:
    """Numbers of a numpy file or a formatted one; nothing is unpickled."""
    try:
        if file.suffix == ".npy":
            loaded = np.load(file, allow_pickle=False)
        else:
            loaded = np.loadtxt(file, ndmin=2)
        return np.asarray(loaded, dtype=float)
    except (ValueError, TypeError, OSError, EOFError) as error:
        raise InputError(
            "this is no array of numbers",
            file=file,
            found=str(error),
            hint="arrays of Python objects are not unpickled, as that could run code",
        ) from error
