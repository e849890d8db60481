"""A simulation's density at the points of a stored reconstruction, and their section."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ixs_core.project import Project
from mem.store import list_densities, read_density_result, read_stored_density
from sample_data.simulate_structure_factors import write_structure_factors
from simulate.md.density_comparison import on_points_of
from simulate.md.density_map_store import list_md_densities, read_md_density
from simulate.report import sections
from tests.ixs_reduce.command import run

REPOSITORY = Path(__file__).resolve().parents[2]
RUN = REPOSITORY / "sample_data" / "cscu2i3" / "md_300K_small.h5"


@pytest.mark.slow
def test_beside_the_reconstruction(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cif = write_structure_factors(tmp_path)[0]
    project = tmp_path / "p.h5"
    asked = ("mem", cif, "--plane", "0 1 0", "--path", "Cu", "--grid-step", "0.15", "-o", project)
    assert run(capsys, *asked)[0] == 0
    made = run(
        capsys, "md", "density", RUN, "--structure", cif, "--grid-step", "0.15", "-o", project
    )
    assert made[0] == 0, made[2]
    with Project(project).reading() as h5:
        (key,), (name,) = list_densities(h5), list_md_densities(h5)
        measured = read_density_result(h5, key)
        lattice = read_stored_density(h5, key).lattice
        ours = read_md_density(h5, name)
    drawn = on_points_of(ours, measured, lattice, "MD")
    one, other = drawn.paths[0], measured.paths[0]
    assert np.array_equal(one.profile.points, other.profile.points)
    # Electrons per cell are kept: densities scale with the ratio of the volumes.
    scale = ours.lattice.volume / lattice.volume
    direct = ours.profile(one.profile.points[[0, -1]], len(one.profile)).density * scale
    np.testing.assert_allclose(one.profile.density, direct, rtol=1e-6)
    assert np.isfinite(one.profile.sigma).all()
    assert drawn.sections[0].section.values.shape == measured.sections[0].section.values.shape

    class Figures:
        folder = tmp_path / "figures"

        def add(self, figure):
            return figure.caption

    found = {section.title: section for section in sections(Project(project), Figures())}
    assert "md_300K_small" in found["Density of simulations"].summary
    assert "Cu1–Cu1 along" in str(found["Density of simulations"].html)
