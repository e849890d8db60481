"""SPring-8 BL35XU reduced files: 12 columns per analyzer, and the gpi file beside them.

The columns are `meV meV_shf tmk_lin npts secs norm aN error y_unitpk error ytc ytce`, with
y = eff N/norm, error = eff √N/norm and one `eff` per file, so raw counts N can be recovered.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from scipy.optimize import minimize_scalar

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from ixs_core.units import BOLTZMANN_MEV_K
from ixs_reduce.scan import Analyzer, Flag, Scan, Source

INTEGRAL_WITHIN = 0.05
"""Recovered counts may differ from whole numbers by this much, rounding of the file apart."""

_COLUMNS = 12
_ENERGY, _SECONDS, _NORM, _Y, _ERROR, _YTC = 0, 4, 5, 6, 7, 10
_TERM = r"(?:\"[^\"]*\"|\w+)"
_ASSIGNMENT = re.compile(rf"(\w+)\s*=\s*({_TERM}(?:\s*\.\s*{_TERM})*)")
_TRIPLE = r"\(\s*([-+.\d]+)[\s,]+([-+.\d]+)[\s,]+([-+.\d]+)\s*\)"


@dataclass(frozen=True)
class Gpi:
    """What a gpi file says about its analyzers, by their numbers.

    Parameters
    ----------
    path : Path
    main_title : str
    q_hkl : mapping
        Number -> (h, k, l), r.l.u.
    dq_hkl : three floats or None
        Full width accepted, r.l.u., from the title.
    data_files, resolution_files, background_files : mapping
        Number -> file name as written there; empty where the file names no prefix.
    """

    path: Path
    main_title: str
    q_hkl: Mapping[int, tuple[float, float, float]]
    dq_hkl: tuple[float, float, float] | None = None
    data_files: Mapping[int, str] = field(default_factory=dict)
    resolution_files: Mapping[int, str] = field(default_factory=dict)
    background_files: Mapping[int, str] = field(default_factory=dict)

    def existing_data_files(self) -> dict[int, Path]:
        """Data files that lie where the gpi file says, or beside it."""
        found = {}
        for number, name in self.data_files.items():
            for candidate in (self.path.parent / name, self.path.parent / Path(name).name):
                if candidate.is_file():
                    found[number] = candidate
                    break
        return found


def parse_gpi(text: str, path: str | Path) -> Gpi:
    """Read a gpi file: titles, analyzer hkl (`tf_N="A_{N} (h, k, l)"`) and file names.

    Raises
    ------
    InputError
        When it names no analyzer with its hkl.
    """
    variables: dict[str, str] = {}
    for line in text.splitlines():
        if not line.lstrip().startswith("#"):
            for name, expression in _ASSIGNMENT.findall(line):
                variables[name] = _concatenated(expression, variables)
    q_hkl = {}
    for name, value in variables.items():
        number = re.fullmatch(r"tf_(\d+)", name)
        triple = re.search(_TRIPLE, value)
        if number and triple:
            q_hkl[int(number[1])] = _three(triple)
    if not q_hkl:
        raise InputError(
            "no analyzer with its hkl is named",
            file=path,
            key="tf_1",
            expected='lines like tf_1="A_{1} (7.350, 1.350, 1.350)"',
        )
    title = variables.get("main_title", "")
    dq = re.search(r"dQ\s*=\s*" + _TRIPLE, title)
    return Gpi(
        path=Path(path),
        main_title=title,
        q_hkl=dict(sorted(q_hkl.items())),
        dq_hkl=_three(dq) if dq else None,
        data_files=_file_names(variables, "f"),
        resolution_files=_file_names(variables, "fr"),
        background_files=_file_names(variables, "fb"),
    )


def find_gpi(path: Path) -> Gpi | None:
    """The gpi file beside a data file (or one folder up) that names it."""
    for folder in (path.parent, path.parent.parent):
        for candidate in sorted(folder.glob("gpi.*")):
            try:
                gpi = parse_gpi(candidate.read_text("utf-8", "replace"), candidate)
            except InputError:
                continue  # some other program's file; the scan says that it has no hkl
            if any(Path(name).name == path.name for name in gpi.data_files.values()):
                return gpi
    return None


def read_reduced(text: str, source: Source, gpi: Gpi | None = None) -> Scan:
    """One analyzer's reduced spectrum with its raw counts recovered.

    Parameters
    ----------
    text : str
        Content of the 12-column file.
    source : Source
    gpi : Gpi, optional
        Gives the analyzer's hkl.

    Returns
    -------
    Scan
        With one analyzer; `monitor` is norm/eff, so that counts/monitor is the file's own y.

    Raises
    ------
    InputError
        When lines are cut, hold no numbers, or counts do not come out whole.
    """
    name, table = _table(text, source.path)
    eff, counts = recover_counts(table[_NORM], table[_Y], table[_ERROR], source.path)
    temperature = recover_temperature(table[_ENERGY], table[_Y], table[_YTC])
    number = int(re.sub(r"\D", "", name) or 1)
    known = gpi.q_hkl.get(number) if gpi is not None else None
    flags = [Flag("recovered", f"raw counts recovered from the reduced file, y = {eff:.4g} N/norm")]
    if known is None:
        flags.append(Flag("no-q", "no gpi file names this file's analyzer: Q is not known"))
    if temperature is None:
        flags.append(Flag("no-temperature", "ytc gives no temperature"))
    steps = np.diff(table[_ENERGY])
    gaps = np.flatnonzero(steps > 1.5 * np.median(steps)) if steps.size else np.empty(0, int)
    after = tuple(int(i) + 1 for i in gaps)
    if after:
        flags.append(Flag("gap", f"{gaps.size} gaps in the energy grid", name, after))
    return Scan(
        number=number,
        kind="energy",
        command=gpi.main_title if gpi is not None else "reduced file",
        scanned="meV",
        energy_mev=table[_ENERGY][None, :],
        counts=counts[None, :],
        analyzers=(Analyzer(name, known, None, gpi.dq_hkl if gpi is not None else None),),
        source=source,
        seconds=table[_SECONDS],
        monitor=table[_NORM] / eff,
        monitor_name="norm/eff",
        temperature_k=temperature,
        zero_prior_mev=_CALIBRATED,
        flags=tuple(flags),
    )


# The program has put E = 0 where its resolution scans had it; that is off by a meV or more when
# temperatures drift.
_CALIBRATED = (0.0, 1.0)


def recover_counts(
    norm: FloatArray, y: FloatArray, error: FloatArray, path: str | Path = "text"
) -> tuple[float, FloatArray]:
    """The file's `eff` and the raw counts N = y norm/eff, (n,), as whole numbers.

    eff = error² norm/y, the median over the file; then refined as Σ y norm/Σ N. A bin without
    counts carries the error of one count, which the median leaves out.

    Raises
    ------
    InputError
        When a bin's counts are not whole within 0.05 and the rounding of the file.
    """
    filled = y > 0
    if not filled.any():
        raise InputError("no bin holds counts, so the scale cannot be recovered", file=path)
    eff = float(np.median(error[filled] ** 2 * norm[filled] / y[filled]))
    whole = np.round(y * norm / eff)
    if not whole.any():
        raise InputError("no bin holds counts, so the scale cannot be recovered", file=path)
    eff = float((y * norm).sum() / whole.sum())
    counts = y * norm / eff
    whole = np.round(counts)
    allowed = INTEGRAL_WITHIN + counts * (_rounding(y, 4) + _rounding(norm, 5))
    off = np.abs(counts - whole)
    if (off > allowed).any():
        worst = int(np.argmax(off - allowed))
        raise InputError(
            "counts recovered from y, error and norm are not whole numbers",
            file=path,
            line=worst + 2,
            key="error",
            found=f"{counts[worst]:.3f} with eff = {eff:.5g}",
            expected=f"whole within {allowed[worst]:.2f}",
            hint="was the file smoothed, rebinned or had a background subtracted?",
        )
    return eff, whole


def recover_temperature(energy: FloatArray, y: FloatArray, ytc: FloatArray) -> float | None:
    """Temperature (K) from ytc = y |1 - exp(-E/kT)|, least squares of the ratios."""
    used = (y > 0) & (energy != 0) & (ytc > 0)
    if used.sum() < 3:
        return None
    ratio = ytc[used] / y[used]

    def mismatch(log_t: float) -> float:
        factor = np.abs(np.expm1(-energy[used] / (BOLTZMANN_MEV_K * np.exp(log_t))))
        return float(np.sum((factor / ratio - 1) ** 2))

    found = minimize_scalar(mismatch, bounds=(np.log(2.0), np.log(3000.0)), method="bounded")
    agrees = np.sqrt(found.fun / used.sum()) < 0.01
    return float(np.exp(found.x)) if agrees else None


def _table(text: str, path: Path) -> tuple[str, FloatArray]:
    """The analyzer's name and the columns, (12, n)."""
    rows: list[list[float]] = []
    lines = text.splitlines()
    labels = lines[0].split()
    if len(labels) != _COLUMNS:
        raise InputError(
            "the heading does not name 12 columns", file=path, line=1, found=len(labels)
        )
    for number, line in enumerate(lines[1:], start=2):
        tokens = line.split()
        if not tokens:
            continue
        if len(tokens) != _COLUMNS:
            raise InputError(
                "a line does not hold 12 numbers",
                file=path,
                line=number,
                key=labels[len(tokens)] if len(tokens) < _COLUMNS else None,
                found=len(tokens),
            )
        rows.append(
            [_number(t, path, number, label) for t, label in zip(tokens, labels, strict=True)]
        )
    if not rows:
        raise InputError("the file holds no points", file=path, line=1)
    return labels[_Y], np.array(rows).T


def _number(token: str, path: Path, line: int, label: str) -> float:
    try:
        value = float(token)
    except ValueError:
        value = float("nan")
    if not np.isfinite(value):
        raise InputError(
            "this is not a finite number", file=path, line=line, key=label, found=token
        )
    return value


def _rounding(values: FloatArray, digits: int) -> FloatArray:
    """Relative half unit of the last printed digit of 0.dddd × 10ⁿ."""
    safe = np.where(values > 0, values, 1.0)
    unit = 10.0 ** (np.floor(np.log10(safe)) + 1 - digits)
    return 0.5 * unit / safe


def _concatenated(expression: str, variables: Mapping[str, str]) -> str:
    """A gnuplot string expression: quoted parts and names joined by dots."""
    parts = re.findall(r"\"[^\"]*\"|\w+", expression)
    return "".join(p[1:-1] if p.startswith('"') else variables.get(p, "") for p in parts)


def _file_names(variables: Mapping[str, str], stem: str) -> dict[int, str]:
    if not variables.get(f"{stem}_prefix"):
        return {}
    found = {}
    for name, value in variables.items():
        match = re.fullmatch(rf"{stem}_(\d+)", name)
        if match and value:
            found[int(match[1])] = value
    return dict(sorted(found.items()))


def _three(match: re.Match[str]) -> tuple[float, float, float]:
    return float(match[1]), float(match[2]), float(match[3])
