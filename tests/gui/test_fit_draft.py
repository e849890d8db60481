"""Drafts of models: values, ties, modes, JSON; the same numbers as the core's."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from gui.models.document import Document, SpectrumId
from gui.models.fit_draft import FitDraft, ModeDraft, Quantity
from gui.models.fit_inputs import choose_resolution, nearest_fitted, with_nominal
from gui.models.fit_jobs import fit_draft
from gui.models.fit_parameters import resolved, start_parameters, with_fixed, with_tie
from gui.models.fit_start import draft_of_fit, with_new_mode, with_strengths
from gui.models.fit_subject import Stage, Subject, started, stored_draft, with_draft
from ixs_core.errors import InputError
from ixs_reduce import Resolution, Spectrum, SpectrumModel, fit_spectrum
from ixs_reduce.line_sets import FoldedLine, Member

R = Resolution.from_components([("gaussian", 0.7, 0.0, 1.5), ("lorentzian", 0.3, 0.0, 1.5)], "A")
TRUTH = {
    "mode1_energy": 5.0,
    "mode1_fwhm": 0.8,
    "mode1_amplitude": 60.0,
    "mode2_energy": 11.0,
    "mode2_fwhm": 1.2,
    "mode2_amplitude": 90.0,
    "elastic": 150.0,
    "background_c0": 4.0,
    "background_c1": 0.02,
    "zero": 0.3,
}
MODEL = SpectrumModel(R, 300.0, modes=2)


def simulated(seed: int = 3) -> Spectrum:
    energy = np.linspace(-20, 22, 169)
    counts = np.random.default_rng(seed).poisson(MODEL.evaluate(TRUTH, energy))
    return Spectrum(energy, counts, np.ones(energy.size), temperature_k=300.0, analyzer="A")


def mode(energy: float, fwhm: float = 1.0, amplitude: float = 10.0) -> ModeDraft:
    return ModeDraft(Quantity(energy), Quantity(fwhm), Quantity(amplitude))


def three() -> FitDraft:
    return FitDraft(modes=(mode(3.0), mode(6.0, 1.5), mode(9.0)))


def test_a_draft_survives_json() -> None:
    draft = replace(
        three(),
        qe_amplitude=Quantity(2.0),
        qe_fwhm=Quantity(3.0, fixed=True),
        folded=(FoldedLine(4.0, 0.1, 2.0, "7"),),
        range_mev=(-10.0, 12.5),
        objective="chi2",
        starts=3,
    ).with_quantity("mode2_fwhm", Quantity(1.0, tie="mode1_fwhm"))
    first = replace(draft.modes[0], branch="1+2", members=(Member(0.9, 0.5), Member(1.1, 0.5)))
    draft = replace(draft, modes=(first, *draft.modes[1:]))
    assert FitDraft.from_record(json.loads(json.dumps(draft.to_record()))) == draft


def test_a_damaged_draft_is_said_to_be_so() -> None:
    record = three().to_record()
    del record["zero"]
    with pytest.raises(InputError, match="damaged"):
        FitDraft.from_record(record)


def test_names_and_vector_are_those_of_the_model() -> None:
    draft = three().with_quasielastic(True, 3.0)
    model = draft.model(R, 300.0)
    assert draft.names == model.parameter_names
    assert draft.vector.tolist() == [draft.quantity(name).value for name in model.parameter_names]


def test_a_tied_value_follows() -> None:
    draft = with_tie(three(), "mode2_fwhm", "2 * mode1_fwhm")
    assert draft.quantity("mode2_fwhm").value == 2.0
    draft = resolved(draft.with_value("mode1_fwhm", 0.4))
    assert draft.quantity("mode2_fwhm").value == pytest.approx(0.8)
    assert draft.with_value("mode2_fwhm", 1.0).quantity("mode2_fwhm").tie == ""


@pytest.mark.parametrize(
    ("tie", "message"),
    [
        ("mode7_fwhm", "no parameter"),
        ("mode1_fwhm +", "no expression"),
        ("mode2_fwhm", "back to itself"),
        ("3.0", "no parameter"),
        ("__import__('os').getcwd()", "no parameter"),
        ("mode1_fwhm / (mode1_energy - 3)", "cannot be worked out|no finite"),
    ],
)
def test_a_tie_that_makes_no_sense_is_refused(tie: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        with_tie(three(), "mode2_fwhm", tie)


def test_ties_in_a_circle_are_refused() -> None:
    draft = with_tie(three(), "mode1_fwhm", "mode2_fwhm")
    with pytest.raises(InputError, match="back to itself"):
        with_tie(draft, "mode2_fwhm", "mode1_fwhm")


def test_ties_follow_the_numbers_of_their_modes() -> None:
    draft = with_tie(three(), "mode3_fwhm", "mode2_fwhm")
    grown, place = draft.with_mode(mode(4.0))
    assert place == 1
    assert grown.quantity("mode4_fwhm").tie == "mode3_fwhm"
    shrunk = draft.without_mode(0)
    assert shrunk.quantity("mode2_fwhm").tie == "mode1_fwhm"
    assert draft.without_mode(1).quantity("mode2_fwhm") == Quantity(1.5)


def test_values_stay_within_their_bounds() -> None:
    draft = three().with_value("mode1_energy", -4.0).with_value("mode1_fwhm", -1.0)
    assert draft.quantity("mode1_energy").value == 0.05
    assert draft.quantity("mode1_fwhm").value == 0.0
    with pytest.raises(InputError, match="finite"):
        draft.with_value("zero", float("nan"))


def test_a_new_mode_is_as_strong_as_the_counts() -> None:
    spectrum = simulated()
    empty = with_strengths(FitDraft(zero=Quantity(0.3)), spectrum, MODEL)
    draft, place = with_new_mode(empty, -11.0, spectrum, MODEL)
    assert place == 0
    assert draft.modes[0].energy.value == 11.0
    assert draft.modes[0].amplitude.value == pytest.approx(TRUTH["mode2_amplitude"], rel=0.35)


def test_strengths_leave_what_is_fixed_or_tied() -> None:
    draft = with_fixed(three(), "mode1_amplitude", True)
    draft = with_tie(draft, "mode3_amplitude", "mode1_amplitude")
    found = with_strengths(draft, simulated(), MODEL)
    assert found.quantity("mode1_amplitude").value == 10.0
    assert found.quantity("mode3_amplitude").value == 10.0
    assert found.quantity("mode2_amplitude").value != 10.0


def test_a_fit_from_a_draft_is_the_core_s_fit_and_finds_the_truth() -> None:
    spectrum = simulated()
    draft = FitDraft(zero=Quantity(0.2))
    for energy in (4.4, 12.0):
        draft, _ = with_new_mode(draft, energy, spectrum, MODEL)
    fit = fit_draft(draft, spectrum, draft.model(R, 300.0))
    given = MODEL.parameters([4.4, 12.0])
    for name in draft.names:
        given[name].set(value=draft.quantity(name).value)
    own = fit_spectrum(spectrum, MODEL, given, starts=1)
    np.testing.assert_allclose(fit.parameters, own.parameters, rtol=2e-4, atol=2e-4)
    assert fit.deviance == pytest.approx(own.deviance, abs=1e-5)
    for name, truth in TRUTH.items():
        value = fit.value(name)
        assert abs(value.value - truth) < 4 * value.stderr, name


def test_fixed_and_tied_parameters_of_a_fit() -> None:
    spectrum = simulated()
    draft = FitDraft(zero=Quantity(0.3), modes=(mode(5.2, 0.8, 60.0), mode(11.3, 1.0, 90.0)))
    draft = with_fixed(draft, "mode1_energy", True)
    draft = with_tie(draft, "mode2_fwhm", "mode1_fwhm")
    fit = fit_draft(draft, spectrum, draft.model(R, 300.0))
    assert fit.value("mode1_energy") == (5.2, 0.0, False)
    assert fit.value("mode2_fwhm").value == pytest.approx(fit.value("mode1_fwhm").value)
    again = draft_of_fit(fit, spectrum)
    assert again.quantity("mode1_energy").fixed
    assert again.quantity("mode2_fwhm").tie == "mode1_fwhm"
    assert again.vector.tolist() == fit.parameters.tolist()


def test_a_fixed_value_beyond_all_bounds_stays() -> None:
    draft = with_fixed(FitDraft(modes=(mode(60.0),)), "mode1_energy", True)
    model = draft.model(R, 300.0)
    assert start_parameters(draft, simulated(), model)["mode1_energy"].value == 60.0


def test_curves_of_a_draft_are_those_of_the_model() -> None:
    spectrum = simulated()
    draft = three().with_value("zero", 0.4)
    subject = Subject(SpectrumId("k", "A"), Stage(spectrum, R), None, 300.0)
    subject = started(subject, draft)
    model = draft.model(R, 300.0)
    values = dict(zip(draft.names, draft.vector.tolist(), strict=True))
    curves = subject.curves
    assert curves is not None
    np.testing.assert_allclose(
        curves.curves.total, model.evaluate(values, curves.curves.energy_mev + 0.4), rtol=1e-10
    )
    np.testing.assert_allclose(
        curves.expected_counts, model.evaluate(values, spectrum.energy_mev), rtol=1e-10
    )


def test_the_draft_to_begin_with() -> None:
    spectrum = simulated()
    which = SpectrumId("k", "A")
    bare = Subject(which, Stage(spectrum, R), None, 300.0)
    fit = fit_draft(three(), spectrum, three().model(R, 300.0))
    assert started(bare, None).state == "empty"
    lent = started(replace(bare, lender=which), None, fit)
    assert lent.state == "neighbour"
    assert [m.energy.value for m in lent.draft.modes] == [m.energy.value for m in fit.modes]
    assert started(replace(bare, fit=fit), None, fit).state == "fitted"
    assert started(replace(bare, fit=fit), three(), fit).state == "edited"
    assert started(replace(bare, stage=Stage(spectrum, None)), None).state == "bare"


def test_the_document_keeps_a_draft_and_forgets_it() -> None:
    which = SpectrumId("k", "A")
    document = with_draft(Document(), which, three())
    assert json.loads(json.dumps(document.choice("fit", "k|A"))) == three().to_record()
    assert stored_draft(document, which) == three()
    assert with_draft(document, which, None) == Document()
    assert with_draft(Document(), which, None) == Document()


def test_where_a_resolution_comes_from() -> None:
    fit = fit_draft(three(), simulated(), three().model(R, 300.0))
    nominal = with_nominal(Document(), 2.0)
    assert choose_resolution("A", Document(), {}, []) is None
    chosen = choose_resolution("B", nominal, {}, [fit])
    assert chosen is not None
    assert chosen.nominal
    assert chosen.resolution.fwhm_mev == pytest.approx(2.0, rel=1e-4)
    chosen = choose_resolution("A", nominal, {}, [fit])
    assert chosen is not None
    assert chosen.resolution is fit.model.resolution
    other = Resolution.nominal(1.0)
    chosen = choose_resolution("A", nominal, {"A": other}, [fit])
    assert chosen is not None
    assert chosen.resolution is other


def test_the_nearest_fitted_neighbour() -> None:
    known = [SpectrumId(key, name) for key in ("s1", "s2", "s3") for name in ("a", "b")]
    fitted = {SpectrumId("s1", "a"), SpectrumId("s2", "b"), SpectrumId("s3", "b")}
    assert nearest_fitted(SpectrumId("s3", "a"), known, fitted.__contains__) == ("s1", "a")
    assert nearest_fitted(SpectrumId("s1", "b"), known, fitted.__contains__) == ("s2", "b")
    assert nearest_fitted(SpectrumId("s2", "a"), known, {known[3]}.__contains__) == ("s2", "b")
    assert nearest_fitted(known[0], known, lambda _: False) is None
