"""The grids of VESTA: layout, both kinds of content, and headers that cannot be."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from ixs_core.errors import InputError
from ixs_core.lattice import Lattice
from ixs_core.symmetry import Symmetry
from mem.density import Density
from mem.formats.densities import read_density
from mem.formats.pgrid import HEADER_BYTES, read_pgrid
from tests.mem.analytic_densities import atom_density, crystal, fractions
from tests.mem.density_examples import CMCM, cmcm_density, same_bits


def test_the_layout_of_pgrid(tmp_path: Path) -> None:
    density = cmcm_density()
    path = tmp_path / "x.pgrid"
    density.write(path)
    content = path.read_bytes()
    nx, ny, nz = density.shape
    assert len(content) == 152 + 4 * nx * ny * nz
    assert struct.unpack_from("<4i", content) == (3, 0, 0, 0)
    assert struct.unpack_from("<8i", content, 96) == (1, 0, 1, 3, nx, ny, nz, nx * ny * nz)
    assert np.allclose(struct.unpack_from("<6f", content, 128), density.cell)
    second = struct.unpack_from("<f", content, 156)[0]  # x is fastest
    assert second == np.float32(density.values[1, 0, 0])


def _pgrid_header(
    shape: tuple[int, ...],
    kind: int,
    stored: int,
    general: int = 1,
    lattice: Lattice = CMCM.lattice,
) -> bytes:
    cell = struct.pack("<6f", *lattice.cell)
    return struct.pack("<4i80s8i", 3, 0, 0, 0, b"t", general, kind, 1, 3, *shape, stored) + cell


def test_a_general_grid_repeats_its_ends(tmp_path: Path) -> None:
    values = np.random.default_rng(5).random((4, 5, 6)).astype(np.float32)
    general = np.pad(values, ((0, 1),) * 3, mode="wrap")
    path = tmp_path / "x.ggrid"
    path.write_bytes(_pgrid_header(general.shape, 0, general.size, general=0) + general.T.tobytes())
    assert np.array_equal(read_density(path).values, values.astype(float))
    general[-1] += 1
    path.write_bytes(_pgrid_header(general.shape, 0, general.size, general=0) + general.T.tobytes())
    with pytest.raises(InputError, match="does not repeat itself along a"):
        read_density(path)


def _independent(density: Density, by_columns: bool) -> bytes:
    """A grid of independent points and operators (fType 1) of a density."""
    shape = np.array(density.shape)
    rotations, translations = density.symmetry.rotations, density.symmetry.translations
    index = np.stack(np.unravel_index(np.arange(density.values.size), density.shape), axis=1)
    number = index @ [1, shape[0], shape[0] * shape[1]]
    first = number.copy()
    for rotation, translation in zip(rotations, translations, strict=True):
        scaled = np.round(rotation * shape[:, None] / shape).astype(int)
        image = (index @ scaled.T + np.round(translation * shape).astype(int)) % shape
        first = np.minimum(first, image @ [1, shape[0], shape[0] * shape[1]])
    unique = first == number
    body = struct.pack("<3i", len(rotations), 0, 1)
    for rotation, translation in zip(rotations, translations, strict=True):
        written = rotation.T if by_columns else rotation
        body += struct.pack("<9i", *written.ravel().tolist())
        body += struct.pack("<3i", *np.round(translation * shape).astype(int).tolist())
    body += struct.pack("<3i", 0, 0, 0)
    pairs = np.zeros(unique.sum(), dtype=[("i", "<i4"), ("v", "<f4")])
    pairs["i"] = number[unique]
    pairs["v"] = density.values.ravel()[unique]
    header = _pgrid_header(density.shape, 1, len(pairs), lattice=density.lattice)
    return header + body + pairs.tobytes()


@pytest.mark.parametrize("by_columns", [True, False])
@pytest.mark.parametrize("name", ["C m c m", "P 31"])
def test_independent_points_and_operators(tmp_path: Path, by_columns: bool, name: str) -> None:
    density = cmcm_density()
    if name == "P 31":
        # A three-fold screw axis tells rows from columns.
        lattice = Lattice(6.0, 6.0, 8.0, 90.0, 90.0, 120.0)
        structure = crystal(lattice, Symmetry.from_name(name), Cs1=(0.1, 0.3, 0.2))
        density = atom_density((12, 12, 18), structure, {"Cs": 54.0}, width=0.7)
    path = tmp_path / "x.pgrid"
    content = _independent(density, by_columns)
    path.write_bytes(content)
    assert len(content) < 0.75 * (HEADER_BYTES + 4 * density.values.size)
    assert np.allclose(read_density(path).values, density.values, rtol=1e-5)


def test_centre_and_lattice_points_of_independent_grids(tmp_path: Path) -> None:
    # I-centred and centrosymmetric: ρ(r) = ρ(-r) = ρ(r + 1/2 1/2 1/2), one operator listed.
    shape = (4, 6, 8)
    x, y, z = np.moveaxis(2 * np.pi * fractions(shape), -1, 0)
    values = (3 + np.cos(x + y) + np.cos(y + z) + np.cos(x - z)).astype(np.float32)
    index = np.stack(np.unravel_index(np.arange(values.size), shape), axis=1)
    number = index @ [1, 4, 24]
    first = number
    for sign, shift in ((-1, (0, 0, 0)), (1, (2, 3, 4)), (-1, (2, 3, 4))):
        first = np.minimum(first, (sign * index + np.array(shift)) % shape @ [1, 4, 24])
    unique = first == number
    pairs = np.zeros(unique.sum(), dtype=[("i", "<i4"), ("v", "<f4")])
    pairs["i"], pairs["v"] = number[unique], values.ravel()[unique]
    body = struct.pack("<3i9i3i6i", 1, 1, 2, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 2, 3, 4)
    path = tmp_path / "x.pgrid"
    path.write_bytes(_pgrid_header(shape, 1, len(pairs)) + body + pairs.tobytes())
    assert np.allclose(read_density(path).values, values)


def test_operators_that_do_not_fill_the_grid(tmp_path: Path) -> None:
    content = bytearray(_independent(cmcm_density(), True))
    struct.pack_into("<3i", content, HEADER_BYTES + 12 + 48 + 36, 1, 2, 3)
    (tmp_path / "x.pgrid").write_bytes(content)
    with pytest.raises(InputError, match="do not make the whole grid"):
        read_density(tmp_path / "x.pgrid")


@pytest.mark.parametrize(
    ("offset", "value", "words"),
    [
        (0, 7, "not a VESTA grid"),
        (96, 5, "gType"),
        (100, 2, "fType"),
        (104, 2, "nVal"),
        (108, 2, "nDim"),
        (112, -1, "nx ny nz"),
        (112, 2**31 - 1, "nx ny nz"),
        (112, 25, "truncated"),
        (112, 23, "longer"),
        (128, 0, "cell"),
    ],
)
def test_headers_of_grids_that_cannot_be(
    tmp_path: Path, offset: int, value: int, words: str
) -> None:
    path = tmp_path / "x.pgrid"
    cmcm_density().write(path)
    content = bytearray(path.read_bytes())
    struct.pack_into("<i", content, offset, value)
    path.write_bytes(content)
    with pytest.raises(InputError, match=words):
        read_density(path)


@pytest.mark.parametrize("length", [0, 20, 151, 152, 1000])
def test_a_truncated_grid_tells_the_bytes(tmp_path: Path, length: int) -> None:
    path = tmp_path / "x.pgrid"
    cmcm_density().write(path)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(InputError, match=f"{length} bytes"):
        read_density(path)


def test_a_big_endian_grid(tmp_path: Path) -> None:
    path = tmp_path / "x.pgrid"
    cmcm_density().write(path)
    content = path.read_bytes()
    words = np.frombuffer(content[:16] + content[96:], "<i4").astype(">i4").tobytes()
    path.write_bytes(words[:16] + content[16:96] + words[16:])
    assert same_bits(read_density(path).values, cmcm_density().values)


def test_the_title_is_kept(tmp_path: Path) -> None:
    density = cmcm_density()
    named = Density(density.lattice, density.values, density.symmetry, source="300K.cif")
    named.write(tmp_path / "x.pgrid")
    assert read_pgrid(tmp_path / "x.pgrid")[2] == "300K.cif"
