"""The commands that this package mounts on `ixs`; nothing heavy is imported here."""

from __future__ import annotations

from ixs_core.commands import Command

COMMANDS = (Command("mem", "mem.cli.mem:mem", "Electron density by maximum entropy."),)
