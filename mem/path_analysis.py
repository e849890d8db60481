"""A profile along a path with its uncertainty, its null, and what may be claimed of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from ixs_core.jobs import CancelToken, Progress
from mem.analysis_options import AnalysisOptions, reconstruction_settings
from mem.channel import ChannelClaim, channel_claim, error_band, lowest_between_ends
from mem.density import Density
from mem.density_result import PathResult
from mem.path_choice import NamedPath
from mem.pathway import minimum_density_path
from mem.profile import Profile
from mem.reflections import Reflections
from mem.uncertainty import Bootstrap, NullProfile, bootstrap_paths, null_profiles

_AT_SITE = 0.5
"""Å along a path within which its highest point is the peak of the site at its end."""


def path_results(
    paths: Sequence[NamedPath],
    density: Density,
    reflections: Reflections,
    options: AnalysisOptions,
    *,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> tuple[PathResult, ...]:
    """Profiles along paths, their uncertainties, and their nulls, as far as asked for.

    Raises
    ------
    InputError
        From the path search, the bootstrap or the null reconstruction.
    Cancelled
    """
    if not paths:
        return ()
    corners = [followed_path(p, density) if options.follow else p.points for p in paths]
    shared: dict[str, Any] = {
        "path_points": options.points,
        "seed": options.seed,
        "cancel": cancel,
        **reconstruction_settings(options, reflections),
    }
    nulls: Sequence[NullProfile | None] = [None] * len(paths)
    measured: Sequence[Bootstrap | None] = [None] * len(paths)
    if options.bootstrap:
        measured = bootstrap_paths(
            reflections,
            options.bootstrap,
            corners,
            start=density.multipliers,
            progress=_part(progress, "resampled data"),
            **shared,
        )
    if options.null and density.structure is not None:
        nulls = null_profiles(
            reflections,
            corners,
            options.bootstrap,
            progress=_part(progress, "where nothing hops"),
            **shared,
        )
    return tuple(
        _path_result(path, density.profile(points, options.points), own, null)
        for path, points, own, null in zip(paths, corners, measured, nulls, strict=True)
    )


def _part(progress: Progress | None, text: str) -> Progress | None:
    """Progress that says what is being sampled."""
    if progress is None:
        return None
    return lambda done, total, _: progress(done, total, text)


def _path_result(
    path: NamedPath, profile: Profile, measured: Bootstrap | None, null: NullProfile | None
) -> PathResult:
    claim = None
    if measured is not None:
        profile = measured.profile
    label = _peak_label(path, profile)
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
        notes=(*(measured.notes if measured else ()), *(null.notes if null else ())),
    )


def _peak_label(path: NamedPath, profile: Profile) -> str:
    """Whose peak the highest point of the profile is: a site at an end, if it is near one."""
    highest = float(profile.distance[np.argmax(profile.density)])
    ends = ((highest, path.labels[0]), (float(profile.distance[-1]) - highest, path.labels[-1]))
    apart, label = min(ends, key=lambda end: end[0])
    return label if label and apart <= _AT_SITE else "highest"


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
    index = lowest_between_ends(profile if null is None else null.profile)
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
