"""The chemical formula of a CIF and the number of formula units, checked against the sites."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

import gemmi
import numpy as np

from ixs_core.cif_block import CifBlock

_Z = "_cell_formula_units_z"
_PART = re.compile(r"([A-Z][a-z]?)(\d*\.?\d*)(?:\(\d+\))?")
_SLACK = 0.01  # share of an element's atoms that may be missing without a word
_LARGEST_DENOMINATOR = 48


def stated_formula(source: CifBlock, notes: list[str]) -> dict[str, float]:
    """Element -> count of the formula; empty when there is none that can be read."""
    text = source.text("_chemical_formula_sum")
    parts = [(part, _PART.fullmatch(part)) for part in re.split(r"[\s,]+", text) if part]
    formula: dict[str, float] = {}
    for part, match in parts:
        if match is None or gemmi.Element(match[1]).atomic_number == 0 or match[2] == ".":
            notes.append(f"the formula {text} is not understood at {part}: not used")
            return {}
        formula[match[1]] = formula.get(match[1], 0.0) + float(match[2] or 1)
    return formula


def formula_unit(
    source: CifBlock, stated: dict[str, float], content: Mapping[str, float], notes: list[str]
) -> tuple[str, float]:
    """Formula and Z: of whole numbers where possible, checked against the sites."""
    if not stated:
        return _formula_of_content(content, notes)
    units = source.number_or_note(notes, _Z)
    if units is None:
        units = _units_of_content(stated, content)
        notes.append(f"{_Z} is missing: Z = {units:g} from the sites")
    factor = _whole_number_factor(stated, units)
    if factor > 1:
        given = _formula_text(stated, " ")
        stated = {element: round(factor * count) for element, count in stated.items()}
        notes.append(
            f"the formula is a fraction, {given} with Z = {units:g}: read as "
            f"{_formula_text(stated)} with Z = {units / factor:g}"
        )
        units /= factor
    expected = {element: units * count for element, count in stated.items()}
    if any(
        abs(expected.get(element, 0.0) - content.get(element, 0.0))
        > _SLACK * max(expected.get(element, 0.0), 1.0)
        for element in {*expected, *content}
    ):
        notes.append(
            f"the sites put {_formula_text(content, ' ')} in a cell, but the formula "
            f"{_formula_text(stated)} with Z = {units:g} means {_formula_text(expected, ' ')}: "
            "the sites are used"
        )
    return _formula_text(stated), units


def _formula_of_content(content: Mapping[str, float], notes: list[str]) -> tuple[str, float]:
    counts = {element: round(count) for element, count in content.items()}
    whole = all(abs(content[element] - count) < 0.01 for element, count in counts.items())
    units = float(math.gcd(*counts.values())) if whole else 1.0
    formula = _formula_text({element: count / units for element, count in content.items()})
    notes.append(f"the formula is missing: {formula} with Z = {units:g} from the sites")
    return formula, units


def _units_of_content(stated: Mapping[str, float], content: Mapping[str, float]) -> float:
    ratios = [content.get(element, 0.0) / count for element, count in stated.items() if count]
    units = float(np.median(ratios)) if ratios else 0.0
    return float(round(units)) if round(units) > 0 else (units or 1.0)


def _whole_number_factor(stated: Mapping[str, float], units: float) -> int:
    """What turns a fraction such as Cs0.25 Cu0.5 I0.75 (Z = 16) into whole numbers, or 1."""
    for factor in range(1, _LARGEST_DENOMINATOR + 1):
        counts = np.array(list(stated.values())) * factor
        # The rounding of 0.333 grows with the factor.
        if np.all(np.abs(counts - np.round(counts)) < 6e-4 * factor) and np.all(counts > 0.5):
            divides = units / factor >= 1 and (units / factor) % 1 == 0
            return factor if divides else 1
    return 1


def _formula_text(counts: Mapping[str, float], separator: str = "") -> str:
    parts = (
        element + ("" if abs(count - 1) < 1e-9 else f"{round(count, 4):g}")
        for element, count in counts.items()
    )
    return separator.join(parts)
