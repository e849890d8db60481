"""How many spectra are fitted, and what is said of those that are not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from ixs_core.errors import InputError
from ixs_reduce.likelihood import Objective
from ixs_reduce.mode_choice import PredictionOptions
from ixs_reduce.mode_search import ModeSearchOptions
from ixs_reduce.predicted_modes import PredictedModes
from ixs_reduce.resolution import Resolution
from ixs_reduce.spectrum import Spectrum
from ixs_reduce.spectrum_model import Background
from ixs_reduce.zero_finder import ZeroOptions

NOT_ASKED_FOR = "not asked for"
"""Reason of what `FitOptions.analyzers` leaves out."""

MASKED = "masked by the user"
"""Reason of what the project's masks leave out."""


@dataclass(frozen=True)
class FitOptions:
    """How spectra are fitted.

    modes : a number of modes, "auto" for the search with BIC, or "predicted" for those that a
        calculation predicts.
    analyzers : only these, dead ones included; None for all that live.
    temperature_k : used where a spectrum has none.
    elastic, quasielastic, background, objective, starts, seed : as for SpectrumModel and
        fit_spectrum.
    prediction : rules for "predicted".
    """

    modes: int | Literal["auto", "predicted"] = "auto"
    analyzers: tuple[str, ...] | None = None
    temperature_k: float | None = None
    elastic: bool = True
    quasielastic: bool = False
    background: Background = "linear"
    objective: Objective = "poisson"
    starts: int = 4
    seed: int = 0
    zeros: ZeroOptions = field(default_factory=ZeroOptions)
    search: ModeSearchOptions = field(default_factory=ModeSearchOptions)
    prediction: PredictionOptions = field(default_factory=PredictionOptions)


@dataclass(frozen=True)
class LeftOut:
    """A spectrum that was not fitted, and why."""

    spectrum: Spectrum
    reason: str


class Ready(NamedTuple):
    """A spectrum with what its fit needs: resolution, and the modes predicted for it, if any."""

    spectrum: Spectrum
    resolution: Resolution
    predicted: PredictedModes | None = None


def temperature_of(spectrum: Spectrum, options: FitOptions) -> float:
    """Sample temperature in K; InputError where neither spectrum nor options give one."""
    known = spectrum.temperature_k if spectrum.temperature_k is not None else options.temperature_k
    if known is None:
        raise InputError(f"{spectrum.label}: the sample temperature is not known")
    return known
