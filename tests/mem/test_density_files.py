"""Density files: exact round trips, other programs' variants, and headers that cannot be."""

from __future__ import annotations

import csv
import math
import struct
from pathlib import Path

import gemmi
import numpy as np
import pytest
from scipy import constants

from ixs_core.crystal import cell_vectors
from ixs_core.errors import InputError
from ixs_core.symmetry import Symmetry
from mem.density import Density
from mem.formats.ccp4 import read_ccp4
from mem.formats.cube import BOHR_ANGSTROM
from mem.formats.densities import read_density, write_density
from mem.formats.density_csv import write_profile, write_section
from tests.mem.analytic_densities import TRICLINIC, crystal, fractions, wave_density
from tests.mem.density_examples import CMCM, cmcm_density, same_bits


@pytest.mark.parametrize("suffix", [".ccp4", ".map", ".mrc", ".pgrid"])
@pytest.mark.parametrize("density", [cmcm_density(), wave_density((15, 18, 14))])
def test_round_trips_are_exact(tmp_path: Path, density: Density, suffix: str) -> None:
    path = tmp_path / f"x{suffix}"
    write_density(density, path)
    found = read_density(path)
    assert same_bits(found.values, density.values)
    assert found.cell == density.cell
    expected = ("x,y,z",) if suffix == ".pgrid" else density.symmetry.triplets
    assert set(found.symmetry.triplets) == set(expected)
    again = tmp_path / f"y{suffix}"
    write_density(found, again)
    assert same_bits(read_density(again).values, density.values)


@pytest.mark.parametrize("suffix", [".ccp4", ".pgrid", ".cube"])
def test_a_crystal_gives_cell_and_symmetry(tmp_path: Path, suffix: str) -> None:
    density = cmcm_density()
    density.write(tmp_path / f"x{suffix}")
    found = read_density(tmp_path / f"x{suffix}", CMCM)
    assert found.lattice == CMCM.lattice
    assert found.symmetry is CMCM.symmetry
    assert found.structure is CMCM
    assert found.source == f"x{suffix}"


def test_a_crystal_that_does_not_belong_is_refused(tmp_path: Path) -> None:
    cmcm_density().write(tmp_path / "x.pgrid")
    other_cell = crystal(TRICLINIC, CMCM.symmetry, Cs1=(0, 0, 0))
    with pytest.raises(InputError, match="another cell"):
        read_density(tmp_path / "x.pgrid", other_cell)
    shifted = crystal(CMCM.lattice, Symmetry.from_name("P 21 21 21"), Cs1=(0, 0, 0))
    with pytest.raises(InputError, match="does not have the symmetry"):
        read_density(tmp_path / "x.pgrid", shifted)
    density = cmcm_density()
    Density(density.lattice, density.values[:, :, :15], density.symmetry).write(
        tmp_path / "y.pgrid"
    )
    with pytest.raises(InputError, match="does not fit"):
        read_density(tmp_path / "y.pgrid", CMCM)


@pytest.mark.parametrize("name", ["x.txt", "x", "x.xplor"])
def test_unknown_endings(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="names no format"):
        write_density(cmcm_density(), tmp_path / name)
    with pytest.raises(InputError, match="names no format"):
        read_density(tmp_path / name)


@pytest.mark.parametrize("suffix", [".ccp4", ".cube", ".pgrid"])
def test_a_missing_file_or_folder(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_density(tmp_path / f"none{suffix}")
    with pytest.raises(InputError, match="folder does not exist"):
        write_density(cmcm_density(), tmp_path / "none" / f"x{suffix}")


# CCP4


def test_gemmi_reads_our_map_and_its_symmetry(tmp_path: Path) -> None:
    density = cmcm_density()
    density.write(tmp_path / "x.ccp4")
    ccp4 = gemmi.read_ccp4_map(str(tmp_path / "x.ccp4"), setup=True)
    assert ccp4.grid.spacegroup.xhm() == "C m c m"
    assert np.array_equal(ccp4.grid.array, density.values.astype(np.float32))
    assert np.isclose(ccp4.header_float(22), density.values.mean())  # DMEAN


@pytest.mark.parametrize("setting", ["P 1 21/n 1", "A m a m", "R -3 m:R", "P 21/c"])
def test_settings_survive(tmp_path: Path, setting: str) -> None:
    symmetry = Symmetry.from_name(setting)
    density = Density(TRICLINIC, np.random.default_rng(1).random((6, 6, 6)), symmetry)
    density.write(tmp_path / "x.ccp4")
    assert set(read_density(tmp_path / "x.ccp4").symmetry.triplets) == set(symmetry.triplets)


def test_a_setting_without_a_name_is_written_as_p1(tmp_path: Path) -> None:
    odd = Symmetry.from_triplets(["-x+1/3,-y,-z"])
    density = Density(TRICLINIC, np.random.default_rng(1).random((6, 6, 6)), odd)
    density.write(tmp_path / "x.ccp4")
    found = read_density(tmp_path / "x.ccp4")
    assert found.symmetry.triplets == ("x,y,z",)
    assert same_bits(found.values, density.values)


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 1, 2), (2, 1, 3), (3, 2, 1)])
def test_axes_in_any_order_and_any_start(tmp_path: Path, order: tuple[int, int, int]) -> None:
    values = np.random.default_rng(2).random((5, 6, 7)).astype(np.float32)
    start = np.array([2, -3, 4])
    path = tmp_path / "x.map"
    _write_map(path, values, order, start)
    found = read_density(path)
    assert np.array_equal(found.values, np.roll(values, start, (0, 1, 2)).astype(float))


def _write_map(
    path: Path,
    values: np.ndarray,
    order: tuple[int, int, int],
    start: np.ndarray,
    sampling: tuple[int, int, int] | None = None,
    group: int = 1,
) -> None:
    """A map by the layout of the format; `values` along a, b, c from `start`."""
    axes = [axis - 1 for axis in order]  # columns, rows, sections
    header = bytearray(1024)
    struct.pack_into("<3i", header, 0, *(values.shape[axis] for axis in axes))
    struct.pack_into("<i3i", header, 12, 2, *(int(start[axis]) for axis in axes))
    struct.pack_into("<3i6f", header, 28, *(sampling or values.shape), *TRICLINIC.cell)
    struct.pack_into("<3i", header, 64, *order)
    struct.pack_into("<2i", header, 88, group, 0)
    header[208:212] = b"MAP "
    header[212:216] = b"\x44\x41\0\0"  # little-endian
    # Columns fastest, so sections first in C order.
    stored = values.transpose(axes[::-1])
    path.write_bytes(bytes(header) + np.ascontiguousarray(stored, dtype="<f4").tobytes())


def test_a_map_of_the_asymmetric_unit_is_completed(tmp_path: Path) -> None:
    # P -1: x from 0 to 1/2 with both ends is enough.
    shape = (8, 6, 6)
    values = np.random.default_rng(3).random(shape).astype(np.float32)
    inverted = values[np.ix_(*(-np.arange(n) % n for n in shape))]
    whole = values + inverted
    path = tmp_path / "x.ccp4"
    _write_map(path, whole[:5], (1, 2, 3), np.zeros(3, int), shape, group=2)
    found = read_density(path)
    assert np.array_equal(found.values, whole.astype(float))
    assert len(found.symmetry) == 2


def test_a_map_of_less_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.ccp4"
    part = np.ones((4, 6, 6), dtype=np.float32)
    _write_map(path, part, (1, 2, 3), np.zeros(3, int), (12, 6, 6))
    with pytest.raises(InputError, match="whole cell"):
        read_density(path)


def test_a_map_that_runs_beyond_the_cell(tmp_path: Path) -> None:
    values = np.random.default_rng(4).random((4, 6, 6)).astype(np.float32)
    path = tmp_path / "x.ccp4"
    more = np.concatenate([values, values[:2]])
    _write_map(path, more, (1, 2, 3), np.zeros(3, int), (4, 6, 6))
    assert np.array_equal(read_density(path).values, values.astype(float))


@pytest.mark.parametrize(
    ("offset", "value", "words"),
    [
        (0, 10**9, "NX NY NZ"),
        (0, -4, "NX NY NZ"),
        (12, 99, "MODE"),
        (28, 2**31 - 1, "MX MY MZ"),
        (36, 0, "MX MY MZ"),
        (64, 7, "MAPC"),
        (92, -80, "NSYMBT"),
        (92, 2**30, "NSYMBT"),
        (208, 0, "not a CCP4 map"),
    ],
)
def test_headers_of_maps_that_cannot_be(
    tmp_path: Path, offset: int, value: int, words: str
) -> None:
    path = tmp_path / "x.ccp4"
    cmcm_density().write(path)
    content = bytearray(path.read_bytes())
    struct.pack_into("<i", content, offset, value)
    path.write_bytes(content)
    with pytest.raises(InputError, match=words):
        read_density(path)


def test_a_truncated_map_tells_the_bytes(tmp_path: Path) -> None:
    path = tmp_path / "x.ccp4"
    cmcm_density().write(path)
    content = path.read_bytes()
    path.write_bytes(content[:-100])
    with pytest.raises(InputError, match=f"{len(content) - 100} bytes.*{len(content)} bytes"):
        read_density(path)


@pytest.mark.parametrize("suffix", [".pgrid", ".ccp4", ".cube"])
def test_damaged_files_end_in_input_errors_only(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"x{suffix}"
    cmcm_density().write(path)
    whole = path.read_bytes()
    random = np.random.default_rng(6)
    refused = 0
    for _ in range(150):
        content = bytearray(whole)
        for place in random.integers(0, 1100 if suffix == ".ccp4" else 300, random.integers(1, 9)):
            content[place] = random.integers(0, 256)
        path.write_bytes(
            content[: random.integers(1, len(content))] if random.random() < 0.2 else content
        )
        try:
            found = read_density(path)
        except InputError:
            refused += 1
        else:
            assert np.isfinite(found.values).all()
    assert refused > 20


# cube


def test_a_cube_holds_bohr_and_electrons_per_cubic_bohr(tmp_path: Path) -> None:
    density = cmcm_density()
    path = tmp_path / "x.cube"
    density.write(path)
    lines = path.read_text().splitlines()
    bohr = constants.physical_constants["Bohr radius"][0] * 1e10
    assert int(lines[2].split()[0]) == len(CMCM.atoms)
    vectors = np.array([[float(x) for x in line.split()[1:]] for line in lines[3:6]]) * bohr
    vectors *= np.array(density.shape)[:, None]
    assert np.allclose(vectors, cell_vectors(CMCM.lattice), atol=1e-8)
    atom = [float(x) for x in lines[6].split()]
    assert atom[:2] == [55, 55]
    assert np.allclose(np.array(atom[2:]) * bohr, CMCM.atoms.position[0] @ vectors)
    values = np.array(" ".join(lines[6 + len(CMCM.atoms) :]).split(), dtype=float)
    assert np.allclose(values.reshape(density.shape) / bohr**3, density.values, rtol=1e-8)
    # Counting electrons in the units of the file gives those of the cell.
    volume = abs(np.linalg.det(vectors / bohr))
    assert np.isclose(values.mean() * volume, density.electrons)


@pytest.mark.parametrize("density", [cmcm_density(), wave_density((9, 8, 13))])
def test_a_cube_comes_back(tmp_path: Path, density: Density) -> None:
    density.write(tmp_path / "x.cube")
    found = read_density(tmp_path / "x.cube")
    assert np.allclose(found.values, density.values, rtol=1e-8)
    assert np.allclose(found.cell, density.cell, atol=1e-6)
    assert found.symmetry.triplets == ("x,y,z",)


def test_a_cube_in_angstrom(tmp_path: Path) -> None:
    path = tmp_path / "x.cube"
    path.write_text(
        "c\nc\n1 0 0 0\n-2 1.5 0 0\n-2 0 2.0 0\n-2 0 0 2.5\n1 1 0 0 0\n1 2 3\n4 5 6 7 8\n"
    )
    found = read_density(path)
    assert found.cell == (3.0, 4.0, 5.0, 90.0, 90.0, 90.0)
    assert np.array_equal(found.values.ravel(), np.arange(1.0, 9.0))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("0 0 0 0\n", "0 0 0 2.0\n", "does not start at the origin"),
        ("0 0 0 0\n", "-3 0 0 0\n", "orbitals"),
        ("2 1 0 0", "2 1 0", "not a Gaussian cube"),
        ("2 1 0 0", "x 1 0 0", "line 4"),
        ("2 1 0 0", "0 1 0 0", "size of a grid"),
        ("2 1 0 0", "-2 1 0 0", "size of a grid"),
        ("2 1 0 0", "2000000000 1 0 0", "size of a grid"),
        ("2 1 0 0", "20000 1 0 0", "truncated"),
        ("2 1 0 0", "2 -1 0 0", "left-handed"),
        ("2 1 0 0", "2 0 0 0", "no length"),
        ("8\n", "8 9\n", "header promises"),
        ("8\n", "eight\n", "not numbers"),
        ("8\n", "nan\n", "finite"),
    ],
)
def test_cubes_that_cannot_be(tmp_path: Path, old: str, new: str, words: str) -> None:
    text = "c\nc\n0 0 0 0\n2 1 0 0\n2 0 1 0\n2 0 0 1\n1 2 3 4\n5 6 7 8\n"
    path = tmp_path / "x.cube"
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(InputError, match=words):
        read_density(path)
    assert math.isclose(BOHR_ANGSTROM, 0.529177210, rel_tol=1e-6)


# CSV


def rows_of(path: Path) -> tuple[list[str], np.ndarray]:
    with path.open(newline="", encoding="utf-8") as file:
        heading, *rows = list(csv.reader(file))
    return heading, np.array([[float(x) if x else np.nan for x in row] for row in rows])


def test_a_profile_as_a_table(tmp_path: Path) -> None:
    profile = cmcm_density().profile([[0.35, 0.5, 0], [0.65, 0.5, 0]], 31)
    path = tmp_path / "x.csv"
    write_profile(path, profile, {"null_e_per_A3": np.arange(31)})
    heading, rows = rows_of(path)
    assert heading == [
        *("distance_A", "x", "y", "z", "density_e_per_A3", "sigma_e_per_A3", "null_e_per_A3")
    ]
    assert np.allclose(rows[:, 0], profile.distance)
    assert np.allclose(rows[:, 1:4], profile.points)
    assert np.allclose(rows[:, 4], profile.density, rtol=1e-8)
    assert np.isnan(rows[:, 5]).all()
    assert np.allclose(rows[:, 6], np.arange(31))
    write_profile(path, profile.normalised())
    assert rows_of(path)[0][4:] == ["density_over_peak", "sigma_over_peak"]
    with pytest.raises(InputError, match="as long as"):
        write_profile(path, profile, {"short": [1.0]})


def test_a_section_as_a_table(tmp_path: Path) -> None:
    cut = cmcm_density().section((0, 1, 0), (0, 0.5, 0), size=(2.0, 1.0), step=0.25)
    write_section(tmp_path / "x.csv", cut)
    heading, rows = rows_of(tmp_path / "x.csv")
    assert heading == ["u_A", "v_A", "density_e_per_A3"]
    assert rows.shape == (9 * 5, 3)
    assert np.allclose(rows[:, 2], cut.values.ravel(), rtol=1e-8)
    assert np.allclose(rows[:5, 1], cut.v)


def test_a_density_as_a_table(tmp_path: Path) -> None:
    density = wave_density((4, 5, 6))
    density.write(tmp_path / "x.csv")
    heading, rows = rows_of(tmp_path / "x.csv")
    assert heading == ["x", "y", "z", "density_e_per_A3"]
    assert np.allclose(rows[:, :3], fractions(density.shape).reshape(-1, 3))
    assert np.allclose(rows[:, 3], density.values.ravel(), rtol=1e-8)
    large = Density(TRICLINIC, np.ones((101, 100, 100)), density.symmetry)
    with pytest.raises(InputError, match="more points"):
        large.write(tmp_path / "y.csv")


def test_cell_of_a_map_is_the_decimal_that_was_written(tmp_path: Path) -> None:
    cmcm_density().write(tmp_path / "x.ccp4")
    assert read_ccp4(tmp_path / "x.ccp4")[0] == CMCM.lattice.cell
