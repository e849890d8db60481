"""Where measured momenta lie: lines in Q along which fitted modes make a dispersion."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_reduce.fitting import SpectrumFit

ON_LINE_RLU = 0.06
"""Momenta within this distance of a line count as on it."""

_SIMPLE = tuple(
    sign * Fraction(n, d) for sign in (-1, 1) for d in (1, 2, 3, 4) for n in range(d + 1)
)
_SNAP = 0.06
_FEWEST = 3


@dataclass(frozen=True)
class QPath:
    """Fits along one line in Q, Q = origin + ξ direction, or simply against |Q|.

    Parameters
    ----------
    fits : tuple of SpectrumFit
        By rising position.
    position : (n,) array
        ξ in r.l.u., or |Q| in Å⁻¹ where the momenta lie on no line.
    name : str
        What the fits share: an analyzer, a scan, or "".
    direction, origin : (3,) arrays or None
        In conventional r.l.u.; the largest component of the direction is 1 and that of the
        origin 0, so that ξ is this component of Q. None against |Q|.
    off_line_rlu : float
        Largest distance of a momentum from the line.
    left_out : tuple of SpectrumFit
        Fits of the same name that lie elsewhere.
    """

    fits: tuple[SpectrumFit, ...]
    position: FloatArray
    name: str = ""
    direction: FloatArray | None = None
    origin: FloatArray | None = None
    off_line_rlu: float = 0.0
    left_out: tuple[SpectrumFit, ...] = ()

    @property
    def label(self) -> str:
        """Label of the axis, with the constant components of Q."""
        if self.direction is None or self.origin is None:
            return "|Q| (Å⁻¹)"
        parts = [_component(o, d) for o, d in zip(self.origin, self.direction, strict=True)]
        text = f"ξ (r.l.u.), Q = ({', '.join(parts)})"
        return f"{text} ± {self.off_line_rlu:.2f}" if self.off_line_rlu >= 0.015 else text

    @property
    def simple(self) -> bool:
        """Whether the direction has simple rational components."""
        return self.direction is not None and all(
            any(abs(x - float(s)) < 1e-12 for s in _SIMPLE) for x in self.direction
        )


def q_paths(fits: Sequence[SpectrumFit]) -> tuple[QPath, ...]:
    """The lines in Q on which fits lie: one for all, or one per analyzer, or per scan.

    The direction of a line is the first principal component of its momenta in r.l.u., made
    simple ((0, 0, 1), (1, 1/2, 0), …) where that is within 0.06. Of the two ways to divide, the one
    that puts most fits on simple lines is taken. Fits that lie on no line are in `left_out`;
    where nothing lies on a line, all fits go against |Q|. Fits without Q are in no path.
    """
    located = [fit for fit in fits if fit.spectrum.q_hkl is not None]
    if not located:
        return _against_q_abs(fits)
    whole = _line(located, "", robust=False)
    if whole is not None:
        return (whole,)
    ways = [
        _divided(located, lambda fit: fit.spectrum.analyzer or ""),
        _divided(located, lambda fit: f"scan {fit.spectrum.scan}"),
    ]
    best = max(ways, key=_worth)
    return best if best else _against_q_abs(fits)


def _divided(
    fits: Sequence[SpectrumFit], name_of: Callable[[SpectrumFit], str]
) -> tuple[QPath, ...]:
    groups: dict[str, list[SpectrumFit]] = {}
    for fit in fits:
        groups.setdefault(name_of(fit), []).append(fit)
    lines = ((name, _line(group, name, robust=True)) for name, group in groups.items())
    return tuple(path for _, path in sorted(lines, key=_natural) if path is not None)


def _natural(item: tuple[str, object]) -> tuple[int, str]:
    digits = "".join(c for c in item[0] if c.isdigit())
    return (int(digits) if digits else 0, item[0])


def _worth(paths: Iterable[QPath]) -> float:
    return sum(len(path.fits) * (1.0 if path.simple else 0.3) for path in paths)


def _against_q_abs(fits: Sequence[SpectrumFit]) -> tuple[QPath, ...]:
    known = sorted(
        (fit for fit in fits if fit.spectrum.q_abs is not None), key=lambda f: f.spectrum.q_abs or 0
    )
    if not known:
        return ()
    return (QPath(tuple(known), np.array([fit.spectrum.q_abs or 0.0 for fit in known])),)


def _line(fits: Sequence[SpectrumFit], name: str, *, robust: bool) -> QPath | None:
    """The line through momenta; with `robust` far ones are left out, one by one."""
    kept, out = list(fits), []
    while True:
        q = np.array([fit.spectrum.q_hkl for fit in kept])
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
    return QPath(
        fits=tuple(kept[i] for i in order),
        position=position[order],
        name=name,
        direction=direction,
        origin=origin,
        off_line_rlu=float(distance.max()),
        left_out=tuple(out),
    )


def _most_off(q: FloatArray) -> int:
    """The momentum without which the others lie closest to a line."""
    return int(np.argmin([_principal(np.delete(q, i, axis=0))[2].max() for i in range(q.shape[0])]))


def _principal(q: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Direction, origin, and distances from the line of (n, 3) momenta."""
    middle = q.mean(axis=0)
    _, _, axes = np.linalg.svd(q - middle, full_matrices=True)
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
