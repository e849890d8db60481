"""Linewidths of three-phonon processes from force constants, through phono3py.

Single-mode relaxation times with the tetrahedron method; on request the Wigner transport equation
of M. Simoncelli, N. Marzari and F. Mauri, Nat. Phys. 15, 809 (2019), as phono3py has it (SMM19).
Four-phonon rates are not computed: they are read from FourPhonon's output.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.atomic import atomic_write
from ixs_core.errors import InputError
from ixs_core.jobs import CancelToken, Progress
from simulate.phonons.force_constants import ForceConstants
from simulate.phonons.loading import load_force_constants
from simulate.phonons.loading.conventional_cell import CrystalStructure
from simulate.phonons.loading.file_content import all_beside
from simulate.phonons.model import PhononModel
from simulate.transport.force_constant_clusters import (
    ForceConstantClusters,
    read_force_constant_clusters,
)
from simulate.transport.formats.phono3py_kappa import read_phono3py_kappa
from simulate.transport.irreducible_mesh import checked_mesh, mesh_text
from simulate.transport.lifetimes import Linewidths
from simulate.transport.linewidth_checks import checked
from simulate.transport.phono3py_cells import (
    phono3py_of,
    require_phono3py,
    write_phono3py_files,
)
from simulate.transport.point_group import PointGroup

_VOIGT = np.array([[0, 5, 4], [5, 1, 3], [4, 3, 2]])

SecondOrder = str | Path | ForceConstants | PhononModel
"""A file that `load_force_constants` reads, or what it made."""


@dataclass(frozen=True)
class Phono3pyRun:
    """What phono3py makes of force constants.

    Parameters
    ----------
    linewidths : Linewidths
    kappa_p : (nt, 3, 3) array
        W m⁻¹ K⁻¹, Σ C v v τ.
    kappa_c : (nt, 3, 3) array or None
        Wave-like part, where it was asked for.
    """

    linewidths: Linewidths
    kappa_p: FloatArray
    kappa_c: FloatArray | None


def phono3py_linewidths(
    force_constants: SecondOrder,
    third: str | Path | ForceConstantClusters,
    mesh: Sequence[int],
    temperature_k: float | Sequence[float] = 300.0,
    **options: Any,
) -> Linewidths:
    """Linewidths of three-phonon processes, and of isotopes, on a mesh.

    Parameters, errors and options as for `run_phono3py`.
    """
    return run_phono3py(force_constants, third, mesh, temperature_k, **options).linewidths


def run_phono3py(
    force_constants: SecondOrder,
    third: str | Path | ForceConstantClusters,
    mesh: Sequence[int],
    temperature_k: float | Sequence[float] = 300.0,
    *,
    control: str | Path | None = None,
    supercell: Sequence[float] | None = None,
    isotopes: bool = True,
    wigner: bool = True,
    files: str | Path | None = None,
    output: str | Path | None = None,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> Phono3pyRun:
    """Linewidths and κ on a mesh.

    Parameters
    ----------
    force_constants : path, ForceConstants or PhononModel
        Second order, in any format that is read, with its dipole terms.
    third : path or ForceConstantClusters
        FORCE_CONSTANTS_3RD.
    mesh : three ints
        Divisions of the primitive reciprocal cell.
    temperature_k : float or sequence of float
    control : path, optional
        CONTROL of `third`. By default the one beside it, or else the crystal of second order.
    supercell : three whole numbers, optional
        For third order, as in `phono3py_of`.
    isotopes : bool
        Scattering by the natural isotopes (S. Tamura, Phys. Rev. B 27, 858 (1983)).
    wigner : bool
        Also the wave-like part of κ.
    files : path, optional
        Folder for phono3py_params.yaml, fc2.hdf5 and fc3.hdf5, to go on with phono3py itself.
    output : path, optional
        Keep phono3py's tables as a kappa file (.hdf5) of its own layout.
    progress : callable, optional
        Called after each irreducible q-point.
    cancel : CancelToken, optional
        Checked there.

    Raises
    ------
    InputError
        No phono3py, files that are damaged or of different crystals, meshes or temperatures that
        are none.
    Cancelled
    """
    require_phono3py()
    sizes, kelvin = checked_mesh(mesh), _temperatures(temperature_k)
    cancel = cancel or CancelToken()
    second = _second_order(force_constants)
    clusters = _third_order(third, control, second, cancel)
    if progress is not None:
        progress(0, 0, "force constants")
    phono3py, folded, notes = phono3py_of(second, clusters, supercell)
    if files is not None:
        write_phono3py_files(phono3py, folded, files)
    cancel.check()
    found = _calculation(phono3py, sizes, kelvin, isotopes, wigner, progress, cancel)
    sources = ((second.source, second.sha256), *clusters.sources)
    source = f"phono3py, {mesh_text(sizes)}, {second.source} and {clusters.source}"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "kappa.hdf5"
        _write_kappa(file, found, phono3py)
        read = read_phono3py_kappa(file)
        if output is not None:
            with atomic_write(output) as temporary:
                temporary.write_bytes(file.read_bytes())
    assert read.velocity_km_s is not None  # group velocities are always written
    velocity = read.velocity_km_s
    products = velocity[..., :, None] * velocity[..., None, :]
    linewidths = replace(
        read,
        primitive=np.asarray(phono3py.primitive.cell),
        volume_A3=second.volume,
        velocity_product=PointGroup.of_force_constants(second).average(products),
        source=source,
        sources=tuple(pair for pair in sources if pair[1]),
        notes=(*clusters.notes, *notes, *read.notes, *_unstable(read)),
    )
    linewidths = checked(linewidths, Path("phono3py"))
    if wigner:
        return Phono3pyRun(linewidths, _tensor(found.kappa_intra), _tensor(found.kappa_inter))
    return Phono3pyRun(linewidths, _tensor(found.kappa), None)


def _second_order(given: SecondOrder) -> ForceConstants:
    if isinstance(given, PhononModel):
        return given.force_constants
    return given if isinstance(given, ForceConstants) else load_force_constants(given)


def _third_order(
    given: str | Path | ForceConstantClusters,
    control: str | Path | None,
    second: ForceConstants,
    cancel: CancelToken,
) -> ForceConstantClusters:
    if isinstance(given, ForceConstantClusters):
        return given
    crystal: Path | CrystalStructure | None = None if control is None else Path(control)
    path = Path(given)
    if crystal is None and not any(all_beside(path, ("CONTROL*",))):
        crystal = CrystalStructure(second.vectors, second.positions, second.symbols)
    return read_force_constant_clusters(path, crystal, cancel=cancel)


def _temperatures(given: float | Sequence[float]) -> FloatArray:
    kelvin = np.unique(np.atleast_1d(np.asarray(given, dtype=float)))
    if not len(kelvin) or not (np.isfinite(kelvin) & (kelvin > 0)).all():
        raise InputError(
            "these are no temperatures", key="temperature_k", found=given, expected="kelvin above 0"
        )
    return kelvin


def _calculation(
    phono3py: Any,
    mesh: tuple[int, int, int],
    temperature_k: FloatArray,
    isotopes: bool,
    wigner: bool,
    progress: Progress | None,
    cancel: CancelToken,
) -> Any:
    """phono3py's calculator of relaxation times, run.

    Its own `run_thermal_conductivity` does the same, without telling how far it is.
    """
    from phono3py.conductivity.factory import (  # type: ignore[import-untyped]
        conductivity_calculator,
    )

    phono3py.mesh_numbers = mesh
    phono3py.init_phph_interaction()
    calculator = conductivity_calculator(
        phono3py.phph_interaction,
        temperature_k,
        [None],
        method="SMM19-rta" if wigner else "std-rta",
        is_isotope=isotopes,
    )
    total = len(calculator.grid_points)

    def told(index: int) -> None:
        cancel.check()
        if progress is not None:
            progress(index + 1, total, "q-points")

    calculator.run(on_grid_point=told)
    return calculator


def _write_kappa(path: Path, found: Any, phono3py: Any) -> None:
    """The datasets of phono3py's kappa-m*.hdf5 (its own writer chooses name and folder)."""
    from phono3py import __version__  # type: ignore[import-untyped]
    from phono3py.conductivity.utils import get_unit_to_WmK  # type: ignore[import-untyped]

    grid = found.bz_grid
    tables = {
        "version": np.bytes_(__version__),
        "temperature": found.temperatures,
        "mesh": found.mesh_numbers,
        "grid_matrix": grid.grid_matrix,
        "P_matrix": grid.P,
        "Q_matrix": grid.Q,
        "qpoint": found.qpoints,
        "weight": found.grid_weights,
        "grid_point": found.grid_points,
        "frequency": found.frequencies,
        "group_velocity": found.group_velocities,
        "gv_by_gv": found.gv_by_gv,
        "heat_capacity": found.mode_heat_capacities,
        "gamma": found.gamma[0],
        "gamma_isotope": None if found.gamma_isotope is None else found.gamma_isotope[0],
        "kappa": found.kappa[0],
        "kappa_unit_conversion": get_unit_to_WmK() / phono3py.primitive.volume,
    }
    extra = found.get_extra_kappa_output() or {}
    tables.update({name: value[0] for name, value in extra.items() if value is not None})
    with h5py.File(path, "w") as h5:
        for name, value in tables.items():
            if value is not None:
                h5[name] = value


def _tensor(components: FloatArray) -> FloatArray:
    """(nt, 3, 3) of phono3py's (1, nt, 6): xx yy zz yz xz xy."""
    return np.asarray(np.asarray(components)[0][:, _VOIGT])


def _unstable(linewidths: Linewidths) -> tuple[str, ...]:
    energy = linewidths.energy_mev
    acoustic = np.all(np.abs(linewidths.q_primitive) < 1e-8, axis=1)[:, None] & (
        np.argsort(np.argsort(np.abs(energy), axis=1), axis=1) < 3
    )
    count = int(((energy < 0) & ~acoustic).sum())
    if not count:
        return ()
    return (
        f"{count} of {energy.size} modes are imaginary: phono3py leaves them out, and the "
        "processes that they would take part in",
    )
