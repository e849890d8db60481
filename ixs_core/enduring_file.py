"""A file that outlasts a full disk, for HDF5 to write to.

HDF5 does not survive a refused write: every object still open fails again when it is
let go, with a message each, and the process crashes at its end. Here a refused write is
remembered and the file lives on in memory, so that the writer can close it in peace,
learn of the failure, and throw it away.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


class EnduringFile:
    """An existing file, open for reading and writing, as h5py's file-object driver wants it.

    Parameters
    ----------
    path : Path
        The file.
    name : Path
        What messages call it (a temporary file goes by the name it will get).

    Attributes
    ----------
    failure : OSError or None
        The first refusal of the disk; what lies on the disk is worthless after it.
    """

    def __init__(self, path: Path, name: Path) -> None:
        self.failure: OSError | None = None
        self._name = name
        self._stream: io.RawIOBase | io.BytesIO = open(path, "r+b", buffering=0)  # noqa: SIM115

    def __repr__(self) -> str:
        """The name that h5py gives the file in its messages."""
        return str(self._name)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def read(self, size: int = -1) -> bytes:
        return self._stream.read(size) or b""

    def readinto(self, buffer: memoryview) -> int:
        return self._stream.readinto(buffer) or 0

    def write(self, content: memoryview) -> int:
        start = self._stream.tell()
        return self._endure(lambda: self._write_all(content), start)

    def truncate(self, size: int) -> int:
        return self._endure(lambda: self._stream.truncate(size), self._stream.tell())

    def flush(self) -> None:
        self._stream.flush()

    def close(self) -> None:
        self._stream.close()

    def _write_all(self, content: memoryview) -> int:
        done = 0
        # A nearly full disk takes a part without an error, and refuses the rest.
        while done < len(content):
            done += self._stream.write(content[done:]) or 0
        return done

    def _endure(self, action: Callable[[], T], position: int) -> T:
        try:
            return action()
        except OSError as error:
            self.failure = error
            self._move_to_memory(position)
            return action()

    def _move_to_memory(self, position: int) -> None:
        disk = self._stream
        disk.seek(0)
        self._stream = io.BytesIO()
        while part := disk.read(1 << 20):
            self._stream.write(part)
        disk.close()
        self._stream.seek(position)
