"""Harmonic force constants from files and objects, one module per format."""

from __future__ import annotations

from ixs_core._lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(__name__, {"load": ["load_force_constants"]})
