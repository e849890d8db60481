"""Forces of the CsCu2I3 moment tensor potential against motep; needs the development data."""

from __future__ import annotations

import numpy as np
from ase import Atoms
from motep.calculator import MTP
from motep.io.mlip.mtp import read_mtp

from benchmarks.timing import Measurement, best_seconds
from simulate.md.moment_tensor_calculator import MomentTensorCalculator
from tests.conftest import SHARED
from tests.simulate.md.test_moment_tensor_potential import SPECIES, cscu2i3

_NUMBERS = [55, 29, 53]


def run() -> list[Measurement]:
    """All measurements of this file; none where the potential is not."""
    path = SHARED / "data" / "cscu2i3" / "potential" / "cscuI.mtp"
    if not path.is_file():
        return []
    peer_data = read_mtp(path)
    peer_data.species = _NUMBERS
    ours, peer = cscu2i3(), cscu2i3()
    ours.calc, peer.calc = MomentTensorCalculator(path, SPECIES), MTP(peer_data)
    if np.abs(ours.get_forces() - peer.get_forces()).max() > 1e-10:
        raise RuntimeError("the two potentials do not agree")
    return [
        Measurement(
            "forces of a moment tensor potential, 96 atoms",
            best_seconds(lambda: _step(ours), 9),
            "motep 0.2, engine cext",
            best_seconds(lambda: _step(peer), 9),
            "4 times faster",
        )
    ]


def _step(atoms: Atoms) -> None:
    """As in a simulation: atoms move a little, forces are wanted."""
    atoms.positions += 1e-4 * np.sin(np.arange(atoms.positions.size)).reshape(-1, 3)
    atoms.get_forces()
