"""One view of the tab Dispersion as numbers: maps, points and branches along a line in Q."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from gui.models.column_grid import ColumnGrid, column_grid
from gui.models.dispersion_curves import (
    Curve,
    calculated_curves,
    sources_of,
)
from gui.models.dispersion_data import (
    ScanSet,
    SpectraOfSet,
    StoredDispersion,
    best_choice,
    fits_now,
    lines_of,
    read_dispersion,
    scan_sets,
    spectra_of,
)
from gui.models.document import Document, SpectrumId
from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from ixs_core.jobs import CancelToken, Progress
from ixs_reduce import Spectrum, SpectrumFit
from ixs_reduce.dispersion_points import (
    CalculatedPoints,
    ModePoint,
    axis_ends,
    by_number,
    calculated_points,
    mode_points,
    path_series,
)
from ixs_reduce.predicted_modes import PredictedModes, SpectrumKey, spectrum_key
from ixs_reduce.q_path import QLine, QPath, path_along
from simulate.branches_along import BranchAlong, branches_along


@dataclass(frozen=True)
class Wanted:
    """What the user chose to see; None or "" for the default.

    Parameters
    ----------
    scans : ScanSet
    line : str
        `QLine.name` and its Q in words, by which a line is found again after changes.
    source : str
        Of the calculated map: `PREDICTED`, `FITTED`, or the name of a stored overlay.
    """

    scans: ScanSet
    line: str = ""
    source: str = ""


@dataclass(frozen=True)
class Beginning:
    """A project as read, and what of it is shown first.

    Parameters
    ----------
    stored : StoredDispersion
    sets : tuple of ScanSet
    wanted : Wanted or None
        None where there are no spectra.
    """

    stored: StoredDispersion
    sets: tuple[ScanSet, ...]
    wanted: Wanted | None


def begin(
    path: Path,
    document: Document,
    wanted: Wanted | None = None,
    *,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> Beginning:
    """Read a project; what was wanted before is kept where it is still there.

    Raises
    ------
    InputError
        When it cannot be read.
    """
    stored = read_dispersion(path, progress=progress, cancel=cancel)
    sets = scan_sets(stored)
    if wanted is None or wanted.scans not in sets:
        best = best_choice(stored, document)
        if best is not None:
            wanted = Wanted(best[0], line_key(best[1]))
        else:
            wanted = Wanted(sets[0]) if sets else None
    return Beginning(stored, sets, wanted)


@dataclass(frozen=True)
class DispersionView:
    """What is drawn.

    Parameters
    ----------
    wanted : Wanted
        With the line and source that are really shown.
    lines : tuple of QLine
        All that can be chosen.
    line : QLine
    ids, spectra : tuples, one for each column
    zeros : (n,) array
        True energy = file energy - zero.
    exposure : float
        Maps are counts per so much exposure: a power of ten.
    measured, calculated, difference : ColumnGrid
    sources : tuple of str
        What the calculated map can show.
    path : QPath
        The fits.
    points : tuple of ModePoint
    series : tuple of str
        Names that colour the points, in order.
    ends : (float, float)
        Of the axes of energy and FWHM of the points.
    predicted : tuple of CalculatedPoints
    branches : tuple of BranchAlong
    predictions : mapping
    notes : tuple of str
        What was left out.
    """

    wanted: Wanted
    lines: tuple[QLine, ...]
    line: QLine
    ids: tuple[SpectrumId, ...]
    spectra: tuple[Spectrum, ...]
    zeros: FloatArray
    exposure: float
    measured: ColumnGrid
    calculated: ColumnGrid
    difference: ColumnGrid
    sources: tuple[str, ...]
    path: QPath
    points: tuple[ModePoint, ...]
    series: tuple[str, ...]
    ends: tuple[float, float]
    predicted: tuple[CalculatedPoints, ...]
    branches: tuple[BranchAlong, ...]
    predictions: Mapping[SpectrumKey, PredictedModes] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def spectrum_of(self, point: ModePoint) -> SpectrumId:
        """The spectrum that a point was fitted to."""
        return self.ids[self.line.members.index(self.path.members[point.fit])]


def line_key(line: QLine) -> str:
    """By what a line is found again after spectra were masked or added."""
    return f"{line.name}|{line.q_text}" if line.direction is None else line.name or line.q_text


def dispersion_view(
    stored: StoredDispersion,
    document: Document,
    wanted: Wanted,
    *,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> DispersionView:
    """Maps, points and branches of what was chosen.

    Raises
    ------
    InputError
        The scans hold no spectrum with a known Q that is not masked.
    """
    shown = spectra_of(stored, document.masks, wanted.scans)
    lines = lines_of(shown)
    if not lines:
        raise InputError(
            "nothing to show of these scans: no spectrum has a known Q and is neither masked nor "
            "of a dead analyzer",
            found=f"{shown.masked} masked, {shown.dead} dead",
        )
    line = next((one for one in lines if line_key(one) == wanted.line), lines[0])
    ids = tuple(shown.ids[place] for place in line.members)
    spectra = tuple(shown.spectra[place] for place in line.members)
    fits = fits_now(stored, document)
    own = [fits.get(which) for which in ids]
    zeros = np.array([_zero(s, fit) for s, fit in zip(spectra, own, strict=True)])
    sources = sources_of(stored, spectra, own)
    source = wanted.source if wanted.source in sources else next(iter(sources), "")
    curves, told = calculated_curves(stored, ids, spectra, own, source, progress, cancel)
    exposure = _round_exposure(spectra)
    path = path_along(line, {p: fit for p, fit in zip(line.members, own, strict=True) if fit})
    points, series = _points(path)
    return DispersionView(
        wanted=Wanted(wanted.scans, line_key(line), source),
        lines=lines,
        line=line,
        ids=ids,
        spectra=spectra,
        zeros=zeros,
        exposure=exposure,
        measured=_grid(line, zeros, [_measured(s, exposure) for s in spectra]),
        calculated=_grid(line, zeros, [_scaled(c, exposure, "expected") for c in curves]),
        difference=_grid(line, zeros, [_scaled(c, exposure, "difference") for c in curves]),
        sources=sources,
        path=path,
        points=points,
        series=series,
        ends=axis_ends(points) if points else (1.0, 1.0),
        predicted=calculated_points(spectra, line.position.tolist(), stored.predictions),
        branches=tuple(
            branch
            for key, result in stored.paths.items()
            for branch in branches_along(line, result, key)
        ),
        predictions={
            key: stored.predictions[key]
            for key in map(spectrum_key, spectra)
            if key in stored.predictions
        },
        notes=(*_left_out(shown), *_without_zero(spectra, own), *told),
    )


def _zero(spectrum: Spectrum, fit: SpectrumFit | None) -> float:
    return fit.zero.value if fit is not None else spectrum.zero_mev or 0.0


def _round_exposure(spectra: Sequence[Spectrum]) -> float:
    """The power of ten next to the median exposure."""
    every = np.concatenate([spectrum.exposure for spectrum in spectra])
    seen = every[every > 0]
    return float(10.0 ** np.round(np.log10(np.median(seen)))) if seen.size else 1.0


_Cells = tuple[FloatArray, FloatArray]  # energies of the file, values


def _measured(spectrum: Spectrum, exposure: float) -> _Cells:
    return spectrum.energy_mev, _per(spectrum.counts, spectrum.exposure, exposure)


def _scaled(curve: Curve, exposure: float, quantity: str) -> _Cells:
    return curve.energy_mev, _per(getattr(curve, quantity), curve.exposure, exposure)


def _per(counts: FloatArray, exposure: FloatArray, unit: float) -> FloatArray:
    """Counts per `unit` of exposure; NaN for points without exposure."""
    seen = exposure > 0
    return np.divide(unit * counts, exposure, out=np.full(counts.shape, np.nan), where=seen)


def _grid(line: QLine, zeros: FloatArray, cells: Sequence[_Cells]) -> ColumnGrid:
    energies = [energy - zero for (energy, _), zero in zip(cells, zeros.tolist(), strict=True)]
    return column_grid(line.position, energies, [values for _, values in cells])


def _points(path: QPath) -> tuple[tuple[ModePoint, ...], tuple[str, ...]]:
    """Fitted modes, coloured by temperature or scan where several meet; branches are words."""
    points = mode_points(path, path_series(path), by_branch=False)
    return points, tuple(sorted({point.series for point in points}, key=by_number))


def _without_zero(
    spectra: Sequence[Spectrum], fits: Sequence[SpectrumFit | None]
) -> tuple[str, ...]:
    guessed = sum(
        fit is None and spectrum.zero_mev is None
        for spectrum, fit in zip(spectra, fits, strict=True)
    )
    if not guessed:
        return ()
    return (f"without fit and zero: {_spectra(guessed)}, with E = 0 as in the file",)


def _spectra(number: int) -> str:
    return "1 spectrum" if number == 1 else f"{number} spectra"


def _left_out(shown: SpectraOfSet) -> tuple[str, ...]:
    notes = []
    if shown.masked:
        notes.append(f"left out: {_spectra(shown.masked)}, masked")
    if shown.dead:
        notes.append(f"left out: {_spectra(shown.dead)} of dead analyzers")
    return tuple(notes)
