"""The project file: what is written comes back, and nothing that goes wrong harms it."""

from __future__ import annotations

import errno
import io
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest

from ixs_core.enduring_file import EnduringFile
from ixs_core.errors import InputError, ProjectLockedError
from ixs_core.project import (
    Project,
    keep_history,
    list_history,
    list_results,
    read_provenance,
    read_result,
    write_result,
)
from ixs_core.provenance import Provenance, provenance_of

MADE = Provenance("ixs reduce", {"bin_mev": 0.5}, versions={"ixs-suite": "0"}, created="2025")
ENERGY = np.linspace(-10, 10, 41)
COUNTS = np.arange(41.0)


def write_spectrum(h5: h5py.File, key: str, counts: np.ndarray = COUNTS, **options: bool) -> None:
    write_result(
        h5,
        "spectra",
        key,
        {"energy_mev": ENERGY, "counts": counts, "analyzer": "Ana5", "flags": ["dead", "µ"]},
        provenance=MADE,
        attributes={"q_hkl": (1.0, 0.5, 0.0), "temperature_k": 300.0, "scan": "61", "no": None},
        units={"energy_mev": "meV"},
        signal="counts",
        axes=["energy_mev"],
        **options,
    )


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project(tmp_path / "project.h5")
    with project.writing() as h5:
        write_spectrum(h5, "61 Ana5")
    return project


def keys_of(project: Project) -> list[str]:
    with project.reading() as h5:
        return list_results(h5, "spectra")


def others_in(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir() if not p.name.endswith(".lock"))


def run(program: str, *arguments: str) -> subprocess.Popen[bytes]:
    head = "import sys, os, time\nfrom ixs_core.project import *\n"
    return subprocess.Popen(
        [sys.executable, "-c", head + program, *arguments], stdout=subprocess.PIPE
    )


def test_what_is_written_comes_back(project: Project) -> None:
    with project.reading() as h5:
        result = read_result(h5, "spectra", "61 Ana5")
        assert read_provenance(h5, "spectra", "61 Ana5") == MADE
    np.testing.assert_array_equal(result.datasets["energy_mev"], ENERGY)
    np.testing.assert_array_equal(result.datasets["counts"], COUNTS)
    assert result.datasets["analyzer"] == "Ana5"
    assert result.datasets["flags"] == ["dead", "µ"]
    assert list(result.attributes.pop("q_hkl")) == [1.0, 0.5, 0.0]
    assert result.attributes == {"temperature_k": 300.0, "scan": "61"}
    assert result.units == {"energy_mev": "meV"}
    assert (result.signal, result.axes) == ("counts", ("energy_mev",))
    assert result.provenance == MADE


@pytest.mark.parametrize(
    "value", ["", "µÅ⁻¹", [], ["a"], 3.5, 7, np.ones((2, 3, 4)), np.arange(3), np.array([True])]
)
def test_every_type_of_dataset_comes_back(tmp_path: Path, value: object) -> None:
    project = Project(tmp_path / "p.h5")
    with project.writing() as h5:
        write_result(h5, "fits", "x", {"value": value}, provenance=MADE)
    with project.reading() as h5:
        found = read_result(h5, "fits", "x").datasets["value"]
    np.testing.assert_array_equal(found, value)
    assert np.asarray(found).dtype.kind == np.asarray(value).dtype.kind or value == []


def test_large_arrays_come_back_to_the_bit(tmp_path: Path) -> None:
    density = np.random.default_rng(0).normal(size=(40, 40, 40))
    project = Project(tmp_path / "p.h5")
    with project.writing() as h5:
        write_result(h5, "densities", "300 K", {"density": density}, provenance=MADE)
        assert h5["entry/densities/300 K/density"].compression == "gzip"
    with project.reading() as h5:
        assert np.array_equal(read_result(h5, "densities", "300 K").datasets["density"], density)


def test_another_nexus_reader_finds_the_plot(project: Project) -> None:
    silx_nexus = pytest.importorskip("silx.io.nxdata")
    with h5py.File(project.path, "r") as h5:
        plot = silx_nexus.get_default(h5)
        assert plot.is_valid, plot.issues
        assert plot.signal_name == "counts"
        assert plot.axes_dataset_names == ["energy_mev"]
        assert h5["entry"].attrs["NX_class"] == "NXentry"
        np.testing.assert_array_equal(plot.axes[0], ENERGY)


@pytest.mark.parametrize("key", ["a/b", ".", "..", "50%", "µ", "58+59 a03", "a%2Fb", "\udcff", " "])
def test_any_text_is_a_key(project: Project, key: str) -> None:
    with project.writing() as h5:
        write_spectrum(h5, key)
    with project.reading() as h5:
        assert sorted(list_results(h5, "spectra")) == sorted([key, "61 Ana5"])
        assert read_result(h5, "spectra", key).key == key


def test_keys_are_listed_in_numerical_order(project: Project) -> None:
    with project.writing() as h5:
        for key in ("100 Ana1", "9 Ana10", "9 Ana2"):
            write_spectrum(h5, key)
    assert keys_of(project) == ["9 Ana2", "9 Ana10", "61 Ana5", "100 Ana1"]


def test_replaced_results_stay_in_the_history(project: Project) -> None:
    with project.writing() as h5:
        write_spectrum(h5, "61 Ana5", COUNTS * 2)
        write_spectrum(h5, "61 Ana5", COUNTS * 3)
        write_spectrum(h5, "61 Ana5", COUNTS * 4, replace=True)
        assert keep_history(h5, "spectra", "no such") is None
    with project.reading() as h5:
        assert "0002" in h5["entry/history/spectra/61 Ana5"]
        assert list_history(h5, "spectra", "61 Ana5") == [1, 2]
        versions = [
            read_result(h5, "spectra", "61 Ana5", version).datasets["counts"][1]
            for version in (1, 2, None)
        ]
        with pytest.raises(InputError, match=r"version 3.*\[1, 2\]"):
            read_result(h5, "spectra", "61 Ana5", 3)
    assert versions == [1, 2, 4]


def test_replacing_does_not_make_the_file_grow(tmp_path: Path) -> None:
    project, sizes = Project(tmp_path / "p.h5"), []
    for value in range(12):
        with project.writing() as h5:
            data = {"y": np.full(20_000, float(value))}
            write_result(h5, "fits", "x", data, provenance=MADE, replace=True)
        sizes.append(project.path.stat().st_size)
    assert sizes[-1] < 3 * sizes[0]


def test_two_thousand_scans_are_listed_quickly(tmp_path: Path) -> None:
    project = Project(tmp_path / "p.h5")
    with project.writing() as h5:
        for number in range(2000):
            write_result(h5, "scans", str(number), {"counts": COUNTS}, provenance=MADE)
    start = time.perf_counter()
    with project.reading() as h5:
        keys = list_results(h5, "scans")
    assert time.perf_counter() - start < 1
    assert keys == [str(number) for number in range(2000)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "spectrum"},
        {"key": ""},
        {"signal": "intensity"},
        {"axes": ["energy_mev"]},
        {"signal": "y", "axes": [".", "."]},
        {"units": {"z": "meV"}},
        {"attributes": {"signal": "y"}},
        {"datasets": {"a/b": 1.0}},
        {"datasets": {"y": np.array([object()])}},
    ],
)
def test_mistakes_of_the_caller_are_value_errors(project: Project, wrong: dict) -> None:
    right = {"kind": "fits", "key": "x", "datasets": {"y": COUNTS}} | wrong
    before = project.path.read_bytes()
    with pytest.raises(ValueError), project.writing() as h5:  # noqa: PT011
        write_result(h5, provenance=MADE, **right)
    assert project.path.read_bytes() == before


def test_missing_result_is_named_with_likely_ones(project: Project) -> None:
    with project.reading() as h5, pytest.raises(InputError, match=r"61 Ana4.*perhaps 61 Ana5"):
        read_result(h5, "spectra", "61 Ana4")


def test_failure_within_the_block_changes_nothing(project: Project) -> None:
    before = project.path.read_bytes()
    with pytest.raises(RuntimeError), project.writing() as h5:  # noqa: PT012
        write_spectrum(h5, "62 Ana5")
        raise RuntimeError
    assert project.path.read_bytes() == before
    assert others_in(project.path.parent) == ["project.h5"]


def test_failed_first_write_leaves_no_file(tmp_path: Path) -> None:
    project = Project(tmp_path / "p.h5")
    with pytest.raises(KeyError), project.writing():
        raise KeyError
    assert not project.exists
    assert others_in(tmp_path) == []


def test_links_and_permissions_stay(project: Project) -> None:
    project.path.chmod(0o640)
    link = project.path.with_name("link.h5")
    link.symlink_to(project.path)
    with Project(link).writing() as h5:
        write_spectrum(h5, "62 Ana5")
    assert link.is_symlink()
    assert keys_of(project) == ["61 Ana5", "62 Ana5"]
    assert project.path.stat().st_mode & 0o777 == 0o640


def bad_file(path: Path, kind: str) -> None:
    content = path.read_bytes()
    if kind == "missing":
        path.unlink()
    elif kind == "half":
        path.write_bytes(content[: len(content) // 2])
    elif kind == "text":
        path.write_text("#F scans.spec\n")
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "folder":
        path.unlink()
        path.mkdir()
    elif kind == "foreign":
        with h5py.File(path, "w") as h5:
            h5["x"] = 1
    elif kind == "newer":
        with h5py.File(path, "r+") as h5:
            h5.attrs["project_format"] = 99
    elif kind == "garbled":
        path.write_bytes(content[:8] + b"\xff" * 200 + content[208:])


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("missing", "no such project file.*ixs reduce"),
        ("half", "cut off"),
        ("text", "not an HDF5 file"),
        ("empty", "not an HDF5 file"),
        ("folder", "folder"),
        ("foreign", "not a project"),
        ("newer", "newer version"),
        ("garbled", "damaged"),
    ],
)
def test_bad_files_are_named_with_the_reason(project: Project, kind: str, said: str) -> None:
    bad_file(project.path, kind)
    with pytest.raises(InputError, match=rf"project\.h5.*{said}"), project.reading():
        pass
    if kind not in ("missing", "folder"):
        content = project.path.read_bytes()
        with pytest.raises(InputError, match=said), project.writing():
            pass
        assert project.path.read_bytes() == content


def test_damaged_data_are_named(tmp_path: Path) -> None:
    project = Project(tmp_path / "p.h5")
    with project.writing() as h5:
        data = {"y": np.random.default_rng(0).normal(size=100_000)}
        write_result(h5, "fits", "x", data, provenance=MADE)
        place = h5["entry/fits/x/y"].id.get_chunk_info(0).byte_offset
    with open(project.path, "r+b") as stream:
        stream.seek(place)
        stream.write(b"\xff" * 64)
    with project.reading() as h5, pytest.raises(InputError, match=r"fits/x.*damaged"):
        read_result(h5, "fits", "x")


def test_killed_writer_harms_nothing(project: Project) -> None:
    before = project.path.read_bytes()
    writer = run(
        "import numpy as np\n"
        "with Project(sys.argv[1]).writing() as h5:\n"
        "    h5['entry/junk'] = np.arange(1_000_000)\n"
        "    h5.flush()\n"
        "    print('ready', flush=True)\n"
        "    time.sleep(30)\n",
        str(project.path),
    )
    assert writer.stdout is not None
    assert writer.stdout.readline() == b"ready\n"
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    assert project.path.read_bytes() == before
    assert ".project.h5.tmp" in others_in(project.path.parent)
    with project.writing(wait_s=0) as h5:
        write_spectrum(h5, "62 Ana5")
    assert keys_of(project) == ["61 Ana5", "62 Ana5"]
    assert others_in(project.path.parent) == ["project.h5"]


def test_second_writer_is_told_who_holds_the_file(project: Project) -> None:
    writer = run(
        "with Project(sys.argv[1]).writing():\n"
        "    print('ready', flush=True)\n"
        "    time.sleep(30)\n",
        str(project.path),
    )
    assert writer.stdout is not None
    writer.stdout.readline()
    with (
        pytest.raises(ProjectLockedError, match=rf"project\.h5.*process {writer.pid} on "),
        project.writing(wait_s=0.1),
    ):
        pass
    assert keys_of(project) == ["61 Ana5"]
    writer.kill()
    writer.wait()


def test_second_writer_waits_for_a_short_first_one(project: Project) -> None:
    writer = run(
        "with Project(sys.argv[1]).writing():\n"
        "    print('ready', flush=True)\n"
        "    time.sleep(0.3)\n",
        str(project.path),
    )
    assert writer.stdout is not None
    writer.stdout.readline()
    with project.writing() as h5:
        write_spectrum(h5, "62 Ana5")
    assert writer.wait() == 0
    assert keys_of(project) == ["61 Ana5", "62 Ana5"]


def test_second_writer_in_the_same_process(project: Project) -> None:
    with (
        project.writing(),
        pytest.raises(ProjectLockedError, match=str(os.getpid())),
        project.writing(wait_s=0),
    ):
        pass


def test_program_that_writes_the_file_itself_is_kept_apart(project: Project) -> None:
    other = run(
        "import h5py\nh5 = h5py.File(sys.argv[1], 'r+', locking=True)\n"
        "print('ready', flush=True)\ntime.sleep(30)\n",
        str(project.path),
    )
    assert other.stdout is not None
    other.stdout.readline()
    with pytest.raises(ProjectLockedError), project.writing(wait_s=0):
        pass
    with project.reading() as h5:
        assert list_results(h5, "spectra") == ["61 Ana5"]
    other.kill()
    other.wait()


def test_reader_in_another_process_sees_whole_results_only(project: Project) -> None:
    reader = run(
        "import numpy as np\n"
        "print('ready', flush=True)\n"
        "seen = set()\n"
        "while 'stop' not in seen:\n"
        "    with Project(sys.argv[1]).reading() as h5:\n"
        "        for key in list_results(h5, 'fits'):\n"
        "            y = read_result(h5, 'fits', key).datasets['y']\n"
        "            assert np.all(y == y[0]) and y.size == 50_000\n"
        "            seen.add(key)\n"
        "print(len(seen))\n",
        str(project.path),
    )
    assert reader.stdout is not None
    reader.stdout.readline()
    for number, key in enumerate([*"abcdefgh", "stop"]):
        with project.writing() as h5:
            data = {"y": np.full(50_000, float(number))}
            write_result(h5, "fits", key, data, provenance=MADE)
    out, _ = reader.communicate(timeout=20)
    assert reader.returncode == 0
    assert int(out) == 9


def test_full_disk_harms_nothing_and_nothing_crashes_later(project: Project) -> None:
    """A real refusal by the system: the process may not make files beyond 200 kB."""
    before = project.path.read_bytes()
    program = (
        "import resource, numpy as np\n"
        "from ixs_core.errors import InputError\n"
        "from ixs_core.provenance import Provenance\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))\n"
        "try:\n"
        "    with Project(sys.argv[1]).writing() as h5:\n"
        "        for key in range(300):\n"
        "            data = {'y': np.arange(500.0)}\n"
        "            write_result(h5, 'fits', str(key), data, provenance=Provenance('x'))\n"
        "except InputError as error:\n"
        "    print(error)\n"
    )
    head = "import sys\nfrom ixs_core.project import *\n"
    ended = subprocess.run(
        [sys.executable, "-c", head + program, str(project.path)], capture_output=True, text=True
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "project.h5: cannot be written" in ended.stdout
    assert ended.stdout.count("\n") == 1
    assert project.path.read_bytes() == before
    assert others_in(project.path.parent) == ["project.h5"]


@pytest.mark.parametrize("step", ["copy", "write", "flush", "replace"])
def test_full_disk_at_every_step(
    project: Project, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    before = project.path.read_bytes()

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    write_all = EnduringFile._write_all

    def refuse_on_disk(file: EnduringFile, content: memoryview) -> int:
        return write_all(file, content) if isinstance(file._stream, io.BytesIO) else refuse()

    target = {
        "copy": (shutil, "copyfile"),
        "write": (EnduringFile, "_write_all"),
        "flush": (h5py.File, "flush"),
        "replace": (os, "replace"),
    }[step]
    with monkeypatch.context() as patch:
        patch.setattr(*target, refuse_on_disk if step == "write" else refuse)
        with pytest.raises(InputError, match=r"disk is full"), project.writing() as h5:  # noqa: PT012
            write_spectrum(h5, "62 Ana5")
            h5.flush()
    assert project.path.read_bytes() == before
    assert others_in(project.path.parent) == ["project.h5"]
    with project.writing() as h5:
        write_spectrum(h5, "62 Ana5")
    assert keys_of(project) == ["61 Ana5", "62 Ana5"]


@pytest.fixture
def ordinary_user() -> Iterator[Path]:
    """A folder that the user may enter; root becomes an ordinary user meanwhile."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        is_root = os.geteuid() == 0
        if is_root:
            os.chown(folder, 65534, 65534)
            os.seteuid(65534)
        try:
            yield folder
        finally:
            if is_root:
                os.seteuid(0)
            folder.chmod(0o755)


def test_read_only_folder(ordinary_user: Path) -> None:
    project = Project(ordinary_user / "p.h5")
    with project.writing() as h5:
        write_spectrum(h5, "61 Ana5")
    (ordinary_user / ".p.h5.lock").unlink()
    ordinary_user.chmod(0o555)
    with pytest.raises(InputError, match=r"p\.h5.*no permission to write"), project.writing():
        pass
    assert keys_of(project) == ["61 Ana5"]
    project.path.chmod(0)
    with pytest.raises(InputError, match=r"p\.h5.*no permission to read"), project.reading():
        pass


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="folder does not exist"):  # noqa: SIM117
        with Project(tmp_path / "no" / "p.h5").writing():
            pass


def test_provenance_of_a_result_names_its_sources(tmp_path: Path) -> None:
    source = tmp_path / "scan.spec"
    source.write_text("x")
    project = Project(tmp_path / "p.h5")
    made = provenance_of("ixs reduce", {"file": source}, sources=[source], parents=["scans/61"])
    with project.writing() as h5:
        write_result(h5, "spectra", "61", {"y": COUNTS}, provenance=made)
    with project.reading() as h5:
        assert read_result(h5, "spectra", "61").provenance == made
