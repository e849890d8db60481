"""Folders of ShengBTE and FourPhonon: the published example, and every fault made here."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ixs_core.errors import InputError
from simulate.transport.reading import read_linewidths
from simulate.transport.rta import kappa_rta
from tests.simulate.transport.cosine_crystal import (
    CELL_A,
    HBAR_MEV_PS,
    CosineCrystal,
    band_major,
    cosine_crystal,
    write_rates,
    write_run,
    write_temperature,
)

ALL = ("3ph", "4ph", "isotope")


@pytest.fixture(scope="module")
def crystal() -> CosineCrystal:
    return cosine_crystal()


@pytest.fixture
def run(crystal: CosineCrystal, tmp_path: Path) -> Path:
    return write_run(tmp_path / "run", crystal)


def test_boron_arsenide(shared_data: Path) -> None:
    """Against κ of the run, iteration 0; tables of 400 K lie in the folder of a run at 300 K."""
    found = read_linewidths(shared_data / "kappa/fourphonon_BAs")
    assert found.temperature_k.tolist() == [300.0]
    assert found.mesh == (16, 16, 16)
    assert set(found.processes) == set(ALL)
    kappa = kappa_rta(found)[0]
    np.testing.assert_allclose(np.diag(kappa) / np.diag(found.kappa_stated[0]), 1.0, atol=1e-5)
    assert any("BTE.KappaTensorVsT_RTA is of 400 K" in note for note in found.notes)
    assert any("6 NaN and 117 negative of 870" in note for note in found.notes)
    assert not any("κ rebuilt" in note for note in found.notes)


def test_the_final_rates_are_refused(shared_data: Path) -> None:
    file = shared_data / "kappa/fourphonon_BAs/T300K/BTE.w_final"
    with pytest.raises(InputError, match=r"not a linewidth.*6 NaN and 117 negative of 870"):
        read_linewidths(file)


def test_a_reciprocal_lattice_stands_for_control(shared_data: Path, tmp_path: Path) -> None:
    """nm⁻¹ with 2π; whole stars from BTE.v_full."""
    folder = tmp_path / "BAs"
    shutil.copytree(shared_data / "kappa/fourphonon_BAs", folder)
    folder.chmod(0o755)
    (folder / "CONTROL").unlink()
    found = read_linewidths(folder)
    assert found.mesh is None
    assert found.volume_A3 == pytest.approx(27.8763, abs=1e-3)
    np.testing.assert_allclose(kappa_rta(found), found.kappa_stated, rtol=1e-5, atol=0.02)


@pytest.mark.parametrize("full", [False, True])
def test_kappa_is_that_of_the_whole_mesh(
    crystal: CosineCrystal, tmp_path: Path, full: bool
) -> None:
    """By the rotations of CONTROL's crystal, or velocities at all points."""
    found = read_linewidths(write_run(tmp_path / "run", crystal, (300.0, 100.0), full=full))
    assert found.temperature_k.tolist() == [100.0, 300.0]
    for row, kelvin in enumerate((100.0, 300.0)):
        expected = crystal.kappa(kelvin, ALL)
        np.testing.assert_allclose(kappa_rta(found)[row], expected, rtol=1e-8, atol=1e-6)
    np.testing.assert_allclose(found.processes["4ph"][1], crystal.width(300, "4ph"), rtol=1e-9)
    np.testing.assert_allclose(found.velocity_km_s, crystal.velocity, atol=1e-9)
    assert found.volume_A3 == pytest.approx(CELL_A**3)
    assert found.notes == ("κ of the file: BTE.kappa_tensor, iteration 0",)


def test_one_temperature_and_one_file(crystal: CosineCrystal, run: Path) -> None:
    write_temperature(run / "T100K", crystal, 100.0)
    assert read_linewidths(run / "T100K").temperature_k.tolist() == [100.0]
    found = read_linewidths(run / "T300K" / "BTE.w_4ph")
    np.testing.assert_allclose(found.processes["4ph"][0], crystal.width(300, "4ph"), rtol=1e-9)
    assert found.kappa_stated is None
    assert any("only BTE.w_4ph is read" in note for note in found.notes)


def test_only_the_total(crystal: CosineCrystal, run: Path) -> None:
    for name in ("BTE.w_3ph", "BTE.w_4ph"):
        (run / "T300K" / name).unlink()
    found = read_linewidths(run)
    assert list(found.processes) == ["total"]
    expected = sum(crystal.width(300, name) for name in ALL)
    np.testing.assert_allclose(found.fwhm_mev[0], expected, rtol=1e-9)


def test_fortran_exponents_are_read_and_counted(crystal: CosineCrystal, run: Path) -> None:
    """D for E, three digits without any letter, and numbers that touch each other."""
    file = run / "T300K" / "BTE.w_3ph"
    lines = file.read_text(encoding="utf-8").splitlines()
    lines[1] = lines[1].replace("E", "D")
    lines[0] = "  0.0000000000E+00  0.1000000000-102"
    omega, rate = lines[2].split()
    lines[2] = f"+{omega}+{rate}"
    file.write_text("\n".join(lines), encoding="utf-8")
    found = read_linewidths(run)
    np.testing.assert_allclose(found.processes["3ph"][0], crystal.width(300), rtol=1e-9, atol=1e-99)
    assert any("3 Fortran exponents" in note and "BTE.w_3ph" in note for note in found.notes)
    assert any("1 places where numbers touch" in note for note in found.notes)


def test_wrapped_halves_of_four_phonon_rates(crystal: CosineCrystal, run: Path) -> None:
    """Five numbers over two lines: frequency, ++, +-, --, and their sum."""
    omega = band_major(crystal.energy) / HBAR_MEV_PS
    rate = band_major(crystal.width(300, "4ph")) / HBAR_MEV_PS
    for name, share in (("normal", 0.3), ("Umklapp", 0.7)):
        lines = [
            f"{w:20.10E}{0.2 * r:20.10E}{0.5 * r:20.10E}{0.3 * r:20.10E}\n{r:20.10E}"
            for w, r in zip(omega, share * rate, strict=True)
        ]
        (run / "T300K" / f"BTE.w_4ph_{name}").write_text("\n".join(lines), encoding="utf-8")
    assert read_linewidths(run).notes == ("κ of the file: BTE.kappa_tensor, iteration 0",)
    (run / "T300K" / "BTE.w_4ph").unlink()
    found = read_linewidths(run)
    np.testing.assert_allclose(found.processes["4ph"][0], crystal.width(300, "4ph"), rtol=1e-9)
    assert "4ph: normal and Umklapp parts together" in found.notes


def test_infinite_rates_are_not_known(crystal: CosineCrystal, run: Path) -> None:
    file = run / "T300K" / "BTE.w_4ph"
    lines = file.read_text(encoding="utf-8").splitlines()
    lines[0] = "    0.0000000000E+00            Infinity"
    lines[7] = lines[7].split()[0] + "  ********************"
    file.write_text("\n".join(lines), encoding="utf-8")
    found = read_linewidths(run)
    assert "2 of 30 widths (4ph) are not known" in found.notes
    assert "1 vibrating modes have no width: they carry nothing in κ" in found.notes
    assert any("did not fit their field" in note for note in found.notes)
    assert np.isnan(found.processes["4ph"][0, [0, 7], 0]).all()


def test_rates_that_stand_by_q_points_are_told_by_their_frequencies(
    crystal: CosineCrystal, run: Path
) -> None:
    file = run / "T300K" / "BTE.w_3ph"
    rows = np.column_stack([crystal.energy.ravel(), crystal.width(300).ravel()]) / HBAR_MEV_PS
    np.savetxt(file, rows, fmt="%20.10E")
    found = read_linewidths(run)
    np.testing.assert_allclose(found.processes["3ph"][0], crystal.width(300), rtol=1e-9)
    assert any("q-point by q-point" in note for note in found.notes)


def test_the_boundary_counts_where_it_is_in_the_sum(crystal: CosineCrystal, run: Path) -> None:
    boundary = 0.01 + 0.0 * crystal.energy
    write_rates(run / "BTE.w_boundary", crystal, boundary)
    alone = read_linewidths(run)
    assert set(alone.processes) == set(ALL)
    assert any("no part of BTE.w" in note for note in alone.notes)
    total = sum(crystal.width(300, name) for name in ALL) + boundary
    write_rates(run / "T300K" / "BTE.w", crystal, total)
    (run / "T300K" / "BTE.kappa_tensor").unlink()
    found = read_linewidths(run)
    np.testing.assert_allclose(found.processes["boundary"][0], boundary, rtol=1e-9)


def test_a_kappa_of_another_temperature_is_noted(crystal: CosineCrystal, run: Path) -> None:
    other = crystal.kappa(350.0, ALL)
    row = " ".join(f"{x:.8E}" for x in [0, *other.ravel()])
    (run / "T300K" / "BTE.kappa_tensor").write_text(row, encoding="utf-8")
    notes = [note for note in read_linewidths(run).notes if note.startswith("CHECK")]
    assert len(notes) == 1
    assert "different runs or temperatures" in notes[0]


def _cv_of_400(run: Path, crystal: CosineCrystal) -> None:
    (run / "T300K" / "BTE.cv").write_text(f"{crystal.heat_capacity(400.0):.8g}", encoding="utf-8")


def _rates_of_400(run: Path, crystal: CosineCrystal) -> None:
    write_rates(run / "T300K" / "BTE.w_4ph", crystal, crystal.width(400.0, "4ph"))


def _rates_of_another_run(run: Path, crystal: CosineCrystal) -> None:
    omega = band_major(1.01 * crystal.energy) / HBAR_MEV_PS
    np.savetxt(run / "T300K" / "BTE.w_3ph", np.column_stack([omega, omega]), fmt="%20.10E")


def _negative(run: Path, crystal: CosineCrystal) -> None:
    width = crystal.width(300.0)
    width[2, 1] *= -1
    write_rates(run / "T300K" / "BTE.w_3ph", crystal, width)
    (run / "T300K" / "BTE.w").unlink()


def _cut(run: Path, crystal: CosineCrystal) -> None:
    file = run / "T300K" / "BTE.w_3ph"
    file.write_text(file.read_text(encoding="utf-8")[:-60], encoding="utf-8")


def _words(run: Path, crystal: CosineCrystal) -> None:
    file = run / "T300K" / "BTE.w_3ph"
    lines = file.read_text(encoding="utf-8").splitlines()
    lines[4] = "segmentation fault"
    file.write_text("\n".join(lines), encoding="utf-8")


def _mesh(run: Path, crystal: CosineCrystal) -> None:
    file = run / "CONTROL"
    file.write_text(file.read_text(encoding="utf-8").replace("4 4 4", "6 6 6"), encoding="utf-8")


def _one_temperature_less(run: Path, crystal: CosineCrystal) -> None:
    write_temperature(run / "T400K", crystal, 400.0)
    (run / "T400K" / "BTE.w_4ph").unlink()
    (run / "T400K" / "BTE.w").unlink()


def _other_cell(run: Path, crystal: CosineCrystal) -> None:
    file = run / "CONTROL"
    text = file.read_text(encoding="utf-8").replace("lfactor=0.1", "lfactor=0.11")
    file.write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_cv_of_400, r"BTE\.cv.*that of 400 K.*at 300 K"),
        (
            _rates_of_400,
            "sum of 3ph, 4ph, isotope and BTE.w do not agree.*different runs or temperatures",
        ),
        (_rates_of_another_run, r"BTE\.w_3ph.*not those of BTE\.omega.*different runs"),
        (_negative, r"1 of 30 widths are negative.*q-point 3, branch 2, 300 K"),
        (_cut, r"BTE\.w_3ph: the table is not complete; found \d+ numbers; expected 30 rows of 2"),
        (_words, r"BTE\.w_3ph, line 5: this is not a number; found 'segmentation'"),
        (_mesh, "do not sum up to the mesh; found sum 64; expected 216"),
        (_one_temperature_less, "T400K: the temperatures do not have the same processes"),
        (_other_cell, "reciprocal lattice is not that of the crystal"),
    ],
)
def test_faults(
    crystal: CosineCrystal,
    run: Path,
    spoil: Callable[[Path, CosineCrystal], None],
    message: str,
) -> None:
    spoil(run, crystal)
    with pytest.raises(InputError, match=message):
        read_linewidths(run)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("BTE.qpoints", r"BTE\.qpoints: a file is missing"),
        ("T300K", "temperature of these rates is not known.*T300K.*--temperature"),
    ],
)
def test_missing_files(run: Path, name: str, message: str) -> None:
    target = run / name
    if target.is_dir():
        shutil.rmtree(target)
    else:
        target.unlink()
    with pytest.raises(InputError, match=message):
        read_linewidths(run)


def test_a_folder_without_rates(run: Path) -> None:
    for file in (run / "T300K").glob("BTE.w*"):
        file.unlink()
    with pytest.raises(InputError, match="T300K: no rates of scattering are here"):
        read_linewidths(run)
