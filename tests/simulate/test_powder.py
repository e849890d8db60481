"""The polycrystal: even directions, sum rules, cubic symmetry, and an error that is honest."""

from __future__ import annotations

import numpy as np
import pytest

from ixs_core.errors import Cancelled, InputError
from ixs_core.jobs import CancelToken
from ixs_reduce.resolution import Resolution
from simulate.phonons import PhononModel, powder_average
from simulate.phonons.powder import fibonacci_directions
from tests.simulate.spring_crystals import cubic_zincblende, triclinic, zincblende

RESOLUTION = Resolution.from_components([("gaussian", 1.0, 0.0, 1.5)])
ENERGY = np.linspace(-40, 60, 401)


@pytest.fixture(scope="module")
def model() -> PhononModel:
    return PhononModel.of(triclinic())


def test_directions_are_even():
    directions = fibonacci_directions(300)
    assert np.linalg.norm(directions, axis=1) == pytest.approx(1.0)
    assert directions.mean(axis=0) == pytest.approx(0.0, abs=2e-3)
    assert directions.T @ directions / 300 == pytest.approx(np.eye(3) / 3, abs=2e-3)
    nearest = np.sort(directions @ directions.T, axis=1)[:, -2]
    ideal = np.cos(np.sqrt(4 * np.pi / 300))
    assert (nearest < (1 + ideal) / 2).all()


def test_first_moment_of_the_average(model):
    """∫ E S dE = Σ_d f_d² ħ²Q²/2M_d in every direction, so in the mean as well."""
    powder = powder_average(
        model, [2.5], ENERGY, RESOLUTION, debye_waller="none", directions=80, linewidth=0.2
    )
    at = model.lattice.hkl(np.array([2.5, 0.0, 0.0]))
    lines = model.structure_factor(at, 300.0, debye_waller="none")
    expected = (lines.energy_mev * lines.intensity).sum()
    step = ENERGY[1] - ENERGY[0]
    assert (powder.intensity[0] * ENERGY).sum() * step == pytest.approx(expected, rel=1e-2)


def test_error_covers_the_difference_to_a_finer_average(model):
    rough = powder_average(model, 3.0, ENERGY, RESOLUTION, directions=160, seed=1)
    fine = powder_average(model, 3.0, ENERGY, RESOLUTION, directions=1200, seed=2)
    # Near E = 0 the average is ruled by the few directions that pass by Bragg peaks.
    seen = (ENERGY > 10) & (fine.intensity[0] > 0.05 * fine.intensity[0, ENERGY > 10].max())
    pulls = ((rough.intensity - fine.intensity) / rough.error)[0, seen]
    assert 0.2 < np.median(np.abs(pulls)) < 1.5
    assert np.mean(rough.error[0, seen]) > 2 * np.mean(fine.error[0, seen])


def test_description_of_the_crystal_does_not_matter():
    powders = [
        powder_average(
            PhononModel.of(make()), 3.1, ENERGY, RESOLUTION, debye_waller="none", directions=40
        )
        for make in (zincblende, cubic_zincblende)
    ]
    assert 4 * powders[0].intensity == pytest.approx(powders[1].intensity, rel=1e-8, abs=1e-12)


def test_seed_progress_and_cancel(model):
    steps = []
    options = {"directions": 16, "debye_waller": "none"}

    def note(*step):
        steps.append(step)

    one, same, other = (
        powder_average(model, [1.0, 2.0], ENERGY, RESOLUTION, seed=s, progress=note, **options)
        for s in (4, 4, 5)
    )
    assert (one.intensity == same.intensity).all()
    assert (one.intensity != other.intensity).any()
    assert [step[:2] for step in steps[:2]] == [(1, 2), (2, 2)]
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        powder_average(model, 1.0, ENERGY, RESOLUTION, cancel=token, **options)


@pytest.mark.parametrize(("q", "directions"), [([0.0], 100), ([-1.0], 100), ([1.0], 15)])
def test_bad_input(model, q, directions):
    with pytest.raises(InputError):
        powder_average(model, q, ENERGY, RESOLUTION, directions=directions)
