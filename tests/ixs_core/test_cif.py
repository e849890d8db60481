"""CIFs of every origin: what is mended and said, what is refused with its place, real files."""

from __future__ import annotations

import numpy as np
import pytest

from ixs_core.cif import read_block, read_crystal, read_lattice
from ixs_core.crystal import Crystal
from ixs_core.errors import InputError
from ixs_core.lattice import Lattice
from tests.ixs_core.cif_texts import NACL, QUARTZ, TRICLINIC


def repaired(write, text: str | bytes, name: str = "test.cif") -> Crystal:
    """The crystal of a file that needs repair; its content is that of sodium chloride."""
    crystal = read_crystal(write(text, name))
    assert crystal.content == {"Na": 4, "Cl": 4}
    assert crystal.lattice == Lattice.cubic(5.6402)
    return crystal


def said(crystal: Crystal, words: str) -> bool:
    return any(words in sentence for sentence in crystal.repairs)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t.replace("data_NaCl\n", ""), "data_ header is missing"),
        (lambda t: t.replace("_cell_angle_beta 90\n", ""), "_cell_angle_beta is missing"),
        (
            lambda t: t.replace("_cell_length_a", "_cell_length_a 5.6402(2)\n_cell_length_a"),
            "_cell_length_a is given 2 times (lines 4, 5) with the same value",
        ),
        (
            lambda t: t + "_exptl_special_details one\n_exptl_special_details two\n",
            "with different values: the last is used",
        ),
        (lambda t: t.replace("Cl1- 0.5 0.5", "Cl1- -0.5 2.5"), "outside 0..1 (Cl1)"),
        (lambda t: t.replace("'Cl Na'", "'Cl0.25 Na0.25'").replace("Z 4", "Z 16"), "a fraction"),
        (lambda t: t.replace("Z 4", "Z ?"), "Z = 4 from the sites"),
        (lambda t: t.replace("_chemical_formula_sum 'Cl Na'", ""), "NaCl with Z = 4"),
        (lambda t: t.replace("293(2)", "cold"), "_diffrn_ambient_temperature is not a number"),
        (lambda t: t.replace(" Na1+ ", " ? "), "taken as Na by its label"),
        (lambda t: t.replace(" Na1+ ", " Na1 "), "type symbol Na1 of site Na1: read as Na"),
        (lambda t: t.replace("0.0200", "."), "no displacement parameters for Na1"),
        (lambda t: t.replace("0.0200", "-0.0200"), "Na1 are not positive"),
        (lambda t: t + "H1 H ? ? ? .\n", "H1 has no coordinates: left out"),
        (lambda t: t.replace("Cl1- 0.5 0.5", "Cl1- 0.496 0.496"), "moved by"),
        (lambda t: t.replace("'F m -3 m'", "'P n m a'"), "are those of space group No. 225"),
        (lambda t: t.replace("'Cl Na'", "'Cl Na2'"), "the sites are used"),
        (lambda t: t.replace("0.5 0.5 0.5", "1/2 \u22120.5 0.5"), "typographic minus"),
        (lambda t: t + "_exptl_crystal_density_diffrn 3.1\n", "the file says 3.1"),
        (lambda t: t + "_cell_volume 181.2\n", "_cell_volume says 181.2"),
    ],
)
def test_faults_are_mended_and_said(change, words, write):
    text = change(NACL)
    assert text != NACL
    assert said(repaired(write, text), words)


def test_missing_operators_come_from_the_name(write):
    start, end = NACL.index("loop_\n_symmetry_equiv"), NACL.index("loop_\n_atom_site")
    text = NACL[:start] + NACL[end:]
    assert said(repaired(write, text), "taken from the space group F m -3 m")
    hall = text.replace("_symmetry_space_group_name_H-M", "_symmetry_space_group_name_Hall")
    assert said(repaired(write, hall.replace("F m -3 m", "-F 4 2 3")), "from the Hall symbol")
    number = text.replace("_symmetry_space_group_name_H-M 'F m -3 m'", "_space_group_IT_number 225")
    assert said(repaired(write, number), "No. 225")


def test_generators_are_completed_to_the_group(write):
    start, end = NACL.index("'x,y,z'"), NACL.index("loop_\n_atom_site")
    some = "'-y,x,z'\n'z,x,y'\n'-x,-y,-z'\n'x,y+1/2,z+1/2'\n"
    crystal = repaired(write, NACL[:start] + some + NACL[end:])
    assert said(crystal, "completed to 192")


@pytest.mark.parametrize(
    ("encode", "words"),
    [
        (lambda t: t.replace("\n", "\r\n").encode(), ""),
        (lambda t: t.replace("\n", "\r").encode(), ""),
        (lambda t: b"\xef\xbb\xbf" + t.encode(), ""),
        (lambda t: t.encode() + b"\x1a", ""),
        (lambda t: t.encode("utf-16"), "UTF-16"),
        (lambda t: b"# r\xe9sum\xe9\n" + t.encode(), "Latin-1"),
        (lambda t: t.encode().replace(b"data_NaCl", b"data_NaCl\x07"), "control characters"),
    ],
)
def test_text_of_any_origin(encode, words, write):
    raw = encode(NACL)
    path = write(raw)
    crystal = repaired(write, raw)
    assert said(crystal, words) if words else crystal.repairs == ()
    assert path.read_bytes() == raw  # the file is left as it was


def test_tags_of_the_newer_dictionaries(write):
    text = NACL
    for old, new in [
        ("_cell_", "_cell."),
        ("_atom_site_", "_atom_site."),
        ("_symmetry_equiv_pos_as_xyz", "_space_group_symop.operation_xyz"),
        ("_symmetry_space_group_name_H-M", "_space_group.name_H-M_alt"),
        ("_chemical_formula_sum", "_chemical_formula.sum"),
        ("_diffrn_ambient_temperature", "_diffrn.ambient_temperature"),
    ]:
        text = text.replace(old, new)
    crystal = repaired(write, text)
    assert crystal.repairs == ()
    assert crystal.temperature_k == 293


@pytest.mark.parametrize(
    ("name", "noted"),
    [("nacl_100K.cif", True), ("300 K.cif", True), ("293K.cif", False), ("50keV.cif", False)],
)
def test_a_temperature_that_contradicts_the_name_is_kept_and_noted(name, noted, write):
    crystal = repaired(write, NACL, name)
    assert crystal.temperature_k == 293
    assert said(crystal, "temperature field says 293 K") == noted


def test_isotropic_b_is_u_times_8_pi_squared(write):
    text = NACL.replace("_U_iso_or_equiv", "_B_iso_or_equiv").replace("0.0200", "1.5791")
    crystal = repaired(write, text)
    np.testing.assert_allclose(crystal.atoms.u[0], 0.02 * np.eye(3), atol=1e-6)


def test_old_shelxl_multiplicities_are_understood(write):
    for stated, right in (("4", True), ("48", True), ("8", False)):
        text = NACL.replace("_atom_site_U_iso_or_equiv\n", "_atom_site_symmetry_multiplicity\n")
        text = text.replace("0.0200", stated).replace("0.0180", stated)
        assert said(repaired(write, text), f"the file says {stated}") != right


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda t: t.replace("5.6402(2)", "5,64", 1),
            r"line 4, '_cell_length_a': not a number.*5,64",
        ),
        (
            lambda t: t.replace("_cell_length_b 5.6402(2)\n", ""),
            "'_cell_length_b': the cell is not",
        ),
        (
            lambda t: t.replace("_cell_length_a", "_cell_length_a 5.2\n_cell_length_a"),
            r"line 5, '_cell_length_a': is given more than once.*lines 4, 5",
        ),
        (
            lambda t: t.replace("_cell_length_c 5.6402", "_cell_length_c 5.9402"),
            "does not have the",
        ),
        (lambda t: t.replace(" Na1+ ", " Qz "), r"unknown type symbol of site Na1; found Qz"),
        (lambda t: t.replace("Na1+ 0 0 0", "Na1+ 0 0 zero"), r"_z': not a number \(site Na1\)"),
        (lambda t: t.replace("'-x,-y,z'", "'-x,-y,2z+w'"), "not a symmetry operator; found -x"),
        (lambda t: t + "Cl2 Cl 0 0.5 0 0.02\n", "fill it more than once; found Cl1, Cl2"),
        (lambda t: t + "Cl2 Cl 0 0.5\n", r"line 20\d: is not a valid CIF: wrong number of values"),
        (lambda t: t.replace("'Cl Na'", "'Cl Na"), r"line 2: is not a valid CIF: unterminated"),
        (lambda t: t + t.replace("data_NaCl", "data_b"), "several data blocks.*NaCl, b"),
        (
            lambda t: t[: t.index("loop_\n_atom")],
            "'_atom_site_fract_x': no data block has this tag",
        ),
        (lambda t: "Dear colleague,\n" + t, "line 1: does not begin like a CIF"),
        (lambda _: "", "is empty"),
        (lambda _: "\x00\x01", "not a text file"),
    ],
)
def test_what_cannot_be_mended_is_said_with_its_place(change, message, write):
    with pytest.raises(InputError, match=message) as caught:
        read_crystal(write(change(NACL)))
    assert caught.value.file is not None
    assert caught.value.file.name == "test.cif"


def test_a_block_can_be_named(write):
    path = write(NACL + QUARTZ)
    assert read_crystal(path, block="quartz").content == {"Si": 3, "O": 6}
    assert read_crystal(path, block="quartz").density_g_cm3 == pytest.approx(2.65, abs=0.005)
    with pytest.raises(InputError, match="no data block named other"):
        read_crystal(path, block="other")
    with pytest.raises(InputError, match="cannot be read"):
        read_crystal(path.with_name("missing.cif"))


def test_impossible_occupancy_is_refused(write):
    with pytest.raises(InputError, match="impossible occupancy of site S1; found 8"):
        read_crystal(write(TRICLINIC.replace("0.8", "8")))
    assert read_crystal(write(TRICLINIC)).content == {"Fe": 1, "S": 1.6}


@pytest.mark.parametrize(
    ("name", "density"), [("100K", 5.1376), ("300K", 5.0108), ("500K", 4.8752)]
)
def test_real_refinements(shared_data, name, density):
    crystal = read_crystal(shared_data / f"cscu2i3/structure/{name}.cif")
    assert len(crystal.atoms) == 24
    assert crystal.content == {"I": 12, "Cs": 4, "Cu": 8}
    assert (crystal.formula, crystal.formula_units_per_cell) == ("CsCu2I3", 4)
    assert (crystal.symmetry.number, len(crystal.symmetry)) == (63, 16)
    assert crystal.density_g_cm3 == pytest.approx(density, abs=3e-4)
    assert crystal.electrons_per_cell == 1088  # the file's F(000)
    assert (crystal.temperature_k, crystal.wavelength_angstrom) == (293, 0.2481)
    assert crystal.dispersion["Cs"] == -0.2815 + 2.0398j
    assert said(crystal, "the formula is a fraction, Cs0.25 Cu0.5 I0.75 with Z = 16")
    assert said(crystal, "outside 0..1 (i01, cs00, cu04)")
    assert said(crystal, f"the file is called {name}.cif, but its temperature field says 293 K")
    assert said(crystal, "_Jana_m40_file is given 2 times (lines 1221, 1346)") == (name == "100K")


def test_the_repaired_block_keeps_everything(shared_data):
    block, repairs = read_block(
        shared_data / "cscu2i3/structure/100K.cif", containing=("_refln_index_h",)
    )
    assert len(block.find_loop("_refln_index_h")) == 609
    assert block.find_value("_Jana_m40_file") != block.find_value("_Jana_m40_file_duplicate_1")
    assert "i002" in block.find_value("_Jana_m40_file")  # of the refined model in the atom loop
    assert len(repairs) == 2


def test_reflections_lie_in_another_file_than_the_structure(shared_data):
    path = shared_data / "mem/FeN2_cod2242624/2242624.hkl"
    block, repairs = read_block(path, containing=("_refln_index_h",))
    assert len(block.find_loop("_refln_index_h")) == 71
    assert repairs == ()
    assert read_lattice(path).a == 2.4473
    with pytest.raises(InputError, match="no data block has this tag"):
        read_crystal(path)


def test_centrosymmetric_triclinic_refinement(shared_data):
    crystal = read_crystal(shared_data / "mem/FeN2_cod2242624/2242624.cif")
    assert crystal.content == {"Fe": 1, "N": 4}
    assert crystal.density_g_cm3 == pytest.approx(6.953, rel=3e-4)
    assert all(site.isotropic for site in crystal.sites)
