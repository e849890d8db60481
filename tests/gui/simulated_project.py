"""Simulated results of known content, written into a project by the core's own stores."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.project import Project
from ixs_core.provenance import Provenance, provenance_of
from ixs_reduce.spectrum import Spectrum
from ixs_reduce.store import read_spectra
from simulate.md.density_sums import density_modes
from simulate.md.displacements import MeanSquareDisplacement
from simulate.md.hop_statistics import HopRate
from simulate.md.project_results import write_md_result
from simulate.md.scattering_spectrum import dynamic_structure_factor
from simulate.md.vibrational_states import phonon_dos
from simulate.overlay import Overlay, scale_to_counts
from simulate.overlay_store import write_overlays
from simulate.record_store import write_record
from simulate.spectrum_overlay import SpectrumOverlay
from simulate.transport.green_kubo_store import write_green_kubo, write_power_laws
from simulate.transport.kappa_from_flux import green_kubo
from simulate.transport.measured_store import CONTENT as MEASURED
from simulate.transport.measured_store import MeasuredRecord
from simulate.transport.power_law import fit_power_law
from simulate.transport.regimes import Lifetimes, RegimeLimits
from simulate.transport.regimes_store import write_regimes
from simulate.transport.wigner_store import CONTENT as WIGNER
from simulate.transport.wigner_store import WignerRecord
from tests.simulate.md.harmonic_crystal import HarmonicCrystal
from tests.simulate.transport.flux_series import DT_FS, KELVIN, VOLUME_A3, autoregressive

D_CM2_S = (1e-5, 2e-5, 6e-5)
"""Of Cu along x, y, z at 300 K; four times as large at 600 K."""

SPACING_MEV = 0.4
"""ħΔω_avg of the crystal of the regimes."""

KAPPA_K = (200.0, 300.0, 400.0)
SCAN, OTHER = "CdOsO_58", "CdOsO_59"
ZERO_MEV = 0.1
NEAR, WIDE = "near.h5", "wide.yaml"


def add_simulations(path: Path) -> None:
    """Write results of every kind into the small project of the viewer's tests."""
    with Project(path).writing() as h5:
        for kelvin in (300.0, 600.0):
            _run(h5, kelvin)
        _scattering(h5)
        _overlays(h5)
        for kelvin in (300.0, 600.0):
            write_regimes(
                h5, f"{kelvin:g} K", lifetimes(kelvin), RegimeLimits(SPACING_MEV), _made("regimes")
            )
        write_record(h5, f"{WIGNER} a", wigner(), WIGNER, "Wigner: a", _made("wigner"))
        key = f"{MEASURED} small.h5 300 K"
        write_record(h5, key, measured(), MEASURED, "with IXS widths", _made("measured"))
        law = fit_power_law([200, 300, 400], [2.0, 1.4, 1.1])
        write_power_laws(h5, "kappa power-law b", {"mean": law}, _made("power-law"), "power law b")
        flux = autoregressive([0.6], 4000, 3)
        found = green_kubo(flux, DT_FS, VOLUME_A3, KELVIN, longest_ps=0.1)
        write_green_kubo(h5, "kappa green-kubo c", found, _made("green-kubo"), "Green-Kubo c")


def displacement(factor: float) -> MeanSquareDisplacement:
    """Cu diffuses with D, I rattles in a cage; blocks scatter by some per cent."""
    time = np.arange(101) * 0.1
    free = 2 * np.array(D_CM2_S)[:, None] * factor * 1e4 * time
    caged = np.repeat(0.05 * (1 - np.exp(-time / 0.3))[None], 3, axis=0)
    whole = np.array([free, caged])
    scatter = 1 + 0.02 * np.array([-3, -1, 0, 1, 3.0])
    blocks = scatter[:, None, None, None] * whole[None, :, :, :51]
    return MeanSquareDisplacement(
        time, ("Cu", "I"), whole, blocks, np.eye(3), np.array([8, 12]), 500.0
    )


def lifetimes(kelvin: float) -> list[Lifetimes]:
    """A mesh, and measured lines of which one is a limit."""
    energy = np.linspace(1.0, 20.0, 300)
    none = np.zeros(energy.size)
    mesh = Lifetimes(
        "mesh", kelvin, energy, 0.05 * energy * kelvin / 300, none, none, none > 0, none + 1
    )
    lines = Lifetimes(
        "IXS",
        kelvin,
        np.array([4.0, 8.0, 12.0, 16.0]),
        np.array([0.2, 0.8, 3.0, 1.0]) * kelvin / 300,
        np.array([0.1, 0.1, 0.2, 0.1]),
        np.array([0.02, 0.1, 4.0, 0.0]),
        np.array([False, False, False, True]),
        np.ones(4),
        measured=True,
    )
    return [mesh, lines]


def wigner() -> WignerRecord:
    """κ at three temperatures, other along each axis."""
    n = len(KAPPA_K)
    fall = 300 / np.array(KAPPA_K)
    kappa_p = fall[:, None, None] * np.diag([3.0, 2.0, 1.0])
    kappa_c = np.repeat(np.diag([0.7, 0.8, 0.9])[None], n, axis=0)
    energy = np.linspace(0.0, 30.0, 61)
    ramp = (energy / energy[-1])[None, :, None]
    six_p, six_c = (
        np.concatenate([np.diagonal(k, axis1=1, axis2=2), np.zeros((n, 3))], axis=1)[:, None]
        for k in (kappa_p, kappa_c)
    )
    return WignerRecord(
        temperature_k=np.array(KAPPA_K),
        kappa_p=kappa_p,
        kappa_c=kappa_c,
        branch_p=kappa_p[:, None] / 2 * np.ones((1, 2, 1, 1)),
        branch_c=kappa_c[:, None] / 2 * np.ones((1, 2, 1, 1)),
        elements=("Cu", "I"),
        element_p=kappa_p[:, None] * np.array([0.75, 0.25])[None, :, None, None],
        element_c=kappa_c[:, None] * np.array([0.75, 0.25])[None, :, None, None],
        energy_mev=energy,
        spectral_p=six_p / 30 * np.ones((1, 61, 1)),
        spectral_c=six_c / 30 * np.ones((1, 61, 1)),
        cumulative_p=six_p * ramp,
        cumulative_c=six_c * ramp,
        audit_names=("point group",),
        audit_residuals=np.zeros((n, 1)),
        audit_limits=np.full(1, 1e-6),
        point_group="mmm",
        mesh=(3, 3, 3),
        variant="wigner",
        normalisation="mean",
        source="a.yaml",
        notes=(),
    )


def measured() -> MeasuredRecord:
    """κ with measured widths at 300 K."""
    kappa_p, kappa_c = np.diag([2.8, 1.9, 0.9]), np.diag([0.72, 0.83, 0.94])
    around = np.array([0.9, 1.1])[:, None, None]
    return MeasuredRecord(
        temperature_k=300.0,
        kappa_p=kappa_p,
        kappa_c=kappa_c,
        band_p=around * kappa_p,
        band_c=around * kappa_c,
        band=around * (kappa_p + kappa_c),
        computed_p=np.diag([3.0, 2.0, 1.0]),
        computed_c=np.diag([0.7, 0.8, 0.9]),
        covered=0.4,
        limited=0.1,
        lines=12,
        limits=3,
        method="element",
        mesh=(3, 3, 3),
        audit_passed=True,
        source="small.h5",
        notes=(),
    )


def predicted(spectrum: Spectrum, width_mev: float) -> FloatArray:
    """What a made-up prediction says at the points of a spectrum."""
    energy = spectrum.energy_mev - ZERO_MEV
    return np.asarray(1 / (1 + ((np.abs(energy) - 12.0) / width_mev) ** 2))


def overlaid(spectrum: Spectrum, width_mev: float) -> Overlay:
    """That prediction laid over the counts, as `simulate` does it."""
    energy = spectrum.energy_mev - ZERO_MEV
    elastic = np.exp(-4 * np.log(2) * (energy / 1.5) ** 2)
    return scale_to_counts(
        spectrum.energy_mev,
        spectrum.counts,
        spectrum.exposure,
        predicted(spectrum, width_mev),
        np.zeros_like(energy),
        elastic,
        background_rate=spectrum.background_rate,
    )


def _overlays(h5: h5py.File) -> None:
    """A simulation over Ana5 and Ana6; phonons over these, Ana7, and Ana5 of the other scan."""
    first = {s.analyzer: s for s in read_spectra(h5, SCAN)}
    second = {s.analyzer: s for s in read_spectra(h5, OTHER)}
    near = [(SCAN, first[name]) for name in ("Ana5", "Ana6")]
    wide = [*near, (SCAN, first["Ana7"]), (OTHER, second["Ana5"])]
    for source, width, spectra in ((NEAR, 2.0, near), (WIDE, 6.0, wide)):
        laid = [_laid(source, key, spectrum, width) for key, spectrum in spectra]
        write_overlays(h5, laid, _made("overlay"), (f"a note on {source}",))


def _laid(source: str, key: str, spectrum: Spectrum, width_mev: float) -> SpectrumOverlay:
    q = np.zeros(3) if spectrum.q_hkl is None else np.asarray(spectrum.q_hkl, dtype=float)
    kelvin = 300.0 if key == SCAN else 200.0
    return SpectrumOverlay(
        key=key,
        scan=spectrum.scan or "",
        analyzer=spectrum.analyzer or "",
        file=spectrum.file or "",
        source=source,
        q_hkl=q,
        predicted_hkl=q + np.array([0.01, 0, 0]),
        distance=0.15 if source == NEAR else 0.0,
        temperature_k=kelvin,
        predicted_temperature_k=kelvin,
        zero_mev=ZERO_MEV,
        resolution_mev=1.5,
        overlay=overlaid(spectrum, width_mev),
    )


def crystal(kelvin: float) -> HarmonicCrystal:
    """120 atoms whose motion is known."""
    return HarmonicCrystal(temperature_k=kelvin)


def _run(h5: h5py.File, kelvin: float) -> None:
    name = f"run{kelvin:g}"
    digest = f"{kelvin:g}".ljust(64, "0")
    made = replace(_made("md"), sources=((f"{name}.h5", digest),))
    msd = displacement(kelvin**2 / 300**2)
    write_md_result(h5, name, msd, made, f"displacements of {name}")
    states = phonon_dos(crystal(kelvin).trajectory(301, 20.0), resolution_mev=1.5)
    # The springs know no masses of elements: its kinetic temperature is not that of its waves.
    states = replace(states, temperature_k=kelvin)
    write_md_result(h5, name, states, made, f"states of {name}")
    rate = HopRate(0, 100.0, 0.0, 0.0, (0.0, 0.04), 0.03, np.inf, (25.0, np.inf))
    write_md_result(h5, f"{name} Cu", rate, made, f"hops of {name}")


def _scattering(h5: h5py.File) -> None:
    trajectory = crystal(300.0).trajectory(101, 20.0)
    modes = density_modes(trajectory, [[2.5, 0, 0], [0, 2.4, 0]], lattice=(6, 5, 4))
    found = dynamic_structure_factor(modes, 1.0, quantum="none", weights={"Cu": 1.0, "I": 1.0})
    write_md_result(h5, "run300 at two Q", found, _made("md sqw"), "S(Q,E) of run300")


def _made(command: str) -> Provenance:
    return provenance_of(f"ixs {command}")
