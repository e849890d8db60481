"""Density modes in the project file, so that the trajectory is gone through once."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import ArrayLike

from ixs_core.errors import InputError
from ixs_core.jobs import CancelToken, Progress
from ixs_core.lattice import Lattice
from ixs_core.project import Project, list_results, read_attributes, read_result, write_result
from ixs_core.provenance import Provenance, provenance_of
from simulate.md.commensurate import CommensurateQ, Sampling, commensurate_q
from simulate.md.density_sums import DensityModes, density_modes
from simulate.md.trajectory import Trajectory

CONTENT = "density modes"
"""Marks these results among the predictions of a project."""

_Q_ARRAYS = ("requested_hkl", "index", "q_hkl", "q_cartesian", "owner", "distance")
_UNITS = {
    "requested_hkl": "r.l.u.",
    "q_hkl": "r.l.u.",
    "q_cartesian": "1/angstrom",
    "distance": "1/angstrom",
    "time_ps": "ps",
}


def write_density_modes(
    h5: h5py.File,
    key: str,
    modes: DensityModes,
    provenance: Provenance,
    replace: bool = False,
) -> None:
    """Store density modes under /entry/predictions/<key>.

    Parameters
    ----------
    h5 : h5py.File
        A project opened by `Project.writing`.
    key : str
    modes : DensityModes
    provenance : Provenance
    replace : bool
        Drop an earlier result of this key instead of keeping it in the history.
    """
    datasets: dict[str, Any] = {name: getattr(modes.q, name) for name in _Q_ARRAYS}
    datasets |= {
        "rho": modes.rho,
        "time_ps": np.arange(modes.n_frames) * modes.dt_fs / 1000,
        "species": list(modes.species),
        "counts": modes.counts,
        "notes": list(modes.notes),
        "q_notes": list(modes.q.notes),
    }
    write_result(
        h5,
        "predictions",
        key,
        datasets,
        provenance=provenance,
        attributes={
            "title": f"density modes of {modes.name or 'a trajectory'}",
            "content": CONTENT,
            "dt_fs": modes.dt_fs,
            "weights": modes.weights,
            "temperature_k": modes.temperature_k,
            "first_frame": modes.first_frame,
            "name": modes.name,
            "sha256": modes.sha256,
        },
        units=_UNITS,
        replace=replace,
    )


def read_density_modes(h5: h5py.File, key: str, version: int | None = None) -> DensityModes:
    """The density modes of a key, equal to those written.

    Raises
    ------
    InputError
        When there is no such result, or it is damaged or something else.
    """
    stored = read_result(h5, "predictions", key, version)
    data, facts = stored.datasets, stored.attributes
    try:
        temperature = facts.get("temperature_k")
        return DensityModes(
            rho=data["rho"],
            species=tuple(data["species"]),
            counts=data["counts"],
            q=CommensurateQ(
                notes=tuple(data["q_notes"]), **{name: data[name] for name in _Q_ARRAYS}
            ),
            dt_fs=float(facts["dt_fs"]),
            weights=str(facts["weights"]),
            temperature_k=None if temperature is None else float(temperature),
            first_frame=int(facts["first_frame"]),
            name=str(facts["name"]),
            sha256=str(facts["sha256"]),
            notes=tuple(data["notes"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"this result holds no density modes ({error})",
            file=h5.filename,
            key=f"predictions/{key}",
            hint="make them again with `ixs md sqw`",
        ) from error


def density_modes_keys(h5: h5py.File) -> list[str]:
    """Keys of the density modes of a project."""
    return [
        key
        for key in list_results(h5, "predictions")
        if read_attributes(h5, "predictions", key).get("content") == CONTENT
    ]


def cached_density_modes(
    project: str | Path,
    trajectory: Trajectory,
    q_hkl: ArrayLike,
    weights: str = "xray",
    *,
    lattice: Lattice | ArrayLike | None = None,
    sampling: Sampling = "nearest",
    dq_hkl: ArrayLike | None = None,
    start: int = 0,
    stop: int | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> DensityModes:
    """`density_modes` from the project where it holds them, else made and stored there.

    They are the same when file (its sha256), atoms, frames, time step and wave vectors are. A
    trajectory that does not come from a file is never stored.

    Parameters and errors as for `density_modes`, and

    Parameters
    ----------
    project : path
        The project file, which need not exist yet.
    """
    store = Project(project)
    end = trajectory.n_frames if stop is None else min(stop, trajectory.n_frames)
    q = commensurate_q(trajectory.cell, q_hkl, lattice, sampling, dq_hkl)
    key = _key(trajectory, q, weights, start, end)
    if trajectory.sha256 and store.exists:
        with store.reading() as h5:
            if key in list_results(h5, "predictions"):
                return read_density_modes(h5, key)
    modes = density_modes(
        trajectory,
        q_hkl,
        weights,
        lattice=lattice,
        sampling=sampling,
        dq_hkl=dq_hkl,
        start=start,
        stop=end,
        workers=workers,
        scheduler=scheduler,
        progress=progress,
        cancel=cancel,
    )
    if trajectory.sha256:
        settings = {"weights": weights, "sampling": sampling, "frames": [start, end]}
        record = dataclasses.replace(
            provenance_of("simulate.md.density_modes", settings, packages=("numba",)),
            sources=((trajectory.name, trajectory.sha256),),
        )
        with store.writing() as h5:
            write_density_modes(h5, key, modes, record, replace=True)
    return modes


def _key(trajectory: Trajectory, q: CommensurateQ, weights: str, start: int, end: int) -> str:
    digest = hashlib.sha256()
    facts = (trajectory.sha256, trajectory.species, trajectory.dt_fs, weights, start, end)
    digest.update(repr(facts).encode())
    for values in (trajectory.cell, q.requested_hkl, q.index, q.owner):
        digest.update(np.ascontiguousarray(values, dtype="<f8").tobytes())
    return f"{CONTENT} {Path(trajectory.name).stem} {digest.hexdigest()[:12]}"
