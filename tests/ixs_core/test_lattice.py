"""The lattice against closed forms, its defining duality, and another program (gemmi)."""

from __future__ import annotations

import gemmi
import numpy as np
import pytest

from ixs_core.errors import InputError
from ixs_core.lattice import Lattice

TRICLINIC = Lattice(5.2, 6.9, 8.3, 77.0, 101.0, 63.0)


def real_space_vectors(lattice: Lattice) -> np.ndarray:
    """Rows a, b, c: dual to the columns of B, with a·a* = 2π."""
    return 2 * np.pi * np.linalg.inv(lattice.b_matrix)


def test_b_is_dual_to_vectors_of_the_given_lengths_and_angles():
    a, b, c = real_space_vectors(TRICLINIC)
    lengths = [np.linalg.norm(v) for v in (a, b, c)]
    np.testing.assert_allclose(lengths, TRICLINIC.cell[:3], rtol=1e-12)
    cosines = [
        b @ c / lengths[1] / lengths[2],
        c @ a / lengths[2] / lengths[0],
        a @ b / lengths[0] / lengths[1],
    ]
    np.testing.assert_allclose(cosines, np.cos(np.radians(TRICLINIC.cell[3:])), atol=1e-12)


def test_b_has_the_busing_levy_form():
    b = TRICLINIC.b_matrix
    assert b[1, 0] == b[2, 0] == b[2, 1] == 0  # a* along x, b* in the xy plane
    assert np.all(np.diag(b) > 0)
    assert b[2, 2] == pytest.approx(2 * np.pi / TRICLINIC.c)


@pytest.mark.parametrize("hkl", [(1, 0, 0), (1, -2, 3), (0.5, 0.25, -4.1), (0, 7, 1)])
def test_d_spacing_and_volume_agree_with_gemmi(hkl):
    cell = gemmi.UnitCell(*TRICLINIC.cell)
    inverse_d = np.linalg.norm(np.array(cell.frac.mat).T @ np.array(hkl))
    assert TRICLINIC.d_spacing(hkl) == pytest.approx(1 / inverse_d, rel=1e-12)
    assert TRICLINIC.q_abs(hkl) == pytest.approx(2 * np.pi * inverse_d, rel=1e-12)
    assert TRICLINIC.volume == pytest.approx(cell.volume, rel=1e-12)


def test_cubic_and_hexagonal_closed_forms():
    assert Lattice.cubic(3.567).d_spacing((1, 1, 1)) == pytest.approx(3.567 / np.sqrt(3))
    a, c = 3.2, 5.1
    hexagonal = Lattice(a, a, c, 90, 90, 120)
    h, k, l_ = 2, 1, 3
    expected = 1 / np.sqrt(4 / 3 * (h * h + h * k + k * k) / a**2 + l_**2 / c**2)
    assert hexagonal.d_spacing((h, k, l_)) == pytest.approx(expected)
    assert hexagonal.volume == pytest.approx(a * a * c * np.sqrt(3) / 2)


def test_orthogonal_b_is_exactly_diagonal():
    b = Lattice(4, 5, 6).b_matrix
    np.testing.assert_array_equal(b, np.diag(np.diag(b)))


def test_hkl_inverts_q_cartesian_over_the_last_axis():
    hkl = np.random.default_rng(3).uniform(-5, 5, (4, 5, 3))
    q = TRICLINIC.q_cartesian(hkl)
    assert q.shape == (4, 5, 3)
    np.testing.assert_allclose(TRICLINIC.hkl(q), hkl, atol=1e-12)
    np.testing.assert_allclose(TRICLINIC.q_abs(hkl), np.linalg.norm(q, axis=-1))
    assert TRICLINIC.d_spacing(hkl).shape == (4, 5)


def test_origin_has_infinite_spacing_without_a_warning():
    assert Lattice.cubic(4.0).d_spacing((0, 0, 0)) == np.inf


@pytest.mark.parametrize(
    ("cell", "word"),
    [
        ((0, 1, 1, 90, 90, 90), "'a'"),
        ((1, float("nan"), 1, 90, 90, 90), "'b'"),
        ((1, 1, float("inf"), 90, 90, 90), "finite"),
        ((1, 1, 1, 90, 180, 90), "'beta'"),
        ((1, 1, 1, 120, 120, 120), "close a cell"),
        ((1, 1, 1, 20, 20, 60), "close a cell"),
    ],
)
def test_impossible_cells_are_named(cell, word):
    with pytest.raises(InputError, match=word):
        Lattice(*cell)


def test_wrong_shapes_are_named():
    with pytest.raises(InputError, match="shape"):
        TRICLINIC.q_abs([1.0, 2.0])
    with pytest.raises(InputError, match="six numbers"):
        Lattice.from_cell([1, 2, 3])
