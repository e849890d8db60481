"""Esperanto, the frames of CrysAlis Pro: lines of text, then pixels, compressed or not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ixs_core.errors import InputError

MAGIC = b"ESPERANTO FORMAT"
_TOP = re.compile(
    rb"ESPERANTO FORMAT\s+\d+\s+CONSISTING OF\s+(\d+)\s+LINES OF\s+(\d+)\s+BYTES EACH"
)
_WIDEST = 16_384  # pixels along an edge; more is a damaged header
_COMPRESSED, _PLAIN = "AGI_BITFIELD", "4BYTE_LONG"

# What the values of a line are, in their order; the names are those of the format.
_FIELDS = {
    "IMAGE": "lnx lny lbx lby spixelformat",
    "SPECIAL_CCD_1": "delectronsperadu ldarkcorrectionswitch lfloodfieldcorrectionswitch "
    "dsystemdcdb2gain ddarksignal dreadnoiserms",
    "SPECIAL_CCD_2": "ioverflowflag ioverflowafterremeasureflag inumofdarkcurrentimages "
    "inumofmultipleimages loverflowthreshold",
    "SPECIAL_CCD_5": "dblessingrej ddarksignalfromimage dreadnoisermsfromimage dtrueimagegain",
    "TIME": "dexposuretimeinsec doverflowtimeinsec doverflowfilter",
    "MONITOR": "lmon1 lmon2 lmon3 lmon4",
    "PIXELSIZE": "drealpixelsizex drealpixelsizey dsithicknessmmforpixeldetector",
    "STARTANGLESINDEG": "dom_s dth_s dka_s dph_s",
    "ENDANGLESINDEG": "dom_e dth_e dka_e dph_e",
    "GONIOMODEL_1": "dbeam2indeg dbeam3indeg detectorrotindeg_x detectorrotindeg_y "
    "detectorrotindeg_z dxorigininpix dyorigininpix dalphaindeg dbetaindeg ddistanceinmm",
    "GONIOMODEL_2": "dzerocorrectionsoftindeg_om dzerocorrectionsoftindeg_th "
    "dzerocorrectionsoftindeg_ka dzerocorrectionsoftindeg_ph",
    "WAVELENGTH": "dalpha1 dalpha2 dalpha12 dbeta1",
}


class EsperantoImage(NamedTuple):
    """Pixels (rows, columns) and the header, a text for each value."""

    pixels: NDArray[np.int32]
    header: Mapping[str, str]


def read_esperanto(path: Path) -> EsperantoImage:
    """Read an Esperanto frame.

    Raises
    ------
    InputError
        The file is cut or damaged; it says what, not where the file is.
    OSError
    """
    content = path.read_bytes()
    top = _TOP.match(content)
    if top is None:
        raise InputError("the first line is not that of an Esperanto frame")
    lines, width = int(top.group(1)), int(top.group(2))
    begin = lines * width
    if len(content) < begin:
        raise InputError(
            "the file is cut in its header", found=f"{len(content)} bytes", expected=f"{begin}"
        )
    header = _header(content[:begin], width)
    shape = _shape(header)
    kind = header.get("IMAGE.spixelformat", "")
    if kind == _COMPRESSED:
        from ixs_core.agi_bitfield import decode

        return EsperantoImage(decode(content[begin:], shape), header)
    if kind == _PLAIN:
        return EsperantoImage(_plain(content[begin:], shape), header)
    raise InputError(
        "the pixels are in a form that is not known",
        key="IMAGE",
        found=kind or "nothing",
        expected=f"{_COMPRESSED} or {_PLAIN}",
    )


def _header(content: bytes, width: int) -> dict[str, str]:
    """One entry for each value whose name is known, one for each other line."""
    header: dict[str, str] = {}
    for begin in range(0, len(content), width):
        text = content[begin : begin + width].decode("latin-1").strip(" \r\n\x1a\x00")
        name, _, rest = text.partition(" ")
        if not name:
            continue
        rest = rest.strip()
        if name not in _FIELDS:
            header[name] = rest.strip('"')
            continue
        values = rest.split()
        for field, value in zip(_FIELDS[name].split(), values, strict=False):
            header[f"{name}.{field}"] = value.strip('"')
    return header


def _shape(header: Mapping[str, str]) -> tuple[int, int]:
    sizes = []
    for name in ("IMAGE.lny", "IMAGE.lnx"):
        text = header.get(name, "")
        if not text.isdecimal() or not 1 <= int(text) <= _WIDEST:
            raise InputError(
                "the header does not say how large the image is",
                key=name,
                found=text or "nothing",
                expected=f"1 to {_WIDEST} pixels",
            )
        sizes.append(int(text))
    return sizes[0], sizes[1]


def _plain(block: bytes, shape: tuple[int, int]) -> NDArray[np.int32]:
    needed = 4 * shape[0] * shape[1]
    if len(block) < needed:
        raise InputError(
            "the file is cut: its pixels end early",
            found=f"{len(block)} bytes of pixels",
            expected=f"{needed}",
            hint="it may still be being written; try again",
        )
    return np.frombuffer(block, "<i4", shape[0] * shape[1]).astype(np.int32).reshape(shape)
