"""Lines of a fixed pattern within a model: unresolved members of a mode, and folded modes.

Both come from a calculation and keep its relative energies and intensities; the fit moves and
scales them as a whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ixs_core.arrays import FloatArray, IntArray
from ixs_core.errors import InputError


class FoldedLine(NamedTuple):
    """A mode too weak to be fitted by itself: undamped energy and FWHM in meV, relative amplitude.

    branch : its label in the calculation that it comes from, "" without one.
    """

    energy_mev: float
    fwhm_mev: float
    amplitude: float
    branch: str = ""


class Member(NamedTuple):
    """An unresolved line within a mode.

    energy_ratio, fwhm_ratio : its energy and width over the mode's; share : of the amplitude.
    """

    energy_ratio: float
    share: float
    fwhm_ratio: float = 1.0


SINGLE = (Member(1.0, 1.0),)
"""A mode that is one line."""


@dataclass(frozen=True)
class LinePattern:
    """The lines of all modes of a model in one row, those of folded modes at its end.

    mode : (n_mode_lines,) the mode (0-based) of each line.
    ratio, fwhm_ratio : (n_lines,) its energy and width over the mode's; of folded ones 1.
    share : (n_modes (+ 1 with folded ones), n_lines) amplitudes for modes of amplitude 1.
    folded : (n_folded, 2) energies and widths of the folded ones, meV.
    """

    mode: IntArray
    ratio: FloatArray
    fwhm_ratio: FloatArray
    share: FloatArray
    folded: FloatArray

    @classmethod
    def of(cls, members: Sequence[Sequence[Member]], folded: Sequence[FoldedLine]) -> LinePattern:
        """The pattern of modes with members and of folded modes."""
        mode = np.repeat(np.arange(len(members)), [len(own) for own in members])
        flat = np.array([member for own in members for member in own]).reshape(-1, 3)
        weak = np.array([line[:3] for line in folded]).reshape(-1, 3)
        share = np.zeros((len(members) + bool(folded), mode.size + len(folded)))
        share[mode, np.arange(mode.size)] = flat[:, 1]
        share[len(members) :, mode.size :] = weak[:, 2]
        ratio, fwhm_ratio = (np.append(flat[:, k], np.ones(len(folded))) for k in (0, 2))
        return cls(mode.astype(int), ratio, fwhm_ratio, share, weak[:, :2])

    def energies(self, energy: FloatArray) -> FloatArray:
        """Energies (n_lines,) for mode energies (n_modes,)."""
        return np.append(energy[self.mode], self.folded[:, 0]) * self.ratio

    def widths(self, fwhm: FloatArray) -> FloatArray:
        """Widths (n_lines,) for mode widths (n_modes,)."""
        return np.append(fwhm[self.mode], self.folded[:, 1]) * self.fwhm_ratio


def checked_members(
    members: Iterable[Iterable[Any]], n_modes: int
) -> tuple[tuple[Member, ...], ...]:
    """Members of each mode, shares made to add up to 1; empty when every mode is one line.

    Raises
    ------
    InputError
        For another number of modes, or members that are no lines.
    """
    sets = tuple(tuple(Member(*map(float, member)) for member in own) for own in members)
    if not sets:
        return ()
    if len(sets) != n_modes:
        raise InputError(
            "the members do not fit the modes", key="members", found=len(sets), expected=n_modes
        )
    for own in sets:
        total = sum(member.share for member in own)
        if not total > 0 or not all(_is_line(member) for member in own):
            raise InputError(
                "the members of a mode are no lines",
                key="members",
                found=own,
                expected="(energy ratio > 0, share ≥ 0, width ratio > 0), not all shares 0",
            )
    return tuple(_normalised(own) for own in sets)


def _normalised(own: tuple[Member, ...]) -> tuple[Member, ...]:
    total = sum(member.share for member in own)
    # A set that was made to add up before comes back bit for bit.
    return own if abs(total - 1) < 1e-12 else tuple(m._replace(share=m.share / total) for m in own)


def _is_line(member: Member) -> bool:
    return 0 < member.energy_ratio < np.inf and 0 < member.fwhm_ratio < np.inf and member.share >= 0


def checked_folded(lines: Iterable[Iterable[Any]]) -> tuple[FoldedLine, ...]:
    """Folded lines; InputError for an energy, width or amplitude that is none."""
    return tuple(_folded_line(*line) for line in lines)


def _folded_line(
    energy_mev: float, fwhm_mev: float, amplitude: float, branch: str = ""
) -> FoldedLine:
    line = FoldedLine(float(energy_mev), float(fwhm_mev), float(amplitude), str(branch))
    if not (0 < line.energy_mev < np.inf and 0 <= line.fwhm_mev < np.inf):
        raise InputError(
            "a folded mode needs a positive energy and a width", key="folded", found=line[:2]
        )
    if not 0 <= line.amplitude < np.inf:
        raise InputError("a folded mode is negative", key="folded", found=line.amplitude)
    return line
