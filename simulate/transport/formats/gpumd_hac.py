"""hac.out of GPUMD: correlations and running integrals of the potential part of the heat flux.

Eleven columns: time (ps); ⟨J J⟩ of x in plane, x out of plane, y in, y out, z; and the running κ
(W/mK) of the same. Every run appends its own rows.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from simulate.phonons.loading.file_content import FileContent, read_content
from simulate.transport.flux_integral import FluxIntegral, with_plateau
from simulate.transport.formats.number_table import read_number_table
from simulate.transport.kappa_from_flux import GreenKubo

_COLUMNS = 11
_POTENTIAL_ONLY = (
    "hac.out holds the potential part only: what moving atoms carry along is missing, and the "
    "series itself, so that neither the parts nor a cepstral analysis can be had"
)


def is_hac(content: FileContent) -> bool:
    """Whether a file is a hac.out, by its name and its number of columns."""
    if "hac" not in content.path.name.lower():
        return False
    lines = content.data[:2000].splitlines()
    return bool(lines) and len(lines[0].split()) == _COLUMNS


def read_gpumd_hac(path: str | Path, at_ps: float | None = None) -> GreenKubo:
    """Running integrals of one or several runs, and the plateau of their mean.

    Parameters
    ----------
    path : str or path
    at_ps : float, optional
        As for `green_kubo`.

    Raises
    ------
    InputError
        Not eleven columns, or runs of different lengths.
    """
    content = read_content(Path(path))
    table = read_number_table(content).values
    if table.shape[1] != _COLUMNS:
        raise InputError(
            "this is not a hac.out of GPUMD",
            file=content.path,
            found=f"{table.shape[1]} columns",
            expected=str(_COLUMNS),
        )
    runs = _runs(table, content)
    time_ps = runs[0, :, 0]
    running = _axes(runs[:, :, 6:11])
    integral = FluxIntegral(
        time_ps=time_ps,
        correlation=_axes(runs[:, :, 1:6]).mean(axis=0),
        running=running.mean(axis=0),
        block_running=running,
        parts=np.empty((0, len(time_ps), 3)),
        block_parts=np.empty((len(runs), 0, len(time_ps), 3)),
        plateau_ps=None,
        plateau_reason="",
        read_ps=(0.0, 0.0),
        notes=(f"{len(runs)} runs; correlation in eV³/amu",),
    )
    return GreenKubo(with_plateau(integral, at_ps), None, (_POTENTIAL_ONLY,))


def _runs(table: FloatArray, content: FileContent) -> FloatArray:
    """(runs, nt, 11): a run begins where time goes back."""
    starts = [0, *(np.flatnonzero(np.diff(table[:, 0]) <= 0) + 1), len(table)]
    lengths = set(np.diff(starts).tolist())
    if len(lengths) > 1:
        raise InputError(
            "the runs in this file have different lengths",
            file=content.path,
            found=", ".join(str(length) for length in np.diff(starts)),
            expected="rows of equal runs",
        )
    if lengths == {1}:
        raise InputError("the runs in this file have one row each", file=content.path)
    return table.reshape(len(starts) - 1, -1, _COLUMNS)


def _axes(columns: FloatArray) -> FloatArray:
    """(…, 3) x, y, z of the five columns: in plane and out of plane together."""
    x, y = columns[..., 0] + columns[..., 1], columns[..., 2] + columns[..., 3]
    return np.stack([x, y, columns[..., 4]], axis=-1)
