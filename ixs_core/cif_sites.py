"""The atom sites of a CIF's data block: positions, ions, occupancies, displacements."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence

import gemmi
import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.cif_block import CifBlock
from ixs_core.crystal import GRAM_CHARLIER_ORDER, Site, isotropic_u, u_to_cartesian
from ixs_core.errors import InputError
from ixs_core.lattice import Lattice
from ixs_core.scattering_factors import ion_name, parse_ion

_POSITION = ("_atom_site_fract_x", "_atom_site_fract_y", "_atom_site_fract_z")
_TYPE = "_atom_site_type_symbol"
_OCCUPANCY = "_atom_site_occupancy"
_MULTIPLICITY = ("_atom_site_site_symmetry_multiplicity", "_atom_site_symmetry_multiplicity")
_U_PER_B = 1 / (8 * math.pi**2)
_INDICES = ("11", "22", "33", "12", "13", "23")
_MOST_NAMED = 6  # sites spelled out in a sentence
_HIGHER_ORDER = re.compile(r"_jana_atom_site_adp_[def]_\d+|_atom_site_anharm_gc_[cd]_\d+")
_OCCUPANCY_SLACK = 0.05  # a free refinement may end a little above 1


def read_sites(
    source: CifBlock, lattice: Lattice, elements: Collection[str] = ()
) -> tuple[tuple[Site, ...], list[str]]:
    """The sites of a data block, and what had to be assumed.

    Parameters
    ----------
    source : CifBlock
    lattice : Lattice
        Its cell.
    elements : collection of str
        Those of the formula: they decide when a label is all there is to tell the element.

    Raises
    ------
    InputError
        A number is none, an element is unknown, an occupancy is impossible, or no site has
        coordinates.
    """
    reader = _SiteReader(source, lattice, elements)
    sites = [reader.site(row) for row in range(reader.count) if reader.is_atom(row)]
    if not sites:
        raise source.error("there is no atom site with coordinates", _POSITION[0])
    outside = [s.label for s in sites if np.any((s.position < 0) | (s.position >= 1))]
    if outside:
        reader.notes.append(
            f"coordinates outside 0..1 ({_named(outside)}): the atoms of the cell are their "
            "translates inside it"
        )
    without_u = [site.label for site in sites if site.u is None]
    if without_u:
        reader.notes.append(f"no displacement parameters for {_named(without_u)}")
    return tuple(sites), [*reader.notes, *_unused(source)]


class _SiteReader:
    """Rows of the atom-site loop as sites; collects notes on the way."""

    def __init__(self, source: CifBlock, lattice: Lattice, elements: Collection[str]) -> None:
        self.source = source
        self.lattice = lattice
        self.elements = elements
        self.count = len(source.column(_POSITION[0]))
        self.labels = self._labels()
        self.notes = self._duplicate_labels()
        self._anisotropic = _rows_by_label(source, "_atom_site_aniso_label")
        self._third_order = _rows_by_label(source, "_jana_atom_site_adp_c_label")
        self._seen: dict[str, int] = {}

    def is_atom(self, row: int) -> bool:
        """Whether a row is an atom with coordinates; notes those that are not."""
        label = self.labels[row]
        if self._value(row, "_atom_site_calc_flag").lower() == "dum":
            self.notes.append(f"site {label} is marked as a dummy: left out")
            return False
        if not all(self._value(row, tag) for tag in _POSITION):
            self.notes.append(f"site {label} has no coordinates: left out")
            return False
        return True

    def site(self, row: int) -> Site:
        label = self.labels[row]
        element, ion = self._ion(row)
        u, isotropic = self._u(row)
        position = np.array([self._number(row, tag) for tag in _POSITION])
        gram_charlier = self._gram_charlier(label)
        self._seen[label] = self._seen.get(label, 0) + 1
        for array in (position, u, gram_charlier):
            if array is not None:
                array.flags.writeable = False
        return Site(
            label=label,
            element=element,
            ion=ion,
            position=position,
            occupancy=self._occupancy(row),
            u=u,
            isotropic=isotropic,
            gram_charlier=gram_charlier,
            multiplicity=self._multiplicity(row),
        )

    def _labels(self) -> list[str]:
        labels = self.source.column("_atom_site_label")
        types = self.source.column(_TYPE)
        names = labels or types or ("",) * self.count
        return [name or f"site {i}" for i, name in enumerate(names, start=1)]

    def _duplicate_labels(self) -> list[str]:
        twice = [label for label, count in Counter(self.labels).items() if count > 1]
        if not twice or not self.source.column("_atom_site_label"):
            return []
        return [
            f"several sites have the label {_named(twice)}: their displacement parameters are "
            "matched in the order of the file"
        ]

    def _value(self, row: int, *tags: str) -> str:
        column = self.source.column(*tags)
        return column[row] if row < len(column) else ""

    def _number(self, row: int, tag: str) -> float:
        return self.source.as_number(self._value(row, tag), tag, f"site {self.labels[row]}")

    def _ion(self, row: int) -> tuple[str, str]:
        """Element and ion, from the type symbol or else from the label."""
        symbol, label = self._value(row, _TYPE), self.labels[row]
        if not symbol:
            element = _element_of_label(label, self.elements)
            if element is None:
                raise self.source.error(
                    f"the element of site {label} is not known", _TYPE, expected="a type symbol"
                )
            self.notes.append(f"site {label} has no type symbol: taken as {element} by its label")
            return element, element
        try:
            element, charge = parse_ion(symbol)
        except InputError as error:
            numbered = re.fullmatch(r"([A-Za-z]{1,2})\d+", symbol)
            if numbered is None or gemmi.Element(numbered[1]).atomic_number == 0:
                raise self.source.error(
                    f"unknown type symbol of site {label}",
                    _TYPE,
                    found=symbol,
                    expected='an element or ion such as "Cu" or "Cu1+"',
                ) from error
            element, charge = gemmi.Element(numbered[1]).name, 0
            self.notes.append(f"type symbol {symbol} of site {label}: read as {element}")
        return element, ion_name(element, charge)

    def _occupancy(self, row: int) -> float:
        if not self._value(row, _OCCUPANCY):
            return 1.0
        occupancy, label = self._number(row, _OCCUPANCY), self.labels[row]
        if not 0 <= occupancy <= 1 + _OCCUPANCY_SLACK:
            raise self.source.error(
                f"impossible occupancy of site {label}",
                _OCCUPANCY,
                found=occupancy,
                expected="0 to 1: the share of the atoms of this position that are there",
            )
        if occupancy > 1:
            self.notes.append(f"the occupancy of site {label} is {occupancy:g}, more than 1")
        return occupancy

    def _multiplicity(self, row: int) -> int | None:
        text = self._value(row, *_MULTIPLICITY)
        return int(text) if text.isdigit() else None

    def _u(self, row: int) -> tuple[FloatArray | None, bool]:
        """U as a CIF has it, and whether the file has an isotropic one only."""
        label = self.labels[row]
        u = self._anisotropic_u(label)
        isotropic = u is None
        if u is None:
            u = self._isotropic_u(row)
            if u is not None and self._value(row, "_atom_site_adp_type").lower().endswith("ani"):
                self.notes.append(
                    f"site {label} is called anisotropic but has no full tensor: its isotropic "
                    "equivalent is used"
                )
        if u is not None and np.linalg.eigvalsh(u_to_cartesian(u, self.lattice))[0] <= 0:
            self.notes.append(f"the displacement parameters of site {label} are not positive")
        return u, isotropic and u is not None

    def _anisotropic_u(self, label: str) -> FloatArray | None:
        row = self._row_of(self._anisotropic, label)
        if row is None:
            return None
        for prefix, scale in (("_atom_site_aniso_u_", 1.0), ("_atom_site_aniso_b_", _U_PER_B)):
            tags = [prefix + index for index in _INDICES]
            values = [self._value(row, tag) for tag in tags]
            if all(values):
                where = f"site {label}"
                numbers = [
                    self.source.as_number(value, tag, where)
                    for value, tag in zip(values, tags, strict=True)
                ]
                u11, u22, u33, u12, u13, u23 = (scale * number for number in numbers)
                return np.array([[u11, u12, u13], [u12, u22, u23], [u13, u23, u33]])
        return None

    def _isotropic_u(self, row: int) -> FloatArray | None:
        for tag, scale in (
            ("_atom_site_u_iso_or_equiv", 1.0),
            ("_atom_site_b_iso_or_equiv", _U_PER_B),
        ):
            if self._value(row, tag):
                return isotropic_u(scale * self._number(row, tag), self.lattice)
        return None

    def _gram_charlier(self, label: str) -> FloatArray | None:
        row = self._row_of(self._third_order, label)
        if row is None:
            return None
        tags = [f"_jana_atom_site_adp_c_{index}" for index in GRAM_CHARLIER_ORDER]
        values = [self._value(row, tag) for tag in tags]
        if not any(values):
            return None
        return np.array(
            [
                self.source.as_number(value or "0", tag, f"site {label}")
                for value, tag in zip(values, tags, strict=True)
            ]
        )

    def _row_of(self, rows: Mapping[str, Sequence[int]], label: str) -> int | None:
        """The row about a label; of sites with the same label, each has its own in turn."""
        found = rows.get(label, ())
        return found[min(self._seen.get(label, 0), len(found) - 1)] if found else None


def _rows_by_label(source: CifBlock, tag: str) -> dict[str, list[int]]:
    rows: dict[str, list[int]] = {}
    for row, label in enumerate(source.column(tag)):
        if label:
            rows.setdefault(label, []).append(row)
    return rows


def _element_of_label(label: str, elements: Collection[str]) -> str | None:
    """The element that a label ("Cu1", "OW2", "CL3") begins with."""
    letters = re.match(r"[A-Za-z]{0,2}", label)
    both = letters[0] if letters else ""
    candidates = [part.capitalize() for part in (both, both[:1]) if part]
    candidates = [name for name in candidates if gemmi.Element(name).atomic_number > 0]
    return next((name for name in candidates if name in elements), next(iter(candidates), None))


def _unused(source: CifBlock) -> list[str]:
    """A sentence when the block has anharmonic parameters that a `Site` does not hold."""
    unused = [
        tag
        for tag in source.tags
        if _HIGHER_ORDER.fullmatch(tag)
        and any(value and gemmi.cif.as_number(value) != 0 for value in source.column(tag))
    ]
    if not unused:
        return []
    return [f"anharmonic displacement parameters that are not used: {_named(unused)}"]


def _named(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_MOST_NAMED])
    return shown + (f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else "")
