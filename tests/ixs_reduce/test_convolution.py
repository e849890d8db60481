"""Exact convolution against 30-digit quadrature, closed forms and exact identities."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import constants

from ixs_core.errors import InputError
from ixs_reduce.convolution import (
    convolved_dho,
    convolved_oscillators,
    convolved_quasielastic,
    plan_convolution,
)
from ixs_reduce.resolution import Resolution
from tests.ixs_reduce.line_quadrature import (
    LONGEST_FLOATS,
    MP,
    THIRTY_DIGITS,
    as_printed,
    convolve,
    oscillator,
    relaxation,
    resolution_at,
)

BOLTZMANN = constants.k / constants.e * 1e3
VOIGT_LIKE = (
    ("gaussian", 0.6, 0.05, 1.3),
    ("gaussian", 0.2, -0.3, 2.0),
    ("lorentzian", 0.2, 0.02, 1.0),
)
GAUSSIANS = (("gaussian", 0.7, 0.0, 1.5), ("gaussian", 0.3, 0.4, 2.2))
LORENTZIANS = (("lorentzian", 0.8, -0.1, 0.9), ("lorentzian", 0.2, 0.5, 3.0))
FINE = (("gaussian", 0.9, 0.01, 0.3), ("lorentzian", 0.1, 0.0, 0.2))
# The zero of the spectra, so that the derivative with it is taken away from 0.
SHIFT = 0.1


def depth(kelvin, order=1):
    """ν_k = 2πk kT in meV."""
    return 2 * np.pi * BOLTZMANN * kelvin * order


def meeting_width(mode_energy, kelvin, order, off=0.0):
    """FWHM at which an overdamped pole lies on the thermal pole -iν_k: W² = ν (G - ν)."""
    nu = depth(kelvin, order)
    return mode_energy**2 / nu + nu + off


def oscillator_case(mode_energy, fwhm, kelvin, components, energies, arithmetic):
    """Value and derivatives, ours and by quadrature, each (4, n)."""
    plan = plan_convolution(Resolution.from_components(components), np.array(energies))
    w, g = np.array([float(mode_energy)]), np.array([float(fwhm)])
    ours = convolved_oscillators(plan, SHIFT, w, g, BOLTZMANN * kelvin)
    # Shifted once in floating point, as ours is.
    at = (np.array(energies) - SHIFT).tolist()
    exact = convolve(oscillator(mode_energy, fwhm, kelvin), components, at, arithmetic)
    return np.stack([line[0] for line in ours_of(ours)]), exact


def ours_of(lines):
    return lines.value, lines.by_energy, lines.by_fwhm, lines.by_shift


def around_thermal(above, below, kelvin, order=1):
    """(W, G) of an overdamped oscillator whose poles lie that far (in ν₁) around -iν_k."""
    shallow, deep = (order - above) * depth(kelvin), (order + below) * depth(kelvin)
    return float(np.sqrt(shallow * deep)), shallow + deep


def value_error(ours, exact, kelvin):
    """Largest error in units of what the design allows."""
    relative, floor = (1e-9, 1e-12) if kelvin >= 300 else (1e-6, 1e-10)
    allowed = np.maximum(relative * exact[0], floor * exact[0].max())
    return float((np.abs(ours[0] - exact[0]) / allowed).max())


def jacobian_error(ours, exact):
    """Largest error of the derivatives in units of 1e-6 of each one's maximum."""
    largest = np.abs(exact[1:]).max(axis=1)
    error = np.abs(ours[1:] - exact[1:]).max(axis=1)
    return float((error / np.where(largest > 0, 1e-6 * largest, 1e-12)).max())


def test_quadrature_agrees_with_another_quadrature():
    """The reference itself: mpmath's adaptive tanh-sinh rule, and its numerical derivatives."""
    energy, kelvin = 2.3, 300.0

    def exact(mode_energy, fwhm, at):
        def integrand(e):
            x = e / (THIRTY_DIGITS.boltzmann * kelvin)
            bose = 1 / (-MP.expm1(-x)) if x else MP.inf
            line = 2 / MP.pi * mode_energy * fwhm * e * bose
            line /= (e**2 - mode_energy**2) ** 2 + (fwhm * e) ** 2
            nodes = np.array([at - e], dtype=object)
            return line * resolution_at(VOIGT_LIKE, nodes, THIRTY_DIGITS)[0][0]

        cuts = [-4000, -400, -40, -10, -6, -4, -2, -1, 0, 1, 2, 3, 4, 6, 10, 40, 400, 4000]
        return MP.quad(integrand, [-MP.inf, *cuts, MP.inf])

    found = convolve(oscillator(4.0, 1.0, kelvin), VOIGT_LIKE, [energy])[:, 0]
    four, one, at = MP.mpf(4), MP.mpf(1), MP.mpf(energy)
    assert found[0] == pytest.approx(float(exact(four, one, at)), rel=1e-14)
    step = MP.mpf("1e-8")
    moves = ((step, 0, 0), (0, step, 0), (0, 0, -step))
    for k, (dw, dg, de) in enumerate(moves, start=1):
        ahead = exact(four + dw, one + dg, at + de)
        behind = exact(four - dw, one - dg, at - de)
        assert found[k] == pytest.approx(float((ahead - behind) / (2 * step)), rel=1e-12)


# (W, G, T, components, energies); energies hold the peak, so that the maximum is met.
CASES = [
    pytest.param(4.0, 1e-4, 300.0, VOIGT_LIKE, (-12.3, 0.0, 4.1, 25.0), id="narrow"),
    pytest.param(4.0, 1e-4, 20.0, GAUSSIANS, (-4.0, 4.1, 6.0), id="narrow-cold-gaussian"),
    pytest.param(4.0, 0.5, 300.0, VOIGT_LIKE, (-40.0, 0.7, 4.1, 40.0), id="damped"),
    pytest.param(11.0, 2.0, 20.0, VOIGT_LIKE, (-5.0, 11.1, 30.0), id="damped-cold"),
    pytest.param(4.0, 3.0, 600.0, LORENTZIANS, (-9.0, 0.1, 3.7), id="hot-lorentzians"),
    pytest.param(4.0, 8.0, 300.0, VOIGT_LIKE, (-3.0, 0.9, 4.0, 40.0), id="critical"),
    pytest.param(4.0, 8.0, 20.0, VOIGT_LIKE, (-3.0, 1.9, 40.0), id="critical-cold"),
    pytest.param(4.0, 8.0 + 1e-7, 300.0, FINE, (-3.0, 0.9, 4.0), id="just-overdamped"),
    pytest.param(4.0, 8.0 - 1e-7, 300.0, FINE, (-3.0, 0.9, 4.0), id="just-underdamped"),
    pytest.param(4.0, 8.15, 300.0, FINE, (-3.0, 0.9, 4.0), id="edge-of-critical-above"),
    pytest.param(4.0, 7.86, 20.0, FINE, (-3.0, 0.9, 4.0), id="edge-of-critical-below"),
    pytest.param(4.0, 30.0, 300.0, VOIGT_LIKE, (-20.0, 0.1, 8.0), id="overdamped"),
    pytest.param(15.0, 30.0, 300.0, VOIGT_LIKE, (-10.0, 5.0, 14.0), id="critical-high"),
    pytest.param(1.0, 30.0, 20.0, GAUSSIANS, (-4.0, 0.1, 9.0), id="strongly-overdamped-cold"),
    pytest.param(
        3.0, meeting_width(3.0, 20.0, 1), 20.0, VOIGT_LIKE, (-6.0, 0.7, 12.0), id="on-thermal"
    ),
    pytest.param(
        3.0,
        meeting_width(3.0, 20.0, 1, 1e-6),
        20.0,
        FINE,
        (-6.0, 0.7, 12.0),
        id="almost-on-thermal",
    ),
    pytest.param(
        5.0, meeting_width(5.0, 20.0, 2), 20.0, GAUSSIANS, (-6.0, 1.0, 12.0), id="on-second-thermal"
    ),
    pytest.param(
        5.0,
        meeting_width(5.0, 20.0, 1, 0.5),
        20.0,
        VOIGT_LIKE,
        (-6.0, 1.3, 12.0),
        id="near-thermal",
    ),
    # Both poles on thermal ones: W² = ν₁ν₂, G = ν₁ + ν₂.
    pytest.param(
        depth(20.0) * np.sqrt(2), 3 * depth(20.0), 20.0, VOIGT_LIKE, (-9.0, 10.0), id="both-meet"
    ),
    # One thermal pole between the oscillator's own two.
    pytest.param(
        *around_thermal(0.02, 0.03, 20.0), 20.0, VOIGT_LIKE, (-9.0, 5.0, 20.0), id="around-thermal"
    ),
    pytest.param(
        *around_thermal(0.07, 0.11, 20.0), 20.0, GAUSSIANS, (-9.0, 5.0), id="wide-around-thermal"
    ),
    # Only the deeper pole sees the shallower one as close.
    pytest.param(
        *around_thermal(0.16, 0.0, 5.0, 4), 5.0, GAUSSIANS, (-2.0, 7.0), id="unlike-neighbours"
    ),
    # Critical damping on a thermal pole: a triple pole.
    pytest.param(
        depth(20.0), 2 * depth(20.0), 20.0, VOIGT_LIKE, (-9.0, 5.0, 20.0), id="triple-pole"
    ),
]


@pytest.mark.parametrize(("mode_energy", "fwhm", "kelvin", "components", "energies"), CASES)
def test_oscillator_and_jacobian_in_thirty_digits(mode_energy, fwhm, kelvin, components, energies):
    ours, exact = oscillator_case(mode_energy, fwhm, kelvin, components, energies, THIRTY_DIGITS)
    assert value_error(ours, exact, kelvin) < 1
    assert jacobian_error(ours, exact) < 1


def test_public_function_is_the_same_sum():
    energies = np.array([[-3.0, 0.0], [4.0, 9.0]])
    found = convolved_dho(
        energies, 4.0, 0.7, 300.0, Resolution.from_components(VOIGT_LIKE), amplitude=7.0
    )
    exact = convolve(oscillator(4.0, 0.7, 300.0), VOIGT_LIKE, energies.ravel().tolist())[0]
    assert found.shape == energies.shape
    np.testing.assert_allclose(found.ravel(), 7 * exact, rtol=1e-10)


# Energies of a dense grid for the longest floats, which agree with 30 digits to 1e-10.
GRID = (*np.linspace(-40.0, 40.0, 33).tolist(), 0.01, 0.3, 3.9, 4.1)


def test_longest_floats_agree_with_thirty_digits():
    for mode_energy, fwhm, kelvin in ((4.0, 0.05, 300.0), (4.0, 8.0, 20.0)):
        shape = oscillator(mode_energy, fwhm, kelvin)
        exact = convolve(shape, VOIGT_LIKE, [0.3, 4.1])
        found = convolve(shape, VOIGT_LIKE, [0.3, 4.1], LONGEST_FLOATS)
        np.testing.assert_allclose(found, exact, rtol=1e-12)


@pytest.mark.parametrize("kelvin", [20.0, 300.0])
def test_widths_and_dampings_on_a_grid(kelvin):
    """The same in the longest floats: more widths, all resolutions."""
    worst_value = worst_jacobian = 0.0
    for mode_energy in (1.0, 4.0, 15.0):
        for fwhm in (1e-3, 0.1, 1.0, 2 * mode_energy, 2.03 * mode_energy, 12.0, 30.0):
            for components in (VOIGT_LIKE, GAUSSIANS):
                ours, exact = oscillator_case(
                    mode_energy, fwhm, kelvin, components, GRID[::3], LONGEST_FLOATS
                )
                worst_value = max(worst_value, value_error(ours, exact, kelvin))
                worst_jacobian = max(worst_jacobian, jacobian_error(ours, exact))
    print(f"{kelvin:.0f} K: {worst_value:.1e} of the allowed error, Jacobian {worst_jacobian:.1e}")
    assert worst_value < 1
    assert worst_jacobian < 1


@pytest.mark.slow
@pytest.mark.parametrize("kelvin", [3.0, 8.0, 20.0, 77.0, 300.0, 600.0, 1200.0])
def test_dense_grid(kelvin):
    rng = np.random.default_rng(7)
    cases = [
        (w, g)
        for w in (0.3, 1.0, 4.0, 9.0, 15.0, 35.0)
        for g in (1e-4, 0.02, 0.3, 1.0, 3.0, 1.98 * w, 2 * w * (1 - 1e-9), 2 * w, 2.02 * w, 30.0)
    ]
    cases += [(w, 10 ** rng.uniform(-4, 1.5)) for w in rng.uniform(0.5, 30, 20)]
    cases += [(w, 2 * w * (1 + 10 ** rng.uniform(-6, -1))) for w in rng.uniform(0.5, 30, 20)]
    cases += [
        around_thermal(above, below, kelvin, order)
        for order in (1, 2, 4, 7)
        for above in (0.0, 0.01, 0.04, 0.1, 0.16)
        for below in (0.0, 0.003, 0.03, 0.12, 0.18)
    ]
    for order in (1, 2, 3):
        for off in (0.0, 1e-9, 1e-4, -0.01, 0.1, 0.4):
            for w in (2.0, 5.0, 12.0):
                cases.append((w, meeting_width(w, kelvin, order, off)))
    worst = {"value": (0.0, ()), "jacobian": (0.0, ())}
    for mode_energy, fwhm in cases:
        if not 0 < fwhm < 60:
            continue
        for components in (VOIGT_LIKE, GAUSSIANS, LORENTZIANS, FINE):
            ours, exact = oscillator_case(
                mode_energy, fwhm, kelvin, components, GRID[::2], LONGEST_FLOATS
            )
            case = (mode_energy, fwhm, components[0])
            worst["value"] = max(worst["value"], (value_error(ours, exact, kelvin), case))
            worst["jacobian"] = max(worst["jacobian"], (jacobian_error(ours, exact), case))
    print(f"{kelvin:.0f} K, in units of the allowed error: {worst}")
    assert worst["value"][0] < 1
    assert worst["jacobian"][0] < 1


@pytest.mark.parametrize("kelvin", [5.0, 20.0, 300.0])
@pytest.mark.parametrize("components", [VOIGT_LIKE, GAUSSIANS], ids=["voigt", "gaussians"])
def test_quasielastic_line(kelvin, components):
    meeting = 2 * depth(kelvin)  # the relaxation pole on the first thermal pole
    energies = (-12.0, -1.0, 0.1, 0.6, 3.0, 20.0)
    at = (np.array(energies) - SHIFT).tolist()
    plan = plan_convolution(Resolution.from_components(components), np.array(energies))
    for fwhm in (0.01, 0.5, 4.0, 20.0, meeting, meeting * 1.0001, meeting * 0.98, meeting * 1.3):
        if fwhm > 100:
            continue
        ours = convolved_quasielastic(plan, SHIFT, fwhm, BOLTZMANN * kelvin)
        exact = convolve(relaxation(fwhm, kelvin), components, at, LONGEST_FLOATS)
        found = np.stack([line[0] for line in ours_of(ours)])
        assert value_error(found, exact, kelvin) < 1, fwhm
        assert jacobian_error(found, exact) < 1, fwhm
        assert not ours.by_energy.any()


def test_quasielastic_line_in_thirty_digits():
    energies = [-2.0, 0.3, 5.0]
    plan = plan_convolution(Resolution.from_components(VOIGT_LIKE), np.array(energies))
    ours = convolved_quasielastic(plan, 0.0, 3.0, BOLTZMANN * 300.0)
    found = np.stack([line[0] for line in ours_of(ours)])
    exact = convolve(relaxation(3.0, 300.0), VOIGT_LIKE, energies)
    assert value_error(found, exact, 300.0) < 1
    assert jacobian_error(found, exact) < 1


@pytest.mark.parametrize("fwhm", [0.05, 3.0, 8.0, 20.0])
def test_as_printed_through_gaussians(fwhm):
    energies = [-20.0, -4.0, 0.0, 0.5, 4.0, 8.0]
    found = convolved_dho(
        energies, 4.0, fwhm, 300.0, Resolution.from_components(GAUSSIANS), bose="as_printed"
    )
    exact = convolve(as_printed(4.0, fwhm, 300.0), GAUSSIANS, energies, LONGEST_FLOATS)[0]
    np.testing.assert_allclose(found, exact, rtol=1e-8, atol=1e-11 * exact.max())


def test_as_printed_refuses_lorentzians():
    with pytest.raises(InputError, match="Lorentzian"):
        convolved_dho(
            1.0, 4.0, 1.0, 300.0, Resolution.from_components(VOIGT_LIKE), bose="as_printed"
        )


def test_several_lines_are_their_own_rows():
    plan = plan_convolution(Resolution.from_components(VOIGT_LIKE), np.linspace(-9, 20, 12))
    kt = BOLTZMANN * 20.0
    w = np.array([4.0, 3.0, 9.0, 4.0])
    g = np.array([8.0, meeting_width(3.0, 20.0, 1), 0.5, 0.1])
    together = ours_of(convolved_oscillators(plan, SHIFT, w, g, kt))
    for i in range(w.size):
        alone = ours_of(convolved_oscillators(plan, SHIFT, w[i : i + 1], g[i : i + 1], kt))
        for rows, row in zip(together, alone, strict=True):
            np.testing.assert_allclose(rows[i], row[0], rtol=1e-7, atol=1e-10 * np.abs(row).max())


def test_unknown_bose_factor():
    with pytest.raises(InputError, match="standard"):
        convolved_dho(1.0, 4.0, 1.0, 300.0, Resolution.from_components(GAUSSIANS), bose="n")
