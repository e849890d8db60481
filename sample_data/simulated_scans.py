"""SIMULATED scans: temperatures, monitor and Poisson counts of 28 analyzers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ixs_core.arrays import FloatArray
from ixs_reduce.circles import Angles
from ixs_reduce.energy import energy_from_temperatures
from ixs_reduce.formats.profile import load_profile
from ixs_reduce.instrument import Instrument, load_instrument
from ixs_reduce.sixcircle import hkl_of
from ixs_reduce.spectrometer import AnalyzerTable
from ixs_reduce.spectrum_model import SpectrumModel
from sample_data.cscu2i3_crystal import Hkl, Mode, elastic_area, load_crystal, modes
from sample_data.simulated_array import SimulatedAnalyzer, simulated_array
from sample_data.simulated_plan import (
    ANALYZER_K,
    BURST_COUNTS,
    DIP_TO,
    FAULTS,
    PLAN,
    PlannedScan,
    mono_set_points,
    zero_during,
)

if TYPE_CHECKING:
    from simulate.phonons import PhononModel

EXPERIMENT = Path(__file__).with_name("cscu2i3_experiment.toml")
"""The experiment file that describes crystal and spectrometer."""

REGULATION_K = {"mono": 1e-4, "analyzer": 5e-5}
"""Standard deviation of the crystal temperatures about their set points."""

MONITOR_PER_SECOND = 25_000.0
PER_MONITOR = 1e-6
"""Strengths are stated for 10⁶ monitor counts."""

BACKGROUND = (3.0, -0.02)
"""c0 and c1 (per meV) of the background c0 + c1 E_file, for 10⁶ monitor counts."""

RESOLUTION_AREA = 120_000.0
"""Area (meV) of the resolution sample's line, for 10⁶ monitor counts."""


@dataclass(frozen=True)
class SimulatedScan:
    """One simulated scan.

    Parameters
    ----------
    plan : PlannedScan
    array : tuple of SimulatedAnalyzer
    angles : Angles
    hkl : (3,) array
        At the arm's centre, r.l.u.
    table : AnalyzerTable
        What each analyzer sees.
    mono_k, analyzer_k : (n_points,) and (n_analyzers, n_points) arrays
        Readings of the thermometers, rounded as written.
    monitor : (n_points,) array
    expected, counts : (n_analyzers, n_points) arrays
        Expected counts without the burst; drawn counts with it.
    modes : per analyzer, its modes, with amplitudes per monitor count, efficiency included
    elastic : (n_analyzers,) array
        Area of the elastic line (meV) per monitor count, efficiency included.
    """

    plan: PlannedScan
    array: tuple[SimulatedAnalyzer, ...]
    angles: Angles
    hkl: FloatArray
    table: AnalyzerTable
    mono_k: FloatArray
    analyzer_k: FloatArray
    monitor: FloatArray
    expected: FloatArray
    counts: NDArray[np.int64]
    modes: tuple[tuple[Mode, ...], ...]
    elastic: FloatArray

    @cached_property
    def energy_mev(self) -> FloatArray:
        """(n_analyzers, n_points) energies as a reader finds them from the temperatures."""
        return _file_energies(self.analyzer_k, self.mono_k)

    @cached_property
    def zeros_mev(self) -> FloatArray:
        """(n_analyzers,) zeros during this scan."""
        return np.array([zero_during(self.plan.number, analyzer) for analyzer in self.array])


def simulate(seed: int = 0) -> tuple[SimulatedScan, ...]:
    """All scans of `PLAN`, faults included; the same for the same seed.

    Parameters
    ----------
    seed : int
        Of the counting noise, the monitor and the temperature regulation.
    """
    instrument = load_instrument(EXPERIMENT)
    array = simulated_array()
    crystal = load_crystal()
    return tuple(
        _simulated(plan, array, instrument, crystal, np.random.default_rng([seed, plan.number]))
        for plan in PLAN
    )


def _simulated(
    plan: PlannedScan,
    array: tuple[SimulatedAnalyzer, ...],
    instrument: Instrument,
    crystal: PhononModel,
    random: np.random.Generator,
) -> SimulatedScan:
    angles = _position(plan, instrument)
    table = instrument.analyzer_q(angles)
    grid = plan.grid_mev[: plan.stopped_after]
    mono = mono_set_points(grid) + random.normal(0, REGULATION_K["mono"], grid.size)
    held = ANALYZER_K + random.normal(0, REGULATION_K["analyzer"], (len(array), grid.size))
    mono, held = np.round(mono, 6), np.round(held, 6)
    monitor = _monitor(plan, grid.size, random)
    found = _modes_seen(plan, array, table.hkl, crystal)
    elastic = np.array(
        [_elastic_seen(plan, a, q, instrument) for a, q in zip(array, table.hkl, strict=True)]
    )
    at_each = zip(array, found, elastic, _file_energies(held, mono), strict=True)
    expected = monitor * np.array([_rate(plan, *each) for each in at_each])
    counts = random.poisson(expected) + _bursts(plan, array, grid.size)
    hkl = hkl_of(instrument.orientation, instrument.wavelength, angles)
    return SimulatedScan(
        plan, array, angles, hkl, table, mono, held, monitor, expected, counts, found, elastic
    )


def _position(plan: PlannedScan, instrument: Instrument) -> Angles:
    """Where the circles stand, to the digits that the file shows."""
    if plan.hkl is None:
        wanted = Angles(plan.tth, plan.tth / 2, 0.0, 0.0, mu=instrument.mu)
    else:
        wanted = instrument.angles_for(plan.hkl)
    return Angles(**{name: round(value, 5) for name, value in wanted.as_dict().items()})


def _modes_seen(
    plan: PlannedScan,
    array: tuple[SimulatedAnalyzer, ...],
    q_hkl: FloatArray,
    crystal: PhononModel,
) -> tuple[tuple[Mode, ...], ...]:
    if plan.kind == "resolution":
        return ((),) * len(array)
    scales = [PER_MONITOR * analyzer.efficiency for analyzer in array]
    return tuple(
        tuple(replace(mode, amplitude=scale * mode.amplitude) for mode in of_one)
        for scale, of_one in zip(scales, modes(crystal, q_hkl, plan.temperature_k), strict=True)
    )


def _elastic_seen(
    plan: PlannedScan, analyzer: SimulatedAnalyzer, q: FloatArray, instrument: Instrument
) -> float:
    lattice = instrument.orientation.lattice
    scale = PER_MONITOR * analyzer.efficiency
    if plan.kind == "sample":
        return scale * elastic_area(_hkl(q), lattice, plan.temperature_k)
    # A glass scatters most at its first sharp diffraction peak, near 1 Å⁻¹.
    return scale * RESOLUTION_AREA / (1 + (lattice.q_abs(q) - 1.0) ** 2)


def _rate(
    plan: PlannedScan,
    analyzer: SimulatedAnalyzer,
    found: tuple[Mode, ...],
    elastic: float,
    energy_mev: FloatArray,
) -> FloatArray:
    """Expected counts per monitor count at energies of the file, (n_points,)."""
    scale = PER_MONITOR * analyzer.efficiency
    zero = zero_during(plan.number, analyzer)
    if plan.kind == "resolution":
        flat = scale * (BACKGROUND[0] + BACKGROUND[1] * energy_mev)
        return elastic * analyzer.resolution_sample(energy_mev - zero) + flat
    parameters = {
        "elastic": elastic,
        "background_c0": scale * BACKGROUND[0],
        "background_c1": scale * BACKGROUND[1],
        "zero": zero,
    }
    for i, mode in enumerate(found, start=1):
        parameters[f"mode{i}_energy"] = mode.energy_mev
        parameters[f"mode{i}_fwhm"] = mode.fwhm_mev
        parameters[f"mode{i}_amplitude"] = mode.amplitude
    model = SpectrumModel(analyzer.resolution, plan.temperature_k, modes=len(found))
    return model.evaluate(parameters, energy_mev)


def _monitor(plan: PlannedScan, points: int, random: np.random.Generator) -> FloatArray:
    """Monitor counts: a stored current that decays and is topped up, noise, and the dip."""
    phase = np.arange(points) % 20 / 20
    rate = MONITOR_PER_SECOND * (1 - 0.01 * phase) * (1 + random.normal(0, 0.003, points))
    for fault in FAULTS:
        if fault.code == "monitor-dip" and fault.scan == plan.number:
            rate[list(fault.points)] *= DIP_TO
    return np.round(rate * plan.seconds)


def _bursts(
    plan: PlannedScan, array: tuple[SimulatedAnalyzer, ...], points: int
) -> NDArray[np.int64]:
    """Noise counts (n_analyzers, n_points) that no photon made."""
    noise = np.zeros((len(array), points), dtype=np.int64)
    names = [analyzer.name for analyzer in array]
    for fault in FAULTS:
        if fault.code == "burst" and fault.scan == plan.number and fault.analyzer is not None:
            noise[names.index(fault.analyzer), list(fault.points)] = BURST_COUNTS
    return noise


def _file_energies(analyzer_k: FloatArray, mono_k: FloatArray) -> FloatArray:
    profile = load_profile("bl43lxu")
    energies: FloatArray = energy_from_temperatures(
        analyzer_k, mono_k, profile.order, profile.alpha
    )
    return energies


def _hkl(q: FloatArray) -> Hkl:
    return float(q[0]), float(q[1]), float(q[2])
