"""Linewidths through phono3py: against arrays made by hand, and the published force constants."""

from __future__ import annotations

import importlib.util
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.spatial import KDTree

from ixs_core.errors import Cancelled, InputError
from ixs_core.jobs import CancelToken
from ixs_core.units import THZ_IN_MEV
from simulate.phonons.force_constants import ForceConstants
from simulate.phonons.loading import load_force_constants
from simulate.phonons.loading.conventional_cell import CrystalStructure
from simulate.phonons.model import PhononModel
from simulate.transport.force_constant_clusters import (
    ForceConstantClusters,
    read_force_constant_clusters,
)
from simulate.transport.phono3py_cells import phono3py_of, write_phono3py_files
from simulate.transport.phono3py_run import phono3py_linewidths, run_phono3py
from simulate.transport.reading import read_linewidths
from tests.simulate.transport.pair_crystal import (
    MASSES,
    PairCrystal,
    derivative,
    low_symmetry,
    zincblende,
)
from tests.simulate.transport.test_force_constant_clusters import written

pytest.importorskip("phono3py")
SHARED = Path(os.environ.get("IXS_SHARED", "../shared")) / "data"
CSCU2I3 = SHARED / "cscu2i3/force_constants"
BAS = SHARED / "kappa/fourphonon_BAs"
NACL = SHARED / "phonons/NaCl"
MESH = (3, 3, 3)


@pytest.fixture(scope="module")
def crystal() -> PairCrystal:
    return zincblende()


@pytest.fixture(scope="module")
def second(crystal: PairCrystal) -> ForceConstants:
    return crystal.second_order(3)


@pytest.fixture(scope="module")
def third(crystal: PairCrystal, tmp_path_factory: Any) -> ForceConstantClusters:
    folder = tmp_path_factory.mktemp("third")
    return read_force_constant_clusters(*written(folder, crystal.constants(3), crystal.structure))


def by_hand(crystal: PairCrystal, repeats: int) -> Any:
    """phono3py with arrays filled bond by bond, in whole (not compact) form."""
    from phono3py import Phono3py
    from phonopy.structure.atoms import PhonopyAtoms

    unit = PhonopyAtoms(
        list(crystal.structure.symbols),
        cell=crystal.structure.vectors.tolist(),
        scaled_positions=crystal.structure.positions.tolist(),
        masses=[MASSES[symbol] for symbol in crystal.structure.symbols],
    )
    made: Any = Phono3py(unit, [repeats] * 3, primitive_matrix="P", log_level=0)
    cell, place = np.array(made.supercell.cell), np.array(made.supercell.positions)
    n = len(place)
    fc2, fc3 = np.zeros((n, n, 3, 3)), np.zeros((n, n, n, 3, 3, 3))
    for a, b, where in crystal.bonds():
        arm = crystal.arm(a, b, where)
        values = {k: crystal.strength(a, b) * derivative(arm, k) / 2 for k in (2, 3)}
        for i in range(a * repeats**3, (a + 1) * repeats**3):  # all copies of atom a
            apart = (place - place[i] - arm) @ np.linalg.inv(cell)
            j = int(np.argmin(np.linalg.norm(apart - np.rint(apart), axis=1)))
            for order, array in ((2, fc2), (3, fc3)):
                for choice in np.ndindex(*[2] * order):
                    sign = (-1) ** (order - sum(choice))
                    array[tuple(np.where(choice, j, i))] += sign * values[order]
    made.fc2, made.fc3 = fc2, fc3
    made.mesh_numbers = MESH
    made.init_phph_interaction()
    return made


def test_against_arrays_by_hand(tmp_path: Path) -> None:
    """Without symmetry: with it, equal energies let rounding decide in phono3py's tetrahedra."""
    crystal = low_symmetry()
    third = read_force_constant_clusters(
        *written(tmp_path, crystal.constants(3), crystal.structure)
    )
    found = run_phono3py(crystal.second_order(2), third, MESH, [300, 100], supercell=(2, 2, 2))
    direct = by_hand(crystal, 2)
    direct.run_thermal_conductivity(
        temperatures=[100, 300], is_isotope=True, transport_type="SMM19"
    )
    theirs = direct.thermal_conductivity
    widths = found.linewidths
    assert widths.temperature_k.tolist() == [100, 300]
    assert widths.mesh == MESH
    assert widths.weights.sum() == 27
    assert widths.volume_A3 == pytest.approx(abs(np.linalg.det(crystal.structure.vectors)))
    np.testing.assert_allclose(widths.q_primitive, theirs.qpoints, atol=1e-12)
    np.testing.assert_allclose(widths.energy_mev, theirs.frequencies * THZ_IN_MEV, atol=1e-5)
    for process, gamma in (("3ph", theirs.gamma[0]), ("isotope", theirs.gamma_isotope)):
        assert (gamma > 1e-3 * gamma.max()).mean() > 0.2  # not zeros with zeros
        ours = widths.processes[process] / (2 * THZ_IN_MEV)
        np.testing.assert_allclose(
            ours, np.broadcast_to(gamma, ours.shape), rtol=1e-4, atol=1e-6 * gamma.max()
        )
    assert found.kappa_c is not None
    for part, name in ((found.kappa_p, "kappa_intra"), (found.kappa_c, "kappa_inter")):
        expected = getattr(theirs, name)[0]
        np.testing.assert_allclose(
            part[:, [0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]],
            expected,
            atol=1e-5 * np.abs(expected).max(),
        )


def test_widths_grow_with_the_square_of_third_order(
    second: ForceConstants, third: ForceConstantClusters
) -> None:
    strong = replace(third, constants=replace(third.constants, values=2 * third.constants.values))
    options: dict[str, Any] = {"isotopes": False, "wigner": False}
    once = phono3py_linewidths(second, third, MESH, 300, **options)
    four = phono3py_linewidths(second, strong, MESH, 300, **options)
    assert list(once.processes) == ["3ph"]
    np.testing.assert_allclose(four.fwhm_mev, 4 * once.fwhm_mev, rtol=1e-9, atol=1e-15)


def test_any_supercell_that_holds_all_gives_the_same(
    second: ForceConstants, third: ForceConstantClusters
) -> None:
    some = [
        phono3py_linewidths(second, third, MESH, 300, wigner=False, supercell=size)
        for size in (None, (4, 3, 3))
    ]
    widest = some[0].fwhm_mev.max()
    np.testing.assert_allclose(some[0].fwhm_mev, some[1].fwhm_mev, atol=1e-6 * widest)
    small = phono3py_linewidths(second, third, MESH, 300, wigner=False, supercell=(1, 1, 1))
    assert any("third order" in note and "nearer images" in note for note in small.notes)


def test_kappa_file_and_files_of_phono3py(
    tmp_path: Path, second: ForceConstants, third: ForceConstantClusters
) -> None:
    import phono3py

    kappa, folder = tmp_path / "kappa.hdf5", tmp_path / "run"
    found = run_phono3py(second, third, MESH, 300, output=kappa, files=folder)
    read = read_linewidths(kappa, structure=folder / "phono3py_params.yaml")
    for name, width in found.linewidths.processes.items():
        np.testing.assert_array_equal(read.processes[name], width)
    np.testing.assert_allclose(read.velocity_product, found.linewidths.velocity_product, atol=1e-9)
    assert not any("differs" in note for note in found.linewidths.notes)
    loaded = phono3py.load(
        folder / "phono3py_params.yaml",
        fc2_filename=folder / "fc2.hdf5",
        fc3_filename=folder / "fc3.hdf5",
        log_level=0,
        symprec=1e-3,
    )
    loaded.mesh_numbers = MESH
    loaded.init_phph_interaction()
    loaded.run_thermal_conductivity(temperatures=[300])
    gamma = loaded.thermal_conductivity.gamma[0]
    ours = found.linewidths.processes["3ph"] / (2 * THZ_IN_MEV)
    np.testing.assert_allclose(ours, gamma, atol=1e-6 * gamma.max())
    made, folded, _ = phono3py_of(second, third)
    with pytest.raises(InputError, match="folder does not exist"):
        write_phono3py_files(made, folded, tmp_path / "none/there")


def test_progress_and_cancel(second: ForceConstants, third: ForceConstantClusters) -> None:
    told: list[tuple[int, int]] = []
    token = CancelToken()

    def progress(done: int, total: int, text: str) -> None:
        told.append((done, total))
        if done == 1:
            token.cancel()

    with pytest.raises(Cancelled):
        run_phono3py(second, third, MESH, 300, progress=progress, cancel=token, wigner=False)
    assert told[0] == (0, 0)
    assert told[-1] == (1, 4)


def test_what_is_wrong_is_said(
    monkeypatch: pytest.MonkeyPatch, second: ForceConstants, third: ForceConstantClusters
) -> None:
    with pytest.raises(InputError, match="mesh"):
        run_phono3py(second, third, (3, 0, 3), 300)
    with pytest.raises(InputError, match="no temperatures"):
        run_phono3py(second, third, MESH, [300, -1])
    with pytest.raises(InputError, match="no supercell"):
        run_phono3py(second, third, MESH, 300, supercell=(2, 2))
    other = replace(second, positions=second.positions + np.array([[0.0] * 3, [0.2, 0, 0]]))
    with pytest.raises(InputError, match="different crystals"):
        run_phono3py(other, third, MESH, 300)
    there = importlib.util.find_spec
    monkeypatch.setattr(
        "simulate.transport.phono3py_cells.find_spec",
        lambda name: None if name == "phono3py" else there(name),
    )
    with pytest.raises(InputError, match=r"need phono3py.*ixs-suite\[transport\]"):
        run_phono3py(second, third, MESH, 300)


@pytest.mark.skipif(not NACL.exists(), reason="IXS_SHARED is not there")
def test_dipoles_and_second_order_arrive(tmp_path: Path) -> None:
    """Phonons of phono3py against ours, for force constants with charges."""
    file = next(path for path in sorted(NACL.iterdir()) if path.suffix in (".yaml", ".xz"))
    second = load_force_constants(file)
    assert second.polar is not None
    symbols = ("Cu", "I")
    springs = PairCrystal(CrystalStructure(second.vectors, second.positions, symbols), 3.0)
    constants = springs.constants(3)
    named = replace(springs.structure, symbols=second.symbols)
    third = read_force_constant_clusters(*written(tmp_path, constants, named))
    made, _, _ = phono3py_of(second, third)
    made.mesh_numbers = (3, 3, 3)
    made.init_phph_interaction()
    made.run_phonon_solver()
    phonons = made.phph_interaction.phonons
    grid = made.grid
    q = grid.addresses[grid.grg2bzg] @ grid.QDinv.T
    energy = np.sort(phonons.frequencies[grid.grg2bzg], axis=1) * THZ_IN_MEV
    ours, _ = PhononModel.of(second).dynamical_matrix.modes(q)
    away = np.abs(q).max(axis=1) > 1e-6
    np.testing.assert_allclose(np.sort(ours, axis=1)[away], energy[away], atol=0.02)
    assert energy.max() > 20


@pytest.mark.slow
@pytest.mark.skipif(not CSCU2I3.exists(), reason="IXS_SHARED is not there")
def test_cscu2i3_from_files_to_kappa() -> None:
    """The whole way with the paper's 3RD, against phono3py fed otherwise, and our own κ."""
    from phono3py import Phono3py

    harmonic = CSCU2I3 / "phonopy_params_eff300K.yaml.xz"
    # Without isotopes: with equal energies in a tetrahedron rounding decides on their widths.
    found = run_phono3py(harmonic, CSCU2I3 / "FORCE_CONSTANTS_3RD", MESH, 300, isotopes=False)
    theirs = _cscu2i3_by_phonopy(Phono3py, harmonic)
    widths = found.linewidths
    gamma = theirs.gamma[0]
    np.testing.assert_allclose(
        widths.processes["3ph"] / (2 * THZ_IN_MEV), gamma, atol=1e-8 * gamma.max()
    )
    assert found.kappa_c is not None
    for ours, name in ((found.kappa_p, "kappa_intra"), (found.kappa_c, "kappa_inter")):
        expected = getattr(theirs, name)[0, 0]
        np.testing.assert_allclose(ours[0].diagonal(), expected[:3], rtol=1e-6)
    model = PhononModel.load(harmonic)
    np.testing.assert_allclose(
        widths.energy_mev[1:], model.dynamical_matrix.modes(widths.q_primitive)[0][1:], atol=1e-3
    )
    _compare_with_own_wigner(model, found)


def _cscu2i3_by_phonopy(phono3py: Any, harmonic: Path) -> Any:
    """phonopy reads second order; third order is put at the nearest atoms, one by one."""
    import phonopy

    phonon = phonopy.load(harmonic, log_level=0)
    made = phono3py(
        phonon.unitcell,
        phonon.supercell_matrix,
        primitive_matrix=phonon.primitive_matrix,
        log_level=0,
    )
    third = read_force_constant_clusters(CSCU2I3 / "FORCE_CONSTANTS_3RD", relabel=False)
    cell = np.array(made.supercell.cell)
    place = np.array(made.supercell.positions)
    home = third.structure.positions @ third.structure.vectors
    lattice = third.structure.vectors
    n, to_cell = len(place), np.linalg.inv(cell)
    fc3 = np.zeros((12, n, n, 3, 3, 3))

    def nearest(point: np.ndarray) -> int:
        apart = (place - point) @ to_cell
        apart -= np.rint(apart)
        return int(np.argmin(np.linalg.norm(apart @ cell, axis=1)))

    primitive = {int(index): k for k, index in enumerate(made.primitive.p2s_map)}
    for atoms, cells, value in zip(
        third.constants.atoms, third.constants.cells, third.constants.values, strict=True
    ):
        first = primitive[nearest(home[atoms[0]])]
        others = [
            nearest(home[atom] + where @ lattice)
            for atom, where in zip(atoms[1:], cells, strict=True)
        ]
        fc3[(first, *others)] += value
    made.fc2, made.fc3 = phonon.force_constants, fc3
    made.mesh_numbers = MESH
    made.init_phph_interaction()
    made.run_thermal_conductivity(temperatures=[300], transport_type="SMM19")
    return made.thermal_conductivity


def _compare_with_own_wigner(model: PhononModel, found: Any) -> None:
    """κ of phono3py, whose velocities are over 2 √(E E'), against `wigner_kappa`."""
    from simulate.transport.wigner import wigner_kappa

    ours = wigner_kappa(model, found.linewidths, 300.0, MESH, normalisation="geometric")
    np.testing.assert_allclose(ours.kappa_p.diagonal(), found.kappa_p[0].diagonal(), rtol=1e-5)
    np.testing.assert_allclose(ours.kappa_c.diagonal(), found.kappa_c[0].diagonal(), rtol=1e-5)


@pytest.mark.slow
@pytest.mark.skipif(not BAS.exists(), reason="IXS_SHARED is not there")
def test_bas_against_shengbte() -> None:
    """The same force constants and mesh in another program, whose δ functions are Gaussians.

    Single widths differ by the way of integrating; sums over branches show units and scale.
    """
    theirs = read_linewidths(BAS)
    ours = phono3py_linewidths(BAS / "CONTROL", BAS / "FORCE_CONSTANTS_3RD", (16, 16, 16), 300)
    distance, row = KDTree(ours.energy_mev).query(theirs.energy_mev)
    assert distance.max() < 0.05  # meV, all six branches
    wide, wanted = ours.processes["3ph"][0][row], theirs.processes["3ph"][0]
    vibrates = (wide > 0) & (wanted > 0)
    for branches, part in ((slice(0, 3), 0.1), (slice(3, 6), 0.15)):
        known = vibrates[:, branches]
        ratio = wide[:, branches][known].sum() / wanted[:, branches][known].sum()
        assert ratio == pytest.approx(1, abs=part)
