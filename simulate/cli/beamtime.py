"""The beamtime that a plan is made for, as the options of `ixs plan` describe it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ixs_core.errors import InputError
from simulate.cli.calculation import Calculation, linewidth_option, numbers, resolutions_for

if TYPE_CHECKING:
    from ixs_reduce.resolution import Resolution
    from simulate.phonons import PhononModel
    from simulate.planning import Beamtime, Conditions


def beamtime_of(
    calculation: Calculation,
    experiment: Path,
    *,
    temperature_k: float | None = None,
    resolution: Path | None = None,
    fwhm_mev: float | None = None,
    linewidth: str | None = None,
    zones: list[str] | None = None,
    calibrate: Path | None = None,
) -> Beamtime:
    """Instrument, crystal, phonons and conditions for a plan.

    Parameters
    ----------
    calculation : Calculation
    experiment : path
        Experiment file (TOML) with orientation; sample, beam and analyzers as far as known.
    temperature_k, resolution, fwhm_mev : optional
        Go before what the experiment file says.
    linewidth : str, optional
        Natural FWHM of the modes, as `linewidth_option` takes it; 0.5 meV without it.
    zones : list of str, optional
        "h k l" of reciprocal lattice points, the only ones to be looked at.
    calibrate : path, optional
        Project whose fits with predicted modes say how many counts there are.

    Raises
    ------
    InputError
        The file has no orientation, or numbers that are none.
    """
    import numpy as np

    from ixs_core.project import Project
    from ixs_reduce.instrument import experiment_in, load_instrument
    from simulate.planning import Beamtime, PhononCalculation, conditions_of, symmetry_of
    from simulate.planning.measured_rate import rates_of_project

    instrument = load_instrument(experiment)
    described = experiment_in(experiment)
    if described is None:
        from ixs_core.experiment import Experiment

        described = Experiment()
    for name in described.analyzers.mask:
        if name not in instrument.spectrometer.analyzers:
            raise InputError(
                "the masked analyzer is not in the array",
                file=experiment,
                key="analyzers.mask",
                found=name,
                expected=", ".join(instrument.spectrometer.analyzers),
            )
    model = calculation.model
    symmetry = symmetry_of(model.force_constants)
    measured = _resolutions(
        resolution or described.analyzers.resolution, fwhm_mev, instrument.spectrometer.analyzers
    )
    conditions = conditions_of(
        described,
        instrument,
        symmetry,
        temperature_k,
        measured,
    )
    conditions = _with_widths(conditions, linewidth, model)
    unknown = [n for n in instrument.spectrometer.analyzers if measured and n not in measured]
    if unknown:
        note = f"{', '.join(unknown)} left out: without a measured resolution (--fwhm takes one)"
        conditions = replace(
            conditions,
            mask=(*conditions.mask, *unknown),
            notes=(*conditions.notes, note),
        )
    if calibrate is not None:
        rates = rates_of_project(Project(calibrate), conditions, instrument)
        conditions = rates.applied_to(conditions)
    at_rest = {**calculation.options, "debye_waller": "none"}
    return Beamtime(
        instrument=instrument,
        symmetry=symmetry,
        calculation=PhononCalculation(model, calculation.options),
        conditions=conditions,
        source=calculation.source,
        without_debye_waller=PhononCalculation(model, at_rest),
        zones=None if not zones else np.array([numbers(text, "--zone", 3) for text in zones]),
    )


def _resolutions(
    path: Path | None, fwhm_mev: float | None, names: Sequence[str]
) -> dict[str, Resolution]:
    """Measured resolutions by analyzer, or nominal ones; empty where nothing is said of them."""
    if path is None and fwhm_mev is None:
        return {}
    if fwhm_mev is None and path is not None:
        from ixs_reduce.resolution_file import load_resolutions

        found = load_resolutions(path)
        names = [name for name in names if name in found]
        if not names:
            raise InputError(
                "the file has no resolution of this array",
                file=path,
                found=", ".join(found),
            )
    return dict(zip(names, resolutions_for(path, fwhm_mev, names), strict=True))


def _with_widths(conditions: Conditions, text: str | None, model: PhononModel) -> Conditions:
    """Conditions with the natural widths of `--linewidth`.

    Raises
    ------
    InputError
        Not a positive width, a table or a file of linewidths.
    """
    import numpy as np

    width = linewidth_option(text, model, conditions.temperature_k)
    if width is None:
        return conditions
    if isinstance(width, float):
        if width <= 0:
            raise InputError("not a linewidth", key="--linewidth", found=text, expected="meV, > 0")
        return replace(conditions, fwhm_mev=width)
    note = f"natural widths of the modes from {text}"
    return replace(
        conditions,
        linewidth=width,
        fwhm_mev=float(np.nanmedian(width.fwhm_mev)),
        notes=(*conditions.notes, note),
    )
