"""What an analyzer of finite size sees: modes averaged over its window in Q."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from ixs_core.arrays import ComplexArray, FloatArray, IntArray
from ixs_core.errors import InputError
from ixs_reduce.spectrometer import AnalyzerTable
from simulate.phonons.branches import matched_modes
from simulate.phonons.modes import Modes, ModeStructureFactor
from simulate.phonons.structure_factor import CHUNK

if TYPE_CHECKING:
    from simulate.phonons.model import PhononModel

DEFAULT_ORDER = 3
"""Gauss-Legendre points along each side of the window."""


@dataclass(frozen=True)
class AcceptanceAverage:
    """Modes as windows in Q see them.

    Parameters
    ----------
    lines : ModeStructureFactor
        At the windows' centres; `energy_mev` is the mean over the window weighted with the
        intensity, `intensity` the mean I_s. Branches and groups are those of the centre, with
        the modes of every other point of the window assigned to them by their eigenvectors.
    spread_mev : (n, ns) array
        Standard deviation of the energy over the window, weighted with the intensity.
    """

    lines: ModeStructureFactor
    spread_mev: FloatArray


def average_over_analyzers(
    model: PhononModel,
    table: AnalyzerTable,
    temperature_k: float,
    *,
    order: int = DEFAULT_ORDER,
    **options: Any,
) -> AcceptanceAverage:
    """The modes that each analyzer of a setting sees.

    Parameters
    ----------
    model : PhononModel
    table : AnalyzerTable
        From `ixs_reduce.spectrometer.analyzer_q`, with the slits in place.
    temperature_k : float
    order : int
        Points along each side of the windows.
    options
        As for `PhononModel.structure_factor`.
    """
    return average_over_windows(
        model,
        table.hkl,
        table.dq_horizontal,
        table.dq_vertical,
        temperature_k,
        order=order,
        **options,
    )


def average_over_windows(
    model: PhononModel,
    q_hkl: ArrayLike,
    dq_horizontal: ArrayLike,
    dq_vertical: ArrayLike,
    temperature_k: float,
    *,
    order: int = DEFAULT_ORDER,
    **options: Any,
) -> AcceptanceAverage:
    """Modes averaged over rectangular windows Q + x dq_horizontal + y dq_vertical, |x|, |y| ≤ ½.

    By Gauss-Legendre quadrature in both directions.

    Parameters
    ----------
    model : PhononModel
    q_hkl, dq_horizontal, dq_vertical : (n, 3) arrays
        Centres and full widths of the windows, r.l.u.
    temperature_k : float
    order : int
        Points along each side.
    options
        As for `PhononModel.structure_factor`.

    Raises
    ------
    InputError
        The windows do not fit each other, or the order is not positive.
    """
    centre, across, up = (
        np.atleast_2d(np.asarray(a, dtype=float)) for a in (q_hkl, dq_horizontal, dq_vertical)
    )
    if not centre.shape == across.shape == up.shape:
        raise InputError(
            "centres and widths of the windows do not fit each other",
            found=f"shapes {centre.shape}, {across.shape}, {up.shape}",
        )
    # Made once: the displacements are the same for all windows.
    options["debye_waller"] = model.choose_debye_waller(
        options.get("debye_waller", "phonon"), temperature_k
    )
    direction = options.pop("direction", None)
    offsets, weights = window_points(order)
    middle = model.modes(centre, direction)
    lines = model.structure_factor_of(middle, temperature_k, **options)
    energy, intensity, spread = (np.empty_like(lines.energy_mev) for _ in range(3))
    for first in range(0, len(centre), max(1, CHUNK // len(weights))):
        windows = range(first, min(first + max(1, CHUNK // len(weights)), len(centre)))
        points = centre[windows, None] + offsets[:, :1] * across[windows, None]
        points = points + offsets[:, 1:] * up[windows, None]
        modes = model.modes(points.reshape(-1, 3), direction)
        seen = model.structure_factor_of(modes, temperature_k, **options)
        for place, i in enumerate(windows):
            part = slice(place * len(weights), (place + 1) * len(weights))
            own = _continuing(model, middle, i, points[place], modes.eigenvectors[part])
            energy[i], intensity[i], spread[i] = _weighted(
                np.take_along_axis(seen.energy_mev[part], own, axis=1),
                np.take_along_axis(seen.intensity[part], own, axis=1),
                weights,
                lines.energy_mev[i],
            )
    return AcceptanceAverage(replace(lines, energy_mev=energy, intensity=intensity), spread)


def _continuing(
    model: PhononModel, middle: Modes, i: int, points: FloatArray, eigenvectors: ComplexArray
) -> IntArray:
    """(m, ns) which of the modes at m points continues each mode at the i-th centre."""
    # Compared in the phases of the atoms' places, which depend on no choice of the cell.
    apart = model.force_constants.q_primitive(points - middle.q_hkl[i])
    phase = np.exp(-2j * np.pi * (apart @ model.force_constants.positions.T)).repeat(3, axis=1)
    return matched_modes(middle.eigenvectors[i], eigenvectors * phase[:, :, None])


def window_points(order: int) -> tuple[FloatArray, FloatArray]:
    """Places (order², 2) within a unit square centred at 0, and weights of sum 1."""
    if order < 1:
        raise InputError("not a number of points", key="order", found=order, expected="1 or more")
    place, weight = np.polynomial.legendre.leggauss(order)
    x, y = np.meshgrid(place / 2, place / 2, indexing="ij")
    return np.stack([x.ravel(), y.ravel()], axis=1), np.outer(weight, weight).ravel() / 4


def _weighted(
    energy: FloatArray, intensity: FloatArray, weights: FloatArray, otherwise: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Mean energy, mean intensity and spread (ns,) over points (m, ns) with weights (m,)."""
    share = weights[:, None] * intensity
    total = share.sum(axis=0)
    seen = total > 0
    safe = np.where(seen, total, 1.0)
    mean = (share * energy).sum(axis=0) / safe
    variance = (share * (energy - mean) ** 2).sum(axis=0) / safe
    return np.where(seen, mean, otherwise), total, np.sqrt(np.where(seen, variance, 0.0))
