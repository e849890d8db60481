"""The spectra of a project as an overlay needs them: each with its resolution and energy zero."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ixs_core.errors import InputError
from ixs_core.project import Project
from ixs_reduce.fitting import SpectrumFit
from ixs_reduce.predicted_modes import SpectrumKey, spectrum_key
from ixs_reduce.project_fit import is_part_of, load_spectra
from ixs_reduce.resolution import Resolution
from ixs_reduce.spectrum import Spectrum
from ixs_reduce.store import fit_keys, read_fits

_DEAD = ("dead", "nearly-dead")


@dataclass(frozen=True)
class MeasuredSpectrum:
    """A spectrum with Q, ready to have predictions laid over it.

    Parameters
    ----------
    key : str
        Of its scan or merged set in the project.
    spectrum : Spectrum
        With `q_hkl`.
    resolution : Resolution
    zero_mev : float
        True energy = file energy - zero.
    """

    key: str
    spectrum: Spectrum
    resolution: Resolution
    zero_mev: float


def measured_spectra(
    project: Project,
    resolutions: Mapping[str, Resolution],
    *,
    scans: str | None = None,
    analyzers: Sequence[str] | None = None,
    leave_out: Sequence[str] = (),
    given: bool = False,
) -> tuple[list[MeasuredSpectrum], tuple[str, ...]]:
    """Spectra of a project with resolution and zero: those of its fits where there are fits.

    Parameters
    ----------
    project : Project
    resolutions : mapping
        Analyzer -> Resolution, for spectra that were not fitted.
    scans, analyzers : optional
        Which; all by default.
    leave_out : sequence of str
        Keys of scans that are of another crystal.
    given : bool
        The resolutions are the user's own: they go before those of the fits.

    Returns
    -------
    list of MeasuredSpectrum
    tuple of str
        What was left out or assumed, with counts.

    Raises
    ------
    InputError
        The project holds no spectra, none of the selection, or none that can be used.
    """
    loaded = load_spectra(project, scans)
    _check_analyzers(analyzers, loaded.spectra)
    fits = _fits_of(project, loaded.by_key)
    found: list[MeasuredSpectrum] = []
    left: dict[str, int] = {}
    guessed = outdated = 0
    for key, group in loaded.by_key.items():
        for spectrum in group:
            if analyzers is not None and spectrum.analyzer not in analyzers:
                continue
            fit = fits.get(spectrum_key(spectrum))
            if fit is not None and not is_part_of(fit.spectrum, spectrum):
                fit, outdated = None, outdated + 1
            own = resolutions.get(spectrum.analyzer or "")
            resolution = fit.model.resolution if fit and not (given and own) else own
            reason = _why_not(key, spectrum, resolution, leave_out)
            if reason is not None or resolution is None:
                left[reason or ""] = left.get(reason or "", 0) + 1
                continue
            guessed += fit is None and spectrum.zero_mev is None
            found.append(measured_spectrum(key, spectrum, resolution, fit))
    notes = [f"{count} spectra left out: {reason}" for reason, count in left.items()]
    if guessed:
        notes.append(f"{guessed} spectra have neither fit nor zero: E = 0 is taken as in the file")
    if outdated:
        notes.append(f"{outdated} fits are of other data than the spectra now hold: not used")
    if not found:
        raise InputError(
            "no spectrum can be compared with a prediction",
            file=project.path,
            found="; ".join(notes) or None,
        )
    return found, tuple(notes)


def measured_spectrum(
    key: str, spectrum: Spectrum, resolution: Resolution, fit: SpectrumFit | None
) -> MeasuredSpectrum:
    """A spectrum ready for predictions: with a fit its zero, and the points that the fit saw.

    Bursts are left out there.
    """
    if fit is None:
        return MeasuredSpectrum(key, spectrum, resolution, spectrum.zero_mev or 0.0)
    return MeasuredSpectrum(key, fit.spectrum, resolution, fit.zero.value)


def _why_not(
    key: str, spectrum: Spectrum, resolution: Resolution | None, leave_out: Sequence[str]
) -> str | None:
    if key in leave_out:
        return "the cell of another crystal"
    codes = {flag.code for flag in spectrum.flags if flag.analyzer == spectrum.analyzer}
    if codes.intersection(_DEAD):
        return "the analyzer is dead"
    if spectrum.q_hkl is None:
        return "no hkl"
    return None if resolution is not None else "no resolution function"


def _fits_of(
    project: Project, by_key: Mapping[str, Sequence[Spectrum]]
) -> dict[SpectrumKey, SpectrumFit]:
    """Converged fits of the spectra that have one."""
    with project.reading() as h5:
        stored = set(fit_keys(h5))
        fits = [fit for key in by_key if key in stored for fit in read_fits(h5, key)]
    return {spectrum_key(fit.spectrum): fit for fit in fits if fit.converged}


def _check_analyzers(wanted: Sequence[str] | None, spectra: Sequence[Spectrum]) -> None:
    known = sorted({str(spectrum.analyzer) for spectrum in spectra})
    for name in wanted or ():
        if name not in known:
            raise InputError(
                "no such analyzer", key="--analyzers", found=name, expected=", ".join(known)
            )
