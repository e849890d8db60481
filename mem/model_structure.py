"""Structure factors of a refined model, in electrons per conventional cell.

F(h) = Σ_atoms o f(h) T(h) exp(2πi h·x), with f = f0 + f' + i f'', o the occupancy and
T = exp(-2π² Σ_jk U^{jk} a*_j a*_k h_j h_k) · [1 + (i³/6)(2π)³ 10⁻³ Σ_jkl C^{jkl} h_j h_k h_l],
U in Å² and a* without 2π: International Tables for Crystallography B (2008), sections 1.2.10 and
1.2.12.2 (third-order Gram-Charlier, C as in `Site.gram_charlier`).

The sum over the atoms is one over the sites and all operators x' = R x + t, of which each atom
of a site is made order/multiplicity times; so the tensors of an atom on a special position are
those that obey its site symmetry.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ixs_core.arrays import ComplexArray, FloatArray, IntArray
from ixs_core.crystal import Crystal, Site, site_orbit, u_to_cartesian
from ixs_core.errors import InputError
from ixs_core.scattering_factors import (
    FormFactorTable,
    TableName,
    form_factor_table,
    tabulated_or_neutral,
)
from ixs_core.units import HC_KEV_ANGSTROM
from mem.reflection_symmetry import whole_hkl

GRAM_CHARLIER_TERMS: tuple[tuple[int, int, int, int], ...] = (
    (0, 0, 0, 1),
    (0, 0, 1, 3),
    (0, 0, 2, 3),
    (0, 1, 1, 3),
    (0, 1, 2, 6),
    (0, 2, 2, 3),
    (1, 1, 1, 1),
    (1, 1, 2, 3),
    (1, 2, 2, 3),
    (2, 2, 2, 1),
)
"""Axes j, k, l of each coefficient of `GRAM_CHARLIER_ORDER`, and how often it is in the sum."""

GRAM_CHARLIER_SCALE = 1e-3
"""The files give C^{jkl} times 10³."""

_BATCH = 1 << 19  # products of reflections and sites at a time: some 50 MB


class _SiteTable(NamedTuple):
    """What the sum needs of the sites; row i is site i."""

    position: FloatArray  # (s, 3)
    exponent: FloatArray  # (s, 3, 3): -W = h E h
    third_order: FloatArray  # (s, 10), times how often each is in the sum
    weight: FloatArray  # (s,) occupancy · multiplicity / order


def structure_factors(
    crystal: Crystal,
    hkl: ArrayLike,
    dispersion: bool = True,
    anharmonic: bool = True,
    table: TableName = "it92",
) -> ComplexArray:
    """Structure factors F(h) of the model.

    Parameters
    ----------
    crystal : Crystal
    hkl : (n, 3) array of whole numbers
        Of the conventional cell.
    dispersion : bool
        With f' + i f'': of the file, else of the wavelength, else none (`dispersion_words` says
        which).
    anharmonic : bool
        With the third-order Gram-Charlier terms where a site has them.
    table : "it92" or "waasmaier-kirfel"
        Of f0; an ion that is not in it counts as the neutral atom (`model_notes`).

    Returns
    -------
    (n,) complex array
        In electrons per cell; e^{+2πi h·x}, so f'' > 0 turns phases forward.

    Raises
    ------
    InputError
        hkl are not whole numbers or beyond the table, or sites have no displacement parameters.
    """
    h = whole_hkl(hkl)
    sites = _site_table(crystal, anharmonic)
    factors = ion_table(crystal, dispersion, table)
    column = [factors.ions.index(name) for name in site_ions(crystal, table)]
    result = np.empty(len(h), dtype=complex)
    step = max(1, _BATCH // max(1, len(crystal.sites)))
    for first in range(0, len(h), step):
        part = h[first : first + step]
        f = factors(crystal.lattice.q_abs(part))[:, column]
        result[first : first + step] = np.sum(f * _geometry(part, crystal, sites), axis=1)
    return result


def site_ions(crystal: Crystal, table: TableName = "it92") -> tuple[str, ...]:
    """Whose form factor each site gets: its ion, or the neutral atom if the table has no such."""
    return tuple(tabulated_or_neutral(site.ion, table)[0] for site in crystal.sites)


def ion_table(
    crystal: Crystal, dispersion: bool = True, table: TableName = "it92"
) -> FormFactorTable:
    """Form factors of the different ions of the sites."""
    names = list(dict.fromkeys(site_ions(crystal, table)))
    if not dispersion or not (crystal.dispersion or crystal.wavelength_angstrom):
        return form_factor_table(names, table)
    wavelength = crystal.wavelength_angstrom
    return form_factor_table(
        names,
        table,
        energy_kev=HC_KEV_ANGSTROM / wavelength if wavelength else None,
        dispersion=crystal.dispersion or None,
    )


def dispersion_words(crystal: Crystal) -> str:
    """Where f' and f'' come from, as a sentence."""
    names = dict.fromkeys(site_ions(crystal))
    elements = {name: name.rstrip("+-0123456789") for name in names}
    given = [n for n in names if n in crystal.dispersion or elements[n] in crystal.dispersion]
    if len(given) == len(names):
        return "f' and f'' are those of the file"
    if crystal.wavelength_angstrom:
        missing = ", ".join(name for name in names if name not in given)
        return (
            f"the file has no f' and f'' for {missing}: calculated for "
            f"{crystal.wavelength_angstrom:g} Å (Cromer & Liberman)"
        )
    return "the file has neither f' and f'' nor a wavelength: scattering without dispersion"


def model_notes(crystal: Crystal, table: TableName = "it92") -> tuple[str, ...]:
    """What is assumed about the model beyond what its file says, as sentences."""
    ions = dict.fromkeys(site.ion for site in crystal.sites)
    notes = [tabulated_or_neutral(ion, table)[1] for ion in ions]
    return (*(note for note in notes if note), dispersion_words(crystal))


def require_displacements(sites: Sequence[Site], source: str = "") -> None:
    """InputError when sites have no displacement parameters."""
    missing = [site.label for site in sites if site.u is None]
    if missing:
        raise InputError(
            "sites without displacement parameters have no structure factors",
            file=source or None,
            key=", ".join(missing[:6]) + (", …" if len(missing) > 6 else ""),
            expected="U_ij, or U_iso or B_iso of every site",
            hint="use the file of a finished refinement",
        )


def _site_table(crystal: Crystal, anharmonic: bool) -> _SiteTable:
    require_displacements(crystal.sites, crystal.source)
    lattice, order = crystal.lattice, len(crystal.symmetry)
    orbits = [site_orbit(site, crystal.symmetry, lattice) for site in crystal.sites]
    count = len(orbits)
    b = lattice.b_matrix
    terms = np.zeros((count, len(GRAM_CHARLIER_TERMS)))
    exponent = np.zeros((count, 3, 3))
    for i, site in enumerate(crystal.sites):
        if site.u is not None:
            exponent[i] = -0.5 * b.T @ u_to_cartesian(site.u, lattice) @ b
        if anharmonic and site.gram_charlier is not None:
            terms[i] = site.gram_charlier * [term[3] for term in GRAM_CHARLIER_TERMS]
    return _SiteTable(
        # The ideal position; the tensors become so in the sum over the operators.
        position=np.array([orbit.position[0] for orbit in orbits]).reshape(count, 3),
        exponent=exponent,
        third_order=terms,
        weight=np.array(
            [
                site.occupancy * len(orbit.operator) / order
                for site, orbit in zip(crystal.sites, orbits, strict=True)
            ]
        ),
    )


def site_geometry(crystal: Crystal, hkl: IntArray, anharmonic: bool = True) -> ComplexArray:
    """(n, s) Σ over the atoms of each site of o T exp(2πi h·x): F without the form factors."""
    return _geometry(hkl, crystal, _site_table(crystal, anharmonic))


def _geometry(hkl: IntArray, crystal: Crystal, sites: _SiteTable) -> ComplexArray:
    """As `site_geometry`, for one batch."""
    symmetry = crystal.symmetry
    rotations, which = np.unique(symmetry.rotations.reshape(-1, 9), axis=0, return_inverse=True)
    which = which.reshape(-1)
    total = np.zeros((len(hkl), len(sites.weight)), dtype=complex)
    for i, rotation in enumerate(rotations.reshape(-1, 3, 3)):
        # Operators that differ by a centring share everything but the phase of t.
        shifts = symmetry.translations[which == i]
        phase = np.exp(2j * np.pi * (hkl @ shifts.T)).sum(axis=1)
        present = np.abs(phase) > 1e-9
        if np.any(present):
            turned = (hkl[present] @ rotation).astype(float)
            total[present] += phase[present, None] * _atoms(turned, sites)
    total *= sites.weight
    return total


def _atoms(h: FloatArray, sites: _SiteTable) -> ComplexArray:
    """(n, s) T(h) exp(2πi h·x) of the atom of each site at its own place."""
    squares = (h[:, :, None] * h[:, None, :]).reshape(len(h), 9)
    damping = squares @ sites.exponent.reshape(-1, 9).T
    phase = 2j * np.pi * (h @ sites.position.T)
    result = np.asarray(np.exp(damping + phase), dtype=complex)
    if np.any(sites.third_order):
        products = np.stack([h[:, j] * h[:, k] * h[:, m] for j, k, m, _ in GRAM_CHARLIER_TERMS])
        scale = GRAM_CHARLIER_SCALE * (2 * np.pi) ** 3 / 6
        result *= 1 - 1j * scale * (products.T @ sites.third_order.T)
    return result
