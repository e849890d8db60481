"""Modes predicted at measured spectra: what `ixs sqe FC --at project.h5` stores for the fits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from ixs_core.units import MEV_ANGSTROM_IN_KM_PER_S
from ixs_reduce.predicted_modes import PredictedModes
from ixs_reduce.spectrum import Spectrum
from simulate.phonons.modes import IMAGINARY_MEV
from simulate.phonons.spectra import Linewidth, linewidths
from simulate.transport.mesh_widths import LinewidthSeries, linewidth_at

if TYPE_CHECKING:
    from simulate.phonons.model import PhononModel


def predict_spectra(
    model: PhononModel,
    spectra: Sequence[Spectrum],
    *,
    temperature_k: float | None = None,
    linewidth: Linewidth | LinewidthSeries | None = None,
    source: str = "",
    **options: Any,
) -> tuple[PredictedModes, ...]:
    """The modes at each spectrum's own Q and temperature.

    Parameters
    ----------
    model : PhononModel
    spectra : sequence of Spectrum
        With `q_hkl`.
    temperature_k : float, optional
        For spectra that have none.
    linewidth : Linewidth or LinewidthSeries, optional
        FWHM in meV; without it the predictions know no widths.
    source : str
        What made the prediction, for people.
    options
        As for `PhononModel.structure_factor`.

    Returns
    -------
    tuple of PredictedModes
        One for each spectrum, in their order. The spread is that of energies over the accepted
        window `dq_hkl` to first order: √(Σ_i (∂E/∂q_i Δq_i)²/12) over its three components.

    Raises
    ------
    InputError
        A spectrum has no Q or no temperature; errors of `PhononModel.structure_factor`.
    """
    by_temperature: dict[float, list[int]] = {}
    for i, spectrum in enumerate(spectra):
        by_temperature.setdefault(_temperature(spectrum, temperature_k), []).append(i)
    predicted: dict[int, PredictedModes] = {}
    for temperature, members in by_temperature.items():
        chosen = [spectra[i] for i in members]
        width = linewidth_at(linewidth, temperature)
        for i, modes in zip(
            members,
            _at_one_temperature(model, chosen, temperature, width, source, options),
            strict=True,
        ):
            predicted[i] = modes
    return tuple(predicted[i] for i in range(len(spectra)))


def _at_one_temperature(
    model: PhononModel,
    spectra: Sequence[Spectrum],
    temperature_k: float,
    linewidth: Linewidth | None,
    source: str,
    options: Mapping[str, Any],
) -> list[PredictedModes]:
    q_hkl = np.array([_q(spectrum) for spectrum in spectra])
    lines = model.structure_factor(q_hkl, temperature_k, **options)
    widths = (
        np.full(lines.energy_mev.shape, np.nan)
        if linewidth is None
        else linewidths(linewidth, lines)
    )
    spread = _spread(model, q_hkl, np.array([s.dq_hkl or (0.0, 0.0, 0.0) for s in spectra]))
    real = lines.energy_mev > IMAGINARY_MEV
    return [
        PredictedModes(
            file=spectrum.file or "",
            scan=spectrum.scan or "",
            analyzer=spectrum.analyzer or "",
            q_hkl=q_hkl[i],
            temperature_k=temperature_k,
            energy_mev=lines.energy_mev[i, real[i]],
            intensity=lines.intensity[i, real[i]],
            branch=lines.branch[i, real[i]],
            group=lines.group[i, real[i]],
            fwhm_mev=widths[i, real[i]],
            spread_mev=spread[i, real[i]],
            imaginary=int(lines.imaginary[i].sum()),
            source=source,
            notes=model.force_constants.notes,
        )
        for i, spectrum in enumerate(spectra)
    ]


def _spread(model: PhononModel, q_hkl: FloatArray, dq_hkl: FloatArray) -> FloatArray:
    """(nq, ns) standard deviation of the energies over uniform windows of full width dq_hkl."""
    slope = model.group_velocities(q_hkl) / MEV_ANGSTROM_IN_KM_PER_S
    axes = model.force_constants.q_cartesian(np.eye(3))
    change = np.einsum("qsx,ax,qa->qsa", slope, axes, dq_hkl)
    spread: FloatArray = np.sqrt((change**2).sum(axis=2) / 12)
    return spread


def _q(spectrum: Spectrum) -> tuple[float, float, float]:
    if spectrum.q_hkl is None:
        raise InputError(
            "the spectrum has no hkl, so nothing can be predicted for it",
            key=spectrum.label,
            hint="reduce with --experiment, which gives the orientation",
        )
    return spectrum.q_hkl


def _temperature(spectrum: Spectrum, given: float | None) -> float:
    temperature = spectrum.temperature_k if spectrum.temperature_k is not None else given
    if temperature is None:
        raise InputError(
            "the sample temperature is not known", key=spectrum.label, hint="give --temperature"
        )
    return temperature
