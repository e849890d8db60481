"""Averages over an analyzer's window against dense sampling and straight branches."""

from __future__ import annotations

import numpy as np
import pytest

from ixs_core.errors import InputError
from ixs_core.units import MEV_ANGSTROM_IN_KM_PER_S
from ixs_reduce.resolution import Resolution
from ixs_reduce.spectrometer import AnalyzerTable
from simulate.phonons import (
    PhononModel,
    average_over_analyzers,
    average_over_windows,
    line_spectra,
)
from simulate.phonons.acceptance import window_points
from tests.simulate.spring_crystals import rocksalt, triclinic

ACROSS, UP = np.array([0.05, 0.02, 0.0]), np.array([0.0, -0.03, 0.06])


@pytest.fixture(scope="module")
def model() -> PhononModel:
    return PhononModel.of(triclinic())


def test_window_points_integrate_polynomials():
    place, weight = window_points(3)
    assert weight.sum() == pytest.approx(1.0)
    for i, j in [(1, 0), (2, 0), (4, 2), (5, 5), (4, 4)]:
        exact = np.prod([0.5**n / (n + 1) if n % 2 == 0 else 0.0 for n in (i, j)])
        assert (weight * place[:, 0] ** i * place[:, 1] ** j).sum() == pytest.approx(exact)


def test_against_dense_sampling(model):
    """Total intensity, and the first two moments of the energy, of many points in the window."""
    q = np.array([[2.2, 1.3, -0.4], [1.4, 3.1, 0.8]])
    average = average_over_windows(model, q, [ACROSS] * 2, [UP] * 2, 300.0, debye_waller="none")
    side = (np.arange(30) + 0.5) / 30 - 0.5
    x, y = (a.ravel() for a in np.meshgrid(side, side))
    for i in range(2):
        points = q[i] + x[:, None] * ACROSS + y[:, None] * UP
        seen = model.structure_factor(points, 300.0, debye_waller="none")
        moments = [(seen.intensity * seen.energy_mev**n).sum(axis=1).mean() for n in range(3)]
        lines = average.lines
        strength, mean = lines.intensity[i], lines.energy_mev[i]
        assert strength.sum() == pytest.approx(moments[0], rel=1e-3)
        assert (strength * mean).sum() == pytest.approx(moments[1], rel=1e-3)
        square = mean**2 + average.spread_mev[i] ** 2
        assert (strength * square).sum() == pytest.approx(moments[2], rel=1e-3)


def test_spread_of_a_straight_branch_is_slope_times_width(model):
    """A flat distribution of width v ΔQ has the standard deviation v ΔQ/√12."""
    q = np.array([2.2, 1.3, -0.4])
    across, none = 1e-3 * ACROSS, np.zeros(3)
    average = average_over_windows(model, q, across, none, 300.0, debye_waller="none")
    slope = model.group_velocities(q)[0] / MEV_ANGSTROM_IN_KM_PER_S
    width = np.abs(slope @ model.force_constants.q_cartesian(across))
    assert average.spread_mev[0] == pytest.approx(width / np.sqrt(12), rel=1e-2, abs=1e-7)


def test_small_windows_change_nothing(model):
    q = np.array([[2.2, 1.3, -0.4]])
    average = average_over_windows(model, q, 1e-7 * ACROSS, 1e-7 * UP, 300.0)
    plain = model.structure_factor(q, 300.0)
    assert average.lines.energy_mev == pytest.approx(plain.energy_mev, rel=1e-6)
    assert average.lines.intensity == pytest.approx(plain.intensity, rel=1e-5, abs=1e-9)
    assert average.spread_mev == pytest.approx(0.0, abs=1e-5)


def test_modes_keep_their_nature_through_a_crossing():
    """Where L and T cross inside the window, the L intensity stays in one line.

    Along [100] of a cubic crystal, with Q along it too, only L modes scatter.
    """
    crystal = PhononModel.of(rocksalt())
    ends = crystal.structure_factor([[2.49, 0, 0], [2.57, 0, 0]], 300.0, debye_waller="none")
    bright = [np.flatnonzero(i > 1e-6 * i.max()).tolist() for i in ends.intensity]
    assert bright == [[2, 3], [2, 5]]
    average = average_over_windows(
        crystal, [2.53, 0, 0], [0.08, 0, 0], [0, 0, 0], 300.0, debye_waller="none", order=4
    )
    strength = average.lines.intensity[0]
    assert (strength > 1e-4 * strength.max()).sum() == 2


def test_analyzers_of_a_setting(model):
    """A table of analyzers is averaged window by window, spectra and all."""
    q = np.array([[2.2, 1.3, -0.4], [1.4, 3.1, 0.8], [0.4, 1.1, 2.3]])
    across, up = ACROSS * [[1], [2], [3]], UP * [[1], [1], [2]]
    table = AnalyzerTable(("a", "b", "c"), q, model.lattice.q_abs(q), across, up)
    together = average_over_analyzers(model, table, 300.0, energy_kev=21.7)
    third = average_over_windows(model, q[2], across[2], up[2], 300.0, energy_kev=21.7)
    assert together.lines.intensity[2] == pytest.approx(third.lines.intensity[0])
    assert together.spread_mev[2] == pytest.approx(third.spread_mev[0])
    resolution = Resolution.from_components([("gaussian", 1.0, 0.0, 1.5)])
    assert line_spectra(together.lines, np.linspace(-5, 20, 20), resolution).shape == (3, 20)


def test_bad_windows(model):
    with pytest.raises(InputError, match="windows"):
        average_over_windows(model, np.zeros((2, 3)), ACROSS, UP, 300.0)
    with pytest.raises(InputError, match="order"):
        average_over_windows(model, [1, 0.2, 0], ACROSS, UP, 300.0, order=0)
