"""The toy crystal on the simulated BL43LXU."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ixs_reduce.instrument import Instrument, load_instrument
from ixs_reduce.resolution import Resolution
from simulate.planning.conditions import Calibration, Conditions
from simulate.planning.expected_counts import Beamtime
from simulate.planning.zones import CrystalSymmetry
from tests.simulate.toy_crystal import ToyCrystal

EXPERIMENT = Path(__file__).resolve().parents[2] / "sample_data" / "cscu2i3_experiment.toml"

C_CENTRED = np.array([[1.0, 1.0, 0.0], [-1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
"""Conventional vectors of a C-centred cell in units of (a-b)/2, (a+b)/2, c."""


def toy_instrument() -> Instrument:
    return load_instrument(EXPERIMENT)


def mirror_rotations() -> np.ndarray:
    """The eight diagonal rotations of mmm."""
    signs = np.stack(np.meshgrid(*[[1.0, -1.0]] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    return np.array([np.diag(row) for row in signs])


def toy_beamtime(
    instrument: Instrument | None = None, counts_per_s: float = 1e-3, **conditions: object
) -> Beamtime:
    instrument = instrument or toy_instrument()
    lattice = instrument.orientation.lattice
    gaussian = Resolution.from_components([("gaussian", 1.0, 0.0, 1.5)])
    return Beamtime(
        instrument=instrument,
        symmetry=CrystalSymmetry(lattice, np.eye(3), mirror_rotations()),
        calculation=ToyCrystal(lattice),
        conditions=Conditions(
            temperature_k=300.0,
            calibration=Calibration(counts_per_s, "toy"),
            resolutions={"": gaussian},
            **conditions,  # type: ignore[arg-type]
        ),
        source="toy crystal",
    )
