"""A profile along a path with its uncertainty, its null, and what may be claimed of it."""

from __future__ import annotations

from typing import Any

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from ixs_core.jobs import CancelToken, Progress
from mem.analysis_options import AnalysisOptions, reconstruction_settings
from mem.channel import ChannelClaim, channel_claim, error_band
from mem.density import Density
from mem.density_result import PathResult
from mem.path_choice import NamedPath
from mem.pathway import minimum_density_path
from mem.profile import Profile
from mem.reflections import Reflections
from mem.uncertainty import NullProfile, bootstrap, null_profile


def path_result(
    path: NamedPath,
    density: Density,
    reflections: Reflections,
    options: AnalysisOptions,
    *,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> PathResult:
    """The profile along a path, its uncertainty, and the null profile, as far as asked for.

    Raises
    ------
    InputError
        From the path search, the bootstrap or the null reconstruction.
    """
    corners = followed_path(path, density) if options.follow else path.points
    settings = reconstruction_settings(options, reflections)
    measured = null = claim = None
    profile = density.profile(corners, options.points)
    shared: dict[str, Any] = {
        **{"path_points": options.points, "seed": options.seed},
        **{"progress": progress, "cancel": cancel},
    }
    if options.null and density.structure is not None:
        null = null_profile(reflections, corners, options.bootstrap, **shared, **settings)
    if options.bootstrap:
        start = density.multipliers
        measured = bootstrap(
            reflections, options.bootstrap, corners, start=start, **shared, **settings
        )
        profile = measured.profile
    label = path.labels[0] or "highest"
    if measured is not None and null is not None:
        claim = channel_claim(measured, null, peak=f"{label} peak")
    return PathResult(
        kind=path.kind,
        name=path.name,
        profile=profile,
        peak=float(profile.density.max()),
        peak_label=label,
        null=None if null is None else null.profile.density,
        null_peak=1.0 if null is None else float(null.profile.density.max()),
        model=None if null is None else null.model.density,
        model_peak=1.0 if null is None else float(null.model.density.max()),
        band=None if measured is None else error_band(measured, null),
        claim="" if claim is None else claim.sentence,
        middle=_middle(profile, null) if claim is None else _judged(claim),
    )


def followed_path(path: NamedPath, density: Density) -> FloatArray:
    """The densest way along a path, kept out of the basins of all elements but those at its ends.

    Raises
    ------
    InputError
        There is no structure to know the basins from, or no way round them.
    """
    structure = density.structure
    if structure is None:
        raise InputError("a path can only follow the density where a structure is known")
    ends = {site.element for site in structure.sites if site.label in path.labels}
    mask = tuple(element for element in structure.content if element not in ends)
    found = minimum_density_path(density, path.points[0], path.points[-1], mask=mask)
    return found.points


def _judged(claim: ChannelClaim) -> dict[str, float | bool | None]:
    return {
        "distance_angstrom": claim.distance_angstrom,
        "ratio": claim.ratio,
        "sigma": claim.sigma,
        "bias": claim.bias,
        "null": claim.null,
        "model": claim.model,
        "claimed": claim.claimed,
    }


def _middle(profile: Profile, null: NullProfile | None) -> dict[str, float | bool | None]:
    """Numbers at the lowest point between the ends, where no error is known to judge them by."""
    judged = profile if null is None else null.profile
    index = 1 + int(np.argmin(judged.density[1:-1]))
    numbers: dict[str, float | bool | None] = {
        "distance_angstrom": float(profile.distance[index]),
        "ratio": float(profile.normalised().density[index]),
        **dict.fromkeys(("sigma", "bias", "null", "model", "claimed")),
    }
    if null is not None:
        numbers["null"] = float(null.profile.normalised().density[index])
        numbers["model"] = float(null.model.normalised().density[index])
        numbers["bias"] = float(null.relative_bias[index])
    return numbers
