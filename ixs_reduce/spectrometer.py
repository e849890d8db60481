"""Spectrometers: where the analyzers stand, what their slits accept, and the Q each one sees.

Analyzers sit on a sphere around the sample, in columns x (along tth) and rows z. An analyzer at
(x, z) mm from the arm's centre on a sphere of radius R stands at tth + atan2(x, R) and
gam + atan2(z, √(R² + x²)). **z counts downward**, like gam: on BL43LXU rows 1-3 sit above row 0.
Geometry after W. Zhao & A. Q. R. Baron's write-up of the SPring-8 six-circle code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from ixs_core import units
from ixs_core.errors import InputError
from ixs_reduce.circles import Angles, FloatArray
from ixs_reduce.energy import silicon_wavelength
from ixs_reduce.scan import Analyzer
from ixs_reduce.sixcircle import Limits, Orientation, hkl_of_detectors

BEAM_TILTS = {"mirror": -0.1719, "kb": -1.576}
"""mu in degrees of the incident beam: the usual mirrors, and the 3 µm KB focus."""

CRADLE_LIMITS: Limits = {"tth": (0.6, 52.0), "th": (-20.0, 26.0)}
"""Reach of BL43LXU's arm and Eulerian cradle in degrees."""

CRYOSTAT_LIMITS: Limits = {"chi": (-30.0, 30.0), "phi": (-10.0, 100.0)}
"""What the cryostat leaves of chi and phi, in addition, in degrees."""


@dataclass(frozen=True)
class Spectrometer:
    """An analyzer array on the arm of a six-circle instrument.

    Parameters
    ----------
    name : str
    analyzers : tuple of str
        Names, in the order of the beamline's table.
    x_mm, z_mm : tuples of float
        Position of each analyzer from the arm's centre: x along tth, z downward.
    radius_mm : float
        Distance from the sample to the analyzers.
    analyzer_size_mm : (H, V)
        Width and height of an analyzer (both the diameter of a round one).
    slit_radius_mm : (H, V) or None
        Distance from the sample to the slits; None where slits are never given.
    wavelength : float
        In Å.
    order : int or None
        n of Si(n n n), if it is such a reflection.
    mu : float
        Usual tilt of the incident beam, degrees.
    limits : mapping
        (lowest, highest) in degrees by circle.
    """

    name: str
    analyzers: tuple[str, ...]
    x_mm: tuple[float, ...]
    z_mm: tuple[float, ...]
    radius_mm: float
    analyzer_size_mm: tuple[float, float]
    slit_radius_mm: tuple[float, float] | None
    wavelength: float
    order: int | None = None
    mu: float = 0.0
    limits: Limits = field(default_factory=dict)

    @property
    def energy_kev(self) -> float:
        """Photon energy in keV."""
        return units.HC_KEV_ANGSTROM / self.wavelength

    @cached_property
    def arm_offsets(self) -> tuple[FloatArray, FloatArray]:
        """(n,) offsets in tth and (n,) in gam of the analyzers from the arm's centre, degrees."""
        x, z = np.array(self.x_mm), np.array(self.z_mm)
        return _arm_offsets(x, z, x, self.radius_mm)

    def accepted_mm(self, slits_mm: Sequence[float] | None) -> tuple[float, float]:
        """Width and height in mm that the slits (H, V gaps in mm) leave of each analyzer.

        min(gap R/R_slit, size) per direction; None means slits wide open.

        Raises
        ------
        InputError
            Not two positive gaps, or the distance of the slits is not known.
        """
        if slits_mm is None:
            return self.analyzer_size_mm
        if self.slit_radius_mm is None:
            raise InputError(
                "the distance of the slits from the sample is not known",
                key="slit_radius_mm",
                expected="[H, V] in mm in [spectrometer.analyzers]",
            )
        if len(slits_mm) != 2 or not all(gap > 0 for gap in slits_mm):
            raise InputError(
                "the slit gaps are not two positive lengths",
                key="slits_mm",
                found=list(slits_mm),
                expected="horizontal and vertical gap in mm, such as [60, 60]",
            )
        width, height = (
            min(gap * self.radius_mm / at, size)
            for gap, at, size in zip(
                slits_mm, self.slit_radius_mm, self.analyzer_size_mm, strict=True
            )
        )
        return width, height


@dataclass(frozen=True)
class AnalyzerTable:
    """What every analyzer sees at one setting.

    Parameters
    ----------
    names : tuple of str
    hkl : (n, 3) array
        r.l.u.
    q_abs : (n,) array
        |Q| in Å⁻¹.
    dq_horizontal, dq_vertical : (n, 3) arrays
        hkl(left) - hkl(right) and hkl(lower) - hkl(upper) edge of the accepted window, r.l.u.;
        left is the side of larger tth.
    """

    names: tuple[str, ...]
    hkl: FloatArray
    q_abs: FloatArray
    dq_horizontal: FloatArray
    dq_vertical: FloatArray

    @property
    def dq(self) -> FloatArray:
        """(n, 3) full width accepted per component, √(dq_horizontal² + dq_vertical²), r.l.u."""
        return np.hypot(self.dq_horizontal, self.dq_vertical)

    def analyzers(self) -> tuple[Analyzer, ...]:
        """The same as records of a scan."""
        return tuple(
            Analyzer(name, _three(hkl), float(length), _three(width))
            for name, hkl, length, width in zip(
                self.names, self.hkl, self.q_abs, self.dq, strict=True
            )
        )


def bl43lxu(order: int = 11) -> Spectrometer:
    """BL43LXU: 4 rows × 7 columns, arm centre at column 3 of row 0 (a06)."""
    positions = [(row, column) for row in range(4) for column in range(7)]
    return Spectrometer(
        name="bl43lxu",
        analyzers=tuple(
            f"a{11 * row + 6 + column - 3 - (row == 3):02d}" for row, column in positions
        ),
        x_mm=tuple(120.0 * (column - 3) for _, column in positions),
        z_mm=tuple(120.0 * (0 - row) for row, _ in positions),
        radius_mm=9800.0,
        analyzer_size_mm=(92.0, 87.0),
        slit_radius_mm=(8965.0, 8835.0),
        wavelength=silicon_wavelength(order),
        order=order,
        mu=BEAM_TILTS["mirror"],
        limits=CRADLE_LIMITS,
    )


def bl35xu(order: int = 11) -> Spectrometer:
    """BL35XU: 3 rows × 4 columns of round analyzers, arm centre between columns 1 and 2 of row 1.

    Its usual tilt of the beam and the limits of its circles are not published: mu is 0, and no
    position is excluded unless the user gives limits.
    """
    first_name = {0: 5, 1: 1, 2: 9}
    positions = [(row, column) for row in range(3) for column in range(4)]
    return Spectrometer(
        name="bl35xu",
        analyzers=tuple(f"a{first_name[row] + column:02d}" for row, column in positions),
        x_mm=tuple(120.0 * (column - 1.5) for _, column in positions),
        z_mm=tuple(120.0 * (1 - row) for row, _ in positions),
        radius_mm=9820.0,
        analyzer_size_mm=(95.0, 95.0),
        slit_radius_mm=(6012.5, 6012.5),
        wavelength=silicon_wavelength(order),
        order=order,
    )


_BUILDERS = {"bl43lxu": bl43lxu, "bl35xu": bl35xu}


def spectrometer_named(name: str, order: int = 11) -> Spectrometer:
    """A spectrometer by name.

    Raises
    ------
    InputError
        The name is unknown, or names an instrument whose geometry is not public (HERIX 30-ID:
        its files carry the Q of every analyzer, so they reduce without it).
    """
    if name.lower() == "herix30id":
        raise InputError(
            "the positions of the HERIX 30-ID analyzers (Ana1 .. Ana9) are not known here",
            key="spectrometer",
            found=name,
            expected=" or ".join(_BUILDERS),
            hint="give your own table of analyzers in [spectrometer]; "
            "to reduce HERIX scans no geometry is needed, the files carry every analyzer's hkl",
        )
    if name.lower() not in _BUILDERS:
        raise InputError(
            "no such spectrometer", key="spectrometer", found=name, expected=" or ".join(_BUILDERS)
        )
    return _BUILDERS[name.lower()](order)


def analyzer_q(
    spectrometer: Spectrometer,
    orientation: Orientation,
    angles: Angles,
    slits_mm: Sequence[float] | None = None,
    wavelength: float | None = None,
) -> AnalyzerTable:
    """The hkl, |Q| and accepted width of every analyzer with the circles at `angles`.

    Parameters
    ----------
    spectrometer : Spectrometer
    orientation : Orientation
    angles : Angles
        Of the arm's centre.
    slits_mm : (H, V), optional
        Slit gaps; wide open (the whole analyzer) when not given.
    wavelength : float, optional
        In Å, where it is not the spectrometer's.

    Raises
    ------
    InputError
        Slit gaps that are not positive.
    """
    wavelength = spectrometer.wavelength if wavelength is None else wavelength
    radius = spectrometer.radius_mm
    x, z = np.array(spectrometer.x_mm), np.array(spectrometer.z_mm)
    width, height = spectrometer.accepted_mm(slits_mm)

    def seen(at_x: FloatArray, at_z: FloatArray) -> FloatArray:
        # A displaced edge keeps the other angle of its analyzer's centre.
        tth, gam = _arm_offsets(at_x, at_z, x, radius)
        return hkl_of_detectors(orientation, wavelength, angles, angles.tth + tth, angles.gam + gam)

    centre = seen(x, z)
    return AnalyzerTable(
        names=spectrometer.analyzers,
        hkl=centre,
        q_abs=np.asarray(orientation.lattice.q_abs(centre)),
        dq_horizontal=seen(x + width / 2, z) - seen(x - width / 2, z),
        dq_vertical=seen(x, z - height / 2) - seen(x, z + height / 2),
    )


def _arm_offsets(
    x: FloatArray, z: FloatArray, centre_x: FloatArray, radius: float
) -> tuple[FloatArray, FloatArray]:
    tth = np.degrees(np.arctan2(x, radius))
    gam = np.degrees(np.arctan2(z, np.hypot(radius, centre_x)))
    return tth, gam


def _three(row: FloatArray) -> tuple[float, float, float]:
    return float(row[0]), float(row[1]), float(row[2])
