"""A shaded picture of a surface of triangles, by a z-buffer in numpy: no OpenGL is needed.

Every triangle is covered by points so dense that they leave no hole in the picture; of all points
that fall on a pixel the nearest one is seen. Depth and brightness share one whole number, so that
the largest number of a pixel is its nearest point.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtGui import QColor

from ixs_core.arrays import FloatArray, IntArray
from mem.isosurface import Isosurface

_LIGHT = np.array([0.35, 0.45, 0.82])
_AMBIENT = 0.3
_SHADES = 250  # two bands of so many: outside and inside of the surface
_FINEST = 12  # parts into which an edge is cut at most
_DEPTHS = 1 << 20


@dataclass(frozen=True)
class Camera:
    """How a picture is taken, without perspective.

    Parameters
    ----------
    rotation : (3, 3) array
        Rows: right, up, and towards the eye, in Cartesian coordinates.
    center : (3,) array
        In Å, in the middle of the picture.
    scale : float
        Pixels per Å.
    size : (int, int)
        Width and height in pixels.
    """

    rotation: FloatArray
    center: FloatArray
    scale: float
    size: tuple[int, int]

    def project(self, points: FloatArray) -> FloatArray:
        """(…, 3) pixels from the left and from the top, and depth in Å towards the eye."""
        seen = (np.asarray(points) - self.center) @ self.rotation.T
        width, height = self.size
        x = width / 2 + self.scale * seen[..., 0]
        y = height / 2 - self.scale * seen[..., 1]
        return np.stack([x, y, seen[..., 2]], axis=-1)


def turned(rotation: FloatArray, right: float, up: float) -> FloatArray:
    """A camera's rotation after a drag by these angles in rad."""
    c, s = np.cos(right), np.sin(right)
    about_up = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    c, s = np.cos(up), np.sin(up)
    about_right = np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    # Made orthogonal again, so that long turns do not shear.
    u, _, v = np.linalg.svd(about_right @ about_up @ rotation)
    return np.asarray(u @ v)


def render(surface: Isosurface, camera: Camera, outside: str, inside: str) -> np.ndarray:
    """A picture of a surface.

    Parameters
    ----------
    surface : Isosurface
    camera : Camera
    outside, inside : str
        Colours of both sides; the inside is seen where a cell cuts the surface open.

    Returns
    -------
    (height, width, 4) uint8 array
        RGBA, transparent where there is nothing.
    """
    width, height = camera.size
    nearest = np.zeros(width * height, dtype=np.int64)
    corners = camera.project(surface.vertices)
    shade = _shades(surface, camera)
    if len(surface.faces):
        low, high = float(corners[:, 2].min()), float(corners[:, 2].max())
        corners[:, 2] = (corners[:, 2] - low) / max(high - low, 1e-9)
    for faces, weights in _subdivided(surface.faces, corners):
        _splat(nearest, corners[faces], shade[faces], weights, width, height)
    return _colored(nearest, outside, inside).reshape(height, width, 4)


def _shades(surface: Isosurface, camera: Camera) -> FloatArray:
    """(n,) brightness -1..1 of every vertex; negative: its inside is seen."""
    normals = surface.normals @ camera.rotation.T
    lit = _AMBIENT + (1 - _AMBIENT) * np.abs(normals @ _LIGHT)
    return np.asarray(np.where(normals[:, 2] < 0, -lit, lit))


def _subdivided(faces: IntArray, corners: FloatArray) -> list[tuple[IntArray, FloatArray]]:
    """Triangles by the number of parts their edges need, with weights of the points on them."""
    flat = corners[:, :2]
    edges = [flat[faces[:, i]] - flat[faces[:, i - 1]] for i in range(3)]
    longest = np.max([np.abs(edge).max(axis=1) for edge in edges], axis=0) if len(faces) else []
    parts = np.clip(np.ceil(longest), 1, _FINEST).astype(int)
    return [(faces[parts == n], _weights(n)) for n in np.unique(parts).tolist()]


def _weights(n: int) -> FloatArray:
    """(m, 3) barycentric weights of a triangle whose edges are cut into n parts."""
    pairs = [(i, j) for i in range(n + 1) for j in range(n + 1 - i)]
    return np.array([(i, j, n - i - j) for i, j in pairs]) / n


def _splat(
    nearest: np.ndarray,
    corners: FloatArray,
    shade: FloatArray,
    weights: FloatArray,
    width: int,
    height: int,
) -> None:
    """Put points of triangles, corners (n, 3, 3) and shades (n, 3), on their pixels."""
    points = np.einsum("kc,fcx->fkx", weights, corners).reshape(-1, 3)
    # One side for the whole triangle: at the rim shades of both signs would average to dark.
    side = np.sign(shade.sum(axis=1))
    bright = np.abs(shade) @ weights.T
    x, y = points[:, 0].astype(np.int64), points[:, 1].astype(np.int64)
    seen = (points[:, 0] >= 0) & (x < width) & (points[:, 1] >= 0) & (y < height)
    tone = (bright * (_SHADES - 1)).astype(np.int64).ravel()
    tone += np.repeat(np.where(side < 0, _SHADES, 0), len(weights)) + 1
    value = (1 + (points[:, 2] * (_DEPTHS - 1)).astype(np.int64)) * (2 * _SHADES + 1) + tone
    np.maximum.at(nearest, (y * width + x)[seen], value[seen])


def _colored(nearest: np.ndarray, outside: str, inside: str) -> np.ndarray:
    tone = nearest % (2 * _SHADES + 1)
    palette = np.zeros((2 * _SHADES + 1, 4), dtype=np.uint8)
    brightness = (np.arange(_SHADES) + 1) / _SHADES
    for first, name in ((1, outside), (1 + _SHADES, inside)):
        color = QColor(name)
        rgb = np.array([color.red(), color.green(), color.blue()])
        palette[first : first + _SHADES, :3] = np.outer(brightness, rgb)
        palette[first : first + _SHADES, 3] = 255
    return palette[tone]
