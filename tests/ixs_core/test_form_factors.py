"""Form factors against closed forms, the other tables, and published dispersion corrections."""

from __future__ import annotations

import json
from importlib.resources import files

import gemmi
import numpy as np
import periodictable
import pytest

from ixs_core.errors import InputError
from ixs_core.scattering_factors import (
    anomalous_dispersion,
    form_factor_table,
    form_factors,
    ion_name,
    parse_ion,
    tabulated_ions,
    tabulated_or_neutral,
)
from ixs_core.units import HC_KEV_ANGSTROM

ELEMENTS = [gemmi.Element(number).name for number in range(1, 99)]
WAASMAIER_KIRFEL = [ion for element in ELEMENTS for ion in tabulated_ions(element)]
IT92 = [ion for element in ELEMENTS for ion in tabulated_ions(element, "it92")]
BOHR_ANGSTROM = 0.529177211

# Published table values, f' and f'' (International Tables C, tables 4.2.6.8), as refinement
# programs write them into CIFs.
PUBLISHED_DISPERSION = [
    (1.54184, "C", 0.0181, 0.0091),
    (1.54184, "Cl", 0.3639, 0.7018),
    (1.54184, "Fe", -1.1336, 3.1974),
    (1.54184, "Cu", -1.9646, 0.5888),
    (0.71073, "Na", 0.0362, 0.0249),
    (0.71073, "Si", 0.0817, 0.0704),
    (0.71073, "Cl", 0.1484, 0.1585),
    (0.71073, "Fe", 0.3463, 0.8444),
    (0.71073, "Cu", 0.3201, 1.2651),
    (0.71073, "I", -0.4742, 1.8119),
    (0.2481, "Cs", -0.2815, 2.0398),
    (0.2481, "Cu", 0.0994, 0.1762),
    (0.2481, "I", -0.1121, 1.7896),
]


def f0(ion: str, s: np.ndarray, table: str = "waasmaier-kirfel") -> np.ndarray:
    return form_factors([ion], 4 * np.pi * s, table)[:, 0].real


@pytest.mark.parametrize(
    ("table", "ions", "fit_error"),
    [("waasmaier-kirfel", WAASMAIER_KIRFEL, 0.04), ("it92", IT92, 0.06)],
)
def test_forward_scattering_is_the_number_of_electrons(table, ions, fit_error):
    electrons = [gemmi.Element(e).atomic_number - q for e, q in map(parse_ion, ions)]
    np.testing.assert_allclose(form_factors(ions, [0.0], table)[0], electrons, atol=fit_error)
    assert len(ions) >= 208


def test_hydrogen_is_the_fourier_transform_of_the_1s_orbital():
    s = np.linspace(0, 2, 41)
    exact = (1 + (2 * np.pi * BOHR_ANGSTROM * s) ** 2) ** -2
    np.testing.assert_allclose(f0("H", s), exact, atol=5e-4)
    np.testing.assert_array_equal(f0("D", s), f0("H", s))


def test_the_two_tables_are_fits_of_the_same_numbers():
    s = np.linspace(0, 1.5, 76)
    unequal = {"H", "O1-", "O2-"}  # bonded H, and other wave functions for the free anions
    for ion in sorted(set(IT92) - unequal):
        assert np.abs(f0(ion, s) - f0(ion, s, "it92")).max() < 0.12, ion


def test_core_electrons_do_not_know_the_charge():
    """Beyond s = 1.5 Å⁻¹ only core electrons scatter: an ion is its neutral atom there."""
    s = np.linspace(1.5, 6, 46)
    for ion in WAASMAIER_KIRFEL:
        element, charge = parse_ion(ion)
        if charge and element != "H":
            assert np.abs(f0(ion, s) - f0(element, s)).max() < 0.2, ion
    s = np.linspace(1.5, 2, 11)
    for ion in IT92:
        element, charge = parse_ion(ion)
        if charge and element not in {"H", "Li"}:
            assert np.abs(f0(ion, s, "it92") - f0(element, s, "it92")).max() < 0.6, ion


def test_coefficients_of_the_documented_phonopy_example():
    """Its Na1+ and Cl1- after Waasmaier & Kirfel: a1, b1, … a5, b5, c."""
    sodium = """3.148690 2.594987 4.073989 6.046925 0.767888 0.070139
                0.995612 14.1226457 0.968249 0.217037 0.045300"""
    chlorine = """1.061802 0.144727 7.139886 1.171795 6.524271 19.467656
                  2.355626 60.320301 35.829404 0.000436 -34.916604"""
    given = {"Na1+": np.fromstring(sodium, sep=" "), "Cl1-": np.fromstring(chlorine, sep=" ")}
    s = np.linspace(0, 2, 201)
    for ion, row in given.items():
        a, b = row[:10].reshape(5, 2).T
        expected = a @ np.exp(-np.outer(b, s**2)) + row[10]
        np.testing.assert_allclose(f0(ion, s), expected, atol=2e-6)


def test_against_the_table_that_dynasor_carries():
    """Same coefficients up to rounding, save for slips of the pen, of which none is ours."""
    folder = files("dynasor") / "post_processing" / "form-factors"
    theirs = json.loads((folder / "x-ray-parameters-waasmaier-kirfel-1995.json").read_text())
    s = np.linspace(0, 1.5, 151)
    different = []
    for ion in theirs["c"]:
        if ion in {"Cval", "Sival"}:
            continue
        a, b = ([theirs[f"{x}{i}"][ion] for i in range(1, 6)] for x in "ab")
        peer = a @ np.exp(-np.outer(b, s**2)) + theirs["c"][ion]
        if np.abs(peer - f0(ion, s)).max() > 1e-3:
            different.append(ion)
            reference = f0(ion, s, "it92") if ion in IT92 else f0(parse_ion(ion)[0], s)
            ours, other = (np.abs(f - reference).max() for f in (f0(ion, s), peer))
            assert ours < other + 0.02, ion
    assert len(different) < 40


@pytest.mark.parametrize(("wavelength", "element", "real", "imaginary"), PUBLISHED_DISPERSION)
def test_dispersion_against_published_values(wavelength, element, real, imaginary):
    value = anomalous_dispersion(element, HC_KEV_ANGSTROM / wavelength)
    assert value.imag == pytest.approx(imaginary, rel=0.015, abs=2e-4)
    # The tables use another relativistic correction, which matters for heavy atoms, and one
    # line of the Kα doublet, which matters for Fe and Cu near their edges.
    assert value.real == pytest.approx(real, abs=0.03 if element in {"Cs", "I"} else 0.01)


def test_absorptive_part_against_measured_tables():
    """Henke's f2 comes from measured absorption: 15 % at worst, 2 % in the middle."""
    energies = np.array([10.0, 15.0, 21.747, 25.0])
    ratios = []
    for element in ELEMENTS[2:92]:
        measured = getattr(periodictable, element).xray.scattering_factors(energy=energies)[1]
        ours = [anomalous_dispersion(element, energy).imag for energy in energies]
        ratios += list((np.array(ours) / measured)[np.isfinite(measured)])
    deviations = np.abs(np.array(ratios) - 1)
    assert len(ratios) > 300
    assert deviations.max() < 0.15
    assert np.median(deviations) < 0.025


def test_columns_repeat_and_take_dispersion():
    q = np.array([0.0, 3.0, 7.5])
    values = form_factors(["I-", "Cu+", "I1-"], q, energy_kev=21.747)
    assert values.shape == (3, 3)
    np.testing.assert_array_equal(values[:, 0], values[:, 2])
    added = values - form_factors(["I1-", "Cu1+", "I1-"], q)
    expected = [anomalous_dispersion(element, 21.747) for element in ("I", "Cu", "I")]
    np.testing.assert_allclose(added, np.broadcast_to(expected, (3, 3)), atol=1e-12)


def test_given_dispersion_goes_before_the_calculated_one():
    given = {"Cu": 0.25 + 1.5j}
    only = form_factor_table(["Cu1+"], dispersion=given)
    assert only.dispersion[0] == 0.25 + 1.5j
    both = form_factor_table(["Cu", "I"], energy_kev=21.747, dispersion=given)
    assert both.dispersion[0] == 0.25 + 1.5j
    assert both.dispersion[1] == anomalous_dispersion("I", 21.747)
    with pytest.raises(InputError, match="not for this one"):
        form_factor_table(["Cu", "I"], dispersion=given)


def test_shape_follows_q():
    q = np.linspace(0, 5, 12).reshape(3, 4)
    values = form_factors(["Si"], q)
    assert values.shape == (3, 4, 1)
    assert values[1, 2, 0].real == f0("Si", q[1, 2:3] / (4 * np.pi))[0]


def test_gemmi_keeps_its_global_setting():
    before = gemmi.IT92_get_ignore_charge()
    form_factors(["Cl1-"], [1.0], "it92")
    assert gemmi.IT92_get_ignore_charge() == before


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Cu", ("Cu", 0)),
        ("Cu+", ("Cu", 1)),
        ("Cu1+", ("Cu", 1)),
        ("Cu+2", ("Cu", 2)),
        ("CU2+", ("Cu", 2)),
        ("I-", ("I", -1)),
        ("O2-", ("O", -2)),
        ("O-2", ("O", -2)),
        ("Fe0+", ("Fe", 0)),
    ],
)
def test_names_of_ions(name, expected):
    assert parse_ion(name) == expected
    assert parse_ion(ion_name(*expected)) == expected


@pytest.mark.parametrize("name", ["", "Q", "Xx2+", "2+", "Cu++", "Cu1", "Cs Cu", "X"])
def test_what_is_no_ion(name):
    with pytest.raises(InputError, match="not an element or ion"):
        parse_ion(name)


def test_missing_ions_are_refused_with_the_ones_there_are():
    with pytest.raises(InputError, match=r"found S2-.*expected S;"):
        form_factors(["S2-"], [1.0])
    assert tabulated_or_neutral("S2-")[0] == "S"
    assert "neutral S is used" in str(tabulated_or_neutral("S2-")[1])
    assert tabulated_or_neutral("K+") == ("K1+", None)
    assert tabulated_ions("Cu") == ("Cu", "Cu1+", "Cu2+")


@pytest.mark.parametrize("ion", ["Bi5+", "Ru4+"])
def test_faulty_entries_of_it92_are_refused(ion):
    assert f0(ion, np.array([1.0]))[0] > 0
    with pytest.raises(InputError, match="no such ion"):
        form_factors([ion], [1.0], "it92")


@pytest.mark.parametrize(
    ("table", "q", "fine"),
    [
        ("waasmaier-kirfel", 4 * np.pi * 6, True),
        ("waasmaier-kirfel", 75.5, False),
        ("it92", 4 * np.pi * 2, True),
        ("it92", 25.2, False),
        ("it92", -1.0, False),
        ("it92", np.nan, False),
    ],
)
def test_range_of_q(table, q, fine):
    if fine:
        assert np.isfinite(form_factors(["Cu"], [q], table)).all()
        return
    with pytest.raises(InputError, match="outside the range"):
        form_factors(["Cu"], [1.0, q], table)


def test_energies_and_elements_without_dispersion():
    with pytest.raises(InputError, match="1 to 100 keV"):
        anomalous_dispersion("Cu", 21747.0)  # in eV by mistake
    with pytest.raises(InputError, match="up to U"):
        anomalous_dispersion("Pu", 21.747)
    assert anomalous_dispersion("H", 21.747) == 0
    with pytest.raises(InputError, match="waasmaier-kirfel or it92"):
        form_factors(["Cu"], [1.0], "henke")
