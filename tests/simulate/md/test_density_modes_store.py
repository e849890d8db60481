"""Density modes in the project file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ixs_core.errors import InputError
from ixs_core.project import Project, write_result
from ixs_core.provenance import provenance_of
from simulate.md.density_modes_store import (
    cached_density_modes,
    density_modes_keys,
    read_density_modes,
    write_density_modes,
)
from simulate.md.density_sums import DensityModes, density_modes
from simulate.md.trajectory import Trajectory
from tests.simulate.md.harmonic_crystal import HarmonicCrystal

Q = np.array([[1, 0, 0], [1.5, 0.2, 0.7]])


@pytest.fixture(scope="module")
def crystal() -> Trajectory:
    short = HarmonicCrystal().trajectory(20, 10.0)
    return replace(short, name="run/crystal.h5", sha256="ab" * 32, temperature_k=300.0)


def same(a: DensityModes, b: DensityModes) -> None:
    for name in ("species", "dt_fs", "weights", "temperature_k", "first_frame", "notes"):
        assert getattr(a, name) == getattr(b, name)
    assert np.array_equal(a.rho, b.rho)
    assert a.rho.dtype == b.rho.dtype
    assert np.array_equal(a.counts, b.counts)
    assert a.q.notes == b.q.notes
    for name in ("requested_hkl", "index", "q_hkl", "q_cartesian", "owner", "distance"):
        assert np.array_equal(getattr(a.q, name), getattr(b.q, name))


def test_what_is_written_is_read(crystal: Trajectory, tmp_path: Path) -> None:
    window = {"sampling": "acceptance", "dq_hkl": [0.01, 0.01, 0.01]}
    modes = density_modes(crystal, Q, "neutron", lattice=(6, 5, 4), start=3, **window)
    assert modes.q.notes
    project = Project(tmp_path / "p.h5")
    with project.writing() as h5:
        write_density_modes(h5, "a/b", modes, provenance_of("test"))
    with project.reading() as h5:
        same(read_density_modes(h5, "a/b"), modes)
        assert density_modes_keys(h5) == ["a/b"]


def test_the_trajectory_is_read_once(crystal: Trajectory, tmp_path: Path) -> None:
    path = tmp_path / "p.h5"
    first = cached_density_modes(path, crystal, Q, lattice=(6, 5, 4))

    class Gone:
        def read(self, start: int, stop: int, atoms: object = None) -> object:
            raise AssertionError("the trajectory was read again")

    gone = replace(crystal, source=Gone())
    same(cached_density_modes(path, gone, Q, lattice=(6, 5, 4)), first)
    for changed in ({"q_hkl": Q + 1}, {"start": 5}, {"lattice": None}):
        with pytest.raises(AssertionError, match="read again"):
            cached_density_modes(
                path, gone, **({"q_hkl": Q, "lattice": (6, 5, 4)} | changed), workers=1
            )


def test_without_a_file_nothing_is_stored(crystal: Trajectory, tmp_path: Path) -> None:
    path = tmp_path / "p.h5"
    modes = cached_density_modes(path, replace(crystal, sha256=""), Q)
    assert modes.n_frames == 20
    assert not path.exists()


def test_another_result_is_refused(tmp_path: Path) -> None:
    project = Project(tmp_path / "p.h5")
    with project.writing() as h5:
        write_result(h5, "predictions", "x", {"rho": np.zeros(3)}, provenance=provenance_of("test"))
    with project.reading() as h5:
        assert density_modes_keys(h5) == []
        with pytest.raises(InputError, match="holds no density modes"):
            read_density_modes(h5, "x")
