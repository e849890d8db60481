"""A simple cubic crystal with cosine bands, and its linewidths in the files of several programs.

E_s = e_s √(3 - cos 2πq₁ - cos 2πq₂ - cos 2πq₃), its gradient is the group velocity, and the widths
are smooth functions of energy and temperature. Everything is known in closed form.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations, product
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from scipy import constants

CELL_A = 4.0
SCALES_MEV = np.array([6.0, 8.0, 11.0])
EV = constants.e
HBAR_MEV_PS = constants.hbar / constants.e * 1e15
THZ_MEV = constants.h * 1e12 / constants.e * 1e3


@dataclass(frozen=True)
class CosineCrystal:
    """Modes at the irreducible q-points of an n×n×n mesh, and at all of them."""

    divisions: int
    q: np.ndarray
    weights: np.ndarray
    owner: np.ndarray
    all_q: np.ndarray

    @property
    def energy(self) -> np.ndarray:
        """(nq, 3) meV."""
        return energies(self.q)

    @property
    def velocity(self) -> np.ndarray:
        """(nq, 3, 3) km/s."""
        return velocities(self.q)

    def width(self, kelvin: float, process: str = "3ph") -> np.ndarray:
        """(nq, 3) FWHM in meV."""
        return widths(self.energy, kelvin, process)

    def kappa(self, kelvin: float, processes: tuple[str, ...] = ("3ph",)) -> np.ndarray:
        """(3, 3) κ in W/(m K): sum over the whole mesh, in SI units, mode by mode."""
        total = np.zeros((3, 3))
        energy, velocity = energies(self.all_q), velocities(self.all_q)
        for q, branch in np.ndindex(*energy.shape):
            joule = energy[q, branch] * 1e-3 * EV
            if joule < 1e-25:
                continue
            x = joule / (constants.k * kelvin)
            n = 1 / np.expm1(x)
            capacity = constants.k * x**2 * n * (n + 1)
            fwhm = sum(widths(energy[q, branch], kelvin, name) for name in processes)
            tau = constants.hbar / (fwhm * 1e-3 * EV)
            v = velocity[q, branch] * 1e3
            total += capacity * tau * np.outer(v, v)
        return total / (CELL_A * 1e-10) ** 3 / len(self.all_q)

    def heat_capacity(self, kelvin: float) -> float:
        """J/(K m³)."""
        joule = energies(self.all_q) * 1e-3 * EV
        x = joule[joule > 1e-25] / (constants.k * kelvin)
        n = 1 / np.expm1(x)
        whole = (constants.k * x**2 * n * (n + 1)).sum()
        return float(whole / len(self.all_q) / (CELL_A * 1e-10) ** 3)


def energies(q: np.ndarray) -> np.ndarray:
    root = np.sqrt((1 - np.cos(2 * np.pi * q)).sum(axis=-1))
    return root[..., None] * SCALES_MEV


def velocities(q: np.ndarray) -> np.ndarray:
    root = np.sqrt((1 - np.cos(2 * np.pi * q)).sum(axis=-1))
    slope = np.sin(2 * np.pi * q) / (2 * np.where(root > 1e-6, root, 1.0))[..., None]  # of root
    gradient = slope[..., None, :] * SCALES_MEV[:, None] * CELL_A  # meV Å
    return gradient * 1e-3 * EV * 1e-10 / constants.hbar / 1e3


def widths(energy: Any, kelvin: float, process: str) -> Any:
    factor = {"3ph": 1e-3 * kelvin / 300, "4ph": 2e-4 * (kelvin / 300) ** 2, "isotope": 5e-5}
    return factor[process] * np.asarray(energy) ** 2


def cosine_crystal(divisions: int = 4) -> CosineCrystal:
    """Irreducible points by the 48 operations of m-3m."""
    steps = np.array(list(product(range(divisions), repeat=3)))
    images = []
    for order in permutations(range(3)):
        for signs in product((1, -1), repeat=3):
            images.append((steps[:, order] * np.array(signs)) % divisions)
    keys = np.array([i @ [divisions**2, divisions, 1] for i in images]).min(axis=0)
    first, owner, counts = np.unique(keys, return_inverse=True, return_counts=True)[0:3]
    place = [int(np.flatnonzero(keys == key)[0]) for key in first]
    q = steps / divisions
    return CosineCrystal(divisions, q[place], counts, owner, q)


def voigt(tensor: np.ndarray) -> np.ndarray:
    """xx yy zz yz xz xy."""
    return np.stack(
        [tensor[..., i, j] for i, j in ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))], axis=-1
    )


def write_kappa_hdf5(
    path: Path, crystal: CosineCrystal, kelvin: tuple[float, ...] = (300.0,), **more: Any
) -> Path:
    """A kappa file as phono3py writes it; a value of None leaves a dataset out."""
    velocity = crystal.velocity * 10  # Å/ps
    everywhere = velocities(crystal.all_q) * 10
    summed = np.zeros((len(crystal.q), 3, 3, 3))
    np.add.at(summed, crystal.owner, np.einsum("qsa,qsb->qsab", everywhere, everywhere))
    unit = EV * (1e12 * 1e-10) ** 2 / 1e-30 / 1e12 / (2 * np.pi)
    data = {
        "version": np.bytes_("4.0.0"),
        "temperature": np.array(kelvin),
        "mesh": np.full(3, crystal.divisions),
        "frequency": crystal.energy / THZ_MEV,
        "qpoint": crystal.q,
        "weight": crystal.weights,
        "group_velocity": velocity,
        "gv_by_gv": voigt(summed),
        "gamma": np.array([crystal.width(t) / 2 / THZ_MEV for t in kelvin]),
        "kappa": np.array([voigt(crystal.kappa(t)) for t in kelvin]),
        "kappa_unit_conversion": unit / CELL_A**3,
        **more,
    }
    with h5py.File(path, "w") as h5:
        for name, value in data.items():
            if value is not None:
                h5[name] = value
    return path


def band_major(table: np.ndarray) -> np.ndarray:
    """All q-points of the first branch, then of the second."""
    return np.concatenate(list(np.moveaxis(table, 1, 0)))


def write_rates(path: Path, crystal: CosineCrystal, fwhm_mev: np.ndarray) -> Path:
    """Frequency in rad/ps and rate in 1/ps."""
    omega = band_major(crystal.energy) / HBAR_MEV_PS
    rate = band_major(fwhm_mev) / HBAR_MEV_PS
    np.savetxt(path, np.column_stack([omega, rate]), fmt="%20.10E")
    return path


CONTROL = f"""&allocations
  nelements=1, natoms=1, ngrid(:)=@ @ @
&end
&crystal
  lfactor=0.1,
  lattvec(:,1)={CELL_A} 0 0, lattvec(:,2)=0 {CELL_A} 0, lattvec(:,3)=0 0 {CELL_A},
  elements="Po" types=1, positions(:,1)=0 0 0, scell(:)=2 2 2
&end
&parameters
  T=300
&end
"""


def write_run(
    root: Path, crystal: CosineCrystal, kelvin: tuple[float, ...] = (300.0,), full: bool = False
) -> Path:
    """A folder as FourPhonon leaves it."""
    root.mkdir(parents=True, exist_ok=True)
    nq = len(crystal.q)
    count = np.arange(1, nq + 1)
    np.savetxt(
        root / "BTE.qpoints",
        np.column_stack([count, count, crystal.weights, crystal.q]),
        fmt="%9d %9d %9d %20.10E %20.10E %20.10E",
    )
    np.savetxt(root / "BTE.omega", crystal.energy / HBAR_MEV_PS, fmt="%20.10E")
    np.savetxt(root / "BTE.v", band_major(crystal.velocity), fmt="%20.10E")
    write_rates(root / "BTE.w_isotopic", crystal, crystal.width(300, "isotope"))
    reciprocal = 2 * np.pi / (CELL_A / 10) * np.eye(3)
    lines = [f"{a:20.10f}{b:20.10f}{c:20.10f}   # nm-1,b" for a, b, c in reciprocal]
    (root / "BTE.ReciprocalLatticeVectors").write_text("\n".join(lines), encoding="utf-8")
    control = CONTROL.replace("@", str(crystal.divisions))
    (root / "CONTROL").write_text(control, encoding="utf-8")
    if full:
        everywhere = np.arange(1, len(crystal.all_q) + 1)
        points = np.column_stack([everywhere, crystal.owner + 1, crystal.all_q])
        np.savetxt(root / "BTE.qpoints_full", points, fmt="%9d %9d %20.10E %20.10E %20.10E")
        np.savetxt(root / "BTE.v_full", band_major(velocities(crystal.all_q)), fmt="%20.10E")
    for t in kelvin:
        write_temperature(root / f"T{t:g}K", crystal, t)
    return root


def write_temperature(folder: Path, crystal: CosineCrystal, kelvin: float) -> None:
    """The files of one temperature."""
    folder.mkdir(exist_ok=True)
    parts = {name: crystal.width(kelvin, name) for name in ("3ph", "4ph")}
    for name, width in parts.items():
        write_rates(folder / f"BTE.w_{name}", crystal, width)
    total = sum(parts.values()) + crystal.width(kelvin, "isotope")
    write_rates(folder / "BTE.w", crystal, total)
    (folder / "BTE.cv").write_text(f"{crystal.heat_capacity(kelvin):.10g}\n", encoding="utf-8")
    kappa = crystal.kappa(kelvin, ("3ph", "4ph", "isotope")).ravel()
    rows = [[0, *kappa], [1, *(1.1 * kappa)]]
    np.savetxt(folder / "BTE.kappa_tensor", rows, fmt="%9d" + "%20.10E" * 9)
