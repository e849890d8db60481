"""Choices of the user in a project file: small JSON texts, one NXnote for each.

They are no results (nothing was computed) but belong to the experiment: which analyzers are
masked, what is on the plan, which path was drawn through a density.
"""

from __future__ import annotations

import json
from typing import Any

import h5py

from ixs_core.errors import InputError

_HOME = "/entry/notes"


def write_note(h5: h5py.File, name: str, content: Any) -> None:
    """Write a choice in place of the earlier one of its name.

    Parameters
    ----------
    h5 : h5py.File
        A project opened by `Project.writing`.
    name : str
        A plain word ("masks").
    content : anything that JSON has
    """
    text = json.dumps(content, ensure_ascii=False, allow_nan=False)
    home = h5.require_group(_HOME)
    home.attrs.setdefault("NX_class", "NXcollection")
    if name in home:
        del home[name]
    note = home.create_group(name)
    note.attrs["NX_class"] = "NXnote"
    note["type"] = "application/json"
    note["data"] = text


def read_note(h5: h5py.File, name: str) -> Any:
    """The content of a choice, None where there is none.

    Raises
    ------
    InputError
        When what is stored is no JSON.
    """
    place = f"{_HOME}/{name}/data"
    if place not in h5:
        return None
    try:
        return json.loads(h5[place].asstr()[()])
    except (ValueError, TypeError, OSError) as error:
        raise InputError(
            f"the stored choices are damaged ({error})", file=h5.filename, key=f"notes/{name}"
        ) from error
