"""Heat fluxes as LAMMPS, GPUMD, our own runs and users leave them."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from simulate.md.heat_flux import HeatFluxSeries, write_heat_flux
from simulate.transport import read_gpumd_hac, read_heat_flux
from tests.simulate.transport.flux_series import autoregressive

ROWS = 150
FLUX = autoregressive((0.5,), ROWS, 1)
CARRIED = 0.1 * autoregressive((0.5,), ROWS, 2)


def written(
    folder: Path, columns: list[FloatArray], heading: str = "", name: str = "flux.dat"
) -> Path:
    lines = [" ".join(f"{x:.10g}" for x in row) for row in np.column_stack(columns)]
    path = folder / name
    path.write_text(heading + "\n".join(lines) + "\n", encoding="utf-8")
    return path


STEPS = 5.0 * np.arange(ROWS)

LOG = """LAMMPS (22 Jul 2025)
units           {units}
timestep ${{dt}}
timestep {timestep}
Created orthogonal box = (0 0 0) to (10 10 10)
run 100
   Step          Temp          Volume
         0   10            999
       100   10            999
Loop time of 1.0 on 1 procs for 100 steps with 8 atoms
run {last}
Per MPI rank memory allocation (min/avg/max) = 3.119 | 3.119 | 3.119 Mbytes
{table}
Loop time of 1.0 on 1 procs for {last} steps with 8 atoms
"""


def log_text(table: str, units: str = "metal", timestep: float = 0.002) -> str:
    return LOG.format(units=units, timestep=timestep, table=table, last=745)


SHORT = "   Step Temp Volume\n 0 38 1200\nWARNING: something\n 745 42 1200"


def test_ave_time_with_the_log(tmp_path: Path) -> None:
    head = "# Time-averaged data for fix out\n# TimeStep " + " ".join(
        f"c_fl[{i}]" for i in range(1, 7)
    )
    file = written(tmp_path, [STEPS, FLUX, CARRIED], head + " v_tt\n".replace(" v_tt", ""))
    log = tmp_path / "log.lammps"
    log.write_text(log_text(SHORT), encoding="utf-8")
    flux = read_heat_flux(file, log=log)
    np.testing.assert_allclose(flux.total, FLUX, atol=1e-9)
    assert flux.convective is not None
    np.testing.assert_allclose(flux.convective, CARRIED, atol=1e-9)
    assert (flux.dt_fs, flux.volume_A3, flux.temperature_k) == (10.0, 1200.0, 40.0)
    assert [name for name, _ in flux.sources] == ["flux.dat", "log.lammps"]
    assert any("centroid/stress/atom" in note for note in flux.notes)
    # Without the log the steps alone are no time.
    assert read_heat_flux(file).dt_fs is None


def test_flux_in_the_log_itself(tmp_path: Path) -> None:
    rows = "\n".join(
        f"{step:9.0f} 40 1200 {j[0]:.9g} {j[1]:.9g} {j[2]:.9g}"
        for step, j in zip(STEPS, FLUX, strict=True)
    )
    names = "Step Temp Volume c_flux[1] c_flux[2] c_flux[3]"
    path = tmp_path / "log.lammps"
    path.write_text(log_text(f"   {names}\n{rows}", "real", 0.5), encoding="utf-8")
    flux = read_heat_flux(path)
    np.testing.assert_allclose(flux.total, FLUX, atol=1e-7)
    assert flux.convective is None
    assert (flux.units, flux.dt_fs, flux.volume_A3, flux.temperature_k) == ("real", 2.5, 1200, 40)
    path.write_text(log_text(SHORT), encoding="utf-8")
    with pytest.raises(InputError, match=r"no thermodynamic output.*Step, Temp, Volume"):
        read_heat_flux(path)
    path.write_text(log_text(SHORT, "lj"), encoding="utf-8")
    with pytest.raises(InputError, match=r"units.*lj"):
        read_heat_flux(path)


def test_our_own_file(tmp_path: Path) -> None:
    time = 0.005 * np.arange(ROWS)
    file = tmp_path / "run_heat_flux.txt"
    write_heat_flux(HeatFluxSeries(time, FLUX, CARRIED, 1234.5, 310.0), file)
    flux = read_heat_flux(file)
    np.testing.assert_allclose(flux.total, FLUX, rtol=1e-8)
    assert flux.virial is not None
    np.testing.assert_allclose(flux.virial, FLUX - CARRIED, atol=1e-7)
    assert flux.dt_fs == pytest.approx(5.0)
    assert (flux.volume_A3, flux.temperature_k, flux.units) == (1234.5, 310.0, "metal")
    assert flux.notes == ()


def test_mapping(tmp_path: Path) -> None:
    kelvin = np.full(ROWS, 77.0)
    file = written(tmp_path, [kelvin, FLUX - CARRIED, CARRIED], "T a b c d e f\n")
    toml = tmp_path / "columns.toml"
    toml.write_text(
        'virial = ["a", "b", "c"]\nconvective = [5, 6, 7]\ntemperature = "T"\n'
        'dt_fs = 2.5\nvolume_A3 = 99.0\nunits = "gpumd"\nextensive = false\n',
        encoding="utf-8",
    )
    flux = read_heat_flux(file, toml)
    np.testing.assert_allclose(flux.total, FLUX, atol=1e-8)
    assert (flux.dt_fs, flux.volume_A3, flux.temperature_k) == (2.5, 99.0, 77.0)
    assert (flux.units, flux.extensive) == ("gpumd", False)
    only = read_heat_flux(file, {"virial": [2, 3, 4]})
    assert any("virial part only" in note for note in only.notes)


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"totla": [1, 2, 3]}, "did you mean 'total'"),
        ({"dt_fs": 1.0}, "give 'total' or 'virial'"),
        ({"total": [1, 2]}, "total"),
        ({"total": [1, 2, 9]}, "no such column.*1 to 6"),
        ({"total": ["a", "b", "c"]}, "no such column.*no names"),
        ({"total": [1, 2, 3], "units": "lj"}, "units"),
    ],
)
def test_wrong_mappings(tmp_path: Path, mapping: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_heat_flux(written(tmp_path, [FLUX, CARRIED]), mapping)


def test_columns_without_names(tmp_path: Path) -> None:
    np.testing.assert_allclose(read_heat_flux(written(tmp_path, [FLUX])).total, FLUX, atol=1e-8)
    six = read_heat_flux(written(tmp_path, [FLUX, CARRIED]))
    assert six.convective is not None
    eight = read_heat_flux(written(tmp_path, [STEPS, FLUX, CARRIED, STEPS]))
    np.testing.assert_allclose(eight.total, FLUX, atol=1e-8)
    assert "1 more columns were left out" in eight.notes
    with pytest.raises(InputError, match="columns without names"):
        read_heat_flux(written(tmp_path, [FLUX, FLUX, FLUX]))


def test_names_that_are_no_flux_or_several(tmp_path: Path) -> None:
    file = written(tmp_path, [FLUX], "alpha beta gamma\n")
    with pytest.raises(InputError, match=r"by their names.*alpha, beta, gamma"):
        read_heat_flux(file)
    names = " ".join(f"c_{v}[{i}]" for v in ("heat", "charge") for i in (1, 2, 3))
    with pytest.raises(InputError, match=r"several vectors.*c_heat, c_charge"):
        read_heat_flux(written(tmp_path, [FLUX, CARRIED], names + "\n"))


def test_steps_that_are_missing_or_stand_twice(tmp_path: Path) -> None:
    names = "Step Jx Jy Jz\n"
    again = np.insert(STEPS, 40, STEPS[40])
    twice = np.insert(FLUX, 40, FLUX[40], axis=0)
    flux = read_heat_flux(written(tmp_path, [again, twice], names))
    assert len(flux.total) == ROWS
    assert any("1 rows of steps that stand twice" in note for note in flux.notes)
    kept = np.delete(np.arange(ROWS), 70)
    with pytest.raises(InputError, match=r"not at equal times; found 345, then 355"):
        read_heat_flux(written(tmp_path, [STEPS[kept], FLUX[kept]], names))
    two = [np.tile(STEPS, 2), np.tile(FLUX, (2, 1))]
    with pytest.raises(InputError, match="several runs"):
        read_heat_flux(written(tmp_path, two, names))


def test_broken_and_unfinished_files(tmp_path: Path) -> None:
    file = written(tmp_path, [FLUX], "Jx Jy Jz\n")
    text = file.read_text()
    file.write_text(text + "0.1 0.2", encoding="utf-8")
    assert any("last line" in note for note in read_heat_flux(file).notes)
    file.write_text(text.replace("\n", "\n1 2 oops\n", 5), encoding="utf-8")
    with pytest.raises(InputError, match=r"line 4.*not 3 numbers.*oops"):
        read_heat_flux(file)
    file.write_text("nothing here\n", encoding="utf-8")
    with pytest.raises(InputError, match="no columns of numbers"):
        read_heat_flux(file)
    packed = tmp_path / "flux.dat.gz"
    packed.write_bytes(gzip.compress(text.encode()))
    np.testing.assert_allclose(read_heat_flux(packed).total, FLUX, atol=1e-8)


def test_hac(tmp_path: Path) -> None:
    """Six runs of a decaying correlation: x in 0.6, x out 0.4, y in 1.2, y out 0.8, z 3."""
    time = 0.1 * np.arange(400)
    rng = np.random.default_rng(2)
    shares = np.array([0.6, 0.4, 1.2, 0.8, 3.0])
    runs = []
    for _ in range(6):
        curve = shares * (1 - np.exp(-time))[:, None]
        curve = curve + 0.01 * np.cumsum(rng.normal(size=(400, 5)), axis=0) * 0.1
        runs.append(np.column_stack([time, shares * np.exp(-time)[:, None], curve]))
    file = written(tmp_path, [np.vstack(runs)], name="hac.out")
    result = read_gpumd_hac(file)
    assert result.method == "plateau"
    np.testing.assert_allclose(result.per_axis, [1, 2, 3], rtol=0.05)
    assert result.kappa == pytest.approx(2.0, abs=5 * result.stderr)
    assert "potential part only" in result.notes[0]
    assert len(result.integral.block_running) == 6
    with pytest.raises(InputError, match="correlations already"):
        read_heat_flux(file)
    # One run has no error, so no plateau and no κ.
    single = read_gpumd_hac(written(tmp_path, [runs[0]], name="hac.out"))
    assert single.plateau is None
    assert np.isnan(single.kappa)
    uneven = written(tmp_path, [np.vstack([runs[0], runs[1][:300]])], name="hac.out")
    with pytest.raises(InputError, match=r"different lengths.*400, 300"):
        read_gpumd_hac(uneven)
