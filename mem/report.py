"""The report's section on electron densities."""

from __future__ import annotations

import numpy as np

from ixs_core.project import Project
from ixs_core.report import Column, Figure, FigureStore, Section, Table, compose, with_error
from mem.density_result import DensityResult
from mem.store import list_densities, read_density_result

_ORDER = 60
_WORST = 5


def sections(project: Project, figures: FigureStore) -> list[Section]:
    """The section on densities, when the project has any."""
    with project.reading() as h5:
        results = [read_density_result(h5, key) for key in list_densities(h5)]
    if not results:
        return []
    # Figures need matplotlib, which a project without densities should not wait for.
    from mem.figures import profile_figure, residual_figure, section_figure

    parts: list[object] = [_statistics(results)]
    for index in range(max(len(result.sections) for result in results)):
        shown = [result for result in results if len(result.sections) > index]
        caption = (
            f"Section {shown[0].sections[index].section.label} of the density; colours and "
            "contours (0.05, 0.1, 0.2, … e/Å³) are logarithmic and alike in all panels."
        )
        name = f"density section {index + 1}"
        parts.append(figures.add(Figure(name, caption, section_figure(results, index))))
    for kind in dict.fromkeys(path.kind for result in results for path in result.paths):
        caption = (
            f"Density along {kind}, relative to its highest point. Bands: standard "
            "uncertainty from resampled data, with the bias of the method added in quadrature. "
            "Dashed: the same data and settings where nothing hops. Dotted: the refined model."
        )
        parts.append(
            figures.add(Figure(f"density profile {kind}", caption, profile_figure(results, kind)))
        )
        parts += [
            f"{result.heading}: {path.claim}"
            for result in results
            for path in result.paths
            if path.kind == kind and path.claim
        ]
    parts += [_paths(results)] if any(result.paths for result in results) else []
    parts.append(_sites(results))
    for result in results:
        caption = (
            "Residuals of the structure factors. A maximum-entropy density that only fits the "
            "noise has Gaussian ones; heavy tails belong to the reflections listed below."
        )
        name = f"density residuals {result.name}"
        parts.append(figures.add(Figure(name, caption, residual_figure(result))))
    parts.append(_worst(results))
    parts += [f"To know ({r.heading}): {note}" for r in results for note in r.notes]
    names = ", ".join(result.heading for result in results)
    body = compose(*parts)  # type: ignore[arg-type]
    summary = f"{len(results)} maximum-entropy densities: {names}"
    return [Section("Electron density", "electron-density", _ORDER, body, summary)]


def _statistics(results: list[DensityResult]) -> Table:
    columns: list[Column | str] = [
        "Data",
        Column("Reflections"),
        Column("d min", "Å", ".3f"),
        Column("Grid"),
        Column("χ²", "", ".4f"),
        Column("R", "%", ".2f"),
        Column("wR", "%", ".2f"),
        "C₂, C₄, C₆, C₈",
        Column("S", "", ".4f"),
        "Prior, weights",
        "Solver",
        Column("Time", "s", ".1f"),
    ]
    rows = [
        (
            result.heading,
            int(s["reflections"]),
            float(s["d_min_angstrom"]),
            "×".join(str(n) for n in s["grid"]),
            float(s["chi2"]),
            100 * float(s["r_factor"]),
            100 * float(s["wr_factor"]),
            ", ".join(f"{float(s['moments'][order]):.3g}" for order in ("2", "4", "6", "8")),
            float(s["entropy"]),
            s["prior"] + (f", d^{s['weighting']:g}" if s["weighting"] else ""),
            f"{s['solver']}, {s['iterations']} steps",
            float(s["seconds"]),
        )
        for result in results
        for s in (result.statistics,)
    ]
    caption = (
        "Maximum-entropy reconstructions. χ² = Σ(ΔF/σ)²/N; C_n are the normalised moments of the "
        "residuals, 1 if they were Gaussian; S is the entropy, 0 for a density equal to its prior."
    )
    return Table(columns, rows, caption)


def _paths(results: list[DensityResult]) -> Table:
    columns: list[Column | str] = [
        "Data",
        "Path",
        Column("Lowest at", "Å", ".2f"),
        "ρ / ρ(peak)",
        Column("bias", "", ".4f"),
        Column("nothing hops", "", ".4f"),
        Column("model", "", ".4f"),
        "A channel?",
    ]
    rows = [
        (
            result.heading,
            path.name,
            m["distance_angstrom"],
            with_error(float(m["ratio"] or 0), m["sigma"]),
            m["bias"],
            m["null"],
            m["model"],
            "not tested" if m["claimed"] is None else bool(m["claimed"]),
        )
        for result in results
        for path in result.paths
        for m in (path.middle,)
    ]
    return Table(
        columns,
        rows,
        "The density where it is lowest if nothing hops, all relative to the peak; in its last "
        "digits the standard uncertainty from resampled data.",
    )


def _sites(results: list[DensityResult]) -> Table:
    columns: list[Column | str] = [
        "Data",
        "Site",
        Column("ρ at the maximum", "e/Å³", ".2f"),
        Column("from the refined site", "Å", ".3f"),
        Column("from the model's maximum", "Å", ".3f"),
        Column("Electrons in its basin", "", ".2f"),
        Column("of the neutral atom", "", ".2f"),
    ]
    rows = [
        (
            result.heading,
            site.label,
            site.density,
            site.distance_angstrom,
            site.model_distance_angstrom,
            site.electrons,
            site.charge_refined,
        )
        for result in results
        for site in result.sites
    ]
    return Table(
        columns,
        rows,
        "Maxima of the density at the refined sites. A skewed vibration moves the maximum of the "
        "model itself away from the site.",
    )


def _worst(results: list[DensityResult]) -> Table:
    rows = [
        (
            result.heading,
            " ".join(str(int(x)).replace("-", "−") for x in result.hkl[i]),
            float(result.d_spacing[i]),
            with_error(float(result.f_observed[i]), float(result.sigma[i])),
            float(result.residual[i]),
        )
        for result in results
        for i in np.argsort(-np.abs(result.residual))[:_WORST].tolist()
    ]
    columns: list[Column | str] = [
        "Data",
        "h k l",
        Column("d", "Å", ".3f"),
        "|F_o| (e)",
        Column("(|F| − |F_o|)/σ", "", ".2f"),
    ]
    return Table(columns, rows, f"The {_WORST} reflections that fit worst in each data set.")
