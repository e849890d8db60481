"""Which columns of a file hold the heat flux: a TOML file that a user writes."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ixs_core.errors import InputError

Column = str | int
Vector = tuple[Column, Column, Column]


class FluxColumns(BaseModel):
    """The columns of a table of heat fluxes, by name or by number from 1.

    `total`, or `virial` with or without `convective`, must be given.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    total: Vector | None = None
    virial: Vector | None = None
    convective: Vector | None = None
    temperature: Column | None = None
    volume: Column | None = None
    step: Column | None = None
    time_ps: Column | None = None
    timestep_fs: float | None = Field(default=None, gt=0)
    dt_fs: float | None = Field(default=None, gt=0)
    volume_A3: float | None = Field(default=None, gt=0)
    temperature_k: float | None = Field(default=None, gt=0)
    units: Literal["metal", "real", "gpumd"] = "metal"
    extensive: bool = True
    skip_lines: int = Field(default=0, ge=0)
    comment: str = Field(default="#", min_length=1)

    @model_validator(mode="after")
    def _has_a_flux(self) -> FluxColumns:
        if (self.total is None) == (self.virial is None):
            raise ValueError("give 'total' or 'virial': three columns")
        return self


def load_flux_columns(mapping: str | Path | Mapping[str, Any] | FluxColumns) -> FluxColumns:
    """The columns of a TOML file or of a mapping.

    Raises
    ------
    InputError
        There is no such file, or a key in it is unknown or wrong.
    """
    if isinstance(mapping, FluxColumns):
        return mapping
    path = None if isinstance(mapping, Mapping) else Path(mapping)
    data = mapping if isinstance(mapping, Mapping) else _toml(Path(mapping))
    try:
        return FluxColumns.model_validate(dict(data))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"][:1]) or None
        if first["type"] == "extra_forbidden":
            close = difflib.get_close_matches(str(key), FluxColumns.model_fields, n=1)
            known = ", ".join(FluxColumns.model_fields)
            raise InputError(
                "a mapping of columns has no such key",
                file=path,
                key=key,
                hint=f"did you mean '{close[0]}'?" if close else f"known keys: {known}",
            ) from None
        raise InputError(
            f"this mapping of columns cannot be used: {first['msg']}", file=path, key=key
        ) from None


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f"cannot be read: {error.strerror}",
            file=path,
            expected='a TOML file, such as: total = ["Jx", "Jy", "Jz"]',
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"this is not TOML: {error}", file=path) from None
