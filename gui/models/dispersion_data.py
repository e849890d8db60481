"""What a project holds for the tab Dispersion, read in one go; and which scans go together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gui.models.document import Document, SpectrumId
from ixs_core.jobs import CancelToken, Progress
from ixs_core.project import Project, list_results
from ixs_reduce import Resolution, Spectrum, SpectrumFit
from ixs_reduce.dispersion_points import rounded_kelvin
from ixs_reduce.fit_words import dead_reason, median_of
from ixs_reduce.predicted_modes import PredictedModes, SpectrumKey, spectrum_key
from ixs_reduce.q_path import QLine, against_q_abs, q_lines
from ixs_reduce.store import (
    fit_keys,
    prediction_keys,
    read_fits,
    read_predictions,
    read_resolutions,
    read_spectra,
    spectra_keys,
)
from simulate.overlay_store import CONTENT as OVERLAY
from simulate.overlay_store import read_overlays
from simulate.record_store import record_keys
from simulate.spectrum_overlay import SpectrumOverlay
from simulate.sqe_results import SqeResult, read_sqe, sqe_keys


@dataclass(frozen=True)
class StoredDispersion:
    """Spectra, fits and predictions of a project.

    Parameters
    ----------
    spectra : mapping
        Key -> spectra, masked ones included.
    fits : mapping
        Spectrum -> its stored fit.
    predictions : mapping
        Modes predicted at the spectra's own Q.
    overlays : mapping
        Name of a stored overlay -> its curves by spectrum.
    paths : mapping
        Name of a calculated path -> its modes.
    resolutions : mapping
        Analyzer -> R, for spectra without a fit.
    """

    spectra: Mapping[str, tuple[Spectrum, ...]] = field(default_factory=dict)
    fits: Mapping[SpectrumId, SpectrumFit] = field(default_factory=dict)
    predictions: Mapping[SpectrumKey, PredictedModes] = field(default_factory=dict)
    overlays: Mapping[str, Mapping[SpectrumKey, SpectrumOverlay]] = field(default_factory=dict)
    paths: Mapping[str, SqeResult] = field(default_factory=dict)
    resolutions: Mapping[str, Resolution] = field(default_factory=dict)


def read_dispersion(
    path: Path, *, progress: Progress | None = None, cancel: CancelToken | None = None
) -> StoredDispersion:
    """Read a project for the tab.

    Raises
    ------
    InputError
        When it cannot be read.
    """
    fits: dict[SpectrumId, SpectrumFit] = {}
    with Project(path).reading() as h5:
        spectra = {key: read_spectra(h5, key) for key in spectra_keys(h5)}
        for key in fit_keys(h5):
            if cancel is not None:
                cancel.check()
            fits |= {
                SpectrumId(key, fit.spectrum.analyzer or ""): fit for fit in read_fits(h5, key)
            }
        predictions = {
            modes.key: modes for key in prediction_keys(h5) for modes in read_predictions(h5, key)
        }
        overlays = {
            key: {(one.file, one.scan, one.analyzer): one for one in read_overlays(h5, key)[0]}
            for key in record_keys(h5, OVERLAY)
        }
        results = {key: read_sqe(h5, key) for key in sqe_keys(h5)}
        has_resolutions = bool(list_results(h5, "resolutions"))
    return StoredDispersion(
        spectra,
        fits,
        predictions,
        overlays,
        {key: result for key, result in results.items() if result.distance is not None},
        read_resolutions(path) if has_resolutions else {},
    )


def fits_now(stored: StoredDispersion, document: Document) -> dict[SpectrumId, SpectrumFit]:
    """The fits of the file with what was done in the viewer since."""
    both = {**stored.fits, **document.fits}
    return {which: fit for which, fit in both.items() if fit is not None}


@dataclass(frozen=True)
class ScanSet:
    """Scans that are looked at together.

    Parameters
    ----------
    label : str
        As the user chooses it.
    keys : tuple of str
        Of spectra.
    """

    label: str
    keys: tuple[str, ...]


def scan_sets(stored: StoredDispersion) -> tuple[ScanSet, ...]:
    """What can be chosen: all scans of a file at one temperature, at all, and single scans."""
    files: dict[str, dict[int | None, list[str]]] = {}
    for key, group in stored.spectra.items():
        if group:
            kelvin = group[0].temperature_k
            rounded = None if kelvin is None else rounded_kelvin(kelvin)
            files.setdefault(group[0].file or "", {}).setdefault(rounded, []).append(key)
    sets = []
    for file, by_kelvin in files.items():
        name = Path(file).stem or "spectra"
        for kelvin, keys in by_kelvin.items():
            what = "T unknown" if kelvin is None else _kelvin(stored, keys)
            count = f"{len(keys)} scans" if len(keys) > 1 else _scan_name(stored, keys[0])
            sets.append(ScanSet(f"{what} · {count} · {name}", tuple(keys)))
        if len(by_kelvin) > 1:
            every = tuple(key for keys in by_kelvin.values() for key in keys)
            sets.append(ScanSet(f"all {len(by_kelvin)} temperatures · {name}", every))
        for kelvin, keys in by_kelvin.items():
            if len(keys) > 1:
                what = "T unknown" if kelvin is None else _kelvin(stored, keys)
                sets += [
                    ScanSet(f"{what} · {_scan_name(stored, key)} · {name}", (key,)) for key in keys
                ]
    return tuple(sets)


def _kelvin(stored: StoredDispersion, keys: Sequence[str]) -> str:
    return f"{median_of(stored.spectra[key][0].temperature_k or 0.0 for key in keys):.0f} K"


def _scan_name(stored: StoredDispersion, key: str) -> str:
    return f"scan {stored.spectra[key][0].scan or key}"


@dataclass(frozen=True)
class SpectraOfSet:
    """The spectra of a set that are shown, and why others are not.

    Parameters
    ----------
    ids, spectra : tuples of equal length
    masked, dead : int
        Spectra left out because they are masked, or of a dead analyzer.
    """

    ids: tuple[SpectrumId, ...]
    spectra: tuple[Spectrum, ...]
    masked: int = 0
    dead: int = 0


def spectra_of(
    stored: StoredDispersion, masks: Mapping[str, frozenset[str]], chosen: ScanSet
) -> SpectraOfSet:
    """The spectra of a set without masked ones and those of dead analyzers."""
    found: dict[SpectrumId, Spectrum] = {}
    masked = dead = 0
    for key in chosen.keys:
        for spectrum in stored.spectra.get(key, ()):
            name = spectrum.analyzer or ""
            if name in masks.get(key, ()):
                masked += 1
            elif dead_reason(spectrum) is not None:
                dead += 1
            else:
                found[SpectrumId(key, name)] = spectrum
    return SpectraOfSet(tuple(found), tuple(found.values()), masked, dead)


def lines_of(shown: SpectraOfSet) -> tuple[QLine, ...]:
    """The lines in Q on which spectra lie, rows of an array apart, and all against |Q|."""
    lines = q_lines(shown.spectra, rows=True)
    straight = tuple(line for line in lines if line.direction is not None)
    return (*straight, *against_q_abs(shown.spectra))


def line_text(line: QLine) -> str:
    """A line as the user chooses it."""
    count = f"{len(line.members)} spectra"
    if line.direction is None:
        return f"all against |Q| · {count}"
    return " · ".join(part for part in (line.name, f"Q = {line.q_text}", count) if part)


_MOST_COMPARED = 12


def best_choice(stored: StoredDispersion, document: Document) -> tuple[ScanSet, QLine] | None:
    """Where to begin: the line that tells most, by its fits and what is calculated for them.

    None where no spectrum has a known Q.
    """
    fits = fits_now(stored, document)
    best: tuple[float, ScanSet, QLine] | None = None
    sets = scan_sets(stored)
    largest = sorted(sets, key=lambda one: -len(one.keys))[:_MOST_COMPARED]
    for chosen in (one for one in sets if one in largest):
        shown = spectra_of(stored, document.masks, chosen)
        for line in lines_of(shown):
            fitted = [place for place in line.members if shown.ids[place] in fits]
            predicted = sum(
                spectrum_key(shown.spectra[place]) in stored.predictions for place in line.members
            )
            worth = len(fitted) + predicted + 0.01 * len(line.members)
            worth *= 1.0 if line.direction is not None else 0.1
            if best is None or worth > best[0]:
                best = (worth, chosen, line)
    return None if best is None else best[1:]
