"""The list of scans: rows appear at once, and are read as they come into sight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import (
    QAbstractTableModel,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
)

from gui.models.scan_rows import (
    COLUMNS,
    READ_AT_ONCE,
    REMARKS,
    Failure,
    ScanRow,
    bad_row,
    unread_row,
)
from gui.theme import Theme

_Index = QModelIndex | QPersistentModelIndex
_NO_INDEX = QModelIndex()
_Role = Qt.ItemDataRole
_SIGNS = {"bad": "✕ ", "measuring": "▶ ", "fitting": "▷ "}
REASON = 1  # column from which on the reason of a bad file is written
_WIDTHS = (165, 58, 52, 88, 44, 170)


class ScansModel(QAbstractTableModel):
    """Bad files first, then the scans of the project, then those that are only watched so far.

    Signals
    -------
    wanted : tuple of str, keys whose rows are to be read, those in sight first.
    """

    wanted = Signal(object)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._keys: tuple[str, ...] = ()
        self._bad: tuple[ScanRow, ...] = ()
        self._read: dict[str, ScanRow] = {}
        self._live: dict[str, ScanRow] = {}
        self._stale: set[str] = set()
        self._asked: dict[str, None] = {}
        self._timer = QTimer(self, singleShot=True, interval=30)
        self._timer.timeout.connect(self._ask)

    # -- contents --------------------

    def set_keys(self, keys: Sequence[str]) -> None:
        """Other scans; rows that were read stay until they are read anew."""
        self._stale.update(self._read)
        self._change(tuple(keys), self._bad)

    def set_failures(self, failures: Sequence[Failure]) -> None:
        """Files that could not be read, as red rows."""
        self._change(self._keys, tuple(bad_row("", f.subject, f.reason) for f in failures))

    def set_live(self, rows: Mapping[str, ScanRow]) -> None:
        """Rows of watched scans, which go before what was read of the project."""
        before = set(self._live) - set(self._keys)
        self._live.update(rows)
        if set(self._live) - set(self._keys) != before:
            self._change(self._keys, self._bad)
        else:
            self._touch(rows)

    def take_rows(self, rows: Sequence[ScanRow]) -> None:
        """Rows that were read."""
        for row in rows:
            self._read[row.key] = row
            self._stale.discard(row.key)
        self._touch([row.key for row in rows])

    def forget(self) -> None:
        """Another project."""
        self._read.clear()
        self._live.clear()
        self._stale.clear()
        self._asked.clear()
        self._change((), ())

    def set_theme(self, theme: Theme) -> None:
        """Colour rows otherwise."""
        self._theme = theme
        self.layoutChanged.emit()

    @property
    def rows(self) -> list[ScanRow]:
        """All rows as they are now."""
        return [self.row(i) for i in range(self.rowCount())]

    @property
    def live_keys(self) -> tuple[str, ...]:
        """Scans that are or were watched."""
        return tuple(self._live)

    def unread(self, most: int = READ_AT_ONCE) -> tuple[str, ...]:
        """Some keys of which nothing is known yet."""
        left = (key for key in self._keys if key not in self._read and key not in self._live)
        return tuple(key for key, _ in zip(left, range(most), strict=False))

    @property
    def asking(self) -> bool:
        """Whether rows in sight are about to be asked for."""
        return bool(self._asked)

    def row(self, number: int) -> ScanRow:
        """A row."""
        if number < len(self._bad):
            return self._bad[number]
        key = self._shown[number - len(self._bad)]
        return self._live.get(key) or self._read.get(key) or unread_row(key)

    def number_of(self, key: str) -> int | None:
        """The 0-based row of a scan."""
        place = self._places.get(key)
        return None if place is None else place + len(self._bad)

    _shown: tuple[str, ...] = ()
    _places: Mapping[str, int] = {}

    def _change(self, keys: tuple[str, ...], bad: tuple[ScanRow, ...]) -> None:
        shown = tuple(dict.fromkeys((*keys, *self._live)))
        if (shown, bad) == (self._shown, self._bad):
            self._keys = keys
            self._touch(keys)
            return
        here = len(self._shown)
        # A scan more at the end leaves alone which rows are chosen.
        added = here and bad == self._bad and shown[:here] == self._shown
        if added:
            self.beginInsertRows(_NO_INDEX, len(bad) + here, len(bad) + len(shown) - 1)
        else:
            self.beginResetModel()
        self._keys, self._bad, self._shown = keys, bad, shown
        self._places = {key: place for place, key in enumerate(shown)}
        if added:
            self.endInsertRows()
            self._touch(keys)
        else:
            self.endResetModel()

    def _touch(self, keys: Sequence[str] | Mapping[str, object]) -> None:
        places = [place for key in keys if (place := self.number_of(key)) is not None]
        if places:
            last = len(COLUMNS) - 1
            self.dataChanged.emit(self.index(min(places), 0), self.index(max(places), last))

    def _ask(self) -> None:
        wanted, self._asked = tuple(self._asked), {}
        if wanted:
            self.wanted.emit(wanted[:READ_AT_ONCE])

    def _need(self, key: str) -> None:
        """A row is in sight; read it when it is not known, or known from before."""
        if key and key not in self._live and (key not in self._read or key in self._stale):
            self._stale.discard(key)
            self._asked[key] = None
            if not self._timer.isActive():
                self._timer.start()

    # -- Qt --------------------

    def rowCount(self, parent: _Index = _NO_INDEX) -> int:
        """Qt: number of rows."""
        return 0 if parent.isValid() else len(self._bad) + len(self._shown)

    def columnCount(self, parent: _Index = _NO_INDEX) -> int:
        """Qt: number of columns."""
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = _Role.DisplayRole
    ) -> object:
        """Qt: what a column is, the number of a row."""
        if role != _Role.DisplayRole:
            return None
        if orientation == Qt.Orientation.Horizontal:
            return COLUMNS[section]
        place = section - len(self._bad) + 1
        return str(place) if place > 0 else "✕"

    def data(self, index: _Index, role: int = _Role.DisplayRole) -> object:
        """Qt: texts, colours and explanations."""
        if not index.isValid():
            return None
        row = self.row(index.row())
        if role == _Role.DisplayRole:
            self._need(row.key)
            text = self._text(row, index.column())
            return _SIGNS.get(row.state, "") + text if index.column() == 0 else text
        if role == _Role.ToolTipRole:
            return self._text(row, index.column()) or row.remarks or None
        if role == _Role.ForegroundRole:
            return self._color(row, index.column())
        if role == _Role.TextAlignmentRole and row.key and 1 <= index.column() <= 4:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        return None

    def _text(self, row: ScanRow, column: int) -> str:
        """Of a file that gave no scan the reason begins where a scan has its numbers."""
        return row.remarks if not row.key and column == REASON else row.texts[column]

    @property
    def bad_files(self) -> int:
        """Number of files that gave no scan; theirs are the first rows."""
        return len(self._bad)

    def _color(self, row: ScanRow, column: int) -> QColor | None:
        if row.state == "bad":
            return QColor(self._theme.error)
        if row.state in ("measuring", "fitting") and column == 0:
            return QColor(self._theme.good)
        if column == REMARKS and row.state == "remarks":
            return QColor(self._theme.warning)
        return None


class _NameDelegate(QStyledItemDelegate):
    """Names are cut in their middle: the number of the scan is at the end."""

    def initStyleOption(self, option: QStyleOptionViewItem, index: _Index) -> None:
        super().initStyleOption(option, index)
        option.textElideMode = Qt.TextElideMode.ElideMiddle


class ScansTable(QTableView):
    """The list; several rows may be chosen."""

    def __init__(self, model: ScansModel) -> None:
        super().__init__()
        self.setObjectName("scans-table")
        self.setAccessibleName("Scans of the project")
        self.setModel(model)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setWordWrap(False)
        self.setShowGrid(False)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.setItemDelegateForColumn(0, _NameDelegate(self))
        header = self.horizontalHeader()
        header.setStretchLastSection(True)
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        for column, width in enumerate(_WIDTHS):
            self.setColumnWidth(column, width)
        rows = self.verticalHeader()
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        rows.setDefaultSectionSize(self.fontMetrics().height() + 6)
        model.modelReset.connect(self._span)

    def _span(self) -> None:
        """Reasons of bad files over all columns but the first."""
        self.clearSpans()
        for row in range(self.scans.bad_files):
            self.setSpan(row, REASON, 1, len(COLUMNS) - REASON)

    @property
    def scans(self) -> ScansModel:
        """Its rows."""
        model = self.model()
        assert isinstance(model, ScansModel)
        return model

    @property
    def chosen_keys(self) -> list[str]:
        """Scans of the rows that are chosen, in the order of the list."""
        numbers = sorted(index.row() for index in self.selectionModel().selectedRows())
        return [key for number in numbers if (key := self.scans.row(number).key)]

    def show_current(self, key: str) -> None:
        """Make the row of a scan the current one, unless several are chosen by hand."""
        number = self.scans.number_of(key)
        if number is None or key in self.chosen_keys:
            return
        index = self.scans.index(number, 0)
        flags = QItemSelectionModel.SelectionFlag
        self.selectionModel().setCurrentIndex(index, flags.ClearAndSelect | flags.Rows)
        self.scrollTo(index)
