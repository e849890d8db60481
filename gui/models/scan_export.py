"""The grid of a scan for paper: the report's figure, and every point as a row. Qt-free."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gui.models.document import SpectrumId
from gui.models.scan_grid import stored
from gui.plots.export import Export, LateExport, TableData

if TYPE_CHECKING:
    from ixs_reduce import Spectrum, SpectrumFit

_COLUMNS = (
    "scan",
    "analyzer",
    "h_rlu",
    "k_rlu",
    "l_rlu",
    "q_abs_inverse_angstrom",
    "energy_mev",
    "zero_mev",
    "counts",
    "exposure",
    "expected_counts",
    "masked",
)


def export_grid(
    key: str,
    spectra: Sequence[Spectrum],
    fits: Mapping[str, SpectrumFit],
    masked: frozenset[str],
) -> Export:
    """Figure and numbers of all spectra of a scan; masked ones stay without their fit.

    Energies are those of the file; the true one is energy_mev - zero_mev.
    """
    from ixs_reduce.figures_grid import spectra_grid

    shown = {name: fit for name, fit in fits.items() if name not in masked}
    drawn = [shown[name] for s in spectra if (name := s.analyzer or "") in shown]
    others = [s for s in spectra if (s.analyzer or "") not in shown]
    rows = [
        row
        for spectrum in spectra
        for row in _rows(spectrum, fits.get(spectrum.analyzer or ""), masked)
    ]
    return Export(spectra_grid(drawn, others), TableData(_COLUMNS, rows), _name(key))


def late_grid_export(
    path: Path,
    key: str,
    made_here: Mapping[SpectrumId, SpectrumFit | None],
    masked: frozenset[str],
) -> LateExport:
    """The same for a stored scan of very many points, read and drawn when it is written.

    made_here : fits that are not saved yet; None for one that was removed.
    """

    def make() -> Export:
        _, spectra, fits = stored(path, key, made_here)
        return export_grid(key, spectra, fits, masked)

    return LateExport(_name(key), make)


def _name(key: str) -> str:
    return f"{key}_spectra"


def _rows(
    spectrum: Spectrum, fit: SpectrumFit | None, masked: frozenset[str]
) -> list[tuple[object, ...]]:
    q = spectrum.q_hkl or (None, None, None)
    zero = fit.zero.value if fit is not None else spectrum.zero_mev
    expected: Mapping[float, float] = {}
    if fit is not None:
        expected = dict(
            zip(fit.spectrum.energy_mev.tolist(), fit.expected_counts.tolist(), strict=True)
        )
    return [
        (
            spectrum.scan,
            spectrum.analyzer,
            *q,
            spectrum.q_abs,
            energy,
            zero,
            counts,
            exposure,
            expected.get(energy),
            spectrum.analyzer in masked,
        )
        for energy, counts, exposure in zip(
            spectrum.energy_mev.tolist(),
            spectrum.counts.tolist(),
            spectrum.exposure.tolist(),
            strict=True,
        )
    ]
