"""`ixs kappa`: lifetimes and thermal conductivity."""

from __future__ import annotations

import typer

from simulate.cli.kappa_audit import audit
from simulate.cli.kappa_check import check
from simulate.cli.kappa_green_kubo import green_kubo
from simulate.cli.kappa_linewidths import linewidths
from simulate.cli.kappa_materials import materials
from simulate.cli.kappa_measured import measured
from simulate.cli.kappa_power_law import power_law
from simulate.cli.kappa_read import read
from simulate.cli.kappa_regimes import regimes
from simulate.cli.kappa_wigner import wigner

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Lifetimes, Wigner transport, Green-Kubo: what was computed elsewhere, checked and drawn."
    "\n\nExample: ixs kappa read kappa-m111111.hdf5",
)
for _command in (
    read,
    check,
    linewidths,
    wigner,
    audit,
    measured,
    regimes,
    green_kubo,
    power_law,
    materials,
):
    app.command(name=_command.__name__.replace("_", "-"))(_command)
