"""Measuring on a frame: tools that draw a line or a box, and the numbers of the last one."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QObject, QPointF

from gui.models.frames_selection import Kind, Measured, Selection, measure
from gui.plots.frame_image import FrameImage
from gui.runner import Job, Runner
from gui.views.frames_profile import ProfilePane
from ixs_core.frames import Frame


class FramesMeasuring(QObject):
    """Takes drags over the image, measures in a worker, shows what was asked for last.

    Attributes
    ----------
    selection : Selection or None
        Where is measured; it stays for the next frames.
    """

    def __init__(
        self, image: FrameImage, pane: ProfilePane, runner: Runner, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._image = image
        self._pane = pane
        self._runner = runner
        self._frame: Frame | None = None
        self._kind: Kind = "line"
        self._width = 1
        self._job: Job | None = None
        self.selection: Selection | None = None
        image.dragged.connect(self._on_drag)

    @property
    def busy(self) -> bool:
        """Whether something is being measured."""
        return self._job is not None

    def set_tool(self, name: str) -> None:
        """What a drag does: "move" the image, draw a "line" or a "box"."""
        if name != "move":
            self._kind = "line" if name == "line" else "box"
        self._image.set_tool(name != "move")

    def set_width(self, width: int) -> None:
        """The width of this line and of the next ones, in pixels."""
        self._width = width
        line = self.selection
        if line is not None and line.kind == "line":
            self.select(Selection("line", line.start, line.end, width))

    def show_frame(self, frame: Frame) -> None:
        """Measure on another frame; at first around the beam, where that is known."""
        self._frame = frame
        if self.selection is None and frame.geometry is not None:
            self.selection = Selection("radial")
        if self.selection is not None:
            self._measure(frame, self.selection)

    def select(self, selection: Selection) -> None:
        """Measure elsewhere."""
        self.selection = selection
        if selection.kind == "line":
            self._image.show_line(selection.start, selection.end)
        elif selection.kind == "box":
            self._image.show_box(selection.start, selection.end)
        else:
            self._image.clear_tools()
        if self._frame is not None:
            self._measure(self._frame, selection)

    def clear(self) -> None:
        """Neither line nor box nor profile."""
        self.selection = None
        self._image.clear_tools()
        self._pane.show_measured(None)

    @property
    def measured(self) -> Measured | None:
        """What is shown, None without any."""
        return self._pane.measured if self.selection is not None else None

    def _on_drag(self, start: QPointF, end: QPointF, _finished: bool) -> None:
        if start != end:
            ends = ((start.x(), start.y()), (end.x(), end.y()))
            self.select(Selection(self._kind, *ends, self._width))

    def _measure(self, frame: Frame, selection: Selection) -> None:
        self._job = job = self._runner.submit(
            partial(measure, frame, selection),
            title="profile",
            on_result=self._on_measured,
            on_error=lambda error: self._pane.show_failure(str(error)),
            on_end=lambda: self._on_end(job),
            group="frames-profile",
            quiet=True,
        )

    def _on_measured(self, measured: Measured) -> None:
        if measured.selection == self.selection:
            self._pane.show_measured(measured)

    def _on_end(self, job: Job) -> None:
        if job is self._job:
            self._job = None
