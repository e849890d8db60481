"""What is to be measured: modes at reduced q, written as a user would say it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError

if TYPE_CHECKING:
    from simulate.phonons.force_constants import ForceConstants
    from simulate.planning.calculation import Calculation

EXAMPLES = '"q=(0,0.3,0) branch=1-3", "q=(0,0.3,0) energy=3-5" or "Γ-Y points=5 branch=1,2"'
LINE_POINTS = 5
_MOST_POINTS = 200


@dataclass(frozen=True)
class Wish:
    """One wanted list of modes: some q, and the branches or the energies of interest there.

    Parameters
    ----------
    text : str
        As written.
    q_hkl : (n, 3) array
        r.l.u. of the conventional cell.
    branches : tuple of int
        1-based, by rising energy; empty when energies are given.
    energy_range_mev : (low, high) or None
    """

    text: str
    q_hkl: FloatArray
    branches: tuple[int, ...] = ()
    energy_range_mev: tuple[float, float] | None = None


@dataclass(frozen=True)
class Target:
    """One mode to be measured: a reduced q and a branch.

    Parameters
    ----------
    q_hkl : three floats
        r.l.u.
    branch : int
        1-based, by rising energy.
    energy_mev : float
        Calculated at q.
    wish : str
        The text that asked for it.
    partners : tuple of int
        Branches degenerate with it at q: off q, where they part, they count as the same mode.
    """

    q_hkl: tuple[float, float, float]
    branch: int
    energy_mev: float
    wish: str = ""
    partners: tuple[int, ...] = ()

    @property
    def label(self) -> str:
        """ "(0 0.3 0) branch 2" """
        return f"({' '.join(f'{x:.4g}' for x in self.q_hkl)}) branch {self.branch}"


def parse_wish(text: str, special_points: Mapping[str, Sequence[float]] | None = None) -> Wish:
    """Read one wish.

    Words are `q=(h,k,l)`, or a line as `Γ-Y` or `line=(0,0,0)-(0,1,0)` with `points=5` (equal
    steps from its start, which is left out where it is Γ, to its end, which counts); and either
    `branch=1-3`, `branch=1,4` or `energy=3-5` (meV).

    Parameters
    ----------
    text : str
    special_points : mapping, optional
        Name -> hkl, for lines between named points; Γ (G, Gamma) is always known.

    Raises
    ------
    InputError
        A word that is not understood, with an example.
    """
    words = re.sub(r"\s*([=,])\s*", r"\1", re.sub(r"\(\s*(.*?)\s*\)", _tight, text)).split()
    given: dict[str, str] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals:
            key, value = "line", word
        key = {"branches": "branch", "e": "energy", "n": "points"}.get(key.lower(), key.lower())
        if key not in ("q", "line", "points", "branch", "energy") or key in given or not value:
            raise _not_understood(text, word)
        given[key] = value
    if ("q" in given) == ("line" in given):
        raise _not_understood(text, text, "one of q=(h,k,l) or a line")
    if ("branch" in given) == ("energy" in given):
        raise _not_understood(text, text, "one of branch=… or energy=…")
    if "points" in given and "line" not in given:
        raise _not_understood(text, f"points={given['points']}", "points only for a line")
    if "q" in given:
        q = _vector(given["q"], text, {})[None]
    else:
        q = _line(given["line"], given.get("points"), text, special_points or {})
    branches = _branches(given["branch"], text) if "branch" in given else ()
    energies = _energies(given["energy"], text) if "energy" in given else None
    return Wish(text, q, branches, energies)


def targets_of(
    wishes: Sequence[Wish], calculation: Calculation, temperature_k: float
) -> tuple[tuple[Target, ...], tuple[str, ...]]:
    """The modes that wishes ask for, and warnings about what they ask for in vain.

    A mode asked for twice counts once. Imaginary and zero-energy modes are left out and named.

    Raises
    ------
    InputError
        A branch that the crystal does not have, or a wish that no real mode fulfils.
    """
    found: dict[tuple[tuple[float, ...], int], Target] = {}
    warnings: list[str] = []
    for wish in wishes:
        factor = calculation.structure_factor(wish.q_hkl, temperature_k)
        real = factor.energy_mev > 1e-3
        wanted = wanted_modes(wish, factor.energy_mev)
        vain = int((wanted & ~real).sum())
        if vain:
            imaginary = int((wanted & factor.imaginary).sum())
            warnings.append(
                f"{wish.text}: {vain} modes left out: {imaginary} imaginary, "
                f"{vain - imaginary} without energy"
            )
        if not (wanted & real).any():
            raise InputError(
                "no real mode fulfils the target",
                key="target",
                found=wish.text,
                expected="energies between "
                f"{factor.energy_mev[real].min(initial=np.inf):.2f} and "
                f"{factor.energy_mev.max():.2f} meV; acoustic modes at Γ have none",
            )
        for k in np.flatnonzero(~(wanted & real).any(axis=1)):
            warnings.append(f"{wish.text}: no mode at {wish.q_hkl[k].round(4).tolist()}")
        for k, s in np.argwhere(wanted & real):
            h, j, i = (float(round(x, 9)) + 0.0 for x in wish.q_hkl[k])
            same = np.flatnonzero(factor.group[k] == factor.group[k, s]) + 1
            target = Target(
                (h, j, i),
                int(s) + 1,
                float(factor.energy_mev[k, s]),
                wish.text,
                tuple(int(other) for other in same if other != s + 1),
            )
            found.setdefault((target.q_hkl, target.branch), target)
    return tuple(found.values()), tuple(warnings)


def special_points_of(force_constants: ForceConstants) -> dict[str, tuple[float, float, float]]:
    """hkl of the named points of the Brillouin zone of a crystal (names of Setyawan & Curtarolo).

    As ase names them (Comput. Mater. Sci. 49 (2010) 299) for the primitive cell; hkl count in the
    conventional cell.
    """
    from ase.cell import Cell

    points = Cell(force_constants.vectors).bandpath(npoints=0).special_points
    hkl = {name: force_constants.conventional @ point for name, point in points.items()}
    return {name: (float(x[0]), float(x[1]), float(x[2])) for name, x in hkl.items()}


def wanted_modes(wish: Wish, energy_mev: FloatArray) -> np.ndarray:
    """(nq, ns) which modes a wish asks for at q with the energies (nq, ns), its own q aside.

    Raises
    ------
    InputError
        A branch that the crystal does not have.
    """
    if wish.energy_range_mev is not None:
        low, high = wish.energy_range_mev
        return (energy_mev >= low) & (energy_mev <= high)
    wanted = np.zeros(energy_mev.shape, dtype=bool)
    if max(wish.branches) > energy_mev.shape[1]:
        raise InputError(
            "the crystal has no such branch",
            key="branch",
            found=f"{max(wish.branches)} in {wish.text!r}",
            expected=f"1 to {energy_mev.shape[1]}",
        )
    wanted[:, np.array(wish.branches) - 1] = True
    return wanted


def _tight(match: re.Match[str]) -> str:
    return "(" + ",".join(re.split(r"[\s,]+", match[1])) + ")"


def _line(
    value: str, points: str | None, text: str, named: Mapping[str, Sequence[float]]
) -> FloatArray:
    match = re.fullmatch(r"(\([^)]*\)|[^-–()]+)[-–](\([^)]*\)|[^-–()]+)", value)
    if match is None:
        raise _not_understood(text, value, "two ends, as Γ-Y or (0,0,0)-(0,1,0)")
    start, end = (_vector(part, text, named) for part in match.groups())
    number = LINE_POINTS
    if points is not None:
        if not points.isdigit() or not 1 <= int(points) <= _MOST_POINTS:
            raise _not_understood(text, f"points={points}", f"1 to {_MOST_POINTS} points")
        number = int(points)
    if np.allclose(start, end):
        raise _not_understood(text, value, "two different ends")
    if not start.any():
        share = np.arange(1, number + 1) / number
    else:
        share = np.linspace(0, 1, number) if number > 1 else np.ones(1)
    return start + share[:, None] * (end - start)


def _vector(value: str, text: str, named: Mapping[str, Sequence[float]]) -> FloatArray:
    if value in ("Γ", "G", "GM", "Gamma", "gamma", "GAMMA"):
        return np.zeros(3)
    if value in named:
        return np.asarray(named[value], dtype=float)
    parts = value.removeprefix("(").removesuffix(")").split(",")
    try:
        numbers = [float(Fraction(part)) for part in parts]
    except (ValueError, ZeroDivisionError):
        numbers = []
    if len(numbers) != 3:
        known = f", or one of Γ, {', '.join(named)}" if named else ""
        raise _not_understood(text, value, f"three numbers such as (0,0.3,0){known}")
    return np.array(numbers)


def _branches(value: str, text: str) -> tuple[int, ...]:
    chosen: set[int] = set()
    for part in value.split(","):
        match = re.fullmatch(r"(\d+)(?:[-–](\d+))?", part)
        first = int(match[1]) if match else 0
        last = int(match[2] or match[1]) if match else 0
        if not 1 <= first <= last <= 10_000:
            raise _not_understood(text, f"branch={value}", "numbers from 1 up, as 1-3 or 1,4")
        chosen |= set(range(first, last + 1))
    return tuple(sorted(chosen))


def _energies(value: str, text: str) -> tuple[float, float]:
    match = re.fullmatch(r"([\d.]+)[-–]([\d.]+)(?:meV)?", value)
    try:
        low, high = (float(match[1]), float(match[2])) if match else (1.0, 0.0)
    except ValueError:
        low, high = 1.0, 0.0
    if not 0 <= low < high:
        raise _not_understood(text, f"energy={value}", "a range in meV such as 3-5")
    return low, high


def _not_understood(text: str, found: str, expected: str | None = None) -> InputError:
    return InputError(
        f"the target {text!r} is not understood",
        key="target",
        found=found,
        expected=expected or EXAMPLES,
        hint=None if expected is None else f"for example {EXAMPLES}",
    )
