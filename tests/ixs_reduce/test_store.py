"""What is stored in the project comes back as it was, bit for bit."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ixs_core.errors import InputError
from ixs_core.project import Project, list_history, read_provenance, read_result
from ixs_core.provenance import Provenance
from ixs_reduce.fit_record import identical, rerun
from ixs_reduce.fitting import SpectrumFit
from ixs_reduce.formats import read_scans
from ixs_reduce.quality import judge
from ixs_reduce.reduction import reduce_scan
from ixs_reduce.resolution_fit import ResolutionFit, ResolutionOptions, fit_resolution
from ixs_reduce.scan import Analyzer, Flag, Scan, Source
from ixs_reduce.spectrum import Spectrum
from ixs_reduce.store import (
    fit_keys,
    merged_key,
    read_fits,
    read_resolution_fits,
    read_resolutions,
    read_scan,
    read_spectra,
    scan_key,
    scan_keys,
    spectra_keys,
    write_fits,
    write_resolutions,
    write_scan,
    write_spectra,
)
from tests.ixs_reduce.small_fits import R, decorated, small_fit, small_spectrum

MADE = Provenance("ixs reduce", {"bin_mev": 0.5}, sources=(("run.spec", "ab"),))


def assert_same(one: Any, two: Any, record: type) -> None:
    """Every field of two records is equal, arrays to the bit."""
    for field in fields(record):
        a, b = getattr(one, field.name), getattr(two, field.name)
        if isinstance(a, np.ndarray):
            assert (a.shape, a.tobytes()) == (b.shape, b.tobytes()), field.name
        elif isinstance(a, Spectrum):
            assert_same(a, b, Spectrum)
        elif field.name != "start_parameters":
            assert a == b, field.name


def made_scan(**changes: Any) -> Scan:
    full = Scan(
        number=1,
        occurrence=2,
        kind="energy",
        command="ascan E -1 1 2 10",
        scanned="E",
        energy_mev=np.array([[-1.0, 0.1, 1.0], [-1.1, np.nan, 1.1]]),
        counts=np.array([[0.0, 50, 3], [1, 2, 3]]),
        analyzers=(Analyzer("a", (1, 0, 1 / 3), 1.5, (0.1, 0.1, 0.2)), Analyzer("b")),
        source=Source(Path("folder/CdOsO.spec"), "12ab", 77),
        seconds=np.array([10.0, 10, 20]),
        monitor=np.array([1000.0, 1100, 2000]),
        monitor_name="i0",
        temperature_k=299.7,
        angles={"tth": 20.1, "th": 10.0},
        slits_mm=(60.0, 50.0),
        lattice=(10.17, 10.17, 10.17, 90.0, 90.0, 90.0),
        main_analyzer="a",
        requested_points=4,
        flags=(Flag("burst", 'µ, "x"', "a", (1,)), Flag("aborted", "3 of 4")),
    )
    return replace(full, **changes)


def test_keys_are_file_stem_and_label() -> None:
    one, two = made_scan(number=61, occurrence=1), made_scan()
    assert scan_key(one) == "CdOsO_61"
    assert scan_key(two) == "CdOsO_1.2"
    assert merged_key([one, two]) == "CdOsO_61+1.2"
    other = made_scan(source=Source(Path("b.spec"), ""))
    assert merged_key([one, other]) == "CdOsO_61+b_1.2"


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"seconds": None, "monitor": None, "monitor_name": None, "temperature_k": None},
        {"slits_mm": None, "lattice": None, "main_analyzer": None, "requested_points": None},
        {"angles": {}, "flags": (), "counts": np.zeros((2, 3))},
    ],
)
def test_scan_comes_back(tmp_path: Path, changes: dict[str, Any]) -> None:
    scan = made_scan(**changes)
    with Project(tmp_path / "p.h5").writing() as h5:
        assert write_scan(h5, scan, MADE)
    with Project(tmp_path / "p.h5").reading() as h5:
        assert scan_keys(h5) == ["CdOsO_1.2"]
        assert_same(read_scan(h5, "CdOsO_1.2"), scan, Scan)


def test_same_raw_data_are_stored_once(tmp_path: Path) -> None:
    project = Project(tmp_path / "p.h5")
    for scan in (made_scan(), made_scan(), made_scan(temperature_k=10.0)):
        with project.writing() as h5:
            written = write_scan(h5, scan, MADE)
    with project.reading() as h5:
        assert written
        assert list_history(h5, "scans", "CdOsO_1.2") == [1]
        assert read_scan(h5, "CdOsO_1.2").temperature_k == 10.0
        assert read_scan(h5, "CdOsO_1.2", version=1).temperature_k == 299.7


def test_real_scans_come_back(shared_data: Path, tmp_path: Path) -> None:
    scans = judge(read_scans(shared_data / "ixs" / "CdOsO.spec").scans)
    energy = [scan for scan in scans if scan.number in (1, 8, 57, 66)]
    with Project(tmp_path / "p.h5").writing() as h5:
        for scan in energy:
            write_scan(h5, scan, MADE)
            write_spectra(h5, scan_key(scan), reduce_scan(scan), MADE)
    with Project(tmp_path / "p.h5").reading() as h5:
        for scan in energy:
            key = scan_key(scan)
            assert_same(read_scan(h5, key), scan, Scan)
            # The stored raw data reduce to the stored spectra: bursts make unequal lengths.
            again = reduce_scan(read_scan(h5, key))
            for stored, spectrum in zip(read_spectra(h5, key), again, strict=True):
                assert_same(stored, spectrum, Spectrum)


def test_spectra_of_unequal_length_come_back(tmp_path: Path) -> None:
    bare = Spectrum(np.array([1.0, 2.0]), np.array([0.0, 3.0]), np.array([1.0, 1.0]))
    spectra = (small_spectrum(points=40, background=True), small_spectrum(analyzer="b"), bare)
    with Project(tmp_path / "p.h5").writing() as h5:
        write_spectra(h5, "run_61", spectra, MADE)
    with Project(tmp_path / "p.h5").reading() as h5:
        assert spectra_keys(h5) == ["run_61"]
        for back, spectrum in zip(read_spectra(h5, "run_61"), spectra, strict=True):
            assert_same(back, spectrum, Spectrum)
            assert back.sha256 == spectrum.sha256
        stored = read_result(h5, "spectra", "run_61")
    assert stored.datasets["counts"].shape == (3, 61)
    assert np.isnan(stored.datasets["counts"][0, 40:]).all()
    assert stored.datasets["points"].tolist() == [40, 61, 2]
    assert stored.units["energy_mev"] == "meV"
    assert stored.provenance == MADE


def test_viewer_finds_counts_against_one_energy_axis(tmp_path: Path) -> None:
    with Project(tmp_path / "p.h5").writing() as h5:
        write_spectra(h5, "run_61", [small_spectrum(points=40), small_spectrum()], MADE)
        group = h5["entry/spectra/run_61"]
        assert group.attrs["NX_class"] == "NXdata"
        assert group.attrs["signal"] == "counts"
        assert list(group.attrs["axes"]) == [".", "energy_axis_mev"]
        axis = group["energy_axis_mev"][()]
        assert axis.shape == (61,)
        assert (np.diff(axis[40:]) > 0).all()
        np.testing.assert_allclose(axis[40:], small_spectrum().energy_mev[40:])


def test_second_reduce_appends_and_replace_does_not(tmp_path: Path) -> None:
    project = Project(tmp_path / "p.h5")
    for seed, replaced in ((1, False), (2, False), (3, True)):
        with project.writing() as h5:
            write_spectra(h5, "run_61", [small_spectrum(seed)], MADE, replace=replaced)
    with project.reading() as h5:
        assert list_history(h5, "spectra", "run_61") == [1]
        (now,) = read_spectra(h5, "run_61")
        (before,) = read_spectra(h5, "run_61", version=1)
    assert now.sha256 == small_spectrum(3).sha256
    assert before.sha256 == small_spectrum(1).sha256


def test_fits_come_back_and_run_again_after_a_new_reduce(tmp_path: Path) -> None:
    fits = (
        decorated(small_fit()),
        small_fit(small_spectrum(points=45, background=True, analyzer="b"), starts=2),
    )
    project = Project(tmp_path / "p.h5")
    with project.writing() as h5:
        write_spectra(h5, "run_61", [fit.spectrum for fit in fits], MADE)
        write_fits(h5, "run_61", fits, replace(MADE, parents=("spectra/run_61",)))
    with project.writing() as h5:  # other data under the same key
        write_spectra(h5, "run_61", [small_spectrum(seed=9)], MADE)
    with project.reading() as h5:
        assert fit_keys(h5) == ["run_61"]
        back = read_fits(h5, "run_61")
        stored = read_result(h5, "fits", "run_61")
        assert read_provenance(h5, "fits", "run_61").parents == ("spectra/run_61",)
    for one, two in zip(fits, back, strict=True):
        assert_same(one, two, SpectrumFit)
        assert identical(rerun(two), one)
    table = stored.datasets
    assert table["expected_counts"].shape == (2, 61)
    assert np.isnan(table["expected_counts"][1, 45:]).all()
    assert table["mode_number"].tolist() == [1, 2, 1, 2]
    assert table["mode_analyzer"] == ["a", "a", "b", "b"]
    assert table["mode_branch"] == ["TA + LA", "TO₁", "", ""]
    expected = [mode.energy.value for fit in fits for mode in fit.modes]
    assert table["mode_energy_mev"].tolist() == expected
    assert stored.units["mode_fwhm_mev"] == "meV"


def test_fits_without_modes_are_stored(tmp_path: Path) -> None:
    from ixs_reduce.fitting import fit_spectrum
    from ixs_reduce.spectrum_model import SpectrumModel

    fit = fit_spectrum(small_spectrum(), SpectrumModel(R, 300.0, modes=0))
    with Project(tmp_path / "p.h5").writing() as h5:
        write_fits(h5, "run_61", [fit], MADE)
        (back,) = read_fits(h5, "run_61")
    assert_same(back, fit, SpectrumFit)


def resolution_spectrum(analyzer: str = "a3", seed: int = 0) -> Spectrum:
    energy = np.linspace(-12, 12, 97)
    exposure = np.full(97, 5e4)
    expected = exposure * (R(energy - 0.4) + 1e-3)
    counts = np.random.default_rng(seed).poisson(expected).astype(float)
    return Spectrum(energy, counts, exposure, analyzer=analyzer, scan="20", q_abs=1.0)


@pytest.mark.parametrize("numeric", [False, True])
def test_resolutions_come_back(tmp_path: Path, numeric: bool) -> None:
    options = ResolutionOptions(max_components=3, numeric=numeric)
    fits = [
        replace(fit_resolution(resolution_spectrum(name), options), others=("10 (mis-set)",))
        for name in ("a3", "a10")
    ]
    path = tmp_path / "R.h5"
    with Project(path).writing() as h5:
        write_resolutions(h5, fits, MADE)
    back = read_resolution_fits(path)
    assert list(back) == ["a3", "a10"]
    energy = np.linspace(-9, 9, 50)
    for fit in fits:
        stored = back[fit.analyzer]
        assert stored.resolution.sha256 == fit.resolution.sha256
        assert_same(replace(stored, resolution=None), replace(fit, resolution=None), ResolutionFit)
        np.testing.assert_array_equal(
            read_resolutions(path)[fit.analyzer](energy), fit.resolution(energy)
        )


def test_file_without_resolutions_is_named(tmp_path: Path) -> None:
    with Project(tmp_path / "p.h5").writing() as h5:
        write_spectra(h5, "run_61", [small_spectrum()], MADE)
    with pytest.raises(InputError, match=r"p\.h5.*no resolution.*ixs resolution"):
        read_resolutions(tmp_path / "p.h5")


@pytest.mark.parametrize(
    ("kind", "dataset", "read"),
    [
        ("scans", "record", read_scan),
        ("spectra", "points", read_spectra),
        ("fits", "fit_records", read_fits),
    ],
)
def test_damaged_results_are_named(tmp_path: Path, kind: str, dataset: str, read: Any) -> None:
    with Project(tmp_path / "p.h5").writing() as h5:
        write_scan(h5, made_scan(), MADE, key="run_61")
        write_spectra(h5, "run_61", [small_spectrum()], MADE)
        write_fits(h5, "run_61", [small_fit(starts=1)], MADE)
        del h5[f"entry/{kind}/run_61/{dataset}"]
        with pytest.raises(InputError, match=rf"{kind}/run_61'.*damaged"):
            read(h5, "run_61")
