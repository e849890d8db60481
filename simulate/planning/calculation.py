"""What a plan needs to know of the phonons: structure factors, from whatever model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from ixs_core.arrays import FloatArray, IntArray
from simulate.phonons.modes import ModeStructureFactor

if TYPE_CHECKING:
    from simulate.phonons.model import PhononModel

_ORDER = 2
"""Gauss points per direction of a window: mean and variance are exact for straight branches."""


class ZoneStructureFactor(Protocol):
    """Structure factors at q + G: energy_mev, group (nq, ns); intensity (nq, ng, ns) in e²."""

    @property
    def energy_mev(self) -> FloatArray:
        """(nq, ns), signed, ascending."""
        ...

    @property
    def intensity(self) -> FloatArray:
        """(nq, ng, ns), e² per primitive cell."""
        ...

    @property
    def group(self) -> IntArray:
        """(nq, ns) equal numbers for degenerate modes."""
        ...


class WindowAverage(Protocol):
    """Modes averaged over windows: lines as `ModeStructureFactor`, spread_mev (n, ns)."""

    @property
    def lines(self) -> ModeStructureFactor:
        """Mean energies and intensities; branches and groups of the centres."""
        ...

    @property
    def spread_mev(self) -> FloatArray:
        """(n, ns) standard deviation of the energies over the windows."""
        ...


class Calculation(Protocol):
    """A phonon calculation, such as `PhononCalculation`."""

    def structure_factor(self, q_hkl: FloatArray, temperature_k: float) -> ModeStructureFactor:
        """Energies and intensities of all modes at (nq, 3) momenta in r.l.u."""
        ...

    def structure_factor_grid(
        self, q_hkl: FloatArray, g_hkl: FloatArray, temperature_k: float
    ) -> ZoneStructureFactor:
        """The same at every q (nq, 3) + G (ng, 3), with the modes of each q solved once."""
        ...

    def window_average(
        self,
        q_hkl: FloatArray,
        dq_horizontal: FloatArray,
        dq_vertical: FloatArray,
        temperature_k: float,
    ) -> WindowAverage:
        """Modes averaged over windows of full widths dq (n, 3) around (n, 3) momenta."""
        ...


@dataclass(frozen=True)
class PhononCalculation:
    """A `PhononModel` with the choices that go into its structure factors.

    Parameters
    ----------
    model : PhononModel
    options : mapping
        form_factor, debye_waller, table, energy_kev as for `PhononModel.structure_factor`.
    """

    model: PhononModel
    options: Mapping[str, Any] = field(default_factory=dict)

    def structure_factor(self, q_hkl: FloatArray, temperature_k: float) -> ModeStructureFactor:
        """As `PhononModel.structure_factor`."""
        return self.model.structure_factor(q_hkl, temperature_k, **self.options)

    def structure_factor_grid(
        self, q_hkl: FloatArray, g_hkl: FloatArray, temperature_k: float
    ) -> ZoneStructureFactor:
        """As `PhononModel.structure_factor_grid`."""
        return self.model.structure_factor_grid(q_hkl, g_hkl, temperature_k, **self.options)

    def window_average(
        self,
        q_hkl: FloatArray,
        dq_horizontal: FloatArray,
        dq_vertical: FloatArray,
        temperature_k: float,
    ) -> WindowAverage:
        """As `simulate.phonons.acceptance.average_over_windows`, modes told by eigenvectors."""
        from simulate.phonons.acceptance import average_over_windows

        return average_over_windows(
            self.model,
            q_hkl,
            dq_horizontal,
            dq_vertical,
            temperature_k,
            order=_ORDER,
            **self.options,
        )
