"""The calculation that a command starts from, as its options describe it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ixs_core.errors import InputError

if TYPE_CHECKING:
    from ixs_core.lattice import Lattice
    from ixs_reduce.resolution import Resolution
    from simulate.phonons import LinewidthTable, PhononModel
    from simulate.transport import LinewidthSeries, MeshLinewidths

NOMINAL_FWHM_MEV = 1.5
_LORENTZIAN_SHARE = 0.3


@dataclass(frozen=True)
class Calculation:
    """A phonon model with the options of its structure factors.

    Parameters
    ----------
    model : PhononModel
    options : dict
        form_factor, energy_kev, debye_waller for `PhononModel.structure_factor`.
    source : str
        What it is, for people.
    files : tuple of Path
        Files it came from, for the provenance.
    """

    model: PhononModel
    options: dict[str, Any]
    source: str
    files: tuple[Path, ...]


def load_calculation(
    force_constants: Path,
    *,
    born: Path | None = None,
    nac: bool = True,
    lattice: Lattice | None = None,
    form_factor: str | None = None,
    energy_kev: float | None = None,
    debye_waller: str = "phonon",
) -> Calculation:
    """Load force constants and say on stderr what was repaired or chosen.

    Parameters
    ----------
    force_constants, born, nac : as for `PhononModel.load`
    lattice : Lattice, optional
        The measured conventional cell, in whose setting hkl count.
    form_factor : str, optional
        Ions as "Cs1+,Cu1+,I1-"; neutral atoms without it.
    energy_kev : float, optional
        Photon energy for f' + i f''.
    debye_waller : "phonon", "none" or a CIF

    Raises
    ------
    InputError
        As `PhononModel.load` does; for ions that are none, and a CIF that cannot be read.
    """
    from simulate.phonons import PhononModel

    cell = None if lattice is None else lattice.cell
    model = PhononModel.load(force_constants, born, nac, cell=cell)
    for note in model.force_constants.notes:
        print(f"NOTE: {force_constants.name}: {note}", file=sys.stderr)
    files = [force_constants, *([born] if born else [])]
    ions = _ions(form_factor)
    neutral = sorted(set(model.force_constants.symbols) - set(ions))
    if not isinstance(ions, str) and neutral:
        print(f"NOTE: taken as neutral atoms: {', '.join(neutral)}", file=sys.stderr)
    options: dict[str, Any] = {"form_factor": ions, "energy_kev": energy_kev}
    if debye_waller in ("phonon", "none"):
        options["debye_waller"] = debye_waller
    else:
        from ixs_core.cif import read_crystal

        crystal = read_crystal(debye_waller)
        for repair in crystal.repairs:
            print(f"NOTE: {debye_waller}: {repair}", file=sys.stderr)
        options["debye_waller"] = crystal
        files.append(Path(debye_waller))
    return Calculation(model, options, force_constants.name, tuple(files))


def with_displacements_of(
    first: Calculation, second: Calculation, temperature_k: float
) -> Calculation:
    """The second calculation with the Debye-Waller factors of the first, where the crystals match.

    Two calculations are told apart by their modes, not by their displacements; and the second may
    have imaginary modes, which have none. What is done is said on stderr.
    """
    import numpy as np

    one, other = first.model.force_constants, second.model.force_constants
    alike = one.symbols == other.symbols and bool(
        np.allclose(one.vectors, other.vectors, rtol=0.05, atol=0.1)
    )
    if alike:
        offset = one.positions - other.positions
        alike = bool(np.abs(offset - np.round(offset)).max() < 0.05)
    if not alike:
        print(
            f"NOTE: {second.source}: another setting than {first.source}, so each has its own "
            "Debye-Waller factors",
            file=sys.stderr,
        )
        return second
    print(f"NOTE: Debye-Waller factors of {first.source} for both", file=sys.stderr)
    shared = first.model.choose_debye_waller(first.options["debye_waller"], temperature_k)
    return replace(second, options={**second.options, "debye_waller": shared})


def _ions(text: str | None) -> str | dict[str, str]:
    if text is None or text.strip().lower() in ("", "xray", "neutral"):
        return "xray"
    from ixs_core.scattering_factors import parse_ion

    return {parse_ion(ion)[0]: ion for ion in text.replace(",", " ").split()}


def check_temperature(kelvin: float | None) -> None:
    """Raise an InputError where `--temperature` is no temperature, before any work is done."""
    if kelvin is not None and not 0 < kelvin < float("inf"):
        raise InputError(
            "not a temperature of the sample",
            key="--temperature",
            found=kelvin,
            expected="kelvin, above 0",
        )


def numbers(text: str, option: str, count: int) -> tuple[float, ...]:
    """Numbers of an option, separated by blanks or commas.

    Raises
    ------
    InputError
        Not `count` finite numbers.
    """
    parts = text.replace(",", " ").split()
    try:
        values = tuple(float(part) for part in parts)
    except ValueError:
        values = ()
    if len(values) != count or not all(abs(value) < float("inf") for value in values):
        raise InputError(
            "these are not the numbers of the option",
            key=option,
            found=repr(text),
            expected=f"{count} numbers",
        )
    return values


def energy_axis(text: str) -> Any:
    """Energies (meV) of "first:last:step".

    Raises
    ------
    InputError
        The text is not that, or asks for less than 2 or more than 100 000 points.
    """
    import numpy as np

    parts = text.split(":")
    try:
        first, last, step = (float(part) for part in parts)
        count = round((last - first) / step) + 1 if step > 0 else 0
    except (ValueError, OverflowError):
        count = 0
    if not 2 <= count <= 100_000:
        raise InputError(
            "not an energy axis", key="--energy", found=repr(text), expected='like "-10:20:0.1"'
        )
    return np.linspace(first, first + (count - 1) * step, count)


def resolutions_for(
    path: Path | None, fwhm_mev: float | None, names: Sequence[str]
) -> list[Resolution]:
    """A resolution for each analyzer: measured ones, or a nominal one where there is none.

    Parameters
    ----------
    path : path, optional
        R.h5, a project or JSON of `ixs resolution`.
    fwhm_mev : float, optional
        Of the nominal resolution, 30 % of it Lorentzian; 1.5 meV when neither is given.
    names : sequence of str
        The analyzers; "" takes any.

    Raises
    ------
    InputError
        A file without the analyzers' resolutions, or a FWHM that is none.
    """
    from ixs_reduce.resolution import Resolution
    from ixs_reduce.resolution_file import load_resolutions

    found = {} if path is None else load_resolutions(path)
    if fwhm_mev is not None and not 0.01 <= fwhm_mev <= 50:
        raise InputError(
            "not a resolution", key="--fwhm", found=fwhm_mev, expected="0.01 to 50 meV"
        )
    width = fwhm_mev or (None if found else NOMINAL_FWHM_MEV)
    nominal = None
    if width is not None:
        share = _LORENTZIAN_SHARE
        nominal = Resolution.from_components(
            [("gaussian", 1 - share, 0.0, width), ("lorentzian", share, 0.0, width)]
        )
    chosen = []
    for name in names:
        own = found.get(name, nominal)
        if own is None and not name:
            own = next(iter(found.values()))
        if own is None:
            raise InputError(
                "there is no resolution for the analyzer",
                file=path,
                found=name,
                expected=", ".join(found),
                hint="--fwhm 1.5 takes a nominal one where none was measured",
            )
        chosen.append(own)
    return chosen


def check_linewidth(text: str | None) -> None:
    """Raise an InputError where `--linewidth` is nothing, before any work is done."""
    if text is None:
        return
    path = Path(text)
    if not _is_mesh(path):
        _plain_linewidth(text)
    elif not path.exists():
        raise InputError("no such file of linewidths", file=path, key="--linewidth")


def linewidth_option(
    text: str | None, model: PhononModel, temperature_k: float
) -> float | LinewidthTable | MeshLinewidths | None:
    """The linewidths that a text asks for, at one temperature; see `linewidth_series`.

    Raises
    ------
    InputError
        The text is nothing of these, or the file has no widths about the temperature.
    """
    from simulate.transport.mesh_widths import LinewidthSeries

    found = linewidth_series(text, model)
    return found.at(temperature_k) if isinstance(found, LinewidthSeries) else found


def linewidth_series(
    text: str | None, model: PhononModel
) -> float | LinewidthTable | LinewidthSeries | None:
    """Linewidths: a number (FWHM, meV), a table of energy and FWHM, or widths on a mesh.

    Parameters
    ----------
    text : str, optional
        A number, a text file of two columns, or what `read_linewidths` reads: an HDF5 file, a
        folder.
    model : PhononModel
        Of the crystal, for widths on a mesh.

    Raises
    ------
    InputError
        It is nothing of these.
    """
    if text is None:
        return None
    if not _is_mesh(Path(text)):
        return _plain_linewidth(text)
    from simulate.transport import LinewidthSeries, read_linewidths

    linewidths = read_linewidths(Path(text))
    for note in linewidths.notes:
        print(f"NOTE: {text}: {note}", file=sys.stderr)
    return LinewidthSeries(linewidths, model)


def _is_mesh(path: Path) -> bool:
    return path.is_dir() or path.suffix.lower() in (".hdf5", ".h5")


def _plain_linewidth(text: str) -> float | LinewidthTable:
    try:
        width = float(text)
    except ValueError:
        return _width_table(Path(text))
    if not 0 <= width < float("inf"):
        raise InputError(
            "not a linewidth", key="--linewidth", found=text, expected="a FWHM in meV, 0 or more"
        )
    return width


def _width_table(path: Path) -> LinewidthTable:
    import numpy as np

    from simulate.phonons import LinewidthTable

    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            "neither a width nor a readable table",
            key="--linewidth",
            found=str(path),
            expected="a FWHM in meV, or a file with columns energy and FWHM in meV",
        ) from error
    rows = []
    for number, line in enumerate(lines, start=1):
        content = line.split("#")[0].replace(",", " ").split()
        if not content:
            continue
        try:
            energy, width = (float(part) for part in content)
        except ValueError as error:
            raise InputError(
                "the line is not an energy and a width",
                file=path,
                line=number,
                found=repr(line.strip()[:60]),
                expected="two numbers, meV",
            ) from error
        rows.append((energy, width))
    energies, widths = np.array(rows).T if rows else (np.empty(0), np.empty(0))
    return LinewidthTable(energies, widths)
