"""Third- and fourth-order force constants of ShengBTE and FourPhonon, checked against the crystal.

Fourth order is read and checked here; the rates of four-phonon processes are not computed but read
from FourPhonon's output (`read_linewidths`).
"""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ixs_core.arrays import FloatArray, IntArray
from ixs_core.atomic import atomic_write
from ixs_core.errors import InputError
from ixs_core.jobs import CancelToken
from simulate.md.cluster_constants import ClusterConstants, shengbte_text
from simulate.phonons.loading.checks import elements
from simulate.phonons.loading.conventional_cell import SYMMETRY_ANGSTROM, CrystalStructure
from simulate.phonons.loading.file_content import all_beside, read_content
from simulate.phonons.loading.namelist import read_namelist
from simulate.phonons.loading.shengbte import control_structure, is_control
from simulate.transport.cluster_checks import ClusterChecks, check_clusters
from simulate.transport.cluster_symmetry import space_group
from simulate.transport.formats.force_constant_blocks import ForceConstantBlocks, read_blocks
from simulate.transport.site_relabelling import find_relabelling
from simulate.transport.site_search import Relabelling

_NO_LATTICE_ANGSTROM = 0.1


@dataclass(frozen=True)
class ForceConstantClusters:
    """Force constants of third or fourth order, by sites of a crystal.

    Parameters
    ----------
    constants : ClusterConstants
        In the order of the crystal's atoms.
    structure : CrystalStructure
        Of CONTROL.
    checks : ClusterChecks
        Of `constants`.
    as_read : ClusterChecks
        Of the file's own order of atoms.
    relabelling : Relabelling
        What leads from the file's atoms to those of the crystal.
    source : str
    sources : tuple of (name, sha256)
    notes : tuple of str
    """

    constants: ClusterConstants
    structure: CrystalStructure
    checks: ClusterChecks
    as_read: ClusterChecks
    relabelling: Relabelling
    source: str
    sources: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def order(self) -> int:
        """3 or 4."""
        return self.constants.order


def read_force_constant_clusters(
    path: str | Path,
    control: str | Path | CrystalStructure | None = None,
    *,
    cutoff: float | None = None,
    relabel: bool = True,
    cancel: CancelToken | None = None,
) -> ForceConstantClusters:
    """Read FORCE_CONSTANTS_3RD or FORCE_CONSTANTS_4TH, plain or compressed, and check them.

    Parameters
    ----------
    path : path
    control : path or CrystalStructure, optional
        The crystal; by default a CONTROL beside the file.
    cutoff : float, optional
        Å, within which all atoms of a block should be. By default the largest distance in the
        order that fits the crystal best.
    relabel : bool
        False leaves the atoms in the file's order, right or wrong.
    cancel : CancelToken, optional

    Returns
    -------
    ForceConstantClusters
        Where `relabel` found the atoms in another order than the crystal's, in the crystal's.
        Checks that are not passed are told there, not raised.

    Raises
    ------
    InputError
        The file is damaged (naming the line), its cells are no lattice vectors of the crystal,
        it has other atoms, or its atoms are in another order and none or several fit.
    Cancelled
    """
    if cutoff is not None and not 0 < cutoff < np.inf:
        raise InputError("is no distance", key="cutoff", found=cutoff, expected="Å above 0")
    content = read_content(Path(path))
    structure, crystal_source = _crystal(content.path, control)
    blocks = read_blocks(content)
    cells, deviation = _lattice_cells(blocks, structure, content.path)
    _check_atoms(blocks, structure, content.path)
    read = ClusterConstants(blocks.atoms, cells, blocks.values)
    symbol, operations = space_group(structure, SYMMETRY_ANGSTROM)
    order = Relabelling.identity(len(structure.symbols))
    if relabel:
        order = find_relabelling(read, structure, operations, file=str(content.path), cancel=cancel)
    constants = order.apply(read)
    checks = check_clusters(
        constants, structure, symbol, operations, lattice_deviation=deviation, cutoff=cutoff
    )
    as_read = checks
    if order.changes:
        as_read = check_clusters(
            read,
            structure,
            symbol,
            operations,
            lattice_deviation=deviation,
            cutoff=checks.cutoff,
            moved_atoms=order.moved,
        )
    return ForceConstantClusters(
        constants=constants,
        structure=structure,
        checks=checks,
        as_read=as_read,
        relabelling=order,
        source=content.path.name,
        sources=((content.path.name, content.sha256), *crystal_source),
        notes=_notes(order, as_read, crystal_source),
    )


def write_force_constant_clusters(clusters: ForceConstantClusters, path: str | Path) -> None:
    """Write in the format read, atoms in the order of the crystal; compressed if .gz.

    Raises
    ------
    InputError
        The file cannot be written.
    """
    text = shengbte_text(clusters.constants, clusters.structure.vectors)
    with atomic_write(path) as temporary:
        data = text.encode()
        # Without a time stamp, the same constants make the same file.
        is_packed = Path(path).suffix == ".gz"
        temporary.write_bytes(gzip.compress(data, mtime=0) if is_packed else data)


def structure_of(control: str | Path) -> tuple[CrystalStructure, tuple[tuple[str, str], ...]]:
    """The crystal of a CONTROL, with elements of its labels, and name and digest of the file.

    Raises
    ------
    InputError
        It is none, or incomplete.
    """
    content = read_content(Path(control))
    if not is_control(content.text):
        raise InputError(
            "this is not a CONTROL of ShengBTE",
            file=content.path,
            expected="the groups &allocations and &crystal",
        )
    found = control_structure(read_namelist(content))
    symbols, _ = elements(found.symbols, file=content.path, key="elements")
    structure = CrystalStructure(found.vectors, found.positions, symbols)
    return structure, ((content.path.name, content.sha256),)


def _crystal(
    path: Path, control: str | Path | CrystalStructure | None
) -> tuple[CrystalStructure, tuple[tuple[str, str], ...]]:
    if isinstance(control, CrystalStructure):
        return control, ()
    if control is not None:
        return structure_of(control)
    beside = list(all_beside(path, ("CONTROL*",)))
    if len(beside) != 1:
        raise InputError(
            "the crystal is not known: the file does not name its atoms",
            file=path,
            found=f"{len(beside)} CONTROL files beside it",
            hint="give its CONTROL (on the command line --control)",
        )
    return structure_of(beside[0])


def _lattice_cells(
    blocks: ForceConstantBlocks, structure: CrystalStructure, path: Path
) -> tuple[IntArray, float]:
    """(m, n - 1, 3) cells in lattice vectors, and how far they are from whole ones in Å."""
    fractional = blocks.vectors @ np.linalg.inv(structure.vectors)
    cells = np.rint(fractional)
    off: FloatArray = np.linalg.norm((fractional - cells) @ structure.vectors, axis=-1)
    block, atom = np.unravel_index(int(off.argmax()), off.shape)
    if off[block, atom] > _NO_LATTICE_ANGSTROM:
        vector = blocks.vectors[block, atom]
        raise InputError(
            "the cell of an atom is not a lattice vector of the crystal",
            file=path,
            line=int(blocks.lines[block]),
            key=f"block {block + 1}, atom {atom + 2}",
            found=f"({', '.join(f'{x:.4f}' for x in vector)}) Å, {off[block, atom]:.2f} Å off",
            hint="give the CONTROL that belongs to this file",
        )
    return cells.astype(np.int64), float(off.max())


def _check_atoms(blocks: ForceConstantBlocks, structure: CrystalStructure, path: Path) -> None:
    n = len(structure.symbols)
    wrong = (blocks.atoms >= n).any(axis=1)
    missing = sorted(set(range(n)) - set(np.unique(blocks.atoms).tolist()))
    if not wrong.any() and not missing:
        return
    block = int(np.argmax(wrong))
    raise InputError(
        "the file has other atoms than the crystal",
        file=path,
        line=int(blocks.lines[block]) if wrong.any() else None,
        found=f"atom {blocks.atoms[block].max() + 1}"
        if wrong.any()
        else f"no block with atom {missing[0] + 1}",
        expected=f"atoms 1 to {n}",
        hint="give the CONTROL that belongs to this file",
    )


def _notes(
    order: Relabelling, as_read: ClusterChecks, crystal: Sequence[tuple[str, str]]
) -> tuple[str, ...]:
    notes = [f"crystal from {name} (sha256 {digest[:12]})" for name, digest in crystal]
    if order.changes:
        notes.append(
            f"the file's atoms are in another order than the crystal's: they are its sites "
            f"{order.text}; read as it stands, {as_read.beyond} of {len(as_read.span)} blocks "
            f"span more than {as_read.cutoff:.2f} Å (up to {as_read.span.max():.2f} Å)"
        )
    if as_read.order == 4:
        notes.append("four-phonon rates are not computed: read them from FourPhonon's output")
    return tuple(notes)
