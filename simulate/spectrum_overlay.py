"""Predictions laid over the spectra of a project: simulations and phonons at the measured Q."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from simulate.measured_spectra import MeasuredSpectrum
from simulate.overlay import ElasticLine, Overlay, scale_to_counts

if TYPE_CHECKING:
    from ixs_core.jobs import CancelToken, Progress
    from simulate.md.scattering_spectrum import DynamicStructureFactor
    from simulate.phonons.model import PhononModel
    from simulate.phonons.spectra import Linewidth
    from simulate.transport.mesh_widths import LinewidthSeries

SAME_TEMPERATURE = 0.1
"""Largest relative difference between the temperatures of a spectrum and of a simulation."""


FAR = 0.1
"""Å⁻¹: a prediction this far from the measured Q is one for another Q."""


@dataclass(frozen=True)
class SpectrumOverlay:
    """A prediction laid over one spectrum.

    Parameters
    ----------
    key, scan, analyzer, file : str
        Of the spectrum.
    source : str
        What predicted.
    q_hkl, predicted_hkl : (3,) array
        Measured, and that of the prediction: a simulation holds commensurate ones only.
    distance : float
        |ΔQ| between them in Å⁻¹.
    temperature_k, predicted_temperature_k : float or None
    zero_mev : float
        True energy = file energy - zero.
    resolution_mev : float
        FWHM of the analyzer's resolution.
    overlay : Overlay
        Its scale is counts per exposure for 1 e² per atom.
    """

    key: str
    scan: str
    analyzer: str
    file: str
    source: str
    q_hkl: FloatArray
    predicted_hkl: FloatArray
    distance: float
    temperature_k: float | None
    predicted_temperature_k: float | None
    zero_mev: float
    resolution_mev: float
    overlay: Overlay


def overlay_simulation(
    measured: Sequence[MeasuredSpectrum],
    simulated: DynamicStructureFactor,
    source: str,
    elastic: ElasticLine = "fitted",
) -> tuple[list[SpectrumOverlay], tuple[str, ...]]:
    """A simulation over spectra, of which row i is the Q of spectrum i.

    Spectra that cannot be compared are left out and named, with the reason.

    Parameters
    ----------
    measured : sequence of MeasuredSpectrum
    simulated : DynamicStructureFactor
        One Q for each spectrum.
    source : str
    elastic : "fitted", "simulated" or "none"

    Raises
    ------
    InputError
        Other numbers of Q than of spectra; none can be compared.
    """
    from simulate.md.measured_overlay import overlay_spectrum

    if len(simulated.q_hkl) != len(measured):
        raise InputError(
            "the simulation has not one Q for each spectrum",
            found=len(simulated.q_hkl),
            expected=len(measured),
        )

    def laid(row: int, one: MeasuredSpectrum) -> SpectrumOverlay:
        return placed(
            one,
            source,
            simulated.q_hkl[row],
            float(simulated.distance[row]),
            simulated.temperature_k,
            overlay_spectrum(
                one.spectrum.energy_mev,
                one.spectrum.counts,
                one.spectrum.exposure,
                simulated,
                row,
                one.resolution,
                zero_mev=one.zero_mev,
                elastic=elastic,
                background_rate=one.spectrum.background_rate,
            ),
        )

    return comparable(measured, laid)


def overlay_phonons(
    measured: Sequence[MeasuredSpectrum],
    model: PhononModel,
    source: str,
    *,
    linewidth: Linewidth | LinewidthSeries = 0.0,
    temperature_k: float | None = None,
    elastic: ElasticLine = "fitted",
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
    **options: Any,
) -> tuple[list[SpectrumOverlay], tuple[str, ...]]:
    """The phonons of force constants over spectra, each at its own Q and temperature.

    Spectra that cannot be compared are left out and named, with the reason.

    Parameters
    ----------
    measured : sequence of MeasuredSpectrum
    model : PhononModel
    source : str
    linewidth : Linewidth or LinewidthSeries
        FWHM in meV; 0 gives bare lines.
    temperature_k : float, optional
        For spectra that have none.
    elastic : "fitted" or "none"
        Phonons predict no elastic line.
    progress, cancel
        After each temperature.
    options
        As for `PhononModel.structure_factor`.

    Raises
    ------
    InputError
        A spectrum has no temperature, none can be compared; errors of `structure_factor` and
        `line_spectra`.
    """
    if elastic == "simulated":
        raise InputError(
            "phonons predict no elastic line",
            key="elastic",
            found=elastic,
            expected="fitted or none",
        )
    from simulate.transport.mesh_widths import linewidth_at

    kelvins = [_temperature(one, temperature_k) for one in measured]
    shapes: dict[int, FloatArray] = {}
    for kelvin in dict.fromkeys(kelvins):
        if cancel is not None:
            cancel.check()
        if progress is not None:
            progress(len(shapes), len(measured), f"{kelvin:g} K")
        rows = [row for row, own in enumerate(kelvins) if own == kelvin]
        width = linewidth_at(linewidth, kelvin) or 0.0
        curves = _phonon_curves([measured[row] for row in rows], model, kelvin, width, options)
        shapes |= dict(zip(rows, curves, strict=True))

    def laid(row: int, one: MeasuredSpectrum) -> SpectrumOverlay:
        return placed(
            one,
            source,
            np.asarray(one.spectrum.q_hkl, dtype=float),
            0.0,
            kelvins[row],
            scale_to_counts(
                one.spectrum.energy_mev,
                one.spectrum.counts,
                one.spectrum.exposure,
                shapes[row],
                np.zeros_like(shapes[row]),
                one.resolution(one.spectrum.energy_mev - one.zero_mev),
                elastic=elastic,
                background_rate=one.spectrum.background_rate,
            ),
        )

    return comparable(measured, laid)


def of_temperature(
    measured: Sequence[MeasuredSpectrum], kelvin: float | None
) -> tuple[list[MeasuredSpectrum], tuple[str, ...]]:
    """Spectra measured at about the temperature of a simulation, and a note on the others.

    Spectra without temperature are kept.
    """
    if kelvin is None:
        return list(measured), ("the temperature of the simulation is not known: all are taken",)
    near, unknown = [], 0
    for one in measured:
        own = one.spectrum.temperature_k
        unknown += own is None
        if own is None or abs(own - kelvin) <= SAME_TEMPERATURE * kelvin:
            near.append(one)
    notes = []
    if len(near) < len(measured):
        notes.append(
            f"{len(measured) - len(near)} spectra are not within 10 % of the simulation's "
            f"{kelvin:.0f} K and left out"
        )
    if unknown:
        notes.append(f"{unknown} spectra have no temperature and are taken")
    return near, tuple(notes)


def comparable(
    measured: Sequence[MeasuredSpectrum],
    laid: Callable[[int, MeasuredSpectrum], SpectrumOverlay],
) -> tuple[list[SpectrumOverlay], tuple[str, ...]]:
    """Overlays of all spectra that allow one, and notes on the others.

    Raises
    ------
    InputError
        None does: that of the first.
    """
    found: list[SpectrumOverlay] = []
    notes: list[str] = []
    first: InputError | None = None
    for row, one in enumerate(measured):
        try:
            found.append(laid(row, one))
        except InputError as error:
            first = first or error
            notes.append(f"{one.spectrum.label} left out: {error}")
    if not found and first is not None:
        raise first
    return found, tuple(notes)


def _phonon_curves(
    measured: Sequence[MeasuredSpectrum],
    model: PhononModel,
    kelvin: float,
    linewidth: Linewidth,
    options: dict[str, Any],
) -> list[FloatArray]:
    """S(Q,E) through the resolution at the points of each spectrum, e²/meV per atom."""
    from dataclasses import replace

    from simulate.phonons.spectra import line_spectra, linewidths

    q_hkl = np.array([one.spectrum.q_hkl for one in measured])
    lines = model.structure_factor(q_hkl, kelvin, **options)
    widths = linewidths(linewidth, lines)
    atoms = len(model.force_constants.symbols)
    curves = []
    for row, one in enumerate(measured):
        pick = slice(row, row + 1)
        own = replace(
            lines,
            **{
                name: getattr(lines, name)[pick]
                for name in ("q_hkl", "q_abs", "energy_mev", "intensity", "branch", "group")
            },
        )
        energy = one.spectrum.energy_mev - one.zero_mev
        curves.append(line_spectra(own, energy, one.resolution, widths[pick])[0] / atoms)
    return curves


def placed(
    one: MeasuredSpectrum,
    source: str,
    predicted_hkl: FloatArray,
    distance: float,
    predicted_temperature_k: float | None,
    overlay: Overlay,
) -> SpectrumOverlay:
    return SpectrumOverlay(
        key=one.key,
        scan=one.spectrum.scan or "",
        analyzer=one.spectrum.analyzer or "",
        file=one.spectrum.file or "",
        source=source,
        q_hkl=np.asarray(one.spectrum.q_hkl, dtype=float),
        predicted_hkl=np.asarray(predicted_hkl, dtype=float),
        distance=distance,
        temperature_k=one.spectrum.temperature_k,
        predicted_temperature_k=predicted_temperature_k,
        zero_mev=one.zero_mev,
        resolution_mev=one.resolution.fwhm_mev,
        overlay=overlay,
    )


def _temperature(one: MeasuredSpectrum, given: float | None) -> float:
    kelvin = one.spectrum.temperature_k if one.spectrum.temperature_k is not None else given
    if kelvin is None:
        raise InputError(
            "the sample temperature is not known",
            key=one.spectrum.label,
            hint="give --temperature",
        )
    return kelvin
