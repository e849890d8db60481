"""Targets as a user writes them."""

from __future__ import annotations

import numpy as np
import pytest

from ixs_core.errors import InputError
from simulate.planning.targets import parse_wish, targets_of
from tests.simulate.toy_beamtime import toy_beamtime


def test_branches_at_one_q() -> None:
    wish = parse_wish("q=(0,0.3,0) branch=1-3,5")
    assert wish.q_hkl.tolist() == [[0, 0.3, 0]]
    assert wish.branches == (1, 2, 3, 5)


def test_spaces_and_fractions_are_fine() -> None:
    wish = parse_wish("q = ( 1/2, 0.5 ,0 )   energy = 3-5")
    assert wish.q_hkl.tolist() == [[0.5, 0.5, 0]]
    assert wish.energy_range_mev == (3, 5)
    assert parse_wish("q=(0 0.3 0) branch=2").q_hkl.tolist() == [[0, 0.3, 0]]
    assert parse_wish("q=(0,-0.3,0) branch=2").q_hkl.tolist() == [[0, -0.3, 0]]


def test_a_line_leaves_out_gamma_and_takes_its_end() -> None:
    wish = parse_wish("Γ-Y points=4 branch=1", {"Y": (0, 1, 0)})
    assert np.allclose(wish.q_hkl[:, 1], [0.25, 0.5, 0.75, 1])
    wish = parse_wish("line=(0.5,0,0)-(0.5,0.5,0) points=3 branch=1")
    assert np.allclose(wish.q_hkl, [(0.5, 0, 0), (0.5, 0.25, 0), (0.5, 0.5, 0)])
    assert len(parse_wish("G-(0,-0.5,0) branch=1").q_hkl) == 5


@pytest.mark.parametrize(
    "text",
    [
        *("", "q=(0,0.3,0)", "branch=1", "q=(0,0.3) branch=1", "q=(0,x,0) branch=1"),
        *("q=(0,0,0.1) branch=0", "q=(0,0,0.1) branch=3-1", "q=(0,0,0.1) energy=5-3"),
        *("q=(0,0,0.1) energy=5", "Γ-Q branch=1", "Γ-Y points=0 branch=1", "Γ-Γ branch=1"),
        *("q=(0,0,0.1) branch=1 energy=3-5", "q=(0,0,0.1) branch=1 points=3"),
        *("q=(0,0,.1) wavelength=3 branch=1", "q=(1,2,3) q=(1,2,3) branch=1", "q=(1/0,0,0) e=1-2"),
    ],
)
def test_what_is_not_understood_gets_an_example(text: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_wish(text, {"Y": (0, 1, 0)})
    assert "branch=1-3" in str(caught.value)


def test_targets_carry_the_calculated_energies() -> None:
    beamtime = toy_beamtime()
    q = np.array([[0.0, 0.3, 0.0]])
    energies = np.sort(beamtime.calculation.branches(q)[0])  # type: ignore[attr-defined]
    targets, warnings = targets_of(
        [parse_wish("q=(0,0.3,0) branch=1-3"), parse_wish("q=(0,0.3,0) energy=3-4.5")],
        beamtime.calculation,
        300.0,
    )
    assert [t.branch for t in targets] == [1, 2, 3]  # asked twice, measured once
    assert [t.energy_mev for t in targets] == pytest.approx(energies)
    assert warnings == ()


def test_modes_without_energy_and_empty_ranges_are_said() -> None:
    calculation = toy_beamtime().calculation
    with pytest.raises(InputError, match="no real mode"):
        targets_of([parse_wish("q=(0,0,0) branch=1-3")], calculation, 300.0)
    with pytest.raises(InputError, match="no real mode"):
        targets_of([parse_wish("q=(0,0.3,0) energy=90-95")], calculation, 300.0)
    with pytest.raises(InputError, match="no such branch"):
        targets_of([parse_wish("q=(0,0.3,0) branch=4")], calculation, 300.0)
    targets, warnings = targets_of([parse_wish("Γ-(0,0.5,0) energy=3-4")], calculation, 300.0)
    assert targets
    assert "no mode at" in warnings[0]
