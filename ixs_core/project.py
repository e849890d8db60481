"""The project file: one HDF5/NeXus file per experiment, safe against crashes and full disks.

A writer changes a copy and gives it the project's name only when it is complete and on
the disk, so a reader opens either the old or the new file, never something between.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import io
import os
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import h5py

from ixs_core.atomic import replace_file, write_failure
from ixs_core.enduring_file import EnduringFile
from ixs_core.errors import InputError, ProjectLockedError
from ixs_core.provenance import versions_of
from ixs_core.results import (
    KINDS,
    Result,
    has_result,
    keep_history,
    list_history,
    list_results,
    read_attributes,
    read_dataset,
    read_datasets,
    read_provenance,
    read_result,
    write_result,
)

__all__ = [
    "KINDS",
    "Project",
    "Result",
    "has_result",
    "keep_history",
    "list_history",
    "list_results",
    "read_attributes",
    "read_dataset",
    "read_datasets",
    "read_provenance",
    "read_result",
    "write_result",
]

CREATOR = "ixs-suite"
FORMAT = 1
"""Number of the file's layout; a file with a higher one was written by a newer version."""


@dataclass(frozen=True)
class Project:
    """A project file by name; no file is held open.

    Parameters
    ----------
    path : path
        The file, which need not exist yet.
    """

    path: Path

    def __init__(self, path: str | Path) -> None:
        object.__setattr__(self, "path", Path(path))

    @property
    def exists(self) -> bool:
        """Whether the file is there."""
        return self.path.is_file()

    @contextmanager
    def reading(self) -> Iterator[h5py.File]:
        """The open file for reading, also while another process writes.

        Raises
        ------
        InputError
            When the file is missing, cut off, not HDF5, not a project, or of a newer layout.
        """
        with _opened(self.path) as h5:
            yield h5

    @contextmanager
    def writing(self, wait_s: float = 5.0) -> Iterator[h5py.File]:
        """The open file for changes, which count when the block ends without an error.

        A file that does not exist is begun. When the block raises, or the machine stops,
        the project stays as it was before the block.

        Parameters
        ----------
        wait_s : float
            How long to wait for another writer to finish, in s.

        Raises
        ------
        ProjectLockedError
            When another program is still writing after `wait_s`.
        InputError
            When the disk is full or read-only, or the file is no project.
        """
        target = self.path.resolve()
        with self.replacing(wait_s) as temporary:
            _begin(target, temporary)
            with _changing(temporary, target) as h5:
                yield h5

    @contextmanager
    def replacing(self, wait_s: float = 5.0) -> Iterator[Path]:
        """A file to write beside the project, which takes its place when the block ends well.

        For a project that is another one's copy; parameters and errors as for `writing`.
        """
        target = self.path.resolve()
        temporary = target.with_name(f".{target.name}.tmp")
        try:
            with _locked(target, wait_s), _held(target):
                try:
                    yield temporary
                    replace_file(temporary, target)
                finally:
                    # Ours after an error, or a dead writer's: the lock says that no other lives.
                    temporary.unlink(missing_ok=True)
        except OSError as error:
            failure = write_failure(error, self.path)
            if failure is None:
                raise
            raise failure from error


@contextmanager
def _opened(path: Path) -> Iterator[h5py.File]:
    if not path.exists():
        raise InputError("no such project file", file=path, hint="`ixs reduce` makes one")
    try:
        h5 = h5py.File(path, "r", locking=False)
    except OSError as error:
        raise _unreadable(path, error) from error
    with h5:
        _check(h5, path)
        yield h5


def _unreadable(path: Path, error: OSError) -> InputError:
    """Why HDF5 could not open a file, for the user."""
    if path.is_dir():
        return InputError("this is a folder, not a project file", file=path)
    if isinstance(error, PermissionError):
        return InputError("no permission to read", file=path)
    if not h5py.is_hdf5(path):
        return InputError(
            "this is not an HDF5 file",
            file=path,
            found=f"{path.stat().st_size} bytes of something else",
            expected="a project file as `ixs reduce` writes",
        )
    if "truncated" in str(error):
        return InputError(
            "the file is cut off: its end is missing",
            file=path,
            found=f"{path.stat().st_size} bytes",
            hint="copy it again from where it is whole",
        )
    return InputError(f"the file is damaged ({error})", file=path, hint="use a copy of it")


def _check(h5: h5py.File, path: Path) -> None:
    layout = h5.attrs.get("project_format")
    if layout is None or "entry" not in h5:
        raise InputError(
            "this HDF5 file is not a project of ixs-suite",
            file=path,
            hint="make one with `ixs reduce … -o project.h5`",
        )
    if layout > FORMAT:
        raise InputError(
            "the project was written by a newer version of ixs-suite",
            file=path,
            found=f"layout {layout}",
            expected=f"at most {FORMAT}",
            hint="update ixs-suite",
        )


def _begin(target: Path, temporary: Path) -> None:
    """Lay the file that is to be changed: a copy of the project, or a new one."""
    if target.exists():
        with _opened(target):
            pass
        shutil.copyfile(target, temporary)
        shutil.copymode(target, temporary)
        return
    content = io.BytesIO()
    # Free space is remembered in the file, so that replaced results do not make it grow.
    with h5py.File(content, "w", fs_strategy="fsm", fs_persist=True) as h5:
        h5.attrs["NX_class"] = "NXroot"
        h5.attrs["default"] = "entry"
        h5.attrs["creator"] = CREATOR
        h5.attrs["creator_version"] = versions_of([CREATOR]).get(CREATOR, "")
        h5.attrs["project_format"] = FORMAT
        entry = h5.create_group("entry")
        entry.attrs["NX_class"] = "NXentry"
    temporary.write_bytes(content.getvalue())


@contextmanager
def _changing(temporary: Path, target: Path) -> Iterator[h5py.File]:
    """The file open for changes; OSError at the end when the disk refused any of them."""
    with contextlib.closing(EnduringFile(temporary, target)) as stream:
        with h5py.File(stream, "r+") as h5:
            yield h5
        if stream.failure is not None:
            raise stream.failure


@contextmanager
def _locked(target: Path, wait_s: float) -> Iterator[None]:
    """Hold the project's lock file; it stays, because removing a lock file races with others."""
    descriptor = os.open(target.with_name(f".{target.name}.lock"), os.O_RDWR | os.O_CREAT, 0o666)
    try:
        _wait_for_lock(descriptor, target, wait_s)
        holder = f"{os.getpid()} {socket.gethostname()} {datetime.now():%H:%M:%S}"
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, holder.encode(), 0)
        try:
            yield
        finally:
            os.ftruncate(descriptor, 0)
            # Said aloud, since a forked child may still hold the descriptor.
            fcntl.flock(descriptor, fcntl.LOCK_UN)
    finally:
        os.close(descriptor)


def _wait_for_lock(descriptor: int, target: Path, wait_s: float) -> None:
    deadline = time.monotonic() + wait_s
    while not _try_lock(descriptor, fcntl.LOCK_EX, target):
        if time.monotonic() >= deadline:
            raise _locked_error(target, os.pread(descriptor, 200, 0).decode(errors="replace"))
        time.sleep(0.02)


def _try_lock(descriptor: int, mode: int, target: Path) -> bool:
    try:
        fcntl.flock(descriptor, mode | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP):
            raise
        raise InputError(
            "this disk offers no file locks, without which two writers would harm the project",
            file=target,
            hint="keep the project on a local disk",
        ) from error
    return True


def _locked_error(target: Path, holder: str) -> ProjectLockedError:
    pid, _, rest = holder.partition(" ")
    host, _, since = rest.partition(" ")
    return ProjectLockedError(
        "another program is writing this project",
        file=target,
        found=f"process {pid} on {host} since {since}" if pid else None,
        hint="try again when it has finished",
    )


@contextmanager
def _held(target: Path) -> Iterator[None]:
    """Keep programs that open the file itself for writing (h5py, HDFView) off meanwhile.

    HDF5 puts a lock on every file it opens for writing; a shared one of ours meets it.
    """
    if not target.is_file():
        yield
        return
    descriptor = os.open(target, os.O_RDONLY)
    try:
        if not _try_lock(descriptor, fcntl.LOCK_SH, target):
            raise _locked_error(target, "")
        yield
    finally:
        os.close(descriptor)
