"""The table of calculated modes that `ixs sqe` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulate.sqe_results import SqeResult

_NOTHING_E2 = 1e-12
"""Intensities below it are zero but for rounding."""

_SHOWN = 0.002
"""Modes above this share of the strongest I[n+1] are listed; --json and -o hold all."""


def show_modes(result: SqeResult) -> None:
    """Print the modes that scatter at each Q, and what is left out of them."""
    import numpy as np

    from ixs_core.terminal_tables import Column, hkl_text, print_table
    from simulate.phonons.modes import IMAGINARY_MEV

    lines = result.lines
    weight = lines.loss_intensity
    headings = ("h k l", "branch", "E (meV)", "I (e²)", "I [n+1] (e²)", "degenerate with")
    columns = [*([Column("analyzer")] if result.names else []), *(Column(h) for h in headings)]
    rows = []
    for i, hkl in enumerate(lines.q_hkl):
        shown = weight[i] >= max(_SHOWN * float(weight[i].max()), _NOTHING_E2)
        for s in np.flatnonzero(shown | lines.imaginary[i]):
            same = (lines.group[i] == lines.group[i, s]) & (np.arange(shown.size) != s)
            rows.append(
                [
                    *([result.names[i]] if result.names else []),
                    hkl_text(hkl),
                    str(lines.branch[i, s]),
                    "imaginary" if lines.imaginary[i, s] else f"{lines.energy_mev[i, s]:.3f}",
                    f"{lines.intensity[i, s]:.3g}",
                    f"{weight[i, s]:.3g}",
                    ", ".join(str(b) for b in lines.branch[i, same]) or "",
                ]
            )
    hidden = lines.energy_mev.size - len(rows)
    after = [
        result.title,
        "I: e² per primitive cell, without the Bose factor; E > 0: energy loss",
        f"{hidden} modes weaker than {_SHOWN:.1%} of the strongest at their Q are not shown",
    ]
    at_zero = np.abs(lines.energy_mev) <= IMAGINARY_MEV
    if at_zero.any():
        after.append(
            f"{int(at_zero.sum())} of them are acoustic at Γ, without energy: they belong to the "
            "Bragg peak, and diverge beside it"
        )
    if lines.imaginary.any():
        after.append(f"{int(lines.imaginary.sum())} imaginary modes: counted, not scattering")
    if result.distance is not None:
        after.insert(0, f"{len(lines.q_hkl)} Q along {result.distance[-1]:.3f} Å⁻¹")
    print_table(columns, rows if result.distance is None else rows[:200], after)
    if result.distance is not None and len(rows) > 200:
        print(f"only the first 200 of {len(rows)} lines are shown; -o FILE.csv holds all")
