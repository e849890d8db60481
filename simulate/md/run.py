"""Molecular dynamics with any ASE calculator: equilibration at constant T, then constant energy.

Frames go to an ASE .traj file as they come, with forces, so that a crash or a cancel keeps all of
them; the same call goes on where it stopped. `store_run` makes a store of it.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms, units
from ase.io.trajectory import Trajectory as AseTrajectory
from ase.md.langevin import Langevin
from ase.md.verlet import VelocityVerlet

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from ixs_core.jobs import CancelToken, Progress
from simulate.md.heat_flux import (
    UNIT,
    HeatFluxSeries,
    heat_flux,
    heat_flux_series,
    require_heat_flux,
)

_EXPLODED = 20.0  # times the wanted temperature: steps too long, or a potential off its range
_CHECKPOINT_PS = 1.0
_KEY, _FLUX = "ixs_run", "ixs_heat_flux"


@dataclass(frozen=True)
class RunSettings:
    """A run.

    Parameters
    ----------
    temperature_k : float
    step_fs : float
    equilibration_ps : float
        Langevin dynamics at constant temperature, which is not kept.
    production_ps : float
        At constant energy, which is.
    every : int
        Steps from frame to frame.
    friction_per_ps : float
        Of the equilibration.
    seed : int
    heat_flux : bool
        Keep the heat flux with every frame.
    """

    temperature_k: float
    step_fs: float = 2.0
    equilibration_ps: float = 10.0
    production_ps: float = 20.0
    every: int = 10
    friction_per_ps: float = 2.0
    seed: int = 0
    heat_flux: bool = False

    @property
    def equilibration_steps(self) -> int:
        """Steps at constant temperature."""
        return round(1000 * self.equilibration_ps / self.step_fs)

    @property
    def production_steps(self) -> int:
        """Steps at constant energy, a whole number of frames."""
        return round(1000 * self.production_ps / self.step_fs / self.every) * self.every


@dataclass(frozen=True)
class RunResult:
    """What a run has left.

    Parameters
    ----------
    path : Path
        Its .traj file.
    frames : int
    dt_fs : float
        From frame to frame.
    temperature_k : float
        Mean of the frames; NaN without.
    drift_mev_atom : float
        Change of the total energy per atom from the first tenth of the frames to the last.
    finished : bool
        False after a cancel: the same call goes on.
    seconds : float
        Of this call.
    heat_flux : HeatFluxSeries or None
        Where it was asked for.
    """

    path: Path
    frames: int
    dt_fs: float
    temperature_k: float
    drift_mev_atom: float
    finished: bool
    seconds: float
    heat_flux: HeatFluxSeries | None = None


def run_dynamics(
    atoms: Atoms,
    calculator: Any,
    path: str | Path,
    settings: RunSettings,
    *,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> RunResult:
    """Run, or go on with a run that stopped.

    Parameters
    ----------
    atoms : Atoms
        The start; its velocities are drawn anew.
    calculator : ASE calculator
    path : path
        The .traj file; where it exists, the run goes on after its last frame.
    settings : RunSettings
    progress : callable
        Called with steps done, steps in all, and a text with temperature and time left.
    cancel : CancelToken
        Ends the run at the next frame; what is done stays.

    Raises
    ------
    InputError
        Settings without sense, a file of another run, atoms that fly apart, a heat flux that the
        calculator does not give.
    """
    _check(atoms, settings)
    if settings.heat_flux:
        require_heat_flux(calculator)
    file = Path(path)
    watch = _Watch(settings, progress, cancel or CancelToken())
    running = _resumed(file, atoms, settings)
    if running is None:
        running = _equilibrated(atoms, calculator, file, settings, watch)
        if running is None:
            return _result(file, settings, False, watch)
    running.calc = calculator
    finished = _produce(running, file, settings, watch)
    if finished:
        _checkpoint_file(file).unlink(missing_ok=True)
    return _result(file, settings, finished, watch)


def store_run(result: RunResult, path: str | Path) -> None:
    """Write the frames of a run to a store, which knows the time between them.

    A heat flux goes along as `observables/heat_flux`: (f, 2, 3), total and convective.

    Raises
    ------
    InputError
        No frames, or the store cannot be written.
    """
    from simulate.md.reading import read_trajectory
    from simulate.md.store import Observable, write_store

    observables = {}
    if result.heat_flux is not None:
        parts = np.stack([result.heat_flux.total, result.heat_flux.convective], axis=1)
        observables["heat_flux"] = Observable(parts, UNIT)
    trajectory = read_trajectory(result.path, dt_fs=result.dt_fs)
    write_store(trajectory, path, observables=observables)


def thermal_momenta(atoms: Atoms, temperature_k: float, seed: int) -> FloatArray:
    """Momenta (n, 3) of the Maxwell distribution without motion of the whole, in ASE's units."""
    rng = np.random.default_rng(seed)
    masses = atoms.get_masses()[:, None]
    momenta = rng.standard_normal((len(atoms), 3)) * np.sqrt(masses * units.kB * temperature_k)
    return np.asarray(momenta - masses * momenta.sum(axis=0) / masses.sum())


class _Watch:
    """Progress, the time left, and the cancel of one call."""

    def __init__(
        self, settings: RunSettings, progress: Progress | None, cancel: CancelToken
    ) -> None:
        self.started = time.perf_counter()
        self.cancel = cancel
        self._progress = progress
        self._total = settings.equilibration_steps + settings.production_steps
        self._wanted = settings.temperature_k
        self._first: int | None = None
        self._first_at = self.started

    def look(self, atoms: Atoms, done: int, file: Path) -> bool:
        """Report; whether to stop. Raises when the atoms fly apart."""
        temperature = atoms.get_temperature()
        if not np.isfinite(temperature) or temperature > _EXPLODED * max(self._wanted, 50.0):
            raise InputError(
                "the atoms fly apart",
                file=file,
                found=f"{temperature:.0f} K after {done} steps",
                expected=f"about {self._wanted:g} K",
                hint="shorter steps, or a start nearer to the potential's range",
            )
        if self._first is None:
            self._first = done
            self._first_at = time.perf_counter()
        if self._progress is not None:
            self._progress(done, self._total, f"{temperature:.0f} K{self._left(done)}")
        return self.cancel.cancelled

    def _left(self, done: int) -> str:
        steps = done - (self._first or 0)
        if steps == 0:
            return ""
        seconds = (time.perf_counter() - self._first_at) / steps * (self._total - done)
        return f", {seconds / 60:.0f} min left" if seconds > 90 else f", {seconds:.0f} s left"


def _check(atoms: Atoms, settings: RunSettings) -> None:
    for key, least in (
        ("temperature_k", 0.0),
        ("step_fs", 1e-6),
        ("equilibration_ps", 0.0),
        ("production_ps", 1e-6),
        ("every", 1),
        ("friction_per_ps", 0.0),
    ):
        value = getattr(settings, key)
        if not np.isfinite(value) or value < least:
            raise InputError("is out of range", key=key, found=value, expected=f">= {least:g}")
    if settings.production_steps < settings.every:
        raise InputError(
            "shorter than one frame",
            key="production_ps",
            found=settings.production_ps,
            expected=f">= {settings.every * settings.step_fs / 1000:g}",
        )
    if len(atoms) < 2:
        raise InputError("too few atoms", found=len(atoms), expected="2 or more")


def _checkpoint_file(file: Path) -> Path:
    return file.with_name(f"{file.name}.equilibration")


def _mark(atoms: Atoms, settings: RunSettings, step: int) -> None:
    # Longer than before is no other run.
    kept = {key: value for key, value in asdict(settings).items() if key != "production_ps"}
    if not settings.heat_flux:
        del kept["heat_flux"]  # as runs began that did not know of it
    atoms.info[_KEY] = json.dumps({"settings": kept, "step": step})


def _marked(found: Atoms, atoms: Atoms, settings: RunSettings, file: Path) -> int:
    """The step of a frame, when it is of this run."""
    probe = found.copy()
    try:
        step = int(json.loads(found.info[_KEY])["step"])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            "is no file of a run", file=file, hint="name a file that does not exist"
        ) from error
    _mark(probe, settings, step)
    same = probe.info[_KEY] == found.info[_KEY] and list(found.numbers) == list(atoms.numbers)
    if not same or np.abs(found.cell[:] - atoms.cell[:]).max() > 1e-9:
        raise InputError(
            "holds a run of other settings or atoms",
            file=file,
            hint="the same settings to go on with it, or another file",
        )
    return step


def _last_frame(file: Path) -> Atoms | None:
    if not file.exists() or file.stat().st_size == 0:
        return None
    try:
        with AseTrajectory(str(file)) as frames:
            return frames[-1] if len(frames) else None
    except Exception as error:  # ASE's reader raises anything
        raise InputError(
            f"cannot be read as a run: {error}", file=file, hint="name a file that does not exist"
        ) from error


def _resumed(file: Path, atoms: Atoms, settings: RunSettings) -> Atoms | None:
    """The last frame that was kept."""
    found = _last_frame(file)
    if found is not None:
        _marked(found, atoms, settings, file)
    return found


def _equilibrated(
    atoms: Atoms, calculator: Any, file: Path, settings: RunSettings, watch: _Watch
) -> Atoms | None:
    """The atoms at their temperature; None after a cancel, which leaves a checkpoint."""
    checkpoint = _checkpoint_file(file)
    running, done = atoms.copy(), 0
    kept = _last_frame(checkpoint)
    if kept is None:
        running.set_momenta(thermal_momenta(running, settings.temperature_k, settings.seed))
    else:
        done = _marked(kept, atoms, settings, checkpoint)
        running = kept
    running.calc = calculator
    dynamics = Langevin(
        running,
        settings.step_fs * units.fs,
        temperature_K=settings.temperature_k,
        friction=settings.friction_per_ps / (1000 * units.fs),
        fixcm=False,
        rng=np.random.default_rng((settings.seed, done)),
    )
    saved = done
    while done < settings.equilibration_steps:
        steps = min(settings.every, settings.equilibration_steps - done)
        dynamics.run(steps)
        done += steps
        stop = watch.look(running, done, file)
        if stop or (done - saved) * settings.step_fs >= 1000 * _CHECKPOINT_PS:
            _save_checkpoint(running, checkpoint, settings, done)
            saved = done
        if stop:
            return None
    momenta = running.get_momenta()
    masses = running.get_masses()[:, None]
    running.set_momenta(momenta - masses * momenta.sum(axis=0) / masses.sum())
    return running


def _save_checkpoint(atoms: Atoms, file: Path, settings: RunSettings, step: int) -> None:
    """Written beside and moved, so that there is always a whole one."""
    frame = atoms.copy()
    _mark(frame, settings, step)
    beside = file.with_name(f"{file.name}.new")
    with AseTrajectory(str(beside), "w") as frames:
        frames.write(frame)
    os.replace(beside, file)


def _produce(atoms: Atoms, file: Path, settings: RunSettings, watch: _Watch) -> bool:
    """Constant energy to the end, or (False) to a cancel."""
    before = settings.equilibration_steps
    resumed = _KEY in atoms.info and file.exists()
    done = int(json.loads(atoms.info[_KEY])["step"]) if resumed else 0
    dynamics = VelocityVerlet(atoms, settings.step_fs * units.fs)
    with AseTrajectory(str(file), "a" if resumed else "w") as frames:
        if not resumed:
            _write(frames, atoms, settings, 0)
        while done < settings.production_steps:
            if watch.look(atoms, before + done, file):
                return False
            dynamics.run(settings.every)
            done += settings.every
            _write(frames, atoms, settings, done)
        watch.look(atoms, before + done, file)
    return True


def _write(frames: Any, atoms: Atoms, settings: RunSettings, step: int) -> None:
    _mark(atoms, settings, step)
    atoms.get_forces()
    if settings.heat_flux:
        atoms.info[_FLUX] = heat_flux(atoms, atoms.calc).tolist()
    frames.write(atoms)


def _result(file: Path, settings: RunSettings, finished: bool, watch: _Watch) -> RunResult:
    temperatures, totals, fluxes, volume = [], [], [], 0.0
    if file.exists():
        with AseTrajectory(str(file)) as frames:
            for frame in frames:
                temperatures.append(frame.get_temperature())
                totals.append(frame.get_total_energy() / len(frame))
                if settings.heat_flux:
                    fluxes.append(np.array(frame.info[_FLUX]))
                    volume = float(frame.get_volume())
    tenth = max(1, len(totals) // 10)
    mean = float(np.mean(temperatures)) if totals else float("nan")
    between = settings.step_fs * settings.every
    return RunResult(
        file,
        len(totals),
        between,
        mean,
        1000 * float(np.mean(totals[-tenth:]) - np.mean(totals[:tenth])) if totals else 0.0,
        finished,
        time.perf_counter() - watch.started,
        heat_flux_series(fluxes, between, volume, mean) if fluxes else None,
    )
