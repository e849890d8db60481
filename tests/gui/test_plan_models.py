"""What the tab Plan shows, without its window: maps, sources, list, table, turns."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from gui.models.document import Document
from gui.models.plan_array import PlanArray
from gui.models.plan_footprint import frozen_values
from gui.models.plan_list import moved, total_hours, with_entry, with_hours, without
from gui.models.plan_map import (
    MapRequest,
    MapSettings,
    compute_map,
    settings_of_instrument,
    window_of_reach,
)
from gui.models.plan_sources import PlanSources, load_beamtime, sources_of_plan
from gui.models.plan_table import general_warnings, rows_of
from ixs_core.errors import InputError
from ixs_core.provenance import provenance_of
from ixs_reduce.instrument import Instrument, load_instrument
from simulate.planning import (
    Beamtime,
    Goal,
    expected_spectra,
    hours_to_goal,
    place,
    scan_energies,
    setting_record,
)
from simulate.planning.plane import Plane
from tests.gui.plan_projects import EXPERIMENT, FORCE_CONSTANTS

WINDOW = (-3.0, 9.0, 5.0, 9.0)


@pytest.fixture(scope="module")
def instrument() -> Instrument:
    return load_instrument(EXPERIMENT)


@pytest.fixture(scope="module")
def beamtime() -> Beamtime:
    return load_beamtime(PlanSources(FORCE_CONSTANTS, EXPERIMENT)).beamtime


def test_intensities_are_sums_over_modes_of_the_model(beamtime: Beamtime) -> None:
    settings = MapSettings(points=9, modes="energy=2-4")
    shown = compute_map(MapRequest(settings, WINDOW, beamtime.instrument, beamtime))
    assert shown.values is not None
    for i, j in ((0, 0), (4, 1), (8, 0)):
        hkl = [shown.x[i], shown.y[j], 0.0]
        factor = beamtime.calculation.model.structure_factor(hkl, 300.0)  # type: ignore[attr-defined]
        energy, bose = factor.energy_mev[0], 1 / -np.expm1(-factor.energy_mev[0] / 25.852)
        inside = (energy >= 2) & (energy <= 4)
        expected = (factor.intensity[0] * bose)[inside].sum()
        assert shown.values[i, j] == pytest.approx(expected, rel=1e-4)


def test_hours_are_those_of_the_central_analyzer(beamtime: Beamtime) -> None:
    settings = MapSettings(points=7, modes="branch=1-3", quantity="hours")
    scan = scan_energies(-8, 12)
    request = MapRequest(settings, WINDOW, beamtime.instrument, beamtime, scan_mev=scan)
    shown = compute_map(request)
    assert shown.values is not None
    i, j = np.argwhere(np.isfinite(shown.values))[0]
    placed = place(beamtime.instrument, [shown.x[i], shown.y[j], 0], "a06")
    assert placed.angles is not None
    names = beamtime.instrument.spectrometer.analyzers
    spectrum = expected_spectra(beamtime, placed.angles, scan, which=[names.index("a06")])[0]
    assert shown.values[i, j] == hours_to_goal(spectrum, [1, 2, 3], Goal()).min()
    assert np.isnan(shown.values[~shown.reachable]).all()


def test_reach_is_that_of_the_circles(instrument: Instrument) -> None:
    shown = compute_map(MapRequest(MapSettings(points=25), (-6, 6, 2, 9), instrument))
    assert shown.values is None
    assert 0 < shown.reachable.mean() < 1
    for i, x in enumerate(shown.x):
        for j, y in enumerate(shown.y):
            assert shown.reachable[i, j] == place(instrument, [x, y, 0]).reachable
            assert shown.at(float(x), float(y))[0] == shown.reachable[i, j]  # type: ignore[index]
    assert shown.at(99.0, 0.0) is None


def test_a_plane_may_lie_askew(instrument: Instrument) -> None:
    plane = Plane((1, 1, 0), (0, 0, 1), (0, 1, 0))
    lattice = instrument.orientation.lattice
    hkl = plane.hkl(2.5, -0.5)
    assert hkl.tolist() == [2.5, 3.5, -0.5]
    places, off = plane.places(lattice, hkl)
    assert places == pytest.approx([2.5, -0.5])
    assert off == pytest.approx(0, abs=1e-12)
    turned = plane.turned(lattice, hkl, 30)
    assert lattice.q_abs(turned) == pytest.approx(lattice.q_abs(hkl))
    assert plane.places(lattice, turned)[1] == pytest.approx(0, abs=1e-12)
    with pytest.raises(InputError, match="span no plane"):
        Plane((1, 0, 0), (2, 0, 0))


def test_the_default_plane_is_that_of_the_reference_reflections(instrument: Instrument) -> None:
    settings = settings_of_instrument(instrument)
    assert (settings.u, settings.v) == ((1, 0, 0), (0, 1, 0))
    x0, x1, _y0, y1 = window_of_reach(settings, instrument)
    assert x0 == -x1
    assert x1 * instrument.orientation.lattice.q_abs([1, 0, 0]) == pytest.approx(
        y1 * instrument.orientation.lattice.q_abs([0, 1, 0])
    )


def test_turning_keeps_q_and_the_scattering_angle(instrument: Instrument) -> None:
    array = PlanArray()
    array.set_instrument(instrument)
    array.begin()
    before = array.footprint
    assert before is not None
    assert before.analyzer == "a06"
    assert array.turn_to((7.0, 7.0), (6.5, 7.4))
    after = array.footprint
    assert after is not None
    lattice = instrument.orientation.lattice
    assert lattice.q_abs(after.hkl) == pytest.approx(lattice.q_abs(before.hkl))
    assert after.angles.tth == pytest.approx(before.angles.tth, abs=1e-6)
    assert abs(after.angles.phi - before.angles.phi) > 1


def test_the_array_stays_with_what_is_reached(instrument: Instrument) -> None:
    array = PlanArray()
    array.set_instrument(instrument)
    array.begin()
    array.set_map(compute_map(MapRequest(MapSettings(points=31), (-6, 9, 0, 10), instrument)))
    assert array.move([-5.0, 3.0, 0.0])
    stands = array.footprint
    assert stands is not None
    assert stands.placement.reachable
    assert not stands.is_as_asked
    assert place(instrument, stands.hkl, "a06").angles == stands.angles
    # A step further towards what was asked for is outside the limits.
    further = stands.hkl + 0.02 * (np.array([-5.0, 3.0, 0.0]) - stands.hkl)
    assert not place(instrument, further, "a06").reachable


def test_omega_turns_about_q(instrument: Instrument) -> None:
    assert frozen_values(instrument) == {"omega": 0.0}
    array = PlanArray()
    array.set_instrument(instrument)
    array.begin()
    assert array.set_value("omega", 3.0)
    assert array.footprint is not None
    assert array.footprint.angles.omega == pytest.approx(3.0)
    assert array.footprint.hkl.tolist() == [7.0, 7.0, 0.0]


def test_the_list_is_plain_data(instrument: Instrument) -> None:
    first = setting_record(place(instrument, [7, 7, 0], "a06"), instrument, 2.0)
    second = setting_record(place(instrument, [0, 8, 0], "a06"), instrument, 1.0)
    entries = with_entry(with_entry([], first), second)
    assert total_hours(entries, 0.1) == pytest.approx(3.2)
    assert moved(entries, 1, -1) == [second, first]
    assert moved(entries, 1, 5) == entries
    assert without(entries, 0) == [second]
    assert with_hours(entries, 0, 8.0)[0]["hours"] == 8.0
    document = Document().with_choice("plan", "list", entries)
    assert json.loads(json.dumps(document.choice("plan", "list"))) == entries


def test_longer_counting_narrows_the_errors() -> None:
    target = {"sigma_energy_mev": 0.2, "sigma_fwhm_mev": None, "assigned": True}
    longer = with_hours([{"hours": 1.0, "targets": [target]}], 0, 4.0)[0]
    assert longer["targets"][0]["sigma_energy_mev"] == pytest.approx(0.1)
    assert longer["targets"][0]["sigma_fwhm_mev"] is None


def test_warnings_go_to_the_settings_they_name() -> None:
    target = {
        "analyzer": "a04",
        "branch": 1,
        "q_hkl": [0, 0.3, 0],
        "energy_mev": 1.66,
        "sigma_energy_mev": 0.028,
        "assigned": True,
    }
    setting = {"hours": 1, "placed": {"analyzer": "a04", "hkl": [-1, 8, 0]}, "targets": [target]}
    record = {
        "settings": [{**setting, "rank": 1}, {**setting, "rank": 12}],
        "warnings": ["near a Bragg peak: setting 12 a04", "rates: estimated"],
    }
    rows = rows_of(record)
    assert [row.warnings for row in rows] == [(), ("near a Bragg peak: setting 12 a04",)]
    assert rows[0].targets == "a04 q (0 0.3 0) branch 1: 1.66 ± 0.028 meV"
    assert rows[0].placed == "(−1 8 0) on a04"
    assert general_warnings(record) == ("rates: estimated",)


def test_sources_are_found_beside_the_experiment(tmp_path: Path) -> None:
    made = provenance_of(
        "ixs plan",
        {"experiment": str(EXPERIMENT), "form_factor": "Cs1+", "calibrate": "old/p.h5"},
        sources=[FORCE_CONSTANTS],
    )
    found = sources_of_plan(made, tmp_path / "p.h5", {"resolutions": ["1"]})
    assert found.force_constants == FORCE_CONSTANTS.resolve()
    assert found.experiment == EXPERIMENT.resolve()
    assert found.form_factor == "Cs1+"
    assert found.resolution == tmp_path / "p.h5"
    assert found.calibrate is None
    assert PlanSources.from_choice(json.loads(json.dumps(found.as_choice()))) == found
