"""The simulated structure factors: read back, compared with their truth and with real files."""

from __future__ import annotations

import time
from pathlib import Path

import gemmi
import numpy as np
import pytest

from ixs_core.cif import read_crystal
from ixs_core.errors import InputError
from mem.model_structure import structure_factors
from sample_data.cscu2i3_structure import (
    HOPPED_SHARE,
    MIDPOINT,
    refined_model,
    temperatures,
    true_crystal,
)
from sample_data.simulate_structure_factors import (
    RELATIVE_ERROR,
    SimulatedIntensities,
    simulate,
    write_structure_factors,
)

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_structure_factors(tmp_path_factory.mktemp("simulated") / "new")


@pytest.fixture(scope="module", params=temperatures())
def temperature(request: pytest.FixtureRequest) -> float:
    return float(request.param)


@pytest.fixture(scope="module")
def made(temperature: float) -> SimulatedIntensities:
    return simulate(temperature)


def columns(path: Path) -> np.ndarray:
    """h, k, l, F²_calc, F²_meas, σ, read by gemmi alone."""
    block = gemmi.cif.read(str(path)).sole_block()
    tags = ["index_h", "index_k", "index_l", "F_squared_calc", "F_squared_meas", "F_squared_sigma"]
    return np.array([[float(cell) for cell in row] for row in block.find("_refln_", tags)])


def test_two_files_that_say_what_they_are(files: list[Path]) -> None:
    assert [path.name for path in files] == [
        "simulated_CsCu2I3_300K.cif",
        "simulated_CsCu2I3_500K.cif",
    ]
    for path in files:
        text = path.read_text()
        assert text.startswith("# SIMULATED")
        assert gemmi.cif.read(str(path)).sole_block().name.startswith("SIMULATED_")
        assert "not measured" in text
        assert "10.1002/adma.202513381" in text


def test_the_same_seed_gives_the_same_bytes_and_soon(tmp_path: Path, files: list[Path]) -> None:
    started = time.process_time()
    again = write_structure_factors(tmp_path)
    assert time.process_time() - started < 1.0
    other = write_structure_factors(tmp_path / "other", seed=1)
    for a, b, c in zip(files, again, other, strict=True):
        assert a.read_bytes() == b.read_bytes() != c.read_bytes()


def test_the_file_states_the_refined_model(files: list[Path], temperature: float) -> None:
    path = files[temperatures().index(temperature)]
    crystal = read_crystal(path)
    assert crystal.repairs == ()
    assert crystal.temperature_k == temperature
    assert (crystal.formula, crystal.formula_units_per_cell) == ("CsCu2I3", 4)
    assert crystal.electrons_per_cell == 1088
    rows = columns(path)
    # The file alone gives back its F²_calc, written to 0.01.
    calculated = np.abs(structure_factors(crystal, rows[:, :3])) ** 2
    np.testing.assert_allclose(calculated, rows[:, 3], rtol=1e-9, atol=0.006)


def test_the_operators_of_the_file_are_those_of_cmcm(files: list[Path]) -> None:
    block = gemmi.cif.read(str(files[0])).sole_block()
    column = block.find_values("_space_group_symop_operation_xyz")
    operators = gemmi.GroupOps([gemmi.Op(gemmi.cif.as_string(value)) for value in column])
    assert gemmi.find_spacegroup_by_ops(operators).hm == "C m c m"


def test_gemmi_agrees_about_the_harmonic_structure_factors(temperature: float) -> None:
    """Without Gram-Charlier terms and dispersion, gemmi's own calculator is a peer."""
    crystal = true_crystal(temperature)
    small = gemmi.SmallStructure()
    small.cell = gemmi.UnitCell(*crystal.lattice.cell)
    small.spacegroup_hm = "C m c m"
    for site in crystal.sites:
        atom = gemmi.SmallStructure.Site()
        atom.label, atom.element = site.label, gemmi.Element(site.element)
        atom.fract = gemmi.Fractional(*site.position)
        u = site.u
        atom.aniso = gemmi.SMat33d(u[0, 0], u[1, 1], u[2, 2], u[0, 1], u[0, 2], u[1, 2])
        atom.occ = site.occupancy
        small.add_site(atom)
    small.determine_and_set_spacegroup("S.H2")
    small.change_occupancies_to_crystallographic()
    calculator = gemmi.StructureFactorCalculatorX(small.cell)
    hkl = [(4, 0, 0), (1, 3, 1), (2, 4, 5), (0, 2, 1), (13, 1, 0)]
    peer = [calculator.calculate_sf_from_small_structure(small, h) for h in hkl]
    ours = structure_factors(crystal, hkl, dispersion=False, anharmonic=False)
    np.testing.assert_allclose(ours, peer, atol=2e-3 * abs(ours).max())


def test_four_percent_of_the_copper_is_halfway() -> None:
    crystal, model = true_crystal(500.0), refined_model(500.0)
    halfway = crystal.atoms.site == len(model.sites)
    assert crystal.content == pytest.approx(model.content)
    moved = crystal.atoms.occupancy[halfway].sum() / model.content["Cu"]
    assert moved == pytest.approx(HOPPED_SHARE[500.0]) == 0.04
    # Halfway between two copper sites 3.23 Å apart, by the mirror at x = 1/2.
    copper = next(site for site in model.sites if site.element == "Cu")
    other = (1 - copper.position[0], *copper.position[1:])
    np.testing.assert_allclose((copper.position + other) / 2, MIDPOINT)
    assert HOPPED_SHARE[300.0] == 0
    assert len(true_crystal(300.0).sites) == 4


def test_noise_is_that_of_the_weights_the_file_states(
    made: SimulatedIntensities, temperature: float
) -> None:
    pulls = (made.measured - made.true) / np.hypot(made.sigma, RELATIVE_ERROR * made.true)
    n = len(pulls)
    assert abs(pulls.mean()) < 4 / np.sqrt(n)
    assert abs(pulls.var() - 1) < 4 * np.sqrt(2 / n)
    assert np.any(made.measured < 0)


def test_reflections_and_errors_are_like_those_of_the_real_files(
    made: SimulatedIntensities, temperature: float, shared_data: Path
) -> None:
    real = _real(shared_data / "cscu2i3" / "structure" / f"{temperature:g}K.cif")
    assert {tuple(h) for h in np.abs(real[:, :3]).astype(int)} == {tuple(h) for h in made.hkl}
    assert len(made.hkl) == {300.0: 630, 500.0: 641}[temperature]
    sigma = np.quantile(made.sigma, QUANTILES)
    np.testing.assert_allclose(sigma, np.quantile(real[:, 5], QUANTILES), rtol=0.25)
    ratio = np.quantile(made.sigma / made.calculated, QUANTILES)
    wanted = np.quantile(real[:, 5] / np.maximum(real[:, 3], 0.01), QUANTILES)
    np.testing.assert_allclose(ratio, wanted, rtol=0.2)
    weak, weak_real = (
        np.mean(fo < 2 * s) for fo, s in ((made.measured, made.sigma), (real[:, 4], real[:, 5]))
    )
    assert weak == pytest.approx(weak_real, abs=0.03)


def _real(path: Path) -> np.ndarray:
    """As `columns`, by the lines themselves: gemmi stops at the duplicate tags of some files."""
    lines = path.read_text().splitlines()
    first = max(i for i, line in enumerate(lines) if line.strip() == "_refln_observed_status") + 1
    rows = []
    for line in lines[first:]:
        words = line.split()
        if len(words) != 7:
            break
        rows.append([float(word) for word in words[:6]])
    return np.array(rows)


def test_another_temperature_is_an_error() -> None:
    with pytest.raises(InputError, match="300 or 500"):
        refined_model(400.0)
