"""Errors say where, what and what to do, also after the way back from another process."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from ixs_core.errors import Cancelled, InputError, IxsError, ProjectLockedError


def full_error(kind: type[InputError] = InputError) -> InputError:
    return kind(
        "counts are negative",
        file="scan.spec",
        line=12,
        key="Ana5",
        found=-3,
        expected="a count",
        hint="check the detector",
    )


def test_text_has_place_cause_and_remedy() -> None:
    assert str(full_error()) == (
        "scan.spec, line 12, 'Ana5': counts are negative; found -3; expected a count; "
        "check the detector"
    )


def test_text_without_details_is_the_message() -> None:
    assert str(InputError("nothing selected")) == "nothing selected"


def test_falsy_details_are_shown() -> None:
    assert str(InputError("too few", found=0, expected="1 or more")) == (
        "too few; found 0; expected 1 or more"
    )


@pytest.mark.parametrize("kind", [InputError, ProjectLockedError])
def test_every_field_survives_pickling(kind: type[InputError]) -> None:
    error = full_error(kind)
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert type(copy) is kind
    assert str(copy) == str(error)
    assert (copy.file, copy.line, copy.key) == (Path("scan.spec"), 12, "Ana5")


def test_all_end_a_command_in_the_same_way() -> None:
    assert issubclass(InputError, IxsError)
    assert issubclass(ProjectLockedError, InputError)
    assert issubclass(Cancelled, IxsError)
    assert not issubclass(Cancelled, InputError)
