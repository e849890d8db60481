"""Surfaces against spheres, planes and the gyroid."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ixs_core.crystal import cell_vectors
from ixs_core.errors import InputError
from ixs_core.lattice import Lattice
from mem.density import Density
from mem.formats.obj import write_obj
from mem.isosurface import Isosurface, isosurface
from tests.mem.analytic_densities import P1, TRICLINIC, fractions, wave_density

MIDDLE = np.array([0.5, 0.5, 0.5])


def ball(lattice: Lattice, shape: tuple[int, int, int]) -> Density:
    """exp(-r²) around the middle of the cell."""
    squared = np.sum(((fractions(shape) - MIDDLE) @ cell_vectors(lattice)) ** 2, axis=-1)
    return Density(lattice, np.exp(-squared), P1)


def edges_of(faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The edges of triangles, and how many triangles each belongs to."""
    edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    return np.unique(edges, axis=0, return_counts=True)


def euler(surface: Isosurface) -> int:
    return len(surface.vertices) - len(edges_of(surface.faces)[0]) + len(surface.faces)


@pytest.mark.parametrize("lattice", [Lattice.cubic(6.0), TRICLINIC])
def test_a_sphere(lattice: Lattice) -> None:
    radius = 1.5
    surface = isosurface(ball(lattice, (60, 66, 72)), float(np.exp(-(radius**2))))
    assert euler(surface) == 2
    assert np.all(edges_of(surface.faces)[1] == 2)
    assert np.isclose(surface.area, 4 * np.pi * radius**2, rtol=5e-3)
    assert np.isclose(surface.enclosed_volume, 4 / 3 * np.pi * radius**3, rtol=6e-3)
    outward = surface.vertices - MIDDLE @ cell_vectors(lattice)
    assert np.allclose(np.linalg.norm(outward, axis=1), radius, atol=5e-3)
    assert np.all(np.sum(surface.normals * outward, axis=1) > 0.5 * radius)


def test_every_triangle_faces_the_smaller_density() -> None:
    surface = isosurface(ball(TRICLINIC, (24, 26, 30)), 0.2)
    a, b, c = np.moveaxis(surface.vertices[surface.faces], 1, 0)
    outward = (a + b + c) / 3 - MIDDLE @ cell_vectors(TRICLINIC)
    assert np.all(np.sum(np.cross(b - a, c - a) * outward, axis=1) > 0)


def test_neighbouring_triangles_turn_the_same_way() -> None:
    faces = isosurface(ball(TRICLINIC, (24, 26, 30)), 0.2).faces
    directed = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    assert len(np.unique(directed, axis=0)) == len(directed)


def test_the_gyroid_has_the_genus_of_its_cell() -> None:
    # sin x cos y + sin y cos z + sin z cos x = 0: genus 3 per primitive cell, so the
    # conventional one of twice the volume has χ = -8; area 3.0919 a² (Schoen 1970).
    edge, n = 5.0, 40
    x, y, z = np.moveaxis(2 * np.pi * (fractions((n, n, n)) + 0.003), -1, 0)
    values = np.sin(x) * np.cos(y) + np.sin(y) * np.cos(z) + np.sin(z) * np.cos(x)
    surface = isosurface(Density(Lattice.cubic(edge), values, P1), 0.0)
    assert np.isclose(surface.area, 3.0919 * edge**2, rtol=5e-3)
    wrapped = np.round(surface.vertices / edge % 1.0, 6) % 1.0
    _, number = np.unique(wrapped, axis=0, return_inverse=True)
    faces = number.reshape(-1)[surface.faces]
    edges, shared = edges_of(faces)
    assert np.all(shared == 2)
    assert number.max() + 1 - len(edges) + len(faces) == -8


def test_a_surface_across_the_faces_of_the_cell() -> None:
    density = Density(TRICLINIC, np.roll(ball(TRICLINIC, (48, 52, 60)).values, 24, axis=0), P1)
    cut = isosurface(density, 0.2)
    whole = isosurface(density, 0.2, (-0.5, 0.0, 0.0), (0.5, 1.0, 1.0))
    assert euler(whole) == 2
    assert np.isclose(cut.area, whole.area, rtol=1e-9)
    middle = np.array([0.0, 0.5, 0.5]) @ cell_vectors(TRICLINIC)
    assert np.allclose(whole.vertices.mean(axis=0), middle, atol=0.05)


def test_values_on_the_level_itself_leave_no_hole() -> None:
    values = np.random.default_rng(5).integers(-2, 3, (12, 12, 12)).astype(float)
    values[[0, -1]] = values[:, [0, -1]] = values[:, :, [0, -1]] = -1.0
    surface = isosurface(Density(Lattice.cubic(4.0), values, P1), 0.0)
    assert np.all(edges_of(surface.faces)[1] % 2 == 0)
    assert np.isfinite(surface.normals).all()


def test_no_surface() -> None:
    surface = isosurface(wave_density((10, 10, 10)), 1e6)
    assert surface.faces.shape == (0, 3)
    assert surface.area == 0.0


@pytest.mark.parametrize(
    ("level", "low", "high"),
    [
        (1.0, (0, 0, 0), (0, 1, 1)),
        (1.0, (0, 0, 0), (900, 900, 900)),
        (np.nan, (0, 0, 0), (1, 1, 1)),
    ],
)
def test_impossible_boxes_are_refused(level: float, low: tuple, high: tuple) -> None:
    with pytest.raises(InputError):
        isosurface(wave_density((10, 10, 10)), level, low, high)


def test_obj(tmp_path: Path) -> None:
    surface = isosurface(ball(TRICLINIC, (20, 20, 20)), 0.3)
    write_obj(surface, tmp_path / "x.obj")
    lines = (tmp_path / "x.obj").read_text().splitlines()
    vertices = np.array([line.split()[1:] for line in lines if line.startswith("v ")], dtype=float)
    faces = [line.split()[1:] for line in lines if line.startswith("f ")]
    assert np.allclose(vertices, surface.vertices, atol=1e-6)
    assert [int(corner.split("//")[0]) - 1 for corner in faces[7]] == surface.faces[7].tolist()
