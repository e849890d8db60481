"""Masked analyzers in the project file: spectra that are kept, shown, and not fitted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import h5py

from ixs_core.errors import InputError
from ixs_core.project_notes import read_note, write_note

Masks = Mapping[str, frozenset[str]]
"""Key of spectra -> names of the masked analyzers."""


def write_masks(h5: h5py.File, masks: Mapping[str, Iterable[str]]) -> None:
    """Store which analyzers are masked, in place of what was stored before.

    Parameters
    ----------
    h5 : h5py.File
        A project opened by `Project.writing`.
    masks : mapping
        Key of spectra -> names of analyzers; keys without any are left out.
    """
    write_note(h5, "masks", {key: sorted(names) for key, names in masks.items() if names})


def read_masks(h5: h5py.File) -> dict[str, frozenset[str]]:
    """The masked analyzers of each key; empty when none is.

    Raises
    ------
    InputError
        When what is stored is damaged.
    """
    stored = read_note(h5, "masks")
    if stored is None:
        return {}
    try:
        return {str(key): frozenset(map(str, names)) for key, names in stored.items()}
    except (AttributeError, TypeError) as error:
        raise InputError(
            f"the stored masks are damaged ({error})", file=h5.filename, key="notes/masks"
        ) from error
