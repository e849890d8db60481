"""Tables of a draft: its modes, and its other terms; every number can be edited, fixed, tied."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Literal

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QFont
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QMenu, QTableView, QWidget

from gui.models.fit_draft import QUANTITIES, FitDraft, Quantity, parameter_text
from gui.models.fit_subject import Subject
from gui.theme import Theme
from ixs_reduce.mode_merging import branch_text

_Index = QModelIndex | QPersistentModelIndex
_NO_INDEX = QModelIndex()
_Role = Qt.ItemDataRole
Aspect = Literal["label", "value", "error", "fixed", "tie"]


@dataclass(frozen=True)
class Column:
    """A column: its heading, what it says of which quantity, its width in pixels."""

    heading: str
    aspect: Aspect
    quantity: str = ""
    width: int = 62
    help: str = ""


_FIX = "Ticked: a fit leaves this number where it is"
_TYPE = "Type a number; =mode1_fwhm ties it to another parameter; right-click for more"
MODE_COLUMNS = (
    Column("Mode", "label", width=44, help="Number, and branches where a prediction names them"),
    Column("E (meV)", "value", "energy", 66, f"Undamped energy. {_TYPE}"),
    Column("±", "error", "energy", 54, "Standard error after the fit"),
    Column("fix", "fixed", "energy", 28, _FIX),
    Column("FWHM (meV)", "value", "fwhm", 82, f"Full width at half maximum Γ. {_TYPE}"),
    Column("±", "error", "fwhm", 54, "Standard error, or the 95 % upper limit"),
    Column("fix", "fixed", "fwhm", 28, _FIX),
    Column("Amplitude", "value", "amplitude", 76, f"A, per unit exposure. {_TYPE}"),
    Column("±", "error", "amplitude", 62, "Standard error after the fit"),
    Column("fix", "fixed", "amplitude", 28, _FIX),
    Column("Tied", "tie", width=150, help="Numbers that follow others"),
)
OTHER_COLUMNS = (
    Column("Other terms", "label", width=114),
    Column("Value", "value", width=86, help=_TYPE),
    Column("±", "error", width=62, help="Standard error after the fit"),
    Column("fix", "fixed", width=30, help=_FIX),
)
_UNITS = {
    "zero": "energy zero (meV)",
    "elastic": "elastic area",
    "qe_amplitude": "quasi-elastic area",
    "qe_fwhm": "qu.-el. FWHM (meV)",
    "folded_scale": "weak modes, scale",
    "background_c0": "background",
    "background_c1": "slope (per meV)",
}


class ParameterTable(QAbstractTableModel):
    """Parameters of a draft as rows and columns.

    Signals
    -------
    value_edited : (name, float).
    fixed_edited : (name, bool).
    tie_edited : (name, expression).
    refused : (name, text) that is no number.
    """

    value_edited = Signal(str, float)
    fixed_edited = Signal(str, bool)
    tie_edited = Signal(str, str)
    refused = Signal(str, str)

    def __init__(self, columns: tuple[Column, ...], theme: Theme, *, modes: bool) -> None:
        super().__init__()
        self.columns = columns
        self.theme = theme
        self._of_modes = modes
        self.subject: Subject | None = None
        self.rows: tuple[str, ...] = ()

    def show_subject(self, subject: Subject | None) -> None:
        """Show another draft; rows stay selected while their number stays."""
        self.subject = subject
        draft = subject.draft if subject is not None else FitDraft()
        rows = (
            tuple(f"mode{number}" for number in range(1, len(draft.modes) + 1))
            if self._of_modes
            else (draft.other_names if subject is not None else ())
        )
        if rows != self.rows:
            self.beginResetModel()
            self.rows = rows
            self.endResetModel()
        elif rows:
            last = self.index(len(rows) - 1, len(self.columns) - 1)
            self.dataChanged.emit(self.index(0, 0), last)

    @property
    def any_tie(self) -> bool:
        """Whether any number is tied."""
        return self.subject is not None and self.subject.draft.tied

    def name_at(self, index: _Index) -> str | None:
        """The parameter in a cell; None in cells of labels and ties."""
        if not index.isValid():
            return None
        column = self.columns[index.column()]
        if column.aspect in ("label", "tie"):
            return None
        row = self.rows[index.row()]
        return f"{row}_{column.quantity}" if self._of_modes else row

    # -- Qt --------------------

    def rowCount(self, parent: _Index = _NO_INDEX) -> int:
        """Qt: number of rows."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: _Index = _NO_INDEX) -> int:
        """Qt: number of columns."""
        return 0 if parent.isValid() else len(self.columns)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = _Role.DisplayRole
    ) -> object:
        """Qt: headings with their explanations."""
        if orientation != Qt.Orientation.Horizontal or section >= len(self.columns):
            return None
        if role == _Role.DisplayRole:
            return self.columns[section].heading
        return self.columns[section].help if role == _Role.ToolTipRole else None

    def flags(self, index: _Index) -> Qt.ItemFlag:
        """Qt: values are edited, boxes ticked."""
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        aspect = self.columns[index.column()].aspect
        if aspect == "value":
            return flags | Qt.ItemFlag.ItemIsEditable
        return flags | Qt.ItemFlag.ItemIsUserCheckable if aspect == "fixed" else flags

    def data(self, index: _Index, role: int = _Role.DisplayRole) -> object:
        """Qt: what a cell shows."""
        if self.subject is None or not index.isValid():
            return None
        column = self.columns[index.column()]
        if column.aspect == "label":
            return self._label(index.row(), role)
        if column.aspect == "tie":
            return self._ties(index.row()) if role == _Role.DisplayRole else None
        name = self.name_at(index)
        assert name is not None
        quantity = self.subject.draft.quantity(name)
        if column.aspect == "fixed":
            ticked = Qt.CheckState.Checked if quantity.fixed else Qt.CheckState.Unchecked
            return ticked if role == _Role.CheckStateRole else None
        if role == _Role.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if column.aspect == "error":
            return error_text(self.subject, name) if role == _Role.DisplayRole else None
        return self._value(name, quantity, role)

    def setData(self, index: _Index, value: object, role: int = _Role.EditRole) -> bool:
        """Qt: take an edit; it comes back by the document."""
        name = self.name_at(index)
        if name is None or self.subject is None:
            return False
        quantity = self.subject.draft.quantity(name)
        if role == _Role.CheckStateRole:
            self.fixed_edited.emit(name, Qt.CheckState(value) == Qt.CheckState.Checked)
            return True
        text = str(value).strip().replace("−", "-")
        if text == edit_text(quantity):
            return False
        if text.startswith("="):
            self.tie_edited.emit(name, text[1:].strip())
            return True
        try:
            self.value_edited.emit(name, float(text.replace(",", ".")))
        except ValueError:
            self.refused.emit(name, text)
            return False
        return True

    # -- cells --------------------

    def _label(self, row: int, role: int) -> object:
        name = self.rows[row]
        if not self._of_modes:
            return _UNITS.get(name, name) if role == _Role.DisplayRole else None
        if role == _Role.ForegroundRole:
            return QColor(self.theme.series_color(row))
        if role == _Role.FontRole:
            return _font(bold=True)
        assert self.subject is not None
        branch = self.subject.draft.modes[row].branch
        if role == _Role.ToolTipRole and branch:
            return f"Branches {branch_text(branch)} of the prediction"
        if role != _Role.DisplayRole:
            return None
        return f"{row + 1}  ({branch_text(branch)})" if branch else str(row + 1)

    def _ties(self, row: int) -> str:
        assert self.subject is not None
        texts = []
        for quantity in QUANTITIES:
            tie = self.subject.draft.quantity(f"{self.rows[row]}_{quantity}").tie
            if tie:
                texts.append(f"{_SHORT[quantity]} = {tie}")
        return ", ".join(texts)

    def _value(self, name: str, quantity: Quantity, role: int) -> object:
        if role == _Role.DisplayRole:
            return number_text(name, quantity.value)
        if role == _Role.EditRole:
            return edit_text(quantity)
        if role == _Role.FontRole and quantity.tie:
            return _font(italic=True)
        if role == _Role.ForegroundRole and (quantity.tie or quantity.fixed):
            return QColor(self.theme.quiet)
        if role == _Role.ToolTipRole:
            text = parameter_text(name)
            return f"{text} = {quantity.tie}" if quantity.tie else text
        return None


_SHORT = {"energy": "E", "fwhm": "FWHM", "amplitude": "A"}


def number_text(name: str, value: float) -> str:
    """A value as a table shows it, a real minus sign."""
    energy = name.endswith(("_energy", "_fwhm")) or name == "zero"
    return (f"{value:.3f}" if energy else f"{value:.4g}").replace("-", "−")


def edit_text(quantity: Quantity) -> str:
    """What stands in a cell when it is edited: all digits that matter, or the tie."""
    return f"={quantity.tie}" if quantity.tie else f"{quantity.value:.10g}"


def error_text(subject: Subject, name: str) -> str:
    """What is known of a parameter's error: only the fit shown unchanged has one."""
    if subject.state != "fitted" or subject.fit is None:
        return ""
    fit = subject.fit
    limit = fit.upper_limit(name)
    if limit is not None:
        return f"< {limit:.2g}"
    if subject.draft.quantity(name).fixed:
        return "fixed"
    value = fit.value(name)
    return "at bound" if value.at_bound else f"{value.stderr:.2g}".replace("-", "−")


def _font(*, bold: bool = False, italic: bool = False) -> QFont:
    font = QFont()
    font.setBold(bold)
    font.setItalic(italic)
    return font


class ParameterView(QTableView):
    """The view of a table of parameters."""

    def __init__(self, table: ParameterTable, name: str, title: str) -> None:
        super().__init__()
        self.table = table
        self.setModel(table)
        self.setObjectName(name)
        self.setAccessibleName(title)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(23)
        self.horizontalHeader().setMinimumSectionSize(26)
        for place, column in enumerate(table.columns):
            self.setColumnWidth(place, column.width)
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        self.horizontalHeader().setStretchLastSection(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setWordWrap(False)
        table.modelReset.connect(self._fit_columns)
        table.dataChanged.connect(self._fit_columns)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._show_menu)

    def _fit_columns(self) -> None:
        """Room for the labels; a column of ties only where there are any."""
        for place, column in enumerate(self.table.columns):
            if column.aspect == "label":
                self.setColumnWidth(place, max(self.sizeHintForColumn(place) + 8, column.width))
            elif column.aspect == "tie":
                self.setColumnHidden(place, not self.table.any_tie)

    def _show_menu(self, place: QPoint) -> None:
        name = self.table.name_at(self.indexAt(place))
        if name is not None and self.table.subject is not None:
            menu = parameter_menu(self.table, name, self)
            menu.popup(self.viewport().mapToGlobal(place))


def parameter_menu(table: ParameterTable, name: str, parent: QWidget) -> QMenu:
    """What can be done to a parameter: fix it, tie it to one of its kind, free it."""
    assert table.subject is not None
    draft = table.subject.draft
    quantity = draft.quantity(name)
    menu = QMenu(parent)
    menu.setObjectName("parameter-menu")
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    fix = "Let it free" if quantity.fixed else "Fix it"
    menu.addAction(fix, lambda: table.fixed_edited.emit(name, not quantity.fixed))
    ending = name.partition("_")[2]
    kin = [n for n in draft.names if n != name and name.startswith("mode") and n.endswith(ending)]
    ties = menu.addMenu("Tie to")
    ties.setEnabled(bool(kin))
    for other in kin:
        ties.addAction(parameter_text(other), partial(table.tie_edited.emit, name, other))
    untie = menu.addAction("Untie", lambda: table.tie_edited.emit(name, ""))
    untie.setEnabled(bool(quantity.tie))
    return menu
