"""A simulation's density beside another one, and in the project."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.collections import QuadMesh

from ixs_core.crystal import Crystal
from ixs_core.errors import InputError
from ixs_core.lattice import Lattice
from ixs_core.project import Project
from ixs_core.provenance import provenance_of
from mem.density import Density
from mem.path_choice import choose_paths
from mem.prior import procrystal
from mem.store import list_densities
from simulate.md.density_comparison import (
    View,
    compare_maps,
    in_cell_of,
    peaks_at_sites,
    side_by_side,
)
from simulate.md.density_figures import density_figures
from simulate.md.density_map import MdDensity, md_density
from simulate.md.density_map_store import list_md_densities, read_md_density, write_md_density
from tests.simulate.md.density_crystals import rock_salt, vibrating
from tests.simulate.md.memory_trajectory import memory_trajectory

SHAPE = (40, 40, 40)


@pytest.fixture(scope="module")
def crystal() -> Crystal:
    return rock_salt(0.03)


@pytest.fixture(scope="module")
def model(crystal: Crystal) -> Density:
    """The refined model's density, in the place of a measured one."""
    values = procrystal(crystal, SHAPE)
    return Density(crystal.lattice, values, crystal.symmetry, structure=crystal, source="m.ccp4")


@pytest.fixture(scope="module")
def simulated(crystal: Crystal, model: Density) -> MdDensity:
    """Of the same U in a cell that is 2 % smaller."""
    run = vibrating(crystal, (2, 2, 1), 512, seed=1, evenly=True)
    smaller = memory_trajectory(run.read().positions * 0.98, run.species, run.cell * 0.98)
    return md_density(smaller, structure=crystal, like=model, symmetry="structure")


@pytest.fixture(scope="module")
def view(crystal: Crystal) -> View:
    plane = (np.array([0.0, 0.0, 1.0]), np.zeros(3))
    return View([plane], choose_paths("Cu1 : I1", crystal), 51)


def test_like_densities_are_alike(simulated: MdDensity, model: Density) -> None:
    same = compare_maps(model, model)
    assert (same.difference, same.correlation) == pytest.approx((0.0, 1.0))
    found = compare_maps(simulated, model)
    assert found.difference < 0.02
    assert found.correlation > 0.999
    assert found.log_correlation > 0.995


def test_another_grid_changes_little(
    simulated: MdDensity, model: Density, crystal: Crystal
) -> None:
    coarse = replace(model, values=procrystal(crystal, (32, 32, 32)))
    fine, other = compare_maps(simulated, model), compare_maps(simulated, coarse)
    assert other.difference == pytest.approx(fine.difference, abs=2e-3)


def test_moved_electrons_are_counted(model: Density) -> None:
    moved = replace(model, values=np.roll(model.values, 20, axis=0))
    found = compare_maps(moved, model)
    share = 0.5 * np.abs(moved.values - model.values).sum() / model.values.sum()
    assert found.difference == pytest.approx(share)
    flat = replace(model, values=np.ones(SHAPE))
    negative = replace(model, values=model.values - model.values.mean() / 2)
    assert np.isnan(compare_maps(negative, model).log_correlation)
    assert np.isnan(compare_maps(flat, model).correlation)
    assert compare_maps(flat, flat).difference == 0


def test_both_are_drawn_in_one_cell(simulated: MdDensity, model: Density, view: View) -> None:
    found = side_by_side(simulated, model, view, ("MD", "model"))
    ours, theirs = found.results
    assert found.densities[0].lattice == model.lattice
    assert found.densities[0].electrons == pytest.approx(simulated.electrons)
    assert found.scale == pytest.approx(0.98**3)
    np.testing.assert_allclose(ours.sections[0].section.u, theirs.sections[0].section.u)
    assert ours.sections[0].sites == theirs.sections[0].sites
    np.testing.assert_allclose(ours.paths[0].profile.distance, theirs.paths[0].profile.distance)
    assert np.abs(ours.paths[0].ratio - theirs.paths[0].ratio).max() < 0.02
    assert ours.paths[0].band is not None
    assert theirs.paths[0].band is None
    assert ours.paths[0].middle["sigma"] is not None


def test_the_figures_show_both(simulated: MdDensity, model: Density, view: View) -> None:
    found = side_by_side(simulated, model, view, ("MD", "model"))
    figures = dict(density_figures(found.results))
    assert list(figures) == ["section_1", "profile_cu1-i1-along-a"]
    titles = [axes.get_title() for axes in figures["section_1"].axes]
    assert titles[:2] == ["MD", "model"]
    drawn = [
        image
        for axes in figures["section_1"].axes[:2]
        for image in axes.collections
        if isinstance(image, QuadMesh)
    ]
    section = found.results[0].sections[0].section.values
    array = drawn[0].get_array()
    assert array is not None
    np.testing.assert_allclose(np.asarray(array), np.maximum(section, 0.002).T)
    legend = figures["profile_cu1-i1-along-a"].legends[0]
    assert "blocks of time" in legend.get_texts()[0].get_text()


def test_alone_it_keeps_its_own_cell(simulated: MdDensity, view: View) -> None:
    found = side_by_side(simulated, None, view)
    assert found.comparison is None
    assert found.densities[0].lattice.a == pytest.approx(5.6 * 0.98)
    assert dict(density_figures(found.results)).keys() == {"section_1", "profile_cu1-i1-along-a"}


def test_the_maxima_are_at_the_sites(simulated: MdDensity, crystal: Crystal) -> None:
    found = peaks_at_sites(simulated)
    assert [peak.label for peak in found] == ["Cu1", "I1"]
    assert max(peak.distance_angstrom for peak in found) < 0.02
    heights = procrystal(crystal, SHAPE)[[0, 20], [0, 20], [0, 20]]
    np.testing.assert_allclose([peak.density * 0.98**3 for peak in found], heights, rtol=0.02)
    assert peaks_at_sites(replace(simulated, structure=None)) == []


def test_a_profile_through_negative_density(simulated: MdDensity, view: View) -> None:
    below = replace(simulated, values=simulated.values - 1.0, stderr=None)
    path = side_by_side(below, None, view).results[0].paths[0]
    assert path.middle["ratio"] < 0
    assert path.middle["sigma"] is None


def test_electrons_are_kept_in_another_cell(simulated: MdDensity) -> None:
    moved = in_cell_of(simulated, Lattice.cubic(7.0))
    assert moved.electrons == pytest.approx(simulated.electrons)
    assert moved.stderr is not None
    assert simulated.stderr is not None
    assert moved.stderr.max() / moved.values.max() == pytest.approx(
        simulated.stderr.max() / simulated.values.max()
    )


def test_the_project_gives_it_back(simulated: MdDensity, tmp_path: Path) -> None:
    record = provenance_of("test")
    with Project(tmp_path / "p.h5").writing() as h5:
        write_md_density(h5, "run", simulated, record)
    with Project(tmp_path / "p.h5").reading() as h5:
        assert list_md_densities(h5) == ["run"]
        assert list_densities(h5) == []
        found = read_md_density(h5, "run")
        with pytest.raises(InputError, match="other"):
            read_md_density(h5, "other")
    np.testing.assert_allclose(found.values, simulated.values, rtol=1e-6)
    assert found.stderr is not None
    np.testing.assert_allclose(found.stderr, np.asarray(simulated.stderr), rtol=1e-6)
    for name in ("notes", "blocks", "n_frames", "d_min", "unit", "source", "temperature_k"):
        assert getattr(found, name) == getattr(simulated, name)
    assert found.symmetry.triplets == simulated.symmetry.triplets
    np.testing.assert_allclose(np.asarray(found.shift), np.asarray(simulated.shift))
