"""What the tab Simulation says where it has nothing to draw. Qt-free."""

from __future__ import annotations

from gui.models.document import SpectrumId
from gui.models.simulation_results import GROUPS, Group


def nothing_yet(open_: bool) -> tuple[str, bool]:
    """No project, or one without simulated results."""
    if not open_:
        return "No project is open. Drop a project here, or open one with Ctrl+O.", False
    commands = "\n\n".join(f"{group.title}\n    {group.command}" for group in GROUPS)
    return (
        "No simulated results in this project yet. In a terminal, these make some and keep them "
        f"in the project; what they write appears here at once.\n\n{commands}",
        False,
    )


def nothing_of_group(group: Group, present: bool) -> tuple[str, bool]:
    """A group without results, or without any that is ticked and readable."""
    if present:
        return f"{group.title}: tick a result on the left to see it.", False
    return f"{group.title}: none in this project yet. In a terminal:\n\n    {group.command}", False


def nothing_over(which: SpectrumId | None, others: bool) -> tuple[str, bool]:
    """No prediction over the current spectrum; whether to offer one that has some."""
    if which is None:
        return "No spectrum is chosen: take one in the project on the left.", others
    return (
        f"No prediction lies over {which.key} {which.analyzer}: it was not there when the overlay "
        "was made, or was left out of it (another temperature, Q too far away).\n\n"
        "    ixs overlay project.h5 run.h5 FC.yaml",
        others,
    )
