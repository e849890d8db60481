"""Records of simulated results, with what their drawings need besides. Qt-free."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py

from gui.models.simulation_results import Entry
from ixs_core.errors import InputError
from ixs_core.jobs import CancelToken, Progress
from ixs_core.project import Project, list_results, read_provenance


@dataclass(frozen=True)
class Loaded:
    """Records of results by their keys, and those that could not be read."""

    records: Mapping[str, Any]
    failures: tuple[tuple[str, InputError], ...] = ()


def load(
    path: Path,
    entries: Sequence[Entry],
    *,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> Loaded:
    """Read the records of some results; one that is damaged does not keep the others away.

    Raises
    ------
    InputError
        When the project cannot be read.
    Cancelled
    """
    records: dict[str, Any] = {}
    failures: list[tuple[str, InputError]] = []
    with Project(path).reading() as h5:
        for entry in entries:
            if cancel is not None:
                cancel.check()
            try:
                records[entry.key] = _record(h5, entry)
            except InputError as error:
                failures.append((entry.key, error))
    return Loaded(records, tuple(failures))


def _record(h5: h5py.File, entry: Entry) -> Any:
    """The record of a result, with what its drawing needs besides."""
    readers = {
        "md displacements": _displaced,
        "md hops": _hops,
        "md states": _states,
        "md scattering": _scattering,
        "overlay": _overlays,
        "kappa regimes": _regimes,
        "md linewidths": _mode_lifetimes,
        "kappa linewidths": _mesh_lifetimes,
        "kappa wigner": _wigner,
        "kappa measured": _measured,
        "kappa power-law": _power_law,
        "kappa green-kubo": _green_kubo,
    }
    return readers[entry.content](h5, entry)


def _displaced(h5: h5py.File, entry: Entry) -> Any:
    from gui.models.simulation_motion import Displaced
    from simulate.md.diffusion_coefficient import diffusion_table
    from simulate.md.displacements import MeanSquareDisplacement
    from simulate.record_store import read_record

    msd = read_record(h5, entry.key, MeanSquareDisplacement)
    given = read_provenance(h5, "predictions", entry.key).settings.get("window_ps")
    window = None if given is None else (float(given[0]), float(given[1]))
    return Displaced(msd, diffusion_table(msd, window))


def _hops(h5: h5py.File, entry: Entry) -> Any:
    from simulate.md.hop_statistics import HopRate
    from simulate.record_store import read_record

    return read_record(h5, entry.key, HopRate)


def _states(h5: h5py.File, entry: Entry) -> Any:
    from simulate.md.vibrational_states import PhononDos
    from simulate.record_store import read_record

    return read_record(h5, entry.key, PhononDos)


def _scattering(h5: h5py.File, entry: Entry) -> Any:
    from gui.models.simulation_scattering import Scattered
    from simulate.md.phonon_comparison import PhononCurves
    from simulate.md.project_results import md_result_key
    from simulate.md.scattering_spectrum import DynamicStructureFactor
    from simulate.record_store import read_record

    found = read_record(h5, entry.key, DynamicStructureFactor)
    beside = md_result_key(PhononCurves, entry.label)
    held = beside in list_results(h5, "predictions")
    return Scattered(found, read_record(h5, beside, PhononCurves) if held else None)


def _overlays(h5: h5py.File, entry: Entry) -> Any:
    from gui.models.simulation_overlay import Overlays
    from simulate.overlay_store import read_overlays

    overlays, notes = read_overlays(h5, entry.key)
    return Overlays({(one.key, one.analyzer): one for one in overlays}, notes)


def _regimes(h5: h5py.File, entry: Entry) -> Any:
    from gui.models.simulation_lifetimes import LifetimeSet
    from simulate.transport.regimes_store import read_regimes

    sources, limits = read_regimes(h5, entry.key)
    kelvin = entry.temperature_k
    return (LifetimeSet(kelvin, tuple(sources), limits),)


def _mode_lifetimes(h5: h5py.File, entry: Entry) -> Any:
    from gui.models.simulation_lifetimes import LifetimeSet
    from simulate.md.mode_lines import ModeLinewidths
    from simulate.record_store import read_record
    from simulate.transport.regimes import regime_limits, simulated_lifetimes

    lines = read_record(h5, entry.key, ModeLinewidths)
    limits = regime_limits(lines.harmonic_mev)
    source = simulated_lifetimes([lines], f"MD, {entry.label}")
    return (LifetimeSet(lines.temperature_k, (source,), limits, lines.notes, few_q=True),)


def _mesh_lifetimes(h5: h5py.File, entry: Entry) -> Any:
    from gui.models.simulation_lifetimes import LifetimeSet
    from simulate.transport.linewidths_store import read_stored_linewidths
    from simulate.transport.regimes import lifetimes_of, regime_limits

    widths = read_stored_linewidths(h5, entry.key)
    limits = regime_limits(widths.energy_mev)
    return tuple(
        LifetimeSet(
            float(kelvin),
            (lifetimes_of(widths, float(kelvin), entry.label),),
            limits,
            widths.notes,
        )
        for kelvin in widths.temperature_k
    )


def _wigner(h5: h5py.File, entry: Entry) -> Any:
    from simulate.transport.wigner_store import read_wigner

    return read_wigner(h5, entry.key)


def _measured(h5: h5py.File, entry: Entry) -> Any:
    from simulate.transport.measured_store import read_measured_kappa

    return read_measured_kappa(h5, entry.key)


def _power_law(h5: h5py.File, entry: Entry) -> Any:
    from simulate.record_store import read_record
    from simulate.transport.power_law import PowerLaw

    return read_record(h5, entry.key, PowerLaw)


def _green_kubo(h5: h5py.File, entry: Entry) -> Any:
    from simulate.transport.green_kubo_store import read_green_kubo

    return read_green_kubo(h5, entry.key)
