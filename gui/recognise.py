"""What a dropped file is, by its content, and by its name where that tells nothing. Qt-free."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import re
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Literal, cast

import h5py

from ixs_core.errors import InputError

FileKind = Literal[
    "project",
    "resolution",
    "resolution-table",
    "folder",
    "scans",
    "frames",
    "reflections",
    "density",
    "force-constants",
    "experiment",
    "trajectory",
]

_HEAD = 4096
_LOOKED_AT = 20  # files of a folder
_PACKED: tuple[tuple[bytes, Callable[[Path], BinaryIO]], ...] = (
    (b"\x1f\x8b", cast(Callable[[Path], BinaryIO], gzip.open)),
    (b"BZh", cast(Callable[[Path], BinaryIO], bz2.open)),
    (b"\xfd7zXZ\x00", cast(Callable[[Path], BinaryIO], lzma.open)),
)
_TIFF = (b"II*\x00", b"MM\x00*")
_CIF = re.compile(r"^\s*(data_|_cell_length_a|_refln|_atom_site)", re.MULTILINE)
_EXPERIMENT = re.compile(r"^\s*\[(sample|orientation|spectrometer|beam)\]", re.MULTILINE)
_FORCE_CONSTANTS = re.compile(
    r"^(phonopy|phono3py|force_constants|displacements?|supercell_matrix|primitive_matrix):"
    r"|^\s*&allocations\b",
    re.MULTILINE,
)
_FORCE_CONSTANTS_NAME = re.compile(
    r"force_(constants(_2nd)?|sets)(\.(xz|gz|bz2|lzma))?$", re.IGNORECASE
)
_TRAJECTORY = re.compile(
    r"\A(ITEM: TIMESTEP|- of Ulm)|^(Direct configuration=|<modeling>)", re.MULTILINE
)


def recognise(path: Path) -> FileKind:
    """The kind of a file, from its first bytes (or, for HDF5, its groups).

    Raises
    ------
    InputError
        When there is no such file, or it is none that the viewer takes.
    """
    if path.is_dir():
        return _folder_kind(path)
    if not path.exists():
        raise InputError("there is no such file", file=path)
    if not path.is_file():  # a pipe would keep the window waiting for what never comes
        raise InputError("this is no file with content of its own", file=path)
    if not os.access(path, os.R_OK):
        raise InputError("no permission to read", file=path)
    with path.open("rb") as stream:
        head = stream.read(_HEAD)
    if head.startswith(b"\x89HDF"):
        return _hdf5_kind(path)
    inside = _unpacked(path, head)
    text = (head if inside is None else inside).decode("utf-8", errors="replace")
    if inside is None:
        kind = _picture(head, text) or _text_kind(path, text)
    else:
        kind = _simulated(path, text)
    if kind is None:
        raise InputError(
            "this is no file that the viewer takes",
            file=path,
            expected="scans, a project, structure factors, a density, detector frames, force "
            "constants, an experiment or a trajectory",
        )
    return kind


def _folder_kind(path: Path) -> FileKind:
    """A folder of nothing but pictures is a series of frames; any other is watched for scans."""
    try:
        files = sorted(entry for entry in path.iterdir() if not entry.name.startswith("."))
        heads = []
        for file in (entry for entry in files[:_LOOKED_AT] if entry.is_file()):
            with file.open("rb") as stream:
                heads.append(stream.read(_HEAD))
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", file=path) from error
    pictures = [_picture(head, head.decode("utf-8", errors="replace")) for head in heads]
    return "frames" if heads and set(pictures) == {"frames"} else "folder"


def _unpacked(path: Path, head: bytes) -> bytes | None:
    """The first bytes of what a compressed file holds; None where it is none."""
    for mark, opener in _PACKED:
        if head.startswith(mark):
            try:
                with opener(path) as stream:
                    return stream.read(_HEAD)
            except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
                raise InputError(
                    f"the file is damaged or cut off ({error})", file=path, hint="use a copy of it"
                ) from error
    return None


def _hdf5_kind(path: Path) -> FileKind:
    try:
        h5 = h5py.File(path, "r", locking=False)
    except OSError as error:
        raise InputError(
            f"the file is damaged or cut off ({error})", file=path, hint="use a copy of it"
        ) from error
    with h5:
        if "project_format" in h5.attrs:
            entry = set(h5.get("entry", ()))
            return "resolution" if entry == {"resolutions"} else "project"
        names = set(h5)
    if {"positions", "displacement_i16", "particles"} & names:
        return "trajectory"
    if {"force_constants", "fc2"} & names:
        return "force-constants"
    return "scans"


def _picture(head: bytes, text: str) -> FileKind | None:
    if head[208:212] == b"MAP ":
        return "density"
    cbf = text.startswith("###CBF") or "X-Binary-Size" in text
    esperanto = text.startswith("ESPERANTO FORMAT")
    edf = text.lstrip("\r\n").startswith("{") and "Dim_1" in text
    if head.startswith(_TIFF) or cbf or esperanto or edf:
        return "frames"
    return None


def _text_kind(path: Path, text: str) -> FileKind | None:
    # CIFs first: they speak of displacements, too, which are also a part of force constants.
    if _CIF.search(text):
        return "reflections"
    if text.lstrip().startswith("{") and '"analyzers"' in text and '"components"' in text:
        return "resolution-table"
    if path.suffix.lower() == ".toml" and _EXPERIMENT.search(text):
        return "experiment"
    simulated = _simulated(path, text)
    if simulated is not None:
        return simulated
    if path.suffix.lower() in (".hkl", ".fcf", ".fos", ".mem", ".bminput"):
        return "reflections"
    if path.suffix.lower() in (".pgrid", ".ggrid", ".cube"):
        return "density"
    from ixs_reduce.formats import identify

    try:
        identify(path)
    except InputError:
        return None
    return "scans"


def _simulated(path: Path, text: str) -> FileKind | None:
    """Force constants and trajectories, which are read compressed as well."""
    if _FORCE_CONSTANTS.search(text) or _FORCE_CONSTANTS_NAME.match(path.name):
        return "force-constants"
    if _TRAJECTORY.search(text) or "Lattice=" in text[:400]:
        return "trajectory"
    return None
