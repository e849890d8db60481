"""The beamline's own files: the six-circle configuration, `gpi.hkl_pos`, the `mv` line.

The configuration is the one that the SPring-8 six-circle code (W. Zhao & A. Q. R. Baron) loads and
saves: lines `GLOBAL key value`, comments with #. Keys: g_sample; g_aa g_bb g_cc g_al g_be g_ga
(lattice); g_haz g_kaz g_laz (azimuth reference); g_lambda0, g_h0 g_k0 g_l0, g_u00 .. g_u05 (first
reflection: Å, hkl, tth th chi phi mu gam) and the same with 1 (second); L_TTH U_TTH .. L_BETA
U_BETA (limits).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ixs_core.errors import InputError
from ixs_core.lattice import Lattice
from ixs_reduce.circles import CIRCLES, Angles
from ixs_reduce.sixcircle import Limits, Orientation, Reflection

if TYPE_CHECKING:
    from ixs_reduce.spectrometer import AnalyzerTable

_LATTICE = ("g_aa", "g_bb", "g_cc", "g_al", "g_be", "g_ga")
_AZIMUTH = ("g_haz", "g_kaz", "g_laz")
_LIMITED = (*CIRCLES, "alpha", "beta")


def _hkl_keys(which: int) -> tuple[str, ...]:
    return tuple(f"g_{letter}{which}" for letter in "hkl")


def _angle_keys(which: int) -> tuple[str, ...]:
    return tuple(f"g_u{which}{circle}" for circle in range(6))


_REQUIRED = (
    *_LATTICE,
    "g_lambda0",
    *_hkl_keys(0),
    *_angle_keys(0),
    *_hkl_keys(1),
    *_angle_keys(1),
)


@dataclass(frozen=True)
class BeamlineConfig:
    """A `GLOBAL` configuration: sample, lattice, two reflections, azimuth reference, limits.

    `other` holds keys that this suite does not use, as text; they are written back unchanged.
    """

    lattice: Lattice
    or0: Reflection
    or1: Reflection
    sample: str = ""
    azimuth_hkl: tuple[float, float, float] = (0.0, 0.0, 1.0)
    limits: Limits = field(default_factory=dict)
    other: Mapping[str, str] = field(default_factory=dict)

    @property
    def wavelength(self) -> float:
        """Wavelength in Å that the beamline's code starts with: that of the first reflection."""
        assert self.or0.wavelength is not None
        return self.or0.wavelength

    @property
    def orientation(self) -> Orientation:
        """The orientation that the lattice and the two reflections give."""
        return Orientation(self.lattice, self.or0, self.or1)


def is_beamline_config(text: str) -> bool:
    """Whether a text looks like a `GLOBAL key value` file."""
    return re.search(r"^\s*GLOBAL\s+\S+", text, re.MULTILINE) is not None


def read_beamline_config(path: str | Path) -> BeamlineConfig:
    """Read a `GLOBAL key value` file.

    Raises
    ------
    InputError
        A line that is neither a comment nor `GLOBAL key value`, a value that is not a number, a
        key given twice or missing, an impossible lattice, limits in the wrong order.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise InputError(
            "this is not a text file", file=path, expected="lines `GLOBAL key value`"
        ) from None
    return parse_beamline_config(text, path)


def parse_beamline_config(text: str, file: str | Path | None = None) -> BeamlineConfig:
    """The same from text; `file` is only for messages."""
    entries = _entries(text, file)
    missing = [key for key in _REQUIRED if key not in entries]
    if missing:
        raise InputError(
            "the configuration is incomplete",
            file=file,
            key=missing[0],
            found=f"{len(missing)} keys missing: {', '.join(missing)}",
            expected="lattice, g_lambda0 and both reference reflections",
        )

    def number(key: str, default: float | None = None) -> float:
        if key not in entries and default is not None:
            return default
        return _number(entries[key], key, file)

    def three(keys: Sequence[str]) -> tuple[float, float, float]:
        first, second, third = (number(key) for key in keys)
        return first, second, third

    lambda0 = _positive(number("g_lambda0"), entries, "g_lambda0", file)
    lambda1 = _positive(number("g_lambda1", lambda0), entries, "g_lambda1", file)
    reflections = [
        Reflection(
            three(_hkl_keys(which)),
            Angles(*(number(key) for key in _angle_keys(which))),
            wavelength,
        )
        for which, wavelength in enumerate((lambda0, lambda1))
    ]
    try:
        lattice = Lattice(*(number(key) for key in _LATTICE))
    except InputError as error:
        raise InputError(
            error.message,
            file=file,
            key=", ".join(_LATTICE),
            found=error.found,
            expected=error.expected,
        ) from None
    azimuth = three(_AZIMUTH) if all(key in entries for key in _AZIMUTH) else (0.0, 0.0, 1.0)
    known = {*_REQUIRED, *_AZIMUTH, "g_lambda1", "g_sample", *_limit_keys()}
    return BeamlineConfig(
        lattice=lattice,
        or0=reflections[0],
        or1=reflections[1],
        sample=entries["g_sample"][0] if "g_sample" in entries else "",
        azimuth_hkl=azimuth,
        limits=_limits(entries, file),
        other={key: value for key, (value, _) in entries.items() if key not in known},
    )


def format_beamline_config(config: BeamlineConfig) -> str:
    """The text of a `GLOBAL key value` file; reading it gives back the same numbers exactly."""
    blocks: list[tuple[str, dict[str, object]]] = [
        ("Sample description", {"g_sample": config.sample or "unnamed"}),
        ("Azimuthal reference H K L", _keyed(_AZIMUTH, config.azimuth_hkl)),
        ("Lattice parameters", _keyed(_LATTICE, config.lattice.cell)),
    ]
    for which, name, item in ((0, "Primary", config.or0), (1, "Secondary", config.or1)):
        wavelength = {f"g_lambda{which}": item.wavelength or config.wavelength}
        angles = list(item.angles.as_dict().values())
        blocks += [
            (f"{name}-reflection wavelength", dict(wavelength)),
            (f"{name}-reflection HKL coordinates", _keyed(_hkl_keys(which), item.hkl)),
            (
                f"{name}-reflection angles: tth, th, chi, phi, mu, gam",
                _keyed(_angle_keys(which), angles),
            ),
        ]
    limits: dict[str, object] = {}
    for name, (low, high) in config.limits.items():
        ends = {f"L_{name.upper()}": low, f"U_{name.upper()}": high}
        limits |= {key: end for key, end in ends.items() if math.isfinite(end)}
    blocks += [("Limit of positions", limits), ("Other", dict(config.other))]
    text = "# Configuration file of sixcircle.\n"
    for title, values in blocks:
        if values:
            text += f"\n# {title}\n" + "".join(f"GLOBAL {k} {v}\n" for k, v in values.items())
    return text


def write_beamline_config(path: str | Path, config: BeamlineConfig) -> None:
    """Write a `GLOBAL key value` file that the beamline's code loads."""
    Path(path).write_text(format_beamline_config(config), encoding="utf-8")


def mv_line(angles: Angles, slits_mm: Sequence[float] | None = None) -> str:
    """The line to type at the beamline: `mv tth … th … chi … phi … agaph … agapv …`.

    mu (the beam) and gam (the array) are not moved by it. Without slits the gaps are left out.
    """
    # Adding 0.0 after rounding turns -0.0 into 0.0.
    line = "mv " + " ".join(
        f"{name} {round(getattr(angles, name), 4) + 0.0:.4f}"
        for name in ("tth", "th", "chi", "phi")
    )
    if slits_mm is not None:
        line += f" agaph {slits_mm[0]:.1f} agapv {slits_mm[1]:.1f}"
    return line


@dataclass(frozen=True)
class HklPositions:
    """What `gpi.hkl_pos` holds.

    hkl by analyzer (r.l.u.), and by direction "H", "V" the slit gap (mm) with the mean signed
    width that it accepts (r.l.u.).
    """

    hkl: Mapping[str, tuple[float, float, float]]
    mean_dq: Mapping[str, tuple[float, tuple[float, float, float]]] = field(default_factory=dict)


def format_hkl_positions(table: AnalyzerTable, slits_mm: Sequence[float], decimals: int = 3) -> str:
    """The text of `gpi.hkl_pos`: `hkl_a03 = "(0.958, 0.954, 0.994)"` per analyzer, two dq lines."""

    def vector(values: Sequence[float]) -> str:
        return '"(' + ", ".join(f"{round(v, decimals) + 0.0:.{decimals}f}" for v in values) + ')"'

    lines = [
        f"hkl_{name} = {vector(hkl.tolist())}"
        for name, hkl in zip(table.names, table.hkl, strict=True)
    ]
    mean_h, mean_v = table.dq_horizontal.mean(axis=0), table.dq_vertical.mean(axis=0)
    lines += [
        "",
        f"dq_Hav({slits_mm[0]:.1f}) = {vector(mean_h.tolist())}",
        f"dq_Vav({slits_mm[1]:.1f}) = {vector(mean_v.tolist())}",
    ]
    return "\n".join(lines) + "\n"


def write_hkl_positions(
    path: str | Path, table: AnalyzerTable, slits_mm: Sequence[float], decimals: int = 3
) -> None:
    """Write `gpi.hkl_pos`."""
    Path(path).write_text(format_hkl_positions(table, slits_mm, decimals), encoding="utf-8")


_VECTOR = r'"\(\s*([^,]+),\s*([^,]+),\s*([^,)]+)\)"\s*;?'
_HKL_LINE = re.compile(r"hkl_(\w+)\s*=\s*" + _VECTOR)
_DQ_LINE = re.compile(r"dq_([HV])av\(([^)]*)\)\s*=\s*" + _VECTOR)


def read_hkl_positions(path: str | Path) -> HklPositions:
    """Read `gpi.hkl_pos`.

    Raises
    ------
    InputError
        A line of another form, a value that is not a number, an analyzer given twice, or none.
    """
    hkl: dict[str, tuple[float, float, float]] = {}
    mean_dq: dict[str, tuple[float, tuple[float, float, float]]] = {}
    for line, text in enumerate(Path(path).read_text(encoding="utf-8").splitlines(), start=1):
        text = text.strip()
        if not text or text.startswith("#"):
            continue
        if match := _HKL_LINE.fullmatch(text):
            name = match[1]
            if name in hkl:
                raise InputError("an analyzer stands twice", file=path, line=line, key=name)
            values = [_number((match[i], line), f"hkl_{name}", path) for i in (2, 3, 4)]
            hkl[name] = (values[0], values[1], values[2])
        elif match := _DQ_LINE.fullmatch(text):
            gap, *values = (
                _number((match[i], line), f"dq_{match[1]}av", path) for i in range(2, 6)
            )
            mean_dq[match[1]] = (gap, (values[0], values[1], values[2]))
        else:
            raise InputError(
                "the line is not understood",
                file=path,
                line=line,
                found=text[:60],
                expected='hkl_a03 = "(h, k, l)" or dq_Hav(60.0) = "(h, k, l)"',
            )
    if not hkl:
        raise InputError("no analyzer found", file=path, expected='lines hkl_a03 = "(h, k, l)"')
    return HklPositions(hkl, mean_dq)


def _entries(text: str, file: str | Path | None) -> dict[str, tuple[str, int]]:
    """Value and line number by key."""
    entries: dict[str, tuple[str, int]] = {}
    for line, content in enumerate(text.splitlines(), start=1):
        words = content.split("#", 1)[0].split(None, 2)
        if not words:
            continue
        if words[0] != "GLOBAL" or len(words) < 3:
            raise InputError(
                "the line is not understood",
                file=file,
                line=line,
                found=content.strip()[:60],
                expected="GLOBAL key value, or a comment after #",
            )
        # Limits are written in capitals; small letters are accepted.
        key = words[1].upper() if words[1][:2] in ("L_", "U_", "l_", "u_") else words[1]
        if key in entries and entries[key][0] != words[2].strip():
            raise InputError(
                f"the key has another value on line {entries[key][1]}",
                file=file,
                line=line,
                key=key,
                found=f"{entries[key][0]} and {words[2].strip()}",
                hint="keep one of the lines",
            )
        entries[key] = (words[2].strip(), line)
    return entries


def _limits(entries: Mapping[str, tuple[str, int]], file: str | Path | None) -> Limits:
    limits: dict[str, tuple[float, float]] = {}
    for name in _LIMITED:
        keys = f"L_{name.upper()}", f"U_{name.upper()}"
        if not any(key in entries for key in keys):
            continue
        low, high = (
            _number(entries[key], key, file) if key in entries else open_end
            for key, open_end in zip(keys, (-math.inf, math.inf), strict=True)
        )
        if low > high:
            raise InputError(
                "the lower limit lies above the upper",
                file=file,
                line=entries[keys[0]][1],
                key=keys[0],
                found=f"{low:g} .. {high:g}",
            )
        limits[name] = (low, high)
    return limits


def _limit_keys() -> list[str]:
    return [f"{end}_{name.upper()}" for name in _LIMITED for end in "LU"]


def _number(entry: tuple[str, int], key: str, file: str | Path | None) -> float:
    text, line = entry
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(
            "the value is not a number", file=file, line=line, key=key, found=text.strip()
        )
    return value


def _positive(
    value: float, entries: Mapping[str, tuple[str, int]], key: str, file: str | Path | None
) -> float:
    if value <= 0:
        raise InputError(
            "the wavelength is not positive",
            file=file,
            line=entries[key][1],
            key=key,
            found=value,
            expected="Å above 0",
        )
    return value


def _keyed(keys: Sequence[str], values: Sequence[float]) -> dict[str, object]:
    # repr of a float is the shortest text that reads back as the same number.
    return {key: repr(float(value)) for key, value in zip(keys, values, strict=True)}
