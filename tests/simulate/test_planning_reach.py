"""Zones and reach: centring, stars, and the round trip from Q to circles to Q."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from ixs_core.errors import InputError
from ixs_core.lattice import Lattice
from ixs_reduce.circles import Angles
from ixs_reduce.sixcircle import Orientation, Reflection
from simulate.planning.placement import longest_q, near_reach, place, reach
from simulate.planning.zones import CrystalSymmetry, momenta_of, reciprocal_vectors
from tests.simulate.toy_beamtime import C_CENTRED, mirror_rotations, toy_instrument

LATTICE = Lattice(10.48, 13.04, 6.06)


@pytest.mark.parametrize("analyzer", [None, "a06", "a03", "a09", "a35", "a41", "a20"])
@pytest.mark.parametrize("hkl", [(7, 6.3, 0), (0.3, 8.1, -0.2), (4.4, 4.4, 0), (6, 6, -0.3)])
def test_the_analyzer_sees_what_was_put_on_it(
    hkl: tuple[float, float, float], analyzer: str | None
) -> None:
    instrument = toy_instrument()
    if analyzer is not None and analyzer not in instrument.spectrometer.analyzers:
        analyzer = instrument.spectrometer.analyzers[-1]
    placed = place(instrument, hkl, analyzer)
    assert placed.reachable, placed.excluded
    assert placed.angles is not None
    table = instrument.analyzer_q(placed.angles)
    which = table.names.index(analyzer or "a06")
    assert np.abs(table.hkl[which] - hkl).max() < 1e-6
    assert instrument.limit_violations(placed.angles) == []
    assert placed.mv((60, 60)).startswith("mv tth ")


def test_beyond_the_limits_is_marked_with_the_circle() -> None:
    placed = place(toy_instrument(), (0.2, -8, 0), "a03")
    assert not placed.reachable
    assert "phi" in placed.excluded[0]
    assert "outside" in placed.excluded[0]
    assert placed.angles is not None


def test_longer_than_2k_says_so() -> None:
    placed = place(toy_instrument(), (40, 30, 0))
    assert placed.angles is None
    assert "cannot scatter" in placed.excluded[0]
    assert placed.mv() == ""


def test_parallel_reference_reflections_are_an_input_error() -> None:
    instrument = toy_instrument()
    first = Reflection((7, 7, 0), Angles(28.28, 14.14, 0.4, 71.3))
    second = Reflection((3, 3, 0), Angles(12.0, 6.0, 0.4, 71.3))
    bad = replace(instrument, orientation=Orientation(LATTICE, first, second))
    with pytest.raises(InputError, match="parallel"):
        place(bad, (7, 7, 0))


def test_an_unknown_analyzer_is_an_input_error() -> None:
    with pytest.raises(InputError, match="no such analyzer"):
        place(toy_instrument(), (7, 7, 0), "a99")


def test_centring_leaves_half_the_integer_hkl() -> None:
    centred = reciprocal_vectors(CrystalSymmetry(LATTICE, C_CENTRED), 8.0)
    primitive = reciprocal_vectors(CrystalSymmetry(LATTICE), 8.0)
    assert np.all((centred[:, 0] + centred[:, 1]) % 2 == 0)
    assert len(centred) / len(primitive) == pytest.approx(0.5, abs=0.02)
    inside = np.asarray(LATTICE.q_abs(primitive))
    assert inside.max() <= 8.0
    density = len(centred) / (4 / 3 * math.pi * 8.0**3)
    assert density == pytest.approx(LATTICE.volume / 2 / (2 * math.pi) ** 3, rel=0.02)


def test_star_of_general_and_special_momenta() -> None:
    symmetry = CrystalSymmetry(LATTICE, C_CENTRED, mirror_rotations())
    assert len(symmetry.star(np.array([0.1, 0.2, 0.3]))) == 8
    assert len(symmetry.star(np.array([0.0, 0.3, 0.0]))) == 2
    assert len(symmetry.star(np.array([0.0, 0.0, 0.5]))) == 1  # -q = q - c*
    assert len(symmetry.star(np.array([0.5, 0.5, 0.0]))) == 2  # (1/2, -1/2) is another vector
    alone = CrystalSymmetry(LATTICE)
    assert len(alone.star(np.array([0.1, 0.2, 0.3]))) == 2


def test_momenta_differ_by_reciprocal_vectors_from_the_star_and_stay_inside() -> None:
    symmetry = CrystalSymmetry(LATTICE, C_CENTRED, mirror_rotations())
    q = np.array([0.1, 0.25, 0.0])
    momenta = momenta_of(symmetry, q, 2.5)
    star = symmetry.star(q)
    rest = momenta.hkl[:, None] - star
    assert symmetry.is_reciprocal_vector(rest).any(axis=1).all()
    assert momenta.q_abs.max() <= 2.5
    assert np.all(np.diff(momenta.q_abs) >= -1e-8)
    number = 4 / 3 * math.pi * 2.5**3 * LATTICE.volume / 2 / (2 * math.pi) ** 3 * len(star)
    assert len(momenta.hkl) == pytest.approx(number, rel=0.06)


def test_reach_lists_excluded_zones_too() -> None:
    instrument = toy_instrument()
    symmetry = CrystalSymmetry(LATTICE, C_CENTRED)
    placements = reach(instrument, symmetry, (0.0, 0.3, 0.0), q_max=3.0)
    assert len(placements) == len(momenta_of(symmetry, np.array([0, 0.3, 0]), 3.0).hkl)
    reachable = [p for p in placements if p.reachable]
    assert 0 < len(reachable) < len(placements)
    assert all(p.excluded for p in placements if not p.reachable)


def test_the_sieve_loses_no_reachable_zone() -> None:
    instrument = toy_instrument()
    hkl = np.array([(7.0, 7, 0), (0, 8, 0), (4, 4, 0), (6, 6, 0), (0, -8, 0), (-7, -7, 0)])
    kept = near_reach(instrument, hkl)
    assert kept.tau_hkl.tolist() == hkl[:4].tolist()
    assert kept.dq_horizontal.shape == kept.dq_vertical.shape == (4, 3)


def test_longest_q_is_that_of_the_arm() -> None:
    instrument = toy_instrument()
    k = 2 * math.pi / instrument.wavelength
    expected = 2 * k * math.sin(math.radians(26))
    assert longest_q(instrument) == pytest.approx(expected, rel=0.06)
    assert longest_q(replace(instrument, limits={})) == pytest.approx(2 * k)
