"""Rates to expect: from calculated intensities to counts per second in an analyzer.

rate(E) = C ε P L [S ∗ R](E) + elastic + background, with S in e²/meV per primitive cell and

- C, counts per second for one e²/meV, the `Calibration`: flux × r_e² × cells per area × solid
  angle of an analyzer × its reflectivity and bandwidth × what the sample lets through;
- ε the efficiency of the analyzer, P the polarisation factor of a horizontal beam, L the longer
  path through the plate at larger tth.

**The absolute rate is uncertain** by a factor of about 3: flux at the sample, reflectivity of the
analyzers, mosaic and shape of the crystal are rarely known better. All modes share the factor,
so hours scale with it and ranks hardly move (only through the constant background). After the first
scan `measured_calibration` replaces the estimate.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from ixs_core import units
from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from ixs_reduce.resolution import Resolution
from simulate.phonons.polarisation import polarisation_factor

if TYPE_CHECKING:
    from ixs_core.experiment import Experiment
    from ixs_reduce.instrument import Instrument
    from simulate.phonons.spectra import Linewidth
    from simulate.planning.zones import CrystalSymmetry

DEFAULT_FLUX = 3.0e10
"""Photons per second within the bandwidth: BL43LXU at Si(11 11 11)."""

DEFAULT_THICKNESS_MM = 0.05

ANALYZER_YIELD_MEV = 0.6
"""Peak reflectivity × energy acceptance of an analyzer × efficiency of the detector, in meV:
0.6 × 1.05 meV × 0.95."""

RESOLUTION_SHARES = (("gaussian", 0.7, 1.0), ("lorentzian", 0.3, 1.0))
"""Kind, area, relative width of the resolution function assumed where none was measured."""

FWHM_BY_ORDER = {8: 6.0, 9: 3.0, 11: 1.5, 12: 1.3, 13: 0.9}
"""Usual FWHM (meV) of R at Si(n n n) in backscattering."""


@dataclass(frozen=True)
class Calibration:
    """Counts per second in an analyzer of efficiency 1 for S = 1 e²/meV per primitive cell.

    Parameters
    ----------
    counts_per_s : float
    source : str
        How it came about, for people.
    uncertain : float
        Factor by which it may be wrong either way.
    """

    counts_per_s: float
    source: str
    uncertain: float = 3.0


@dataclass(frozen=True)
class Conditions:
    """Everything beside the phonons that decides on the counts.

    Parameters
    ----------
    temperature_k : float
    calibration : Calibration
    resolutions : mapping
        Analyzer -> resolution; "" stands for those not named.
    efficiency : mapping
        Analyzer -> relative efficiency, 1 where not named.
    mask : tuple of str
        Analyzers that do not count.
    fwhm_mev : float
        Natural FWHM of all modes; with `linewidth` a typical one, by which settings are listed.
    linewidth : Linewidth, optional
        Natural FWHM of each mode, in meV.
    elastic_e2 : float
        Elastic (diffuse, surface) scattering far from Bragg peaks, e² per primitive cell.
    bragg_e2, bragg_width : float
        Strength (e² per primitive cell at its edge) and half width (Å⁻¹) of the tail that a Bragg
        peak adds: bragg_e2 w²/(w² + |Q - τ|²). The default is that of a fair crystal.
    background_per_s : float
        Counts per second without energy structure.
    optical_thickness : float
        μ t of the plate at normal incidence; only the change with tth is taken from it.
    notes : tuple of str
        Which numbers are assumed.
    """

    temperature_k: float
    calibration: Calibration
    resolutions: Mapping[str, Resolution] = field(default_factory=dict)
    efficiency: Mapping[str, float] = field(default_factory=dict)
    mask: tuple[str, ...] = ()
    fwhm_mev: float = 0.5
    linewidth: Linewidth | None = None
    elastic_e2: float = 100.0
    bragg_e2: float = 3.0e4
    bragg_width: float = 0.005
    background_per_s: float = 0.002
    optical_thickness: float = 0.0
    notes: tuple[str, ...] = ()

    def resolution(self, analyzer: str) -> Resolution:
        """The resolution function of an analyzer.

        Raises
        ------
        InputError
            None is known for it.
        """
        for name in (analyzer, ""):
            if name in self.resolutions:
                return self.resolutions[name]
        raise InputError(
            "no resolution function is known for the analyzer",
            key="resolution",
            found=analyzer,
            expected=f"one of {', '.join(self.resolutions)}",
        )

    def rate_scale(self, analyzer: str, tth: ArrayLike, gam: ArrayLike = 0.0) -> FloatArray:
        """Counts per second for 1 e²/meV in an analyzer standing at tth, gam (degrees)."""
        stretch = 1 / np.cos(np.radians(np.asarray(tth, dtype=float)) / 2)
        path = stretch * np.exp(-self.optical_thickness * (stretch - 1))
        efficiency = self.efficiency.get(analyzer, 1.0)
        scale = self.calibration.counts_per_s * efficiency * path
        return np.asarray(scale * polarisation_factor(tth, gam))

    def elastic(self, distance_to_bragg: ArrayLike) -> FloatArray:
        """Elastic intensity in e² per primitive cell at |Q - τ| (Å⁻¹) from the nearest τ."""
        distance = np.asarray(distance_to_bragg, dtype=float)
        width = self.bragg_width
        return np.asarray(self.elastic_e2 + self.bragg_e2 * width**2 / (width**2 + distance**2))


def estimated_calibration(
    instrument: Instrument,
    primitive_volume: float,
    flux_photons_s: float = DEFAULT_FLUX,
    thickness_mm: float = DEFAULT_THICKNESS_MM,
    absorption_per_mm: float = 0.0,
    analyzer_yield_mev: float = ANALYZER_YIELD_MEV,
) -> Calibration:
    """The rate from first principles: Φ r_e² (t/V) e^{-μt} ΔΩ y.

    Parameters
    ----------
    instrument : Instrument
        Its slits and distance give the solid angle ΔΩ of an analyzer.
    primitive_volume : float
        V in Å³.
    flux_photons_s, thickness_mm, absorption_per_mm, analyzer_yield_mev : float
        Φ, t, μ (1/mm), and y = peak reflectivity × bandwidth × detector (meV).
    """
    width, height = instrument.spectrometer.accepted_mm(instrument.slits_mm)
    solid_angle = width * height / instrument.spectrometer.radius_mm**2
    barn_in_a2 = 1e-8
    cells_per_a2 = thickness_mm * 1e7 / primitive_volume
    through = math.exp(-absorption_per_mm * thickness_mm)
    rate = (
        flux_photons_s
        * units.THOMSON_BARN
        * barn_in_a2
        * cells_per_a2
        * through
        * solid_angle
        * analyzer_yield_mev
    )
    return Calibration(rate, "estimated from flux, sample and solid angle, within a factor of 3")


def measured_calibration(amplitude_per_s: ArrayLike, predicted_e2: ArrayLike) -> Calibration:
    """The rate from fitted modes: median of amplitude (counts/s) over predicted I_s (e²).

    The factor of uncertainty is the spread of the ratios (16 to 84 %) over √n.

    Parameters
    ----------
    amplitude_per_s : (n,) array
        `amplitude` of the fits, per second, divided by efficiency, P and path (`rate_scale`
        with a calibration of 1).
    predicted_e2 : (n,) array
        Predicted I_s of the same modes.

    Raises
    ------
    InputError
        No pair of positive numbers.
    """
    measured = np.asarray(amplitude_per_s, dtype=float)
    predicted = np.asarray(predicted_e2, dtype=float)
    if measured.shape != predicted.shape:
        raise InputError(
            "measured and predicted amplitudes are not pairs",
            key="calibration",
            found=f"{measured.size} and {predicted.size}",
        )
    use = np.isfinite(measured) & np.isfinite(predicted) & (measured > 0) & (predicted > 0)
    if not use.any():
        raise InputError("no fitted mode has a predicted partner", key="calibration")
    ratio = np.log(measured[use] / predicted[use])
    low, middle, high = np.percentile(ratio, (16, 50, 84))
    spread = float(np.exp((high - low) / 2 / math.sqrt(ratio.size)))
    return Calibration(
        float(np.exp(middle)), f"measured on {ratio.size} modes", uncertain=max(spread, 1.05)
    )


def absorption_per_mm(formula: str, density_g_cm3: float, energy_kev: float) -> float:
    """Photoelectric absorption μ in 1/mm: 2 r_e λ Σ n f'' (Cromer & Liberman, through gemmi).

    Raises
    ------
    InputError
        The formula is not understood.
    """
    import gemmi
    from ase.formula import Formula

    try:
        count = Formula(formula).count()
        elements = [(gemmi.Element(symbol), n) for symbol, n in count.items()]
    except (ValueError, KeyError) as error:
        raise InputError(
            "the formula is not understood", key="sample.formula", found=formula
        ) from (error)
    if not elements or any(element.atomic_number == 0 for element, _ in elements):
        raise InputError("the formula is not understood", key="sample.formula", found=formula)
    grams = sum(n * element.weight for element, n in elements)
    per_cm3 = density_g_cm3 / grams * 6.02214076e23
    electrons = sum(
        n * gemmi.cromer_liberman(element.atomic_number, 1000 * energy_kev)[1]
        for element, n in elements
    )
    radius_cm = math.sqrt(units.THOMSON_BARN * 1e-24)
    wavelength_cm = units.wavelength_angstrom(energy_kev) * 1e-8
    return 0.1 * 2 * radius_cm * wavelength_cm * per_cm3 * electrons


def default_resolution(order: int | None) -> Resolution:
    """R assumed where none was measured: 70 % Gaussian, 30 % Lorentzian of the usual FWHM."""
    fwhm = FWHM_BY_ORDER.get(order or 11, 1.5)
    return Resolution.from_components(
        [(kind, share, 0.0, width * fwhm) for kind, share, width in RESOLUTION_SHARES]
    )


def conditions_of(
    experiment: Experiment,
    instrument: Instrument,
    symmetry: CrystalSymmetry,
    temperature_k: float | None = None,
    resolutions: Mapping[str, Resolution] | None = None,
    calibration: Calibration | None = None,
    fwhm_mev: float = 0.5,
) -> Conditions:
    """Conditions of an experiment file; what it does not say is assumed, and noted.

    Parameters
    ----------
    experiment : Experiment
    instrument : Instrument
        Of the same file.
    symmetry : CrystalSymmetry
        Gives the volume of the primitive cell.
    temperature_k, resolutions, calibration : optional
        Go before what the file says (the resolutions of its own file are for the caller to load).
    fwhm_mev : float
        Natural FWHM of all modes.

    Raises
    ------
    InputError
        No temperature, or a formula that is not understood.
    """
    sample, beam, notes = experiment.sample, experiment.beam, list[str]()
    temperature = sample.temperature_k if temperature_k is None else temperature_k
    if temperature is None:
        raise InputError("the temperature is missing", key="sample.temperature_k")

    def known(value: float | None, default: float, what: str) -> float:
        if value is None:
            notes.append(f"{what} is not given: {default:g} is assumed")
        return default if value is None else value

    thickness = known(sample.thickness_mm, DEFAULT_THICKNESS_MM, "sample.thickness_mm")
    absorption = 0.0
    if sample.formula is not None and sample.density_g_cm3 is not None:
        energy = instrument.spectrometer.energy_kev
        absorption = absorption_per_mm(sample.formula, sample.density_g_cm3, energy)
    else:
        notes.append("sample.formula or density_g_cm3 is not given: no absorption is assumed")
    if calibration is None:
        calibration = estimated_calibration(
            instrument,
            symmetry.primitive_volume,
            known(beam.flux_photons_s, DEFAULT_FLUX, "beam.flux_photons_s"),
            thickness,
            absorption,
        )
    if not resolutions:
        order = instrument.spectrometer.order
        resolutions = {"": default_resolution(order)}
        notes.append(
            f"no resolution was measured: {resolutions[''].fwhm_mev:.2f} meV FWHM is assumed"
        )
    return Conditions(
        temperature_k=float(temperature),
        calibration=calibration,
        resolutions=dict(resolutions),
        efficiency=dict(experiment.analyzers.efficiency),
        mask=experiment.analyzers.mask,
        fwhm_mev=fwhm_mev,
        optical_thickness=absorption * thickness,
        notes=tuple(notes),
    )
