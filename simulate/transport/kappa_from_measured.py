"""Thermal conductivity with measured linewidths in place of computed ones.

A mode of the mesh takes its width from the measured lines: from the one nearest in energy whose
mode has the same dominant element, or from a smooth Γ(E). Where no line is near it keeps the
computed width. A line with an upper limit tells only that the width is no larger: it cuts the
computed one. Errors are propagated by drawing the measured widths.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from ixs_core.arrays import BoolArray, FloatArray, IntArray
from ixs_core.errors import InputError
from ixs_core.jobs import CancelToken, Progress, parallel_map
from simulate.phonons.degeneracy import degenerate_groups
from simulate.phonons.model import PhononModel
from simulate.transport.audit import Audit
from simulate.transport.irreducible_mesh import IrreducibleMesh
from simulate.transport.measured_widths import MeasuredWidths
from simulate.transport.mode_table import ModeTable
from simulate.transport.mode_widths import MeshWidths, WidthSource
from simulate.transport.point_group import PointGroup
from simulate.transport.wigner import mesh_of, wigner_kappa
from simulate.transport.wigner_blocks import block_modes, element_share, point_blocks
from simulate.transport.wigner_kernel import total_conductivity, whole_tensor

Method = Literal["element", "smooth"]

METHODS: tuple[Method, ...] = ("element", "smooth")
REACH_MEV = 1.0
SAMPLES = 200

_UNKNOWN = -1


@dataclass(frozen=True)
class MeasuredKappa:
    """Conductivity with measured widths; tensors (3, 3) in W m⁻¹ K⁻¹.

    Parameters
    ----------
    temperature_k : float
    kappa_p, kappa_c : (3, 3) arrays
        At the measured widths.
    band_p, band_c, band : (2, 3, 3) arrays
        16 % and 84 % of the draws: of κ_p, κ_c and their sum.
    computed_p, computed_c : (3, 3) arrays
        With the computed widths alone.
    covered, limited : float
        Fractions of the modes whose width is measured, or cut by an upper limit.
    covered_p, covered_c : float
        Fractions of the computed κ_p and κ_c that the covered modes carry.
    lines, limits : int
        Measured widths and upper limits that were used.
    method : "element" or "smooth"
    reach_mev : float
    samples, seed : int
    mesh : (int, int, int)
    audit : Audit
        Of the computed conductivity.
    notes : tuple of str
    """

    temperature_k: float
    kappa_p: FloatArray
    kappa_c: FloatArray
    band_p: FloatArray
    band_c: FloatArray
    band: FloatArray
    computed_p: FloatArray
    computed_c: FloatArray
    covered: float
    limited: float
    covered_p: float
    covered_c: float
    lines: int
    limits: int
    method: Method
    reach_mev: float
    samples: int
    seed: int
    mesh: tuple[int, int, int]
    audit: Audit
    notes: tuple[str, ...] = ()


def measured_kappa(
    model: PhononModel,
    linewidths: WidthSource,
    measured: MeasuredWidths,
    temperature_k: float,
    mesh: Sequence[int] | None = None,
    *,
    method: Method = "element",
    reach_mev: float = REACH_MEV,
    samples: int = SAMPLES,
    seed: int = 0,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
    workers: int | None = None,
) -> MeasuredKappa:
    """κ_p and κ_c with measured widths and their errors.

    Parameters
    ----------
    model, linewidths, temperature_k, mesh
        As for `wigner_kappa`.
    measured : MeasuredWidths
    method : "element" or "smooth"
        "element": the nearest line in energy among those whose mode has the same dominant
        element (found from the line's hkl and energy). "smooth": ln Γ(E), the mean of the lines
        near E with Gaussian weights of σ = reach/2 times their 1/σ².
    reach_mev : float
        How far in energy a line counts.
    samples : int
        Draws for the bands: each width log-normal about its value, so that none is negative.
    seed : int
    progress, cancel, workers
        As for `ixs_core.jobs.parallel_map`.

    Raises
    ------
    InputError
        As `wigner_kappa` does; an unknown method, a reach that is none, no line near the
        temperature.
    Cancelled
    """
    if method not in METHODS:
        raise InputError("unknown method", key="method", found=method, expected=", ".join(METHODS))
    if not reach_mev > 0 or samples < 2:
        raise InputError(
            "not usable", key="reach_mev, samples", found=f"{reach_mev} meV, {samples} draws"
        )
    lines = measured.near(temperature_k)
    computed = wigner_kappa(
        model, linewidths, temperature_k, mesh, progress=progress, cancel=cancel, workers=workers
    )
    given = _given_lines(model, lines, method)
    weights = _LineWeights(given, method, reach_mev)
    draws = _log_draws(given, samples, seed)
    points = IrreducibleMesh.of(
        mesh_of(linewidths, mesh), PointGroup.of_force_constants(model.force_constants)
    )
    work = _Work(model, points, computed.modes, weights, draws, temperature_k)
    blocks = parallel_map(
        work,
        point_blocks(len(points.q), model.n_modes),
        workers=workers,
        progress=progress,
        cancel=cancel,
    )
    group = PointGroup.of_force_constants(model.force_constants)
    sums = whole_tensor(np.sum([block.kappa for block in blocks], axis=0))  # (2, 1 + samples, 3, 3)
    particle, wave = group.average(sums)
    fractions = _coverage(blocks, computed.modes)
    return MeasuredKappa(
        temperature_k=float(temperature_k),
        kappa_p=particle[0],
        kappa_c=wave[0],
        band_p=_band(particle),
        band_c=_band(wave),
        band=_band(particle + wave),
        computed_p=computed.kappa_p,
        computed_c=computed.kappa_c,
        **fractions,
        lines=int((~given.is_limit).sum()),
        limits=int(given.is_limit.sum()),
        method=method,
        reach_mev=reach_mev,
        samples=samples,
        seed=seed,
        mesh=points.mesh,
        audit=computed.audit,
        notes=(*computed.notes, *lines.notes, *given.notes),
    )


class _Lines(NamedTuple):
    """Lines with the dominant element of their modes (-1: not known, or of no matter)."""

    energy_mev: FloatArray
    log_fwhm: FloatArray
    log_error: FloatArray
    is_limit: BoolArray
    element: IntArray
    notes: tuple[str, ...]


def _given_lines(model: PhononModel, lines: MeasuredWidths, method: Method) -> _Lines:
    relative = np.where(lines.is_limit, 0.0, lines.fwhm_err / lines.fwhm_mev)
    element = np.full(len(lines), _UNKNOWN)
    notes: list[str] = []
    kept = np.ones(len(lines), dtype=bool)
    if method == "element":
        element, off = _dominant_elements(model, lines)
        kept = element != _UNKNOWN
        if not kept.any():
            raise InputError(
                "no line has hkl, so that its mode is not known",
                file=lines.source or None,
                hint='method "smooth" needs energies only',
            )
        if not kept.all():
            notes.append(f"lines left out: {int((~kept).sum())}, no hkl")
        notes.append(
            f"lines are off the computed modes that they are taken for by {off:.2g} meV (median)"
        )
    return _Lines(
        lines.energy_mev[kept],
        np.log(lines.fwhm_mev[kept]),
        np.sqrt(np.log1p(relative[kept] ** 2)),
        lines.is_limit[kept],
        element[kept],
        tuple(notes),
    )


def _dominant_elements(model: PhononModel, lines: MeasuredWidths) -> tuple[IntArray, float]:
    """Index of the element that moves most in the mode nearest to each line; median distance."""
    element = np.full(len(lines), _UNKNOWN)
    known = np.flatnonzero(np.isfinite(lines.q_hkl).all(axis=1))
    if not len(known):
        return element, float("nan")
    modes = model.modes(lines.q_hkl[known])
    groups = degenerate_groups(modes.energy_mev)
    share = element_share(model.force_constants, modes.eigenvectors, groups)
    apart = np.abs(modes.energy_mev - lines.energy_mev[known, None])
    nearest = apart.argmin(axis=1)
    row = np.arange(len(known))
    element[known] = share[row, nearest].argmax(axis=1)
    return element, float(np.median(apart[row, nearest]))


class _LineWeights(NamedTuple):
    """How the modes of the mesh take their widths from the lines."""

    lines: _Lines
    method: Method
    reach_mev: float

    def of(self, energy_mev: FloatArray, element: IntArray) -> tuple[FloatArray, FloatArray]:
        """For modes (nq, ns): weights of ln Γ of the lines (nq, ns, n), and the limit.

        Weights sum to 1 where a width is measured, else to 0; the limit (nq, ns) is that of the
        nearest line where this is a limit, else infinite.
        """
        lines = self.lines
        apart = np.abs(energy_mev[..., None] - lines.energy_mev)
        near = apart <= self.reach_mev
        if self.method == "element":
            near &= element[..., None] == lines.element
        distance = np.where(near, apart, np.inf)
        nearest = distance.argmin(axis=-1)
        any_near = near.any(axis=-1)
        limited = any_near & lines.is_limit[nearest]
        limit = np.where(limited, np.exp(lines.log_fwhm[nearest]), np.inf)
        measured = any_near & ~limited
        if self.method == "element":
            weights = np.zeros(apart.shape)
            np.put_along_axis(weights, nearest[..., None], 1.0, axis=-1)
        else:
            precision = 1 / np.maximum(lines.log_error, 0.01) ** 2
            kernel = np.exp(-2 * (apart / self.reach_mev) ** 2) * precision
            weights = np.where(near & ~lines.is_limit, kernel, 0.0)
            weights /= np.maximum(weights.sum(axis=-1, keepdims=True), 1e-300)
        weights[~measured] = 0.0
        return weights, limit


def _log_draws(lines: _Lines, samples: int, seed: int) -> FloatArray:
    """(1 + samples, n) ln Γ: as measured first, then drawn."""
    scatter = np.random.default_rng(seed).standard_normal((samples, len(lines.log_fwhm)))
    drawn = lines.log_fwhm + scatter * lines.log_error
    return np.vstack([lines.log_fwhm, drawn])


class _BlockKappa(NamedTuple):
    """Sums over a block's modes: (2, 1 + samples, 6) κ_p and κ_c; which modes are covered."""

    kappa: FloatArray
    covered: BoolArray
    limited: BoolArray


@dataclass(frozen=True)
class _Work:
    """Works on a block of points of the mesh."""

    model: PhononModel
    points: IrreducibleMesh
    modes: ModeTable
    weights: _LineWeights
    draws: FloatArray
    temperature_k: float

    def __call__(self, part: slice) -> _BlockKappa:
        conventional = self.model.force_constants.conventional
        own = MeshWidths(self.modes.fwhm_mev, None, None, conventional, self.points.q)
        block = block_modes(self.model, self.points, [own], part)
        computed, usable = block.fwhm_mev[0], block.usable[0]
        weights, limit = self.weights.of(block.energy_mev, block.element_share.argmax(axis=-1))
        measured = weights.any(axis=-1) & usable
        limited = (limit < computed) & usable
        uncovered = np.minimum(computed, limit)
        star = self.points.weights[part] / self.points.n_points
        volume = self.model.force_constants.volume
        kappa = np.empty((2, len(self.draws), 6))
        for number, draw in enumerate(self.draws):
            fwhm = np.where(measured, np.exp(weights @ draw), uncovered)
            found = total_conductivity(block.pairs, fwhm, self.temperature_k, volume)
            kappa[:, number] = [star @ part_of_kappa for part_of_kappa in found]
        return _BlockKappa(kappa, measured, limited)


def _coverage(blocks: Sequence[_BlockKappa], modes: ModeTable) -> dict[str, float]:
    covered = np.concatenate([block.covered for block in blocks])
    limited = np.concatenate([block.limited for block in blocks])
    count = np.where(modes.usable, modes.weights[:, None], 0)
    particle, wave = (kappa[..., :3].sum(axis=-1) for kappa in (modes.kappa_p, modes.kappa_c))
    return {
        "covered": float(count[covered].sum() / count.sum()),
        "limited": float(count[limited].sum() / count.sum()),
        "covered_p": float(particle[covered].sum() / particle.sum()) if particle.any() else 0.0,
        "covered_c": float(wave[covered].sum() / wave.sum()) if wave.any() else 0.0,
    }


def _band(tensors: FloatArray) -> FloatArray:
    """(2, 3, 3) 16 % and 84 % of the draws (the first is none)."""
    return np.asarray(np.percentile(tensors[1:], (16, 84), axis=0))
