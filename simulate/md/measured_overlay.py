"""The simulated S(Q,E) through an analyzer's resolution, laid over its counts."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from ixs_reduce.resolution import Resolution
from simulate.md.scattering_spectrum import DynamicStructureFactor
from simulate.overlay import ElasticLine, Overlay, check_elastic, checked_columns, scale_to_counts

_POINTS_PER_FWHM = 12


class Convolved(NamedTuple):
    """S(Q,E) through a resolution, (n,) each: inelastic part and elastic line, units²/meV."""

    inelastic: FloatArray
    elastic: FloatArray


def through_resolution(
    simulated: DynamicStructureFactor,
    row: int,
    resolution: Resolution,
    energy_mev: ArrayLike,
) -> Convolved:
    """S(Q,E) ⊗ R at energies counted from the energy zero of R.

    S is taken as straight between its bins h/T. It carries its own resolution `fwhm_mev` besides.

    Parameters
    ----------
    simulated : DynamicStructureFactor
        With its quantum correction: no Bose factor is applied here.
    row : int
        Which Q.
    resolution : Resolution
        Of unit area.
    energy_mev : (n,) array

    Raises
    ------
    InputError
        The energies reach beyond those of the simulation.
    """
    energy = np.asarray(energy_mev, dtype=float)
    highest = float(simulated.energy_mev[-1])
    if not np.all(np.abs(energy) <= highest):
        raise InputError(
            "the spectrum reaches beyond the energies of the simulation",
            key="energy_mev",
            found=f"{energy.min():.4g} to {energy.max():.4g} meV",
            expected=f"±{highest:.4g} meV",
            hint="frames closer in time reach further: 2068 meV / Δt in fs",
        )
    finer = max(1, int(np.ceil(_POINTS_PER_FWHM * simulated.bin_mev / resolution.fwhm_mev)))
    bins = len(simulated.energy_mev)
    fine = np.linspace(-highest, highest, (bins - 1) * finer + 1)
    values = np.interp(fine, simulated.energy_mev, simulated.inelastic[row])
    step = simulated.bin_mev / finer
    return Convolved(
        inelastic=resolution(energy[:, None] - fine) @ values * step,
        elastic=simulated.elastic[row] * resolution(energy),
    )


def overlay_spectrum(
    energy_mev: ArrayLike,
    counts: ArrayLike,
    exposure: ArrayLike,
    simulated: DynamicStructureFactor,
    row: int,
    resolution: Resolution,
    *,
    zero_mev: float = 0.0,
    elastic: ElasticLine = "fitted",
    background: bool = True,
    background_rate: ArrayLike | None = None,
) -> Overlay:
    """Scale a simulation to the counts of an analyzer, see `scale_to_counts`.

    Parameters
    ----------
    energy_mev, counts, exposure : (n,) array
        As in `Spectrum`.
    simulated : DynamicStructureFactor
    row : int
        Which of its Q.
    resolution : Resolution
    zero_mev : float
        The analyzer's energy zero.
    elastic, background, background_rate
        As for `scale_to_counts`; the scale is counts per exposure for one unit² of S per atom.

    Raises
    ------
    InputError
        Errors of `scale_to_counts` and of `through_resolution`.
    """
    check_elastic(elastic)
    energy, y, monitor = checked_columns(energy_mev, counts, exposure)
    through = through_resolution(simulated, row, resolution, energy - zero_mev)
    return scale_to_counts(
        energy,
        y,
        monitor,
        through.inelastic,
        through.elastic,
        resolution(energy - zero_mev),
        elastic=elastic,
        background=background,
        background_rate=background_rate,
        notes=_notes(simulated, resolution),
    )


def _notes(simulated: DynamicStructureFactor, resolution: Resolution) -> tuple[str, ...]:
    notes = []
    own, measured = simulated.fwhm_mev, resolution.fwhm_mev
    if own > measured / 3:
        notes.append(
            f"the simulation's own resolution, {own:.2g} meV, is more than a third of the "
            "analyzer's and widens lines: longer segments make it narrower"
        )
    if simulated.quantum == "none":
        notes.append("the classical S(Q,E) has no detailed balance")
    return tuple(notes)
