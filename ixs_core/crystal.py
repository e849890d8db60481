"""A crystal structure: sites, symmetry, and what follows from them (cell content, density, U)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import gemmi
import numpy as np
from numpy.typing import ArrayLike
from scipy import constants

from ixs_core.arrays import FloatArray, IntArray
from ixs_core.errors import InputError
from ixs_core.lattice import Lattice
from ixs_core.scattering_factors import anomalous_dispersion, parse_ion
from ixs_core.symmetry import Symmetry
from ixs_core.units import wavelength_angstrom

MERGE_ANGSTROM = 0.1
"""Images of a site nearer than this are one atom on a special position."""

GRAM_CHARLIER_ORDER = ("111", "112", "113", "122", "123", "133", "222", "223", "233", "333")
"""Order of the ten third-order Gram-Charlier coefficients C^{jkl}."""

_G_CM3_PER_AMU_A3 = constants.atomic_mass * constants.kilo / (constants.angstrom * 100) ** 3
_ELECTRON_RADIUS_A = (
    constants.physical_constants["classical electron radius"][0] / constants.angstrom
)
_ANGSTROM_PER_MM = constants.milli / constants.angstrom


@dataclass(frozen=True)
class Site:
    """One crystallographically independent atom.

    Parameters
    ----------
    label : str
        As in the file ("Cu1").
    element : str
        "Cu".
    ion : str
        Whose form factor: "Cu1+", or the element for the neutral atom.
    position : (3,) array
        Fractional coordinates, as in the file: possibly outside 0..1.
    occupancy : float
        Share of the atoms that are there, 0..1 (a special position does not lower it).
    u : (3, 3) array or None
        Mean-square displacements U^{ij} in Å² **as a CIF has them**: components along the
        unit-length reciprocal axes, W = 2π² Σ_ij U^{ij} a*_i a*_j h_i h_j in exp(-W)
        (a* without 2π). `CellAtoms.u` has them in Cartesian axes. None where the file has
        none. An isotropic U is written out as such a tensor.
    isotropic : bool
        The file has an isotropic U (or B) only.
    gram_charlier : (10,) array or None
        Third-order coefficients C^{jkl} times 10³ in the order `GRAM_CHARLIER_ORDER`, as
        Jana writes them: exp(-W) is multiplied by
        1 + (i³/6)(2π)³ 10⁻³ Σ_jkl C^{jkl} h_j h_k h_l (sum over all 27 jkl).
    multiplicity : int or None
        Number of atoms in the conventional cell that the file states.
    """

    label: str
    element: str
    ion: str
    position: FloatArray
    occupancy: float = 1.0
    u: FloatArray | None = None
    isotropic: bool = False
    gram_charlier: FloatArray | None = None
    multiplicity: int | None = None


@dataclass(frozen=True)
class CellAtoms:
    """All atoms of the conventional cell, those of one site together, in the sites' order.

    Parameters
    ----------
    site : (n,) int array
        Index of the site.
    operator : (n,) int array
        Index of the first operator of the symmetry that makes this atom from its site.
    elements, ions : tuple of str
    position : (n, 3) array
        Fractional, 0 ≤ x < 1; on a special position the mean of the images that meet there.
    occupancy : (n,) array
    u : (n, 3, 3) array
        Mean-square displacements ⟨u_i u_j⟩ in Å² along the Cartesian axes of
        `Lattice.b_matrix` (x along a*, z along c); NaN where the file has none.
    """

    site: IntArray
    operator: IntArray
    elements: tuple[str, ...]
    ions: tuple[str, ...]
    position: FloatArray
    occupancy: FloatArray
    u: FloatArray

    def __len__(self) -> int:
        return len(self.elements)


@dataclass(frozen=True)
class Crystal:
    """A crystal structure as a refinement or a database gives it.

    Parameters
    ----------
    lattice : Lattice
        The conventional cell.
    sites : tuple of Site
    symmetry : Symmetry
        Operators (triplets, rotations, translations), name and number of the space group.
    formula : str
        Of one formula unit ("CsCu2I3").
    formula_units_per_cell : float
        Z.
    temperature_k : float or None
        As the file says it, right or wrong (see `repairs`).
    wavelength_angstrom : float or None
        Of the measurement.
    dispersion : mapping
        Ion or element -> f' + i f'' at that wavelength, where the file gives them.
    repairs : tuple of str
        Sentences: what had to be repaired or assumed, and what does not look right.
    source : str
        Name of the file.
    sha256 : str
        Its digest; empty for a structure that came from no file.
    """

    lattice: Lattice
    sites: tuple[Site, ...]
    symmetry: Symmetry
    formula: str = ""
    formula_units_per_cell: float = 1.0
    temperature_k: float | None = None
    wavelength_angstrom: float | None = None
    dispersion: Mapping[str, complex] = field(default_factory=dict)
    repairs: tuple[str, ...] = ()
    source: str = ""
    sha256: str = ""

    @cached_property
    def atoms(self) -> CellAtoms:
        """All atoms of the conventional cell.

        Raises
        ------
        InputError
            The images of a site neither coincide nor stay apart (a position near, but not
            on, a special one).
        """
        orbits = [site_orbit(site, self.symmetry, self.lattice) for site in self.sites]
        index = np.repeat(np.arange(len(orbits)), [len(orbit.operator) for orbit in orbits])
        sites = [self.sites[i] for i in index]
        no_atoms = np.empty((0, 3))
        result = CellAtoms(
            site=index,
            operator=np.concatenate([o.operator for o in orbits] or [index]),
            elements=tuple(site.element for site in sites),
            ions=tuple(site.ion for site in sites),
            position=np.concatenate([no_atoms, *(orbit.position for orbit in orbits)]),
            occupancy=np.array([site.occupancy for site in sites], dtype=float),
            u=np.concatenate([np.empty((0, 3, 3)), *(orbit.u for orbit in orbits)]),
        )
        for array in (result.site, result.operator, result.position, result.occupancy, result.u):
            array.flags.writeable = False
        return result

    def debye_waller_exponent(self, q_hkl: ArrayLike) -> FloatArray:
        """W = ½ Qᵀ U Q of every atom of the cell at hkl (…, 3), shape (…, n); amplitude e^{-W}.

        NaN for atoms without U.
        """
        q = self.lattice.q_cartesian(q_hkl)
        return 0.5 * np.einsum("...i,nij,...j->...n", q, self.atoms.u, q)

    @cached_property
    def content(self) -> Mapping[str, float]:
        """Element -> number of its atoms in the cell (occupancies counted), in site order."""
        content: dict[str, float] = {}
        for element, occupancy in zip(self.atoms.elements, self.atoms.occupancy, strict=True):
            content[element] = content.get(element, 0.0) + float(occupancy)
        return content

    @property
    def cell_mass(self) -> float:
        """Mass of the atoms of one cell in atomic mass units."""
        return sum(n * gemmi.Element(element).weight for element, n in self.content.items())

    @property
    def formula_mass(self) -> float:
        """Mass of one formula unit in atomic mass units (g/mol)."""
        return self.cell_mass / self.formula_units_per_cell

    @property
    def density_g_cm3(self) -> float:
        """Density in g/cm³: mass of the cell's atoms over its volume."""
        return self.cell_mass / self.lattice.volume * _G_CM3_PER_AMU_A3

    @property
    def electrons_per_cell(self) -> float:
        """F(000) = Σ Z over the cell's atoms, taken as neutral."""
        return sum(n * gemmi.Element(element).atomic_number for element, n in self.content.items())

    def absorption_per_mm(self, energy_kev: float) -> float:
        """Linear photoelectric absorption coefficient μ in mm⁻¹ at a photon energy.

        μ = (2 r_e λ / V) Σ f'' over the cell's atoms (optical theorem), f'' of Cromer &
        Liberman; scattering out of the beam, a few percent at 20 keV for heavy elements and
        about 12 % for aluminium, is not in it. Errors as in `anomalous_dispersion`.
        """
        total = sum(
            n * anomalous_dispersion(element, energy_kev).imag
            for element, n in self.content.items()
        )
        length = 2 * _ELECTRON_RADIUS_A * wavelength_angstrom(energy_kev)
        return length * total / self.lattice.volume * _ANGSTROM_PER_MM

    def with_ions(self, ions: Mapping[str, str]) -> Crystal:
        """The same crystal with ions chosen by site label or element: {"Cs": "Cs1+"}.

        Raises
        ------
        InputError
            A key is neither a label nor an element here, or an ion is of another element.
        """
        known = {site.label for site in self.sites} | {site.element for site in self.sites}
        for key in ions:
            if key not in known:
                raise InputError(
                    "no such site or element in the crystal",
                    key="ions",
                    found=key,
                    expected=", ".join(sorted(known)),
                )
        return replace(self, sites=tuple(_with_ion(site, ions) for site in self.sites))


@dataclass(frozen=True)
class SiteOrbit:
    """The atoms that symmetry makes of one site.

    Parameters
    ----------
    operator : (m,) int array
        The first operator that makes each.
    position : (m, 3) array
        Fractional, 0 ≤ x < 1.
    u : (m, 3, 3) array
        In Å², Cartesian as in `CellAtoms`; NaN for a site without U.
    moved_angstrom : float
        How far the atom moved to its special position; 0 for a general one.
    u_changed : float
        Largest change in Å² of an element of U, to obey the site's symmetry.
    """

    operator: IntArray
    position: FloatArray
    u: FloatArray
    moved_angstrom: float
    u_changed: float


def site_orbit(
    site: Site, symmetry: Symmetry, lattice: Lattice, merge_angstrom: float = MERGE_ANGSTROM
) -> SiteOrbit:
    """The atoms of a site in the cell, with images that coincide merged into their mean.

    Displacements turn with the operator: ⟨u uᵀ⟩ of fractional u becomes R ⟨u uᵀ⟩ Rᵀ, which
    holds in oblique cells too.

    Raises
    ------
    InputError
        The images neither coincide nor stay apart.
    """
    images = symmetry.images(site.position)
    vectors = cell_vectors(lattice)
    group = np.full(len(images), -1)
    shift = np.zeros_like(images)  # of an image from the first of its group
    first: list[int] = []
    for i, image in enumerate(images):
        apart = image - images[first]
        apart -= np.round(apart)
        distance = np.linalg.norm(apart @ vectors, axis=1)
        if first and distance.min() < merge_angstrom:
            group[i] = distance.argmin()
            shift[i] = apart[group[i]]
        else:
            group[i] = len(first)
            first.append(i)
    size = np.bincount(group)
    if np.any(size != size[0]):
        raise InputError(
            "the site is near a special position, but not on it: symmetry brings some of its "
            f"images nearer than {merge_angstrom:g} Å to each other and others not",
            key=site.label,
            found=f"position {np.round(site.position, 5).tolist()}",
            hint="correct the coordinates of the site",
        )
    mean_shift = _group_means(shift, group, size)
    position = images[first] + mean_shift
    position -= np.floor(position)
    position[position >= 1.0] = 0.0  # -1e-17 wraps to 1.0
    u = _turned(site, symmetry, lattice)
    mean_u = _group_means(u, group, size)
    return SiteOrbit(
        operator=np.array(first),
        position=position,
        u=mean_u,
        moved_angstrom=float(np.linalg.norm(mean_shift @ vectors, axis=1).max()),
        u_changed=0.0 if site.u is None else float(np.abs(u - mean_u[group]).max()),
    )


def cell_vectors(lattice: Lattice) -> FloatArray:
    """(3, 3), rows a, b, c in Å in the Cartesian frame of `Lattice.b_matrix`."""
    return np.asarray(2 * np.pi * np.linalg.inv(lattice.b_matrix))


def u_to_cartesian(u: FloatArray, lattice: Lattice) -> FloatArray:
    """U^{ij} of a CIF (…, 3, 3) in Å² -> ⟨u_i u_j⟩ in Å² along the axes of `b_matrix`.

    A fractional displacement has ⟨x_i x_j⟩ = U^{ij} a*_i a*_j; Grosse-Kunstleve & Adams,
    J. Appl. Cryst. 35, 477 (2002), eq. (3).
    """
    axes = (_reciprocal_lengths(lattice)[:, None] * cell_vectors(lattice)).T
    return np.asarray(axes @ u @ axes.T)


def isotropic_u(u_iso: float, lattice: Lattice) -> FloatArray:
    """The U^{ij} (3, 3) of a CIF that stand for equal displacements `u_iso` in all directions.

    U^{ij} = U_iso cos(angle between a*_i and a*_j).
    """
    b = lattice.b_matrix
    unit = b / np.linalg.norm(b, axis=0)
    return np.asarray(u_iso * unit.T @ unit)


def _reciprocal_lengths(lattice: Lattice) -> FloatArray:
    """a*, b*, c* in Å⁻¹ without 2π."""
    return np.asarray(np.linalg.norm(lattice.b_matrix, axis=0) / (2 * np.pi))


def _turned(site: Site, symmetry: Symmetry, lattice: Lattice) -> FloatArray:
    """(n_operators, 3, 3) Cartesian U of each image of a site."""
    if site.u is None:
        return np.full((len(symmetry), 3, 3), np.nan)
    vectors = cell_vectors(lattice).T  # columns a, b, c
    rotations = vectors @ symmetry.rotations @ np.linalg.inv(vectors)
    return np.asarray(rotations @ u_to_cartesian(site.u, lattice) @ rotations.swapaxes(1, 2))


def _group_means(values: FloatArray, group: IntArray, size: IntArray) -> FloatArray:
    total = np.zeros((len(size), *values.shape[1:]))
    np.add.at(total, group, values)
    return total / size.reshape(-1, *[1] * (values.ndim - 1))


def _with_ion(site: Site, ions: Mapping[str, str]) -> Site:
    chosen = ions.get(site.label, ions.get(site.element))
    if chosen is None:
        return site
    element, _ = parse_ion(chosen)
    if element != site.element:
        raise InputError(
            "the ion is not one of the site's element",
            key=site.label,
            found=chosen,
            expected=f"{site.element} or an ion of it",
        )
    return replace(site, ion=chosen)
