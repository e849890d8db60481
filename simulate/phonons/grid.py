"""S on a grid of any size in reciprocal space, streamed to an HDF5 file in flat memory."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.atomic import atomic_write
from ixs_core.errors import InputError
from ixs_core.jobs import CancelToken, Progress, parallel_each
from ixs_core.provenance import Provenance, provenance_of
from ixs_reduce.resolution import Resolution
from simulate.phonons.spectra import Linewidth, line_spectra

if TYPE_CHECKING:
    from simulate.phonons.model import PhononModel

_BLOCK = 2048
"""Momenta that one worker takes at a time."""

_MOST_POINTS = 1_000_000_000
_LONGEST_AXIS = 100_000

Block = tuple[slice, slice, slice]


@dataclass(frozen=True)
class QGrid:
    """A grid of momenta along h, k, l.

    Parameters
    ----------
    h, k, l : (first, last, number) each
        r.l.u. of the conventional cell, both ends included.

    Raises
    ------
    InputError
        An axis is not two finite numbers and a number of points.
    """

    h: tuple[float, float, int]
    k: tuple[float, float, int]
    l: tuple[float, float, int]  # noqa: E741 - the Miller index

    def __post_init__(self) -> None:
        for name in ("h", "k", "l"):
            axis = getattr(self, name)
            good = len(axis) == 3 and np.isfinite(axis).all() and axis[2] == int(axis[2])
            if not good or axis[2] < 1:
                raise InputError(
                    "not an axis of a grid",
                    key=name,
                    found=axis,
                    expected="(first, last, number of points), such as (0, 2, 41)",
                )

    @property
    def shape(self) -> tuple[int, int, int]:
        """Points along h, k and l."""
        return int(self.h[2]), int(self.k[2]), int(self.l[2])

    def axes(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """The values along h, k and l."""
        h, k, l = (np.linspace(a[0], a[1], int(a[2])) for a in (self.h, self.k, self.l))  # noqa: E741
        return h, k, l

    def q_hkl(self, block: Block) -> FloatArray:
        """(n, 3) momenta of a block, l running fastest."""
        parts = [axis[part] for axis, part in zip(self.axes(), block, strict=True)]
        return np.stack(np.meshgrid(*parts, indexing="ij"), axis=-1).reshape(-1, 3)

    def blocks(self, size: int = _BLOCK) -> list[Block]:
        """The grid in blocks of at most `size` points, in order."""
        lengths = []
        room = size
        for count in reversed(self.shape):
            lengths.append(min(count, max(1, room)))
            room = room // count if lengths[-1] == count else 0
        parts = [
            [slice(i, min(i + n, count)) for i in range(0, count, n)]
            for count, n in zip(self.shape, reversed(lengths), strict=True)
        ]
        return list(itertools.product(*parts))


@dataclass(frozen=True)
class GridSpectra:
    """Asks for S(Q,E) on the grid instead of its lines.

    Parameters
    ----------
    energy_mev : (n,) array
    resolution : Resolution
    linewidth : float, sequence, array or callable
        As for `simulate.phonons.spectra.line_spectra`.
    """

    energy_mev: FloatArray
    resolution: Resolution
    linewidth: Linewidth = 0.0


def parse_grid(text: str) -> QGrid:
    """A grid from text, "first:last:points" for each of h, k, l: "0:2:41 0:1:21 0.5:0.5:1".

    A single number is an axis of one point; numbers may be fractions ("1/2").

    Raises
    ------
    InputError
        There are not three axes, one of them is not two numbers and a number of points, or
        there are too many points.
    """
    fields = text.replace(",", " ").split()
    axes = [_axis(field) for field in fields]
    if len(axes) != 3 or None in axes:
        raise InputError(
            "not a grid",
            key="--grid",
            found=repr(text),
            expected='three axes such as "0:2:41 0:1:21 0.5" (first:last:points of h, k, l)',
        )
    h, k, l = axes  # noqa: E741 - the Miller index
    grid = QGrid(h, k, l)  # type: ignore[arg-type]
    if math.prod(grid.shape) > _MOST_POINTS or max(grid.shape) > _LONGEST_AXIS:
        raise InputError(
            "the grid has too many points",
            key="--grid",
            found=" × ".join(str(n) for n in grid.shape),
            expected=f"up to {_LONGEST_AXIS} along an axis and {_MOST_POINTS:.0e} in all",
        )
    return grid


def _axis(text: str) -> tuple[float, float, int] | None:
    parts = text.split(":")
    try:
        ends = [float(Fraction(part)) for part in parts[:2]]
        count = int(parts[2]) if len(parts) == 3 else 1
    except (ValueError, ZeroDivisionError):
        return None
    return (ends[0], ends[-1], count) if len(parts) in (1, 3) else None


def write_grid(
    path: str | Path,
    model: PhononModel,
    grid: QGrid,
    temperature_k: float,
    *,
    spectra: GridSpectra | None = None,
    sources: Sequence[str | Path] = (),
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
    **options: Any,
) -> None:
    """Write the modes, or S(Q,E), on a grid to a NeXus file.

    The file appears when it is whole. Memory does not grow with the grid. The group
    /entry/sqe (NXdata) holds h, k, l and, [h, k, l, mode], `energy` in meV (negative: imaginary)
    and `intensity` in e² per primitive cell; or, with `spectra`, [h, k, l, energy] `intensity`
    in e²/meV (float32). /entry/process says how it was made.

    Parameters
    ----------
    path : path
        The file to write; an earlier grid is replaced, any other file is refused.
    model : PhononModel
    grid : QGrid
    temperature_k : float
    spectra : GridSpectra, optional
    sources : sequence of paths
        Files that the calculation was made from, for the record; by default that of the
        force constants alone.
    workers, scheduler, progress, cancel
        As for `ixs_core.jobs.parallel_each`. What a dask worker had in hand when it died is
        done again.
    options
        As for `PhononModel.structure_factor`.

    Raises
    ------
    InputError
        As from `PhononModel.structure_factor`; when the file cannot be written or is not a grid.
    Cancelled
    """
    _refuse_other_files(Path(path))
    displaced = model.choose_debye_waller(options.get("debye_waller", "phonon"), temperature_k)
    options["debye_waller"] = displaced
    blocks = grid.blocks()
    record = _record(model, grid, temperature_k, spectra, sources, options)
    with atomic_write(path) as temporary, h5py.File(temporary, "w") as h5:
        writer = _Writer(_begin(h5, grid, model.n_modes, spectra, record), blocks)
        writer.data.attrs["temperature_k"] = temperature_k
        writer.data.attrs["debye_waller"] = displaced.source
        parallel_each(
            partial(_work, model, grid, temperature_k, spectra, options),
            blocks,
            writer.take,
            workers=workers,
            scheduler=scheduler,
            progress=progress,
            cancel=cancel,
        )
        writer.data.attrs["imaginary_modes"] = writer.imaginary


def _refuse_other_files(path: Path) -> None:
    """Keep projects and whatever else stands there from being replaced by a grid."""
    if not path.exists():
        return
    try:
        with h5py.File(path, "r") as h5:
            known = h5.get("entry/sqe/h") is not None
    except OSError:
        known = False
    if not known:
        raise InputError(
            "the file holds something other than a grid and is not replaced",
            file=path,
            expected="a new name, or that of an earlier grid",
        )


@dataclass
class _Writer:
    """Puts blocks into the file as they come, and counts their imaginary modes."""

    data: h5py.Group
    blocks: list[Block]
    imaginary: int = 0

    def take(self, index: int, result: tuple[dict[str, FloatArray], int]) -> None:
        arrays, imaginary = result
        block = self.blocks[index]
        shape = [part.stop - part.start for part in block]
        for name, values in arrays.items():
            self.data[name][block] = values.reshape(*shape, -1)
        self.imaginary += imaginary


def _work(
    model: PhononModel,
    grid: QGrid,
    temperature_k: float,
    spectra: GridSpectra | None,
    options: Mapping[str, Any],
    block: Block,
) -> tuple[dict[str, FloatArray], int]:
    """Datasets of a block by name, each (nq, …), and its number of imaginary modes."""
    lines = model.structure_factor(grid.q_hkl(block), temperature_k, **options)
    imaginary = int(lines.imaginary.sum())
    if spectra is None:
        return {"energy": lines.energy_mev, "intensity": lines.intensity}, imaginary
    sqe = line_spectra(lines, spectra.energy_mev, spectra.resolution, spectra.linewidth)
    return {"intensity": sqe.astype(np.float32)}, imaginary


def _begin(
    h5: h5py.File,
    grid: QGrid,
    n_modes: int,
    spectra: GridSpectra | None,
    record: Provenance,
) -> h5py.Group:
    """The file's groups, axes and empty datasets; returns the group of the data."""
    entry = h5.create_group("entry")
    entry.attrs.update({"NX_class": "NXentry", "default": "sqe"})
    h5.attrs["default"] = "entry"
    data = entry.create_group("sqe")
    data.attrs["NX_class"] = "NXdata"
    data.attrs["signal"] = "intensity"
    for name, values in zip(("h", "k", "l"), grid.axes(), strict=True):
        data.create_dataset(name, data=values).attrs["units"] = "r.l.u."
    if spectra is None:
        last, count, unit, dtype = "mode", n_modes, "e^2 per primitive cell", "f8"
        data.create_dataset("mode", data=np.arange(1, n_modes + 1))
        energy = data.create_dataset("energy", shape=(*grid.shape, n_modes), dtype="f8")
    else:
        last, count, unit, dtype = "energy", len(spectra.energy_mev), "e^2/meV per cell", "f4"
        energy = data.create_dataset("energy", data=np.asarray(spectra.energy_mev, float))
    energy.attrs["units"] = "meV"
    signal = data.create_dataset("intensity", shape=(*grid.shape, count), dtype=dtype)
    signal.attrs["units"] = unit
    data.attrs["axes"] = ["h", "k", "l", last]
    process = entry.create_group("process")
    process.attrs["NX_class"] = "NXprocess"
    process["program"] = record.function
    process["version"] = record.versions.get("ixs-suite", "")
    process["date"] = record.created
    process["record"] = record.to_json()
    return data


def _record(
    model: PhononModel,
    grid: QGrid,
    temperature_k: float,
    spectra: GridSpectra | None,
    sources: Sequence[str | Path],
    options: Mapping[str, Any],
) -> Provenance:
    settings: dict[str, Any] = {
        **options,
        "grid": asdict(grid),
        "temperature_k": temperature_k,
        "debye_waller": options["debye_waller"].source,
    }
    if spectra is not None:
        widths = spectra.linewidth
        settings["energy_mev"] = spectra.energy_mev
        settings["resolution"] = spectra.resolution.to_record()
        settings["linewidth"] = getattr(widths, "__qualname__", widths)
    made = provenance_of("simulate.phonons.write_grid", settings, sources=sources)
    if sources:
        return made
    crystal = model.force_constants
    return replace(made, sources=((crystal.source, crystal.sha256),))
