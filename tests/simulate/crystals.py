"""Force constants of crystals for tests: closed-form models, and phonopy's own examples."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from simulate.phonons.force_constants import ForceConstants, PolarTerms

COULOMB_EV_ANGSTROM = 14.3996448


def from_phonopy(phonon: Any) -> ForceConstants:
    """Of a loaded `phonopy.Phonopy`, through phonopy's own list of nearest images."""
    primitive = phonon.primitive
    n_atoms = len(primitive)
    constants = phonon.force_constants
    if constants.shape[0] != n_atoms:
        constants = constants[primitive.p2s_map]
    images, multiplicity = primitive.get_smallest_vectors()
    x = primitive.scaled_positions
    home = [primitive.p2p_map[atom] for atom in primitive.s2p_map]
    blocks: dict[tuple[int, ...], np.ndarray] = {}
    for atom, j in enumerate(home):
        for i in range(n_atoms):
            count, first = multiplicity[atom, i]
            for image in images[first : first + count]:
                cell = tuple(np.rint(image - x[j] + x[i]).astype(int).tolist())
                block = blocks.setdefault(cell, np.zeros((n_atoms, 3, n_atoms, 3)))
                block[i, :, j, :] += constants[i, atom] / count
    return from_blocks(
        {cell: b.reshape(3 * n_atoms, -1) for cell, b in blocks.items()},
        vectors=np.array(primitive.cell),
        positions=np.array(x),
        symbols=tuple(primitive.symbols),
        masses=np.array(primitive.masses),
        supercell=np.rint(phonon.supercell.cell @ np.linalg.inv(primitive.cell)).astype(int),
        conventional=np.rint(phonon.unitcell.cell @ np.linalg.inv(primitive.cell)).astype(int),
        polar=_polar(phonon),
    )


def _polar(phonon: Any) -> PolarTerms | None:
    if phonon.nac_params is None:
        return None
    # Not `nac_params`: these are the charges made neutral. Their first index is the field's.
    born = np.swapaxes(phonon.dynamical_matrix.born, 1, 2)
    factor = phonon.dynamical_matrix.nac_factor * phonon.primitive.volume / (4 * np.pi)
    return PolarTerms(born, np.array(phonon.nac_params["dielectric"]), factor)


def from_blocks(blocks: dict[tuple[int, ...], np.ndarray], **fields: Any) -> ForceConstants:
    """From Φ(L) of some L: -L added and the two made transposes of each other."""
    for cell in list(blocks):
        opposite = tuple(-x for x in cell)
        blocks.setdefault(opposite, np.zeros_like(blocks[cell]))
    whole = {
        cell: (block + blocks[tuple(-x for x in cell)].T) / 2 for cell, block in blocks.items()
    }
    cells = sorted(whole)
    return ForceConstants(
        translations=np.array(cells), matrices=np.array([whole[c] for c in cells]), **fields
    )


def phonopy_example(shared_data: Path, name: str) -> Any:
    """`Phonopy` of NaCl, Si, Zr3N4, eff300K or harmonic0K (the last two CsCu2I3)."""
    import phonopy

    folder = shared_data / "phonons" / name
    if name == "NaCl":
        return phonopy.load(
            folder / "phonopy_disp.yaml",
            force_sets_filename=folder / "FORCE_SETS",
            born_filename=folder / "BORN",
            log_level=0,
        )
    if name in ("Si", "Zr3N4"):
        return phonopy.load(folder / f"phonopy_params_{name}.yaml", log_level=0)
    folder = shared_data / "cscu2i3" / "force_constants"
    return phonopy.load(folder / f"phonopy_params_{name}.yaml.xz", log_level=0)


def _single_axis(
    blocks: dict[tuple[int, ...], np.ndarray], symbols: tuple[str, ...], masses: list[float]
) -> ForceConstants:
    """A crystal in a cube of 3 Å whose atoms stand along z."""
    n = len(symbols)
    return from_blocks(
        blocks,
        vectors=3.0 * np.eye(3),
        positions=np.column_stack([np.zeros(n), np.zeros(n), np.arange(n) / n]),
        symbols=symbols,
        masses=np.array(masses),
        supercell=3 * np.eye(3, dtype=int),
        conventional=np.eye(3, dtype=int),
    )


def simple_cubic(stiffness: np.ndarray, mass: float = 50.0) -> ForceConstants:
    """One atom and its six neighbours: E_c² = (ħ²/M) Σ_a 2 k_ac (1 - cos 2π q_a).

    `stiffness` k (3, 3) in eV/Å²: [axis to the neighbour, displacement]; no coupling between
    displacements.
    """
    blocks = {(0, 0, 0): np.diag(2 * stiffness.sum(axis=0))}
    for axis in range(3):
        cell = np.eye(3, dtype=int)[axis]
        for sign in (1, -1):
            blocks[tuple((sign * cell).tolist())] = -np.diag(stiffness[axis])
    return _single_axis(blocks, ("Cu",), [mass])


def diatomic_chain(stiffness: float, masses: tuple[float, float]) -> ForceConstants:
    """Two atoms alternating along z, alike in x, y and z: the textbook's dispersion, thrice."""
    both = np.kron(np.array([[2.0, -1.0], [-1.0, 2.0]]), np.eye(3)) * stiffness
    # Atom 1 at z = 1/2 is bound to atom 0 of the next cell.
    up = np.kron(np.array([[0.0, 0.0], [-1.0, 0.0]]), np.eye(3)) * stiffness
    return _single_axis(
        {(0, 0, 0): both, (0, 0, 1): up, (0, 0, -1): up.T}, ("Na", "Cl"), list(masses)
    )


def crossing_chain(on_site: tuple[float, float, float], stiffness: float) -> ForceConstants:
    """A chain along z beside three oscillators that know nothing of it.

    Both of mass 1 amu; the oscillators' force constants (eV/Å²) are those of atom 1, the chain's
    three polarisations (atom 0) have `stiffness` times 1, 1.3 and 1.7.
    """
    chain = stiffness * np.diag([1.0, 1.3, 1.7])
    home = np.zeros((6, 6))
    home[:3, :3] = 2 * chain
    home[3:, 3:] = np.diag(on_site)
    next_cell = np.zeros((6, 6))
    next_cell[:3, :3] = -chain
    return _single_axis(
        {(0, 0, 0): home, (0, 0, 1): next_cell, (0, 0, -1): next_cell}, ("H", "H"), [1.0, 1.0]
    )


def polarised(crystal: ForceConstants, seed: int = 5) -> ForceConstants:
    """The same crystal with charges and a dielectric tensor as unsymmetric as they can be."""
    generator = np.random.default_rng(seed)
    born = generator.normal(size=(len(crystal.symbols), 3, 3))
    born -= born.mean(axis=0)  # neutral
    root = np.eye(3) + 0.3 * generator.normal(size=(3, 3))
    polar = PolarTerms(born, 3 * root @ root.T, COULOMB_EV_ANGSTROM)
    return replace(crystal, polar=polar)
