"""The crystal behind a file of linewidths: its cell, and the rotations that make whole stars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from simulate.phonons.loading.checks import require_sane_cell
from simulate.phonons.loading.file_content import FileContent, all_beside, read_content
from simulate.phonons.loading.namelist import Namelist, read_namelist
from simulate.phonons.loading.shengbte import control_structure, is_control
from simulate.transport.point_group import SYMMETRY_ANGSTROM, PointGroup

_SAME_VOLUME = 1e-3


@dataclass(frozen=True)
class Structure:
    """A cell and its point group.

    Parameters
    ----------
    primitive : (3, 3) array
        Rows, in Å.
    point_group : PointGroup
        In the frame of the cell's vectors.
    n_atoms : int
        In the primitive cell.
    file : Path
    sha256 : str
    """

    primitive: FloatArray
    point_group: PointGroup
    n_atoms: int
    file: Path
    sha256: str

    @property
    def volume_A3(self) -> float:
        """Of the primitive cell."""
        return abs(float(np.linalg.det(self.primitive)))


def read_structure(path: str | Path) -> Structure:
    """The crystal in a phonopy or phono3py YAML file, a POSCAR, or a CONTROL of ShengBTE.

    The primitive cell is that of the file's `primitive_matrix`; in the others the cell itself.

    Raises
    ------
    InputError
        The file is none of these, or damaged.
    """
    content = read_content(Path(path))
    if is_control(content.text):
        return structure_of_control(read_namelist(content))
    if {".yaml", ".yml"} & set(content.path.suffixes):
        return _of_phonopy(content)
    from simulate.phonons.loading.poscar import read_poscar

    atoms = read_poscar(content)
    return _structure(content, atoms.vectors, atoms.positions, atoms.symbols)


def structure_of_control(control: Namelist) -> Structure:
    """The crystal of a CONTROL file."""
    crystal = control_structure(control)
    return _structure(control.content, crystal.vectors, crystal.positions, crystal.symbols)


def structure_beside(path: Path, n_branches: int, volume_A3: float | None) -> Structure | None:
    """The first phono3py or phonopy YAML file in the folder that is of the same crystal."""
    for file in all_beside(path, ("phono3py*.yaml", "phonopy*.yaml")):
        try:
            found = read_structure(file)
        except InputError:
            continue  # whatever it is, it is not the crystal of this file
        if fits(found, n_branches, volume_A3):
            return found
    return None


def fits(structure: Structure, n_branches: int, volume_A3: float | None) -> bool:
    """Whether a crystal has these branches and, where it is known, this volume."""
    same_volume = volume_A3 is None or np.isclose(structure.volume_A3, volume_A3, rtol=_SAME_VOLUME)
    return 3 * structure.n_atoms == n_branches and bool(same_volume)


def require_fit(structure: Structure, n_branches: int, volume_A3: float | None) -> None:
    """InputError where the crystal is not that of the linewidths."""
    if fits(structure, n_branches, volume_A3):
        return
    volume = "" if volume_A3 is None else f", {volume_A3:.2f} Å³"
    raise InputError(
        "this is not the crystal of the linewidths",
        file=structure.file,
        found=f"{3 * structure.n_atoms} branches, {structure.volume_A3:.2f} Å³",
        expected=f"{n_branches} branches{volume}",
        hint="give the primitive cell that was used for them",
    )


def star_products(velocity_km_s: FloatArray, structure: Structure) -> FloatArray:
    """(nq, ns, 3, 3) v ⊗ v averaged over the images of each q under the point group, (km/s)²."""
    product = velocity_km_s[..., :, None] * velocity_km_s[..., None, :]
    return structure.point_group.average(product)


def _of_phonopy(content: FileContent) -> Structure:
    from simulate.phonons.loading.phonopy_yaml import crystal_of, is_phonopy
    from simulate.phonons.loading.yaml_text import read_yaml

    data = read_yaml(content)
    if not is_phonopy(data):
        raise InputError("this YAML file has no crystal", file=content.path, expected="unit_cell")
    crystal = crystal_of(data, content.path)
    matrix = np.eye(3) if crystal.primitive_matrix is None else crystal.primitive_matrix
    unit = crystal.unit
    of_unit = _structure(content, unit.vectors, unit.positions, unit.symbols)
    return Structure(
        primitive=matrix.T @ unit.vectors,
        point_group=of_unit.point_group,
        n_atoms=round(of_unit.n_atoms * abs(float(np.linalg.det(matrix)))),
        file=content.path,
        sha256=content.sha256,
    )


def _structure(
    content: FileContent, vectors: FloatArray, positions: FloatArray, symbols: Sequence[str]
) -> Structure:
    import spglib

    require_sane_cell(vectors, positions, file=content.path)
    numbers = [sorted(set(symbols)).index(symbol) for symbol in symbols]
    failure = getattr(spglib, "SpglibError", RuntimeError)
    try:
        found = spglib.get_symmetry(
            (vectors.tolist(), positions.tolist(), numbers), symprec=SYMMETRY_ANGSTROM
        )
    except (failure, TypeError, ValueError):
        found = None
    if found is None:
        raise InputError("no symmetry was found in the crystal", file=content.path)
    return Structure(
        primitive=vectors,
        point_group=PointGroup.of_rotations(found["rotations"], vectors, "x, y, z of the cell"),
        n_atoms=len(positions),
        file=content.path,
        sha256=content.sha256,
    )
