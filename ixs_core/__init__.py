"""What all packages share: units, lattice, crystal, form factors, jobs, project file, report."""

from __future__ import annotations

from ixs_core._lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        "cif": ["read_block", "read_crystal"],
        "crystal": ["Crystal", "Site"],
        "errors": ["Cancelled", "InputError", "IxsError", "ProjectLockedError"],
        "experiment": ["Experiment", "load_experiment"],
        "scattering_factors": ["form_factors"],
        "jobs": ["CancelToken", "parallel_map"],
        "lattice": ["Lattice"],
        "project": ["Project"],
    },
)
