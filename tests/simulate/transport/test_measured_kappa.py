"""κ with measured widths: closed forms, limits, coverage, and the lines that are read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ixs_core.errors import InputError
from simulate.phonons import LinewidthTable, PhononModel
from simulate.transport.kappa_from_measured import measured_kappa
from simulate.transport.measured_widths import MeasuredWidths, read_width_csv, widths_of_rows
from simulate.transport.wigner import wigner_kappa
from tests.simulate.spring_crystals import zincblende

MODEL = PhononModel.of(zincblende())
MESH = (3, 3, 3)
HEADER = "h,k,l,energy_mev,energy_err,fwhm_mev,fwhm_err,fwhm_upper,temperature_k,flags\n"


def lines(
    energy: list[float],
    fwhm: list[float],
    error: list[float] | float = 0.0,
    limit: list[bool] | bool = False,
) -> MeasuredWidths:
    count = len(energy)
    return MeasuredWidths(
        q_hkl=np.tile([0.1, 0.2, 0.0], (count, 1)),
        energy_mev=np.array(energy),
        fwhm_mev=np.array(fwhm),
        fwhm_err=np.broadcast_to(np.array(error, dtype=float), count),
        is_limit=np.broadcast_to(np.array(limit), count),
        temperature_k=np.full(count, 300.0),
        energy_err=np.full(count, np.nan),
    )


@pytest.mark.parametrize("method", ["element", "smooth"])
def test_measured_widths_that_are_the_computed_ones_change_nothing(method: str) -> None:
    energy = MODEL.modes([0.1, 0.2, 0.0]).energy_mev[0]
    found = measured_kappa(
        MODEL, 1.0, lines(energy.tolist(), [1.0] * 6), 300, MESH, method=method, samples=2
    )  # type: ignore[arg-type]
    computed = wigner_kappa(MODEL, 1.0, 300, MESH)
    np.testing.assert_allclose(found.kappa_p, computed.kappa_p, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(found.kappa_c, computed.kappa_c, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(found.band[0], found.band[1], rtol=1e-10, atol=1e-12)
    assert 0 < found.covered < 1
    assert 0 < found.covered_p <= 1


def test_the_band_of_one_width_for_all_modes_is_that_of_its_inverse() -> None:
    # κ_p ∝ 1/Γ, and Γ log-normal: the logarithm of κ_p has the same σ.
    found = measured_kappa(
        MODEL,
        1.0,
        lines([15.0], [2.0], 0.4),
        300,
        MESH,
        method="smooth",
        reach_mev=100,
        samples=2000,
        seed=3,
    )
    computed = wigner_kappa(MODEL, 2.0, 300, MESH)
    assert found.covered == 1
    np.testing.assert_allclose(found.kappa_p, computed.kappa_p, rtol=1e-10, atol=1e-12)
    spread = np.sqrt(np.log1p(0.2**2))
    low, high = found.band_p[:, 0, 0] / found.kappa_p[0, 0]
    # 16 % and 84 % are ∓0.9945 σ; 2000 draws know them to 4 %.
    assert np.log(high) == pytest.approx(0.9945 * spread, rel=0.1)
    assert np.log(low) == pytest.approx(-0.9945 * spread, rel=0.1)
    again = measured_kappa(
        MODEL,
        1.0,
        lines([15.0], [2.0], 0.4),
        300,
        MESH,
        method="smooth",
        reach_mev=100,
        samples=2000,
        seed=3,
        workers=3,
    )
    np.testing.assert_array_equal(found.band, again.band)


def test_a_limit_cuts_the_computed_width_and_no_more() -> None:
    every = {"method": "smooth", "reach_mev": 100.0, "samples": 2}
    above = measured_kappa(MODEL, 1.0, lines([15.0], [3.0], limit=True), 300, MESH, **every)  # type: ignore[arg-type]
    np.testing.assert_allclose(above.kappa_p, above.computed_p, rtol=1e-10, atol=1e-12)
    below = measured_kappa(MODEL, 1.0, lines([15.0], [0.5], limit=True), 300, MESH, **every)  # type: ignore[arg-type]
    expected = wigner_kappa(MODEL, 0.5, 300, MESH)
    np.testing.assert_allclose(below.kappa_p, expected.kappa_p, rtol=1e-10, atol=1e-12)
    assert (below.lines, below.limits, below.covered, below.limited) == (0, 1, 0.0, 1.0)


def test_a_line_goes_to_modes_of_its_own_element() -> None:
    # A line at a mode of Ga changes modes of Ga alone, whatever lies near in energy.
    modes = wigner_kappa(MODEL, 1.0, 300, MESH).modes
    at = MODEL.modes([0.1, 0.2, 0.0])
    shares = np.abs(at.eigenvectors[0]) ** 2
    first = shares.reshape(2, 3, 6).sum(axis=1)
    optical = int(np.argmax(first[0]))
    element = int(first[:, optical].argmax())
    given = lines([float(at.energy_mev[0, optical])], [4.0])
    found = measured_kappa(MODEL, 1.0, given, 300, MESH, reach_mev=100, samples=2)
    own = modes.usable & (modes.element_share.argmax(axis=-1) == element)
    weight = modes.weights[:, None] * modes.usable
    assert found.covered == pytest.approx((weight * own).sum() / weight.sum())
    table = wigner_kappa(MODEL, lambda q, energy: _by_element(q, energy, element), 300, MESH)
    np.testing.assert_allclose(found.kappa_p, table.kappa_p, rtol=1e-8, atol=1e-10)


def _by_element(q_hkl: np.ndarray, energy: np.ndarray, element: int) -> np.ndarray:
    from simulate.phonons.degeneracy import degenerate_groups
    from simulate.transport.wigner_blocks import element_share

    modes = MODEL.modes(q_hkl)
    groups = degenerate_groups(modes.energy_mev)
    share = element_share(MODEL.force_constants, modes.eigenvectors, groups)
    return np.where(share.argmax(axis=-1) == element, 4.0, 1.0)


def test_modes_beyond_reach_keep_the_computed_width() -> None:
    table = LinewidthTable(np.array([0.0, 40.0]), np.array([0.1, 2.0]))
    found = measured_kappa(
        MODEL, table, lines([500.0], [3.0]), 300, MESH, method="smooth", samples=2
    )
    np.testing.assert_allclose(found.kappa_p, found.computed_p, rtol=1e-10, atol=1e-12)
    assert found.covered == 0


def test_rows_without_use_are_left_out_and_counted() -> None:
    def row(**changes: object) -> dict[str, object]:
        usual = {
            "energy_mev": 5.0,
            "fwhm_mev": 1.0,
            "fwhm_err": 0.1,
            "fwhm_upper": None,
            "temperature_k": 300.0,
            "h": 1,
            "k": 0,
            "l": 0,
            "flags": "",
        }
        return usual | changes

    found = widths_of_rows(
        [
            row(),
            row(fwhm_mev=0.0, fwhm_err=None, fwhm_upper=0.4),
            row(flags="bursts;not-converged"),
            row(energy_mev=-1.0),
            row(fwhm_err=None),
            row(fwhm_mev=0.0),
        ]
    )
    assert len(found) == 2
    assert found.is_limit.tolist() == [False, True]
    assert found.fwhm_mev.tolist() == [1.0, 0.4]
    assert sum(int(note.split(": ")[1].split(",")[0]) for note in found.notes) == 4


def test_a_csv_is_read_and_its_faults_are_named(tmp_path: Path) -> None:
    file = tmp_path / "fits.csv"
    file.write_text(HEADER + "1,0,0,5.0,0.1,1.2,0.2,,300,\n2,0,0,7.5,0.1,0.0,,0.6,300,\n")
    found = read_width_csv(file)
    assert found.energy_mev.tolist() == [5.0, 7.5]
    assert found.fwhm_err.tolist() == [0.2, 0.0]
    file.write_text(HEADER + "1,0,0,five,0.1,1.2,0.2,,300,\n")
    with pytest.raises(InputError, match=r"line 2.*energy_mev.*not a number"):
        read_width_csv(file)
    file.write_text("h,k,l\n1,0,0\n")
    with pytest.raises(InputError, match=r"energy_mev.*column is missing"):
        read_width_csv(file)
    file.write_text(HEADER)
    with pytest.raises(InputError, match="no line with a width"):
        read_width_csv(file)
    with pytest.raises(InputError, match="cannot be read"):
        read_width_csv(tmp_path / "none.csv")


def test_lines_of_other_temperatures_are_left_out() -> None:
    own = lines([5.0, 6.0], [1.0, 1.0])
    mixed = replace(own, temperature_k=np.array([300.0, 500.0]))
    near = mixed.near(296.0)
    assert near.energy_mev.tolist() == [5.0]
    assert any("other temperatures" in note for note in near.notes)
    with pytest.raises(InputError, match="300 to 500 K"):
        mixed.near(100.0)
