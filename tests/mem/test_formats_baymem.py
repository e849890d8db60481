"""BayMEM's .BMinput against the structure factors it was made of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ixs_core.errors import InputError
from mem.formats.baymem import read_bminput
from mem.formats.measured import read_measured
from mem.reflections import Reflections
from tests.mem.synthetic_structure_factors import reflections_of

P21N = """  x1 x2 x3
  1/2-x1 1/2+x2 1/2-x3
  -x1 -x2 -x3   # the inversion
  x1+1/2 1/2-x2 1/2+x3
"""


def bminput(reflections: Reflections, operators: str = P21N, more: str = "") -> str:
    """A file as Jana2006 writes it."""
    rows = "".join(
        f"{h:4d}{k:4d}{l_:4d}{f.real:14.7f}{f.imag:14.7f}{sigma:14.7f}\n"
        for (h, k, l_), f, sigma in zip(
            reflections.hkl.tolist(), reflections.f, reflections.sigma, strict=True
        )
    )
    cell = " ".join(f"{value:g}" for value in reflections.lattice.cell)
    return (
        f"title Example\noutputfile a.asc\nalgorithm MEMSys 4 1 1 1\ndimension 3\ncell {cell}\n"
        f"voxel 64 32 128\nspacegroup P21/n\nelectrons {reflections.electrons:g}\n{more}"
        f"symmetry\n{operators}endsymmetry\nfbegin\n{rows}endf\n"
    )


def read(tmp_path: Path, text: str) -> Reflections:
    path = tmp_path / "a.BMinput"
    path.write_text(text)
    found = read_measured(path)
    assert isinstance(found, Reflections)
    return found


def test_structure_factors_come_back(tmp_path: Path) -> None:
    reflections = reflections_of("P 1 21/n 1")
    found = read(tmp_path, bminput(reflections, more="centro yes\n"))
    np.testing.assert_array_equal(found.hkl, reflections.hkl)
    np.testing.assert_allclose(found.f, reflections.f, atol=1e-7)
    np.testing.assert_allclose(found.sigma, reflections.sigma, atol=1e-7)
    assert found.lattice == reflections.lattice
    assert found.symmetry.number == 14
    assert len(found.symmetry) == 4
    assert found.electrons == reflections.electrons
    assert any("3 keywords are not used: algorithm, outputfile, voxel" in n for n in found.notes)


def test_centring_vectors_and_an_unlisted_inversion(tmp_path: Path) -> None:
    reflections = reflections_of("C m c m")
    more = "centers\n 0 0 0\n 1/2 0.5 0\nendcenters\ncentro yes\n"
    operators = "x1 x2 x3\n-x1 -x2 x3+1/2\nx1 -x2 -x3\n"
    found = read(tmp_path, bminput(reflections, operators, more))
    assert set(found.symmetry.triplets) == set(reflections.symmetry.triplets)
    np.testing.assert_allclose(found.f, reflections.f, atol=1e-7)
    assert any("centro yes" in note for note in found.notes)


def test_the_origin_row_gives_the_electrons(tmp_path: Path) -> None:
    reflections = reflections_of("P 1 21/n 1")
    text = bminput(reflections).replace(f"electrons {reflections.electrons:g}\n", "")
    with pytest.raises(InputError, match="number of electrons"):
        read(tmp_path, text)
    row = f"fbegin\n   0   0   0 {reflections.electrons} 0.0 0.01\n"
    found = read(tmp_path, text.replace("fbegin\n", row))
    assert found.electrons == reflections.electrons
    assert len(found) == len(reflections)


def test_groups_take_their_multiplicity_from_the_symmetry(tmp_path: Path) -> None:
    text = bminput(reflections_of("P 1 21/n 1"))
    text += "gbegin\nggroup 12.5 0.25\n 5 5 5\n 0 6 0\nggroup 3 0.5\n 6 6 6\nendg\n"
    first, second = read(tmp_path, text).groups
    assert (first.amplitude, first.sigma) == (12.5, 0.25)
    assert first.hkl.tolist() == [[5, 5, 5], [0, 6, 0]]
    assert first.multiplicity.tolist() == [4, 2]
    assert second.hkl.tolist() == [[6, 6, 6]]


def test_without_operators_the_name_counts(tmp_path: Path) -> None:
    reflections = reflections_of("P 1 21/n 1")
    text = bminput(reflections).replace(f"symmetry\n{P21N}endsymmetry\n", "")
    found = read(tmp_path, text)
    assert found.symmetry.number == 14
    assert any("operators are missing" in note for note in found.notes)
    with pytest.raises(InputError, match="the symmetry is missing"):
        read(tmp_path, text.replace("spacegroup P21/n\n", ""))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("dimension 3", "dimension 4", "line 4, 'dimension': only densities in three"),
        ("cell 5 6", "cell 5 six", "line 5, 'cell': not the numbers"),
        ("cell 5 6", "cell -5 6", "line 5, 'cell': the cell is not possible"),
        ("  -x1 -x2 -x3", "  -x1 -x2", "line 12: not a symmetry operator"),
        ("  -x1 -x2 -x3", "  -x1 -x2 -y7", "not a symmetry operator"),
        ("endsymmetry\n", "", "'symmetry': endsymmetry is missing"),
        ("endf", "end", "'fbegin': endf is missing"),
        ("voxel 64", "voxel 64\nvoxel 32", "given twice"),
        ("electrons 1", "electrons x1", "line 8, 'electrons'"),
        ("voxel 64 32 128", "endf", "end of a block that did not begin"),
        ("voxel 64 32 128", "centro maybe", "neither yes nor no"),
    ],
)
def test_faults_name_their_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    text = bminput(reflections_of("P 1 21/n 1"))
    assert old in text
    path = tmp_path / "a.BMinput"
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(InputError, match=message):
        read_bminput(path)


def test_wrong_operators_contradict_the_reflections(tmp_path: Path) -> None:
    text = bminput(reflections_of("P 1 21/n 1"), "x1 x2 x3\n-x1 -x2 -x3\n1/2-x1 x2 -x3\n")
    with pytest.raises(InputError, match=r"line \d+: space group .* contradicts"):
        read(tmp_path, text)
    acentric = bminput(reflections_of("P 1 21 1"), "x1 x2 x3\n", "centro yes\n")
    with pytest.raises(InputError, match="F is not real"):
        read(tmp_path, acentric)
