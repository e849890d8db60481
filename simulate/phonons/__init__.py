"""Phonons from force constants, and what x-rays see of them."""

from __future__ import annotations

from ixs_core._lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        "acceptance": ["AcceptanceAverage", "average_over_analyzers", "average_over_windows"],
        "character": ["ModeCharacter"],
        "debye_waller": ["DebyeWaller"],
        "force_constants": ["ForceConstants", "PolarTerms"],
        "grid": ["GridSpectra", "QGrid", "parse_grid", "write_grid"],
        "loading": ["load_force_constants"],
        "model": ["PhononModel"],
        "modes": ["Modes", "ModeStructureFactor"],
        "paths": ["ReciprocalPath", "SqeMap", "parse_path", "path_lines", "sqe_map"],
        "polarisation": ["polarisation_factor"],
        "powder": ["PowderSpectra", "powder_average"],
        "spectra": ["LinewidthTable", "line_spectra"],
        "structure_factor": ["StructureFactorGrid", "intensity_in"],
    },
)
