"""An electron density on the grid of the conventional cell, and the record of how it was made."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from numpy.typing import ArrayLike

from ixs_core.arrays import ComplexArray, FloatArray, IntArray
from ixs_core.crystal import Crystal
from ixs_core.lattice import Lattice
from ixs_core.symmetry import Symmetry

if TYPE_CHECKING:
    from mem.peaks import Peak
    from mem.profile import Profile
    from mem.section import Section


@dataclass(frozen=True)
class MemReport:
    """How a reconstruction went.

    Parameters
    ----------
    chi2 : float
        Σ w_j |ΔF_j|²/σ_j² / N of the final density on its own grid (w = 1 without weighting).
    r_factor, wr_factor : float
        Σ||F_o| - |F||/Σ|F_o| and [Σ(|ΔF|/σ)²/Σ(|F_o|/σ)²]^{1/2}.
    entropy : float
        S = -Σ p ln(p/τ) with p and τ normalised to 1: 0 for ρ = τ, negative else.
    iterations : int
        Of the solver, over all grids.
    seconds : float
    solver, prior : str
        "newton", "lbfgs", "newton-cg" or "sakata-sato"; "uniform", "procrystal" or a file name.
    weighting : float
        Power p of the weights d^p.
    moments : mapping
        Order n -> λ_n asked for.
    target : float
    constraint : mapping
        Order n (2, 4, 6, 8) -> C_n + C_wn: Σ w |ΔF/σ|^n / (N M_n), 1 for Gaussian residuals.
    converged : bool
        The gradient of the dual vanished and the constraint is met.
    gradient : float
        Largest |∂D/∂a_j| in units of σ_j.
    stopped : str
        Why it ended before it converged; empty otherwise ("cancelled").
    grid, coarse_grid : (nx, ny, nz)
    f : (n,) complex array
        Structure factors of the density at the reflections, in electrons.
    residual : (n,) array
        (|F| - |F_o|)/σ of every reflection; signed along F_o's phase for phased data.
    notes : tuple of str
    """

    chi2: float
    r_factor: float
    wr_factor: float
    entropy: float
    iterations: int
    seconds: float
    solver: str
    prior: str
    weighting: float
    moments: dict[int, float]
    target: float
    constraint: dict[int, float]
    converged: bool
    gradient: float
    stopped: str
    grid: tuple[int, int, int]
    coarse_grid: tuple[int, int, int]
    f: ComplexArray
    residual: FloatArray
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Multipliers:
    """The solution of the dual problem, from which ρ follows on any grid and at any point.

    ρ(r) = (F(000)/V) τ(r) exp[Σ_H a_H exp(-2πi H·r)] / Z, the sum over all H and -H.

    Parameters
    ----------
    hkl : (m, 3) int array
        Every H with a multiplier, equivalents and Friedel mates included.
    a : (m,) complex array
    log_z : float
        ln Z = ln of the mean of τ exp(…) over the cell, τ having mean 1.
    dual : (k,) array
        The solver's own real unknowns, to start a similar problem from.
    """

    hkl: IntArray
    a: ComplexArray
    log_z: float
    dual: FloatArray


@dataclass(frozen=True)
class Density:
    """An electron density in e/Å³ over one conventional cell.

    Parameters
    ----------
    lattice : Lattice
    values : (nx, ny, nz) array
        At the fractional coordinates (i/nx, j/ny, k/nz).
    symmetry : Symmetry
    structure : Crystal or None
        The refined model that belongs to it.
    report : MemReport or None
        None for a density that was read from a file.
    multipliers : Multipliers or None
    temperature_k : float or None
    source : str
        Name of the file it, or its structure factors, came from.
    """

    lattice: Lattice
    values: FloatArray
    symmetry: Symmetry
    structure: Crystal | None = None
    report: MemReport | None = None
    multipliers: Multipliers | None = None
    temperature_k: float | None = None
    source: str = ""
    notes: tuple[str, ...] = field(default=())

    @property
    def cell(self) -> tuple[float, float, float, float, float, float]:
        """a, b, c in Å and α, β, γ in degrees."""
        return self.lattice.cell

    @property
    def shape(self) -> tuple[int, int, int]:
        """Points of the grid along a, b, c."""
        nx, ny, nz = self.values.shape
        return nx, ny, nz

    @property
    def electrons(self) -> float:
        """∫ρ dV over the cell."""
        return float(self.values.mean(dtype=float) * self.lattice.volume)

    def profile(self, points: ArrayLike, n: int = 201) -> Profile:
        """ρ at n points along a polyline through fractional points; see `mem.profile`."""
        from mem.profile import profile

        return profile(self, points, n)

    def section(
        self,
        plane: ArrayLike,
        origin: ArrayLike = (0.0, 0.0, 0.0),
        size: float | tuple[float, float] | None = None,
        step: float = 0.05,
    ) -> Section:
        """ρ on a plane, by its Miller indices or three fractional points; see `mem.section`."""
        from mem.section import section

        return section(self, plane, origin, size, step)

    def peaks(self, minimum: float | None = None) -> list[Peak]:
        """Maxima of ρ, one per set of equivalent ones, highest first; see `mem.peaks`."""
        from mem.peaks import peaks

        return peaks(self, minimum)

    def write(self, path: str | Path) -> None:
        """Write as CCP4, cube, .pgrid or CSV, by the suffix; see `mem.formats.densities`."""
        from mem.formats.densities import write_density

        write_density(self, path)
