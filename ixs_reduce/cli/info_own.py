"""What `ixs info` says of files that are no measured scans: projects and instrument files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ixs_reduce.scan import Scan

_HDF5 = b"\x89HDF\r\n\x1a\n"
_KINDS = {
    "project": "project of ixs-suite",
    "experiment": "experiment file",
    "beamline-config": "GLOBAL file of the beamline",
    "hkl-positions": "table of analyzer hkl (gpi.hkl_pos)",
}


def describe_own(path: Path) -> tuple[dict[str, Any], tuple[Scan, ...]] | None:
    """The JSON object of such a file without its scans, and the scans; None for another file.

    Raises
    ------
    InputError
        When the file is of such a kind but cannot be read.
    """
    if not path.is_file():
        return None
    with path.open("rb") as stream:
        head = stream.read(65536)
    if head.startswith(_HDF5):
        return _project(path)
    lines = _instrument_file(path, head.decode("utf-8", "replace"))
    if lines is None:
        return None
    kind, summary = lines
    return _described(path, kind, [summary]), ()


def _described(path: Path, kind: str, summary: list[str]) -> dict[str, Any]:
    return {
        "path": str(path),
        "kind": kind,
        "profile": None,
        "scans": [],
        "problems": [],
        "summary": [f"{_KINDS[kind]}: {line}" for line in summary[:1]] + summary[1:],
    }


def _project(path: Path) -> tuple[dict[str, Any], tuple[Scan, ...]] | None:
    import h5py

    from ixs_core.project import KINDS, Project, list_history, list_results
    from ixs_reduce.store import read_scan, scan_keys

    if not _is_project(path, h5py):
        return None
    with Project(path).reading() as h5:
        results = {kind: list_results(h5, kind) for kind in KINDS}
        earlier = {
            kind: sum(len(list_history(h5, kind, key)) for key in keys)
            for kind, keys in results.items()
        }
        scans = tuple(read_scan(h5, key) for key in scan_keys(h5))
    held = [f"{len(keys)} {kind}" for kind, keys in results.items() if keys]
    past = [f"{number} {kind}" for kind, number in earlier.items() if number]
    summary = [", ".join(held) or "empty"]
    if results["resolutions"]:
        summary.append("resolutions of " + ", ".join(results["resolutions"]))
    if past:
        summary.append("earlier results in the history: " + ", ".join(past))
    return {**_described(path, "project", summary), "results": results}, scans


def _is_project(path: Path, h5py: Any) -> bool:
    """Whether an HDF5 file is a project; one that cannot be opened counts, so that it is named."""
    try:
        with h5py.File(path, "r", locking=False) as h5:
            return "project_format" in h5.attrs
    except OSError:
        return True


def _instrument_file(path: Path, text: str) -> tuple[str, str] | None:
    from ixs_reduce.beamline_config import (
        is_beamline_config,
        read_beamline_config,
        read_hkl_positions,
    )

    if text.lstrip().startswith("hkl_"):
        return "hkl-positions", f"{len(read_hkl_positions(path).hkl)} analyzers"
    if path.suffix.lower() == ".toml":
        return "experiment", _experiment(path)
    if is_beamline_config(text):
        config = read_beamline_config(path)
        cell = " ".join(f"{value:g}" for value in config.lattice.cell)
        return "beamline-config", f"{config.sample or 'sample'}, cell {cell}"
    return None


def _experiment(path: Path) -> str:
    from ixs_core.experiment import load_experiment

    experiment = load_experiment(path)
    given = [name for name in type(experiment).model_fields if name in experiment.model_fields_set]
    return f"{experiment.sample.name or 'sample'}, gives {', '.join(given) or 'nothing yet'}"
