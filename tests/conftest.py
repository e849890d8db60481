"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

REPOSITORY = Path(__file__).resolve().parent.parent
SHARED = (REPOSITORY / os.environ.get("IXS_SHARED", "../shared")).resolve()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data files; tests without it are skipped and counted."""
    folder = SHARED / "data"
    if not folder.is_dir():
        pytest.skip("real data not found: set IXS_SHARED")
    return folder


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many tests were skipped for want of the real data."""
    skipped = [
        report
        for report in terminalreporter.stats.get("skipped", [])
        if "real data not found" in str(report.longrepr)
    ]
    if skipped:
        terminalreporter.write_line(f"{len(skipped)} skipped for want of IXS_SHARED")
