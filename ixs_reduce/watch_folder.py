"""What changed in a folder of scan files since the last look, found by polling.

Network file systems send no notice of changes, so the folder is listed again and again. A file
whose inode, size and time of change stay the same is not read again; one that changed is read
whole, and its scans are compared with those known by their numbers. Whether a file goes on or
was replaced by another of the same name is told from the numbers, too, since copying programs
replace files that go on.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, NamedTuple

from ixs_core.errors import InputError
from ixs_reduce.formats import ScanFile, identify
from ixs_reduce.quality import judge
from ixs_reduce.scan import Scan
from ixs_reduce.watch_compare import continues, numbers_digest, same_scan

QUIET_S = 300.0
"""A scan that nothing was added to for so long, in s, is taken to have ended."""

_PATIENCE_S = 10.0  # a fault that is there for so long is none of half-written lines
_MAPPED = ("text", "hdf5")  # kinds that a profile has to explain

ChangeKind = Literal[
    "new", "grown", "finished", "replaced", "failed", "vanished", "copy", "folder-gone", "folder"
]


class Stamp(NamedTuple):
    """By what a change of a file is noticed."""

    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int


@dataclass(frozen=True)
class Change:
    """One thing that is otherwise than at the last look.

    Parameters
    ----------
    kind : str
        "new", "grown", "finished" or "replaced" for an energy scan ("replaced": other numbers
        under the same name); "failed" for a file or scan that cannot be read; "vanished" for a
        file; "copy" for a file whose scans are known from another; "folder-gone", and "folder"
        when it is back.
    path : Path
    scan : Scan or None
        As it is now, judged.
    finished : bool
        Whether the scan is over.
    message : str
        The reason, where there is one.
    """

    kind: ChangeKind
    path: Path
    scan: Scan | None = None
    finished: bool = False
    message: str = ""


@dataclass(frozen=True)
class KnownFile:
    """A file as it was at the last look.

    Parameters
    ----------
    stamp : Stamp
    changed_at : float
        When it last changed, s since 1970.
    settled : bool
        Whether it has been read in this state and nothing more is expected of it.
    raw, scans : tuple of Scan, mapping
        All its scans as read; its energy scans by label, judged.
    over : bool
        Whether its last scan is over.
    faults : mapping
        What cannot be read of it -> since when.
    reported : frozenset of str
        Those of them that were told.
    copy_of : str
        Name of the file that its scans were read from already.
    ignored : bool
        Whether it is no file of scans.
    there : bool
    """

    stamp: Stamp
    changed_at: float
    settled: bool = False
    raw: tuple[Scan, ...] = ()
    scans: Mapping[str, Scan] = field(default_factory=dict)
    over: bool = False
    faults: Mapping[str, float] = field(default_factory=dict)
    reported: frozenset[str] = frozenset()
    copy_of: str = ""
    ignored: bool = False
    there: bool = True

    def is_over(self, label: str) -> bool:
        """Whether a scan has ended: a later one follows it, or it is the last one and over."""
        return self.over or not self.raw or self.raw[-1].label != label


@dataclass(frozen=True)
class WatchState:
    """All that is remembered from one look at a folder to the next.

    Parameters
    ----------
    files : mapping
        Path -> KnownFile.
    there : bool
        Whether the folder was there.
    seen : mapping
        Digest of the numbers of each scan in each state -> its file, to know copies by.
    """

    files: Mapping[Path, KnownFile] = field(default_factory=dict)
    there: bool = True
    seen: Mapping[str, Path] = field(default_factory=dict)

    @property
    def ignored(self) -> int:
        """Number of files that are no files of scans."""
        return sum(known.ignored and known.there for known in self.files.values())


@dataclass(frozen=True)
class FolderOptions:
    """How a folder is read.

    Parameters
    ----------
    read : callable
        Path -> ScanFile; raises InputError.
    complete : callable
        Adds to a judged scan what its file does not give.
    mapped : bool
        Whether a profile is given, without which columns and HDF5 files are no scan files.
    quiet_s : float
        See `QUIET_S`; 0 takes every scan as ended.
    exclude : frozenset of Path
        Resolved paths to leave alone (the project itself).
    """

    read: Callable[[Path], ScanFile]
    complete: Callable[[Scan], Scan] = lambda scan: scan
    mapped: bool = False
    quiet_s: float = QUIET_S
    exclude: frozenset[Path] = frozenset()


def poll(
    folder: Path, state: WatchState, options: FolderOptions, now: float
) -> tuple[WatchState, tuple[Change, ...]]:
    """Look at a folder once.

    Parameters
    ----------
    folder : Path
        Its files are looked at, not its subfolders; names that begin with a dot are left alone.
    state : WatchState
        What the last look gave; `WatchState()` at first.
    options : FolderOptions
    now : float
        s since 1970.

    Returns
    -------
    state : WatchState
    changes : tuple of Change
        In the order of the files' ages and of their scans. Errors become changes; none is raised.
    """
    try:
        listed = _listed(folder, options.exclude)
    except OSError as error:
        gone = Change("folder-gone", folder, message=error.strerror or str(error))
        return replace(state, there=False), (gone,) if state.there else ()
    changes: list[Change] = []
    if not state.there:
        changes.append(Change("folder", folder))
        # Nobody could see what was added meanwhile: the wait for an end begins anew.
        awake = {path: replace(known, changed_at=now) for path, known in state.files.items()}
        state = WatchState(awake, True, state.seen)
    files, seen = dict(state.files), dict(state.seen)
    for path, known in state.files.items():
        if path not in listed and known.there:
            files[path] = replace(known, there=False, settled=False)
            if known.scans:
                changes.append(Change("vanished", path))
    for path in (*listed, *(p for p in files if p not in listed)):
        files[path], found = _look(path, listed.get(path), files.get(path), seen, options, now)
        changes += found
        if files[path] is not state.files.get(path):
            seen.update(_digests(path, files[path]))
    return WatchState(files, True, seen), tuple(changes)


def _listed(folder: Path, exclude: frozenset[Path]) -> dict[Path, Stamp]:
    """Files of a folder, those that were not touched for longest first."""
    found: dict[Path, Stamp] = {}
    names = {path.name for path in exclude}
    with os.scandir(folder) as entries:
        for entry in entries:
            path = folder / entry.name
            if entry.name.startswith(".") or (entry.name in names and path.resolve() in exclude):
                continue
            try:
                if entry.is_file():
                    found[path] = _stamp(entry.stat())
            except OSError:  # gone since it was listed: the next look sees that
                continue
    return dict(sorted(found.items(), key=lambda item: (item[1].mtime_ns, item[0])))


def _stamp(stat: os.stat_result) -> Stamp:
    return Stamp(stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)


def _look(
    path: Path,
    stamp: Stamp | None,
    known: KnownFile | None,
    seen: Mapping[str, Path],
    options: FolderOptions,
    now: float,
) -> tuple[KnownFile, list[Change]]:
    """One file: read when it changed, and its last scan ended when nothing more comes."""
    if stamp is None or (known is not None and known.there and known.stamp == stamp):
        assert known is not None
        if known.settled or stamp is None:
            return _waited(path, known, seen, options, now)
        # Unchanged for a whole interval: what looked half-written is how it is.
        return _read(path, replace(known, settled=True), seen, options, now)
    if known is None:
        touched = min(now, stamp.mtime_ns / 1e9)
        return _read(path, KnownFile(stamp, touched), seen, options, now)
    changed = replace(known, stamp=stamp, changed_at=now, settled=False, there=True)
    return _read(path, changed, seen, options, now)


def _waited(
    path: Path, known: KnownFile, seen: Mapping[str, Path], options: FolderOptions, now: float
) -> tuple[KnownFile, list[Change]]:
    if known.over or not known.raw or now - known.changed_at < options.quiet_s:
        return known, []
    return _compared(path, known, known.raw, seen, options, now)


def _read(
    path: Path, known: KnownFile, seen: Mapping[str, Path], options: FolderOptions, now: float
) -> tuple[KnownFile, list[Change]]:
    try:
        if not _is_scan_file(path, options):
            return replace(known, ignored=True, settled=True), []
        content = options.read(path)
    except (InputError, OSError) as error:
        reason = str(error) if isinstance(error, InputError) else f"{path}: {error.strerror}"
        return _failed(path, replace(known, settled=True), [reason], options, now)
    known = replace(known, ignored=False)
    scans = content.scans
    unterminated = bool(scans) and any(f.code == "unterminated" for f in scans[-1].flags)
    if unterminated and not known.settled and options.quiet_s > 0:
        # The last number may be cut short: wait for the rest of the line, or for one more look.
        return known, []
    known, changes = _compared(path, known, scans, seen, options, now)
    problems = [str(error) for error in content.problems]
    known, failures = _failed(path, replace(known, settled=True), problems, options, now)
    return known, changes + failures


def _is_scan_file(path: Path, options: FolderOptions) -> bool:
    """Whether a file is to be read; a SPEC file without a scan yet is not, nor a gpi file.

    The data files that a gpi file names lie beside it and are read by themselves.
    """
    if not os.access(path, os.R_OK):
        raise InputError("no permission to read", file=path)
    try:
        kind = identify(path)
    except InputError:
        return False
    if kind == "spec":
        return b"#S " in path.read_bytes()
    return options.mapped if kind in _MAPPED else kind != "gpi"


def _failed(
    path: Path, known: KnownFile, reasons: list[str], options: FolderOptions, now: float
) -> tuple[KnownFile, list[Change]]:
    """Faults that stay are told once; a half-written line or header mends itself."""
    faults = {reason: known.faults.get(reason, now) for reason in reasons}
    at_rest = now - known.changed_at >= min(_PATIENCE_S, options.quiet_s)
    stay = {r for r, since in faults.items() if at_rest or now - since >= _PATIENCE_S}
    new = [reason for reason in faults if reason in stay - known.reported]
    settled = known.settled and stay == set(faults)
    known = replace(known, faults=faults, reported=frozenset(stay), settled=settled)
    return known, [Change("failed", path, message=reason) for reason in new]


def _compared(
    path: Path,
    known: KnownFile,
    raw: tuple[Scan, ...],
    seen: Mapping[str, Path],
    options: FolderOptions,
    now: float,
) -> tuple[KnownFile, list[Change]]:
    """The file with these scans, and what is otherwise with them."""
    over = _last_is_over(raw, known, options, now)
    scans: dict[str, Scan] = {}
    changes: list[Change] = []
    copied_from = ""
    now_known = replace(known, raw=raw, over=over)
    for scan in _judged(raw, over, options):
        origin = seen.get(numbers_digest(scan)) if scan.points else None
        if scan.kind != "energy" or (origin not in (None, path) and scan.label not in known.scans):
            copied_from = origin.name if scan.kind == "energy" and origin else copied_from
            continue
        scans[scan.label] = scan
        change = _change(path, known, scan, now_known.is_over(scan.label))
        changes += [change] if change is not None else []
    for label, old in known.scans.items():
        if label not in scans and not known.is_over(label):
            ended = "its file was replaced"
            changes.append(Change("finished", path, old, finished=True, message=ended))
    if copied_from and copied_from != known.copy_of:
        changes.append(Change("copy", path, message=f"scans known from {copied_from}"))
        now_known = replace(now_known, copy_of=copied_from)
    return replace(now_known, scans=scans), changes


def _change(path: Path, known: KnownFile, scan: Scan, over: bool) -> Change | None:
    old = known.scans.get(scan.label)
    if old is None:
        return Change("finished" if over else "new", path, scan, over)
    if not continues(old, scan):
        return Change("replaced", path, scan, over)
    was_over = known.is_over(scan.label)
    if same_scan(old, scan) and was_over == over:
        return None
    return Change("finished" if over else "grown", path, scan, over)


def _last_is_over(
    raw: tuple[Scan, ...], known: KnownFile, options: FolderOptions, now: float
) -> bool:
    """Whether the last scan of a file has all points it asked for, was aborted, or rests."""
    if not raw or now - known.changed_at >= options.quiet_s:
        return True
    codes = {flag.code for flag in raw[-1].flags}
    if "unterminated" in codes:
        return False
    return "aborted" in codes or (raw[-1].requested_points is not None and raw[-1].complete)


def _judged(raw: tuple[Scan, ...], over: bool, options: FolderOptions) -> list[Scan]:
    """Ended scans judged among themselves, as they will be once the file is complete.

    A scan still measured is judged beside them and must not change what is said of them.
    """
    ended = raw if over else raw[:-1]
    judged = list(judge(ended))
    if not over:
        judged.append(judge(raw)[-1])
    return [options.complete(scan) for scan in judged]


def _digests(path: Path, known: KnownFile) -> dict[str, Path]:
    return {numbers_digest(scan): path for scan in known.scans.values() if scan.points}
