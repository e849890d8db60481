"""Counts in sentences: "1 reflection is", "2 reflections are"."""

from __future__ import annotations


def counted(count: int, noun: str) -> str:
    """The number with its noun, which ends in s unless it is one."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def are(count: int, noun: str = "reflection") -> str:
    """As `counted`, with the verb."""
    return f"{counted(count, noun)} {'is' if count == 1 else 'are'}"
