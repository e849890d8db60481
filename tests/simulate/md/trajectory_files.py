"""A small run whose positions are known, and writers of it in several formats, for tests."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import ArrayLike

from ixs_core.arrays import FloatArray

TYPES = {1: "Cs", 2: "Cu", 3: "I"}
TYPE_OF = {element: number for number, element in TYPES.items()}
ORTHOGONAL = np.diag([8.0, 9.0, 7.5])
INITIAL, FINAL = ' name="initialpos"', ' name="finalpos"'
TRICLINIC = np.array([[8.0, 0.0, 0.0], [-2.5, 9.0, 0.0], [1.5, 3.0, 7.5]])


@dataclass(frozen=True)
class Run:
    """Positions (f, n, 3) in Å, unwrapped; velocities in Å/ps; dt in fs."""

    positions: FloatArray
    velocities: FloatArray
    species: tuple[str, ...]
    cell: FloatArray
    dt_fs: float

    @property
    def images(self) -> FloatArray:
        """Whole cells by which the positions are out of the cell."""
        return np.floor(self.positions @ np.linalg.inv(self.cell))

    @property
    def wrapped(self) -> FloatArray:
        """Positions in the cell, with 8 decimals as the files have them."""
        return np.round(self.positions - self.images @ self.cell, 8)


def small_run(cell: ArrayLike = ORTHOGONAL, n_frames: int = 300, n_atoms: int = 12) -> Run:
    """Atoms that drift through several cells and vibrate: x = x0 + v t + A sin(ωt + φ)."""
    rng = np.random.default_rng(5)
    box = np.asarray(cell, dtype=float)
    dt_fs = 10.0
    time = np.arange(n_frames)[:, None, None] * dt_fs / 1000.0
    sites = rng.random((n_atoms, 3)) @ box
    drift = rng.normal(size=(n_atoms, 3)) * 4.0
    amplitude = rng.random((n_atoms, 3)) * 0.3
    omega = 5.0 + 10.0 * rng.random((n_atoms, 3))
    phase = rng.random((n_atoms, 3)) * 6.3
    positions = sites + drift * time + amplitude * np.sin(omega * time + phase)
    velocities = drift + amplitude * omega * np.cos(omega * time + phase)
    species = tuple(("Cs", "Cu", "I")[index % 3] for index in range(n_atoms))
    return Run(np.round(positions, 8), np.round(velocities, 8), species, box, dt_fs)


def box_lines(cell: FloatArray, corner: ArrayLike = (0.0, 0.0, 0.0)) -> list[str]:
    """BOX BOUNDS of LAMMPS, by its formula for tilted boxes."""
    low = np.asarray(corner, dtype=float)
    high = low + np.diag(cell)
    xy, xz, yz = cell[1, 0], cell[2, 0], cell[2, 1]
    if not (xy or xz or yz):
        rows = [f"{a!r} {b!r}" for a, b in zip(low.tolist(), high.tolist(), strict=True)]
        return ["ITEM: BOX BOUNDS pp pp pp", *rows]
    tilts = [xy, xz, yz]
    low = np.add(low, [min(0, xy, xz, xy + xz), min(0, yz), 0])
    high = np.add(high, [max(0, xy, xz, xy + xz), max(0, yz), 0])
    rows = [f"{float(low[k])!r} {float(high[k])!r} {float(tilts[k])!r}" for k in range(3)]
    return ["ITEM: BOX BOUNDS xy xz yz pp pp pp", *rows]


def lammps_frame(
    run: Run, frame: int, columns: str, rng: np.random.Generator | None, step: int, head: str = ""
) -> str:
    """One frame of a text dump with the columns named; rows in random order with `rng`."""
    fractions = run.positions[frame] @ np.linalg.inv(run.cell)
    images = run.images[frame]
    groups = {
        "xu": run.positions[frame],
        "x": run.wrapped[frame],
        "xs": fractions - images,
        "xsu": fractions,
        "ix": images,
        "vx": run.velocities[frame],
    }
    values: dict[str, list[str]] = {}
    for name, table in groups.items():
        digits = ".0f" if name == "ix" else ".12f" if "s" in name else ".8f"
        for axis in range(3):
            label = name.replace("x", "xyz"[axis]) if name != "ix" else "i" + "xyz"[axis]
            values[label] = [format(value, digits) for value in table[:, axis]]
    count = len(run.species)
    values["id"] = [str(7 + 2 * index) for index in range(count)]  # with gaps
    values["type"] = [str(TYPE_OF[name]) for name in run.species]
    values["element"] = list(run.species)
    values["q"] = ["0.5"] * count
    order = np.arange(count) if rng is None else rng.permutation(count)
    names = columns.split()
    rows = [" ".join(values[name][index] for name in names) + " " for index in order]
    lines = ["ITEM: TIMESTEP", str(step), "ITEM: NUMBER OF ATOMS", str(count)]
    lines += [*box_lines(run.cell), f"ITEM: ATOMS {columns}", *rows]
    return head + "\n".join(lines) + "\n"


def write_lammps(path: Path, run: Run, columns: str, *, shuffled: bool = True) -> Path:
    """The run as a text dump, every 10 steps; compressed when the name ends so."""
    rng = np.random.default_rng(1) if shuffled else None
    text = "".join(
        lammps_frame(run, frame, columns, rng, 10 * frame) for frame in range(len(run.positions))
    )
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode(), 1))
    else:
        path.write_text(text)
    return path


def write_extended_xyz(path: Path, run: Run, *, time: bool = True) -> Path:
    """The run as GPUMD writes it: wrapped positions, velocities in Å/fs, Time in fs."""
    lattice = " ".join(f"{value:.8f}" for value in run.cell.ravel())
    lines = []
    for frame, positions in enumerate(run.wrapped):
        stamp = f"Time={frame * run.dt_fs:.8f} " if time else ""
        lines += [
            str(len(run.species)),
            f'{stamp}pbc="T T T" Lattice="{lattice}" energy=-1.5 '
            "Properties=species:S:1:pos:R:3:vel:R:3:energy_atom:R:1",
        ]
        for name, r, v in zip(run.species, positions, run.velocities[frame], strict=True):
            speeds = " ".join(f"{value / 1000:.11f}" for value in v)
            lines.append(f"{name} {r[0]:.8f} {r[1]:.8f} {r[2]:.8f} {speeds} -0.1")
    path.write_text("\n".join(lines) + "\n")
    return path


def write_h5md(path: Path, run: Run, *, images: bool = False) -> Path:
    """The run as `dump h5md` of LAMMPS writes it: edges by frame, species numbers, time in ps."""
    count = len(run.positions)
    with h5py.File(path, "w") as h5:
        h5.create_group("h5md").attrs["version"] = [1, 0]
        group = h5.create_group("particles/all")
        box = group.create_group("box")
        box.attrs["boundary"] = np.array([b"periodic"] * 3)
        edges = np.broadcast_to(np.diag(run.cell), (count, 3))
        tables = {"box/edges": edges, "position": run.wrapped, "velocity": run.velocities}
        if images:
            tables["image"] = run.images.astype(np.int32)
        numbers = np.array([TYPE_OF[name] for name in run.species], dtype=np.int32)
        tables["species"] = np.broadcast_to(numbers, (count, len(numbers)))
        for name, values in tables.items():
            item = group.create_group(name)
            item["value"] = values
            item["step"] = 10 * np.arange(count)
            item["time"] = np.arange(count) * run.dt_fs / 1000.0
    return path


def write_xdatcar(path: Path, run: Run) -> Path:
    """The run as VASP writes it: atoms by element, fractions of the cell, wrapped."""
    order = np.argsort(run.species, kind="stable")
    names = sorted(set(run.species))
    counts = [run.species.count(name) for name in names]
    rows = [" ".join(f"{value:.10f}" for value in vector) for vector in run.cell]
    lines = ["title", "1.0", *rows, " ".join(names), " ".join(map(str, counts))]
    fractions = run.positions @ np.linalg.inv(run.cell)
    fractions -= np.floor(fractions)
    for frame, table in enumerate(fractions[:, order]):
        lines.append(f"Direct configuration= {frame + 1:5d}")
        lines += [" ".join(f"{value:.12f}" for value in row) for row in table]
    path.write_text("\n".join(lines) + "\n")
    return path


def write_vasprun(path: Path, run: Run) -> Path:
    """The run as a vasprun.xml with what ASE needs of it: atoms, cells, fractions, forces."""
    fractions = run.positions @ np.linalg.inv(run.cell)
    fractions -= np.floor(fractions)

    def vectors(name: str, table: FloatArray) -> str:
        rows = "".join("<v>" + " ".join(f"{x:.12f}" for x in row) + "</v>" for row in table)
        return f'<varray name="{name}">{rows}</varray>'

    def structure(table: FloatArray, name: str = "") -> str:
        basis = f"<crystal>{vectors('basis', run.cell)}</crystal>"
        return f"<structure{name}>{basis}{vectors('positions', table)}</structure>"

    atoms = "".join(f"<rc><c>{name}</c><c>1</c></rc>" for name in run.species)
    energies = "".join(
        f'<i name="{n}">-1.0</i>' for n in ("e_fr_energy", "e_wo_entrp", "e_0_energy")
    )
    steps = "".join(
        f"<calculation><scstep><energy>{energies}</energy></scstep>{structure(table)}"
        f"{vectors('forces', np.zeros_like(table))}<energy>{energies}</energy></calculation>"
        for table in fractions
    )
    path.write_text(
        '<?xml version="1.0" encoding="ISO-8859-1"?>\n<modeling>\n'
        f'<incar><i name="POTIM">{run.dt_fs:12.8f}</i></incar>\n'
        f'<atominfo><atoms>{len(run.species)}</atoms><array name="atoms"><set>{atoms}</set>'
        f"</array></atominfo>\n{structure(fractions[0], INITIAL)}\n{steps}\n"
        f"{structure(fractions[-1], FINAL)}</modeling>\n"
    )
    return path
