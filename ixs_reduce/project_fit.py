"""Fit the spectra of a project and store the fits in it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import h5py

from ixs_core.errors import InputError
from ixs_core.jobs import CancelToken, Progress
from ixs_core.project import Project
from ixs_core.provenance import provenance_of
from ixs_reduce.batch import BatchResult, FitOptions, LeftOut, fit_batch
from ixs_reduce.fit_options import MASKED
from ixs_reduce.fitting import SpectrumFit
from ixs_reduce.formats.selection import select_labels
from ixs_reduce.predicted_modes import PredictedModes, SpectrumKey
from ixs_reduce.resolution import Resolution
from ixs_reduce.spectrum import Spectrum
from ixs_reduce.store import (
    fit_keys,
    prediction_keys,
    read_fits,
    read_masks,
    read_predictions,
    read_spectra,
    spectra_keys,
    write_fits,
)


@dataclass(frozen=True)
class ProjectSpectra:
    """The current spectra of a project by the key they are stored under.

    Parameters
    ----------
    by_key : mapping
        Key -> spectra, masked ones included.
    masks : mapping
        Key -> names of masked analyzers, which are not fitted.
    """

    by_key: Mapping[str, tuple[Spectrum, ...]]
    masks: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def spectra(self) -> list[Spectrum]:
        """Those to fit, scan by scan."""
        return [s for key in self.by_key for s in self.by_key[key] if not self._masked(key, s)]

    @property
    def masked(self) -> list[Spectrum]:
        """Those that the user masked."""
        return [s for key in self.by_key for s in self.by_key[key] if self._masked(key, s)]

    def _masked(self, key: str, spectrum: Spectrum) -> bool:
        return spectrum.analyzer in self.masks.get(key, frozenset())


def load_spectra(project: Project, scans: str | None = None) -> ProjectSpectra:
    """The current spectra of a project, of all scans or of a selection ("58-69,71").

    Raises
    ------
    InputError
        When the project has no spectra, or none of the selected scans.
    """
    with project.reading() as h5:
        by_key = {key: read_spectra(h5, key) for key in spectra_keys(h5)}
        masks = read_masks(h5)
    if not by_key:
        raise InputError(
            "the project has no spectra", file=project.path, hint="`ixs reduce` puts them in"
        )
    if scans is not None:
        labels = {key: (group[0].scan or key).split("+") for key, group in by_key.items()}
        known = dict.fromkeys(label for group in labels.values() for label in group)
        wanted = select_labels(scans, known, project.path)
        by_key = {key: group for key, group in by_key.items() if set(labels[key]) & wanted}
    return ProjectSpectra(by_key, masks)


def load_predictions(
    project: Project, keys: Iterable[str] | None = None
) -> dict[SpectrumKey, PredictedModes]:
    """The predicted modes of a project by the file, scan and analyzer of their spectra.

    keys : of spectra; default all that have predictions.

    Raises
    ------
    InputError
        When the project holds none for any of the keys.
    """
    with project.reading() as h5:
        present = prediction_keys(h5)
        wanted = present if keys is None else [key for key in keys if key in present]
        found = [modes for key in wanted for modes in read_predictions(h5, key)]
    if not found:
        what = f"those of {', '.join(present)} only" if present else None
        raise InputError(
            "the project holds no predicted modes"
            + (" of the spectra to be fitted" if present else ""),
            file=project.path,
            found=what,
            hint=f"`ixs sqe FC --at {project.path.name}` predicts them",
        )
    return {modes.key: modes for modes in found}


def fit_project(
    project: Project,
    loaded: ProjectSpectra,
    resolutions: Mapping[str, Resolution],
    options: FitOptions,
    *,
    sources: Sequence[Path] = (),
    scheduler: str | None = None,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
    replace: bool = False,
) -> BatchResult:
    """Fit spectra of a project through `fit_batch` and store the fits in one transaction.

    With options.modes "predicted" the modes are those that the project holds for its spectra.

    Parameters
    ----------
    project : Project
    loaded : ProjectSpectra
        What to fit, from `load_spectra`.
    resolutions : mapping
        Analyzer -> Resolution.
    options : FitOptions
    sources : sequence of path
        Files that made the resolutions, for the provenance.
    replace : bool
        Drop earlier fits of the same scans instead of keeping them in the history.

    Errors as for `fit_batch`, and for `load_predictions`.
    """
    by_prediction = options.modes == "predicted"
    predictions = load_predictions(project, loaded.by_key) if by_prediction else None
    with project.writing():
        """A project that cannot be written is told before the work, not after it."""
    result = fit_batch(
        loaded.spectra,
        resolutions,
        options,
        predictions=predictions,
        scheduler=scheduler,
        progress=progress,
        cancel=cancel,
    )
    masked = tuple(LeftOut(spectrum, MASKED) for spectrum in loaded.masked)
    result = dataclasses.replace(result, left_out=result.left_out + masked)
    settings = {"options": options, "resolutions": _digests(resolutions)}
    base = provenance_of("ixs fit", settings, sources=sources, packages=("lmfit",))
    with project.writing() as h5:
        for key, new in fits_by_key(loaded, result.fits).items():
            order = [spectrum.analyzer for spectrum in loaded.by_key[key]]
            kept = [s for s in loaded.by_key[key] if s.analyzer not in loaded.masks.get(key, ())]
            fits = [*_still_valid(h5, key, kept, new), *new]
            fits.sort(key=lambda fit: order.index(fit.spectrum.analyzer))
            write_fits(
                h5,
                key,
                fits,
                dataclasses.replace(base, parents=_parents(key, by_prediction)),
                replace=replace,
            )
    return result


def _parents(key: str, by_prediction: bool) -> tuple[str, ...]:
    """The results that fits of a key are made from."""
    return (f"spectra/{key}", *([f"predictions/{key}"] if by_prediction else []))


def _still_valid(
    h5: h5py.File, key: str, spectra: Sequence[Spectrum], new: Sequence[SpectrumFit]
) -> list[SpectrumFit]:
    """Stored fits of the analyzers that were not fitted now, where their data are still these."""
    if key not in fit_keys(h5):
        return []
    done = {fit.spectrum.analyzer for fit in new}
    current = {spectrum.analyzer: spectrum for spectrum in spectra}
    return [
        fit
        for fit in read_fits(h5, key)
        if fit.spectrum.analyzer not in done
        and fit.spectrum.analyzer in current
        and is_part_of(fit.spectrum, current[fit.spectrum.analyzer])
    ]


def is_part_of(fitted: Spectrum, spectrum: Spectrum) -> bool:
    """Whether all fitted points are points of a spectrum (bursts may be left out)."""
    points = set(zip(spectrum.energy_mev, spectrum.counts, spectrum.exposure, strict=True))
    return points.issuperset(zip(fitted.energy_mev, fitted.counts, fitted.exposure, strict=True))


def fits_by_key(
    loaded: ProjectSpectra, fits: Sequence[SpectrumFit]
) -> dict[str, list[SpectrumFit]]:
    """The fits of each stored group of spectra; groups without any are left out."""
    home = {
        (spectrum.file, spectrum.scan, spectrum.analyzer): key
        for key, group in loaded.by_key.items()
        for spectrum in group
    }
    grouped: dict[str, list[SpectrumFit]] = {}
    for fit in fits:
        spectrum = fit.spectrum
        key = home[spectrum.file, spectrum.scan, spectrum.analyzer]
        grouped.setdefault(key, []).append(fit)
    return grouped


def _digests(resolutions: Mapping[str, Resolution]) -> dict[str, str]:
    return {name: resolution.sha256 for name, resolution in resolutions.items()}
