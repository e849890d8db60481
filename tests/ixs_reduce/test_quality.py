"""Flags: what is seen in real scans, and what chance alone must not raise."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ixs_core.errors import InputError
from ixs_reduce.formats import read_scans, select_scans
from ixs_reduce.quality import (
    alive,
    find_bursts,
    find_gaps,
    judge,
    judge_analyzers,
    monitor_dips,
    zero_drift,
)
from ixs_reduce.scan import Analyzer, Scan, Source

ENERGY = np.arange(-15, 30.1, 0.5)


def line(height: float, fwhm: float, center: float, energy: np.ndarray = ENERGY) -> np.ndarray:
    return height * np.exp(-4 * np.log(2) * ((energy - center) / fwhm) ** 2)


def made(counts: np.ndarray, number: int = 1, **changes: object) -> Scan:
    """A scan with these counts (n_analyzers, n_points)."""
    counts = np.atleast_2d(counts).astype(float)
    n, points = counts.shape
    scan = Scan(
        number=number,
        kind="energy",
        command="ascan herixE -15 30 90 30",
        scanned="HerixE",
        energy_mev=np.tile(ENERGY[:points], (n, 1)),
        counts=counts,
        analyzers=tuple(Analyzer(f"Ana{i + 1}", (1.0, 0, 0), 1.0) for i in range(n)),
        source=Source(Path("x"), ""),
        seconds=np.full(points, 30.0),
        monitor=np.full(points, 1e6),
        monitor_name="HM_IC2",
    )
    return replace(scan, **changes)  # type: ignore[arg-type]


def test_nearly_dead_analyzers_of_the_real_repeats(shared_data: Path) -> None:
    file = read_scans(shared_data / "ixs" / "CdOsO.spec")
    flags = judge_analyzers(select_scans(file, "58-69"))
    assert {f.analyzer for f in flags} == {"Ana1", "Ana2", "Ana9"}
    for scan in judge(file.scans):
        if 58 <= scan.number <= 69:
            dead = {a.name for a in scan.analyzers if not alive(scan, a.name)}
            assert dead == {"Ana1", "Ana2", "Ana9"}


def test_noise_bursts_of_the_real_analyzer_2(shared_data: Path) -> None:
    file = read_scans(shared_data / "ixs" / "CdOsO.spec")
    scans = {s.number: s for s in judge(select_scans(file, "58-69"))}
    for number, scan in scans.items():
        bursts = {f.analyzer: f.points for f in scan.flags if f.code == "burst"}
        assert set(bursts) <= {"Ana2", "Ana4"}
        highest = int(np.argmax(scan.counts[scan.index("Ana2")]))
        if number >= 65:
            assert highest in bursts["Ana2"]
        else:
            assert not bursts
    # the largest burst also leaks into its neighbour
    assert 74 in {p for f in scans[68].flags if f.analyzer == "Ana4" for p in f.points}


def test_mis_set_analyzer_of_the_real_resolution_scans(shared_data: Path) -> None:
    file = read_scans(shared_data / "ixs" / "plexiglas_1.spec")
    flagged = {s.number: f for s in judge(file.scans) for f in s.flags if f.code == "mis-set"}
    assert set(flagged) == {9, 10}  # the short scan of the same setting, too
    assert flagged[10].analyzer == "Ana5"
    assert "2188" in flagged[10].message
    assert "scan 20 has 61794" in flagged[10].message


def test_no_real_line_is_called_a_burst(shared_data: Path) -> None:
    """Elastic lines up to 77 000 counts, Bragg tails and 1 s scans are not bursts."""
    for name in ("plexiglas_1.spec", "CdOsO.spec"):
        for scan in judge(read_scans(shared_data / "ixs" / name).scans):
            noisy = {f.analyzer for f in scan.flags if f.code in ("burst", "outlier")}
            assert noisy <= {"Ana2", "Ana4", "Ana6"}  # those at the noisy analyzer 2
            if noisy - {"Ana2"}:
                assert scan.number in (55, 68)


def test_judging_twice_adds_nothing(shared_data: Path) -> None:
    scans = judge(read_scans(shared_data / "ixs" / "plexiglas_1.spec").scans)
    assert [s.flags for s in judge(scans)] == [s.flags for s in scans]


@pytest.mark.parametrize("step", [0.25, 0.5])
def test_false_alarms_are_rare(step: float) -> None:
    """Resolution-limited lines of all heights with Poisson noise, thousands of points."""
    rng = np.random.default_rng(1)
    energy = np.arange(-15, 30, step)
    alarms = 0
    for height in (3, 30, 300, 3000, 30000):
        for _ in range(20):
            mean = (
                1 + line(height, 1.5, rng.uniform(-3, 3), energy) + line(height / 5, 2, 9, energy)
            )
            counts = rng.poisson(mean)
            alarms += len(find_bursts(energy, counts)) + len(find_gaps(energy, counts))
    assert alarms == 0


@pytest.mark.parametrize("width", [1, 2, 3])
def test_bursts_are_found_on_any_background(width: int) -> None:
    rng = np.random.default_rng(2)
    counts = rng.poisson(5 + line(200, 1.5, 0)).astype(float)
    counts[60 : 60 + width] = 700
    assert find_bursts(ENERGY, counts) == tuple(range(60, 60 + width))


def test_bursts_do_not_depend_on_the_order_of_measurement() -> None:
    counts = np.full(ENERGY.size, 4.0)
    counts[20] = 300
    assert find_bursts(ENERGY[::-1], counts) == find_bursts(ENERGY, counts) == (20,)


def test_a_lost_point_is_an_outlier_not_its_neighbours() -> None:
    counts = np.full(ENERGY.size, 400.0)
    counts[33] = 0
    assert find_gaps(ENERGY, counts) == (33,)
    assert find_bursts(ENERGY, counts) == ()


def test_dead_and_nearly_dead() -> None:
    counts = np.full((5, 91), 30.0)
    counts[1] = 0
    counts[2] = 1
    counts[2, 40] = 900  # a burst does not make it alive
    flags = {f.analyzer: f.code for f in judge_analyzers([made(counts)])}
    assert flags == {"Ana2": "dead", "Ana3": "nearly-dead"}


def test_too_few_counts_judge_nobody() -> None:
    counts = np.zeros((4, 91))
    counts[0] = 2
    assert judge_analyzers([made(counts)]) == ()
    assert judge_analyzers([]) == ()


def test_monitor_dips_name_their_points() -> None:
    monitor = np.full(91, 1e6)
    monitor[[5, 6]] = 2e5
    (flag,) = monitor_dips(made(np.ones((1, 91)), monitor=monitor))
    assert flag.points == (5, 6)
    assert "20%" in flag.message
    longer = np.where(monitor < 1e6, 6.0, 30.0)
    assert monitor_dips(made(np.ones((1, 91)), monitor=monitor, seconds=longer)) == ()
    (flag,) = monitor_dips(made(np.ones((1, 91)), monitor=np.zeros(91)))
    assert "counts nothing" in flag.message


def test_mis_set_needs_the_same_q_and_range() -> None:
    good, weak = 5 + line(20000, 1.5, 0), 5 + line(500, 1.5, 0)
    first, second = made(weak, 1), made(good, 2)
    assert [f.code for f in judge([first, second])[0].flags] == ["mis-set"]
    elsewhere = replace(second, analyzers=(Analyzer("Ana1", (2.0, 0, 0), 2.0),))
    assert judge([first, elsewhere])[0].flags == ()
    stopped = made(good[:20], 3)  # ended at -5 meV, before the line
    assert judge([stopped, second])[0].flags == ()


def test_zero_drift() -> None:
    assert zero_drift([0.10, 0.12], [0.02, 0.02]) is None
    assert zero_drift([0.1, 0.6], [0.3, 0.3]) is None
    assert zero_drift([0.1], [0.1]) is None
    flag = zero_drift([0.1, 0.6, 0.2], [0.02, 0.02, 0.02])
    assert flag is not None
    assert flag.code == "zero-drift"
    assert "0.50 meV" in flag.message
    assert f"({0.5 / np.hypot(0.02, 0.02):.0f} standard errors)" in flag.message
    with pytest.raises(InputError):
        zero_drift([0.1, 0.2], [0.0, 0.1])
