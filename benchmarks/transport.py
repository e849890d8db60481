"""Wigner conductivity against phono3py's own, from the same linewidths, in one process.

NaMgF3, 60 branches, mesh of 9×7×9 with 100 irreducible q; needs the development data
(`IXS_SHARED`). Ours is timed with its audit; phono3py without solving for the phonons, which it
keeps from an earlier run. Both κ_c must agree to 10⁻³. One thread: start with OMP_NUM_THREADS=1
and OPENBLAS_NUM_THREADS=1.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.timing import Measurement, best_seconds
from simulate.phonons import PhononModel
from simulate.transport.reading import read_linewidths
from simulate.transport.wigner import wigner_kappa
from tests.conftest import SHARED

FOLDER = SHARED / "data/kappa/phono3py"
PARAMETERS = FOLDER / "phono3py_params_NaMgF3.yaml.xz"
LINEWIDTHS = FOLDER / "kappa-NaMgF3-m979.hdf5"
MESH, FINE_MESH = (9, 7, 9), (17, 13, 17)
KELVIN = 300.0
AGREE = 1e-3


def run() -> list[Measurement]:
    """All measurements of this file; none without the development data."""
    if not LINEWIDTHS.is_file():
        return []
    model, linewidths = PhononModel.load(PARAMETERS), read_linewidths(LINEWIDTHS)

    def ours() -> np.ndarray:
        # Normalised as phono3py does.
        found = wigner_kappa(model, linewidths, KELVIN, normalisation="geometric", workers=1)
        return np.diag(found.kappa_c)

    with tempfile.TemporaryDirectory() as folder:
        # phono3py takes the file of linewidths by this name from the current folder.
        shutil.copy(LINEWIDTHS, Path(folder) / "kappa-m979.hdf5")
        with contextlib.chdir(folder):
            peer = _phono3py()
            theirs = _inter_band(peer)
            off = float(np.abs(ours() / theirs - 1).max())
            if off > AGREE:
                raise RuntimeError(f"κ_c differs from phono3py's by {off:.2g}")
            peer_seconds = best_seconds(lambda: _inter_band(peer), 3)
    seconds = best_seconds(ours)
    (few, few_mb), (many, many_mb) = (_peak(model, mesh) for mesh in (MESH, FINE_MESH))
    return [
        Measurement(
            "Wigner κ, NaMgF3, 60 branches, mesh 9×7×9, with its audit",
            seconds,
            "phono3py, inter-band SMM19",
            peer_seconds,
            "≥ 3 × faster",
        ),
        Measurement(
            f"Wigner κ, peak memory at {many} q",
            many_mb,
            f"at {few} q",
            few_mb,
            "≥ 0.8: flat in the number of q",
            "MB",
        ),
    ]


def _phono3py() -> Any:
    import phono3py

    peer = phono3py.load(
        PARAMETERS, fc2_filename=FOLDER / "fc2_NaMgF3.hdf5", produce_fc=False, log_level=0
    )
    peer.mesh_numbers = list(MESH)
    peer.init_phph_interaction()
    return peer


def _inter_band(peer: Any) -> np.ndarray:
    """phono3py's κ_c along x, y, z."""
    peer.run_thermal_conductivity(
        temperatures=[KELVIN], read_gamma=True, transport_type="SMM19", log_level=0
    )
    return np.asarray(peer.thermal_conductivity.kappa_inter)[0, 0, :3]


def _peak(model: PhononModel, mesh: tuple[int, int, int]) -> tuple[int, float]:
    """Irreducible q of a mesh, and the most memory in MB that its conductivity takes at once."""
    tracemalloc.start()
    try:
        found = wigner_kappa(model, 1.0, KELVIN, mesh, workers=1)
        return len(found.modes.weights), tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()


if __name__ == "__main__":
    for line in run():
        print(line)
