"""What a CIF says about its refinement: the weighting scheme and the extinction correction."""

from __future__ import annotations

import math
import re
from pathlib import Path

from ixs_core.cif_block import STRUCTURE_TAGS, CifBlock, open_block
from mem.formats.text_file import decimal_number

_METHOD = "_refine_ls_extinction_method"
_COEFFICIENT = "_refine_ls_extinction_coef"
_DETAILS = "_refine_ls_weighting_details"

_DECIMAL = r"(\d*\.?\d+(?:[eE][+-]?\d+)?)"
_SHELXL = re.compile(rf"\({_DECIMAL}P\)\^?2\^?(?:\+{_DECIMAL}P)?", re.IGNORECASE)
_INSTABILITY = re.compile(rf"\\?s\^?2\^?\((F|I|Fo\^2\^|F\^2\^)\)\+{_DECIMAL}(F|I)", re.IGNORECASE)


def refinement_details(path: str | Path) -> tuple[tuple[float, float], str]:
    """Weights and extinction of the refinement of the structure that a CIF holds.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    weights : (float, float)
        As `refinement_weights`.
    extinction : str
        As `refinement_extinction`.

    Raises
    ------
    InputError
        The file is no CIF, or no block or several hold a structure.
    """
    block = open_block(path, STRUCTURE_TAGS)
    return refinement_weights(block), refinement_extinction(block)


def refinement_weights(block: CifBlock) -> tuple[float, float]:
    """a and b of w = 1/[σ²(Fo²) + (aP)² + bP], P = (Fo² + 2Fc²)/3, as refined; else (0, 0).

    Jana's 1/[σ²(I) + u I²] is the same with a = √u and I for P, its 1/[σ²(F) + u F²] with
    a = 2√u, since σ(F²) = 2Fσ(F).
    """
    text = re.sub(r"[\s*]+", "", block.text(_DETAILS))
    shelxl = _SHELXL.search(text)
    if shelxl:
        return _value(shelxl[1]), _value(shelxl[2] or "0")
    instability = _INSTABILITY.search(text)
    if instability:
        on_amplitudes = instability[1].upper() == "F" and instability[3].upper() == "F"
        return (2.0 if on_amplitudes else 1.0) * math.sqrt(_value(instability[2])), 0.0
    return 0.0, 0.0


def refinement_extinction(block: CifBlock) -> str:
    """Method and coefficient of the extinction correction as the file gives them; "" if none."""
    method, coefficient = block.text(_METHOD), block.text(_COEFFICIENT)
    if method.lower() in ("", "none", "n/a"):
        method = ""
    parts = [method, f"coefficient {coefficient}" if coefficient else ""]
    return ", ".join(part for part in parts if part)


def _value(text: str) -> float:
    number = decimal_number(text)
    return 0.0 if number is None else number
