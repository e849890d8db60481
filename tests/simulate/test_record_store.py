"""Dataclasses come back from a project as they went in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from ixs_core.project import Project
from ixs_core.provenance import provenance_of
from simulate.record_store import own_key, read_record, record_keys, title_of, write_record


@dataclass(frozen=True)
class Curve:
    energy_mev: FloatArray
    states: FloatArray
    name: str
    temperature_k: float | None
    elements: tuple[str, ...]
    window: tuple[float, float]
    sharp: bool


CURVE = Curve(
    np.arange(5.0), np.ones((2, 5)), "µ", None, ("Cs", "Cu"), (1.0, float("inf")), np.bool_(True)
)


def stored(path: Path, curve: Curve, key: str = "states run") -> Project:
    project = Project(path / "p.h5")
    with project.writing() as h5:
        made = provenance_of("ixs md pdos")
        units = {"energy_mev": "meV"}
        write_record(h5, key, curve, "states", "states of run", made, units=units)
    return project


def test_round_trip(tmp_path: Path) -> None:
    project = stored(tmp_path, CURVE)
    with project.reading() as h5:
        found = read_record(h5, "states run", Curve)
        assert record_keys(h5, "states") == ["states run"]
        assert record_keys(h5, "other") == []
        assert title_of(h5, "states run") == "states of run"
        assert h5["entry/predictions/states run/energy_mev"].attrs["units"] == "meV"
    assert np.array_equal(found.states, CURVE.states)
    assert (found.name, found.temperature_k, found.elements) == ("µ", None, ("Cs", "Cu"))
    assert found.window == (1.0, float("inf"))
    assert found.sharp is True


def test_another_kind_is_refused(tmp_path: Path) -> None:
    @dataclass(frozen=True)
    class Other:
        width: float

    project = stored(tmp_path, CURVE)
    with project.reading() as h5, pytest.raises(InputError, match="cannot be read as Other"):
        read_record(h5, "states run", Other)
    with project.reading() as h5, pytest.raises(InputError, match="no such result"):
        read_record(h5, "missing", Curve)


def test_results_of_files_of_one_name_have_keys_of_their_own(tmp_path: Path) -> None:
    """The same file keeps its key; another one of the name takes its folder, then its digest."""
    project = Project(tmp_path / "p.h5")
    files = []
    for folder, content in (("300K", "a"), ("600K", "b"), ("old/600K", "c")):
        files.append(tmp_path / folder / "run.xyz")
        files[-1].parent.mkdir(parents=True)
        files[-1].write_text(content, encoding="utf-8")
    keys = []
    for file in (*files, files[0]):
        made = provenance_of("ixs md pdos", sources=[file])
        with project.writing() as h5:
            keys.append(own_key(h5, "states", file, made, " Cu"))
            write_record(h5, keys[-1], CURVE, "states", "states", made)
    digest = provenance_of("", sources=[files[2]]).sources[0][1][:8]
    assert keys[:3] == ["states run Cu", "states 600K/run Cu", f"states run {digest} Cu"]
    assert keys[3] == keys[0]
