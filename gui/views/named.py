"""Widgets with a name: for tests, for screen readers, and for a mouse that rests on them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from PySide6.QtWidgets import QCheckBox, QComboBox, QPushButton, QWidget

_Widget = TypeVar("_Widget", bound=QWidget)


def named(widget: _Widget, name: str, says: str, tip: str = "") -> _Widget:
    """The same widget with its names.

    Parameters
    ----------
    widget : QWidget
    name : str
        Name of the object: the tab's name, a hyphen, what it is.
    says : str
        What a screen reader says.
    tip : str
        What the mouse shows; empty: the same.
    """
    widget.setObjectName(name)
    widget.setAccessibleName(says)
    widget.setToolTip(tip or says)
    return widget


def button(name: str, text: str, says: str) -> QPushButton:
    """A button."""
    return named(QPushButton(text), name, says)


def toggle(name: str, text: str, says: str) -> QPushButton:
    """A button that stays down."""
    made = button(name, text, says)
    made.setCheckable(True)
    return made


def check_box(name: str, text: str, says: str) -> QCheckBox:
    """A box to tick."""
    return named(QCheckBox(text), name, says)


def choice(name: str, says: str, texts: Iterable[str] = ()) -> QComboBox:
    """A list to choose from."""
    made = named(QComboBox(), name, says)
    made.addItems(list(texts))
    return made
