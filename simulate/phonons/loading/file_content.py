"""A file's bytes, decompressed where they are compressed, and where to look for its companions."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ixs_core.errors import InputError

COMPRESSIONS = ("", ".xz", ".gz", ".bz2", ".lzma")
"""Endings that a file beside the given one may carry."""

_DECOMPRESS: tuple[tuple[bytes, Callable[[bytes], bytes]], ...] = (
    (b"\xfd7zXZ\x00", lzma.decompress),
    (b"\x1f\x8b", gzip.decompress),
    (b"BZh", bz2.decompress),
    (b"\x5d\x00\x00", lzma.decompress),
)
_CANNOT_DECOMPRESS = (OSError, EOFError, lzma.LZMAError, zlib.error, ValueError)


@dataclass(frozen=True)
class FileContent:
    """A file as read once.

    Parameters
    ----------
    path : Path
    data : bytes
        Decompressed.
    sha256 : str
        Digest of the file as it lies on the disk.
    """

    path: Path
    data: bytes
    sha256: str

    @property
    def text(self) -> str:
        """The content as text; InputError where it is none."""
        try:
            return self.data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise InputError(
                "this is not a text file",
                file=self.path,
                found=f"byte {self.data[error.start]:#04x} at position {error.start}",
                expected="UTF-8 text",
            ) from error

    @property
    def is_hdf5(self) -> bool:
        """Whether it is an HDF5 file, by its first bytes."""
        return self.data.startswith(b"\x89HDF\r\n\x1a\n")


def read_content(path: Path) -> FileContent:
    """Read a file, decompressing xz, gzip, bzip2 and lzma by their first bytes.

    Raises
    ------
    InputError
        The file is missing, a folder, empty, unreadable, or its compression is broken.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        hint = "give the file, not its folder" if path.is_dir() else None
        raise InputError(f"cannot be read: {error.strerror}", file=path, hint=hint) from error
    data = raw
    for magic, decompress in _DECOMPRESS:
        if raw.startswith(magic):
            try:
                data = decompress(raw)
            except _CANNOT_DECOMPRESS as error:
                raise InputError(
                    "the compressed file is broken", file=path, found=str(error)
                ) from error
            break
    if not data.strip():
        raise InputError("the file is empty", file=path)
    return FileContent(path, data, hashlib.sha256(raw).hexdigest())


def beside(path: Path, names: Sequence[str]) -> Path | None:
    """The first of the names, plain or compressed, that is a file in the folder of `path`."""
    for name in names:
        for ending in COMPRESSIONS:
            candidate = path.parent / (name + ending)
            if candidate.is_file() and candidate != path:
                return candidate
    return None


def all_beside(path: Path, patterns: Sequence[str]) -> Iterator[Path]:
    """Files in the folder of `path`, other than it, whose name fits a pattern; by name."""
    found = {
        file
        for pattern in patterns
        for ending in COMPRESSIONS
        for file in path.parent.glob(pattern + ending)
        if file.is_file() and file != path
    }
    yield from sorted(found)


def mention(content: FileContent) -> str:
    """Name and short digest of a companion file, for a note."""
    return f"{content.path.name} (sha256 {content.sha256[:12]})"
