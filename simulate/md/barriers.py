"""Energy barriers between two sites, and the potential of one ion about its site."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from ixs_core.jobs import CancelToken, Progress
from simulate.md.relaxation import Band, relax

_FARTHEST = 6.0  # Å that one atom may go: a longer way is two jumps, or atoms in another order
_SAME = 0.05  # Å, what relaxations to small forces leave
_STRETCHED = 1.5  # times its length before: a climb off the path, which no spring holds
_FINE = 1001


@dataclass(frozen=True)
class Barrier:
    """A minimum-energy path.

    Parameters
    ----------
    distance : (i,) array
        Å along the path in the space of all atoms, from the start.
    energy_mev : (i,) array
        Of the images, from that of the start.
    slope_mev_a : (i,) array
        dE/ds from the forces along the path.
    barrier_mev, reverse_mev : float
        Highest point of the interpolation through energies and slopes, from the start and from
        the end.
    error_mev : float
        What is left undone: force across the path at the highest image times the distance to the
        next, and the difference between the interpolation and the highest image.
    force_ev_a : float
        Largest force across the path.
    converged : bool
    steps : int
    images : tuple of Atoms
    image_force_ev_a : (i,) array
        Largest force on an atom of each image: across the path, at the ends all of it.
    climbed : bool
        Whether the highest image stands on the saddle; if not, the barrier is that of the
        interpolation alone.
    """

    distance: FloatArray
    energy_mev: FloatArray
    slope_mev_a: FloatArray
    barrier_mev: float
    reverse_mev: float
    error_mev: float
    force_ev_a: float
    converged: bool
    steps: int
    images: tuple[Atoms, ...]
    image_force_ev_a: FloatArray
    climbed: bool = True

    @property
    def dip_mev(self) -> float:
        """How far the path goes below the lower of its ends: those are no lowest minima then."""
        _, energy = self.profile(_FINE)
        return max(0.0, float(min(energy[0], energy[-1]) - energy.min()))

    def profile(self, points: int = 201) -> tuple[FloatArray, FloatArray]:
        """Distances (Å) and energies (meV): the interpolation through energies and slopes."""
        from scipy.interpolate import CubicHermiteSpline

        fine = np.linspace(0, self.distance[-1], points)
        return fine, CubicHermiteSpline(self.distance, self.energy_mev, self.slope_mev_a)(fine)


def energy_barrier(
    start: Atoms,
    end: Atoms,
    calculator: Any,
    images: int = 7,
    *,
    relax_ends: bool = True,
    force_ev_a: float = 0.02,
    max_steps: int = 500,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> Barrier:
    """Climbing-image nudged elastic band between two structures.

    G. Henkelman, B. P. Uberuaga and H. Jónsson, J. Chem. Phys. 113, 9901 (2000), with the tangent
    of G. Henkelman and H. Jónsson, J. Chem. Phys. 113, 9978 (2000). Where the climb leaves the
    path (soft crystals), the band without it is kept.

    Parameters
    ----------
    start, end : Atoms
        The same atoms in the same order and cell.
    calculator : ASE calculator
        Used by all images in turn.
    images : int
        Between the two.
    relax_ends : bool
        Relax both structures first.
    force_ev_a : float
        Largest force left.
    max_steps : int
        Of each relaxation.

    Raises
    ------
    InputError
        Structures of other atoms or cells, the same structure twice, an atom that would go
        farther than 6 Å.
    Cancelled
    """
    _check(start, end, images)
    cancel = cancel or CancelToken()
    ends = []
    for given in (start, end):
        atoms = given.copy()
        atoms.calc = calculator
        if relax_ends:
            relax(atoms, force_ev_a, max_steps, "ends", progress, cancel)
        ends.append(_frozen(atoms))
    if np.abs(_difference(ends[0], ends[1])).max() < _SAME:
        raise InputError(
            "both ends relax to the same structure",
            hint="the end is no minimum of this potential",
        )
    chain = [ends[0], *(ends[0].copy() for _ in range(images)), ends[1]]
    for image in chain[1:-1]:
        image.calc = calculator
    band = Band(chain, climb=False, method="improvedtangent", allow_shared_calculator=True)
    band.interpolate(mic=bool(start.pbc.any()))
    steps, converged, climbed = _settle(band, force_ev_a, max_steps, progress, cancel)
    across = np.linalg.norm(band.get_forces().reshape(images, -1, 3), axis=-1).max(axis=1)
    frozen = [_frozen(image, calculator) for image in chain]
    return _barrier(frozen, across, converged, climbed, steps)


def _settle(
    band: Band, force: float, max_steps: int, progress: Progress | None, cancel: CancelToken
) -> tuple[int, bool, bool]:
    """Relax a band: steps, whether the forces are small, and whether the top image climbed."""
    steps, _ = relax(band, 5 * force, max_steps, "path", progress, cancel)
    before, length = band.get_positions(), _length(band.images)

    def astray() -> bool:
        return _length(band.images) > _STRETCHED * length

    band.climb = True
    done, climbed = relax(band, force, max_steps, "climb", progress, cancel, astray)
    steps += done
    if climbed:
        return steps, True, True
    band.climb = False
    band.set_positions(before)
    done, converged = relax(band, force, max_steps, "path", progress, cancel)
    return steps + done, converged, False


def _length(chain: Sequence[Atoms]) -> float:
    return float(sum(np.linalg.norm(_difference(a, b)) for a, b in pairwise(chain)))


def _check(start: Atoms, end: Atoms, images: int) -> None:
    if list(start.numbers) != list(end.numbers):
        raise InputError(
            "the two structures are not of the same atoms in the same order",
            found=f"{start.symbols} and {end.symbols}",
        )
    if np.abs(start.cell[:] - end.cell[:]).max() > 1e-6 or np.any(start.pbc != end.pbc):
        raise InputError("the two structures have different cells")
    if images < 1:
        raise InputError("is out of range", key="images", found=images, expected=">= 1")
    farthest = np.linalg.norm(_difference(start, end), axis=1).max()
    if not 0.01 < farthest < _FARTHEST:
        raise InputError(
            "no single jump",
            found=f"an atom goes {farthest:.2f} Å",
            expected=f"0.01 … {_FARTHEST} Å",
            hint="the atoms may be in another order",
        )


def _difference(start: Atoms, end: Atoms) -> FloatArray:
    from ase.geometry import find_mic

    vectors, _ = find_mic(end.positions - start.positions, start.cell, start.pbc)
    return np.asarray(vectors)


def _frozen(atoms: Atoms, calculator: Any = None) -> Atoms:
    """A copy that keeps its energy and forces when the calculator goes on to others."""
    from ase.calculators.singlepoint import SinglePointCalculator

    fixed = atoms.copy()
    probe = atoms
    if calculator is not None and not isinstance(atoms.calc, SinglePointCalculator):
        probe = atoms.copy()
        probe.calc = calculator
    fixed.calc = SinglePointCalculator(
        fixed, energy=probe.get_potential_energy(), forces=probe.get_forces()
    )
    return fixed


def _barrier(
    chain: list[Atoms], across: FloatArray, converged: bool, climbed: bool, steps: int
) -> Barrier:
    from scipy.interpolate import CubicHermiteSpline

    arms = [_difference(a, b) for a, b in pairwise(chain)]
    lengths = np.array([np.linalg.norm(arm) for arm in arms])
    distance = np.concatenate([[0.0], np.cumsum(lengths)])
    energy = 1000 * np.array([image.get_potential_energy() for image in chain])
    energy -= energy[0]
    slope = np.empty(len(chain))
    for k, image in enumerate(chain):
        tangent = arms[max(k - 1, 0)] / lengths[max(k - 1, 0)]
        if 0 < k < len(arms):
            tangent = tangent + arms[k] / lengths[k]
        slope[k] = -1000 * np.sum(image.get_forces() * tangent) / np.linalg.norm(tangent)
    fine = np.linspace(0, distance[-1], _FINE)
    highest = float(CubicHermiteSpline(distance, energy, slope)(fine).max())
    top = int(np.argmax(energy))
    spacing = lengths[max(top - 1, 0)]
    ends = [float(np.linalg.norm(chain[k].get_forces(), axis=1).max()) for k in (0, -1)]
    force = float(across.max())
    return Barrier(
        distance,
        energy,
        slope,
        highest,
        highest - float(energy[-1]),
        max(1000 * force * float(spacing), highest - float(energy[top])),
        force,
        converged,
        steps,
        tuple(chain),
        np.array([ends[0], *across, ends[1]]),
        climbed,
    )


@dataclass(frozen=True)
class IonPotential:
    """Polynomial of the energy of one ion displaced along a line.

    Parameters
    ----------
    displacement : (k,) array
        Å.
    energy_mev : (k,) array
        From that at zero displacement.
    coefficients : (5,) array
        Of u⁰ … u⁴ in meV/Å^n; zero above the order chosen.
    order : int
        2 or 4, by Akaike's criterion.
    aic : dict
        Of both orders; smaller is better.
    rms_mev : float
        Left by the polynomial.
    """

    displacement: FloatArray
    energy_mev: FloatArray
    coefficients: FloatArray
    order: int
    aic: dict[int, float]
    rms_mev: float


def ion_potential(
    atoms: Atoms,
    calculator: Calculator,
    atom: int,
    direction: Sequence[float],
    reach: float = 0.5,
    points: int = 21,
    *,
    cancel: CancelToken | None = None,
) -> IonPotential:
    """Energy of one ion along a direction, all others at rest, and its polynomial.

    Parameters
    ----------
    atoms : Atoms
        At their sites.
    calculator : ASE calculator
    atom : int
    direction : three numbers
        Cartesian, of any length.
    reach : float
        Å to both sides.
    points : int

    Raises
    ------
    InputError
        No such atom, no direction, too few points.
    """
    along = np.asarray(direction, dtype=float)
    if along.shape != (3,) or not np.linalg.norm(along) > 0:
        raise InputError("is no direction", key="direction", found=list(direction))
    if not 0 <= atom < len(atoms):
        raise InputError("no such atom", key="atom", found=atom, expected=f"0 … {len(atoms) - 1}")
    displacement = np.linspace(-reach, reach, points)
    moved = atoms.copy()
    moved.calc = calculator
    home = atoms.positions[atom].copy()
    base = moved.get_potential_energy()
    energy = np.empty(points)
    for k, u in enumerate(displacement):
        if cancel is not None:
            cancel.check()
        moved.positions[atom] = home + u * along / np.linalg.norm(along)
        energy[k] = 1000 * (moved.get_potential_energy() - base)
    return polynomial_potential(displacement, energy)


def polynomial_potential(displacement: FloatArray, energy_mev: FloatArray) -> IonPotential:
    """The polynomial of second or fourth order that explains energies better by Akaike's criterion.

    AIC_c = n ln(RSS/n) + 2k + 2k(k+1)/(n-k-1), k counting coefficients and the variance
    (C. M. Hurvich and C.-L. Tsai, Biometrika 76, 297 (1989)).

    Raises
    ------
    InputError
        Fewer than nine points.
    """
    n = len(displacement)
    if n < 9:
        raise InputError(
            "too few points for a polynomial of fourth order", found=n, expected=">= 9"
        )
    fits = {
        order: np.polynomial.Polynomial.fit(displacement, energy_mev, order).convert().coef
        for order in (2, 4)
    }
    aic, rest = {}, {}
    floor = (1e-12 * max(float(np.abs(energy_mev).max()), 1e-12)) ** 2  # of rounding
    for order, coefficients in fits.items():
        left = energy_mev - np.polynomial.polynomial.polyval(displacement, coefficients)
        rest[order] = float(np.mean(left**2))
        k = order + 2
        aic[order] = float(
            n * np.log(max(rest[order], floor)) + 2 * k + 2 * k * (k + 1) / (n - k - 1)
        )
    best = min(aic, key=aic.__getitem__)
    padded = np.zeros(5)
    padded[: len(fits[best])] = fits[best]
    return IonPotential(
        np.asarray(displacement),
        np.asarray(energy_mev),
        padded,
        best,
        aic,
        float(np.sqrt(rest[best])),
    )
