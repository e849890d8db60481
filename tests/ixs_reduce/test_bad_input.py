"""Bad input at the command line: one line that says why, exit code 1, earlier results intact.

What leaves good data behind (a repeated number, a half-written line, disagreeing motor counts)
is read, and said; what leaves nothing ends the command.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from ixs_core.project import Project
from ixs_reduce.store import read_spectra, spectra_keys
from tests.ixs_reduce.command import run
from tests.ixs_reduce.spec_text import HEADER, LABELS, energies, row, scan

ENERGIES = [0.5 * i for i in range(-8, 9)]
GOOD_ROWS = energies(*ENERGIES)
COMMAND = "ascan  herixE -4 4  16 10"


def _spec(rows: list[str], **more: object) -> str:
    return HEADER + scan(rows, command=COMMAND, **more)  # type: ignore[arg-type]


def _nan() -> str:
    return _spec([*GOOD_ROWS[:-1], row(4.0, (float("nan"), 4))])


FATAL = {
    "empty file": (b"", "empty"),
    "wrong file type": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8, "not a file of scans"),
    "zero-point scan": (_spec([]).encode(), "1 points or more"),
    "NaN": (_nan().encode(), "Ana4"),
    "missing column": (
        _spec([" ".join(line.split()[1:]) for line in GOOD_ROWS], labels=LABELS[1:]).encode(),
        "no column for the energy",
    ),
    "negative monitor": (_spec([*GOOD_ROWS[:-1], row(4.0, monitor=-5)]).encode(), "HM_IC2"),
    "wrong counts per line": (
        _spec([*GOOD_ROWS[:4], "1 2 3", *GOOD_ROWS[5:]]).encode(),
        "line",
    ),
    "binary junk in a line": (
        _spec([*GOOD_ROWS[:4], GOOD_ROWS[4].replace("300.0", "3%0.0"), *GOOD_ROWS[5:]]).encode(),
        "line",
    ),
}


@pytest.mark.parametrize("kind", FATAL)
def test_fatal_input(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = tmp_path / "p.h5"
    good = tmp_path / "good.spec"
    good.write_text(_spec(GOOD_ROWS), encoding="utf-8")
    assert run(capsys, "reduce", good, "-o", project)[0] == 0
    before = project.read_bytes()

    content, word = FATAL[kind]
    bad = tmp_path / "bad.spec"
    bad.write_bytes(content)
    code, out, err = run(capsys, "reduce", bad, "-o", project, "--scans", "1")
    assert code == 1
    assert out == ""
    (line,) = [text for text in err.splitlines() if text.startswith("ixs: ")]
    assert "bad.spec" in line
    assert word in line
    assert "Traceback" not in err
    assert project.read_bytes() == before


TOLERATED = {
    "truncated scan": (_spec(GOOD_ROWS).rstrip()[:-9], "left out"),
    "repeated scan number": (_spec(GOOD_ROWS) + scan(GOOD_ROWS, command=COMMAND), ""),
    "#O/#P mismatch": (_spec(GOOD_ROWS, positions="20 10 0"), "#P0"),
    "duplicate column label": (
        _spec([f"{line} {line.split()[2]}" for line in GOOD_ROWS], labels=(*LABELS, "Seconds")),
        "",
    ),
    "non-monotonic energies": (_spec([*GOOD_ROWS[::-1]]), ""),
}


@pytest.mark.parametrize("kind", TOLERATED)
def test_tolerated_input(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = tmp_path / "p.h5"
    content, word = TOLERATED[kind]
    bad = tmp_path / "odd.spec"
    bad.write_text(content, encoding="utf-8")
    code, out, err = run(capsys, "reduce", bad, "-o", project)
    assert code == 0, err
    assert word in out + err
    with Project(project).reading() as h5:
        spectra = [s for key in spectra_keys(h5) for s in read_spectra(h5, key)]
    assert len(spectra) == (4 if kind == "repeated scan number" else 2)
    for spectrum in spectra:
        assert spectrum.counts.size >= len(ENERGIES) - 1
        assert (spectrum.energy_mev[1:] > spectrum.energy_mev[:-1]).all()
