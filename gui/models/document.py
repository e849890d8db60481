"""What the user does in the viewer, as one frozen value: undo is going back to an earlier one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from ixs_reduce import SpectrumFit
    from mem import Density
    from mem.density_result import DensityResult


class SpectrumId(NamedTuple):
    """A spectrum of the project: key of its scan or merged set, name of its analyzer."""

    key: str
    analyzer: str


class NewDensity(NamedTuple):
    """A density made in the viewer, with what the project stores beside it."""

    result: DensityResult
    density: Density


@dataclass(frozen=True)
class Document:
    """All that a project gets from the viewer and that can be undone.

    Parameters
    ----------
    masks : mapping
        Key of spectra -> names of masked analyzers.
    fits : mapping
        SpectrumId -> the fit made here, or None where one of the project was removed.
    densities : mapping
        Key -> density made here.
    choices : mapping
        (tab, name) -> value that JSON has: drafts of models, the list of the plan, paths.
    """

    masks: Mapping[str, frozenset[str]] = field(default_factory=dict)
    fits: Mapping[SpectrumId, SpectrumFit | None] = field(default_factory=dict)
    densities: Mapping[str, NewDensity] = field(default_factory=dict)
    choices: Mapping[tuple[str, str], Any] = field(default_factory=dict)

    def with_mask(self, key: str, names: frozenset[str]) -> Document:
        """The same with other masked analyzers of a key."""
        return replace(self, masks={**self.masks, key: names})

    def with_fits(self, fits: Mapping[SpectrumId, SpectrumFit | None]) -> Document:
        """The same with these fits in place of earlier ones of their spectra."""
        return replace(self, fits={**self.fits, **fits})

    def with_density(self, key: str, new: NewDensity) -> Document:
        """The same with a further density."""
        return replace(self, densities={**self.densities, key: new})

    def with_choice(self, tab: str, name: str, value: Any) -> Document:
        """The same with another choice; None removes it."""
        choices = {**self.choices, (tab, name): value}
        if value is None:
            del choices[tab, name]
        return replace(self, choices=choices)

    def choice(self, tab: str, name: str, default: Any = None) -> Any:
        """A choice of a tab."""
        return self.choices.get((tab, name), default)
