"""The model of a spectrum: names, the sum of its parts, derivatives, elastic area, errors."""

from __future__ import annotations

import lmfit
import numpy as np
import pytest

from ixs_core.errors import InputError
from ixs_reduce import Resolution, SpectrumModel, convolved_dho
from tests.ixs_reduce.line_quadrature import LONGEST_FLOATS, convolve, integral, relaxation

COMPONENTS = [
    ("gaussian", 0.6, 0.05, 1.3),
    ("gaussian", 0.2, -0.3, 2.0),
    ("lorentzian", 0.2, 0.02, 1.0),
]
GAUSSIANS = [("gaussian", 0.6, 0.05, 1.3), ("gaussian", 0.4, -0.3, 2.0)]
SMOOTH = Resolution.from_components(COMPONENTS)
ENERGY = np.linspace(-15.0, 25.0, 81)
KELVIN = 300.0
TRUTH = {
    "mode1_energy": 3.9,
    "mode1_fwhm": 0.6,
    "mode1_amplitude": 40.0,
    "mode2_energy": 6.0,
    "mode2_fwhm": 13.0,
    "mode2_amplitude": 90.0,
    "mode3_energy": 14.0,
    "mode3_fwhm": 2.0,
    "mode3_amplitude": 70.0,
    "elastic": 55.0,
    "qe_amplitude": 30.0,
    "qe_fwhm": 4.0,
    "background_c0": 2.0,
    "background_c1": 0.03,
    "zero": 0.23,
}


def tabulated():
    """An asymmetric resolution given as a table."""
    axis = np.arange(-8.0, 8.01, 0.1)
    return Resolution.from_table(axis, Resolution.from_components(GAUSSIANS)(axis))


def full_model(resolution=SMOOTH, kelvin=KELVIN):
    return SpectrumModel(resolution, kelvin, modes=3, quasielastic=True)


def test_names_and_their_order():
    assert full_model().parameter_names == tuple(TRUTH)
    plain = SpectrumModel(SMOOTH, KELVIN, modes=1, elastic=False, background="constant")
    assert plain.parameter_names == (
        "mode1_energy",
        "mode1_fwhm",
        "mode1_amplitude",
        "background_c0",
        "zero",
    )
    assert SpectrumModel(SMOOTH, KELVIN, modes=0, background="none").parameter_names == (
        "elastic",
        "zero",
    )


def test_defaults_of_the_design():
    model = SpectrumModel(SMOOTH, KELVIN)
    assert (model.modes, model.elastic, model.quasielastic, model.background) == (
        3,
        True,
        False,
        "linear",
    )


def test_parameters_are_bounded_and_sorted():
    parameters = full_model().parameters([9.0, 2.0, 5.0])
    assert isinstance(parameters, lmfit.Parameters)
    assert list(parameters) == list(TRUTH)
    assert [parameters[f"mode{i}_energy"].value for i in (1, 2, 3)] == [2.0, 5.0, 9.0]
    for i in (1, 2, 3):
        assert parameters[f"mode{i}_energy"].min > 0
        assert parameters[f"mode{i}_fwhm"].min == 0
        assert parameters[f"mode{i}_amplitude"].min == 0


def test_modes_may_be_energies():
    model = SpectrumModel(SMOOTH, KELVIN, modes=[8.0, 3.5])
    assert model.n_modes == 2
    parameters = model.parameters()
    assert [parameters[f"mode{i}_energy"].value for i in (1, 2)] == [3.5, 8.0]
    assert SpectrumModel(SMOOTH, KELVIN, modes=np.array([8.0, 3.5])).n_modes == 2


@pytest.mark.parametrize("resolution", [SMOOTH, tabulated()], ids=["components", "table"])
def test_sum_of_parts(resolution):
    """Every term by another road: `convolved_dho`, R itself, quadrature of the relaxation."""
    found = full_model(resolution).evaluate(TRUTH, ENERGY)
    true_energy = ENERGY - TRUTH["zero"]
    expected = TRUTH["background_c0"] + TRUTH["background_c1"] * ENERGY
    for i in (1, 2, 3):
        expected = expected + convolved_dho(
            true_energy,
            TRUTH[f"mode{i}_energy"],
            TRUTH[f"mode{i}_fwhm"],
            KELVIN,
            resolution,
            TRUTH[f"mode{i}_amplitude"],
        )
    expected = expected + TRUTH["elastic"] * resolution(true_energy)
    parts = GAUSSIANS if resolution.numeric else COMPONENTS
    line = convolve(relaxation(TRUTH["qe_fwhm"], KELVIN), parts, true_energy, LONGEST_FLOATS)
    expected = expected + TRUTH["qe_amplitude"] * line[0]
    tolerance = 1e-4 if resolution.numeric else 1e-10
    assert np.abs(found - expected).max() < tolerance * expected.max()


def test_parts_by_name_add_up():
    model = full_model()
    parts = model.components(TRUTH, ENERGY)
    assert set(parts) == {"mode1", "mode2", "mode3", "elastic", "quasielastic", "background"}
    np.testing.assert_allclose(
        sum(parts.values()), model.evaluate(TRUTH, ENERGY), rtol=1e-13, atol=1e-13
    )
    np.testing.assert_allclose(parts["background"], 2.0 + 0.03 * ENERGY, rtol=1e-14)
    np.testing.assert_allclose(parts["elastic"], 55.0 * SMOOTH(ENERGY - 0.23), rtol=1e-12)


def test_zero_moves_the_spectrum_up_the_file_axis():
    model = SpectrumModel(SMOOTH, KELVIN, modes=1, background="none")
    values = {
        "mode1_energy": 4.0,
        "mode1_fwhm": 0.5,
        "mode1_amplitude": 3.0,
        "elastic": 1.0,
        "zero": 0.0,
    }
    there = model.evaluate({**values, "zero": 6.0}, ENERGY + 6.0)
    np.testing.assert_allclose(there, model.evaluate(values, ENERGY), rtol=1e-9)


@pytest.mark.parametrize("kelvin", [20.0, 300.0])
@pytest.mark.parametrize("resolution", [SMOOTH, tabulated()], ids=["components", "table"])
def test_jacobian_by_central_differences(resolution, kelvin):
    model = full_model(resolution, kelvin)
    prepared = model.prepare(ENERGY)
    theta = model.vector(TRUTH)
    value, jacobian = prepared(theta)
    np.testing.assert_array_equal(value, model.evaluate(TRUTH, ENERGY))
    # Eighth order: steps of 1 % leave 1e-9.
    weights = {1: 4 / 5, 2: -1 / 5, 3: 4 / 105, 4: -1 / 280}
    for i, name in enumerate(model.parameter_names):
        step = 0.01 * (abs(theta[i]) if name.endswith(("energy", "fwhm")) else 1.0)
        numeric = np.zeros(ENERGY.size)
        for k, weight in weights.items():
            for sign in (1, -1):
                moved = theta.copy()
                moved[i] += sign * k * step
                numeric += sign * weight / step * prepared(moved)[0]
        error = np.abs(jacobian[i] - numeric).max() / np.abs(numeric).max()
        assert error < 1e-6, (name, error)


def test_jacobian_at_critical_damping():
    model = SpectrumModel(SMOOTH, KELVIN, modes=2, elastic=False, background="none")
    prepared = model.prepare(ENERGY)
    theta = np.array([4.0, 8.0, 10.0, 12.0, 1e-3, 5.0, 0.1])
    _, jacobian = prepared(theta)
    for i, step in enumerate((1e-3, 1e-3, 1.0, 1e-4, 1e-4, 1.0, 1e-4)):
        moved = [theta.copy(), theta.copy()]
        moved[0][i] += step
        moved[1][i] -= step
        numeric = (prepared(moved[0])[0] - prepared(moved[1])[0]) / (2 * step)
        assert np.abs(jacobian[i] - numeric).max() < 1e-5 * np.abs(numeric).max()


@pytest.mark.parametrize(
    ("resolution", "reach", "beyond"),
    # Beyond ±3000 meV the Lorentzian holds 0.2 × 1.0/(3000 π) = 2e-5 of R's area.
    [(SMOOTH, 3000.0, 2.1e-5), (tabulated(), 10.0, 0.0)],
    ids=["components", "table"],
)
def test_elastic_parameter_is_the_area(resolution, reach, beyond):
    model = SpectrumModel(resolution, KELVIN, modes=0, background="none")
    area = integral(
        lambda e: model.evaluate({"elastic": 17.0, "zero": 0.4}, e.astype(float)),
        [0.5 + 0.2j],
        reach=(-reach, reach),
    )
    assert area == pytest.approx(17.0 * (1 - beyond), rel=1e-6)


def test_width_zero_is_the_undamped_limit():
    """A fit may put a width on its bound 0: (n+1) R(E-W) + n R(E+W)."""
    model = SpectrumModel(SMOOTH, KELVIN, modes=1, elastic=False, background="none")
    values = {"mode1_energy": 4.0, "mode1_fwhm": 0.0, "mode1_amplitude": 2.0, "zero": 0.0}
    found, jacobian = model.prepare(ENERGY)(model.vector(values))
    n = 1 / np.expm1(4.0 / (8.617333262e-2 * KELVIN))
    expected = 2 * ((n + 1) * SMOOTH(ENERGY - 4) + n * SMOOTH(ENERGY + 4))
    np.testing.assert_allclose(found, expected, rtol=1e-8)
    assert np.isfinite(jacobian).all()


def test_parameters_take_parameters():
    model = SpectrumModel(SMOOTH, KELVIN, modes=np.int64(2))
    given = model.parameters([4.0, 9.0])
    given["mode1_fwhm"].set(expr="mode2_fwhm")
    copied = model.parameters(given)
    assert copied is not given
    assert copied["mode1_fwhm"].expr == "mode2_fwhm"
    assert copied.valuesdict() == given.valuesdict()
    with pytest.raises(InputError, match="mode3_energy"):
        SpectrumModel(SMOOTH, KELVIN, modes=3).parameters(given)


def test_evaluate_takes_lmfit_parameters_and_any_shape():
    model = full_model()
    parameters = model.parameters()
    for name, value in TRUTH.items():
        parameters[name].set(value=value)
    grid = ENERGY.reshape(9, 9)
    found = model.evaluate(parameters, grid)
    assert found.shape == (9, 9)
    np.testing.assert_array_equal(found.ravel(), model.evaluate(TRUTH, ENERGY))


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"temperature_k": 0.0}, "temperature_k"),
        ({"temperature_k": float("nan")}, "temperature_k"),
        ({"modes": -1}, "modes"),
        ({"modes": True}, "modes"),
        ({"background": "cubic"}, "background"),
        ({"modes": [4.0, -3.0]}, "positive|energies"),
        ({"modes": [4.0, float("nan")]}, "positive|energies"),
    ],
)
def test_bad_models(arguments, match):
    with pytest.raises(InputError, match=match):
        SpectrumModel(**{"resolution": SMOOTH, "temperature_k": KELVIN, **arguments})


@pytest.mark.parametrize("start", [[1.0], [1.0, 2.0, -3.0], [1.0, 2.0, float("nan")]])
def test_bad_start_energies(start):
    with pytest.raises(InputError, match="start"):
        full_model().parameters(start)


def test_missing_parameters_are_named():
    values = {k: v for k, v in TRUTH.items() if k != "qe_fwhm"}
    with pytest.raises(InputError, match="qe_fwhm"):
        full_model().evaluate(values, ENERGY)
