"""What the tab Density gives to files: figures of the core with the numbers they show. Qt-free."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gui.models.density_drawn import Cut, DrawnProfile, Scale
from gui.models.density_entries import LoadedDensity
from gui.plots.export import Export, TableData
from ixs_core.errors import InputError
from ixs_core.report_parts import anchor


def section_export(cuts: Sequence[Cut], scale: Scale) -> Export:
    """The sections side by side, and their values.

    Raises
    ------
    InputError
        There is no section.
    """
    from mem.figures import section_figure

    if not cuts:
        raise InputError("no section is shown", hint="choose a density")
    unit = "difference_e_per_A3" if scale == "difference" else "density_e_per_A3"
    rows = [row for cut in cuts for row in _section_rows(cut)]
    columns = ("density", "u_angstrom", "v_angstrom", "x", "y", "z", unit)
    figure = section_figure([cut.result for cut in cuts], scale=scale)
    return Export(figure, TableData(columns, rows), f"section_{anchor(cuts[0].section.label)}")


def _section_rows(cut: Cut) -> list[tuple[object, ...]]:
    section = cut.section
    u, v = np.meshgrid(section.u, section.v, indexing="ij")
    places = section.points(cut.lattice).reshape(-1, 3)
    table = np.column_stack([u.ravel(), v.ravel(), places, section.values.ravel()])
    return [(cut.name, *row) for row in table.tolist()]


def profile_export(profiles: Sequence[DrawnProfile]) -> Export:
    """The profiles along a path, and their numbers with uncertainties.

    Raises
    ------
    InputError
        There is no profile.
    """
    from mem.figures import RECONSTRUCTED_BAND, profile_figure
    from simulate.md.density_figures import BOTH_BANDS

    if not profiles:
        raise InputError("no profile is shown", hint="choose a density, and draw a path")
    kind = profiles[0].path.kind
    columns = (
        *("density", "distance_angstrom", "x", "y", "z", "density_e_per_A3", "sigma_e_per_A3"),
        *("band_e_per_A3", "null_e_per_A3", "model_e_per_A3", "peak_e_per_A3"),
    )
    rows = [row for one in profiles for row in _profile_rows(one)]
    simulated = any(one.loaded.entry.kind == "md" for one in profiles)
    band = BOTH_BANDS if simulated else RECONSTRUCTED_BAND
    figure = profile_figure([one.result for one in profiles], kind, band)
    return Export(figure, TableData(columns, rows), f"profile_{anchor(kind)}")


def _profile_rows(one: DrawnProfile) -> list[tuple[object, ...]]:
    path, profile = one.path, one.path.profile
    sigma = np.where(np.isfinite(profile.sigma), profile.sigma, np.nan)
    unknown = np.full(len(profile), np.nan)
    curves = [
        unknown if values is None else values for values in (path.band, path.null, path.model)
    ]
    table = np.column_stack(
        [profile.distance, profile.points, profile.density, sigma, *curves]
    ).tolist()
    # What is unknown is an empty cell, as spreadsheets have it.
    cells = [["" if value != value else value for value in row] for row in table]
    return [(one.loaded.entry.name, *row, path.peak) for row in cells]


def residual_export(loaded: LoadedDensity | None) -> Export:
    """The residuals of a reconstruction, reflection by reflection.

    Raises
    ------
    InputError
        There are none.
    """
    from mem.figures import residual_figure

    if loaded is None or not loaded.result.residual.size:
        raise InputError(
            "no residuals are shown", hint="they belong to reconstructions from structure factors"
        )
    result = loaded.result
    columns = ("h", "k", "l", "d_angstrom", "f_observed_e", "sigma_e", "residual_sigma")
    table = np.column_stack([result.d_spacing, result.f_observed, result.sigma, result.residual])
    rows = [
        (*hkl, *numbers) for hkl, numbers in zip(result.hkl.tolist(), table.tolist(), strict=True)
    ]
    name = f"residuals_{anchor(loaded.entry.name)}"
    return Export(residual_figure(result), TableData(columns, rows), name)
