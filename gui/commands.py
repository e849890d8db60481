"""The command that this package mounts on `ixs`; nothing heavy is imported here."""

from __future__ import annotations

from ixs_core.commands import Command

COMMANDS = (Command("view", "gui.view_command:view", "Open the viewer."),)
