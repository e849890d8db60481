"""Rival energy zeros of a spectrum, told apart by the lines that a calculation predicts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ixs_reduce.mode_merging import effective_modes
from ixs_reduce.predicted_modes import PredictedModes
from ixs_reduce.prediction_overview import overview
from ixs_reduce.spectrum_model import SpectrumModel
from ixs_reduce.zero_finder import ZeroProfile

_RIVAL = 40.0  # of the score; zeros worse than this are out of the question anyway
_APART_MEV = 0.7  # trial zeros closer than this belong to the same rival
_ENERGY_SCALES = (0.94, 0.96, 0.98, 1.0, 1.02, 1.04, 1.06)


def judged_by_prediction(profile: ZeroProfile, predicted: PredictedModes) -> ZeroProfile:
    """The profile with rival zeros made worse by what the predicted lines leave there.

    The zero finder needs no prediction; where it leaves several zeros open, the pattern of
    the lines, whose energies may all be some per cent off, speaks for one of them. The
    profile of a spectrum without rivals comes back as it is.
    """
    rivals = _rivals(profile)
    if len(rivals) < 2:
        return profile
    model = SpectrumModel(profile.resolution, profile.temperature_k, modes=0)
    modes = effective_modes(predicted, profile.resolution)
    points = profile.spectrum.counts.size
    misfit = []
    for zero in rivals:
        spectrum = replace(profile.spectrum, zero_mev=zero)
        chi2 = min(overview(spectrum, model, modes, scale).chi2 for scale in _ENERGY_SCALES)
        # As in the finder: misfit beyond the number of points counts by its logarithm only.
        misfit.append(points * float(np.log1p(chi2 / points)))
    nearest = np.argmin(np.abs(profile.trial_mev[:, None] - rivals), axis=1)
    return replace(profile, score=profile.score + (np.array(misfit) - min(misfit))[nearest])


def _rivals(profile: ZeroProfile) -> list[float]:
    """Trial zeros that the profile leaves open, best first, one of each valley."""
    chosen: list[float] = []
    for place in np.argsort(profile.score, kind="stable").tolist():
        if profile.score[place] > profile.score.min() + _RIVAL:
            break
        trial = float(profile.trial_mev[place])
        if all(abs(trial - other) >= _APART_MEV for other in chosen):
            chosen.append(trial)
    return chosen
