"""YAML read as plain data: nothing in it is executed, and force constants are read fast."""

from __future__ import annotations

import re
import warnings
from typing import Any

import numpy as np
import yaml  # type: ignore[import-untyped]

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from simulate.phonons.loading.file_content import FileContent

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

# The section that makes up nearly all of the length of phonopy files, and the key after it.
_SECTION = re.compile(r"^force_constants:", re.MULTILINE)
_NEXT_KEY = re.compile(r"^\w", re.MULTILINE)
_BRACKETS = re.compile(r"\[([^\[\]]*)\]")


def read_yaml(content: FileContent) -> dict[str, Any]:
    """The file's top-level mapping; `force_constants` is an (n, N, 3, 3) array where present.

    Raises
    ------
    InputError
        It is not YAML, has tags other than plain data, or is no mapping.
    """
    text = content.text
    section, rest = _without_force_constants(text)
    try:
        data = yaml.load(rest, Loader=_LOADER)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise InputError(
            "this is not valid YAML",
            file=content.path,
            line=None if mark is None else mark.line + 1,
            found=getattr(error, "problem", None) or str(error).splitlines()[0],
        ) from error
    except (RecursionError, ValueError) as error:
        raise InputError("this YAML cannot be read", file=content.path, found=str(error)) from error
    if not isinstance(data, dict):
        raise InputError(
            "this YAML is not a phonopy file",
            file=content.path,
            found=type(data).__name__,
            expected="keys such as unit_cell and supercell_matrix",
        )
    if section is not None:
        data["force_constants"] = _force_constants(section, content)
    return data


def _without_force_constants(text: str) -> tuple[str | None, str]:
    """The section of force constants, and the text without it at unchanged line numbers."""
    start = _SECTION.search(text)
    if start is None:
        return None, text
    after = _NEXT_KEY.search(text, start.end())
    end = len(text) if after is None else after.start()
    section = text[start.start() : end]
    return section, text[: start.start()] + "\n" * section.count("\n") + text[end:]


def _force_constants(section: str, content: FileContent) -> FloatArray:
    head, found, elements = section.partition("elements:")
    shape = _BRACKETS.search(head)
    sizes = re.findall(r"\d+", shape.group(1)) if shape else []
    if not found or len(sizes) != 2:
        raise InputError(
            "the force constants are not complete",
            file=content.path,
            key="force_constants",
            expected="shape: [n, N] and elements",
        )
    n, total = int(sizes[0]), int(sizes[1])
    values = text_numbers(",".join(_BRACKETS.findall(elements)), separator=",")
    if values is None or values.size != 9 * n * total:
        raise InputError(
            "the force constants are not complete",
            file=content.path,
            key="force_constants.elements",
            found="a value that is no number" if values is None else f"{values.size} numbers",
            expected=f"{n}×{total} blocks of 3×3, {9 * n * total} numbers",
            hint="the file may have been cut off",
        )
    return values.reshape(n, total, 3, 3)


def text_numbers(text: str, separator: str = " ") -> FloatArray | None:
    """All numbers of a text; None when something in it is no number."""
    if not text.strip():
        return np.empty(0)
    with warnings.catch_warnings():
        # numpy warns, and stops, at the first text that is no number.
        warnings.simplefilter("error", DeprecationWarning)
        try:
            return np.fromstring(text, sep=separator)
        except (DeprecationWarning, ValueError):
            return None
