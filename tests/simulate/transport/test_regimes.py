"""Lifetimes between two limits, on numbers written down, and the command that draws them."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from ixs_core.errors import InputError
from ixs_core.project import Project
from ixs_core.provenance import provenance_of
from ixs_core.units import HBAR_MEV_PS
from simulate.phonons import PhononModel
from simulate.record_store import record_keys
from simulate.transport.lifetimes import Linewidths
from simulate.transport.measured_widths import MeasuredWidths
from simulate.transport.mesh_widths import LinewidthSeries
from simulate.transport.regime_figures import regimes_figure
from simulate.transport.regimes import (
    BELOW_IOFFE_REGEL,
    PARTICLE,
    WAVE,
    Lifetimes,
    lifetimes_of,
    match_branches,
    measured_lifetimes,
    regime_limits,
)
from simulate.transport.regimes_store import read_regimes, regimes_keys, write_regimes
from tests.ixs_reduce.command import run
from tests.simulate.spring_crystals import zincblende
from tests.simulate.transport.test_mesh_widths import linewidths

REPOSITORY = Path(__file__).resolve().parents[3]
FORCE_CONSTANTS = REPOSITORY / "sample_data" / "cscu2i3" / "phonopy_params_eff300K.yaml.xz"
MODEL = PhononModel.of(zincblende())


def lines(**changes: object) -> MeasuredWidths:
    n = 4
    given: dict[str, object] = {
        "q_hkl": np.array([[0.4, 0.2, 0.1]] * 3 + [[np.nan] * 3]),
        "energy_mev": np.array([2.0, 5.0, 40.0, 4.0]),
        "fwhm_mev": np.array([0.3, 1.0, 60.0, 3.0]),
        "fwhm_err": np.array([0.05, 0.2, 5.0, 0.0]),
        "is_limit": np.array([False, False, False, True]),
        "temperature_k": np.full(n, 200.0),
        "energy_err": np.full(n, 0.02),
        "source": "fits.csv",
    }
    return MeasuredWidths(**{**given, **changes})  # type: ignore[arg-type]


def test_limits_have_their_analytic_values() -> None:
    """Six branches up to 30 meV: Δω_avg = 5 meV; 1/ω at 10 meV is 65.8 fs."""
    limits = regime_limits(np.array([[1.0, 2, 3, 20, 25, 30.0], [0, 0, 0, 20, 25, 29]]))
    assert limits.average_spacing_mev == pytest.approx(5.0)
    assert limits.wigner_ps == pytest.approx(0.6582119569 / 5)
    assert limits.ioffe_regel_ps(np.array([10.0]))[0] == pytest.approx(0.06582119569)
    codes = limits.regime(np.array([20.0, 20.0, 20.0, 2.0]), np.array([4.9, 5.1, 20.1, 3.0]))
    assert codes.tolist() == [PARTICLE, WAVE, BELOW_IOFFE_REGEL, BELOW_IOFFE_REGEL]
    with pytest.raises(InputError, match="positive energy"):
        regime_limits(np.array([[-1.0, 0.0, 0.0]]))


def test_shares_weigh_the_points_of_the_mesh() -> None:
    energy = np.array([[0, 0, 12.0], [4, 8, 12.0]])
    width = np.array([[[np.nan, np.nan, 5.0], [1.0, 5.0, 13.0]]])
    mesh = Linewidths(
        np.zeros((2, 3)), np.array([1, 3]), energy, np.array([300.0]), {"3ph": width}, None
    )
    found = lifetimes_of(mesh, 300.0)
    limits = regime_limits(energy)  # 4 meV
    np.testing.assert_allclose(found.shares(limits), np.array([3, 4, 3]) / 10)
    np.testing.assert_allclose(found.lifetime_ps * found.fwhm_mev, HBAR_MEV_PS)
    with pytest.raises(InputError, match="no linewidths at this temperature"):
        lifetimes_of(mesh, 100.0)


def test_an_upper_limit_decides_for_particles_only() -> None:
    found = measured_lifetimes(lines(), 200.0)
    limits = regime_limits(np.full((1, 10), 20.0))  # 2 meV
    assert found.decided(limits).tolist() == [True, True, True, False]
    np.testing.assert_allclose(found.shares(limits), [2 / 3, 0, 1 / 3])
    wider = regime_limits(np.full((1, 5), 20.0))  # 4 meV: the limit of 3 meV is below it
    assert found.decided(wider).all()


def test_lines_are_matched_to_the_branch_at_their_q() -> None:
    """Against the model's energies and the widths that the mesh was given."""
    energy = MODEL.modes(np.array([[0.4, 0.2, 0.1]])).energy_mev[0]
    measured = lines(energy_mev=np.array([energy[1] + 0.1, energy[4] - 0.2, 200.0, 4.0]))
    series = LinewidthSeries(linewidths(), MODEL)
    found = match_branches(measured, MODEL, 200.0, series)
    assert [line.row for line in found] == [0, 1]
    mesh = series.at(200.0)
    hkl = np.array([[0.4, 0.2, 0.1]])
    for line in found:
        nearest = np.abs(energy - measured.energy_mev[line.row]).argmin()
        assert line.branch == nearest + 1
        assert line.fwhm_mev == pytest.approx(mesh(hkl, energy[None])[0, nearest])
        assert line.distance == pytest.approx(mesh.distance(hkl)[0])
    assert np.isnan(match_branches(measured, MODEL, 200.0)[0].fwhm_mev)


def test_round_trip_and_figure(tmp_path: Path) -> None:
    cloud = lifetimes_of(linewidths(), 200.0, "springs")
    sources = [cloud, measured_lifetimes(lines(), 200.0)]
    limits = regime_limits(linewidths().energy_mev)
    with Project(tmp_path / "p.h5").writing() as h5:
        write_regimes(h5, "200 K", sources, limits, provenance_of("test"))
    with Project(tmp_path / "p.h5").reading() as h5:
        found, same = read_regimes(h5, regimes_keys(h5)[0])
    assert same == limits
    for one, other in zip(found, sources, strict=True):
        assert isinstance(one, Lifetimes)
        assert (one.name, one.measured) == (other.name, other.measured)
        np.testing.assert_array_equal(one.fwhm_mev, other.fwhm_mev)
        np.testing.assert_array_equal(one.is_limit, other.is_limit)
    figure = regimes_figure(found, limits, "200 K")
    curve = next(line for line in figure.axes[0].lines if "Ioffe" in str(line.get_label()))
    x, y = curve.get_data()
    np.testing.assert_allclose(np.asarray(x) * np.asarray(y), HBAR_MEV_PS)


def test_command_on_a_table_and_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "modes.txt"
    rows = [f"0 0 0.{i} {3 + 2 * i} 0.{i}5" for i in range(1, 6)]
    table.write_text("# q1 q2 q3 energy_mev fwhm_mev\n" + "\n".join(rows) + "\n", encoding="utf-8")
    fits = tmp_path / "fits.csv"
    fits.write_text("energy_mev,energy_err,fwhm_mev,fwhm_err,fwhm_upper\n4,0.1,1.5,0.3,\n", "utf-8")
    out_csv, figure = tmp_path / "out.csv", tmp_path / "reg.svg"
    asked = ("kappa", "regimes", "--force-constants", FORCE_CONSTANTS, "--fits", fits)
    code, out, err = run(capsys, *asked, "--csv", out_csv, "--figure", figure, "--json")
    assert code == 0, err
    record = json.loads(out)
    # 36 branches up to the highest energy of the crystal.
    assert record["average_spacing_mev"] == pytest.approx(17.68 / 36, rel=0.03)
    (source,) = record["sources"]
    assert (source["lines"], source["shares"]["wave-like"]) == (1, 1.0)
    (row,) = csv.DictReader(out_csv.open(encoding="utf-8"))
    assert row["regime"] == "wave-like"
    assert figure.read_text(encoding="utf-8").startswith("<?xml")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ((), 2, "give linewidths"),
        (("--force-constants", FORCE_CONSTANTS), 1, "there are no lifetimes"),
        (("--force-constants", FORCE_CONSTANTS, "--fits", "no.csv"), 1, "no.csv"),
        (("--force-constants", FORCE_CONSTANTS, "--temperature", "-1"), 1, "temperature"),
        (("--force-constants", FORCE_CONSTANTS, "--figure", "a.doc"), 1, "no picture"),
    ],
)
def test_errors(
    capsys: pytest.CaptureFixture[str], arguments: tuple[object, ...], code: int, message: str
) -> None:
    found, _, err = run(capsys, "kappa", "regimes", *arguments)
    assert (found, message in err) == (code, True), err


def test_two_crystals_are_no_figure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = []
    for name, top in (("soft", 10.0), ("hard", 60.0)):
        files.append(tmp_path / f"{name}.txt")
        rows = [f"0 0 0.{i} {top * i / 5} 0.{i}5" for i in range(1, 6)]
        text = "# q1 q2 q3 energy_mev fwhm_mev\n" + "\n".join(rows) + "\n"
        files[-1].write_text(text, encoding="utf-8")
    code, _, err = run(capsys, "kappa", "regimes", *files)
    assert (code, "different crystals" in err) == (1, True)


def test_tables_and_projects_are_not_mistaken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A project named as the table stays what it is; results of two widths stand side by side."""
    project = tmp_path / "p.h5"
    for width in ("0.5", "0.9"):
        asked = ("kappa", "wigner", FORCE_CONSTANTS, width, "--mesh", "2 2 2", "-o", project)
        assert run(capsys, *asked)[0] == 0
    with Project(project).reading() as h5:
        assert set(record_keys(h5, "kappa wigner")) == {
            "kappa wigner 0.5 meV",
            "kappa wigner 0.9 meV",
        }
    before = project.read_bytes()
    asked = ("kappa", "wigner", FORCE_CONSTANTS, "0.5", "--mesh", "2 2 2", "--csv", project)
    code, _, err = run(capsys, *asked)
    assert (code, "names no table" in err) == (1, True)
    assert project.read_bytes() == before
    assert run(capsys, "report", project, "-o", tmp_path / "report")[0] == 0
    page = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    assert "0.9 meV" in page
    assert "wave-like" in page
