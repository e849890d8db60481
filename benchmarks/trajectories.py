"""Reading a LAMMPS text dump, from the file to all its arrays, against ASE and 150 MB/s."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from benchmarks.timing import Measurement, best_seconds
from simulate.md.reading import read_trajectory

_ATOMS, _FRAMES = 5000, 120
_MEGABYTES_PER_SECOND = 150.0


def run() -> list[Measurement]:
    """All measurements of this file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "dump.lammpstrj"
        _write(path)
        megabytes = path.stat().st_size / 1e6
        name = f"read a LAMMPS dump of {megabytes:.0f} MB"

        def ours() -> int:
            trajectory = read_trajectory(path, dt_fs=20.0)
            return sum(len(block) for block in trajectory.blocks(64))

        def with_ase() -> int:
            from ase.io import read

            return len(read(path, index=":", format="lammps-dump-text"))

        ours()  # compiles
        seconds = best_seconds(ours)
        limit = megabytes / _MEGABYTES_PER_SECOND
        return [
            Measurement(name, seconds, "150 MB/s", limit, "≥ 1"),
            Measurement(name, seconds, "ASE", best_seconds(with_ase, 2), "faster"),
        ]


def _write(path: Path) -> None:
    """Atoms in changing order, positions and velocities, as a parallel run writes them."""
    rng = np.random.default_rng(0)
    sites = rng.random((_ATOMS, 3)) * 60.0
    head = "ITEM: NUMBER OF ATOMS\n{}\nITEM: BOX BOUNDS pp pp pp\n0.0 60.0\n0.0 60.0\n0.0 60.0\n"
    with open(path, "w") as stream:
        for frame in range(_FRAMES):
            moved = sites + rng.normal(size=sites.shape) * 0.1
            rows = np.hstack([moved, rng.normal(size=sites.shape) * 3.0]).tolist()
            stream.write(f"ITEM: TIMESTEP\n{20 * frame}\n{head.format(_ATOMS)}")
            stream.write("ITEM: ATOMS id type element x y z vx vy vz\n")
            for index in rng.permutation(_ATOMS).tolist():
                x, y, z, u, v, w = rows[index]
                stream.write(
                    f"{index + 1} {index % 3 + 1} {('Cs', 'Cu', 'I')[index % 3]} "
                    f"{x:.6f} {y:.6f} {z:.6f} {u:.6f} {v:.6f} {w:.6f}\n"
                )
