"""Sums of a conductivity by energy, branch and element, and its way to a file and back."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from ixs_core.project import Project
from ixs_core.provenance import provenance_of
from simulate.phonons import LinewidthTable, PhononModel
from simulate.transport.mode_csv import write_mode_csv
from simulate.transport.mode_table import spectral_kappa
from simulate.transport.wigner import wigner_series
from simulate.transport.wigner_kernel import whole_tensor
from simulate.transport.wigner_store import read_wigner, write_wigner
from tests.simulate.spring_crystals import zincblende

MODEL = PhononModel.of(zincblende())
WIDTHS = LinewidthTable(np.array([0.0, 40.0]), np.array([0.05, 2.0]))
RESULTS = wigner_series(MODEL, WIDTHS, [100, 300], (4, 4, 4))
RESULT = RESULTS[1]


def test_every_way_to_share_kappa_out_sums_to_it() -> None:
    modes = RESULT.modes
    for number, whole in enumerate((RESULT.kappa_p, RESULT.kappa_c)):
        for parts in (modes.by_branch()[number], modes.by_element()[number]):
            np.testing.assert_allclose(parts.sum(axis=0), whole, rtol=1e-10, atol=1e-12)
    assert sum(modes.carried_by(element)[1] for element in modes.elements) == pytest.approx(1)


def test_the_spectrum_integrates_to_kappa_and_its_cumulative_ends_there() -> None:
    spectrum = spectral_kappa(RESULT.modes)
    for density, below, elements, whole in (
        (spectrum.kappa_p, spectrum.cumulative_p, spectrum.element_p, RESULT.kappa_p),
        (spectrum.kappa_c, spectrum.cumulative_c, spectrum.element_c, RESULT.kappa_c),
    ):
        area = whole_tensor(np.trapezoid(density, spectrum.energy_mev, axis=0))
        np.testing.assert_allclose(np.diag(area), np.diag(whole), rtol=1e-9)
        np.testing.assert_allclose(whole_tensor(below[-1]), whole, rtol=1e-10, atol=1e-12)
        assert (np.diff(below[:, :3], axis=0) >= 0).all()
        mean = elements.sum(axis=0)
        np.testing.assert_allclose(mean, density[:, :3].mean(axis=1), rtol=1e-9, atol=1e-12)


def test_velocities_of_the_table_are_the_group_velocities() -> None:
    modes = RESULT.modes
    rows = np.flatnonzero((np.abs(modes.q_hkl) > 0).any(axis=1))
    expected = MODEL.group_velocities(modes.q_hkl[rows])
    np.testing.assert_allclose(modes.velocity_km_s[rows], expected, atol=1e-7)
    gamma = np.flatnonzero((np.abs(modes.q_hkl) == 0).all(axis=1))
    assert np.isnan(modes.velocity_km_s[gamma, :3]).all()


def test_the_csv_sums_to_kappa(tmp_path: Path) -> None:
    file = tmp_path / "modes.csv"
    count = write_mode_csv(file, RESULT.modes)
    with file.open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == count
    for name, whole in (("kappa_p_xx", RESULT.kappa_p), ("kappa_c_xx", RESULT.kappa_c)):
        assert sum(float(row[name]) for row in rows) == pytest.approx(whole[0, 0], rel=1e-5)
    first = rows[0]
    assert first["lifetime_ps"] == ""
    assert float(first["share_Ga"]) + float(first["share_As"]) == pytest.approx(1)


def test_a_project_keeps_it(tmp_path: Path) -> None:
    project = Project(tmp_path / "p.h5")
    with project.writing() as h5:
        key = write_wigner(h5, "springs", RESULTS, provenance_of("test"))
    with project.reading() as h5:
        found = read_wigner(h5, key)
    np.testing.assert_array_equal(found.kappa_c[1], RESULT.kappa_c)
    assert found.elements == ("Ga", "As")
    assert found.mesh == (4, 4, 4)
    assert found.audit(1).passed
    assert found.audit(1).residuals == pytest.approx(dict(RESULT.audit.residuals))
