"""Meshes as Wavefront OBJ, which Blender, MeshLab and ParaView open."""

from __future__ import annotations

from pathlib import Path

from ixs_core.atomic import atomic_write
from mem.isosurface import Isosurface


def write_obj(surface: Isosurface, path: str | Path) -> None:
    """Write vertices in Å, normals and triangles; errors as in `atomic_write`."""
    with atomic_write(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.write(f"# electron density {surface.level:g} e/A^3, coordinates in A\n")
        file.writelines(f"v {x:.6f} {y:.6f} {z:.6f}\n" for x, y, z in surface.vertices.tolist())
        file.writelines(f"vn {x:.5f} {y:.5f} {z:.5f}\n" for x, y, z in surface.normals.tolist())
        file.writelines(
            f"f {a}//{a} {b}//{b} {c}//{c}\n" for a, b, c in (surface.faces + 1).tolist()
        )
