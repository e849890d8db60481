"""Maximum-entropy reconstruction: the real data sets at 0.05 Å, and how time and memory grow.

The real data need the development data (`IXS_SHARED`). Peak memory is that of a process of its
own, Python and libraries included. One thread for BLAS: start with OMP_NUM_THREADS=1.

Sakata-Sato on the fine grid would take a quarter of an hour: its time is that of a number of its
iterations on the fine grid, per iteration, times the number that it needs on a coarse grid
(the iteration on multipliers does not depend on the grid but for aliasing).
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from scipy.fft import irfftn, rfftn

from benchmarks.timing import Measurement
from ixs_core.lattice import Lattice
from ixs_core.symmetry import Symmetry
from mem.entropy import EntropyDual
from mem.problem import Problem
from mem.read import read_reflections
from mem.reconstruction import reconstruct
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
_PLAIN_ITERATIONS = 5
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
    plain = _plain_iteration_seconds(reflections, ours.grid)
    name = f"MEM, CsCu2I3 {kelvin} K, all of `reconstruct`"
    steps = f"{coarse.iterations} iterations (counted at {_COARSE} Å)"
    return [
        Measurement(
            name,
            ours.seconds,
            f"Sakata-Sato with whole FFTs, {steps} of {plain:.3f} s",
            plain * coarse.iterations,
            "≥ 200 × faster",
        ),
        Measurement(
            name,
            ours.seconds,
            f'`solver="sakata-sato"` with our transforms, {steps} of {each:.3f} s',
            each * coarse.iterations,
            "none",
        ),
    ]


def _plain_iteration_seconds(reflections: Reflections, grid: tuple[int, int, int]) -> float:
    """One iteration as it is usually written: ρ ← ρ exp(λ Σ (F_o - F)/σ² …), by whole FFTs."""
    orbits = Problem.of(reflections, 0.0, {2: 1.0}, 1.0).basis.orbits
    nx, ny, nz = grid
    half = orbits.hkl[:, 2] >= 0
    h, k, l = (orbits.hkl[half] % grid).T  # noqa: E741
    rho = np.full(grid, reflections.electrons / reflections.lattice.volume)
    spectrum = np.zeros((nx, ny, nz // 2 + 1), dtype=complex)

    def iterate() -> None:
        nonlocal rho
        calculated = rfftn(rho, workers=2)[h, k, l]
        spectrum[h, k, l] = -1e-9 * calculated  # of the size of a step; its value costs nothing
        step = irfftn(spectrum, s=grid, workers=2)
        np.exp(step, out=step)
        rho *= step
        rho *= reflections.electrons / rho.sum()

    iterate()
    started = time.perf_counter()
    for _ in range(_PLAIN_ITERATIONS):
        iterate()
    return (time.perf_counter() - started) / _PLAIN_ITERATIONS


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


def peak_megabytes() -> float:
    """Peak memory of this process (Linux); `getrusage` would count the process that started it."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(float(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def main(arguments: list[str]) -> None:
    """Reconstruct once and print time and peak memory as JSON."""
    if arguments[0] == "real":
        reflections, step = read_reflections(_path(int(arguments[1]))), STEP
    else:
        reflections, step = simulated(int(arguments[1])), float(arguments[2])
    report = reconstruct(reflections, step).report
    if report is None:
        raise RuntimeError("no report")
    print(
        json.dumps(
            {
                "seconds": report.seconds,
                "megabytes": peak_megabytes(),
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
