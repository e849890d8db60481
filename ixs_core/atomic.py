"""Write a file whole or not at all, so that a crash or a full disk never leaves half of one."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ixs_core.errors import InputError

# What stops a write and is for the user to mend, not a fault of the program.
_REASONS = {
    errno.ENOSPC: ("the disk is full", "make room or write to another folder"),
    errno.EDQUOT: ("the disk quota is used up", "make room or write to another folder"),
    errno.EFBIG: ("the file grows beyond what is allowed here", "write to another disk"),
    errno.EACCES: ("no permission to write", "write to a folder of your own"),
    errno.EPERM: ("no permission to write", "write to a folder of your own"),
    errno.EROFS: ("the disk is read-only", "write to another folder"),
    errno.ENOENT: ("the folder does not exist", "make it first"),
    errno.ENOTDIR: ("the folder is not a folder", "write to another folder"),
    errno.EISDIR: ("this is a folder, not a file", "give the name of a file"),
}


def write_failure(error: OSError, path: str | Path) -> InputError | None:
    """The error as a line for the user, or None when it is not about room or permission."""
    reason = _REASONS.get(error.errno or 0)
    if reason is None:
        return None
    return InputError(f"cannot be written: {reason[0]}", file=path, hint=reason[1])


def sync_file(path: Path) -> None:
    """Have the disk hold a file's content before its name is given away."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace_file(temporary: Path, target: Path) -> None:
    """Give a finished file its name in one step, and have the disk hold content and name."""
    sync_file(temporary)
    os.replace(temporary, target)
    sync_file(target.parent)


@contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """A temporary file to write, which takes the place of `path` when the block ends well.

    The temporary file lies in the same folder and keeps the suffix, by which other
    libraries choose the format. When the block raises, `path` is as it was before.

    Raises
    ------
    InputError
        When the disk is full, the folder is missing or may not be written.
    """
    target = Path(path)
    if target.exists() and not target.is_file() and not target.is_dir():
        with _written_through(target) as temporary:
            yield temporary
        return
    target = target.resolve()
    temporary = target.with_name(f".{target.stem}.{secrets.token_hex(4)}{target.suffix}")
    try:
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        yield temporary
        if target.exists():
            shutil.copymode(target, temporary)
        replace_file(temporary, target)
    except OSError as error:
        failure = write_failure(error, path)
        if failure is None:
            raise
        raise failure from error
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def _written_through(target: Path) -> Iterator[Path]:
    """For pipes and devices such as /dev/stdout, which cannot be replaced by a file."""
    with tempfile.TemporaryDirectory() as folder:
        temporary = Path(folder) / "content"
        temporary.touch()
        yield temporary
        target.write_bytes(temporary.read_bytes())


def atomic_write_text(path: str | Path, text: str) -> None:
    """Write a text file (UTF-8) whole or not at all; errors as in `atomic_write`."""
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
