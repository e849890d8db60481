"""What a reconstruction tells while it goes on, and what a cancelled analysis keeps."""

from __future__ import annotations

import pytest

from ixs_core.jobs import CancelToken
from mem.analysis import analyse
from mem.analysis_options import AnalysisOptions
from mem.reconstruction import reconstruct
from mem.reflections import Reflections
from mem.steps import SolverStep
from sample_data.synthetic_density import synthetic_truth


@pytest.fixture(scope="module")
def data() -> Reflections:
    return synthetic_truth(300).measured(0)


@pytest.mark.parametrize("solver", ["newton", "newton-cg"])
def test_steps_end_at_the_numbers_of_the_report(data: Reflections, solver: str) -> None:
    steps: list[SolverStep] = []
    found = reconstruct(data, grid_step=0.3, solver=solver, target=50.0, on_step=steps.append)
    assert found.report is not None
    assert [step.number for step in steps] == list(range(len(steps)))
    assert steps[-1].solver == solver
    assert steps[-1].chi2 == pytest.approx(found.report.chi2, rel=1e-6)
    assert steps[-1].r_factor == pytest.approx(found.report.r_factor, rel=1e-6)
    assert steps[0].r_factor == pytest.approx(1.0, abs=1e-6)


def test_a_cancelled_analysis_keeps_the_last_map(data: Reflections) -> None:
    cancel = CancelToken()

    def stop(step: SolverStep) -> None:
        if step.number == 30:
            cancel.cancel()

    options = AnalysisOptions(solver="sakata-sato", grid_step=0.3, planes=("0 1 0",))
    found = analyse(data, options, cancel=cancel, on_step=stop)
    assert found.result.statistics["stopped"] == "cancelled"
    assert found.result.sites == ()
    assert any("the last map is kept" in note for note in found.result.notes)
    assert len(found.result.sections) == 1
