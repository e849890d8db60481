"""Hops: a two-site process of known rate, hops across cell faces, and CsCu2I3."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import gemmi
import numpy as np
import pytest

from ixs_core.errors import InputError
from simulate.md.diffusion_coefficient import diffusion
from simulate.md.displacements import mean_square_displacement
from simulate.md.hop_statistics import (
    correlation_factor,
    hop_rate,
    jump_diffusion,
    residence_survival,
    reversal_share,
)
from simulate.md.hopping import Hops, by_direction, hops, jump_matrix
from simulate.md.ion_trajectories import ion_motion
from simulate.md.reading import read_trajectory
from simulate.md.sites import SiteFinder
from tests.simulate.md.memory_trajectory import memory_trajectory

PAIR = np.array([[1.0, 5.0, 5.0], [4.0, 5.0, 5.0]])


def telegraph(seed: int, rate: float = 0.05, dt_ps: float = 0.1, frames: int = 5000) -> Hops:
    """Four ions between two sites, switching at random with a known rate, and rattling."""
    generator = np.random.default_rng(seed)
    flips = generator.poisson(rate * dt_ps, size=(frames, 4)) % 2
    state = (np.cumsum(flips, axis=0) + generator.integers(0, 2, 4)) % 2
    positions = PAIR[state] + generator.normal(size=(frames, 4, 3)) * 0.25
    heavy = np.zeros((frames, 1, 3))
    run = memory_trajectory(
        np.concatenate([positions, heavy], axis=1), ("Cu",) * 4 + ("I",), 10 * np.eye(3), 100.0
    )
    return hops(run, PAIR, workers=1)


def test_rate_and_residence_cover_the_truth() -> None:
    rate, covered, inside = 0.05, 0, 0
    for seed in range(100):
        found = hop_rate(telegraph(seed, rate))
        covered += found.interval[0] <= rate <= found.interval[1]
        inside += found.residence_interval[0] <= 1 / rate <= found.residence_interval[1]
    assert covered >= 89
    assert inside >= 89


def test_survival_of_a_process_without_memory_is_exponential() -> None:
    found = residence_survival(telegraph(1, frames=40000))
    expected = np.exp(-0.05 * found.time_ps)
    some = slice(0, int(0.9 * len(found.share)))
    assert np.all(np.abs(found.share - expected)[some] < 4 * found.stderr[some] + 0.01)
    assert found.arrivals > 700
    assert found.censored <= 4


def test_two_sites_lead_nowhere() -> None:
    """Every hop undoes the one before, so that the hops carry no diffusion."""
    found = telegraph(2)
    assert reversal_share(found) == 1.0
    assert jump_diffusion(found).value[0] == pytest.approx(
        9.0 * hop_rate(found).per_ps / 2 * 1e-4, rel=1e-12
    )
    matrix = jump_matrix(found).toarray()
    assert matrix.sum() == len(found)
    assert abs(matrix[0, 1] - matrix[1, 0]) <= 4
    assert matrix.trace() == 0


def lattice_walk(seed: int, ions: int = 30, frames: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """Ions hop along ±x (2.5 Å) and ±z (4 Å) on a lattice of 4 × 1 × 2 sites, at random."""
    generator = np.random.default_rng(seed)
    steps = np.zeros((frames, ions, 3))
    along_x = generator.random((frames, ions)) < 0.01
    along_z = (generator.random((frames, ions)) < 0.005) & ~along_x
    sign = generator.choice([-1.0, 1.0], size=(frames, ions))
    steps[..., 0] = 2.5 * sign * along_x
    steps[..., 2] = 4.0 * sign * along_z
    path = np.cumsum(steps, axis=0) + generator.normal(size=steps.shape) * 0.1
    axis_x, axis_z = np.meshgrid(np.arange(4) * 2.5, np.arange(2) * 4.0, indexing="ij")
    sites = np.column_stack([axis_x.ravel(), np.zeros(8), axis_z.ravel()])
    return path + sites[generator.integers(0, 8, ions)], sites


def test_hops_across_cell_faces_carry_the_tracer_diffusion() -> None:
    path, sites = lattice_walk(3)
    ions = path.shape[1]
    frames = len(path)
    wind = np.linspace(0, 25, frames)[:, None, None] * np.array([1.0, 0.3, -0.4])
    heavy = np.zeros((frames, 1, 3))
    run = memory_trajectory(
        np.concatenate([path, heavy], axis=1) + wind,
        ("Cu",) * ions + ("I",),
        np.diag([10.0, 9.0, 8.0]),
        100.0,
    )
    found = hops(run, sites)
    assert set(np.round(np.abs(found.vector_A), 6).ravel()) == {0.0, 2.5, 4.0}
    counts = by_direction(found, {"x": (1, 0, 0), "z": (0, 0, 1), "MID": (1, 0, 1)})
    assert counts["x"] == pytest.approx(0.01 * frames * ions, rel=0.1)
    assert counts["z"] == pytest.approx(0.005 * frames * ions, rel=0.15)
    assert counts["MID"] + counts["other"] == 0
    assert reversal_share(found) == pytest.approx((2 / 3) ** 2 / 2 + (1 / 3) ** 2 / 2, abs=0.04)
    jumps = jump_diffusion(found)
    assert jumps.value[0] == pytest.approx(0.01 * 2.5**2 / (2 * 0.1) * 1e-4, rel=0.1)
    assert jumps.value[1] == 0
    msd = mean_square_displacement(run, ["Cu"], framework=["I"])
    for axis in ("all", "x", "z"):
        factor, error = correlation_factor(diffusion(msd, "Cu", axis), jumps)
        assert factor == pytest.approx(1, abs=3 * error)
        assert error < 0.2


def test_a_crossing_that_returns_is_no_hop() -> None:
    x = np.array([0.0, 0.2, 1.7, 2.0, 1.7, 0.1, 0.0, 1.6, 1.4, 2.9, 3.1, 1.4, 3.0, 3.0])
    path = np.column_stack([1.0 + x, np.full(len(x), 5.0), np.full(len(x), 5.0)])
    run = memory_trajectory(
        np.stack([path, np.zeros_like(path)], axis=1), ("Cu", "I"), 10 * np.eye(3)
    )
    found = hops(run, PAIR, core_radius_A=0.5)
    assert len(found) == 1
    assert found.recrossings == 2
    assert (found.frame_left[0], found.frame_arrived[0]) == (6, 9)
    stays = found.residences
    assert list(stays.stop - stays.start) == [9, 4]
    assert list(stays.left) == [True, False]
    assert list(stays.entered) == [False, True]


@pytest.mark.parametrize("skew", [0.0, 4.0, 9.0])
def test_the_nearest_site_is_the_nearest_of_all_images(skew: float) -> None:
    generator = np.random.default_rng(4)
    cell = np.array([[7.0, 0, 0], [skew, 6.0, 0], [-skew / 2, skew / 3, 5.0]])
    sites = generator.uniform(-9, 9, size=(3, 3))
    points = generator.uniform(-14, 14, size=(40, 3))
    finder = SiteFinder.of(sites, cell)
    found = finder.nearest(points)
    shifts = np.stack(np.meshgrid(*[np.arange(-16, 17)] * 3), axis=-1).reshape(-1, 3) @ cell
    all_images = (sites[:, None] + shifts).reshape(-1, 3)
    brute = [np.linalg.norm(all_images - point, axis=1).min() for point in points]
    np.testing.assert_allclose(found.distance_A, brute, atol=1e-9)
    away = np.linalg.norm(finder.position(found.site, found.cell) - points, axis=1)
    np.testing.assert_allclose(away, brute, atol=1e-9)


def test_one_site_has_its_own_images_for_neighbours() -> None:
    finder = SiteFinder.of(np.array([[1.0, 2.0, 30.0]]), np.diag([5.0, 12.0, 14.0]))
    assert finder.shortest_distance_A() == pytest.approx(5.0)


def test_an_ion_never_in_a_core_is_counted() -> None:
    path = np.full((20, 2, 3), 0.0)
    path[:, 0, 0] = 2.5
    run = memory_trajectory(path, ("Cu", "I"), 10 * np.eye(3))
    found = hops(run, PAIR, core_radius_A=0.5)
    assert found.unassigned_frames == 20
    assert len(found) == 0
    assert found.time_ps == 0
    assert np.isnan(hop_rate(found).per_ps)


def test_without_ideal_sites_the_first_picoseconds_tell_them() -> None:
    """An ion that rattles about a site for 4 ps of 8, then about the other one."""
    rng = np.random.default_rng(3)
    sites = np.array([[2.0, 5, 5], [5, 5, 5]])
    path = np.repeat(sites[None], 81, axis=0)
    path[40:, 0] = [5, 8, 5]
    path += 0.1 * rng.standard_normal(path.shape)
    still = np.zeros((81, 1, 3))
    run = memory_trajectory(
        np.concatenate([path, still], axis=1), ("Cu", "Cu", "I"), 10 * np.eye(3), 100.0
    )
    found = hops(run, core_radius_A=1.0)
    assert found.site_origin == "mean positions in the first 2 ps"
    np.testing.assert_allclose(found.sites, sites, atol=0.1)
    assert len(found) == 0
    assert found.residences.stop.max() == 80


def test_what_cannot_be_done_is_said() -> None:
    run = memory_trajectory(np.zeros((5, 2, 3)), ("Cu", "I"), 10 * np.eye(3))
    with pytest.raises(InputError, match="overlap"):
        hops(run, PAIR, core_radius_A=1.6)
    with pytest.raises(InputError, match="overlap"):
        hops(run, np.concatenate([PAIR, PAIR]))
    with pytest.raises(InputError, match="Ag"):
        hops(run, PAIR, "Ag")
    unclear = memory_trajectory(np.zeros((5, 2, 3)), ("Cu", "Ag"), 10 * np.eye(3))
    with pytest.raises(InputError, match="mobile"):
        hops(unclear, PAIR)


@pytest.mark.parametrize("name", ["md_300K_2x2x3.h5", "md_600K_2x2x3.h5"])
def test_no_copper_hops_within_16_ps_of_cscu2i3(shared_data: Path, name: str) -> None:
    run = read_trajectory(shared_data / "cscu2i3/md" / name)
    found = hops(run)
    rate = hop_rate(found)
    assert len(found) == 0
    assert found.unassigned_frames < 0.01 * run.n_frames * found.atoms
    assert rate.upper_limit == pytest.approx(2.9957 / rate.time_ps, rel=1e-4)


def lithium_sites(cell: np.ndarray, sign: int) -> np.ndarray:
    """48h of F-43m, as refined for Li6PS5Cl, in 2 × 2 × 2 cells; the cages round 4d or 4c."""
    group = gemmi.find_spacegroup_by_name("F -4 3 m")
    start = [sign * x for x in (0.183, 0.183, 0.024)]
    orbit = np.array([op.apply_to_xyz(start) for op in group.operations()]) % 1
    orbit = np.unique(orbit.round(6), axis=0)
    corners = np.array(list(product((0, 1), repeat=3)))
    return (orbit[:, None] + corners).reshape(-1, 3) / 2 @ cell


def test_hops_account_for_the_way_of_every_lithium(shared_data: Path) -> None:
    """In Li6PS5Cl: neighbours in a pair 1.9 Å, in a cage 2.3 Å, between cages 3.0 Å apart."""
    run = read_trajectory(shared_data / "md/kinisi/example_XDATCAR.gz", dt_fs=100.0)
    found = hops(run, lithium_sites(run.cell, -1), framework=["P"])
    assert found.element == "Li"
    assert len(found.sites) == 384
    lengths = np.linalg.norm(found.vector_A, axis=1)
    near = [np.abs(lengths - length) < 0.06 for length in (1.92, 2.27, 2.98)]
    assert np.mean(np.any(near, axis=0)) > 0.9
    motion = ion_motion(run, ["Li"], framework=["P"])
    hopped = np.zeros((run.n_atoms, 3))
    np.add.at(hopped, found.atom, found.vector_A)
    left_over = np.linalg.norm(motion.net_A - hopped[motion.atoms], axis=1)
    assert np.median(np.linalg.norm(motion.net_A, axis=1)) > 2.5
    assert np.median(left_over) < 1.5
    # Ions off all sites at the beginning or the end: never more than a step from a site each.
    assert left_over.max() < 2 * 2.98
    away = [
        np.mean(
            SiteFinder.of(lithium_sites(run.cell, sign), run.cell)
            .nearest(run.read(atoms=run.atoms_of("Li")).positions)
            .distance_A
        )
        for sign in (-1, 1)
    ]
    assert away[0] < away[1]
