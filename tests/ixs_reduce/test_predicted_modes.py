"""Predicted modes: what is refused, and which of them an analyzer sees as one line."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ixs_core.errors import InputError
from ixs_core.units import BOLTZMANN_MEV_K, FWHM_PER_SIGMA
from ixs_reduce import PredictedModes, Resolution, SpectrumModel
from ixs_reduce.mode_merging import (
    branch_text,
    effective_mode,
    effective_modes,
    fine_structure,
    own_width,
)

R = Resolution.from_components([("gaussian", 1.0, 0.0, 1.6)])


def predicted(energy: list[float], intensity: list[float] | None = None, **more: Any) -> Any:
    n = len(energy)
    columns: dict[str, Any] = {
        "energy_mev": energy,
        "intensity": intensity or [1.0] * n,
        "branch": range(1, n + 1),
        "group": range(n),
        "fwhm_mev": [np.nan] * n,
        "spread_mev": [0.0] * n,
    } | more
    return PredictedModes(
        file="run.spec",
        scan="61",
        analyzer="a1",
        q_hkl=np.array([1.0, 0.2, 0.0]),
        temperature_k=300.0,
        **{name: np.array(list(values)) for name, values in columns.items()},
    )


def labels(modes: PredictedModes, closest: float = 0.5) -> list[str]:
    return [mode.branch for mode in effective_modes(modes, R, closest)]


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("energy_mev", [5.0, 4.0]),
        ("energy_mev", [0.0, 4.0]),
        ("energy_mev", [1.0, np.nan]),
        ("intensity", [1.0, -1.0]),
        ("intensity", [1.0, 2.0, 3.0]),
        ("branch", [0, 1]),
        ("fwhm_mev", [0.1, -0.1]),
        ("fwhm_mev", [0.1, np.inf]),
        ("spread_mev", [0.1, np.nan]),
    ],
)
def test_columns_that_are_no_modes_are_named(column: str, values: list[float]) -> None:
    with pytest.raises(InputError, match=rf"{column}.*61 a1"):
        predicted([4.0, 5.0], **{column: values})


@pytest.mark.parametrize("change", [{"q_hkl": np.zeros(2)}, {"temperature_k": 0.0}])
def test_numbers_that_are_no_prediction_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        replace(predicted([4.0]), **change)


def test_modes_closer_than_half_the_fwhm_merge() -> None:
    assert labels(predicted([4.0, 4.79, 8.0])) == ["1+2", "3"]
    assert labels(predicted([4.0, 4.81, 8.0])) == ["1", "2", "3"]
    assert labels(predicted([4.0, 4.81, 8.0]), closest=0.6) == ["1+2", "3"]


def test_degenerate_modes_are_one_whatever_the_rule() -> None:
    assert labels(predicted([4.0, 4.0, 8.0], group=[0, 0, 1]), closest=0.0) == ["1+2", "3"]


def test_a_ladder_of_lines_does_not_become_a_single_one() -> None:
    """36 lines 0.4 meV apart stay many narrow lines, each branch once."""
    merged = effective_modes(predicted((4.0 + 0.4 * np.arange(36)).tolist()), R)
    energies = [mode.energy_mev for mode in merged]
    assert np.diff(energies).min() >= 0.8 - 1e-9
    assert np.diff(energies).max() < 1.6
    assert max(mode.fwhm_mev for mode in merged) < 1.0
    assert sorted(place for mode in merged for place in mode.members) == list(range(36))


def test_energy_is_weighted_by_what_is_seen() -> None:
    energy, intensity = np.array([1.0, 1.5]), np.array([2.0, 1.0])
    mode = effective_mode(predicted(energy.tolist(), intensity.tolist()), [0, 1])
    weight = intensity / (1 - np.exp(-energy / (BOLTZMANN_MEV_K * 300)))
    mean = (weight @ energy) / weight.sum()
    assert mode.energy_mev == pytest.approx(mean, rel=1e-12)
    spread = np.sqrt(weight @ (energy - mean) ** 2 / weight.sum())
    assert mode.fwhm_mev == pytest.approx(FWHM_PER_SIGMA * spread, rel=1e-12)
    assert mode.intensity == 3.0
    assert mode.branch == "1+2"


def test_lines_without_intensity_pull_nothing() -> None:
    mode = effective_mode(predicted([4.0, 4.5], [1.0, 0.0]), [0, 1])
    assert mode.energy_mev == 4.0
    assert effective_mode(predicted([4.0, 5.0], [0.0, 0.0]), [0, 1]).energy_mev == 4.5


def test_widths_of_calculation_and_acceptance_add() -> None:
    modes = predicted([4.0, 9.0], fwhm_mev=[0.3, np.nan], spread_mev=[0.4 / FWHM_PER_SIGMA, 0.0])
    first, second = effective_modes(modes, R)
    assert own_width(modes, first) == pytest.approx(0.5)
    assert own_width(modes, second) == 0.0


def test_fine_structure_rebuilds_the_lines_of_the_calculation() -> None:
    """A mode with members is the sum of single modes of the members' energies and shares."""
    modes = predicted([4.0, 4.3, 4.6], [3.0, 1.0, 2.0], fwhm_mev=[0.3, 0.6, 0.9])
    merged = effective_mode(modes, [0, 1, 2])
    energy = np.linspace(-10, 15, 101)
    model = SpectrumModel(R, 300.0, modes=1, members=[fine_structure(modes, merged)])
    rest = {"elastic": 0.0, "background_c0": 0.0, "background_c1": 0.0, "zero": 0.2}
    one = {"mode1_energy": merged.energy_mev, "mode1_amplitude": merged.intensity}
    found = model.evaluate(one | {"mode1_fwhm": own_width(modes, merged)} | rest, energy)
    three = {
        f"mode{i + 1}_{name}": value
        for i in range(3)
        for name, value in (
            ("energy", modes.energy_mev[i]),
            ("fwhm", modes.fwhm_mev[i]),
            ("amplitude", modes.intensity[i]),
        )
    }
    expected = SpectrumModel(R, 300.0, modes=3).evaluate(three | rest, energy)
    np.testing.assert_allclose(found, expected, rtol=1e-10)


@pytest.mark.parametrize(
    ("label", "short"),
    [
        ("4", "4"),
        ("4+5", "4+5"),
        ("4+5+6+9", "4–6+9"),
        ("1+2+3+4+8+9+10", "1–4+8–10"),
        ("TA + LA", "TA + LA"),
        ("", ""),
    ],
)
def test_labels_in_short(label: str, short: str) -> None:
    assert branch_text(label) == short
