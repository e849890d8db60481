"""Looking at a folder again and again: what counts as new, grown, ended, replaced, gone."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ixs_reduce.formats import ScanFile, read_scans
from ixs_reduce.watch_folder import Change, FolderOptions, WatchState, poll
from tests.ixs_reduce.growing_scan import POINTS, append, data_rows, head, whole
from tests.ixs_reduce.spec_text import HEADER

Look = Callable[..., list[Change]]


class _Looker:
    """Polls a folder and counts how often files are read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.reads: list[str] = []
        self.state = WatchState()
        self.now = 2e9  # long after any file here was touched, so that files count as resting

    def read(self, path: Path) -> ScanFile:
        self.reads.append(path.name)
        return read_scans(path)

    def look(self, after_s: float = 2.0, quiet_s: float = 1e12) -> list[Change]:
        self.now += after_s
        options = FolderOptions(self.read, quiet_s=quiet_s)
        self.state, changes = poll(self.folder, self.state, options, self.now)
        return list(changes)


@pytest.fixture
def looker(tmp_path: Path) -> _Looker:
    folder = tmp_path / "data"
    folder.mkdir()
    return _Looker(folder)


def kinds(changes: list[Change]) -> list[str]:
    return [change.kind for change in changes]


def test_a_scan_grows_and_ends_with_its_last_point(looker: _Looker) -> None:
    path = looker.folder / "run.spec"
    rows = data_rows()
    append(path, head())
    assert kinds(looker.look()) == ["new"]
    for i, line in enumerate(rows[:-1]):
        append(path, line + "\n")
        (change,) = looker.look()
        assert (change.kind, change.scan.points) == ("grown", i + 1)
    append(path, rows[-1] + "\n")
    (change,) = looker.look()
    assert (change.kind, change.finished, change.scan.points) == ("finished", True, POINTS)


def test_an_unchanged_file_is_not_read_again(looker: _Looker) -> None:
    append(looker.folder / "a.spec", whole(points=20))
    append(looker.folder / "b.spec", whole(2, seed=2))
    looker.look()
    assert sorted(looker.reads) == ["a.spec", "b.spec"]
    for _ in range(5):
        assert looker.look() == []
    assert len(looker.reads) == 2
    append(looker.folder / "a.spec", "")
    os.utime(looker.folder / "a.spec")
    assert looker.look() == []  # touched, but with the same content
    assert looker.reads[2:] == ["a.spec"]


def test_a_half_written_line_is_no_point_yet(looker: _Looker) -> None:
    path = looker.folder / "run.spec"
    rows = data_rows()
    append(path, head() + rows[0] + "\n" + rows[1] + "\n" + rows[2][:12])
    (change,) = looker.look()
    assert change.scan.points == 2
    append(path, rows[2][12:] + "\n")
    (change,) = looker.look()
    assert change.scan.points == 3
    assert change.scan.counts[:, 2].tolist() == [float(n) for n in rows[2].split()[-2:]]


def test_a_number_that_may_be_cut_short_waits_for_the_end_of_its_line(looker: _Looker) -> None:
    path = looker.folder / "run.spec"
    line = "0.5 300.0 10 1000 123 456"
    append(path, head() + data_rows()[0] + "\n")
    looker.look()
    append(path, line[:-2])  # "… 123 4": complete in columns, wrong in value
    assert looker.look() == []
    append(path, line[-2:] + "\n")
    (change,) = looker.look()
    assert change.scan.counts[:, 1].tolist() == [123.0, 456.0]


def test_a_last_line_without_an_end_counts_once_the_file_rests(looker: _Looker) -> None:
    append(looker.folder / "run.spec", whole(points=POINTS).rstrip("\n"))
    assert looker.look() == []
    (change,) = looker.look()
    assert (change.scan.points, change.finished) == (POINTS, False)
    assert kinds(looker.look(quiet_s=10.0)) == ["finished"]


def test_a_later_scan_ends_the_one_before(looker: _Looker) -> None:
    path = looker.folder / "run.spec"
    append(path, whole(1, points=30))
    assert kinds(looker.look()) == ["new"]
    append(path, head(2))
    assert [(c.kind, c.scan.label) for c in looker.look()] == [("finished", "1"), ("new", "2")]


def test_an_aborted_scan_is_over(looker: _Looker) -> None:
    path = looker.folder / "run.spec"
    append(path, whole(points=30).rstrip("\n") + "\n")
    looker.look()
    append(path, "#C Thu Nov 12 2015.  Scan aborted after 30 points.\n")
    assert kinds(looker.look()) == ["finished"]


def test_a_scan_at_rest_is_over_and_goes_on_when_it_goes_on(looker: _Looker) -> None:
    path = looker.folder / "run.spec"
    looker.now = path.parent.stat().st_mtime
    append(path, whole(points=30).rstrip("\n") + "\n")
    assert kinds(looker.look(quiet_s=60)) == ["new"]
    assert looker.look(30, quiet_s=60) == []
    assert kinds(looker.look(31, quiet_s=60)) == ["finished"]
    append(path, data_rows()[30] + "\n")
    assert kinds(looker.look(quiet_s=60)) == ["grown"]


def test_a_file_of_the_same_name_with_other_scans(looker: _Looker) -> None:
    path = looker.folder / "run.spec"
    append(path, whole(1) + whole(2, seed=2, points=20))
    looker.look()
    path.rename(looker.folder / "run.spec.1")
    append(path, whole(1, seed=7, points=15))
    found = looker.look()
    assert [(c.kind, c.path.name, c.scan.label if c.scan else None) for c in found] == [
        ("copy", "run.spec.1", None),
        ("replaced", "run.spec", "1"),
        ("finished", "run.spec", "2"),
    ]


def test_a_file_cut_to_nothing_and_begun_anew(looker: _Looker) -> None:
    path = looker.folder / "run.spec"
    append(path, whole(1, points=30))
    looker.look()
    path.write_text("")
    assert looker.look() == []
    append(path, HEADER + whole(1, seed=5, points=4))
    (change,) = looker.look()
    assert (change.kind, change.scan.points) == ("replaced", 4)


def test_a_file_replaced_by_itself_grown_goes_on(looker: _Looker) -> None:
    path = looker.folder / "run.spec"
    append(path, whole(points=20))
    looker.look()
    other = looker.folder / ".run.spec.x1"  # as rsync writes
    append(other, whole(points=24))
    other.replace(path)
    (change,) = looker.look()
    assert (change.kind, change.scan.points) == ("grown", 24)


def test_a_deleted_file_is_told_once_and_its_scan_ends_by_rest(looker: _Looker) -> None:
    path = looker.folder / "run.spec"
    append(path, whole(points=20))
    looker.look()
    path.unlink()
    assert kinds(looker.look()) == ["vanished"]
    assert looker.look() == []
    (change,) = looker.look(quiet_s=1)
    assert (change.kind, change.scan.points) == ("finished", 20)
    append(path, whole(points=22))
    assert kinds(looker.look(quiet_s=1e12)) == ["grown"]


def test_a_vanished_folder_is_told_once_and_found_again(looker: _Looker) -> None:
    append(looker.folder / "run.spec", whole(points=20))
    looker.look()
    away = looker.folder.with_name("away")
    looker.folder.rename(away)
    assert kinds(looker.look()) == ["folder-gone"]
    assert looker.look(1e5, quiet_s=60) == []
    away.rename(looker.folder)
    append(looker.folder / "run.spec", "")
    assert kinds(looker.look(quiet_s=60)) == ["folder"]  # the wait for an end begins anew
    append(looker.folder / "run.spec", whole(2, points=3))
    assert kinds(looker.look(quiet_s=60)) == ["finished", "new"]


def test_other_files_are_left_alone_and_counted(looker: _Looker) -> None:
    (looker.folder / "notes.txt").write_text("remember the milk\n")
    (looker.folder / "columns.dat").write_text("1 2 3\n4 5 6\n")
    (looker.folder / "image.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (looker.folder / "empty").write_text("")
    (looker.folder / "new.spec").write_text(HEADER)  # no scan in it yet
    (looker.folder / "sub").mkdir()
    assert looker.look() == []
    assert looker.reads == []
    assert looker.state.ignored == 5


def test_a_bad_file_is_told_once_and_tried_again_when_it_changes(looker: _Looker) -> None:
    path = looker.folder / "run.spec"
    looker.now = path.parent.stat().st_mtime
    bad = HEADER + head().replace("HM_IC2", "unknown").replace("HerixE", "what")
    path.write_text(bad)
    assert looker.look() == []  # it may be half-written
    (change,) = looker.look(10.0)
    assert change.kind == "failed"
    assert "no profile fits" in change.message
    assert looker.look() == []
    path.write_text(HEADER + whole())
    assert kinds(looker.look()) == ["finished"]


def test_a_bad_scan_does_not_hide_the_others(looker: _Looker) -> None:
    wrong = whole(1, points=20).replace(data_rows()[7], data_rows()[7] + " 77")
    append(looker.folder / "run.spec", wrong + whole(2))
    good, bad = looker.look()
    assert (good.kind, good.scan.label) == ("finished", "2")
    assert bad.kind == "failed"
    assert "one number per label" in bad.message
    assert looker.look() == []


def test_what_is_said_of_an_ended_scan_does_not_waver_with_the_growing_one(
    looker: _Looker,
) -> None:
    path = looker.folder / "run.spec"
    append(path, whole(1) + head(2))
    looker.look()
    for line in data_rows(2)[:20]:  # so far the second analyzer has too few counts to be judged
        append(path, line + "\n")
        assert [c.scan.label for c in looker.look() if c.scan] == ["2"]
