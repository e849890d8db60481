"""A ready LAMMPS run for those who simulate elsewhere: input script and data file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from ase import Atoms
from ase.data import atomic_masses, atomic_numbers

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from simulate.md.run import RunSettings

_SAFE = re.compile(r"[A-Za-z0-9_./+-]+")
_ORTHOGONAL = 1e-9


class LammpsFiles(NamedTuple):
    """The texts of the two files.

    Parameters
    ----------
    script : str
        Input script.
    data : str
        Atoms, in LAMMPS' own axes.
    """

    script: str
    data: str


def lammps_files(
    atoms: Atoms,
    settings: RunSettings,
    species: Sequence[str],
    potential: str = "mlip.ini",
    *,
    pair_style: str | None = None,
    pair_coeff: str = "* *",
    data_name: str = "structure.data",
    title: str = "ixs-suite",
) -> LammpsFiles:
    """Langevin equilibration and a run at constant energy, as `run_dynamics` does.

    The dump has elements, unwrapped positions, velocities and forces, every `settings.every`
    steps: what `read_trajectory` and the fit of force constants want.

    Parameters
    ----------
    atoms : Atoms
        Periodic in three directions.
    settings : RunSettings
    species : sequence of str
        Elements in the order of the potential: types 1, 2, …
    potential : str
        For `pair_style mlip`: the settings file of MLIP, which names the .mtp file.
    pair_style : str, optional
        Of another potential, with its `pair_coeff`.

    Raises
    ------
    InputError
        An element without type, a cell that is not periodic or not right-handed, names that
        would break the script.
    """
    _check(atoms, species, (potential, data_name))
    style = pair_style if pair_style is not None else f"mlip load_from={potential}"
    for text in (style, pair_coeff, title):
        if "\n" in text or "\r" in text:
            raise InputError("more than one line", found=repr(text[:60]))
    return LammpsFiles(
        _script(settings, species, style, pair_coeff, data_name, title),
        _data(atoms, species, title),
    )


def write_lammps_files(
    folder: str | Path, files: LammpsFiles, data_name: str = "structure.data"
) -> tuple[Path, Path]:
    """Write in.lammps and the data file; InputError where they exist or cannot be written."""
    targets = (Path(folder) / "in.lammps", Path(folder) / data_name)
    for target, text in zip(targets, files, strict=True):
        try:
            with target.open("x", encoding="utf-8") as stream:
                stream.write(text)
        except FileExistsError as error:
            raise InputError("exists", file=target, hint="choose another folder") from error
        except OSError as error:
            raise InputError(f"cannot be written: {error.strerror}", file=target) from error
    return targets


def _check(atoms: Atoms, species: Sequence[str], names: Sequence[str]) -> None:
    unknown = sorted(set(atoms.get_chemical_symbols()) - set(species))
    if unknown or len(set(species)) != len(species) or set(species) - set(atomic_numbers):
        raise InputError(
            "the species are not those of the atoms",
            found=" ".join(species),
            expected=" ".join(dict.fromkeys(atoms.get_chemical_symbols())),
        )
    if not atoms.pbc.all() or np.linalg.det(atoms.cell[:]) <= 0:
        raise InputError("the cell is not periodic and right-handed")
    for name in names:
        if not _SAFE.fullmatch(name):
            raise InputError(
                "a name that LAMMPS would not read as one word",
                found=repr(name),
                expected="letters, digits, _ . / + -",
            )


def _restricted(cell: FloatArray) -> FloatArray:
    """The cell turned so that a lies along x and b in the xy plane (rows).

    LAMMPS also wants tilts of at most half an edge, which whole vectors added to b and c give:
    the lattice stays.
    """
    turned = np.linalg.cholesky(cell @ cell.T)
    for row, edge in ((2, 1), (2, 0), (1, 0)):
        turned[row] -= np.round(turned[row, edge] / turned[edge, edge]) * turned[edge]
    return np.asarray(turned)


def _data(atoms: Atoms, species: Sequence[str], title: str) -> str:
    cell = atoms.cell[:]
    turned = np.linalg.cholesky(cell @ cell.T)
    positions = atoms.get_scaled_positions(wrap=False) @ turned
    box = _restricted(cell)
    symbols = atoms.get_chemical_symbols()
    lines = [
        title,
        "",
        f"{len(atoms)} atoms",
        f"{len(species)} atom types",
        "",
        *(f"0.0 {box[k, k]:.12f} {axis}lo {axis}hi" for k, axis in enumerate("xyz")),
    ]
    tilts = (box[1, 0], box[2, 0], box[2, 1])
    if np.abs(tilts).max() > _ORTHOGONAL:
        lines.append("{:.12f} {:.12f} {:.12f} xy xz yz".format(*tilts))
    lines += ["", "Masses", ""]
    for number, element in enumerate(species, start=1):
        masses = atoms.get_masses()[np.array(symbols) == element]
        mass = float(masses[0]) if len(masses) else float(atomic_masses[atomic_numbers[element]])
        lines.append(f"{number} {mass:.6f} # {element}")
    lines += ["", "Atoms # atomic", ""]
    inside = positions @ np.linalg.inv(box)
    places = (inside - np.floor(inside)) @ box
    for number, (element, place) in enumerate(zip(symbols, places, strict=True), start=1):
        x, y, z = place
        lines.append(f"{number} {species.index(element) + 1} {x:.12f} {y:.12f} {z:.12f}")
    return "\n".join(lines) + "\n"


def _script(
    settings: RunSettings,
    species: Sequence[str],
    style: str,
    coefficients: str,
    data_name: str,
    title: str,
) -> str:
    step = settings.step_fs / 1000
    damping = 1 / settings.friction_per_ps if settings.friction_per_ps > 0 else 1.0
    temperature = f"{settings.temperature_k:g}"
    seed = 1 + settings.seed % 900_000_000  # LAMMPS takes positive ones of 32 bits
    lines = [
        f"# {title}: {temperature} K, {settings.equilibration_ps:g} ps Langevin, "
        f"{settings.production_ps:g} ps at constant energy",
        "units metal",
        "atom_style atomic",
        "boundary p p p",
        "atom_modify map array sort 0 0.0",
        f"read_data {data_name}",
        f"pair_style {style}",
        f"pair_coeff {coefficients}",
        "neighbor 1.0 bin",
        f"timestep {step:g}",
        f"velocity all create {temperature} {seed} mom yes rot no dist gaussian",
        f"thermo {10 * settings.every}",
        "thermo_style custom step time temp pe ke etotal press",
        "fix motion all nve",
    ]
    if settings.equilibration_steps:
        lines += [
            f"fix heat all langevin {temperature} {temperature} {damping:g} {seed + 1} zero yes",
            f"run {settings.equilibration_steps}",
            "unfix heat",
            "velocity all zero linear",
        ]
    lines += [
        "reset_timestep 0",
        f"dump frames all custom {settings.every} trajectory.dump "
        "id type element xu yu zu vx vy vz fx fy fz",
        f"dump_modify frames element {' '.join(species)} sort id time yes units yes "
        'format float "%.8f"',
        "restart 100000 restart.*",
        f"run {settings.production_steps}",
    ]
    return "\n".join(lines) + "\n"
