"""The figure of a calculated result: a path as dispersion or map, single Q as spectra."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulate.phonons.figures import dispersion_figure, map_figure, spectra_figure
from simulate.sqe_results import SqeResult

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def figure_of(result: SqeResult) -> Figure:
    """Along a path the dispersion or, where there are spectra, their map; else spectra per Q.

    Raises
    ------
    ValueError
        Single Q without spectra.
    """
    if result.distance is not None and result.sqe is not None and result.energy_mev is not None:
        return map_figure(
            result.distance, result.ticks, result.energy_mev, result.sqe, result.title
        )
    if result.distance is not None:
        return dispersion_figure(result.distance, result.ticks, result.lines, result.title)
    if result.sqe is None or result.energy_mev is None:
        raise ValueError("the result holds no spectra")
    labels = [
        " ".join(f"{round(float(x), 3):g}" for x in hkl) for hkl in np.asarray(result.lines.q_hkl)
    ]
    names = (
        [f"{name}  {q}" for name, q in zip(result.names, labels, strict=True)]
        if result.names
        else labels
    )
    return spectra_figure(names, result.energy_mev, result.sqe, result.lines, result.title)
