"""Paths, branches along them, and S(Q,E) maps."""

from __future__ import annotations

import numpy as np
import pytest

from ixs_core.errors import InputError
from ixs_core.lattice import Lattice
from ixs_reduce.resolution import Resolution
from simulate.phonons import PhononModel, parse_path, path_lines, sqe_map
from tests.simulate.spring_crystals import rocksalt, triclinic, zincblende

CELL = Lattice(10.0, 13.0, 6.0)
RESOLUTION = Resolution.from_components([("gaussian", 1.0, 0.0, 1.5)])


@pytest.fixture(scope="module")
def model() -> PhononModel:
    return PhononModel.of(zincblende())


def test_one_leg():
    path = parse_path("7 7 0 : 7 6 0 : 41", CELL)
    assert path.q_hkl == pytest.approx(
        np.stack([np.full(41, 7.0), np.linspace(7, 6, 41), np.zeros(41)], axis=1)
    )
    assert path.distance == pytest.approx(np.linspace(0, 2 * np.pi / 13.0, 41))
    assert path.distance_rlu == pytest.approx(np.linspace(0, 1, 41))
    assert (path.ticks, path.labels) == ((0, 40), ("(7, 7, 0)", "(7, 6, 0)"))


def test_legs_that_meet_and_legs_that_do_not():
    path = parse_path("0,0,0 : 1/2 0 0 : 3 ; 0.5 0 0 : 0.5 0.5 0 : 5; 0 0 1:0 0 -1 : 2;", CELL)
    assert len(path.q_hkl) == 3 + 4 + 2
    assert (np.diff(path.q_hkl[:7], axis=0) != 0).any(axis=1).all()
    assert path.ticks == (0, 2, 6, 8)
    assert path.labels == ("(0, 0, 0)", "(0.5, 0, 0)", "(0.5, 0.5, 0) | (0, 0, 1)", "(0, 0, -1)")
    # The gap has no length; the legs have theirs.
    lengths = [0.5 / 10, 0.5 / 13, 2 / 6]
    assert path.distance[list(path.ticks)] == pytest.approx(
        2 * np.pi * np.cumsum([0, *lengths]), rel=1e-12
    )
    assert path.distance[7] == path.distance[6]
    assert path.stretches == (slice(0, 7), slice(7, 9))


@pytest.mark.parametrize(
    "text",
    ["", "7 7 0", "7 7 0 : 7 6 0", "7 7 0 : 7 6 0 : 1", "7 7 : 7 6 0 : 4", "7 x 0 : 7 6 0 : 4",
     "0 0 0 : 1 0 0 : 4 ; 0 0 0 : 1 0 0 : 3.5", "1/0 0 0 : 1 0 0 : 3"],
)  # fmt: skip
def test_what_is_no_path(text):
    with pytest.raises(InputError, match="--path"):
        parse_path(text, CELL)


def test_branches_follow_the_modes_through_crossings():
    """Along [100] of a cubic crystal L and T modes cross without seeing each other."""
    crystal = PhononModel.of(rocksalt())
    path = parse_path("2.02 0 0 : 2.98 0 0 : 61", crystal.lattice)
    lines = path_lines(crystal, path, 300.0, debye_waller="none")
    plain = crystal.structure_factor(path.q_hkl, 300.0, debye_waller="none")
    assert lines.energy_mev == pytest.approx(plain.energy_mev)
    assert lines.intensity == pytest.approx(plain.intensity)
    # Q along the path sees the longitudinal modes alone: two branches, four places in energy.
    by_branch, by_place = np.zeros(7), plain.intensity.sum(axis=0)
    np.add.at(by_branch, lines.branch.ravel(), lines.intensity.ravel())
    assert (by_branch > 1e-6 * by_branch.max()).sum() == 2
    assert (by_place > 1e-3 * by_place.max()).sum() == 3
    assert (np.sort(lines.branch, axis=1) == np.arange(1, 7)).all()


def test_stretches_are_tracked_on_their_own():
    crystal = PhononModel.of(triclinic())
    path = parse_path("0.1 0 0 : 0.6 0 0 : 21; 3 1 0.1 : 3 1.4 0.1 : 21", crystal.lattice)
    both = path_lines(crystal, path, 300.0, debye_waller="none")
    second = parse_path("3 1 0.1 : 3 1.4 0.1 : 21", crystal.lattice)
    alone = path_lines(crystal, second, 300.0, debye_waller="none")
    assert (both.branch[21:] == alone.branch).all()
    assert (both.branch[21] == np.arange(1, 13)).all()


def test_map_rows_are_spectra(model):
    path = parse_path("2 0 0.1 : 2 0.5 0.1 : 6", model.lattice)
    energy = np.linspace(-20, 40, 61)
    made = sqe_map(model, path, energy, RESOLUTION, 250.0, 0.5, form_factor={"Ga": "Ga3+"})
    assert made.intensity.shape == (6, 61)
    direct = model.spectrum(
        path.q_hkl[4], energy, RESOLUTION, 0.5, 250.0, form_factor={"Ga": "Ga3+"}
    )
    assert made.intensity[4] == pytest.approx(direct[0], rel=1e-10)


def test_a_path_ends_at_the_lo_mode_that_it_leads_to(shared_data):
    """LO of NaCl at Γ along a path equals its limit of small q, 30.6 meV, not TO's 19.1 meV."""
    model = PhononModel.load(shared_data / "phonons/NaCl/phonopy_disp.yaml")
    path = parse_path("2 0 0 : 3 0 0 : 21 ; 3 0 0 : 2 0 0 : 21", model.lattice)
    lines = path_lines(model, path, 300.0)
    near = model.modes([2.0005, 0, 0]).energy_mev[0]
    for end in (0, -1):
        np.testing.assert_allclose(lines.energy_mev[end], near, atol=0.03)
    assert near[5] - near[3] > 10
