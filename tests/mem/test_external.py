"""Dysnomia as an external program: a stand-in reads what is written and leaves a density."""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ixs_core.errors import Cancelled, InputError
from ixs_core.jobs import CancelToken
from mem.analysis_options import AnalysisOptions
from mem.cli.dysnomia import check_dysnomia_options
from mem.density import Density
from mem.external import compare, find_dysnomia, run_dysnomia
from mem.reflections import ReflectionGroup, Reflections
from tests.mem.synthetic_structure_factors import density_of, reflections_of

GRID = (24, 30, 36)
LIMIT = 8  # of h, k and l

# Reads .prf and .mem by their documented columns, sums the Fourier series over all equivalents,
# and writes a .pgrid byte by byte. It imports nothing of this project.
STAND_IN = """#!{python}
import struct, sys
import gemmi
import numpy as np

preferences = open(sys.argv[1]).read().split("\\n")
assert preferences[0] == "$PREFERENCES"
mem, pgrid = preferences[1], preferences[3]
print("reading", mem, flush=True)
lines = open(mem).read().split("\\n")
cell = [float(lines[1][i : i + 10]) for i in range(0, 60, 10)]
number, setting, *grid = [int(lines[3][i : i + 5]) for i in range(0, 25, 5)]
assert setting == 1
electrons = float(lines[4].split()[0])
count = int(lines[5])
assert lines[6 + count].strip() == "0"
volume = gemmi.UnitCell(*cell).volume
f = np.zeros(grid, complex)
f[0, 0, 0] = electrons
for line in lines[6 : 6 + count]:
    hkl = [int(line[i : i + 5]) for i in (0, 5, 10)]
    value = complex(float(line[15:25]), float(line[25:35]))
    assert float(line[35:45]) > 0
    for operator in gemmi.SpaceGroup(number).operations():
        image = operator.apply_to_hkl(hkl)
        shifted = value * np.exp(1j * operator.phase_shift(hkl))
        f[tuple(image)] = shifted
        f[tuple(-i for i in image)] = shifted.conjugate()
print("cycle 1 of 1", flush=True)
rho = np.fft.fftn(f).real / volume
header = struct.pack("<4i", 3, 0, 0, 0) + b"stand-in".ljust(80) + struct.pack("<4i", 1, 0, 1, 3)
header += struct.pack("<4i", *grid, rho.size) + struct.pack("<6f", *cell)
assert len(header) == 152
open(pgrid, "wb").write(header + rho.astype("<f4").tobytes(order="F"))
"""


def program(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "Dysnomia"
    path.write_text(text.replace("{python}", sys.executable))
    path.chmod(0o755)
    return path


def script(tmp_path: Path, body: str) -> Path:
    return program(tmp_path, "#!{python}\nimport sys, time\n" + body)


@pytest.fixture(scope="module")
def reflections() -> Reflections:
    return reflections_of("P 21 21 21", limit=LIMIT)


def test_layout_and_plumbing(tmp_path: Path, reflections: Reflections) -> None:
    """The stand-in's Fourier series is the density that the structure factors came from."""
    said: list[str] = []
    density = run_dysnomia(
        reflections,
        GRID,
        executable=program(tmp_path, STAND_IN),
        progress=lambda done, total, text: said.append(text),
    )
    assert said == ["reading ixs.mem", "cycle 1 of 1"]
    assert density.shape == GRID
    assert density.symmetry is reflections.symmetry
    assert density.lattice is reflections.lattice
    exact = density_of(reflections, GRID, LIMIT)
    # Three decimals of F, single precision of the grid.
    assert np.abs(density.values - exact).max() < 1e-3
    assert density.electrons == pytest.approx(reflections.electrons, rel=1e-5)
    assert not any("electrons" in note for note in density.notes)


def test_comparison(tmp_path: Path, reflections: Reflections) -> None:
    exact = density_of(reflections, GRID)
    floor = -min(float(exact.min()), 0.0) + 1e-3
    values = exact + floor
    ours = Density(reflections.lattice, values, reflections.symmetry)
    flat = replace(ours, values=np.full(GRID, values.mean()))
    found = compare(ours, flat, reflections)
    assert found.difference == pytest.approx(
        np.abs(values - values.mean()).sum() / values.sum(), rel=1e-12
    )
    # A flat density has no structure factors: χ² is Σ|F/σ|²/N and R is 1.
    assert found.chi2[0] < 1e-6 * found.chi2[1]
    assert found.chi2[1] == pytest.approx(
        np.mean(np.abs(reflections.f / reflections.sigma) ** 2), rel=1e-9
    )
    assert found.r_factor == (pytest.approx(0, abs=1e-6), pytest.approx(1, rel=1e-9))
    p = values / values.sum()
    assert found.entropy[0] == pytest.approx(-np.sum(p * np.log(p * p.size)), rel=1e-9)
    assert found.entropy[1] == pytest.approx(0, abs=1e-9)


def test_groups_count_by_their_amplitude(reflections: Reflections) -> None:
    pair = reflections.hkl[:2]
    multiplicity = np.array([2.0, 4.0])
    squares = np.abs(reflections.f[:2]) ** 2
    amplitude = float(np.sqrt((multiplicity @ squares) / 6))
    group = ReflectionGroup(pair, multiplicity, amplitude + 0.3, 0.1)
    grouped = replace(
        reflections,
        hkl=reflections.hkl[2:],
        f=reflections.f[2:],
        sigma=reflections.sigma[2:],
        groups=(group,),
    )
    values = density_of(reflections, GRID)
    ours = Density(reflections.lattice, values - min(values.min(), 0), reflections.symmetry)
    found = compare(ours, ours, grouped)
    # Only the group does not fit: (0.3/0.1)² over the number of data.
    assert found.chi2[0] == pytest.approx(9 / (len(grouped) + 1), rel=1e-6)


def test_what_cannot_be_compared(reflections: Reflections) -> None:
    ours = Density(reflections.lattice, np.ones(GRID), reflections.symmetry)
    with pytest.raises(InputError, match="different grids"):
        compare(ours, replace(ours, values=np.ones((8, 8, 8))), reflections)
    with pytest.raises(InputError, match="negative"):
        compare(ours, replace(ours, values=-np.ones(GRID)), reflections)
    coarse = replace(ours, values=np.ones((8, 8, 8)))
    with pytest.raises(InputError, match="too coarse"):
        compare(coarse, coarse, reflections)


def test_finding_the_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    empty, other = tmp_path / "empty", tmp_path / "other"
    empty.mkdir()
    other.mkdir()
    monkeypatch.setenv("PATH", str(empty))
    monkeypatch.delenv("IXS_DYSNOMIA", raising=False)
    with pytest.raises(InputError, match=r"not installed.*IXS_DYSNOMIA"):
        find_dysnomia()
    on_path, named = script(empty, ""), script(other, "")
    assert find_dysnomia() == on_path
    monkeypatch.setenv("IXS_DYSNOMIA", str(named))
    assert find_dysnomia() == named
    assert find_dysnomia(on_path) == on_path
    monkeypatch.setenv("IXS_DYSNOMIA", str(tmp_path / "none"))
    with pytest.raises(InputError, match=r"IXS_DYSNOMIA.*no program"):
        find_dysnomia()
    with pytest.raises(InputError, match="no program"):
        find_dysnomia(tmp_path)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"prior": "procrystal"}, "--prior.*found procrystal; expected uniform"),
        ({"target": 0.5}, "--target.*found 0.5"),
        ({"weighting": 2.5}, "weighting.*found 2.5"),
        ({"moments": {3: 1.0}}, "moments.*even order"),
    ],
)
def test_what_dysnomia_cannot_do_is_told_before(
    tmp_path: Path, changed: dict[str, Any], message: str
) -> None:
    path = script(tmp_path, "")
    check_dysnomia_options(AnalysisOptions(weighting=2.0), path)
    with pytest.raises(InputError, match=message):
        check_dysnomia_options(AnalysisOptions(**changed), path)
    with pytest.raises(InputError, match="no program"):
        check_dysnomia_options(AnalysisOptions(), tmp_path / "none")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("print('too many pixels'); sys.exit(3)", "exit code 3; found too many pixels"),
        ("print('done')", "wrote no density; found done"),
        ("open('ixs.pgrid', 'wb').write(b'short')", "cannot be read"),
        ("time.sleep(60)", "did not end in time"),
    ],
)
def test_failures_are_told(
    tmp_path: Path, reflections: Reflections, body: str, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        run_dysnomia(reflections, GRID, executable=script(tmp_path, body), timeout_s=1.5)


def test_another_grid_is_refused(tmp_path: Path, reflections: Reflections) -> None:
    wrong = STAND_IN.replace("electrons = ", "grid = [n + 2 for n in grid]\nelectrons = ")
    with pytest.raises(InputError, match="another grid"):
        run_dysnomia(reflections, GRID, executable=program(tmp_path, wrong))


def test_a_wrong_number_of_electrons_is_noted(tmp_path: Path, reflections: Reflections) -> None:
    wrong = STAND_IN.replace("= electrons\n", "= 2 * electrons\n")
    density = run_dysnomia(reflections, GRID, executable=program(tmp_path, wrong))
    assert any("electrons per cell instead of" in note for note in density.notes)


def test_no_program_at_all(tmp_path: Path, reflections: Reflections) -> None:
    path = program(tmp_path, "#!/no/such/interpreter\n")
    with pytest.raises(InputError, match="cannot be run"):
        run_dysnomia(reflections, GRID, executable=path)


def test_cancelling_ends_the_program(tmp_path: Path, reflections: Reflections) -> None:
    token = CancelToken()
    mark = tmp_path / "ended"
    body = f"print('started', flush=True); time.sleep(20); open({str(mark)!r}, 'w')"
    path = script(tmp_path, body)

    def on_output(done: int, total: int, text: str) -> None:
        threading.Timer(0.1, token.cancel).start()

    begun = time.monotonic()
    with pytest.raises(Cancelled):
        run_dysnomia(reflections, GRID, executable=path, progress=on_output, cancel=token)
    assert time.monotonic() - begun < 10
    assert not mark.exists()
