"""Whether a scan is an earlier one that went on, or the same one again."""

from __future__ import annotations

import hashlib

import numpy as np

from ixs_reduce.scan import Scan


def continues(old: Scan, new: Scan) -> bool:
    """Whether a scan is an earlier one with points added.

    The last point may differ: its line may have been half-written.
    """
    if old.command != new.command or new.points < old.points - 1:
        return False
    if old.counts.shape[0] != new.counts.shape[0]:
        return old.points == 0
    kept = max(old.points - 1, 0)
    return np.array_equal(old.counts[:, :kept], new.counts[:, :kept]) and np.array_equal(
        old.energy_mev[:, :kept], new.energy_mev[:, :kept], equal_nan=True
    )


def numbers_digest(scan: Scan) -> str:
    """Digest of a scan's command and numbers, the same in a copy of its file."""
    digest = hashlib.sha256(f"{scan.label} {scan.command}".encode())
    for values in (scan.energy_mev, scan.counts, scan.seconds, scan.monitor):
        digest.update(b"" if values is None else np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()


def same_scan(one: Scan, two: Scan) -> bool:
    """Whether scans agree in all but the digest of their file."""
    return numbers_digest(one) == numbers_digest(two) and _described(one) == _described(two)


def _described(scan: Scan) -> tuple[object, ...]:
    return scan.analyzers, scan.temperature_k, scan.flags, dict(scan.angles), scan.slits_mm
