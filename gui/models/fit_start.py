"""Drafts to begin with: of a fit, like a neighbour's, empty, with one more mode. Qt-free."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from gui.models.fit_draft import FitDraft, ModeDraft, Quantity, lowest
from ixs_reduce.fitting import SpectrumFit
from ixs_reduce.line_sets import checked_members
from ixs_reduce.spectrum import Spectrum
from ixs_reduce.spectrum_model import LOWEST_ENERGY, SpectrumModel
from ixs_reduce.start_values import linear_start

_NEW_WIDTH = 0.5  # of a new mode, in FWHM of R
_STRENGTHS = ("_amplitude", "elastic", "folded_scale", "background_c0")


def draft_of_fit(fit: SpectrumFit, spectrum: Spectrum | None = None) -> FitDraft:
    """The draft whose fit this is: its values, with the fixed values and ties it started from.

    spectrum : the whole spectrum, by which the fitted range is known.
    """
    model = fit.model
    numbers: dict[str, Any] = {name: _quantity(fit, name) for name in fit.parameter_names}
    members = checked_members(model.members, model.n_modes) or ((),) * model.n_modes
    modes = tuple(
        ModeDraft(
            numbers.pop(f"mode{i + 1}_energy"),
            numbers.pop(f"mode{i + 1}_fwhm"),
            numbers.pop(f"mode{i + 1}_amplitude"),
            fit.branches[i] if i < len(fit.branches) else "",
            tuple(members[i]),
        )
        for i in range(model.n_modes)
    )
    draft = FitDraft(
        modes=modes,
        elastic=numbers.pop("elastic", None),
        background=model.background,
        folded=model.folded_lines,
        range_mev=None if spectrum is None else fitted_range(fit, spectrum),
        objective=fit.objective,
    )
    return replace(draft, **numbers)


def fitted_range(fit: SpectrumFit, spectrum: Spectrum) -> tuple[float, float] | None:
    """File energies between which a spectrum was fitted; None where it was as a whole."""
    low, high = float(fit.spectrum.energy_mev[0]), float(fit.spectrum.energy_mev[-1])
    inside = (spectrum.energy_mev >= low) & (spectrum.energy_mev <= high)
    return None if inside.all() else (low, high)


def draft_like(fit: SpectrumFit, spectrum: Spectrum, model: SpectrumModel) -> FitDraft:
    """A start for a spectrum from the fit of a neighbour: its modes, strengths found anew.

    model : carries resolution and temperature of the spectrum itself.
    """
    theirs = draft_of_fit(fit)
    modes = tuple(
        ModeDraft(Quantity(m.energy.value), Quantity(m.fwhm.value), Quantity(m.amplitude.value))
        for m in theirs.modes
    )
    zero = fit.zero.value if spectrum.zero_mev is None else spectrum.zero_mev
    draft = FitDraft(
        modes=modes,
        zero=Quantity(zero),
        elastic=None if theirs.elastic is None else Quantity(theirs.elastic.value),
        background=theirs.background,
    )
    if theirs.qe_fwhm is not None:
        draft = draft.with_quasielastic(True, theirs.qe_fwhm.value)
    return with_strengths(draft, spectrum, model)


def empty_draft(spectrum: Spectrum, model: SpectrumModel, zero_mev: float) -> FitDraft:
    """No modes yet: elastic line and background as strong as the counts have them."""
    return with_strengths(FitDraft(zero=Quantity(zero_mev)), spectrum, model)


def with_new_mode(
    draft: FitDraft, energy_mev: float, spectrum: Spectrum, model: SpectrumModel
) -> tuple[FitDraft, int]:
    """The draft with a mode more, as strong as the counts have it, and the mode's place.

    Parameters
    ----------
    draft : FitDraft
    energy_mev : float
        True energy; that of an anti-Stokes line stands for its partner.
    spectrum : Spectrum
        The points to fit.
    model : SpectrumModel
        Carries resolution and temperature.
    """
    width = _NEW_WIDTH * model.resolution.fwhm_mev
    mode = ModeDraft(Quantity(max(abs(energy_mev), LOWEST_ENERGY)), Quantity(width), Quantity(0.0))
    grown, place = draft.with_mode(mode)
    return with_strengths(grown, spectrum, model), place


def with_strengths(draft: FitDraft, spectrum: Spectrum, model: SpectrumModel) -> FitDraft:
    """The draft with all strengths that are free as the counts have them, by least squares.

    spectrum : the points to fit. model : carries resolution and temperature.
    """
    model = draft.model(model.resolution, model.temperature_k)
    energies = np.array([mode.energy.value for mode in draft.modes])
    widths = np.array([mode.fwhm.value for mode in draft.modes])
    zero = draft.zero.value
    vector, _ = linear_start(spectrum, model, energies, widths, zero_mev=zero)
    found = dict(zip(model.parameter_names, vector.tolist(), strict=True))
    values = {
        name: max(value, lowest(name))
        for name, value in found.items()
        if name.endswith(_STRENGTHS) and _is_free(draft.quantity(name))
    }
    if "background_c1" in found and _is_free(draft.background_c1):
        values["background_c1"] = 0.0  # the strengths are those beside a constant background
    return draft.with_values(values)


def _is_free(quantity: Quantity) -> bool:
    return not (quantity.fixed or quantity.tie)


def _quantity(fit: SpectrumFit, name: str) -> Quantity:
    value = float(fit.parameters[fit.parameter_names.index(name)])
    given = fit.start_parameters[name] if fit.start_parameters is not None else None
    if given is None:
        return Quantity(value)
    return Quantity(value, fixed=not given.vary and not given.expr, tie=given.expr or "")
