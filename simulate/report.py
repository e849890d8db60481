"""What predictions contribute to the report page: dispersions, plans, simulations, overlays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ixs_core.report import Column, Figure, FigureStore, Section, Table, compose
from ixs_core.terminal_tables import hkl_text
from simulate.md_density_report import md_density_section
from simulate.md_report import md_section
from simulate.overlay_report import overlay_section
from simulate.planning.figures import expected_spectra_grid, map_of_plan
from simulate.planning.store import StoredPlan, plan_keys, read_plan_result
from simulate.sqe_figures import figure_of
from simulate.sqe_results import SqeResult, read_sqe, sqe_keys
from simulate.transport_report import transport_sections

if TYPE_CHECKING:
    from ixs_core.project import Project

_ORDER_CALCULATED = 45
_ORDER_PLANNED = 50
_PICTURED = 2
_LISTED = 12


def sections(project: Project, figures: FigureStore) -> list[Section]:
    """The sections on predictions of a project, for the entry point `ixs.report`.

    Raises
    ------
    InputError
        When the project is damaged or the figures cannot be written.
    """
    with project.reading() as h5:
        results = {key: read_sqe(h5, key) for key in sqe_keys(h5)}
        plans = {key: read_plan_result(h5, key) for key in plan_keys(h5)}
    found = [_calculated(results, figures)] if results else []
    found += [_planned(key, plan, figures) for key, plan in plans.items()]
    found += md_section(project, figures)
    found += md_density_section(project, figures)
    found += overlay_section(project, figures)
    return [*found, *transport_sections(project, figures)]


def _calculated(results: dict[str, SqeResult], figures: FigureStore) -> Section:
    parts: list[object] = []
    for key, result in results.items():
        shows = (
            "Branches along the path; every point is as large as the mode's one-phonon x-ray "
            "intensity with its Bose factor."
            if result.distance is not None and result.sqe is None
            else "Calculated S(Q,E) through the resolution, without elastic line and background."
        )
        parts.append(
            figures.add(
                Figure(f"calculated {key}", f"{result.title}: {key}. {shows}", figure_of(result))
            )
        )
        if result.distance is None:
            parts.append(_strongest(result))
    names = ", ".join(dict.fromkeys(result.title for result in results.values()))
    return Section(
        "Calculated S(Q,E)",
        "calculated-sqe",
        _ORDER_CALCULATED,
        compose(*parts),  # type: ignore[arg-type]
        f"{len(results)} calculated: {names}",
    )


def _strongest(result: SqeResult) -> Table:
    """The strongest modes of a list of Q."""
    lines = result.lines
    weight = lines.loss_intensity
    order = np.argsort(weight, axis=None)[::-1][:_LISTED]
    rows = []
    for flat in order.tolist():
        i, s = divmod(flat, weight.shape[1])
        rows.append(
            (
                result.names[i] if result.names else "–",
                hkl_text(lines.q_hkl[i]).replace("-", "−"),
                int(lines.branch[i, s]),
                float(lines.energy_mev[i, s]),
                float(weight[i, s]),
            )
        )
    columns: list[Column | str] = [
        "Analyzer",
        Column("h k l", "r.l.u."),
        Column("Branch"),
        Column("Energy", "meV", ".2f"),
        Column("I [n+1]", "e² per primitive cell", ".1f"),
    ]
    return Table(columns, rows, f"The {len(rows)} strongest modes.")


def _planned(key: str, plan: StoredPlan, figures: FigureStore) -> Section:
    record = plan.record
    rows = [
        (
            setting["rank"],
            hkl_text(setting["hkl"]).replace("-", "−"),
            float(setting["hours"]),
            _purpose(setting),
            setting["mv"],
        )
        for setting in record["settings"]
    ]
    columns: list[Column | str] = [
        Column("Rank"),
        Column("Arm at h k l", "r.l.u."),
        Column("Counting", "h", ".2f"),
        "What it is for: analyzer, q, branch, energy ± σ (meV)",
        "To type",
    ]
    scan = record["scan"]
    table = Table(
        columns,
        rows,
        f"{record['total_hours']:.1f} h in all, with {record['move_hours']:g} h per move; scan "
        f"{scan['from_mev']:g} to {scan['to_mev']:g} meV, {scan['points']} points; "
        f"{record['temperature_k']:g} K. No choice among the {record['settings_compared']} "
        f"settings compared takes less than {record['lower_bound_hours']:.1f} h.",
    )
    parts: list[object] = [f"From {record['source']}.", table]
    for number, picture in enumerate(plan.pictures.settings[:_PICTURED], start=1):
        used = {t["analyzer"] for t in record["settings"][number - 1]["targets"] if t["assigned"]}
        parts.append(
            figures.add(
                Figure(
                    f"{key} setting {number}",
                    f"{picture.title}: what every analyzer will have counted, with √counts as "
                    "bars. Analyzers in bold are those that the plan counts on.",
                    expected_spectra_grid(picture.panels, picture.title, used),
                )
            )
        )
    parts.append(
        figures.add(
            Figure(
                f"{key} map",
                f"Hours to the wanted precision for {plan.pictures.zones_title}, in every zone "
                "near reach, and what the array sees at the first settings (orange).",
                map_of_plan(plan.pictures),
            )
        )
    )
    parts += [f"To know: {text}" for text in record["warnings"]]
    summary = f"{len(rows)} settings, {record['total_hours']:.1f} h: {record['source']}"
    title = "Plan" if key == "plan" else f"Plan {key.removeprefix('plan ')}"
    anchor = "".join(c if c.isalnum() else "-" for c in key)
    return Section(title, anchor, _ORDER_PLANNED, compose(*parts), summary)  # type: ignore[arg-type]


def _purpose(setting: dict[str, Any]) -> str:
    """Targets that the plan counts on at a setting, in words."""
    return "; ".join(
        f"{t['analyzer']} ({' '.join(f'{x:.4g}' for x in t['q_hkl'])}) {t['branch']}: "
        f"{t['energy_mev']:.2f}±{t['sigma_energy_mev']:.2f}".replace("-", "−")
        for t in setting["targets"]
        if t["assigned"]
    )
