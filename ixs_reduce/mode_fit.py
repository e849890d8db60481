"""Fitted modes: energy, width, amplitude and what follows from them, with errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.units import HBAR_MEV_PS
from ixs_reduce.line_poles import oscillator_area
from ixs_reduce.line_sets import SINGLE, Member, checked_members
from ixs_reduce.lineshape import thermal_energy
from ixs_reduce.spectrum_model import SpectrumModel

STRONGLY_DAMPED = 1.5
"""Width over energy beyond which a mode is described, and fitted, by W²/G."""


class Value(NamedTuple):
    """A fitted number: value, standard error, whether it ended on a bound.

    At a bound the standard error is NaN; such a width is an upper limit, which
    `ixs_reduce.profile.upper_limit` gives.
    """

    value: float
    stderr: float
    at_bound: bool = False


class QuasielasticFit(NamedTuple):
    """The fitted quasi-elastic line: area per unit exposure and FWHM, both in meV.

    Asked for a single number, like the elastic line, it gives its area.
    """

    amplitude: Value
    fwhm: Value

    @property
    def value(self) -> float:
        return self.amplitude.value

    @property
    def stderr(self) -> float:
        return self.amplitude.stderr

    @property
    def at_bound(self) -> bool:
        return self.amplitude.at_bound


class BackgroundFit(NamedTuple):
    """The fitted background c0 + c1 E per unit exposure, E of the file in meV.

    A coefficient that the model does not have is 0 without error. Asked for a single number
    it gives c0, the level at E = 0.
    """

    c0: Value = Value(0.0, 0.0)
    c1: Value = Value(0.0, 0.0)

    @property
    def value(self) -> float:
        return self.c0.value

    @property
    def stderr(self) -> float:
        return self.c0.stderr

    @property
    def at_bound(self) -> bool:
        return self.c0.at_bound


@dataclass(frozen=True)
class ModeFit:
    """One fitted mode.

    energy : undamped energy W, meV.
    fwhm : full width G, meV.
    amplitude : A, per unit exposure.
    overdamping : W²/G, meV, which the spectrum of a strongly damped mode determines.
    center : √(W²-G²/4), meV; None when overdamped.
    lifetime_ps : ħ/G.
    integrated_intensity : ∫ S(E) dE, per unit exposure.
    branch : label given by a prediction ("4", unresolved ones "4+5"), "" without one. Of
        unresolved branches energy is their mean and fwhm the width of each.
    """

    energy: Value
    fwhm: Value
    amplitude: Value
    overdamping: Value
    center: Value | None
    lifetime_ps: Value
    integrated_intensity: Value
    branch: str = ""

    @property
    def strongly_damped(self) -> bool:
        """Whether G > 1.5 W, where the spectrum determines W²/G rather than W and G."""
        return self.fwhm.value > STRONGLY_DAMPED * self.energy.value

    @property
    def apparent_fwhm(self) -> float:
        """Width in meV that the eye sees: G, or twice the slow rate of an overdamped mode."""
        width, energy = self.fwhm.value, self.energy.value
        if not self.overdamped:
            return width
        # The slow root of γ² - Gγ + W² = 0, written so that nothing cancels.
        return 4 * energy**2 / (width + float(np.sqrt(width**2 - 4 * energy**2)))

    @property
    def overdamped(self) -> bool:
        """Whether G > 2W: no oscillation is left."""
        return self.fwhm.value > 2 * self.energy.value


def mode_fits(
    parameters: FloatArray,
    covariance: FloatArray,
    held: Sequence[str],
    model: SpectrumModel,
    branches: Sequence[str] = (),
) -> tuple[ModeFit, ...]:
    """The modes within a parameter vector (energy, fwhm, amplitude of each first)."""
    kt = thermal_energy(model.temperature_k)
    members = checked_members(model.members, model.n_modes) or (SINGLE,) * model.n_modes
    result = []
    for i in range(model.n_modes):
        block = slice(3 * i, 3 * i + 3)
        at_bound = [f"mode{i + 1}_{q}" in held for q in ("energy", "fwhm", "amplitude")]
        result.append(
            _mode_fit(
                parameters[block],
                covariance[block, block],
                at_bound,
                kt,
                members[i],
                branches[i] if i < len(branches) else "",
            )
        )
    return tuple(result)


def _mode_fit(
    values: FloatArray,
    covariance: FloatArray,
    at_bound: list[bool],
    kt: float,
    members: Sequence[Member],
    branch: str,
) -> ModeFit:
    energy, fwhm, amplitude = (float(v) for v in values)

    def derived(value: float, *gradient: float) -> Value:
        slope = np.array(gradient)
        bound = any(at_bound[k] and slope[k] != 0 for k in range(3))
        variance = float(slope @ covariance @ slope)
        return Value(value, float("nan") if bound else float(np.sqrt(max(variance, 0.0))), bound)

    center = None
    if fwhm < 2 * energy:
        damped = np.sqrt(energy**2 - fwhm**2 / 4)
        center = derived(float(damped), energy / damped, -fwhm / (4 * damped), 0.0)
    if fwhm > 0:
        ratio = energy**2 / fwhm
        overdamping = derived(ratio, 2 * energy / fwhm, -ratio / fwhm, 0.0)
        if at_bound[1] and not at_bound[0]:
            # G ended at its upper bound, as it may when only W²/G matters; that is still known.
            error = float(np.sqrt(max(covariance[0, 0], 0.0))) * 2 * energy / fwhm
            overdamping = Value(ratio, error)
        lifetime = HBAR_MEV_PS / fwhm
        life = derived(lifetime, 0.0, -lifetime / fwhm, 0.0)
    else:
        overdamping = life = Value(float("inf"), float("nan"), True)
    area, by_energy, by_fwhm = _area(energy, fwhm, kt, members)
    # The area depends on a narrow line's width only weakly: a bound there does not void it.
    slope = np.array([amplitude * by_energy, 0.0 if at_bound[1] else amplitude * by_fwhm, area])
    return ModeFit(
        energy=derived(energy, 1.0, 0.0, 0.0),
        fwhm=derived(fwhm, 0.0, 1.0, 0.0),
        amplitude=derived(amplitude, 0.0, 0.0, 1.0),
        overdamping=overdamping,
        center=center,
        lifetime_ps=life,
        integrated_intensity=derived(amplitude * area, *slope),
        branch=branch,
    )


def _area(
    energy: float, fwhm: float, kt: float, members: Sequence[Member]
) -> tuple[float, float, float]:
    """∫ S(E) dE of a mode of amplitude 1, its derivatives with energy and width."""
    own = [oscillator_area(energy * m.energy_ratio, fwhm * m.fwhm_ratio, kt) for m in members]
    return (
        sum(m.share * area for m, (area, _, _) in zip(members, own, strict=True)),
        sum(
            m.share * m.energy_ratio * slope for m, (_, slope, _) in zip(members, own, strict=True)
        ),
        sum(m.share * m.fwhm_ratio * slope for m, (_, _, slope) in zip(members, own, strict=True)),
    )
