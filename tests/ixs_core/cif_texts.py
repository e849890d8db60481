"""Tidy CIFs of small structures, for tests to read and to spoil."""

from __future__ import annotations

import gemmi

NACL = """data_NaCl
_chemical_formula_sum 'Cl Na'
_cell_formula_units_Z 4
_cell_length_a 5.6402(2)
_cell_length_b 5.6402(2)
_cell_length_c 5.6402(2)
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_symmetry_space_group_name_H-M 'F m -3 m'
_diffrn_ambient_temperature 293(2)
loop_
_symmetry_equiv_pos_as_xyz
SYMMETRY
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_U_iso_or_equiv
Na1 Na1+ 0 0 0 0.0200
Cl1 Cl1- 0.5 0.5 0.5 0.0180
""".replace(
    "SYMMETRY",
    "\n".join(f"'{op.triplet()}'" for op in gemmi.SpaceGroup("F m -3 m").operations()),
)

QUARTZ = """data_quartz
_cell_length_a 4.9137
_cell_length_b 4.9137
_cell_length_c 5.4047
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 120
_symmetry_space_group_name_H-M 'P 32 2 1'
_chemical_formula_sum 'O2 Si'
_cell_formula_units_Z 3
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
Si Si 0.4697 0 0.66667
O O 0.4135 0.2669 0.78577
loop_
_atom_site_aniso_label
_atom_site_aniso_U_11
_atom_site_aniso_U_22
_atom_site_aniso_U_33
_atom_site_aniso_U_12
_atom_site_aniso_U_13
_atom_site_aniso_U_23
Si 0.0066 0.0051 0.0060 0.00255 -0.00015 -0.0003
O 0.0156 0.0115 0.0119 0.0092 -0.0029 -0.0046
"""

# A general position in a group of low symmetry and an oblique cell, one special position.
TRICLINIC = """data_P-1
_cell_length_a 5.2
_cell_length_b 6.9
_cell_length_c 8.3
_cell_angle_alpha 77
_cell_angle_beta 101
_cell_angle_gamma 63
_space_group_name_H-M_alt 'P -1'
loop_
_space_group_symop_operation_xyz
x,y,z
-x,-y,-z
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
Fe1 Fe 0.5 0 0.5 1
S1 S 0.12 0.34 -0.23 0.8
loop_
_atom_site_aniso_label
_atom_site_aniso_U_11
_atom_site_aniso_U_22
_atom_site_aniso_U_33
_atom_site_aniso_U_12
_atom_site_aniso_U_13
_atom_site_aniso_U_23
Fe1 0.011 0.014 0.009 0.004 -0.001 0.002
S1 0.021 0.017 0.026 0.009 0.003 -0.004
"""
