"""Contrast, eigenvectors and decisions, from closed forms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import poisson

from ixs_core.errors import InputError
from simulate.planning.discrimination import STRONG_EVIDENCE, deciding_momenta, rate_divergence
from simulate.planning.eigenvector import determining_set
from simulate.planning.information import scan_energies
from simulate.planning.placement import place
from simulate.planning.targets import parse_wish, targets_of
from simulate.planning.views import rank_contrast
from tests.simulate.toy_beamtime import toy_beamtime
from tests.simulate.toy_crystal import ToyCrystal

SCAN = scan_energies(-6, 15)


def test_contrast_follows_the_polarisations() -> None:
    beamtime = toy_beamtime()
    target = targets_of([parse_wish("q=(0,0.3,0) branch=3")], beamtime.calculation, 300.0)[0][0]
    zones = rank_contrast(beamtime, target, 2, evaluate=8, least_contrast=3.0)
    # Along b branch 3 is polarised along b and branch 2 along a: I ∝ Q_b²/E against Q_a²/E.
    lattice = beamtime.symmetry.lattice
    energies = np.sort(beamtime.calculation.branches(np.array([[0, 0.3, 0]]))[0])  # type: ignore[attr-defined]
    bose = 1 / (1 - np.exp(-energies / (0.08617333262 * 300)))
    for zone in zones[:20]:
        q = lattice.q_cartesian(zone.placement.hkl)
        expected = np.inf
        if abs(q[0]) > 1e-9:
            expected = q[1] ** 2 / energies[2] * bose[2] / (q[0] ** 2 / energies[1] * bose[1])
        assert zone.contrast == pytest.approx(expected)
        assert zone.contrast >= 3.0
    with pytest.raises(InputError, match="itself"):
        rank_contrast(beamtime, target, 3)
    wish = parse_wish("q=(0.1,0.3,0.2) branch=3")
    general = targets_of([wish], beamtime.calculation, 300.0)[0][0]
    with pytest.raises(InputError, match="no zone"):
        rank_contrast(beamtime, general, 2, least_contrast=1e9)


def test_divergence_is_the_expected_log_likelihood_ratio() -> None:
    first = np.array([3.0, 5.0, 2.0, 1.0])
    second = np.array([2.5, 5.5, 2.0, 1.0])
    counts = np.arange(200)
    expected = 0.0
    for mu, nu in zip(first, second, strict=True):
        weight = poisson.pmf(counts, mu)
        expected += float(
            np.sum(weight * (poisson.logpmf(counts, mu) - poisson.logpmf(counts, nu)))
        )
    assert first.sum() == second.sum()
    assert rate_divergence(first, second) == pytest.approx(expected, rel=1e-9)
    assert rate_divergence(first, 7.0 * first) == pytest.approx(0.0, abs=1e-12)


def test_a_shifted_branch_is_decided_where_it_scatters() -> None:
    beamtime = toy_beamtime(counts_per_s=1e-2)
    lattice = beamtime.symmetry.lattice
    springs = ((12.0, 5.0, 4.0), (5.0, 13.0, 4.0), (3.0, 3.5, 9.0))  # only longitudinal along b
    other = replace(beamtime, calculation=ToyCrystal(lattice, springs))
    same = deciding_momenta(
        beamtime, beamtime, [place(beamtime.instrument, (0, 8.3, 0), "a06")], SCAN, False
    )
    assert same[0].divergence_per_hour == pytest.approx(0.0, abs=1e-9)
    assert same[0].hours > 1e9
    placements = [
        place(beamtime.instrument, hkl, "a06") for hkl in ((0, 8.3, 0), (6, 2.3, 0), (0, -8, 0))
    ]
    found = deciding_momenta(beamtime, other, placements, SCAN, all_analyzers=False)
    assert [decision.hkl.round(6).tolist() for decision in found] == [[0, 8.3, 0], [6, 2.3, 0]]
    assert found[0].hours * found[0].divergence_per_hour == pytest.approx(STRONG_EVIDENCE)
    assert len(deciding_momenta(beamtime, other, placements[:1], SCAN)) == 28


def test_an_eigenvector_is_fixed_by_enough_momenta_and_not_by_fewer() -> None:
    random = np.random.default_rng(2)
    amplitudes = random.normal(size=(40, 4)) + 1j * random.normal(size=(40, 4))
    hkl = random.integers(-5, 5, (40, 3)).astype(float)
    few = determining_set(amplitudes, 2, hkl, 4)
    assert (few.unknowns, few.rank) == (6, 4)
    assert np.isinf(few.sigma).any()
    enough = determining_set(amplitudes, 2, hkl, 12)
    assert enough.rank == 6
    assert np.isfinite(enough.sigma).all()
    assert enough.mixed_with == (1, 3, 4)
    assert determining_set(amplitudes, 2, hkl, 12, real=True).unknowns == 3
    # The greedy set beats the usual random one of the same size.
    chosen = random.permutation(40)[:12]
    other = determining_set(amplitudes[chosen], 2, hkl[chosen], 12)
    assert enough.condition < other.condition


def test_admixtures_predict_the_change_of_intensity() -> None:
    """δI/I = 2 Re Σ c* F_t/F_s, recovered from intensities of a slightly mixed mode."""
    random = np.random.default_rng(4)
    amplitudes = random.normal(size=(60, 3)) + 1j * random.normal(size=(60, 3))
    found = determining_set(amplitudes, 1, np.zeros((60, 3)), 20, relative_error=1.0)
    c = 1e-5 * np.array([1.0 - 2.0j, 0.5 + 1.0j])
    own = amplitudes[:, 0]
    mixed = own + amplitudes[:, 1:] @ c.conj()
    change = np.abs(mixed) ** 2 / np.abs(own) ** 2 - 1
    ratio = amplitudes[:, 1:] / own[:, None]
    rows = 2 * np.concatenate([ratio.real, ratio.imag], axis=1)[list(found.chosen)]
    solved = np.linalg.lstsq(rows, change[list(found.chosen)], rcond=None)[0]
    assert solved == pytest.approx([1e-5, 0.5e-5, -2e-5, 1e-5], rel=1e-3, abs=1e-8)
    # The phases of the admixtures are free, their total errors are not.
    variance = np.diag(np.linalg.inv(rows.T @ rows))
    assert found.sigma[:2] ** 2 + found.sigma[2:] ** 2 == pytest.approx(variance[:2] + variance[2:])


def test_dark_modes_and_missing_branches_are_input_errors() -> None:
    amplitudes = np.ones((5, 2), dtype=complex)
    amplitudes[:, 0] = 0
    with pytest.raises(InputError, match="none of the momenta"):
        determining_set(amplitudes, 1, np.zeros((5, 3)), 2)
    with pytest.raises(InputError, match="no such branches"):
        determining_set(amplitudes, 3, np.zeros((5, 3)), 2)
