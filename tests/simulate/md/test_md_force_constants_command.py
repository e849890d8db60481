"""`ixs md force-constants` on a crystal whose springs are written down.

Simple cubic, spring K along the bonds to neighbours and k across: the branch polarised along axis
j has ω_j² = (2/m) Σ_i k_ij (1 - cos q_i a), k_ij = K for i = j and k otherwise.
"""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pytest
from scipy.constants import atomic_mass, elementary_charge, hbar

from ixs_core.units import THZ_IN_MEV
from tests.ixs_reduce.command import run

pytest.importorskip("symfc")
COPPER_AMU = 63.546
EDGE, CELLS = 2.5, 4
ALONG = 3.0  # eV/Å²
MEV = 1000 * hbar * np.sqrt(1e20 / (elementary_charge * atomic_mass))  # of √(eV/Å²/u)


def _forces(u: np.ndarray, across: float) -> np.ndarray:
    """Of displacements (f, n, n, n, 3)."""
    forces = np.zeros_like(u)
    for axis in range(3):
        springs = np.full(3, across)
        springs[axis] = ALONG
        for step in (-1, 1):
            forces += springs * (np.roll(u, step, axis=axis + 1) - u)
    return forces


def _energies(q: np.ndarray, across: float) -> np.ndarray:
    springs = np.full((3, 3), across)
    np.fill_diagonal(springs, ALONG)
    square = 2 * (1 - np.cos(2 * np.pi * q)) @ springs / COPPER_AMU
    return np.asarray(np.sign(square) * np.sqrt(np.abs(square)) * MEV)


def _snapshots(path: Path, across: float, count: int = 8) -> Path:
    rng = np.random.default_rng(3)
    u = 0.05 * rng.standard_normal((count, CELLS, CELLS, CELLS, 3))
    sites = np.stack(np.meshgrid(*[np.arange(CELLS)] * 3, indexing="ij"), axis=-1) * EDGE
    with h5py.File(path, "w") as h5:
        h5["positions"] = (sites + u).reshape(count, -1, 3)
        h5["forces"] = _forces(u, across).reshape(count, -1, 3)
        h5["cell"] = np.eye(3) * EDGE * CELLS
        h5["numbers"] = np.full(CELLS**3, 29)
        h5["ideal_positions"] = sites.reshape(-1, 3)
    return path


def test_springs_that_are_written_down(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import phonopy

    snapshots, output = _snapshots(tmp_path / "run.h5", 0.8), tmp_path / "fc.yaml"
    code, out, err = run(capsys, "md", "force-constants", snapshots, "-o", output, "--json")
    assert code == 0, err
    record = json.loads(out)
    assert record["space_group"] == "Pm-3m"
    assert (record["primitive_atoms"], record["snapshots"]) == (1, 8)
    assert record["imaginary"] == []
    assert record["sum_rules"]["before"].keys() == record["sum_rules"]["after"].keys()
    assert max(record["sum_rules"]["after"].values()) < 1e-9
    phonon = phonopy.load(output, log_level=0)
    q = np.array([[0.25, 0, 0], [0.5, 0.25, 0], [0.5, 0.5, 0.25]])
    cartesian = q @ phonon.primitive.cell.T / EDGE  # whichever way its axes are taken
    phonon.run_qpoints(cartesian)
    assert phonon.qpoints is not None
    energies = np.asarray(phonon.qpoints.frequencies) * THZ_IN_MEV
    np.testing.assert_allclose(energies, np.sort(_energies(q, 0.8), axis=1), rtol=0.01)


def test_an_unstable_crystal_is_called_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With k < 0 the lowest mode is that at (0 ½ ½) polarised along x: ω² = 8k/m."""
    snapshots, output = _snapshots(tmp_path / "run.h5", -0.2), tmp_path / "fc.yaml"
    asked = ("md", "force-constants", snapshots, "-o", output)
    code, out, err = run(capsys, *asked)
    assert code == 0, err
    assert "Pm-3m" in out
    assert "imaginary modes" in out
    assert "Born-Huang" in out
    modes = json.loads(run(capsys, *asked, "--json")[1])["imaginary"]
    lowest = min(mode["energy_mev"] for mode in modes)
    expected = _energies(np.array([0, 0.5, 0.5]), -0.2).min()
    assert lowest == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("-o", "fc.txt"), "--output"),
        (("-o", "fc.yaml", "--cutoff", "-1"), "--cutoff"),
        (("-o", "fc.yaml", "--tolerance", "0"), "--tolerance"),
        (("-o", "fc.yaml"), "no snapshots with forces"),
    ],
)
def test_what_goes_wrong_is_said_in_a_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "run.xyz"
    file.write_text("nothing\n", encoding="utf-8")
    code, _, err = run(capsys, "md", "force-constants", file, *arguments)
    assert code == 1
    assert said in err
    assert "Traceback" not in err
    assert not Path("fc.yaml").exists()


def test_a_trajectory_without_forces(
    shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small = shared_data / "cscu2i3" / "md" / "md_300K_small.h5"
    code, _, err = run(capsys, "md", "force-constants", small, "-o", tmp_path / "fc.yaml")
    assert code == 1
    assert "forces" in err
    assert "md_300K_small.h5" in err
