"""Resolution functions from a file: a project of `ixs resolution -o`, or its `--json` output."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ixs_core.errors import InputError
from ixs_reduce.resolution import Resolution


def load_resolutions(path: str | Path) -> dict[str, Resolution]:
    """The resolution function of each analyzer of a file, recognised by content.

    Parameters
    ----------
    path : path
        HDF5 as written by `ixs resolution -o`, or the JSON that `ixs resolution --json` prints.

    Raises
    ------
    InputError
        When the file is neither, or holds no resolution.
    """
    path = Path(path)
    try:
        with open(path, "rb") as stream:
            start = stream.read(64).lstrip()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", file=path) from error
    if start.startswith(b"{"):
        return _from_json(path)
    from ixs_reduce.store import read_resolutions

    return read_resolutions(path)


def _from_json(path: Path) -> dict[str, Resolution]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, UnicodeDecodeError) as error:
        raise InputError("not a JSON file", file=path, found=str(error)) from error
    analyzers = content.get("analyzers") if isinstance(content, dict) else None
    if not isinstance(analyzers, list) or not analyzers:
        raise InputError(
            "there are no resolution functions",
            file=path,
            key="analyzers",
            expected="a list as printed by `ixs resolution --json`",
        )
    return dict(_resolution_of(path, number, item) for number, item in enumerate(analyzers))


def _resolution_of(path: Path, number: int, item: Any) -> tuple[str, Resolution]:
    key = f"analyzers[{number}]"
    try:
        name = str(item["name"])
        if item.get("table"):
            energy_mev, intensity = item["table"]
            return name, Resolution.from_table(energy_mev, intensity, name)
        components = [
            (c["kind"], float(c["weight"]), float(c["center_mev"]), float(c["fwhm_mev"]))
            for c in item["components"]
        ]
        return name, Resolution.from_components(components, name)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            "a resolution is not complete",
            file=path,
            key=key,
            found=f"{type(error).__name__}: {error}",
            expected="name, and components with kind, weight, center_mev, fwhm_mev",
        ) from error
    except InputError as error:
        raise InputError(error.message, file=path, key=f"{key} {error.key}") from error
