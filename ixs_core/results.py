"""Results inside a project file: NXdata groups that carry their provenance and their history."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any
from urllib.parse import quote, unquote

import h5py
import numpy as np
from numpy.typing import NDArray

from ixs_core.errors import InputError
from ixs_core.provenance import Provenance

KINDS = ("scans", "spectra", "resolutions", "fits", "predictions", "densities")
"""The kinds of result, which are also the names of their groups under /entry."""

Value = NDArray[Any] | np.generic | str | Sequence[str] | float | int
"""What a dataset may be: an array, a number, a text, or a list of texts."""

_OWN_ATTRIBUTES = {"NX_class", "signal", "axes", "default"}
_PROVENANCE = "provenance"
_KEY_SAFE = " !\"#$&'()*+,-.:;<=>?@[\\]^_`{|}~"
_DAMAGE = (OSError, RuntimeError, KeyError, ValueError)  # what h5py raises for a damaged object
_COMPRESS_FROM = 32768  # elements; below, a filter costs more than it saves


@dataclass(frozen=True)
class Result:
    """A result as read from a project file.

    Parameters
    ----------
    kind, key : str
        Its kind (one of `KINDS`) and its name within the kind.
    datasets : mapping
        Name -> array, number, text, or list of texts.
    attributes : mapping
        Name -> number, text, list of texts, or array.
    units : mapping
        Dataset -> unit, for those that have one.
    signal : str or None
    axes : tuple of str
        What is plotted against what, as NeXus names it.
    provenance : Provenance
    """

    kind: str
    key: str
    datasets: Mapping[str, Any]
    provenance: Provenance
    attributes: Mapping[str, Any] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    signal: str | None = None
    axes: tuple[str, ...] = ()


def write_result(
    h5: h5py.File,
    kind: str,
    key: str,
    datasets: Mapping[str, Value],
    *,
    provenance: Provenance,
    attributes: Mapping[str, Any] | None = None,
    units: Mapping[str, str] | None = None,
    signal: str | None = None,
    axes: Sequence[str] = (),
    replace: bool = False,
) -> None:
    """Write a result as the current one of its key; an earlier one moves into the history.

    Parameters
    ----------
    h5 : h5py.File
        A project opened by `Project.writing`.
    kind, key : str
        One of `KINDS`, and any text that names the result within its kind.
    datasets : mapping
        Name -> array, number, text, or list of texts.
    provenance : Provenance
    attributes : mapping, optional
        Small facts (numbers, texts, short lists); those that are None are left out.
    units : mapping, optional
        Dataset -> unit ("meV", "1/angstrom").
    signal, axes : optional
        The dataset to plot, and one dataset (or ".") per dimension of it.
    replace : bool
        Drop the earlier result instead of keeping it in the history.

    Raises
    ------
    ValueError
        For a kind, dataset, unit or axis that does not fit; a mistake of the caller.
    """
    attributes = {name: value for name, value in (attributes or {}).items() if value is not None}
    units = units or {}
    _check_description(kind, datasets, attributes, units, signal, axes)
    if replace:
        _drop(h5, kind, key)
    else:
        keep_history(h5, kind, key)
    home = _kind_group(h5, kind)
    group = home.create_group(_encode(key))
    group.attrs["NX_class"] = "NXdata"
    for name, value in datasets.items():
        dataset = _create(group, name, value)
        if name in units:
            dataset.attrs["units"] = units[name]
    if signal is not None:
        group.attrs["signal"] = signal
        group.attrs["axes"] = [*axes] or ["."] * np.ndim(np.asarray(datasets[signal]))
    for name, value in attributes.items():
        group.attrs[name] = value
    _write_provenance(group, provenance)
    home.attrs["default"] = _encode(key)
    h5["entry"].attrs["default"] = kind


def read_result(h5: h5py.File, kind: str, key: str, version: int | None = None) -> Result:
    """The current result of a key, or an earlier one by its number in `list_history`.

    Raises
    ------
    InputError
        When there is no such result, or its data are damaged.
    """
    group = _find(h5, kind, key, version)
    try:
        datasets = {n: _value(item) for n, item in group.items() if isinstance(item, h5py.Dataset)}
        attributes = {n: _attribute(group.attrs[n]) for n in group.attrs}
        units = {n: str(group[n].attrs["units"]) for n in datasets if "units" in group[n].attrs}
    except _DAMAGE as error:
        raise _damaged(h5, kind, key, error) from error
    return Result(
        kind=kind,
        key=key,
        datasets=datasets,
        provenance=read_provenance(h5, kind, key, version),
        attributes={n: v for n, v in attributes.items() if n not in _OWN_ATTRIBUTES},
        units=units,
        signal=attributes.get("signal"),
        axes=tuple(attributes.get("axes", ())),
    )


def read_attributes(h5: h5py.File, kind: str, key: str) -> dict[str, Any]:
    """The attributes of a current result, without reading its data; errors as in `read_result`."""
    group = _find(h5, kind, key, None)
    try:
        return {n: _attribute(group.attrs[n]) for n in group.attrs if n not in _OWN_ATTRIBUTES}
    except _DAMAGE as error:
        raise _damaged(h5, kind, key, error) from error


def read_dataset(h5: h5py.File, kind: str, key: str, name: str) -> Any:
    """One dataset of a current result without the others, None where it has no such.

    Errors as in `read_result`.
    """
    return read_datasets(h5, kind, key, (name,))[name]


def read_datasets(h5: h5py.File, kind: str, key: str, names: Sequence[str]) -> dict[str, Any]:
    """Some datasets of a current result, None for those that it does not have.

    Errors as in `read_result`.
    """
    group = _find(h5, kind, key, None)
    try:
        present = {name: group.get(name) for name in names}
        return {n: None if item is None else _value(item) for n, item in present.items()}
    except _DAMAGE as error:
        raise _damaged(h5, kind, key, error) from error


def read_provenance(h5: h5py.File, kind: str, key: str, version: int | None = None) -> Provenance:
    """What made a result, without reading its data; errors as in `read_result`."""
    group = _find(h5, kind, key, version)
    try:
        return Provenance.from_json(group[_PROVENANCE]["record"].asstr()[()])
    except _DAMAGE as error:
        raise _damaged(h5, kind, key, error) from error


def _damaged(h5: h5py.File, kind: str, key: str, error: Exception) -> InputError:
    return InputError(
        f"the result is damaged ({error})",
        file=h5.filename,
        key=f"{kind}/{key}",
        hint="make it again, or use a copy of the project",
    )


def list_results(h5: h5py.File, kind: str) -> list[str]:
    """Keys of the current results of a kind, numbers within them in numerical order."""
    _check_kind(kind)
    home = h5["entry"].get(kind)
    return sorted((_decode(name) for name in home), key=_natural) if home is not None else []


def has_result(h5: h5py.File, kind: str, key: str) -> bool:
    """Whether a key has a current result, without listing the others."""
    _check_kind(kind)
    return _path(kind, key) in h5


def list_history(h5: h5py.File, kind: str, key: str) -> list[int]:
    """Numbers of the earlier results of a key, oldest first (1, 2, …)."""
    _check_kind(kind)
    past = h5.get(_history_path(kind, key))
    return sorted(int(name) for name in past) if past is not None else []


def keep_history(h5: h5py.File, kind: str, key: str) -> int | None:
    """Move the current result of a key into its history.

    It goes to /entry/history/<kind>/<key>/<NNNN>; the highest number is the newest.

    Returns
    -------
    int or None
        Its number there; None when the key has no current result.
    """
    current = _path(kind, key)
    if current not in h5:
        return None
    number = max(list_history(h5, kind, key), default=0) + 1
    past = h5.require_group(_history_path(kind, key))
    for group in (past, past.parent, past.parent.parent):
        group.attrs["NX_class"] = "NXcollection"
    h5.move(current, f"{past.name}/{number:04d}")
    return number


def _drop(h5: h5py.File, kind: str, key: str) -> None:
    if _path(kind, key) in h5:
        del h5[_path(kind, key)]


def _check_kind(kind: str) -> None:
    if kind not in KINDS:
        raise ValueError(f"kind is {kind!r}, expected one of {', '.join(KINDS)}")


def _check_description(
    kind: str,
    datasets: Mapping[str, Value],
    attributes: Mapping[str, Any],
    units: Mapping[str, str],
    signal: str | None,
    axes: Sequence[str],
) -> None:
    _check_kind(kind)
    bad = [n for n in datasets if not n or "/" in n or n in (".", _PROVENANCE)]
    if bad:
        raise ValueError(f"{bad[0]!r} cannot name a dataset")
    reserved = _OWN_ATTRIBUTES.intersection(attributes)
    if reserved:
        raise ValueError(f"attributes {sorted(reserved)} are written by the project itself")
    named = {*units, *axes, *([signal] if signal else [])} - {"."}
    missing = named.difference(datasets)
    if missing:
        raise ValueError(f"no dataset {sorted(missing)} among {sorted(datasets)}")
    if axes and (signal is None or np.ndim(np.asarray(datasets[signal])) != len(axes)):
        raise ValueError(f"{len(axes)} axes do not fit the signal {signal!r}")


def _kind_group(h5: h5py.File, kind: str) -> h5py.Group:
    entry = h5["entry"]
    if kind not in entry:
        entry.create_group(kind).attrs["NX_class"] = "NXcollection"
    return entry[kind]


def _create(group: h5py.Group, name: str, value: Value) -> h5py.Dataset:
    if isinstance(value, str):
        return _create_text(group, name, value)
    array = np.asarray(value)
    if array.dtype.kind == "U" or (array.size == 0 and isinstance(value, list | tuple)):
        data = [str(text) for text in array.ravel()]
        return group.create_dataset(
            name, data=np.reshape(np.array(data, object), array.shape), dtype=h5py.string_dtype()
        )
    if array.dtype.kind not in "biufc":
        raise ValueError(f"dataset {name!r} of type {array.dtype} cannot be stored")
    if array.size < _COMPRESS_FROM:
        return group.create_dataset(name, data=array)
    return group.create_dataset(
        name, data=array, chunks=True, compression="gzip", compression_opts=1, shuffle=True
    )


def _write_provenance(group: h5py.Group, provenance: Provenance) -> None:
    process = group.create_group(_PROVENANCE)
    process.attrs["NX_class"] = "NXprocess"
    _create_text(process, "program", provenance.function)
    _create_text(process, "version", provenance.versions.get("ixs-suite", ""))
    _create_text(process, "date", provenance.created)
    _create_text(process, "record", provenance.to_json())


def _create_text(group: h5py.Group, name: str, text: str) -> h5py.Dataset:
    """A text of fixed length: HDF5 never takes back the room of texts of variable length."""
    content = text.encode("utf-8", "backslashreplace")
    dtype = h5py.string_dtype("utf-8", max(1, len(content)))
    return group.create_dataset(name, data=np.array(content, dtype=dtype), dtype=dtype)


def _find(h5: h5py.File, kind: str, key: str, version: int | None) -> h5py.Group:
    _check_kind(kind)
    place = _path(kind, key) if version is None else f"{_history_path(kind, key)}/{version:04d}"
    if place in h5:
        return h5[place]
    if version is not None:
        raise InputError(
            f"no version {version} in the history",
            file=h5.filename,
            key=f"{kind}/{key}",
            expected=f"one of {list_history(h5, kind, key)}",
        )
    present = list_results(h5, kind)
    close = get_close_matches(key, present, n=3)
    raise InputError(
        "no such result in the project",
        file=h5.filename,
        key=f"{kind}/{key}",
        found=f"{len(present)} {kind}",
        expected=f"perhaps {', '.join(close)}" if close else None,
    )


def _value(dataset: h5py.Dataset) -> Any:
    if h5py.check_string_dtype(dataset.dtype) is None:
        return dataset[()]
    text = dataset.asstr()[()]
    return text if isinstance(text, str) else text.tolist()


def _attribute(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, np.ndarray) and value.dtype.kind in "OSU":
        return [_attribute(item) for item in value]
    return value.item() if isinstance(value, np.generic) else value


def _path(kind: str, key: str) -> str:
    return f"/entry/{kind}/{_encode(key)}"


def _history_path(kind: str, key: str) -> str:
    return f"/entry/history/{kind}/{_encode(key)}"


def _encode(key: str) -> str:
    """A key as a name that HDF5 takes: "/", "%" and all beyond ASCII become %XX."""
    if not key:
        raise ValueError("the key of a result is empty")
    if key in (".", ".."):
        return key.replace(".", "%2E")
    return quote(key, safe=_KEY_SAFE, errors="surrogateescape")


def _decode(name: str) -> str:
    return unquote(name, errors="surrogateescape")


def _natural(key: str) -> list[tuple[int, int, str]]:
    """Sort key by which "9 Ana2" stands before "10 Ana1"."""
    parts = re.split(r"(\d+)", key)
    return [(1, int(part), "") if part.isdecimal() else (0, 0, part) for part in parts]
