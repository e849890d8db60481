"""What a solver tells of every step: where it is, in numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

SOLVERS = ("auto", "newton", "lbfgs", "newton-cg", "sakata-sato")
"""Names that `reconstruct` takes."""


class SolverStep(NamedTuple):
    """A point of a solver on its way.

    Parameters
    ----------
    number : int
        0 is the prior, or the start that was given.
    chi2 : float
        Σ w |ΔF/σ|²/N.
    r_factor : float
        Σ||F_o| - |F||/Σ|F_o|.
    solver : str
    """

    number: int
    chi2: float
    r_factor: float
    solver: str


OnStep = Callable[[SolverStep], None]
"""Called in the thread that solves, at every step."""
