"""Esperanto frames: the fast decoder against fabio, bit for bit; cut and damaged files."""

from __future__ import annotations

import contextlib
import struct
from pathlib import Path

import numpy as np
import pytest
from fabio.compression import agi_bitfield
from fabio.esperantoimage import EsperantoImage
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from ixs_core.agi_bitfield import decode
from ixs_core.errors import InputError
from ixs_core.frames import read_frame

HEADER_BYTES = 25 * 256
PIXEL = st.one_of(
    st.integers(-2, 2),
    st.integers(-70, 70),
    st.integers(-130, 130),
    st.integers(-33_000, 33_000),
    st.integers(-(2**30), 2**30 - 1),
)


def compressed(pixels: NDArray[np.int32]) -> bytes:
    """As fabio compresses; any shape."""
    return bytes(agi_bitfield.compress(pixels))


def test_a_file_of_fabio_is_read_as_fabio_reads_it(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    counts = random.poisson(15, (512, 512)).astype(np.int32)
    counts[random.random(counts.shape) < 2e-3] *= 3000
    path = write(tmp_path, counts)
    frame = read_frame(path)
    assert frame.values.dtype == np.int32
    assert np.array_equal(frame.values, EsperantoImage().read(str(path)).data)
    assert np.array_equal(frame.values, counts)


def test_plain_pixels_are_read_too(tmp_path: Path) -> None:
    counts = np.arange(256 * 256, dtype=np.int32).reshape(256, 256) - 5
    image = EsperantoImage(data=counts)
    image.format = "4BYTE_LONG"
    image.write(str(tmp_path / "plain.esperanto"))
    assert np.array_equal(read_frame(tmp_path / "plain.esperanto").values, counts)


@pytest.mark.parametrize("bits", range(1, 9))
def test_every_length_of_field_in_both_places(bits: int) -> None:
    """Rows whose first field needs `bits` bits and whose second one needs another length."""
    low, high = -(2 ** (bits - 1)) + 1, 2 ** (bits - 1)
    random = np.random.default_rng(bits)
    rows = []
    for other in range(1, 9):
        steps = np.concatenate(
            [
                random.integers(low, high + 1, 8),
                random.integers(-(2 ** (other - 1)) + 1, 2 ** (other - 1) + 1, 8),
            ]
        )
        steps[0], steps[8] = low, 2 ** (other - 1)
        rows.append(np.concatenate([[7], 7 + np.cumsum(steps)]))
    pixels = np.array(rows, dtype=np.int32)
    agrees_with_fabio(pixels)
    lengths = {compressed(row[None])[5] & 15 for row in pixels}
    assert lengths == {bits}


@pytest.mark.parametrize("step", [126, 127, -127, -128, 32766, 32767, -32767, -32768, 10**9])
def test_values_that_need_more_bytes(step: int) -> None:
    """Escapes of two and of four bytes, in fields, as the first pixel, and at the end of a row."""
    row = np.zeros(24, dtype=np.int64)
    row[[0, 3, 4, 12, 20]] = step
    agrees_with_fabio(np.array([row, -row], dtype=np.int32))


@pytest.mark.parametrize("columns", [1, 2, 8, 9, 15, 16, 17, 18, 31, 32, 33, 47, 250])
def test_edges_that_are_no_multiple_of_a_field(columns: int) -> None:
    random = np.random.default_rng(columns)
    agrees_with_fabio(random.integers(-300, 300, (7, columns)).astype(np.int32))


@pytest.mark.parametrize("scale", [0.3, 3, 30, 300, 4000, 1e5, 1e8])
def test_random_frames(scale: float) -> None:
    random = np.random.default_rng(int(scale))
    agrees_with_fabio(np.rint(random.standard_cauchy((64, 256)) * scale).clip(-1e9, 1e9))
    agrees_with_fabio(random.poisson(scale, (64, 256)))


@settings(max_examples=150, deadline=None)
@given(arrays(np.int32, st.tuples(st.integers(1, 5), st.integers(1, 60)), elements=PIXEL))
def test_any_frame(pixels: NDArray[np.int32]) -> None:
    agrees_with_fabio(pixels)


@settings(max_examples=200, deadline=None)
@given(st.binary(min_size=0, max_size=400), st.integers(1, 4), st.integers(1, 40))
def test_any_bytes_give_pixels_or_an_error(block: bytes, rows: int, columns: int) -> None:
    """Nothing is read beyond the end, whatever stands there."""
    with contextlib.suppress(InputError):
        assert decode(block, (rows, columns)).shape == (rows, columns)


@pytest.mark.parametrize("kept", [0.05, 0.3, 0.9, 0.999])
def test_a_cut_file_is_refused_by_name(tmp_path: Path, kept: float) -> None:
    path = write(tmp_path, np.random.default_rng(3).poisson(9, (256, 256)))
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(InputError, match="cut") as caught:
        read_frame(path)
    assert caught.value.file == path


def test_damaged_pixels_are_refused(tmp_path: Path) -> None:
    """A field of another length moves all that follows: the table of rows no longer fits."""
    path = write(tmp_path, np.random.default_rng(4).poisson(9, (256, 256)))
    content = bytearray(path.read_bytes())
    content[HEADER_BYTES + 4 + 1] = 0x11
    path.write_bytes(bytes(content))
    with pytest.raises(InputError, match=r"damaged.*row 1") as caught:
        read_frame(path)
    assert caught.value.file == path
    content[HEADER_BYTES + 4 + 1] = 0x0F
    path.write_bytes(bytes(content))
    with pytest.raises(InputError, match="no possible length"):
        read_frame(path)


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        (b"AGI_BITFIELD", b"ZIP_BITFIELD", "not known"),
        (b"IMAGE 256", b"IMAGE 9e9", "how large"),
        (b"LINES OF", b"LINEN OF", "first line"),
    ],
)
def test_headers_that_make_no_sense(tmp_path: Path, old: bytes, new: bytes, what: str) -> None:
    path = write(tmp_path, np.zeros((256, 256)))
    path.write_bytes(path.read_bytes().replace(old, new, 1))
    with pytest.raises(InputError, match=what):
        read_frame(path)


def test_the_header_is_text_and_understood(tmp_path: Path) -> None:
    path = tmp_path / "x.esperanto"
    image = EsperantoImage(data=np.zeros((256, 256), dtype=np.int32))
    image.header.update(
        {
            **{"dexposuretimeinsec": 2.5, "dalpha1": 0.71, "ddistanceinmm": 120.0},
            **{"drealpixelsizex": 0.1, "drealpixelsizey": 0.1},
            **{"dxorigininpix": 130.5, "dyorigininpix": 120.25, "dom_s": -3.0, "dom_e": -2.5},
            "historystring": "__import__('os').abort()",
        }
    )
    image.write(str(path))
    frame = read_frame(path)
    assert frame.header["HISTORY"] == "__import__('os').abort()"
    assert frame.exposure_s == 2.5
    assert (frame.info.start_deg, frame.info.step_deg) == (-3.0, 0.5)
    geometry = frame.geometry
    assert geometry is not None
    assert (geometry.wavelength_angstrom, geometry.distance_mm) == (0.71, 120.0)
    assert geometry.beam_px == (130.5, 120.25)
    assert frame.orientation is None
    assert "no orientation" in frame.info.no_orientation


def write(folder: Path, pixels: NDArray[np.generic]) -> Path:
    path = folder / "frame_1.esperanto"
    EsperantoImage(data=np.asarray(pixels, dtype=np.int32)).write(str(path))
    return path


def agrees_with_fabio(pixels: NDArray[np.generic]) -> None:
    whole = np.asarray(pixels).astype(np.int32)
    block = compressed(whole)
    ours = decode(block, (whole.shape[0], whole.shape[1]))
    with np.errstate(over="ignore"):
        theirs = agi_bitfield.decompress(block, whole.shape).astype(np.int32)
    assert np.array_equal(ours, theirs)
    # What fabio wrote is the frame, unless a difference did not fit into 32 bits.
    steps = np.abs(np.diff(whole.astype(np.int64), axis=1))
    if not steps.size or steps.max() < 2**31:
        assert np.array_equal(ours, whole)
    assert struct.unpack("<I", block[:4])[0] == len(block) - 4 - 4 * whole.shape[0]
