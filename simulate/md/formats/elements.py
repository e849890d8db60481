"""Elements of atoms, from what files call them; never guessed from numbers of types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ixs_core.errors import InputError

TypeMap = Mapping[int | str, str]
"""Element of each type: {1: "Cs", 2: "Cu"}."""


def elements_of_types(
    types: Sequence[int | str], type_map: TypeMap | None, path: Path
) -> tuple[str, ...]:
    """Element of every atom from its type.

    Raises
    ------
    InputError
        There is no map, or a type is not in it.
    """
    named = {str(key): element for key, element in (type_map or {}).items()}
    met = sorted({str(kind) for kind in types}, key=lambda text: (len(text), text))
    missing = [kind for kind in met if kind not in named]
    if missing:
        example = ", ".join(f'{kind}: "…"' for kind in met)
        raise InputError(
            "the file gives types of atoms without their elements"
            if not named
            else "the map of types to elements has not all types",
            file=path,
            key="type_map",
            found=f"types {', '.join(met)}" + (f", map of {', '.join(named)}" if named else ""),
            hint=f"give type_map={{{example}}} (--type-map on the command line)",
        )
    return tuple(named[str(kind)] for kind in types)


def check_elements(names: Sequence[str], path: Path) -> tuple[str, ...]:
    """The names, when all are chemical symbols; "Cu1+" and "CU" count as Cu.

    Raises
    ------
    InputError
        One is not.
    """
    known = {name: symbol_of(name) for name in set(names)}
    unknown = sorted(name for name, symbol in known.items() if not symbol)
    if unknown:
        raise InputError(
            "these are no chemical elements",
            file=path,
            found=", ".join(unknown[:8]),
            expected="symbols such as Cs, Cu, I",
            hint="give the element of each type with type_map (--type-map)",
        )
    return tuple(known[name] for name in names)


def symbol_of(name: str) -> str:
    """The chemical symbol in a name ("Cu", "CU", "Cu1+"), or "" where there is none."""
    from ase.data import atomic_numbers

    letters = name.strip().rstrip("0123456789+-").capitalize()
    return letters if letters in atomic_numbers and letters != "X" else ""


def parse_type_map(text: str) -> dict[int | str, str]:
    """The map from text: "1:Cs,2:Cu,3:I", "1=Cs 2=Cu", or "Cs,Cu,I" for types 1, 2, 3.

    Raises
    ------
    InputError
    """
    parts = text.replace(",", " ").replace("=", ":").split()
    pairs = [part.split(":") for part in parts]
    if pairs and all(len(pair) == 1 for pair in pairs):
        pairs = [[str(number), pair[0]] for number, pair in enumerate(pairs, start=1)]
    if not pairs or not all(len(pair) == 2 and pair[0] and symbol_of(pair[1]) for pair in pairs):
        raise InputError(
            "this is no map of types to elements",
            key="--type-map",
            found=text,
            expected='"1:Cs,2:Cu,3:I"',
        )
    return {kind: symbol_of(element) for kind, element in pairs}
