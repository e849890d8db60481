"""Reduction: counts are conserved, exposure is what it says, repeats merge only if they are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ixs_core.errors import InputError
from ixs_reduce.formats import read_scans, select_scans
from ixs_reduce.merging import Tolerances, merge
from ixs_reduce.quality import judge
from ixs_reduce.reduction import (
    ReductionOptions,
    live_fraction,
    reduce_repeats,
    reduce_scan,
    with_background,
)
from ixs_reduce.scan import Analyzer, Flag, Scan, Source
from ixs_reduce.spectrum import Spectrum

RNG_SEED = 5


def made(**changes: object) -> Scan:
    scan = Scan(
        number=7,
        kind="energy",
        command="ascan E -1 1 2 10",
        scanned="E",
        energy_mev=np.array([[-1.0, 0, 1], [-1.1, 0.1, 1.1]]),
        counts=np.array([[0.0, 50, 3], [1, 2, 3]]),
        analyzers=(Analyzer("a", (1, 0, 0), 1.0), Analyzer("b", (2, 0, 0), 2.0)),
        source=Source(Path("folder/run.spec"), "", 12),
        seconds=np.array([10.0, 10, 20]),
        monitor=np.array([1000.0, 1100, 2000]),
        monitor_name="i0",
        temperature_k=300.0,
        slits_mm=(60.0, 60.0),
    )
    return replace(scan, **changes)  # type: ignore[arg-type]


def spectrum(energy: object, counts: object, exposure: object, **more: object) -> Spectrum:
    fields = {"q_hkl": (1.0, 0.0, 0.0), "analyzer": "a", "scan": "1", "temperature_k": 300.0} | more
    return Spectrum(energy, counts, exposure, **fields)  # type: ignore[arg-type]


def test_exposure_is_monitor_times_efficiency() -> None:
    a, b = reduce_scan(made(), ReductionOptions(efficiency={"b": 0.5}))
    np.testing.assert_array_equal(a.exposure, [1000, 1100, 2000])
    np.testing.assert_array_equal(b.exposure, [500, 550, 1000])
    np.testing.assert_array_equal(a.counts, [0, 50, 3])  # the empty point stays
    assert (a.label, a.file, a.temperature_k, a.q_abs) == ("7 a", "run.spec", 300.0, 1.0)


def test_seconds_as_exposure_and_no_monitor() -> None:
    (a, _) = reduce_scan(made(), ReductionOptions(monitor="seconds"))
    np.testing.assert_array_equal(a.exposure, [10, 10, 20])
    (a, _) = reduce_scan(made(monitor=None, monitor_name=None))
    np.testing.assert_array_equal(a.exposure, [10, 10, 20])
    assert "no-monitor" in {f.code for f in a.flags}
    with pytest.raises(InputError, match="not read with this monitor"):
        reduce_scan(made(), ReductionOptions(monitor="i1"))
    with pytest.raises(InputError, match="not read with this monitor"):
        reduce_scan(made(monitor=None, seconds=None))


def test_dead_time_gives_back_the_true_rate() -> None:
    """Simulate a non-paralysable counter event by event."""
    rng = np.random.default_rng(RNG_SEED)
    true_rate, tau_us, seconds = 20000.0, 10.0, 20.0
    arrivals = np.cumsum(rng.exponential(1 / true_rate, int(1.1 * true_rate * seconds)))
    arrivals = arrivals[arrivals < seconds]
    seen, ready = 0, 0.0
    for t in arrivals:
        if t >= ready:
            seen, ready = seen + 1, t + tau_us * 1e-6
    live = live_fraction(np.array([float(seen)]), np.array([seconds]), tau_us)[0]
    assert seen / (seconds * live) == pytest.approx(true_rate, rel=0.01)
    (a, _) = reduce_scan(
        made(counts=np.full((2, 3), float(seen)), seconds=np.full(3, seconds)),
        ReductionOptions(dead_time_us=tau_us),
    )
    np.testing.assert_allclose(a.exposure, np.array([1000, 1100, 2000]) * live)


def test_impossible_dead_time_and_missing_seconds() -> None:
    with pytest.raises(InputError, match="impossible with this dead time"):
        live_fraction(np.array([2e6]), np.array([1.0]), 1.0)
    with pytest.raises(InputError, match="no counting time"):
        reduce_scan(made(seconds=None), ReductionOptions(dead_time_us=1))


def test_masks_bursts_and_excluded_points_are_counted() -> None:
    scan = made(flags=(Flag("burst", "x", "a", (1,)), Flag("aborted", "y"), Flag("dead", "z", "b")))
    (a,) = reduce_scan(scan, ReductionOptions(mask=("b",), exclude_points=(2,)))
    np.testing.assert_array_equal(a.energy_mev, [-1])
    texts = [f.message for f in a.flags]
    assert "1 of 2 analyzers masked: b" in texts
    assert "1 of 3 points excluded by the settings" in texts
    assert "1 of 3 points noise bursts, left out" in texts
    assert "z" not in texts  # a flag of the other analyzer
    (a,) = reduce_scan(scan, ReductionOptions(mask=("b",), exclude_bursts=False))
    assert a.counts.sum() == 53


def test_points_without_exposure_are_left_out_with_a_flag() -> None:
    a, _ = reduce_scan(made(monitor=np.array([1000.0, 0, 2000])))
    assert a.energy_mev.size == 2
    assert "1 of 3 points without exposure, left out" in [f.message for f in a.flags]
    with pytest.raises(InputError, match="no point of a"):
        reduce_scan(made(monitor=np.zeros(3)))


def test_energies_out_of_order_are_sorted_with_their_counts() -> None:
    scan = made(energy_mev=np.array([[1.0, -1, 0], [1, -1, 0]]))
    a, _ = reduce_scan(scan)
    np.testing.assert_array_equal(a.energy_mev, [-1, 0, 1])
    np.testing.assert_array_equal(a.counts, [50, 3, 0])
    np.testing.assert_array_equal(a.exposure, [1100, 2000, 1000])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"mask": ("c",)}, "no such analyzer"),
        ({"mask": ("a", "b")}, "every analyzer of scan 7 is masked"),
        ({"efficiency": {"A": 1.0}}, "no such analyzer"),
        ({"efficiency": {"a": 0.0}}, "not positive"),
        ({"exclude_points": (3,)}, "no point 3"),
        ({"dead_time_us": -1.0}, "negative"),
        ({"bin_mev": 0.0}, "not positive"),
    ],
)
def test_wrong_settings(options: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        reduce_scan(made(), ReductionOptions(**options))  # type: ignore[arg-type]


def test_motor_and_empty_scans_are_refused() -> None:
    with pytest.raises(InputError, match=r"run\.spec, line 12: scan 7 is no energy scan"):
        reduce_scan(made(kind="motor"))
    empty = made(energy_mev=np.empty((2, 0)), counts=np.empty((2, 0)))
    with pytest.raises(InputError, match="no points"):
        reduce_scan(empty)


def test_merging_conserves_counts_and_exposure() -> None:
    rng = np.random.default_rng(RNG_SEED)
    spectra = []
    for k in range(4):
        energy = np.arange(-15, 30, 0.5) + rng.choice([-0.014, 0.017], 90)
        spectra.append(spectrum(energy, rng.poisson(9, 90), rng.uniform(1, 2, 90), scan=str(k)))
    summed = merge(spectra)
    assert summed.energy_mev.size == 90  # jitter does not split the grid
    assert summed.counts.sum() == sum(s.counts.sum() for s in spectra)
    assert summed.exposure.sum() == pytest.approx(sum(s.exposure.sum() for s in spectra))
    first_moment = sum((s.exposure * s.energy_mev).sum() for s in spectra)
    assert (summed.exposure * summed.energy_mev).sum() == pytest.approx(first_moment)
    assert summed.scan == "0+1+2+3"
    coarse = merge(spectra, bin_mev=2.0)
    assert coarse.counts.sum() == summed.counts.sum()
    assert 22 <= coarse.energy_mev.size <= 24


def test_merging_different_grids_with_a_gap() -> None:
    one = spectrum([0, 0.5, 1, 5, 5.5], [1, 2, 3, 4, 5], [1, 1, 1, 1, 1])
    two = spectrum([1.0, 1.5, 2], [6, 7, 8], [2, 2, 2], scan="2")
    summed = merge([one, two])
    np.testing.assert_allclose(summed.energy_mev, [0, 0.5, 1, 1.5, 2, 5, 5.5])
    np.testing.assert_array_equal(summed.counts, [1, 2, 9, 7, 8, 4, 5])
    np.testing.assert_array_equal(summed.exposure, [1, 1, 3, 2, 2, 1, 1])


def test_merging_aligns_known_zeros() -> None:
    energy = np.arange(-5, 5, 0.5)
    shape = np.exp(-(energy**2))
    spectra = [
        spectrum(energy + z, shape, np.ones(20), zero_mev=z, zero_err=0.03, scan=str(z))
        for z in (-0.25, 0.25)
    ]
    summed = merge(spectra)
    assert summed.zero_mev == pytest.approx(0)
    assert summed.zero_err == pytest.approx(0.03 / np.sqrt(2))
    np.testing.assert_allclose(summed.counts, 2 * shape)
    with pytest.raises(InputError, match="no energy zero"):
        merge([spectra[0], replace(spectra[1], zero_mev=None)])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"q_hkl": (1.0, 0.1, 0.0)}, r"1 a and 2 a differ in Q .* by 0\.1"),
        ({"temperature_k": 310.0}, r"differ in temperature \(K\) by 10"),
        ({"dq_hkl": (0.1, 0, 0)}, r"accepted Q width"),
        ({"analyzer": "b"}, "different analyzers"),
        ({"background_rate": [1, 1, 1]}, "background"),
    ],
)
def test_what_is_no_repeat_is_not_merged(change: dict[str, object], said: str) -> None:
    one = spectrum([0, 1, 2], [1, 2, 3], [1, 1, 1], dq_hkl=(0.04, 0, 0))
    two = spectrum(
        [0, 1, 2], [1, 2, 3], [1, 1, 1], **({"scan": "2", "dq_hkl": (0.04, 0, 0)} | change)
    )
    with pytest.raises(InputError, match=said):
        merge([one, two])


def test_tolerances_can_be_widened_and_nothing_is_refused() -> None:
    one = spectrum([0, 1], [1, 2], [1, 3])
    two = spectrum([0, 1], [1, 2], [2, 2], temperature_k=310.0, scan="2")
    assert merge([one, two], tolerances=Tolerances(temperature_k=20)).temperature_k == 305
    assert merge([one]) is one
    with pytest.raises(InputError, match="no spectra"):
        merge([])


def test_slits_that_differ_are_refused() -> None:
    with pytest.raises(InputError, match=r"scans 7 and 8 differ in slits \(mm\) by 20"):
        reduce_repeats([made(), made(number=8, slits_mm=(60.0, 40.0))])
    a, _ = reduce_repeats([made(), made(number=8)])
    np.testing.assert_array_equal(a.counts, [0, 100, 6])
    assert a.scan == "7+8"


def test_real_scans_at_other_q_are_not_merged(shared_data: Path) -> None:
    scans = judge(select_scans(read_scans(shared_data / "ixs" / "CdOsO.spec"), "61,62"))
    with pytest.raises(InputError, match=r"61 Ana1 and 62 Ana1 differ in Q .* by 0\.\d+"):
        reduce_repeats(scans)


def test_real_resolution_scans_keep_their_counts(shared_data: Path) -> None:
    scans = select_scans(read_scans(shared_data / "ixs" / "plexiglas_1.spec"), "20")
    spectra = reduce_scan(judge(scans)[0])
    assert len(spectra) == 9
    for found, raw in zip(spectra, scans[0].counts, strict=True):
        assert found.counts.sum() == raw.sum()


def test_background_is_a_rate_beside_the_counts() -> None:
    data = spectrum([0, 0.5, 1], [10, 20, 30], [1, 1, 1])
    empty = spectrum([-1, 0, 1, 2], [2, 4, 8, 8], [2, 2, 4, 4], scan="9")
    found = with_background(data, empty, 0.4)
    np.testing.assert_allclose(found.background_rate, [0.8, 0.8, 0.8])
    np.testing.assert_array_equal(found.counts, data.counts)
    shifted = with_background(
        replace(data, zero_mev=0.5),
        replace(empty, counts=np.array([0.0, 2, 8, 12]), zero_mev=0.0),
        1.0,
    )
    # true energy of the middle point is 0, where the background shows 2/2 counts per exposure
    assert shifted.background_rate is not None
    assert shifted.background_rate[1] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("change", "transmission", "said"),
    [
        ({}, 1.5, "no fraction"),
        ({"analyzer": "b"}, 0.5, "another analyzer"),
        ({"energy_mev": np.array([10.0, 11, 12])}, 0.5, "does not reach over"),
    ],
)
def test_wrong_backgrounds(change: dict[str, object], transmission: float, said: str) -> None:
    data = spectrum([0, 0.5, 1], [10, 20, 30], [1, 1, 1])
    empty = replace(spectrum([0, 0.5, 1], [1, 2, 3], [1, 1, 1]), **change)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=said):
        with_background(data, empty, transmission)
