"""What is kept of a reconstruction: numbers, sections and profiles, ready to be drawn."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ixs_core.arrays import FloatArray, IntArray
from mem.profile import Profile
from mem.section import Section


@dataclass(frozen=True)
class DrawnSection:
    """A section of a density with the refined sites near it.

    Parameters
    ----------
    section : Section
    sites : tuple of (label, u, v)
        Å along the axes of the section.
    """

    section: Section
    sites: tuple[tuple[str, float, float], ...] = ()


@dataclass(frozen=True)
class PathResult:
    """ρ along a path with its uncertainty and what it looks like when nothing hops.

    Parameters
    ----------
    kind : str
        Name of the path without lengths, alike in a series: "Cu1–Cu1 along a".
    name : str
        "Cu1–Cu1 3.16 Å along a".
    profile : Profile
        ρ and, after a bootstrap, σ in e/Å³.
    peak : float
        e/Å³ that the profile is relative to.
    peak_label : str
        Whose peak: "Cu1".
    null : (n,) array or None
        ρ from structure factors of the refined model, same hkl, σ and settings.
    null_peak : float
        What the null profile is relative to.
    model : (n,) array or None
        The refined model's own density, relative to `model_peak`.
    model_peak : float
    band : (n,) array or None
        Uncertainty in e/Å³ with the method's bias.
    claim : str
        What may and may not be claimed, as a sentence; empty when nothing can be said.
    middle : mapping
        Numbers at the lowest point of the profile between its ends: "distance_angstrom",
        "ratio", "sigma", "bias", "null", "model", "claimed".
    notes : tuple of str
        Samples that were left out, and the like.
    """

    kind: str
    name: str
    profile: Profile
    peak: float
    peak_label: str
    null: FloatArray | None = None
    null_peak: float = 1.0
    model: FloatArray | None = None
    model_peak: float = 1.0
    band: FloatArray | None = None
    claim: str = ""
    middle: Mapping[str, float | bool | None] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def ratio(self) -> FloatArray:
        """(n,) profile relative to the peak."""
        return np.asarray(self.profile.density / self.peak, dtype=float)


@dataclass(frozen=True)
class SiteResult:
    """A refined site and the maximum of the density that belongs to it.

    Parameters
    ----------
    label, element : str
    position : (3,) array
        Fractional, of the maximum.
    density : float
        e/Å³ at the maximum.
    distance_angstrom : float
        From the refined site.
    model_distance_angstrom : float
        From the maximum of the refined model's own density, which a skewed vibration moves away
        from the site.
    electrons : float or None
        In the Bader basin of the maximum.
    charge_refined : float
        Electrons of the atom (with its occupancy), to compare with.
    """

    label: str
    element: str
    position: FloatArray
    density: float
    distance_angstrom: float
    model_distance_angstrom: float
    electrons: float | None
    charge_refined: float


@dataclass(frozen=True)
class DensityResult:
    """A reconstruction as it is stored, tabulated and drawn.

    Parameters
    ----------
    name : str
        Of the file without its ending ("300K").
    temperature_k : float or None
    statistics : mapping
        chi2, r_factor, wr_factor, entropy, iterations, seconds, grid, solver, prior, weighting,
        target, converged, reflections, d_min_angstrom, moments (as text), r_model, …
    sites : tuple of SiteResult
    sections : tuple of DrawnSection
    paths : tuple of PathResult
    hkl : (n, 3) int array
    f_observed, sigma, residual : (n,) arrays
        |F_o| and σ in electrons, (|F| - |F_o|)/σ.
    d_spacing : (n,) array
        Å.
    notes : tuple of str
    """

    name: str
    temperature_k: float | None
    statistics: Mapping[str, Any]
    sites: tuple[SiteResult, ...]
    sections: tuple[DrawnSection, ...]
    paths: tuple[PathResult, ...]
    hkl: IntArray
    f_observed: FloatArray
    sigma: FloatArray
    residual: FloatArray
    d_spacing: FloatArray
    notes: tuple[str, ...] = ()

    @property
    def heading(self) -> str:
        """Name of the data, with the temperature where the name does not say one itself."""
        if self.temperature_k is None or re.search(r"\d ?K(?![a-z])", self.name):
            return self.name
        return f"{self.name} ({self.temperature_k:g} K)"
