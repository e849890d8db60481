"""The map of the tab Plan: what is asked for, what comes of it. Qt-free."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ixs_core.arrays import BoolArray, FloatArray
from ixs_core.errors import InputError
from ixs_core.jobs import CancelToken, Progress

if TYPE_CHECKING:
    from ixs_core.lattice import Lattice
    from ixs_reduce.instrument import Instrument
    from simulate.planning import Beamtime
    from simulate.planning.plane import Plane
    from simulate.planning.store import StoredPlan

Quantity = Literal["intensity", "hours"]
Window = tuple[float, float, float, float]
"""Lowest and highest x, lowest and highest y of a view of the plane."""

_MARGIN = 0.6
_WIDEST = 200.0
_Three = tuple[float, float, float]


@dataclass(frozen=True)
class MapSettings:
    """What the map shows.

    Parameters
    ----------
    u, v, origin : three floats
        The plane, r.l.u.
    quantity : "intensity" or "hours"
    modes : str
        "branch=1-3" or "energy=3-5" (meV), as in a target of `ixs plan`.
    sigma_energy_mev : float
        For the hours.
    points : int
        Along the longer side.
    log : bool
    """

    u: _Three = (1.0, 0.0, 0.0)
    v: _Three = (0.0, 1.0, 0.0)
    origin: _Three = (0.0, 0.0, 0.0)
    quantity: Quantity = "intensity"
    modes: str = "branch=1-3"
    sigma_energy_mev: float = 0.1
    points: int = 101
    log: bool = True

    @property
    def plane(self) -> Plane:
        """The plane; InputError where the directions span none."""
        from simulate.planning.plane import Plane

        return Plane(self.u, self.v, self.origin)

    def as_choice(self) -> dict[str, Any]:
        """The same as JSON has it."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}

    @classmethod
    def from_choice(cls, choice: Mapping[str, Any]) -> MapSettings:
        """Back from `as_choice`."""
        known: dict[str, Any] = {
            key: choice[key] for key in cls.__dataclass_fields__ if key in choice
        }
        known = {k: tuple(v) if isinstance(v, list) else v for k, v in known.items()}
        return cls(**known)


def three_numbers(text: str, key: str) -> _Three:
    """Three numbers as typed, "1 1 0" or "1, 1, 0".

    Raises
    ------
    InputError
        The text is not that.
    """
    from simulate.cli.calculation import numbers

    h, k, j = numbers(text.replace("−", "-").strip("() "), key, 3)
    return h, k, j


def numbers_text(values: Sequence[float] | FloatArray) -> str:
    """ "1 1 -0.5" """
    return " ".join(f"{round(float(x), 5) + 0.0:g}" for x in values)


def settings_of_plan(stored: StoredPlan, targets: Sequence[str]) -> MapSettings:
    """A map that fits a plan: the plane in which its settings spread, its energies of interest."""
    placed = np.array([setting["placed"]["hkl"] for setting in stored.record["settings"]])
    spread = np.ptp(placed, axis=0) + 1e-9 * np.array([3, 2, 1])
    x, y = sorted(np.argsort(spread)[::-1][:2].tolist())
    third = 3 - x - y
    u, v, origin = np.eye(3)[x], np.eye(3)[y], np.zeros(3)
    origin[third] = np.median(placed[:, third])
    words = [word for text in targets for word in text.split()]
    energies = [word for word in words if word.startswith("energy=")]
    branches = [word for word in words if word.startswith("branch=")]
    modes = (*energies, *branches, MapSettings.modes)[0]
    return MapSettings(_three(u), _three(v), _three(origin), modes=modes)


def settings_of_instrument(instrument: Instrument) -> MapSettings:
    """The plane of the two reference reflections: along the axes of the cell where it holds two."""
    first, second = (
        np.asarray(reflection.hkl, dtype=float)
        for reflection in (instrument.orientation.or0, instrument.orientation.or1)
    )
    absent = np.flatnonzero((first == 0) & (second == 0))
    if absent.size:
        x, y = (axis for axis in range(3) if axis != absent[0])
        return MapSettings(_three(np.eye(3)[x]), _three(np.eye(3)[y]))
    return MapSettings(_three(first), _three(second))


def _three(values: FloatArray) -> _Three:
    return float(values[0]), float(values[1]), float(values[2])


def window_of_plan(settings: MapSettings, lattice: Lattice, stored: StoredPlan) -> Window:
    """The part of the plane that holds what the analyzers see at the settings of a plan."""
    seen = [picture.footprint.hkl for picture in stored.pictures.settings]
    placed = np.array([s["placed"]["hkl"] for s in stored.record["settings"]])
    xy, _ = settings.plane.places(lattice, np.concatenate([placed, *seen]))
    low, high = xy.min(axis=0) - _MARGIN, xy.max(axis=0) + _MARGIN
    return float(low[0]), float(high[0]), float(low[1]), float(high[1])


def window_of_reach(settings: MapSettings, instrument: Instrument) -> Window:
    """The part of the plane within the longest |Q| that the arm reaches."""
    from simulate.planning.placement import longest_q

    plane, lattice = settings.plane, instrument.orientation.lattice
    longest = longest_q(instrument)
    sides = lattice.q_cartesian(np.array([plane.u, plane.v]))
    centre, off = plane.places(lattice, np.zeros(3))
    radius = np.sqrt(max(longest**2 - float(off) ** 2, 0.0))
    # A circle of this radius in Å⁻¹ reaches as far along x as its extent over the dual axis.
    reach = radius * np.linalg.norm(np.linalg.pinv(sides), axis=0)
    if not (reach > 0).all():
        raise InputError(
            "the plane lies beyond the longest Q of the arm",
            key="plane",
            found=f"{abs(float(off)):.3g} Å⁻¹ from Q = 0",
            expected=f"less than {longest:.3g} Å⁻¹",
        )
    low, high = centre - reach, centre + reach
    return float(low[0]), float(high[0]), float(low[1]), float(high[1])


@dataclass(frozen=True)
class MapRequest:
    """A map to compute.

    Parameters
    ----------
    settings : MapSettings
    window : Window
    instrument : Instrument
    beamtime : Beamtime or None
        Without it only the reach is worked out.
    values : mapping
        Degrees of the frozen angles.
    scan_mev : (n,) array or None
        Points of the scan for the hours; default one that holds all modes.
    """

    settings: MapSettings
    window: Window
    instrument: Instrument
    beamtime: Beamtime | None = None
    values: Mapping[str, float] = field(default_factory=dict)
    scan_mev: FloatArray | None = None

    def axes(self) -> tuple[FloatArray, FloatArray]:
        """(nx,), (ny,) centres of the bins, about as wide as high in reciprocal space."""
        x0, x1, y0, y1 = self.window
        if not all(abs(end) < _WIDEST for end in self.window):
            raise InputError("the view is too wide for a map", key="map", hint="zoom in")
        lattice, settings = self.instrument.orientation.lattice, self.settings
        wide = (x1 - x0) * float(lattice.q_abs(settings.u))
        high = (y1 - y0) * float(lattice.q_abs(settings.v))
        step = max(wide, high) / settings.points
        nx, ny = (max(round(side / step), 2) for side in (wide, high))
        return _centers(x0, x1, nx), _centers(y0, y1, ny)


def _centers(low: float, high: float, number: int) -> FloatArray:
    half = (high - low) / number / 2
    return np.linspace(low + half, high - half, number)


@dataclass(frozen=True)
class PlaneMap:
    """A map of a plane.

    Parameters
    ----------
    request : MapRequest
    x, y : (nx,), (ny,) arrays
        Centres of bins.
    reachable : (nx, ny) bool array
        Whether the arm's centre reaches the point.
    values : (nx, ny) array or None
    label : str
        What the values are.
    bragg : (n, 2) array
        Places of reciprocal lattice vectors in the plane.
    """

    request: MapRequest
    x: FloatArray
    y: FloatArray
    reachable: BoolArray
    values: FloatArray | None
    label: str
    bragg: FloatArray

    @property
    def reachable_hkl(self) -> FloatArray:
        """(n, 3) the points that are reached."""
        x, y = np.nonzero(self.reachable)
        return self.request.settings.plane.hkl(self.x[x], self.y[y])

    def at(self, x: float, y: float) -> tuple[bool, float] | None:
        """Whether the bin at a place is reached, and its value; None beside the map."""
        i, j = (
            int(np.floor((place - centers[0]) / (centers[1] - centers[0]) + 0.5))
            for place, centers in ((x, self.x), (y, self.y))
        )
        if not (0 <= i < self.x.size and 0 <= j < self.y.size):
            return None
        value = np.nan if self.values is None else float(self.values[i, j])
        return bool(self.reachable[i, j]), value


def compute_map(
    request: MapRequest, *, progress: Progress | None = None, cancel: CancelToken | None = None
) -> PlaneMap:
    """Reach and values over a plane; importable, for a process.

    Raises
    ------
    InputError
        Directions that span no plane, modes that are not understood or not there.
    """
    from simulate.planning import Goal, longest_q, parse_wish
    from simulate.planning.plan import whole_scan
    from simulate.planning.plane import hours_in_plane, intensity_in_plane, reach_in_plane

    settings, beamtime = request.settings, request.beamtime
    plane = settings.plane
    x, y = request.axes()
    wish = parse_wish(f"q=(0,0,0) {settings.modes}") if beamtime is not None else None
    reached = reach_in_plane(request.instrument, plane, x, y, request.values, progress, cancel)
    if beamtime is None or wish is None:
        return PlaneMap(request, x, y, reached, None, "", np.zeros((0, 2)))
    if settings.quantity == "intensity":
        values = intensity_in_plane(beamtime, plane, x, y, wish, progress, cancel)
    else:
        scan = whole_scan(beamtime) if request.scan_mev is None else request.scan_mev
        goal = Goal(sigma_energy_mev=settings.sigma_energy_mev)
        values = hours_in_plane(
            beamtime, plane, x, y, wish, scan, goal, request.values, progress, cancel
        )
    bragg = plane.reciprocal_vectors(beamtime.symmetry, longest_q(request.instrument))
    places, _ = plane.places(request.instrument.orientation.lattice, bragg)
    # The window does not need to know the phonons once the map is there.
    return PlaneMap(
        replace(request, beamtime=None), x, y, reached, values, value_label(settings), places
    )


def value_label(settings: MapSettings) -> str:
    """What the colours are."""
    name, _, numbers = settings.modes.partition("=")
    kind = {"energy": "energies", "e": "energies"}.get(name.lower(), "branches")
    what = f"{kind} {numbers}" + (" meV" if kind == "energies" else "")
    if settings.quantity == "intensity":
        return f"Intensity of {what}, energy loss; grey: out of reach"
    wanted = f"Hours to σ(E) = {settings.sigma_energy_mev:g} meV, {what}"
    return f"{wanted}; blank: never, grey: out of reach"
