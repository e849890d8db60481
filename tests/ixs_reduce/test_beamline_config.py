"""The beamline's files: what is read is what stands there, writing and reading are inverse."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from ixs_core.errors import InputError
from ixs_reduce.beamline_config import (
    format_beamline_config,
    format_hkl_positions,
    is_beamline_config,
    mv_line,
    parse_beamline_config,
    read_beamline_config,
    read_hkl_positions,
    write_beamline_config,
    write_hkl_positions,
)
from ixs_reduce.circles import Angles
from ixs_reduce.spectrometer import analyzer_q, bl43lxu
from tests.ixs_reduce import diamond

SETTING = Angles(**diamond.PRINTED_ANGLES, mu=diamond.TILT)


def seen():
    return analyzer_q(bl43lxu(), diamond.ORIENTATION, SETTING, (60, 60), diamond.WAVELENGTH)


def test_reads_what_stands_there():
    config = parse_beamline_config(diamond.CONFIG)
    assert config.sample == "dia"
    assert config.wavelength == diamond.WAVELENGTH
    assert config.lattice.cell == (3.567, 3.567, 3.567, 90, 90, 90)
    assert config.or1.hkl == (2, 2, 0)
    assert config.or1.angles == Angles(26.1265, 13.0633, 1, 0, diamond.TILT, 0)
    assert config.azimuth_hkl == (0, 0, 1)
    assert config.limits == {"tth": (0.6, 52), "chi": (-30, 30)}
    np.testing.assert_allclose(
        config.orientation.ub_matrix, diamond.ORIENTATION.ub_matrix, atol=1e-12
    )


def test_round_trip_is_exact(tmp_path):
    config = parse_beamline_config(diamond.CONFIG)
    config = dataclasses.replace(
        config,
        sample="CsCu2I3 needle",
        or0=dataclasses.replace(config.or0, hkl=(1 / 3, 0.1 + 0.2, -1e-7)),
        limits={**config.limits, "phi": (-10.0, float("inf"))},
        other={"g_later": "some text"},
    )
    write_beamline_config(tmp_path / "a.conf", config)
    again = read_beamline_config(tmp_path / "a.conf")
    assert again == config
    assert format_beamline_config(again) == format_beamline_config(config)


def test_second_wavelength_azimuth_and_limits_may_be_missing():
    dropped = ("g_lambda1", "g_haz", "L_", "U_", "g_sample")
    lines = [line for line in diamond.CONFIG.splitlines() if not any(d in line for d in dropped)]
    config = parse_beamline_config("\n".join(lines))
    assert config.or1.wavelength == diamond.WAVELENGTH
    assert config.limits == {}


def test_small_letters_in_limits_and_comments_after_values():
    text = diamond.CONFIG.replace("GLOBAL L_TTH 0.600", "GLOBAL l_tth 0.6  # arm stop")
    assert parse_beamline_config(text).limits["tth"] == (0.6, 52)


def test_recognised_by_content():
    assert is_beamline_config(diamond.CONFIG)
    assert not is_beamline_config('[sample]\nname = "GLOBAL"\n')


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("GLOBAL g_u00 15.9114", "GLOBAL g_u00 15,9114", ["a.conf", "line 28", "g_u00", "15,9114"]),
        ("GLOBAL g_u00 15.9114", "GLOBAL g_u00", ["line 28", "GLOBAL key value"]),
        ("GLOBAL g_u00 15.9114", "", ["g_u00", "incomplete"]),
        ("GLOBAL g_u00 15.9114", "g_u00 15.9114", ["line 28", "GLOBAL key value"]),
        ("GLOBAL g_aa 3.567", "GLOBAL g_aa 0", ["a.conf", "g_aa", "cell"]),
        ("GLOBAL g_aa 3.567", "GLOBAL g_aa nan", ["g_aa", "not a number"]),
        ("GLOBAL g_bb 3.567", "GLOBAL g_aa 3.6", ["g_aa", "3.567 and 3.6"]),
        ("GLOBAL g_lambda0 0.570107", "GLOBAL g_lambda0 -1", ["wavelength", "g_lambda0"]),
        ("GLOBAL L_TTH 0.600", "GLOBAL L_TTH 60", ["L_TTH", "60 .. 52"]),
    ],
)
def test_bad_files_are_named(tmp_path, old, new, words):
    path = tmp_path / "a.conf"
    path.write_text(diamond.CONFIG.replace(old, new))
    with pytest.raises(InputError) as raised:
        read_beamline_config(path)
    for word in words:
        assert word in str(raised.value)


def test_binary_junk_is_named(tmp_path):
    path = tmp_path / "junk.conf"
    path.write_bytes(bytes(range(256)))
    with pytest.raises(InputError, match="not a text file"):
        read_beamline_config(path)


def test_mv_line():
    assert mv_line(SETTING, (60, 60)) == (
        "mv tth 17.5147 th 8.7573 chi 0.0565 phi 35.2001 agaph 60.0 agapv 60.0"
    )
    assert mv_line(Angles(1, 0.5, -1e-9, 0)) == "mv tth 1.0000 th 0.5000 chi 0.0000 phi 0.0000"


def test_hkl_positions_as_the_beamline_prints_them():
    lines = format_hkl_positions(seen(), (60, 60)).splitlines()
    assert lines[0] == 'hkl_a03 = "(0.958, 0.954, 0.994)"'
    assert lines[3] == 'hkl_a06 = "(1.100, 1.100, 1.100)"'
    assert sum(line.startswith("hkl_") for line in lines) == 28
    assert lines[-2].startswith('dq_Hav(60.0) = "(')
    assert lines[-1].startswith('dq_Vav(60.0) = "(')


def test_hkl_positions_round_trip(tmp_path):
    table = seen()
    write_hkl_positions(tmp_path / "gpi.hkl_pos", table, (60, 40), decimals=9)
    read = read_hkl_positions(tmp_path / "gpi.hkl_pos")
    assert tuple(read.hkl) == table.names
    np.testing.assert_allclose(list(read.hkl.values()), table.hkl, atol=1e-9)
    gap, mean = read.mean_dq["V"]
    assert gap == 40
    np.testing.assert_allclose(mean, table.dq_vertical.mean(axis=0), atol=1e-9)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('hkl_a03 = "(1, 2)"\n', ["line 1", "not understood"]),
        ('hkl_a03 = "(1, 2, x)"\n', ["line 1", "hkl_a03", "not a number"]),
        ('hkl_a03 = "(1, 2, 3)"\n\nhkl_a03 = "(1, 2, 4)"\n', ["line 3", "twice"]),
        ("", ["no analyzer"]),
    ],
)
def test_bad_hkl_positions_are_named(tmp_path, text, words):
    path = tmp_path / "gpi.hkl_pos"
    path.write_text(text)
    with pytest.raises(InputError) as raised:
        read_hkl_positions(path)
    for word in words:
        assert word in str(raised.value)
