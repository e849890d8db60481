"""Frozen dataclasses of arrays and small facts as results of a project, and back."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import h5py
import numpy as np

from ixs_core.errors import InputError
from ixs_core.project import (
    list_results,
    read_attributes,
    read_provenance,
    read_result,
    write_result,
)
from ixs_core.provenance import Provenance

Record = TypeVar("Record")

_FACTS = "facts"


def write_record(
    h5: h5py.File,
    key: str,
    record: Any,
    content: str,
    title: str,
    provenance: Provenance,
    *,
    units: Mapping[str, str] | None = None,
    signal: str | None = None,
    axes: Sequence[str] = (),
) -> None:
    """Store a frozen dataclass under /entry/predictions/<key>; an earlier one becomes history.

    Its arrays become datasets of their names, everything else one text in JSON.

    Parameters
    ----------
    h5 : h5py.File
        A project opened by `Project.writing`.
    key : str
    record : dataclass
        Of arrays, numbers, texts and tuples of these.
    content : str
        What marks results of this kind among the predictions.
    title : str
    provenance : Provenance
    units, signal, axes
        As for `write_result`, by the names of the arrays.
    """
    values = {field.name: getattr(record, field.name) for field in dataclasses.fields(record)}
    arrays = {name: value for name, value in values.items() if isinstance(value, np.ndarray)}
    facts = {name: _listed(value) for name, value in values.items() if name not in arrays}
    write_result(
        h5,
        "predictions",
        key,
        {**arrays, _FACTS: json.dumps(facts, ensure_ascii=False)},
        provenance=provenance,
        attributes={"title": title, "content": content},
        units=units,
        signal=signal,
        axes=axes,
    )


def read_record(h5: h5py.File, key: str, kind: type[Record], version: int | None = None) -> Record:
    """The dataclass stored under a key, equal to the one written.

    Raises
    ------
    InputError
        There is no such result, or it is damaged or something else.
    """
    data = dict(read_result(h5, "predictions", key, version).datasets)
    try:
        facts = json.loads(data.pop(_FACTS))
        return kind(**data, **{name: _tupled(value) for name, value in facts.items()})
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"this result cannot be read as {kind.__name__} ({error})",
            file=h5.filename,
            key=f"predictions/{key}",
            hint="make it again with the command that its provenance names",
        ) from error


def record_keys(h5: h5py.File, content: str) -> list[str]:
    """Keys of the stored results of a content."""
    return [
        key
        for key in list_results(h5, "predictions")
        if read_attributes(h5, "predictions", key).get("content") == content
    ]


def own_key(
    h5: h5py.File,
    content: str,
    file: Path,
    provenance: Provenance,
    more: str = "",
    kind: str = "predictions",
) -> str:
    """A key for the result of a file that is not that of another file's result.

    "<content> <stem><more>"; with the folder before the stem, then with the file's digest behind
    it, where a file of the same name but of another content has a result there.

    Parameters
    ----------
    h5 : h5py.File
    content : str
        Stands before the name; nothing, where the kind tells it.
    file : path
    provenance : Provenance
        Its first source is the file.
    more : str
        What else tells the result from others of its content.
    kind : str
        Of the result, one of the project's `KINDS`.
    """
    digest = provenance.sources[0][1] if provenance.sources else ""
    stem = file.name if file.is_dir() else file.stem
    names = [stem, f"{file.resolve().parent.name}/{stem}", f"{stem} {digest[:8]}"]
    keys = [f"{content} {name}{more}".lstrip() for name in names]
    present = set(list_results(h5, kind))
    for key in keys:
        if key not in present:
            return key
        sources = read_provenance(h5, kind, key).sources
        if sources and sources[0][1] == digest:
            return key
    return keys[-1]


def title_of(h5: h5py.File, key: str) -> str:
    """What a stored result is, for people."""
    return str(read_attributes(h5, "predictions", key).get("title", key))


def _listed(value: Any) -> Any:
    """A fact as JSON has it; numbers that are not finite stay as Python's JSON writes them."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, tuple | list):
        return [_listed(item) for item in value]
    return value


def _tupled(value: Any) -> Any:
    return tuple(_tupled(item) for item in value) if isinstance(value, list) else value
