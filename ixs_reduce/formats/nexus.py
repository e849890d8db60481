"""HDF5 and NeXus files through paths in a mapping.

Labels of the mapping are paths of datasets. `{entry}` in a path stands for a group at the top of
the file, and every group that has the counts is a scan; `{n}` for the number of an analyzer and
`{name}` for the path segment that holds it. Element i of a short array is `path[i]`.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from ixs_reduce.formats.block import Block
from ixs_reduce.formats.profile import Profile, with_overrides

_SHORT = 16
"""Arrays up to this length are also header fields, element by element."""


def read_entries(path: str | Path, profile: Profile) -> tuple[tuple[Block, ...], Profile]:
    """Every scan of an HDF5 file as labelled columns.

    Parameters
    ----------
    path : path
    profile : Profile
        Whose labels are paths.

    Returns
    -------
    blocks : tuple of Block
        One for each group that `{entry}` can stand for, numbered by the digits of its name.
    profile : Profile
        The mapping with `counts` shortened to the analyzers' names.

    Raises
    ------
    InputError
        When the file cannot be opened, or no group holds the counts.
    """
    try:
        with h5py.File(path, "r", locking=False) as file:
            entries = _entries(file, profile)
            found = [(name, _datasets(file, name)) for name in entries]
    except OSError as error:
        raise InputError(f"the file cannot be read: {error}", file=path) from None
    blocks = []
    short = profile
    for position, (name, datasets) in enumerate(found, start=1):
        columns, short = _columns(datasets, profile)
        if not columns:
            continue
        digits = re.findall(r"\d+", name)
        blocks.append(
            _block(name, int(digits[-1]) if digits else position, columns, datasets, profile)
        )
    if not blocks:
        raise InputError(
            "no group of the file holds the counts",
            file=path,
            key=profile.counts,
            found=", ".join(sorted(found[0][1])[:8]) if found else "an empty file",
        )
    return _numbered(blocks), short


def _entries(file: h5py.File, profile: Profile) -> list[str]:
    if "{entry}" not in profile.counts:
        return [""]
    return [name for name, item in file.items() if isinstance(item, h5py.Group)]


def _datasets(file: h5py.File, entry: str) -> dict[str, FloatArray]:
    """Numeric datasets by path, with the entry's own name replaced by `{entry}`."""
    found: dict[str, FloatArray] = {}
    root = file[entry] if entry else file
    prefix = "/{entry}/" if entry else "/"

    def visit(name: str, item: h5py.Dataset | h5py.Group) -> None:
        if isinstance(item, h5py.Dataset) and item.dtype.kind in "iuf" and item.ndim <= 2:
            found[prefix + name] = np.asarray(item[()], dtype=np.float64)

    root.visititems(visit)
    return found


def _columns(
    datasets: dict[str, FloatArray], profile: Profile
) -> tuple[dict[str, FloatArray], Profile]:
    """Counts by analyzer name, and the mapping that knows them by it."""
    if "{n}" not in profile.counts:
        counts = datasets.get(profile.counts)
        if counts is None:
            return {}, profile
        return _named(np.atleast_2d(counts), profile)
    pattern = re.compile(re.escape(profile.counts).replace(r"\{n\}", r"\d+") + "$")
    parts = profile.counts.split("/")
    place = next(i for i, part in enumerate(parts) if "{n}" in part)
    columns = {p.split("/")[place]: v for p, v in datasets.items() if pattern.match(p)}
    return columns, with_overrides(profile, {"counts": parts[place]})


def _named(counts: FloatArray, profile: Profile) -> tuple[dict[str, FloatArray], Profile]:
    """A table of counts, split along the axis that has as many entries as there are names."""
    names = profile.analyzer_names or (profile.counts.rsplit("/", 1)[-1],)
    if counts.shape[0] != len(names):
        counts = counts.T
    if counts.shape[0] != len(names):
        raise InputError(
            "the table of counts does not fit the analyzer names",
            key="analyzer_names",
            found=f"{len(names)} names for a table of {counts.shape[1]} x {counts.shape[0]}",
        )
    return dict(zip(names, counts, strict=True)), with_overrides(
        profile, {"analyzer_names": tuple(names)}
    )


def _block(
    name: str,
    number: int,
    counts: dict[str, FloatArray],
    datasets: dict[str, FloatArray],
    profile: Profile,
) -> Block:
    points = {values.size for values in counts.values()}
    if len(points) != 1:
        raise InputError(
            f"analyzers of {name or 'the file'} have different numbers of points",
            key=profile.counts,
            found=sorted(points),
        )
    n_points = points.pop()
    columns = dict(counts)
    header: dict[str, float] = {}
    for path, values in datasets.items():
        if values.shape == (n_points,):
            columns[path] = values
        if values.size == 1:
            header[path] = float(values.reshape(-1)[0])
        elif values.ndim == 1 and values.size <= _SHORT:
            header |= {f"{path}[{i}]": float(v) for i, v in enumerate(values)}
    cell = datasets.get(profile.lattice) if isinstance(profile.lattice, str) else None
    lattice = None
    if cell is not None and cell.size == 6:
        a, b, c, alpha, beta, gamma = (float(value) for value in cell)
        lattice = (a, b, c, alpha, beta, gamma)
    return Block(
        number=number,
        command=name or profile.counts,
        labels=tuple(columns),
        columns=np.array(list(columns.values())),
        header=header,
        motors=header,
        lattice=lattice,
    )


def _numbered(blocks: list[Block]) -> tuple[Block, ...]:
    """Give repeated numbers their occurrence."""
    seen: dict[int, int] = {}
    numbered = []
    for block in blocks:
        seen[block.number] = seen.get(block.number, 0) + 1
        numbered.append(replace(block, occurrence=seen[block.number]))
    return tuple(numbered)
