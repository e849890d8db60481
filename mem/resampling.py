"""Reflections with other structure factors: a model's, a reconstruction's, with new noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from ixs_core.arrays import ComplexArray, IntArray
from ixs_core.crystal import Crystal
from ixs_core.errors import InputError
from mem.coarse_solution import structure_factors_of
from mem.density import Density
from mem.model_structure import structure_factors
from mem.reflections import ReflectionGroup, Reflections


def null_reflections(reflections: Reflections, anharmonic: bool = True) -> Reflections:
    """The reflections with the refined model's structure factors; σ and the rest stay.

    Raises
    ------
    InputError
        There is no structure.
    """
    crystal = refined_model(reflections)

    def model(hkl: IntArray) -> ComplexArray:
        return structure_factors(crystal, hkl, dispersion=False, anharmonic=anharmonic)

    return _with_structure_factors(reflections, model(reflections.hkl), model)


def centred_on(reflections: Reflections, density: Density) -> Reflections:
    """The reflections with the structure factors of a reconstruction; σ and the rest stay."""
    if density.report is None:
        raise ValueError("the density is not a reconstruction")
    transform = partial(structure_factors_of, density)
    return _with_structure_factors(reflections, density.report.f, transform)


def resampled(reflections: Reflections, random: np.random.Generator) -> Reflections:
    """The reflections with normal noise of standard deviation σ added along their phases."""
    amplitude = np.abs(reflections.f)
    phase = np.ones(len(amplitude), dtype=complex)
    np.divide(reflections.f, amplitude, out=phase, where=amplitude > 0)
    noise = reflections.sigma * random.standard_normal(len(amplitude))
    groups = tuple(
        replace(group, amplitude=abs(group.amplitude + group.sigma * random.standard_normal()))
        for group in reflections.groups
    )
    return replace(reflections, f=reflections.f + noise * phase, groups=groups)


def _with_structure_factors(
    reflections: Reflections, f: ComplexArray, at: Callable[[IntArray], ComplexArray]
) -> Reflections:
    groups = tuple(
        replace(group, amplitude=_group_amplitude(group, at(group.hkl)))
        for group in reflections.groups
    )
    return replace(reflections, f=f, groups=groups)


def _group_amplitude(group: ReflectionGroup, f: ComplexArray) -> float:
    weights = group.multiplicity / group.multiplicity.sum()
    return float(np.sqrt(np.sum(weights * np.abs(f) ** 2)))


def refined_model(reflections: Reflections) -> Crystal:
    """The structure of the reflections; InputError when there is none."""
    if reflections.structure is None:
        raise InputError(
            "there is no refined model to compare with",
            file=reflections.source or None,
            key="structure",
            hint="give the refinement's CIF as the structure",
        )
    return reflections.structure
