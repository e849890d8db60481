"""SPEC scans of known modes that grow line by line, for tests of the watcher."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ixs_reduce.resolution import Resolution
from ixs_reduce.spectrum_model import SpectrumModel
from tests.ixs_reduce.spec_text import HEADER, row, scan

POINTS = 61
COMMAND = "ascan  herixE -15 15  60 10"
MODE_MEV = 5.0
ZERO_MEV = 0.4
R = {
    name: Resolution.from_components([("gaussian", 1.0, 0.0, 1.5)], name)
    for name in ("Ana4", "Ana5")
}


def data_rows(seed: int = 1, points: int = POINTS) -> list[str]:
    """Lines of counts, Poisson about a mode at `MODE_MEV` with the zero at `ZERO_MEV`."""
    energy = np.linspace(-15, 15, POINTS)
    truth = {
        "mode1_energy": MODE_MEV,
        "mode1_fwhm": 0.6,
        "mode1_amplitude": 0.5,
        "elastic": 0.6,
        "background_c0": 0.003,
        "background_c1": 0.0,
        "zero": ZERO_MEV,
    }
    expected = 1000 * SpectrumModel(R["Ana4"], 300.0, modes=1).evaluate(truth, energy)
    generator = np.random.default_rng(seed)
    counts = generator.poisson(np.stack([expected, 0.7 * expected], axis=1))
    return [row(e, n) for e, n in zip(energy, counts.tolist(), strict=True)][:points]


def head(number: int = 1) -> str:
    """A scan up to its labels, without a point."""
    return scan([], number=number, command=COMMAND).rstrip("\n") + "\n"


def whole(number: int = 1, seed: int = 1, points: int = POINTS) -> str:
    """A scan block with its points."""
    return head(number) + "".join(line + "\n" for line in data_rows(seed, points)) + "\n"


def append(path: Path, text: str) -> None:
    """Add to a file as a measuring program does, a file header first."""
    if not path.exists():
        path.write_text(HEADER + "\n")
    with path.open("a") as stream:
        stream.write(text)
