"""A fit as plain data that JSON can hold, and back, so that it runs again bit for bit.

Finite numbers keep every bit, since JSON text repeats the shortest decimal form that reads
back as the same double; those that are not finite are the texts "nan", "inf", "-inf".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from ixs_core.provenance import plain
from ixs_reduce.fitting import SpectrumFit, fit_from
from ixs_reduce.resolution import Resolution
from ixs_reduce.spectrum import Spectrum
from ixs_reduce.spectrum_model import SpectrumModel

if TYPE_CHECKING:
    import lmfit

    from ixs_core.jobs import CancelToken

RECORD_FORMAT = 2
"""Number of the record's layout; a record with a higher one is of a newer version.

1: no folded modes and no members of modes. 2: the model may have some.
"""

_AS_THEY_ARE = ("dof", "converged", "message", "objective", "starts", "seed")
_TEXTS = ("parameter_names", "held", "warnings", "branches", "remarks")


def record_of(fit: SpectrumFit) -> dict[str, Any]:
    """Everything of a fit but its data, in the types that JSON has.

    The data are known by their digest; `fit_of` asks for them again.
    """
    return {
        "format": RECORD_FORMAT,
        "spectrum": {
            "analyzer": fit.spectrum.analyzer,
            "scan": fit.spectrum.scan,
            "sha256": fit.spectrum.sha256,
        },
        "model": _model_record(fit.model),
        **{name: plain(getattr(fit, name)) for name in _AS_THEY_ARE},
        **{name: list(getattr(fit, name)) for name in _TEXTS},
        "deviance": plain(float(fit.deviance)),
        "parameters": plain(fit.parameters),
        "covariance": plain(fit.covariance),
        "expected_counts": plain(fit.expected_counts),
        "upper_limits": [[name, plain(float(limit))] for name, limit in fit.upper_limits],
        "start_parameters": _parameters_record(fit.start_parameters),
        "start_vectors": [plain(np.asarray(vector)) for vector in fit.start_vectors],
    }


def fit_of(record: Mapping[str, Any], spectrum: Spectrum) -> SpectrumFit:
    """The fit that `record_of` described, with its data.

    Parameters
    ----------
    record : mapping
        As from `record_of`, possibly through JSON.
    spectrum : Spectrum
        The data that were fitted.

    Raises
    ------
    InputError
        When the data are others than those that were fitted, or the record is incomplete or of a
        newer version.
    """
    try:
        _check(record, spectrum)
        texts: dict[str, Any] = {name: tuple(record[name]) for name in _TEXTS}
        return SpectrumFit(
            spectrum=spectrum,
            model=_model_of(record["model"]),
            **{name: record[name] for name in _AS_THEY_ARE},
            **texts,
            deviance=float(record["deviance"]),
            parameters=_array(record["parameters"]),
            covariance=_array(record["covariance"]),
            expected_counts=_array(record["expected_counts"]),
            upper_limits=tuple((name, float(limit)) for name, limit in record["upper_limits"]),
            start_parameters=_parameters_of(record["start_parameters"]),
            start_vectors=tuple(tuple(map(float, v)) for v in record["start_vectors"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"the record of the fit of {spectrum.label} is damaged",
            key=str(error),
            hint="fit again",
        ) from error


def rerun(fit: SpectrumFit, cancel: CancelToken | None = None) -> SpectrumFit:
    """The fit done again from its own start points, with its own bounds and ties.

    Branch labels are kept; what a search added besides (upper limits, remarks) is not made again.

    Raises
    ------
    InputError
        When the fit carries no start points.
    """
    if fit.start_parameters is None or not fit.start_vectors:
        raise InputError(f"the fit of {fit.spectrum.label} keeps no start points to run from")
    vectors = [np.array(vector) for vector in fit.start_vectors]
    again = fit_from(
        fit.spectrum, fit.model, fit.start_parameters, vectors, fit.objective, fit.seed, cancel
    )
    return replace(again, branches=fit.branches)


def identical(one: SpectrumFit, two: SpectrumFit) -> bool:
    """Whether parameters, covariance and deviance of two fits agree in every bit."""
    return (
        one.parameter_names == two.parameter_names
        and _same_bits(one.parameters, two.parameters)
        and _same_bits(one.covariance, two.covariance)
        and _same_bits(np.array(one.deviance), np.array(two.deviance))
    )


def _same_bits(one: FloatArray, two: FloatArray) -> bool:
    return one.shape == two.shape and one.tobytes() == two.tobytes()


def _check(record: Mapping[str, Any], spectrum: Spectrum) -> None:
    layout = record["format"]
    if layout > RECORD_FORMAT:
        raise InputError(
            "the fit was written by a newer version of ixs-suite",
            found=f"layout {layout}",
            expected=f"at most {RECORD_FORMAT}",
            hint="update ixs-suite",
        )
    fitted = record["spectrum"]
    if spectrum.sha256 != fitted["sha256"]:
        raise InputError(
            f"the data of {spectrum.label} are not those that were fitted",
            found=f"sha256 {spectrum.sha256[:12]}…",
            expected=f"{fitted['sha256'][:12]}… ({fitted['scan']} {fitted['analyzer']})",
            hint="fit again, or read the fit with the data stored beside it",
        )


def _model_record(model: SpectrumModel) -> dict[str, Any]:
    modes = model.modes
    return {
        "resolution": model.resolution.to_record(),
        "temperature_k": float(model.temperature_k),
        "modes": modes if isinstance(modes, int) else [float(energy) for energy in modes],
        "elastic": model.elastic,
        "quasielastic": model.quasielastic,
        "background": model.background,
        "folded": [list(line) for line in model.folded],
        "members": [[list(member) for member in own] for own in model.members],
    }


def _model_of(record: Mapping[str, Any]) -> SpectrumModel:
    modes = record["modes"]
    return SpectrumModel(
        resolution=Resolution.from_record(record["resolution"]),
        temperature_k=record["temperature_k"],
        modes=modes if isinstance(modes, int) else tuple(modes),
        elastic=record["elastic"],
        quasielastic=record["quasielastic"],
        background=record["background"],
        folded=record.get("folded", ()),
        members=record.get("members", ()),
    )


def _parameters_record(parameters: lmfit.Parameters | None) -> list[dict[str, Any]] | None:
    if parameters is None:
        return None
    return [
        {
            "name": p.name,
            "value": plain(float(p.value)),
            "vary": bool(p.vary),
            "min": plain(float(p.min)),
            "max": plain(float(p.max)),
            "expr": p.expr,
        }
        for p in parameters.values()
    ]


def _parameters_of(records: Sequence[Mapping[str, Any]] | None) -> lmfit.Parameters | None:
    if records is None:
        return None
    import lmfit

    parameters = lmfit.Parameters()
    for r in records:
        low, high = float(r["min"]), float(r["max"])
        parameters.add(r["name"], float(r["value"]), vary=r["vary"], min=low, max=high)
    # A tie may speak of a parameter further down, so that all must be there first.
    for r in records:
        if r["expr"]:
            parameters[r["name"]].set(expr=r["expr"])
    return parameters


def _array(values: Sequence[Any]) -> FloatArray:
    """Nested lists of numbers (or "nan", "inf", "-inf") as an array of doubles."""
    return np.array(values, dtype=float)
