"""Files to structure factors: the real refinements, and models given apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ixs_core.cif import read_crystal
from ixs_core.errors import InputError
from mem.model_structure import structure_factors
from mem.read import read_reflections


@pytest.mark.parametrize(
    ("kelvin", "n", "r_factor", "missing"),
    # R as the CIF states it for all reflections (_refine_ls_R_factor_all).
    [(100, 609, 0.0099, 3), (300, 630, 0.0103, 3), (500, 641, 0.0599, 6)],
)
def test_jana_refinements(
    shared_data: Path, kelvin: int, n: int, r_factor: float, missing: int
) -> None:
    result = read_reflections(shared_data / "cscu2i3" / "structure" / f"{kelvin}K.cif")
    assert len(result) == n
    assert result.electrons == 1088
    comparison = result.comparison
    assert comparison is not None
    assert comparison.r_factor == pytest.approx(r_factor, abs=2e-4)
    assert comparison.r_calculated is not None
    assert comparison.r_calculated <= (0.001 if kelvin == 500 else 0.0005)
    assert comparison.scale == 1.0
    low = set(map(tuple, comparison.missing_low_angle.tolist()))
    assert {(1, 1, 0), (2, 0, 0), (0, 2, 0)} <= low
    assert len(low) == missing
    assert "F²calc is free of it" in comparison.extinction
    assert "No extinction is left to see" in comparison.extinction
    assert np.all(result.f.imag == 0)  # the origin is a centre of symmetry
    assert any("(0.02 P)²" in note for note in result.notes)
    model = structure_factors(read_crystal(_path(shared_data, kelvin)), result.hkl, False)
    # The refinement's own goodness of fit is 1.1 to 1.2.
    assert 0.9 < np.mean(np.abs(result.f - model) ** 2 / result.sigma**2) < 1.5


def _path(shared_data: Path, kelvin: int) -> Path:
    return shared_data / "cscu2i3" / "structure" / f"{kelvin}K.cif"


def test_observed_only_and_weights(shared_data: Path) -> None:
    path = _path(shared_data, 300)
    observed = read_reflections(path, observed_only=True)
    assert len(observed) == 594  # _reflns_number_gt
    assert observed.comparison is not None
    assert observed.comparison.r_factor == pytest.approx(0.0097, abs=2e-4)
    alone, own = read_reflections(path, weights="sigma"), read_reflections(path, weights=(0.02, 0))
    refined = read_reflections(path)
    assert np.all(own.sigma == refined.sigma)
    assert np.all(alone.sigma <= refined.sigma * (1 + 1e-9))


def test_a_list_with_its_model_apart(shared_data: Path) -> None:
    """LIST 4 and the raw embedded HKLF 4 of one SHELXL refinement."""
    folder = shared_data / "mem" / "FeN2_cod2242624"
    listed = read_reflections(folder / "2242624.hkl", folder / "2242624.cif")
    raw = read_reflections(folder / "2242624.cif")
    assert listed.comparison is not None
    assert raw.comparison is not None
    assert listed.comparison.r_calculated is not None
    assert listed.comparison.r_calculated < 0.003
    assert raw.comparison.scale != 1.0
    assert any("are merged to 71: R_int" in note for note in raw.notes)
    assert listed.hkl.tolist() == raw.hkl.tolist()
    strong = np.abs(listed.f) > 10 * listed.sigma
    np.testing.assert_allclose(raw.f[strong], listed.f[strong], rtol=0.02)
    assert any("(0.0282 P)²" in note for note in listed.notes)  # weights of the model's CIF
    as_object = read_reflections(folder / "2242624.hkl", read_crystal(folder / "2242624.cif"))
    np.testing.assert_array_equal(as_object.hkl, listed.hkl)


def test_no_model_no_phases(shared_data: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="give the CIF of the refinement"):
        read_reflections(shared_data / "mem" / "FeN2_cod2242624" / "2242624.hkl")
    bare = tmp_path / "bare.hkl"
    bare.write_text("   1   0   0  100.00    1.00\n   0   1   0   50.00    1.00\n")
    with pytest.raises(InputError, match="give the CIF of the refinement"):
        read_reflections(bare)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (" Cu ", " Zz ", "Zz"),
        ("13.1844", "-13.1844", "cell_length_a.*the cell is not possible.*-13.18.*above 0"),
    ],
)
def test_faults_of_the_structure_are_told(
    shared_data: Path, tmp_path: Path, old: str, new: str, message: str
) -> None:
    text = _path(shared_data, 300).read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "a.cif"
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(InputError, match=message) as found:
        read_reflections(path)
    assert found.value.line is not None
    assert "no phases" not in str(found.value)


def test_the_model_of_another_crystal(shared_data: Path) -> None:
    with pytest.raises(InputError, match="is not that of the structure"):
        read_reflections(
            shared_data / "mem" / "FeN2_cod2242624" / "2242624.hkl", _path(shared_data, 300)
        )


def test_phased_files_need_no_model_but_take_one(shared_data: Path, tmp_path: Path) -> None:
    source = read_reflections(_path(shared_data, 300))
    rows = [
        f"{h:5d}{k:5d}{m:5d}{f.real:12.3f}{f.imag:12.3f}{s:12.3f}"
        for (h, k, m), f, s in zip(source.hkl.tolist(), source.f, source.sigma, strict=True)
    ]
    path = tmp_path / "x.mem"
    cell = "".join(f"{value:10.5f}" for value in source.lattice.cell)
    head = [
        "title",
        cell,
        "    1  1.0",
        "   63    1   72   90   48",
        "1088.0  0.01",
        f"{len(rows)}",
    ]
    path.write_text("\n".join([*head, *rows, "0", ""]))
    crystal = read_crystal(_path(shared_data, 300))
    phased = read_reflections(path, crystal)
    assert phased.structure is crystal
    assert phased.electrons == 1088
    np.testing.assert_allclose(np.abs(phased.f).sum(), np.abs(source.f).sum(), rtol=1e-4)
