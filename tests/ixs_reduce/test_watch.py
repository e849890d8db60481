"""The watcher beside a process that measures: its project, its fits, and what it survives."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ixs_core.cli import main
from ixs_core.errors import InputError
from ixs_core.jobs import CancelToken
from ixs_core.project import Project, list_history, list_results, read_provenance
from ixs_reduce.batch import FitOptions
from ixs_reduce.fit_record import identical
from ixs_reduce.project_fit import fit_project, load_spectra
from ixs_reduce.store import fit_keys, read_fits, read_scan, read_spectra, spectra_keys
from ixs_reduce.watch import ScanStatus, Watcher, WatchMessage, WatchOptions
from ixs_reduce.watch_store import same_spectra
from tests.ixs_reduce.growing_scan import (
    MODE_MEV,
    POINTS,
    ZERO_MEV,
    R,
    append,
    data_rows,
    head,
    whole,
)

QUICK = FitOptions(modes=1, analyzers=("Ana4",))


class _Watched:
    """A watcher stepped by hand, with all it said."""

    def __init__(self, tmp_path: Path, fit: FitOptions | None = None) -> None:
        self.folder = tmp_path / "data"
        self.folder.mkdir(exist_ok=True)
        self.file = self.folder / "run.spec"
        self.project = tmp_path / "project.h5"
        self.statuses: list[ScanStatus] = []
        self.messages: list[WatchMessage] = []
        self.now = time.time()
        options = WatchOptions(
            self.project, fit=fit, resolutions=R if fit else {}, refit_every_s=5.0
        )
        self.watcher = Watcher(
            self.folder,
            options,
            self.statuses.append,
            self.messages.append,
            CancelToken(),
            lambda: self.now,
        )
        self.watcher.check()

    def step(self, after_s: float = 6.0) -> None:
        self.now += after_s
        self.watcher.step()

    def settle(self) -> None:
        """Step until all is written and fitted."""
        for _ in range(600):
            self.step()
            if self.watcher.idle:
                return
            time.sleep(0.05)
        raise AssertionError("the watcher does not come to rest")

    def states(self) -> list[str]:
        return [status.state for status in self.statuses]


def run(*arguments: object) -> str:
    """Run a command in this process; it has to end well. Returns its stdout."""
    out = io.StringIO()
    code: object = 0
    with redirect_stdout(out), redirect_stderr(io.StringIO()):
        try:
            main([str(argument) for argument in arguments])
        except SystemExit as end:
            code = end.code
    assert not code
    return out.getvalue()


def assert_equal_projects(one: Path, two: Path) -> None:
    """Same spectra, and fits that agree in every bit."""
    with Project(one).reading() as a, Project(two).reading() as b:
        assert spectra_keys(a) == spectra_keys(b)
        assert fit_keys(a) == fit_keys(b)
        for key in spectra_keys(a):
            assert same_spectra(read_spectra(a, key), read_spectra(b, key)), key
        for key in fit_keys(a):
            pairs = list(zip(read_fits(a, key), read_fits(b, key), strict=True))
            assert pairs
            assert all(identical(x, y) for x, y in pairs), key


def history(project: Path) -> dict[str, int]:
    """Number of earlier versions by kind and key."""
    with Project(project).reading() as h5:
        return {
            f"{kind}/{key}": len(list_history(h5, kind, key))
            for kind in ("scans", "spectra", "fits")
            for key in list_results(h5, kind)
        }


def measured_counts(rows: list[str]) -> np.ndarray:
    """The counts as they stand in the lines, (2, n)."""
    return np.array([[float(x) for x in line.split()[-2:]] for line in rows]).T


# --- growing scans ---------------------------------------------------------------------------


def test_the_end_equals_reduce_and_fit_of_the_finished_file(tmp_path: Path) -> None:
    watched = _Watched(tmp_path, QUICK)
    append(watched.file, whole(1) + head(2))
    for part in np.array_split(data_rows(2), 7):
        text = "".join(line + "\n" for line in part)
        append(watched.file, text[:-20])
        watched.step()
        append(watched.file, text[-20:])
        watched.step()
    watched.settle()
    watched.watcher.close()
    reference = tmp_path / "reference.h5"
    run("reduce", watched.file, "-o", reference)
    fit_project(Project(reference), load_spectra(Project(reference)), R, QUICK)
    assert_equal_projects(watched.project, reference)
    assert set(history(watched.project).values()) == {0}
    assert "measuring" in watched.states()
    assert watched.states()[-1] == "done"


def test_a_project_taken_away_is_made_anew_with_everything(tmp_path: Path) -> None:
    watched = _Watched(tmp_path, QUICK)
    append(watched.file, whole(1) + whole(2))
    watched.settle()
    watched.project.unlink()
    append(watched.file, whole(3))
    watched.settle()
    watched.watcher.close()
    with Project(watched.project).reading() as h5:
        assert spectra_keys(h5) == ["run_1", "run_2", "run_3"]
        assert fit_keys(h5) == ["run_1", "run_2", "run_3"]
    assert ["is gone" in m.text for m in watched.messages].count(True) == 1


def test_live_fits_find_the_truth_before_the_scan_is_over(tmp_path: Path) -> None:
    watched = _Watched(tmp_path, QUICK)
    append(watched.file, head())
    for line in data_rows()[:-2]:
        append(watched.file, line + "\n")
    watched.step()
    status = watched.statuses[-1]
    assert status.state == "measuring"
    best = status.strongest
    assert best is not None
    assert abs(best.zero.value - ZERO_MEV) < 4 * best.zero.stderr
    (mode,) = best.modes
    assert abs(mode.energy.value - MODE_MEV) < 4 * mode.energy.stderr
    with Project(watched.project).reading() as h5:  # and are in the project for the viewer
        (stored,) = read_fits(h5, "run_1")
        assert stored.modes[0].energy.value == mode.energy.value


def test_no_zero_is_claimed_before_it_is_passed(tmp_path: Path) -> None:
    watched = _Watched(tmp_path, QUICK)
    append(watched.file, head())
    for line in data_rows()[:28]:  # up to -1.5 meV, where the zero lies beyond
        append(watched.file, line + "\n")
        watched.step()
    assert all(status.fits == () for status in watched.statuses)


def test_an_ended_scan_guides_the_zero_of_the_next(tmp_path: Path) -> None:
    watched = _Watched(tmp_path, QUICK)
    append(watched.file, whole(1))
    watched.settle()
    append(watched.file, head(2))
    for line in data_rows(2)[:45]:  # up to 7 meV: trial zeros above are not yet passed
        append(watched.file, line + "\n")
    watched.step()
    best = watched.statuses[-1].strongest
    assert best is not None
    assert abs(best.zero.value - ZERO_MEV) < 4 * best.zero.stderr


def test_a_growing_scan_is_written_at_intervals_and_whole_at_the_stop(tmp_path: Path) -> None:
    watched = _Watched(tmp_path)
    rows = data_rows()
    append(watched.file, head() + "".join(line + "\n" for line in rows[:12]))
    watched.step()
    append(watched.file, rows[12] + "\n")
    watched.step(1.0)
    with Project(watched.project).reading() as h5:
        assert read_scan(h5, "run_1").points == 12
    watched.watcher.close()
    with Project(watched.project).reading() as h5:
        assert read_scan(h5, "run_1").counts.tolist() == measured_counts(rows[:13]).tolist()
    assert set(history(watched.project).values()) == {0}


def test_a_short_scan_is_told_and_not_stored_as_with_reduce(tmp_path: Path) -> None:
    watched = _Watched(tmp_path)
    append(watched.file, whole(1, points=6) + whole(2))
    watched.settle()
    assert watched.states() == ["short", "done"]
    with Project(watched.project).reading() as h5:
        assert spectra_keys(h5) == ["run_2"]


# --- the project -----------------------------------------------------------------------------


def test_a_second_watcher_takes_up_where_the_first_stopped(tmp_path: Path) -> None:
    first = _Watched(tmp_path, QUICK)
    append(first.file, whole(1) + whole(2, seed=2, points=30).rstrip("\n") + "\n")
    first.settle()
    first.watcher.close()
    append(first.file, "".join(line + "\n" for line in data_rows(2)[30:]))
    second = _Watched(tmp_path, QUICK)
    second.settle()
    with Project(second.project).reading() as h5:
        assert read_scan(h5, "run_2").points == POINTS
    assert set(history(second.project).values()) == {0}


def test_results_of_other_commands_stay(tmp_path: Path) -> None:
    watched = _Watched(tmp_path, QUICK)
    append(watched.file, whole(1))
    run("reduce", watched.file, "-o", watched.project)
    store = Project(watched.project)
    own = replace(QUICK, modes=2)
    fit_project(store, load_spectra(store), R, own)
    append(watched.file, whole(2, seed=2))
    watched.settle()
    with store.reading() as h5:
        assert read_provenance(h5, "spectra", "run_1").function == "ixs reduce"
        assert len(read_fits(h5, "run_1")[0].modes) == 2
        assert len(read_fits(h5, "run_2")[0].modes) == 1
    assert any("run_1: fits made by another program stay" in m.text for m in watched.messages)


def test_other_scans_of_the_same_name_go_into_the_history(tmp_path: Path) -> None:
    watched = _Watched(tmp_path)
    append(watched.file, whole(1))
    watched.settle()
    watched.file.rename(watched.folder / "run.spec.1")
    append(watched.file, whole(1, seed=9))
    watched.settle()
    with Project(watched.project).reading() as h5:
        assert spectra_keys(h5) == ["run_1"]
        new = measured_counts(data_rows(9)).tolist()
        old = measured_counts(data_rows(1)).tolist()
        assert read_scan(h5, "run_1").counts.tolist() == new
        (version,) = list_history(h5, "scans", "run_1")
        assert read_scan(h5, "run_1", version).counts.tolist() == old
    texts = [m.text for m in watched.messages]
    assert any("run.spec.1" in t and "not taken twice" in t for t in texts)
    assert any("other numbers than before" in t for t in texts)


def test_two_files_that_give_the_same_name(tmp_path: Path) -> None:
    watched = _Watched(tmp_path)
    append(watched.folder / "run.a", whole(1))
    os.utime(watched.folder / "run.a", (1e9, 1e9))
    append(watched.folder / "run.b", whole(1, seed=3))
    watched.settle()
    with Project(watched.project).reading() as h5:
        stored = read_scan(h5, "run_1").counts.tolist()
    assert stored == measured_counts(data_rows(1)).tolist()
    (problem,) = [m for m in watched.messages if m.problem]
    assert "run.b scan 1 is left out" in problem.text


@contextmanager
def held(project: Path) -> Iterator[None]:
    """Another writer that keeps the project."""
    entered, leave = threading.Event(), threading.Event()

    def write() -> None:
        with Project(project).writing():
            entered.set()
            leave.wait(30)

    thread = threading.Thread(target=write)
    thread.start()
    entered.wait(30)
    try:
        yield
    finally:
        leave.set()
        thread.join()


def test_a_locked_project_is_told_once_and_written_later(tmp_path: Path) -> None:
    watched = _Watched(tmp_path)
    append(watched.file, whole(1))
    with held(watched.project):
        for _ in range(3):
            watched.step()
    assert [m.problem for m in watched.messages] == [True]
    assert "another program is writing" in watched.messages[0].text
    watched.settle()
    assert watched.messages[-1].text == "the project is written again"
    with Project(watched.project).reading() as h5:
        assert spectra_keys(h5) == ["run_1"]


def test_a_full_disk_is_told_once_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = _Watched(tmp_path)
    append(watched.file, whole(1))

    def full(source: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("shutil.copyfile", full)
        for _ in range(3):
            watched.step()
    (message,) = watched.messages
    assert "the disk is full" in message.text
    watched.settle()
    with Project(watched.project).reading() as h5:
        assert spectra_keys(h5) == ["run_1"]


def test_a_vanished_folder_is_waited_for(tmp_path: Path) -> None:
    watched = _Watched(tmp_path)
    append(watched.file, whole(1))
    watched.settle()
    away = tmp_path / "away"
    watched.folder.rename(away)
    for _ in range(3):
        watched.step()
    away.rename(watched.folder)
    append(watched.file, whole(2, seed=2))
    watched.settle()
    texts = [m.text for m in watched.messages]
    assert [("is gone" in t, "is back" in t) for t in texts] == [(True, False), (False, True)]
    with Project(watched.project).reading() as h5:
        assert spectra_keys(h5) == ["run_1", "run_2"]


def test_no_folder_and_no_project_are_errors_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder to watch"):
        Watcher(tmp_path / "nowhere", WatchOptions(tmp_path / "p.h5")).check()
    (tmp_path / "p.h5").write_text("no project")
    with pytest.raises(InputError, match="not an HDF5 file"):
        Watcher(tmp_path, WatchOptions(tmp_path / "p.h5")).check()


# --- the command -----------------------------------------------------------------------------


@contextmanager
def command(*arguments: object) -> Iterator[subprocess.Popen[str]]:
    """`ixs watch` in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-c", "from ixs_core.cli import main; main()", "watch"]
        + [str(argument) for argument in arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def read_until(process: subprocess.Popen[str], wanted: Callable[[str], bool]) -> list[str]:
    """Lines of stdout up to one that is wanted."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if wanted(line):
            return lines
    raise AssertionError(f"ended with {lines} {process.stderr and process.stderr.read()}")


def test_interrupting_leaves_a_valid_project(tmp_path: Path) -> None:
    folder, project = tmp_path / "data", tmp_path / "p.h5"
    folder.mkdir()
    rows = data_rows()
    append(folder / "run.spec", head() + "".join(line + "\n" for line in rows[:20]))
    with command(folder, "-o", project, "--interval", "0.1") as process:
        read_until(process, lambda line: "20/61 points" in line)
        append(folder / "run.spec", rows[20] + "\n")
        read_until(process, lambda line: "21/61 points" in line)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert process.returncode == 0, err
    assert "1 measuring" in out
    with Project(project).reading() as h5:
        assert read_scan(h5, "run_1").counts.tolist() == measured_counts(rows[:21]).tolist()
        assert read_spectra(h5, "run_1")[0].counts.size == 21
    assert sorted(p.name for p in tmp_path.iterdir()) == [".p.h5.lock", "data", "p.h5"]


def test_json_is_one_object_per_line(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    append(folder / "run.spec", whole(1))
    out = run("watch", folder, "-o", tmp_path / "p.h5", "--once", "--json")
    (event,) = [json.loads(line) for line in out.splitlines()]
    assert (event["event"], event["key"], event["state"]) == ("scan", "run_1", "done")
    assert (event["points"], event["requested_points"]) == (POINTS, POINTS)
    assert event["counts"] == measured_counts(data_rows(1)).sum()


def test_a_real_scan_measured_anew(shared_data: Path, tmp_path: Path) -> None:
    """Scan 61 written a few points at a time, lines cut in two, in another thread."""
    text = (shared_data / "ixs" / "CdOsO.spec").read_text()
    block = text[text.index("#S 61 ") : text.index("#S 62 ")].splitlines(keepends=True)
    header = text[: text.index("#S ")]
    folder, project, reference = tmp_path / "data", tmp_path / "p.h5", tmp_path / "ref.h5"
    folder.mkdir()
    target, resolution = folder / "CdOsO.spec", tmp_path / "R.h5"
    run(
        "resolution",
        shared_data / "ixs" / "plexiglas_1.spec",
        "--scans",
        "4,6",
        "-o",
        resolution,
    )

    def measure() -> None:
        with target.open("w") as stream:
            stream.write(header)
            for i, line in enumerate(block):
                stream.write(line[:30])
                if i % 9 == 0:
                    stream.flush()
                    time.sleep(0.3)
                stream.write(line[30:])

    arguments = ("-o", project, "--fit", "--resolution", resolution, "--analyzers", "Ana7")
    with command(folder, *arguments, "--interval", "0.2", "--json") as process:
        thread = threading.Thread(target=measure)
        thread.start()
        lines = read_until(process, lambda line: '"state": "done"' in line)
        thread.join()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    assert process.returncode == 0, err
    events = [json.loads(line) for line in lines]
    assert {event["event"] for event in events} == {"scan"}, events
    points = [event["points"] for event in events]
    assert points == sorted(points)
    assert len(set(points)) > 4
    run("reduce", target, "-o", reference)
    run("fit", reference, "--resolution", resolution, "--analyzers", "Ana7")
    assert_equal_projects(project, reference)
    assert set(history(project).values()) == {0}


def test_settings_that_vanish_do_not_stop_the_watcher(tmp_path: Path) -> None:
    watched = _Watched(tmp_path)
    settings = tmp_path / "exp.toml"
    settings.write_text("")
    options = replace(watched.watcher.options, sources=(settings,))
    watched.watcher = Watcher(watched.folder, options, watched.statuses.append)
    watched.watcher.check()
    settings.unlink()
    append(watched.file, whole(1))
    watched.settle()
    with Project(watched.project).reading() as h5:
        assert [name for name, _ in read_provenance(h5, "spectra", "run_1").sources] == [
            "run.spec",
            "exp.toml",
        ]


def test_a_step_alone_does_all_that_run_does_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder to watch"):
        Watcher(tmp_path / "nowhere", WatchOptions(tmp_path / "p.h5")).step()
