"""A crystal's phonons as x-rays see them: the object that scripts, planner and fits start from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from ixs_core.arrays import FloatArray
from ixs_core.crystal import Crystal
from ixs_core.errors import InputError
from ixs_core.lattice import Lattice
from ixs_core.scattering_factors import TableName
from ixs_reduce.resolution import Resolution
from simulate.phonons.crystal_displacements import crystal_debye_waller
from simulate.phonons.debye_waller import (
    DebyeWaller,
    ImaginaryModes,
    no_debye_waller,
    phonon_debye_waller,
)
from simulate.phonons.dynamical_matrix import DynamicalMatrix
from simulate.phonons.force_constants import ForceConstants
from simulate.phonons.group_velocity import group_velocities
from simulate.phonons.loading import load_force_constants
from simulate.phonons.modes import Modes, ModeStructureFactor
from simulate.phonons.scatterers import FormFactor, Scatterers, choose_scatterers
from simulate.phonons.spectra import Linewidth, line_spectra
from simulate.phonons.structure_factor import (
    StructureFactorGrid,
    as_points,
    structure_factor,
    structure_factor_grid,
    structure_factor_of,
)
from simulate.phonons.thermal_displacements import TOLERANCE

DebyeWallerChoice = Literal["phonon", "none"] | DebyeWaller | Crystal
"""Displacements from the phonons at the temperature, none, those given, or a CIF's U_ij."""


@dataclass(frozen=True)
class PhononModel:
    """Phonons of a crystal, and the x-ray scattering from them.

    hkl always count in the conventional cell (`lattice`). Made by `load`, or by `of` from force
    constants in memory.

    Parameters
    ----------
    force_constants : ForceConstants
    dynamical_matrix : DynamicalMatrix
        Prepared from the same.
    """

    force_constants: ForceConstants
    dynamical_matrix: DynamicalMatrix
    _displacements: dict[Any, DebyeWaller] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def load(
        cls, path: str | Path, born: str | Path | None = None, nac: bool = True, **options: Any
    ) -> PhononModel:
        """The phonons of a force-constant file.

        Parameters
        ----------
        path : path
            A file that `simulate.phonons.loading.load_force_constants` reads.
        born : path, optional
            BORN file with effective charges and dielectric tensor.
        nac : bool
            False leaves out the long-range dipole term even where charges are known.
        options
            Further options of `load_force_constants`, such as `conventional`.

        Raises
        ------
        InputError
            As `load_force_constants` does.
        """
        return cls.of(load_force_constants(path, born, nac, **options))

    @classmethod
    def of(cls, force_constants: ForceConstants) -> PhononModel:
        """The phonons of force constants in memory."""
        return cls(force_constants, DynamicalMatrix.of(force_constants))

    @property
    def lattice(self) -> Lattice:
        """The conventional cell."""
        return self.force_constants.lattice

    @property
    def n_modes(self) -> int:
        """Number of branches."""
        return self.force_constants.n_modes

    def modes(self, q_hkl: ArrayLike, direction: ArrayLike | None = None) -> Modes:
        """Energies and eigenvectors.

        Parameters
        ----------
        q_hkl : (nq, 3) or (3,) array
            r.l.u.
        direction : (3,) array, optional
            r.l.u.; from where exact Γ points are approached (LO-TO splitting). Without it they
            get the analytic part alone.

        Raises
        ------
        InputError
            The momenta are not finite triples.
        """
        q = as_points(q_hkl, "q_hkl")
        energy, eigenvectors = self.dynamical_matrix.modes(
            self.force_constants.q_primitive(q), direction=self._direction(direction)
        )
        return Modes(q, energy, eigenvectors)

    def group_velocities(self, q_hkl: ArrayLike, direction: ArrayLike | None = None) -> FloatArray:
        """(nq, ns, 3) dE/dQ/ħ in km/s, in the Cartesian frame of the force constants' vectors.

        `direction` (3,) in r.l.u.: along which degenerate modes are told apart. NaN for acoustic
        modes at Γ.
        """
        q = self.force_constants.q_primitive(as_points(q_hkl, "q_hkl"))
        return group_velocities(self.dynamical_matrix, q, self._direction(direction))

    def debye_waller(
        self,
        temperature_k: float,
        mesh: Sequence[int] | None = None,
        *,
        tolerance: float = TOLERANCE,
        imaginary: ImaginaryModes = "refuse",
    ) -> DebyeWaller:
        """Thermal displacements of the harmonic crystal, kept for the next call.

        Parameters and errors as for `simulate.phonons.debye_waller.phonon_debye_waller`.
        """
        key = (float(temperature_k), None if mesh is None else tuple(mesh), tolerance, imaginary)
        if key not in self._displacements:
            self._displacements[key] = phonon_debye_waller(
                self.dynamical_matrix,
                self.force_constants,
                temperature_k,
                mesh,
                tolerance=tolerance,
                imaginary=imaginary,
            )
        return self._displacements[key]

    def structure_factor(
        self,
        q_hkl: ArrayLike,
        temperature_k: float,
        form_factor: FormFactor = "xray",
        debye_waller: DebyeWallerChoice = "phonon",
        *,
        table: TableName = "waasmaier-kirfel",
        energy_kev: float | None = None,
        direction: ArrayLike | None = None,
    ) -> ModeStructureFactor:
        """I_s of every mode, in e² per primitive cell, without Bose and polarisation factor.

        Parameters
        ----------
        q_hkl : (nq, 3) or (3,) array
            r.l.u.
        temperature_k : float
        form_factor : "xray" or mapping
            Neutral atoms, or ions such as {"Cs": "Cs1+"}: see `choose_scatterers`.
        debye_waller : "phonon", "none", DebyeWaller or Crystal
            A `DebyeWaller` or `Crystal` is taken as it is, at whatever temperature it was made.
        table : "waasmaier-kirfel" or "it92"
            Whose f0.
        energy_kev : float, optional
            Photon energy for f' + i f''.
        direction : (3,) array, optional
            As for `modes`.

        Raises
        ------
        InputError
            Momenta that are not finite triples, unknown ions, and imaginary modes with
            debye_waller="phonon".
        """
        return structure_factor(
            self.dynamical_matrix,
            self.force_constants,
            as_points(q_hkl, "q_hkl"),
            self.scatterers(form_factor, table, energy_kev),
            self.choose_debye_waller(debye_waller, temperature_k),
            temperature_k,
            self._direction(direction),
        )

    def structure_factor_of(
        self,
        modes: Modes,
        temperature_k: float,
        form_factor: FormFactor = "xray",
        debye_waller: DebyeWallerChoice = "phonon",
        *,
        table: TableName = "waasmaier-kirfel",
        energy_kev: float | None = None,
    ) -> ModeStructureFactor:
        """I_s of modes that `modes` has solved; else as for `structure_factor`."""
        return structure_factor_of(
            self.force_constants,
            modes,
            self.scatterers(form_factor, table, energy_kev),
            self.choose_debye_waller(debye_waller, temperature_k),
            temperature_k,
        )

    def structure_factor_grid(
        self,
        q_hkl: ArrayLike,
        g_hkl: ArrayLike,
        temperature_k: float,
        form_factor: FormFactor = "xray",
        debye_waller: DebyeWallerChoice = "phonon",
        *,
        table: TableName = "waasmaier-kirfel",
        energy_kev: float | None = None,
        direction: ArrayLike | None = None,
    ) -> StructureFactorGrid:
        """I_s at all q + G, solving for each q once: the planner's way through many zones.

        Parameters
        ----------
        q_hkl : (nq, 3) or (3,) array
        g_hkl : (ng, 3) or (3,) array
            Reciprocal lattice vectors, r.l.u.

        Other parameters and errors as for `structure_factor`.
        """
        return structure_factor_grid(
            self.dynamical_matrix,
            self.force_constants,
            as_points(q_hkl, "q_hkl"),
            as_points(g_hkl, "g_hkl"),
            self.scatterers(form_factor, table, energy_kev),
            self.choose_debye_waller(debye_waller, temperature_k),
            temperature_k,
            self._direction(direction),
        )

    def spectrum(
        self,
        q_hkl: ArrayLike,
        energy_mev: ArrayLike,
        resolution: Resolution | Sequence[Resolution],
        linewidth: Linewidth = 0.0,
        temperature_k: float = 300.0,
        *,
        elastic: ArrayLike = 0.0,
        **options: Any,
    ) -> FloatArray:
        """S(Q,E) through the resolution, (nq, n) in e²/meV per primitive cell.

        Parameters
        ----------
        q_hkl, energy_mev, resolution, linewidth, elastic
            As for `simulate.phonons.spectra.line_spectra`.
        temperature_k, options
            As for `structure_factor`.
        """
        lines = self.structure_factor(q_hkl, temperature_k, **options)
        return line_spectra(lines, energy_mev, resolution, linewidth, elastic)

    def scatterers(
        self,
        form_factor: FormFactor = "xray",
        table: TableName = "waasmaier-kirfel",
        energy_kev: float | None = None,
    ) -> Scatterers:
        """Which form factor each atom scatters with; errors as for `choose_scatterers`."""
        return choose_scatterers(self.force_constants.symbols, form_factor, table, energy_kev)

    def choose_debye_waller(self, choice: DebyeWallerChoice, temperature_k: float) -> DebyeWaller:
        """The displacements that a choice stands for.

        Raises
        ------
        InputError
            An unknown choice, a crystal that is another one, or imaginary modes with "phonon".
        """
        if isinstance(choice, DebyeWaller):
            return choice
        if isinstance(choice, Crystal):
            return crystal_debye_waller(choice, self.force_constants)
        if choice == "none":
            return no_debye_waller(len(self.force_constants.symbols))
        if choice == "phonon":
            return self.debye_waller(temperature_k)
        raise InputError(
            "unknown Debye-Waller factor",
            key="debye_waller",
            found=choice,
            expected='"phonon", "none", a DebyeWaller or a Crystal',
        )

    def _direction(self, direction: ArrayLike | None) -> FloatArray | None:
        if direction is None:
            return None
        return self.force_constants.q_primitive(np.asarray(direction, dtype=float))
