"""SIMULATED detector frames of a turning crystal of CsCu2I3, as CBF files. Nothing was measured.

`write_frames` writes five frames of a small detector with a gap cross: Bragg spots of the
published 300 K structure by |F|², weak powder rings of the same structure, air scattering, the
shadow of a beam stop, Poisson noise. The header states the geometry the way DECTRIS detectors
do, and the orientation matrix by its CIF names.

From a checkout: python -m sample_data.simulate_frames -o frames/ --seed 0
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import math
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ixs_core.arrays import BoolArray, FloatArray, IntArray
from ixs_core.atomic import atomic_write
from ixs_core.crystal import Crystal
from ixs_core.frame_geometry import DetectorGeometry, Orientation, Spots, predict_spots
from ixs_core.frame_header import ORIENTATION_TYPE, UB_NAMES
from mem.model_structure import structure_factors
from mem.reflection_symmetry import multiplicity, unique_reflections
from sample_data.cscu2i3_structure import SPACE_GROUP, WAVELENGTH_ANGSTROM, refined_model

NOTE = "SIMULATED detector frames of CsCu2I3 at 300 K. Nothing in them was measured."
N_FRAMES = 5
STEP_DEG = 2.0
SHAPE = (600, 640)
GEOMETRY = DetectorGeometry(
    wavelength_angstrom=WAVELENGTH_ANGSTROM,
    distance_mm=150.0,
    pixel_mm=(0.172, 0.172),
    beam_px=(331.4, 291.7),
)
TEMPERATURE_K = 300.0
EXPOSURE_S = 1.0

_SETTING_DEG = (38.0, -21.0, 67.0)  # how the crystal is glued on, about x, y, z
_ROCKING_DEG = 0.3  # standard deviation of a reflection's turn
_SPOT_PX = 0.9  # standard deviation of a spot
_COUNTS_PER_E2 = 0.3  # of a spot's |F|²
_RING_COUNTS_PER_E2 = 1.5e-5  # of a ring's m|F|², at its middle
_RING_PX = 1.6
_RING_D_MIN = 0.5  # Å, beyond the corners of the detector
_STOP_PX = 17.0  # radius of the beam stop's shadow
_GAP_ROWS, _GAP_COLUMNS = slice(212, 229), slice(487, 494)


class _Scene(NamedTuple):
    """Spots of all frames with their counts, and the expected counts that all frames share."""

    spots: Spots
    counts: FloatArray
    still: FloatArray


def ub_matrix(crystal: Crystal) -> FloatArray:
    """UB of the simulated crystal in Å⁻¹ with 2π, in the axes of `ixs_core.frame_geometry`."""
    turned: FloatArray = np.eye(3)
    for axis, degrees in enumerate(_SETTING_DEG):
        cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
        one, other = (axis + 1) % 3, (axis + 2) % 3
        turn = np.eye(3)
        turn[one, one] = turn[other, other] = cosine
        turn[one, other], turn[other, one] = -sine, sine
        turned = turn @ turned
    return np.asarray(turned @ crystal.lattice.b_matrix)


def simulate_frame(number: int, seed: int = 0) -> IntArray:
    """Counts (600, 640) of frame `number`, from 0; -1 in the gaps; the same for the same seed."""
    return _frame(_scene(), number, seed)


def write_frames(folder: str | Path, seed: int = 0) -> list[Path]:
    """Write simulated_CsCu2I3_0001.cbf to …_0005.cbf into a folder.

    Parameters
    ----------
    folder : path
        Made when it is not there.
    seed : int
        Of the noise.

    Returns
    -------
    list of Path
        In the order of the turn.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    scene = _scene()
    paths = []
    for number in range(N_FRAMES):
        path = folder / f"simulated_CsCu2I3_{number + 1:04d}.cbf"
        _write(path, _frame(scene, number, seed), number)
        paths.append(path)
    return paths


def _scene() -> _Scene:
    crystal = refined_model(TEMPERATURE_K)
    whole = Orientation(ub_matrix(crystal), 0.0, N_FRAMES * STEP_DEG, SPACE_GROUP)
    spots = predict_spots(GEOMETRY, whole, SHAPE, margin_deg=4 * _ROCKING_DEG)
    counts = _COUNTS_PER_E2 * np.abs(structure_factors(crystal, spots.hkl)) ** 2
    ny, nx = SHAPE
    y, x = np.mgrid[:ny, :nx]
    radius = np.hypot(x - GEOMETRY.beam_px[0], y - GEOMETRY.beam_px[1])
    along = np.arange(0.0, radius.max() + 1, 0.5)
    still = 3.0 + 60.0 * np.exp(-radius / 45.0) + np.interp(radius, along, _rings(crystal, along))
    still[radius < _STOP_PX] = 0.05
    return _Scene(spots, counts, still)


def _rings(crystal: Crystal, radius_px: FloatArray) -> FloatArray:
    """Expected counts of the powder at these distances from the beam."""
    hkl = unique_reflections(crystal.symmetry, crystal.lattice, _RING_D_MIN)
    strength = np.abs(structure_factors(crystal, hkl)) ** 2
    strength = _RING_COUNTS_PER_E2 * strength * multiplicity(crystal.symmetry, hkl)
    spacing = np.asarray(crystal.lattice.d_spacing(hkl))
    theta = np.arcsin(GEOMETRY.wavelength_angstrom / (2 * spacing))
    ring_px = GEOMETRY.distance_mm * np.tan(2 * theta) / GEOMETRY.pixel_mm[0]
    apart = (radius_px[:, None] - ring_px) / _RING_PX
    return np.asarray(np.exp(-0.5 * apart**2) @ strength)


def _frame(scene: _Scene, number: int, seed: int) -> IntArray:
    expected = scene.still.copy()
    _add_spots(expected, scene, number)
    random = np.random.default_rng([seed, number])
    counts = random.poisson(expected).astype(np.int32)
    counts[_gaps()] = -1
    return counts


def _add_spots(expected: FloatArray, scene: _Scene, number: int) -> None:
    """Add to the expected counts what each spot gives during this frame."""
    spots, reach = scene.spots, 5
    begin, end = number * STEP_DEG, (number + 1) * STEP_DEG
    share = _normal((end - spots.phi_deg) / _ROCKING_DEG)
    share -= _normal((begin - spots.phi_deg) / _ROCKING_DEG)
    ny, nx = expected.shape
    for x, y, counts in zip(spots.x, spots.y, scene.counts * share, strict=True):
        left, top = max(0, round(x) - reach), max(0, round(y) - reach)
        columns = np.arange(left, min(nx, round(x) + reach + 1))
        rows = np.arange(top, min(ny, round(y) + reach + 1))
        shape = np.exp(-0.5 * ((rows - y) / _SPOT_PX) ** 2)[:, None]
        shape = shape * np.exp(-0.5 * ((columns - x) / _SPOT_PX) ** 2)
        height = counts / (2 * math.pi * _SPOT_PX**2)
        expected[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] += height * shape


def _normal(z: FloatArray) -> FloatArray:
    """The cumulative normal distribution."""
    from scipy.special import ndtr

    return np.asarray(ndtr(z))


def _gaps() -> BoolArray:
    gaps = np.zeros(SHAPE, dtype=bool)
    gaps[_GAP_ROWS] = gaps[:, _GAP_COLUMNS] = True
    return gaps


def _write(path: Path, counts: IntArray, number: int) -> None:
    """The file as DECTRIS detectors write it; fabio's own writer would put a random name in."""
    from fabio.compression import compByteOffset  # type: ignore[import-untyped]

    block = compByteOffset(counts)
    text = [
        "###CBF: VERSION 1.5, simulated by ixs-suite",
        f"data_{path.stem}",
        *_header(number),
        "_array_data.data",
        ";",
        *_binary_header(block),
        "",
    ]
    with atomic_write(path) as temporary, temporary.open("wb") as stream:
        stream.write("\r\n".join([*text, ""]).encode("ascii"))
        stream.write(b"\x0c\x1a\x04\xd5" + block)
        stream.write(b"\r\n--CIF-BINARY-FORMAT-SECTION----\r\n;\r\n")


def _header(number: int) -> list[str]:
    """Comment lines of the detector, and the orientation by its CIF names."""
    crystal = refined_model(TEMPERATURE_K)
    x, y = (f"{size * 1e-3:.3e} m" for size in GEOMETRY.pixel_mm)
    elements = zip(UB_NAMES, ub_matrix(crystal).ravel(), strict=True)
    return [
        "_array_data.header_contents",
        ";",
        "# Detector: SIMULATED",
        f"# Note: {NOTE}",
        f"# Pixel_size {x} x {y}",
        f"# Exposure_time {EXPOSURE_S:g} s",
        f"# Wavelength {GEOMETRY.wavelength_angstrom:g} A",
        f"# Detector_distance {GEOMETRY.distance_mm * 1e-3:g} m",
        "# Beam_xy ({:g}, {:g}) pixels".format(*GEOMETRY.beam_px),
        f"# Start_angle {number * STEP_DEG:g} deg.",
        f"# Angle_increment {STEP_DEG:g} deg.",
        "# Oscillation_axis X, along the rows",
        ";",
        f"_diffrn_orient_matrix_type '{ORIENTATION_TYPE}'",
        *(f"{name} {value:.8f}" for name, value in elements),
        f"_space_group_name_H-M_alt '{SPACE_GROUP}'",
        "",
    ]


def _binary_header(block: bytes) -> list[str]:
    digest = hashlib.md5(block, usedforsecurity=False).digest()
    ny, nx = SHAPE
    return [
        "--CIF-BINARY-FORMAT-SECTION--",
        "Content-Type: application/octet-stream;",
        '     conversions="x-CBF_BYTE_OFFSET"',
        "Content-Transfer-Encoding: BINARY",
        f"X-Binary-Size: {len(block)}",
        "X-Binary-ID: 1",
        'X-Binary-Element-Type: "signed 32-bit integer"',
        "X-Binary-Element-Byte-Order: LITTLE_ENDIAN",
        f"Content-MD5: {base64.b64encode(digest).decode()}",
        f"X-Binary-Number-of-Elements: {nx * ny}",
        f"X-Binary-Size-Fastest-Dimension: {nx}",
        f"X-Binary-Size-Second-Dimension: {ny}",
        "X-Binary-Size-Padding: 1",
    ]


def main() -> None:
    """Write the files from the command line."""
    parser = argparse.ArgumentParser(description=NOTE)
    parser.add_argument("-o", "--output", type=Path, default=Path(), help="folder")
    parser.add_argument("--seed", type=int, default=0, help="of the noise")
    arguments = parser.parse_args()
    for path in write_frames(arguments.output, arguments.seed):
        print(path)


if __name__ == "__main__":
    main()
