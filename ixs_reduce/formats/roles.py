"""From labelled columns to a `Scan`: the roles of a profile filled with a block's numbers."""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import Literal

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from ixs_core.lattice import Lattice
from ixs_reduce.formats.block import Block
from ixs_reduce.formats.profile import Profile
from ixs_reduce.scan import Analyzer, Flag, Scan, Source

THERMOMETERS_DISAGREE_K = 5.0
"""Column and header thermometers further apart than this are flagged."""

_ABORTED = re.compile(r"[Ss]can aborted after (\d+) points?")
_EV_IN_MEV = 1000.0


def scan_from_spec(block: Block, profile: Profile, source: Source) -> Scan:
    """Fill a profile's roles with the columns and header fields of one block.

    Parameters
    ----------
    block : Block
        Labelled columns (`SpecScan`, or what another reader made).
    profile : Profile
        Which label plays which role.
    source : Source
        Where the block was read; its line is that of the scan.

    Returns
    -------
    Scan
        Arrays in measured order, analyzers first.

    Raises
    ------
    InputError
        When a needed column is missing, or counts, monitor, seconds or energies hold NaN or
        negative numbers: file, line and label are named.
    """
    kind = _kind(block, profile)
    empty = block.points == 0
    names = _analyzers(block, profile, source.path, required=kind == "energy" and not empty)
    counts = np.array([_measured(block, name, source.path, 0.0) for name in names])
    counts = counts.reshape(len(names), block.points)
    seconds = _seconds(block, profile, source.path, kind)
    monitor = _monitor(block, profile, source.path, kind, seconds)
    temperature, temperature_flags = _temperature(block, profile)
    flags = list(block.flags) + temperature_flags
    if kind == "energy" and not empty:
        energy = _energy(block, profile, names, source.path)
        flags += _order_flags(energy)
    else:
        energy = np.full(counts.shape, np.nan)
    lattice, lattice_flags = _lattice(block, profile)
    flags += lattice_flags
    requested = requested_points(block.command)
    flags += _ending(block, requested)
    return Scan(
        number=block.number,
        occurrence=block.occurrence,
        kind=kind,
        command=block.command,
        scanned=_scanned(block),
        energy_mev=energy,
        counts=counts,
        analyzers=tuple(_analyzer(block, profile, n, i, lattice) for n, i in names.items()),
        source=source,
        seconds=seconds,
        monitor=monitor,
        monitor_name=profile.monitor if monitor is not None else None,
        temperature_k=temperature,
        angles=_angles(block, profile),
        slits_mm=_slits(block, profile),
        lattice=lattice.cell if lattice is not None else None,
        main_analyzer=_main_analyzer(block, profile),
        requested_points=requested,
        flags=tuple(flags),
    )


def requested_points(command: str) -> int | None:
    """Points that a SPEC command asks for: intervals + 1; None when the command is not known.

    >>> requested_points("ascan herixE -15 30 90 30")
    91
    """
    words = command.split()
    if len(words) < 6 or not re.fullmatch(r"(?:[ad]\d?scan|lup|hklscan|[hkl]scan)", words[0]):
        return None
    return int(words[-2]) + 1 if words[-2].isdigit() else None


def _kind(block: Block, profile: Profile) -> Literal["energy", "motor"]:
    words = {word.lower() for word in block.command.split()}
    if any(word.lower() in words for word in profile.energy_scans):
        return "energy"
    first = block.labels[0] if block.labels else None
    if profile.energy is not None and (not profile.energy_scans or first == profile.energy):
        return "energy" if profile.energy in block.labels else "motor"
    return "motor"


def _scanned(block: Block) -> str:
    if block.labels:
        return block.labels[0]
    words = block.command.split()
    return words[1] if len(words) > 1 else ""


def _analyzers(block: Block, profile: Profile, path: Path, *, required: bool) -> dict[str, str]:
    names = profile.analyzers_in(block.labels)
    if required and not names:
        raise _missing(block, profile.counts, "counts", path)
    return names


def _missing(block: Block, label: str, role: str, path: Path) -> InputError:
    close = difflib.get_close_matches(label, block.labels, n=1, cutoff=0.5)
    return InputError(
        f"scan {block.label} has no column for the {role}",
        file=path,
        line=block.label_line or block.line,
        key=label,
        found=f"{len(block.labels)} labels" + (f", nearest '{close[0]}'" if close else ""),
        hint="edit a copy of the profile and give it with --profile",
    )


def _measured(block: Block, label: str, path: Path, lowest: float | None) -> FloatArray:
    """A column that must be finite, and not below `lowest`."""
    column = block.column(label)
    if column is None:
        raise _missing(block, label, "data", path)
    bad = ~np.isfinite(column)
    if lowest is not None:
        bad |= column < lowest
    if bad.any():
        point = int(np.flatnonzero(bad)[0])
        wrong = "is negative" if np.isfinite(column[point]) else "is not a finite number"
        raise InputError(
            f"scan {block.label}, point {point}: a value {wrong}",
            file=path,
            line=block.line_of(point),
            key=label,
            found=float(column[point]),
            hint=f"{int(bad.sum())} of {block.points} points are affected; the scan is skipped",
        )
    return column


def _seconds(block: Block, profile: Profile, path: Path, kind: str) -> FloatArray | None:
    if profile.fixed.seconds is not None:
        return np.full(block.points, profile.fixed.seconds)
    label = profile.seconds
    if label is None:
        return None
    if label not in block.labels:
        if profile.seconds_required and kind == "energy" and block.points:
            raise _missing(block, label, "counting time", path)
        return None
    return _measured(block, label, path, 0.0)


def _monitor(
    block: Block, profile: Profile, path: Path, kind: str, seconds: FloatArray | None
) -> FloatArray | None:
    label = profile.monitor
    if label is None:
        return None
    if label not in block.labels:
        if kind == "energy" and block.points:
            raise _missing(block, label, "monitor", path)
        return None
    column = _measured(block, label, path, 0.0)
    if not profile.monitor_is_rate:
        return column
    if seconds is None:
        raise InputError(
            "the monitor is a rate, but the file has no counting time to multiply it with",
            file=path,
            key=label,
        )
    return column * seconds


def _energy(block: Block, profile: Profile, names: dict[str, str], path: Path) -> FloatArray:
    if profile.energy is not None:
        if profile.energy not in block.labels:
            raise _missing(block, profile.energy, "energy", path)
        column = _measured(block, profile.energy, path, None)
        scale = _EV_IN_MEV if profile.energy_in_ev else 1.0
        return np.tile(scale * column, (len(names), 1))
    # Imported here: files with an energy column need no crystal temperatures.
    from ixs_reduce.energy import energy_from_temperatures

    mono = _crystal_temperature(block, str(profile.temperature_mono), profile, path)
    rows = []
    for name, number in names.items():
        label = profile.temperature_label(name, number)
        analyzer = _crystal_temperature(block, label, profile, path)
        correction = profile.temperature_correction_k.get(name, 0.0)
        rows.append(
            energy_from_temperatures(
                analyzer, mono, profile.order, method=profile.alpha, t_correction=correction
            )
        )
    return np.array(rows)


def _crystal_temperature(block: Block, label: str, profile: Profile, path: Path) -> FloatArray:
    if label not in block.labels:
        raise _missing(block, label, "crystal temperature", path)
    column = _measured(block, label, path, 0.0)
    if profile.temperature_unit == "K":
        return column
    from ixs_reduce.energy import thermistor_temperature

    return np.asarray(thermistor_temperature(column), dtype=float)


def _order_flags(energy: FloatArray) -> list[Flag]:
    """Energies that run back and forth stay in measured order; spectra are sorted."""
    steps = np.diff(energy, axis=1)
    turned = (steps > 0).any(axis=1) & (steps <= 0).any(axis=1) | (steps == 0).any(axis=1)
    if not turned.any():
        return []
    first = steps[int(np.flatnonzero(turned)[0])]
    forward = np.sign(np.median(first)) or 1.0
    back = tuple(int(i) + 1 for i in np.flatnonzero(np.sign(first) != forward))
    return [
        Flag(
            "non-monotonic",
            f"the energy turns back or stands still at {len(back)} points: spectra are sorted",
            points=back,
        )
    ]


def _ending(block: Block, requested: int | None) -> list[Flag]:
    """Whether the scan ran to its end."""
    for comment in block.comments:
        match = _ABORTED.search(comment)
        if match:
            of = f" of {requested}" if requested else ""
            return [Flag("aborted", f"aborted after {match[1]}{of} points")]
    if requested is not None and 0 < block.points < requested:
        return [Flag("incomplete", f"{block.points} of {requested} points, without a note why")]
    return []


def _temperature(block: Block, profile: Profile) -> tuple[float | None, list[Flag]]:
    """Sample temperature (K), None where the thermometer cannot be believed."""
    if profile.fixed.temperature_k is not None:
        return profile.fixed.temperature_k, []
    readings: dict[str, float] = {}
    for label in profile.temperature_sample:
        column = block.column(label)
        if column is not None and np.isfinite(column).any():
            readings[label] = float(np.median(column[np.isfinite(column)]))
        elif label in block.header and np.isfinite(block.header[label]):
            readings[label] = block.header[label]
        elif label in block.motors:
            readings[label] = block.motors[label]
    lowest = profile.temperature_implausible_below_k
    believable = {label: value for label, value in readings.items() if value > lowest}
    flags = []
    dead = {label: value for label, value in readings.items() if label not in believable}
    if dead:
        text = ", ".join(f"{label} shows {value:g} K" for label, value in dead.items())
        flags.append(Flag("dead-thermometer", f"{text}: not used"))
    if not believable:
        return None, flags
    label, value = next(iter(believable.items()))
    for other, reading in believable.items():
        if abs(reading - value) > THERMOMETERS_DISAGREE_K:
            flags.append(
                Flag(
                    "thermometers-disagree",
                    f"{label} shows {value:.1f} K and {other} {reading:.1f} K: {label} is used",
                )
            )
    return value, flags


def _lattice(block: Block, profile: Profile) -> tuple[Lattice | None, list[Flag]]:
    cell = profile.fixed.lattice or (block.lattice if profile.lattice else None)
    if cell is None:
        return None, []
    try:
        return Lattice.from_cell(cell), []
    except InputError as error:
        return None, [Flag("lattice", f"no |Q|, since the lattice is impossible: {error}")]


def _analyzer(
    block: Block,
    profile: Profile,
    name: str,
    number: str,
    lattice: Lattice | None,
) -> Analyzer:
    q_hkl = profile.fixed.q_hkl.get(name)
    if q_hkl is None and profile.q_hkl is not None:
        fields = [profile.label_for(part, name, number) for part in profile.q_hkl]
        if all(f in block.header and np.isfinite(block.header[f]) for f in fields):
            h, k, l = (block.header[f] for f in fields)  # noqa: E741
            q_hkl = (h, k, l)
    q_abs = profile.fixed.q_abs.get(name)
    if q_abs is None and q_hkl is not None and lattice is not None:
        q_abs = float(lattice.q_abs(q_hkl))
    return Analyzer(name=name, q_hkl=q_hkl, q_abs=q_abs)


def _angles(block: Block, profile: Profile) -> dict[str, float]:
    places = {**block.header, **block.motors}
    return {circle: places[m] for circle, m in profile.angles.items() if m in places}


def _slits(block: Block, profile: Profile) -> tuple[float, float] | None:
    if profile.fixed.slits_mm is not None or profile.slits is None:
        return profile.fixed.slits_mm
    places = {**block.header, **block.motors}
    horizontal, vertical = profile.slits
    if horizontal in places and vertical in places:
        return places[horizontal], places[vertical]
    return None


def _main_analyzer(block: Block, profile: Profile) -> str | None:
    """The analyzer that the scan was made for: "Ana{Main_tth_analyzer}" with the field's number."""
    template = profile.main_analyzer
    if template is None:
        return None
    field = re.search(r"\{(\w+)\}", template)
    if field is None:
        return template
    value = block.header.get(field[1])
    if value is None or not np.isfinite(value) or value != round(value):
        return None
    return template.replace(field[0], str(int(value)))
