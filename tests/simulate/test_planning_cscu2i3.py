"""The planner on the force constants of CsCu2I3 (effective, 300 K)."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest

from ixs_core.experiment import load_experiment
from simulate.phonons.model import PhononModel
from simulate.planning import (
    Beamtime,
    Goal,
    PhononCalculation,
    conditions_of,
    determine_eigenvector,
    expected_spectra,
    make_plan,
    mode_amplitudes,
    parse_wish,
    place,
    plan_scan,
    special_points_of,
    symmetry_of,
    targets_of,
)
from simulate.planning.views import hours_at
from tests.simulate.toy_beamtime import EXPERIMENT, toy_instrument


@pytest.fixture(scope="module")
def model(shared_data: Path) -> PhononModel:
    folder = shared_data / "cscu2i3" / "force_constants"
    return PhononModel.load(folder / "phonopy_params_eff300K.yaml.xz")


@pytest.fixture(scope="module")
def beamtime(model: PhononModel) -> Beamtime:
    instrument = toy_instrument()
    symmetry = symmetry_of(model.force_constants)
    return Beamtime(
        instrument,
        symmetry,
        PhononCalculation(model),
        conditions_of(load_experiment(EXPERIMENT), instrument, symmetry),
        "effective 300 K",
        PhononCalculation(model, {"debye_waller": "none"}),
    )


def test_symmetry_and_named_points_of_cmcm(model: PhononModel, beamtime: Beamtime) -> None:
    symmetry = beamtime.symmetry
    assert len(symmetry.rotations) == 8
    assert symmetry.is_reciprocal_vector(np.array([(1, 1, 0), (1, 0, 0), (2, 0, 1)])).tolist() == [
        True,
        False,
        True,
    ]
    points = special_points_of(model.force_constants)
    assert points["Y"] == pytest.approx((0, 1, 0))
    assert points["S"] == pytest.approx((0.5, 0.5, 0))
    assert points["Z"] == pytest.approx((0, 0, 0.5))


def test_rotated_momenta_scatter_alike(model: PhononModel, beamtime: Beamtime) -> None:
    hkl = np.array([2.3, 3.1, 1.2])
    images = beamtime.symmetry.rotations @ hkl
    factor = model.structure_factor(np.vstack([hkl, images]), 300.0)
    assert factor.energy_mev == pytest.approx(np.tile(factor.energy_mev[0], (9, 1)), abs=1e-6)
    assert factor.intensity == pytest.approx(np.tile(factor.intensity[0], (9, 1)), rel=1e-5)


def test_amplitudes_square_to_intensities(model: PhononModel) -> None:
    q, tau = np.array([0.05, 0.3, 0.1]), np.array([(0, 8, 0), (7, 7, 1), (4, 4, 2)])
    amplitudes = mode_amplitudes(model, q, tau, 300.0)
    factor = model.structure_factor(q + tau, 300.0)
    intensity = 4.180159 / (2 * factor.energy_mev) * np.abs(amplitudes) ** 2
    assert intensity == pytest.approx(factor.intensity, rel=1e-6, abs=1e-9)


def test_the_wanted_plan_of_the_experiment(model: PhononModel, beamtime: Beamtime) -> None:
    points = special_points_of(model.force_constants)
    lines = ("Γ-Y", "Γ-S", "Γ-Z")
    wishes = [
        parse_wish(f"{line} points=3 {what}", points)
        for line in lines
        for what in ("branch=1-2", "energy=3-5")
    ]
    targets, warnings = targets_of(wishes, beamtime.calculation, 300.0)
    plan = make_plan(beamtime, targets, Goal(0.1), warnings=warnings)
    measured = {
        (t.target.q_hkl, t.target.branch) for setting in plan.settings for t in setting.assigned
    }
    assert len(measured) + len(plan.unmeasured) == len(targets)
    assert len(measured) > 0.6 * len(targets)
    assert plan.lower_bound_hours <= plan.total_hours * (1 + 1e-9)
    assert plan.total_hours < 1.15 * plan.lower_bound_hours
    for setting in plan.settings:
        assert beamtime.instrument.limit_violations(setting.angles) == []
        assert all(t.sigma_energy_mev <= 0.1 * (1 + 1e-9) for t in setting.targets)


def test_no_longer_than_the_best_single_zone_per_branch(
    model: PhononModel, beamtime: Beamtime
) -> None:
    """Every way to give each branch one Bragg point in which all of its q are measured."""
    goal = Goal(0.1)
    wish = parse_wish("line=(0,0.2,0)-(0,0.3,0) points=2 branch=1,3")
    targets, _ = targets_of([wish], beamtime.calculation, 300.0)
    energy = plan_scan(beamtime, targets)
    found = make_plan(beamtime, targets, goal, energy, move_hours=0.0)
    assert not found.unmeasured
    needed = []
    for zone, sign in product(((0, 8, 0), (7, 7, 0), (4, 4, 0), (6, 6, 0), (2, 6, 0)), (1, -1)):
        row = dict.fromkeys((1, 3), 0.0)
        for target in targets:
            placed = place(beamtime.instrument, np.add(zone, sign * np.array(target.q_hkl)), "a06")
            alone = hours_at(beamtime, [placed], target, energy, goal)[0]
            row[target.branch] += float(alone) if placed.reachable else np.inf
        needed.append([row[1], row[3]])
    single = float(np.min(needed, axis=0).sum())
    assert np.isfinite(single)
    assert found.total_hours <= single


def test_expected_spectra_of_the_named_settings(beamtime: Beamtime) -> None:
    scan = np.arange(-10, 20.01, 0.5)
    for hkl in ((7, 6.3, 0), (4.4, 4.4, 0), (6, 6, -0.3)):
        placed = place(beamtime.instrument, hkl)
        assert placed.angles is not None
        spectra = expected_spectra(beamtime, placed.angles, scan)
        assert len(spectra) == 28
        assert all((s.rate() > 0).all() for s in spectra)
        shown = spectra[beamtime.instrument.spectrometer.analyzers.index("a06")]
        assert shown.predicted.q_hkl == pytest.approx(hkl, abs=1e-6)
        # Sharper calculated lines than the analyzer can tell apart have merged.
        assert len(shown.lines) < shown.predicted.n_modes


def test_an_eigenvector_needs_several_zones(model: PhononModel, beamtime: Beamtime) -> None:
    target = targets_of([parse_wish("q=(0,0.3,0) branch=3")], beamtime.calculation, 300.0)[0][0]
    # Along Γ-Y these mix with branch 3 without changing the symmetry.
    scattered = np.abs(mode_amplitudes(model, np.array(target.q_hkl), np.array([(0, 8, 0)]), 300.0))
    alike = [int(b) + 1 for b in np.flatnonzero(scattered[0] > 1e-6 * scattered.max())]
    found = determine_eigenvector(beamtime, model, target, 8, mix_with=alike[:4], candidates=40)
    assert found.unknowns == 2 * len([b for b in alike[:4] if b != 3])
    assert found.rank >= found.unknowns // 2  # real coefficients in a centrosymmetric crystal
