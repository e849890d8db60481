"""Wigner conductivity against the formula written out, a published calculation and its limits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import constants

from ixs_core.errors import Cancelled, InputError
from ixs_core.jobs import CancelToken
from simulate.phonons import LinewidthTable, PhononModel
from simulate.phonons.degeneracy import degenerate_groups, group_means
from simulate.transport.lifetimes import Linewidths
from simulate.transport.wigner import wigner_kappa, wigner_series
from tests.simulate.spring_crystals import spring_crystal, triclinic, zincblende
from tests.simulate.transport.namgf3 import namgf3

WIDTHS = LinewidthTable(np.array([0.0, 15.0, 40.0]), np.array([0.05, 1.5, 3.0]))
ZINCBLENDE = PhononModel.of(zincblende())


def written_out(
    model: PhononModel, mesh: tuple[int, int, int], kelvin: float
) -> tuple[np.ndarray, np.ndarray]:
    """Eqs. (4) and (5) over the whole mesh in SI units, ∂D/∂Q from finite differences."""
    crystal = model.force_constants
    mev = constants.milli * constants.e
    step = 1e-4  # Å⁻¹
    kappa = np.zeros((2, 3, 3))
    for index in np.ndindex(*mesh):
        q = np.array(index) / mesh
        energy, vectors = (values[0] for values in model.dynamical_matrix.modes(q[None]))
        phase = np.repeat(np.exp(2j * np.pi * crystal.positions @ q), 3)
        smooth = phase.conj()[:, None] * vectors
        slopes = []
        for axis in range(3):
            matrices = []
            for sign in (1, -1):
                near = q + sign * step * np.eye(3)[axis] @ crystal.vectors.T / (2 * np.pi)
                turn = np.repeat(np.exp(2j * np.pi * crystal.positions @ near), 3)
                matrices.append(
                    turn.conj()[:, None] * model.dynamical_matrix.at(near[None])[0] * turn
                )
            slope = (matrices[0] - matrices[1]) / (2 * step)
            slopes.append(smooth.conj().T @ slope @ smooth * mev**2 * constants.angstrom)
        omega = np.where(energy > 1e-2, energy, np.nan) * mev / constants.hbar
        # Degenerate modes have one width: here widths depend on the energy alone.
        gamma = WIDTHS(q, energy) * mev / constants.hbar
        n = 1 / np.expm1(constants.hbar * omega / (constants.k * kelvin))
        for s, t in np.ndindex(len(energy), len(energy)):
            if not np.isfinite(omega[s] + omega[t]):
                continue
            v = np.array([slope[s, t] for slope in slopes]) / constants.hbar**2
            v = v / (omega[s] + omega[t])
            both = gamma[s] + gamma[t]
            weight = (omega[s] + omega[t]) / 2 * both / (4 * (omega[s] - omega[t]) ** 2 + both**2)
            weight *= omega[s] * n[s] * (n[s] + 1) + omega[t] * n[t] * (n[t] + 1)
            part = 0 if abs(omega[s] - omega[t]) < 2 * np.pi * 1e8 else 1
            kappa[part] += weight * np.outer(v, v.conj()).real
    volume = crystal.volume * constants.angstrom**3
    scale = constants.hbar**2 / (constants.k * kelvin**2 * volume * np.prod(mesh))
    particle, wave = kappa * scale
    return particle, wave


@pytest.mark.parametrize(
    ("model", "mesh"),
    [(ZINCBLENDE, (3, 3, 3)), (PhononModel.of(triclinic()), (2, 1, 3))],
    ids=["zincblende", "triclinic"],
)
def test_the_sum_over_irreducible_points_is_the_formula_over_all(
    model: PhononModel, mesh: tuple[int, int, int]
) -> None:
    result = wigner_kappa(model, WIDTHS, 300, mesh)
    particle, wave = written_out(model, mesh, 300)
    np.testing.assert_allclose(result.kappa_p, particle, atol=1e-6 * np.trace(particle))
    np.testing.assert_allclose(result.kappa_c, wave, atol=1e-6 * np.trace(wave))
    assert result.audit.passed, result.audit.lines()


def test_a_cell_twice_as_long_has_the_same_conductivity() -> None:
    # Its modes at q are those of q and q + ½ of the single cell, between which no heat flows.
    single = triclinic()
    doubled = spring_crystal(
        np.diag([2, 1, 1]) @ single.vectors,
        np.concatenate([(single.positions + shift) / [2, 1, 1] for shift in np.eye(2, 3, -1)]),
        single.symbols * 2,
        cutoff=5.0,
    )
    expected = wigner_kappa(PhononModel.of(single), WIDTHS, 300, (4, 2, 3))
    found = wigner_kappa(PhononModel.of(doubled), WIDTHS, 300, (2, 2, 3))
    np.testing.assert_allclose(found.kappa_p, expected.kappa_p, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(found.kappa_c, expected.kappa_c, rtol=1e-8, atol=1e-10)


def test_long_lived_modes_carry_heat_as_particles_and_wide_ones_as_waves() -> None:
    wide, narrow, narrower = (
        wigner_kappa(ZINCBLENDE, width, 300, (4, 4, 4)) for width in (1.0, 1e-6, 1e-7)
    )
    # κ_p ∝ τ; κ_c of lines that do not overlap ∝ Γ.
    np.testing.assert_allclose(np.diag(narrow.kappa_p), 1e6 * np.diag(wide.kappa_p), rtol=1e-9)
    np.testing.assert_allclose(np.diag(narrow.kappa_c), 10 * np.diag(narrower.kappa_c), rtol=1e-6)


def test_temperatures_share_one_pass_and_threads_change_nothing() -> None:
    together = wigner_series(ZINCBLENDE, WIDTHS, [100, 300], (5, 5, 5), workers=3)
    for result in together:
        alone = wigner_kappa(ZINCBLENDE, WIDTHS, result.temperature_k, (5, 5, 5), workers=1)
        np.testing.assert_array_equal(alone.kappa_p, result.kappa_p)
        np.testing.assert_array_equal(alone.kappa_c, result.kappa_c)


def linewidths_of(model: PhononModel, mesh: tuple[int, int, int], shift: float = 0) -> Linewidths:
    """Widths at all points of a mesh, as a file would hold them."""
    q = np.indices(mesh).reshape(3, -1).T / mesh
    energy, _ = model.dynamical_matrix.modes(q)
    groups = degenerate_groups(energy)
    width = group_means(WIDTHS(q, energy), groups)
    return Linewidths(
        q_primitive=q,
        weights=np.ones(len(q), dtype=int),
        energy_mev=energy + shift,
        temperature_k=np.array([300.0]),
        processes={"3ph": width[None]},
        mesh=mesh,
        volume_A3=model.force_constants.volume,
        source="test",
    )


def test_linewidths_of_the_whole_mesh_and_of_its_irreducible_points_agree() -> None:
    every = linewidths_of(ZINCBLENDE, (3, 3, 3))
    table = wigner_kappa(ZINCBLENDE, WIDTHS, 300, (3, 3, 3))
    whole = wigner_kappa(ZINCBLENDE, every, 300)
    np.testing.assert_allclose(whole.kappa, table.kappa, rtol=1e-9, atol=1e-9)
    some = np.round(-table.modes.q_hkl @ np.linalg.inv(zincblende().conventional).T * 3) / 3
    rows = [int(np.ravel_multi_index(np.rint(q * 3).astype(int) % 3, (3, 3, 3))) for q in some]
    part = replace(
        every,
        q_primitive=some,
        weights=table.modes.weights,
        energy_mev=every.energy_mev[rows],
        processes={"3ph": every.processes["3ph"][:, rows]},
    )
    np.testing.assert_allclose(
        wigner_kappa(ZINCBLENDE, part, 300).kappa, table.kappa, rtol=1e-9, atol=1e-9
    )


def test_modes_without_a_width_are_left_out_and_counted() -> None:
    every = linewidths_of(ZINCBLENDE, (3, 3, 3))
    width = every.processes["3ph"].copy()
    width[:, :, -1] = np.nan
    result = wigner_kappa(ZINCBLENDE, replace(every, processes={"3ph": width}), 300)
    assert not result.modes.usable[:, -1].any()
    assert any("have no linewidth" in note for note in result.notes)
    assert result.kappa[0, 0] < wigner_kappa(ZINCBLENDE, every, 300).kappa[0, 0]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (lambda own: replace(own, energy_mev=own.energy_mev + 0.5), "other phonons"),
        (lambda own: replace(own, volume_A3=99.0), "another cell"),
        (lambda own: replace(own, q_primitive=own.q_primitive + 0.1), "not on the mesh"),
        (lambda own: replace(own, mesh=(6, 6, 6)), "do not cover"),
        (lambda own: replace(own, mesh=None), "on which mesh"),
        (lambda own: replace(own, temperature_k=np.array([77.0])), "at this temperature"),
        (
            lambda own: replace(
                own,
                energy_mev=own.energy_mev[:, :3],
                processes={"3ph": own.processes["3ph"][:, :, :3]},
            ),
            "another crystal",
        ),
    ],
)
def test_linewidths_that_do_not_fit_say_so(changed: object, message: str) -> None:
    own = changed(linewidths_of(ZINCBLENDE, (3, 3, 3)))  # type: ignore[operator]
    with pytest.raises(InputError, match=message):
        wigner_kappa(ZINCBLENDE, own, 300)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mesh": (3, 3, 4)}, "symmetry of the crystal"),
        ({"mesh": (0, 3, 3)}, "not a mesh"),
        ({"mesh": None}, "which mesh"),
        ({"temperature_k": -1.0}, "temperature"),
        ({"variant": "smooth"}, "variant"),
        ({"normalisation": "harmonic"}, "normalisation"),
        ({"linewidths": 0.0}, "not a linewidth"),
    ],
)
def test_choices_that_are_none_say_so(options: dict[str, object], message: str) -> None:
    given: dict[str, object] = {"linewidths": 1.0, "temperature_k": 300.0, "mesh": (2, 2, 2)}
    with pytest.raises(InputError, match=message):
        wigner_kappa(ZINCBLENDE, **{**given, **options})  # type: ignore[arg-type]


def test_it_stops_when_asked() -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        wigner_kappa(ZINCBLENDE, 1.0, 300, (4, 4, 4), cancel=token)


# κ of NaMgF3 in W/(m K): phono3py's data in the formula with smooth phases, full mesh, SI units.
KAPPA_P = (3.0224, 3.2299, 3.2368)
KAPPA_C = (0.6980, 0.7416, 0.7362)
KAPPA_C_GEOMETRIC = (0.7019, 0.7460, 0.7403)


def test_namgf3_has_the_known_conductivity(shared_data: Path) -> None:
    result = wigner_kappa(*namgf3(shared_data), 300)
    np.testing.assert_allclose(np.diag(result.kappa_p), KAPPA_P, rtol=2e-3)
    np.testing.assert_allclose(np.diag(result.kappa_c), KAPPA_C, rtol=2e-3)
    off = result.kappa - np.diag(np.diag(result.kappa))
    assert np.abs(off).max() < 1e-6
    assert result.audit.passed, result.audit.lines()
    assert max(result.audit.residuals.values()) < 1e-9, result.audit.lines()
    geometric = wigner_kappa(*namgf3(shared_data), 300, normalisation="geometric")
    np.testing.assert_allclose(np.diag(geometric.kappa_c), KAPPA_C_GEOMETRIC, rtol=2e-3)


def test_the_half_width_doubles_the_particles_and_fails_the_limit(shared_data: Path) -> None:
    wrong = wigner_kappa(*namgf3(shared_data), 300, variant="hwhm")
    np.testing.assert_allclose(np.diag(wrong.kappa_p), 2 * np.array(KAPPA_P), rtol=1e-4)
    np.testing.assert_allclose(np.diag(wrong.kappa_c), (0.587, 0.615, 0.606), atol=6e-4)
    assert wrong.audit.failures == ("s = s' limit",)


@pytest.mark.slow
def test_the_step_phase_makes_forbidden_elements(shared_data: Path) -> None:
    wrong = wigner_kappa(*namgf3(shared_data), 300, variant="step")
    np.testing.assert_allclose(np.diag(wrong.kappa_p), KAPPA_P, rtol=1e-4)
    np.testing.assert_allclose(np.diag(wrong.kappa_c), (0.807, 0.964, 0.845), atol=6e-4)
    off = np.abs(wrong.kappa_c - np.diag(np.diag(wrong.kappa_c))).max()
    assert 0.02 < off < 0.03
    assert set(wrong.audit.forbidden or {}) == {"yz", "xz", "xy"}
    assert {"point group", "atoms moved by lattice vectors"} <= set(wrong.audit.failures)


@pytest.mark.slow
def test_the_real_part_loses_half_and_depends_on_phases(shared_data: Path) -> None:
    wrong = wigner_kappa(*namgf3(shared_data), 300, variant="real_part")
    ratio = np.diag(wrong.kappa_c) / KAPPA_C
    assert ((ratio > 0.45) & (ratio < 0.65)).all()
    assert "random phases of eigenvectors" in wrong.audit.failures
