"""Which Q determine the eigenvector of a mode.

With one mode's eigenvector written as e_s + Σ_t c_t e_t over the other calculated modes t of the
same q, its intensity at Q = q + τ is I ∝ |F_s + Σ_t c_t* F_t|², F_t = w(Q)·e_t*, and to first order

    δI/I = 2 Re Σ_t c_t* F_t(Q)/F_s(Q):

a linear problem for the real and imaginary parts of c (their number is twice that of the other
modes). A set of Q determines them if the matrix of this problem has full rank; the better its
condition, the less the errors of the intensities are blown up. Sets are grown greedily for the
largest determinant of the information (D-optimality), each measurement weighted by its error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ixs_core.arrays import ComplexArray, FloatArray
from ixs_core.errors import InputError
from simulate.planning.expected_counts import Beamtime, placed_spectra
from simulate.planning.information import automatic_scan, precision
from simulate.planning.targets import Target
from simulate.planning.views import rank_zones

if TYPE_CHECKING:
    from simulate.phonons.model import PhononModel

_RIDGE = 1e-6


@dataclass(frozen=True)
class DeterminingSet:
    """Momenta whose intensities fix an eigenvector.

    Parameters
    ----------
    chosen : tuple of int
        Places of the momenta, in the order in which they help most.
    hkl : (m, 3) array
    unknowns : int
        Real numbers to be determined.
    rank : int
        How many of them the set determines.
    condition : float
        Largest over smallest singular value within the rank.
    sigma : (unknowns,) array
        Standard error of the mixing coefficients (real parts, then imaginary); infinite where
        the set does not determine one.
    mixed_with : tuple of int
        The branches whose admixture is asked for.
    """

    chosen: tuple[int, ...]
    hkl: FloatArray
    unknowns: int
    rank: int
    condition: float
    sigma: FloatArray
    mixed_with: tuple[int, ...]


def mode_amplitudes(
    model: PhononModel,
    q_hkl: FloatArray,
    tau_hkl: FloatArray,
    temperature_k: float,
    **options: Any,
) -> ComplexArray:
    """(n, ns) complex amplitudes F_s(q + τ) with one choice of eigenvectors for all τ.

    Parameters
    ----------
    model : PhononModel
    q_hkl : (3,) array
    tau_hkl : (n, 3) array
        Reciprocal lattice vectors, r.l.u.
    temperature_k : float
    options
        form_factor, debye_waller, energy_kev as for `PhononModel.structure_factor`.
    """
    from simulate.phonons.structure_factor import scattering_weights

    q = np.asarray(q_hkl, dtype=float)
    vectors = model.modes(q[None]).eigenvectors[0]
    displacements = model.choose_debye_waller(options.pop("debye_waller", "phonon"), temperature_k)
    weights = scattering_weights(
        model.force_constants, q + tau_hkl, model.scatterers(**options), displacements
    )
    return weights @ vectors.conj()


def determine_eigenvector(
    beamtime: Beamtime,
    model: PhononModel,
    target: Target,
    number: int,
    mix_with: Sequence[int] | None = None,
    hours: float = 1.0,
    candidates: int = 60,
    **options: Any,
) -> DeterminingSet:
    """A set of reachable zones that determines how a mode mixes with others of its q.

    The errors are those of its intensity after equal times in each zone.

    Parameters
    ----------
    beamtime : Beamtime
    model : PhononModel
        The one that `beamtime` calculates with.
    target : Target
    number : int
        How many zones.
    mix_with : sequence of int, optional
        As for `determining_set`.
    hours : float
        Per zone.
    candidates : int
        Reachable zones to choose from, the quickest for the energy of the mode.
    options
        As for `mode_amplitudes`.

    Raises
    ------
    InputError
        No zone τ + q is within reach.
    """
    q = np.array(target.q_hkl)
    zones = rank_zones(beamtime, target, evaluate=candidates)
    placements = [
        zone.placement
        for zone in zones
        if np.isfinite(zone.hours)
        and bool(beamtime.symmetry.is_reciprocal_vector(zone.placement.hkl - q))
    ]
    if not placements:
        raise InputError("no zone of the mode is within reach", key="target", found=target.label)
    hkl = np.array([placement.hkl for placement in placements])
    amplitudes = mode_amplitudes(model, q, hkl - q, beamtime.conditions.temperature_k, **options)
    scan = automatic_scan(
        [target.energy_mev], beamtime.conditions.resolution(beamtime.central_analyzer).fwhm_mev
    )
    errors = []
    for spectrum in placed_spectra(beamtime, placements, scan):
        line = spectrum.line_of(target.branch)
        error = np.inf if line is None else precision(spectrum).relative_amplitude[line]
        errors.append(float(error) / np.sqrt(hours))
    relative = np.array(errors)
    return determining_set(amplitudes, target.branch, hkl, number, relative, mix_with)


def determining_set(
    amplitudes: ComplexArray,
    branch: int,
    hkl: FloatArray,
    number: int,
    relative_error: FloatArray | float = 0.1,
    mix_with: Sequence[int] | None = None,
    real: bool = False,
) -> DeterminingSet:
    """A set of Q that determines how a mode mixes with others of its q.

    Parameters
    ----------
    amplitudes : (n, ns) complex array
        F_s(Q), as from `mode_amplitudes`.
    branch : int
        1-based: the mode whose eigenvector is wanted.
    hkl : (n, 3) array
        The momenta.
    number : int
        How many to choose.
    relative_error : (n,) array or float
        Of the intensities of the mode at each Q (after equal times, say).
    mix_with : sequence of int, optional
        Branches of which admixtures are possible (those of the same symmetry); default all
        others.
    real : bool
        Whether only real coefficients are unknown: in centrosymmetric crystals, where all F_t can
        be made real together.

    Raises
    ------
    InputError
        No branch to mix with, or the mode is dark at all Q.
    """
    ns = amplitudes.shape[1]
    others = [b for b in (mix_with or range(1, ns + 1)) if b != branch]
    if not others or not 1 <= min([branch, *others]) <= max([branch, *others]) <= ns:
        raise InputError("no such branches", key="branch", found=[branch, *others])
    own = amplitudes[:, branch - 1]
    bright = np.abs(own) > 1e-6 * np.abs(own).max(initial=0.0)
    if not bright.any():
        raise InputError("the mode scatters at none of the momenta", key="branch", found=branch)
    ratio = amplitudes[:, np.array(others) - 1] / np.where(bright, own, 1.0)[:, None]
    # The phases of eigenvectors are arbitrary: here those that make ratios as real as can be.
    weights = bright[:, None] * ratio**2
    ratio = ratio * np.exp(-0.5j * np.angle(weights.sum(axis=0)))
    rows = 2 * (ratio.real if real else np.concatenate([ratio.real, ratio.imag], axis=1))
    error = np.broadcast_to(np.asarray(relative_error, dtype=float), own.shape)
    if not (error > 0).all():
        raise InputError("an error is not positive", key="relative_error", expected="above 0")
    rows = np.where(bright[:, None], rows / error[:, None], 0.0)
    chosen = _d_optimal(rows, number)
    _, singular, vectors = np.linalg.svd(rows[chosen], full_matrices=False)
    rank = int((singular > 1e-9 * singular.max(initial=0.0)).sum()) if singular.size else 0
    within = vectors[:rank]
    undetermined = 1 - (within**2).sum(axis=0) > 1e-9
    variance = (within**2 / singular[:rank, None] ** 2).sum(axis=0)
    return DeterminingSet(
        chosen=tuple(chosen),
        hkl=hkl[chosen],
        unknowns=rows.shape[1],
        rank=rank,
        condition=float(singular[0] / singular[rank - 1]) if rank else float("inf"),
        sigma=np.where(undetermined, np.inf, np.sqrt(variance)),
        mixed_with=tuple(others),
    )


def _d_optimal(rows: FloatArray, number: int) -> list[int]:
    """Places of rows that make det(ridge + RᵀR) large, by greedy choice.

    Adding row r multiplies the determinant by 1 + r (ridge + RᵀR)⁻¹ rᵀ; the inverse is updated
    by the formula of Sherman and Morrison.
    """
    scale = float(np.max((rows**2).sum(axis=1), initial=0.0)) or 1.0
    inverse = np.eye(rows.shape[1]) / (_RIDGE * scale)
    chosen: list[int] = []
    free = np.ones(len(rows), dtype=bool)
    for _ in range(min(number, len(rows))):
        gain = np.where(free, np.einsum("ij,jk,ik->i", rows, inverse, rows, optimize=True), -1.0)
        best = int(np.argmax(gain))
        chosen.append(best)
        free[best] = False
        step = inverse @ rows[best]
        inverse -= np.outer(step, step) / (1 + gain[best])
    return chosen
