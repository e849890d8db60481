"""The small spectra of a scan as numbers to draw: read and prepared in a worker. Qt-free."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gui.models.document import SpectrumId
from ixs_core.arrays import FloatArray
from ixs_core.jobs import CancelToken, Progress
from ixs_core.project import Project, has_result
from ixs_reduce.flag_words import flag_words

if TYPE_CHECKING:
    from ixs_reduce import Scan, Spectrum, SpectrumFit
    from ixs_reduce.fit_curves import CountedPoints
    from ixs_reduce.watch_store import WatchedScan

_CURVE_POINTS = 240
_UNKNOWN_FWHM_MEV = 1.5
_NEAR_ELASTIC = 1.2  # in widths of R: where the elastic line is, for the scale


@dataclass(frozen=True)
class PanelData:
    """One small spectrum.

    Parameters
    ----------
    analyzer : str
    q_text, length_text, length_short : str
        Q in conventional r.l.u. and |Q| in Å⁻¹, with its unit and without; empty where unknown.
    points : CountedPoints
        Counts with 68 % Poisson intervals against true energy transfer in meV.
    curve : (energy, counts) or None
        The sum of the fitted model, (m,) each.
    near_mev : float
        Within this of zero the elastic line is.
    dead : str
        Why the analyzer counts as dead; empty for one that is alive.
    note : str
        Everything in words, for a tooltip.
    stamp : tuple
        Equal stamps, equal drawings.
    """

    analyzer: str
    q_text: str
    length_text: str
    length_short: str
    points: CountedPoints
    curve: tuple[FloatArray, FloatArray] | None
    near_mev: float
    dead: str
    note: str
    stamp: tuple[object, ...]


@dataclass(frozen=True)
class GridContent:
    """All spectra of a scan or merged set.

    Parameters
    ----------
    key : str
    panels : tuple of PanelData
        In stored order.
    scan : Scan or None
        The raw scan, for its monitor; None for a merged set.
    title, remarks : str
        Scan, temperature, points; its quality flags in words.
    live : bool
        Whether it is still measured.
    """

    key: str
    panels: tuple[PanelData, ...]
    scan: Scan | None
    title: str
    remarks: str
    live: bool = False


def read_grid(
    path: Path | None,
    key: str,
    made_here: Mapping[SpectrumId, SpectrumFit | None],
    watched: WatchedScan | None = None,
    *,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> GridContent:
    """The grid of a scan, from the project or from the watcher that follows it.

    Parameters
    ----------
    path : path or None
        The project; None where there are only watched scans.
    key : str
    made_here : mapping
        Fits that are not saved yet; None for one that was removed.
    watched : WatchedScan, optional
        The state of a watched scan, which may be ahead of the project.

    Raises
    ------
    InputError
        When the project cannot be read.
    """
    from ixs_reduce.watch_store import same_spectra

    scan, spectra, fits = stored(path, key)
    live = watched is not None and not watched.finished
    if watched is not None and not same_spectra(spectra, watched.spectra):
        scan, spectra = watched.scan, watched.spectra
        fits = {fit.spectrum.analyzer or "": fit for fit in watched.fits}
    _put_over(fits, made_here, key)
    if cancel is not None:
        cancel.check()
    panels = tuple(panel_of(s, fits.get(s.analyzer or "")) for s in spectra)
    return GridContent(
        key=key,
        panels=panels,
        scan=scan,
        title=_title(key, scan, spectra),
        remarks=_remarks(scan, spectra, live),
        live=live,
    )


def _put_over(
    fits: dict[str, SpectrumFit], made_here: Mapping[SpectrumId, SpectrumFit | None], key: str
) -> None:
    """Fits that are not saved yet in place of those of the project."""
    for which, fit in made_here.items():
        if which.key == key:
            fits.pop(which.analyzer, None)
            if fit is not None:
                fits[which.analyzer] = fit


def stored(
    path: Path | None, key: str, made_here: Mapping[SpectrumId, SpectrumFit | None] | None = None
) -> tuple[Scan | None, tuple[Spectrum, ...], dict[str, SpectrumFit]]:
    """Scan, spectra and fits (by analyzer) of a key, with fits that are not saved yet.

    Raises
    ------
    InputError
        When the project cannot be read.
    """
    from ixs_reduce.store import read_fits, read_scan, read_spectra

    if path is None:
        return None, (), {}
    with Project(path).reading() as h5:
        scan = read_scan(h5, key) if has_result(h5, "scans", key) else None
        spectra = read_spectra(h5, key) if has_result(h5, "spectra", key) else ()
        fits = read_fits(h5, key) if has_result(h5, "fits", key) else ()
    found = {fit.spectrum.analyzer or "": fit for fit in fits}
    _put_over(found, made_here or {}, key)
    return scan, spectra, found


def panel_of(spectrum: Spectrum, fit: SpectrumFit | None) -> PanelData:
    """What is drawn of one spectrum."""
    from ixs_reduce.fit_curves import counted_points, fit_curves
    from ixs_reduce.fit_words import dead_reason

    zero = fit.zero.value if fit is not None else spectrum.zero_mev or 0.0
    points = counted_points(spectrum, zero)
    curve = None
    width = _UNKNOWN_FWHM_MEV
    if fit is not None:
        curves = fit_curves(fit, _CURVE_POINTS)
        # Bursts may have been left out of the fit, which moves the median exposure a little.
        scale = points.exposure / curves.points.exposure
        curve = (curves.energy_mev, scale * curves.total)
        width = fit.model.resolution.fwhm_mev
    q, length = spectrum.q_hkl, spectrum.q_abs
    dead = dead_reason(spectrum) or ""
    return PanelData(
        analyzer=spectrum.analyzer or "",
        q_text="(" + " ".join(_plain(x, 2) for x in q) + ")" if q is not None else "",
        length_text=f"{length:.3f} Å⁻¹" if length is not None else "",
        length_short=f"{length:.2f}" if length is not None else "",
        points=points,
        curve=curve,
        near_mev=_NEAR_ELASTIC * width,
        dead=dead,
        note=_note(spectrum, fit, dead),
        stamp=(
            spectrum.sha256,
            spectrum.analyzer,
            q,
            length,
            zero,
            dead,
            None if fit is None else (fit.parameters.tobytes(), len(fit.modes)),
        ),
    )


def _note(spectrum: Spectrum, fit: SpectrumFit | None, dead: str) -> str:
    from ixs_reduce.fit_words import energy_text, poor, quality_text, spectrum_title

    lines = [spectrum_title(spectrum)]
    own = flag_words(f for f in spectrum.flags if f.analyzer == spectrum.analyzer)
    lines += [text for text in (dead or own,) if text]
    if fit is None:
        lines.append("not fitted")
    else:
        energies = ", ".join(energy_text(fit, i) for i in range(len(fit.modes)))
        lines.append(f"{'poor fit: ' if poor(fit) else ''}{quality_text(fit)}")
        lines += [f"modes at {energies} meV"] if energies else ["no mode"]
    return "\n".join(lines)


def _title(key: str, scan: Scan | None, spectra: tuple[Spectrum, ...]) -> str:
    temperature = spectra[0].temperature_k if spectra else scan.temperature_k if scan else None
    parts = [key, f"{temperature:.1f} K" if temperature is not None else "temperature unknown"]
    if scan is not None:
        asked = scan.requested_points
        of = f" of {asked}" if asked is not None else ""
        parts.append(f"{scan.points}{of} points")
    elif spectra:
        parts.append(f"{max(s.counts.size for s in spectra)} points")
    return "  ·  ".join(parts)


def _remarks(scan: Scan | None, spectra: tuple[Spectrum, ...], live: bool) -> str:
    flags = scan.flags if scan is not None else tuple(f for s in spectra for f in s.flags)
    growing = ("incomplete", "half-written", "unterminated", "no-points")
    return flag_words(f for f in flags if not (live and f.code in growing))


def _plain(value: float, decimals: int) -> str:
    text = f"{value:.{decimals}f}"
    return (text.lstrip("-") if float(text) == 0 else text).replace("-", "−")


def counts_below(panel: PanelData, energy_mev: float) -> tuple[float, float] | None:
    """The measured point next to an energy: (energy, counts); None without points."""
    energies = panel.points.energy_mev
    if not energies.size:
        return None
    nearest = int(np.argmin(np.abs(energies - energy_mev)))
    return float(energies[nearest]), float(panel.points.counts[nearest])
