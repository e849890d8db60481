"""Fits in the project file: data, expected counts, a table of modes, and the full records.

The spectra that were fitted are stored with the fit, so that a fit stays readable, and runs
again bit for bit, after the scan was reduced anew.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import h5py
import numpy as np

from ixs_core.errors import InputError
from ixs_core.project import list_results, read_result, write_result
from ixs_core.provenance import Provenance
from ixs_reduce.export import mode_rows
from ixs_reduce.fit_record import fit_of, record_of
from ixs_reduce.fitting import SpectrumFit
from ixs_reduce.store.padding import padded
from ixs_reduce.store.spectra import UNITS, spectra_datasets, spectra_of

_FIT_UNITS = {
    "mode_energy_mev": "meV",
    "mode_energy_err": "meV",
    "mode_fwhm_mev": "meV",
    "mode_fwhm_err": "meV",
    "mode_fwhm_upper": "meV",
    "mode_zero_mev": "meV",
    "mode_zero_err": "meV",
    "mode_q_abs": "1/angstrom",
    "mode_temperature_k": "K",
    "expected_counts": "counts",
}
_TEXT_COLUMNS = ("scan", "analyzer", "branch", "flags", "file")


def write_fits(
    h5: h5py.File,
    key: str,
    fits: Sequence[SpectrumFit],
    provenance: Provenance,
    replace: bool = False,
) -> None:
    """Store the fits of one scan or merged set under /entry/fits/<key>.

    Beside the fields of the spectra: `expected_counts` [n_analyzers, n_points], the columns of
    the table of modes as `mode_…` (one row per mode), and `fit_records`, the JSON list of
    `record_of` each fit.

    Parameters
    ----------
    h5 : h5py.File
        A project opened by `Project.writing`; all fits of a batch go into one such block.
    key : str
        That of the spectra.
    fits : sequence of SpectrumFit
        One for each analyzer.
    provenance : Provenance
    replace : bool
        Drop an earlier result of this key instead of keeping it in the history.
    """
    datasets = spectra_datasets([fit.spectrum for fit in fits])
    n_points = datasets["counts"].shape[1]
    datasets["expected_counts"] = padded([fit.expected_counts for fit in fits], n_points)
    # One text rather than a list of them: HDF5 takes back the room of a replaced one.
    datasets["fit_records"] = json.dumps([record_of(fit) for fit in fits], allow_nan=False)
    datasets |= _mode_columns(fits)
    units = UNITS | _FIT_UNITS
    write_result(
        h5,
        "fits",
        key,
        datasets,
        provenance=provenance,
        attributes={"title": f"fits of {key}", "auxiliary_signals": ["expected_counts"]},
        units={name: unit for name, unit in units.items() if name in datasets},
        signal="counts",
        axes=(".", "energy_axis_mev"),
        replace=replace,
    )


def read_fits(h5: h5py.File, key: str, version: int | None = None) -> tuple[SpectrumFit, ...]:
    """The fits of a key with the data that were fitted, in the order written.

    Raises
    ------
    InputError
        When there are no fits of this key, or what is stored of them is damaged.
    """
    data = read_result(h5, "fits", key, version).datasets
    spectra = spectra_of(data, f"{h5.filename} fits/{key}")
    try:
        records = json.loads(data["fit_records"])
        pairs = list(zip(records, spectra, strict=True))
    except (KeyError, ValueError) as error:
        raise InputError(
            f"the stored fits are damaged ({error})",
            file=h5.filename,
            key=f"fits/{key}",
            hint="fit again",
        ) from error
    return tuple(fit_of(record, spectrum) for record, spectrum in pairs)


def fit_keys(h5: h5py.File) -> list[str]:
    """Keys of the stored fits, scans in numerical order."""
    return list_results(h5, "fits")


def _mode_columns(fits: Sequence[SpectrumFit]) -> dict[str, Any]:
    """The table of modes by column; texts as lists, numbers as arrays with NaN for none."""
    rows = mode_rows(fits)
    columns: dict[str, Any] = {}
    for name in rows[0] if rows else ():
        values = [row[name] for row in rows]
        if name in _TEXT_COLUMNS:
            columns[f"mode_{name}"] = [value or "" for value in values]
        elif name in ("mode", "overdamped", "dof"):
            columns["mode_number" if name == "mode" else f"mode_{name}"] = np.array(values)
        else:
            columns[f"mode_{name}"] = np.array(
                [np.nan if value is None else value for value in values]
            )
    return columns
