"""From results of a group to their drawing. Qt-free."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gui.models.document import SpectrumId
from gui.models.simulation_conductivity import conductivity_drawing
from gui.models.simulation_drawing import Drawing, View
from gui.models.simulation_green_kubo import green_kubo_drawing
from gui.models.simulation_lifetimes import lifetime_drawing
from gui.models.simulation_motion import displacement_drawing, states_drawing
from gui.models.simulation_overlay import overlay_drawing
from gui.models.simulation_results import Entry, Group
from gui.models.simulation_scattering import scattering_drawing
from ixs_reduce.spectrum import Spectrum

Draw = Callable[[Sequence[Entry], Mapping[str, Any], View], Drawing]

_DRAW: Mapping[str, Draw] = {
    "displacements": displacement_drawing,
    "states": states_drawing,
    "scattering": scattering_drawing,
    "lifetimes": lifetime_drawing,
    "conductivity": conductivity_drawing,
    "green-kubo": green_kubo_drawing,
}


def drawing_of(
    group: Group,
    entries: Sequence[Entry],
    records: Mapping[str, Any],
    view: View,
    which: SpectrumId | None = None,
    spectrum: Spectrum | None = None,
) -> Drawing | None:
    """The drawing of some results of a group; None where they have nothing to show.

    Parameters
    ----------
    group : Group
    entries : sequence of Entry
        Those to show; ones without a record are left out.
    records : mapping
        Key -> what `simulation_records.load` read.
    view : View
    which, spectrum : SpectrumId, Spectrum, optional
        The current spectrum, for overlays.
    """
    held = [entry for entry in entries if entry.key in records]
    if not held:
        return None
    if group.name == "overlays":
        return None if which is None else overlay_drawing(held, records, view, which, spectrum)
    if group.name == "displacements" and not any(e.content == "md displacements" for e in held):
        return None
    return _DRAW[group.name](held, records, view)
