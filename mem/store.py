"""Reconstructions in a project file, under /entry/densities."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.crystal import Crystal, Site
from ixs_core.lattice import Lattice
from ixs_core.project import list_results, read_attributes, read_result, write_result
from ixs_core.provenance import plain
from ixs_core.symmetry import Symmetry
from mem.density import Density
from mem.density_result import DensityResult, DrawnSection, PathResult, SiteResult
from mem.profile import Profile
from mem.section import Section

if TYPE_CHECKING:
    import h5py

    from ixs_core.provenance import Provenance

CONTENT = "mem"
"""What marks such a result among the densities of a project."""

_KIND = "densities"
_UNITS = {"density": "e/angstrom^3", "f_observed": "e", "sigma": "e", "d_spacing": "angstrom"}
_SECTION_FACTS = ("origin", "axes", "normal", "label", "u_label", "v_label")
_REFLECTIONS = ("hkl", "f_observed", "sigma", "residual", "d_spacing")


def write_density_result(
    h5: h5py.File, key: str, result: DensityResult, density: Density, provenance: Provenance
) -> None:
    """Write a reconstruction as the current result of its key; an earlier one becomes history."""
    datasets: dict[str, Any] = {
        "density": density.values.astype(np.float32),
        **{axis: np.arange(n) / n for axis, n in zip("xyz", density.shape, strict=True)},
        **{name: getattr(result, name) for name in _REFLECTIONS},
    }
    units = dict(_UNITS)
    for number, drawn in enumerate(result.sections, start=1):
        name, section = f"section_{number}", drawn.section
        datasets |= {name: section.values, f"{name}_u": section.u, f"{name}_v": section.v}
        units |= {name: "e/angstrom^3", f"{name}_u": "angstrom", f"{name}_v": "angstrom"}
    for number, path in enumerate(result.paths, start=1):
        for quantity, (array, unit) in _curves(path).items():
            datasets[f"path_{number}_{quantity}"] = array
            units[f"path_{number}_{quantity}"] = unit
    write_result(
        h5,
        _KIND,
        key,
        datasets,
        provenance=provenance,
        attributes={
            "content": CONTENT,
            "cell": np.array(density.cell),
            "record": json.dumps(plain(_record(result, density)), ensure_ascii=False),
        },
        units=units,
        signal="density",
        axes=("x", "y", "z"),
    )


def list_densities(h5: h5py.File) -> list[str]:
    """Keys of the reconstructions in a project."""
    return [
        key
        for key in list_results(h5, _KIND)
        if read_attributes(h5, _KIND, key).get("content") == CONTENT
    ]


def read_density_result(h5: h5py.File, key: str) -> DensityResult:
    """What `write_density_result` stored, without the grid's use; errors as in `read_result`."""
    return _result_of(*_stored(h5, key))


def read_stored_density(h5: h5py.File, key: str) -> Density:
    """The density itself with the structure that belongs to it; errors as in `read_result`."""
    data, record = _stored(h5, key)
    lattice = Lattice.from_cell(record["cell"])
    symmetry = Symmetry.from_triplets(record["symmetry"])
    sites = record["structure"]
    return Density(
        lattice=lattice,
        values=data["density"],
        symmetry=symmetry,
        structure=None
        if sites is None
        else Crystal(lattice, tuple(_site(site) for site in sites), symmetry),
        temperature_k=record["temperature_k"],
        source=record["name"],
    )


def _stored(h5: h5py.File, key: str) -> tuple[Mapping[str, Any], dict[str, Any]]:
    stored = read_result(h5, _KIND, key)
    return stored.datasets, json.loads(stored.attributes["record"])


def _curves(path: PathResult) -> dict[str, tuple[FloatArray, str]]:
    """The arrays of a path with their units; those that are None are left out."""
    profile = path.profile
    curves = {
        "points": (profile.points, "fractional"),
        "distance": (profile.distance, "angstrom"),
        "corners": (profile.corners, "angstrom"),
        "density": (profile.density, "e/angstrom^3"),
        "sigma": (profile.sigma, "e/angstrom^3"),
        "null": (path.null, "e/angstrom^3"),
        "model": (path.model, "e/angstrom^3"),
        "band": (path.band, "e/angstrom^3"),
    }
    return {name: (array, unit) for name, (array, unit) in curves.items() if array is not None}


def _record(result: DensityResult, density: Density) -> dict[str, Any]:
    """Everything that is not an array of its own."""
    structure = density.structure
    return {
        "name": result.name,
        "temperature_k": result.temperature_k,
        "statistics": dict(result.statistics),
        "notes": list(result.notes),
        "cell": list(density.cell),
        "symmetry": list(density.symmetry.triplets),
        "structure": None if structure is None else [vars(site) for site in structure.sites],
        "sites": [vars(site) for site in result.sites],
        "sections": [
            {name: getattr(drawn.section, name) for name in _SECTION_FACTS} | {"sites": drawn.sites}
            for drawn in result.sections
        ],
        "paths": [
            {
                name: getattr(path, name)
                for name in ("kind", "name", "peak", "peak_label", "null_peak", "model_peak")
            }
            | {"claim": path.claim, "middle": dict(path.middle)}
            for path in result.paths
        ],
    }


def _result_of(data: Mapping[str, Any], record: dict[str, Any]) -> DensityResult:
    return DensityResult(
        name=record["name"],
        temperature_k=record["temperature_k"],
        statistics=record["statistics"],
        sites=tuple(
            SiteResult(**{**site, "position": np.array(site["position"])})
            for site in record["sites"]
        ),
        sections=tuple(
            _section(data, f"section_{number}", facts)
            for number, facts in enumerate(record["sections"], start=1)
        ),
        paths=tuple(
            _path(data, f"path_{number}", facts)
            for number, facts in enumerate(record["paths"], start=1)
        ),
        **{name: data[name] for name in _REFLECTIONS},
        notes=tuple(record["notes"]),
    )


def _section(data: Mapping[str, Any], name: str, facts: dict[str, Any]) -> DrawnSection:
    sites = tuple((str(label), float(u), float(v)) for label, u, v in facts.pop("sites"))
    facts |= {key: np.array(facts[key]) for key in ("origin", "axes", "normal")}
    section = Section(values=data[name], u=data[f"{name}_u"], v=data[f"{name}_v"], **facts)
    return DrawnSection(section, sites)


def _path(data: Mapping[str, Any], name: str, facts: dict[str, Any]) -> PathResult:
    profile = Profile(
        **{
            quantity: data[f"{name}_{quantity}"]
            for quantity in ("points", "distance", "density", "sigma", "corners")
        }
    )
    return PathResult(
        profile=profile,
        null=data.get(f"{name}_null"),
        model=data.get(f"{name}_model"),
        band=data.get(f"{name}_band"),
        **facts,
    )


def _site(facts: dict[str, Any]) -> Site:
    arrays = {
        name: None if facts[name] is None else np.array(facts[name])
        for name in ("position", "u", "gram_charlier")
    }
    return Site(**{**facts, **arrays})
