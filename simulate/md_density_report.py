"""The section of the report on densities of simulations, beside reconstructed ones."""

from __future__ import annotations

from ixs_core.lattice import Lattice
from ixs_core.project import Project
from ixs_core.report import Column, Figure, FigureStore, Section, Table, compose
from mem.density_result import DensityResult
from mem.store import list_densities, read_density_result, read_stored_density
from simulate.md.density_map import MdDensity
from simulate.md.density_map_store import list_md_densities, read_md_density

_ORDER = 72


def md_density_section(project: Project, figures: FigureStore) -> list[Section]:
    """The section on densities of simulations, when the project holds any.

    Each is drawn at the points of the reconstruction that is nearest in temperature.

    Raises
    ------
    InputError
        When a result is damaged or the figures cannot be written.
    """
    with project.reading() as h5:
        ours = {key: read_md_density(h5, key) for key in list_md_densities(h5)}
        measured = [
            (read_density_result(h5, key), read_stored_density(h5, key).lattice)
            for key in (list_densities(h5) if ours else ())
        ]
    if not ours:
        return []
    parts: list[object] = [_table(ours)]
    for name, density in ours.items():
        if measured:
            parts += _beside(name, density, measured, figures)
        parts += [f"To know ({name}): {note}" for note in density.notes]
    body = compose(*parts)  # type: ignore[arg-type]
    summary = f"{len(ours)} densities of simulations: {', '.join(ours)}"
    return [Section("Density of simulations", "md-density", _ORDER, body, summary)]


def _table(ours: dict[str, MdDensity]) -> Table:
    columns: list[Column | str] = [
        "Run",
        Column("Temperature", "K"),
        Column("Frames"),
        Column("Electrons in the cell", "", ".2f"),
        Column("Highest", "e/Å³", ".1f"),
        Column("Lowest", "e/Å³", ".2g"),
    ]
    rows = [
        (
            name,
            "–" if density.temperature_k is None else f"{density.temperature_k:.0f}",
            density.n_frames,
            density.electrons,
            float(density.values.max()),
            float(density.values.min()),
        )
        for name, density in ours.items()
    ]
    return Table(columns, rows, "All cells and frames of a run folded into one cell, times f0.")


def _beside(
    name: str,
    density: MdDensity,
    measured: list[tuple[DensityResult, Lattice]],
    figures: FigureStore,
) -> list[object]:
    """Sections and profiles of a simulation and of the reconstruction at its temperature."""
    from mem.figures import profile_figure, section_figure
    from simulate.md.density_comparison import on_points_of
    from simulate.md.density_figures import BOTH_BANDS

    def apart(one: tuple[DensityResult, Lattice]) -> float:
        other = one[0].temperature_k
        known = density.temperature_k is not None and other is not None
        return abs(density.temperature_k - other) if known else float("inf")  # type: ignore[operator]

    other, lattice = min(measured, key=apart)
    pair = (on_points_of(density, other, lattice, name), other)
    what = f"{name} (simulation) and {other.heading} (reconstruction)"
    where = "at equal fractional coordinates, electrons per cell alike"
    parts: list[object] = []
    for index in range(len(other.sections)):
        caption = f"{what}: section {other.sections[index].section.label}, {where}."
        drawn = section_figure(pair, index)
        parts.append(figures.add(Figure(f"md density section {name} {index + 1}", caption, drawn)))
    for kind in dict.fromkeys(path.kind for path in other.paths):
        caption = (
            f"{what}: along {kind}, each relative to its highest point. The band of the simulation "
            "is the standard error from blocks of time."
        )
        drawn = profile_figure(pair, kind, BOTH_BANDS)
        parts.append(figures.add(Figure(f"md density profile {name} {kind}", caption, drawn)))
    return parts
