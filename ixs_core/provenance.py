"""What made a result: function, settings, source files, parent results, versions, time."""

from __future__ import annotations

import hashlib
import json
import math
import platform
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, is_dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from ixs_core.errors import InputError

PACKAGES = ("ixs-suite", "numpy", "scipy", "h5py", "lmfit")
"""Packages whose versions every result records."""


@dataclass(frozen=True)
class Provenance:
    """What made a result.

    Parameters
    ----------
    function : str
        The command or function ("ixs reduce", "ixs_reduce.fit_spectrum").
    settings : mapping
        All its settings. Kept as JSON has them: paths as text, arrays and tuples as
        lists, and numbers that are not finite as the texts "nan", "inf", "-inf".
    sources : tuple of (name, sha256)
        Files it was made from.
    parents : tuple of str
        Results of the same project it was made from ("spectra/61 Ana5").
    versions : mapping
        Package -> version.
    created : str
        UTC time, ISO 8601.
    """

    function: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    sources: tuple[tuple[str, str], ...] = ()
    parents: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    created: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "settings", plain(self.settings))
        object.__setattr__(self, "sources", tuple((str(n), str(s)) for n, s in self.sources))
        object.__setattr__(self, "parents", tuple(self.parents))

    def to_json(self) -> str:
        """The record as JSON text."""
        return json.dumps(asdict(self), ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Provenance:
        """The record from its JSON text; InputError when the text is not one."""
        try:
            record = json.loads(text)
            return cls(**record)
        except (ValueError, TypeError) as error:
            raise InputError("this is not a provenance record", found=text[:60]) from error


def provenance_of(
    function: str,
    settings: Mapping[str, Any] | None = None,
    *,
    sources: Iterable[str | Path] = (),
    parents: Iterable[str] = (),
    packages: Iterable[str] = (),
) -> Provenance:
    """The record of a result made now.

    Parameters
    ----------
    function, settings, parents
        As in `Provenance`.
    sources : iterable of paths
        Files it was made from; their digests are taken here.
    packages : iterable of str
        Distributions whose versions are recorded besides `PACKAGES`.

    Raises
    ------
    InputError
        When a source file cannot be read.
    """
    paths = [Path(source) for source in sources]
    return Provenance(
        function=function,
        settings=settings or {},
        sources=tuple((path.name, sha256_of(path)) for path in paths),
        parents=tuple(parents),
        versions=versions_of((*PACKAGES, *packages)),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def versions_of(packages: Iterable[str]) -> dict[str, str]:
    """Versions of the installed ones among the packages, and of Python."""
    found = {package: _version(package) for package in packages}
    known = {package: number for package, number in found.items() if number}
    return {"python": platform.python_version(), **known}


@cache
def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def sha256_of(path: str | Path) -> str:
    """Digest of a file's content, as 64 hexadecimal digits; InputError when unreadable."""
    try:
        with open(path, "rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", file=path) from error


def plain(value: Any) -> Any:
    """A setting in the types that JSON has.

    Raises
    ------
    TypeError
        For a value with no such form, so that a setting is never recorded wrongly.
    """
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted((plain(item) for item in value), key=str)
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if hasattr(value, "model_dump"):
        return plain(value.model_dump(exclude_none=True))
    raise TypeError(f"a setting of type {type(value).__name__} cannot be recorded")
