"""The commands that this package mounts on `ixs`; nothing heavy is imported here."""

from __future__ import annotations

from ixs_core.commands import Command

COMMANDS = (
    Command("info", "ixs_reduce.cli.info:info", "Say what files are and what they hold."),
    Command("angles", "ixs_reduce.cli.angles:angles", "Angles, analyzer Q and mv line for an hkl."),
    Command(
        "resolution",
        "ixs_reduce.cli.resolution:resolution",
        "Fit each analyzer's resolution function.",
    ),
    Command("reduce", "ixs_reduce.cli.reduce:reduce", "Turn scans into spectra in a project."),
    Command("fit", "ixs_reduce.cli.fit:fit", "Fit phonons to the spectra of a project."),
    Command("watch", "ixs_reduce.cli.watch:watch", "Follow a scan directory while it is measured."),
)
