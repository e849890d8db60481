"""Reflections of CIF and .fcf files against the values that were written into them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ixs_core.errors import InputError
from mem.formats.measured import read_measured
from mem.formats.refinement_details import refinement_details
from mem.formats.refln_cif import read_refln_cif
from mem.reflections import MeasuredReflections

HKL = [(1, 0, 0), (0, 2, 0), (1, -1, 3)]
F_CALC = np.array([10.0 * np.exp(0.3j), -4.0, 7.0 * np.exp(-2.0j)])
F_MEAS = np.array([10.5, 3.9, 7.2])
SIGMA_F = np.array([0.1, 0.2, 0.05])


def list_file(path: Path, code: int, columns: dict[str, np.ndarray | list[str]]) -> Path:
    """A .fcf with the columns given, as SHELXL writes it."""
    lines = ["#", "# list", "data_x", f"_shelx_refln_list_code {code}"]
    lines += ["_cell_length_a 5", "loop_", *(f" _refln_index_{axis}" for axis in "hkl")]
    lines += [f" _refln_{name}" for name in columns]
    for row, hkl in enumerate(HKL):
        values = [columns[name][row] for name in columns]
        words = [value if isinstance(value, str) else f"{value:.6f}" for value in values]
        lines.append(" ".join([*map(str, hkl), *words]))
    path.write_text("\n".join(lines) + "\n")
    return path


def measured(path: Path, relative_sigma: float | None = None) -> MeasuredReflections:
    found = read_measured(path, relative_sigma)
    assert isinstance(found, MeasuredReflections)
    return found


LIST_3 = {
    "F_meas": F_MEAS,
    "F_sigma": SIGMA_F,
    "A_calc": F_CALC.real,
    "B_calc": F_CALC.imag,
}
LIST_5 = {"F_meas": F_MEAS, "F_calc": np.abs(F_CALC), "phase_calc": np.degrees(np.angle(F_CALC))}
LIST_6 = {
    "F_squared_meas": F_MEAS**2,
    "F_squared_sigma": 2 * F_MEAS * SIGMA_F,
    "F_calc": np.abs(F_CALC),
    "phase_calc": np.degrees(np.angle(F_CALC)),
}
LIST_4 = {
    "F_squared_calc": np.abs(F_CALC) ** 2,
    "F_squared_meas": F_MEAS**2,
    "F_squared_sigma": 2 * F_MEAS * SIGMA_F,
    "observed_status": ["o", "<", "o"],
}


@pytest.mark.parametrize(("code", "columns"), [(3, LIST_3), (5, LIST_5), (6, LIST_6)])
def test_lists_with_phases(tmp_path: Path, code: int, columns: dict[str, np.ndarray]) -> None:
    found = measured(list_file(tmp_path / "a.fcf", code, columns), 0.02 if code == 5 else None)
    np.testing.assert_array_equal(found.hkl, HKL)
    np.testing.assert_allclose(found.intensity, F_MEAS**2, rtol=1e-5)
    assert found.calculated is not None
    assert found.phase_deg is not None
    np.testing.assert_allclose(found.calculated, np.abs(F_CALC) ** 2, rtol=1e-5)
    phase = np.exp(1j * np.radians(found.phase_deg))
    np.testing.assert_allclose(phase, F_CALC / np.abs(F_CALC), atol=1e-5)
    expected = 0.02 * F_MEAS**2 if code == 5 else 2 * F_MEAS * SIGMA_F
    np.testing.assert_allclose(found.sigma, expected, rtol=2e-3)
    assert found.absolute


def test_list_4(tmp_path: Path) -> None:
    found = measured(list_file(tmp_path / "a.fcf", 4, LIST_4))
    np.testing.assert_allclose(found.sigma, 2 * F_MEAS * SIGMA_F, rtol=1e-5)
    assert found.observed is not None
    assert found.observed.tolist() == [True, False, True]
    assert found.phase_deg is None


def test_sigma_of_a_squared_amplitude_is_that_of_gaussian_noise(tmp_path: Path) -> None:
    columns = {"F_meas": np.array([2.0, 0.5, 30.0]), "F_sigma": np.array([1.0, 0.5, 0.1])}
    found = measured(list_file(tmp_path / "a.fcf", 2, columns))
    draws = np.random.default_rng(1).normal(size=(400_000, 3))
    noisy = (columns["F_meas"] + columns["F_sigma"] * draws) ** 2
    np.testing.assert_allclose(found.sigma, noisy.std(axis=0), rtol=0.01)
    assert not found.absolute  # nothing says on which scale F is


def test_a_list_without_sigma_asks_for_one(tmp_path: Path) -> None:
    path = list_file(tmp_path / "a.fcf", 5, LIST_5)
    with pytest.raises(InputError, match="no σ"):
        read_measured(path)
    with pytest.raises(InputError, match="between 0 and 1"):
        read_measured(path, 2.0)


def test_sigma_in_brackets(tmp_path: Path) -> None:
    values = ["120.5(12)", "3.25(7)", "40(3)"]
    found = measured(list_file(tmp_path / "a.cif", 0, {"F_squared_meas": values}))
    np.testing.assert_allclose(found.intensity, [120.5, 3.25, 40])
    np.testing.assert_allclose(found.sigma, [1.2, 0.07, 3])


def test_zeros_in_place_of_sigma(tmp_path: Path) -> None:
    columns = {**LIST_4, "F_squared_sigma": ["0", "0", "0"]}
    with pytest.raises(InputError, match=r"all σ are zero.*--relative-sigma"):
        read_measured(list_file(tmp_path / "a.fcf", 4, columns))
    found = measured(tmp_path / "a.fcf", 0.1)
    np.testing.assert_allclose(found.sigma, 0.1 * np.abs(found.intensity))


def test_what_is_not_measured_is_counted(tmp_path: Path) -> None:
    columns = {**LIST_4, "F_squared_meas": ["1.5", "?", "2.5"]}
    found = measured(list_file(tmp_path / "a.fcf", 4, columns))
    assert len(found.hkl) == 2
    assert any("1 reflection is left out without a measured value" in note for note in found.notes)
    columns = {**LIST_4, "observed_status": ["o", "-", "x"]}
    found = measured(list_file(tmp_path / "b.fcf", 4, columns))
    assert found.hkl.tolist() == [[1, 0, 0]]
    assert sum("left out" in note for note in found.notes) == 2
    columns = {**LIST_4, "F_squared_sigma": ["0.5", "0", "0.25"]}
    found = measured(list_file(tmp_path / "c.fcf", 4, columns))
    assert any("such as 0 2 0: σ is zero" in note for note in found.notes)


def test_satellites_are_left_out(tmp_path: Path) -> None:
    columns = {"index_m_1": ["0", "1", "0"], **LIST_4}
    found = measured(list_file(tmp_path / "a.cif", 0, columns))
    assert found.hkl.tolist() == [[1, 0, 0], [1, -1, 3]]
    assert any("satellites" in note for note in found.notes)


def test_a_multiplied_list_is_not_absolute(tmp_path: Path) -> None:
    path = list_file(tmp_path / "a.fcf", 4, LIST_4)
    path.write_text(path.read_text().replace("loop_", "_shelx_F_squared_multiplier 0.1\nloop_"))
    assert not measured(path).absolute


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({**LIST_4, "F_squared_sigma": ["0", "0", "0"]}, "all σ are zero"),
        ({**LIST_4, "F_squared_sigma": ["1", "?", "1"]}, "line 15.*has no σ.*0 2 0"),
        ({**LIST_4, "F_squared_sigma": ["1", "-1", "1"]}, "line 15.*negative σ"),
        ({**LIST_4, "F_squared_meas": ["1", "2", "nan"]}, "line 16.*not a number"),
        ({**LIST_4, "F_squared_meas": ["1e999", "2", "3"]}, "line 14.*not a number"),
        ({**LIST_4, "F_squared_meas": ["?", "?", "?"]}, "no reflection has a measured value"),
        ({"F_squared_calc": F_MEAS}, "measured values are missing"),
        ({**LIST_3, "F_meas": ["1", "-2", "3"]}, "an amplitude is negative"),
    ],
)
def test_faults_name_their_line(
    tmp_path: Path, columns: dict[str, np.ndarray | list[str]], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        read_measured(list_file(tmp_path / "a.fcf", 4, columns))


def test_fractional_indices(tmp_path: Path) -> None:
    path = list_file(tmp_path / "a.fcf", 4, LIST_4)
    path.write_text(path.read_text().replace("\n0 2 0 ", "\n0 2.5 0 "))
    with pytest.raises(InputError, match=r"line 15.*not a Miller index"):
        read_measured(path)


def test_a_missing_header_is_added(tmp_path: Path) -> None:
    path = list_file(tmp_path / "a.fcf", 4, LIST_4)
    path.write_text(path.read_text().replace("data_x\n", ""))
    found = measured(path)
    assert len(found.hkl) == 3
    assert any("header" in note for note in found.notes)


def test_of_several_lists_one_is_named(tmp_path: Path) -> None:
    path = list_file(tmp_path / "a.fcf", 4, LIST_4)
    text = path.read_text()
    path.write_text(text + text.replace("data_x", "data_y").replace("0 2 0", "0 4 0"))
    with pytest.raises(InputError, match="several data blocks"):
        read_measured(path)
    assert read_refln_cif(path, block="y").hkl[1].tolist() == [0, 4, 0]
    assert measured_block(path, "y").hkl[1].tolist() == [0, 4, 0]


def measured_block(path: Path, block: str) -> MeasuredReflections:
    found = read_measured(path, block=block)
    assert isinstance(found, MeasuredReflections)
    return found


@pytest.mark.parametrize(
    ("details", "weights"),
    [
        (
            r"'calc w=1/[\s^2^(Fo^2^)+(0.0282P)^2^+0.3122P] where P=(Fo^2^+2Fc^2^)/3'",
            (0.0282, 0.3122),
        ),
        (r"'w=1/[\s^2^(Fo^2^)+(0.05P)^2^] where P=(Fo^2^+2Fc^2^)/3'", (0.05, 0.0)),
        (r"'w = 1/[\s^2^(Fo^2^) + (0.0100P)^2^ + 1.5P]'", (0.01, 1.5)),
        (r"'w=1/(\s^2^(I)+0.0004I^2^)'", (0.02, 0.0)),
        (r"'w=1/(\s^2^(F)+0.0001F^2^)'", (0.02, 0.0)),
        ("?", (0.0, 0.0)),
        (r"'unit weights'", (0.0, 0.0)),
    ],
)
def test_weights(tmp_path: Path, details: str, weights: tuple[float, float]) -> None:
    path = list_file(tmp_path / "a.cif", 4, LIST_4)
    tags = f"_refine_ls_weighting_details\n{details}\n_refine_ls_extinction_method none\nloop_"
    path.write_text(path.read_text().replace("loop_", tags))
    np.testing.assert_allclose(measured(path).weights, weights)
    assert measured(path).extinction == ""


@pytest.mark.parametrize(
    ("name", "total", "observed", "coefficient"),
    [("100K", 609, 605, "840(90)"), ("300K", 630, 594, "1090(130)"), ("500K", 641, 418, "-700")],
)
def test_jana_files(
    shared_data: Path, name: str, total: int, observed: int, coefficient: str
) -> None:
    """The numbers that the files state as _reflns_number_total and _reflns_number_gt."""
    found = measured(shared_data / "cscu2i3" / "structure" / f"{name}.cif")
    assert len(found.hkl) == total
    assert found.observed is not None
    assert found.observed.sum() == observed
    assert found.weights == (0.02, 0.0)
    assert coefficient in found.extinction
    assert found.absolute
    assert found.calculated is not None
    r_factor = (
        np.abs(np.sqrt(np.maximum(found.intensity, 0)) - np.sqrt(np.maximum(found.calculated, 0)))[
            found.observed
        ].sum()
        / np.sqrt(found.intensity[found.observed]).sum()
    )
    assert r_factor < 0.04
    assert any("_Jana_m40_file" in note for note in found.notes) == (name == "100K")


def test_cod_list_4(shared_data: Path) -> None:
    folder = shared_data / "mem" / "FeN2_cod2242624"
    found = measured(folder / "2242624.hkl")
    assert len(found.hkl) == 71
    assert found.hkl[0].tolist() == [1, 1, 0]
    assert found.calculated is not None
    assert (found.calculated[0], found.intensity[0], found.sigma[0]) == (188.70, 173.17, 0.67)
    weights, extinction = refinement_details(folder / "2242624.cif")
    assert weights == (0.0282, 0.3122)
    assert extinction == ""
