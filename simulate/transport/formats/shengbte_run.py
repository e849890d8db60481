"""Folder of a ShengBTE or FourPhonon run, with its T300K and other folders of temperatures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from simulate.phonons.loading.file_content import read_content
from simulate.phonons.loading.namelist import Namelist, read_namelist
from simulate.phonons.loading.shengbte import NM_IN_ANGSTROM
from simulate.transport.formats.fortran_numbers import TableReader
from simulate.transport.formats.shengbte_tables import (
    MeshTables,
    final_note,
    read_mesh_tables,
    read_normal_and_umklapp,
    read_rates,
    read_star_products,
    read_velocities,
    refuse_final,
    temperature_of_folder,
)
from simulate.transport.formats.shengbte_temperature import (
    check_heat_capacity,
    check_named_temperatures,
    stated_kappa,
)
from simulate.transport.lifetimes import Linewidths
from simulate.transport.structure import (
    Structure,
    read_structure,
    require_fit,
    star_products,
    structure_of_control,
)

_FILES = {
    "BTE.w_3ph": "3ph",
    "BTE.w_anharmonic": "3ph",
    "BTE.w_4ph": "4ph",
    "BTE.w_isotopic": "isotope",
}
_TOTAL, _BOUNDARY = "BTE.w", "BTE.w_boundary"
_SAME_SUM = 1e-4
_SAME_VOLUME = 1e-3


@dataclass(frozen=True)
class _Run:
    """Folders of a run, and the only file to read where one was named."""

    root: Path
    folders: tuple[Path, ...]
    only: Path | None = None


def is_shengbte_run(path: Path) -> bool:
    """Whether a path is the folder of a run, one of its temperatures, or one of its files."""
    if path.is_dir():
        return any((folder / "BTE.omega").is_file() for folder in (path, path.parent))
    return path.name.startswith("BTE.")


def read_shengbte_run(
    path: Path, *, temperature_k: float | None = None, structure: Path | None = None
) -> Linewidths:
    """Linewidths, velocities and κ of a run.

    Parameters
    ----------
    path : Path
        The folder of the run, one of its folders of temperatures (T300K), or one BTE.w* file.
    temperature_k : float, optional
        Of rates that lie in no folder of a temperature.
    structure : Path, optional
        The crystal; by default CONTROL in the folder.

    Raises
    ------
    InputError
        Files are missing, incomplete, of different runs or temperatures; BTE.w_final is asked
        for.
    """
    run = _run_of(path)
    reader = TableReader()
    mesh = read_mesh_tables(run.root, reader)
    kelvin = _temperatures(run, temperature_k)
    processes = _all_processes(run, mesh, reader)
    control = _control(run.root, reader)
    crystal = _crystal(run.root, control, structure, mesh.omega.shape[1])
    primitive = _primitive(run.root, crystal, reader)
    velocity = read_velocities(run.root, mesh, reader)
    product = read_star_products(run.root, mesh, reader)
    if product is None and velocity is not None and crystal is not None:
        product = star_products(velocity, crystal)
    volume = None if primitive is None else abs(float(np.linalg.det(primitive)))
    for folder, at_k in zip(run.folders, kelvin, strict=True):
        check_heat_capacity(folder, at_k, mesh, volume, reader)
    reader.notes += check_named_temperatures(run.root, kelvin, control, reader)
    kappa, notes = stated_kappa(run.root, run.folders, kelvin, reader)
    if run.only is not None:  # the κ of the run is of all its processes
        notes = (f"only {run.only.name} is read: other processes of the run are not in the widths",)
        kappa = np.full_like(kappa, np.nan)
    for folder in dict.fromkeys(run.folders):
        notes += final_note(folder)
    four = "4ph" in processes or (run.root / "BTE.P4").is_file()
    return Linewidths(
        q_primitive=mesh.q_primitive,
        weights=mesh.weights,
        energy_mev=mesh.energy_mev,
        temperature_k=np.array(kelvin),
        processes=processes,
        mesh=_divisions(control),
        velocity_km_s=velocity,
        primitive=primitive,
        volume_A3=volume,
        source=f"{'FourPhonon' if four else 'ShengBTE'}, {run.root.name or run.root}",
        sources=tuple(reader.sources.items()),
        notes=(*reader.notes, *notes),
        velocity_product=product,
        kappa_stated=kappa if np.isfinite(kappa).any() else None,
    )


def _run_of(path: Path) -> _Run:
    only = None if path.is_dir() else path
    if only is not None and only.name.startswith("BTE.w_final"):
        raise refuse_final(only)
    if only is not None and not only.name.startswith(("BTE.w", "BTE.omega")):
        raise InputError("this file has no linewidths", file=only, expected="BTE.w* or the folder")
    here = path if path.is_dir() else path.parent
    root = here if (here / "BTE.omega").is_file() else here.parent
    if only is not None and only.name == "BTE.omega":
        only = None
    if temperature_of_folder(here) is not None and root != here:
        return _Run(root, (here,), only)
    found = [f for f in root.iterdir() if f.is_dir() and temperature_of_folder(f) is not None]
    found.sort(key=lambda folder: temperature_of_folder(folder) or 0.0)
    if only is not None or not found:
        return _Run(root, (root,), only)
    return _Run(root, tuple(found))


def _temperatures(run: _Run, given: float | None) -> list[float]:
    if run.folders == (run.root,):
        if given is not None:
            return [given]
        raise InputError(
            "the temperature of these rates is not known",
            file=run.only or run.root,
            expected="a folder such as T300K",
            hint="give the temperature (temperature_k=, on the command line --temperature)",
        )
    return [temperature_of_folder(folder) or 0.0 for folder in run.folders]


def _all_processes(run: _Run, mesh: MeshTables, reader: TableReader) -> dict[str, FloatArray]:
    """Process -> (nt, nq, ns) FWHM in meV; the same processes at all temperatures."""
    if run.only is not None:
        name = _FILES.get(run.only.name, run.only.name.removeprefix("BTE.w_"))
        width = read_rates(run.only, mesh, reader)
        return {"total" if run.only.name == _TOTAL else name: width[None]}
    tables = [_processes(folder, run.root, mesh, reader) for folder in run.folders]
    for folder, table in zip(run.folders, tables, strict=True):
        if table.keys() != tables[0].keys():
            raise InputError(
                "the temperatures do not have the same processes",
                file=folder,
                found=", ".join(table),
                expected=f"{', '.join(tables[0])}, as in {run.folders[0].name}",
            )
    return {name: np.array([table[name] for table in tables]) for name in tables[0]}


def _processes(
    folder: Path, root: Path, mesh: MeshTables, reader: TableReader
) -> dict[str, FloatArray]:
    """Process -> (nq, ns) FWHM of one temperature, checked against their sum BTE.w."""
    parts: dict[str, FloatArray] = {}
    for name, process in _FILES.items():
        file = next((f / name for f in (folder, root) if (f / name).is_file()), None)
        if file is not None and process not in parts:
            parts[process] = read_rates(file, mesh, reader)
    halves = read_normal_and_umklapp(folder, mesh, reader)
    if halves is not None and "4ph" not in parts:
        parts["4ph"] = halves
        reader.notes.append("4ph: normal and Umklapp parts together")
    elif halves is not None and _apart(halves, parts["4ph"]) > _SAME_SUM:
        raise _mixed(folder / "BTE.w_4ph_normal", "BTE.w_4ph", "normal and Umklapp parts")
    total = read_rates(folder / _TOTAL, mesh, reader) if (folder / _TOTAL).is_file() else None
    if set(parts) <= {"isotope"}:
        if total is None:
            raise InputError(
                "no rates of scattering are here",
                file=folder,
                expected="BTE.w, BTE.w_3ph or BTE.w_anharmonic",
            )
        return {"total": total}
    if total is not None:
        _reconcile(parts, total, folder, root, mesh, reader)
    return parts


def _reconcile(
    parts: dict[str, FloatArray],
    total: FloatArray,
    folder: Path,
    root: Path,
    mesh: MeshTables,
    reader: TableReader,
) -> None:
    """Require that the parts sum up to BTE.w, with the boundary if that makes the sum.

    BTE.w_boundary is |v| over 1 nm in most runs, and then no part of the rates.
    """
    added = np.asarray(sum(parts.values()))
    boundary = root / _BOUNDARY
    if boundary.is_file():
        width = read_rates(boundary, mesh, reader)
        if _apart(added, total) > _SAME_SUM and _apart(added + width, total) <= _SAME_SUM:
            parts["boundary"] = width
            return
        note = f"{_BOUNDARY} left out: it is no part of BTE.w (|v| over 1 nm)"
        if note not in reader.notes:
            reader.notes.append(note)
    if _apart(added, total) > _SAME_SUM:
        raise _mixed(folder / _TOTAL, "the sum of " + ", ".join(parts), "BTE.w")


def _mixed(file: Path, first: str, second: str) -> InputError:
    return InputError(
        f"{first} and {second} do not agree",
        file=file,
        expected=f"the same within {_SAME_SUM:g}",
        hint="the folder holds files of different runs or temperatures",
    )


def _apart(first: FloatArray, second: FloatArray) -> float:
    """Largest difference of two tables of widths, each mode by its own width."""
    known = np.isfinite(first) & np.isfinite(second) & (second > 0)
    share = np.abs(first[known] / second[known] - 1)
    return float(share.max(initial=0.0))


def _control(root: Path, reader: TableReader) -> Namelist | None:
    file = root / "CONTROL"
    if not file.is_file():
        return None
    content = read_content(file)
    reader.sources[file.name] = content.sha256
    return read_namelist(content)


def _crystal(
    root: Path, control: Namelist | None, given: Path | None, n_branches: int
) -> Structure | None:
    crystal = None
    if given is not None:
        crystal = read_structure(given)
    elif control is not None:
        crystal = structure_of_control(control)
    if crystal is not None:
        require_fit(crystal, n_branches, None)
    return crystal


def _primitive(root: Path, crystal: Structure | None, reader: TableReader) -> FloatArray | None:
    """Rows in Å: of the crystal, else of the reciprocal vectors (nm⁻¹ with 2π)."""
    file = root / "BTE.ReciprocalLatticeVectors"
    if not file.is_file():
        return None if crystal is None else crystal.primitive
    reciprocal = reader.read(file, 3, 3) / NM_IN_ANGSTROM
    of_file = 2 * np.pi * np.linalg.inv(reciprocal).T
    if crystal is None:
        return np.asarray(of_file)
    ratio = abs(float(np.linalg.det(of_file))) / crystal.volume_A3
    if abs(ratio - 1) > _SAME_VOLUME:
        raise InputError(
            "the reciprocal lattice is not that of the crystal",
            file=file,
            found=f"a cell of {ratio * crystal.volume_A3:.2f} Å³",
            expected=f"{crystal.volume_A3:.2f} Å³ as in {crystal.file.name}",
            hint="the folder holds files of different runs",
        )
    return crystal.primitive


def _divisions(control: Namelist | None) -> tuple[int, int, int] | None:
    if control is None:
        return None
    n1, n2, n3 = (round(float(n)) for n in control.array("ngrid", (3,)))
    return n1, n2, n3
