"""Numbers of space group settings as Dysnomia and PRIMA have them, as far as known.

Setting 1 is the first of International Tables A; 2 is the second choice of origin, or rhombohedral
axes; 1 to 3 are the cell choices of monoclinic groups with the unique axis b, so P 21/n is 2 of
No. 14; 1 to 6 are the axes abc, ba-c, cab, -cba, bca, a-cb of orthorhombic groups with one choice
of origin. The monoclinic ones, origins and rhombohedral axes are numbered as in the file `spgra` of
RIETAN-2000 (F. Izumi), whose Rietveld refinements these programs take up. Monoclinic settings with
another unique axis have numbers there, but not the same in every program: they are not used.
"""

from __future__ import annotations

import gemmi

from ixs_core.symmetry import Symmetry

_AXES = ("", "ba-c", "cab", "-cba", "bca", "a-cb")
_ORTHORHOMBIC = range(16, 75)
_CELL_CHOICES = ("b1", "b2", "b3")


def setting_of(symmetry: Symmetry) -> tuple[int, int] | None:
    """Dysnomia's number of the space group and of its setting; None when not known here."""
    group = gemmi.find_spacegroup_by_ops(
        gemmi.GroupOps([gemmi.Op(triplet) for triplet in symmetry.triplets])
    )
    if group is None:
        return None
    settings = known_settings(group.number)
    names = [known.xhm() for known in settings]
    return (group.number, names.index(group.xhm()) + 1) if group.xhm() in names else None


def known_settings(number: int) -> list[gemmi.SpaceGroup]:
    """The settings whose numbers, 1 and up, are known."""
    listed = [group for group in gemmi.spacegroup_table() if group.number == number]
    standard = gemmi.find_spacegroup_by_number(number)
    first = listed[: len(_AXES)]  # a second name of one of them follows in No. 64
    if number in _ORTHORHOMBIC and [group.qualifier for group in first] == list(_AXES):
        return first
    if listed[0].qualifier == _CELL_CHOICES[0]:
        return [group for group in listed if group.qualifier in _CELL_CHOICES]
    if listed[0].ext in ("1", "H"):
        # With the axes of the first: the other choice of origin, or rhombohedral axes.
        return [group for group in listed if group.qualifier == listed[0].qualifier][:2]
    return [standard] if standard is not None else listed[:1]
