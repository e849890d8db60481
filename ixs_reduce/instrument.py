"""The instrument as a user describes it, from the beamline's file or the experiment file.

Everything that needs the spectrometer with the crystal on it (the angle calculator, the planner)
starts from `load_instrument`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ixs_core import units
from ixs_core.errors import InputError
from ixs_core.lattice import Lattice
from ixs_reduce.beamline_config import is_beamline_config, read_beamline_config
from ixs_reduce.circles import CIRCLES, Angles
from ixs_reduce.energy import silicon_order, silicon_wavelength
from ixs_reduce.frozen import frozen_names
from ixs_reduce.sixcircle import Limits, Orientation, Reflection, angles_for, limit_violations
from ixs_reduce.spectrometer import AnalyzerTable, Spectrometer, analyzer_q, spectrometer_named

if TYPE_CHECKING:
    from ixs_core.experiment import Experiment
    from ixs_core.experiment import Orientation as Stands
    from ixs_core.experiment import Spectrometer as Described

DEFAULT_SPECTROMETER = "bl43lxu"

# A reference reflection further off than this is reported: 0.3 % in |Q|, 0.3 degrees between both.
_LENGTH_TOLERANCE = 0.003
_ANGLE_TOLERANCE = 0.3


@dataclass(frozen=True)
class Instrument:
    """A spectrometer with an oriented crystal, and how it is to be moved.

    Parameters
    ----------
    spectrometer : Spectrometer
        With the wavelength in use.
    orientation : Orientation
    sample : str
    frozen : str
        Code of the frozen angles.
    mu : float
        Tilt of the incident beam in degrees, used when mu is frozen and not set otherwise.
    limits : mapping
        (lowest, highest) in degrees by circle.
    slits_mm : (H, V) or None
    azimuth_hkl : three floats or None
    notes : tuple of str
        What a user should know about how this came about.
    """

    spectrometer: Spectrometer
    orientation: Orientation
    sample: str = ""
    frozen: str = "456"
    mu: float = 0.0
    limits: Limits = field(default_factory=dict)
    slits_mm: tuple[float, float] | None = None
    azimuth_hkl: tuple[float, float, float] | None = None
    notes: tuple[str, ...] = ()

    @property
    def wavelength(self) -> float:
        """Wavelength in Å."""
        return self.spectrometer.wavelength

    def angles_for(
        self,
        hkl: Sequence[float],
        values: Mapping[str, float] | None = None,
        near: Angles | None = None,
    ) -> Angles:
        """The angles that bring hkl to the arm's centre; see `ixs_reduce.sixcircle.angles_for`."""
        values = dict(values or {})
        if "mu" in frozen_names(self.frozen):
            values.setdefault("mu", self.mu)
        return angles_for(
            self.orientation,
            self.wavelength,
            hkl,
            self.frozen,
            values,
            self.limits,
            self.azimuth_hkl,
            near,
        )

    def analyzer_q(self, angles: Angles, slits_mm: Sequence[float] | None = None) -> AnalyzerTable:
        """What every analyzer sees at `angles`, with these slits or the instrument's own."""
        slits = self.slits_mm if slits_mm is None else slits_mm
        return analyzer_q(self.spectrometer, self.orientation, angles, slits)

    def limit_violations(self, angles: Angles) -> list[str]:
        """What of a position lies outside the limits, in words."""
        azimuth = self.azimuth_hkl
        reference = None if azimuth is None else self.orientation.crystal_q(azimuth)
        return limit_violations(angles, self.limits, reference)

    def warnings(self) -> list[str]:
        """How the reference reflections contradict the lattice, in words; empty when they agree."""
        misfit = self.orientation.misfit(self.wavelength)
        found = [
            f"{name}: |Q| of its angles is {100 * (ratio - 1):+.2f} % off the lattice"
            for name, ratio in zip(("or0", "or1"), misfit.length_ratios, strict=True)
            if abs(ratio - 1) > _LENGTH_TOLERANCE
        ]
        if abs(misfit.angle_difference) > _ANGLE_TOLERANCE:
            found.append(
                f"or0 and or1 are {misfit.angle_difference:+.2f} degrees further apart on the "
                "circles than in the lattice"
            )
        return found


def load_instrument(
    path: str | Path,
    spectrometer: str | None = None,
    order: int | None = None,
    wavelength: float | None = None,
) -> Instrument:
    """Read the instrument from the beamline's `GLOBAL` file or from an experiment file.

    Parameters
    ----------
    path : path
    spectrometer, order, wavelength : optional
        Override the file: name, n of Si(n n n), wavelength in Å.

    Raises
    ------
    InputError
        A file of neither kind, or one that lacks the lattice or the reference reflections.
    """
    path = Path(path)
    experiment = experiment_in(path)
    if experiment is None:
        return _from_beamline(path, spectrometer, order, wavelength)
    return instrument_of(experiment, path, spectrometer, order, wavelength)


def experiment_in(path: str | Path) -> Experiment | None:
    """The experiment file of that name; None where it is the beamline's `GLOBAL` file.

    Raises
    ------
    InputError
        A file of neither kind, or an experiment file with mistakes.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise InputError(
            "this is not a text file",
            file=path,
            expected="the beamline's `GLOBAL key value` file or an experiment file (TOML)",
        ) from None
    except OSError as error:
        raise InputError(
            f"cannot be read: {error.strerror}",
            file=path,
            expected="the beamline's `GLOBAL key value` file or an experiment file (TOML)",
            hint="`ixs init` writes an experiment file",
        ) from error
    if path.suffix.lower() != ".toml" and is_beamline_config(text):
        return None
    if path.suffix.lower() != ".toml" and not text.lstrip().startswith(("[", "#")):
        raise InputError(
            "this is neither a beamline configuration nor an experiment file",
            file=path,
            expected="lines `GLOBAL key value`, or TOML",
            hint="`ixs init` writes an experiment file",
        )
    from ixs_core.experiment import load_experiment

    return load_experiment(path)


def _from_beamline(
    path: Path, name: str | None, order: int | None, wavelength: float | None
) -> Instrument:
    config = read_beamline_config(path)
    base = spectrometer_named(name or DEFAULT_SPECTROMETER)
    built = _at_wavelength(base, order, wavelength, config.wavelength)
    notes = [] if name else [f"spectrometer: {DEFAULT_SPECTROMETER} (the file does not name one)"]
    return Instrument(
        spectrometer=built,
        orientation=config.orientation,
        sample=config.sample,
        mu=config.or0.angles.mu,
        limits=_narrower(built.limits, config.limits),
        azimuth_hkl=config.azimuth_hkl,
        notes=(*notes, *_tilt_notes(config.or0, config.or1)),
    )


def instrument_of(
    experiment: Experiment,
    path: str | Path,
    spectrometer: str | None = None,
    order: int | None = None,
    wavelength: float | None = None,
) -> Instrument:
    """The instrument that an experiment file describes; `path` is that file, for messages."""
    described, stands = experiment.spectrometer, experiment.orientation
    config = None if stands.config is None else read_beamline_config(stands.config)
    in_file = None
    if described.energy_kev is not None:
        in_file = units.wavelength_angstrom(described.energy_kev)
    elif described.order is not None:
        in_file = silicon_wavelength(described.order)
    elif config is not None:
        in_file = config.wavelength
    if spectrometer is None and described.analyzers is not None:
        base = _own_array(described, path)
    else:
        base = spectrometer_named(_name(spectrometer or described.name, path))
    built = _at_wavelength(base, order, wavelength, in_file)
    or0, or1 = (
        (config.or0, config.or1)
        if config is not None
        else (_reflection(stands, which, path, built.mu) for which in ("or0", "or1"))
    )
    lattice = config.lattice if config is not None else lattice_of(experiment, path)
    azimuth = stands.azimuth or (config.azimuth_hkl if config is not None else None)
    limits = _narrower(built.limits, config.limits if config is not None else {})
    return Instrument(
        spectrometer=built,
        orientation=Orientation(lattice, or0, or1),
        sample=experiment.sample.name or "",
        frozen=stands.frozen or "456",
        mu=or0.angles.mu,
        limits={**limits, **{str(name): ends for name, ends in described.limits.items()}},
        slits_mm=described.slits_mm,
        azimuth_hkl=azimuth,
        notes=_tilt_notes(or0, or1),
    )


def _at_wavelength(
    base: Spectrometer, order: int | None, wavelength: float | None, in_file: float | None
) -> Spectrometer:
    """The spectrometer at the given wavelength (Å), else order, else the file's wavelength."""
    if wavelength is None:
        wavelength = silicon_wavelength(order) if order is not None else in_file
    if wavelength is None:
        return base
    return replace(base, wavelength=wavelength, order=silicon_order(wavelength))


def _name(name: str | None, path: str | Path) -> str:
    if name is None:
        raise InputError(
            "the spectrometer is not named",
            file=path,
            key="spectrometer.name",
            expected="bl43lxu or bl35xu",
        )
    return name


def _own_array(described: Described, path: str | Path) -> Spectrometer:
    """A spectrometer with the user's own table of analyzers."""
    array = described.analyzers
    assert array is not None
    if not array.positions_mm or array.size_mm is None:
        raise InputError(
            "the table of analyzers is incomplete",
            file=path,
            key="spectrometer.analyzers",
            expected="radius_mm, size_mm = [H, V] and positions_mm = {name = [x, z], …}",
        )
    if described.order is None and described.energy_kev is None:
        raise InputError(
            "the photon energy is missing",
            file=path,
            key="spectrometer.order",
            expected="order = n of Si(n n n), or energy_kev",
        )
    return Spectrometer(
        name=described.name or "own",
        analyzers=tuple(array.positions_mm),
        x_mm=tuple(x for x, _ in array.positions_mm.values()),
        z_mm=tuple(z for _, z in array.positions_mm.values()),
        radius_mm=array.radius_mm,
        analyzer_size_mm=array.size_mm,
        slit_radius_mm=array.slit_radius_mm,
        wavelength=silicon_wavelength(described.order or 11),
        order=described.order,
    )


def _narrower(first: Limits, second: Limits) -> dict[str, tuple[float, float]]:
    """Limits that respect both."""
    both = dict(first)
    for name, (low, high) in second.items():
        other = both.get(name, (low, high))
        both[name] = (max(low, other[0]), min(high, other[1]))
    return both


def _tilt_notes(or0: Reflection, or1: Reflection) -> tuple[str, ...]:
    if or0.angles.mu == or1.angles.mu:
        return ()
    return (f"or0 and or1 have different mu; {or0.angles.mu:g} of or0 is used",)


def _reflection(stands: Stands, which: str, path: str | Path, mu: float) -> Reflection:
    given = stands.or0 if which == "or0" else stands.or1
    if given is None:
        raise InputError(
            "a reference reflection is missing",
            file=path,
            key=f"orientation.{which}",
            expected='config = "sixcircle.conf", or both or0 and or1',
        )
    values = {name: getattr(given, name) for name in CIRCLES}
    if "mu" not in given.model_fields_set:
        values["mu"] = mu  # the spectrometer's usual tilt of the beam
    return Reflection(given.hkl, Angles(**values))


def measured_lattice(path: str | Path) -> Lattice | None:
    """The cell in a beamline file or an experiment file; None where the latter gives none.

    Raises
    ------
    InputError
        The file cannot be read, or names a CIF or configuration that cannot.
    """
    experiment = experiment_in(path)
    if experiment is None:
        return read_beamline_config(path).lattice
    if experiment.sample.cell is None and experiment.sample.cif is None:
        config = experiment.orientation.config
        return None if config is None else read_beamline_config(config).lattice
    return lattice_of(experiment, path)


def lattice_of(experiment: Experiment, path: str | Path) -> Lattice:
    """The lattice that an experiment gives as cell or CIF; `path` is its file, for messages.

    Raises
    ------
    InputError
        When it gives neither, or the CIF cannot be read.
    """
    sample = experiment.sample
    if sample.cell is not None:
        return Lattice.from_cell(sample.cell)
    if sample.cif is None:
        raise InputError(
            "the lattice is missing",
            file=path,
            key="sample.cell",
            expected="[a, b, c, alpha, beta, gamma] in Å and degrees, or cif",
        )
    from ixs_core.cif import read_lattice

    return read_lattice(sample.cif)
