"""A fit in words, as the tab Fit says it beside the numbers. Qt-free."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from gui.models.fit_draft import parameter_text
from gui.models.fit_subject import Subject
from ixs_core.report_parts import with_error
from ixs_reduce.fit_words import own_flags, poor, quality_text, reduced_text, width_limit
from ixs_reduce.fitting import SpectrumFit
from ixs_reduce.mode_fit import Value

Grade = Literal["plain", "good", "warning", "error"]


@dataclass(frozen=True)
class Words:
    """A line of the report: what it says and how grave it is."""

    text: str
    grade: Grade = "plain"


def report(subject: Subject, masked: bool, failure: str | None) -> list[Words]:
    """What there is to say of a spectrum and its model, most pressing first."""
    said = []
    if masked:
        said.append(Words("Masked: left out of all fits. Unmask it on the tab Scans.", "warning"))
    if failure is not None:
        said.append(Words(f"The last fit failed: {failure}. Data and numbers are kept.", "error"))
    said += _state(subject)
    if subject.state == "fitted" and subject.fit is not None:
        said += fit_report(subject.fit)
    else:
        said += _of_draft(subject)
    return said + _data(subject)


def fit_report(fit: SpectrumFit) -> list[Words]:
    """Goodness, zero, limits, correlations, warnings and remarks of a fit."""
    said = [Words(quality_text(fit), "warning" if poor(fit) else "plain")]
    said.append(Words(f"Energy zero {value_text(fit.zero)} meV"))
    if not fit.converged:
        said.append(Words(fit.message, "error"))
    for index, mode in enumerate(fit.modes):
        limit = width_limit(fit, index)
        if limit is not None:
            said.append(
                Words(f"FWHM of mode {index + 1} < {limit:.2g} meV (95 %): not resolved", "warning")
            )
        if mode.overdamped:
            said.append(
                Words(
                    f"Mode {index + 1} is overdamped (FWHM > 2 E): "
                    f"E²/FWHM = {value_text(mode.overdamping)} meV counts",
                    "warning",
                )
            )
    said += correlations(fit)
    said += [Words(text, "warning") for text in fit.warnings]
    return said + [Words(_capital(text)) for text in fit.remarks]


def correlations(fit: SpectrumFit) -> list[Words]:
    """Pairs of parameters that the data hardly tell apart (|correlation| > 0.95)."""
    return [
        Words(
            f"Correlated: {parameter_text(one)} and {parameter_text(two)} ({value:+.2f})".replace(
                "-", "−"
            ),
            "warning",
        )
        for one, two, value in fit.correlated
        if math.isfinite(value)
    ]


def value_text(value: Value) -> str:
    """A fitted number with its error in the last digits, a real minus sign."""
    if value.at_bound:
        return f"{value.value:.3g} (at a bound)".replace("-", "−")
    return with_error(value.value, value.stderr).replace("-", "−")


def _state(subject: Subject) -> list[Words]:
    if subject.state == "fitted":
        return [Words("Fitted", "good")]
    if subject.state == "edited":
        text = "Changed since the fit" if subject.fit is not None else "Not fitted yet"
        return [Words(f"{text}: Ctrl+F fits from here", "warning")]
    if subject.state == "neighbour" and subject.lender is not None:
        lender = f"{subject.lender.key} {subject.lender.analyzer}"
        return [Words(f"Not fitted yet; start taken from {lender}: Ctrl+F fits", "warning")]
    if subject.state == "empty":
        return [Words("No modes yet: double-click a peak, or press Search modes", "warning")]
    if not subject.spectrum.counts.sum() > 0:
        return [Words("No counts to fit", "warning")]
    missing = []
    if subject.resolution is None:
        missing.append(
            Words(
                f"No resolution for {subject.which.analyzer}: drop R.h5 of `ixs resolution` here, "
                "or give a nominal FWHM above",
                "warning",
            )
        )
    if subject.temperature_k is None:
        missing.append(Words("The sample temperature is not known: give it above", "warning"))
    return missing


def _of_draft(subject: Subject) -> list[Words]:
    deviance = subject.deviance
    if deviance is None:
        return []
    draft = subject.draft
    free = sum(not (q.fixed or q.tie) for q in map(draft.quantity, draft.names))
    dof = int(subject.used.sum()) - free
    name = "Deviance" if draft.objective == "poisson" else "χ²"
    ratio = reduced_text(deviance / dof) if dof > 0 else "–"
    said = [Words(f"{name}/dof as drawn {ratio} ({dof} dof)")]
    return [*said, Words(f"Energy zero {draft.zero.value:.3f} meV".replace("-", "−"))]


def _data(subject: Subject) -> list[Words]:
    """Of the resolution, and of points and flags of the spectrum."""
    said = []
    if subject.resolution is not None and subject.chosen is not None:
        fwhm = subject.resolution.fwhm_mev
        if subject.chosen.nominal:
            said.append(
                Words(
                    f"Resolution nominal, FWHM {fwhm:.2f} meV, not measured: widths are not to "
                    "be trusted",
                    "warning",
                )
            )
        else:
            said.append(Words(f"Resolution FWHM {fwhm:.2f} meV, {subject.chosen.origin}"))
        if subject.resolution.sha256 != subject.chosen.resolution.sha256:
            said.append(
                Words(
                    "This fit was made with another resolution than the one now known (FWHM "
                    f"{subject.chosen.resolution.fwhm_mev:.2f} meV, {subject.chosen.origin})",
                    "warning",
                )
            )
    left = int(subject.spectrum.counts.size - subject.used.sum())
    if left:
        bursts = len(subject.stage.bursts)
        text = f"{left} of {subject.spectrum.counts.size} points are not fitted (drawn faint)"
        said.append(Words(text + (f", {bursts} of them bursts of noise" if bursts else "")))
    return said + [
        Words(f"{flag.code}: {flag.message}", "warning") for flag in own_flags(subject.spectrum)
    ]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
