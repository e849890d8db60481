"""Frames of many formats against fabio; masks, headers; cut, damaged and missing files."""

from __future__ import annotations

import sys
from pathlib import Path
from subprocess import run

import fabio
import numpy as np
import pytest
from fabio.cbfimage import CbfImage
from fabio.edfimage import EdfImage
from fabio.tifimage import TifImage
from numpy.typing import NDArray

from ixs_core.errors import InputError
from ixs_core.frames import read_frame

DECTRIS = """
# Detector: PILATUS 300K, S/N 3-0101
# 2011-06-28T12:57:51.123
# Pixel_size 172e-6 m x 172e-6 m
# Exposure_time 0.2770000 s
# Wavelength 1.03320 A
# Detector_distance 0.36100 m
# Beam_xy (243.12, 309.12) pixels
# Start_angle 12.5000 deg.
# Angle_increment 0.1000 deg.
# Detector_2theta 0.0000 deg.
"""


@pytest.fixture
def counts() -> NDArray[np.int32]:
    made = np.random.default_rng(0).poisson(6, (61, 83)).astype(np.int32)
    made[20:23] = -1
    made[5, 7] = -2
    made[40, 41] = 1_000_000
    return made


def write_cbf(path: Path, counts: NDArray[np.int32], text: str = DECTRIS) -> Path:
    image = CbfImage()
    image.data = counts
    image.header = {"_array_data.header_contents": text}
    image.write(str(path))
    return path


def test_a_cbf_with_its_gaps_and_header(tmp_path: Path, counts: NDArray[np.int32]) -> None:
    frame = read_frame(write_cbf(tmp_path / "a.cbf", counts))
    assert np.array_equal(frame.values, counts)
    assert frame.values.dtype == np.int32
    assert np.array_equal(frame.mask, counts < 0)
    assert frame.header["Detector"] == "PILATUS 300K, S/N 3-0101"
    assert (frame.n_frames, frame.index, frame.shape) == (1, 0, (61, 83))
    assert frame.exposure_s == 0.277
    assert (frame.info.start_deg, frame.info.step_deg) == (12.5, 0.1)
    geometry = frame.geometry
    assert geometry is not None
    assert geometry.wavelength_angstrom == 1.0332
    assert geometry.distance_mm == pytest.approx(361.0)
    assert geometry.pixel_mm == pytest.approx((0.172, 0.172))
    assert geometry.beam_px == (243.12, 309.12)


def test_edf_of_floats_and_the_esrf_keys(tmp_path: Path) -> None:
    values = np.linspace(-3, 9, 35 * 21, dtype=np.float32).reshape(21, 35)
    values[2, 3] = np.nan
    header = {
        **{"count_time": "0.5", "PSize_1": "5e-05", "PSize_2": "6e-05", "Center_1": "17.5"},
        **{"Center_2": "10.5", "SampleDistance": "0.2", "WaveLength": "7.1e-11"},
    }
    path = tmp_path / "a.edf"
    EdfImage(data=values, header=header).write(str(path))
    frame = read_frame(path)
    assert np.array_equal(frame.values, values, equal_nan=True)
    assert np.array_equal(frame.mask, np.isnan(values))
    assert frame.exposure_s == 0.5
    geometry = frame.geometry
    assert geometry is not None
    assert geometry.wavelength_angstrom == pytest.approx(0.71)
    assert geometry.pixel_mm == pytest.approx((0.05, 0.06))
    assert geometry.beam_px == (17.0, 10.0)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32", "int32", "float32"])
def test_tiff_of_any_type(tmp_path: Path, dtype: str) -> None:
    values = np.random.default_rng(1).integers(0, 200, (33, 47)).astype(dtype)
    if dtype == "uint32":
        values[3] = np.iinfo(dtype).max
    path = tmp_path / "a.tif"
    TifImage(data=values).write(str(path))
    frame = read_frame(path)
    assert np.array_equal(frame.values, fabio.open(str(path)).data)
    assert np.array_equal(frame.values, values)
    assert frame.mask.sum() == (47 if dtype == "uint32" else 0)
    assert frame.geometry is None
    assert "no geometry" in frame.info.no_geometry


def test_the_frames_of_one_file(tmp_path: Path) -> None:
    image = EdfImage(data=np.zeros((4, 5), dtype=np.int32))
    for number in (1, 2):
        image.append_frame(data=np.full((4, 5), number, dtype=np.int32), header={"n": str(number)})
    path = tmp_path / "many.edf"
    image.write(str(path))
    for number in range(3):
        frame = read_frame(path, number)
        assert (frame.n_frames, frame.index) == (3, number)
        assert (frame.values == number).all()
    assert frame.header["n"] == "2"
    with pytest.raises(InputError, match=r"no such frame.*found frame 4") as caught:
        read_frame(path, 3)
    assert caught.value.file == path


@pytest.mark.parametrize("suffix", [".cbf", ".edf", ".tif"])
@pytest.mark.parametrize("kept", [0.2, 0.6, 0.97])
def test_a_cut_file_is_refused(
    tmp_path: Path, counts: NDArray[np.int32], suffix: str, kept: float
) -> None:
    """fabio fills what is missing of an EDF with zeros; here it is an error."""
    path = tmp_path / f"a{suffix}"
    kinds = {".edf": EdfImage, ".tif": TifImage}
    if suffix == ".cbf":
        write_cbf(path, counts)
    else:
        kinds[suffix](data=counts).write(str(path))
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(InputError) as caught:
        read_frame(path)
    assert caught.value.file == path


def test_pixels_with_another_checksum_are_refused(
    tmp_path: Path, counts: NDArray[np.int32], caplog: pytest.LogCaptureFixture
) -> None:
    path = write_cbf(tmp_path / "a.cbf", counts)
    content = bytearray(path.read_bytes())
    begin = content.index(b"\x0c\x1a\x04\xd5")
    content[begin + 2000] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(InputError, match="checksum") as caught:
        read_frame(path)
    assert caught.value.file == path


@pytest.mark.parametrize("content", [b"", b"hello\n", b"###CBF: VERSION 1.5\n", b"{\n}\n" * 9])
def test_what_is_no_image_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.cbf"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_frame(path)
    assert caught.value.file == path


def test_missing_files_and_folders(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_frame(tmp_path / "a.cbf")
    with pytest.raises(InputError, match="folder"):
        read_frame(tmp_path)


def test_a_header_is_never_run(tmp_path: Path, counts: NDArray[np.int32]) -> None:
    text = f"{DECTRIS}# Wavelength __import__('os').abort() A\n# Tau open('{tmp_path}/x','w') s\n"
    frame = read_frame(write_cbf(tmp_path / "a.cbf", counts, text))
    assert frame.header["Wavelength"] == "__import__('os').abort() A"
    assert frame.geometry is None
    assert "wavelength" in frame.info.no_geometry
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("# Detector_2theta 12.0 deg.", "swung"),
        ("# Wavelength 0 A", "wavelength"),
        ("# Detector_distance 0 m", "distance"),
        ("# Beam_xy (0.00, 0.00) pixels", "beam centre"),
        ("# Pixel_size unknown", "size of a pixel"),
    ],
)
def test_why_there_is_no_geometry(
    tmp_path: Path, counts: NDArray[np.int32], line: str, reason: str
) -> None:
    frame = read_frame(write_cbf(tmp_path / "a.cbf", counts, f"{DECTRIS}{line}\n"))
    assert frame.geometry is None
    assert reason in frame.info.no_geometry


def test_importing_is_light() -> None:
    code = "import sys, ixs_core.frames, ixs_core.frame_series; print(*sys.modules)"
    loaded = run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"numba", "fabio", "scipy", "PySide6"} & set(loaded.stdout.split())
