"""Provenance records and whole-or-not-at-all files."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from ixs_core.atomic import atomic_write, atomic_write_text
from ixs_core.errors import InputError
from ixs_core.experiment import Experiment
from ixs_core.provenance import Provenance, plain, provenance_of, sha256_of, versions_of


@dataclass(frozen=True)
class Options:
    window: tuple[float, float] = (-12.0, 12.0)
    file: Path = Path("R.h5")


def test_digest_is_the_standard_one(tmp_path: Path) -> None:
    # FIPS 180-2, appendix B.1.
    (tmp_path / "f").write_bytes(b"abc")
    assert sha256_of(tmp_path / "f") == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )
    with pytest.raises(InputError, match="nowhere"):
        sha256_of(tmp_path / "nowhere")


def test_record_comes_back_from_json(tmp_path: Path) -> None:
    source = tmp_path / "scan.spec"
    source.write_text("counts")
    made = provenance_of(
        "ixs fit",
        {
            "options": Options(),
            "array": np.arange(3),
            "upper": np.inf,
            "mask": {"b", "a"},
            "experiment": Experiment(),
            "n": np.int64(3),
            "none": None,
        },
        sources=[source],
        parents=["spectra/61 Ana5"],
        packages=["pydantic", "no-such-package"],
    )
    assert Provenance.from_json(made.to_json()) == made
    assert made.settings["options"] == {"window": [-12.0, 12.0], "file": "R.h5"}
    assert made.settings["array"] == [0, 1, 2]
    assert float(made.settings["upper"]) == np.inf
    assert made.settings["mask"] == ["a", "b"]
    assert made.sources == (("scan.spec", sha256_of(source)),)
    assert {"ixs-suite", "numpy", "pydantic", "python"} <= made.versions.keys()
    assert "no-such-package" not in made.versions
    age = datetime.now(UTC) - datetime.fromisoformat(made.created)
    assert timedelta(0) <= age < timedelta(minutes=1)
    # Other programs read it too: no NaN or Infinity, which JSON does not know.
    json.loads(made.to_json(), parse_constant=pytest.fail)


def test_versions_are_those_imported() -> None:
    assert versions_of(["numpy"])["numpy"] == np.__version__


@pytest.mark.parametrize("text", ["", "[]", '{"no": 1}', "{"])
def test_other_text_is_no_record(text: str) -> None:
    with pytest.raises(InputError, match="provenance"):
        Provenance.from_json(text)


def test_settings_without_a_form_are_refused() -> None:
    with pytest.raises(TypeError, match="function"):
        plain({"f": lambda: None})


def test_text_is_written_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "modes.csv"
    atomic_write_text(path, "Å\n")
    path.chmod(0o640)
    atomic_write_text(path, "µ\n")
    assert path.read_text(encoding="utf-8") == "µ\n"
    assert path.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_new_files_follow_the_user_mask(tmp_path: Path) -> None:
    plainly = tmp_path / "plain"
    plainly.touch()
    atomic_write_text(tmp_path / "ours", "x")
    assert (tmp_path / "ours").stat().st_mode == plainly.stat().st_mode


def test_failure_keeps_the_earlier_file(tmp_path: Path) -> None:
    path = tmp_path / "fig.pdf"
    path.write_text("old")
    with pytest.raises(KeyError), atomic_write(path) as temporary:  # noqa: PT012
        assert temporary.suffix == ".pdf"
        temporary.write_text("half")
        raise KeyError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("code", "said"),
    [(errno.ENOSPC, "full"), (errno.EDQUOT, "quota"), (errno.EROFS, "read-only")],
)
def test_refused_writes_name_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, said: str
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(InputError, match=rf"out\.csv.*{said}"):
        atomic_write_text(tmp_path / "out.csv", "x")
    assert list(tmp_path.iterdir()) == []


def test_places_that_are_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="folder does not exist"):
        atomic_write_text(tmp_path / "no" / "x.csv", "")
    with pytest.raises(InputError, match="folder, not a file"):
        atomic_write_text(tmp_path, "")


def test_standard_output_can_be_named_as_a_file() -> None:
    program = "from ixs_core.atomic import *; atomic_write_text('/dev/stdout', 'E,meV')"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert ended.stdout == b"E,meV"
