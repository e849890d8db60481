"""Settings chosen by the reflections that are left out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ixs_core.errors import Cancelled, InputError
from ixs_core.jobs import CancelToken
from mem.coarse_solution import structure_factors_of
from mem.leave_out import SettingsChoice, choose_settings
from mem.reconstruction import reconstruct
from mem.reflections import Reflections
from mem.resampling import resampled
from tests.mem.synthetic import synthetic_reflections

CELL = (6.0, 6.5, 7.0, 90.0, 90.0, 90.0)


@pytest.fixture(scope="module")
def data() -> Reflections:
    return synthetic_reflections("P m m m", CELL, noise=1.0)


@pytest.fixture(scope="module")
def choice(data: Reflections) -> SettingsChoice:
    return choose_settings(data, (0.6, 1.0, 4.0), (0.0, 4.0), folds=3, seed=2)


def test_every_pair_is_scored(choice: SettingsChoice) -> None:
    pairs = [(score.weighting, score.target) for score in choice.scores]
    assert pairs == [(p, t) for p in (0.0, 4.0) for t in (0.6, 1.0, 4.0)]
    for score in choice.scores:
        assert score.note == ""
        assert score.r_free_folds.shape == (3,)
        assert score.r_free > score.r_work > 0
    # The looser the target, the worse those that were used.
    r_work = [score.r_work for score in choice.scores[:3]]
    assert r_work == sorted(r_work)


def test_folds_are_different_reflections(choice: SettingsChoice, data: Reflections) -> None:
    together = np.concatenate(choice.left_out)
    assert len(set(together.tolist())) == len(together) == 3 * round(0.08 * len(data))
    assert together.max() < len(data)


def test_a_score_is_that_of_a_reconstruction_without_the_fold(
    choice: SettingsChoice, data: Reflections
) -> None:
    """By hand for one pair: reconstruct without a fold, sum its structure factors directly."""
    free = np.isin(np.arange(len(data)), choice.left_out[1])
    used = replace(data, hkl=data.hkl[~free], f=data.f[~free], sigma=data.sigma[~free])
    density = reconstruct(used, grid_step=0.15, coarse_step=0.15, target=4.0, weighting=4.0)
    x = np.stack(np.meshgrid(*(np.arange(n) / n for n in density.shape), indexing="ij"))
    direct = [
        np.mean(density.values * np.exp(2j * np.pi * np.tensordot(h, x, 1))) * data.lattice.volume
        for h in data.hkl[free]
    ]
    np.testing.assert_allclose(structure_factors_of(density, data.hkl[free]), direct, atol=1e-9)
    by_hand = np.abs(direct - data.f[free]).sum() / np.abs(data.f[free]).sum()
    # The grid of the choice is a little finer.
    assert choice.scores[-1].r_free_folds[1] == pytest.approx(by_hand, rel=0.02)


def test_the_choice_is_as_good_as_the_best_within_its_error(choice: SettingsChoice) -> None:
    r_free = {(score.target, score.weighting): score.r_free for score in choice.scores}
    assert choice.lowest.r_free == min(r_free.values())
    chosen = next(
        score
        for score in choice.scores
        if (score.target, score.weighting) == (choice.target, choice.weighting)
    )
    excess = chosen.r_free_folds - choice.lowest.r_free_folds
    assert chosen.r_free - choice.lowest.r_free <= np.std(excess, ddof=1) / np.sqrt(3) + 1e-12
    assert f"target {choice.target:g}" in choice.sentence


def test_the_same_seed_and_any_number_of_workers(data: Reflections) -> None:
    first, second = (
        choose_settings(data, (1.0,), (0.0,), folds=2, seed=4, workers=n) for n in (1, 2)
    )
    assert first.scores[0].r_free == second.scores[0].r_free
    other = choose_settings(data, (1.0,), (0.0,), folds=2, seed=5)
    assert other.scores[0].r_free != first.scores[0].r_free


def test_fitting_noise_costs_prediction() -> None:
    """Where noise is large, a target far below 1 predicts worse than 1."""
    data = synthetic_reflections("P m m m", CELL, noise=0.0)
    data = replace(data, sigma=np.full(len(data), 2.5))
    data = resampled(data, np.random.default_rng(1))
    found = choose_settings(data, (0.05, 1.0), (0.0,), fraction=0.1, folds=5)
    tight, usual = found.scores
    assert usual.r_free < tight.r_free
    assert found.target == 1.0


def test_a_target_out_of_reach_is_not_chosen(data: Reflections) -> None:
    wrong = replace(data, sigma=np.concatenate([[1e-3] * 4, data.sigma[4:]]))
    wrong = replace(wrong, f=np.concatenate([data.f[:4] * 40, data.f[4:]]))
    with pytest.raises(InputError, match="no pair of settings"):
        choose_settings(wrong, (0.5, 1.0), (0.0,), folds=2)


@pytest.mark.parametrize(
    "options", [{"folds": 1}, {"fraction": 0.0}, {"fraction": 0.6}, {"fraction": 0.001}]
)
def test_folds_that_do_not_suit(data: Reflections, options: dict[str, float]) -> None:
    with pytest.raises(InputError, match="folds do not suit"):
        choose_settings(data, **options)


def test_nothing_to_choose_from_and_cancel(data: Reflections) -> None:
    with pytest.raises(InputError, match="nothing to choose"):
        choose_settings(data, targets=())
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        choose_settings(data, cancel=token)
