"""Resolutions from files: HDF5 and JSON, recognised by content; bad files named."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ixs_core.errors import InputError
from ixs_reduce.resolution import Resolution
from ixs_reduce.resolution_file import load_resolutions


def _write(folder: Path, content: object) -> Path:
    path = folder / "R.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_components_come_back(tmp_path: Path) -> None:
    component = {"kind": "gaussian", "weight": 2.0, "center_mev": 0.1, "fwhm_mev": 1.5}
    path = _write(tmp_path, {"analyzers": [{"name": "Ana7", "components": [component]}]})
    found = load_resolutions(path)["Ana7"]
    assert found.fwhm_mev == pytest.approx(1.5, abs=1e-3)
    assert found.components[0].weight == 1.0


def test_a_table_comes_back(tmp_path: Path) -> None:
    energy = np.linspace(-5, 5, 81)
    made = Resolution.from_table(energy, np.exp(-(energy**2)))
    record = {"name": "a03", "components": [], "table": made.to_record()["table"]}
    found = load_resolutions(_write(tmp_path, {"analyzers": [record]}))["a03"]
    np.testing.assert_allclose(found(energy), made(energy), rtol=1e-12)


def test_the_sample_is_a_resolution_of_nine_analyzers() -> None:
    sample = Path(__file__).parents[2] / "sample_data" / "herix30id_resolution.json"
    found = load_resolutions(sample)
    assert sorted(found) == [f"Ana{i}" for i in range(1, 10)]
    for resolution in found.values():
        left, right = resolution.half_height_points_mev
        assert 1.45 < right - left < 1.85
        assert left + right == pytest.approx(0.0, abs=2e-3)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"analyzers": []}, "no resolution functions"),
        ({"other": 1}, "no resolution functions"),
        ({"analyzers": [{"name": "a03"}]}, "not complete"),
        (
            {
                "analyzers": [
                    {
                        "name": "a03",
                        "components": [
                            {"kind": "voigt", "weight": 1, "center_mev": 0, "fwhm_mev": 1}
                        ],
                    }
                ]
            },
            "unknown kind",
        ),
    ],
)
def test_bad_files_are_named(tmp_path: Path, content: object, words: str) -> None:
    path = _write(tmp_path, content)
    with pytest.raises(InputError, match=words) as caught:
        load_resolutions(path)
    assert str(path) in str(caught.value)


def test_neither_hdf5_nor_json(tmp_path: Path) -> None:
    path = tmp_path / "R.h5"
    path.write_bytes(b"\x00\x01 not a resolution")
    with pytest.raises(InputError, match=r"R\.h5"):
        load_resolutions(path)
    with pytest.raises(InputError, match="cannot be read"):
        load_resolutions(tmp_path / "missing.h5")
