"""Effective force constants at a temperature: those that explain the forces of a simulation best.

Least squares of F = -Φ u over the snapshots of a supercell (O. Hellman, I. A. Abrikosov and
S. I. Simak, Phys. Rev. B 84, 180301 (2011)), u from the average positions, Φ with the symmetry of
the crystal by symfc (A. Seko and A. Togo, Phys. Rev. B 110, 214302 (2024)), then moved to the
nearest that are invariant under rotations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from ixs_core.jobs import CancelToken, Progress
from ixs_core.units import THZ_IN_MEV
from simulate.md.force_snapshots import (
    ForceSnapshots,
    checked_snapshots,
    snapshots_of_trajectory,
)
from simulate.md.reference_structure import (
    ReferenceStructure,
    matched_atoms,
    symmetrised_reference,
)
from simulate.md.rotational_sum_rules import SumRules, rotationally_invariant, sum_rules
from simulate.md.trajectory import Trajectory
from simulate.phonons.force_constants import ForceConstants

if TYPE_CHECKING:
    from simulate.md.anharmonic_force_constants import AnharmonicForceConstants

_IMAGINARY_MEV = -0.05  # above it the acoustic modes at Γ, which rounding makes ±
_MESH = 8
_OVERDETERMINED = 2
_MOST_PARAMETERS = 15_000  # the square of it must fit in memory
_FAR = 1.5  # Å: farther than any vibration


@dataclass(frozen=True)
class FitQuality:
    """How well force constants explain forces.

    Parameters
    ----------
    r2 : float
        1 - Σ(F + Φu)²/ΣF².
    rmse : float
        Root mean square of F + Φu in eV/Å.
    r2_of : dict
        By element.
    """

    r2: float
    rmse: float
    r2_of: dict[str, float]


@dataclass(frozen=True)
class EffectiveForceConstants:
    """Force constants fitted to snapshots.

    Parameters
    ----------
    force_constants : ForceConstants
        As `load_force_constants` gives them.
    phonon : phonopy.Phonopy
        The same, for phonopy and for saving.
    reference : ReferenceStructure
    quality : FitQuality
        Of the force constants given.
    quality_before : FitQuality
        Of the least-squares fit, before rotational invariance.
    residuals, residuals_before : SumRules
        Of the force constants given, and of the fit.
    imaginary : (k, 4) array
        Wave vector (primitive r.l.u.) and energy (meV, negative) of the unstable modes on a mesh.
    snapshots, parameters : int
        Fitted to, and fitted.
    notes : tuple of str
        What the user should know.
    """

    force_constants: ForceConstants
    phonon: Any
    reference: ReferenceStructure
    quality: FitQuality
    quality_before: FitQuality
    residuals: SumRules
    residuals_before: SumRules
    imaginary: FloatArray
    snapshots: int
    parameters: int
    notes: tuple[str, ...] = ()

    def save(self, path: str | Path) -> Path:
        """Write a phonopy params YAML, which phonopy and `ixs sqe` read."""
        file = Path(path)
        self.phonon.save(
            file,
            settings={"force_constants": True, "force_sets": False, "displacements": False},
            compression=False,
        )
        return file


@overload
def effective_force_constants(
    source: ForceSnapshots | Trajectory,
    calculator: Any = None,
    *,
    order: Literal[2] = 2,
    every: int = 10,
    tolerance: float = 0.1,
    cutoff: float | None = None,
    rotational: bool = True,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> EffectiveForceConstants: ...


@overload
def effective_force_constants(
    source: ForceSnapshots | Trajectory,
    calculator: Any = None,
    *,
    order: Literal[3, 4],
    every: int = 10,
    tolerance: float = 0.1,
    cutoffs: Sequence[float] | None = None,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> AnharmonicForceConstants: ...


def effective_force_constants(
    source: ForceSnapshots | Trajectory,
    calculator: Any = None,
    *,
    order: int = 2,
    every: int = 10,
    tolerance: float = 0.1,
    cutoff: float | None = None,
    cutoffs: Sequence[float] | None = None,
    rotational: bool = True,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> EffectiveForceConstants | AnharmonicForceConstants:
    """Fit force constants to snapshots, or to frames of a trajectory.

    Parameters
    ----------
    source : ForceSnapshots or Trajectory
        A trajectory needs a calculator, since it holds no forces.
    calculator : ASE calculator, optional
    order : int
        2; or 3 or 4, all orders up to which are fitted together (hiphive).
    every : int
        Of a trajectory, the forces of every n-th frame.
    tolerance : float
        Å, within which average positions are symmetric.
    cutoff : float, optional
        Å, beyond which there are no forces between atoms; by default the whole supercell. With
        few snapshots a cutoff (8 Å in CsCu2I3) keeps noise out. Second order only.
    cutoffs : two or three numbers, optional
        Å of second, third and fourth order; 8, 6, 5.2 by default.
    rotational : bool
        Enforce the Born-Huang and Huang rules. Second order only.

    Raises
    ------
    InputError
        No symfc or hiphive (extra `transport`), a trajectory without calculator, too few
        snapshots, atoms that do not match the reference.
    """
    if order == 2:
        _require_symfc()
    if isinstance(source, Trajectory):
        if calculator is None:
            raise InputError(
                "a trajectory holds no forces",
                file=source.name or None,
                hint="give a calculator, or snapshots with forces",
            )
        source = snapshots_of_trajectory(
            source, calculator, every, progress=progress, cancel=cancel
        )
    if order != 2:
        from simulate.md.anharmonic_force_constants import anharmonic_force_constants

        return anharmonic_force_constants(
            source, order, cutoffs, tolerance=tolerance, progress=progress, cancel=cancel
        )
    snapshots = checked_snapshots(source)
    reference = symmetrised_reference(
        snapshots.species,
        snapshots.cell,
        snapshots.mean_positions,
        snapshots.ideal_positions,
        tolerance,
    )
    phonon, order = phonopy_of_reference(reference, snapshots.species)
    displacements = (snapshots.positions - reference.positions)[:, order]
    forces = snapshots.forces[:, order]
    if cancel is not None:
        cancel.check()
    parameters = _parameters(phonon, cutoff)
    _check_determined(parameters, forces.size, reference.space_group, snapshots.name)
    _fit(phonon, displacements, forces, cutoff, snapshots.name)
    before, quality_before = sum_rules(phonon), _quality(phonon, displacements, forces)
    if rotational:
        phonon.force_constants = rotationally_invariant(phonon)
    from simulate.phonons.loading.load import load_force_constants

    return EffectiveForceConstants(
        load_force_constants(phonon),
        phonon,
        reference,
        _quality(phonon, displacements, forces),
        quality_before,
        sum_rules(phonon),
        before,
        _imaginary(phonon),
        len(snapshots),
        parameters,
        _notes(reference, displacements, tolerance),
    )


def _require_symfc() -> None:
    if find_spec("symfc") is None:
        raise InputError(
            "fitting force constants needs symfc", hint="pip install 'ixs-suite[transport]'"
        )


def phonopy_of_reference(
    reference: ReferenceStructure, species: tuple[str, ...]
) -> tuple[Any, Any]:
    """A Phonopy object of the reference, and the snapshot's atom of each of its atoms."""
    from ase.data import atomic_numbers
    from phonopy import Phonopy
    from phonopy.structure.atoms import PhonopyAtoms

    unit = PhonopyAtoms(
        symbols=list(reference.primitive_species),
        cell=reference.primitive.tolist(),
        scaled_positions=reference.primitive_positions.tolist(),
    )
    phonon = Phonopy(unit, supercell_matrix=reference.repeats.T, primitive_matrix=np.eye(3))
    inverse = np.linalg.inv(reference.cell)
    order = matched_atoms(
        phonon.supercell.positions @ inverse,
        np.asarray(phonon.supercell.numbers),
        reference.positions @ inverse,
        np.array([atomic_numbers[element] for element in species]),
        reference.cell,
        1e-2,
    )
    return phonon, order


def _parameters(phonon: Any, cutoff: float | None) -> int:
    """How many numbers the symmetry leaves free."""
    from phonopy.interface.symfc import SymfcFCSolver

    options = None if cutoff is None else {"cutoff": {2: cutoff}}
    solver = SymfcFCSolver(phonon.supercell, symmetry=phonon.symmetry, options=options)
    return int(solver.estimate_basis_size(orders=[2])[2])


def _check_determined(parameters: int, equations: int, space_group: str, name: str) -> None:
    if parameters > _MOST_PARAMETERS or equations < _OVERDETERMINED * parameters:
        raise InputError(
            "the snapshots do not determine the force constants",
            file=name or None,
            found=f"{parameters} parameters in {space_group}, {equations} force components",
            expected=f"{_OVERDETERMINED} components for each, at most {_MOST_PARAMETERS} of them",
            hint="more snapshots, a shorter cutoff, or a tolerance that finds the symmetry",
        )


def _fit(
    phonon: Any, displacements: FloatArray, forces: FloatArray, cutoff: float | None, name: str
) -> None:
    phonon.dataset = {
        "displacements": np.ascontiguousarray(displacements),
        "forces": np.ascontiguousarray(forces),
    }
    options = None if cutoff is None else f"cutoff = {cutoff}"
    try:
        phonon.produce_force_constants(
            fc_calculator="symfc",
            fc_calculator_options=options,
            calculate_full_force_constants=False,
        )
    except np.linalg.LinAlgError as error:
        raise InputError(
            "the snapshots do not determine the force constants",
            file=name or None,
            found=f"{len(forces)} snapshots",
            hint="more snapshots, or a shorter cutoff",
        ) from error
    # The snapshots, which need not be kept with the result, take the force constants along.
    constants, phonon.dataset = phonon.force_constants, None
    phonon.force_constants = constants


def _quality(phonon: Any, displacements: FloatArray, forces: FloatArray) -> FitQuality:
    from phonopy.harmonic.force_constants import compact_fc_to_full_fc

    full = compact_fc_to_full_fc(phonon.primitive, phonon.force_constants)
    n = full.shape[1]
    matrix = full.transpose(0, 2, 1, 3).reshape(3 * n, 3 * n)
    predicted = -(displacements.reshape(-1, 3 * n) @ matrix).reshape(forces.shape)
    rest = ((forces - predicted) ** 2).sum(axis=(0, 2))
    total = (forces**2).sum(axis=(0, 2))
    symbols = np.array(phonon.supercell.symbols)
    return FitQuality(
        float(1 - rest.sum() / total.sum()),
        float(np.sqrt(rest.sum() / forces.size)),
        {
            str(element): float(
                1 - rest[symbols == element].sum() / total[symbols == element].sum()
            )
            for element in dict.fromkeys(symbols)
        },
    )


def _imaginary(phonon: Any) -> FloatArray:
    phonon.run_mesh([_MESH] * 3, is_gamma_center=True)
    mesh = phonon.mesh
    energies = mesh.frequencies * THZ_IN_MEV
    at, mode = np.nonzero(energies < _IMAGINARY_MEV)
    return np.column_stack([mesh.qpoints[at], energies[at, mode]])


def _notes(
    reference: ReferenceStructure, displacements: FloatArray, tolerance: float
) -> tuple[str, ...]:
    notes = []
    if reference.change > tolerance:
        notes.append(
            f"average positions are up to {reference.change:.2f} Å off the symmetry "
            f"{reference.space_group}: average longer, or the symmetry is another"
        )
    drift = displacements - displacements.mean(axis=1, keepdims=True)
    far = int(np.any(np.linalg.norm(drift, axis=-1) > _FAR, axis=0).sum())
    if far:
        notes.append(f"{far} atoms go farther than {_FAR} Å from their sites: they may have hopped")
    return tuple(notes)
