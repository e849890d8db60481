"""The bytes of a text file of any size by their place, also of a compressed one."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
import threading
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ixs_core.errors import InputError
from ixs_core.jobs import CancelToken, Progress
from ixs_core.provenance import sha256_of

_CHUNK = 1 << 21
_OPENERS: tuple[tuple[bytes, Any], ...] = (
    (b"\x1f\x8b", gzip.open),
    (b"BZh", bz2.open),
    (b"\xfd7zXZ\x00", lzma.open),
)
_BROKEN = (OSError, EOFError, zlib.error, lzma.LZMAError)


class Marked(NamedTuple):
    """Where a marker stands, and the bytes around it: `window[at:]` begins with it."""

    place: int
    window: bytes
    at: int


@dataclass
class FileBytes:
    """Bytes of a file as if it were not compressed.

    Going back in a compressed file reads it again from its beginning.

    Parameters
    ----------
    path : Path
    """

    path: Path
    size: int = 0
    sha256: str = ""
    cut_short: bool = False
    _stream: BinaryIO | None = field(default=None, repr=False)
    _lock: Any = field(default_factory=threading.Lock, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        kept = {"path": self.path, "size": self.size, "sha256": self.sha256}
        return {**kept, "cut_short": self.cut_short}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._stream, self._lock = None, threading.Lock()

    @property
    def compressed(self) -> bool:
        """Whether the file is compressed, by its first bytes."""
        return _opener(self.path) is not None

    def read(self, start: int, stop: int) -> NDArray[np.uint8]:
        """Bytes start … stop - 1; InputError where the file cannot be read."""
        if self.size:
            stop = min(stop, self.size)
        try:
            if not self.compressed:
                with open(self.path, "rb") as stream:
                    stream.seek(start)
                    data = stream.read(stop - start)
            else:
                data = self._read_compressed(start, stop)
        except _BROKEN as error:
            raise _unreadable(self.path, error) from error
        return np.frombuffer(data, dtype=np.uint8)

    def _read_compressed(self, start: int, stop: int) -> bytes:
        """Through a stream that is kept: reading on needs nothing before."""
        with self._lock:
            if self._stream is None:
                self._stream = _open_bytes(self.path)
            self._stream.seek(start)
            return self._stream.read(stop - start)

    def line_of(self, place: int) -> int:
        """1-based number of the line that holds a byte."""
        line = 1
        for start in range(0, place, _CHUNK):
            line += int((self.read(start, min(start + _CHUNK, place)) == 10).sum())
        return line

    def find(
        self,
        marker: bytes,
        around: int,
        progress: Progress | None = None,
        cancel: CancelToken | None = None,
    ) -> Iterator[Marked]:
        """Every place of a marker, with up to `around` bytes before and after it.

        Takes size and digest on the way; a compressed file that ends early is read as far
        as it goes, and `cut_short` says so.
        """
        digest = hashlib.sha256()
        held, base, done = b"", 0, 0  # base: place of held[0]; done: markers before it are given
        last = False
        try:
            with _open_bytes(self.path) as stream:
                while not last:
                    if cancel is not None:
                        cancel.check()
                    chunk = self._next_chunk(stream)
                    last = not chunk
                    digest.update(chunk)
                    held += chunk
                    limit = len(held) if last else len(held) - around - len(marker)
                    at = held.find(marker, max(done - base, 0))
                    while 0 <= at < limit:
                        begin = max(at - around, 0)
                        yield Marked(base + at, held[begin : at + around], at - begin)
                        at = held.find(marker, at + 1)
                    done = max(done, base + limit)
                    keep = max(limit - around, 0)
                    held, base = held[keep:], base + keep
                    if progress is not None:
                        progress(base, 0, "looking for frames")
        except _BROKEN as error:
            raise _unreadable(self.path, error) from error
        self.size = base + len(held)
        self.sha256 = sha256_of(self.path) if self.compressed else digest.hexdigest()

    def _next_chunk(self, stream: BinaryIO) -> bytes:
        pieces: list[bytes] = []
        held = 0
        try:
            # In small steps: what a longer read had before the end of a cut file is lost.
            while held < _CHUNK:
                piece = stream.read1(_CHUNK - held)  # type: ignore[attr-defined]
                if not piece:
                    break
                pieces.append(piece)
                held += len(piece)
        except EOFError:
            self.cut_short = True
        return b"".join(pieces)


def _opener(path: Path) -> Any:
    try:
        with open(path, "rb") as stream:
            begin = stream.read(6)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", file=path) from error
    return next((opener for magic, opener in _OPENERS if begin.startswith(magic)), None)


def _open_bytes(path: Path) -> BinaryIO:
    opener = _opener(path)
    stream: BinaryIO = (opener or open)(path, "rb")
    return stream


def _unreadable(path: Path, error: BaseException) -> InputError:
    return InputError("the file is broken or cannot be read", file=path, found=str(error))
