"""Curves of displacements, the lines of their D, and both results of a file in one go."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ixs_core.errors import InputError
from ixs_core.project import Project
from simulate.md.diffusion_coefficient import diffusion
from simulate.md.displacement_curves import diffusion_line, displacement_curve
from simulate.md.displacements import MeanSquareDisplacement, mean_square_displacement
from simulate.md.motion_results import keep_motion
from simulate.md.project_results import md_results
from simulate.md.reading import read_trajectory
from simulate.md.store import write_store
from simulate.md.vibrational_states import PhononDos, phonon_dos
from tests.simulate.md.harmonic_crystal import HarmonicCrystal

D_CM2_S = np.array([1e-5, 3e-5, 5e-5])
A2_PER_PS = 1e4  # 1 cm²/s in Å²/ps


def diffusing() -> MeanSquareDisplacement:
    time = np.arange(101) * 0.2
    whole = 0.01 + 2 * D_CM2_S[None, :, None] * A2_PER_PS * time
    blocks = np.array([0.99, 1.0, 1.01])[:, None, None, None] * whole[..., :41]
    return MeanSquareDisplacement(time, ("Cu",), whole, blocks, np.eye(3), np.array([4]), 100.0)


@pytest.mark.parametrize(("axis", "slope"), [("y", 2 * 3e-5), ("all", 6 * 3e-5)])
def test_the_line_rises_by_two_d_along_an_axis_and_by_six_in_all(axis: str, slope: float) -> None:
    msd = diffusing()
    found = diffusion(msd, "Cu", axis, window_ps=(2.0, 6.0))
    line = diffusion_line(msd, found)
    curve = displacement_curve(msd, "Cu", axis)
    assert np.diff(line) / np.diff(msd.time_ps) == pytest.approx(slope * A2_PER_PS)
    assert line == pytest.approx(curve.msd_A2)


def test_a_limit_has_a_line_of_its_own_slope() -> None:
    msd = diffusing()
    drift = 1e-3 * np.array([-1, 0, 1])[:, None, None, None] * msd.time_ps[:41]
    whole = np.full_like(msd.msd_A2, 0.2)
    blocks = 0.2 + np.broadcast_to(drift, (3, 1, 3, 41))
    caged = MeanSquareDisplacement(
        msd.time_ps, ("Cu",), whole, blocks, np.eye(3), msd.counts, 100.0
    )
    found = diffusion(caged, "Cu", "all", window_ps=(2.0, 6.0))
    assert found.upper_limit is not None
    line = diffusion_line(caged, found)
    rise = np.diff(line) / np.diff(msd.time_ps)
    assert rise == pytest.approx(6 * found.upper_limit * A2_PER_PS)
    inside = (msd.time_ps >= 2.0) & (msd.time_ps <= 6.0)
    assert line[inside].mean() == pytest.approx(0.6)


def test_the_error_is_that_of_the_mean_of_the_blocks() -> None:
    msd = diffusing()
    curve = displacement_curve(msd, "Cu", "x")
    assert curve.stderr_A2[:41] == pytest.approx(0.01 / np.sqrt(3) * curve.msd_A2[:41])
    assert np.isnan(curve.stderr_A2[41:]).all()
    with pytest.raises(InputError):
        displacement_curve(msd, "I")


def test_states_and_displacements_of_a_file_are_kept(tmp_path: Path) -> None:
    file, path = tmp_path / "run.h5", tmp_path / "project.h5"
    write_store(HarmonicCrystal().trajectory(101, 20.0), file)
    keys = keep_motion(path, file)
    assert keys == ("md states run", "md displacements run")
    trajectory = read_trajectory(file)
    with Project(path).reading() as h5:
        states = md_results(h5, PhononDos)["run"]
        displaced = md_results(h5, MeanSquareDisplacement)["run"]
    assert np.array_equal(states.dos, phonon_dos(trajectory).dos)
    assert np.array_equal(displaced.msd_A2, mean_square_displacement(trajectory).msd_A2)
