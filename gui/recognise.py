"""What a dropped file is, by its content; names decide only between pictures. Qt-free."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Literal

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
_TIFF = (b"II*\x00", b"MM\x00*")
_CIF = re.compile(r"^\s*(data_|_cell_length_a|_refln|_atom_site)", re.MULTILINE)
_EXPERIMENT = re.compile(r"^\s*\[(sample|orientation|spectrometer|beam)\]", re.MULTILINE)
_FORCE_CONSTANTS = ("force_constants:", "displacement", "phonopy:", "supercell_matrix:")


def recognise(path: Path) -> FileKind:
    """The kind of a file, from its first bytes (or, for HDF5, its groups).

    Raises
    ------
    InputError
        When there is no such file, or it is none that the viewer takes.
    """
    if path.is_dir():
        return "folder"
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
    text = head.decode("utf-8", errors="replace")
    kind = _picture(head, text) or _text_kind(path, text)
    if kind is None:
        raise InputError(
            "this is no file that the viewer takes",
            file=path,
            expected="scans, a project, structure factors, a density, detector frames, force "
            "constants, an experiment or a trajectory",
        )
    return kind


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
    if path.suffix == ".xz" or any(word in text for word in _FORCE_CONSTANTS):
        return "force-constants"
    if path.suffix.lower() in (".hkl", ".fcf", ".fos", ".mem", ".bminput"):
        return "reflections"
    if path.suffix.lower() in (".pgrid", ".ggrid", ".cube"):
        return "density"
    if text.startswith("ITEM: TIMESTEP") or "Lattice=" in text[:400]:
        return "trajectory"
    from ixs_reduce.formats import identify

    try:
        identify(path)
    except InputError:
        return None
    return "scans"
