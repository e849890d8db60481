"""Options that many commands share, each written once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

TypeMap = Annotated[
    str | None, typer.Option(help='Elements of types: "1:Cs,2:Cu,3:I" or "Cs,Cu,I".')
]
FrameTime = Annotated[
    float | None, typer.Option(help="Time from frame to frame in fs. [default: the file's]")
]
Scheduler = Annotated[str | None, typer.Option(help="local:N, or tcp://host:port (dask).")]
FigureFile = Annotated[Path | None, typer.Option(help="Write a figure: .png, .pdf, .svg.")]
KeptIn = Annotated[
    Path | None, typer.Option("-o", "--output", help="Project (.h5) that keeps the result.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable on stdout.")]
