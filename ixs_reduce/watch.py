"""Follow a folder of scans while it is measured: reduce and fit as points arrive.

The watcher polls (`watch_folder.poll`). Every look reduces the scans that changed, by the same
steps as `ixs reduce`; a growing scan is fitted quickly now and then (`watch_live`). When a scan is
over, all ended scans of the project are fitted together by `fit_batch`, as `ixs fit` does: the
energy zeros are chosen from all of them, so that a new scan may move the zero of an earlier one.
When the last scan is over, the project therefore holds what `ixs reduce` and `ixs fit` make of the
finished files. Nothing here knows of a terminal or a window.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from ixs_core.errors import Cancelled, InputError, ProjectLockedError
from ixs_core.jobs import CancelToken
from ixs_core.project import Project
from ixs_core.provenance import Provenance
from ixs_reduce.experiment_options import completed
from ixs_reduce.fitting import SpectrumFit
from ixs_reduce.formats import ScanFile, read_scans
from ixs_reduce.project_fit import ProjectSpectra, fits_by_key, load_spectra
from ixs_reduce.scan_choice import FEWEST_POINTS, Backgrounds, measured_backgrounds
from ixs_reduce.spectrum import Spectrum
from ixs_reduce.store import scan_key
from ixs_reduce.watch_batch import BatchOutcome, BatchThread
from ixs_reduce.watch_folder import Change, FolderOptions, WatchState, poll
from ixs_reduce.watch_live import QuickFit, quick_fits, zero_profiles
from ixs_reduce.watch_options import WatchOptions, made_by
from ixs_reduce.watch_status import ScanStatus, State, WatchMessage, words_of
from ixs_reduce.watch_store import (
    WatchedScan,
    same_spectra,
    spectra_of_scan,
    write_batch,
    write_watched,
)
from ixs_reduce.zero_finder import ZeroProfile

_SLICE_S = 0.1  # how often a wait looks at the cancel token
_REFERENCES = 2  # ended scans whose zeros guide that of the growing one


class Watcher:
    """Follows a folder.

    Parameters
    ----------
    folder : path
    options : WatchOptions
    on_status, on_message : callable, optional
        Called in the thread that calls `step` or `run`.
    cancel : CancelToken, optional
        Ends `run`.
    clock : callable, optional
        s since 1970.
    """

    def __init__(
        self,
        folder: str | Path,
        options: WatchOptions,
        on_status: Callable[[ScanStatus], None] | None = None,
        on_message: Callable[[WatchMessage], None] | None = None,
        cancel: CancelToken | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.folder = Path(folder)
        self.options = options
        self.cancel = cancel or CancelToken()
        self.state = WatchState()
        self.scans: dict[str, WatchedScan] = {}
        self._on_status = on_status
        self._on_message = on_message
        self._clock = clock
        self._project = Project(options.output)
        self._backgrounds: Backgrounds | None = None
        self._made_by: Provenance | None = None
        self._quick: dict[str, dict[str, QuickFit]] = {}
        self._references: Mapping[tuple[Hashable, Hashable], ZeroProfile] | None = None
        self._fitted_at: dict[str, float] = {}
        self._written_at: dict[str, float] = {}
        self._unwritten: set[str] = set()
        self._unfitted: set[str] = set()
        self._batch = BatchThread(self.cancel)
        self._trouble = ""
        self._to_tell: dict[str, str] = {}

    def run(self) -> None:
        """Look, wait, look again, until the cancel token is set; then write what is not yet.

        Raises
        ------
        InputError
            At the start, when there is no such folder, or the project cannot be written.
        """
        self.check()
        try:
            while not self.cancel.cancelled:
                self.step()
                self._wait(self.options.interval_s)
        finally:
            self.close()

    def run_once(self) -> None:
        """Reduce and fit the folder as it stands, with every scan taken as ended."""
        self.options = replace(self.options, quiet_s=0.0)
        self.check()
        try:
            self.step()
            while not self.idle and not self.cancel.cancelled:
                self._wait(self.options.interval_s if self._trouble else _SLICE_S)
                self.step()
        finally:
            self.close()

    def check(self) -> None:
        """Raise InputError for a folder that is not there or a project that cannot be written."""
        if not self.folder.is_dir():
            raise InputError("there is no such folder to watch", file=self.folder)
        self._provenance()
        self._backgrounds = measured_backgrounds(self.options.plan, self.options.profile)
        try:
            with self._project.writing(wait_s=0.5):
                pass  # from here on there is a project, however soon the watcher is stopped
        except ProjectLockedError as error:
            self._hindered(error)

    @property
    def idle(self) -> bool:
        """Whether everything seen so far is reduced, written and fitted."""
        return not (self._unwritten or self._unfitted or self._batch.busy)

    def step(self) -> tuple[Change, ...]:
        """One look at the folder and what follows from it; returns what changed.

        Batches run in a thread of their own, so that a step ends soon; a later step stores
        their fits. The first step checks as `check` does, and raises as that.
        """
        if self._backgrounds is None:
            self.check()
        now = self._clock()
        self.state, changes = poll(self.folder, self.state, self._folder_options(), now)
        for change in changes:
            self._take(change)
        try:
            self._fit_growing(now)
            self._write_due(now)
            self._continue_batch()
        except Cancelled:
            pass  # `run` sees the token
        self._tell(now)
        return changes

    def close(self) -> None:
        """Write what is not yet written; what the batch has not finished is left to `ixs fit`."""
        self._batch.stop()
        if self._unwritten:
            self._write(self._unwritten, wait_s=5.0)
        if self._unwritten:
            self._say(f"not written: {', '.join(sorted(self._unwritten))}", problem=True)
        if self._unfitted:
            several = (
                f"{len(self._unfitted)} ended scans are"
                if len(self._unfitted) > 1
                else (f"{min(self._unfitted)} is")
            )
            self._say(f"{several} reduced but not fitted with the others: `ixs fit` does it")

    def _folder_options(self) -> FolderOptions:
        options = self.options

        def read(path: Path) -> ScanFile:
            return read_scans(path, options.profile, options.plan.overrides)

        return FolderOptions(
            read,
            lambda scan: completed(scan, options.plan),
            mapped=options.profile is not None,
            quiet_s=options.quiet_s,
            exclude=frozenset({options.output.resolve(), *(p.resolve() for p in options.sources)}),
        )

    def _take(self, change: Change) -> None:
        if change.scan is None:
            unread = change.path if change.kind == "failed" else None
            problem = change.kind in ("failed", "folder-gone")
            self._say(words_of(change), problem, unread)
            return
        scan, key = change.scan, scan_key(change.scan)
        known = self.scans.get(key)
        if known is not None and known.path != change.path and self._there(known.path):
            self._say(
                f"{change.path.name} scan {scan.label} is left out: {known.path.name} has a scan "
                f"of the same name {key}",
                problem=True,
            )
            return
        if change.kind == "replaced":
            self._say(f"{change.path.name} scan {scan.label} holds other numbers than before")
            self._quick.pop(key, None)
            known = None
        self._reduce(key, change, known)

    def _reduce(self, key: str, change: Change, known: WatchedScan | None) -> None:
        scan = change.scan
        assert scan is not None
        watched = WatchedScan(change.path, scan, change.finished, ())
        self._unfitted.discard(key)
        if scan.points:
            try:
                spectra = spectra_of_scan(scan, self.options.plan, self._backgrounds or ())
            except InputError as error:
                self.scans[key] = watched
                self._announce(key, str(error))
                return
            fits, settled = (known.fits, known.settled) if known is not None else ((), False)
            unchanged = known is not None and same_spectra(known.spectra, spectra)
            watched = replace(watched, spectra=spectra, fits=fits, settled=settled and unchanged)
        self.scans[key] = watched
        if scan.points >= FEWEST_POINTS:
            self._unwritten.add(key)
            if watched.finished and self.options.fit is not None and not watched.settled:
                self._unfitted.add(key)
        self._announce(key)

    def _there(self, path: Path) -> bool:
        known = self.state.files.get(path)
        return known is not None and known.there

    def _fit_growing(self, now: float) -> None:
        """Quick fits of growing scans that have new points since the last ones."""
        fit = self.options.fit
        if fit is None:
            return
        for key, watched in self.scans.items():
            due = now - self._fitted_at.get(key, 0.0) >= self.options.refit_every_s
            if watched.finished or key not in self._unwritten or not due:
                continue
            if self._references is None:
                self._references = zero_profiles(self._reference_fits(), fit, self.cancel)
            quick = quick_fits(
                watched.spectra,
                self.options.resolutions,
                fit,
                self._quick.get(key),
                self._references,
                self.cancel,
            )
            self._quick[key] = quick
            self._fitted_at[key] = now
            self.scans[key] = replace(watched, fits=tuple(q.fit for q in quick.values()))
            self._announce(key)

    def _reference_fits(self) -> list[SpectrumFit]:
        """Fits of the last ended scans."""
        ended = [watched for watched in self.scans.values() if watched.settled]
        return [fit for watched in ended[-_REFERENCES:] for fit in watched.fits]

    def _begin_anew_if_gone(self) -> None:
        """When someone took the project away, everything seen is written once more."""
        if self._project.exists:
            return
        long = {key for key, w in self.scans.items() if w.scan.points >= FEWEST_POINTS}
        if long - self._unwritten and self._written_at:
            self._say(f"{self._project.path} is gone: it is made anew", problem=True)
            self._unwritten |= long
            if self.options.fit is not None:
                self._unfitted |= {key for key in long if self.scans[key].finished}

    def _write_due(self, now: float) -> None:
        self._begin_anew_if_gone()
        due = {
            key
            for key in self._unwritten
            if self.scans[key].finished
            or now - self._written_at.get(key, 0.0) >= self.options.refit_every_s
        }
        if due:
            self._write(due, wait_s=0.5)
            self._written_at.update(dict.fromkeys(due, now))

    def _write(self, keys: set[str], wait_s: float) -> None:
        """Store scans in one transaction; what hinders it is told once and tried again."""
        base = self._provenance()
        try:
            with self._project.writing(wait_s) as h5:
                for key in sorted(keys):
                    write_watched(h5, self.scans[key], base)
        except (InputError, OSError) as error:
            self._hindered(error)
            return
        self._unwritten -= keys
        self._unhindered()

    def _continue_batch(self) -> None:
        """Begin a batch when a scan has ended, and store the fits of one that is through."""
        fit = self.options.fit
        if fit is None:
            return
        if self._batch.outcome is not None:
            self._store_batch(self._batch.outcome)
        waiting = any(self.scans[key].finished for key in self._unwritten)
        if self._unfitted and not self._batch.busy and not waiting:
            try:
                loaded = self._ended_spectra()
            except (InputError, OSError) as error:
                self._hindered(error)
                return
            self._batch.start(loaded, self.options.resolutions, fit, frozenset(self._unfitted))
            for key in sorted(self._unfitted):
                self._announce(key)

    def _ended_spectra(self) -> ProjectSpectra:
        """What `ixs fit` would take of the project, without the scans still growing."""
        growing = {key for key, watched in self.scans.items() if not watched.finished}
        everything = load_spectra(self._project)
        ended = {k: group for k, group in everything.by_key.items() if k not in growing}
        return ProjectSpectra(ended, everything.masks)

    def _store_batch(self, outcome: BatchOutcome) -> None:
        loaded, begun_for, result = outcome.loaded, outcome.begun_for, outcome.result
        if isinstance(result, InputError):
            self._say(f"not fitted: {result}", problem=True)
            self._unfitted -= begun_for
            self._batch.clear()
            for key in sorted(begun_for & self.scans.keys()):
                self._announce(key)
            return
        # What changed since the batch began is fitted by the next one.
        current = {key for key in loaded.by_key if self._still(key, loaded.by_key[key])}
        by_key = {k: f for k, f in fits_by_key(loaded, result.fits).items() if k in current}
        try:
            with self._project.writing(wait_s=0.5) as h5:
                kept = write_batch(h5, by_key, self._provenance())
        except (InputError, OSError) as error:
            self._hindered(error)
            return
        self._unhindered()
        self._batch.clear()
        self._unfitted -= begun_for & current
        self._references = None
        for key in kept:
            self._say(f"{key}: fits made by another program stay")
        for key in sorted(current & self.scans.keys()):
            before = self.scans[key]
            fits = tuple(by_key.get(key, ()))
            self.scans[key] = replace(before, fits=fits, settled=True)
            self._quick.pop(key, None)
            self._announce(key)

    def _still(self, key: str, spectra: Sequence[Spectrum]) -> bool:
        watched = self.scans.get(key)
        return watched is None or (watched.finished and same_spectra(watched.spectra, spectra))

    def _provenance(self) -> Provenance:
        """What makes a result of now; the files of settings are read once, at the start."""
        if self._made_by is None:
            self._made_by = made_by(self.folder, self.options)
        return replace(self._made_by, created=datetime.now(UTC).isoformat(timespec="seconds"))

    def _announce(self, key: str, failure: str = "") -> None:
        """Tell of a scan at the end of the step, once."""
        self._to_tell[key] = failure

    def _tell(self, now: float) -> None:
        told, self._to_tell = self._to_tell, {}
        if self._on_status is not None:
            for key, failure in told.items():
                self._on_status(self._status(key, failure, now))

    def _status(self, key: str, failure: str, now: float) -> ScanStatus:
        watched = self.scans[key]
        state: State = "measuring"
        if failure:
            state = "failed"
        elif watched.finished and watched.scan.points < FEWEST_POINTS:
            state = "short"
        elif watched.finished:
            state = "fitting" if key in self._unfitted else "done"
        at = datetime.fromtimestamp(now)
        return ScanStatus(key, state, at, watched.scan, watched.fits, failure)

    def _say(self, text: str, problem: bool = False, path: Path | None = None) -> None:
        if self._on_message is not None:
            self._on_message(WatchMessage(text, problem, path))

    def _hindered(self, error: Exception) -> None:
        # The holder's process and time change from one try to the next; it is said once.
        trouble = error.message if isinstance(error, InputError) else str(error)
        if trouble != self._trouble:
            self._say(f"{error}; it is tried again at every look", problem=True)
        self._trouble = trouble

    def _unhindered(self) -> None:
        if self._trouble:
            self._say("the project is written again")
        self._trouble = ""

    def _wait(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while not self.cancel.cancelled and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, _SLICE_S))
