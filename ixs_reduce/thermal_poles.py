"""The poles of the Bose factor, -iν_k with ν_k = 2πk kT, as a short weighted list.

The spectral function is a sum over infinitely many thermal poles. The first few are taken
as they are; the smooth rest, Σ_{k>K} f(k) with f falling as k⁻² or faster, is summed by
Gaussian quadrature for the discrete measure Σ_{k>K} k⁻² δ(t - 1/k), so that the rest looks
like a few more poles of other weight (the idea of H. Monien, Math. Comp. 79 (2010) 857).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ixs_core.arrays import FloatArray

_TAIL_NODES = 8
# The tail starts where ν is this many times the largest energy in play: with eight nodes
# the quadrature is then exact to rounding.
_TAIL_START = 2.0
_EXPLICIT_COUNTS = (0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 512, 1024)


def thermal_poles(kt: float, largest_energy: float) -> tuple[FloatArray, FloatArray, int]:
    """Depths ν (meV) and weights of the thermal poles, and how many of them are true poles.

    Parameters
    ----------
    kt : float
        kT in meV.
    largest_energy : float
        Largest |energy| in play, meV: of the data, of the poles, of the resolution.

    Returns
    -------
    depth, weight : (n,) arrays
        Σ over all thermal poles of f(ν) = Σ_i weight_i f(depth_i).
    explicit : int
        The first `explicit` entries are the poles ν_1, ν_2, … themselves with weight 1.
    """
    spacing = 2 * np.pi * kt
    wanted = _TAIL_START * largest_energy / spacing - 1
    explicit = next((n for n in _EXPLICIT_COUNTS if n >= wanted), _EXPLICIT_COUNTS[-1])
    order, weight = _tail_rule(explicit)
    depth = spacing * np.concatenate((np.arange(1.0, explicit + 1), order))
    return depth, np.concatenate((np.ones(explicit), weight)), explicit


@lru_cache(maxsize=len(_EXPLICIT_COUNTS))
def _tail_rule(explicit: int) -> tuple[FloatArray, FloatArray]:
    """Orders k and weights of the Gauss rule for Σ_{k > explicit} f(k), by Lanczos."""
    direct = 20_000
    k = np.arange(explicit + 1.0, explicit + direct + 1)
    # What lies beyond is an integral over t = 1/k (midpoint Euler-Maclaurin, error 1e-14).
    x, w = np.polynomial.legendre.leggauss(_TAIL_NODES)
    last = 1 / (explicit + direct + 0.5)
    t = np.concatenate((1 / k, last * (x + 1) / 2))
    measure = np.concatenate((k**-2.0, last * w / 2))

    vectors = np.zeros((_TAIL_NODES + 1, t.size))
    vectors[0] = np.sqrt(measure / measure.sum())
    diagonal = np.zeros(_TAIL_NODES)
    off = np.zeros(_TAIL_NODES)
    for n in range(_TAIL_NODES):
        product = t * vectors[n]
        diagonal[n] = product @ vectors[n]
        for _ in range(2):  # twice is enough to keep the basis orthogonal
            product -= vectors[: n + 1].T @ (vectors[: n + 1] @ product)
        off[n] = np.linalg.norm(product)
        vectors[n + 1] = product / off[n]
    jacobi = np.diag(diagonal) + np.diag(off[:-1], 1) + np.diag(off[:-1], -1)
    nodes, states = np.linalg.eigh(jacobi)
    weight = measure.sum() * states[0] ** 2
    return 1 / nodes[::-1], (weight / nodes**2)[::-1]
