"""What may be claimed of the density between two atoms, and what not.

Density between two sites has three sources: atoms that are there, the tails of the atoms on the
sites, and what the method makes of noise and of the constraint on χ². A channel is claimed only
where the reconstruction exceeds the reconstruction of a crystal in which nothing hops, by more
than twice the combined error.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from ixs_core.report_parts import with_error
from mem.profile import Profile
from mem.uncertainty import Bootstrap, NullProfile

CRITERION = 2.0
"""Combined errors by which the null is to be exceeded."""


@dataclass(frozen=True)
class ChannelClaim:
    """One point of a path, judged; all densities relative to the path's highest.

    Parameters
    ----------
    distance_angstrom : float
        Of the point, along the path.
    ratio, sigma : float
        The reconstruction of the data, and its standard uncertainty from resampled noise.
    null, null_sigma : float
        The reconstruction where nothing hops; null_sigma is NaN when it was not resampled.
    model : float
        The refined model's own density.
    bias : float
        null - model.
    error : float
        √(σ² + σ_null² + bias²), without σ_null where that is NaN.
    claimed : bool
        ratio > max(null, model) + 2 error.
    prior : str
        Of the reconstructions. Anything but "uniform" is a density of which much is known, and
        that lacks a channel if its model does: then what is there is shown only as far as χ²
        demands, no null tells how far, and `error` is too small.
    sentence : str
        All of this in words.
    """

    distance_angstrom: float
    ratio: float
    sigma: float
    null: float
    null_sigma: float
    model: float
    bias: float
    error: float
    claimed: bool
    prior: str
    sentence: str

    @property
    def threshold(self) -> float:
        """The ratio from which a channel would be claimed."""
        return max(self.null, self.model) + CRITERION * self.error


def error_band(measured: Bootstrap, null: NullProfile | None, relative: bool = False) -> FloatArray:
    """√(σ² + bias²) at every point of a path: noise, and the method's bias from the null.

    Parameters
    ----------
    measured : Bootstrap
    null : NullProfile or None
        On the same path; without it the band is σ alone.
    relative : bool
        Of the profile divided by its highest density; else in e/Å³.

    Raises
    ------
    InputError
        The paths differ.
    """
    profile = measured.relative() if relative else measured.profile
    if null is None:
        return profile.sigma
    _require_same_path(measured, null)
    return np.hypot(profile.sigma, null.relative_bias if relative else null.bias)


def channel_claim(
    measured: Bootstrap, null: NullProfile, at_angstrom: float | None = None, peak: str = "peak"
) -> ChannelClaim:
    """Judge the density at one point between the atoms of a path.

    Parameters
    ----------
    measured : Bootstrap
    null : NullProfile
        On the same path.
    at_angstrom : float, optional
        Where along the path. By default where the null is lowest between the path's ends: a
        place that the data have no part in, so that their noise does not choose it.
    peak : str
        What the highest density of the path is, for the sentence: "Cu peak".

    Raises
    ------
    InputError
        The paths differ, or the point is not on it.
    """
    _require_same_path(measured, null)
    index = _index(measured, null, at_angstrom)
    data, expected = measured.relative(), null.relative()
    model = float(null.model.normalised().density[index])
    ratio, sigma = float(data.density[index]), float(data.sigma[index])
    reference, spread = float(expected.density[index]), float(expected.sigma[index])
    bias = reference - model
    error = float(np.sqrt(sigma**2 + np.nan_to_num(spread) ** 2 + bias**2))
    claimed = ratio > max(reference, model) + CRITERION * error
    numbers = (float(data.distance[index]), ratio, sigma, reference, spread, model, bias, error)
    report = measured.density.report
    prior = "uniform" if report is None else report.prior
    draft = ChannelClaim(*numbers, claimed=claimed, prior=prior, sentence="")
    return replace(draft, sentence=_sentence(draft, null, peak))


def _sentence(claim: ChannelClaim, null: NullProfile, peak: str) -> str:
    model = "refined model" if null.anharmonic else "harmonic part of the refined model"
    facts = (
        f"{claim.distance_angstrom:.2f} Å along the path the density is "
        f"{with_error(claim.ratio, claim.sigma)} of the {peak}; where nothing hops, the same "
        f"reflections, errors and settings give {with_error(claim.null, claim.null_sigma)}, "
        f"and the {model} itself has {claim.model:.2g}."
    )
    excess = claim.ratio - max(claim.null, claim.model)
    if claim.claimed:
        verdict = (
            f"The excess of {with_error(excess, claim.error)}, with the bias of the method in its "
            f"error, is more than {CRITERION:g} errors: density between the sites beyond the tail "
            f"of the {model}'s thermal motion may be claimed. That it stems from atoms that hop "
            "is not shown by a time-averaged density."
        )
    else:
        verdict = (
            f"A channel would be claimed from {claim.threshold:.2g} on ({CRITERION:g} errors of "
            f"{claim.error:.2g}, noise and bias, above that): none may be claimed. Nor is its "
            "absence shown: whatever lies below this limit would not be seen."
        )
    if claim.prior == "uniform":
        return f"{facts} {verdict}"
    caution = (
        f"The prior ({claim.prior}) biases this towards itself by more than the errors say: where "
        "it has no channel, one is shown too weak or not at all."
    )
    return f"{facts} {verdict} {caution}"


def _index(measured: Bootstrap, null: NullProfile, at_angstrom: float | None) -> int:
    distance = measured.profile.distance
    if at_angstrom is not None:
        if not 0 <= at_angstrom <= distance[-1]:
            raise InputError(
                "the point is not on the path",
                key="at_angstrom",
                found=at_angstrom,
                expected=f"0 to {distance[-1]:.3f} Å",
            )
        return int(np.argmin(np.abs(distance - at_angstrom)))
    return lowest_between_ends(null.profile)


def lowest_between_ends(profile: Profile) -> int:
    """Index of the lowest point of a profile but its ends; the first of equal ones.

    Equal to a millionth: on a symmetric path rounding would choose between two otherwise.
    """
    inside = profile.density[1:-1]
    return 1 + int(np.flatnonzero(inside <= inside.min() * (1 + 1e-6))[0])


def _require_same_path(measured: Bootstrap, null: NullProfile) -> None:
    ours, theirs = measured.profile.points, null.profile.points
    if ours.shape != theirs.shape or np.abs(ours - theirs).max() > 1e-9:
        raise InputError(
            "the profiles to compare follow different paths",
            key="null",
            found=f"{len(theirs)} points from {theirs[0].tolist()} to {theirs[-1].tolist()}",
            expected=f"{len(ours)} points from {ours[0].tolist()} to {ours[-1].tolist()}",
        )
