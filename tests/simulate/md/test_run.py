"""Runs with EMT copper: what is kept, that they go on, and conservation laws."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ase import units
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.io import read

from ixs_core.errors import InputError
from ixs_core.jobs import CancelToken
from simulate.md.calculators import calculator_by_name
from simulate.md.reading import read_trajectory
from simulate.md.run import RunSettings, run_dynamics, store_run, thermal_momenta

SETTINGS = RunSettings(
    300.0, step_fs=4.0, equilibration_ps=0.2, production_ps=0.4, every=5, friction_per_ps=10.0
)
COPPER = bulk("Cu", cubic=True).repeat(2)


def test_momenta_have_the_temperature_and_no_drift() -> None:
    many = bulk("Cu", cubic=True).repeat(10)
    momenta = thermal_momenta(many, 300.0, 1)
    assert np.abs(momenta.sum(axis=0)).max() < 1e-9
    kinetic = (momenta**2 / (2 * many.get_masses()[:, None])).sum()
    freedoms = 3 * len(many)
    # Relative scatter of a χ² of so many degrees of freedom.
    assert 2 * kinetic / (freedoms * units.kB) == pytest.approx(
        300.0, rel=4 * np.sqrt(2 / freedoms)
    )


def test_energy_is_conserved_and_frames_are_kept(tmp_path: Path) -> None:
    told: list[tuple[int, int, str]] = []
    result = run_dynamics(
        COPPER, EMT(), tmp_path / "run.traj", SETTINGS, progress=lambda *what: told.append(what)
    )
    frames = read(result.path, index=":")
    assert result.finished
    assert (result.frames, len(frames), result.dt_fs) == (21, 21, 20.0)
    assert abs(result.drift_mev_atom) < 0.2
    totals = [frame.get_total_energy() / len(frame) for frame in frames]
    assert np.ptp(totals) < 1e-3
    assert np.abs(frames[-1].get_momenta().sum(axis=0)).max() < 1e-9
    store_run(result, tmp_path / "run.h5")
    stored = read_trajectory(tmp_path / "run.h5")
    assert (stored.n_frames, stored.dt_fs, stored.has_velocities) == (21, 20.0, True)
    block = stored.read(20)
    np.testing.assert_allclose(block.positions[0], frames[-1].positions, atol=1e-5)
    speeds = frames[-1].get_velocities() * 1000 * units.fs
    assert block.velocities is not None
    np.testing.assert_allclose(block.velocities[0], speeds, atol=1e-4)
    assert told[-1][:2] == (150, 150)
    assert " K" in told[-1][2]


def test_a_run_goes_on_as_if_it_had_not_stopped(tmp_path: Path) -> None:
    whole = run_dynamics(COPPER, EMT(), tmp_path / "whole.traj", SETTINGS)
    token = CancelToken()

    def stop(done: int, total: int, text: str) -> None:
        if done >= 100:
            token.cancel()

    half = run_dynamics(
        COPPER, EMT(), tmp_path / "half.traj", SETTINGS, progress=stop, cancel=token
    )
    assert not half.finished
    assert half.frames == 11
    rest = run_dynamics(COPPER, EMT(), half.path, SETTINGS)
    assert rest.finished
    assert rest.frames == whole.frames
    ours, theirs = read(rest.path), read(whole.path)
    np.testing.assert_allclose(ours.positions, theirs.positions, atol=1e-9)
    longer = run_dynamics(COPPER, EMT(), half.path, replace(SETTINGS, production_ps=0.5))
    assert longer.frames == 26


def test_a_cancelled_equilibration_goes_on(tmp_path: Path) -> None:
    token = CancelToken()
    token.cancel()
    result = run_dynamics(COPPER, EMT(), tmp_path / "run.traj", SETTINGS, cancel=token)
    assert (result.frames, result.finished) == (0, False)
    told: list[int] = []
    again = run_dynamics(
        COPPER, EMT(), result.path, SETTINGS, progress=lambda done, *_: told.append(done)
    )
    assert again.finished
    assert told[0] == 10
    assert sorted(item.name for item in tmp_path.iterdir()) == ["run.traj"]


def test_faults_are_named(tmp_path: Path) -> None:
    file = tmp_path / "run.traj"
    run_dynamics(COPPER, EMT(), file, replace(SETTINGS, production_ps=0.02))
    with pytest.raises(InputError, match="other settings"):
        run_dynamics(COPPER, EMT(), file, replace(SETTINGS, temperature_k=200.0))
    with pytest.raises(InputError, match="'step_fs'"):
        run_dynamics(COPPER, EMT(), file, replace(SETTINGS, step_fs=-1.0))
    (tmp_path / "text.traj").write_text("no run", encoding="utf-8")
    with pytest.raises(InputError, match="cannot be read"):
        run_dynamics(COPPER, EMT(), tmp_path / "text.traj", SETTINGS)
    near = COPPER.copy()
    near.positions[0] = near.positions[1] + 0.3
    with pytest.raises(InputError, match="fly apart"):
        run_dynamics(near, EMT(), tmp_path / "near.traj", SETTINGS)


def test_calculators_by_name() -> None:
    assert type(calculator_by_name("emt")).__name__ == "EMT"
    argon = calculator_by_name("lj:sigma=3.4,epsilon=0.0104,rc=8.5")
    assert argon.parameters["sigma"] == 3.4
    assert type(calculator_by_name("ase.calculators.emt:EMT")).__name__ == "EMT"
    for name, words in (
        ("vasp", "no such calculator"),
        ("lj:sigma=x", "no number"),
        ("lj:size=1", "unknown parameters"),
        ("no_such_module:thing", "cannot be imported"),
        ("ase.build:bulk", "without arguments"),
    ):
        with pytest.raises(InputError, match=words):
            calculator_by_name(name)
