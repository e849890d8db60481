"""Resolution functions in the project file, one result for each analyzer, with their fit."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py

from ixs_core.errors import InputError
from ixs_core.project import Project, list_results, read_result, write_result
from ixs_core.provenance import Provenance, plain
from ixs_reduce.resolution import Component, Resolution
from ixs_reduce.resolution_fit import ResolutionFit
from ixs_reduce.store.spectra import UNITS, spectra_datasets, spectra_of

_NUMBERS = (
    "background",
    "e_zero_mev",
    "e_zero_err",
    "fwhm_mev",
    "fwhm_err",
    "deviance",
    "dof",
    "bic",
)


def write_resolutions(h5: h5py.File, fits: Sequence[ResolutionFit], provenance: Provenance) -> None:
    """Store resolution functions under /entry/resolutions/<analyzer>, all in one go.

    An earlier one of the same analyzer goes into the history.

    Parameters
    ----------
    h5 : h5py.File
        A project opened by `Project.writing`.
    fits : sequence of ResolutionFit
    provenance : Provenance
    """
    for fit in fits:
        datasets = spectra_datasets([fit.spectrum])
        datasets["expected_counts"] = fit.expected_counts[None]
        datasets["resolution"] = json.dumps(_record(fit), allow_nan=False)
        write_result(
            h5,
            "resolutions",
            fit.analyzer,
            datasets,
            provenance=provenance,
            attributes={
                "title": f"resolution of {fit.analyzer}, FWHM {fit.fwhm_mev:.3f} meV",
                "fwhm_mev": fit.fwhm_mev,
                "auxiliary_signals": ["expected_counts"],
            },
            units={**UNITS, "expected_counts": "counts"},
            signal="counts",
            axes=(".", "energy_axis_mev"),
        )


def read_resolutions(path: str | Path) -> dict[str, Resolution]:
    """The resolution function of each analyzer of a file.

    Parameters
    ----------
    path : path
        What `ixs resolution -o` wrote; a project may hold resolutions, too.

    Raises
    ------
    InputError
        When the file is no project, or holds no resolution.
    """
    return {name: fit.resolution for name, fit in read_resolution_fits(path).items()}


def read_resolution_fits(path: str | Path) -> dict[str, ResolutionFit]:
    """The resolution fit of each analyzer of a file, with data and expected counts.

    Errors as for `read_resolutions`.
    """
    with Project(path).reading() as h5:
        names = list_results(h5, "resolutions")
        if not names:
            raise InputError(
                "the file holds no resolution function",
                file=path,
                hint="`ixs resolution FILE -o R.h5` fits them",
            )
        return {name: _read(h5, name) for name in names}


def _read(h5: h5py.File, name: str) -> ResolutionFit:
    data = read_result(h5, "resolutions", name).datasets
    (spectrum,) = spectra_of(data, f"{h5.filename} resolutions/{name}")
    try:
        record = json.loads(data["resolution"])
        numbers = {key: record[key] for key in _NUMBERS if key != "dof"}
        return ResolutionFit(
            resolution=Resolution.from_record(record["resolution"]),
            spectrum=spectrum,
            components=tuple(Component(*c) for c in record["components"]),
            broad=tuple(Component(*c) for c in record["broad"]),
            **{key: float(value) for key, value in numbers.items()},
            dof=record["dof"],
            expected_counts=data["expected_counts"][0],
            others=tuple(record["others"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"the stored resolution is damaged ({error})",
            file=h5.filename,
            key=f"resolutions/{name}",
            hint="fit it again with `ixs resolution`",
        ) from error


def _record(fit: ResolutionFit) -> dict[str, Any]:
    return plain(
        {
            "resolution": fit.resolution.to_record(),
            "components": [list(c) for c in fit.components],
            "broad": [list(c) for c in fit.broad],
            "others": fit.others,
            **{key: getattr(fit, key) for key in _NUMBERS},
        }
    )
