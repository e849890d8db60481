"""The electron density of a molecular-dynamics trajectory, as a reconstruction of `mem` has it.

ρ(x) = (1/V) Σ_h Σ_s f0_s(|Q|) F_s(h) exp(-2πi h·x), with the structure factors F_s of the
positions of element s folded into the conventional cell (`folded_factors`) and f0 of Waasmaier &
Kirfel: the density of atoms that carry their electrons along, averaged over time and over all
cells. Each f0 is scaled to the electrons of its ion at Q = 0, which the fit misses by 10⁻⁴, so
that F(000) is the number of electrons in the cell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import gemmi
import numpy as np
from numpy.typing import ArrayLike

from ixs_core.arrays import ComplexArray, FloatArray
from ixs_core.crystal import Crystal
from ixs_core.errors import InputError
from ixs_core.jobs import CancelToken, Progress
from ixs_core.lattice import Lattice
from ixs_core.scattering_factors import form_factor_table, parse_ion, tabulated_or_neutral
from ixs_core.symmetry import Symmetry
from mem.density import Density
from mem.interpolation import density_values
from mem.profile import Profile, profile
from simulate.md.atom_series import elements_of
from simulate.md.cell_harmonics import Harmonics, averaged, closed_under, density_on_grid, moved
from simulate.md.density_origin import origin_on
from simulate.md.folded_factors import FoldedFactors, folded_factors
from simulate.md.map_frame import DensityFrame, Group, density_frame
from simulate.md.trajectory import Trajectory

_SAME_CONTENT = 0.01  # atoms per cell
_NEGATIVE = 1e-4  # of the highest density: deeper ripples are told


@dataclass(frozen=True)
class MdDensity(Density):
    """A density of a simulation: all that `mem` does with a density can be done with it.

    Parameters
    ----------
    lattice, values, symmetry, structure, temperature_k, source, notes
        As in `Density`. The lattice is that of the simulation, also of the structure.
    stderr : (nx, ny, nz) array or None
        Standard error of the values from the scatter of the blocks of time; None for one block.
    blocks, n_frames : int
    d_min : float
        Å: shortest period in the density.
    shift : (3,) array or None
        Fractional: what was added to the simulation's coordinates.
    unit : str
        Of the values.
    """

    stderr: FloatArray | None = None
    blocks: int = 1
    n_frames: int = 0
    d_min: float = 0.0
    shift: FloatArray | None = None
    unit: str = "e/angstrom^3"

    def profile(self, points: ArrayLike, n: int = 201) -> Profile:
        """The density along a polyline with its standard error; see `mem.profile`."""
        found = profile(self, points, n)
        if self.stderr is None:
            return found
        errors = Density(self.lattice, self.stderr, self.symmetry)
        return replace(found, sigma=np.abs(density_values(errors, found.points)))


def md_density(
    trajectory: Trajectory,
    *,
    lattice: Lattice | ArrayLike | None = None,
    like: Density | None = None,
    grid: Sequence[int] | None = None,
    step: float = 0.1,
    structure: Crystal | None = None,
    symmetry: Symmetry | Group | None = None,
    d_min: float | None = None,
    ions: Mapping[str, str] | None = None,
    framework: Sequence[str] | None = None,
    blocks: int = 8,
    start: int = 0,
    stop: int | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> MdDensity:
    """Electron density of a trajectory in the conventional cell, averaged over frames and cells.

    Parameters
    ----------
    trajectory : Trajectory
        The drift of its centre of mass is taken off; in a cell that varies, fractional
        coordinates count.
    lattice, like, grid, step, structure, symmetry, d_min
        Cell, grid, origin, group and resolution: see `density_frame`.
    ions : mapping, optional
        Element -> ion ("Cu1+") whose f0 it has. By default those of the structure, else neutral
        atoms.
    framework, blocks, start, stop
        See `folded_factors`.
    workers, scheduler, progress, cancel
        See `parallel_map`.

    Returns
    -------
    MdDensity
        In e/Å³; its integral is the number of electrons of the ions in a cell.

    Raises
    ------
    InputError
        Of `density_frame`, `folded_factors` and `origin_on`; an ion is unknown.
    Cancelled
    """
    frame = density_frame(
        trajectory,
        lattice=lattice,
        like=like,
        grid=grid,
        step=step,
        structure=structure,
        symmetry=symmetry,
        d_min=d_min,
    )
    form_factor_table(list(_ions(elements_of(trajectory), ions, structure)[0]))  # before the work
    folded = fold_onto(
        trajectory,
        frame,
        framework=framework,
        blocks=blocks,
        start=start,
        stop=stop,
        workers=workers,
        scheduler=scheduler,
        progress=progress,
        cancel=cancel,
    )
    return electron_density(frame, folded, ions)


def electron_density(
    frame: DensityFrame, folded: FoldedFactors, ions: Mapping[str, str] | None = None
) -> MdDensity:
    """Electron density in e/Å³ of folded positions; parameters and errors as in `md_density`."""
    names, notes = _ions(folded.elements, ions, frame.structure)
    table = form_factor_table(names)
    electrons = np.array([_electrons(name) for name in names])
    factors = (table.f0(folded.harmonics.q_abs) * electrons / table.f0(0.0)).T
    return _density(frame, folded, factors, (*notes, *_content_notes(folded, frame.structure)))


def number_density(
    frame: DensityFrame, folded: FoldedFactors, element: str, blur_angstrom: float = 0.1
) -> MdDensity:
    """Density of the positions of one element in ions/Å³, to compare where ions pass.

    Parameters
    ----------
    frame : DensityFrame
    folded : FoldedFactors
        Of `fold_onto`.
    element : str
    blur_angstrom : float
        Standard deviation of the Gaussian by which each position is spread; at least about
        `frame.d_min` / 2.5, so that the density has no ripples.

    Raises
    ------
    InputError
        No such element, or a width that is none.
    """
    if element not in folded.elements:
        raise InputError(
            "the trajectory has no such element",
            key="element",
            found=element,
            expected=" or ".join(folded.elements),
        )
    if not 0 < blur_angstrom < np.inf:
        raise InputError(
            "not a width", key="blur_angstrom", found=blur_angstrom, expected="Å above 0"
        )
    blur = np.exp(-0.5 * (folded.harmonics.q_abs * blur_angstrom) ** 2)
    factors = np.array([blur if name == element else 0 * blur for name in folded.elements])
    note = f"number density of {element}, blurred by {blur_angstrom:g} Å"
    found = _density(frame, folded, factors, (note,))
    return replace(found, unit="ions/angstrom^3")


def fold_onto(
    trajectory: Trajectory,
    frame: DensityFrame,
    *,
    framework: Sequence[str] | None = None,
    blocks: int = 8,
    start: int = 0,
    stop: int | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> FoldedFactors:
    """Structure factors of the positions for the densities on a frame; see `folded_factors`."""
    harmonics = Harmonics.within(frame.lattice, frame.d_min)
    return folded_factors(
        trajectory,
        frame.conventional,
        harmonics.chosen(closed_under(frame.symmetry, harmonics)),
        framework=framework,
        blocks=blocks,
        start=start,
        stop=stop,
        workers=workers,
        scheduler=scheduler,
        progress=progress,
        cancel=cancel,
    )


def _density(
    frame: DensityFrame, folded: FoldedFactors, factors: FloatArray, notes: Sequence[str]
) -> MdDensity:
    """The density of factors (ns, n) times the structure factors of the elements."""
    harmonics, structure = folded.harmonics, frame.structure
    shift, origin_note = _origin(frame, folded)
    factors = factors * _fading(harmonics, frame)
    weighted = np.einsum("sn,bsn->bn", factors, folded.f)
    centre = ~harmonics.hkl.any(axis=1)
    # So it is already, apart from rounding.
    weighted[:, centre] = folded.per_cell @ factors[:, centre]
    placed = averaged(moved(weighted, harmonics, shift), harmonics, frame.symmetry)
    mean = folded.weights @ placed
    values = density_on_grid(mean, harmonics, frame.shape) / frame.lattice.volume
    return MdDensity(
        lattice=frame.lattice,
        values=values,
        symmetry=frame.symmetry,
        structure=None if structure is None else replace(structure, lattice=frame.lattice),
        temperature_k=folded.temperature_k,
        source=folded.name,
        notes=tuple(
            dict.fromkeys((*folded.notes, *frame.notes, origin_note, *notes, *_ripple_note(values)))
        ),
        stderr=_standard_error(placed - mean, harmonics, frame),
        blocks=folded.blocks,
        n_frames=int(folded.frames.sum()),
        d_min=frame.d_min,
        shift=shift,
    )


def _fading(harmonics: Harmonics, frame: DensityFrame) -> FloatArray:
    """(n,) 1 for long periods, from `d_fade` on cos² of what falls to 0 at `d_min`."""
    first, last = 2 * np.pi / frame.d_fade, 2 * np.pi / frame.d_min
    if last <= first:
        return np.ones(len(harmonics))
    part = np.clip((harmonics.q_abs - first) / (last - first), 0.0, 1.0)
    return np.asarray(np.cos(0.5 * np.pi * part) ** 2)


def _standard_error(
    apart: ComplexArray, harmonics: Harmonics, frame: DensityFrame
) -> FloatArray | None:
    """Σ (ρ_b - ρ)²/(B (B - 1)) at each point, of which the root; one block after the other."""
    blocks = len(apart)
    if blocks < 2:
        return None
    squares = np.zeros(frame.shape)
    for f in apart:
        squares += density_on_grid(f, harmonics, frame.shape) ** 2
    return np.asarray(np.sqrt(squares / (blocks * (blocks - 1))) / frame.lattice.volume)


def _origin(frame: DensityFrame, folded: FoldedFactors) -> tuple[FloatArray, str]:
    """What is added to fractional coordinates of the simulation, and a sentence on it."""
    if frame.structure is None:
        shift = np.zeros(3) if frame.shift is None else frame.shift
        return shift, f"origin of the simulation's own sites, moved by {_text(shift)}"
    found = origin_on(folded, frame.lattice, frame.structure)
    return found.shift, (
        f"moved by {_text(found.shift)} of the cell onto the atoms of "
        f"{frame.structure.source or 'the structure'} (correlation {found.overlap:.3f})"
    )


def _text(shift: FloatArray) -> str:
    return "(" + ", ".join(f"{round(x, 4) + 0.0:.4g}" for x in shift.tolist()) + ")"


def _ions(
    elements: Sequence[str], ions: Mapping[str, str] | None, structure: Crystal | None
) -> tuple[list[str], list[str]]:
    """Whose f0 each element has, and sentences on those that the table lacks.

    Raises
    ------
    InputError
        An ion is of none of the elements.
    """
    given = dict(ions or {})
    if structure is not None:
        given = {site.element: site.ion for site in structure.sites} | given
    for element, ion in given.items():
        if element not in elements or parse_ion(ion)[0] != element:
            raise InputError(
                "the ion is not one of an element of the trajectory",
                key="ions",
                found=f"{element}: {ion}",
                expected=f"ions of {', '.join(elements)}",
            )
    found = [tabulated_or_neutral(given.get(element, element)) for element in elements]
    return [name for name, _ in found], [note for _, note in found if note]


def _electrons(ion: str) -> int:
    element, charge = parse_ion(ion)
    return int(gemmi.Element(element).atomic_number) - charge


def _content_notes(folded: FoldedFactors, structure: Crystal | None) -> list[str]:
    """Where the simulation has another number of atoms in a cell than the structure."""
    if structure is None:
        return []
    return [
        f"{count:g} {element} in a cell of the simulation, {structure.content[element]:g} in "
        f"{structure.source or 'the structure'}"
        for element, count in zip(folded.elements, folded.per_cell.tolist(), strict=True)
        if abs(count - structure.content.get(element, count)) > _SAME_CONTENT
    ]


def _ripple_note(values: FloatArray) -> list[str]:
    """How far below zero the density is anywhere."""
    lowest = float(values.min())
    if lowest >= -_NEGATIVE * float(values.max()):
        return []
    share = 100 * float(np.mean(values < 0))
    return [
        f"below zero in {share:.2g} % of the cell, {lowest:.2g} at the lowest: ripples of the end "
        "of the series, or of too few frames"
    ]
