"""Green-Kubo results and power laws in the project file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import h5py

from ixs_core.provenance import Provenance
from simulate.record_store import read_record, record_keys, write_record
from simulate.transport.cepstral import CepstralKappa
from simulate.transport.flux_integral import FluxIntegral
from simulate.transport.kappa_from_flux import GreenKubo
from simulate.transport.power_law import PowerLaw

GREEN_KUBO, CEPSTRAL, POWER_LAW = "kappa green-kubo", "kappa cepstral", "kappa power-law"
"""What marks these results among the predictions."""

_KAPPA = "W/(m*K)"


def write_green_kubo(
    h5: h5py.File, key: str, result: GreenKubo, provenance: Provenance, title: str
) -> None:
    """Store the integrals under a key, and the cepstral analysis under "<key> cepstral"."""
    integral = replace(result.integral, notes=(*result.integral.notes, *result.notes))
    write_record(
        h5,
        key,
        integral,
        GREEN_KUBO,
        title,
        provenance,
        units={
            "time_ps": "ps",
            "running": _KAPPA,
            "block_running": _KAPPA,
            "parts": _KAPPA,
            "block_parts": _KAPPA,
        },
        signal="running",
        axes=("time_ps", "."),
    )
    if result.cepstral is not None:
        write_record(
            h5,
            _cepstral_key(key),
            result.cepstral,
            CEPSTRAL,
            f"{title}, cepstral analysis",
            provenance,
            units={
                "per_axis": _KAPPA,
                "per_axis_err": _KAPPA,
                "kappa_of_p": _KAPPA,
                "err_of_p": _KAPPA,
                "frequency_thz": "THz",
                "spectrum": _KAPPA,
                "scan_thz": "THz",
                "scan_kappa": _KAPPA,
                "scan_err": _KAPPA,
            },
            signal="spectrum",
            axes=("frequency_thz",),
        )


def read_green_kubo(h5: h5py.File, key: str) -> GreenKubo:
    """The result stored under a key; errors as in `read_record`."""
    integral = read_record(h5, key, FluxIntegral)
    other = _cepstral_key(key)
    held = other in record_keys(h5, CEPSTRAL)
    return GreenKubo(integral, read_record(h5, other, CepstralKappa) if held else None)


def write_power_laws(
    h5: h5py.File, key: str, laws: Mapping[str, PowerLaw], provenance: Provenance, title: str
) -> None:
    """Store the law of each component under "<key> <component>"."""
    for name, law in laws.items():
        write_record(
            h5,
            f"{key} {name}",
            law,
            POWER_LAW,
            f"{title}, {name}",
            provenance,
            units={"temperature_k": "K", "kappa": _KAPPA},
            signal="kappa",
            axes=("temperature_k",),
        )


def read_power_laws(h5: h5py.File, key: str) -> dict[str, PowerLaw]:
    """The laws stored under a key, by component."""
    return {
        name.removeprefix(f"{key} "): read_record(h5, name, PowerLaw)
        for name in record_keys(h5, POWER_LAW)
        if name.rpartition(" ")[0] == key
    }


def _cepstral_key(key: str) -> str:
    return f"{key} cepstral"
