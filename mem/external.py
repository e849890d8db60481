"""Run Dysnomia, where the user has it, on the same structure factors, and compare the densities."""

from __future__ import annotations

import os
import queue
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ixs_core.arrays import ComplexArray, FloatArray, IntArray
from ixs_core.errors import InputError
from ixs_core.jobs import CancelToken, Progress
from mem.density import Density
from mem.formats.densities import read_density
from mem.formats.dysnomia_output import write_mem, write_prf
from mem.reflections import Reflections

ENVIRONMENT_VARIABLE = "IXS_DYSNOMIA"
"""Names the executable of Dysnomia."""

_NAMES = ("Dysnomia", "dysnomia", "Dysnomia64", "DYSNOMIA")
_JOB = "ixs"
_POLL_S = 0.05
_LAST_LINES = 5  # of the program's output, in messages
_ELECTRONS_SLACK = 0.01


@dataclass(frozen=True)
class DensityComparison:
    """Two densities on the same grid, against each other and against the same reflections.

    Parameters
    ----------
    difference : float
        ∫|ρ_ours - ρ_theirs| dV / ∫ρ_ours dV.
    chi2, r_factor, entropy : (float, float)
        Ours and theirs: χ² = Σ|ΔF/σ|²/N with groups counted by G, R = Σ||F_o| - |F||/Σ|F_o|, and
        S = -Σ p ln(p N) with p = ρ/Σρ over the N grid points: 0 for a flat density.
    """

    difference: float
    chi2: tuple[float, float]
    r_factor: tuple[float, float]
    entropy: tuple[float, float]


def find_dysnomia(path: str | Path | None = None) -> Path:
    """The executable: the path given, that of IXS_DYSNOMIA, or one on the PATH.

    Raises
    ------
    InputError
        There is none, or what is named cannot be run.
    """
    named, key = (path, "path of Dysnomia") if path else (os.environ.get(ENVIRONMENT_VARIABLE), "")
    if named:
        found = shutil.which(str(named))
        if found is None:
            raise InputError(
                "is no program that can be run",
                file=named,
                key=key or ENVIRONMENT_VARIABLE,
                expected="the executable of Dysnomia",
            )
        return Path(found).absolute()
    on_path = next((found for found in map(shutil.which, _NAMES) if found), None)
    if on_path is None:
        raise InputError(
            "Dysnomia is not installed",
            expected=f"its path, the variable {ENVIRONMENT_VARIABLE}, or Dysnomia on the PATH",
            hint="it can be had from jp-minerals.org; everything else works without it",
        )
    return Path(on_path).absolute()


def run_dysnomia(
    reflections: Reflections,
    grid: tuple[int, int, int],
    *,
    executable: str | Path | None = None,
    weighting: float = 0,
    moments: Mapping[int, float] | None = None,
    algorithm: str = "lbfgs",
    cycles: int = 20000,
    timeout_s: float = 3600.0,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> Density:
    """The density that Dysnomia reconstructs from a uniform one.

    Parameters
    ----------
    reflections : Reflections
    grid : (nx, ny, nz)
    executable : str or Path, optional
        As in `find_dysnomia`.
    weighting, moments, algorithm, cycles
        As in `mem.formats.dysnomia_output.prf_text`.
    timeout_s : float
    progress : callable, optional
        Gets every line that the program prints.
    cancel : CancelToken, optional
        Ends the program.

    Returns
    -------
    Density
        In e/Å³, with the lattice, symmetry and structure of the reflections.

    Raises
    ------
    InputError
        Dysnomia is not there, cannot do what is asked for, fails, takes longer than the limit, or
        leaves no density on this grid.
    Cancelled
    """
    program = find_dysnomia(executable)
    cancel = cancel or CancelToken()
    with tempfile.TemporaryDirectory(prefix="ixs-dysnomia-") as name:
        folder = Path(name)
        notes = write_mem(folder / f"{_JOB}.mem", reflections, grid)
        write_prf(
            folder / f"{_JOB}.prf",
            _JOB,
            weighting=weighting,
            moments=moments,
            algorithm=algorithm,
            cycles=cycles,
        )
        started = time.monotonic()
        output = _run([str(program), f"{_JOB}.prf"], folder, timeout_s, progress, cancel)
        seconds = time.monotonic() - started
        density = _read_result(folder / f"{_JOB}.pgrid", program, output)
    if density.shape != tuple(grid):
        raise InputError(
            "Dysnomia wrote another grid", file=program, found=density.shape, expected=tuple(grid)
        )
    density = replace(
        density,
        lattice=reflections.lattice,
        symmetry=reflections.symmetry,
        structure=reflections.structure,
        temperature_k=reflections.temperature_k,
        source=reflections.source,
    )
    if abs(density.electrons / reflections.electrons - 1) > _ELECTRONS_SLACK:
        notes += (
            f"the density of Dysnomia holds {density.electrons:.2f} electrons per cell instead of "
            f"{reflections.electrons:g}",
        )
    return replace(density, notes=(*notes, f"by {program.name} in {seconds:.1f} s"))


def compare(ours: Density, theirs: Density, reflections: Reflections) -> DensityComparison:
    """How far two densities on one grid are apart, and how each fits the reflections.

    Raises
    ------
    InputError
        The grids differ, a density is negative, or the grid is too coarse for the reflections.
    """
    if ours.shape != theirs.shape:
        raise InputError(
            "the densities are on different grids", found=theirs.shape, expected=ours.shape
        )
    fits = [_fit(density, reflections) for density in (ours, theirs)]
    difference = np.abs(ours.values - theirs.values).sum(dtype=float)
    return DensityComparison(
        difference=float(difference / ours.values.sum(dtype=float)),
        chi2=(fits[0][0], fits[1][0]),
        r_factor=(fits[0][1], fits[1][1]),
        entropy=(_entropy(ours), _entropy(theirs)),
    )


def _run(
    command: list[str],
    folder: Path,
    timeout_s: float,
    progress: Progress | None,
    cancel: CancelToken,
) -> list[str]:
    """The lines that the program prints until it ends by itself, with code 0."""
    cancel.check()
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
    except OSError as error:
        raise InputError(f"cannot be run: {error.strerror}", file=command[0]) from error
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    reader = threading.Thread(target=_pass_on, args=(process, lines), daemon=True)
    reader.start()
    output: list[str] = []
    end = time.monotonic() + timeout_s
    try:
        while process.poll() is None or reader.is_alive():
            cancel.check()
            _report(lines, output, progress)
            if time.monotonic() > end:
                raise InputError(
                    "Dysnomia did not end in time",
                    file=command[0],
                    found=_tail(output),
                    expected=f"{timeout_s:g} s at most",
                )
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    _report(lines, output, progress)
    if process.returncode:
        raise InputError(
            f"Dysnomia failed with exit code {process.returncode}",
            file=command[0],
            found=_tail(output),
        )
    return output


def _pass_on(process: subprocess.Popen[str], lines: queue.SimpleQueue[str]) -> None:
    if process.stdout is not None:
        with process.stdout as stream:
            for line in stream:
                lines.put(line.rstrip())


def _report(lines: queue.SimpleQueue[str], output: list[str], progress: Progress | None) -> None:
    """Hand on what has been printed, waiting a moment for the first line."""
    try:
        output.append(lines.get(timeout=_POLL_S))
        while True:
            if progress is not None:
                progress(len(output), 0, output[-1])
            output.append(lines.get_nowait())
    except queue.Empty:
        return


def _tail(output: list[str]) -> str:
    return " / ".join(line for line in output[-_LAST_LINES:] if line) or "no output"


def _read_result(path: Path, program: Path, output: list[str]) -> Density:
    if not path.exists():
        raise InputError("Dysnomia wrote no density", file=program, found=_tail(output))
    try:
        return read_density(path)
    except InputError as error:
        raise InputError(
            f"the density of Dysnomia cannot be read: {error.message}",
            file=program,
            found=error.found,
            expected=error.expected,
        ) from error


def _fit(density: Density, reflections: Reflections) -> tuple[float, float]:
    """χ² and R of a density."""
    transform = np.fft.ifftn(density.values) * density.lattice.volume
    f = _at(transform, reflections.hkl)
    terms = [np.abs((f - reflections.f) / reflections.sigma) ** 2]
    for group in reflections.groups:
        squares = np.abs(_at(transform, group.hkl)) ** 2
        amplitude = np.sqrt((group.multiplicity * squares).sum() / group.multiplicity.sum())
        terms.append(np.array([((amplitude - group.amplitude) / group.sigma) ** 2]))
    measured = np.abs(reflections.f)
    r_factor = np.abs(measured - np.abs(f)).sum() / measured.sum() if measured.any() else 0.0
    return float(np.concatenate(terms).mean()), float(r_factor)


def _at(transform: ComplexArray, hkl: IntArray) -> ComplexArray:
    """F of a transform at hkl, which must be within what the grid resolves."""
    shape = np.array(transform.shape)
    if (2 * np.abs(hkl) >= shape).any():
        raise InputError(
            "the grid is too coarse for the reflections",
            found=transform.shape,
            expected=f"more than {(2 * np.abs(hkl).max(axis=0)).tolist()} points",
        )
    return np.asarray(transform[tuple((hkl % shape).T)])


def _entropy(density: Density) -> float:
    values: FloatArray = density.values
    if (values < 0).any():
        raise InputError("the density is negative", found=float(values.min()), expected="ρ ≥ 0")
    p = values / values.sum(dtype=float)
    p = p[p > 0]
    return float(-(p * np.log(p * values.size)).sum())
