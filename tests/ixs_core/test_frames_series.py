"""Series of frames, their sums and maxima: equal to numpy over what fabio reads."""

from __future__ import annotations

from pathlib import Path

import fabio
import numpy as np
import pytest
from fabio.cbfimage import CbfImage
from fabio.edfimage import EdfImage

from ixs_core.errors import Cancelled, InputError
from ixs_core.frame_series import FrameSeries, frame_series, max_frames, sum_frames
from ixs_core.jobs import CancelToken


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Frames 8 to 11 of run_1, with a gap that moves; others that do not belong to them."""
    random = np.random.default_rng(0)
    for number in range(8, 12):
        counts = random.poisson(4, (20, 30)).astype(np.int32)
        counts[3] = -1
        counts[4, number] = -1
        write(tmp_path / f"run_1_{number}.cbf", counts)
    write(tmp_path / "run_2_1.cbf", np.zeros((5, 5), dtype=np.int32))
    (tmp_path / "run_1_9.txt").write_text("no frame")
    (tmp_path / "run_1_x.cbf").write_text("no frame")
    return tmp_path


def write(path: Path, counts: np.ndarray) -> None:
    image = CbfImage()
    image.data = counts
    text = "# Exposure_time 0.5 s\n# Start_angle 3 deg.\n# Angle_increment 0.1 deg.\n"
    image.header = {"_array_data.header_contents": text}
    image.write(str(path))


def stack(folder: Path) -> np.ndarray:
    paths = [folder / f"run_1_{n}.cbf" for n in range(8, 12)]
    return np.array([fabio.open(str(path)).data for path in paths])


def test_numbers_order_a_series(folder: Path) -> None:
    series = frame_series(folder / "run_1_10.cbf")
    assert [ref.path.name for ref in series.frames] == [f"run_1_{n}.cbf" for n in range(8, 12)]
    assert series.name == "run_1_##.cbf (4 frames)"
    assert series.place_of(folder / "run_1_10.cbf") == 2


def test_a_folder_is_a_series(folder: Path) -> None:
    names = [ref.path.name for ref in frame_series(folder).frames]
    assert names == [*(f"run_1_{n}.cbf" for n in range(8, 12)), "run_1_x.cbf", "run_2_1.cbf"]


def test_the_frames_of_a_file_are_a_series(tmp_path: Path) -> None:
    image = EdfImage(data=np.zeros((4, 5), dtype=np.int32))
    image.append_frame(data=np.ones((4, 5), dtype=np.int32), header={})
    image.write(str(tmp_path / "a_1.edf"))
    EdfImage(data=np.zeros((4, 5), dtype=np.int32)).write(str(tmp_path / "a_2.edf"))
    series = frame_series(tmp_path / "a_1.edf")
    assert [(ref.path.name, ref.number) for ref in series.frames] == [
        ("a_1.edf", 0),
        ("a_1.edf", 1),
    ]
    assert np.array_equal(sum_frames(series).values, np.ones((4, 5)))


def test_a_file_of_its_own(tmp_path: Path) -> None:
    write(tmp_path / "alone.cbf", np.zeros((5, 5), dtype=np.int32))
    series = frame_series(tmp_path / "alone.cbf")
    assert len(series) == 1
    assert series.name == "alone.cbf"


def test_sums_are_those_of_numpy(folder: Path) -> None:
    series, frames = frame_series(folder / "run_1_8.cbf"), stack(folder)
    told: list[tuple[int, int]] = []
    total = sum_frames(series, progress=lambda done, of, text: told.append((done, of)))
    assert told == [(n, 4) for n in range(1, 5)]
    gaps = (frames < 0).any(axis=0)
    assert np.array_equal(total.mask, gaps)
    assert np.array_equal(total.values[~gaps], frames.sum(axis=0)[~gaps])
    assert (total.values[gaps] == -1).all()
    assert total.exposure_s == 2.0
    part = sum_frames(series, 1, 3)
    known = ~part.mask
    assert np.array_equal(part.values[known], frames[1:3].sum(axis=0)[known])


def test_maxima_are_those_of_numpy(folder: Path) -> None:
    series, frames = frame_series(folder / "run_1_8.cbf"), stack(folder)
    largest = max_frames(series)
    assert np.array_equal(largest.values, frames.max(axis=0))
    assert np.array_equal(largest.mask, (frames < 0).all(axis=0))
    assert largest.exposure_s == 0.5


def test_float_frames_keep_their_gaps(tmp_path: Path) -> None:
    stacked = np.random.default_rng(2).normal(size=(3, 6, 7)).astype(np.float32)
    stacked[0, 1, 1] = stacked[:, 2, 2] = np.nan
    for number, values in enumerate(stacked):
        EdfImage(data=values).write(str(tmp_path / f"f_{number}.edf"))
    series = frame_series(tmp_path / "f_0.edf")
    assert np.allclose(sum_frames(series).values, stacked.sum(axis=0, dtype=float), equal_nan=True)
    expected = np.fmax.reduce(stacked, axis=0)
    assert np.array_equal(max_frames(series).values, expected, equal_nan=True)


def test_a_cancel_stops_at_the_next_frame(folder: Path) -> None:
    token, told = CancelToken(), []

    def tell(done: int, total: int, text: str) -> None:
        told.append(done)
        token.cancel()

    with pytest.raises(Cancelled):
        sum_frames(frame_series(folder / "run_1_8.cbf"), progress=tell, cancel=token)
    assert told == [1]


def test_frames_that_do_not_fit_or_are_not_there(folder: Path) -> None:
    kept = [r for r in frame_series(folder).frames if r.path.name != "run_1_x.cbf"]
    with pytest.raises(InputError, match=r"another size.*5 × 5.*30 × 20"):
        sum_frames(FrameSeries(tuple(kept), "mixed"))
    with pytest.raises(InputError, match="no frames in this range"):
        sum_frames(frame_series(folder / "run_1_8.cbf"), 3, 3)
    series = frame_series(folder / "run_1_8.cbf")
    (folder / "run_1_9.cbf").unlink()
    with pytest.raises(InputError, match="no such file") as caught:
        sum_frames(series)
    assert caught.value.file == folder / "run_1_9.cbf"
    with pytest.raises(InputError, match="no such file"):
        frame_series(folder / "gone.cbf")
    (folder / "empty").mkdir()
    with pytest.raises(InputError, match="no detector frames"):
        frame_series(folder / "empty")
