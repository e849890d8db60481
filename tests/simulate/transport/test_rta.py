"""κ rebuilt from lifetimes, against sums over the whole mesh in SI units and closed forms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import constants

from ixs_core.errors import InputError
from simulate.transport.heat_capacity import mode_heat_capacity
from simulate.transport.lifetimes import Linewidths
from simulate.transport.rta import kappa_rta, knows_star, mean_kappa_rta, silent_modes
from tests.simulate.transport.cosine_crystal import (
    CELL_A,
    cosine_crystal,
    energies,
    velocities,
    widths,
)


def _whole_mesh(kelvin: tuple[float, ...] = (300.0,)) -> Linewidths:
    q = cosine_crystal().all_q
    energy = energies(q)
    return Linewidths(
        q_primitive=q,
        weights=np.ones(len(q), dtype=int),
        energy_mev=energy,
        temperature_k=np.array(kelvin),
        processes={"3ph": np.array([widths(energy, t, "3ph") for t in kelvin])},
        velocity_km_s=velocities(q),
        volume_A3=CELL_A**3,
    )


def test_whole_mesh_against_a_sum_in_si_units() -> None:
    kappa = kappa_rta(_whole_mesh((100.0, 300.0)))
    crystal = cosine_crystal()
    for row, kelvin in enumerate((100.0, 300.0)):
        np.testing.assert_allclose(kappa[row], crystal.kappa(kelvin), rtol=1e-10, atol=1e-10)


def test_irreducible_points_know_only_the_mean() -> None:
    crystal = cosine_crystal()
    found = replace(
        _whole_mesh(),
        q_primitive=crystal.q,
        weights=crystal.weights,
        energy_mev=crystal.energy,
        velocity_km_s=crystal.velocity,
        processes={"3ph": crystal.width(300.0)[None]},
    )
    assert not knows_star(found)
    with pytest.raises(InputError, match="--structure"):
        kappa_rta(found)
    mean = mean_kappa_rta(found)[0]
    assert mean == pytest.approx(np.trace(crystal.kappa(300.0)) / 3, rel=1e-10)


def test_high_temperature_is_classical() -> None:
    """C → k_B: κ = k_B/V <v ⊗ v> τ with one lifetime for all."""
    found = replace(_whole_mesh((1e6,)), processes={"3ph": np.full((1, 64, 3), 0.1)})
    tau = constants.hbar / (0.1e-3 * constants.e)
    v = found.velocity_km_s.reshape(-1, 3) * 1e3
    expected = constants.k * tau / (CELL_A * 1e-10) ** 3 * v.T @ v / 64
    moving = found.energy_mev > 1e-3
    assert (~moving).sum() == 3
    np.testing.assert_allclose(kappa_rta(found)[0], expected, rtol=1e-6, atol=1e-9)


def test_heat_capacity_is_the_slope_of_the_energy() -> None:
    energy = np.array([3.0, 20.0, 70.0])

    def mean_energy(kelvin: float) -> np.ndarray:
        return energy / np.expm1(energy / (constants.k / constants.e * 1e3 * kelvin))

    slope = (mean_energy(200.01) - mean_energy(199.99)) / 0.02
    np.testing.assert_allclose(mode_heat_capacity(energy, 200.0), slope, rtol=1e-7)
    assert mode_heat_capacity(np.array([-3.0, 0.0]), 200.0).tolist() == [0.0, 0.0]


def test_widths_not_known_are_counted_and_carry_nothing() -> None:
    found = _whole_mesh()
    width = found.processes["3ph"].copy()
    width[0, 5] = np.nan
    gone = replace(found, processes={"3ph": width})
    assert silent_modes(gone).sum() == 3
    rest = found.processes["3ph"].copy()
    rest[0, 5] = 1e12  # decays at once
    expected = kappa_rta(replace(found, processes={"3ph": rest}))
    np.testing.assert_allclose(kappa_rta(gone), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("missing", "message"), [("volume_A3", "volume"), ("velocity_km_s", "velocities")]
)
def test_what_is_missing_is_said(missing: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        kappa_rta(replace(_whole_mesh(), **{missing: None}))
