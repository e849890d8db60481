"""Maximum-entropy electron density from single-crystal structure factors."""

from __future__ import annotations

from ixs_core._lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        "read": ["read_reflections"],
        "reflections": ["MeasuredReflections", "ReflectionGroup", "Reflections"],
        "reconstruction": ["InfeasibleTarget", "reconstruct"],
        "density": ["Density", "MemReport", "Multipliers"],
        "profile": ["Profile"],
        "section": ["Section"],
        "peaks": ["Peak"],
        "formats.densities": ["read_density", "write_density"],
        "pathway": ["minimum_density_path", "potential"],
        "uncertainty": ["bootstrap", "null_profile"],
        "model_structure": ["structure_factors"],
    },
)
