"""Predictions in the project: as written, in the history, and what is said of damage."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from ixs_core.errors import InputError
from ixs_core.project import Project, list_history, write_result
from ixs_core.provenance import provenance_of
from ixs_reduce import PredictedModes
from ixs_reduce.predicted_modes import spectrum_key
from ixs_reduce.project_fit import load_predictions
from ixs_reduce.store import prediction_keys, read_predictions, write_predictions
from tests.ixs_reduce.small_fits import small_spectrum
from tests.ixs_reduce.test_predicted_modes import predicted

MADE = provenance_of("ixs sqe", {"temperature": 300.0})
FIRST = replace(
    predicted([4.0, 4.1, 9.0], [1.0, 0.0, 1 / 3], fwhm_mev=[0.1, np.nan, 0.7], group=[4, 4, 2]),
    imaginary=2,
    source="phonopy.yaml, 300 K",
    notes=("hkl count in the cell of the experiment", "Å, “quoted”"),
)
SECOND = replace(predicted([7.5], branch=[12]), analyzer="a2")
EMPTY = replace(predicted([]), analyzer="a3", imaginary=3)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project(tmp_path / "p.h5")
    with project.writing() as h5:
        write_predictions(h5, "run_61", [FIRST, SECOND, EMPTY], MADE)
    return project


def same(one: PredictedModes, two: PredictedModes) -> bool:
    for field in fields(PredictedModes):
        a, b = getattr(one, field.name), getattr(two, field.name)
        if isinstance(a, np.ndarray):
            if a.dtype != b.dtype or a.tobytes() != b.tobytes():
                return False
        elif a != b:
            return False
    return True


def test_predictions_come_back_as_written(project: Project) -> None:
    with project.reading() as h5:
        assert prediction_keys(h5) == ["run_61"]
        back = read_predictions(h5, "run_61")
        group = h5["entry/predictions/run_61"]
        assert group.attrs["NX_class"] == "NXdata"
        assert group.attrs["signal"] == "energy_mev"
        assert list(group.attrs["axes"]) == [".", "mode"]
        assert group["energy_mev"].attrs["units"] == "meV"
        assert group["energy_mev"].shape == (3, 3)
        assert np.isnan(group["energy_mev"][1, 1:]).all()
    for one, two in zip(back, (FIRST, SECOND, EMPTY), strict=True):
        assert same(one, two)


def test_an_earlier_prediction_goes_into_the_history(project: Project) -> None:
    with project.writing() as h5:
        write_predictions(h5, "run_61", [SECOND], MADE)
        assert list_history(h5, "predictions", "run_61") == [1]
        assert len(read_predictions(h5, "run_61")) == 1
        assert len(read_predictions(h5, "run_61", version=1)) == 3
        write_predictions(h5, "run_61", [EMPTY], MADE, replace=True)
        assert list_history(h5, "predictions", "run_61") == [1]


def test_predictions_by_spectrum(project: Project) -> None:
    found = load_predictions(project)
    assert set(found) == {("run.spec", "61", name) for name in ("a1", "a2", "a3")}
    assert same(found[spectrum_key(replace(small_spectrum(), analyzer="a1"))], FIRST)


def test_a_project_without_predictions_says_how_to_get_them(
    tmp_path: Path, project: Project
) -> None:
    with pytest.raises(InputError, match=r"of the spectra to be fitted.*run_61 only.*ixs sqe FC"):
        load_predictions(project, ["run_62"])
    empty = Project(tmp_path / "empty.h5")
    with empty.writing():
        pass
    with pytest.raises(InputError, match=r"holds no predicted modes.*ixs sqe FC --at empty\.h5"):
        load_predictions(empty)


def test_other_calculations_beside_them_are_left_alone(project: Project) -> None:
    with project.writing() as h5:
        write_result(h5, "predictions", "path Γ-X", {"energy_mev": np.ones(3)}, provenance=MADE)
        assert prediction_keys(h5) == ["run_61"]


def _without_record(group: h5py.Group) -> None:
    del group["record"]


def _no_json(group: h5py.Group) -> None:
    del group["record"]
    group["record"] = "{"


def _too_few_records(group: h5py.Group) -> None:
    del group["modes"]
    group["modes"] = np.array([3])


def _too_many_modes(group: h5py.Group) -> None:
    group["modes"][0] = 9


def _energies_that_fall(group: h5py.Group) -> None:
    group["energy_mev"][0, 0] = 5.0


def _no_column(group: h5py.Group) -> None:
    del group["intensity"]


@pytest.mark.parametrize(
    "damage",
    [
        _without_record,
        _no_json,
        _too_few_records,
        _too_many_modes,
        _energies_that_fall,
        _no_column,
    ],
)
def test_damage_is_named_with_the_way_out(project: Project, damage: object) -> None:
    with h5py.File(project.path, "r+") as h5:
        damage(h5["entry/predictions/run_61"])  # type: ignore[operator]
    with (
        project.reading() as h5,
        pytest.raises(InputError, match=r"predictions/run_61.*ixs sqe FC|ixs sqe FC") as caught,
    ):
        read_predictions(h5, "run_61")
    assert "damaged" in str(caught.value)
