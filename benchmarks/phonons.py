"""Phonon modes against numpy's eigh on the same matrices, phonopy and Euphonic.

NaCl (6×6) and Zr3N4 (42×42), both with the dipole term; needs the development data
(`IXS_SHARED`). One thread: start with OMP_NUM_THREADS=1 and OPENBLAS_NUM_THREADS=1.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from euphonic import ForceConstants as EuphonicForceConstants

from benchmarks.timing import Measurement, best_seconds
from ixs_core.scattering_factors import form_factor_table
from ixs_core.units import THZ_IN_MEV
from simulate.phonons.dynamical_matrix import DynamicalMatrix
from simulate.phonons.model import PhononModel
from simulate.phonons.modes import ModeStructureFactor
from tests.conftest import SHARED
from tests.simulate.crystals import from_phonopy, phonopy_example

_MESH = (3, 3, 3)
AGREE_MEV = 0.5  # Euphonic has the whole Ewald sum, which Zr3N4's small supercell feels


@dataclass(frozen=True)
class Case:
    """A crystal, its wave vectors (inside the first zone, for the peers' sake) and its target."""

    name: str
    points: int
    target: str

    @cached_property
    def phonon(self) -> Any:
        """phonopy's object."""
        return phonopy_example(SHARED / "data", self.name)

    @cached_property
    def matrix(self) -> DynamicalMatrix:
        """Ours."""
        return DynamicalMatrix.of(from_phonopy(self.phonon))

    @cached_property
    def q(self) -> np.ndarray:
        """(points, 3)."""
        random = np.random.default_rng(1).uniform(-0.5, 0.5, (self.points, 3))
        return self.matrix.zone.reduce(random)[0]

    @property
    def label(self) -> str:
        """For the results."""
        size = 3 * self.matrix.n_atoms
        return f"{self.name}, {size}×{size}, dipole term, {self.points} q"


CASES = (
    Case("NaCl", 4096, "≤ 4 × eigh with the structure factor on top"),
    Case("Zr3N4", 1024, "≤ 1.6 × eigh with the structure factor on top"),
)


def run() -> list[Measurement]:
    """All measurements of this file; none without the development data."""
    if not (SHARED / "data").is_dir():
        return []
    return [line for case in CASES for line in (*_modes(case), *_structure_factors(case))]


def _modes(case: Case) -> list[Measurement]:
    matrices = case.matrix.at(case.q)
    energy, _ = case.matrix.modes(case.q)
    phonopy, euphonic = _phonopy(case), _euphonic(case)
    for peer in (phonopy, euphonic):
        if np.abs(peer() - energy).max() > AGREE_MEV:
            raise RuntimeError("the peers' energies are others")
    seconds = best_seconds(lambda: case.matrix.modes(case.q))
    eigh = best_seconds(lambda: np.linalg.eigh(matrices))
    return [
        Measurement(
            f"D(q), {case.label}",
            best_seconds(lambda: case.matrix.at(case.q)),
            "eigh of the same matrices",
            eigh,
            "≤ 2 × eigh for 6×6, ≤ 0.3 × for 42×42",
        ),
        Measurement(f"modes, {case.label}", seconds, "eigh alone", eigh, case.target),
        Measurement(
            f"modes, {case.label}",
            seconds,
            "phonopy run_qpoints with eigenvectors",
            best_seconds(phonopy, 2),
            "faster",
        ),
        Measurement(
            f"modes, {case.label}",
            seconds,
            "Euphonic calculate_qpoint_phonon_modes, C extension, 1 thread",
            best_seconds(euphonic, 2),
            "faster",
        ),
    ]


def _phonopy(case: Case) -> Callable[[], np.ndarray]:
    def peer() -> np.ndarray:
        case.phonon.run_qpoints(case.q, with_eigenvectors=True)
        return np.asarray(case.phonon.qpoints.frequencies) * THZ_IN_MEV

    return peer


def _euphonic(case: Case) -> Callable[[], np.ndarray]:
    modes = _euphonic_modes(case)
    return lambda: np.sort(modes().frequencies.to("meV").magnitude, axis=1)


def _euphonic_structure_factors(case: Case) -> Callable[[], Any]:
    modes = _euphonic_modes(case)
    return lambda: modes().calculate_structure_factor(scattering_lengths="Sears1992")


def _euphonic_modes(case: Case) -> Callable[[], Any]:
    # Its reader takes Born charges transposed; given here transposed, they come out right.
    with tempfile.TemporaryDirectory() as folder:
        phonon = phonopy_example(SHARED / "data", case.name)
        polar = dict(phonon.nac_params)
        polar["born"] = np.swapaxes(phonon.dynamical_matrix.born, 1, 2)
        phonon.nac_params = polar
        phonon.save(Path(folder) / "phonopy.yaml", settings={"force_constants": True})
        model = EuphonicForceConstants.from_phonopy(path=folder, summary_name="phonopy.yaml")

    def peer() -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it runs in one thread, which is asked for
            return model.calculate_qpoint_phonon_modes(
                case.q, asr=None, splitting=False, use_c=True, n_threads=1
            )

    return peer


ZONES = 2.0 * np.indices((5, 5, 4)).reshape(3, -1).T


def _structure_factors(case: Case) -> list[Measurement]:
    """Full x-ray S(Q) with f' + i f'' and Debye-Waller factor, and q × G grids of zones."""
    model = PhononModel.of(from_phonopy(case.phonon))
    u = model.debye_waller(300.0, mesh=_MESH)
    hkl = case.q @ model.force_constants.conventional.T
    far = hkl + ZONES[np.arange(case.points) % len(ZONES)]
    few = far[:: case.points // 64]
    near = hkl[: case.points // 16]
    matrices = case.matrix.at(case.q)
    each = best_seconds(lambda: np.linalg.eigh(matrices)) / case.points

    def ours(q: np.ndarray) -> ModeStructureFactor:
        return model.structure_factor(q, 300.0, debye_waller=u, energy_kev=21.7)

    grid = best_seconds(lambda: model.structure_factor_grid(near, ZONES, 300.0, debye_waller=u))
    phonopy = _phonopy_structure_factors(case, model.force_constants.q_primitive(few))
    return [
        Measurement(
            f"x-ray S(Q), {case.label}",
            best_seconds(lambda: ours(far)),
            "eigh alone",
            each * case.points,
            case.target,
        ),
        Measurement(
            f"q × G grid, {case.name}, {len(near)} q × {len(ZONES)} G",
            grid,
            "eigh for every q and G",
            each * len(near) * len(ZONES),
            "≤ 0.1 × eigh for 42×42",
        ),
        Measurement(
            f"x-ray S(Q), {case.name}, {len(few)} Q",
            best_seconds(lambda: ours(few)),
            "phonopy DynamicStructureFactor, x-rays",
            best_seconds(phonopy, 1),
            "faster",
        ),
        Measurement(
            f"x-ray S(Q), {case.label}",
            best_seconds(lambda: ours(far)),
            "Euphonic modes and calculate_structure_factor (neutrons)",
            best_seconds(_euphonic_structure_factors(case), 2),
            "faster",
        ),
    ]


def _phonopy_structure_factors(case: Case, q: np.ndarray) -> Callable[[], None]:
    table = {s: form_factor_table([s]) for s in set(case.phonon.primitive.symbols)}
    case.phonon.run_mesh(_MESH, is_mesh_symmetry=False, with_eigenvectors=True)

    def f0(symbol: str, s: float) -> float:
        return float(table[symbol].f0(4 * np.pi * s)[0])

    def peer() -> None:
        case.phonon.run_dynamic_structure_factor(q, 300.0, f0, freq_min=1e-3)

    return peer
