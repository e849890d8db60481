"""A plan with widths of the modes' own: from a table, and from a mesh of a linewidth file."""

from __future__ import annotations

import numpy as np

from simulate.phonons import LinewidthTable
from simulate.planning.expected_counts import modes_in_windows
from simulate.planning.plan_warnings import assumptions
from tests.simulate.toy_beamtime import toy_beamtime

HKL = np.array([[2.4, 0.3, 0.2], [3.1, 1.2, 0.4]])
NARROW = np.full((2, 3), 1e-4)


def test_modes_have_the_widths_of_the_table() -> None:
    table = LinewidthTable(np.array([0.0, 20.0]), np.array([0.1, 2.1]))
    beamtime = toy_beamtime(linewidth=table, fwhm_mev=1.1)
    for modes in modes_in_windows(beamtime, ("a", "b"), HKL, NARROW, NARROW):
        np.testing.assert_allclose(modes.fwhm_mev, 0.1 + 0.1 * modes.energy_mev)
    assert any("widths of their own (typical 1.1 meV)" in text for text in assumptions(beamtime))


def test_without_a_table_all_modes_have_one_width() -> None:
    for modes in modes_in_windows(toy_beamtime(fwhm_mev=0.7), ("a", "b"), HKL, NARROW, NARROW):
        np.testing.assert_allclose(modes.fwhm_mev, 0.7)
