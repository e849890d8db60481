"""The resolution object: area, half height, shifts, records and bad input."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from ixs_core.errors import InputError
from ixs_reduce import Resolution

VOIGT_LIKE = [
    ("gaussian", 3.0, 0.05, 1.3),
    ("gaussian", 1.0, -0.3, 2.0),
    ("lorentzian", 1.0, 0.2, 1.0),
]

component = st.tuples(
    st.sampled_from(["gaussian", "lorentzian"]),
    st.floats(0.05, 50.0),
    st.floats(-0.3, 0.3),
    st.floats(0.5, 3.0),
)


def skewed(energy):
    """An asymmetric peak that is zero with its slope at ±6 meV, not of unit area."""
    tail = np.exp(-0.5 * energy**2) + 0.3 * np.exp(-0.5 * ((energy - 1) / 1.4) ** 2)
    return 40.0 * tail * (1 - (energy / 6) ** 2) ** 4


def table(step=0.1):
    energy = np.arange(-6.0, 6.0 + step / 2, step)
    return Resolution.from_table(energy, skewed(energy), analyzer="a07")


@given(st.lists(component, min_size=1, max_size=5))
@settings(deadline=None, max_examples=25)
def test_components_have_unit_area(components):
    resolution = Resolution.from_components(components)
    assert sum(c.weight for c in resolution.components) == pytest.approx(1)
    # t = tan(u): the Lorentzian tails come to finite ends.
    area, _ = quad(
        lambda u: float(resolution(np.tan(u))) / np.cos(u) ** 2,
        -np.pi / 2 + 1e-12,
        np.pi / 2 - 1e-12,
        limit=200,
    )
    assert area == pytest.approx(1, rel=1e-7)


def test_component_values_by_their_formulas():
    energy = np.array([[-1.0, 0.05], [0.2, 4.0]])
    sigma = 1.3 / np.sqrt(8 * np.log(2))
    gauss = np.exp(-((energy - 0.05) ** 2) / (2 * sigma**2)) / np.sqrt(2 * np.pi) / sigma
    lorentz = 0.5 / np.pi / ((energy - 0.2) ** 2 + 0.25)
    resolution = Resolution.from_components(
        [("gaussian", 3.0, 0.05, 1.3), ("lorentzian", 1.0, 0.2, 1.0)]
    )
    np.testing.assert_allclose(resolution(energy), 0.75 * gauss + 0.25 * lorentz, rtol=1e-13)


def test_component_slope_is_the_derivative():
    resolution = Resolution.from_components(VOIGT_LIKE)
    energy, step = np.linspace(-4, 4, 41), 1e-5
    for part in resolution.components:
        ahead, behind = part.density(energy + step)[0], part.density(energy - step)[0]
        slope = part.density(energy)[1]
        np.testing.assert_allclose(slope, (ahead - behind) / (2 * step), rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("step", [0.1, 0.25])
def test_table_has_unit_area_and_keeps_its_shape(step):
    resolution = table(step)
    area, _ = quad(resolution, -6, 6, limit=400, points=[0.0])
    assert area == pytest.approx(1, rel=1e-6)
    exact, _ = quad(skewed, -6, 6)
    energy = np.linspace(-6, 6, 97)
    np.testing.assert_allclose(resolution(energy), skewed(energy) / exact, atol=2e-4 * 0.4)


def test_table_is_zero_outside():
    resolution = table()
    assert resolution.numeric
    assert (resolution(np.array([-6.01, 6.01, 50.0, -1e9])) == 0).all()
    assert resolution.range_mev == (-6.0, pytest.approx(6.0))


@pytest.mark.parametrize("kind", ["gaussian", "lorentzian"])
def test_one_component_has_its_own_width(kind):
    resolution = Resolution.from_components([(kind, 2.0, 0.7, 1.52)])
    assert resolution.fwhm_mev == pytest.approx(1.52, rel=1e-5)
    left, right = resolution.half_height_points_mev
    assert (left + right) / 2 == pytest.approx(0.7, abs=1e-5)


@pytest.mark.parametrize(
    "resolution", [Resolution.from_components(VOIGT_LIKE), table()], ids=["components", "table"]
)
def test_half_height(resolution):
    left, right = resolution.half_height_points_mev
    energy = np.linspace(left - 1, right + 1, 200_001)
    top = resolution(energy).max()
    assert resolution(left) == pytest.approx(top / 2, rel=1e-4)
    assert resolution(right) == pytest.approx(top / 2, rel=1e-4)
    assert resolution.fwhm_mev == right - left
    centred, middle = resolution.at_half_height()
    assert middle == pytest.approx((left + right) / 2, abs=1e-12)
    new_left, new_right = centred.half_height_points_mev
    assert new_left == pytest.approx(-new_right, abs=1e-4)
    np.testing.assert_allclose(centred(energy - middle), resolution(energy), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    "resolution", [Resolution.from_components(VOIGT_LIKE), table()], ids=["components", "table"]
)
def test_shifted_moves_the_function_up(resolution):
    moved = resolution.shifted(0.37)
    energy = np.linspace(-5, 5, 31)
    np.testing.assert_allclose(moved(energy + 0.37), resolution(energy), rtol=1e-9, atol=1e-12)
    assert moved.fwhm_mev == pytest.approx(resolution.fwhm_mev, rel=1e-6)
    assert moved.analyzer == resolution.analyzer


@pytest.mark.parametrize(
    "resolution",
    [
        Resolution.from_components(VOIGT_LIKE, analyzer="a03"),
        Resolution.from_components(VOIGT_LIKE),
        table(),
    ],
    ids=["named", "unnamed", "table"],
)
def test_record_round_trip_is_bit_for_bit(resolution):
    record = json.loads(json.dumps(resolution.to_record()))
    again = Resolution.from_record(record)
    assert again.to_record() == resolution.to_record()
    assert again.analyzer == resolution.analyzer
    assert again.numeric == resolution.numeric
    assert again.sha256 == resolution.sha256
    energy = np.linspace(-7, 7, 113)
    assert again(energy).tobytes() == resolution(energy).tobytes()


def test_digest_tells_functions_apart():
    first = Resolution.from_components(VOIGT_LIKE)
    assert first.sha256 != first.shifted(1e-9).sha256
    assert table().sha256 != table(0.25).sha256


def test_table_cannot_be_changed_from_outside():
    energy = np.arange(-6.0, 6.05, 0.1)
    intensity = skewed(energy)
    resolution = Resolution.from_table(energy, intensity)
    before = resolution(0.3)
    intensity[:] = 0
    assert resolution(0.3) == before
    with pytest.raises(ValueError, match="read-only"):
        resolution.table_intensity[0] = 1.0


@pytest.mark.parametrize(
    ("components", "match"),
    [
        ([("voigt", 1.0, 0.0, 1.5)], "voigt"),
        ([("gaussian", -1.0, 0.0, 1.5)], "component 1"),
        ([("gaussian", 1.0, 0.0, 1.5), ("lorentzian", 1.0, 0.0, 0.0)], "component 2"),
        ([("gaussian", 1.0, 0.0, -1.5)], "width"),
        ([("gaussian", 1.0, 0.0, float("nan"))], "width"),
        ([("gaussian", float("inf"), 0.0, 1.5)], "weight"),
        ([("gaussian", 1.0, float("nan"), 1.5)], "centre"),
        ([("gaussian", 0.0, 0.0, 1.5)], "area"),
        ([], "area"),
    ],
)
def test_bad_components(components, match):
    with pytest.raises(InputError, match=match):
        Resolution.from_components(components)


def test_a_component_of_wrong_length():
    with pytest.raises(InputError, match="component 1"):
        Resolution.from_components([("gaussian", 1.0, 1.5)])


@pytest.mark.parametrize(
    ("energy", "intensity", "match"),
    [
        (np.arange(5.0), np.ones(5), "8 points"),
        (np.arange(9.0), np.ones(8), "shapes"),
        (np.ones((3, 3)), np.ones((3, 3)), "columns"),
        (np.arange(9.0)[::-1], np.ones(9), "ascend"),
        (np.array([0, 1, 2, 3, 3, 4, 5, 6.0]), np.ones(8), "ascend"),
        (np.arange(9.0), np.full(9, np.nan), "finite"),
        (np.arange(9.0), np.zeros(9), "area"),
    ],
)
def test_bad_tables(energy, intensity, match):
    with pytest.raises(InputError, match=match):
        Resolution.from_table(energy, intensity)


def test_a_table_that_ends_above_half_height_has_no_width():
    energy = np.arange(0.0, 5.0, 0.25)
    with pytest.raises(InputError, match="half its maximum"):
        _ = Resolution.from_table(energy, np.exp(-energy)).fwhm_mev
