"""How often the truth lies within the stated errors of a density: a study on synthetic truth.

For each way to reconstruct, several simulated measurements of the same crystal (hkl and σ like
those of real files at 300 and 500 K, with and without 4 % of the copper halfway) are
reconstructed with a bootstrap, and the profile from copper to copper is compared with the known
density.

    python -m benchmarks.coverage_density

writes benchmarks/coverage_density.json and prints the table of docs/density-uncertainty.md.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.atomic import atomic_write_text
from ixs_core.provenance import versions_of
from mem.channel import channel_claim, error_band
from mem.coarse_solution import Settings
from mem.uncertainty import Bootstrap, Centre, NullProfile, bootstrap, null_profile
from sample_data.synthetic_density import SyntheticTruth, synthetic_truth

RESULTS = Path(__file__).resolve().with_suffix(".json")
CASES = ((500.0, 0.04), (500.0, 0.0), (300.0, 0.0))
"""Temperatures of the crystals, and shares of their copper that is halfway."""
CENTRES: tuple[Centre, ...] = ("reconstruction", "data")

_COVERAGES = ("within_1_sigma", "within_2_sigma", "within_1_band", "within_2_band")

WAYS: dict[str, Settings] = {
    "uniform": {},
    "d⁴ weights": {"weighting": 4.0},
    "C₆": {"moments": {6: 1.0}},
    "procrystal": {"prior": "procrystal"},
}


@dataclass(frozen=True)
class Study:
    """How large a study is.

    Parameters
    ----------
    measurements : int
        Simulated data sets per way and crystal.
    samples : int
        Of each bootstrap.
    points : int
        Along the path.
    workers : int or None
    """

    measurements: int = 10
    samples: int = 10
    points: int = 41
    workers: int | None = None


def run(study: Study, ways: dict[str, Settings] = WAYS) -> dict[str, Any]:
    """Every way for every crystal: way -> "500 K, 4 %" -> numbers of `coverage`."""
    return {
        way: {
            f"{temperature:g} K, {100 * share:g} %": coverage(temperature, share, settings, study)
            for temperature, share in CASES
        }
        for way, settings in ways.items()
    }


def coverage(
    temperature_k: float,
    share: float,
    settings: Settings,
    study: Study,
    centre: Centre = "reconstruction",
) -> dict[str, Any]:
    """Coverage, spread and bias along the copper path for one way and one crystal.

    Returns
    -------
    dict
        "within_1_sigma", "within_2_sigma": share of points and measurements with |ρ - truth|
        below σ, 2σ; "within_1_band", "within_2_band": the same for √(σ² + bias²);
        "sigma_ratio": median of the mean bootstrap σ over the scatter of the measurements;
        "bias_over_scatter": root mean square of the bias over that scatter; "middle": numbers at
        the midpoint, relative to the peak; "claimed": share of measurements with a channel.
    """
    truth = synthetic_truth(temperature_k, share)
    path = copper_path(truth)
    options: dict[str, Any] = {"path_points": study.points, "workers": study.workers, **settings}
    null = null_profile(truth.reflections, path, study.samples, **options)
    runs: list[Bootstrap] = []
    for seed in range(study.measurements):
        start = runs[0].density.multipliers if runs else None
        data = truth.measured(seed)
        runs.append(
            bootstrap(data, study.samples, path, seed=seed, centre=centre, start=start, **options)
        )
    return _summary(runs, null, truth.density_at(null.profile.points))


def copper_path(truth: SyntheticTruth) -> FloatArray:
    """From the copper site to its neighbour along a, (2, 3) fractional."""
    structure = truth.reflections.structure
    if structure is None:
        raise ValueError("synthetic reflections have a model")
    copper = next(site for site in structure.sites if site.element == "Cu")
    x, y, z = copper.position
    return np.array([[x, y, z], [1 - x, y, z]])


def _summary(runs: list[Bootstrap], null: NullProfile, truth: FloatArray) -> dict[str, Any]:
    density = np.array([run.profile.density for run in runs])
    sigma = np.array([run.profile.sigma for run in runs])
    band = np.array([error_band(run, null) for run in runs])
    off = np.abs(density - truth)
    scatter = density.std(axis=0, ddof=1)
    bias = density.mean(axis=0) - truth
    claims = [channel_claim(run, null) for run in runs]
    middle = int(np.argmin(null.profile.density))
    true_ratio = truth / truth.max()
    return {
        "within_1_sigma": float(np.mean(off <= sigma)),
        "within_2_sigma": float(np.mean(off <= 2 * sigma)),
        "within_1_band": float(np.mean(off <= band)),
        "within_2_band": float(np.mean(off <= 2 * band)),
        "sigma_ratio": float(np.median(np.sqrt(np.mean(sigma**2, axis=0)) / scatter)),
        "bias_over_scatter": float(np.sqrt(np.mean((bias / scatter) ** 2))),
        "bias_at_peak": float((bias / truth)[np.argmax(truth)]),
        "middle": {
            "truth": float(true_ratio[middle]),
            "ratio": float(np.mean([claim.ratio for claim in claims])),
            "scatter": float(np.std([claim.ratio for claim in claims], ddof=1)),
            "sigma": float(np.mean([claim.sigma for claim in claims])),
            "null": claims[0].null,
            "model": claims[0].model,
            "threshold": float(np.mean([claim.threshold for claim in claims])),
        },
        "claimed": float(np.mean([claim.claimed for claim in claims])),
        "measurements": len(runs),
        "samples": int(np.mean([len(run.samples) for run in runs])),
    }


def main() -> None:
    """Run the study, write the JSON and print the tables."""
    parser = argparse.ArgumentParser(description="Coverage of the errors of densities")
    parser.add_argument("--measurements", type=int, default=Study.measurements)
    parser.add_argument("--samples", type=int, default=Study.samples)
    arguments = parser.parse_args()
    study = Study(arguments.measurements, arguments.samples)
    started = time.perf_counter()
    results = run(study)
    centres = {centre: coverage(*CASES[0], WAYS["uniform"], study, centre) for centre in CENTRES}
    record = {
        "measured": datetime.now(UTC).date().isoformat(),
        "seconds": round(time.perf_counter() - started, 1),
        "versions": versions_of(("numpy", "scipy")),
        "results": results,
        "centres": centres,
    }
    atomic_write_text(RESULTS, json.dumps(record, indent=1) + "\n")
    print(table(results))
    for centre, result in centres.items():
        print(f"noise about the {centre}: σ / scatter {result['sigma_ratio']:.2f}")
    print(f"{record['seconds']} s, written to {RESULTS}")


def table(results: dict[str, Any]) -> str:
    """The rows of the table in docs/density-uncertainty.md."""
    lines = []
    for way, cases in results.items():
        for case, r in cases.items():
            m = r["middle"]
            cells = [
                way,
                case,
                *(f"{100 * r[key]:.0f} %" for key in _COVERAGES),
                f"{r['sigma_ratio']:.2f}",
                f"{r['bias_over_scatter']:.1f}",
                f"{m['truth']:.4f}",
                f"{m['ratio']:.4f} ± {m['scatter']:.4f}",
                f"{m['null']:.4f}",
                f"{100 * r['claimed']:.0f} %",
            ]
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
