"""Exponents of κ(T): exact laws, an independent fit, and the paper's tables."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import curve_fit

from ixs_core.errors import InputError
from simulate.transport import add_kappa_tables, fit_power_law, fit_table, read_kappa_table

KELVIN = np.array([300.0, 400.0, 460.0, 500.0, 600.0])


@pytest.mark.parametrize("n", [-1.0, -0.3, 0.44, 2.0])
def test_an_exact_law_is_found(n: float) -> None:
    law = fit_power_law(KELVIN, 0.4 * (KELVIN / 300) ** n)
    assert law.n == pytest.approx(n, abs=1e-8)
    assert law.a == pytest.approx(0.4, rel=1e-8)
    assert law.n_loglog == pytest.approx(n, abs=1e-10)
    assert law.n_range == pytest.approx((n, n), abs=1e-7)
    np.testing.assert_allclose(law.at(450.0), 0.4 * 1.5**n)


def test_scattered_values_against_an_independent_fit() -> None:
    kappa = 0.4 * (KELVIN / 300) ** -0.5 * (1 + np.array([0.05, -0.03, 0.02, -0.06, 0.04]))
    law = fit_power_law(KELVIN[::-1], kappa[::-1])
    values, covariance = curve_fit(lambda t, n, a: a * (t / 300) ** n, KELVIN, kappa, (0.0, 1.0))
    assert (law.n, law.a) == pytest.approx(tuple(values), rel=1e-5)
    errors = np.sqrt(np.diag(covariance))
    assert (law.n_err, law.a_err) == pytest.approx(tuple(errors), rel=1e-4)
    slope, spread = np.polyfit(np.log(KELVIN), np.log(kappa), 1, cov=True)
    assert law.n_loglog == pytest.approx(slope[0])
    assert law.n_loglog_err == pytest.approx(np.sqrt(spread[0, 0]))


def test_the_window_counts() -> None:
    kappa = np.where(KELVIN < 465, (KELVIN / 300) ** -1.0, (KELVIN / 300) ** 1.0)
    assert fit_power_law(KELVIN, kappa, (480, 600)).n == pytest.approx(1.0)
    two = fit_power_law(KELVIN, kappa, (300, 400))
    assert two.n == pytest.approx(-1.0)
    assert np.isnan(two.n_err)
    low, high = fit_power_law(KELVIN, kappa).n_range
    assert low == pytest.approx(-1.0)
    assert high > 1.0


@pytest.mark.parametrize(
    ("kelvin", "kappa", "message"),
    [
        ([300.0], [1.0], "two temperatures"),
        ([300.0, 400.0], [1.0, -1.0], "above zero"),
        ([300.0, 400.0], [1.0], "one κ for each"),
    ],
)
def test_what_has_no_law(kelvin: list[float], kappa: list[float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        fit_power_law(kelvin, kappa)


@pytest.mark.parametrize(
    ("kind", "exponents"), [("3ph", (-0.149, -0.308, -0.494)), ("4ph", (0.439, 0.663, -0.299))]
)
def test_the_tables_of_the_paper(
    shared_data: Path, kind: str, exponents: tuple[float, ...]
) -> None:
    folder = shared_data / "cscu2i3/kappa"
    parts = [read_kappa_table(folder / f"{kind}_{p}_like_kappa.dat") for p in ("particle", "wave")]
    laws = fit_table(add_kappa_tables(parts))
    found = [laws[component].n for component in ("xx", "yy", "zz")]
    np.testing.assert_allclose(found, exponents, atol=0.001)
