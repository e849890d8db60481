"""Detector images: one frame of a file, read through fabio (Esperanto by an own decoder).

Rows of `values` are rows of the image, the first at the top; (0, 0) is the first pixel of the
file. Nothing of a header is ever run; files that are cut or damaged are refused, not padded.
"""

from __future__ import annotations

import base64
import hashlib
import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ixs_core.arrays import BoolArray
from ixs_core.errors import InputError, IxsError
from ixs_core.esperanto import MAGIC, read_esperanto
from ixs_core.frame_geometry import DetectorGeometry, Orientation
from ixs_core.frame_header import FrameInfo, frame_info, header_texts

FRAME_SUFFIXES = (
    *(".cbf", ".esperanto", ".esper", ".edf", ".edf.gz", ".cbf.gz", ".cbf.bz2", ".tif", ".tiff"),
    *(".img", ".mccd", ".mar3450", ".mar2300", ".sfrm", ".osc", ".rodhypix"),
)
"""Endings of files that are taken for frames in a folder; any file can be tried by its name."""

# What fabio raises for files that are not whole; a fault of this program is none of them.
_DAMAGED = (
    *(OSError, RuntimeError, ValueError, TypeError, AssertionError, LookupError),
    *(ArithmeticError, AttributeError, EOFError, NotImplementedError),
)


@dataclass(frozen=True)
class Frame:
    """A detector image.

    Parameters
    ----------
    values : (ny, nx) array
        Counts, of the type that the file has.
    mask : (ny, nx) bool array
        True where nothing was measured: gaps and bad pixels. In whole numbers these are the
        negative ones (and the largest of unsigned 32 bits and more), else those not finite.
    header : mapping
        Name -> text, in the order of the file.
    path : Path
    index, n_frames : int
        Number of the frame in its file, from 0, and how many the file has.
    info : FrameInfo
        What of the header is understood.
    """

    values: NDArray[Any]
    mask: BoolArray
    header: Mapping[str, str]
    path: Path
    index: int = 0
    n_frames: int = 1
    info: FrameInfo = field(default_factory=FrameInfo)

    @property
    def shape(self) -> tuple[int, int]:
        """(ny, nx)."""
        ny, nx = self.values.shape
        return ny, nx

    @property
    def geometry(self) -> DetectorGeometry | None:
        """Where pixels are, when the header says so."""
        return self.info.geometry

    @property
    def orientation(self) -> Orientation | None:
        """How the crystal stood, when the header says so."""
        return self.info.orientation

    @property
    def exposure_s(self) -> float | None:
        """Exposure in s, when the header says so."""
        return self.info.exposure_s

    @property
    def nbytes(self) -> int:
        """Memory of the arrays."""
        return int(self.values.nbytes + self.mask.nbytes)


def read_frame(path: str | Path, index: int = 0) -> Frame:
    """Read one frame of a file.

    Parameters
    ----------
    path : path
        Any format that fabio knows.
    index : int
        Number of the frame in the file, from 0.

    Raises
    ------
    InputError
        There is no such file or frame, it is no image, or it is cut or damaged.
    """
    path = Path(path)
    _require_file(path)
    try:
        if _head(path).startswith(MAGIC):
            values, header, n_frames = (*read_esperanto(path), 1)
            _require_index(path, index, n_frames)
        else:
            values, header, n_frames = _through_fabio(path, index)
    except InputError as error:
        if error.file is not None:
            raise
        raise InputError(
            error.message,
            file=path,
            key=error.key,
            found=error.found,
            expected=error.expected,
            hint=error.hint,
        ) from error
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", file=path) from error
    return make_frame(values, header_texts(header), path, index, n_frames)


def make_frame(
    values: NDArray[Any], header: Mapping[str, str], path: Path, index: int = 0, n_frames: int = 1
) -> Frame:
    """A frame of its values and header texts: finds the mask, reads the header."""
    return Frame(
        values=values,
        mask=missing_pixels(values),
        header=MappingProxyType(dict(header)),
        path=path,
        index=index,
        n_frames=n_frames,
        info=frame_info(header),
    )


def missing_pixels(values: NDArray[Any]) -> BoolArray:
    """(ny, nx) bool: gaps and bad pixels, as `Frame.mask` says."""
    if values.dtype.kind == "f":
        return np.asarray(~np.isfinite(values))
    if values.dtype.kind == "u":
        if values.dtype.itemsize < 4:
            return np.zeros(values.shape, dtype=bool)
        return np.asarray(values == np.iinfo(values.dtype).max)
    return np.asarray(values < 0)


def _require_file(path: Path) -> None:
    if path.is_dir():
        raise InputError("this is a folder, not a frame", file=path)
    if not path.is_file():
        raise InputError("there is no such file", file=path)


def _require_index(path: Path, index: int, n_frames: int) -> None:
    if not 0 <= index < n_frames:
        raise InputError(
            "the file has no such frame",
            file=path,
            found=f"frame {index + 1}",
            expected=f"1 to {n_frames}",
        )


def _head(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(len(MAGIC))


def _through_fabio(path: Path, index: int) -> tuple[NDArray[Any], Mapping[Any, Any], int]:
    """Values, header and number of frames; what fabio would only log is an error here."""
    import fabio  # type: ignore[import-untyped]

    with _fabio_warnings() as warnings:
        try:
            image = fabio.open(str(path))
            n_frames = int(image.nframes)
            _require_index(path, index, n_frames)
            if index:
                image = image.get_frame(index)
            values = image.data
            header = dict(image.header)
        except IxsError:
            raise
        except _DAMAGED as error:
            raise _damaged(path, error, warnings) from error
    _require_whole(path, image, warnings)
    if not isinstance(values, np.ndarray) or values.ndim != 2 or values.size == 0:
        found = "nothing" if values is None else f"an array of shape {np.shape(values)}"
        raise InputError(
            "this is no image of a detector", file=path, found=found, expected="rows and columns"
        )
    if values.dtype.kind not in "iuf":
        raise InputError("the pixels are no counts", file=path, found=str(values.dtype))
    return values.astype(values.dtype.newbyteorder("="), copy=False), header, n_frames


def _damaged(path: Path, error: Exception, warnings: list[str]) -> InputError:
    reason = str(error).strip() or (warnings[-1] if warnings else type(error).__name__)
    return InputError(
        "this cannot be read as a frame: it is cut, damaged or no image",
        file=path,
        found=" ".join(reason.split())[:200],
    )


def _require_whole(path: Path, image: Any, warnings: list[str]) -> None:
    """Refuse what fabio fills up or lets pass: cut EDF, CBF with another checksum."""
    incomplete = getattr(image, "incomplete_file", False)
    incomplete = incomplete or getattr(image, "incomplete_data", False)
    if incomplete or any("incomplete" in text for text in warnings):
        raise InputError(
            "the file is cut: its pixels end early",
            file=path,
            hint="it may still be being written; try again",
        )
    stated = str(image.header.get("Content-MD5", "")).strip()
    block = getattr(image, "cbs", None)
    if stated and block is not None:
        begin = image.start_binary + len(image.STARTER)
        digest = base64.b64encode(hashlib.md5(block[begin:], usedforsecurity=False).digest())
        if digest.decode() != stated:
            raise InputError(
                "the pixels are damaged: they do not fit the checksum of the file", file=path
            )


class _OfThisThread(logging.Handler):
    """Keeps what the thread that made it logs."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._thread = threading.get_ident()
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the text of a record."""
        if record.thread == self._thread:
            self.texts.append(record.getMessage())


@contextmanager
def _fabio_warnings() -> Iterator[list[str]]:
    """What fabio says in this block, kept instead of printed."""
    logger = logging.getLogger("fabio")
    handler = _OfThisThread()
    logger.addHandler(handler)
    try:
        yield handler.texts
    finally:
        logger.removeHandler(handler)
