"""A plane of reciprocal space: where the instrument reaches it, and what modes show there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ixs_core.arrays import BoolArray, FloatArray
from ixs_core.errors import InputError
from ixs_core.jobs import CancelToken, Progress
from ixs_core.lattice import Lattice
from ixs_reduce.instrument import Instrument
from simulate.planning.expected_counts import Beamtime, placed_spectra
from simulate.planning.information import ExpectedSpectrum, Goal, hours_to_goal
from simulate.planning.placement import place
from simulate.planning.targets import Wish, wanted_modes
from simulate.planning.zones import CrystalSymmetry, reciprocal_vectors

_BLOCK = 256  # momenta worked out between two looks at the cancel token
_SPECTRA = 32
_IN_PLANE = 1e-3  # Å⁻¹


@dataclass(frozen=True)
class Plane:
    """hkl = origin + x u + y v.

    Parameters
    ----------
    u, v : three floats
        Directions of the axes, r.l.u.
    origin : three floats
        A point of the plane, r.l.u.

    Raises
    ------
    InputError
        u and v are parallel, or not three finite numbers each.
    """

    u: tuple[float, float, float] = (1.0, 0.0, 0.0)
    v: tuple[float, float, float] = (0.0, 1.0, 0.0)
    origin: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        for name in ("u", "v", "origin"):
            given = np.asarray(getattr(self, name), dtype=float)
            if given.shape != (3,) or not np.isfinite(given).all():
                raise InputError("not three numbers", key=name, found=getattr(self, name))
        if np.linalg.norm(np.cross(self.u, self.v)) < 1e-9:
            raise InputError(
                "the two directions span no plane",
                key="plane",
                found=f"{self.u} and {self.v}",
                expected="two different directions, such as (1 0 0) and (0 1 0)",
            )

    def hkl(self, x: ArrayLike, y: ArrayLike) -> FloatArray:
        """(…, 3) r.l.u. of places x, y (broadcast)."""
        x, y = np.broadcast_arrays(np.asarray(x, dtype=float), np.asarray(y, dtype=float))
        u, v = np.asarray(self.u), np.asarray(self.v)
        return np.asarray(self.origin) + x[..., None] * u + y[..., None] * v

    def places(self, lattice: Lattice, hkl: ArrayLike) -> tuple[FloatArray, FloatArray]:
        """(…, 2) x and y of hkl (…, 3), seen along the normal, and (…) its distance off, Å⁻¹.

        The distance is positive on the side of u × v.
        """
        q = lattice.q_cartesian(np.asarray(hkl, dtype=float) - np.asarray(self.origin))
        sides = lattice.q_cartesian(np.array([self.u, self.v]))
        xy = q @ np.linalg.pinv(sides)
        return xy, q @ self.normal(lattice)

    def normal(self, lattice: Lattice) -> FloatArray:
        """(3,) unit vector along u × v in the lattice's Cartesian frame."""
        sides = lattice.q_cartesian(np.array([self.u, self.v]))
        across = np.cross(sides[0], sides[1])
        return np.asarray(across / np.linalg.norm(across))

    def turned(self, lattice: Lattice, hkl: ArrayLike, degrees: float) -> FloatArray:
        """(3,) r.l.u. of hkl turned about the plane's normal through Q = 0; |Q| stays."""
        q, n = lattice.q_cartesian(np.asarray(hkl, dtype=float)), self.normal(lattice)
        cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        # Rodrigues' formula.
        turned = cos * q + sin * np.cross(n, q) + (1 - cos) * (n @ q) * n
        return lattice.hkl(turned)

    def reciprocal_vectors(self, symmetry: CrystalSymmetry, q_max: float) -> FloatArray:
        """(n, 3) the reciprocal lattice vectors up to |τ| = q_max (Å⁻¹) that lie in the plane."""
        tau = reciprocal_vectors(symmetry, q_max)
        return tau[np.abs(self.places(symmetry.lattice, tau)[1]) < _IN_PLANE]


def reach_in_plane(
    instrument: Instrument,
    plane: Plane,
    x: FloatArray,
    y: FloatArray,
    values: Mapping[str, float] | None = None,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> BoolArray:
    """(nx, ny) where the arm's centre reaches the plane, as `place` says of every point.

    Parameters
    ----------
    instrument : Instrument
    plane : Plane
    x, y : (nx,), (ny,) arrays
    values : mapping, optional
        Degrees of the frozen angles, as for `place`.
    progress, cancel : as everywhere
    """
    reached = np.zeros((x.size, y.size), dtype=bool)
    for i, row in enumerate(plane.hkl(x[:, None], y[None, :])):
        if cancel is not None:
            cancel.check()
        reached[i] = [place(instrument, hkl, values=values).reachable for hkl in row]
        if progress is not None:
            progress(i + 1, x.size, "reach of the circles")
    return reached


def intensity_in_plane(
    beamtime: Beamtime,
    plane: Plane,
    x: FloatArray,
    y: FloatArray,
    wish: Wish,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> FloatArray:
    """(nx, ny) Σ I_s [n+1] of the wanted modes on the side of energy loss, e² per primitive cell.

    Parameters
    ----------
    beamtime : Beamtime
        Its calculation and temperature.
    plane : Plane
    x, y : (nx,), (ny,) arrays
    wish : Wish
        Its branches or energies; its own q are not used.
    progress, cancel : as everywhere
    """
    hkl = plane.hkl(x[:, None], y[None, :]).reshape(-1, 3)
    total = np.zeros(len(hkl))
    for first in range(0, len(hkl), _BLOCK):
        if cancel is not None:
            cancel.check()
        part = slice(first, first + _BLOCK)
        factor = beamtime.calculation.structure_factor(hkl[part], beamtime.conditions.temperature_k)
        wanted = wanted_modes(wish, factor.energy_mev)
        total[part] = (factor.loss_intensity * wanted).sum(axis=1)
        if progress is not None:
            progress(min(first + _BLOCK, len(hkl)), len(hkl), "intensities")
    return total.reshape(x.size, y.size)


def hours_in_plane(
    beamtime: Beamtime,
    plane: Plane,
    x: FloatArray,
    y: FloatArray,
    wish: Wish,
    energy_mev: FloatArray,
    goal: Goal,
    values: Mapping[str, float] | None = None,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> FloatArray:
    """(nx, ny) hours until the quickest of the wanted modes is known as well as wanted.

    With Q on the working analyzer nearest to the arm's centre. NaN where it is not reached,
    infinite where no wanted mode is ever known so well.

    Parameters
    ----------
    beamtime : Beamtime
    plane : Plane
    x, y : (nx,), (ny,) arrays
    wish : Wish
        Its branches or energies; its own q are not used.
    energy_mev : (n,) array
        Points of the scan.
    goal : Goal
    values : mapping, optional
        Degrees of the frozen angles, as for `place`.
    progress, cancel : as everywhere
    """
    hkl = plane.hkl(x[:, None], y[None, :]).reshape(-1, 3)
    central = beamtime.central_analyzer
    hours = np.full(len(hkl), np.nan)
    for first in range(0, len(hkl), _SPECTRA):
        if cancel is not None:
            cancel.check()
        placed = [
            (k, placement)
            for k in range(first, min(first + _SPECTRA, len(hkl)))
            if (placement := place(beamtime.instrument, hkl[k], central, values=values)).reachable
        ]
        spectra = placed_spectra(beamtime, [placement for _, placement in placed], energy_mev, goal)
        for (k, _), spectrum in zip(placed, spectra, strict=True):
            hours[k] = _quickest(spectrum, wish, goal)
        if progress is not None:
            progress(min(first + _SPECTRA, len(hkl)), len(hkl), "expected spectra")
    return hours.reshape(x.size, y.size)


def _quickest(spectrum: ExpectedSpectrum, wish: Wish, goal: Goal) -> float:
    branches = list(wish.branches)
    if wish.energy_range_mev is not None:
        low, high = wish.energy_range_mev
        predicted = spectrum.predicted
        inside = (predicted.energy_mev >= low) & (predicted.energy_mev <= high)
        branches = predicted.branch[inside].tolist()
    return float(hours_to_goal(spectrum, branches, goal).min(initial=np.inf))
