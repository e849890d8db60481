"""Folders of kaldo in both of its storages, and what is wrong with them."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from ixs_core.errors import InputError
from simulate.transport.reading import read_linewidths
from simulate.transport.rta import kappa_rta
from tests.simulate.transport.cosine_crystal import (
    CELL_A,
    CONTROL,
    HBAR_MEV_PS,
    THZ_MEV,
    cosine_crystal,
    energies,
    velocities,
    widths,
)

MESH = cosine_crystal()
ENERGY, VELOCITY = energies(MESH.all_q), velocities(MESH.all_q)


def _text(file: Path, array: np.ndarray) -> None:
    np.savetxt(file, array, fmt="%.18e", header=str(array.shape))


def _write(root: Path, kelvin: tuple[float, ...] = (300.0,), storage: str = "numpy") -> Path:
    home = root / "4_4_4"
    home.mkdir(parents=True)
    if storage == "numpy":
        np.save(home / "frequency.npy", ENERGY / THZ_MEV)
        np.save(home / "velocity.npy", 10 * VELOCITY)
    else:
        _text(home / "frequency.dat", ENERGY / THZ_MEV)
        for axis in range(3):
            _text(home / f"velocity_{axis}.dat", 10 * VELOCITY[..., axis])
    for t in kelvin:
        _write_widths(home / f"{t:g}" / "quantum", t, storage)
    return root


def _write_widths(folder: Path, kelvin: float, storage: str = "numpy") -> None:
    folder.mkdir(parents=True)
    rate = widths(ENERGY, kelvin, "3ph") / HBAR_MEV_PS
    if storage == "numpy":
        np.save(folder / "bandwidth.npy", rate)
        (folder / "rta").mkdir()
        modes = np.zeros((ENERGY.size, 3, 3))
        modes[0] = MESH.kappa(kelvin)
        np.save(folder / "rta" / "conductivity.npy", modes)
    else:
        _text(folder / "bandwidth.dat", rate)


@pytest.fixture
def structure(tmp_path: Path) -> Path:
    file = tmp_path / "CONTROL"
    file.write_text(CONTROL.replace("@", "4"), encoding="utf-8")
    return file


@pytest.mark.parametrize("storage", ["numpy", "formatted"])
def test_widths_and_kappa(tmp_path: Path, structure: Path, storage: str) -> None:
    root = _write(tmp_path / "ald", (300.0, 100.0), storage)
    found = read_linewidths(root, structure=structure)
    assert found.mesh == (4, 4, 4)
    assert found.temperature_k.tolist() == [100.0, 300.0]
    np.testing.assert_allclose(found.fwhm_mev[1], widths(ENERGY, 300.0, "3ph"), atol=1e-15)
    np.testing.assert_allclose(found.q_primitive, MESH.all_q)
    assert found.volume_A3 == pytest.approx(CELL_A**3)
    for row, kelvin in enumerate((100.0, 300.0)):
        np.testing.assert_allclose(kappa_rta(found)[row], MESH.kappa(kelvin), rtol=1e-9, atol=1e-9)
    if storage == "numpy":
        np.testing.assert_allclose(found.kappa_stated[1], MESH.kappa(300.0))
        assert not any("κ rebuilt" in note for note in found.notes)


def test_isotopes_beside(tmp_path: Path) -> None:
    root = _write(tmp_path / "ald")
    folder = root / "4_4_4" / "300" / "quantum"
    three, isotope = (widths(ENERGY, 300.0, name) / HBAR_MEV_PS for name in ("3ph", "isotope"))
    np.save(folder / "anharmonic_bandwidth.npy", three)
    np.save(root / "4_4_4" / "isotopic_bandwidth.npy", isotope)
    assert list(read_linewidths(root).processes) == ["3ph"]  # bandwidth does not count them
    np.save(folder / "bandwidth.npy", three + isotope)
    found = read_linewidths(root)
    np.testing.assert_allclose(found.processes["isotope"][0], isotope * HBAR_MEV_PS)


def test_several_calculations_are_listed_and_one_can_be_named(tmp_path: Path) -> None:
    root = _write(tmp_path / "ald")
    _write_widths(root / "4_4_4" / "300" / "classic", 300.0)
    with pytest.raises(InputError, match=r"300/classic, 300/quantum.*folder of one of them"):
        read_linewidths(root)
    assert read_linewidths(root / "4_4_4" / "300" / "quantum").mesh == (4, 4, 4)
    notes = read_linewidths(root / "4_4_4" / "300" / "classic").notes
    assert any("classical statistics" in note for note in notes)


def test_pickled_objects_are_refused(tmp_path: Path) -> None:
    root = _write(tmp_path / "ald")
    file = root / "4_4_4" / "300" / "quantum" / "bandwidth.npy"
    np.save(file, np.array([{"a": 1}], dtype=object))
    with pytest.raises(InputError, match=r"no array of numbers.*could run code"):
        read_linewidths(root)
    file.write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(InputError, match="no array of numbers"):
        read_linewidths(root)


def test_widths_of_another_mesh_and_none_at_all(tmp_path: Path) -> None:
    root = _write(tmp_path / "ald")
    file = root / "4_4_4" / "300" / "quantum" / "bandwidth.npy"
    np.save(file, np.ones((8, 3)))
    with pytest.raises(InputError, match="do not belong to the frequencies"):
        read_linewidths(root)
    file.unlink()
    with pytest.raises(InputError, match=r"no linewidths.*bandwidth\.npy"):
        read_linewidths(root)
