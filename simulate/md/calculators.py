"""Interatomic potentials by name: what `ixs md run` takes after `--calculator`."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ixs_core.errors import InputError

KNOWN = "emt, lj, lj:sigma=3.4,epsilon=0.0104,rc=8.5, a .mtp file, or module:attribute"


def calculator_by_name(name: str, species: Sequence[str] = (), threads: int = 1) -> Any:
    """An ASE calculator.

    Parameters
    ----------
    name : str
        "emt"; "lj" with ASE's parameters after a colon (Å, eV); the path of a moment tensor
        potential (.mtp); or "module:attribute" of a calculator, or of a function or class that
        makes one without arguments (machine-learned potentials of other packages).
    species : sequence of str
        Elements in the order of an .mtp file.
    threads : int
        For .mtp.

    Raises
    ------
    InputError
        The name is none of these, or what it names cannot be imported or made.
    """
    kind, _, rest = name.partition(":")
    if name.lower().endswith(".mtp"):
        from simulate.md.moment_tensor_calculator import MomentTensorCalculator

        return MomentTensorCalculator(Path(name), species, threads=threads)
    if kind.lower() == "emt" and not rest:
        from ase.calculators.emt import EMT

        return EMT()
    if kind.lower() == "lj":
        from ase.calculators.lj import LennardJones

        return LennardJones(**_parameters(name, rest))
    if rest:
        return _imported(name, kind, rest)
    raise InputError("no such calculator", key="calculator", found=name, expected=KNOWN)


def _parameters(name: str, text: str) -> dict[str, float]:
    parameters = {}
    for part in filter(None, text.split(",")):
        key, _, value = part.partition("=")
        try:
            parameters[key.strip()] = float(value)
        except ValueError as error:
            raise InputError(
                "no number", key="calculator", found=part, expected="sigma=3.4"
            ) from error
    unknown = set(parameters) - {"sigma", "epsilon", "rc", "ro"}
    if unknown:
        raise InputError(
            "unknown parameters",
            key="calculator",
            found=f"{', '.join(sorted(unknown))} in {name}",
            expected="sigma, epsilon, rc, ro",
        )
    return parameters


def _imported(name: str, module: str, attribute: str) -> Any:
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise InputError(
            f"cannot be imported: {error}", key="calculator", found=name, expected=KNOWN
        ) from error
    if hasattr(found, "get_forces") and not isinstance(found, type):
        return found
    try:
        made = found()
    except TypeError as error:
        raise InputError(
            f"cannot be made without arguments: {error}",
            key="calculator",
            found=name,
            hint="name a calculator made in a module of your own",
        ) from error
    if not hasattr(made, "get_forces"):
        raise InputError("is no ASE calculator", key="calculator", found=name, expected=KNOWN)
    return made
