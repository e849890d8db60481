"""What a file is, told from its content and never from its name alone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from ixs_core.errors import InputError

Kind = Literal["spec", "spring8", "gpi", "hdf5", "text"]

_HEAD = 65536
_HDF5 = b"\x89HDF\r\n\x1a\n"
_FOREIGN = {
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"%PDF": "a PDF document",
    b"PK\x03\x04": "a ZIP archive",
    b"\x1f\x8b": "a gzip archive",
    b"\xfd7zXZ": "an xz archive",
    b"BZh": "a bzip2 archive",
    b"II*\x00": "a TIFF image",
    b"MM\x00*": "a TIFF image",
}
_SPEC = re.compile(r"^#(?:F \S|S \d)", re.MULTILINE)
_GPI = re.compile(r"^\s*(?:f_prefix|tf_1|main_title)\s*=", re.MULTILINE)
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][-+]?\d+)?$")


def identify(path: str | Path) -> Kind:
    """The kind of a data file.

    Parameters
    ----------
    path : path

    Returns
    -------
    "spec" (SPEC scans), "spring8" (reduced 12-column), "gpi" (the gnuplot file beside those),
    "hdf5" (HDF5 or NeXus), or "text" (columns of numbers that a mapping has to explain).

    Raises
    ------
    InputError
        When there is no such file, it is empty, or it is none of these.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(
            "this is a folder, not a file" if path.is_dir() else "there is no such file", file=path
        )
    with path.open("rb") as stream:
        head = stream.read(_HEAD)
    if not head.strip():
        raise InputError("the file is empty", file=path, expected="measured data")
    if head.startswith(_HDF5):
        return "hdf5"
    for magic, name in _FOREIGN.items():
        if head.startswith(magic):
            raise _foreign(path, name)
    if b"\x00" in head[:4096]:
        raise _foreign(path, "binary data of an unknown kind")
    return _text_kind(head.decode("utf-8", "replace"), path)


def _text_kind(text: str, path: Path) -> Kind:
    text = text.replace("\r\n", "\n")
    if _SPEC.search(text):
        return "spec"
    lines = [line for line in text.split("\n") if line.strip()]
    if lines[0].split()[:2] == ["meV", "meV_shf"]:
        return "spring8"
    if _GPI.search(text):
        return "gpi"
    numeric = [
        line
        for line in lines[:200]
        if all(_NUMBER.match(token) for token in re.split(r"[\s,;]+", line.strip()) if token)
    ]
    if not numeric:
        raise _foreign(path, f"text that begins {lines[0].strip()[:40]!r}")
    return "text"


def _foreign(path: Path, found: str) -> InputError:
    return InputError(
        "this is not a file of scans",
        file=path,
        found=found,
        expected="SPEC, SPring-8 12-column, gpi, HDF5 or columns of numbers",
    )
