"""Wigner thermal conductivity κ = κ_p + κ_c from force constants and linewidths.

The formula is in `wigner_kernel`, the velocity operator in `velocity_operator`. Only irreducible
q-points are computed, a block of them at a time; every result comes with its audit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ixs_core.arrays import BoolArray, FloatArray, IntArray
from ixs_core.errors import InputError
from ixs_core.jobs import CancelToken, Progress, parallel_map
from simulate.phonons.degeneracy import group_means
from simulate.phonons.model import PhononModel
from simulate.phonons.modes import IMAGINARY_MEV
from simulate.transport.audit import Audit
from simulate.transport.irreducible_mesh import IrreducibleMesh
from simulate.transport.lifetimes import Linewidths
from simulate.transport.mode_table import ModeTable
from simulate.transport.mode_widths import MeshWidths, WidthSource, mesh_widths
from simulate.transport.point_group import PointGroup
from simulate.transport.velocity_operator import Normalisation, Variant, check_choice
from simulate.transport.wigner_audit import AUDITED_POINTS, WignerCase, audit_wigner
from simulate.transport.wigner_blocks import block_modes, elements_of, point_blocks
from simulate.transport.wigner_kernel import mode_conductivity, six_components, whole_tensor

_SYMMETRIC: tuple[Variant, ...] = ("wigner", "hwhm")
_NOTED_MEV = 0.01


@dataclass(frozen=True)
class WignerKappa:
    """Thermal conductivity of a crystal at a temperature.

    Parameters
    ----------
    temperature_k : float
    kappa_p, kappa_c : (3, 3) arrays
        Particle-like and wave-like, W m⁻¹ K⁻¹, in the frame of the force constants' vectors.
    modes : ModeTable
    audit : Audit
    mesh : (int, int, int)
    variant, normalisation
        As asked for.
    source : str
        Force constants and linewidths, for people.
    notes : tuple of str
        What was left out or changed, with counts.
    """

    temperature_k: float
    kappa_p: FloatArray
    kappa_c: FloatArray
    modes: ModeTable
    audit: Audit
    mesh: tuple[int, int, int]
    variant: Variant = "wigner"
    normalisation: Normalisation = "mean"
    source: str = ""
    notes: tuple[str, ...] = ()

    @property
    def kappa(self) -> FloatArray:
        """(3, 3) κ_p + κ_c."""
        return np.asarray(self.kappa_p + self.kappa_c)


def wigner_kappa(
    model: PhononModel,
    linewidths: WidthSource,
    temperature_k: float,
    mesh: Sequence[int] | None = None,
    *,
    variant: Variant = "wigner",
    normalisation: Normalisation = "mean",
    audited_points: int = AUDITED_POINTS,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
    workers: int | None = None,
) -> WignerKappa:
    """κ_p and κ_c of a crystal at one temperature; parameters and errors as in `wigner_series`."""
    return wigner_series(
        model,
        linewidths,
        [temperature_k],
        mesh,
        variant=variant,
        normalisation=normalisation,
        audited_points=audited_points,
        progress=progress,
        cancel=cancel,
        workers=workers,
    )[0]


def wigner_series(
    model: PhononModel,
    linewidths: WidthSource,
    temperatures_k: Sequence[float],
    mesh: Sequence[int] | None = None,
    *,
    variant: Variant = "wigner",
    normalisation: Normalisation = "mean",
    audited_points: int = AUDITED_POINTS,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
    workers: int | None = None,
) -> tuple[WignerKappa, ...]:
    """κ_p and κ_c at several temperatures from one pass over the mesh.

    Parameters
    ----------
    model : PhononModel
        Of the same phonons as the linewidths.
    linewidths : Linewidths, float or callable
        FWHM of the modes: on a mesh, one number in meV, or a function of (q_hkl, energy_mev) such
        as a `LinewidthTable`. They are averaged over degenerate modes.
    temperatures_k : sequence of float
        At each of which a `Linewidths` must have widths.
    mesh : three ints, optional
        Divisions of the primitive reciprocal cell; by default those of the linewidths.
    variant : "wigner", "step", "real_part" or "hwhm"
        All but the first are wrong, for comparison: see `velocity_operator`. Those that break the
        crystal's symmetry are summed over the whole mesh.
    normalisation : "mean" or "geometric"
    audited_points : int
        Irreducible points at which the audit computes again.
    progress, cancel, workers
        As for `ixs_core.jobs.parallel_map`.

    Returns
    -------
    tuple of WignerKappa
        In the order of the temperatures.

    Raises
    ------
    InputError
        Linewidths of another crystal, of other energies or another mesh; a mesh without the
        crystal's symmetry; no mesh at all; a temperature that is none.
    Cancelled
    """
    check_choice(variant, normalisation)
    for temperature in temperatures_k:
        check_kelvin(temperature)
    crystal = model.force_constants
    group = PointGroup.of_force_constants(crystal)
    symmetric = variant in _SYMMETRIC
    irreducible = IrreducibleMesh.of(mesh_of(linewidths, mesh), group)
    points = irreducible if symmetric else irreducible.unfolded()
    widths = [
        mesh_widths(linewidths, kelvin, irreducible, crystal, points.q) for kelvin in temperatures_k
    ]
    star = _star_average(group) if symmetric else np.eye(6)
    work = _Work(model, points, widths, tuple(temperatures_k), variant, normalisation, star)
    blocks = parallel_map(
        work,
        point_blocks(len(points.q), crystal.n_modes),
        workers=workers,
        progress=progress,
        cancel=cancel,
    )
    case = WignerCase(model, group, points, variant, normalisation)
    results = []
    for number, kelvin in enumerate(temperatures_k):
        table = _mode_table(blocks, number, points, model)
        kappa_p = whole_tensor(table.kappa_p.sum(axis=(0, 1)))
        kappa_c = whole_tensor(table.kappa_c.sum(axis=(0, 1)))
        audit = audit_wigner(case, table, kelvin, kappa_p, kappa_c, audited_points, cancel)
        results.append(
            WignerKappa(
                temperature_k=float(kelvin),
                kappa_p=kappa_p,
                kappa_c=kappa_c,
                modes=table,
                audit=audit,
                mesh=points.mesh,
                variant=variant,
                normalisation=normalisation,
                source=", ".join(filter(None, (crystal.source, widths[number].source))),
                notes=(*_notes(table), *_block_notes(blocks)),
            )
        )
    return tuple(results)


def mesh_of(linewidths: WidthSource, mesh: Sequence[int] | None) -> Sequence[int]:
    """The mesh that was asked for, or that of the linewidths; InputError where there is none."""
    own = linewidths.mesh if isinstance(linewidths, Linewidths) else None
    if mesh is not None:
        return mesh
    if own is None:
        raise InputError(
            "the linewidths do not say on which mesh of q-points to sum",
            key="mesh",
            hint="give the divisions of the primitive reciprocal cell, such as 9 7 9",
        )
    return own


def check_kelvin(temperature_k: float) -> None:
    """Raise an InputError where a temperature is none."""
    if not 0 < temperature_k < float("inf"):
        raise InputError(
            "not a temperature", key="temperature_k", found=temperature_k, expected="kelvin above 0"
        )


class _BlockKappa(NamedTuple):
    """What is kept of a block of points; lists have an entry for each temperature."""

    energy_mev: FloatArray
    velocity_km_s: FloatArray
    element_share: FloatArray
    fwhm_mev: list[FloatArray]
    usable: list[BoolArray]
    kappa: list[tuple[FloatArray, FloatArray]]
    difference_mev: float
    averaged: int


@dataclass(frozen=True)
class _Work:
    """Works on a block of points. `star` (6, 6) takes the mean of a tensor over a star."""

    model: PhononModel
    points: IrreducibleMesh
    widths: list[MeshWidths]
    temperatures_k: tuple[float, ...]
    variant: Variant
    normalisation: Normalisation
    star: FloatArray

    def __call__(self, part: slice) -> _BlockKappa:
        modes = block_modes(
            self.model, self.points, self.widths, part, self.variant, self.normalisation
        )
        kappa = []
        for number, kelvin in enumerate(self.temperatures_k):
            width = modes.fwhm_mev[number] / (2 if self.variant == "hwhm" else 1)
            particle, wave = mode_conductivity(
                modes.pairs_of(number), width, kelvin, self.model.force_constants.volume
            )
            kappa.append(
                (self._shared(particle, part, modes.groups), self._shared(wave, part, modes.groups))
            )
        return _BlockKappa(
            modes.energy_mev,
            modes.velocity_km_s,
            modes.element_share,
            modes.fwhm_mev,
            modes.usable,
            kappa,
            modes.difference_mev,
            modes.averaged,
        )

    def _shared(self, values: FloatArray, part: slice, groups: IntArray) -> FloatArray:
        """Means over degenerate modes and over the star, of all points that one stands for."""
        means = [group_means(values[..., component], groups) for component in range(6)]
        weight = self.points.weights[part, None, None] / self.points.n_points
        return np.asarray(np.stack(means, axis=-1) @ self.star * weight)


def _star_average(group: PointGroup) -> FloatArray:
    """(6, 6) that a tensor's six components (a row) are multiplied with for their mean."""
    return six_components(group.average(whole_tensor(np.eye(6))))


def _mode_table(
    blocks: Sequence[_BlockKappa], number: int, points: IrreducibleMesh, model: PhononModel
) -> ModeTable:
    crystal = model.force_constants
    return ModeTable(
        q_hkl=points.q @ crystal.conventional.T,
        weights=points.weights,
        energy_mev=np.concatenate([block.energy_mev for block in blocks]),
        fwhm_mev=np.concatenate([block.fwhm_mev[number] for block in blocks]),
        velocity_km_s=np.concatenate([block.velocity_km_s for block in blocks]),
        kappa_p=np.concatenate([block.kappa[number][0] for block in blocks]),
        kappa_c=np.concatenate([block.kappa[number][1] for block in blocks]),
        elements=elements_of(crystal),
        element_share=np.concatenate([block.element_share for block in blocks]),
        usable=np.concatenate([block.usable[number] for block in blocks]),
    )


def _notes(table: ModeTable) -> tuple[str, ...]:
    """Modes that were left out or are hardly modes, counted over the whole mesh."""
    weight = np.broadcast_to(table.weights[:, None], table.energy_mev.shape)
    total = int(weight.sum())
    imaginary = table.energy_mev < -IMAGINARY_MEV
    translations = np.zeros_like(imaginary)
    at_gamma = np.flatnonzero((np.abs(table.q_hkl) < 1e-9).all(axis=1))
    for row in at_gamma:
        translations[row, np.argsort(np.abs(table.energy_mev[row]))[:3]] = True
    unknown = ~table.usable & ~imaginary & ~translations
    below = table.usable & (table.fwhm_mev > table.energy_mev)
    counted = (
        (imaginary, "are imaginary and left out"),
        (unknown, "have no linewidth (or no energy) and are left out"),
        (below, "are below the Ioffe-Regel limit (FWHM > ħω)"),
    )
    return tuple(
        f"{int(weight[chosen].sum())} of {total} modes {text}"
        for chosen, text in counted
        if chosen.any()
    )


def _block_notes(blocks: Sequence[_BlockKappa]) -> tuple[str, ...]:
    notes = []
    difference = max(block.difference_mev for block in blocks)
    if difference > _NOTED_MEV:
        notes.append(
            f"the energies that came with the linewidths differ from the model's by up to "
            f"{difference:.2g} meV"
        )
    averaged = sum(block.averaged for block in blocks)
    if averaged:
        notes.append(f"widths of degenerate modes that differed and were averaged: {averaged}")
    return tuple(notes)
