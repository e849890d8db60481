"""Phased structure factors of a MEM program's input file, checked and made unique.

What such a file lists must agree with the symmetry that is said to hold: a wrong setting shows
as forbidden reflections or forbidden phases.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ixs_core.arrays import ComplexArray, FloatArray, IntArray
from ixs_core.crystal import Crystal
from ixs_core.lattice import Lattice
from ixs_core.symmetry import Symmetry
from mem.formats.text_file import TextFile, decimal_number, free_or_fixed, miller_index
from mem.reflection_symmetry import representatives, restricted_phase, systematically_absent
from mem.reflections import ReflectionGroup, Reflections
from mem.wording import are, counted

_FORBIDDEN_SIGMA, _FORBIDDEN_SHARE = 3.0, 0.05
_PRINTED = 0.01  # electrons: what rounding to three decimals may leave
_CELL_SLACK = 0.01
_ELECTRONS_SLACK = 1e-3


@dataclass(frozen=True)
class PhasedList:
    """What a file lists, row by row.

    Parameters
    ----------
    text : TextFile
    lattice : Lattice
    symmetry : Symmetry
    hkl : (n, 3) int array
    f : (n,) complex array
    sigma : (n,) array
    lines : (n,) int array
        1-based line of each row.
    electrons : float or None
        None where only the row (000), if there is one, tells.
    groups : tuple of ReflectionGroup
    notes : tuple of str
    """

    text: TextFile
    lattice: Lattice
    symmetry: Symmetry
    hkl: IntArray
    f: ComplexArray
    sigma: FloatArray
    lines: IntArray
    electrons: float | None
    groups: tuple[ReflectionGroup, ...] = ()
    notes: tuple[str, ...] = field(default=())

    def rows(self, which: IntArray) -> PhasedList:
        """The list with some of its rows."""
        columns = {name: getattr(self, name)[which] for name in ("hkl", "f", "sigma", "lines")}
        return PhasedList(**{**self.__dict__, **columns})


def phased_row(
    text: TextFile, number: int, widths: Sequence[int]
) -> tuple[tuple[int, int, int], complex, float]:
    """h k l, F and σ of a line with h k l F_re F_im σ.

    Raises
    ------
    InputError
        The line is no such row, or σ is not above 0.
    """
    line = text.lines[number - 1] if number <= len(text.lines) else ""
    fields = free_or_fixed(line, widths)
    h, k, l_ = (miller_index(value) for value in fields[:3])
    real, imaginary, sigma = (decimal_number(value) for value in fields[3:6])
    if h is None or k is None or l_ is None or real is None or imaginary is None or sigma is None:
        raise text.error("not a reflection", number, expected="h k l F_re F_im σ")
    if sigma <= 0 and (h, k, l_) != (0, 0, 0):
        raise text.error("σ is not above 0", number, expected="h k l F_re F_im σ, σ above 0")
    return (h, k, l_), complex(real, imaginary), sigma


def phased_reflections(listed: PhasedList, structure: Crystal | None) -> Reflections:
    """The unique structure factors of a list.

    Equivalent rows are averaged with weights 1/σ²; what symmetry forbids must be nothing within
    the errors and is left out, phases that it restricts are set to what it allows.

    Parameters
    ----------
    listed : PhasedList
    structure : Crystal or None
        The refined model; its cell must be that of the list.

    Raises
    ------
    InputError
        The list contradicts its symmetry, has no F(000), or no reflection at all.
    """
    notes = [*listed.text.notes, *listed.notes]
    _require_same_cell(listed, structure)
    electrons, listed = _electrons(listed, structure, notes)
    listed = _allowed(listed, structure is None, notes)
    if not len(listed.hkl) and not listed.groups:
        raise listed.text.error("no reflection is listed", found="none but (000) or absent ones")
    hkl, f, sigma = _merged(listed, notes)
    return Reflections(
        lattice=listed.lattice,
        symmetry=listed.symmetry,
        hkl=hkl,
        f=f,
        sigma=sigma,
        electrons=electrons,
        groups=listed.groups,
        structure=structure,
        temperature_k=structure.temperature_k if structure else None,
        source=listed.text.path.name,
        sha256=listed.text.sha256,
        notes=tuple(notes),
    )


def _require_same_cell(listed: PhasedList, structure: Crystal | None) -> None:
    if structure is None:
        return
    ours, theirs = np.array(listed.lattice.cell), np.array(structure.lattice.cell)
    if np.abs(ours / theirs - 1).max() > _CELL_SLACK:
        raise listed.text.error(
            "the cell is not that of the structure",
            key="cell",
            found=listed.lattice.cell,
            expected=f"{structure.lattice.cell} of {structure.source or 'the structure'}",
        )


def _electrons(
    listed: PhasedList, structure: Crystal | None, notes: list[str]
) -> tuple[float, PhasedList]:
    """F(000), and the list without its row."""
    origin = ~listed.hkl.any(axis=1)
    electrons = listed.electrons
    if origin.any():
        value = float(listed.f[origin][0].real)
        if electrons is None:
            electrons = value
            notes.append(f"the number of electrons, {value:g}, is that of the row 0 0 0")
        elif abs(value - electrons) > _ELECTRONS_SLACK * electrons:
            notes.append(f"the row 0 0 0 says {value:g} electrons: {electrons:g} are used")
    if electrons is None and structure is not None:
        electrons = structure.electrons_per_cell
        notes.append(f"the number of electrons, {electrons:g}, is that of the structure")
    if electrons is None or not electrons > 0:
        raise listed.text.error(
            "the number of electrons per cell is missing",
            key="electrons",
            found="nothing" if electrons is None else electrons,
            expected="F(000) above 0",
        )
    return electrons, listed.rows(np.flatnonzero(~origin))


def _allowed(listed: PhasedList, by_file: bool, notes: list[str]) -> PhasedList:
    """The list without absent reflections and with the phases that symmetry allows."""
    absent = systematically_absent(listed.symmetry, listed.hkl)
    phase = restricted_phase(listed.symmetry, listed.hkl)
    direction = np.exp(1j * np.nan_to_num(phase))
    along = (listed.f * direction.conj()).real * direction
    f = np.where(np.isnan(phase), listed.f, along)
    f[absent] = 0
    forbidden = np.abs(listed.f - f)
    limit = np.maximum(_FORBIDDEN_SIGMA * listed.sigma, _FORBIDDEN_SHARE * np.abs(f)) + _PRINTED
    if (forbidden > limit).any():
        worst = int((forbidden / limit).argmax())
        what = "that it forbids" if absent[worst] else "with a phase that it forbids"
        name = listed.symmetry.name or "of the file"
        count = int((forbidden > limit).sum())
        raise listed.text.error(
            f"space group {name} contradicts {count} of "
            f"{counted(len(listed.hkl), 'reflection')}: one {what}",
            int(listed.lines[worst]),
            hint="give the structure: its symmetry and origin are used instead" * by_file or None,
        )
    if absent.any():
        notes.append(f"{are(int(absent.sum()), 'systematically absent reflection')} left out")
    changed = ~absent & (forbidden > _PRINTED)
    if changed.any():
        notes.append(
            f"{are(int(changed.sum()), 'phase')} set to what symmetry allows; F changes by up to "
            f"{forbidden[changed].max():.3g} electrons"
        )
    kept = PhasedList(**{**listed.__dict__, "f": f})
    return kept.rows(np.flatnonzero(~absent))


def _merged(listed: PhasedList, notes: list[str]) -> tuple[IntArray, ComplexArray, FloatArray]:
    """hkl, F and σ of the first row of every set of equivalents, F averaged with 1/σ²."""
    chosen = representatives(listed.symmetry, listed.hkl)
    _, first, member = np.unique(chosen.hkl, axis=0, return_index=True, return_inverse=True)
    member = member.reshape(-1)
    weight = listed.sigma**-2
    total = np.bincount(member, weight, len(first))
    value = chosen.of(listed.f)
    mean = (
        np.bincount(member, weight * value.real, len(first))
        + 1j * np.bincount(member, weight * value.imag, len(first))
    ) / total
    repeated = len(listed.hkl) - len(first)
    if repeated:
        notes.append(f"{are(repeated)} equivalent to others: averaged with 1/σ²")
    # Back to the index that the file has, in the order of the file.
    back = np.where(chosen.conjugate[first], mean.conj(), mean) * chosen.phase[first].conj()
    order = np.argsort(first)
    # A single row keeps its digits.
    single = np.bincount(member, minlength=len(first)) == 1
    f = np.where(single, listed.f[first], back)
    sigma = np.where(single, listed.sigma[first], total**-0.5)
    return listed.hkl[first][order], f[order], sigma[order]
