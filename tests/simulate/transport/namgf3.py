"""NaMgF3 of phono3py: force constants and linewidths on a mesh of 9×7×9."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from simulate.phonons import PhononModel
from simulate.transport.lifetimes import Linewidths
from simulate.transport.reading import read_linewidths

FOLDER = Path("kappa/phono3py")
PARAMETERS = "phono3py_params_NaMgF3.yaml.xz"
LINEWIDTHS = "kappa-NaMgF3-m979.hdf5"


@cache
def namgf3(data: Path) -> tuple[PhononModel, Linewidths]:
    """Phonons and linewidths from the folder of real data."""
    folder = data / FOLDER
    return PhononModel.load(folder / PARAMETERS), read_linewidths(folder / LINEWIDTHS)
