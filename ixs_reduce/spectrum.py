"""A spectrum: the counts and exposure of one analyzer, ready to be fitted."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from ixs_core.arrays import BoolArray, FloatArray
from ixs_core.errors import InputError
from ixs_reduce.scan import Flag


@dataclass(frozen=True)
class Spectrum:
    """Counts of one analyzer against energy transfer.

    Parameters
    ----------
    energy_mev : (n,) array
        Energy transfer as the file gives it, E > 0 = energy loss, ascending.
        The true energy is this minus the zero.
    counts : (n,) array
        Raw counts (summed over repeats), zero counts included.
    exposure : (n,) array
        Monitor counts (or live seconds) × analyzer efficiency × live fraction; expected
        counts are exposure × model.
    q_hkl, dq_hkl : three floats, optional
        Momentum transfer and accepted full width, conventional r.l.u.
    q_abs : float, optional
        |Q| in Å⁻¹ including 2π.
    temperature_k : float, optional
        Sample temperature.
    analyzer, scan, file : str, optional
        Name of the analyzer, label of the scan ("61", merged "58+59"), name of the file.
    zero_mev, zero_err : float, optional
        The energy zero as found or given, and its standard error. With a standard error of
        0.3 meV or more it is a first guess, which the zero finder makes precise.
    background_rate : (n,) array, optional
        Counts per exposure expected from a measured background, transmission included;
        a fixed-shape term of the model, never subtracted from counts.
    flags : tuple of Flag

    Raises
    ------
    InputError
        When lengths differ, or numbers are NaN, negative or not counts.
    """

    energy_mev: FloatArray
    counts: FloatArray
    exposure: FloatArray
    q_hkl: tuple[float, float, float] | None = None
    q_abs: float | None = None
    temperature_k: float | None = None
    analyzer: str | None = None
    scan: str | None = None
    file: str | None = None
    dq_hkl: tuple[float, float, float] | None = None
    zero_mev: float | None = None
    zero_err: float | None = None
    background_rate: FloatArray | None = None
    flags: tuple[Flag, ...] = ()

    def __post_init__(self) -> None:
        energy = _column(self.energy_mev, "energy_mev")
        order = np.argsort(energy, kind="stable")
        for name in ("energy_mev", "counts", "exposure", "background_rate"):
            given = getattr(self, name)
            if given is None:
                continue
            values = _column(given, name)
            if values.shape != energy.shape:
                raise InputError(
                    f"{name} has another length than energy_mev",
                    key=name,
                    found=values.size,
                    expected=energy.size,
                )
            if name != "energy_mev" and (values < 0).any():
                raise InputError(f"{name} is negative", key=name, found=values.min())
            values = values[order]
            values.setflags(write=False)
            object.__setattr__(self, name, values)

    @property
    def label(self) -> str:
        """Scan and analyzer as shown to the user."""
        return " ".join(part for part in (self.scan, self.analyzer) if part) or "spectrum"

    def selected(self, keep: BoolArray) -> Spectrum:
        """The spectrum of the points where the (n,) mask `keep` is true."""
        rate = self.background_rate
        return replace(
            self,
            energy_mev=self.energy_mev[keep],
            counts=self.counts[keep],
            exposure=self.exposure[keep],
            background_rate=None if rate is None else rate[keep],
        )

    def with_flags(self, flags: tuple[Flag, ...]) -> Spectrum:
        """The same spectrum with further flags."""
        return replace(self, flags=self.flags + flags)

    @property
    def sha256(self) -> str:
        """Digest of the numbers that a fit sees, so that a saved fit knows its data."""
        digest = hashlib.sha256()
        for values in (self.energy_mev, self.counts, self.exposure, self.background_rate):
            if values is not None:
                digest.update(np.ascontiguousarray(values, "<f8").tobytes())
        return digest.hexdigest()


def _column(values: ArrayLike, name: str) -> FloatArray:
    column = np.array(values, dtype=float)
    if column.ndim != 1:
        raise InputError(f"{name} is not a column", key=name, found=f"shape {column.shape}")
    bad = np.flatnonzero(~np.isfinite(column))
    if bad.size:
        raise InputError(
            f"{name} holds {bad.size} values that are not finite",
            key=name,
            found=f"{column[bad[0]]} at point {bad[0]}",
        )
    return column
