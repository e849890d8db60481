"""The table of modes: the columns that scripts rely on, and how missing numbers look."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ixs_core.errors import InputError
from ixs_reduce.export import flag_codes, json_of, mode_rows, write_csv
from ixs_reduce.fitting import SpectrumFit
from tests.ixs_reduce.small_fits import decorated, small_fit, small_spectrum

DESIGNED = (
    "scan, analyzer, h, k, l, q_abs, temperature_k, mode, branch, energy_mev, energy_err, "
    "fwhm_mev, fwhm_err, fwhm_upper, amplitude, amplitude_err, overdamped, zero_mev, zero_err, "
    "deviance, dof, flags"
)


def held_at_zero_width() -> SpectrumFit:
    """A fit whose second mode has width 0, at the bound."""
    fit = decorated(small_fit())
    names = list(fit.parameter_names)
    parameters = fit.parameters.copy()
    parameters[names.index("mode2_fwhm")] = 0.0
    return replace(fit, parameters=parameters, held=("mode2_fwhm",))


def test_csv_has_the_designed_columns_and_empty_cells(tmp_path: Path) -> None:
    fit = held_at_zero_width()
    path = tmp_path / "out.csv"
    write_csv(path, mode_rows([fit]))
    header = path.read_text().splitlines()[0]
    assert header == DESIGNED.replace(" ", "") + ",file"
    with path.open(newline="") as stream:
        one, two = csv.DictReader(stream)
    assert (one["scan"], one["analyzer"], one["file"]) == ("61", "a", "run.spec")
    assert [one["mode"], two["mode"]] == ["1", "2"]
    assert [one["branch"], two["branch"]] == ["TA + LA", "TO₁"]
    assert (float(one["h"]), float(one["k"]), float(one["l"])) == (0.1, 1 / 3, -2.0)
    assert float(one["energy_mev"]) == fit.modes[0].energy.value  # all digits
    assert float(one["energy_err"]) == fit.modes[0].energy.stderr
    assert float(one["temperature_k"]) == 300.0  # what the fit used
    assert (two["fwhm_mev"], two["fwhm_err"], two["fwhm_upper"]) == ("0.0", "", "0.4321")
    assert one["fwhm_upper"] == ""  # an infinite limit is none
    assert one["overdamped"] == "false"
    assert int(one["dof"]) == fit.dof
    assert float(one["zero_mev"]) == fit.zero.value


def test_flags_are_codes_of_scan_analyzer_and_fit() -> None:
    fit = held_at_zero_width()
    spectrum = replace(fit.spectrum, analyzer="other")
    assert flag_codes(fit) == (
        "aborted",
        "burst",
        "at-bound",
        "warning",
        "remark",
        "possible-split",
    )
    assert "burst" not in flag_codes(replace(fit, spectrum=spectrum))
    assert "not-converged" in flag_codes(replace(fit, converged=False))
    (row, _) = mode_rows([fit])
    assert row["flags"] == "aborted;burst;at-bound;warning;remark;possible-split"


def test_unknown_q_is_missing_and_json_holds_null(tmp_path: Path) -> None:
    spectrum = replace(small_spectrum(), q_hkl=None, q_abs=None)
    rows = mode_rows([small_fit(spectrum, starts=1)])
    (first, _) = json.loads(json_of(rows))
    assert first["h"] is None
    assert first["q_abs"] is None
    assert first["overdamped"] is False
    write_csv(tmp_path / "a.csv", rows)
    with (tmp_path / "a.csv").open(newline="") as stream:
        assert next(csv.DictReader(stream))["q_abs"] == ""


def test_overdamped_is_width_above_twice_the_energy() -> None:
    fit = small_fit(starts=1)
    parameters = fit.parameters.copy()
    parameters[:2] = 3.0, 6.1
    (first, second) = mode_rows([replace(fit, parameters=parameters)])
    assert first["overdamped"] is True
    assert second["overdamped"] is False


def test_no_modes_give_a_header_only(tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv", mode_rows([]))
    assert (tmp_path / "a.csv").read_text() == DESIGNED.replace(" ", "") + ",file\n"


def test_failed_write_leaves_the_old_table(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("old")
    with pytest.raises(KeyError):
        write_csv(path, [{"scan": "61"}])
    assert path.read_text() == "old"
    with pytest.raises(InputError, match="folder does not exist"):
        write_csv(tmp_path / "no" / "a.csv", [])


def test_numbers_in_rows_are_finite() -> None:
    for row in mode_rows([held_at_zero_width()]):
        numbers = [value for value in row.values() if isinstance(value, float)]
        assert np.isfinite(numbers).all()
