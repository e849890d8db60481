"""Which parameters of several spectra are one quantity, and how the spectra stack into one fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ixs_core.arrays import FloatArray, IntArray
from ixs_core.errors import InputError
from ixs_reduce.counts_problem import CountsProblem, counts_problem
from ixs_reduce.fitting import SpectrumFit
from ixs_reduce.spectrum_model import SpectrumModel

Members = tuple[tuple[int, str], ...]
Shared = Mapping[str, Sequence[tuple[int, str]]] | Sequence[str]


def shared_groups(shared: Shared, models: Sequence[SpectrumModel]) -> dict[str, Members]:
    """Name of each shared quantity -> (spectrum, parameter) of its members.

    shared : that mapping, or names of parameters that all spectra share.

    Raises
    ------
    InputError
        For unknown spectra or parameters, fewer than two members, or a member of two groups.
    """
    if isinstance(shared, str):
        shared = (shared,)
    if not isinstance(shared, Mapping):
        shared = {name: [(i, name) for i in range(len(models))] for name in shared}
    if not shared:
        raise InputError("nothing is shared", key="shared")
    groups = {name: tuple((int(i), str(p)) for i, p in own) for name, own in shared.items()}
    owner: dict[tuple[int, str], str] = {}
    for name, members in groups.items():
        if len(members) < 2:
            raise InputError("a shared quantity needs two members or more", key=name, found=members)
        for member in members:
            _check_member(name, member, models)
            if member in owner:
                raise InputError(
                    "a parameter is shared twice", key=name, found=f"{member}, in {owner[member]}"
                )
            owner[member] = name
    return groups


def _check_member(name: str, member: tuple[int, str], models: Sequence[SpectrumModel]) -> None:
    index, parameter = member
    if not 0 <= index < len(models):
        raise InputError(
            "no such spectrum", key=name, found=index, expected=f"0 to {len(models) - 1}"
        )
    names = models[index].parameter_names
    if parameter not in names:
        raise InputError(
            f"spectrum {index} has no such parameter",
            key=name,
            found=parameter,
            expected=", ".join(names),
        )


@dataclass(frozen=True)
class Part:
    """One spectrum of a stacked fit.

    problem : its counts and free coordinates.
    columns : (n_free,) places of its coordinates in the stacked point.
    tilt : (place of c0, place of c1) among its coordinates when background_c1 is shared and c0
        is not: then the first is the background at the lower of its two ends, so that "never
        negative" stays a box bound.
    """

    problem: CountsProblem
    columns: IntArray
    tilt: tuple[int, int] | None

    def expected(self, stacked: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Expected counts (n,) and derivatives (n_free, n) with this part's coordinates."""
        moved, edge = self._untilted(stacked[self.columns])
        expected, jacobian = self.problem.expected(moved)
        if self.tilt is not None:
            jacobian[self.tilt[1]] -= edge * jacobian[self.tilt[0]]
        return expected, jacobian

    def parameters(self, stacked: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Parameter values (n_parameters,) and derivatives (n_parameters, n_free)."""
        moved, edge = self._untilted(stacked[self.columns])
        values, slope = self.problem.coordinates.parameters(moved)
        if self.tilt is not None:
            slope = slope.copy()
            slope[:, self.tilt[1]] -= edge * slope[:, self.tilt[0]]
        return values, slope

    def point(self, values: FloatArray) -> FloatArray:
        """This part's coordinates (n_free,) at parameter values."""
        point = self.problem.coordinates.point(values).copy()
        if self.tilt is not None:
            point[self.tilt[0]] += point[self.tilt[1]] * self._lower_end(point[self.tilt[1]])
        return point

    def bounds(self) -> tuple[FloatArray, FloatArray]:
        """Bounds of this part's coordinates."""
        lower, upper = (b.copy() for b in self.problem.coordinates.bounds())
        if self.tilt is not None:
            lower[self.tilt[0]] = 0.0
        return lower, upper

    def names(self) -> list[str]:
        """Parameter at the place of each coordinate."""
        coordinates = self.problem.coordinates
        return [coordinates.names[k] for k in coordinates.free]

    def _untilted(self, point: FloatArray) -> tuple[FloatArray, float]:
        if self.tilt is None:
            return point, 0.0
        edge = self._lower_end(point[self.tilt[1]])
        moved = point.copy()
        moved[self.tilt[0]] -= edge * point[self.tilt[1]]
        return moved, edge

    def _lower_end(self, slope: float) -> float:
        """Energy of the end where a background of this slope is lowest."""
        energy = self.problem.spectrum.energy_mev
        return float(energy[0] if slope > 0 else energy[-1])


@dataclass(frozen=True)
class Stack:
    """Several spectra as one problem: shared quantities first, then each spectrum's own."""

    parts: tuple[Part, ...]
    groups: dict[str, Members]
    lower: FloatArray
    upper: FloatArray

    def expected(self, stacked: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Expected counts of all spectra end to end, and their derivatives (n_free, n)."""
        sizes = [part.problem.spectrum.counts.size for part in self.parts]
        expected = np.empty(sum(sizes))
        jacobian = np.zeros((stacked.size, expected.size))
        first = 0
        for part, size in zip(self.parts, sizes, strict=True):
            here = slice(first, first + size)
            expected[here], jacobian[part.columns, here] = part.expected(stacked)
            first += size
        return expected, jacobian

    def point(self, values: Sequence[FloatArray], shared: FloatArray) -> FloatArray:
        """Stacked point at each spectrum's parameter values and the shared values (n_groups,)."""
        stacked = np.zeros(self.lower.size)
        for part, own in zip(self.parts, values, strict=True):
            stacked[part.columns] = part.point(own)
        stacked[: shared.size] = shared
        return np.asarray(np.clip(stacked, self.lower, self.upper))


def stacked(fits: Sequence[SpectrumFit], groups: dict[str, Members]) -> Stack:
    """The stacked problem near the fits of its spectra.

    Raises
    ------
    InputError
        When a shared parameter is fixed or tied, or bounds of members exclude each other.
    """
    parts = []
    order = list(groups)
    first = len(order)
    lower, upper = [np.full(first, -np.inf)], [np.full(first, np.inf)]
    for i, fit in enumerate(fits):
        own = {p: order.index(g) for g, members in groups.items() for j, p in members if j == i}
        part, first = _part(fit, i, own, first)
        parts.append(part)
        low, high = part.bounds()
        is_shared = part.columns < len(order)
        for bound, ends, pick in ((lower, low, np.maximum), (upper, high, np.minimum)):
            place = part.columns[is_shared]
            bound[0][place] = pick(bound[0][place], ends[is_shared])
            bound.append(ends[~is_shared])
    for name, low, high in zip(order, lower[0], upper[0], strict=True):
        if low > high:
            raise InputError(
                "the bounds of the members exclude each other", key=name, found=f"{low} > {high}"
            )
    return Stack(tuple(parts), groups, np.concatenate(lower), np.concatenate(upper))


def _part(fit: SpectrumFit, index: int, shared: dict[str, int], first: int) -> tuple[Part, int]:
    """A spectrum's part; shared parameters move as themselves, others as in a single fit."""
    problem = counts_problem(fit.spectrum, fit.model, fit.start_parameters, fit.parameters)
    coordinates = problem.coordinates
    names = coordinates.names
    free = [names[k] for k in coordinates.free]
    for name in shared:
        if name not in free:
            raise InputError(
                f"{name} of spectrum {index} is fixed or tied and cannot be shared",
                hint="fix or tie it in all spectra instead",
            )
    ends = coordinates.ends_mev
    background_shared = not {"background_c0", "background_c1"}.isdisjoint(shared)
    tilt = None
    if ends is not None and background_shared:
        ends = None
        if "background_c0" not in shared:
            tilt = (free.index("background_c0"), free.index("background_c1"))
        else:
            lower = coordinates.lower.copy()
            lower[names.index("background_c0")] = 0.0
            coordinates = replace(coordinates, lower=lower)
    damped = tuple(
        m
        for m in coordinates.damped
        if {f"mode{m + 1}_energy", f"mode{m + 1}_fwhm"}.isdisjoint(shared)
    )
    problem = replace(problem, coordinates=replace(coordinates, ends_mev=ends, damped=damped))
    columns = []
    for name in free:
        columns.append(shared.get(name, first))
        first += name not in shared
    return Part(problem, np.array(columns, dtype=np.intp), tilt), first
