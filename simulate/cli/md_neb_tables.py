"""What `ixs md neb` prints and writes."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simulate.md.barriers import Barrier, IonPotential
    from simulate.md.ion_jumps import IonJump
    from simulate.md.neb import JumpBarriers


_ROUNDING = 1e-6  # meV/Å^n: zero by symmetry


def neb_record(found: JumpBarriers, potentials: Mapping[str, IonPotential]) -> dict[str, Any]:
    """Barriers with their images, and potentials of one ion, as JSON has them."""
    from ixs_core.provenance import plain

    crystal = None
    if found.crystal is not None:
        crystal = {
            "moved_angstrom": found.crystal.moved_a,
            "gain_mev_atom": found.crystal.gain_mev_atom,
            "converged": found.crystal.converged,
        }
    record: dict[str, Any] = plain(
        {
            "jumps": [_jump(jump, found.barriers[jump.name]) for jump in found.jumps],
            "crystal": crystal,
            "one_ion": {name: _potential(one) for name, one in potentials.items()},
            "notes": list(found.notes),
        }
    )
    return record


def _jump(jump: IonJump, barrier: Barrier) -> dict[str, Any]:
    return {
        "direction": jump.name,
        "element": jump.element,
        "ion": jump.ion,
        "target": jump.target,
        "jump_angstrom": jump.length_a,
        "barrier_mev": barrier.barrier_mev,
        "reverse_mev": barrier.reverse_mev,
        "error_mev": barrier.error_mev,
        "force_ev_angstrom": barrier.force_ev_a,
        "converged": barrier.converged,
        "climbed": barrier.climbed,
        "steps": barrier.steps,
        "images": [
            {
                "distance_angstrom": float(distance),
                "energy_mev": float(energy),
                "slope_mev_angstrom": float(slope),
                "force_ev_angstrom": float(force),
            }
            for distance, energy, slope, force in _images(barrier)
        ],
    }


def _images(barrier: Barrier) -> Any:
    return zip(
        barrier.distance,
        barrier.energy_mev,
        barrier.slope_mev_a,
        barrier.image_force_ev_a,
        strict=True,
    )


def _potential(one: IonPotential) -> dict[str, Any]:
    return {
        "order": one.order,
        "aic": {str(order): value for order, value in one.aic.items()},
        "coefficients_mev_angstrom": one.coefficients.tolist(),
        "rms_mev": one.rms_mev,
        "displacement_angstrom": one.displacement.tolist(),
        "energy_mev": one.energy_mev.tolist(),
    }


def write_images(path: Path, found: JumpBarriers) -> None:
    """A CSV of the images of all paths."""
    with path.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        names = "direction,image,distance_angstrom,energy_mev,slope_mev_angstrom,force_ev_angstrom"
        writer.writerow(names.split(","))
        for name, barrier in found.barriers.items():
            for number, row in enumerate(_images(barrier)):
                writer.writerow([name, number, *(f"{value:.6g}" for value in row)])


def show_barriers(found: JumpBarriers, potentials: Mapping[str, IonPotential]) -> None:
    """Tables of the barriers, of the images, and of the potentials of one ion."""
    from ixs_core.terminal_tables import Column, print_table

    rows, images = [], []
    for jump in found.jumps:
        barrier = found.barriers[jump.name]
        rows.append(
            [
                jump.name,
                f"{jump.ion} → {jump.target}",
                f"{jump.length_a:.2f}",
                f"{barrier.barrier_mev:.1f}",
                f"{barrier.reverse_mev:.1f}",
                f"{barrier.error_mev:.1f}",
                f"{barrier.force_ev_a:.3f}",
                str(barrier.steps),
            ]
        )
        for number, (distance, energy, _, force) in enumerate(_images(barrier)):
            name = jump.name if number == 0 else ""
            images.append(
                [name, str(number), f"{distance:.2f}", f"{energy + 0.0:.1f}", f"{force:.3f}"]
            )
    named = (Column("along", text=True), Column(f"{found.jumps[0].element} ion", text=True))
    heights = ("jump (Å)", "barrier (meV)", "back (meV)", "±", "left (eV/Å)", "steps")
    print_table((*named, *map(Column, heights)), rows)
    print()
    profile = ("image", "path (Å)", "energy (meV)", "left (eV/Å)")
    print_table((Column("along", text=True), *map(Column, profile)), images, found.notes)
    if potentials:
        print()
        _show_potentials(potentials)


def _show_potentials(potentials: Mapping[str, IonPotential]) -> None:
    from ixs_core.terminal_tables import Column, print_table

    powers = "⁰¹²³⁴"
    rows = [
        [
            name,
            str(one.order),
            *(_coefficient(one, k) for k in range(1, 5)),
            f"{one.rms_mev:.2g}",
            *(f"{one.aic[order]:.1f}" for order in (2, 4)),
        ]
        for name, one in potentials.items()
    ]
    numbers = (
        "order",
        *(f"u{powers[k]} (meV/Å{powers[k]})" if k > 1 else "u (meV/Å)" for k in range(1, 5)),
        *("rms (meV)", "AIC 2nd", "AIC 4th"),
    )
    after = ["one ion about its given site, all others at rest; the smaller AIC is taken"]
    print_table((Column("along", text=True), *map(Column, numbers)), rows, after)


def _coefficient(one: IonPotential, power: int) -> str:
    if power > one.order:
        return "–"
    value = float(one.coefficients[power])
    return "0" if abs(value) < _ROUNDING else f"{value:.4g}"
