"""What is wrong in an experiment file, said with line, key and the likely meaning."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from ixs_core.errors import InputError

Keys = tuple[str | int, ...]

_HEADER = re.compile(r"^\s*(\[\[?)\s*([^\[\]#]+?)\s*\]\]?\s*(?:#.*)?$")
_NAME = r"""(?:[\w-]+|"[^"]*"|'[^']*')"""
_KEY = re.compile(rf"^\s*({_NAME}(?:\s*\.\s*{_NAME})*)\s*=")


def invalid_experiment(
    path: Path, text: str, model: type[BaseModel], error: ValidationError
) -> InputError:
    """The first thing that is wrong, and how many more there are.

    Parameters
    ----------
    path, text
        The file and its content, in which the line is looked up.
    model : type
        The model that was to be made, whose keys are offered for misspelt ones.
    error : ValidationError
        What pydantic found.
    """
    # Misspelt keys first: a value missing elsewhere is often only their consequence.
    details = sorted(error.errors(), key=lambda detail: detail["type"] != "extra_forbidden")
    kind, given = details[0]["type"], details[0]["input"]
    keys = tuple(key for key in details[0]["loc"] if key != "[key]")
    found = expected = hint = None
    if kind == "extra_forbidden":
        message = "unknown key"
        expected, hint = _likely_key(model, keys)
    elif kind == "missing" and isinstance(keys[-1], int):
        keys, message, found = keys[:-1], "too few values", f"{len(given)} values"
    elif kind == "missing":
        message = "this key is missing"
    elif kind in ("model_type", "dict_type"):
        message, found = "a table of keys is expected", repr(given)
    elif kind == "value_error":
        # Checks over several keys begin with the key that they are about.
        key, colon, reason = str(details[0]["ctx"]["error"]).partition(": ")
        is_key = bool(colon) and key in _known_keys(model, keys)
        keys = (*keys, key) if is_key else keys
        message = reason if is_key else key + colon + reason
        found = None if is_key else repr(given)
    else:
        message, found = details[0]["msg"][:1].lower() + details[0]["msg"][1:], repr(given)
    if len(details) > 1:
        more = f"and {len(details) - 1} more to mend"
        hint = f"{hint}; {more}" if hint else more
    return InputError(
        message,
        file=path,
        line=line_of(text, keys),
        key=".".join(str(key) for key in keys),
        found=found,
        expected=expected,
        hint=hint,
    )


def line_of(text: str, keys: Sequence[str | int]) -> int | None:
    """1-based line of a TOML text on which a key path (or the deepest part of it) stands."""
    best, best_depth = None, 0
    for number, stated in _stated_keys(text):
        depth = _common(stated, keys)
        if depth == min(len(stated), len(keys)) and depth > best_depth:
            best, best_depth = number, depth
    return best


def _stated_keys(text: str) -> Iterator[tuple[int, Keys]]:
    """Every line that names a table or a key, with the full path of what it names."""
    table: Keys = ()
    counts: dict[Keys, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            table = _split(header.group(2))
            if header.group(1) == "[[":
                counts[table] = counts.get(table, -1) + 1
                table = (*table, counts[table])
            yield number, table
        elif key := _KEY.match(line):
            yield number, table + _split(key.group(1))


def _split(dotted: str) -> Keys:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))


def _common(first: Sequence[object], second: Sequence[object]) -> int:
    depth = 0
    for a, b in zip(first, second, strict=False):
        if a != b:
            break
        depth += 1
    return depth


def _likely_key(model: type[BaseModel], keys: Keys) -> tuple[str | None, str | None]:
    """What is expected instead of an unknown key, or a hint at what was meant."""
    elsewhere = [f"[{table}]" for table in _tables_with(model, str(keys[-1]))]
    if elsewhere:
        return None, f"it belongs into {' or '.join(elsewhere)}"
    known = sorted(_known_keys(model, keys[:-1]))
    close = get_close_matches(str(keys[-1]), known, n=1, cutoff=0.5)
    if close:
        return None, f"did you mean '{close[0]}'?"
    return f"one of {', '.join(known)}", None


def _known_keys(model: type[BaseModel], keys: Sequence[str | int]) -> set[str]:
    """Names that may stand in the table at a key path."""
    for key in keys:
        if key in model.model_fields:
            inner = _model_in(model.model_fields[str(key)].annotation)
            if inner is None:
                return set()
            model = inner
    return set(model.model_fields)


def _tables_with(model: type[BaseModel], key: str) -> Iterator[str]:
    """Tables of the file that have a key of this name."""
    for name, field in model.model_fields.items():
        inner = _model_in(field.annotation)
        if inner is not None and key in inner.model_fields:
            yield name


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in get_args(annotation):
        inner = _model_in(argument)
        if inner is not None:
            return inner
    return None
