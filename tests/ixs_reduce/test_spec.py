"""The SPEC reader: real files against silx, and every fault a file can have."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ixs_core.errors import InputError
from ixs_reduce.formats import read_scans
from ixs_reduce.formats.spec import parse_spec
from tests.ixs_reduce.spec_text import GOOD, HEADER, LABELS, energies, row, scan


def codes(flags: object) -> set[str]:
    return {flag.code for flag in flags}  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["CdOsO.spec", "plexiglas_1.spec"])
def test_numbers_agree_with_silx(shared_data: Path, name: str) -> None:
    specfile = pytest.importorskip("silx.io.specfile")
    path = shared_data / "ixs" / name
    blocks, problems = parse_spec(path.read_text(), path)
    peer = specfile.SpecFile(str(path))
    assert not problems
    assert len(blocks) == len(peer)
    for block, other in zip(blocks, peer, strict=True):
        assert list(block.labels) == other.labels
        np.testing.assert_array_equal(block.columns, other.data)
        assert (block.number, block.occurrence) == (other.number, other.order)
        assert list(block.motors.values()) == [float(v) for v in other.motor_positions]


def test_repeated_headers_and_numbers_of_a_real_file(shared_data: Path) -> None:
    file = read_scans(shared_data / "ixs" / "CdOsO.spec")
    labels = [s.label for s in file.scans]
    assert len(labels) == 74
    assert labels.count("1") == labels.count("1.2") == 1
    second = file.scans[labels.index("1.2")]
    # its column set is another one than that of the scan before the new header
    assert second.scanned == "HerixE"
    assert second.source.line == 3725


def test_a_good_scan_is_read_whole() -> None:
    (block,), problems = parse_spec(GOOD)
    assert not problems
    assert not block.flags
    assert block.labels == LABELS
    np.testing.assert_array_equal(block.column("HerixE"), [-1, 0, 1])
    assert block.motors == {"HerixTTH": 20, "th": 10, "chi": 0, "phi": 5}
    assert block.header["T_Sample"] == 300.5
    assert block.lattice == (10.17, 10.17, 10.17, 90, 90, 90)
    assert [block.line_of(i) for i in range(3)] == [17, 18, 19]


def test_windows_line_ends_read_the_same() -> None:
    (one,), _ = parse_spec(GOOD)
    (two,), _ = parse_spec(GOOD.replace("\n", "\r\n"))
    np.testing.assert_array_equal(one.columns, two.columns)
    assert one.line == two.line
    assert two.header == one.header


def test_half_written_last_line_is_left_out_with_a_flag() -> None:
    text = HEADER + scan([*energies(-1, 0), row(1)[:14]]).rstrip("\n")
    (block,), problems = parse_spec(text)
    assert not problems
    assert block.points == 2
    (flag,) = block.flags
    assert flag.code == "half-written"
    assert "line (19)" in flag.message


def test_every_cut_of_a_growing_file_is_survived() -> None:
    text = GOOD + scan(energies(-1, 0, 1), number=2)
    whole, _ = parse_spec(text)
    for end in range(len(GOOD), len(text)):
        blocks, _ = parse_spec(text[:end])
        np.testing.assert_array_equal(blocks[0].columns, whole[0].columns)
        if len(blocks) == 2 and "Ana5" in blocks[1].labels:
            np.testing.assert_array_equal(
                blocks[1].columns[:4], whole[1].columns[:4, : blocks[1].points]
            )


def test_last_line_without_end_is_kept_and_flagged() -> None:
    (block,), _ = parse_spec(GOOD.rstrip("\n"))
    assert block.points == 3
    assert codes(block.flags) == {"unterminated"}


def test_wrong_count_in_a_line_names_file_line_and_label() -> None:
    bad = scan([row(-1), "0 300.0 10 1000 3", row(1)])
    blocks, problems = parse_spec(HEADER + bad + scan(energies(0, 1), number=2), "f.spec")
    assert [b.number for b in blocks] == [2]
    (error,) = problems
    assert error.line == 18
    assert error.key == "Ana5"
    assert "f.spec" in str(error)


def test_junk_in_a_line_names_the_label() -> None:
    bad = scan([row(-1), row(0).replace("1000", "1x00"), row(1)])
    _, (error,) = parse_spec(HEADER + bad)
    assert (error.line, error.key) == (18, "HM_IC2")
    assert "1x00" in str(error.found)


def test_repeated_scan_numbers_are_told_apart() -> None:
    blocks, _ = parse_spec(HEADER + scan(energies(0, 1)) * 2 + scan(energies(0), number=7))
    assert [b.label for b in blocks] == ["1", "1.2", "7"]


def test_motor_counts_that_disagree_are_flagged_and_paired() -> None:
    (block,), problems = parse_spec(HEADER + scan(energies(0, 1), positions="20 10 0"))
    assert not problems
    assert block.motors == {"HerixTTH": 20, "th": 10, "chi": 0}
    (flag,) = block.flags
    assert flag.code == "header-count"
    assert "#O0 names 4, #P0 gives 3" in flag.message


def test_names_with_single_blanks_stay_whole() -> None:
    header = HEADER.replace("phi\n", "phi\n#O1 Motor 169  Slit ana5\n")
    text = header + scan(energies(0)).replace("#P0", "#P1 7 8\n#P0")
    (block,), _ = parse_spec(text)
    assert block.motors["Motor 169"] == 7
    assert block.motors["Slit ana5"] == 8
    assert not block.flags


def test_duplicate_label_identical_is_quiet_and_different_is_flagged() -> None:
    labels = (*LABELS, "Seconds")
    same = scan([row(e) + " 10" for e in (0, 1)], labels=labels)
    other = scan([row(0) + " 10", row(1) + " 12"], number=2, labels=labels)
    (first, second), _ = parse_spec(HEADER + same + other)
    assert not first.flags
    (flag,) = second.flags
    assert flag.code == "duplicate-label"
    assert "the first column is used" in flag.message
    assert flag.points == (1,)
    np.testing.assert_array_equal(second.column("Seconds"), [10, 10])


def test_a_scan_without_points_is_kept() -> None:
    blocks, problems = parse_spec(HEADER + scan([]) + scan(energies(0), number=2))
    assert not problems
    assert [b.points for b in blocks] == [0, 1]
    assert codes(blocks[0].flags) == {"no-points"}


def test_a_new_file_header_forgets_the_old_names() -> None:
    second = "#F again\n#E 2\n#O0 alpha  beta\n" + scan(energies(0), positions="1 2")
    blocks, _ = parse_spec(GOOD + second)
    assert blocks[1].motors == {"alpha": 1, "beta": 2}
    assert "T_Sample" not in blocks[1].header


def test_columns_may_change_order_between_scans() -> None:
    turned = tuple(reversed(LABELS))
    lines = [" ".join(reversed(row(e).split())) for e in (5, 6)]
    blocks, _ = parse_spec(GOOD + scan(lines, number=2, labels=turned))
    np.testing.assert_array_equal(blocks[1].column("HerixE"), [5, 6])


def test_multichannel_lines_are_counted_not_read() -> None:
    (block,), _ = parse_spec(HEADER + scan([row(0), "@A 1 2 3\\", "4 5 6", row(1)]))
    assert block.points == 2
    assert codes(block.flags) == {"mca"}


def test_text_outside_scans_is_reported() -> None:
    blocks, problems = parse_spec("garbage\n" + GOOD)
    assert len(blocks) == 1
    assert "before the first header" in str(problems[0])


@pytest.mark.parametrize("content", [b"", b"   \n"])
def test_empty_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "empty.spec"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"empty\.spec.*empty"):
        read_scans(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "PNG image"),
        (bytes(range(256)) * 4, "binary data"),
        (b"Dear diary, today we measured.\n", "text that begins"),
    ],
)
def test_wrong_file_type_is_named_whatever_its_suffix(
    tmp_path: Path, content: bytes, said: str
) -> None:
    path = tmp_path / "scan.spec"
    path.write_bytes(content)
    with pytest.raises(InputError, match=said):
        read_scans(path)


def test_spec_is_known_by_content(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    path.write_text(GOOD)
    assert read_scans(path).kind == "spec"


def test_headers_without_scans(tmp_path: Path) -> None:
    path = tmp_path / "a.spec"
    path.write_text(HEADER)
    with pytest.raises(InputError, match="no scan"):
        read_scans(path)


def test_no_such_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_scans(tmp_path / "absent")
    with pytest.raises(InputError, match="folder"):
        read_scans(tmp_path)
