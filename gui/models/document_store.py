"""The viewer's document in a project file, and in the recovery file beside it. Qt-free.

Both are projects as `Project.writing` makes them: whole or not there. The recovery file holds
only what the project does not have yet, so that it is small and an autosave short.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from gui.models.contents import Stamp, stamp_of
from gui.models.document import Document, NewDensity, SpectrumId
from ixs_core.errors import InputError
from ixs_core.jobs import CancelToken, Progress
from ixs_core.project import Project, keep_history
from ixs_core.project_notes import read_note, write_note
from ixs_core.provenance import provenance_of
from ixs_reduce.store import fit_keys, read_fits, read_masks, write_fits, write_masks

if TYPE_CHECKING:
    import h5py

    from ixs_reduce import SpectrumFit

_NOTE = "viewer"
_MADE_BY = "ixs view"
_PIECE = 1 << 23  # bytes that are copied at a time


@dataclass(frozen=True)
class FitsToWrite:
    """The fits of a key that were made or removed here.

    Parameters
    ----------
    key : str
    fits : tuple of SpectrumFit
        All fits of the key as the window shows them, in the order of its spectra.
    changed : frozenset of str
        Analyzers whose fits are others than the project has, or none any more. Those of the
        other analyzers stay as the project has them: another program may have fitted meanwhile.
    """

    key: str
    fits: tuple[SpectrumFit, ...]
    changed: frozenset[str]


def read_document(project: Project) -> Document:
    """What a project holds of the viewer's choices; fits and densities are its own results.

    Raises
    ------
    InputError
        When the project cannot be read or the choices are damaged.
    """
    with project.reading() as h5:
        return Document(masks=read_masks(h5), choices=_choices(h5))


def write_document(
    project: Project,
    document: Document,
    fits: Iterable[FitsToWrite],
) -> Stamp:
    """Store a document in its project, in one transaction; the stamp of the file before it.

    Parameters
    ----------
    project : Project
    document : Document
    fits : iterable of FitsToWrite
        Of every key with a fit that was made or removed here.

    Raises
    ------
    InputError
        When the project is locked or cannot be written; it is then as it was.
    """
    with project.writing() as h5:
        before = stamp_of(project.path)
        for item in fits:
            now = _with_fits_of_others(h5, item)
            if now:
                write_fits(h5, item.key, now, _provenance(f"spectra/{item.key}"))
            elif item.key in fit_keys(h5):
                keep_history(h5, "fits", item.key)
        _write_densities(h5, document.densities)
        write_masks(h5, document.masks)
        write_note(h5, _NOTE, _as_list(document.choices))
    return before


def copy_with_document(
    source: Path,
    target: Path,
    document: Document,
    fits: Iterable[FitsToWrite],
    *,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> None:
    """In a worker: a copy of a project with a document in it, at another path.

    The target is as it was until the copy is complete; parameters as for `write_document`.

    Raises
    ------
    InputError
        When the source cannot be read, or the target not be written or another program is at it.
    """
    with Project(target).replacing() as temporary:
        try:
            _copy(source, temporary, progress, cancel)
            write_document(Project(temporary), document, fits)
        finally:
            _lock_file(temporary).unlink(missing_ok=True)
        if cancel is not None:
            cancel.check()


def _copy(
    source: Path, target: Path, progress: Progress | None, cancel: CancelToken | None
) -> None:
    try:
        stored = source.open("rb")
    except OSError as error:
        raise cannot_be_read(source, error) from error
    with stored, target.open("wb") as copy:
        size = source.stat().st_size
        while piece := _read_piece(stored, source):
            copy.write(piece)
            if cancel is not None:
                cancel.check()
            if progress is not None:
                progress(copy.tell(), max(size, copy.tell()), "copying")


def _read_piece(stored: BinaryIO, source: Path) -> bytes:
    try:
        return stored.read(_PIECE)
    except OSError as error:
        raise cannot_be_read(source, error) from error


def cannot_be_read(project: Path, error: OSError) -> InputError:
    """Why a project that is open here cannot be copied."""
    reason = f"cannot be read any more: {error.strerror}"
    return InputError(reason, file=project, hint="put it back first")


def _with_fits_of_others(h5: h5py.File, item: FitsToWrite) -> list[SpectrumFit]:
    """All fits that a key is to have; of spectra that nobody fitted here, those of the project."""
    here = {fit.spectrum.analyzer or "": fit for fit in item.fits}
    if item.key not in fit_keys(h5):
        return list(here.values())
    try:
        stored = {fit.spectrum.analyzer or "": fit for fit in read_fits(h5, item.key)}
    except InputError:  # damaged; the version stays in the history
        return list(here.values())
    kept = {name: fit for name, fit in stored.items() if name not in item.changed}
    new = {name: fit for name, fit in here.items() if name in item.changed}
    merged = {**kept, **new}
    return [merged[name] for name in dict.fromkeys((*here, *merged)) if name in merged]


def recovery_path(project: Path) -> Path:
    """Where the autosave of a project lies."""
    return project.with_name(f".{project.name}.recovery")


def kept_recovery_path(project: Path) -> Path:
    """Where an autosave waits that was offered and not answered, while new work is autosaved."""
    return project.with_name(f".{project.name}.recovery-kept")


def discard_recovery(path: Path) -> None:
    """Remove an autosave with its lock file."""
    path.unlink(missing_ok=True)
    _lock_file(path).unlink(missing_ok=True)


def _lock_file(path: Path) -> Path:
    return path.with_name(f".{path.name}.lock")


def write_recovery(
    path: Path,
    document: Document,
    *,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> None:
    """Autosave a document; the earlier autosave stays until this one is complete."""
    by_key: dict[str, list[SpectrumFit]] = defaultdict(list)
    removed = [list(which) for which, fit in document.fits.items() if fit is None]
    for which, fit in document.fits.items():
        if fit is not None:
            by_key[which.key].append(fit)
    with Project(path).writing() as h5:
        for kind in {"fits", "densities"} & set(h5["entry"]):
            del h5["entry"][kind]
        for key, fits in by_key.items():
            write_fits(h5, key, fits, _provenance(f"spectra/{key}"), replace=True)
        _write_densities(h5, document.densities)
        write_masks(h5, document.masks)
        write_note(h5, _NOTE, _as_list(document.choices))
        write_note(h5, "removed_fits", removed)


def read_recovery(path: Path) -> Document:
    """The document of an autosave; errors as in `read_document`."""
    from mem.store import list_densities, read_density_result, read_stored_density

    with Project(path).reading() as h5:
        fits: dict[SpectrumId, SpectrumFit | None] = {
            SpectrumId(key, fit.spectrum.analyzer or ""): fit
            for key in fit_keys(h5)
            for fit in read_fits(h5, key)
        }
        fits |= {SpectrumId(*pair): None for pair in read_note(h5, "removed_fits") or ()}
        densities = {
            key: NewDensity(read_density_result(h5, key), read_stored_density(h5, key))
            for key in list_densities(h5)
        }
        return Document(read_masks(h5), fits, densities, _choices(h5))


def _write_densities(h5: h5py.File, densities: Mapping[str, NewDensity]) -> None:
    from mem.store import write_density_result

    for key, new in densities.items():
        write_density_result(h5, key, new.result, new.density, _provenance())


def _provenance(*parents: str) -> Any:
    return provenance_of(_MADE_BY, parents=parents, packages=("lmfit",))


def _as_list(choices: Mapping[tuple[str, str], Any]) -> list[list[Any]]:
    return [[tab, name, value] for (tab, name), value in choices.items()]


def _choices(h5: h5py.File) -> dict[tuple[str, str], Any]:
    stored = read_note(h5, _NOTE) or []
    try:
        return {(str(tab), str(name)): value for tab, name, value in stored}
    except (TypeError, ValueError) as error:
        raise InputError(
            f"the viewer's choices are damaged ({error})", file=h5.filename, key="notes/viewer"
        ) from error
