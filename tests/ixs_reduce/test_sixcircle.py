"""Angles and hkl: rotations against scipy, round trips in every way of freezing, branches."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from ixs_core.errors import InputError
from ixs_core.lattice import Lattice
from ixs_reduce.circles import (
    CIRCLES,
    Angles,
    incident_direction,
    reference_angles,
    sample_rotation,
    scattered_direction,
    scattering_frame,
    scattering_vector,
    wrapped,
)
from ixs_reduce.frozen import DETECTOR, NAMES, frozen_names
from ixs_reduce.sixcircle import (
    Orientation,
    Reflection,
    angles_for,
    hkl_of,
    hkl_of_detectors,
    limit_violations,
)
from ixs_reduce.spectrometer import CRYOSTAT_LIMITS, bl43lxu
from tests.ixs_reduce import diamond

WAVELENGTH = 0.5226
LIMITS = {**bl43lxu().limits, **CRYOSTAT_LIMITS}


def random_orientation(rng: np.random.Generator) -> Orientation:
    """A triclinic crystal in a random orientation, through the angles of two of its reflections."""
    lattice = Lattice(*rng.uniform(4, 12, 3), *rng.uniform(70, 110, 3))
    or0 = Reflection((2, 0, 1), random_angles(rng))
    or1 = Reflection((0, 3, -1), random_angles(rng))
    return Orientation(lattice, or0, or1)


def random_angles(rng: np.random.Generator) -> Angles:
    """Within the instrument; mu and gam of opposite sign, where Bragg's law fixes either well."""
    return Angles(
        tth=rng.uniform(4, 50),
        th=rng.uniform(-19, 25),
        chi=rng.uniform(2, 29),
        phi=rng.uniform(-9, 99),
        mu=rng.uniform(1, 2),
        gam=rng.uniform(-3, -1),
    )


def all_ten(angles: Angles, reference: np.ndarray) -> dict[str, float]:
    return {**angles.as_dict(), "omega": angles.omega, **reference_angles(angles, reference)}


def independent_codes() -> list[str]:
    codes = []
    for digits in itertools.combinations("0123456789", 3):
        code = "".join(digits)
        try:
            frozen_names(code)
        except InputError:
            continue
        codes.append(code)
    return codes


CODES = independent_codes()
CLOSED = [code for code in CODES if len(set(frozen_names(code)) & set(DETECTOR)) == 2]
SEARCHED = [code for code in CODES if code not in CLOSED]


def test_circles_are_the_rotations_of_the_write_up():
    th, chi, phi = 11.0, -7.0, 123.0
    # CHI is left-handed about +y: a rotation by -chi.
    expected = Rotation.from_euler("ZYZ", [th, -chi, phi], degrees=True).as_matrix()
    np.testing.assert_allclose(sample_rotation(th, chi, phi), expected, atol=1e-14)


def test_beams_and_the_sense_of_gam():
    np.testing.assert_allclose(incident_direction(0.0), [0, -1, 0], atol=1e-15)
    np.testing.assert_allclose(scattered_direction(90.0, 0.0), [1, 0, 0], atol=1e-15)
    assert scattered_direction(20.0, 1.0)[2] < 0  # positive gam is down
    assert incident_direction(-0.1719)[2] > 0  # the mirrors send the beam upward


def test_length_of_q_is_bragg():
    q = scattering_vector(WAVELENGTH, 30.0, 0.0, 0.0)
    assert np.linalg.norm(q) == pytest.approx(4 * math.pi * math.sin(math.radians(15)) / WAVELENGTH)
    mu, tth, gam = -1.576, 24.0, 2.0
    cosine = incident_direction(mu) @ scattered_direction(tth, gam)
    expected = 4 * math.pi / WAVELENGTH * math.sin(math.acos(cosine) / 2)
    assert np.linalg.norm(scattering_vector(WAVELENGTH, tth, mu, gam)) == pytest.approx(expected)


def test_first_reflection_is_met_exactly_and_u_is_a_rotation():
    for seed in range(20):
        rng = np.random.default_rng(seed)
        orientation = random_orientation(rng)
        u = orientation.u_matrix
        np.testing.assert_allclose(u @ u.T, np.eye(3), atol=1e-12)
        assert np.linalg.det(u) == pytest.approx(1)
        hkl = hkl_of(orientation, WAVELENGTH, orientation.or0.angles)
        np.testing.assert_allclose(np.cross(hkl, orientation.or0.hkl), 0, atol=1e-9)
        assert hkl @ np.array(orientation.or0.hkl) > 0
        second = hkl_of(orientation, WAVELENGTH, orientation.or1.angles)
        # the second only fixes the plane: its direction is a mixture of both hkl
        assert abs(np.linalg.det([hkl, orientation.or1.hkl, second])) < 1e-9


def test_misfit_of_the_diamond():
    misfit = diamond.ORIENTATION.misfit(diamond.WAVELENGTH)
    np.testing.assert_allclose(misfit.length_ratios, 1, atol=1e-5)
    assert abs(misfit.angle_difference) < 0.1
    stretched = Orientation(
        Lattice.cubic(3.567 * 1.02), diamond.ORIENTATION.or0, diamond.ORIENTATION.or1
    )
    np.testing.assert_allclose(stretched.misfit(diamond.WAVELENGTH).length_ratios, 1.02, atol=1e-5)


def test_detectors_off_the_arm_agree_with_an_arm_there():
    rng = np.random.default_rng(5)
    orientation, angles = random_orientation(rng), random_angles(rng)
    tth, gam = rng.uniform(10, 20, (3, 4)), rng.uniform(-3, 3, (3, 4))
    hkl = hkl_of_detectors(orientation, WAVELENGTH, angles, tth, gam)
    there = Angles(**{**angles.as_dict(), "tth": tth[1, 2], "gam": gam[1, 2]})
    np.testing.assert_allclose(hkl[1, 2], hkl_of(orientation, WAVELENGTH, there), atol=1e-12)


@pytest.mark.parametrize("seed", range(60))
def test_round_trip_in_the_default_mode(seed):
    """angles → hkl → angles within the limits of the cradle and cryostat, to 1e-8."""
    rng = np.random.default_rng(seed)
    orientation, angles = random_orientation(rng), random_angles(rng)
    hkl = hkl_of(orientation, WAVELENGTH, angles)
    values = {"mu": angles.mu, "gam": angles.gam, "omega": angles.omega}
    found = angles_for(orientation, WAVELENGTH, hkl, values=values, limits=LIMITS, near=angles)
    for name in CIRCLES:
        assert getattr(found, name) == pytest.approx(getattr(angles, name), abs=1e-8)
    np.testing.assert_allclose(hkl_of(orientation, WAVELENGTH, found), hkl, atol=1e-8)


def check_round_trip(code: str, seed: int) -> None:
    rng = np.random.default_rng([seed, int(code)])
    orientation, angles = random_orientation(rng), random_angles(rng)
    azimuth_hkl = (0.2, -0.3, 1.0)
    reference = orientation.crystal_q(azimuth_hkl)
    hkl = hkl_of(orientation, WAVELENGTH, angles)
    names = frozen_names(code)
    values = {name: all_ten(angles, reference)[name] for name in names}
    # Anywhere: the hkl and the frozen values hold.
    found = angles_for(orientation, WAVELENGTH, hkl, code, values, azimuth_hkl=azimuth_hkl)
    np.testing.assert_allclose(hkl_of(orientation, WAVELENGTH, found), hkl, atol=1e-8)
    for name in names:
        assert abs(wrapped(all_ten(found, reference)[name] - values[name])) < 1e-8, name
    # Close to where it came from: the same angles.
    aside = {n: v + 0.01 * (n not in names) for n, v in angles.as_dict().items()}
    again = angles_for(
        orientation, WAVELENGTH, hkl, code, values, azimuth_hkl=azimuth_hkl, near=Angles(**aside)
    )
    for name in CIRCLES:
        assert abs(wrapped(getattr(again, name) - getattr(angles, name))) < 1e-8, name


@pytest.mark.parametrize("code", CLOSED)
def test_round_trip_in_closed_form(code):
    for seed in range(10):
        check_round_trip(code, seed)


@pytest.mark.parametrize("code", SEARCHED)
def test_round_trip_by_search(code):
    check_round_trip(code, 1)


def test_azimuth_alpha_beta_by_their_definitions():
    rng = np.random.default_rng(8)
    angles, n = random_angles(rng), rng.normal(size=3)
    seen = reference_angles(angles, n)
    k_in, k_out = incident_direction(angles.mu), scattered_direction(angles.tth, angles.gam)
    lab = sample_rotation(angles.th, angles.chi, angles.phi) @ n / np.linalg.norm(n)
    assert 90 - math.degrees(math.acos(-lab @ k_in)) == pytest.approx(seen["alpha"])
    assert 90 - math.degrees(math.acos(lab @ k_out)) == pytest.approx(seen["beta"])
    # turning the crystal about Q changes the azimuth by the turn and nothing else of Q
    frame = scattering_frame(angles.mu, angles.tth, angles.gam)
    turned = Rotation.from_rotvec(frame[:, 0] * math.radians(25)).apply(lab)
    azimuth = math.degrees(math.atan2(turned @ frame[:, 2], turned @ frame[:, 1]))
    assert wrapped(azimuth - seen["azimuth"]) == pytest.approx(25)


def test_full_turns_bring_an_angle_into_its_limits():
    hkl = hkl_of(diamond.ORIENTATION, diamond.WAVELENGTH, Angles(20, 10, 5, 185))
    found = angles_for(
        diamond.ORIENTATION, diamond.WAVELENGTH, hkl, limits={"chi": (0, 30), "phi": (100, 270)}
    )
    assert found.phi == pytest.approx(185)
    assert found.chi == pytest.approx(5)


def test_without_a_neighbour_the_arm_is_positive_and_chi_small():
    found = angles_for(diamond.ORIENTATION, diamond.WAVELENGTH, (1.1, 1.1, 1.1))
    assert found.tth > 0
    assert abs(found.chi) < 1


def test_the_excluding_limit_is_named():
    with pytest.raises(InputError, match=r"tth 76\.\d+ outside 0\.6 \.\. 52"):
        angles_for(diamond.ORIENTATION, diamond.WAVELENGTH, (4.5, 4.4, 4.5), limits=LIMITS)
    with pytest.raises(InputError, match="chi"):
        angles_for(diamond.ORIENTATION, diamond.WAVELENGTH, (-1, 1, 1), limits=LIMITS)


def test_limits_need_angles_that_exist():
    with pytest.raises(InputError, match="'kappa'"):
        limit_violations(Angles(1, 2, 3, 4), {"kappa": (0, 1)})
    with pytest.raises(InputError, match="azimuth reference"):
        limit_violations(Angles(1, 2, 3, 4), {"alpha": (0, 1)})


@pytest.mark.parametrize(
    ("code", "word"),
    [
        ("45", "three different digits"),
        ("455", "three different digits"),
        ("4a6", "three different digits"),
        ("045", "length of Q"),
        ("016", "omega = th"),
        ("478", "follows from another"),
    ],
)
def test_codes_that_fix_nothing_are_explained(code, word):
    with pytest.raises(InputError, match=word):
        frozen_names(code)


def test_every_other_code_is_supported():
    # three of ten, less tth-mu-gam, tth-th-omega, and those with two or three of the last three
    assert len(CODES) == math.comb(10, 3) - 2 - (3 * 7 + 1)
    assert {name for code in CODES for name in frozen_names(code)} == set(NAMES)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"hkl": (0, 0, 0)}, "cannot scatter"),
        ({"hkl": (9, 9, 9)}, "at most"),
        ({"values": {"chi": 3.0}}, "not frozen"),
        ({"values": {"kappa": 3.0}}, "angles are"),
        ({"frozen": "245"}, "--set chi"),
        ({"frozen": "457", "values": {"azimuth": 0.0}}, "reference"),
        ({"frozen": "147", "values": {"th": 9.0, "azimuth": 0.0}}, "reference"),
        (
            {"frozen": "457", "values": {"azimuth": 0.0}, "azimuth_hkl": (2.2, 2.2, 2.2)},
            "parallel",
        ),
        # Q across the beam scatters at no tilt of it
        ({"frozen": "123", "values": {"th": 0, "chi": 0.05, "phi": 35.2}}, "no position"),
        # Q near the plane of phi, its x component gone: no chi lifts it to the arm
        ({"frozen": "345", "values": {"phi": 125.2, "gam": 10}}, "no position"),
    ],
)
def test_bad_requests_are_named(arguments, word):
    request = {"hkl": (1.1, 1.1, 1.1), **arguments}
    with pytest.raises(InputError, match=word):
        angles_for(diamond.ORIENTATION, diamond.WAVELENGTH, **request)


def test_parallel_reflections_are_named():
    lattice = Lattice.cubic(4.0)
    first = Reflection((1, 0, 0), Angles(10, 5, 0, 0))
    with pytest.raises(InputError, match="parallel by their hkl"):
        _ = Orientation(lattice, first, Reflection((2, 0, 0), Angles(20, 10, 0, 30))).u_matrix
    with pytest.raises(InputError, match="parallel by their angles"):
        _ = Orientation(lattice, first, Reflection((0, 1, 0), Angles(20, 10, 0, 0))).u_matrix
    with pytest.raises(InputError, match="Q = 0"):
        _ = Orientation(lattice, first, Reflection((0, 1, 0), Angles(0, 10, 0, 0))).u_matrix
