"""The CIF of a SIMULATED refinement: cell, operators, sites, and reflections with F² and σ."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from ixs_core.arrays import FloatArray, IntArray
from ixs_core.crystal import GRAM_CHARLIER_ORDER, Crystal

NOTE = (
    "SIMULATED data: computed by sample_data/simulate_structure_factors.py of ixs-suite, "
    "not measured"
)

_PAIRS = ((1, 1), (2, 2), (3, 3), (1, 2), (1, 3), (2, 3))


def structure_cif(
    crystal: Crystal,
    name: str,
    relative_error: float,
    hkl: IntArray,
    calculated: FloatArray,
    measured: FloatArray,
    sigma: FloatArray,
) -> str:
    """The text of a CIF with one data block.

    Parameters
    ----------
    crystal : Crystal
        The model that the file states: sites, phases and F²_calc.
    name : str
        Of the data block.
    relative_error : float
        a of the weights 1/[σ² + (a P)²].
    hkl : (n, 3) int array
    calculated, measured, sigma : (n,) arrays
        F²_calc, F²_meas and σ(F²) in e² per cell.
    """
    return "\n".join(
        [
            *(f"# {line}" for line in _comment()),
            f"data_{name}",
            *_header(crystal, relative_error, len(hkl)),
            *_operators(crystal),
            *_dispersion(crystal),
            *_sites(crystal),
            *_reflections(hkl, calculated, measured, sigma),
            "",
        ]
    )


def _comment() -> tuple[str, ...]:
    return (
        NOTE + ".",
        "Sites and displacements: numbers published by Y. Li et al., Adv. Mater. (2025),",
        "doi:10.1002/adma.202513381, rounded. Intensities, errors and everything else: simulated.",
    )


def _header(crystal: Crystal, relative_error: float, reflections: int) -> list[str]:
    lattice = crystal.lattice
    weights = rf"calc w=1/[\s^2^(Fo^2^)+({relative_error:g}P)^2^+0.0000P] where P=(Fo^2^+2Fc^2^)/3"
    return [
        "_exptl_special_details",
        f"; {NOTE}.",
        ";",
        f"_chemical_formula_sum '{' '.join(_formula(crystal))}'",
        f"_cell_formula_units_Z {crystal.formula_units_per_cell:g}",
        *(f"_cell_length_{axis} {getattr(lattice, axis):g}" for axis in "abc"),
        *(f"_cell_angle_{angle} {getattr(lattice, angle):g}" for angle in _ANGLES),
        f"_cell_volume {lattice.volume:.2f}",
        f"_space_group_name_H-M_alt '{crystal.symmetry.name}'",
        f"_space_group_IT_number {crystal.symmetry.number}",
        f"_diffrn_ambient_temperature {crystal.temperature_k:g}",
        f"_diffrn_radiation_wavelength {crystal.wavelength_angstrom:g}",
        "_diffrn_radiation_probe x-ray",
        f"_reflns_number_total {reflections}",
        r"_reflns_threshold_expression 'I>2\s(I)'",
        "_refine_ls_structure_factor_coef Fsqd",
        "_refine_ls_weighting_scheme calc",
        f"_refine_ls_weighting_details '{weights}'",
        "_refine_ls_extinction_method none",
    ]


_ANGLES = ("alpha", "beta", "gamma")


def _formula(crystal: Crystal) -> list[str]:
    units = crystal.formula_units_per_cell
    counts = ((element, number / units) for element, number in sorted(crystal.content.items()))
    return [element + (f"{count:g}" if count != 1 else "") for element, count in counts]


def _operators(crystal: Crystal) -> list[str]:
    return _loop(
        ["_space_group_symop_operation_xyz"], ([f"'{t}'"] for t in crystal.symmetry.triplets)
    )


def _dispersion(crystal: Crystal) -> list[str]:
    tags = ["symbol", "scat_dispersion_real", "scat_dispersion_imag"]
    rows = (
        [element, f"{value.real:.4f}", f"{value.imag:.4f}"]
        for element, value in crystal.dispersion.items()
    )
    return _loop([f"_atom_type_{tag}" for tag in tags], rows)


def _sites(crystal: Crystal) -> list[str]:
    main = [
        *("label", "type_symbol", "fract_x", "fract_y", "fract_z", "adp_type"),
        *("U_iso_or_equiv", "site_symmetry_multiplicity", "occupancy"),
    ]
    lines = _loop([f"_atom_site_{tag}" for tag in main], _site_rows(crystal))
    sites = [(site, site.u, site.gram_charlier) for site in crystal.sites]
    lines += _loop(
        ["_atom_site_aniso_label", *(f"_atom_site_aniso_U_{i}{j}" for i, j in _PAIRS)],
        (
            [site.label, *(f"{u[i - 1, j - 1]:g}" for i, j in _PAIRS)]
            for site, u, _ in sites
            if u is not None
        ),
    )
    third = "_jana_atom_site_ADP_C_"
    lines += _loop(
        [f"{third}label", *(f"{third}{index}" for index in GRAM_CHARLIER_ORDER)],
        (
            [site.label, *(f"{c:g}" for c in third_order)]
            for site, _, third_order in sites
            if third_order is not None
        ),
    )
    return lines


def _site_rows(crystal: Crystal) -> Iterable[list[str]]:
    for site in crystal.sites:
        mean = "?" if site.u is None else f"{np.trace(site.u) / 3:.4f}"
        where = [f"{x:g}" for x in site.position]
        yield [
            *(site.label, site.element, *where, "Uani", mean),
            *(str(site.multiplicity or "?"), f"{site.occupancy:g}"),
        ]


def _reflections(
    hkl: IntArray, calculated: FloatArray, measured: FloatArray, sigma: FloatArray
) -> list[str]:
    tags = [
        *("index_h", "index_k", "index_l", "F_squared_calc", "F_squared_meas"),
        *("F_squared_sigma", "observed_status"),
    ]
    rows = (
        [
            *(f"{index:3d}" for index in indices),
            *(f"{fc:.2f}", f"{fo:.2f}", f"{s:.2f}", "o" if fo > 2 * s else "<"),
        ]
        for indices, fc, fo, s in zip(hkl, calculated, measured, sigma, strict=True)
    )
    return _loop([f"_refln_{tag}" for tag in tags], rows)


def _loop(tags: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return ["", "loop_", *tags, *(" ".join(row) for row in rows)]
