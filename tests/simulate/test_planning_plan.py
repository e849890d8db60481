"""Plans on a toy crystal: goals met, limits kept, no longer than simple choices, exports."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from ixs_core.errors import InputError
from ixs_core.project import Project
from ixs_core.provenance import provenance_of
from simulate.planning.expected_counts import Beamtime, expected_spectra
from simulate.planning.export import (
    beamline_lines,
    plan_csv,
    plan_json,
    plan_record,
    write_plan,
    zones_csv,
)
from simulate.planning.figures import expected_spectra_grid, zone_map
from simulate.planning.information import Goal, precision
from simulate.planning.pictures import illustrate, panel_of
from simulate.planning.placement import place
from simulate.planning.plan import Plan, make_plan, plan_scan
from simulate.planning.settings import Search
from simulate.planning.store import read_plan_result, write_plan_result
from simulate.planning.targets import Target, parse_wish, targets_of
from simulate.planning.views import hours_at, rank_zones
from tests.simulate.toy_beamtime import toy_beamtime, toy_instrument

WISHES = ("q=(0,0.3,0) branch=1-3", "line=(0.2,0.2,0)-(0.4,0.4,0) points=3 branch=2-3")


def wanted(beamtime: Beamtime, *texts: str) -> tuple[Target, ...]:
    wishes = [parse_wish(text) for text in texts or WISHES]
    return targets_of(wishes, beamtime.calculation, 300.0)[0]


@pytest.fixture(scope="module")
def beamtime() -> Beamtime:
    return toy_beamtime()


@pytest.fixture(scope="module")
def plan(beamtime: Beamtime) -> Plan:
    return make_plan(beamtime, wanted(beamtime), move_hours=0.0, longest_hours=1e6)


def test_every_target_is_measured_once_and_well_enough(beamtime: Beamtime, plan: Plan) -> None:
    assigned = [t for s in plan.settings for t in s.assigned]
    assert {(t.target.q_hkl, t.target.branch) for t in assigned} == {
        (t.q_hkl, t.branch) for t in wanted(beamtime)
    }
    assert len(assigned) == len(wanted(beamtime))
    for setting in plan.settings:
        assert all(t.sigma_energy_mev <= 0.1 * (1 + 1e-9) for t in setting.targets)
        assert setting.hours == pytest.approx(max(t.hours for t in setting.assigned))
    assert plan.total_hours == pytest.approx(sum(s.hours for s in plan.settings))
    assert plan.lower_bound_hours <= plan.total_hours * (1 + 1e-9)


def test_settings_are_within_limits_and_analyzers_see_the_wanted_q(
    beamtime: Beamtime, plan: Plan
) -> None:
    for setting in plan.settings:
        assert beamtime.instrument.limit_violations(setting.angles) == []
        table = beamtime.instrument.analyzer_q(setting.angles)
        for target in setting.targets:
            seen = table.hkl[table.names.index(target.analyzer)]
            assert np.allclose(seen, target.hkl)
            star = beamtime.symmetry.star(np.array(target.target.q_hkl))
            rest = seen - star
            distance = beamtime.symmetry.lattice.q_abs(rest - np.round(rest)).min()
            assert distance < 0.05
            assert distance == pytest.approx(target.distance, abs=1e-9)


def test_no_longer_than_the_best_single_zone_per_branch(beamtime: Beamtime) -> None:
    """Every way to give each branch one of many settings that measures all of its q."""
    goal = Goal(0.1)
    targets = wanted(beamtime, "line=(0.25,0.25,0)-(0.35,0.35,0) points=2 branch=1-3")
    energy = plan_scan(beamtime, targets)
    found = make_plan(beamtime, targets, goal, energy, move_hours=0.0)
    names = beamtime.instrument.spectrometer.analyzers
    needed = []
    for zone in product((3, 5, 6, 7), (3, 5, 7), (0, 1, 2)):
        row = dict.fromkeys((1, 2, 3), 0.0)
        for target in targets:
            placed = place(beamtime.instrument, np.add(target.q_hkl, zone), "a06")
            if not placed.reachable:
                row = dict.fromkeys((1, 2, 3), np.inf)
                break
            # Each q of a zone is a setting of its own with the arm's centre on it.
            row[target.branch] += float(hours_at(beamtime, [placed], target, energy, goal)[0])
        needed.append([row[branch] for branch in (1, 2, 3)])
    assert "a06" in names
    single = float(np.min(needed, axis=0).sum())
    assert np.isfinite(single)
    assert found.total_hours <= single


def test_one_analyzer_makes_the_plan_longer(beamtime: Beamtime) -> None:
    names = beamtime.instrument.spectrometer.analyzers
    mask = tuple(name for name in names if name != "a06")
    alone = replace(beamtime, conditions=replace(beamtime.conditions, mask=mask))
    targets = wanted(beamtime, "q=(0,0.3,0) branch=3", WISHES[1])
    many, one = (make_plan(b, targets, move_hours=0.0) for b in (beamtime, alone))
    assert many.unmeasured == one.unmeasured == ()
    assert many.total_hours <= one.total_hours * (1 + 1e-9)


def test_hours_scale_with_precision_and_settings_stay(beamtime: Beamtime, plan: Plan) -> None:
    finer = make_plan(beamtime, wanted(beamtime), Goal(0.05), plan.energy_mev, move_hours=0.0)
    assert finer.total_hours == pytest.approx(4 * plan.total_hours, rel=1e-6)


def test_moves_cost_and_draw_targets_together(beamtime: Beamtime, plan: Plan) -> None:
    moving = make_plan(beamtime, wanted(beamtime), move_hours=5.0)
    assert len(moving.settings) <= len(plan.settings)
    counting = sum(s.hours for s in moving.settings)
    assert moving.total_hours == pytest.approx(counting + 5.0 * len(moving.settings))


def test_targets_out_of_reach_are_named_with_the_reason(beamtime: Beamtime) -> None:
    narrow = replace(
        beamtime,
        instrument=replace(
            beamtime.instrument, limits=dict(beamtime.instrument.limits) | {"chi": (-1.0, 1.0)}
        ),
    )
    targets = wanted(beamtime, "q=(0,0.3,0) branch=1-3", "q=(0,0.3,0.5) branch=1-3")
    plan = make_plan(narrow, targets)
    assert {target.q_hkl for target, _ in plan.unmeasured} >= {(0.0, 0.3, 0.5)}
    assert any("chi" in why for _, why in plan.unmeasured)
    assert any(warning.startswith("not measured: (0 0.3 0.5)") for warning in plan.warnings)
    closed = replace(
        beamtime, instrument=replace(beamtime.instrument, limits={"tth": (50.0, 51.0)})
    )
    with pytest.raises(InputError, match="no setting measures any"):
        make_plan(closed, wanted(beamtime, "q=(0,0.3,0.5) branch=1"), search=Search(zones=2))


def test_json_has_the_promised_shape(plan: Plan) -> None:
    record = json.loads(plan_json(plan))
    assert record == plan_record(plan)
    assert set(record) >= {"settings", "total_hours", "warnings"}
    first = record["settings"][0]
    assert set(first) >= {"rank", "hkl", "angles", "mv", "hours", "targets"}
    assert set(first["angles"]) == {"tth", "th", "chi", "phi", "mu", "gam"}
    assert first["mv"].startswith("mv tth ")
    assert set(first["targets"][0]) >= {"analyzer", "branch", "sigma_energy_mev"}
    placed = toy_instrument().angles_for(first["hkl"])
    assert placed.tth == pytest.approx(first["angles"]["tth"], abs=1e-3)


def test_tables_and_lines(plan: Plan, tmp_path: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(plan_csv(plan))))
    assert len(rows) == sum(len(s.targets) for s in plan.settings)
    assert sum(int(row["assigned"]) for row in rows) == len(wanted(toy_beamtime()))
    lines = beamline_lines(plan).splitlines()
    assert sum(line.startswith("mv ") for line in lines) == len(plan.settings)
    assert all(line.startswith(("#", "mv ")) for line in lines)
    for ending in ("json", "csv", "mac"):
        write_plan(tmp_path / f"plan.{ending}", plan)
    assert json.loads((tmp_path / "plan.json").read_text("utf-8")) == plan_record(plan)
    assert (tmp_path / "plan.csv").read_text("utf-8") == plan_csv(plan)
    assert (tmp_path / "plan.mac").read_text("utf-8") == beamline_lines(plan)


def test_a_plan_in_a_project_comes_back(beamtime: Beamtime, plan: Plan, tmp_path: Path) -> None:
    pictures = illustrate(beamtime, plan, plan.goal)
    with Project(tmp_path / "p.h5").writing() as h5:
        write_plan_result(h5, "plan", plan, pictures, provenance_of("test"))
    with Project(tmp_path / "p.h5").reading() as h5:
        stored = read_plan_result(h5, "plan")
        assert h5["entry/predictions/plan/hours"].attrs["units"] == "h"
    assert stored.record == plan_record(plan)
    for told, made in zip(stored.pictures.settings, pictures.settings, strict=True):
        assert (told.title, told.hours) == (made.title, made.hours)
        np.testing.assert_array_equal(told.footprint.hkl, made.footprint.hkl)
        for one, other in zip(told.panels, made.panels, strict=True):
            assert (one.analyzer, one.branches) == (other.analyzer, other.branches)
            np.testing.assert_array_equal(one.counts, other.counts)
            np.testing.assert_array_equal(one.sigma_energy_mev, other.sigma_energy_mev)
            np.testing.assert_allclose(one.q_hkl, other.q_hkl, atol=1e-12)
    for zone, other in zip(stored.pictures.zones, pictures.zones, strict=True):
        assert zone.placement.reachable == other.placement.reachable
        np.testing.assert_array_equal(zone.hours, other.hours)


def test_one_mode_over_all_zones(beamtime: Beamtime) -> None:
    target = wanted(beamtime, "q=(0,0.3,0) branch=3")[0]
    zones = rank_zones(beamtime, target, evaluate=10)
    exact = [zone.hours for zone in zones if np.isfinite(zone.hours)]
    assert len(exact) == 10
    assert exact == sorted(exact)
    assert any(not zone.placement.reachable for zone in zones)
    best = zones[0]
    # Branch 3 along b is longitudinal: the best zones lie along b.
    assert abs(best.placement.hkl[1]) > abs(best.placement.hkl[0])
    rows = list(csv.DictReader(io.StringIO(zones_csv(zones))))
    assert len(rows) == len(zones)
    assert all(row["excluded"] for row, z in zip(rows, zones, strict=True) if z.placement.excluded)


def test_the_quick_estimate_agrees_with_the_bound(beamtime: Beamtime) -> None:
    target = wanted(beamtime, "q=(0,0.3,0) branch=3")[0]
    zones = [z for z in rank_zones(beamtime, target, evaluate=25) if np.isfinite(z.hours)]
    ratio = np.array([zone.hours / zone.estimated_hours for zone in zones])
    assert np.median(ratio) == pytest.approx(1.0)
    assert ratio.max() / ratio.min() < 2.5


def test_figures_draw(beamtime: Beamtime, plan: Plan) -> None:
    setting = plan.settings[0]
    spectra = expected_spectra(beamtime, setting.angles, plan.energy_mev)
    assert len(spectra) == 28
    panels = [panel_of(spectrum, setting.hours) for spectrum in spectra]
    figure = expected_spectra_grid(panels, "toy", {t.analyzer for t in setting.assigned})
    assert len(figure.axes) == 28
    zones = rank_zones(beamtime, wanted(beamtime)[0], evaluate=5)
    table = beamtime.instrument.analyzer_q(setting.angles)
    assert zone_map(zones, [table], labels=["1"]).axes[0].get_xlabel() == "h (r.l.u.)"
    known = [precision(s).energy_mev[s.line_of(t.target.branch)] / np.sqrt(setting.hours)
             for t in setting.assigned for s in spectra if s.analyzer == t.analyzer]  # fmt: skip
    assert known == pytest.approx([t.sigma_energy_mev for t in setting.assigned])
