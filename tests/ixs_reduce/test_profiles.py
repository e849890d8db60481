"""Profiles and roles: what a label means, and what is said when it is missing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ixs_core.errors import InputError
from ixs_reduce.formats import read_scans, select_scans
from ixs_reduce.formats.profile import PROFILES, load_profile, with_overrides
from ixs_reduce.formats.roles import requested_points
from ixs_reduce.formats.spec import parse_spec
from tests.ixs_reduce.spec_text import GOOD, HEADER, LABELS, energies, row, scan


def written(folder: Path, text: str, name: str = "data") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_herix_roles(tmp_path: Path) -> None:
    file = read_scans(written(tmp_path, GOOD))
    (found,) = file.scans
    assert file.profile == "herix30id"
    assert (found.kind, found.points, found.requested_points) == ("energy", 3, 3)
    assert [a.name for a in found.analyzers] == ["Ana4", "Ana5"]
    assert found.analyzers[1].q_hkl == (2, 1, 0)
    # cubic cell: |Q| = 2π √(h² + k² + l²)/a
    assert found.analyzers[1].q_abs == pytest.approx(2 * np.pi * np.sqrt(5) / 10.17)
    assert found.temperature_k == 300.0
    assert found.monitor_name == "HM_IC2"
    assert found.angles == {"tth": 20, "th": 10, "chi": 0, "phi": 5}
    np.testing.assert_array_equal(found.counts, [[3, 3, 3], [4, 4, 4]])
    assert found.energy_mev.shape == (2, 3)


def test_q_lengths_agree_with_those_in_real_files(shared_data: Path) -> None:
    for name in ("CdOsO.spec", "plexiglas_1.spec"):
        path = shared_data / "ixs" / name
        blocks, _ = parse_spec(path.read_text(), path)
        for block, found in zip(blocks, read_scans(path).scans, strict=True):
            arm = np.array(block.q)
            at_arm = [
                a for a in found.analyzers if a.q_hkl and np.allclose(a.q_hkl, arm, atol=2e-5)
            ]
            for analyzer in at_arm:  # the file's own |Q|, printed with six digits
                assert analyzer.q_abs == pytest.approx(block.header["Q_Angstrom"], abs=2e-4)


def test_real_monitor_is_counts_not_a_rate(shared_data: Path) -> None:
    """The same monitor over 1 s and 30 s: counts grow with the time."""
    file = read_scans(shared_data / "ixs" / "CdOsO.spec")
    (long,), (short,) = select_scans(file, "69"), select_scans(file, "71")
    assert long.monitor is not None
    assert short.monitor is not None
    assert np.median(long.monitor) / np.median(short.monitor) == pytest.approx(30, rel=0.05)


def test_main_analyzer_and_dead_thermometer(shared_data: Path) -> None:
    file = read_scans(shared_data / "ixs" / "plexiglas_1.spec")
    named = [s.main_analyzer for s in file.scans[:20:2]]
    assert named == [f"Ana{n}" for n in (9, 8, 7, 6, 5, 4, 3, 2, 1, 5)]
    for found in file.scans:
        assert found.temperature_k is None
        assert "dead-thermometer" in {f.code for f in found.flags}


def test_thermometers_that_disagree(tmp_path: Path) -> None:
    text = HEADER + scan(energies(0, 1), values="197.9 0")
    (found,) = read_scans(written(tmp_path, text)).scans
    assert found.temperature_k == 300.0
    assert "thermometers-disagree" in {f.code for f in found.flags}


@pytest.mark.parametrize(
    ("bad", "key", "said"),
    [
        (row(0, ("nan", 4)), "Ana4", "not a finite number"),
        (row(0, (3, -4)), "Ana5", "is negative"),
        (row(0, monitor=-1), "HM_IC2", "is negative"),
        (row("nan"), "HerixE", "not a finite number"),  # type: ignore[arg-type]
    ],
)
def test_impossible_values_name_line_and_label(
    tmp_path: Path, bad: str, key: str, said: str
) -> None:
    text = HEADER + scan([row(-1), bad, row(1)]) + scan(energies(0, 1), number=2)
    file = read_scans(written(tmp_path, text))
    assert [s.number for s in file.scans] == [2]
    (error,) = file.problems
    assert (error.line, error.key) == (18, key)
    assert said in str(error)
    with pytest.raises(InputError, match=r"scan 1 is not among those read.*could not be read"):
        select_scans(file, "1")


@pytest.mark.parametrize("lost", ["HM_IC2", "Seconds"])
def test_missing_column(tmp_path: Path, lost: str) -> None:
    renamed = tuple(f"{label}x" if label == lost else label for label in LABELS)
    text = HEADER + scan(energies(0, 1), labels=renamed) + scan(energies(0, 1), number=2)
    file = read_scans(written(tmp_path, text))
    assert [s.number for s in file.scans] == [2]
    (error,) = file.problems
    assert error.key == lost
    assert f"nearest '{lost}x'" in str(error)


def test_energies_out_of_order_are_flagged_and_kept(tmp_path: Path) -> None:
    (found,) = read_scans(written(tmp_path, HEADER + scan(energies(0, 2, 1, 3)))).scans
    np.testing.assert_array_equal(found.energy_mev[0], [0, 2, 1, 3])
    (flag,) = [f for f in found.flags if f.code == "non-monotonic"]
    assert flag.points == (2,)


def test_downward_scans_are_no_fault(tmp_path: Path) -> None:
    (found,) = read_scans(written(tmp_path, HEADER + scan(energies(3, 2, 1)))).scans
    assert "non-monotonic" not in {f.code for f in found.flags}


def test_aborted_and_incomplete(tmp_path: Path) -> None:
    note = "#C Wed Nov 11 23:56:38 2015.  Scan aborted after 2 points."
    text = HEADER + scan(energies(0, 1), after=[note]) + scan(energies(0, 1), number=2)
    one, two = read_scans(written(tmp_path, text)).scans
    assert [f.message for f in one.flags] == ["aborted after 2 of 3 points"]
    assert [f.code for f in two.flags] == ["incomplete"]
    assert not one.complete


def test_scan_without_points_becomes_an_empty_scan(tmp_path: Path) -> None:
    one, _ = read_scans(written(tmp_path, HEADER + scan([]) + scan(energies(0, 1), number=2))).scans
    assert one.counts.shape == (2, 0)
    assert {f.code for f in one.flags} == {"no-points"}


def test_monitor_given_as_a_rate_is_multiplied_by_seconds(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD)
    (found,) = read_scans(path, overrides={"monitor_is_rate": True}).scans
    np.testing.assert_allclose(found.monitor, [10_000] * 3)


@pytest.mark.parametrize("name", PROFILES)
def test_shipped_profiles_are_valid(name: str) -> None:
    profile = load_profile(name)
    assert profile.name == name
    assert profile.recognised_by


def test_unknown_key_suggests_the_right_one(tmp_path: Path) -> None:
    path = written(tmp_path, 'energy = "E"\ncounts = "A{n}"\nmonitr = "i0"\n', "p.toml")
    with pytest.raises(InputError, match=r"'monitr'.*did you mean 'monitor'"):
        load_profile(path)


def test_profile_without_energy(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no energy axis"):
        load_profile(written(tmp_path, 'counts = "A{n}"\n', "p.toml"))


def test_broken_toml_and_unknown_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not TOML"):
        load_profile(written(tmp_path, "counts = \n", "p.toml"))
    with pytest.raises(InputError, match="did you mean herix30id"):
        load_profile("herix30")


def test_unrecognised_labels_are_shown(tmp_path: Path) -> None:
    text = GOOD.replace("HM_IC2", "flux")
    with pytest.raises(InputError, match=r"no profile fits.*flux"):
        read_scans(written(tmp_path, text))


def test_forced_profile_from_a_file(tmp_path: Path) -> None:
    text = GOOD.replace("HM_IC2", "flux")
    mapping = load_profile("herix30id").model_dump(exclude_defaults=True) | {"monitor": "flux"}
    profile = with_overrides(load_profile("herix30id"), mapping)
    (found,) = read_scans(written(tmp_path, text), profile).scans
    assert found.monitor_name == "flux"


def test_energy_from_crystal_temperatures_of_a_simulated_scan(tmp_path: Path) -> None:
    """BL43LXU practice: 17.425 mK per meV at Si(11 11 11); the analyzer hotter is E > 0."""
    labels = ("Tmono", "Seconds", "i0", "Ta03", "Ta06", "a03", "a06")
    kelvin_per_mev = 17.425e-3
    rows = [
        f"{300 - e * kelvin_per_mev:.6f} 10 500 300.0 300.1 {k} 7" for k, e in enumerate((0, 5))
    ]
    text = f"""#F bl.spec
#E 1
#O0 tth  th  chi  phi  mu  gam  agaph  agapv
#H0  T_sample
#H1  a03_H  a03_K  a03_L
#H2  a06_H  a06_K  a06_L

#S 4  ascan tmono 300 299.9 1 10
#G1 10 10 10 90 90 90
#P0 17 8 1 2 -0.17 0 40 60
#V0 295
#V1 0.9582 0.9539 0.9937
#V2 1.1 1.1 1.1
#N 7
#L {"  ".join(labels)}
{rows[0]}
{rows[1]}
"""
    file = read_scans(written(tmp_path, text))
    (found,) = file.scans
    assert file.profile == "bl43lxu"
    assert [a.name for a in found.analyzers] == ["a03", "a06"]
    assert found.analyzers[0].q_hkl == (0.9582, 0.9539, 0.9937)
    np.testing.assert_allclose(found.energy_mev[0], [0, 5], atol=2e-3)
    np.testing.assert_allclose(
        found.energy_mev[1] - found.energy_mev[0], 0.1 / kelvin_per_mev, rtol=1e-3
    )
    assert found.slits_mm == (40, 60)
    assert found.temperature_k == 295
    assert found.angles["mu"] == -0.17
    assert found.complete


def test_id28_thermistors(tmp_path: Path) -> None:
    """Equal resistances mean equal temperatures, hence E = 0; less resistance is hotter."""
    labels = ("prem_ad5", "prem_ad6", "ione", "deta1")
    text = f"""#F id28
#E 1

#S 3  monot 1 2 3
#N 4
#L {"  ".join(labels)}
10000 10000 500 3
10000 9990 500 4
"""
    profile = with_overrides(
        load_profile("id28"), {"temperature_analyzer": {"deta1": "prem_ad6"}, "order": 9}
    )
    (found,) = read_scans(written(tmp_path, text), profile).scans
    assert found.energy_mev[0, 0] == pytest.approx(0, abs=1e-9)
    assert found.energy_mev[0, 1] > 0
    assert found.seconds is None


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("ascan herixE -15 30 90 30", 91),
        ("a2scan th 1 2 tth 2 4 10 1", 11),
        ("dscan phi -1 1 20 0.5", 21),
        ("loopscan 10 1", None),
        ("mesh a 0 1 5 b 0 1 5 1", None),
        ("", None),
    ],
)
def test_requested_points(command: str, expected: int | None) -> None:
    assert requested_points(command) == expected


def test_selections(tmp_path: Path) -> None:
    text = HEADER + "".join(scan(energies(0, 1), number=n) for n in (1, 2, 3, 1))
    file = read_scans(written(tmp_path, text))
    assert [s.label for s in select_scans(file, "2-3, 1.2")] == ["2", "3", "1.2"]
    assert [s.label for s in select_scans(file, "1-2")] == ["1", "2", "1.2"]
    assert len(select_scans(file, None)) == 4
    for wrong, said in (
        ("9", "scan 9 is not among"),
        ("2-5", "scan 4, 5 is not among"),
        ("1.3", r"scan 1\.3 is not"),
        ("", "no scan is selected"),
        ("x", "cannot be read"),
        ("3-2", "backwards"),
    ):
        with pytest.raises(InputError, match=said):
            select_scans(file, wrong)
