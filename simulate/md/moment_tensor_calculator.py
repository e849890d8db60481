"""Energy, forces and stress of a moment tensor potential, and the ASE calculator around them."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from ase.stress import full_3x3_to_voigt_6_stress

from ixs_core.arrays import FloatArray, IntArray
from ixs_core.errors import InputError
from simulate.md.moment_tensor_kernel import (
    LANES,
    KernelTables,
    evaluate_atoms,
    gather_forces,
    kernel_tables,
)
from simulate.md.moment_tensor_potential import (
    MomentTensorPotential,
    read_moment_tensor_potential,
)
from simulate.md.neighbour_pairs import NeighbourPairs, neighbour_pairs

SKIN = 0.6  # Å: a list lasts for some dozens of steps, and holds a quarter more pairs


class PotentialEnergy(NamedTuple):
    """What a potential says of one arrangement of atoms.

    Parameters
    ----------
    energies : (n,) array
        eV of every atom.
    forces : (n, 3) array
        eV/Å.
    virial : (3, 3) array
        dE/dε in eV; divided by the volume, the stress.
    gradient : (p, 3) array
        Derivative of the energy of atom i by r_ij of every pair, in eV/Å.
    """

    energies: FloatArray
    forces: FloatArray
    virial: FloatArray
    gradient: FloatArray


def potential_energy(
    tables: KernelTables,
    positions: FloatArray,
    species: IntArray,
    pairs: NeighbourPairs,
    threads: int = 1,
) -> PotentialEnergy:
    """Evaluate a potential.

    Parameters
    ----------
    tables : KernelTables
        Of `kernel_tables(potential)`.
    positions : (n, 3) array
        Å.
    species : (n,) int array
        Number of each atom's species in the potential.
    pairs : NeighbourPairs
        Reaching the cutoff or farther.
    threads : int
        The result does not depend on it.
    """
    energies, gradient = np.empty(len(positions)), np.empty((len(pairs.other), 3))

    def work(first: int) -> None:
        last = min(first + share, len(positions))
        evaluate_atoms(
            tables,
            positions,
            species,
            pairs.start,
            pairs.other,
            pairs.shift,
            first,
            last,
            energies,
            gradient,
        )

    share = -(-len(positions) // (LANES * threads)) * LANES or LANES
    if threads == 1:
        work(0)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(work, range(0, len(positions), share)))
    forces, virial = gather_forces(positions, pairs.start, pairs.other, pairs.shift, gradient)
    return PotentialEnergy(energies, forces, virial, gradient)


class MomentTensorCalculator(Calculator):
    """ASE calculator of a moment tensor potential.

    Parameters
    ----------
    potential : path or MomentTensorPotential
        An .mtp file.
    species : sequence of str
        Elements in the order of the file ("Cs", "Cu", "I"), which itself does not name them.
    threads : int
        To share the atoms among.
    skin : float
        Å that the list of neighbours reaches beyond the cutoff; it is made anew when an atom has
        moved half of it.

    Raises
    ------
    InputError
        A file that is no potential, or another number of species than it has.
    """

    implemented_properties = ["energy", "energies", "free_energy", "forces", "stress"]  # noqa: RUF012

    def __init__(
        self,
        potential: str | Path | MomentTensorPotential,
        species: Sequence[str],
        *,
        threads: int = 1,
        skin: float = SKIN,
        **keywords: Any,
    ) -> None:
        super().__init__(**keywords)
        if not isinstance(potential, MomentTensorPotential):
            potential = read_moment_tensor_potential(potential)
        if len(species) != potential.n_species:
            raise InputError(
                "another number of species than the potential has",
                file=potential.name or None,
                found=" ".join(species) or "none",
                expected=f"{potential.n_species} elements, in the order of the file",
            )
        self.potential = potential
        self._tables = kernel_tables(potential)
        self._number = {element: index for index, element in enumerate(species)}
        self._threads, self._skin = threads, skin
        self._pairs: NeighbourPairs | None = None
        self._listed: Atoms | None = None
        self._gradient: FloatArray | None = None

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = tuple(all_changes),
    ) -> None:
        """Called by ASE; all properties are made at once."""
        super().calculate(atoms, properties, system_changes)
        positions = np.ascontiguousarray(self.atoms.positions, dtype=float)
        found = potential_energy(
            self._tables, positions, self._species(), self._neighbours(), self._threads
        )
        self._gradient = found.gradient
        energy = float(found.energies.sum())
        self.results = {
            "energy": energy,
            "free_energy": energy,
            "energies": found.energies,
            "forces": found.forces,
        }
        if self.atoms.cell.rank == 3:
            stress = (found.virial + found.virial.T) / (2 * self.atoms.get_volume())
            self.results["stress"] = full_3x3_to_voigt_6_stress(stress)

    def pair_gradients(self) -> tuple[NeighbourPairs, FloatArray]:
        """Pairs, and the derivative (p, 3) of the energy of atom i by r_ij, of the last atoms.

        Raises
        ------
        InputError
            Nothing was calculated before.
        """
        if self._pairs is None or self._gradient is None:
            raise InputError("nothing was calculated yet", hint="ask for the energies first")
        return self._pairs, self._gradient

    def _species(self) -> IntArray:
        symbols = self.atoms.get_chemical_symbols()
        unknown = sorted(set(symbols) - set(self._number))
        if unknown:
            raise InputError(
                "elements that the potential does not know",
                file=self.potential.name or None,
                found=", ".join(unknown),
                expected=" ".join(self._number),
            )
        return np.array([self._number[symbol] for symbol in symbols], dtype=np.int64)

    def _neighbours(self) -> NeighbourPairs:
        if self._pairs is None or self._outdated():
            self._pairs = neighbour_pairs(
                np.ascontiguousarray(self.atoms.positions, dtype=float),
                np.array(self.atoms.cell.complete()),
                np.array(self.atoms.pbc),
                self.potential.cutoff + self._skin,
            )
            self._listed = self.atoms.copy()
        return self._pairs

    def _outdated(self) -> bool:
        before, now = self._listed, self.atoms
        if before is None or len(before) != len(now):
            return True
        if np.any(before.pbc != now.pbc) or np.any(before.cell[:] != now.cell[:]):
            return True
        moved = now.positions - before.positions
        return bool(np.einsum("ij,ij->i", moved, moved).max(initial=0) > (self._skin / 2) ** 2)
