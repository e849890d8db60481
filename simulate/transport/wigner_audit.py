"""The audit of a Wigner conductivity: what must not change is changed, and the sum done again.

At a few irreducible points the conductivity of one q is computed again at the images of q under
the point group, with random phases of the eigenvectors and other bases of degenerate modes, and
for a crystal whose atoms are described by images in other cells; and the diagonal of eq. (5) is
compared with C v v τ of slopes that were found in another way.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from scipy.stats import unitary_group

from ixs_core.arrays import ComplexArray, FloatArray, IntArray
from ixs_core.jobs import CancelToken
from ixs_core.units import CONDUCTIVITY_W_M_K, HBAR_MEV_PS
from simulate.phonons.dynamical_matrix import DynamicalMatrix
from simulate.phonons.force_constants import ForceConstants
from simulate.phonons.group_velocity import group_velocities
from simulate.phonons.model import PhononModel
from simulate.transport.audit import TOLERANCE, Audit, forbidden_elements
from simulate.transport.heat_capacity import mode_heat_capacity
from simulate.transport.irreducible_mesh import IrreducibleMesh
from simulate.transport.mode_table import ModeTable
from simulate.transport.mode_widths import of_groups, usable_modes
from simulate.transport.point_group import PointGroup
from simulate.transport.velocity_operator import (
    Normalisation,
    Slopes,
    Variant,
    slopes_at,
    velocity_operator,
)
from simulate.transport.wigner_kernel import (
    pair_products,
    total_conductivity,
    whole_tensor,
)

AUDITED_POINTS = 3
INVARIANCE = 1e-6
"""Largest change that counts as none: rounding makes 1e-12, a wrong phase more than 1e-2."""

_SEED = 1


@dataclass(frozen=True)
class WignerCase:
    """What a Wigner conductivity is computed from, but for the linewidths."""

    model: PhononModel
    group: PointGroup
    points: IrreducibleMesh
    variant: Variant
    normalisation: Normalisation

    def slopes(self, q: FloatArray, crystal: ForceConstants | None = None) -> Slopes:
        """At q (nq, 3), of the model or of another description of its crystal."""
        if crystal is None:
            crystal, matrix = self.model.force_constants, self.model.dynamical_matrix
        else:
            matrix = DynamicalMatrix.of(crystal)
        return slopes_at(matrix, crystal.positions @ crystal.vectors, q, self.variant)


def audit_wigner(
    case: WignerCase,
    modes: ModeTable,
    temperature_k: float,
    kappa_p: FloatArray,
    kappa_c: FloatArray,
    count: int = AUDITED_POINTS,
    cancel: CancelToken | None = None,
) -> Audit:
    """Audit a conductivity.

    Parameters
    ----------
    case : WignerCase
    modes : ModeTable
        Whose widths are used again.
    temperature_k : float
    kappa_p, kappa_c : (3, 3) arrays
    count : int
        Irreducible points to compute again, chosen with a fixed seed.
    cancel : CancelToken, optional

    Returns
    -------
    Audit
        "point group": of κ_p and κ_c as they are; the others of the conductivities of single q.
    """
    broken = [_broken(case.group, kappa) for kappa in (kappa_p, kappa_c)]
    residuals, limits = {"point group": max(broken)}, {"point group": TOLERANCE}
    notes: tuple[str, ...] = ()
    chosen = _chosen_points(case.points, modes, count)
    if len(chosen):
        q, fwhm = case.points.q[chosen], modes.fwhm_mev[chosen]
        sample = _Sample(case, q, fwhm, temperature_k, cancel or CancelToken())
        checks = {
            "images of q under the point group": (sample.of_images(), TOLERANCE),
            "random phases of eigenvectors": (sample.of_phases(), INVARIANCE),
            "atoms moved by lattice vectors": (sample.of_moved_atoms(), INVARIANCE),
            "s = s' limit": (sample.of_limit(), INVARIANCE),
        }
        degenerate = sample if sample.has_degenerate_modes else _on_border(case, sample)
        if degenerate is None:
            notes = ("no q with degenerate modes was found",)
        else:
            checks["other bases of degenerate modes"] = (degenerate.of_bases(), INVARIANCE)
        residuals |= {name: residual for name, (residual, _) in checks.items()}
        limits |= {name: limit for name, (_, limit) in checks.items()}
    else:
        notes = ("no q was computed again",)
    threshold = TOLERANCE * float(np.trace(kappa_c)) / 3
    forbidden = forbidden_elements(kappa_p + kappa_c, case.group, threshold)
    return Audit(residuals, limits, case.group.symbol, forbidden, notes)


class _Sample:
    """Some q with widths, their slopes and conductivities."""

    def __init__(
        self,
        case: WignerCase,
        q: FloatArray,
        fwhm_mev: FloatArray,
        temperature_k: float,
        cancel: CancelToken,
    ) -> None:
        self.temperature_k = temperature_k
        self.fwhm_mev = fwhm_mev
        self.cancel = cancel
        self._case = case
        self._q = q
        self._slopes = case.slopes(q)
        self._kappa = self._conductivity(q, self._slopes, fwhm_mev)
        self._scale = float(np.abs(self._kappa[..., :3]).mean()) or 1.0
        _, self._groups = of_groups(self._slopes.energy_mev)
        self.has_degenerate_modes = bool((np.diff(self._groups, axis=1) == 0).any())

    def of_images(self) -> float:
        """Of κ(R q) from R κ(q) Rᵀ."""
        worst = 0.0
        for q, fwhm, own in zip(self._q, self.fwhm_mev, self._kappa, strict=True):
            self.cancel.check()
            images, turns = self._case.points.images(q, self._case.group)
            widths = np.broadcast_to(fwhm, (len(images), len(fwhm)))
            found = self._conductivity(images, self._case.slopes(images), widths)
            expected = turns[:, None] @ whole_tensor(own) @ turns.swapaxes(1, 2)[:, None]
            worst = max(worst, float(np.abs(whole_tensor(found) - expected).max()))
        return worst / self._scale

    def of_phases(self) -> float:
        """Of κ(q) with a random phase for every eigenvector."""
        shape = self._slopes.energy_mev.shape
        phases = np.exp(2j * np.pi * np.random.default_rng(_SEED).random(shape))
        return self._change(self._slopes.eigenvectors * phases[:, None])

    def of_bases(self) -> float:
        """Of κ(q) with random orthonormal combinations of degenerate eigenvectors."""
        rng = np.random.default_rng(_SEED)
        turned = self._slopes.eigenvectors.copy()
        for point, groups in enumerate(self._groups):
            for group in np.flatnonzero(np.bincount(groups) > 1):
                members = np.flatnonzero(groups == group)
                turn = unitary_group.rvs(len(members), random_state=rng)
                turned[point][:, members] = turned[point][:, members] @ turn
        return self._change(turned)

    def of_moved_atoms(self) -> float:
        """Of κ(q) with every atom but the first described by an image in another cell."""
        self.cancel.check()
        crystal = self._case.model.force_constants
        cells = np.random.default_rng(_SEED).integers(-1, 2, (len(crystal.symbols), 3))
        cells[0] = 0
        slopes = self._case.slopes(self._q, with_moved_atoms(crystal, cells))
        return self._from_own(self._conductivity(self._q, slopes, self.fwhm_mev))

    def of_limit(self) -> float:
        """Of the diagonal of eq. (5) from C v v τ / V with slopes of `group_velocities`."""
        crystal = self._case.model.force_constants
        energy, _ = of_groups(self._slopes.energy_mev)
        usable = usable_modes(self._q, energy, self.fwhm_mev)
        single = np.diff(self._groups, axis=1, prepend=-1) != 0
        single &= np.diff(self._groups, axis=1, append=np.iinfo(int).max) != 0
        usable &= single
        velocity = group_velocities(self._case.model.dynamical_matrix, self._q)
        velocity = np.where(usable[:, :, None], velocity, 0.0)
        lifetime = np.where(usable, HBAR_MEV_PS / np.where(usable, self.fwhm_mev, 1.0), 0.0)
        capacity = mode_heat_capacity(energy, self.temperature_k)
        scale = CONDUCTIVITY_W_M_K / crystal.volume
        expected = scale * np.einsum("qs,qsa->qa", capacity * lifetime, velocity**2)
        operator = self._operator(self._slopes)
        own = np.zeros_like(operator)
        modes = np.arange(energy.shape[1])
        own[:, :, modes, modes] = operator[:, :, modes, modes]
        pairs = pair_products(energy, usable, own)
        found, _ = total_conductivity(pairs, self._width(), self.temperature_k, crystal.volume)
        return float(np.abs(found[:, :3] - expected).max()) / max(float(expected.mean()), 1e-300)

    def _width(self) -> FloatArray:
        return self.fwhm_mev / (2 if self._case.variant == "hwhm" else 1)

    def _operator(self, slopes: Slopes) -> ComplexArray:
        energy, _ = of_groups(slopes.energy_mev)
        return velocity_operator(
            energy,
            slopes.eigenvectors,
            slopes.gradient,
            self._case.variant,
            self._case.normalisation,
        )

    def _conductivity(self, q: FloatArray, slopes: Slopes, fwhm: FloatArray) -> FloatArray:
        """(nq, 2, 6) κ_p and κ_c of single q."""
        energy, _ = of_groups(slopes.energy_mev)
        pairs = pair_products(energy, usable_modes(q, energy, fwhm), self._operator(slopes))
        width = fwhm / (2 if self._case.variant == "hwhm" else 1)
        volume = self._case.model.force_constants.volume
        return np.stack(total_conductivity(pairs, width, self.temperature_k, volume), axis=1)

    def _change(self, eigenvectors: ComplexArray) -> float:
        slopes = replace(self._slopes, eigenvectors=eigenvectors)
        return self._from_own(self._conductivity(self._q, slopes, self.fwhm_mev))

    def _from_own(self, found: FloatArray) -> float:
        return float(np.abs(found - self._kappa).max()) / self._scale


def _broken(group: PointGroup, kappa: FloatArray) -> float:
    """Largest element that is not the crystal's, relative to the mean of the diagonal."""
    scale = float(np.trace(kappa)) / 3
    return float(np.abs(kappa - group.average(kappa)).max()) / scale if scale > 0 else 0.0


def _on_border(case: WignerCase, sample: _Sample) -> _Sample | None:
    """A q of the zone's border with degenerate modes, all of the sample's mean width."""
    border = np.array([q for q in product((0.5, 0.0), repeat=3) if any(q)])
    energy, _ = case.model.dynamical_matrix.modes(border)
    _, groups = of_groups(energy)
    found = np.flatnonzero((np.diff(groups, axis=1) == 0).any(axis=1))
    if not len(found):
        return None
    width = np.full((1, energy.shape[1]), np.nanmean(sample.fwhm_mev))
    return _Sample(case, border[found[:1]], width, sample.temperature_k, sample.cancel)


def with_moved_atoms(crystal: ForceConstants, cells: IntArray) -> ForceConstants:
    """The same crystal with atoms i at r_i + R_i, R_i = cells[i] (n, 3) in primitive vectors.

    The atom that stood in cell L from atom i now stands in cell L - R_j + R_i.
    """
    n = len(crystal.symbols)
    shift = cells[:, None] - cells[None, :]  # (i, j, 3)
    moved = crystal.translations[:, None, None] + shift
    union, place = np.unique(moved.reshape(-1, 3), axis=0, return_inverse=True)
    place = place.reshape(moved.shape[:3])
    blocks = crystal.matrices.reshape(-1, n, 3, n, 3).transpose(0, 1, 3, 2, 4)
    matrices = np.zeros((len(union), n, n, 3, 3))
    i, j = np.indices((n, n))
    for own, where in zip(blocks, place, strict=True):
        matrices[where, i, j] += own
    whole = matrices.transpose(0, 1, 3, 2, 4).reshape(len(union), 3 * n, 3 * n)
    return replace(crystal, positions=crystal.positions + cells, translations=union, matrices=whole)


def _chosen_points(points: IrreducibleMesh, modes: ModeTable, count: int) -> IntArray:
    """Some points at random, one with degenerate modes among them; Γ says little and is left out.

    The first is of the largest star, where a broken symmetry shows.
    """
    away = np.flatnonzero((points.q != 0).any(axis=1) & modes.usable.any(axis=1))
    if not len(away) or count < 1:
        return away[:0]
    rng = np.random.default_rng(_SEED)
    order = rng.permutation(away)
    first = order[np.argmax(points.weights[order])]
    _, groups = of_groups(modes.energy_mev[order])
    degenerate = order[(np.diff(groups, axis=1) == 0).any(axis=1)]
    wanted = [first, *degenerate[:1], *order]
    return np.array(list(dict.fromkeys(int(row) for row in wanted))[:count])
