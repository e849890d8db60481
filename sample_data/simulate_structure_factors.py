"""SIMULATED single-crystal structure factors of CsCu2I3 at 300 and 500 K, as refinement CIFs.

`write_structure_factors` writes one CIF per temperature: F² of `true_crystal` with noise, beside
the sites and F²_calc of `refined_model`, which knows nothing of the copper halfway at 500 K.
Nothing in them was measured.

From a checkout: python -m sample_data.simulate_structure_factors -o structure/ --seed 0
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ixs_core.arrays import FloatArray, IntArray
from ixs_core.atomic import atomic_write_text
from ixs_core.crystal import Crystal
from mem.model_structure import structure_factors
from mem.reflection_symmetry import multiplicity, unique_reflections
from sample_data.cscu2i3_structure import refined_model, temperatures, true_crystal
from sample_data.structure_cif import NOTE, structure_cif

__all__ = ["NOTE", "SimulatedIntensities", "main", "simulate", "write_structure_factors"]

RELATIVE_ERROR = 0.02
"""Of every F² on top of its σ, as the weights of the refinements have it: σ² + (0.02 F²)²."""


@dataclass(frozen=True)
class NoiseModel:
    """σ²(F²) = [a + b F² + (c F²)²] (8/m)^0.9 exp(2 s ε): counting, scaling, averaging.

    m is the number of equivalent reflections that are averaged, ε a normal variate of each
    reflection. The numbers are such that σ and σ/F² are distributed as in published
    refinement files of this compound at 300 and 500 K.

    Parameters
    ----------
    a : float
        In e⁴.
    b : float
        In e².
    c, scatter : float
        scatter is s, the standard deviation of ln σ.
    d_min : float
        Smallest lattice spacing in Å.
    missing : tuple of hkl
        Reflections that are left out: behind the beam stop, or not collected.
    """

    a: float
    b: float
    c: float
    scatter: float
    d_min: float
    missing: tuple[tuple[int, int, int], ...]


_NOISE = {
    300.0: NoiseModel(39.0, 0.126, 0.0026, 0.16, 0.7402, ((1, 1, 0), (0, 2, 0), (2, 0, 0))),
    500.0: NoiseModel(
        *(4700.0, 0.39, 0.037, 0.19, 0.7411),
        missing=(
            *((1, 1, 0), (0, 2, 0), (2, 0, 0), (1, 1, 1)),
            *((0, 0, 2), (0, 10, 2), (0, 0, 6)),
        ),
    ),
}


@dataclass(frozen=True)
class SimulatedIntensities:
    """Unique reflections with simulated intensities, in e² per cell.

    Parameters
    ----------
    hkl : (n, 3) int array
    true, calculated : (n,) arrays
        F² of the true crystal and of the refined model, with dispersion.
    measured, sigma : (n,) arrays
        With noise of variance σ² + (0.02 F²)²; σ as a data reduction would state it.
    """

    hkl: IntArray
    true: FloatArray
    calculated: FloatArray
    measured: FloatArray
    sigma: FloatArray


def simulate(temperature_k: float, seed: int = 0) -> SimulatedIntensities:
    """Simulated intensities at one temperature; the same for the same seed.

    Raises
    ------
    InputError
        There is no structure for this temperature.
    """
    model, crystal = refined_model(temperature_k), true_crystal(temperature_k)
    noise = _NOISE[temperature_k]
    random = np.random.default_rng([seed, int(temperature_k)])
    hkl = _measured_reflections(model, noise)
    true, calculated = (np.abs(structure_factors(c, hkl)) ** 2 for c in (crystal, model))
    averaged = multiplicity(model.symmetry, hkl)
    variance = (noise.a + noise.b * true + (noise.c * true) ** 2) * (8 / averaged) ** 0.9
    sigma = np.sqrt(variance) * np.exp(noise.scatter * random.standard_normal(len(hkl)))
    spread = np.hypot(sigma, RELATIVE_ERROR * true)
    measured = true + spread * random.standard_normal(len(hkl))
    return SimulatedIntensities(hkl, true, calculated, measured, sigma)


def _measured_reflections(crystal: Crystal, noise: NoiseModel) -> IntArray:
    hkl = unique_reflections(crystal.symmetry, crystal.lattice, noise.d_min)
    left_out = (hkl[:, None] == np.array(noise.missing)).all(axis=2).any(axis=1)
    return np.asarray(hkl[~left_out])


def write_structure_factors(folder: str | Path, seed: int = 0) -> list[Path]:
    """Write simulated_CsCu2I3_300K.cif and simulated_CsCu2I3_500K.cif into a folder.

    Parameters
    ----------
    folder : path
        Made when it is not there.
    seed : int
        Of the noise; the crystals are the same for all seeds.

    Returns
    -------
    list of Path
        By rising temperature.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for temperature in sorted(temperatures()):
        path = folder / f"simulated_CsCu2I3_{temperature:g}K.cif"
        made = simulate(temperature, seed)
        text = structure_cif(
            refined_model(temperature),
            f"SIMULATED_CsCu2I3_{temperature:g}K",
            RELATIVE_ERROR,
            made.hkl,
            made.calculated,
            made.measured,
            made.sigma,
        )
        atomic_write_text(path, text)
        paths.append(path)
    return paths


def main() -> None:
    """Write the files from the command line."""
    parser = argparse.ArgumentParser(description=NOTE)
    parser.add_argument("-o", "--output", type=Path, default=Path(), help="folder")
    parser.add_argument("--seed", type=int, default=0, help="of the noise")
    arguments = parser.parse_args()
    for path in write_structure_factors(arguments.output, arguments.seed):
        print(path)


if __name__ == "__main__":
    main()
