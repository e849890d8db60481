"""The experiment file: what a user knows about sample, spectrometer and reduction, as TOML."""

from __future__ import annotations

import math
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    model_validator,
)

from ixs_core.errors import InputError


def _beside_the_file(path: Path, info: ValidationInfo) -> Path:
    folder = (info.context or {}).get("folder", Path())
    return folder / path.expanduser()


def _number(value: Any) -> Any:
    """Texts and booleans are no numbers, though pydantic would take them for such."""
    if isinstance(value, str | bool):
        raise ValueError("a number without quotes is expected")
    return value


def _expansion(value: Any) -> Any:
    """Said for the whole choice at once, where pydantic would complain of each part of it."""
    is_number = isinstance(value, float | int) and not isinstance(value, bool)
    if value in ("id28", "integral") or value is None or (is_number and 0 < value < 1e-3):
        return value
    raise ValueError('"id28", "integral", or an expansion in 1/K such as 2.639e-6 is expected')


def _ascending(limits: tuple[float, float]) -> tuple[float, float]:
    if limits[0] >= limits[1]:
        raise ValueError("the lower limit comes first and is below the upper one")
    return limits


Number = Annotated[float, BeforeValidator(_number)]
Positive = Annotated[float, BeforeValidator(_number), Field(gt=0)]
NotNegative = Annotated[float, BeforeValidator(_number), Field(ge=0)]
File = Annotated[Path, AfterValidator(_beside_the_file)]
Hkl = tuple[Number, Number, Number]
Limits = Annotated[tuple[Number, Number], AfterValidator(_ascending)]
Circle = Literal["tth", "th", "chi", "phi", "mu", "gam", "omega", "azimuth", "alpha", "beta"]


class Part(BaseModel):
    """A table of the file: unchangeable, without unknown keys, NaN or infinity."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Sample(Part):
    """The sample. `cell` (a, b, c in Å; alpha, beta, gamma in degrees) goes before the CIF's."""

    name: str | None = None
    formula: str | None = None
    cell: tuple[Positive, Positive, Positive, Positive, Positive, Positive] | None = None
    cif: File | None = None
    temperature_k: Positive | None = None
    thickness_mm: Positive | None = None
    density_g_cm3: Positive | None = None

    @model_validator(mode="after")
    def _cell_has_volume(self) -> Self:
        if self.cell is not None:
            a, b, c = (math.cos(math.radians(angle)) for angle in self.cell[3:])
            if max(self.cell[3:]) >= 180 or 1 - a * a - b * b - c * c + 2 * a * b * c <= 0:
                raise ValueError("cell: angles of a real cell in degrees are expected")
        return self


class Reflection(Part):
    """A reference reflection: its indices and the six angles (degrees) at which it was found."""

    hkl: Hkl
    tth: Positive
    th: Number
    chi: Number = 0.0
    phi: Number = 0.0
    mu: Number = 0.0
    gam: Number = 0.0


class Orientation(Part):
    """How the crystal lies: the beamline's configuration file, or two reference reflections.

    `frozen` are the three digits of the frozen angles (456: mu, gam, omega); `azimuth` is
    the reference direction (hkl) of the azimuth.
    """

    config: File | None = None
    or0: Reflection | None = None
    or1: Reflection | None = None
    frozen: Annotated[str, Field(pattern=r"^[0-9]{3}$")] | None = None
    azimuth: Hkl | None = None

    @model_validator(mode="after")
    def _one_way_only(self) -> Self:
        if self.config is not None and (self.or0 or self.or1):
            raise ValueError("config: either the configuration file or or0 and or1, not both")
        if (self.or0 is None) != (self.or1 is None):
            raise ValueError("or0: or0 and or1 come together")
        if self.or0 is not None and self.or1 is not None and _parallel(self.or0.hkl, self.or1.hkl):
            raise ValueError("or1: or0 and or1 are parallel and fix no orientation")
        if self.frozen is not None and len(set(self.frozen)) < 3:
            raise ValueError("frozen: three different digits are expected")
        return self


class AnalyzerArray(Part):
    """A spectrometer's own array of analyzers.

    Parameters
    ----------
    radius_mm : float
        Distance sample to analyzers.
    positions_mm : mapping
        Analyzer -> (x, z) of its centre from the arm's centre, in mm: x along tth, z
        downward like gam.
    size_mm, slit_radius_mm : (H, V), optional
        Width and height of an analyzer; distance of the slits from the sample.
    """

    radius_mm: Positive
    positions_mm: dict[str, tuple[Number, Number]]
    size_mm: tuple[Positive, Positive] | None = None
    slit_radius_mm: tuple[Positive, Positive] | None = None


class Spectrometer(Part):
    """The spectrometer: a known one by name, or its own `analyzers`; Si order n of (n n n)."""

    name: str | None = None
    analyzers: AnalyzerArray | None = None
    order: Annotated[int, BeforeValidator(_number), Field(ge=1, le=30)] | None = None
    energy_kev: Positive | None = None
    slits_mm: tuple[Positive, Positive] | None = None
    limits: dict[Circle, Limits] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_energy(self) -> Self:
        if self.order is not None and self.energy_kev is not None:
            raise ValueError("energy_kev: either order or energy_kev, not both")
        return self


class Analyzers(Part):
    """What is known of single analyzers, by their names in the data file."""

    mask: tuple[str, ...] = ()
    efficiency: dict[str, Positive] = Field(default_factory=dict)
    zero_mev: dict[str, Number] = Field(default_factory=dict)
    resolution: File | None = None


class Background(Part):
    """A measured background and the factor by which the sample transmits it."""

    file: File
    transmission: Annotated[Number, Field(gt=0, le=1)] = 1.0


class Reduction(Part):
    """How scans become spectra. `alpha`: "id28", "integral", or a fixed expansion in 1/K."""

    monitor: str | None = None
    dead_time_us: NotNegative = 0.0
    bin_mev: Positive | None = None
    alpha: Annotated[Literal["id28", "integral"] | float | None, BeforeValidator(_expansion)] = None
    background: tuple[Background, ...] = ()


class Beam(Part):
    """The beam at the sample, for planning."""

    flux_photons_s: Positive | None = None
    spot_um: tuple[Positive, Positive] | None = None


class Experiment(Part):
    """An experiment file; every key is optional until a command needs it."""

    sample: Sample = Field(default_factory=Sample)
    orientation: Orientation = Field(default_factory=Orientation)
    spectrometer: Spectrometer = Field(default_factory=Spectrometer)
    analyzers: Analyzers = Field(default_factory=Analyzers)
    reduction: Reduction = Field(default_factory=Reduction)
    beam: Beam = Field(default_factory=Beam)


def load_experiment(path: str | Path) -> Experiment:
    """Read an experiment file; relative paths in it start from its folder.

    Raises
    ------
    InputError
        When the file is missing or no TOML, or a key is unknown or has a wrong value;
        with line, key path and, for a misspelt key, the likely one.
    """
    from ixs_core.experiment_errors import invalid_experiment

    path = Path(path)
    text = _read(path)
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _not_toml(path, text, error) from error
    try:
        return Experiment.model_validate(content, context={"folder": path.resolve().parent})
    except ValidationError as error:
        raise invalid_experiment(path, text, Experiment, error) from error


def _read(path: Path) -> str:
    try:
        # Windows editors put a byte order mark, which TOML does not allow.
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InputError(
            "no such experiment file", file=path, hint="`ixs init` writes one"
        ) from None
    except UnicodeDecodeError as error:
        raise InputError(
            "the file is not UTF-8 text", file=path, found=f"byte {error.object[error.start]:#04x}"
        ) from error
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", file=path) from error


def _not_toml(path: Path, text: str, error: tomllib.TOMLDecodeError) -> InputError:
    match = re.search(r" \(at (?:line (\d+), column \d+|end of document)\)", str(error))
    reason = str(error)[: match.start()] if match else str(error)
    last = len(text.rstrip().splitlines()) or 1
    line = min(int(match.group(1)), last) if match and match.group(1) else last
    lines = text.splitlines()
    return InputError(
        f"this is not TOML: {reason[:1].lower()}{reason[1:]}",
        file=path,
        line=line,
        found=f"`{lines[line - 1].strip()[:60]}`" if lines else "nothing",
        hint='texts stand in "quotes", lists in [brackets]; `ixs init` writes an example',
    )


def _parallel(first: Hkl, second: Hkl) -> bool:
    """Whether two directions (hkl) are parallel, or one is zero, in any lattice."""
    (a, b, c), (d, e, f) = first, second
    cross = math.hypot(b * f - c * e, c * d - a * f, a * e - b * d)
    return cross <= 1e-6 * math.hypot(*first) * math.hypot(*second)
