"""What the commands of `ixs kappa` have in common: phonons, linewidths, meshes, records."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ixs_core.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from simulate.phonons import PhononModel
    from simulate.transport.audit import Audit
    from simulate.transport.mode_widths import WidthSource

USUAL_K = 300.0
_TABLES = (".txt", ".dat", ".csv")


def phonon_model(path: Path, born: Path | None, nac: bool = True) -> PhononModel:
    """The phonons of a force-constant file, with what was chosen on reading on stderr."""
    from simulate.phonons import PhononModel

    model = PhononModel.load(path, born, nac)
    for note in model.force_constants.notes:
        print(f"NOTE: {path.name}: {note}", file=sys.stderr)
    return model


def widths_option(
    text: str, model: PhononModel, structure: Path | None = None
) -> tuple[WidthSource, list[Path]]:
    """Linewidths of an argument, and the files that they are from.

    A number is one FWHM in meV for all; a text file with two columns of numbers is FWHM against
    energy; all else is what `read_linewidths` knows.

    Raises
    ------
    InputError
        It is none of these.
    """
    from simulate.cli.calculation import linewidth_option
    from simulate.transport import read_linewidths

    try:
        return float(text), []
    except ValueError:
        path = Path(text)
    if path.suffix.lower() in _TABLES and _two_columns(path):
        table = linewidth_option(text, model, USUAL_K)
        if table is None:
            raise InputError("there are no linewidths", file=path)
        return table, [path]
    found = read_linewidths(path, structure=structure)
    for note in found.notes:
        print(f"NOTE: {path.name}: {note}", file=sys.stderr)
    return found, ([path] if path.is_file() else [])


def mesh_option(text: str | None) -> tuple[int, int, int] | None:
    """Divisions of "9 7 9"; None where nothing is given.

    Raises
    ------
    InputError
        Not three whole numbers from 1.
    """
    if text is None:
        return None
    from simulate.cli.md_options import whole_numbers

    a, b, c = (int(number) for number in whole_numbers(text, "--mesh"))
    return a, b, c


def temperatures_of(linewidths: WidthSource, wanted: Sequence[float] | None) -> list[float]:
    """Those asked for, else all of the linewidths, else 300 K."""
    from simulate.transport.lifetimes import Linewidths

    if wanted:
        return [float(kelvin) for kelvin in wanted]
    if isinstance(linewidths, Linewidths):
        return [float(kelvin) for kelvin in linewidths.temperature_k]
    return [USUAL_K]


def audit_record(audits: Sequence[Audit]) -> dict[str, Any]:
    """The worst of some audits for JSON: passed, and the largest residual of each check."""
    names = dict.fromkeys(name for audit in audits for name in audit.residuals)
    return {
        "passed": all(audit.passed for audit in audits),
        "residuals": {
            name: max(audit.residuals.get(name, 0.0) for audit in audits) for name in names
        },
    }


def tensor_list(tensor: ArrayLike) -> list[Any]:
    """A tensor as nested lists, without negative zeros."""
    import numpy as np

    listed: list[Any] = (np.asarray(tensor) + 0.0).tolist()
    return listed


def _two_columns(path: Path) -> bool:
    """Whether the first line of content is two numbers."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return False
    for line in lines:
        content = line.split("#")[0].replace(",", " ").split()
        if content:
            return len(content) == 2 and all(_is_number(word) for word in content)
    return False


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
