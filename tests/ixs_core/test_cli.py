"""What stands before the command."""

from __future__ import annotations

from importlib.metadata import version

import pytest

from ixs_core.cli import main


def test_the_version_is_that_of_the_installed_suite(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert not ended.value.code
    assert capsys.readouterr().out == f"ixs-suite {version('ixs-suite')}\n"
