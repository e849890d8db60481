"""What the viewer has to say: one list, identical messages folded into one with a count."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from PySide6.QtCore import QObject, Signal

from ixs_core.errors import Cancelled, IxsError

Level = Literal["info", "warning", "error"]


@dataclass(eq=False)
class Message:
    """A message: how grave, what about, what; how often, when last; details for a developer."""

    level: Level
    subject: str
    text: str
    details: str = ""
    count: int = 1
    at: str = ""


class MessageLog(QObject):
    """All messages since the start, newest last.

    Signals
    -------
    changed : Message
        It is new, or was said again.
    """

    changed = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.messages: list[Message] = []

    def info(self, subject: str, text: str) -> None:
        """Something that went as it should."""
        self.add("info", subject, text)

    def warning(self, subject: str, text: str) -> None:
        """Something to know before trusting what is shown."""
        self.add("warning", subject, text)

    def error(self, subject: str, error: BaseException | str) -> None:
        """Something that failed; what a cancel raises is no failure and not shown."""
        if isinstance(error, Cancelled):
            return
        if isinstance(error, (str, IxsError)):
            self.add("error", subject, str(error))
            return
        text = f"{type(error).__name__}: {error}"
        details = "".join(traceback.format_exception(error))
        self.add("error", subject, text, details)

    def add(self, level: Level, subject: str, text: str, details: str = "") -> None:
        """Say something; the same once more raises the count of the first and moves it last."""
        now = datetime.now().strftime("%H:%M:%S")
        for message in self.messages:
            if (message.level, message.subject, message.text) == (level, subject, text):
                message.count += 1
                message.at = now
                self.messages.remove(message)
                self.messages.append(message)
                break
        else:
            message = Message(level, subject, text, details, 1, now)
            self.messages.append(message)
        self.changed.emit(message)

    def clear(self) -> None:
        """Forget all."""
        self.messages.clear()
        self.changed.emit(None)
