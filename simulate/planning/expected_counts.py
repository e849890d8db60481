"""What the analyzers of one setting will count, from the phonons averaged over their windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from ixs_reduce.circles import Angles
from ixs_reduce.instrument import Instrument
from ixs_reduce.predicted_modes import PredictedModes
from ixs_reduce.spectrometer import AnalyzerTable
from simulate.phonons.modes import IMAGINARY_MEV
from simulate.phonons.spectra import linewidths
from simulate.planning.calculation import Calculation
from simulate.planning.conditions import Conditions
from simulate.planning.information import ExpectedSpectrum, Goal, expected_spectrum
from simulate.planning.placement import NearReach, Placement, longest_q, near_reach
from simulate.planning.zones import CrystalSymmetry, reciprocal_vectors


@dataclass(frozen=True)
class Beamtime:
    """Instrument, crystal, phonons and conditions: what every question of a plan starts from.

    Parameters
    ----------
    instrument : Instrument
    symmetry : CrystalSymmetry
    calculation : Calculation
    conditions : Conditions
    source : str
        Name of the calculation, for people.
    without_debye_waller : Calculation or None
        The same phonons with atoms at rest, to tell what Debye-Waller factors take.
    notes : tuple of str
        To be carried into the warnings of plans.
    zones : (n, 3) array or None
        The only reciprocal lattice vectors to measure near, r.l.u.; all within reach by default.
    """

    instrument: Instrument
    symmetry: CrystalSymmetry
    calculation: Calculation
    conditions: Conditions
    source: str = ""
    without_debye_waller: Calculation | None = None
    notes: tuple[str, ...] = field(default=())
    zones: FloatArray | None = None

    @property
    def alive(self) -> tuple[int, ...]:
        """Places of the analyzers that count."""
        names = self.instrument.spectrometer.analyzers
        return tuple(i for i, name in enumerate(names) if name not in self.conditions.mask)

    @property
    def central_analyzer(self) -> str:
        """The working analyzer nearest to the arm's centre.

        Raises
        ------
        InputError
            All are masked.
        """
        if not self.alive:
            raise InputError("all analyzers are masked", key="analyzers.mask")
        tth, gam = self.instrument.spectrometer.arm_offsets
        nearest = min(self.alive, key=lambda i: (round(float(np.hypot(tth[i], gam[i])), 9), i))
        return self.instrument.spectrometer.analyzers[nearest]

    @cached_property
    def zones_near_reach(self) -> NearReach:
        """Reciprocal lattice vectors whose neighbourhood the circles may reach, with windows.

        Raises
        ------
        InputError
            One of the zones given is no reciprocal lattice vector, or none is near reach.
        """
        central = self.instrument.spectrometer.analyzers.index(self.central_analyzer)
        if self.zones is None:
            tau = reciprocal_vectors(self.symmetry, longest_q(self.instrument))
            return near_reach(self.instrument, tau, central)
        for vector in self.zones[~self.symmetry.is_reciprocal_vector(self.zones)]:
            raise InputError(
                "the zone is not a reciprocal lattice vector of the crystal",
                key="zone",
                found=vector.tolist(),
                hint="centring forbids it, or it is no integer hkl",
            )
        near = near_reach(self.instrument, self.zones, central)
        if not len(near.tau_hkl):
            raise InputError(
                "none of the zones is near reach", key="zone", found=self.zones.tolist()
            )
        return near

    def bragg_distance(self, hkl: FloatArray) -> FloatArray:
        """(n,) distance in Å⁻¹ of hkl (n, 3) from the nearest reciprocal lattice vector.

        Of the 27 vectors around the nearest in primitive coordinates, so that oblique cells count
        rightly.
        """
        inside = self.symmetry.primitive(hkl)
        rest = inside - np.round(inside)
        around = np.stack(np.meshgrid(*[[-1, 0, 1]] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
        offsets = (rest[:, None] + around) @ np.asarray(self.symmetry.conventional, dtype=float).T
        return np.asarray(self.symmetry.lattice.q_abs(offsets)).min(axis=1)


def modes_in_windows(
    beamtime: Beamtime,
    names: Sequence[str],
    hkl: FloatArray,
    dq_horizontal: FloatArray,
    dq_vertical: FloatArray,
) -> tuple[PredictedModes, ...]:
    """Modes averaged over each analyzer's accepted window.

    Energies are weighted by intensity, intensities are means, `spread_mev` is the standard
    deviation of the energy over the window (a branch of slope v over a width ΔQ: v ΔQ/√12).

    Parameters
    ----------
    beamtime : Beamtime
    names : sequence of str
        Of the analyzers.
    hkl, dq_horizontal, dq_vertical : (n, 3) arrays
        Centres and full widths, r.l.u.
    """
    conditions = beamtime.conditions
    average = beamtime.calculation.window_average(
        hkl, dq_horizontal, dq_vertical, conditions.temperature_k
    )
    lines = average.lines
    widths = np.full(lines.energy_mev.shape, conditions.fwhm_mev)
    if conditions.linewidth is not None:
        widths = linewidths(conditions.linewidth, lines)
    modes = []
    for k, name in enumerate(names):
        real = np.flatnonzero(lines.energy_mev[k] > IMAGINARY_MEV)
        order = real[np.argsort(lines.energy_mev[k, real], kind="stable")]
        modes.append(
            PredictedModes(
                file="",
                scan="",
                analyzer=name,
                q_hkl=hkl[k],
                temperature_k=conditions.temperature_k,
                energy_mev=lines.energy_mev[k, order],
                intensity=lines.intensity[k, order],
                branch=lines.branch[k, order],
                group=lines.group[k, order],
                fwhm_mev=widths[k, order],
                spread_mev=average.spread_mev[k, order],
                imaginary=int(lines.imaginary[k].sum()),
                source=beamtime.source,
            )
        )
    return tuple(modes)


def expected_spectra(
    beamtime: Beamtime,
    angles: Angles,
    energy_mev: FloatArray,
    table: AnalyzerTable | None = None,
    which: Sequence[int] | None = None,
    goal: Goal | None = None,
) -> tuple[ExpectedSpectrum, ...]:
    """Expected spectra of the analyzers at one position of the circles.

    Parameters
    ----------
    beamtime : Beamtime
    angles : Angles
        Of the arm's centre.
    energy_mev : (n,) array
        Points of the scan.
    table : AnalyzerTable, optional
        What the analyzers see there, if known already.
    which : sequence of int, optional
        Places of the analyzers wanted; default all that are not masked.
    goal : Goal, optional
        Says when lines count as told apart.
    """
    table = beamtime.instrument.analyzer_q(angles) if table is None else table
    chosen = beamtime.alive if which is None else which
    return spectra_at(beamtime, [(angles, table, place) for place in chosen], energy_mev, goal)


def spectra_at(
    beamtime: Beamtime,
    places: Sequence[tuple[Angles, AnalyzerTable, int]],
    energy_mev: FloatArray,
    goal: Goal | None = None,
) -> tuple[ExpectedSpectrum, ...]:
    """Expected spectra of single analyzers at any positions, their phonons solved in one go.

    Parameters
    ----------
    beamtime : Beamtime
    places : sequence of (angles of the arm, what the analyzers see there, place of one of them)
    energy_mev : (n,) array
        Points of the scan.
    goal : Goal, optional
        Says when lines count as told apart.
    """
    if not places:
        return ()
    names = beamtime.instrument.spectrometer.analyzers
    hkl, dq_h, dq_v = (
        np.array([getattr(table, column)[a] for _, table, a in places])
        for column in ("hkl", "dq_horizontal", "dq_vertical")
    )
    predicted = modes_in_windows(beamtime, [names[a] for *_, a in places], hkl, dq_h, dq_v)
    conditions = beamtime.conditions
    elastic = conditions.elastic(beamtime.bragg_distance(hkl))
    tth, gam = beamtime.instrument.spectrometer.arm_offsets
    return tuple(
        expected_spectrum(
            predicted[k],
            conditions.resolution(names[a]),
            float(conditions.rate_scale(names[a], angles.tth + tth[a], angles.gam + gam[a])),
            float(elastic[k]),
            conditions.background_per_s,
            energy_mev,
            goal,
        )
        for k, (angles, _, a) in enumerate(places)
    )


def placed_spectra(
    beamtime: Beamtime,
    placements: Sequence[Placement],
    energy_mev: FloatArray,
    goal: Goal | None = None,
) -> tuple[ExpectedSpectrum, ...]:
    """Expected spectra at placed Q, each on its own analyzer; all must have a position."""
    names = beamtime.instrument.spectrometer.analyzers
    places = []
    for placement in placements:
        assert placement.angles is not None
        assert placement.analyzer is not None
        table = beamtime.instrument.analyzer_q(placement.angles)
        places.append((placement.angles, table, names.index(placement.analyzer)))
    return spectra_at(beamtime, places, energy_mev, goal)
