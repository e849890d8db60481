"""Where measured momenta lie: lines in Q along which fitted modes make a dispersion."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_reduce.fitting import SpectrumFit
from ixs_reduce.spectrum import Spectrum

ON_LINE_RLU = 0.06
"""Momenta within this distance of a line count as on it."""

_SIMPLE = tuple(
    sign * Fraction(n, d) for sign in (-1, 1) for d in (1, 2, 3, 4) for n in range(d + 1)
)
_SNAP = 0.06
_FEWEST = 3
_FEWEST_IN_ROW = 4
_MANY = 60


@dataclass(frozen=True, kw_only=True)
class QLine:
    """Spectra along one line in Q, Q = origin + ξ direction, or simply against |Q|.

    Parameters
    ----------
    members : tuple of int
        Places of the spectra among those given, by rising position.
    position : (n,) array
        ξ in r.l.u., or |Q| in Å⁻¹ where the momenta lie on no line.
    name : str
        What the spectra share: an analyzer, a scan, a row of an array, or "".
    direction, origin : (3,) arrays or None
        In conventional r.l.u.; the largest component of the direction is 1 and that of the
        origin 0, so that ξ is this component of Q. None against |Q|.
    off_line_rlu : float
        Largest distance of a momentum from the line.
    others : tuple of int
        Places of spectra of the same name that lie elsewhere.
    """

    members: tuple[int, ...]
    position: FloatArray
    name: str = ""
    direction: FloatArray | None = None
    origin: FloatArray | None = None
    off_line_rlu: float = 0.0
    others: tuple[int, ...] = ()

    @property
    def label(self) -> str:
        """Label of the axis, with the constant components of Q."""
        if self.direction is None or self.origin is None:
            return "|Q| (Å⁻¹)"
        text = f"ξ (r.l.u.), Q = {self.q_text}"
        return f"{text} ± {self.off_line_rlu:.2f}" if self.off_line_rlu >= 0.015 else text

    @property
    def q_text(self) -> str:
        """Q along the line, "(5.5, 5.5, ξ)"; "|Q|" where there is no line."""
        if self.direction is None or self.origin is None:
            return "|Q|"
        parts = [_component(o, d) for o, d in zip(self.origin, self.direction, strict=True)]
        return f"({', '.join(parts)})"

    @property
    def simple(self) -> bool:
        """Whether the direction has simple rational components."""
        return self.direction is not None and all(
            any(abs(x - float(s)) < 1e-12 for s in _SIMPLE) for x in self.direction
        )

    def q_at(self, position: float) -> FloatArray | None:
        """Q (3,) in r.l.u. at a position; None against |Q|."""
        if self.direction is None or self.origin is None:
            return None
        return np.asarray(self.origin + position * self.direction)

    def position_of(self, q_hkl: FloatArray) -> FloatArray:
        """Positions (n,) of (n, 3) momenta; NaN for those that do not lie on the line.

        Against |Q| no momentum has one: the lattice is not known here.
        """
        if self.direction is None or self.origin is None:
            return np.full(len(q_hkl), np.nan)
        largest = int(np.argmax(np.abs(self.direction)))
        near = _distances(q_hkl, self.origin, self.direction) <= ON_LINE_RLU
        return np.where(near, q_hkl[:, largest], np.nan)


@dataclass(frozen=True, kw_only=True)
class QPath(QLine):
    """Fits along one line in Q.

    Parameters
    ----------
    fits : tuple of SpectrumFit
        By rising position.
    left_out : tuple of SpectrumFit
        Fits of the same name that lie elsewhere.
    """

    fits: tuple[SpectrumFit, ...]
    left_out: tuple[SpectrumFit, ...] = ()


def q_paths(fits: Sequence[SpectrumFit]) -> tuple[QPath, ...]:
    """The lines in Q on which fits lie: one for all, or one per analyzer, or per scan.

    As `q_lines` of their spectra.
    """
    lines = q_lines([fit.spectrum for fit in fits])
    return tuple(path_along(line, dict(enumerate(fits))) for line in lines)


def path_along(line: QLine, fits: Mapping[int, SpectrumFit]) -> QPath:
    """The fits of a line; members without a fit are left out.

    Parameters
    ----------
    line : QLine
    fits : mapping
        Place of a spectrum -> its fit.
    """
    fitted = [i for i, place in enumerate(line.members) if place in fits]
    return QPath(
        members=tuple(line.members[i] for i in fitted),
        position=line.position[fitted],
        name=line.name,
        direction=line.direction,
        origin=line.origin,
        off_line_rlu=line.off_line_rlu,
        others=line.others,
        fits=tuple(fits[line.members[i]] for i in fitted),
        left_out=tuple(fits[place] for place in line.others if place in fits),
    )


def q_lines(spectra: Sequence[Spectrum], *, rows: bool = False) -> tuple[QLine, ...]:
    """The lines in Q on which spectra lie: one for all, or one per analyzer, or per scan.

    The direction of a line is the first principal component of its momenta in r.l.u., made
    simple ((0, 0, 1), (1, 1/2, 0), …) where that is within 0.06. Of the two ways to divide, the one
    that puts most spectra on simple lines is taken. Spectra that lie on no line are in `others`;
    where nothing lies on a line, all go against |Q|. Spectra without Q are on no line.

    Parameters
    ----------
    spectra : sequence of Spectrum
    rows : bool
        Divide the analyzers of a scan into as many lines as they lie on (rows of an array), of
        four or more each, rather than look for one.
    """
    located = tuple(i for i, spectrum in enumerate(spectra) if spectrum.q_hkl is not None)
    if not located:
        return against_q_abs(spectra)
    whole = _line(spectra, located, "", robust=False)
    if whole is not None:
        return (whole,)
    by_scan = _rows if rows else _divided
    ways = [
        _divided(spectra, located, lambda spectrum: spectrum.analyzer or ""),
        by_scan(spectra, located, lambda spectrum: f"scan {spectrum.scan}"),
    ]
    best = max(ways, key=_worth)
    return best if best else against_q_abs(spectra)


def against_q_abs(spectra: Sequence[Spectrum]) -> tuple[QLine, ...]:
    """All spectra whose |Q| is known, by rising |Q|; nothing where there are none."""
    known = sorted(
        (spectrum.q_abs, place)
        for place, spectrum in enumerate(spectra)
        if spectrum.q_abs is not None
    )
    if not known:
        return ()
    members = tuple(place for _, place in known)
    return (QLine(members=members, position=np.array([q_abs for q_abs, _ in known])),)


def _grouped(
    spectra: Sequence[Spectrum], places: Iterable[int], name_of: Callable[[Spectrum], str]
) -> dict[str, list[int]]:
    groups: dict[str, list[int]] = {}
    for place in places:
        groups.setdefault(name_of(spectra[place]), []).append(place)
    return dict(sorted(groups.items(), key=_natural))


def _divided(
    spectra: Sequence[Spectrum], places: Iterable[int], name_of: Callable[[Spectrum], str]
) -> tuple[QLine, ...]:
    groups = _grouped(spectra, places, name_of)
    lines = (_line(spectra, group, name, robust=True) for name, group in groups.items())
    return tuple(line for line in lines if line is not None)


def _rows(
    spectra: Sequence[Spectrum], places: Iterable[int], name_of: Callable[[Spectrum], str]
) -> tuple[QLine, ...]:
    """Of each group the line through most of its momenta, then that of the rest, and so on."""
    lines = []
    for name, group in _grouped(spectra, places, name_of).items():
        rest, rows = group, []
        while (row := _fullest(spectra, rest)) is not None:
            first, last = spectra[row[0]].analyzer or "", spectra[row[-1]].analyzer or ""
            line = _line(spectra, row, f"{name}, {first}–{last}", robust=False)
            if line is not None:
                rows.append(line)
            rest = [place for place in rest if place not in row]
        lines += sorted(rows, key=lambda row: min(row.members))
    return tuple(lines)


def _fullest(spectra: Sequence[Spectrum], places: Sequence[int]) -> list[int] | None:
    """Those of some spectra that lie on the line through two of them with most on it."""
    q = np.array([spectra[place].q_hkl for place in places])
    best, closest = np.zeros(len(places), dtype=bool), np.inf
    for i, j in itertools.combinations(range(len(places)), 2):
        if np.abs(q[i] - q[j]).max() < ON_LINE_RLU:
            continue
        distance = _distances(q, q[i], q[j] - q[i])
        on = distance <= ON_LINE_RLU / 2  # a slanting line would cross two rows
        better = (on.sum(), -distance[on].sum()) > (best.sum(), -closest)
        if better:
            best, closest = on, float(distance[on].sum())
    return (
        [places[i] for i in np.flatnonzero(best).tolist()] if best.sum() >= _FEWEST_IN_ROW else None
    )


def _natural(item: tuple[str, object]) -> tuple[int, str]:
    """By the first number in a name: scan 2+3 comes before scan 4."""
    number = re.search(r"\d+", item[0])
    return (int(number.group()) if number else 0, item[0])


def _worth(lines: Iterable[QLine]) -> float:
    return sum(len(line.members) * (1.0 if line.simple else 0.3) for line in lines)


def _line(
    spectra: Sequence[Spectrum], places: Sequence[int], name: str, *, robust: bool
) -> QLine | None:
    """The line through momenta; with `robust` far ones are left out, one by one."""
    kept: list[int] = list(places)
    out: list[int] = []
    while True:
        q = np.array([spectra[place].q_hkl for place in kept])
        if robust and len(np.unique(q.round(3), axis=0)) < _FEWEST:
            return None
        direction, origin, distance = _principal(q)
        if distance.max() <= ON_LINE_RLU:
            break
        if not robust:
            return None
        out.append(kept.pop(_most_off(q)))
    position = q[:, int(np.argmax(np.abs(direction)))]
    order = np.argsort(position, kind="stable")
    return QLine(
        members=tuple(kept[i] for i in order),
        position=position[order],
        name=name,
        direction=direction,
        origin=origin,
        off_line_rlu=float(distance.max()),
        others=tuple(out),
    )


def _most_off(q: FloatArray) -> int:
    """The momentum without which the others lie closest to a line.

    Of very many simply the one farthest from the line of all: leaving out each in turn would
    take minutes.
    """
    if len(q) > _MANY:
        return int(np.argmax(_principal(q)[2]))
    return int(np.argmin([_principal(np.delete(q, i, axis=0))[2].max() for i in range(q.shape[0])]))


def _principal(q: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Direction, origin, and distances from the line of (n, 3) momenta."""
    middle = q.mean(axis=0)
    _, _, axes = np.linalg.svd(q - middle, full_matrices=False)
    direction = axes[0]
    largest = int(np.argmax(np.abs(direction).round(9)))
    exact = direction / direction[largest]
    simple = np.array([_snapped(float(x)) for x in exact])
    # A simple direction serves as long as the momenta still lie on its line.
    distance = _distances(q, middle, simple)
    if distance.max() > ON_LINE_RLU:
        simple, distance = exact, _distances(q, middle, exact)
    return simple, middle - middle[largest] * simple, distance


def _distances(q: FloatArray, middle: FloatArray, direction: FloatArray) -> FloatArray:
    unit = direction / np.linalg.norm(direction)
    offset = q - middle
    return np.asarray(np.linalg.norm(offset - np.outer(offset @ unit, unit), axis=1))


def _snapped(value: float) -> float:
    nearest = min(_SIMPLE, key=lambda s: abs(float(s) - value))
    return float(nearest) if abs(float(nearest) - value) <= _SNAP else value


def _component(origin: float, slope: float) -> str:
    """A component of Q along a path: "5.86", "ξ", "1.5 + 0.5 ξ"."""
    constant = f"{origin:.2f}".rstrip("0").rstrip(".").replace("-", "−")
    constant = "0" if constant == "−0" else constant
    if slope == 0:
        return constant
    size = "" if abs(slope) == 1 else f"{abs(slope):.2f}".rstrip("0") + " "
    sign = "−" if slope < 0 else ""
    if constant == "0":
        return f"{sign}{size}ξ"
    return f"{constant} {sign or '+'} {size}ξ"
