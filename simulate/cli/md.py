"""`ixs md`: what molecular dynamics says, in the measurement's terms."""

from __future__ import annotations

import typer

from simulate.cli.md_convert import convert
from simulate.cli.md_density import density
from simulate.cli.md_force_constants import force_constants
from simulate.cli.md_hops import hops
from simulate.cli.md_info import info
from simulate.cli.md_linewidths import linewidths
from simulate.cli.md_msd import msd
from simulate.cli.md_neb import neb
from simulate.cli.md_pdos import pdos
from simulate.cli.md_run import run
from simulate.cli.md_sqw import sqw

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Molecular dynamics: trajectories, S(Q,E), states, diffusion, hops, densities, runs.\n\n"
    "Example: ixs md info run.h5",
)
for _command in (
    info,
    convert,
    sqw,
    linewidths,
    pdos,
    msd,
    hops,
    density,
    force_constants,
    neb,
    run,
):
    app.command(name=_command.__name__.replace("_", "-"))(_command)
