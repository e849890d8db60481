"""The same run in several formats gives the same arrays."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from ixs_core.errors import InputError
from simulate.md.formats import file_bytes, text_frames
from simulate.md.reading import open_trajectory, read_trajectory
from simulate.md.store import write_store
from tests.simulate.md.trajectory_files import (
    TRICLINIC,
    TYPES,
    box_lines,
    small_run,
    write_extended_xyz,
    write_h5md,
    write_lammps,
    write_vasprun,
    write_xdatcar,
)

COLUMNS = (
    "id type xu yu zu vx vy vz",
    "id element x y z ix iy iz vx vy vz",
    "type id q xs ys zs vx vy vz",
    "xsu ysu zsu id vz vy vx type",
    "id type x y z vx vy vz",
    "id type xs ys zs ix iy iz vx vy vz",
)


@pytest.mark.parametrize("columns", COLUMNS)
@pytest.mark.parametrize("cell", [None, TRICLINIC], ids=["orthogonal", "triclinic"])
def test_lammps_columns(tmp_path: Path, columns: str, cell: np.ndarray | None) -> None:
    run = small_run() if cell is None else small_run(cell)
    path = write_lammps(tmp_path / "dump.lammpstrj", run, columns)
    trajectory = read_trajectory(path, TYPES, 10.0)
    block = trajectory.read()
    expected = run.positions.copy()
    if not any(name in columns for name in ("ix", "xu", "xsu")):  # unwrapped from frame 0 on
        expected -= run.images[0] @ run.cell
    assert trajectory.species == run.species
    np.testing.assert_allclose(trajectory.cell, run.cell, atol=1e-12)
    np.testing.assert_allclose(block.positions, expected, atol=2e-8)
    np.testing.assert_array_equal(block.velocities, run.velocities)
    assert not trajectory.varying_cell


def test_formats_give_identical_arrays(tmp_path: Path) -> None:
    run = small_run()
    paths = (
        write_lammps(tmp_path / "dump.lammpstrj", run, "id type x y z vx vy vz"),
        write_lammps(tmp_path / "dump.lammpstrj.gz", run, "id type x y z vx vy vz"),
        write_h5md(tmp_path / "dump.h5", run),
        write_extended_xyz(tmp_path / "dump.xyz", run),
    )
    first, *others = (read_trajectory(path, TYPES, 10.0) for path in paths)
    expected = first.read()
    np.testing.assert_allclose(
        expected.positions, run.positions - run.images[0] @ run.cell, atol=2e-8
    )
    for other in others:
        block = other.read()
        assert (other.species, other.n_frames, other.dt_fs) == (first.species, 300, 10.0)
        np.testing.assert_array_equal(block.positions, expected.positions)
        np.testing.assert_allclose(block.velocities, expected.velocities, rtol=0, atol=1e-14)
        np.testing.assert_array_equal(block.cells, expected.cells)


def test_images_of_h5md_are_those_of_the_text(tmp_path: Path) -> None:
    run = small_run()
    text = write_lammps(tmp_path / "a.dump", run, "id type x y z ix iy iz vx vy vz")
    blocks = [
        read_trajectory(path, TYPES, 10.0).read(17, 60)
        for path in (text, write_h5md(tmp_path / "a.h5", run, images=True))
    ]
    np.testing.assert_array_equal(blocks[0].positions, blocks[1].positions)
    np.testing.assert_allclose(blocks[0].positions, run.positions[17:60], atol=2e-8)


def test_xdatcar(tmp_path: Path) -> None:
    run = small_run(TRICLINIC, 40)
    trajectory = read_trajectory(write_xdatcar(tmp_path / "XDATCAR", run), dt_fs=10.0)
    order = np.argsort(run.species, kind="stable")
    expected = run.positions - run.images[0] @ run.cell
    assert trajectory.species == tuple(sorted(run.species))
    assert not trajectory.has_velocities
    np.testing.assert_allclose(trajectory.read().positions, expected[:, order], atol=1e-7)


def test_vasprun(tmp_path: Path) -> None:
    run = small_run(TRICLINIC, 8)
    trajectory = read_trajectory(write_vasprun(tmp_path / "vasprun.xml", run))
    expected = run.positions - run.images[0] @ run.cell
    assert (trajectory.dt_fs, trajectory.species) == (10.0, run.species)
    np.testing.assert_allclose(trajectory.read().positions, expected, atol=1e-8)
    text = (tmp_path / "vasprun.xml").read_text()
    (tmp_path / "cut.xml").write_text(text[: text.rindex("<scstep>")])
    cut = read_trajectory(tmp_path / "cut.xml")
    assert cut.n_frames == 7
    assert any("ends early" in note for note in cut.notes)
    for wrong, message in (
        (text[:300], "no complete step"),
        (text.replace("<v>0.", "<v>x."), "not a number"),
        (text.replace("<rc><c>Cs</c><c>1</c></rc>", "", 1), "does not fit"),
    ):
        (tmp_path / "wrong.xml").write_text(wrong)
        with pytest.raises(InputError, match=message):
            read_trajectory(tmp_path / "wrong.xml")


def test_ase_trajectory(tmp_path: Path) -> None:
    from ase import Atoms, units
    from ase.io import write

    run = small_run(TRICLINIC, 5)
    frames = [
        Atoms(
            run.species,
            positions=r,
            cell=run.cell,
            pbc=True,
            velocities=v / (1000.0 * units.fs),
        )
        for r, v in zip(run.positions, run.velocities, strict=True)
    ]
    write(tmp_path / "run.traj", frames)
    trajectory = read_trajectory(tmp_path / "run.traj", dt_fs=10.0)
    block = trajectory.read(1, 4, np.array([3, 0]))
    np.testing.assert_allclose(block.positions, run.positions[1:4][:, [3, 0]], atol=1e-12)
    np.testing.assert_allclose(block.velocities, run.velocities[1:4][:, [3, 0]], atol=1e-12)


def test_other_formats_through_mdanalysis(tmp_path: Path) -> None:
    mdanalysis = pytest.importorskip("MDAnalysis")
    run = small_run(n_frames=6)
    universe = mdanalysis.Universe.empty(12, trajectory=True, velocities=True)
    universe.add_TopologyAttr("elements", list(run.species))
    path = tmp_path / "run.trr"
    with mdanalysis.Writer(str(path), 12) as writer:
        for frame, positions in enumerate(run.positions):
            universe.atoms.positions = positions
            universe.atoms.velocities = run.velocities[frame]
            universe.dimensions = [8.0, 9.0, 7.5, 90, 90, 90]
            universe.trajectory.ts.data["time"] = universe.trajectory.ts.time = frame * 0.01
            writer.write(universe.atoms)
    topology = write_extended_xyz(tmp_path / "names.xyz", run)
    trajectory = read_trajectory(path, dt_fs=10.0, topology=topology, type_map=None)
    np.testing.assert_allclose(trajectory.read().positions, run.positions, atol=1e-5)
    np.testing.assert_allclose(trajectory.read(2, 4).velocities, run.velocities[2:4], atol=1e-5)
    with pytest.raises(InputError, match="topology"):
        read_trajectory(path, dt_fs=10.0)


def test_frames_and_atoms_in_any_order(tmp_path: Path) -> None:
    run = small_run(n_frames=600)
    path = write_lammps(tmp_path / "a.dump", run, "id type xs ys zs vx vy vz")
    trajectory = read_trajectory(path, TYPES, 10.0)
    expected = run.positions - run.images[0] @ run.cell
    copy = pickle.loads(pickle.dumps(trajectory))  # noqa: S301
    for source in (trajectory, copy):
        for start, stop in ((550, 560), (0, 3), (300, 310), (310, 320), (257, 258)):
            atoms = np.array([5, 2, 11])
            block = source.read(start, stop, atoms)
            assert block.start == start
            np.testing.assert_allclose(block.positions, expected[start:stop][:, atoms], atol=2e-8)
            np.testing.assert_array_equal(block.velocities, run.velocities[start:stop][:, atoms])
    parts = [block.positions for block in trajectory.blocks(64)]
    np.testing.assert_allclose(np.concatenate(parts), expected, atol=2e-8)


def test_threads_read_the_same(tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    run = small_run(n_frames=600)
    path = write_lammps(tmp_path / "a.dump.gz", run, "id type xs ys zs")
    trajectory = read_trajectory(path, TYPES, 10.0)
    starts = [500, 0, 300, 100, 400, 200, 550, 50]
    with ThreadPoolExecutor(4) as pool:
        blocks = list(pool.map(lambda start: trajectory.read(start, start + 50), starts))
    expected = run.positions - run.images[0] @ run.cell
    for start, block in zip(starts, blocks, strict=True):
        np.testing.assert_allclose(block.positions, expected[start : start + 50], atol=2e-8)


def test_gzip_is_read_backwards(tmp_path: Path) -> None:
    run = small_run(n_frames=30)
    path = write_lammps(tmp_path / "a.dump.gz", run, "id type xu yu zu")
    trajectory = read_trajectory(path, TYPES, 10.0)
    for frame in (25, 3, 29, 0):
        block = trajectory.read(frame, frame + 1)
        np.testing.assert_array_equal(block.positions[0], run.positions[frame])


def test_corner_units_times_and_general_box(tmp_path: Path) -> None:
    """Units real, ITEM: TIME, a box whose corner is not the origin, `abc origin` bounds."""
    run = small_run(TRICLINIC, 4)
    corner = np.array([-1.0, 2.0, 0.5])
    frames = []
    for frame, positions in enumerate(run.positions):
        rows = [
            f"{index + 1} {name} "
            + " ".join(f"{value:.8f}" for value in r + corner)
            + " "
            + " ".join(f"{value / 1000:.11f}" for value in v)
            for index, (name, r, v) in enumerate(
                zip(run.species, positions, run.velocities[frame], strict=True)
            )
        ]
        general = [
            " ".join(f"{value:.8f}" for value in (*run.cell[k], corner[k])) for k in range(3)
        ]
        box = (
            ["ITEM: BOX BOUNDS abc origin pp pp pp", *general]
            if frame % 2
            else box_lines(run.cell, corner)
        )
        head = ["ITEM: UNITS", "real"] if frame == 0 else []
        frames += [
            *(*head, "ITEM: TIME", f"{frame * 10.0!r}", "ITEM: TIMESTEP", str(frame * 20)),
            *("ITEM: NUMBER OF ATOMS", str(len(rows)), *box),
            *("ITEM: ATOMS id element xu yu zu vx vy vz", *rows),
        ]
    path = tmp_path / "real.dump"
    path.write_text("\n".join(frames) + "\n")
    trajectory = read_trajectory(path)
    assert trajectory.dt_fs == pytest.approx(10.0)
    assert "positions count from the corner of the box" in trajectory.notes
    np.testing.assert_allclose(trajectory.cell, run.cell, atol=1e-12)
    np.testing.assert_allclose(trajectory.read().positions, run.positions, atol=1e-7)
    np.testing.assert_allclose(trajectory.read().velocities, run.velocities, atol=1e-9)


def test_changing_cell(tmp_path: Path) -> None:
    """Fractional positions that stay still move with the cell; the mean cell is given."""
    run = small_run(n_frames=1)
    parts = []
    for frame in range(5):
        cell = run.cell * (1 + 0.01 * frame)
        grown = replace(run, cell=cell, positions=run.positions * (1 + 0.01 * frame))
        (tmp_path / "part").write_text("")
        write_lammps(tmp_path / "part", grown, "id type xs ys zs", shuffled=False)
        parts.append((tmp_path / "part").read_text().replace("TIMESTEP\n0", f"TIMESTEP\n{frame}"))
    path = tmp_path / "npt.dump"
    path.write_text("".join(parts))
    trajectory = read_trajectory(path, TYPES, 1.0)
    assert trajectory.varying_cell
    assert any("cell varies" in note for note in trajectory.notes)
    np.testing.assert_allclose(trajectory.cell, run.cell * 1.02, rtol=1e-12)
    block = trajectory.read()
    np.testing.assert_allclose(block.cells[4], run.cell * 1.04, rtol=1e-12)
    np.testing.assert_allclose(block.positions[4], block.positions[0] * 1.04, atol=1e-8)
    write_store(trajectory, tmp_path / "npt.h5")
    stored = read_trajectory(tmp_path / "npt.h5")
    assert stored.varying_cell
    np.testing.assert_allclose(stored.read().positions, block.positions, atol=1e-5)
    np.testing.assert_array_equal(stored.read(1, 3).cells, block.cells[1:3])


def test_cscu2i3_layouts(shared_data: Path) -> None:
    """u² of Cu at 286 and 597 K as the data's own description has it, from both layouts."""
    folder = shared_data / "cscu2i3" / "md"
    stated = {
        "md_300K_2x2x3": ((0.031, 0.034, 0.066), 0.10, 20.0, 831),
        "md_600K_small": ((0.081, 0.079, 0.116), 0.15, 40.0, 200),
    }
    for name, (expected, tolerance, dt_fs, frames) in stated.items():
        trajectory = read_trajectory(folder / f"{name}.h5")
        block = trajectory.read(atoms=trajectory.atoms_of("Cu"))
        assert (trajectory.n_frames, trajectory.dt_fs) == (frames, dt_fs)
        assert [trajectory.species.count(name) for name in ("Cs", "Cu", "I")] == [48, 96, 144]
        u2 = block.positions.var(axis=0).mean(axis=0)
        np.testing.assert_allclose(u2, expected, rtol=tolerance)
        assert trajectory.reference is not None
        assert np.abs(trajectory.read(0, 1).positions[0] - trajectory.reference).max() < 2.0
        assert not [note for note in trajectory.notes if "fit" in note]


def test_xdatcar_of_vasp(shared_data: Path) -> None:
    """Against ASE on a file of an ion conductor."""
    from ase.io import iread

    path = shared_data / "md" / "kinisi" / "example_XDATCAR.gz"
    raw = open_trajectory(path)
    block = raw.source.read(0, 8)
    for frame, atoms in zip(range(8), iread(path, format="vasp-xdatcar"), strict=False):
        np.testing.assert_allclose(block.positions[frame], atoms.positions, atol=1e-6)
    assert raw.n_frames == 140


@pytest.mark.parametrize("name", ["a.dump", "a.dump.gz"])
def test_frames_across_pieces_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Headers and tables that lie across the pieces in which a file is read."""
    run = small_run(n_frames=80)
    path = write_lammps(tmp_path / name, run, "id type xu yu zu vx vy vz")
    for size in (977, 2062, 5003):
        monkeypatch.setattr(file_bytes, "_CHUNK", size)
        monkeypatch.setattr(text_frames, "_BYTES_AT_ONCE", size)
        trajectory = read_trajectory(path, TYPES, 10.0)
        np.testing.assert_array_equal(trajectory.read().positions, run.positions)
        np.testing.assert_array_equal(trajectory.read().velocities, run.velocities)


def test_h5md_with_names_units_and_tilted_box(tmp_path: Path) -> None:
    """Species as an enumeration, lengths in nm, velocities in nm/ps, times in fs, fixed box."""
    run = small_run(TRICLINIC, 6)
    path = tmp_path / "names.h5"
    kinds = h5py.enum_dtype({"Cs": 5, "Cu": 1, "I": 9}, basetype=np.int32)
    with h5py.File(path, "w") as h5:
        group = h5.create_group("particles/ions")
        group.create_group("box").attrs["boundary"] = ["periodic", "periodic", "none"]
        group["box/edges"] = run.cell / 10
        numbers = [{"Cs": 5, "Cu": 1, "I": 9}[name] for name in run.species]
        group.create_dataset("species", data=np.array(numbers), dtype=kinds)
        for name, values, unit in (
            ("position", run.positions / 10, "nm"),
            ("velocity", run.velocities / 10, "nm ps-1"),
        ):
            item = group.create_group(name)
            item["value"] = values
            item["value"].attrs["unit"] = unit
            item["step"] = 4
            item["time"] = 10.0
            item["time"].attrs["unit"] = "fs"
    trajectory = read_trajectory(path)
    assert (trajectory.species, trajectory.dt_fs) == (run.species, 10.0)
    np.testing.assert_allclose(trajectory.cell, run.cell, atol=1e-12)
    np.testing.assert_allclose(trajectory.read().positions, run.positions, atol=1e-12)
    np.testing.assert_allclose(trajectory.read().velocities, run.velocities, atol=1e-12)
    with h5py.File(path, "r+") as h5:
        h5["particles/ions/position/value"].attrs["unit"] = "furlong"
    with pytest.raises(InputError, match="unit of length is not known"):
        read_trajectory(path)
