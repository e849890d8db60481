"""What a user should know before trusting a plan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ixs_core.arrays import BoolArray, FloatArray
from simulate.planning.expected_counts import Beamtime

if TYPE_CHECKING:
    from simulate.planning.conditions import Conditions
    from simulate.planning.plan import PlannedSetting, PlannedTarget
    from simulate.planning.settings import Evaluated

# Closer than this (Å⁻¹) to a Bragg peak, its tail and diffuse scattering lie on the spectrum.
NEAR_BRAGG = 0.08

# Where Debye-Waller factors take more than this, its own error matters.
_LOST = 0.6


def target_warnings(
    beamtime: Beamtime, settings: Sequence[PlannedSetting], evaluated: Evaluated
) -> list[str]:
    """Imaginary modes, Bragg peaks nearby, large Debye-Waller losses, windows too wide."""
    found: list[str] = []
    imaginary = max((s.predicted.imaginary for s in evaluated.spectra.values()), default=0)
    if imaginary:
        found.append(
            f"up to {imaginary} modes at a Q are imaginary and scatter nothing in the calculation"
        )
    measured = [(setting.rank, target) for setting in settings for target in setting.assigned]
    if not measured:
        return found
    hkl = np.array([target.hkl for _, target in measured])
    near = beamtime.bragg_distance(hkl) < NEAR_BRAGG
    if near.any():
        found.append(
            f"within {NEAR_BRAGG:g} Å⁻¹ of a Bragg peak, where elastic tail and thermal diffuse "
            f"scattering are rough guesses: {_named(measured, near)}"
        )
    resolution = beamtime.conditions.resolution
    wide = [target.fwhm_mev > resolution(target.analyzer).fwhm_mev for _, target in measured]
    if any(wide):
        found.append(
            "lines wider than R, by acceptance or by merged branches (narrower slits may help): "
            f"{_named(measured, wide)}"
        )
    lost = _lost(beamtime, hkl)
    if (lost > _LOST).any():
        found.append(
            f"Debye-Waller factors take {100 * _LOST:.0f} to {100 * lost.max():.0f} % of the "
            f"intensity, their errors matter: {_named(measured, lost > _LOST)}"
        )
    return found


def assumptions(beamtime: Beamtime) -> list[str]:
    """What every number of the plan rests on."""
    conditions = beamtime.conditions
    calibration = conditions.calibration
    return [
        f"rates: {calibration.source}; hours may be off by a factor of "
        f"{calibration.uncertain:.2g}, their ranks hardly",
        f"{_widths(conditions)}, elastic line "
        f"{conditions.elastic_e2:.3g} e² per cell, background {conditions.background_per_s:.2g} /s",
        *conditions.notes,
        *beamtime.notes,
    ]


def _widths(conditions: Conditions) -> str:
    if conditions.linewidth is None:
        return f"all modes are given a natural width of {conditions.fwhm_mev:g} meV"
    return f"modes have natural widths of their own (typical {conditions.fwhm_mev:.2g} meV)"


def _named(measured: Sequence[tuple[int, PlannedTarget]], which: Sequence[bool] | BoolArray) -> str:
    """ "setting 2 a05, a06; setting 7 a31" """
    by_setting: dict[int, list[str]] = {}
    for (rank, target), concerned in zip(measured, which, strict=True):
        if concerned and target.analyzer not in by_setting.setdefault(rank, []):
            by_setting[rank].append(target.analyzer)
    return "; ".join(f"setting {rank} {', '.join(who)}" for rank, who in by_setting.items() if who)


def _lost(beamtime: Beamtime, hkl: FloatArray) -> FloatArray:
    """(n,) share of the intensity of all modes that Debye-Waller factors take."""
    if beamtime.without_debye_waller is None:
        return np.zeros(len(hkl))
    temperature = beamtime.conditions.temperature_k
    damped = beamtime.calculation.structure_factor(hkl, temperature).intensity.sum(axis=1)
    full = beamtime.without_debye_waller.structure_factor(hkl, temperature).intensity.sum(axis=1)
    return np.where(full > 0, 1 - damped / np.where(full > 0, full, 1.0), 0.0)
