"""What an experiment file says about the reduction, in the terms of the reduction."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ixs_core import units
from ixs_core.errors import InputError
from ixs_core.experiment import Background, Experiment, load_experiment
from ixs_core.lattice import Lattice
from ixs_reduce.circles import Angles
from ixs_reduce.energy import silicon_order
from ixs_reduce.reduction import ReductionOptions, with_background
from ixs_reduce.scan import Analyzer, Flag, Scan
from ixs_reduce.spectrum import Spectrum

if TYPE_CHECKING:
    from ixs_reduce.instrument import Instrument


@dataclass(frozen=True)
class ReductionPlan:
    """All that a user set for a reduction, from the command line and the experiment file.

    Parameters
    ----------
    options : ReductionOptions
        For all scans; `options_for` fits them to one.
    overrides : mapping
        Keys of the profile to replace when reading.
    zero_mev : mapping
        Analyzer -> energy zero that the user gave.
    backgrounds : tuple of Background
        Measured backgrounds, with the transmission of the sample.
    temperature_k : float or None
        Of the sample, for scans whose file gives none.
    lattice : Lattice or None
        For |Q| where the file gives hkl but no lattice.
    instrument : Instrument or None
        For the Q widths of analyzers, which the slits decide.
    resolution : Path or None
        File of the resolution functions.
    notes : tuple of str
        What of the experiment file could not be used, and why.
    """

    options: ReductionOptions = field(default_factory=ReductionOptions)
    overrides: Mapping[str, object] = field(default_factory=dict)
    zero_mev: Mapping[str, float] = field(default_factory=dict)
    backgrounds: tuple[Background, ...] = ()
    temperature_k: float | None = None
    lattice: Lattice | None = None
    instrument: Instrument | None = None
    resolution: Path | None = None
    notes: tuple[str, ...] = ()


def load_plan(
    path: str | Path | None = None, *, monitor: str | None = None, bin_mev: float | None = None
) -> ReductionPlan:
    """The plan of an experiment file; what the command line gives goes before the file.

    Parameters
    ----------
    path : path, optional
        Experiment file (TOML); without one all is as the data files say.
    monitor, bin_mev : optional
        As in `ReductionOptions`.

    Raises
    ------
    InputError
        When the file cannot be read, or a value is wrong.
    """
    if path is None:
        return plan_of(Experiment(), monitor=monitor, bin_mev=bin_mev)
    return plan_of(load_experiment(path), path, monitor=monitor, bin_mev=bin_mev)


def plan_of(
    experiment: Experiment,
    path: str | Path = "experiment",
    *,
    monitor: str | None = None,
    bin_mev: float | None = None,
) -> ReductionPlan:
    """The plan that an experiment describes; `path` is its file, for messages."""
    reduction, analyzers = experiment.reduction, experiment.analyzers
    monitor = monitor or reduction.monitor
    overrides: dict[str, object] = {}
    # "seconds" is no column's role of its own: every profile reads the counting time anyway.
    if monitor is not None and monitor != "seconds":
        overrides["monitor"] = monitor
    if reduction.alpha is not None:
        overrides["alpha"] = reduction.alpha
    order, order_notes = _order(experiment)
    if order is not None:
        overrides["order"] = order
    lattice, lattice_notes = _lattice(experiment, path)
    instrument, notes = _instrument(experiment, path)
    return ReductionPlan(
        options=ReductionOptions(
            monitor=monitor,
            dead_time_us=reduction.dead_time_us,
            efficiency=dict(analyzers.efficiency),
            mask=tuple(analyzers.mask),
            bin_mev=bin_mev if bin_mev is not None else reduction.bin_mev,
        ),
        overrides=overrides,
        zero_mev=dict(analyzers.zero_mev),
        backgrounds=reduction.background,
        temperature_k=experiment.sample.temperature_k,
        lattice=lattice,
        instrument=instrument,
        resolution=analyzers.resolution,
        notes=(*order_notes, *lattice_notes, *notes),
    )


def check_names(plan: ReductionPlan, scans: Iterable[Scan]) -> None:
    """Raise InputError when the plan names an analyzer that no scan has."""
    known = list(dict.fromkeys(a.name for scan in scans for a in scan.analyzers))
    given = {
        "mask": plan.options.mask,
        "efficiency": tuple(plan.options.efficiency),
        "zero_mev": tuple(plan.zero_mev),
    }
    for key, names in given.items():
        for name in names:
            if name not in known:
                close = difflib.get_close_matches(name, known, n=1)
                raise InputError(
                    "no scan has such an analyzer",
                    key=f"analyzers.{key}: {name}",
                    expected=f"one of {', '.join(known)}",
                    hint=f"did you mean {close[0]}?" if close else None,
                )


def options_for(scan: Scan, plan: ReductionPlan) -> ReductionOptions:
    """The plan's options without the analyzers that this scan does not have."""
    names = {analyzer.name for analyzer in scan.analyzers}
    options = plan.options
    return replace(
        options,
        mask=tuple(name for name in options.mask if name in names),
        efficiency={name: e for name, e in options.efficiency.items() if name in names},
    )


def completed(scan: Scan, plan: ReductionPlan) -> Scan:
    """The scan with what its file does not give and the plan does; flags say what was taken.

    Temperature of the sample; |Q| from hkl and the cell; hkl, |Q| and the accepted width in Q
    from the circles and slits, where the experiment describes instrument and orientation.
    """
    flags = []
    temperature = scan.temperature_k
    if temperature is None and plan.temperature_k is not None:
        temperature = plan.temperature_k
        flags.append(
            Flag("temperature-given", f"{temperature:g} K is taken from the experiment file")
        )
    seen = _seen(scan, plan.instrument)
    analyzers = tuple(_completed(a, seen.get(a.name), plan.lattice) for a in scan.analyzers)
    if any(a.q_hkl is None and b.q_hkl for a, b in zip(scan.analyzers, analyzers, strict=True)):
        flags.append(Flag("q-from-angles", "hkl is calculated from the circles"))
    return replace(
        scan, temperature_k=temperature, analyzers=analyzers, flags=scan.flags + tuple(flags)
    )


def with_given_zeros(spectra: Sequence[Spectrum], plan: ReductionPlan) -> tuple[Spectrum, ...]:
    """The spectra with the energy zeros that the user gave."""
    return tuple(
        replace(s, zero_mev=plan.zero_mev[s.analyzer])
        if s.analyzer is not None and s.analyzer in plan.zero_mev
        else s
        for s in spectra
    )


def with_backgrounds(
    spectra: Sequence[Spectrum], measured: Sequence[tuple[Mapping[str, Spectrum], float]]
) -> tuple[Spectrum, ...]:
    """The spectra with the rates of all measured backgrounds summed.

    Parameters
    ----------
    spectra : sequence of Spectrum
    measured : sequence of (analyzer -> spectrum, transmission)
        An analyzer without a background stays without one, and a flag says so.

    Raises
    ------
    InputError
        When a background does not reach over the energies of a spectrum.
    """
    return tuple(_with_backgrounds(spectrum, measured) for spectrum in spectra)


def _with_backgrounds(
    spectrum: Spectrum, measured: Sequence[tuple[Mapping[str, Spectrum], float]]
) -> Spectrum:
    done = spectrum
    total = np.zeros(spectrum.counts.size)
    for by_analyzer, transmission in measured:
        background = by_analyzer.get(spectrum.analyzer or "")
        if background is None:
            missing = Flag("no-background", "not in the background file", spectrum.analyzer)
            done = replace(done, flags=(*done.flags, missing))
            continue
        done = with_background(done, background, transmission)
        if done.background_rate is not None:
            total = total + done.background_rate
    return replace(done, background_rate=total) if total.any() else done


def _order(experiment: Experiment) -> tuple[int | None, tuple[str, ...]]:
    """The n of Si(n n n) by which crystal temperatures become energies."""
    described = experiment.spectrometer
    if described.order is not None or described.energy_kev is None:
        return described.order, ()
    order = silicon_order(units.wavelength_angstrom(described.energy_kev))
    if order is not None:
        return order, ()
    return None, (
        f"{described.energy_kev:g} keV is no reflection Si(n n n): the profile's order is used",
    )


def _lattice(experiment: Experiment, path: str | Path) -> tuple[Lattice | None, tuple[str, ...]]:
    """The sample's lattice, or why its CIF gives none."""
    sample = experiment.sample
    if sample.cell is None and sample.cif is None:
        return None, ()
    from ixs_reduce.instrument import lattice_of

    try:
        return lattice_of(experiment, path), ()
    except InputError as error:
        return None, (f"the lattice is not known: {error}",)


def _instrument(
    experiment: Experiment, path: str | Path
) -> tuple[Instrument | None, tuple[str, ...]]:
    """The instrument, when the experiment describes one fully; else why it cannot be used."""
    stands, described = experiment.orientation, experiment.spectrometer
    if stands.config is None and stands.or0 is None:
        return None, ()
    if described.name is None and described.analyzers is None:
        return None, ()
    from ixs_reduce.instrument import instrument_of

    try:
        return instrument_of(experiment, path), ()
    except InputError as error:
        return None, (f"no widths in Q, since the instrument is not known: {error}",)


def _seen(scan: Scan, instrument: Instrument | None) -> dict[str, Analyzer]:
    """What each analyzer sees at the circles of the scan, so far as these are known."""
    if instrument is None or not {"tth", "th", "chi", "phi"} <= set(scan.angles):
        return {}
    position = Angles(**{"mu": instrument.mu, **scan.angles})
    table = instrument.analyzer_q(position, scan.slits_mm)
    return {analyzer.name: analyzer for analyzer in table.analyzers()}


def _completed(analyzer: Analyzer, seen: Analyzer | None, lattice: Lattice | None) -> Analyzer:
    q_hkl = analyzer.q_hkl or (seen.q_hkl if seen is not None else None)
    q_abs = analyzer.q_abs
    if q_abs is None and q_hkl is not None and lattice is not None:
        q_abs = float(lattice.q_abs(q_hkl))
    if seen is None:
        return replace(analyzer, q_hkl=q_hkl, q_abs=q_abs)
    return replace(
        analyzer,
        q_hkl=q_hkl,
        q_abs=q_abs if q_abs is not None else seen.q_abs,
        dq_hkl=analyzer.dq_hkl or seen.dq_hkl,
    )
