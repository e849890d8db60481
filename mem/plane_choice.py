"""Which plane a section shows: from Miller indices, or from three points."""

from __future__ import annotations

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.crystal import Crystal, cell_vectors
from ixs_core.errors import InputError
from ixs_core.lattice import Lattice


def parse_plane(text: str, inside: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Plane and origin as `Density.section` takes them.

    Parameters
    ----------
    text : str
        "h k l" contains the point `inside`; "x y z : x y z : x y z" goes through three points.
    inside : (3,) array
        Fractional.

    Raises
    ------
    InputError
        It is neither.
    """
    try:
        parts = text.replace(",", " ").split(":")
        rows = [[float(word) for word in part.split()] for part in parts]
    except ValueError:
        rows = []
    if len(rows) == 3 and all(len(row) == 3 for row in rows):
        return np.array(rows), np.zeros(3)
    if len(rows) != 1 or len(rows[0]) != 3:
        raise InputError(
            "not a plane",
            key="plane",
            found=text,
            expected='Miller indices "0 1 0", or three points "x y z : x y z : x y z"',
        )
    miller = np.array(rows[0])
    # Away from the cell's origin across the plane only, so that sections start at cell axes.
    return miller, miller * (miller @ inside) / max(miller @ miller, 1.0)


def parse_place(text: str, structure: Crystal | None) -> FloatArray:
    """A fractional point, or the position of a site or of the first site of an element.

    Raises
    ------
    InputError
        It is neither.
    """
    try:
        point = np.array([float(word) for word in text.replace(",", " ").split()])
    except ValueError:
        point = np.empty(0)
    if point.shape == (3,) and np.all(np.isfinite(point)):
        return point
    sites = structure.sites if structure else ()
    for site in sites:
        if text.lower() in (site.label.lower(), site.element.lower()):
            return site.position
    raise InputError(
        "neither a point nor a site",
        key="through",
        found=text,
        expected='"x y z"' + "".join(f", {site.label}" for site in sites),
    )


def shifted_plane(
    lattice: Lattice, plane: FloatArray, origin: FloatArray, offset_angstrom: float
) -> tuple[FloatArray, FloatArray]:
    """A plane moved along its normal, as `Density.section` takes it.

    Parameters
    ----------
    lattice : Lattice
    plane : (3,) Miller indices or (3, 3) points
    origin : (3,) array
        Fractional.
    offset_angstrom : float
        Along the reciprocal vector of Miller indices, or along the cross product of the ways from
        the first point to the second and the third.
    """
    vectors = cell_vectors(lattice)
    if plane.shape == (3,):
        normal = lattice.b_matrix @ plane
    else:
        normal = np.cross(*((plane[1:] - plane[0]) @ vectors))
    length = float(np.linalg.norm(normal))
    if length == 0:  # no plane, which the section says better
        return plane, origin
    step = offset_angstrom * (normal / length) @ np.linalg.inv(vectors)
    return (plane, origin + step) if plane.shape == (3,) else (plane + step, origin)
