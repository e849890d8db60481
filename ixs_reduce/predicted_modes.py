"""Modes that a calculation predicts at a spectrum's own Q, in the measurement's terms."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ixs_core.arrays import FloatArray, IntArray
from ixs_core.errors import InputError
from ixs_reduce.spectrum import Spectrum

SpectrumKey = tuple[str, str, str]
"""File, scan and analyzer of a spectrum."""


@dataclass(frozen=True)
class PredictedModes:
    """What a calculation expects in one spectrum.

    Parameters
    ----------
    file, scan, analyzer : str
        Of the spectrum, as `Spectrum` names them.
    q_hkl : (3,) array
        r.l.u.
    temperature_k : float
    energy_mev : (n,) array
        Real modes only, ascending, > 0.
    intensity : (n,) array
        I_s in e² per primitive cell, without the Bose factor: proportional to `amplitude`.
    branch : (n,) int array
        1-based, acoustic first.
    group : (n,) int array
        Modes with the same number are degenerate.
    fwhm_mev : (n,) array
        Predicted linewidth; NaN where the calculation knows none.
    spread_mev : (n,) array
        Standard deviation of the energy over the analyzer's acceptance; 0 when not averaged.
    imaginary : int
        How many modes at this Q are imaginary and left out.
    source : str
        The calculation, for people ("phonopy_params_eff300K.yaml.xz, 300 K").

    Raises
    ------
    InputError
        When the columns differ in length, energies are not positive and ascending, or another
        number is not what it says.
    """

    file: str
    scan: str
    analyzer: str
    q_hkl: FloatArray
    temperature_k: float
    energy_mev: FloatArray
    intensity: FloatArray
    branch: IntArray
    group: IntArray
    fwhm_mev: FloatArray
    spread_mev: FloatArray
    imaginary: int = 0
    source: str = ""
    notes: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        for name, kind in _COLUMNS.items():
            column: NDArray[Any] = np.array(getattr(self, name), dtype=kind)
            if column.ndim != 1 or column.size != np.size(self.energy_mev):
                raise _not_a_prediction(self, name, f"shape {column.shape}", "one for each mode")
            column.setflags(write=False)
            object.__setattr__(self, name, column)
        object.__setattr__(self, "q_hkl", np.array(self.q_hkl, dtype=float))
        energy = self.energy_mev
        rules = {
            "q_hkl": self.q_hkl.shape == (3,) and bool(np.isfinite(self.q_hkl).all()),
            "temperature_k": bool(0 < self.temperature_k < np.inf),
            "energy_mev": bool((np.diff(energy, prepend=0.0) >= 0).all() and _finite(energy))
            and not bool((energy <= 0).any()),
            "intensity": _finite(self.intensity) and bool((self.intensity >= 0).all()),
            "branch": bool((self.branch >= 1).all()),
            "fwhm_mev": not bool(((self.fwhm_mev < 0) | np.isinf(self.fwhm_mev)).any()),
            "spread_mev": _finite(self.spread_mev) and bool((self.spread_mev >= 0).all()),
        }
        for name, holds in rules.items():
            if not holds:
                raise _not_a_prediction(self, name, getattr(self, name), _EXPECTED[name])

    @property
    def n_modes(self) -> int:
        """Number of real modes."""
        return int(np.size(self.energy_mev))

    @property
    def key(self) -> SpectrumKey:
        """File, scan and analyzer, by which a spectrum finds its prediction."""
        return self.file, self.scan, self.analyzer


def spectrum_key(spectrum: Spectrum) -> SpectrumKey:
    """File, scan and analyzer of a spectrum; "" for what it does not say."""
    return spectrum.file or "", spectrum.scan or "", spectrum.analyzer or ""


_COLUMNS = {
    "energy_mev": float,
    "intensity": float,
    "branch": int,
    "group": int,
    "fwhm_mev": float,
    "spread_mev": float,
}
_EXPECTED = {
    "q_hkl": "three finite numbers",
    "temperature_k": "kelvin, > 0",
    "energy_mev": "positive energies, ascending",
    "intensity": "finite numbers, not negative",
    "branch": "numbers from 1",
    "fwhm_mev": "widths, or NaN where there is none",
    "spread_mev": "finite numbers, not negative",
}


def _finite(values: FloatArray) -> bool:
    return bool(np.isfinite(values).all())


def _not_a_prediction(modes: PredictedModes, name: str, found: object, expected: str) -> InputError:
    where = " ".join(part for part in (modes.scan, modes.analyzer) if part)
    return InputError(
        f"the predicted modes of {where or 'a spectrum'} are not usable",
        key=name,
        found=found,
        expected=expected,
    )
