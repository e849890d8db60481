"""Which measured rows count, and one intensity for every set of equivalent reflections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ixs_core.arrays import FloatArray, IntArray
from ixs_core.errors import InputError
from ixs_core.symmetry import Symmetry
from mem.reflection_symmetry import representatives, systematically_absent
from mem.wording import are

SIGNIFICANT = 3.0
"""I/σ from which a reflection is seen; the mean I/σ of reflections that must not be there is 0."""

_FEW = 5  # so many significant ones may be chance, multiple diffraction or half the wavelength
_STRONG, _STRONG_SHARE = 10.0, 0.1  # I/σ, and I over the mean of those that may be there
_SHOWN = 5


@dataclass(frozen=True)
class Merged:
    """One row for every set of equivalent reflections.

    Parameters
    ----------
    hkl : (n, 3) int array
        Unique representatives, Friedel's law included.
    intensity, sigma : (n,) arrays
    others : mapping
        Name -> (n,) array: other quantities of the rows, averaged with the same weights.
    rows : (n,) int array
        Measured rows of each.
    r_internal : float or None
        Σ|I - ⟨I⟩|/Σ|I| over the sets of two rows and more; None where there is none.
    """

    hkl: IntArray
    intensity: FloatArray
    sigma: FloatArray
    others: Mapping[str, FloatArray]
    rows: IntArray
    r_internal: float | None


def merge(
    symmetry: Symmetry,
    hkl: IntArray,
    intensity: FloatArray,
    sigma: FloatArray,
    others: Mapping[str, FloatArray],
) -> Merged:
    """Weighted means over symmetry-equivalent reflections and Friedel mates.

    The σ of a mean is the larger of [Σσ⁻²]^{-1/2} and, with more than one row, of what their
    scatter says, Σ|I - ⟨I⟩| / [m √(m-1)] (as SHELXL).

    Parameters
    ----------
    symmetry : Symmetry
    hkl : (m, 3) int array
    intensity, sigma : (m,) arrays
    others : mapping
        Name -> (m,) array.
    """
    unique, group = np.unique(representatives(symmetry, hkl).hkl, axis=0, return_inverse=True)
    group = group.reshape(-1)
    size = np.bincount(group)
    weight = 1 / sigma**2
    total = np.bincount(group, weight)

    def mean(values: FloatArray) -> FloatArray:
        return np.asarray(np.bincount(group, weight * values) / total)

    average = mean(intensity)
    deviation = np.abs(intensity - average[group])
    several = size > 1
    scatter = np.zeros(len(unique))
    m = size[several]
    scatter[several] = np.bincount(group, deviation)[several] / (m * np.sqrt(m - 1))
    repeated = several[group]
    norm = np.abs(intensity[repeated]).sum()
    return Merged(
        hkl=unique,
        intensity=average,
        sigma=np.maximum(1 / np.sqrt(total), scatter),
        others={name: mean(values) for name, values in others.items()},
        rows=size,
        r_internal=float(deviation[repeated].sum() / norm) if norm > 0 else None,
    )


def without_absent(
    symmetry: Symmetry,
    hkl: IntArray,
    intensity: FloatArray,
    sigma: FloatArray,
    notes: list[str],
    source: str = "",
) -> IntArray:
    """Indices of the rows that the space group allows; notes how many others there are.

    Raises
    ------
    InputError
        Forbidden reflections are seen: at least 5 of them above 3σ and a mean I/σ above 3; or
        two or more of them above 10σ and above a tenth of the mean intensity of allowed ones.
        Single ones may be multiple diffraction or half the wavelength, and are noted.
    """
    absent = systematically_absent(symmetry, hkl)
    if not np.any(absent):
        return np.arange(len(hkl))
    ratio = intensity[absent] / sigma[absent]
    typical = intensity[~absent].mean() if not np.all(absent) else 0.0
    seen = int(np.sum(ratio > SIGNIFICANT))
    strong = int(np.sum((ratio > _STRONG) & (intensity[absent] > _STRONG_SHARE * typical)))
    worst = np.flatnonzero(absent)[np.argsort(-ratio)[:_SHOWN]]
    if (seen >= _FEW and ratio.mean() > SIGNIFICANT) or strong > 1:
        raise InputError(
            f"wrong space group: it forbids {int(absent.sum())} of the measured reflections, of "
            f"which {seen} are above {SIGNIFICANT:g}σ",
            file=source or None,
            key=symmetry.name or "space group",
            found="; ".join(
                f"({hkl_words(hkl[i])}) with I/σ = {intensity[i] / sigma[i]:.1f}" for i in worst
            ),
            expected="no intensity there",
            hint="use the structure and the setting in which the reflections were indexed",
        )
    words = f"{are(int(absent.sum()))} left out because the space group forbids them"
    if seen:
        shown = worst[: min(seen, _SHOWN)]
        words += f", {seen} of them above {SIGNIFICANT:g}σ: {hkl_list(hkl[shown], seen)}"
    notes.append(words)
    return np.flatnonzero(~absent)


def hkl_words(hkl: IntArray) -> str:
    """ "3 -1 0"."""
    return " ".join(str(int(index)) for index in hkl)


def hkl_list(hkl: Sequence[IntArray] | IntArray, count: int | None = None) -> str:
    """ "(1 1 0), (2 0 0) and 12 more"; `count` of them in all."""
    shown = ", ".join(f"({hkl_words(index)})" for index in hkl[:_SHOWN])
    more = (len(hkl) if count is None else count) - min(len(hkl), _SHOWN)
    return shown + (f" and {more} more" if more > 0 else "")
