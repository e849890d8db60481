"""Projects that hold scans of several crystals, and predictions for one of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from ixs_core.errors import InputError
from ixs_core.lattice import Lattice
from simulate.cli.project_cells import lattice_that_fits, other_crystals

SAMPLES = Path(__file__).resolve().parents[2] / "sample_data"
FORCE_CONSTANTS = SAMPLES / "cscu2i3" / "phonopy_params_eff300K.yaml.xz"
CUBIC = (10.17, 10.17, 10.17, 90.0, 90.0, 90.0)
MEASURED = (10.48, 13.04, 6.06, 90.0, 90.0, 90.0)
COOLED = (10.40, 12.99, 6.05, 90.0, 90.0, 90.0)


def test_the_crystal_of_the_force_constants_is_found_among_others() -> None:
    cells = {"a": CUBIC, "b": None, "c": MEASURED, "d": COOLED}
    lattice = lattice_that_fits(FORCE_CONSTANTS, cells)
    assert lattice is not None
    assert lattice.cell == MEASURED
    assert other_crystals(lattice, cells) == ("a",)


def test_axes_in_another_order_are_another_crystal() -> None:
    turned = (13.04, 10.48, 6.06, 90.0, 90.0, 90.0)
    assert other_crystals(Lattice.from_cell(MEASURED), {"a": turned, "b": COOLED}) == ("a",)


def test_no_crystal_fits() -> None:
    bigger = (12.0, 12.0, 12.0, 90.0, 90.0, 90.0)
    with pytest.raises(InputError, match="does not fit the crystal"):
        lattice_that_fits(FORCE_CONSTANTS, {"a": CUBIC, "b": bigger})


def test_without_cells_the_force_constants_decide() -> None:
    assert lattice_that_fits(FORCE_CONSTANTS, {"a": None}) is None
