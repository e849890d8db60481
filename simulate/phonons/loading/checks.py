"""What every reader checks: shapes of numbers, elements, masses, cells, charges."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from simulate.phonons.loading.file_units import ELECTRON_MASS_AMU, RYDBERG_MASS_AMU

CLOSEST_ATOMS_ANGSTROM = 0.5
"""Atoms nearer than this are two entries for one atom, or a cell in the wrong unit."""

SHORTEST_ANGSTROM, LONGEST_ANGSTROM = 0.5, 1000.0
FARTHEST_CELLS = 1000.0

MASS_RATIO = 1.6
"""A mass further than this factor from its element's is a wrong unit (hydrogen excepted)."""


def numbers(
    value: object,
    shape: Sequence[int],
    *,
    file: str | Path | None,
    key: str,
) -> FloatArray:
    """The value as finite numbers of the given shape (-1: any length); else InputError."""
    wanted = "an array of numbers, shape " + _shape_text(shape)
    try:
        array = np.array(value, dtype=float)
    except (ValueError, TypeError, OverflowError) as error:
        raise InputError(
            "these are not numbers", file=file, key=key, found=_short(value), expected=wanted
        ) from error
    fits = array.ndim == len(shape) and all(
        want in (-1, have) for want, have in zip(shape, array.shape, strict=True)
    )
    if not fits:
        found = f"shape {_shape_text(array.shape)}" if array.ndim else _short(value)
        raise InputError("wrong shape", file=file, key=key, found=found, expected=wanted)
    if not np.isfinite(array).all():
        bad = array[~np.isfinite(array)]
        raise InputError(f"{bad.size} values are not finite", file=file, key=key, found=bad.flat[0])
    return array


def integers(
    value: object, shape: Sequence[int], *, file: str | Path | None, key: str
) -> np.ndarray:
    """The value as whole numbers of the given shape; else InputError."""
    array = numbers(value, shape, file=file, key=key)
    whole = np.rint(array)
    if np.abs(array - whole).max(initial=0.0) > 1e-6 or np.abs(whole).max(initial=0.0) > 1e9:
        raise InputError(
            "these are not whole numbers", file=file, key=key, found=_short(array.tolist())
        )
    return whole.astype(np.int64)


def lattice_vectors(value: object, *, file: str | Path | None, key: str) -> FloatArray:
    """Three vectors that span a cell, as rows; else InputError."""
    vectors = numbers(value, (3, 3), file=file, key=key)
    lengths = np.linalg.norm(vectors, axis=1)
    if abs(np.linalg.det(vectors)) < 1e-6 * max(float(lengths.prod()), 1e-300):
        raise InputError(
            "the lattice vectors lie in a plane", file=file, key=key, found=_short(vectors.tolist())
        )
    return vectors


def elements(
    symbols: Iterable[object], *, file: str | Path | None, key: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Elements of atom labels ("Fe1" is Fe, "D" is H), and notes on what was changed."""
    from ase.data import atomic_numbers

    found: list[str] = []
    notes: dict[str, None] = {}  # in order, each once
    for label in symbols:
        element = str(label).strip().rstrip("0123456789+-_")
        element = "H" if element in ("D", "T") else element
        if element not in atomic_numbers or element == "X":
            raise InputError(
                "an atom's element is not known",
                file=file,
                key=key,
                found=repr(label),
                expected="chemical symbols such as Cu or I",
            )
        if element != str(label).strip():
            notes[f"{label} is read as the element {element}"] = None
        found.append(element)
    return tuple(found), tuple(notes)


def masses_of(
    symbols: Sequence[str],
    given: Sequence[float | None] | FloatArray | None,
    wanted: Mapping[str, float] | Sequence[float] | FloatArray | None,
    *,
    file: str | Path | None,
) -> tuple[FloatArray, tuple[str, ...]]:
    """Masses of the atoms, from the user, else the file, else the elements' standard weights.

    Parameters
    ----------
    symbols : (n,) elements
    given : (n,) masses of the file in atomic mass units, None or NaN where it has none
    wanted : what the user asked for
        Per element, or (n,) per atom, in atomic mass units.
    file
        For the message.

    Returns
    -------
    masses : (n,) array
    notes : tuple of str

    Raises
    ------
    InputError
        A mass is missing, not positive, or in another unit.
    """
    from ase.data import atomic_masses, atomic_numbers

    standard = np.array([atomic_masses[atomic_numbers[symbol]] for symbol in symbols])
    if wanted is not None:
        return _wanted_masses(symbols, given, wanted, standard)
    from_file = np.full(len(symbols), np.nan)
    if given is not None:
        from_file = np.array([np.nan if mass is None else mass for mass in given], dtype=float)
    missing = np.isnan(from_file)
    notes = []
    if missing.any():
        names = ", ".join(sorted({s for s, gone in zip(symbols, missing, strict=True) if gone}))
        notes.append(f"no mass in the file for {names}: the standard atomic weight is taken")
    masses = np.where(missing, standard, from_file)
    _require_positive(masses, symbols, file)
    _require_atomic_mass_units(masses, standard, symbols, file)
    return masses, tuple(notes)


def _wanted_masses(
    symbols: Sequence[str],
    given: Sequence[float | None] | FloatArray | None,
    wanted: Mapping[str, float] | Sequence[float] | FloatArray,
    standard: FloatArray,
) -> tuple[FloatArray, tuple[str, ...]]:
    if isinstance(wanted, Mapping):
        unknown = sorted(set(wanted) - set(symbols))
        if unknown:
            raise InputError(
                "masses are given for elements that the crystal lacks",
                key="masses",
                found=", ".join(unknown),
                expected=", ".join(sorted(set(symbols))),
            )
        base = standard.copy()
        if given is not None:
            base = np.array(
                [s if m is None or np.isnan(m) else m for m, s in zip(given, standard, strict=True)]
            )
        masses = np.array(
            [float(wanted.get(s, m)) for s, m in zip(symbols, base, strict=True)], dtype=float
        )
        text = ", ".join(f"{name} {mass:g}" for name, mass in wanted.items())
    else:
        masses = numbers(wanted, (len(symbols),), file=None, key="masses")
        text = "one per atom"
    _require_positive(masses, symbols, None)
    return masses, (f"masses set by the user: {text}",)


def _require_positive(masses: FloatArray, symbols: Sequence[str], file: str | Path | None) -> None:
    bad = np.flatnonzero(~(np.isfinite(masses) & (masses > 0)))
    if bad.size:
        raise InputError(
            "a mass is not positive",
            file=file,
            key=f"mass of atom {bad[0] + 1} ({symbols[int(bad[0])]})",
            found=float(masses[bad[0]]),
            expected="atomic mass units, above 0",
        )


def _require_atomic_mass_units(
    masses: FloatArray, standard: FloatArray, symbols: Sequence[str], file: str | Path | None
) -> None:
    ratio = masses / standard
    heavy = np.array([symbol != "H" for symbol in symbols])  # H may be D or T
    far = np.flatnonzero(heavy & ((ratio > MASS_RATIO) | (ratio < 1 / MASS_RATIO)))
    if not far.size:
        return
    first = int(far[0])
    units = {
        "Rydberg units (two electron masses)": 1 / RYDBERG_MASS_AMU,
        "electron masses": 1 / ELECTRON_MASS_AMU,
    }
    likely = [name for name, size in units.items() if abs(ratio[first] / size - 1) < 0.05]
    raise InputError(
        "a mass does not fit its element" + (f": it seems to be in {likely[0]}" if likely else ""),
        file=file,
        key=f"mass of atom {first + 1} ({symbols[first]})",
        found=f"{masses[first]:g}",
        expected=f"about {standard[first]:.4g} atomic mass units",
        hint="correct the file, or give the masses that you mean (masses=)",
    )


def require_sane_cell(
    vectors: FloatArray, positions: FloatArray, *, file: str | Path | None
) -> None:
    """InputError when a cell has impossible lengths in Å or atoms far outside it."""
    lengths = np.linalg.norm(vectors, axis=1)
    if lengths.min() < SHORTEST_ANGSTROM or lengths.max() > LONGEST_ANGSTROM:
        raise InputError(
            "the lattice vectors cannot be those of a crystal",
            file=file,
            key="lattice",
            found=f"lengths {', '.join(f'{length:.4g}' for length in lengths)} Å",
            expected=f"{SHORTEST_ANGSTROM} to {LONGEST_ANGSTROM} Å",
            hint="check their unit",
        )
    if np.abs(positions).max() > FARTHEST_CELLS:
        raise InputError(
            "an atom is far outside its cell",
            file=file,
            key="coordinates",
            found=float(np.abs(positions).max()),
            expected="fractions of the lattice vectors",
        )


def require_separate_atoms(
    vectors: FloatArray, positions: FloatArray, *, file: str | Path | None
) -> None:
    """InputError when two atoms of a cell sit on one place, or the cell is too small for Å."""
    from ase.geometry import get_distances

    n = len(positions)
    if n < 2:
        return
    cartesian = positions @ vectors
    _, distances = get_distances(cartesian, cell=vectors, pbc=True)
    distances[np.diag_indices(n)] = np.inf
    if distances.min() < CLOSEST_ATOMS_ANGSTROM:
        i, j = np.unravel_index(np.argmin(distances), distances.shape)
        raise InputError(
            f"atoms {i + 1} and {j + 1} of the cell sit on one place",
            file=file,
            found=f"{distances[i, j]:.3f} Å apart",
            expected=f"at least {CLOSEST_ATOMS_ANGSTROM} Å",
            hint="check the unit of the lattice and the list of atoms",
        )


def _shape_text(shape: Sequence[int]) -> str:
    return "×".join("n" if size == -1 else str(size) for size in shape) or "one"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
