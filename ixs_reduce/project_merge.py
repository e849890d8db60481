"""Sum repeats that a project holds into one set of spectra."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import h5py

from ixs_core.errors import InputError
from ixs_core.jobs import CancelToken, Progress
from ixs_core.project import Project, has_result
from ixs_core.provenance import provenance_of
from ixs_reduce.merging import DEFAULT, Tolerances, check_slits, merge
from ixs_reduce.project_reduce import from_scans
from ixs_reduce.scan import Flag, Scan
from ixs_reduce.spectrum import Spectrum
from ixs_reduce.store import (
    merged_key,
    read_scan,
    read_spectra,
    write_spectra,
)


def merge_in_project(
    project: Project,
    keys: Sequence[str],
    masks: Mapping[str, frozenset[str]] | None = None,
    *,
    tolerances: Tolerances = DEFAULT,
    made_by: str = "ixs merge",
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> str:
    """Sum the stored spectra of several scans, analyzer by analyzer, and store the sum.

    Zeros, backgrounds and efficiencies are those with which the scans were reduced.

    Parameters
    ----------
    project : Project
    keys : sequence of str
        Of raw scans with spectra, two or more.
    masks : mapping, optional
        Key -> masked analyzers: their spectra are left out of the sum, and a flag says so.
    tolerances : Tolerances
        How far repeats may differ.
    made_by : str
        For the provenance.

    Returns
    -------
    str
        The key of the sum.

    Raises
    ------
    InputError
        When fewer than two are given, a set has been merged already, the scans differ in
        analyzers, Q, temperature or slits, or the project cannot be written.
    Cancelled
    """
    masks = masks or {}
    with project.reading() as h5:
        scans = [_scan(h5, key) for key in keys]
        spectra = {key: read_spectra(h5, key) for key in keys}
    if len(scans) < 2:
        raise InputError("one scan is not merged", found=len(scans), expected="two scans or more")
    check_slits(scans, tolerances)
    by_name: dict[str | None, list[tuple[str, Spectrum]]] = {}
    for key in keys:
        for spectrum in spectra[key]:
            by_name.setdefault(spectrum.analyzer, []).append((key, spectrum))
    merged = []
    for done, (name, group) in enumerate(by_name.items()):
        if cancel is not None:
            cancel.check()
        if progress is not None:
            progress(done, len(by_name), str(name))
        merged += _summed(str(name), group, masks, tolerances)
    if not merged:
        raise InputError("every analyzer of these scans is masked")
    key = merged_key(scans)
    settings = {"tolerances": tolerances, "masks": {k: sorted(masks.get(k, ())) for k in keys}}
    provenance = replace(
        from_scans(provenance_of(made_by, settings), scans),
        parents=tuple(f"spectra/{parent}" for parent in keys),
    )
    with project.writing() as h5:
        write_spectra(h5, key, merged, provenance)
    return key


def _scan(h5: h5py.File, key: str) -> Scan:
    if not has_result(h5, "spectra", key):
        raise InputError(f"{key} has no spectra", file=h5.filename, hint="reduce it first")
    if not has_result(h5, "scans", key):
        raise InputError(
            f"{key} has been merged already",
            file=h5.filename,
            hint="choose the scans that it was made of",
        )
    return read_scan(h5, key)


def _summed(
    name: str,
    group: Sequence[tuple[str, Spectrum]],
    masks: Mapping[str, frozenset[str]],
    tolerances: Tolerances,
) -> list[Spectrum]:
    """The sum of one analyzer's spectra; none where all are masked."""
    kept = [spectrum for key, spectrum in group if name not in masks.get(key, frozenset())]
    if not kept:
        return []
    # With one left the sum is that spectrum: it is not binned, and keeps its name.
    total = merge(kept, None, tolerances)
    masked = [s.scan or key for key, s in group if name in masks.get(key, frozenset())]
    if masked:
        text = f"masked in scan {', '.join(masked)}, which is left out of the sum"
        total = total.with_flags((Flag("masked", text, name),))
    return [total]
