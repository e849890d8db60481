"""One-phonon scattering of force constants at the Q and in the units of a simulation.

What a simulation scatters beyond it is multi-phonon and anharmonic; both are absolute, so that
no scale stands between them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from ixs_reduce.resolution import Resolution
from simulate.md.scattering_spectrum import DynamicStructureFactor

if TYPE_CHECKING:
    from simulate.phonons.model import PhononModel
    from simulate.phonons.spectra import Linewidth


@dataclass(frozen=True)
class PhononCurves:
    """S(Q,E) of phonons on the axis of a simulation, E > 0 energy loss.

    Parameters
    ----------
    energy_mev : (ne,) array
    inelastic : (nq, ne) array
        e²/meV per atom, with the simulation's resolution.
    q_hkl : (nq, 3) array
    source : str
        What the phonons are of.
    fwhm_mev : float
        Of that resolution, as a Gaussian.
    imaginary : int
        Modes that were left out.
    """

    energy_mev: FloatArray
    inelastic: FloatArray
    q_hkl: FloatArray
    source: str
    fwhm_mev: float
    imaginary: int


def phonon_curves(
    simulated: DynamicStructureFactor,
    model: PhononModel,
    source: str,
    linewidth: Linewidth = 0.0,
    **options: Any,
) -> PhononCurves:
    """Phonons at the commensurate Q and the temperature of a simulation.

    Parameters
    ----------
    simulated : DynamicStructureFactor
        With x-ray weights and a temperature.
    model : PhononModel
    source : str
    linewidth : Linewidth
        FWHM in meV besides the simulation's resolution.
    options
        As for `PhononModel.structure_factor`; give the ions of the simulation as `form_factor`.

    Raises
    ------
    InputError
        Other weights, no temperature; errors of `structure_factor` and `line_spectra`.
    """
    from simulate.phonons.spectra import line_spectra

    if simulated.weights != "xray" or simulated.temperature_k is None:
        raise InputError(
            "phonons are compared by their x-ray scattering at a temperature",
            found=f"weights {simulated.weights}, temperature {simulated.temperature_k}",
            expected="x-ray weights and kelvin",
        )
    lines = model.structure_factor(simulated.q_hkl, simulated.temperature_k, **options)
    own = Resolution.from_components([("gaussian", 1.0, 0.0, simulated.fwhm_mev)])
    spectra = line_spectra(lines, simulated.energy_mev, own, linewidth)
    return PhononCurves(
        energy_mev=simulated.energy_mev,
        inelastic=spectra / len(model.force_constants.symbols),
        q_hkl=simulated.q_hkl,
        source=source,
        fwhm_mev=simulated.fwhm_mev,
        imaginary=int(lines.imaginary.sum()),
    )
