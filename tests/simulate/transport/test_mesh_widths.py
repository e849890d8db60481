"""Widths of a mesh at any Q: on the mesh themselves, alike at all images, of the same branch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ixs_core.errors import InputError
from ixs_core.units import HBAR_MEV_PS
from ixs_reduce.resolution import Resolution
from simulate.phonons import PhononModel
from simulate.phonons.spectra import line_spectra
from simulate.transport.lifetimes import Linewidths
from simulate.transport.mesh_widths import LinewidthSeries, MeshLinewidths, linewidth_at
from tests.simulate.spring_crystals import zincblende

MODEL = PhononModel.of(zincblende())
N = 4


def linewidths(temperatures: tuple[float, ...] = (200.0, 400.0)) -> Linewidths:
    """Widths that tell where and of which branch they are, on a part of the mesh."""
    import spglib

    crystal = MODEL.force_constants
    cell = (crystal.vectors, crystal.positions, [30, 16])
    mapping, grid = spglib.get_ir_reciprocal_mesh([N, N, N], cell)
    rows, weights = np.unique(mapping, return_counts=True)
    q = grid[rows] / N
    hkl = q @ crystal.conventional.T
    energy = MODEL.modes(hkl).energy_mev
    width = 0.1 * np.linalg.norm(hkl, axis=1)[:, None] + np.arange(1, energy.shape[1] + 1)
    width[0, :3] = np.nan  # the translations at Γ
    scaled = np.stack([width * kelvin / 200 for kelvin in temperatures])
    return Linewidths(
        q, weights, energy, np.array(temperatures), {"3ph": scaled}, (N, N, N), source="springs"
    )


def test_the_widths_of_the_mesh_at_its_points() -> None:
    given = linewidths()
    mesh = MeshLinewidths.of(given, MODEL, 200.0)
    hkl = given.q_primitive @ MODEL.force_constants.conventional.T
    found = mesh(hkl, given.energy_mev)
    np.testing.assert_allclose(found[1:], given.at(200.0)[1:])
    np.testing.assert_allclose(mesh.distance(hkl), 0, atol=1e-9)
    # The translations have the widths of the nearest point that knows any.
    assert (found[0, :3] > 0).all()


def test_images_and_zones_are_alike() -> None:
    mesh = MeshLinewidths.of(linewidths(), MODEL, 200.0)
    q = np.array([0.31, 0.12, 0.05])
    images = np.array([q, q[[1, 2, 0]], q * [1, -1, -1], -q, q + np.array([4, 2, 6]), q[[2, 1, 0]]])
    energy = MODEL.modes(images).energy_mev
    found = mesh(images, energy)
    np.testing.assert_allclose(found, np.broadcast_to(found[0], found.shape))
    np.testing.assert_allclose(mesh.distance(images), mesh.distance(q)[0], atol=1e-9)


def test_the_nearest_point_is_the_nearest_of_all() -> None:
    """Against the whole mesh, written out."""
    mesh = MeshLinewidths.of(linewidths(), MODEL, 200.0)
    crystal = MODEL.force_constants
    steps = np.stack(np.meshgrid(*[np.arange(-2 * N, 2 * N + 1) / N] * 3), axis=-1).reshape(-1, 3)
    reciprocal = 2 * np.pi * np.linalg.inv(crystal.vectors).T
    rng = np.random.default_rng(2)
    for q in rng.uniform(-0.5, 0.5, (20, 3)):
        apart = np.linalg.norm((steps - q) @ reciprocal, axis=1).min()
        assert mesh.distance(q @ crystal.conventional.T)[0] == pytest.approx(apart, abs=1e-9)


def test_branches_are_told_by_their_energies() -> None:
    mesh = MeshLinewidths.of(linewidths(), MODEL, 200.0)
    hkl = np.array([[0.4, 0.2, 0.1]])
    energy = MODEL.modes(hkl).energy_mev
    order = np.array([3, 0, 5, 1, 4, 2])
    np.testing.assert_allclose(mesh(hkl, energy[:, order]), mesh(hkl, energy)[:, order])
    assert (np.diff(mesh(hkl, energy)) > 0).all()


def test_temperatures_in_between() -> None:
    series = LinewidthSeries(linewidths(), MODEL)
    hkl = np.array([[0.4, 0.2, 0.1]])
    energy = MODEL.modes(hkl).energy_mev
    between = series.at(300.0)(hkl, energy)
    np.testing.assert_allclose(between, 1.5 * series.at(200.0)(hkl, energy))
    with pytest.raises(InputError, match="no linewidths at this temperature"):
        series.at(500.0)
    assert linewidth_at(0.3, 500.0) == 0.3


def test_spectra_take_them() -> None:
    lines = MODEL.structure_factor(np.array([[2.4, 0.2, 0.1]]), 300.0)
    energy = np.arange(0, 60, 0.02)
    narrow = Resolution.from_components([("gaussian", 1, 0, 0.1)])
    widths = LinewidthSeries(linewidths(), MODEL).at(300.0)
    one = line_spectra(lines, energy, narrow, widths)
    other = line_spectra(lines, energy, narrow, widths(lines.q_hkl, lines.energy_mev))
    np.testing.assert_allclose(one, other)


def test_another_crystal_is_refused() -> None:
    given = linewidths()
    fewer = {"3ph": given.processes["3ph"][:, :, :3]}
    wrong = replace(given, energy_mev=given.energy_mev[:, :3], processes=fewer)
    with pytest.raises(InputError, match="another crystal"):
        MeshLinewidths.of(wrong, MODEL, 200.0)


def test_lifetimes_and_sums_of_processes() -> None:
    given = linewidths()
    both = replace(given, processes={**given.processes, "isotope": given.processes["3ph"]})
    np.testing.assert_allclose(both.fwhm_mev, 2 * given.fwhm_mev)
    known = np.isfinite(given.fwhm_mev)
    np.testing.assert_allclose(given.lifetime_ps[known] * given.fwhm_mev[known], HBAR_MEV_PS)


def test_other_phonons_are_refused() -> None:
    given = linewidths()
    with pytest.raises(InputError, match="another crystal"):
        MeshLinewidths.of(replace(given, volume_A3=1.3 * MODEL.force_constants.volume), MODEL, 200)
    with pytest.raises(InputError, match="other phonons"):
        MeshLinewidths.of(replace(given, energy_mev=1.4 * given.energy_mev), MODEL, 200.0)
