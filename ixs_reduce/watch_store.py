"""What a watcher writes into the project, and what of earlier results it may take the place of.

A scan that grows is written many times; only its newest state is kept. Everything else that the
project holds stays: results of other commands, and of other scans that had the same name, go into
the history, and fits that someone made of the very same data stay the current ones.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py

from ixs_core.project import list_results, read_provenance
from ixs_core.provenance import Provenance
from ixs_reduce.experiment_options import ReductionPlan, with_backgrounds, with_given_zeros
from ixs_reduce.fit_record import identical
from ixs_reduce.fitting import SpectrumFit
from ixs_reduce.scan import Scan
from ixs_reduce.scan_choice import Backgrounds, reduce_group
from ixs_reduce.spectrum import Spectrum
from ixs_reduce.store import (
    read_fits,
    read_scan,
    read_spectra,
    scan_key,
    write_fits,
    write_scan,
    write_spectra,
)
from ixs_reduce.watch_compare import continues

FUNCTION = "ixs watch"
"""Name of the watcher in the provenance of what it writes."""


@dataclass(frozen=True)
class WatchedScan:
    """A scan with its spectra and, where they are fitted, the fits of some of them.

    Parameters
    ----------
    path : Path
    scan : Scan
    finished : bool
    spectra : tuple of Spectrum
    fits : tuple of SpectrumFit
        Quick ones while the scan grows, those of the batch afterwards.
    settled : bool
        Whether the fits are those of the batch over all ended scans.
    """

    path: Path
    scan: Scan
    finished: bool
    spectra: tuple[Spectrum, ...]
    fits: tuple[SpectrumFit, ...] = ()
    settled: bool = False

    @property
    def key(self) -> str:
        """Its name in the project."""
        return scan_key(self.scan)


def spectra_of_scan(
    scan: Scan, plan: ReductionPlan, backgrounds: Backgrounds
) -> tuple[Spectrum, ...]:
    """The spectra of one scan, by the same steps as `ixs reduce`; errors as there."""
    return with_backgrounds(with_given_zeros(reduce_group((scan,), plan), plan), backgrounds)


def write_watched(h5: h5py.File, watched: WatchedScan, base: Provenance) -> None:
    """Store the present state of a scan: raw data, spectra, and quick fits while it grows.

    Parameters
    ----------
    h5 : h5py.File
        A project opened by `Project.writing`.
    watched : WatchedScan
    base : Provenance
        Settings and versions; the file of the scan is added.
    """
    key, scan = watched.key, watched.scan
    source = (scan.source.path.name, scan.source.sha256)
    provenance = dataclasses.replace(base, sources=(source, *base.sources))
    grows = _grows(h5, key, scan)
    write_scan(h5, scan, provenance, replace=grows and _made_by_watcher(h5, "scans", key))
    present = read_spectra(h5, key) if key in list_results(h5, "spectra") else ()
    if not same_spectra(present, watched.spectra):
        write_spectra(
            h5,
            key,
            watched.spectra,
            dataclasses.replace(provenance, parents=(f"scans/{key}",)),
            replace=grows and _made_by_watcher(h5, "spectra", key),
        )
    if watched.fits and not watched.settled:
        _write_fits(h5, key, watched.fits, base, grows)


def write_batch(
    h5: h5py.File, fits: Mapping[str, Sequence[SpectrumFit]], base: Provenance
) -> list[str]:
    """Store the fits of a batch, by key.

    Returns
    -------
    list of str
        Keys whose current fits are someone else's of the same data, and stay.
    """
    return [key for key, group in fits.items() if not _write_fits(h5, key, group, base, True)]


def same_spectra(one: Sequence[Spectrum], two: Sequence[Spectrum]) -> bool:
    """Whether two sets of spectra agree in numbers, circumstances and flags."""
    return len(one) == len(two) and all(
        _described(a) == _described(b) for a, b in zip(one, two, strict=True)
    )


def _write_fits(
    h5: h5py.File, key: str, fits: Sequence[SpectrumFit], base: Provenance, grows: bool
) -> bool:
    """Store fits unless the same are there; False when someone else's of these data are."""
    own = True
    if key in list_results(h5, "fits"):
        present = read_fits(h5, key)
        own = _made_by_watcher(h5, "fits", key)
        data = {fit.spectrum.analyzer: fit.spectrum.sha256 for fit in fits}
        if not own and all(data.get(f.spectrum.analyzer) == f.spectrum.sha256 for f in present):
            return False
        if len(present) == len(fits) and all(map(_same_fit, present, fits)):
            return True
    provenance = dataclasses.replace(base, parents=(f"spectra/{key}",))
    write_fits(h5, key, fits, provenance, replace=grows and own)
    return True


def _same_fit(one: SpectrumFit, two: SpectrumFit) -> bool:
    return same_spectra([one.spectrum], [two.spectrum]) and identical(one, two)


def _grows(h5: h5py.File, key: str, scan: Scan) -> bool:
    """Whether what stands under the key is an earlier state of this scan."""
    return key in list_results(h5, "scans") and continues(read_scan(h5, key), scan)


def _made_by_watcher(h5: h5py.File, kind: str, key: str) -> bool:
    return key in list_results(h5, kind) and read_provenance(h5, kind, key).function == FUNCTION


def _described(spectrum: Spectrum) -> tuple[object, ...]:
    return (
        spectrum.sha256,
        spectrum.analyzer,
        spectrum.scan,
        spectrum.file,
        spectrum.q_hkl,
        spectrum.dq_hkl,
        spectrum.q_abs,
        spectrum.temperature_k,
        spectrum.zero_mev,
        spectrum.zero_err,
        spectrum.flags,
    )
