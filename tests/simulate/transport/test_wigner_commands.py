"""`ixs kappa wigner`, `audit` and `measured` from outside."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from ixs_core.errors import InputError
from ixs_core.project import Project
from simulate.cli.kappa import app
from simulate.record_store import record_keys
from simulate.transport.wigner_store import CONTENT, read_wigner
from tests.simulate.transport.namgf3 import FOLDER, LINEWIDTHS, PARAMETERS

RUNNER = CliRunner()
TABLE = (
    "T kappa_11 kappa_12 kappa_13 kappa_21 kappa_22 kappa_23 kappa_31 kappa_32 kappa_33\n"
    "300 0.28 0 0 0 0.13 -0.02 0 -0.02 0.22\n400 0.28 0 0 0 0.13 0 0 0 0.22\n"
)
FITS = (
    "h,k,l,energy_mev,fwhm_mev,fwhm_err,fwhm_upper,temperature_k,flags\n"
    "0.2,0,0,9.0,0.30,0.05,,300,\n0.3,0,0.1,14.0,0.0,,0.5,300,\n0.3,0.2,0,35.0,1.6,0.3,,500,\n"
)


def run(*words: object) -> str:
    """stdout of a command that succeeds; its error is raised."""
    result = RUNNER.invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_an_audit_names_the_forbidden_element(tmp_path: Path) -> None:
    file = tmp_path / "kappa.dat"
    file.write_text(TABLE)
    found = json.loads(run("audit", file, "--point-group", "mmm", "--json"))
    assert found["audit"]["passed"] is False
    assert found["audit"]["residuals"]["point group"] == pytest.approx(0.02 / 0.21)
    assert found["forbidden"] == [{"temperature_k": 300.0, "element": "yz", "kappa": -0.02}]
    text = run("audit", file, "--point-group", "mmm")
    assert "κ_yz = -0.020" in text
    assert "FAILED at 1 of 2 temperatures" in text
    assert "audit passed" in run("audit", file, "--point-group", "2/m", "--tolerance", 0.2)
    assert RUNNER.invoke(app, ["audit", str(file)]).exit_code == 2


def test_a_table_without_all_elements_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "kappa.dat"
    file.write_text("T kappa_xx kappa_yy kappa_zz\n300 1 2 3\n")
    with pytest.raises(InputError, match="lacks elements"):
        run("audit", file, "--point-group", "mmm")


def test_wigner_tells_writes_and_keeps(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / FOLDER
    project, table, picture = (tmp_path / name for name in ("p.h5", "modes.csv", "kappa.png"))
    files = ("-o", project, "--csv", table, "--figure", picture)
    found = json.loads(run("wigner", folder / PARAMETERS, folder / LINEWIDTHS, "--json", *files))
    np.testing.assert_allclose(np.diag(found["kappa_c"]), (0.6980, 0.7416, 0.7362), rtol=2e-3)
    assert found["temperature_k"] == 300
    assert found["audit"]["passed"] is True
    assert sum(part["kappa_c"] for part in found["elements"].values()) == pytest.approx(1)
    assert table.read_text().count("\n") == 6001
    assert picture.stat().st_size > 10_000
    with Project(project).reading() as h5:
        (key,) = record_keys(h5, CONTENT)
        np.testing.assert_allclose(read_wigner(h5, key).kappa_p[0], found["kappa_p"], atol=1e-12)


def test_one_width_for_all_needs_a_mesh(shared_data: Path) -> None:
    file = shared_data / "phonons/NaCl"
    constants = next(path for path in sorted(file.iterdir()) if "yaml" in path.name)
    with pytest.raises(InputError, match="on which mesh"):
        run("wigner", constants, "0.5")
    text = run("wigner", constants, "0.5", "--mesh", "3 3 3", "--temperature", 200)
    assert "audit passed, point group m-3m" in text
    assert "Cl modes carry" in text


def test_measured_widths_move_kappa(shared_data: Path, tmp_path: Path) -> None:
    fits = tmp_path / "fits.csv"
    fits.write_text(FITS)
    folder = shared_data / FOLDER
    words = (folder / PARAMETERS, folder / LINEWIDTHS, "--csv", fits, "--samples", 4)
    found = json.loads(run("measured", *words, "--temperature", 300, "--json"))
    assert (found["lines"], found["limits"]) == (1, 1)
    assert 0 < found["covered"] < 1
    assert 0 < found["limited"] < 1
    low, high = np.array(found["band"])[:, 0, 0]
    assert low < found["kappa_p"][0][0] + found["kappa_c"][0][0] < high
    assert any("other temperatures" in note for note in found["notes"])
    with pytest.raises(InputError, match="do not agree on a temperature"):
        run("measured", *words)
    assert RUNNER.invoke(app, ["measured", "a.yaml", "0.5"]).exit_code == 2
