"""kappa-m*.hdf5 of phono3py, 2.x to 4.x, with the layouts of its Wigner transport.

`gamma` is the half width at half maximum in THz: FWHM = 2 gamma. Velocities are in THz Å, which
is Å/ps. `gv_by_gv` is summed over the star of each q-point, in the order xx yy zz yz xz xy.
`kappa_unit_conversion` is 1/V in the file's own units.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from ixs_core.provenance import sha256_of
from ixs_core.units import CONDUCTIVITY_W_M_K, HBAR_MEV_PS, THZ_IN_MEV
from simulate.transport.lifetimes import Linewidths
from simulate.transport.structure import (
    Structure,
    read_structure,
    require_fit,
    star_products,
    structure_beside,
)

A_PER_PS_IN_KM_PER_S = 0.1
FWHM_MEV_PER_GAMMA = 2 * THZ_IN_MEV
"""FWHM in meV of `gamma` = 1 THz (8.271335)."""

# eV Å²/ps /Å³ over 2π, the unit of kappa_unit_conversion, in W/(m K): 254.99.
_CONVERSION_A3 = 1000 * A_PER_PS_IN_KM_PER_S**2 * CONDUCTIVITY_W_M_K / (2 * np.pi)
_NO_BOUNDARY_UM = 1e6  # phono3py's own value where none is asked for
_KM_PER_S_IN_UM_PER_PS = 1e-3
_VOIGT = np.array([[0, 5, 4], [5, 1, 3], [4, 3, 2]])
_RTA_KAPPAS = ("kappa_RTA", "kappa_P_RTA", "kappa_intra_RTA", "kappa_intra", "kappa")
# Others, such as κ by pairs of branches, may be too long for the memory.
_READ = (
    *("temperature", "mesh", "grid_matrix", "frequency", "qpoint", "weight", "version", "sigma"),
    *("gamma", "gamma_isotope", "gamma_boundary", "gamma_elph", "boundary_mfp"),
    *("group_velocity", "velocity_operator", "gv_by_gv", "kappa_unit_conversion", *_RTA_KAPPAS),
)
_PARTS = {"gamma_isotope": "isotope", "gamma_boundary": "boundary", "gamma_elph": "electrons"}


def is_phono3py_kappa(h5: h5py.File) -> bool:
    """Whether an HDF5 file has linewidths in phono3py's way."""
    return {"gamma", "frequency", "temperature"} <= set(h5)


def choose_kappa_file(files: list[Path], sigma: float | None) -> Path:
    """The one of a folder's files that has the smearing asked for.

    Raises
    ------
    InputError
        None or several fit; names all with mesh and smearing.
    """
    described = {file: _describe(file) for file in files}
    fitting = [
        file
        for file, (_, width) in described.items()
        if sigma is None or (width is not None and np.isclose(width, sigma, rtol=1e-3))
    ]
    if len(fitting) == 1:
        return fitting[0]
    listed = "; ".join(
        f"{file.name}: mesh {mesh}, {'tetrahedra' if width is None else f'sigma {width:g} THz'}"
        for file, (mesh, width) in described.items()
    )
    raise InputError(
        "several files fit" if fitting else "no file has this smearing",
        file=files[0].parent,
        key="sigma",
        found=sigma,
        expected=f"one of {listed}",
        hint="name the file, or give sigma (on the command line --sigma)",
    )


def read_phono3py_kappa(
    path: Path, *, sigma: float | None = None, structure: Path | None = None
) -> Linewidths:
    """Linewidths, velocities and κ of a kappa file.

    Parameters
    ----------
    path : Path
    sigma : float, optional
        Smearing in THz, where the file has several.
    structure : Path, optional
        The crystal; by default a phono3py YAML file beside that fits.

    Raises
    ------
    InputError
        Datasets are missing, another smearing, a part of the mesh only.
    """
    with h5py.File(path, "r", locking=False) as h5:
        data: dict[str, Any] = {name: h5[name][()] for name in _READ if name in h5}
        data.update({name: None for name in ("gamma_N", "gamma_U") if name in h5})
    _require_whole_mesh(data, path)
    kelvin = np.atleast_1d(_numbers(data, "temperature", path))
    energy = _numbers(data, "frequency", path) * THZ_IN_MEV
    shape = (len(kelvin), *energy.shape)
    place, notes = _sigma_place(data, sigma, path)
    processes = {"3ph": _widths(data, "gamma", place, shape, path)}
    for name, process in _PARTS.items():
        if name in data:
            processes[process] = _widths(data, name, place, shape, path)
    velocity = _velocities(data)
    boundary = _boundary(data, velocity, shape)
    if boundary is not None and "boundary" not in processes:
        processes["boundary"] = boundary
        notes.append(f"boundary: |v|/L, L = {float(data['boundary_mfp']):g} µm")
    volume = _volume(data)
    crystal = _crystal(path, structure, energy.shape[1], volume)
    product = _products(data, velocity, crystal, path)
    if {"gamma_N", "gamma_U"} & set(data):
        notes.append("normal and Umklapp parts (gamma_N, gamma_U) are within 3ph")
    weights = np.rint(_numbers(data, "weight", path)).astype(np.int64)
    mesh = _mesh(data, weights, path, notes)
    kappa, stated = _stated(data, place, shape)
    if stated:
        notes.append(f"κ of the file: {stated}")
    if crystal is not None:
        notes.append(f"crystal from {crystal.file.name} (sha256 {crystal.sha256[:12]})")
    version = data.get("version", b"")
    program = f"phono3py {version.decode() if isinstance(version, bytes) else ''}".strip()
    return Linewidths(
        q_primitive=_numbers(data, "qpoint", path),
        weights=weights,
        energy_mev=energy,
        temperature_k=kelvin,
        processes=processes,
        mesh=mesh,
        velocity_km_s=velocity,
        primitive=None if crystal is None else crystal.primitive,
        volume_A3=volume if volume is not None or crystal is None else crystal.volume_A3,
        source=f"{program}, {path.name}",
        sources=(
            (path.name, sha256_of(path)),
            *([] if crystal is None else [(crystal.file.name, crystal.sha256)]),
        ),
        notes=tuple(notes),
        velocity_product=product,
        kappa_stated=kappa,
    )


def _describe(file: Path) -> tuple[str, float | None]:
    try:
        with h5py.File(file, "r", locking=False) as h5:
            mesh = "×".join(str(n) for n in h5["mesh"][()]) if "mesh" in h5 else "unknown"
            return mesh, float(h5["sigma"][()]) if np.shape(h5.get("sigma", [0])) == () else None
    except OSError as error:
        raise InputError(f"cannot be read as HDF5: {error}", file=file) from error


def _numbers(data: dict[str, Any], name: str, path: Path) -> FloatArray:
    if name not in data:
        raise InputError(
            "the dataset is missing",
            file=path,
            key=name,
            hint="is this a whole kappa file of phono3py?",
        )
    return np.asarray(data[name], dtype=float)


def _require_whole_mesh(data: dict[str, Any], path: Path) -> None:
    if np.ndim(data["frequency"]) == 2 and "qpoint" in data and "weight" in data:
        return
    raise InputError(
        "this file has not all q-points of a mesh",
        file=path,
        found=f"frequencies of shape {np.shape(data['frequency'])}",
        expected="qpoint, weight, and frequency of (q-points, branches)",
        hint="collect the files of single grid points: phono3py --read-gamma",
    )


def _sigma_place(
    data: dict[str, Any], sigma: float | None, path: Path
) -> tuple[int | None, list[str]]:
    """Where along the axis of smearings, None where there is no such axis."""
    stated = np.atleast_1d(np.asarray(data.get("sigma", []), dtype=float))
    has_axis = np.ndim(data["gamma"]) == 4
    length = np.shape(data["gamma"])[0] if has_axis else 1
    known = list(stated) if len(stated) == length else [np.nan] * length
    choices = ", ".join("tetrahedra" if np.isnan(s) else f"{s:g} THz" for s in known)
    if sigma is None:
        if length > 1:
            raise InputError(
                f"the file has linewidths of {length} smearings",
                file=path,
                key="sigma",
                expected=f"one of {choices}",
                hint="give sigma (on the command line --sigma)",
            )
        place = 0
    else:
        near = [k for k, s in enumerate(known) if np.isclose(s, sigma, rtol=1e-3)]
        if len(near) != 1:
            raise InputError(
                "the file has no such smearing",
                file=path,
                key="sigma",
                found=f"{sigma:g} THz",
                expected=f"one of {choices}",
            )
        place = near[0]
    used = known[place]
    notes = [] if np.isnan(used) else [f"smearing sigma {used:g} THz"]
    return (place if has_axis else None), notes


def _at_sigma(value: Any, place: int | None, rank: int) -> FloatArray:
    """A dataset without its axis of smearings, which stands first where there is one."""
    array = np.asarray(value, dtype=float)
    return np.asarray(array[place] if place is not None and array.ndim > rank else array)


def _widths(
    data: dict[str, Any], name: str, place: int | None, shape: tuple[int, ...], path: Path
) -> FloatArray:
    """FWHM in meV (nt, nq, ns); rates without temperatures stand for each."""
    rank = 3 if name == "gamma" else 2
    gamma = _at_sigma(data[name], place, rank)
    if gamma.shape[-2:] != shape[-2:] or gamma.shape[:-2] not in ((), shape[:1]):
        raise InputError(
            "the widths do not belong to the frequencies",
            file=path,
            key=name,
            found=f"shape {np.shape(data[name])}",
            expected=f"{shape}",
        )
    return np.broadcast_to(FWHM_MEV_PER_GAMMA * gamma, shape).copy()


def _velocities(data: dict[str, Any]) -> FloatArray | None:
    """(nq, ns, 3) km/s: as stored, or the diagonal of the velocity operator (old Wigner files)."""
    if "group_velocity" in data:
        return A_PER_PS_IN_KM_PER_S * np.asarray(data["group_velocity"], dtype=float)
    if "velocity_operator" in data and np.ndim(data["velocity_operator"]) == 4:
        diagonal = np.einsum("qssa->qsa", np.asarray(data["velocity_operator"])).real
        return A_PER_PS_IN_KM_PER_S * np.asarray(diagonal)
    return None


def _boundary(
    data: dict[str, Any], velocity: FloatArray | None, shape: tuple[int, ...]
) -> FloatArray | None:
    """ħ|v|/L of the grain size, which phono3py adds in κ and does not store."""
    size = float(data.get("boundary_mfp", _NO_BOUNDARY_UM))
    if velocity is None or not 0 < size < _NO_BOUNDARY_UM:
        return None
    rate = np.linalg.norm(velocity, axis=-1) * _KM_PER_S_IN_UM_PER_PS / size
    return np.broadcast_to(HBAR_MEV_PS * rate, shape).copy()


def _volume(data: dict[str, Any]) -> float | None:
    if "kappa_unit_conversion" not in data:
        return None
    return float(_CONVERSION_A3 / data["kappa_unit_conversion"])


def _crystal(
    path: Path, given: Path | None, n_branches: int, volume: float | None
) -> Structure | None:
    if given is None:
        return structure_beside(path, n_branches, volume)
    crystal = read_structure(given)
    require_fit(crystal, n_branches, volume)
    return crystal


def _products(
    data: dict[str, Any], velocity: FloatArray | None, crystal: Structure | None, path: Path
) -> FloatArray | None:
    """v ⊗ v averaged over each star, from `gv_by_gv` or by the crystal's rotations."""
    if "gv_by_gv" in data:
        weight = _numbers(data, "weight", path)[:, None, None]
        mean = np.asarray(data["gv_by_gv"], dtype=float) / weight * A_PER_PS_IN_KM_PER_S**2
        product = np.asarray(mean[..., _VOIGT])
        _require_same_speed(product, velocity, path)
        return product
    if velocity is None or crystal is None:
        return None
    return star_products(velocity, crystal)


def _require_same_speed(product: FloatArray, velocity: FloatArray | None, path: Path) -> None:
    """InputError where gv_by_gv is not the sum over the star that it should be."""
    if velocity is None:
        return
    of_product, of_velocity = np.einsum("qsaa->", product), (velocity**2).sum()
    if abs(of_product - of_velocity) > 0.01 * of_velocity:
        raise InputError(
            "the products of velocities are not those of the group velocities",
            file=path,
            key="gv_by_gv",
            found=f"{of_product / of_velocity:.4g} times Σ v²",
            expected="sums over the star of each q-point",
        )


def _mesh(
    data: dict[str, Any], weights: Any, path: Path, notes: list[str]
) -> tuple[int, int, int] | None:
    if "grid_matrix" in data:
        points = round(abs(float(np.linalg.det(data["grid_matrix"]))))
        if int(weights.sum()) != points:
            raise InputError(
                "the weights of the q-points do not sum up to the grid",
                file=path,
                key="weight",
                found=f"sum {int(weights.sum())}",
                expected=points,
            )
        notes.append(f"a generalised grid of {points} points, not along the primitive axes")
        return None
    n1, n2, n3 = (int(n) for n in _numbers(data, "mesh", path))
    return n1, n2, n3


def _stated(
    data: dict[str, Any], place: int | None, shape: tuple[int, ...]
) -> tuple[FloatArray | None, str]:
    """κ with single-mode relaxation times in the file, and the name of its dataset."""
    for name in _RTA_KAPPAS:
        if name in data:
            kappa = _at_sigma(data[name], place, 2)
            if kappa.shape == (shape[0], 6):
                return np.asarray(kappa[:, _VOIGT]), name
    return None, ""
