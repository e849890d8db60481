"""The model of one spectrum: modes, elastic and quasi-elastic line, background, through R."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Integral
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from ixs_reduce.convolution import (
    ConvolutionPlan,
    Lines,
    convolved_oscillators,
    convolved_quasielastic,
    plan_convolution,
)
from ixs_reduce.line_sets import (
    SINGLE,
    FoldedLine,
    LinePattern,
    Member,
    checked_folded,
    checked_members,
)
from ixs_reduce.lineshape import thermal_energy
from ixs_reduce.resolution import Resolution

if TYPE_CHECKING:
    import lmfit

Background = Literal["linear", "constant", "none"]
BACKGROUND_TERMS = {"linear": 2, "constant": 1, "none": 0}


@dataclass(frozen=True)
class SpectrumModel:
    """Expected intensity of one analyzer per unit exposure.

    I(E) = Σ_m A_m [DHO(W_m, G_m) ∗ R](E - zero) + elastic R(E - zero)
    + qe_amplitude [QE(Γ) ∗ R](E - zero) + folded_scale Σ_f a_f [DHO(W_f, G_f) ∗ R](E - zero)
    + c0 + c1 E, with E the energy of the file.

    Parameters
    ----------
    resolution : Resolution
    temperature_k : float
        Sample temperature, K.
    modes : int or sequence of float
        Number of modes, or their start energies in meV.
    elastic, quasielastic : bool
        Whether there is an elastic line, a quasi-elastic line.
    background : "linear", "constant" or "none"
    folded : sequence of (energy_mev, fwhm_mev, amplitude[, branch])
        Weak modes of fixed energies, widths and relative amplitudes, one term together: only
        its scale is a parameter.
    members : sequence (n_modes) of sequences of (energy_ratio, share[, fwhm_ratio])
        Modes that are several unresolved lines: the lines lie at energy_ratio × the mode's
        energy, have fwhm_ratio (1) × its width, and share its amplitude. Default: every mode
        is one line.

    Raises
    ------
    InputError
        For an unusable temperature, a negative number of modes, an unknown background, folded
        modes that are no lines.
    """

    resolution: Resolution
    temperature_k: float
    modes: int | Sequence[float] = 3
    elastic: bool = True
    quasielastic: bool = False
    background: Background = "linear"
    folded: Sequence[FoldedLine | tuple[float, float, float]] = ()
    members: Sequence[Sequence[Member | tuple[float, ...]]] = ()

    def __post_init__(self) -> None:
        thermal_energy(self.temperature_k)
        if isinstance(self.modes, int | Integral):
            if isinstance(self.modes, bool) or self.modes < 0:
                raise InputError("not a number of modes", key="modes", found=self.modes)
            object.__setattr__(self, "modes", int(self.modes))
        else:
            energies = tuple(float(e) for e in self.modes)
            if not all(0 < e < float("inf") for e in energies):
                raise InputError(
                    "the start energies of the modes are not positive", key="modes", found=energies
                )
            object.__setattr__(self, "modes", energies)
        if self.background not in BACKGROUND_TERMS:
            raise InputError(
                "unknown background",
                key="background",
                found=self.background,
                expected='"linear", "constant" or "none"',
            )
        object.__setattr__(self, "folded", checked_folded(self.folded))
        object.__setattr__(self, "members", checked_members(self.members, self.n_modes))

    @property
    def folded_lines(self) -> tuple[FoldedLine, ...]:
        """The folded modes, their numbers by name."""
        return checked_folded(self.folded)

    @property
    def line_pattern(self) -> LinePattern | None:
        """The lines of all modes and of the folded ones; None where each mode is one line."""
        if not self.folded and not self.members:
            return None
        members = checked_members(self.members, self.n_modes) or (SINGLE,) * self.n_modes
        return LinePattern.of(members, self.folded_lines)

    @property
    def n_modes(self) -> int:
        """Number of modes."""
        return self.modes if isinstance(self.modes, int) else len(self.modes)

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """Names in the order of parameter vectors, covariances and Jacobians."""
        names = [
            f"mode{i + 1}_{quantity}"
            for i in range(self.n_modes)
            for quantity in ("energy", "fwhm", "amplitude")
        ]
        if self.elastic:
            names.append("elastic")
        if self.quasielastic:
            names += ["qe_amplitude", "qe_fwhm"]
        if self.folded:
            names.append("folded_scale")
        names += ["background_c0", "background_c1"][: BACKGROUND_TERMS[self.background]]
        return (*names, "zero")

    def parameters(
        self, start: Sequence[float] | lmfit.Parameters | None = None
    ) -> lmfit.Parameters:
        """`lmfit.Parameters` of the model, with its physical bounds.

        Parameters
        ----------
        start : sequence of n_modes floats, or lmfit.Parameters, optional
            Start energies of the modes in meV; default those given as `modes`, or evenly
            spaced ones. `fit_spectrum` finds better ones from the data. Full parameters come
            back as a copy.

        Raises
        ------
        InputError
            When `start` has another length than the modes, or an energy is not positive; when
            parameters are missing.
        """
        import lmfit

        if isinstance(start, lmfit.Parameters):
            self.vector(start)
            return start.copy()
        energies = self.start_energies(start)
        if not self.members:  # otherwise each energy belongs to its own members
            energies = sorted(energies)
        width = self.resolution.fwhm_mev
        parameters = lmfit.Parameters()
        for i, energy in enumerate(energies):
            parameters.add(f"mode{i + 1}_energy", energy, min=LOWEST_ENERGY)
            parameters.add(f"mode{i + 1}_fwhm", 0.5 * width, min=0.0)
            parameters.add(f"mode{i + 1}_amplitude", 1.0, min=0.0)
        if self.elastic:
            parameters.add("elastic", 1.0, min=0.0)
        if self.quasielastic:
            parameters.add("qe_amplitude", 1.0, min=0.0)
            parameters.add("qe_fwhm", 2 * width, min=LOWEST_WIDTH)
        if self.folded:
            parameters.add("folded_scale", 1.0, min=0.0)
        for name in ("background_c0", "background_c1")[: BACKGROUND_TERMS[self.background]]:
            parameters.add(name, 0.0)
        parameters.add("zero", 0.0)
        return parameters

    def start_energies(self, start: Sequence[float] | None = None) -> list[float]:
        """Start energies (meV): those given, those of `modes`, or evenly spaced ones."""
        if start is None:
            if not isinstance(self.modes, int):
                return list(self.modes)
            return [4.0 * (i + 1) for i in range(self.modes)]
        energies = [float(e) for e in start]
        if len(energies) != self.n_modes or any(not e > 0 for e in energies):
            raise InputError(
                "start energies do not fit the modes",
                key="start",
                found=energies,
                expected=f"{self.n_modes} positive energies in meV",
            )
        return energies

    def vector(self, parameters: Mapping[str, Any]) -> FloatArray:
        """Values in the order of `parameter_names`, from `lmfit.Parameters` or a mapping."""
        missing = [name for name in self.parameter_names if name not in parameters]
        if missing:
            raise InputError("parameters are missing", key=", ".join(missing))
        given = [parameters[name] for name in self.parameter_names]
        values = np.array([float(getattr(v, "value", v)) for v in given])
        for name, value in zip(self.parameter_names, values, strict=True):
            if not np.isfinite(value):
                raise InputError("the parameter is not a finite number", key=name, found=value)
        return values

    def evaluate(self, parameters: Mapping[str, Any], energy_mev: ArrayLike) -> FloatArray:
        """Expected intensity per unit exposure at energies of the file (meV, any shape)."""
        energy = np.asarray(energy_mev, dtype=float)
        prepared = self.prepare(energy.ravel())
        return prepared(self.vector(parameters))[0].reshape(energy.shape)

    def components(
        self, parameters: Mapping[str, Any], energy_mev: ArrayLike
    ) -> dict[str, FloatArray]:
        """Each term of the sum by name: mode1 …, elastic, quasielastic, folded, background."""
        energy = np.asarray(energy_mev, dtype=float)
        return self.prepare(energy).terms(self.vector(parameters))

    def prepare(self, energy_mev: FloatArray) -> PreparedModel:
        """The model at fixed energies, for repeated evaluation with derivatives."""
        return PreparedModel(self, energy_mev, plan_convolution(self.resolution, energy_mev))


LOWEST_ENERGY = 0.05
"""Lower bound of mode energies in meV: below it a mode is part of the elastic line."""

LOWEST_WIDTH = 1e-3
"""Lower bound of the quasi-elastic FWHM in meV: below it the line is elastic."""


@dataclass(frozen=True)
class PreparedModel:
    """A `SpectrumModel` at fixed energies: values and Jacobian from a parameter vector."""

    model: SpectrumModel
    energy_mev: FloatArray
    plan: ConvolutionPlan
    kt: float = field(init=False)
    lines: LinePattern | None = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "kt", thermal_energy(self.model.temperature_k))
        object.__setattr__(self, "lines", self.model.line_pattern)

    def __call__(self, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Intensity (n,) and its derivatives (n_parameters, n) at a parameter vector."""
        jacobian = np.zeros((theta.size, self.energy_mev.size))
        value, by_shift = self._modes(theta, jacobian)
        position = 3 * self.model.n_modes
        if self.model.elastic:
            shape, slope = self._elastic_shape(theta[-1])
            jacobian[position] = shape
            value += theta[position] * shape
            by_shift -= theta[position] * slope
            position += 1
        if self.model.quasielastic:
            amplitude, fwhm = theta[position : position + 2]
            line = convolved_quasielastic(self.plan, theta[-1], fwhm, self.kt)
            jacobian[position] = self.plan.finish(line.value[0])
            jacobian[position + 1] = amplitude * self.plan.finish(line.by_fwhm[0])
            value += amplitude * jacobian[position]
            by_shift += amplitude * self.plan.finish(line.by_shift[0])
            position += 2
        position += bool(self.model.folded)
        for power in range(BACKGROUND_TERMS[self.model.background]):
            jacobian[position] = self.energy_mev**power
            value += theta[position] * jacobian[position]
            position += 1
        jacobian[-1] = by_shift
        return value, jacobian

    def terms(self, theta: FloatArray) -> dict[str, FloatArray]:
        """The terms of the sum by name."""
        _, jacobian = self(theta)
        names = self.model.parameter_names
        terms = {}
        background = np.zeros(self.energy_mev.size)
        for i, name in enumerate(names):
            if name.endswith(("amplitude", "scale")) or name == "elastic":
                term = _TERM_NAMES.get(name, name.removesuffix("_amplitude"))
                terms[term] = theta[i] * jacobian[i]
            elif name.startswith("background"):
                background = background + theta[i] * jacobian[i]
        if self.model.background != "none":
            terms["background"] = background
        return terms

    def _modes(self, theta: FloatArray, jacobian: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Sum of the modes, folded ones too, and its derivative with the zero.

        Fills their rows of the Jacobian.
        """
        n = self.model.n_modes
        if n == 0 and not self.model.folded:
            return np.zeros(self.energy_mev.size), np.zeros(self.energy_mev.size)
        energy, fwhm, amplitude = theta[: 3 * n].reshape(n, 3).T
        lines = self._lines(theta[-1], energy, fwhm)
        value = self.plan.finish(lines.value)
        jacobian[0 : 3 * n : 3] = amplitude[:, None] * self.plan.finish(lines.by_energy[:n])
        jacobian[1 : 3 * n : 3] = amplitude[:, None] * self.plan.finish(lines.by_fwhm[:n])
        jacobian[2 : 3 * n : 3] = value[:n]
        if self.model.folded:
            scale = self.model.parameter_names.index("folded_scale")
            jacobian[scale] = value[n]
            amplitude = np.append(amplitude, theta[scale])
        return amplitude @ value, self.plan.finish(amplitude @ lines.by_shift)

    def _lines(self, zero: float, energy: FloatArray, fwhm: FloatArray) -> Lines:
        """Each mode with amplitude 1, its members together; the folded modes as one more row."""
        if self.lines is None:
            return convolved_oscillators(self.plan, zero, energy, fwhm, self.kt)
        lines = self.lines
        own = convolved_oscillators(
            self.plan, zero, lines.energies(energy), lines.widths(fwhm), self.kt
        )
        return Lines(
            lines.share @ own.value,
            (lines.share * lines.ratio) @ own.by_energy,
            (lines.share * lines.fwhm_ratio) @ own.by_fwhm,
            lines.share @ own.by_shift,
        )

    def _elastic_shape(self, zero: float) -> tuple[FloatArray, FloatArray]:
        """R(E - zero) and its derivative with E, consistent with the plan of a numeric R."""
        value = np.zeros(self.plan.energy_mev.size)
        slope = np.zeros(self.plan.energy_mev.size)
        for component in self.plan.components:
            part, part_slope = component.density(self.plan.energy_mev - zero)
            value += part
            slope += part_slope
        return self.plan.finish(value), self.plan.finish(slope)


_TERM_NAMES = {"qe_amplitude": "quasielastic", "folded_scale": "folded"}
