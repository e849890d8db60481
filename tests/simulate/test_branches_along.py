"""Stored paths along measured lines, and predicted modes over the counts of their spectra."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from ixs_reduce import Resolution, Spectrum
from ixs_reduce.predicted_modes import PredictedModes, spectrum_key
from ixs_reduce.q_path import QLine, q_lines
from ixs_reduce.resolution import Component
from simulate.branches_along import branches_along
from simulate.measured_spectra import MeasuredSpectrum
from simulate.phonons.character import ModeCharacter
from simulate.phonons.modes import ModeStructureFactor
from simulate.predicted_overlay import overlay_predicted
from simulate.sqe_results import SqeResult


def measured_line() -> QLine:
    one = np.ones(3)
    (line,) = q_lines(
        [Spectrum(np.arange(3.0), one, one, q_hkl=(7.0, x, 0.0)) for x in (6.0, 6.3, 6.5, 6.9)]
    )
    return line


def path_result(q: FloatArray) -> SqeResult:
    """Two branches that cross: numbers are followed, energies sorted."""
    x = np.linspace(0, 1, len(q))
    rising, falling = 2 + 4 * x, 5 - 2 * x
    energy = np.sort(np.column_stack((rising, falling)), axis=1)
    branch = np.where((rising <= falling)[:, None], [[1, 2]], [[2, 1]])
    lines = ModeStructureFactor(
        q,
        np.linalg.norm(q, axis=1),
        energy,
        np.ones_like(energy),
        branch,
        np.tile([0, 1], (len(q), 1)),
        300.0,
    )
    return SqeResult(lines, "a calculation", distance=np.arange(len(q)) * 0.1)


def along(start: tuple[float, ...], end: tuple[float, ...], n: int = 21) -> FloatArray:
    return np.linspace(start, end, n)


def test_branches_are_followed_through_a_crossing() -> None:
    result = path_result(along((7, 7, 0), (7, 6, 0)))
    first, second = branches_along(measured_line(), result, "path")
    assert first.branch == 1
    assert (np.diff(first.position) > 0).all()
    # The path runs backwards along the line: the rising branch falls with ξ.
    assert first.energy_mev == pytest.approx(2 + 4 * np.linspace(1, 0, 21))
    assert second.energy_mev == pytest.approx(5 - 2 * np.linspace(1, 0, 21))
    assert first.q_hkl[:, 1] == pytest.approx(first.position)


def test_the_character_goes_with_its_branch() -> None:
    """The share of A in each mode is made to tell branch and Q."""
    result = path_result(along((7, 7, 0), (7, 6, 0)))
    assert branches_along(measured_line(), result, "path")[0].character is None
    lines = result.lines
    share = 0.1 * lines.branch + 0.01 * np.arange(21)[:, None]
    character = ModeCharacter(
        ("A", "B"), np.stack((share, 1 - share), axis=2), share / 2, lines.branch, lines.q_hkl - 7
    )
    told = replace(result, lines=replace(lines, character=character))
    for branch in branches_along(measured_line(), told, "path"):
        own = branch.character
        assert own is not None
        expected = 0.1 * branch.branch + 0.01 * np.arange(20, -1, -1)
        assert own.shares[:, 0] == pytest.approx(expected)
        assert own.longitudinal == pytest.approx(expected / 2)
        assert (own.degeneracy == branch.branch).all()
        assert own.q_reduced == pytest.approx(branch.q_hkl - 7)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ((6.5, 6.3, 0.0), (7.5, 6.3, 0.0)),  # crosses
        ((6.5, 6.0, 0.0), (7.5, 6.6, 0.0)),  # crosses, slanting
        ((7.2, 6.0, 0.0), (7.2, 7.0, 0.0)),  # beside
        ((7.0, 8.0, 0.0), (7.0, 9.0, 0.0)),  # farther on
    ],
)
def test_other_paths_have_no_branches_there(
    start: tuple[float, ...], end: tuple[float, ...]
) -> None:
    assert branches_along(measured_line(), path_result(along(start, end, 41))) == ()


def test_of_a_path_with_corners_the_leg_along_the_line_counts() -> None:
    q = np.concatenate((along((6.5, 6.0, 0), (7, 6, 0)), along((7, 6, 0), (7, 7, 0))[1:]))
    first, _ = branches_along(measured_line(), path_result(q))
    assert first.position[0] == pytest.approx(6.0)
    assert first.position.size == 21


GAUSSIAN = Resolution((Component("gaussian", 1.0, 0.0, 1.5),))


def counted(scale: float = 40.0) -> tuple[MeasuredSpectrum, PredictedModes]:
    """Counts that are exactly what is predicted, with a zero of 0.3 meV."""
    from simulate.predicted_overlay import predicted_shape

    energy = np.linspace(-15, 15, 121)
    exposure = np.linspace(0.5, 1.5, energy.size)
    spectrum = Spectrum(
        energy, np.zeros_like(energy), exposure, q_hkl=(1, 0, 0), scan="1", analyzer="A", file="f"
    )
    modes = PredictedModes(
        "f", "1", "A", np.array([1.0, 0, 0]), 300.0,
        np.array([3.0, 7.0]), np.array([1.0, 4.0]), np.array([1, 2]), np.array([0, 1]),
        np.array([np.nan, 0.8]), np.array([0.0, 0.1]),
    )  # fmt: skip
    one = MeasuredSpectrum("key", spectrum, GAUSSIAN, 0.3)
    shape = predicted_shape(modes, one, energy - 0.3)
    rate = scale * shape + 25.0 * GAUSSIAN(energy - 0.3) + 2.0
    return replace(one, spectrum=replace(spectrum, counts=exposure * rate)), modes


def test_strength_elastic_line_and_background_are_found() -> None:
    one, modes = counted()
    (laid,), notes = overlay_predicted([one], {spectrum_key(one.spectrum): modes})
    assert not notes
    assert laid.overlay.scale == pytest.approx(40.0, rel=1e-6)
    assert laid.overlay.elastic_area == pytest.approx(25.0, rel=1e-6)
    assert laid.overlay.background_rate == pytest.approx(2.0, rel=1e-6)
    assert laid.overlay.expected == pytest.approx(one.spectrum.counts, rel=1e-6)


def test_spectra_without_prediction_or_modes_are_left_out() -> None:
    one, modes = counted()
    assert overlay_predicted([one], {}) == ([], ())
    empty = np.zeros(0)
    none = replace(
        modes,
        **dict.fromkeys(("energy_mev", "intensity", "fwhm_mev", "spread_mev"), empty),
        **dict.fromkeys(("branch", "group"), empty.astype(int)),
    )
    with pytest.raises(InputError, match="no real mode"):
        overlay_predicted([one], {spectrum_key(one.spectrum): none})
