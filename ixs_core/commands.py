"""The commands that this package mounts on `ixs`; nothing heavy is imported here."""

from __future__ import annotations

from typing import NamedTuple


class Command(NamedTuple):
    """A command of `ixs`: its name, `module:function`, and the line shown by `ixs --help`."""

    name: str
    target: str
    help: str


COMMANDS = (
    Command("init", "ixs_core.init_command:init", "Write a commented experiment file."),
    Command("report", "ixs_core.report_command:report", "Write the report page of a project."),
    Command("demo", "ixs_core.demo_command:demo", "Run the demonstration (from a checkout)."),
)
