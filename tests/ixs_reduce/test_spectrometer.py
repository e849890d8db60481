"""The analyzer array against the beamline's printed diamond table and a real BL35XU table."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from ixs_core.errors import InputError
from ixs_core.lattice import Lattice
from ixs_reduce.circles import Angles, sample_rotation, scattering_vector
from ixs_reduce.sixcircle import angles_for
from ixs_reduce.spectrometer import analyzer_q, bl35xu, bl43lxu, spectrometer_named
from tests.ixs_reduce import diamond


def table(slits=(60.0, 60.0)):
    angles = angles_for(
        diamond.ORIENTATION, diamond.WAVELENGTH, (1.1, 1.1, 1.1), values={"mu": diamond.TILT}
    )
    return angles, analyzer_q(
        bl43lxu(), diamond.ORIENTATION, angles, slits, wavelength=diamond.WAVELENGTH
    )


def test_printed_angles():
    angles, _ = table()
    for name, printed in diamond.PRINTED_ANGLES.items():
        assert getattr(angles, name) == pytest.approx(printed, abs=1e-4)


@pytest.mark.parametrize("name", diamond.PRINTED_HKL)
def test_printed_hkl(name):
    _, seen = table()
    row = seen.hkl[seen.names.index(name)]
    np.testing.assert_allclose(row, diamond.PRINTED_HKL[name], atol=1e-4)


@pytest.mark.parametrize("name", diamond.PRINTED_Q_PER_NM)
def test_printed_lengths(name):
    _, seen = table()
    length = seen.q_abs[seen.names.index(name)]
    assert 10 * length == pytest.approx(diamond.PRINTED_Q_PER_NM[name], abs=1e-3)


def test_printed_width():
    _, seen = table()
    row = seen.dq[seen.names.index("a06")]
    np.testing.assert_allclose(row, diamond.PRINTED_DQ["a06"], atol=1e-4)


def test_names_of_bl43lxu():
    names = bl43lxu().analyzers
    expected = [*range(3, 10), *range(14, 21), *range(25, 32), *range(35, 42)]
    assert list(names) == [f"a{number:02d}" for number in expected]


def test_rows_stand_above_row_0_and_gam_counts_downward():
    used = bl43lxu()
    _, gam = used.arm_offsets
    index = used.analyzers.index("a35")
    assert gam[index] < 0
    assert scattering_vector(used.wavelength, 0.0, 0.0, gam[index])[2] > 0


def test_neighbours_are_one_pitch_apart_in_angle():
    used = bl43lxu()
    tth, gam = used.arm_offsets
    assert math.tan(math.radians(tth[4] - tth[3])) == pytest.approx(120 / 9800)
    assert math.tan(math.radians(gam[10] - gam[3])) == pytest.approx(-120 / 9800)


def test_width_is_the_derivative_times_the_accepted_angle():
    angles, seen = table((10.0, 20.0))
    step = 1e-4

    def hkl(tth=0.0, gam=0.0):
        shifted = Angles(**{**angles.as_dict(), "tth": angles.tth + tth, "gam": angles.gam + gam})
        q = scattering_vector(diamond.WAVELENGTH, shifted.tth, shifted.mu, shifted.gam)
        rotation = sample_rotation(angles.th, angles.chi, angles.phi)
        return np.linalg.solve(rotation @ diamond.ORIENTATION.ub_matrix, q)

    per_degree = [(hkl(tth=step) - hkl(tth=-step)), (hkl(gam=step) - hkl(gam=-step))]
    widths = [math.degrees(10 / 8965), math.degrees(20 / 8835)]
    expected = np.hypot(*(np.array(per_degree).T / (2 * step) * widths).T)
    np.testing.assert_allclose(seen.dq[3], expected, rtol=1e-5)


def test_slits_wider_than_the_analyzer_do_not_count():
    used = bl43lxu()
    assert used.accepted_mm(None) == (92.0, 87.0)
    assert used.accepted_mm((1e4, 1e4)) == (92.0, 87.0)
    assert used.accepted_mm((60, 1e4))[0] == pytest.approx(60 * 9800 / 8965)
    np.testing.assert_array_equal(table(None)[1].dq, table((200, 200))[1].dq)


def test_records_carry_the_same_numbers():
    _, seen = table()
    records = seen.analyzers()
    assert [record.name for record in records] == list(seen.names)
    assert records[5].q_hkl == tuple(seen.hkl[5])
    assert records[5].dq_hkl == tuple(seen.dq[5])


def test_bl35xu_reproduces_a_real_table(shared_data):
    """PbTe on BL35XU: all twelve published hkl follow from one rotation and one arm angle.

    The fit may turn the crystal but not mirror it, so a wrong sense of gam or of the rows cannot
    be absorbed; the table is rounded to 0.001.
    """
    text = (shared_data / "ixs" / "gpi.PbTe_sq_GL711_p0p55_RT").read_text()
    rows = re.findall(r'tf_(\d+)="A_\{\d+\} \(([\d.]+), ([\d.]+), ([\d.]+)\)"', text)
    published = {f"a{int(row[0]):02d}": np.array(row[1:], float) for row in rows}
    used, lattice = bl35xu(), Lattice.cubic(6.462)
    assert set(published) == set(used.analyzers)
    hkl = np.array([published[name] for name in used.analyzers])
    offsets = used.arm_offsets

    def misfit(x):
        q = scattering_vector(used.wavelength, x[3] + offsets[0], 0.0, offsets[1])
        return (lattice.hkl(Rotation.from_rotvec(x[:3]).apply(q)) - hkl).ravel()

    def best(sign):
        nonlocal offsets
        offsets = (used.arm_offsets[0], sign * used.arm_offsets[1])
        starts = Rotation.random(20, rng=np.random.default_rng(0)).as_rotvec()
        fits = [least_squares(misfit, [*start, 40.0]) for start in starts]
        return min(np.abs(fit.fun).max() for fit in fits)

    assert best(1) < 0.0015
    assert best(-1) > 0.02


def test_unknown_spectrometers_are_explained():
    with pytest.raises(InputError, match="HERIX"):
        spectrometer_named("herix30id")
    with pytest.raises(InputError, match="bl43lxu or bl35xu"):
        spectrometer_named("id28")
    with pytest.raises(InputError, match="positive"):
        bl43lxu().accepted_mm((0, 60))


def test_energy_of_the_order():
    assert bl43lxu(13).energy_kev == pytest.approx(25.701, abs=5e-4)
    assert spectrometer_named("BL35XU", 9).order == 9
