"""Write what Dysnomia reads: structure factors (.mem) and preferences (.prf)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from ixs_core.arrays import BoolArray, IntArray
from ixs_core.atomic import atomic_write_text
from ixs_core.errors import InputError
from ixs_core.symmetry import Symmetry
from mem.formats.dysnomia import GROUP_HEAD, GROUP_ROW, ROW
from mem.formats.dysnomia_settings import setting_of
from mem.reflection_symmetry import orbits
from mem.reflections import ReflectionGroup, Reflections
from mem.wording import counted

_DUMMY = "      0.0000000      0.0000000     -1    0    0    0     P"
_START_MULTIPLIER = 0.001
_HIGHEST_ORDER = 16  # of the moments that a .prf has places for
_TITLE = 80
_SMALLEST_SIGMA = 0.0005  # electrons; less is printed as zero


def write_mem(
    path: str | Path, reflections: Reflections, grid: tuple[int, int, int], title: str = ""
) -> tuple[str, ...]:
    """Write structure factors as Dysnomia reads them; the layout is in `mem.formats.dysnomia`.

    A setting whose number is not known here is written in P 1, with all equivalents.

    Parameters
    ----------
    path : str or Path
    reflections : Reflections
    grid : (nx, ny, nz)
    title : str

    Returns
    -------
    notes : tuple of str

    Raises
    ------
    InputError
        A value does not fit its columns, a σ is too small for the three decimals, or the file
        cannot be written.
    """
    path, notes = Path(path), []
    known = setting_of(reflections.symmetry)
    if known is None:
        reflections = _in_p1(reflections)
        notes.append(
            "Dysnomia's number of the space group setting is not known: written in P 1 with "
            f"{counted(len(reflections), 'reflection')}"
        )
    number, setting = known or (1, 1)
    heading = (title or reflections.source or "structure factors").replace("\n", " ")
    lines = [
        heading[:_TITLE],
        "".join(f"{value:10.5f}" for value in reflections.lattice.cell),
        _DUMMY,
        "".join(f"{value:5d}" for value in (number, setting, *grid)),
        f"{reflections.electrons:10.3f}{_START_MULTIPLIER:10.5f}",
        f"{len(reflections):5d}",
        *_reflection_lines(path, reflections),
        f"{len(reflections.groups):5d}",
        *_group_lines(path, reflections.groups),
        f"{0:5d}",
    ]
    atomic_write_text(path, "\n".join(lines) + "\n")
    return tuple(notes)


def write_prf(
    path: str | Path,
    name: str,
    *,
    weighting: float = 0,
    moments: Mapping[int, float] | None = None,
    algorithm: str = "lbfgs",
    cycles: int = 20000,
) -> None:
    """Write the preferences for a run of Dysnomia from a uniform density.

    A file that is there already stays as it is: with the same content that is no loss, with
    another an error, since it may hold what somebody tuned by hand.

    Parameters
    ----------
    path : str or Path
    name, weighting, moments, algorithm, cycles
        As in `prf_text`.

    Raises
    ------
    InputError
        As in `prf_text`; a file of this name holds something else, or cannot be written.
    """
    path = Path(path)
    text = prf_text(name, weighting=weighting, moments=moments, algorithm=algorithm, cycles=cycles)
    if not path.is_file():
        atomic_write_text(path, text)
    elif path.read_bytes() != text.encode():
        raise InputError(
            "there are other preferences of Dysnomia, which are not overwritten",
            file=path,
            hint="move the file away, or give the output another name",
        )


def prf_text(
    name: str,
    *,
    weighting: float = 0,
    moments: Mapping[int, float] | None = None,
    algorithm: str = "lbfgs",
    cycles: int = 20000,
) -> str:
    """The preferences for a run of Dysnomia from a uniform density.

    The layout, line by line: $PREFERENCES; the files .mem, .out, .pgrid, .fba and _eps.raw; 0
    (one density, not one of both signs); 0 (uniform start); algorithm (0 ZSPA, 1 L-BFGS); 1; 1
    (the multiplier is adjusted); multiplier and power p of the weights d^p; 0.05 (step of its
    adjustment); 1.00 (factor E of σ); 1; 0; cycles; 1; λ_2 … λ_16 of the moments C_n; 0 (uniform
    prior). As GSAS-II writes it (GSASIIpwd.makePRFfile), with its values where no meaning is given.

    Parameters
    ----------
    name : str
        Of the files without suffix.
    weighting : float
        p of d^p, a whole number.
    moments : mapping, optional
        Order n -> λ_n; {2: 1.0} by default.
    algorithm : "lbfgs" or "zspa"
    cycles : int

    Raises
    ------
    InputError
        A moment or a power that Dysnomia does not have, or an unknown algorithm.
    """
    moments = {2: 1.0} if moments is None else moments
    wrong = [n for n in moments if n not in range(2, _HIGHEST_ORDER + 1, 2)]
    for key, found, possible, expected in (
        ("moments", wrong, not wrong, f"moments of even order from 2 to {_HIGHEST_ORDER}"),
        ("weighting", weighting, float(weighting).is_integer(), "a whole power of d"),
        ("algorithm", algorithm, algorithm in ("zspa", "lbfgs"), "zspa or lbfgs"),
    ):
        if not possible:
            raise InputError("Dysnomia cannot do this", key=key, found=found, expected=expected)
    lines = [
        "$PREFERENCES",
        *(f"{name}{suffix}" for suffix in (".mem", ".out", ".pgrid", ".fba", "_eps.raw")),
        "0",
        "0",
        "1" if algorithm == "lbfgs" else "0",
        "1",
        "1",
        f"{_START_MULTIPLIER:.4f} {int(weighting)}",
        "0.050",
        "1.00",
        "1",
        "0",
        f"{cycles}",
        "1",
        " ".join(f"{moments.get(n, 0.0):g}" for n in range(2, _HIGHEST_ORDER + 1, 2)),
        "0",
    ]
    return "\n".join(lines) + "\n"


def _in_p1(reflections: Reflections) -> Reflections:
    """The same structure factors with every equivalent but Friedel mates."""
    members = orbits(reflections.symmetry, reflections.hkl)
    half = np.flatnonzero(_is_upper(members.hkl))
    f = members.phase * np.where(
        members.conjugate, reflections.f[members.owner].conj(), reflections.f[members.owner]
    )
    groups = []
    for group in reflections.groups:
        all_of_them = orbits(reflections.symmetry, group.hkl)
        upper = np.flatnonzero(_is_upper(all_of_them.hkl))
        share = group.multiplicity / all_of_them.size
        groups.append(
            ReflectionGroup(
                all_of_them.hkl[upper],
                2 * share[all_of_them.owner[upper]],
                group.amplitude,
                group.sigma,
            )
        )
    return Reflections(
        **{
            **reflections.__dict__,
            "symmetry": Symmetry.from_triplets(["x,y,z"]),
            "hkl": members.hkl[half],
            "f": f[half],
            "sigma": reflections.sigma[members.owner[half]],
            "groups": tuple(groups),
        }
    )


def _is_upper(hkl: IntArray) -> BoolArray:
    """Whether the first index that is not 0 is positive: one of every Friedel pair."""
    first = np.take_along_axis(hkl, (hkl != 0).argmax(axis=1)[:, None], axis=1)[:, 0]
    return np.asarray(first > 0)


def _reflection_lines(path: Path, reflections: Reflections) -> Iterator[str]:
    for hkl, f, sigma in zip(
        reflections.hkl.tolist(), reflections.f, reflections.sigma, strict=True
    ):
        line = "".join(f"{index:5d}" for index in hkl)
        # Adding zero makes -0.000 a plain 0.000.
        line += f"{round(f.real, 3) + 0.0:10.3f}{round(f.imag, 3) + 0.0:10.3f}{sigma:10.3f}"
        _require_fit(path, line, sum(ROW), float(sigma), hkl)
        yield line


def _group_lines(path: Path, groups: tuple[ReflectionGroup, ...]) -> Iterator[str]:
    for number, group in enumerate(groups):
        yield f"#{number:5d}"
        yield f"{len(group.hkl):5d}"
        for i, (hkl, m) in enumerate(zip(group.hkl.tolist(), group.multiplicity, strict=True)):
            line = "".join(f"{index:5d}" for index in hkl)
            if not i:
                line += f"{group.amplitude:10.3f}{group.sigma:10.3f}"
            line += f"{round(float(m)):5d}"
            _require_fit(path, line, sum(GROUP_HEAD if not i else GROUP_ROW), group.sigma, hkl)
            yield line


def _require_fit(path: Path, line: str, width: int, sigma: float, hkl: list[int]) -> None:
    if len(line) != width or sigma < _SMALLEST_SIGMA:
        raise InputError(
            "a reflection does not fit the columns of a .mem file",
            file=path,
            found=f"{line.strip()} (reflection {' '.join(map(str, hkl))})",
            expected="3I5, 3F10.3 with σ of 0.001 or more",
        )
