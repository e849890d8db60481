"""Profiles: which label of a file plays which role, as TOML that a user can edit.

`{n}` in a label stands for the number of an analyzer as its counts label writes it ("03"),
`{name}` for the whole counts label ("a03").
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ixs_core.errors import InputError

PROFILES = ("herix30id", "id28", "bl43lxu")
"""Profiles that ship with the package."""


class FixedValues(BaseModel):
    """What a file does not say, the same for all its scans."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    q_hkl: dict[str, tuple[float, float, float]] = Field(default_factory=dict)
    q_abs: dict[str, float] = Field(default_factory=dict)
    temperature_k: float | None = Field(default=None, gt=0)
    lattice: tuple[float, float, float, float, float, float] | None = None
    slits_mm: tuple[float, float] | None = None
    seconds: float | None = Field(default=None, gt=0)


class Profile(BaseModel):
    """The roles that a file's labels play.

    Either `energy` (a column in meV) or `temperature_mono` and `temperature_analyzer` (crystal
    temperatures in K, or thermistor resistances in ohm) must be given, and `counts`. In an
    HDF5 file the labels are paths.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = "profile"
    description: str = ""
    format: Literal["spec", "columns", "nexus"] = "spec"
    recognised_by: tuple[str, ...] = ()
    energy: str | None = None
    energy_in_ev: bool = False
    temperature_mono: str | None = None
    temperature_analyzer: str | dict[str, str] | None = None
    temperature_unit: Literal["K", "ohm"] = "K"
    temperature_correction_k: dict[str, float] = Field(default_factory=dict)
    order: int = Field(default=11, gt=0)
    alpha: Literal["integral", "id28"] | float = "integral"
    energy_scans: tuple[str, ...] = ()
    counts: str
    analyzer_names: tuple[str, ...] = ()
    monitor: str | None = None
    monitor_is_rate: bool = False
    seconds: str | None = None
    seconds_required: bool = True
    q_hkl: tuple[str, str, str] | None = None
    lattice: bool | str = False
    temperature_sample: tuple[str, ...] = ()
    temperature_implausible_below_k: float = 0.0
    main_analyzer: str | None = None
    slits: tuple[str, str] | None = None
    angles: dict[str, str] = Field(default_factory=dict)
    columns: tuple[str, ...] = ()
    delimiter: str | None = None
    comment: str = "#"
    skip_lines: int = Field(default=0, ge=0)
    fixed: FixedValues = FixedValues()

    @model_validator(mode="after")
    def _has_energy(self) -> Profile:
        if self.energy is None and not (self.temperature_mono and self.temperature_analyzer):
            raise ValueError(
                "give 'energy', or 'temperature_mono' and 'temperature_analyzer': "
                "without them there is no energy axis"
            )
        unknown = set(self.angles) - {"tth", "th", "chi", "phi", "mu", "gam"}
        if unknown:
            raise ValueError(f"angles knows tth, th, chi, phi, mu, gam, not {sorted(unknown)}")
        return self

    def analyzers_in(self, labels: Iterable[str]) -> dict[str, str]:
        """Counts labels among these and the number each holds, in order of the number.

        `analyzer_names`, when given, are the counts labels themselves, in their own order.
        """
        if self.analyzer_names:
            present = set(labels)
            return {
                name: (re.findall(r"\d+", name) or [""])[-1]
                for name in self.analyzer_names
                if name in present
            }
        pattern = re.compile(re.escape(self.counts).replace(r"\{n\}", r"(\d+)") + "$")
        found = {label: match for label in labels if (match := pattern.match(label))}
        numbers = {label: m.group(1) if m.groups() else "" for label, m in found.items()}
        return dict(sorted(numbers.items(), key=lambda item: (int(item[1] or 0), item[0])))

    def label_for(self, template: str, name: str, number: str) -> str:
        """A template with the analyzer's name and number put in."""
        return template.replace("{n}", number).replace("{name}", name)

    def temperature_label(self, name: str, number: str) -> str:
        """The label of an analyzer's temperature.

        Raises
        ------
        InputError
            When the profile's table does not hold this analyzer.
        """
        given = self.temperature_analyzer
        if isinstance(given, dict):
            if name not in given:
                raise InputError(
                    f"profile {self.name} names no thermometer for analyzer {name}",
                    key="temperature_analyzer",
                    found=", ".join(given) or "nothing",
                )
            return given[name]
        return self.label_for(given or "", name, number)


def load_profile(profile: str | Path | Profile) -> Profile:
    """A profile by name or from a TOML file.

    Parameters
    ----------
    profile : str, path or Profile
        The name of a shipped profile, or the path of a TOML file.

    Raises
    ------
    InputError
        When there is no such profile, or a key in it is unknown or wrong.
    """
    if isinstance(profile, Profile):
        return profile
    if str(profile) in PROFILES:
        resource = files("ixs_reduce.formats.profiles") / f"{profile}.toml"
        return _validated(resource.read_text("utf-8"), str(profile), Path(f"{profile}.toml"))
    path = Path(profile)
    if not path.is_file():
        close = difflib.get_close_matches(str(profile), PROFILES, n=1)
        raise InputError(
            "there is no such profile",
            key=str(profile),
            expected=f"one of {', '.join(PROFILES)}, or the path of a TOML file",
            hint=f"did you mean {close[0]}?" if close else None,
        )
    return _validated(path.read_text("utf-8"), path.stem, path)


def with_overrides(profile: Profile, overrides: Mapping[str, object]) -> Profile:
    """The profile with some keys replaced, checked like a file."""
    data = profile.model_dump() | dict(overrides)
    try:
        return Profile.model_validate(data)
    except ValidationError as error:
        raise _explain(error, None) from None


def recognise(label_sets: Iterable[Iterable[str]]) -> Profile | None:
    """The shipped profile whose telling labels all stand in one scan of the file."""
    sets = [set(labels) for labels in label_sets]
    for name in PROFILES:
        profile = load_profile(name)
        telling = set(profile.recognised_by)
        if telling and any(telling <= labels for labels in sets):
            return profile
    return None


def _validated(text: str, name: str, path: Path) -> Profile:
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"this is not TOML: {error}", file=path) from None
    try:
        return Profile.model_validate({"name": name} | data)
    except ValidationError as error:
        raise _explain(error, path) from None


def _explain(error: ValidationError, path: Path | None) -> InputError:
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"]) or None
    if first["type"] != "extra_forbidden":
        return InputError(
            f"this profile cannot be used: {first['msg']}",
            file=path,
            key=key,
            found=None if isinstance(first["input"], dict) else repr(first["input"]),
        )
    known = FixedValues.model_fields if str(key).startswith("fixed.") else Profile.model_fields
    close = difflib.get_close_matches(str(first["loc"][-1]), known, n=1)
    return InputError(
        "a profile has no such key",
        file=path,
        key=key,
        hint=f"did you mean '{close[0]}'?" if close else f"known keys: {', '.join(known)}",
    )
