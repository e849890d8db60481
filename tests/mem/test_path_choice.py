"""Paths named by sites: neighbours found, equivalent ones once, bad words refused."""

from __future__ import annotations

import numpy as np
import pytest

from ixs_core.crystal import Crystal, Site, cell_vectors
from ixs_core.errors import InputError
from ixs_core.lattice import Lattice
from ixs_core.symmetry import Symmetry
from mem.path_choice import choose_paths


def crystal(
    group: str, cell: tuple[float, ...], **positions: tuple[float, float, float]
) -> Crystal:
    """A crystal of named sites; the element is the label without its digits."""
    sites = tuple(
        Site(label, label.rstrip("0123456789"), label.rstrip("0123456789"), np.array(position))
        for label, position in positions.items()
    )
    lattice = Lattice.from_cell(cell)
    return Crystal(lattice, sites, Symmetry.from_name(group, lattice))


def test_neighbours_along_two_axes_are_two_kinds_of_path() -> None:
    # Cu at (x, 1/2, 0) of Cmcm, as in CsCu2I3: 3.05 Å along c, 3.18 Å along a.
    cmcm = crystal("C m c m", (10.6, 13.2, 6.1, 90, 90, 90), Cu1=(0.35, 0.5, 0.0))
    along_c, along_a = choose_paths("Cu", cmcm)
    assert along_c.name == "Cu1–Cu1 3.05 Å along c"
    assert along_a.name == "Cu1–Cu1 3.18 Å along a"
    assert along_a.kind == "Cu1–Cu1 along a"
    assert along_c.labels == ("Cu1", "Cu1")
    np.testing.assert_allclose(along_a.points[1] - along_a.points[0], [0.3, 0, 0], atol=1e-9)


@pytest.mark.parametrize("group", ["P m -3 m", "F m -3 m", "I m -3 m"])
def test_equivalent_neighbours_of_a_cubic_lattice_are_one_path(group: str) -> None:
    cubic = crystal(group, (4.0, 4.0, 4.0, 90, 90, 90), Po1=(0.0, 0.0, 0.0))
    paths = choose_paths("Po1", cubic)
    lengths = [
        float(np.linalg.norm((path.points[1] - path.points[0]) @ cell_vectors(cubic.lattice)))
        for path in paths
    ]
    nearest = {"P m -3 m": 4.0, "F m -3 m": np.sqrt(8), "I m -3 m": np.sqrt(12)}[group]
    # The second shell of the body-centred lattice is 15 % farther, still a neighbour.
    assert lengths == pytest.approx([nearest] + ([4.0] if group == "I m -3 m" else []))


def test_between_two_elements_the_shortest_path_across_the_cell_border() -> None:
    pair = crystal("P 1", (5.0, 5.0, 5.0, 90, 90, 90), Na1=(0.1, 0.0, 0.0), Cl1=(0.9, 0.0, 0.0))
    (path,) = choose_paths("na : CL1", pair)
    np.testing.assert_allclose(np.abs(path.points[1] - path.points[0]), [0.2, 0, 0], atol=1e-9)
    assert path.labels == ("Na1", "Cl1")


def test_points_are_taken_as_they_stand() -> None:
    (path,) = choose_paths("0.35 0.5 0 : 0.5 0.55 0 : 0.65, 0.5, 0", None)
    assert path.points.tolist() == [[0.35, 0.5, 0], [0.5, 0.55, 0], [0.65, 0.5, 0]]
    assert path.labels == ("", "", "")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Ag", "Cu1, Cu, or points"),
        ("Cu : Ag", "no such site"),
        ("0 0 0", "not a path"),
        ("0 0 0 : 0 0 0", "the same"),
        ("0 0 0 : Cu", "not a path"),
        ("Cu : Cu : Cu", "not a path"),
        ("", "no such site"),
    ],
)
def test_what_names_no_path_is_refused(text: str, says: str) -> None:
    cmcm = crystal("C m c m", (10.6, 13.2, 6.1, 90, 90, 90), Cu1=(0.35, 0.5, 0.0))
    with pytest.raises(InputError, match=says):
        choose_paths(text, cmcm)


def test_labels_need_a_structure() -> None:
    with pytest.raises(InputError, match="labels need a structure"):
        choose_paths("Cu", None)
