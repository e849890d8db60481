"""What a project holds, by name: read in one go when it is opened or changed. Qt-free."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import h5py

from ixs_core.jobs import CancelToken, Progress
from ixs_core.project import KINDS, Project, list_results, read_dataset

Stamp = tuple[int, int, int]
"""By what a change of a file is noticed: inode, size, time."""


@dataclass(frozen=True)
class Contents:
    """The keys of a project's results, and the analyzers of its spectra and fits.

    Parameters
    ----------
    keys : mapping
        Kind -> keys, numbers within them in numerical order.
    analyzers : mapping
        Key of spectra -> names, in stored order.
    fitted : mapping
        Key -> names of the analyzers that have a stored fit.
    stamp : Stamp
    """

    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    analyzers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    fitted: Mapping[str, frozenset[str]] = field(default_factory=dict)
    stamp: Stamp = (0, 0, 0)

    @property
    def scans(self) -> tuple[str, ...]:
        """Keys of everything measured: raw scans, and spectra merged of several."""
        spectra, scans = self.keys.get("spectra", ()), self.keys.get("scans", ())
        return tuple(dict.fromkeys((*spectra, *scans)))


def read_contents(
    path: Path, *, progress: Progress | None = None, cancel: CancelToken | None = None
) -> Contents:
    """The contents of a project file.

    Raises
    ------
    InputError
        When it cannot be read.
    """
    stamp = stamp_of(path)  # first: a change while it is read is to be noticed afterwards
    with Project(path).reading() as h5:
        keys = {kind: tuple(list_results(h5, kind)) for kind in KINDS}
        analyzers = {key: _analyzers(h5, "spectra", key) for key in keys["spectra"]}
        fitted = {key: frozenset(_analyzers(h5, "fits", key)) for key in keys["fits"]}
    return Contents(keys, analyzers, fitted, stamp)


def stamp_of(path: Path) -> Stamp:
    """By what a change of a file is noticed; zeros when it is not there."""
    try:
        stat = path.stat()
    except OSError:
        return (0, 0, 0)
    return (stat.st_ino, stat.st_size, stat.st_mtime_ns)


def _analyzers(h5: h5py.File, kind: str, key: str) -> tuple[str, ...]:
    return tuple(read_dataset(h5, kind, key, "analyzer") or ())
