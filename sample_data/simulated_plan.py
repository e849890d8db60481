"""What is measured in the SIMULATED experiment, and what goes wrong in it on purpose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_reduce.energy import mono_temperature
from ixs_reduce.formats.profile import load_profile
from sample_data.cscu2i3_crystal import Hkl
from sample_data.simulated_array import DRIFT_MEV, DRIFTING, NEARLY_DEAD, SimulatedAnalyzer

ANALYZER_K = 299.3
"""Reading at which every analyzer is held; the fixed expansion of the profile holds there."""


@dataclass(frozen=True)
class PlannedScan:
    """A scan before it is simulated: what is on the stage, where the arm stands, which points.

    `hkl` None stands for the resolution sample at `tth`; `stopped_after` points it is aborted.
    """

    number: int
    title: str
    temperature_k: float
    seconds: float
    energies_mev: tuple[float, float, int]
    hkl: Hkl | None = None
    tth: float = 5.2
    stopped_after: int | None = None

    @property
    def kind(self) -> Literal["resolution", "sample"]:
        """Whether the resolution sample is measured or the crystal."""
        return "resolution" if self.hkl is None else "sample"

    @property
    def grid_mev(self) -> FloatArray:
        """Energies that the command asks for, in the order measured."""
        return np.linspace(*self.energies_mev)

    @property
    def command(self) -> str:
        """The scan as typed: the monochromator runs from hot (energy gain) to cold."""
        first, last = mono_set_points(self.grid_mev[[0, -1]])
        return f"ascan  tmono {first:.4f} {last:.4f}  {self.grid_mev.size - 1} {self.seconds:g}"


@dataclass(frozen=True)
class Fault:
    """Something wrong in the scans on purpose; `code` is that of the flag it should raise."""

    code: str
    what: str
    scan: int | None = None
    analyzer: str | None = None
    points: tuple[int, ...] = ()


ENERGIES = (-10.0, 20.0, 61)
ZONE_A: Hkl = (7.0, 6.3, 0.0)
ZONE_B: Hkl = (0.0, 8.0, -1.8)

PLAN = (
    PlannedScan(1, "PMMA-like resolution sample", 295.0, 20, (-15.0, 15.0, 121)),
    PlannedScan(2, "near (7 6.3 0)", 300.0, 60, ENERGIES, ZONE_A),
    PlannedScan(3, "near (7 6.3 0), repeat", 300.0, 60, ENERGIES, ZONE_A),
    PlannedScan(4, "near (0 8 -1.8)", 300.0, 60, ENERGIES, ZONE_B),
    PlannedScan(5, "near (7 6.3 0)", 600.0, 60, ENERGIES, ZONE_A),
    PlannedScan(6, "near (0 8 -1.8)", 600.0, 60, ENERGIES, ZONE_B),
    PlannedScan(7, "near (7 6.3 0), repeat", 600.0, 60, ENERGIES, ZONE_A, stopped_after=23),
)

BURST_COUNTS = 400
DIP_TO = 0.3

FAULTS = (
    Fault("nearly-dead", "counts 3 % of the photons", analyzer=NEARLY_DEAD),
    Fault("burst", f"{BURST_COUNTS} counts of noise in one point", 4, "a17", (8,)),
    Fault("monitor-dip", f"the beam falls to {DIP_TO:.0%}", 5, points=(40, 41, 42)),
    Fault("aborted", "stopped after 23 of 61 points", 7),
    Fault("zero-drift", f"the zero is {DRIFT_MEV:g} meV higher from this scan on", 3, DRIFTING),
)


def zero_during(scan: int, analyzer: SimulatedAnalyzer) -> float:
    """Energy zero (meV) of an analyzer during a scan: E_true = E_file - zero."""
    moved = any(
        fault.code == "zero-drift" and fault.analyzer == analyzer.name and scan >= fault.scan
        for fault in FAULTS
        if fault.scan is not None
    )
    return round(analyzer.zero_mev + (DRIFT_MEV if moved else 0.0), 3)


def mono_set_points(energy_mev: FloatArray) -> FloatArray:
    """Readings (K) of the monochromator for energies of the file, by the profile's expansion."""
    profile = load_profile("bl43lxu")
    readings: FloatArray = mono_temperature(energy_mev, ANALYZER_K, profile.order, profile.alpha)
    return readings
