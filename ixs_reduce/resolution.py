"""The resolution function R(E) of an analyzer: shifted Gaussians and Lorentzians, or a table."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.interpolate import BSpline, make_interp_spline

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from ixs_core.units import FWHM_PER_SIGMA

# Crystal analyzers have tails; this share of the area describes them where nobody measured.
_LORENTZIAN_SHARE = 0.3


class Component(NamedTuple):
    """A Gaussian or Lorentzian of R: kind, share of the area, centre and FWHM in meV."""

    kind: Literal["gaussian", "lorentzian"]
    weight: float
    center_mev: float
    fwhm_mev: float

    def density(self, energy_mev: FloatArray) -> tuple[FloatArray, FloatArray]:
        """weight × the component of unit area at energies of any shape, and its derivative."""
        offset = energy_mev - self.center_mev
        if self.kind == "gaussian":
            sigma = self.fwhm_mev / FWHM_PER_SIGMA
            value = np.exp(-0.5 * (offset / sigma) ** 2) / (sigma * np.sqrt(2 * np.pi))
            value *= self.weight
            return value, -offset / sigma**2 * value
        half = self.fwhm_mev / 2
        inverse = 1 / (offset**2 + half**2)
        value = self.weight * half / np.pi * inverse
        return value, -2 * offset * inverse * value


@dataclass(frozen=True)
class Resolution:
    """Resolution function of unit area; make it with `from_components` or `from_table`.

    E = 0 of its axis is the energy zero that fits report. `from_components` and `from_table`
    leave the axis as given; `at_half_height` moves E = 0 to the midpoint at half height,
    which is where `ixs resolution` puts it.
    """

    components: tuple[Component, ...] = ()
    table_energy_mev: FloatArray | None = None
    table_intensity: FloatArray | None = None
    analyzer: str | None = None

    @classmethod
    def from_components(
        cls, components: Iterable[tuple[str, float, float, float]], analyzer: str | None = None
    ) -> Resolution:
        """R as a sum of components (kind, weight, center_mev, fwhm_mev).

        kind is "gaussian" or "lorentzian"; weights are areas and are normalised to sum 1.

        Raises
        ------
        InputError
            For an unknown kind, a negative weight, a width that is not positive, or no area.
        """
        parts = [_checked_component(i, part) for i, part in enumerate(components)]
        total = sum(part.weight for part in parts)
        if not total > 0:
            raise InputError("the resolution has no area", found=f"weights sum to {total}")
        scaled = tuple(part._replace(weight=part.weight / total) for part in parts)
        return cls(components=scaled, analyzer=analyzer)

    @classmethod
    def from_table(
        cls, energy_mev: ArrayLike, intensity: ArrayLike, analyzer: str | None = None
    ) -> Resolution:
        """R as measured: intensity at ascending energies (meV), zero outside, unit area made.

        Raises
        ------
        InputError
            For fewer than 8 points, energies that do not ascend, values that are not finite,
            or no area.
        """
        energy = np.array(energy_mev, dtype=float)
        values = np.array(intensity, dtype=float)
        if energy.ndim != 1 or energy.shape != values.shape or energy.size < 8:
            raise InputError(
                "a resolution table needs two columns of equal length",
                found=f"shapes {energy.shape} and {values.shape}",
                expected="8 points or more",
            )
        if not (np.isfinite(energy).all() and np.isfinite(values).all()):
            raise InputError("the resolution table holds values that are not finite")
        if (np.diff(energy) <= 0).any():
            raise InputError("the energies of the resolution table do not ascend")
        area = make_interp_spline(energy, values, k=5).integrate(energy[0], energy[-1])
        if not area > 0:
            raise InputError("the resolution table has no area", found=float(area))
        values = values / area
        for column in (energy, values):
            column.setflags(write=False)
        return cls(table_energy_mev=energy, table_intensity=values, analyzer=analyzer)

    @classmethod
    def nominal(cls, fwhm_mev: float, analyzer: str | None = None) -> Resolution:
        """A stand-in where R was not measured: 70 % Gaussian, 30 % Lorentzian of one FWHM."""
        shares = (("gaussian", 1 - _LORENTZIAN_SHARE), ("lorentzian", _LORENTZIAN_SHARE))
        return cls.from_components([(kind, w, 0.0, fwhm_mev) for kind, w in shares], analyzer)

    @property
    def numeric(self) -> bool:
        """Whether R is a table rather than a sum of components."""
        return self.table_energy_mev is not None

    @cached_property
    def spline(self) -> BSpline:
        """Quintic spline through the table (a numeric R only)."""
        return make_interp_spline(self.table_energy_mev, self.table_intensity, k=5)

    @property
    def range_mev(self) -> tuple[float, float]:
        """Range of energies that holds nearly all of R (for a table: all of it)."""
        if self.table_energy_mev is not None:
            return float(self.table_energy_mev[0]), float(self.table_energy_mev[-1])
        reach = [
            (c.center_mev, c.fwhm_mev * (3 if c.kind == "gaussian" else 30))
            for c in self.components
        ]
        return min(c - w for c, w in reach), max(c + w for c, w in reach)

    def __call__(self, energy_mev: ArrayLike) -> FloatArray:
        """R(E) in 1/meV; energy_mev of any shape."""
        energy = np.asarray(energy_mev, dtype=float)
        if self.table_energy_mev is not None:
            inside = (energy >= self.table_energy_mev[0]) & (energy <= self.table_energy_mev[-1])
            return np.where(inside, self.spline(np.where(inside, energy, 0.0)), 0.0)
        total = np.zeros(energy.shape)
        for component in self.components:
            total += component.density(energy)[0]
        return total

    @cached_property
    def half_height_points_mev(self) -> tuple[float, float]:
        """Energies left and right of the maximum where R is half its maximum."""
        low, high = self.range_mev
        energy = np.linspace(low, high, 20_001)
        values = self(energy)
        top = int(np.argmax(values))
        half = values[top] / 2
        left = top - int(np.argmax(values[top::-1] < half))
        right = top + int(np.argmax(values[top:] < half))
        if values[left] >= half or values[right] >= half:
            raise InputError("the resolution does not fall to half its maximum on both sides")
        return (
            float(np.interp(half, values[left : left + 2], energy[left : left + 2])),
            float(np.interp(-half, -values[right - 1 : right + 1], energy[right - 1 : right + 1])),
        )

    @property
    def fwhm_mev(self) -> float:
        """Full width at half maximum of the whole function."""
        left, right = self.half_height_points_mev
        return right - left

    def shifted(self, shift_mev: float) -> Resolution:
        """The same function moved by shift_mev along its axis."""
        if self.table_energy_mev is not None:
            return Resolution(
                table_energy_mev=self.table_energy_mev + shift_mev,
                table_intensity=self.table_intensity,
                analyzer=self.analyzer,
            )
        moved = tuple(c._replace(center_mev=c.center_mev + shift_mev) for c in self.components)
        return Resolution(components=moved, analyzer=self.analyzer)

    def at_half_height(self) -> tuple[Resolution, float]:
        """R with E = 0 at its midpoint at half height, and where that point was (meV)."""
        left, right = self.half_height_points_mev
        middle = (left + right) / 2
        return self.shifted(-middle), middle

    def to_record(self) -> dict[str, Any]:
        """Plain data that `from_record` turns back, float for float."""
        if self.table_energy_mev is not None and self.table_intensity is not None:
            return {
                "analyzer": self.analyzer,
                "table": [self.table_energy_mev.tolist(), self.table_intensity.tolist()],
            }
        return {"analyzer": self.analyzer, "components": [list(c) for c in self.components]}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Resolution:
        """The resolution that `to_record` described."""
        if "table" in record:
            energy, intensity = (np.array(column, dtype=float) for column in record["table"])
            return cls(
                table_energy_mev=energy, table_intensity=intensity, analyzer=record["analyzer"]
            )
        components = tuple(Component(*c) for c in record["components"])
        return cls(components=components, analyzer=record["analyzer"])

    @property
    def sha256(self) -> str:
        """Digest of the function, for the provenance of fits."""
        return hashlib.sha256(json.dumps(self.to_record()).encode()).hexdigest()


def _checked_component(index: int, part: tuple[str, float, float, float]) -> Component:
    key = f"component {index + 1}"
    if len(part) != 4:
        raise InputError(
            "not a resolution component",
            key=key,
            found=part,
            expected="(kind, weight, center_mev, fwhm_mev)",
        )
    kind, weight, center_mev, fwhm_mev = part
    if kind not in ("gaussian", "lorentzian"):
        raise InputError(
            "unknown kind of resolution component",
            key=key,
            found=kind,
            expected='"gaussian" or "lorentzian"',
        )
    if not (np.isfinite(weight) and weight >= 0):
        raise InputError("the weight is not a share", key=key, found=weight, expected="≥ 0")
    if not np.isfinite(center_mev):
        raise InputError("the centre is not a number", key=key, found=center_mev)
    if not (np.isfinite(fwhm_mev) and fwhm_mev > 0):
        raise InputError("the width is not positive", key=key, found=fwhm_mev, expected="> 0 meV")
    return Component(kind, float(weight), float(center_mev), float(fwhm_mev))  # type: ignore[arg-type]
