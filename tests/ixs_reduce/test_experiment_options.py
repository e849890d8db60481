"""What the experiment file says reaches the reduction, and nothing else does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ixs_core.errors import InputError
from ixs_core.experiment import Experiment
from ixs_core.lattice import Lattice
from ixs_reduce.experiment_options import (
    ReductionPlan,
    check_names,
    completed,
    load_plan,
    options_for,
    plan_of,
    with_backgrounds,
    with_given_zeros,
)
from ixs_reduce.scan import Analyzer, Scan, Source
from ixs_reduce.spectrum import Spectrum
from tests.ixs_reduce.diamond import PRINTED_ANGLES, PRINTED_DQ, PRINTED_HKL, TILT

DIAMOND = {
    "sample": {"cell": [3.567, 3.567, 3.567, 90, 90, 90], "temperature_k": 290},
    "spectrometer": {"name": "bl43lxu", "order": 11, "slits_mm": [60, 60]},
    "orientation": {
        "or0": {"hkl": [1, 1, 1], "tth": 15.9114, "th": 7.9557, "phi": 35.2, "mu": TILT},
        "or1": {"hkl": [2, 2, 0], "tth": 26.1265, "th": 13.0633, "chi": 1, "mu": TILT},
    },
}


def plan_from(**tables: object) -> ReductionPlan:
    return plan_of(Experiment.model_validate(tables))


def made(**changes: object) -> Scan:
    scan = Scan(
        number=1,
        kind="energy",
        command="ascan E -1 1 2 10",
        scanned="E",
        energy_mev=np.tile([-1.0, 0.0, 1.0], (2, 1)),
        counts=np.ones((2, 3)),
        analyzers=(Analyzer("a03"), Analyzer("a06")),
        source=Source(Path("run.spec"), ""),
        monitor=np.ones(3),
    )
    return replace(scan, **changes)  # type: ignore[arg-type]


def test_every_setting_reaches_its_place() -> None:
    plan = plan_from(
        analyzers={"mask": ["a09"], "efficiency": {"a03": 0.9}, "zero_mev": {"a03": 0.1}},
        reduction={"monitor": "i0", "dead_time_us": 2.0, "bin_mev": 0.5, "alpha": 2.639e-6},
        spectrometer={"order": 12},
        sample={"temperature_k": 20},
    )
    assert plan.options.monitor == "i0"
    assert plan.options.dead_time_us == 2.0
    assert plan.options.bin_mev == 0.5
    assert plan.options.mask == ("a09",)
    assert plan.options.efficiency == {"a03": 0.9}
    assert plan.overrides == {"monitor": "i0", "alpha": 2.639e-6, "order": 12}
    assert plan.zero_mev == {"a03": 0.1}
    assert plan.temperature_k == 20


def test_photon_energy_says_the_order() -> None:
    assert plan_from(spectrometer={"energy_kev": 25.701}).overrides == {"order": 13}
    odd = plan_from(spectrometer={"energy_kev": 18.6})
    assert odd.overrides == {}
    assert "no reflection" in odd.notes[0]


def test_lattice_from_a_cif(tmp_path: Path) -> None:
    cif = tmp_path / "x.cif"
    axes = [f"_cell_length_{name} 4.0" for name in "abc"]
    angles = [f"_cell_angle_{name} 90" for name in ("alpha", "beta", "gamma")]
    cif.write_text("\n".join(["data_x", *axes, *angles]))
    lattice = plan_from(sample={"cif": cif}).lattice
    assert lattice is not None
    assert lattice.cell == pytest.approx((4, 4, 4, 90, 90, 90))
    absent = plan_from(sample={"cif": tmp_path / "absent.cif"})
    assert absent.lattice is None
    assert "absent.cif" in absent.notes[0]


def test_command_line_goes_before_the_file(tmp_path: Path) -> None:
    path = tmp_path / "exp.toml"
    path.write_text('[reduction]\nmonitor = "i0"\nbin_mev = 0.5\n')
    plan = load_plan(path, monitor="seconds", bin_mev=1.0)
    assert plan.options.monitor == "seconds"
    assert plan.options.bin_mev == 1.0
    assert plan.overrides == {}  # no profile has to name the counting time for it
    assert load_plan().options == ReductionPlan().options


def test_names_are_checked_against_all_scans_and_cut_for_one() -> None:
    plan = plan_from(analyzers={"mask": ["a03"], "efficiency": {"a41": 0.5}})
    other = made(analyzers=(Analyzer("a41"), Analyzer("a06")))
    check_names(plan, [made(), other])
    assert options_for(made(), plan).mask == ("a03",)
    assert options_for(made(), plan).efficiency == {}
    assert options_for(other, plan).mask == ()
    with pytest.raises(InputError, match=r"efficiency: a41.*one of a03, a06"):
        check_names(plan, [made()])


def test_temperature_of_the_file_goes_before_the_given_one() -> None:
    plan = plan_from(sample={"temperature_k": 20})
    measured = completed(made(temperature_k=300.0), plan)
    assert (measured.temperature_k, measured.flags) == (300.0, ())
    given = completed(made(), plan)
    assert given.temperature_k == 20
    assert [flag.code for flag in given.flags] == ["temperature-given"]


def test_q_follows_from_hkl_and_cell() -> None:
    plan = plan_from(sample={"cell": [4.0, 5.0, 6.0, 90, 90, 90]})
    scan = made(analyzers=(Analyzer("a03", (1, 1, 0)), Analyzer("a06", (1, 0, 0), 9.0)))
    one, two = completed(scan, plan).analyzers
    assert one.q_abs == pytest.approx(2 * np.pi * np.hypot(1 / 4, 1 / 5))
    assert two.q_abs == 9.0  # the file's own


def test_q_and_widths_follow_from_circles_and_slits() -> None:
    plan = plan_of(Experiment.model_validate(DIAMOND))
    scan = made(angles={**PRINTED_ANGLES, "mu": TILT}, slits_mm=(60.0, 60.0))
    one, two = completed(scan, plan).analyzers
    np.testing.assert_allclose(one.q_hkl, PRINTED_HKL["a03"], atol=1e-3)
    np.testing.assert_allclose(two.q_hkl, PRINTED_HKL["a06"], atol=1e-3)
    np.testing.assert_allclose(two.dq_hkl, PRINTED_DQ["a06"], atol=2e-4)
    assert two.q_abs == pytest.approx(Lattice.cubic(3.567).q_abs(two.q_hkl), rel=1e-6)
    assert "q-from-angles" in {flag.code for flag in completed(scan, plan).flags}
    known = made(analyzers=(Analyzer("a03", (1, 0, 0), 1.7), Analyzer("a06")), angles=scan.angles)
    assert completed(known, plan).analyzers[0].q_hkl == (1, 0, 0)
    without = completed(made(), plan).analyzers  # no circles in the file
    assert without[0].q_hkl is None


def test_unknown_instrument_is_noted_and_no_obstacle() -> None:
    plan = plan_of(Experiment.model_validate(DIAMOND | {"spectrometer": {"name": "id28"}}))
    assert plan.instrument is None
    assert "instrument is not known" in plan.notes[0]


def spectrum(counts: list[float], analyzer: str = "a03") -> Spectrum:
    return Spectrum(np.arange(3.0), np.array(counts), np.full(3, 10.0), analyzer=analyzer)


def test_zeros_are_given_by_analyzer() -> None:
    plan = plan_from(analyzers={"zero_mev": {"a03": 0.12}})
    one, two = with_given_zeros([spectrum([1, 2, 3]), spectrum([1, 2, 3], "a06")], plan)
    assert (one.zero_mev, two.zero_mev) == (0.12, None)


def test_backgrounds_add_up() -> None:
    can, air = {"a03": spectrum([10, 20, 30])}, {"a03": spectrum([1, 1, 1])}
    one, two = with_backgrounds(
        [spectrum([5, 5, 5]), spectrum([5, 5, 5], "a06")], [(can, 0.5), (air, 1.0)]
    )
    np.testing.assert_allclose(one.background_rate, [0.6, 1.1, 1.6])
    np.testing.assert_array_equal(one.counts, [5, 5, 5])
    assert two.background_rate is None
    assert [flag.code for flag in two.flags] == ["no-background", "no-background"]
    assert with_backgrounds([one], []) == (one,)
