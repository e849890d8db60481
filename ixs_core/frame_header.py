"""What the header of a detector frame says: exposure, geometry, orientation. Text, never run.

Known are the comment lines of DECTRIS detectors (CBF and TIFF), Esperanto, and the keys of the
ESRF in EDF. What a header does not say, or says in a way that leaves it open, is None with the
reason in words.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ixs_core.errors import InputError
from ixs_core.frame_geometry import DetectorGeometry, Orientation

ORIENTATION_TYPE = "Q = R UB hkl, 1/A with 2pi; x: image rows, spindle; y: columns; z: beam"
"""`_diffrn_orient_matrix_type` of the one convention of UB that is understood."""

UB_NAMES = tuple(f"_diffrn_orient_matrix_UB_{row}{column}" for row in "123" for column in "123")
"""The nine elements of UB as the CIF dictionary names them, row by row."""

_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_MM = {"m": 1e3, "cm": 10.0, "mm": 1.0, "um": 1e-3}
_LARGEST_TILT_DEG = 1.0
_EXPOSURES = (
    *("Exposure_time", "TIME.dexposuretimeinsec", "ExposureTime", "exposure_time"),
    *("count_time", "acq_expo_time"),
)


@dataclass(frozen=True)
class FrameInfo:
    """What of a header is understood.

    Parameters
    ----------
    exposure_s : float or None
    start_deg, step_deg : float or None
        The turn of the crystal at the begin of the exposure, and during it.
    geometry : DetectorGeometry or None
    orientation : Orientation or None
    no_geometry, no_orientation : str
        Why it is None.
    """

    exposure_s: float | None = None
    start_deg: float | None = None
    step_deg: float | None = None
    geometry: DetectorGeometry | None = None
    orientation: Orientation | None = None
    no_geometry: str = ""
    no_orientation: str = ""


def header_texts(header: Mapping[Any, Any]) -> dict[str, str]:
    """A header as texts; comment lines ("# Exposure_time 1.0 s") become entries of their own."""
    texts: dict[str, str] = {}
    for key, value in header.items():
        text = str(value).strip()
        lines = [line.strip() for line in text.splitlines()]
        comments = [line.lstrip("# \t") for line in lines if line.startswith("#")]
        if not comments:
            texts[str(key)] = text
            continue
        for line in filter(None, comments):
            name, _, rest = line.partition(" ")
            texts[name.rstrip(":=")] = rest.strip(" =\t")
    return texts


def frame_info(header: Mapping[str, str]) -> FrameInfo:
    """What a header says, of texts as `header_texts` gives them."""
    start, step = _turn(header)
    geometry, no_geometry = _geometry(header)
    orientation, no_orientation = _orientation(header, start, step)
    return FrameInfo(
        exposure_s=_exposure(header),
        start_deg=start,
        step_deg=step,
        geometry=geometry,
        orientation=orientation,
        no_geometry=no_geometry,
        no_orientation=no_orientation,
    )


def _exposure(header: Mapping[str, str]) -> float | None:
    found = (_number(header.get(name, "")) for name in _EXPOSURES)
    return next((seconds for seconds in found if seconds is not None and seconds > 0), None)


def _turn(header: Mapping[str, str]) -> tuple[float | None, float | None]:
    start, step = (_number(header.get(n, "")) for n in ("Start_angle", "Angle_increment"))
    if start is not None:
        return start, step if step is not None else 0.0
    for axis in ("om", "ph"):
        begin = _number(header.get(f"STARTANGLESINDEG.d{axis}_s", ""))
        end = _number(header.get(f"ENDANGLESINDEG.d{axis}_e", ""))
        if begin is not None and end is not None and begin != end:
            return begin, end - begin
    return None, None


def _geometry(header: Mapping[str, str]) -> tuple[DetectorGeometry | None, str]:
    if "GONIOMODEL_1.ddistanceinmm" in header:
        return _of_esperanto(header)
    if "Detector_distance" in header or "Beam_xy" in header:
        return _of_dectris(header)
    if any(name in header for name in ("SampleDistance", "WaveLength", "Center_1")):
        return _of_esrf(header)
    return None, "the header has no geometry in a form that is known here"


def _made(
    wavelength: float | None,
    distance: float | None,
    pixel: tuple[float | None, float | None],
    beam: tuple[float | None, float | None],
    note: str = "",
) -> tuple[DetectorGeometry | None, str]:
    """The geometry, or what of it is missing; instruments write 0 for what they do not know."""
    named = {
        "wavelength": wavelength,
        "distance": distance,
        "size of a pixel": pixel[0] and pixel[1],
    }
    missing = [name for name, value in named.items() if not value or value <= 0]
    if beam[0] is None or beam[1] is None or (beam[0] == 0 and beam[1] == 0):
        missing.append("beam centre")
    if missing:
        return None, f"the header does not give: {', '.join(missing)}"
    sizes = (wavelength or 0.0, distance or 0.0, (pixel[0] or 0.0, pixel[1] or 0.0))
    centre = (beam[0] or 0.0, beam[1] or 0.0)
    try:
        return DetectorGeometry(*sizes, centre, note), ""
    except InputError as error:
        return None, f"the header's geometry cannot be: {error}"


def _of_dectris(header: Mapping[str, str]) -> tuple[DetectorGeometry | None, str]:
    """Comment lines: lengths in m with their unit, the beam in pixels from the first centre."""
    swing = _number(header.get("Detector_2theta", "")) or 0.0
    if abs(swing) > 1e-6:
        return None, f"the detector is swung by 2θ = {swing:g}°: not calculated here"
    beam = _numbers(header.get("Beam_xy", ""))
    pixel = header.get("Pixel_size", "")
    sides = [_length_mm(part, "m") for part in pixel.split("x")]
    return _made(
        _number(header.get("Wavelength", "")),
        _length_mm(header.get("Detector_distance", ""), "m"),
        (sides[0], sides[-1]),
        (beam[0], beam[1]) if len(beam) >= 2 else (None, None),
    )


def _of_esperanto(header: Mapping[str, str]) -> tuple[DetectorGeometry | None, str]:
    def value(name: str) -> float | None:
        return _number(header.get(name, ""))

    swing = value("STARTANGLESINDEG.dth_s") or 0.0
    if abs(swing) > 1e-6:
        return None, f"the detector is swung by θ = {swing:g}°: not calculated here"
    tilts = [value(f"GONIOMODEL_1.detectorrotindeg_{axis}") or 0.0 for axis in "xyz"]
    tilt = max(abs(angle) for angle in tilts)
    if tilt > _LARGEST_TILT_DEG:
        return None, f"the detector is tilted by {tilt:g}°: not calculated here"
    return _made(
        value("WAVELENGTH.dalpha1"),
        value("GONIOMODEL_1.ddistanceinmm"),
        (value("PIXELSIZE.drealpixelsizex"), value("PIXELSIZE.drealpixelsizey")),
        (value("GONIOMODEL_1.dxorigininpix"), value("GONIOMODEL_1.dyorigininpix")),
        f"a tilt of {tilt:.2g}° is neglected" if tilt > 0 else "",
    )


def _of_esrf(header: Mapping[str, str]) -> tuple[DetectorGeometry | None, str]:
    """Lengths in m; the first pixel's centre is 0.5 there, 0 here."""
    sizes = [_length_mm(header.get(f"PSize_{axis}", ""), "m") for axis in (1, 2)]
    centre = [_number(header.get(f"Center_{axis}", "")) for axis in (1, 2)]
    tilts = [_number(header.get(f"DetectorRotation_{axis}", "")) or 0.0 for axis in (1, 2, 3)]
    if max(abs(angle) for angle in tilts[:2]) > math.radians(_LARGEST_TILT_DEG):
        return None, "the detector is turned: not calculated here"
    wavelength = _length_mm(header.get("WaveLength", ""), "m")
    return _made(
        wavelength * 1e7 if wavelength is not None else None,
        _length_mm(header.get("SampleDistance", ""), "m"),
        (sizes[0], sizes[1]),
        (
            centre[0] - 0.5 if centre[0] is not None else None,
            centre[1] - 0.5 if centre[1] is not None else None,
        ),
    )


def _orientation(
    header: Mapping[str, str], start: float | None, step: float | None
) -> tuple[Orientation | None, str]:
    elements = [_number(header.get(name, "")) for name in UB_NAMES]
    if all(element is None for element in elements):
        return None, "the header has no orientation matrix"
    if " ".join(header.get("_diffrn_orient_matrix_type", "").split()) != ORIENTATION_TYPE:
        return None, "the header's orientation matrix is in a convention that is not known here"
    ub = np.array([np.nan if e is None else e for e in elements]).reshape(3, 3)
    if not np.isfinite(ub).all() or abs(np.linalg.det(ub)) < 1e-12:
        return None, "the header's orientation matrix is not whole"
    if start is None or step is None:
        return None, "the header does not say at which angle the crystal stood"
    group = header.get("_space_group_name_H-M_alt", "")
    return Orientation(ub, start, step, group), ""


def _numbers(text: str) -> list[float]:
    return [float(found) for found in _NUMBER.findall(text)]


def _number(text: str) -> float | None:
    """The first number of a text, finite, else None."""
    found = _NUMBER.search(text)
    value = float(found.group()) if found else math.nan
    return value if math.isfinite(value) else None


def _length_mm(text: str, unit: str) -> float | None:
    """A length in mm of "172e-6 m", "0.172_mm", or a bare number in `unit`."""
    found = _NUMBER.search(text)
    if found is None:
        return None
    named = re.match(r"[\s_]*([a-z]+)", text[found.end() :])
    factor = _MM.get(named.group(1) if named else unit, _MM[unit])
    return float(found.group()) * factor
