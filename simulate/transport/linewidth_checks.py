"""What holds for linewidths of any source: weights fill the mesh, widths are not negative."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from ixs_core.arrays import FloatArray, IntArray
from ixs_core.errors import InputError
from simulate.transport.heat_capacity import STILL_MEV
from simulate.transport.lifetimes import Linewidths
from simulate.transport.rta import compare_with_stated, silent_modes

_OFF_MESH = 1e-3  # of a division
_ROUNDING = 1e-9  # of the widest: a negative width below is a zero
_SAME_MEV = 1e-9


def checked(linewidths: Linewidths, file: Path) -> Linewidths:
    """The linewidths, modes by rising energy, with notes on what is odd.

    Raises
    ------
    InputError
        Shapes that differ, energies that are no numbers, negative widths, q-points that do not
        make up the mesh.
    """
    _require_shapes(linewidths, file)
    _require_mesh(linewidths, file)
    clean = replace(
        linewidths,
        processes={
            name: _not_negative(width, name, linewidths, file)
            for name, width in linewidths.processes.items()
        },
    )
    clean = _by_temperature(_by_energy(clean), file)
    notes = (*clean.notes, *_silence(clean), *compare_with_stated(clean))
    return replace(clean, notes=tuple(dict.fromkeys(notes)))


def _require_shapes(linewidths: Linewidths, file: Path) -> None:
    nq, ns = linewidths.energy_mev.shape
    nt = len(linewidths.temperature_k)
    wanted: dict[str, tuple[FloatArray | IntArray, tuple[int, ...]]] = {
        "q_primitive": (linewidths.q_primitive, (nq, 3)),
        "weights": (linewidths.weights, (nq,)),
        **{f"width {name}": (w, (nt, nq, ns)) for name, w in linewidths.processes.items()},
    }
    if linewidths.velocity_km_s is not None:
        wanted["velocity"] = (linewidths.velocity_km_s, (nq, ns, 3))
    if linewidths.velocity_product is not None:
        wanted["velocity product"] = (linewidths.velocity_product, (nq, ns, 3, 3))
    for key, (array, shape) in wanted.items():
        if array.shape != shape:
            raise InputError(
                "the arrays do not belong together",
                file=file,
                key=key,
                found=f"shape {array.shape}",
                expected=f"{shape} ({nt} temperatures, {nq} q-points, {ns} branches)",
            )
    if not linewidths.processes or not nq or not ns:
        raise InputError("the file has no linewidths", file=file)
    bad = int((~np.isfinite(linewidths.energy_mev)).sum())
    if bad:
        raise InputError(f"{bad} energies of phonons are no numbers", file=file)


def _require_mesh(linewidths: Linewidths, file: Path) -> None:
    weights, mesh = linewidths.weights, linewidths.mesh
    if (weights < 1).any():
        raise InputError(
            "the weights of q-points are no numbers of points",
            file=file,
            key="weight",
            found=int(weights.min()),
            expected="whole numbers from 1",
        )
    if mesh is None:
        return
    points = int(np.prod(mesh))
    if int(weights.sum()) != points:
        raise InputError(
            "the weights of the q-points do not sum up to the mesh",
            file=file,
            key="weight",
            found=f"sum {int(weights.sum())}",
            expected=f"{points} ({'×'.join(map(str, mesh))})",
            hint="q-points are missing, or the mesh or its symmetry is of another run",
        )
    steps = linewidths.q_primitive * np.array(mesh)
    off = np.abs(steps - np.round(steps)).max(axis=1)
    if off.max() > _OFF_MESH:
        worst = linewidths.q_primitive[off.argmax()]
        raise InputError(
            f"{int((off > _OFF_MESH).sum())} q-points are not on the mesh",
            file=file,
            key="mesh",
            found=f"({', '.join(f'{x:.6g}' for x in worst)})",
            expected=f"multiples of 1/{', 1/'.join(map(str, mesh))}",
        )


def _not_negative(width: FloatArray, name: str, linewidths: Linewidths, file: Path) -> FloatArray:
    width = np.where(np.isfinite(width), width, np.nan)
    if np.isnan(width).all():
        raise InputError("no width is a number", file=file, key=name)
    negative = width < -_ROUNDING * np.nanmax(np.abs(width))
    if negative.any():
        kelvin, q, branch = np.argwhere(negative)[0]
        raise InputError(
            f"{int(negative.sum())} of {width.size} widths are negative",
            file=file,
            key=name,
            found=f"{width[kelvin, q, branch]:.4g} meV (q-point {q + 1}, branch {branch + 1}, "
            f"{linewidths.temperature_k[kelvin]:g} K)",
            expected="rates of scattering, which are positive",
            hint="is this a difference of rates or the rate of an iterated solution?",
        )
    return np.where(width < 0, 0.0, width)


def _by_energy(linewidths: Linewidths) -> Linewidths:
    """Modes of each q-point by rising energy; a note where they were not."""
    energy = linewidths.energy_mev
    if (np.diff(energy, axis=1) >= -_SAME_MEV).all():
        return linewidths
    order = np.argsort(energy, axis=1, kind="stable")
    rows = np.arange(len(energy))[:, None]
    moved = int((order != np.arange(energy.shape[1])).any(axis=1).sum())

    def sorted_(array: FloatArray | None) -> FloatArray | None:
        return None if array is None else np.asarray(array[rows, order])

    return replace(
        linewidths,
        energy_mev=energy[rows, order],
        processes={name: w[:, rows, order] for name, w in linewidths.processes.items()},
        velocity_km_s=sorted_(linewidths.velocity_km_s),
        velocity_product=sorted_(linewidths.velocity_product),
        notes=(*linewidths.notes, f"branches put in the order of energy at {moved} q-points"),
    )


def _by_temperature(linewidths: Linewidths, file: Path) -> Linewidths:
    """Temperatures ascending; InputError where one stands twice."""
    kelvin = linewidths.temperature_k
    order = np.argsort(kelvin, kind="stable")
    if not (np.diff(kelvin[order]) > 0).all():
        raise InputError("a temperature stands twice", file=file, found=kelvin.tolist())
    stated = linewidths.kappa_stated
    return replace(
        linewidths,
        temperature_k=kelvin[order],
        processes={name: width[order] for name, width in linewidths.processes.items()},
        kappa_stated=None if stated is None else stated[order],
    )


def _silence(linewidths: Linewidths) -> list[str]:
    """Notes on widths that are zero or missing, and on imaginary modes."""
    notes = []
    for name, width in linewidths.processes.items():
        missing = int(np.isnan(width).sum())
        if missing:
            notes.append(f"{missing} of {width.size} widths ({name}) are not known")
    silent = int(silent_modes(linewidths).sum())
    if silent:
        notes.append(f"{silent} vibrating modes have no width: they carry nothing in κ")
    imaginary = int((linewidths.energy_mev < -STILL_MEV).sum())
    if imaginary:
        notes.append(f"{imaginary} modes are imaginary: they carry nothing in κ")
    return notes
