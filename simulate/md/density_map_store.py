"""Densities of simulations in a project file, under /entry/densities."""

from __future__ import annotations

import json
from typing import Any

import h5py
import numpy as np

from ixs_core.errors import InputError
from ixs_core.lattice import Lattice
from ixs_core.project import (
    list_results,
    read_attributes,
    read_result,
    write_result,
)
from ixs_core.provenance import Provenance, plain
from ixs_core.symmetry import Symmetry
from simulate.md.density_map import MdDensity

CONTENT = "md density"
"""What marks such a result among the densities of a project, those of `ixs mem` among them."""

_KIND = "densities"


def write_md_density(
    h5: h5py.File, key: str, density: MdDensity, provenance: Provenance, replace: bool = False
) -> None:
    """Write a density as the current result of its key; an earlier one becomes history.

    The structure is not kept: provenance names its file.

    Parameters
    ----------
    h5 : h5py.File
        A project opened by `Project.writing`.
    key : str
    density : MdDensity
    provenance : Provenance
    replace : bool
        Drop an earlier result of this key instead of keeping it in the history.
    """
    datasets: dict[str, Any] = {
        "density": density.values.astype(np.float32),
        **{axis: np.arange(n) / n for axis, n in zip("xyz", density.shape, strict=True)},
    }
    if density.stderr is not None:
        datasets["stderr"] = density.stderr.astype(np.float32)
    record = {
        "symmetry": list(density.symmetry.triplets),
        "temperature_k": density.temperature_k,
        "source": density.source,
        "notes": list(density.notes),
        "blocks": density.blocks,
        "n_frames": density.n_frames,
        "d_min": density.d_min,
        "shift": density.shift,
        "unit": density.unit,
    }
    write_result(
        h5,
        _KIND,
        key,
        datasets,
        provenance=provenance,
        attributes={
            "title": f"density of {density.source or 'a simulation'}",
            "content": CONTENT,
            "cell": np.array(density.cell),
            "record": json.dumps(plain(record), ensure_ascii=False),
        },
        units={"density": density.unit, "stderr": density.unit},
        signal="density",
        axes=("x", "y", "z"),
        replace=replace,
    )


def list_md_densities(h5: h5py.File) -> list[str]:
    """Keys of the densities of simulations in a project."""
    return [
        key
        for key in list_results(h5, _KIND)
        if read_attributes(h5, _KIND, key).get("content") == CONTENT
    ]


def read_md_density(h5: h5py.File, key: str) -> MdDensity:
    """The density of a key, in single precision and without structure.

    Raises
    ------
    InputError
        There is no such result, or it is damaged or something else.
    """
    stored = read_result(h5, _KIND, key)
    try:
        record = json.loads(stored.attributes["record"])
        shift = record.pop("shift")
        return MdDensity(
            lattice=Lattice.from_cell(stored.attributes["cell"].tolist()),
            values=stored.datasets["density"].astype(float),
            symmetry=Symmetry.from_triplets(record.pop("symmetry")),
            stderr=stored.datasets.get("stderr"),
            shift=None if shift is None else np.array(shift),
            notes=tuple(record.pop("notes")),
            **record,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"this result holds no density of a simulation ({error})",
            file=h5.filename,
            key=f"densities/{key}",
            hint="make it again with `ixs md density`",
        ) from error
