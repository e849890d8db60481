"""Angles of pixels and predicted spots, against the definitions written out."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from ixs_core.errors import InputError
from ixs_core.frame_geometry import DetectorGeometry, Orientation, predict_spots
from ixs_core.frame_header import ORIENTATION_TYPE, UB_NAMES, frame_info
from ixs_core.lattice import Lattice

GEOMETRY = DetectorGeometry(0.35, 90.0, (0.1, 0.12), (251.3, 240.8))
LATTICE = Lattice(6.2, 7.1, 8.4, 90.0, 97.0, 90.0)
UB = Rotation.from_euler("xyz", (25, -40, 65), degrees=True).as_matrix() @ LATTICE.b_matrix
SHAPE = (480, 512)


def test_angles_of_a_pixel() -> None:
    radius = math.hypot((400 - 251.3) * 0.1, (100 - 240.8) * 0.12)
    two_theta = math.degrees(math.atan(radius / 90.0))
    assert GEOMETRY.two_theta(400, 100) == pytest.approx(two_theta)
    d = 0.35 / (2 * math.sin(math.radians(two_theta / 2)))
    assert GEOMETRY.d_spacing(400, 100) == pytest.approx(d)
    assert np.isinf(GEOMETRY.d_spacing(251.3, 240.8))
    q = GEOMETRY.scattering_vector(400, 100)
    assert np.linalg.norm(q) == pytest.approx(2 * math.pi / d)
    assert np.allclose(GEOMETRY.pixel_of(q), (400, 100))


def test_spots_by_turning_the_crystal_in_small_steps() -> None:
    """Every hkl whose distance from the Ewald sphere changes sign during the exposure."""
    turn = Orientation(UB, 20.0, 6.0)
    spots = predict_spots(GEOMETRY, turn, SHAPE)
    k = 2 * math.pi / 0.35
    incoming = np.array([0, 0, k])
    fine = np.linspace(20.0, 26.0, 1201)
    turns = Rotation.from_rotvec(np.outer(np.radians(fine), [1, 0, 0])).as_matrix()
    expected = {}
    for hkl in itertools.product(range(-9, 10), repeat=3):
        q = turns @ (UB @ hkl)
        beyond = np.linalg.norm(q + incoming, axis=1) - k
        for at in np.flatnonzero(np.sign(beyond[1:]) != np.sign(beyond[:-1])):
            ray = q[at] + incoming
            x = 251.3 + 90.0 * ray[0] / ray[2] / 0.1
            y = 240.8 + 90.0 * ray[1] / ray[2] / 0.12
            if ray[2] > 0 and -0.5 <= x <= 511.5 and -0.5 <= y <= 479.5 and any(hkl):
                expected[hkl] = (x, y)
    found = {tuple(hkl): (x, y) for hkl, x, y in zip(spots.hkl, spots.x, spots.y, strict=True)}
    assert len(expected) > 20
    assert found.keys() == expected.keys()
    for hkl, place in expected.items():
        assert np.allclose(found[hkl], place, atol=0.5)


def test_the_hkl_of_a_pixel_is_that_of_its_spot() -> None:
    turn = Orientation(UB, 20.0, 0.001)
    wide = predict_spots(GEOMETRY, Orientation(UB, 0.0, 360.0), SHAPE)
    for hkl, x, y, phi in list(zip(*wide, strict=True))[::40]:
        here = Orientation(UB, phi, 0.0)
        assert np.allclose(here.hkl(GEOMETRY.scattering_vector(x, y)), hkl, atol=1e-9)
    assert turn.hkl(GEOMETRY.scattering_vector(np.zeros((2, 3)), 0.0)).shape == (2, 3, 3)


def test_absent_reflections_are_left_out_where_the_space_group_is_known() -> None:
    whole = predict_spots(GEOMETRY, Orientation(UB, 0.0, 10.0), SHAPE)
    centred = predict_spots(GEOMETRY, Orientation(UB, 0.0, 10.0, "C m c m"), SHAPE)
    kept = (whole.hkl[:, 0] + whole.hkl[:, 1]) % 2 == 0
    glide = (whole.hkl[:, 1] == 0) & (whole.hkl[:, 2] % 2 != 0)
    assert np.array_equal(np.sort(centred.hkl, axis=0), np.sort(whole.hkl[kept & ~glide], axis=0))
    unknown = predict_spots(GEOMETRY, Orientation(UB, 0.0, 10.0, "no such group"), SHAPE)
    assert len(unknown.hkl) == len(whole.hkl)


def test_a_still_image_takes_what_is_near() -> None:
    still = Orientation(UB, 20.0, 0.0)
    near = predict_spots(GEOMETRY, still, SHAPE, margin_deg=1.5)
    turned = predict_spots(GEOMETRY, Orientation(UB, 18.5, 3.0), SHAPE)
    assert {*map(tuple, near.hkl)} == {*map(tuple, turned.hkl)}


def test_matrices_that_cannot_be() -> None:
    with pytest.raises(InputError, match="singular"):
        predict_spots(GEOMETRY, Orientation(np.zeros((3, 3)), 0.0, 1.0), SHAPE)
    with pytest.raises(InputError, match="too many"):
        predict_spots(GEOMETRY, Orientation(UB / 1000, 0.0, 1.0), SHAPE)
    with pytest.raises(InputError, match="no geometry"):
        DetectorGeometry(0.35, -1.0, (0.1, 0.1), (0.0, 0.0))


def test_the_orientation_of_a_header() -> None:
    texts = {name: f"{value:.9f}" for name, value in zip(UB_NAMES, UB.ravel(), strict=True)}
    turn = {"Start_angle": "20 deg.", "Angle_increment": "0.5 deg."}
    named = {**texts, **turn, "_diffrn_orient_matrix_type": ORIENTATION_TYPE}
    info = frame_info(named)
    assert info.orientation is not None
    assert np.allclose(info.orientation.ub, UB, atol=1e-8)
    assert (info.orientation.start_deg, info.orientation.step_deg) == (20.0, 0.5)
    other = frame_info({**named, "_diffrn_orient_matrix_type": "of another diffractometer"})
    assert "convention that is not known" in other.no_orientation
    del named["_diffrn_orient_matrix_UB_23"]
    assert "not whole" in frame_info(named).no_orientation
    still = frame_info({**texts, "_diffrn_orient_matrix_type": ORIENTATION_TYPE})
    assert "at which angle" in still.no_orientation
    assert "no orientation matrix" in frame_info({}).no_orientation
