"""Spectra of lines against delta functions through R, quadrature, detailed balance, sum rules."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import constants
from scipy.integrate import quad

from ixs_core.errors import InputError
from ixs_reduce.lineshape import dho
from ixs_reduce.resolution import Resolution
from simulate.phonons import LinewidthTable, ModeStructureFactor, PhononModel, line_spectra
from simulate.phonons.spectra import linewidths
from tests.simulate.spring_crystals import triclinic, zincblende

KB = constants.k / constants.e * 1e3
SKEW = Resolution.from_components([("gaussian", 0.7, 0.1, 1.5), ("lorentzian", 0.3, -0.2, 0.8)])
NARROW = Resolution.from_components([("gaussian", 1.0, 0.0, 0.05)])
ENERGY = np.linspace(-30, 40, 141)


@pytest.fixture(scope="module")
def lines() -> ModeStructureFactor:
    q = np.random.default_rng(3).uniform(-3, 3, (4, 3))
    return PhononModel.of(triclinic()).structure_factor(q, 300.0, debye_waller="none")


def occupation(energy, kelvin=300.0):
    return 1 / np.expm1(energy / (KB * kelvin))


def test_bare_lines_take_the_shape_of_the_resolution(lines):
    """Σ I {[n+1] R(E-E_s) + n R(E+E_s)}."""
    n = occupation(lines.energy_mev)
    expected = np.zeros((4, ENERGY.size))
    for i in range(4):
        for energy, strength, number in zip(
            lines.energy_mev[i], lines.intensity[i], n[i], strict=True
        ):
            expected[i] += strength * (number + 1) * SKEW(ENERGY - energy)
            expected[i] += strength * number * SKEW(ENERGY + energy)
    assert line_spectra(lines, ENERGY, SKEW) == pytest.approx(expected, rel=1e-7, abs=1e-9)


def test_damped_lines_against_quadrature(lines):
    fwhm = np.linspace(0.3, 4.0, lines.energy_mev.shape[1])
    model = line_spectra(lines, np.array([-6.0, 4.5, 12.0]), SKEW, fwhm)

    def bare(energy: float) -> float:
        return sum(
            i * float(dho(energy, w, g, 300.0))
            for w, g, i in zip(lines.energy_mev[0], fwhm, lines.intensity[0], strict=True)
        )

    for value, at in zip(model[0], (-6.0, 4.5, 12.0), strict=True):
        points = sorted({at, *lines.energy_mev[0]})
        direct, _ = quad(
            lambda e, at=at: bare(e) * float(SKEW(at - e)), -150, 150, points=points, limit=1000
        )
        assert value == pytest.approx(direct, rel=1e-3)


@pytest.mark.parametrize("kelvin", [40.0, 300.0])
def test_detailed_balance(lines, kelvin):
    """S(-E) = S(E) e^{-E/kT}, damped or not, seen through a resolution that does not blur it."""
    at = replace(lines, temperature_k=kelvin)
    energy = np.array([3.0, 9.0, 15.5])
    loss, gain = (line_spectra(at, s * energy, NARROW, 2.0) for s in (1, -1))
    assert gain == pytest.approx(loss * np.exp(-energy / (KB * kelvin)), rel=1e-3)
    # Integrated over bare lines it holds to rounding.
    single = replace(at, intensity=np.where(np.arange(12) == 5, at.intensity, 0.0))
    top = np.array([line_spectra(single, [e[5], -e[5]], NARROW)[i] for i, e in enumerate(
        single.energy_mev)])  # fmt: skip
    assert top[:, 1] / top[:, 0] == pytest.approx(
        np.exp(-single.energy_mev[:, 5] / (KB * kelvin)), rel=1e-9
    )


def test_first_moment_of_the_spectrum(lines):
    """∫ E S(Q,E) dE = Σ E_s I_s, whatever the width, which the resolution leaves if centred."""
    energy = np.arange(-120, 120, 0.01)
    spectra = line_spectra(lines, energy, NARROW, 0.05)
    expected = (lines.energy_mev * lines.intensity).sum(axis=1)
    assert (spectra * energy).sum(axis=1) * 0.01 == pytest.approx(expected, rel=2e-3)


def test_elastic_line_and_a_resolution_for_each_momentum(lines):
    own = [SKEW, NARROW, SKEW, NARROW]
    plain = line_spectra(lines, ENERGY, own)
    area = np.array([1.0, 0.0, 7.0, 2.0])
    with_elastic = line_spectra(lines, ENERGY, own, elastic=area)
    for i in range(4):
        assert with_elastic[i] - plain[i] == pytest.approx(area[i] * own[i](ENERGY), abs=1e-9)
        alone = ModeStructureFactor(
            lines.q_hkl[i : i + 1], lines.q_abs[i : i + 1], lines.energy_mev[i : i + 1],
            lines.intensity[i : i + 1], lines.branch[i : i + 1], lines.group[i : i + 1], 300.0,
        )  # fmt: skip
        assert line_spectra(alone, ENERGY, own[i])[0] == pytest.approx(plain[i])


def test_widths_by_branch_energy_and_function(lines):
    per_branch = np.linspace(0.1, 1.2, 12)
    swapped = replace(lines, branch=lines.branch[:, ::-1].copy())
    assert (linewidths(per_branch, swapped) == per_branch[::-1]).all()
    table = LinewidthTable(np.array([0.0, 100.0]), np.array([0.0, 10.0]))
    assert linewidths(table, lines) == pytest.approx(0.1 * lines.energy_mev)
    of_q = linewidths(lambda q, e: np.abs(q[:, :1]) + 0 * e, lines)
    assert of_q[:, 3] == pytest.approx(np.abs(lines.q_hkl[:, 0]))
    assert (linewidths(0.7, lines) == 0.7).all()


@pytest.mark.parametrize("width", [[0.1, 0.2], -1.0, float("nan"), lambda q, e: e[0]])
def test_widths_that_do_not_fit(lines, width):
    with pytest.raises(InputError, match="linewidth"):
        line_spectra(lines, ENERGY, SKEW, width)


@pytest.mark.parametrize(
    "columns", [([1.0, 2.0], [1.0]), ([2.0, 1.0], [0.1, 0.1]), ([1.0, 2.0], [0.1, -0.1])]
)
def test_tables_that_do_not_fit(columns):
    with pytest.raises(InputError, match="linewidths"):
        LinewidthTable(*map(np.array, columns))


def test_other_bad_input(lines):
    with pytest.raises(InputError, match="resolution"):
        line_spectra(lines, ENERGY, [SKEW])
    with pytest.raises(InputError, match="energy_mev"):
        line_spectra(lines, [[1.0]], SKEW)
    with pytest.raises(InputError, match="temperature"):
        line_spectra(replace(lines, temperature_k=0.0), ENERGY, SKEW)


def test_spectrum_of_a_model_is_that_of_its_lines():
    model = PhononModel.of(zincblende())
    q = [[1.2, 1.1, 0.3], [1, 1, 1]]
    lines = model.structure_factor(q, 250.0, {"Ga": "Ga3+"}, energy_kev=21.7)
    direct = model.spectrum(
        q, ENERGY, SKEW, 0.4, 250.0, form_factor={"Ga": "Ga3+"}, energy_kev=21.7, elastic=1.0
    )
    assert direct == pytest.approx(line_spectra(lines, ENERGY, SKEW, 0.4, elastic=1.0))
