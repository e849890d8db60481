"""CsCu2I3 at 300 and 500 K: published structure parameters, and the SIMULATED truth made of them.

The parameters are facts stated by Y. Li et al., Adv. Mater. (2025), doi:10.1002/adma.202513381
(single-crystal refinements with third-order Gram-Charlier terms, structure files of its public
repository), rounded here. That some copper of the 500 K crystal sits halfway to the
next copper site is an assumption of the simulation, so that an analysis has something known to
find; the publication does not state it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ixs_core.crystal import GRAM_CHARLIER_ORDER, Crystal, Site
from ixs_core.errors import InputError
from ixs_core.lattice import Lattice
from ixs_core.symmetry import Symmetry

SPACE_GROUP = "C m c m"
WAVELENGTH_ANGSTROM = 0.2481

DISPERSION = {"Cs": -0.2815 + 2.0398j, "Cu": 0.0994 + 0.1762j, "I": -0.1121 + 1.7896j}
"""f' + i f'' at this wavelength: International Tables for Crystallography C, table 4.2.6.8."""

HOPPED_SHARE = {300.0: 0.0, 500.0: 0.04}
"""Share of all copper that the truth has at the midpoints, by temperature in K: ours, not known."""

COPPER_PATH = ((0.35, 0.5, 0.0), (0.65, 0.5, 0.0))
"""About where the two copper sites are between which some copper is halfway: a path along a.

The tetrahedra around them share an edge: iodine at (0.5, 0.62, 0.25) and (0.5, 0.38, -0.25)."""

MIDPOINT = (0.5, 0.5, 0.0)
"""Halfway: an inversion centre (Wyckoff 4a, 2/m along a); 4 in the cell, for 8 copper atoms."""


class _Published(NamedTuple):
    """One site: U^{ij} in Å² (11, 22, 33, 12, 13, 23), C^{jkl} times 10³ where not zero."""

    element: str
    position: tuple[float, float, float]
    multiplicity: int
    u: tuple[float, ...]
    c: dict[str, float]


_CELLS = {300.0: (10.557, 13.184, 6.102), 500.0: (10.617, 13.361, 6.154)}

_SITES = {
    300.0: {
        "I1": _Published(
            *("I", (0.5, 0.6201, 0.25), 4, (0.0349, 0.0297, 0.0349, 0.0, 0.0, 0.0)),
            c={"112": -0.00005, "222": -0.0001, "233": -0.0003},
        ),
        "I2": _Published(
            *("I", (0.2170, 0.6194, 0.75), 8, (0.0455, 0.0574, 0.0356, 0.0192, 0.0, 0.0)),
            c={
                **{"111": -0.0001, "112": -0.0002, "122": -0.0002},
                **{"133": -0.0005, "222": -0.0003, "233": -0.0003},
            },
        ),
        "Cs1": _Published(
            *("Cs", (0.5, 0.8276, 0.75), 4, (0.0588, 0.0748, 0.0345, 0.0, 0.0, 0.0)),
            c={"112": -0.0007, "222": 0.0004, "233": 0.0003},
        ),
        "Cu1": _Published(
            *("Cu", (0.3502, 0.5, 0.0), 8, (0.0538, 0.0505, 0.0627, 0.0, 0.0, 0.0092)),
            c={"111": -0.0012, "122": -0.0006, "123": -0.0035, "133": -0.0055},
        ),
    },
    500.0: {
        "I1": _Published(
            *("I", (0.5, 0.6187, 0.25), 4, (0.0620, 0.0600, 0.0557, 0.0, 0.0, 0.0)),
            c={"112": 0.0002, "222": -0.0004, "233": -0.0011},
        ),
        "I2": _Published(
            *("I", (0.2169, 0.6173, 0.75), 8, (0.0808, 0.1090, 0.0594, 0.0343, 0.0, 0.0)),
            c={"112": -0.0005, "122": -0.0006, "133": -0.0007, "222": -0.0011, "233": -0.0014},
        ),
        "Cs1": _Published(
            *("Cs", (0.5, 0.8253, 0.75), 4, (0.1073, 0.1340, 0.0602, 0.0, 0.0, 0.0)),
            c={"112": -0.0026, "222": 0.0009, "233": 0.0007},
        ),
        "Cu1": _Published(
            *("Cu", (0.3478, 0.5, 0.0), 8, (0.1008, 0.1051, 0.1047, 0.0, 0.0, 0.0197)),
            c={"111": -0.0032, "122": -0.0019, "123": -0.0113, "133": -0.0142},
        ),
    },
}


def temperatures() -> tuple[float, ...]:
    """Temperatures in K for which there is a structure."""
    return tuple(_SITES)


def refined_model(temperature_k: float) -> Crystal:
    """The published structure, all copper on its site: what the simulated file states.

    Phases and F²_calc of the simulated file come from it. It was not refined again against the
    simulated intensities, so it knows nothing of the copper halfway.

    Raises
    ------
    InputError
        There is no structure for this temperature.
    """
    if temperature_k not in _SITES:
        raise InputError(
            "no published structure for this temperature",
            key="temperature_k",
            found=temperature_k,
            expected=" or ".join(f"{value:g}" for value in _SITES),
        )
    sites = tuple(_site(label, *entry) for label, entry in _SITES[temperature_k].items())
    return Crystal(
        lattice=Lattice(*_CELLS[temperature_k]),
        sites=sites,
        symmetry=Symmetry.from_name(SPACE_GROUP),
        formula="CsCu2I3",
        formula_units_per_cell=4,
        temperature_k=temperature_k,
        wavelength_angstrom=WAVELENGTH_ANGSTROM,
        dispersion=DISPERSION,
        source=f"CsCu2I3, {temperature_k:g} K (published parameters, rounded)",
    )


def true_crystal(temperature_k: float) -> Crystal:
    """The crystal whose intensities are simulated.

    As `refined_model`, but with `HOPPED_SHARE` of the copper moved to `MIDPOINT`, with the
    harmonic displacements of the copper site (the Gram-Charlier terms vanish there by symmetry).
    Errors as in `refined_model`.
    """
    return with_hopped_copper(refined_model(temperature_k), HOPPED_SHARE[temperature_k])


def with_hopped_copper(crystal: Crystal, share: float) -> Crystal:
    """The crystal with a share of all its copper moved from the site Cu1 to `MIDPOINT`.

    A midpoint lies between two of the 8 copper sites, and there are 4 of them: each has 2 × share
    of an atom.
    """
    if share == 0:
        return crystal
    copper = next(site for site in crystal.sites if site.label == "Cu1")
    halfway = replace(
        copper,
        label="Cu1h",
        position=np.array(MIDPOINT),
        occupancy=2 * share,
        gram_charlier=None,
        multiplicity=4,
    )
    left = replace(copper, occupancy=1.0 - share)
    kept = tuple(left if site is copper else site for site in crystal.sites)
    return replace(crystal, sites=(*kept, halfway))


def _site(
    label: str,
    element: str,
    position: tuple[float, float, float],
    multiplicity: int,
    u: tuple[float, ...],
    c: dict[str, float],
) -> Site:
    u11, u22, u33, u12, u13, u23 = u
    return Site(
        label=label,
        element=element,
        ion=element,
        position=np.array(position),
        u=np.array([[u11, u12, u13], [u12, u22, u23], [u13, u23, u33]]),
        gram_charlier=np.array([c.get(index, 0.0) for index in GRAM_CHARLIER_ORDER]),
        multiplicity=multiplicity,
    )
