"""Lines in Q of spectra: rows of an analyzer array, and places along a line."""

from __future__ import annotations

import numpy as np
import pytest

from ixs_core.arrays import FloatArray
from ixs_reduce import Spectrum
from ixs_reduce.q_path import QLine, against_q_abs, q_lines


def spectrum(q: FloatArray, analyzer: str, scan: str = "1") -> Spectrum:
    one = np.ones(3)
    return Spectrum(
        np.arange(3.0),
        one,
        one,
        q_hkl=(float(q[0]), float(q[1]), float(q[2])),
        q_abs=float(np.linalg.norm(q)),
        analyzer=analyzer,
        scan=scan,
    )


def array(scan: str = "1", tilt: float = 0.0) -> list[Spectrum]:
    """Four rows of seven analyzers, slightly bent as a real array is in reciprocal space."""
    return [
        spectrum(
            np.array([7.0 + 0.15 * i + tilt * j, 6.0 + 0.22 * i - 0.002 * i**2, 0.13 * j]),
            f"a{11 * j + i + 3:02d}",
            scan,
        )
        for j in range(4)
        for i in range(7)
    ]


@pytest.mark.parametrize("tilt", [0.0, 0.05])
def test_rows_of_an_array_are_lines(tilt: float) -> None:
    spectra = array(tilt=tilt)
    lines = q_lines(spectra, rows=True)
    assert [line.name for line in lines] == [
        "scan 1, a03–a09",
        "scan 1, a14–a20",
        "scan 1, a25–a31",
        "scan 1, a36–a42",
    ]
    assert sorted(place for line in lines for place in line.members) == list(range(28))
    for line in lines:
        assert (np.diff(line.position) > 0).all()


def test_scans_come_in_their_order() -> None:
    lines = q_lines([*array("4"), *array("2+3", 0.05)], rows=True)
    assert [line.name.split(",")[0] for line in lines] == ["scan 2+3"] * 4 + ["scan 4"] * 4


def test_places_along_a_line() -> None:
    spectra = [
        spectrum(np.array([5.5, 5.5, x]), "A", str(i)) for i, x in enumerate((5.2, 4.8, 5.0))
    ]
    (line,) = q_lines(spectra)
    assert line.members == (1, 2, 0)
    assert line.q_text == "(5.5, 5.5, ξ)"
    assert line.q_at(4.9) == pytest.approx([5.5, 5.5, 4.9])
    q = np.array([[5.5, 5.5, 4.9], [5.52, 5.5, 7.0], [5.7, 5.5, 5.0]])
    assert line.position_of(q) == pytest.approx([4.9, 7.0, np.nan], nan_ok=True)


def test_against_q_abs_there_are_no_places_in_hkl() -> None:
    (line,) = against_q_abs(array())
    assert isinstance(line, QLine)
    assert (np.diff(line.position) >= 0).all()
    assert line.q_at(5.0) is None
    assert np.isnan(line.position_of(np.zeros((2, 3)))).all()


def test_many_scattered_momenta_take_no_minutes() -> None:
    random = np.random.default_rng(1)
    spectra = [spectrum(random.uniform(0, 5, 3), "A", str(i)) for i in range(400)]
    assert q_lines(spectra)[0].direction is None or len(q_lines(spectra)[0].members) < 20
