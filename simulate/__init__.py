"""Predictions in the measurement's own terms: its Q, its resolution, its units."""

from __future__ import annotations

from ixs_core._lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        "phonons": ["PhononModel", "load_force_constants", "parse_path", "write_grid"],
        "planning": ["make_plan", "parse_wish", "rank_zones"],
        "prediction": ["predict_spectra"],
    },
)
