"""What all packages share: units, lattice, errors, jobs, the project file, the report shell."""

from __future__ import annotations

from ixs_core._lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        "errors": ["Cancelled", "InputError", "IxsError", "ProjectLockedError"],
        "experiment": ["Experiment", "load_experiment"],
        "jobs": ["CancelToken", "parallel_map"],
        "lattice": ["Lattice"],
        "project": ["Project"],
    },
)
