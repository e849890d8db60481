"""What the tests of the tab Density share: waiting, and densities that are known everywhere."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
from pytestqt.qtbot import QtBot

from gui.views.density_tab import DensityTab
from gui.window import MainWindow
from ixs_core.lattice import Lattice
from ixs_core.symmetry import Symmetry
from mem.density import Density
from sample_data.cscu2i3_structure import refined_model
from sample_data.simulate_structure_factors import RELATIVE_ERROR, simulate
from sample_data.structure_cif import structure_cif

KEY = "simulated_CsCu2I3_300K"

TRICLINIC = (6.0, 7.0, 8.0, 75.0, 100.0, 110.0)
ATOMS = np.array([[0.2, 0.3, 0.4], [0.7, 0.15, 0.4], [0.45, 0.8, 0.4]])
"""In one plane (0 0 1), of heights 3, 2 and 1."""

_SIGMA_A = 0.45
_D_MIN_A = 1.2


def small_cif(folder: Path, temperature_k: float) -> Path:
    """Simulated structure factors of CsCu2I3 to d = 1.2 Å: some 150, which take no time."""
    model, made = refined_model(temperature_k), simulate(temperature_k, seed=0)
    near = np.asarray(model.lattice.d_spacing(made.hkl)) > _D_MIN_A
    columns = (array[near] for array in (made.hkl, made.calculated, made.measured, made.sigma))
    path = folder / f"simulated_CsCu2I3_{temperature_k:g}K.cif"
    path.write_text(structure_cif(model, path.stem, RELATIVE_ERROR, *columns), encoding="utf-8")
    return path


def tab_of(window: MainWindow) -> DensityTab:
    """The tab."""
    tab = window.pages["density"]
    assert isinstance(tab, DensityTab)
    return tab


def settled(qtbot: QtBot, window: MainWindow) -> DensityTab:
    """The tab, once everything that was asked for is shown."""
    tab = tab_of(window)
    qtbot.waitUntil(lambda: tab.ready and not window.runner.busy, timeout=60_000)
    return tab


def vectors(cell: tuple[float, ...]) -> np.ndarray:
    """Rows a, b, c in Å, a along x and b in the plane xy: the textbook's formula."""
    a, b, c = cell[:3]
    alpha, beta, gamma = np.radians(cell[3:])
    x = (np.cos(alpha) - np.cos(beta) * np.cos(gamma)) / np.sin(gamma)
    third = [np.cos(beta), x, np.sqrt(1 - np.cos(beta) ** 2 - x**2)]
    return np.array([[a, 0, 0], [b * np.cos(gamma), b * np.sin(gamma), 0], [c * t for t in third]])


def gaussian_atoms(shape: tuple[int, int, int] = (40, 48, 54)) -> Density:
    """Gaussian atoms in a triclinic cell, heights 3, 2, 1 e/Å³ on a floor of 0.01."""
    grid = np.stack(np.meshgrid(*(np.arange(n) / n for n in shape), indexing="ij"), axis=-1)
    rows = vectors(TRICLINIC)
    values = np.full(shape, 0.01)
    for height, atom in zip((3.0, 2.0, 1.0), ATOMS, strict=True):
        near = (grid - atom + 0.5) % 1.0 - 0.5
        for shift in product((-1, 0, 1), repeat=3):
            distance = np.linalg.norm((near + shift) @ rows, axis=-1)
            values += height * np.exp(-((distance / _SIGMA_A) ** 2) / 2)
    return Density(Lattice.from_cell(TRICLINIC), values, Symmetry.from_triplets(["x,y,z"]))


def written(density: Density, path: Path) -> Path:
    """The path, with the density in it."""
    density.write(path)
    return path
