"""S(|Q|, E) of a polycrystal: the average over all directions of Q."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial.transform import Rotation

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from ixs_core.jobs import CancelToken, Progress
from ixs_reduce.resolution import Resolution
from simulate.phonons.spectra import Linewidth, line_spectra

if TYPE_CHECKING:
    from simulate.phonons.model import PhononModel

_TURNS = 8
_GOLDEN_ANGLE = np.pi * (3 - np.sqrt(5))


@dataclass(frozen=True)
class PowderSpectra:
    """One-phonon S(|Q|, E) of a polycrystal.

    Parameters
    ----------
    q_abs : (nq,) array
        Å⁻¹.
    energy_mev : (n,) array
    intensity : (nq, n) array
        e²/meV per primitive cell, through the resolution.
    error : (nq, n) array
        Standard error of the average over directions.
    directions : int
        Directions taken for each |Q|.
    imaginary : (nq,) array
        Share of the modes met that are imaginary and give nothing.
    """

    q_abs: FloatArray
    energy_mev: FloatArray
    intensity: FloatArray
    error: FloatArray
    directions: int
    imaginary: FloatArray


def powder_average(
    model: PhononModel,
    q_abs: ArrayLike,
    energy_mev: ArrayLike,
    resolution: Resolution,
    temperature_k: float = 300.0,
    linewidth: Linewidth = 0.0,
    *,
    directions: int = 400,
    seed: int = 0,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
    **options: Any,
) -> PowderSpectra:
    """Average of S(Q,E) over directions, with its error.

    A set of directions that covers the sphere evenly is turned at random eight times; the
    scatter of the eight averages is the error of their mean. Near E = 0, where few directions
    pass by Bragg peaks, neither is reliable.

    Parameters
    ----------
    model : PhononModel
    q_abs : (nq,) array
        Å⁻¹, positive.
    energy_mev : (n,) array
    resolution : Resolution
    temperature_k, linewidth
        As for `simulate.phonons.spectra.line_spectra`.
    directions : int
        In all, for each |Q|.
    seed : int
    options
        As for `PhononModel.structure_factor`.

    Raises
    ------
    InputError
        |Q| that is not positive, or fewer than 16 directions.
    """
    lengths = np.atleast_1d(np.asarray(q_abs, dtype=float))
    if not (np.isfinite(lengths).all() and (lengths > 0).all()):
        raise InputError("|Q| is not positive", key="q_abs", found=lengths.tolist())
    if directions < 2 * _TURNS:
        raise InputError(
            "too few directions", key="directions", found=directions, expected="16 or more"
        )
    options["debye_waller"] = model.choose_debye_waller(
        options.get("debye_waller", "phonon"), temperature_k
    )
    cancel = cancel or CancelToken()
    energy = np.asarray(energy_mev, dtype=float)
    even = fibonacci_directions(directions // _TURNS)
    to_hkl = model.lattice.hkl
    mean, error = np.empty((lengths.size, energy.size)), np.empty((lengths.size, energy.size))
    imaginary = np.empty(lengths.size)
    # Normal quaternions are rotations drawn evenly from all.
    turns = Rotation.from_quat(np.random.default_rng(seed).normal(size=(_TURNS * lengths.size, 4)))
    for i, length in enumerate(lengths):
        averages, bad = [], 0.0
        for turn in turns[_TURNS * i : _TURNS * (i + 1)]:
            cancel.check()
            lines = model.structure_factor(
                to_hkl(length * turn.apply(even)), temperature_k, **options
            )
            averages.append(line_spectra(lines, energy, resolution, linewidth).mean(axis=0))
            bad += lines.imaginary.mean() / _TURNS
        mean[i] = np.mean(averages, axis=0)
        error[i] = np.std(averages, axis=0, ddof=1) / np.sqrt(_TURNS)
        imaginary[i] = bad
        if progress is not None:
            progress(i + 1, lengths.size, f"{length:.2f} Å⁻¹")
    return PowderSpectra(lengths, energy, mean, error, _TURNS * len(even), imaginary)


def fibonacci_directions(count: int) -> FloatArray:
    """(count, 3) unit vectors that cover the sphere evenly.

    Points of a Fibonacci lattice: R. Swinbank & R. J. Purser, Q. J. R. Meteorol. Soc. 132,
    1769 (2006).
    """
    step = np.arange(count)
    z = (2 * step + 1) / count - 1
    radius = np.sqrt(1 - z**2)
    turn = _GOLDEN_ANGLE * step
    return np.stack([radius * np.cos(turn), radius * np.sin(turn), z], axis=1)
