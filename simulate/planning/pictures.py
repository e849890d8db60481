"""What a plan shows: expected counts of every analyzer, and hours over reciprocal space."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_reduce.spectrometer import AnalyzerTable
from simulate.planning.expected_counts import Beamtime, expected_spectra
from simulate.planning.information import ExpectedSpectrum, Goal, precision
from simulate.planning.plan import Plan
from simulate.planning.views import Zone, rank_zones

_HOUR = 3600.0
_PICTURED = 6
"""Settings of a plan that are pictured, best first."""


@dataclass(frozen=True)
class ExpectedPanel:
    """What one analyzer will have counted.

    Parameters
    ----------
    analyzer : str
    q_hkl : (3,) array
        r.l.u.
    energy_mev, counts : (n,) arrays
        Points of the scan, expected counts at each.
    line_energy_mev, sigma_energy_mev : (m,) arrays
        Lines that a fit tells apart, and how well their energies are then known.
    branches : tuple of m str
        Branches of each line, "4+5".
    resolution_fwhm_mev : float
    """

    analyzer: str
    q_hkl: FloatArray
    energy_mev: FloatArray
    counts: FloatArray
    line_energy_mev: FloatArray
    sigma_energy_mev: FloatArray
    branches: tuple[str, ...]
    resolution_fwhm_mev: float

    @property
    def axis_top(self) -> float:
        """Where an axis of counts ends: above the phonons; a higher elastic line is cut off."""
        away = np.abs(self.energy_mev) > 1.3 * self.resolution_fwhm_mev
        highest = float((self.counts[away] if away.any() else self.counts).max(initial=0.0))
        return float(max(1.25 * (highest + np.sqrt(highest)), 3.0))

    def counted(self, times: float) -> ExpectedPanel:
        """The same after `times` the hours: counts grow with the time, σ falls as its root."""
        return replace(
            self,
            counts=self.counts * times,
            sigma_energy_mev=self.sigma_energy_mev / np.sqrt(times),
        )


@dataclass(frozen=True)
class SettingPicture:
    """One setting: hours of counting, its panels, and the windows of all analyzers."""

    title: str
    hours: float
    panels: tuple[ExpectedPanel, ...]
    footprint: AnalyzerTable


@dataclass(frozen=True)
class PlanPictures:
    """The first settings of a plan, and the zones of one of its targets.

    Parameters
    ----------
    settings : tuple of SettingPicture
    zones : tuple of Zone
    zones_title : str
    """

    settings: tuple[SettingPicture, ...]
    zones: tuple[Zone, ...]
    zones_title: str


def panel_of(spectrum: ExpectedSpectrum, hours: float) -> ExpectedPanel:
    """What an expected spectrum holds after some hours over the whole scan."""
    return ExpectedPanel(
        analyzer=spectrum.analyzer,
        q_hkl=np.asarray(spectrum.predicted.q_hkl, dtype=float),
        energy_mev=spectrum.energy_mev,
        counts=_HOUR * hours / spectrum.energy_mev.size * spectrum.rate(),
        line_energy_mev=np.array([line.energy_mev for line in spectrum.lines]),
        sigma_energy_mev=precision(spectrum).energy_mev / np.sqrt(hours),
        branches=tuple(line.branch for line in spectrum.lines),
        resolution_fwhm_mev=spectrum.resolution.fwhm_mev,
    )


def illustrate(beamtime: Beamtime, plan: Plan, goal: Goal) -> PlanPictures:
    """The pictures of a plan: its first settings, and the zones of its first target."""
    pictures = []
    for setting in plan.settings[:_PICTURED]:
        table = beamtime.instrument.analyzer_q(setting.angles)
        spectra = expected_spectra(beamtime, setting.angles, plan.energy_mev, table, goal=goal)
        hkl = " ".join(f"{x:.3f}" for x in setting.hkl)
        pictures.append(
            SettingPicture(
                title=f"Setting {setting.rank}: arm at ({hkl}), after {setting.hours:.2g} h",
                hours=setting.hours,
                panels=tuple(panel_of(spectrum, setting.hours) for spectrum in spectra),
                footprint=table,
            )
        )
    first = plan.settings[0].assigned[0].target
    # All zones, so that those of a restricted plan are seen beside what they exclude.
    zones = rank_zones(replace(beamtime, zones=None), first, goal, plan.energy_mev)
    return PlanPictures(
        tuple(pictures), zones, f"{first.label}, {first.energy_mev:.2f} meV: {plan.source}"
    )


def _time(hours: float) -> str:
    return f"{hours:.2g} h" if hours >= 1 else f"{60 * hours:.2g} min"
