"""Wigner conductivities in the project file, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import h5py
import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.provenance import Provenance
from simulate.record_store import read_record, write_record
from simulate.transport.audit import Audit
from simulate.transport.mode_table import spectral_kappa
from simulate.transport.wigner import WignerKappa

CONTENT = "kappa wigner"
_UNITS = {
    "temperature_k": "K",
    "kappa_p": "W/m/K",
    "kappa_c": "W/m/K",
    "branch_p": "W/m/K",
    "branch_c": "W/m/K",
    "element_p": "W/m/K",
    "element_c": "W/m/K",
    "energy_mev": "meV",
    "spectral_p": "W/m/K/meV",
    "spectral_c": "W/m/K/meV",
    "cumulative_p": "W/m/K",
    "cumulative_c": "W/m/K",
}


@dataclass(frozen=True)
class WignerRecord:
    """Conductivities of a crystal at some temperatures, as a project keeps them.

    Parameters
    ----------
    temperature_k : (nt,) array
    kappa_p, kappa_c : (nt, 3, 3) arrays
        W m⁻¹ K⁻¹.
    branch_p, branch_c : (nt, ns, 3, 3) arrays
        Of each branch, by rising energy.
    elements : tuple of str
    element_p, element_c : (nt, n_elements, 3, 3) arrays
    energy_mev : (n,) array
    spectral_p, spectral_c, cumulative_p, cumulative_c : (nt, n, 6) arrays
        xx, yy, zz, yz, xz, xy; see `SpectralKappa`.
    audit_names : tuple of str
    audit_residuals : (nt, n_checks) array
    audit_limits : (n_checks,) array
    point_group : str
    mesh : (int, int, int)
    variant, normalisation, source : str
    notes : tuple of str
    """

    temperature_k: FloatArray
    kappa_p: FloatArray
    kappa_c: FloatArray
    branch_p: FloatArray
    branch_c: FloatArray
    elements: tuple[str, ...]
    element_p: FloatArray
    element_c: FloatArray
    energy_mev: FloatArray
    spectral_p: FloatArray
    spectral_c: FloatArray
    cumulative_p: FloatArray
    cumulative_c: FloatArray
    audit_names: tuple[str, ...]
    audit_residuals: FloatArray
    audit_limits: FloatArray
    point_group: str
    mesh: tuple[int, int, int]
    variant: str
    normalisation: str
    source: str
    notes: tuple[str, ...]

    def audit(self, row: int) -> Audit:
        """The audit at one of the temperatures."""
        return Audit(
            dict(zip(self.audit_names, self.audit_residuals[row].tolist(), strict=True)),
            dict(zip(self.audit_names, self.audit_limits.tolist(), strict=True)),
            self.point_group,
        )


def wigner_record(results: Sequence[WignerKappa]) -> WignerRecord:
    """What a project keeps of the results of `wigner_series`."""
    first = results[0]
    tables = [result.modes for result in results]
    spectra = [spectral_kappa(table) for table in tables]
    branches = [table.by_branch() for table in tables]
    elements = [table.by_element() for table in tables]
    return WignerRecord(
        temperature_k=np.array([result.temperature_k for result in results]),
        kappa_p=np.array([result.kappa_p for result in results]),
        kappa_c=np.array([result.kappa_c for result in results]),
        branch_p=np.array([particle for particle, _ in branches]),
        branch_c=np.array([wave for _, wave in branches]),
        elements=first.modes.elements,
        element_p=np.array([particle for particle, _ in elements]),
        element_c=np.array([wave for _, wave in elements]),
        energy_mev=spectra[0].energy_mev,
        spectral_p=np.array([spectrum.kappa_p for spectrum in spectra]),
        spectral_c=np.array([spectrum.kappa_c for spectrum in spectra]),
        cumulative_p=np.array([spectrum.cumulative_p for spectrum in spectra]),
        cumulative_c=np.array([spectrum.cumulative_c for spectrum in spectra]),
        audit_names=tuple(first.audit.residuals),
        audit_residuals=np.array([list(result.audit.residuals.values()) for result in results]),
        audit_limits=np.array(list(first.audit.limits.values())),
        point_group=first.audit.point_group,
        mesh=first.mesh,
        variant=first.variant,
        normalisation=first.normalisation,
        source=first.source,
        notes=first.notes,
    )


def write_wigner(
    h5: h5py.File, name: str, results: Sequence[WignerKappa], provenance: Provenance
) -> str:
    """Store conductivities under /entry/predictions and return the key.

    Parameters
    ----------
    h5 : h5py.File
        A project opened by `Project.writing`.
    name : str
        Of the linewidths, for the key.
    results : sequence of WignerKappa
        Of `wigner_series`.
    provenance : Provenance
    """
    key = f"{CONTENT} {name}"
    record = wigner_record(results)
    write_record(
        h5,
        key,
        record,
        CONTENT,
        f"Wigner conductivity: {record.source}",
        provenance,
        units=_UNITS,
        signal="kappa_c",
        axes=("temperature_k", ".", "."),
    )
    return key


def read_wigner(h5: h5py.File, key: str) -> WignerRecord:
    """Conductivities stored under a key; InputError where there are none or they are damaged."""
    return read_record(h5, key, WignerRecord)
