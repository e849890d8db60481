"""From a draft to the parameters of a fit: bounds, fixed values, ties worked out. Qt-free.

Only here lmfit is needed; its import takes more than a second, so the window warms it up in a
worker before it lets anybody edit.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from gui.models.fit_draft import FitDraft, Quantity
from ixs_core.errors import InputError
from ixs_reduce.fitting import bounded_parameters
from ixs_reduce.spectrum import Spectrum
from ixs_reduce.spectrum_model import SpectrumModel

if TYPE_CHECKING:
    import lmfit

_FUNCTIONS = frozenset({"sqrt", "exp", "log", "abs", "min", "max"})


def with_tie(draft: FitDraft, name: str, tie: str) -> FitDraft:
    """The draft with a parameter tied to an expression of others ("" frees it).

    Raises
    ------
    InputError
        When the expression cannot be read, names what is not there, or leads back to itself.
    """
    quantity = draft.quantity(name)
    changed = draft.with_quantity(name, Quantity(quantity.value, tie=tie.strip()))
    _check_ties(changed)
    return resolved(changed)


def resolved(draft: FitDraft) -> FitDraft:
    """The draft with the values of its tied parameters worked out.

    Raises
    ------
    InputError
        When a tie has no value.
    """
    if not draft.tied:
        return draft
    import lmfit

    parameters = lmfit.Parameters()
    for name in draft.names:
        parameters.add(name, draft.quantity(name).value)
    try:
        _set_ties(parameters, draft)
        values = {name: float(parameters[name].value) for name in draft.names}
    except (ArithmeticError, ValueError, TypeError, NameError, SyntaxError) as error:
        raise InputError(f"a tie cannot be worked out ({error})", key="tie") from error
    tied = {name: value for name, value in values.items() if draft.quantity(name).tie}
    for name, value in tied.items():
        if not math.isfinite(value):
            raise InputError("a tie gives no finite number", key=name, found=value)
    return draft.with_values(tied)


def start_parameters(draft: FitDraft, spectrum: Spectrum, model: SpectrumModel) -> lmfit.Parameters:
    """The draft as start of a fit: physical bounds for what is free, none for what is not."""
    parameters = bounded_parameters(spectrum, model, draft.zero.value)
    for name in draft.names:
        quantity = draft.quantity(name)
        if quantity.fixed or quantity.tie:
            parameters[name].set(min=-math.inf, max=math.inf)
        parameters[name].set(value=quantity.value, vary=not quantity.fixed)
    _set_ties(parameters, draft)
    return parameters


def _set_ties(parameters: lmfit.Parameters, draft: FitDraft) -> None:
    for name in draft.names:
        if draft.quantity(name).tie:
            parameters[name].set(expr=draft.quantity(name).tie)


def _check_ties(draft: FitDraft) -> None:
    needs = {
        name: _names_in(draft.quantity(name).tie, name, draft)
        for name in draft.names
        if draft.quantity(name).tie
    }
    for name in needs:
        if _leads_to(name, name, needs):
            raise InputError(
                "the tie leads back to itself", key=name, found=draft.quantity(name).tie
            )


def _names_in(tie: str, key: str, draft: FitDraft) -> frozenset[str]:
    try:
        tree = ast.parse(tie, mode="eval")
    except (SyntaxError, ValueError) as error:
        raise InputError(
            "the tie is no expression", key=key, found=tie, expected="like mode1_fwhm"
        ) from error
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} - _FUNCTIONS
    unknown = sorted(names - set(draft.names))
    if unknown or not names:
        raise InputError(
            "the tie names no parameter of the model",
            key=key,
            found=", ".join(unknown) or tie,
            expected="names like mode1_fwhm",
        )
    return frozenset(names)


def _leads_to(start: str, end: str, needs: Mapping[str, frozenset[str]]) -> bool:
    seen: set[str] = set()
    ahead = set(needs.get(start, ()))
    while ahead:
        name = ahead.pop()
        if name == end:
            return True
        if name not in seen:
            seen.add(name)
            ahead |= needs.get(name, frozenset())
    return False


def with_fixed(draft: FitDraft, name: str, fixed: bool) -> FitDraft:
    """The draft with a parameter fixed or set free; a fixed one is no longer tied."""
    quantity = draft.quantity(name)
    return draft.with_quantity(
        name, replace(quantity, fixed=fixed, tie="" if fixed else quantity.tie)
    )
