"""Force constants of second, third and fourth order together, from the forces of a simulation.

Least squares of F_i = -Σ Φ_ij u_j - ½ Σ Φ_ijk u_j u_k - ⅙ Σ Φ_ijkl u_j u_k u_l over clusters of
atoms within a cutoff of each order, with the symmetry of the crystal and the acoustic sum rules,
by hiPhive (F. Eriksson, E. Fransson and P. Erhart, Adv. Theory Simul. 2, 1800184 (2019)).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np

from ixs_core.arrays import BoolArray, FloatArray
from ixs_core.errors import InputError
from ixs_core.jobs import CancelToken, Progress
from simulate.md.cluster_constants import ClusterConstants, cluster_constants
from simulate.md.force_snapshots import ForceSnapshots, checked_snapshots
from simulate.md.reference_structure import ReferenceStructure, symmetrised_reference

CUTOFFS = (8.0, 6.0, 5.2)
"""Å of second, third and fourth order, as the source paper has them."""

_OVERDETERMINED = 2
_MOST_PARAMETERS = 15_000  # three squares of it must fit in memory
_HELD_OUT = 5  # every fifth part of the snapshots is predicted, not fitted
_WORSE = 0.02  # of R²: what is not seen explained so much less well is noise in the fit
_SINGULAR = 1e-12


class FitShare(NamedTuple):
    """How well a fit explains forces.

    Parameters
    ----------
    r2, rmse : float
        Of all snapshots, fitted to all; rmse in eV/Å.
    r2_unseen, rmse_unseen : float
        Of a fifth of the snapshots by a fit to the others.
    """

    r2: float
    rmse: float
    r2_unseen: float
    rmse_unseen: float


@dataclass(frozen=True)
class AnharmonicForceConstants:
    """Force constants of several orders, of one fit.

    Parameters
    ----------
    constants : dict of int to ClusterConstants
        By order.
    phonon : phonopy.Phonopy
        Second order, in a supercell of whole primitive vectors that holds all cutoffs.
    reference : ReferenceStructure
    cutoffs : tuple of float
        Å, from second order on.
    parameters : dict of int to int
        Fitted, by order.
    equations : int
        Force components.
    snapshots : int
    quality : FitShare
    harmonic_quality : FitShare
        Of a fit of second order alone with the same cutoff.
    notes : tuple of str
    """

    constants: dict[int, ClusterConstants]
    phonon: Any
    reference: ReferenceStructure
    cutoffs: tuple[float, ...]
    parameters: dict[int, int]
    equations: int
    snapshots: int
    quality: FitShare
    harmonic_quality: FitShare
    notes: tuple[str, ...] = ()


def anharmonic_force_constants(
    source: ForceSnapshots,
    order: int = 3,
    cutoffs: Sequence[float] | None = None,
    *,
    tolerance: float = 0.1,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> AnharmonicForceConstants:
    """Fit all orders from the second on together.

    Parameters
    ----------
    source : ForceSnapshots
    order : int
        Up to which: 3 or 4.
    cutoffs : sequence of float, optional
        Å of second, third and fourth order; 8, 6, 5.2 by default.
    tolerance : float
        Å, within which average positions are symmetric.

    Raises
    ------
    InputError
        No hiphive (extra `transport`), cutoffs beyond half of the supercell, too few snapshots,
        atoms that do not match the reference.
    Cancelled
    """
    if find_spec("hiphive") is None:
        raise InputError(
            "fitting force constants of higher order needs hiphive",
            hint="pip install 'ixs-suite[transport]'",
        )
    cancel = cancel or CancelToken()
    reaches = tuple(CUTOFFS[: order - 1] if cutoffs is None else cutoffs)
    snapshots = checked_snapshots(source)
    reference = symmetrised_reference(
        snapshots.species,
        snapshots.cell,
        snapshots.mean_positions,
        snapshots.ideal_positions,
        tolerance,
    )
    _check_cutoffs(order, reaches, snapshots)
    from simulate.md.force_constant_fit import phonopy_of_reference

    phonon, atoms = phonopy_of_reference(reference, snapshots.species)
    if progress is not None:
        progress(0, len(snapshots), "clusters, first")
    space = _cluster_space(reference, reaches)
    cancel.check()
    equations = snapshots.forces.size
    _check_determined(space.n_dofs, equations, reference.space_group, snapshots.name)
    model = _model(phonon, space)
    sums = _normal_equations(
        model,
        (snapshots.positions - reference.positions)[:, atoms],
        snapshots.forces[:, atoms],
        progress,
        cancel,
    )
    everything = np.arange(space.n_dofs)
    parameters, quality = _solved(sums, everything)
    _, harmonic_quality = _solved(sums, np.asarray(space.get_parameter_indices(2), dtype=int))
    model.parameters = parameters
    found = model.get_force_constants()
    constants = {
        n: cluster_constants(found.get_fc_dict(order=n), phonon.supercell, phonon.primitive)
        for n in range(2, order + 1)
    }
    return AnharmonicForceConstants(
        constants,
        second_order_phonon(constants[2], phonon, max(reaches)),
        reference,
        reaches,
        {n: int(space.get_n_dofs_by_order(n)) for n in constants},
        equations,
        len(snapshots),
        quality,
        harmonic_quality,
        _notes(quality, harmonic_quality, equations, space.n_dofs),
    )


def second_order_phonon(constants: ClusterConstants, phonon: Any, cutoff: float) -> Any:
    """A Phonopy object of second order whose supercell is the primitive cell, repeated.

    Transport codes want such a one, twice as wide as the cutoff.

    Parameters
    ----------
    constants : ClusterConstants
    phonon : phonopy.Phonopy
        Its primitive cell is taken.
    cutoff : float
        Å.
    """
    from phonopy import Phonopy

    heights = 1 / np.linalg.norm(np.linalg.inv(phonon.primitive.cell), axis=0)
    repeats = np.ceil(2 * cutoff / heights - 1e-6).astype(int)
    made: Any = Phonopy(
        phonon.unitcell, supercell_matrix=np.diag(repeats), primitive_matrix=np.eye(3)
    )
    made.force_constants = constants.in_supercell(made.supercell, made.primitive)
    return made


class _NormalEquations(NamedTuple):
    """Sums over the snapshots fitted (first) and held out (second)."""

    gram: FloatArray  # (2, p, p)
    moment: FloatArray  # (2, p)
    power: FloatArray  # (2,) Σ F²
    number: FloatArray  # (2,) force components


def _check_cutoffs(order: int, cutoffs: Sequence[float], snapshots: ForceSnapshots) -> None:
    if order not in (3, 4):
        raise InputError("no order that can be fitted", key="order", found=order, expected="2 to 4")
    if len(cutoffs) != order - 1 or not all(0 < cutoff < np.inf for cutoff in cutoffs):
        raise InputError(
            "not the cutoffs of the orders",
            key="cutoffs",
            found=" ".join(map(str, cutoffs)),
            expected=f"{order - 1} distances in Å, of second order and on",
        )
    heights = 1 / np.linalg.norm(np.linalg.inv(snapshots.cell), axis=0)
    if max(cutoffs) >= heights.min() / 2:
        raise InputError(
            "a cutoff reaches beyond half of the supercell",
            file=snapshots.name or None,
            key="cutoffs",
            found=f"{max(cutoffs):g} Å",
            expected=f"below {heights.min() / 2:.2f} Å",
            hint="shorter cutoffs, or snapshots of a larger supercell",
        )


def _cluster_space(reference: ReferenceStructure, cutoffs: Sequence[float]) -> Any:
    from ase import Atoms
    from hiphive import ClusterSpace  # type: ignore[import-untyped]
    from hiphive.input_output.logging_tools import (  # type: ignore[import-untyped]
        set_config,
    )

    set_config(level=logging.WARNING)
    primitive = Atoms(
        reference.primitive_species,
        cell=reference.primitive,
        scaled_positions=reference.primitive_positions,
        pbc=True,
    )
    try:
        return ClusterSpace(primitive, list(cutoffs), symprec=1e-3)
    except Exception as error:  # hiphive raises bare ones where no clusters are left
        raise InputError(
            f"hiphive finds no force constants to fit: {error}",
            key="cutoffs",
            found=" ".join(f"{cutoff:g}" for cutoff in cutoffs),
            hint="longer cutoffs",
        ) from error


def _model(phonon: Any, space: Any) -> Any:
    from ase import Atoms
    from hiphive.force_constant_model import (  # type: ignore[import-untyped]
        ForceConstantModel,
    )

    ideal = phonon.supercell
    atoms = Atoms(ideal.symbols, positions=ideal.positions, cell=ideal.cell, pbc=True)
    return ForceConstantModel(atoms, space)


def _check_determined(parameters: int, equations: int, space_group: str, name: str) -> None:
    if parameters > _MOST_PARAMETERS or equations < _OVERDETERMINED * parameters:
        raise InputError(
            "the snapshots do not determine the force constants",
            file=name or None,
            found=f"{parameters} parameters in {space_group}, {equations} force components",
            expected=f"{_OVERDETERMINED} components for each, at most {_MOST_PARAMETERS} of them",
            hint="more snapshots, shorter cutoffs, or a tolerance that finds the symmetry",
        )


def _normal_equations(
    model: Any,
    displacements: FloatArray,
    forces: FloatArray,
    progress: Progress | None,
    cancel: CancelToken,
) -> _NormalEquations:
    """One snapshot after the other: the matrix of all would not fit in memory."""
    size = model.cs.n_dofs
    gram, moment = np.zeros((2, size, size)), np.zeros((2, size))
    power, number = np.zeros(2), np.zeros(2)
    held_out = _held_out(len(forces))
    for k, (u, f) in enumerate(zip(displacements, forces, strict=True)):
        cancel.check()
        matrix = np.asarray(model.get_fit_matrix(np.ascontiguousarray(u)))
        part = int(held_out[k])
        gram[part] += matrix.T @ matrix
        moment[part] += matrix.T @ f.ravel()
        power[part] += np.sum(f**2)
        number[part] += f.size
        if progress is not None:
            progress(k + 1, len(forces), "snapshots")
    return _NormalEquations(gram, moment, power, number)


def _held_out(count: int) -> BoolArray:
    """Which snapshots are not fitted: a fifth of them, in blocks, since neighbours are alike."""
    share = min(_HELD_OUT, count)
    blocks = np.arange(count) * (2 * share if count >= 2 * share else share) // count
    return np.asarray((blocks % share == share - 1) & (count > 1))


def _solved(sums: _NormalEquations, chosen: Any) -> tuple[FloatArray, FitShare]:
    """Parameters of all snapshots, and how well they and those of a part explain forces."""
    block = np.ix_(chosen, chosen)
    gram = sums.gram[0][block]
    unseen_gram = sums.gram[1][block]
    moment, unseen_moment = sums.moment[:, chosen]
    part = _least_squares(gram, moment)
    gram += unseen_gram
    whole = _least_squares(gram, moment + unseen_moment)
    left = _left(gram, moment + unseen_moment, sums.power.sum(), whole)
    unseen = _left(unseen_gram, unseen_moment, sums.power[1], part)
    power, number = sums.power.sum(), sums.number.sum()
    return whole, FitShare(
        float(1 - left / power),
        float(np.sqrt(left / number)),
        float(1 - unseen / sums.power[1]) if sums.number[1] else float("nan"),
        float(np.sqrt(unseen / sums.number[1])) if sums.number[1] else float("nan"),
    )


def _least_squares(gram: FloatArray, moment: FloatArray) -> FloatArray:
    """Solution of the normal equations, columns scaled to one; directions without data get zero."""
    from scipy.linalg import LinAlgError, cho_factor, cho_solve, eigh

    scale = np.sqrt(np.maximum(np.diag(gram), np.finfo(float).tiny))
    scaled = gram / scale[:, None] / scale
    try:
        solution = cho_solve(cho_factor(scaled), moment / scale)
    except LinAlgError:
        values, vectors = eigh(scaled)
        kept = values > _SINGULAR * values[-1]
        solution = vectors[:, kept] @ ((vectors[:, kept].T @ (moment / scale)) / values[kept])
    return np.asarray(solution / scale)


def _left(gram: FloatArray, moment: FloatArray, power: float, solution: FloatArray) -> float:
    """Σ (F - A x)²."""
    return max(0.0, float(power - 2 * moment @ solution + solution @ gram @ solution))


def _notes(
    quality: FitShare, harmonic: FitShare, equations: int, parameters: int
) -> tuple[str, ...]:
    notes = []
    if quality.r2_unseen < quality.r2 - _WORSE:
        notes.append(
            f"forces not seen are explained less well (R² {quality.r2_unseen:.3f} against "
            f"{quality.r2:.3f}): {equations / parameters:.0f} force components for each "
            "parameter are too few; more snapshots or shorter cutoffs"
        )
    if quality.r2_unseen < harmonic.r2_unseen:
        notes.append("second order alone explains unseen forces better: the higher ones are noise")
    return tuple(notes)
