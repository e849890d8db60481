"""Flags of spectra in words for a table, those of several analyzers told together."""

from __future__ import annotations

from collections.abc import Iterable

from ixs_reduce.scan import Flag

_IN_WORDS = {
    "nearly-dead": "nearly dead",
    "burst": "noise bursts",
    "outlier": "points too low",
    "points-left-out": "points left out",
}


def flag_words(flags: Iterable[Flag]) -> str:
    """What flags say: those of the whole scan in their own words, others by analyzer."""
    whole: dict[str, None] = {}
    by_code: dict[str, dict[str, int]] = {}
    for flag in dict.fromkeys(flags):
        if flag.code == "mis-set":
            whole[f"mis-set {flag.analyzer}: {flag.message}"] = None
        elif flag.analyzer is None:
            whole[flag.message] = None
        else:
            named = by_code.setdefault(flag.code, {})
            named[flag.analyzer] = named.get(flag.analyzer, 0) + len(flag.points)
    grouped = [
        f"{_IN_WORDS.get(code, code)}: "
        + " ".join(f"{name} {n}x" if n else name for name, n in named.items())
        for code, named in by_code.items()
    ]
    return "; ".join([*whole, *grouped])
