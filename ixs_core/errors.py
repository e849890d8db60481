"""What can go wrong in a way that the user can mend."""

from __future__ import annotations

from pathlib import Path


class IxsError(Exception):
    """Base of the errors that end a command with one line and exit code 1."""


class InputError(IxsError):
    """Something a user gave is not what was expected.

    Parameters
    ----------
    message : str
        What is wrong, as a clause ("counts are negative").
    file, line, key : optional
        Where: the file, its 1-based line, and the label, column or key.
    found, expected : optional
        What stands there and what should.
    hint : optional
        What to do about it.
    """

    def __init__(
        self,
        message: str,
        *,
        file: str | Path | None = None,
        line: int | None = None,
        key: str | None = None,
        found: object = None,
        expected: object = None,
        hint: str | None = None,
    ) -> None:
        self.message = message
        self.file = Path(file) if file is not None else None
        self.line = line
        self.key = key
        self.found = found
        self.expected = expected
        self.hint = hint
        super().__init__(self._text())

    def __reduce__(self) -> tuple[object, ...]:
        """Survive the trip back from a worker process with every field."""
        return (_restore, (type(self), self.message, self.__dict__.copy()))

    def _text(self) -> str:
        place = [str(self.file)] if self.file is not None else []
        if self.line is not None:
            place.append(f"line {self.line}")
        if self.key is not None:
            place.append(f"'{self.key}'")
        text = (", ".join(place) + ": " if place else "") + self.message
        if self.found is not None:
            text += f"; found {self.found}"
        if self.expected is not None:
            text += f"; expected {self.expected}"
        if self.hint is not None:
            text += f"; {self.hint}"
        return text


def _restore(cls: type[InputError], message: str, fields: dict[str, object]) -> InputError:
    error = cls(message)
    error.__dict__.update(fields)
    error.args = (error._text(),)
    return error


class ProjectLockedError(InputError):
    """Another program is writing the project file."""


class Cancelled(IxsError):
    """A long function stopped because its cancel token was set."""
