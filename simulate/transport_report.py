"""What lifetimes and thermal conductivity contribute to the report page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure as Drawing

from ixs_core.arrays import FloatArray
from ixs_core.figure_style import BLUE, QUIET, VERMILLION, axes_at, styled, text_at
from ixs_core.project import Project
from ixs_core.report import Column, Figure, FigureStore, Section, Table, compose
from simulate.record_store import read_record, record_keys, title_of
from simulate.transport.green_kubo_store import GREEN_KUBO, POWER_LAW, read_green_kubo
from simulate.transport.kappa_from_flux import GreenKubo
from simulate.transport.measured_store import CONTENT as MEASURED
from simulate.transport.measured_store import MeasuredRecord, read_measured_kappa
from simulate.transport.power_law import PowerLaw
from simulate.transport.regimes import REGIMES, Lifetimes, RegimeLimits
from simulate.transport.regimes_store import read_regimes, regimes_keys
from simulate.transport.wigner_store import CONTENT as WIGNER
from simulate.transport.wigner_store import WignerRecord, read_wigner

_ORDER = 80
_KAPPA = "W m⁻¹ K⁻¹"


def transport_sections(project: Project, figures: FigureStore) -> list[Section]:
    """The sections on lifetimes and on conductivity, as far as the project holds them.

    Raises
    ------
    InputError
        When a result is damaged or the figures cannot be written.
    """
    with project.reading() as h5:
        regimes = {key: read_regimes(h5, key) for key in regimes_keys(h5)}
        wigner = {key: read_wigner(h5, key) for key in record_keys(h5, WIGNER)}
        measured = [read_measured_kappa(h5, key) for key in record_keys(h5, MEASURED)]
        fluxes = {
            title_of(h5, key): read_green_kubo(h5, key) for key in record_keys(h5, GREEN_KUBO)
        }
        laws = {
            title_of(h5, key): read_record(h5, key, PowerLaw) for key in record_keys(h5, POWER_LAW)
        }
    sections = [_lifetimes(regimes, figures)] if regimes else []
    parts = [
        *_wigner(wigner, figures),
        *_measured(measured),
        *_green_kubo(fluxes, figures),
        *_power_laws(laws, figures),
    ]
    if parts:
        counts = {
            "Wigner": len(wigner),
            "with measured widths": len(measured),
            "Green-Kubo": len(fluxes),
            "power laws": len(laws),
        }
        summary = ", ".join(f"{number} × {kind}" for kind, number in counts.items() if number)
        body = compose(*parts)  # type: ignore[arg-type]
        sections.append(Section("Thermal conductivity", "conductivity", _ORDER + 1, body, summary))
    return sections


def _lifetimes(
    found: Mapping[str, tuple[list[Lifetimes], RegimeLimits]], figures: FigureStore
) -> Section:
    from simulate.transport.regime_figures import regimes_figure

    parts: list[object] = []
    rows: list[list[str | float]] = []
    for key, (sources, limits) in found.items():
        name = key.removeprefix("kappa regimes ")
        caption = (
            f"{name}: lifetimes ħ/FWHM with the limits of Ioffe-Regel (τ = 1/ω) and Wigner "
            "(τ = 1/Δω_avg). Arrows: widths that are not resolved, so that the lifetime is at "
            "least this."
        )
        drawn = regimes_figure(sources, limits, name)
        parts.append(figures.add(Figure(f"regimes {name}", caption, drawn)))
        for one in sources:
            open_ = int((~one.decided(limits)).sum())
            shares = [100 * float(share) for share in one.shares(limits)]
            rows.append([name, one.name, len(one.energy_mev), open_, *shares])
    columns: list[Column | str] = [
        "At",
        "Source",
        Column("Lines"),
        Column("Open"),
        *(Column(regime, "%", ".1f") for regime in REGIMES),
    ]
    caption = (
        "Shares of modes in each regime. Open: widths known by a limit only, which leaves the "
        "regime open; the shares are of all others."
    )
    body = compose(*parts, Table(columns, rows, caption))  # type: ignore[arg-type]
    names = ", ".join(dict.fromkeys(str(row[1]) for row in rows))
    return Section("Lifetimes and regimes", "lifetimes", _ORDER, body, f"from {names}")


def _wigner(found: Mapping[str, WignerRecord], figures: FigureStore) -> list[object]:
    if not found:
        return []
    parts: list[object] = []
    rows: list[list[str | float]] = []
    for key, record in found.items():
        name = key.removeprefix("kappa wigner ")
        wrong = "" if record.variant == "wigner" else f" WRONG ON PURPOSE ({record.variant}):"
        caption = (
            f"{name}:{wrong} particle-like κ_p and wave-like κ_c carried by modes below each "
            f"energy, mean of the axes, at {float(record.temperature_k[0]):g} K."
        )
        parts.append(figures.add(Figure(f"wigner {name}", caption, _cumulative(record))))
        for row, kelvin in enumerate(record.temperature_k):
            values = [
                float(value)
                for kappa in (record.kappa_p[row], record.kappa_c[row])
                for value in np.diag(kappa)
            ]
            passed = "passed" if record.audit(row).passed else "FAILED"
            method = record.variant if record.variant != "wigner" else record.normalisation
            rows.append([name, method, float(kelvin), *values, passed])
        parts += [f"To know ({name}): {note}" for note in record.notes]
    columns: list[Column | str] = [
        "Linewidths",
        "Method",
        Column("T", "K", ".0f"),
        *(Column(f"κ_p {axis}", _KAPPA, ".3f") for axis in ("xx", "yy", "zz")),
        *(Column(f"κ_c {axis}", _KAPPA, ".3f") for axis in ("xx", "yy", "zz")),
        "Audit",
    ]
    caption = (
        "Wigner conductivity. The audit checks the symmetry of the tensors and that neither "
        "phases of eigenvectors nor the choice of the cell change them. Methods: mean, geometric "
        "(normalisation of the velocity operator); step, real_part, hwhm are wrong on purpose."
    )
    return [*parts, Table(columns, rows, caption)]


@styled
def _cumulative(record: WignerRecord) -> Drawing:
    """Mean of the axes of κ_p and κ_c below each energy, at the first temperature."""
    figure = Drawing(figsize=(6.0, 3.2))
    axes = axes_at(figure, 0.75, 0.35, 4.4, 2.25)
    for curves, colour, label in (
        (record.cumulative_p, BLUE, "particle-like κ_p"),
        (record.cumulative_c, VERMILLION, "wave-like κ_c"),
    ):
        mean: FloatArray = curves[0, :, :3].mean(axis=1)
        axes.plot(record.energy_mev, mean, color=colour, label=label)
    axes.set_xlim(0, record.energy_mev[-1])
    axes.set_ylim(bottom=0)
    axes.set_xlabel("Phonon energy (meV)")
    axes.set_ylabel(f"κ below E ({_KAPPA})")
    axes.legend(loc="upper left")
    text_at(figure, 0.75, 0.1, record.source, color=QUIET, fontsize=8)
    return figure


def _measured(found: Sequence[MeasuredRecord]) -> list[object]:
    if not found:
        return []
    columns: list[Column | str] = [
        "Measured lines",
        Column("T", "K", ".0f"),
        Column("κ_p", _KAPPA, ".3f"),
        Column("κ_c", _KAPPA, ".3f"),
        Column("κ_p + κ_c, 68 %", _KAPPA),
        Column("κ_p + κ_c, computed widths", _KAPPA, ".3f"),
        Column("Modes covered", "%", ".0f"),
    ]
    rows: list[list[str | float]] = []
    for one in found:
        low, high = (float(np.trace(tensor)) / 3 for tensor in one.band)
        rows.append(
            [
                f"{one.source}: {one.lines} widths, {one.limits} limits",
                one.temperature_k,
                float(np.trace(one.kappa_p)) / 3,
                float(np.trace(one.kappa_c)) / 3,
                f"{low:.3f} to {high:.3f}",
                float(np.trace(one.computed_p + one.computed_c)) / 3,
                100 * one.covered,
            ]
        )
    caption = (
        "Wigner conductivity (mean of the axes) with measured linewidths, their errors propagated; "
        "modes that no line covers keep the computed width."
    )
    return [Table(columns, rows, caption)]


def _green_kubo(found: Mapping[str, GreenKubo], figures: FigureStore) -> list[object]:
    if not found:
        return []
    from simulate.transport.green_kubo_figures import green_kubo_figure

    parts: list[object] = []
    rows: list[list[str | float]] = []
    for title, result in found.items():
        caption = f"{title}: correlation of the heat flux, its running integral, and the estimate."
        parts.append(figures.add(Figure(title, caption, green_kubo_figure(result))))
        x, y, z = (float(value) for value in result.per_axis)
        error = float(result.stderr)
        rows.append([title, result.method, float(result.kappa), error, x, y, z])
        rows[-1].append(result.integral.plateau_reason)
    columns: list[Column | str] = [
        "Fluxes",
        "Method",
        Column("κ", _KAPPA, ".3f"),
        Column("±", _KAPPA, ".3f"),
        *(Column(f"κ {axis}", _KAPPA, ".3f") for axis in ("xx", "yy", "zz")),
        "Plateau of the running integral",
    ]
    return [*parts, Table(columns, rows, "Conductivity from heat fluxes (Green and Kubo).")]


def _power_laws(found: Mapping[str, PowerLaw], figures: FigureStore) -> list[object]:
    if not found:
        return []
    from simulate.transport.kappa_figures import power_law_figure

    caption = "κ against temperature with the law a (T/300 K)ⁿ."
    drawn = figures.add(Figure("power laws", caption, power_law_figure(found)))
    columns: list[Column | str] = [
        "Series",
        Column("n", "", ".3f"),
        Column("±", "", ".3f"),
        Column("κ at 300 K", _KAPPA, ".3f"),
        Column("n, least to largest of windows"),
    ]
    rows: list[list[str | float]] = [
        [name, law.n, law.n_err, law.a, " to ".join(f"{n:.2f}" for n in law.n_range)]
        for name, law in found.items()
    ]
    return [drawn, Table(columns, rows, "Power laws by unweighted least squares.")]
