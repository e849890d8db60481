"""The list of scans: what a row says, and reading it a few at a time. Qt-free."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ixs_core.errors import InputError
from ixs_core.jobs import CancelToken, Progress
from ixs_core.project import Project
from ixs_reduce.flag_words import flag_words
from ixs_reduce.store.overview import ScanOverview, overview_of, read_overview

if TYPE_CHECKING:
    from ixs_reduce.watch_status import ScanStatus

COLUMNS = ("Scan", "Points", "T (K)", "|Q| (Å⁻¹)", "Alive", "Remarks", "Command")
REMARKS = COLUMNS.index("Remarks")
READ_AT_ONCE = 100

RowState = Literal["unread", "good", "remarks", "measuring", "fitting", "bad"]


@dataclass(frozen=True)
class Failure:
    """A file or scan that could not be taken, and why."""

    subject: str
    reason: str

    @classmethod
    def of_file(cls, path: Path, text: str) -> Failure:
        """The failure of a file, whose reason need not name it again."""
        reason = text.removeprefix(str(path)).lstrip(" ,:")
        return cls(path.name, reason or text)


@dataclass(frozen=True)
class ScanRow:
    """A row: its scan (empty for a file that gave none), its texts, its state.

    `overview` is None where nothing was read.
    """

    key: str
    texts: tuple[str, ...]
    state: RowState
    overview: ScanOverview | None = None

    @property
    def remarks(self) -> str:
        """Its flags, or why it is bad."""
        return self.texts[REMARKS]


def unread_row(key: str) -> ScanRow:
    """A row whose scan is still to be read."""
    return ScanRow(key, (key, *["…"] * (len(COLUMNS) - 1)), "unread")


def bad_row(key: str, subject: str, reason: str) -> ScanRow:
    """A row that says why there is nothing else to say."""
    return ScanRow(key, _with_remarks((subject, *[""] * (len(COLUMNS) - 1)), reason), "bad")


def row_of(overview: ScanOverview) -> ScanRow:
    """The row of a scan of the project."""
    remarks = flag_words(overview.flags)
    return ScanRow(overview.key, _texts(overview, remarks), _state(remarks), overview)


def live_row(status: ScanStatus) -> ScanRow:
    """The row of a scan that a watcher follows."""
    overview = overview_of(status.scan, status.key)
    if status.state == "failed":
        return bad_row(status.key, status.key, status.message)
    remarks = flag_words(status.flags)
    texts = _texts(overview, remarks)
    if status.state in ("measuring", "fitting"):
        said = {"measuring": "being measured", "fitting": "being fitted"}[status.state]
        texts = _with_remarks(texts, said, remarks)
        return ScanRow(status.key, texts, status.state, overview)
    if status.state == "short":
        texts = _with_remarks(texts, "too few points for a spectrum", remarks)
        return ScanRow(status.key, texts, "remarks", overview)
    return ScanRow(status.key, texts, _state(remarks), overview)


def read_rows(
    path: Path,
    keys: Sequence[str],
    *,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> list[ScanRow]:
    """Rows of some scans; one that is damaged becomes a bad row.

    Raises
    ------
    InputError
        When the project cannot be read at all.
    """
    rows = []
    with Project(path).reading() as h5:
        for key in keys:
            if cancel is not None:
                cancel.check()
            try:
                rows.append(row_of(read_overview(h5, key)))
            except InputError as error:
                rows.append(bad_row(key, key, str(error)))
    return rows


def _state(remarks: str) -> RowState:
    return "remarks" if remarks else "good"


def _texts(overview: ScanOverview, remarks: str) -> tuple[str, ...]:
    asked = overview.requested_points
    points = f"{overview.points}" if asked is None else f"{overview.points}/{asked}"
    temperature = overview.temperature_k
    lengths = ""
    if overview.q_abs is not None:
        low, high = overview.q_abs
        lengths = f"{low:.2f} … {high:.2f}" if high - low >= 5e-3 else f"{low:.2f}"
    return (
        overview.key,
        points,
        f"{temperature:.1f}" if temperature is not None else "unknown",
        lengths,
        f"{overview.living}/{overview.analyzers}",
        remarks,
        overview.command,
    )


def _with_remarks(texts: tuple[str, ...], *remarks: str) -> tuple[str, ...]:
    said = "; ".join(remark for remark in remarks if remark)
    return (*texts[:REMARKS], said, *texts[REMARKS + 1 :])
