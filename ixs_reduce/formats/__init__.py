"""Measured files of every kind, read into `Scan`s."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ixs_core.errors import InputError
from ixs_reduce.formats.identify import Kind, identify
from ixs_reduce.formats.profile import (
    PROFILES,
    Profile,
    load_profile,
    recognise,
    with_overrides,
)
from ixs_reduce.formats.selection import select_scans
from ixs_reduce.scan import Scan, Source

__all__ = ["ScanFile", "identify", "load_profile", "read_scans", "select_scans"]


@dataclass(frozen=True)
class ScanFile:
    """The scans of one file.

    Parameters
    ----------
    path : Path
    kind : str
        What `identify` says.
    sha256 : str
        Digest of the content.
    scans : tuple of Scan
        In the order of the file.
    problems : tuple of InputError
        Scans that could not be read, and why; the others are in `scans`.
    profile : str or None
        Name of the profile that gave the labels their roles.
    """

    path: Path
    kind: Kind
    sha256: str
    scans: tuple[Scan, ...]
    problems: tuple[InputError, ...] = ()
    profile: str | None = None


def read_scans(
    path: str | Path,
    profile: str | Path | Profile | None = None,
    overrides: Mapping[str, object] | None = None,
) -> ScanFile:
    """Read every scan of a file.

    Parameters
    ----------
    path : path
        The file; its kind is told from its content.
    profile : str, path or Profile, optional
        Which label plays which role: the name of a shipped profile or a TOML file. By default
        the shipped profile whose telling labels the file has.
    overrides : mapping, optional
        Keys of the profile to replace, as ``{"monitor": "HM_IC1", "alpha": 2.639e-6}``.

    Returns
    -------
    ScanFile

    Raises
    ------
    InputError
        When the file is no data file, no profile fits, or it holds no scan at all. A scan that
        cannot be read is put into `problems` and does not keep the others from loading.
    """
    path = Path(path)
    kind = identify(path)
    given = load_profile(profile) if profile is not None else None
    if given is not None and overrides:
        given = with_overrides(given, overrides)
    source = Source(path=path, sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    if kind == "spec":
        return _read_spec(source, given, overrides or {})
    if given is None and kind in ("spring8", "gpi"):
        return _read_spring8(source, kind)
    wanted = "nexus" if kind == "hdf5" else "columns"
    if given is None:
        raise InputError(
            "labels of such a file have to be explained",
            file=path,
            hint=f'give --profile mapping.toml with format = "{wanted}"',
        )
    _check_format(given, wanted, path)
    return _read_mapped(source, kind, given)


def _check_format(profile: Profile, wanted: str, path: Path) -> None:
    if profile.format != wanted:
        raise InputError(
            f"profile {profile.name} is for another kind of file",
            file=path,
            key="format",
            found=profile.format,
            expected=wanted,
        )


def _read_spec(
    source: Source, profile: Profile | None, overrides: Mapping[str, object]
) -> ScanFile:
    from ixs_reduce.formats.roles import scan_from_spec
    from ixs_reduce.formats.spec import parse_spec

    blocks, found = parse_spec(_text(source.path), source.path)
    problems = list(found)
    if not blocks and not problems:
        raise InputError("the file holds no scan", file=source.path, expected="#S lines")
    if profile is None:
        profile = recognise(block.labels for block in blocks)
        if profile is None:
            raise _unrecognised([block.labels for block in blocks], problems, source.path)
        if overrides:
            profile = with_overrides(profile, overrides)
    _check_format(profile, "spec", source.path)
    scans = []
    for block in blocks:
        place = Source(path=source.path, sha256=source.sha256, line=block.line)
        try:
            scans.append(scan_from_spec(block, profile, place))
        except InputError as error:
            problems.append(error)
    problems.sort(key=lambda error: error.line or 0)
    return ScanFile(source.path, "spec", source.sha256, tuple(scans), tuple(problems), profile.name)


def _unrecognised(
    labels: list[tuple[str, ...]], problems: list[InputError], path: Path
) -> InputError:
    if problems and not any(labels):
        return problems[0]
    some = ", ".join(sorted({label for row in labels for label in row})[:12])
    return InputError(
        "no profile fits the labels of this file",
        file=path,
        found=some or "no labels",
        expected=", ".join(
            f"{name} ({' and '.join(load_profile(name).recognised_by)})" for name in PROFILES
        ),
        hint="copy the nearest profile, edit it, and give it with --profile",
    )


def _read_spring8(source: Source, kind: Kind) -> ScanFile:
    from ixs_reduce.formats import spring8

    if kind == "spring8":
        gpi = spring8.find_gpi(source.path)
        scan = spring8.read_reduced(_text(source.path), source, gpi)
        return ScanFile(source.path, kind, source.sha256, (scan,), (), "spring8")
    gpi = spring8.parse_gpi(_text(source.path), source.path)
    scans: list[Scan] = []
    problems: list[InputError] = []
    for data in gpi.existing_data_files().values():
        place = Source(path=data, sha256=hashlib.sha256(data.read_bytes()).hexdigest())
        try:
            scans.append(spring8.read_reduced(_text(data), place, gpi))
        except InputError as error:
            problems.append(error)
    absent = [str(n) for n in gpi.q_hkl if n not in gpi.existing_data_files()]
    if absent:
        problems.append(
            InputError(
                f"no data file beside it for analyzers {', '.join(absent)}",
                file=source.path,
                key="f_prefix",
            )
        )
    return ScanFile(source.path, kind, source.sha256, tuple(scans), tuple(problems), "spring8")


def _read_mapped(source: Source, kind: Kind, profile: Profile) -> ScanFile:
    from ixs_reduce.formats.roles import scan_from_spec

    problems: list[InputError] = []
    scans: list[Scan] = []
    if kind == "hdf5":
        from ixs_reduce.formats.nexus import read_entries

        blocks, profile = read_entries(source.path, profile)
    else:
        from ixs_reduce.formats.columns import read_columns

        blocks = (read_columns(_text(source.path), profile, source.path),)
    for block in blocks:
        place = Source(path=source.path, sha256=source.sha256, line=block.line)
        try:
            scans.append(scan_from_spec(block, profile, place))
        except InputError as error:
            problems.append(error)
    if not scans and problems:
        raise problems[0]
    return ScanFile(source.path, kind, source.sha256, tuple(scans), tuple(problems), profile.name)


def _text(path: Path) -> str:
    """Content as text; bytes that are no text become U+FFFD and fail where a number should be."""
    return path.read_bytes().decode("utf-8", "replace")
