"""kappa files of phono3py: real ones, and every layout and fault made here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import constants

from ixs_core.errors import InputError
from simulate.transport.reading import read_linewidths
from simulate.transport.rta import kappa_rta, knows_star, mean_kappa_rta
from tests.simulate.transport.cosine_crystal import (
    CELL_A,
    THZ_MEV,
    CosineCrystal,
    cosine_crystal,
    voigt,
    write_kappa_hdf5,
)

YAML = f"""phono3py:
  version: "4.0.0"
supercell_matrix: [2, 2, 2]
unit_cell:
  lattice:
  - [{CELL_A}, 0.0, 0.0]
  - [0.0, {CELL_A}, 0.0]
  - [0.0, 0.0, {CELL_A}]
  points:
  - symbol: Po
    coordinates: [0.0, 0.0, 0.0]
    mass: 209.0
"""


@pytest.fixture(scope="module")
def crystal() -> CosineCrystal:
    return cosine_crystal()


def test_silicon(shared_data: Path) -> None:
    """Against the κ of the file and the known 110.54 W/(m K)."""
    found = read_linewidths(shared_data / "kappa/phono3py/kappa-m111111_si_pbesol.hdf5")
    assert found.mesh == (11, 11, 11)
    assert found.energy_mev.shape == (56, 6)
    kappa = kappa_rta(found)
    np.testing.assert_allclose(kappa, found.kappa_stated, rtol=2e-5, atol=1e-9)
    assert kappa[2, 0, 0] == pytest.approx(110.5418, abs=1e-3)
    assert not any("CHECK" in note for note in found.notes)


def test_perovskite_with_wigner_transport(shared_data: Path) -> None:
    """The crystal beside makes whole stars of the velocities at irreducible q-points."""
    found = read_linewidths(shared_data / "kappa/phono3py/kappa-NaMgF3-m979.hdf5")
    stated = [3.02233379, 3.22961809, 3.23432531]  # kappa_intra of the file
    np.testing.assert_allclose(np.diag(kappa_rta(found)[0]), stated, rtol=1e-5)
    assert found.primitive is not None
    assert found.volume_A3 == pytest.approx(abs(np.linalg.det(found.primitive)), rel=1e-5)


def test_lifetimes_are_those_of_half_widths(crystal: CosineCrystal, tmp_path: Path) -> None:
    """τ = 1/(4π gamma) with gamma in THz."""
    gamma = np.full((1, *crystal.energy.shape), 0.02)
    found = read_linewidths(write_kappa_hdf5(tmp_path / "kappa.hdf5", crystal, gamma=gamma))
    np.testing.assert_allclose(found.lifetime_ps, 1 / (4 * np.pi * 0.02), rtol=1e-12)
    assert any("CHECK" in note for note in found.notes)  # κ of the file is of other widths


def test_kappa_is_that_of_the_whole_mesh(crystal: CosineCrystal, tmp_path: Path) -> None:
    found = read_linewidths(write_kappa_hdf5(tmp_path / "k.hdf5", crystal, (200.0, 300.0)))
    np.testing.assert_allclose(kappa_rta(found)[0], crystal.kappa(200.0), rtol=1e-9, atol=1e-9)
    assert found.volume_A3 == pytest.approx(CELL_A**3)
    assert found.notes == ("κ of the file: kappa",)


def test_a_smearing_is_chosen_and_choices_are_listed(
    crystal: CosineCrystal, tmp_path: Path
) -> None:
    gamma = np.array([[crystal.width(300.0)], [2 * crystal.width(300.0)]]) / 2 / THZ_MEV
    kappa = np.array([voigt(crystal.kappa(300.0))[None], voigt(crystal.kappa(300.0))[None] / 2])
    file = write_kappa_hdf5(
        tmp_path / "k.hdf5", crystal, gamma=gamma, kappa=kappa, sigma=[0.1, 0.2]
    )
    with pytest.raises(InputError, match=r"0\.1 THz, 0\.2 THz.*--sigma"):
        read_linewidths(file)
    with pytest.raises(InputError, match=r"found 0\.3 THz"):
        read_linewidths(file, sigma=0.3)
    found = read_linewidths(file, sigma=0.2)
    np.testing.assert_allclose(found.fwhm_mev[0], 2 * crystal.width(300.0))
    assert not any("CHECK" in note for note in found.notes)


def test_a_folder_of_several_smearings(crystal: CosineCrystal, tmp_path: Path) -> None:
    write_kappa_hdf5(tmp_path / "kappa-m444-s0.1.hdf5", crystal, sigma=0.1)
    write_kappa_hdf5(tmp_path / "kappa-m444.hdf5", crystal)
    with pytest.raises(InputError, match=r"several files fit.*sigma 0\.1 THz.*tetrahedra"):
        read_linewidths(tmp_path)
    assert "kappa-m444-s0.1" in read_linewidths(tmp_path, sigma=0.1).source


def test_isotopes_and_boundary_are_processes(crystal: CosineCrystal, tmp_path: Path) -> None:
    """ħ|v|/L for the boundary: with 1 µm and 1 km/s, 1 ns."""
    isotope = crystal.width(300.0, "isotope")
    file = write_kappa_hdf5(
        tmp_path / "k.hdf5",
        crystal,
        gamma_isotope=isotope / 2 / THZ_MEV,
        boundary_mfp=1.0,
        kappa=None,
    )
    found = read_linewidths(file)
    assert set(found.processes) == {"3ph", "isotope", "boundary"}
    np.testing.assert_allclose(found.processes["isotope"][0], isotope)
    speed = np.linalg.norm(crystal.velocity, axis=-1) * 1e3  # m/s
    expected = constants.hbar * speed / 1e-6 / constants.e * 1e3
    np.testing.assert_allclose(found.processes["boundary"][0], expected)


def test_old_layout_of_wigner_transport(crystal: CosineCrystal, tmp_path: Path) -> None:
    """Velocities on the diagonal of the velocity operator, κ in parts."""
    operator = np.zeros((len(crystal.q), 3, 3, 3), dtype=complex)
    operator[:, range(3), range(3)] = crystal.velocity * 10
    operator[:, 0, 1] = 7.0 + 2.0j
    particles = voigt(crystal.kappa(300.0))[None]
    file = write_kappa_hdf5(
        tmp_path / "kappa-m444.hdf5",
        crystal,
        version=None,
        group_velocity=None,
        gv_by_gv=None,
        kappa=None,
        velocity_operator=operator,
        kappa_P_RTA=particles,
        kappa_C=particles / 10,
        kappa_TOT_RTA=1.1 * particles,
    )
    found = read_linewidths(file)
    np.testing.assert_allclose(found.velocity_km_s, crystal.velocity, atol=1e-12)
    np.testing.assert_allclose(found.kappa_stated[0], crystal.kappa(300.0), atol=1e-9)
    assert "κ of the file: kappa_P_RTA" in found.notes


def test_the_crystal_beside_completes_the_stars(crystal: CosineCrystal, tmp_path: Path) -> None:
    file = write_kappa_hdf5(tmp_path / "kappa-m444.hdf5", crystal, gv_by_gv=None)
    alone = read_linewidths(file)
    assert not knows_star(alone)
    assert mean_kappa_rta(alone)[0] == pytest.approx(np.trace(crystal.kappa(300.0)) / 3)
    (tmp_path / "phono3py_other.yaml").write_text("nothing: here\n", encoding="utf-8")
    (tmp_path / "phono3py.yaml").write_text(YAML, encoding="utf-8")
    found = read_linewidths(file)
    np.testing.assert_allclose(kappa_rta(found)[0], crystal.kappa(300.0), rtol=1e-9, atol=1e-9)
    assert any("crystal from phono3py.yaml" in note for note in found.notes)


def test_another_crystal_is_refused(crystal: CosineCrystal, tmp_path: Path) -> None:
    file = write_kappa_hdf5(tmp_path / "k.hdf5", crystal)
    other = tmp_path / "other.yaml"
    other.write_text(YAML.replace(str(CELL_A), "5.0"), encoding="utf-8")
    with pytest.raises(InputError, match=r"not the crystal.*125\.00 Å³.*64\.00 Å³"):
        read_linewidths(file, structure=other)


def _negative(crystal: CosineCrystal) -> np.ndarray:
    gamma = crystal.width(300.0)[None] / 2 / THZ_MEV
    gamma[0, 3, 1] *= -1
    return gamma


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: {"weight": 2 * c.weights, "gv_by_gv": None}, "mesh; found sum 128"),
        (lambda c: {"mesh": [5, 5, 5]}, r"do not sum up.*expected 125"),
        (lambda c: {"qpoint": c.q + 0.01}, "not on the mesh"),
        (lambda c: {"gamma": _negative(c)}, "1 of 30 widths are negative.*q-point 4, branch 2"),
        (lambda c: {"weight": None}, "not all q-points.*--read-gamma"),
        (lambda c: {"gamma": np.ones((1, 3, 3))}, "do not belong to the frequencies"),
        (lambda c: {"gv_by_gv": np.ones((len(c.q), 3, 6))}, "not those of the group velocities"),
        (lambda c: {"gamma": np.full((1, len(c.q), 3), np.nan)}, "no width is a number"),
        (
            lambda c: {
                "temperature": [300.0, 300.0],
                "gamma": np.ones((2, len(c.q), 3)),
                "kappa": None,
            },
            "a temperature stands twice",
        ),
    ],
)
def test_faults(crystal: CosineCrystal, tmp_path: Path, change, message: str) -> None:
    file = write_kappa_hdf5(tmp_path / "k.hdf5", crystal, **change(crystal))
    with pytest.raises(InputError, match=message):
        read_linewidths(file)


def test_branches_are_put_in_order(crystal: CosineCrystal, tmp_path: Path) -> None:
    swapped = {
        name: value[..., [1, 0, 2]]
        for name, value in {
            "frequency": crystal.energy / THZ_MEV,
            "gamma": crystal.width(300.0)[None] / 2 / THZ_MEV,
        }.items()
    }
    file = write_kappa_hdf5(
        tmp_path / "k.hdf5", crystal, **swapped, gv_by_gv=None, group_velocity=None, kappa=None
    )
    found = read_linewidths(file)
    np.testing.assert_allclose(found.energy_mev, crystal.energy)
    np.testing.assert_allclose(found.fwhm_mev[0], crystal.width(300.0))
    assert "branches put in the order of energy at 9 q-points" in found.notes


def test_other_hdf5_files_and_missing_ones(tmp_path: Path) -> None:
    import h5py

    with h5py.File(tmp_path / "other.h5", "w") as h5:
        h5["nothing"] = 1
    with pytest.raises(InputError, match="this HDF5 file has no linewidths"):
        read_linewidths(tmp_path / "other.h5")
    (tmp_path / "cut.hdf5").write_bytes((tmp_path / "other.h5").read_bytes()[:300])
    with pytest.raises(InputError, match="HDF5 file is broken"):
        read_linewidths(tmp_path / "cut.hdf5")
    with pytest.raises(InputError, match="no such file"):
        read_linewidths(tmp_path / "none.hdf5")
    with pytest.raises(InputError, match=r"this folder has no linewidths.*BTE\.omega"):
        read_linewidths(tmp_path)
