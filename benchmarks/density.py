"""Maximum-entropy reconstruction: the real data sets at 0.05 Å, and how time and memory grow.

The real data need the development data (`IXS_SHARED`). Peak memory is that of a process of its
own, Python and libraries included. One thread for BLAS: start with OMP_NUM_THREADS=1.

Sakata-Sato on the fine grid would take a quarter of an hour: its time is that of a number of its
iterations on the fine grid, per iteration, times the number that it needs on a coarse grid
(the iteration on multipliers does not depend on the grid but for aliasing).
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time

import numpy as np

from benchmarks.timing import Measurement
from ixs_core.lattice import Lattice
from ixs_core.symmetry import Symmetry
from mem.entropy import EntropyDual
from mem.problem import Problem
from mem.read import read_reflections
from mem.reconstruct import reconstruct
from mem.reflection_symmetry import unique_reflections
from mem.reflections import Reflections
from mem.sakata_sato import sakata_sato
from mem.transform import Transform
from tests.conftest import SHARED

KELVINS = (100, 300, 500)
STEP = 0.05  # Å
_SECONDS, _MEGABYTES = 5.0, 600.0
_COARSE = 0.25  # Å: where Sakata-Sato's iterations are counted
_TIMED_ITERATIONS = 20
_REFLECTIONS = (600, 1200, 2000, 3000)
_STEPS = (0.1, 0.07, 0.05, 0.04)


def run() -> list[Measurement]:
    """All measurements of this file; those of real data only where these are."""
    lines = []
    if (SHARED / "data").is_dir():
        for kelvin in KELVINS:
            lines += _real(kelvin)
        lines += _classical(300)
    lines += [line for count in _REFLECTIONS for line in _growing(count, 0.1)]
    lines += [line for step in _STEPS for line in _growing(_REFLECTIONS[0], step)]
    return lines


def _path(kelvin: int) -> str:
    return str(SHARED / "data" / "cscu2i3" / "structure" / f"{kelvin}K.cif")


def _real(kelvin: int) -> list[Measurement]:
    measured = _in_process("real", str(kelvin))
    grid = "×".join(str(n) for n in measured["grid"])
    name = f"MEM, CsCu2I3 {kelvin} K, {measured['reflections']} reflections, {grid}"
    if not measured["converged"] or abs(measured["chi2"] - 1) > 0.002:
        raise RuntimeError(f"{name} did not converge: {measured}")
    return _lines(name, measured)


def _lines(name: str, measured: dict) -> list[Measurement]:
    return [
        Measurement(name, measured["seconds"], "limit", _SECONDS, "≤ 5 s"),
        Measurement(
            f"{name}: peak memory", measured["megabytes"], "limit", _MEGABYTES, "≤ 600 MB", "MB"
        ),
    ]


def _classical(kelvin: int) -> list[Measurement]:
    reflections = read_reflections(_path(kelvin))
    ours = reconstruct(reflections, STEP).report
    coarse = reconstruct(reflections, _COARSE, solver="sakata-sato").report
    if ours is None or coarse is None or not coarse.converged:
        raise RuntimeError("Sakata-Sato did not reach its target on the coarse grid")
    problem = Problem.of(reflections, 0.0, {2: 1.0}, 1.0)
    dual = EntropyDual(Transform(problem.basis, ours.grid), problem.data)
    started = time.perf_counter()
    sakata_sato(dual, problem, iterations=_TIMED_ITERATIONS)
    each = (time.perf_counter() - started) / _TIMED_ITERATIONS
    return [
        Measurement(
            f"MEM, CsCu2I3 {kelvin} K, all of `reconstruct`",
            ours.seconds,
            f"Sakata-Sato, {coarse.iterations} iterations (counted at {_COARSE} Å) of {each:.3f} s",
            each * coarse.iterations,
            "≥ 200 × faster",
        )
    ]


def _growing(count: int, step: float) -> list[Measurement]:
    measured = _in_process("synthetic", str(count), str(step))
    grid = "×".join(str(n) for n in measured["grid"])
    name = f"MEM, P -1, {count} reflections, {grid}, {measured['solver']}"
    return _lines(name, measured)


def _in_process(*arguments: str) -> dict:
    """What `main` prints in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.density", *arguments],
        check=True,
        capture_output=True,
        text=True,
    )
    return dict(json.loads(done.stdout))


def simulated(count: int) -> Reflections:
    """The `count` reflections of largest d of twelve Gaussian atoms in a P -1 cell, with noise."""
    lattice, symmetry = Lattice(8.0, 9.0, 10.0, 85, 95, 100), Symmetry.from_name("P -1")
    d_min = (2 * np.pi * lattice.volume / (3 * count)) ** (1 / 3) * 0.95
    hkl = unique_reflections(symmetry, lattice, d_min)[:count]
    rng = np.random.default_rng(1)
    positions, electrons = rng.random((12, 3)), rng.uniform(10, 50, 12)
    decay = np.exp(-0.012 * lattice.q_abs(hkl) ** 2 / 2)
    f = 2 * decay * (np.cos(2 * np.pi * hkl @ positions.T) @ electrons)
    sigma = 0.01 * np.abs(f) + 0.002 * electrons.sum()
    f += sigma * rng.standard_normal(len(f))
    return Reflections(lattice, symmetry, hkl, f + 0j, sigma, float(2 * electrons.sum()))


def main(arguments: list[str]) -> None:
    """Reconstruct once and print time and peak memory as JSON."""
    if arguments[0] == "real":
        reflections, step = read_reflections(_path(int(arguments[1]))), STEP
    else:
        reflections, step = simulated(int(arguments[1])), float(arguments[2])
    report = reconstruct(reflections, step).report
    if report is None:
        raise RuntimeError("no report")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(
        json.dumps(
            {
                "seconds": report.seconds,
                "megabytes": peak / 1024,
                "chi2": report.chi2,
                "converged": report.converged,
                "solver": report.solver,
                "iterations": report.iterations,
                "entropy": report.entropy,
                "grid": report.grid,
                "reflections": len(reflections),
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1:])
