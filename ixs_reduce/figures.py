"""Figures of measured spectra, for pages and papers: functions that return matplotlib figures."""

from __future__ import annotations

from ixs_reduce.figures_dispersion import dispersion_figure, zeros_figure
from ixs_reduce.figures_grid import spectra_grid
from ixs_reduce.figures_predicted import predicted_figure
from ixs_reduce.figures_resolution import resolution_figure
from ixs_reduce.figures_spectrum import spectrum_figure

__all__ = [
    "dispersion_figure",
    "predicted_figure",
    "resolution_figure",
    "spectra_grid",
    "spectrum_figure",
    "zeros_figure",
]
