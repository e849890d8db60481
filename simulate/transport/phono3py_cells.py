"""A Phono3py object with the second- and third-order force constants of a crystal."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from ixs_core.arrays import IntArray
from ixs_core.atomic import atomic_write
from ixs_core.errors import InputError
from simulate.md.cluster_constants import ClusterConstants
from simulate.phonons.force_constants import ForceConstants, PolarTerms
from simulate.phonons.loading.conventional_cell import SYMMETRY_ANGSTROM, CrystalStructure
from simulate.transport.crystal_match import on_crystal
from simulate.transport.force_constant_clusters import ForceConstantClusters
from simulate.transport.third_order_supercell import (
    SupercellThirdOrder,
    smallest_supercell,
    third_order_in_supercell,
    write_third_order,
)

_NOTED_ANGSTROM = 0.05


def require_phono3py() -> None:
    """InputError where phono3py is not installed, naming the extra."""
    if find_spec("phono3py") is None:
        raise InputError(
            "linewidths from force constants need phono3py",
            hint="pip install 'ixs-suite[transport]'",
        )


def phono3py_of(
    force_constants: ForceConstants,
    third: ForceConstantClusters,
    supercell: Sequence[float] | None = None,
) -> tuple[Any, SupercellThirdOrder, tuple[str, ...]]:
    """Put second and third order together.

    Parameters
    ----------
    force_constants : ForceConstants
        Second order; its cell, atoms and masses are those of the crystal.
    third : ForceConstantClusters
    supercell : three whole numbers, optional
        Repeats of the primitive cell for third order. By default the fewest that hold all blocks,
        which lose nothing and cost least.

    Returns
    -------
    phono3py : phono3py.Phono3py
    third : SupercellThirdOrder
    notes : tuple of str

    Raises
    ------
    InputError
        No phono3py, or force constants of different crystals.
    """
    require_phono3py()
    from phono3py import Phono3py  # type: ignore[import-untyped]
    from phonopy.structure.atoms import PhonopyAtoms

    own = CrystalStructure(
        force_constants.vectors, force_constants.positions, force_constants.symbols
    )
    constants, farthest = on_crystal(third.constants, third.structure, own)
    notes = []
    if farthest > _NOTED_ANGSTROM:
        notes.append(
            f"atoms are up to {farthest:.2f} Å from where the file of third order has them"
        )
    sizes = smallest_supercell(constants, own) if supercell is None else _repeats(supercell)
    unit = PhonopyAtoms(
        list(own.symbols),
        cell=own.vectors.tolist(),
        scaled_positions=own.positions.tolist(),
        masses=force_constants.masses.tolist(),
    )
    made: Any = Phono3py(
        unit,
        supercell_matrix=np.diag(sizes),
        primitive_matrix="P",
        phonon_supercell_matrix=force_constants.supercell.T,
        symprec=SYMMETRY_ANGSTROM,
        log_level=0,
    )
    primitive = made.primitive
    cell = CrystalStructure(primitive.cell, primitive.scaled_positions, own.symbols)
    constants, _ = on_crystal(constants, own, cell)
    folded = third_order_in_supercell(constants, cell, made.supercell, primitive)
    second, _ = on_crystal(second_order_clusters(force_constants), own, cell)
    made.fc2 = second.in_supercell(made.phonon_supercell, made.phonon_primitive)
    made.fc3 = folded.values
    if force_constants.polar is not None:
        made.nac_params = _charges(force_constants.polar)
    notes.append(
        f"third order in {'×'.join(map(str, sizes))} primitive cells, {len(made.supercell)} atoms"
    )
    return made, folded, (*notes, *folded.notes())


def write_phono3py_files(made: Any, third: SupercellThirdOrder, folder: str | Path) -> list[Path]:
    """Write phono3py_params.yaml, fc2.hdf5 and fc3.hdf5, which `phono3py.load` takes.

    Parameters
    ----------
    made, third
        As `phono3py_of` gives them.
    folder : path
        Made where it is missing.

    Raises
    ------
    InputError
        The files cannot be written.
    """
    from phono3py.file_IO import write_fc2_to_hdf5  # type: ignore[import-untyped]

    place = Path(folder)
    if place.parent.is_dir():
        place.mkdir(exist_ok=True)
    files = [place / name for name in ("phono3py_params.yaml", "fc2.hdf5", "fc3.hdf5")]
    with atomic_write(files[0]) as temporary:
        made.save(temporary, settings={"force_sets": False, "displacements": False})
    with atomic_write(files[1]) as temporary:
        home = made.phonon_primitive.p2s_map
        write_fc2_to_hdf5(made.fc2, filename=str(temporary), p2s_map=home)
    write_third_order(files[2], third)
    return files


def second_order_clusters(force_constants: ForceConstants) -> ClusterConstants:
    """Φ(L) as blocks of pairs; those that vanish are left out."""
    n = len(force_constants.symbols)
    blocks = force_constants.matrices.reshape(-1, n, 3, n, 3).transpose(0, 1, 3, 2, 4)
    cell, first, second = np.nonzero(np.abs(blocks).max(axis=(3, 4)) > 0)
    return ClusterConstants(
        np.column_stack([first, second]),
        force_constants.translations[cell][:, None],
        blocks[cell, first, second],
    )


def _repeats(wanted: Sequence[float]) -> IntArray:
    sizes = np.asarray(wanted)
    if sizes.shape != (3,) or (sizes < 1).any() or (sizes != np.rint(sizes)).any():
        raise InputError(
            "this is no supercell",
            key="supercell",
            found=" ".join(map(str, wanted)),
            expected="three whole numbers from 1",
        )
    return sizes.astype(np.int64)


def _charges(polar: PolarTerms) -> dict[str, Any]:
    return {
        "born": np.array(polar.born.transpose(0, 2, 1), dtype="double", order="C"),
        "dielectric": np.array(polar.dielectric, dtype="double", order="C"),
        "factor": polar.coulomb,
    }
