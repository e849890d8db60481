"""What molecular dynamics contributes to the report page."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ixs_core.project import Project, read_provenance
from ixs_core.report import Column, Figure, FigureStore, Section, Table, compose, with_error
from ixs_core.terminal_tables import hkl_text
from simulate.md.diffusion_coefficient import Diffusion, diffusion_table
from simulate.md.displacements import MeanSquareDisplacement
from simulate.md.hop_statistics import HopRate
from simulate.md.mode_lines import ModeLinewidths
from simulate.md.phonon_comparison import PhononCurves
from simulate.md.project_results import md_result_key, md_results
from simulate.md.scattering_spectrum import DynamicStructureFactor
from simulate.md.vibrational_states import PhononDos

_ORDER = 70

Window = tuple[float, float] | None


def md_section(project: Project, figures: FigureStore) -> list[Section]:
    """The section on simulations, when the project holds results of any.

    Raises
    ------
    InputError
        When a result is damaged or the figures cannot be written.
    """
    with project.reading() as h5:
        scattering = md_results(h5, DynamicStructureFactor)
        phonons = md_results(h5, PhononCurves)
        states = md_results(h5, PhononDos)
        displaced = md_results(h5, MeanSquareDisplacement)
        hops = md_results(h5, HopRate)
        lines = md_results(h5, ModeLinewidths)
        windows: dict[str, Window] = {}
        for name in displaced:
            key = md_result_key(MeanSquareDisplacement, name)
            given = read_provenance(h5, "predictions", key).settings.get("window_ps")
            windows[name] = None if given is None else (float(given[0]), float(given[1]))
    if not (scattering or states or displaced or hops or lines):
        return []
    parts = [
        *_scattering(scattering, phonons, figures),
        *_states(states, figures),
        *_displacements(displaced, windows, figures),
        *_hops(hops),
        *_linewidths(lines),
    ]
    numbers = {
        "S(Q,E)": len(scattering),
        "states": len(states),
        "displacements": len(displaced),
        "hops": len(hops),
        "linewidths": len(lines),
    }
    counts = ", ".join(f"{number} × {kind}" for kind, number in numbers.items() if number)
    body = compose(*parts)  # type: ignore[arg-type]
    return [Section("Molecular dynamics", "molecular-dynamics", _ORDER, body, counts)]


def _scattering(
    found: Mapping[str, DynamicStructureFactor],
    phonons: Mapping[str, PhononCurves],
    figures: FigureStore,
) -> list[object]:
    from simulate.md.scattering_figures import scattering_figure

    parts: list[object] = []
    for number, (name, spectra) in enumerate(found.items(), start=1):
        lines = phonons.get(name)
        if lines is not None and not np.array_equal(lines.energy_mev, spectra.energy_mev):
            parts.append(f"To know ({name}): the phonons kept beside it are on other energies")
            lines = None
        beside = "" if lines is None else f" Dashed: {lines.source} in the same units, not scaled."
        kelvin = "" if spectra.temperature_k is None else f" at {spectra.temperature_k:.0f} K"
        caption = (
            f"{name}{kelvin}: inelastic S(Q,E) at the wave vectors that the simulated cell holds, "
            f"E > 0 energy loss, FWHM {spectra.fwhm_mev:.2g} meV, quantum correction "
            f"{spectra.quantum}.{beside}"
        )
        drawn = scattering_figure(spectra, lines)
        parts.append(figures.add(Figure(f"simulated scattering {number}", caption, drawn)))
    return parts


def _states(found: Mapping[str, PhononDos], figures: FigureStore) -> list[object]:
    if not found:
        return []
    from simulate.md.motion_figures import dos_figure

    parts: list[object] = []
    rows: list[list[str | float]] = []
    for name, states in found.items():
        caption = f"{name}: phonon density of states by element and direction, 3N in all."
        parts.append(figures.add(Figure(f"states {name}", caption, dos_figure(states))))
        softness = 1 / np.sqrt(states.mean_inverse_square())
        for element, maxima, soft in zip(
            states.elements, states.maximum_mev(), softness, strict=True
        ):
            energies = [float(energy) for energy in (*maxima, *soft)]
            rows.append([name, f"{states.temperature_k:.0f}", element, *energies])
    columns: list[Column | str] = [
        "Run",
        Column("Temperature", "K"),
        "Element",
        *(Column(f"Maximum {axis}", "meV", ".1f") for axis in "xyz"),
        *(Column(f"⟨E⁻²⟩^−½ {axis}", "meV", ".2f") for axis in "xyz"),
    ]
    caption = (
        "Where the states of each element lie. ⟨E⁻²⟩^−½ is the energy whose oscillator would move "
        "as far: the lower, the softer."
    )
    return [*parts, Table(columns, rows, caption)]


def _displacements(
    found: Mapping[str, MeanSquareDisplacement],
    windows: Mapping[str, Window],
    figures: FigureStore,
) -> list[object]:
    if not found:
        return []
    from simulate.md.motion_figures import displacement_figure

    parts: list[object] = []
    rows = []
    for name, displaced in found.items():
        coefficients = diffusion_table(displaced, windows[name])
        caption = f"{name}: mean-square displacements, and diffusion coefficients or 95 % limits."
        drawn = displacement_figure(displaced, coefficients)
        parts.append(figures.add(Figure(f"displacements {name}", caption, drawn)))
        rows += [(name, one.element, one.axis, *_stated(one)) for one in coefficients]
    columns: list[Column | str] = [
        "Run",
        "Element",
        "Along",
        Column("D", "cm²/s"),
        Column("±", "cm²/s"),
        Column("Below (95 %)", "cm²/s"),
        Column("Fitted", "ps"),
        Column("d ln MSD/d ln t", "", ".2f"),
    ]
    caption = (
        "Diffusion coefficients with errors from time blocks. Where the motion is not shown to be "
        "diffusive (last column 1), a limit stands for the value."
    )
    return [*parts, Table(columns, rows, caption)]


def _stated(one: Diffusion) -> tuple[str, str, str, str, float]:
    window = f"{one.window_ps[0]:.3g} to {one.window_ps[1]:.3g}"
    if one.upper_limit is not None:
        return "–", "–", f"{one.upper_limit:.1e}", window, one.log_log_slope
    error = "–" if np.isnan(one.stderr) else f"{one.stderr:.1e}"
    return f"{one.value:.2e}", error, "", window, one.log_log_slope


def _hops(found: Mapping[str, HopRate]) -> list[object]:
    if not found:
        return []
    columns: list[Column | str] = [
        "Run",
        Column("Completed hops"),
        Column("Watched", "ions × ps", ".0f"),
        Column("Rate", "per ion and ps"),
        Column("95 %", "per ion and ps"),
        Column("Residence", "ps"),
    ]
    rows = []
    for name, rate in found.items():
        low, high = rate.interval
        limit = rate.upper_limit
        told = f"{rate.per_ps:.2e}" if limit is None else "–"
        interval = f"{low:.1e} to {high:.1e}" if limit is None else f"< {limit:.1e}"
        stay = f"{rate.residence_ps:.3g}" if limit is None else f"> {1 / limit:.3g}"
        rows.append((name, rate.count, rate.time_ps, told, interval, stay))
    caption = (
        "Completed hops between sites: an ion has arrived within the core radius of another site."
    )
    return [Table(columns, rows, caption)]


def _linewidths(found: Mapping[str, ModeLinewidths]) -> list[object]:
    if not found:
        return []
    columns: list[Column | str] = [
        "Run",
        Column("h k l", "r.l.u."),
        Column("Branch"),
        Column("Harmonic", "meV", ".2f"),
        Column("Energy", "meV"),
        Column("FWHM", "meV"),
    ]
    rows: list[list[str | float]] = []
    for name, lines in found.items():
        run = name.split(" at ")[0]
        for i, hkl in enumerate(lines.q_hkl):
            known = np.flatnonzero(np.isfinite(lines.energy_mev[i]))
            for s in known[np.unique(lines.group[i, known], return_index=True)[1]]:
                energy = with_error(float(lines.energy_mev[i, s]), float(lines.energy_err[i, s]))
                branch, harmonic = int(lines.branch[s]), float(lines.harmonic_mev[i, s])
                place = hkl_text(hkl).replace("-", "−")
                rows.append([run, place, branch, harmonic, energy, _width(lines, i, s)])
    caption = (
        "Phonon branches of the simulations: velocities projected onto the eigenvectors of force "
        "constants, fitted with damped oscillators; the first of each degenerate group. Widths "
        "that are not resolved are 95 % limits."
    )
    return [Table(columns, rows, caption)]


def _width(lines: ModeLinewidths, i: int, s: int) -> str:
    upper = float(lines.fwhm_upper[i, s])
    if np.isfinite(upper):
        return f"< {upper:.2g}"
    return with_error(float(lines.fwhm_mev[i, s]), float(lines.fwhm_err[i, s]))
