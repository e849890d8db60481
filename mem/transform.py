"""Between multipliers and the density on a grid: synthesis, analysis and second moments.

Only the frequencies that occur are kept along each axis, and the cell is worked through in slabs
along a that fit in the processor's cache: synthesis, exp and analysis of a slab follow each
other, several slabs at a time. No array of the whole grid is needed until the density is wanted.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy.fft

from ixs_core.arrays import BoolArray, ComplexArray, FloatArray, IntArray
from ixs_core.jobs import default_workers
from mem.basis import Basis
from mem.grid import Shape

LOWEST_EXPONENT = -700.0
"""exp of it is about the smallest number there is: a density stays above 0."""

_SLAB_POINTS = 1 << 17  # 1 MB of floats
_GATHER_NUMBERS = 1 << 18  # second moments gathered at a time


@dataclass(frozen=True)
class Axis:
    """The frequencies -largest..largest along an axis of n points, or all n of them."""

    n: int
    largest: int

    @property
    def whole(self) -> bool:
        """All frequencies of the axis are kept."""
        return 2 * self.largest + 1 >= self.n

    @property
    def kept(self) -> int:
        """How many are stored; frequency k has the index k modulo this."""
        return self.n if self.whole else 2 * self.largest + 1

    @property
    def kept_half(self) -> int:
        """How many are stored along the last axis of a real transform: 0..largest."""
        return self.n // 2 + 1 if self.whole else self.largest + 1

    def padded(self, values: ComplexArray) -> ComplexArray:
        """The kept frequencies (axis 1) among all n, zero elsewhere."""
        if self.whole:
            return values
        full = np.zeros((values.shape[0], self.n, values.shape[2]), complex)
        full[:, : self.largest + 1] = values[:, : self.largest + 1]
        full[:, self.n - self.largest :] = values[:, self.largest + 1 :]
        return full

    def cut(self, values: ComplexArray, axis: int) -> ComplexArray:
        """Only the kept ones of all n frequencies."""
        if self.whole:
            return values
        index = np.r_[0 : self.largest + 1, self.n - self.largest : self.n]
        return np.take(values, index, axis)


@dataclass(frozen=True)
class Spectrum:
    """What the analysis of a density gives.

    Parameters
    ----------
    log_z : float
        ln of the mean of τ exp(x) over the grid.
    values : (kept along a, kept along b, half of those along c) complex array
        ⟨exp(-2πi k·r)⟩ under the density; 1 for k = 0.
    """

    log_z: float
    values: ComplexArray


@dataclass(frozen=True)
class Transform:
    """Synthesis and analysis of a basis on one grid.

    Parameters
    ----------
    basis : Basis
    shape : (nx, ny, nz)
        With 2|h_i| < n_i for all reflections, and compatible with the group.
    log_prior : (nx, ny, nz) array or None
        ln τ, τ of mean 1; None for a uniform prior.
    workers : int, optional
        Threads; results do not depend on it.
    """

    basis: Basis
    shape: Shape
    log_prior: FloatArray | None = None
    workers: int | None = None

    @property
    def points(self) -> int:
        """Of the grid."""
        return self.shape[0] * self.shape[1] * self.shape[2]

    def evaluate(self, unknowns: FloatArray) -> Spectrum:
        """ln Z and the spectrum of p = ρ/⟨ρ⟩ = τ exp(Σ a_k c_k)/Z for multipliers a (k,)."""
        spread = self._along_a(unknowns)
        rows = self._empty_rows()
        tops = np.empty(len(self._slabs))
        sums = np.empty(len(self._slabs))

        def one(index: int) -> None:
            part = self._slabs[index]
            x = self._exponent(spread, part)
            tops[index] = x.max()
            x -= tops[index]
            np.exp(x, out=x)
            sums[index] = x.sum()
            rows[part] = self._rows_analysed(x)

        self._for_all(one, len(self._slabs))
        # Each slab was scaled by its own maximum, lest anything overflow.
        top = tops.max()
        scale = np.exp(tops - top)
        total = float(scale @ sums)
        for part, factor in zip(self._slabs, scale / total, strict=True):
            rows[part] *= factor
        return Spectrum(float(top + np.log(total / self.points)), self._analysed_along_a(rows))

    def density(self, unknowns: FloatArray, log_z: float) -> FloatArray:
        """(nx, ny, nz) p = ρ/⟨ρ⟩ on the grid."""
        spread = self._along_a(unknowns)
        values = np.empty(self.shape)

        def one(index: int) -> None:
            part = self._slabs[index]
            x = self._exponent(spread, part)
            x -= log_z
            np.maximum(x, LOWEST_EXPONENT, out=x)
            np.exp(x, out=values[part])

        self._for_all(one, len(self._slabs))
        return values

    def product_means(self, density: FloatArray, factors: FloatArray) -> FloatArray:
        """(k,) ⟨c_j Σ_k v_k c_k⟩ for p on the grid and v (k,): the second moments times v."""
        spread = self._along_a(factors)
        rows = self._empty_rows()

        def one(index: int) -> None:
            part = self._slabs[index]
            rows[part] = self._rows_analysed(self._synthesised(spread, part) * density[part])

        self._for_all(one, len(self._slabs))
        return self.means(Spectrum(0.0, self._analysed_along_a(rows) / self.points))

    def structure_factors(self, spectrum: Spectrum) -> ComplexArray:
        """(n,) F/F(000) at the reflections of the basis."""
        return _taken(spectrum.values, *self._at_reflections)

    def means(self, spectrum: Spectrum) -> FloatArray:
        """(k,) ⟨c_k⟩."""
        return self.basis.components(self.structure_factors(spectrum))

    def second_moments(self, spectrum: Spectrum) -> FloatArray:
        """(k, k) ⟨c_j c_k⟩ gathered from the spectrum, exact for sums over the grid.

        With S± = ⟨e_j exp(±2πi h_k·r)⟩ = mean over h' = h_j R of phase* G(h' ± h_k), G = F/F(000):
        Re[u_j* u_k* S+] for centric j, ½ Re[u_j* (u_k* S+ + u_k S-)] for acentric j.
        """
        box = _taken(spectrum.values, *self._box)
        flat: Any = np.ascontiguousarray(box.real) if self.basis.real else box
        moments = np.empty((len(self.basis), len(self.basis)))
        blocks = self._blocks

        def one(number: int) -> None:
            first, last = blocks[number]
            block = self._gathered(flat, first, last)
            start = np.searchsorted(self.basis.owner, first)
            moments[start : start + len(block), start:] = block

        self._for_all(one, len(blocks))
        lower = np.tril_indices(len(moments), -1)
        moments[lower] = moments.T[lower]
        return moments

    # Axes: what synthesis fills (|h| ≤ largest index) and what second moments need (twice that).

    @cached_property
    def _largest(self) -> IntArray:
        return np.asarray(np.abs(self.basis.orbits.hkl).max(axis=0, initial=0))

    @cached_property
    def _axes(self) -> tuple[Axis, ...]:
        return tuple(Axis(n, int(h)) for n, h in zip(self.shape, self._largest, strict=True))

    @cached_property
    def _moment_axes(self) -> tuple[Axis, ...]:
        return tuple(Axis(n, 2 * int(h)) for n, h in zip(self.shape, self._largest, strict=True))

    @cached_property
    def _slabs(self) -> list[slice]:
        rows = max(1, _SLAB_POINTS // (self.shape[1] * self.shape[2]))
        return [slice(i, i + rows) for i in range(0, self.shape[0], rows)]

    def _for_all(self, function: Callable[[int], None], count: int) -> None:
        workers = min(self.workers or default_workers(), count)
        if workers < 2:
            for index in range(count):
                function(index)
            return
        with ThreadPoolExecutor(workers, thread_name_prefix="mem") as pool:
            for _ in pool.map(function, range(count)):
                pass

    def _along_a(self, unknowns: FloatArray) -> ComplexArray:
        """(nx, kept along b, half along c): Σ_k v_k c_k, transformed along a only."""
        _, b, c = self._axes
        flat, chosen = self._coefficient_places
        filled = np.zeros(self.shape[0] * b.kept * c.kept_half, complex)
        filled[flat] = self.basis.coefficients(unknowns)[chosen].conj()
        return np.asarray(
            scipy.fft.ifft(
                filled.reshape(self.shape[0], b.kept, c.kept_half),
                axis=0,
                norm="forward",
                overwrite_x=True,
            )
        )

    def _synthesised(self, spread: ComplexArray, part: slice) -> FloatArray:
        along_b = scipy.fft.ifft(self._axes[1].padded(spread[part]), axis=1, norm="forward")
        return np.asarray(scipy.fft.irfft(along_b, n=self.shape[2], axis=2, norm="forward"))

    def _exponent(self, spread: ComplexArray, part: slice) -> FloatArray:
        x = self._synthesised(spread, part)
        if self.log_prior is not None:
            x += self.log_prior[part]
        return x

    def _empty_rows(self) -> ComplexArray:
        _, b, c = self._moment_axes
        return np.empty((self.shape[0], b.kept, c.kept_half), complex)

    def _rows_analysed(self, values: FloatArray) -> ComplexArray:
        _, b, c = self._moment_axes
        along_c = scipy.fft.rfft(values, axis=2)[:, :, : c.kept_half]
        return b.cut(scipy.fft.fft(along_c, axis=1), 1)

    def _analysed_along_a(self, rows: ComplexArray) -> ComplexArray:
        return self._moment_axes[0].cut(scipy.fft.fft(rows, axis=0, overwrite_x=True), 0)

    @cached_property
    def _coefficient_places(self) -> tuple[IntArray, IntArray]:
        """Flat places along (nx, kept b, half c), and the members of the orbits that go there."""
        _, b, c = self._axes
        hkl = self.basis.orbits.hkl
        chosen = np.flatnonzero(hkl[:, 2] >= 0)
        h, k, third = hkl[chosen].T
        return (h % self.shape[0] * b.kept + k % b.kept) * c.kept_half + third, chosen

    def _located(self, hkl: IntArray) -> tuple[IntArray, BoolArray]:
        """Flat place in a spectrum of every frequency (…, 3), and whether -hkl stands there."""
        n = np.array(self.shape)
        signed = (hkl + (n - 1) // 2) % n - (n - 1) // 2
        mate = signed[..., 2] < 0
        signed[mate] *= -1
        a, b, c = self._moment_axes
        place = (signed[..., 0] % a.kept * b.kept + signed[..., 1] % b.kept) * c.kept_half
        return place + signed[..., 2], mate

    @cached_property
    def _at_reflections(self) -> tuple[IntArray, BoolArray]:
        return self._located(self.basis.hkl)

    @cached_property
    def _box(self) -> tuple[IntArray, BoolArray]:
        """Where every frequency of -2 largest..2 largest stands, in C order."""
        sides = [np.arange(-2 * h, 2 * h + 1) for h in self._largest]
        return self._located(np.stack(np.meshgrid(*sides, indexing="ij"), axis=-1).reshape(-1, 3))

    @cached_property
    def _images(self) -> tuple[IntArray, FloatArray | ComplexArray, IntArray]:
        """Images h R of all reflections, their phase*/number, and where each orbit begins."""
        members = self.basis.orbits
        image = ~members.conjugate
        owner = members.owner[image]
        number = np.bincount(owner, minlength=len(self.basis.hkl))
        weight: Any = members.phase[image].conj() / number[owner]
        start = np.concatenate([[0], np.cumsum(number)])
        return members.hkl[image], weight.real if self.basis.real else weight, start

    @cached_property
    def _blocks(self) -> list[tuple[int, int]]:
        """Ranges of reflections whose moments are gathered together."""
        *_, start = self._images
        count = len(self.basis.hkl)
        blocks, first = [], 0
        while first < count:
            room = start[first] + max(1, _GATHER_NUMBERS // (count - first))
            last = max(first + 1, int(np.searchsorted(start, room, side="right")) - 1)
            blocks.append((first, min(last, count)))
            first = min(last, count)
        return blocks

    def _gathered(self, box: Any, first: int, last: int) -> FloatArray:
        """⟨c_j c_k⟩ for functions of reflections first ≤ j < last and all k from `first` on."""
        hkl, weight, start = self._images
        part = slice(start[first], start[last])
        begins = start[first:last] - start[first]
        stride = np.array([(4 * self._largest[1] + 1) * (4 * self._largest[2] + 1), 0, 1])
        stride[1] = 4 * self._largest[2] + 1
        centre = int(2 * self._largest @ stride)
        rows = (hkl[part] @ stride + centre)[:, None]
        columns = (self.basis.hkl[first:] @ stride)[None, :]

        def mean(places: IntArray) -> Any:
            return np.add.reduceat(box[places] * weight[part][:, None], begins, axis=0)

        low, high = np.searchsorted(self.basis.owner, [first, last])
        one, other = self.basis.owner[low:high] - first, self.basis.owner[low:] - first
        u_one, u_other = self.basis.direction[low:high, None], self.basis.direction[None, low:]
        plus = mean(rows + columns)[np.ix_(one, other)]
        if self.basis.real:
            return np.asarray(plus)
        product = u_other.conj() * plus
        acentric = ~self.basis.centric[self.basis.owner[low:high]]
        if acentric.any():
            minus = mean(rows - columns)[np.ix_(one, other)]
            half = (product + u_other * minus) / 2
            product = np.where(acentric[:, None], half, product)
        return np.asarray((u_one.conj() * product).real)


def _taken(values: ComplexArray, place: IntArray, mate: BoolArray) -> ComplexArray:
    """⟨exp(+2πi h·r)⟩ of the stored ⟨exp(-2πi k·r)⟩, k = h or, where `mate`, k = -h."""
    found = values.ravel()[place]
    return np.where(mate, found, found.conj())
