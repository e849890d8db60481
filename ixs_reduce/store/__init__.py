"""Scans, spectra, resolutions, predictions and fits in the project file, and back.

Arrays stand as [n_analyzers, n_points], one group for each scan, so that any NeXus viewer shows
them; what does not fit into arrays stands beside them as one JSON text, `record`.
"""

from __future__ import annotations

from ixs_reduce.store.fits import fit_keys, read_fits, write_fits
from ixs_reduce.store.keys import merged_key, scan_key
from ixs_reduce.store.masks import read_masks, write_masks
from ixs_reduce.store.overview import ScanOverview, overview_of, read_overview
from ixs_reduce.store.predictions import (
    prediction_keys,
    read_predictions,
    write_predictions,
)
from ixs_reduce.store.resolutions import (
    read_resolution_fits,
    read_resolutions,
    write_resolutions,
)
from ixs_reduce.store.scans import read_scan, scan_keys, write_scan
from ixs_reduce.store.spectra import read_spectra, spectra_keys, write_spectra

__all__ = [
    "ScanOverview",
    "fit_keys",
    "merged_key",
    "overview_of",
    "prediction_keys",
    "read_fits",
    "read_masks",
    "read_overview",
    "read_predictions",
    "read_resolution_fits",
    "read_resolutions",
    "read_scan",
    "read_spectra",
    "scan_key",
    "scan_keys",
    "spectra_keys",
    "write_fits",
    "write_masks",
    "write_predictions",
    "write_resolutions",
    "write_scan",
    "write_spectra",
]
