"""The reflections and settings of a reconstruction in the solver's terms."""

from __future__ import annotations

from dataclasses import dataclass, replace
from numbers import Real

import numpy as np
from scipy import sparse

from ixs_core.arrays import ComplexArray, FloatArray, IntArray
from ixs_core.errors import InputError
from mem.basis import Basis
from mem.density import Multipliers
from mem.entropy import Observations
from mem.penalty import Constraint
from mem.reflections import ReflectionGroup, Reflections

_UNKNOWN_DIRECTION = 1e6
"""Factor on σ of a group whose structure factors have no direction yet: it constrains nothing."""

LARGEST_POWER = 20
"""Of d in the weights: with more, one reflection alone would count."""

_OFF_PHASE = 0.05
"""Share of |F| that may be lost when a phase is set to the value that symmetry allows."""


@dataclass(frozen=True)
class Problem:
    """Data, basis and constraint of a reconstruction.

    Parameters
    ----------
    reflections : Reflections
    basis : Basis
        Of the reflections, followed by the members of the groups.
    data : Observations
    constraint : Constraint
    directions : tuple of (m,) complex arrays
        One per group: v_j with G ≈ Re Σ_j v_j* F_j.
    notes : tuple of str
    """

    reflections: Reflections
    basis: Basis
    data: Observations
    constraint: Constraint
    directions: tuple[ComplexArray, ...] = ()
    notes: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        reflections: Reflections,
        weighting: float,
        moments: dict[int, float],
        target: float,
    ) -> Problem:
        """Check the data and set the problem up.

        Raises
        ------
        InputError
            No data, numbers that are not possible, reflections that symmetry forbids or that
            are there twice, or phases against the symmetry.
        """
        _check_settings(weighting, target)
        _check(reflections)
        members = [np.asarray(group.hkl).reshape(-1, 3) for group in reflections.groups]
        basis = Basis.of(
            reflections.symmetry,
            np.concatenate([np.asarray(reflections.hkl).reshape(-1, 3), *members]),
        )
        weight = _weights(reflections, weighting)
        alone = basis.owner < len(reflections)
        groups = np.arange(len(reflections.groups)) + len(reflections)
        owner = np.concatenate([basis.owner[alone], groups])
        problem = cls(
            reflections,
            basis,
            Observations(np.empty(0), np.empty(0), owner),
            Constraint(owner, weight, moments, target),
            notes=_phase_notes(reflections, basis),
        )
        nothing = np.zeros(len(basis.hkl), complex)
        return problem.redirected(_model_values(problem, nothing))[0]

    @property
    def groups(self) -> tuple[ReflectionGroup, ...]:
        """Grouped structure factors."""
        return self.reflections.groups

    @property
    def unknowns(self) -> int:
        """Number of real multipliers."""
        return len(self.data)

    def chi2(self, residual: FloatArray) -> float:
        """Σ w |ΔF/σ|²/N of residuals (k,)."""
        return self.constraint_value(residual, 2)

    def r_factor(self, f: FloatArray) -> float:
        """Σ||F_o| - |F||/Σ|F_o| over single reflections, of means (k,) of the unknowns."""
        single = len(self.reflections)
        alone = self.data.owner < single
        owner = self.data.owner[alone]
        size, measured = (
            np.sqrt(np.bincount(owner, values[alone] ** 2, minlength=single))
            for values in (f, self.data.f)
        )
        return float(np.abs(measured - size).sum() / (measured.sum() or np.inf))

    def constraint_value(self, residual: FloatArray, order: int) -> float:
        """C_n + target = Σ w |ΔF/σ|^n/(N M_n)."""
        single = Constraint(self.data.owner, self.constraint.weight, {order: 1.0})
        return single.value(residual)

    def redirected(self, f: ComplexArray) -> tuple[Problem, float]:
        """The problem with the groups' directions from structure factors, and how far they moved.

        G = [Σ m |F|²/Σm]^{1/2} is Re Σ_j v_j* F_j for v_j = m_j F_j/(Σm G), and no smaller
        for other F. The structure factors (n,) are those of all reflections of the basis, on
        any scale.
        """
        electrons, single = self.reflections.electrons, len(self.reflections)
        measured = np.asarray(self.reflections.f, complex)
        padded = np.concatenate([measured, np.zeros(len(self.basis.hkl) - single, complex)])
        alone = self.basis.owner < single
        fo = self.basis.components(padded)[alone]
        sigma = np.asarray(self.reflections.sigma, float)[self.basis.owner[alone]]
        if not self.groups:
            data = Observations(fo / electrons, sigma / electrons, self.data.owner)
            return replace(self, data=data), 0.0
        directions = tuple(self._directions(f))
        known = np.array([direction.any() for direction in directions])
        amplitudes = np.array([group.amplitude for group in self.groups], float)
        sigmas = np.array([group.sigma for group in self.groups], float)
        sigmas = np.where(known, sigmas, sigmas * _UNKNOWN_DIRECTION)
        data = Observations(
            np.concatenate([fo, amplitudes]) / electrons,
            np.concatenate([sigma, sigmas]) / electrons,
            self.data.owner,
            self._combination(directions),
        )
        moved = max(
            (
                float(np.abs(new - old).max())
                for new, old in zip(directions, self.directions, strict=True)
            ),
            default=np.inf,
        ) if self.directions else np.inf  # fmt: skip
        return replace(self, data=data, directions=directions), moved

    def start(self, multipliers: Multipliers | None) -> FloatArray:
        """b (k,) of the multipliers of another problem: those of the same reflections."""
        if multipliers is None:
            return np.zeros(self.unknowns)
        places = {tuple(h): i for i, h in enumerate(multipliers.hkl.tolist())}
        found = [places.get(tuple(h), -1) for h in self.basis.hkl[: len(self.reflections)].tolist()]
        index = np.array(found, dtype=int)
        alpha = np.zeros(len(self.basis.hkl), complex)
        size = self.basis.orbits.size[: len(index)]
        known = index >= 0
        alpha[: len(index)][known] = multipliers.a[index[known]] * size[known]
        # Groups start from nothing: their directions are those of the density to come.
        alone = self.basis.owner < len(self.reflections)
        values = np.zeros(self.unknowns)
        values[: int(alone.sum())] = self.basis.components(alpha)[alone]
        return values * self.data.sigma

    def _directions(self, f: ComplexArray) -> list[ComplexArray]:
        first, found = len(self.reflections), []
        for group in self.groups:
            part = f[first : first + len(group.hkl)]
            share = np.asarray(group.multiplicity, float) / np.sum(group.multiplicity)
            amplitude = np.sqrt(share @ np.abs(part) ** 2)
            found.append(share * part / amplitude if amplitude > 1e-9 else np.zeros_like(part))
            first += len(group.hkl)
        return found

    def _combination(self, directions: tuple[ComplexArray, ...]) -> sparse.csr_array:
        """(functions of the basis, unknowns): a group's function is Σ_j Re(v_j* e_j)."""
        alone = int((self.basis.owner < len(self.reflections)).sum())
        matrix = sparse.lil_array((len(self.basis), alone + len(directions)))
        matrix[np.arange(alone), np.arange(alone)] = 1.0
        first = len(self.reflections)
        for number, direction in enumerate(directions):
            v = np.zeros(len(self.basis.hkl), complex)
            v[first : first + len(direction)] = direction
            for row in np.flatnonzero(self.basis.components(v)):
                matrix[row, alone + number] = self.basis.components(v)[row]
            first += len(direction)
        return sparse.csr_array(matrix)


def _check_settings(weighting: float, target: float) -> None:
    if not (isinstance(target, Real) and 0 < target < np.inf):
        raise InputError("not a target", key="target", found=target, expected="a number above 0")
    if not (isinstance(weighting, Real) and abs(weighting) <= LARGEST_POWER):
        raise InputError(
            "the weights cannot follow such a power of d",
            key="weighting",
            found=weighting,
            expected=f"a number from {-LARGEST_POWER} to {LARGEST_POWER}; 4 is usual",
        )


def _check(reflections: Reflections) -> None:
    n, groups = len(reflections), reflections.groups
    _require(n + len(groups) > 0, "hkl", "no reflections", "at least one")
    for name in ("f", "sigma"):
        values = np.asarray(getattr(reflections, name))
        _require(values.shape == (n,), name, f"shape {values.shape}", f"shape ({n},)")
        _require(bool(np.isfinite(values).all()), name, "NaN or infinity", "finite numbers")
    sigmas = [*np.asarray(reflections.sigma, float), *(group.sigma for group in groups)]
    wrong = int((~(np.array(sigmas) > 0)).sum())
    _require(wrong == 0, "sigma", f"{wrong} of {len(sigmas)} are not", "all above 0")
    for group in groups:
        size = len(np.asarray(group.hkl).reshape(-1, 3))
        shape = np.shape(group.multiplicity)
        _require(
            shape == (size,) and size > 0, "groups", f"shape {shape}", f"{size} multiplicities"
        )
        possible = np.all(np.asarray(group.multiplicity) > 0) and 0 <= group.amplitude < np.inf
        _require(bool(possible), "groups", group.amplitude, "an amplitude ≥ 0, multiplicities > 0")
    _require(0 < reflections.electrons < np.inf, "F(000)", reflections.electrons, "above 0")


def _require(holds: bool, key: str, found: object, expected: str) -> None:
    if not holds:
        raise InputError(
            "the data of the reconstruction are not possible",
            key=key,
            found=found,
            expected=expected,
        )


def _weights(reflections: Reflections, power: float) -> FloatArray:
    """(N,) d^p of every observation, of mean 1; a group's d is that of its members' mean."""
    d = [np.asarray(reflections.d_spacing, float).reshape(-1)]
    for group in reflections.groups:
        spacing = np.asarray(reflections.lattice.d_spacing(group.hkl), float)
        d.append(np.atleast_1d(np.average(spacing, weights=group.multiplicity)))
    weight = np.concatenate(d) ** power
    return np.asarray(weight / weight.mean())


def _phase_notes(reflections: Reflections, basis: Basis) -> tuple[str, ...]:
    f = np.zeros(len(basis.hkl), complex)
    f[: len(reflections)] = reflections.f
    lost = basis.off_phase(f)
    wrong: IntArray = np.flatnonzero(lost > _OFF_PHASE * np.abs(f) + 1e-6)
    beyond = [i for i in wrong if lost[i] > reflections.sigma[i]]
    if beyond:
        examples = ", ".join("({} {} {})".format(*h) for h in basis.hkl[beyond][:5].tolist())
        raise InputError(
            "phases are not those that the symmetry allows",
            key="f",
            found=f"{len(beyond)} of {len(reflections)} reflections: {examples}",
            expected="phases restricted to two values for centric reflections",
            hint="are the phases of another origin or setting?",
        )
    if not len(wrong):
        return ()
    return (f"{len(wrong)} phases of centric reflections were set to what symmetry allows",)


def _model_values(problem: Problem, nothing: ComplexArray) -> ComplexArray:
    """Structure factors of the refined model at the basis, for the groups' first directions."""
    structure = problem.reflections.structure
    if not problem.groups:
        return nothing
    if structure is not None:
        from mem.model_structure import structure_factors

        return np.asarray(structure_factors(structure, problem.basis.hkl, dispersion=False))
    if not len(problem.reflections):
        raise InputError(
            "there are grouped structure factors only, and nothing to tell their phases",
            key="groups",
            found=f"{len(problem.groups)} groups",
            expected="single reflections or a structure too",
        )
    return nothing
