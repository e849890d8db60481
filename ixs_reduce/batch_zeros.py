"""Energy zeros of many spectra, found from all of them together."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from functools import partial

from ixs_core.errors import InputError
from ixs_core.jobs import Progress
from ixs_reduce.fit_options import FitOptions, LeftOut, Ready, temperature_of
from ixs_reduce.predicted_zero import judged_by_prediction
from ixs_reduce.scan import Flag
from ixs_reduce.spectrum import Spectrum
from ixs_reduce.zero_finder import ZeroEstimate, ZeroProfile, choose_zeros, zero_profile

# A zero known no better than this (meV) is a guess.
_GUESS = 0.3


def with_zeros(
    ready: list[Ready],
    options: FitOptions,
    run: partial[list[ZeroProfile | LeftOut]],
    progress: Progress | None,
) -> tuple[list[Ready], list[LeftOut]]:
    """Give every spectrum without a zero the one that all of them together suggest.

    Spectra that cover no trial zero are left out.
    """
    sought = [i for i, one in enumerate(ready) if zero_is_open(one.spectrum)]
    outcomes = run(
        partial(_profile_one, options=options), [ready[i] for i in sought], progress=progress
    )
    left_out = [outcome for outcome in outcomes if isinstance(outcome, LeftOut)]
    found = {i: o for i, o in zip(sought, outcomes, strict=True) if isinstance(o, ZeroProfile)}
    unknown = list(found)
    keyed: dict[tuple[Hashable, Hashable], ZeroProfile] = {}
    for i, profile in found.items():
        analyzer, scan = ready[i].spectrum.analyzer, _scan_key(ready[i].spectrum, i)
        # Spectra of one name are no repeats of one another: the second stands alone.
        keyed[analyzer, i if (analyzer, scan) in keyed else scan] = profile
    priors: dict[tuple[Hashable, Hashable], tuple[float, float]] = {}
    for i, key in zip(unknown, keyed, strict=True):
        guess, error = ready[i].spectrum.zero_mev, ready[i].spectrum.zero_err
        if guess is not None and error is not None:
            priors[key] = (guess, error)
    zeros = choose_zeros(keyed, options.zeros, priors)
    result = {i: one for i, one in enumerate(ready) if i not in sought}
    for i, key in zip(unknown, keyed, strict=True):
        spectrum, zero = ready[i].spectrum, zeros[key]
        flags = _zero_flags(spectrum, zero, alone=len(keyed) == 1)
        known = replace(spectrum, zero_mev=zero.value_mev, zero_err=zero.stderr_mev)
        result[i] = ready[i]._replace(spectrum=known.with_flags(flags))
    return [result[i] for i in sorted(result)], left_out


def zero_is_open(spectrum: Spectrum) -> bool:
    """Whether a zero must be found: there is none, or only a guess."""
    return spectrum.zero_mev is None or (
        spectrum.zero_err is not None and spectrum.zero_err >= _GUESS
    )


def _scan_key(spectrum: Spectrum, index: int) -> Hashable:
    """What spectra measured together share; a spectrum without a scan stands alone."""
    return index if spectrum.scan is None else (spectrum.file, spectrum.scan)


def _zero_flags(spectrum: Spectrum, zero: ZeroEstimate, alone: bool) -> tuple[Flag, ...]:
    if zero.certain:
        return ()
    if alone:
        text = "this spectrum alone tells its energy zero, and leaves a rival: look, or give it"
        return (Flag("zero-uncertain", text, spectrum.analyzer),)
    text = "the spectrum alone does not settle its energy zero; other scans and analyzers do"
    return (Flag("zero-from-others", text, spectrum.analyzer),)


def _profile_one(one: Ready, options: FitOptions) -> ZeroProfile | LeftOut:
    spectrum, resolution, predicted = one
    kelvin = temperature_of(spectrum, options)
    try:
        profile = zero_profile(spectrum, resolution, kelvin, options.zeros)
    except InputError as error:
        return LeftOut(spectrum, str(error))
    return profile if predicted is None else judged_by_prediction(profile, predicted)
