"""The beamtime that a plan is made for, as the options of `ixs plan` describe it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ixs_core.errors import InputError
from simulate.cli.calculation import Calculation, numbers, resolutions_for

if TYPE_CHECKING:
    from ixs_reduce.resolution import Resolution
    from simulate.planning import Beamtime


def beamtime_of(
    calculation: Calculation,
    experiment: Path,
    *,
    temperature_k: float | None = None,
    resolution: Path | None = None,
    fwhm_mev: float | None = None,
    linewidth_mev: float = 0.5,
    zones: list[str] | None = None,
) -> Beamtime:
    """Instrument, crystal, phonons and conditions for a plan.

    Parameters
    ----------
    calculation : Calculation
    experiment : path
        Experiment file (TOML) with orientation; sample, beam and analyzers as far as known.
    temperature_k, resolution, fwhm_mev : optional
        Go before what the experiment file says.
    linewidth_mev : float
        Natural FWHM of all modes.
    zones : list of str, optional
        "h k l" of reciprocal lattice points, the only ones to be looked at.

    Raises
    ------
    InputError
        The file has no orientation, or numbers that are none.
    """
    import numpy as np

    from ixs_reduce.instrument import experiment_in, load_instrument
    from simulate.planning import Beamtime, PhononCalculation, conditions_of, symmetry_of

    instrument = load_instrument(experiment)
    described = experiment_in(experiment)
    if described is None:
        from ixs_core.experiment import Experiment

        described = Experiment()
    model = calculation.model
    symmetry = symmetry_of(model.force_constants)
    names = [n for n in instrument.spectrometer.analyzers if n not in described.analyzers.mask]
    measured = _resolutions(resolution or described.analyzers.resolution, fwhm_mev, names)
    conditions = conditions_of(
        described,
        instrument,
        symmetry,
        temperature_k,
        measured,
        fwhm_mev=linewidth_mev,
    )
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
    path: Path | None, fwhm_mev: float | None, names: list[str]
) -> dict[str, Resolution]:
    """Measured or nominal resolutions by analyzer; empty where nothing is said of them."""
    if path is None and fwhm_mev is None:
        return {}
    return dict(zip(names, resolutions_for(path, fwhm_mev, names), strict=True))


def linewidth_number(text: str | None) -> float:
    """The natural FWHM of `--linewidth`, one number for a plan.

    Raises
    ------
    InputError
        Not a positive number.
    """
    if text is None:
        return 0.5
    (width,) = numbers(text, "--linewidth", 1)
    if width <= 0:
        raise InputError("not a linewidth", key="--linewidth", found=text, expected="meV, > 0")
    return width
