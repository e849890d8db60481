"""vasprun.xml of VASP: one structure per ionic step, held in memory."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from ixs_core.provenance import sha256_of
from simulate.md.formats.elements import check_elements
from simulate.md.formats.raw_trajectory import HeldFrames, RawTrajectory, check_finite


def read_vasprun(path: Path) -> RawTrajectory:
    """Read the structures of a run; its POTIM is the time between them.

    A run that was killed leaves a file that ends early: its complete steps are read.

    Raises
    ------
    InputError
        There are no atoms or no complete steps, or a structure has other numbers of atoms.
    """
    names: list[str] = []
    cells: list[FloatArray] = []
    fractions: list[FloatArray] = []
    potim: float | None = None
    notes: tuple[str, ...] = ()
    try:
        for _, element in ET.iterparse(path):
            if element.tag == "i" and element.get("name") == "POTIM" and potim is None:
                potim = float(element.text or "nan")
            elif element.tag == "array" and element.get("name") == "atoms":
                names = [(row[0].text or "").strip() for row in element.iter("rc")]
            elif element.tag == "calculation":
                structure = element.find("structure")
                if structure is not None:
                    cells.append(_vectors(structure, "crystal/varray[@name='basis']"))
                    fractions.append(_vectors(structure, "varray[@name='positions']"))
                element.clear()  # keeps memory to one step
    except ET.ParseError as error:
        notes = (f"the file ends early or is broken ({error}): its complete steps were read",)
    except ValueError as error:
        raise InputError("this is not a number", file=path, found=str(error)) from error
    if not names or not fractions:
        raise InputError(
            "there is no complete step of a run",
            file=path,
            found=f"{len(names)} atoms, {len(fractions)} steps",
            expected="<atominfo>, and <calculation> with a <structure>",
        )
    for step, (cell, table) in enumerate(zip(cells, fractions, strict=True)):
        if table.shape != (len(names), 3) or cell.shape != (3, 3):
            raise InputError(
                "a structure does not fit the list of atoms",
                file=path,
                found=f"{len(table)} atoms in step {step + 1}",
                expected=len(names),
            )
    boxes = np.array(cells)
    positions = np.matmul(np.array(fractions), boxes)
    check_finite(positions, "positions", path, 0)
    return RawTrajectory(
        species=check_elements(names, path),
        source=HeldFrames(positions, None, boxes),
        n_frames=len(positions),
        cells=boxes,
        wrapped=True,
        has_velocities=False,
        dt_fs=potim,
        sha256=sha256_of(path),
        notes=notes,
    )


def _vectors(parent: ET.Element, where: str) -> FloatArray:
    table = parent.find(where)
    rows = [] if table is None else [(row.text or "").split() for row in table.iter("v")]
    return np.array([[float(word) for word in row] for row in rows], dtype=float).reshape(-1, 3)
