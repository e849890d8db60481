"""What `ixs overlay` lays over spectra: trajectories and force constants, told by content."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ixs_core.errors import InputError
from simulate.overlay import ElasticLine
from simulate.spectrum_overlay import FAR

if TYPE_CHECKING:
    from ixs_core.arrays import FloatArray
    from ixs_core.jobs import CancelToken
    from ixs_core.lattice import Lattice
    from ixs_core.project import Project
    from simulate.md.trajectory import Trajectory
    from simulate.measured_spectra import MeasuredSpectrum
    from simulate.spectrum_overlay import SpectrumOverlay


@dataclass(frozen=True)
class Requests:
    """What the options of the command ask for; `alike` are names that several files have."""

    cell: str | None = None
    supercell: str | None = None
    segment_ps: float | None = None
    acceptance: bool = False
    within: float | None = None
    linewidth: str | None = None
    elastic: ElasticLine = "fitted"
    temperature_k: float | None = None
    form_factor: str | None = None
    type_map: str | None = None
    dt_fs: float | None = None
    scheduler: str | None = None
    alike: tuple[str, ...] = ()

    def name_of(self, path: Path) -> str:
        """What a prediction is called: its file, with the folder where two are named alike."""
        return f"{path.resolve().parent.name}/{path.name}" if path.name in self.alike else path.name


@dataclass(frozen=True)
class OverlaySource:
    """A prediction and its overlays.

    Parameters
    ----------
    path : Path
    source : str
        What it is, for people.
    overlays : sequence of SpectrumOverlay
    notes : tuple of str
    files : tuple of Path
        That it came from.
    """

    path: Path
    source: str
    overlays: Sequence[SpectrumOverlay]
    notes: tuple[str, ...]
    files: tuple[Path, ...]


def overlaid(
    path: Path,
    store: Project,
    measured: Sequence[MeasuredSpectrum],
    scans: str | None,
    requests: Requests,
    cancel: CancelToken,
    *,
    quiet: bool,
) -> OverlaySource:
    """A file's prediction over the spectra of its crystal.

    Raises
    ------
    InputError
        The file is neither trajectory nor force constants, or fits none of the spectra.
    """
    from simulate.cli.project_cells import cells_of_spectra
    from simulate.md.reading import is_trajectory

    cells = cells_of_spectra(store, scans)
    if is_trajectory(path):
        return _simulation(path, store, measured, cells, requests, cancel, quiet)
    return _phonons(path, measured, cells, requests, cancel, quiet)


def _phonons(
    path: Path,
    measured: Sequence[MeasuredSpectrum],
    cells: Any,
    requests: Requests,
    cancel: CancelToken,
    quiet: bool,
) -> OverlaySource:
    from ixs_core.jobs import terminal_progress
    from simulate.cli.calculation import linewidth_series, load_calculation
    from simulate.cli.project_cells import lattice_that_fits, other_crystals
    from simulate.spectrum_overlay import overlay_phonons

    calculation = load_calculation(
        path, lattice=lattice_that_fits(path, cells), form_factor=requests.form_factor
    )
    foreign = other_crystals(calculation.model.lattice, cells)
    own = [one for one in measured if one.key not in foreign]
    _require(own, path, len(measured))
    with terminal_progress("phonons", silent=quiet) as progress:
        overlays, left = overlay_phonons(
            own,
            calculation.model,
            requests.name_of(path),
            linewidth=linewidth_series(requests.linewidth, calculation.model) or 0.0,
            temperature_k=requests.temperature_k,
            elastic="fitted" if requests.elastic == "simulated" else requests.elastic,
            progress=progress,
            cancel=cancel,
            **calculation.options,
        )
    notes = _left_out(len(measured) - len(own)) + left
    if requests.elastic == "simulated":
        notes += ("phonons predict no elastic line: its area is fitted",)
    if requests.linewidth is None:
        notes += ("phonons without linewidth: --linewidth gives them one",)
    return OverlaySource(path, requests.name_of(path), overlays, notes, calculation.files)


def _simulation(
    path: Path,
    store: Project,
    measured: Sequence[MeasuredSpectrum],
    cells: Any,
    requests: Requests,
    cancel: CancelToken,
    quiet: bool,
) -> OverlaySource:
    import numpy as np

    from ixs_core.jobs import terminal_progress
    from simulate.cli.md_options import (
        LONGEST_SEGMENT_PS,
        ions_option,
        opened,
        simulated_temperature,
    )
    from simulate.md.commensurate import commensurate_q
    from simulate.md.density_modes_store import cached_density_modes
    from simulate.md.scattering_spectrum import dynamic_structure_factor
    from simulate.spectrum_overlay import of_temperature, overlay_simulation

    trajectory = opened(path, requests.type_map, requests.dt_fs, cancel, quiet=quiet)
    lattice, foreign = _lattice(trajectory, cells, requests)
    own = [one for one in measured if one.key not in foreign]
    notes = _left_out(len(measured) - len(own))
    kelvin = simulated_temperature(trajectory, None) or requests.temperature_k
    ions = ions_option(requests.form_factor, trajectory.species)
    own, more = of_temperature(own, kelvin)
    notes += more
    if requests.within is not None and own:
        hkl = np.array([one.spectrum.q_hkl for one in own])
        near = commensurate_q(trajectory.cell, hkl, lattice).distance <= requests.within
        notes += _beyond(int((~near).sum()), requests.within)
        own = [one for one, keep in zip(own, near, strict=True) if keep]
    _require(own, path, len(measured), notes)
    windows = np.array([one.spectrum.dq_hkl or (0.0, 0.0, 0.0) for one in own])
    with terminal_progress("density modes", silent=quiet) as progress:
        modes = cached_density_modes(
            store.path,
            trajectory,
            np.array([one.spectrum.q_hkl for one in own]),
            lattice=lattice,
            sampling="acceptance" if requests.acceptance else "nearest",
            dq_hkl=windows if requests.acceptance else None,
            scheduler=requests.scheduler,
            progress=progress,
            cancel=cancel,
        )
    segment = requests.segment_ps or min(trajectory.duration_ps / 2, LONGEST_SEGMENT_PS)
    simulated = dynamic_structure_factor(modes, segment, temperature_k=kelvin, ions=ions)
    if requests.acceptance:
        simulated = simulated.averaged()
    overlays, left = overlay_simulation(own, simulated, requests.name_of(path), requests.elastic)
    notes += (
        *left,
        f"simulation at {kelvin:.0f} K, {simulated.segments} segments of "
        f"{simulated.segment_ps:.3g} ps: its own resolution {simulated.fwhm_mev:.2g} meV, "
        f"± {100 * simulated.relative_error:.0f} % at each energy",
        *modes.q.notes,
        *_far(simulated.distance),
    )
    return OverlaySource(path, requests.name_of(path), overlays, notes, (path,))


def _lattice(
    trajectory: Trajectory, cells: Any, requests: Requests
) -> tuple[Lattice | tuple[float, ...], tuple[str, ...]]:
    """The cell in which hkl count in a simulation, and the scans of other crystals."""
    from ixs_core.lattice import Lattice
    from simulate.cli.md_options import conventional_cell_option
    from simulate.cli.project_cells import other_crystals
    from simulate.md.commensurate import conventional_cell

    if requests.cell is not None or requests.supercell is not None:
        given = conventional_cell_option(requests.cell, requests.supercell)
        lattice = Lattice.from_vectors(conventional_cell(trajectory.cell, given))
        return given, other_crystals(lattice, cells)
    known = list(dict.fromkeys(cell for cell in cells.values() if cell is not None))
    if not known:
        raise InputError(
            "the project does not know the cell in which hkl count",
            file=trajectory.name,
            hint='give --supercell "2 2 3", the cells in the simulation, or --cell',
        )
    misfit: InputError | None = None
    for cell in known:
        lattice = Lattice.from_cell(cell)
        try:
            simulated = Lattice.from_vectors(conventional_cell(trajectory.cell, lattice))
        except InputError as error:
            misfit = error
            continue
        foreign = other_crystals(simulated, cells)
        if len(foreign) < len(cells):
            return lattice, foreign
    raise InputError(
        "the simulation is not of the crystal of any scan",
        file=trajectory.name,
        found=misfit.found if misfit else "cells that differ by more than 6 %",
        expected="a multiple of a measured cell along its axes",
        hint='--supercell "2 2 3" says how many cells it holds',
    )


def _left_out(count: int) -> tuple[str, ...]:
    return (f"{count} spectra of another crystal left out",) if count else ()


def _beyond(count: int, within: float) -> tuple[str, ...]:
    text = f"{count} spectra are more than {within:g} Å⁻¹ from a Q of the simulation and left out"
    return (text,) if count else ()


def _far(distance: FloatArray) -> tuple[str, ...]:
    """Where the comparison is of different Q rather than of theory and experiment."""
    count = int((distance >= FAR).sum())
    if not count:
        return ()
    return (
        f"{count} of {len(distance)} spectra are {FAR:g} Å⁻¹ or more from a Q that the cell of "
        f"the simulation holds: --within {FAR:g} leaves them out, a larger cell has more Q",
    )


def _require(
    own: Sequence[MeasuredSpectrum], path: Path, count: int, notes: Sequence[str] = ()
) -> None:
    if not own:
        raise InputError(
            "none of the spectra can be compared with this prediction",
            file=path,
            found="; ".join(notes) or f"{count} spectra of another crystal",
        )
