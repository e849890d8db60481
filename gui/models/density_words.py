"""What is said of a density beside its pictures: its numbers, notes, what a band is. Qt-free."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from gui.models.density_choices import PathChoice
from gui.models.density_drawn import DrawnProfile
from gui.models.density_entries import KIND_NAMES, LoadedDensity
from ixs_core.report_parts import with_error

NO_DENSITY = (
    "No density yet. Drop a CIF of structure factors here and press Reconstruct, drop a map "
    "(CCP4, cube, .pgrid), or make one with `ixs mem FILE.cif -o project.h5`."
)
NO_PATH = (
    "No path. Press Draw path and click its corners on the section, or type one above: "
    "Cu, Cu1 : I2, or points 0.35 0.5 0 : 0.65 0.5 0."
)


def description(loaded: LoadedDensity) -> str:
    """Numbers and notes of a density as HTML."""
    rows = [("Density", loaded.entry.name), ("From", KIND_NAMES[loaded.entry.kind])]
    if loaded.entry.temperature_k is not None:
        rows.append(("Temperature", f"{loaded.entry.temperature_k:g} K"))
    rows += _agreement(loaded.result.statistics)
    rows += _map(loaded)
    table = "".join(
        f"<tr><td>{escape(name)}&nbsp;&nbsp;</td><td>{escape(text)}</td></tr>"
        for name, text in rows
    )
    notes = [*loaded.result.notes]
    if loaded.sites_of:
        notes.insert(0, f"the sites shown are those of {loaded.sites_of}")
    listed = "".join(f"<li>{escape(note)}</li>" for note in notes)
    to_know = f"<p><b>To know</b></p><ul>{listed}</ul>" if notes else ""
    return f"<table>{table}</table>{to_know}"


def _agreement(statistics: Mapping[str, Any]) -> list[tuple[str, str]]:
    if "chi2" not in statistics:
        return []
    s = statistics
    weights = f", weights d^{s['weighting']:g}" if s["weighting"] else ""
    state = s["stopped"] or ("converged" if s["converged"] else "not converged")
    return [
        ("Reflections", f"{s['reflections']}, to d = {s['d_min_angstrom']:.3f} Å"),
        ("R, wR", f"{100 * s['r_factor']:.2f} %, {100 * s['wr_factor']:.2f} %"),
        ("χ²", f"{s['chi2']:.4f} (target {s['target']:g})"),
        ("Moments C4, C6", f"{s['moments']['4']:.3g}, {s['moments']['6']:.3g} (noise: 1)"),
        ("Entropy", f"{s['entropy']:.4f}".replace("-", "−")),
        ("Iterations", f"{s['iterations']}, {s['solver']}, {s['seconds']:.1f} s: {state}"),
        ("Prior", f"{s['prior']}{weights}"),
    ]


def _map(loaded: LoadedDensity) -> list[tuple[str, str]]:
    density = loaded.density
    a, b, c, *angles = density.cell
    values = density.values
    return [
        ("Cell", f"{a:.3f}, {b:.3f}, {c:.3f} Å; {', '.join(f'{x:.4g}°' for x in angles)}"),
        ("Grid", " × ".join(str(n) for n in density.shape)),
        ("Electrons per cell", f"{density.electrons:.2f}"),
        ("ρ", f"{float(values.min()):.2g} to {float(values.max()):.4g} e/Å³".replace("-", "−")),
    ]


def path_words(drawn: Sequence[DrawnProfile], path: PathChoice) -> str:
    """What may be said of the profiles that are shown: the claim, or why there is no band."""
    words = []
    for one in drawn:
        prefix = f"{one.loaded.entry.name}: " if len(drawn) > 1 else ""
        words.append(prefix + (one.path.claim or _without_claim(one, path)))
    unique = list(dict.fromkeys(words))
    return "\n".join(unique)


def _without_claim(one: DrawnProfile, path: PathChoice) -> str:
    lowest = one.path.middle
    ratio, sigma = lowest.get("ratio"), lowest.get("sigma")
    at = lowest.get("distance_angstrom")
    facts = ""
    if ratio is not None and at is not None:
        number = with_error(float(ratio), None if sigma is None else float(sigma))
        facts = f"Lowest between its ends: {number} of the {_peak(one)}, at {float(at):.2f} Å. "
    if one.loaded.entry.kind == "md":
        return f"{facts}The band is the standard error from blocks of time."
    if one.loaded.entry.kind == "file":
        return f"{facts}A map from a file has no σ: no band."
    if one.path.band is not None:
        return f"{facts}Band: noise (σ) alone; there is no null to compare with."
    missing = "no σ band is" if one.path.null is not None else "no σ band and no null are"
    return (
        f"{facts}As {missing} known along this path, nothing may be claimed. "
        f'Set Resamplings in Reconstruct, or: ixs mem FILE.cif --path "{path.text}" '
        "--bootstrap 50 -o project.h5"
    )


def _peak(one: DrawnProfile) -> str:
    label = one.path.peak_label
    return "highest point" if label == "highest" else f"{label} peak"
