"""What the tab Fit needs of a project besides spectra: read in a worker, chosen here. Qt-free."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gui.models.document import Document, SpectrumId
from ixs_core.errors import InputError
from ixs_core.jobs import CancelToken, Progress
from ixs_core.project import Project, has_result
from ixs_core.results import list_history, read_provenance
from ixs_reduce.fitting import SpectrumFit
from ixs_reduce.predicted_modes import PredictedModes
from ixs_reduce.resolution import Resolution
from ixs_reduce.spectrum import Spectrum

TAB = "fit"
RESOLUTIONS, NOMINAL, TEMPERATURE = "resolutions", "nominal_fwhm_mev", "temperature_k"


@dataclass(frozen=True)
class Version:
    """A set of fits of a key that the project keeps: its number (None: the current one), when
    and by what it was made."""

    number: int | None
    created: str
    made_by: str

    @property
    def text(self) -> str:
        """As shown in the list of earlier fits."""
        when = self.created.replace("T", " ")[:16] or "date unknown"
        name = "in the project" if self.number is None else f"earlier, no. {self.number}"
        return f"{name}: {when}, {self.made_by}"


@dataclass(frozen=True)
class Inputs:
    """What was read: fits, versions and predictions by key of spectra, resolutions by analyzer.

    spectra : those of the key that is shown; empty where they cannot be read.
    """

    spectra: Mapping[str, tuple[Spectrum, ...]] = field(default_factory=dict)
    fits: Mapping[str, Mapping[str, SpectrumFit]] = field(default_factory=dict)
    versions: Mapping[str, tuple[Version, ...]] = field(default_factory=dict)
    predictions: Mapping[str, Mapping[str, PredictedModes]] = field(default_factory=dict)
    resolutions: Mapping[str, Resolution] | None = None


def read_inputs(
    path: Path,
    keys: Sequence[str],
    resolutions: bool,
    shown: str = "",
    *,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> Inputs:
    """In a worker: fits, their versions and predictions of some keys; resolutions if asked for.

    shown : the key whose spectra are read as well.

    Raises
    ------
    InputError
        When the project cannot be read.
    """
    import lmfit  # noqa: F401 - reading fits needs it, editing too; its import takes a second

    from ixs_reduce.store import fit_keys, prediction_keys, read_fits, read_predictions

    with Project(path).reading() as h5:
        stored, predicted = fit_keys(h5), prediction_keys(h5)
        has_resolutions = "entry/resolutions" in h5 and len(h5["entry/resolutions"]) > 0
        fits = {
            key: {fit.spectrum.analyzer or "": fit for fit in read_fits(h5, key)}
            for key in keys
            if key in stored
        }
        versions = {key: _versions(h5, key, key in stored) for key in keys}
        predictions = {
            key: {modes.analyzer: modes for modes in read_predictions(h5, key)}
            for key in keys
            if key in predicted
        }
    found: Mapping[str, Resolution] | None = None
    if resolutions:
        found = resolutions_of(path) if has_resolutions else {}
    return Inputs(_spectra_of(path, shown), fits, versions, predictions, found)


def _spectra_of(path: Path, key: str) -> dict[str, tuple[Spectrum, ...]]:
    from ixs_reduce.store import read_spectra

    try:
        with Project(path).reading() as h5:
            return {key: read_spectra(h5, key)} if has_result(h5, "spectra", key) else {}
    except InputError:
        return {}  # said when they are to be shown


def resolutions_of(
    path: Path, *, progress: Progress | None = None, cancel: CancelToken | None = None
) -> Mapping[str, Resolution]:
    """The resolution functions in a file of `ixs resolution`, or in a project."""
    from ixs_reduce.resolution_file import load_resolutions

    return load_resolutions(path)


def read_version(
    path: Path,
    which: SpectrumId,
    number: int | None,
    *,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> SpectrumFit:
    """In a worker: the fit of a spectrum in one version.

    Raises
    ------
    InputError
        When that version holds none of this spectrum, or cannot be read.
    """
    from ixs_reduce.store import read_fits

    with Project(path).reading() as h5:
        fits = read_fits(h5, which.key, number)
    for fit in fits:
        if fit.spectrum.analyzer == which.analyzer:
            return fit
    raise InputError(f"these fits hold none of {which.analyzer}", key=which.key)


def _versions(h5: Any, key: str, current: bool) -> tuple[Version, ...]:
    numbers: list[int | None] = [None] if current else []
    numbers += reversed(list_history(h5, "fits", key))
    found = []
    for number in numbers:
        provenance = read_provenance(h5, "fits", key, number)
        found.append(Version(number, provenance.created, provenance.function))
    return tuple(found)


# -- resolution and temperature --------------------


@dataclass(frozen=True)
class ChosenResolution:
    """R of an analyzer, where it is from, and a warning where it was not measured."""

    resolution: Resolution
    origin: str
    nominal: bool = False


def choose_resolution(
    analyzer: str,
    document: Document,
    measured: Mapping[str, Resolution],
    fits: Sequence[SpectrumFit | None],
) -> ChosenResolution | None:
    """R of an analyzer: given here, of the project, of a stored fit, else nominal; None without.

    fits : of the spectrum itself and of neighbours of the same analyzer.
    """
    given = document.choice(TAB, RESOLUTIONS)
    if given and analyzer in given["records"]:
        record = Resolution.from_record(given["records"][analyzer])
        return ChosenResolution(record, f"from {given['file']}")
    if analyzer in measured:
        return ChosenResolution(measured[analyzer], "measured, in the project")
    for fit in fits:
        if fit is not None and fit.spectrum.analyzer == analyzer:
            return ChosenResolution(fit.model.resolution, f"of the fit of {fit.spectrum.label}")
    nominal = document.choice(TAB, NOMINAL)
    if nominal is None:
        return None
    return ChosenResolution(Resolution.nominal(float(nominal), analyzer), "nominal", nominal=True)


def with_resolutions(
    document: Document, name: str, resolutions: Mapping[str, Resolution]
) -> Document:
    """The document with resolution functions of a file."""
    records = {analyzer: found.to_record() for analyzer, found in resolutions.items()}
    return document.with_choice(TAB, RESOLUTIONS, {"file": name, "records": records})


def with_nominal(document: Document, fwhm_mev: float) -> Document:
    """The document with a nominal FWHM for analyzers whose R is not known."""
    return document.with_choice(TAB, NOMINAL, fwhm_mev)


def temperature_of(spectrum: Spectrum, fit: SpectrumFit | None, document: Document) -> float | None:
    """Sample temperature in K: of the spectrum, of its fit, else as given here."""
    if spectrum.temperature_k is not None:
        return spectrum.temperature_k
    if fit is not None:
        return fit.model.temperature_k
    given = document.choice(TAB, TEMPERATURE)
    return None if given is None else float(given)


def with_temperature(document: Document, temperature_k: float) -> Document:
    """The document with a temperature for spectra whose file gives none."""
    return document.with_choice(TAB, TEMPERATURE, temperature_k)


# -- neighbours --------------------


def nearest_fitted(
    which: SpectrumId, known: Sequence[SpectrumId], is_fitted: Callable[[SpectrumId], bool]
) -> SpectrumId | None:
    """The fitted spectrum that lends a start: same analyzer in the nearest scan, else the nearest
    analyzer of the same scan."""
    keys = list(dict.fromkeys(other.key for other in known))
    if which not in known:
        return None
    place = keys.index(which.key)
    order = known.index(which)

    def distance(other: SpectrumId) -> tuple[int, int]:
        if other.analyzer == which.analyzer:
            return 0, abs(keys.index(other.key) - place)
        return 1, abs(known.index(other) - order)

    near = [
        other
        for other in known
        if other != which
        and (other.key == which.key or other.analyzer == which.analyzer)
        and is_fitted(other)
    ]
    return min(near, key=distance, default=None)
