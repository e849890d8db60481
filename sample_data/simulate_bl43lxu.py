"""SIMULATED raw scans as BL43LXU could have measured them on a CsCu2I3-like crystal.

`write_scans` writes one SPEC file with the crystal temperatures, monitor and counts of 28
analyzers, and beside it `truth.json` with everything that an analysis should find. Nothing in it
was measured. Energies: E_true = E_file - zero.

From a checkout: python -m sample_data.simulate_bl43lxu -o scans/ --seed 0
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from typing import Any

from ixs_reduce.circles import CIRCLES
from ixs_reduce.instrument import Instrument, load_instrument
from sample_data.simulated_array import INELASTIC, INELASTIC_SHARE
from sample_data.simulated_plan import FAULTS
from sample_data.simulated_scans import (
    BACKGROUND,
    EXPERIMENT,
    PER_MONITOR,
    SimulatedScan,
    simulate,
)
from sample_data.spec_writer import SpecBlock, spec_text

__all__ = ["EXPERIMENT", "FILE_NAME", "SimulatedScan", "main", "simulate", "truth", "write_scans"]

FILE_NAME = "simulated_CsCu2I3_bl43lxu.spec"
TRUTH_NAME = "truth.json"
NOTE = "SIMULATED data: computed by sample_data/simulate_bl43lxu.py of ixs-suite, not measured"

_START_EPOCH = 1_731_283_200.0
_OVERHEAD_S = 5.0


def write_scans(path: str | Path, seed: int = 0) -> Path:
    """Write the simulated SPEC file, and `truth.json` beside it.

    Parameters
    ----------
    path : path
        The file to write (.spec), or a folder, which is made when it is not there and into
        which goes simulated_CsCu2I3_bl43lxu.spec.
    seed : int
        Of the counting noise; the instrument and the crystal are the same for all seeds.

    Returns
    -------
    Path
        The SPEC file.
    """
    path = Path(path)
    if path.is_dir() or not path.suffix:
        path.mkdir(parents=True, exist_ok=True)
        path = path / FILE_NAME
    scans = simulate(seed)
    instrument = load_instrument(EXPERIMENT)
    comments = [
        NOTE,
        "SIMULATED crystal like CsCu2I3; instrument and crystal are described in truth.json",
    ]
    blocks = _blocks(scans, instrument)
    path.write_text(spec_text(path.name, comments, blocks), encoding="utf-8")
    facts = {"file": path.name, "seed": seed} | truth(scans)
    path.with_name(TRUTH_NAME).write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    return path


def truth(scans: tuple[SimulatedScan, ...]) -> dict[str, Any]:
    """What an analysis of the scans should find, as plain data.

    Returns
    -------
    dict
        "analyzers" -> name -> zero, efficiency, resolution (components, FWHM); "scans" -> list
        with angles and, per analyzer, Q, zero, elastic area, background and modes (meV;
        areas and amplitudes per monitor count with the analyzer's efficiency included);
        "faults" -> list of what was put in on purpose.
    """
    return {
        "note": NOTE,
        "convention": "E_true = E_file - zero_mev; strengths per monitor count (column i0), "
        "efficiency included; FWHM of S(E) before the resolution",
        "resolution_sample": {"inelastic_share": INELASTIC_SHARE, "inelastic": list(INELASTIC)},
        "analyzers": {
            analyzer.name: {
                "zero_mev": analyzer.zero_mev,
                "efficiency": analyzer.efficiency,
                "fwhm_mev": analyzer.resolution.fwhm_mev,
                "components": [list(part) for part in analyzer.resolution.components],
            }
            for analyzer in scans[0].array
        },
        "scans": [_scan_truth(scan) for scan in scans],
        "faults": [vars(fault) | {"points": list(fault.points)} for fault in FAULTS],
    }


def _scan_truth(scan: SimulatedScan) -> dict[str, Any]:
    plan = scan.plan
    return {
        "number": plan.number,
        "kind": plan.kind,
        "title": plan.title,
        "hkl": [float(value) for value in scan.hkl],
        "temperature_k": plan.temperature_k,
        "angles": scan.angles.as_dict(),
        "points": int(scan.monitor.size),
        "analyzers": {
            analyzer.name: {
                "q_hkl": scan.table.hkl[i].tolist(),
                "q_abs": float(scan.table.q_abs[i]),
                "zero_mev": float(scan.zeros_mev[i]),
                "elastic": float(scan.elastic[i]),
                "background": [PER_MONITOR * analyzer.efficiency * c for c in BACKGROUND],
                "modes": [
                    vars(mode) | {"overdamped": mode.fwhm_mev > 2 * mode.energy_mev}
                    for mode in scan.modes[i]
                ],
            }
            for i, analyzer in enumerate(scan.array)
        },
    }


def _blocks(scans: tuple[SimulatedScan, ...], instrument: Instrument) -> list[SpecBlock]:
    blocks, epoch = [], _START_EPOCH
    for scan in scans:
        blocks.append(_block(scan, instrument, epoch))
        epoch += 300 + scan.monitor.size * (scan.plan.seconds + _OVERHEAD_S)
    return blocks


def _block(scan: SimulatedScan, instrument: Instrument, epoch: float) -> SpecBlock:
    plan, names = scan.plan, [analyzer.name for analyzer in scan.array]
    slits = instrument.slits_mm or instrument.spectrometer.analyzer_size_mm
    temperature = {"Tsample": plan.temperature_k, "Tcontrol": plan.temperature_k}
    fields = [
        {f"{name}_{axis}": value for axis, value in zip("HKL", q, strict=True)}
        for name, q in zip(names, scan.table.hkl.tolist(), strict=True)
    ]
    aborted = f"Scan aborted after {scan.monitor.size} points." if plan.stopped_after else None
    return SpecBlock(
        number=plan.number,
        command=plan.command,
        epoch=epoch,
        seconds=plan.seconds,
        hkl=scan.hkl.tolist(),
        geometry=_geometry(instrument),
        motors=[scan.angles.as_dict(), dict(zip(("agaph", "agapv"), slits, strict=True))],
        fields=[temperature, *fields],
        labels=["Tmono", "Epoch", "Seconds", "i0", *(f"T{n}" for n in names), *names],
        rows=_rows(scan, epoch),
        comments=[f"SIMULATED data: {plan.title}, {plan.temperature_k:g} K"],
        closing=[aborted] if aborted else [],
    )


def _rows(scan: SimulatedScan, epoch: float) -> list[list[str]]:
    rows = []
    for point in range(scan.monitor.size):
        at = epoch + (point + 1) * (scan.plan.seconds + _OVERHEAD_S)
        row = [f"{scan.mono_k[point]:.6f}", f"{at:.0f}", f"{scan.plan.seconds:g}"]
        row.append(f"{scan.monitor[point]:.0f}")
        row += [f"{value:.6f}" for value in scan.analyzer_k[:, point]]
        row += [str(count) for count in scan.counts[:, point]]
        rows.append(row)
    return rows


def _geometry(instrument: Instrument) -> list[float]:
    """Lattice, reciprocal lattice (Å⁻¹ with 2π), hkl of both reflections, angles of both."""
    orientation = instrument.orientation
    cell = orientation.lattice.cell
    # The reciprocal cell of right angles; the simulated crystal is orthorhombic.
    reciprocal = [2 * math.pi / length for length in cell[:3]] + [90.0] * 3
    both = (orientation.or0, orientation.or1)
    indices = [value for reflection in both for value in reflection.hkl]
    found_at = [getattr(reflection.angles, name) for reflection in both for name in CIRCLES]
    return [*cell, *reciprocal, *indices, *found_at]


def main() -> None:
    """Write the scans from the command line."""
    parser = argparse.ArgumentParser(description=NOTE)
    parser.add_argument("-o", "--output", type=Path, default=Path(), help="folder or file")
    parser.add_argument("--seed", type=int, default=0, help="of the counting noise")
    arguments = parser.parse_args()
    print(write_scans(arguments.output, arguments.seed))


if __name__ == "__main__":
    main()
