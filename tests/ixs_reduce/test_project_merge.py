"""Merging what a project holds: the same as `ixs reduce --merge`, masks honoured, errors told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ixs_core.errors import Cancelled, InputError
from ixs_core.jobs import CancelToken
from ixs_core.project import Project, read_provenance
from ixs_reduce.cli.reduce import reduce
from ixs_reduce.project_merge import merge_in_project
from ixs_reduce.store import read_overview, read_spectra
from ixs_reduce.watch_store import same_spectra
from tests.ixs_reduce.growing_scan import append, whole


@pytest.fixture
def project(tmp_path: Path) -> Project:
    file = tmp_path / "run.spec"
    for number in (1, 2, 3):
        append(file, whole(number, seed=number))
    reduce([file], tmp_path / "run.h5")
    return Project(tmp_path / "run.h5")


def test_the_sum_equals_that_of_reduce(project: Project, tmp_path: Path) -> None:
    key = merge_in_project(project, ["run_1", "run_2", "run_3"])
    reduce([tmp_path / "run.spec"], tmp_path / "merged.h5", merge=True)
    with project.reading() as h5, Project(tmp_path / "merged.h5").reading() as other:
        assert key == "run_1+2+3"
        assert same_spectra(read_spectra(h5, key), read_spectra(other, key))
        made = read_provenance(h5, "spectra", key)
    assert made.parents == ("spectra/run_1", "spectra/run_2", "spectra/run_3")
    assert [name for name, _ in made.sources] == ["run.spec"]


def test_masked_spectra_stay_out(project: Project) -> None:
    masks = {"run_1": frozenset({"Ana4"}), "run_2": frozenset({"Ana4", "Ana5"})}
    merge_in_project(project, ["run_1", "run_2"], masks)
    with project.reading() as h5:
        (five,) = read_spectra(h5, "run_1+2")
        one = {s.analyzer: s for s in read_spectra(h5, "run_1")}
    assert five.analyzer == "Ana5"
    np.testing.assert_array_equal(five.counts, one["Ana5"].counts)
    assert [f.message for f in five.flags if f.code == "masked"] == [
        "masked in scan 2, which is left out of the sum"
    ]


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        (["run_1"], "one scan is not merged"),
        (["run_1", "run_1+2"], "has been merged already"),
        (["run_1", "other_4"], "other_4 has no spectra"),
    ],
)
def test_what_cannot_be_merged_is_told(project: Project, keys: list[str], words: str) -> None:
    merge_in_project(project, ["run_1", "run_2"])
    with pytest.raises(InputError, match=words):
        merge_in_project(project, keys)


def test_a_merge_can_be_cancelled(project: Project) -> None:
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        merge_in_project(project, ["run_1", "run_2"], cancel=cancel)


def test_overviews_of_scans_and_sums(project: Project) -> None:
    merge_in_project(project, ["run_1", "run_2"])
    with project.reading() as h5:
        scan, total = read_overview(h5, "run_1"), read_overview(h5, "run_1+2")
        with pytest.raises(InputError, match="no such result"):
            read_overview(h5, "run_9")
        spectra = read_spectra(h5, "run_1")
    assert (scan.points, scan.requested_points) == (61, 61)
    assert scan.command == "ascan herixE -15 15 60 10"
    assert scan.temperature_k == pytest.approx(300.0)
    assert (scan.analyzers, scan.living) == (2, 2)
    assert scan.monitor_rate == pytest.approx(100.0)
    lengths = [s.q_abs for s in spectra if s.q_abs is not None]
    assert scan.q_abs == pytest.approx((min(lengths), max(lengths)))
    assert total.command == "scans 1+2 summed"
    assert total.points == 61
    assert total.requested_points is None
    assert total.monitor_rate is None
