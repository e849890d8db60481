"""Moment tensor potentials in the .mtp files of MLIP, read and made ready to be evaluated.

Shapeev, Multiscale Model. Simul. 14, 1153 (2016), and Novikov et al., Mach. Learn.: Sci. Technol.
2, 025002 (2021): the energy of an atom is Σ_α ξ_α B_α, each B a contraction of moments

    M_μν = Σ_j f_μ(r_ij) r̂_ij ⊗ … ⊗ r̂_ij   (ν times),
    f_μ(r) = s (R - r)² Σ_k c_μk T_k((2 r - r_min - R)/(R - r_min)),

with s the file's scaling, R its cutoff, T_k Chebyshev's polynomials and c by pair of species.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ixs_core.arrays import FloatArray, IntArray
from ixs_core.errors import InputError

_BASIS = "RBChebyshev"
_MAX_BYTES = 64_000_000  # the largest published potentials are a hundredth of this
_MAX_DEGREE = 30
_BRACES = str.maketrans("{},", "   ")
_KEYS = (
    "scaling",
    "species_count",
    "radial_basis_type",
    "min_dist",
    "max_dist",
    "radial_basis_size",
    "radial_funcs_count",
    "alpha_moments_count",
    "alpha_index_basic_count",
    "alpha_index_basic",
    "alpha_index_times_count",
    "alpha_index_times",
    "alpha_scalar_moments",
    "alpha_moment_mapping",
    "species_coeffs",
    "moment_coeffs",
)
_OTHER_NAMES = {  # MLIP-3 and motep
    "min": "min_dist",
    "min_val": "min_dist",
    "max": "max_dist",
    "max_val": "max_dist",
    "size": "radial_basis_size",
    "basis_size": "radial_basis_size",
}


@dataclass(frozen=True)
class MomentTensorPotential:
    """A trained potential.

    Parameters
    ----------
    min_dist, cutoff : float
        Å; below `min_dist` the polynomials extrapolate.
    radial : (s, s, f, k) array
        Coefficients of f_μ by species of the centre, of the neighbour, μ and k; scaling included.
    basic : (b, 4) int array
        μ and the powers of x, y, z of the basic moments.
    products : (p, 4) int array
        Left factor, right factor, multiplier and target of the contractions, in their order.
    n_moments : int
        Basic moments and what the products make of them.
    scalars : (m,) int array
        Moments that enter the energy.
    coefficients : (m,) array
        Their ξ in eV.
    species_energies : (s,) array
        Energy of an atom alone, in eV.
    name : str
        Of the file.
    """

    min_dist: float
    cutoff: float
    radial: FloatArray
    basic: IntArray
    products: IntArray
    n_moments: int
    scalars: IntArray
    coefficients: FloatArray
    species_energies: FloatArray
    name: str = ""

    @property
    def n_species(self) -> int:
        """Number of elements that the potential knows."""
        return len(self.species_energies)


def read_moment_tensor_potential(path: str | Path) -> MomentTensorPotential:
    """A trained .mtp file (MLIP 1.1.0, Chebyshev basis, not magnetic).

    The file is text and only parsed.

    Raises
    ------
    InputError
        With the line: a key that is missing or unknown in meaning, numbers that are not, counts
        that disagree, indices out of range, contractions in an order that cannot be followed,
        an untrained, magnetic or otherwise unsupported potential.
    """
    file = Path(path)
    fields = _Fields(file, _lines(file))
    return _potential(fields)


def _lines(file: Path) -> list[str]:
    try:
        if file.stat().st_size > _MAX_BYTES:
            raise InputError("too large for a potential", file=file, found=file.stat().st_size)
        lines = file.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", file=file) from error
    except UnicodeDecodeError as error:
        raise InputError("is not text", file=file, expected="an .mtp file of MLIP") from error
    first = next((line.strip() for line in lines if line.strip()), "")
    if first != "MTP":
        raise InputError(
            "is not a moment tensor potential", file=file, line=1, found=first[:40], expected="MTP"
        )
    return lines


class _Fields:
    """The keys of a file with the lines where they stand."""

    def __init__(self, file: Path, lines: list[str]) -> None:
        self.file = file
        self.lines = lines
        self.texts: dict[str, tuple[int, str]] = {}
        self.radial_line: int | None = None
        for number, line in enumerate(lines, start=1):
            key, equals, value = (part.strip() for part in line.partition("="))
            if not equals:
                if key == "radial_coeffs":
                    self.radial_line = number
                continue
            if key.startswith("mag"):
                raise self.wrong("magnetic potentials are not supported", number, key)
            key = _OTHER_NAMES.get(key, key)
            if key in self.texts:
                raise self.wrong("stands twice", number, key)
            self.texts[key] = (number, value)
        self._require()

    def wrong(self, message: str, line: int | None, key: str, **more: Any) -> InputError:
        return InputError(message, file=self.file, line=line, key=key, **more)

    def _require(self) -> None:
        missing = [key for key in _KEYS if key not in self.texts]
        if self.radial_line is None:
            missing.append("radial_coeffs")
        if missing:
            untrained = {"radial_coeffs", "moment_coeffs"} & set(missing)
            raise InputError(
                "keys are missing",
                file=self.file,
                expected=", ".join(missing),
                hint="the potential is not trained yet" if untrained else None,
            )

    def text(self, key: str) -> str:
        return self.texts[key][1]

    def number(self, key: str, least: float) -> float:
        line, text = self.texts[key]
        value = self._converted(text, float, line, key)
        if len(value) != 1 or not value[0] >= least:
            raise self.wrong(
                "is out of range", line, key, found=text[:40], expected=f">= {least:g}"
            )
        return float(value[0])

    def count(self, key: str, least: int = 1) -> int:
        line, text = self.texts[key]
        value = self._converted(text, int, line, key)
        if len(value) != 1 or value[0] < least:
            raise self.wrong("is no count", line, key, found=text[:40], expected=f">= {least}")
        return int(value[0])

    def floats(self, key: str, length: int) -> FloatArray:
        line, text = self.texts[key]
        return self._sized(self._converted(text, float, line, key), length, line, key)

    def integers(self, key: str, shape: tuple[int, ...], below: int) -> IntArray:
        line, text = self.texts[key]
        found = self._converted(text, int, line, key)
        values: IntArray = self._sized(found, math.prod(shape), line, key)
        if values.size and (values.min() < 0 or values.max() >= below):
            raise self.wrong(
                "an index is out of range",
                line,
                key,
                found=f"{values.min()} … {values.max()}",
                expected=f"0 … {below - 1}",
            )
        return values.reshape(shape)

    def rows(self, first: int, count: int, length: int) -> FloatArray:
        """`count` lines of `length` numbers in braces, from a line on."""
        rows = []
        for number in range(first, first + count):
            line = self.lines[number - 1] if number <= len(self.lines) else ""
            values = self._converted(line, float, number, "radial_coeffs")
            rows.append(self._sized(values, length, number, "radial_coeffs"))
        return np.array(rows)

    def _converted(self, text: str, kind: type, line: int, key: str) -> Any:
        tokens = text.translate(_BRACES).split()
        try:
            values: Any = np.array([kind(token) for token in tokens], dtype=kind)
        except (ValueError, OverflowError) as error:
            raise self.wrong(f"holds what is no number: {error}", line, key) from error
        if not np.all(np.isfinite(values)):
            raise self.wrong("holds numbers that are not finite", line, key)
        return values

    def _sized(self, values: Any, length: int, line: int, key: str) -> Any:
        if len(values) != length:
            raise self.wrong(
                "has another number of values", line, key, found=len(values), expected=length
            )
        return values


def _potential(fields: _Fields) -> MomentTensorPotential:
    if fields.text("radial_basis_type") != _BASIS:
        line, found = fields.texts["radial_basis_type"]
        raise fields.wrong(
            "this radial basis is not supported",
            line,
            "radial_basis_type",
            found=found,
            expected=_BASIS,
        )
    shortest = fields.number("min_dist", 0.0)
    cutoff = fields.number("max_dist", shortest + 1e-6)
    n_species, n_basic = fields.count("species_count"), fields.count("alpha_index_basic_count")
    n_functions, n_products = (
        fields.count("radial_funcs_count"),
        fields.count("alpha_index_times_count", least=0),
    )
    n_moments, n_scalars = fields.count("alpha_moments_count"), fields.count("alpha_scalar_moments")
    if not n_basic <= n_moments <= n_basic + n_products:
        raise fields.wrong(
            "moments that nothing defines",
            fields.texts["alpha_moments_count"][0],
            "alpha_moments_count",
            found=n_moments,
            expected=f"{n_basic} … {n_basic + n_products}",
        )
    return MomentTensorPotential(
        min_dist=shortest,
        cutoff=cutoff,
        radial=_radial(fields, n_species, n_functions) * fields.number("scaling", 1e-300),
        basic=_basic(fields, n_basic, n_functions),
        products=_products(fields, n_products, n_basic, n_moments),
        n_moments=n_moments,
        scalars=fields.integers("alpha_moment_mapping", (n_scalars,), n_moments),
        coefficients=fields.floats("moment_coeffs", n_scalars),
        species_energies=fields.floats("species_coeffs", n_species),
        name=fields.file.name,
    )


def _radial(fields: _Fields, n_species: int, n_functions: int) -> FloatArray:
    size = fields.count("radial_basis_size")
    line = (fields.radial_line or 0) + 1
    wanted = n_species**2 * (n_functions + 1)
    if line + wanted - 1 > len(fields.lines):
        raise fields.wrong("the file ends within the coefficients", line, "radial_coeffs")
    radial = np.empty((n_species, n_species, n_functions, size))
    for centre in range(n_species):
        for neighbour in range(n_species):
            title = fields.lines[line - 1].strip()
            if title != f"{centre}-{neighbour}":
                raise fields.wrong(
                    "another pair of species",
                    line,
                    "radial_coeffs",
                    found=title[:40],
                    expected=f"{centre}-{neighbour}",
                )
            radial[centre, neighbour] = fields.rows(line + 1, n_functions, size)
            line += n_functions + 1
    return radial


def _basic(fields: _Fields, count: int, n_functions: int) -> IntArray:
    basic = fields.integers("alpha_index_basic", (count, 4), max(n_functions, _MAX_DEGREE + 1))
    line = fields.texts["alpha_index_basic"][0]
    if basic[:, 0].max() >= n_functions:
        raise fields.wrong(
            "a radial function that does not exist",
            line,
            "alpha_index_basic",
            found=basic[:, 0].max(),
            expected=f"0 … {n_functions - 1}",
        )
    if basic[:, 1:].sum(axis=1).max() > _MAX_DEGREE:
        raise fields.wrong(
            "moments of too high a rank", line, "alpha_index_basic", expected=f"<= {_MAX_DEGREE}"
        )
    return basic


def _products(fields: _Fields, count: int, n_basic: int, n_moments: int) -> IntArray:
    """The contractions, of which none may change a moment that an earlier one has used."""
    key = "alpha_index_times"
    products = fields.integers(key, (count, 4), 2**31)
    line = fields.texts[key][0]
    if count == 0:
        return products
    factors, targets = products[:, :2], products[:, 3]
    if max(factors.max(), targets.max()) >= n_moments or targets.min() < n_basic:
        raise fields.wrong(
            "an index is out of range",
            line,
            key,
            expected=f"factors 0 … {n_moments - 1}, targets {n_basic} … {n_moments - 1}",
        )
    order = np.arange(count)
    first_use, last_change = np.full(n_moments, count), np.full(n_moments, -1)
    np.minimum.at(first_use, factors, order[:, None])
    np.maximum.at(last_change, targets, order)
    early = np.flatnonzero(first_use <= last_change)
    if len(early):
        raise fields.wrong(
            "a moment is used before it is complete", line, key, found=f"moment {early[0]}"
        )
    return products
