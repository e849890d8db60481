"""The commands that this package mounts on `ixs`; nothing heavy is imported here."""

from __future__ import annotations

from ixs_core.commands import Command

COMMANDS = (
    Command("sqe", "simulate.cli.sqe:sqe", "S(Q,E) from force constants."),
    Command("md", "simulate.cli.md:app", "Molecular dynamics: states, diffusion, hops."),
    Command("kappa", "simulate.cli.kappa:app", "Lifetimes and thermal conductivity."),
    Command("overlay", "simulate.cli.overlay:overlay", "Predictions laid over measured spectra."),
    Command(
        "plan", "simulate.cli.plan:plan", "Rank spectrometer settings by hours to a precision."
    ),
)
