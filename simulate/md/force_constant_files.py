"""Fitted force constants of several orders in the files of ShengBTE, FourPhonon and phono3py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ixs_core.atomic import atomic_write
from simulate.md.anharmonic_force_constants import AnharmonicForceConstants
from simulate.md.cluster_constants import shengbte_text

_TEXTS = {3: "FORCE_CONSTANTS_3RD", 4: "FORCE_CONSTANTS_4TH"}


def write_shengbte(found: AnharmonicForceConstants, folder: str | Path) -> list[Path]:
    """FORCE_CONSTANTS_2ND, _3RD, _4TH and CONTROL, and phonopy.yaml of the second order.

    Returns
    -------
    list of Path

    Raises
    ------
    InputError
        The folder cannot be written.
    """
    from phonopy.file_IO import write_FORCE_CONSTANTS
    from phonopy.harmonic.force_constants import compact_fc_to_full_fc

    place = _made(folder)
    phonon = found.phonon
    files = [place / "phonopy.yaml", place / "FORCE_CONSTANTS_2ND", place / "CONTROL"]
    with atomic_write(files[0]) as temporary:
        phonon.save(
            temporary,
            settings={"force_constants": True, "force_sets": False, "displacements": False},
            compression=False,
        )
    with atomic_write(files[1]) as temporary:
        full = compact_fc_to_full_fc(phonon.primitive, phonon.force_constants)
        write_FORCE_CONSTANTS(full, filename=temporary)
    with atomic_write(files[2]) as temporary:
        temporary.write_text(control_text(phonon), encoding="utf-8")
    for order, name in _TEXTS.items():
        if order in found.constants:
            with atomic_write(place / name) as temporary:
                text = shengbte_text(found.constants[order], phonon.primitive.cell)
                temporary.write_text(text, encoding="utf-8")
            files.append(place / name)
    return files


def control_text(phonon: Any) -> str:
    """The &allocations and &crystal of ShengBTE's CONTROL; the rest is the user's to choose."""
    cell = phonon.primitive
    elements = list(dict.fromkeys(cell.symbols))
    repeats = np.round(np.diag(phonon.supercell_matrix)).astype(int)
    lines = [
        "&allocations",
        f"    natoms = {len(cell)}",
        f"    nelements = {len(elements)}",
        "    ngrid = 10, 10, 10",
        "    norientations = 0",
        "/",
        "&crystal",
        "    lfactor = 0.1",
        *(
            f"    lattvec(:,{k}) = {', '.join(f'{x:.10f}' for x in row)}"
            for k, row in enumerate(cell.cell, start=1)
        ),
        f"    elements = {', '.join(repr(element) for element in elements)}",
        f"    types = {', '.join(str(elements.index(symbol) + 1) for symbol in cell.symbols)}",
        *(
            f"    positions(:,{k}) = {', '.join(f'{x:.10f}' for x in row)}"
            for k, row in enumerate(cell.scaled_positions, start=1)
        ),
        f"    scell = {', '.join(str(number) for number in repeats)}",
        "/",
        "&parameters",
        "    t = 300",
        "/",
        "&flags",
        "    nonanalytic = .false.",
        "/",
    ]
    return "\n".join(lines) + "\n"


def write_phono3py(found: AnharmonicForceConstants, folder: str | Path) -> list[Path]:
    """phono3py_params.yaml, fc2.hdf5 and fc3.hdf5 (compact), which `phono3py.load` takes.

    Raises
    ------
    InputError
        The folder cannot be written.
    """
    from phono3py import Phono3py  # type: ignore[import-untyped]
    from phono3py.file_IO import (  # type: ignore[import-untyped]
        write_fc2_to_hdf5,
        write_fc3_to_hdf5,
    )

    place = _made(folder)
    phonon = found.phonon
    cells = Phono3py(
        phonon.unitcell,
        supercell_matrix=phonon.supercell_matrix,
        primitive_matrix=np.eye(3),
        log_level=0,
    )
    map_ = phonon.primitive.p2s_map
    third = found.constants[3].in_supercell(phonon.supercell, phonon.primitive)
    files = [place / name for name in ("phono3py_params.yaml", "fc2.hdf5", "fc3.hdf5")]
    with atomic_write(files[0]) as temporary:
        cells.save(temporary, settings={"force_sets": False, "displacements": False})
    with atomic_write(files[1]) as temporary:
        write_fc2_to_hdf5(phonon.force_constants, filename=str(temporary), p2s_map=map_)
    with atomic_write(files[2]) as temporary:
        write_fc3_to_hdf5(third, filename=str(temporary), p2s_map=map_)
    return files


def _made(folder: str | Path) -> Path:
    place = Path(folder)
    if place.parent.is_dir():
        place.mkdir(exist_ok=True)
    return place
