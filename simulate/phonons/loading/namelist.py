"""Fortran namelists, as the CONTROL file of ShengBTE and FourPhonon."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from simulate.phonons.loading.file_content import FileContent

_GROUP = re.compile(r"^\s*[&$](?!end\b)(\w+)(.*?)^\s*(?:/|[&$]end\b)", re.I | re.M | re.S)
_KEY = re.compile(r"([A-Za-z_]\w*)\s*(?:\(([^()]*)\))?\s*=")
_VALUE = re.compile(r"'([^']*)'|\"([^\"]*)\"|(\d+)\*([^\s,/]+)|([^\s,/]+)")
_COMMENT = re.compile(r"('[^'\n]*'|\"[^\"\n]*\")|![^\n]*")


@dataclass(frozen=True)
class Assignment:
    """One `name(index) = values` of a namelist.

    Parameters
    ----------
    name : str
        In lower case.
    index : tuple of int or None
        One-based; None stands for ":". Empty where nothing is indexed.
    values : tuple of str
    """

    name: str
    index: tuple[int | None, ...]
    values: tuple[str, ...]


@dataclass(frozen=True)
class Namelist:
    """All assignments of a file's groups.

    Parameters
    ----------
    content : FileContent
        For the messages.
    assignments : tuple of Assignment
        In the order of the file.
    """

    content: FileContent
    assignments: tuple[Assignment, ...]

    def __contains__(self, name: str) -> bool:
        return any(a.name == name for a in self.assignments)

    def texts(self, name: str) -> tuple[str, ...]:
        """All values of a name; InputError when it is missing."""
        values = tuple(v for a in self.assignments if a.name == name for v in a.values)
        if not values:
            raise InputError("missing", file=self.content.path, key=name)
        return values

    def flag(self, name: str, default: bool) -> bool:
        """A logical value, `.true.` or `F`."""
        if name not in self:
            return default
        word = self.texts(name)[-1].strip(".").lower()
        if word[:1] not in ("t", "f"):
            raise InputError(
                "this is not a logical value",
                file=self.content.path,
                key=name,
                found=word,
                expected=".true. or .false.",
            )
        return word.startswith("t")

    def array(self, name: str, shape: tuple[int, ...]) -> FloatArray:
        """Numbers in Fortran's order, [first index, second, …]; InputError when incomplete.

        Values of `name(:,2) = …` fill that column, values without an index fill from the start.
        """
        result = np.full(shape, np.nan)
        for assignment in self.assignments:
            if assignment.name == name:
                self._fill(result, assignment)
        if np.isnan(result).any():
            missing = int(np.isnan(result).sum())
            raise InputError(
                "missing" if missing == result.size else f"{missing} of its values are missing",
                file=self.content.path,
                key=name,
                expected=f"{result.size} numbers, shape {shape}",
            )
        return result

    def _fill(self, result: FloatArray, assignment: Assignment) -> None:
        values = [self._number(text, assignment.name) for text in assignment.values]
        index = assignment.index or (None,) * result.ndim
        sizes = zip(index, result.shape, strict=False)
        inside = all(i is None or 1 <= i <= size for i, size in sizes)
        place = tuple(slice(None) if i is None else i - 1 for i in index)
        room = result[place].size if len(index) == result.ndim and inside else -1
        if len(values) > room:
            text = ",".join(":" if i is None else str(i) for i in index)
            raise InputError(
                "there is no room for these values",
                file=self.content.path,
                key=f"{assignment.name}({text})",
                found=f"{len(values)} values",
                expected=f"an array of shape {result.shape}",
            )
        column = np.array(result[place]).reshape(-1, order="F")
        column[: len(values)] = values
        result[place] = column.reshape(np.shape(result[place]), order="F")

    def _number(self, text: str, name: str) -> float:
        try:
            value = float(text.lower().replace("d", "e"))
        except ValueError:
            value = float("nan")
        if not np.isfinite(value):
            raise InputError(
                "this is not a number", file=self.content.path, key=name, found=repr(text)
            )
        return value


def read_namelist(content: FileContent) -> Namelist:
    """Parse all groups of a namelist file.

    Raises
    ------
    InputError
        No group is found.
    """
    text = _COMMENT.sub(lambda match: match.group(1) or "", content.text)
    groups = [match.group(2) for match in _GROUP.finditer(text)]
    if not groups:
        raise InputError(
            "this is not a Fortran namelist",
            file=content.path,
            expected="groups from &name to / or &end",
        )
    found = [assignment for group in groups for assignment in _assignments(group, content)]
    return Namelist(content, tuple(found))


def _assignments(group: str, content: FileContent) -> Iterator[Assignment]:
    keys = list(_KEY.finditer(group))
    for key, after in itertools.zip_longest(keys, keys[1:]):
        end = len(group) if after is None else after.start()
        values: list[str] = []
        for single, double, count, repeated, plain in _VALUE.findall(group[key.end() : end]):
            if count:
                values += [repeated] * min(int(count), 100_000)
            else:
                values.append(single or double or plain)
        yield Assignment(
            key.group(1).lower(), _index(key.group(2), key.group(1), content), tuple(values)
        )


def _index(text: str | None, name: str, content: FileContent) -> tuple[int | None, ...]:
    if text is None:
        return ()
    words = [word.strip() for word in text.split(",")]
    if not all(word == ":" or word.isdigit() for word in words):
        raise InputError(
            "this index is not read",
            file=content.path,
            key=f"{name}({text})",
            expected="whole numbers and ':'",
        )
    return tuple(None if word == ":" else int(word) for word in words)
