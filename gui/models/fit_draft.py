"""The model of a spectrum as the user draws it: numbers, which are fixed, which are tied. Qt-free.

A draft is a frozen value; every gesture and every edit of a table makes another one. Parameters
have the names of the fit ("mode1_energy", "elastic", "zero").
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from ixs_reduce.likelihood import Objective
from ixs_reduce.line_sets import SINGLE, FoldedLine, Member
from ixs_reduce.resolution import Resolution
from ixs_reduce.spectrum_model import (
    BACKGROUND_TERMS,
    LOWEST_ENERGY,
    LOWEST_WIDTH,
    Background,
    SpectrumModel,
)

QUANTITIES = ("energy", "fwhm", "amplitude")
_OF_MODE = re.compile(r"mode(\d+)_(energy|fwhm|amplitude)")
_IN_TIE = re.compile(r"\bmode(\d+)_")


@dataclass(frozen=True)
class Quantity:
    """A parameter of a draft: its value, whether a fit leaves it there, what it is tied to.

    tie : an expression of other parameters' names ("mode1_fwhm", "2 * mode1_energy"), "" for none.
    """

    value: float
    fixed: bool = False
    tie: str = ""

    def at(self, value: float) -> Quantity:
        """The same at another value."""
        return replace(self, value=value)


@dataclass(frozen=True)
class ModeDraft:
    """A mode: undamped energy and FWHM in meV, amplitude per unit exposure.

    branch : label given by a prediction. members : its unresolved lines; empty for one line.
    """

    energy: Quantity
    fwhm: Quantity
    amplitude: Quantity
    branch: str = ""
    members: tuple[Member, ...] = ()


@dataclass(frozen=True)
class FitDraft:
    """The model of one spectrum.

    Parameters
    ----------
    modes : tuple of ModeDraft
    zero : Quantity
        meV; true energy = file energy - zero.
    elastic : Quantity or None
        Area of the elastic line per unit exposure, meV; None without one.
    qe_amplitude, qe_fwhm : Quantity or None
        Of the quasi-elastic line; both None without one.
    background : "linear", "constant" or "none"
    background_c0, background_c1 : Quantity
    folded, folded_scale : tuple of FoldedLine, Quantity
        Weak modes of a prediction, as one term.
    range_mev : (low, high) or None
        File energies that are fitted; None for all.
    objective : "poisson" or "chi2"
    starts : int
        Start points of a fit; the first is this draft.
    """

    modes: tuple[ModeDraft, ...] = ()
    zero: Quantity = Quantity(0.0)
    elastic: Quantity | None = Quantity(1.0)
    qe_amplitude: Quantity | None = None
    qe_fwhm: Quantity | None = None
    background: Background = "linear"
    background_c0: Quantity = Quantity(0.0)
    background_c1: Quantity = Quantity(0.0)
    folded: tuple[FoldedLine, ...] = ()
    folded_scale: Quantity = field(default=Quantity(1.0))
    range_mev: tuple[float, float] | None = None
    objective: Objective = "poisson"
    starts: int = 1

    # -- as a model --------------------

    def model(self, resolution: Resolution, temperature_k: float) -> SpectrumModel:
        """The model that the draft describes, through a resolution."""
        has_members = any(mode.members for mode in self.modes)
        return SpectrumModel(
            resolution,
            temperature_k,
            modes=len(self.modes),
            elastic=self.elastic is not None,
            quasielastic=self.qe_amplitude is not None,
            background=self.background,
            folded=self.folded,
            members=[mode.members or SINGLE for mode in self.modes] if has_members else (),
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters, in the order of the model's."""
        modes = range(1, len(self.modes) + 1)
        names = [f"mode{number}_{quantity}" for number in modes for quantity in QUANTITIES]
        return (*names, *self.other_names)

    @property
    def other_names(self) -> tuple[str, ...]:
        """Names of the parameters that are not those of modes."""
        names = ["elastic"] if self.elastic is not None else []
        names += ["qe_amplitude", "qe_fwhm"] if self.qe_amplitude is not None else []
        names += ["folded_scale"] if self.folded else []
        names += ["background_c0", "background_c1"][: BACKGROUND_TERMS[self.background]]
        return (*names, "zero")

    @property
    def vector(self) -> FloatArray:
        """The values (n,) in the order of `names`."""
        return np.array([self.quantity(name).value for name in self.names])

    @property
    def tied(self) -> bool:
        """Whether any parameter is tied."""
        return any(self.quantity(name).tie for name in self.names)

    # -- single parameters --------------------

    def quantity(self, name: str) -> Quantity:
        """The parameter of a name.

        Raises
        ------
        InputError
            When the draft has none of this name.
        """
        match = _OF_MODE.fullmatch(name)
        if match and 1 <= int(match[1]) <= len(self.modes):
            found = getattr(self.modes[int(match[1]) - 1], match[2])
        else:
            found = getattr(self, name) if name in self.other_names else None
        if not isinstance(found, Quantity):
            raise InputError("the model has no such parameter", key=name)
        return found

    def with_quantity(self, name: str, quantity: Quantity) -> FitDraft:
        """The same with another parameter of a name; values are brought within their bounds."""
        self.quantity(name)
        if not math.isfinite(quantity.value):
            raise InputError("not a finite number", key=name, found=quantity.value)
        quantity = quantity.at(max(quantity.value, lowest(name)))
        match = _OF_MODE.fullmatch(name)
        if match is None:
            other: dict[str, Any] = {name: quantity}
            return replace(self, **other)
        index = int(match[1]) - 1
        changes: dict[str, Any] = {match[2]: quantity}
        modes = list(self.modes)
        modes[index] = replace(modes[index], **changes)
        return replace(self, modes=tuple(modes))

    def with_value(self, name: str, value: float) -> FitDraft:
        """The same with another value of a parameter, which is then no longer tied."""
        return self.with_quantity(name, replace(self.quantity(name), value=value, tie=""))

    def with_values(self, values: Mapping[str, float]) -> FitDraft:
        """The same with other values; fixed and tied parameters stay what they are."""
        draft = self
        for name, value in values.items():
            draft = draft.with_quantity(name, draft.quantity(name).at(value))
        return draft

    # -- modes --------------------

    def with_mode(self, mode: ModeDraft) -> tuple[FitDraft, int]:
        """The same with a further mode in the order of energies, and its 0-based place."""
        energy = mode.energy.value
        place = sum(other.energy.value <= energy for other in self.modes)
        places = {old: old + (old >= place) for old in range(len(self.modes))}
        draft = self._renumbered(places)
        modes = (*draft.modes[:place], mode, *draft.modes[place:])
        return replace(draft, modes=modes), place

    def without_mode(self, index: int) -> FitDraft:
        """The same without a mode (0-based); what was tied to it is free."""
        places = {old: old - (old > index) for old in range(len(self.modes)) if old != index}
        draft = self._renumbered(places)
        return replace(draft, modes=draft.modes[:index] + draft.modes[index + 1 :])

    def _renumbered(self, places: Mapping[int, int]) -> FitDraft:
        """Ties that speak of modes by their new numbers (places are 0-based)."""
        draft = self
        for name in self.names:
            quantity = self.quantity(name)
            if quantity.tie:
                tie = _renumbered_tie(quantity.tie, places)
                draft = draft.with_quantity(name, replace(quantity, tie=tie))
        return draft

    # -- other choices --------------------

    def with_elastic(self, wanted: bool) -> FitDraft:
        """With or without an elastic line."""
        return replace(self, elastic=(self.elastic or Quantity(1.0)) if wanted else None)

    def with_quasielastic(self, wanted: bool, fwhm_mev: float) -> FitDraft:
        """With or without a quasi-elastic line, which starts with a width."""
        if not wanted:
            return replace(self, qe_amplitude=None, qe_fwhm=None)
        return replace(
            self,
            qe_amplitude=self.qe_amplitude or Quantity(1.0),
            qe_fwhm=self.qe_fwhm or Quantity(fwhm_mev),
        )

    # -- as JSON --------------------

    def to_record(self) -> dict[str, Any]:
        """Plain data that JSON has and `from_record` turns back."""
        return {
            "modes": [
                {
                    **{name: _record(getattr(mode, name)) for name in QUANTITIES},
                    "branch": mode.branch,
                    "members": [list(member) for member in mode.members],
                }
                for mode in self.modes
            ],
            **{name: _record(getattr(self, name)) for name in _OTHERS},
            "background": self.background,
            "folded": [list(line) for line in self.folded],
            "range_mev": None if self.range_mev is None else list(self.range_mev),
            "objective": self.objective,
            "starts": self.starts,
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> FitDraft:
        """The draft that `to_record` described.

        Raises
        ------
        InputError
            When the record is damaged.
        """
        try:
            ends = record["range_mev"]
            return cls(
                modes=tuple(_mode_of(mode) for mode in record["modes"]),
                **{name: _quantity_of(record[name]) for name in _OTHERS},
                background=record["background"],
                folded=tuple(FoldedLine(*line) for line in record["folded"]),
                range_mev=None if ends is None else (float(ends[0]), float(ends[1])),
                objective=record["objective"],
                starts=int(record["starts"]),
            )
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise InputError(f"a stored model is damaged ({error!r})", key="fit") from error


_OTHERS = (
    "zero",
    "elastic",
    "qe_amplitude",
    "qe_fwhm",
    "background_c0",
    "background_c1",
    "folded_scale",
)


def lowest(name: str) -> float:
    """The lower bound of a parameter."""
    if name.endswith("_energy"):
        return LOWEST_ENERGY
    if name == "qe_fwhm":
        return LOWEST_WIDTH
    return -math.inf if name.startswith(("background", "zero")) else 0.0


def parameter_text(name: str) -> str:
    """What people call a parameter: "FWHM of mode 1"."""
    match = _OF_MODE.fullmatch(name)
    if match:
        quantity = {"energy": "energy", "fwhm": "FWHM", "amplitude": "amplitude"}[match[2]]
        return f"{quantity} of mode {match[1]}"
    return _TEXTS.get(name, name)


_TEXTS = {
    "elastic": "elastic line",
    "qe_amplitude": "quasi-elastic area",
    "qe_fwhm": "quasi-elastic FWHM",
    "folded_scale": "scale of weak modes",
    "background_c0": "background",
    "background_c1": "slope of the background",
    "zero": "energy zero",
}


def _renumbered_tie(tie: str, places: Mapping[int, int]) -> str:
    numbers = [int(number) - 1 for number in _IN_TIE.findall(tie)]
    if any(number not in places for number in numbers):
        return ""
    return _IN_TIE.sub(lambda match: f"mode{places[int(match[1]) - 1] + 1}_", tie)


def _record(quantity: Quantity | None) -> list[Any] | None:
    return None if quantity is None else [quantity.value, quantity.fixed, quantity.tie]


def _quantity_of(record: Any) -> Any:
    if record is None:
        return None
    value, fixed, tie = record
    return Quantity(float(value), bool(fixed), str(tie))


def _mode_of(record: Mapping[str, Any]) -> ModeDraft:
    return ModeDraft(
        **{name: _quantity_of(record[name]) for name in QUANTITIES},
        branch=str(record["branch"]),
        members=tuple(Member(*map(float, member)) for member in record["members"]),
    )
