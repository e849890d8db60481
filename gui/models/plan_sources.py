"""What the tab Plan works from: force constants, experiment file, and their options. Qt-free."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ixs_core.errors import InputError
from ixs_core.jobs import CancelToken, Progress

if TYPE_CHECKING:
    from ixs_core.provenance import Provenance
    from ixs_reduce.instrument import Instrument
    from simulate.planning import Beamtime, PlanPictures
    from simulate.planning.store import StoredPlan

_ANY_MOMENTUM = ((0.1, 0.2, 0.3),)
_PATHS = ("force_constants", "experiment", "resolution", "calibrate")


@dataclass(frozen=True)
class PlanSources:
    """The files and options that `ixs plan` would be given.

    Parameters
    ----------
    force_constants, experiment : path or None
    form_factor : str or None
        Ions, "Cs1+,Cu1+,I1-"; neutral atoms without.
    debye_waller : str
        "phonon", "none" or a CIF.
    temperature_k : float or None
        Default the experiment's.
    linewidth : str or None
        Natural FWHM: meV, or a file.
    resolution : path or None
        R.h5 or a project; default the experiment's, or nominal.
    calibrate : path or None
        Project fitted with predicted modes, for the rates.
    fwhm_mev : float or None
        Nominal FWHM of R.
    """

    force_constants: Path | None = None
    experiment: Path | None = None
    form_factor: str | None = None
    debye_waller: str = "phonon"
    temperature_k: float | None = None
    linewidth: str | None = None
    resolution: Path | None = None
    calibrate: Path | None = None
    fwhm_mev: float | None = None

    def as_choice(self) -> dict[str, Any]:
        """The same as JSON has it."""
        return {
            key: str(value) if isinstance(value, Path) else value
            for key, value in asdict(self).items()
        }

    @classmethod
    def from_choice(cls, choice: Mapping[str, Any]) -> PlanSources:
        """Back from `as_choice`; unknown keys of another version are left out."""
        known = {key: choice[key] for key in cls.__dataclass_fields__ if key in choice}
        return cls(**{key: _typed(key, value) for key, value in known.items()})


def _typed(key: str, value: Any) -> Any:
    return Path(value) if key in _PATHS and value is not None else value


@dataclass(frozen=True)
class FoundPlan:
    """A plan of the project, and what made it.

    Parameters
    ----------
    key : str
    stored : StoredPlan
    provenance : Provenance
    """

    key: str
    stored: StoredPlan
    provenance: Provenance

    @property
    def pictures(self) -> PlanPictures:
        """Expected spectra and zones."""
        return self.stored.pictures


def read_found_plan(
    path: Path, *, progress: Progress | None = None, cancel: CancelToken | None = None
) -> FoundPlan | None:
    """The newest plan of a project with what made it; None where it has none.

    Raises
    ------
    InputError
        The project or its plan cannot be read.
    """
    from ixs_core.project import Project, read_result
    from simulate.planning.store import plan_keys, read_plan_result

    with Project(path).reading() as h5:
        found = [(read_result(h5, "predictions", key).provenance, key) for key in plan_keys(h5)]
        if not found:
            return None
        provenance, key = max(found, key=lambda pair: pair[0].created)
        return FoundPlan(key, read_plan_result(h5, key), provenance)


def sources_of_plan(
    provenance: Provenance, project: Path, kinds: Mapping[str, Sequence[str]]
) -> PlanSources:
    """The files that a stored plan was made from, where they are still found.

    Looked for where the plan names them, beside the project and beside the experiment file.

    Parameters
    ----------
    provenance : Provenance
        Of the plan.
    project : path
    kinds : mapping
        Kind -> keys of the project's results.
    """
    settings = provenance.settings
    beside = [project.parent]
    experiment = _found(settings.get("experiment"), beside)
    if experiment is not None:
        beside += [experiment.parent, *sorted(p for p in experiment.parent.iterdir() if p.is_dir())]
    name = provenance.sources[0][0] if provenance.sources else None
    digest = provenance.sources[0][1] if provenance.sources else None
    force_constants = _found(settings.get("force_constants") or name, beside, digest)
    calibrate = _found(settings.get("calibrate"), beside)
    resolution = _found(settings.get("resolution"), beside)
    if "resolution" not in settings and kinds.get("resolutions"):
        resolution = project
    return PlanSources(
        force_constants,
        experiment,
        form_factor=settings.get("form_factor"),
        debye_waller=settings.get("debye_waller", "phonon"),
        temperature_k=settings.get("temperature_k"),
        linewidth=settings.get("linewidth"),
        resolution=resolution,
        calibrate=project
        if calibrate is not None and calibrate.name == project.name
        else calibrate,
        fwhm_mev=settings.get("fwhm_mev"),
    )


def _found(name: str | None, folders: Sequence[Path], digest: str | None = None) -> Path | None:
    """The file of a name as it is written, or in one of some folders; with a digest, that one."""
    from ixs_core.provenance import sha256_of

    if not name:
        return None
    for path in (Path(name), *(folder / Path(name).name for folder in folders)):
        if path.is_file() and (digest is None or sha256_of(path) == digest):
            return path.resolve()
    return None


def load_instrument_of(
    experiment: Path, *, progress: Progress | None = None, cancel: CancelToken | None = None
) -> Instrument:
    """The instrument of an experiment file; errors as for `load_instrument`."""
    from ixs_reduce.instrument import load_instrument

    return load_instrument(experiment)


@dataclass(frozen=True)
class LoadedPhonons:
    """A beamtime ready for questions, and what a user should know of how it was loaded."""

    beamtime: Beamtime
    notes: tuple[str, ...]


def load_beamtime(
    sources: PlanSources,
    zones: Sequence[str] = (),
    *,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> LoadedPhonons:
    """Force constants, instrument and conditions as `ixs plan` loads them; in a process.

    Thermal displacements are worked out on the way, so that they need not be once more.

    Raises
    ------
    InputError
        As the command has them.
    """
    from ixs_reduce.instrument import measured_lattice
    from simulate.cli.beamtime import beamtime_of
    from simulate.cli.calculation import load_calculation

    if sources.force_constants is None or sources.experiment is None:
        raise InputError(
            "force constants and an experiment file are needed",
            key="sources",
            hint="drop a force-constant file and choose the experiment's TOML",
        )
    said = io.StringIO()
    with contextlib.redirect_stderr(said):
        calculation = load_calculation(
            sources.force_constants,
            lattice=measured_lattice(sources.experiment),
            form_factor=sources.form_factor,
            debye_waller=sources.debye_waller,
        )
        beamtime = beamtime_of(
            calculation,
            sources.experiment,
            temperature_k=sources.temperature_k,
            resolution=sources.resolution,
            fwhm_mev=sources.fwhm_mev,
            linewidth=sources.linewidth,
            zones=list(zones),
            calibrate=sources.calibrate,
        )
        beamtime.calculation.structure_factor(_ANY_MOMENTUM, beamtime.conditions.temperature_k)
    notes = [line.removeprefix("NOTE: ") for line in said.getvalue().splitlines()]
    return LoadedPhonons(beamtime, tuple(line for line in notes if line.strip()))
