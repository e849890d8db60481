"""What a measurement contributes to the report page: scans, resolution, fits, dispersion."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from markupsafe import Markup

from ixs_core.project import list_results
from ixs_core.report import Column, Figure, FigureStore, Section, Table, compose, with_error
from ixs_reduce.figures import resolution_figure
from ixs_reduce.fit_words import (
    dead_reason,
    flags_in_words,
    is_simulated,
    number_range,
    own_flags,
    reduced_text,
)
from ixs_reduce.fitting import SpectrumFit
from ixs_reduce.predicted_modes import PredictedModes
from ixs_reduce.report_fits import dispersion_sections, fit_section
from ixs_reduce.report_predicted import predicted_sections
from ixs_reduce.resolution_fit import ResolutionFit
from ixs_reduce.scan import Flag, Scan
from ixs_reduce.spectrum import Spectrum

if TYPE_CHECKING:
    from ixs_core.project import Project

_MASKED = Flag("masked", "masked by the user: not fitted, its fit not shown")


@dataclass(frozen=True)
class Measured:
    """All that a project holds of a measurement.

    Parameters
    ----------
    spectra : tuple of Spectrum
    fits : tuple of SpectrumFit
    resolutions : tuple of ResolutionFit
        Empty where the resolution was fitted into another file.
    scans : tuple of Scan
        The raw scans, for their commands and requested points.
    predictions : tuple of PredictedModes
        Modes that a calculation expects in the spectra.
    """

    spectra: tuple[Spectrum, ...] = ()
    fits: tuple[SpectrumFit, ...] = ()
    resolutions: tuple[ResolutionFit, ...] = ()
    scans: tuple[Scan, ...] = ()
    predictions: tuple[PredictedModes, ...] = ()


def sections(project: Project, figures: FigureStore) -> list[Section]:
    """The sections of a project's measured data, for the entry point `ixs.report`.

    Writes modes.csv and modes.json into the folder of the page.

    Raises
    ------
    InputError
        When the project is damaged or the files cannot be written.
    """
    return measured_sections(read_measured(project), figures)


def read_measured(project: Project) -> Measured:
    """The current spectra, fits, resolutions and predictions of a project."""
    from ixs_reduce.store import (
        fit_keys,
        prediction_keys,
        read_fits,
        read_masks,
        read_predictions,
        read_resolution_fits,
        read_scan,
        read_spectra,
        scan_keys,
        spectra_keys,
    )

    with project.reading() as h5:
        masks = read_masks(h5)
        spectra = tuple(
            s.with_flags((_MASKED,)) if s.analyzer in masks.get(key, ()) else s
            for key in spectra_keys(h5)
            for s in read_spectra(h5, key)
        )
        fits = tuple(
            fit
            for key in fit_keys(h5)
            for fit in read_fits(h5, key)
            if fit.spectrum.analyzer not in masks.get(key, ())
        )
        scans = tuple(read_scan(h5, key) for key in scan_keys(h5))
        predictions = tuple(m for key in prediction_keys(h5) for m in read_predictions(h5, key))
        has_resolutions = bool(list_results(h5, "resolutions"))
    resolutions = read_resolution_fits(project.path).values() if has_resolutions else ()
    return Measured(spectra, fits, tuple(resolutions), scans, predictions)


def measured_sections(measured: Measured, figures: FigureStore) -> list[Section]:
    """The sections of measured data; none for what a project does not hold."""
    found = []
    if measured.spectra:
        found.append(_scan_section(measured.spectra, measured.scans))
    if measured.resolutions:
        found.append(_resolution_section(measured.resolutions, figures))
    elif measured.fits:
        found.append(_used_resolutions(measured.fits))
    if measured.fits:
        predictions = {modes.key: modes for modes in measured.predictions}
        found.append(fit_section(measured.spectra, measured.fits, figures, predictions))
        found += dispersion_sections(measured.fits, figures, predictions)
        found += predicted_sections(measured.fits, predictions, figures)
    return found


def _scan_section(spectra: Sequence[Spectrum], scans: Sequence[Scan]) -> Section:
    groups = by_scan(spectra)
    dead = sum(dead_reason(s) is not None for s in spectra)
    files = {file: any(map(is_simulated, spectra_of(groups, file))) for file, _ in groups}
    commands = {(scan.source.path.name, scan.label): scan for scan in scans}
    rows = [_scan_row(group, commands.get(key)) for key, group in groups.items()]
    columns: list[Column | str] = [
        "Scan",
        "Command",
        Column("Points"),
        Column("Energy", "meV"),
        Column("T", "K"),
        Column("|Q|", "Å⁻¹"),
        Column("Alive"),
        "Dead analyzers",
        Column("Largest count", "", ".0f"),
        "What to know",
    ]
    table = Table(
        columns,
        rows,
        "Scans as reduced. Energies are those of the file: the zero is not yet taken off. "
        "Remarks on dead analyzers are left out.",
    )
    parts: list[str | Markup | Table] = [_origin(files), table]
    summary = f"{_many(len(groups), 'scan')}, {len(spectra)} spectra"
    if dead:
        summary += f", {dead} of them from dead analyzers"
    if any(files.values()):
        summary += ", simulated" if all(files.values()) else ", partly simulated"
    return Section("Scans", "scans", 10, compose(*parts), summary)


def _origin(files: Mapping[str, bool]) -> Markup:
    """Which files hold measured data, and which simulated ones."""
    measured = ", ".join(file or "unnamed" for file, simulated in files.items() if not simulated)
    simulated = ", ".join(file or "unnamed" for file, simulated in files.items() if simulated)
    text = Markup("<p>")
    if measured:
        text += Markup("Measured data: {}.").format(measured)
    if simulated:
        text += Markup(" <strong>Simulated data</strong>, computed and not measured: {}.").format(
            simulated
        )
    return text + Markup("</p>")


def spectra_of(
    groups: Mapping[tuple[str, str], Sequence[Spectrum]], file: str
) -> Iterable[Spectrum]:
    """The spectra of one file among those grouped `by_scan`."""
    return (s for (name, _), group in groups.items() if name == file for s in group)


def by_scan(spectra: Iterable[Spectrum]) -> dict[tuple[str, str], list[Spectrum]]:
    """Spectra of the same file and scan together, in the order given."""
    groups: dict[tuple[str, str], list[Spectrum]] = {}
    for spectrum in spectra:
        groups.setdefault((spectrum.file or "", spectrum.scan or ""), []).append(spectrum)
    return groups


def _scan_row(group: Sequence[Spectrum], scan: Scan | None) -> tuple[str | int | float | None, ...]:
    first = group[0]
    dead = {s.analyzer for s in group if dead_reason(s) is not None}
    alive = [s for s in group if s.analyzer not in dead]
    points = str(max(s.counts.size for s in group))
    if scan is not None and not scan.complete:
        points = f"{scan.points} of {scan.requested_points}"
    temperature = first.temperature_k
    return (
        first.scan or "–",
        scan.command if scan is not None else "–",
        points,
        number_range([float(e) for s in group for e in s.energy_mev[[0, -1]]], 1),
        f"{temperature:.1f}" if temperature is not None else "–",
        number_range([s.q_abs for s in alive if s.q_abs is not None], 2),
        f"{len(alive)} of {len(group)}",
        ", ".join(sorted(str(name) for name in dead)) or "–",
        max((float(s.counts.max(initial=0.0)) for s in alive), default=0.0),
        flags_in_words(_flags(alive or group)),
    )


def _flags(group: Sequence[Spectrum]) -> list[Flag]:
    """Flags of a scan; one that not all its spectra carry is given its analyzer's name."""
    shared = set.intersection(*(set(s.flags) for s in group))
    own = [
        flag if flag.analyzer else replace(flag, analyzer=s.analyzer)
        for s in group
        for flag in own_flags(s)
        if flag not in shared
    ]
    return [flag for flag in group[0].flags if flag in shared] + own


def _resolution_section(fits: Sequence[ResolutionFit], figures: FigureStore) -> Section:
    rows = [
        (
            fit.analyzer,
            fit.spectrum.scan or "–",
            with_error(fit.fwhm_mev, fit.fwhm_err),
            with_error(fit.e_zero_mev, fit.e_zero_err).replace("-", "−"),
            _components(fit.resolution.components) or "as measured (table)",
            len(fit.broad),
            reduced_text(fit.reduced_deviance),
            ", ".join(fit.others) or "–",
        )
        for fit in fits
    ]
    table = Table(
        [
            "Analyzer",
            "Scan",
            Column("FWHM", "meV"),
            Column("E = 0 at", "meV"),
            "Components: share, FWHM (meV)",
            Column("Cut off"),
            Column("Deviance/dof"),
            "Scans not used",
        ],
        rows,
        "Resolution functions R(E). E = 0 is the midpoint at half height, given in the file's "
        "energy. Cut off: broad components that are the scatterer's own inelastic scattering, "
        "fitted but no part of R.",
    )
    simulated = any(is_simulated(fit.spectrum) for fit in fits)
    picture = figures.add(
        Figure(
            "resolution functions" + (", simulated" if simulated else ""),
            "Scans of the elastic scatterer (points with 68 % Poisson intervals), what was fitted "
            "to them, and R alone; below each its deviance residuals with lines at ±2."
            + (" Simulated data." if simulated else ""),
            resolution_figure(fits),
        )
    )
    widths = [fit.fwhm_mev for fit in fits]
    summary = f"{_many(len(fits), 'analyzer')}, FWHM {number_range(widths, 2)} meV"
    return Section("Resolution", "resolution", 20, compose(table, picture), summary)


def _used_resolutions(fits: Sequence[SpectrumFit]) -> Section:
    """The resolutions that the fits carry, where the project has not their own fits."""
    used = {
        (f.spectrum.analyzer or "–", f.model.resolution.sha256): f.model.resolution for f in fits
    }
    rows = [
        (name, f"{resolution.fwhm_mev:.3f}", _components(resolution.components) or "table")
        for (name, _), resolution in used.items()
    ]
    table = Table(
        ["Analyzer", Column("FWHM", "meV"), "Components: share, FWHM (meV)"],
        rows,
        "Resolution functions that the fits used; their own scans are not in this project.",
    )
    widths = [resolution.fwhm_mev for resolution in used.values()]
    summary = f"{_many(len(rows), 'analyzer')}, FWHM {number_range(widths, 2)} meV"
    return Section("Resolution", "resolution", 20, compose(table), summary)


def _components(components: Iterable[tuple[str, float, float, float]]) -> str:
    """Components by falling share: "Lorentzian 62 %, 1.31; Gaussian 38 %, 1.52"."""
    ordered = sorted(components, key=lambda c: -c[1])
    whole = sum(c[1] for c in ordered)
    return "; ".join(f"{c[0].capitalize()} {100 * c[1] / whole:.0f} %, {c[3]:.2f}" for c in ordered)


def _many(number: int, thing: str) -> str:
    return f"{number} {thing}" + ("" if number == 1 else "s")
