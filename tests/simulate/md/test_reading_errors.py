"""What readers say of files that are wrong, and what they mend."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from ixs_core.errors import Cancelled, InputError
from ixs_core.jobs import CancelToken
from simulate.md.reading import read_trajectory
from tests.simulate.md.trajectory_files import (
    TYPES,
    small_run,
    write_extended_xyz,
    write_h5md,
    write_lammps,
    write_xdatcar,
)

RUN = small_run(n_frames=6)
FULL = "id type xu yu zu vx vy vz"


def dump(path: Path, columns: str = FULL) -> tuple[Path, str]:
    """A dump in the order of ids, and its text."""
    write_lammps(path, RUN, columns, shuffled=False)
    return path, path.read_text()


def test_types_are_never_guessed(tmp_path: Path) -> None:
    path, _ = dump(tmp_path / "a.dump")
    with pytest.raises(InputError, match="types 1, 2, 3") as error:
        read_trajectory(path, dt_fs=10.0)
    assert 'type_map={1: "…"' in str(error.value)
    with pytest.raises(InputError, match="has not all types"):
        read_trajectory(path, {1: "Cs", 3: "I"}, 10.0)
    with pytest.raises(InputError, match=r"no chemical elements.*Qq"):
        read_trajectory(path, {1: "Cs", 2: "Qq", 3: "I"}, 10.0)
    assert read_trajectory(path, {"1": "Cs", "2": "Cu", "3": "I"}, 10.0).species == RUN.species
    with pytest.raises(InputError, match="types 1, 2, 3"):
        read_trajectory(write_h5md(tmp_path / "a.h5", RUN))


def test_elements_that_lammps_made_up(tmp_path: Path) -> None:
    path, text = dump(tmp_path / "a.dump", "id element type xu yu zu")
    for name in ("Cs", "Cu", "I"):
        text = text.replace(f" {name} ", " C ")
    path.write_text(text)
    with pytest.raises(InputError, match="every type is called C"):
        read_trajectory(path, dt_fs=10.0)
    assert read_trajectory(path, TYPES, 10.0).species == RUN.species


def test_elements_of_the_file_need_no_map(tmp_path: Path) -> None:
    path, _ = dump(tmp_path / "a.dump", "id element xu yu zu")
    assert read_trajectory(path, dt_fs=10.0).species == RUN.species


@pytest.mark.parametrize("lines", [1, 5, 9, 10, 20])
def test_cut_off_last_frame_of_a_dump(tmp_path: Path, lines: int) -> None:
    path, text = dump(tmp_path / "a.dump")
    rows = text.split("\n")
    per_frame = 9 + len(RUN.species)
    kept = "\n".join(rows[: 5 * per_frame + lines])
    for end in (kept, kept[:-3], kept + "\n"):
        path.write_text(end)
        trajectory = read_trajectory(path, TYPES, 10.0)
        assert trajectory.n_frames == 5
        assert any("cut off" in note for note in trajectory.notes)
        np.testing.assert_array_equal(trajectory.read().positions, RUN.positions[:5])


def test_cut_off_compressed_dump(tmp_path: Path) -> None:
    run = small_run(n_frames=200, n_atoms=200)
    path = write_lammps(tmp_path / "a.dump.gz", run, FULL)
    whole = path.read_bytes()
    path.write_bytes(whole[: 2 * len(whole) // 3])
    trajectory = read_trajectory(path, TYPES, 10.0)
    assert 100 < trajectory.n_frames < 160
    assert "the compressed file ends early" in trajectory.notes
    np.testing.assert_array_equal(trajectory.read().positions, run.positions[: trajectory.n_frames])


@pytest.mark.parametrize("write", [write_extended_xyz, write_xdatcar])
def test_cut_off_last_frame_of_others(
    tmp_path: Path, write: Callable[[Path, object], Path]
) -> None:
    path = write(tmp_path / "XDATCAR", RUN)
    text = path.read_text()
    for lines in (1, 2, 3, 9):
        path.write_text("\n".join(text.split("\n")[: -lines - 3]))
        trajectory = read_trajectory(path, dt_fs=10.0)
        assert trajectory.n_frames == 5
        assert any("cut off" in note for note in trajectory.notes)


@pytest.mark.parametrize(
    ("old", "new", "message", "line"),
    [
        ("8 3 ", "8 x3 ", None, None),  # a column that is not read
        ("VALUE", "nan", "not finite", 37),
        ("VALUE", "-inf", "not finite", 37),
        ("VALUE", "1.2.3", "not a number", 37),
        ("VALUE", "****", "not a number", 37),
        ("ROW", "", "ends early|too few", 37),
        ("ROW", "7 1 0 0 0 0 0 0", "stands twice", 37),
        ("ROW", "99 1 0 0 0 0 0 0", "first frame does not have", 37),
        ("ROW", "21 2 0 0 0", "too few columns", 37),
    ],
)
def test_wrong_rows_name_their_line(
    tmp_path: Path, old: str, new: str, message: str | None, line: int | None
) -> None:
    path, text = dump(tmp_path / "a.dump")
    rows = text.split("\n")
    row = 21 + 9 + 6  # second frame, seventh atom: line 37
    if old == "VALUE":
        rows[row] = " ".join([*rows[row].split()[:3], new, *rows[row].split()[4:]])
    elif old == "ROW":
        rows[row] = new
    path.write_text("\n".join(rows))
    trajectory = read_trajectory(path, TYPES, 10.0) if message is None else None
    if trajectory is not None:
        assert trajectory.n_frames == 6
        return
    with pytest.raises(InputError, match=message or "") as error:
        read_trajectory(path, TYPES, 10.0).read()
    assert error.value.line == line
    assert error.value.file == path


def test_what_changes_from_frame_to_frame(tmp_path: Path) -> None:
    path, text = dump(tmp_path / "a.dump")
    middle = text.index("ITEM: TIMESTEP", 100)
    for old, new, message in (
        ("ATOMS\n12", "ATOMS\n11", "number of atoms changes"),
        ("vx vy vz", "vx vy fz", "columns change"),
        ("TIMESTEP\n10\n", "TIMESTEP\n11\n", "equally far apart"),
        ("TIMESTEP\n10\n", "TIMESTEP\nten\n", "no header of a LAMMPS dump"),
        ("ITEM: BOX", "ITEM: FOX", "no header of a LAMMPS dump"),
    ):
        path.write_text(text[:middle] + text[middle:].replace(old, new, 1))
        with pytest.raises(InputError, match=message):
            read_trajectory(path, TYPES, 10.0)


def test_frames_written_twice_by_a_restart(tmp_path: Path) -> None:
    path, text = dump(tmp_path / "a.dump")
    frames = ["ITEM: TIMESTEP" + part for part in text.split("ITEM: TIMESTEP")[1:]]
    whole = frames[2]
    cut_off = whole[: len(whole) // 2] + "\n"
    for again in (whole, cut_off):
        path.write_text("".join([*frames[:2], again, *frames[2:]]))
        trajectory = read_trajectory(path, TYPES, 10.0)
        assert any("1 frames were left out" in note for note in trajectory.notes)
        np.testing.assert_array_equal(trajectory.read().positions, RUN.positions)


def test_dump_without_ids_positions_or_velocities(tmp_path: Path) -> None:
    path, _ = dump(tmp_path / "a.dump", "type xu yu zu")
    trajectory = read_trajectory(path, TYPES, 10.0)
    assert any("no column id" in note for note in trajectory.notes)
    assert not trajectory.has_velocities
    assert trajectory.read().velocities is None
    path, _ = dump(tmp_path / "b.dump", "id type vx vy vz")
    with pytest.raises(InputError, match="no positions") as error:
        read_trajectory(path, TYPES, 10.0)
    assert error.value.line == 9
    path, _ = dump(tmp_path / "c.dump", "id xu yu zu")
    with pytest.raises(InputError, match="neither elements nor types"):
        read_trajectory(path, TYPES, 10.0)


def test_time_step(tmp_path: Path) -> None:
    path, _ = dump(tmp_path / "a.dump")
    with pytest.raises(InputError, match=r"10 steps apart.*suggest 10 fs"):
        read_trajectory(path, TYPES)
    with pytest.raises(InputError, match=r"contradict.*about 10 fs"):
        read_trajectory(path, TYPES, 1.0)
    for wrong in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(InputError, match="not above 0"):
            read_trajectory(path, TYPES, wrong)
    with pytest.raises(InputError, match="units of the"):
        read_trajectory(path, TYPES, 10.0, units="real")
    with pytest.raises(InputError, match="metal or real"):
        read_trajectory(path, TYPES, 10.0, units="lj")
    doubtful = read_trajectory(path, TYPES, 15.0)
    assert any("fit 10 fs" in note for note in doubtful.notes)
    xyz = write_extended_xyz(tmp_path / "a.xyz", RUN)
    assert read_trajectory(xyz).dt_fs == pytest.approx(10.0)
    given = read_trajectory(xyz, dt_fs=10.5)
    assert given.dt_fs == 10.5
    assert any("the file says 10 fs" in note for note in given.notes)
    with pytest.raises(InputError, match="does not say"):
        read_trajectory(write_xdatcar(tmp_path / "XDATCAR", RUN))


def test_one_frame_needs_no_time_step(tmp_path: Path) -> None:
    trajectory = read_trajectory(
        write_lammps(tmp_path / "a.dump", small_run(n_frames=1), FULL), TYPES
    )
    assert trajectory.n_frames == 1
    assert any("one frame only" in note for note in trajectory.notes)


def test_wrong_extended_xyz(tmp_path: Path) -> None:
    path = write_extended_xyz(tmp_path / "a.xyz", RUN)
    text = path.read_text()
    for old, new, message in (
        ("Lattice=", "Latex=", "have no cell"),
        ('Lattice="8', 'Lattice="x', "nine numbers"),
        ('Lattice="8.00000000', 'Lattice="0.0', "nine numbers"),
        ("pos:R:3", "pos:R:2", "species or positions are missing"),
        ("species:S:1:", "", "species or positions are missing"),
        ("vel:R:3", "vel:R", "list of columns"),
        ("Cs ", "Zz ", "no chemical elements"),
    ):
        path.write_text(text.replace(old, new))
        with pytest.raises(InputError, match=message):
            read_trajectory(path)
    half = text.index("12\n", 10)
    for old, new, message in (
        ("12\n", "13\n", "number of atoms changes"),
        ("12\n", "twelve\n", "number of atoms is missing"),
        ("energy_atom:R:1", "mass:R:1", "columns change"),
        ("Time=10", "Time=11", "equally far apart"),
        ("Cu ", "nan ", None),
    ):
        path.write_text(text[:half] + text[half:].replace(old, new, 1))
        if message is None:
            read_trajectory(path)  # species of the first and the last frame are compared
            continue
        with pytest.raises(InputError, match=message):
            read_trajectory(path)


def test_wrong_hdf5(tmp_path: Path) -> None:
    path = write_h5md(tmp_path / "a.h5", RUN)
    with h5py.File(path, "r+") as h5:
        h5["particles/all/position/value"][5, 4, 1] = np.nan
    trajectory = read_trajectory(path, TYPES)
    with pytest.raises(InputError, match=r"not finite.*frame 5 .from 0., atom 5"):
        trajectory.read(2, 6)
    with h5py.File(path, "r+") as h5:
        del h5["particles/all/box/edges"]
    with pytest.raises(InputError, match="has no box"):
        read_trajectory(path, TYPES)
    with h5py.File(tmp_path / "b.h5", "w") as h5:
        h5["something"] = 1
    with pytest.raises(InputError, match="holds no trajectory"):
        read_trajectory(tmp_path / "b.h5")
    (tmp_path / "c.h5").write_bytes(path.read_bytes()[:3000])
    with pytest.raises(InputError, match="broken"):
        read_trajectory(tmp_path / "c.h5", TYPES)


def test_files_that_are_no_trajectory(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        read_trajectory(tmp_path / "none.dump")
    with pytest.raises(InputError, match="folder"):
        read_trajectory(tmp_path)
    for content, message in (
        (b"", "empty"),
        (b" \n", "empty"),
        (b"# spec file\n1 2 3\n", "neither a format"),
        (gzip.compress(b"ITEM: TIMESTEP\n0\n"), "header"),
        (b"12\nplain xyz\nCs 0 0 0\n", "have no cell"),
        (b"ITEM: TIMESTEP\n0\nITEM: NUMBER OF ATOMS\n", "header"),
    ):
        (tmp_path / "file").write_bytes(content)
        with pytest.raises(InputError, match=message):
            read_trajectory(tmp_path / "file")


def test_reading_can_be_cancelled(tmp_path: Path) -> None:
    path, _ = dump(tmp_path / "a.dump")
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        read_trajectory(path, TYPES, 10.0, cancel=token)
