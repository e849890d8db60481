"""The heat flux is the rate of the first moment of the energy, and eq. (7) for pairs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from ase import Atoms, units
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones
from ase.md.verlet import VelocityVerlet

from ixs_core.errors import InputError
from ixs_core.jobs import CancelToken
from simulate.md.heat_flux import heat_flux
from simulate.md.moment_tensor_calculator import MomentTensorCalculator
from simulate.md.run import RunSettings, run_dynamics, store_run, thermal_momenta
from tests.ixs_reduce.command import run
from tests.simulate.md.test_moment_tensor_potential import SPECIES, TINY, cscu2i3

PER_PS = 1000 * units.fs


def tiny(folder: Path) -> MomentTensorCalculator:
    """A potential of two species whose atoms' energies are squares of sums over neighbours."""
    file = folder / "tiny.mtp"
    file.write_text(TINY, encoding="utf-8")
    return MomentTensorCalculator(file, ("Cu", "I"))


def cluster(symbols: str, spread: float, seed: int = 1) -> Atoms:
    """Atoms on a jittered lattice in a box so large that nothing reaches its images."""
    rng = np.random.default_rng(seed)
    grid = np.stack(np.meshgrid(*[range(2)] * 3), axis=-1).reshape(-1, 3) * spread
    atoms = Atoms(symbols, grid + rng.normal(0, 0.15, (8, 3)) + 20, cell=[50] * 3, pbc=True)
    atoms.set_momenta(thermal_momenta(atoms, 600.0, seed))
    return atoms


def argon() -> tuple[Atoms, LennardJones]:
    return cluster("Ar8", 3.8), LennardJones(sigma=3.4, epsilon=0.0104, rc=12.0)


def moment(atoms: Atoms, calculator: Any) -> Any:
    """Σ r_i ε_i in eV Å."""
    kinetic = 0.5 * np.sum(atoms.get_momenta() * atoms.get_velocities(), axis=1)
    return (kinetic + calculator.get_property("energies", atoms)) @ atoms.positions


@pytest.mark.parametrize("which", ["argon", "tiny"])
def test_the_flux_is_the_rate_of_the_moment_of_the_energy(which: str, tmp_path: Path) -> None:
    atoms, calculator = argon() if which == "argon" else (cluster("Cu4I4", 2.2), tiny(tmp_path))
    step = 0.05  # fs
    atoms.calc = calculator
    moments, fluxes = [], []
    dynamics = VelocityVerlet(atoms, step * units.fs)
    for _ in range(41):
        moments.append(moment(atoms, calculator))
        fluxes.append(heat_flux(atoms, calculator)[0])
        dynamics.run(1)
    rate = (np.array(moments)[2:] - np.array(moments)[:-2]) / (2 * step / 1000)
    found = np.array(fluxes)[1:-1]
    np.testing.assert_allclose(found, rate, atol=1e-5 * np.abs(rate).max())
    # Both parts of it matter.
    total, convective = heat_flux(atoms, calculator)
    assert np.linalg.norm(total - convective) > 0.01 * np.linalg.norm(total)


def test_real_potential(shared_data: Path) -> None:
    """Far from any cutoff to the box: 96 atoms of the crystal as a cluster."""
    calculator = MomentTensorCalculator(shared_data / "cscu2i3/potential/cscuI.mtp", SPECIES)
    atoms = cscu2i3()
    atoms.pbc = False
    atoms.set_momenta(thermal_momenta(atoms, 300.0, 2))
    atoms.calc = calculator
    step = 0.02
    forces, velocities = atoms.get_forces(), atoms.get_velocities()
    flux = heat_flux(atoms, calculator)[0]
    beside = []
    for sign in (-1, 1):
        moved = atoms.copy()
        moved.positions = atoms.positions + sign * step * units.fs * velocities
        moved.set_momenta(atoms.get_momenta() + sign * step * units.fs * forces)
        beside.append(moment(moved, calculator))
    rate = (beside[1] - beside[0]) / (2 * step / 1000)
    np.testing.assert_allclose(flux, rate, atol=1e-5 * np.abs(rate).max())


def test_lennard_jones_is_equation_7() -> None:
    sigma, epsilon, reach = 3.4, 0.0104, 5.2
    atoms = bulk("Ar", "fcc", a=5.3, cubic=True).repeat(2)
    atoms.rattle(0.1, seed=4)
    atoms.set_momenta(thermal_momenta(atoms, 60.0, 5))
    speeds = atoms.get_velocities() * PER_PS
    energy = 0.5 * np.sum(atoms.get_momenta() * atoms.get_velocities(), axis=1)
    edge = 4 * epsilon * ((sigma / reach) ** 12 - (sigma / reach) ** 6)
    virial = np.zeros(3)
    for i in range(len(atoms)):
        for j in range(len(atoms)):
            arm = atoms.get_distance(j, i, mic=True, vector=True)  # r_i - r_j
            r = np.linalg.norm(arm)
            if i == j or r >= reach:
                continue
            energy[i] += 0.5 * (4 * epsilon * ((sigma / r) ** 12 - (sigma / r) ** 6) - edge)
            force = 24 * epsilon * (2 * (sigma / r) ** 12 - (sigma / r) ** 6) * arm / r**2
            virial += 0.5 * arm * (force @ speeds[i])
    found = heat_flux(atoms, LennardJones(sigma=sigma, epsilon=epsilon, rc=reach))
    np.testing.assert_allclose(found[1], energy @ speeds, rtol=1e-9)
    np.testing.assert_allclose(found[0] - found[1], virial, rtol=1e-9)


@pytest.mark.parametrize("which", ["argon", "tiny"])
def test_it_follows_the_atoms(which: str, tmp_path: Path) -> None:
    atoms, calculator = argon() if which == "argon" else (cluster("Cu4I4", 2.2), tiny(tmp_path))
    atoms.set_cell([14.0] * 3)  # images within reach
    flux = heat_flux(atoms, calculator)
    moved = atoms.copy()
    moved.positions += (3.3, -20.2, 31.7)
    np.testing.assert_allclose(heat_flux(moved, calculator), flux, atol=1e-9 * np.abs(flux).max())
    moved.wrap()
    np.testing.assert_allclose(heat_flux(moved, calculator), flux, atol=1e-9 * np.abs(flux).max())
    # A turn of the crystal turns it: x → y → z → x.
    turned = atoms.copy()
    turned.positions = np.roll(atoms.positions, 1, axis=1)
    turned.set_momenta(np.roll(atoms.get_momenta(), 1, axis=1))
    np.testing.assert_allclose(heat_flux(turned, calculator), np.roll(flux, 1, axis=1), rtol=1e-8)
    # A crystal that only drifts carries its energy and its stress: J = v E - W v.
    drifting = atoms.copy()
    velocity = np.array([1.0, -2.0, 0.5])
    drifting.set_velocities(np.tile(velocity / PER_PS, (len(atoms), 1)))
    total, convective = heat_flux(drifting, calculator)
    volume = drifting.get_volume()
    drifting.calc = calculator
    stress = drifting.get_stress(voigt=False)
    np.testing.assert_allclose(total - convective, -volume * stress @ velocity, rtol=1e-8)
    energy = drifting.get_potential_energy() + drifting.get_kinetic_energy()
    np.testing.assert_allclose(convective, energy * velocity, rtol=1e-9)


def test_calculators_without_it_are_named(tmp_path: Path) -> None:
    for calculator in (EMT(), LennardJones(smooth=True)):
        with pytest.raises(InputError, match="heat flux is not available"):
            heat_flux(bulk("Cu"), calculator)
    settings = RunSettings(300.0, production_ps=0.1, heat_flux=True)
    with pytest.raises(InputError, match="EMT"):
        run_dynamics(bulk("Cu", cubic=True), EMT(), tmp_path / "run.traj", settings)
    assert not (tmp_path / "run.traj").exists()


SETTINGS = RunSettings(
    600.0, step_fs=1.0, equilibration_ps=0.02, production_ps=0.1, every=5, heat_flux=True
)


def test_a_run_that_stopped_goes_on_with_the_same_flux(tmp_path: Path) -> None:
    atoms, calculator = cluster("Cu4I4", 2.2), tiny(tmp_path)
    whole = run_dynamics(atoms, calculator, tmp_path / "whole.traj", SETTINGS)
    assert whole.heat_flux is not None
    assert whole.heat_flux.total.shape == (21, 3)
    token = CancelToken()

    def stop(done: int, total: int, text: str) -> None:
        if done >= 60:
            token.cancel()

    file = tmp_path / "parts.traj"
    first = run_dynamics(atoms, calculator, file, SETTINGS, progress=stop, cancel=token)
    assert not first.finished
    again = run_dynamics(atoms, calculator, file, SETTINGS)
    assert again.heat_flux is not None
    np.testing.assert_allclose(again.heat_flux.total, whole.heat_flux.total, rtol=1e-6)
    store_run(again, tmp_path / "run.h5")
    with h5py.File(tmp_path / "run.h5") as h5:
        stored = h5["observables/heat_flux/value"]
        assert stored.attrs["unit"] == "eV*Angstrom/ps"
        np.testing.assert_array_equal(stored[:, 0], again.heat_flux.total)
        np.testing.assert_array_equal(stored[:, 0] - stored[:, 1], again.heat_flux.virial)
        assert h5["observables/heat_flux/time"][()] == 5.0


def test_the_command_writes_columns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from ase.io import write

    start = tmp_path / "POSCAR"
    write(start, bulk("Ar", "fcc", a=5.3, cubic=True), format="vasp")
    asked = ("md", "run", start, "-o", tmp_path / "ar.h5", "--supercell", "2 2 2", "--heat-flux")
    timing = ("--temperature", "40", "--step", "2", "--every", "5", "--equilibration", "0.05")
    lj = ("--potential", "lj:sigma=3.4,epsilon=0.0104,rc=5.2")
    code, _, err = run(capsys, *asked, *timing, *lj, "--production", "0.1")
    assert code == 0, err
    file = tmp_path / "ar_heat_flux.txt"
    columns = np.loadtxt(file)
    assert columns.shape == (11, 7)
    np.testing.assert_allclose(columns[:, 0], np.arange(11) * 0.01)
    head = [line[1:].split(" = ") for line in file.read_text().splitlines() if line[0] == "#"]
    known = {key.strip(): float(value) for key, value in head[1:4]}
    assert known["volume_A3"] == pytest.approx((2 * 5.3) ** 3)
    assert known["step_ps"] == pytest.approx(0.01)
    code, _, err = run(capsys, *asked, *timing, "--potential", "emt", "--production", "0.1")
    assert code == 1
    assert "the heat flux is not available" in err
