"""The simulated frames: the same for the same seed, and what their header says is in them."""

from __future__ import annotations

from pathlib import Path

import fabio
import numpy as np

from ixs_core.frame_geometry import predict_spots
from ixs_core.frames import read_frame
from mem.model_structure import structure_factors
from sample_data.cscu2i3_structure import refined_model
from sample_data.simulate_frames import N_FRAMES, simulate_frame, write_frames


def test_five_small_frames_the_same_each_time(tmp_path: Path) -> None:
    paths = write_frames(tmp_path / "a")
    again = write_frames(tmp_path / "b")
    assert len(paths) == N_FRAMES == 5
    assert [p.read_bytes() for p in paths] == [p.read_bytes() for p in again]
    assert all(path.stat().st_size < 500_000 for path in paths)
    assert all(path.name.startswith("simulated_") for path in paths)
    for number, path in enumerate(paths):
        assert np.array_equal(fabio.open(str(path)).data, simulate_frame(number))
    assert not np.array_equal(simulate_frame(0, seed=1), simulate_frame(0))


def test_strong_reflections_are_where_the_header_puts_them(tmp_path: Path) -> None:
    strong = 0
    for path in write_frames(tmp_path):
        frame = read_frame(path)
        assert "SIMULATED" in frame.header["Note"]
        assert frame.geometry is not None
        assert frame.orientation is not None
        spots = predict_spots(frame.geometry, frame.orientation, frame.shape)
        f2 = np.abs(structure_factors(refined_model(300.0), spots.hkl)) ** 2
        for x, y, phi, strength in zip(spots.x, spots.y, spots.phi_deg, f2, strict=True):
            turned = phi - frame.orientation.start_deg
            row, column = round(y), round(x)
            box = np.s_[row - 1 : row + 2, column - 1 : column + 2]
            if strength < 3000 or not 0.5 < turned < 1.5 or frame.mask[box].any():
                continue
            if not (12 <= row < 588 and 12 <= column < 628):
                continue
            around = frame.values[row - 12 : row + 13, column - 12 : column + 13]
            assert frame.values[box].max() > 4 * np.median(around)
            strong += 1
    assert strong > 20
